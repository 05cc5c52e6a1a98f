"""Scores of predicted firing rates, and of the references that they are compared with.

R² compares squared errors with those of a reference: 1 is perfect, 0 as good as the reference, below 0 worse.
The reference decides what it means: relative to the mean of the training trials all of the prediction counts,
relative to their PSTH only what the model knows about the single trial.

Letters: K trials, T bins, R regions, D draws.
"""

import numpy as np
from jaxtyping import Bool, Float

from neurokit.arguments import explain_values
from neurokit.config import Count, Draws, Seed, check_integer
from neurokit.errors import DataError

Rates = Float[np.ndarray, "K T R"]
Bins = Bool[np.ndarray, "K T"]
ROUNDING = 1e-9  # of an R² or a correlation
NEAREST_SHIFT = 10  # trials; in Steinmetz 2019 about a minute, for which arousal and drift persist
FEWEST_SHIFTS = 39  # of which 97.5 % can lie below a score, so that p can be as small as 1/40


@explain_values
def r2(rates: Rates, predicted: Rates, reference: Rates, bins: Bins) -> Float[np.ndarray, "R"]:
    """1 - squared error of the prediction / squared error of the reference, per region.

    Only `bins` count; NaN where the reference makes no error. Raises DataError for other shapes, no
    bins, non-finite values.
    """
    error, scale = trial_errors(rates, predicted, bins), trial_errors(rates, reference, bins)
    return _quotient(error.sum(axis=0), scale.sum(axis=0))


@explain_values
def pooled_r2(rates: Rates, predicted: Rates, bins: Bins) -> float:
    """R² pooled over regions against one grand mean of the scored bins, as the first PupilEncoder.

    It credits constant differences between regions: predicting each region's mean already scores above 0.
    """
    error = trial_errors(rates, predicted, bins).sum()
    scored = rates[bins].astype(np.float64)
    [score] = _quotient(np.array([error]), np.array([((scored - scored.mean()) ** 2).sum()]))
    return float(score)


@explain_values
def pearson(rates: Rates, predicted: Rates, bins: Bins) -> Float[np.ndarray, "R"]:
    """Correlation over `bins`, per region; NaN where rates or prediction are constant."""
    _check(rates, predicted, bins)
    ours, theirs = (center_columns(values[bins].astype(np.float64)) for values in (predicted, rates))
    norms = np.sqrt((ours**2).sum(0) * (theirs**2).sum(0))
    return _quotient((ours * theirs).sum(0), norms, complement=False)


def center_columns(values: Float[np.ndarray, "M R"]) -> Float[np.ndarray, "M R"]:
    """Subtracts the mean; exactly 0 for a constant column, where a rounded mean would not be."""
    return np.where(values.min(axis=0) == values.max(axis=0), 0.0, values - values.mean(axis=0))


@explain_values
def trial_errors(rates: Rates, predicted: Rates, bins: Bins) -> Float[np.ndarray, "K R"]:
    """Squared error of each trial and region, summed over its bins."""
    _check(rates, predicted, bins)
    return np.where(bins[..., None], (rates - predicted) ** 2, 0).sum(axis=1, dtype=np.float64)


