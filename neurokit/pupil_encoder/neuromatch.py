"""Steinmetz 2019 as Neuromatch distributes it: steinmetz_part{0,1,2}.npz, and cut-outs like them.

Each part holds one object array `dat` of dictionaries, one a session: 39 sessions of 10 mice in all. A trial
is 2.5 s in 250 bins of 10 ms and starts 0.5 s before the visual stimulus (Steinmetz et al., Nature 576,
266-273, 2019; layout as in the Neuromatch Academy course). The files are pickled, so only an allow-list of
numpy constructors is opened.

What a session's dictionary holds is checked for kind and shape. A DataError names the key; which file and
session it was, `read_from` adds.

Letters: N neurons, K trials, T behaviour bins, S bins that hold spikes.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Integer, Shaped

from neurokit.errors import DataError, read_from
from neurokit.files.archives import read_npz
from neurokit.files.pickles import load_object_array
from neurokit.pupil_encoder.recording import TrialRecording, trial_table

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
PUPIL_ROWS = ("pupil_area", "pupil_x", "pupil_y")
CHANNELS = {"face": "face_motion", "licks": "licks", "wheel": "wheel"}
CUTOUT_CHANNELS = {
    "pupil_area": "pupil_area",
    "face_motion_energy": "face_motion",
    "licks": "licks",
    "wheel_moving": "wheel_moving",
}
MAXIMUM_BYTES = 8 * 2**30  # a part unpacks to about 1 GB


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
        raise DataError(f"spks must be whole numbers of zero or more, {found}.")
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
    finite = np.issubdtype(values.dtype, np.floating) and np.isfinite(values).all()
    return bool(finite and (values >= 0).all() and (values == np.floor(values)).all())


def _per_trial(session: Session, key: str) -> Float[np.ndarray, "K"]:
    """One number a trial; the original comes as (K), (K, 1) or (1, K)."""
    values = np.asarray(session[key])
    if values.dtype == object or not np.issubdtype(values.dtype, np.number):
        raise DataError(f"{key} holds {values.dtype}, expected one number per trial.")
    return values.astype(float).ravel()


def read_sessions(*paths: Path) -> list[TrialRecording]:
    """All sessions of the given parts, in file order; raises DataError naming file and key."""
    found = []
    for path in paths:
        for index, session in enumerate(load_object_array(path, "dat", MAXIMUM_BYTES)):
            with read_from(f"{path}, session {index}"):
                found.append(_recording(session))
    return found


def _recording(session: Any) -> TrialRecording:
    if not isinstance(session, dict):
        found = f"found {type(session).__name__}, expected a dictionary"
        raise DataError(f"{found}; fetch the file again.")
    spikes = spike_counts(session)
    neurons, trials, bins = spikes.shape
    bin_size = float(np.squeeze(session.get("bin_size", 0.01)))
    start = float(np.squeeze(session.get("stim_onset", 0.5)))
    return TrialRecording(
        name=_name(session),
        time=(np.arange(bins) + 0.5) * bin_size - start,
        spikes=spikes,
        first_spike_bin=0,
        brain_area=brain_areas(session, neurons),
        behaviour=_pupil(session, (trials, bins)) | _behaviour(session, CHANNELS, (trials, bins)),
        trials=trials_of(session, trials),
        bin_size=bin_size,
    )


def _name(session: Session) -> str:
    return f"{session.get('mouse_name', 'unknown')}_{session.get('date_exp', 'undated')}"


def _pupil(session: Session, shape: tuple[int, int]) -> dict[str, Float[np.ndarray, "K T"]]:
    if "pupil" not in session:
        return {}
    rows = floats(session, "pupil")
    if rows.shape != (3, *shape):
        raise DataError(f"pupil has shape {rows.shape}, expected {(3, *shape)}.")
    return dict(zip(PUPIL_ROWS, rows, strict=True))


def _behaviour(
    session: Session,
    names: dict[str, str],
    shape: tuple[int, int],
) -> dict[str, Float[np.ndarray, "K T"]]:
    return {name: channel(session, key, shape) for key, name in names.items() if key in session}


def read_cutout(path: Path, *, included_only: bool = False) -> TrialRecording:
    """A cut-out session: spikes of a part of the trial, behaviour on its own longer clock.

    Spike bins and behaviour bins share one 10-ms grid. The eye camera's clock of this cut-out is an
    estimate, good to about 0.2 s. Raises DataError naming file, key and finding.
    """
    arrays = read_npz(path, MAXIMUM_BYTES)
    with read_from(path):
        recording = _cutout(arrays)
        if not included_only:
            return recording
        return recording.select(array_of(arrays, "included").astype(bool))


def _cutout(arrays: Session) -> TrialRecording:
    time = times_of(arrays, "behav_time_from_stim")
    spikes = spike_counts(arrays)
    neurons, trials, bins = spikes.shape
    return TrialRecording(
        name=_name(arrays),
        time=time,
        spikes=spikes,
        first_spike_bin=_first_bin(time, times_of(arrays, "spk_time_from_stim"), bins),
        brain_area=brain_areas(arrays, neurons),
        behaviour=_behaviour(arrays, CUTOUT_CHANNELS, (trials, len(time))),
        trials=trials_of(arrays, trials),
        clock_uncertainty=0.2,
    )


def _first_bin(time: np.ndarray, spike_time: np.ndarray, bins: int) -> int:
    """The behaviour bin in which the first of the `bins` spike bins lies."""
    if time.ndim != 1 or time.size == 0 or spike_time.shape != (bins,):
        raise DataError(
            f"spk_time_from_stim has shape {spike_time.shape}, behav_time_from_stim {time.shape}; "
            f"expected one time for each of the {bins} spike bins and of the behaviour bins."
        )
    first = int(np.abs(time - spike_time[0]).argmin())
    grid = time[first : first + bins]
    if len(grid) != bins or not np.abs(grid - spike_time).max() <= 1e-3:
        found = "spike bins and behaviour bins lie on different grids"
        raise DataError(f"{found}; both must be the same 10-ms bins.")
    return first
