"""The files of an ALF folder by their names, whatever stands around these.

A file is called object.attribute.extension, such as spikes.times.npy. Before it may stand a namespace
(_ibl_trials.table.pqt), after the attribute an id (36 letters), around it folders of collections
(probe00/pykilosort) and of revisions (#2024-05-06#), of which the last is read. Tables (.pqt) need the extra
`ibl`.

Letters: S samples, E events.
"""

import re
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from neurokit.errors import DataError
from neurokit.files.archives import read_npy
from neurokit.files.reading import check_is_file
from neurokit.recordings.beside import AXES
from neurokit.recordings.recording import Trace

NAMESPACE = re.compile(r"^_[a-z0-9]+_")
ID = re.compile(r"\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(?=\.)")
REVISION = re.compile(r"^#(.*)#$")
TIMES = {  # of trials, given from the stimulus
    "response_times": "response_time",
    "goCue_times": "go_cue",
    "feedback_times": "feedback_time",
}
MOST_FILES, MOST_CLUSTERS = 50_000, 1_000_000
MOST_TIES = 0.01  # share of samples that may come at the time of others; more is another clock


class AlfFiles:
    """The files in a folder of ALF files.

    Attributes:
        folder: where they lie.
        notes: what a user should know of how they were read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.notes: list[str] = []
        self._found: dict[tuple[str, str], tuple[str, Path]] = {}
        for count, file in enumerate(folder.rglob("*")):
            if count > MOST_FILES:
                raise DataError(
                    f"{folder} holds more than {MOST_FILES} files; name the folder of one session."
                )
            if file.is_file():
                self._add(file)

    def _add(self, file: Path) -> None:
        folders = file.relative_to(self.folder).parts[:-1]
        revision = next((found[1] for each in folders if (found := REVISION.match(each))), "")
        collection = "/".join(each for each in folders if not REVISION.match(each))
        key = collection, ID.sub("", NAMESPACE.sub("", file.name))
        if key not in self._found or self._found[key][0] <= revision:
            self._found[key] = revision, file

    def find(self, name: str, collection: str | None = None) -> Path | None:
        """Where a file lies: in this collection, or the first that has it; None where none has."""
        places = self.collections(name) if collection is None else [collection]
        found = [self._found[place, name][1] for place in places if (place, name) in self._found]
        return found[0] if found else None

    def collections(self, name: str) -> list[str]:
        """The folders that have a file of this name, without revisions."""
        return sorted(place for place, each in self._found if each == name)

    def numbers(self, name: str, collection: str | None = None, axes: int = 1) -> np.ndarray | None:
        """The numbers of `name`.npy, a column as a row; None where it is not there.

        Raises DataError where it cannot be read or has another count of axes.
        """
        file = self.find(f"{name}.npy", collection)
        if file is None:
            return None
        values = read_npy(file)
        if values.ndim == 2 and values.shape[1] == 1 and axes == 1:
            values = values[:, 0]
        if values.dtype.kind not in "biuf" or values.ndim != axes or not values.size:
            raise DataError(
                f"{file} holds {values.dtype} of shape {values.shape}; numbers of {AXES[axes]} are expected."
            )
        return values

    def words(self, name: str, collection: str | None = None) -> np.ndarray | None:
        """The words of `name`.npy; None where it is not there, or holds pickled objects, with a note."""
        file = self.find(f"{name}.npy", collection)
        if file is None:
            return None
        try:
            return read_npy(file).astype(str).reshape(-1)
        except DataError as error:
            self.notes.append(f"{file.name} is left out: {error}")
            return None

    def table(self, name: str, collection: str | None = None) -> pd.DataFrame | None:
        """The table of `name`.pqt; None where it is not there.

        Raises DataError where it cannot be read, or pyarrow is missing.
        """
        file = self.find(f"{name}.pqt", collection)
        if file is None:
            return None
        check_is_file(file)
        try:
            return pd.read_parquet(file, engine="pyarrow").reset_index(drop=True)
        except ImportError as error:
            raise DataError(
                f"{file} is a parquet table, which pyarrow reads: install neurokit's extra `ibl`."
            ) from error
        except (ValueError, OSError, KeyError, TypeError, NotImplementedError) as error:
            reason = (str(error).splitlines() or [""])[0].split(". ")[0].rstrip(".")
            raise DataError(f"{file} is no parquet table ({reason}); copy the file again.") from error


def make_trace(what: str, values: np.ndarray, time: np.ndarray, unit: str, notes: list[str]) -> Trace | None:
    """Values on their clock; a sample without a time, or not after all before it, is left out with a note.

    None, and a note why, where nothing was measured or that is more than a few of them.
    """
    values = values.astype(np.uint8) if values.dtype.kind == "b" else values
    known = np.isfinite(time)
    late = known & ~_ascending(time)
    if late.sum() > MOST_TIES * len(time):
        notes.append(f"{what} is left out: {int(late.sum())} of its {len(time)} times do not ascend.")
        return None
    measured = np.isfinite(values) if values.dtype.kind == "f" else np.ones(values.shape, bool)
    if not (known & ~late).any() or not measured.any():
        notes.append(f"{what} is left out: it was never measured.")
        return None
    if dropped := int((~known | late).sum()):
        notes.append(f"{what}: {dropped} of {len(time)} samples have no time of their own: left out.")
    rows = known & ~late
    try:
        return Trace(values[rows], time[rows].astype(float), unit)
    except DataError as error:
        notes.append(f"{what} is left out: {error}")
        return None


def _ascending(time: Float[np.ndarray, "S"]) -> Bool[np.ndarray, "S"]:
    """Whether each time comes after all finite ones before it."""
    filled = np.where(np.isfinite(time), time, -np.inf)
    before = np.concatenate([[-np.inf], np.maximum.accumulate(filled)[:-1]])
    return filled > before


def check_clusters(folder: Path, clusters: np.ndarray) -> None:
    """Raises DataError for numbers of clusters that are none."""
    if (clusters != np.round(clusters)).any() or clusters.min() < 0 or clusters.max() >= MOST_CLUSTERS:
        raise DataError(
            f"{folder}: spikes.clusters are {clusters.min():g} to {clusters.max():g} and number clusters, "
            "in whole numbers from 0; take the original file."
        )


def lick_trace(times: Float[np.ndarray, "E"], notes: list[str]) -> Trace | None:
    """Licks as a trace of ones, or more where several have one time, in order."""
    known = times[np.isfinite(times)]
    if not len(known):
        notes.append("licks are left out: none has a time.")
        return None
    moments, counts = np.unique(known.astype(float), return_counts=True)
    return make_trace("licks", counts, moments, "licks", notes)


def state_trace(intervals: Float[np.ndarray, "E 2"], span: tuple[float, float]) -> Trace:
    """1 inside the intervals (start, end), s, and 0 outside, every 10 ms of the `span` (s) of the sensor."""
    time = np.arange(span[0], span[1], 0.01)
    rows = intervals[np.isfinite(intervals).all(axis=1)].astype(float)
    begun = np.searchsorted(np.sort(rows[:, 0]), time, side="right")
    ended = np.searchsorted(np.sort(rows[:, 1]), time, side="right")
    return Trace((begun > ended).astype(float), time)
