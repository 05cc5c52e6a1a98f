"""Cleaning of behaviour channels: artefacts are masked, short gaps are bridged.

A blink or a failed fit moves the pupil's area far outside anything that a pupil does. One per cent of such
bins can carry most of the variance, so they are found before anything is scaled, and short gaps are filled.
Where the area is bad, so is the pupil's position.

How wide a pupil is says little about the camera: areas are skewed, and a wide pupil is a real one. What
tells artefacts apart is their speed. The closing lid halves the area within some 50 ms, while a mouse's pupil
takes a large part of a second; a failed fit comes and goes again. So an area is judged within its own trial,
by what is around it in time: nothing is fitted, and the same bins are found in training and in new behaviour.
The windows were set by eye, on one real session and on simulated ones whose blinks are known.

Letters: K trials, T bins of a trial.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float
from scipy.ndimage import grey_opening, label

from neurokit.errors import DataError

MAD_TO_SD = 1.4826  # of a normal distribution
DEVIATIONS = 5.0  # of the pupil's position
FACTOR = 2.0  # of the area, down or up
NOISE = 4.0  # standard deviations of the camera's noise, which hides the factor in a narrow pupil
AROUND = 2.0  # s, whose median area is the level that a blink falls from
EXCURSION = 0.3  # s, in which no pupil doubles and halves again
CLOSING = 0.06  # s, in which a lid closes and no pupil does
PASSES = 2  # blinks found in the first no longer lower the level of others near by
GLIMPSE = 0.05  # s, a median over it ignores single bins
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
        scale: the model's, or that of the measured bins of the training trials.
        measured: true where the bin itself was good.
        trusted: true where a bin was measured or bridged; the others must not be scored.
        masked_fraction: of all bins, the fraction that is not trusted.
        bridged_fraction: of all bins, the fraction that was interpolated.
    """

    values: Float[np.ndarray, "K T"]
    scale: RobustScale
    measured: Bool[np.ndarray, "K T"]
    trusted: Bool[np.ndarray, "K T"]
    masked_fraction: float
    bridged_fraction: float


def clean_channels(
    behaviour: Mapping[str, Float[np.ndarray, "K T"]],
    channels: tuple[str, ...],
    training: Bool[np.ndarray, "K"] | None,
    *,
    name: str,
    bin_size: float,
    scales: Mapping[str, RobustScale] | None = None,
) -> dict[str, CleanChannel]:
    """Each of `channels`, cleaned once; pupil channels as in `clean_pupil`, others where they are finite.

    A channel `blink` masks the pupil. `name` is that of the recording, for messages; `bin_size` is in s.
    `scales` are those of a trained model; without training trials (None) all channels need one.
    """
    scales = scales or {}

    def clean(channel: str, bad: Bool[np.ndarray, "K T"] | None) -> CleanChannel:
        values, full_name = behaviour[channel].astype(float), f"{name}: {channel}"
        if channel not in PUPIL:
            finite = np.isfinite(values)
            scale = _choose_scale(values, finite, training, full_name, scales.get(channel))
            return CleanChannel(
                np.where(finite, values, scale.centre), scale, finite, finite, float(1 - finite.mean()), 0.0
            )
        return clean_pupil(
            values,
            training,
            name=full_name,
            positive=channel == "pupil_area",
            blink=bad,
            bin_size=bin_size,
            scale=scales.get(channel),
        )

    bad = behaviour["blink"] > 0 if "blink" in behaviour else None
    cleaned = {}
    if "pupil_area" in behaviour and set(channels) & set(PUPIL):
        cleaned["pupil_area"] = clean("pupil_area", bad)
        bad = ~cleaned["pupil_area"].measured
    return {channel: cleaned.get(channel) or clean(channel, bad) for channel in channels}


def clean_pupil(
    values: Float[np.ndarray, "K T"],
    training: Bool[np.ndarray, "K"] | None,
    *,
    name: str,
    positive: bool,
    blink: Bool[np.ndarray, "K T"] | None = None,
    bin_size: float = 0.01,
    scale: RobustScale | None = None,
) -> CleanChannel:
    """Masks artefacts of the camera, bridges gaps of up to 200 ms linearly, masks longer ones.

    Masked are non-finite bins and the camera's own `blink`; where `positive` (an area), what `find_pupil`
    does not take for a pupil; otherwise (a position), bins further than 5 robust standard deviations from the
    training trials' median. `scale` replaces that of the training trials. `bin_size` is in s. Raises
    DataError for a channel that is constant or has no usable bin in the training trials.
    """
    good = np.isfinite(values)
    if blink is not None:
        good &= ~blink
    if positive:
        good = find_pupil(np.where(good, values, np.nan), bin_size)
    scale = _choose_scale(values, good, training, name, scale)
    if not positive:
        good &= np.abs(scale.apply(np.where(good, values, scale.centre))) <= DEVIATIONS
    bridged, trusted = bridge_gaps(values, good, bin_size)
    filled = np.where(trusted, bridged, scale.centre)
    masked, added = float(1 - trusted.mean()), float((trusted & ~good).mean())
    return CleanChannel(filled, scale, good, trusted, masked, added)


