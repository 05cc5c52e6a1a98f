"""Spikes counted in bins: how many a bin can hold, and counts that cannot be.

A count that went below 0 in unsigned numbers comes out close to the largest of them, such as 65,535 beside
counts of 0 to 9. No unit fires so often: after a spike a cell rests for about a millisecond.

Letters: K trials, B bins, N units.
"""

import math

import numpy as np
from jaxtyping import Bool, Float, Real

MOST_RATE = 2000.0  # Hz, twice what a cell can do, since a unit may be of several
LEAST = 10  # spikes that any bin may hold, however short
LONGEST_BIN = 10.0  # s; for counts of bins whose length nothing says
WRAPPED = 1000.0  # times the usual count; whole numbers beyond that and MOST_RATE are no responses either


def most_spikes(width: float | None) -> int:
    """How many spikes of a unit a bin of `width` s can hold; None where nothing says how long it is."""
    known = width is not None and math.isfinite(width) and width > 0
    most = MOST_RATE * (width if known and width is not None else LONGEST_BIN)
    return max(LEAST, math.ceil(round(most, 3)))  # centres of bins are not known to the last digit


def bin_width(time: Float[np.ndarray, "B"] | None) -> float | None:
    """How long the bins of a trial are, s, from their centres; None for a single one."""
    return None if time is None or len(time) < 2 else float(np.median(np.diff(time)))


def find_impossible(counts: Real[np.ndarray, "..."], most: int) -> Bool[np.ndarray, "..."]:
    """Counts above `most`; negative ones and missing ones are not among them."""
    if counts.dtype.kind == "u" and np.iinfo(counts.dtype).max <= most:
        return np.zeros(counts.shape, dtype=bool)
    return counts > most


def mask_counts(
    counts: Real[np.ndarray, "K B N"], time: Float[np.ndarray, "B"] | None, what: str, notes: list[str]
) -> Real[np.ndarray, "K B N"]:
    """The counts, and NaN for those that cannot be, with a note of how many; sound ones are not copied.

    `time` are the centres of the bins, s; None where a trial has one bin of unknown length.
    """
    most = most_spikes(bin_width(time))
    if not counts.size or not bool((wrong := find_impossible(counts, most)).any()):
        return counts
    notes.append(
        f"{what}: {int(wrong.sum())} of {counts.size} values are above {most:,}, such as "
        f"{counts[wrong][0]:,.0f}, and no unit fires so often in a bin: taken as not measured (counts below "
        "0 wrap to such values in unsigned numbers)."
    )
    return np.where(wrong, np.nan, counts)


def find_wrapped(responses: Real[np.ndarray, "..."]) -> Bool[np.ndarray, "..."]:
    """Whole numbers far beyond all others, as counts below 0 are in unsigned numbers; none among fractions.

    Raw fluorescence, which may be as large, is so in most values.
    """
    most, none = most_spikes(None), np.zeros(responses.shape, dtype=bool)
    with np.errstate(invalid="ignore"):
        far = responses > most
        if not far.any() or far.mean() > 0.5:
            return none
        others = responses[np.isfinite(responses) & ~far]
        if not len(others) or (others != np.floor(others)).any():
            return none
        usual = max(float(np.quantile(np.abs(others), 0.99)), 1.0)
        return far & (responses > WRAPPED * usual)
