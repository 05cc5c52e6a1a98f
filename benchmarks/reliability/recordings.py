"""Small recordings of all four systems, written into a folder in the real file formats."""

from pathlib import Path

import h5py
import numpy as np

from neurokit import digital_twin, pupil_encoder, sensorium, v1_transformer
from neurokit.digital_twin.microns import PERIOD
from neurokit.digital_twin.simulated_files import write_simulated_mouse
from neurokit.pupil_encoder.simulated_files import TRUTH, write_truth
from neurokit.sensorium import simulation as scan_simulation
from neurokit.sensorium.simulation import truth_path

TRIALS = 40
SCAN = {"train": 40, "validation": 10, "test_images": 4, "repeats": 3}
SESSION = {
    "session_type": "three_session_C",
    "cells": 6,
    "frames": 150,
    "repeats": 4,
    "height": 12,
    "width": 20,
}
MOUSE = {
    "minutes": 0.5,
    "cells": 5,
    "height": 12,
    "width": 16,
    "clip_frames": 40,
    "test_clips": 2,
    "repeats": 3,
}


def write_pupil(folder: Path) -> Path:
    """A folder with a Neuromatch npz of one session, and its truth."""
    folder.mkdir(parents=True)
    session = pupil_encoder.simulate_session(pupil_encoder.SessionParameters(trials=TRIALS))
    pupil_encoder.write_neuromatch([session], folder)
    write_truth(session, folder / TRUTH)
    return folder


def write_scans(folder: Path) -> Path:
    """A folder with the zips of two scans, the second without the responses of its test."""
    drawn, scan_simulation.scenes = scan_simulation.scenes, _blocks  # natural scenes take seconds
    try:
        for number, kind in enumerate(("pretraining", "sensorium_plus")):
            mouse = sensorium.MouseParameters(neurons=12 - number, seed=number)
            scan = sensorium.simulate_scan(sensorium.ScanParameters(mouse=mouse, kind=kind, **SCAN))
            sensorium.write_truth(scan, truth_path(sensorium.write_scan(scan, folder)))
    finally:
        scan_simulation.scenes = drawn
    return folder


def write_allen(folder: Path) -> Path:
    """A folder as AllenSDK's cache, with one session."""
    v1_transformer.write_session(
        v1_transformer.simulate_session(v1_transformer.SessionParameters(**SESSION)), folder
    )
    return folder


def write_twin(folder: Path) -> Path:
    """A folder of trials and videos, and their truth."""
    return write_simulated_mouse(digital_twin.simulate_mouse(digital_twin.MouseParameters(**MOUSE)), folder)


WRITERS = {
    "pupil-encoder": write_pupil,
    "sensorium": write_scans,
    "v1-transformer": write_allen,
    "digital-twin": write_twin,
}


def _blocks(number: int, random: np.random.Generator) -> np.ndarray:
    small = random.integers(0, 256, (number, 18, 32), np.uint8)
    return small.repeat(8, axis=1).repeat(8, axis=2)


def write_microns(path: Path) -> Path:
    """The public MICrONS file in small: one scan of three neurons and two trials, two videos."""
    path.parent.mkdir(parents=True)
    random, shown = np.random.default_rng(0), ("clip", "dots")
    with h5py.File(path, "w", locking=False) as file:
        for number, name in enumerate(shown):
            video = file.create_group(f"videos/{name}")
            video["clip"] = random.integers(0, 256, (6, 8, 12), np.uint8)
            video["times"] = (np.arange(6) * PERIOD).astype(np.float32)
            video.attrs.update({"original_hash": name, "type": "Clip"})
            trial = file.create_group(f"sessions/4_7/trials/{number}")
            trial.attrs["condition_hash"] = name
            trial["responses"] = random.random((3, 6)).astype(np.float32)
            trial["treadmill"] = random.random((6, 1)).astype(np.float32)
            trial["pupil"] = random.random((4, 6)).astype(np.float32)
            trial["stim_times"] = (20 * number + np.arange(6) * PERIOD).astype(np.float32)
        meta = file.create_group("sessions/4_7/meta")
        meta["unit_ids"], meta["coordinates"] = np.array([1, 3, 4]), random.random((3, 3))
        meta["brain_areas"], meta["condition_hashes"] = np.array([b"V1", b"LM", b"V1"]), np.array(shown, "S")
    return path
