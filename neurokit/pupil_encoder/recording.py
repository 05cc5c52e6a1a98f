"""A recording cut into trials: spike counts and behaviour on one clock around each stimulus.

Letters: N neurons, K trials, T behaviour bins of a trial, S of these bins that also hold spikes.
Time is in seconds from the onset of the trial's visual stimulus; a bin is named by its centre.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int, Integer, Shaped

from neurokit.errors import DataError

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


@dataclass(frozen=True)
class TrialRecording:
    """Spikes and behaviour of one session.

    Attributes:
        name: mouse and date.
        time: bin centres of a trial, T, s from stimulus onset.
        spikes: counts per bin, N x K x S; its S bins are `time[first_spike_bin:][:S]`.
        first_spike_bin: where the spikes begin in `time`; some recordings hold those of a part.
        brain_area: Allen acronym of each neuron, N.
        behaviour: what the cameras and sensors saw, each K x T, in the recording's own units
            (pupil_area arbitrary, pupil_x and pupil_y video-frame units, wheel ticks per bin,
            licks per bin, face_motion arbitrary, blink 0 or 1). Only channels that were recorded,
            NaN where the camera did not run.
        trials: a row per trial in order of time, columns TRIAL_COLUMNS, NaN where unknown.
        bin_size: s.
        clock_uncertainty: s; no lag between behaviour and spikes finer than this may be read off.
        truth: of a simulated recording, the file that holds what was planted.
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

    def __post_init__(self) -> None:
        """Raises DataError where the arrays do not fit each other or cannot be used."""
        neurons, trials, bins = self.spikes.shape
        if min(neurons, trials, bins) == 0:
            finding = f"{self.name}: spikes have shape {self.spikes.shape}"
            raise DataError(f"{finding}; every axis needs entries.")
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

    def _check(self, what: str, found: tuple[int, ...], wanted: tuple[int, ...]) -> None:
        if found != wanted:
            finding = f"{self.name}: {what} has shape {found}, expected {wanted}"
            raise DataError(f"{finding}; the file mixes recordings.")

    @property
    def spike_bins(self) -> slice:
        """The bins of `time` that hold spikes."""
        return slice(self.first_spike_bin, self.first_spike_bin + self.spikes.shape[2])

    def regions(self, minimum_neurons: int = 1) -> dict[str, int]:
        """Neurons in each named region, largest first; without 'root' (outside every region)."""
        names, counts = np.unique(self.brain_area, return_counts=True)
        rows = [
            (str(n), int(c))
            for n, c in zip(names, counts, strict=True)
            if c >= minimum_neurons and n != "root"
        ]
        return dict(sorted(rows, key=lambda row: (-row[1], row[0])))

    def select(self, trials: Bool[np.ndarray, "K"] | Int[np.ndarray, "M"]) -> "TrialRecording":
        """The same recording with some of its trials."""
        return replace(
            self,
            spikes=self.spikes[:, trials],
            behaviour={channel: values[trials] for channel, values in self.behaviour.items()},
            trials=self.trials.iloc[np.arange(len(self.trials))[trials]].reset_index(drop=True),
        )


def trial_table(trials: int, **columns: np.ndarray | None) -> pd.DataFrame:
    """A table of `trials` rows with every column of TRIAL_COLUMNS; absent ones are NaN.

    Raises DataError for a column of another length.
    """
    table = pd.DataFrame(np.nan, index=range(trials), columns=list(TRIAL_COLUMNS))
    for name, values in columns.items():
        if values is None:
            continue
        values = np.asarray(values, dtype=float)
        if values.size != trials:
            finding = f"{name} has {values.size} entries for {trials} trials"
            raise DataError(f"{finding}; one per trial is needed.")
        table[name] = values.reshape(trials)
    return table
