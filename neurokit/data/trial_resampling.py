"""Traces and videos brought to the 30 Hz and the monitor pixels of a trial folder.

Traces are filtered and filled as in the pipeline behind the foundation model (cajal/foundation): a Hamming
low-pass where they are sampled faster than the frames, gaps filled by straight lines, linear interpolation.
Frames shrink by bilinear interpolation over the pixels they cover, the rule of PIL's resize.

Letters: S samples of a trace, T frames, H x W pixels before, h x w after.
"""

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from scipy.ndimage import correlate1d
from torch.nn.functional import interpolate

from neurokit.errors import DataError

FRAME_PERIOD = 1 / 30  # s
LONGEST_GAP = 0.5  # s; longer than a blink
AT_ONCE = 64  # frames in single precision, 9 MB at 144 x 256 pixels


def resample_trace(
    times: Float[np.ndarray, "S"],
    values: Float[np.ndarray, "_"],
    new_times: Float[np.ndarray, "T"],
    *,
    source_period: float,
    period: float = FRAME_PERIOD,
    longest_gap: float = LONGEST_GAP,
) -> Float[np.ndarray, "T"]:
    """The trace at `new_times`, which are `period` s apart; all times in s.

    Values more often sampled than that (`source_period` s, evenly) are averaged first, with a Hamming window
    of 2 round(period / source_period) + 1 samples. NaN values, and times without samples, are bridged by a
    straight line up to `longest_gap` s; longer gaps and what lies outside of all values stay NaN. Raises
    DataError for infinite values, and times that differ in number or do not ascend.
    """
    _check_trace(times, values)
    known = np.flatnonzero(~np.isnan(values))
    if not len(known):
        return np.full(len(new_times), np.nan)
    inside = slice(known[0], known[-1] + 1)
    filled = np.interp(times[inside], times[known], values[known])
    if period > source_period:
        filled = low_pass(filled, round(period / source_period))
    found = np.interp(new_times, times[inside], filled, left=np.nan, right=np.nan)
    return np.where(_in_gap(new_times, times[known], longest_gap), np.nan, found)


def low_pass(values: Float[np.ndarray, "S"], half: int) -> Float[np.ndarray, "S"]:
    """Means weighted by a Hamming window of 2 half + 1 samples; the ends go on with their last value."""
    window = np.hamming(2 * half + 1)
    return correlate1d(values, window / window.sum(), mode="nearest")


def resize_video(frames: UInt8[np.ndarray, "T H W"], size: tuple[int, int]) -> UInt8[np.ndarray, "T h w"]:
    """Frames of `size` rows and columns, a few at a time; the same memory where they have it already.

    Raises DataError for a size without pixels.
    """
    if min(size) < 1:
        raise DataError(f"size is {size}: give rows and columns of 1 or more, such as (144, 256).")
    if frames.shape[1:] == size:
        return frames
    found = np.empty((len(frames), *size), dtype=np.uint8)
    for first in range(0, len(frames), AT_ONCE):
        block = torch.from_numpy(frames[first : first + AT_ONCE].astype(np.float32))[:, None]
        block = interpolate(block, size=size, mode="bilinear", antialias=True)[:, 0]
        found[first : first + AT_ONCE] = block.round().clamp(0, 255).numpy()
    return found


def _in_gap(
    new_times: Float[np.ndarray, "T"], known: Float[np.ndarray, "K"], longest: float
) -> Bool[np.ndarray, "T"]:
    """Which times lie between two known ones that are more than `longest` s apart."""
    steps = np.append(np.diff(known, prepend=known[0]), 0.0)  # from each known time's predecessor to it
    places = np.searchsorted(known, new_times)
    return (steps[places] > longest) & ~np.isin(new_times, known)


def _check_trace(times: np.ndarray, values: np.ndarray) -> None:
    if len(times) != len(values) or not (np.diff(times) > 0).all():  # false for NaN, too
        finding = f"The trace has {len(values)} values at {len(times)} times, or times that do not ascend"
        raise DataError(f"{finding}: give one time per value, in order.")
    if np.isinf(values).any():
        raise DataError("The trace holds infinite values: mark what was not measured by NaN.")
