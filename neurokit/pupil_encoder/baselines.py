"""Baselines: what a score has to beat, from the mean rate to a linear filter of the behaviour.

Each is a function from a prepared task to predicted rates of all trials, K x T x R in Hz, fitted on
the training trials' scored bins; what is chosen (ridge penalty, smoothing) is chosen on validation
trials.

Letters: K trials, T bins, C channels, R regions, L lags.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from neurokit.models.ridge import best_ridge
from neurokit.pupil_encoder.features import EncodingTask

Prediction = Float[np.ndarray, "K T R"]
PENALTIES = tuple(10.0**power for power in range(-1, 7))
DRIFT_WIDTHS = (2.0, 5.0, 10.0, 20.0, 50.0)  # trials
LAG_TIMES = np.arange(-10, 11) * 0.05  # s; negative: the behaviour comes after the rate
SHRINKAGE = 5.0  # trials' worth of the common PSTH mixed into that of each condition


def mean_rate(task: EncodingTask, *, with_ramp: bool = False) -> Prediction:
    """Each region's mean over the training trials, in every bin."""
    mean = _mean(task.rates, task.bins("train", with_ramp=with_ramp), axis=(0, 1))
    return np.broadcast_to(mean, task.rates.shape)


def psth(task: EncodingTask, *, with_ramp: bool = False) -> Prediction:
    """Peri-stimulus time histogram: the training trials' mean in each bin."""
    bins = task.bins("train", with_ramp=with_ramp)
    return np.broadcast_to(_mean(task.rates, bins, axis=0), task.rates.shape)


def psth_by_condition(task: EncodingTask) -> Prediction:
    """A PSTH for each combination of stronger side and choice, shrunk towards the common one.

    A condition of n training trials counts n / (n + 5); one that no training trial has gets the common PSTH,
    as does a trial whose contrast or response is not known.
    """
    common, condition = psth(task), _conditions(task.trials)
    predicted, train = common.copy(), task.bins("train")
    for value in np.unique(condition[np.isfinite(condition)]):
        own = condition == value
        number = train[own].any(axis=1).sum()
        offset = _mean(task.rates - common, train & own[:, None], axis=0)
        predicted[own] += number / (number + SHRINKAGE) * offset
    return predicted


def _conditions(trials: pd.DataFrame) -> Float[np.ndarray, "K"]:
    """A number for each combination; NaN where unknown, unless nothing of that fact was recorded."""
    side = np.sign(trials["contrast_left"] - trials["contrast_right"])
    known = (fact.fillna(0) if fact.isna().all() else fact for fact in (side, trials["response"]))
    side, response = (fact.to_numpy(dtype=float) for fact in known)
    return 3 * side + response


def psth_and_drift(task: EncodingTask) -> Prediction:
    """PSTH plus what neighbouring training trials fired above it, averaged by a Gaussian over trials.

    Validation trials choose its width. It reads the rates of other trials, past and future, so it is a
    yardstick for slow drift and no encoder.
    """
    residual = task.rates - psth(task)
    candidates = [
        psth(task) + _average_neighbours(residual, task.bins("train"), width) for width in DRIFT_WIDTHS
    ]
    bins = task.bins("validation")
    errors = [((candidate - task.rates)[bins] ** 2).mean() for candidate in candidates]
    return candidates[int(np.argmin(errors))]


def fir(task: EncodingTask, *, on_psth: bool = False) -> Prediction:
    """Ridge regression on the behaviour from 0.5 s before to 0.5 s after each bin, every 0.05 s.

    With `on_psth` it predicts what is left above the PSTH, so that the time in the trial is known
    to it as it is to a recurrent network. The penalty is chosen on validation trials.
    """
    start = psth(task) if on_psth else mean_rate(task)
    design = stack_lags(task.inputs, lags_in_bins(task.bin_size))  # K T C*L
    left = task.rates - start
    train, validation = ((design[bins], left[bins]) for bins in map(task.bins, ("train", "validation")))
    model = best_ridge(train, validation, PENALTIES)
    return start + model.predict(design.reshape(-1, design.shape[-1])).reshape(left.shape)


def lags_in_bins(bin_size: float) -> Int[np.ndarray, "L"]:
    """The filter's lags in bins of `bin_size` s, ascending; those that fall into one bin count once."""
    return np.unique(np.rint(LAG_TIMES / bin_size).astype(int))


def stack_lags(inputs: Float[np.ndarray, "K T C"], lags: Int[np.ndarray, "L"]) -> Float[np.ndarray, "K T CL"]:
    """Each bin's inputs `lags` bins before; beyond a trial's edge, those at the edge."""
    source = np.clip(np.arange(inputs.shape[1])[:, None] - lags, 0, inputs.shape[1] - 1)  # T L
    return inputs[:, source].reshape(*inputs.shape[:2], -1)


def _average_neighbours(residual: np.ndarray, train: Bool[np.ndarray, "K T"], width: float) -> Prediction:
    """Mean residual of the training trials around each trial, the trial itself left out."""
    trials = np.arange(len(residual))
    weight = np.exp(-0.5 * ((trials[:, None] - trials) / width) ** 2) * (1 - np.eye(len(trials)))
    total = weight @ (residual * train[..., None]).sum(axis=1)  # K R
    number = weight @ train.sum(axis=1)  # K
    return np.broadcast_to((total / np.maximum(number, 1e-9)[:, None])[:, None], residual.shape)


def _mean(values: np.ndarray, bins: Bool[np.ndarray, "K T"], axis: int | tuple[int, ...]) -> np.ndarray:
    """Mean over the bins that count; 0 where none does."""
    number = bins.sum(axis=axis)
    total = (values * bins[..., None]).sum(axis=axis)
    return total / np.maximum(number, 1)[..., None]


BASELINES: dict[str, Callable[[EncodingTask], Prediction]] = {
    "mean rate": mean_rate,
    "PSTH": psth,
    "PSTH + drift": psth_and_drift,
    "FIR": fir,
    "PSTH + FIR": partial(fir, on_psth=True),
    "PSTH by contrast and choice": psth_by_condition,
}
FILTERS = ("FIR", "PSTH + FIR")  # of the behaviour


def baselines_of(task: EncodingTask) -> tuple[str, ...]:
    """The names of the baselines that the task allows: filters need behaviour to read."""
    return tuple(name for name in BASELINES if task.channels or name not in FILTERS)


def baseline_rates(task: EncodingTask) -> dict[str, Prediction]:
    """Every baseline's rates for every trial, Hz; without behaviour, those that need none."""
    return {name: BASELINES[name](task) for name in baselines_of(task)}
