"""A lab's own video, eye, treadmill and responses as trials: what is taken, said, and made of them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from neurokit import Experiment
from neurokit.cli import main
from neurokit.digital_twin import (
    MouseParameters,
    TwinRecording,
    describe,
    from_arrays,
    from_recording,
    load,
    simulate_mouse,
)
from neurokit.digital_twin.own import convert_recording
from neurokit.digital_twin.showings import find_showings, shown_videos
from neurokit.digital_twin.simulated_files import write_simulated_mouse
from neurokit.digital_twin.simulation import SimulatedMouse
from neurokit.errors import DataError
from neurokit.files.cache import converted_folder
from neurokit.recordings import Recording, Stimulus, Trace, formats, write_arrays
from neurokit.recordings.formats import READERS
from neurokit.training import checkpoint
from neurokit.training.omissions import Omission
from tests.digital_twin.microns_file import write_scans
from tests.digital_twin.test_conversion import NAMES, scan, video
from tests.digital_twin.toys import CONFIG, MONITOR

TINY = MouseParameters(
    minutes=0.5, cells=5, height=12, width=16, clip_frames=40, test_clips=2, new_clips=1, repeats=3
)
OPTIONS: dict[str, Any] = {"config": CONFIG, "epochs": 1, "device": "cpu"}
FRAMES, REPEATS, UNITS = 240, 3, 4
PAUSE = 2.0  # s between two repeats


@pytest.fixture(autouse=True)
def data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A data folder of each test's own."""
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture(scope="module")
def mouse() -> SimulatedMouse:
    """Half a minute of clips, and two clips three times."""
    return simulate_mouse(TINY)


def as_recording(mouse: SimulatedMouse) -> Recording:
    """The same on one clock, with two seconds of grey between clips, during which nothing was recorded."""
    parts = ["train" if fit else "validation" for fit in mouse.fit.tolist()]
    videos = [(str(i), part, [s]) for i, (s, part) in enumerate(zip(mouse.once, parts, strict=True))]
    videos += [(f"test {i}", "test", shown) for i, shown in enumerate(mouse.repeated["natural"])]
    now, times, shown, stimuli = 10.0, [], [], []
    for name, part, repeats in videos:
        onsets = []
        for each in repeats:
            onsets.append(now + np.arange(len(each.stimulus)) / 30)
            now = onsets[-1][-1] + PAUSE
        frames = len(repeats[0].stimulus)
        place, parts_of_frames = (
            np.tile(np.arange(frames), len(repeats)),
            np.full(frames * len(repeats), part),
        )
        stimuli.append(
            Stimulus(name, "movie", repeats[0].stimulus, place, np.concatenate(onsets), parts_of_frames)
        )
        times += onsets
        shown += repeats
    time = np.concatenate(times)
    eye = np.concatenate([each.behaviour.perspective for each in shown])
    return Recording(
        name="simulated",
        format="made here",
        unit_ids=np.arange(TINY.cells),
        traces=Trace(np.concatenate([each.activity for each in shown]), time),
        behaviour={
            "pupil_x": Trace(eye[:, 0], time),
            "pupil_y": Trace(eye[:, 1], time),
            "pupil_size": Trace(np.concatenate([each.behaviour.radius for each in shown]), time),
            "running": Trace(np.concatenate([each.behaviour.speed for each in shown]), time),
        },
        stimuli=stimuli,
    )


def test_a_recording_gives_the_trials_and_scores_of_the_native_folder(
    mouse: SimulatedMouse, tmp_path: Path
) -> None:
    native = load(folder=write_simulated_mouse(mouse, tmp_path / "native"))
    own = from_recording(as_recording(mouse), tmp_path / "own", size=MONITOR)
    pairs = list(zip(own.training_data.trials, native.training_data.trials, strict=True))
    for found, wanted in zip(own.videos["natural"], native.videos["natural"], strict=True):
        pairs += zip(found.repeats, wanted.repeats, strict=True)
    for found, wanted in pairs:
        assert found.training == wanted.training
        np.testing.assert_array_equal(found.stimulus, wanted.stimulus)
        for part in ("perspective", "modulation", "units"):
            np.testing.assert_allclose(getattr(found, part), getattr(wanted, part), rtol=1e-6, atol=1e-6)
    scores = [Experiment("digital-twin", folder=each.folder, **OPTIONS).evaluate() for each in (own, native)]
    found, wanted = ((s[(s["stimulus"] == "natural") & (s["model"] == "digital twin")]) for s in scores)
    for name in ("cc_abs", "single_trial"):
        assert found[name].item() == pytest.approx(wanted[name].item(), abs=1e-4)


