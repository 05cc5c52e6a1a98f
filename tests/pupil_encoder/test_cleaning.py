"""Cleaning of behaviour channels: numbers by hand, a walk along the trial, and leaks."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from neurokit.errors import DataError
from neurokit.pupil_encoder.cleaning import RobustScale, clean_pupil, find_pupil, find_short_gaps
from neurokit.pupil_encoder.simulation import draw_events, simulate_behaviour

brief = settings(max_examples=40, deadline=None)


def pupil(trials: int = 20, bins: int = 60, seed: int = 0) -> np.ndarray:
    """Uniform between 9 and 11: median 10, nothing near five robust deviations (about 3.7) away."""
    return np.random.default_rng(seed).uniform(9, 11, (trials, bins))


def cleaned(values: np.ndarray, training: np.ndarray | None = None, **options: object):
    training = np.ones(len(values), dtype=bool) if training is None else training
    return clean_pupil(values, training, name="m: pupil_area", **{"positive": True, **options})


def test_a_clean_pupil_comes_back_as_it_was() -> None:
    values = pupil()
    clean = cleaned(values)
    np.testing.assert_array_equal(clean.values, values)
    assert clean.trusted.all() and clean.measured.all()
    assert clean.masked_fraction == clean.bridged_fraction == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 0.0, -10.0, 40.0, 1e6])
def test_a_bad_bin_is_found_and_bridged_by_the_mean_of_its_neighbours(bad: float) -> None:
    values = pupil()
    values[3, 30] = bad
    clean = cleaned(values)
    assert np.argwhere(~clean.measured).tolist() == [[3, 30]]
    assert clean.trusted.all()
    assert clean.values[3, 30] == pytest.approx((values[3, 29] + values[3, 31]) / 2)
    assert clean.bridged_fraction == pytest.approx(1 / values.size)


def test_a_position_may_be_negative_an_area_may_not() -> None:
    values = pupil() - 10
    assert cleaned(values, positive=False).measured.all()
    with pytest.raises(DataError, match="no usable bin"):
        cleaned(values - 5)


def test_a_blink_is_masked_though_its_values_look_like_a_pupil() -> None:
    values, blink = pupil(), np.zeros((20, 60), dtype=bool)
    blink[2, 10:15] = True
    assert (cleaned(values, blink=blink).measured == ~blink).all()
    assert cleaned(values).measured.all()


def test_five_robust_deviations_is_the_threshold_of_a_position() -> None:
    values = np.tile([8.0, 9.0, 10.0, 11.0, 12.0], (10, 10))  # median 10, median deviation 1
    for inside, value in ((True, 10 + 5 * 1.4826 - 0.01), (False, 10 + 5 * 1.4826 + 0.01)):
        marked = values.copy()
        marked[0, 20] = value
        assert cleaned(marked, positive=False).measured[0, 20] == inside


def test_a_gap_of_200_ms_is_bridged_by_a_straight_line_and_a_longer_one_is_masked() -> None:
    values = np.tile([9.0, 10.0, 11.0], (10, 20))
    values[0, 9], values[0, 30] = 9.0, 11.1  # 20 bad bins between: steps of 2.1 / 21
    values[0, 10:30] = np.nan
    values[1, 10:31] = np.nan
    clean = cleaned(values)
    np.testing.assert_allclose(clean.values[0, 10:30], 9 + 0.1 * np.arange(1, 21))
    assert clean.trusted[0].all()
    assert not clean.trusted[1, 10:31].any() and clean.trusted[1].sum() == 60 - 21
    np.testing.assert_array_equal(clean.values[1, 10:31], 10.0)  # the training median
    assert clean.masked_fraction == pytest.approx(21 / 600)
    assert clean.bridged_fraction == pytest.approx(20 / 600)


@pytest.mark.parametrize(
    ("bin_size", "bins"),
    [(0.01, 20), (0.02, 10), (0.03, 6), (0.05, 4), (0.3, 0)],
)
def test_200_ms_is_counted_in_whole_bins(bin_size: float, bins: int) -> None:
    values = pupil(bins=200)
    values[0, 50 : 50 + bins] = np.nan
    values[1, 50 : 51 + bins] = np.nan
    trusted = cleaned(values, bin_size=bin_size).trusted
    assert trusted[0].all()
    assert not trusted[1, 50 : 51 + bins].any()


def test_gaps_at_the_edges_of_a_trial_are_not_bridged() -> None:
    values = pupil()
    values[0, :3] = np.nan
    values[1, -3:] = np.nan
    trusted = cleaned(values).trusted
    assert not trusted[0, :3].any() and trusted[0, 3:].all()
    assert not trusted[1, -3:].any() and trusted[1, :-3].all()


def test_a_trial_without_a_pupil_is_masked_whole() -> None:
    values = pupil()
    values[7] = np.nan
    clean = cleaned(values)
    assert not clean.trusted[7].any() and clean.trusted.sum() == 19 * 60
    assert np.isfinite(clean.values).all()


# --- blinks and failed fits, against a simulation that knows its blinks


def planted(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Measured area of 200 simulated trials, its blinks, and the true area; K x T each."""
    random = np.random.default_rng(seed)
    events = draw_events(200, random)
    behaviour, bins = simulate_behaviour(events, random), events.trial_bins
    return behaviour.measured_pupil[0][bins], behaviour.blink[bins], behaviour.pupil[0][bins]


