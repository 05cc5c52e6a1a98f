"""A recipe: everything that makes one trained SENSORIUM model out of scans; the published ones, and small."""

from typing import Literal

from pydantic import model_validator

from neurokit.config import Config, Seed
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


class Recipe(Config):
    """All that makes a trained model out of scans. The default is the competition's CNN with behaviour."""

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
    trials (`neurokit.features.retinotopy`)."""
    seed: Seed = 42
    """Of the weights."""

    @model_validator(mode="after")
    def _features_fit_the_model(self) -> "Recipe":
        sizes = {"lags": len(LAGS), "states": self.state.factors}
        for name, made in sizes.items():
            if (wanted := getattr(self.model, name)) != made:
                raise SettingsError(f"The model reads {wanted} {name}, of which {made} are made; use {made}.")
        return self

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
    fit = recipe.fit.replace(
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
    return recipe.replace(
        model=recipe.model.replace(**core),
        fit=fit,
        state=recipe.state.replace(components=min(recipe.state.components, 100)),
        start="receptive_fields",
    )
