"""The traces of a session: dF/F of its cells, running and pupil, all on the microscope's clock.

One bad cell costs one cell: if its dF/F is missing, infinite or constant, it is left out by its id. A sample
that most cells lack is one that the microscope lost: it stays NaN, and a task leaves out the repeats that
need it. Running is NaN where it was not measured; a pupil off its own clock is left out.

AllenSDK reads all values, once the file was seen to hold what it claims.

Letters: S samples of the microscope, N cells.
"""

import importlib
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
RUNNING = f"{PIPELINE}/BehavioralTimeSeries/running_speed"
LOCATION = f"{PIPELINE}/EyeTracking/pupil_location_spherical"
SIZE = f"{PIPELINE}/PupilTracking/pupil_size"
CHANNELS = ("running", "pupil")
PUPIL = ("pupil azimuth", "pupil altitude", "pupil size")
MOST_DFF = 100.0  # a fraction; the brightest indicators reach about 20
MOST_SPEED = 500.0  # cm/s, several times what a mouse can run
ANGLES = (-180.0, 180.0)  # deg
SIZES = (0.0, 1e6)  # pixels; no eye camera has more
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
    here = 2 * finite.sum(axis=1) > dff.shape[1]
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


def read_running(
    stored: Hdf5Reader, dataset: Any, time: Float[np.ndarray, "S"]
) -> tuple[Float32[np.ndarray, "S"], tuple[Omission, ...]]:
    """cm/s, NaN where not measured or beyond what a mouse can run, and which samples these were.

    Running that never changes says nothing, and is named. Raises DataError where no sample was measured, or
    there is no running.
    """
    path = Path(stored.file.filename)
    for place in (RUNNING, f"{PIPELINE}/Fluorescence/imaging_plane_1"):
        if stored.find(f"{place}/timestamps") is not None:  # else AllenSDK says that there is none
            stored.array(f"{place}/timestamps", "f", (None,))
    if stored.find(f"{RUNNING}/data") is not None:
        stored.array(f"{RUNNING}/data", "f")
        _check_overlap(stored.read(f"{RUNNING}/timestamps", "f", (None,)), time, path)
    with explain_failure(path, "running speed on the microscope's clock (running=False reads it without)"):
        speed, times = dataset.get_running_speed()
    if not np.array_equal(times, time) or speed.shape != time.shape:
        finding = (
            f"The running speed in {path} has {len(times)} times and {' x '.join(map(str, speed.shape))} "
            f"values, not those of the microscope's {len(time)} samples"
        )
        raise DataError(f"{finding}: read it with running=False (--running none) or choose another session.")
    speed = to_float32(speed)
    with np.errstate(invalid="ignore"):
        beyond = np.isfinite(speed) & (np.abs(speed) > MOST_SPEED)
    measured = np.isfinite(speed) & ~beyond
    if not measured.any():
        finding = f"beyond {MOST_SPEED:g} cm/s" if beyond.any() else "NaN"
        raise DataError(
            f"The running speed in {path} is {finding} throughout: "
            "read it with running=False (--running none)."
        )
    still = np.array([np.ptp(speed[measured]) == 0, False])
    omissions = leave_out(beyond, [f"{each:.2f} s" for each in time], "out_of_range", "samples of running")
    omissions += leave_out(still, CHANNELS, "constant", "channels")
    return np.where(measured, speed, np.float32(np.nan)), omissions


def _check_overlap(times: Float[np.ndarray, "_"], time: Float[np.ndarray, "S"], path: Path) -> None:
    """Raises DataError for times of running that lie outside the session, as those in ms do."""
    if 2 * _are_inside(times, time).sum() < len(times):
        raise DataError(
            f"The times of running in {path} ({RUNNING}/timestamps) go from {times.min():g} to "
            f"{times.max():g} s, and those of dF/F from {time[0]:g} to {time[-1]:g} s: give both in seconds "
            "on one clock, or read the session with running=False (--running none)."
        )


