"""What a model of movie responses has to beat: the mean, the running, pixels and motion energy read linearly.

The strongest of them is `motion_energy_times_running`. Everything is fitted to training frames; penalties are
chosen on validation frames.

Letters: R repeats, F frames, E end frames of a part, N neurons, K rows, L lags, J columns of a design.
"""

from collections.abc import Callable, Iterable, Iterator

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
Design = Callable[[np.ndarray], np.ndarray]  # from E end frames to rows


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

    return _repeat(_fit_ridge(task, design, task.responses.mean(axis=0))(getattr(task.split, part)), task)


def motion_energy(
    task: MovieTask, part: str = "test", *, settings: TransformerSettings = SMALL_MODEL
) -> Float32[np.ndarray, "R E N"]:
    """Ridge regression of the mean over repeats on motion energy: what a network's start alone is worth.

    The energies are those of an untrained network's patches (`MotionPatches`) of these sizes, summed over the
    clip with weights that fall as calcium forgets. Only the regression is learned. Raises SettingsError for
    patches that do not fit into the frames.
    """
    return _repeat(_read_energies(task, settings)(getattr(task.split, part)), task)


def motion_energy_times_running(
    task: MovieTask, part: str = "test", *, settings: TransformerSettings = SMALL_MODEL, signed: bool = False
) -> Float32[np.ndarray, "R E N"]:
    """`motion_energy` and the running, which multiplies and adds: four numbers a cell, w of

        response = w0 + w1 m + w2 r + w3 m r,

    where m is what `motion_energy` says (E N, the same in all repeats) and r the speed of the repeat (R E),
    summed over the clip as calcium forgets. Both are z-scored; speed that was not measured counts as its
    mean. Running multiplies what V1 answers (Niell and Stryker, Neuron 65, 472-479, 2010), and w3 / w1 is
    each cell's gain. Least squares on the single trials of training frames find w, so that validation frames
    choose the penalty of m alone: they are a tenth of the movie, and w from them alone does worse. `signed`
    gives m what an untrained network's patches say in full, the answers of filters besides the energies.

    Raises DataError for a task without running, SettingsError for patches that do not fit into the frames.
    """
    train = task.split.train
    scales = fit_scales(task.frames, task.responses, _find_running(task), train, train)
    energy, running = (
        _read_energies(task, settings, signed),
        scales.running(_find_running(task))[..., 0],
    )  # R F

    def design(ends: np.ndarray) -> Iterator[Float[np.ndarray, "E N 4"]]:
        m = scales.responses(energy(ends)[None])[0]  # E N
        for speed in running:
            r = _remember(speed, ends, task, settings)[:, None]
            yield np.stack(np.broadcast_arrays(1.0, m, r, m * r), axis=-1)

    weights = _fit_cells(design(train), task.responses[:, train])
    found = [np.einsum("enj,nj->en", terms, weights) for terms in design(getattr(task.split, part))]
    return np.array(found, dtype=np.float32)


def _fit_cells(
    designs: Iterable[Float[np.ndarray, "E N J"]], responses: Float[np.ndarray, "R E N"]
) -> Float[np.ndarray, "N J"]:
    """Least squares of each cell's responses on its own design, with 0 for what that does not tell apart."""
    gram, moment = 0.0, 0.0
    for terms, wanted in zip(designs, responses, strict=True):
        gram = gram + np.einsum("enj,enk->njk", terms, terms, dtype=np.float64)
        moment = moment + np.einsum("enj,en->nj", terms, wanted, dtype=np.float64)
    return np.einsum("njk,nk->nj", np.linalg.pinv(gram, rcond=1e-10, hermitian=True), moment)


def _read_energies(
    task: MovieTask, settings: TransformerSettings, signed: bool = False
) -> Callable[[np.ndarray], np.ndarray]:
    """The regression on motion energy: from end frames to dF/F, E N."""
    energies = _measure_energies(task, settings.replace(frame=task.frames.shape[1:]), signed)  # F J
    known = _remember(energies, task.split.train, task, settings)
    mean, spread = known.mean(axis=0), known.std(axis=0)
    del known  # as large as the design itself

    def design(ends: np.ndarray) -> np.ndarray:
        return (_remember(energies, ends, task, settings) - mean) / spread

    return _fit_ridge(task, design, task.responses.mean(axis=0))


def _remember(
    values: np.ndarray, ends: np.ndarray, task: MovieTask, settings: TransformerSettings
) -> np.ndarray:
    """What was there during the clip of each end, values F ..., with weights that fall as calcium forgets."""
    ago = np.arange(task.shape.length)
    weights = np.exp(-ago / (settings.memory or np.inf)).astype(np.float32)
    return sum(
        weight * values[ends - back] for weight, back in zip(weights, ago * task.shape.stride, strict=True)
    )


def _measure_energies(
    task: MovieTask, settings: TransformerSettings, signed: bool
) -> Float32[np.ndarray, "F J"]:
    """Lengths of all pairs of Gabors in all patches at each frame; the movie's first frames have no past.

    With `signed` the answers of their even filters come before the lengths.
    """
    patches = MotionPatches(settings.width, 1 + task.shape.before, settings.patch, settings.step).eval()
    patches.start_at_gabors()
    ago = task.shape.stride * np.arange(task.shape.before, -1, -1)
    found = []
    with torch.no_grad():
        for frames in np.array_split(np.arange(len(task.frames)), max(1, len(task.frames) // CHUNK_SIZE)):
            moments = torch.from_numpy(task.frames[np.maximum(frames[:, None] - ago, 0)]).float()
            found.append(patches(moments)[..., 0 if signed else settings.width // 2 :].flatten(1))
    return torch.cat(found).numpy()


def running_only(task: MovieTask, part: str = "test") -> Float32[np.ndarray, "R E N"]:
    """Ridge regression of single trials on the running during a clip.

    Raises DataError for a task without running.
    """
    train, speed = task.split.train, _find_running(task)
    running = fit_scales(task.frames, task.responses, speed, train, train).running(speed)  # R F 2

    def design(ends: np.ndarray) -> np.ndarray:
        return running[:, _lag_frames(task, ends)].reshape(len(running) * len(ends), -1)

    found = _fit_ridge(task, design, task.responses)(getattr(task.split, part))
    return found.reshape(len(running), -1, found.shape[-1])


def _find_running(task: MovieTask) -> Float[np.ndarray, "R F"]:
    if task.running is None:
        raise DataError("The task has no running to regress on: use a config with running='measured'.")
    return task.running


def _lag_frames(task: MovieTask, ends: np.ndarray) -> np.ndarray:
    """The frames of each clip, E L."""
    lags = np.arange(task.shape.length + task.shape.before) * task.shape.stride
    return ends[:, None] - lags


def _fit_ridge(task: MovieTask, design: Design, wanted: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Predictions, a row of `design` each, with the penalty that does best on validation frames."""
    train, validation = (
        (design(ends), _take_rows(wanted, ends)) for ends in (task.split.train, task.split.validation)
    )
    model = best_ridge(train, validation, PENALTIES)
    return lambda ends: model.predict(design(ends)).astype(np.float32)


def _take_rows(wanted: np.ndarray, ends: np.ndarray) -> Float[np.ndarray, "K N"]:
    """F N or R F N at the ends, one row each."""
    return wanted[..., ends, :].reshape(-1, wanted.shape[-1])


def _repeat(predicted: np.ndarray, task: MovieTask) -> np.ndarray:
    return np.broadcast_to(predicted, (len(task.responses), *predicted.shape)).astype(np.float32)
