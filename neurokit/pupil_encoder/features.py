"""From a recording to the arrays a model is fitted to: behaviour in, regional firing rates out, and a split.

The split says which trials train, which choose, which are touched once. A random split puts test trials
between training trials, so anything that drifts slowly over the session is known from the neighbours. A
blocked split leaves test trials together; the two differ by that drift. Spike counts are averaged over the
neurons of a region, smoothed within each trial, and turned into Hz.

Letters: K trials, T bins, S bins that hold spikes, C input channels, R regions.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int
from scipy.ndimage import gaussian_filter1d, uniform_filter1d

from neurokit.arguments import explain_failure, explain_values
from neurokit.errors import DataError
from neurokit.pupil_encoder.cleaning import PUPIL, RobustScale, clean_channels
from neurokit.pupil_encoder.recording import TrialRecording
from neurokit.pupil_encoder.unusable import find_channels
from neurokit.training.choices import find_repeated
from neurokit.training.omissions import Omission

SplitKind = Literal["random", "blocked"]
Smoothing = Literal["causal", "centred", "gaussian"]
FRACTIONS = (0.6, 0.2, 0.2)  # train, validation, test
BLOCKS = 10
BEHAVIOUR = (*PUPIL, "face_motion", "licks", "wheel", "wheel_moving")
BOXCAR = 0.1  # s, the width PupilEncoder was built with
SEED_REGIONS = ("SCs", "SCm", "LGd")  # those it was built on
MINIMUM_NEURONS = 20  # a region's mean rate of fewer neurons is mostly Poisson noise


@dataclass(frozen=True)
class Split:
    """Indices of trials, sorted, disjoint."""

    train: Int[np.ndarray, "A"]
    validation: Int[np.ndarray, "B"]
    test: Int[np.ndarray, "C"]

    def is_train(self, trials: int) -> Bool[np.ndarray, "K"]:
        """True for the training trials among `trials`."""
        return np.isin(np.arange(trials), self.train)


@explain_failure
def split_trials(trials: int, *, seed: int, kind: SplitKind = "random") -> Split:
    """60 % of the trials to train, 20 % to validate, 20 % to test.

    They are drawn one by one (random), or in ten runs of neighbours (blocked). Raises DataError
    where a part would be empty.
    """
    if trials < 5:
        raise DataError(
            f"{trials} trials cannot be split into train, validation and test; at least 5 are needed."
        )
    random = np.random.default_rng(seed)
    if kind == "random":
        return deal_groups([np.array([trial]) for trial in random.permutation(trials)])
    if kind == "blocked":
        blocks = np.array_split(np.arange(trials), min(BLOCKS, trials))
        return deal_groups([blocks[index] for index in random.permutation(len(blocks))])
    raise DataError(f"Split is {kind!r}; use 'random' or 'blocked'.")


def deal_groups(groups: list[np.ndarray]) -> Split:
    """The first groups train, the last test."""
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
        omissions: what is left out of the recording, and the channels that cannot be read.
        recording: that it was made of, whose units tell the ceiling.
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
    omissions: tuple[Omission, ...] = ()
    recording: TrialRecording | None = None

    def bins(self, part: str, *, with_ramp: bool = False) -> Bool[np.ndarray, "K T"]:
        """The bins that count in 'train', 'validation' or 'test'.

        `with_ramp` adds the smoothing's start-up, as the first PupilEncoder scored it, and bins
        without a trusted pupil.
        """
        chosen = np.isin(np.arange(len(self.inputs)), getattr(self.split, part))
        return chosen[:, None] & (self.recorded[None] if with_ramp else self.scored)


@explain_failure
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

    Channels of `channels` that were not recorded, not measured in training trials, or never change there are
    left out; at least one must be there, unless none is asked for: that makes a task of rates alone, for
    baselines. `width` in s; `scales` are those of a trained model, in place of new ones. Raises DataError for
    channels none of which can be read, absent regions, empty trials, and regions without a spike in the
    training trials.
    """
    name, trials = recording.name, len(recording.trials)
    _check_split(split, trials, name)
    training = split.is_train(trials)
    behaviour, left_out = (
        find_channels(recording.behaviour, channels, training, name) if channels else ({}, ())
    )
    present = tuple(channel for channel in channels if channel in behaviour)
    scales = None if scales is None else _model_scales(scales, present, name)
    cleaned = clean_channels(
        behaviour, present, training, name=name, bin_size=recording.bin_size, scales=scales
    )
    bins = round(width / recording.bin_size)
    rates, recorded = _smooth_rates(recording, regions, bins, smoothing)
    if not rates[training].any():
        raise DataError(
            f"{name} holds no spike of {', '.join(regions)} in the training trials: choose other regions, or "
            "another session."
        )
    trusted = {channel: clean.trusted for channel, clean in cleaned.items()}
    past_ramp = recorded & (np.cumsum(recorded) > ramp(bins, smoothing))
    inputs = np.zeros((*rates.shape[:2], len(present)), dtype=np.float32)
    for number, clean in enumerate(cleaned.values()):
        inputs[..., number] = clean.scale.apply_where(clean.trusted, clean.values)
    return EncodingTask(
        inputs=inputs,
        rates=rates.astype(np.float32),
        recorded=recorded,
        scored=_find_scored(trusted, np.broadcast_to(past_ramp, rates.shape[:2]), split, name),
        channels=present,
        regions=tuple(regions),
        time=recording.time,
        bin_size=recording.bin_size,
        split=split,
        scales={channel: clean.scale for channel, clean in cleaned.items()},
        trials=recording.trials,
        truth=recording.truth,
        masked={channel: clean.masked_fraction for channel, clean in cleaned.items()},
        omissions=recording.omissions + left_out,
        recording=recording,
    )


