"""One clock for all: traces of another rate at the times that are wanted, missing where nothing was measured.

Letters: S samples of a trace, C channels, T times that are wanted.
"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float
from scipy.ndimage import uniform_filter1d

from neurokit.arguments import explain_failure, explain_values
from neurokit.errors import DataError
from neurokit.recordings.recording import Recording, Trace

LONGEST_GAP = 5.0  # intervals of a trace; over a longer one nothing is drawn
MOST_LONGER = 500  # times; milliseconds last 1000 times as long as seconds
MOST_APART = 0.01  # of a rate; one that differs more from its times is that of something else
MOST_COUNTED = 3.0  # times; whole numbers that last so much longer than seconds number samples or frames
FEWEST_COUNTED = 20  # times; a few stimuli may begin at whole seconds
ACTIVITY = "traces or spikes"


@explain_values
def resample(
    trace: Trace, time: Float[np.ndarray, "T"], gap: float = LONGEST_GAP
) -> Float[np.ndarray, "T ..."]:
    """The trace at other times, on straight lines between its samples, T or T x C.

    A trace that is sampled more often is averaged first, over windows as long as the new interval, so that
    what is faster than the new clock does not come back as something slow. NaN outside the trace's own
    clock, beside a missing value, and in gaps longer than `gap` of its intervals.
    """
    values = np.asarray(trace.values, dtype=float)
    flat = values.reshape(len(values), -1)
    step = np.median(np.diff(trace.time)) if len(trace.time) > 1 else np.inf
    wanted = np.median(np.diff(time)) if len(time) > 1 else step
    if (width := round(wanted / step)) > 1:
        flat = _average(flat, width)
    right = np.clip(np.searchsorted(trace.time, time), 1, max(len(trace.time) - 1, 1))
    if len(trace.time) == 1:
        near = np.isclose(time, trace.time[0])
        return np.where(near[:, None], flat, np.nan).reshape(len(time), *values.shape[1:])
    left = right - 1
    between = trace.time[right] - trace.time[left]
    share = (time - trace.time[left]) / between
    slack = 1e-6 * step  # a time that differs from a sample's by rounding alone is that sample's
    share = np.where(np.abs(time - trace.time[left]) < slack, 0, share)
    share = np.where(np.abs(time - trace.time[right]) < slack, 1, share)[:, None]
    drawn = flat[left] * (1 - share) + flat[right] * share
    drawn = np.where(share == 0, flat[left], np.where(share == 1, flat[right], drawn))
    outside = (time < trace.time[0] - slack) | (time > trace.time[-1] + slack)
    apart = (between > gap * step) & (share[:, 0] > 0) & (share[:, 0] < 1)
    drawn[outside | apart] = np.nan
    return drawn.reshape(len(time), *values.shape[1:])


def _average(values: Float[np.ndarray, "S C"], width: int) -> Float[np.ndarray, "S C"]:
    """The mean over `width` samples around each, of those that were measured; missing values stay so."""
    known = np.isfinite(values)
    sums, shares = (
        uniform_filter1d(each, width, axis=0, mode="constant")
        for each in (np.where(known, values, 0.0), known.astype(float))
    )
    return np.where(known, sums / np.where(known, shares, 1), np.nan)


@explain_values
def check_overlap(
    first: Trace | np.ndarray, second: Trace | np.ndarray, what: tuple[str, str], *, activity: int = 0
) -> float:
    """The s that two clocks share; `activity` says which of the two is that of the activity, 0 or 1.

    Raises DataError, with both spans, where they share nothing, and where the other one lasts so much longer
    than the activity that they cannot be in one unit. It may be much shorter, as a clip in a long session.
    """
    (a, b), (c, d) = (_span(each) for each in (first, second))
    shared = min(b, d) - max(a, c)
    spans = f"{what[0]} run from {a:g} to {b:g} s and {what[1]} from {c:g} to {d:g} s"
    if shared < 0 or (shared == 0 and a < b and c < d):
        raise DataError(f"{spans}: they share no time; give both in seconds on one clock.")
    lasting = (b - a, d - c)
    if min(lasting) > 0 and lasting[1 - activity] > MOST_LONGER * lasting[activity]:
        raise DataError(f"{spans}: these cannot be in one unit; give both in seconds.")
    return shared


def check_rate(
    time: Float[np.ndarray, "S"],
    rate: float | None,
    what: tuple[str, str],
    remedy: str = "correct one of them, or leave it out",
) -> None:
    """Raises DataError, with both numbers, for a rate that is not that of the times, s; `what` names both.

    A rate is that of the usual interval or of all of them, gaps included.
    """
    known = np.sort(time[np.isfinite(time)])
    steps = np.diff(known)
    if rate is None or not len(steps) or not steps.any():
        return
    usual, whole = 1 / max(float(np.median(steps)), 1e-12), len(steps) / float(known[-1] - known[0])
    if min(abs(rate / each - 1) for each in (usual, whole)) > MOST_APART:
        raise DataError(
            f"{what[0]} run at {usual:.6g} samples a second, and {what[1]} says {rate:.6g}; {remedy}."
        )


@explain_failure
def check_clocks(recording: Recording) -> None:
    """Raises DataError as `check_overlap`, for behaviour and stimuli that do not fit the activity's clock."""
    activity = recording.traces or (None if recording.spikes is None else recording.spikes.times)
    if activity is None:
        return
    for name, trace in recording.behaviour.items():
        check_overlap(activity, trace, (ACTIVITY, name))
    for stimulus in recording.stimuli:
        if stimulus.time is not None:
            check_overlap(activity, stimulus.time, (ACTIVITY, f"presentations of {stimulus.name}"))


