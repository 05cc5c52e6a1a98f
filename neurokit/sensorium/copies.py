"""Trials and neurons of a scan that are there twice, noticed while its arrays are read row by row.

Nothing is measured twice to the bit: what has the values of another was written twice.

Letters: T trials, N neurons, C channels of behaviour.
"""

import hashlib

import numpy as np
from jaxtyping import Bool, Float, Int, Num, Shaped

from neurokit.recordings.copies import FEWEST_VALUES

# Responses of fewer different values than these, whole numbers left aside, may be the same by chance: silent
# ones, those of few neurons, and counts.
VALUES_OF_A_COPY = 4
ACTIVE_OF_A_COPY = 20  # neurons; counts of so many are the same in two trials of one image by no chance
LARGE = 10_000  # pixels; of a larger image every fourth row and column are compared


class Copies:
    """What was read, as far as it tells which trials and neurons have the values of others."""

    def __init__(self, trials: int, neurons: int) -> None:
        self._weights = np.random.default_rng(0).standard_normal((trials, 2))
        self._sums = np.zeros((2, neurons))  # equal to the bit for neurons of equal responses alone
        self._active = np.zeros(neurons, np.int64)
        self._lowest, self._highest = np.full(neurons, np.inf), np.full(neurons, -np.inf)
        self._behaviour: list[Float[np.ndarray, "T C"]] = []
        self._images: dict[int, bytes] = {}
        self._responses: dict[bytes, list[int]] = {}  # trials by their responses
        self._wholes: dict[tuple[bytes, bytes, bytes], list[int]] = {}  # and by image and behaviour, too

    def add_behaviour(self, values: Float[np.ndarray, "T C"]) -> None:
        """Some channels of all trials."""
        self._behaviour.append(values.copy())

    def add_image(self, trial: int, image: Num[np.ndarray, "..."]) -> None:
        """The image that a trial showed."""
        some = image if image.size <= LARGE else image[..., ::4, ::4]
        self._images[trial] = _digest(some)

    def add_responses(self, trial: int, scaled: Shaped[np.ndarray, "N"], raw: Float[np.ndarray, "N"]) -> None:
        """The responses of a trial, with 0 for those that cannot be used."""
        for row, weight in zip(self._sums, self._weights[trial], strict=True):
            row += weight * raw
        self._active += raw > 0
        np.minimum(self._lowest, raw, out=self._lowest)
        np.maximum(self._highest, raw, out=self._highest)
        key = _digest(scaled)
        alike = self._responses.setdefault(key, [])
        if not alike or _differ_enough(raw[scaled > 0]):
            alike.append(trial)
        if np.count_nonzero(raw > 0) >= ACTIVE_OF_A_COPY and trial in self._images:
            moves = b"".join(each[trial].tobytes() for each in self._behaviour)
            self._wholes.setdefault((key, self._images[trial], moves), []).append(trial)

    def trials(self) -> list[Int[np.ndarray, "_"]]:
        """Groups of trials with the same responses, which no chance makes."""
        groups = (*self._responses.values(), *self._wholes.values())
        return [np.array(group) for group in groups if len(group) > 1]

    def neurons(self, usable: Bool[np.ndarray, "N"]) -> Bool[np.ndarray, "N"]:
        """Whether a neuron has the responses of a `usable` one before it, which is no constant."""
        found = np.zeros(len(usable), bool)
        told = np.flatnonzero(usable & (self._active >= FEWEST_VALUES) & (self._lowest < self._highest))
        if len(told):
            _, first, kind = np.unique(self._sums[:, told], axis=1, return_index=True, return_inverse=True)
            found[told] = first[kind.ravel()] != np.arange(len(told))
        return found


def _differ_enough(values: Float[np.ndarray, "_"]) -> bool:
    """Whether there are so many different responses that no chance makes them equal."""
    return len(np.unique(values[values != np.floor(values)])) >= VALUES_OF_A_COPY


def _digest(values: Num[np.ndarray, "..."]) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(values).data, digest_size=16).digest()
