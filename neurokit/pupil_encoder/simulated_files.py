"""A simulated session in the files of the real one: Neuromatch npz and ALF folder, with the truth apart.

The two layouts hold the same session: a test reads both and finds the same trials. `truth.npz` lies beside
them for tests and notebooks that check a model against it; no reader of recordings opens it.

Letters: R regions, K trials, T bins of a trial, U bins past the start-up of the smoothing.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import uniform_filter1d

from neurokit.errors import DataError
from neurokit.files.archives import read_npz
from neurokit.files.atomic import atomic_write, atomic_write_folder
from neurokit.pupil_encoder.simulation import BEFORE, BIN_SIZE, BINS, SimulatedSession

PARTS = 3
BOXCAR = 0.1  # s
TRUTH = "truth.npz"
MAXIMUM_BYTES = 2**30  # the truth of 250 trials has 1 MB


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
    behaviour, events = session.behaviour, session.events
    bins = events.trial_bins

    def from_stimulus(times: np.ndarray) -> np.ndarray:
        return (times - events.stimulus)[:, None].astype(float)  # the layout keeps a singleton axis

    return {
        "spks": session.spikes[:, bins].astype(np.int8),
        "brain_area": _brain_areas(session),
        "pupil": behaviour.measured_pupil[:, bins],
        "wheel": behaviour.wheel[bins][None],
        "licks": behaviour.licks[bins][None].astype(float),
        "face": behaviour.face_motion[bins][None],
        "contrast_left": events.contrast_left,
        "contrast_right": events.contrast_right,
        "response": events.response.astype(float),
        "response_time": from_stimulus(events.response_time),
        "gocue": from_stimulus(events.go_cue),
        "feedback_time": from_stimulus(events.feedback),
        "feedback_type": events.feedback_type.astype(float),
        "active_trials": np.ones(len(events.stimulus), dtype=bool),
        "mouse_name": session.parameters.mouse,
        "date_exp": session.parameters.date,
        "bin_size": BIN_SIZE,
        "stim_onset": BEFORE,
    }


def _brain_areas(session: SimulatedSession) -> np.ndarray:
    return np.array([region.name for region in session.parameters.regions])[session.region]


def write_alf(session: SimulatedSession, parent: Path) -> Path:
    """Writes the ALF folder <mouse>_<date> into `parent`, in place of an earlier one.

    Raises DiskError where it cannot be written; an earlier folder stays.
    """
    folder = parent / f"{session.parameters.mouse}_{session.parameters.date}"
    arrays = _behaviour_arrays(session) | _trial_arrays(session) | _spike_arrays(session)
    channels = [f"0\t0\t0\t{area}" for area in _brain_areas(session)]
    with atomic_write_folder(folder) as temporary:
        for name, values in arrays.items():
            values = values if values.ndim == 2 else values[:, None]  # the release keeps columns
            np.save(temporary / f"{name}.npy", values)
        table = "\n".join(["ccf_ap\tccf_dv\tccf_lr\tallen_ontology", *channels]) + "\n"
        (temporary / "channels.brainLocation.tsv").write_text(table)
    return folder


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
    starts = events.stimulus - BEFORE
    return {
        "trials.visualStim_times": events.stimulus,
        "trials.visualStim_contrastLeft": events.contrast_left,
        "trials.visualStim_contrastRight": events.contrast_right,
        "trials.goCue_times": events.go_cue,
        "trials.response_times": events.response_time,
        "trials.response_choice": events.response.astype(float),
        "trials.feedback_times": events.feedback,
        "trials.feedbackType": events.feedback_type.astype(float),
        "trials.intervals": np.stack([starts, starts + BINS * BIN_SIZE], 1),
        "trials.included": np.ones(len(starts), dtype=bool),
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


# The truth


@dataclass(frozen=True)
class Truth:
    """What the simulation planted.

    Attributes:
        parameters: of the simulation (`SessionParameters`), plain data.
        expected_rates: Hz per neuron, the best prediction from a trial's behaviour alone.
        best_r2: of each region, see `best_r2`.
        blink: bins in which the eye is closed, which the Neuromatch files do not say.
    """

    parameters: dict
    expected_rates: Float[np.ndarray, "K T R"]
    best_r2: Float[np.ndarray, "R"]
    blink: Bool[np.ndarray, "K T"]


def write_truth(session: SimulatedSession, path: Path) -> Path:
    """Writes parameters (JSON), expected rates (Hz), best reachable R² (100-ms boxcar) and blinks."""
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(
            file,
            parameters=session.parameters.to_json(),
            expected_rates=session.expected_rates.astype(np.float32),
            best_r2=best_r2(session),
            blink=session.behaviour.blink[session.events.trial_bins],
        )
    return path


def read_truth(path: Path) -> Truth:
    """What was planted in a simulated session; raises DataError for a missing or damaged file."""
    try:
        arrays = read_npz(path, MAXIMUM_BYTES)
        planted = (arrays[name] for name in ("expected_rates", "best_r2", "blink"))
        return Truth(json.loads(str(arrays["parameters"])), *planted)
    except (KeyError, ValueError) as error:  # a DataError is a ValueError
        raise DataError(f"{path} is not the truth of a simulated session ({error}); remove it.") from error


def best_r2(session: SimulatedSession) -> Float[np.ndarray, "R"]:
    """Variance explained in each region by the expected rates: the best that behaviour allows.

    Both sides are smoothed by the causal boxcar of 100 ms; its start-up bins are left out.
    """
    bins = round(BOXCAR / BIN_SIZE)
    scores = []
    for index in range(session.expected_rates.shape[-1]):
        counts = session.spikes[session.region == index].mean(0)[session.events.trial_bins]
        rate = _trailing_mean(counts / BIN_SIZE, bins)
        known = _trailing_mean(session.expected_rates[..., index], bins)
        scores.append(1 - ((rate - known) ** 2).sum() / ((rate - rate.mean()) ** 2).sum())
    return np.array(scores)


def _trailing_mean(rates: Float[np.ndarray, "K T"], bins: int) -> Float[np.ndarray, "K U"]:
    """Mean of each bin and the `bins - 1` before it, from the first bin that has them all."""
    return uniform_filter1d(rates, bins, axis=-1, origin=(bins - 1) // 2)[:, bins - 1 :]
