"""Trials that overlap in time: what is in one is in the other, so they must not lie in two parts of a split.

Where trials overlap, runs of them are dealt in place of single ones: those that overlap, or tenths of the
session where all of them hang together. A trial that still overlaps one of a later part is
left out of its own.

Letters: K trials.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float, Int

from neurokit.errors import DataError
from neurokit.progress import announce
from neurokit.pupil_encoder.features import Split, SplitKind, deal_groups, split_trials
from neurokit.pupil_encoder.recording import TrialRecording
from neurokit.recordings.suitability import FEWEST_RUNS
from neurokit.training.omissions import Omission, leave_out


def split_recording(
    recording: TrialRecording, *, seed: int, kind: SplitKind = "random"
) -> tuple[Split, tuple[Omission, ...]]:
    """The split of `split_trials`; else one whose parts share no time, and the trials that are in none.

    Raises DataError as `split_trials`, and where nothing is left of a part.
    """
    trials = len(recording.trials)
    half = recording.bin_size / 2
    starts = recording.trials["stimulus_time"].to_numpy(dtype=float) + recording.time[0] - half
    ends = starts + len(recording.time) * recording.bin_size - half  # by less than a bin none overlaps
    order = np.argsort(starts, kind="stable")
    together = starts[order][1:] < ends[order][:-1]  # each with the one before; false for NaN
    if not together.any():
        return split_trials(trials, seed=seed, kind=kind), ()
    runs = np.split(order, np.flatnonzero(~together) + 1)
    whole = kind == "random" and len(runs) >= FEWEST_RUNS
    if whole:
        dealt = np.random.default_rng(seed).permutation(len(runs))
        split = deal_groups([runs[index] for index in dealt])
    else:
        split = split_trials(trials, seed=seed, kind="blocked")
    announce(
        f"{recording.name}: {int(together.sum())} of {trials} trials begin before the one before them ends; "
        f"{'those that overlap' if whole else 'tenths of the session'} stay in one part."
    )
    return _part(split, starts, ends, recording)


def _part(
    split: Split, starts: Float[np.ndarray, "K"], ends: Float[np.ndarray, "K"], recording: TrialRecording
) -> tuple[Split, tuple[Omission, ...]]:
    """The split without trials that overlap one of a later part."""
    names = recording.trials.index.to_numpy()
    found: tuple[Omission, ...] = ()
    parts = {"train": split.train, "validation": split.validation}
    for part, later in (("train", (split.validation, split.test)), ("validation", (split.test,))):
        own = parts[part]
        gone = _overlap(own, np.concatenate(later), starts, ends)
        if gone.all():
            raise DataError(
                f"{recording.name}: every {part} trial overlaps one of another part in time; give stimuli "
                "further apart, or a shorter window."
            )
        found += leave_out(gone, names[own], "overlapping", "trials", part=part)
        parts[part] = own[~gone]
    return replace(split, **parts), found


def _overlap(
    own: Int[np.ndarray, "_"],
    others: Int[np.ndarray, "_"],
    starts: Float[np.ndarray, "K"],
    ends: Float[np.ndarray, "K"],
) -> Bool[np.ndarray, "_"]:
    """Which trials share time with one of the others."""
    before: np.ndarray = starts[own][:, None] < ends[others]
    after: np.ndarray = ends[own][:, None] > starts[others]
    return np.any(before & after, axis=1)
