"""A lab's own movies and traces as a session: what is taken, what is said, and that it comes to the same."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from neurokit.cli import main
from neurokit.errors import DataError
from neurokit.experiment import Experiment
from neurokit.recordings import Recording, Spikes, Stimulus, Trace, Trials, formats, write_arrays
from neurokit.training.omissions import Omission
from neurokit.v1_transformer import (
    MODELS,
    ClipShape,
    MovieSession,
    TransformerSettings,
    describe,
    from_arrays,
    from_recording,
    load,
    simulate_session,
    write_session,
)
from neurokit.v1_transformer import task as make_task
from neurokit.v1_transformer.experiment import convert, identity
from neurokit.v1_transformer.own import nearest_samples
from neurokit.v1_transformer.simulation import UNTRACKED, SessionParameters, SimulatedSession

TINY = MODELS["transformer"].small.replace(
    shape=ClipShape(length=4, stride=2, before=1),
    model=TransformerSettings(
        frame=(10, 20), patch=5, step=5, width=8, heads=2, spatial_layers=1, temporal_layers=1
    ),
)
FRAMES, REPEATS, CELLS = 120, 4, 5
PERIOD, PAUSE = 1 / 30, 3.0  # s of a frame, and between two repeats


@pytest.fixture(autouse=True)
def data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A data folder of each test's own."""
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path / "data"))


@pytest.fixture(scope="module")
def simulated() -> SimulatedSession:
    """Two movies of 150 frames, each four times."""
    return simulate_session(
        SessionParameters(cells=6, session_type="three_session_C", frames=150, repeats=4, seed=3)
    )


@pytest.fixture(scope="module")
def folder(simulated: SimulatedSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same in AllenSDK's file."""
    made = tmp_path_factory.mktemp("sessions") / "mouse"
    write_session(simulated, made)
    return made


@pytest.fixture(scope="module")
def native(folder: Path) -> MovieSession:
    """What is read from that."""
    return replace(load(folder=folder), truth=None)


def arrays_of(session: SimulatedSession, order: list[str]) -> dict[str, Any]:
    """The arguments of `from_arrays`; the sensor of running began later and ended earlier."""
    first, last = UNTRACKED
    return {
        "movies": {name: session.movies[name] for name in order},
        "traces": session.dff,
        "trace_times": session.time,
        "frame_times": {name: session.time[session.starts[name]] for name in order},
        "running": (session.running, session.time[first:-last]),
        "pupil": session.pupil,
        "cell_ids": session.cell_ids,
        "name": "mine",
    }


def check_equal(found: MovieSession, wanted: MovieSession) -> None:
    for name in ("cell_ids", "time", "dff", "running", "pupil"):
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name), err_msg=name)
    assert list(found.movies) == list(wanted.movies)
    for name, movie in wanted.movies.items():
        for part in ("frames", "starts", "numbers"):
            np.testing.assert_array_equal(getattr(found.movies[name], part), getattr(movie, part), name)


# --- the same as the native file


def test_arrays_give_the_session_of_the_file(simulated: SimulatedSession, native: MovieSession) -> None:
    found = from_arrays(**arrays_of(simulated, list(native.movies)))
    check_equal(found, native)
    assert found.session_id == "mine" and not found.omissions and found.depth is None
    assert describe(found).splitlines()[:2] == [
        "session mine (arrays)",
        f"  {describe(native).splitlines()[2].strip()}",
    ]


