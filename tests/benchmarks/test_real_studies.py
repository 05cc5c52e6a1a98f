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
    counts = behaviour[:, 0] + 0.5 * random.normal(size=TRIALS)
    row = real_ibl.scores(behaviour, counts, seeds=3, shifts=10)
    assert min(row["random"]) > 0.7 and row["blocked"] > 0.7  # 0.8 is the share of variance that was planted
    assert row["random_null"] < 0.1 and row["blocked_null"] < 0.1


def test_random_folds_flatter_slow_drift_and_noise_gives_nothing(random):
    drift = np.cos(np.pi * np.outer(np.arange(TRIALS) / TRIALS, np.arange(1, real_ibl.COSINES + 1)))
    walk = np.cumsum(random.normal(size=TRIALS))
    flattered = real_ibl.scores(drift, (walk - walk.mean()) / walk.std(), seeds=2, shifts=0)
    assert min(flattered["random"]) > flattered["blocked"] + 0.1
    nothing = real_ibl.scores(drift, random.normal(size=TRIALS), seeds=2, shifts=0)
    assert max(nothing["random"]) < 0.15 and nothing["blocked"] < 0.15


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
