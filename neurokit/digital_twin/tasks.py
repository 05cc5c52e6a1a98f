"""What a twin is fitted to and scored on, and the losses to compare its validation loss with.

Letters: K trials, N clips, T scored frames of each (30 Hz), U units.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from neurokit.digital_twin.clips import MouseClips, clip_starts
from neurokit.digital_twin.config import TwinConfig
from neurokit.digital_twin.preparation import TrainingStatistics
from neurokit.digital_twin.recording import Trial, TrialFolder, Video
from neurokit.digital_twin.scores import BURN_IN, find_constant, video_places
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
        trials: to fit and to validate with, each with a clip; they show no video that is scored on or, to
            fit, validated with.
        statistics: that scaled a converted recording; those of a checkpoint where it has some.
        omissions: the recording's, and those of the task.
    """

    recording: TwinRecording
    trials: TrialFolder
    statistics: TrainingStatistics | None = None
    omissions: tuple[Omission, ...] = ()

    @property
    def videos(self) -> dict[str, tuple[Video, ...]]:
        """The videos to score on, by kind, without too short ones; DataError where there are none."""
        return {kind: list_scored(of_kind) for kind, of_kind in self.recording.videos.items()}

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


def make_task(
    recording: TwinRecording,
    statistics: TrainingStatistics | None = None,
    config: TwinConfig = TwinConfig(),  # noqa: B008  frozen
) -> TwinTask:
    """The task without trials that show a video of another part (`neurokit.digital_twin.shared_frames`).

    Trials to fit give way to those that validate, and all give way to videos that are scored on. Trials
    without a clip of the config's length are left out, too. Raises DataError where nothing is left, and where
    nothing but one grey was shown in each trial to fit.
    """
    trials, shared = recording.training_data, recording.shared
    fitted = np.array([trial.training for trial in trials.trials])
    _check_some_left(trials, fitted, shared)
    _check_shown(trials, fitted)
    dropped = {"shown_in_two_parts": shared} | _find_clipless(trials, fitted, shared, config)
    names = np.array([trial.name for trial in trials.trials])
    omissions = [
        omission
        for rule, bad in dropped.items()
        for part, mask in (("training", fitted), ("validation", ~fitted))
        for omission in leave_out(bad[mask], names[mask], rule, "trials", part=part)
    ]
    bad = np.any([*dropped.values()], axis=0)
    if bad.any():
        kept = tuple(trial for trial, lost in zip(trials.trials, bad, strict=True) if not lost)
        trials = replace(trials, trials=kept)
    made = TwinTask(recording, trials, statistics, (*recording.omissions, *omissions))
    return replace(made, omissions=(*made.omissions, *_leave_out_of_scores(made)))


def _check_some_left(
    trials: TrialFolder, fitted: Bool[np.ndarray, "K"], shared: Bool[np.ndarray, "K"]
) -> None:
    for part, mask in (("training", fitted), ("validation", ~fitted)):
        if mask.any() and shared[mask].all():
            finding = f"All {mask.sum()} {part} trials in {trials.path} show videos of another part"
            raise DataError(f"{finding}: show some videos in one part alone.")


def _check_shown(trials: TrialFolder, fitted: Bool[np.ndarray, "K"]) -> None:
    shown = [trial.stimulus for trial in trials.part(True)]
    if shown and all(map(_is_blank, shown)):
        finding = f"Every video of the {fitted.sum()} trials to fit in {trials.path / 'stimuli'}"
        raise DataError(f"{finding} is one grey from beginning to end: write the frames that were shown.")


def _is_blank(stimulus: UInt8[np.ndarray, "T H W"]) -> bool:
    """Whether all pixels of all frames are the same; looks no further than the first that is not."""
    return all((frame == stimulus[0, 0, 0]).all() for frame in stimulus)


def _find_clipless(
    trials: TrialFolder, fitted: Bool[np.ndarray, "K"], shared: Bool[np.ndarray, "K"], config: TwinConfig
) -> dict[str, Bool[np.ndarray, "K"]]:
    """Trials without a clip, by rule; none of a part where all are, of which training says what to do."""
    lengths = np.array([len(trial.stimulus) for trial in trials.trials])
    clipless = np.array([not len(clip_starts(trial, config)) for trial in trials.trials]) & ~shared
    for part in (fitted, ~fitted):
        if (clipless | shared)[part].all():
            clipless &= ~part
    short = lengths < config.window
    return {"too_short": clipless & short, "not_recorded": clipless & ~short}


def _leave_out_of_scores(task: TwinTask) -> list[Omission]:
    """Videos without a scored frame, those that means over repeats leave out, and units that never change."""
    found: list[Omission] = []
    ids = task.unit_table["unit_id"].to_numpy()
    for kind, of_kind in task.recording.held_out.items():
        place, kept = video_places(task.recording.folder)[kind], list_scored(of_kind)
        if not kept:
            finding = f"All {len(of_kind)} videos in {place} end within their first {BURN_IN} frames"
            raise DataError(f"{finding}, which are not scored: show longer ones.")
        short = np.isin([video.name for video in of_kind], [video.name for video in kept], invert=True)
        found += leave_out(short, [video.name for video in of_kind], "too_short", "videos", part=kind)
        found += _shown_once(kind, kept)
        constant = find_constant(kept)
        if constant.all():
            finding = f"No unit in {place / 'units'} changes after the first {BURN_IN} frames of a video"
            raise DataError(f"{finding}: look at how they were written.")
        found += leave_out(constant, ids, "constant", "units", part=kind)
    return found


def list_scored(videos: Sequence[Video]) -> tuple[Video, ...]:
    """Those that go on after the frames that are not scored."""
    return tuple(video for video in videos if len(video.repeats[0].stimulus) > BURN_IN)


def _shown_once(kind: str, videos: Sequence[Video]) -> tuple[Omission, ...]:
    """Videos that scores of means over repeats leave out, where others were repeated."""
    once = np.array([len(video.repeats) < 2 for video in videos])
    if once.all():
        return ()
    return leave_out(once, [video.name for video in videos], "shown_once", "videos", part=kind)


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
