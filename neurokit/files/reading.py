"""A look at what is to be read, before it is opened: a pipe would never end, and a folder is no file."""

import os
import stat
from pathlib import Path

from neurokit.errors import DataError, NeurokitError
from neurokit.files.atomic import restore_folder

KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


def check_is_file(path: str | Path, kind: type[NeurokitError] = DataError) -> Path:
    """The path, if a regular file is there; else an error of this kind that says what is there instead."""
    try:
        mode = restore_folder(path).stat().st_mode
    except FileNotFoundError as error:
        raise kind(f"{path} is missing; give the path of an existing file.") from error
    except (OSError, ValueError) as error:  # ValueError: a null character
        reason = getattr(error, "strerror", None) or error
        raise kind(f"{path} cannot be read ({reason}); give the path of a file that can.") from error
    if not stat.S_ISREG(mode):
        what = KINDS.get(stat.S_IFMT(mode), "something else")
        raise kind(f"{path} is {what}; give the path of a file.")
    return Path(path)


def state_of(facts: os.stat_result) -> tuple[int, ...]:
    """Another where a file's content may be another, without reading it: size, inode and both times.

    The time of the last change of any kind is in it, which no copy or `touch` can set.
    """
    return facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino


def check_no_pipe(path: str | Path, kind: type[NeurokitError] = DataError) -> None:
    """Raises an error of this kind for a pipe, a device or a folder; a missing file is no matter."""
    if Path(path).exists():
        check_is_file(path, kind)
