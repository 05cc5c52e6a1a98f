"""HDF5 files of unknown origin, read within a bound, and our own, written so that a full disk is survived.

An HDF5 file of a few kilobytes can claim arrays of gigabytes, and can lead to other files by links, by
external storage and by virtual arrays. So every link is followed step by step, and every array is held
against the bytes that the file has for it before any memory is taken: at most 1032 times as much, which is
the most that its compression reaches.

When HDF5 cannot write to a disk, its clean-up ends Python. So files are made in memory, and written as any
other file: this takes twice the file's size.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from neurokit.errors import DataError, NeurokitError
from neurokit.files.atomic import atomic_write
from neurokit.files.reading import check_is_file

MOST_BYTES = 8 * 10**9  # of one array
MOST_RATIO = 1032  # bytes that deflate makes of one
UNCHECKED = 1 << 20  # bytes of an array that need nothing in the file, such as a fill value
MOST_LINKS = 16  # from one to the next
BLOCK = 16  # texts that are read at once
DAMAGE = (OSError, KeyError, RuntimeError)
ODD = (ValueError, TypeError, ArithmeticError)  # besides, of h5py itself, for types and names that cannot be


@dataclass(frozen=True, eq=False)
class Hdf5Reader:
    """Reads groups, arrays and texts of one file, by their full path in it.

    Attributes:
        file: that is open.
        size: of the file, bytes.
        remedy: how the sentences of the errors end, such as "fetch it again".
    """

    file: h5py.File
    size: int
    remedy: str

    def find(self, place: str) -> h5py.Group | h5py.Dataset | None:
        """What lies there, None where nothing does; DataError for a link that leads out of the file."""
        with self._explain(place):
            return self._follow(self.file["/"], place, 0)

    def group(self, place: str = "/") -> h5py.Group:
        """Raises DataError where there is none."""
        found = self._existing(place)
        if not isinstance(found, h5py.Group):
            raise self.error(place, "is not a group")
        return found

    def array(
        self,
        place: str,
        kinds: str,
        shape: tuple[int | None, ...] | None = None,
        *,
        most: int = MOST_BYTES,
    ) -> h5py.Dataset:
        """An array that may be read, in full or in part, and has not been yet.

        `kinds` are those of numpy types; None in `shape` stands for any length, and for any shape. Raises
        DataError where it is missing, of another type or shape, stored elsewhere, larger than `most` bytes,
        claims more than the file can hold, or lacks some of its pieces.
        """
        found = self._existing(place)
        with self._explain(place):
            if (
                not isinstance(found, h5py.Dataset)
                or found.external
                or found.is_virtual
                or found.shape is None
            ):
                raise self.error(place, "is not an array of this file")
            if found.dtype.kind not in kinds or found.dtype.names is not None:
                raise self.error(place, f"holds {found.shape} of {found.dtype}, which cannot be")
            fits = shape is None or len(found.shape) == len(shape)
            if not fits or any(
                want not in (None, has) for want, has in zip(shape or (), found.shape, strict=False)
            ):
                wanted = ", ".join("any" if length is None else str(length) for length in shape or ())
                raise self.error(place, f"has the shape {found.shape} instead of ({wanted})")
            self._check_claim(place, found, most)
            return found

    def read(
        self,
        place: str,
        kinds: str,
        shape: tuple[int | None, ...] | None = None,
        *,
        most: int = MOST_BYTES,
    ) -> np.ndarray:
        """All values of `array`."""
        found = self.array(place, kinds, shape, most=most)
        with self._explain(place):
            return np.asarray(found[()])  # a single value is an array too

    def texts(self, place: str, length: int | None = None) -> list[str]:
        """One dimension of texts, of any kind; raises DataError as `array`."""
        stored, found, total = self.array(place, "SO", (length,)), list[str](), 0
        for first in range(0, len(stored), BLOCK):  # many may refer to the same long text
            block = [as_text(value) for value in stored[first : first + BLOCK]]
            total += sum(map(len, block))
            if total > self.size + UNCHECKED:
                raise self.error(place, f"claims more text than the file's {self.size} bytes")
            found += block
        return found

    def attribute(self, place: str, name: str) -> str:
        """One text or number beside a group or an array, as text; raises DataError where there is none."""
        attributes = self._existing(place).attrs
        if name not in attributes:
            raise self.error(place, f"has no attribute {name}")
        with self._explain(place):
            stored = attributes.get_id(name)
            if stored.shape is None or prod(stored.shape) != 1 or stored.dtype.itemsize > self.size:
                raise self.error(place, f"has an attribute {name} that is no single value")
            value = attributes[name]
            return as_text(value if stored.shape == () else value.reshape(-1)[0])

    def error(self, place: str, finding: str) -> DataError:
        """To be raised: names file and place, and ends with the remedy."""
        return DataError(f"{self.file.filename}/{place.strip('/')} {finding}: {self.remedy}.")

    @contextmanager
    def _explain(self, place: str) -> Iterator[None]:
        """Turns what h5py raises for odd content into a DataError; for HDF5's own errors `open_hdf5` does."""
        try:
            yield
        except NeurokitError:  # some are ValueErrors
            raise
        except ODD as error:
            raise self.error(place, f"cannot be read ({type(error).__name__}: {error})") from error

    def _existing(self, place: str) -> h5py.Group | h5py.Dataset:
        found = self.find(place)
        if found is None:
            raise self.error(place, "is missing")
        return found

    def _follow(self, start: Any, place: str, links: int) -> Any:
        """Step by step, since HDF5 itself would open the other file."""
        if links > MOST_LINKS:
            raise self.error(place, "is a link that leads back to itself")
        found = self.file["/"] if place.startswith("/") else start
        for step in filter(lambda each: each not in ("", "."), place.split("/")):
            link = found.get(step, getlink=True) if isinstance(found, h5py.Group) else None
            if isinstance(link, h5py.HardLink):
                found = found[step]
            elif isinstance(link, h5py.SoftLink):
                found = self._follow(found, link.path, links + 1)
            elif link is not None:
                raise self.error(place, "leads to another file")
            else:
                return None
        return found

    def _check_claim(self, place: str, found: h5py.Dataset, most: int) -> None:
        """Raises DataError where it would take more memory than the file can fill, and for missing pieces."""
        piece = prod(found.chunks or (0,))
        claimed = found.dtype.itemsize * max(prod(found.shape), piece)  # Python integers: numpy's overflow
        held = min(found.id.get_storage_size(), self.size)
        if found.id.get_create_plist().get_nfilters():
            held *= MOST_RATIO
        if claimed > most:
            raise self.error(place, f"claims {claimed} bytes, more than {most}")
        if claimed > max(held, UNCHECKED):
            raise self.error(place, f"claims {claimed} bytes, and the file has {held} at most")
        if found.chunks is not None and 0 not in found.shape:
            pieces = prod(-(-length // step) for length, step in zip(found.shape, found.chunks, strict=True))
            if (there := found.id.get_num_chunks()) < pieces:  # HDF5 reads the others as zeros
                raise self.error(place, f"lacks {pieces - there} of its {pieces} pieces")


def as_text(value: object) -> str:
    """Bytes or text, as HDF5 returns them."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def to_float32(values: np.ndarray) -> np.ndarray:
    """The same numbers as float32; what is too large for that is infinite, so that checks notice it."""
    with np.errstate(over="ignore"):
        return values.astype(np.float32, copy=False)


@contextmanager
def open_hdf5(path: str | Path, remedy: str = "use another file") -> Iterator[Hdf5Reader]:
    """A reader of the file, for a `with` block.

    Raises DataError, there and for whatever HDF5 finds wrong inside the block, where the file is missing, a
    pipe, cut short, damaged or not HDF5. `remedy` ends the sentences.
    """
    path = check_is_file(path)
    try:
        with h5py.File(path, "r") as file:
            yield Hdf5Reader(file, path.stat().st_size, remedy)
    except NeurokitError:
        raise
    except DAMAGE as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{path} is cut short, damaged or not an HDF5 file ({reason}): {remedy}.") from error


@contextmanager
def write_hdf5(path: str | Path) -> Iterator[h5py.File]:
    """A new HDF5 file in memory, for a `with` block, after which it lies under `path`, whole or not at all.

    Takes twice the file's size in memory. Raises DiskError where it cannot be written,
    MemoryError where there is too little memory.
    """
    try:
        with h5py.File(Path(path).name, "w", driver="core", backing_store=False) as file:
            yield file
            file.flush()
            image = file.id.get_file_image()
    except OSError as error:
        if "allocate memory" in str(error):
            raise MemoryError(f"{path} is made in memory, and there is too little of it.") from error
        raise
    with atomic_write(path) as temporary:
        temporary.write_bytes(image)
