"""Simulated recordings, kept: written on the first call, each in a folder of its own, and read ever after."""

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from neurokit import settings
from neurokit.errors import DataError
from neurokit.files import locked

Read = TypeVar("Read")


def simulated_folder(kind: str, parameters: dict[str, object], modules: Sequence[ModuleType]) -> Path:
    """The folder of a recording; other parameters, or other code in `modules`, have another."""
    parts = [json.dumps(parameters, sort_keys=True).encode()]
    parts += [Path(str(module.__file__)).read_bytes() for module in modules]
    return settings.data_folder() / "simulated" / f"{kind}-{hashlib.sha256(b''.join(parts)).hexdigest()[:12]}"


def kept(folder: Path, last: str, write: Callable[[Path], object], read: Callable[[Path], Read]) -> Read:
    """What `read` makes of the folder, which `write` fills where files are missing or damaged.

    `last` is the file that `write` makes last, so it tells that all is there; a `read` of damaged files
    raises DataError. One process writes, the others wait for it. Raises DiskError where it cannot.
    """
    found = _whole(folder, last, read)  # needs no lock, so the data folder may be read-only
    if found is not None:
        return found
    with locked(folder.with_name(f".{folder.name}.lock")):  # beside the folder, which is replaced
        found = _whole(folder, last, read)  # another process may have written it meanwhile
        if found is not None:
            return found
        shutil.rmtree(folder, ignore_errors=True)  # what damage or a killed process left; nothing is lost
        write(folder)
        return read(folder)


def _whole(folder: Path, last: str, read: Callable[[Path], Read]) -> Read | None:
    try:
        return read(folder) if (folder / last).is_file() else None
    except DataError:
        return None
