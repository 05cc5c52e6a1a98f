"""Files and folders that are complete or absent: written under a temporary name, then renamed."""

import errno
import glob
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
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
    the process was killed just then. Nothing of it goes before the new folder is complete and in its place.
    Unfinished folders of killed processes are removed first. One process writes while others wait. Raises
    DiskError (full disk, no permission, a file of that name) and leaves what was there untouched.
    """
    path = Path(path)
    if not path.name:
        raise DiskError(f"{path} is the working folder, or a disk, and is never replaced: name a new folder.")
    with disk_errors(path), hold_lock(path):
        restore_folder(path)
        _remove_unfinished(path)
        with _new_folder(path) as temporary:
            yield temporary
            temporary.chmod(0o755)  # mkdtemp makes folders that only their owner may enter
            _replace_folder(temporary, path)


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
        with hold_lock(path, within=True, needed=False):  # a living process fills it in a moment
            _forget_unfinished(path)
    if not os.path.exists(path):  # which, unlike Path's own, says no to a name that is too long
        for folder in path.absolute().parents[::-1]:  # the outermost one first
            _restore_one(folder)
    _restore_one(path)
    return path


_UNREADABLE = {
    "free": "was filled in part when a process was stopped: run the command that writes it once more",
    "held": "is being written by another process: wait until that has ended",
    "unknown": "is being written, or its process was stopped: wait, or run the command that writes it again",
}


def _forget_unfinished(path: Path) -> None:
    """Removes what a killed process had yet to complete, where the files of before are there."""
    if not os.path.isdir(path / UNFINISHED):
        return
    with lock_unfinished(path / UNFINISHED) as state:
        if not (path / WRITER).exists():
            raise DataError(f"{path} {_UNREADABLE[state]}.")
        if state == "free":
            shutil.rmtree(path / UNFINISHED, ignore_errors=True)


def _restore_one(path: Path) -> None:
    if not path.name or _holds_something(path) or not _asides(path):
        return
    aside = path
    try:
        with hold_lock(path, needed=False):  # a living process gives it its name in a moment
            if not _holds_something(path) and (asides := _asides(path)):
                aside = asides[-1]
                with suppress(OSError):
                    path.rmdir()  # empty, if it is there
                aside.rename(path)
    except OSError as error:
        raise DiskError(
            f"{path} lies in {aside} since a process was stopped: rename it ({error})."
        ) from error


def _holds_something(path: Path) -> bool:
    """Whether anything but an empty folder is there, which whoever found none may have made."""
    try:
        return path.is_symlink() or (os.path.exists(path) and (not path.is_dir() or any(path.iterdir())))
    except OSError:  # a folder that cannot be listed
        return True


def _asides(path: Path) -> list[Path]:
    """The folders of that name that were moved away to be replaced, the latest last."""
    first = path.with_name(f".{path.name}~before")
    found = [first] if os.path.isdir(first) else []
    while found and os.path.isdir(following := path.with_name(f"{first.name}~{len(found) + 1}")):
        found.append(following)
    return found


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
    with disk_errors(folder), _lock_within(folder):
        finish_output(folder)
        earlier = check_output(folder, writer, beside)
        _clear(new, folder)
        new.mkdir()
        try:
            with lock_unfinished(new):
                yield new
                list_output(new, writer)
                new.rename(folder / COMPLETE)
        finally:
            shutil.rmtree(new, ignore_errors=True)
        move_output(folder, earlier)


def _clear(new: Path, folder: Path) -> None:
    """Removes what a killed process left; DiskError where its process lives, on a disk without lock files."""
    if os.path.isdir(new):
        with lock_unfinished(new) as state:
            if state == "held":
                raise DiskError(f"{folder} {_UNREADABLE[state]}.")
    shutil.rmtree(new, ignore_errors=True)


@contextmanager
def _lock_within(folder: Path) -> Iterator[None]:
    """The lock of an output folder, which is made; one that stays empty goes again."""
    made = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with hold_lock(folder, within=True):
            yield
    finally:
        if made:
            with suppress(OSError):  # it holds the new files
                folder.rmdir()


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


@contextmanager
def _new_folder(path: Path) -> Iterator[Path]:
    """A new folder beside `path`, locked while it is filled; it is removed where it was given no name."""
    with ExitStack() as stack:
        while True:
            folder = Path(tempfile.mkdtemp(prefix=f".{path.name}~", suffix="~new", dir=path.parent))
            with suppress(FileNotFoundError):  # taken for a leftover before it was locked
                stack.enter_context(lock_unfinished(folder))
                break
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _remove_unfinished(path: Path) -> None:
    """Removes the folders in which killed processes wrote what was to become `path`."""
    ours = re.compile(re.escape(f".{path.name}~") + "[a-z0-9_]{8}~new")  # and none of another name's
    for folder in path.parent.glob(glob.escape(f".{path.name}~") + "*~new"):
        if ours.fullmatch(folder.name) and folder.is_dir() and not folder.is_symlink():
            with suppress(OSError), lock_unfinished(folder) as state:
                if state == "free":
                    shutil.rmtree(folder, ignore_errors=True)


def _replace_folder(new: Path, path: Path) -> None:
    """Renames `new` to `path`; a folder there is moved away first, and back if that fails.

    What was moved away goes last, under the name that `new` had: half of it is never taken for the whole.
    """
    if path.is_dir() and not path.is_symlink():
        earlier = len(_asides(path))
        aside = path.with_name(f".{path.name}~before" + (f"~{earlier + 1}" if earlier else ""))
        try:
            path.rename(aside)
            new.rename(path)
        except BaseException:  # such as Ctrl-C
            if not os.path.lexists(path) and aside.exists():
                aside.rename(path)
            raise
    else:
        new.rename(path)
    for aside in reversed(_asides(path)):
        with suppress(OSError):
            aside.rename(new)
        shutil.rmtree(new, ignore_errors=True)
