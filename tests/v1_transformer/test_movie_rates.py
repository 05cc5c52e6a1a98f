"""Movies of any rate: a clip lasts as long at each, so that a planted response is found again."""

from typing import Any

import numpy as np
import pytest

from neurokit.metrics.repeats import repeat_scores
from neurokit.recordings import Recording, Stimulus, Trace
from neurokit.v1_transformer import MODELS, ClipShape, MovieSession, from_arrays, from_recording
from neurokit.v1_transformer import task as make_task
from neurokit.v1_transformer.baselines import lagged_pixels
from neurokit.v1_transformer.features import MovieTask
from neurokit.v1_transformer.own import frame_rate
from neurokit.v1_transformer.scores import part_responses

SECONDS, REPEATS = 60.0, 2
FASTEST = 3.0  # Hz, in what the movie shows
DELAYS = (0.2, 1.4)  # s from what was shown to what a cell does: within a clip, and near its start
STRIDES = {60: 6, 30: 3, 25: 3, 15: 2}
SMALL = MODELS["transformer"].small


def brightness(time: np.ndarray) -> np.ndarray:
    """The same at all rates, a sum of sines of any frequency up to FASTEST; about 0, standard deviation 1."""
    random = np.random.default_rng(0)
    frequencies, phases = random.uniform(0.05, FASTEST, 200), random.uniform(0, 2 * np.pi, 200)
    waves = np.sin(2 * np.pi * frequencies * np.ravel(time)[:, None] + phases)
    return (waves.sum(axis=1) / 10).reshape(np.shape(time))


def session(rate: float, microscope: float = 30.0) -> MovieSession:
    """A movie at that many Hz, and two cells, each of which does what was shown some time before."""
    frame = np.arange(round(SECONDS * rate)) / rate
    starts = 1 + np.arange(REPEATS)[:, None] * (SECONDS + 4)
    time = np.arange(0, starts[-1, 0] + SECONDS + 2, 1 / microscope)
    since = time - starts[np.clip(np.searchsorted(starts[:, 0], time) - 1, 0, None), 0]
    traces = np.stack([brightness(since - delay) for delay in DELAYS], axis=1)
    noise = np.random.default_rng(1).normal(scale=0.2, size=traces.shape)
    grey = np.clip(127 + 30 * brightness(frame), 0, 255)[:, None, None] + np.zeros((20, 40))
    frames = np.rint(grey).astype(np.uint8)
    return from_arrays(frames, traces + noise, time, frame_times=starts + frame)


def scores(task: MovieTask) -> np.ndarray:
    """Of what is read from a clip's frames in straight lines, each cell's correlation with the mean."""
    return repeat_scores(part_responses(task), lagged_pixels(task)).cc_abs


@pytest.fixture(scope="module")
def at_thirty() -> np.ndarray:
    return scores(make_task(session(30), SMALL))


@pytest.mark.parametrize("rate", [60, 25, 15])
def test_a_planted_response_is_found_at_every_rate(rate: int, at_thirty: np.ndarray) -> None:
    task = make_task(session(rate), SMALL)
    assert task.shape.stride == STRIDES[rate] and task.frame_rate == pytest.approx(rate, rel=0.01)
    found = scores(task)
    assert (at_thirty > 0.9).all()
    assert (found > at_thirty - 0.05).all(), (found, at_thirty)


@pytest.mark.parametrize("rate", [60, 15])
def test_a_stride_that_counts_frames_loses_it(
    rate: int, at_thirty: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: at 60 Hz such a clip ends before the late response began, at 15 Hz it is too coarse."""
    monkeypatch.setattr("neurokit.v1_transformer.features._stride", lambda movie, shape: shape.stride)
    assert (scores(make_task(session(rate), SMALL)) < at_thirty - 0.1).any()


def test_at_thirty_hz_nothing_changes() -> None:
    task = make_task(session(30), SMALL)
    assert task.shape == ClipShape()


def test_a_slow_microscope_does_not_change_the_stride() -> None:
    shape = make_task(session(60, microscope=10), SMALL).shape
    assert (shape.stride, shape.lag, shape.window) == (6, 0, 1)


@pytest.mark.parametrize(
    ("shown", "onset", "rate"),
    [
        ([0, 0, 1, 1, 2, 2], [0, 0.02, 0.04, 0.06, 0.08, 0.1], 25),  # each frame in two refreshes
        ([0, 1, 2, 0, 1, 2], [0, 0.1, 0.2, 5, 5.1, 5.2], 10),  # a pause between repeats
        ([0], [0.0], None),
        ([0, 1], [1.0, 1.0], None),
    ],
)
def test_the_rate_is_that_of_new_frames(shown: list[int], onset: list[float], rate: Any) -> None:
    found = frame_rate(np.array(shown), np.array(onset))
    assert found is None if rate is None else found == pytest.approx(rate)


def test_movies_of_another_rate_than_the_first_are_left_out_and_it_is_said() -> None:
    movies, start = [], 1.0
    for name, rate in (("a", 30), ("b", 60), ("c", 29.5)):
        frames = np.random.default_rng(int(rate)).integers(0, 256, (240, 20, 40), dtype=np.uint8)
        time = np.concatenate([start + repeat * 12 + np.arange(240) / rate for repeat in range(2)])
        movies.append(Stimulus(name, "movie", frames, np.tile(np.arange(240), 2), time))
        start = time[-1] + 4
    clock = np.arange(0, start, 1 / 30)
    traces = np.random.default_rng(0).normal(size=(len(clock), 3))
    own = from_recording(Recording("mouse", "arrays", np.arange(3), Trace(traces, clock), stimuli=movies))
    short = SMALL.replace(shape=ClipShape(length=4, stride=3, before=1))
    task = make_task(own, short)
    assert len(task.frames) == 480
    assert [str(each) for each in task.omissions if each.rule == "other_rate"] == [
        "1 of 3 movies left out (frames come at another rate than those of the first): b"
    ]
