"""A scan of 12 trials and 5 neurons as files, and what may be wrong with them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from neurokit.sensorium.recording import Scan, load_scan

NAME = "static1-2-3-GrayImageNet-94c6ff995dac583098847cfecd43e7b6"
TRIALS, NEURONS = 12, 5
ORDER = np.array([7, 3, 11, 0, 9, 4, 1, 10, 6, 2, 8, 5])
TIERS = np.array(["train"] * 6 + ["validation"] * 2 + ["test"] * 4)

Files = dict[str, np.ndarray]


def scan_files(seed: int = 0) -> Files:
    """All arrays of a pre-training scan; neuron 4 is silent."""
    random = np.random.default_rng(seed)
    recorded = {
        "images": random.integers(0, 256, (TRIALS, 1, 144, 256), dtype=np.uint8),
        "responses": (random.gamma(2, 3, (TRIALS, NEURONS)) * [1, 2, 3, 4, 0]).astype(np.float32),
        "behavior": random.normal([20, 0, 1], 1, (TRIALS, 3)),
        "pupil_center": random.normal(2, 1, (TRIALS, 2)),
    }
    files = {f"data/{field}/{i}": each[i] for field, each in recorded.items() for i in range(TRIALS)}
    for field, each in recorded.items():
        axis = None if field == "images" else 0
        for word in ("mean", "std", "min", "max", "median"):
            found = np.asarray(getattr(np, word)(each[TIERS == "train"], axis=axis))
            files[f"meta/statistics/{field}/all/{word}"] = found
            files[f"meta/statistics/{field}/stimulus_Frame/{word}"] = found + 1  # never read
    return files | {
        "meta/neurons/unit_ids": np.array([1, 2, 5, 6, 9]),
        "meta/neurons/cell_motor_coordinates": random.integers(0, 900, (NEURONS, 3)),
        "meta/trials/tiers": TIERS,
        "meta/trials/frame_image_id": np.array([*range(100, 108), 500, 500, 501, 501]),
        "meta/trials/trial_idx": 3 * ORDER + 2,
        "meta/trials/frame_trial_ts": np.array([stamp(second) for second in ORDER]),
    }


def stamp(second: int) -> str:
    return f"Timestamp('2019-05-04 10:00:{second:02d}')"


def write(folder: Path, files: Files) -> Path:
    for name, array in files.items():
        path = folder / NAME / f"{name}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, array)
    return folder / NAME


def load(folder: Path, files: Files) -> Scan:
    return load_scan(write(folder, files), folder / "packed")


def raw(files: Files, field: str) -> np.ndarray:
    return np.stack([files[f"data/{field}/{i}"] for i in range(TRIALS)]).astype(float)


def with_value(name: str, value: np.ndarray | float, index: int | slice = 0) -> Callable[[Files], None]:
    def change(files: Files) -> None:
        files[name] = files[name].copy()
        files[name][index] = value

    return change


def with_array(name: str, array: np.ndarray) -> Callable[[Files], None]:
    return lambda files: files.update({name: array})


def without(name: str) -> Callable[[Files], None]:
    return lambda files: files.__delitem__(name)


def shorter(name: str) -> Callable[[Files], None]:
    return lambda files: files.update({name: files[name][:-1]})
