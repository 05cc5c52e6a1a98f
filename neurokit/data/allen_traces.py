"""The traces of an Allen Brain Observatory session: dF/F of its cells, running and pupil, on one clock.

Letters: S samples of the microscope (about 30 Hz), N cells.
"""

import importlib
from collections.abc import Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Float32, Int

from neurokit.data.allen_movies import reading
from neurokit.errors import DataError


def read_traces(
    path: Path, dataset: Any, cells: Sequence[int] | None, without: Sequence[int]
) -> tuple[Float[np.ndarray, "S"], Int[np.ndarray, "N"], Float32[np.ndarray, "N S"]]:
    """Time (s), and the ids and dF/F (fraction) of the chosen cells, in the order of the file.

    Raises DataError for an unknown id, and for cells without a dF/F that varies.
    """
    with reading(path, "numbers of cells"):
        every = np.asarray(dataset.get_cell_specimen_ids(), dtype=int)
    chosen = _chosen_cells(every, cells, without, path)
    with reading(path, "dF/F traces"):
        time, dff = dataset.get_dff_traces(None if len(chosen) == len(every) else chosen)
    if dff.shape != (len(chosen), len(time)):
        raise DataError(
            f"{path} has dF/F of shape {dff.shape} for {len(chosen)} cells and {len(time)} times: fetch it "
            "again."
        )
    if not (np.diff(time) > 0).all():  # false for NaN, too
        raise DataError(f"The times of {path} are missing (NaN) or go backwards: fetch it again.")
    spread = dff.max(axis=1) - dff.min(axis=1)
    dead = chosen[~(np.isfinite(spread) & (spread > 0))]
    if len(dead):
        raise DataError(
            f"The dF/F of {len(dead)} cells in {path} is constant or not finite: leave them out with "
            f"without={[*map(int, [*without, *dead])]} (--without)."
        )
    return time, chosen, dff.astype(np.float32, copy=False)


def _chosen_cells(
    every: Int[np.ndarray, "_"], cells: Sequence[int] | None, without: Sequence[int], path: Path
) -> Int[np.ndarray, "N"]:
    """Ids in the order of the file, which AllenSDK insists on."""
    wanted = every if cells is None else cells
    for ids in (wanted, without):
        if np.ndim(ids) != 1 or not all(isinstance(number, Integral) for number in ids):
            raise DataError(
                f"cells and without are lists of whole numbers, the ids of cells; {ids!r} is not."
            )
    unknown = [int(number) for number in (*wanted, *without) if number not in every]
    chosen = every[np.isin(every, wanted) & ~np.isin(every, without)]
    if unknown or not len(chosen):
        asked = f"no cells {unknown}" if unknown else "no cell left"
        raise DataError(
            f"{path} has {asked}: choose of its {len(every)} cells, such as {every[:3].tolist()}."
        )
    return chosen


def read_running(path: Path, dataset: Any, time: Float[np.ndarray, "S"]) -> Float32[np.ndarray, "S"]:
    """cm/s, NaN where not measured; raises DataError where it is so everywhere, or there is none."""
    with reading(path, "running speed on the microscope's clock (running=False reads it without)"):
        speed, times = dataset.get_running_speed()
    if not np.array_equal(times, time) or speed.shape != time.shape:
        finding = (
            f"The running speed in {path} has {len(times)} times and {' x '.join(map(str, speed.shape))} "
            f"values, not those of the microscope's {len(time)} samples"
        )
        raise DataError(f"{finding}: read it with running=False (--running none) or choose another session.")
    if np.isnan(speed).all():
        raise DataError(
            f"The running speed in {path} is NaN throughout: read it with running=False (--running none)."
        )
    return speed.astype(np.float32)


def read_pupil(path: Path, dataset: Any, time: Float[np.ndarray, "S"]) -> Float32[np.ndarray, "S 3"] | None:
    """Azimuth and altitude (deg) and size (pixels) on the microscope's clock; None where not recorded.

    NaN before the first time and after the last, and beside a NaN of the file.
    """
    missing = importlib.import_module("allensdk.brain_observatory.brain_observatory_exceptions")
    with reading(path, "pupil that can be read"):
        try:
            times, angles = dataset.get_pupil_location()
            size_times, size = dataset.get_pupil_size()
        except missing.NoEyeTrackingException:
            return None
        sources = [(times, angles[:, 0]), (times, angles[:, 1]), (size_times, size.reshape(-1))]
        found = [np.interp(time, *source, left=np.nan, right=np.nan) for source in sources]
    return np.stack(found, axis=1).astype(np.float32)
