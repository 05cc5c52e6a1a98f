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
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from neurokit.config import Count, Seed, check_integer, check_value
from neurokit.digital_twin.network.clip_state import ClipState, Noise, Periphery, UpdateRule
from neurokit.digital_twin.network.config import RELEASED, FoundationSettings
from neurokit.digital_twin.network.core import AttentionLSTM, ConvolutionLSTM, Feedforward
from neurokit.digital_twin.network.modulation import Modulation
from neurokit.digital_twin.network.perspective import Perspective
from neurokit.digital_twin.network.readout import Readout, unit_model
from neurokit.errors import SettingsError
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


class FoundationNetwork(nn.Module):
    """The network for the neurons of one mouse.

    Settings may be a plain dictionary, as in `configuration`, from which a checkpoint rebuilds the network.
    Weights are drawn from torch's global generator; `build` takes a seed. Raises SettingsError
    for fewer than one unit, and for settings that do not fit together.
    """

    def __init__(
        self, units: SupportsIndex, settings: FoundationSettings | Mapping[str, Any] = RELEASED
    ) -> None:
        super().__init__()
        if not isinstance(settings, FoundationSettings):
            settings = FoundationSettings.from_dict(settings)
        self.settings, self.units = settings, check_integer("units", units, Count)
        self.core, self.perspective = Core(settings), Perspective(settings)
        self.modulation = Modulation(settings)
        self.readout = Readout(settings.streams, self.units, settings.outputs, settings.spread)
        self.unit = unit_model(settings.unit)
        self.frozen: tuple[nn.Module, ...] = ()

    @property
    def configuration(self) -> dict[str, Any]:
        """The arguments that rebuild this network, for JSON: `FoundationNetwork(**configuration)`."""
        return {"units": self.units, "settings": self.settings.to_dict()}

    @property
    def shared(self) -> dict[str, nn.Module]:
        """The parts that all mice share, by name: the core and the memory of modulation."""
        return {"core": self.core, "modulation.lstm": self.modulation.lstm}

    def begin(
        self,
        batch: int = 1,
        *,
        stream: int | None = None,
        generator: torch.Generator | None = None,
        noise: Noise | None = None,
        periphery: Periphery = "dark",
    ) -> ClipState:
        """The state before the first frame of clips.

        `stream` runs one stream alone. In training mode the noise is `noise`, or drawn from `generator` (else
        from torch's global one) on the CPU, so that it is the same on every device. The state does not follow
        later changes of the weights: begin a new one. Raises SettingsError for an unknown stream.
        """
        if stream is not None and not 0 <= stream < self.settings.streams:
            raise SettingsError(
                f"stream is {stream}; this network has {self.settings.streams}, counted from 0."
            )
        streams = tuple(range(self.settings.streams)) if stream is None else (stream,)
        if noise is None and self.training:
            noise = self._draw(batch, generator)
        return ClipState(streams, batch, noise, periphery, generator)

    def _draw(self, batch: int, generator: torch.Generator | None) -> Noise:
        like, shapes = self.readout.position.mu, ((batch, 3), (batch, 3), (batch, self.units, 2))
        return Noise(
            *(
                to_device(torch.randn(shape, generator=generator).to(like.dtype), like.device)
                for shape in shapes
            )
        )

    def forward(
        self,
        video: UInt8[Tensor, "T B H W"],
        pupil: Float[Tensor, "T B 2"],
        behaviour: Float[Tensor, "T B 2"],
        clip: ClipState | None = None,
    ) -> Float[Tensor, "T B U"]:
        """The drive of each neuron in each frame: the mean over streams of its log rate.

        `pupil` is x and y, `behaviour` pupil radius and treadmill speed, all z-scored. With the `clip` of
        earlier frames, these frames continue it. The result does not depend on how frames are divided among
        calls; speed and memory do, since convolutions take all frames of a call at once.
        """
        clip = clip or self.begin(video.shape[1])
        pixels = video[:, :, None].to(pupil.dtype) / 255
        return self.drive(pixels, pupil, behaviour, clip)

    def drive(
        self,
        pixels: Float[Tensor, "T B 1 H W"],
        pupil: Float[Tensor, "T B 2"],
        behaviour: Float[Tensor, "T B 2"],
        clip: ClipState,
    ) -> Float[Tensor, "T B U"]:
        """As `forward`, but from pixels between 0 (black) and 1 (white), and differentiable in them."""
        image = self.perspective(pixels, pupil, clip)
        maps = self.core(image, self.modulation(behaviour, clip), clip)
        return self.readout(maps, clip).mean(dim=2)

    def rates(
        self,
        video: UInt8[Tensor, "T B H W"],
        pupil: Float[Tensor, "T B 2"],
        behaviour: Float[Tensor, "T B 2"],
        clip: ClipState | None = None,
    ) -> Float[Tensor, "T B U"]:
        """The predicted responses, in units of each neuron's mean in training; see `forward`."""
        return self.unit.rate(self(video, pupil, behaviour, clip))

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


def build(
    units: SupportsIndex,
    settings: FoundationSettings | Mapping[str, Any] = RELEASED,
    *,
    seed: SupportsIndex = 0,
) -> FoundationNetwork:
    """An untrained network whose weights are drawn from `seed`; torch's own generator is left unchanged."""
    with torch.random.fork_rng():
        torch.manual_seed(check_value("seed", seed, Seed))
        return FoundationNetwork(units, settings)
