"""V1 Transformer, and the small network that it has to beat: from a clip of movie and running to activity.

A frame is cut into patches, and attention compares them (Dosovitskiy et al., ICLR 2021); a linear layer over
all of them describes the frame. Running speed scales and shifts that description (FiLM: Perez et al., AAAI
2018). Attention then compares the frames of the clip, and a linear layer reads all neurons from their
mean, or from each frame. Attention blocks are those of vision transformers (Dosovitskiy et al.). The parts
are those of the public description of the model; how they are made is ours.

The small network has two convolutions over time, height and width, and a linear layer from all their answers
to every neuron (in kind that of Sinz et al., NeurIPS 2018, without recurrence and factorised readout). It
reads no running.

Letters: U distinct frames, each in C frames, E clips (end frames), T frames of a clip, R repeats, H x W
pixels, P patches of a frame, D width, N neurons, A sequences of L tokens, h heads of d numbers each.
"""

from collections.abc import Callable, Sequence
from typing import Any, SupportsIndex

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor, nn

from neurokit.config import Seed, check_value
from neurokit.errors import DataError
from neurokit.models.motion_patches import MotionPatches
from neurokit.training.predict import evaluating
from neurokit.v1_transformer.clips import ClipBatch, Clips
from neurokit.v1_transformer.config import TransformerSettings

POSITION_SD = 0.02  # of learned positions at the start, as in vision transformers
CNN_CHANNELS = (16, 32)
CNN_KERNELS = ((3, 7, 7), (3, 5, 5))  # frames, rows, columns
CNN_STRIDES = ((1, 2, 2), (2, 2, 2))


class Attention(nn.Module):
    """Multi-head self-attention; with `causal` a token attends only to itself and those before it."""

    def __init__(self, width: int, heads: int, causal: bool = False) -> None:
        super().__init__()
        self.heads, self.causal = heads, causal
        self.query_key_value = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)

    def forward(self, tokens: Float[Tensor, "A L D"]) -> Float[Tensor, "A L D"]:
        """softmax(q k' / sqrt(d)) v per head, in torch's fastest form for the device."""
        q, k, v = rearrange(
            self.query_key_value(tokens), "A L (three h d) -> three A h L d", three=3, h=self.heads
        )
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        return self.output(rearrange(mixed, "A h L d -> A L (h d)"))


class Block(nn.Module):
    """Attention, then a perceptron on each token; each reads the tokens normalised and adds to them.

    At the start both add nothing, so that a model begins simple: a linear readout of its patches.
    """

    def __init__(self, settings: TransformerSettings, causal: bool = False) -> None:
        super().__init__()
        width, hidden = settings.width, settings.expansion * settings.width
        self.before_attention, self.before_perceptron = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, settings.heads, causal)
        into, back = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.perceptron = nn.Sequential(into, nn.GELU(), back)
        self.dropout = nn.Dropout(settings.dropout)
        for last in (self.attention.output, back):
            silence(last)

    def forward(self, tokens: Float[Tensor, "A L D"]) -> Float[Tensor, "A L D"]:
        """The tokens with what both have added."""
        tokens = tokens + self.dropout(self.attention(self.before_attention(tokens)))
        return tokens + self.dropout(self.perceptron(self.before_perceptron(tokens)))


def silence(layer: nn.Linear) -> None:
    """Sets a layer to answer 0, until training changes that."""
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)


class FrameEncoder(nn.Module):
    """Describes each frame by itself: patches, their positions, attention between them, all of them mixed.

    Cells look at places, so what the patches say is not averaged: a linear layer reads them side by side.
    Registers take part in attention and are not read.
    """

    def __init__(self, settings: TransformerSettings) -> None:
        super().__init__()
        rows, columns = settings.grid
        self.patches = MotionPatches(settings.width, 1 + settings.before, settings.patch, settings.step)
        if settings.start == "gabor":
            self.patches.start_at_gabors()
        self.positions = _draw_tokens(rows * columns, settings.width)
        self.registers = _draw_tokens(settings.registers, settings.width)
        self.blocks = nn.Sequential(*(Block(settings) for _ in range(settings.spatial_layers)))
        self.dropout = nn.Dropout(settings.patch_dropout)
        self.mixed = nn.Linear(rows * columns * settings.width, settings.width)

    def forward(self, frames: Float[Tensor, "U C H W"]) -> Float[Tensor, "U D"]:
        """One description per frame, blind to all other frames."""
        tokens = self.between(self.patches(frames) + self.positions)  # U P D
        return self.mixed(self.dropout(tokens.flatten(1)))

    def between(self, tokens: Float[Tensor, "U P D"]) -> Float[Tensor, "U P D"]:
        """The patches of each frame after attention between them and the registers."""
        registers = self.registers.expand(len(tokens), -1, -1)
        return self.blocks(torch.cat([tokens, registers], dim=1))[:, : tokens.shape[1]]


