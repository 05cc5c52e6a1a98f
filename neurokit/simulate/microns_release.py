"""Files in the layouts of the MICrONS release, from arrays: the scans' one HDF5, and the twin's properties.

The layouts are told in `neurokit.data.microns_hdf5` and `neurokit.data.microns_properties`; the weights of a
twin are written by `neurokit.data.microns_weights.save_weights`.

Letters: U units, T frames, K weights of a unit's readout, H x W pixels.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from jaxtyping import Float, UInt8

from neurokit.data.microns_hdf5 import encoded
from neurokit.data.microns_properties import LOCATIONS, METADATA, TABLES
from neurokit.data.microns_recording import PERIOD, MicronsScan, MicronsTrial, MicronsVideo
from neurokit.data.microns_tables import SCAN, UNIT, UNITS_FILE, write_table
from neurokit.files import folder_written, written


def write_scans(path: str | Path, scans: Sequence[MicronsScan], videos: Iterable[MicronsVideo]) -> Path:
    """Writes scans and their videos as one HDF5 file, whole or not at all. Raises DiskError.

    Each video that a trial names must be among `videos`: a link that leads nowhere is not noticed here.
    """
    path = Path(path)
    with written(path) as temporary, h5py.File(temporary, "w", locking=False) as file:
        for video in videos:
            _write_video(file, video)
        for scan in scans:
            _write_scan(file, scan)
    return path


def write_properties(
    folder: str | Path,
    properties: pd.DataFrame,
    weights: Float[np.ndarray, "U K"],
    responses: Float[np.ndarray, "U T"],
    stimulus: UInt8[np.ndarray, "T H W"],
    *,
    sampling_frequency: float = 30.0,
) -> Path:
    """Writes the folders of a twin's properties; whatever stood in `folder` is replaced. Raises DiskError.

    `properties` is indexed by session, scan_idx and unit_id, and has the columns of all tables and the two
    of the readout's location, as `load_properties` returns them.
    """
    units = properties.index.to_frame(index=False)[UNIT]
    arrays = {
        "readout": {"readout_weights": weights, "readout_locations": properties[[*LOCATIONS]].to_numpy()},
        "responses": {"responses": responses, "stimulus": stimulus},
    }
    with folder_written(folder) as temporary:
        for kind, names in TABLES.items():
            columns = [*names, "brain_area", "field"] if kind == "anatomy" else [*names]
            values = properties[columns].reset_index(drop=True)
            _write_kind(temporary / kind, pd.concat([units, values], axis=1), {})
        for kind, found in arrays.items():
            _write_kind(temporary / kind, units, found, sampling_frequency)
    return Path(folder)


def _write_kind(
    folder: Path, units: pd.DataFrame, arrays: dict[str, np.ndarray], frequency: float | None = None
) -> None:
    folder.mkdir()
    write_table(folder / UNITS_FILE, units)
    scans = units[SCAN].drop_duplicates()
    write_table(folder / METADATA, scans if frequency is None else scans.assign(sampling_frequency=frequency))
    for name, values in arrays.items():
        np.save(folder / f"{name}.npy", values)


def _write_video(file: h5py.File, video: MicronsVideo) -> None:
    key = encoded(video.name)
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
    instances = file[f"videos/{encoded(trial.video)}/instances"]
    instances[f"{scan}_tr{trial.number}"] = h5py.SoftLink(f"/{path}")
