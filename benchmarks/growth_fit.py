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


def line(sizes: Numbers, values: Numbers) -> tuple[float, float]:
    """The fixed part and that of each unit, neither below zero, with the least relative errors; or NaN."""
    x, y = np.asarray(sizes, dtype=float), np.maximum(np.asarray(values, dtype=float), 1e-9)
    if np.isnan(y).any():
        return float("nan"), float("nan")
    scale = x.max()  # keeps both columns of about one size
    fixed, each = nnls(np.stack([1 / y, x / scale / y], axis=1), np.ones(len(y)))[0]
    return float(fixed), float(each / scale)


def ahead(sizes: Numbers, values: Numbers, size: float) -> float:
    """What the line says of another size."""
    fixed, each = line(sizes, values)
    return fixed + each * size


def last_foretold(sizes: Numbers, values: Numbers) -> float:
    """What the line through all smaller sizes says of the largest, as a share of what was measured there."""
    return ahead(sizes[:-1], values[:-1], sizes[-1]) / max(values[-1], 1e-9)
