"""What an NWB 2 file is made of: time series, tables, and links between them.

The standard (NWB core 2.x, nwb-schema.readthedocs.io) is read by its own names of groups and arrays, from
HDF5, within what the file holds; so files with extensions, and of any version of 2, are read alike.

Letters: S samples, C channels, K rows of a table.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import h5py
import numpy as np
import pandas as pd
from jaxtyping import Float, Real

from neurokit.errors import DataError
from neurokit.files.hdf5 import Hdf5Reader, as_text
from neurokit.recordings.recording import Trace

NUMBERS = "fiu"  # kinds of dtypes
DEEPEST, MOST_GROUPS = 5, 20_000  # of a search below a group


@dataclass(frozen=True, eq=False)
class Nwb:
    """An open file, and what a user should know of how it was read.

    Attributes:
        stored: its groups and arrays.
        notes: one sentence each.
    """

    stored: Hdf5Reader
    notes: list[str] = field(default_factory=list)

    def note(self, sentence: str) -> None:
        """Once, however often it is found."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def has(self, place: str) -> bool:
        """Whether anything is there."""
        return self.stored.find(place) is not None

    def names(self, place: str) -> list[str]:
        """Names in a group, in order; none where there is no such group."""
        found = self.stored.find(place)
        return sorted(found) if isinstance(found, h5py.Group) else []

    def groups(self, place: str, deepest: int = DEEPEST) -> Iterator[str]:
        """Every group below one, by its full path, those nearer first."""
        level, seen = [place], 0
        for _ in range(deepest):
            below = [f"{parent}/{name}" for parent in level for name in self.names(parent)]
            level = [each for each in below if isinstance(self.stored.find(each), h5py.Group)]
            seen += len(level)
            if seen > MOST_GROUPS:
                raise self.stored.error(place, f"has more than {MOST_GROUPS} groups")
            yield from level

    def attribute(self, place: str, name: str, default: str = "") -> str:
        """A single text or number beside a group or an array, as text."""
        found = self.stored.find(place)
        return default if found is None or name not in found.attrs else self.stored.attribute(place, name)

    def number(self, place: str, name: str, default: float) -> float:
        """A single number beside an array."""
        try:
            return float(self.attribute(place, name, str(default)))
        except ValueError as error:
            raise self.stored.error(place, f"has an attribute {name} that is no number") from error

    def kind(self, place: str) -> str:
        """The type that the standard or an extension gives a group, such as TimeSeries."""
        return self.attribute(place, "neurodata_type")

    def text(self, place: str) -> str:
        """A single text; empty where there is none."""
        if not self.has(place):
            return ""
        return as_text(self.stored.array(place, "SO", ())[()])

    def reference(self, place: str, reference: object) -> str:
        """The path that a reference of the file leads to."""
        name = None
        if isinstance(reference, h5py.Reference) and reference:
            name = h5py.h5r.get_name(reference, self.stored.file.id)
        if not name:
            raise self.stored.error(place, "refers to nothing in this file")
        return as_text(name)


def last_part(place: str) -> str:
    """The name of a group without its path."""
    return place.rsplit("/", 1)[-1]


def read_time(nwb: Nwb, place: str, samples: int) -> Float[np.ndarray, "S"]:
    """The clock of a time series, s, from its timestamps or its rate; NaN where not known.

    Raises DataError, with both numbers, where it has another length than the data.
    """
    stored, given = nwb.stored, f"{place}/timestamps"
    if nwb.has(given):
        time = stored.read(given, NUMBERS, (None,)).astype(float)
        if len(time) != samples:
            raise stored.error(place, f"has {samples} samples and {len(time)} timestamps")
        return time
    given = f"{place}/starting_time"
    if not nwb.has(given):
        raise stored.error(place, "has neither timestamps nor a starting time")
    start, rate = float(stored.array(given, NUMBERS, ())[()]), nwb.number(given, "rate", np.nan)
    if not (np.isfinite(start) and 0 < rate < np.inf):
        raise stored.error(place, f"starts at {start:g} s with {rate:g} samples per s, which cannot be")
    return start + np.arange(samples) / rate


def count_times(nwb: Nwb, place: str) -> int | None:
    """How many timestamps a time series has; None where it has a rate instead."""
    given = f"{place}/timestamps"
    return nwb.stored.array(given, NUMBERS, (None,)).shape[0] if nwb.has(given) else None


