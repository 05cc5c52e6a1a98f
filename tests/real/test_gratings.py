"""The real gratings: files as their descriptions say, orientations on which two sessions agree, ceilings."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from gratings.movies import NOTHING, drifting_movie, static_movie
from gratings.splits import complete_repeats, snippet_split, split_conditions
from gratings.tuning import separable_tuning
from neurokit.errors import DataError
from neurokit.metrics.repeats import cc_max, repeat_scores
from neurokit.recordings.park import (
    DRIFTING,
    STATIC,
    DriftingGratings,
    StaticGratings,
    read_drifting,
    read_running,
    read_static,
)


@pytest.fixture(scope="module")
def drifting(real_data: Path) -> DriftingGratings:
    return read_drifting(real_data / DRIFTING)


@pytest.fixture(scope="module")
def static(real_data: Path) -> StaticGratings:
    return read_static(real_data / STATIC)


def test_the_drifting_session_is_the_one_described(drifting: DriftingGratings) -> None:
    assert drifting.dff.shape == (40, 628, 92)
    assert drifting.at_random.sum() == 10
    np.testing.assert_allclose(drifting.time[[0, -1]], [-0.264, 2.739], atol=1e-4)
    assert np.abs(np.diff(drifting.time) - 0.033).max() < 1e-4
    shown = Counter(zip(drifting.direction.tolist(), drifting.temporal_frequency.tolist(), strict=True))
    conditions = {label: number for label, number in shown.items() if label[0] == label[0]}
    assert len(conditions) == 40
    assert set(conditions.values()) == {14, 15}
    assert np.isnan(drifting.direction).sum() == 628 - sum(conditions.values()) == 29


def test_the_static_session_is_the_one_described(static: StaticGratings) -> None:
    assert static.dff.shape == (269, 6000)
    labels = (static.orientation, static.spatial_frequency, static.phase)
    assert [len(np.unique(values[np.isfinite(values)])) for values in labels] == [6, 5, 4]
    np.testing.assert_allclose(np.unique(static.spatial_frequency)[:5], [0.02, 0.04, 0.08, 0.16, 0.32])


def test_the_control_mouse_is_the_one_described() -> None:
    recorded = read_running()
    assert recorded.dff.shape == (56, 128, 49)
    assert recorded.running.shape == recorded.pupil.shape == (128, 49)
    assert set(Counter(recorded.direction.tolist()).values()) == {16}
    np.testing.assert_allclose(recorded.time, np.arange(-1, 2.01, 0.0625), atol=1e-6)


def test_the_source_cutout_reads_them(monkeypatch: pytest.MonkeyPatch, real_data: Path) -> None:
    monkeypatch.setenv("NEUROKIT_REAL_DATA", str(real_data))
    assert read_drifting().dff.shape[0] == 40
    assert read_static().dff.shape[0] == 269
    assert read_running().dff.shape[0] == 56


@pytest.mark.parametrize("read", [read_drifting, read_running])
def test_one_recording_is_not_taken_for_another(real_data: Path, read: object) -> None:
    with pytest.raises(DataError, match="has no array"):
        read(real_data / STATIC)


def preferred(responses: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """The orientation (degrees, 0 to 180) of each cell's vector sum over trials."""
    known = np.isfinite(angle)
    turns = np.exp(2j * np.deg2rad(angle[known]))
    above = responses[:, known] - responses[:, known].mean(axis=1, keepdims=True)
    return np.rad2deg(np.angle(above @ turns)) / 2 % 180


def test_both_sessions_find_the_same_preferred_orientation(
    drifting: DriftingGratings, static: StaticGratings
) -> None:
    """The labels belong to the trials and the ids to the cells; with shuffled cells they differ by 45."""
    both = np.isin(drifting.cell_ids, static.cell_ids) & ~drifting.at_random
    row = [int(np.flatnonzero(static.cell_ids == one)[0]) for one in drifting.cell_ids[both]]
    during = (drifting.time > 0) & (drifting.time < 2)
    first = preferred(drifting.dff[both][:, :, during].mean(axis=2), drifting.direction)
    second = preferred(static.dff[row], static.orientation)

    def apart(other: np.ndarray) -> float:
        difference = np.abs(first - other) % 180
        return float(np.median(np.minimum(difference, 180 - difference)))

    assert both.sum() > 20
    assert apart(second) < 20
    assert np.mean([apart(np.roll(second, shift)) for shift in range(1, len(second))]) > 30


def test_reliable_cells_have_a_ceiling_and_separable_tuning_reaches_half_of_it(
    drifting: DriftingGratings,
) -> None:
    """Chosen on training conditions; the mean over conditions and other conditions' courses do worse."""
    movie, scores = drifting_movie(drifting, lead=0), []
    parts = split_conditions(movie.conditions, seed=0)
    split = snippet_split(movie, parts, length=1)
    ceiling = cc_max(complete_repeats(movie.responses[:, split.train]))
    picked, random = ceiling[~drifting.at_random], ceiling[drifting.at_random]
    assert np.median(picked) > 0.75 > np.median(random)
    courses = movie.averaged().time_courses()[0]  # C T N
    tuned = separable_tuning(courses, movie.conditions, parts.train, parts.test)
    mean = np.broadcast_to(courses[parts.train].mean(axis=0), tuned.shape)
    shown = complete_repeats(movie.responses[:, split.test])
    for predicted in (tuned, mean, np.roll(tuned, 1, axis=0)):
        flat = np.ascontiguousarray(predicted.reshape(-1, 40), dtype=np.float32)
        found = repeat_scores(shown, np.broadcast_to(flat, shown.shape)).cc_norm
        scores.append(np.nanmedian(found[(ceiling > 0.7) & ~drifting.at_random]))
    assert scores[0] > 0.4
    assert max(scores[1:]) < scores[0] - 0.1


def test_movies_have_a_response_for_every_sample_and_grating(
    drifting: DriftingGratings, static: StaticGratings
) -> None:
    movie = drifting_movie(drifting, lead=45)
    answered = movie.responses[:, movie.answered != NOTHING]
    assert answered.shape[1] == 42 * 92  # 40 gratings, and the 29 blanks in two rows of up to 15
    assert np.isfinite(answered).sum() == drifting.dff.size
    sequence = static_movie(static)
    assert np.isfinite(sequence.responses[0, sequence.answered != NOTHING]).all()
    assert (sequence.answered != NOTHING).sum() == 5999
