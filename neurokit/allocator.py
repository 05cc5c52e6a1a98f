"""Memory that a process keeps for its next tensor instead of giving it back: faster on a CPU, for more of it.

The C library of Linux returns a freed block above 32 MB to the system at once, and the next one comes page by
page, filled with zeros first. The maps of a SENSORIUM training step are such blocks (51 MB for 128 images).
On a GPU torch keeps memory itself.
"""

import ctypes
import platform

LARGEST_NUMBER_MAPPED, TRIM_ABOVE = -4, -1  # M_MMAP_MAX and M_TRIM_THRESHOLD of glibc's malloc.h


def keep_freed_memory() -> bool:
    """Keeps what is freed, in this process until its end; True where that could be done (glibc, so Linux).

    No result changes, but the process stays as large as it ever was, and with holes, so that it needs more
    than before. With NEUROKIT_KEEP_MEMORY=1 every training calls this; where it cannot be done, nothing is.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    change = ctypes.CDLL(None).mallopt
    return bool(change(LARGEST_NUMBER_MAPPED, 0)) and bool(change(TRIM_ABOVE, -1))  # -1: never
