"""The simple rival of lesson 06's study: its Gabors are pairs at one place, its fit is ridge."""

import numpy as np
from sklearn.linear_model import Ridge

from neurokit.simulation.scenes import gratings
from pays.images import FREQUENCIES, ORIENTATIONS, PENALTIES, _make_gabors, _ridge, gabor_features

PLACE = np.array([15.0, 30.0])  # row and column


def test_the_bank_is_pairs_of_an_even_and_an_odd_filter_at_its_place() -> None:
    """Mirrored at its place an even one is itself, and an odd one its negative; elsewhere neither holds."""
    bank = _make_gabors(PLACE)
    assert len(bank) == 2 * len(FREQUENCIES) * len(ORIENTATIONS)
    np.testing.assert_allclose((bank**2).sum(axis=(1, 2)), 1)
    row, column = PLACE.astype(int)
    around = bank[:, : 2 * row + 1, : 2 * column + 1]
    mirrored = around[:, ::-1, ::-1]
    np.testing.assert_allclose(mirrored[0::2], around[0::2], atol=1e-4)  # the edges are not symmetric
    np.testing.assert_allclose(mirrored[1::2], -around[1::2], atol=1e-4)  # the edges are not symmetric
    shifted = _make_gabors(PLACE + 1)[:, : 2 * row + 1, : 2 * column + 1]
    assert np.abs(shifted[:, ::-1, ::-1][0::2] - shifted[0::2]).max() > 0.05


def test_energy_does_not_mind_the_phase_and_outputs_do() -> None:
    phases = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    shown = gratings(np.zeros(12), np.full(12, FREQUENCIES[1]), phases)
    features = gabor_features(shown.astype(np.float32), PLACE)
    outputs, energy = features[:, :48], features[:, 48:]
    best = energy.mean(axis=0).argmax()
    assert best == len(ORIENTATIONS)  # vertical bars, middle spacing
    assert np.ptp(energy[:, best]) < 0.1 * energy[:, best].mean()
    assert np.ptp(outputs[:, best]) > 1.5 * energy[:, best].mean()


def test_the_fit_is_ridge_at_the_penalty_that_is_best_on_validation() -> None:
    random = np.random.default_rng(0)
    features = [random.standard_normal((size, 5)) for size in (40, 30, 20)]
    train, held = (each @ np.arange(5) + 3 * random.standard_normal(len(each)) for each in features[:2])
    _, _, predicted = _ridge(features, train, held)
    mean, spread = features[0].mean(axis=0), features[0].std(axis=0)
    scaled = [(each - mean) / spread for each in features]
    models = [Ridge(alpha=penalty).fit(scaled[0], train) for penalty in PENALTIES]
    best = min(models, key=lambda model: ((model.predict(scaled[1]) - held) ** 2).mean())
    np.testing.assert_allclose(predicted, best.predict(scaled[2]), rtol=1e-6)
