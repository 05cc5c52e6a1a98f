"""The world of motion contrast: what it plants is there, and is no weighted sum of motion energies."""

from collections.abc import Iterator

import numpy as np
import pytest

from neurokit.v1_transformer import MovieTask
from pays import movies

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Half a minute of movie."""
    monkeypatch.setattr(movies, "MINUTES", 0.5)
    cached = movies.movie
    cached.cache_clear()
    yield
    cached.cache_clear()


def test_a_texture_that_drifts_to_the_right_is_seen_as_that(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.arange(movies.WIDTH) - movies.SPEED / movies.RATE * np.arange(300)[:, None]
    wave = 127 + 60 * np.cos(2 * np.pi * x / movies.PEAK)  # F W
    frames = np.repeat(wave[:, None], movies.HEIGHT, axis=1).astype(np.uint8)
    monkeypatch.setattr(movies, "movie", lambda: frames)
    right, left = movies.directions(np.array([[9.5, 20.0]]))
    assert (right[60:] > 2 * left[60:]).all()


def test_contrast_is_large_where_field_and_ground_drift_apart() -> None:
    center = np.array([[movies.ROWS[0], movies.COLUMNS[1]]])
    here, ground = (
        movies._balance(*(each.sum(axis=1) for each in movies.directions(places)))
        for places in (center, np.array(movies.GROUND, dtype=float))
    )
    driven = movies.drive(1.0, center, np.ones(1))[:, 0]
    clear = (abs(here) > 0.8) & (abs(ground) > 0.8)
    apart, together = (driven[clear & (here * ground * sign > 0)].mean() for sign in (-1, 1))
    assert apart > 4 * together
    for direction in (here, ground):  # neither alone tells anything of it
        assert abs(np.corrcoef(direction, driven)[0, 1]) < 0.3


def test_a_mouse_is_a_task_with_a_known_truth() -> None:
    task, known = movies.world(0, 1.0)
    assert isinstance(task, MovieTask) and known.shape == task.responses.shape == (8, 900, movies.CELLS)
    assert movies.score(task, known[:, task.split.test]) > 0.9
    again, _ = movies.world(0, 1.0)
    np.testing.assert_array_equal(task.responses, again.responses)
    assert not np.array_equal(task.responses, movies.world(1, 1.0)[0].responses)
