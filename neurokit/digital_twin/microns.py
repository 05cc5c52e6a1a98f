"""The public MICrONS scans: what their one HDF5 file holds, and how it is opened with care.

In 14 scans one mouse saw natural video ("Clip": cinema, sports, rendered) and two kinds of moving noise
("Monet2" with directions, "Trippy"), while a two-photon mesoscope imaged thousands of neurons of V1, LM, AL
and RL (MICrONS Consortium, Nature 640, 435-447, 2025); what its eye and legs did was recorded, too. NeuroBLab
put the scans into one file (CC-BY 4.0). All was brought to 30 Hz and every fourth sample stored, so 7.5 Hz;
each frame is the one shown at least 66 ms before its sample.

    sessions/{session}_{scan_idx}/meta/{unit_ids, brain_areas, coordinates, condition_hashes, area_indices/}
    sessions/{session}_{scan_idx}/trials/{number}/{responses, treadmill, pupil, stim_times}, @condition_hash
    videos/{hash}/{clip, times, instances/}, @type and others; the hash URL-encoded ("/" is %2F)
    types/{type}/{hash} and brain_areas/{area}/{scan}: links only

Source: the description beside the file (huggingface.co/datasets/NeuroBLab/MICrONS). Its tree writes some
groups in capitals, its own examples in small letters: these are read and written here. By that description
the traces are dF/F, so they may be negative and are not deconvolved. What it does not say, and is assumed
here: pupil in pixels of the eye camera, coordinates in micrometres, NaN for behaviour that was not seen.
Videos have 144 x 256 (Clip), 126 x 216 (Monet2) or 90 x 160 pixels (Trippy).

Every finding about a bad file is one sentence.

Letters: F samples of a trial or frames of a video, N neurons, H x W pixels.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import h5py
import numpy as np
from jaxtyping import Float, Float32, Int, UInt8

from neurokit.errors import DataError, NeurokitError

MOST_BYTES = 10**9  # of one array; the largest published one, responses to one video, has 5 MB
AGAIN = "fetch microns.h5 again"
PERIOD = 4 / 30  # s between samples


@contextmanager
def opened(path: str | Path) -> Iterator[h5py.File]:
    """The file, for a `with` block; DataError where it is missing or damaged, there or inside the block."""
    path = Path(path)
    if not path.is_file():
        raise DataError(f"{path} is missing: fetch microns.h5 (20.6 GB) or give its path.")
    try:
        with h5py.File(path, "r") as file:
            if "sessions" not in file or "videos" not in file:
                finding = f"{path} has no groups 'sessions' and 'videos', only {', '.join(file) or 'nothing'}"
                raise DataError(f"{finding}: give the path of microns.h5.")
            yield file
    except NeurokitError:
        raise
    except (OSError, KeyError, RuntimeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{path} is cut short, damaged or no HDF5 file ({reason}): {AGAIN}.") from error


def group(parent: h5py.Group, name: str) -> h5py.Group:
    """A group inside another. Raises DataError where there is none, or it lies in another file."""
    found = _member(parent, name)
    if not isinstance(found, h5py.Group):
        raise DataError(f"{_name(parent, name)} is no group: {AGAIN}.")
    return found


def array(parent: h5py.Group, name: str, kinds: str, shape: tuple[int | None, ...]) -> np.ndarray:
    """The values of a dataset of one of the numpy `kinds`; None in `shape` for any length.

    Raises DataError where it is missing, of another type or shape, too large, or stored in another file.
    """
    found = _member(parent, name)
    where = _name(parent, name)
    if not isinstance(found, h5py.Dataset) or found.external or found.is_virtual:
        raise DataError(f"{where} is no array of this file: {AGAIN}.")
    if found.dtype.kind not in kinds or found.nbytes > MOST_BYTES:
        raise DataError(f"{where} holds {found.shape} of {found.dtype}, which cannot be: {AGAIN}.")
    fits = len(found.shape) == len(shape)
    if not fits or any(wanted not in (None, is_) for wanted, is_ in zip(shape, found.shape, strict=True)):
        wanted_shape = ", ".join("any" if length is None else str(length) for length in shape)
        raise DataError(f"{where} has the shape {found.shape} instead of ({wanted_shape}): {AGAIN}.")
    return found[()]


def texts(parent: h5py.Group, name: str, length: int | None) -> np.ndarray:
    """A dataset of texts, as a numpy array of text. Raises DataError as `array`."""
    return np.array([as_text(value) for value in array(parent, name, "SO", (length,))], dtype=str)


def attribute(parent: h5py.Group, name: str) -> str:
    """An attribute as text. Raises DataError where there is none."""
    if name not in parent.attrs:
        raise DataError(f"{_name(parent)} has no attribute {name}: {AGAIN}.")
    return as_text(parent.attrs[name])


def as_text(value: object) -> str:
    """Bytes or text, as HDF5 hands them out, as text."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def encoded(video: str) -> str:
    """A condition hash as the name of its group, in which "/" stands for a path."""
    return quote(video, safe="+")


def _member(parent: h5py.Group, name: str) -> h5py.Group | h5py.Dataset:
    if name not in parent:
        raise DataError(f"{_name(parent)} has no {name}: {AGAIN}.")
    if isinstance(parent.get(name, getlink=True), h5py.ExternalLink):
        raise DataError(f"{_name(parent, name)} points to another file: {AGAIN}.")
    return parent[name]


def _name(parent: h5py.Group, name: str = "") -> str:
    return f"{parent.file.filename}{parent.name.rstrip('/')}{'/' if name else ''}{name}"


@dataclass(frozen=True, eq=False)
class MicronsTrial:
    """One video once shown, sampled at the same times throughout.

    Attributes:
        number: of the trial, in the order of presentation.
        video: condition hash of what was shown, equal for repeats; `load_video` has it.
        time: s on the clock of the scan, increasing.
        responses: dF/F of each neuron.
        pupil_center: x and y, pixels of the camera, NaN where not seen.
        pupil_radius: major and minor half axis, pixels of the camera, NaN where not seen.
        treadmill: cm/s, NaN where not measured.
    """

    number: int
    video: str
    time: Float[np.ndarray, "F"]
    responses: Float32[np.ndarray, "F N"]
    pupil_center: Float32[np.ndarray, "F 2"]
    pupil_radius: Float32[np.ndarray, "F 2"]
    treadmill: Float32[np.ndarray, "F"]


@dataclass(frozen=True, eq=False)
class MicronsVideo:
    """One video, stored once for all its trials.

    Attributes:
        name: its condition hash.
        kind: Clip, Monet2 or Trippy.
        frames: grey values.
        time: s of each frame, from 0.
        facts: what else is said of it, such as movie_name or duration (s), as text.
    """

    name: str
    kind: str
    frames: UInt8[np.ndarray, "F H W"]
    time: Float[np.ndarray, "F"]
    facts: dict[str, str]


@dataclass(frozen=True, eq=False)
class MicronsScan:
    """One scan of the mouse.

    Attributes:
        session: of the scan.
        scan_idx: of the scan.
        unit_ids: numbers of its neurons, with gaps; the same as in the tables of the digital twin.
        areas: visual area of each neuron: V1, LM, AL or RL.
        coordinates: x, y, z in the frame of the microscope's motors.
        trials: in the order of presentation.
    """

    session: int
    scan_idx: int
    unit_ids: Int[np.ndarray, "N"]
    areas: np.ndarray
    coordinates: Float[np.ndarray, "N 3"]
    trials: tuple[MicronsTrial, ...]