def read_pupil(
    stored: Hdf5Reader, dataset: Any, time: Float[np.ndarray, "S"]
) -> tuple[Float32[np.ndarray, "S 3"] | None, tuple[Omission, ...]]:
    """Azimuth and altitude (deg) and size (pixels) on the microscope's clock; None where not recorded.

    NaN before the first time and after the last, beside a NaN of the file, and beside angles and sizes that
    cannot be, which are counted. A pupil is left out, by name, whose times do not ascend, do not fit its
    values or lie outside the session, as those in ms do, and whose values never change or are never possible.
    """
    path = Path(stored.file.filename)
    missing = importlib.import_module("allensdk.brain_observatory.brain_observatory_exceptions")
    for place in (f"{place}/{part}" for place in (LOCATION, SIZE) for part in ("data", "timestamps")):
        if stored.find(place) is not None:
            stored.array(place, "f")
    with explain_failure(path, "pupil that can be read"):
        try:
            times, angles = dataset.get_pupil_location()
            size_times, size = dataset.get_pupil_size()
        except missing.NoEyeTrackingException:
            return None, ()
    size = size.reshape(-1)
    fits = angles.shape == (len(times), 2) and size.shape == size_times.shape
    if not fits or not all(_is_clock(each, time) for each in (times, size_times)):
        return None, _without_pupil("off_the_clock")
    found = np.column_stack([_on_clock(time, times, angles), _on_clock(time, size_times, size[:, None])])
    angles, size = (_mask(each, *limits) for each, limits in ((angles, ANGLES), (size, SIZES)))
    possible = np.column_stack([_on_clock(time, times, angles), _on_clock(time, size_times, size[:, None])])
    return _clean_pupil(to_float32(found), to_float32(possible), time)


def _on_clock(
    time: Float[np.ndarray, "S"], times: Float[np.ndarray, "_"], values: Float[np.ndarray, "_ J"]
) -> Float[np.ndarray, "S J"]:
    return np.stack([np.interp(time, times, each, left=np.nan, right=np.nan) for each in values.T], axis=1)


def _mask(values: Float[np.ndarray, "*K"], low: float, high: float) -> Float[np.ndarray, "*K"]:
    with np.errstate(invalid="ignore"):
        return np.where((values >= low) & (values <= high), values, np.nan)


def _is_clock(times: Float[np.ndarray, "_"], time: Float[np.ndarray, "S"]) -> bool:
    """Whether the times ascend, and most of them lie in the session."""
    ascend = len(times) > 0 and bool((np.diff(times) > 0).all())
    return ascend and 2 * int(_are_inside(times, time).sum()) >= len(times)


def _are_inside(times: Float[np.ndarray, "_"], time: Float[np.ndarray, "S"]) -> Bool[np.ndarray, "_"]:
    return (times >= time[0] - 1) & (times <= time[-1] + 1)


def _without_pupil(rule: str) -> tuple[Omission, ...]:
    return leave_out(np.array([False, True]), CHANNELS, rule, "channels")


def _clean_pupil(
    found: Float32[np.ndarray, "S 3"], possible: Float32[np.ndarray, "S 3"], time: Float[np.ndarray, "S"]
) -> tuple[Float32[np.ndarray, "S 3"] | None, tuple[Omission, ...]]:
    """What is `possible`, None where nothing of it changes, and what of all that was `found` was left out."""
    measured, seen = np.isfinite(found), np.isfinite(possible)
    never = ~seen.any(axis=0)
    beyond = (measured & ~seen)[:, ~never].any(axis=1)
    if never.all() or beyond.all():
        return None, _without_pupil("out_of_range" if measured.any() else "not_finite")
    still = np.nanmin(possible[:, ~never], axis=0) == np.nanmax(possible[:, ~never], axis=0)
    flaws = {"not_finite": never & ~measured.any(axis=0), "out_of_range": never & measured.any(axis=0)}
    flaws["constant"] = np.zeros(len(PUPIL), dtype=bool)
    flaws["constant"][~never] = still
    if still.all():
        return None, _without_pupil("constant")
    omissions = leave_out(beyond, [f"{each:.2f} s" for each in time], "out_of_range", "samples of pupil")
    for rule, bad in flaws.items():
        omissions += leave_out(np.array([False, *bad]), CHANNELS[:1] + PUPIL, rule, "channels")
    return np.where(flaws["constant"], np.float32(np.nan), possible), omissions
