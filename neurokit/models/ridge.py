"""Ridge regression whose penalty is selected on validation rows.

Letters: K rows, J columns of a design, N neurons, P penalties.
"""

from collections.abc import Iterable

import numpy as np
from jaxtyping import Float
from sklearn.linear_model import Ridge

Rows = tuple[Float[np.ndarray, "_K J"], Float[np.ndarray, "_K N"]]  # each part has its own number of rows
SWAY = 0.1  # of the error of all others, that a single neuron may cost them
FEWEST = 10  # neurons; of fewer, each has a fair share in the choice


class NeuronRidge(Ridge):
    """scikit-learn's, whose predictions have an axis of neurons also where there is one neuron."""

    def predict(self, design: Float[np.ndarray, "K J"]) -> Float[np.ndarray, "K N"]:
        """A row of rates for each of the design."""
        return super().predict(design).reshape(len(design), -1)


def best_ridge(train: Rows, validation: Rows, penalties: Iterable[float]) -> NeuronRidge:
    """The model with the least squared error on validation rows; each part is (design, rates).

    All neurons share one penalty. Of ten or more, a single one that makes the others' error larger by more
    than 10 %, such as one with an outlier, has no say in it; two with like outliers hide one another.
    """
    models = [NeuronRidge(alpha=float(penalty)).fit(*train) for penalty in penalties]
    design, wanted = validation
    errors = [((model.predict(design) - wanted) ** 2).mean(axis=0) for model in models]
    return models[_choose(np.array(errors, dtype=np.float64))]


def _choose(errors: Float[np.ndarray, "P N"]) -> int:
    """Which penalty has the least error over the neurons, without those that sway all others."""
    while errors.shape[1] >= FEWEST:
        total = errors.sum(axis=1)
        before, after = errors.cumsum(axis=1), errors[:, ::-1].cumsum(axis=1)[:, ::-1]
        others = np.pad(before[:, :-1], ((0, 0), (1, 0))) + np.pad(
            after[:, 1:], ((0, 0), (0, 1))
        )  # no rounding
        least = others.min(axis=0)
        cost = others[np.argmin(total)] - least
        swaying = np.argmax(cost - SWAY * least)
        if not cost[swaying] > SWAY * least[swaying]:
            break
        errors = np.delete(errors, swaying, axis=1)
    return int(np.argmin(errors.sum(axis=1)))
