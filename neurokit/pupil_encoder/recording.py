"""A recording cut into trials: spikes and behaviour of one session.

Letters: N neurons, K trials, T behaviour bins of a trial, S of these bins that also hold spikes.
Time is in seconds from the onset of the trial's visual stimulus; a bin is named by its centre.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int, Integer, Shaped

from neurokit.errors import DataError
from neurokit.pupil_encoder.doubled import find_doubles
from neurokit.pupil_encoder.unusable import (
    find_lost,
    find_unmeasured,
    find_usable,
    forget_impossible,
    mask_impossible,
)
from neurokit.recordings.copies import find_copies
from neurokit.training.omissions import Omission, leave_out

TRIAL_COLUMNS = (
    "stimulus_time",  # s on the recording's clock
    "contrast_left",  # 0 to 1
    "contrast_right",  # 0 to 1
    "response",  # +1 left, 0 no-go, -1 right
    "response_time",  # s from stimulus onset
    "go_cue",  # s from stimulus onset
    "feedback_type",  # +1 reward, -1 noise
    "feedback_time",  # s from stimulus onset
)
LONGEST_BIN = 1.0  # s
GRID = 0.02  # of a bin: how far times may lie off their grid, as single precision does


@dataclass(frozen=True)
class TrialRecording:
    """Spikes and behaviour of one session.

    Attributes:
        name: mouse and date.
        time: bin centres of a trial, T, s from stimulus onset.
        spikes: counts per bin, N x K x S; its S bins are `time[first_spike_bin:][:S]`.
        first_spike_bin: where the spikes begin in `time`; some recordings hold spikes of a part of it.
        brain_area: Allen acronym of each neuron, N.
        behaviour: what the cameras and sensors saw, each K x T, in the recording's own units (pupil_area
            arbitrary, pupil_x and pupil_y video-frame units, wheel ticks per bin, licks per bin, face_motion
            arbitrary, blink 0 or 1). Only channels that were recorded; NaN where the camera did not run.
        trials: a row per trial in order of time, columns TRIAL_COLUMNS, NaN where unknown; its index is the
            number of the trial in the file, from 0.
        bin_size: s.
        clock_uncertainty: s; no lag between behaviour and spikes finer than this may be read off.
        truth: of a simulated recording, the file that holds what was planted.
        omissions: what of the file was left out, since it cannot be used.
        notes: what the reader of the file wants said, a sentence each.
    """

    name: str
    time: Float[np.ndarray, "T"]
    spikes: Integer[np.ndarray, "N K S"]
    first_spike_bin: int
    brain_area: Shaped[np.ndarray, "N"]
    behaviour: dict[str, Float[np.ndarray, "K T"]]
    trials: pd.DataFrame
    bin_size: float = 0.01
    clock_uncertainty: float = 0.0
    truth: Path | None = None
    omissions: tuple[Omission, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raises DataError where the arrays do not fit each other or cannot be used."""
        neurons, trials, bins = self.spikes.shape
        if min(neurons, trials, bins) == 0:
            raise DataError(f"{self.name}: spikes have shape {self.spikes.shape}; every axis needs entries.")
        if not np.issubdtype(self.spikes.dtype, np.integer):
            raise DataError(
                f"{self.name}: spikes are {self.spikes.dtype}; give whole numbers, counts per bin."
            )
        if np.issubdtype(self.spikes.dtype, np.signedinteger) and self.spikes.min() < 0:
            raise DataError(f"{self.name}: spikes hold negative counts; give zero or more.")
        self._check("brain_area", self.brain_area.shape, (neurons,))
        self._check("trials", (len(self.trials),), (trials,))
        for channel, values in self.behaviour.items():
            self._check(channel, values.shape, (trials, len(self.time)))
        last = self.first_spike_bin + bins
        if self.first_spike_bin < 0 or last > len(self.time):
            raise DataError(
                f"{self.name}: spike bins {self.first_spike_bin} to {last} do not lie in the "
                f"{len(self.time)} bins of `time`; the two clocks must overlap."
            )
        self._check_clock()

    def _check(self, what: str, found: tuple[int, ...], wanted: tuple[int, ...]) -> None:
        if found != wanted:
            raise DataError(
                f"{self.name}: {what} has shape {found}, expected {wanted}; the file mixes recordings."
            )

    def _check_clock(self) -> None:
        if not 0 < self.bin_size <= LONGEST_BIN:
            raise DataError(
                f"{self.name}: bin_size is {self.bin_size:g}; give seconds above 0 and up to {LONGEST_BIN:g}."
            )
        off = np.abs(np.diff(self.time) - self.bin_size)
        if not (np.isfinite(self.time).all() and (off <= GRID * self.bin_size).all()):
            step = np.median(np.diff(self.time)) if len(off) else self.time[0]
            raise DataError(
                f"{self.name}: `time` steps by {step:g}, and a bin lasts {self.bin_size:g} s; give both in "
                "seconds, on one even grid."
            )

    @property
    def spike_bins(self) -> slice:
        """The bins of `time` that hold spikes."""
        return slice(self.first_spike_bin, self.first_spike_bin + self.spikes.shape[2])

    def regions(self, minimum_neurons: int = 1) -> dict[str, int]:
        """Neurons in each named region, largest first; without 'root' (outside every region)."""
        names, counts = np.unique(self.brain_area, return_counts=True)
        found = {str(n): int(c) for n, c in zip(names, counts, strict=True) if c >= minimum_neurons}
        found.pop("root", None)
        return dict(sorted(found.items(), key=lambda row: (-row[1], row[0])))

    def select(self, trials: Bool[np.ndarray, "K"] | Int[np.ndarray, "M"]) -> "TrialRecording":
        """The same recording with some of its trials, which keep their numbers."""
        return replace(
            self,
            spikes=self.spikes[:, trials],
            behaviour={channel: values[trials] for channel, values in self.behaviour.items()},
            trials=self.trials.iloc[np.arange(len(self.trials))[trials]],
        )


