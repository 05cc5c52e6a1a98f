"""What every network of a digital twin offers, and how to make one of your own.

    class Brightness(TwinNetwork):
        '''Units follow the mean of the screen.'''

        def __init__(self, units, settings):
            super().__init__(units, settings)
            self.weigh = nn.Linear(1, self.units)

        def drive(self, pixels, pupil, behaviour, clip):
            return self.weigh(pixels.flatten(2).mean(dim=2, keepdim=True))

    def brightness(task, config):
        return Brightness(task.units, config.network)

    Experiment("digital-twin", build=brightness).train().evaluate()

Modules hold no state of the frames themselves: it lies in a `ClipState`. So a network can run any number of
clips at once, and the frames of a clip can be passed at once, in pieces, or one by one with equal results.

Letters: T frames (30 Hz), B clips, H x W pixels of the monitor, U neurons.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, SupportsIndex, TypeVar, runtime_checkable

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn import functional

from neurokit.config import Count, check_value
from neurokit.digital_twin.network.config import FoundationSettings, Unit
from neurokit.errors import DataError, SettingsError

Periphery = Literal["dark", "extend"]
Made = TypeVar("Made")


@dataclass(frozen=True)
class UpdateRule:
    """How the optimiser treats one parameter.

    Adaptive clipping (Brock et al., ICML 2021) compares the norm of a gradient with that of its parameter,
    unit by unit. Gains, biases, scales, positions and the pose of the monitor do not decay. The loss is a
    mean over neurons, so gradients of parameters of a single neuron are multiplied by their number.

    Attributes:
        decay: whether its values decay.
        norm_over: dimensions of a unit, over which the norms for clipping are taken; None for all of them.
        scale: factor of its gradient.
    """

    decay: bool
    norm_over: tuple[int, ...] | None
    scale: float = 1.0


@dataclass(frozen=True, eq=False)
class Noise:
    """Standard normal numbers of one batch of training clips, drawn once for each clip.

    Attributes:
        center: moves the monitor.
        angle: turns it.
        position: moves where neurons look.
    """

    center: Float[Tensor, "B 3"]
    angle: Float[Tensor, "B 3"]
    position: Float[Tensor, "B U 2"]


@dataclass(eq=False)
class ClipState:
    """The state of a network that runs over the frames of B clips.

    It holds what is computed or drawn once at the start of a clip, such as standardised kernels, and what
    changes with frames: the last inputs of each causal convolution and the states of the LSTMs.

    Attributes:
        streams: which of the network's streams run.
        batch: number of clips.
        noise: that of training; None in evaluation.
        periphery: what lies around the monitor, 'dark' or 'extend' (its edge continues).
        generator: draws dropout masks; None without them.
    """

    streams: tuple[int, ...]
    batch: int
    noise: Noise | None = None
    periphery: Periphery = "dark"
    generator: torch.Generator | None = None
    cache: dict[nn.Module, Any] = field(default_factory=dict, repr=False)
    state: dict[nn.Module, Any] = field(default_factory=dict, repr=False)

    def compute_once(self, module: nn.Module, make: Callable[[], Made]) -> Made:
        """The result of `make` when `module` first called this, computed once per clip."""
        if module not in self.cache:
            self.cache[module] = make()
        return self.cache[module]


@runtime_checkable
class UnitModel(Protocol):
    """A rate and a loss."""

    def rate(self, drive: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
        """The predicted response."""

    def loss(self, drive: Float[Tensor, "*any"], response: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
        """The loss, element by element."""


class Poisson:
    """rate = exp(drive); loss = rate - response x drive."""

    def rate(self, drive: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
        """The exponential of the drive."""
        return drive.exp()

    def loss(self, drive: Float[Tensor, "*any"], response: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
        """The negative log likelihood, without a term that depends only on the response."""
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


class TwinNetwork(nn.Module):
    """From video, pupil and treadmill to the rates of one mouse's neurons; a subclass defines `drive`.

    Of the `settings`, which may be a plain dictionary, three count for every network: `monitor` (size of
    frames), `streams` (a training step chooses one of them) and `unit` (rate and loss of a drive). Your own
    network may use any of the others. If its only arguments are `units` and `settings`, its class opens a
    checkpoint; otherwise it overrides `configuration`, or you build it again.

    Raises SettingsError for zero neurons and for impossible settings.
    """

    def __init__(self, units: SupportsIndex, settings: FoundationSettings | Mapping[str, Any]) -> None:
        super().__init__()
        if not isinstance(settings, FoundationSettings):
            settings = FoundationSettings.from_dict(settings)
        self.settings, self.units = settings, check_value("units", units, Count)
        self.unit = unit_model(settings.unit)

    @property
    def configuration(self) -> dict[str, Any]:
        """The arguments that make this network again, for JSON: `type(network)(**configuration)`."""
        return {"units": self.units, "settings": self.settings.to_dict()}

    @property
    def shared(self) -> dict[str, nn.Module]:
        """The modules that mice have in common, by name; none by default."""
        return {}

    def share(self, first: "TwinNetwork") -> None:
        """Takes the shared modules of another mouse's network; raises DataError where there are none."""
        raise DataError(
            f"Mice trained together share a core, and {type(first).__name__} and {type(self).__name__} share "
            "none: train each mouse separately, or build a FoundationNetwork for each."
        )

    def drive(
        self,
        pixels: Float[Tensor, "T B 1 H W"],
        pupil: Float[Tensor, "T B 2"],
        behaviour: Float[Tensor, "T B 2"],
        clip: ClipState,
    ) -> Float[Tensor, "T B U"]:
        """The drive of each neuron in each frame, which `unit` turns into a rate: with 'poisson', its log.

        `pixels` are between 0 (black) and 1 (white); `pupil` (x and y) and `behaviour` (pupil radius and
        treadmill speed) are z-scored. A frame's drive does not depend on later frames. Memory of earlier
        frames belongs in `clip.state[self]`, since a video may come at once or in parts.
        """
        raise NotImplementedError(f"{type(self).__name__} has no drive.")

    def begin(
        self,
        batch: int = 1,
        *,
        stream: int | None = None,
        generator: torch.Generator | None = None,
        noise: Noise | None = None,
        periphery: Periphery = "dark",
    ) -> ClipState:
        """The start of a clip, before its first frame.

        `stream` runs only that stream. In training mode the noise of the clip is drawn from `generator`
        (torch's own without one), on the CPU, so that it is the same on every device; `noise` sets it.
        A clip does not notice when weights change afterwards: begin a new one. Raises SettingsError for a
        stream that does not exist.
        """
        if stream is not None and not 0 <= stream < self.settings.streams:
            raise SettingsError(
                f"stream is {stream}; this network has {self.settings.streams}, counted from 0."
            )
        streams = tuple(range(self.settings.streams)) if stream is None else (stream,)
        if noise is None and self.training:
            noise = self._draw(batch, generator)
        return ClipState(streams, batch, noise, periphery, generator)

    def forward(
        self,
        video: UInt8[Tensor, "T B H W"],
        pupil: Float[Tensor, "T B 2"],
        behaviour: Float[Tensor, "T B 2"],
        clip: ClipState | None = None,
    ) -> Float[Tensor, "T B U"]:
        """The drive of each neuron in each frame, from grey values of 0 to 255; see `drive`.

        With the `clip` of earlier frames, these continue it. The number of frames in a call does not matter
        for the result, only for speed and memory.
        """
        clip = clip or self.begin(video.shape[1])
        pixels = video[:, :, None].to(pupil.dtype) / 255
        return self.drive(pixels, pupil, behaviour, clip)

    def rates(
        self,
        video: UInt8[Tensor, "T B H W"],
        pupil: Float[Tensor, "T B 2"],
        behaviour: Float[Tensor, "T B 2"],
        clip: ClipState | None = None,
    ) -> Float[Tensor, "T B U"]:
        """The predicted responses, in units of each neuron's mean in training; see `forward`."""
        return self.unit.rate(self(video, pupil, behaviour, clip))

    def update_rules(self) -> dict[str, UpdateRule]:
        """The rule of each parameter, by name: by default it decays and is clipped as one tensor."""
        return {name: UpdateRule(True, None) for name, _ in self.named_parameters()}

    def _draw(self, batch: int, generator: torch.Generator | None) -> Noise | None:
        """The noise of a training clip; none by default."""
        return None


def check_network(network: nn.Module) -> TwinNetwork:
    """The network; raises SettingsError unless it is a `TwinNetwork` with a drive."""
    if not isinstance(network, TwinNetwork):
        raise SettingsError(
            f"The network is a {type(network).__name__}; derive its class from "
            "neurokit.digital_twin.TwinNetwork, and write its `drive`."
        )
    if type(network).drive is TwinNetwork.drive:
        raise SettingsError(
            f"{type(network).__name__} has no `drive`; write it, as TwinNetwork describes it."
        )
    return network
