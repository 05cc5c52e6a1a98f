"""What a session's dictionary holds under its Neuromatch keys, checked for kind and shape.

A DataError names the key; which file and session it was, `read_from` adds.

Letters: N neurons, K trials, T bins, S bins that hold spikes.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Integer, Shaped

from neurokit.data.trial_recording import trial_table
from neurokit.errors import DataError

Session = Mapping[str, Any]
TRIAL_KEYS = {  # key in the file: column of the trial table
    "contrast_left": "contrast_left",
    "contrast_right": "contrast_right",
    "response": "response",
    "response_time": "response_time",
    "gocue": "go_cue",
    "feedback_type": "feedback_type",
    "feedback_time": "feedback_time",
}


def array_of(session: Session, key: str) -> np.ndarray:
    """The array under `key`; DataError where there is none."""
    if key not in session:
        raise DataError(f"the key {key!r} is missing; is this a file of the Steinmetz 2019 set?")
    return np.asarray(session[key])


def times_of(session: Session, key: str) -> Float[np.ndarray, "T"]:
    """The times under `key`, s; DataError where they are no numbers."""
    times = array_of(session, key)
    if not np.issubdtype(times.dtype, np.number):
        raise DataError(f"{key} holds {times.dtype}, expected times in s; fetch the file again.")
    return times.astype(float)


def spike_counts(session: Session) -> Integer[np.ndarray, "N K S"]:
    """Counts as the smallest unsigned integers; the bins themselves stay where they are on disk.

    Raises DataError where they are no finite whole numbers of zero or more.
    """
    spikes = array_of(session, "spks")
    if spikes.ndim != 3:
        raise DataError(f"spks has shape {spikes.shape}, expected neurons x trials x bins.")
    if not _are_counts(spikes):
        found = f"found {spikes.dtype} values"
        raise DataError(f"spks must be finite whole counts of zero or more, {found}.")
    one_byte = spikes.dtype.itemsize == 1
    return spikes.astype(np.uint8 if one_byte else np.uint16, copy=not one_byte)


def brain_areas(session: Session, neurons: int) -> Shaped[np.ndarray, "N"]:
    """The acronym of each neuron's region; DataError where there is not one for each."""
    areas = array_of(session, "brain_area").astype(str)
    if areas.shape != (neurons,):
        found = f"brain_area has shape {areas.shape}, expected {(neurons,)}"
        raise DataError(f"{found}; fetch the file again.")
    return areas


def channel(session: Session, key: str, shape: tuple[int, int]) -> Float[np.ndarray, "K T"]:
    """A behaviour channel of K x T, found as such or as 1 x K x T; DataError otherwise."""
    values = floats(session, key)
    if values.shape not in (shape, (1, *shape)):
        raise DataError(f"{key} has shape {values.shape}, expected {(1, *shape)}.")
    return values.reshape(shape)


def floats(session: Session, key: str) -> Float[np.ndarray, "*K T"]:
    """The values under `key` in single precision; DataError where they are no numbers."""
    try:
        return np.asarray(session[key], dtype=np.float32)
    except (TypeError, ValueError):
        found = f"{key} does not hold numbers in one array"
        raise DataError(f"{found}; fetch the file again.") from None


def trials_of(session: Session, trials: int) -> pd.DataFrame:
    """The trial table of the keys that are there; DataError where one is not a number a trial."""
    found = {TRIAL_KEYS[key]: _per_trial(session, key) for key in TRIAL_KEYS if key in session}
    return trial_table(trials, stimulus_time=session.get("stim_time_abs"), **found)


def _are_counts(values: np.ndarray) -> bool:
    if np.issubdtype(values.dtype, np.integer):
        return bool((values >= 0).all())
    whole = np.issubdtype(values.dtype, np.floating) and np.isfinite(values).all()
    return bool(whole and (values >= 0).all() and (values == np.floor(values)).all())


def _per_trial(session: Session, key: str) -> Float[np.ndarray, "K"]:
    """One number a trial; the original comes as (K), (K, 1) or (1, K)."""
    values = np.asarray(session[key])
    if values.dtype == object or not np.issubdtype(values.dtype, np.number):
        raise DataError(f"{key} holds {values.dtype}, expected one number per trial.")
    return values.astype(float).ravel()
