"""From a recording to the arrays a model is fitted to: behaviour in, regional firing rates out, and a split.

The split says which trials train, which choose, which are touched once. A random split puts test trials
between training trials, so anything that drifts slowly over the session is known from the neighbours. A
blocked split leaves test trials together; the two differ by that drift.

Letters: K trials, T bins, C input channels, R regions.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from neurokit.errors import DataError
from neurokit.pupil_encoder.cleaning import (
    CleanChannel,
    RobustScale,
    Smoothing,
    clean_pupil,
    ramp,
    smooth,
    to_hertz,
)
from neurokit.pupil_encoder.recording import TrialRecording

SplitKind = Literal["random", "blocked"]
FRACTIONS = (0.6, 0.2, 0.2)  # train, validation, test
BLOCKS = 10
PUPIL = ("pupil_area", "pupil_x", "pupil_y")
BEHAVIOUR = (*PUPIL, "face_motion", "licks", "wheel", "wheel_moving")
BOXCAR = 0.1  # s, the width PupilEncoder was built with


@dataclass(frozen=True)
class Split:
    """Indices of trials, sorted, disjoint."""

    train: Int[np.ndarray, "A"]
    validation: Int[np.ndarray, "B"]
    test: Int[np.ndarray, "C"]

    def is_train(self, trials: int) -> Bool[np.ndarray, "K"]:
        """True for the training trials among `trials`."""
        return np.isin(np.arange(trials), self.train)


def split_trials(trials: int, *, seed: int, kind: SplitKind = "random") -> Split:
    """60 % of the trials to train, 20 % to validate, 20 % to test.

    They are drawn one by one (random), or in ten runs of neighbours (blocked). Raises DataError
    where a part would be empty.
    """
    if trials < 5:
        finding = f"{trials} trials cannot be split into train, validation and test"
        raise DataError(f"{finding}; at least 5 are needed.")
    random = np.random.default_rng(seed)
    if kind == "random":
        return _of_groups([np.array([trial]) for trial in random.permutation(trials)])
    if kind == "blocked":
        blocks = np.array_split(np.arange(trials), min(BLOCKS, trials))
        return _of_groups([blocks[index] for index in random.permutation(len(blocks))])
    raise DataError(f"Split is {kind!r}; use 'random' or 'blocked'.")


def _of_groups(groups: list[np.ndarray]) -> Split:
    held_out = max(1, round(FRACTIONS[1] * len(groups))), max(1, round(FRACTIONS[2] * len(groups)))
    bounds = np.cumsum([len(groups) - sum(held_out), held_out[0]])
    parts = [groups[: bounds[0]], groups[bounds[0] : bounds[1]], groups[bounds[1] :]]
    return Split(*(np.sort(np.concatenate(part)) for part in parts))


@dataclass(frozen=True)
class EncodingTask:
    """Inputs and targets of an encoding model, and which bins count.

    Attributes:
        inputs: K x T x C, robust standard deviations from the training median; 0 if not trusted.
        rates: K x T x R, Hz, smoothed; 0 where there are no spikes.
        recorded: T, bins that hold spikes.
        scored: K x T, bins that count: recorded, past the smoothing's ramp, with trusted pupil.
        channels, regions: names along C and R.
        time: bin centres, s from stimulus onset.
        bin_size: s.
        split: which trials train, validate, test.
        scales: centre and spread of each channel, from training trials; they travel in the checkpoint.
        masked: fraction of bins of each cleaned channel that is not trusted.
        trials: a row a trial, as in the recording.
        truth: of a simulated recording, the file that holds what was planted.
    """

    inputs: Float[np.ndarray, "K T C"]
    rates: Float[np.ndarray, "K T R"]
    recorded: Bool[np.ndarray, "T"]
    scored: Bool[np.ndarray, "K T"]
    channels: tuple[str, ...]
    regions: tuple[str, ...]
    time: Float[np.ndarray, "T"]
    bin_size: float
    split: Split
    scales: dict[str, RobustScale]
    masked: dict[str, float]
    trials: pd.DataFrame = field(default_factory=pd.DataFrame)
    truth: Path | None = None

    def bins(self, part: str, *, with_ramp: bool = False) -> Bool[np.ndarray, "K T"]:
        """The bins that count in 'train', 'validation' or 'test'.

        `with_ramp` adds the smoothing's start-up, as the first PupilEncoder scored it, and bins
        without a trusted pupil.
        """
        chosen = np.isin(np.arange(len(self.inputs)), getattr(self.split, part))
        return chosen[:, None] & (self.recorded[None] if with_ramp else self.scored)


def encoding_task(
    recording: TrialRecording,
    split: Split,
    *,
    regions: tuple[str, ...],
    channels: tuple[str, ...] = PUPIL,
    width: float = BOXCAR,
    smoothing: Smoothing = "causal",
    scales: Mapping[str, RobustScale] | None = None,
) -> EncodingTask:
    """Cleans and scales the behaviour, averages and smooths the spikes.

    Channels of `channels` that the recording lacks are left out; at least one must be there. `width` in s;
    `scales` are those of a trained model, in place of new ones. Raises DataError for absent channels or
    regions, constant channels, and empty trials.
    """
    _check_split(split, len(recording.trials), recording.name)
    present = _present(recording, channels)
    training = split.is_train(len(recording.trials))
    cleaned = _cleaned_channels(recording, present, training)
    own = {channel: _scale(clean, training, channel) for channel, clean in cleaned.items()}
    scales = own if scales is None else _of_model(scales, present, recording.name)
    bins = round(width / recording.bin_size)
    rates, recorded = _rates(recording, regions, bins, smoothing)
    trusted = np.all([clean.trusted for clean in cleaned.values()], axis=0)
    past_ramp = recorded & (np.cumsum(recorded) > ramp(bins, smoothing))
    inputs = np.stack([_scaled(cleaned[c], scales[c]) for c in present], axis=-1)
    return EncodingTask(
        inputs=inputs.astype(np.float32),
        rates=rates.astype(np.float32),
        recorded=recorded,
        scored=_not_empty(trusted & past_ramp, split, recording.name),
        channels=present,
        regions=tuple(regions),
        time=recording.time,
        bin_size=recording.bin_size,
        split=split,
        scales=dict(scales),
        trials=recording.trials,
        truth=recording.truth,
        masked={channel: clean.masked_fraction for channel, clean in cleaned.items()},
    )


def _check_split(split: Split, trials: int, name: str) -> None:
    parts = np.concatenate([split.train, split.validation, split.test])
    if len(np.unique(parts)) != len(parts) or parts.min() < 0 or parts.max() >= trials:
        raise DataError(
            f"{name}: the split's parts must not share trials and must lie in 0 to {trials - 1}, found "
            f"{parts.min()} to {parts.max()}; make it with split_trials({trials}, seed=...)."
        )


def _present(recording: TrialRecording, channels: tuple[str, ...]) -> tuple[str, ...]:
    present = tuple(channel for channel in channels if channel in recording.behaviour)
    if not present:
        raise DataError(
            f"{recording.name} has none of the channels {', '.join(channels)}; "
            f"it holds {', '.join(recording.behaviour) or 'no behaviour'}."
        )
    return present


def _cleaned_channels(
    recording: TrialRecording, channels: tuple[str, ...], training: Bool[np.ndarray, "K"]
) -> dict[str, CleanChannel]:
    """Each of `channels`, cleaned once; where the area is bad (eye shut, failed fit), so is the position."""
    pupil = [channel for channel in channels if channel in PUPIL]
    cleaned = {c: _finite(recording.behaviour[c]) for c in channels if c not in PUPIL}
    blink = recording.behaviour.get("blink")
    closed = None if blink is None else blink > 0
    if pupil and "pupil_area" in recording.behaviour:
        area = _clean_pupil(recording, "pupil_area", training, closed)
        closed = ~area.measured
        cleaned["pupil_area"] = area
    cleaned |= {c: _clean_pupil(recording, c, training, closed) for c in pupil if c != "pupil_area"}
    return {channel: cleaned[channel] for channel in channels}


def _finite(values: np.ndarray) -> CleanChannel:
    values = values.astype(float)
    finite = np.isfinite(values)
    return CleanChannel(np.where(finite, values, 0), finite, finite, float(1 - finite.mean()), 0.0)


def _clean_pupil(
    recording: TrialRecording,
    channel: str,
    training: np.ndarray,
    blink: Bool[np.ndarray, "K T"] | None,
) -> CleanChannel:
    return clean_pupil(
        recording.behaviour[channel].astype(float),
        training,
        name=f"{recording.name}: {channel}",
        positive=channel == "pupil_area",
        blink=blink,
        bin_size=recording.bin_size,
    )


def _scale(clean: CleanChannel, training: np.ndarray, channel: str) -> RobustScale:
    return RobustScale.of(clean.values[training][clean.trusted[training]], channel)


def _of_model(
    scales: Mapping[str, RobustScale], channels: tuple[str, ...], name: str
) -> dict[str, RobustScale]:
    if set(scales) != set(channels):
        raise DataError(
            f"{name} has the channels {', '.join(channels)}, and the model was fitted to {', '.join(scales)}."
        )
    return {channel: scales[channel] for channel in channels}


def _scaled(clean: CleanChannel, scale: RobustScale) -> Float[np.ndarray, "K T"]:
    return np.where(clean.trusted, scale.apply(clean.values), 0.0)


def region_counts(
    recording: TrialRecording,
    regions: tuple[str, ...],
) -> Float[np.ndarray, "K S R"]:
    """Mean spike count per bin over each region's neurons; DataError where one has none."""
    absent = [region for region in regions if not (recording.brain_area == region).any()]
    if absent or not regions:
        asked = ", ".join(absent) or "an empty list of regions"
        finding = f"{recording.name} has no neurons in {asked}"
        raise DataError(f"{finding}; its regions are {', '.join(recording.regions())}.")
    spikes, area = recording.spikes, recording.brain_area
    counts = [spikes[area == region].mean(axis=0, dtype=np.float64) for region in regions]
    return np.stack(counts, axis=-1)


def _rates(
    recording: TrialRecording, regions: tuple[str, ...], bins: int, smoothing: Smoothing
) -> tuple[Float[np.ndarray, "K T R"], Bool[np.ndarray, "T"]]:
    counts = region_counts(recording, regions)
    smoothed = smooth(np.moveaxis(counts, 1, -1), bins, smoothing)  # K R S
    rates = np.zeros((len(counts), len(recording.time), len(regions)))
    rates[:, recording.spike_bins] = to_hertz(np.moveaxis(smoothed, -1, 1), recording.bin_size)
    recorded = np.zeros(len(recording.time), dtype=bool)
    recorded[recording.spike_bins] = True
    return rates, recorded


def _not_empty(scored: Bool[np.ndarray, "K T"], split: Split, name: str) -> Bool[np.ndarray, "K T"]:
    for part in ("train", "validation", "test"):
        if not scored[getattr(split, part)].any():
            finding = f"{name}: no bin of the {part} trials can be scored"
            raise DataError(f"{finding}; the pupil is masked throughout.")
    return scored
