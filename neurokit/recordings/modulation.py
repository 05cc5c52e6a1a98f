"""How activity goes with what the animal does: one correlation a channel of behaviour.

Both may drift slowly, which alone makes them correlate: it is a first look, no test.

Letters: K rows.
"""

import numpy as np
from jaxtyping import Float

from neurokit.recordings.clocks import resample
from neurokit.recordings.intervals import FEWEST_ROWS, Rows
from neurokit.recordings.recording import Recording


def measure_modulation(recording: Recording, rows: Rows) -> dict[str, float]:
    """Correlation of the mean over units with each channel, over rows in which both were measured.

    A channel of several columns counts by its first. Channels that do not vary, or share fewer than 40 rows
    with activity, are left out.
    """
    known = np.isfinite(rows.values)
    total = np.where(known, rows.values, 0).sum(axis=1, dtype=float)
    mean = np.where(known.any(axis=1), total / np.maximum(known.sum(axis=1), 1), np.nan)
    found = {name: _correlation(mean, values) for name, values in _channels(recording, rows).items()}
    return {name: value for name, value in found.items() if np.isfinite(value)}


def _channels(recording: Recording, rows: Rows) -> dict[str, Float[np.ndarray, "K"]]:
    """Behaviour in the rows."""
    if recording.trials is not None:
        return {name: _mean(values) for name, values in recording.trials.behaviour.items()}
    traces = recording.behaviour.items()
    return {name: resample(trace, rows.time).reshape(len(rows.time), -1)[:, 0] for name, trace in traces}


def _mean(values: Float[np.ndarray, "K _"]) -> Float[np.ndarray, "K"]:
    known = np.isfinite(values)
    total = np.where(known, values, 0).sum(axis=1)
    return np.where(known.any(axis=1), total / np.maximum(known.sum(axis=1), 1), np.nan)


def _correlation(one: Float[np.ndarray, "K"], other: Float[np.ndarray, "K"]) -> float:
    both = np.isfinite(one) & np.isfinite(other)
    one, other = one[both], other[both]
    if len(one) < FEWEST_ROWS or not np.ptp(one) or not np.ptp(other):
        return float("nan")
    return float(np.corrcoef(one, other)[0, 1])
