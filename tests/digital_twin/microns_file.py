"""The public MICrONS file in small, written from arrays."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import h5py
import numpy as np

from neurokit.digital_twin.microns import PERIOD, MicronsScan, MicronsTrial, MicronsVideo, encode_hash
from neurokit.files.hdf5 import write_hdf5


def write_scans(path: str | Path, scans: Sequence[MicronsScan], videos: Iterable[MicronsVideo]) -> Path:
    """Writes scans and their videos as one HDF5 file, completely or not at all. Raises DiskError.

    Each video that a trial names must be among `videos`: a link that leads nowhere is not noticed here.
    """
    path = Path(path)
    with write_hdf5(path) as file:
        for video in videos:
            _write_video(file, video)
        for scan in scans:
            _write_scan(file, scan)
    return path


def _write_video(file: h5py.File, video: MicronsVideo) -> None:
    key = encode_hash(video.name)
    group = file.create_group(f"videos/{key}")
    group.create_dataset("clip", data=video.frames, compression="gzip", compression_opts=1)
    group["times"] = video.time.astype(np.float32)
    group.create_group("instances")
    group.attrs.update({**video.facts, "original_hash": video.name, "type": video.kind})
    file.require_group(f"types/{video.kind}")[key] = h5py.SoftLink(f"/videos/{key}")


def _write_scan(file: h5py.File, scan: MicronsScan) -> None:
    name = f"{scan.session}_{scan.scan_idx}"
    meta = file.create_group(f"sessions/{name}/meta")
    meta.attrs["fps"] = 1 / PERIOD
    meta["unit_ids"], meta["coordinates"] = scan.unit_ids, scan.coordinates
    meta["brain_areas"] = scan.areas.astype("S")
    meta["condition_hashes"] = np.array([trial.video for trial in scan.trials], dtype="S")
    for area in sorted(set(scan.areas)):
        meta[f"area_indices/{area}"] = np.flatnonzero(scan.areas == area)
        file.require_group(f"brain_areas/{area}")[name] = h5py.SoftLink(f"/sessions/{name}")
    for trial in scan.trials:
        _write_trial(file, name, trial)


def _write_trial(file: h5py.File, scan: str, trial: MicronsTrial) -> None:
    path = f"sessions/{scan}/trials/{trial.number}"
    group = file.create_group(path)
    group.attrs["condition_hash"] = trial.video
    group["responses"] = trial.responses.T
    group["treadmill"] = trial.treadmill[:, None]
    group["pupil"] = np.concatenate([trial.pupil_center, trial.pupil_radius], axis=1).T
    group["stim_times"] = trial.time.astype(np.float32)
    instances = file[f"videos/{encode_hash(trial.video)}/instances"]
    instances[f"{scan}_tr{trial.number}"] = h5py.SoftLink(f"/{path}")
