"""What a model of movie responses has to beat: the mean, the running, pixels and motion energy read linearly.

Everything is fitted to training frames; penalties are chosen on validation frames.

Letters: R repeats, F frames, E end frames of a part, N neurons, K rows, L lags, J columns of a design.
"""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float, Float32

from neurokit.errors import DataError
from neurokit.models.motion_patches import MotionPatches
from neurokit.models.ridge import best_ridge
from neurokit.v1_transformer.clips import fit_scales
from neurokit.v1_transformer.config import SMALL_MODEL, TransformerSettings
from neurokit.v1_transformer.features import MovieTask
from neurokit.v1_transformer.recording import read_frames

PENALTIES = 10.0 ** np.arange(1, 7)
SIZE = (8, 16)  # pixels that the linear model reads of each frame
CHUNK_SIZE = 256  # frames whose energies are computed together
Design = Callable[[np.ndarray], np.ndarray]


def mean_response(task: MovieTask, part: str = "test") -> Float32[np.ndarray, "R E N"]:
    """Each cell's mean over training frames, the same for every frame."""
    mean = task.responses[:, task.split.train].mean(axis=(0, 1))
    return _repeat(np.broadcast_to(mean, (len(getattr(task.split, part)), len(mean))), task)


def median_response(task: MovieTask, part: str = "test") -> Float32[np.ndarray, "R E N"]:
    """Each cell's median over training frames: the constant of the least absolute error."""
    median = np.median(task.responses[:, task.split.train], axis=(0, 1))
    return _repeat(np.broadcast_to(median, (len(getattr(task.split, part)), len(median))), task)


def lagged_pixels(task: MovieTask, part: str = "test") -> Float32[np.ndarray, "R E N"]:
    """Ridge regression of the mean over repeats on the small frames that a clip shows."""
    small = read_frames(task.frames, SIZE).reshape(len(task.frames), -1).astype(np.float32)
    seen = small[task.split.train]
    small = (small - seen.mean()) / seen.std()

    def design(ends: np.ndarray) -> np.ndarray:
        return small[_lag_frames(task, ends)].reshape(len(ends), -1)

    return _repeat(_fit_ridge(task, design, task.responses.mean(axis=0), part), task)


def motion_energy(
    task: MovieTask, part: str = "test", *, settings: TransformerSettings = SMALL_MODEL
) -> Float32[np.ndarray, "R E N"]:
    """Ridge regression of the mean over repeats on motion energy: what a network's start alone is worth.

    The energies are those of an untrained network's patches (`MotionPatches`) of these sizes, summed over the
    clip with weights that fall as calcium forgets. Only the regression is learned.
    """
    energies = _measure_energies(task, settings)  # F J
    memory = settings.memory or np.inf
    weights = np.exp(-np.arange(task.shape.length) / memory).astype(np.float32)

    def design(ends: np.ndarray) -> np.ndarray:
        back = enumerate(weights)
        return sum(weight * energies[ends - ago * task.shape.stride] for ago, weight in back)

    known = design(task.split.train)
    mean, spread = known.mean(axis=0), known.std(axis=0)
    scaled = _fit_ridge(task, lambda ends: (design(ends) - mean) / spread, task.responses.mean(axis=0), part)
    return _repeat(scaled, task)


def _measure_energies(task: MovieTask, settings: TransformerSettings) -> Float32[np.ndarray, "F J"]:
    """Lengths of all pairs of Gabors in all patches at each frame; the movie's first frames have no past."""
    patches = MotionPatches(settings.width, 1 + task.shape.before, settings.patch, settings.step).eval()
    patches.start_at_gabors()
    ago = task.shape.stride * np.arange(task.shape.before, -1, -1)
    found = []
    with torch.no_grad():
        for frames in np.array_split(np.arange(len(task.frames)), max(1, len(task.frames) // CHUNK_SIZE)):
            moments = torch.from_numpy(task.frames[np.maximum(frames[:, None] - ago, 0)]).float()
            found.append(patches(moments)[..., settings.width // 2 :].flatten(1))
    return torch.cat(found).numpy()


def running_only(task: MovieTask, part: str = "test") -> Float32[np.ndarray, "R E N"]:
    """Ridge regression of single trials on the running during a clip.

    Raises DataError for a task without running.
    """
    if task.running is None:
        raise DataError("The task has no running to regress on: use a config with running='measured'.")
    train = task.split.train
    scales = fit_scales(task.frames, task.responses, task.running, train, train)
    running = scales.running(task.running)  # R F 2

    def design(ends: np.ndarray) -> np.ndarray:
        return running[:, _lag_frames(task, ends)].reshape(len(running) * len(ends), -1)

    found = _fit_ridge(task, design, task.responses, part)
    return found.reshape(len(running), -1, found.shape[-1])


def _lag_frames(task: MovieTask, ends: np.ndarray) -> np.ndarray:
    """The frames of each clip, E L."""
    lags = np.arange(task.shape.length + task.shape.before) * task.shape.stride
    return ends[:, None] - lags


def _fit_ridge(task: MovieTask, design: Design, wanted: np.ndarray, part: str) -> np.ndarray:
    """Predictions for a part with the penalty that does best on validation frames, rows of `design`."""
    train, validation = (
        (design(ends), _take_rows(wanted, ends)) for ends in (task.split.train, task.split.validation)
    )
    model = best_ridge(train, validation, PENALTIES)
    found = model.predict(design(getattr(task.split, part)))  # without an axis of cells where there is one
    return found.reshape(-1, wanted.shape[-1]).astype(np.float32)


def _take_rows(wanted: np.ndarray, ends: np.ndarray) -> Float[np.ndarray, "K N"]:
    """F N or R F N at the ends, one row each."""
    return wanted[..., ends, :].reshape(-1, wanted.shape[-1])


def _repeat(predicted: np.ndarray, task: MovieTask) -> np.ndarray:
    return np.broadcast_to(predicted, (len(task.responses), *predicted.shape)).astype(np.float32)
