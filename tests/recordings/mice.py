"""A simulated mouse of each system: the recording that goes out, and what its native file makes.

Each is the smallest simulation that the system's own tests use.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from neurokit import digital_twin, pupil_encoder, recordings, sensorium, v1_transformer
from neurokit.digital_twin import baselines as twin_baselines
from neurokit.digital_twin.scores import score_table as score_videos
from neurokit.digital_twin.simulated_files import write_simulated_mouse
from neurokit.pupil_encoder import baselines as encoder_baselines
from neurokit.pupil_encoder.neuromatch import read_sessions
from neurokit.pupil_encoder.recording import TrialRecording
from neurokit.pupil_encoder.scores import score_table as score_regions
from neurokit.pupil_encoder.simulated_files import write_alf, write_neuromatch
from neurokit.pupil_encoder.simulation import simulate_session
from neurokit.recordings import Recording, Trace, Trials, recording_of_movies
from neurokit.sensorium.recording import Scan
from neurokit.sensorium.simulation import write_scan
from neurokit.v1_transformer import baselines as movie_baselines
from neurokit.v1_transformer.recording import MovieSession
from neurokit.v1_transformer.scores import score_table as score_cells
from neurokit.v1_transformer.simulation import SessionParameters
from tests.digital_twin import test_own as twin
from tests.pupil_encoder import test_own as encoder
from tests.sensorium.own_mouse import as_recording, own_mouse
from tests.sensorium.test_own import assert_equal
from tests.sensorium.toys import PLUS
from tests.v1_transformer import test_own as movies


@dataclass(frozen=True)
class Mouse:
    """What goes out, and how what comes back is compared.

    Attributes:
        recording: that goes out.
        native: the system's recording of its native file.
        make: the system's recording of one that came back; a new folder may be written.
        compare: raises AssertionError unless what was made is what the native file makes.
        score: of a baseline that is fitted, or of a model as it is built.
    """

    recording: Recording
    native: Any
    make: Callable[[Recording, Path], Any]
    compare: Callable[[Any, Any], None]
    score: Callable[[Any], pd.DataFrame]


# --- PupilEncoder


def encoder_mouse(folder: Path) -> Mouse:
    """Spikes and behaviour on the session's clock; Neuromatch's file does not know when trials were shown."""
    session = simulate_session(encoder.MOUSE)
    (native,) = read_sessions(*write_neuromatch([session], folder))
    read = recordings.read(write_alf(session, folder))
    return Mouse(read, native, _cut_into_trials, encoder.assert_same, score_encoder)


def encoder_mouse_by_trial(folder: Path) -> Mouse:
    """The same as counts in bins of each trial."""
    native: TrialRecording = encoder_mouse(folder).native
    names = {"pupil_area": "pupil_size"}
    behaviour = {names.get(name, name): values for name, values in native.behaviour.items()}
    recording = Recording(
        native.name,
        "made here",
        np.arange(len(native.spikes)),
        trials=Trials(np.moveaxis(native.spikes, 0, 2), native.time, behaviour, native.time, counts=True),
        area=native.brain_area,
        events=native.trials[list(encoder.FACTS)],
    )
    return Mouse(recording, native, _cut_into_trials, encoder.assert_same, score_encoder)


def _cut_into_trials(recording: Recording, folder: Path) -> TrialRecording:
    """Without blinks, of which Neuromatch's file knows nothing."""
    made = pupil_encoder.from_recording(recording)
    seen = {name: values for name, values in made.behaviour.items() if name != "blink"}
    return replace(made, behaviour=seen)


def score_encoder(recording: TrialRecording) -> pd.DataFrame:
    """Of a linear filter of behaviour, and of the mean of each condition."""
    task = pupil_encoder.task(recording)
    found = {
        "FIR": encoder_baselines.fir(task),
        "by condition": encoder_baselines.psth_by_condition(task),
    }
    return score_regions(task, found)


# --- SENSORIUM


def scan_mouse(folder: Path, activity: str = "traces") -> Mouse:
    """Images, one a trial; the native file has its trials in another order than that of time."""
    mouse = own_mouse()
    native = sensorium.load_scan(write_scan(mouse, folder), folder / "packed")
    return Mouse(as_recording(mouse, activity, name=native.key), native, _as_scan, compare_scans, score_scan)


def scan_mouse_by_trial(folder: Path) -> Mouse:
    return scan_mouse(folder, "trials")


def _as_scan(recording: Recording, folder: Path) -> Scan:
    (scan,) = sensorium.from_recording(recording).values()
    return scan


def compare_scans(found: Scan, native: Scan) -> None:
    order = np.argsort(native.rank)
    by_trial = ("images", "responses", "behaviour", "pupil_center", "tiers", "rank", "trial_ids", "image_ids")
    assert found.key == native.key and found.channels == native.channels
    assert_equal(found, replace(native, **{name: getattr(native, name)[order] for name in by_trial}))


def score_scan(scan: Scan) -> pd.DataFrame:
    """Of a model that reads images and behaviour, as it is built, and of its baselines."""
    task = sensorium.task({scan.key: scan}, PLUS, device="cpu")
    return sensorium.evaluate(sensorium.build(task, PLUS), task, PLUS)


# --- V1 Transformer


