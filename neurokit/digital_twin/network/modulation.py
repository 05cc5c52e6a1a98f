"""Modulation: the state of the animal, from pupil radius and treadmill speed, as an input of the core.

A layer is followed by an LSTM with standardised gates, whose output h(t) remembers earlier behaviour.

Letters: T frames, B clips, S streams, M units of the LSTM.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from neurokit.digital_twin.network.clip_state import ClipState
from neurokit.digital_twin.network.config import FoundationSettings
from neurokit.digital_twin.network.convolution import CausalConvolution, Perceptron

GATES = {"i": -1.0, "f": 1.0, "g": 0.0, "o": 0.0}  # their initial biases: remember, and write little


class Memory(nn.Module):
    """An LSTM in time for each stream, whose gates are standardised linear layers."""

    def __init__(self, streams: int, inputs: int, units: int) -> None:
        super().__init__()
        for gate, bias in GATES.items():
            self.add_module(f"proj_{gate}", CausalConvolution(streams, inputs + units, units, bias=bias))
        self.units = units

    def forward(self, x: Float[Tensor, "T B SC"], clip: ClipState) -> Float[Tensor, "T B SM"]:
        """The state h after each frame; before the first it is zero."""
        weight, bias = clip.cached(self, lambda: self._gates(clip))
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
