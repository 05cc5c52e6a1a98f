"""How a figure grows with a size: the exponent on double logarithmic axes, and the line to look ahead by.

Work that has a part which does not depend on the size looks like a low power of it, and becomes a higher one
as the size grows. So beside the exponent over all sizes there is that of the upper half, and it is the line
(a fixed part and a part for each unit) that is drawn on beyond what was measured.
"""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import nnls

Numbers = Sequence[float]


def exponent(sizes: Numbers, values: Numbers, least: float = 0.0) -> float:
    """b of values = a * sizes ** b by least squares of logarithms; a value below `least` counts as that.

    NaN where a value is NaN. Raises ValueError for fewer than two sizes.
    """
    if len(sizes) < 2:
        raise ValueError(f"{len(sizes)} size cannot tell a growth; measure two or more.")
    if np.isnan(values).any():
        return float("nan")
    return float(np.polyfit(np.log(sizes), np.log(np.maximum(values, least)), 1)[0])


def upper(values: Numbers) -> Numbers:
    """The upper half, the middle one included."""
    return values[(len(values) - 1) // 2 :]


def line(sizes: Numbers, values: Numbers, least: float = 0.0) -> tuple[float, float]:
    """The fixed part and that of each unit, neither below zero, with the least relative errors.

    A rise of `least` or less from the smallest to the largest size counts as none. NaN where a value is NaN.
    """
    x, y = np.asarray(sizes, dtype=float), np.maximum(np.asarray(values, dtype=float), 1e-9)
    if np.isnan(y).any():
        return float("nan"), float("nan")
    columns = np.stack([1 / y, x / x.max() / y], axis=1)  # of about one size
    fixed, at_largest = nnls(columns, np.ones(len(y)))[0]
    if at_largest * np.ptp(x) / x.max() <= least:
        return float(np.median(y)), 0.0
    return float(fixed), float(at_largest / x.max())


def largest_foretold(sizes: Numbers, values: Numbers, least: float = 0.0) -> float:
    """What the line through all smaller sizes says of the largest, as a share of what was measured there."""
    fixed, each = line(sizes[:-1], values[:-1], least)
    return (fixed + each * sizes[-1]) / max(values[-1], 1e-9)
