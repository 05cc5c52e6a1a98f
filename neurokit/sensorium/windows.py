"""From traces and spikes to one number for each trial: what was recorded in a window after an image came on.

Letters: K trials, S samples of a trace, C channels, N units.
"""

import numpy as np
from jaxtyping import Bool, Float

from neurokit.errors import DataError, SettingsError
from neurokit.recordings.clocks import LONGEST_GAP
from neurokit.recordings.intervals import RESPONSE
from neurokit.recordings.measured import overlaps
from neurokit.recordings.recording import Spikes, Trace

Window = tuple[float | int, float | int]
WINDOW: Window = RESPONSE  # responses of V1 begin after 0.05 s, and images of SENSORIUM stay for 0.5 s
LONGEST = 10.0  # s
KNOWN = 0.5  # of the samples in a window; with fewer, nothing was measured there
BLOCK = 256  # channels at once


def find_windows(onsets: Float[np.ndarray, "K"], window: Window = WINDOW) -> Float[np.ndarray, "K 2"]:
    """Start and end of each trial's window, s; none lasts beyond the next onset.

    NaN where that comes before the window begins. Raises SettingsError for a window that is none, DataError
    where that is so of most images.
    """
    start, end = window
    if not 0 <= start < end <= LONGEST:
        raise SettingsError(
            f"window is {start:g} to {end:g} s after onset; give two times from 0 to {LONGEST:g} that ascend."
        )
    following = np.append(onsets[1:], np.inf)
    found = np.stack([onsets + start, np.minimum(onsets + end, following)], axis=1)
    short = found[:, 0] >= found[:, 1]
    if short.mean() > KNOWN:
        raise DataError(
            f"{short.sum()} of {len(onsets)} images are followed by another within {start:g} s, where the "
            "window after onset begins; give a window that begins before that."
        )
    found[short] = np.nan
    return found


def average(trace: Trace, windows: Float[np.ndarray, "K 2"]) -> Float[np.ndarray, "K C"]:
    """The mean over the samples in each window, NaN where half of them or more are missing.

    A slow trace that has no sample in a window is drawn at its middle. NaN outside the trace's clock.
    """
    values = np.asarray(trace.values).reshape(len(trace.values), -1)
    first, last = np.searchsorted(trace.time, windows.T)  # from the start, before the end
    between = (last == first) & _is_inside(windows, trace.time)
    middle = windows.mean(axis=1)
    blocks = []
    for start in range(0, values.shape[1], BLOCK):
        some = values[:, start : start + BLOCK].astype(float)
        known = np.isfinite(some)
        sums, counts = (_sum(each, first, last) for each in (np.where(known, some, 0), known))
        enough = counts > KNOWN * (last - first)[:, None]
        found = np.where(enough, sums / np.where(enough, counts, 1), np.nan)
        if between.any():
            found[between] = _draw(some, trace.time, middle[between])
        blocks.append(found)
    found = np.concatenate(blocks, axis=1)
    found[~_is_inside(windows, trace.time)] = np.nan
    return found


def count(
    spikes: Spikes, unit_ids: np.ndarray, windows: Float[np.ndarray, "K 2"]
) -> Float[np.ndarray, "K N"]:
    """Spikes per s of each unit in each window.

    NaN for windows before the first spike, after the last, and in gaps.
    """
    order = np.argsort(spikes.unit_ids, kind="stable")  # times stay in order within a unit
    times, owners = spikes.times[order], spikes.unit_ids[order]
    rates = np.empty((len(windows), len(unit_ids)))
    for number, unit in enumerate(unit_ids):
        first, last = np.searchsorted(owners, unit, "left"), np.searchsorted(owners, unit, "right")
        starts, ends = np.searchsorted(times[first:last], windows.T)
        rates[:, number] = ends - starts
    rates /= np.diff(windows, axis=1)
    rates[~_is_inside(windows, spikes.times) | overlaps(windows[:, 0], windows[:, 1], spikes.gaps)] = np.nan
    return rates


def differentiate(trace: Trace) -> Trace:
    """Its change per s."""
    if len(trace.time) < 2:
        return Trace(np.full(np.shape(trace.values), np.nan), trace.time)
    return Trace(np.gradient(np.asarray(trace.values, dtype=float), trace.time, axis=0), trace.time)


def _draw(
    values: Float[np.ndarray, "S C"], time: Float[np.ndarray, "S"], wanted: Float[np.ndarray, "K"]
) -> Float[np.ndarray, "K C"]:
    """On straight lines between samples; NaN in gaps of more than LONGEST_GAP of their intervals."""
    right = np.clip(np.searchsorted(time, wanted), 1, max(len(time) - 1, 1))
    if len(time) == 1:
        return np.full((len(wanted), values.shape[1]), np.nan)
    left, between = right - 1, np.diff(time)
    share = ((wanted - time[left]) / between[left]).clip(0, 1)[:, None]
    drawn = values[left] * (1 - share) + values[right] * share
    return np.where((between[left] > LONGEST_GAP * np.median(between))[:, None], np.nan, drawn)


def _sum(values: np.ndarray, first: np.ndarray, last: np.ndarray) -> Float[np.ndarray, "K C"]:
    sums = np.concatenate([np.zeros((1, values.shape[1])), values.cumsum(axis=0, dtype=float)])
    return sums[last] - sums[first]


def _is_inside(windows: Float[np.ndarray, "K 2"], time: Float[np.ndarray, "S"]) -> Bool[np.ndarray, "K"]:
    """Whether a window lies on a clock, give or take one of its intervals."""
    step = np.median(np.diff(time)) if len(time) > 1 else 0.0
    return (windows[:, 0] >= time[0] - step) & (windows[:, 1] <= time[-1] + step)