# --- a lab's own


def onsets(period: float = 1 / 30, repeats: int = REPEATS, start: float = 5.0) -> np.ndarray:
    """Of a movie with grey between repeats, R F."""
    return start + np.arange(repeats)[:, None] * (FRAMES * period + PAUSE) + period * np.arange(FRAMES)


def toy(rate: float = 30.0, **changes: Any) -> dict[str, Any]:
    """A movie whose halves flicker, units that follow them, eye and treadmill on clocks of their own."""
    random = np.random.default_rng(4)
    halves = random.integers(0, 256, (FRAMES // 4, 1, 2), dtype=np.uint8).repeat(4, axis=0)
    movie = halves.repeat(MONITOR[0], axis=1).repeat(MONITOR[1] // 2, axis=2)
    movie[:, 0, 0] = np.arange(FRAMES) % 256  # no two frames are equal
    when = changes.get("frame_times", onsets())
    last = float(np.nanmax(when)) + 4
    time, eye, wheel = (np.arange(0, last, 1 / hz) for hz in (rate, 100.0, 47.0))
    place = np.clip(np.searchsorted(np.ravel(when), time + 1e-6) - 1, 0, None) % FRAMES
    responses = movie[place][:, -1, [0, -1, 0, -1]] / 127.5 + random.uniform(0, 0.3, (len(time), UNITS))
    pupil = np.stack([np.sin(eye), np.cos(eye), 2 + np.sin(eye / 3)], axis=1)
    return {
        "videos": movie,
        "responses": responses,
        "response_times": time,
        "frame_times": when,
        "pupil": (pupil, eye),
        "treadmill": (np.abs(np.sin(wheel / 2)) * 20, wheel),
        "size": MONITOR,
        "gap": 15,
    } | changes


def test_a_movie_is_cut_by_its_own_time_with_gaps(tmp_path: Path) -> None:
    given = toy()
    found = from_arrays(tmp_path / "mouse", **given)
    place = {frame.tobytes(): number for number, frame in enumerate(given["videos"])}
    (last,) = found.videos["natural"]
    parts = (found.training_data.part(True), found.training_data.part(False), last.repeats)
    shown = [sorted({place[frame.tobytes()] for each in part for frame in each.stimulus}) for part in parts]
    assert len(last.repeats) == REPEATS and last.name == "movie"
    assert (
        shown[1][0] - shown[0][-1] == 16 and shown[2][0] - shown[1][-1] == 16 and shown[2][-1] == FRAMES - 1
    )
    assert not found.omissions


@pytest.mark.parametrize("rate", [10.0, 15.0, 30.0, 60.0])
def test_each_trace_is_brought_from_its_own_clock_to_the_frames(rate: float, tmp_path: Path) -> None:
    found = from_arrays(tmp_path / "mouse", **toy(rate))
    known = found.statistics
    assert known is not None
    first = next(trial for trial in found.training_data.trials if trial.name == "movie-0-1")
    times = onsets()[1, : len(first.stimulus)]
    eye = first.perspective * known.perspective_std + known.perspective_mean
    np.testing.assert_allclose(eye, np.stack([np.sin(times), np.cos(times)], 1), atol=0.01)
    speed = first.modulation[:, 1] * known.modulation_std[1] + known.modulation_mean[1]
    np.testing.assert_allclose(speed, np.abs(np.sin(times / 2)) * 20, atol=0.5)
    bright = first.stimulus[:, -1, 0] / 127.5
    assert np.corrcoef(first.units[:, 0], bright)[0, 1] > (0.9 if rate >= 30 else 0.5)


@pytest.mark.parametrize(("period", "frames"), [(1 / 60, 120), (1 / 24, 300), (1 / 29, FRAMES * 30 // 29)])
def test_a_video_of_another_rate_is_shown_at_30_hz(period: float, frames: int) -> None:
    movie = np.arange(FRAMES, dtype=np.uint8)[:, None, None] * np.ones((1, 4, 6), dtype=np.uint8)
    stimulus = Stimulus("m", "movie", movie, np.tile(np.arange(FRAMES), REPEATS), onsets(period).ravel())
    (shown,), omissions = shown_videos(stimulus, (4, 6))
    assert len(shown.frames) == frames and not omissions and shown.onsets.shape == (REPEATS, frames)
    np.testing.assert_allclose(np.diff(shown.onsets, axis=1), 1 / 30, atol=1e-6)
    expected = np.minimum((np.arange(frames) / 30 / period + 1e-6).astype(int), FRAMES - 1)
    np.testing.assert_array_equal(shown.frames[:, 0, 0], expected)


def test_a_looped_movie_and_clips_in_one_array_are_videos() -> None:
    looped = Stimulus("m", "movie", np.zeros((50, 4, 6)), np.arange(170) % 50, np.arange(170) / 30)
    assert [each.range for each in find_showings(looped)] == [(0, 49)] * 3 + [(0, 19)]
    (whole,), (omission,) = shown_videos(looped, (4, 6))
    assert len(whole.onsets) == 3 and omission == Omission("interrupted", "repeats", ("m at 5.0 s",), 4)
    shown = np.concatenate([np.arange(20), np.arange(30, 50), np.arange(20)])
    time = np.arange(60) / 30 + np.repeat([0, 1, 2], 20)
    clips, omissions = shown_videos(Stimulus("c", "movie", np.zeros((50, 4, 6)), shown, time), (4, 6))
    assert [(each.name, len(each.onsets)) for each in clips] == [("c-0", 2), ("c-30", 1)] and not omissions


def clips(number: int = 8) -> dict[str, Any]:
    """Most clips once, the last of them three times."""
    random, whole = np.random.default_rng(5), toy()
    videos = {f"clip {i}": random.integers(0, 256, (60, *MONITOR), dtype=np.uint8) for i in range(number)}
    begins = 3.0 * np.arange(1, number + 3)
    order = [*range(number), number - 1, number - 1]
    when = {
        name: np.array([b for b, o in zip(begins, order, strict=True) if o == i])[:, None]
        + np.arange(60) / 30
        for i, name in enumerate(videos)
    }
    time = np.arange(0, begins[-1] + 4, 1 / 30)
    responses = np.random.default_rng(6).gamma(1, 1, (len(time), UNITS))
    return whole | {
        "videos": videos,
        "frame_times": when,
        "responses": responses,
        "response_times": time,
        "pupil": None,
        "treadmill": None,
    }


def test_clips_shown_once_train_and_validate_and_repeats_evaluate(tmp_path: Path) -> None:
    found = from_arrays(tmp_path / "mouse", **clips(), validation=0.3, seed=2)
    assert (len(found.training_data.part(True)), len(found.training_data.part(False))) == (5, 2)
    assert [(v.name, len(v.repeats)) for v in found.videos["natural"]] == [("clip-7", 3)]
    again = from_arrays(tmp_path / "again", **clips(), validation=0.3, seed=2)
    names = [[t.name for t in each.training_data.part(False)] for each in (found, again)]
    assert names[0] == names[1]


def test_a_mouse_without_eye_and_treadmill_says_so_everywhere(tmp_path: Path) -> None:
    found = from_arrays(tmp_path / "mouse", **toy(pupil=None))
    absent = ("pupil_x", "pupil_y", "pupil_radius")
    assert "  pupil not recorded, its radius not recorded, treadmill seen in 100.0 % of frames" in describe(
        found
    )
    assert Omission("not_recorded", "channels", absent, 5) in found.omissions
    known = found.statistics
    assert known is not None and np.isnan([*known.perspective_mean, *known.perspective_std]).all()
    assert np.isnan(known.modulation_mean[0]) and np.isfinite(known.modulation_std[1])
    assert np.isnan(np.load(tmp_path / "mouse" / "training_data" / "perspectives" / "movie-0-0.npy")).all()

    def make() -> Experiment:
        return Experiment("digital-twin", folder=tmp_path / "mouse", **OPTIONS)

    scores = make().train().evaluate()
    assert np.isfinite(scores["single_trial"]).all()
    assert make().is_trained and make().evaluate().equals(scores)
    saved = checkpoint.read_facts(make().path)["left_out"]
    assert Omission("not_recorded", "channels", absent, 5).to_dict() in saved


def test_values_off_their_clock_are_missing_not_held(tmp_path: Path) -> None:
    eye = np.arange(9.0, 16.0, 0.01)
    found = from_arrays(tmp_path / "mouse", **toy(pupil=(np.stack([np.sin(eye), np.cos(eye)], 1), eye)))
    for repeat in range(REPEATS):
        trial = next(t for t in found.training_data.trials if t.name == f"movie-0-{repeat}")
        times = onsets()[repeat, : len(trial.stimulus)]
        inside = (times >= eye[0]) & (times <= eye[-1])
        np.testing.assert_array_equal(np.isfinite(trial.perspective).all(axis=1), inside)
    assert "its radius not recorded" in describe(found)


def test_trials_while_nothing_was_recorded_are_left_out(tmp_path: Path) -> None:
    given = toy()
    early = given["response_times"] < onsets()[2, 100]
    given |= {"responses": given["responses"][early], "response_times": given["response_times"][early]}
    found = from_arrays(tmp_path / "mouse", **given)
    (omission,) = found.omissions
    assert omission.rule == "outside_clock" and "movie/2" in omission.names
    assert len(found.videos["natural"][0].repeats) == 2


def test_a_unit_that_is_there_twice_is_left_out(tmp_path: Path) -> None:
    given = toy()
    sound = from_arrays(tmp_path / "sound", **given)
    twice = np.concatenate([given["responses"], given["responses"][:, 1:2]], axis=1)
    found = from_arrays(tmp_path / "twice", **given | {"responses": twice})
    assert Omission("doubled", "units", (str(UNITS),), UNITS + 1) in found.omissions
    assert sound.omissions == ()
    for train in (True, False):
        pairs = zip(found.training_data.part(train), sound.training_data.part(train), strict=True)
        for one, other in pairs:
            np.testing.assert_array_equal(one.units, other.units)


def test_responses_below_0_are_above_their_baseline_in_training(tmp_path: Path) -> None:
    given = toy()
    given["responses"] = given["responses"] - 1
    found = from_arrays(tmp_path / "dff", **given, baseline=5.0)
    same = from_arrays(tmp_path / "rates", **toy())
    units = np.concatenate([trial.units for trial in found.training_data.part(True)])
    assert units.min() == 0 and units.mean(axis=0) == pytest.approx(np.ones(UNITS), abs=1e-4)
    assert np.concatenate([trial.units for trial in same.training_data.part(True)]).min() > 0


def test_what_happens_after_training_changes_no_statistics(tmp_path: Path) -> None:
    first = from_arrays(tmp_path / "first", **toy())
    given = toy()
    late = np.zeros(len(given["response_times"]), dtype=bool)
    for repeat in onsets():
        late |= (given["response_times"] > repeat[150]) & (given["response_times"] < repeat[-1])
    given["responses"][late] *= 7
    other = from_arrays(tmp_path / "other", **given)
    assert first.statistics is not None and other.statistics is not None
    np.testing.assert_array_equal(first.statistics.units_mean, other.statistics.units_mean)


AS_LABS_HAVE_THEM: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "units first, in columns": lambda a: a | {"responses": np.asfortranarray(a["responses"].T)},
    "tensors": lambda a: a | {"responses": torch.tensor(a["responses"]), "videos": torch.tensor(a["videos"])},
    "shares of white": lambda a: a | {"videos": a["videos"] / 255},
    "all frames one after another": lambda a: a | {"frame_times": a["frame_times"].ravel().tolist()},
}


@pytest.mark.parametrize("change", AS_LABS_HAVE_THEM.values(), ids=AS_LABS_HAVE_THEM)
def test_arrays_of_other_habits_are_the_same_trials(
    change: Callable[[dict[str, Any]], dict[str, Any]], tmp_path: Path
) -> None:
    wanted = from_arrays(tmp_path / "wanted", **toy())
    found = from_arrays(tmp_path / "found", **change(toy()))
    for one, other in zip(found.training_data.trials, wanted.training_data.trials, strict=True):
        np.testing.assert_array_equal(one.stimulus, other.stimulus)
        np.testing.assert_array_equal(one.units, other.units)


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "times of another length": (
        {"response_times": toy()["response_times"][:-1]},
        r"responses are \d+ x 4 and there are \d+ response_times; give a time for each sample",
    ),
    "times in ms": (
        {"response_times": toy()["response_times"] * 1000},
        "response_times give 0.03 samples a second",
    ),
    "NaN times": (
        {"response_times": np.where(toy()["response_times"] < 0.01, np.nan, toy()["response_times"])},
        r"1 of \d+ response_times are not finite",
    ),
    "no grey values": (
        {"videos": np.full((FRAMES, 4, 6), -1.5)},
        "frames hold -1.5 to -1.5; give grey values",
    ),
    "frames of another movie": (
        {"frame_times": onsets()[:, :99]},
        "frame_times are 3 x 99, and the movie has 240",
    ),
    "clocks that share no time": (
        {"frame_times": onsets(start=900)},
        "frame_times run from 900 to .* share no time",
    ),
    "pupil of another length": ({"pupil": np.zeros((30, 3))}, "pupil has 30 values and there are"),
    "pupil elsewhere": (
        {"pupil": (np.ones(60), 900 + np.arange(60) / 30)},
        "times of pupil run from 900 .* no time",
    ),
    "four columns of pupil": ({"pupil": (np.ones((60, 4)), np.arange(60) / 30)}, "pupil has 4 columns"),
    "treadmill in ms": (
        {"treadmill": (np.ones(600), np.arange(600) * 30.0)},
        "times of treadmill give 0.0333333 samples a second",
    ),
    "too short a movie": (
        {"videos": toy()["videos"][:40], "frame_times": onsets()[:, :40], "trial_frames": 30},
        "40 frames leave 0 to train",
    ),
    "all repeats outside": (
        {"responses": toy()["responses"][:165], "response_times": toy()["response_times"][:165]},
        "no trial during which responses were recorded",
    ),
}


@pytest.mark.parametrize(("change", "says"), BAD.values(), ids=BAD)
def test_what_does_not_fit_is_said_in_one_sentence(change: dict[str, Any], says: str, tmp_path: Path) -> None:
    given = toy() | change
    with pytest.raises(DataError, match=says) as caught:
        from_arrays(tmp_path / "mouse", **given)
    assert "\n" not in str(caught.value) and not (tmp_path / "mouse").exists()


# --- folders of recordings


def recording() -> Recording:
    """The toy's video and responses, in two areas."""
    given = toy()
    place = np.tile(np.arange(FRAMES), REPEATS)
    movie = Stimulus("clouds", "movie", given["videos"], place, onsets().ravel())
    traces = Trace(given["responses"], given["response_times"])
    areas = np.array(["V1", "LM", "V1", "V1"])
    return Recording("mouse", "made", np.arange(UNITS), traces, area=areas, stimuli=[movie])


def test_the_line_on_the_ceiling_speaks_of_this_recording(tmp_path: Path) -> None:
    several = Experiment(
        "digital-twin", recording=from_recording(recording(), tmp_path / "3", size=MONITOR), **OPTIONS
    )
    wanted = "ceiling: cc_max, from this recording (1 video, at most 3 repeats of one); what eye and running"
    assert several.ceiling.startswith(wanted)
    once = recording()
    [movie] = once.stimuli
    first = slice(0, FRAMES)
    short = replace(movie, shown=movie.shown[first], time=movie.time[first])  # type: ignore[index]
    single = from_recording(replace(once, stimuli=[short]), tmp_path / "1", size=MONITOR)
    alone = Experiment("digital-twin", recording=single, **OPTIONS)
    assert alone.ceiling == "no ceiling: no video that evaluates was shown twice"


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder with two recordings in a format of its own."""

    class Made:
        FORMAT = "of a lab"

        @staticmethod
        def recognises(path: Path) -> bool:
            return path.suffix == ".mouse"

        @staticmethod
        def read(path: Path) -> Recording:
            return replace(recording(), name=path.stem, format=Made.FORMAT)

    monkeypatch.setattr(formats, "MODULES", ("made",))
    monkeypatch.setattr(formats, "_module", lambda name: Made)
    (tmp_path / "lab").mkdir()
    for name in ("first", "second"):
        (tmp_path / "lab" / f"{name}.mouse").touch()
    return tmp_path / "lab"


def test_what_was_converted_is_out_of_date_where_a_reader_changes(tmp_path: Path) -> None:
    mouse = tmp_path / "mouse.npz"
    mouse.touch()
    every, fewer = (
        converted_folder("digital-twin", mouse, {}, (convert_recording,), modules)
        for modules in (READERS, READERS[1:])
    )
    assert every != fewer  # the code of each reader counts, although no import leads to it


def test_a_recording_in_a_folder_is_converted_once_and_trains(
    lab: Path, data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NEUROKIT_QUIET", "CI"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(DataError, match="holds the sessions first, second: name one of them"):
        load(folder=lab)
    with pytest.raises(DataError, match="holds no session third, only first, second"):
        load(folder=lab, session="third")
    experiment = Experiment("digital-twin", folder=lab, session="second", **OPTIONS)
    scores = experiment.train().evaluate()
    found: TwinRecording = experiment.recording
    assert found.name == "second" and found.folder.parent == data / "converted"
    assert found.training_data.frame == CONFIG.network.monitor
    assert capsys.readouterr().err.count("converting") == 1
    again = Experiment("digital-twin", folder=lab, session="second", **OPTIONS)
    assert again.is_trained and again.evaluate().equals(scores)
    assert "converting" not in capsys.readouterr().err
    study = again.tune(2)
    assert len(study.records) == 2
    (lab / "second.mouse").write_text("changed")
    newer = load(folder=lab / "second.mouse", config=CONFIG)
    assert list((data / "converted").iterdir()) == [newer.folder] != [found.folder]
    assert "converting" in capsys.readouterr().err


def test_a_folder_of_nothing_is_said(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no session"):
        load(folder=tmp_path / "empty")


def test_a_recording_is_converted_by_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = write_arrays(recording(), tmp_path / "mouse.npz"), tmp_path / "out"
    given = ["--monitor", "12", "16", "--areas", "V1", "--movies", "clouds"]
    assert main(["digital-twin", "convert", str(path), "--output", str(out), *given]) == 0
    said = capsys.readouterr().out
    assert f"{path} is in the format arrays" in said and "treadmill not recorded" in said
    assert f"wrote {out} (trials)\nsize: the video has 12 x 16 pixels, and the small size" in said
    assert said.endswith(f"published trains in hours\nnext: neurokit digital-twin train --folder {out}\n")
    assert load(folder=out).training_data.units == 3 and load(folder=out).training_data.frame == MONITOR
    experanto = ["--output", str(tmp_path / "session"), "--format", "experanto"]
    assert main(["digital-twin", "convert", str(path), *experanto]) == 0
    again = load(folder=tmp_path / "session", config=CONFIG)
    wanted = from_recording(recording(), tmp_path / "wanted", size=MONITOR)
    for one, other in zip(again.training_data.trials, wanted.training_data.trials, strict=True):
        np.testing.assert_array_equal(one.stimulus, other.stimulus)
        np.testing.assert_allclose(one.units, other.units, atol=0.05)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([], "has 1 scans: name one of 4-7 with session (--session)"),
        (["--session", "9-9"], "has no scan 9-9: name one of 4-7"),
        (["--session", "4-7", "--format", "arrays"], "is no recording of one clock; leave out the format"),
        (["--session", "4-7", "--areas", "V7"], "V7"),
    ],
)
def test_a_scan_of_microns_is_named(
    given: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_scans(tmp_path / "microns.h5", [scan()], map(video, range(len(NAMES))))
    assert main(["digital-twin", "convert", str(path), "--output", str(tmp_path / "out"), *given]) == 2
    assert says in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_a_scan_of_microns_is_converted_by_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = (
        write_scans(tmp_path / "microns.h5", [scan()], map(video, range(len(NAMES)))),
        tmp_path / "out",
    )
    given = ["--session", "4-7", "--monitor", "12", "16", "--output", str(out)]
    assert main(["digital-twin", "convert", str(path), *given]) == 0
    said = capsys.readouterr().out
    assert "is the file of MICrONS; scan 4-7" in said and f"train --folder {out}" in said
    assert load(folder=out).training_data.frame == MONITOR


def test_presentations_of_an_unknown_part_do_not_train(mouse: SimulatedMouse, tmp_path: Path) -> None:
    recording = as_recording(mouse)
    words = {"validation": "val"}
    stimuli = [
        replace(each, part=np.array([words.get(part, part) for part in each.part.tolist()]))
        for each in recording.stimuli
    ]
    found = from_recording(replace(recording, stimuli=stimuli), tmp_path / "trials", size=MONITOR)
    validated = (~mouse.fit).sum()
    assert len(found.training_data.trials) == mouse.fit.sum()
    assert any(each.rule == "labelled" and len(each.names) == validated for each in found.omissions)
    stimuli = [replace(each, part=np.full(len(each.shown), "all")) for each in stimuli]
    with pytest.raises(DataError, match="tiers are all: call them train, validation and test"):
        from_recording(replace(recording, stimuli=stimuli), tmp_path / "other", size=MONITOR)
