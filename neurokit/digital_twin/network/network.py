"""The foundation model of mouse visual cortex: from video, pupil and treadmill to the rates of neurons.

Wang et al., "Foundation model of neural activity predicts response to new stimulus types", Nature 640,
470-477 (2025). The perspective module computes the retinal image, the modulation module reads the animal's
state, the core turns both into maps, and the readout predicts each neuron's rate from them. Core and
modulation memory are shared by all mice; each mouse has its own other parts.

A neuron reads one position of the map and weights the features there. Streams share positions, but not
weights. In training a neuron's position is drawn from its Gaussian once per clip; in evaluation it is the
mean. Rates are in units of a neuron's mean response in training, so an untrained network, whose drive is
zero, predicts 1 and has a Poisson loss of 1.

Modules and parameters have the names of the released weights.

Letters: T frames (30 Hz), B clips, S streams, C channels of a stream (D of all), h x w map, H x W pixels of
the monitor, U neurons.
"""

from collections.abc import Mapping
from typing import Any, SupportsIndex

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from neurokit.config import Seed, check_value
from neurokit.digital_twin.network.base import ClipState, Noise, TwinNetwork, UpdateRule
from neurokit.digital_twin.network.config import RELEASED, FoundationSettings
from neurokit.digital_twin.network.core import Core, Modulation
from neurokit.digital_twin.network.perspective import Perspective
from neurokit.training.device import full_precision, to_device


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
        place = clip.compute_once(self.position, lambda: self.position(clip))[:, None]  # B 1 U 2
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


class FoundationNetwork(TwinNetwork):
    """The complete network for the neurons of one mouse.

    Settings may be a plain dictionary, as in `configuration`, so that a checkpoint can make the network
    again. Weights are drawn from torch's global generator; `build_network` takes a seed. Raises SettingsError
    for zero neurons and for impossible settings.
    """

    def __init__(
        self, units: SupportsIndex, settings: FoundationSettings | Mapping[str, Any] = RELEASED
    ) -> None:
        super().__init__(units, settings)
        self.core, self.perspective = Core(self.settings), Perspective(self.settings)
        self.modulation = Modulation(self.settings)
        self.readout = Readout(self.settings.streams, self.units, self.settings.outputs, self.settings.spread)
        self.frozen: tuple[nn.Module, ...] = ()

    @property
    def shared(self) -> dict[str, nn.Module]:
        """The parts that all mice share, by name: the core and the memory of modulation."""
        return {"core": self.core, "modulation.lstm": self.modulation.lstm}

    def _draw(self, batch: int, generator: torch.Generator | None) -> Noise:
        like, shapes = self.readout.position.mu, ((batch, 3), (batch, 3), (batch, self.units, 2))
        return Noise(
            *(
                to_device(torch.randn(shape, generator=generator).to(like.dtype), like.device)
                for shape in shapes
            )
        )

    def drive(
        self,
        pixels: Float[Tensor, "T B 1 H W"],
        pupil: Float[Tensor, "T B 2"],
        behaviour: Float[Tensor, "T B 2"],
        clip: ClipState,
    ) -> Float[Tensor, "T B U"]:
        """The mean over streams of each neuron's log rate, differentiable in the pixels.

        Convolutions take all frames at once, so that many of them are faster than one by one.
        """
        image = self.perspective(pixels, pupil, clip)
        maps = self.core(image, self.modulation(behaviour, clip), clip)
        return self.readout(maps, clip).mean(dim=2)

    def field_centers(self) -> Float[Tensor, "U 2"]:
        """Row and column of the monitor, pixels, that each neuron's position on the map looks at.

        In evaluation, with the pupil at its mean. It is where a neuron reads, which is its receptive field
        as far as the core's features lie symmetrically around the place that they are read at.
        """
        with torch.no_grad():
            return self.perspective.looks_at(self.readout.position.mu.tanh())

    def share(self, first: TwinNetwork) -> None:
        """Takes core, modulation memory and what is frozen from the network of another mouse."""
        if not isinstance(first, FoundationNetwork):
            super().share(first)
            return
        self.core, self.modulation.lstm = first.core, first.modulation.lstm
        self.frozen = first.frozen  # the modules themselves, which are the first one's now

    def freeze_shared(self) -> None:
        """Freezes core and modulation memory: no gradients, and always in evaluation mode."""
        self.frozen = tuple(self.shared.values())
        for module in self.frozen:
            module.requires_grad_(False)
        self.train(self.training)

    def train(self, mode: bool = True) -> "FoundationNetwork":
        """As in torch, but what is frozen stays in evaluation mode."""
        super().train(mode)
        for module in self.frozen:
            module.eval()
        return self

    def update_rules(self) -> dict[str, UpdateRule]:
        """How the optimiser treats each parameter, by name."""
        return {
            f"{path}.{name}" if path else name: rule
            for path, module in self.named_modules()
            if module is not self and hasattr(module, "update_rules")
            for name, rule in module.update_rules().items()
        }


def build_network(
    units: SupportsIndex,
    settings: FoundationSettings | Mapping[str, Any] = RELEASED,
    *,
    seed: SupportsIndex = 0,
) -> FoundationNetwork:
    """An untrained network whose weights are drawn from `seed`; torch's own generator is left unchanged."""
    with torch.random.fork_rng():
        torch.manual_seed(check_value("seed", seed, Seed))
        return FoundationNetwork(units, settings)
