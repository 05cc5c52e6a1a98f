"""A fitted model on disk: safetensors weights and a JSON side-car that describes them.

`<name>.safetensors` holds the weights and the arrays of fitted transforms; `<name>.json` the model's
name and configuration, the version, the fingerprint of the data, the scales and the expected score.
Both are plain data: opening a stranger's checkpoint runs no code. The side-car holds the SHA-256 of the
weights and of itself, so a flipped bit in either is noticed.

A version of neurokit reads the models and interrupted trainings of every version with the same first two
numbers: 0.1.2 reads 0.1.0, and 0.2.0 does not.
"""

import hashlib
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

import numpy as np
import safetensors
import safetensors.torch
import torch
from torch import nn

from neurokit import __version__
from neurokit.arguments import explain_failure
from neurokit.config import plain
from neurokit.errors import CheckpointError
from neurokit.files.atomic import atomic_write, find_leftovers, remove_leftovers
from neurokit.files.locks import hold_lock
from neurokit.files.reading import check_no_pipe
from neurokit.files.sealed import open_json, seal_json

Model = TypeVar("Model", bound=nn.Module)
ARRAYS = "arrays/"  # before the names of arrays that are not weights of the model


@dataclass(frozen=True, eq=False)
class Checkpoint(Generic[Model]):
    """The content of the two files.

    Attributes:
        path: of the weights.
        model: on the CPU, in evaluation mode.
        facts: the entries of the side-car, by name.
        arrays: fitted transforms, by name.
    """

    path: Path
    model: Model
    facts: dict[str, Any]
    arrays: dict[str, np.ndarray]


@explain_failure
def save(
    model: nn.Module,
    path: str | Path,
    configuration: Mapping[str, Any] | None = None,
    *,
    arrays: Mapping[str, np.ndarray] | None = None,
    **facts: Any,
) -> Path:
    """Writes the two files; `arrays` and `facts` (JSON) travel with the model.

    `configuration` holds the arguments that rebuild the model, by default its attribute `configuration`. A
    model without any can be loaded only into a model that is already built. Raises DiskError; an earlier
    checkpoint of that name then stays, as it does where the process is killed before both files are new.
    """
    weights, sidecar = files(path)
    tensors = {name: t.detach().cpu().contiguous() for name, t in model.state_dict().items()}
    for name, array in (arrays or {}).items():
        tensors[ARRAYS + name] = torch.from_numpy(np.array(array, order="C"))
    content = safetensors.torch.save(tensors)
    description = {
        "model": class_name(type(model)),
        "version": __version__,
        "configuration": getattr(model, "configuration", None) if configuration is None else configuration,
        "sha256": hashlib.sha256(content).hexdigest(),
        **facts,
    }
    text = seal_json(plain(description), indent=2)
    # Both get their names only after both are complete.
    with (
        hold_lock(weights),
        _earlier_weights(weights, sidecar),
        atomic_write(sidecar) as new_sidecar,
        atomic_write(weights) as new_weights,
    ):
        new_weights.write_bytes(content)
        new_sidecar.write_text(text)
    return weights


@contextmanager
def _earlier_weights(weights: Path, sidecar: Path) -> Iterator[None]:
    """Keeps the earlier weights under another name until the new side-car is there too."""
    _restore(weights, sidecar)
    aside = _aside(weights)
    if weights.is_file():
        with atomic_write(aside) as copy:
            shutil.copyfile(weights, copy)
    try:
        yield
    finally:
        _restore(weights, sidecar)
        aside.unlink(missing_ok=True)


def _aside(weights: Path) -> Path:
    return weights.with_name(f".{weights.stem}~before.safetensors")


def _restore(weights: Path, sidecar: Path) -> None:
    """Makes weights and side-car a pair again where a process was killed between their two names.

    The earlier weights come back, or a first side-car gets its name; what else it left is removed.
    """
    aside = _aside(weights)
    with suppress(OSError, CheckpointError):  # what is damaged is named by who reads it
        if aside.is_file():
            found, wanted = _sha256(weights), _read_facts(sidecar)["sha256"]
            if found != wanted == _sha256(aside):
                aside.replace(weights)
            elif found == wanted:  # both are new
                aside.unlink()
    if weights.is_file() and not sidecar.exists():
        _complete(weights, sidecar)
    for file in (weights, sidecar, aside):
        remove_leftovers(file)


def _complete(weights: Path, sidecar: Path) -> None:
    """Gives a first side-car its name, where a process was killed when only the weights had theirs."""
    for complete in find_leftovers(sidecar):
        with suppress(OSError, CheckpointError):
            if _read_facts(complete)["sha256"] == _sha256(weights):
                complete.chmod(0o644)
                complete.replace(sidecar)
                return


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


