"""A folder of ALF files, one session of Steinmetz 2019: arrays by name, checked when read."""

from pathlib import Path

import numpy as np

from neurokit.errors import DataError

AGAIN = "copy or download it again"


class AlfFolder:
    """Loads arrays by ALF name (such as eye.area) and remembers which were not there.

    Raises DataError where `path` is no folder.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_dir():
            raise DataError(f"{path} is no folder; name an ALF session such as Cori_2016-12-17.")
        self.path = path
        self.missing: list[str] = []

    def has(self, *names: str) -> bool:
        """Whether all these files are there; those that are not go into `missing`."""
        files = [self._file(name) for name in names]
        absent = [file.name for file in files if not file.is_file()]
        self.missing += [name for name in absent if name not in self.missing]
        return not absent

    def load(self, name: str) -> np.ndarray:
        """An array, without the singleton axis of a column; DataError where it cannot be read."""
        file = self._file(name)
        try:
            values = np.load(file, allow_pickle=False)
        except FileNotFoundError:
            finding = f"{file} is missing; without it the session cannot be cut into trials."
            raise DataError(finding) from None
        except (ValueError, EOFError, OSError) as error:
            raise DataError(f"{file} cannot be read ({error}); {AGAIN}.") from error
        return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values

    def load_onsets(self) -> np.ndarray:
        """The times of the visual stimulus, one a trial, s; DataError where one is not finite."""
        name = "trials.visualStim_times"
        onsets = self.load(name).astype(float)
        usable = onsets.ndim == 1 and len(onsets) > 0 and bool(np.isfinite(onsets).all())
        self._require(usable, name, "one finite time per trial", onsets)
        return onsets

    def load_pairs(self, name: str) -> np.ndarray:
        """A clock (frame, seconds) or intervals (start, end); DataError where time falls."""
        pairs = self.load(name)
        usable = pairs.ndim == 2 and pairs.shape[1] == 2 and _rises(pairs[:, 1])
        self._require(usable, name, "rows of two numbers in order of time", pairs)
        return pairs

    def load_values(self, name: str) -> np.ndarray:
        """One row or more of what a camera or sensor saw; DataError where there is none."""
        values = self.load(name)
        if values.ndim == 0 or len(values) == 0:
            raise DataError(f"{self._file(name)} is empty; {AGAIN}.")
        return values

    def load_column(self, name: str, column: int) -> np.ndarray:
        """One of the two columns of a position, frames x 2; DataError for another shape."""
        values = self.load_values(name)
        self._require(values.ndim == 2 and values.shape[1] == 2, name, "frames x 2", values)
        return values[:, column]

    def _require(self, usable: bool, name: str, wanted: str, found: np.ndarray) -> None:
        if not usable:
            finding = f"{self._file(name)}: expected {wanted}, found shape {found.shape}"
            raise DataError(f"{finding}; {AGAIN}.")

    def _file(self, name: str) -> Path:
        return self.path / (name if name.endswith(".tsv") else f"{name}.npy")


def _rises(times: np.ndarray) -> bool:
    return len(times) > 0 and bool((np.diff(times) > 0).all())
