"""A look at what is to be read, before it is opened: a pipe would never end, and a folder is no file."""

import stat
from pathlib import Path

from neurokit.errors import DataError
from neurokit.files.atomic import restore_folder

KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


def check_is_file(path: str | Path) -> Path:
    """The path, if a regular file is there; else DataError that says what is there instead."""
    try:
        mode = restore_folder(path).stat().st_mode
    except FileNotFoundError as error:
        raise DataError(f"{path} is missing; give the path of an existing file.") from error
    except (OSError, ValueError) as error:  # ValueError: a null character
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{path} cannot be read ({reason}); give the path of a file that can.") from error
    if not stat.S_ISREG(mode):
        kind = KINDS.get(stat.S_IFMT(mode), "something else")
        raise DataError(f"{path} is {kind}; give the path of a file.")
    return Path(path)
