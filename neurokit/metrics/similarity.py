"""Representational similarity: do two populations find the same stimuli alike?

Kriegeskorte, Mur and Bandettini, Frontiers in Systems Neuroscience 2, 4 (2008). The dissimilarity of two
stimuli is one minus the correlation of the population's responses to them; two populations, such as cells and
a network's units, are compared by the rank correlation of their dissimilarities.

Letters: K stimuli, N units, R repeats, D pairs of stimuli, K (K - 1) / 2.
"""

import numpy as np
from jaxtyping import Float, Integer, Real
from scipy.spatial.distance import pdist
from scipy.stats import rankdata

from neurokit.arguments import explain_values
from neurokit.errors import DataError

FEWEST = 3  # stimuli and units, below which all dissimilarities are alike


@explain_values
def dissimilarity(responses: Real[np.ndarray, "K N"], *, z_scored: bool = True) -> Float[np.ndarray, "D"]:
    """One minus the correlation of each pair of stimuli, in the order of numpy.triu_indices(K, 1).

    `z_scored` gives each unit mean 0 and variance 1 over stimuli first, so that units of high rate weigh no
    more than others; units that never change are left out. Raises DataError for fewer than three stimuli or
    units that change, and for values that are not finite.
    """
    values = responses.astype(np.float64)
    if values.ndim != 2 or not np.isfinite(values).all():
        raise DataError(
            "responses must be stimuli x units without NaN; average repeats and leave such units out."
        )
    values = values[:, np.ptp(values, axis=0) > 0]
    if min(values.shape) < FEWEST:
        stimuli, units = values.shape
        raise DataError(
            f"{stimuli} stimuli and {units} units that change; a comparison needs {FEWEST} of each."
        )
    if z_scored:
        values = (values - values.mean(axis=0)) / values.std(axis=0)
    return pdist(values, "correlation")


@explain_values
def rsa(one: Float[np.ndarray, "D"], other: Float[np.ndarray, "_"]) -> float:
    """Rank correlation of two populations' dissimilarities; pairs without one, NaN, are left out.

    Raises DataError for different numbers of pairs.
    """
    if one.shape != other.shape:
        raise DataError(f"{len(one)} and {len(other)} pairs of stimuli; give both for the same stimuli.")
    known = np.isfinite(one) & np.isfinite(other)
    if known.sum() < FEWEST:
        return float("nan")
    return float(np.corrcoef(rankdata(one[known]), rankdata(other[known]))[0, 1])


@explain_values
def split_half_rsa(
    responses: Real[np.ndarray, "T N"],
    stimuli: Integer[np.ndarray, "T"],
    *,
    seed: int = 0,
    z_scored: bool = True,
) -> float:
    """The `rsa` of two halves of the repeats of each stimulus, drawn by a seed; T single trials.

    A lower bound of what another population can reach with the mean of all repeats: halves are noisier than
    that mean. Raises DataError where a stimulus was shown once.
    """
    random = np.random.default_rng(seed)
    shuffled = random.permutation(len(stimuli))
    order = shuffled[np.argsort(stimuli[shuffled], kind="stable")]
    known, first, counts = np.unique(stimuli[order], return_index=True, return_counts=True)
    if counts.min() < 2:
        raise DataError(f"Stimulus {known[counts.argmin()]} was shown once; halves need two repeats.")
    rank = np.arange(len(order)) - np.repeat(first, counts)
    halves = (
        average_repeats(responses[order[rank % 2 == part]], stimuli[order[rank % 2 == part]])
        for part in (0, 1)
    )
    one, other = (dissimilarity(half, z_scored=z_scored) for half in halves)
    return rsa(one, other)


@explain_values
def average_repeats(
    responses: Real[np.ndarray, "T N"], stimuli: Integer[np.ndarray, "T"]
) -> Float[np.ndarray, "K N"]:
    """The mean response to each stimulus, in ascending order of their numbers."""
    _, place, counts = np.unique(stimuli, return_inverse=True, return_counts=True)
    sums = np.zeros((len(counts), responses.shape[1]))
    np.add.at(sums, place, responses)
    return sums / counts[:, None]
