"""Behaviour on clocks of its own, brought to the bins of trials.

A trace is drawn at the middle of each bin, and is NaN where its own clock did not run. Licks are counted.
A wheel's position is read at the edges of bins: its movement is what lies between.

Letters: S samples of a trace, B bins of a channel's own, K trials, T bins of a trial.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from jaxtyping import Float, Float32

from neurokit.errors import DataError, read_from
from neurokit.pupil_encoder.binning import TrialBins, count_events
from neurokit.recordings.clocks import check_overlap, resample
from neurokit.recordings.plain import numbers
from neurokit.recordings.recording import Trace

CHANNELS = {  # in the words of recordings: the channel of a trial
    "pupil_size": "pupil_area",
    "pupil_x": "pupil_x",
    "pupil_y": "pupil_y",
    "blink": "blink",
    "face_motion": "face_motion",
    "licks": "licks",
    "running": "wheel",
    "wheel": "wheel",  # in place of running, where there are both
    "wheel_moving": "wheel_moving",
}
STATES = ("blink", "wheel_moving")  # 0 or 1
PER_BIN = ("licks", "wheel")  # channels that grow with the bin
Channels = dict[str, Float32[np.ndarray, "K T"]]


def read_traces(given: Mapping[str, Any]) -> dict[str, Trace]:
    """Traces out of pairs (values, times), or the times alone of licks; those that are traces stay so.

    Raises DataError, naming the channel, for names that are not known and arrays that do not fit.
    """
    if unknown := [str(name) for name in given if name not in CHANNELS]:
        raise DataError(
            f"behaviour holds {', '.join(unknown)}, which no encoder reads; the names are "
            f"{', '.join(CHANNELS)}."
        )
    return {name: _read_trace(name, values) for name, values in given.items()}


def _read_trace(name: str, given: Any) -> Trace:
    if isinstance(given, Trace):
        return given
    paired = isinstance(given, tuple | list) and len(given) == 2 and all(map(np.ndim, map(_bare, given)))
    if not paired and name != "licks":
        raise DataError(f"{name} has no times; give a pair of its values and the time of each, s.")
    if paired:
        values, times = (numbers(f"{what} of {name}", each, "samples") for what, each in _named(given))
    else:
        times, values = np.unique(numbers("times of licks", given, "licks"), return_counts=True)
    with read_from(name):
        return Trace(values, times.astype(float))


def _named(given: Iterable[Any]) -> Iterable[tuple[str, Any]]:
    return zip(("values", "times"), given, strict=True)


def _bare(values: Any) -> Any:
    return values.detach().cpu() if hasattr(values, "detach") else values


def fill_bins(behaviour: Mapping[str, Trace], bins: TrialBins) -> Channels:
    """Each channel that an encoder knows, in the bins of all trials; others are not read.

    Raises DataError for a trace of several columns, and one whose clock shares no time with the trials.
    """
    ways: dict[str, Callable[[Trace, TrialBins], Float[np.ndarray, "K T"]]] = {
        "licks": _count_licks,
        "wheel": _find_movement,
        "running": lambda trace, bins: _draw(trace, bins) * bins.size,
        **dict.fromkeys(STATES, lambda trace, bins: _to_state(_draw(trace, bins))),
    }
    found = {}
    for name, channel in CHANNELS.items():
        if name in behaviour:
            trace = _single_column(name, behaviour[name])
            check_overlap(trace, bins.span, (name, "trials"))
            found[channel] = _to_single(ways.get(name, _draw)(trace, bins))
    return found


def _single_column(name: str, trace: Trace) -> Trace:
    if trace.values.size != len(trace.values):
        raise DataError(f"{name} has shape {trace.values.shape}; give one value for each time.")
    return Trace(trace.values.reshape(-1), trace.time, trace.unit)


def _draw(trace: Trace, bins: TrialBins) -> Float[np.ndarray, "K T"]:
    return resample(trace, bins.centres.ravel()).reshape(bins.centres.shape)


def _to_state(values: Float[np.ndarray, "K T"]) -> Float[np.ndarray, "K T"]:
    """1 in bins where the state is on at all, NaN where it was not measured."""
    return np.where(np.isfinite(values), values > 0, np.nan)


def _count_licks(trace: Trace, bins: TrialBins) -> Float[np.ndarray, "K T"]:
    """Licks in each bin: the sum of the samples in it.

    Where each sample is a lick there is none between them; where some hold no lick, their clock says when
    licks were watched, and bins beyond it are NaN.
    """
    known = np.isfinite(trace.values)
    values, time = trace.values[known].astype(float), trace.time[known]
    counts = count_events(time, bins, values)
    if (values != 0).all():
        return counts
    outside = (bins.centres < time[0] - bins.size) | (bins.centres > time[-1] + bins.size)
    return np.where(outside, np.nan, counts)


def _find_movement(trace: Trace, bins: TrialBins) -> Float[np.ndarray, "K T"]:
    """How far the wheel turned in each bin, in the unit of its position.

    A wheel's encoder may write only while it turns, so that positions are joined over gaps of any length.
    """
    position = np.interp(bins.edges, trace.time, trace.values, left=np.nan, right=np.nan)
    return np.diff(position, axis=1)


def _to_single(values: Float[np.ndarray, "K T"]) -> Float32[np.ndarray, "K T"]:
    with np.errstate(over="ignore"):  # beyond single precision is infinite, and counts as not measured
        return values.astype(np.float32)


def fill_trials(
    values: Float[np.ndarray, "K B"], own: Float[np.ndarray, "B"], time: Float[np.ndarray, "T"], channel: str
) -> Float32[np.ndarray, "K T"]:
    """A channel recorded trial by trial, at other times in the trial, s; NaN outside its own.

    On the same grid the values stay as they are.
    """
    step = float(np.median(np.diff(time))) if len(time) > 1 else np.inf
    first = int(np.abs(time - own[0]).argmin())
    place = time[first : first + len(own)]
    if len(place) == len(own) and np.abs(place - own).max() <= 0.1 * step:
        found = np.full((len(values), len(time)), np.nan, dtype=np.float32)
        found[:, first : first + len(own)] = _to_single(values)
        return found
    drawn = resample(Trace(values.T, own), time).T
    size = step / float(np.median(np.diff(own))) if channel in PER_BIN and len(own) > 1 else 1.0
    return _to_single(drawn * size)
