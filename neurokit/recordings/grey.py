"""Frames of any type as grey values from 0 (black) to 255 (white), by one rule.

Letters: F frames, H x W pixels.
"""

import numpy as np
from jaxtyping import Shaped, UInt8

from neurokit.arguments import explain_values
from neurokit.errors import DataError

CHUNK = 64  # frames that are rounded together


@explain_values
def to_grey(frames: Shaped[np.ndarray, "..."], name: str = "The frames") -> UInt8[np.ndarray, "F H W"]:
    """The frames as uint8; the same memory where they are that already.

    Fractions of which none is above 1 are shares of white: 1 becomes 255. All other numbers are grey values
    from 0 to 255 and are rounded, and of True and False the first is white. Raises DataError, which begins
    with `name`, for anything else: other axes, colours, missing values, and numbers below 0 or above 255.
    """
    if frames.ndim == 4 and frames.shape[3] == 1:
        frames = frames[..., 0]
    _check_axes(frames, name)
    if frames.dtype == np.uint8:
        return frames
    lowest, highest = _extremes(frames, name)
    if lowest < 0 or highest > 255:
        raise DataError(
            f"{name} hold {lowest:g} to {highest:g}; give grey values from 0 to 255, or shares of white from "
            "0 to 1."
        )
    scale = 255 if frames.dtype.kind == "b" or (frames.dtype.kind == "f" and highest <= 1) else 1
    found = np.empty(frames.shape, dtype=np.uint8)
    for first in range(0, len(frames), CHUNK):
        block = np.asarray(frames[first : first + CHUNK], dtype=float)
        found[first : first + CHUNK] = np.rint(block * scale)
    return found


def _check_axes(frames: np.ndarray, name: str) -> None:
    if frames.dtype.kind not in "uifb":
        raise DataError(f"{name} hold {frames.dtype}; give grey values, frames x rows x columns.")
    if frames.ndim == 4 and frames.shape[3] in (3, 4):
        raise DataError(f"{name} have {frames.shape[3]} colours; give the mean of red, green and blue.")
    if frames.ndim != 3 or 0 in frames.shape:
        shape = " x ".join(map(str, frames.shape)) or "a single number"
        raise DataError(f"{name} are {shape}; give frames x rows x columns.")


def _extremes(frames: np.ndarray, name: str) -> tuple[float, float]:
    bad = sum(
        int((~np.isfinite(frames[first : first + CHUNK])).sum()) for first in range(0, len(frames), CHUNK)
    )
    if bad:
        raise DataError(f"{name} have {bad} of {frames.size} pixels that are NaN or infinite; fill them.")
    return float(frames.min()), float(frames.max())
