"""Traces on another clock: straight lines between samples, nothing where nothing was measured."""

from pathlib import Path

import numpy as np
import pytest

from neurokit import pupil_encoder, recordings, v1_transformer
from neurokit.errors import DataError
from neurokit.recordings import Trace, check_overlap, resample
from neurokit.recordings.clocks import compare_counted
from tests import labs


def test_a_line_comes_back_exactly_at_any_rate():
    trace = Trace(np.arange(50.0) * 2, np.arange(50.0) / 10)
    wanted = np.arange(0, 4.9, 0.013)
    assert np.allclose(resample(trace, wanted), wanted * 20, atol=1e-9)


def test_own_samples_come_back_to_the_bit_also_beside_a_gap():
    values = np.random.default_rng(0).normal(size=(40, 3))
    values[7] = np.nan
    time = np.arange(40) / 30
    assert np.array_equal(resample(Trace(values, time), time), values, equal_nan=True)


def test_a_time_that_differs_by_rounding_is_that_samples_also_beside_a_gap():
    time = np.r_[np.arange(10), np.arange(30, 40)] / 10
    found = resample(Trace(np.arange(20.0), time), np.nextafter(time, np.inf))
    assert np.array_equal(found, np.arange(20.0))


def test_nothing_is_held_outside_the_clock_or_drawn_over_a_gap():
    time = np.r_[np.arange(10.0), np.arange(30.0, 40.0)]
    found = resample(Trace(np.ones(20), time), np.array([-1.0, 0.0, 9.0, 20.0, 30.0, 39.0, 40.0]))
    assert np.array_equal(np.isnan(found), [True, False, False, True, False, False, True])


def test_a_faster_trace_is_averaged_so_that_its_fast_part_does_not_come_back_slow():
    time = np.arange(3000) / 300
    fast = Trace(np.sin(2 * np.pi * 29 * time), time)  # at 30 Hz it would look like 1 Hz of full size
    found = resample(fast, np.arange(20, 270) / 30)
    assert np.abs(found).max() < 0.1
    plain = np.interp(np.arange(20, 270) / 30, time, fast.values)
    assert np.abs(plain).max() > 0.9


@pytest.mark.parametrize(
    ("time", "words"),
    [
        (np.array([0.0, 2.0, 1.0]), "do not ascend: 1 s follows 2 s"),
        (np.array([0.0, np.nan, 1.0]), "1 of 3 times are not finite"),
        (np.arange(3.0) * 1e6, "not milliseconds"),
        (np.arange(4.0), "3 values have 4 times"),
    ],
)
def test_clocks_that_are_none_are_named_with_their_numbers(time, words):
    with pytest.raises(DataError, match=words):
        Trace(np.ones(3), time)


def test_clocks_that_share_no_time_are_named_with_both_spans():
    first, second = np.arange(10.0), np.arange(100.0, 110.0)
    with pytest.raises(DataError, match="from 0 to 9 s and pupil from 100 to 109 s"):
        check_overlap(first, second, ("traces", "pupil"))
    assert check_overlap(first, np.arange(5.0, 20.0), ("traces", "pupil")) == 4


def test_clocks_of_other_units_are_named_and_one_presentation_is_enough():
    seconds = np.arange(0.0, 60.0, 0.1)
    with pytest.raises(
        DataError, match=r"from 0 to 59.9 s and wheel from 0 to 59900 s: these cannot be in one"
    ):
        check_overlap(seconds, seconds * 1000, ("traces", "wheel"))
    assert check_overlap(seconds, np.array([3.0]), ("traces", "flash")) == 0
    with pytest.raises(DataError, match="share no time"):
        check_overlap(seconds, np.array([80.0]), ("traces", "flash"))


def test_a_clip_in_a_long_session_shares_its_unit_whichever_comes_first():
    session, clip = np.arange(0.0, 2700.0), 1000 + np.arange(150) / 30
    assert check_overlap(clip, session, ("clip", "traces"), activity=1) == pytest.approx(149 / 30)
    assert check_overlap(session, clip, ("traces", "clip")) == pytest.approx(149 / 30)
    with pytest.raises(DataError, match="cannot be in one unit"):  # the stimulus in ms
        check_overlap(np.arange(0.0, 2700e3, 1e3), np.arange(0.0, 2700.0), ("clip", "traces"), activity=1)


COUNTED = {
    "the eye in frames": ("probe", "pupil_size", lambda lab: {"pupil_times": np.arange(7500.0)}),
    "the wheel in frames from 100": (
        "probe",
        "running",
        lambda lab: {"running_times": 100.0 + np.arange(7500)},
    ),
    "traces in samples": ("movie", "traces", lambda lab: {"trace_times": np.arange(650.0)}),
    "running in samples": ("movie", "running", lambda lab: {"running_times": np.arange(650.0)}),
}


@pytest.mark.parametrize("case", COUNTED)
def test_a_clock_of_samples_or_frames_is_refused_in_every_way_in(case: str, tmp_path: Path) -> None:
    kind, name, change = COUNTED[case]
    lab = getattr(labs, kind)()
    np.savez(tmp_path / "sound.npz", **lab)
    recordings.read(tmp_path / "sound.npz")
    lab |= change(lab)
    np.savez(tmp_path / "lab.npz", **lab)
    words = f"times of {name} are whole numbers.* lasts .* s: they look like numbers of samples or frames"
    with pytest.raises(DataError, match=rf"lab\.npz.*{words}"):
        recordings.read(tmp_path / "lab.npz")
    with pytest.raises(DataError, match=words):
        if kind == "probe":
            behaviour = {"pupil_size": "pupil_times", "running": "running_times"}
            traces = {each: (lab[each], lab[times]) for each, times in behaviour.items()}
            pupil_encoder.from_arrays(
                lab["spike_times"], lab["spike_units"], lab["events_stimulus_time"], behaviour=traces
            )
        else:
            running = (lab["running"], lab.get("running_times", lab["trace_times"]))
            movie = lab["frames"], lab["traces"], lab["trace_times"]
            v1_transformer.from_arrays(*movie, frame_times=lab["frame_times"], running=running)


def test_behaviour_of_an_hour_beside_a_minute_and_activity_of_one_hz_are_clocks_of_seconds() -> None:
    minute, hour = np.arange(0, 60, 0.1), np.arange(0, 3600, 1 / 30)
    compare_counted({"traces": minute, "pupil": hour})
    compare_counted({"traces": np.arange(650.0), "running": np.arange(0, 640, 0.05), "movie": 2 + minute})
    compare_counted({"traces": np.arange(650.0), "running": np.arange(650.0)})
    compare_counted({"traces": minute, "events": np.arange(3.0, 60, 4)})
