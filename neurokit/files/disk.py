"""What a disk refuses, in a sentence that says what would help."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from neurokit.errors import DiskError, NeurokitError

REMEDIES = dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "free some space or choose another folder") | {
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.EACCES: "ask for the right to write there, or choose another folder",
    errno.EPERM: "ask for the right to write there, or choose another folder",
    errno.EROFS: "choose a folder that can be written",
    errno.ENOTDIR: "choose a folder whose path leads through folders only",
    errno.EISDIR: "choose a name that no folder has",
    errno.EEXIST: "choose a name that no file has",
}


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turns an OSError inside into a DiskError that names `path` and what would help."""
    try:
        yield
    except NeurokitError:  # some are OSErrors that are already explained
        raise
    except OSError as error:
        finding = f"{path} could not be written ({error.strerror or error})"
        remedy = REMEDIES.get(error.errno or 0, "choose another folder")
        raise DiskError(f"{finding}: {remedy}; nothing there was changed.") from error