def _choose_scale(
    values: Float[np.ndarray, "K T"],
    good: Bool[np.ndarray, "K T"],
    training: Bool[np.ndarray, "K"] | None,
    name: str,
    scale: RobustScale | None,
) -> RobustScale:
    """The given scale, or that of the training trials, which must be usable in any case."""
    own = None if training is None else RobustScale.of(values[training][good[training]], name)
    chosen = scale or own
    if chosen is None:
        raise ValueError(f"{name} needs a scale, or training trials to take it from.")
    return chosen


def find_pupil(area: Float[np.ndarray, "K T"], bin_size: float) -> Bool[np.ndarray, "K T"]:
    """Bins whose area is that of a pupil: a positive number, no blink, no failed fit.

    A *blink* is a stretch below half the median of the 2 s around it that begins or ends with a fall or rise
    by more than half of that median within 60 ms. A *failed fit* is more than double the area from which it
    comes and to which it returns within 0.3 s. Either must differ by more than 4 standard deviations of the
    noise, which is taken from the bins around. However wide or narrow, what changes slowly stays. Not found
    are failed fits that last for longer, and blinks that fill most of the 2 s or both of whose ends lie
    outside the trial. NaN in `area` is not measured; `bin_size` is in s.
    """
    seen = np.isfinite(area) & (np.nan_to_num(area) > 0)
    pupil = np.where(seen, area, np.nan)
    residual = np.abs(pupil - running_median(pupil, EXCURSION, bin_size))
    noise = NOISE * MAD_TO_SD * running_median(residual, AROUND, bin_size)
    level, blink = np.empty_like(area), np.zeros(area.shape, dtype=bool)
    for _ in range(PASSES):
        level = running_median(np.where(blink, np.nan, pupil), AROUND, bin_size)
        low = (pupil < level / FACTOR) & (level - pupil > noise)
        blink = low & _touches(low | ~seen, _find_jumps(area, level, bin_size))
    base = _find_base(np.where(blink, np.nan, pupil), level, bin_size)
    return seen & ~blink & ~((pupil > FACTOR * base) & (pupil - base > noise))


def running_median(
    values: Float[np.ndarray, "K T"], seconds: float, bin_size: float
) -> Float[np.ndarray, "K T"]:
    """Median of the measured values around each bin, of fewer at the ends of a trial; NaN where none is."""
    window = pd.DataFrame(values.T).rolling(_odd_window(seconds, bin_size), center=True, min_periods=1)
    return window.median().to_numpy().T


def _odd_window(seconds: float, bin_size: float) -> int:
    return 2 * round(seconds / bin_size / 2) + 1


def _find_jumps(
    area: Float[np.ndarray, "K T"], level: Float[np.ndarray, "K T"], bin_size: float
) -> Bool[np.ndarray, "K T"]:
    """Both ends of each step of 60 ms over which the area falls or rises by more than half the level."""
    lag = max(1, round(CLOSING / bin_size))
    glimpse = running_median(np.maximum(area, 0), GLIMPSE, bin_size)
    far = np.abs(glimpse[:, lag:] - glimpse[:, :-lag]) > level[:, lag:] / FACTOR
    jumps = np.zeros(area.shape, dtype=bool)
    jumps[:, lag:] |= far
    jumps[:, :-lag] |= far
    return jumps


def _touches(bins: Bool[np.ndarray, "K T"], marks: Bool[np.ndarray, "K T"]) -> Bool[np.ndarray, "K T"]:
    """The stretches of neighbouring `bins` of a trial that hold a mark."""
    stretches, number = label(bins, [[0, 0, 0], [1, 1, 1], [0, 0, 0]])
    held = np.zeros(number + 1, dtype=bool)
    held[np.unique(stretches[marks])] = True
    return held[stretches] & bins


def _find_base(
    pupil: Float[np.ndarray, "K T"], level: Float[np.ndarray, "K T"], bin_size: float
) -> Float[np.ndarray, "K T"]:
    """The area without what rises and falls again within 0.3 s (a grey opening); gaps are at the level."""
    glimpse = running_median(pupil, GLIMPSE, bin_size)
    filled = np.where(np.isnan(glimpse), level, glimpse)
    filled = np.where(np.isnan(filled), np.inf, filled)
    return grey_opening(filled, size=(1, _odd_window(EXCURSION, bin_size)), mode="nearest")


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
