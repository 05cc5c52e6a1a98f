"""A session of one's own: from arrays, or from a recording in any format that `neurokit.recordings` reads.

    session = from_arrays(movie, traces, trace_times, frame_times=frame_times)
    Experiment("v1-transformer", recording=session).train()

All is brought to the clock of the traces, whatever its rate. A frame belongs to the sample nearest to the
time at which it came on. What was not recorded is NaN or None, and a model does without it.

Letters: F frames, H x W pixels, R repeats, S samples of the traces, N units.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Float32, Int

from neurokit.arguments import explain_failure
from neurokit.files.hdf5 import to_float32
from neurokit.recordings.clocks import check_overlap, resample
from neurokit.recordings.grey import to_grey
from neurokit.recordings.measured import mask_unmeasured
from neurokit.recordings.movie_arrays import recording_of_movies
from neurokit.recordings.movies import activity_trace, choose_movies, choose_units
from neurokit.recordings.recording import Recording, Stimulus
from neurokit.recordings.triggers import LONGEST_PAUSE
from neurokit.training.omissions import Omission, Pieces
from neurokit.v1_transformer.behaviour import seconds_outside
from neurokit.v1_transformer.given_parts import describe_parts, read_parts
from neurokit.v1_transformer.movie_times import find_repeats
from neurokit.v1_transformer.recording import Movie, MovieSession, read_frames
from neurokit.v1_transformer.traces import drop_unusable

PUPIL = ("pupil_x", "pupil_y", "pupil_size")
OF_BEHAVIOUR: tuple[tuple[tuple[str, ...], Pieces], ...] = (
    (("running",), "seconds of running"),
    (PUPIL, "seconds of pupil"),
)


@explain_failure
def from_arrays(
    movies: Any,
    traces: Any,
    trace_times: Any,
    *,
    frame_times: Any,
    shown: Any = None,
    running: Any = None,
    pupil: Any = None,
    cell_ids: Any = None,
    units_first: bool | None = None,
    name: str = "own",
    size: tuple[int, int] | None = (76, 152),
) -> MovieSession:
    """A session from arrays, lists or tensors of any order and number type; none of them is changed.

    Args:
        movies: grey values, F x H x W, by name; or those of a single movie, which is named "movie". uint8
            or other numbers from 0 to 255, or fractions from 0 (black) to 1 (white): see
            `neurokit.recordings.to_grey`.
        traces: activity, such as dF/F, S x N or N x S: the axis that fits the times holds the samples.
        trace_times: s of each sample, S, at any rate, also below that of the movie.
        frame_times: s at which each frame came on, by movie: R x F, a list of R repeats, or all of them one
            after another. Without `shown` the movie then begins anew after its last frame and after pauses.
            NaN is a frame that was not shown.
        shown: which frame, from 0, each of the times in a row is of, by movie.
        running: cm/s, S, or values and times of their own, (values, times); None where not recorded.
        pupil: likewise the size, S; x and y, S x 2; or x, y and size, S x 3.
        cell_ids: whole numbers, N; None counts from 0.
        units_first: whether traces are N x S, where S and N are equal.
        name: of the session.
        size: rows and columns to which larger frames are shrunk, and once more to those that a model reads
            when a task is made of them; None keeps them here.

    Traces outside their own clock are missing, never held. Repeats that lack frames or lie outside the
    recording, and cells that lack values or never change, are left out, and `omissions` says which. Raises
    DataError, naming the array, for whatever does not fit, in one sentence.
    """
    recording = recording_of_movies(
        movies,
        traces,
        trace_times,
        frame_times=frame_times,
        shown=shown,
        running=running,
        pupil=pupil,
        unit_ids=cell_ids,
        units_first=units_first,
        name=name,
    )
    return from_recording(recording, size=size)


@explain_failure
def from_recording(
    recording: Recording,
    *,
    movies: Sequence[str] | None = None,
    without: Sequence[int] = (),
    areas: Sequence[str] | None = None,
    size: tuple[int, int] | None = (76, 152),
) -> MovieSession:
    """The session of a recording that holds a movie, its frames' times, and traces or spikes.

    `movies` are names to read, `areas` those whose units are read (default all), `without` ids of units to
    leave out; for `size` and what else is left out see `from_arrays`. Spikes are counted in bins of 1/30 s.
    Raises DataError for a recording that lacks any of these, an unknown name, area or id, and where no unit
    or repeat can be used.
    """
    recording = mask_unmeasured(recording)
    chosen = choose_movies(recording, movies)
    clock = activity_trace(recording)
    time = clock.time
    columns = choose_units(recording, without=without, areas=areas)
    dff = to_float32(np.ascontiguousarray(np.asarray(clock.values)[:, columns].T))
    ids, dff, omissions = drop_unusable(
        dff, recording.unit_ids[columns], f"activity of {recording.name}", most=None
    )
    found = [_movie(each, time, size, recording.name) for each in chosen]
    return MovieSession(
        session_id=recording.name,
        session_type=recording.format,
        structure=_places(recording, columns),
        depth=None,
        cre_line="",
        pipeline="",
        cell_ids=ids,
        time=time,
        dff=dff,
        running=_channel(recording, "running", time),
        pupil=_pupil(recording, time),
        movies={movie.name: movie for movie, _ in found},
        omissions=(
            *omissions,
            *(each for _, repeats in found for each in repeats),
            *_outside(recording, time),
        ),
        notes=(*recording.notes, *(note for each in chosen for note in describe_parts(each))),
        shrinks=True,
    )


def _movie(
    stimulus: Stimulus, time: Float[np.ndarray, "S"], size: tuple[int, int] | None, session: str
) -> tuple[Movie, tuple[Omission, ...]]:
    """Its frames, the samples at which they came on, and the repeats that were left out."""
    assert stimulus.frames is not None and stimulus.time is not None
    name = stimulus.name
    frames = read_frames(to_grey(np.asarray(stimulus.frames), f"{name}: frames"), size, name)
    check_overlap(stimulus.time, time, (f"frames of {name}", "traces"), activity=1)
    there = stimulus.shown >= 0
    shown, onset = stimulus.shown[there], stimulus.time[there]
    period = float(np.median(np.diff(onset))) if len(onset) > 1 else 0.0
    pause = max(2, round(LONGEST_PAUSE * period / float(np.median(np.diff(time)))))
    found = find_repeats(
        shown, nearest_samples(onset, time), len(frames), time, name, session, longest_pause=pause
    )
    movie = Movie(name, frames, found.starts, found.numbers, frame_rate(shown, onset), read_parts(stimulus))
    return movie, found.omissions


def frame_rate(shown: Int[np.ndarray, "K"], onset: Float[np.ndarray, "K"]) -> float | None:
    """Hz, from a frame to the next; None where none follows another, or all at once."""
    new = np.append(True, np.diff(shown) != 0)  # a frame that stays on the screen is not shown again
    steps = np.diff(onset[new])[np.diff(shown[new]) == 1]
    period = float(np.median(steps)) if len(steps) else 0.0
    return 1 / period if period > 0 else None


def nearest_samples(onset: Float[np.ndarray, "K"], time: Float[np.ndarray, "S"]) -> Int[np.ndarray, "K"]:
    """The sample nearest to each time; -1 before the first and after the last by more than an interval."""
    right = np.clip(np.searchsorted(time, onset), 1, len(time) - 1)
    sample = right - (onset - time[right - 1] < time[right] - onset)
    step = np.median(np.diff(time))
    return np.where((onset < time[0] - step) | (onset > time[-1] + step), -1, sample)


def _channel(
    recording: Recording, name: str, time: Float[np.ndarray, "S"]
) -> Float32[np.ndarray, "S"] | None:
    """A channel of behaviour at these times, NaN where it was not measured; None where it never was."""
    trace = recording.behaviour.get(name)
    if trace is None:
        return None
    found = to_float32(resample(trace, time).reshape(len(time), -1)[:, 0])
    return found if np.isfinite(found).any() else None


def _outside(recording: Recording, time: Float[np.ndarray, "S"]) -> tuple[Omission, ...]:
    """What of running and pupil is missing since their clocks began late or ended early."""
    found = tuple[Omission, ...]()
    for names, pieces in OF_BEHAVIOUR:
        traces = [recording.behaviour[name] for name in names if name in recording.behaviour]
        if traces:
            shared = np.array([max(e.time[0] for e in traces), min(e.time[-1] for e in traces)])
            found += seconds_outside(time, shared, pieces)
    return found


def _pupil(recording: Recording, time: Float[np.ndarray, "S"]) -> Float32[np.ndarray, "S 3"] | None:
    """x, y and size; None where none of them was recorded."""
    found = [_channel(recording, name, time) for name in PUPIL]
    if all(each is None for each in found):
        return None
    unseen = np.full(len(time), np.nan, dtype=np.float32)
    return np.stack([unseen if each is None else each for each in found], axis=1)


def _places(recording: Recording, columns: Int[np.ndarray, "_"]) -> str:
    """The brain areas of these units."""
    if recording.area is None:
        return ""
    return ", ".join(sorted({str(each) for each in recording.area[columns]} - {""}))
