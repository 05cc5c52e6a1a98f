"""Snippets: the frames before a moment, how fast the mouse ran, and what the neurons did then.

Neighbouring snippets share all frames but one, so none is ever stored: the movie lies on the device once,
as the bytes it comes in, and a batch picks its frames out of it. Scales come from training frames alone.

Letters: S samples of the two-photon clock (about 30 Hz), R repeats, F frames of the movie, H x W pixels,
N neurons, B snippets of a batch, T frames of a snippet, E end frames of a part.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn

from neurokit.checkpoint import fingerprint
from neurokit.errors import DataError
from neurokit.features.movie_scales import MovieScales, fit_scales, some
from neurokit.features.movie_split import MovieSplit, snippet_frames
from neurokit.predict import evaluating

PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class SnippetBatch:
    """Some snippets, everything on its training scale.

    `running` is the z-scored speed, 0 where it was not measured, and whether it was (1 or 0); None where
    there is none. `responses` are those after the end frame (B N) or after each frame (B T N).
    """

    frames: Float[Tensor, "B T H W"]
    running: Float[Tensor, "B T 2"] | None
    responses: Float[Tensor, "B N"] | Float[Tensor, "B T N"]


class Snippets:
    """One movie, all its repeats, ready for a model: what `fit` trains on.

    `responses` and `running` are those of `frame_responses` and `frame_running`, R F N and R F. With
    `per_frame` a batch has a response for each frame of a snippet. `scales` fitted before (another session
    of the same neurons) are used as they are.

    Beside responses and one batch, the movie's bytes are all that is held: 42 MB for the 3,600 frames of
    movie three at 76 x 152 pixels, 665 MB at 304 x 608. Raises DataError for arrays that do not fit each
    other or the split, for neurons that never vary or have no response while a snippet needs it, and for
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
        per_frame: bool = False,
        scales: MovieScales | None = None,
    ) -> None:
        _check(frames, responses, running, split, length)
        self.split, self.length, self.per_frame = split, length, per_frame
        seen = snippet_frames(split.train, length)
        self.scales = fit_scales(frames, responses, running, seen) if scales is None else scales
        self.frames = torch.from_numpy(frames)
        self.responses = torch.from_numpy(self.scales.responses(responses))
        self.running = None if running is None else torch.from_numpy(self.scales.running(running))
        self.device = torch.device("cpu")

    def to(self, device: torch.device | str) -> "Snippets":
        """Moves movie, running and responses to the device and returns itself."""
        self.device = torch.device(device)
        self.frames, self.responses = self.frames.to(device), self.responses.to(device)
        self.running = None if self.running is None else self.running.to(device)
        return self

    def ends(self, part: str) -> Int[np.ndarray, "E"]:
        """The end frames of a part, ascending; DataError for another word."""
        if part not in PARTS:
            raise DataError(f"{part!r} is no part: choose one of {', '.join(PARTS)}.")
        return getattr(self.split, part)

    def fingerprint(self) -> str:
        """Which movie, responses, running, split and scales these are."""
        held = [t.cpu().numpy() for t in (self.frames, self.responses, self.running) if t is not None]
        ends = [self.ends(part) for part in PARTS]
        shape = np.array([self.length, self.per_frame])
        return fingerprint(shape, *held, *ends, *self.scales.arrays().values())

    def steps(self, size: int, generator: torch.Generator) -> Iterator[list[SnippetBatch]]:
        """One epoch: all training snippets of all repeats in a new order, a batch for each step."""
        return ([batch] for batch in self.batches("train", size, generator))

    def batches(
        self, part: str, size: int, generator: torch.Generator | None = None
    ) -> Iterator[SnippetBatch]:
        """Batches of `size` snippets (the last may be smaller), shuffled where a generator is given.

        Else repeat by repeat, each in the movie's order, so that all rows together are R x E.
        """
        ends = torch.from_numpy(self.ends(part))
        rows = len(self.responses) * len(ends)
        order = torch.arange(rows) if generator is None else torch.randperm(rows, generator=generator)
        for chosen in order.split(size):
            yield self.batch(chosen // len(ends), ends[chosen % len(ends)])

    def batch(self, repeats: Int[Tensor, "B"], ends: Int[Tensor, "B"]) -> SnippetBatch:
        """The snippets that end at these frames of these repeats."""
        repeats, ends = repeats.to(self.device)[:, None], ends.to(self.device)[:, None]
        shown = ends - torch.arange(self.length - 1, -1, -1, device=self.device)  # B T
        frames = self.frames[shown].float()  # B T H W
        frames = frames.sub_(self.scales.frame_mean).div_(self.scales.frame_sd)
        running = None if self.running is None else self.running[repeats, shown]  # B T 2
        responses = self.responses[repeats, shown] if self.per_frame else self.responses[repeats, ends][:, 0]
        return SnippetBatch(frames, running, responses)


class PartLoss:
    """The loss on a part that is not trained on, for `fit` to choose the best weights by."""

    def __init__(
        self,
        snippets: Snippets,
        loss: Callable[[nn.Module, SnippetBatch], tuple[Tensor, Tensor]],
        part: str = "validation",
        size: int = 256,
    ) -> None:
        self.snippets, self.loss, self.part, self.size = snippets, loss, part, size

    def fingerprint(self) -> str:
        """Which snippets."""
        return self.snippets.fingerprint() + self.part

    def __call__(self, model: nn.Module) -> float:
        """The loss per number, measured in evaluation mode."""
        with evaluating(model), torch.no_grad():
            batches = self.snippets.batches(self.part, self.size)
            parts = [torch.stack(self.loss(model, batch)) for batch in batches]
        total, number = torch.stack(parts).sum(dim=0)
        return float(total / number)


def _check(
    frames: np.ndarray, responses: np.ndarray, running: np.ndarray | None, split: MovieSplit, length: int
) -> None:
    given = {"responses": responses.shape[:2]} | ({} if running is None else {"running": running.shape})
    for name, shape in given.items():
        if shape != (len(responses), len(frames)):
            raise DataError(
                f"{name} has {shape[0]} repeats of {shape[1]} frames, the movie {len(frames)} frames and the "
                f"responses {len(responses)} repeats; give one value for each frame of each repeat."
            )
    ends = np.concatenate([split.train, split.validation, split.test])
    if len(split.train) == 0 or ends.min() < length - 1 or ends.max() >= len(frames):
        raise DataError(
            f"The split is not one of {len(frames)} frames into snippets of {length}; make it with "
            "split_movie for this movie and length."
        )
    silent = ~np.isfinite(responses[:, snippet_frames(ends, length)]).all(axis=(0, 1))
    if silent.any():
        raise DataError(
            f"Neurons {some(silent)} have no response (NaN) for frames of the split; leave them out, or end "
            "the split before the recording ends."
        )
