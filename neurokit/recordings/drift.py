"""Slow drift: how much of the activity time alone predicts, under a random split and under a blocked one.

A random split puts neighbours of each test row into training, so that whatever changes slowly is predicted
without any stimulus or behaviour. A blocked split holds out whole stretches of the session.

Letters: K rows, J functions of time, n units.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from neurokit.models.ridge import best_ridge
from neurokit.recordings.intervals import FEWEST_ROWS, Rows

FOLDS = 8
FUNCTIONS = 12  # cosines, the fastest with six periods in the session
PENALTIES = tuple(10.0**power for power in (-4, -2, -1, 0, 1, 2))  # times the number of rows


@dataclass(frozen=True, eq=False)
class Drift:
    """Share of the variance of rows that slow functions of time predict, cross-validated.

    Attributes:
        random: of each unit, random split; below 0 where time alone predicts worse than the mean.
        blocked: the same, blocked split.
        mean_random: of the mean over units, random split.
        mean_blocked: the same, blocked split.
        slow: the mean over units as fitted by all rows, K, NaN where not measured.
    """

    random: Float[np.ndarray, "n"]
    blocked: Float[np.ndarray, "n"]
    mean_random: float
    mean_blocked: float
    slow: Float[np.ndarray, "K"]

    @property
    def flattered(self) -> float:
        """By how much a random split flatters: the median over units of the difference, at least 0."""
        return max(0.0, float(np.median(self.random - np.maximum(self.blocked, 0))))


def measure_drift(rows: Rows, seed: int = 0) -> Drift | None:
    """Of the units without a missing value; None for fewer than 40 rows, or where no unit varies."""
    measured = np.isfinite(rows.values).mean(axis=1) > 0.5
    values = rows.values[measured].astype(float)
    values = values[:, np.isfinite(values).all(axis=0)]
    values = values[:, np.ptp(values, axis=0) > 0] if len(values) else values
    if len(values) < FEWEST_ROWS or not values.shape[1]:
        return None
    basis = cosines(rows.time[measured])
    scaled = (values - values.mean(axis=0)) / values.std(axis=0)
    together = np.column_stack([scaled, values.mean(axis=1)])
    folds = np.arange(len(values)) * FOLDS // len(values)
    blocked = _predicted(basis, together, folds)
    random = _predicted(basis, together, np.random.default_rng(seed).permutation(folds))
    slow = np.full(len(measured), np.nan)
    slow[measured] = _smooth(basis, values.mean(axis=1))
    return Drift(random[:-1], blocked[:-1], float(random[-1]), float(blocked[-1]), slow)


def cosines(time: Float[np.ndarray, "K"], functions: int = FUNCTIONS) -> Float[np.ndarray, "K J"]:
    """Slow functions of time: half periods 1 to J of a cosine over the session."""
    place = (time - time[0]) / max(time[-1] - time[0], 1e-12)
    return np.cos(np.pi * place[:, None] * np.arange(1, functions + 1))


def _predicted(
    basis: Float[np.ndarray, "K J"], values: Float[np.ndarray, "K n"], folds: Int[np.ndarray, "K"]
) -> Float[np.ndarray, "n"]:
    """R² of the held-out rows beyond the mean of the training rows; the next fold chooses the penalty."""
    error, scale = np.zeros((2, values.shape[1]))
    for fold in range(FOLDS):
        test, choosing = folds == fold, folds == (fold + 1) % FOLDS
        train = ~(test | choosing)
        parts = [(basis[each], values[each]) for each in (train, choosing)]
        model = best_ridge(parts[0], parts[1], [train.sum() * penalty for penalty in PENALTIES])
        model.fit(basis[~test], values[~test])  # once more, with the rows that chose its penalty
        error += ((values[test] - model.predict(basis[test])) ** 2).sum(axis=0)
        scale += ((values[test] - values[~test].mean(axis=0)) ** 2).sum(axis=0)
    return 1 - error / np.where(scale > 0, scale, 1)


def _smooth(basis: np.ndarray, mean: np.ndarray) -> Float[np.ndarray, "K"]:
    design = np.column_stack([np.ones(len(basis)), basis])
    return design @ np.linalg.lstsq(design, mean, rcond=None)[0]
