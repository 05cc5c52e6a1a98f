"""Locks: one process at a time works on a file or folder of a given name, others wait and say so.

The lock files lie together in the data folder, not beside what they protect: they stay when a lock is
released, and a folder of the user's gets no files that nobody asked for. They are of no use to processes with
different data folders, which atomic writing protects all the same.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from neurokit import settings
from neurokit.errors import DiskError
from neurokit.progress import announce

SILENT = 1.0  # s, after which a process says that it waits
LONGEST = 12 * 3600.0  # s, of a wait; a training or a download may take hours


@contextmanager
def hold_lock(path: str | Path, *, longest: float = LONGEST, needed: bool = True) -> Iterator[None]:
    """Keeps all other processes out of any block that holds the lock of the same file or folder.

    A process may hold a lock several times. After a second of waiting it says what it waits for, unless
    progress bars are hidden, as in a notebook's test. After `longest` seconds it raises DiskError, as where
    the lock cannot be made; unless it is not `needed`, as by readers on a disk that nobody can write.
    """
    path = Path(path).absolute()
    try:
        lock = _open_lock(path)
    except OSError as error:
        if needed:
            folder, reason = _folder(), error.strerror or error
            raise DiskError(
                f"{folder} could not be written ({reason}): set NEUROKIT_DATA to another folder."
            ) from error
        yield
        return
    try:
        _acquire(lock, path, longest)
        yield
    finally:
        lock.release()


def _open_lock(path: Path) -> FileLock:
    folder, name = _folder(), hashlib.sha256(str(path).encode()).hexdigest()[:20]
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.lock"
    file.touch()
    return FileLock(file, is_singleton=True)  # which counts how often this process holds it


def _folder() -> Path:
    return settings.data_folder() / "locks"


def _acquire(lock: FileLock, path: Path, longest: float) -> None:
    with suppress(Timeout):
        lock.acquire(timeout=min(SILENT, longest))
        return
    announce(f"neurokit: waiting for another process that works on {path}")
    try:
        lock.acquire(timeout=max(longest - SILENT, 0))
    except Timeout:
        raise DiskError(
            f"{path} is in use by another process, for {longest:.0f} s so far: wait for it, or stop it."
        ) from None
