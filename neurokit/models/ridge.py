"""Ridge regression whose penalty is selected on validation rows.

Letters: K rows, J columns of a design, N neurons.
"""

from collections.abc import Iterable

import numpy as np
from jaxtyping import Float
from sklearn.linear_model import Ridge

Rows = tuple[Float[np.ndarray, "_K J"], Float[np.ndarray, "_K N"]]  # each part has its own number of rows


def best_ridge(train: Rows, validation: Rows, penalties: Iterable[float]) -> Ridge:
    """The model with the least squared error on validation rows; each part is (design, rates)."""
    models = [Ridge(alpha=float(penalty)).fit(*train) for penalty in penalties]
    design, wanted = validation
    # for one neuron a prediction has no axis of neurons, which the difference would broadcast
    errors = [((model.predict(design).reshape(wanted.shape) - wanted) ** 2).mean() for model in models]
    return models[int(np.argmin(errors))]
