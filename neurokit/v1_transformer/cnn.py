"""A small network of three-dimensional convolutions: what a V1 Transformer has to beat.

Two convolutions over time, height and width, and a linear layer from all that they find to every neuron
(in kind that of Sinz et al., NeurIPS 2018, without recurrence and factorised readout). It reads no running.

Letters: U distinct frames, each in C frames, H x W pixels, E clips, T frames of a clip, N neurons.
"""

from collections.abc import Sequence
from typing import Any

import torch
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor, nn

CHANNELS = (16, 32)
KERNELS = ((3, 7, 7), (3, 5, 5))  # frames, rows, columns
STRIDES = ((1, 2, 2), (2, 2, 2))


class MovieCNN(nn.Module):
    """Called as a `V1Transformer` is; its one answer serves all repeats. Draws from torch's generator."""

    def __init__(self, neurons: int, frame: Sequence[int], clip_length: int) -> None:
        super().__init__()
        self.frame, self.clip_length = tuple(frame), clip_length
        first, second = CHANNELS
        self.layers = nn.Sequential(
            nn.Conv3d(1, first, KERNELS[0], STRIDES[0]),
            nn.BatchNorm3d(first),
            nn.ELU(),
            nn.Conv3d(first, second, KERNELS[1], STRIDES[1]),
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
