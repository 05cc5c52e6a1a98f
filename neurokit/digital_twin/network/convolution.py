"""Causal convolutions, and stacks of linear layers in time, for several streams at once.

Kernels are standardised, one set of weights per stream. The kernel of an output channel has mean 0 and unit
norm, times a gain that is learned (weight standardisation, Qiao et al., 2019, as in NFNets: Brock et al.,
ICLR 2021). With activations scaled to preserve the variance, signals have the same size throughout the
network without batch statistics.

Letters: T frames, B clips, S streams, G groups, C channels and H x W map before a layer, D channels and
h x w map after it, K pixels and F frames of a kernel.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from neurokit.digital_twin.network.base import ClipState, UpdateRule

GELU_SCALE = 1.7015043  # preserves the variance of standard normal input (Brock et al., ICLR 2021)
EPSILON = 1e-5


def gelu(x: Tensor) -> Tensor:
    """Exact GELU, scaled to preserve the variance of standard normal input."""
    return functional.gelu(x) * GELU_SCALE


def join_groups(*parts: Tensor, groups: int) -> Tensor:
    """Joins maps along channels group by group; T B C H W, or B C H W."""
    # Channels are last in memory, so they are joined there.
    split = [part.movedim(-3, -1).unflatten(-1, (groups, -1)) for part in parts]
    return torch.cat(split, dim=-1).flatten(-2).movedim(-1, -3)


def standardise(weight: Tensor, over: tuple[int, ...]) -> Tensor:
    """Mean 0 over the dimensions `over`, and unit norm where the variance is well above 1e-5."""
    variance, mean = torch.var_mean(weight, dim=over, correction=0, keepdim=True)
    fan_in = prod(
        [weight.shape[dimension] for dimension in over]
    )  # torch.compile does not support generators
    return (weight - mean) * torch.rsqrt(variance * fan_in + EPSILON)


@dataclass(frozen=True, eq=False)
class Kernel:
    """The kernel of a convolution: the standardised weights of all streams, concatenated."""

    weight: Float[Tensor, "out in F K K"]
    bias: Float[Tensor, "out"] | None
    groups: int


class CausalConvolution(nn.Module):
    """A grouped convolution in space and past time, for several of its streams at once.

    Channels of a map are ordered by stream, then group. With `shared_input` all streams read the same
    channels. `gain` and `bias` are initial values; None omits them. `out_groups` groups their channels for
    clipping (default: as the convolution).
    """

    def __init__(
        self,
        streams: int,
        inputs: int,
        outputs: int,
        *,
        groups: int = 1,
        out_groups: int | None = None,
        kernel: int = 1,
        stride: int = 1,
        frames: int = 1,
        standardise: bool = True,
        gain: float | None = 1.0,
        bias: float | None = 0.0,
        padding: Literal["zeros", "replicate"] = "zeros",
        shared_input: bool = False,
    ) -> None:
        super().__init__()
        self.groups, self.stride, self.padding = groups, stride, padding
        self.standardise, self.shared_input = standardise, shared_input
        self.frames, self.pad = frames, (kernel - stride) // 2
        shape = (outputs, inputs // groups, frames, kernel, kernel)
        channels = (out_groups or groups, outputs // (out_groups or groups))
        bound = ((1 if standardise else 3) / prod(shape[1:])) ** 0.5
        self.weights = nn.ParameterList(torch.empty(shape).uniform_(-bound, bound) for _ in range(streams))
        if gain is not None:
            self.gains = nn.ParameterList(torch.full(channels, gain) for _ in range(streams))
        if bias is not None:
            self.biases = nn.ParameterList(torch.full(channels, bias) for _ in range(streams))

    def zero_init(self) -> "CausalConvolution":
        """Sets all weights to zero; returns itself."""
        for weight in self.weights:
            nn.init.zeros_(weight)
        return self

    def kernel(self, streams: Sequence[int]) -> Kernel:
        """The kernel of these streams."""
        weight = torch.cat([self._stream_weight(stream) for stream in streams])
        bias = torch.cat([self.biases[s].flatten() for s in streams]) if hasattr(self, "biases") else None
        return Kernel(weight, bias, self.groups * (1 if self.shared_input else len(streams)))

    def _stream_weight(self, stream: int) -> Float[Tensor, "out in F K K"]:
        weight = self.weights[stream]
        if self.standardise:
            weight = standardise(weight, (1, 2, 3, 4))
        if hasattr(self, "gains"):
            weight = weight * self.gains[stream].view(-1, 1, 1, 1, 1)
        return weight

    def forward(self, x: Float[Tensor, "T B C H W"], clip: ClipState) -> Float[Tensor, "T B D h w"]:
        """The map of each frame, from it and earlier frames; zeros come before the first."""
        kernel = clip.compute_once(self, lambda: self.kernel(clip.streams))
        batch, frames = x.shape[1], x.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        seen = self._with_past(frames, batch, clip)
        # Frames are first in memory, so each shifted view is one batch and nothing is copied.
        maps = self._frame(seen[: len(frames)], kernel, 0, kernel.bias)
        for age in range(1, self.frames):
            first = age * batch
            maps = maps + self._frame(seen[first : first + len(frames)], kernel, age, None)
        return maps.unflatten(0, (-1, batch))

    def _with_past(
        self, x: Float[Tensor, "TB C H W"], batch: int, clip: ClipState
    ) -> Float[Tensor, "tB C H W"]:
        if self.frames == 1:
            return x
        before = (self.frames - 1) * batch
        past = clip.state.get(self)
        past = torch.zeros_like(x[:1]).expand(before, -1, -1, -1) if past is None else past
        seen = torch.cat([past, x])
        clip.state[self] = seen[len(x) :].clone()  # a view would hold all frames in memory
        return seen

    def _frame(self, x: Tensor, kernel: Kernel, age: int, bias: Tensor | None) -> Tensor:
        pad = self.pad
        if pad and self.padding == "replicate":
            x, pad = functional.pad(x, (pad,) * 4, mode="replicate"), 0
        return functional.conv2d(x, kernel.weight[:, :, age], bias, self.stride, pad, 1, kernel.groups)

    def update_rules(self) -> dict[str, UpdateRule]:
        """Weights decay and are clipped by output channel; gains and biases by group, without decay."""
        weight = UpdateRule(decay=True, norm_over=(1, 2, 3, 4))
        channel = UpdateRule(decay=False, norm_over=(1,))
        return {
            name: weight if name.startswith("weights") else channel for name, _ in self.named_parameters()
        }


class InterGroup(nn.Module):
    """Lets each group of channels read all other groups, pixel by pixel."""

    mask: Bool[Tensor, "G G 1 1"]
    zero: Float[Tensor, "G G c c"]

    def __init__(self, streams: int, channels: int, groups: int, gain: float) -> None:
        super().__init__()
        width = channels // groups
        bound = (width * (groups - 1)) ** -0.5
        shape = (groups, groups - 1, width, width)
        self.weights = nn.ParameterList(torch.empty(shape).uniform_(-bound, bound) for _ in range(streams))
        self.gains = nn.ParameterList(torch.full((groups, width), gain) for _ in range(streams))
        # Both buffers are constants; the released files hold them under these names.
        self.register_buffer("mask", ~torch.eye(groups, dtype=torch.bool)[:, :, None, None])
        self.register_buffer("zero", torch.zeros(groups, groups, width, width))

    def kernel(self, streams: Sequence[int]) -> Kernel:
        """As one 1 x 1 convolution of all channels for each stream, zero within a group."""
        weight = torch.cat([self._stream_weight(stream) for stream in streams])
        return Kernel(weight[:, :, None, None, None], None, len(streams))

    def _stream_weight(self, stream: int) -> Float[Tensor, "C C"]:
        weight = standardise(self.weights[stream], (1, 3)) * self.gains[stream][:, None, :, None]
        full = self.zero.masked_scatter(self.mask, weight)  # group, from group, channel, from channel
        return full.transpose(1, 2).flatten(2, 3).flatten(0, 1)

    def forward(self, x: Float[Tensor, "B C H W"], clip: ClipState) -> Float[Tensor, "B C H W"]:
        """What the groups read from one another."""
        kernel = clip.compute_once(self, lambda: self.kernel(clip.streams))
        return functional.conv2d(x, kernel.weight[:, :, 0], groups=kernel.groups)

    def update_rules(self) -> dict[str, UpdateRule]:
        """Weights decay and are clipped by output channel; gains by group, without decay."""
        weight, gain = UpdateRule(True, (1, 3)), UpdateRule(False, (1,))
        return {name: weight if name.startswith("weights") else gain for name, _ in self.named_parameters()}


class Perceptron(nn.Module):
    """Hidden layers, each followed by a scaled GELU, and a linear output where `outputs` is given.

    The first layer is not standardised and starts silent, so that at first nothing depends on the input.
    """

    def __init__(
        self, streams: int, inputs: int, hidden: int, layers: int, outputs: int | None = None
    ) -> None:
        super().__init__()
        first = CausalConvolution(
            streams, inputs, hidden, standardise=False, gain=None, shared_input=True
        ).zero_init()
        widths = [hidden] * (layers - 1) + ([] if outputs is None else [outputs])
        later = [CausalConvolution(streams, hidden, width) for width in widths]
        self.linears = nn.ModuleList([first, *later])
        self.hidden_layers = layers

    def forward(self, x: Float[Tensor, "T B C"], clip: ClipState) -> Float[Tensor, "T B D"]:
        """Output of each frame."""
        x = x[..., None, None]
        for number, linear in enumerate(self.linears):
            x = linear(x, clip)
            x = gelu(x) if number < self.hidden_layers else x
        return x[..., 0, 0]
