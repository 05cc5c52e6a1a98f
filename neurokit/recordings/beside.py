"""Plain arrays by name: what was shown, what the animal did, and what each trial was.

A lab keeps such arrays in one npz or in a folder of npy files, alone (`neurokit.recordings.arrays` lists all
names) or beside the files of another format that holds activity only:

    given = open_arrays(folder)
    behaviour, stimuli, events = read_behaviour(given, clock), read_stimuli(given), read_events(given)
    notes = given.notes

Letters: S samples, K presentations or trials, F frames, R repeats, H x W pixels.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float, Shaped

from neurokit.errors import DataError
from neurokit.files.archives import limit_of, map_npy, read_npz
from neurokit.recordings.recording import Trace

WRITER = "neurokit convert"  # which command wrote a folder or an npz
MOST_BYTES = 2**36  # that an npz may unpack to
NUMBERS = "biuf"  # kinds of dtypes
AXES = {1: "one axis", 2: "two axes", 3: "three axes", 4: "four axes"}
EVENT = "events_"  # stands before the name of a column of trials
TIMES, UNIT = "_times", "_unit"  # stand behind the name of a channel
SHARED_CLOCKS = {"pupil_size": "pupil_times", "pupil_x": "pupil_times", "pupil_y": "pupil_times"}
ACTIVITY = ("traces", "spike_times", "responses", "counts")
OF_ACTIVITY = (
    "spike_units",
    "spike_gaps",
    "bin_times",
    "behaviour_bin_times",
    "unit_ids",
    "area",
    "coordinates",
)
OF_SESSION = ("name", "rate", "start", "notes")
MOVIE = ("frames", "frame_times")  # the arrays of a movie, of images, of either; _NAME may follow
IMAGES = ("images", "image_times", "image_ids")
EITHER = ("shown", "tiers")


class Arrays:
    """Arrays by name, each checked when it is asked for.

    Attributes:
        where: what messages name: a file or folder.
        notes: what a user should know about how the arrays were understood.
    """

    def __init__(self, where: str | Path, arrays: Mapping[str, np.ndarray]) -> None:
        self.where, self.arrays = str(where), dict(arrays)
        self.notes: list[str] = []
        self._taken: set[str] = set()

    def __contains__(self, name: str) -> bool:
        return name in self.arrays

    def numbers(self, name: str, axes: Sequence[int] = (1,)) -> np.ndarray | None:
        """Numbers with one of these counts of axes, a single column as a row; None where it is not there."""
        if name not in self.arrays:
            return None
        self._taken.add(name)
        values = self.arrays[name]
        if values.dtype.kind not in NUMBERS:
            raise self.error(f"{name} holds {values.dtype}; write numbers")
        if axes == (1,) and values.ndim == 2 and 1 in values.shape:
            values = values.reshape(-1)
        if values.ndim not in axes or not values.size:
            wanted = " or ".join(AXES[each] for each in axes)
            raise self.error(
                f"{name} has shape {values.shape}; write an array of {wanted}, none of them empty"
            )
        return values

    def times(self, name: str) -> Float[np.ndarray, "S"] | None:
        """Times, s; NaN where not known."""
        found = self.numbers(name)
        return None if found is None else np.asarray(found, dtype=float)

    def whole(self, name: str) -> np.ndarray | None:
        """Whole numbers, which may be stored as floating ones."""
        found = self.numbers(name)
        return None if found is None else self.as_whole(name, found)

    def as_whole(self, name: str, values: np.ndarray) -> np.ndarray:
        """The values as integers; DataError where one of them is none."""
        if values.dtype.kind == "f" and not (values == np.round(values)).all():  # NaN differs too
            bad = int((values != np.round(values)).sum())
            raise self.error(f"{bad} of {values.size} values of {name} are no whole numbers; number from 0")
        if values.dtype.kind in "fu" and bool((far := np.abs(values) >= 2.0**63).any()):
            raise self.error(f"{name} holds {values[far].flat[0]}, beyond whole numbers; number from 0")
        return np.asarray(values, dtype=np.int64)

    def text(self, name: str) -> Shaped[np.ndarray, "K"] | None:
        """Words; bytes are decoded."""
        if name not in self.arrays:
            return None
        self._taken.add(name)
        values = as_text(self.arrays[name])
        if values.dtype.kind != "U" or values.ndim != 1:
            raise self.error(f"{name} holds {values.dtype} of shape {values.shape}; write one word for each")
        return values

    def sentences(self, name: str) -> tuple[str, ...]:
        """Words or sentences, in order; none where the array holds anything else."""
        values = as_text(self.arrays.get(name, np.empty(0)))
        if values.dtype.kind != "U":
            return ()
        self._taken.add(name)
        return tuple(values.reshape(-1).tolist())

    def scalar(self, name: str) -> int | float | str | None:
        """A single number or word."""
        if name not in self.arrays:
            return None
        self._taken.add(name)
        value = as_text(self.arrays[name])
        if value.size != 1 or value.dtype.kind not in "biufU":
            raise self.error(f"{name} has shape {value.shape}; write a single value")
        return value.reshape(-1)[0].item()

    def rate(self, name: str = "rate") -> float | None:
        """Samples per s; None where it is not there, DataError where it is none."""
        found = self.scalar(name)
        if found is not None and not (isinstance(found, int | float) and 0 < found < np.inf):
            raise self.error(f"{name} is {found}; write samples per second")
        return None if found is None else float(found)

    def error(self, finding: str) -> DataError:
        """The error that says what is wrong with these arrays."""
        return DataError(f"{self.where}: {finding}.")

    def left(self) -> list[str]:
        """Names of arrays that nobody asked for."""
        return sorted(set(self.arrays) - self._taken)


def open_arrays(path: str | Path, names: Sequence[str] | None = None) -> Arrays:
    """The arrays of an npz, or of the npy files of a folder (those in `names` alone), which are mapped.

    Raises DataError where one cannot be read or holds pickled objects.
    """
    path = Path(path)
    if path.is_file():
        return Arrays(path, read_npz(path, limit_of(path, MOST_BYTES)))
    files = sorted(each for each in path.glob("*.npy") if names is None or each.stem in names)
    return Arrays(path, {file.stem: map_npy(file) for file in files})


def check_file_names(names: Iterable[str]) -> None:
    """Raises DataError for a name that no file can have on every system."""
    for name in names:
        if not re.fullmatch(r"[\w-][\w .-]*", str(name)):
            raise DataError(f"{name!r} cannot be the name of a file; call it otherwise in the recording.")


def as_text(values: np.ndarray) -> np.ndarray:
    """Bytes as words; all else as it is."""
    return np.char.decode(values, "utf-8", "replace") if values.dtype.kind == "S" else values


def as_numbers(values: np.ndarray) -> np.ndarray:
    """Truth values as 0 and 1; all else as it is."""
    return values.astype(np.uint8) if values.dtype.kind == "b" else values


def make_trace(given: Arrays, what: str, values: np.ndarray, time: np.ndarray, unit: str = "") -> Trace:
    """Values on their clock; samples without a time are left out, with a note, and equal times refused.

    Raises DataError, naming both numbers, for a clock of another length than its values.
    """
    if len(values) != len(time):
        raise given.error(
            f"{what} has {len(values)} samples and {len(time)} times; give a time for each sample"
        )
    known = np.isfinite(time)
    if known.any() and not known.all():
        given.notes.append(f"{what}: {int((~known).sum())} of {len(time)} samples have no time: left out.")
        values, time = values[known], time[known]
    try:
        return Trace(as_numbers(values), np.asarray(time, dtype=float), unit)
    except DataError as error:
        raise DataError(f"{given.where}: {what}: {error}") from error


def read_behaviour(given: Arrays, clock: Float[np.ndarray, "_"] | None = None) -> dict[str, Trace]:
    """Every array NAME that has a clock NAME_times, by name.

    `clock` is that of arrays which have as many samples as it and none of their own. Raises DataError for a
    clock that does not fit.
    """
    found = {}
    for name in channels(given):
        own = next((each for each in (name + TIMES, SHARED_CLOCKS.get(name, "")) if each in given), None)
        time = clock if own is None else given.times(own)
        if time is None or (own is None and len(time) not in given.arrays[name].shape):
            continue
        values = given.numbers(name, (1, 2))
        assert values is not None  # it is there
        if values.ndim == 2:
            values = values.reshape(-1) if 1 in values.shape else values
            values = values.T if len(time) not in values.shape[:1] else values
        found[name] = make_trace(given, name, values, time, str(given.scalar(name + UNIT) or ""))
    return found


def channels(given: Arrays) -> list[str]:
    """Names of the arrays of numbers that no table of names takes: what the animal did."""
    taken = {*ACTIVITY, *OF_ACTIVITY, *OF_SESSION}
    stems = tuple(f"{stem}_" for stem in (*MOVIE, *IMAGES, *EITHER))
    return [
        name
        for name, values in sorted(given.arrays.items())
        if name not in taken
        and values.dtype.kind in NUMBERS
        and values.ndim
        and not name.endswith((TIMES, UNIT))
        and not f"{name}_".startswith((EVENT, *stems))
    ]


def read_events(given: Arrays) -> pd.DataFrame | None:
    """The arrays events_COLUMN as a table of trials; None where there are none.

    Raises DataError for columns of unequal length.
    """
    columns = {}
    for name in sorted(each for each in given.arrays if each.startswith(EVENT)):
        kind = given.arrays[name].dtype.kind
        found = given.text(name) if kind in "US" else given.numbers(name)
        assert found is not None  # it is there
        columns[name.removeprefix(EVENT)] = found
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise given.error(f"columns of events are of unequal length ({listed}); give a value for each trial")
    return pd.DataFrame(columns) if columns else None