def trial_table(trials: int, **columns: np.ndarray | None) -> pd.DataFrame:
    """A table of `trials` rows with every column of TRIAL_COLUMNS; absent ones are NaN.

    Raises DataError for a column of another length.
    """
    table = pd.DataFrame(np.nan, index=range(trials), columns=list(TRIAL_COLUMNS))
    for name, values in columns.items():
        if values is None:
            continue
        values = np.asarray(values, dtype=float).ravel()
        if len(values) != trials:
            raise DataError(f"{name} has {len(values)} entries for {trials} trials; one per trial is needed.")
        table[name] = values
    return table


def check_bins(window: tuple[float, float], bin_size: float) -> int:
    """How many bins a trial has that lasts over `window`, s around its stimulus.

    Raises DataError for bins that cannot be, and a window that they do not fill.
    """
    start, end = window
    if not 0 < bin_size <= LONGEST_BIN:
        raise DataError(f"bin_size is {bin_size:g}; give seconds above 0 and up to {LONGEST_BIN:g}.")
    number = (end - start) / bin_size
    if not (np.isfinite(number) and round(number) >= 1 and abs(number - round(number)) < GRID):
        raise DataError(
            f"window {start:g} to {end:g} s is {number:g} bins of {bin_size:g} s; give a start, and an end "
            "some bins later."
        )
    return round(number)


def record_usable(
    spikes: Shaped[np.ndarray, "N K S"],
    brain_area: Shaped[np.ndarray, "N"],
    behaviour: Mapping[str, Float[np.ndarray, "K T"]],
    trials: pd.DataFrame,
    *,
    units: Shaped[np.ndarray, "N"] | None = None,
    omissions: tuple[Omission, ...] = (),
    what: str = "spks",
    **rest: Any,
) -> TrialRecording:
    """A recording of what can be used; what cannot is among its omissions, after those given.

    `units` are the names of units, by default their numbers; `what` is the name of `spikes` in the file, and
    `rest` are other fields of the recording. Raises DataError where no unit or no trial is left.
    """
    if 0 in spikes.shape:
        raise DataError(f"{what} has shape {spikes.shape}; every axis needs entries.")
    behaviour = mask_impossible(behaviour)
    units = np.arange(len(spikes)) if units is None else units
    bin_size = float(rest.get("bin_size", TrialRecording.bin_size))
    usable = find_usable(spikes, brain_area, trials.index.to_numpy(), units, what, bin_size)
    spikes, brain_area, units = (_rows(each, usable.units) for each in (spikes, brain_area, units))
    spikes, behaviour, trials = _pick_trials(usable.trials, spikes, behaviour, trials)
    counts = spikes.sum(axis=2, dtype=np.int64)  # N K
    copies = find_copies(spikes, counts)
    found = omissions + usable.omissions + leave_out(copies, units, "doubled", "units")
    spikes, brain_area, units, counts = (_rows(e, ~copies) for e in (spikes, brain_area, units, counts))
    again = find_doubles(spikes, behaviour, counts)
    found += leave_out(again, trials.index.to_numpy(), "doubled", "trials")
    names = [f"{region}/{unit}" for region, unit in zip(brain_area, units, strict=True)]
    off, over = find_lost(counts[:, ~again], brain_area)
    found += leave_out(off, names, "lost", "units")
    found += leave_out(over, trials.index.to_numpy()[~again], "lost", "trials")
    kept = ~again
    kept[kept] = ~over
    spikes, brain_area = _rows(spikes, ~off), _rows(brain_area, ~off)
    spikes, behaviour, trials = _pick_trials(kept, spikes, behaviour, trials)
    trials, unknown = forget_impossible(trials)
    unknown += find_unmeasured(behaviour, trials.index.to_numpy())
    return TrialRecording(
        spikes=_as_counts(spikes),
        brain_area=brain_area,
        behaviour=behaviour,
        trials=trials,
        omissions=found + unknown,
        **rest,
    )


def _pick_trials(
    trials: Bool[np.ndarray, "K"],
    spikes: Shaped[np.ndarray, "N K S"],
    behaviour: Mapping[str, Float[np.ndarray, "K T"]],
    table: pd.DataFrame,
) -> tuple[Shaped[np.ndarray, "N J S"], dict[str, Float[np.ndarray, "J T"]], pd.DataFrame]:
    if trials.all():
        return spikes, dict(behaviour), table
    chosen = {channel: values[trials] for channel, values in behaviour.items()}
    return spikes[:, trials], chosen, table[trials]


def _rows(
    values: Shaped[np.ndarray, "N *rest"], chosen: Bool[np.ndarray, "N"]
) -> Shaped[np.ndarray, "M *rest"]:
    return values if chosen.all() else values[chosen]


def _as_counts(spikes: Shaped[np.ndarray, "N K S"]) -> Integer[np.ndarray, "N K S"]:
    """As the smallest unsigned integers; a large array of single bytes is not copied."""
    one_byte = spikes.dtype.itemsize == 1
    return spikes.astype(np.uint8 if one_byte else np.uint16, copy=not one_byte)
