"""The file formats of Neuromatch: its npz files, and two kinds of cut-outs like them.

Neuromatch distributes Steinmetz 2019 as steinmetz_part{0,1,2}.npz, each with one object array `dat` of
dictionaries, one a session: 39 sessions of 10 mice in all. A trial is 2.5 s in 250 bins of 10 ms and starts
0.5 s before the visual stimulus (Steinmetz et al., Nature 576, 266-273, 2019; layout as in the Neuromatch
Academy course). The files are pickled, so only an allow-list of numpy constructors is opened. Every array is
checked for kind and shape; a DataError names the file, the session and the key. What cannot be used (see
`neurokit.pupil_encoder.unusable`) is among the recording's omissions: units by their row in `spks`.

Letters: N neurons, K trials, T behaviour bins of a trial, S of these bins that also hold spikes.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Shaped

from neurokit.errors import DataError, read_from
from neurokit.files.archives import limit_of, read_npz
from neurokit.files.pickles import load_object_array
from neurokit.pupil_encoder.recording import (
    LONGEST_BIN,
    TRIAL_COLUMNS,
    TrialRecording,
    record_usable,
    trial_table,
)

Session = Mapping[str, Any]
TRIAL_KEYS = {  # in the files: column of the trial table
    **{name: name for name in TRIAL_COLUMNS if name not in ("stimulus_time", "go_cue")},
    "gocue": "go_cue",
    "stim_time_abs": "stimulus_time",
}
PUPIL_ROWS = ("pupil_area", "pupil_x", "pupil_y")
CHANNELS = {"face": "face_motion", "licks": "licks", "wheel": "wheel"}  # in the Neuromatch files
CUTOUT_CHANNELS = {
    "pupil_area": "pupil_area",
    "face_motion_energy": "face_motion",
    "licks": "licks",
    "wheel_moving": "wheel_moving",
}
MAXIMUM_BYTES = 8 * 2**30  # a part unpacks to about 1 GB


def read_sessions(*paths: Path) -> list[TrialRecording]:
    """All sessions of the given parts, in file order; raises DataError naming file and key."""
    return [read() for path in paths for _, read in open_sessions(path)]


def open_sessions(path: Path) -> list[tuple[str, Callable[[], TrialRecording]]]:
    """The name of each session of a part, and what reads it: a bad one costs no other.

    Raises DataError for a file that cannot be opened.
    """
    held = enumerate(load_object_array(path, "dat", MAXIMUM_BYTES).ravel())
    return [
        (_name_or_unknown(each), partial(_read_session, each, f"{path}, session {index}"))
        for index, each in held
    ]


def _read_session(session: Any, where: str) -> TrialRecording:
    with read_from(where):
        return _make_recording(session)


def _make_recording(session: Any) -> TrialRecording:
    if not isinstance(session, dict):
        raise DataError(f"found {type(session).__name__}, expected a dictionary a session.")
    spikes = _spikes(session)
    bin_size, start = _clock(session, spikes.shape[2])
    return record_usable(
        spikes,
        _brain_areas(session, len(spikes)),
        _pupil(session, spikes.shape[1:]) | _behaviour(session, CHANNELS, spikes.shape[1:]),
        _trials(session, spikes.shape[1]),
        name=_name(session),
        time=(np.arange(spikes.shape[2]) + 0.5) * bin_size - start,
        first_spike_bin=0,
        bin_size=bin_size,
    )


def _clock(session: Session, bins: int) -> tuple[float, float]:
    """Length of a bin, and when in the trial the stimulus comes, s; DataError for times that cannot be."""
    bin_size, start = _number(session, "bin_size", 0.01), _number(session, "stim_onset", 0.5)
    if not 0 < bin_size <= LONGEST_BIN:
        raise DataError(f"bin_size is {bin_size:g}; give seconds above 0 and up to {LONGEST_BIN:g}.")
    if "stim_onset" in session and not 0 <= start <= bins * bin_size:
        raise DataError(
            f"stim_onset is {start:g} s, and a trial is {bins * bin_size:g} s long; give seconds from "
            "its start."
        )
    return bin_size, start


def _number(session: Session, key: str, default: float) -> float:
    """The single number under `key`; DataError for anything else."""
    found = _find(session, key) if key in session else np.asarray(default)
    if found.size != 1 or found.dtype.kind not in "iuf":
        raise DataError(f"{key} is {found.dtype} of shape {found.shape}; give one number, in seconds.")
    return float(found.item())


def read_cutout(path: Path, *, included_only: bool = False) -> TrialRecording:
    """A cut-out session: spikes of a part of the trial, behaviour on its own longer clock.

    Spike bins and behaviour bins share one 10-ms grid. The eye camera's clock of this cut-out is an
    estimate, good to about 0.2 s. `included_only` leaves out trials that the authors did not analyse. Raises
    DataError naming file, key and finding.
    """
    arrays = read_npz(path, limit_of(path, MAXIMUM_BYTES))
    with read_from(path):
        time, spikes = _times(arrays, "behav_time_from_stim"), _spikes(arrays)
        first = _first_bin(time, _times(arrays, "spk_time_from_stim"), spikes.shape[2])
        recording = record_usable(
            spikes,
            _brain_areas(arrays, len(spikes)),
            _behaviour(arrays, CUTOUT_CHANNELS, (spikes.shape[1], len(time))),
            _trials(arrays, spikes.shape[1]),
            name=_name(arrays),
            time=time,
            first_spike_bin=first,
            clock_uncertainty=0.2,
        )
        if not included_only:
            return recording
        included = _find(arrays, "included")
        if included.shape != spikes.shape[1:2]:
            raise DataError(f"included has shape {included.shape}, expected {spikes.shape[1:2]}.")
        return recording.select(included.astype(bool)[recording.trials.index])


def read_counts(path: Path) -> TrialRecording:
    """A session of spikes and facts of its trials, without behaviour; its bins begin at the stimulus.

    `bin_times` are the middles of the bins on the recording's clock, s, trials x bins. Raises DataError
    naming file, key and finding.
    """
    arrays = read_npz(path, limit_of(path, MAXIMUM_BYTES))
    with read_from(path):
        spikes, times = _spikes(arrays), _times(arrays, "bin_times")
        if times.shape != spikes.shape[1:] or times.shape[1] < 2:
            raise DataError(
                f"bin_times has shape {times.shape}, and spks are of {spikes.shape[1]} trials and "
                f"{spikes.shape[2]} bins; write one time for each, of two bins or more."
            )
        bin_size = round(float(np.median(np.diff(times, axis=1))), 6)
        return record_usable(
            spikes,
            _brain_areas(arrays, len(spikes)),
            {},
            _trials(arrays | {"stim_time_abs": times[:, 0] - bin_size / 2}, spikes.shape[1]),
            name=_name(arrays),
            time=(np.arange(spikes.shape[2]) + 0.5) * bin_size,
            first_spike_bin=0,
            bin_size=bin_size,
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
        raise DataError(
            "spike bins and behaviour bins lie on different grids; both must be the same 10-ms bins."
        )
    return first


def _name_or_unknown(session: Any) -> str:
    """The name of a session before it is read, which refuses it where there is none."""
    try:
        return _name(session)
    except (DataError, TypeError):
        return "unknown"


def _name(session: Session) -> str:
    """Mouse and date; DataError where either is not one text."""
    found = {"mouse_name": "unknown", "date_exp": "undated"} | {
        key: _text(session, key) for key in ("mouse_name", "date_exp") if key in session
    }
    return "_".join(found.values())


def _text(session: Session, key: str) -> str:
    found = _find(session, key)
    if found.ndim or not isinstance(found.item(), str):
        raise DataError(f"{key} is {found.dtype} of shape {found.shape}; give one text.")
    return str(found)


def _spikes(session: Session) -> Shaped[np.ndarray, "N K S"]:
    """What the file has as counts; DataError unless they are numbers."""
    spikes = _find(session, "spks")
    if spikes.ndim != 3:
        raise DataError(f"spks has shape {spikes.shape}, expected neurons x trials x bins.")
    if not (np.issubdtype(spikes.dtype, np.integer) or np.issubdtype(spikes.dtype, np.floating)):
        raise DataError(f"spks must be whole numbers of zero or more, found {spikes.dtype} values.")
    return spikes


def _brain_areas(session: Session, neurons: int) -> Shaped[np.ndarray, "N"]:
    found = _find(session, "brain_area")
    if found.dtype.kind not in "US":  # what is no text is no area that is known
        known = [area if isinstance(area, str) else "" for area in found.flat]
        found = np.array(known, dtype=str).reshape(found.shape)
    areas = found.astype(str)
    if areas.shape != (neurons,):
        raise DataError(f"brain_area has shape {areas.shape}, expected {(neurons,)}, one for each unit.")
    return areas


def _pupil(session: Session, shape: tuple[int, ...]) -> dict[str, Float[np.ndarray, "K T"]]:
    if "pupil" not in session:
        return {}
    rows = _floats(session, "pupil")
    if rows.shape != (3, *shape):
        raise DataError(f"pupil has shape {rows.shape}, expected {(3, *shape)}.")
    return dict(zip(PUPIL_ROWS, rows, strict=True))


def _behaviour(
    session: Session, names: Mapping[str, str], shape: tuple[int, ...]
) -> dict[str, Float[np.ndarray, "K T"]]:
    """The channels that are there, each of K x T, in the file as such or as 1 x K x T."""
    found = {}
    for key in (key for key in names if key in session):
        values = _floats(session, key)
        if values.shape not in (shape, (1, *shape)):
            raise DataError(f"{key} has shape {values.shape}, expected {(1, *shape)}.")
        found[names[key]] = values.reshape(shape)
    return found


def _trials(session: Session, trials: int) -> pd.DataFrame:
    """The trial table of the keys that are there; the original has them as (K), (K, 1) or (1, K)."""
    found = {key: _find(session, key) for key in TRIAL_KEYS if key in session}
    for key, values in found.items():
        if values.dtype.kind not in "biuf":
            raise DataError(f"{key} holds {values.dtype}, expected one number per trial.")
    return trial_table(trials, **{TRIAL_KEYS[key]: values for key, values in found.items()})


def _times(session: Session, key: str) -> Float[np.ndarray, "..."]:
    """The times under `key`, s; DataError unless they are numbers."""
    times = _find(session, key)
    if times.dtype.kind not in "iuf":
        raise DataError(f"{key} holds {times.dtype}, expected times in s.")
    return times.astype(float)


def _floats(session: Session, key: str) -> Float[np.ndarray, "*K T"]:
    """The values under `key` in single precision; DataError unless they are numbers."""
    values = _find(session, key)
    if values.dtype.kind not in "biufO":
        raise DataError(f"{key} does not hold numbers in one array; it holds {values.dtype}.")
    try:
        with np.errstate(over="ignore"):  # beyond single precision is infinite, and counts as not measured
            return values.astype(np.float32, copy=False)
    except (TypeError, ValueError):
        raise DataError(f"{key} does not hold numbers in one array.") from None


def _find(session: Session, key: str) -> np.ndarray:
    """The array under `key`; DataError without one."""
    if key not in session:
        raise DataError(f"the key {key!r} is missing; is this a file of the Steinmetz 2019 set?")
    try:
        return np.asarray(session[key])
    except ValueError:  # rows of different lengths
        raise DataError(f"{key} does not hold numbers in one array.") from None
