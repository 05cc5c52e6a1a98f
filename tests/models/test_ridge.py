"""Ridge regression: equal to scikit-learn's, with more rows than columns and with fewer."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from neurokit.models.ridge import best_ridge

PENALTIES = (0.1, 1.0, 10.0, 1e3)


@pytest.mark.parametrize("rows", [60, 12])
def test_it_is_the_best_of_scikit_learns(rows: int) -> None:
    random = np.random.default_rng(0)
    design = random.standard_normal((rows + 30, 20)) + 3
    rates = design @ random.standard_normal((20, 4)) + 2 * random.standard_normal((rows + 30, 4)) - 5
    train, validation = (design[:rows], rates[:rows]), (design[rows:], rates[rows:])
    theirs = [Ridge(alpha=penalty).fit(*train).predict(design) for penalty in PENALTIES]
    errors = [((found[rows:] - rates[rows:]) ** 2).mean() for found in theirs]
    ours = best_ridge(train, validation, PENALTIES).predict(design)
    np.testing.assert_allclose(ours, theirs[int(np.argmin(errors))], atol=1e-9)


def test_float32_stays_float32() -> None:
    random = np.random.default_rng(1)
    design, rates = (random.standard_normal(shape).astype(np.float32) for shape in ((50, 6), (50, 2)))
    found = best_ridge((design, rates), (design, rates), [1.0, 10.0]).predict(design)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, Ridge(alpha=1.0).fit(design, rates).predict(design), atol=1e-4)
