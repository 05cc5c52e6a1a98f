"""Modulation and core: from retinal images and behaviour to the maps that neurons read.

Modulation turns pupil radius and treadmill speed into the animal's state: a layer, then an LSTM that
remembers earlier behaviour. The core has blocks of causal convolutions, then a convolutional LSTM that also
reads the animal's state.

The feed-forward part convolves in space and time. In the recurrent part channels form groups; a group reads
the others through 1 x 1 maps and convolves on its own. The released core computes its gates by attention over
the map (`AttentionLSTM`, "CvT-LSTM"), the other one of the paper by a convolution (`ConvolutionLSTM`,
"Conv-LSTM").

Letters: T frames, B clips, S streams, G groups, C channels (D and E of other maps, M of the animal's state,
SM of all streams together), H x W map that goes in, h x w map that comes out.
"""

from abc import ABC, abstractmethod
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from neurokit.digital_twin.network.base import ClipState, UpdateRule
from neurokit.digital_twin.network.config import FoundationSettings
from neurokit.digital_twin.network.convolution import (
    CausalConvolution,
    InterGroup,
    Kernel,
    Perceptron,
    gelu,
    join_groups,
)

HALF = 0.5**0.5  # the gain of two terms whose sum has unit variance
THIRD = 3**-0.5  # the gain of three terms whose sum has unit variance
GATES = {"i": -1.0, "f": 1.0, "g": 0.0, "o": 0.0}  # their initial biases: remember, and write little


class DenseBlock(nn.Module):
    """Convolutions that also read the inputs of all earlier ones; returns input and all outputs."""

    def __init__(
        self, streams: int, channels: int, groups: int, layers: int, frames: int, kernel: int
    ) -> None:
        super().__init__()
        self.groups = groups
        gains = [1.0] + [HALF] * (layers - 1)
        layer = partial(CausalConvolution, groups=groups, kernel=kernel, frames=frames)
        self.convs = nn.ModuleList(layer(streams, channels, channels, gain=gain) for gain in gains)
        self.skips = nn.ModuleList([nn.Identity()])
        for before in range(1, layers):
            skip = CausalConvolution(
                streams, before * channels, channels, groups=groups, gain=HALF, bias=None
            )
            self.skips.append(skip)

    def forward(self, x: Float[Tensor, "T B C H W"], clip: ClipState) -> Float[Tensor, "T B D H W"]:
        """The block's input and the output of each of its layers, group by group."""
        groups = self.groups * len(clip.streams)
        active = [gelu(x)]
        outputs = [x, self.convs[0](active[0], clip)]
        for conv, skip in zip(self.convs[1:], self.skips[1:], strict=True):
            earlier = join_groups(*active, groups=groups)
            active.append(gelu(outputs[-1]))
            outputs.append(conv(active[-1], clip) + skip(earlier, clip))
        return join_groups(*outputs, groups=groups)


class Feedforward(nn.Module):
    """From the retinal image to maps of features; each sees thirteen frames at the released sizes."""

    def __init__(self, settings: FoundationSettings) -> None:
        super().__init__()
        self.pools = settings.pools
        streams, channels, groups, layers = (
            settings.streams,
            settings.channels,
            settings.groups,
            settings.layers,
        )
        first = CausalConvolution(
            streams,
            1,
            channels[0],
            out_groups=groups[0],
            kernel=settings.input_kernel,
            stride=settings.input_stride,
            standardise=False,
            gain=None,
            padding="replicate",
            shared_input=True,
        )
        wide = [c * (n + 1) for c, n in zip(channels, layers, strict=True)]
        later = [
            CausalConvolution(streams, before, after, out_groups=group)
            for before, after, group in zip(wide, channels[1:], groups[1:], strict=False)
        ]
        self.inputs = nn.ModuleList([first, *later])
        sizes = zip(channels, groups, layers, settings.frames, settings.kernel, strict=True)
        self.blocks = nn.ModuleList(DenseBlock(streams, *size) for size in sizes)
        self.out = CausalConvolution(streams, wide[-1], settings.features)

    def forward(self, x: Float[Tensor, "T B 1 H W"], clip: ClipState) -> Float[Tensor, "T B D h w"]:
        """Features of each frame."""
        for enter, block, pool in zip(self.inputs, self.blocks, self.pools, strict=True):
            x = block(enter(x, clip), clip)
            if pool > 1:
                x = functional.avg_pool2d(x.flatten(0, 1), pool).unflatten(0, x.shape[:2])
        return self.out(x, clip)


