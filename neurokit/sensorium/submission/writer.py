"""Writes the competition's files, a row at a time: complete under their name, or not there.

Letters: T trials, N neurons.
"""

import csv
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from neurokit.errors import DataError
from neurokit.files.atomic import atomic_write
from neurokit.sensorium.recording import Scan
from neurokit.sensorium.submission.table import (
    PREDICTION,
    RESPONSES,
    check_scale,
    check_values,
    columns,
    file_name,
)


def write_submission(
    folder: str | Path, scan: Scan, predictions: dict[str, Float[np.ndarray, "_ _"]]
) -> list[Path]:
    """Writes one file per tier of `predictions`, rows in file order, and returns the paths.

    A tier's array is (its trials in ascending file index, neurons) on the scale of standardised
    responses. All arrays are checked before the first file is touched. Raises DataError: a tier
    that is not scored, another shape, NaN, infinite or negative values, another scale; DiskError.
    """
    for tier, values in predictions.items():
        where = f"The prediction of {tier!r} for scan {scan.key}"
        file_name(tier)
        _check_shape(values, scan, tier, where)
        check_values(values, where)
        check_scale(values.mean(axis=0, dtype=np.float64), scan, where)
    return [
        _write_tier(Path(folder) / file_name(tier), scan, tier, values, PREDICTION)
        for tier, values in predictions.items()
    ]


def write_ground_truth(
    folder: str | Path, scan: Scan, responses: dict[str, Float[np.ndarray, "_ _"]]
) -> list[Path]:
    """Writes `ground_truth_file_TIER.csv` for each tier of `responses` and returns the paths.

    Arrays as in `write_submission`; a scan whose responses are withheld has them from elsewhere,
    a simulated mouse from its simulation. Raises DataError for another shape or non-finite values.
    """
    for tier, values in responses.items():
        where = f"The ground truth of {tier!r} for scan {scan.key}"
        _check_shape(values, scan, tier, where)
        if not np.isfinite(values).all():
            raise DataError(f"{where} holds NaN or infinite responses; look where they come from.")
    return [
        _write_tier(Path(folder) / f"ground_truth_file_{tier}.csv", scan, tier, values, RESPONSES)
        for tier, values in responses.items()
    ]


def write_rows(
    path: str | Path,
    values: Float[np.ndarray, "T N"],
    trial_ids: np.ndarray,
    image_ids: Int[np.ndarray, "T"],
    unit_ids: Int[np.ndarray, "N"],
    kind: str = PREDICTION,
) -> None:
    """Writes one table, its columns and ids byte for byte as the competition's own writer does.

    A number is written in the fewest digits that give it back in its own type: float32 takes half
    the space, float64 is what the competition's writer makes of float32. Raises DiskError, with the
    file that stood there before untouched.
    """
    neurons = str(unit_ids.tolist())
    with atomic_write(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(columns(kind))
        for trial, image, row in zip(trial_ids.tolist(), image_ids.tolist(), values, strict=True):
            table.writerow([trial, image, f"[{', '.join(map(str, row))}]", neurons])


def _write_tier(path: Path, scan: Scan, tier: str, values: np.ndarray, kind: str) -> Path:
    trials = scan.trials(tier)
    write_rows(path, values, scan.trial_ids[trials], scan.image_ids[trials], scan.unit_ids, kind)
    return path


def _check_shape(values: np.ndarray, scan: Scan, tier: str, where: str) -> None:
    expected = len(scan.trials(tier)), len(scan.unit_ids)
    if values.shape != expected or not values.size:
        finding = f"{where} has the shape {values.shape}, the scan's trials and neurons are {expected}"
        raise DataError(f"{finding}; predict every trial of the tier and every neuron once.")
