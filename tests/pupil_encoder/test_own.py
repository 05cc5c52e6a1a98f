"""A lab's own arrays: they make the recording that the native files make, or one sentence says why not."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from neurokit import settings
from neurokit.errors import DataError, NeurokitError
from neurokit.experiment import Experiment
from neurokit.pupil_encoder import describe, from_arrays, from_counts, from_recording, load, sessions
from neurokit.pupil_encoder.experiment import convert
from neurokit.pupil_encoder.neuromatch import read_sessions
from neurokit.pupil_encoder.recording import TRIAL_COLUMNS, TrialRecording
from neurokit.pupil_encoder.simulated_files import write_alf, write_neuromatch
from neurokit.pupil_encoder.simulation import (
    BIN_SIZE,
    RegionTruth,
    SessionParameters,
    SimulatedSession,
    simulate_session,
)
from neurokit.recordings.recording import Recording, Spikes, Stimulus, Trace, Trials

REGIONS = (
    RegionTruth(name="SCs", channel="pupil_area", lag=-0.1, gain=0.4, time_constant=0.05, neurons=24),
    RegionTruth(name="LGd", channel="pupil_x", lag=0.1, gain=0.4, time_constant=0.05, neurons=24),
)
MOUSE = SessionParameters(mouse="Own", date="2026-02-01", trials=70, seed=5, regions=REGIONS)
FACTS = tuple(name for name in TRIAL_COLUMNS if name != "stimulus_time")


@pytest.fixture(scope="module")
def mouse() -> SimulatedSession:
    return simulate_session(MOUSE)


@pytest.fixture(scope="module")
def native(mouse: SimulatedSession, tmp_path_factory: pytest.TempPathFactory) -> TrialRecording:
    """The recording of the mouse's native file."""
    (read,) = read_sessions(*write_neuromatch([mouse], tmp_path_factory.mktemp("native")))
    return read