@explain_values
def block_bootstrap(
    rates: Rates,
    predicted: Rates,
    reference: Rates,
    bins: Bins,
    *,
    seed: int,
    draws: int = 1000,
    block: int = 5,
) -> Float[np.ndarray, "2 R"]:
    """95 % interval of `r2`: runs of `block` neighbouring scored trials are drawn with replacement.

    Neighbours share slow drift, so single trials drawn alone would make the interval too narrow
    (Künsch, Annals of Statistics 17, 1217-1241, 1989). With few trials the runs are shorter, at most a
    quarter of the trials, since a run of all trials would not be random. NaN for a region whose
    reference makes no error in any draw, as where its rate is constant.
    """
    seed, draws = check_integer("seed", seed, Seed), check_integer("draws", draws, Draws)
    block = check_integer("block", block, Count)
    scored = bins.any(axis=1)
    error, scale = (trial_errors(rates, p, bins)[scored] for p in (predicted, reference))
    trials = len(error)
    block = max(1, min(block, trials // 4))
    random = np.random.default_rng(seed)
    starts = random.integers(0, trials - block + 1, (draws, -(-trials // block)))
    drawn = (starts[..., None] + np.arange(block)).reshape(draws, -1)[:, :trials]  # D K
    scores = _quotient(error[drawn].sum(axis=1), scale[drawn].sum(axis=1))  # D R
    known = ~np.isnan(scores).all(axis=0)
    interval = np.full((2, scores.shape[1]), np.nan)
    interval[:, known] = np.nanpercentile(scores[:, known], [2.5, 97.5], axis=0)
    return interval


@explain_values
def shift_null(
    rates: Rates,
    predicted: Rates,
    reference: Rates,
    bins: Bins,
    *,
    nearest: int = NEAREST_SHIFT,
) -> Float[np.ndarray, "D R"]:
    """R² of each trial with the prediction made from a far one: the circular shifts by `nearest` or more.

    A model reads every trial on its own, so shifting its predictions equals shifting its inputs. What remains
    is what it knows without the behaviour of this trial. Neighbours are left out on both sides, also around
    the session's end: where pupil and rates change slowly, their trials are nearly this trial, and a null
    made of them would nearly be the score. D = K - 2 `nearest` + 1 shifts are left. Raises DataError for
    trials that leave none.
    """
    shifts = far_shifts(len(rates), nearest)
    if not len(shifts):
        raise DataError(
            f"{len(rates)} trials leave no shift by {nearest} trials or more; {2 * nearest} are needed."
        )
    scale = trial_errors(rates, reference, bins).sum(axis=0)
    scored = np.flatnonzero(bins.any(axis=1))
    own, counted = rates[scored], bins[scored]
    others = (predicted[(scored - shift) % len(rates)] for shift in shifts)
    errors = np.stack([trial_errors(own, other, counted).sum(axis=0) for other in others])
    return _quotient(errors, scale)


def far_shifts(trials: int, nearest: int = NEAREST_SHIFT) -> range:
    """The circular shifts of the trials by `nearest` or more in either direction."""
    return range(nearest, trials - nearest + 1)


@explain_values
def p_value(
    score: Float[np.ndarray, "R"],
    null: Float[np.ndarray, "D R"],
) -> Float[np.ndarray, "R"]:
    """The fraction of null scores that reach the score, itself included (Phipson and Smyth, 2010).

    A model that ignores the trial equals its null up to rounding, which counts as reaching. NaN where the
    score is NaN.
    """
    reached = (null >= score - ROUNDING).sum(axis=0)
    return np.where(np.isnan(score), np.nan, (1 + reached) / (1 + len(null)))


@explain_values
def split_half_reliability(
    counts: Float[np.ndarray, "N K T"],
    *,
    seed: int,
    draws: int = 20,
) -> float:
    """Correlation of two halves of a region's neurons beyond the PSTH, Spearman-Brown corrected.

    It is the mean over `draws` random halvings. The shared part is the most that a model of the region's mean
    rate could know. A halving is left out where one half is silent or the same in all trials. NaN where all
    are left out, and where the halves are exact opposites, for which the correction is undefined. Raises
    DataError for fewer than two neurons.
    """
    seed, draws = check_integer("seed", seed, Seed), check_integer("draws", draws, Draws)
    if len(counts) < 2:
        raise DataError(f"Reliability needs two neurons or more, found {len(counts)}.")
    random = np.random.default_rng(seed)
    alike = np.ptp(counts, axis=1, keepdims=True) == 0  # their rounded mean may differ from them
    residual = np.where(alike, 0, counts - counts.mean(axis=1, keepdims=True))
    half = len(counts) // 2
    found = []
    for _ in range(draws):
        order = random.permutation(len(counts))
        first, second = residual[order[:half]].mean(0), residual[order[half : 2 * half]].mean(0)
        if first.any() and second.any():
            found.append(np.corrcoef(first.ravel(), second.ravel())[0, 1])
    mean = float(np.mean(found)) if found else np.nan
    return 2 * mean / (1 + mean) if mean > ROUNDING - 1 else np.nan


def _quotient(over: np.ndarray, under: np.ndarray, *, complement: bool = True) -> np.ndarray:
    """over / under, or one minus it; NaN where `under` is 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.where(under > 0, over / np.where(under > 0, under, 1), np.nan)
    return 1 - found if complement else found


def _check(rates: np.ndarray, predicted: np.ndarray, bins: np.ndarray) -> None:
    if rates.shape != predicted.shape or bins.shape != rates.shape[:2]:
        raise DataError(
            f"Shapes differ: rates {rates.shape}, predicted {predicted.shape}, bins {bins.shape}."
        )
    if not bins.any():
        raise DataError("There is no bin to score; check the split and the mask.")
    if not np.isfinite(predicted[bins]).all() or not np.isfinite(rates[bins]).all():
        finding = "Rates or prediction hold NaN or infinite values in scored bins"
        raise DataError(f"{finding}; check the inputs.")
