"""Rows of a stimulus table become repeats: shared samples and swapped rows are taken, broken ones are not."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from neurokit.errors import DataError
from neurokit.recordings.triggers import LONGEST_PAUSE
from neurokit.v1_transformer.allensdk_cache import import_allensdk
from neurokit.v1_transformer.movie_times import Repeats, find_repeats
from neurokit.v1_transformer.simulated_files import write_session
from neurokit.v1_transformer.simulation import SessionParameters, simulate_session

FRAMES, REPEATS = 40, 5
ROW = 2 * FRAMES + 15  # frame 15 of repeat 2


def table() -> tuple[np.ndarray, np.ndarray]:
    """Frames and the samples at which they came on; the last two repeats after a second of grey."""
    starts = 10 + np.floor(np.arange(FRAMES * REPEATS) * 1.003).astype(int)
    starts[3 * FRAMES :] += 30
    return np.tile(np.arange(FRAMES), REPEATS), starts


def found(shown: np.ndarray, starts: np.ndarray, time: np.ndarray | None = None) -> Repeats:
    time = np.arange(300) / 30 if time is None else time
    return find_repeats(shown, starts, FRAMES, time, "movie", Path("a.nwb"))


def left_out(repeats: Repeats) -> dict[str, tuple[str, ...]]:
    assert all(each.number == REPEATS and each.pieces == "repeats" for each in repeats.omissions)
    return {each.rule: each.names for each in repeats.omissions}


def test_a_sound_table_is_cut_into_its_repeats() -> None:
    shown, starts = table()
    repeats = found(shown, starts)
    np.testing.assert_array_equal(repeats.starts, starts.reshape(REPEATS, FRAMES))
    np.testing.assert_array_equal(repeats.numbers, np.arange(REPEATS))
    assert not repeats.omissions


@pytest.mark.parametrize("session_type", ["three_session_A", "three_session_B", "three_session_C2"])
def test_starts_are_those_of_allensdk(tmp_path: Path, session_type: str) -> None:
    size = {"cells": 2, "frames": 30, "height": 8, "width": 16, "repeats": 4, "spontaneous": 2.0}
    session = simulate_session(SessionParameters(session_type=session_type, **size))
    dataset = import_allensdk()[0](str(write_session(session, tmp_path)))
    for name, frames in session.movies.items():
        rows = dataset.get_stimulus_table(name)
        shown, starts = rows["frame"].to_numpy(), rows["start"].to_numpy()
        repeats = find_repeats(shown, starts, len(frames), session.time, name, tmp_path)
        np.testing.assert_array_equal(repeats.starts, starts.reshape(4, -1))
        assert not repeats.omissions


def share_a_sample(shown: np.ndarray, starts: np.ndarray) -> None:
    starts[ROW] = starts[ROW - 1]


def share_and_swap(shown: np.ndarray, starts: np.ndarray) -> None:
    share_a_sample(shown, starts)
    shown[[ROW - 1, ROW]] = shown[[ROW, ROW - 1]]


def share_between_repeats(shown: np.ndarray, starts: np.ndarray) -> None:
    starts[2 * FRAMES] = starts[2 * FRAMES - 1]
    shown[[2 * FRAMES - 1, 2 * FRAMES]] = shown[[2 * FRAMES, 2 * FRAMES - 1]]


def swap_rows(shown: np.ndarray, starts: np.ndarray) -> None:
    for values in (shown, starts):
        values[[ROW - 1, ROW]] = values[[ROW, ROW - 1]]


@pytest.mark.parametrize("change", [share_a_sample, share_and_swap, share_between_repeats, swap_rows])
def test_shared_samples_and_swapped_rows_cost_nothing(change: Callable[..., None]) -> None:
    shown, starts = table()
    change(shown, starts)
    repeats = found(shown, starts)
    np.testing.assert_array_equal(repeats.starts, np.sort(starts).reshape(REPEATS, FRAMES))
    assert not repeats.omissions


@pytest.mark.parametrize("rate", [2, 3, 7])
def test_a_microscope_may_be_slower_than_the_movie(rate: int) -> None:
    shown, starts = table()
    repeats = found(shown, starts // rate, np.arange(200) * rate / 30)
    np.testing.assert_array_equal(repeats.starts, (starts // rate).reshape(REPEATS, FRAMES))
    assert not repeats.omissions


def test_a_frame_less_costs_its_repeat() -> None:
    shown, starts = table()
    sound = starts.reshape(REPEATS, FRAMES)
    for repeats in (
        found(np.delete(shown, ROW), np.delete(starts, ROW)),
        found(np.delete(shown, slice(ROW, ROW + 12)), np.delete(starts, slice(ROW, ROW + 12))),
        found(np.where(np.arange(len(shown)) == ROW, shown - 1, shown), starts),  # shown twice, the next not
        found(np.where(np.arange(len(shown)) == ROW, 10**6, shown), starts),
        found(np.where(np.arange(len(shown)) == ROW, np.nan, shown), starts),
    ):
        assert left_out(repeats) == {"interrupted": ("movie/2",)}
        np.testing.assert_array_equal(repeats.numbers, [0, 1, 3, 4])
        np.testing.assert_array_equal(repeats.starts, sound[[0, 1, 3, 4]])


def test_a_movie_that_stood_still_costs_its_repeat() -> None:
    shown, starts = table()
    late = np.where(np.arange(len(starts)) >= ROW, starts + LONGEST_PAUSE, starts)
    assert left_out(found(shown, late)) == {"interrupted": ("movie/2",)}
    time = np.arange(300) / 30
    time[starts[ROW] :] += 3.0  # the microscope paused
    assert left_out(found(shown, starts, time)) == {"interrupted": ("movie/2",)}
    time = np.arange(300) / 30
    time[starts[3 * FRAMES] - 10 :] += 3.0  # while the screen was grey
    assert not found(shown, starts, time).omissions


@pytest.mark.parametrize("value", [np.nan, np.inf, -1, 10**6, 2**63])
def test_a_time_outside_the_recording_costs_its_repeat(value: float) -> None:
    shown, starts = table()
    starts = starts.astype(float)
    starts[-3] = value
    repeats = found(shown, starts)
    assert left_out(repeats) == {"time_unknown": ("movie/4",)}
    np.testing.assert_array_equal(repeats.starts, table()[1].reshape(REPEATS, FRAMES)[:4])


def test_a_recording_that_ends_early_costs_the_last_repeats() -> None:
    shown, starts = table()
    repeats = found(shown, starts, np.arange(starts[3 * FRAMES + 5]) / 30)
    assert left_out(repeats) == {"time_unknown": ("movie/3", "movie/4")}
    unknown = np.where(np.arange(len(starts)) > ROW, np.nan, starts)
    assert left_out(found(shown, unknown)) == {"time_unknown": ("movie/2", "movie/3", "movie/4")}
    cut = found(shown[: ROW + FRAMES], starts[: ROW + FRAMES])
    assert [each.names for each in cut.omissions] == [("movie/3",)] and len(cut.starts) == 3


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda shown, starts: (shown + 1, starts), "5 of 200 rows with other numbers than 0 to 39"),
        (
            lambda shown, starts: (shown, starts + 1000),
            "no repeat that can be used: 5 were shown, 5 at times",
        ),
        (lambda shown, starts: (shown, starts * 20), "no repeat that can be used"),
        (lambda shown, starts: (shown[::2], starts[::2]), "no repeat that can be used"),
        (lambda shown, starts: (shown[:0], starts[:0]), "0 of 0 rows"),
        (lambda shown, starts: (np.zeros(200), starts), "no repeat that can be used"),
        (
            lambda shown, starts: (np.random.default_rng(0).permutation(shown), starts),
            "no repeat that can be",
        ),
    ],
)
def test_a_movie_without_a_sound_repeat_is_refused(change: Callable[..., tuple], says: str) -> None:
    with pytest.raises(DataError, match=f"movie in a.nwb .*{says}.*leave this movie out with movies="):
        found(*change(*table()))
