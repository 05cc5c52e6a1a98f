"""Files and folders that are complete or absent: written under a temporary name, then renamed."""

import errno
import glob
import hashlib
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from neurokit.errors import DataError, DiskError, NeurokitError
from neurokit.files.locks import hold_lock

try:
    import fcntl
except ImportError:  # Windows: leftovers of killed processes stay
    fcntl = None  # type: ignore[assignment]

WRITER = "neurokit.json"  # in an output folder: which command wrote it, and the SHA-256 of each of its files
REMEDIES = dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "free some space or choose another folder") | {
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.EACCES: "ask for the right to write there, or choose another folder",
    errno.EPERM: "ask for the right to write there, or choose another folder",
    errno.EROFS: "choose a folder that can be written",
    errno.ENOTDIR: "choose a folder whose path leads through folders only",
    errno.EISDIR: "choose a name that no folder has",
    errno.EEXIST: "choose a name that no file has",
}
UNFINISHED = ".neurokit-unfinished"  # in an output folder: where its files lie until all of them are there


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Yields a temporary path beside `path`; on success it becomes `path`, else it is removed.

    Leftovers of killed processes that wrote the same file are removed first. Write into the temporary file
    itself: a file that is renamed onto it would be taken for such a leftover. HDF5 needs `locking=False`.
    Raises DiskError (full disk, no permission, a device of that name) and leaves what is there untouched.
    """
    path = Path(path)
    with _disk_errors(path):
        _check_no_device(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(path)
        file = _new_temporary(path)
        temporary = Path(file.name)
        try:
            yield temporary
            temporary.chmod(0o644)  # tempfile makes files that only their owner may read
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
            file.close()


@contextmanager
def atomic_write_folder(path: str | Path) -> Iterator[Path]:
    """Yields a new folder beside `path`; on success it becomes `path`, else it is removed.

    An earlier folder of that name is replaced with all its content, which lies complete under a name of its
    own for the moment between two renamings: the next call, or `restore_folder`, gives it its name back where
    the process was killed just then. Leftovers of killed processes are removed first. One process writes
    while others wait. Raises DiskError (full disk, no permission, a file of that name) and leaves what was
    there untouched.
    """
    path = Path(path)
    with _disk_errors(path), hold_lock(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        restore_folder(path)
        for leftover in path.parent.glob(glob.escape(f".{path.name}~") + "*"):
            shutil.rmtree(leftover, ignore_errors=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}~", dir=path.parent))
        try:
            yield temporary
            temporary.chmod(0o755)  # mkdtemp makes folders that only their owner may enter
            _replace_folder(temporary, path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def restore_folder(path: str | Path) -> Path:
    """The path, once it has its name back, or a folder above it has, if a process was killed replacing it.

    Whoever reads from a folder calls this first. Raises DiskError where that is not possible; the message
    says where the folder lies. DataError for a folder that `write_output` has filled in part.
    """
    path = Path(path)
    if os.path.isdir(path / UNFINISHED):
        with hold_lock(path, needed=False):  # a living process fills it in a moment
            if os.path.isdir(path / UNFINISHED):
                finding = f"{path} was filled in part when a process was stopped"
                raise DataError(f"{finding}: run the command that writes it once more.")
    if not os.path.exists(path):  # which, unlike Path's own, says no to a name that is too long
        for folder in (*reversed(path.absolute().parents), path):  # the outermost one first
            _restore_one(folder)
    return path


def _restore_one(path: Path) -> None:
    if not path.name or os.path.exists(path) or not os.path.exists(aside := _aside(path)):
        return
    try:
        with hold_lock(path, needed=False):  # a living process gives it its name in a moment
            if aside.exists() and not path.exists():
                aside.rename(path)
    except OSError as error:
        raise DiskError(
            f"{path} lies in {aside} since a process was stopped: rename it ({error})."
        ) from error


def _aside(path: Path) -> Path:
    return path.with_name(f".{path.name}~before")


@contextmanager
def write_output(folder: str | Path, writer: str, *, beside: Sequence[str] = ()) -> Iterator[Path]:
    """Yields a folder to write in; at the end its files are moved to `folder`, which the user has named.

    `folder` must be new or empty, or hold unchanged files of the same `writer`: these are replaced, as are
    leftovers of a killed process. Files whose names are in `beside` may be there, and stay. One process
    writes while others wait. Raises DataError, before anything is written, where `folder` holds anything
    else, and DiskError.
    """
    folder = Path(folder)
    new = folder / UNFINISHED
    with _disk_errors(folder), hold_lock(folder):
        earlier = _check_output(folder, writer, beside)
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
        try:
            yield new
            _move_output(new, folder, writer, earlier)
        finally:
            shutil.rmtree(new, ignore_errors=True)


def _check_no_device(path: Path) -> None:
    """Raises OSError for a pipe or a device, in whose place a file would be put."""
    if os.path.lexists(path):
        kind = stat.S_IFMT(path.lstat().st_mode)
        if kind not in (stat.S_IFREG, stat.S_IFLNK, stat.S_IFDIR):
            raise FileExistsError(errno.EEXIST, "it is a pipe or a device")


def _new_temporary(path: Path) -> IO[bytes]:
    """A new file beside `path`, locked while it is open: a killed process loses its locks."""
    while True:
        file = tempfile.NamedTemporaryFile(  # noqa: SIM115 (the caller closes it)
            prefix=f".{path.stem}~", suffix=path.suffix, dir=path.parent, delete=False
        )
        if fcntl is None:
            file.close()  # Windows renames no open file
            return file
        with suppress(OSError):  # a disk without locks, where leftovers are not recognised either
            fcntl.flock(file, fcntl.LOCK_EX)
        if Path(file.name).exists():
            return file
        file.close()  # another process removed it as a leftover before it was locked


def find_leftovers(path: Path) -> Iterator[Path]:
    """Temporary files of `path` that are not locked, so their writers are dead; each is locked meanwhile."""
    if fcntl is None:
        return
    for leftover in path.parent.glob(glob.escape(f".{path.stem}~") + "?" * 8 + glob.escape(path.suffix)):
        with suppress(OSError), leftover.open("r+b") as file:  # OSError: its writer is alive, or it is gone
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield leftover


def remove_leftovers(path: Path) -> None:
    """Removes what killed processes left that wrote `path`, as far as the folder can be written."""
    for leftover in find_leftovers(path):
        with suppress(OSError):
            leftover.unlink()


def _replace_folder(new: Path, path: Path) -> None:
    """Renames `new` to `path`; a folder there is moved away first, and back if that fails."""
    if not path.is_dir() or path.is_symlink():
        new.rename(path)
        return
    aside = _aside(path)
    path.rename(aside)
    try:
        new.rename(path)
    except OSError:
        aside.rename(path)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _check_output(folder: Path, writer: str, beside: Sequence[str]) -> list[str]:
    """The files there that `writer` left; raises DataError for any other or changed file."""
    listed, found = _read_listed(folder / WRITER, writer), []
    known = {*beside, *([WRITER] if listed else [])}
    for path in folder.rglob("*") if folder.is_dir() else ():
        name = path.relative_to(folder).as_posix()
        if path.is_dir() and not path.is_symlink():
            continue
        if name in known or name.startswith(f"{UNFINISHED}/") or path.name == ".DS_Store":  # macOS leaves it
            continue
        if name not in listed:
            finding = f"{folder} holds {name}, which this command did not write"
            raise DataError(f"{finding}: choose another folder.")
        if path.is_symlink() or not path.is_file() or _sha256(path) != listed[name]:
            finding = f"{folder} holds {name}, which was changed since this command wrote it"
            raise DataError(f"{finding}: choose another folder.")
        found.append(name)
    return found


def _read_listed(path: Path, writer: str) -> dict[str, str]:
    """The SHA-256 of each file that `writer` left, by relative path; empty where there is none."""
    try:
        found = json.loads(path.read_text())
        return dict(found["files"]) if found["writer"] == writer else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _move_output(new: Path, folder: Path, writer: str, earlier: list[str]) -> None:
    """Replaces the `earlier` files by those of `new`; even a killed process leaves only listed files."""
    files = sorted(path.relative_to(new) for path in new.rglob("*") if path.is_file())
    listed = {file.as_posix(): _sha256(new / file) for file in files}
    (new / WRITER).write_text(json.dumps({"writer": writer, "files": listed}, indent=1))
    for name in earlier:
        (folder / name).unlink(missing_ok=True)
        for parent in Path(name).parents[:-1]:
            with suppress(OSError):  # not empty yet
                (folder / parent).rmdir()
    (new / WRITER).replace(folder / WRITER)
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (new / file).replace(folder / file)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    """Turns an OSError inside into a DiskError that names `path` and what would help."""
    try:
        yield
    except NeurokitError:  # some are OSErrors that are already explained
        raise
    except OSError as error:
        finding = f"{path} could not be written ({error.strerror or error})"
        remedy = REMEDIES.get(error.errno or 0, "choose another folder")
        raise DiskError(f"{finding}: {remedy}; nothing there was changed.") from error