class Film(nn.Module):
    """Running scales and shifts each number of a frame's description; at the start it does nothing."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.of_running = _perceptron_from_zero(width, 2 * width)

    def forward(
        self, frames: Float[Tensor, "E T D"], running: Float[Tensor, "R E T 2"]
    ) -> Float[Tensor, "R E T D"]:
        """The descriptions times 1 + gain, plus an offset."""
        gain, offset = self.of_running(running).chunk(2, dim=-1)  # R E T D each
        return frames * (1 + gain) + offset


class Additive(nn.Module):
    """Running shifts each number of a frame's description; at the start it does nothing."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.of_running = _perceptron_from_zero(width, width)

    def forward(
        self, frames: Float[Tensor, "E T D"], running: Float[Tensor, "R E T 2"]
    ) -> Float[Tensor, "R E T D"]:
        """The descriptions plus an offset."""
        return frames + self.of_running(running)


MODULATIONS = {"film": Film, "additive": Additive}


class V1Transformer(nn.Module):
    """The complete model.

    Settings may be a plain dictionary, as `configuration` gives them, so that a checkpoint can make the model
    anew. Weights are drawn from torch's global generator; `build` takes a seed.
    """

    def __init__(self, neurons: int, settings: TransformerSettings | dict[str, Any]) -> None:
        super().__init__()
        if isinstance(settings, dict):
            settings = TransformerSettings.from_dict(settings)
        self.settings = settings
        self.frame_encoder = FrameEncoder(settings)
        self.modulation = MODULATIONS[settings.running](settings.width) if settings.running else None
        self.times = nn.Parameter(_sinusoids(settings.clip_length, settings.width))
        self.recency = _recency(settings) if settings.head == "pooled" else None
        layers = range(settings.temporal_layers)
        self.time_encoder = nn.Sequential(*(Block(settings, settings.causal) for _ in layers))
        self.norm = nn.LayerNorm(settings.width)
        self.readout = nn.Linear(settings.width, neurons)

    def forward(
        self,
        frames: Float[Tensor, "U C H W"],
        shown: Int[Tensor, "E T"],
        running: Float[Tensor, "R E T 2"] | None = None,
    ) -> Float[Tensor, "#R E N"] | Float[Tensor, "#R E T N"]:
        """Activity in the unit of the targets, in each repeat: after each clip, or at each of its frames.

        `frames` are standardised and distinct; a clip shows those that its row of `shown` names. `running`
        is the z-scored speed and whether it was measured. A model without modulation does not read it, and
        its one answer serves all repeats (R is 1). There may be fewer frames than a clip has, never more.
        Raises DataError without the running that the model reads.
        """
        described = self.frame_encoder(frames)[shown]  # E T D
        if self.modulation is None:
            return self._answers(described[None])
        if running is None:
            raise DataError("running is missing; give it, or build the model with running=None.")
        return self._answers(self.modulation(described, running))

    @property
    def configuration(self) -> dict[str, Any]:
        """What makes this model anew, as JSON can hold it: `V1Transformer(**configuration)`."""
        return {"neurons": self.readout.out_features, "settings": self.settings.to_dict()}

    def _answers(self, described: Float[Tensor, "R E T D"]) -> Tensor:
        T = described.shape[2]
        compared = self.time_encoder(described.flatten(0, 1) + self.times[:T])  # R*E T D
        if self.recency is not None:
            compared = self.recency[-T:].softmax(dim=0) @ compared  # R*E D
        return self.readout(self.norm(compared)).unflatten(0, described.shape[:2])


def _draw_tokens(tokens: int, width: int) -> nn.Parameter:
    return nn.Parameter(POSITION_SD * torch.randn(tokens, width))


def _recency(settings: TransformerSettings) -> nn.Parameter:
    """Logs of the weights over time, falling by 1 in `memory` frames."""
    return nn.Parameter(torch.arange(1.0 - settings.clip_length, 1) / (settings.memory or torch.inf))


