"""What an Allen Brain Observatory session holds: natural movies, and traces of cells, running and pupil.

When each frame came on is AllenSDK's answer. Frames are read from the file a stretch at a time and shrunk on
the way, since movie three alone is 665 MB at full size and AllenSDK holds what it reads for good. The traces,
dF/F of the cells, running and pupil, are on one clock.

Letters: F frames, H x W pixels, R repeats, S samples of the microscope (about 30 Hz), N cells.
"""

import importlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from jaxtyping import Float, Float32, Int, UInt8

from neurokit.errors import DataError, NeurokitError

AT_ONCE = 64  # frames in memory at full size, 12 MB of a real movie (48 MB while they are shrunk)
LONGEST_PAUSE = 15  # samples from a frame to the next; AllenSDK takes a longer one for another block


@dataclass(frozen=True, eq=False)
class Movie:
    """One movie and its repeats.

    Attributes:
        name: such as natural_movie_one.
        frames: grey values, 0 to 255.
        starts: the sample at which each frame of each repeat came on. From a frame to the next it is one
            sample mostly, and two now and then.
    """

    name: str
    frames: UInt8[np.ndarray, "F H W"]
    starts: Int[np.ndarray, "R F"]


def read_movie(path: Path, dataset: Any, name: str, size: tuple[int, int] | None) -> Movie:
    """The movie of that name in the file at `path`, of which `dataset` is AllenSDK's reader.

    Frames are shrunk to `size` (see `read_frames`). Raises DataError where frames or times are missing
    or do not fit together.
    """
    with reading(path, f"frames of {name}"), h5py.File(path) as file:
        frames = read_frames(file[f"stimulus/templates/{name}_image_stack/data"], size)
    with reading(path, f"stimulus table of {name} in which all frames come equally often"):
        table = dataset.get_stimulus_table(name)
    shown, start = (table[column].to_numpy() for column in ("frame", "start"))
    if (
        not len(shown)
        or len(shown) % len(frames)
        or (shown.reshape(-1, len(frames)) != range(len(frames))).any()
    ):
        raise DataError(
            f"The stimulus table of {name} in {path} has a gap: its {len(shown)} rows are no full repeats "
            f"of {len(frames)} frames; leave this movie out with movies=."
        )
    return Movie(name, frames, _without_pauses(start.reshape(-1, len(frames)), name, path))


def read_frames(
    stored: h5py.Dataset | UInt8[np.ndarray, "F rows columns"], size: tuple[int, int] | None
) -> UInt8[np.ndarray, "F H W"]:
    """Frames whose pixels are means over the area that they cover, rounded; None keeps the full size.

    A movie whose frames have no more rows and columns than `size` stays as it is. Raises DataError for a
    size without pixels and for an array that is no movie of 8-bit frames.
    """
    if len(stored.shape) != 3 or stored.dtype != np.uint8 or 0 in stored.shape:
        raise DataError(
            f"Frames are {stored.dtype} of shape {stored.shape}; a movie is uint8, frames x H x W."
        )
    if size is not None and min(size) < 1:
        raise DataError(f"size is {size}; give rows and columns of 1 or more, or None for the full size.")
    full = stored.shape[1:]
    rows, columns = (
        _areas(before, min(before, after)) for before, after in zip(full, size or full, strict=True)
    )
    found = np.empty((stored.shape[0], len(rows), len(columns)), dtype=np.uint8)
    for first in range(0, len(found), AT_ONCE):
        block = stored[first : first + AT_ONCE]
        if block.shape[1:] != found.shape[1:]:
            block = np.rint(rows @ block.astype(np.float32) @ columns.T)
        found[first : first + AT_ONCE] = block
    return found


@contextmanager
def reading(path: Path, what: str) -> Iterator[None]:
    """Whatever goes wrong inside, where AllenSDK reads `what`, becomes a DataError of one sentence."""
    try:
        yield
    except (NeurokitError, MemoryError):
        raise
    except Exception as error:  # AllenSDK lets pass whatever its libraries raise
        finding = f"{path} has no {what} ({type(error).__name__}: {error})"
        raise DataError(f"{finding}: fetch it again or choose another session.") from error


def _areas(before: int, after: int) -> Float[np.ndarray, "after before"]:
    """How much of each new pixel each old one covers; rows sum to 1."""
    edges = np.linspace(0, before, after + 1)
    left, right = edges[:-1, None], edges[1:, None]
    old = np.arange(before)
    covered = np.clip(np.minimum(right, old + 1) - np.maximum(left, old), 0, None)
    return (covered / covered.sum(axis=1, keepdims=True)).astype(np.float32)


def _without_pauses(starts: Int[np.ndarray, "R F"], name: str, path: Path) -> Int[np.ndarray, "R F"]:
    steps = np.diff(starts, axis=1)
    if steps.size and not 0 < steps.min() <= steps.max() <= LONGEST_PAUSE:
        repeat, frame = np.argwhere((steps < 1) | (steps > LONGEST_PAUSE))[0]
        raise DataError(
            f"{name} in {path} has a gap: frame {frame + 1} of repeat {repeat} came {steps[repeat, frame]} "
            f"samples after the one before, not 1 to {LONGEST_PAUSE}; leave this movie out with movies=."
        )
    return starts


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
