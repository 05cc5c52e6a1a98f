"""Recordings with clocks become scans: windows after each image, and what lies outside a clock."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurokit import sensorium
from neurokit.cli import main
from neurokit.errors import DataError, SettingsError
from neurokit.experiment import Experiment
from neurokit.files.archives import read_npz
from neurokit.recordings.arrays_writing import write_arrays
from neurokit.recordings.recording import Recording, Spikes, Stimulus, Trace, Trials
from neurokit.sensorium import from_arrays, from_recording
from neurokit.sensorium.simulation import SimulatedScan, number_units
from neurokit.sensorium.windows import average, count, differentiate, find_windows
from neurokit.training.checkpoint import read_facts
from tests.sensorium.own_mouse import EVERY, FIRST, UNITS, as_arrays, as_recording, own_mouse
from tests.sensorium.test_own import assert_equal
from tests.sensorium.toys import BRIEF, PLAIN, PLUS, same, weights


@pytest.fixture(scope="module")
def mouse() -> SimulatedScan:
    return own_mouse()


@pytest.fixture(autouse=True)
def data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A data folder of each test's own."""
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("NEUROKIT_QUIET", "1")
    return tmp_path / "data"


# --- windows


def test_a_window_ends_at_the_next_image() -> None:
    found = find_windows(np.array([1.0, 2.0, 2.3, 2.32, 9.0]), (0.1, 0.5))
    wanted = [[1.1, 1.5], [2.1, 2.3], [np.nan, np.nan], [2.42, 2.82], [9.1, 9.5]]
    np.testing.assert_allclose(found, wanted)
    with pytest.raises(DataError, match="3 of 4 images are followed by another within"):
        find_windows(np.array([0, 0.1, 0.2, 0.3]), (0.5, 1.0))
    for window in ((0.5, 0.5), (-1, 1), (0, 11), (0, np.nan)):
        with pytest.raises(SettingsError, match="give two times from 0 to 10 that ascend"):
            find_windows(np.array([0.0, 1.0]), window)


def test_an_average_is_that_of_the_samples_in_the_window() -> None:
    """Compared with a loop over samples."""
    random = np.random.default_rng(0)
    time = np.cumsum(random.uniform(0.01, 0.1, 400))
    values = random.standard_normal((400, 300))
    windows = np.array([[2.0, 2.5], [3.14, 3.9], [10.0, 10.2]])
    found = average(Trace(values, time), windows)
    for number, (start, end) in enumerate(windows):
        np.testing.assert_allclose(found[number], values[(time >= start) & (time < end)].mean(axis=0))


def test_what_was_not_measured_is_nan() -> None:
    time = np.arange(0, 10, 0.1)
    values = np.ones(100)
    values[[20, 21]], values[40:47] = np.nan, np.nan
    windows = np.array([[2.0, 3.0], [4.0, 5.0], [-3.0, -2.0], [9.5, 12.0], [np.nan, np.nan], [5.0, 6.0]])
    found = average(Trace(values, time), windows)[:, 0]
    np.testing.assert_array_equal(found, [1, np.nan, np.nan, np.nan, np.nan, 1])


def test_a_slow_microscope_is_drawn_between_its_samples() -> None:
    time = np.arange(0, 10, 0.7)
    windows = np.array([[1.45, 1.55], [3.0, 3.2]])
    np.testing.assert_allclose(average(Trace(2 * time, time), windows)[:, 0], 2 * windows.mean(axis=1))


def test_frames_that_were_dropped_are_a_gap() -> None:
    time = np.concatenate([np.arange(0, 4, 0.1), np.arange(6, 10, 0.1)])
    windows = np.array([[3.5, 4.0], [4.5, 5.0], [6.0, 6.5]])
    np.testing.assert_allclose(average(Trace(np.ones(80), time), windows)[:, 0], [1, np.nan, 1])


def test_spikes_are_counted_by_unit() -> None:
    random = np.random.default_rng(2)
    times, units = np.sort(random.uniform(0, 20, 3000)), random.choice([3, 8, 21], 3000)
    windows = np.array([[1.0, 2.0], [5.5, 5.75], [30.0, 31.0]])
    found = count(Spikes(times, units), np.array([21, 3, 8, 5]), windows)
    for row, (start, end) in enumerate(windows[:2]):
        inside = units[(times >= start) & (times < end)]
        wanted = [(inside == unit).sum() / (end - start) for unit in (21, 3, 8, 5)]
        np.testing.assert_allclose(found[row], wanted)
    assert np.isnan(found[2]).all()


