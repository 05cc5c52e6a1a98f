"""The foundation model of mouse visual cortex: from video, pupil and treadmill to the rates of neurons.

Wang et al., "Foundation model of neural activity predicts response to new stimulus types", Nature 640,
470-477 (2025). The perspective module computes the retinal image, the modulation module reads the animal's
state, the core turns both into maps, and the readout predicts each neuron's rate from them. Core and
modulation memory are shared by all mice; each mouse has its own other parts.

Modules and parameters have the names of the released weights.

Letters: T frames (30 Hz), B clips, S streams, H x W pixels of the monitor, U neurons.
"""

from collections.abc import Mapping
from typing import Any, SupportsIndex

import torch
from jaxtyping import Float
from torch import Tensor, nn

from neurokit.config import Seed, check_value
from neurokit.digital_twin.network.base import TwinNetwork
from neurokit.digital_twin.network.clip_state import ClipState, Noise, UpdateRule
from neurokit.digital_twin.network.config import RELEASED, FoundationSettings
from neurokit.digital_twin.network.core import AttentionLSTM, ConvolutionLSTM, Feedforward
from neurokit.digital_twin.network.modulation import Modulation
from neurokit.digital_twin.network.perspective import Perspective
from neurokit.digital_twin.network.readout import Readout
from neurokit.training.device import to_device

RECURRENT = {"attention": AttentionLSTM, "convolution": ConvolutionLSTM}


class Core(nn.Module):
    """From retinal images and the animal's state to the maps that neurons read."""

    def __init__(self, settings: FoundationSettings) -> None:
        super().__init__()
        self.feedforward = Feedforward(settings)
        self.recurrent = RECURRENT[settings.recurrence](settings)

    def forward(
        self, image: Float[Tensor, "T B 1 h w"], state: Float[Tensor, "T B M"], clip: ClipState
    ) -> Float[Tensor, "B T D x y"]:
        """Maps of all running streams, clips first."""
        return self.recurrent(self.feedforward(image, clip), state, clip)


class FoundationNetwork(TwinNetwork):
    """The complete network for the neurons of one mouse.

    Settings may be a plain dictionary, as `configuration` gives them, so that a checkpoint can make the
    network anew. Weights are drawn from torch's global generator; `build_network` takes a seed. Raises
    SettingsError for no neuron, and for settings that cannot be built.
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
