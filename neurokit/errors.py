"""Errors whose message says in one sentence which file or argument is wrong, what was found, what to do.

The command line prints these without a traceback; all others are defects and print one.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager


class NeurokitError(Exception):
    """Base of all errors that the user can correct."""

    def __str__(self) -> str:
        """The message on one line, also where it quotes what runs over several, such as an array."""
        return re.sub(r"\s*\n\s*", " ", super().__str__())


class SettingsError(NeurokitError, ValueError):
    """A setting, an environment variable, a source or a device that cannot be used."""


class DataError(NeurokitError, ValueError):
    """A file or array that is missing, damaged or not of the promised shape."""


class FetchError(NeurokitError, OSError):
    """A download that could not be completed or verified."""


class FitError(NeurokitError, RuntimeError):
    """A training run that cannot start or has diverged."""


class CheckpointError(NeurokitError, ValueError):
    """A checkpoint that is damaged, or of another model or version."""


class DiskError(NeurokitError, OSError):
    """A file that could not be written; an earlier file of that name is untouched."""


@contextmanager
def read_from(where: object) -> Iterator[None]:
    """Puts `where` (a file, a session of it) before the message of a DataError raised inside."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{where}: {error}") from error
