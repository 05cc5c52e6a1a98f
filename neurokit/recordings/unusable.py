"""Units that say little or nothing: without a value, silent, constant, or there twice.

Letters: S samples or rows, N units.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Real, Shaped

from neurokit.recordings.copies import find_copies
from neurokit.recordings.intervals import places_of
from neurokit.recordings.recording import Recording

CHUNK = 2**22  # values that are looked at at once


@dataclass(frozen=True, eq=False)
class UnusableUnits:
    """The ids of units that say little or nothing.

    Attributes:
        missing: all values are missing.
        partly: some values are missing.
        silent: never anything but 0, or no spike.
        constant: one and the same value, other than 0.
        doubled: equal to a unit before them.
        share: of all values of activity, that are missing.
    """

    missing: Shaped[np.ndarray, "_"]
    partly: Shaped[np.ndarray, "_"]
    silent: Shaped[np.ndarray, "_"]
    constant: Shaped[np.ndarray, "_"]
    doubled: Shaped[np.ndarray, "_"]
    share: float

    def counts(self) -> dict[str, int]:
        """How many there are of each kind, of those kinds that there are."""
        words = {
            "missing": "without a value",
            "partly": "with some missing values",
            "silent": "silent",
            "constant": "constant",
            "doubled": "equal to another unit",
        }
        return {text: n for name, text in words.items() if (n := len(getattr(self, name)))}


def find_unusable(recording: Recording) -> UnusableUnits:
    """Which units are missing, silent, constant or there twice; each is in at most one of the lists."""
    ids = recording.unit_ids
    if recording.spikes is not None and recording.traces is None and recording.trials is None:
        return _of_spikes(recording)
    values = _table(recording)
    missing, lowest, highest = _extremes(values)
    gone, flat = missing == len(values), highest == lowest
    silent = flat & (highest == 0)
    doubled = find_copies(values.T)
    doubled &= ~(gone | flat)
    return UnusableUnits(
        ids[gone],
        ids[(missing > 0) & ~(gone | flat | doubled)],
        ids[silent],
        ids[flat & ~silent & ~gone],
        ids[doubled],
        float(missing.sum() / values.size),
    )


def _table(recording: Recording) -> Real[np.ndarray, "S N"]:
    """Activity as rows and units."""
    if recording.traces is not None:
        return recording.traces.values
    assert recording.trials is not None
    return recording.trials.responses.reshape(-1, recording.units)


def _extremes(values: Real[np.ndarray, "S N"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Missing values, lowest and highest of each unit, one chunk after the other."""
    S, N = values.shape
    step = max(1, CHUNK // N)
    missing, lowest, highest = np.zeros(N, dtype=int), np.full(N, np.inf), np.full(N, -np.inf)
    for start in range(0, S, step):
        chunk = values[start : start + step]
        low = high = chunk
        with np.errstate(invalid="ignore", over="ignore"):
            whole = chunk.dtype.kind != "f" or np.isfinite(chunk.sum(dtype=np.float64))
        if not whole:  # else one pass is enough
            known = np.isfinite(chunk)
            missing += (~known).sum(axis=0)
            low, high = np.where(known, chunk, np.inf), np.where(known, chunk, -np.inf)
        lowest, highest = np.minimum(lowest, low.min(axis=0)), np.maximum(highest, high.max(axis=0))
    return missing, lowest, highest


def _repeated(keys: Sequence[Hashable], equal: Callable[[int, int], bool]) -> Bool[np.ndarray, "_"]:
    """Whether an item equals one before it; only items of equal keys are compared."""
    first: dict[Hashable, list[int]] = {}
    found = np.zeros(len(keys), dtype=bool)
    for number, key in enumerate(keys):
        before = first.setdefault(key, [])
        found[number] = any(equal(each, number) for each in before[:3])
        if not found[number]:
            before.append(number)
    return found


def _of_spikes(recording: Recording) -> UnusableUnits:
    assert recording.spikes is not None
    ids, spikes, none = recording.unit_ids, recording.spikes, recording.unit_ids[:0]
    place = places_of(spikes.unit_ids, ids)
    counts = np.bincount(place, minlength=len(ids))
    totals = np.bincount(place, weights=spikes.times, minlength=len(ids))

    def equal(one: int, other: int) -> bool:
        return np.array_equal(spikes.times[place == one], spikes.times[place == other])

    doubled = _repeated(list(zip(counts.tolist(), totals.tolist(), strict=True)), equal) & (counts > 0)
    return UnusableUnits(none, none, ids[counts == 0], none, ids[doubled], 0.0)
