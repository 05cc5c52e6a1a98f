"""A simulated Allen session: motion energy, running, calcium, the schedule, the truth and its ceilings."""

from pathlib import Path

import numpy as np
import pytest

from neurokit.errors import SettingsError
from neurokit.metrics.repeats import RepeatScores, repeat_scores
from neurokit.simulation import movie_cells
from neurokit.simulation.movie_cells import MovieCells, calcium, drive, movie_output, respond, running_gain
from neurokit.v1_transformer.allensdk_cache import import_allensdk
from neurokit.v1_transformer.simulated_files import BASELINE, write_session
from neurokit.v1_transformer.simulation import (
    SAMPLE_RATE,
    SessionParameters,
    SimulatedSession,
    frame_ends,
    on_screen,
    schedule,
    simulate_session,
)

ONE, TWO, THREE = "natural_movie_one", "natural_movie_two", "natural_movie_three"
SMALL = {"cells": 6, "frames": 30, "height": 19, "width": 38, "repeats": 4, "spontaneous": 5.0}
HEIGHT, WIDTH = 38, 76


@pytest.fixture(scope="module")
def session() -> SimulatedSession:
    """Long enough for a mouse to run and rest, some 100 s."""
    return simulate_session(
        SessionParameters(cells=30, session_type="three_session_B", frames=300, height=19, width=38)
    )


def one_cell(*, complex_cell: bool, frequency: float = 2.0) -> MovieCells:
    numbers = {"sigma": 5.0, "orientation": 0.4, "wavelength": 14.0, "phase": 0.3, "frequency": frequency}
    arrays = {name: np.array([value]) for name, value in numbers.items()}
    rest = {name: np.array([1.0]) for name in ("running", "rate", "noise")}
    center = np.array([[18.0, 40.0]])
    return MovieCells(center=center, complex=np.array([complex_cell]), **arrays, **rest)


