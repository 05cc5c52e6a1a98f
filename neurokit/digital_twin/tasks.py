"""What a twin is fitted to and scored on, and the losses to compare its validation loss with.

Letters: K trials, N clips, T scored frames of each (30 Hz), U units.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from neurokit.digital_twin.clips import MouseClips
from neurokit.digital_twin.config import TwinConfig
from neurokit.digital_twin.preparation import TrainingStatistics
from neurokit.digital_twin.recording import Trial, TrialFolder, Video
from neurokit.digital_twin.simulated_files import MouseTruth, load_truth
from neurokit.digital_twin.sources import TwinRecording
from neurokit.errors import DataError, SettingsError
from neurokit.training.omissions import Omission, leave_out

PARTS = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class TwinTask:
    """A recording that a twin is fitted to; its trials are scaled in their files, so nothing is copied.

    Attributes:
        recording: trials, videos, truth, and the network whose core is transferred.
        trials: to fit and to validate with; they show no video that is scored on or, to fit, validated with.
        statistics: that scaled a converted recording; those of a checkpoint where it has some.
        omissions: the recording's, and those of the task.
    """

    recording: TwinRecording
    trials: TrialFolder
    statistics: TrainingStatistics | None = None
    omissions: tuple[Omission, ...] = ()

    @property
    def videos(self) -> dict[str, tuple[Video, ...]]:
        """The videos to score on, by kind; raises DataError where there are none."""
        return self.recording.videos

    @property
    def units(self) -> int:
        """Number of units, U."""
        return self.trials.units

    @property
    def unit_table(self) -> pd.DataFrame:
        """The recording's own number of each unit, unit_id, U rows."""
        found, columns = self.statistics, self.trials.columns
        columns = np.arange(self.units) if columns is None else columns
        ids = columns if found is None else found.unit_ids[found.active][columns]
        return pd.DataFrame({"unit_id": ids})

    def part(self, name: str) -> list[Video]:
        """The videos of one of PARTS; a training or validation trial is a video that was shown once.

        Raises SettingsError for another name.
        """
        if name not in PARTS:
            raise SettingsError(f"part is {name!r}; use one of {', '.join(PARTS)}.")
        if name == "test":
            return [video for of_kind in self.videos.values() for video in of_kind]
        return [Video(trial.name, (trial,)) for trial in self.trials.part(name == "train")]


def make_task(recording: TwinRecording, statistics: TrainingStatistics | None = None) -> TwinTask:
    """The task without trials that show a video of another part (`neurokit.digital_twin.shared_frames`).

    Trials to fit give way to those that validate, and all give way to videos that are scored on. Raises
    DataError where no trial to fit is left.
    """
    trials, shared = recording.training_data, recording.shared
    fitted = np.array([trial.training for trial in trials.trials])
    _check_some_left(trials, fitted, shared)
    names = np.array([trial.name for trial in trials.trials])
    omissions = [
        *leave_out(shared[fitted], names[fitted], "shown_in_two_parts", "trials", part="training"),
        *leave_out(shared[~fitted], names[~fitted], "shown_in_two_parts", "trials", part="validation"),
        *_shown_once(recording.held_out),
    ]
    if shared.any():
        kept = tuple(trial for trial, bad in zip(trials.trials, shared, strict=True) if not bad)
        trials = replace(trials, trials=kept)
    return TwinTask(recording, trials, statistics, (*recording.omissions, *omissions))


def _check_some_left(
    trials: TrialFolder, fitted: Bool[np.ndarray, "K"], shared: Bool[np.ndarray, "K"]
) -> None:
    for part, mask in (("training", fitted), ("validation", ~fitted)):
        if mask.any() and shared[mask].all():
            finding = f"All {mask.sum()} {part} trials in {trials.path} show videos of another part"
            raise DataError(f"{finding}: show some videos in one part alone.")


def _shown_once(videos: Mapping[str, Sequence[Video]]) -> list[Omission]:
    """Videos that scores of means over repeats leave out, where others were repeated."""
    found: list[Omission] = []
    for kind, of_kind in videos.items():
        once = np.array([len(video.repeats) < 2 for video in of_kind])
        if not once.all():
            names = [video.name for video in of_kind]
            found += leave_out(once, names, "shown_once", "videos", part=kind)
    return found


def yardsticks(task: TwinTask, config: TwinConfig) -> dict[str, float]:
    """The validation loss of each unit's mean in training and, for a simulated mouse, of its true rates.

    Computed on the same clips and in the same unit as the loss of a network.
    """
    trials = task.trials.part(False)
    measured = _draw_frames(trials, config)
    found = {"mean response": _loss(torch.ones_like(measured), measured, config)}
    if task.recording.truth is not None:
        truth = load_truth(task.recording.truth.parent)
        columns = task.trials.columns
        known = _draw_frames([_replace_by_truth(truth, trial, columns) for trial in trials], config)
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


def _replace_by_truth(truth: MouseTruth, trial: Trial, columns: Int[np.ndarray, "U"] | None) -> Trial:
    """The trial with the units' means over chance, which the simulation knows."""
    behaviour = (np.nan_to_num(part) for part in (trial.perspective, trial.modulation))
    units = truth.predict(np.asarray(trial.stimulus), *behaviour)
    return replace(trial, units=units if columns is None else units[:, columns])


def _loss(rates: Tensor, responses: Tensor, config: TwinConfig) -> float:
    """The unit model's loss, from rates instead of drives."""
    if config.network.unit == "poisson":
        return float((rates - torch.xlogy(responses, rates)).mean())
    return float((rates - responses).square().mean())
