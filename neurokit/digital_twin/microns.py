"""The public MICrONS scans: what their one HDF5 file holds, and how to read it.

In 14 scans one mouse saw natural video ("Clip": cinema, sports, rendered) and two kinds of moving noise
("Monet2" with directions, "Trippy"), while a two-photon mesoscope imaged thousands of neurons of V1, LM, AL
and RL (MICrONS Consortium, Nature 640, 435-447, 2025); eye and treadmill were recorded, too. NeuroBLab
put the scans into one file (CC-BY 4.0). All was brought to 30 Hz and every fourth sample stored, so 7.5 Hz;
each frame is the one shown at least 66 ms before its sample.

    sessions/{session}_{scan_idx}/meta/{unit_ids, brain_areas, coordinates, condition_hashes, area_indices/}
    sessions/{session}_{scan_idx}/trials/{number}/{responses, treadmill, pupil, stim_times}, @condition_hash
    videos/{hash}/{clip, times, instances/}, @type and others; the hash URL-encoded ("/" is %2F)
    types/{type}/{hash} and brain_areas/{area}/{scan}: links only

Source: the description beside the file (huggingface.co/datasets/NeuroBLab/MICrONS). Its tree writes some
groups in capitals, its own examples in small letters, which are read here. By that description the traces are
dF/F, so they may be negative and are not deconvolved. It does not say the following, which is assumed here:
pupil in pixels of the eye camera, coordinates in micrometres, NaN for behaviour that was not seen. Videos
have 144 x 256 (Clip), 126 x 216 (Monet2) or 90 x 160 pixels (Trippy).

A scan has 464 trials of 75 or 113 samples and up to 11,000 neurons: about 1.5 GB, so name the areas that you
want. Videos are read one by one.

Letters: F samples of a trial or frames of a video, N neurons, K of them chosen, H x W pixels.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from urllib.parse import quote

import numpy as np
from jaxtyping import Float, Float32, Int, UInt8

from neurokit.digital_twin.properties import scan_key
from neurokit.digital_twin.trial_files import PieceError
from neurokit.digital_twin.usable import (
    LARGEST,
    Usable,
    bad_pieces,
    bad_units,
    extremes,
    leave_out_units,
)
from neurokit.errors import DataError
from neurokit.files.hdf5 import DAMAGE, Hdf5Reader, open_hdf5, to_float32
from neurokit.training.omissions import Omission

MOST_BYTES = 10**9  # of one array; the largest published one, responses to one video, has 5 MB
REMEDY = "fetch microns.h5 again"
PERIOD = 4 / 30  # s between samples


@dataclass(frozen=True, eq=False)
class MicronsTrial:
    """One video that was shown once, sampled at the same times throughout.

    Attributes:
        number: of the trial, in the order of presentation.
        video: condition hash of what was shown, equal for repeats; `load_video` reads it.
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
        facts: its other attributes, such as movie_name or duration (s), as text.
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
        omissions: trials and neurons that cannot be used, neurons by their unit_ids.
    """

    session: int
    scan_idx: int
    unit_ids: Int[np.ndarray, "N"]
    areas: np.ndarray
    coordinates: Float[np.ndarray, "N 3"]
    trials: tuple[MicronsTrial, ...]
    omissions: tuple[Omission, ...] = ()


def list_scans(path: str | Path) -> list[tuple[int, int]]:
    """Session and scan_idx of each scan in the file, ascending. Raises DataError."""
    with _open(path) as file:
        names = list(file.group("sessions"))
        if odd := [name for name in names if not re.fullmatch(r"\d{1,9}_\d{1,9}", name, re.ASCII)]:
            raise file.error("sessions", f"has a scan called {odd[0]!r} instead of session_scan")
        return sorted((int(session), int(scan_idx)) for session, scan_idx in (n.split("_") for n in names))


def load_scan(
    path: str | Path,
    session: int,
    scan_idx: int,
    *,
    areas: Sequence[str] | None = None,
    without: Sequence[int] = (),
) -> MicronsScan:
    """One scan, with the neurons of all or of the named `areas`, and its trials but those of `without`.

    Trials that cannot be read, do not fit their video, or have no samples every 4/30 s are left out, and so
    are trials and neurons whose responses are missing, infinite or never change
    (`neurokit.digital_twin.usable`); `omissions` lists them. Infinite behaviour is a gap.

    Raises DataError, naming what is wrong, for a file that is missing, damaged or of another layout, an
    unknown scan or area, and where no trial or no neuron is left.
    """
    there = list_scans(path)
    if (session, scan_idx) not in there:
        finding = f"{path} has no scan {scan_key(session, scan_idx)}"
        raise DataError(f"{finding}: choose one of {', '.join(scan_key(*scan) for scan in there)}.")
    with _open(path) as file:
        place = f"sessions/{session}_{scan_idx}"
        neurons = _neurons(file, f"{place}/meta")
        chosen = _rows_in(path, neurons["areas"], areas)
        trials = _trials(file, place, chosen, len(neurons["areas"]), set(without))
    columns = {name: values[chosen] for name, values in neurons.items()}
    return _without_bad_values(session, scan_idx, trials, columns)


def load_video(path: str | Path, name: str) -> MicronsVideo:
    """The video with the condition hash `name`. Raises DataError where there is none, or it is damaged."""
    with _open(path) as file:
        place = f"videos/{encode_hash(name)}"
        if file.find(place) is None:
            raise DataError(f"{path} has no video {name!r}: choose one that a trial names.")
        frames = file.read(place + "/clip", "u", (None, None, None), most=MOST_BYTES)
        _check_grey(file, place, frames.dtype)
        time = _times(file, place + "/times", len(frames))
        facts = {key: file.attribute(place, key) for key in file.group(place).attrs if key != "type"}
        return MicronsVideo(name, file.attribute(place, "type"), frames, time, facts)


def encode_hash(video: str) -> str:
    """A condition hash as the name of its group, in which "/" stands for a path."""
    return quote(video, safe="+")


def _neurons(file: Hdf5Reader, place: str) -> dict[str, np.ndarray]:
    unit_ids = file.read(place + "/unit_ids", "iu", (None,), most=MOST_BYTES)
    if len(np.unique(unit_ids)) < len(unit_ids) or not len(unit_ids):
        raise file.error(place + "/unit_ids", "names a neuron twice or none")
    if not (unit_ids.min() >= 0 and unit_ids.max() <= np.iinfo(np.int64).max):
        raise file.error(place + "/unit_ids", f"holds {unit_ids.min()} to {unit_ids.max()}, which cannot be")
    areas = file.texts(place + "/brain_areas", len(unit_ids))
    coordinates = file.read(place + "/coordinates", "fiu", (len(unit_ids), 3), most=MOST_BYTES)
    return {
        "unit_ids": unit_ids.astype(np.int64),
        "areas": np.array(areas, dtype=str),
        "coordinates": coordinates.astype(float),
    }


def _rows_in(path: str | Path, there: np.ndarray, areas: Sequence[str] | None) -> Int[np.ndarray, "K"]:
    """Rows of the neurons in `areas`."""
    wanted = sorted(set(there)) if areas is None else [areas] if isinstance(areas, str) else list(areas)
    missing = [area for area in wanted if area not in there]
    if missing or not wanted:
        finding = f"{path} has no neurons in {', '.join(missing) or 'no area'}"
        raise DataError(f"{finding}: choose of {', '.join(sorted(set(there)))}.")
    return np.flatnonzero(np.isin(there, wanted))


def _trials(
    file: Hdf5Reader, scan: str, chosen: Int[np.ndarray, "K"], neurons: int, without: set[int]
) -> Usable[MicronsTrial]:
    place = f"{scan}/trials"
    trials, videos = set(file.group(place)), file.texts(f"{scan}/meta/condition_hashes")
    names = [str(number) for number in range(len(videos))]
    if (odd := sorted(trials - set(names))) or not names:
        finding = f"has the trial {odd[0]!r}" if odd else "has no trials"
        raise file.error(place, f"{finding}, and meta names {len(names)}, from 0 on")
    if unknown := without - set(range(len(videos))):
        finding = f"{file.file.filename}/{place} has no trial {min(unknown)} to leave out"
        raise DataError(f"{finding}: name trials of 0 to {len(videos) - 1}.")
    usable: Usable[MicronsTrial] = Usable(
        Path(f"{file.file.filename}/{place}"),
        "trials",
        {name: _find_lack(file, f"{place}/{name}") for name in names if int(name) not in without},
    )
    usable.read(partial(_read_trial, file, place, videos, chosen, neurons))
    return usable


def _find_lack(file: Hdf5Reader, place: str) -> PieceError | None:
    if file.find(place) is not None:
        return None
    return PieceError(str(file.error(place, "is missing")), "missing")


def _read_trial(
    file: Hdf5Reader, place: str, videos: Sequence[str], chosen: Int[np.ndarray, "K"], neurons: int, name: str
) -> MicronsTrial:
    """The trial; PieceError for whatever is wrong with it."""
    try:
        return _trial(file, f"{place}/{name}", int(name), videos[int(name)], chosen, neurons)
    except PieceError:
        raise
    except DataError as error:
        raise PieceError(str(error), "misfit") from error
    except DAMAGE as error:
        finding = f"cannot be read ({str(error).splitlines()[0] if str(error) else type(error).__name__})"
        raise PieceError(str(file.error(f"{place}/{name}", finding)), "unreadable") from error


def _trial(
    file: Hdf5Reader, place: str, number: int, video: str, chosen: Int[np.ndarray, "K"], neurons: int
) -> MicronsTrial:
    if (shown := file.attribute(place, "condition_hash")) != video:
        raise file.error(place, f"shows {shown!r}, and meta says {video!r}")
    time = _times(file, place + "/stim_times", None)
    _check_samples(file, place, time, _count_frames(file, video, number))
    responses = file.array(place + "/responses", "f", (neurons, len(time)), most=MOST_BYTES)[()]
    pupil = _gaps(file.read(place + "/pupil", "f", (4, len(time)), most=MOST_BYTES))
    return MicronsTrial(
        number,
        video,
        time,
        np.ascontiguousarray(to_float32(responses[chosen]).T),
        pupil_center=pupil[:2].T,
        pupil_radius=pupil[2:].T,
        treadmill=_treadmill(file, place + "/treadmill", len(time)),
    )


def _treadmill(file: Hdf5Reader, place: str, length: int) -> Float32[np.ndarray, "F"]:
    """The description says F values, the file has been found to hold F x 1: both are read."""
    column = getattr(file.find(place), "ndim", 1) == 2
    found = file.read(place, "f", (length, 1) if column else (length,), most=MOST_BYTES)
    return _gaps(found.reshape(length))


def _gaps(values: Float[np.ndarray, "..."]) -> Float32[np.ndarray, "..."]:
    """Behaviour, NaN where it was not measured or is too large to be."""
    values = to_float32(values)
    return np.where(np.isinf(values), np.float32(np.nan), values)


def _times(file: Hdf5Reader, place: str, length: int | None) -> Float[np.ndarray, "F"]:
    """Times that increase."""
    time = file.read(place, "f", (length,), most=MOST_BYTES).astype(float)
    if not len(time) or not np.isfinite(time).all() or not (np.diff(time) > 0).all():
        raise PieceError(str(file.error(place, "holds no times that increase")), "time_unknown")
    return time


def _count_frames(file: Hdf5Reader, video: str, number: int) -> int:
    place = f"videos/{encode_hash(video)}"
    if file.find(place) is None:
        finding = f"{file.file.filename} lacks the video {video!r} of trial {number}"
        raise PieceError(f"{finding}: {REMEDY}.", "missing")
    clip = file.array(place + "/clip", "u", (None, None, None), most=MOST_BYTES)
    _check_grey(file, place, clip.dtype)
    return len(clip)


def _check_grey(file: Hdf5Reader, place: str, dtype: np.dtype) -> None:
    if dtype != np.uint8:
        raise file.error(place, f"has frames of {dtype} instead of uint8")


def _check_samples(file: Hdf5Reader, place: str, time: Float[np.ndarray, "F"], frames: int) -> None:
    """A sample for each frame of the video, all of them PERIOD apart."""
    if len(time) != frames or frames < 2:
        raise file.error(place, f"has {len(time)} samples, and its video {frames} frames")
    expected = time[0] + PERIOD * np.arange(frames)
    if not np.allclose(time, expected, rtol=0, atol=PERIOD / 2):
        period = (time[-1] - time[0]) / (frames - 1)
        raise file.error(
            place, f"has a sample every {period:.3f} s, or not evenly, and {PERIOD:.3f} s are needed"
        )


def _without_bad_values(
    session: int, scan_idx: int, trials: Usable[MicronsTrial], neurons: dict[str, np.ndarray]
) -> MicronsScan:
    """The scan without trials and neurons whose responses are missing, infinite or never change."""
    names = list(trials.found)
    values = np.stack([extremes(trial.responses) for trial in trials.found.values()])
    places = [str(trials.folder / name / "responses") for name in names]
    trials.drop(bad_pieces(values, places, names, limits=(-LARGEST, LARGEST)))
    left = values[[name in trials.found for name in names]]
    bad = bad_units(left, np.ones(len(left), dtype=bool), limits=(-LARGEST, LARGEST))
    columns, left_out = leave_out_units(bad, neurons["unit_ids"], trials.folder)
    kept = tuple(trials.found.values())
    if len(columns) < left.shape[2]:
        kept = tuple(replace(trial, responses=trial.responses[:, columns]) for trial in kept)
    chosen = {name: each[columns] for name, each in neurons.items()}
    return MicronsScan(session, scan_idx, trials=kept, omissions=(*trials.omissions(), *left_out), **chosen)


@contextmanager
def _open(path: str | Path) -> Iterator[Hdf5Reader]:
    """The file, for a `with` block; DataError where it is missing or damaged, there or inside the block."""
    if not Path(path).exists():
        raise DataError(f"{path} is missing: fetch microns.h5 (20.6 GB) or give its path.")
    with open_hdf5(path, REMEDY) as file:
        there = list(file.group())
        if "sessions" not in there or "videos" not in there:
            finding = f"{path} has no groups 'sessions' and 'videos', only {', '.join(there) or 'nothing'}"
            raise DataError(f"{finding}: give the path of microns.h5.")
        yield file
