"""A V1 Transformer's training step: attention in torch's own form against attention written out by hand.

    python benchmarks/speed_v1_transformer.py

Both sides are the same network with the same weights; by hand is softmax(q k' / sqrt(d)) v, with all weights
of attention in memory. There is no dropout anywhere. A step is forward, backward and AdamW, at three sizes:

- V1T's (Li et al., arXiv 2302.03023) as far as our parts allow: images of 36 x 64, patches of 8 x 8 at every
  pixel and one register, together 1654 tokens; four blocks of four heads, each head as wide as a token; a
  Gaussian readout of 8,000 neurons and the Poisson loss; 4 images. Our width is even and the perceptron a
  multiple of it, so they are 156 and 468 where V1T has 155 and 488.
- The same with heads as ours are, which share the width: 39 numbers each.
- `V1Transformer` by default: 44 patches of width 96 a frame and 16 frames, four heads of 24, two blocks for
  each; 64 clips in 2 repeats, as in training, of 200 neurons. Attention is a small part of this, and the
  aim is not to be slower.

Memory is what the peak of a fresh process grows by in its first step.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from unittest.mock import patch

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

import paired
from neurokit.sensorium.model import poisson_loss
from neurokit.sensorium.readout import FreePositions, GaussianReadout
from neurokit.v1_transformer.config import TransformerSettings
from neurokit.v1_transformer.model import Attention, FrameEncoder, V1Transformer

OURS = TransformerSettings(dropout=0.0, patch_dropout=0.0)
V1T = OURS.replace(
    frame=(36, 64), before=0, patch=8, step=1, width=156, spatial_layers=4, expansion=3, registers=1
)
SMALL = {"width": 8, "step": 8}  # of both, in the reduced size
AIMS = {  # at least so many times faster, and so many times less memory
    "V1T's sizes": (1.25, 2.0),
    "V1T's sizes, heads sharing the width": (1.25, 2.0),
    "V1Transformer by default": (0.95, 0.95),
}
TOLERANCE = 1e-5  # of a tensor's largest entry, in single precision
HAND, TORCH = "attention by hand", "neurokit"


@dataclass(frozen=True)
class Training:
    """A network, what it predicts of one batch, and how wrong that is."""

    network: nn.Module
    predict: Callable[[], Tensor]
    loss: Callable[[Tensor], Tensor]


class ImageTransformer(nn.Module):
    """V1T made of our parts: the blocks of a frame encoder, and a readout that looks at places."""

    def __init__(self, settings: TransformerSettings, neurons: int) -> None:
        super().__init__()
        self.encoder, self.grid = FrameEncoder(settings), settings.grid
        self.encoder.mixed = None  # its readout looks at all places at once
        self.readout = GaussianReadout(FreePositions(neurons), neurons, settings.width)

    def forward(self, images: Tensor) -> Tensor:
        """Rates, B N."""
        tokens = self.encoder.between(self.encoder.patches(images) + self.encoder.positions)
        places = rearrange(tokens, "B (rows columns) D -> B D rows columns", rows=self.grid[0])
        return F.elu(self.readout(places)) + 1


class WideHeads(Attention):
    """Each head is as wide as a token."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__(width, heads)
        self.query_key_value = nn.Linear(width, 3 * heads * width)
        self.output = nn.Linear(heads * width, width)


def main(arguments: list[str] | None = None) -> list[dict[str, Any]]:
    """Compares, times and weighs all three sizes."""
    options = paired.options(__doc__, arguments)
    rounds = options.rounds or (1 if options.quick else 5)
    names = [*AIMS][:: 2 if options.quick else 1]
    rows = [row for name in names for row in measured(name, options.quick, rounds)]
    return paired.report("v1_transformer", rows, options.quick)


