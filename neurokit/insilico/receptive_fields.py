"""Receptive fields: which pixels affect a neuron's rate, by gradients or by sparse noise.

`receptive_fields` and `mean_gradients` are gradients of the rate with respect to the image. For a simple cell
the mean over images is its filter, sign included. For a complex cell the mean vanishes, but the root mean
square still shows where it looks. The position of a readout is no substitute: shifter and kernels move the
field away from it.

`flashed_fields` needs responses and no gradients, so a twin can be compared with the mouse itself: squares
flash light or dark on grey. Reverse correlation with signed pixels shows the filter of a simple cell (Jones
and Palmer, J. Neurophysiology 58, 1187-1211, 1987) but not that of a complex cell, which answers to light and
dark alike. Counted separately, light and dark squares show where either kind looks.

Letters: I images, B of them at once, H x W image or monitor pixels, N neurons of the model, K selected
neurons; in sparse noise U units, T frames (30 Hz), K flashes of one presentation.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Float32, Int8
from torch import Tensor, nn

from neurokit.arguments import explain_values
from neurokit.insilico.most_exciting import blur, check_neurons
from neurokit.insilico.video import VideoModel, present
from neurokit.progress import progress
from neurokit.simulation.movies import GREY
from neurokit.training.device import first_tensor
from neurokit.training.predict import evaluating

CHUNK_SIZE = 16


@explain_values
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


@explain_values
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


@explain_values
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


@dataclass(frozen=True, eq=False)
class FlashedFields:
    """How far a square at each pixel raises a unit's response above its mean over all flashes.

    Attributes:
        light: for squares lighter than the grey background.
        dark: for darker ones.
    """

    light: Float[Tensor, "U H W"]
    dark: Float[Tensor, "U H W"]

    @property
    def field(self) -> Float[Tensor, "U H W"]:
        """The mean of both, 0 where it is negative."""
        return ((self.light + self.dark) / 2).clamp_min(0)

    def centers(self, *, smoothing: float = 2.0, radius: float = 8.0) -> Float[Tensor, "U 2"]:
        """Row and column (pixels) of each field; see `centers`."""
        return centers(self.field, smoothing=smoothing, radius=radius)


@explain_values
def flashed_fields(
    model: VideoModel,
    *,
    shape: tuple[int, int] = (36, 64),
    presentations: int = 16,
    flashes: int = 60,
    squares: int = 8,
    side: int = 5,
    hold: int = 5,
    delay: int = 8,
    seed: int = 0,
    at_once: int = 16,
    show_progress: bool = True,
) -> FlashedFields:
    """Shows random squares, `flashes` times in each presentation, and averages the responses to each place.

    Each flash has `squares` of `side` pixels, as many light as dark on average, for `hold` frames. Its
    response is the mean over as many frames, starting `delay` frames after its onset, because cells and
    microscope lag. `shape` is the monitor's.
    """
    random = np.random.default_rng(seed)
    spots = sparse_squares(presentations * flashes, shape, squares, side, random)
    afterwards = np.zeros((-(-delay // hold), presentations, *shape), dtype=np.int8)  # grey
    shown = np.concatenate([spots.reshape(flashes, presentations, *shape), afterwards])
    stimulus = np.repeat((GREY + GREY * shown.astype(int)).astype(np.uint8), hold, axis=0)
    found = present(model, stimulus, at_once=at_once, title="flashes", show_progress=show_progress)
    answers = found[delay : delay + flashes * hold].reshape(flashes, hold, presentations, -1).mean(axis=1)
    answers = answers.reshape(flashes * presentations, -1)
    return FlashedFields(_mean_rise(spots > 0, answers), _mean_rise(spots < 0, answers))


def sparse_squares(
    flashes: int, shape: tuple[int, int], squares: int, side: int, random: np.random.Generator
) -> Int8[np.ndarray, "K H W"]:
    """1 where a square is light, -1 where one is dark, 0 elsewhere; squares may overlap and stick out."""
    height, width = shape
    found = np.zeros((flashes, *shape), dtype=np.int8)
    tops = random.integers(1 - side, height, (flashes, squares))
    lefts = random.integers(1 - side, width, (flashes, squares))
    signs = random.choice(np.array([-1, 1], dtype=np.int8), (flashes, squares))
    for flash in range(flashes):
        for top, left, sign in zip(tops[flash], lefts[flash], signs[flash], strict=True):
            found[flash, max(top, 0) : top + side, max(left, 0) : left + side] = sign
    return found


def _mean_rise(covered: np.ndarray, answers: Float32[np.ndarray, "NK U"]) -> Float[Tensor, "U H W"]:
    """Mean answer over the flashes that cover a pixel, minus the mean over all; 0 where none covers it."""
    flat = torch.from_numpy(covered).flatten(1).float()  # NK HW
    rise = torch.from_numpy(answers - answers.mean(axis=0))
    means = rise.T @ flat / flat.sum(dim=0).clamp_min(1)
    return means.unflatten(1, covered.shape[1:])
