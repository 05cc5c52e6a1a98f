"""What of a session was measured when: the clocks beside each other, their gaps, and missing values.

Letters: S samples.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from jaxtyping import Float

from neurokit.recordings.intervals import event_times, frame_interval, trial_times
from neurokit.recordings.recording import Recording, Trace

GAP = 2.0  # median intervals; a longer one is a gap
IRREGULAR = 0.05  # of all intervals; where more are so long, they are no gaps
SILENCE, SHORTEST_SILENCE = 30.0, 1.0  # mean intervals between spikes of all units, and s; a gap exceeds both
COLUMNS = ("what", "kind", "rate", "first", "last", "overlap", "share", "gaps", "longest", "missing")


def compare_clocks(recording: Recording, missing: float) -> pd.DataFrame:
    """A row for activity, each channel of behaviour, each stimulus and the events.

    Columns: what, kind, rate (Hz), first and last (s), overlap with activity (s) and the share of activity's
    time that this is, gaps and the longest of them (s), and the share of missing values. NaN where there
    is no clock.
    """
    span = _session(recording)
    rows = [_activity_row(recording, missing), *_behaviour_rows(recording, span)]
    for stimulus in recording.stimuli:
        if stimulus.time is None:
            rows.append((stimulus.name, "stimulus", *[np.nan] * 5, 0, np.nan, 0.0))
            continue
        interval = frame_interval(stimulus)
        first, last = float(stimulus.time[0]), float(stimulus.time[-1]) + interval
        rate = 1 / interval if interval else np.nan
        rows.append(
            (stimulus.name, "stimulus", rate, first, last, *_overlap(first, last, span), 0, np.nan, 0.0)
        )
    if (onsets := event_times(recording)) is not None and np.isfinite(onsets).any():
        first, last = float(np.nanmin(onsets)), float(np.nanmax(onsets))
        share = float(np.isnan(onsets).mean())
        rows.append(("events", "events", np.nan, first, last, *_overlap(first, last, span), 0, np.nan, share))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _session(recording: Recording) -> tuple[float, float] | None:
    """First and last s of activity; of trials where their times are known."""
    if recording.trials is None:
        return recording.span
    time = trial_times(recording)
    if time is None:
        onsets = event_times(recording)
        time = np.empty(0) if onsets is None else onsets[np.isfinite(onsets)]
    return (float(time.min()), float(time.max())) if len(time) > 1 else None


def _activity_row(recording: Recording, missing: float) -> tuple:
    span, nothing = _session(recording), float("nan")
    if span is None:
        return ("activity", "activity", nothing, nothing, nothing, nothing, nothing, 0, nothing, missing)
    length = span[1] - span[0]
    if recording.trials is not None:
        return ("activity", "activity", nothing, *span, length, 1.0, 0, nothing, missing)
    if recording.traces is not None:
        rate, (gaps, longest) = recording.traces.rate, gaps_of(recording.traces.time)
    else:
        assert recording.spikes is not None
        rate, (gaps, longest) = nothing, _silences(recording.spikes.times)
    return ("activity", "activity", rate, *span, length, 1.0, gaps, longest, missing)


def _behaviour_rows(recording: Recording, span: tuple[float, float] | None) -> Iterator[tuple]:
    for name, trace in recording.behaviour.items():
        first, last = float(trace.time[0]), float(trace.time[-1])
        gaps, longest = gaps_of(trace.time)
        for channel, missing in _channels(name, trace):
            yield (
                *(channel, "behaviour", trace.rate, first, last),
                *(*_overlap(first, last, span), gaps, longest, missing),
            )
    for name, values in recording.trials.behaviour.items() if recording.trials is not None else ():
        share = float(np.isnan(values).mean())
        yield (name, "behaviour", *[np.nan] * 5, 0, np.nan, share)


def _channels(name: str, trace: Trace) -> Iterator[tuple[str, float]]:
    """Each channel by name, and the share of its values that are missing."""
    shares = (~np.isfinite(trace.values.reshape(len(trace.values), -1))).mean(axis=0)
    if len(shares) == 1:
        yield name, float(shares[0])
    else:
        yield from ((f"{name}[{number}]", float(share)) for number, share in enumerate(shares))


def _overlap(first: float, last: float, span: tuple[float, float] | None) -> tuple[float, float]:
    """s that are shared with activity, and the share of activity's time."""
    if span is None:
        return float("nan"), float("nan")
    shared = max(0.0, min(last, span[1]) - max(first, span[0]))
    return shared, shared / (span[1] - span[0]) if span[1] > span[0] else float("nan")


def gaps_of(time: Float[np.ndarray, "S"]) -> tuple[int, float]:
    """How many intervals are longer than GAP median ones, and the longest of these, s; NaN without one.

    A clock with many such intervals is that of events, such as licks, and has no gaps.
    """
    steps = np.diff(time)
    long = steps[steps > GAP * np.median(steps)] if len(steps) else steps
    if not len(long) or len(long) > IRREGULAR * len(steps):
        return 0, float("nan")
    return len(long), float(long.max())


def _silences(times: Float[np.ndarray, "_"]) -> tuple[int, float]:
    """Stretches in which no unit fired, far longer than chance makes them."""
    if len(times) < 100:
        return 0, float("nan")
    steps = np.diff(times)
    long = steps[steps > max(SHORTEST_SILENCE, SILENCE * float(steps.mean()))]
    return len(long), float(long.max()) if len(long) else float("nan")


def find_minutes(recording: Recording) -> float:
    """Of activity; NaN where trials have no time."""
    span = _session(recording)
    if span is not None:
        return (span[1] - span[0]) / 60
    assert recording.trials is not None
    time = recording.trials.time
    if time is None or len(time) < 2:
        return float("nan")
    trials, bins, _ = recording.trials.responses.shape
    return float(trials * bins * np.median(np.diff(time)) / 60)