class Memory(nn.Module):
    """An LSTM in time for each stream, whose gates are standardised linear layers."""

    def __init__(self, streams: int, inputs: int, units: int) -> None:
        super().__init__()
        for gate, bias in GATES.items():
            self.add_module(f"proj_{gate}", CausalConvolution(streams, inputs + units, units, bias=bias))
        self.units = units

    def forward(self, x: Float[Tensor, "T B SC"], clip: ClipState) -> Float[Tensor, "T B SM"]:
        """The state h after each frame; before the first it is zero."""
        weight, bias = clip.compute_once(self, lambda: self._gates(clip))
        from_x, from_h = weight.split([weight.shape[-1] - self.units, self.units], dim=-1)
        x = x.unflatten(-1, (len(clip.streams), -1))
        drive = torch.einsum("tbsc,sgc->tsbg", x, from_x) + bias[:, None]  # of all frames at once
        h, c = clip.state.get(self) or (drive.new_zeros(*drive.shape[1:3], self.units),) * 2
        states = []
        for now in drive:
            i, f, g, o = torch.baddbmm(now, h, from_h.transpose(1, 2)).chunk(4, dim=-1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
            states.append(h)
        clip.state[self] = h, c
        return torch.stack(states).transpose(1, 2).flatten(2)

    def _gates(self, clip: ClipState) -> tuple[Float[Tensor, "S G C"], Float[Tensor, "S G"]]:
        """The weights and biases of all gates of each stream, concatenated."""
        streams = len(clip.streams)
        kernels = [getattr(self, f"proj_{gate}").kernel(clip.streams) for gate in GATES]
        weights = [kernel.weight.flatten(1).unflatten(0, (streams, -1)) for kernel in kernels]
        return torch.cat(weights, dim=1), torch.cat([k.bias.view(streams, -1) for k in kernels], dim=1)


class Modulation(nn.Module):
    """From pupil radius and treadmill speed to the animal's state that each stream's core reads."""

    def __init__(self, settings: FoundationSettings) -> None:
        super().__init__()
        width = settings.modulation_features
        self.mlp = Perceptron(settings.streams, 2, width, 1)
        self.lstm = Memory(settings.streams, width, settings.memory_features)

    def forward(self, behaviour: Float[Tensor, "T B 2"], clip: ClipState) -> Float[Tensor, "T B SM"]:
        """The LSTM's state after each frame."""
        return self.lstm(self.mlp(behaviour, clip), clip)


class GroupedLSTM(nn.Module, ABC):
    """The common part of both cores: projections, cell and output.

    Projections and output are computed for all frames at once; only the recurrence runs frame by frame.
    """

    def __init__(self, settings: FoundationSettings) -> None:
        super().__init__()
        streams, hidden, self.groups = settings.streams, settings.hidden, settings.heads
        self.hidden, self.dropout = hidden, settings.dropout
        third = partial(CausalConvolution, out_groups=self.groups, gain=THIRD)
        self.proj_x = nn.ModuleList(
            [
                InterGroup(streams, hidden, self.groups, THIRD),
                third(streams, settings.features, hidden),
                third(streams, settings.memory_features, hidden, bias=None),
            ]
        )
        self.out = CausalConvolution(streams, hidden, settings.outputs)

    @abstractmethod
    def gates(self, seen: Float[Tensor, "B C h w"], clip: ClipState) -> Float[Tensor, "B D h w"]:
        """All four gates of each group (i, f, g, o), before their sigmoids and tanh."""

    def forward(
        self, features: Float[Tensor, "T B D h w"], state: Float[Tensor, "T B M"], clip: ClipState
    ) -> Float[Tensor, "B T E h w"]:
        """The map that neurons read, clips first, from features and the animal's state."""
        groups = self.groups * len(clip.streams)
        drive = self.proj_x[1](features, clip) + self.proj_x[2](state[..., None, None], clip)
        h, c = clip.state.get(self) or (torch.zeros_like(drive[0]),) * 2
        keep_x, keep_h = clip.compute_once(self, lambda: self._masks(drive[0], clip))
        states = []
        for now in drive:
            x = (now + self.proj_x[0](h, clip)).tanh()
            gates = self.gates(join_groups(x * keep_x, h, groups=groups), clip)
            i, f, g, o = gates.unflatten(1, (groups, 4, -1)).unbind(2)
            c = (f.sigmoid() * c.unflatten(1, (groups, -1)) + i.sigmoid() * g.tanh()).flatten(1, 2)
            h = o.sigmoid().flatten(1, 2) * c.tanh() * keep_h
            states.append(h)
        clip.state[self] = h, c
        return self.out(torch.stack(states, dim=1), clip)

    def _masks(self, like: Tensor, clip: ClipState) -> tuple[Tensor | float, Tensor | float]:
        """Dropout masks of a clip in training, scaled to preserve the mean; 1 without dropout."""
        if not self.training or clip.noise is None or not self.dropout:
            return 1.0, 1.0
        chance = torch.rand(2, *like.shape[:2], generator=clip.generator).to(like)
        masks = (chance >= self.dropout).to(like) / (1 - self.dropout)
        return masks[0][..., None, None], masks[1][..., None, None]

    def _join_projections(self, names: tuple[str, ...], clip: ClipState) -> Kernel:
        """Several grouped projections of one input as one, with the outputs of each group in this order."""
        kernels = [getattr(self, f"proj_{name}").kernel(clip.streams) for name in names]
        groups = kernels[0].groups
        weights = [kernel.weight.unflatten(0, (groups, -1)) for kernel in kernels]
        bias = None
        if kernels[0].bias is not None:
            bias = torch.cat([kernel.bias.view(groups, -1) for kernel in kernels], dim=1).flatten()
        return Kernel(torch.cat(weights, dim=1).flatten(0, 1), bias, groups)


class ConvolutionLSTM(GroupedLSTM):
    """Gates by one grouped convolution."""

    proj_i: CausalConvolution

    def __init__(self, settings: FoundationSettings) -> None:
        super().__init__(settings)
        for gate, bias in GATES.items():
            convolution = CausalConvolution(
                settings.streams,
                2 * settings.hidden,
                settings.hidden,
                groups=settings.heads,
                kernel=settings.recurrent_kernel,
                bias=bias,
            )
            self.add_module(f"proj_{gate}", convolution)
        self.pad = settings.recurrent_kernel // 2

    def gates(self, seen: Float[Tensor, "B C h w"], clip: ClipState) -> Float[Tensor, "B D h w"]:
        """All four gates of each group."""
        kernel = clip.compute_once(self.proj_i, lambda: self._join_projections(tuple(GATES), clip))
        return functional.conv2d(
            seen, kernel.weight[:, :, 0], kernel.bias, padding=self.pad, groups=kernel.groups
        )


class AttentionLSTM(GroupedLSTM):
    """Gates from the surround of each position, and from similar positions elsewhere.

    Queries and keys have unit length; a learned scale of each channel of the queries acts as temperature.
    """

    proj_i: CausalConvolution
    proj_q: CausalConvolution

    def __init__(self, settings: FoundationSettings) -> None:
        super().__init__(settings)
        streams, hidden, common, groups = (
            settings.streams,
            settings.hidden,
            settings.common,
            settings.heads,
        )
        plain = partial(CausalConvolution, groups=groups, gain=None, bias=None)
        self.conv = plain(streams, 2 * hidden, common, kernel=settings.recurrent_kernel)
        self.scales = nn.ParameterList(torch.ones(groups, common // groups) for _ in range(streams))
        for name in "qkv":
            self.add_module(f"proj_{name}", plain(streams, common, common))
        for gate, bias in GATES.items():
            projection = CausalConvolution(streams, 2 * common, hidden, groups=groups, bias=bias)
            self.add_module(f"proj_{gate}", projection)

    def gates(self, seen: Float[Tensor, "B C h w"], clip: ClipState) -> Float[Tensor, "B D h w"]:
        """All four gates of each group."""
        to_gates = clip.compute_once(self.proj_i, lambda: self._join_projections(tuple(GATES), clip))
        around = self.conv(seen[None], clip)[0]
        elsewhere = self._attend(around, clip)
        both = join_groups(around, elsewhere, groups=to_gates.groups)
        return functional.conv2d(both, to_gates.weight[:, :, 0], to_gates.bias, groups=to_gates.groups)

    def _attend(self, around: Float[Tensor, "B C h w"], clip: ClipState) -> Float[Tensor, "B C h w"]:
        projected = clip.compute_once(self.proj_q, lambda: self._join_projections(("q", "k", "v"), clip))
        scale = clip.compute_once(self.scales, lambda: torch.cat([self.scales[s] for s in clip.streams]))
        together = functional.conv2d(around, projected.weight[:, :, 0], groups=projected.groups)
        heads = together.movedim(1, -1).flatten(1, 2).unflatten(-1, (projected.groups, 3, -1))  # B hw G 3 C
        query, key, value = heads.permute(3, 0, 2, 1, 4)
        query = functional.normalize(query, dim=-1) * scale[:, None]
        key = functional.normalize(key, dim=-1)
        found = functional.scaled_dot_product_attention(query, key, value, scale=1.0)  # B G hw C
        return found.transpose(1, 2).flatten(2).unflatten(1, around.shape[-2:]).movedim(-1, 1)

    def update_rules(self) -> dict[str, UpdateRule]:
        """Scales do not decay; they are clipped group by group."""
        return {f"scales.{stream}": UpdateRule(False, (1,)) for stream in range(len(self.scales))}


RECURRENT = {"attention": AttentionLSTM, "convolution": ConvolutionLSTM}


class Core(nn.Module):
    """From retinal images and the animal's state to the maps that neurons read."""

    def __init__(self, settings: FoundationSettings) -> None:
        super().__init__()
        self.feedforward = Feedforward(settings)
        self.recurrent = RECURRENT[settings.recurrence](settings)

    def forward(
        self, image: Float[Tensor, "T B 1 h w"], state: Float[Tensor, "T B M"], clip: ClipState
    ) -> Float[Tensor, "B T D x y"]:
        """Maps of all running streams, clips first."""
        return self.recurrent(self.feedforward(image, clip), state, clip)
