"""Activity in intervals of time, and the rows that a recording falls into by itself.

Letters: N units, n of them, S samples, K intervals, presentations or trials.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int
from scipy.sparse import csr_matrix

from neurokit.recordings.measured import overlaps
from neurokit.recordings.recording import Recording, Spikes, Stimulus, Trace

RESPONSE = (0.05, 0.55)  # s after an image's onset; the window of SENSORIUM 2022 (Willeke et al., 2022)
TRIAL = (-0.5, 2.0)  # s around a trial's stimulus; that of Steinmetz et al. (2019)
SHORTEST_BIN = 1.0  # s
MOST_ROWS = 1500
MOST_IDS = 10**7  # from the lowest to the highest, in a table
FEWEST_EVENTS = 50  # presentations or trials; fewer are no rows of their own
FEWEST_ROWS = 40  # of which anything is measured


@dataclass(frozen=True, eq=False)
class Rows:
    """Activity through the session, one number for each row and unit.

    Attributes:
        values: mean of a trace, spikes per s, or the mean of a trial; NaN where not measured.
        time: of each row, s, or the number of the trial where only the order is known.
        columns: which units these are, from 0.
        what: a row is, such as "bins of 1 s".
        axis: what `time` is.
        unit: of `values`.
    """

    values: Float32[np.ndarray, "K n"]
    time: Float[np.ndarray, "K"]
    columns: Int[np.ndarray, "n"]
    what: str
    axis: str = "time in the session (s)"
    unit: str = "activity"


def rows_of(recording: Recording, columns: Int[np.ndarray, "n"]) -> Rows:
    """Trials, presentations of images, or else equal bins of the whole session."""
    if recording.trials is not None:
        return _trials(recording, columns)
    onsets, what = _onsets(recording)
    if len(onsets) >= FEWEST_EVENTS:
        chosen = onsets[_spread(len(onsets), MOST_ROWS)]
        starts, ends = response_windows(chosen)
    else:
        first, last = recording.span or (0.0, 0.0)
        width = max(SHORTEST_BIN, trace_interval(recording), (last - first) / MOST_ROWS)
        starts = np.arange(first, max(last, first + width), width)
        ends, chosen, what = starts + width, starts + width / 2, f"bins of {width:.3g} s"
    values = activity_in(recording, starts, ends, columns)
    return Rows(values, chosen, columns, what, unit=unit_of(recording))


def unit_of(recording: Recording) -> str:
    """What activity is measured in."""
    if recording.trials is not None:
        return "spikes per bin" if recording.trials.counts else "activity"
    return "spikes/s" if recording.spikes is not None else recording.traces.unit or "activity"  # type: ignore[union-attr]


def response_windows(
    onsets: Float[np.ndarray, "K"],
) -> tuple[Float[np.ndarray, "K"], Float[np.ndarray, "K"]]:
    """Where the response to each image starts and ends: RESPONSE, or until the next response starts."""
    starts = onsets + RESPONSE[0]
    return starts, np.minimum(onsets + RESPONSE[1], np.append(starts[1:], np.inf))


def activity_in(
    recording: Recording,
    starts: Float[np.ndarray, "K"],
    ends: Float[np.ndarray, "K"],
    columns: Int[np.ndarray, "n"],
) -> Float32[np.ndarray, "K n"]:
    """Mean of the traces, or spikes per s, in intervals that ascend and do not overlap.

    NaN in an interval without a sample, and outside the time in which units were recorded.
    """
    if recording.traces is not None:
        return _mean_of_samples(recording.traces, starts, ends, columns)
    assert recording.spikes is not None
    return _rates(recording.spikes, recording.unit_ids[columns], starts, ends)


def _mean_of_samples(
    trace: Trace, starts: np.ndarray, ends: np.ndarray, columns: np.ndarray
) -> Float32[np.ndarray, "K n"]:
    samples, number = _inside(trace.time, starts, ends)
    low, high = (int(samples.min()), int(samples.max()) + 1) if len(samples) else (0, 0)
    weights = np.repeat(1 / np.maximum(number, 1), number).astype(np.float32)
    bounds = np.append(0, np.cumsum(number))
    mean = csr_matrix((weights, samples - low, bounds), shape=(len(starts), high - low))
    part = trace.values[low:high]
    part = part if len(columns) == trace.values.shape[1] else np.take(part, columns, axis=1)
    found = np.asarray(mean @ np.asarray(part, dtype=np.float32), dtype=np.float32)
    found[number == 0] = np.nan
    return found


def _rates(
    spikes: Spikes, unit_ids: np.ndarray, starts: np.ndarray, ends: np.ndarray
) -> Float32[np.ndarray, "K n"]:
    chosen, number = _inside(spikes.times, starts, ends)
    row = np.repeat(np.arange(len(starts)), number)
    column = places_of(spikes.unit_ids[chosen], unit_ids)
    cell = (row * len(unit_ids) + column)[column >= 0]
    counts = np.bincount(cell, minlength=len(starts) * len(unit_ids)).reshape(len(starts), -1)
    lasting = (ends - starts)[:, None]  # 0 where two presentations share a time
    rates = (counts / np.where(lasting > 0, lasting, np.nan)).astype(np.float32)
    outside = (ends <= spikes.times[0]) | (starts > spikes.times[-1])
    rates[outside | overlaps(starts, ends, spikes.gaps)] = np.nan
    return rates


def _inside(
    time: Float[np.ndarray, "S"], starts: np.ndarray, ends: np.ndarray
) -> tuple[Int[np.ndarray, "_"], Int[np.ndarray, "K"]]:
    """The places of the times in each interval, one interval after the other, and how many each has."""
    first, last = np.searchsorted(time, starts), np.searchsorted(time, ends)
    number = np.maximum(last - first, 0)
    before = np.cumsum(number) - number
    return np.repeat(first - before, number) + np.arange(number.sum()), number


def places_of(unit_ids: Int[np.ndarray, "_"], known: Int[np.ndarray, "n"]) -> Int[np.ndarray, "_"]:
    """Which of the known units each id is, from 0; -1 for another."""
    low, high = int(known.min()), int(known.max())
    if high - low < MOST_IDS:  # looked up, which is faster than a search
        table = np.full(high - low + 2, -1)
        table[known - low] = np.arange(len(known))
        return table[np.where((unit_ids >= low) & (unit_ids <= high), unit_ids - low, -1)]
    order = np.argsort(known)
    place = order[np.minimum(np.searchsorted(known[order], unit_ids), len(known) - 1)]
    return np.where(known[place] == unit_ids, place, -1)


def _trials(recording: Recording, columns: np.ndarray) -> Rows:
    assert recording.trials is not None
    responses = recording.trials.responses
    part = responses if len(columns) == recording.units else responses[..., columns]
    values = part.mean(axis=1, dtype=np.float32)
    time = trial_times(recording)
    if time is None:
        number = np.arange(1.0, len(values) + 1)
        return Rows(values, number, columns, "trials", "trial", unit_of(recording))
    return Rows(values, time, columns, "trials", unit=unit_of(recording))


def trial_times(recording: Recording) -> Float[np.ndarray, "K"] | None:
    """s of each trial in the session, where events or the stimulus tell them, ascending."""
    assert recording.trials is not None
    for time in (event_times(recording), *(each.time for each in recording.stimuli)):
        if time is None or len(time) != len(recording.trials.responses):
            continue
        if np.isfinite(time).all() and (np.diff(time) > 0).all():
            return np.asarray(time, dtype=float)
    return None


def event_times(recording: Recording) -> Float[np.ndarray, "_"] | None:
    """s of the onset of each event; None where there are none."""
    if recording.events is None or "stimulus_time" not in recording.events:
        return None
    return recording.events["stimulus_time"].to_numpy(dtype=float)


def _onsets(recording: Recording) -> tuple[np.ndarray, str]:
    """The onsets of images, or of events, within the time of activity; none where there are none."""
    images = [each for each in recording.stimuli if each.kind == "images" and each.time is not None]
    onsets: np.ndarray | None = event_times(recording)
    what = "events"
    if images:
        longest = max(images, key=lambda each: len(each.shown))
        onsets, what = longest.time, "images"
    if onsets is None or recording.span is None:
        return np.empty(0), what
    onsets = np.sort(onsets[np.isfinite(onsets)])
    return onsets[(onsets >= recording.span[0]) & (onsets <= recording.span[1])], what


def frame_interval(stimulus: Stimulus) -> float:
    """s from one presentation to the next, the median."""
    assert stimulus.time is not None
    return float(np.median(np.diff(stimulus.time))) if len(stimulus.time) > 1 else 0.0


def trace_interval(recording: Recording) -> float:
    """s from one sample of activity to the next; 0 where there are no two."""
    if recording.traces is None or len(recording.traces.time) < 2:
        return 0.0
    return 1 / recording.traces.rate


def _spread(number: int, most: int) -> Int[np.ndarray, "_"]:
    """At most so many places, evenly over all."""
    return np.unique(np.linspace(0, number - 1, min(number, most)).round().astype(int))
