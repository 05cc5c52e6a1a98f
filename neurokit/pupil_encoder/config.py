"""What makes one trained PupilEncoder out of a recording, and the table of its models."""

from typing import Annotated, Any, Literal

import numpy as np
from hyperopt import hp
from pydantic import AfterValidator

from neurokit.config import Count, Names, Positive
from neurokit.errors import SettingsError
from neurokit.pupil_encoder.features import BEHAVIOUR, BOXCAR, Smoothing, SplitKind
from neurokit.training.choices import find_repeated
from neurokit.training.settings import FitSettings
from neurokit.training.system import ModelEntry, SystemConfig

Family = Literal["rnn", "gru", "lstm", "mlp", "cnn"]
Inputs = Literal["pupil", "behaviour"]


def _known(channels: tuple[str, ...]) -> tuple[str, ...]:
    if unknown := set(channels) - set(BEHAVIOUR):
        raise SettingsError(
            f"without names {', '.join(sorted(unknown))}; channels are {', '.join(BEHAVIOUR)}."
        )
    return tuple(channel for channel in BEHAVIOUR if channel in channels)


def _distinct(regions: tuple[str, ...]) -> tuple[str, ...]:
    if twice := find_repeated(regions):
        raise SettingsError(f"regions names {', '.join(twice)} more than once; name each region once.")
    return regions


Channels = Annotated[Names, AfterValidator(_known)]
Regions = Annotated[Names, AfterValidator(_distinct)]
FIT = FitSettings(epochs=100, batch_size=32, learning_rate=3e-3, weight_decay=1e-4, patience=20)


class PupilConfig(SystemConfig):
    """All that makes a trained encoder. The default is the network of the first PupilEncoder."""

    cell: Family = "rnn"
    """Recurrent cell, or 'mlp' (perceptron on a window of 1 s to each side) or 'cnn' (over time)."""
    hidden: Count = 27
    """Hidden units of each layer."""
    layers: Count = 1
    """Number of layers."""
    inputs: Inputs = "pupil"
    """Whether the model reads the pupil alone, or all behaviour that was recorded."""
    without: Channels = ()
    """Channels that it does not read, such as a sensor known to be broken."""
    split: SplitKind = "random"
    """How trials are assigned to train, validation and test: one by one, or in runs ('blocked')."""
    regions: Regions | None = None
    """Regions whose rates are predicted; None: those of the first PupilEncoder, else all of 20 neurons or
    more."""
    width: Positive = BOXCAR
    """Of the window over which spike counts are averaged, s."""
    smoothing: Smoothing = "causal"
    """Which window: one that looks back ('causal'), a centred one, or a Gaussian."""
    fit: FitSettings = FIT
    """How it is trained; its seed is that of everything random in training."""


def _entry(cell: Family, about: str) -> ModelEntry:
    published = PupilConfig(cell=cell)
    return ModelEntry(about, published.with_epochs(60), published)


MODELS = {
    "rnn": _entry("rnn", "the first PupilEncoder: a bidirectional Elman network"),
    "gru": _entry("gru", "the same with gated recurrent units"),
    "lstm": _entry("lstm", "the same with long short-term memory"),
    "mlp": _entry("mlp", "a perceptron on one second to each side of a bin"),
    "cnn": _entry("cnn", "dilated convolutions over time"),
}


def search_space(cells: tuple[Family, ...] = ("rnn", "gru", "lstm"), most_layers: int = 2) -> dict[str, Any]:
    """What TPE searches, in hyperopt's terms: cell, sizes, learning rate, weight decay."""
    return {
        "cell": hp.choice("cell", list(cells)),
        "hidden": hp.uniformint("hidden", 10, 60),
        "layers": hp.choice("layers", list(range(1, most_layers + 1))),
        "learning_rate": hp.loguniform("learning_rate", np.log(3e-4), np.log(3e-2)),
        "weight_decay": hp.loguniform("weight_decay", np.log(1e-6), np.log(1e-2)),
    }
