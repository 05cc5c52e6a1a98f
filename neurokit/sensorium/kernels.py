"""Optional kernels for a CPU: the same mathematics as plain torch, compiled by numba (extra `fast`).

    model = accelerate(build(...))    # or NEUROKIT_FAST=1 neurokit sensorium train

Two pieces of a SENSORIUM model are fused: the readout, which then never holds all channels of all neurons at
once (B C N, 262 MB for 128 images of 8,000 neurons), and the weight gradient of a depthwise convolution,
which torch computes slowly on a CPU. Weights keep their names and values, so checkpoints fit either kind.
The loops below are compiled when they are first called, in a few seconds.

Letters: B images, C channels, H x W map, N neurons, K x K kernel.
"""

import functools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from inspect import unwrap
from typing import Any, TypeGuard, cast

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from neurokit.errors import DataError, SettingsError
from neurokit.sensorium.readout import GaussianReadout


def accelerate(model: nn.Module) -> nn.Module:
    """The model itself, its readouts and depthwise convolutions now computed by the kernels.

    Float32 on a CPU, first derivatives only. Convolutions that are strided, dilated, or have a bias stay
    torch's. Raises SettingsError without numba, for other numbers or devices (also when the model is
    called), and where there is nothing to accelerate.
    """
    check_usable(torch.device("cpu"))
    for parameter in model.parameters():
        _check(parameter)
    readouts = [module for module in model.modules() if isinstance(module, GaussianReadout)]
    convolutions = [
        (parent, name, child)
        for parent in model.modules()
        for name, child in parent.named_children()
        if _is_depthwise(child)
    ]
    if not readouts and not convolutions:
        raise SettingsError(
            f"{type(model).__name__} has no readout and no depthwise convolution; go without these kernels."
        )
    for readout in readouts:
        readout.read = read_fused
    for parent, name, child in convolutions:
        setattr(parent, name, DepthwiseConvolution(child))
    return model


def check_usable(device: torch.device) -> None:
    """Raises SettingsError without numba, and for a device other than a CPU."""
    _compile(read_loop)
    if device.type != "cpu":
        raise SettingsError(
            f"The kernels of NEUROKIT_FAST compute on a CPU, not on {device}; go without NEUROKIT_FAST, or "
            "take the CPU."
        )


def read_fused(
    features: Float[Tensor, "B C H W"], positions: Float[Tensor, "B N 2"], weights: Float[Tensor, "C N"]
) -> Float[Tensor, "B N"]:
    """What `read_bilinear` of the readout gives, in one pass over images and neurons.

    Raises DataError for sizes that do not belong together: a loop would read what lies beyond.
    """
    for tensor in (features, positions, weights):
        _check(tensor)
    (B, C, *_), N = features.shape, positions.shape[1]
    if tuple(positions.shape) != (B, N, 2) or tuple(weights.shape) != (C, N):
        raise DataError(
            f"features {tuple(features.shape)}, positions {tuple(positions.shape)} and weights "
            f"{tuple(weights.shape)} do not belong together; give B C H W, B N 2 and C N."
        )
    return _Read.apply(features, positions, weights)