def test_a_change_is_per_second() -> None:
    time = np.sort(np.random.default_rng(1).uniform(0, 5, 50))
    np.testing.assert_allclose(differentiate(Trace(3 * time + 1, time)).values, 3)
    assert np.isnan(differentiate(Trace(np.ones(1), np.ones(1))).values).all()


# --- the same mouse


@pytest.mark.parametrize("activity", ["traces", "trials"])
@pytest.mark.parametrize("window", [(0.05, 0.55), (0.0, 0.9)])
def test_a_recording_is_the_scan_that_its_arrays_make(
    mouse: SimulatedScan, activity: str, window: tuple[float, float]
) -> None:
    order = np.argsort(mouse.rank)
    by_trial = (
        "responses",
        "image_ids",
        "order",
        "tiers",
        "running",
        "pupil_size",
        "pupil_change",
        "pupil_center",
    )
    given = as_arrays(mouse)
    (wanted,) = from_arrays(**given | {name: given[name][order] for name in by_trial}).values()
    (found,) = from_recording(as_recording(mouse, activity), window=window).values()
    assert_equal(found, wanted)
    assert found.notes[0] == "read from arrays"


def test_spikes_are_rates_in_the_window(mouse: SimulatedScan) -> None:
    (found,) = from_recording(as_recording(mouse, "spikes"), window=(0.0, 0.6)).values()
    counts = np.round(mouse.responses.astype(np.float32))[np.argsort(mouse.rank)]
    kept = found.tiers != "left_out"
    raw = found.responses / found.response_scale * 0.6
    assert kept.sum() >= 90
    np.testing.assert_allclose(raw[kept], counts[kept], atol=1e-3)


def test_what_lies_outside_a_clock_is_left_out(mouse: SimulatedScan) -> None:
    """The microscope stops before the last five images, and the camera begins after the first three."""
    recording = as_recording(mouse)
    end, start = FIRST + EVERY * 87 + 0.2, FIRST + EVERY * 3 - 0.1
    traces = recording.traces
    assert traces is not None
    early = Trace(traces.values[traces.time < end], traces.time[traces.time < end])
    cut = {
        name: Trace(trace.values[trace.time > start], trace.time[trace.time > start])
        for name, trace in recording.behaviour.items()
    }
    (scan,) = from_recording(replace(recording, traces=early, behaviour=cut)).values()
    lost = {name for each in scan.omissions if each.pieces == "trials" for name in each.names}
    assert lost == {str(trial) for trial in (0, 1, 2, *range(87, 92))}


def test_blanks_are_no_trials_and_end_a_window(mouse: SimulatedScan) -> None:
    recording = as_recording(mouse)
    (shown,) = recording.stimuli
    assert shown.time is not None and shown.part is not None
    between = replace(
        shown,
        shown=np.stack([shown.shown, np.full(92, -1)], axis=1).reshape(-1),
        time=np.stack([shown.time, shown.time + 0.3], axis=1).reshape(-1),
        part=shown.part.repeat(2),
    )
    (found,) = from_recording(replace(recording, stimuli=[between])).values()
    (wanted,) = from_recording(recording).values()
    np.testing.assert_allclose(found.responses, wanted.responses, rtol=1e-5)
    assert "92 of 184 presentations were blank, and are no trials" in found.notes


def test_the_change_of_the_pupil_follows_from_its_size(mouse: SimulatedScan) -> None:
    time = np.arange(0, 100, 0.1)
    wave = {"pupil_size": Trace(np.sin(time / 3), time)}
    (scan,) = from_recording(as_recording(mouse, behaviour=wave)).values()
    assert scan.channels == ("pupil_size", "pupil_change")
    middle = FIRST + EVERY * np.arange(92) + 0.3
    np.testing.assert_allclose(scan.behaviour[:, 1], np.cos(middle / 3) / 3, atol=0.01)


def test_several_recordings_are_several_scans(mouse: SimulatedScan) -> None:
    scans = from_recording({"a.1": as_recording(mouse), "b": as_recording(mouse, "trials")})
    assert list(scans) == ["a-1", "b"]
    with pytest.raises(DataError, match="Two recordings are called a-1"):
        from_recording({"a.1": as_recording(mouse), "a 1": as_recording(mouse)})


def without_time(recording: Recording) -> Recording:
    return replace(recording, stimuli=[replace(recording.stimuli[0], time=None)])


