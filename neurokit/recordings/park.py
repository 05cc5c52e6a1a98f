"""Real recordings of responses to gratings in mouse V1: small two-photon cut-outs.

Drifting and static gratings are two sessions of one container of the Allen Brain Observatory (de Vries et
al., Nature Neuroscience 23, 138-151, 2020; layer 2/3 excitatory cells, GCaMP6f), without running or pupil.
The recording with running and pupil is the control mouse of Park et al. (2024).

Letters: N cells, K trials in the order in which they were shown, T samples around a trial's onset.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32, Int

from neurokit import cutouts, settings
from neurokit.errors import DataError, read_from
from neurokit.files.archives import read_npz

ALLEN = Path("allen_vc2p_gratings")
DRIFTING = ALLEN / "drifting_gratings_session527745328_timecourses_40cells.npz"
STATIC = ALLEN / "static_gratings_session527676626_trial_means.npz"
PARK = "park"  # among the recordings of the package
MAXIMUM_BYTES = 2**28  # the largest unpacks to 7 MB


@dataclass(frozen=True, eq=False)
class DriftingGratings:
    """Gratings of 0.04 cycles/degree that drift for 2 s, then 1 s of grey; the time course of each trial.

    `dff` is a fraction, `time` s from onset, `direction` degrees, `temporal_frequency` Hz (both NaN: a
    blank). 30 of the 40 cells were selected for their reliability over all trials; `at_random` marks those
    that were drawn at random.
    """

    cell_ids: Int[np.ndarray, "N"]
    at_random: Bool[np.ndarray, "N"]
    dff: Float32[np.ndarray, "N K T"]
    time: Float32[np.ndarray, "T"]
    direction: Float32[np.ndarray, "K"]
    temporal_frequency: Float32[np.ndarray, "K"]


@dataclass(frozen=True, eq=False)
class StaticGratings:
    """Gratings of 0.25 s, one after the other without a gap; one number for each cell and presentation.

    `dff` is the mean over 0 to 0.5 s from onset, a fraction: the next grating's first 0.25 s are part of
    it. `orientation` degrees, `spatial_frequency` cycles/degree, `phase` cycles (all NaN: a blank).
    """

    cell_ids: Int[np.ndarray, "N"]
    dff: Float32[np.ndarray, "N K"]
    orientation: Float32[np.ndarray, "K"]
    spatial_frequency: Float32[np.ndarray, "K"]
    phase: Float32[np.ndarray, "K"]


@dataclass(frozen=True, eq=False)
class RunningGratings:
    """Drifting gratings with running and pupil on the same clock.

    `dff`, `running` and `pupil` are on the source's scales: their units are unknown. `time` s from onset,
    `direction` degrees; the spatial and temporal frequency of the gratings is not stored.
    """

    dff: Float32[np.ndarray, "N K T"]
    time: Float32[np.ndarray, "T"]
    direction: Float32[np.ndarray, "K"]
    running: Float32[np.ndarray, "K T"]
    pupil: Float32[np.ndarray, "K T"]


def read_drifting(path: Path | None = None) -> DriftingGratings:
    """Time courses of 40 cells, from the small real recording or another file of its kind.

    Raises DataError for a file that is missing, damaged or not of these shapes, for responses that are not
    finite and for incomplete labels; SettingsError where no folder of real recordings is set.
    """
    path = _existing(path, DRIFTING)
    labels = {"orientation_deg": "K", "temporal_frequency_hz": "K"}
    found = _read(path, {"cell_id": "N", "selected_how": "N", "dff": "N K T", "time_s": "T"} | labels)
    with read_from(path):
        return DriftingGratings(
            cell_ids=_integers(found, "cell_id"),
            at_random=found["selected_how"].astype(str) == "random",
            dff=_measured(found, "dff"),
            time=_clock(found, "time_s"),
            **_labels(found, direction="orientation_deg", temporal_frequency="temporal_frequency_hz"),
        )


def read_static(path: Path | None = None) -> StaticGratings:
    """Mean responses of 269 cells to 6000 presentations; raises as `read_drifting`."""
    path = _existing(path, STATIC)
    labels = {"orientation_deg": "K", "spatial_frequency_cpd": "K", "phase": "K"}
    found = _read(path, {"cell_id": "N", "mean_dff_0_0p5s": "N K"} | labels)
    names = {"orientation": "orientation_deg", "spatial_frequency": "spatial_frequency_cpd", "phase": "phase"}
    with read_from(path):
        return StaticGratings(
            _integers(found, "cell_id"), _measured(found, "mean_dff_0_0p5s"), **_labels(found, **names)
        )


def read_running(path: Path | None = None) -> RunningGratings:
    """Time courses of 56 cells with running and pupil, from the package or another file of its kind.

    Raises DataError as `read_drifting` does.
    """
    path = cutouts.path_of(PARK) if path is None else path
    shapes = {"dff": "N K T", "t": "T", "direction_deg": "K", "speed": "K T", "pupil_z": "K T"}
    found = _read(path, shapes)
    with read_from(path):
        return RunningGratings(
            dff=_measured(found, "dff"),
            time=_clock(found, "t"),
            direction=_measured(found, "direction_deg"),
            running=_measured(found, "speed"),
            pupil=_measured(found, "pupil_z"),
        )


def _existing(path: Path | None, usual: Path) -> Path:
    if path is None:
        path = settings.real_data_folder() / usual
        if not path.is_file():
            raise DataError(f"{path} is missing: NEUROKIT_REAL_DATA must be the folder that holds {usual}.")
    return path


def _read(path: Path, shapes: dict[str, str]) -> dict[str, np.ndarray]:
    """The arrays of these keys; a letter in their shapes stands for the same number in all of them."""
    found = read_npz(path, MAXIMUM_BYTES, list(shapes))
    sizes: dict[str, int] = {}
    for key, letters in shapes.items():
        shape, names = found[key].shape, letters.split()
        agree = len(shape) == len(names) and all(
            sizes.setdefault(name, size) == size for name, size in zip(names, shape, strict=True)
        )
        if not agree or 0 in shape:
            known = ", ".join(str(sizes.get(name, name)) for name in names)
            raise DataError(f"{path}: {key} has shape {shape}, expected ({known}); copy the file again.")
    return found


def _numbers(found: dict[str, np.ndarray], key: str) -> Float32[np.ndarray, "..."]:
    if found[key].dtype.kind not in "fiu":
        raise DataError(f"{key} holds {found[key].dtype}, expected numbers; copy the file again.")
    return found[key].astype(np.float32)


def _measured(found: dict[str, np.ndarray], key: str) -> Float32[np.ndarray, "..."]:
    values = _numbers(found, key)
    if missing := int((~np.isfinite(values)).sum()):
        raise DataError(f"{missing} of {values.size} values of {key} are not finite; copy the file again.")
    return values


def _integers(found: dict[str, np.ndarray], key: str) -> Int[np.ndarray, "N"]:
    if found[key].dtype.kind not in "iu":
        raise DataError(f"{key} holds {found[key].dtype}, expected whole numbers; copy the file again.")
    return found[key].astype(np.int64)


def _clock(found: dict[str, np.ndarray], key: str) -> Float32[np.ndarray, "T"]:
    time = _measured(found, key)
    if (np.diff(time) <= 0).any():
        raise DataError(f"{key} does not increase from sample to sample; copy the file again.")
    return time


def _labels(found: dict[str, np.ndarray], **keys: str) -> dict[str, Float32[np.ndarray, "K"]]:
    """The labels by name; a trial has all of them or, a blank, none."""
    labels = {name: _numbers(found, key) for name, key in keys.items()}
    known = np.stack([np.isfinite(values) for values in labels.values()])
    if half := int((known.any(axis=0) & ~known.all(axis=0)).sum()):
        raise DataError(f"{half} trials have some of {', '.join(keys.values())} but not all; copy it again.")
    if not known.any():
        raise DataError(f"{', '.join(keys.values())} contain no grating; copy the file again.")
    return labels
