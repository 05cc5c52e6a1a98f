"""From a device's own clock to the bins of trials: frames, samples, intervals, events.

A clock is rows of (frame, seconds), between which time runs evenly.

Letters: F frames, C rows of a clock, E events, K trials, T bins of a trial.
"""

import numpy as np
from jaxtyping import Float, Int, Shaped

BIN_SIZE, BINS = 0.01, 250  # s; bins of a trial


def at_frames(
    values: Shaped[np.ndarray, "F"],
    clock: Float[np.ndarray, "C 2"],
    time: Float[np.ndarray, "*K"],
) -> Float[np.ndarray, "*K"]:
    """What the camera saw at each time (s): its frame at or before; NaN where it has none."""
    # a time that falls on a frame must not slip to the one before by rounding
    frame = np.floor(_frame(clock, time) + 1e-6).astype(int)
    seen = values[np.clip(frame, 0, len(values) - 1)].astype(np.float32)
    return np.where(_running(clock, time) & (frame < len(values)), seen, np.float32(np.nan))


def interpolated(
    values: Float[np.ndarray, "F"],
    clock: Float[np.ndarray, "C 2"],
    time: Float[np.ndarray, "*K"],
) -> Float[np.ndarray, "*K"]:
    """A sensor's value at each time (s), linear between its samples; beyond them the nearest."""
    return np.interp(_frame(clock, time), np.arange(len(values)), values)


def inside(
    intervals: Float[np.ndarray, "E 2"],
    time: Float[np.ndarray, "*K"],
) -> Float[np.ndarray, "*K"]:
    """1 where a time (s) lies in one of the sorted, disjoint intervals (start, end), else 0."""
    before = np.searchsorted(intervals[:, 0], time, side="right") - 1
    ends = intervals[np.maximum(before, 0), 1]
    return ((before >= 0) & (time < ends)).astype(np.float32)


def count_events(
    times: Float[np.ndarray, "E"],
    starts: Float[np.ndarray, "K"],
) -> Int[np.ndarray, "K T"]:
    """Events in each 10-ms bin of the 2.5 s after each start; `times` sorted, s."""
    counts = np.zeros((len(starts), BINS), dtype=np.int64)
    first = np.searchsorted(times, starts - BIN_SIZE)
    last = np.searchsorted(times, starts + (BINS + 1) * BIN_SIZE)
    trial = np.repeat(np.arange(len(starts)), last - first)
    runs = [np.arange(a, b) for a, b in zip(first, last, strict=True)]
    event = np.concatenate(runs or [np.zeros(0)]).astype(int)
    bins = np.floor((times[event] - starts[trial]) / BIN_SIZE).astype(int)
    within = (bins >= 0) & (bins < BINS)
    np.add.at(counts, (trial[within], bins[within]), 1)
    return counts


def _frame(clock: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Frame index, with fraction, at each time."""
    return np.interp(time, clock[:, 1], clock[:, 0])


def _running(clock: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Whether a time lies between the clock's first and last row, give or take one frame there."""
    frames, seconds = clock.T
    one = np.diff(seconds) / np.maximum(np.diff(frames), 1) if len(clock) > 1 else np.zeros(1)
    rounding = 1e-9  # s
    started = time >= seconds[0] - one[0] - rounding
    return started & (time <= seconds[-1] + one[-1] + rounding)
