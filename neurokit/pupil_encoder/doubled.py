"""Spikes and trials of a session that are there twice.

Letters: M spikes, N units, K trials, T behaviour bins of a trial, S of these bins that also hold spikes.
"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from neurokit.recordings.copies import find_second_spikes
from neurokit.training.omissions import Omission


def find_second(
    times: Float[np.ndarray, "M"], unit: Int[np.ndarray, "M"], ids: Shaped[np.ndarray, "N"], what: str
) -> tuple[Bool[np.ndarray, "M"], tuple[Omission, ...]]:
    """Spikes at the time of one before them, of the same unit, and how they are left out.

    `times` ascend, s; `unit` are places in `ids`. Raises DataError, naming `what`, where most are such.
    """
    second = find_second_spikes(times, unit, what, ids)
    if not second.any():
        return second, ()
    where = zip(ids[unit[second]].tolist(), times[second].tolist(), strict=True)
    names = tuple(f"unit {name} at {time:.6g} s" for name, time in where)
    return second, (Omission("doubled", "spikes", names, len(second)),)


def find_doubles(
    spikes: Shaped[np.ndarray, "N K S"],
    behaviour: Mapping[str, Float[np.ndarray, "K T"]],
    counts: Int[np.ndarray, "N K"],
) -> Bool[np.ndarray, "K"]:
    """Trials that are an earlier one again, in all spikes and behaviour; silent ones are not compared.

    `counts` are the spikes of a trial.
    """
    _, kinds, sizes = np.unique(counts, axis=1, return_inverse=True, return_counts=True)
    again = np.zeros(spikes.shape[1], dtype=bool)
    for kind in np.flatnonzero(sizes > 1):
        first, *others = np.flatnonzero(kinds.ravel() == kind).tolist()
        if counts[:, first].any():
            again[[k for k in others if _are_same(spikes, behaviour, first, k)]] = True
    return again


def _are_same(
    spikes: Shaped[np.ndarray, "N K S"],
    behaviour: Mapping[str, Float[np.ndarray, "K T"]],
    one: int,
    other: int,
) -> bool:
    same = (np.array_equal(each[one], each[other], equal_nan=True) for each in behaviour.values())
    return all(same) and np.array_equal(spikes[:, one], spikes[:, other])
