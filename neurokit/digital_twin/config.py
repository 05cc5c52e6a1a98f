"""The settings of a trained digital twin, and the table of its models."""

from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from hyperopt import hp
from pydantic import AfterValidator, Field, model_validator

from neurokit.config import AnyPath, Count, Names, Seed, WholeNumber
from neurokit.digital_twin.network.config import SMALL as SMALL_NETWORK
from neurokit.digital_twin.network.config import FoundationSettings, Recurrence
from neurokit.digital_twin.optimisation import CycleSettings, SgdClipSettings
from neurokit.errors import SettingsError
from neurokit.training.device import Precision
from neurokit.training.settings import FitSettings
from neurokit.training.system import ModelEntry, SystemConfig

Gaps = Literal["drop", "mean"]
Start = Literal["middle", "map"]


def _absolute(path: Path) -> Path:
    """A path that means the same in every working directory."""
    return path.expanduser().absolute()


class TwinConfig(SystemConfig):
    """What is trained, on which clips, and how. In each step every mouse gives a batch of clips.

    The defaults are those of the public transfer of the released model to a new mouse (Wang et al., Nature
    640, 470-477, 2025): 100 epochs of 500 batches.
    """

    network: FoundationSettings = FoundationSettings()
    """How large the network is; with a `foundation`, its sizes count instead."""
    foundation: Annotated[AnyPath, AfterValidator(_absolute)] | None = None
    """A saved twin, or a folder of released weights, whose core is transferred; None: a core of its own."""
    window: Count = 100
    """Frames of a clip (30 Hz), the stretch of a trial that is drawn."""
    burn_in: WholeNumber = 10
    """The first frames of each clip, which are shown but not scored."""
    batch: Count = 4
    """Clips that each mouse gives in a step."""
    batches: Count = 500
    """Steps of an epoch."""
    validation_batches: Count = 20
    """Batches of clips, always the same, for the validation loss."""
    movies: Names | None = None
    """Movies of a recording of one's own that are made into trials, by name; None: all."""
    areas: Names | None = None
    """Its areas whose units are taken; None: all."""
    gaps: Gaps = "drop"
    """Clips with gaps in behaviour are left out ('drop'), or the gaps filled with the mean, which is 0."""
    start: Start = "middle"
    """How readouts begin: all in the middle of the map and with weights of zero, as published, or each where
    a quick map of the training trials finds its field (`neurokit.digital_twin.starting`). A core that is
    transferred then brings its monitor's pose, which stays, as the fields do, and readouts begin with the
    weights of a ridge regression. Use 'map' for a short training."""
    cycles: CycleSettings = CycleSettings()
    """The learning rate, and the epochs of a cycle."""
    rounds: Count = 1
    """Cycles of the learning rate."""
    sgd: SgdClipSettings = SgdClipSettings()
    """The other numbers of the optimiser."""
    precision: Precision = "float32"
    """Precision of training steps; the validation loss is always computed in float32."""
    seed: Annotated[Seed, Field(le=2**31 - 1)] = 0
    """Seed of weights, clips, streams and noise."""

    @model_validator(mode="after")
    def _frames_are_left_to_score(self) -> "TwinConfig":
        if self.burn_in >= self.window:
            raise SettingsError(
                f"burn_in is {self.burn_in} frames of clips of {self.window}; leave at least one to score."
            )
        return self

    @property
    def reading(self) -> dict[str, Any]:
        """What is chosen of a recording of one's own, as `convert_recording` takes it."""
        chosen = {"movies": self.movies, "areas": self.areas}
        return {name: value for name, value in chosen.items() if value is not None}

    @property
    def fit_settings(self) -> FitSettings:
        """The settings of the training loop; the optimiser and its rate are this config's own."""
        return FitSettings(
            epochs=self.rounds * self.cycles.epochs,
            batch_size=self.batch,
            learning_rate=self.cycles.learning_rate,
            clip=None,
            patience=None,
            precision=self.precision,
            seed=self.seed,
        )

    def with_epochs(self, epochs: int) -> "TwinConfig":
        """The same with one cycle of that many epochs, a tenth of them rising."""
        return self.replace(cycles=self.cycles.replace(epochs=epochs, warm_up=epochs // 10), rounds=1)


# A few hundred steps instead of fifty thousand, so each may change a parameter by more. Chosen on simulated
# mice that no reported result comes from.
SMALL = TwinConfig(
    network=SMALL_NETWORK,
    start="map",
    window=50,
    batches=25,
    validation_batches=5,
    cycles=CycleSettings(learning_rate=0.12),
    sgd=SgdClipSettings(clip=0.05, eps=0.003),
).with_epochs(10)


def _with_core(recurrence: Recurrence, about: str) -> ModelEntry:
    small, published = (
        config.replace(network=config.network.replace(recurrence=recurrence))
        for config in (SMALL, TwinConfig())
    )
    return ModelEntry(about, small, published)


MODELS = {
    "twin": ModelEntry("the network of Wang et al., whose core is a CvT-LSTM", SMALL, TwinConfig()),
    "conv_lstm": _with_core("convolution", "the same with the paper's other core, a Conv-LSTM"),
}


def search_space() -> dict[str, Any]:
    """What TPE searches, in hyperopt's terms: rate, clipping and decay, which every core has."""
    return {
        "cycles.learning_rate": hp.loguniform("cycles.learning_rate", np.log(0.03), np.log(0.3)),
        "sgd.clip": hp.loguniform("sgd.clip", np.log(0.005), np.log(0.1)),
        "sgd.decay": hp.loguniform("sgd.decay", np.log(1e-5), np.log(1e-2)),
    }
