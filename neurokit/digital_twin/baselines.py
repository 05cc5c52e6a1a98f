"""Baselines that a twin has to beat: pixels read linearly, and motion energy read linearly.

Both also read pupil and treadmill, are fitted to training trials, and take their penalty from validation
trials.

Letters: T frames (30 Hz), J columns of a design, L lags, R repeats, U units.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import torch
from jaxtyping import Float32
from torch.nn import functional

from neurokit.digital_twin.recording import Trial, TrialFolder, Video
from neurokit.digital_twin.scores import BURN_IN
from neurokit.models.motion_patches import gabor_pairs
from neurokit.models.ridge import Rows, best_ridge

PENALTIES = 10.0 ** np.arange(2, 8)
SIZE = (9, 16)  # pixels that the linear model reads of each frame
LAGS = np.arange(0, 16, 2)  # frames back, for pixels
ENERGY_LAGS = np.array([3, 6, 9])  # frames back, for energies, which see four frames each
PAIRS = 48  # of Gabors in each patch
PATCH, STEP = 18, 6  # a patch's side and distance from the next, in 36ths of the monitor's height
CHUNK_SIZE = 256  # frames convolved together
Design = Callable[[Trial], Float32[np.ndarray, "T J"]]


def lagged_pixels(recording: TrialFolder, videos: Sequence[Video]) -> list[Float32[np.ndarray, "_R _T _U"]]:
    """Ridge regression on the small frames of the last half second, 15 at 30 Hz, every second one."""
    return _fit_and_predict(recording, videos, lambda trial: _add_lags(_shrink(trial, SIZE), LAGS))


def motion_energy(recording: TrialFolder, videos: Sequence[Video]) -> list[Float32[np.ndarray, "_R _T _U"]]:
    """Ridge regression on the energies of a fixed bank of drifting Gabors: only the linear map is learned."""
    return _fit_and_predict(recording, videos, lambda trial: _add_lags(_energies(trial), ENERGY_LAGS))


def _fit_and_predict(
    recording: TrialFolder, videos: Sequence[Video], picture: Design
) -> list[Float32[np.ndarray, "_R _T _U"]]:
    def design(trial: Trial, seen: Float32[np.ndarray, "T _"] | None = None) -> Float32[np.ndarray, "T J"]:
        behaviour = (np.nan_to_num(part) for part in (trial.perspective, trial.modulation))
        return np.concatenate([picture(trial) if seen is None else seen, *behaviour], axis=1)

    def designs(video: Video) -> Iterator[Float32[np.ndarray, "T J"]]:
        """One of each repeat; the picture of a stimulus is taken once."""
        first = video.repeats[0].stimulus
        seen = picture(video.repeats[0])
        for trial in video.repeats:
            yield design(trial, seen if np.array_equal(trial.stimulus, first) else None)

    train, validation = (_rows(recording.part(part), design) for part in (True, False))
    mean, spread = train[0].mean(axis=0), train[0].std(axis=0) + 1e-6
    for columns, _ in (train, validation):  # in place, since they are large
        columns -= mean
        columns /= spread
    model = best_ridge(train, validation, PENALTIES)
    return [
        np.stack([model.predict((each - mean) / spread) for each in designs(video)]).astype(np.float32)
        for video in videos
    ]


def _rows(trials: Iterable[Trial], design: Design) -> Rows:
    pairs = [(design(trial)[BURN_IN:], np.asarray(trial.units[BURN_IN:])) for trial in trials]
    columns, units = (np.concatenate(part) for part in zip(*pairs, strict=True))
    return columns, units


def _add_lags(values: Float32[np.ndarray, "T J"], lags: np.ndarray) -> Float32[np.ndarray, "T JL"]:
    """Values at each lag; before the first frame they equal those of the first."""
    source = np.maximum(np.arange(len(values))[:, None] - lags, 0)
    return values[source].reshape(len(values), -1)


def _shrink(trial: Trial, size: tuple[int, int]) -> Float32[np.ndarray, "T J"]:
    video = torch.from_numpy(np.array(trial.stimulus)).float()[:, None] / 255
    return functional.interpolate(video, size, mode="area").flatten(1).numpy()


def _energies(trial: Trial) -> Float32[np.ndarray, "T J"]:
    """The length of each pair of Gabors at each place, over four frames."""
    height, width = trial.stimulus.shape[1:]
    small = _shrink(trial, (36, round(36 * width / height))).reshape(len(trial.stimulus), 36, -1)
    moments = torch.from_numpy(_add_lags(small.reshape(len(small), -1), np.arange(3, -1, -1)))
    moments = moments.unflatten(1, (4, *small.shape[1:]))
    filters = gabor_pairs(PAIRS, 4, PATCH)
    pairs = [
        functional.conv2d(part, filters, stride=STEP).chunk(2, dim=1) for part in moments.split(CHUNK_SIZE)
    ]
    return torch.cat([(a.square() + b.square()).sqrt().flatten(1) for a, b in pairs]).numpy()
