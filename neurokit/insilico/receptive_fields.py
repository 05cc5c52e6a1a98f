"""Receptive fields of a model: which pixels affect a neuron's rate.

They are gradients of the rate with respect to the image. For a simple cell the mean over images is its
filter, sign included. For a complex cell the mean vanishes, but the root mean square still shows where it
looks. The position of a readout is no substitute: shifter and kernels move the field away from it.

Letters: I images, B of them at once, H x W image, N neurons of the model, K selected neurons.
"""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from neurokit.insilico.most_exciting import blur, check_neurons
from neurokit.progress import progress
from neurokit.training.device import first_tensor
from neurokit.training.predict import evaluating

CHUNK_SIZE = 16


def receptive_fields(
    model: nn.Module,
    images: Float[Tensor, "I H W"],
    neurons: Sequence[int] | None = None,
    *,
    rows_at_once: int = 256,
    show_progress: bool = True,
) -> Float[Tensor, "K H W"]:
    """Root mean square over `images` of each neuron's gradient, rate per standardised pixel.

    Without `neurons` all are used. There is one forward pass per image, and one backward pass per image and
    neuron (about 15 ms on one core for the competition's network, so 200 neurons and 16 images take about a
    minute). At most `rows_at_once` backward passes are in memory, 2 MB each. Raises DataError for a neuron
    that the model lacks.
    """
    return _mean_over_images(torch.square, model, images, neurons, rows_at_once, show_progress).sqrt()


def mean_gradients(
    model: nn.Module,
    images: Float[Tensor, "I H W"],
    neurons: Sequence[int] | None = None,
    *,
    rows_at_once: int = 256,
    show_progress: bool = True,
) -> Float[Tensor, "K H W"]:
    """Mean over `images` of each neuron's gradient; the rest is as in `receptive_fields`."""
    return _mean_over_images(torch.clone, model, images, neurons, rows_at_once, show_progress)


def centers(
    fields: Float[Tensor, "K H W"], *, smoothing: float = 2.0, radius: float = 8.0
) -> Float[Tensor, "K 2"]:
    """Row and column (pixels) of each field's centre; NaN for a field of zeros.

    Starting at the peak of the power smoothed by a Gaussian of `smoothing` pixels, the centre of mass within
    `radius` pixels is taken three times, so that single pixels and uniform power hardly move it.
    """
    power = fields.square()
    height, width = power.shape[1:]
    peak = blur(power, smoothing).flatten(1).argmax(dim=1)
    found = torch.stack([peak // width, peak % width], dim=1).to(power.dtype)
    pixels = torch.cartesian_prod(torch.arange(height), torch.arange(width)).to(power)  # H*W 2
    for _ in range(3):
        near = torch.cdist(found, pixels) <= radius
        mass = power.flatten(1) * near
        found = mass @ pixels / mass.sum(dim=1, keepdim=True)
    return found


def _mean_over_images(
    transform: Callable[[Tensor], Tensor],
    model: nn.Module,
    images: Float[Tensor, "I H W"],
    neurons: Sequence[int] | None,
    rows_at_once: int,
    show_progress: bool,
) -> Float[Tensor, "K H W"]:
    device = first_tensor(model).device
    total = torch.zeros((), device=device)
    parts = images.split(min(CHUNK_SIZE, rows_at_once))
    with evaluating(model):
        for part in progress(parts, desc="receptive fields", disable=not show_progress):
            found = _sum_gradients(transform, model, part.to(device), neurons, rows_at_once // len(part))
            total = total + found
    return (total / len(images)).cpu()


def _sum_gradients(
    transform: Callable[[Tensor], Tensor],
    model: nn.Module,
    images: Float[Tensor, "B H W"],
    neurons: Sequence[int] | None,
    neurons_at_once: int,
) -> Float[Tensor, "K H W"]:
    """The transformed gradients of each neuron, summed over images, after one forward pass."""
    images = images.detach().requires_grad_()
    with torch.enable_grad():
        rates = model(images)
        rates = rates[:, check_neurons(neurons, rates)].sum(dim=0)  # an image affects its own rates alone
    found = images.new_empty(len(rates), *images.shape[1:])
    for block in torch.arange(len(rates), device=images.device).split(neurons_at_once):
        directions = F.one_hot(block, len(rates)).to(rates.dtype)
        (gradients,) = torch.autograd.grad(
            rates, images, directions, is_grads_batched=True, retain_graph=True
        )  # K B H W
        found[block] = transform(gradients).sum(dim=1)
    return found
