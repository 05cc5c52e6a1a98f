"""Held-out gratings stay unseen, and what is averaged or shuffled is what was asked for."""

import itertools

import numpy as np
import pytest

from gratings.movies import NOTHING, GratingMovie, static_movie
from gratings.splits import (
    ConditionSplit,
    by_condition,
    complete_repeats,
    shuffled_responses,
    snippet_split,
    split_conditions,
    split_repeats,
)
from neurokit.errors import DataError
from neurokit.recordings.park import StaticGratings

GRID = np.array([*itertools.product(range(8), (1, 2, 4, 8, 15)), (np.nan, np.nan)], dtype=np.float32)


@pytest.mark.parametrize("seed", range(5))
def test_conditions_are_not_split_and_training_has_every_number(seed: int) -> None:
    parts = split_conditions(GRID, seed=seed)
    together = np.concatenate([parts.train, parts.validation, parts.test])
    assert sorted(together) == list(range(41))
    assert (len(parts.test), len(parts.validation)) == (8, 4)
    assert 40 in parts.train  # the blank
    for numbers, trained in zip(GRID[:40].T, GRID[parts.train].T, strict=True):
        assert set(numbers) <= set(trained)
    np.testing.assert_array_equal(split_conditions(GRID, seed=seed).test, parts.test)
    assert not np.array_equal(split_conditions(GRID, seed=seed + 1).test, parts.test)


def test_a_number_that_names_one_condition_alone_is_never_held_out() -> None:
    conditions = np.array([[0, 1], [0, 2], [0, 4], [45, 1], [45, 2], [90, 4]], dtype=np.float32)
    held_out = [split_conditions(conditions, seed=s, test=0.2, validation=0.2) for s in range(30)]
    assert all(5 in parts.train for parts in held_out)
    assert {int(parts.test[0]) for parts in held_out} == {0, 1, 2, 3, 4}  # control: all others are
    with pytest.raises(DataError, match="6 conditions cannot lose 3 for test and 2"):
        split_conditions(conditions, seed=0, test=0.5, validation=0.3)


def test_repeats_are_the_same_for_all_directions() -> None:
    direction = np.tile(np.arange(8.0), 16)
    parts = split_repeats(direction, seed=0)
    assert [len(part) for part in (parts.train, parts.validation, parts.test)] == [80, 16, 32]
    for part in (parts.train, parts.validation, parts.test):
        repeat = part // 8
        assert all((direction[part[repeat == one]] == np.arange(8)).all() for one in np.unique(repeat))
    assert not set(parts.train) & set(parts.test) and not set(parts.validation) & set(parts.test)
    with pytest.raises(DataError, match="10 and 6 of 16 repeats"):
        split_repeats(direction, seed=0, test=10, validation=6)


def sequence(presentations: int = 2000, seed: int = 0) -> GratingMovie:
    """Thirty static gratings in random order; a response names its presentation."""
    condition = np.random.default_rng(seed).integers(0, 30, presentations).astype(np.float32)
    labels = condition % 6 * 30, (1 + condition // 6) * 0.02, 0 * condition
    dff = np.arange(presentations, dtype=np.float32)[None]
    return static_movie(StaticGratings(np.arange(1), dff, *labels))


def test_no_training_snippet_shows_a_held_out_grating() -> None:
    movie, parts = sequence(), split_conditions(sequence().conditions, seed=0)
    split = snippet_split(movie, parts, length=4)
    seen = {
        part: {movie.shown[end - back] for end in getattr(split, part) for back in range(4)}
        for part in ("train", "validation", "test")
    }
    assert seen["train"] <= set(parts.train)
    assert not seen["validation"] & set(parts.test)
    assert seen["test"] & set(parts.train)  # neighbours of a held-out grating are trained ones
    for part in ("train", "validation", "test"):
        asked = movie.shown[getattr(split, part) - 1]  # "this": the last but one
        assert set(asked) == set(getattr(parts, part))
    everything = np.concatenate([split.train, split.validation, split.test])
    assert len(np.unique(everything)) == len(everything) and everything.min() >= 3
    assert len(split.test) == np.isin(movie.answered[3:], parts.test).sum()


def test_snippets_with_a_stride_reach_as_far() -> None:
    movie, parts = sequence(), split_conditions(sequence().conditions, seed=0)
    split = snippet_split(movie, parts, length=3, stride=4)
    shown = movie.shown[split.train[:, None] - np.array([0, 4, 8])]
    assert np.isin(shown, parts.train).all()
    assert not np.isin(movie.shown[split.train - 3], parts.train).all()  # what lies between may be any
    assert min(split.train.min(), split.test.min()) >= 8


def test_presentations_are_stacked_by_condition() -> None:
    condition = np.array([2, 0, 2, 1, 0, 2])
    values = np.arange(12.0).reshape(6, 2)
    found = by_condition(values, condition, np.array([0, 2]))  # R c N
    np.testing.assert_array_equal(found[:, 0], values[[1, 4]])
    np.testing.assert_array_equal(found[:, 1], values[[0, 2]])
    with pytest.raises(DataError, match="was not presented"):
        by_condition(values, condition, np.array([0, 3]))


def test_incomplete_repeats_are_left_out_and_two_are_needed() -> None:
    responses = np.random.default_rng(0).normal(size=(4, 5, 2))
    responses[[1, 3], [2, 0], [0, 1]] = np.nan
    np.testing.assert_array_equal(complete_repeats(responses), responses[[0, 2]])
    responses[0, 0, 0] = np.nan
    with pytest.raises(DataError, match="1 of 4 repeats are complete"):
        complete_repeats(responses)


def trials_in_a_row(trials: int = 12, frames: int = 5) -> GratingMovie:
    """A response is 10 x trial + time in it."""
    shown = np.repeat(np.arange(trials), frames)
    responses = (10 * shown + np.tile(np.arange(frames), trials)).astype(np.float32)[None, :, None]
    pixels = np.zeros((len(shown), 2, 2), dtype=np.uint8)
    conditions = np.arange(trials, dtype=np.float32)[:, None]
    return GratingMovie(pixels, responses, shown, shown.copy(), conditions)


def test_shuffling_moves_trials_within_their_part_and_leaves_the_test() -> None:
    movie = trials_in_a_row()
    parts = ConditionSplit(np.arange(8), np.array([8, 9]), np.array([10, 11]))
    split = snippet_split(movie, parts, length=1)
    shuffled = shuffled_responses(movie, split, together=5, seed=0).responses[0, :, 0].reshape(12, 5)
    assert (shuffled % 10 == np.arange(5)).all()
    source = shuffled[:, 0] // 10
    assert sorted(source[:8]) == list(range(8)) and (source[:8] != np.arange(8)).any()
    assert sorted(source[8:10]) == [8, 9] and source[10:].tolist() == [10, 11]
    with pytest.raises(DataError, match="no stretches of 7"):
        shuffled_responses(movie, split, together=7, seed=0)


def test_frames_without_a_response_end_no_snippet() -> None:
    movie = trials_in_a_row()
    movie.answered[movie.shown == 3] = NOTHING
    parts = ConditionSplit(np.arange(8), np.array([8, 9]), np.array([10, 11]))
    split = snippet_split(movie, parts, length=1)
    assert 3 not in movie.shown[split.train] and 2 in movie.shown[split.train]
