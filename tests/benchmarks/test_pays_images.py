"""The simple rival of lesson 06's study: its Gabors are those that mice are made of, its fit is ridge."""

import numpy as np
from sklearn.linear_model import Ridge

from neurokit.sensorium.simulated_mouse import Cells
from neurokit.simulation.scenes import gratings
from pays.images import FREQUENCIES, ORIENTATIONS, PENALTIES, WIDTH, _make_gabors, _ridge, gabor_features

PLACE = np.array([15.0, 30.0])  # row and column


def test_the_bank_holds_the_filters_of_simulated_cells() -> None:
    frequency = np.repeat(FREQUENCIES, len(ORIENTATIONS))
    count = len(frequency)
    cells = Cells(
        coordinates=np.zeros((count, 3)),
        center=np.tile(PLACE, (count, 1)),
        sigma=WIDTH / frequency,
        orientation=np.tile(ORIENTATIONS, len(FREQUENCIES)),
        frequency=frequency,
        phase=np.zeros(count),
        complex=np.zeros(count, dtype=bool),
    )
    bank = _make_gabors((36, 64), PLACE)
    np.testing.assert_allclose(bank[0::2], cells.filters(), atol=1e-12)
    np.testing.assert_allclose(bank[1::2], cells.filters(np.pi / 2), atol=1e-12)


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