def five_deviations(area: np.ndarray) -> np.ndarray:
    """The rule by level: positive, and within five robust deviations of the median."""
    centre = np.median(area[area > 0])
    spread = 1.4826 * np.median(np.abs(area[area > 0] - centre))
    return (area > 0) & (np.abs(area - centre) <= 5 * spread)


def distance(area: np.ndarray) -> np.ndarray:
    """Robust standard deviations above the median."""
    return (area - np.median(area)) / (1.4826 * np.median(np.abs(area - np.median(area))))


@pytest.mark.parametrize("seed", range(4))
def test_planted_blinks_are_masked_and_a_sound_pupil_is_kept_however_wide(seed: int) -> None:
    area, blink, true = planted(seed)
    noise = 0.001  # of the simulated camera
    sound, failed = (~blink & (np.abs(area - true) < far * noise) for far in (6, np.inf))
    failed &= np.abs(area - true) > 0.05
    wide = sound & (distance(area) > 5)
    assert blink.sum() > 500 and failed.sum() > 30 and wide.sum() > 50
    found, level = find_pupil(area, 0.01), five_deviations(area)
    assert (~found)[blink].mean() > 0.98  # sensitivity
    assert (~found)[failed].mean() > 0.98
    assert found[sound].mean() > 0.999  # specificity
    assert found[wide].mean() > 0.99
    assert area[found].max() < 1.1 * true.max()  # also of failed fits in a blink
    assert (~level)[blink].mean() < 0.6 and not level[wide].any()  # the rule by level does the opposite


@pytest.mark.parametrize("seed", range(3))
def test_a_bridged_blink_is_nearer_to_the_pupil_than_the_training_median(seed: int) -> None:
    area, blink, true = planted(seed)
    clean = cleaned(area)
    bridged = blink & clean.trusted & ~clean.measured
    assert bridged.sum() > 100
    errors = (np.abs(values - true)[bridged].mean() for values in (clean.values, np.median(area)))
    assert next(errors) < 0.5 * next(errors)


def swing(seconds: float, factor: float) -> np.ndarray:
    """A noisy pupil of area 10 / factor that swings to 10 factor and back within `seconds`."""
    time = np.arange(300) * 0.01
    phase = np.clip((time - 1.5) / seconds, -0.5, 0.5)
    area = 10 * factor ** np.cos(np.pi * phase)
    return (area + 0.1 * np.random.default_rng(0).standard_normal(300))[None]


@pytest.mark.parametrize("factor", [1 / 4, 4])
def test_what_changes_slowly_is_a_pupil_and_what_changes_fast_is_none(factor: float) -> None:
    assert find_pupil(swing(2.0, factor), 0.01).all()
    middle = find_pupil(swing(0.15, factor), 0.01)[0, 147:153]
    assert not middle.any()


def test_a_closed_eye_is_found_from_its_fall_or_its_rise_and_a_noisy_narrow_pupil_is_none() -> None:
    random = np.random.default_rng(0)
    area = 10 + 0.3 * random.standard_normal((3, 300))
    area[0, :30] = area[1, -30:] = area[2, 100:160] = 0.5
    assert ((area < 5) == ~find_pupil(area, 0.01)).all()
    area[0, 70:110] = 0.5  # with the first, more than half of the second around the trial's start
    assert ((area < 5) == ~find_pupil(area, 0.01)).all()
    narrow = np.abs(1 + 0.4 * random.standard_normal((20, 300))) + 1e-3  # half of it is often crossed
    assert (narrow < 0.5).mean() > 0.05
    assert find_pupil(narrow, 0.01).mean() > 0.995


@pytest.mark.parametrize("bin_size", [0.005, 0.02, 0.03])
def test_windows_are_of_time_whatever_the_bin_size(bin_size: float) -> None:
    bins = round(3 / bin_size)
    time = np.arange(bins) * bin_size
    area = np.full((2, bins), 10.0) + 0.1 * np.random.default_rng(0).standard_normal((2, bins))
    closed = (time > 1) & (time < 1.5)
    area[0, closed] = 0.5
    area[1] *= 1 + 3 * np.exp(-(((time - 1.5) / 0.6) ** 2))  # four times as wide, slowly
    found = find_pupil(area, bin_size)
    np.testing.assert_array_equal(~found[0], closed)
    assert found[1].all()