def measured(name: str, quick: bool, rounds: int) -> list[dict[str, Any]]:
    """Time and memory of one size."""
    training, by_hand = built(name, quick), built(name, quick)
    with written_out():
        wanted = values(by_hand)
    worst = paired.assert_equal(values(training), wanted, TOLERANCE, negligible=1e-7)
    facts = {"largest_difference": worst, "allocator": "as it comes", "threads": torch.get_num_threads()}
    del training, by_hand
    works = {HAND: stepping(name, quick, True), TORCH: stepping(name, quick, False)}
    times = paired.timed(works, rounds)
    del works  # frees memory for the new processes
    peaks = [paired.peak_alone(stepping, name, quick, hand) for hand in (True, False)]
    faster, lighter = AIMS[name]
    return [
        paired.compared(times, HAND, TORCH, work=f"{name}, step", aim=faster, **facts),
        paired.memory(*peaks, peer=HAND, ours=TORCH, work=f"{name}, memory", aim=lighter, **facts),
    ]


def stepping(name: str, quick: bool, hand: bool) -> paired.Work:
    """One training step after the other."""
    training = built(name, quick)
    optimizer = torch.optim.AdamW(training.network.parameters(), lr=1e-4)

    def step() -> None:
        optimizer.zero_grad()
        training.loss(training.predict()).backward()
        optimizer.step()

    return written_out()(step) if hand else step


def values(training: Training) -> dict[str, Tensor]:
    """What is predicted, and the gradient of every parameter."""
    predicted = training.predict()
    training.loss(predicted).backward()
    gradients = {name: each.grad for name, each in training.network.named_parameters() if each.numel()}
    return {"predicted": predicted.detach(), **gradients}


@contextmanager
def written_out() -> Iterator[None]:
    """Attention by hand inside."""
    with patch.object(F, "scaled_dot_product_attention", _by_hand):
        yield


def _by_hand(query: Tensor, key: Tensor, value: Tensor, is_causal: bool) -> Tensor:
    assert not is_causal, "no network here hides the future"
    weights = (query @ key.mT * query.shape[-1] ** -0.5).softmax(dim=-1)
    return weights @ value


def built(name: str, quick: bool) -> Training:
    """The network of that name with its batch; the same for the same name."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        training = (
            _movie(quick) if name == "V1Transformer by default" else _images(quick, "sharing" not in name)
        )
        for parameter in training.network.parameters():
            if not parameter.any():  # what starts silent would leave all before it without a gradient
                nn.init.normal_(parameter, std=0.02)
    return training


def _images(quick: bool, wide: bool) -> Training:
    settings, batch, neurons = (V1T.replace(**SMALL), 2, 20) if quick else (V1T, 4, 8000)
    network = ImageTransformer(settings, neurons)
    if wide:
        for block in network.encoder.blocks:
            block.attention = WideHeads(settings.width, settings.heads)
    images, responses = torch.randn(batch, 1, *settings.frame), torch.rand(batch, neurons)

    def predict() -> Tensor:
        torch.manual_seed(1)  # of the places where neurons look
        return network(images)

    return Training(network, predict, partial(_poisson, responses))


def _poisson(responses: Tensor, rates: Tensor) -> Tensor:
    return poisson_loss(rates, responses)


def _movie(quick: bool) -> Training:
    settings, clips, neurons = (OURS.replace(**SMALL), 8, 20) if quick else (OURS, 64, 200)
    network = V1Transformer(neurons, settings)
    starts = 23 * torch.arange(clips // 8)[:, None] + torch.arange(8)  # eight in a row share their frames
    shown = starts.flatten()[:, None] + torch.arange(settings.clip_length)  # E T
    frames = torch.randn(int(shown.max()) + 1, 1 + settings.before, *settings.frame)
    running, responses = torch.randn(2, *shown.shape, 2), torch.randn(2, clips, neurons)
    return Training(
        network, lambda: network(frames, shown, running), lambda found: (found - responses).abs().sum()
    )


if __name__ == "__main__":
    main()
