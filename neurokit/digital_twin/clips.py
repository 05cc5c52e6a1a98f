"""Clips: what is drawn from the trials of a recording in each step of training.

A clip is a stretch of frames of one trial, as long as the config's `window`. Every step draws trial and
stretch again, so there is no list of clips and nothing is in memory twice. Videos stay on disk, mapped; a
clip goes to the device as bytes.

Letters: T frames of a clip (30 Hz), B clips, H x W monitor pixels, U units.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32, Int, UInt8
from torch import Tensor

from neurokit.digital_twin.config import TwinConfig
from neurokit.digital_twin.recording import Trial
from neurokit.errors import DataError
from neurokit.training.checkpoint import fingerprint
from neurokit.training.device import to_device

STRIDE = 8  # pixels; of an hour of video at 144 x 256 this keeps 62 MB


@dataclass(frozen=True, eq=False)
class ClipBatch:
    """A batch of clips of one mouse.

    Attributes:
        mouse: whose they are.
        video: grey values, 0 to 255.
        pupil: x and y, z-scored; 0 in gaps.
        behaviour: pupil radius and treadmill speed, z-scored; 0 in gaps.
        responses: activity in multiples of each unit's mean.
        stream: the stream to train; None for all.
        generator: draws the network's noise.
    """

    mouse: str
    video: UInt8[Tensor, "T B H W"]
    pupil: Float32[Tensor, "T B 2"]
    behaviour: Float32[Tensor, "T B 2"]
    responses: Float32[Tensor, "T B U"]
    stream: int | None
    generator: torch.Generator


class MouseClips:
    """The trials of one mouse from which clips are drawn.

    Raises DataError where no trial has a clip of that length, or none without gaps.
    """

    def __init__(
        self, mouse: str, trials: Sequence[Trial], config: TwinConfig, device: torch.device | str = "cpu"
    ) -> None:
        self.mouse, self.length, self.device = mouse, config.window, torch.device(device)
        starts = [clip_starts(trial, config) for trial in trials]
        chosen = [number for number, first in enumerate(starts) if len(first)]
        self.trials, self.starts = [trials[n] for n in chosen], [starts[n] for n in chosen]
        if not chosen:
            raise DataError(_explain_none(mouse, trials, config))

    def draw(self, size: int, generator: torch.Generator, stream: int | None = None) -> ClipBatch:
        """Clips of trials drawn with replacement."""
        found = [self._draw_clip(generator) for _ in range(size)]
        video, pupil, behaviour, responses = (
            to_device(torch.from_numpy(np.stack(part, axis=1)), self.device)
            for part in zip(*found, strict=True)
        )
        return ClipBatch(self.mouse, video, pupil, behaviour, responses, stream, generator)

    def _draw_clip(self, generator: torch.Generator) -> tuple[np.ndarray, ...]:
        trial = _draw(len(self.trials), generator)
        start = self.starts[trial][_draw(len(self.starts[trial]), generator)]
        return cut(self.trials[trial], slice(start, start + self.length))

    def fingerprint(self) -> str:
        """Which trials these are; see `trials_fingerprint`."""
        return trials_fingerprint(self.trials, self.mouse)


class Cohort:
    """Clips of all mice that are trained together: what `fit` trains on.

    In each step every mouse gives one batch and draws a stream of its own. A mouse's draws depend only on its
    number among `world` mice, on the epoch and on the seed, so they are the same whether all mice are trained
    in one process or each in its own; `rank` is the number of the first mouse here. `frozen` is a fingerprint
    of the parts that are not trained: a run resumes only with the same ones.
    """

    def __init__(
        self,
        mice: Sequence[MouseClips],
        config: TwinConfig,
        *,
        rank: int = 0,
        world: int | None = None,
        frozen: str = "",
    ) -> None:
        if not mice:
            raise DataError("There is no mouse to train on; give the clips of at least one.")
        self.mice, self.config, self.device = list(mice), config, mice[0].device
        self.rank, self.world, self.frozen = rank, world or len(mice), frozen

    def fingerprint(self) -> str:
        """Which clips of which mice, by which config, for which frozen parts."""
        facts = [self.config.digest(), f"{self.rank} of {self.world}", self.frozen]
        return fingerprint(np.array([*facts, *(mouse.fingerprint() for mouse in self.mice)]))

    def steps(self, size: int, generator: torch.Generator, epoch: int) -> Iterator[list[ClipBatch]]:
        """One epoch; only the seed of `generator` is used."""
        drawing = self._generators(generator.initial_seed(), epoch)
        streams = self.config.network.streams
        for _ in range(self.config.batches):
            yield [
                mouse.draw(size, source, _draw(streams, source))
                for mouse, source in zip(self.mice, drawing, strict=True)
            ]

    def _generators(self, seed: int, epoch: int) -> list[torch.Generator]:
        numbers = range(self.rank, self.rank + len(self.mice))
        seeds = [epoch_seed(number, self.world, epoch, seed) for number in numbers]
        return [torch.Generator().manual_seed(value) for value in seeds]


def epoch_seed(rank: int, world: int, epoch: int, base: int) -> int:
    """The seed of mouse number `rank` of `world` in one epoch: no two of a run are the same.

    Epochs count through all cycles. Every draw of an epoch starts from its seed.
    """
    return rank + world * epoch + base


def draw_once(mice: Mapping[str, MouseClips], config: TwinConfig, seed: int) -> list[ClipBatch]:
    """The same clips whenever it is called with one seed, all streams: what validation measures on.

    A mouse's clips do not depend on which other mice there are.
    """
    sources = [torch.Generator().manual_seed(seed) for _ in mice]
    return [
        mouse.draw(config.batch, source)
        for mouse, source in zip(mice.values(), sources, strict=True)
        for _ in range(config.validation_batches)
    ]


def cut(
    trial: Trial, frames: slice
) -> tuple[
    UInt8[np.ndarray, "T H W"],
    Float32[np.ndarray, "T 2"],
    Float32[np.ndarray, "T 2"],
    Float32[np.ndarray, "T U"],
]:
    """Video, pupil, behaviour and responses of some frames; gaps in behaviour become 0, which is the mean."""
    pupil, behaviour = (np.nan_to_num(part[frames]) for part in (trial.perspective, trial.modulation))
    return np.asarray(trial.stimulus[frames]), pupil, behaviour, np.asarray(trial.units[frames])


def trials_fingerprint(trials: Sequence[Trial], mouse: str = "") -> str:
    """Which trials: name and purpose, pixels of every frame, behaviour and units, as in the files.

    Of each frame every STRIDE-th row and column count. Means of units do not, since sums round differently on
    other machines.
    """
    names = np.array([mouse, *(f"{trial.name} {trial.training}" for trial in trials)])
    parts = [
        part
        for trial in trials
        for part in (
            np.array(trial.stimulus[:, ::STRIDE, ::STRIDE]),
            trial.perspective,
            trial.modulation,
            trial.units,
        )
    ]
    return fingerprint(names, *parts)


def clip_starts(trial: Trial, config: TwinConfig) -> Int[np.ndarray, "n"]:
    """The frames at which a clip may begin; none in a trial that is too short, or has gaps everywhere."""
    starts = np.arange(max(0, len(trial.stimulus) - config.window + 1))
    if config.gaps == "mean" or not len(starts):
        return starts
    gaps = np.isnan(trial.perspective).any(axis=1) | np.isnan(trial.modulation).any(axis=1)
    before = np.concatenate([[0], np.cumsum(gaps)])
    return starts[before[starts + config.window] == before[starts]]


def _draw(number: int, generator: torch.Generator) -> int:
    return int(torch.randint(number, (), generator=generator))


def _explain_none(mouse: str, trials: Sequence[Trial], config: TwinConfig) -> str:
    longest = max((len(trial.stimulus) for trial in trials), default=0)
    if longest < config.window:
        return (
            f"{mouse} has {len(trials)} trials of {longest} frames at most, and a clip has {config.window}: "
            "set a smaller window, or give longer trials."
        )
    return (
        f"Every clip of {config.window} frames of {mouse} has a gap in behaviour (NaN): set gaps='mean', or "
        "a smaller window."
    )
