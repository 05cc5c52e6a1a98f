"""Integrated gradients of single neurons: what each pixel of an image contributed to a neuron's rate.

The same numbers as `neurokit.attribution.integrated_gradients` finds for any model, faster for many neurons
of a SENSORIUM model (`benchmarks/speed_integrated_gradients.py`): each neuron's gradients are found on the
patch of the image that it sees, from the neuron back through the patch of each layer that reaches it.

In evaluation mode a core is linear except for its activations, so their slopes at an image are all that a
gradient needs of the forward pass. That pass runs once for all neurons; the backward pass is each neuron's
own and stays on its patch: 28 x 28 of 36 x 64 pixels for the competition's network. Nothing is left out,
since no other pixel changes the neuron's rate.

The model is taken at one brain state (`FixedState`): what is not the image is held constant.

Letters: B images, K constants of an image (K images in `neuron_attribution`), F features, H x W image, h x w
map of a layer (they differ where hidden kernels are even), n x n patch (n grows on the way back), N neurons,
O neurons chosen, S steps of an image.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from neurokit.attribution import Attribution, build_attribution
from neurokit.errors import DataError, FitError
from neurokit.insilico.most_exciting import check_neurons
from neurokit.sensorium.core import StackedCore
from neurokit.sensorium.model import MouseModel
from neurokit.sensorium.readout import GaussianReadout
from neurokit.training.device import first_tensor
from neurokit.training.predict import evaluating, predict

OFF = 2  # cells of zeros around a map; a window that starts there reads nothing of the map


@dataclass(frozen=True)
class Reading:
    """What neurons read of a core's map: their drive is the sum of `weights` times a window of 2 x 2.

    Attributes:
        starts: of each neuron, row and column of the window on the map with OFF cells of zeros around it.
        weights: N x F x 2 x 2, a neuron's feature weights times those of its place between four cells.
    """

    starts: list[tuple[int, int]]
    weights: Float[Tensor, "N F 2 2"]


def find_reading(
    readout: GaussianReadout,
    neurons: Int[Tensor, "N"],
    shift: Float[Tensor, "2"] | None,
    shape: tuple[int, int],
) -> Reading:
    """What these neurons read of a map of `shape` (h, w) in evaluation mode; `shift` as the readout's."""
    positions = readout.positions()[neurons]
    if shift is not None:
        positions = positions + shift
    last = positions.new_tensor(shape) - 1
    cells = (positions.flip(1) + 1) / 2 * last  # row, column
    first = cells.floor().clamp_min(-OFF).minimum(last + 1).nan_to_num()  # a NaN stays in the weights
    shares = torch.stack([1 - (cells - first), cells - first], dim=-1)  # N 2 2: rows, columns
    between = shares[:, 0, :, None] * shares[:, 1, None, :]
    weights = readout.features.T[neurons, :, None, None] * between[:, None]
    return Reading([(row, column) for row, column in (first.long() + OFF).tolist()], weights)


class CoreAt:
    """A core in evaluation mode at some images: its map, and the slope of each of its layers there.

    Around each lie as many zeros as a window just off the map reaches, so that it starts at the same row and
    column in all of them. A layer reads zeros where the map before it ends, so nothing beyond has a slope:
    that keeps patches at the edge exact.
    """

    def __init__(
        self,
        core: StackedCore,
        images: Float[Tensor, "B H W"],
        constants: Float[Tensor, "B K"] | None = None,
    ) -> None:
        sums: list[Tensor] = []  # of each layer, before its normalisation
        with ExitStack() as hooks:
            for norm in core.norms:
                hooks.enter_context(norm.register_forward_pre_hook(lambda _, inputs: sums.append(inputs[0])))
            features = core(images[:, None], constants)
        self.core, self.shape = core, (features.shape[2], features.shape[3])
        self.features = _pad(features, OFF)
        self.slopes = [
            _pad(find_slope(nn.Sequential(norm, core.activation), values), reach)
            for norm, values, reach in zip(core.norms, sums, _count_reach(core), strict=True)
        ]

    def window(self, start: tuple[int, int]) -> Float[Tensor, "B F 2 2"]:
        """What a neuron reads of the map."""
        return _cut_patch(self.features, start, 2)

    def back(self, gradients: Float[Tensor, "B F 2 2"], start: tuple[int, int]) -> Float[Tensor, "B F n n"]:
        """From gradients with respect to a window to those with respect to the first layer's sums."""
        gradients = gradients.contiguous(memory_format=torch.channels_last)  # twice as fast on a CPU
        for layer, slopes in zip(self.core.convolutions[:0:-1], self.slopes[:0:-1], strict=True):
            gradients = gradients * _cut_patch(slopes, start, gradients.shape[-1])
            for convolution in reversed([m for m in layer.children() if isinstance(m, nn.Conv2d)]):
                gradients = F.conv_transpose2d(gradients, convolution.weight, groups=convolution.groups)
        return gradients * _cut_patch(self.slopes[0], start, gradients.shape[-1])