@explain_failure
def load(path: str | Path, model: type[Model] | Model | None = None) -> Checkpoint[Model]:
    """The checkpoint at `path`, which may name either of its files or neither.

    `model` is the class that it must have, or an untrained model that takes the weights. Without one, the
    class is looked up in the modules that are already imported. Raises CheckpointError for missing, damaged
    or mixed files, another model, or another version.
    """
    weights, sidecar = files(path)
    with hold_lock(weights, needed=False):  # another process may be saving it
        facts = read_facts(path)
        content = _weights(weights, facts["sha256"])
    wanted = imported_class(weights, facts["model"]) if model is None else model
    kind = wanted if isinstance(wanted, type) else type(wanted)
    if facts["model"] != class_name(kind):
        found, asked = (name.rpartition(":")[2] for name in (str(facts["model"]), class_name(kind)))
        raise CheckpointError(f"{weights} holds a {found}, not a {asked}; pass the class {found}.")
    check_version(weights, facts["version"], "fit anew")
    try:
        made = wanted(**facts["configuration"]) if isinstance(wanted, type) else wanted
        tensors, arrays = _split(content)
        made.load_state_dict(tensors)
    except CheckpointError:
        raise
    except (TypeError, ValueError, RuntimeError, safetensors.SafetensorError) as error:
        raise CheckpointError(
            f"{weights} does not fit the configuration in {sidecar.name}; copy both files again or fit anew."
        ) from error  # torch's and Python's own words for it run over many lines
    return Checkpoint(weights, cast(Model, made.eval()), facts, arrays)


def read_arrays(path: str | Path) -> dict[str, np.ndarray]:
    """The fitted transforms, without the model; raises CheckpointError as `load` does."""
    weights, _ = files(path)
    with hold_lock(weights, needed=False):
        facts = read_facts(path)
        content = _weights(weights, facts["sha256"])
    check_version(weights, facts["version"], "fit anew")
    return _split(content)[1]


def class_name(kind: type) -> str:
    """The name of a class in a side-car: 'module:class'."""
    return f"{kind.__module__}:{kind.__qualname__}"


def imported_class(holder: object, name: object) -> type[nn.Module]:
    """The class of that name ('module:class'), where its module has been imported; `holder` is for messages.

    A side-car may come from a stranger, so only models of the kind that `save` writes are ever built.
    """
    module, _, qualified = str(name).partition(":")
    found: Any = sys.modules.get(module)
    for part in qualified.split("."):
        found = getattr(found, part, None)
    if isinstance(found, type) and issubclass(found, nn.Module) and hasattr(found, "configuration"):
        return found
    raise CheckpointError(
        f"{holder} holds a {name}, which nothing imported so far defines with a `configuration`: import "
        f"{module} first, or open it with the function that built it."
    )


def is_saved(path: str | Path) -> bool:
    """Whether either of the two files is there; loading reports one that is missing."""
    return any(file.is_file() for file in files(path))


@explain_failure
def read_facts(path: str | Path) -> dict[str, Any]:
    """The side-car's entries, without opening the weights; raises CheckpointError as `load` does."""
    weights, sidecar = files(path)
    if not is_saved(path) and not _aside(weights).exists():
        return _read_facts(sidecar)  # which says that it is missing
    with hold_lock(weights, needed=False):  # another process may be saving it
        _restore(weights, sidecar)
        return _read_facts(sidecar)


def _read_facts(sidecar: Path) -> dict[str, Any]:
    check_no_pipe(sidecar, CheckpointError)
    try:
        description = open_json(sidecar.read_text())
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
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        if sidecar.stem.endswith("-scores"):
            raise CheckpointError(
                f"{sidecar} holds the scores of a model; give {sidecar.stem[:-7]}.json."
            ) from error
        raise CheckpointError(
            f"{sidecar} is damaged ({error}); fit the model again or copy both files again."
        ) from error


def check_version(path: str | Path, found: object, remedy: str) -> None:
    """Raises CheckpointError, with the `remedy`, where a version differs in its first two numbers."""
    if str(found).split(".")[:2] != __version__.split(".")[:2]:
        raise CheckpointError(f"{path} was written by neurokit {found}, this is {__version__}; {remedy}.")


def fingerprint(*arrays: np.ndarray) -> str:
    """Sixteen hexadecimal digits of values and shapes, which identify the data that a model was fitted to."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()[:16]


def files(path: str | Path) -> tuple[Path, Path]:
    """Weights and side-car of a checkpoint, from either path or from both without a suffix."""
    path = Path(path)
    if not path.name:
        raise CheckpointError(f"{str(path)!r} names no file; give the path of a checkpoint.")
    stem = path.with_suffix("") if path.suffix in (".safetensors", ".json") else path
    return stem.with_name(stem.name + ".safetensors"), stem.with_name(stem.name + ".json")


def _split(content: bytes) -> tuple[dict[str, torch.Tensor], dict[str, np.ndarray]]:
    """The weights, and the arrays of fitted transforms, of a file's bytes."""
    tensors = safetensors.torch.load(content)
    arrays = {name: tensors.pop(name).numpy() for name in list(tensors) if name.startswith(ARRAYS)}
    return tensors, {name.removeprefix(ARRAYS): array for name, array in arrays.items()}


def _weights(path: Path, sha256: str) -> bytes:
    check_no_pipe(path, CheckpointError)
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
