"""What one study of "where it pays" consists of, and where a model pays."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Study:
    """Scores of rivals against an amount of something, over several simulated mice.

    Attributes:
        expected: the setting in which the model should win, or not, written before the first run on `seeds`.
        amount: name and unit of the horizontal axis.
        score: name of the vertical one.
        simple, model, ceiling: the names of these three rivals in the rows; others are drawn thin.
        amounts: where it is asked.
        seeds: one mouse each; others than those that anything was tried on.
        run: rows {"amount", "model", "score"} of a seed at the given amounts. A ceiling that does not depend
            on the amount may have one row without it.
        worth: the least lead that is worth its price.
        logarithmic: whether the horizontal axis is.
    """

    expected: str
    amount: str
    score: str
    simple: str
    model: str
    ceiling: str
    amounts: tuple[float, ...]
    seeds: tuple[int, ...]
    run: Callable[[int, tuple[float, ...]], Iterable[dict[str, Any]]]
    worth: float = 0.0
    logarithmic: bool = True


def stretches(
    amounts: np.ndarray, leads: np.ndarray, *, worth: float = 0.0, logarithmic: bool = True
) -> list[tuple[float, float]]:
    """Where the mean lead is above `worth`, and no seed is behind: from which amount to which, ascending.

    `leads` are amounts x seeds. Between two amounts the end is where the straight lines of the picture meet;
    beside an amount at which the mean leads and a seed does not, the end is the last at which all do.
    """
    places = np.log(amounts) if logarithmic else np.asarray(amounts, dtype=float)
    above = leads.mean(axis=1) - worth
    above = np.where((above > 0) & (leads.min(axis=1) <= 0), -np.inf, above)
    signs = np.concatenate([[False], above > 0, [False]])
    starts, ends = np.flatnonzero(~signs[:-1] & signs[1:]), np.flatnonzero(signs[:-1] & ~signs[1:]) - 1
    found = [
        (_meet(places, above, k, k - 1), _meet(places, above, m, m + 1))
        for k, m in zip(starts, ends, strict=True)
    ]
    return [(float(np.exp(a)), float(np.exp(b))) if logarithmic else (a, b) for a, b in found]


def _meet(places: np.ndarray, above: np.ndarray, inside: int, outside: int) -> float:
    """Where the line from a point above zero to its neighbour meets zero; at an end, the point itself."""
    if not 0 <= outside < len(places):
        return float(places[inside])
    share = above[inside] / (above[inside] - above[outside])
    return float(places[inside] + share * (places[outside] - places[inside]))
