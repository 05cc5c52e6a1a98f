"""Which trials train, which choose, which are touched once.

A random split puts test trials between training trials, so anything that drifts slowly over the
session is known from the neighbours. A blocked split keeps test trials together; the two differ by
that drift.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Int

from neurokit.errors import DataError

FRACTIONS = (0.6, 0.2, 0.2)  # train, validation, test
BLOCKS = 10


@dataclass(frozen=True)
class Split:
    """Indices of trials, sorted, disjoint."""

    train: Int[np.ndarray, "A"]
    validation: Int[np.ndarray, "B"]
    test: Int[np.ndarray, "C"]

    def is_train(self, trials: int) -> Bool[np.ndarray, "K"]:
        """True for the training trials among `trials`."""
        return np.isin(np.arange(trials), self.train)


def split_trials(trials: int, *, seed: int, kind: Literal["random", "blocked"] = "random") -> Split:
    """60 % of the trials to train, 20 % to validate, 20 % to test.

    They are drawn one by one (random), or in ten runs of neighbours (blocked). Raises DataError
    where a part would be empty.
    """
    if trials < 5:
        finding = f"{trials} trials cannot be split into train, validation and test"
        raise DataError(f"{finding}; at least 5 are needed.")
    random = np.random.default_rng(seed)
    if kind == "random":
        return _of_groups([np.array([trial]) for trial in random.permutation(trials)])
    if kind == "blocked":
        blocks = np.array_split(np.arange(trials), min(BLOCKS, trials))
        return _of_groups([blocks[index] for index in random.permutation(len(blocks))])
    raise DataError(f"Split is {kind!r}; use 'random' or 'blocked'.")


def _of_groups(groups: list[np.ndarray]) -> Split:
    held_out = max(1, round(FRACTIONS[1] * len(groups))), max(1, round(FRACTIONS[2] * len(groups)))
    bounds = np.cumsum([len(groups) - sum(held_out), held_out[0]])
    parts = [groups[: bounds[0]], groups[bounds[0] : bounds[1]], groups[bounds[1] :]]
    return Split(*(np.sort(np.concatenate(part)) for part in parts))
