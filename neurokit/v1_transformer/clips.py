"""Clips: the frames before a moment, how fast the mouse ran, and what the neurons did then.

Neighbouring clips share most of their frames, and all repeats share all of them, so none is ever stored:
the movie lies on the device once, as the bytes it comes in. A batch is some end frames and some repeats;
it holds the distinct frames of its clips once, so that a model describes each of them once. Frames, running
and responses are read on scales that come from training frames alone.

Letters: R repeats, F frames of the movie, H x W pixels, N neurons, E end frames, T frames of a clip,
U distinct frames of a batch, C frames of each moment, f frames of several clips, g training frames;
A, B, D end frames of the parts.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from neurokit.errors import CheckpointError, DataError
from neurokit.training.checkpoint import fingerprint
from neurokit.training.device import to_device

PARTS = ("train", "validation", "test")
STRETCH = 8  # end frames that a training batch takes in a row: they share their frames
REPEATS = 2  # repeats of an end frame in a training batch
RUNNING_LIMIT = 5.0  # standard deviations; faster running counts as that


@dataclass(frozen=True)
class MovieSplit:
    """The end frames of each part's clips: ascending, disjoint, the same for all repeats."""

    train: Int[np.ndarray, "A"]
    validation: Int[np.ndarray, "B"]
    test: Int[np.ndarray, "D"]


def clip_frames(ends: Int[np.ndarray, "E"], length: int, stride: int = 1) -> Int[np.ndarray, "f"]:
    """All frames that clips of `length` frames, `stride` apart, show; ascending, each once."""
    return np.unique(ends[:, None] - stride * np.arange(length))