def movie_mouse(folder: Path) -> Mouse:
    """Two movies, four times each; running began later than the traces, and ended earlier.

    Frames are shrunk to those that the model reads, as they are in any session that is read for a model.
    """
    session = v1_transformer.simulate_session(
        SessionParameters(cells=6, session_type="three_session_C", frames=150, repeats=4, seed=3)
    )
    v1_transformer.write_session(session, folder)
    native = v1_transformer.load(folder=folder, config=movies.TINY)
    given = movies.arrays_of(session, list(native.movies))
    recording = recording_of_movies(unit_ids=given.pop("cell_ids"), **given)
    return Mouse(recording, native, _as_session, movies.check_equal, score_session)


def _as_session(recording: Recording, folder: Path) -> MovieSession:
    return v1_transformer.from_recording(recording, size=movies.TINY.model.frame)


def score_session(session: MovieSession) -> pd.DataFrame:
    """Of a linear model of pixels, and of one of running."""
    task = v1_transformer.task(session, movies.TINY)
    found = {
        "pixels": movie_baselines.lagged_pixels(task),
        "running": movie_baselines.running_only(task),
    }
    return score_cells(task, found)


# --- digital twins


def twin_mouse(folder: Path) -> Mouse:
    """Clips, most of them once, with grey between them during which nothing was recorded."""
    mouse = digital_twin.simulate_mouse(twin.TINY)
    native = digital_twin.load(folder=write_simulated_mouse(mouse, folder / "native"))
    return Mouse(twin.as_recording(mouse), native, _as_trials, compare_twins, score_twin)


def _as_trials(recording: Recording, folder: Path) -> digital_twin.TwinRecording:
    return digital_twin.from_recording(recording, folder, size=twin.MONITOR)


def compare_twins(found: digital_twin.TwinRecording, native: digital_twin.TwinRecording) -> None:
    pairs = list(zip(found.training_data.trials, native.training_data.trials, strict=True))
    for ours, theirs in zip(found.videos["natural"], native.videos["natural"], strict=True):
        pairs += zip(ours.repeats, theirs.repeats, strict=True)
    for one, other in pairs:
        assert one.training == other.training
        np.testing.assert_array_equal(one.stimulus, other.stimulus)
        for part in ("perspective", "modulation", "units"):
            np.testing.assert_allclose(getattr(one, part), getattr(other, part), rtol=1e-6, atol=1e-6)


def score_twin(recording: digital_twin.TwinRecording) -> pd.DataFrame:
    """Of a linear model of pixels and behaviour."""
    videos = recording.videos["natural"]
    found = twin_baselines.lagged_pixels(recording.training_data, videos)
    return score_videos({"natural": videos}, {"pixels": found})


MICE: dict[str, Callable[[Path], Mouse]] = {
    "pupil-encoder": encoder_mouse,
    "pupil-encoder by trial": encoder_mouse_by_trial,
    "sensorium": scan_mouse,
    "sensorium by trial": scan_mouse_by_trial,
    "v1-transformer": movie_mouse,
    "digital-twin": twin_mouse,
}


# --- one value that is changed


def change_activity(recording: Recording) -> Recording:
    """A spike less, or one larger response, in the first trial."""
    moment = first_moment(recording)
    if (spikes := recording.spikes) is not None:
        lost = int(np.searchsorted(spikes.times, moment))
        fewer = replace(
            spikes, times=np.delete(spikes.times, lost), unit_ids=np.delete(spikes.unit_ids, lost)
        )
        return replace(recording, spikes=fewer)
    if (trials := recording.trials) is not None:
        return replace(recording, trials=replace(trials, responses=one_more(trials.responses, 2)))
    assert recording.traces is not None
    return replace(recording, traces=change_trace(recording.traces, moment))


def change_behaviour(recording: Recording) -> Recording:
    """One sample of running, or of the wheel."""
    trials = recording.trials
    if trials is not None and trials.behaviour:
        turned = {**trials.behaviour, "wheel": one_more(trials.behaviour["wheel"], 2)}
        return replace(recording, trials=replace(trials, behaviour=turned))
    name = "running" if "running" in recording.behaviour else "wheel"
    changed = change_trace(recording.behaviour[name], first_moment(recording))
    return replace(recording, behaviour={**recording.behaviour, name: changed})


def change_stimulus(recording: Recording) -> Recording:
    """One pixel, or the contrast of one trial."""
    if recording.stimuli:
        first, *others = recording.stimuli
        assert first.frames is not None
        frames = np.array(first.frames)
        frames[first.shown[0], 5, 5] ^= 128
        return replace(recording, stimuli=[replace(first, frames=frames), *others])
    assert recording.events is not None
    events = recording.events.copy()
    events.loc[2, "contrast_left"] = 0.125
    return replace(recording, events=events)


CHANGES = {"activity": change_activity, "behaviour": change_behaviour, "stimulus": change_stimulus}


def first_moment(recording: Recording) -> float:
    """s at which the first trial or the first stimulus is under way."""
    if recording.stimuli and recording.stimuli[0].time is not None:
        return float(recording.stimuli[0].time[0]) + 0.2
    known = recording.events is not None and "stimulus_time" in recording.events
    return float(recording.events["stimulus_time"][0]) + 0.2 if known else 0.0


def change_trace(trace: Trace, moment: float) -> Trace:
    return replace(trace, values=one_more(trace.values, int(np.searchsorted(trace.time, moment))))


def one_more(values: np.ndarray, row: int) -> np.ndarray:
    """A copy whose first value of this row is larger."""
    changed = np.array(values)
    changed[(row, *[0] * (changed.ndim - 1))] += 1
    return changed
