"""What was on the screen, as videos at 30 Hz and the times at which each of their frames was shown.

A presentation list, which says when each frame of a movie came on, is cut into showings: stretches in which
frames follow one another without a pause. Those of the same frames are the repeats of one video. A movie that
was looped is one video; frames of many clips in one array are one video each. A showing that lacks frames, of
a video that was shown whole, is left out.

Letters: K presentations, F frames of a movie, T frames at 30 Hz, H x W pixels, R repeats.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int, UInt8

from neurokit.digital_twin.preparation import FRAME_PERIOD, resize_video
from neurokit.recordings.grey import to_grey
from neurokit.recordings.recording import Stimulus
from neurokit.training.omissions import Omission, leave_out

LONGEST_PAUSE = 3.5  # frames; a longer one ends a showing
MOST_SKIPPED = 3  # frames that were lost between two, within a showing
SAME_RATE = 0.02  # of 30 Hz; at such a rate each frame of the movie is one of the video


@dataclass(frozen=True, eq=False)
class Showing:
    """Frames that followed one another: their numbers, ascending, and when each came on (s)."""

    shown: Int[np.ndarray, "K"]
    time: Float[np.ndarray, "K"]
    part: str = ""

    @property
    def range(self) -> tuple[int, int]:
        """The first frame and the last."""
        return int(self.shown[0]), int(self.shown[-1])


@dataclass(frozen=True, eq=False)
class ShownVideo:
    """A video at 30 Hz and its repeats.

    Attributes:
        name: of the movie, with its first frame where a movie has several videos.
        frames: grey values.
        onsets: s on the session's clock of each frame in each repeat.
        parts: train, validation or test of each repeat, where the recording says so; else empty.
    """

    name: str
    frames: UInt8[np.ndarray, "T H W"]
    onsets: Float[np.ndarray, "R T"]
    parts: tuple[str, ...]


def shown_videos(stimulus: Stimulus, size: tuple[int, int]) -> tuple[list[ShownVideo], tuple[Omission, ...]]:
    """The videos of a movie whose frames and times are known, and the showings that were left out."""
    assert stimulus.frames is not None
    showings = find_showings(stimulus)
    whole = _whole_ranges(showings)
    bad = np.array([each.range not in whole for each in showings])
    names = [f"{stimulus.name} at {each.time[0]:.1f} s" for each in showings]
    grey = to_grey(np.asarray(stimulus.frames), f"{stimulus.name}: frames")
    period = _frame_period(showings)
    videos = []
    for first, last in sorted(whole):
        repeats = [each for each in showings if each.range == (first, last)]
        place, index = _at_30_hz(last - first + 1, period)
        shrunk = resize_video(np.ascontiguousarray(grey[first : last + 1]), size)
        frames = shrunk if len(index) == len(shrunk) else shrunk[index]
        onsets = np.stack([_onsets(each, first + place, period) for each in repeats])
        name = stimulus.name if len(whole) == 1 else f"{stimulus.name}-{first}"
        videos.append(ShownVideo(name, frames, onsets, tuple(each.part for each in repeats)))
    return videos, leave_out(bad, names, "interrupted", "repeats")


def find_showings(stimulus: Stimulus) -> list[Showing]:
    """Stretches of presentations in which frames go on, of two frames or more."""
    assert stimulus.time is not None
    shown, time = stimulus.shown, stimulus.time
    part = np.full(len(shown), "") if stimulus.part is None else np.asarray(stimulus.part, dtype=str)
    steps, ahead = np.diff(time), np.diff(shown)
    breaks = (steps > LONGEST_PAUSE * _typical(steps)) | (ahead < 0) | (ahead > MOST_SKIPPED + 1)
    breaks |= (shown[1:] < 0) | (shown[:-1] < 0) | (part[1:] != part[:-1])
    edges = [0, *(np.flatnonzero(breaks) + 1).tolist(), len(shown)]
    found = []
    for first, last in pairwise(edges):
        numbers, once = np.unique(shown[first:last], return_index=True)
        if numbers[0] >= 0 and len(numbers) > 1:
            found.append(Showing(numbers, time[first:last][once], str(part[first])))
    return found


def _typical(steps: Float[np.ndarray, "_"]) -> float:
    return float(np.median(steps)) if len(steps) else 0.0


def _whole_ranges(showings: Sequence[Showing]) -> set[tuple[int, int]]:
    """First and last frames of the videos: no frame is in two; those seen most, and longest, come first."""
    seen: dict[tuple[int, int], int] = {}
    for each in showings:
        seen[each.range] = seen.get(each.range, 0) + each.range[1] - each.range[0] + 1
    whole: set[tuple[int, int]] = set()
    for first, last in sorted(seen, key=lambda span: (-seen[span], span)):
        if all(last < start or first > end for start, end in whole):
            whole.add((first, last))
    return whole


def _frame_period(showings: Sequence[Showing]) -> float:
    """s from a frame to the next."""
    return float(np.median(np.concatenate([np.diff(each.time) / np.diff(each.shown) for each in showings])))


def _at_30_hz(frames: int, period: float) -> tuple[Float[np.ndarray, "T"], Int[np.ndarray, "T"]]:
    """Where in the movie each frame of the video begins, in frames from its first, and which it shows."""
    ratio = period / FRAME_PERIOD
    if abs(ratio - 1) < SAME_RATE:
        return np.arange(frames, dtype=float), np.arange(frames)
    place = np.arange(max(1, int(frames * ratio + 1e-6))) / ratio
    return place, np.minimum((place + 1e-6).astype(int), frames - 1)


def _onsets(showing: Showing, place: Float[np.ndarray, "T"], period: float) -> Float[np.ndarray, "T"]:
    """s at which these places of the movie, in frames, were reached in a showing."""
    last = showing.shown[-1]
    return np.interp(place, showing.shown, showing.time) + period * np.maximum(place - last, 0)
