"""The SENSORIUM 2022 models: LN, CNN, each with behaviour, and the winning entry's Model 4.

All mice share one core; each has a readout, and where the settings say so a shifter and a modulator.
Which parts, and every number, is said in `neurokit.sensorium.config`.

The shifter says that where the eye looks moves what all neurons see: a small perceptron from the pupil's
centre to one offset of all readout positions (SENSORIUM 2022 baseline, Willeke et al., arXiv 2206.08666,
2022; after Walker et al., Nature Neuroscience, 2019).

A core of one's own can take the place of the convolutions (`neurokit.sensorium.own_models`).

Letters: B images, H x W image (36 x 64), N neurons, L lags, S state numbers, D coordinates in cortex.
"""

from collections.abc import Mapping
from typing import Any, SupportsIndex, cast

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from neurokit.config import Seed, check_value
from neurokit.errors import DataError, SettingsError
from neurokit.sensorium.cnn import StackedCore
from neurokit.sensorium.config import CNN, ModelSettings, MouseShape
from neurokit.sensorium.modulator import HistoryStateGain, HistoryTerm, StateTerm, TrialGain
from neurokit.sensorium.own_models import Core, OwnCore, own_core
from neurokit.sensorium.readout import CortexPositions, FreePositions, GaussianReadout
from neurokit.training.checkpoint import class_name
from neurokit.training.device import full_precision

BEHAVIOURS = 3  # pupil size, its derivative, running speed
USED_BY = {
    "behaviour": "behaviour",
    "pupil_center": "shifter",
    "history": "history",
    "state": "state",
    "rank": "gain",
}


class Shifter(nn.Sequential):
    """Three linear layers of 5, 5 and 2 units, each with a tanh: no offset is above half the map."""

    def __init__(self) -> None:
        super().__init__(nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 5), nn.Tanh(), nn.Linear(5, 2), nn.Tanh())

    def forward(self, pupil_center: Float[Tensor, "B 2"]) -> Float[Tensor, "B 2"]:
        """The offset (x, y) in half-widths of the map, from the z-scored centre of the pupil."""
        with full_precision(pupil_center.device):
            return super().forward(pupil_center)


class MouseModel(nn.Module):
    """One mouse's view of a SensoriumModel: the parts are the model's own, not copies.

    Training or evaluating the view changes the mode of the shared core too.
    """

    def __init__(
        self,
        settings: ModelSettings,
        core: Core,
        readout: GaussianReadout,
        shifter: Shifter | None,
        modulator: HistoryStateGain,
    ) -> None:
        super().__init__()
        self.settings = settings
        self.core, self.readout, self.shifter, self.modulator = core, readout, shifter, modulator

    def forward(
        self,
        images: Float[Tensor, "B H W"],
        behaviour: Float[Tensor, "B 3"] | None = None,
        pupil_center: Float[Tensor, "B 2"] | None = None,
        *,
        history: Float[Tensor, "B N L"] | None = None,
        state: Float[Tensor, "B S"] | None = None,
        rank: Int[Tensor, "B"] | None = None,
    ) -> Float[Tensor, "B N"]:
        """Rates on the competition's scale (responses over their standard deviation).

        Behaviour and pupil centre are scaled ones. Of the last three, None contributes nothing. Raises
        DataError for an input that the model lacks, and for one that it would ignore.
        """
        for name, value in (("history", history), ("state", state), ("rank", rank)):
            self._refuse_unused(name, value)
        drive = self.drive(images, behaviour, pupil_center)
        return self.modulator(drive, history, state, rank)

    def drive(
        self,
        images: Float[Tensor, "B H W"],
        behaviour: Float[Tensor, "B 3"] | None = None,
        pupil_center: Float[Tensor, "B 2"] | None = None,
        *,
        noise: Float[Tensor, "B N 2"] | None = None,
    ) -> Float[Tensor, "B N"]:
        """What the readout gives, before history, state, ELU and gain; `noise` as GaussianReadout's."""
        for name, value in (("behaviour", behaviour), ("pupil_center", pupil_center)):
            self._refuse_unused(name, value)
            if value is None and getattr(self.settings, USED_BY[name]):
                raise DataError(f"This model reads {name}; pass it, or use a model without {USED_BY[name]}.")
        shift = None if self.shifter is None else self.shifter(pupil_center)
        return self.readout(self.core(images[:, None], behaviour), shift, noise)

    def _refuse_unused(self, name: str, value: Tensor | None) -> None:
        if value is not None and not getattr(self.settings, USED_BY[name]):
            raise DataError(f"This model has no {USED_BY[name]} and would ignore {name}; leave it out.")

    def regulariser(self) -> Float[Tensor, ""]:
        """The weighted penalties of one batch of this mouse: core, readout and modulator."""
        of_core = self.settings.gamma_input * self.core.regulariser()
        sparsity = self.settings.gamma_readout * self.readout.sparsity()
        return of_core + sparsity + self.modulator.regulariser()


