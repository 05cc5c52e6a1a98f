"""Drawn gratings show what their labels say, and stand beside the responses that belong to them."""

import numpy as np
import pytest

from gratings.frames import GREY, SHAPE, drifting_frames, static_frames
from gratings.movies import NOTHING, drifting_movie, running_movie, static_movie
from neurokit.errors import DataError
from neurokit.recordings.park import DriftingGratings, RunningGratings, StaticGratings

DIRECTION = np.array([0, 90, np.nan, 90, 0, np.nan, 90, np.nan, 0], dtype=np.float32)
FREQUENCY = np.array([2, 4, np.nan, 4, 2, np.nan, 4, np.nan, 8], dtype=np.float32)
TIME = np.array([-0.1, 0.0, 0.1, 2.0], dtype=np.float32)
LEAD = 3


def drifting(cells: int = 2) -> DriftingGratings:
    """A response is 100 x trial + 10 x sample + cell: it says where it came from."""
    trials, samples = len(DIRECTION), len(TIME)
    cell, trial, sample = np.meshgrid(range(cells), range(trials), range(samples), indexing="ij")
    return DriftingGratings(
        cell_ids=np.arange(cells),
        at_random=np.zeros(cells, dtype=bool),
        dff=(100 * trial + 10 * sample + cell).astype(np.float32),
        time=TIME,
        direction=DIRECTION,
        temporal_frequency=FREQUENCY,
    )


