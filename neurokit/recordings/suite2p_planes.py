"""The planes of a suite2p folder: activity of the regions that are cells, and what ops and stat say.

Letters: R regions, N units (regions that are cells), S samples.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float, Int, Real

from neurokit.errors import DataError
from neurokit.files.archives import map_npy, read_header, read_npy
from neurokit.files.pickles import unpickle
from neurokit.files.reading import check_is_file
from neurokit.recordings.fluorescence import to_dff

Activity = Literal["deconvolved", "dF/F"]
NEUCOEFF = 0.7  # suite2p's default, where ops.npy does not tell
FILES = ("F", "Fneu", "spks", "iscell", "ops", "stat")
OWN = (*FILES, "ops1", "redcell", "F_chan2", "Fneu_chan2", "settings", "db", "reg_outputs", "detect_outputs")
HARMLESS = {  # values of ops that nobody needs here, and that have no effect
    *(("datetime", name) for name in ("datetime", "date", "timezone", "timedelta")),
    *(
        (module, name)
        for module in ("pathlib", "pathlib._local")
        for name in ("Path", "PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath")
    ),
}
REPAIR = "copy the folder again, or write this file again with suite2p"


@dataclass(frozen=True, eq=False)
class Plane:
    """One plane as its folder holds it, mapped.

    Attributes:
        folder: of the plane.
        regions: numbers of the regions that are cells, N, from 0.
        total: how many regions there are, R.
        activity: spks, or F where dF/F is wanted, R x S.
        neuropil: Fneu, where dF/F is wanted, R x S.
        ops: what could be read of the settings.
        unread: why they could not be, or nothing.
    """

    folder: Path
    regions: Int[np.ndarray, "N"]
    total: int
    activity: Real[np.ndarray, "R S"]
    neuropil: Real[np.ndarray, "R S"] | None
    ops: Mapping[str, Any]
    unread: str

    @property
    def samples(self) -> int:
        """Number of samples, S."""
        return self.activity.shape[1]

    @property
    def neuropil_share(self) -> float:
        """By how much of Fneu the fluorescence is lessened."""
        found = self.setting("neucoeff")
        return NEUCOEFF if found is None else found

    def setting(self, name: str) -> float | None:
        """A number of ops; None where it is none."""
        value = self.ops.get(name)
        if isinstance(value, np.ndarray) and value.size == 1:
            value = value.reshape(-1)[0]
        if isinstance(value, bool) or not isinstance(value, int | float | np.number):
            return None
        return float(value) if np.isfinite(value) else None

    @property
    def bad_frames(self) -> Bool[np.ndarray, "S"]:
        """Samples that ops.npy marks as bad; DataError for marks of another number of samples."""
        marked = self.ops.get("badframes")
        if not isinstance(marked, np.ndarray) or marked.dtype.kind not in "biuf" or not marked.any():
            return np.zeros(self.samples, dtype=bool)
        if marked.shape != (self.samples,):
            raise DataError(
                f"{self.folder / 'ops.npy'} marks badframes of shape {marked.shape}, and F.npy has "
                f"{self.samples} samples: {REPAIR}."
            )
        return marked.astype(bool)

    def read(self, rate: float) -> Float[np.ndarray, "S N"]:
        """The activity of the cells, NaN in bad frames; dF/F is a fraction."""
        chosen, bad = self.activity[self.regions].T, self.bad_frames
        if self.neuropil is None:
            values = chosen.astype(np.float32 if chosen.dtype.kind != "f" else chosen.dtype, copy=False)
        else:
            corrected = chosen.astype(float) - self.neuropil_share * self.neuropil[self.regions].T
            if bad.any() and not bad.all():  # the baseline is that of good samples
                good = np.flatnonzero(~bad)
                before = np.searchsorted(good, np.arange(len(bad)), side="right") - 1
                corrected = corrected[good[before.clip(0)]]
            values = to_dff(corrected, rate)
        return np.where(bad[:, None], np.nan, values) if bad.any() else values


def is_plane(folder: Path) -> bool:
    """Whether a folder holds arrays that suite2p calls so."""
    found = [name for name in FILES if (folder / f"{name}.npy").is_file()]
    return "F" in found or len(found) > 1


def open_plane(folder: Path, activity: Activity) -> Plane:
    """Raises DataError, naming the file, for one that is missing, damaged or of other regions or samples."""
    fluorescence = _matrix(folder, "F")
    shape = fluorescence.shape
    neuropil = deconvolved = None
    if activity == "dF/F":
        neuropil = _matrix(folder, "Fneu", shape)
    else:
        deconvolved = _matrix(folder, "spks", shape)
    ops, unread = _read_ops(folder)
    return Plane(
        folder=folder,
        regions=np.flatnonzero(_is_cell(folder, shape[0])),
        total=shape[0],
        activity=fluorescence if deconvolved is None else deconvolved,
        neuropil=neuropil,
        ops=ops,
        unread=unread,
    )


def positions(plane: Plane) -> Float[np.ndarray, "N 2"]:
    """x and y of each cell, pixels, from stat.npy; raises DataError where it cannot be read."""
    path = plane.folder / "stat.npy"
    found = read_pickled(path)
    entries = list(found.reshape(-1)) if isinstance(found, np.ndarray) else []
    if len(entries) != plane.total:
        raise DataError(f"{path} tells of {len(entries)} regions, and F.npy has {plane.total}: {REPAIR}.")
    centres = [each.get("med") if isinstance(each, Mapping) else None for each in entries]
    if any(centre is None or np.shape(centre) != (2,) for centre in centres):
        raise DataError(f"{path} does not tell the centre (med) of each region: {REPAIR}.")
    return np.array(centres, dtype=float)[plane.regions][:, ::-1]  # suite2p stores y, x


def read_pickled(path: Path) -> Any:
    """The value of an npy file of pickled objects, without running their code; raises DataError."""
    check_is_file(path)
    try:
        with open(path, "rb") as stream:
            _, _, dtype = read_header(stream)
            if not dtype.hasobject:
                return read_npy(path)
            limit = 8 * path.stat().st_size + (1 << 20)  # an object takes 8 bytes, and 1 in the file
            return unpickle(stream, limit, str(path), HARMLESS)
    except (OSError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path} cannot be read ({error}): {REPAIR}.") from error


def holds_objects(path: Path) -> bool:
    """Whether an npy file holds pickled objects; false for one that cannot be read at all."""
    try:
        with open(check_is_file(path), "rb") as stream:
            return read_header(stream)[2].hasobject
    except (OSError, ValueError):  # a DataError is a ValueError
        return False


def _matrix(folder: Path, name: str, shape: tuple[int, int] | None = None) -> np.ndarray:
    path = folder / f"{name}.npy"
    if not path.is_file():
        raise DataError(f"{path} is missing: {REPAIR}.")
    found = map_npy(path)
    if found.ndim != 2 or found.dtype.kind not in "fiu" or not found.size:
        raise DataError(
            f"{path} holds {found.dtype} of shape {found.shape}, not regions x samples: {REPAIR}."
        )
    if shape is not None and found.shape != shape:
        raise DataError(
            f"{path} has {found.shape[0]} regions x {found.shape[1]} samples, and F.npy {shape[0]} x "
            f"{shape[1]}: {REPAIR}."
        )
    return found


def _is_cell(folder: Path, regions: int) -> Bool[np.ndarray, "R"]:
    path = folder / "iscell.npy"
    if not path.is_file():
        return np.ones(regions, bool)
    found = read_npy(path)
    if found.ndim not in (1, 2) or found.dtype.kind not in "biuf" or len(found) != regions:
        raise DataError(f"{path} has shape {found.shape}, and F.npy {regions} regions: {REPAIR}.")
    return found.reshape(regions, -1)[:, 0] > 0


def _read_ops(folder: Path) -> tuple[Mapping[str, Any], str]:
    """The settings, or none and why."""
    path = folder / "ops.npy"
    if not path.is_file():
        return {}, f"{path} is missing"
    try:
        found = read_pickled(path)
    except DataError as error:
        return {}, str(error).rstrip(".")
    value = found.item() if isinstance(found, np.ndarray) and found.size == 1 else found
    return (value, "") if isinstance(value, Mapping) else ({}, f"{path} holds no settings")


def shorten(planes: Sequence[Plane]) -> int:
    """The samples that all planes have; raises DataError where one lacks more than its last."""
    samples = [plane.samples for plane in planes]
    if max(samples) - min(samples) > 1:
        longest, shortest = (planes[samples.index(pick(samples))] for pick in (max, min))
        raise DataError(
            f"{shortest.folder} has {shortest.samples} samples, and {longest.folder.name} {longest.samples}: "
            f"{REPAIR}."
        )
    return min(samples)
