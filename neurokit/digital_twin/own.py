"""A mouse of one's own as trials: from arrays, or a recording in any format that `neurokit.recordings` reads.

    recording = from_arrays("my-mouse", videos, responses, response_times, frame_times=frame_times)
    Experiment("digital-twin", folder="my-mouse").train()

Video, pupil, treadmill and responses come with clocks of their own, all on one time, and are brought to the
frames of the video at 30 Hz. Where a clock has ended, or was not begun, values are missing, never held.

Where most of what was shown was shown once, these videos train and, a share of them, validate; those that
were repeated evaluate. Where movies were repeated, each is cut by its own time, with gaps: the last stretch
evaluates, the one before validates. A recording that says itself which presentation is for what is taken at
its word. Statistics are those of training trials.

Letters: F frames, H x W pixels, R repeats, S samples, N units, T frames of a trial at 30 Hz.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from neurokit.arguments import explain_failure
from neurokit.digital_twin.conversion import (
    BASELINE,
    GAP,
    MONITOR,
    TRIAL_FRAMES,
    VALIDATION,
    split_movie,
    subtract_lowest,
)
from neurokit.digital_twin.preparation import (
    FRAME_PERIOD,
    TrainingStatistics,
    resample_trace,
    write_recording,
)
from neurokit.digital_twin.recording import Trial, Video
from neurokit.digital_twin.showings import ShownVideo, shown_videos
from neurokit.errors import DataError
from neurokit.recordings.clocks import check_overlap, resample
from neurokit.recordings.copies import find_copies
from neurokit.recordings.measured import mask_unmeasured
from neurokit.recordings.movies import activity_trace, choose_movies, choose_units
from neurokit.recordings.recording import Recording, Trace
from neurokit.training.omissions import Omission, leave_out

CHANNELS = (("pupil_x",), ("pupil_y",), ("pupil_size",), ("running", "treadmill", "wheel"))
WORDS = {
    "movies": "videos",
    "traces": "responses",
    "trace_times": "response_times",
    "running": "treadmill",
}


@dataclass(frozen=True, eq=False)
class _Piece:
    """A stretch of a video that becomes a trial: its name, frames, onsets (s), and what it is for."""

    name: str
    frames: UInt8[np.ndarray, "T H W"]
    onsets: Float[np.ndarray, "T"]
    part: str
    video: str = ""


@explain_failure
def convert_recording(
    recording: Recording,
    folder: str | Path,
    *,
    movies: Sequence[str] | None = None,
    areas: Sequence[str] | None = None,
    size: tuple[int, int] = MONITOR,
    trial_frames: int | None = None,
    gap: int = GAP,
    baseline: float = BASELINE,
    validation: float = VALIDATION,
    seed: int = 0,
) -> TrainingStatistics:
    """Writes a recording of movies as a trial folder.

    Args:
        recording: with movies, times of their frames, and traces or spikes.
        folder: new, or with an earlier recording, which is replaced.
        movies: names of those to take; None takes all.
        areas: of the units to take; None takes all.
        size: rows and columns of the video.
        trial_frames: longest trial of a movie that is cut, frames at 30 Hz; None is 300, or a quarter of a
            shorter movie.
        gap: frames between two parts of a movie that is cut.
        baseline: percentile of activity in training that stands for none, where activity may be negative,
            as dF/F; activity of 0 or more stays as it is.
        validation: share of videos shown once that validate, drawn from `seed`.
        seed: of that draw.

    Repeats and trials outside the clock of the responses, and all that `write_recording` leaves out, are
    listed in the folder. Raises DataError where there is no movie, clocks share no time, and nothing is left
    to train on; DiskError where the folder cannot be written.
    """
    recording = mask_unmeasured(recording)
    stimuli, activity = choose_movies(recording, movies), activity_trace(recording)
    columns = choose_units(recording, areas=areas)
    copies = find_copies(np.asarray(activity.values)[:, columns].T)
    again = leave_out(copies, recording.unit_ids[columns], "doubled", "units")
    columns = columns[~copies]
    for each in stimuli:
        assert each.time is not None
        check_overlap(each.time, activity, (f"frames of {each.name}", "responses"), activity=1)
    found = [shown_videos(each, size) for each in stimuli]
    videos = [video for several, _ in found for video in several]
    told, unknown = _known_parts(_cut(videos, trial_frames, gap, validation, seed))
    pieces, omissions = _inside(told, activity, recording.name)
    trials = _trials(pieces, recording, Trace(np.asarray(activity.values)[:, columns], activity.time))
    once = [trial for trial, piece in zip(trials, pieces, strict=True) if not piece.video]
    repeated = _videos(trials, pieces)
    once, repeated = _above_baseline(once, repeated, baseline)
    left_out = (*again, *(each for _, several in found for each in several), *unknown, *omissions)
    return write_recording(folder, once, repeated, recording.unit_ids[columns], left_out)


def _cut(
    videos: Sequence[ShownVideo], trial_frames: int | None, gap: int, validation: float, seed: int
) -> list[_Piece]:
    """The pieces of all videos, with the part of each."""
    if any(part for video in videos for part in video.parts):
        return [piece for video in videos for piece in _as_told(video)]
    once = [video for video in videos if len(video.onsets) == 1]
    repeated = [video for video in videos if len(video.onsets) > 1]
    if len(once) > 1 and _frames(once) >= _frames(repeated):
        held_out = min(max(1, round(validation * len(once))), len(once) - 1)
        drawn = set(np.random.default_rng(seed).choice(len(once), held_out, replace=False).tolist())
        parts = ["validation" if number in drawn else "train" for number in range(len(once))]
        pieces = [_piece(video, video.name, 0, part) for video, part in zip(once, parts, strict=True)]
        return pieces + [piece for video in repeated for piece in _evaluating(video)]
    return [piece for video in videos for piece in _by_time(video, trial_frames, gap)]


def _frames(videos: Sequence[ShownVideo]) -> int:
    return sum(len(video.frames) for video in videos)


def _piece(video: ShownVideo, name: str, repeat: int, part: str, span: slice = slice(None)) -> _Piece:
    shown = _file_name(video.name) if part == "test" else ""
    return _Piece(_file_name(name), video.frames[span], video.onsets[repeat, span], part, shown)


def _file_name(name: str) -> str:
    """A name that a file may have."""
    return re.sub(r"[\s/\\]+", "-", name).lstrip(".-") or "video"


def _evaluating(video: ShownVideo, span: slice = slice(None)) -> list[_Piece]:
    return [_piece(video, str(repeat), repeat, "test", span) for repeat in range(len(video.onsets))]


def _as_told(video: ShownVideo) -> list[_Piece]:
    """Each repeat in the part that the recording says."""
    return [
        _piece(video, str(repeat) if part == "test" else f"{video.name}-{repeat}", repeat, part)
        for repeat, part in enumerate(video.parts)
    ]


def _known_parts(pieces: Sequence[_Piece]) -> tuple[list[_Piece], tuple[Omission, ...]]:
    """The pieces of parts that are known, and those of other words, which must not train."""
    other = np.array([each.part not in ("", "train", "validation", "test") for each in pieces], dtype=bool)
    if other.all():
        words = ", ".join(sorted({each.part for each in pieces}))
        raise DataError(f"tiers are {words}: call them train, validation and test.")
    kept = [piece for piece, gone in zip(pieces, other.tolist(), strict=True) if not gone]
    return kept, leave_out(other, [each.name for each in pieces], "labelled", "trials")


def _by_time(video: ShownVideo, trial_frames: int | None, gap: int) -> list[_Piece]:
    """Stretches of a movie, in each repeat alike."""
    length = len(video.frames)
    if trial_frames is None:
        trial_frames = min(TRIAL_FRAMES, max(1, (length - 2 * gap) // 4))
    split = split_movie(length, trial_frames=trial_frames, gap=gap)
    spans = [(part, "train") for part in split.train] + [(split.validation, "validation")]
    pieces = [
        _piece(video, f"{video.name}-{number}-{repeat}", repeat, part, slice(span.start, span.stop))
        for number, (span, part) in enumerate(spans)
        for repeat in range(len(video.onsets))
    ]
    return pieces + _evaluating(video, slice(split.evaluation.start, split.evaluation.stop))


def _inside(
    pieces: Sequence[_Piece], activity: Trace, name: str
) -> tuple[list[_Piece], tuple[Omission, ...]]:
    """The pieces during which responses were recorded, and the others."""
    first, last = activity.time[0], activity.time[-1]
    slack = 1 / activity.rate
    bad = np.array(
        [each.onsets[0] < first - slack or each.onsets[-1] > last + slack for each in pieces], dtype=bool
    )
    if bad.all():
        raise DataError(
            f"{name} has no trial during which responses were recorded, from {first:g} to {last:g} s: give "
            "all times on one clock."
        )
    names = [f"{each.video}/{each.name}" if each.video else each.name for each in pieces]
    kept = [piece for piece, gone in zip(pieces, bad.tolist(), strict=True) if not gone]
    return kept, leave_out(bad, names, "outside_clock", "trials")


def _trials(pieces: Sequence[_Piece], recording: Recording, activity: Trace) -> list[Trial]:
    """Raw trials: behaviour and activity at the frames of each piece."""
    onsets = np.concatenate([each.onsets for each in pieces])
    edges = np.cumsum([len(each.onsets) for each in pieces])[:-1]
    inside = np.clip(onsets, activity.time[0], activity.time[-1])  # by less than a sample, see `_inside`
    units = np.split(resample(activity, inside), edges)
    seen = np.split(_behaviour(recording, onsets), edges)
    return [
        Trial(each.name, each.part not in ("validation", "test"), each.frames, b[:, :2], b[:, 2:], u)
        for each, b, u in zip(pieces, seen, units, strict=True)
    ]


def _behaviour(recording: Recording, onsets: Float[np.ndarray, "T"]) -> Float[np.ndarray, "T 4"]:
    """Pupil x, y and size, and treadmill; NaN where one was not measured, or not recorded at all."""
    found = np.full((len(onsets), len(CHANNELS)), np.nan)
    for column, names in enumerate(CHANNELS):
        trace = next((recording.behaviour[name] for name in names if name in recording.behaviour), None)
        if trace is not None and len(trace.time) > 1:
            values = np.asarray(trace.values, dtype=float).reshape(len(trace.time), -1)[:, 0]
            source = float(np.median(np.diff(trace.time)))
            period = FRAME_PERIOD if 1.5 * source < FRAME_PERIOD else source  # else nothing is averaged
            values = np.where(np.isinf(values), np.nan, values)
            found[:, column] = resample_trace(trace.time, values, onsets, source_period=source, period=period)
    return found


def _videos(trials: Sequence[Trial], pieces: Sequence[_Piece]) -> list[Video]:
    """The videos that evaluate, with their repeats."""
    names = dict.fromkeys(piece.video for piece in pieces if piece.video)
    return [
        Video(name, tuple(trial for trial, piece in zip(trials, pieces, strict=True) if piece.video == name))
        for name in names
    ]


def _above_baseline(
    trials: list[Trial], videos: list[Video], baseline: float
) -> tuple[list[Trial], list[Video]]:
    """Activity of 0 or more: as it is, or above its baseline in training where any is negative."""
    if not any((trial.units < 0).any() for trial in (*trials, *(r for v in videos for r in v.repeats))):
        return trials, videos
    fitted = [trial.units for trial in trials if trial.training]
    if not fitted:
        raise DataError("No trial is left to train on: show more videos, or shorter trials.")
    lowest = np.nanpercentile(np.concatenate(fitted), baseline, axis=0).astype(np.float32)
    return subtract_lowest(lowest, trials), [
        replace(video, repeats=tuple(subtract_lowest(lowest, video.repeats))) for video in videos
    ]
