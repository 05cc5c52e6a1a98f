"""Files and folders that are whole or not there: made under a temporary name, then renamed."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from neurokit.errors import DiskError, NeurokitError


@contextmanager
def written(path: str | Path) -> Iterator[Path]:
    """Yields a temporary path beside `path`; on success it becomes `path`, else it is removed.

    Raises DiskError (full disk, no permission), with the file that stood there before untouched.
    """
    path = Path(path)
    with _disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(path.suffix, f".{path.stem}-", path.parent)
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            temporary.chmod(0o644)  # mkstemp makes files that only their owner may read
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def folder_written(path: str | Path) -> Iterator[Path]:
    """Yields a new folder beside `path`; on success it becomes `path`, else it is removed.

    A folder that stood there before is replaced, with all that was in it. Raises DiskError (full
    disk, no permission, a file of that name), with what stood there before untouched.
    """
    path = Path(path)
    with _disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
        try:
            yield temporary
            temporary.chmod(0o755)  # mkdtemp makes folders that only their owner may enter
            _replace_folder(temporary, path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def locked(path: str | Path) -> Iterator[None]:
    """Keeps other processes out of a block that holds the same lock file, made where there is none.

    Raises DiskError where the lock's folder cannot be written.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path)
        lock.acquire()
    except OSError as error:
        finding = f"{path.parent} cannot be written ({error.strerror or error})"
        raise DiskError(f"{finding}: choose another folder; NEUROKIT_DATA names the usual one.") from error
    try:
        yield
    finally:
        lock.release()


def _replace_folder(new: Path, path: Path) -> None:
    """Renames `new` to `path`; the folder there steps aside first, and back where that fails."""
    if not path.is_dir() or path.is_symlink():
        new.rename(path)
        return
    aside = new.with_name(f"{new.name}-before")
    path.rename(aside)
    try:
        new.rename(path)
    except OSError:
        aside.rename(path)
        raise
    shutil.rmtree(aside, ignore_errors=True)


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    """Turns an OSError inside into a DiskError that names `path`."""
    try:
        yield
    except NeurokitError:  # some are OSErrors, with a sentence of their own
        raise
    except OSError as error:
        finding = f"{path} could not be written ({error.strerror or error})"
        remedy = "free some space or choose another folder; nothing there was changed"
        raise DiskError(f"{finding}: {remedy}.") from error
