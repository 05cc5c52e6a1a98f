"""A recipe: everything that makes one trained SENSORIUM model out of scans; the published ones, and small."""

from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from neurokit.errors import SettingsError
from neurokit.features.history import LAGS
from neurokit.features.mouse_trials import BehaviourScale, InputSettings
from neurokit.features.state import StateSettings
from neurokit.fit_settings import FitSettings
from neurokit.models.sensorium_settings import CNN, CNN_PLUS, LN, LN_PLUS, MODEL_4, ModelSettings

Start = Literal["random", "receptive_fields"]
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


@dataclass(frozen=True)
class Recipe:
    """A model, how its behaviour is scaled, its state is fitted, and how it is trained.

    `start` is where readout positions begin: as drawn, or at the receptive fields measured on training
    trials (`neurokit.features.retinotopy`). `seed` draws the weights; `fit.seed` everything random in
    training. The default is the competition's CNN with behaviour.
    """

    model: ModelSettings = CNN_PLUS
    fit: FitSettings = PUBLISHED_FIT
    behaviour_scale: BehaviourScale = "std"
    state: StateSettings = field(default_factory=StateSettings)
    start: Start = "random"
    seed: int = 42

    def __post_init__(self) -> None:
        """Raises SettingsError for an unknown word, and where model and features differ in size."""
        if self.start not in (known := get_args(Start)):
            raise SettingsError(f"start is {self.start!r}; use one of {', '.join(known)}.")
        _ = self.inputs  # which looks at its own words
        sizes = {"lags": len(LAGS), "states": self.state.factors}
        for name, made in sizes.items():
            if (wanted := getattr(self.model, name)) != made:
                raise SettingsError(f"The model reads {wanted} {name}, of which {made} are made; use {made}.")

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


PUBLISHED: dict[str, Recipe] = {
    "ln": Recipe(model=LN),
    "cnn": Recipe(model=CNN),
    "ln_plus": Recipe(model=LN_PLUS),
    "cnn_plus": Recipe(model=CNN_PLUS),
    "model_4": Recipe(model=MODEL_4, behaviour_scale="range", seed=100),
}


def small(recipe: Recipe, epochs: int = 12) -> Recipe:
    """The recipe made small for the demo's mice of 200 neurons: a minute or two on one processor.

    Penalties, readout, behaviour and modulator stay as published; core, batches and schedule are
    what fits some hundred images (steps count, so batches are of four), and positions start at measured
    receptive fields. Its scores say nothing about the published size.
    """
    core = {"channels": 32, "layers": 2, "input_kernel": 11, "hidden_kernel": 7, "momentum": 0.1}
    fit = replace(
        recipe.fit,
        epochs=epochs,
        batch_size=4,
        learning_rate=0.004,
        clip=None,
        schedule="cosine",
        warm_up=max(1, epochs // 5),
        patience=None,
        rounds=1,
        evaluate_first=False,
    )
    return replace(
        recipe,
        model=replace(recipe.model, **core),
        fit=fit,
        state=replace(recipe.state, components=min(recipe.state.components, 100)),
        start="receptive_fields",
    )