@pytest.fixture(scope="module")
def files(mouse: SimulatedSession, tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """The arrays of its ALF folder, each of one column."""
    folder = write_alf(mouse, tmp_path_factory.mktemp("alf"))
    return {file.stem: np.load(file).squeeze() for file in folder.glob("*.npy")}


@pytest.fixture
def arrays(files: dict[str, np.ndarray]) -> dict[str, Any]:
    """The arguments of `from_arrays` as a lab may have them."""
    onsets = files["trials.visualStim_times"]
    frames = np.arange(len(files["eye.area"]))
    camera = np.interp(frames, *files["eye.timestamps"].T)
    turns = np.interp(np.arange(len(files["wheel.position"])), *files["wheel.timestamps"].T)
    return {
        "spike_times": files["spikes.times"],
        "spike_units": files["spikes.clusters"],
        "stimulus_times": onsets,
        "unit_ids": np.arange(48),
        "regions": ["SCs"] * 24 + ["LGd"] * 24,
        "behaviour": {
            "pupil_size": (files["eye.area"], camera),
            "pupil_x": (files["eye.xyPos"][:, 0], camera),
            "pupil_y": (files["eye.xyPos"][:, 1], camera),
            "face_motion": (files["face.motionEnergy"], camera),
            "wheel": (files["wheel.position"], turns),
            "licks": files["licks.times"],
        },
        "trials": {
            "contrast_left": files["trials.visualStim_contrastLeft"],
            "contrast_right": files["trials.visualStim_contrastRight"],
            "response": files["trials.response_choice"],
            "response_time": files["trials.response_times"] - onsets,
            "go_cue": files["trials.goCue_times"] - onsets,
            "feedback_type": files["trials.feedbackType"],
            "feedback_time": files["trials.feedback_times"] - onsets,
        },
        "name": "Own_2026-02-01",
    }


def assert_same(own: TrialRecording, native: TrialRecording) -> None:
    """All that the native file holds; it does not know when trials were shown."""
    assert own.name == native.name and own.omissions == native.omissions == ()
    assert own.bin_size == native.bin_size and own.spike_bins == native.spike_bins
    np.testing.assert_array_equal(own.spikes, native.spikes)
    np.testing.assert_array_equal(own.brain_area, native.brain_area)
    np.testing.assert_allclose(own.time, native.time, atol=1e-12)
    assert set(own.behaviour) == set(native.behaviour)
    for channel, values in native.behaviour.items():
        np.testing.assert_allclose(own.behaviour[channel], values, atol=1e-9, err_msg=channel)
        assert own.behaviour[channel].dtype == np.float32
    pd.testing.assert_frame_equal(own.trials[list(FACTS)], native.trials[list(FACTS)], atol=1e-9)


# --- equal to the native file


def test_arrays_make_the_recording_of_the_native_file(arrays: dict[str, Any], native: TrialRecording) -> None:
    own = from_arrays(**arrays)
    assert_same(own, native)
    np.testing.assert_array_equal(own.trials["stimulus_time"], arrays["stimulus_times"])


def of_another_kind(values: Any) -> Any:
    """Double precision, columns first, read-only; integers as they are."""
    if isinstance(values, dict):
        return {name: of_another_kind(each) for name, each in values.items()}
    if isinstance(values, tuple):
        return tuple(map(of_another_kind, values))
    if not isinstance(values, np.ndarray):
        return values
    other = np.asfortranarray(values.astype(values.dtype.newbyteorder(">")))
    other.setflags(write=False)
    return other


def as_lists(values: Any) -> Any:
    if isinstance(values, dict):
        return {name: as_lists(each) for name, each in values.items()}
    if isinstance(values, tuple):
        return [as_lists(each) for each in values]
    return values.tolist() if isinstance(values, np.ndarray) else values


def as_tensors(values: Any) -> Any:
    if isinstance(values, dict):
        return {name: as_tensors(each) for name, each in values.items()}
    if isinstance(values, tuple):
        return tuple(map(as_tensors, values))
    signed = isinstance(values, np.ndarray) and values.dtype.kind == "u"
    return (
        torch.tensor(values.astype(int) if signed else values) if isinstance(values, np.ndarray) else values
    )


def shuffled(given: dict[str, Any]) -> dict[str, Any]:
    order = np.random.default_rng(0).permutation(len(given["spike_times"]))
    return given | {name: given[name][order] for name in ("spike_times", "spike_units")}


def with_names(given: dict[str, Any]) -> dict[str, Any]:
    """Units by texts, regions by unit, facts in a table, traces ready made."""
    names = np.array([f"u{unit:02}" for unit in range(48)])
    traces = {name: pair if name == "licks" else Trace(*pair) for name, pair in given["behaviour"].items()}
    return given | {
        "unit_ids": names,
        "spike_units": names[given["spike_units"]],
        "regions": dict(zip(names, given["regions"], strict=True)),
        "trials": pd.DataFrame(given["trials"]),
        "behaviour": traces,
    }


@pytest.mark.parametrize("change", [of_another_kind, as_lists, as_tensors, shuffled, with_names])
def test_arrays_may_be_of_any_kind(
    arrays: dict[str, Any], native: TrialRecording, change: Callable[[dict], dict]
) -> None:
    assert_same(from_arrays(**change(arrays)), native)


def test_counts_make_the_same(arrays: dict[str, Any], native: TrialRecording) -> None:
    own = {name: arrays[name] for name in ("regions", "trials", "behaviour", "stimulus_times", "name")}
    for order in ((0, 1, 2), (1, 2, 0)):  # units first, units last
        counts = np.asfortranarray(native.spikes.astype(float).transpose(order))
        assert_same(from_counts(counts, native.time, **own), native)
    by_trial = {
        {"pupil_area": "pupil_size"}.get(name, name): (values, native.time)
        for name, values in native.behaviour.items()
    }
    again = from_counts(native.spikes, native.time, **own | {"behaviour": by_trial, "stimulus_times": None})
    assert_same(again, native)


def test_a_reader_s_recording_makes_the_same(arrays: dict[str, Any], native: TrialRecording) -> None:
    licks, times = np.unique(arrays["behaviour"]["licks"], return_counts=True)[::-1]
    pairs = arrays["behaviour"] | {"licks": (licks, times), "whiskers": (np.ones(9), np.arange(9.0))}
    events = pd.DataFrame(arrays["trials"] | {"stimulus_time": arrays["stimulus_times"], "block": 1})
    read = Recording(
        "Own_2026-02-01",
        "a test",
        np.arange(48) + 100,
        spikes=Spikes(arrays["spike_times"], arrays["spike_units"].astype(int) + 100),
        area=np.array(arrays["regions"]),
        behaviour={name: Trace(*pair) for name, pair in pairs.items()},
        events=events,
    )
    assert_same(from_recording(read), native)
    shown = Stimulus("dots", "images", None, np.zeros(70, int), time=arrays["stimulus_times"])
    of_stimulus = from_recording(replace(read, events=None, stimuli=[shown]))
    np.testing.assert_array_equal(of_stimulus.spikes, native.spikes)
    blanks = replace(shown, shown=np.where(np.arange(70) < 9, -1, 0))
    without = from_recording(replace(read, events=None, stimuli=[blanks]))
    np.testing.assert_array_equal(without.spikes, native.spikes[:, 9:])  # a blank screen begins no trial
    by_trial = Recording(
        "Own_2026-02-01",
        "a test",
        np.arange(48),
        trials=Trials(
            np.moveaxis(native.spikes, 0, 2),
            native.time,
            {"pupil_size": native.behaviour["pupil_area"]},
            native.time,
            counts=True,
        ),
        area=np.array(arrays["regions"]),
    )
    made = from_recording(by_trial)
    np.testing.assert_array_equal(made.spikes, native.spikes)
    np.testing.assert_array_equal(made.behaviour["pupil_area"], native.behaviour["pupil_area"])


# --- counted by hand


def test_what_is_counted_and_drawn_by_hand() -> None:
    """Two trials that overlap, three bins of 0.1 s around each; a camera that starts late."""
    made = from_arrays(
        [0.95, 1.01, 1.06, 1.16, 3.0, 1.12, 0.0],
        ["b", "a", "a", "b", "b", "a", "a"],
        [1.05, 1.0],
        behaviour={
            "pupil_size": ([0.0, 10.0], [1.0, 2.0]),
            "wheel": ([0, 0, 5], [0, 1, 2]),
            "licks": [1.06, 1.06, 1.21],
            "blink": ([0, 1, 0], [0.9, 1.0, 1.1]),
        },
        window=(-0.1, 0.2),
        bin_size=0.1,
        regions={"a": "VISp"},
    )
    assert made.trials.index.tolist() == [1, 0] and made.trials["stimulus_time"].tolist() == [1.0, 1.05]
    assert [str(each) for each in made.omissions] == [
        "1 of 2 units left out (the brain area is not known): b"
    ]
    assert made.spikes.tolist() == [[[0, 2, 1], [1, 2, 0]]]
    np.testing.assert_allclose(made.time, [-0.05, 0.05, 0.15])
    nan = np.nan
    np.testing.assert_allclose(made.behaviour["pupil_area"], [[nan, 0.5, 1.5], [0, 1, 2]], atol=1e-6)
    np.testing.assert_allclose(made.behaviour["wheel"], [[0, 0.5, 0.5], [0.25, 0.5, 0.5]], atol=1e-6)
    assert made.behaviour["licks"].tolist() == [[0, 2, 0], [0, 2, 1]]
    np.testing.assert_array_equal(made.behaviour["blink"], [[1, 1, nan], [1, 0, nan]])


def test_nothing_is_held_beyond_its_clock(arrays: dict[str, Any]) -> None:
    size, camera = arrays["behaviour"]["pupil_size"]
    late, early = arrays["stimulus_times"][[10, -10]]
    inside = (camera > late) & (camera < early)
    watched = np.arange(late, early, 0.5)
    arrays["behaviour"] = {
        "pupil_size": (size[inside], camera[inside]),
        "licks": (np.arange(len(watched)) % 2, watched),  # a sensor with a clock, which stops too
        "running": (np.full(inside.sum(), 4.0), camera[inside]),
    }
    made = from_arrays(**arrays)
    for channel, values in made.behaviour.items():
        assert np.isnan(values[:9]).all() and np.isnan(values[-9:]).all(), channel
        assert np.isfinite(values[12:-12]).all(), channel
    assert np.allclose(made.behaviour["wheel"][20], 4.0 * BIN_SIZE)  # cm per bin


def test_a_faster_camera_is_averaged(arrays: dict[str, Any]) -> None:
    time = np.arange(0, arrays["stimulus_times"].max() + 5, 0.0005)
    flicker = 1 + np.sin(2 * np.pi * 1000 * time + 0.3)  # far above what bins of 10 ms hold
    made = from_arrays(**arrays | {"behaviour": {"pupil_size": (flicker, time)}})
    assert np.abs(made.behaviour["pupil_area"] - 1).max() < 0.05


def test_units_without_any_region_are_one(arrays: dict[str, Any]) -> None:
    assert from_arrays(**arrays | {"regions": None}).regions() == {"unknown": 48}
    assert from_arrays(**arrays | {"regions": [None] * 48}).regions() == {"unknown": 48}
    assert from_arrays(**arrays | {"regions": "VISp"}).regions() == {"VISp": 48}


def test_trials_without_a_time_or_spikes_are_left_out(arrays: dict[str, Any]) -> None:
    onsets = arrays["stimulus_times"].copy()
    onsets[4], onsets[7] = np.nan, onsets.max() + 100
    made = from_arrays(**arrays | {"stimulus_times": onsets})
    assert [str(each) for each in made.omissions] == [
        "1 of 70 trials left out (their times are not known): 4",
        "1 of 69 trials left out (nothing was recorded at that time): 7",
    ]
    assert len(made.trials) == 68 and not {4, 7} & set(made.trials.index)


# --- what cannot be


BAD: list[tuple[dict[str, Any], str]] = [
    ({"spike_units": np.arange(5)}, r"spike_units is 5, spikes: .*there are \d+; give as many\.$"),
    ({"spike_times": "soon"}, r"spike_times holds texts; give numbers\.$"),
    ({"unit_ids": np.arange(40)}, "spike_units name 8 units that are not in unit_ids, such as 40; give"),
    ({"unit_ids": np.zeros(48, int)}, "unit_ids holds 0 48 times; give each of the units one of its own"),
    ({"regions": ["SCs"] * 47}, "regions is 47, units: 47 units, and there are 48; give as many"),
    ({"stimulus_times": np.full(70, np.nan)}, "all 70 trials are unusable: their times are not known"),
    ({"stimulus_times": np.arange(70.0) + 9e4}, r"trials run from 89999.5 to .*: they share no time"),
    ({"stimulus_times": np.arange(70.0) * 1e5}, r"stimulus_times span .* hours; give seconds, not"),
    ({"trials": {"contrast": np.ones(70)}}, "trials have the columns contrast, which are not known; the"),
    ({"trials": {"response": np.ones(69)}}, "response has 69 entries for 70 trials; one per trial"),
    ({"behaviour": {"whiskers": np.ones(9)}}, "behaviour holds whiskers, which no encoder reads; the names"),
    ({"behaviour": {"pupil_size": np.ones(9)}}, "pupil_size has no times; give a pair of its values and"),
    ({"behaviour": {"pupil_size": (np.ones(9), np.arange(8))}}, "9 values have 8 times; give a time for"),
    ({"behaviour": {"pupil_size": (np.ones(3), [3, 2, 1])}}, "pupil_size: times do not ascend: 2 s follows"),
    (
        {"behaviour": {"pupil_size": (np.ones(3), [-9, -8, -7])}},
        r"pupil_size run from -9 to -7 s and trials from [\d.]+ to [\d.]+ s: they share no time",
    ),
    ({"behaviour": {"pupil_size": (np.ones((9, 2)), np.arange(9))}}, "values of pupil_size is 9 x 2; give"),
    ({"window": (2.0, -0.5)}, r"window 2 to -0.5 s is -250 bins of 0.01 s; give a start, and an end"),
    ({"window": (0.0, 0.015)}, r"window 0 to 0.015 s is 1.5 bins of 0.01 s"),
    ({"unit_ids": np.arange(48) - 1}, "unit_ids hold -1 in 1 of 48 entries; give each unit a whole number"),
    ({"spike_units": np.full(9, -1), "spike_times": np.arange(9.0)}, "spike_units hold -1 in 9 of 9 entries"),
    ({"bin_size": 10.0}, "bin_size is 10; give seconds above 0 and up to 1"),
]


@pytest.mark.parametrize(("changes", "says"), BAD)
def test_arrays_that_cannot_be_are_refused_in_a_sentence(
    arrays: dict[str, Any], changes: dict, says: str
) -> None:
    with pytest.raises(DataError, match=says) as refused:
        from_arrays(**arrays | changes)
    assert str(refused.value).endswith(".") and "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"time": np.arange(9) * 0.01},
            "counts are 48 x 70 x 250, and there are 48 units, 70 trials, 9 bins",
        ),
        ({"counts": np.full((48, 70, 250), 0.5)}, "counts must be whole numbers from 0 to 20"),
        ({"unit_ids": np.arange(48) - 1}, "unit_ids hold -1 in 1 of 48 entries"),
        ({"counts": np.ones((48, 70))}, "counts is 48 x 70; give units x trials x bins"),
        (
            {"behaviour": {"pupil_size": (np.ones(9), np.arange(9.0))}},
            "pupil_size is one trace of the session",
        ),
        ({"behaviour": {"pupil_size": (np.ones((9, 250)), np.arange(250.0))}}, "9 trials, and there are 70"),
        ({"time": np.r_[np.arange(249), 300] * 0.01}, "`time` steps by 0.01, and a bin lasts 0.01 s"),
    ],
)
def test_counts_that_cannot_be_are_refused_in_a_sentence(
    native: TrialRecording, arrays: dict[str, Any], changes: dict, says: str
) -> None:
    given = {"counts": native.spikes, "time": native.time, "regions": arrays["regions"]}
    with pytest.raises(DataError, match=says):
        from_counts(**given | {"trials": arrays["trials"]} | changes)


