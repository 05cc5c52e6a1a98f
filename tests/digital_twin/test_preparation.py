"""Raw recordings as trial folders: resampling, and statistics of the training trials alone."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from neurokit.digital_twin.preparation import (
    read_statistics,
    resample_trace,
    resize_video,
    training_statistics,
    write_recording,
)
from neurokit.digital_twin.recording import Trial, Video, load_trials, load_videos
from neurokit.errors import DataError
from tests.digital_twin.toys import values_of
from tests.v1_transformer.toys import toy_frames

FAST = np.arange(2000) / 100  # s, 100 Hz
FRAMES = np.arange(30, 570) / 30  # s


def resampled(values: np.ndarray, **options: float) -> np.ndarray:
    return resample_trace(FAST, values, FRAMES, source_period=0.01, **options)


def frames_between(start: float, stop: float) -> np.ndarray:
    return (start < FRAMES) & (stop > FRAMES)


# Traces


def test_a_slow_trace_survives_and_a_fast_one_is_averaged_away() -> None:
    slow, fast = np.sin(2 * np.pi * 0.5 * FAST), np.sin(2 * np.pi * 31 * FAST)
    truth = np.sin(2 * np.pi * 0.5 * FRAMES)
    np.testing.assert_allclose(resampled(slow), truth, atol=0.01)
    assert np.abs(resampled(fast)).max() < 0.15
    assert np.abs(resampled(fast, period=0.01)).max() > 0.9  # not slower than the source: no low-pass


def test_the_low_pass_is_a_hamming_window_of_seven_samples() -> None:
    pulse = np.zeros(2000)
    pulse[1000] = 1
    found = resample_trace(FAST, pulse, FAST, source_period=0.01, period=0.03)
    window = 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(7) / 6)
    np.testing.assert_allclose(found[997:1004], window / window.sum(), atol=1e-12)
    assert not found[:997].any() and not found[1004:].any()


def test_a_constant_stays_constant_up_to_both_ends() -> None:
    found = resample_trace(FAST, np.full(2000, 3.0), FAST, source_period=0.01)
    np.testing.assert_allclose(found, 3.0, rtol=1e-12)


def test_short_gaps_are_bridged_long_ones_stay() -> None:
    values = 2 * FAST
    values[500:520] = np.nan  # 0.2 s
    values[1000:1100] = np.nan  # 1 s
    found = resampled(values, period=0.01)
    inside = frames_between(FAST[999], FAST[1100])
    assert inside.any() and np.isnan(found[inside]).all()
    np.testing.assert_allclose(found[~inside], 2 * FRAMES[~inside], rtol=1e-9)
    assert not np.isnan(resampled(values, longest_gap=1.1)).any()
    short = frames_between(FAST[499], FAST[520])
    assert np.isnan(resampled(values, longest_gap=0.1)[short]).all()


def test_times_without_samples_are_gaps_too_and_nothing_is_made_up_outside() -> None:
    holed = np.r_[FAST[:1000], FAST[1200:]]
    found = resample_trace(holed, holed, FRAMES, source_period=0.01, period=0.01)
    inside = frames_between(FAST[999], FAST[1200])
    np.testing.assert_array_equal(np.isnan(found), inside)
    beyond = resample_trace(FAST, FAST, np.array([-0.1, 0.0, 5.0, 19.99, 20.1]), source_period=0.01)
    assert np.isnan(beyond).tolist() == [True, False, False, False, True]


@pytest.mark.parametrize("shift", [-1e-11, 1e-11])
def test_times_that_differ_by_rounding_are_those_of_the_samples(shift: float) -> None:
    """At the edges of a gap and at both ends, where nothing is made up."""
    holed = np.r_[FAST[:1000], FAST[1200:]]
    edges = FAST[[0, 999, 1200, -1]]
    found = resample_trace(holed, holed, edges + shift, source_period=0.01, period=0.01)
    np.testing.assert_allclose(found, edges, atol=1e-9)
    outwards = edges + 1e-6 * np.array([-1, 1, -1, 1])
    assert np.isnan(resample_trace(holed, holed, outwards, source_period=0.01, period=0.01)).all()


def test_traces_with_one_value_or_none() -> None:
    values = np.full(2000, np.nan)
    assert np.isnan(resampled(values)).all()
    values[300] = 7
    found = resample_trace(FAST, values, np.array([2.9, 3.0, 3.1]), source_period=0.01)
    np.testing.assert_allclose(found, [np.nan, 7, np.nan])


def test_traces_that_cannot_be_resampled() -> None:
    for times, values, says in (
        (FAST, FAST[1:], "1999 values at 2000 times"),
        (FAST[::-1], FAST, "do not ascend"),
        (FAST, np.full(2000, np.inf), "infinite"),
    ):
        with pytest.raises(DataError, match=says):
            resample_trace(times, values, FRAMES, source_period=0.01)


# Frames


@pytest.mark.parametrize("size", [(4, 8), (5, 7), (24, 40), (8, 3)])
def test_frames_are_resized_as_pil_does(size: tuple[int, int]) -> None:
    frames = toy_frames()
    pil = [Image.fromarray(f).resize(size[::-1], Image.Resampling.BILINEAR) for f in frames]
    difference = resize_video(frames, size).astype(int) - np.stack([np.asarray(f) for f in pil])
    assert np.abs(difference).max() <= 1  # it rounds between its two passes


def test_a_size_without_pixels() -> None:
    with pytest.raises(DataError, match="1 or more"):
        resize_video(toy_frames(), (0, 8))


# Statistics


def raw_trial(number: int, *, training: bool = True, frames: int = 12) -> Trial:
    random = np.random.default_rng([5, number])
    return Trial(
        name=str(number),
        training=training,
        stimulus=random.integers(0, 256, (frames, 4, 6), dtype=np.uint8),
        perspective=random.normal([3, -2], [2, 5], (frames, 2)).astype(np.float32),
        modulation=random.normal([30, 4], [6, 3], (frames, 2)).astype(np.float32),
        units=random.gamma(1, [1, 5, 20], (frames, 3)).astype(np.float32),
    )


IDS = np.array([4, 7, 9])


def test_standardised_training_trials_have_mean_0_and_spread_1_and_units_mean_1() -> None:
    trials = [raw_trial(i, frames=8 + i) for i in range(5)]
    statistics = training_statistics(trials, IDS)
    done = [statistics.standardise(each) for each in trials]
    behaviour = np.concatenate([np.hstack([each.perspective, each.modulation]) for each in done])
    np.testing.assert_allclose(behaviour.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(behaviour.std(axis=0), 1, atol=1e-5)
    np.testing.assert_allclose(np.concatenate([each.units for each in done]).mean(axis=0), 1, atol=1e-5)


def test_only_trials_to_fit_enter_the_statistics() -> None:
    trials = [raw_trial(i, training=i < 3) for i in range(5)]
    before = values_of(training_statistics(trials, IDS))
    other = replace(trials[4], units=trials[4].units * 9, modulation=trials[4].modulation + 50)
    np.testing.assert_array_equal(values_of(training_statistics([*trials[:4], other], IDS)), before)
    fitted = replace(other, training=True)  # the control: a trial to fit does change them
    assert (values_of(training_statistics([*trials[:4], fitted], IDS)) != before)[4:].all()


def test_gaps_are_left_out_of_the_statistics_and_stay_gaps() -> None:
    whole = [raw_trial(i) for i in range(3)]
    holed = [replace(each, perspective=each.perspective.copy()) for each in whole]
    holed[1].perspective[:] = np.nan
    found = training_statistics(holed, IDS)
    expected = training_statistics([whole[0], whole[2]], IDS)
    np.testing.assert_allclose(found.perspective_mean, expected.perspective_mean)
    np.testing.assert_allclose(found.perspective_std, expected.perspective_std)
    assert np.isnan(found.standardise(holed[1]).perspective).all()
    assert np.isfinite(found.standardise(holed[0]).perspective).all()


def test_behaviour_that_never_varies_or_was_never_seen() -> None:
    still = raw_trial(0)
    still.modulation[:, 1], still.perspective[:, 0] = 0.1, np.nan
    done = training_statistics([still], IDS).standardise(still)
    np.testing.assert_allclose(done.modulation[:, 1], 0, atol=1e-6)
    assert np.isnan(done.perspective[:, 0]).all() and np.isfinite(done.perspective[:, 1]).all()


def test_silent_units_are_named_and_left_out(tmp_path: Path) -> None:
    trials = [raw_trial(i, training=i < 2) for i in range(3)]
    for each in trials[:2]:
        each.units[:, 1] = 0
    with pytest.warns(UserWarning, match=r"1 of 3 units left out .*no activity .*: 7$"):
        statistics = write_recording(tmp_path / "mouse", trials, [], IDS)
    assert load_trials(tmp_path / "mouse" / "training_data").units == 2
    assert statistics.unit_ids[statistics.active].tolist() == [4, 9]
    assert not (tmp_path / "mouse" / "evaluation_data").exists()


def test_recordings_that_cannot_be_standardised(tmp_path: Path) -> None:
    silent = replace(raw_trial(0), units=np.zeros((12, 3), dtype=np.float32))
    for trials, says in (([raw_trial(0, training=False)], "No trial"), ([silent], "No unit")):
        with pytest.raises(DataError, match=says):
            write_recording(tmp_path / "mouse", trials, [], IDS)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("stray", ["thesis/1.txt", "training_data/mine.npy", "evaluation_data/mine.npy"])
def test_a_folder_with_other_files_is_not_replaced(tmp_path: Path, stray: str) -> None:
    folder, videos = tmp_path / "mouse", [Video("v", (raw_trial(1, training=False),))]
    for _ in range(2):  # an earlier recording is replaced
        write_recording(folder, [raw_trial(0)], videos, IDS)
    (folder / stray).parent.mkdir(exist_ok=True)
    (folder / stray).write_text("mine")
    before = sorted(folder.rglob("*"))
    with pytest.raises(DataError, match=rf"holds {Path(stray).parts[0]}|holds mine\.npy, which writing"):
        write_recording(folder, [raw_trial(2)], videos, IDS)
    assert sorted(folder.rglob("*")) == before and (folder / stray).read_text() == "mine"


def test_statistics_are_read_as_they_were_written(tmp_path: Path) -> None:
    written = write_recording(tmp_path / "mouse", [raw_trial(0)], [], IDS)
    read = read_statistics(tmp_path / "mouse" / "statistics.npz")
    np.testing.assert_array_equal(values_of(read), values_of(written))
    np.testing.assert_array_equal(read.unit_ids, IDS)
    with pytest.raises(DataError, match="missing"):
        read_statistics(tmp_path / "statistics.npz")
    for damaged in ({"unit_ids": IDS[:2]}, {"units_mean": np.ones((3, 1))}, {"modulation_std": np.ones(3)}):
        np.savez(tmp_path / "statistics.npz", **(vars(written) | damaged))
        with pytest.raises(DataError, match="does not hold the statistics of one recording: convert"):
            read_statistics(tmp_path / "statistics.npz")


def test_videos_are_standardised_with_the_training_trials(tmp_path: Path) -> None:
    trial, other = raw_trial(0), raw_trial(1, training=False)
    statistics = write_recording(tmp_path / "mouse", [trial], [Video("v", (other,))], IDS)
    (video,) = load_videos(tmp_path / "mouse" / "evaluation_data")
    expected = other.units / trial.units.mean(axis=0)
    np.testing.assert_allclose(video.repeats[0].units, expected, rtol=1e-5)
    np.testing.assert_allclose(statistics.perspective_mean, trial.perspective.mean(axis=0), rtol=1e-5)
