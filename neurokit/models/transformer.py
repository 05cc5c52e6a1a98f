"""V1 Transformer: from a snippet of movie and running speed to the activity of each neuron.

A frame is cut into patches, and attention compares them (Dosovitskiy et al., ICLR 2021); their mean
describes the frame. Running speed scales and shifts that description (FiLM: Perez et al., AAAI 2018).
Attention then compares the frames of the snippet, and a linear layer reads all neurons from their mean, or
from each frame. The parts are those of the public description of the model; how they are made is ours.

Letters: B snippets, T frames of a snippet, H x W pixels, P patches of a frame, D width, N neurons; and for
attention in general A sequences of L tokens, h heads.
"""

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from neurokit.errors import DataError
from neurokit.features.snippets import SnippetBatch
from neurokit.models.transformer_settings import TransformerSettings

POSITION_SD = 0.02  # of learned positions at the start, as in vision transformers


class Attention(nn.Module):
    """Multi-head self-attention; with `causal` a token attends only to itself and those before it."""

    def __init__(self, width: int, heads: int, dropout: float, causal: bool = False) -> None:
        super().__init__()
        self.heads, self.dropout, self.causal = heads, dropout, causal
        self.query_key_value = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)

    def forward(self, tokens: Float[Tensor, "A L D"]) -> Float[Tensor, "A L D"]:
        """softmax(q k' / sqrt(d)) v per head, in torch's fastest form for the device."""
        q, k, v = rearrange(
            self.query_key_value(tokens), "A L (three h d) -> three A h L d", three=3, h=self.heads
        )
        dropout = self.dropout if self.training else 0.0
        mixed = F.scaled_dot_product_attention(q, k, v, dropout_p=dropout, is_causal=self.causal)
        return self.output(rearrange(mixed, "A h L d -> A L (h d)"))


class Block(nn.Module):
    """Attention, then a perceptron on each token; each reads the tokens normalised and adds to them."""

    def __init__(self, settings: TransformerSettings, causal: bool = False) -> None:
        super().__init__()
        width, hidden = settings.width, settings.expansion * settings.width
        self.before_attention, self.before_perceptron = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, settings.heads, settings.dropout, causal)
        self.perceptron = nn.Sequential(
            nn.Linear(width, hidden), nn.GELU(), nn.Dropout(settings.dropout), nn.Linear(hidden, width)
        )
        self.dropout = nn.Dropout(settings.dropout)

    def forward(self, tokens: Float[Tensor, "A L D"]) -> Float[Tensor, "A L D"]:
        """The tokens with what both have added."""
        tokens = tokens + self.dropout(self.attention(self.before_attention(tokens)))
        return tokens + self.dropout(self.perceptron(self.before_perceptron(tokens)))


class FrameEncoder(nn.Module):
    """Describes each frame by itself: patches, their positions, attention between them, their mean.

    Registers take part in attention and are left out of the mean.
    """

    def __init__(self, settings: TransformerSettings) -> None:
        super().__init__()
        self.patches = nn.Conv2d(1, settings.width, settings.patch, stride=settings.patch)
        self.positions = _learned(settings.patches, settings.width)
        self.registers = _learned(settings.registers, settings.width)
        self.blocks = nn.Sequential(*(Block(settings) for _ in range(settings.spatial_layers)))

    def forward(self, frames: Float[Tensor, "B T H W"]) -> Float[Tensor, "B T D"]:
        """One description per frame, blind to all other frames."""
        B, T = frames.shape[:2]
        patches = self.patches(frames.flatten(0, 1)[:, None])  # B*T D H/p W/p
        tokens = self.between(patches.flatten(2).mT + self.positions)  # B*T P D
        return tokens.mean(dim=1).unflatten(0, (B, T))

    def between(self, tokens: Float[Tensor, "A P D"]) -> Float[Tensor, "A P D"]:
        """The patches of each frame after attention between them and the registers."""
        registers = self.registers.expand(len(tokens), -1, -1)
        return self.blocks(torch.cat([tokens, registers], dim=1))[:, : tokens.shape[1]]


class Film(nn.Module):
    """Running scales and shifts each number of a frame's description; at the start it does nothing."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.of_running = _perceptron_from_zero(width, 2 * width)

    def forward(
        self, frames: Float[Tensor, "B T D"], running: Float[Tensor, "B T 2"]
    ) -> Float[Tensor, "B T D"]:
        """The descriptions times 1 + gain, plus an offset."""
        gain, offset = self.of_running(running).chunk(2, dim=-1)  # B T D each
        return frames * (1 + gain) + offset


class Additive(nn.Module):
    """Running shifts each number of a frame's description; at the start it does nothing."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.of_running = _perceptron_from_zero(width, width)

    def forward(
        self, frames: Float[Tensor, "B T D"], running: Float[Tensor, "B T 2"]
    ) -> Float[Tensor, "B T D"]:
        """The descriptions plus an offset."""
        return frames + self.of_running(running)


MODULATIONS = {"film": Film, "additive": Additive}


class V1Transformer(nn.Module):
    """The whole model; weights are drawn from torch's global generator, `build` takes a seed."""

    def __init__(self, neurons: int, settings: TransformerSettings) -> None:
        super().__init__()
        self.settings = settings
        self.frame_encoder = FrameEncoder(settings)
        self.modulation = MODULATIONS[settings.running](settings.width) if settings.running else None
        self.times = _learned(settings.snippet, settings.width)
        layers = range(settings.temporal_layers)
        self.time_encoder = nn.Sequential(*(Block(settings, settings.causal) for _ in layers))
        self.norm = nn.LayerNorm(settings.width)
        self.readout = nn.Linear(settings.width, neurons)

    def forward(
        self, frames: Float[Tensor, "B T H W"], running: Float[Tensor, "B T 2"] | None = None
    ) -> Float[Tensor, "B N"] | Float[Tensor, "B T N"]:
        """Activity in the unit of the targets: after each snippet, or at each of its frames.

        `frames` are standardised; `running` is the z-scored speed and whether it was measured, and is not
        read by a model without modulation. There may be fewer frames than a snippet has, never more.
        Raises DataError without the running that the model reads.
        """
        described = self.frame_encoder(frames)  # B T D
        if self.modulation is not None:
            if running is None:
                raise DataError("running is missing; give it, or build the model with running=None.")
            described = self.modulation(described, running)
        described = self.time_encoder(described + self.times[: frames.shape[1]])
        if self.settings.head == "pooled":
            described = described.mean(dim=1)  # B D
        return self.readout(self.norm(described))


def build(neurons: int, settings: TransformerSettings, *, seed: int) -> V1Transformer:
    """An untrained model, its weights drawn from `seed`; the global generators are left as they were."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return V1Transformer(neurons, settings)


def absolute_error(model: nn.Module, batch: SnippetBatch) -> tuple[Tensor, Tensor]:
    """The sum of absolute errors and their number, whose quotient `fit` makes small.

    Activity is sparse, so a constant near the median does well by it: it trains, correlations judge.
    """
    error = model(batch.frames, batch.running) - batch.responses
    return error.abs().sum(), error.new_full((), error.numel())


def _learned(tokens: int, width: int) -> nn.Parameter:
    return nn.Parameter(POSITION_SD * torch.randn(tokens, width))


def _perceptron_from_zero(width: int, outputs: int) -> nn.Sequential:
    """From speed and whether it was measured to `outputs` numbers that are all zero before training."""
    last = nn.Linear(width, outputs)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(nn.Linear(2, width), nn.GELU(), last)
