"""Cleaning of pupil traces, and smoothing of binned spike counts.

A blink or a failed fit moves the pupil's area far outside anything a pupil does. One per cent of such bins
can carry most of the variance, so they are found before anything is scaled, and short gaps are filled.
Thresholds come from training trials only.

Spike counts are smoothed along the last axis, which keeps its length, and turned into Hz.

Letters: K trials, T bins of a trial.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import gaussian_filter1d, uniform_filter1d

from neurokit.errors import DataError

MAD_TO_SD = 1.4826  # of a normal distribution
DEVIATIONS = 5.0
MAXIMUM_GAP = 0.2  # s
Smoothing = Literal["causal", "centred", "gaussian"]


@dataclass(frozen=True)
class RobustScale:
    """Median and median absolute deviation (as a standard deviation) of one channel."""

    centre: float
    spread: float

    @classmethod
    def of(cls, values: Float[np.ndarray, "M"], name: str) -> "RobustScale":
        """Of the finite `values`; where half are equal (licks), by their standard deviation.

        Raises DataError for a channel without values or that never changes.
        """
        values = values[np.isfinite(values)]
        if len(values) == 0:
            raise DataError(f"{name}: no usable bin in the training trials; leave the channel out.")
        centre = float(np.median(values))
        if values.min() == values.max():  # their standard deviation need not round to 0
            finding = f"{name} is constant ({centre:g}) in the training trials"
            raise DataError(f"{finding}; leave the channel out.")
        spread = float(MAD_TO_SD * np.median(np.abs(values - centre)))
        return cls(centre, spread or float(values.std()))

    def apply(self, values: Float[np.ndarray, "*K"]) -> Float[np.ndarray, "*K"]:
        """`values` in robust standard deviations from the centre."""
        return (values - self.centre) / self.spread


@dataclass(frozen=True)
class CleanChannel:
    """A channel with short gaps bridged, long ones set to the training median.

    Attributes:
        values: K x T, in the channel's own units.
        measured: K x T, true where the bin itself was good.
        trusted: K x T, true where a bin was measured or bridged; the others must not be scored.
        masked_fraction: of all bins, how many are not trusted.
        bridged_fraction: of all bins, how many were interpolated.
    """

    values: Float[np.ndarray, "K T"]
    measured: Bool[np.ndarray, "K T"]
    trusted: Bool[np.ndarray, "K T"]
    masked_fraction: float
    bridged_fraction: float


def clean_pupil(
    values: Float[np.ndarray, "K T"],
    training: Bool[np.ndarray, "K"],
    *,
    name: str,
    positive: bool,
    blink: Bool[np.ndarray, "K T"] | None = None,
    bin_size: float = 0.01,
) -> CleanChannel:
    """Masks what is no pupil, bridges gaps of up to 200 ms linearly, masks longer ones.

    Masked are non-finite bins, blinks, bins further than 5 robust standard deviations from the
    training trials' median, and, where `positive` (an area), bins of zero or less. `bin_size` is in s.
    Raises DataError for a channel that is constant or has no usable bin in the training trials.
    """
    good = np.isfinite(values)
    if blink is not None:
        good &= ~blink
    if positive:
        good &= np.where(np.isfinite(values), values, 0) > 0
    scale = RobustScale.of(values[training][good[training]], name)
    good &= np.abs(scale.apply(np.where(good, values, scale.centre))) <= DEVIATIONS
    bridged = short_gaps(good, int(MAXIMUM_GAP / bin_size + 1e-6))
    trusted = good | bridged
    filled = np.where(trusted, _interpolate(values, good), scale.centre)
    return CleanChannel(filled, good, trusted, float(1 - trusted.mean()), float(bridged.mean()))


def short_gaps(good: Bool[np.ndarray, "K T"], longest: int) -> Bool[np.ndarray, "K T"]:
    """Bins of gaps of at most `longest` bins that have good bins on both sides."""
    bins = np.arange(good.shape[1])
    before = np.maximum.accumulate(np.where(good, bins, -1), axis=1)
    after = np.minimum.accumulate(np.where(good, bins, len(bins))[:, ::-1], axis=1)[:, ::-1]
    return ~good & (before >= 0) & (after < len(bins)) & (after - before - 1 <= longest)


def _interpolate(values: Float[np.ndarray, "K T"], good: Bool[np.ndarray, "K T"]) -> Float[np.ndarray, "K T"]:
    """Every trial's bins, linear between its good ones."""
    bins = np.arange(values.shape[1])
    rows = [
        np.interp(bins, bins[g], v[g]) if g.any() else np.zeros(len(v))
        for v, g in zip(values, good, strict=True)
    ]
    return np.stack(rows)


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


def _floats(counts: Float[np.ndarray, "*K T"]) -> Float[np.ndarray, "*K T"]:
    return np.asarray(counts, dtype=float)  # the filters keep the type they are given, integers too


def _check_width(width: int, bins: int) -> None:
    if not 1 <= width <= bins:
        finding = f"A boxcar of {width} bins does not fit a trial of {bins}"
        raise DataError(f"{finding}; use a width from 1 to {bins}.")