def read_values(nwb: Nwb, place: str) -> Real[np.ndarray, "..."]:
    """The data of a time series in its own unit: times `conversion`, plus `offset`, where it has any."""
    values = nwb.stored.read(f"{place}/data", NUMBERS)
    return convert(nwb, f"{place}/data", values)


def convert(
    nwb: Nwb, place: str, values: Real[np.ndarray, "..."], *, activity: bool = False
) -> Real[np.ndarray, "..."]:
    """Values as stored, in the unit that stands beside them.

    Raises DataError for a `conversion` that makes nothing of them, or, of `activity`, the opposite.
    """
    scale, offset = nwb.number(place, "conversion", 1.0), nwb.number(place, "offset", 0.0)
    if not np.isfinite([scale, offset]).all() or scale == 0 or (activity and scale < 0):
        raise nwb.stored.error(place, f"is to be converted by {scale:g} and {offset:g}, which cannot be")
    return values if (scale, offset) == (1, 0) else values * scale + offset


def read_series(nwb: Nwb, place: str) -> Trace:
    """A time series with its clock and unit; samples without a time are left out, with a note.

    Data with the samples last are turned. Raises DataError for clocks that are none.
    """
    values, times = read_values(nwb, place), count_times(nwb, place)
    if values.ndim == 2 and times == values.shape[1] != values.shape[0]:
        values = values.T
    if values.ndim not in (1, 2) or not len(values):
        raise nwb.stored.error(place, f"has data of shape {values.shape}, not samples, or samples x channels")
    return make_trace(nwb, place, values, read_time(nwb, place, len(values)))


def make_trace(
    nwb: Nwb, place: str, values: Real[np.ndarray, "S ..."], time: Float[np.ndarray, "S"]
) -> Trace:
    """Values on their clock, in the unit that is stored beside them; raises DataError, naming the place."""
    known = np.isfinite(time)
    if (lost := int((~known).sum())) and known.any():
        nwb.note(f"{place}: {lost} of {len(time)} samples have no time and are left out.")
        values, time = values[known], time[known]
    again = np.r_[False, np.diff(time) == 0]
    if tied := int(again.sum()):
        nwb.note(f"{place}: {tied} of {len(time)} samples have the time of the one before and are left out.")
        values, time = values[~again], time[~again]
    try:
        return Trace(values, time, nwb.attribute(f"{place}/data", "unit"))
    except DataError as error:
        raise DataError(f"{nwb.stored.file.filename}/{place}: {error}") from error


def read_table(nwb: Nwb, place: str, only: Sequence[str] | None = None) -> pd.DataFrame:
    """The columns of a table (or `only` some) that hold a number or a word a row, with a note for the others.

    Raises DataError where columns are of unequal length.
    """
    columns: dict[str, np.ndarray | list[str]] = {}
    names = [name for name in _columns(nwb, place) if only is None or name in only]
    several = [name for name in names if f"{name}_index" in names]
    others = [each for name in several for each in (name, f"{name}_index")]
    for name in names:
        found = nwb.stored.find(f"{place}/{name}")
        if not isinstance(found, h5py.Dataset) or name in others:
            continue
        words = h5py.check_string_dtype(found.dtype) is not None
        if found.ndim != 1 or not (words or found.dtype.kind in "biuf"):
            several.append(name)
        elif words:
            columns[name] = [_plain(text) for text in nwb.stored.texts(f"{place}/{name}")]
        else:
            columns[name] = nwb.stored.read(f"{place}/{name}", "biuf", (None,))
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise nwb.stored.error(place, f"has columns of unequal length ({listed})")
    if more := sorted({*several} - {"tags", "timeseries"}):
        nwb.note(f"{place}: {', '.join(more)} hold no single number or word a row and are left out.")
    return pd.DataFrame(columns)


def numbers(nwb: Nwb, place: str, table: pd.DataFrame, name: str) -> Float[np.ndarray, "K"]:
    """A column that must hold numbers."""
    if not pd.api.types.is_numeric_dtype(table[name]):
        raise nwb.stored.error(f"{place}/{name}", f"holds {table[name].dtype}, not numbers")
    return table[name].to_numpy(dtype=float)


def _columns(nwb: Nwb, place: str) -> list[str]:
    """Names of a table's columns, in the order that it gives."""
    names, given = nwb.names(place), nwb.stored.group(place).attrs.get("colnames", ())
    order = [as_text(name) for name in np.atleast_1d(given)]
    return sorted(names, key=lambda name: (order.index(name) if name in order else -1, name))


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
