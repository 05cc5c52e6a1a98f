"""Trained models by name or path: a checkpoint of one's own, and what others have published.

found = load_pretrained("checkpoints/sensorium-demo-cnn_plus-0-1234567890")
rates = found.respond(images=images)
"""

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from neurokit import settings
from neurokit.errors import CheckpointError, SettingsError
from neurokit.training import checkpoint
from neurokit.training.checkpoint import Checkpoint
from neurokit.training.system import System, find_system

RELEASED = "microns"


class Pretrained:
    """A trained model, in evaluation mode on the CPU, and what it needs to be asked.

    Args:
        found: the checkpoint, or a model without one.
        system: what made it.
    """

    def __init__(self, found: Checkpoint, system: System) -> None:
        self._found, self.system = found, system

    @property
    def model(self) -> nn.Module:
        """The network."""
        return self._found.model

    @property
    def facts(self) -> dict[str, Any]:
        """What was saved with it: config, names of units, which data, history; empty where others made it."""
        return self._found.facts

    def respond(self, **arrays: Any) -> dict[str, np.ndarray]:
        """Rates for inputs that the model has never seen; their names and units are in `system.INPUTS`.

        Raises DataError for inputs that do not fit the model, and CheckpointError for one whose transforms
        were not saved with it.
        """
        if not self.facts:
            raise CheckpointError(
                f"{self._found.path} holds weights alone, without the scales of its inputs: "
                "call `model` with inputs that you have scaled as its makers did."
            )
        return self.system.respond(self._found, {name: np.asarray(values) for name, values in arrays.items()})


def load_pretrained(name: str | Path, *, session: str | None = None) -> Pretrained:
    """Opens a checkpoint (either file), an organisers' .pth file, or a folder of released digital twins.

    'microns' stands for the released digital twins, which are downloaded on the first call; `session` is
    the scan among them, such as '8_5' (default: the first). The class of a model of one's own is looked up
    in what has been imported. Raises CheckpointError for what is missing, damaged or of another kind, and
    what fetching raises.
    """
    path = Path(name)
    if str(name) == RELEASED or path.is_dir():
        return _released(None if str(name) == RELEASED else path, session)
    if session is not None:
        raise SettingsError(f"session is {session!r}, and {path} holds one model; leave it out.")
    if path.suffix in (".pth", ".pt"):
        return _official(path)
    return _own(path)


def _own(path: Path) -> Pretrained:
    found = checkpoint.read_facts(path).get("system")
    if found not in settings.SYSTEMS:
        raise CheckpointError(f"{path} says that it is of the system {found!r}, which this version has not.")
    system = find_system(found)  # imports its own classes; no other is ever imported here
    return Pretrained(checkpoint.load(path), system)


def _official(path: Path) -> Pretrained:
    official = import_module("neurokit.sensorium.official")
    model = official.load_official(path)
    return Pretrained(Checkpoint(path, model, {}, {}), find_system("sensorium"))


def _released(folder: Path | None, session: str | None) -> Pretrained:
    released = import_module("neurokit.digital_twin.released")
    found = released.open_released(released.fetch_weights() if folder is None else folder, session)
    return Pretrained(found, find_system("digital-twin"))
