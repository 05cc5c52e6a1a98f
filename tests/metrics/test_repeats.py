"""Scores of repeated responses: their formulae, known signal and noise, and what is refused."""

import numpy as np
import pytest

from neurokit.errors import DataError
from neurokit.metrics import cc_max, repeat_scores

REPEATS, FRAMES, NEURONS = 10, 4000, 6


def made(noise: float, seed: int = 0, neurons: int = NEURONS) -> tuple[np.ndarray, np.ndarray]:
    """A signal of variance 1, F N, and its repeats with independent noise, R F N."""
    random = np.random.default_rng(seed)
    signal = random.normal(size=(FRAMES, neurons))
    return signal, signal + noise * random.normal(size=(REPEATS, FRAMES, neurons))


@pytest.mark.parametrize("noise", [0.5, 1.0, 3.0])
def test_the_ceiling_is_that_of_known_signal_and_noise(noise: float) -> None:
    expected = 1 / np.sqrt(1 + noise**2 / REPEATS)
    np.testing.assert_allclose(cc_max(made(noise)[1]), expected, atol=0.02)


@pytest.mark.parametrize("noise", [0.5, 3.0])
def test_a_perfect_prediction_of_the_signal_reaches_one_whatever_the_noise(noise: float) -> None:
    signal, responses = made(noise)
    found = repeat_scores(responses, np.broadcast_to(signal, responses.shape))
    np.testing.assert_allclose(found.cc_norm, 1, atol=0.03)
    half = signal + np.random.default_rng(1).normal(size=signal.shape)  # correlates by 1 / sqrt(2)
    np.testing.assert_allclose(
        repeat_scores(responses, np.broadcast_to(half, responses.shape)).cc_norm, 0.5**0.5, atol=0.04
    )


def test_scores_are_their_formulae() -> None:
    random = np.random.default_rng(2)
    responses, predicted = random.normal(size=(3, 20, 2)), random.normal(size=(3, 20, 2))
    responses += 2 * random.normal(size=(20, 2))
    found = repeat_scores(responses, predicted)
    for n in range(2):
        y, p = responses[..., n], predicted[..., n]
        signal = (y.sum(axis=0).var() - y.var(axis=1).sum()) / 6
        ceiling = np.sqrt(signal / y.mean(axis=0).var())
        cc = np.corrcoef(y.mean(axis=0), p.mean(axis=0))[0, 1]
        assert found.cc_max[n] == pytest.approx(ceiling, abs=1e-9)
        assert found.cc_abs[n] == pytest.approx(cc, abs=1e-6)
        assert found.cc_norm[n] == pytest.approx(cc / ceiling, abs=1e-6)
        assert found.single_trial[n] == pytest.approx(np.corrcoef(y.ravel(), p.ravel())[0, 1], abs=1e-6)
        assert found.absolute_error[n] == pytest.approx(np.abs(y - p).mean(), abs=1e-9)


def test_noise_alone_has_no_ceiling_to_speak_of() -> None:
    noise = np.random.default_rng(3).normal(size=(REPEATS, FRAMES, 400))
    found = repeat_scores(noise, np.random.default_rng(4).normal(size=noise.shape))
    assert 0.3 < (found.cc_max == 0).mean() < 0.7  # the estimate of the signal's power is unbiased
    assert np.isnan(found.cc_norm[found.cc_max == 0]).all()
    assert found.cc_max.max() < 0.4


def test_a_silent_cell_scores_nothing() -> None:
    responses = made(1.0)[1]
    responses[..., 2] = 0.3
    found = repeat_scores(responses, made(1.0, seed=5)[1])
    assert found.cc_max[2] == found.cc_abs[2] == 0 and np.isnan(found.cc_norm[2])
    assert (found.cc_max[[0, 1, 3]] > 0.9).all()


@pytest.mark.parametrize(
    ("responses", "predicted", "says"),
    [
        (np.zeros((2, 9, 3)), np.zeros((2, 9, 2)), r"responses are \(2, 9, 3\), predictions \(2, 9, 2\)"),
        (np.zeros((1, 9, 3)), np.zeros((1, 9, 3)), "There are 1 repeats of 9 frames"),
        (np.zeros((2, 1, 3)), np.zeros((2, 1, 3)), "There are 2 repeats of 1 frames"),
        (np.full((2, 9, 3), np.nan), np.zeros((2, 9, 3)), "NaN or infinite"),
        (np.zeros((2, 9, 3)), np.full((2, 9, 3), np.inf), "NaN or infinite"),
    ],
)
def test_what_cannot_be_scored_is_refused(responses: np.ndarray, predicted: np.ndarray, says: str) -> None:
    with pytest.raises(DataError, match=says):
        unchecked(responses, predicted)


def unchecked(responses: np.ndarray, predicted: np.ndarray) -> object:
    """The plain function: the tests' shape checker would refuse unequal shapes first."""
    return getattr(repeat_scores, "__wrapped__", repeat_scores)(responses, predicted)
