"""What running adds: found where it was planted, absent where it was not or belongs to other trials."""

import numpy as np
import pytest

from gratings.residuals import psth, residual, shifted
from gratings.running import lagged_running
from gratings.splits import split_repeats
from neurokit.errors import DataError
from neurokit.pupil_encoder.baselines import stack_lags

DIRECTION = np.tile(np.arange(4, dtype=np.float32), 12)
TRIALS, SAMPLES, CELLS = len(DIRECTION), 30, 5
PARTS = split_repeats(DIRECTION, seed=0, test=3, validation=2)
LAGS = np.arange(0, 6)


def running(seed: int = 0) -> np.ndarray:
    """Slow bouts, each trial its own."""
    steps = np.random.default_rng(seed).normal(size=(TRIALS, SAMPLES + 4))
    return np.lib.stride_tricks.sliding_window_view(steps, 5, axis=1).mean(axis=-1).astype(np.float32)


def responses(gain: float, speed: np.ndarray, seed: int = 1) -> np.ndarray:
    """A time course of each direction, the running of two samples before, noise."""
    random = np.random.default_rng(seed)
    courses = random.normal(size=(4, SAMPLES, CELLS))[DIRECTION.astype(int)]
    before = np.concatenate([speed[:, :1], speed[:, :1], speed[:, :-2]], axis=1)
    return courses + gain * before[..., None] + 0.3 * random.normal(size=courses.shape)


def explained(above: np.ndarray, given: np.ndarray | None) -> np.ndarray:
    predicted, wanted = lagged_running(given, above, PARTS, LAGS), above[PARTS.test]
    return 1 - ((wanted - predicted) ** 2).sum(axis=(0, 1)) / (wanted**2).sum(axis=(0, 1))


def test_planted_running_is_found_and_that_of_other_trials_is_worth_nothing() -> None:
    speed = running()
    above = residual(responses(1.0, speed), DIRECTION, PARTS.train)
    assert (explained(above, speed) > 0.4).all()
    assert (np.abs(explained(above, shifted(speed, DIRECTION, seed=0))) < 0.1).all()
    assert (np.abs(explained(above, None)) < 0.02).all()
    without = residual(responses(0.0, speed), DIRECTION, PARTS.train)
    assert (np.abs(explained(without, speed)) < 0.05).all()


def test_the_mean_time_course_is_that_of_training_trials_of_the_direction() -> None:
    found = responses(0.0, running())
    mean = psth(found, DIRECTION, PARTS.train)
    same = PARTS.train[DIRECTION[PARTS.train] == 2]
    np.testing.assert_allclose(mean[2], found[same].mean(axis=0))
    np.testing.assert_array_equal(mean[2], mean[6])
    above = residual(found, DIRECTION, PARTS.train)
    np.testing.assert_allclose(above[same].mean(axis=0), 0, atol=1e-12)
    found[PARTS.test] += 100
    np.testing.assert_array_equal(psth(found, DIRECTION, PARTS.train), mean)  # test trials are not read
    with pytest.raises(DataError, match="No training trial has direction 2"):
        psth(found, DIRECTION, PARTS.train[DIRECTION[PARTS.train] != 2])


@pytest.mark.parametrize("seed", range(5))
def test_shifted_running_is_that_of_another_trial_of_the_direction(seed: int) -> None:
    trial = np.repeat(np.arange(TRIALS, dtype=np.float32)[:, None], SAMPLES, axis=1)
    source = shifted(trial, DIRECTION, seed=seed)[:, 0].astype(int)
    assert sorted(source) == list(range(TRIALS))
    np.testing.assert_array_equal(DIRECTION[source], DIRECTION)
    far = np.abs(source - np.arange(TRIALS)) // 4
    assert np.minimum(far, 12 - far).min() >= 3
    with pytest.raises(DataError, match="has one trial"):
        shifted(trial[:1], DIRECTION[:1], seed=0)


def test_a_penalty_keeps_chance_smaller_than_least_squares_would() -> None:
    """Of a few short trials of noise, 24 lags would otherwise make something."""
    few = split_repeats(DIRECTION, seed=0, test=7, validation=4)  # 4 trials train
    above = np.random.default_rng(3).normal(size=(TRIALS, SAMPLES, CELLS))
    predicted = lagged_running(running(), above, few, np.arange(24))
    design = stack_lags(running()[..., None], np.arange(24))
    weights = np.linalg.lstsq(design[few.train].reshape(-1, 24), above[few.train].reshape(-1, CELLS))[0]
    plain = design[few.test] @ weights
    assert predicted.shape == plain.shape == (28, SAMPLES, CELLS)
    assert (predicted**2).mean() < 0.3 * (plain**2).mean()
