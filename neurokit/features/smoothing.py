"""Smoothing of binned spike counts, and their units.

Letters: T bins; every function works on the last axis and keeps its length.
"""

from typing import Literal

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter1d, uniform_filter1d

from neurokit.errors import DataError

Smoothing = Literal["causal", "centred", "gaussian"]


def smooth(
    counts: Float[np.ndarray, "*K T"], width: int, kind: Smoothing = "causal"
) -> Float[np.ndarray, "*K T"]:
    """Counts smoothed over `width` bins: causal or centred boxcar, or a Gaussian of that SD."""
    functions = {"causal": causal_boxcar, "centred": centred_boxcar, "gaussian": gaussian}
    if kind not in functions:
        raise DataError(f"Smoothing is {kind!r}; use one of {', '.join(functions)}.")
    return functions[kind](counts, width)


def causal_boxcar(counts: Float[np.ndarray, "*K T"], width: int) -> Float[np.ndarray, "*K T"]:
    """Mean over each bin and the `width - 1` before it, with zeros before the start.

    This is numpy's full convolution cut to T. Its first `width - 1` values ramp up from the zeros
    that were never recorded: leave them out of every score (`ramp`).
    """
    _check_width(width, counts.shape[-1])
    back = (width - 1) // 2
    return uniform_filter1d(_floats(counts), width, axis=-1, mode="constant", origin=back)


def centred_boxcar(counts: Float[np.ndarray, "*K T"], width: int) -> Float[np.ndarray, "*K T"]:
    """Mean over the bins around each, at the edges over those there are. It sees the future."""
    _check_width(width, counts.shape[-1])
    total, present = (
        uniform_filter1d(values, width, axis=-1, mode="constant")
        for values in (_floats(counts), np.ones(counts.shape[-1]))
    )
    return total / present


def gaussian(counts: Float[np.ndarray, "*K T"], width: int | float) -> Float[np.ndarray, "*K T"]:
    """Gaussian of standard deviation `width` bins, mirrored at the edges. It sees the future."""
    if not width > 0:
        finding = f"A Gaussian of {width} bins cannot smooth"
        raise DataError(f"{finding}; use a standard deviation above 0.")
    return gaussian_filter1d(_floats(counts), width, axis=-1, mode="reflect")


def ramp(width: int, kind: Smoothing = "causal") -> int:
    """How many bins at the start of a smoothed trial mix in bins that were never recorded."""
    return width - 1 if kind == "causal" else 0


def to_hertz(counts: Float[np.ndarray, "*K"], bin_size: float) -> Float[np.ndarray, "*K"]:
    """Counts per bin to spikes per second; `bin_size` in s."""
    return counts / bin_size


def to_counts(rates: Float[np.ndarray, "*K"], bin_size: float) -> Float[np.ndarray, "*K"]:
    """Spikes per second to counts per bin; `bin_size` in s."""
    return rates * bin_size


def _floats(counts: Float[np.ndarray, "*K T"]) -> Float[np.ndarray, "*K T"]:
    return np.asarray(counts, dtype=float)  # the filters keep the type they are given, integers too


def _check_width(width: int, bins: int) -> None:
    if not 1 <= width <= bins:
        finding = f"A boxcar of {width} bins does not fit a trial of {bins}"
        raise DataError(f"{finding}; use a width from 1 to {bins}.")