def _sinusoids(places: int, width: int) -> Float[Tensor, "L D"]:
    """Sines and cosines of the place, of wavelengths from 4 places up (Vaswani et al., NeurIPS 2017)."""
    rate = torch.pi / 2 * (4 * places) ** (-torch.linspace(0, 1, width - width // 2))
    angle = torch.arange(places)[:, None] * rate
    return torch.cat([angle.sin(), angle.cos()[:, : width // 2]], dim=1)


def _perceptron_from_zero(width: int, outputs: int) -> nn.Sequential:
    """From speed and whether it was measured to `outputs` numbers that are all zero before training."""
    last = nn.Linear(width, outputs)
    silence(last)
    return nn.Sequential(nn.Linear(2, width), nn.GELU(), last)


class MovieCNN(nn.Module):
    """Called as a `V1Transformer` is; its one answer serves all repeats. Draws from torch's generator."""

    def __init__(self, neurons: int, frame: Sequence[int], clip_length: int) -> None:
        super().__init__()
        self.frame, self.clip_length = tuple(frame), clip_length
        first, second = CNN_CHANNELS
        self.layers = nn.Sequential(
            nn.Conv3d(1, first, CNN_KERNELS[0], CNN_STRIDES[0]),
            nn.BatchNorm3d(first),
            nn.ELU(),
            nn.Conv3d(first, second, CNN_KERNELS[1], CNN_STRIDES[1]),
            nn.BatchNorm3d(second),
            nn.ELU(),
            nn.Flatten(),
            nn.Dropout(0.5),
        )
        with torch.no_grad():
            found = self.layers(torch.zeros(2, 1, clip_length, *frame)).shape[1]
        self.readout = nn.Linear(found, neurons)

    @property
    def configuration(self) -> dict[str, Any]:
        """What makes this model anew, as JSON can hold it: `MovieCNN(**configuration)`."""
        neurons = self.readout.out_features
        return {"neurons": neurons, "frame": list(self.frame), "clip_length": self.clip_length}

    def forward(
        self, frames: Float[Tensor, "U C H W"], shown: Int[Tensor, "E T"], running: Tensor | None = None
    ) -> Float[Tensor, "1 E N"]:
        """Activity after each clip, in the unit of the targets; `running` is not read."""
        clips = rearrange(frames[shown][:, :, -1], "E T H W -> E 1 T H W")  # the C - 1 before are T's own
        return self.readout(self.layers(clips))[None]


def build(neurons: int, settings: TransformerSettings, *, seed: SupportsIndex) -> V1Transformer:
    """An untrained model, its weights drawn from `seed`; the global generators are left as they were."""
    with torch.random.fork_rng():
        torch.manual_seed(check_value("seed", seed, Seed))
        return V1Transformer(neurons, settings)


def absolute_error(model: nn.Module, batch: ClipBatch) -> tuple[Tensor, Tensor]:
    """The sum of absolute errors and their number, whose quotient `fit` makes small.

    Activity is sparse, so a constant near the median does well by it: it trains, correlations judge.
    """
    error = model(batch.frames, batch.shown, batch.running) - batch.responses
    return error.abs().sum(), error.new_full((), error.numel())


class PartLoss:
    """The loss on a part that is not trained on, for `fit` to choose the best weights by."""

    def __init__(
        self,
        clips: Clips,
        loss: Callable[[nn.Module, ClipBatch], tuple[Tensor, Tensor]],
        part: str = "validation",
        size: int = 64,
    ) -> None:
        self.clips, self.loss, self.part, self.size = clips, loss, part, size

    def fingerprint(self) -> str:
        """Which clips."""
        return self.clips.fingerprint() + self.part

    def __call__(self, model: nn.Module) -> float:
        """The loss per number, measured in evaluation mode."""
        with evaluating(model), torch.no_grad():
            batches = self.clips.batches(self.part, self.size)
            parts = [torch.stack(self.loss(model, batch)) for batch in batches]
        total, number = torch.stack(parts).sum(dim=0)
        return float(total / number)


def answer(model: nn.Module, batch: ClipBatch) -> Tensor:
    """What the model says of a batch, in the shape of its responses; one answer may serve all repeats.

    Raises DataError for an answer of another shape, which an error would broadcast.
    """
    found, wanted = model(batch.frames, batch.shown, batch.running), batch.responses.shape
    if found.shape[1:] != wanted[1:] or found.shape[0] not in (1, wanted[0]):
        raise DataError(
            f"{type(model).__name__} answers {tuple(found.shape)} where the responses are {tuple(wanted)} "
            "(repeats, end frames, cells): use a model of these cells that answers in that shape."
        )
    return found
