"""The files of a command that its user named: replaced where the same command wrote them, never another."""

import re
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

from neurokit.errors import DataError

PREDICT, CHECK = "neurokit predict", "neurokit check"
HEADER_BYTES = 1 << 13  # of a picture, in which it says what wrote it
MOST_COLUMNS_BYTES = 1 << 24  # of the first line of a table


def mark_npz(path: Path, writer: str) -> None:
    """Writes into an npz file which command it is of."""
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = writer.encode()


def check_npz(path: Path, writer: str) -> None:
    """Raises DataError where another file is there than an npz of this command."""
    _check(path, lambda: zipfile.ZipFile(path).comment == writer.encode())


def check_png(path: Path, writer: str) -> None:
    """Raises DataError where another file is there than a picture of this command."""
    _check(path, lambda: writer.encode() in _first_bytes(path, HEADER_BYTES))


def check_csv(path: Path, names: Iterable[str]) -> None:
    """Raises DataError where another file is there than a table of columns such as name_0, name_1."""
    column = f"(?:{'|'.join(map(re.escape, names))})_[0-9]+"
    header = re.compile(f"{column}(?:,{column})*".encode())
    _check(path, lambda: header.fullmatch(_first_bytes(path, MOST_COLUMNS_BYTES).partition(b"\n")[0].strip()))


def _first_bytes(path: Path, number: int) -> bytes:
    with path.open("rb") as file:
        return file.read(number)


def _check(path: Path, is_own: Callable[[], object]) -> None:
    if not path.is_file() or path.stat().st_size == 0:  # what is no file is for whoever writes it
        return
    try:
        own = is_own()
    except (OSError, zipfile.BadZipFile):
        own = False
    if not own:
        raise DataError(f"{path} is there, and this command did not write it: choose another name.")
