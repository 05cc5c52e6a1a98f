"""A recording cut into trials, and its two file formats: Neuromatch npz files and cut-outs like them.

Neuromatch distributes Steinmetz 2019 as steinmetz_part{0,1,2}.npz, each with one object array `dat` of
dictionaries, one a session: 39 sessions of 10 mice in all. A trial is 2.5 s in 250 bins of 10 ms and starts
0.5 s before the visual stimulus (Steinmetz et al., Nature 576, 266-273, 2019; layout as in the Neuromatch
Academy course). The files are pickled, so only an allow-list of numpy constructors is opened. Every array is
checked for kind and shape; a DataError names the file, the session and the key.

Letters: N neurons, K trials, T behaviour bins of a trial, S of these bins that also hold spikes.
Time is in seconds from the onset of the trial's visual stimulus; a bin is named by its centre.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int, Integer, Shaped

from neurokit.errors import DataError, read_from
from neurokit.files.archives import read_npz
from neurokit.files.pickles import load_object_array

Session = Mapping[str, Any]
TRIAL_COLUMNS = (
    "stimulus_time",  # s on the recording's clock
    "contrast_left",  # 0 to 1
    "contrast_right",  # 0 to 1
    "response",  # +1 left, 0 no-go, -1 right
    "response_time",  # s from stimulus onset
    "go_cue",  # s from stimulus onset
    "feedback_type",  # +1 reward, -1 noise
    "feedback_time",  # s from stimulus onset
)
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


@dataclass(frozen=True)
class TrialRecording:
    """Spikes and behaviour of one session.

    Attributes:
        name: mouse and date.
        time: bin centres of a trial, T, s from stimulus onset.
        spikes: counts per bin, N x K x S; its S bins are `time[first_spike_bin:][:S]`.
        first_spike_bin: where the spikes begin in `time`; some recordings hold spikes of a part of it.
        brain_area: Allen acronym of each neuron, N.
        behaviour: what the cameras and sensors saw, each K x T, in the recording's own units (pupil_area
            arbitrary, pupil_x and pupil_y video-frame units, wheel ticks per bin, licks per bin, face_motion
            arbitrary, blink 0 or 1). Only channels that were recorded; NaN where the camera did not run.
        trials: a row per trial in order of time, columns TRIAL_COLUMNS, NaN where unknown.
        bin_size: s.
        clock_uncertainty: s; no lag between behaviour and spikes finer than this may be read off.
        truth: of a simulated recording, the file that holds what was planted.
    """

    name: str
    time: Float[np.ndarray, "T"]
    spikes: Integer[np.ndarray, "N K S"]
    first_spike_bin: int
    brain_area: Shaped[np.ndarray, "N"]
    behaviour: dict[str, Float[np.ndarray, "K T"]]
    trials: pd.DataFrame
    bin_size: float = 0.01
    clock_uncertainty: float = 0.0
    truth: Path | None = None

    def __post_init__(self) -> None:
        """Raises DataError where the arrays do not fit each other or cannot be used."""
        neurons, trials, bins = self.spikes.shape
        if min(neurons, trials, bins) == 0:
            raise DataError(f"{self.name}: spikes have shape {self.spikes.shape}; every axis needs entries.")
        self._check("brain_area", self.brain_area.shape, (neurons,))
        self._check("trials", (len(self.trials),), (trials,))
        for channel, values in self.behaviour.items():
            self._check(channel, values.shape, (trials, len(self.time)))
        last = self.first_spike_bin + bins
        if self.first_spike_bin < 0 or last > len(self.time):
            raise DataError(
                f"{self.name}: spike bins {self.first_spike_bin} to {last} do not lie in the "
                f"{len(self.time)} bins of `time`; the two clocks must overlap."
            )

    def _check(self, what: str, found: tuple[int, ...], wanted: tuple[int, ...]) -> None:
        if found != wanted:
            raise DataError(
                f"{self.name}: {what} has shape {found}, expected {wanted}; the file mixes recordings."
            )

    @property
    def spike_bins(self) -> slice:
        """The bins of `time` that hold spikes."""
        return slice(self.first_spike_bin, self.first_spike_bin + self.spikes.shape[2])

    def regions(self, minimum_neurons: int = 1) -> dict[str, int]:
        """Neurons in each named region, largest first; without 'root' (outside every region)."""
        names, counts = np.unique(self.brain_area, return_counts=True)
        found = {str(n): int(c) for n, c in zip(names, counts, strict=True) if c >= minimum_neurons}
        found.pop("root", None)
        return dict(sorted(found.items(), key=lambda row: (-row[1], row[0])))

    def select(self, trials: Bool[np.ndarray, "K"] | Int[np.ndarray, "M"]) -> "TrialRecording":
        """The same recording with some of its trials."""
        return replace(
            self,
            spikes=self.spikes[:, trials],
            behaviour={channel: values[trials] for channel, values in self.behaviour.items()},
            trials=self.trials.iloc[np.arange(len(self.trials))[trials]].reset_index(drop=True),
        )


def trial_table(trials: int, **columns: np.ndarray | None) -> pd.DataFrame:
    """A table of `trials` rows with every column of TRIAL_COLUMNS; absent ones are NaN.

    Raises DataError for a column of another length.
    """
    table = pd.DataFrame(np.nan, index=range(trials), columns=list(TRIAL_COLUMNS))
    for name, values in columns.items():
        if values is None:
            continue
        values = np.asarray(values, dtype=float).ravel()
        if len(values) != trials:
            raise DataError(f"{name} has {len(values)} entries for {trials} trials; one per trial is needed.")
        table[name] = values
    return table


# Reading


def read_sessions(*paths: Path) -> list[TrialRecording]:
    """All sessions of the given parts, in file order; raises DataError naming file and key."""
    found = []
    for path in paths:
        for index, session in enumerate(load_object_array(path, "dat", MAXIMUM_BYTES)):
            with read_from(f"{path}, session {index}"):
                found.append(_make_recording(session))
    return found


def _make_recording(session: Any) -> TrialRecording:
    if not isinstance(session, dict):
        raise DataError(f"found {type(session).__name__}, expected a dictionary; fetch the file again.")
    spikes = _spikes(session)
    bin_size = float(np.squeeze(session.get("bin_size", 0.01)))
    start = float(np.squeeze(session.get("stim_onset", 0.5)))
    return TrialRecording(
        name=_name(session),
        time=(np.arange(spikes.shape[2]) + 0.5) * bin_size - start,
        spikes=spikes,
        first_spike_bin=0,
        brain_area=_brain_areas(session, len(spikes)),
        behaviour=_pupil(session, spikes.shape[1:]) | _behaviour(session, CHANNELS, spikes.shape[1:]),
        trials=_trials(session, spikes.shape[1]),
        bin_size=bin_size,
    )


def read_cutout(path: Path, *, included_only: bool = False) -> TrialRecording:
    """A cut-out session: spikes of a part of the trial, behaviour on its own longer clock.

    Spike bins and behaviour bins share one 10-ms grid. The eye camera's clock of this cut-out is an
    estimate, good to about 0.2 s. `included_only` leaves out trials that the authors did not analyse. Raises
    DataError naming file, key and finding.
    """
    arrays = read_npz(path, MAXIMUM_BYTES)
    with read_from(path):
        time, spikes = _times(arrays, "behav_time_from_stim"), _spikes(arrays)
        recording = TrialRecording(
            name=_name(arrays),
            time=time,
            spikes=spikes,
            first_spike_bin=_first_bin(time, _times(arrays, "spk_time_from_stim"), spikes.shape[2]),
            brain_area=_brain_areas(arrays, len(spikes)),
            behaviour=_behaviour(arrays, CUTOUT_CHANNELS, (spikes.shape[1], len(time))),
            trials=_trials(arrays, spikes.shape[1]),
            clock_uncertainty=0.2,
        )
        return recording.select(_find(arrays, "included").astype(bool)) if included_only else recording


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


def _name(session: Session) -> str:
    return f"{session.get('mouse_name', 'unknown')}_{session.get('date_exp', 'undated')}"


def _spikes(session: Session) -> Integer[np.ndarray, "N K S"]:
    """Counts as the smallest unsigned integers; DataError unless they are whole numbers of zero or more."""
    spikes = _find(session, "spks")
    if spikes.ndim != 3:
        raise DataError(f"spks has shape {spikes.shape}, expected neurons x trials x bins.")
    if not _are_counts(spikes):
        raise DataError(f"spks must be whole numbers of zero or more, found {spikes.dtype} values.")
    one_byte = spikes.dtype.itemsize == 1  # such a large array is not copied
    return spikes.astype(np.uint8 if one_byte else np.uint16, copy=not one_byte)


def _are_counts(values: np.ndarray) -> bool:
    if np.issubdtype(values.dtype, np.integer):
        return bool((values >= 0).all())
    finite = np.issubdtype(values.dtype, np.floating) and np.isfinite(values).all()
    return bool(finite and (values >= 0).all() and (values == np.floor(values)).all())


def _brain_areas(session: Session, neurons: int) -> Shaped[np.ndarray, "N"]:
    areas = _find(session, "brain_area").astype(str)
    if areas.shape != (neurons,):
        raise DataError(f"brain_area has shape {areas.shape}, expected {(neurons,)}; fetch the file again.")
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
    found = {key: np.asarray(session[key]) for key in TRIAL_KEYS if key in session}
    for key, values in found.items():
        if not np.issubdtype(values.dtype, np.number):
            raise DataError(f"{key} holds {values.dtype}, expected one number per trial.")
    return trial_table(trials, **{TRIAL_KEYS[key]: values for key, values in found.items()})


def _times(session: Session, key: str) -> Float[np.ndarray, "T"]:
    """The times under `key`, s; DataError unless they are numbers."""
    times = _find(session, key)
    if not np.issubdtype(times.dtype, np.number):
        raise DataError(f"{key} holds {times.dtype}, expected times in s; fetch the file again.")
    return times.astype(float)


def _floats(session: Session, key: str) -> Float[np.ndarray, "*K T"]:
    """The values under `key` in single precision; DataError unless they are numbers."""
    try:
        return np.asarray(session[key], dtype=np.float32)
    except (TypeError, ValueError):
        raise DataError(f"{key} does not hold numbers in one array; fetch the file again.") from None


def _find(session: Session, key: str) -> np.ndarray:
    """The array under `key`; DataError without one."""
    if key not in session:
        raise DataError(f"the key {key!r} is missing; is this a file of the Steinmetz 2019 set?")
    return np.asarray(session[key])
