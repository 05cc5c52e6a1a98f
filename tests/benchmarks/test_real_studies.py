"""The studies of real recordings find what was planted, and nothing where nothing was."""

import numpy as np
import pytest

import real_ibl
import real_natural_movie
import real_networks

TRIALS, SECONDS, REPEATS, UNITS = 240, 30, 20, 12


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(0)


def test_ridge_finds_planted_behaviour_in_both_splits(random):
    behaviour = random.normal(size=(TRIALS, 30))
    behaviour[random.random(behaviour.shape) < 0.02] = np.nan  # tracking fails now and then
    counts = np.nan_to_num(behaviour[:, 0]) + 0.5 * random.normal(size=TRIALS)
    row = real_ibl.scores(behaviour, counts, "behaviour", seeds=3, shifts=10)
    assert (
        min(row["random"]) > 0.7 and min(row["blocked"]) > 0.7
    )  # 0.8 is the share of variance that was planted
    assert row["random_null"] < 0.1 and row["blocked_null"] < 0.1


def test_random_folds_flatter_slow_drift_and_noise_gives_nothing(random):
    walk, behaviour = np.cumsum(random.normal(size=TRIALS)), random.normal(size=(TRIALS, 3))
    flattered = real_ibl.scores(behaviour, (walk - walk.mean()) / walk.std(), "drift", seeds=2, shifts=0)
    assert min(flattered["random"]) > max(flattered["blocked"]) + 0.02
    nothing = real_ibl.scores(behaviour, random.normal(size=TRIALS), "drift", seeds=2, shifts=0)
    assert max(nothing["random"]) < 0.15 and max(nothing["blocked"]) < 0.15


def test_no_trial_is_read_from_its_own_fold(random):
    folds, counts = np.arange(TRIALS) * 8 // TRIALS, random.normal(size=TRIALS)
    train = folds != 0
    before = real_ibl.neighbours(counts, folds, train)
    counts[folds == 3] += 100
    after = real_ibl.neighbours(counts, folds, train)
    assert np.array_equal(before[folds == 3], after[folds == 3])
    assert (after[folds == 2] > before[folds == 2] + 1).any()


def test_a_planted_gain_of_running_is_found_with_the_right_repeat_alone(random):
    movie = random.gamma(2.0, 2.0, size=(UNITS, 1, SECONDS))
    running = random.gamma(1.0, 1.0, size=(REPEATS, SECONDS))
    counts = random.poisson(movie * (0.5 + running)).astype(float)
    channels = {"running": running, "pupil": random.normal(size=(REPEATS, SECONDS))}
    alone, own, pupil = (
        real_natural_movie.score(counts, channels, used, seed=0, shift=0)
        for used in ((), ("running",), ("pupil",))
    )
    other = real_natural_movie.score(counts, channels, ("running",), seed=0, shift=1)
    assert own > alone + 0.1
    assert abs(other - alone) < 0.05 and abs(pupil - alone) < 0.05


def test_a_grating_finer_than_a_pixel_fades_and_a_wide_one_does_not():
    fine, wide = np.array([[0.0, 0.47, 0.0]]), np.array([[0.0, 0.02, 0.0]])
    both = real_networks.draw_gratings(np.concatenate([wide, fine]))
    assert both.std() == pytest.approx(1)
    assert both[1].std() < 0.05 * both[0].std()
    assert np.ptp(both[0], axis=0).max() == pytest.approx(0, abs=1e-9)  # 0 degrees: vertical bars
