"""Splitting a movie by its own time: nothing of one part is shown, or answered to, in another."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from neurokit.errors import DataError
from neurokit.v1_transformer.clips import MovieSplit, clip_frames
from neurokit.v1_transformer.features import join_splits, split_movie, split_movie_leaking


def parts(split: MovieSplit) -> list[np.ndarray]:
    return [split.train, split.validation, split.test]


def touched(ends: np.ndarray, clip: int, lag: int) -> set[int]:
    """Frames from the first that a clip shows to the last during which its response is read."""
    return {frame for end in ends for frame in range(end - clip + 1, end + lag + 1)}


def overlaps(split: MovieSplit, clip: int, lag: int) -> int:
    sets = [touched(ends, clip, lag) for ends in parts(split)]
    return sum(len(one & other) for one, other in combinations(sets, 2))


@settings(deadline=None)
@given(
    st.integers(60, 400), st.integers(1, 20), st.integers(0, 10), st.integers(0, 12),
    st.floats(0.1, 0.4), st.floats(0.1, 0.4),
)  # fmt: skip
def test_blocks_touch_no_frame_in_common(
    frames: int, clip: int, lag: int, more: int, test: float, validation: float
) -> None:
    gap = clip + lag + more
    assume(frames - lag - clip + 1 - 2 * gap >= 15)
    split = split_movie(frames, clip=clip, lag=lag, test=test, validation=validation, gap=gap)
    assert overlaps(split, clip, lag) == 0
    for ends in parts(split):
        assert (np.diff(ends) == 1).all()
        assert touched(ends, clip, lag) <= set(range(frames))
    assert split.train[0] == clip - 1 and split.test[-1] == frames - lag - 1
    assert split.validation[0] - split.train[-1] == split.test[0] - split.validation[-1] == gap + 1
    sizes = np.array([len(ends) for ends in parts(split)])
    assert np.abs(sizes[1:] - sizes.sum() * np.array([validation, test])).max() <= 0.5


def test_the_gap_is_clip_and_lag_unless_given() -> None:
    plain, given = (split_movie(900, clip=16, lag=5, gap=gap) for gap in (None, 21))
    assert all((a == b).all() for a, b in zip(parts(plain), parts(given), strict=True))


def test_a_part_may_be_of_one_clip() -> None:
    """Of ten end frames one validates; of four, one is left to train."""
    split = split_movie(10 + 2 * 3 + 2, clip=2, lag=1, test=0.2, validation=0.1)
    assert [len(ends) for ends in parts(split)] == [7, 1, 2] and split.validation.tolist() == [11]
    split = split_movie(4 + 2 * 3 + 2, clip=2, lag=1, test=0.5, validation=0.25)
    assert [len(ends) for ends in parts(split)] == [1, 1, 2] and split.train.tolist() == [1]


def test_a_random_split_leaks() -> None:
    """Each test clip but a few has a neighbour in training with which it shares all frames but one."""
    split = split_movie_leaking(900, clip=16, lag=5, seed=0)
    assert overlaps(split, 16, 5) > 1000
    neighbours = np.isin(split.test - 1, split.train) | np.isin(split.test + 1, split.train)
    assert neighbours.mean() > 0.8
    blocked = split_movie(900, clip=16, lag=5)
    assert not (np.isin(blocked.test - 1, blocked.train) | np.isin(blocked.test + 1, blocked.train)).any()


def test_a_random_split_deals_every_end_frame_once() -> None:
    split = split_movie_leaking(900, clip=16, lag=5, seed=0)
    assert sorted(np.concatenate(parts(split))) == list(range(15, 895))
    assert all((np.diff(ends) > 0).all() for ends in parts(split))
    assert (split.test != split_movie_leaking(900, clip=16, lag=5, seed=1).test).any()


def test_frames_of_clips() -> None:
    assert clip_frames(np.array([4, 5, 9]), 3).tolist() == [2, 3, 4, 5, 7, 8, 9]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"gap": 20}, "gap is 20 frames, clip [+] lag 21"),
        ({"frames": 50}, "50 frames with gaps of 21 leave .* give a longer movie"),
        ({"test": 0.0}, "and 0 clips to train, validate and test"),
        ({"test": 0.9, "validation": 0.2}, "leave -"),
        ({"clip": 0}, "clip is 0"),
        ({"lag": -1}, "lag -1"),
    ],
)
def test_what_cannot_be_split_is_refused(options: dict, says: str) -> None:
    chosen = {"frames": 900, "clip": 16, "lag": 5} | options
    with pytest.raises(DataError, match=says):
        split_movie(chosen.pop("frames"), **chosen)


def test_movies_one_after_another_keep_their_parts_where_they_begin() -> None:
    first, second = split_movie(100, clip=5, lag=2), split_movie(150, clip=5, lag=2)
    joined = join_splits([first, second], [0, 100])
    for one, other, both in zip(parts(first), parts(second), parts(joined), strict=True):
        assert both.tolist() == [*one.tolist(), *(end + 100 for end in other.tolist())]
    with pytest.raises(ValueError, match="shorter"):
        join_splits([first, second], [0])
