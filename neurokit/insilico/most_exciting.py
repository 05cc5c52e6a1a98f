"""Most exciting images (MEIs): the images to which a neuron of a model responds most.

Gradient ascent on the image at a fixed contrast (Walker et al., Nature Neuroscience 22, 2060-2065, 2019).
Other experiments use `check_neurons`, `blur` and `climb` as well.

Letters: B images, H x W image, N neurons of the model, K selected neurons, with one image each, S steps
(S1: S + 1).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import SupportsIndex

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from neurokit.config import Seed, check_value
from neurokit.errors import DataError
from neurokit.progress import progress
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
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(check_value("seed", seed, Seed)))
    noise = noise.to(first_tensor(model))[None]
    start = scale(noise, norm)
    bound = partial(scale, norm=float(start.norm()))
    lengths = [step_size * norm * (1 - step / steps) for step in range(steps)]

    def rates(images: Float[Tensor, "K H W"], part: Int[Tensor, "K"]) -> Float[Tensor, "K"]:
        return model(images).gather(1, part[:, None])[:, 0]

    with evaluating(model), torch.enable_grad():
        parts = check_neurons(neurons, model(noise).detach()).split(batch_size)
        found = [
            climb(
                partial(rates, part=part),
                start.expand(len(part), -1, -1),
                lengths,
                bound,
                smoothing=smoothing,
                title="most exciting images",
                show_progress=show_progress,
            )
            for part in parts
        ]
    images = torch.cat([images for images, _ in found]).cpu()
    history = torch.cat([history for _, history in found], dim=1)
    return MostExcitingImages(images, history[-1], history)


def climb(
    rates: Callable[[Float[Tensor, "K ..."]], Float[Tensor, "K"]],
    start: Float[Tensor, "K ..."],
    lengths: Sequence[float],
    bound: Callable[[Float[Tensor, "K ..."]], Float[Tensor, "K ..."]],
    *,
    smoothing: float,
    title: str,
    show_progress: bool = True,
) -> tuple[Float[Tensor, "K ..."], Float[Tensor, "S1 K"]]:
    """Stimuli after uphill steps of these `lengths`, and the rates before each step and after the last.

    `rates` gives each neuron's rate to its own stimulus, whose last two axes are rows and columns; `bound`
    restores the contrast after a step.
    """
    stimuli, history = start, []
    for length in progress(lengths, desc=title, disable=not show_progress):
        stimuli = stimuli.detach().requires_grad_()
        found = rates(stimuli)
        (gradient,) = torch.autograd.grad(found.sum(), stimuli)  # a stimulus affects its own neuron alone
        smooth = blur(gradient.reshape(-1, *gradient.shape[-2:]), smoothing).view_as(gradient)
        stimuli = bound(stimuli.detach() + length * scale(smooth, 1.0))
        history.append(found.detach())
    with torch.no_grad():
        history.append(rates(stimuli))
    return stimuli, torch.stack(history).cpu()


def scale(stimuli: Float[Tensor, "K ..."], norm: float) -> Float[Tensor, "K ..."]:
    """The same stimuli with that L2 norm; zeros stay zeros."""
    lengths = stimuli.flatten(1).norm(dim=1).clamp_min(1e-12)
    return norm * stimuli / lengths.view(-1, *[1] * (stimuli.ndim - 1))
