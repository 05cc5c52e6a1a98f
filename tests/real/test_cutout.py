"""The real Cori 2016-12-17: the cut-out, the ALF folder it was cut from, and the simulation beside it."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from neurokit.cutouts import path_of
from neurokit.errors import DataError
from neurokit.metrics import r2, split_half_reliability
from neurokit.pupil_encoder.alf import AlfTrials, read_alf
from neurokit.pupil_encoder.baselines import mean_rate, psth
from neurokit.pupil_encoder.cleaning import clean_pupil
from neurokit.pupil_encoder.features import (
    BEHAVIOUR,
    EncodingTask,
    causal_boxcar,
    encoding_task,
    split_trials,
)
from neurokit.pupil_encoder.neuromatch import read_cutout
from neurokit.pupil_encoder.recording import TrialRecording
from neurokit.pupil_encoder.simulation import simulate_session
from neurokit.pupil_encoder.sources import load
from neurokit.pupil_encoder.unusable import find_lost
from neurokit.training.omissions import Omission

REGIONS = {"VISpm": 302, "VISl": 231, "POST": 191, "CA1": 190}


@pytest.fixture(scope="module")
def folder(real_data: Path) -> Iterator[Path]:
    """Fails where a test of this module has changed, added or removed a file of the recording."""
    used = real_data / "steinmetz2019"
    before = fingerprint(used / "alf")
    yield used
    assert fingerprint(used / "alf") == before


@pytest.fixture(scope="module", autouse=True)
def nothing_is_written() -> Iterator[None]:
    """Fails where a test has changed, added or removed a file of the package."""
    before = fingerprint(path_of("cori").parent)
    yield
    assert fingerprint(path_of("cori").parent) == before


def fingerprint(folder: Path) -> dict[str, tuple[int, str]]:
    used = [file for file in sorted(folder.rglob("*")) if "__pycache__" not in file.parts]
    return {
        str(file): (file.stat().st_mtime_ns, hashlib.sha256(file.read_bytes()).hexdigest())
        for file in used
        if file.is_file()
    }


@pytest.fixture(scope="module")
def cutout() -> TrialRecording:
    return read_cutout(path_of("cori"))


@pytest.fixture(scope="module")
def alf(folder: Path) -> AlfTrials:
    return read_alf(folder / "alf" / "Cori_2016-12-17", eye_clock="eye.timestamps.ESTIMATED")


@pytest.fixture(scope="module")
def task(cutout: TrialRecording) -> EncodingTask:
    split = split_trials(len(cutout.trials), seed=0)
    return encoding_task(cutout, split, regions=tuple(REGIONS), channels=BEHAVIOUR)


def test_the_cutout_is_the_session_its_readme_describes(cutout: TrialRecording) -> None:
    assert cutout.spikes.shape == (1070, 251, 40)
    counted = cutout.regions(minimum_neurons=20)
    assert counted == REGIONS and list(counted) == list(REGIONS)
    assert set(cutout.behaviour) == {"pupil_area", "face_motion", "licks", "wheel_moving"}
    np.testing.assert_allclose(cutout.time[cutout.spike_bins], np.arange(40) * 0.01 + 0.005, atol=1e-6)
    assert cutout.clock_uncertainty == 0.2


def test_the_end_of_the_spikes_is_found_in_a_session_of_another_laboratory() -> None:
    """Its README counts 422 usable trials of 425; the last three were cut short."""
    with np.load(path_of("ibl"), allow_pickle=False) as session:
        parts = {name: session[name] for name in session.files if name.startswith("counts_")}
    counts = np.concatenate([each.T for each in parts.values()]).astype(np.int64)  # N K
    area = np.repeat(list(parts), [each.shape[1] for each in parts.values()])
    units, trials = find_lost(counts, area)
    assert len(area) == 134 and not units.any() and np.flatnonzero(trials).tolist() == [422, 423, 424]
    counts[area == "counts_LGd", 300:] = 0
    units, trials = find_lost(counts, area)
    np.testing.assert_array_equal(units, area == "counts_LGd")
    assert trials.sum() == 3


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_nothing_of_a_simulated_session_is_left_out(seed: int) -> None:
    assert load(source="demo", seed=seed).omissions == ()


def test_nothing_is_left_out_but_what_was_not_recorded(cutout: TrialRecording, task: EncodingTask) -> None:
    assert cutout.omissions == ()
    assert task.omissions == (Omission("not_recorded", "channels", ("pupil_x", "pupil_y"), 6),)


def test_the_spikes_are_those_of_the_separate_session_file(folder: Path, cutout: TrialRecording) -> None:
    with np.load(folder / "sessions" / "session02_Cori_2016-12-17.npz", allow_pickle=False) as file:
        np.testing.assert_array_equal(file["spks"], cutout.spikes)
        np.testing.assert_array_equal(file["brain_area"].astype(str), cutout.brain_area)
        np.testing.assert_allclose(file["contrast_left"], cutout.trials["contrast_left"])
        np.testing.assert_allclose(file["bin_times"][:, 0] - 0.005, cutout.trials["stimulus_time"], atol=1e-4)


def test_the_cutout_source_reads_it(monkeypatch: pytest.MonkeyPatch, cutout: TrialRecording) -> None:
    monkeypatch.delenv("NEUROKIT_REAL_DATA", raising=False)  # it comes with the package
    read = load(source="cutout")
    assert read.name == cutout.name == "Cori_2016-12-17"
    np.testing.assert_array_equal(read.spikes, cutout.spikes)


# --- the ALF folder


def test_the_alf_folder_names_what_is_missing(alf: AlfTrials) -> None:
    absent = {
        "spikes.times.npy",
        "spikes.clusters.npy",
        "eye.xyPos.npy",
        "eye.blink.npy",
        "wheel.position.npy",
    }
    assert set(alf.missing) == absent
    with pytest.raises(DataError, match=r"Cori_2016-12-17: no spikes.*spikes\.times\.npy"):
        alf.recording()


def test_without_the_estimated_clock_the_eye_is_missing_and_nothing_else(
    folder: Path, alf: AlfTrials
) -> None:
    plain = read_alf(folder / "alf" / "Cori_2016-12-17")
    assert set(plain.missing) - set(alf.missing) == {"eye.timestamps.npy"}
    assert set(alf.behaviour) - set(plain.behaviour) == {"pupil_area"}


def test_the_alf_folder_equals_the_cutout(alf: AlfTrials, cutout: TrialRecording) -> None:
    for column in ("stimulus_time", "contrast_left", "contrast_right", "response", "feedback_type"):
        np.testing.assert_array_equal(alf.trials[column], cutout.trials[column], err_msg=column)
    for column in ("response_time", "go_cue", "feedback_time"):  # single precision in the cut-out
        np.testing.assert_allclose(alf.trials[column], cutout.trials[column], atol=1e-6, err_msg=column)
    for channel in ("licks", "wheel_moving"):
        np.testing.assert_array_equal(alf.behaviour[channel], cutout.behaviour[channel], err_msg=channel)
    np.testing.assert_allclose(alf.time, cutout.time, atol=1e-6)


@pytest.mark.parametrize(
    ("channel", "values", "clock"),
    [
        ("pupil_area", "eye.area", "eye.timestamps.ESTIMATED"),
        ("face_motion", "face.motionEnergy", "face.timestamps"),
    ],
)
def test_the_cutout_lies_between_the_frame_that_alf_gives_and_the_next(
    folder: Path, alf: AlfTrials, cutout: TrialRecording, channel: str, values: str, clock: str
) -> None:
    """The cut-out interpolates between frames, the conversion takes the frame below."""
    frames, rows = (np.load(folder / "alf" / "Cori_2016-12-17" / f"{name}.npy") for name in (values, clock))
    frames = frames[:, 0].astype(np.float32)
    time = cutout.trials["stimulus_time"].to_numpy()[:, None] + alf.time
    below = np.floor(np.interp(time, rows[:, 1], rows[:, 0])).astype(int)
    low, high = np.minimum(frames[below], frames[below + 1]), np.maximum(frames[below], frames[below + 1])
    slack = 1e-5 * np.abs(high) + 1e-6
    seen = cutout.behaviour[channel]
    assert ((low - slack <= seen) & (seen <= high + slack)).all()
    assert (alf.behaviour[channel] == frames[below]).mean() > 0.999
    one_off = frames[below + 1]  # control: the next frame is not what the reader gives
    assert (alf.behaviour[channel] == one_off).mean() < 0.5


# --- what is special about it


def test_one_per_cent_of_the_bins_carries_most_of_the_pupils_variance(
    cutout: TrialRecording, task: EncodingTask
) -> None:
    area = cutout.behaviour["pupil_area"].astype(float)
    squares = np.sort(((area - area.mean()) ** 2).ravel())
    assert squares[-squares.size // 100 :].sum() > 0.9 * squares.sum()
    assert 0.005 < task.masked["pupil_area"] < 0.02
    cleaned = task.inputs[..., task.channels.index("pupil_area")]
    assert np.abs(cleaned).max() < 15 and 0.8 < cleaned.std() < 1.5


def test_cleaning_keeps_wide_pupils_and_takes_what_no_pupil_is(cutout: TrialRecording) -> None:
    area = cutout.behaviour["pupil_area"].astype(float)
    clean = clean_pupil(area, np.ones(len(area), bool), name="pupil_area", positive=True)
    distance = (area - np.median(area)) / (1.4826 * np.median(np.abs(area - np.median(area))))
    wide, impossible = (distance > 5) & (distance < 12), distance > 12
    assert wide.sum() > 300 and impossible.sum() > 100
    assert clean.trusted[wide].mean() > 0.95  # by level all of them were masked
    assert clean.measured[impossible].mean() < 0.01 and not clean.measured[area <= 0].any()
    narrow = (area > 0) & (area < np.median(area) / 2)  # a fifth of this session: the noise is no blink
    assert narrow.mean() > 0.15 and clean.measured[narrow].mean() > 0.95


def test_the_ramp_alone_lifts_the_psth(task: EncodingTask) -> None:
    scores = {}
    for ramp in (False, True):
        predicted = np.array(psth(task, with_ramp=ramp))
        scores[ramp] = r2(task.rates, predicted, mean_rate_of(task, ramp), task.bins("test", with_ramp=ramp))
    assert (scores[False] < 0.1).all()
    assert (scores[True] > 0.4).all()


def mean_rate_of(task: EncodingTask, ramp: bool) -> np.ndarray:
    if not ramp:
        return np.array(mean_rate(task))
    mean = task.rates[task.bins("train", with_ramp=True)].mean(axis=0)
    return np.broadcast_to(mean, task.rates.shape).copy()


# --- how hard the simulation is beside it


def difficulty(spikes: np.ndarray) -> tuple[float, float]:
    """Split-half reliability and the PSTH's share of variance, causal 100-ms boxcar past its ramp."""
    smoothed = causal_boxcar(spikes.astype(float), 10)[..., 9:]
    mean = smoothed.mean(axis=0)
    return split_half_reliability(smoothed, seed=0, draws=3), float(mean.mean(axis=0).var() / mean.var())


def test_the_simulation_is_about_as_hard_as_the_recording(cutout: TrialRecording) -> None:
    """In the window that the cut-out has spikes for: every region is as reliable as real ones; the typical
    PSTH share is in their range too, though single regions have up to three times the largest real one.
    """
    session = simulate_session()
    window = session.events.trial_bins[:, cutout.spike_bins]
    real = np.array([difficulty(cutout.spikes[cutout.brain_area == region]) for region in REGIONS])
    made = np.array([difficulty(session.spikes[session.region == r][:, window]) for r in range(4)])
    print("\nregion reliability, PSTH share\n", {"real": real.round(3), "simulated": made.round(3)})
    reliability, share = real.T
    assert ((reliability > 0.45) & (reliability < 0.85)).all() and ((share > 0.005) & (share < 0.025)).all()
    assert ((made[:, 0] > 0.45) & (made[:, 0] < 0.85)).all()
    assert share.min() < np.median(made[:, 1]) < share.max()
    assert (made[:, 1] > share.min()).all() and (made[:, 1] < 3 * share.max()).all()
