"""The feed-forward part of the core: blocks of causal convolutions in space and time.

Letters: T frames, B clips, S streams, C channels, H x W map.
"""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from neurokit.models.foundation.convolution import CausalConvolution, gelu, grouped
from neurokit.models.foundation.sequence import Sequence
from neurokit.models.foundation.settings import FoundationSettings

HALF = 0.5**0.5  # the gain of either of two terms whose sum keeps its variance


class DenseBlock(nn.Module):
    """Convolutions each of which also sees what went into all earlier ones; hands on everything."""

    def __init__(
        self, streams: int, channels: int, groups: int, layers: int, frames: int, kernel: int
    ) -> None:
        super().__init__()
        self.groups = groups
        gains = [1.0] + [HALF] * (layers - 1)
        shape = {"groups": groups, "kernel": kernel, "frames": frames}
        self.convs = nn.ModuleList(
            CausalConvolution(streams, channels, channels, gain=gain, **shape) for gain in gains
        )
        self.skips = nn.ModuleList([nn.Identity()])
        for layer in range(1, layers):
            skip = CausalConvolution(streams, layer * channels, channels, groups=groups, gain=HALF, bias=None)
            self.skips.append(skip)

    def forward(self, x: Float[Tensor, "T B C H W"], sequence: Sequence) -> Float[Tensor, "T B D H W"]:
        """The block's input and the output of each of its layers, group by group."""
        groups = self.groups * len(sequence.streams)
        active = [gelu(x)]
        outputs = [x, self.convs[0](active[0], sequence)]
        for conv, skip in zip(self.convs[1:], self.skips[1:], strict=True):
            earlier = grouped(*active, groups=groups)
            active.append(gelu(outputs[-1]))
            outputs.append(conv(active[-1], sequence) + skip(earlier, sequence))
        return grouped(*outputs, groups=groups)


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

    def forward(self, x: Float[Tensor, "T B 1 H W"], sequence: Sequence) -> Float[Tensor, "T B D h w"]:
        """Features of each frame."""
        for enter, block, pool in zip(self.inputs, self.blocks, self.pools, strict=True):
            x = block(enter(x, sequence), sequence)
            if pool > 1:
                x = functional.avg_pool2d(x.flatten(0, 1), pool).unflatten(0, x.shape[:2])
        return self.out(x, sequence)
