"""Most exciting videos: what a twin's unit would like best to see, in space and time.

Gradient ascent on all pixels of a short video at a fixed contrast, as for images
(`neurokit.insilico.most_exciting`; Walker et al., Nature Neuroscience 22, 2060-2065, 2019).

Letters: K units chosen, one video each, T frames (30 Hz), H x W monitor pixels, U units, S steps (S1: S + 1).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import SupportsIndex

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn

from neurokit.config import Seed, check_value
from neurokit.digital_twin.twin import DigitalTwin
from neurokit.errors import DataError
from neurokit.insilico.most_exciting import blur, check_neurons
from neurokit.progress import progress
from neurokit.simulation.movies import GREY
from neurokit.training.device import first_tensor
from neurokit.training.predict import evaluating


class OfPixels(nn.Module):
    """A twin as a differentiable function of the pixels alone; its behaviour is held.

    `perspective` (pupil x and y) and `modulation` (pupil radius, treadmill) are in standard deviations, and
    0 where they are left out. The network is shared, not copied.
    """

    perspective: Float[Tensor, "2"]
    modulation: Float[Tensor, "2"]

    def __init__(
        self,
        twin: DigitalTwin,
        perspective: Float[Tensor, "2"] | None = None,
        modulation: Float[Tensor, "2"] | None = None,
    ) -> None:
        super().__init__()
        self.network, self.periphery = twin.network, twin.periphery
        self.training = twin.network.training
        for name, value in (("perspective", perspective), ("modulation", modulation)):
            held = torch.zeros(2) if value is None else value.detach()
            self.register_buffer(name, held.to(first_tensor(twin.network)), persistent=False)

    def forward(self, pixels: Float[Tensor, "K T H W"]) -> Float[Tensor, "K T U"]:
        """Responses to each video (0 black, 1 white) from its first frame on."""
        frames = pixels.transpose(0, 1)[:, :, None]
        pupil, behaviour = (v.expand(*frames.shape[:2], 2) for v in (self.perspective, self.modulation))
        sequence = self.network.begin(len(pixels), periphery=self.periphery)
        drive = self.network.drive(frames, pupil, behaviour, sequence)
        return self.network.unit.rate(drive).transpose(0, 1)


@dataclass(frozen=True, eq=False)
class ExcitingVideos:
    """One video for each unit.

    Attributes:
        videos: pixels from 0 (black) to 1 (white).
        responses: of each unit to its own video, mean over the frames that counted.
        history: the responses before the first step and after each.
    """

    videos: Float[Tensor, "K T H W"]
    responses: Float[Tensor, "K"]
    history: Float[Tensor, "S1 K"]

    @property
    def stimulus(self) -> UInt8[np.ndarray, "T K H W 1"]:
        """The videos as an animal is shown them, all at once."""
        grey_values = (255 * self.videos).round().to(torch.uint8)
        return grey_values.transpose(0, 1)[..., None].numpy()


def most_exciting_videos(
    model: nn.Module,
    units: Sequence[int],
    *,
    shape: tuple[int, int, int] = (30, 36, 64),
    counted: int = 10,
    contrast: float = 0.05,
    steps: int = 50,
    step_size: float = 0.2,
    smoothing: float = 1.0,
    seed: SupportsIndex = 0,
    batch_size: int = 8,
    show_progress: bool = True,
) -> ExcitingVideos:
    """Climbs from the same noise (`seed`) around grey for every unit, several at once.

    `model` turns pixels K T H W into responses K T U (`OfPixels`), and the mean over the last `counted`
    frames of `shape` is what grows. `contrast` is the root mean square of a pixel's distance from grey over
    the video, so 0.05 may also be 0.5 in a hundredth of it; where pixels would be darker than black or
    lighter than white they are cut off, and the contrast is lower. A step is `step_size` of the contrast
    and shrinks to nothing; its direction is the gradient under a Gaussian of `smoothing` pixels in each
    frame.
    Raises DataError for a unit that the model lacks, or for more frames counted than there are.
    """
    if not 1 <= counted <= shape[0]:
        raise DataError(f"counted is {counted}; use 1 to {shape[0]}, the frames of the video.")
    norm = contrast * float(np.sqrt(np.prod(shape)))
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(check_value("seed", seed, Seed)))
    start = _bounded(noise.to(first_tensor(model))[None], norm)
    climb = _Climb(model, counted, norm, smoothing)
    lengths = [step_size * norm * (1 - step / steps) for step in range(steps)]
    with evaluating(model), torch.enable_grad():
        parts = check_neurons(units, model(start + GREY / 255).detach()[:, -1]).split(batch_size)
        climbed = [climb.up(start, part, lengths, show_progress) for part in parts]
    videos = torch.cat([videos for videos, _ in climbed])
    history = torch.cat([history for _, history in climbed], dim=1)
    return ExcitingVideos(videos, history[-1], history)


@dataclass(frozen=True, eq=False)
class _Climb:
    """What does not change on the way up."""

    model: nn.Module
    counted: int
    norm: float
    smoothing: float

    def up(
        self,
        start: Float[Tensor, "1 T H W"],
        units: Int[Tensor, "K"],
        lengths: list[float],
        show_progress: bool,
    ) -> tuple[Float[Tensor, "K T H W"], Float[Tensor, "S1 K"]]:
        """Videos after steps of these lengths, and the responses before each step and after the last."""
        patterns, history = start.expand(len(units), -1, -1, -1), []
        for length in progress(lengths, desc="most exciting videos", disable=not show_progress):
            responses, direction = self._uphill(patterns, units)
            patterns = _bounded(patterns + length * direction, self.norm)
            history.append(responses)
        with torch.no_grad():
            history.append(self._responses(patterns, units))
        return (patterns + GREY / 255).cpu(), torch.stack(history).cpu()

    def _responses(self, patterns: Float[Tensor, "K T H W"], units: Int[Tensor, "K"]) -> Float[Tensor, "K"]:
        late = self.model(patterns + GREY / 255)[:, -self.counted :].mean(dim=1)  # K U
        return late.gather(1, units[:, None])[:, 0]

    def _uphill(
        self, patterns: Float[Tensor, "K T H W"], units: Int[Tensor, "K"]
    ) -> tuple[Float[Tensor, "K"], Float[Tensor, "K T H W"]]:
        """Each unit's response to its video, and the direction of length 1 in which it grows."""
        patterns = patterns.detach().requires_grad_()
        responses = self._responses(patterns, units)
        (gradient,) = torch.autograd.grad(responses.sum(), patterns)  # a video moves its own unit alone
        smooth = blur(gradient.flatten(0, 1), self.smoothing).unflatten(0, gradient.shape[:2])
        return responses.detach(), _scaled(smooth, 1.0)


def _bounded(patterns: Float[Tensor, "K T H W"], norm: float) -> Float[Tensor, "K T H W"]:
    """The same patterns with that L2 norm, cut off where grey and pattern leave black and white."""
    return _scaled(patterns, norm).clamp(-GREY / 255, 1 - GREY / 255)


def _scaled(patterns: Float[Tensor, "K T H W"], norm: float) -> Float[Tensor, "K T H W"]:
    """The same patterns with that L2 norm; zeros stay zeros."""
    return norm * patterns / patterns.flatten(1).norm(dim=1).clamp_min(1e-12)[:, None, None, None]
