"""The config of a SENSORIUM model, and the table of its published models.

A config holds the settings of a model and those of its training. LN, CNN and their versions with behaviour
(LN_PLUS, CNN_PLUS) are the competition's baselines (Willeke et al., arXiv 2206.08666, 2022); MODEL_4 is
Adrian Roggenbach's winning SENSORIUM+ entry. The numbers are those of their published configurations.
"""

from typing import Annotated, Any, Literal, TypeVar

import numpy as np
from hyperopt import hp
from pydantic import Field, model_validator

from neurokit.config import Config, Count, Fraction, NonNegative, Positive, Seed, WholeNumber
from neurokit.errors import SettingsError
from neurokit.sensorium.features import BehaviourScale, InputSettings
from neurokit.sensorium.past_responses import LAGS, StateSettings
from neurokit.sensorium.readout import Activation, Gauss
from neurokit.training.settings import FitSettings
from neurokit.training.system import ModelEntry, SystemConfig

Own = TypeVar("Own", bound="SensoriumConfig")
Positions = Literal["cortex", "free"]
Start = Literal["random", "receptive_fields"]
SEEDS = 1000  # between the seeds of two experiments, so that the members of their ensembles differ
WARM_UP = 5  # one epoch in so many raises the learning rate at first
PUBLISHED_FIT = FitSettings(
    epochs=200,
    batch_size=128,
    learning_rate=0.009,
    clip=None,
    patience=5,
    schedule="rounds",
    rounds=4,
    tolerance=1e-6,
    evaluate_first=True,
    seed=42,
)


class ModelSettings(Config):
    """What a model is made of. `history`, `state` and `gain` use past responses."""

    channels: Count = 64
    """Channels of each layer of the core."""
    layers: Count = 4
    """Layers of the core."""
    input_kernel: Annotated[Count, Field(le=36)] = 9
    """Side of the first layer's kernel, pixels; the image is 36 high."""
    hidden_kernel: Count = 7
    """Side of the other layers' kernels, pixels of the map."""
    linear: bool = False
    """Whether the core is without nonlinearities."""
    momentum: Fraction = 0.9
    """Weight of the newest batch in the running statistics of the batch normalisation."""
    gauss: Gauss = "full"
    """Shape of the Gaussian that a neuron's position is drawn from in training."""
    positions: Positions = "cortex"
    """Where positions come from: a perceptron of the place in 'cortex', or each neuron's own ('free')."""
    position_layers: Count = 1
    """Hidden layers of that perceptron."""
    position_hidden: Count = 30
    """Units in each of them."""
    position_activation: Activation = "elu"
    """Nonlinearity of these units."""
    init_sigma: NonNegative = 0.1
    """Standard deviation of the Gaussian at first; the map reaches from -1 to 1."""
    init_mu_range: Annotated[float, Field(ge=0, le=0.999)] = 0.3
    """Free positions are drawn between minus this and this, on the map; 'cortex' does not use it."""
    behaviour: bool = False
    """Whether pupil size, its change and running are three constant input channels."""
    shifter: bool = False
    """Whether the pupil's centre shifts all positions."""
    history: bool = False
    """Whether a neuron's own last responses add to its drive."""
    state: bool = False
    """Whether the behavioural state adds to the drive."""
    gain: bool = False
    """Whether a slow gain, learned for each trial, multiplies the rate."""
    lags: Count = 5
    """Numbers in a neuron's history: its mean response over as many different stretches of last trials."""
    states: Count = 10
    """Numbers in the behavioural state of a trial."""
    gain_width: Annotated[float, Field(ge=1)] = 30.0
    """Width of the half Gaussian that smooths the gain, trials."""
    gain_reach: WholeNumber = 100
    """How many trials back the smoothing reaches."""
    gamma_input: NonNegative = 6.3831
    """Weight of the penalty on rough input kernels."""
    gamma_readout: NonNegative = 0.0076
    """Weight of the penalty on the readout's weights."""
    gamma_gain: NonNegative = 100.0
    """Weight of the penalty on steps of the gain from trial to trial."""
    gamma_coupling: NonNegative = 0.3
    """Weight of the penalty on how strongly neurons follow the gain."""
    gamma_history: NonNegative = 0.3
    """Weight of the penalty on the history's weights."""
    gamma_state: NonNegative = 0.3
    """Weight of the penalty on the state's weights."""


CNN = ModelSettings()
LN = CNN.replace(layers=3, linear=True)
CNN_PLUS = CNN.replace(behaviour=True, shifter=True)
LN_PLUS = LN.replace(behaviour=True, shifter=True)
MODEL_4 = CNN_PLUS.replace(
    hidden_kernel=10,
    position_layers=4,
    position_hidden=20,
    position_activation="relu",
    init_sigma=0.14,
    init_mu_range=0.8,
    gamma_input=9.8,
    gamma_readout=0.48,
    history=True,
    state=True,
    gain=True,
)


class MouseShape(Config):
    """The sizes of one scan."""

    neurons: Count
    """Neurons."""
    trials: WholeNumber = 0
    """All its trials, which only the gain needs; 0: unknown."""
    free: bool = False
    """Whether each neuron has a readout position of its own, since its place in cortex is not known."""