@pytest.mark.parametrize("bins", [1, 2, 5, 7])
@pytest.mark.parametrize("bin_size", [0.01, 0.3])
def test_trials_of_few_bins_are_taken(bins: int, bin_size: float) -> None:
    area = np.full((3, bins), 2.0)
    area[1], area[2, 0] = np.nan, -1
    assert (find_pupil(area, bin_size) == (area == 2)).all()


@brief
@given(arrays(bool, (3, 30)), st.integers(0, 8))
def test_short_gaps_are_those_that_a_walk_along_the_trial_finds(
    good: np.ndarray,
    longest: int,
) -> None:
    expected = np.zeros_like(good)
    for row, out in zip(good, expected, strict=True):
        present = np.flatnonzero(row)
        for left, right in pairwise(present):
            out[left + 1 : right] = right - left - 1 <= longest
    np.testing.assert_array_equal(find_short_gaps(good, longest), expected)


def test_thresholds_of_a_position_come_from_training_trials_only() -> None:
    values, training = pupil(), np.arange(20) < 8
    other = values.copy()
    other[~training] *= 100  # would move the median and the spread of the whole
    ours, theirs = (cleaned(each, training, positive=False) for each in (values, other))
    np.testing.assert_array_equal(ours.measured[training], theirs.measured[training])
    assert not theirs.measured[~training].any()
    leaking = cleaned(other, positive=False)  # control: thresholds from all trials let the same bins pass
    assert leaking.measured[~training].any()


def test_an_area_is_judged_by_its_own_trial_in_any_unit() -> None:
    area, *_ = planted(0)
    found = find_pupil(area, 0.01)
    assert 0.01 < 1 - found.mean() < 0.1
    np.testing.assert_array_equal(find_pupil(area[7:9], 0.01), found[7:9])
    np.testing.assert_array_equal(find_pupil(1000 * area, 0.01), found)
    np.testing.assert_array_equal(find_pupil(area[:, ::-1], 0.01), found[:, ::-1])


def test_the_scale_of_a_model_replaces_the_recordings_own() -> None:
    values, scale = pupil(), RobustScale(3.0, 2.0)
    values[1, 10:40] = np.nan
    clean = cleaned(values, scale=scale)
    assert clean.scale == scale and (clean.values[1, 10:40] == 3).all()
    assert cleaned(values).scale.centre == pytest.approx(10, abs=0.1)


@pytest.mark.parametrize("level", [0.1, 0.3, 7.0, 1e-12])
def test_a_constant_pupil_is_refused(level: float) -> None:
    with pytest.raises(DataError, match="m: pupil_area is constant"):
        cleaned(np.full((7, 143), level))


def test_a_pupil_that_is_constant_in_the_training_trials_alone_is_refused() -> None:
    values = pupil()
    values[:12] = 10.1
    with pytest.raises(DataError, match="constant"):
        cleaned(values, np.arange(20) < 12)


@pytest.mark.parametrize("values", [np.full((5, 30), np.nan), -np.ones((5, 30))])
def test_a_pupil_without_a_usable_bin_is_refused(values: np.ndarray) -> None:
    with pytest.raises(DataError, match="m: pupil_area: no usable bin"):
        cleaned(values)


def test_a_robust_scale_hardly_notices_wild_bins() -> None:
    values = np.random.default_rng(0).normal(3, 2, 20_000)
    wild = values.copy()
    wild[::100] = 1e4
    scale, shaken = RobustScale.of(values, "x"), RobustScale.of(wild, "x")
    assert scale.centre == pytest.approx(3, abs=0.05) and scale.spread == pytest.approx(2, rel=0.03)
    assert shaken.spread == pytest.approx(scale.spread, rel=0.03)
    assert wild.std() > 100  # what the classical scale would have been


def test_a_channel_that_is_mostly_zero_is_scaled_by_its_standard_deviation() -> None:
    licks = np.zeros(100)
    licks[:10] = 1
    scale = RobustScale.of(licks, "licks")
    assert scale.centre == 0 and scale.spread == pytest.approx(0.3)  # sqrt(0.1 x 0.9)


@brief
@given(st.floats(0.01, 100), st.floats(-50, 50))
def test_a_scaled_channel_does_not_know_its_units(factor: float, shift: float) -> None:
    values = np.random.default_rng(1).normal(size=200)
    moved = factor * values + shift
    expected = RobustScale.of(values, "x").apply(values)
    np.testing.assert_allclose(RobustScale.of(moved, "x").apply(moved), expected, atol=1e-6)
