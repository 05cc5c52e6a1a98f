"""The traces of a session: dF/F of its cells on the microscope's clock.

One bad cell costs one cell: if its dF/F is missing, infinite or constant, or that of another cell, it is left
out by its id. A sample that most cells lack is one that the microscope lost: it stays NaN, and a task leaves
out the repeats that need it.

AllenSDK reads all values, once the file was seen to hold what it claims.

Letters: S samples of the microscope, N cells.
"""

from collections.abc import Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, Shaped

from neurokit.errors import DataError
from neurokit.files.hdf5 import Hdf5Reader, to_float32
from neurokit.recordings.copies import find_copies
from neurokit.training.omissions import Omission, leave_out
from neurokit.v1_transformer.allensdk_cache import explain_failure
from neurokit.v1_transformer.simulated_files import PIPELINE

RATES = (0.5, 1000.0)  # Hz, of any microscope; times in milliseconds give less
DFF = f"{PIPELINE}/DfOverF/imaging_plane_1"
MOST_DFF = 100.0  # a fraction; the brightest indicators reach about 20
Traces = tuple[Float[np.ndarray, "S"], Int[np.ndarray, "N"], Float32[np.ndarray, "N S"], tuple[Omission, ...]]


def read_traces(
    stored: Hdf5Reader, dataset: Any, cells: Sequence[int] | None, without: Sequence[int]
) -> Traces:
    """Time (s), ids and dF/F (fraction) of the chosen cells in the order of the file, and who was left out.

    Raises DataError for an unknown id, ids that cannot be, times that do not ascend or are not in seconds,
    and where no cell can be used.
    """
    path = Path(stored.file.filename)
    every = _check_ids(stored.read(f"{PIPELINE}/ImageSegmentation/cell_specimen_ids", "iu", (None,)), path)
    chosen = _choose_cells(every, cells, without, path)
    stored.array(f"{DFF}/data", "f", (None, None))
    stored.array(f"{DFF}/timestamps", "f", (None,))
    with explain_failure(path, "dF/F traces"):
        time, dff = dataset.get_dff_traces(None if len(chosen) == len(every) else chosen)
    if dff.shape != (len(chosen), len(time)):
        raise DataError(
            f"{path} has dF/F of shape {dff.shape} for {len(chosen)} cells and {len(time)} times: fetch it "
            "again or choose another session."
        )
    _check_clock(time, path)
    ids, dff, omissions = drop_unusable(to_float32(dff), chosen, f"dF/F in {path} ({DFF}/data)")
    return time, ids, dff, omissions


def drop_unusable(
    dff: Float32[np.ndarray, "N S"],
    cell_ids: Int[np.ndarray, "N"],
    name: str,
    most: float | None = MOST_DFF,
) -> tuple[Int[np.ndarray, "_"], Float32[np.ndarray, "_ S"], tuple[Omission, ...]]:
    """Ids and traces of the cells that can be used, and who was left out; no value is beyond `most`.

    Raises DataError, which says `name`, where no cell is left.
    """
    unknown, constant = find_unusable(dff)
    beyond = np.zeros(len(dff), dtype=bool) if most is None else (np.abs(dff) > most).any(axis=1) & ~unknown
    unusable = unknown | constant | beyond
    copies = find_copies(dff) & ~unusable
    unusable |= copies
    if unusable.all():
        counts = {"not finite": unknown, "constant": constant, f"beyond {most}": beyond}
        finding = ", ".join(f"{word} in {bad.sum()}" for word, bad in counts.items() if bad.any())
        raise DataError(f"The {name} is {finding} of {len(dff)} cells: none can be used.")
    omissions = leave_out(unknown, cell_ids, "not_finite", "units")
    omissions += leave_out(constant, cell_ids, "constant", "units")
    omissions += leave_out(beyond, cell_ids, "out_of_range", "units")
    omissions += leave_out(copies, cell_ids, "doubled", "units")
    if not unusable.any():
        return cell_ids, dff, omissions
    return cell_ids[~unusable], dff[~unusable], omissions


def find_unusable(dff: Float32[np.ndarray, "N S"]) -> tuple[Bool[np.ndarray, "N"], Bool[np.ndarray, "N"]]:
    """Cells that lack values in samples that most cells have, and cells that never change."""
    with np.errstate(invalid="ignore"):
        spread = dff.max(axis=1) - dff.min(axis=1)  # NaN where any value is, or where infinities are
    if np.isfinite(spread).all():
        return np.zeros(len(dff), dtype=bool), spread == 0
    finite = np.isfinite(dff)
    here = 2 * finite.sum(axis=1) > finite.any(axis=0).sum()  # of the samples that any cell has
    if not here.any():
        return ~here, here
    kept = 2 * finite[here].sum(axis=0) > here.sum()
    unknown = ~finite[:, kept].all(axis=1)
    constant = ~unknown & (np.ptp(dff[:, kept], axis=1) == 0)
    return unknown, constant


def _check_ids(ids: Shaped[np.ndarray, "_"], path: Path) -> Int[np.ndarray, "_"]:
    """Raises DataError for ids that are negative, beyond 64 bits, or those of two cells."""
    odd = (ids < 0) | (ids > np.iinfo(np.int64).max)
    values, counts = np.unique(ids, return_counts=True)
    if odd.any() or (counts > 1).any():
        which = f"{ids[odd][0]}, which cannot be" if odd.any() else f"{values[counts > 1][0]} for two cells"
        raise DataError(f"The cell_specimen_ids in {path} hold {which}: choose another session.")
    return ids.astype(np.int64)


def _check_clock(time: Float[np.ndarray, "S"], path: Path) -> None:
    """Raises DataError for times that do not ascend, and for those that are not in seconds."""
    finding = f"The times of dF/F in {path} ({DFF}/timestamps)"
    if len(time) < 2:
        raise DataError(f"{finding} are {len(time)}: choose another session.")
    wrong = ~(np.diff(time) > 0)  # true for NaN
    if wrong.any():
        sample = int(np.argmax(wrong)) + 1
        step = f"from {time[sample - 1]:g} s to {time[sample]:g} s at sample {sample}"
        raise DataError(
            f"{finding} do not ascend {step}, and {wrong.sum()} times in all: choose another session."
        )
    rate = 1 / np.median(np.diff(time))
    if not RATES[0] <= rate <= RATES[1]:
        raise DataError(
            f"{finding} give {rate:g} samples a second, and they must be in seconds: choose another session."
        )


def _choose_cells(
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
