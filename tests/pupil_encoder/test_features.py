"""Smoothing, splits and the encoding task: against numpy, numbers by hand, and leaks."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import norm

from neurokit.errors import DataError, SettingsError
from neurokit.pupil_encoder import cleaning
from neurokit.pupil_encoder.cleaning import find_short_gaps
from neurokit.pupil_encoder.config import PupilConfig
from neurokit.pupil_encoder.features import (
    EncodingTask,
    Split,
    causal_boxcar,
    centred_boxcar,
    encoding_task,
    gaussian,
    ramp,
    region_counts,
    smooth,
    split_trials,
)
from neurokit.pupil_encoder.recording import TrialRecording, trial_table
from neurokit.training.omissions import Omission

COUNTS = arrays(np.float64, st.integers(12, 40), elements=st.integers(0, 9).map(float))
KINDS = st.sampled_from(["causal", "centred", "gaussian"])
WIDTHS = st.integers(1, 12)
brief = settings(max_examples=40, deadline=None)


# --- smoothing


@brief
@given(COUNTS, WIDTHS)
def test_causal_boxcar_is_numpys_full_convolution_cut_to_length(
    counts: np.ndarray,
    width: int,
) -> None:
    expected = np.convolve(counts, np.full(width, 1 / width), "full")[: len(counts)]
    np.testing.assert_allclose(causal_boxcar(counts, width), expected, atol=1e-12)


@brief
@given(COUNTS, WIDTHS)
def test_centred_boxcar_is_numpys_same_convolution_over_the_bins_that_exist(
    counts: np.ndarray, width: int
) -> None:
    box = np.ones(width)
    expected = np.convolve(counts, box, "same") / np.convolve(np.ones_like(counts), box, "same")
    np.testing.assert_allclose(centred_boxcar(counts, width), expected, atol=1e-12)


@pytest.mark.parametrize("width", [1.0, 2.5, 4.0])
def test_gaussian_spreads_an_impulse_as_the_normal_density(width: float) -> None:
    impulse = np.zeros(101)
    impulse[50] = 1
    density = norm.pdf(np.arange(101), 50, width)
    np.testing.assert_allclose(gaussian(impulse, width), density / density.sum(), atol=1e-4)
    assert np.abs(gaussian(impulse, width) - norm.pdf(np.arange(101), 50, 1.3 * width)).max() > 0.01


@brief
@given(COUNTS, WIDTHS, KINDS, st.floats(-3, 3))
def test_smoothing_is_linear(counts: np.ndarray, width: int, kind: str, factor: float) -> None:
    other = counts[::-1].copy()
    together = smooth(counts + factor * other, width, kind)
    np.testing.assert_allclose(
        together, smooth(counts, width, kind) + factor * smooth(other, width, kind), atol=1e-9
    )


@brief
@given(COUNTS, WIDTHS, st.data())
def test_causal_boxcar_never_looks_ahead(
    counts: np.ndarray,
    width: int,
    data: st.DataObject,
) -> None:
    now = data.draw(st.integers(0, len(counts) - 2))
    changed = counts.copy()
    changed[now + 1 :] += 5
    np.testing.assert_array_equal(
        causal_boxcar(counts, width)[: now + 1], causal_boxcar(changed, width)[: now + 1]
    )
    later = slice(now + 1, None)
    assert (causal_boxcar(counts, width)[later] != causal_boxcar(changed, width)[later]).all()


@pytest.mark.parametrize("kind", ["centred", "gaussian"])
def test_the_other_filters_look_ahead(kind: str) -> None:
    counts = np.zeros(30)
    counts[20] = 1
    assert smooth(counts, 5, kind)[18] > 0
    assert smooth(counts, 5, "causal")[18] == 0


@brief
@given(COUNTS, WIDTHS)
def test_a_constant_rate_stays_what_it_is_past_the_ramp(counts: np.ndarray, width: int) -> None:
    level = np.full(len(counts), counts[0] + 1)
    start = ramp(width)
    np.testing.assert_allclose(causal_boxcar(level, width)[start:], level[start:])
    assert start == 0 or causal_boxcar(level, width)[start - 1] < 0.999 * level[0]
    np.testing.assert_allclose(centred_boxcar(level, width), level)
    np.testing.assert_allclose(gaussian(level, width), level)


@brief
@given(COUNTS, st.floats(0.5, 6))
def test_gaussian_keeps_the_number_of_spikes(counts: np.ndarray, width: float) -> None:
    assert gaussian(counts, width).sum() == pytest.approx(counts.sum(), abs=1e-9)


def test_trials_are_smoothed_one_by_one() -> None:
    counts = np.random.default_rng(0).poisson(2.0, (3, 4, 30)).astype(float)
    for kind in ("causal", "centred", "gaussian"):
        rows = np.stack([smooth(row, 5, kind) for row in counts.reshape(12, 30)])
        rows = rows.reshape(counts.shape)
        np.testing.assert_allclose(smooth(counts, 5, kind), rows)


@pytest.mark.parametrize(
    ("kind", "width"),
    [("causal", 0), ("causal", 31), ("centred", 31), ("gaussian", 0)],
)
def test_a_width_that_cannot_be_is_refused(kind: str, width: int) -> None:
    with pytest.raises(DataError, match=f"{width} bins"):
        smooth(np.ones(30), width, kind)


# --- splits

SPLITS = st.tuples(
    st.integers(5, 400),
    st.integers(0, 10_000),
    st.sampled_from(["random", "blocked"]),
)


@brief
@given(SPLITS)
def test_every_trial_is_in_exactly_one_part(drawn: tuple[int, int, str]) -> None:
    trials, seed, kind = drawn
    split = split_trials(trials, seed=seed, kind=kind)
    parts = (split.train, split.validation, split.test)
    assert sorted(np.concatenate(parts)) == list(range(trials))
    assert all(len(part) > 0 and (np.diff(part) > 0).all() for part in parts)
    np.testing.assert_array_equal(np.flatnonzero(split.is_train(trials)), split.train)


@pytest.mark.parametrize("kind", ["random", "blocked"])
def test_the_seed_alone_decides(kind: str) -> None:
    state = np.random.get_state()[1].copy()
    first, again, other = (split_trials(250, seed=seed, kind=kind) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.test, again.test)
    assert not np.array_equal(first.test, other.test)
    np.testing.assert_array_equal(np.random.get_state()[1], state)


@pytest.mark.parametrize("kind", ["random", "blocked"])
def test_three_fifths_train(kind: str) -> None:
    split = split_trials(250, seed=0, kind=kind)
    assert [len(part) for part in (split.train, split.validation, split.test)] == [150, 50, 50]


def runs(trials: np.ndarray) -> int:
    return 1 + int((np.diff(trials) > 1).sum())


def test_a_blocked_split_holds_runs_of_neighbours_and_a_random_one_does_not() -> None:
    for seed in range(5):
        blocked = split_trials(250, seed=seed, kind="blocked")
        random = split_trials(250, seed=seed, kind="random")
        assert runs(blocked.test) <= 2 and runs(blocked.validation) <= 2
        assert runs(random.test) > 20


@pytest.mark.parametrize("trials", [0, 1, 4])
def test_too_few_trials_are_refused(trials: int) -> None:
    with pytest.raises(DataError, match=f"{trials} trials cannot be split"):
        split_trials(trials, seed=0)


# --- the encoding task

TRIALS, BINS, FIRST, RECORDED = 30, 60, 10, 40


def recording(**changes: object) -> TrialRecording:
    """Three neurons of A, two of B, spikes in bins 10 to 49 of 60."""
    random = np.random.default_rng(5)
    behaviour = {
        "pupil_area": random.uniform(9, 11, (TRIALS, BINS)),
        "licks": random.poisson(0.3, (TRIALS, BINS)) + 0.0,
    }
    made = TrialRecording(
        name="toy",
        time=(np.arange(BINS) + 0.5) * 0.01 - 0.1,
        spikes=random.poisson(0.4, (5, TRIALS, RECORDED)).astype(np.uint8),
        first_spike_bin=FIRST,
        brain_area=np.array(["A", "A", "B", "A", "B"]),
        behaviour=behaviour,
        trials=trial_table(TRIALS),
    )
    return replace(made, **changes)


def task_of(source: TrialRecording, **options: object) -> EncodingTask:
    options = {"regions": ("A", "B"), "channels": ("pupil_area", "licks"), **options}
    return encoding_task(source, split_trials(TRIALS, seed=0), **options)


def with_channel(name: str, values: np.ndarray) -> TrialRecording:
    source = recording()
    return replace(source, behaviour=source.behaviour | {name: values})


def trimmed(values: np.ndarray, good: np.ndarray, training: np.ndarray) -> np.ndarray:
    """`good` without what lies further than 5 x 1.4826 median deviations from the training median."""
    usable = values[training][good[training]]
    centre = np.median(usable)
    return good & (np.abs(values - centre) <= 5 * 1.4826 * np.median(np.abs(usable - centre)))


def test_each_pupil_channel_is_trimmed_once_and_the_position_where_the_area_is_bad() -> None:
    random = np.random.default_rng(3)
    area, x = random.uniform(9, 11, (TRIALS, BINS)), random.lognormal(0, 0.6, (TRIALS, BINS))
    area[::3, 20:45] = 0.4  # closed eyes
    once = np.ones(area.shape, dtype=bool)
    once[::3, 20:45] = False
    source = recording(behaviour={"pupil_area": area, "pupil_x": x})
    split = split_trials(TRIALS, seed=0)
    training = split.is_train(TRIALS)
    position = trimmed(x, once, training)
    assert trimmed(x, position, training).sum() < position.sum()  # so a second time would show
    longest = 20  # bins of 10 ms in 200 ms
    bad = [1 - (good | find_short_gaps(good, longest)).mean() for good in (once, position)]
    task = task_of(source, channels=("pupil_x", "pupil_area"))
    assert list(task.masked) == ["pupil_x", "pupil_area"]
    assert task.masked == pytest.approx({"pupil_area": bad[0], "pupil_x": bad[1]}, abs=1e-12)
    measured, scale = once & position, task.scales["pupil_area"]
    expected = (area - scale.centre) / scale.spread
    np.testing.assert_allclose(task.inputs[..., 1][measured], expected[measured], rtol=1e-4, atol=1e-5)


def test_the_search_for_the_pupil_runs_once_a_task(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    search = cleaning.find_pupil
    monkeypatch.setattr(cleaning, "find_pupil", lambda *given: calls.append(given) or search(*given))
    random = np.random.default_rng(3)
    behaviour = {name: random.uniform(9, 11, (TRIALS, BINS)) for name in cleaning.PUPIL}
    task_of(recording(behaviour=behaviour), channels=cleaning.PUPIL)
    assert len(calls) == 1


def test_a_blink_and_a_bad_area_mask_the_position_when_the_area_is_not_asked_for() -> None:
    random = np.random.default_rng(4)
    area, x = random.uniform(9, 11, (TRIALS, BINS)), random.uniform(-1, 1, (TRIALS, BINS))
    area[2, :25], blink = 0.4, np.zeros((TRIALS, BINS))
    blink[5, 30:] = 1
    source = recording(behaviour={"pupil_area": area, "pupil_x": x, "blink": blink})
    task = task_of(source, channels=("pupil_x",))
    assert task.masked["pupil_x"] == pytest.approx((25 + 30) / (TRIALS * BINS))
    assert not task.inputs[2, :25].any() and not task.inputs[5, 30:].any()


def test_rates_are_the_regions_mean_counts_smoothed_in_hertz_at_their_own_bins() -> None:
    source = recording()
    task = task_of(source)
    mean = source.spikes[[0, 1, 3]].mean(axis=0)
    expected = np.stack([np.convolve(row, np.full(10, 10.0))[:RECORDED] for row in mean])
    found = task.rates[:, FIRST : FIRST + RECORDED, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    assert not task.rates[:, :FIRST].any() and not task.rates[:, FIRST + RECORDED :].any()
    assert np.flatnonzero(task.recorded).tolist() == list(range(FIRST, FIRST + RECORDED))


@pytest.mark.parametrize(
    ("smoothing", "ramp_bins"),
    [("causal", 9), ("centred", 0), ("gaussian", 0)],
)
def test_the_causal_ramp_alone_is_left_out_of_the_score(smoothing: str, ramp_bins: int) -> None:
    task = task_of(recording(), smoothing=smoothing)
    expected = list(range(FIRST + ramp_bins, FIRST + RECORDED))
    assert np.flatnonzero(task.scored[0]).tolist() == expected
    ramped = task.bins("test", with_ramp=True)
    assert ramped[task.split.test].sum(axis=1).tolist() == [RECORDED] * len(task.split.test)


def test_the_parts_share_no_bin() -> None:
    task = task_of(recording())
    parts = [task.bins(part) for part in ("train", "validation", "test")]
    assert np.add(*parts[:2]).sum() == parts[0].sum() + parts[1].sum()
    np.testing.assert_array_equal(parts[0] | parts[1] | parts[2], task.scored)


def test_masked_bins_are_zero_in_the_input_and_not_scored() -> None:
    values = recording().behaviour["pupil_area"].copy()
    values[4, 22:48] = -1
    task = task_of(with_channel("pupil_area", values))
    assert not task.scored[4, 22:48].any() and task.scored[4, 19:22].all()
    assert not task.inputs[4, 22:48, 0].any()
    assert task.masked["pupil_area"] == pytest.approx(26 / (TRIALS * BINS))


def test_other_test_trials_change_neither_scales_nor_thresholds() -> None:
    split, values = split_trials(TRIALS, seed=0), recording().behaviour["pupil_area"].copy()
    held_out = ~split.is_train(TRIALS)
    values[held_out] = values[held_out] * 1.1 + 0.3
    ours, theirs = task_of(recording()), task_of(with_channel("pupil_area", values))
    assert ours.scales == theirs.scales
    np.testing.assert_array_equal(ours.inputs[split.train], theirs.inputs[split.train])
    # control: with the changed trials as training trials the scales do change
    half = len(split.train) // 2
    other = Split(np.flatnonzero(held_out), split.train[:half], split.train[half:])
    leaking = [
        encoding_task(source, other, regions=("A",), channels=("pupil_area",)).scales
        for source in (recording(), with_channel("pupil_area", values))
    ]
    assert leaking[0] != leaking[1]


@pytest.mark.parametrize(
    "test", [np.array([0]), np.array([-1]), np.array([TRIALS])], ids=["shared", "negative", "beyond"]
)
def test_a_split_that_leaks_or_leaves_the_session_is_refused(test: np.ndarray) -> None:
    split = Split(np.arange(10), np.arange(10, 20), test)
    with pytest.raises(DataError, match=r"split's parts must not share trials and must lie in 0 to"):
        encoding_task(recording(), split, regions=("A",), channels=("pupil_area",))


def test_inputs_have_the_training_trials_median_at_zero() -> None:
    task = task_of(recording())
    training = task.inputs[task.split.train, :, 0]
    assert np.median(training) == pytest.approx(0, abs=1e-6)
    assert 1.4826 * np.median(np.abs(training)) == pytest.approx(1, rel=1e-5)


def test_a_bad_area_makes_a_bad_position() -> None:
    source = with_channel("pupil_x", np.random.default_rng(6).uniform(99, 101, (TRIALS, BINS)))
    source.behaviour["pupil_area"][2, 15:45] = -1
    task = task_of(source, channels=("pupil_x",))
    assert not task.scored[2, 20:45].any() and task.scored[3, 20:45].all()


def test_a_blink_channel_is_used_and_is_no_input() -> None:
    blink = np.zeros((TRIALS, BINS))
    blink[1, 15:45] = 1
    task = task_of(with_channel("blink", blink))
    assert not task.scored[1, 20:45].any()
    assert task.channels == ("pupil_area", "licks")


def test_channels_that_are_not_there_are_left_out() -> None:
    assert task_of(recording(), channels=("pupil_y", "licks", "wheel")).channels == ("licks",)
    with pytest.raises(DataError, match=r"toy has none of the channels wheel.*pupil_area, licks"):
        task_of(recording(), channels=("wheel",))


def test_a_region_that_is_not_there_is_named_beside_those_that_are() -> None:
    with pytest.raises(DataError, match=r"toy has no neurons in VISp; its regions are A, B"):
        task_of(recording(), regions=("A", "VISp"))
    with pytest.raises(DataError, match="empty list of regions"):
        region_counts(recording(), ())


def test_a_region_that_is_named_twice_is_refused() -> None:
    """Its rates would be two columns of the same score."""
    assert PupilConfig(regions=["B", "A"]).regions == ("B", "A")
    with pytest.raises(SettingsError, match="regions names B more than once; name each region once"):
        PupilConfig(regions=["B", "A", "B"])
    with pytest.raises(DataError, match="regions name A more than once"):
        task_of(recording(), regions=("A", "A"))


@pytest.mark.parametrize(("value", "rule"), [(0.1, "constant"), (np.nan, "not_finite"), (-1.0, "not_finite")])
def test_a_pupil_that_cannot_be_read_is_left_out(value: float, rule: str) -> None:
    x = np.random.default_rng(6).uniform(99, 101, (TRIALS, BINS))
    source = with_channel("pupil_area", np.full((TRIALS, BINS), value))
    source.behaviour["pupil_x"] = x
    task = task_of(source, channels=("pupil_area", "pupil_x", "licks"))
    assert task.channels == ("pupil_x", "licks") and task.masked == {"pupil_x": 0, "licks": 0}
    assert task.omissions == (Omission(rule, "channels", ("pupil_area",), 3),)
    assert task_of(source, channels=("licks",)).omissions == ()
    with pytest.raises(
        DataError, match=r"toy has none of the channels pupil_area to read \(pupil_area .*\); it holds"
    ):
        task_of(source, channels=("pupil_area",))


def test_a_nan_in_another_channel_is_not_scored() -> None:
    licks = recording().behaviour["licks"].copy()
    licks[0, 30] = np.nan
    task = task_of(with_channel("licks", licks))
    assert np.isfinite(task.inputs).all()
    assert not task.scored[0, 30] and task.scored[0, 31]


def test_a_test_part_without_a_pupil_is_refused() -> None:
    values = recording().behaviour["pupil_area"].copy()
    values[split_trials(TRIALS, seed=0).test] = np.nan
    with pytest.raises(DataError, match=r"no bin of the test trials .* as pupil_area is known in 0% of them"):
        task_of(with_channel("pupil_area", values))


@pytest.mark.parametrize("width", [0.001, 0.5])
def test_a_boxcar_that_does_not_fit_the_trial_is_refused(width: float) -> None:
    with pytest.raises(DataError, match="does not fit a trial of 40"):
        task_of(recording(), width=width)
