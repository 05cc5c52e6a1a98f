"""Trained models by name or path: own checkpoints, and those that others have published.

found = load_pretrained("v1-images")  # or "checkpoints/sensorium-demo-cnn_plus-0-1234567890"
rates = found.respond(images=images)
"""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from neurokit import settings, trained
from neurokit.arguments import explain_failure
from neurokit.config import AnyPath, check_value
from neurokit.errors import CheckpointError, DataError, SettingsError
from neurokit.files.atomic import restore_folder
from neurokit.training import checkpoint
from neurokit.training.checkpoint import Checkpoint
from neurokit.training.system import System, find_system

RELEASED = "microns"


class Pretrained:
    """A trained model, in evaluation mode on the CPU, with all that it needs to predict.

    Args:
        found: the checkpoint; its facts are empty for models of others.
        system: the system of the model.
    """

    def __init__(self, found: Checkpoint, system: System) -> None:
        self._found, self.system = found, system

    @property
    def model(self) -> nn.Module:
        """The network."""
        return self._found.model

    @property
    def facts(self) -> dict[str, Any]:
        """What was saved with it: config, names of units, data, history; empty for models of others."""
        return self._found.facts

    def respond(self, **arrays: Any) -> dict[str, np.ndarray]:
        """Rates for new inputs, whose names and units are in `system.INPUTS`.

        Raises DataError for inputs that do not fit the model, and CheckpointError for one whose transforms
        were not saved with it.
        """
        if not self.facts:
            raise CheckpointError(
                f"{self._found.path} holds weights alone, without the scales of its inputs: "
                "scale the inputs as its authors did and call `model`."
            )
        return self.system.respond(self._found, to_arrays(arrays))


def to_arrays(inputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Inputs of a model as plain arrays of real numbers, NaN where masked; what is None is left out.

    A session is text. Raises DataError for an input that holds anything else.
    """
    return {name: _to_array(name, values) for name, values in inputs.items() if values is not None}


def _to_array(name: str, values: Any) -> np.ndarray:
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu()
    try:
        found = np.ma.asarray(values) if isinstance(values, np.ma.MaskedArray) else np.asarray(values)
    except (ValueError, TypeError, RuntimeError) as error:  # rows of different lengths
        raise DataError(
            f"{name} is no array ({str(error).splitlines()[0]}); give rows of one length."
        ) from error
    if found.dtype.kind not in ("fiubU" if name == "session" else "fiub"):  # which text names
        kind = "text" if found.dtype.kind in "US" else f"of type {found.dtype}"
        raise DataError(f"{name} is {kind}; give real numbers.")
    if isinstance(found, np.ma.MaskedArray):
        if found.mask.any() and found.dtype.kind != "f":
            raise DataError(
                f"{name} is masked, and its type, {found.dtype}, has no NaN; leave masked parts out."
            )
        found = found.filled(np.nan) if found.dtype.kind == "f" else found.data
    return np.ascontiguousarray(found).reshape(found.shape)  # torch takes no reversed arrays


@explain_failure
def load_pretrained(name: str | Path, *, session: str | None = None) -> Pretrained:
    """Opens a checkpoint (either file), an organisers' .pth file, or a folder of released digital twins.

    The models that come with the package have names: `neurokit.trained.names()`. 'microns' stands for the
    released digital twins, which are downloaded on the first call; `session` names one of their scans, such
    as '8_5' (default: the first). The class of your own model must have been imported. Raises CheckpointError
    for a file that is missing, damaged or of another kind, and as `fetch` does.
    """
    if not str(name).strip():
        raise SettingsError("name is empty; give the path of a checkpoint.")
    path = trained.path_of(str(name)) if str(name) in trained.names() else check_value("name", name, AnyPath)
    if str(name) == RELEASED or restore_folder(path).is_dir():
        return _released(None if str(name) == RELEASED else path, session)
    if session is not None:
        raise SettingsError(f"session is {session!r}, and {path} holds one model; leave it out.")
    if path.suffix in (".pth", ".pt"):
        return _official(path)
    return _own(path)


def _own(path: Path) -> Pretrained:
    found = checkpoint.read_facts(path).get("system")
    if found not in settings.SYSTEMS:
        raise CheckpointError(
            f"{path} is of the system {found!r}, which this version does not have; use one that has it."
        )
    system = find_system(found)  # imports the system's own classes, and nothing else
    return Pretrained(checkpoint.load(path), system)


def _official(path: Path) -> Pretrained:
    official = import_module("neurokit.sensorium.official")
    model = official.load_official(path)
    return Pretrained(Checkpoint(path, model, {}, {}), find_system("sensorium"))


def _released(folder: Path | None, session: str | None) -> Pretrained:
    released = import_module("neurokit.digital_twin.released")
    if folder is not None and not (folder / released.SCANS_FILE).is_file():
        wanted = (
            f"give the .json of a checkpoint, or a folder of released twins, which has {released.SCANS_FILE}"
        )
        raise CheckpointError(f"{folder} is a folder without {released.SCANS_FILE}: {wanted}.")
    found = released.open_released(released.fetch_weights() if folder is None else folder, session)
    return Pretrained(found, find_system("digital-twin"))