def test_a_recording_without_spikes_or_times_says_so(arrays: dict[str, Any]) -> None:
    ids, clock = np.arange(2), np.arange(9.0)
    traces = Recording("m", "a test", ids, traces=Trace(np.ones((9, 2)), clock, "dF/F"))
    with pytest.raises(DataError, match=r"m \(a test\) holds no spikes.*take traces such as dF/F"):
        from_recording(traces)
    one = Recording("m", "a test", ids, trials=Trials(np.ones((9, 1, 2)), counts=True))
    with pytest.raises(DataError, match="m has one count a trial, and a PupilEncoder predicts"):
        from_recording(one)
    train = Recording("m", "a test", ids, spikes=Spikes(clock, np.zeros(9, int)))
    with pytest.raises(DataError, match="m does not say when trials began; give events with stimulus_time"):
        from_recording(train)
    movie = Stimulus("film", "movie", np.zeros((9, 4, 4), np.uint8), np.arange(9), time=clock / 30)
    with pytest.raises(DataError, match="m does not say when trials began; give events with stimulus_time"):
        from_recording(replace(train, stimuli=[movie]))  # its frames are no trials
    stimuli = [Stimulus(name, "images", None, np.zeros(9, int), time=clock) for name in ("bars", "dots")]
    with pytest.raises(DataError, match="name one of the stimuli bars, dots"):
        from_recording(replace(train, stimuli=stimuli))
    with pytest.raises(DataError, match="m has no times of 'noise'; it has bars, dots"):
        from_recording(replace(train, stimuli=stimuli), stimulus="noise")


