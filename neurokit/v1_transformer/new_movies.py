"""Movies that a trained model has never seen, from plain arrays to what it reads.

Letters: F frames, H x W pixels, N cells.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from neurokit.errors import DataError
from neurokit.v1_transformer.config import ClipShape
from neurokit.v1_transformer.features import MovieTask
from neurokit.v1_transformer.scales import MovieScales, MovieSplit

INPUTS = """\
frames (uint8, frames x rows x columns, grey values, of the size that the model reads), running (cm/s, a value
a frame, NaN where not measured; a model without running needs none), and, if known, frame_rate (Hz)"""
FASTEST = 200.0  # cm/s, more than any mouse runs
RATE_TOLERANCE = 0.02  # of the frame rate: clocks of microscopes and monitors differ by less


def task_of_arrays(
    facts: Mapping[str, Any], scales: Mapping[str, np.ndarray], arrays: Mapping[str, np.ndarray]
) -> MovieTask:
    """One repeat of a new movie, whose frames are all in the training part and have no responses.

    `facts` and `scales` are those of a checkpoint. Raises DataError for arrays that are missing or do not fit
    the model in size, rate or unit.
    """
    shape, own = ClipShape.from_dict(facts["shape"]), MovieScales.from_arrays(scales)
    _check_rate(arrays.get("frame_rate"), facts["frame_rate"])
    frames = _frames(arrays, tuple(facts["frame"]), shape.span)
    ends = np.arange(shape.span - 1, len(frames))
    return MovieTask(
        frames=frames,
        responses=np.zeros((1, len(frames), len(own.response_mean)), dtype=np.float32),
        running=_running(arrays, len(frames))[None] if facts["reads_running"] else None,
        split=MovieSplit(ends, ends[:0], ends[:0]),
        shape=shape,
        per_frame=facts["per_frame"],
        scales=own,
    )


def _check_rate(found: Any, wanted: float | None) -> None:
    if found is None or wanted is None:
        return
    if not abs(float(found) - wanted) <= RATE_TOLERANCE * wanted:
        raise DataError(
            f"frame_rate is {float(found):g} Hz, and the model reads {wanted:g} Hz: resample the movie."
        )


def _frames(arrays: Mapping[str, np.ndarray], size: tuple[int, ...], span: int) -> UInt8[np.ndarray, "F H W"]:
    frames = np.asarray(_found(arrays, "frames"))
    if frames.dtype != np.uint8:
        raise DataError(f"frames are {frames.dtype}; give grey values from 0 to 255 as uint8.")
    if frames.ndim != 3 or frames.shape[1:] != size:
        rows, columns = size
        raise DataError(
            f"frames have the shape {frames.shape}; the model reads frames x {rows} rows x {columns} columns."
        )
    if len(frames) < span:
        raise DataError(f"There are {len(frames)} frames, and a clip spans {span}; give at least as many.")
    return frames


def _running(arrays: Mapping[str, np.ndarray], frames: int) -> Float[np.ndarray, "F"]:
    running = np.asarray(_found(arrays, "running"), dtype=float)
    if running.shape != (frames,):
        raise DataError(f"running has the shape {running.shape}; give one speed for each of {frames} frames.")
    known = np.abs(running[np.isfinite(running)])
    if known.size and (usual := np.quantile(known, 0.99)) > FASTEST:  # a wheel's glitches are rare
        raise DataError(f"running reaches {usual:g}, which no mouse does in cm/s: give it in that unit.")
    return running


def _found(arrays: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    if name not in arrays:
        there = ", ".join(sorted(arrays)) or "nothing"
        raise DataError(f"{name} is missing, which the model reads; the inputs hold {there}.")
    return arrays[name]