AS_LABS_HAVE_THEM: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "units last, in columns": lambda a: a | {"traces": np.asfortranarray(a["traces"].T.astype(np.float64))},
    "lists": lambda a: {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in a.items()},
    "tensors": lambda a: (
        a | {"traces": torch.tensor(a["traces"]), "trace_times": torch.tensor(a["trace_times"])}
    ),
    "big-endian": lambda a: (
        a | {"traces": a["traces"].astype(">f8"), "cell_ids": a["cell_ids"].astype(">i8")}
    ),
    "all frames one after another": lambda a: (
        a | {"frame_times": {k: v.ravel() for k, v in a["frame_times"].items()}}
    ),
    "a list of repeats": lambda a: (
        a | {"frame_times": {k: [each.tolist() for each in v] for k, v in a["frame_times"].items()}}
    ),
    "frames x repeats": lambda a: a | {"frame_times": {k: v.T for k, v in a["frame_times"].items()}},
    "grey values as fractions": lambda a: (
        a | {"movies": {k: v.astype(float) for k, v in a["movies"].items()}}
    ),
    "shares of white": lambda a: a | {"movies": {k: v / 255 for k, v in a["movies"].items()}},
    "ids as fractions": lambda a: a | {"cell_ids": a["cell_ids"].astype(float)},
}


@pytest.mark.parametrize("change", AS_LABS_HAVE_THEM.values(), ids=AS_LABS_HAVE_THEM)
def test_arrays_of_other_habits_are_the_same_session(
    change: Callable[[dict[str, Any]], dict[str, Any]], simulated: SimulatedSession, native: MovieSession
) -> None:
    given = arrays_of(simulated, list(native.movies))
    for value in (given["traces"], given["trace_times"]):
        value.flags.writeable = False
    check_equal(from_arrays(**change(given)), native)


def test_scores_are_those_of_the_file(
    simulated: SimulatedSession, native: MovieSession, folder: Path
) -> None:
    own = from_arrays(**arrays_of(simulated, list(native.movies)))
    options: dict[str, Any] = {"config": TINY, "epochs": 1, "device": "cpu"}
    found = Experiment("v1-transformer", recording=own, **options).evaluate()
    wanted = Experiment("v1-transformer", folder=folder, **options).evaluate()
    assert found["model"].iloc[-1] == wanted["model"].iloc[-1] == "ceiling"  # of repeats, and of the truth
    found, wanted = found[:-1], wanted[:-1]
    assert found.equals(wanted) and np.isfinite(found["single_trial"]).all()


# --- a lab's own


def frame_times(period: float = PERIOD, repeats: int = REPEATS, start: float = 5.0) -> np.ndarray:
    """Of movies that stand on a grey screen between repeats, R F."""
    return start + np.arange(repeats)[:, None] * (FRAMES * period + PAUSE) + period * np.arange(FRAMES)


def toy(rate: float = 30.0, **changes: Any) -> dict[str, Any]:
    """A movie that cells follow, at any rate of the microscope."""
    random = np.random.default_rng(2)
    movie = random.integers(0, 256, (FRAMES, 12, 24), dtype=np.uint8)
    onset = changes.get("frame_times", frame_times())
    time = np.arange(0, float(np.nanmax(onset)) + 3, 1 / rate)
    drive = movie.mean(axis=(1, 2)) - movie.mean()
    place = np.searchsorted(np.ravel(onset), time) - 1
    shown = np.where(place >= 0, drive[np.clip(place, 0, None) % FRAMES], 0)
    traces = shown[:, None] * np.linspace(0.5, 1, CELLS) + random.normal(0, 1, (len(time), CELLS))
    return {"movies": movie, "traces": traces, "trace_times": time, "frame_times": onset} | changes


@pytest.mark.parametrize("rate", [10.0, 15.0, 30.0, 60.0])
def test_a_microscope_of_any_rate(rate: float) -> None:
    session = from_arrays(**toy(rate))
    movie = session.movies["movie"]
    assert movie.starts.shape == (REPEATS, FRAMES) and movie.numbers.tolist() == list(range(REPEATS))
    assert np.abs(session.time[movie.starts] - frame_times()).max() <= 0.5001 / rate
    task = make_task(session, TINY)
    assert (
        task.frame_rate == pytest.approx(30, rel=0.02)
        and np.isfinite(task.responses[:, task.split.train]).all()
    )


@pytest.mark.parametrize(("rate", "lag", "window"), [(7.5, 0, 1), (15, 1, 1), (30, 2, 3), (60, 4, 6)])
def test_lag_and_window_take_as_long_at_any_rate(rate: float, lag: int, window: int) -> None:
    shape = make_task(from_arrays(**toy(rate)), TINY).shape
    assert (shape.lag, shape.window) == (lag, window)


