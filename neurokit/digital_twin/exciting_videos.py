"""Most exciting videos: those to which a unit of a twin responds most, in space and time.

Gradient ascent on all pixels of a short video at a fixed contrast, as for images
(`neurokit.insilico.most_exciting`; Walker et al., Nature Neuroscience 22, 2060-2065, 2019).

Letters: K units chosen, one video each, T frames (30 Hz), H x W monitor pixels, U units, S steps (S1: S + 1).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import SupportsIndex

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn

from neurokit.config import Seed, check_value
from neurokit.digital_twin.twin import DigitalTwin
from neurokit.errors import DataError
from neurokit.insilico.most_exciting import check_neurons, climb, scale
from neurokit.simulation.movies import GREY
from neurokit.training.device import first_tensor
from neurokit.training.predict import evaluating


class OfPixels(nn.Module):
    """A twin as a differentiable function of the pixels alone; its behaviour is constant.

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
            constant = torch.zeros(2) if value is None else value.detach()
            self.register_buffer(name, constant.to(first_tensor(twin.network)), persistent=False)

    def forward(self, pixels: Float[Tensor, "K T H W"]) -> Float[Tensor, "K T U"]:
        """Responses to each video (0 black, 1 white) from its first frame on."""
        frames = pixels.transpose(0, 1)[:, :, None]
        pupil, behaviour = (v.expand(*frames.shape[:2], 2) for v in (self.perspective, self.modulation))
        clip = self.network.begin(len(pixels), periphery=self.periphery)
        drive = self.network.drive(frames, pupil, behaviour, clip)
        return self.network.unit.rate(drive).transpose(0, 1)


@dataclass(frozen=True, eq=False)
class ExcitingVideos:
    """One video for each unit.

    Attributes:
        videos: pixels from 0 (black) to 1 (white).
        responses: of each unit to its own video, mean over the last frames.
        history: the responses before the first step and after each.
    """

    videos: Float[Tensor, "K T H W"]
    responses: Float[Tensor, "K"]
    history: Float[Tensor, "S1 K"]

    @property
    def stimulus(self) -> UInt8[np.ndarray, "T K H W 1"]:
        """The videos as stimulus of a twin, all at once."""
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

    `model` turns pixels K T H W into responses K T U (`OfPixels`), and their mean over the last `counted`
    frames of `shape` grows. `contrast` is the root mean square of a pixel's distance from grey over the
    video, so 0.05 may also be 0.5 in a hundredth of it; pixels that would be darker than black or lighter
    than white are cut off, and the contrast is lower. The first step is `step_size` of the contrast, and
    steps shrink to zero; their direction is the gradient under a Gaussian of `smoothing` pixels in each
    frame. Raises DataError for a unit that the model lacks, or for more frames counted than there are.
    """
    if not 1 <= counted <= shape[0]:
        raise DataError(f"counted is {counted}; use 1 to {shape[0]}, the frames of the video.")
    norm = contrast * float(np.sqrt(np.prod(shape)))
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(check_value("seed", seed, Seed)))
    start = _bound(noise.to(first_tensor(model))[None], norm)
    lengths = [step_size * norm * (1 - step / steps) for step in range(steps)]

    def responses(patterns: Float[Tensor, "K T H W"], part: Int[Tensor, "K"]) -> Float[Tensor, "K"]:
        late = model(patterns + GREY / 255)[:, -counted:].mean(dim=1)  # K U
        return late.gather(1, part[:, None])[:, 0]

    with evaluating(model), torch.enable_grad():
        parts = check_neurons(units, model(start + GREY / 255).detach()[:, -1]).split(batch_size)
        found = [
            climb(
                partial(responses, part=part),
                start.expand(len(part), -1, -1, -1),
                lengths,
                partial(_bound, norm=norm),
                smoothing=smoothing,
                title="most exciting videos",
                show_progress=show_progress,
            )
            for part in parts
        ]
    videos = torch.cat([patterns + GREY / 255 for patterns, _ in found]).cpu()
    history = torch.cat([history for _, history in found], dim=1)
    return ExcitingVideos(videos, history[-1], history)


def _bound(patterns: Float[Tensor, "K T H W"], norm: float) -> Float[Tensor, "K T H W"]:
    """The same patterns with that L2 norm, cut off where they leave black or white on grey."""
    return scale(patterns, norm).clamp(-GREY / 255, 1 - GREY / 255)