class SensoriumModel(nn.Module):
    """One core for all mice; `mouse(key)` is the model of one of them.

    Mice and settings may be plain dictionaries, as `configuration` gives them, so that a checkpoint can
    make the model anew; `core` is one's own, what makes it of a number of input channels, or what
    `configuration` says of it. Weights are drawn from torch's global generator; `make_model` takes a seed.
    Raises SettingsError for a key that torch cannot store, a gain without a number of trials, and a core that
    lacks something.
    """

    core: Core

    def __init__(
        self,
        mice: Mapping[str, MouseShape | dict[str, int]],
        settings: ModelSettings | dict[str, Any] = CNN,
        core: OwnCore | dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.settings = settings if isinstance(settings, ModelSettings) else ModelSettings.from_dict(settings)
        self.mice = {
            key: shape if isinstance(shape, MouseShape) else MouseShape.from_dict(shape)
            for key, shape in mice.items()
        }
        for key, shape in self.mice.items():
            _check_mouse(key, shape, self.settings)
        inputs = 1 + BEHAVIOURS * self.settings.behaviour
        self.core = _stacked_core(self.settings, inputs) if core is None else own_core(core, inputs)
        readouts = {k: _readout(s, self.settings, self.core.channels) for k, s in self.mice.items()}
        self.readouts = nn.ModuleDict(readouts)
        self.shifters = nn.ModuleDict({key: Shifter() for key in self.mice if self.settings.shifter})
        self.modulators = nn.ModuleDict({k: _modulator(s, self.settings) for k, s in self.mice.items()})

    @property
    def configuration(self) -> dict[str, Any]:
        """What makes this model anew, as JSON can hold it: `SensoriumModel(**configuration)`."""
        mice = {key: shape.to_dict() for key, shape in self.mice.items()}
        found = {"mice": mice, "settings": self.settings.to_dict()}
        if not self.has_own_core:
            return found
        own = {"class": class_name(type(self.core)), "configuration": cast(Any, self.core).configuration}
        return found | {"core": own}

    @property
    def has_own_core(self) -> bool:
        """Whether the core is another than the published models have."""
        return type(self.core) is not StackedCore

    def mouse(self, key: str) -> MouseModel:
        """The model of one mouse. Raises DataError for an unknown key."""
        if key not in self.mice:
            raise DataError(f"The model has no mouse {key!r}; use one of {', '.join(self.mice)}.")
        # Of what a ModuleDict holds, torch says no more than Module.
        readout = cast(GaussianReadout, self.readouts[key])
        shifter = cast(Shifter, self.shifters[key]) if self.settings.shifter else None
        modulator = cast(HistoryStateGain, self.modulators[key])
        view = MouseModel(self.settings, self.core, readout, shifter, modulator)
        view.training = self.training
        return view

    def regulariser(self, key: str) -> Float[Tensor, ""]:
        """The weighted penalties of one batch of a mouse; the core's count once for each."""
        return self.mouse(key).regulariser()


def make_model(
    mice: Mapping[str, MouseShape],
    settings: ModelSettings,
    *,
    seed: SupportsIndex,
    coordinates: Mapping[str, Float[np.ndarray, "_ D"]] | None = None,
    core: OwnCore | None = None,
) -> SensoriumModel:
    """An untrained model, its weights drawn from `seed`; the global generators are left as they were.

    `coordinates` say where each mouse's neurons lie in cortex, in any unit (N x D, the first two count). A
    `core` of one's own takes the place of the convolutions; the weights of one that is made here are drawn
    from the seed too. Raises DataError where positions follow from cortex and a mouse has none, and what
    SensoriumModel does.
    """
    with torch.random.fork_rng():
        torch.manual_seed(check_value("seed", seed, Seed))
        model = SensoriumModel(mice, settings, core)
    for key in mice:
        positions = model.mouse(key).readout.positions
        if isinstance(positions, CortexPositions):
            if coordinates is None or key not in coordinates:
                raise DataError(f"coordinates lacks mouse {key!r}; give them, or use positions='free'.")
            positions.set_coordinates(coordinates[key])
    return model


def poisson_loss(
    predicted: Float[Tensor, "B N"], responses: Float[Tensor, "B N"], scale: float = 1.0
) -> Float[Tensor, ""]:
    """Poisson loss r - t log(r + 1e-12), summed over the batch and times `scale`.

    The competition's scale is sqrt(T / B), with T all trials of the scan, whatever their tier.
    """
    return scale * (predicted - responses * torch.log(predicted + 1e-12)).sum()


def _check_mouse(key: str, shape: MouseShape, settings: ModelSettings) -> None:
    if not key or "." in key or hasattr(nn.ModuleDict(), key):
        raise SettingsError(
            f"A mouse is called {key!r}, which torch cannot store; use a key like 27204-5-13."
        )
    if settings.gain and not shape.trials:
        raise SettingsError(f"Mouse {key} has 0 trials; give the number of all trials, which the gain needs.")


def _stacked_core(settings: ModelSettings, inputs: int) -> StackedCore:
    return StackedCore(
        inputs,
        channels=settings.channels,
        layers=settings.layers,
        input_kernel=settings.input_kernel,
        hidden_kernel=settings.hidden_kernel,
        linear=settings.linear,
        momentum=settings.momentum,
    )


def _readout(shape: MouseShape, settings: ModelSettings, channels: int) -> GaussianReadout:
    positions = (
        FreePositions(shape.neurons, settings.init_mu_range)
        if settings.positions == "free"
        else CortexPositions(
            shape.neurons,
            layers=settings.position_layers,
            hidden=settings.position_hidden,
            activation=settings.position_activation,
        )
    )
    return GaussianReadout(
        positions, shape.neurons, channels, gauss=settings.gauss, init_sigma=settings.init_sigma
    )


def _modulator(shape: MouseShape, settings: ModelSettings) -> HistoryStateGain:
    width, reach = settings.gain_width, settings.gain_reach
    return HistoryStateGain(
        HistoryTerm(shape.neurons, settings.lags) if settings.history else None,
        StateTerm(shape.neurons, settings.states) if settings.state else None,
        TrialGain(shape.neurons, shape.trials, width=width, reach=reach) if settings.gain else None,
        gamma_gain=settings.gamma_gain,
        gamma_coupling=settings.gamma_coupling,
        gamma_history=settings.gamma_history,
        gamma_state=settings.gamma_state,
    )
