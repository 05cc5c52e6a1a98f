"""Times of frames that are counted: triggers that were lost and doubled, and times in ms, are refused."""

from pathlib import Path

import numpy as np
import pytest

from neurokit.errors import DataError
from neurokit.recordings import read, recording_of_movies
from neurokit.recordings.triggers import check_triggers

FRAMES, REPEATS = 100, 4
RANDOM = np.random.default_rng(0)
MOVIE = RANDOM.integers(0, 255, (FRAMES, 6, 8)).astype(np.uint8)
CLOCK = np.arange(3000) / 30
TRACES = RANDOM.random((3000, 3))


def sound(rate: float = 10.0, jitter: float = 0.0) -> np.ndarray:
    """R x F, with a second of grey between repeats."""
    starts = 5.003 + np.arange(REPEATS)[:, None] * (FRAMES / rate + 1)
    return starts + np.arange(FRAMES) / rate + RANDOM.uniform(-jitter, jitter, (REPEATS, FRAMES)) / rate


def lost_and_doubled(times: np.ndarray, after: float) -> np.ndarray:
    """Three triggers lost and three counted twice, the second `after` s later; as many as before."""
    flat = np.delete(times.reshape(-1), [10, 150, 260])
    return np.sort(np.r_[flat, flat[[60, 70, 330]] + after])


def saved(path: Path, times: np.ndarray, **more: np.ndarray) -> Path:
    arrays = {"traces": TRACES, "trace_times": CLOCK, "frames": MOVIE, "frame_times": times}
    np.savez(path, **arrays | more)
    return path


@pytest.mark.parametrize("after", [0.0, 0.003, 0.02])
@pytest.mark.parametrize("shape", [(REPEATS, FRAMES), (-1,)])
def test_triggers_that_were_lost_and_doubled_are_refused_with_their_number(
    after: float, shape: tuple[int, ...], tmp_path: Path
) -> None:
    wrong = lost_and_doubled(sound(), after).reshape(shape)
    says = (
        r"frame_times: 3 frames follow the one before within half a frame, such as at .* s.*[2-5] come late"
    )
    with pytest.raises(DataError, match=says) as caught:
        read(saved(tmp_path / "mouse.npz", wrong))
    assert "mouse.npz" in str(caught.value) and "say in shown which frame each time is of" in str(
        caught.value
    )
    with pytest.raises(DataError, match=r"follow the one before|cannot be numbered"):
        recording_of_movies(MOVIE, TRACES, CLOCK, frame_times=wrong)


@pytest.mark.parametrize("jitter", [0.0, 0.2])
def test_sound_times_are_read_to_the_bit(jitter: float, tmp_path: Path) -> None:
    times = sound(jitter=jitter)
    (stimulus,) = read(saved(tmp_path / "mouse.npz", times)).stimuli
    (given,) = recording_of_movies(MOVIE, TRACES, CLOCK, frame_times=times).stimuli
    for each in (stimulus, given):
        np.testing.assert_array_equal(each.time, times.reshape(-1))
        np.testing.assert_array_equal(each.shown, np.tile(np.arange(FRAMES), REPEATS))


def test_a_late_frame_a_slower_clock_and_numbers_of_ones_own_are_sound(tmp_path: Path) -> None:
    late = sound()
    late[1, 40] += 0.09  # and the next on time again
    late[2, 70:] += 0.1  # a frame that stayed for two
    read(saved(tmp_path / "late.npz", late))
    slow = np.floor(sound(rate=40) * 30) / 30  # the sample of the microscope, at times that of two frames
    assert (np.diff(slow) == 0).any()
    read(saved(tmp_path / "slow.npz", slow))
    slower = np.floor(sound() * 3) / 3
    check_triggers(slower, "frame_times", "", np.arange(300) / 3)
    check_triggers(slower, "frame_times", "")  # and where the clock is not known
    numbered = lost_and_doubled(sound(), 0.003)
    shown = np.tile(np.arange(FRAMES), REPEATS)
    (stimulus,) = read(saved(tmp_path / "numbered.npz", numbered, shown=shown)).stimuli
    np.testing.assert_array_equal(stimulus.time, numbered)


def test_frame_times_in_ms_are_refused_though_they_share_time_with_the_traces() -> None:
    clock, traces = np.arange(0, 2700, 0.1), RANDOM.random((27_000, 2))
    clip = np.arange(30)[None] / 30 * 1000 + 100.0
    recording_of_movies(MOVIE[:30], traces, clock, frame_times=clip / 1000)
    says = "movie: frame_times are 33.3333 s apart, 0.03 frames a second; give times in seconds, not millise"
    with pytest.raises(DataError, match=says):
        recording_of_movies(MOVIE[:30], traces, clock, frame_times=clip)
    with pytest.raises(DataError, match=says):
        recording_of_movies(MOVIE[:30], traces, clock, frame_times=clip[0], shown=np.arange(30))
