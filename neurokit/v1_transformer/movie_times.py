"""When each frame of a movie came on: from the rows of a stimulus table to repeats.

A row says which frame was shown, and from which sample of the microscope on. A frame and the next may share a
sample, where the microscope is slower than the movie or lost a sample, and rows may be out of order. A repeat
that lacks a frame, stood still, or was shown when nothing was recorded is left out; all others are kept.

Letters: F frames, R repeats, K rows of the table, S samples of the microscope.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from neurokit.errors import DataError
from neurokit.recordings.triggers import LONGEST_PAUSE
from neurokit.training.omissions import Omission, leave_out

LONGEST_STEP_BACK = 8  # frames, within a repeat


@dataclass(frozen=True, eq=False)
class Repeats:
    """The sound repeats of a movie.

    Attributes:
        starts: the sample at which each frame came on.
        numbers: of these repeats among all, from 0, in the order in which they were shown.
        omissions: the others.
    """

    starts: Int[np.ndarray, "R F"]
    numbers: Int[np.ndarray, "R"]
    omissions: tuple[Omission, ...]


def find_repeats(
    shown: Shaped[np.ndarray, "K"],
    starts: Shaped[np.ndarray, "K"],
    frames: int,
    time: Float[np.ndarray, "S"],
    name: str,
    path: Path | str,
    *,
    longest_pause: int = LONGEST_PAUSE,
) -> Repeats:
    """The repeats of a movie of that many frames, called `name`, whose session is, or lies at, `path`.

    `shown` and `starts` are numbers of any type, and `time` (s) is that of the samples. `longest_pause` are
    samples from a frame to the next of a sound repeat; AllenSDK takes a longer one for another block. Raises
    DataError where the table does not fit the frames, and where no repeat is sound.
    """
    fitting = (shown >= 0) & (shown < frames) & (shown % 1 == 0)  # false for NaN
    if (~fitting).sum() * frames >= len(shown):  # at least one in each repeat
        odd = f"{(~fitting).sum()} of {len(shown)} rows with other numbers than 0 to {frames - 1}"
        raise _error(name, path, f"has {frames} frames and a stimulus table of {odd}")
    frame, first = shown[fitting].astype(int), starts[fitting]
    known = (first >= 0) & (first < len(time))  # false for NaN
    first = _carry_on(np.where(known, first, 0).astype(int), known)
    order = _sort_rows(frame, first, known, frames)
    numbers = _number_rows(frame[order], first[order], frames, longest_pause)
    place, row = np.unique(numbers, return_index=True)
    number, first, known = place // frames, first[order][row], known[order][row]
    late = np.bincount(number, weights=~known) > 0
    sound = (np.bincount(number) == frames) & ~late
    sound[sound] = ~_pauses(first[sound[number]].reshape(-1, frames), time, longest_pause)
    if not sound.any():
        reason = f"{late.sum()} at times outside the recording, the others with frames missing or pauses"
        raise _error(name, path, f"has no repeat that can be used: {len(sound)} were shown, {reason}")
    names = [f"{name}/{repeat}" for repeat in range(len(sound))]
    omissions = leave_out(late, names, "time_unknown", "repeats")
    omissions += leave_out(~sound & ~late, names, "interrupted", "repeats")
    chosen = first[sound[number]].reshape(-1, frames)
    return Repeats(chosen, np.flatnonzero(sound), omissions)


def _carry_on(values: Shaped[np.ndarray, "K"], known: Bool[np.ndarray, "K"]) -> Shaped[np.ndarray, "K"]:
    """The values, and where one is not known the last before that is."""
    return values[np.maximum.accumulate(np.where(known, np.arange(len(values)), 0))]


def _sort_rows(
    frame: Int[np.ndarray, "K"], first: Int[np.ndarray, "K"], known: Bool[np.ndarray, "K"], frames: int
) -> Int[np.ndarray, "K"]:
    """The rows in order of time, and of the movie where they share a sample.

    Those whose time is not known stay behind the row before them.
    """
    order = np.argsort(first, kind="stable")
    frame, first, known = frame[order], first[order], known[order]
    opens = np.concatenate([[True], np.diff(first) > 0])  # the first of the rows that share a sample
    ahead = (frame - _carry_on(frame, opens) + frames // 2) % frames
    return order[np.lexsort((np.where(known, ahead, frames + np.arange(len(frame))), first))]


def _number_rows(
    frame: Int[np.ndarray, "K"], first: Int[np.ndarray, "K"], frames: int, longest_pause: int
) -> Int[np.ndarray, "K"]:
    """Number of the repeat x frames + that of the frame, of rows in order of time.

    Frames go on, or a few back; after a pause they go on, or begin anew.
    """
    ahead, back = np.diff(frame), min(LONGEST_STEP_BACK, frames // 4)
    pause = np.diff(first) > longest_pause
    step = np.where(pause, (ahead - 1) % frames + 1, (ahead + back) % frames - back)
    return np.maximum(frame[0] + np.concatenate([[0], np.cumsum(step)]), 0)


def _pauses(
    starts: Int[np.ndarray, "R F"], time: Float[np.ndarray, "S"], longest_pause: int
) -> Bool[np.ndarray, "R"]:
    """Repeats whose frames went back or stayed too long, in samples or, if the microscope paused, in s."""
    samples = np.diff(starts, axis=1)
    seconds = np.diff(time[starts], axis=1) > (longest_pause + 0.5) * np.median(np.diff(time))
    return ((samples < 0) | (samples > longest_pause) | seconds).any(axis=1)


def _error(name: str, path: Path | str, finding: str) -> DataError:
    return DataError(f"{name} in {path} {finding}; leave this movie out with movies= (--movies).")
