"""The arrays of an ALF folder by name, each checked when it is loaded.

A device's clock is rows of (frame, seconds), between which time runs evenly, as in Steinmetz 2019, or one
time for each value, as IBL writes it. Rows without a time are left out.

Letters: E events, C rows of a clock, F values, K trials.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from neurokit.errors import DataError, read_from
from neurokit.files.archives import read_npy
from neurokit.files.atomic import restore_folder
from neurokit.training.omissions import Omission

BRAIN_LOCATION = "channels.brainLocation.tsv"
ONSETS = "trials.visualStim_times"
MOST_TIMES_LONGER = 100  # than the time until the last stimulus; milliseconds are 1000 times as many


class AlfFolder:
    """Loads arrays by ALF name (such as eye.area) and remembers what was not there or not usable.

    Attributes:
        missing: files that are not there.
        omissions: rows of clocks and event files that have no time.

    Raises DataError where `path` is not a folder.
    """

    def __init__(self, path: Path) -> None:
        if not restore_folder(path).is_dir():
            raise DataError(f"{path} is not a folder; name an ALF session such as Cori_2016-12-17.")
        self.path = path
        self.missing: list[str] = []
        self.omissions: list[Omission] = []
        self._last_onset = np.inf

    def has(self, *names: str) -> bool:
        """Whether all these files are there; absent ones go into `missing`."""
        files = [self.file(name) for name in names]
        absent = [file.name for file in files if not file.is_file()]
        self.missing += [name for name in absent if name not in self.missing]
        return not absent

    def load(self, name: str) -> np.ndarray:
        """Numbers, without the singleton axis of a column; DataError where they cannot be read."""
        file = self.file(name)
        if not file.exists():
            raise DataError(f"{file} is missing; without it the session cannot be cut into trials.")
        values = read_npy(file)
        if values.dtype.kind not in "biuf" or values.ndim == 0:
            found = values.dtype if values.ndim else "a single value"
            raise DataError(f"{file} holds {found}; write an array of numbers.")
        return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values

    def load_onsets(self) -> Float[np.ndarray, "K"]:
        """The times of the visual stimulus, one a trial, s, NaN where unknown; DataError where all are."""
        onsets = self.load(ONSETS).astype(float)
        usable = onsets.ndim == 1 and bool(np.isfinite(onsets).any())
        self._require(usable, ONSETS, "a time for each trial, in seconds", onsets)
        self._last_onset = onsets[np.isfinite(onsets)].max()
        return onsets

    def load_times(self, name: str) -> Float[np.ndarray, "E"]:
        """When events happened, s, in order; those without a time are left out."""
        times = self.load(name).astype(float)
        self._require(times.ndim == 1, name, "one time for each event", times)
        return np.sort(times[self._have_time(name, times)])

    def load_intervals(self, name: str) -> Float[np.ndarray, "E 2"]:
        """Intervals (start, end), s; DataError unless they come one after another."""
        pairs = self.load(name).astype(float)
        self._require(
            pairs.ndim == 2 and pairs.shape[1:] == (2,) and len(pairs) > 0, name, "rows of two", pairs
        )
        rows = np.flatnonzero(self._have_time(name, pairs[:, 1], pairs[:, 0]))
        self._check_order(name, rows, pairs[rows, 1])
        return pairs[rows]

    def load_clock(self, name: str, values: int) -> Float[np.ndarray, "C 2"]:
        """The clock of so many `values`, as rows of (frame, seconds).

        DataError unless frames and times rise, and for a time of each value that has another length.
        """
        clock = self.load(name).astype(float)
        if clock.ndim == 1 and len(clock) == values:
            clock = np.stack([np.arange(values), clock], axis=1)
        wanted = f"rows of (frame, seconds), or one time for each of {values} values"
        self._require(clock.ndim == 2 and clock.shape[1] == 2 and len(clock) > 0, name, wanted, clock)
        frames, seconds = clock.T
        rows = np.flatnonzero(self._have_time(name, seconds, frames))
        self._check_order(name, rows, seconds[rows])
        self._require(bool((np.diff(frames[rows]) >= 0).all()), name, "frames in order", clock)
        return clock[rows]

    def load_values(self, name: str, column: int | None = None) -> np.ndarray:
        """What a camera or sensor saw, or one of the two columns of a position; DataError for neither."""
        values = self.load(name)
        if values.ndim == 0 or len(values) == 0:
            raise DataError(f"{self.file(name)} is empty; take it away to read the session without it.")
        if column is None:
            self._require(values.ndim == 1, name, "one value for each frame", values)
            return values
        self._require(values.ndim == 2 and values.shape[1] == 2, name, "frames x 2", values)
        return values[:, column]

    def check_seconds(self, name: str, times: Float[np.ndarray, "E"]) -> None:
        """Raises DataError for times that are in other units than those of the stimulus."""
        last = np.max(times, initial=0, where=np.isfinite(times))
        if last > MOST_TIMES_LONGER * (abs(self._last_onset) + 10):
            raise DataError(
                f"{self.file(name)}: times go up to {last:g}, and the last stimulus comes at "
                f"{self._last_onset:g} s; give both in seconds."
            )

    def file(self, name: str) -> Path:
        """Where the array lies."""
        return self.path / (name if name == BRAIN_LOCATION else f"{name}.npy")

    def _have_time(
        self, name: str, times: Float[np.ndarray, "E"], others: Float[np.ndarray, "E"] | None = None
    ) -> Bool[np.ndarray, "E"]:
        """The rows with a time; the others go into `omissions`."""
        self.check_seconds(name, times)
        known = np.isfinite(times) if others is None else np.isfinite(times) & np.isfinite(others)
        rows = tuple(f"{name} {row}" for row in np.flatnonzero(~known).tolist())
        if not rows:
            return known
        with read_from(self.file(name)):
            found = Omission("time_unknown", "clock rows", rows, len(times))
        if found not in self.omissions:  # a clock is loaded once for each channel
            self.omissions.append(found)
        return known

    def _check_order(self, name: str, rows: np.ndarray, seconds: Float[np.ndarray, "C"]) -> None:
        late = np.flatnonzero(~(np.diff(seconds) > 0))
        if len(late):
            file, one = self.file(name), late[0]
            raise DataError(
                f"{file}: row {rows[one + 1]} ({seconds[one + 1]:g} s) does not come after row {rows[one]} "
                f"({seconds[one]:g} s); correct it, or take {file.name} away to read the session without it."
            )

    def _require(self, usable: bool, name: str, wanted: str, found: np.ndarray) -> None:
        if not usable:
            raise DataError(f"{self.file(name)}: expected {wanted}, found shape {found.shape}; write it so.")
