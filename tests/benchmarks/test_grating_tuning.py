"""Separable tuning: a planted product is completed, a table that is none is not."""

import itertools

import numpy as np
import pytest

from gratings.splits import split_conditions
from gratings.tuning import separable, separable_tuning
from neurokit.errors import DataError

CELLS, ROWS, COLUMNS = 6, 8, 15


def planted(seed: int = 0) -> np.ndarray:
    """A product of positive curves for each cell."""
    random = np.random.default_rng(seed)
    return random.gamma(2, 1, (CELLS, ROWS, 1)) * random.gamma(2, 1, (CELLS, 1, COLUMNS))


def mask(missing: float = 0.2, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).random((ROWS, COLUMNS)) > missing


def correlations(found: np.ndarray, table: np.ndarray, where: np.ndarray) -> np.ndarray:
    return np.array([np.corrcoef(a[where], b[where])[0, 1] for a, b in zip(found, table, strict=True)])


def test_a_product_is_completed_where_it_was_never_seen() -> None:
    table, seen = planted(), mask()
    assert 15 < (~seen).sum() < 40
    given = np.where(seen, table, np.nan)
    np.testing.assert_allclose(separable(given, seen), table, rtol=1e-3)


def test_with_noise_the_unseen_is_predicted_better_than_it_could_be_measured() -> None:
    table, seen = planted(), mask()
    noisy = table + 0.3 * np.random.default_rng(2).normal(size=table.shape)
    found = separable(noisy, seen)
    unseen = (~seen)[None] & np.ones((CELLS, 1, 1), dtype=bool)
    assert np.abs(found - table)[unseen].mean() < np.abs(noisy - table)[unseen].mean()


def test_a_table_that_is_no_product_is_not_predicted() -> None:
    """Control: every column prefers a row of its own."""
    rows, columns = np.arange(ROWS)[:, None], np.arange(COLUMNS)
    preferred = np.random.default_rng(3).integers(0, ROWS, (CELLS, 1, COLUMNS))
    table = np.exp(-((rows - preferred) ** 2) / 2.0) + 0 * columns
    seen = mask()
    assert correlations(separable(table, seen), table, ~seen).mean() < 0.4
    assert correlations(separable(planted(), seen), planted(), ~seen).min() > 0.99


def test_cells_do_not_touch_each_other_and_the_unseen_is_not_read() -> None:
    table, seen = planted(), mask()
    alone = np.concatenate([separable(table[[cell]], seen) for cell in range(CELLS)])
    np.testing.assert_allclose(separable(table, seen), alone, rtol=1e-3)
    np.testing.assert_array_equal(separable(np.where(seen, table, 1e6), seen), separable(table, seen))
    silent = np.zeros_like(table)
    np.testing.assert_array_equal(separable(silent, seen), silent)


def test_what_cannot_be_completed_is_refused() -> None:
    table, seen = planted(), mask()
    seen[3] = False
    with pytest.raises(DataError, match="row 3 was never seen"):
        separable(table, seen)
    seen = mask()
    seen[:, 4] = False
    with pytest.raises(DataError, match="column 4 was never seen"):
        separable(table, seen)
    table[0][mask()] = np.nan
    with pytest.raises(DataError, match="NaN where it was seen"):
        separable(table, mask())


def courses(samples: int = 6, seed: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """C T N of the planted kind a(direction) b(frequency, time), in mixed order with two blanks, and C 2."""
    random = np.random.default_rng(seed)
    by_direction, by_rest = random.gamma(2, 1, (8, CELLS)), random.gamma(2, 1, (5, samples, CELLS))
    pairs = list(itertools.product(range(8), range(5)))
    random.shuffle(pairs)
    table = [by_direction[d] * by_rest[f] for d, f in pairs] + 2 * [np.full((samples, CELLS), 100.0)]
    labels = [(45.0 * d, (1, 2, 4, 8, 15)[f]) for d, f in pairs] + 2 * [(np.nan, np.nan)]
    return np.stack(table), np.array(labels)


def test_held_out_time_courses_are_completed_from_those_that_were_seen() -> None:
    found, labels = courses()
    parts = split_conditions(labels, seed=0)
    hidden = found.copy()
    hidden[parts.test] = np.nan
    predicted = separable_tuning(hidden, labels, parts.train, parts.test)
    np.testing.assert_allclose(predicted, found[parts.test], rtol=1e-2)
    mixed = labels.copy()
    mixed[:40] = labels[np.random.default_rng(0).permutation(40)]  # control: labels of others
    wrong = separable_tuning(hidden, mixed, parts.train, parts.test)
    assert np.corrcoef(wrong.ravel(), found[parts.test].ravel())[0, 1] < 0.9 < 0.999


def test_a_wanted_condition_of_an_unseen_direction_is_refused() -> None:
    found, labels = courses()
    wanted = np.flatnonzero(labels[:, 0] == 90.0)[:1]
    seen = np.flatnonzero(labels[:, 0] != 90.0)
    with pytest.raises(DataError, match="row 2 was never seen"):
        separable_tuning(found, labels, seen, wanted)
