"""Steinmetz 2019 as Neuromatch distributes it: steinmetz_part{0,1,2}.npz, and cut-outs in the same spirit.

Each part holds one object array `dat` of dictionaries, one a session: 39 sessions of 10 mice in all.
A trial is 2.5 s in 250 bins of 10 ms and starts 0.5 s before the visual stimulus
(Steinmetz et al., Nature 576, 266-273, 2019; layout as in the Neuromatch Academy course).
The files are pickled, so only an allow-list of numpy constructors is opened.
"""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from neurokit.data.archives import read_npz
from neurokit.data.pickles import load_object_array
from neurokit.data.trial_recording import TrialRecording, read_from, trial_table
from neurokit.errors import DataError

PUPIL_ROWS = ("pupil_area", "pupil_x", "pupil_y")
CUTOUT_CHANNELS = {
    "pupil_area": "pupil_area",
    "face_motion_energy": "face_motion",
    "licks": "licks",
    "wheel_moving": "wheel_moving",
}
MAXIMUM_BYTES = 8 * 2**30  # a part unpacks to about 1 GB


def read_sessions(*paths: Path) -> list[TrialRecording]:
    """All sessions of the given parts, in file order; raises DataError naming file and key."""
    return [
        _recording(session, f"{path}, session {index}")
        for path in paths
        for index, session in enumerate(load_object_array(path, "dat", MAXIMUM_BYTES))
    ]


def _recording(session: Any, where: str) -> TrialRecording:
    if not isinstance(session, dict):
        raise DataError(
            f"{where}: found {type(session).__name__}, expected a dictionary; fetch the file again."
        )
    spikes = _counts(session, where)
    _, trials, bins = spikes.shape
    bin_size = float(np.squeeze(session.get("bin_size", 0.01)))
    start = float(np.squeeze(session.get("stim_onset", 0.5)))
    per_trial = {key: _per_trial(session, key, where) for key in session if key in _TRIAL_KEYS}
    behaviour = _behaviour(session, trials, bins, where)
    with read_from(where):
        return TrialRecording(
            name=f"{session.get('mouse_name', 'unknown')}_{session.get('date_exp', 'undated')}",
            time=(np.arange(bins) + 0.5) * bin_size - start,
            spikes=spikes,
            first_spike_bin=0,
            brain_area=_areas(session, len(spikes), where),
            behaviour=behaviour,
            trials=trial_table(trials, **{_TRIAL_KEYS[key]: values for key, values in per_trial.items()}),
            bin_size=bin_size,
        )


_TRIAL_KEYS = {
    "contrast_left": "contrast_left",
    "contrast_right": "contrast_right",
    "response": "response",
    "response_time": "response_time",
    "gocue": "go_cue",
    "feedback_type": "feedback_type",
    "feedback_time": "feedback_time",
}


def _array(session: Any, key: str, where: str) -> np.ndarray:
    if key not in session:
        raise DataError(f"{where}: the key {key!r} is missing; is this a file of the Steinmetz 2019 set?")
    return np.asarray(session[key])


def _areas(session: Any, neurons: int, where: str) -> np.ndarray:
    areas = _array(session, "brain_area", where).astype(str)
    if areas.shape != (neurons,):
        raise DataError(
            f"{where}: brain_area has shape {areas.shape}, expected {(neurons,)}; fetch the file again."
        )
    return areas


def _counts(session: Any, where: str) -> np.ndarray:
    """Counts as the smallest unsigned integers; the bins themselves stay where they are on disk."""
    spikes = _array(session, "spks", where)
    if spikes.ndim != 3:
        raise DataError(f"{where}: spks has shape {spikes.shape}, expected neurons x trials x bins.")
    if not _are_counts(spikes):
        raise DataError(
            f"{where}: spks must be finite whole counts of zero or more, found {spikes.dtype} values."
        )
    return spikes.astype(np.uint8, copy=False) if spikes.dtype.itemsize == 1 else spikes.astype(np.uint16)


def _are_counts(values: np.ndarray) -> bool:
    if np.issubdtype(values.dtype, np.integer):
        return bool((values >= 0).all())
    whole = np.issubdtype(values.dtype, np.floating) and np.isfinite(values).all()
    return bool(whole and (values >= 0).all() and (values == np.floor(values)).all())


