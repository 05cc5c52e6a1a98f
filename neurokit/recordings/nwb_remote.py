"""An HDF5 file at an address: only the parts that are asked for are fetched, by remfile (extra `nwb`)."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

import h5py
import requests

from neurokit.errors import DataError, FetchError, NeurokitError, SettingsError
from neurokit.files.hdf5 import Hdf5Reader

SIGNATURE = b"\x89HDF\r\n\x1a\n"
PATIENCE = 30.0  # s until a server must have answered
NOT_NAMES = ("", "/", "download")  # last parts of an address that say nothing of the file


class _Named:
    """A file of remfile, which HDF5 calls by its address."""

    def __init__(self, file: Any, address: str) -> None:
        self.file, self.address = file, address

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)

    def __repr__(self) -> str:
        return self.address


def name_of_address(address: str) -> str:
    """The last part of an address that can be the name of a session."""
    parts = [part for part in PurePosixPath(unquote(urlsplit(address).path)).parts if part not in NOT_NAMES]
    return parts[-1].removesuffix(".nwb") if parts else urlsplit(address).netloc


@contextmanager
def open_address(address: str, remedy: str) -> Iterator[Hdf5Reader]:
    """A reader of the file at an address, for a `with` block.

    Raises SettingsError without remfile, FetchError where the server does not answer or sends no parts of a
    file, DataError where what it sends is no HDF5 file or a damaged one.
    """
    try:
        import remfile
    except ImportError as error:
        raise SettingsError(
            f"{address} is read in parts by remfile, which is missing; install neurokit's extra `nwb`, or "
            "download the file and give its path."
        ) from error
    _check_server(address)
    try:
        remote = remfile.File(address)
        with h5py.File(_Named(remote, address), "r") as file:
            yield Hdf5Reader(file, int(remote.length), remedy)
    except (NeurokitError, MemoryError):
        raise
    except Exception as error:  # remfile lets pass whatever goes wrong on the line
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{address} breaks off or is damaged ({reason}): {remedy}.") from error


def _check_server(address: str) -> None:
    try:
        with requests.get(address, headers={"Range": "bytes=0-7"}, stream=True, timeout=PATIENCE) as answer:
            status, first = answer.status_code, answer.raw.read(len(SIGNATURE), decode_content=True)
    except (requests.RequestException, OSError, ValueError) as error:
        reason = type(error).__name__
        raise FetchError(f"{address} cannot be reached ({reason}); check it and the connection.") from error
    if status >= 400:
        raise FetchError(f"{address} is refused with status {status}; check the address.")
    if status != 206:
        raise FetchError(f"{address} sends no parts of a file; download the file and give its path.")
    if first != SIGNATURE:
        raise DataError(f"{address} is not an HDF5 file; give the address of an NWB file itself.")