def turns(frames: np.ndarray) -> np.ndarray:
    """The phase along x of each frame's middle row, at the frequency where its power is largest, in turns."""
    rows = frames[:, frames.shape[1] // 2].astype(float) - GREY
    spectrum = np.fft.rfft(rows * np.hanning(rows.shape[1]), axis=1)
    strongest = np.abs(spectrum).sum(axis=0).argmax()
    return np.unwrap(np.angle(spectrum[:, strongest])) / (2 * np.pi)


@pytest.mark.parametrize(("direction", "sign"), [(0.0, 1), (180.0, -1)])
@pytest.mark.parametrize("frequency", [1.0, 4.0, 15.0])
def test_a_grating_drifts_its_way_at_its_speed(direction: float, sign: int, frequency: float) -> None:
    time = np.arange(60) / 60
    moved = -np.diff(turns(drifting_frames(direction, frequency, time)))  # along x, in cycles
    np.testing.assert_allclose(moved, sign * frequency / 60, atol=0.02)


def test_at_one_frame_a_sample_15_hz_has_no_direction_and_at_two_it_has() -> None:
    def likeness(step: float) -> float:
        time = np.arange(10) * step
        ways = [drifting_frames(angle, 15.0, time).astype(float) - GREY for angle in (0.0, 180.0)]
        return float(np.corrcoef(*(way.ravel() for way in ways))[0, 1])

    assert likeness(0.033) > 0.8
    assert abs(likeness(0.0165)) < 0.3


def test_it_is_grey_before_the_onset_and_after_two_seconds() -> None:
    frames = drifting_frames(45.0, 2.0, np.array([-0.5, -0.01, 0.0, 1.0, 1.98, 2.0, 2.5]))
    grey = (frames == GREY).all(axis=(1, 2))
    assert grey.tolist() == [True, True, False, False, False, True, True]
    assert (drifting_frames(np.nan, np.nan, np.array([0.5])) == GREY).all()


def test_bars_are_as_far_apart_as_the_label_says() -> None:
    """0.04 cycles/degree at one pixel a degree: 25 pixels from bar to bar along x, none along y at 0."""
    frame = drifting_frames(0.0, 1.0, np.zeros(1))[0].astype(int)
    assert (frame == frame[0]).all()
    np.testing.assert_allclose(frame[0, 25:], frame[0, :-25], atol=1)
    assert np.abs(frame[0, 12:] - frame[0, :-12]).max() > 100


def test_static_frames_differ_by_phase_and_blanks_are_grey() -> None:
    conditions = np.array([[0, 0.08, 0], [0, 0.08, 0.5], [90, 0.08, 0], [np.nan] * 3])
    frames = static_frames(conditions).astype(int)
    assert frames.shape == (4, *SHAPE)
    np.testing.assert_allclose(frames[0] - GREY, GREY - frames[1], atol=1)  # half a cycle on
    assert (frames[2] == frames[2][:, :1]).all() and not (frames[0] == frames[0][:, :1]).all()
    assert (frames[3] == GREY).all()


def test_every_response_stands_at_the_frame_of_its_sample() -> None:
    recorded = drifting()
    movie = drifting_movie(recorded, lead=LEAD)
    trial_frames = (len(TIME) - 1) * 2 + 1
    assert len(movie.frames) == len(movie.conditions) * (LEAD + trial_frames)
    for row, (direction, frequency) in enumerate(movie.conditions):
        own = movie.shown == row
        drawn = drifting_frames(float(direction), float(frequency), TIME.astype(float))
        np.testing.assert_array_equal(movie.frames[own][LEAD::2], drawn)
        assert (movie.frames[own][:LEAD] == GREY).all()
        assert np.flatnonzero(movie.answered[own] == row).tolist() == [3, 5, 7, 9]
    assert not np.isfinite(movie.responses[:, movie.answered == NOTHING]).any()


def test_repeats_are_trials_of_their_condition_in_order_and_nan_where_there_is_none() -> None:
    movie = drifting_movie(drifting(), lead=LEAD)
    courses = movie.time_courses()  # R C T N
    trial = np.floor(courses[:, :, 0, 0] / 100)
    by_label = {tuple(label): column for label, column in zip(movie.conditions, trial.T, strict=True)}
    np.testing.assert_array_equal(by_label[0, 2], [0, 4, np.nan])
    np.testing.assert_array_equal(by_label[90, 4], [1, 3, 6])
    np.testing.assert_array_equal(by_label[0, 8], [8, np.nan, np.nan])
    np.testing.assert_array_equal(trial[:, np.isnan(movie.conditions[:, 0])][:, 0], [2, 5, 7])
    np.testing.assert_array_equal(courses[0, 0, :, 1], [1, 11, 21, 31])


def test_blanks_shown_more_often_fill_several_conditions() -> None:
    recorded = drifting()
    recorded.direction[[3, 6]] = recorded.temporal_frequency[[3, 6]] = np.nan  # 2 repeats, 5 blanks
    movie = drifting_movie(recorded, lead=0, frames_per_sample=1)
    blank = np.isnan(movie.conditions[:, 0])
    assert blank.sum() == 3
    found = movie.time_courses()[:, blank, 0, 0].T.ravel() / 100
    np.testing.assert_array_equal(found, [2, 3, 5, 6, 7, np.nan])


def test_the_average_is_that_of_the_repeats_that_there_are() -> None:
    movie = drifting_movie(drifting(), lead=LEAD)
    mean = movie.averaged()
    ends = movie.answered != NOTHING
    np.testing.assert_allclose(mean.responses[0, ends], np.nanmean(movie.responses[:, ends], axis=0))
    assert not np.isfinite(mean.responses[0, ~ends]).any()


def test_a_static_response_stands_at_the_next_grating() -> None:
    labels = np.array([0, 30, np.nan, 30, 60], dtype=np.float32)
    dff = np.arange(10, dtype=np.float32).reshape(2, 5)
    movie = static_movie(StaticGratings(np.arange(2), dff, labels, labels / 1000, labels / 120))
    np.testing.assert_array_equal(movie.responses[0, 1:], dff.T[:-1])
    assert np.isnan(movie.responses[0, 0]).all()
    np.testing.assert_array_equal(movie.conditions[movie.shown, 0], labels)
    np.testing.assert_array_equal(movie.conditions[movie.answered[1:], 0], labels[:-1])
    assert movie.answered[0] == NOTHING
    np.testing.assert_array_equal(movie.frames, static_frames(movie.conditions.astype(float))[movie.shown])


def running_gratings() -> RunningGratings:
    random = np.random.default_rng(0)
    shape = (4, 3)
    return RunningGratings(
        dff=random.normal(size=(2, *shape)).astype(np.float32),
        time=np.array([-0.5, 0.0, 0.5], dtype=np.float32),
        direction=np.array([0, 90, 0, 90], dtype=np.float32),
        running=random.random(shape).astype(np.float32),
        pupil=random.random(shape).astype(np.float32),
    )


def test_trials_with_running_follow_one_another() -> None:
    recorded = running_gratings()
    movie = running_movie(recorded, lead=2)
    ends = np.flatnonzero(movie.answered != NOTHING)
    assert movie.answered[ends].tolist() == np.repeat(np.arange(4), 3).tolist()
    np.testing.assert_array_equal(movie.running[0, ends], recorded.running.ravel())
    np.testing.assert_array_equal(movie.responses[0, ends], recorded.dff.reshape(2, -1).T)
    assert np.isnan(movie.running[0, movie.answered == NOTHING]).all()
    np.testing.assert_array_equal(movie.frames[:5], movie.frames[10:15])
    assert (movie.frames[:5] != movie.frames[5:10]).any()
    with pytest.raises(DataError, match="differ by it"):
        movie.averaged()


@pytest.mark.parametrize(("lead", "frames_per_sample"), [(-1, 2), (0, 0)])
def test_impossible_layouts_are_refused(lead: int, frames_per_sample: int) -> None:
    with pytest.raises(DataError, match=f"lead is {lead}, frames_per_sample {frames_per_sample}"):
        drifting_movie(drifting(), lead=lead, frames_per_sample=frames_per_sample)
