"""Ridge regression whose penalty is selected on validation rows."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from neurokit.models.ridge import best_ridge

PENALTIES = (1e-3, 1.0, 1e3, 1e6)


@pytest.mark.parametrize("neurons", [1, 3])
@pytest.mark.parametrize("signal", [0.0, 3.0])
def test_the_penalty_of_the_least_error_on_validation_rows_is_chosen(neurons: int, signal: float) -> None:
    random = np.random.default_rng(0)
    design = random.normal(size=(60, 8))
    wanted = signal * design[:, :neurons] + random.normal(size=(60, neurons))
    train, validation = (design[:40], wanted[:40]), (design[40:], wanted[40:])
    errors = {}
    for penalty in PENALTIES:
        predicted = Ridge(alpha=penalty).fit(*train).predict(validation[0]).reshape(-1, neurons)
        errors[penalty] = ((predicted - validation[1]) ** 2).mean()
    assert best_ridge(train, validation, PENALTIES).alpha == min(errors, key=errors.__getitem__)
