"""A fitted model on disk: safetensors weights and a JSON side-car that says what they are.

`<name>.safetensors` holds the weights and the arrays of fitted transforms; `<name>.json` the model's
name and configuration, the version, the fingerprint of the data, the scales and the expected score.
Both are plain data: opening a checkpoint of a stranger runs nothing.

What one version of neurokit has written, models and broken-off trainings alike, every version with the same
first two numbers reads: 0.1.2 reads 0.1.0, and 0.2.0 does not.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import safetensors
import safetensors.torch
import torch
from torch import nn

from neurokit import __version__
from neurokit.config import plain
from neurokit.errors import CheckpointError
from neurokit.files.atomic import written

Model = TypeVar("Model", bound=nn.Module)


ARRAYS = "arrays/"  # before the names of what is no weight of the model


def save(
    model: nn.Module,
    path: str | Path,
    configuration: dict[str, Any],
    *,
    arrays: Mapping[str, np.ndarray] | None = None,
    **facts: Any,
) -> Path:
    """Writes the two files; `configuration` rebuilds the model, `arrays` and `facts` (JSON) travel
    with it.

    The side-car carries the weights' sha256 and takes its name last, so a kill in between is
    noticed on loading. Raises DiskError, and an earlier checkpoint of that name stays.
    """
    weights, sidecar = _files(path)
    tensors = {name: t.detach().cpu().contiguous() for name, t in model.state_dict().items()}
    for name, array in (arrays or {}).items():
        tensors[ARRAYS + name] = torch.from_numpy(np.array(array, order="C"))
    content = safetensors.torch.save(tensors)
    description = {
        "model": type(model).__name__,
        "version": __version__,
        "configuration": configuration,
        "sha256": hashlib.sha256(content).hexdigest(),
        **facts,
    }
    text = json.dumps(plain(description), indent=2) + "\n"
    with written(sidecar) as new_sidecar, written(weights) as new_weights:  # renamed when both are whole
        new_weights.write_bytes(content)
        new_sidecar.write_text(text)
    return weights


def load(path: str | Path, kind: type[Model]) -> tuple[Model, dict[str, Any]]:
    """The model of class `kind`, on the CPU in evaluation mode, and its side-car with the `arrays`.

    Raises CheckpointError for missing, damaged or mixed files, another model, or another version.
    """
    weights, sidecar = _files(path)
    description = _description(sidecar)
    if description["model"] != kind.__name__:
        raise CheckpointError(
            f"{weights} holds a {description['model']}, not a {kind.__name__}; load it as what it is."
        )
    check_version(weights, description["version"], "fit anew")
    content = _weights(weights, description["sha256"])
    try:
        model = kind(**description["configuration"])
        tensors = safetensors.torch.load(content)
        arrays = {name: tensors.pop(name).numpy() for name in list(tensors) if name.startswith(ARRAYS)}
        model.load_state_dict(tensors)
    except (TypeError, ValueError, RuntimeError, safetensors.SafetensorError) as error:
        raise CheckpointError(
            f"{weights} does not fit the configuration in {sidecar.name}; copy both files again or fit anew."
        ) from error  # torch's and Python's own words for it run over many lines
    return model.eval(), description | {"arrays": {n.removeprefix(ARRAYS): a for n, a in arrays.items()}}


def check_version(path: str | Path, found: object, remedy: str) -> None:
    """Raises CheckpointError, with the `remedy`, where the first two numbers of a version are not ours."""
    if str(found).split(".")[:2] != __version__.split(".")[:2]:
        raise CheckpointError(f"{path} was written by neurokit {found}, this is {__version__}; {remedy}.")


def fingerprint(*arrays: np.ndarray) -> str:
    """Sixteen hexadecimal digits of values and shapes: which data a model was fitted to."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()[:16]


def _files(path: str | Path) -> tuple[Path, Path]:
    path = Path(path)
    stem = path.with_suffix("") if path.suffix in (".safetensors", ".json") else path
    return stem.with_name(stem.name + ".safetensors"), stem.with_name(stem.name + ".json")


def _description(sidecar: Path) -> dict[str, Any]:
    try:
        description = json.loads(sidecar.read_text())
        return description | {
            key: description[key] for key in ("model", "version", "configuration", "sha256")
        }
    except FileNotFoundError:
        raise CheckpointError(
            f"{sidecar} is missing; a checkpoint is a .safetensors and a .json file together."
        ) from None
    except OSError as error:
        raise CheckpointError(
            f"{sidecar} cannot be read ({error.strerror}); remove it and fit anew."
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"{sidecar} is damaged ({error}); fit the model again or copy both files again."
        ) from error


def _weights(path: Path, sha256: str) -> bytes:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise CheckpointError(
            f"{path} is missing; a checkpoint is a .safetensors and a .json file together."
        ) from None
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({error.strerror}); remove it and fit anew.") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise CheckpointError(
            f"{path} is damaged or belongs to another side-car; copy both files again or fit anew."
        )
    return content
