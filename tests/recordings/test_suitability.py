"""What is said to be possible is: the systems take these recordings, and refuse the others."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from neurokit import Experiment
from neurokit.errors import DataError
from neurokit.recordings import Recording, Spikes, Trace, diagnose, example
from neurokit.recordings.suitability import Suitability, order_by_fit
from tests.recordings.planted import images, movie, spikes, trials

CLOCK = np.arange(0, 620, 0.05)
EYES = {
    name: Trace(np.random.default_rng(0).random(len(CLOCK)), CLOCK)
    for name in ("pupil_size", "pupil_x", "pupil_y", "running")
}


def fired() -> Recording:
    """A movie before units whose spikes were sorted."""
    random = np.random.default_rng(0)
    shown = movie()
    assert shown.traces is not None
    times = np.sort(random.uniform(shown.traces.time[0], shown.traces.time[-1], 20_000))
    fired = Spikes(times, random.choice(shown.unit_ids, len(times)))
    return replace(shown, traces=None, spikes=fired)


def counted(bins: int) -> Recording:
    """Spikes counted in bins of trials."""
    planned = trials(bins=bins)
    assert planned.trials is not None
    counts = np.random.default_rng(0).poisson(2, planned.trials.responses.shape)
    return replace(planned, trials=replace(planned.trials, responses=counts))


def moved(recording: Recording, seconds: float) -> Recording:
    """Everything was shown so much later."""
    stimuli = [
        replace(each, time=None if each.time is None else each.time + seconds) for each in recording.stimuli
    ]
    events = recording.events
    later = None if events is None else events.assign(stimulus_time=events["stimulus_time"] + seconds)
    return replace(recording, stimuli=stimuli, events=later)


def with_eyes(recording: Recording, **others: np.ndarray) -> Recording:
    """With pupil and running, some of them of other values."""
    return replace(
        recording,
        behaviour={name: Trace(others.get(name, trace.values), CLOCK) for name, trace in EYES.items()},
    )


def only(recording: Recording, **values: np.ndarray) -> Recording:
    """With these channels alone."""
    return replace(recording, behaviour={name: Trace(each, CLOCK) for name, each in values.items()})


def of_movies(*changes: dict[str, Any]) -> Recording:
    """A movie, and others that differ in some of its fields."""
    recording = with_eyes(movie())
    (shown,) = recording.stimuli
    others = [replace(shown, name=f"other {number}", **each) for number, each in enumerate(changes)]
    return replace(recording, stimuli=[shown, *others])


def of_events(times: np.ndarray | None) -> Recording:
    """Spikes and other events."""
    recording = with_eyes(spikes()[0])
    events = None if times is None else pd.DataFrame({"stimulus_time": times})
    return replace(recording, events=events)


def without_parts(recording: Recording) -> Recording:
    return replace(recording, stimuli=[replace(each, part=None) for each in recording.stimuli])


def of_traces(recording: Recording, value: float) -> Recording:
    """All units have this value throughout."""
    assert recording.traces is not None
    values = np.full_like(recording.traces.values, value)
    return replace(recording, traces=replace(recording.traces, values=values))


NOISE, ONE = EYES["running"].values, np.ones(len(CLOCK))
CONSTANT_EYE = {"pupil_size": ONE, "pupil_x": ONE, "pupil_y": ONE}
SESSIONS: dict[str, Callable[[], Recording]] = {
    "movie": lambda: with_eyes(movie()),
    "movie and spikes": lambda: with_eyes(fired()),
    "images": lambda: with_eyes(images()),
    "images without parts": lambda: without_parts(with_eyes(images())),
    "spikes": lambda: with_eyes(spikes()[0]),
}
SHIFTS = {"after": 1.01, "before": -2.0, "at the end": 1.0, "half": 0.5, "late": 0.985, "early": -0.985}
KINDS: dict[str, Callable[[], Recording]] = {
    **SESSIONS,
    "movie alone": movie,
    "movie and spikes alone": fired,
    "images alone": images,
    "spikes alone": lambda: spikes()[0],
    "trials": lambda: counted(4),
    "one count a trial": lambda: counted(1),
    "cori": lambda: example("cori"),
    "ibl": lambda: example("ibl"),
    "park": lambda: example("park"),
    "constant eye, running": lambda: with_eyes(spikes()[0], **CONSTANT_EYE),
    "constant eye": lambda: only(spikes()[0], **CONSTANT_EYE),
    "eye of nothing": lambda: only(spikes()[0], pupil_size=0 * ONE),
    "eye not measured": lambda: only(spikes()[0], pupil_size=np.nan * ONE),
    "eye constant in trials": lambda: only(spikes()[0], pupil_size=np.where(CLOCK < 4, NOISE, 1.0)),
    "running": lambda: only(spikes()[0], running=NOISE),
    "constant wheel": lambda: only(spikes()[0], wheel=ONE),
    "a coordinate of the eye": lambda: only(spikes()[0], pupil_x=NOISE),
    "blinks": lambda: only(spikes()[0], blink=NOISE),
    "eye on another clock": lambda: replace(
        spikes()[0], behaviour={**EYES, "pupil_size": Trace(NOISE, CLOCK + 5000)}
    ),
    "constant eye with images": lambda: with_eyes(images(), **CONSTANT_EYE),
    "constant eye with a movie": lambda: with_eyes(movie(), **CONSTANT_EYE),
    "no events": lambda: of_events(None),
    "events without times": lambda: of_events(np.full(600, np.nan)),
    "four trials": lambda: of_events(np.arange(20.0, 24.0)),
    "five trials": lambda: of_events(np.arange(20.0, 25.0)),
    "20 trials that overlap": lambda: of_events(np.arange(20.0, 40.0)),
    "21 trials that overlap": lambda: of_events(np.arange(20.0, 41.0)),
    "five trials apart": lambda: of_events(20 + 3 * np.arange(5.0)),
    "five units": lambda: with_eyes(spikes(units=5)[0]),
    "a movie shown once": lambda: with_eyes(movie(repeats=1)),
    "a short movie": lambda: with_eyes(movie(frames=60)),
    "a movie of four seconds": lambda: with_eyes(movie(frames=120)),
    "a movie without frames": lambda: of_movies({"frames": None}),
    "a movie without times": lambda: of_movies({"time": None}),
    "a movie on another clock": lambda: of_movies({"time": np.arange(2400.0) / 30 + 5000}),
    "few images": lambda: with_eyes(images(once=4, repeated=2)),
    "few images without parts": lambda: without_parts(images(once=4, repeated=2)),
    "constant activity before a movie": lambda: of_traces(with_eyes(movie()), 1.0),
    "constant activity before images": lambda: of_traces(with_eyes(images()), 1.0),
    "no activity before a movie": lambda: of_traces(with_eyes(movie()), np.nan),
}


def shifted(session: str, share: float) -> Recording:
    """What was shown is moved by a share of the time in which units were recorded."""
    recording = SESSIONS[session]()
    first, last = recording.span or (0.0, 0.0)
    return moved(recording, share * (last - first))


KINDS |= {
    f"{session} {word}": partial(shifted, session, share)
    for session in SESSIONS
    for word, share in SHIFTS.items()
}


def refusal(found: Suitability, recording: Recording, folder: Path) -> str:
    """Why no task can be made of a recording, with the options that are named; empty where one can be."""
    take = import_module(f"neurokit.{found.system.replace('-', '_')}").from_recording
    name, _, value = found.options.removeprefix("--set ").partition("=")
    values = {name: value} if name else {}
    try:
        made = take(recording, folder, size=(36, 64)) if found.system == "digital-twin" else take(recording)
        experiment = Experiment(found.system, recording=made, size="small", values=values, device="cpu")
        return experiment.untrainable or ("" if experiment.task is not None else "nothing")
    except DataError as error:
        return str(error)


@pytest.mark.parametrize("kind", KINDS)
def test_systems_train_on_what_is_said_to_be_possible_and_refuse_the_rest(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path / "data"))
    recording = KINDS[kind]()
    for found in diagnose(recording).systems:
        why = refusal(found, recording, tmp_path / "twin")
        assert found.possible == (not why), f"{found.system}: {found.sentence}; {why or 'a task is made'}"


@pytest.mark.parametrize(
    ("kind", "best"),
    [
        ("movie", ["digital-twin", "v1-transformer"]),
        ("movie alone", ["v1-transformer", "digital-twin"]),
        ("constant eye with a movie", ["v1-transformer", "digital-twin"]),  # running is left, which both read
        ("a movie shown once", ["digital-twin"]),
        ("images", ["sensorium"]),
        ("spikes", ["pupil-encoder"]),
        ("blinks", []),
    ],
)
def test_what_reads_most_of_a_recording_comes_first(kind: str, best: list[str]) -> None:
    assert [each.system for each in order_by_fit(diagnose(KINDS[kind]()).systems)] == best


def test_running_without_a_pupil_is_trained_on_with_an_option() -> None:
    encoder, *_ = diagnose(KINDS["running"]()).systems
    assert encoder.sentence == "yes, without pupil; train it with --set inputs=behaviour"
