"""Ridge regression whose penalty is selected on validation rows.

Letters: K rows, J columns of a design, N neurons.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.linalg import solve

Rows = tuple[Float[np.ndarray, "_K J"], Float[np.ndarray, "_K N"]]  # each part has its own number of rows


@dataclass(frozen=True, eq=False)
class RidgeModel:
    """Rates as weighted sums of a design's columns."""

    weights: Float[np.ndarray, "J N"]
    offset: Float[np.ndarray, "N"]

    def predict(self, design: Float[np.ndarray, "K J"]) -> Float[np.ndarray, "K N"]:
        """The rates of each row."""
        return design @ self.weights + self.offset


def best_ridge(train: Rows, validation: Rows, penalties: Iterable[float]) -> RidgeModel:
    """The model with the least squared error on validation rows; each part is (design, rates)."""
    models = _fitted(*train, penalties)
    design, wanted = validation
    # for one neuron a prediction has no axis of neurons, which the difference would broadcast
    errors = [((model.predict(design).reshape(wanted.shape) - wanted) ** 2).mean() for model in models]
    return models[int(np.argmin(errors))]


def _fitted(
    design: Float[np.ndarray, "K J"], rates: Float[np.ndarray, "K N"], penalties: Iterable[float]
) -> list[RidgeModel]:
    """A model for each penalty; sums over rows, or over columns where these are more, are made once."""
    mean, level = design.mean(axis=0), rates.mean(axis=0)
    columns, wanted = design - mean, rates - level
    wide = len(columns) < columns.shape[1]
    products = columns @ columns.T if wide else columns.T @ columns
    target = wanted if wide else columns.T @ wanted
    models = []
    for penalty in penalties:
        penalised = products.copy()
        penalised.flat[:: len(products) + 1] += penalty
        found = solve(penalised, target, assume_a="pos", overwrite_a=True)
        weights = columns.T @ found if wide else found
        models.append(RidgeModel(weights, level - mean @ weights))
    return models