def output_to_grating(cells: MovieCells, orientation: float, frequency: float) -> np.ndarray:
    """To a grating that drifts along `orientation` at `frequency` Hz, after the first half second."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    along = np.cos(orientation) * x - np.sin(orientation) * y
    time = np.arange(120)[:, None, None] / SAMPLE_RATE
    grating = 127 + 100 * np.cos(2 * np.pi * (along / 14.0 - frequency * time))
    frames = np.round(grating).astype(np.uint8)
    return movie_output(cells, {ONE: frames}, {ONE: np.arange(120)}, SAMPLE_RATE)[16:, 0]


@pytest.mark.parametrize("frequency", [2.0, -2.0])
@pytest.mark.parametrize("complex_cell", [True, False])
def test_a_cell_prefers_its_direction(complex_cell: bool, frequency: float) -> None:
    cells = one_cell(complex_cell=complex_cell, frequency=frequency)
    preferred = output_to_grating(cells, 0.4, frequency).mean()
    assert preferred > 3 * output_to_grating(cells, 0.4, -frequency).mean()
    assert preferred > 5 * output_to_grating(cells, 0.4 + np.pi / 2, frequency).mean()


def test_a_complex_cell_ignores_phase_and_a_simple_one_does_not() -> None:
    steady, wavy = (output_to_grating(one_cell(complex_cell=kind), 0.4, 2.0) for kind in (True, False))
    assert steady.std() / steady.mean() < 0.05
    assert wavy.std() / wavy.mean() > 1


def test_a_uniform_screen_drives_no_cell() -> None:
    flat = np.broadcast_to(np.arange(0, 240, 8, dtype=np.uint8)[:, None, None], (30, HEIGHT, WIDTH)).copy()
    output = movie_output(one_cell(complex_cell=True), {ONE: flat}, {ONE: np.arange(30)}, SAMPLE_RATE)
    assert output.max() < 1e-2 < output_to_grating(one_cell(complex_cell=True), 0.4, 2.0).min()


def test_future_frames_do_not_change_the_past() -> None:
    random = np.random.default_rng(0)
    frames = random.integers(0, 256, (40, HEIGHT, WIDTH), dtype=np.uint8)
    other = frames.copy()
    other[20:] = 255 - other[20:]
    cells = one_cell(complex_cell=False)
    first, second = (
        movie_output(cells, {ONE: each}, {ONE: np.arange(40)}, SAMPLE_RATE)[:, 0] for each in (frames, other)
    )
    np.testing.assert_array_equal(first[:20], second[:20])
    assert np.abs(first[21:] - second[21:]).max() > 0.01 * np.abs(first).max()


def test_drive_has_mean_one_while_a_movie_shows() -> None:
    output = np.random.default_rng(0).gamma(2.0, 1.0, (500, 4))
    showing = np.arange(500) >= 100
    output[~showing] = 0
    driven = drive(output, showing)
    np.testing.assert_allclose(driven[showing].mean(axis=0), 1)
    assert not driven[~showing].any() and 0 < (driven[showing] == 0).mean() < 1


def test_an_event_rises_and_decays_as_planted() -> None:
    events = np.zeros((300, 2))
    events[10, 0] = 1
    trace = calcium(events, SAMPLE_RATE)[:, 0]
    assert trace.max() == pytest.approx(movie_cells.EVENT)
    assert not trace[:10].any() and 0 < trace.argmax() - 10 < 0.3 * SAMPLE_RATE
    late = trace[80:140]
    decay = -1 / (np.diff(np.log(late)).mean() * SAMPLE_RATE)
    assert decay == pytest.approx(movie_cells.DECAY, rel=0.01)
    assert not calcium(events, SAMPLE_RATE)[:, 1].any()


def test_running_multiplies_the_drive_and_its_strength_takes_it_out(session: SimulatedSession) -> None:
    cells, speed = session.cells, session.speed
    gain = running_gain(cells, speed)
    ratio = gain[speed > 8].mean(axis=0) / gain[speed == 0].mean(axis=0)
    assert (ratio > 1.1).all() and np.corrcoef(ratio, cells.running)[0, 1] > 0.9
    without = simulate_session(session.parameters.replace(running=0.0, cells=5))
    np.testing.assert_allclose(without.expected, without.expected_from_movie, atol=1e-6)
    assert np.abs(session.expected - session.expected_from_movie).max() > 0.05


def test_expected_is_the_mean_over_chance_and_noise() -> None:
    cells, random = one_cell(complex_cell=True), np.random.default_rng(0)
    rates = np.abs(np.sin(np.arange(300) / 20))[:, None] * 5
    draws = np.stack([respond(cells, rates, SAMPLE_RATE, random) for _ in range(1000)])
    expected = calcium(rates / SAMPLE_RATE, SAMPLE_RATE)
    error = draws.std(axis=0) / np.sqrt(1000)
    assert np.abs((draws.mean(axis=0) - expected) / error).max() < 5
    assert np.abs((draws.mean(axis=0) - 1.2 * expected) / error).max() > 5  # it would see a fifth too much


def test_the_same_parameters_give_the_same_session() -> None:
    parameters = SessionParameters(**SMALL)
    first, again, other = (
        simulate_session(each) for each in (parameters, parameters, parameters.replace(seed=1))
    )
    np.testing.assert_array_equal(first.dff, again.dff)
    np.testing.assert_array_equal(first.movies[ONE], other.movies[ONE])  # all mice see the same movies
    assert not np.array_equal(first.cells.center, other.cells.center)


def test_sessions_of_a_container_share_cells_and_movie_one() -> None:
    a, b = (
        simulate_session(SessionParameters(**SMALL, session_type=kind))
        for kind in ("three_session_A", "three_session_B")
    )
    np.testing.assert_array_equal(a.cell_ids, b.cell_ids)
    np.testing.assert_array_equal(a.cells.orientation, b.cells.orientation)
    np.testing.assert_array_equal(a.movies[ONE], b.movies[ONE])
    assert a.parameters.container_id == b.parameters.container_id
    assert a.parameters.session_id != b.parameters.session_id
    assert not np.array_equal(np.diff(a.cell_ids) > 0, np.full(5, True))  # file order is not their order


@pytest.mark.parametrize(
    ("kind", "lengths"),
    [
        ("three_session_A", {ONE: 400, THREE: 1600}),
        ("three_session_B", {ONE: 400}),
        ("three_session_C", {ONE: 400, TWO: 400}),
        ("three_session_C2", {ONE: 400, TWO: 400}),
    ],
)
def test_the_schedule(kind: str, lengths: dict[str, int]) -> None:
    parameters = SessionParameters(**SMALL | {"frames": 400, "repeats": 10}, session_type=kind)
    starts, (begin, end), samples = schedule(parameters)
    assert {name: each.shape for name, each in starts.items()} == {
        name: (10, length) for name, length in lengths.items()
    }
    busy = np.zeros(samples, dtype=int)
    busy[begin:end] += 1
    for each in starts.values():
        busy += on_screen(each, samples) >= 0
        steps = np.diff(each, axis=1)
        assert steps.min() == 1 and steps.max() == 2
        rate = each.shape[1] / ((each[:, -1] - each[:, 0] + 1) / SAMPLE_RATE)
        np.testing.assert_allclose(rate, 30, rtol=0.005)
    assert busy.max() == 1 and not busy[:200].any() and not busy[-200:].any()


def test_a_frame_stays_until_the_next() -> None:
    starts = np.array([[2, 3, 5], [8, 9, 10]])
    np.testing.assert_array_equal(frame_ends(starts), [[3, 5, 6], [9, 10, 11]])
    np.testing.assert_array_equal(on_screen(starts, 12), [-1, -1, 0, 1, 1, 2, -1, -1, 0, 1, 2, -1])


def cut(session: SimulatedSession, values: np.ndarray) -> np.ndarray:
    """R F N at the samples of movie one."""
    return np.moveaxis(values[:, session.starts[ONE]], 0, 2)


def ceilings(session: SimulatedSession) -> tuple[RepeatScores, RepeatScores, RepeatScores]:
    """Given movie and running, given the movie, and given a movie that is a second late."""
    responses, known, unknown = (
        cut(session, values) for values in (session.dff, session.expected, session.expected_from_movie)
    )
    late = np.roll(unknown, 100, axis=1)
    return repeat_scores(responses, known), repeat_scores(responses, unknown), repeat_scores(responses, late)


def test_the_truth_predicts_best(session: SimulatedSession) -> None:
    known, unknown, late = ceilings(session)
    assert np.median(known.single_trial - unknown.single_trial) > 0.01
    assert (unknown.single_trial > late.single_trial).mean() > 0.9
    assert (known.cc_abs > known.single_trial).all()
    assert np.median(late.cc_abs) < 0.3 < 0.8 < np.median(unknown.cc_abs)


def test_a_ceiling_of_the_responses_themselves_is_one(session: SimulatedSession) -> None:
    responses = cut(session, session.dff)
    perfect = repeat_scores(responses, responses)
    np.testing.assert_allclose([perfect.single_trial, perfect.cc_abs], 1, atol=1e-5)


def test_every_accessor_of_allensdk_reads_the_file(tmp_path: Path) -> None:
    session = simulate_session(SessionParameters(**SMALL))
    reader, _ = import_allensdk()
    dataset = reader(str(write_session(session, tmp_path)))
    assert set(dataset.list_stimuli()) == {ONE, THREE, "spontaneous"}
    metadata = dataset.get_metadata()
    assert metadata["ophys_experiment_id"] == session.parameters.session_id
    assert metadata["experiment_container_id"] == session.parameters.container_id
    assert (metadata["indicator"], metadata["age_days"]) == ("GCaMP6f", 104)
    assert len(dataset.get_stimulus_table(THREE)) == 4 * 120
    epochs = dataset.get_stimulus_epoch_table()
    assert list(epochs["stimulus"]) == [THREE, ONE, "spontaneous", THREE]
    assert len(dataset.get_stimulus_table("master")) == 4 * 120 + 4 * 30 + 1
    rest = dataset.get_stimulus_table("spontaneous")
    assert (rest["start"].item(), rest["end"].item()) == session.spontaneous
    sample = int(session.starts[ONE][2, 17])
    np.testing.assert_array_equal(dataset.get_stimulus(sample)[1], session.movies[ONE][17])
    _, corrected = dataset.get_corrected_fluorescence_traces()
    np.testing.assert_allclose(corrected / BASELINE - 1, session.dff, atol=0.6 / BASELINE)
    masks = dataset.get_roi_mask_array()
    assert len(masks) == 6 and (masks.sum(axis=0) <= 1).all()
    assert ((dataset.get_max_projection() > 0) == masks.any(axis=0)).all()
    assert len(dataset.get_motion_correction()) == len(session.time)
    np.testing.assert_array_equal(dataset.get_pupil_size()[1], session.pupil[:, 2])
    np.testing.assert_array_equal(dataset.get_pupil_location()[1], session.pupil[:, :2])


@pytest.mark.parametrize("wrong", [{"session_type": "A"}, {"repeats": 3}, {"cells": 0}, {"frames": 1}])
def test_impossible_parameters_are_refused(wrong: dict[str, object]) -> None:
    ((name, value),) = wrong.items()
    with pytest.raises(SettingsError, match=f"{name} is {value!r}; use "):
        SessionParameters(**wrong)