def _check_split(split: Split, trials: int, name: str) -> None:
    parts = np.concatenate([split.train, split.validation, split.test])
    if len(np.unique(parts)) != len(parts) or parts.min() < 0 or parts.max() >= trials:
        raise DataError(
            f"{name}: the split's parts must not share trials and must lie in 0 to {trials - 1}, found "
            f"{parts.min()} to {parts.max()}; make it with split_trials({trials}, seed=...)."
        )


def _model_scales(
    scales: Mapping[str, RobustScale], channels: tuple[str, ...], name: str
) -> dict[str, RobustScale]:
    if set(scales) != set(channels):
        raise DataError(
            f"{name} has the channels {', '.join(channels)}, and the model was fitted to {', '.join(scales)}."
        )
    return {channel: scales[channel] for channel in channels}


def _find_scored(
    trusted: Mapping[str, Bool[np.ndarray, "K T"]], recorded: Bool[np.ndarray, "K T"], split: Split, name: str
) -> Bool[np.ndarray, "K T"]:
    """Bins of `recorded` in which all channels are trusted; DataError where a part has none."""
    scored = np.all([recorded, *trusted.values()], axis=0)
    for part in ("train", "validation", "test"):
        trials = getattr(split, part)
        if not scored[trials].any():
            share = {channel: seen[trials].mean() for channel, seen in trusted.items()}
            worst = min(share, key=lambda channel: share[channel])
            raise DataError(
                f"{name}: no bin of the {part} trials can be scored, as {worst} is known in "
                f"{share[worst]:.0%} of them; leave that out with --set without={worst}, or split the trials "
                "in another way."
            )
    return scored


@explain_failure
def default_regions(recording: TrialRecording) -> tuple[str, ...]:
    """The regions a model is fitted to: PupilEncoder's three, else all of 20 neurons or more.

    Raises DataError where there is none.
    """
    found = recording.regions(MINIMUM_NEURONS)
    if not found:
        raise DataError(
            f"{recording.name}: no region has {MINIMUM_NEURONS} neurons; name the regions yourself."
        )
    return SEED_REGIONS if set(SEED_REGIONS) <= set(found) else tuple(found)


