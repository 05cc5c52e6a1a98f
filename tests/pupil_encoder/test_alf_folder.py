"""Damaged ALF folders: what is left out, by which rule, and what is refused, with the file and the row."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from neurokit.errors import DataError
from neurokit.experiment import Experiment
from neurokit.pupil_encoder.alf import AlfTrials, read_alf
from neurokit.pupil_encoder.config import PupilConfig
from neurokit.pupil_encoder.simulated_files import write_alf
from neurokit.pupil_encoder.simulation import (
    RegionTruth,
    SessionParameters,
    SimulatedSession,
    simulate_session,
)
from neurokit.training.omissions import Omission
from neurokit.training.settings import FitSettings

REGIONS = (
    RegionTruth(name="SCs", channel="pupil_area", lag=0.1, gain=0.3, time_constant=0.05, neurons=4),
    RegionTruth(name="CA1", channel="licks", lag=0.0, gain=0.1, time_constant=0.1, neurons=3),
)
TRIALS = 10
EYE = ("pupil_area", "pupil_x", "pupil_y", "blink")
Change = Callable[[Path], None]


@pytest.fixture(scope="module")
def session() -> SimulatedSession:
    return simulate_session(SessionParameters(trials=TRIALS, seed=2, regions=REGIONS))


@pytest.fixture(scope="module")
def sound(session: SimulatedSession, tmp_path_factory: pytest.TempPathFactory) -> AlfTrials:
    return read_alf(write_alf(session, tmp_path_factory.mktemp("sound")))


@pytest.fixture
def folder(session: SimulatedSession, tmp_path: Path) -> Path:
    return write_alf(session, tmp_path)


def edit(path: Path, name: str, change: Callable[[np.ndarray], np.ndarray]) -> None:
    file = path / f"{name}.npy"
    np.save(file, change(np.load(file)))


def put(name: str, place: int | tuple | slice, value: float) -> Change:
    def write(values: np.ndarray) -> np.ndarray:
        values = values.astype(float)
        values[place] = value
        return values

    return lambda path: edit(path, name, write)


def as_one_time_a_frame(path: Path) -> None:
    """The eye's clock as IBL writes it; the simulated camera has a frame each 10 ms."""
    frames = len(np.load(path / "eye.area.npy"))
    np.save(path / "eye.timestamps.npy", (np.arange(frames) + 0.5) * 0.01)


def spike_of(cluster: int) -> Change:
    """One spike of the cluster has no time."""

    def change(path: Path) -> None:
        own = np.load(path / "spikes.clusters.npy")[:, 0] == cluster
        put("spikes.times", np.flatnonzero(own)[5], np.nan)(path)

    return change


def late_trial(path: Path) -> None:
    """The last stimulus comes after the last spike."""
    put("trials.visualStim_times", -1, 1e4)(path)


def test_nothing_of_a_sound_folder_is_left_out(sound: AlfTrials) -> None:
    assert sound.omissions == sound.recording().omissions == ()
    assert sound.trials.index.tolist() == list(range(TRIALS))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (put("trials.visualStim_times", 4, np.nan), Omission("time_unknown", "trials", ("4",), TRIALS)),
        (late_trial, Omission("outside_clock", "trials", ("9",), TRIALS)),
        (spike_of(3), Omission("time_unknown", "units", ("3",), 7)),
        (put("clusters.peakChannel", 2, 99), Omission("place_unknown", "units", ("2",), 7)),
        (put("clusters.peakChannel", 2, np.nan), Omission("place_unknown", "units", ("2",), 7)),
        (put("licks.times", 0, np.nan), None),
        (
            put("trials.response_times", 2, np.inf),
            Omission("not_finite", "trial values", ("response_time of trial 2",), 8 * TRIALS),
        ),
    ],
    ids=[
        "no onset",
        "late trial",
        "no spike time",
        "off the probe",
        "no channel",
        "no lick time",
        "no response",
    ],
)
def test_one_bad_piece_costs_one_piece(
    folder: Path, sound: AlfTrials, change: Change, expected: Omission | None
) -> None:
    change(folder)
    read = read_alf(folder)
    if expected is None:
        licks = len(np.load(folder / "licks.times.npy"))
        expected = Omission("time_unknown", "clock rows", ("licks.times 0",), licks)
    assert read.omissions == read.recording().omissions == (expected,)
    trials = [n for n in range(TRIALS) if expected.pieces != "trials" or str(n) not in expected.names]
    units = [n for n in range(7) if expected.pieces != "units" or str(n) not in expected.names]
    assert read.trials.index.tolist() == trials
    np.testing.assert_array_equal(read.spikes, sound.spikes[units][:, trials])
    np.testing.assert_array_equal(read.behaviour["wheel"], sound.behaviour["wheel"][trials])


def test_a_damaged_folder_is_trained_on_and_scored(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path / "data"))
    for change in (put("trials.visualStim_times", 4, np.nan), spike_of(3), put("eye.area", slice(None), 5.0)):
        change(folder)
    config = PupilConfig(hidden=4, regions=("SCs", "CA1"), fit=FitSettings(epochs=1, batch_size=8))
    experiment = Experiment(
        "pupil-encoder", config=config, recording=read_alf(folder).recording(), device="cpu"
    )
    scores = experiment.train(show_progress=False).evaluate()
    assert np.isfinite(scores["r2_mean"]).all() and np.isfinite(experiment.predict()).all()
    assert [(each.rule, each.pieces, each.names) for each in experiment.omissions] == [
        ("time_unknown", "trials", ("4",)),
        ("time_unknown", "units", ("3",)),
        ("constant", "channels", ("pupil_area",)),
    ]