def _floats(values: Any, where: str) -> Float[np.ndarray, "*K T"]:
    try:
        return np.asarray(values, dtype=np.float32)
    except (TypeError, ValueError):
        raise DataError(f"{where} does not hold numbers in one array; fetch the file again.") from None


def _per_trial(session: dict[str, Any], key: str, where: str) -> np.ndarray:
    """One number a trial; the original comes as (K), (K, 1) or (1, K)."""
    values = np.asarray(session[key])
    if values.dtype == object or not np.issubdtype(values.dtype, np.number):
        raise DataError(f"{where}: {key} holds {values.dtype}, expected one number per trial.")
    return values.astype(float).ravel()


def _behaviour(
    session: dict[str, Any], trials: int, bins: int, where: str
) -> dict[str, Float[np.ndarray, "K T"]]:
    found: dict[str, np.ndarray] = {}
    if "pupil" in session:
        pupil = _floats(session["pupil"], f"{where}: pupil")
        if pupil.shape != (3, trials, bins):
            raise DataError(f"{where}: pupil has shape {pupil.shape}, expected (3, {trials}, {bins}).")
        found |= dict(zip(PUPIL_ROWS, pupil, strict=True))
    for key, channel in (("face", "face_motion"), ("licks", "licks"), ("wheel", "wheel")):
        if key in session:
            found[channel] = _one_channel(session[key], (trials, bins), f"{where}: {key}")
    return found


def _one_channel(values: Any, shape: tuple[int, int], where: str) -> Float[np.ndarray, "K T"]:
    values = _floats(values, where)
    if values.shape not in (shape, (1, *shape)):
        raise DataError(f"{where} has shape {values.shape}, expected {(1, *shape)}.")
    return values.reshape(shape)


def read_cutout(path: Path, *, included_only: bool = False) -> TrialRecording:
    """A cut-out session: spikes of a part of the trial, behaviour on its own longer clock.

    Spike bins and behaviour bins share one 10-ms grid. The eye camera's clock of this cut-out is an
    estimate, good to about 0.2 s. Raises DataError naming file, key and finding.
    """
    arrays = read_npz(path, MAXIMUM_BYTES)
    time = _array(arrays, "behav_time_from_stim", str(path)).astype(float)
    spikes = _counts(arrays, str(path))
    shape = spikes.shape[1], len(time)
    with read_from(path):
        recording = TrialRecording(
            name=f"{arrays.get('mouse_name', 'unknown')}_{arrays.get('date_exp', 'undated')}",
            time=time,
            spikes=spikes,
            first_spike_bin=_first_bin(
                time, _array(arrays, "spk_time_from_stim", str(path)), spikes.shape[2]
            ),
            brain_area=_areas(arrays, len(spikes), str(path)),
            behaviour={
                channel: _one_channel(arrays[key], shape, f"{path}: {key}")
                for key, channel in CUTOUT_CHANNELS.items()
                if key in arrays
            },
            trials=trial_table(
                spikes.shape[1],
                stimulus_time=arrays.get("stim_time_abs"),
                **{
                    _TRIAL_KEYS[key]: _per_trial(arrays, key, str(path))
                    for key in _TRIAL_KEYS
                    if key in arrays
                },
            ),
            clock_uncertainty=0.2,
        )
    return (
        recording.select(_array(arrays, "included", str(path)).astype(bool)) if included_only else recording
    )


def _first_bin(time: np.ndarray, spike_time: np.ndarray, bins: int) -> int:
    if time.ndim != 1 or time.size == 0 or spike_time.shape != (bins,):
        raise DataError(
            f"spk_time_from_stim has shape {spike_time.shape}, behav_time_from_stim {time.shape}; "
            f"expected one time for each of the {bins} spike bins and of the behaviour bins."
        )
    first = int(np.abs(time - spike_time[0]).argmin())
    grid = time[first : first + bins]
    if len(grid) != bins or not np.abs(grid - spike_time).max() <= 1e-3:
        raise DataError(
            "spike bins and behaviour bins lie on different grids; both must be the same 10-ms bins."
        )
    return first
