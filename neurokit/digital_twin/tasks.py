"""What a twin is fitted to and scored on, and the losses to compare its validation loss with.

Letters: N clips, T scored frames of each (30 Hz), U units.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from neurokit.digital_twin.clips import MouseClips
from neurokit.digital_twin.config import TwinConfig
from neurokit.digital_twin.preparation import TrainingStatistics
from neurokit.digital_twin.recording import Trial, TrialFolder, Video
from neurokit.digital_twin.simulated_files import MouseTruth, load_truth
from neurokit.digital_twin.sources import TwinRecording
from neurokit.errors import SettingsError

PARTS = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class TwinTask:
    """A recording that a twin is fitted to; its trials are scaled in their files, so nothing is copied.

    Attributes:
        recording: trials, videos, truth, and the network whose core is transferred.
        statistics: that scaled a converted recording; those of a checkpoint where it has some.
    """

    recording: TwinRecording
    statistics: TrainingStatistics | None = None

    @property
    def trials(self) -> TrialFolder:
        """Trials to fit and to validate with."""
        return self.recording.training_data

    @property
    def videos(self) -> dict[str, tuple[Video, ...]]:
        """The videos to score on, by kind, read on the first call; raises DataError."""
        return self.recording.videos

    @property
    def units(self) -> int:
        """Number of units, U."""
        return self.trials.units

    @property
    def unit_table(self) -> pd.DataFrame:
        """The recording's own number of each unit, unit_id, U rows."""
        found = self.statistics
        return pd.DataFrame(
            {"unit_id": np.arange(self.units) if found is None else found.unit_ids[found.active]}
        )

    def part(self, name: str) -> list[Video]:
        """The videos of one of PARTS; a training or validation trial is a video that was shown once.

        Raises SettingsError for another name.
        """
        if name not in PARTS:
            raise SettingsError(f"part is {name!r}; use one of {', '.join(PARTS)}.")
        if name == "test":
            return [video for of_kind in self.videos.values() for video in of_kind]
        return [Video(trial.name, (trial,)) for trial in self.trials.part(name == "train")]


def yardsticks(task: TwinTask, config: TwinConfig) -> dict[str, float]:
    """The validation loss of each unit's mean in training and, for a simulated mouse, of its true rates.

    Computed on the same clips and in the same unit as the loss of a network.
    """
    trials = task.trials.part(False)
    measured = _draw_frames(trials, config)
    found = {"mean response": _loss(torch.ones_like(measured), measured, config)}
    if task.recording.truth is not None:
        truth = load_truth(task.recording.truth.parent)
        known = _draw_frames([_replace_by_truth(truth, trial) for trial in trials], config)
        found["ceiling"] = _loss(known, measured, config)
    return found


def _draw_frames(trials: Sequence[Trial], config: TwinConfig) -> Float[Tensor, "N T U"]:
    """The scored frames of units in the clips of `neurokit.digital_twin.clips.draw_once`."""
    mouse, source = MouseClips("mouse", trials, config), torch.Generator().manual_seed(config.seed)
    parts = [
        mouse.draw(config.batch, source).responses[config.burn_in :].transpose(0, 1)
        for _ in range(config.validation_batches)
    ]
    return torch.cat(parts)


def _replace_by_truth(truth: MouseTruth, trial: Trial) -> Trial:
    """The trial with the units' means over chance, which the simulation knows."""
    behaviour = (np.nan_to_num(part) for part in (trial.perspective, trial.modulation))
    return replace(trial, units=truth.predict(np.asarray(trial.stimulus), *behaviour))


def _loss(rates: Tensor, responses: Tensor, config: TwinConfig) -> float:
    """The unit model's loss, from rates instead of drives."""
    if config.network.unit == "poisson":
        return float((rates - torch.xlogy(responses, rates)).mean())
    return float((rates - responses).square().mean())
