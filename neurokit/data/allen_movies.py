"""The natural movies of an Allen Brain Observatory session: frames, and when each came on.

Times come from AllenSDK. Frames are read from the file a stretch at a time and shrunk on the way, since
movie three alone is 665 MB at full size and AllenSDK holds what it reads for good.

Letters: F frames, H x W pixels, R repeats, S samples of the microscope (about 30 Hz).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from jaxtyping import Float, Int, UInt8

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
            f"The stimulus table of {name} in {path} has a gap: its {len(shown)} rows are not whole repeats "
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
