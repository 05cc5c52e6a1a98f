"""Cleaning of behaviour channels: artefacts are masked, short gaps are bridged.

A blink or a failed fit moves the pupil's area far outside anything that a pupil does. One per cent of such
bins can carry most of the variance, so they are found before anything is scaled, and short gaps are filled.
Where the area is bad, so is the pupil's position. Thresholds and scales come from training trials only.

Letters: K trials, T bins of a trial.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from neurokit.errors import DataError

MAD_TO_SD = 1.4826  # of a normal distribution
DEVIATIONS = 5.0
MAXIMUM_GAP = 0.2  # s
PUPIL = ("pupil_area", "pupil_x", "pupil_y")


@dataclass(frozen=True)
class RobustScale:
    """Median and median absolute deviation (as a standard deviation) of one channel."""

    centre: float
    spread: float

    @classmethod
    def of(cls, values: Float[np.ndarray, "M"], name: str) -> "RobustScale":
        """Of the finite `values`; where half of them are equal (licks), by their standard deviation.

        Raises DataError for a channel without values or that never changes.
        """
        values = values[np.isfinite(values)]
        if len(values) == 0:
            raise DataError(f"{name}: no usable bin in the training trials; leave the channel out.")
        centre = float(np.median(values))
        if values.min() == values.max():  # their standard deviation need not round to 0
            raise DataError(f"{name} is constant ({centre:g}) in the training trials; leave the channel out.")
        spread = float(MAD_TO_SD * np.median(np.abs(values - centre)))
        return cls(centre, spread or float(values.std()))

    def apply(self, values: Float[np.ndarray, "*K"]) -> Float[np.ndarray, "*K"]:
        """`values` in robust standard deviations from the centre."""
        return (values - self.centre) / self.spread

    def apply_where(
        self, trusted: Bool[np.ndarray, "K T"], values: Float[np.ndarray, "K T"]
    ) -> Float[np.ndarray, "K T"]:
        """The same, and 0 where `values` are not trusted: what a model reads."""
        return np.where(trusted, self.apply(values), 0.0)


@dataclass(frozen=True)
class CleanChannel:
    """A channel with short gaps bridged, long ones set to the training median.

    Attributes:
        values: in the channel's own units.
        measured: true where the bin itself was good.
        trusted: true where a bin was measured or bridged; the others must not be scored.
        masked_fraction: of all bins, the fraction that is not trusted.
        bridged_fraction: of all bins, the fraction that was interpolated.
    """

    values: Float[np.ndarray, "K T"]
    measured: Bool[np.ndarray, "K T"]
    trusted: Bool[np.ndarray, "K T"]
    masked_fraction: float
    bridged_fraction: float


def clean_channels(
    behaviour: Mapping[str, Float[np.ndarray, "K T"]],
    channels: tuple[str, ...],
    training: Bool[np.ndarray, "K"],
    *,
    name: str,
    bin_size: float,
) -> dict[str, CleanChannel]:
    """Each of `channels`, cleaned once; pupil channels as in `clean_pupil`, others where they are finite.

    A channel `blink` masks the pupil. `name` is that of the recording, for messages; `bin_size` is in s.
    """

    def clean(channel: str, bad: Bool[np.ndarray, "K T"] | None) -> CleanChannel:
        values = behaviour[channel].astype(float)
        if channel not in PUPIL:
            finite = np.isfinite(values)
            return CleanChannel(np.where(finite, values, 0), finite, finite, float(1 - finite.mean()), 0.0)
        return clean_pupil(
            values,
            training,
            name=f"{name}: {channel}",
            positive=channel == "pupil_area",
            blink=bad,
            bin_size=bin_size,
        )

    bad = behaviour["blink"] > 0 if "blink" in behaviour else None
    cleaned = {}
    if "pupil_area" in behaviour and set(channels) & set(PUPIL):
        cleaned["pupil_area"] = clean("pupil_area", bad)
        bad = ~cleaned["pupil_area"].measured
    return {channel: cleaned.get(channel) or clean(channel, bad) for channel in channels}


def clean_pupil(
    values: Float[np.ndarray, "K T"],
    training: Bool[np.ndarray, "K"],
    *,
    name: str,
    positive: bool,
    blink: Bool[np.ndarray, "K T"] | None = None,
    bin_size: float = 0.01,
) -> CleanChannel:
    """Masks artefacts of the camera, bridges gaps of up to 200 ms linearly, masks longer ones.

    Masked are non-finite bins, blinks, bins further than 5 robust standard deviations from the training
    trials' median, and, where `positive` (an area), bins of zero or less. `bin_size` is in s. Raises
    DataError for a channel that is constant or has no usable bin in the training trials.
    """
    good = np.isfinite(values)
    if blink is not None:
        good &= ~blink
    if positive:
        good &= np.where(np.isfinite(values), values, 0) > 0
    scale = RobustScale.of(values[training][good[training]], name)
    good &= np.abs(scale.apply(np.where(good, values, scale.centre))) <= DEVIATIONS
    bridged, trusted = bridge_gaps(values, good, bin_size)
    filled = np.where(trusted, bridged, scale.centre)
    masked, added = float(1 - trusted.mean()), float((trusted & ~good).mean())
    return CleanChannel(filled, good, trusted, masked, added)


def bridge_gaps(
    values: Float[np.ndarray, "K T"], good: Bool[np.ndarray, "K T"], bin_size: float
) -> tuple[Float[np.ndarray, "K T"], Bool[np.ndarray, "K T"]]:
    """The values with gaps between good bins bridged by a line, and the bins to trust after that.

    Trusted are good bins and those of gaps of up to 200 ms; `bin_size` is in s.
    """
    bins = np.arange(values.shape[1])
    filled = [
        np.interp(bins, bins[g], v[g]) if g.any() else np.zeros(len(v))
        for v, g in zip(values, good, strict=True)
    ]
    return np.stack(filled), good | find_short_gaps(good, int(MAXIMUM_GAP / bin_size + 1e-6))


def find_short_gaps(good: Bool[np.ndarray, "K T"], longest: int) -> Bool[np.ndarray, "K T"]:
    """Bins of gaps of at most `longest` bins that have good bins on both sides."""
    bins = np.arange(good.shape[1])
    before = np.maximum.accumulate(np.where(good, bins, -1), axis=1)
    after = np.minimum.accumulate(np.where(good, bins, len(bins))[:, ::-1], axis=1)[:, ::-1]
    return ~good & (before >= 0) & (after < len(bins)) & (after - before - 1 <= longest)
