"""Readout: from the map of features to the drive of each neuron, its rate, and the loss.

Each neuron reads one position of the map and weights the features there. Positions are shared by
the streams, weights are not. In training a neuron's position is drawn from its Gaussian once per clip;
in evaluation it is the mean.

Rates are in units of a neuron's mean response in training, so an untrained network, whose drive is zero,
predicts 1 and has a Poisson loss of 1.

Letters: T frames, B clips, S streams, C channels of a stream (D of all), h x w map, U neurons.
"""

from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from neurokit.digital_twin.network.clip_state import ClipState, UpdateRule
from neurokit.digital_twin.network.config import Unit
from neurokit.training.device import full_precision


@runtime_checkable
class UnitModel(Protocol):
    """A rate and a loss."""

    def rate(self, drive: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
        """The predicted response."""

    def loss(self, drive: Float[Tensor, "*any"], response: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
        """The loss, element by element."""


class Poisson:
    """rate = exp(drive); loss = rate - response x drive, without the response's own term."""

    def rate(self, drive: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
        """The exponential of the drive."""
        return drive.exp()

    def loss(self, drive: Float[Tensor, "*any"], response: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
        """The negative log likelihood, up to a term of the response alone."""
        return drive.exp() - response * drive


class Elu:
    """rate = ELU(drive) + 1; loss = squared error."""

    def rate(self, drive: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
        """Exponential below zero, linear above."""
        return functional.elu(drive) + 1

    def loss(self, drive: Float[Tensor, "*any"], response: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
        """The squared error of the rate."""
        return (self.rate(drive) - response).square()


def unit_model(name: Unit) -> UnitModel:
    """The unit of that name."""
    units: dict[Unit, type[UnitModel]] = {"poisson": Poisson, "elu": Elu}
    return units[name]()


class Position(nn.Module):
    """The position of each neuron on the map: x and y; (-1, -1) is the top left corner."""

    def __init__(self, units: int, spread: float) -> None:
        super().__init__()
        self.mu = nn.Parameter(torch.zeros(units, 2))
        self.sigma = nn.Parameter(spread * torch.eye(2).repeat(units, 1, 1))

    def forward(self, clip: ClipState) -> Float[Tensor, "B U 2"]:
        """The position of every neuron in each clip."""
        mean = self.mu.expand(clip.batch, -1, -1)
        if clip.noise is None:
            return mean.tanh()
        with full_precision(mean.device):
            moved = (self.sigma @ clip.noise.position[..., None])[..., 0]
            return (mean + moved).tanh()

    def update_rules(self) -> dict[str, UpdateRule]:
        """No decay; each tensor is clipped as one; gradients per neuron."""
        return {name: UpdateRule(False, None, float(len(self.mu))) for name in ("mu", "sigma")}


class Feature(nn.Module):
    """The weights with which each neuron reads channels; initially zero."""

    def __init__(self, streams: int, units: int, channels: int) -> None:
        super().__init__()
        self.weights = nn.ParameterList(torch.zeros(units, 1, channels) for _ in range(streams))

    def update_rules(self) -> dict[str, UpdateRule]:
        """Weights decay and are clipped neuron by neuron."""
        rule = UpdateRule(True, (2,), float(len(self.weights[0])))
        return {name: rule for name, _ in self.named_parameters()}


class Readout(nn.Module):
    """From maps of features to the drive of each neuron, for each stream."""

    def __init__(self, streams: int, units: int, channels: int, spread: float) -> None:
        super().__init__()
        self.position, self.feature = Position(units, spread), Feature(streams, units, channels)
        self.biases = nn.ParameterList(torch.zeros(units, 1) for _ in range(streams))

    def forward(self, maps: Float[Tensor, "B T D h w"], clip: ClipState) -> Float[Tensor, "T B S U"]:
        """The drive of every neuron from each stream; maps have the clips first."""
        streams = clip.streams
        # Positions are constant within a clip, so one sampling serves all frames and channels.
        place = clip.cached(self.position, lambda: self.position(clip))[:, None]  # B 1 U 2
        # On a CPU grid_sample crashes at a NaN position; the result is set to NaN below instead.
        seen = functional.grid_sample(
            maps.flatten(1, 2), place.nan_to_num(), padding_mode="border", align_corners=False
        )[:, :, 0]
        seen = seen.unflatten(1, (maps.shape[1], len(streams), -1))  # B T S C U
        weight = torch.stack([self.feature.weights[s][:, 0].T for s in streams])  # S C U
        bias = torch.stack([self.biases[s][:, 0] for s in streams])  # S U
        found = (seen * weight).sum(dim=3) + bias  # B T S U
        return found.masked_fill(place.isnan().any(dim=-1)[:, None], torch.nan).transpose(0, 1)

    def update_rules(self) -> dict[str, UpdateRule]:
        """Biases do not decay; those of a stream are clipped as one."""
        rule = UpdateRule(False, (0,), float(len(self.biases[0])))
        return {f"biases.{stream}": rule for stream in range(len(self.biases))}