class SensoriumConfig(SystemConfig):
    """Everything that makes a trained model out of scans; by default the competition's CNN with behaviour."""

    model: ModelSettings = CNN_PLUS
    """What the model is made of."""
    fit: FitSettings = PUBLISHED_FIT
    """How it is trained; its seed is that of everything random in training."""
    behaviour_scale: BehaviourScale = "std"
    """How behaviour is scaled, where the model reads it."""
    state: StateSettings = StateSettings()
    """How the behavioural state is fitted, where the model reads it."""
    start: Start = "random"
    """Where readout positions begin: as drawn ('random'), or at the receptive fields measured on training
    trials (`neurokit.sensorium.readout`)."""
    window: tuple[NonNegative, Positive] | None = None
    """Start and end after an image came on, s, in which the activity of a recording of one's own becomes one
    response; None: 0.05 to 0.55."""
    stimulus: str | None = None
    """The set of images of a recording of one's own, by name; None: the one that was shown most often."""
    seed: Seed = 42
    """Seed of the weights."""

    @model_validator(mode="after")
    def _features_fit_the_model(self) -> "SensoriumConfig":
        sizes = {"lags": len(LAGS), "states": self.state.factors}
        for name, made in sizes.items():
            if (wanted := getattr(self.model, name)) != made:
                raise SettingsError(f"The model reads {wanted} {name}, of which {made} are made; use {made}.")
        return self

    @property
    def reading(self) -> dict[str, Any]:
        """What is chosen of a recording of one's own, as `from_recording` takes it."""
        chosen = {"window": self.window, "stimulus": self.stimulus}
        return {name: value for name, value in chosen.items() if value is not None}

    @property
    def inputs(self) -> InputSettings:
        """What this model reads of each trial."""
        return InputSettings(
            behaviour=self.behaviour_scale if self.model.behaviour else None,
            pupil_center=self.model.shifter,
            history=self.model.history,
            state=self.model.state,
            rank=self.model.gain,
            state_settings=self.state,
        )

    def add_seed(self: Own, seed: int) -> Own:
        """The same with 1000 times `seed` added to the seeds of weights and training."""
        return super().add_seed(SEEDS * seed)

    def with_epochs(self: Own, epochs: int) -> Own:
        """The same, trained for `epochs` at most; a warm-up of a fifth of them stays a fifth."""
        fit = self.fit.replace(epochs=epochs)
        if self.fit.warm_up == _warm_up(self.fit.epochs):
            fit = fit.replace(warm_up=_warm_up(epochs))
        return self.replace(fit=fit)


def _warm_up(epochs: int) -> int:
    return max(1, epochs // WARM_UP)


def _make_entry(about: str, published: SensoriumConfig) -> ModelEntry:
    """The published config, and one for the demo's mice of 200 neurons: a minute or two on one processor.

    Penalties, readout, behaviour and modulator are as published in both; core, batches and schedule of the
    small one are what fits some hundred images (steps count, so batches are of four), and positions start at
    measured receptive fields. Its scores say nothing about the published size.
    """
    core = {"channels": 32, "layers": 2, "input_kernel": 11, "hidden_kernel": 7, "momentum": 0.1}
    schedule = {"schedule": "cosine", "warm_up": _warm_up(12), "patience": None, "rounds": 1}
    steps = {"epochs": 12, "batch_size": 4, "learning_rate": 0.004, "clip": None, "evaluate_first": False}
    small = published.replace(
        model=published.model.replace(**core),
        fit=published.fit.replace(**steps, **schedule),
        state=published.state.replace(components=min(published.state.components, 100)),
        start="receptive_fields",
    )
    return ModelEntry(about, small, published)


MODELS = {
    "cnn_plus": _make_entry("four convolutions, with behaviour and eye", SensoriumConfig(model=CNN_PLUS)),
    "ln": _make_entry("three linear convolutions and an ELU", SensoriumConfig(model=LN)),
    "cnn": _make_entry("four convolutions", SensoriumConfig(model=CNN)),
    "ln_plus": _make_entry("ln with behaviour and eye", SensoriumConfig(model=LN_PLUS)),
    "model_4": _make_entry(
        "the winning entry: cnn_plus with history, state and gain",
        SensoriumConfig(model=MODEL_4, behaviour_scale="range", seed=100),
    ),
}
WITHOUT_BEHAVIOUR = ("cnn", "ln")  # models that read neither behaviour nor eye, the better one first


def search_space() -> dict[str, Any]:
    """What TPE searches, in hyperopt's terms: width of the core, learning rate, penalties, spread."""
    return {
        "channels": hp.uniformint("channels", 16, 64),
        "learning_rate": hp.loguniform("learning_rate", np.log(1e-3), np.log(2e-2)),
        "gamma_input": hp.loguniform("gamma_input", np.log(1.0), np.log(30.0)),
        "gamma_readout": hp.loguniform("gamma_readout", np.log(1e-3), np.log(1.0)),
        "init_sigma": hp.uniform("init_sigma", 0.05, 0.3),
    }
