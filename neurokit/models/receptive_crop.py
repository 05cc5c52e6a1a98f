"""From a neuron back to the image, through the patch of each layer that reaches it.

In evaluation mode a core is linear but for its activations, so their slopes at an image are all that a
gradient needs to know of the way forward. That way is gone once for all neurons; the way back is each
neuron's own and stays on its patch: 28 x 28 of 36 x 64 pixels for the competition's network. Nothing is
left out, since no other pixel moves the neuron.

Letters: B images, K constants of an image, F features, H x W image, h x w map of a layer (they differ where
hidden kernels are even), n x n patch (n grows on the way back), N neurons.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from neurokit.models.cnn import StackedCore
from neurokit.models.readout import GaussianReadout

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


def reading(
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
        self.features = _surrounded(features, OFF)
        self.slopes = [
            _surrounded(slope(nn.Sequential(norm, core.activation), values), reach)
            for norm, values, reach in zip(core.norms, sums, _reaches(core), strict=True)
        ]

    def window(self, start: tuple[int, int]) -> Float[Tensor, "B F 2 2"]:
        """What a neuron reads of the map."""
        return _patch(self.features, start, 2)

    def back(self, gradients: Float[Tensor, "B F 2 2"], start: tuple[int, int]) -> Float[Tensor, "B F n n"]:
        """From gradients with respect to a window to those with respect to the first layer's sums."""
        gradients = gradients.contiguous(memory_format=torch.channels_last)  # twice as fast on a CPU
        for layer, slopes in zip(self.core.convolutions[:0:-1], self.slopes[:0:-1], strict=True):
            gradients = gradients * _patch(slopes, start, gradients.shape[-1])
            for convolution in reversed(layer):
                gradients = F.conv_transpose2d(gradients, convolution.weight, groups=convolution.groups)
        return gradients * _patch(self.slopes[0], start, gradients.shape[-1])


def to_pixels(
    core: StackedCore, gradients: Float[Tensor, "B F n n"], start: tuple[int, int], shape: tuple[int, int]
) -> Float[Tensor, "B H W"]:
    """From gradients with respect to the first layer's sums on a patch to those of an image of `shape`.

    The layer is linear: gradients of many images may be averaged first.
    """
    weight = core.convolutions[0].weight[:, :1]  # the image's; the others are the constants'
    pixels = F.conv_transpose2d(gradients, weight)[:, 0]
    (height, width), reach = shape, _reaches(core)[0]
    image = pixels.new_zeros(len(pixels), height + 2 * reach, width + 2 * reach)
    _patch(image, start, pixels.shape[-1]).copy_(pixels)
    return image[:, reach : reach + height, reach : reach + width]


def slope(function: Callable[[Tensor], Tensor], values: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
    """The derivative of a function that treats every number by itself."""
    values = values.detach().requires_grad_()
    with torch.enable_grad():
        return torch.autograd.grad(function(values).sum(), values)[0]


def _reaches(core: StackedCore) -> list[int]:
    """How far beyond each layer's map windows reach on the way back, in cells."""
    paddings = [layer[1].padding[0] for layer in core.convolutions[1:]]
    return [OFF + sum(paddings[depth:]) for depth in range(len(paddings) + 1)]


def _surrounded(values: Float[Tensor, "B F h w"], cells: int) -> Tensor:
    return F.pad(values, (cells,) * 4)


def _patch(values: Tensor, start: tuple[int, int], size: int) -> Tensor:
    (row, column) = start
    return values[..., row : row + size, column : column + size]
