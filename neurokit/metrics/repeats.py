"""Scores of responses to a stimulus that was shown several times, beside what its noise allows.

A repeated response is a signal, the same in each repeat, and noise. From R repeats y_r the power of the
signal is (Sahani and Linden, NIPS 15, 2003)

    SP = (var(sum of y_r) - sum of var(y_r)) / (R (R - 1)),

with variances over frames. CC_abs is the correlation of a prediction with the mean over repeats. A perfect
prediction of the signal would reach CC_max = sqrt(SP / var(mean of y_r)), and CC_norm = CC_abs / CC_max
(Schoppe et al., Frontiers in Computational Neuroscience 10, 10, 2016). What varies between repeats counts
as noise here, even where running explains it, so a model that reads running may come out above 1.

Letters: R repeats, F frames, N neurons.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from neurokit.errors import DataError
from neurokit.metrics.neurons import correlation


@dataclass(frozen=True, eq=False)
class RepeatScores:
    """How well each neuron is predicted, N each.

    Attributes:
        single_trial: correlation over all frames of all repeats.
        cc_abs: correlation of the means over repeats, of responses and of predictions.
        cc_max: the highest `cc_abs` that the noise allows a prediction of the signal; 0 without signal.
        cc_norm: `cc_abs` / `cc_max`; NaN without signal.
        absolute_error: mean over frames and repeats, in the unit of the responses.
    """

    single_trial: Float[np.ndarray, "N"]
    cc_abs: Float[np.ndarray, "N"]
    cc_max: Float[np.ndarray, "N"]
    cc_norm: Float[np.ndarray, "N"]
    absolute_error: Float[np.ndarray, "N"]


def repeat_scores(
    responses: Float[np.ndarray, "R F N"], predictions: Float[np.ndarray, "R F N"]
) -> RepeatScores:
    """All scores of each neuron.

    Raises DataError for other shapes, fewer than two repeats or frames, and values that are not finite.
    """
    if responses.shape != predictions.shape:
        raise DataError(
            f"responses are {responses.shape}, predictions {predictions.shape}; give the same R F N."
        )
    ceiling, neurons = cc_max(responses), responses.shape[-1]
    found = correlation(responses.mean(axis=0), predictions.mean(axis=0))
    with np.errstate(divide="ignore", invalid="ignore"):
        normalised = np.where(ceiling > 0, found / ceiling, np.nan)
    return RepeatScores(
        single_trial=correlation(responses.reshape(-1, neurons), predictions.reshape(-1, neurons)),
        cc_abs=found,
        cc_max=ceiling,
        cc_norm=normalised,
        absolute_error=np.abs(responses - predictions).mean(axis=(0, 1), dtype=np.float64),
    )


def cc_max(responses: Float[np.ndarray, "R F N"]) -> Float[np.ndarray, "N"]:
    """The correlation with the mean over repeats that a perfect prediction of the signal would reach.

    0 where no signal is found, which by chance may also happen to a weak one. Raises DataError for fewer
    than two repeats or frames, and for values that are not finite.
    """
    repeats, frames, _ = responses.shape
    if repeats < 2 or frames < 2:
        raise DataError(f"There are {repeats} repeats of {frames} frames; a ceiling needs two of each.")
    if not np.isfinite(responses).all():
        raise DataError("Responses hold NaN or infinite values; leave those neurons or frames out.")
    responses = responses.astype(np.float64)
    total, single = responses.sum(axis=0).var(axis=0), responses.var(axis=1).sum(axis=0)
    signal = (total - single) / (repeats * (repeats - 1))
    flat = np.ptp(responses.mean(axis=0), axis=0) == 0
    mean = np.where(flat, 1, total / repeats**2)
    return np.sqrt(np.clip(np.where(flat, 0, signal / mean), 0, 1))