def check_counted(recording: Recording) -> None:
    """Raises DataError for a clock that numbers samples or frames instead of telling seconds.

    It holds whole numbers alone and lasts far longer than the clocks that do not. Behaviour that goes on for
    longer than the activity does so in seconds and parts of them, and activity of one sample per s lasts as
    long as its behaviour.
    """
    clocks: dict[str, np.ndarray] = {}
    if recording.traces is not None:
        clocks["traces"] = recording.traces.time
    elif recording.spikes is not None:
        clocks["spikes"] = recording.spikes.times
    clocks |= {name: trace.time for name, trace in recording.behaviour.items()}
    clocks |= {each.name: each.time for each in recording.stimuli if each.time is not None}
    if recording.events is not None and "stimulus_time" in recording.events:
        onsets = recording.events["stimulus_time"].to_numpy(dtype=float)
        clocks["events"] = np.sort(onsets[np.isfinite(onsets)])
    compare_counted(clocks)


def compare_counted(clocks: Mapping[str, Float[np.ndarray, "_"]]) -> None:
    """Raises DataError as `check_counted`, of clocks by name, each in order."""
    lasting = {name: float(time[-1] - time[0]) for name, time in clocks.items() if len(time) > 1}
    told = {name: each for name, each in lasting.items() if not _is_counted(clocks[name])}
    if not told or len(told) == len(lasting):
        return
    longest = max(told, key=lambda name: told[name])
    for name, each in lasting.items():
        if name not in told and told[longest] > 0 and each > MOST_COUNTED * told[longest]:
            raise DataError(
                f"times of {name} are whole numbers from {clocks[name][0]:g} to {clocks[name][-1]:g}, and "
                f"{longest} lasts {told[longest]:g} s: they look like numbers of samples or frames; divide "
                "them by the rate, so that all times are in seconds on one clock."
            )


def _is_counted(time: Float[np.ndarray, "_"]) -> bool:
    """Whether a clock holds nothing but whole numbers, one or more apart, and enough of them to tell."""
    return len(time) >= FEWEST_COUNTED and bool((time == np.round(time)).all())


def fits_clock(
    activity: Trace | np.ndarray, other: Trace | np.ndarray | None, what: str, notes: list[str]
) -> bool:
    """Whether a clock can be of the session of this activity; a note says both spans where not."""
    if other is None:
        return True
    try:
        check_overlap(activity, other, (ACTIVITY, what))
    except DataError as error:
        notes.append(f"{what} is left out: {error}")
        return False
    return True


def _span(clock: Trace | np.ndarray) -> tuple[float, float]:
    time = clock.time if isinstance(clock, Trace) else clock
    return float(time[0]), float(time[-1])
