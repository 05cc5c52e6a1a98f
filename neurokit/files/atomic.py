"""Files and folders that are complete or absent: written under a temporary name, then renamed."""

import errno
import glob
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from neurokit.errors import DataError, DiskError
from neurokit.files.disk import disk_errors
from neurokit.files.locks import hold_lock
from neurokit.files.output import (
    COMPLETE,
    UNFINISHED,
    WRITER,
    check_output,
    finish_output,
    list_output,
    lock_unfinished,
    move_output,
)

try:
    import fcntl
except ImportError:  # Windows: leftovers of killed processes stay
    fcntl = None  # type: ignore[assignment]


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Yields a temporary path beside `path`; on success it becomes `path`, else it is removed.

    Leftovers of killed processes that wrote the same file are removed first. Write into the temporary file
    itself: a file that is renamed onto it would be taken for such a leftover. HDF5 needs `locking=False`.
    Raises DiskError (full disk, no permission, a device of that name) and leaves what is there untouched.
    """
    path = Path(path)
    with disk_errors(path):
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
    if not path.name:
        raise DiskError(f"{path} is the working folder, or a disk, and is never replaced: name a new folder.")
    with disk_errors(path), hold_lock(path):
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
    says where the folder lies. DataError for a folder that `write_output` was writing when its process was
    stopped, where nothing lay in it before, or where somebody else's file is in the way of what it wrote.
    """
    path = Path(path)
    for folder in (path, *path.parents):
        if os.path.isdir(folder / COMPLETE):
            finish_output(folder)
    if os.path.isdir(path / UNFINISHED):
        with hold_lock(path, needed=False):  # a living process fills it in a moment
            _forget_unfinished(path)
    if not os.path.exists(path):  # which, unlike Path's own, says no to a name that is too long
        for folder in (*reversed(path.absolute().parents), path):  # the outermost one first
            _restore_one(folder)
    return path


def _forget_unfinished(path: Path) -> None:
    """Removes what a killed process had yet to complete, where the files of before are there."""
    if not os.path.isdir(path / UNFINISHED):
        return
    if not (path / WRITER).exists():
        finding = f"{path} was filled in part when a process was stopped"
        raise DataError(f"{finding}: run the command that writes it once more.")
    with lock_unfinished(path / UNFINISHED) as left_over:
        if left_over:
            shutil.rmtree(path / UNFINISHED, ignore_errors=True)


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
    leftovers of a killed process. Files whose names are in `beside` may be there, and stay. The earlier files
    are there until all new ones are complete; what a killed process had yet to move then is moved by the next
    call, or by `restore_folder`. (`atomic_write_folder` renames the folder itself, which one that is mounted,
    linked or worked in does not bear.) One process writes while others wait. Raises DataError, before
    anything is written, where `folder` holds anything else, and DiskError.
    """
    folder = Path(folder)
    new = folder / UNFINISHED
    with disk_errors(folder), hold_lock(folder):
        finish_output(folder)
        earlier = check_output(folder, writer, beside)
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
        try:
            with lock_unfinished(new):
                yield new
                list_output(new, writer)
                new.rename(folder / COMPLETE)
        finally:
            shutil.rmtree(new, ignore_errors=True)
        move_output(folder, earlier)


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
