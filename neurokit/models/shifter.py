"""Shifter: where the eye looks moves what all neurons see.

A small perceptron from the pupil's centre to one offset of all readout positions (SENSORIUM 2022
baseline, Willeke et al., arXiv 2206.08666, 2022; after Walker et al., Nature Neuroscience, 2019).

Letters: B images.
"""

from jaxtyping import Float
from torch import Tensor, nn

from neurokit.device import full_precision


class Shifter(nn.Sequential):
    """Three linear layers of 5, 5 and 2 units, each with a tanh: no offset is above half the map."""

    def __init__(self) -> None:
        super().__init__(nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 5), nn.Tanh(), nn.Linear(5, 2), nn.Tanh())

    def forward(self, pupil_center: Float[Tensor, "B 2"]) -> Float[Tensor, "B 2"]:
        """The offset (x, y) in half-widths of the map, from the z-scored centre of the pupil."""
        with full_precision(pupil_center.device):
            return super().forward(pupil_center)
