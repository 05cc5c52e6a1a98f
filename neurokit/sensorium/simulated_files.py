"""A simulated scan in the competition's own files: one array a trial, zipped; and the truth beside it.

The layout is that of the seven published zips: `data/{images,responses,behavior,pupil_center}/{i}.npy`,
`meta/neurons`, `meta/trials`, `meta/statistics`. Values that the competition withholds are zero there,
as in the original.
"""

import hashlib
import io
import zipfile
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import numpy as np

from neurokit.files.atomic import atomic_write
from neurokit.progress import progress
from neurokit.sensorium.simulation import ScanParameters, SimulatedScan

SUFFIX = "GrayImageNet-94c6ff995dac583098847cfecd43e7b6"
WITHHELD = ("test", "final_test")


def scan_name(parameters: ScanParameters) -> str:
    """Name of the scan's folder, and without '.zip' of its archive."""
    return f"static{parameters.key}-{SUFFIX}"


def write_scan(scan: SimulatedScan, folder: str | Path) -> Path:
    """Writes `<name>.zip` into `folder`, completely or not at all; returns its path."""
    name = scan_name(scan.parameters)
    path = Path(folder) / f"{name}.zip"
    with atomic_write(path) as temporary, zipfile.ZipFile(temporary, "w", compresslevel=1) as archive:
        total = 4 * len(scan.tiers) + len(_meta(scan))
        for member, array in progress(_arrays(scan), total=total, desc=path.stem[:20], unit="file"):
            archive.writestr(f"{name}/{member}.npy", _npy(array), zipfile.ZIP_DEFLATED)
    return path


def truth_path(scan: str | Path) -> Path:
    """Where the truth of the scan in a zip or folder lies."""
    return Path(scan).with_name(f"{Path(scan).stem}_truth.npz")


def write_truth(scan: SimulatedScan, path: str | Path) -> Path:
    """What was planted, and the responses and best predictions of every trial (raw scale), as npz."""
    cells = scan.mouse.cells
    arrays = {f"cell_{each.name}": getattr(cells, each.name) for each in fields(cells)}
    for name in ("responses", "rates", "expected", "expected_from_image"):
        arrays[name] = getattr(scan, name).astype(np.float32)
    with atomic_write(path) as temporary, temporary.open("wb") as stream:
        parameters = np.array(scan.parameters.to_json())
        np.savez_compressed(stream, parameters=parameters, rank=scan.rank, tiers=scan.tiers, **arrays)
    return Path(path)


def _arrays(scan: SimulatedScan) -> Iterator[tuple[str, np.ndarray]]:
    """Every member of the archive, in the order of the original."""
    for name, values in _recorded(scan).items():
        for i, value in enumerate(values):
            yield f"data/{name}/{i}", value
    for i, image in enumerate(scan.image):
        yield f"data/images/{i}", scan.images[image][None]
    yield from _meta(scan).items()


def _recorded(scan: SimulatedScan) -> dict[str, np.ndarray]:
    """Responses, behaviour and pupil centre, zero where this kind of scan withholds them."""
    responses = scan.responses.astype(np.float32)
    behaviour, pupil = scan.behaviour, scan.pupil_center
    if scan.parameters.kind != "pretraining":
        responses[np.isin(scan.tiers, WITHHELD)] = 0
    if scan.parameters.kind == "sensorium":
        behaviour, pupil = np.zeros_like(behaviour), np.zeros_like(pupil)
    return {"responses": responses, "behavior": behaviour, "pupil_center": pupil}


def _meta(scan: SimulatedScan) -> dict[str, np.ndarray]:
    neurons, trials = scan.responses.shape[1], len(scan.tiers)
    animal, session, number = (int(part) for part in scan.parameters.key.split("-"))
    meta = {
        "neurons/unit_ids": 1 + np.arange(neurons) + np.arange(neurons) // 7,  # with gaps, as the original
        "neurons/cell_motor_coordinates": scan.mouse.cells.coordinates,
        "neurons/area": np.full(neurons, "V1"),
        "neurons/layer": np.full(neurons, "L2/3"),
        "neurons/animal_ids": np.full(neurons, animal),
        "neurons/sessions": np.full(neurons, session),
        "neurons/scan_idx": np.full(neurons, number),
        "trials/tiers": scan.tiers,
        "trials/frame_image_id": 1000 + scan.image,
        "trials/frame_image_class": np.full(trials, "simulated"),
        "trials/trial_idx": _trial_numbers(scan),
        "trials/frame_trial_ts": _timestamps(scan.rank),
    }
    return {f"meta/{name}": values for name, values in (meta | _statistics(scan)).items()}


def _trial_numbers(scan: SimulatedScan) -> np.ndarray:
    if scan.parameters.kind == "pretraining":
        return scan.rank
    texts = (f"{scan.parameters.key}/{rank}" for rank in scan.rank)
    return np.array([hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() for text in texts])


def _timestamps(rank: np.ndarray) -> np.ndarray:
    """One-second stamps of trials 0.9 s apart, so that some share a stamp, as in the original."""
    start = np.datetime64("2026-01-01T10:00:00")
    stamps = start + np.floor(0.9 * rank).astype("timedelta64[s]")
    return np.array([f"Timestamp('{str(stamp).replace('T', ' ')}')" for stamp in stamps])


def _statistics(scan: SimulatedScan) -> dict[str, np.ndarray]:
    """Of the training trials, so that nothing of a test is in them."""
    train = scan.tiers == "train"
    found: dict[str, np.ndarray] = {}
    pixels = scan.images[scan.image[train]].reshape(-1)
    values = {name: recorded[train] for name, recorded in _recorded(scan).items()} | {"images": pixels}
    for name, recorded in values.items():
        for statistic in ("mean", "std", "min", "max", "median"):
            figure = np.asarray(getattr(np, statistic)(recorded, axis=0))
            for group in ("all", "stimulus_Frame"):
                found[f"statistics/{name}/{group}/{statistic}"] = figure
    return found


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.ascontiguousarray(array), allow_pickle=False)
    return buffer.getvalue()