@explain_failure
def region_counts(
    recording: TrialRecording,
    regions: tuple[str, ...],
) -> Float[np.ndarray, "K S R"]:
    """Mean spike count per bin over each region's neurons; DataError where one has none, or comes twice."""
    absent = [region for region in regions if not (recording.brain_area == region).any()]
    if absent or not regions:
        asked = ", ".join(absent) or "an empty list of regions"
        lost = [str(each) for each in recording.omissions if each.rule == "lost" and each.pieces == "units"]
        there = "; ".join([", ".join(recording.regions()), *lost])
        raise DataError(f"{recording.name} has no neurons in {asked}; its regions are {there}.")
    if twice := find_repeated(regions):
        raise DataError(f"The regions name {', '.join(twice)} more than once; name each region once.")
    spikes, area = recording.spikes, recording.brain_area
    counts = [spikes[area == region].mean(axis=0, dtype=np.float64) for region in regions]
    return np.stack(counts, axis=-1)


def _smooth_rates(
    recording: TrialRecording, regions: tuple[str, ...], bins: int, smoothing: Smoothing
) -> tuple[Float[np.ndarray, "K T R"], Bool[np.ndarray, "T"]]:
    counts = region_counts(recording, regions)
    smoothed = smooth(np.moveaxis(counts, 1, -1), bins, smoothing)  # K R S
    rates = np.zeros((len(counts), len(recording.time), len(regions)))
    rates[:, recording.spike_bins] = np.moveaxis(smoothed, -1, 1) / recording.bin_size
    recorded = np.zeros(len(recording.time), dtype=bool)
    recorded[recording.spike_bins] = True
    return rates, recorded


def smooth(
    counts: Float[np.ndarray, "*K T"], width: int, kind: Smoothing = "causal"
) -> Float[np.ndarray, "*K T"]:
    """Counts smoothed over `width` bins: causal or centred boxcar, or a Gaussian of that SD."""
    functions = {"causal": causal_boxcar, "centred": centred_boxcar, "gaussian": gaussian}
    if kind not in functions:
        raise DataError(f"Smoothing is {kind!r}; use one of {', '.join(functions)}.")
    return functions[kind](counts, width)


@explain_values
def causal_boxcar(counts: Float[np.ndarray, "*K T"], width: int) -> Float[np.ndarray, "*K T"]:
    """Mean over each bin and the `width - 1` before it, with zeros before the start.

    This is numpy's full convolution cut to T. Its first `width - 1` values ramp up from the zeros
    that were never recorded: leave them out of every score (`ramp`).
    """
    _check_width(width, counts.shape[-1])
    back = (width - 1) // 2
    return uniform_filter1d(_floats(counts), width, axis=-1, mode="constant", origin=back)


@explain_values
def centred_boxcar(counts: Float[np.ndarray, "*K T"], width: int) -> Float[np.ndarray, "*K T"]:
    """Mean over the bins around each, at the edges over those there are. It sees the future."""
    _check_width(width, counts.shape[-1])
    total, present = (
        uniform_filter1d(values, width, axis=-1, mode="constant")
        for values in (_floats(counts), np.ones(counts.shape[-1]))
    )
    return total / present


@explain_values
def gaussian(counts: Float[np.ndarray, "*K T"], width: int | float) -> Float[np.ndarray, "*K T"]:
    """Gaussian of standard deviation `width` bins, mirrored at the edges. It sees the future."""
    if not width > 0:
        raise DataError(f"A Gaussian of {width} bins cannot smooth; use a standard deviation above 0.")
    return gaussian_filter1d(_floats(counts), width, axis=-1, mode="reflect")


def ramp(width: int, kind: Smoothing = "causal") -> int:
    """How many bins at the start of a smoothed trial mix in bins that were never recorded."""
    return width - 1 if kind == "causal" else 0


def _floats(counts: Float[np.ndarray, "*K T"]) -> Float[np.ndarray, "*K T"]:
    return np.asarray(counts, dtype=float)  # the filters keep the type they are given, integers too


def _check_width(width: int, bins: int) -> None:
    if not 1 <= width <= bins:
        raise DataError(
            f"A boxcar of {width} bins does not fit a trial of {bins}; use a width from 1 to {bins}."
        )
