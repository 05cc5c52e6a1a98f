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
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import h5py
import numpy as np
from jaxtyping import Float, Float32, Int, UInt8

from neurokit.digital_twin.properties import scan_key
from neurokit.errors import DataError, NeurokitError

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
    """

    session: int
    scan_idx: int
    unit_ids: Int[np.ndarray, "N"]
    areas: np.ndarray
    coordinates: Float[np.ndarray, "N 3"]
    trials: tuple[MicronsTrial, ...]


def list_scans(path: str | Path) -> list[tuple[int, int]]:
    """Session and scan_idx of each scan in the file, ascending. Raises DataError."""
    with _open(path) as file:
        names = list(_group(file, "sessions"))
        if odd := [name for name in names if not re.fullmatch(r"\d+_\d+", name, re.ASCII)]:
            raise DataError(f"{path} has a scan called {odd[0]!r} instead of session_scan: {REMEDY}.")
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

    Raises DataError, naming what is wrong, for a file that is missing, damaged or of another layout, an
    unknown scan or area, lengths that do not fit, times that do not increase, and traces with gaps.
    """
    there = list_scans(path)
    if (session, scan_idx) not in there:
        finding = f"{path} has no scan {scan_key(session, scan_idx)}"
        raise DataError(f"{finding}: choose one of {', '.join(scan_key(*scan) for scan in there)}.")
    with _open(path) as file:
        scan = _group(_group(file, "sessions"), f"{session}_{scan_idx}")
        neurons = _neurons(_group(scan, "meta"))
        chosen = _rows_in(path, neurons["areas"], areas)
        trials = _trials(scan, chosen, len(neurons["areas"]), set(without))
        _check_videos(_group(file, "videos"), trials)
    columns = {name: values[chosen] for name, values in neurons.items()}
    return MicronsScan(session, scan_idx, trials=trials, **columns)


def load_video(path: str | Path, name: str) -> MicronsVideo:
    """The video with the condition hash `name`. Raises DataError where there is none, or it is damaged."""
    with _open(path) as file:
        videos = _group(file, "videos")
        if encode_hash(name) not in videos:
            raise DataError(f"{path} has no video {name!r}: choose one that a trial names.")
        video = _group(videos, encode_hash(name))
        frames = _array(video, "clip", "u", (None, None, None))
        if frames.dtype != np.uint8:
            raise DataError(f"{path}{video.name} has frames of {frames.dtype} instead of uint8: {REMEDY}.")
        time = _times(video, "times", len(frames))
        facts = {key: _text(value) for key, value in video.attrs.items() if key != "type"}
        return MicronsVideo(name, _attribute(video, "type"), frames, time, facts)


def encode_hash(video: str) -> str:
    """A condition hash as the name of its group, in which "/" stands for a path."""
    return quote(video, safe="+")


def _neurons(meta: h5py.Group) -> dict[str, np.ndarray]:
    unit_ids = _array(meta, "unit_ids", "iu", (None,)).astype(np.int64)
    if len(np.unique(unit_ids)) < len(unit_ids) or not len(unit_ids):
        raise DataError(f"{_name(meta, 'unit_ids')} names a neuron twice or none: {REMEDY}.")
    areas = [_text(value) for value in _array(meta, "brain_areas", "SO", (len(unit_ids),))]
    return {
        "unit_ids": unit_ids,
        "areas": np.array(areas, dtype=str),
        "coordinates": _array(meta, "coordinates", "fiu", (len(unit_ids), 3)).astype(float),
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
    scan: h5py.Group, chosen: Int[np.ndarray, "K"], neurons: int, without: set[int]
) -> tuple[MicronsTrial, ...]:
    trials = _group(scan, "trials")
    videos = [_text(value) for value in _array(_group(scan, "meta"), "condition_hashes", "SO", (None,))]
    numbers = sorted(int(name) for name in trials if name.isascii() and name.isdigit())
    if numbers != list(range(len(videos))) or len(trials) != len(videos) or not numbers:
        finding = f"{_name(trials)} lacks some of the {len(videos)} trials that meta names"
        raise DataError(f"{finding}, from 0 on: {REMEDY}.")
    if unknown := without - set(numbers):
        finding = f"{_name(trials)} has no trial {min(unknown)} to leave out"
        raise DataError(f"{finding}: name trials of 0 to {numbers[-1]}.")
    return tuple(
        _trial(_group(trials, str(number)), number, videos[number], chosen, neurons)
        for number in numbers
        if number not in without
    )