def to_pixels(
    core: StackedCore, gradients: Float[Tensor, "B F n n"], start: tuple[int, int], shape: tuple[int, int]
) -> Float[Tensor, "B H W"]:
    """From gradients with respect to the first layer's sums on a patch to those of an image of `shape`.

    The layer is linear: gradients of many images may be averaged first.
    """
    weight = core.first.weight[:, :1]  # the image's; the others are the constants'
    pixels = F.conv_transpose2d(gradients, weight)[:, 0]
    (height, width), reach = shape, _count_reach(core)[0]
    image = pixels.new_zeros(len(pixels), height + 2 * reach, width + 2 * reach)
    _cut_patch(image, start, pixels.shape[-1]).copy_(pixels)
    return image[:, reach : reach + height, reach : reach + width]


def find_slope(function: Callable[[Tensor], Tensor], values: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
    """The derivative of a function that is applied to each number alone."""
    values = values.detach().requires_grad_()
    with torch.enable_grad():
        return torch.autograd.grad(function(values).sum(), values)[0]


def _count_reach(core: StackedCore) -> list[int]:
    """How far beyond each layer's map windows reach on the way back, in cells."""
    paddings = [layer.get_parameter("1.weight").shape[-1] // 2 for layer in core.convolutions[1:]]
    return [OFF + sum(paddings[depth:]) for depth in range(len(paddings) + 1)]


def _pad(values: Float[Tensor, "B F h w"], cells: int) -> Tensor:
    return F.pad(values, (cells,) * 4)


def _cut_patch(values: Tensor, start: tuple[int, int], size: int) -> Tensor:
    (row, column) = start
    return values[..., row : row + size, column : column + size]


class FixedState(nn.Module):
    """A mouse's model as a function of the image alone.

    `behaviour` and `pupil_center` (scaled, as the model reads them) are the same for every image; past
    responses contribute nothing. The model is shared, not copied. A state that the model lacks or does
    not read raises its DataError with the first image.
    """

    behaviour: Float[Tensor, "3"] | None
    pupil_center: Float[Tensor, "2"] | None

    def __init__(
        self,
        model: nn.Module,
        behaviour: Float[Tensor, "3"] | None = None,
        pupil_center: Float[Tensor, "2"] | None = None,
    ) -> None:
        super().__init__()
        self.model = model
        self.training = model.training
        for name, value in (("behaviour", behaviour), ("pupil_center", pupil_center)):
            held = None if value is None else value.detach().to(first_tensor(model))
            self.register_buffer(name, held, persistent=False)

    def forward(self, images: Float[Tensor, "B H W"]) -> Float[Tensor, "B N"]:
        """Rates on the competition's scale."""
        held = (self.behaviour, self.pupil_center)
        behaviour, pupil_center = (None if v is None else v.expand(len(images), -1) for v in held)
        return self.model(images, behaviour, pupil_center)


def neuron_attribution(
    model: nn.Module,
    images: Float[Tensor, "K H W"],
    baseline: Float[Tensor, "H W"],
    neurons: Sequence[int] | None = None,
    *,
    steps: int = 32,
    rows_at_once: int = 64,
    tolerance: float = 0.02,
) -> Attribution:
    """Attribution of each neuron's rate to each pixel, from `baseline` to each of `images`.

    What `integrated_gradients(model, images, baseline, neuron_rate(neurons), ...)` gives, with the same
    points and weights on the line; without `neurons` all are taken. `rows_at_once` bounds how many images x
    steps are in memory, 5 MB each for the competition's network. Raises DataError for a model that is not
    a FixedState of a mouse, a core of your own, a neuron that it lacks and a baseline of another size, and
    FitError where the relative completeness gap is above `tolerance`.
    """
    if not isinstance(model, FixedState):
        raise DataError(
            f"neuron_attribution was given a {type(model).__name__}; give FixedState of a SENSORIUM mouse's "
            "model, or call integrated_gradients with neuron_rate, which serves any model."
        )
    if type(core := getattr(model.model, "core", model.model)) is not StackedCore:
        raise DataError(
            f"neuron_attribution reads the layers of a StackedCore, and this is a {type(core).__name__}; "
            "call integrated_gradients with neuron_rate, which serves any model."
        )
    if steps < 1 or len(images) == 0:
        raise FitError(f"{len(images)} images and {steps} steps: at least one of each is needed.")
    if baseline.shape != images.shape[1:]:
        finding = f"baseline is {tuple(baseline.shape)}, images are {tuple(images.shape[1:])}"
        raise DataError(f"{finding}; give a baseline of their size.")
    rates = predict(model, torch.cat([baseline.to(images)[None], images]), batch_size=rows_at_once)
    numbers = check_neurons(neurons, rates)
    with evaluating(model), torch.no_grad():
        parts = [
            _attribute(model, part.to(rates), baseline.to(rates), numbers, steps).cpu()
            for part in images.split(max(1, rows_at_once // steps))
        ]
    change = (rates[1:] - rates[0])[:, numbers].cpu()
    largest = float(rates[:, numbers].abs().max())
    return build_attribution(torch.cat(parts), change, largest, steps, tolerance)


def _attribute(
    model: FixedState,
    images: Float[Tensor, "K H W"],
    baseline: Float[Tensor, "H W"],
    neurons: Int[Tensor, "O"],
    steps: int,
) -> Float[Tensor, "K O H W"]:
    away = images - baseline
    points, shares = _gauss_legendre(steps, away)
    line = baseline + points[:, None, None] * away[:, None]  # K S H W
    mouse = cast(MouseModel, model.model)
    core, read = _find_reading(mouse, model, line.flatten(0, 1), neurons)
    height, width = baseline.shape
    found = torch.empty(len(images), len(neurons), height, width).to(away)
    for number, neuron in enumerate(neurons.tolist()):
        start, weights = read.starts[number], read.weights[number]
        drives = (core.window(start) * weights).sum(dim=(1, 2, 3)) + mouse.readout.bias[neuron]
        steepness = find_slope(mouse.modulator, drives[:, None]).unflatten(0, line.shape[:2])  # K S 1
        steepness = (steepness[..., 0] * shares).flatten()
        gradients = core.back(steepness[:, None, None, None] * weights, start)
        mean = gradients.unflatten(0, line.shape[:2]).sum(dim=1)  # the rest of the pass is linear
        found[:, number] = to_pixels(core.core, mean, start, (height, width))
    return found * away[:, None]


def _find_reading(
    mouse: MouseModel, state: FixedState, images: Float[Tensor, "B H W"], neurons: Int[Tensor, "O"]
) -> tuple[CoreAt, Reading]:
    """The mouse's core at these images, and what the neurons read of it, both in that state."""
    behaviour, eye, stacked = state.behaviour, state.pupil_center, cast(StackedCore, mouse.core)
    core = CoreAt(stacked, images, None if behaviour is None else behaviour.expand(len(images), -1))
    shift = None if eye is None or mouse.shifter is None else mouse.shifter(eye[None])[0]
    return core, find_reading(mouse.readout, neurons, shift, core.shape)


def _gauss_legendre(steps: int, like: Tensor) -> tuple[Float[Tensor, "S"], Float[Tensor, "S"]]:
    """Points from 0 to 1 and their weights, which add up to 1."""
    points, weights = np.polynomial.legendre.leggauss(steps)
    return torch.from_numpy((1 + points) / 2).to(like), torch.from_numpy(weights / 2).to(like)
