"""Most exciting images (MEIs) and videos: those to which a neuron of a model responds most.

Gradient ascent on all pixels at a fixed contrast (Walker et al., Nature Neuroscience 22, 2060-2065, 2019).
Other experiments use `check_neurons` and `blur` as well.

Letters: B images, H x W image, T frames, N neurons of the model, K selected neurons, with one image or video
each, S steps (S1: S + 1).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import SupportsIndex

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn

from neurokit.arguments import explain_values
from neurokit.config import Draws, Seed, check_integer, check_value
from neurokit.errors import DataError
from neurokit.progress import progress
from neurokit.simulation.movies import GREY
from neurokit.training.device import first_tensor
from neurokit.training.predict import evaluating


def check_neurons(neurons: Sequence[int] | None, rates: Float[Tensor, "B N"]) -> Int[Tensor, "K"]:
    """Numbers of the neurons, all for None; raises DataError for an empty list or an unknown neuron."""
    most = rates.shape[1]
    numbers = torch.arange(most) if neurons is None else torch.tensor(list(neurons), dtype=torch.long)
    if len(numbers) == 0 or numbers.min() < 0 or numbers.max() >= most:
        raise DataError(f"neurons is {neurons}; give at least one number from 0 to {most - 1}.")
    return numbers.to(rates.device)


def blur(images: Float[Tensor, "B H W"], width: float) -> Float[Tensor, "B H W"]:
    """Images under a Gaussian of standard deviation `width` pixels (0: as they are), zeros around them."""
    if width == 0:
        return images
    reach = int(3 * width + 1)
    along = torch.arange(-reach, reach + 1, dtype=images.dtype, device=images.device)
    kernel = torch.exp(-0.5 * (along / width) ** 2)
    kernel = kernel / kernel.sum()
    rows = F.conv2d(images[:, None], kernel[None, None, :, None], padding=(reach, 0))
    return F.conv2d(rows, kernel[None, None, None, :], padding=(0, reach))[:, 0]


@dataclass(frozen=True)
class MostExcitingImages:
    """One image for each neuron.

    Attributes:
        images: K x H x W, standardised pixels.
        rates: K, each neuron's rate to its own image.
        history: S+1 x K, the rates before the first step and after each.
    """

    images: Float[Tensor, "K H W"]
    rates: Float[Tensor, "K"]
    history: Float[Tensor, "S1 K"]


@explain_values
def most_exciting_images(
    model: nn.Module,
    neurons: Sequence[int],
    *,
    shape: tuple[int, int] = (36, 64),
    norm: float = 12.0,
    steps: int = 100,
    step_size: float = 0.1,
    smoothing: float = 1.0,
    seed: SupportsIndex = 0,
    batch_size: int = 64,
    show_progress: bool = True,
) -> MostExcitingImages:
    """Gradient ascent from the same noise (`seed`) for every neuron, for many neurons at once.

    Every image has the L2 `norm`: that of a standardised natural image of 36 x 64 is 48, while here all
    contrast may lie within one receptive field. The first step is `step_size` of the norm long, and steps
    shrink to zero. Their direction is the gradient under a Gaussian of `smoothing` pixels, without which fine
    noise would fill the image. Raises DataError for a neuron that the model lacks.
    """
    steps = check_integer("steps", steps, Draws)
    noise = _draw_noise(shape, seed, model)
    start = _scale(noise, norm)
    lengths = [step_size * norm * (1 - step / steps) for step in range(steps)]

    def rates(images: Float[Tensor, "K H W"], part: Int[Tensor, "K"]) -> Float[Tensor, "K"]:
        return model(images).gather(1, part[:, None])[:, 0]

    with evaluating(model), torch.enable_grad():
        parts = check_neurons(neurons, model(noise).detach()).split(batch_size)
        bound = partial(_scale, norm=float(start.norm()))
        bar = partial(progress, desc="most exciting images", disable=not show_progress)
        images, history = _climb(rates, start, parts, lengths, bound, smoothing, bar)
    return MostExcitingImages(images, history[-1], history)


@dataclass(frozen=True, eq=False)
class ExcitingVideos:
    """One video for each neuron.

    Attributes:
        videos: pixels from 0 (black) to 1 (white).
        responses: of each neuron to its own video, mean over the last frames.
        history: the responses before the first step and after each.
    """

    videos: Float[Tensor, "K T H W"]
    responses: Float[Tensor, "K"]
    history: Float[Tensor, "S1 K"]

    @property
    def stimulus(self) -> UInt8[np.ndarray, "T K H W 1"]:
        """The videos as the stimulus of a digital twin, all at once."""
        grey_values = (255 * self.videos).round().to(torch.uint8)
        return grey_values.transpose(0, 1)[..., None].numpy()


@explain_values
def most_exciting_videos(
    model: nn.Module,
    neurons: Sequence[int],
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
    """Climbs from the same noise (`seed`) around grey for every neuron, several at once.

    `model` turns pixels K T H W into responses K T N (such as `neurokit.digital_twin.OfPixels`); their mean
    over the last `counted` frames of `shape` grows. `contrast` is the root mean square of a pixel's distance
    from grey over the video, so 0.05 may also be 0.5 in a hundredth of it; pixels that would be darker than
    black or lighter than white are cut off, and the contrast is lower. The first step is `step_size` of the
    contrast, and steps shrink to zero; their direction is the gradient under a Gaussian of `smoothing` pixels
    in each frame. Raises DataError for a neuron that the model lacks, or for more frames counted than there
    are.
    """
    if not 1 <= counted <= shape[0]:
        raise DataError(f"counted is {counted}; use 1 to {shape[0]}, the frames of the video.")
    norm = contrast * float(np.sqrt(np.prod(shape)))
    start = _bound(_draw_noise(shape, seed, model), norm)
    lengths = [step_size * norm * (1 - step / steps) for step in range(steps)]

    def responses(patterns: Float[Tensor, "K T H W"], part: Int[Tensor, "K"]) -> Float[Tensor, "K"]:
        late = model(patterns + GREY / 255)[:, -counted:].mean(dim=1)  # K N
        return late.gather(1, part[:, None])[:, 0]

    with evaluating(model), torch.enable_grad():
        parts = check_neurons(neurons, model(start + GREY / 255).detach()[:, -1]).split(batch_size)
        bound = partial(_bound, norm=norm)
        bar = partial(progress, desc="most exciting videos", disable=not show_progress)
        patterns, history = _climb(responses, start, parts, lengths, bound, smoothing, bar)
    return ExcitingVideos(patterns + GREY / 255, history[-1], history)


def _draw_noise(shape: tuple[int, ...], seed: SupportsIndex, model: nn.Module) -> Float[Tensor, "1 ..."]:
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(check_value("seed", seed, Seed)))
    return noise.to(first_tensor(model))[None]


def _climb(
    rates: Callable[[Tensor, Int[Tensor, "_"]], Float[Tensor, "_"]],
    start: Float[Tensor, "1 ..."],
    parts: Sequence[Int[Tensor, "_"]],
    lengths: Sequence[float],
    bound: Callable[[Tensor], Tensor],
    smoothing: float,
    bar: partial[Iterable[float]],
) -> tuple[Float[Tensor, "K ..."], Float[Tensor, "S1 K"]]:
    """Stimuli after uphill steps of these `lengths`, and the rates before each step and after the last.

    `rates` gives the rates of some neurons, each to its own stimulus, whose last two axes are rows and
    columns. The neurons of one of `parts` climb together; `bound` restores the contrast after a step.
    """
    found, histories = [], []
    for part in parts:
        stimuli, history = start.expand(len(part), *start.shape[1:]), []
        for length in bar(lengths):
            stimuli = stimuli.detach().requires_grad_()
            answers = rates(stimuli, part)
            (gradient,) = torch.autograd.grad(
                answers.sum(), stimuli
            )  # a stimulus affects its own neuron alone
            smooth = blur(gradient.reshape(-1, *gradient.shape[-2:]), smoothing).view_as(gradient)
            stimuli = bound(stimuli.detach() + length * _scale(smooth, 1.0))
            history.append(answers.detach())
        with torch.no_grad():
            history.append(rates(stimuli, part))
        found.append(stimuli)
        histories.append(torch.stack(history))
    return torch.cat(found).cpu(), torch.cat(histories, dim=1).cpu()


def _scale(stimuli: Float[Tensor, "K ..."], norm: float) -> Float[Tensor, "K ..."]:
    """The same stimuli with that L2 norm; zeros stay zeros."""
    lengths = stimuli.flatten(1).norm(dim=1).clamp_min(1e-12)
    return norm * stimuli / lengths.view(-1, *[1] * (stimuli.ndim - 1))


def _bound(patterns: Float[Tensor, "K T H W"], norm: float) -> Float[Tensor, "K T H W"]:
    """The same patterns with that L2 norm, cut off where they leave black or white on grey."""
    return _scale(patterns, norm).clamp(-GREY / 255, 1 - GREY / 255)
