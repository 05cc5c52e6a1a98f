"""The part of each movie frame in a split, its responses and running, and the scales on which they are read.

A split says which frames of a movie train, which choose, which are touched once. All repeats show the same
frames, and neighbouring clips share most of theirs. So a movie is split by its own time, for all repeats
alike, into blocks with a gap between them: no frame that a block's clips show, and none during which its
responses are read, belongs to another block. Scales come from training frames.

Letters: S samples of the two-photon clock (about 30 Hz), R repeats, F frames of the movie, H x W pixels,
N neurons, f and g training frames; A, B, C end frames.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from neurokit.errors import CheckpointError, DataError

RUNNING_LIMIT = 5.0  # standard deviations, beyond which running counts as that


@dataclass(frozen=True)
class MovieSplit:
    """The end frames of each part's clips: ascending, disjoint, the same for all repeats."""

    train: Int[np.ndarray, "A"]
    validation: Int[np.ndarray, "B"]
    test: Int[np.ndarray, "C"]


def split_movie(
    frames: int,
    *,
    clip: int,
    lag: int,
    test: float = 0.2,
    validation: float = 0.1,
    gap: int | None = None,
) -> MovieSplit:
    """Three blocks in movie time: the first trains, the last tests, with `gap` end frames left out between.

    `clip` is the number of frames from the first of a clip to its end frame, `lag` how many frames
    after that its response is still read: lag + window - 1 of `frame_responses`. The gap is clip + lag
    unless given. The last `lag` frames end no clip: the next repeat begins while their response is read.
    Raises DataError for a gap below clip + lag, and where a part would be empty.
    """
    ends, gap = _ends(frames, clip, lag), clip + lag if gap is None else gap
    if gap < clip + lag:
        raise DataError(
            f"gap is {gap} frames, clip + lag {clip + lag}; use that or more, else blocks overlap."
        )
    sizes = _sizes(len(ends) - 2 * gap, validation, test, f"{frames} frames with gaps of {gap}")
    first, second = sizes[0] + gap, sizes[0] + sizes[1] + 2 * gap
    return MovieSplit(ends[: sizes[0]], ends[first : first + sizes[1]], ends[second:])


def split_movie_leaking(
    frames: int, *, clip: int, lag: int, seed: int, test: float = 0.2, validation: float = 0.1
) -> MovieSplit:
    """A control that leaks, never to be scored by: end frames drawn one by one.

    Nearly every test clip then shares all but one of its frames with a training clip, and its
    response is read when that one's is. Raises DataError where a part would be empty.
    """
    ends = np.random.default_rng(seed).permutation(_ends(frames, clip, lag))
    sizes = _sizes(len(ends), validation, test, f"{frames} frames")
    return MovieSplit(*(np.sort(part) for part in np.split(ends, np.cumsum(sizes[:2]))))


def clip_frames(ends: Int[np.ndarray, "A"], length: int, stride: int = 1) -> Int[np.ndarray, "f"]:
    """All frames that clips of `length` frames, `stride` apart, show; ascending, each once."""
    return np.unique(ends[:, None] - stride * np.arange(length))


def join_splits(splits: Sequence[MovieSplit], starts: Sequence[int]) -> MovieSplit:
    """The split of movies that follow one another in one array, each from its frame of `starts` on."""
    moved = [
        [each.train + start, each.validation + start, each.test + start]
        for each, start in zip(splits, starts, strict=True)
    ]
    return MovieSplit(*(np.concatenate(part) for part in zip(*moved, strict=True)))


def _ends(frames: int, clip: int, lag: int) -> Int[np.ndarray, "A"]:
    """Frames that have a full clip before them and whose response is over when the movie is."""
    if clip < 1 or lag < 0:
        raise DataError(f"clip is {clip}, lag {lag}; use 1 or more and 0 or more.")
    return np.arange(clip - 1, frames - lag)


def _sizes(ends: int, validation: float, test: float, finding: str) -> tuple[int, int, int]:
    """End frames of train, validation and test."""
    held_out = [round(fraction * max(ends, 0)) for fraction in (validation, test)]
    train = ends - sum(held_out)
    if min(train, *held_out) < 1:
        raise DataError(
            f"{finding} leave {train}, {held_out[0]} and {held_out[1]} clips to train, validate and test; "
            "give a longer movie, shorter clips or other fractions."
        )
    return train, held_out[0], held_out[1]


def frame_responses(
    dff: Float[np.ndarray, "N S"], starts: Int[np.ndarray, "R F"], *, lag: int, window: int = 3
) -> Float[np.ndarray, "R F N"]:
    """What each neuron did after each frame: its mean over `window` samples, the first `lag` after the frame.

    `starts` are the samples at which the frames came on. In the unit of `dff`, float32; NaN where the
    recording ends before the window does. Raises DataError for a lag below 0, an empty window, and starts
    before the recording.
    """
    if lag < 0 or window < 1:
        raise DataError(f"lag is {lag}, window {window}; use 0 or more for the one, 1 or more for the other.")
    if starts.min() < 0:
        raise DataError(f"starts has sample {starts.min()}; give samples of the recording, from 0.")
    last = dff.shape[1] - 1
    total = sum(dff[:, np.minimum(starts + later, last)] for later in range(lag, lag + window))  # N R F
    means = np.moveaxis(np.asarray(total) / window, 0, -1).astype(np.float32, order="C")  # R F N
    means[starts + lag + window - 1 > last] = np.nan
    return means


