"""Reads the public MICrONS scans from their one HDF5 file (layout in `microns_hdf5`).

A scan has 464 trials of 75 or 113 samples and up to 11,000 neurons: about 1.5 GB, so name the areas wanted.
Videos are read one by one.

Letters: F samples of a trial, N neurons, K of them chosen.
"""

from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
from jaxtyping import Float, Float32, Int

from neurokit.digital_twin.microns import (
    AGAIN,
    MicronsScan,
    MicronsTrial,
    MicronsVideo,
    array,
    as_text,
    attribute,
    encoded,
    group,
    opened,
    texts,
)
from neurokit.digital_twin.properties import scan_key
from neurokit.errors import DataError


def list_scans(path: str | Path) -> list[tuple[int, int]]:
    """Session and scan_idx of each scan in the file, ascending. Raises DataError."""
    with opened(path) as file:
        names = list(group(file, "sessions"))
        odd = [name for name in names if not _is_scan(name)]
        if odd:
            raise DataError(f"{path} has a scan called {odd[0]!r} instead of session_scan: {AGAIN}.")
        return sorted((int(name.split("_")[0]), int(name.split("_")[1])) for name in names)


def load_scan(
    path: str | Path,
    session: int,
    scan_idx: int,
    *,
    areas: Sequence[str] | None = None,
    without: Sequence[int] = (),
) -> MicronsScan:
    """One scan, with the neurons of all or of the named `areas`, and its trials but those of `without`.

    Raises DataError, naming what is wrong, for a file that is missing, damaged or of another layout, a scan
    or area that is not there, lengths that do not fit, times that do not increase, and traces with gaps.
    """
    there = list_scans(path)
    if (session, scan_idx) not in there:
        finding = f"{path} has no scan {scan_key(session, scan_idx)}"
        raise DataError(f"{finding}: choose one of {', '.join(scan_key(*scan) for scan in there)}.")
    with opened(path) as file:
        scan = group(group(file, "sessions"), f"{session}_{scan_idx}")
        neurons = _neurons(group(scan, "meta"))
        chosen = _chosen(path, neurons["areas"], areas)
        trials = _trials(scan, chosen, len(neurons["areas"]), set(without))
        _check_videos(group(file, "videos"), trials)
    columns = {name: values[chosen] for name, values in neurons.items()}
    return MicronsScan(session, scan_idx, trials=trials, **columns)


def load_video(path: str | Path, name: str) -> MicronsVideo:
    """The video with the condition hash `name`. Raises DataError where there is none, or it is damaged."""
    with opened(path) as file:
        videos = group(file, "videos")
        if encoded(name) not in videos:
            raise DataError(f"{path} has no video {name!r}: choose one that a trial names.")
        video = group(videos, encoded(name))
        frames = array(video, "clip", "u", (None, None, None))
        if frames.dtype != np.uint8:
            raise DataError(f"{path}{video.name} has frames of {frames.dtype} instead of uint8: {AGAIN}.")
        time = _increasing(video, "times", len(frames))
        facts = {key: as_text(value) for key, value in video.attrs.items() if key != "type"}
        return MicronsVideo(name, attribute(video, "type"), frames, time, facts)


def _is_scan(name: str) -> bool:
    parts = name.split("_")
    return len(parts) == 2 and all(part.isascii() and part.isdigit() for part in parts)


def _neurons(meta: h5py.Group) -> dict[str, np.ndarray]:
    unit_ids = array(meta, "unit_ids", "iu", (None,)).astype(np.int64)
    if len(np.unique(unit_ids)) < len(unit_ids) or not len(unit_ids):
        raise DataError(f"{meta.file.filename}{meta.name}/unit_ids names a neuron twice or none: {AGAIN}.")
    return {
        "unit_ids": unit_ids,
        "areas": texts(meta, "brain_areas", len(unit_ids)),
        "coordinates": array(meta, "coordinates", "fiu", (len(unit_ids), 3)).astype(float),
    }


def _chosen(path: str | Path, there: np.ndarray, areas: Sequence[str] | None) -> Int[np.ndarray, "K"]:
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
    trials, videos = group(scan, "trials"), texts(group(scan, "meta"), "condition_hashes", None)
    numbers = sorted(int(name) for name in trials if name.isascii() and name.isdigit())
    if numbers != list(range(len(videos))) or len(trials) != len(videos) or not numbers:
        finding = f"{scan.file.filename}{trials.name} has not the {len(videos)} trials that meta names"
        raise DataError(f"{finding}, from 0 on: {AGAIN}.")
    if unknown := without - set(numbers):
        finding = f"{scan.file.filename}{trials.name} has no trial {min(unknown)} to leave out"
        raise DataError(f"{finding}: name trials of 0 to {numbers[-1]}.")
    return tuple(
        _trial(group(trials, str(number)), number, str(videos[number]), chosen, neurons)
        for number in numbers
        if number not in without
    )


def _trial(
    trial: h5py.Group, number: int, video: str, chosen: Int[np.ndarray, "K"], neurons: int
) -> MicronsTrial:
    if attribute(trial, "condition_hash") != video:
        finding = f"{trial.file.filename}{trial.name} shows {attribute(trial, 'condition_hash')!r}"
        raise DataError(f"{finding}, and meta says {video!r}: {AGAIN}.")
    time = _increasing(trial, "stim_times", None)
    responses = array(trial, "responses", "f", (neurons, len(time)))[chosen]
    pupil = array(trial, "pupil", "f", (4, len(time))).astype(np.float32)
    treadmill = _treadmill(trial, len(time))
    for name, values, bad in (
        ("responses", responses, ~np.isfinite(responses)),
        ("pupil", pupil, np.isinf(pupil)),
        ("treadmill", treadmill, np.isinf(treadmill)),
    ):
        if bad.any():
            finding = f"{trial.file.filename}{trial.name}/{name} has {values[bad][0]} among its values"
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
    """Described as F values, and found as F x 1 by those who opened the file: both are read."""
    column = "treadmill" in trial and getattr(trial["treadmill"], "ndim", 1) == 2
    found = array(trial, "treadmill", "f", (length, 1) if column else (length,))
    return found.reshape(length).astype(np.float32)


def _increasing(parent: h5py.Group, name: str, length: int | None) -> Float[np.ndarray, "F"]:
    time = array(parent, name, "f", (length,)).astype(float)
    if not len(time) or not np.isfinite(time).all() or not (np.diff(time) > 0).all():
        finding = f"{parent.file.filename}{parent.name}/{name} holds no times that increase"
        raise DataError(f"{finding}: {AGAIN}.")
    return time


def _check_videos(videos: h5py.Group, trials: tuple[MicronsTrial, ...]) -> None:
    for trial in trials:
        if encoded(trial.video) not in videos:
            finding = f"{videos.file.filename} lacks the video {trial.video!r} of trial {trial.number}"
            raise DataError(f"{finding}: {AGAIN}.")
