"""Writes a simulated session as the real one comes: Neuromatch npz, ALF folder; the truth apart.

The two layouts hold the same session: a test reads both and finds the same trials. `truth.npz` lies
beside them for tests and notebooks that check a model against it; no reader of recordings
opens it.
"""

from pathlib import Path
from typing import Any

import numpy as np

from neurokit.files.atomic import atomic_write, atomic_write_folder
from neurokit.pupil_encoder.behaviour import BIN_SIZE
from neurokit.pupil_encoder.simulation import BEFORE, BINS, SimulatedSession, best_r2

PARTS = 3


def write_neuromatch(sessions: list[SimulatedSession], folder: Path) -> list[Path]:
    """Writes steinmetz_part0.npz to _part2.npz, each an object array `dat` of dictionaries."""
    files = []
    for part, group in enumerate(np.array_split(np.arange(len(sessions)), PARTS)):
        if len(group) == 0:
            continue
        dat = np.empty(len(group), dtype=object)
        dat[:] = [_session_dictionary(sessions[index]) for index in group]
        files.append(folder / f"steinmetz_part{part}.npz")
        with atomic_write(files[-1]) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, dat=dat)
    return files


def _session_dictionary(session: SimulatedSession) -> dict[str, Any]:
    bins, behaviour, events = session.trial_bins, session.behaviour, session.events
    return {
        "spks": session.spikes[:, bins].astype(np.int8),
        "brain_area": _areas(session),
        "pupil": behaviour.measured_pupil[:, bins],
        "wheel": behaviour.wheel[bins][None],
        "licks": behaviour.licks[bins][None].astype(float),
        "face": behaviour.face_motion[bins][None],
        "contrast_left": events.contrast_left,
        "contrast_right": events.contrast_right,
        "response": events.response.astype(float),
        "response_time": _column(events.response_time - events.stimulus),
        "gocue": _column(events.go_cue - events.stimulus),
        "feedback_time": _column(events.feedback - events.stimulus),
        "feedback_type": events.feedback_type.astype(float),
        "active_trials": np.ones(len(events.stimulus), dtype=bool),
        "mouse_name": session.parameters.mouse,
        "date_exp": session.parameters.date,
        "bin_size": BIN_SIZE,
        "stim_onset": BEFORE,
    }


def _column(values: np.ndarray) -> np.ndarray:
    return values[:, None].astype(float)  # the layout keeps a singleton axis


def _areas(session: SimulatedSession) -> np.ndarray:
    return np.array([region.name for region in session.parameters.regions])[session.region]


def write_alf(session: SimulatedSession, parent: Path) -> Path:
    """Writes the ALF folder <mouse>_<date> into `parent`, in place of one that is there.

    Raises DiskError where it cannot be written; an earlier file stays.
    """
    folder = parent / f"{session.parameters.mouse}_{session.parameters.date}"
    with atomic_write_folder(folder) as temporary:
        for name, values in _alf_arrays(session).items():
            values = values if values.ndim == 2 else values[:, None]  # the release keeps columns
            np.save(temporary / f"{name}.npy", values)
        _write_channel_table(session, temporary / "channels.brainLocation.tsv")
    return folder


def _alf_arrays(session: SimulatedSession) -> dict[str, np.ndarray]:
    return _behaviour_arrays(session) | _trial_arrays(session) | _spike_arrays(session)


def _behaviour_arrays(session: SimulatedSession) -> dict[str, np.ndarray]:
    behaviour = session.behaviour
    bins = len(behaviour.blink)
    centres = np.array([[0, 0.5 * BIN_SIZE], [bins - 1, (bins - 0.5) * BIN_SIZE]])
    edges = np.array([[0, 0.0], [bins, bins * BIN_SIZE]])
    lick_bins = np.repeat(np.arange(bins), behaviour.licks)
    return {
        "eye.area": behaviour.measured_pupil[0],
        "eye.xyPos": behaviour.measured_pupil[1:].T,
        "eye.blink": behaviour.blink,
        "eye.timestamps": centres,
        "face.motionEnergy": behaviour.face_motion,
        "face.timestamps": centres,
        "wheel.position": np.concatenate([[0.0], np.cumsum(behaviour.wheel)]),
        "wheel.timestamps": edges,
        "licks.times": (lick_bins + 0.5) * BIN_SIZE,
    }


def _trial_arrays(session: SimulatedSession) -> dict[str, np.ndarray]:
    events = session.events
    return {
        "trials.visualStim_times": events.stimulus,
        "trials.visualStim_contrastLeft": events.contrast_left,
        "trials.visualStim_contrastRight": events.contrast_right,
        "trials.goCue_times": events.go_cue,
        "trials.response_times": events.response_time,
        "trials.response_choice": events.response.astype(float),
        "trials.feedback_times": events.feedback,
        "trials.feedbackType": events.feedback_type.astype(float),
        "trials.intervals": np.stack(
            [events.stimulus - BEFORE, events.stimulus - BEFORE + BINS * BIN_SIZE], 1
        ),
        "trials.included": np.ones(len(events.stimulus), dtype=bool),
    }


def _spike_arrays(session: SimulatedSession) -> dict[str, np.ndarray]:
    """Spikes at random places inside their bins, sorted by time; neuron n sits on channel n."""
    neuron, bins = np.nonzero(session.spikes)
    counts = session.spikes[neuron, bins]
    neuron, bins = np.repeat(neuron, counts), np.repeat(bins, counts)
    place = np.random.default_rng(session.parameters.seed).uniform(0.05, 0.95, len(bins))
    times = (bins + place) * BIN_SIZE
    order = np.argsort(times, kind="stable")
    total = len(session.spikes)
    return {
        "spikes.times": times[order],
        "spikes.clusters": neuron[order].astype(np.uint32),
        "clusters._phy_annotation": np.full(total, 2.0),
        "clusters.peakChannel": np.arange(1.0, total + 1),  # counted from 1, as in the release
        "clusters.probes": np.zeros(total),
    }


def _write_channel_table(session: SimulatedSession, path: Path) -> None:
    rows = [f"0\t0\t0\t{area}" for area in _areas(session)]
    path.write_text("\n".join(["ccf_ap\tccf_dv\tccf_lr\tallen_ontology", *rows]) + "\n")


def write_truth(session: SimulatedSession, path: Path) -> Path:
    """Parameters (JSON), expected rates (Hz, K x T x R) and best reachable R² (100-ms boxcar)."""
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(
            file,
            parameters=session.parameters.to_json(),
            expected_rates=session.expected_rates.astype(np.float32),
            best_r2=best_r2(session),
        )
    return path
