"""Attention blocks, as vision transformers have them (Dosovitskiy et al., ICLR 2021).

Letters: A sequences of L tokens, D width, h heads of d numbers each.
"""

import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from neurokit.models.transformer_settings import TransformerSettings


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
        self.perceptron = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))
        self.dropout = nn.Dropout(settings.dropout)
        for last in (self.attention.output, self.perceptron[-1]):
            silence(last)

    def forward(self, tokens: Float[Tensor, "A L D"]) -> Float[Tensor, "A L D"]:
        """The tokens with what both have added."""
        tokens = tokens + self.dropout(self.attention(self.before_attention(tokens)))
        return tokens + self.dropout(self.perceptron(self.before_perceptron(tokens)))


def silence(layer: nn.Linear) -> None:
    """Sets a layer to answer 0, until training changes that."""
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