# --- from a score to a score


def experiment_of(recording: TrialRecording, **options: Any) -> Experiment:
    return Experiment("pupil-encoder", recording=recording, epochs=1, values={"hidden": 4}, **options)


def test_scores_are_those_of_the_native_file(
    arrays: dict[str, Any], native: TrialRecording, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path))
    own = experiment_of(from_arrays(**arrays))
    scores = own.train().evaluate()
    assert np.isfinite(scores["r2_mean"]).all()
    pd.testing.assert_frame_equal(scores, experiment_of(native).train().evaluate())
    opened = experiment_of(from_arrays(**arrays))
    assert opened.is_trained
    pd.testing.assert_frame_equal(opened.evaluate(), scores)
    assert own.tune(2).best_loss > 0
    assert (settings.data_folder() / "checkpoints").is_dir()


def test_a_folder_of_any_format_is_trained_on(
    arrays: dict[str, Any], native: TrialRecording, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The arrays that a lab keeps in npz, with a clock for each trace; a second session is beside it."""
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path / "data"))
    held = {name: arrays[name] for name in ("spike_times", "spike_units", "unit_ids")}
    held["area"] = np.array(arrays["regions"])
    for channel, pair in arrays["behaviour"].items():
        values, times = pair if isinstance(pair, tuple) else np.unique(pair, return_counts=True)[::-1]
        held |= {channel: values, f"{channel}_times": times}
    facts = arrays["trials"] | {"stimulus_time": arrays["stimulus_times"]}
    held |= {f"events_{name}": values for name, values in facts.items()}
    for name in ("Own_2026-02-01", "again"):
        (tmp_path / "own").mkdir(exist_ok=True)
        np.savez(tmp_path / "own" / f"{name}.npz", **held)
    assert sessions("demo", folder=tmp_path / "own").session.tolist() == ["Own_2026-02-01", "again"]
    assert_same(load(folder=tmp_path / "own", session="Own_2026-02-01"), native)
    options = {"folder": tmp_path / "own", "session": "again", "size": "small"}
    experiment = Experiment("pupil-encoder", **options, epochs=1, values={"hidden": 4})
    scores = experiment.train().evaluate()
    pd.testing.assert_frame_equal(scores, experiment_of(native).train().evaluate())
    again = Experiment("pupil-encoder", **options, epochs=1, values={"hidden": 4})
    assert again.is_trained and experiment.tune(2).best_loss > 0
    with pytest.raises(DataError, match="holds no session other, only Own_2026-02-01, again"):
        load(folder=tmp_path / "own", session="other")
    with pytest.raises(DataError, match="holds the sessions Own_2026-02-01, again: name one of them"):
        load(folder=tmp_path / "own")
    lines = convert(tmp_path / "own", tmp_path / "converted", session=["again"])
    assert "48 neurons, 70 trials" in lines[-2] and lines[-1] == f"wrote {tmp_path / 'converted'} (arrays)"
    assert_same(replace(load(folder=tmp_path / "converted"), name=native.name), native)


def test_trials_without_behaviour_are_named_where_its_clock_is_short_or_shifted(
    arrays: dict[str, Any], native: TrialRecording
) -> None:
    """A camera that began 60 s late by its clock; all else is as it was."""
    sound = from_arrays(**arrays)
    area, camera = arrays["behaviour"]["pupil_size"]
    found = from_arrays(**arrays | {"behaviour": arrays["behaviour"] | {"pupil_size": (area, camera + 60)}})
    gone = np.isnan(found.behaviour["pupil_area"]).all(axis=1)
    names = tuple(f"pupil_area of trial {trial}" for trial in np.flatnonzero(gone))
    assert 5 < gone.sum() < 40 and not gone[40:].any()
    assert [(e.rule, e.pieces, e.names) for e in found.omissions] == [
        ("outside_clock", "trials of behaviour", names)
    ]
    assert str(found.omissions[0]) in describe(found) and "not measured" in describe(found)
    assert sound.omissions == () and np.array_equal(found.spikes, sound.spikes)
    assert found.omissions[0] in experiment_of(found).task.omissions


def test_what_a_reader_said_is_said_of_the_trials(arrays: dict[str, Any]) -> None:
    ids, onsets = arrays["spike_units"], arrays["stimulus_times"]
    order = np.argsort(arrays["spike_times"], kind="stable")
    held = Recording(
        "m",
        "a test",
        np.arange(48),
        spikes=Spikes(arrays["spike_times"][order], ids[order].astype(int)),
        events=pd.DataFrame({"stimulus_time": onsets}),
        notes=("This reader was proved on nothing.",),
    )
    found = from_recording(held)
    assert found.notes == held.notes and "note      This reader was proved on nothing." in describe(found)


def test_a_folder_of_nothing_says_what_is_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no session \(Neuromatch npz, ALF folders of Steinmetz"):
        load(folder=tmp_path)
    with pytest.raises(DataError, match=r"holds no session \(Neuromatch npz, ALF folders of Steinmetz"):
        sessions("demo", folder=tmp_path)


def test_a_failure_names_the_argument(arrays: dict[str, Any]) -> None:
    with pytest.raises(NeurokitError, match="behaviour is 3; use a dictionary, or None"):
        from_arrays(**arrays | {"behaviour": 3})