def _trial(
    trial: h5py.Group, number: int, video: str, chosen: Int[np.ndarray, "K"], neurons: int
) -> MicronsTrial:
    if (shown := _attribute(trial, "condition_hash")) != video:
        raise DataError(f"{_name(trial)} shows {shown!r}, and meta says {video!r}: {REMEDY}.")
    time = _times(trial, "stim_times", None)
    responses = _array(trial, "responses", "f", (neurons, len(time)))[chosen]
    pupil = _array(trial, "pupil", "f", (4, len(time))).astype(np.float32)
    treadmill = _treadmill(trial, len(time))
    for name, values, bad in (
        ("responses", responses, ~np.isfinite(responses)),
        ("pupil", pupil, np.isinf(pupil)),
        ("treadmill", treadmill, np.isinf(treadmill)),
    ):
        if bad.any():
            finding = f"{_name(trial, name)} has {values[bad][0]} among its values"
            raise DataError(f"{finding}: leave this trial out with without=[{number}].")
    return MicronsTrial(
        number,
        video,
        time,
        np.ascontiguousarray(responses.T, dtype=np.float32),
        pupil_center=pupil[:2].T,
        pupil_radius=pupil[2:].T,
        treadmill=treadmill,
    )


def _treadmill(trial: h5py.Group, length: int) -> Float32[np.ndarray, "F"]:
    """The description says F values, the file has been found to hold F x 1: both are read."""
    column = "treadmill" in trial and getattr(trial["treadmill"], "ndim", 1) == 2
    found = _array(trial, "treadmill", "f", (length, 1) if column else (length,))
    return found.reshape(length).astype(np.float32)


def _times(parent: h5py.Group, name: str, length: int | None) -> Float[np.ndarray, "F"]:
    """Times that increase."""
    time = _array(parent, name, "f", (length,)).astype(float)
    if not len(time) or not np.isfinite(time).all() or not (np.diff(time) > 0).all():
        raise DataError(f"{_name(parent, name)} holds no times that increase: {REMEDY}.")
    return time


def _check_videos(videos: h5py.Group, trials: tuple[MicronsTrial, ...]) -> None:
    for trial in trials:
        if encode_hash(trial.video) not in videos:
            finding = f"{videos.file.filename} lacks the video {trial.video!r} of trial {trial.number}"
            raise DataError(f"{finding}: {REMEDY}.")


@contextmanager
def _open(path: str | Path) -> Iterator[h5py.File]:
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
        raise DataError(f"{path} is cut short, damaged or not an HDF5 file ({reason}): {REMEDY}.") from error


def _group(parent: h5py.Group, name: str) -> h5py.Group:
    found = _member(parent, name)
    if not isinstance(found, h5py.Group):
        raise DataError(f"{_name(parent, name)} is not a group: {REMEDY}.")
    return found


def _array(parent: h5py.Group, name: str, kinds: str, shape: tuple[int | None, ...]) -> np.ndarray:
    """The values of a dataset of one of the numpy `kinds`; None in `shape` stands for any length.

    Raises DataError where it is missing, of another type or shape, too large, or stored in another file.
    """
    found, where = _member(parent, name), _name(parent, name)
    if not isinstance(found, h5py.Dataset) or found.external or found.is_virtual:
        raise DataError(f"{where} is not an array of this file: {REMEDY}.")
    if found.dtype.kind not in kinds or found.nbytes > MOST_BYTES:
        raise DataError(f"{where} holds {found.shape} of {found.dtype}, which cannot be: {REMEDY}.")
    fits = len(found.shape) == len(shape)
    if not fits or any(wanted not in (None, is_) for wanted, is_ in zip(shape, found.shape, strict=True)):
        wanted_shape = ", ".join("any" if length is None else str(length) for length in shape)
        raise DataError(f"{where} has the shape {found.shape} instead of ({wanted_shape}): {REMEDY}.")
    return found[()]


def _attribute(parent: h5py.Group, name: str) -> str:
    if name not in parent.attrs:
        raise DataError(f"{_name(parent)} has no attribute {name}: {REMEDY}.")
    return _text(parent.attrs[name])


def _text(value: object) -> str:
    """Bytes or text, as HDF5 returns them, as text."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _member(parent: h5py.Group, name: str) -> h5py.Group | h5py.Dataset:
    """What a group holds under a name; a link must not lead to another file."""
    if name not in parent:
        raise DataError(f"{_name(parent)} has no {name}: {REMEDY}.")
    if isinstance(parent.get(name, getlink=True), h5py.ExternalLink):
        raise DataError(f"{_name(parent, name)} points to another file: {REMEDY}.")
    return parent[name]


def _name(parent: h5py.Group, name: str = "") -> str:
    return f"{parent.file.filename}{parent.name.rstrip('/')}{'/' if name else ''}{name}"