@pytest.mark.parametrize("rate", [10.0, 60.0])
def test_a_microscope_of_another_rate_trains(rate: float) -> None:
    scores = Experiment(
        "v1-transformer", recording=from_arrays(**toy(rate)), config=TINY, epochs=1
    ).evaluate()
    assert np.isfinite(scores["single_trial"]).all()


@pytest.mark.parametrize("period", [1 / 10, 1 / 24, 1 / 60])
def test_a_movie_of_any_rate(period: float) -> None:
    session = from_arrays(**toy(frame_times=frame_times(period)))
    assert session.movies["movie"].starts.shape == (REPEATS, FRAMES)


def test_a_session_without_running_trains_is_opened_and_tuned_without_it() -> None:
    session = from_arrays(**toy(running=np.full(len(toy()["trace_times"]), np.nan)))
    assert "running not recorded, pupil not recorded" in describe(session)
    make: Callable[[], Experiment] = lambda: Experiment(  # noqa: E731
        "v1-transformer", recording=session, config=TINY, epochs=1, device="cpu"
    )
    scores = make().train().evaluate()
    assert "running only" not in set(scores["model"])
    again = make()
    assert again.is_trained and again.evaluate().equals(scores)
    assert again.omissions == (Omission("not_recorded", "channels", ("running",), 2),)
    with pytest.raises(DataError, match="Running was not recorded, so none can be shuffled"):
        make_task(session, TINY.replace(running="shuffled"))
    study = make().tune(2)
    assert len(study.records) == 2 and np.isfinite(study.best_loss)


def test_running_off_the_clock_of_the_traces_is_missing_not_held() -> None:
    time = toy()["trace_times"]
    clock = np.arange(4.0, time[-1] - 4, 0.01)
    session = from_arrays(**toy(running=(3 * clock, clock), pupil=(np.stack([clock, -clock], 1), clock)))
    inside = (time >= 4) & (time <= clock[-1])
    np.testing.assert_array_equal(np.isfinite(session.running), inside)
    np.testing.assert_allclose(session.running[inside], 3 * time[inside], atol=0.1)
    assert session.pupil is not None and np.isnan(session.pupil[:, 2]).all()


def test_cells_and_repeats_that_cannot_be_used_are_left_out() -> None:
    given = toy()
    given["traces"][:, 1], given["traces"][3, 3] = 0.5, np.nan
    onset = frame_times()
    onset[2, 60:] = np.nan  # cut short
    session = from_arrays(**given | {"cell_ids": [11, 12, 13, 14, 15], "frame_times": onset})
    assert session.cell_ids.tolist() == [11, 13, 15]
    assert session.omissions == (
        Omission("not_finite", "units", ("14",), 5),
        Omission("constant", "units", ("12",), 5),
        Omission("interrupted", "repeats", ("movie/2",), 4),
    )
    short = np.concatenate([*onset[:2], onset[2, :60], onset[3]])
    flat = from_arrays(**given | {"frame_times": short})
    assert flat.movies["movie"].numbers.tolist() == [0, 1, 3]
    late = from_arrays(**toy() | {"frame_times": np.vstack([frame_times(), frame_times()[-1:] + 60])})
    assert late.omissions == (Omission("time_unknown", "repeats", ("movie/4",), 5),)


def test_a_large_movie_is_shrunk_as_a_file_is() -> None:
    large = np.random.default_rng(0).integers(0, 256, (FRAMES, 90, 200), dtype=np.uint8)
    assert from_arrays(**toy(movies=large)).movies["movie"].frames.shape == (FRAMES, 76, 152)
    whole = from_arrays(**toy(movies=large), size=None)
    assert whole.movies["movie"].frames.shape == large.shape
    assert make_task(whole, TINY).frames.shape == (FRAMES, *TINY.model.frame)