def later(recording: Recording) -> Recording:
    (shown,) = recording.stimuli
    assert shown.time is not None
    return replace(recording, stimuli=[replace(shown, time=shown.time + 5000)])


def of_movie(recording: Recording) -> Recording:
    return replace(recording, stimuli=[replace(recording.stimuli[0], kind="movie", name="clouds")])


def without_pictures(recording: Recording) -> Recording:
    return replace(recording, stimuli=[replace(recording.stimuli[0], frames=None)])


def with_trials(recording: Recording) -> Recording:
    return replace(recording, traces=None, trials=Trials(np.ones((90, 1, UNITS))))


def with_late_bins(recording: Recording) -> Recording:
    return replace(recording, traces=None, trials=Trials(np.ones((92, 2, UNITS)), np.array([0.7, 0.8])))


REFUSED: dict[str, tuple[Callable[[Recording], Recording], str]] = {
    "no times": (without_time, "lab: pictures has no times, which traces need; give the s at which each"),
    "another clock": (later, "lab: traces run from 0 to "),
    "a movie": (of_movie, "lab: it shows no images one a trial (its movies, clouds, are for v1-transformer"),
    "no pictures": (without_pictures, "lab: the pictures of its images are not in it; give images and"),
    "no stimulus": (lambda recording: replace(recording, stimuli=()), "lab: it shows no images one a trial;"),
    "other trials": (with_trials, "lab: 90 trials have responses, and pictures was shown 92 times"),
    "late bins": (with_late_bins, "lab: responses have bins from 0.7 to 0.8 s, and none in the window"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_is_one_sentence_that_names_the_recording(mouse: SimulatedScan, name: str) -> None:
    change, says = REFUSED[name]
    with pytest.raises(DataError, match=re.escape(says)) as caught:
        from_recording(change(as_recording(mouse)))
    assert str(caught.value).endswith(".")


def test_counts_below_zero_are_refused(mouse: SimulatedScan) -> None:
    counts = np.ones((92, 1, UNITS), dtype=np.int16)
    counts[5, 0, 2] = -32_768  # as where a larger one has wrapped
    for trials in (Trials(counts), Trials(counts.astype(float), counts=True)):
        with pytest.raises(DataError, match="hold 1 counts below 0, such as -32768"):
            from_recording(replace(as_recording(mouse), traces=None, trials=trials))


def test_the_stimulus_may_be_named(mouse: SimulatedScan) -> None:
    recording = as_recording(mouse, "trials")
    (shown,) = recording.stimuli
    few = Stimulus("others", "images", mouse.images[:3], np.arange(3), np.arange(3.0))
    both = replace(recording, stimuli=[few, shown])
    (scan,) = from_recording(both).values()
    assert "images of pictures are taken, not those of others" in scan.notes
    with pytest.raises(SettingsError, match="stimulus is 'films'; choose one of others, pictures"):
        from_recording(both, stimulus="films")


# --- from a file to a submission


@pytest.fixture
def folder(mouse: SimulatedScan, tmp_path: Path) -> Path:
    """Two sessions as npz of plain arrays: one with behaviour, one without places and behaviour."""
    write_arrays(as_recording(mouse), tmp_path / "lab" / "day1.npz")
    write_arrays(as_recording(mouse, behaviour={}, coordinates=None), tmp_path / "lab" / "day 2.npz")
    return tmp_path / "lab"


def test_a_folder_of_recordings_goes_all_the_way(folder: Path, mouse: SimulatedScan, tmp_path: Path) -> None:
    def make(**options: Any) -> Experiment:
        return Experiment("sensorium", config=PLAIN, folder=folder, epochs=1, device="cpu", **options)

    first = make().train()
    assert list(first.recording) == ["day-2", "day1"]
    assert_equal(replace(first.recording["day1"], notes=()), *from_recording(as_recording(mouse)).values())
    scores = first.evaluate()
    assert len(first.save_scores(scores)) == 3 and np.isfinite(scores["single_trial"]).all()
    again = make()
    assert again.is_trained and again.evaluate().equals(scores)
    assert same(weights(again.result.model), weights(first.result.model))
    study = make(session="day1").tune(2, progress=False)
    assert {each.status for each in study.records} == {"complete"}
    made = make(session="day1").submit(tmp_path / "out", members=1)
    assert [file.relative_to(tmp_path / "out").as_posix() for file in made.files] == [
        "day1/submission_file_live_test.csv"
    ]
    assert len(made.members) == 2 and np.isfinite(made.members["single_trial"]).all()


def test_a_file_that_changes_is_read_again(folder: Path, mouse: SimulatedScan) -> None:
    first = sensorium.load(folder=folder / "day1.npz")["day1"]
    assert sensorium.load(folder=folder / "day1.npz")["day1"].fingerprint == first.fingerprint
    recording = as_recording(mouse)
    assert recording.traces is not None
    write_arrays(
        replace(recording, traces=replace(recording.traces, values=recording.traces.values[::-1].copy())),
        folder / "day1.npz",
    )
    other = sensorium.load(folder=folder / "day1.npz")["day1"]
    assert other.fingerprint != first.fingerprint and not np.array_equal(other.responses, first.responses)


def test_what_a_folder_holds_is_listed(folder: Path) -> None:
    rows = sensorium.sessions("demo", folder=folder).to_numpy().tolist()
    shown = "pictures (in 92 trials)"
    assert rows == [["day-2", "day 2.npz", "arrays", shown], ["day1", "day1.npz", "arrays", shown]]


@pytest.mark.parametrize("session", ["day1", "day-2", "day 2"])
def test_the_model_follows_what_was_recorded(folder: Path, session: str) -> None:
    wanted = "cnn_plus" if session == "day1" else "cnn"
    given = sensorium.load(folder=folder, session=session)
    for place in ({"folder": folder, "session": session}, {"recording": given}):
        experiment = Experiment("sensorium", **place)
        assert experiment.model_name == wanted
        assert (experiment.config.inputs.behaviour is None) == (wanted == "cnn")
        assert Experiment("sensorium", model="cnn_plus", **place).model_name == "cnn_plus"


def test_what_was_assumed_is_printed_and_saved(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options: dict[str, Any] = {"folder": folder, "session": "day 2", "config": PLAIN, "device": "cpu"}
    experiment = Experiment("sensorium", epochs=1, **options).train()
    said = capsys.readouterr().out
    assert "scan day-2: read from arrays" in said and "each has a readout position of its own" in said
    held = read_facts(experiment.path)
    assert held["remarks"]["day-2"] == list(experiment.recording["day-2"].remarks)
    assert held["configuration"]["mice"]["day-2"]["free"]


def test_arrays_that_were_given_are_trained_on_and_opened_again(mouse: SimulatedScan) -> None:
    scans = from_arrays(**as_arrays(mouse))
    first = Experiment("sensorium", recording=scans, config=PLUS.replace(fit=BRIEF.replace(epochs=1)))
    rates = first.train().predict()
    again = Experiment("sensorium", recording=from_arrays(**as_arrays(mouse)), config=first.config)
    assert again.is_trained and np.array_equal(again.predict()["own"], rates["own"])


def test_commands_take_a_recording_of_ones_own(
    folder: Path, mouse: SimulatedScan, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Images of its own size and unit are asked for, and answered."""

    def said(*line: object) -> str:
        capsys.readouterr()
        assert main(["sensorium", *map(str, line)]) == 0
        return capsys.readouterr().out

    recording = as_recording(mouse, "trials", behaviour={})
    (shown,) = recording.stimuli
    small = replace(shown, frames=mouse.images[:, ::3, ::4] / 255)
    write_arrays(replace(recording, stimuli=[small]), path := tmp_path / "lab" / "small.npz")
    assert "images of 48 x 64 pixels are brought to 36 x 48" in said("data", "--folder", path)
    tiny = ["channels=4", "layers=2", "input_kernel=5", "hidden_kernel=3"]
    line = ["--folder", path, "--size", "small", "--epochs", "1", "--device", "cpu"]
    text = said("train", *line, *(part for each in tiny for part in ("--set", each)))
    assert "sensorium cnn (small size), recording" in text
    (model,) = (tmp_path / "data" / "checkpoints").glob("sensorium-small-cnn-*.safetensors")
    images, file = mouse.images[:5, ::3, ::4] / 255, tmp_path / "rates.npz"
    np.savez(tmp_path / "new.npz", images=images)
    said("predict", "--checkpoint", model, "--input", tmp_path / "new.npz", "--output", file)
    assert read_npz(file, 2**20)["rates"].shape == (5, len(number_units(UNITS)))
    np.savez(tmp_path / "new.npz", images=255 * images)
    line = ["predict", "--checkpoint", model, "--input", tmp_path / "new.npz", "--output", file]
    assert main(["sensorium", *map(str, line)]) == 2
    assert "give them in the unit of the recording, from 0 to 1" in capsys.readouterr().err
