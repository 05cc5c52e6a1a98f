"""Separable tuning: what a cell that multiplies two preferences would do to gratings it was never shown.

The table of a cell's responses, its rows directions and its columns everything else (temporal frequency
and time, or spatial frequency and phase), is the product of a row curve and a column curve: for drifting
gratings response(direction, frequency, time) = a(direction) b(frequency, time). Both come from the seen
entries by alternating least squares, which is exact where the table is of rank one (Wold, 1966).

Letters: C conditions, J numbers that name one, T samples of a trial, N cells, A rows, M columns, S seen and
W wanted conditions.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

from neurokit.errors import DataError

ROUNDS = 200
TOLERANCE = 1e-9  # of the seen entries' power, that a round must take off the error


def separable_tuning(
    courses: Float[np.ndarray, "C T N"],
    conditions: Float[np.ndarray, "C J"],
    seen: Int[np.ndarray, "S"],
    wanted: Int[np.ndarray, "W"],
) -> Float[np.ndarray, "W T N"]:
    """Time courses of the wanted conditions, from those of the conditions that were seen.

    The first number of a condition names its row, the others with time its column; blanks (NaN) say
    nothing. Raises DataError for a wanted condition of which one or the other was never seen.
    """
    seen = seen[~np.isnan(conditions[seen]).any(axis=1)]
    used, T, N = np.concatenate([seen, wanted]), *courses.shape[1:]
    rows, row = np.unique(conditions[used, 0], return_inverse=True)
    columns, column = np.unique(conditions[used, 1:], axis=0, return_inverse=True)
    known, asked = np.split(np.stack([row, column.ravel()]), [len(seen)], axis=1)
    table = np.zeros((len(rows), len(columns), T, N))
    there = np.zeros(table.shape[:2], dtype=bool)
    table[*known], there[*known] = courses[seen], True
    flat = np.moveaxis(table, -1, 0).reshape(N, len(rows), -1)  # N A M
    product = separable(flat, np.repeat(there, T, axis=1)).reshape(N, *table.shape[:3])
    return np.moveaxis(product[:, *asked], 0, -1)


def separable(table: Float[np.ndarray, "N A M"], seen: Bool[np.ndarray, "A M"]) -> Float[np.ndarray, "N A M"]:
    """The product for all entries, fitted to those of `table` that were seen.

    What was not seen is not read and may be NaN. Raises DataError for a row or column that was never seen,
    and for seen entries of NaN.
    """
    _check(table, seen)
    known = np.where(seen, table.astype(np.float64), 0)
    columns = known.sum(axis=1) / seen.sum(axis=0)  # N M
    error = np.inf
    for _ in range(ROUNDS):
        rows = _best(np.einsum("nam,nm->na", known, columns), (columns**2) @ seen.T.astype(float))
        columns = _best(np.einsum("nam,na->nm", known, rows), (rows**2) @ seen.astype(float))
        product = rows[:, :, None] * columns[:, None]
        before, error = error, (np.where(seen, known - product, 0) ** 2).sum()
        if before - error <= TOLERANCE * (known**2).sum():
            break
    return product


def _best(products: Float[np.ndarray, "N _"], powers: Float[np.ndarray, "N _"]) -> Float[np.ndarray, "N _"]:
    """Least squares of one factor given the other; 0 where the other is 0."""
    return np.divide(products, powers, out=np.zeros_like(products), where=powers > 0)


def _check(table: Float[np.ndarray, "N A M"], seen: Bool[np.ndarray, "A M"]) -> None:
    for name, axis in (("row", 1), ("column", 0)):
        if len(never := np.flatnonzero(~seen.any(axis=axis))):
            raise DataError(f"{name} {never[0]} was never seen; keep one entry of each {name} in training.")
    if not np.isfinite(table[:, seen]).all():
        raise DataError("table has NaN where it was seen; mark those entries as not seen.")
