"""Most exciting images (MEIs): the images to which a neuron of a model responds most.

Gradient ascent on the image at a fixed contrast (Walker et al., Nature Neuroscience 22, 2060-2065, 2019).
Other experiments use `check_neurons` and `blur` as well.

Letters: B images, H x W image, N neurons of the model, K selected neurons, with one image each, S steps
(S1: S + 1).
"""

from collections.abc import Sequence
from dataclasses import dataclass
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
    start = torch.randn(shape, generator=torch.Generator().manual_seed(check_value("seed", seed, Seed)))
    start = start.to(first_tensor(model))[None]
    lengths = [step_size * norm * (1 - step / steps) for step in range(steps)]
    with evaluating(model), torch.enable_grad():
        parts = check_neurons(neurons, model(start).detach()).split(batch_size)
        found = [
            _climb(model, _scale(start, norm), part, lengths, smoothing, show_progress) for part in parts
        ]
    images = torch.cat([images for images, _ in found])
    history = torch.cat([history for _, history in found], dim=1)
    return MostExcitingImages(images, history[-1], history)


def _climb(
    model: nn.Module,
    start: Float[Tensor, "1 H W"],
    neurons: Int[Tensor, "K"],
    lengths: list[float],
    smoothing: float,
    show_progress: bool,
) -> tuple[Float[Tensor, "K H W"], Float[Tensor, "S1 K"]]:
    """The images after all steps, and the rates before each step and after the last."""
    images, history = start.expand(len(neurons), -1, -1), []
    norm = float(start.norm())
    for length in progress(lengths, desc="most exciting images", disable=not show_progress):
        rates, direction = _uphill(model, images, neurons, smoothing)
        images = _scale(images + length * direction, norm)
        history.append(rates)
    history.append(_own_rates(model, images, neurons).detach())
    return images.cpu(), torch.stack(history).cpu()


def _own_rates(
    model: nn.Module, images: Float[Tensor, "K H W"], neurons: Int[Tensor, "K"]
) -> Float[Tensor, "K"]:
    return model(images).gather(1, neurons[:, None])[:, 0]


def _uphill(
    model: nn.Module, images: Float[Tensor, "K H W"], neurons: Int[Tensor, "K"], smoothing: float
) -> tuple[Float[Tensor, "K"], Float[Tensor, "K H W"]]:
    """Each neuron's rate to its image, and the direction of length 1 in which the rate grows."""
    images = images.detach().requires_grad_()
    rates = _own_rates(model, images, neurons)
    (gradient,) = torch.autograd.grad(
        rates.sum(), images
    )  # an image affects the rate of its own neuron alone
    return rates.detach(), _scale(blur(gradient, smoothing), 1.0)


def _scale(images: Float[Tensor, "K H W"], norm: float) -> Float[Tensor, "K H W"]:
    """The same images with that L2 norm; zeros stay zeros."""
    return norm * images / images.flatten(1).norm(dim=1).clamp_min(1e-12)[:, None, None]
