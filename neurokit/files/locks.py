"""Locks: one process at a time works on a file or folder of a given name, others wait and say so.

The lock file lies, hidden, where the file or folder really lies, beside it or in it. So every process finds
it, whatever its data folder, its working folder, and the links on its path. Those of what lies in the data
folder are together in its folder `locks`. A lock file is removed when the lock is released; one that a killed
process left locks nobody out.
"""

import errno
import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from neurokit import settings
from neurokit.errors import DiskError
from neurokit.files.disk import REMEDIES
from neurokit.progress import announce

try:
    import fcntl
except ImportError:  # Windows, where filelock removes the lock file as well
    fcntl = None  # type: ignore[assignment]

SILENT = 1.0  # s, after which a process says that it waits
LONGEST = 12 * 3600.0  # s, of a wait; a training or a download may take hours
PAUSE = 0.05  # s, between two tries
LOCKS = "locks"  # of the data folder
WITHIN = ".neurokit~lock"  # the lock file of a folder that lies in it
NO_LOCKS = (errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK, errno.EBADF)  # says such a disk

_held = threading.local()  # how often this thread holds each lock file


@contextmanager
def hold_lock(
    path: str | Path, *, within: bool = False, longest: float = LONGEST, needed: bool = True
) -> Iterator[None]:
    """Keeps all other processes out of any block that holds the lock of the same file or folder.

    The lock file lies beside it, or `within` the folder, which may be a mounted one; the folder around it is
    made. A thread may hold a lock several times. After a second of waiting it says what it waits for, unless
    progress bars are hidden, as in a notebook's test. After `longest` seconds it raises DiskError, as where
    the lock cannot be made; unless it is not `needed`, as by readers on a disk that nobody can write.
    """
    file = _place(Path(path), within)
    counts: dict[Any, int] = vars(_held)
    release = None
    if file not in counts:
        try:
            if needed:
                for folder in (file.parent, Path(path).parent):
                    folder.mkdir(parents=True, exist_ok=True)
            release = _acquire(file, Path(path), longest)
        except DiskError:
            raise
        except OSError as error:
            if needed:
                raise _unwritable(Path(path), file.parent, error) from error
            yield
            return
    counts[file] = counts.get(file, 0) + 1
    try:
        yield
    finally:
        counts[file] -= 1
        if release is not None:
            del counts[file]
            release()


def _place(path: Path, within: bool) -> Path:
    """The lock file, where the file or folder really lies; in the data folder, in its `locks`."""
    if within:
        return Path(os.path.realpath(path)) / WITHIN
    if path.name in ("", ".."):
        path = Path(os.path.realpath(path))
    parent, data = Path(os.path.realpath(path.parent)), Path(os.path.realpath(settings.data_folder()))
    if data in (parent, *parent.parents):
        return _in_data_folder(data, parent / path.name)
    return parent / f".{path.name}~lock"


def _in_data_folder(data: Path, path: Path) -> Path:
    return data / LOCKS / f"{hashlib.sha256(str(path).encode()).hexdigest()[:20]}.lock"


def _acquire(file: Path, path: Path, longest: float) -> Callable[[], None]:
    """What releases the lock once it is held; raises DiskError after `longest` s, and OSError."""
    began, said = time.monotonic(), False
    while (release := _try(file)) is None:
        waited = time.monotonic() - began
        if waited >= longest:
            raise DiskError(
                f"{path} is in use by another process, for {longest:.0f} s so far: wait for it, or stop it."
            )
        if waited >= SILENT and not said:
            announce(f"neurokit: waiting for another process that works on {path}")
            said = True
        time.sleep(min(PAUSE, longest - waited))
    return release


def _try(file: Path) -> Callable[[], None] | None:
    """What releases the lock if nobody else holds it; raises OSError."""
    if fcntl is None:
        return _try_filelock(file)
    opened = _open(file)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(opened), os.stat(file)):
            return partial(_release, file, opened)
    except (BlockingIOError, PermissionError, FileNotFoundError):
        pass  # another holds it, or has removed it with its lock since it was opened
    except OSError as error:
        os.close(opened)
        with suppress(OSError):
            file.unlink()
        if error.errno in NO_LOCKS:
            return _try_filelock(_elsewhere(file))
        raise
    os.close(opened)
    return None


def _open(file: Path) -> int:
    try:
        return os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise
        with suppress(OSError):  # of somebody else, whom a reader waits for
            return os.open(file, os.O_RDONLY)
        raise


def _release(file: Path, opened: int) -> None:
    with suppress(OSError):  # of somebody else; it locks nobody out
        file.unlink()
    os.close(opened)


def _try_filelock(file: Path) -> Callable[[], None] | None:
    lock = FileLock(file)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return None
    return lock.release


def _elsewhere(file: Path) -> Path:
    """A lock file in the data folder, for one that lies on a disk without locks."""
    found = _in_data_folder(settings.data_folder(), file)
    found.parent.mkdir(parents=True, exist_ok=True)
    return found


def _unwritable(path: Path, folder: Path, error: OSError) -> DiskError:
    reason = error.strerror or error
    data = Path(os.path.realpath(settings.data_folder()))
    if data in (folder, *folder.parents):
        return DiskError(f"{folder} could not be written ({reason}): set NEUROKIT_DATA to another folder.")
    remedy = REMEDIES.get(error.errno or 0, "choose another folder")
    return DiskError(f"{path} could not be written ({reason}): {remedy}.")