def test_another_movie_is_another_recording() -> None:
    """A model of one movie must not be opened for another with the same traces."""
    given = toy()
    frames = given["movies"]
    one, same, other = (
        identity(from_arrays(**(given | {"movies": each}))) for each in (frames, frames.copy(), frames[::-1])
    )
    assert one == same
    assert one != other


def test_onsets_between_samples_belong_to_the_nearer() -> None:
    time = np.arange(5.0)
    assert nearest_samples(np.array([-2, -0.4, 0.4, 0.6, 3, 4.4, 6]), time).tolist() == [
        -1,
        0,
        0,
        1,
        3,
        4,
        -1,
    ]


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "times of another length": (
        {"trace_times": toy()["trace_times"][:-1]},
        r"traces are \d+ x 5 and there are \d+ trace_times; give a time for each sample",
    ),
    "times in ms": ({"trace_times": toy()["trace_times"] * 1000}, "trace_times give 0.03 samples a second"),
    "frames in ms": (
        {"frame_times": frame_times() * 1000},
        "movie: frame_times are 33.3333 s apart, 0.03 frames a second; give times in seconds",
    ),
    "NaN times": (
        {"trace_times": np.where(np.arange(len(toy()["trace_times"])) == 3, np.nan, toy()["trace_times"])},
        r"1 of \d+ trace_times are not finite",
    ),
    "no grey values": (
        {"movies": toy()["movies"] / 40.0 - 3},
        "movie: frames hold -3 to 3.375; give grey values",
    ),
    "colours": ({"movies": np.zeros((FRAMES, 8, 8, 3))}, "frames have 3 colours; give the mean"),
    "NaN in frames": ({"movies": np.full((FRAMES, 8, 8), np.nan)}, "have 7680 of 7680 pixels that are NaN"),
    "all repeats cut short": (
        {"frame_times": np.where(np.arange(FRAMES) < 100, frame_times(), np.nan)},
        "movie in own has no repeat that can be used: 4 were shown, 0 at times outside",
    ),
    "less than a repeat": (
        {"frame_times": frame_times()[0, :50]},
        "frame_times are 50, and the movie has 120 frames",
    ),
    "frames of another movie": (
        {"frame_times": frame_times()[:, :70]},
        "frame_times are 4 x 70, and the movie has 120",
    ),
    "clocks that share no time": (
        {"frame_times": frame_times(start=900.0)},
        "frame_times run from 900 to .* they share no time",
    ),
    "pupil of another length": (
        {"pupil": np.zeros((70, 3))},
        r"pupil has 70 values and there are \d+ times of the traces",
    ),
    "running elsewhere": (
        {"running": (np.ones(60), 500 + np.arange(60) / 30)},
        "times of running run from 500 to .* they share no time",
    ),
    "ids of other cells": ({"cell_ids": [1, 2, 3]}, "There are 5 units and 3 ids"),
    "an id twice": ({"cell_ids": [1, 2, 3, 3, 4]}, "unit 3 is there 2 times"),
    "no movie": ({"movies": {}}, "movies holds none"),
    "times of one of two": (
        {"movies": {"a": toy()["movies"], "b": toy()["movies"]}, "frame_times": {"a": frame_times()}},
        "frame_times lacks b; it has a",
    ),
    "backwards": ({"trace_times": toy()["trace_times"][::-1]}, "trace_times do not ascend"),
    "texts": ({"traces": [["a"]]}, "traces holds texts; give numbers"),
}


@pytest.mark.parametrize(("change", "says"), BAD.values(), ids=BAD)
def test_what_does_not_fit_is_said_in_one_sentence(change: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError, match=says) as caught:
        from_arrays(**toy() | change)
    assert str(caught.value).count(". ") == 0 and "\n" not in str(caught.value)


