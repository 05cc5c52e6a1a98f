"""A recording of movies from plain arrays, as a lab has them: lists, numpy arrays or tensors of any order.

Letters: F frames, H x W pixels, R repeats, K frames of all repeats, S samples of the traces, N units,
C channels.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from neurokit.arguments import explain_failure
from neurokit.errors import DataError
from neurokit.recordings.clocks import check_counted, check_overlap
from neurokit.recordings.grey import to_grey
from neurokit.recordings.measured import mask_traces
from neurokit.recordings.plain import numbers, to_array
from neurokit.recordings.recording import Recording, Stimulus, Trace, check_clock
from neurokit.recordings.triggers import LONGEST_PAUSE, RATES, check_frame_rate, check_triggers

COUNTED = "say in shown which frame each time is of"
PUPIL = {1: ("pupil_size",), 2: ("pupil_x", "pupil_y"), 3: ("pupil_x", "pupil_y", "pupil_size")}


@explain_failure
def recording_of_movies(
    movies: Any,
    traces: Any,
    trace_times: Any,
    *,
    frame_times: Any,
    shown: Any = None,
    running: Any = None,
    pupil: Any = None,
    unit_ids: Any = None,
    area: Any = None,
    units_first: bool | None = None,
    name: str = "own",
    unit: str = "dF/F",
    words: Mapping[str, str] | None = None,
) -> Recording:
    """What was shown, what the units did and what the animal did, each on its own clock.

    Args:
        movies: grey values, F x H x W, by name; or those of a single movie. See `to_grey` for their types.
        traces: S x N or N x S; which of them, the number of times says.
        trace_times: s, S.
        frame_times: s at which each frame came on, by movie (or of the single one): R x F, a list of R
            repeats, or all K one after another. Where K frames come without `shown`, the movie begins anew
            after its last frame and after a pause. NaN is a frame that was not shown.
        shown: which frame, from 0, each of the K frames was, by movie; only beside K times.
        running: cm/s, S, or values and their own times; None where it was not recorded.
        pupil: S, its size; S x 2, x and y; or S x 3, x, y and size; or values and their own times.
        unit_ids: N whole numbers; None counts from 0.
        area: of each unit, N words; None where not known.
        units_first: whether traces are N x S, where both axes would fit.
        name: of the recording.
        unit: of the traces.
        words: names of these arguments in messages, where a caller has others.

    Raises DataError where arrays do not fit each other, clocks are not in s or share no time, and frames are
    no grey values.
    """
    called = {word: word for word in ("movies", "traces", "trace_times", "running")} | dict(words or {})
    time = _clock(trace_times, called["trace_times"])
    values = _traces(traces, time, units_first, called)
    ids = _unit_ids(unit_ids, values.shape[1])
    own = movies if isinstance(movies, Mapping) else {"movie": movies}
    if not own:
        raise DataError(f"{called['movies']} holds none; give at least one.")
    stimuli, notes = [], list[str]()
    for movie, frames in own.items():
        when = _of_movie(frame_times, movies, movie, "frame_times")
        which = None if shown is None else _of_movie(shown, movies, movie, "shown")
        stimulus, onset = _stimulus(str(movie), frames, when, which, time)
        check_overlap(onset, time, (f"{movie}: frame_times", called["traces"]), activity=1)
        stimuli.append(stimulus)
    recording = Recording(
        name=str(name),
        format="arrays",
        unit_ids=ids,
        traces=mask_traces(Trace(values, time, unit), notes),
        area=None if area is None else np.asarray(area, dtype=str),
        behaviour=_behaviour(running, pupil, time, called),
        stimuli=stimuli,
        notes=tuple(notes),
    )
    check_counted(recording)
    return recording


def _clock(values: Any, name: str) -> Float[np.ndarray, "S"]:
    time = numbers(name, values, "times", "times 1").astype(float).reshape(-1)
    check_clock(time, what=name)
    if len(time) < 2 or not RATES[0] <= (rate := 1 / np.median(np.diff(time))) <= RATES[1]:
        shown = f"give {rate:g} samples a second" if len(time) > 1 else "are a single one"
        raise DataError(f"{name} {shown}; give times in seconds, not milliseconds or samples.")
    return time


def _traces(
    values: Any, time: Float[np.ndarray, "S"], units_first: bool | None, called: Mapping[str, str]
) -> Float[np.ndarray, "S N"]:
    traces, times = called["traces"], called["trace_times"]
    found = numbers(traces, values, "samples", "samples units")
    found = found[:, None] if found.ndim == 1 else found
    fits = [length == len(time) for length in found.shape]
    finding = f"{traces} are {found.shape[0]} x {found.shape[1]} and there are {len(time)} {times}"
    if all(fits) and units_first is None:
        raise DataError(
            f"{finding}, so rows and columns both fit; say units_first=True where each row is a unit, else "
            "units_first=False."
        )
    first = fits[1] if units_first is None else units_first
    if not fits[1 if first else 0]:
        raise DataError(f"{finding}; give a time for each sample.")
    return found.T if first else found


def _unit_ids(ids: Any, units: int) -> Int[np.ndarray, "N"]:
    if ids is None:
        return np.arange(units)
    found = numbers("ids of units", ids, "units", "units 1").reshape(-1)
    if len(found) != units:
        raise DataError(f"There are {units} units and {len(found)} ids; give one for each.")
    if (found % 1 != 0).any() or (found < 0).any() or (found >= 2.0**63).any():
        raise DataError(f"An id is {found[(found % 1 != 0) | (found < 0)][:1]}; give whole numbers from 0.")
    return found.astype(np.int64)


def _of_movie(given: Any, movies: Any, name: Any, what: str) -> Any:
    """The part of an argument that belongs to a movie."""
    if not isinstance(given, Mapping):
        if isinstance(movies, Mapping) and len(movies) > 1:
            raise DataError(f"{what} are one array for {len(movies)} movies; give a dictionary by name.")
        return given
    if name not in given and not (len(given) == 1 and not isinstance(movies, Mapping)):
        raise DataError(f"{what} lacks {name}; it has {', '.join(map(str, given)) or 'none'}.")
    return given[name] if name in given else next(iter(given.values()))


def _stimulus(
    name: str, frames: Any, times: Any, shown: Any, clock: Float[np.ndarray, "S"]
) -> tuple[Stimulus, Float[np.ndarray, "K"]]:
    """The movie, and the s at which each of its frames came on."""
    grey = to_grey(to_array(f"{name}: frames", frames), f"{name}: frames")
    what = f"{name}: frame_times"
    number, time = _presentations(times, shown, len(grey), what, clock)
    if not len(time):
        raise DataError(f"{what} hold no time that is a number; give s at which each frame came on.")
    order = np.argsort(time, kind="stable")
    number, time = number[order], time[order]
    check_clock(time, what=what)
    return Stimulus(name, "movie", grey, number, time), time


def _presentations(
    times: Any, shown: Any, frames: int, what: str, clock: Float[np.ndarray, "S"]
) -> tuple[Int[np.ndarray, "K"], Float[np.ndarray, "K"]]:
    """Which frame was shown when, without those that were not."""
    if shown is not None:
        number, time = numbers("shown", shown, "frames"), numbers(what, times, "frames")
        if len(number) != len(time):
            raise DataError(f"{what} are {len(time)} and shown are {len(number)}; give both for each frame.")
        check_frame_rate(np.sort(time[None].astype(float)), what)
    elif _is_ragged(times):
        several = [numbers(what, each, "frames") for each in times]
        number = np.concatenate([np.arange(len(each)) for each in several])
        time = np.concatenate(several)
        if (longest := max(map(len, several))) > frames:
            raise DataError(f"{what}: a repeat has {longest} times, and the movie {frames} frames.")
        for each in several:
            check_triggers(each[None].astype(float), what, COUNTED, clock)
    else:
        number, time = _regular(numbers(what, times, "times", "repeats frames"), frames, what, clock)
    time = time.astype(float)
    seen = ~np.isnan(time)
    return number[seen].astype(int), time[seen]


def _is_ragged(times: Any) -> bool:
    if not isinstance(times, Sequence):
        return False
    lengths = {len(each) if hasattr(each, "__len__") else -1 for each in times}
    return len(lengths) > 1 and -1 not in lengths


def _regular(
    times: np.ndarray, frames: int, what: str, clock: Float[np.ndarray, "S"]
) -> tuple[Int[np.ndarray, "K"], Float[np.ndarray, "K"]]:
    """The frame of each time: by its place in a repeat, or counted from the last pause."""
    if times.ndim == 2 and times.shape[1] != frames and times.shape[0] == frames:
        times = times.T
    if times.ndim == 2 and times.shape[1] == frames:
        check_triggers(times.astype(float), what, COUNTED, clock)
        return np.tile(np.arange(frames), len(times)), times.reshape(-1)
    if times.ndim != 1:
        shape = " x ".join(map(str, times.shape))
        raise DataError(f"{what} are {shape}, and the movie has {frames} frames; give repeats x frames.")
    if len(times) < frames:
        raise DataError(f"{what} are {len(times)}, and the movie has {frames} frames: not one whole repeat.")
    steps = np.diff(times)
    pause = np.concatenate([[True], steps > LONGEST_PAUSE * np.nanmedian(steps)])
    place = np.arange(len(times))
    first = np.maximum.accumulate(np.where(pause, place, 0))  # of the run that each time is in
    length = np.bincount(first, minlength=len(times))[first]
    shifts = (length % frames != 0) & ((place - first) // frames < (length - 1) // frames)
    usual = np.nanmedian(steps) if len(steps) else 0.0
    uneven = np.concatenate([[False], (steps > 1.5 * usual) | (steps < 0.5 * usual)]) & ~pause
    if (bad := uneven & shifts & ((place - first) % frames != 0)).any():
        raise DataError(
            f"{what}: {length[bad][0]} times in a row are no whole repeats of {frames} frames, and uneven "
            f"at {times[bad][0]:g} s, so frames after it cannot be numbered; say in shown which is which."
        )
    check_triggers(times[None].astype(float), what, COUNTED, clock)
    return (place - first) % frames, times


def _behaviour(
    running: Any, pupil: Any, time: Float[np.ndarray, "S"], called: Mapping[str, str]
) -> dict[str, Trace]:
    """A trace for each channel that holds any measured value."""
    found: dict[str, Trace] = {}
    if running is not None:
        values, clock = _with_times(running, time, called["running"], called)
        found["running"] = Trace(values[:, 0], clock, "cm/s")
    if pupil is not None:
        values, clock = _with_times(pupil, time, "pupil", called)
        if values.shape[1] not in PUPIL:
            raise DataError(
                f"pupil has {values.shape[1]} columns; give x, y and size, x and y, or the size alone."
            )
        for name, column in zip(PUPIL[values.shape[1]], values.T, strict=True):
            found[name] = Trace(column, clock)
    return {name: trace for name, trace in found.items() if np.isfinite(trace.values).any()}


def _with_times(
    given: Any, time: Float[np.ndarray, "S"], name: str, called: Mapping[str, str]
) -> tuple[Float[np.ndarray, "T C"], Float[np.ndarray, "T"]]:
    """Values with a row a sample, and their clock, which shares time with that of the traces."""
    own = isinstance(given, tuple) and len(given) == 2 and all(np.ndim(each) for each in given)
    values = numbers(name, given[0] if own else given, "samples", "samples channels").astype(float)
    clock = _clock(given[1], f"times of {name}") if own else time
    values = values[:, None] if values.ndim == 1 else values
    if len(values) != len(clock) and values.ndim == 2 and values.shape[1] == len(clock):
        values = values.T
    if values.ndim != 2 or len(values) != len(clock):
        whose = "times of its own" if own else f"times of the {called['traces']}"
        remedy = "give a value for each" if own else "give values and their own times, (values, times)"
        raise DataError(f"{name} has {len(values)} values and there are {len(clock)} {whose}; {remedy}.")
    check_overlap(clock, time, (f"times of {name}", called["traces"]), activity=1)
    return np.where(np.isfinite(values), values, np.nan), clock