# --- clocks


def test_a_clock_may_have_one_time_a_frame(folder: Path, sound: AlfTrials) -> None:
    as_one_time_a_frame(folder)
    read = read_alf(folder)
    assert read.omissions == ()
    for channel in EYE:
        np.testing.assert_array_equal(read.behaviour[channel], sound.behaviour[channel])


def test_a_row_without_a_time_is_left_out(folder: Path, sound: AlfTrials) -> None:
    as_one_time_a_frame(folder)
    frames = len(np.load(folder / "eye.area.npy"))
    put("eye.timestamps", 700, np.nan)(folder)
    read = read_alf(folder)
    assert read.omissions == (Omission("time_unknown", "clock rows", ("eye.timestamps 700",), frames),)
    np.testing.assert_array_equal(read.behaviour["pupil_x"], sound.behaviour["pupil_x"])  # between neighbours


def test_the_wheel_is_not_held_beyond_its_clock(folder: Path, sound: AlfTrials) -> None:
    edges = np.load(folder / "wheel.timestamps.npy")
    stop = sound.trials["stimulus_time"].iloc[6]
    last = np.floor(stop / 0.01)
    np.save(folder / "wheel.timestamps.npy", np.array([edges[0], [last, last * 0.01]]))
    wheel = read_alf(folder).behaviour["wheel"]
    assert np.isnan(wheel[7:]).all() and np.isnan(wheel[6, 60:]).all()
    np.testing.assert_allclose(wheel[:6], sound.behaviour["wheel"][:6], atol=1e-4)


def times(values: list) -> Change:
    return lambda path: np.save(path / "eye.timestamps.npy", np.array(values))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            times([[0, 0.0], [100, 5.0], [200, 4.9], [9000, 200.0]]),
            r"row 2 \(4.9 s\) does not come after row 1 \(5 s\); correct it, or take eye.timestamps.npy away",
        ),
        (times([[0, 0.0], [100, 5.0], [101, 5.0]]), r"row 2 \(5 s\) does not come after row 1 \(5 s\)"),
        (times([[50, 0.0], [10, 5.0]]), "expected frames in order"),
        (times([0.0, 0.01, 0.02]), r"or one time for each of \d+ values, found shape \(3,\)"),
        (times([[0, 0, 0]]), r"rows of \(frame, seconds\)"),
        (
            times([[0, 0.0], [9000, 2e5]]),
            "times go up to 200000, and the last stimulus comes at .* give both in s",
        ),
        (times(["soon", "later"]), "holds <U5; write an array of numbers"),
    ],
)
def test_a_clock_that_cannot_be_is_named_with_its_row(folder: Path, change: Change, says: str) -> None:
    change(folder)
    with pytest.raises(
        DataError, match=rf"eye\.timestamps\.npy:? .*{says}|eye\.timestamps\.npy:? {says}"
    ) as caught:
        read_alf(folder)
    assert "download" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            lambda path: edit(path, "spikes.times", lambda v: v * 1000),
            r"spikes\.times\.npy: times go up to \d+",
        ),
        (
            lambda path: edit(path, "trials.visualStim_times", lambda v: v * 1000),
            "spikes.times go from .*; give both in seconds of one clock",
        ),
        (
            lambda path: np.save(path / "spikes.times.npy", 1.0),
            r"times\.npy holds a single value; write an array",
        ),
        (put("spikes.clusters", 0, -1), "files come from different sessions"),
        (put("spikes.clusters", 0, 1.5), "files come from different sessions"),
        (put("trials.visualStim_times", slice(None), np.nan), "expected a time for each trial"),
        (put("licks.times", slice(None), np.nan), r"licks\.times\.npy: all \d+ clock rows are unusable"),
        (lambda path: edit(path, "eye.xyPos", lambda v: v.T), "expected frames x 2"),
    ],
)
def test_what_cannot_be_saved_is_refused(folder: Path, change: Change, says: str) -> None:
    change(folder)
    with pytest.raises(DataError, match=says) as caught:
        read_alf(folder)
    assert "download" not in str(caught.value)


# --- files that are none


def huge(path: Path) -> None:
    """A header that claims an exabyte."""
    header = {"descr": "<f8", "fortran_order": False, "shape": (2**57,)}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)


def torn_header(path: Path) -> None:
    text = b"{'descr': '<f8', 'fortran_order': False, 'shape': (((("
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text)


def odd_header(path: Path) -> None:
    text = b"{'descr': '<f8', 'fortran_order': False, 'shape': (True, -1)}   \n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text)


def pickled(path: Path) -> None:
    np.save(path, np.array([{}, []], dtype=object), allow_pickle=True)


@pytest.mark.parametrize("spoil", [huge, torn_header, odd_header, pickled])
@pytest.mark.parametrize("name", ["eye.area", "eye.timestamps", "spikes.times", "trials.visualStim_times"])
def test_a_damaged_array_is_named(folder: Path, name: str, spoil: Callable[[Path], None]) -> None:
    spoil(folder / f"{name}.npy")
    with pytest.raises(DataError, match=rf"{name}\.npy cannot be read \(.*\); copy or download it again\.$"):
        read_alf(folder)


def test_a_pipe_is_no_array(folder: Path) -> None:
    (folder / "trials.visualStim_times.npy").unlink()
    os.mkfifo(folder / "trials.visualStim_times.npy")
    with pytest.raises(DataError, match=r"visualStim_times\.npy is a pipe"):
        read_alf(folder)
