"""What a value of a scan may be, by the published statistics and by the scan's own values.

Statistics may have been computed with a value that cannot be. They then bound nothing, and what is scaled
with them is wrong. So they are compared with what is usual, which no single value changes: all but the
largest hundredth of the values of a neuron or channel.

Letters: T trials of a scan, N neurons, M neurons or channels.
"""

import math

import numpy as np
from jaxtyping import Bool, Float, Num

GREYS = 255.0  # the largest grey value
LARGEST = float(np.finfo(np.float32).max)
# The competition's statistics are of all trials, so that no sound value lies beyond their extremes; 100
# leaves room for statistics of training trials alone.
FAR = 100.0
USUAL = 0.99  # of the trials stay at or below what is usual for a neuron or channel


def is_number(values: Float[np.ndarray, "*B"]) -> Bool[np.ndarray, "*B"]:
    """Where there are numbers of single precision, not NaN and not infinite."""
    return np.asarray(np.abs(values) <= LARGEST)


def find_bounds(least: Float[np.ndarray, "M"], most: Float[np.ndarray, "M"]) -> Float[np.ndarray, "M"]:
    """FAR times the larger magnitude of the two; infinite where one is not finite or both are zero."""
    known = np.maximum(np.abs(least), np.abs(most))
    return np.where(is_number(known) & (known > 0), FAR * known, np.inf)


def grey_limits(least: Float[np.ndarray, "..."], most: Float[np.ndarray, "..."]) -> tuple[float, float]:
    """What an image may hold, from the published least and largest value of the scan's images.

    Grey values are 0 to 255, or 0 to 1. On another scale an image may exceed what the training images had by
    half of their width. Where both are equal they declare nothing, and any finite value may stand.
    """
    low, high = float(least.min()), float(most.max())
    if low >= high:
        return -math.inf, math.inf
    for white in (1.0, GREYS):
        if low >= 0 and 0 < high <= white:
            return 0.0, white
    margin = (high - low) / 2
    return low - margin, high + margin


def holds_fractions(image: Num[np.ndarray, "..."], low: float, high: float) -> bool:
    """Whether grey values run from 0 to 1, so that they are of another unit than 0 to 255."""
    return low < high <= 1 and bool((image != np.floor(image)).any())


def usual_magnitude(values: Float[np.ndarray, "T M"]) -> Float[np.ndarray, "M"]:
    """The magnitude that all but a hundredth of the values stay at or below; NaN counts as no value.

    The largest never counts; 0 where there is none.
    """
    ordered = np.sort(np.abs(values), axis=0)  # NaN last
    last = np.isfinite(ordered).sum(axis=0) - 1
    place = np.minimum(USUAL * last, last - 1).clip(0).astype(int)
    return np.where(last < 0, 0, np.nan_to_num(np.take_along_axis(ordered, place[None], axis=0)[0]))


def exceed_others(statistic: Float[np.ndarray, "N"]) -> Bool[np.ndarray, "N"]:
    """Neurons whose statistic is more than FAR times that of the median neuron, silent ones left aside."""
    sizes = np.where(is_number(statistic), statistic, 0)
    active = sizes[sizes > 0]
    return sizes > (FAR * np.median(active) if len(active) else np.inf)
