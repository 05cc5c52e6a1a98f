"""What a system offers to `neurokit.experiment.Experiment`: its recordings, models, training and scores.

A system is a package, such as `neurokit.sensorium`, whose module `experiment` defines the names of `System`.
Shared modules import no system, and systems do not import one another: an experiment finds one by its name.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast, runtime_checkable

import numpy as np
import pandas as pd
from torch import nn

from neurokit import settings
from neurokit.config import Config, Seed
from neurokit.settings import Source
from neurokit.training.checkpoint import Checkpoint
from neurokit.training.fit import TrainingResult
from neurokit.training.omissions import Omission

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Own = TypeVar("Own", bound="SystemConfig")
Build = Callable[[Any, Any], nn.Module]
"""An untrained model for a task and a config."""


class SystemConfig(Config):
    """Everything that turns a recording into a trained model; each system adds its own fields.

    A field `fit` holds the settings of `neurokit.training.fit`; its seed serves everything random in
    training.
    """

    seed: Seed = 0
    """Seed of the weights."""

    def add_seed(self: Own, seed: int) -> Own:
        """The same config with `seed` added to the seeds of weights and training."""
        names = [name for name in ("seed", "fit.seed") if name in self.names()]
        return self.with_values({name: self.value(name) + seed for name in names})

    def with_epochs(self: Own, epochs: int) -> Own:
        """The same config with at most this many epochs."""
        return self.with_values({"fit.epochs": epochs})


@dataclass(frozen=True)
class ModelEntry:
    """One model of a system.

    Attributes:
        about: a description of a few words.
        small: its config for simulated recordings and a CPU.
        published: its config as published.
    """

    about: str
    small: SystemConfig
    published: SystemConfig


@dataclass(frozen=True)
class Option:
    """A field of a system's config that has a flag of its own on the command line.

    Attributes:
        name: of the flag, without dashes.
        key: the field, with dots for one inside another config.
        about: one line of help.
        several: whether it takes more than one value.
    """

    name: str
    key: str
    about: str
    several: bool = False


@dataclass(frozen=True)
class Simulated:
    """A simulated recording on disk: its files, and a sentence on the score of the best possible model."""

    files: tuple[Path, ...]
    ceiling: str


@dataclass(frozen=True)
class Score:
    """The validation score that selects the best epoch, in readable form.

    Attributes:
        value: of the best epoch.
        name: what is measured, with its unit.
        yardsticks: the same score of baselines without a network, by name, and of the ceiling where known.
    """

    value: float
    name: str
    yardsticks: dict[str, float] = field(default_factory=dict)


@runtime_checkable
class System(Protocol):
    """The names of a system's module `experiment`.

    Recordings and tasks are the system's own dataclasses; a `config` is of its own `SystemConfig`.
    """

    NAME: str
    """The name on the command line, such as 'pupil-encoder'."""
    MODELS: Mapping[str, ModelEntry]
    """All models by name, the default first."""
    OPTIONS: Sequence[Option]
    """Fields of the config that have their own flag on the command line."""
    DATA_FIELDS: Sequence[str]
    """Fields of the config, with dots, that recording and task depend on."""
    COLUMNS: str
    """What the columns of the scores mean."""
    INPUTS: str
    """The content of a file for `predict`: names, shapes, units."""

    def load(
        self,
        *,
        source: Source | None = None,
        folder: str | Path | None = None,
        session: Sequence[str] = (),
        seed: int = 0,
        config: Any = None,
    ) -> Any:
        """The recording of a source, or of your own folder.

        `session` names sessions; without any, it is the default of the source, or all. `seed` picks the
        simulated recording of the demo source; `config` says which part of the recording is read. Raises
        SettingsError for a source that the system does not have, and DataError for an unknown session, both
        before anything is downloaded, and as the reader does.
        """

    def sessions(self, source: Source, seed: int = 0, **place: Any) -> pd.DataFrame:
        """The sessions of the source, without downloading: one row each, with what can be selected in it.

        A system whose function takes a `folder` lists that one's.
        """

    def describe(self, recording: Any) -> str:
        """The recording in a few lines: sessions, units, trials, what is missing."""

    def identity(self, recording: Any) -> dict[str, Any]:
        """Identifies the data by the values in the source's files; equal on every machine (JSON)."""

    def task(
        self,
        recording: Any,
        config: Any,
        *,
        arrays: Mapping[str, np.ndarray] | None = None,
        device: str = "auto",
    ) -> Any:
        """Inputs, targets and parts; `arrays` are transforms of a checkpoint, else new ones are fitted."""

    def arrays(self, task: Any) -> dict[str, np.ndarray]:
        """The transforms that were fitted to training data, for the checkpoint."""

    def omissions(self, task: Any) -> Sequence[Omission]:
        """What reader and task have left out, by rule; none for a sound recording."""

    def facts(self, task: Any) -> dict[str, Any]:
        """What is saved with a model besides arrays: names of units and channels, rates (JSON)."""

    def build(self, task: Any, config: Any) -> nn.Module:
        """An untrained model for the task, its weights drawn from the config's seed."""

    def train(
        self,
        model: nn.Module,
        task: Any,
        config: Any,
        *,
        device: str = "auto",
        checkpoint: str | Path | None = None,
        **options: Any,
    ) -> TrainingResult:
        """Trains the model in place; `checkpoint` and `options` go to `neurokit.training.fit.fit`."""

    def score(self, result: TrainingResult, task: Any, config: Any) -> Score:
        """The validation score of a result beside those of baselines without a network."""

    def predict(self, model: nn.Module, task: Any, part: str = "test") -> Any:
        """Rates for a part of the task, as the system's metrics take them."""

    def evaluate(self, model: Any, task: Any, config: Any) -> pd.DataFrame:
        """Test scores of the model, of the baselines, and of the ceiling where it is known.

        A system with a function `explain_untrainable(recording)` says there why no model can be trained on a
        recording (empty where one can); the model is then None.
        """

    def explain_ceiling(self, task: Any, config: Any) -> str:
        """A line on where the ceiling of the scores comes from, or why there is none."""

    def draw(self, scores: pd.DataFrame) -> "Figure":
        """The scores as a picture: model, baselines, ceiling, spread."""

    def respond(self, checkpoint: Checkpoint, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Rates for new inputs, by name; for the `arrays` see INPUTS.

        Raises DataError for sizes, rates or units that do not fit the model.
        """

    def search_space(self) -> dict[str, Any]:
        """The space of a search: hyperopt expressions by the dotted names of config fields."""

    def convert(
        self,
        path: str | Path,
        folder: str | Path,
        *,
        session: Sequence[str] = (),
        **options: Any,
    ) -> Sequence[str]:
        """Writes a recording in a format of the field into `folder`, as `load` and others read it.

        `session` names one of several. An option `format` says in which layout; others are the system's own.
        Returns lines on the format that was recognised, what was written, and what a model will lack. Raises
        DataError for a path that cannot be read or lacks what the system needs, before anything is written.
        """

    def simulate(self, folder: Path, *, seed: int = 0, **options: Any) -> Simulated:
        """Writes a simulated recording in the files of its real counterpart, with the truth beside it."""


def find_system(name: str) -> System:
    """The system of that name, with hyphens or underscores; raises SettingsError where there is none."""
    if (known := name.replace("_", "-")) not in settings.SYSTEMS:
        raise settings.no_such_system(name)
    return cast(System, import_module(f"neurokit.{known.replace('-', '_')}.experiment"))
