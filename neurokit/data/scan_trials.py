"""What `meta/trials` of a SENSORIUM 2022 scan says: tiers, ids, and the order of presentation.

Letters: T trials of a scan, in the order of the file names.
"""

import re

import numpy as np
from jaxtyping import Int

from neurokit.data.scan_files import ScanFiles

TIERS = ("train", "validation", "test", "final_test")
FIELDS = ("images", "responses", "behavior", "pupil_center")

_NUMBERED = re.compile(r"data/(\w+)/(0|[1-9]\d*)\.npy")
_STAMP = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d{1,6})?")


def read_trials(files: ScanFiles) -> dict[str, np.ndarray]:
    """tiers, image_ids, trial_ids, rank and ordered (see `neurokit.data.sensorium.Scan`), each T.

    Raises DataError for an unknown tier, no training or validation trials, doubled trial ids, and
    trials that differ in number between arrays or folders.
    """
    tiers = read_tiers(files)
    _check_folders(files, len(tiers))
    trial_ids = read_trial_ids(files, len(tiers))
    stamps = "meta/trials/frame_trial_ts.npy"
    timestamps = None
    if stamps in files.sizes:
        timestamps = _texts(files, stamps, _per_trial(files, stamps, len(tiers)))
    rank, ordered = presentation_order(trial_ids, timestamps)
    image_ids = whole_numbers(files, "meta/trials/frame_image_id.npy", len(tiers))
    return {
        "tiers": tiers,
        "image_ids": image_ids,
        "trial_ids": trial_ids,
        "rank": rank,
        "ordered": np.array(int(ordered)),
    }


def read_tiers(files: ScanFiles) -> np.ndarray:
    """The tier of each trial, T; DataError for unknown words or an empty train or validation tier."""
    name = "meta/trials/tiers.npy"
    tiers = files.read(name)
    if tiers.ndim != 1:
        raise files.error(name, f"has shape {tiers.shape} instead of one word a trial")
    tiers = _texts(files, name, tiers)
    unknown = sorted(set(tiers.tolist()) - set(TIERS))
    if unknown:
        raise files.error(name, f"holds the unknown tiers {unknown}", f"use {', '.join(TIERS)}")
    for tier in ("train", "validation"):
        if tier not in tiers:
            raise files.error(name, f"names no {tier} trials", f"label some trials {tier!r}")
    return tiers


def read_trial_ids(files: ScanFiles, trials: int) -> np.ndarray:
    """What trial_idx holds, T: integers or texts; DataError where one is doubled."""
    name = "meta/trials/trial_idx.npy"
    ids = _per_trial(files, name, trials)
    ids = _texts(files, name, ids) if ids.dtype.kind in "US" else whole_numbers(files, name, trials)
    if len(np.unique(ids)) < trials:
        raise files.error(name, "names a trial twice")
    return ids


def presentation_order(
    trial_ids: np.ndarray, timestamps: np.ndarray | None
) -> tuple[Int[np.ndarray, "T"], bool]:
    """The place of each trial in the order of presentation, 0 to T - 1, and whether that is known.

    Integer ids order the trials, gaps or not; else time stamps do, equal ones (to the second) in
    the order of the files. Where there is neither, the order of the files stands in for it.
    """
    keys = trial_ids if trial_ids.dtype.kind == "i" else _times(timestamps)
    if keys is None:
        return np.arange(len(trial_ids)), False
    rank = np.empty(len(keys), dtype=np.int64)
    rank[np.argsort(keys, kind="stable")] = np.arange(len(keys))
    return rank, True


def whole_numbers(files: ScanFiles, name: str, length: int) -> Int[np.ndarray, "length"]:
    """The integers of an array; DataError where it does not hold `length` whole numbers."""
    values = _per_trial(files, name, length)
    if values.dtype.kind not in "iuf" or not (np.isfinite(values) & (values == np.floor(values))).all():
        raise files.error(name, f"holds {values.dtype} values instead of whole numbers")
    return values.astype(np.int64)


def _per_trial(files: ScanFiles, name: str, length: int) -> np.ndarray:
    values = files.read(name)
    if values.shape != (length,):
        raise files.error(name, f"has shape {values.shape} instead of {(length,)}")
    return values


def _texts(files: ScanFiles, name: str, values: np.ndarray) -> np.ndarray:
    """The values as texts; DataError for bytes that are not ASCII."""
    try:
        return values.astype(str)
    except ValueError as error:
        raise files.error(name, f"holds {values.dtype} values that are no plain texts ({error})") from None


def _check_folders(files: ScanFiles, trials: int) -> None:
    """One file for each trial in each of the four folders, no gap and no more."""
    found: dict[str, set[int]] = {field: set() for field in FIELDS}
    for match in filter(None, map(_NUMBERED.fullmatch, files.sizes)):
        found.get(match[1], set()).add(int(match[2]))
    for field, numbers in found.items():
        if numbers != set(range(trials)):
            absent = min(set(range(trials)) - numbers, default=None)
            finding = f"holds {len(numbers)} files for the {trials} trials of meta/trials/tiers.npy"
            which = "" if absent is None else f" ({absent}.npy is missing)"
            raise files.error(f"data/{field}", finding + which)


def _times(timestamps: np.ndarray | None) -> np.ndarray | None:
    """Times of texts such as "Timestamp('2019-05-04 10:00:21')"; None where one has no time in it."""
    texts = [] if timestamps is None else timestamps.tolist()
    found = [match[0] for match in map(_STAMP.search, texts) if match]
    try:
        return np.array(found, dtype="datetime64[us]") if found and len(found) == len(texts) else None
    except ValueError:  # no such day or hour
        return None
