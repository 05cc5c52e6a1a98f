"""The SENSORIUM 2022 models: LN, CNN, each with behaviour, and the winning entry's Model 4.

All mice share one core; each has a readout, and if the settings say so a shifter and a modulator.
`neurokit.sensorium.config` says which parts a model has, and every number.

An eye movement moves what all neurons see. The shifter models this: a small perceptron from the pupil's
centre to one offset of all readout positions (SENSORIUM 2022 baseline, Willeke et al., arXiv 2206.08666,
2022; after Walker et al., Nature Neuroscience, 2019).

A core of your own can take the place of the convolutions (`neurokit.sensorium.core.Core`). So can a complete
model of your own take the place of all this: a function of task and config makes a `MiceModel`, and an
experiment takes that function as its `build`.

Letters: B images, H x W image (36 x 64), N neurons, L lags, S state numbers, D coordinates in cortex.
"""

from collections.abc import Mapping
from typing import Any, Protocol, SupportsIndex, cast, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from neurokit.config import Seed, check_value
from neurokit.errors import DataError, SettingsError
from neurokit.sensorium.config import CNN, ModelSettings, MouseShape
from neurokit.sensorium.core import Core, OwnCore, StackedCore, make_own_core
from neurokit.sensorium.modulator import HistoryStateGain, HistoryTerm, StateTerm, TrialGain
from neurokit.sensorium.readout import CortexPositions, FreePositions, GaussianReadout
from neurokit.training.checkpoint import class_name
from neurokit.training.device import full_precision
from neurokit.training.predict import evaluating

BEHAVIOURS = 3  # pupil size, its derivative, running speed


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
        return self.modulator(self.drive(images, behaviour, pupil_center), history, state, rank)

    def drive(
        self,
        images: Float[Tensor, "B H W"],
        behaviour: Float[Tensor, "B 3"] | None = None,
        pupil_center: Float[Tensor, "B 2"] | None = None,
        *,
        noise: Float[Tensor, "B N 2"] | None = None,
    ) -> Float[Tensor, "B N"]:
        """What the readout gives, before history, state, ELU and gain; `noise` as GaussianReadout's."""
        read = (("behaviour", behaviour, "behaviour"), ("pupil_center", pupil_center, "shifter"))
        for name, value, part in read:
            if value is None and getattr(self.settings, part):
                raise DataError(f"This model reads {name}; pass it, or use a model without {part}.")
            if value is not None and not getattr(self.settings, part):
                raise DataError(f"This model has no {part} and would ignore {name}; leave it out.")
        shift = None if self.shifter is None else self.shifter(pupil_center)
        return self.readout(self.core(images[:, None], behaviour), shift, noise)

    def regulariser(self) -> Float[Tensor, ""]:
        """The weighted penalties of one batch of this mouse: core, readout and modulator."""
        of_core = self.settings.gamma_input * self.core.regulariser()
        sparsity = self.settings.gamma_readout * self.readout.sparsity()
        return of_core + sparsity + self.modulator.regulariser()


class SensoriumModel(nn.Module):
    """One core for all mice; `mouse(key)` is the model of one of them.

    Mice and settings may be plain dictionaries, as `configuration` gives them, so that a checkpoint can
    rebuild the model; `core` is one of your own, a function that makes it from a number of input channels,
    or what `configuration` says of it. Weights are drawn from torch's global generator; `make_model` takes a
    seed. Raises SettingsError for a key that torch cannot store, a gain without a number of trials, and a
    core that lacks something.
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
        self.core = _make_core(self.settings, inputs) if core is None else make_own_core(core, inputs)
        readouts = {k: _make_readout(s, self.settings, self.core.channels) for k, s in self.mice.items()}
        self.readouts = nn.ModuleDict(readouts)
        self.shifters = nn.ModuleDict({key: Shifter() for key in self.mice if self.settings.shifter})
        self.modulators = nn.ModuleDict({k: _make_modulator(s, self.settings) for k, s in self.mice.items()})

    @property
    def configuration(self) -> dict[str, Any]:
        """What rebuilds this model, as JSON can hold it: `SensoriumModel(**configuration)`."""
        mice = {key: shape.to_dict() for key, shape in self.mice.items()}
        found = {"mice": mice, "settings": self.settings.to_dict()}
        if not self.has_own_core:
            return found
        own = {"class": class_name(type(self.core)), "configuration": cast(Any, self.core).configuration}
        return found | {"core": own}

    @property
    def has_own_core(self) -> bool:
        """Whether the core is not that of the published models."""
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
    `core` of your own takes the place of the convolutions; the weights of one that is made here are drawn
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


def _make_core(settings: ModelSettings, inputs: int) -> StackedCore:
    return StackedCore(
        inputs,
        channels=settings.channels,
        layers=settings.layers,
        input_kernel=settings.input_kernel,
        hidden_kernel=settings.hidden_kernel,
        linear=settings.linear,
        momentum=settings.momentum,
    )


def _make_readout(shape: MouseShape, settings: ModelSettings, channels: int) -> GaussianReadout:
    positions = (
        FreePositions(shape.neurons, settings.init_mu_range)
        if settings.positions == "free" or shape.free
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


def _make_modulator(shape: MouseShape, settings: ModelSettings) -> HistoryStateGain:
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


@runtime_checkable
class MiceModel(Protocol):
    """What a model offers to be trained, evaluated and saved: an `nn.Module` with a view for each mouse.

    `mouse(key)` is a module, called by name with what the config has the model read of B trials: `images`
    (B H W, standardised), `behaviour` (B 3) and `pupil_center` (B 2), both scaled, `history` (B N L), `state`
    (B S) and `rank` (B). It returns rates B N above zero, on the scale of the competition (responses over
    their standard deviation), neurons in the order of the scan.

    To be opened without the function that built it, the model also has a property `configuration`: the
    arguments of its constructor, as JSON can hold them.
    """

    def mouse(self, key: str) -> nn.Module:
        """The view of one mouse, whose parts are the model's own."""

    def regulariser(self, key: str) -> Float[Tensor, ""]:
        """All weighted penalties of one batch of a mouse; 0 where there are none."""


def check_model(model: nn.Module) -> None:
    """Raises SettingsError for a model that lacks what training calls."""
    if missing := [each for each in ("mouse", "regulariser") if not hasattr(model, each)]:
        raise SettingsError(
            f"{type(model).__name__} lacks {' and '.join(missing)}; see "
            "neurokit.sensorium.model.MiceModel for what a model offers."
        )


def check_answers(model: MiceModel, key: str, inputs: Mapping[str, Tensor], wanted: tuple[int, ...]) -> None:
    """Raises SettingsError where the model answers a batch of one mouse with another shape than its
    responses.

    A shape that only broadcasts would be trained on without a word.
    """
    view = model.mouse(key)
    with evaluating(view), torch.no_grad():
        answers = view(**inputs)
    found = tuple(answers.shape) if isinstance(answers, Tensor) else type(answers).__name__
    if found != wanted:
        raise SettingsError(
            f"{type(model).__name__} answers {wanted[0]} images of {key} with {found}; return images x "
            f"neurons, {wanted}."
        )
