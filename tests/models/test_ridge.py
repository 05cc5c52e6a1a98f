"""Ridge regression: scikit-learn's best on validation rows, with more rows than columns and fewer."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from neurokit.models.ridge import best_ridge

PENALTIES = (0.1, 1.0, 10.0, 1e3, 1e6)


@pytest.mark.parametrize("neurons", [1, 3])
@pytest.mark.parametrize("signal", [0.0, 3.0])
@pytest.mark.parametrize("rows", [60, 12])
def test_it_is_the_best_of_scikit_learns(rows: int, signal: float, neurons: int) -> None:
    random = np.random.default_rng(0)
    design = random.standard_normal((rows + 30, 20)) + 3
    noise = 2 * random.standard_normal((rows + 30, neurons)) - 5
    rates = signal * design @ random.standard_normal((20, neurons)) + noise
    train, validation = (design[:rows], rates[:rows]), (design[rows:], rates[rows:])
    theirs = [
        Ridge(alpha=penalty).fit(*train).predict(design).reshape(len(design), neurons)
        for penalty in PENALTIES
    ]
    errors = [((found[rows:] - rates[rows:]) ** 2).mean() for found in theirs]
    ours = best_ridge(train, validation, PENALTIES).predict(design)
    np.testing.assert_allclose(ours, theirs[int(np.argmin(errors))], atol=1e-9)
    assert (signal > 0) == (PENALTIES[int(np.argmin(errors))] < 1e3)  # noise alone wants a large one


def test_float32_stays_float32() -> None:
    random = np.random.default_rng(1)
    design, rates = (random.standard_normal(shape).astype(np.float32) for shape in ((50, 6), (50, 2)))
    found = best_ridge((design, rates), (design, rates), [1.0, 10.0]).predict(design)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, Ridge(alpha=1.0).fit(design, rates).predict(design), atol=1e-4)


@pytest.mark.parametrize("row", [3, 70])  # in training, in validation
@pytest.mark.parametrize("outlier", [30.0, 1e4, 1e12])
def test_one_neuron_with_an_outlier_costs_the_others_nothing(row: int, outlier: float) -> None:
    """It costs the others a tenth at most; with plain sums it may cost them half as much again."""
    random = np.random.default_rng(2)
    design = random.standard_normal((140, 40))
    rates = design @ random.standard_normal((40, 30)) + random.standard_normal((140, 30))
    rates[row, 0] += outlier
    train, validation = ((design[rows], rates[rows]) for rows in (slice(0, 60), slice(60, None)))

    def error_of_others(model: Ridge) -> float:
        return float(((model.predict(validation[0]) - validation[1])[:, 1:] ** 2).mean())

    every = [Ridge(alpha=penalty).fit(*train) for penalty in PENALTIES]
    best = min(map(error_of_others, every))
    assert error_of_others(best_ridge(train, validation, PENALTIES)) < 1.1 * best
    if (row, outlier) == (3, 1e4):
        plain = min(every, key=lambda model: ((model.predict(validation[0]) - validation[1]) ** 2).mean())
        assert error_of_others(plain) > 1.5 * best


def test_neurons_that_never_change_do_not_choose() -> None:
    """Dead ones have no variance to count by."""
    random = np.random.default_rng(3)
    design = random.standard_normal((90, 10))
    rates = np.c_[design @ random.standard_normal((10, 1)), np.ones((90, 3))]
    for chosen in (rates, rates[:, :1], rates[:, 1:]):
        part = design, chosen
        assert best_ridge(part, part, PENALTIES).alpha == PENALTIES[0]
