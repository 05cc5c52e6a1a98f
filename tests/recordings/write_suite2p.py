"""Writes a recording as a suite2p folder, with all else as plain arrays beside it.

The deconvolved activity is the recording's own traces, which suite2p stores as float32. Beside the cells
stand regions that iscell.npy rejects, and ops.npy holds what suite2p leaves in it: arrays, a date, a path.
"""

import datetime
from pathlib import Path

import numpy as np

from neurokit.recordings import Recording
from neurokit.recordings.arrays_writing import to_arrays

REJECTED = 3  # regions of each plane
NEUCOEFF = 0.7


def write_suite2p(recording: Recording, folder: Path, *, planes: int = 1, times: bool = True) -> Path:
    """One folder a plane; `times` writes the clock of the microscope beside."""
    for plane, units in enumerate(np.array_split(np.arange(recording.units), planes)):
        write_plane(recording, folder / "suite2p" / f"plane{plane}", units)
    for name, values in to_arrays(recording).items():
        if name not in ("traces", "traces_unit", "unit_ids") and (times or name != "trace_times"):
            np.save(folder / f"{name}.npy", values, allow_pickle=False)
    if planes == 1:
        np.save(folder / "unit_ids.npy", recording.unit_ids)
    return folder


def write_plane(recording: Recording, folder: Path, units: np.ndarray) -> None:
    folder.mkdir(parents=True)
    generator = np.random.default_rng(len(units))
    cells = np.sort(generator.permutation(len(units) + REJECTED)[: len(units)])
    shape = (len(units) + REJECTED, len(recording.traces.time))
    arrays = {"spks": recording.traces.values, "F": recording.traces.values * 20 + 700}
    for name, values in arrays.items():
        found = generator.uniform(0, 100, shape).astype(np.float32)
        found[cells] = values[:, units].T
        np.save(folder / f"{name}.npy", found)
    np.save(folder / "Fneu.npy", generator.uniform(90, 110, shape).astype(np.float32))
    accepted = np.isin(np.arange(shape[0]), cells)
    np.save(folder / "iscell.npy", np.stack([accepted, np.where(accepted, 0.9, 0.1)], axis=1))
    centres = np.zeros((shape[0], 2)) if recording.coordinates is None else np.zeros((shape[0], 2)) + 3
    stat = [
        {"med": [float(y), float(x)], "ypix": np.arange(4), "lam": np.ones(4, np.float32)} for y, x in centres
    ]
    np.save(folder / "stat.npy", np.array(stat, dtype=object), allow_pickle=True)
    ops = {
        "fs": float(recording.traces.rate),
        "nplanes": 1,
        "neucoeff": NEUCOEFF,
        "tau": np.float64(0.7),
        "meanImg": np.zeros((64, 64), np.float32),
        "yrange": [0, 64],
        "date_proc": datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC),
        "save_path": folder,  # a path of pathlib
    }
    np.save(folder / "ops.npy", np.array(ops, dtype=object), allow_pickle=True)
