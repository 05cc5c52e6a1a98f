"""What trials are standardised with: means and spreads of the trials to fit, and of no others.

Pupil and treadmill are centred and divided by their standard deviation, units only divided by their mean, so
that no activity stays 0 (cajal/fnn, demo 4).

Letters: T frames, N units of a recording, U of them that were ever active in training.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from neurokit.digital_twin.recording import Trial
from neurokit.errors import DataError
from neurokit.files.archives import read_npz
from neurokit.files.atomic import atomic_write

MOST_BYTES = 1 << 24  # of a file of statistics; the largest recordings have 10,000 units


@dataclass(frozen=True, eq=False)
class TrainingStatistics:
    """Statistics of a recording's training trials, in the units of the raw traces.

    Attributes:
        unit_ids: the recording's own numbers of all its units.
        perspective_mean, perspective_std: of pupil x and y.
        modulation_mean, modulation_std: of pupil radius and treadmill.
        units_mean: of all units; 0 for those that were never active.
    """

    unit_ids: Int[np.ndarray, "N"]
    perspective_mean: Float[np.ndarray, "2"]
    perspective_std: Float[np.ndarray, "2"]
    modulation_mean: Float[np.ndarray, "2"]
    modulation_std: Float[np.ndarray, "2"]
    units_mean: Float[np.ndarray, "N"]

    @property
    def active(self) -> Bool[np.ndarray, "N"]:
        """Which units have activity to divide by, and so are in the trial folder, in this order."""
        return self.units_mean > 0

    def standardise(self, trial: Trial) -> Trial:
        """The raw trial as it stands in a trial folder, with U units."""
        return replace(
            trial,
            perspective=_scaled(trial.perspective, self.perspective_mean, self.perspective_std),
            modulation=_scaled(trial.modulation, self.modulation_mean, self.modulation_std),
            units=_scaled(trial.units[:, self.active], 0.0, self.units_mean[self.active]),
        )

    def write(self, path: str | Path) -> None:
        """Writes an npz; raises DiskError where it cannot be."""
        with atomic_write(path) as temporary, temporary.open("wb") as stream:
            np.savez(stream, **asdict(self))


def training_statistics(trials: Iterable[Trial], unit_ids: Int[np.ndarray, "N"]) -> TrainingStatistics:
    """Statistics of those of the raw `trials` that are to be fitted; the others are not looked at.

    NaN is left out. A behaviour that never varies is only centred, one that was never seen stays as it is.
    Raises DataError where no trial is to be fitted and where no unit was active.
    """
    fitted = [trial for trial in trials if trial.training]
    if not fitted:
        raise DataError("No trial is one to fit: give training=True to some.")
    units_mean = sum(trial.units.sum(axis=0, dtype=np.float64) for trial in fitted)
    if not units_mean.any():
        raise DataError("No unit is active in the trials to fit: give trials with responses.")
    perspective, modulation = (
        _mean_and_std(np.concatenate([getattr(trial, kind) for trial in fitted]))
        for kind in ("perspective", "modulation")
    )
    frames = sum(len(trial.units) for trial in fitted)
    return TrainingStatistics(unit_ids, *perspective, *modulation, units_mean / frames)


def read_statistics(path: str | Path) -> TrainingStatistics:
    """What `TrainingStatistics.write` wrote; raises DataError where it is missing or damaged."""
    names = [field.name for field in fields(TrainingStatistics)]
    return TrainingStatistics(**read_npz(path, MOST_BYTES, names))


def _scaled(
    values: Float32[np.ndarray, "T K"], mean: Float[np.ndarray, "K"] | float, std: Float[np.ndarray, "K"]
) -> Float32[np.ndarray, "T K"]:
    return ((values - mean) / std).astype(np.float32)


def _mean_and_std(
    values: Float32[np.ndarray, "F 2"],
) -> tuple[Float[np.ndarray, "2"], Float[np.ndarray, "2"]]:
    """Of each column, NaN left out; 0 and 1 stand in where they are unknown."""
    seen = [column[~np.isnan(column)].astype(np.float64) for column in values.T]
    mean = np.array([column.mean() if len(column) else 0.0 for column in seen])
    varies = [len(column) and np.ptp(column) > 0 for column in seen]
    std = [column.std() if more else 1.0 for column, more in zip(seen, varies, strict=True)]
    return mean, np.array(std)
