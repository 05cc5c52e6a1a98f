"""Which format a path is in, and the recordings in it.

Each format is a module with the same three names: FORMAT (its name), `recognises(path)`, which looks without
reading, and `read(path)`, which returns a `Recording`.
"""

import os
import re
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast, runtime_checkable

from neurokit.arguments import explain_failure
from neurokit.errors import DataError, read_from
from neurokit.files.atomic import restore_folder
from neurokit.recordings.clocks import check_counted
from neurokit.recordings.measured import mask_unmeasured
from neurokit.recordings.recording import Recording

MODULES: tuple[str, ...] = (
    "nwb",
    "suite2p",
    "experanto",
    "alf",
    "ibl",
    "arrays",
)  # the first to recognise a path reads it
READERS = tuple(f"neurokit.recordings.{name}" for name in MODULES)  # imported by name, which no import shows


@runtime_checkable
class Format(Protocol):
    """What a module of this package offers."""

    FORMAT: str

    def recognises(self, path: Path) -> bool:
        """Whether a path is in this format; cheap, never raises."""

    def read(self, path: Path) -> Recording:
        """The recording; raises DataError, naming the file, where it cannot be read."""


@explain_failure
def recognise(path: str | Path) -> str | None:
    """The name of the format that a file or folder is in, such as "suite2p"; None for none that is known."""
    if address_of(path) is not None:
        return import_module("neurokit.recordings.nwb").FORMAT
    found = _find(Path(path))
    return None if found is None else found.FORMAT


@explain_failure
def read(path: str | Path) -> Recording:
    """The recording in a file or folder of any known format, or in an NWB file at an http address.

    Raises DataError where nothing is there, for an unknown format, and as the format's reader does.
    """
    if (address := address_of(path)) is not None:
        return _screen(import_module("neurokit.recordings.nwb").read_address(address), path)
    path = restore_folder(path)
    if not os.path.exists(path):  # which, unlike Path's own, says no to a name that is too long
        raise DataError(f"{path} is missing; give the path of an existing file or folder.")
    found = _find(path)
    if found is None:
        raise DataError(
            f"{path} is in none of the formats that are read ({', '.join(names())}): "
            "book/own_recordings.md says what each looks like, and from_arrays takes plain arrays."
        )
    return _screen(found.read(path), path)


@explain_failure
def list_recordings(path: str | Path) -> dict[str, Path]:
    """The recordings in a path by name: the path itself, or the files and folders in it; may be none.

    An address has one; nothing is fetched.
    """
    if (address := address_of(path)) is not None:
        return {import_module("neurokit.recordings.nwb").name_of_address(address): Path(path)}
    path = restore_folder(path)
    if _find(path) is not None:
        return {path.stem if path.is_file() else path.name: path}
    inside = (
        [each for each in sorted(path.iterdir()) if _find(each) is not None] if os.path.isdir(path) else []
    )
    short = [each.stem if each.is_file() else each.name for each in inside]
    return {  # by its whole name where a file and a folder would share one
        (each.name if short.count(name) > 1 else name): each for name, each in zip(short, inside, strict=True)
    }


@explain_failure
def choose_recording(path: str | Path, session: Sequence[str] | str = (), native: str = "") -> Path:
    """The one recording in a path, or the one of them that `session` names.

    `native` is the layout that a system looked for before. Raises DataError where there is none, or where
    there are several and not one is named.
    """
    wanted = [session] if isinstance(session, str) else list(session)
    found = list_recordings(path)
    if not found:
        kinds = ", ".join(filter(None, (native, *names())))
        raise DataError(f"{path} holds no session ({kinds}): name the folder or file of a recording.")
    if unknown := [name for name in wanted if name not in found]:
        raise DataError(f"{path} holds no session {unknown[0]}, only {', '.join(found)}.")
    chosen = wanted or list(found)
    if len(chosen) > 1:
        raise DataError(f"{path} holds the sessions {', '.join(found)}: name one of them.")
    return found[chosen[0]]


def address_of(path: str | Path) -> str | None:
    """The http address that a path is, also one of which pathlib took a slash; None for any other path."""
    found = re.match(r"(https?):/+(.+)", str(path))
    return None if found is None else f"{found[1]}://{found[2]}"


def names() -> Sequence[str]:
    """The names of all formats."""
    return [_module(name).FORMAT for name in MODULES]


def _screen(recording: Recording, path: str | Path) -> Recording:
    """The recording with NaN for what was not measured; DataError for clocks that number samples."""
    with read_from(path):
        check_counted(recording)
    return mask_unmeasured(recording)


def _find(path: Path) -> Format | None:
    return next((module for module in map(_module, MODULES) if module.recognises(path)), None)


def _module(name: str) -> Format:
    return cast(Format, import_module(f"neurokit.recordings.{name}"))