@dataclass(frozen=True, eq=False)
class MovieScales:
    """Mean and standard deviation over training frames: of all pixels, of running, of each neuron.

    What never varies has a standard deviation of 1. Without running its two numbers are NaN.
    """

    frame_mean: float
    frame_sd: float
    running_mean: float
    running_sd: float
    response_mean: Float[np.ndarray, "N"]
    response_sd: Float[np.ndarray, "N"]

    def responses(self, values: Float[np.ndarray, "R F N"]) -> Float[np.ndarray, "R F N"]:
        """Z-scored per neuron, float32. Raises DataError for other neurons."""
        if values.shape[-1] != len(self.response_mean):
            raise DataError(
                f"responses has {values.shape[-1]} neurons, the scales {len(self.response_mean)}; give the "
                "neurons that the scales were fitted on, in that order."
            )
        return ((values - self.response_mean) / self.response_sd).astype(np.float32, order="C")

    def running(self, values: Float[np.ndarray, "R F"]) -> Float[np.ndarray, "R F 2"]:
        """Z-scored and limited speed, or 0, and 1 where it was measured, or 0; float32.

        Raises DataError where the scales were fitted without running.
        """
        if np.isnan(self.running_mean):
            raise DataError("The scales were fitted without running; leave it out, or fit them with it.")
        measured = np.isfinite(values)
        scaled = np.clip((values - self.running_mean) / self.running_sd, -RUNNING_LIMIT, RUNNING_LIMIT)
        return np.stack([np.where(measured, scaled, 0), measured], axis=-1).astype(np.float32)

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything by name, as a checkpoint keeps it."""
        return {name: np.asarray(value) for name, value in vars(self).items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "MovieScales":
        """Back from `arrays`; raises CheckpointError where one is missing or too many."""
        names = [each.name for each in fields(cls)]
        if set(names) != set(arrays):
            found = ", ".join(sorted(arrays)) or "nothing"
            raise CheckpointError(
                f"The checkpoint holds {found} in place of {', '.join(names)}: train the model again."
            )
        values: dict[str, Any] = {name: v if v.ndim else float(v) for name, v in arrays.items()}
        return cls(**values)


def fit_scales(
    frames: UInt8[np.ndarray, "F H W"] | Float[np.ndarray, "F H W"],
    responses: Float[np.ndarray, "R F N"],
    running: Float[np.ndarray, "R F"] | None,
    shown: Int[np.ndarray, "f"],
    answered: Int[np.ndarray, "g"],
) -> MovieScales:
    """The scales of pixels and running in the training frames `shown`, and of responses in those `answered`.

    All repeats count. Raises DataError for a neuron that never varies, and for running that was never
    measured.
    """
    known = responses[:, answered].astype(np.float64)
    flat = known.min(axis=(0, 1)) == known.max(axis=(0, 1))  # a standard deviation would be rounding
    if flat.any():
        raise DataError(f"Neurons {name_some(flat)} never vary in the training frames; leave them out.")
    pixels, speeds = _measure_pixels(frames, shown), _measure_running(running, shown)
    return MovieScales(*pixels, *speeds, known.mean(axis=(0, 1)), known.std(axis=(0, 1)))


def name_some(which: Bool[np.ndarray, "N"]) -> str:
    """The indices that are true, as a sentence names them: five, and how many more."""
    found = [str(index) for index in np.flatnonzero(which)]
    return ", ".join(found[:5]) + (f" and {len(found) - 5} more" if len(found) > 5 else "")


def _measure_pixels(frames: np.ndarray, training: Int[np.ndarray, "f"]) -> tuple[float, float]:
    """Frame by frame, so that the movie is never there as floats."""
    means = np.array([frames[frame].mean(dtype=np.float64) for frame in training])
    variances = np.array([frames[frame].var(dtype=np.float64) for frame in training])
    return float(means.mean()), _root_or_one(variances.mean() + means.var())


def _measure_running(running: np.ndarray | None, training: Int[np.ndarray, "f"]) -> tuple[float, float]:
    if running is None:
        return float("nan"), float("nan")
    known = running[:, training]
    known = known[np.isfinite(known)].astype(np.float64)
    if not known.size:
        raise DataError("running was never measured in the training frames; leave it out (running=None).")
    return float(known.mean()), _root_or_one(known.var())


def _root_or_one(variance: float) -> float:
    return float(np.sqrt(variance)) if variance > 0 else 1.0


@dataclass(frozen=True)
class ClipBatch:
    """The clips of some end frames in some repeats, everything on its training scale.

    Attributes:
        frames: the distinct frames, standardised, each with the C - 1 before it, oldest first.
        shown: which of them each clip shows, oldest first; the same in all repeats.
        running: z-scored speed, 0 where it was not measured, and whether it was (1 or 0); None where there
            is none.
        responses: those after the end frame (R E N), or after each frame (R E T N).
    """

    frames: Float[Tensor, "U C H W"]
    shown: Int[Tensor, "E T"]
    running: Float[Tensor, "R E T 2"] | None
    responses: Float[Tensor, "R E N"] | Float[Tensor, "R E T N"]


class Clips:
    """A movie, all its repeats, ready for a model: what `fit` trains on.

    `responses` and `running` are those of `frame_responses` and `frame_running`, R F N and R F. A clip has
    `length` frames, `stride` apart, of which the end frame is the last; each comes together with `before`
    earlier ones, `stride` apart as well, since motion is seen in several frames only. With `per_frame` a
    batch has a response for each frame of a clip. `scales` fitted before (another session of the same
    neurons) are used as they are.

    Beside responses and one batch, the movie's bytes are all that is held: 42 MB for the 3,600 frames of
    movie three at 76 x 152 pixels, 665 MB at 304 x 608. A training batch of 64 end frames, 16 moments of
    four frames each, takes 40 MB at most at 76 x 152. Raises DataError for arrays that do not fit each
    other or the split, for neurons that never vary or have no response while a clip needs it, and for
    running that was never measured.
    """

    def __init__(
        self,
        frames: UInt8[np.ndarray, "F H W"] | Float[np.ndarray, "F H W"],
        responses: Float[np.ndarray, "R _ N"],
        split: MovieSplit,
        *,
        running: Float[np.ndarray, "_ _"] | None = None,
        length: int = 16,
        stride: int = 1,
        before: int = 0,
        per_frame: bool = False,
        scales: MovieScales | None = None,
    ) -> None:
        self.split, self.per_frame = split, per_frame
        self.length, self.stride, self.before = length, stride, before
        _check_arrays(frames, responses, running, split, self.span)
        self._check_responses(responses)
        self.scales = self._fit_scales(frames, responses, running) if scales is None else scales
        self.frames = torch.from_numpy(frames)
        self.responses = torch.from_numpy(self.scales.responses(responses))
        self.running = None if running is None else torch.from_numpy(self.scales.running(running))
        self.device = torch.device("cpu")

    @property
    def span(self) -> int:
        """Frames from the first that a clip shows to its end frame, both counted."""
        return (self.length + self.before - 1) * self.stride + 1

    def to(self, device: torch.device | str) -> "Clips":
        """Moves movie, running and responses to the device and returns itself."""
        self.device = torch.device(device)
        self.frames, self.responses = self.frames.to(device), self.responses.to(device)
        self.running = None if self.running is None else self.running.to(device)
        return self

    def ends(self, part: str) -> Int[np.ndarray, "E"]:
        """The end frames of a part, ascending; DataError for another word."""
        if part not in PARTS:
            raise DataError(f"{part!r} is not a part: choose one of {', '.join(PARTS)}.")
        return getattr(self.split, part)

    def check_ends(self, ends: Int[Tensor, "E"]) -> None:
        """Raises DataError for an end frame whose clip would begin before the movie, or after its end."""
        least, frames = self.span - 1, len(self.frames)
        wrong = ends[(ends < least) | (ends >= frames)]
        if len(wrong):
            raise DataError(
                f"No clip can end at frame {int(wrong[0])}: it spans {self.span} frames of a movie of "
                f"{frames}; give end frames from {least} to {frames - 1}."
            )

    def fingerprint(self) -> str:
        """Which movie, responses, running, split and scales these are."""
        held = [t.cpu().numpy() for t in (self.frames, self.responses, self.running) if t is not None]
        ends = [self.ends(part) for part in PARTS]
        shape = np.array([self.length, self.stride, self.before, self.per_frame])
        return fingerprint(shape, *held, *ends, *self.scales.arrays().values())

    def steps(self, size: int, generator: torch.Generator, epoch: int = 0) -> Iterator[list[ClipBatch]]:
        """One epoch: every training end frame once, each batch of `size` in REPEATS repeats by chance.

        STRETCH end frames that lie `stride` apart come together, since they share most of their frames.
        """
        ends = self._order_stretches(torch.from_numpy(self.ends("train")), generator)
        for chosen in ends.split(size):
            repeats = torch.randperm(len(self.responses), generator=generator)[:REPEATS]
            yield [self.batch(repeats, chosen)]

    def batches(self, part: str, size: int) -> Iterator[ClipBatch]:
        """All repeats of a part, in the movie's order, `size` end frames at a time."""
        repeats = torch.arange(len(self.responses))
        for chosen in torch.from_numpy(self.ends(part)).split(size):
            yield self.batch(repeats, chosen)

    def batch(self, repeats: Int[Tensor, "R"], ends: Int[Tensor, "E"]) -> ClipBatch:
        """The clips that end at these frames, in each of these repeats.

        Raises DataError for an end frame whose clip would begin before the movie, or after its end.
        """
        self.check_ends(ends)
        ago, before = (torch.arange(n, -1, -1) * self.stride for n in (self.length - 1, self.before))
        distinct, shown = torch.unique(ends[:, None] - ago, return_inverse=True)  # U; E T
        every = (distinct, shown, repeats, ends, before)
        distinct, shown, repeats, ends, before = (to_device(indices, self.device) for indices in every)
        frames = self.frames[distinct[:, None] - before].float()  # U C H W
        frames = frames.sub_(self.scales.frame_mean).div_(self.scales.frame_sd)
        where = repeats[:, None, None], distinct[shown]  # R E T
        running = None if self.running is None else self.running[where]
        responses = self.responses[where if self.per_frame else (repeats[:, None], ends)]
        return ClipBatch(frames, shown, running, responses)

    def _answered_frames(self, ends: Int[np.ndarray, "E"]) -> Int[np.ndarray, "f"]:
        """The frames whose responses a model is to predict for these ends."""
        return clip_frames(ends, self.length, self.stride) if self.per_frame else ends

    def _fit_scales(
        self, frames: np.ndarray, responses: np.ndarray, running: np.ndarray | None
    ) -> MovieScales:
        shown = clip_frames(self.split.train, self.length + self.before, self.stride)
        return fit_scales(frames, responses, running, shown, self._answered_frames(self.split.train))

    def _check_responses(self, responses: np.ndarray) -> None:
        ends = np.concatenate([self.ends(part) for part in PARTS])
        silent = ~np.isfinite(responses[:, self._answered_frames(ends)]).all(axis=(0, 1))
        if silent.any():
            raise DataError(
                f"Neurons {name_some(silent)} have no response (NaN) for frames of the split; leave them "
                "out, or end the split before the recording ends."
            )

    def _order_stretches(self, ends: Int[Tensor, "E"], generator: torch.Generator) -> Int[Tensor, "E"]:
        """All ends, stretch after stretch, cut at random places and in random order."""
        reach = self.stride * STRETCH
        moved = ends + torch.randint(reach, (), generator=generator)
        stretch = moved // reach * self.stride + moved % self.stride
        _, stretch = torch.unique(stretch, return_inverse=True)
        order = torch.randperm(int(stretch.max()) + 1, generator=generator)
        return ends[torch.argsort(order[stretch], stable=True)]


def _check_arrays(
    frames: np.ndarray, responses: np.ndarray, running: np.ndarray | None, split: MovieSplit, span: int
) -> None:
    given = {"responses": responses.shape[:2]} | ({} if running is None else {"running": running.shape})
    for name, shape in given.items():
        if shape != (len(responses), len(frames)):
            raise DataError(
                f"{name} has {shape[0]} repeats of {shape[1]} frames, the movie {len(frames)} frames and the "
                f"responses {len(responses)} repeats; give one value for each frame of each repeat."
            )
    ends = np.concatenate([split.train, split.validation, split.test])
    if len(split.train) == 0 or ends.min() < span - 1 or ends.max() >= len(frames):
        raise DataError(
            f"The split is not one of {len(frames)} frames into clips that span {span}; make it with "
            "split_movie for this movie and span."
        )
