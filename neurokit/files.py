"""Files that are either whole or not there: written under a temporary name, then renamed."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from neurokit.errors import DiskError, NeurokitError


@contextmanager
def written(path: str | Path) -> Iterator[Path]:
    """Yields a temporary path beside `path`; on success it becomes `path`, on failure it is removed.

    Raises DiskError (full disk, no permission), with the file that stood there before untouched.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
        os.close(handle)
    except OSError as error:
        raise DiskError(_sentence(path, error)) from error
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)  # mkstemp makes files that only their owner may read
        temporary.replace(path)
    except NeurokitError:  # some are OSErrors, with a sentence of their own
        raise
    except OSError as error:
        raise DiskError(_sentence(path, error)) from error
    finally:
        temporary.unlink(missing_ok=True)


def _sentence(path: Path, error: OSError) -> str:
    reason = error.strerror or str(error)
    return (
        f"{path} could not be written ({reason}): free some space or choose another folder; "
        "nothing there was changed."
    )
