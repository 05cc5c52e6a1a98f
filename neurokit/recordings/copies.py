"""What is there twice: units with the values of another, and spikes that one unit fired at one time.

Letters: N units, M values of each, P spikes.
"""

from hashlib import blake2b

import numpy as np
from jaxtyping import Bool, Float, Int, Real, Shaped

from neurokit.errors import DataError

SAMPLED = 128  # values by which equal units are searched for, before they are compared in full
FEWEST_VALUES = 10  # other than 0; units that hardly fire may be equal by chance
BLOCK = 2**22  # values that are looked at at once
COARSE = 5e-4  # s; spikes of one unit may share a time that is rounded to this or more
MOST_SECOND = 0.05  # of the spikes; a sorter finds a few twice, and more are of a file joined with itself
JOINED = 0.45  # of the spikes; so many are there twice only where all are


def find_copies(
    values: Real[np.ndarray, "N *rest"], sample: Real[np.ndarray, "N _"] | None = None
) -> Bool[np.ndarray, "N"]:
    """Whether a unit has, to the bit, the values of one before it, which are not all alike.

    `sample` tells most units apart at a glance, by default some of the values.
    """
    if sample is None:
        sample = values[:, np.unique(np.linspace(0, values.shape[1] - 1, SAMPLED).round().astype(int))]
    alike = _groups([row.tobytes() for row in np.ascontiguousarray(sample)])
    found = np.zeros(len(values), dtype=bool)
    if not len(alike):
        return found
    rows = values if values.ndim == 2 else values.reshape(len(values), -1)
    digests = _digests(rows, alike)
    first: dict[bytes, bool] = {}
    for unit, digest in zip(alike.tolist(), digests, strict=True):
        if digest not in first:
            first[digest] = False
            continue
        first[digest] = first[digest] or _can_be_told(rows[unit])
        found[unit] = first[digest]
    return found


def _groups(keys: list[bytes]) -> Int[np.ndarray, "_"]:
    """The units whose key another has, too."""
    times: dict[bytes, int] = {}
    for key in keys:
        times[key] = times.get(key, 0) + 1
    return np.array([unit for unit, key in enumerate(keys) if times[key] > 1], dtype=int)


def _digests(rows: Real[np.ndarray, "N M"], units: Int[np.ndarray, "_"]) -> list[bytes]:
    found = [blake2b(digest_size=16) for _ in units]
    step = max(1, BLOCK // len(units))
    for start in range(0, rows.shape[1], step):
        block = np.ascontiguousarray(rows[units, start : start + step])
        for each, row in zip(found, block, strict=True):
            each.update(row.data)
    return [each.digest() for each in found]


def _can_be_told(row: Real[np.ndarray, "M"]) -> bool:
    """Whether the values change, and are not 0 nearly throughout."""
    known = row[np.isfinite(row)] if row.dtype.kind == "f" else row
    return bool(np.count_nonzero(known) >= FEWEST_VALUES and known.min() < known.max())


def find_second_spikes(
    times: Float[np.ndarray, "P"],
    units: Shaped[np.ndarray, "P"],
    what: str,
    ids: Shaped[np.ndarray, "N"] | None = None,
) -> Bool[np.ndarray, "P"]:
    """Spikes at the time of one before them, of the same unit; `times` ascend, s.

    `ids` are the names of units, where `units` are places among them. None is found where times are rounded
    so that two spikes may share one. Raises DataError, naming `what` holds them, where so many are there
    twice that a file was joined with itself.
    """
    found = np.zeros(len(times), dtype=bool)
    equal = times[1:] == times[:-1]
    if not equal.any():
        return found
    tied = np.flatnonzero(np.r_[False, equal] | np.r_[equal, False])
    order = tied[np.lexsort((units[tied], times[tied]))]  # stable: the first of several stays
    same = (times[order[1:]] == times[order[:-1]]) & (units[order[1:]] == units[order[:-1]])
    found[order[1:][same]] = True
    share = float(found.mean())
    if share > JOINED or (share > MOST_SECOND and not _is_coarse(times)):
        first = int(np.flatnonzero(found)[0])
        name = units[first] if ids is None else ids[units[first]]
        raise DataError(
            f"{what}: {int(found.sum()):,} of {len(times):,} spikes are there twice, such as that of unit "
            f"{name} at {times[first]:.6g} s; give each spike once."
        )
    return found & (not _is_coarse(times))


def _is_coarse(times: Float[np.ndarray, "P"]) -> bool:
    """Whether all times are multiples of half a millisecond, as rounded ones are."""
    for some in (times[:1000], times):  # most are told by the first
        steps = some / COARSE
        if (np.abs(steps - np.round(steps)) >= 1e-3).any():
            return False
    return True


def drop_second_spikes(
    times: Float[np.ndarray, "P"], units: Shaped[np.ndarray, "P"], what: str, notes: list[str]
) -> tuple[Float[np.ndarray, "_"], Shaped[np.ndarray, "_"]]:
    """The spikes but those of `find_second_spikes`, with a note of how many; raises as that does."""
    second = find_second_spikes(times, units, what)
    if not second.any():
        return times, units
    several = len(np.unique(units[second]))
    notes.append(
        f"{int(second.sum())} of {len(times)} spikes, of {several} units, have the time of another spike of "
        "the same unit: left out."
    )
    return times[~second], units[~second]
