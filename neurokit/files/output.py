"""The files of an output folder: whose they are, and how new ones take the place of earlier ones.

While a command writes, its files lie in UNFINISHED and those of before in their places. Renaming that folder
to COMPLETE is the one step between them: a process that is killed before it leaves the earlier files, one
that is killed after it leaves the new ones, which the next call moves to their places.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from neurokit.errors import DataError, DiskError
from neurokit.files.disk import REMEDIES
from neurokit.files.locks import WITHIN, hold_lock

try:
    import fcntl
except ImportError:  # Windows: leftovers of killed processes stay
    fcntl = None  # type: ignore[assignment]

WRITER = "neurokit.json"  # in an output folder: which command wrote it, and the SHA-256 of each of its files
UNFINISHED = ".neurokit-unfinished"  # in an output folder: where its files lie until all of them are there
COMPLETE = ".neurokit-complete"  # the same folder from then on: its files wait there to take their places


def check_output(folder: Path, writer: str, beside: Sequence[str]) -> list[str]:
    """The files there that `writer` left; raises DataError for any other or changed file."""
    listed, found = _read_listed(folder / WRITER, writer), []
    known = {*beside, WITHIN, *([WRITER] if listed else [])}
    for name, path in _files_of(folder).items():
        if name in known or name.startswith(f"{UNFINISHED}/") or path.name == ".DS_Store":  # macOS leaves it
            continue
        if name not in listed:
            finding = f"{folder} holds {name}, which this command did not write"
            raise DataError(f"{finding}: choose another folder.")
        if not _is_unchanged(path, listed[name]):
            finding = f"{folder} holds {name}, which was changed since this command wrote it"
            raise DataError(f"{finding}: choose another folder.")
        found.append(name)
    return found


def _files_of(folder: Path) -> dict[str, Path]:
    """What lies in a folder and is no folder, by its path in there."""
    paths = folder.rglob("*") if folder.is_dir() else ()
    files = [path for path in paths if path.is_symlink() or not path.is_dir()]
    return {path.relative_to(folder).as_posix(): path for path in files}


def _is_unchanged(path: Path, digest: str) -> bool:
    return path.is_file() and not path.is_symlink() and _sha256(path) == digest


def _read_listed(path: Path, writer: str | None = None) -> dict[str, str]:
    """The SHA-256 of each file that `writer`, or any, left, by relative path; empty where there is none."""
    try:
        found = json.loads(path.read_text())
        return dict(found["files"]) if writer in (None, found["writer"]) else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def list_output(new: Path, writer: str) -> None:
    """Writes which command made the files of a folder, and the SHA-256 of each."""
    listed = {name: _sha256(path) for name, path in sorted(_files_of(new).items())}
    (new / WRITER).write_text(json.dumps({"writer": writer, "files": listed}, indent=1))


def finish_output(folder: Path) -> None:
    """Moves the files that a killed process had made complete to their places.

    Raises DataError where a file of that name has been put there since, and DiskError.
    """
    if not os.path.isdir(folder / COMPLETE):
        return
    with hold_lock(folder, within=True, needed=False):  # a living process moves them in a moment
        there, before = _files_of(folder), _read_listed(folder / WRITER)
        waiting = _files_of(folder / COMPLETE)
        earlier = [name for name in before if name in there and _is_unchanged(there[name], before[name])]
        for name in waiting:
            if name in there and name not in (WRITER, *earlier):
                finding = f"{folder} holds {name}, of which a stopped process wrote a new one"
                raise DataError(f"{finding}: move yours away, and call again.")
        move_output(folder, earlier if WRITER in waiting else [])


def move_output(folder: Path, earlier: list[str]) -> None:
    """Replaces the `earlier` files by those that are complete; a killed process leaves what the next ends.

    The list of files comes last, so that until then it names those that are to go.
    """
    complete = folder / COMPLETE
    try:
        files = sorted(_files_of(complete), key=lambda name: (name == WRITER, name))
        listed = _read_listed(complete / WRITER)
        for name in earlier:
            if name not in listed:
                (folder / name).unlink(missing_ok=True)
                for parent in Path(name).parents[:-1]:
                    with suppress(OSError):  # not empty yet
                        (folder / parent).rmdir()
        for name in files:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (complete / name).replace(folder / name)
    except OSError as error:
        finding = f"{folder} could not be filled to the end ({error.strerror or error})"
        remedy = REMEDIES.get(error.errno or 0, "see to that folder")
        raise DiskError(
            f"{finding}: {remedy}, and call again; what is left to move lies in {complete}."
        ) from error
    shutil.rmtree(complete, ignore_errors=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def lock_unfinished(folder: Path) -> Iterator[Literal["free", "held", "unknown"]]:
    """Locks a folder that is being filled: a killed process loses its locks.

    Yields whether it was free, held by a living process, or unknown, on a disk or a system without locks.
    """
    if fcntl is None:
        yield "unknown"
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        yield _state_of(opened)
    finally:
        os.close(opened)


def _state_of(opened: int) -> Literal["free", "held", "unknown"]:
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return "held"
    except OSError:
        return "unknown"
    return "free"