class DepthwiseConvolution(nn.Conv2d):
    """A convolution of each channel by itself, with the weight of the torch one that it replaces."""

    def __init__(self, plain: nn.Conv2d) -> None:
        # Pairs, which torch types as tuples of any length, or padding also as a word (see `_is_depthwise`).
        size, padding = (cast(tuple[int, int], pair) for pair in (plain.kernel_size, plain.padding))
        super().__init__(
            plain.in_channels,
            plain.out_channels,
            size,
            padding=padding,
            groups=plain.groups,
            bias=False,
            device="meta",
        )
        self.weight = plain.weight

    def forward(self, maps: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C h w"]:
        """The maps, each filtered by its channel's kernel."""
        _check(maps)
        return _Depthwise.apply(maps, self.weight, self.padding)


def _is_depthwise(module: nn.Module) -> TypeGuard[nn.Conv2d]:
    if type(module) is not nn.Conv2d or module.bias is not None or isinstance(module.padding, str):
        return False
    plain = module.stride == module.dilation == (1, 1) and module.padding_mode == "zeros"
    alone = module.groups == module.in_channels == module.out_channels
    fits = all(around < size for around, size in zip(module.padding, module.kernel_size, strict=True))
    return plain and alone and fits


def _check(tensor: Tensor) -> None:
    if tensor.device.type != "cpu" or tensor.dtype != torch.float32:
        raise SettingsError(
            f"The kernels of NEUROKIT_FAST compute in float32 on a CPU, not in {tensor.dtype} on "
            f"{tensor.device}; go without them, that is without NEUROKIT_FAST."
        )


class _Read(torch.autograd.Function):
    """Bilinear reading of a map and the weighted sum over its channels, fused."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, positions: Tensor, weights: Tensor) -> Tensor:
        table = features.movedim(1, -1).contiguous()  # B H W C
        positions, weights = positions.contiguous(), weights.T.contiguous()
        ctx.save_for_backward(table, positions, weights)
        drives = table.new_empty(positions.shape[:2])
        _run_by_image(read_loop, [table, positions, drives], weights)
        return drives

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        table, positions, weights = ctx.saved_tensors
        of_table, of_positions = torch.zeros_like(table), torch.empty_like(positions)
        images = [table, positions, gradient.contiguous(), of_table, of_positions]
        of_weights = _sum_over_images(read_gradient_loop, images, weights, shape=weights.shape)
        return of_table.movedim(-1, 1), of_positions, of_weights.T


class _Depthwise(torch.autograd.Function):
    """A depthwise convolution, whose weight gradient is summed in one pass."""

    @staticmethod
    def forward(ctx: Any, maps: Tensor, weight: Tensor, padding: tuple[int, int]) -> Tensor:
        ctx.save_for_backward(maps, weight)
        ctx.padding = padding
        return F.conv2d(maps, weight, padding=padding, groups=len(weight))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        maps, weight = ctx.saved_tensors
        high, wide = ctx.padding
        rest = [size - 1 - around for size, around in zip(weight.shape[2:], ctx.padding, strict=True)]
        of_maps = F.conv2d(gradient, weight.flip(2, 3), padding=rest, groups=len(weight))
        padded = F.pad(maps.movedim(1, -1), (0, 0, wide, wide, high, high)).contiguous()
        images = [padded, gradient.movedim(1, -1).contiguous()]
        of_weight = _sum_over_images(kernel_gradient_loop, images, shape=(*weight.shape[2:], len(weight)))
        return of_maps, of_weight.movedim(-1, 0)[:, None], None


def _sum_over_images(
    loop: Callable[..., None], images: list[Tensor], *shared: Tensor, shape: Sequence[int]
) -> Tensor:
    """As `_run_by_image`; each share adds to sums of this shape of its own, whose total is returned."""
    sums = torch.zeros(torch.get_num_threads(), *shape)
    _run_by_image(loop, images, *shared, sums=sums)
    return sums.sum(dim=0)


def _run_by_image(
    loop: Callable[..., None], images: list[Tensor], *shared: Tensor, sums: Tensor | None = None
) -> None:
    """Calls the loop on shares of the images, as many at once as torch has threads.

    Each share adds to a row of `sums`. Raises SettingsError in a backward pass that is to be differentiated
    again: autograd could not see into the loop.
    """
    if torch.is_grad_enabled():  # it never is inside a Function, except for `create_graph`
        raise SettingsError(
            "The kernels of neurokit.sensorium.kernels have first derivatives only; go without them here."
        )
    threads = torch.get_num_threads()
    edges = [share * len(images[0]) // threads for share in range(threads + 1)]

    def run(share: int) -> None:
        own = [tensor[edges[share] : edges[share + 1]] for tensor in images]
        added = [] if sums is None else [sums[share]]
        _compile(loop)(*(tensor.detach().numpy() for tensor in (*own, *shared, *added)))

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(run, range(threads)))  # a list, so that what one raises is raised here


@functools.cache
def _compile(loop: Callable[..., None]) -> Callable[..., None]:
    """The loop in machine code, which runs beside other threads; NaN stays NaN."""
    try:
        from numba import njit
    except ImportError:
        raise SettingsError("numba is missing; install neurokit's extra `fast`, or go without it.") from None
    return njit(nogil=True, fastmath={"reassoc", "contract"})(unwrap(loop))  # tests wrap checks around all


def read_loop(table: Any, positions: Any, drives: Any, weights: Any) -> None:
    """Fills the drives (B N) from table (B H W C), positions (B N 2) and weights (N C)."""
    B, H, W, C = table.shape
    half_width, half_height, one = np.float32((W - 1) / 2), np.float32((H - 1) / 2), np.float32(1)
    for image in range(B):
        for neuron in range(len(weights)):
            x = (positions[image, neuron, 0] + one) * half_width  # as torch rounds it
            y = (positions[image, neuron, 1] + one) * half_height
            left, top = np.floor(x), np.floor(y)
            right_share, low_share = x - left, y - top
            drive = np.float32(0)
            for corner in range(4):
                right, low = corner % 2, corner // 2
                share = (right_share if right else one - right_share) * (
                    low_share if low else one - low_share
                )
                dot = np.float32(0)
                if 0 <= left + right < W and 0 <= top + low < H:
                    pixel = table[image, int(top) + low, int(left) + right]
                    for channel in range(C):
                        dot += pixel[channel] * weights[neuron, channel]
                drive += share * dot
            drives[image, neuron] = drive


def read_gradient_loop(
    table: Any,
    positions: Any,
    gradient: Any,
    of_table: Any,
    of_positions: Any,
    weights: Any,
    of_weights: Any,
) -> None:
    """Adds to the gradients of table and weights, and fills that of the positions."""
    B, H, W, C = table.shape
    half_width, half_height, one = np.float32((W - 1) / 2), np.float32((H - 1) / 2), np.float32(1)
    for image in range(B):
        for neuron in range(len(weights)):
            x = (positions[image, neuron, 0] + one) * half_width
            y = (positions[image, neuron, 1] + one) * half_height
            left, top = np.floor(x), np.floor(y)
            right_share, low_share = x - left, y - top
            of_x, of_y = np.float32(0), np.float32(0)
            for corner in range(4):
                right, low = corner % 2, corner // 2
                across = right_share if right else one - right_share
                down = low_share if low else one - low_share
                if 0 <= left + right < W and 0 <= top + low < H:
                    pixel = table[image, int(top) + low, int(left) + right]
                    of_pixel = of_table[image, int(top) + low, int(left) + right]
                    part = gradient[image, neuron] * across * down
                    dot = np.float32(0)
                    for channel in range(C):
                        dot += pixel[channel] * weights[neuron, channel]
                    for channel in range(C):
                        of_pixel[channel] += part * weights[neuron, channel]
                    for channel in range(C):
                        of_weights[neuron, channel] += part * pixel[channel]
                    of_x += down * dot if right else -down * dot
                    of_y += across * dot if low else -across * dot
            of_positions[image, neuron, 0] = gradient[image, neuron] * of_x * half_width
            of_positions[image, neuron, 1] = gradient[image, neuron] * of_y * half_height


def kernel_gradient_loop(padded: Any, gradient: Any, of_kernel: Any) -> None:
    """Adds to the gradient of the kernels (K K C): padded maps (B . . C) times gradient (B H W C)."""
    B, H, W, C = gradient.shape
    high, wide, _ = of_kernel.shape
    for image in range(B):
        for y in range(H):
            for row in range(high):
                for column in range(wide):
                    total = of_kernel[row, column]
                    for x in range(W):
                        for channel in range(C):
                            total[channel] += (
                                padded[image, y + row, x + column, channel] * gradient[image, y, x, channel]
                            )
