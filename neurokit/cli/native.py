"""Files that a system reads as they are, known by their names and, of HDF5, by what lies on top.

Nothing of a system is imported, and nothing but names is read.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HDF5 = (".h5", ".hdf5", ".nwb")


@dataclass(frozen=True)
class Native:
    """What a path is, the system that reads it, and where that finds it."""

    what: str
    system: str
    path: Path
    converted: bool = False  # before anything else can be done with it

    @property
    def command(self) -> tuple[str, ...]:
        """Of the system, with its options."""
        if self.converted:
            return "convert", str(self.path), "--output", str(self.path.with_suffix("")), *small(self.system)
        return "data", "--folder", str(self.path)


def small(system: str) -> tuple[str, ...]:
    """Options of `convert` without which the small size could not be trained; a twin's video has that of its
    network's monitor.
    """
    return ("--monitor", "36", "64") if system == "digital-twin" else ()


def find_native(path: Path) -> Native | None:
    """Whether one of the systems reads a path as it is; None for all others. Never raises."""
    try:
        return next((found for look in LOOKS if (found := look(path)) is not None), None)
    except OSError:
        return None


def _sensorium(path: Path) -> Native | None:
    scans = path.iterdir() if path.is_dir() else ()
    if _is_scan(path):
        return Native("a scan of SENSORIUM 2022", "sensorium", path.parent)
    if any(map(_is_scan, scans)):
        return Native("a folder of scans of SENSORIUM 2022", "sensorium", path)
    return None


def _is_scan(path: Path) -> bool:
    named = path.name.startswith("static") and "-GrayImageNet" in path.name
    return named and (path.is_dir() or path.suffix == ".zip")


def _allen(path: Path) -> Native | None:
    folder = path / "ophys_experiment_data"
    if folder.is_dir() and any(folder.glob("*.nwb")):
        return Native("a cache of AllenSDK", "v1-transformer", path)
    if _is_session(path):
        return Native("an NWB 1 file of AllenSDK", "v1-transformer", path)
    if any(map(_is_session, path.glob("*.nwb"))):
        return Native("a folder of NWB 1 files of AllenSDK", "v1-transformer", path)
    return None


def _is_session(path: Path) -> bool:
    return path.suffix == ".nwb" and _holds(path, "processing/brain_observatory_pipeline", "stimulus")


def _twin(path: Path) -> Native | None:
    if path.name == "training_data":
        path = path.parent
    if not (path / "training_data").is_dir():
        return None
    return Native("a folder of trials of a digital twin", "digital-twin", path)


def _neuromatch(path: Path) -> Native | None:
    files = [path] if path.is_file() else sorted(path.glob("steinmetz_part*.npz"))
    if not any(file.name.startswith("steinmetz_part") and file.suffix == ".npz" for file in files):
        return None
    return Native("Neuromatch's release of Steinmetz 2019", "pupil-encoder", files[0].parent)


def _microns(path: Path) -> Native | None:
    if path.suffix not in HDF5 or not _holds(path, "sessions", "videos"):
        return None
    return Native("the scans of MICrONS in one file", "digital-twin", path, converted=True)


def _holds(path: Path, *places: str) -> bool:
    """Whether a file is HDF5, not NWB 2, and has all of these places."""
    import h5py

    if not path.is_file():
        return False
    try:
        with h5py.File(path, "r") as file:
            return "nwb_version" not in file.attrs and all(place in file for place in places)
    except (OSError, RuntimeError):
        return False


LOOKS: tuple[Callable[[Path], Native | None], ...] = (_sensorium, _allen, _twin, _neuromatch, _microns)