def frame_running(
    running: Float[np.ndarray, "S"], starts: Int[np.ndarray, "R F"]
) -> Float[np.ndarray, "R F"]:
    """Speed (cm/s) at the sample at which each frame came on; NaN where it was not measured.

    Raises DataError for starts outside the recording.
    """
    for start in (starts.min(), starts.max()):
        if not 0 <= start < len(running):
            raise DataError(
                f"starts has sample {start}; give samples of the recording, 0 to {len(running) - 1}."
            )
    return running[starts]


@dataclass(frozen=True, eq=False)
class MovieScales:
    """Mean and standard deviation over training frames: of all pixels, of running, of each neuron.

    Whatever never varies has a standard deviation of 1 here. Without running its two numbers are NaN.
    """

    frame_mean: float
    frame_sd: float
    running_mean: float
    running_sd: float
    response_mean: Float[np.ndarray, "N"]
    response_sd: Float[np.ndarray, "N"]

    def responses(self, values: Float[np.ndarray, "R F N"]) -> Float[np.ndarray, "R F N"]:
        """Z-scored per neuron, float32. Raises DataError for other neurons."""
        if values.shape[-1] != len(self.response_mean):
            raise DataError(
                f"responses has {values.shape[-1]} neurons, the scales {len(self.response_mean)}; give the "
                "neurons that the scales were fitted on, in that order."
            )
        return ((values - self.response_mean) / self.response_sd).astype(np.float32, order="C")

    def running(self, values: Float[np.ndarray, "R F"]) -> Float[np.ndarray, "R F 2"]:
        """Z-scored and limited, 0 where not measured; and 1 where measured, else 0. float32.

        Raises DataError where the scales were fitted without running.
        """
        if np.isnan(self.running_mean):
            raise DataError("The scales were fitted without running; leave it out, or fit them with it.")
        measured = np.isfinite(values)
        scaled = np.clip((values - self.running_mean) / self.running_sd, -RUNNING_LIMIT, RUNNING_LIMIT)
        return np.stack([np.where(measured, scaled, 0), measured], axis=-1).astype(np.float32)

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything by name, as a checkpoint keeps it."""
        return {name: np.asarray(value) for name, value in vars(self).items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "MovieScales":
        """Back from `arrays`; raises CheckpointError where one is missing or too many."""
        names = [each.name for each in fields(cls)]
        if set(names) != set(arrays):
            found = ", ".join(sorted(arrays)) or "nothing"
            raise CheckpointError(
                f"The checkpoint holds {found} in place of {', '.join(names)}: train the model again."
            )
        values: dict[str, Any] = {name: v if v.ndim else float(v) for name, v in arrays.items()}
        return cls(**values)


def fit_scales(
    frames: UInt8[np.ndarray, "F H W"] | Float[np.ndarray, "F H W"],
    responses: Float[np.ndarray, "R F N"],
    running: Float[np.ndarray, "R F"] | None,
    shown: Int[np.ndarray, "f"],
    answered: Int[np.ndarray, "g"],
) -> MovieScales:
    """The scales of pixels and running in the training frames `shown`, and of responses in those `answered`.

    All repeats count.

    Raises DataError for a neuron that never varies, and for running without one measured value.
    """
    known = responses[:, answered].astype(np.float64)
    flat = known.min(axis=(0, 1)) == known.max(axis=(0, 1))  # a standard deviation would be rounding
    if flat.any():
        raise DataError(f"Neurons {name_some(flat)} never vary in the training frames; leave them out.")
    pixels, speeds = _pixels(frames, shown), _speeds(running, shown)
    return MovieScales(*pixels, *speeds, known.mean(axis=(0, 1)), known.std(axis=(0, 1)))


def name_some(which: Bool[np.ndarray, "N"]) -> str:
    """The indices that are true, as a sentence names them: five, and how many more."""
    found = [str(index) for index in np.flatnonzero(which)]
    return ", ".join(found[:5]) + (f" and {len(found) - 5} more" if len(found) > 5 else "")


def _pixels(frames: np.ndarray, training: Int[np.ndarray, "f"]) -> tuple[float, float]:
    """Frame by frame, so that the movie is never there as floats."""
    means = np.array([frames[frame].mean(dtype=np.float64) for frame in training])
    variances = np.array([frames[frame].var(dtype=np.float64) for frame in training])
    return float(means.mean()), _or_one(variances.mean() + means.var())


def _speeds(running: np.ndarray | None, training: Int[np.ndarray, "f"]) -> tuple[float, float]:
    if running is None:
        return float("nan"), float("nan")
    known = running[:, training]
    known = known[np.isfinite(known)].astype(np.float64)
    if not known.size:
        raise DataError("running was never measured in the training frames; leave it out (running=None).")
    return float(known.mean()), _or_one(known.var())


def _or_one(variance: float) -> float:
    return float(np.sqrt(variance)) if variance > 0 else 1.0
