"""Dead-leaves movies: they move smoothly, never repeat, and are the same for every mouse."""

import numpy as np
import pytest

from neurokit.errors import SettingsError
from neurokit.simulation import movies
from neurokit.simulation.movies import GREY, MOVIES, drifting_leaves, movie


def draw(frames: int = 60, seed: int = 0) -> np.ndarray:
    return drifting_leaves(frames, 24, 48, np.random.default_rng(seed)).astype(float)


def test_a_movie_is_the_same_each_time_and_another_under_another_name() -> None:
    first, again = (movie(MOVIES[0], 20, 24, 48) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert first.dtype == np.uint8 and first.shape == (20, 24, 48)
    assert np.abs(movie(MOVIES[1], 20, 24, 48).astype(float) - first).mean() > 20


def test_stretches_join_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    straight = draw()
    monkeypatch.setattr(movies, "CHUNK_SIZE", 7)
    np.testing.assert_array_equal(draw(), straight)


def test_the_camera_shifts_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Still leaves under a camera that goes one pixel a frame along both axes."""
    monkeypatch.setattr(movies, "LEAF_SPEED", 0.0)
    monkeypatch.setattr(movies, "CAMERA_SPEED", movies.FRAME_RATE / 24)
    monkeypatch.setattr(movies, "autoregression", lambda frames, *_: np.ones(frames))
    frames = draw(20)
    moved = np.abs(frames[1:, :-1, :-1] - frames[:-1, 1:, 1:])
    unmoved = np.abs(frames[1:] - frames[:-1])
    assert moved.max() <= 1  # rounding to integer greys
    assert unmoved.mean() > 5


def test_neighbouring_frames_are_alike_and_distant_ones_are_not() -> None:
    frames = draw(600).reshape(600, -1)

    def alike(lag: int) -> float:
        return float(np.corrcoef(frames[lag:].ravel(), frames[:-lag].ravel())[0, 1])

    assert alike(1) > 0.8
    assert abs(alike(300)) < 0.2
    differences = np.abs(np.diff(frames, axis=0)).mean(axis=1)
    assert differences.min() > 0 and differences.max() < frames.std()  # it moves on, without cuts


def test_all_grey_values_occur_everywhere() -> None:
    frames = draw(600)
    assert abs(frames.mean() - GREY) < 30
    assert frames.std(axis=0).min() > 25


def test_a_leaf_that_comes_back_is_another_one() -> None:
    random = np.random.default_rng(0)
    leaves = movies._draw_leaves(9000, 24, 48, random)
    looks = [leaves._path(leaf, slice(0, 9000))[1] for leaf in range(20)]
    assert all(len(np.unique(each)) > 10 for each in looks)


def test_an_unknown_movie_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"natural_movie_four.*natural_movie_one"):
        movie("natural_movie_four", 10, 24, 48)
