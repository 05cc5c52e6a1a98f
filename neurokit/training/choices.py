"""What may be asked of an experiment: data, sessions, size and config, checked before any work."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from neurokit.config import AnyPath, check_value
from neurokit.errors import DataError, NeurokitError, SettingsError
from neurokit.files.atomic import restore_folder
from neurokit.training.own_model import build_name
from neurokit.training.system import Build, System, SystemConfig

Size = Literal["small", "published"]
Session = str | int | np.integer | Sequence[str | int | np.integer] | None


def check_places(source: Any, folder: Any, recording: Any) -> None:
    """Raises SettingsError where more than one of them says where data come from."""
    if sum(place is not None for place in (source, folder, recording)) > 1:
        raise SettingsError("source, folder and recording each say where data come from; give one of them.")


def check_folder(folder: Any) -> Path | None:
    """The folder or file of a recording; a folder gets its name back where a killed process took it.

    None for none. Raises SettingsError for what is no path, DataError for what is not there or cannot be
    read.
    """
    if folder is not None and not str(folder).strip():
        raise SettingsError("folder is empty; name the one that holds the recording.")
    found: Path | None = check_value("folder", folder, AnyPath | None)
    if found is None:
        return None
    try:
        there = restore_folder(found).exists()
    except OSError as error:  # such as a name that is too long
        if isinstance(error, NeurokitError):
            raise
        raise DataError(
            f"{str(found)[:99]} cannot be read ({error.strerror}); name the folder that holds the recording."
        ) from error
    if not there:
        raise DataError(f"{found} is no folder and no file; name what holds the recording.")
    return found


def check_session(session: Any) -> tuple[str, ...]:
    """The names of sessions, none where none is chosen; SettingsError for what is no name, or given twice."""
    several = [session] if isinstance(session, str | int | np.integer) else session
    if several is None:
        return ()
    if not isinstance(several, Sequence) or any(
        isinstance(name, bool) or not isinstance(name, str | int | np.integer) or not str(name).strip()
        for name in several
    ):
        raise SettingsError(f"session is {session!r}; give the name of a session, or a list of names.")
    names = tuple(str(name) for name in several)
    if twice := find_repeated(names):
        raise SettingsError(f"session names {', '.join(twice)} more than once; name each session once.")
    return names


def find_repeated(names: Sequence[str]) -> list[str]:
    """The names that are there more than once, each once."""
    return [name for name in dict.fromkeys(names) if names.count(name) > 1]


def identify(system: System, recording: Any) -> dict[str, Any]:
    """The identity of a recording that was given; SettingsError for one of another system."""
    try:
        return system.identity(recording)
    except (AttributeError, TypeError, KeyError) as error:
        kind = type(recording).__name__
        raise SettingsError(
            f"recording is of type {kind}; give what load of {system.NAME} returns."
        ) from error


def choose_size(size: Any, simulated: bool) -> Size:
    """The size, by default small for a simulated recording; SettingsError for another word."""
    if size not in (*get_args(Size), None):
        raise SettingsError(f"size is {size!r}; use one of {', '.join(get_args(Size))}.")
    return size or ("small" if simulated else "published")


def is_simulated(source: str, folder: Path | None, recording: Any) -> bool:
    """Whether the truth lies beside the recording, as it does wherever one was simulated."""
    if recording is not None:
        several = recording.values() if isinstance(recording, Mapping) else [recording]
        return any(getattr(session, "truth", None) is not None for session in several)
    if folder is not None:
        return any(any(folder.glob(pattern)) for pattern in ("*truth.npz", "*/*truth.npz"))
    return source == "demo"


def check_build(build: Any) -> None:
    """Raises SettingsError for what cannot be called."""
    if build is not None and not callable(build):
        raise SettingsError(f"build is {build!r}; give a function of task and config that makes a model.")


def choose_config(
    system: System,
    size: Size,
    model: str | None,
    config: Any,
    build: Build | None,
    default: str | None = None,
) -> tuple[str, SystemConfig]:
    """The name of the model in file names, and the config that it, or `config`, stands for.

    `default` is the model where none is asked for, by default the system's first.

    Raises SettingsError for a model that the system does not have, and where two arguments say what is
    trained.
    """
    if model is not None and (config is not None or build is not None):
        other = "config" if config is not None else "build"
        raise SettingsError(f"model and {other} both say what is trained; give one of them.")
    if model not in (*system.MODELS, None):
        raise SettingsError(
            f"{system.NAME} has no model {model!r}; choose one of {', '.join(system.MODELS)}."
        )
    name = model or default or next(iter(system.MODELS))
    entry = getattr(system.MODELS[name], size)
    if config is not None and not isinstance(config, type(entry)):
        found, wanted = type(config).__name__, type(entry).__name__
        raise SettingsError(f"config is of type {found}; {system.NAME} takes a {wanted}.")
    own = "own" if build is None else re.split("[.:]", build_name(build))[-1].strip("<>")
    return (name if config is None and build is None else own), config or entry