def test_frames_after_lost_times_are_not_numbered_by_guess() -> None:
    given = toy()
    frames, period = len(given["movies"]), PERIOD
    times = 5.0 + period * np.arange(REPEATS * frames)
    whole = from_arrays(**given | {"frame_times": times})
    lost = np.delete(times, [frames // 2, frames // 2 + 1, frames // 2 + 2])
    doubled = np.insert(times, frames // 2, times[frames // 2] - 0.3 * period)
    for wrong in (lost, doubled):
        with pytest.raises(DataError, match=r"are no whole repeats of .* say in shown which is which"):
            from_arrays(**given | {"frame_times": wrong})
    last = from_arrays(**given | {"frame_times": np.delete(times, len(times) - 3)})  # none after it
    np.testing.assert_array_equal(last.movies["movie"].starts, whole.movies["movie"].starts[:-1])


def test_a_square_of_traces_must_be_told() -> None:
    given = toy()
    square = np.tile(given["traces"], (1, 1 + len(given["traces"]) // CELLS))[:, : len(given["traces"])]
    square = square + np.random.default_rng(0).normal(0, 1e-3, square.shape)
    with pytest.raises(DataError, match="rows and columns both fit; say units_first=True"):
        from_arrays(**given | {"traces": square})
    found = from_arrays(**given | {"traces": square, "units_first": False})
    np.testing.assert_array_equal(found.dff, square.T.astype(np.float32))


def test_a_movie_that_was_shown_once_is_refused_by_the_task() -> None:
    session = from_arrays(**toy(frame_times=frame_times()[:1]))
    with pytest.raises(DataError, match="has 1 repeats with dF/F throughout of one of its movies"):
        make_task(session, TINY)


# --- recordings of any format


def recording(**changes: Any) -> Recording:
    given = toy()
    place = np.tile(np.arange(FRAMES), REPEATS)
    movie = Stimulus("clouds", "movie", given["movies"], place, frame_times().ravel())
    whole: dict[str, Any] = {
        "name": "mouse",
        "format": "of a lab",
        "unit_ids": np.arange(7, 7 + CELLS),
        "traces": Trace(given["traces"], given["trace_times"], "dF/F"),
        "area": np.array(["V1", "V1", "LM", "V1", "LM"]),
        "stimuli": [movie],
        "notes": ("tried on made-up files only",),
    }
    return Recording(**whole | changes)


def test_a_recording_is_a_session() -> None:
    session = from_recording(recording(), without=[8])
    assert session.cell_ids.tolist() == [7, 9, 10, 11] and list(session.movies) == ["clouds"]
    assert from_recording(recording(), areas=["LM"]).cell_ids.tolist() == [9, 11]
    assert describe(session).splitlines()[:2] == ["session mouse (of a lab)", "  LM, V1"]
    assert "tried on made-up files only" in describe(session)


def test_spikes_are_counted() -> None:
    times = np.sort(np.random.default_rng(1).uniform(0, frame_times().max() + 3, 4000))
    units = np.random.default_rng(2).choice([7, 9], len(times))
    session = from_recording(
        recording(traces=None, area=None, spikes=Spikes(times, units), unit_ids=np.array([9, 7]))
    )
    assert session.dff.sum(axis=1).tolist() == [(units == 9).sum(), (units == 7).sum()]


@pytest.mark.parametrize(
    ("change", "options", "says"),
    [
        ({"stimuli": []}, {}, r"mouse has no movie \(no stimulus\)"),
        ({}, {"movies": ["rain"]}, "mouse has no movie rain, only clouds"),
        ({}, {"areas": ["AL"]}, "mouse has no units in AL; its areas are LM, V1"),
        ({}, {"without": [99]}, "mouse has no unit 99: choose of its 5 units"),
        ({}, {"without": range(7, 12)}, "mouse has no unit left"),
        (
            {"traces": None, "area": None, "trials": Trials(np.ones((4, 1, CELLS)))},
            {},
            "responses trial by trial",
        ),
        (
            {"stimuli": [Stimulus("clouds", "movie", None, np.arange(5))]},
            {},
            "does not hold the frames of clouds",
        ),
        (
            {"stimuli": [Stimulus("clouds", "movie", toy()["movies"], np.arange(FRAMES))]},
            {},
            "does not hold the times of clouds",
        ),
    ],
)
def test_a_recording_that_lacks_something_says_so(
    change: dict[str, Any], options: dict[str, Any], says: str
) -> None:
    with pytest.raises(DataError, match=says):
        from_recording(recording(**change), **options)


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder with two recordings in a format of its own."""

    class Made:
        FORMAT = "of a lab"

        @staticmethod
        def recognises(path: Path) -> bool:
            return path.suffix == ".mouse"

        @staticmethod
        def read(path: Path) -> Recording:
            return recording(name=path.stem)

    monkeypatch.setattr(formats, "MODULES", ("made",))
    monkeypatch.setattr(formats, "_module", lambda name: Made)
    for name in ("first", "second"):
        (tmp_path / "lab" / f"{name}.mouse").parent.mkdir(exist_ok=True)
        (tmp_path / "lab" / f"{name}.mouse").touch()
    return tmp_path / "lab"


def test_a_folder_of_recordings_trains_by_name(two: Path) -> None:
    with pytest.raises(DataError, match="holds the sessions first, second: name one of them"):
        load(folder=two)
    with pytest.raises(DataError, match="holds no session third, only first, second"):
        load(folder=two, session="third")
    config = TINY.replace(movies=("clouds",), without=(8,))
    options: dict[str, Any] = {"config": config, "epochs": 1, "device": "cpu"}
    experiment = Experiment("v1-transformer", folder=two, session="second", **options)
    scores = experiment.evaluate()
    assert experiment.recording.session_id == "second" and len(experiment.recording.cell_ids) == CELLS - 1
    again = Experiment("v1-transformer", folder=two / "second.mouse", **options)
    assert again.recording.session_id == "second"
    assert np.isfinite(scores["single_trial"]).all()


def lab_files(folder: Path) -> Path:
    """The toy recording as arrays, twice."""
    for name in ("monday.npz", "tuesday"):
        write_arrays(recording(), folder / name)
    return folder


@pytest.mark.parametrize("layout", ["arrays", "experanto"])
def test_what_convert_writes_is_the_same_session(layout: str, tmp_path: Path) -> None:
    lab = lab_files(tmp_path / "lab")
    lines = convert(lab, tmp_path / "out", session=["tuesday"], format=layout)
    assert lines[0] == f"{lab / 'tuesday'} is in the format arrays" and lines[-1].startswith("wrote ")
    assert any("running not recorded, pupil not recorded" in line for line in lines)
    found, wanted = load(folder=tmp_path / "out"), from_recording(recording())
    np.testing.assert_allclose(found.dff, wanted.dff, atol=1e-5)
    for part in ("frames", "starts"):
        np.testing.assert_array_equal(*(getattr(each.movies["clouds"], part) for each in (found, wanted)))


def test_convert_and_list_by_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lab = lab_files(tmp_path / "lab")
    assert main(["v1-transformer", "convert", str(lab), "--output", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert f"wrote {tmp_path / 'out' / 'monday'} (arrays)" in said
    assert said.endswith(f"next: neurokit v1-transformer data --list --folder {tmp_path / 'out'}\n")
    assert main(["v1-transformer", "data", "--list", "--folder", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert (
        "clouds (shown 4 times)" in said
        and "LM, V1" in said
        and said.endswith("--session monday --size small\n")
    )
    given = ["--folder", str(tmp_path / "out"), "--session", "tuesday", "--movies", "clouds"]
    assert main(["v1-transformer", "data", *given]) == 0
    assert "clouds: 120 frames x 4 repeats" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("convert nowhere --output out", "nowhere holds no recording in a format that is read"),
        ("convert lab --session friday --output out", "lab holds no session friday, only monday, tuesday"),
        ("convert lab --format parquet --output out", "format is 'parquet'; use one of arrays, experanto"),
    ],
)
def test_what_cannot_be_converted_is_said(
    arguments: str,
    says: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lab_files(tmp_path / "lab")
    monkeypatch.chdir(tmp_path)
    assert main(["v1-transformer", *arguments.split()]) == 2
    assert says in capsys.readouterr().err and not (tmp_path / "out").exists()
