"""From a session to scores: tasks, running beside the movie, training, baselines, what a bad split leaks."""

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from neurokit.errors import CheckpointError, DataError, SettingsError
from neurokit.training.fit import TrainingResult
from neurokit.training.settings import FitSettings
from neurokit.v1_transformer import (
    ClipShape,
    MovieCNN,
    MovieTask,
    TransformerConfig,
    TransformerSettings,
    build,
    cell_scores,
    expected_responses,
    lagged_pixels,
    mean_response,
    median_response,
    motion_energy,
    motion_energy_times_running,
    part_responses,
    predict,
    running_only,
    score_table,
    train,
)
from neurokit.v1_transformer import task as make_task
from neurokit.v1_transformer.clips import clip_frames
from neurokit.v1_transformer.config import SMALL
from neurokit.v1_transformer.experiment import arrays
from neurokit.v1_transformer.features import choose_running, split_movie_leaking
from neurokit.v1_transformer.recording import Movie, MovieSession

ONE, THREE = "natural_movie_one", "natural_movie_three"
REPEATS, CELLS, SIZE = 4, 3, (8, 16)
SHAPE = ClipShape(length=4, stride=2, before=1, lag=1, window=2)
MODEL = TransformerSettings(
    frame=SIZE, patch=4, step=4, width=12, heads=3, spatial_layers=1, temporal_layers=1, dropout=0.0,
    patch_dropout=0.0, start="random",
)  # fmt: skip
FIT = FitSettings(epochs=6, batch_size=32, learning_rate=5e-3, patience=None)
CONFIG = TransformerConfig(shape=SHAPE, model=MODEL, fit=FIT)


def movie(name: str, frames: int, first: int, seed: int) -> Movie:
    """Frames of a flicker that is slow, each one sample long, REPEATS times."""
    random = np.random.default_rng(seed)
    brightness = np.convolve(random.normal(size=frames + 4), np.ones(5) / 5**0.5, "valid")
    pixels = 128 + 40 * brightness[:, None, None] + 5 * random.normal(size=(frames, *SIZE))
    starts = first + np.arange(REPEATS * frames).reshape(REPEATS, frames)
    return Movie(name, pixels.clip(0, 255).astype(np.uint8), starts)


def session(*, gain: float = 0.5, noise: float = 0.3, seed: int = 0, follows: bool = True) -> MovieSession:
    """Cells that follow the brightness of a sample before, times what running makes of it."""
    random = np.random.default_rng(seed)
    movies = [movie(ONE, 200, 50, seed), movie(THREE, 300, 900, seed + 1)]
    samples = 2150
    bright, speed = (
        np.zeros(samples),
        10 * np.abs(np.convolve(random.normal(size=samples + 99), np.ones(100) / 10, "valid")),
    )
    for each in movies:
        bright[each.starts + 1] = each.frames.mean(axis=(1, 2)) / 40 - 3.2
    if not follows:
        bright = random.permutation(bright)
    drive = bright * np.exp(gain * (speed / speed.mean() - 1))
    clean = np.array([1.0, -1.0, 0.5])[:, None] * drive
    dff = (clean + noise * random.normal(size=clean.shape)).astype(np.float32)
    return MovieSession(
        session_id=7, session_type="three_session_A", structure="VISp", depth=175, cre_line="Cux2-CreERT2",
        pipeline="3.0", cell_ids=np.arange(CELLS), time=np.arange(samples) / 30, dff=dff,
        running=speed.astype(np.float32), pupil=None, movies={each.name: each for each in movies},
    )  # fmt: skip


def fitted(task: MovieTask, config: TransformerConfig = CONFIG) -> TrainingResult:
    return train(build(task, config), task, config, device="cpu", show_progress=False)


def trained(task: MovieTask, config: TransformerConfig = CONFIG) -> np.ndarray:
    return predict(fitted(task, config).model, task)


# --- the task


def test_movies_follow_one_another_and_keep_apart() -> None:
    recording = session()
    task = make_task(recording, CONFIG)
    one, three = recording.movies[ONE], recording.movies[THREE]
    np.testing.assert_array_equal(task.frames, np.concatenate([one.frames, three.frames]))
    for part in ("train", "validation", "test"):
        ends = getattr(task.split, part)
        first, second = ends[ends < 200], ends[ends >= 200]
        assert first.min() >= SHAPE.span - 1 and second.min() >= 200 + SHAPE.span - 1
        assert first.max() + SHAPE.reach < 200 and second.max() + SHAPE.reach < 500
    expected = recording.dff[1, three.starts[2, 40] + 1 : three.starts[2, 40] + 3].mean()
    assert task.responses[2, 240, 1] == pytest.approx(expected, abs=1e-6)
    assert task.running[3, 17] == recording.running[one.starts[3, 17]]


def test_no_frame_and_no_response_belongs_to_two_parts() -> None:
    task = make_task(session(), CONFIG)
    seen = [
        {
            *clip_frames(ends, SHAPE.span),
            *(int(end) + late for end in ends for late in range(SHAPE.reach + 1)),
        }
        for ends in (task.split.train, task.split.validation, task.split.test)
    ]
    assert not seen[0] & seen[1] and not seen[0] & seen[2] and not seen[1] & seen[2]


def test_movies_may_be_chosen_and_must_be_there() -> None:
    assert len(make_task(session(), CONFIG.replace(movies=ONE)).frames) == 200
    with pytest.raises(DataError, match="Session 7 was read without natural_movie_two: choose of natural"):
        make_task(session(), CONFIG.replace(movies=["natural_movie_two"]))


def test_shuffled_running_is_that_of_another_repeat() -> None:
    speed = np.arange(5.0)[:, None] * np.ones((5, 7))
    for seed in range(20):
        other = choose_running(speed, "shuffled", seed=seed)
        assert sorted(other[:, 0]) == [0, 1, 2, 3, 4] and (other[:, 0] != speed[:, 0]).all()
    assert choose_running(speed, "none", seed=0) is None
    assert choose_running(speed, "measured", seed=0) is speed


def test_running_that_was_not_measured_is_refused_unless_left_out() -> None:
    silent = replace(session(), running=np.full(2150, np.nan, dtype=np.float32))
    with pytest.raises(DataError, match="Running was not measured while the movies were shown"):
        make_task(silent, CONFIG)
    assert make_task(silent, CONFIG.replace(running="none")).running is None


@pytest.mark.parametrize("name", ["length", "stride", "window"])
def test_impossible_clips_are_refused(name: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} is 0; use a whole number of 1 or more"):
        ClipShape(**{name: 0})


# --- models


def test_a_network_takes_its_sizes_from_the_data() -> None:
    task = make_task(session(), CONFIG)
    with_running = build(task, CONFIG.replace(model=MODEL.replace(frame=(40, 80))))
    assert with_running.settings.frame == SIZE and with_running.settings.clip_length == SHAPE.length
    assert with_running.settings.running == "film" and with_running.readout.out_features == CELLS
    without = make_task(session(), CONFIG.replace(running="none"))
    assert build(without, CONFIG).settings.running is None


def test_it_learns_the_movie_and_running_helps_where_it_acts() -> None:
    task, alone = (
        make_task(session(gain=1.0), CONFIG),
        make_task(session(gain=1.0), CONFIG.replace(running="none")),
    )
    with_running, without = (
        np.median(cell_scores(each, trained(each)).single_trial) for each in (task, alone)
    )
    assert with_running > 0.8 and with_running > without + 0.02
    elsewhere = make_task(session(follows=False), CONFIG)
    assert np.median(cell_scores(elsewhere, trained(elsewhere)).single_trial) < 0.25


def test_predictions_are_in_the_unit_of_the_recording_and_repeat_by_repeat() -> None:
    recording = session()
    task = make_task(recording, CONFIG)
    larger = make_task(replace(recording, dff=100 * recording.dff + 7), CONFIG)
    np.testing.assert_allclose(trained(larger), 100 * trained(task) + 7, rtol=1e-2, atol=0.1)
    predicted = trained(task)
    assert predicted.shape == part_responses(task).shape and predicted.dtype == np.float32
    assert not np.allclose(predicted[0], predicted[1])  # the mouse ran differently
    alone = trained(make_task(recording, CONFIG.replace(running="none")))
    np.testing.assert_array_equal(alone[0], alone[1])


def test_a_model_that_answers_at_each_frame_is_asked_for_the_last() -> None:
    per_frame = CONFIG.replace(model=MODEL.replace(causal=True, head="per_frame"))
    task = make_task(session(), per_frame)
    predicted = trained(task, per_frame)
    assert predicted.shape == part_responses(task).shape
    assert np.median(cell_scores(task, predicted).single_trial) > 0.7
    once = build(make_task(session(), CONFIG), CONFIG)
    with pytest.raises(DataError, match=r"answers \(4, 2, 3\) where the responses are \(4, 2, 4, 3\)"):
        train(once, task, per_frame, device="cpu", show_progress=False)


def test_a_cnn_is_trained_and_asked_alike() -> None:
    frames, slower = (
        SHAPE.replace(length=10, stride=1, before=0),
        FIT.replace(epochs=15, learning_rate=1e-3),
    )
    recording = session()
    config = CONFIG.replace(shape=frames, fit=slower, running="none", family="cnn")
    larger = {
        name: replace(each, frames=each.frames.repeat(3, axis=1).repeat(3, axis=2))
        for name, each in recording.movies.items()
    }
    task = make_task(replace(recording, movies=larger), config)
    result = fitted(task, config)
    assert isinstance(result.model, MovieCNN)
    assert np.median(cell_scores(task, predict(result.model, task)).single_trial) > 0.6
    again = MovieCNN(**json.loads(json.dumps(result.model.configuration)))
    again.load_state_dict(result.model.state_dict())
    np.testing.assert_array_equal(predict(again, task), predict(result.model, task))


@pytest.mark.parametrize(
    ("changes", "says"),
    [({"running": "measured"}, "A cnn reads no running, and running is 'measured'"),
     ({"running": "none", "model": MODEL.replace(head="per_frame")}, "A cnn answers once a clip")],
)  # fmt: skip
def test_what_a_cnn_cannot_is_refused(changes: dict[str, object], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        CONFIG.replace(family="cnn", **changes)


def test_a_model_of_other_cells_is_refused() -> None:
    task = make_task(session(), CONFIG)
    model = build(task, CONFIG)
    fewer = replace(task, responses=task.responses[..., :2], cell_ids=task.cell_ids[:2])
    says = r"answers \(4, \d+, 3\) where the responses are \(4, \d+, 2\)"
    with pytest.raises(DataError, match=says):
        predict(model, fewer)
    with pytest.raises(DataError, match=says):
        train(model, fewer, CONFIG, device="cpu", show_progress=False)


def test_a_task_with_the_scales_of_a_model_reads_as_that_model_did() -> None:
    """Responses that are twice as large would have others."""
    recording = session()
    task = make_task(recording, CONFIG)
    model, scales = fitted(task).model, arrays(task)
    larger = replace(recording, dff=2 * recording.dff)
    own = make_task(larger, CONFIG, arrays=scales)
    for name, value in scales.items():
        np.testing.assert_array_equal(arrays(own)[name], value)
    expected = predict(model, task)
    np.testing.assert_array_equal(predict(model, own), expected)
    assert np.abs(predict(model, make_task(larger, CONFIG)) - expected).max() > 0.1 * np.abs(expected).max()
    for damaged in ({}, scales | {"more": np.zeros(1)}, {k: v for k, v in scales.items() if k != "frame_sd"}):
        with pytest.raises(CheckpointError, match=r"in place of frame_mean, frame_sd, .*: train the model"):
            make_task(recording, CONFIG, arrays=damaged)


# --- baselines and scores


def test_baselines_know_what_they_are_given() -> None:
    task = make_task(session(noise=0.1), CONFIG)
    scores = {
        name: cell_scores(task, found(task))
        for name, found in {"mean": mean_response, "pixels": lagged_pixels, "running": running_only}.items()
    }
    assert (scores["mean"].single_trial == 0).all()
    assert (scores["pixels"].single_trial > 0.8).all()
    assert (np.abs(scores["running"].single_trial) < 0.3).all()  # running alone says nothing of a product
    known = part_responses(task).mean(axis=(0, 1))
    np.testing.assert_allclose(mean_response(task)[1, 5], known, atol=0.4)
    seen = part_responses(task, "train")
    errors = [np.abs(found(task, "train") - seen).mean() for found in (mean_response, median_response)]
    assert errors[1] < errors[0]  # the least error of all constants


def test_without_a_truth_nothing_is_expected() -> None:
    with pytest.raises(DataError, match="no truth beside it"):
        expected_responses(make_task(session(), CONFIG))


ENERGY = MODEL.replace(patch=10, step=3, width=48, heads=4, frame=(16, 32), memory=1.0)  # no calcium
GAINS = np.array([0.6, 0.0, -0.4])  # of a standard deviation of the running


def gratings(*, noise: float = 0.2, planted: np.ndarray = np.zeros(CELLS)) -> MovieTask:  # noqa: B008
    """Cells that follow the contrast of a drifting grating, whatever its phase, times 1 + gain x running."""
    random = np.random.default_rng(3)
    contrast = np.abs(slow(1, seed=6)[:, 0])
    phase = 2 * np.pi * (0.15 * np.arange(300) + random.uniform())
    bars = np.cos(2 * np.pi * np.arange(32)[None, None, :] / 6 - phase[:, None, None])
    frames = (128 + 60 * contrast.clip(0, 2)[:, None, None] * bars.repeat(16, axis=1)).astype(np.uint8)
    task = make_task(session(), CONFIG.replace(movies=THREE))
    speed = (
        random.normal(size=(REPEATS, 10)).repeat(30, axis=1).astype(np.float32)
    )  # bouts, of no clip's length
    drive = contrast[None, :, None] * (1 + planted * speed[..., None])
    follows = (drive + noise * random.normal(size=(REPEATS, 300, CELLS))).astype(np.float32)
    return replace(task, frames=frames, responses=follows, running=speed, speed=speed)


def test_motion_energy_reads_contrast_where_pixels_cannot() -> None:
    task = gratings()
    energy, pixels = (
        np.median(cell_scores(task, found).cc_abs)
        for found in (motion_energy(task, settings=ENERGY), lagged_pixels(task))
    )
    assert energy > 0.7 and energy > pixels + 0.3


def test_signed_answers_follow_a_phase_that_energies_forget() -> None:
    task = gratings()
    phase = (task.frames[:, 8, 16].astype(np.float32) - 128) / 60
    kept = sum(np.exp(-ago) * np.roll(phase, SHAPE.stride * ago) for ago in range(SHAPE.length))
    task = replace(task, responses=np.tile(kept[None, :, None], (REPEATS, 1, CELLS)).astype(np.float32))
    energies, signed = (
        cell_scores(task, motion_energy_times_running(task, settings=ENERGY, signed=full)).cc_abs
        for full in (False, True)
    )
    assert signed.min() > energies.max() + 0.3


def test_a_planted_gain_by_running_is_found() -> None:
    """How much of the prediction the running multiplies is what was planted in the cell."""
    task = gratings(planted=GAINS, noise=0.05)
    plain, both = (
        find(task, "train", settings=ENERGY) for find in (motion_energy, motion_energy_times_running)
    )
    memory = np.exp(-np.arange(SHAPE.length))
    ago = task.split.train[:, None] - SHAPE.stride * np.arange(SHAPE.length)
    speed = task.running[:, ago] @ memory / memory.sum()  # R E
    found = []
    for cell in range(CELLS):
        m = plain[..., cell].ravel()
        terms = np.stack([np.ones(m.size), m, speed.ravel(), m * speed.ravel()], axis=1)
        weights, left, *_ = np.linalg.lstsq(terms, both[..., cell].ravel(), rcond=None)
        assert left < 1e-6 * m.size  # nothing but these four numbers
        found.append(weights[3] / weights[1])
    np.testing.assert_allclose(found, GAINS, atol=0.1)


def test_running_helps_where_it_multiplies_and_that_of_another_repeat_does_not() -> None:
    task = gratings(planted=GAINS)
    other = replace(task, running=choose_running(task.speed, "shuffled", seed=0))
    plain = cell_scores(task, motion_energy(task, settings=ENERGY)).single_trial
    own, shuffled = (
        cell_scores(task, motion_energy_times_running(each, settings=ENERGY)).single_trial
        for each in (task, other)
    )
    modulated = GAINS != 0
    assert (own[modulated] > plain[modulated] + 0.1).all()
    assert np.abs(own - plain)[~modulated].max() < 0.03
    assert (shuffled < plain + 0.03).all()


def test_running_that_was_not_measured_counts_as_its_mean() -> None:
    task = gratings(planted=GAINS)
    test = np.arange(task.split.test[0] - SHAPE.span, 300)
    gaps, mean = task.running.copy(), task.running.copy()
    gaps[0, test] = np.nan
    seen = task.running[:, task.split.train]
    mean[0, test] = seen.mean(dtype=np.float64)
    found, expected = (
        motion_energy_times_running(replace(task, running=each), settings=ENERGY) for each in (gaps, mean)
    )
    np.testing.assert_allclose(found, expected, atol=1e-6)
    still = replace(task, running=np.zeros_like(task.running))  # nothing to tell apart
    np.testing.assert_allclose(
        cell_scores(task, motion_energy_times_running(still, settings=ENERGY)).single_trial,
        cell_scores(task, motion_energy(task, settings=ENERGY)).single_trial,
        atol=1e-5,
    )


ENERGIES = [motion_energy, motion_energy_times_running]


@pytest.mark.parametrize("baseline", [lagged_pixels, mean_response, running_only, *ENERGIES])
def test_one_cell_has_baselines_too(baseline: Callable[[MovieTask], np.ndarray]) -> None:
    task = make_task(session(), CONFIG)
    alone = replace(task, responses=task.responses[..., :1], cell_ids=task.cell_ids[:1])
    options = {"settings": MODEL} if baseline in ENERGIES else {}
    found = baseline(alone, **options)
    assert found.shape == part_responses(alone).shape and np.isfinite(found).all()


def test_running_alone_predicts_what_running_adds() -> None:
    recording = session(follows=False, noise=0.1)
    added = recording.dff + 0.4 * recording.running
    task = make_task(replace(recording, dff=added), CONFIG)
    assert (cell_scores(task, running_only(task)).single_trial > 0.7).all()
    shuffled = make_task(replace(recording, dff=added), CONFIG.replace(running="shuffled"))
    assert (cell_scores(shuffled, running_only(shuffled)).single_trial < 0.4).all()
    with pytest.raises(DataError, match="The task has no running"):
        running_only(make_task(recording, CONFIG.replace(running="none")))
    with pytest.raises(DataError, match="The task has no running"):
        motion_energy_times_running(make_task(recording, CONFIG.replace(running="none")), settings=MODEL)
    with pytest.raises(
        SettingsError, match=r"patch is 10; use one that fits into both sides of frame \(8, 16\)"
    ):
        motion_energy(make_task(recording, CONFIG), settings=ENERGY)


def test_baselines_do_not_read_the_test() -> None:
    task = make_task(session(), CONFIG)
    late = replace(task, responses=_after(task.responses, int(task.split.test[-1]) - 20))
    assert set(range(int(task.split.test[-1]) - 20, 500)) & {*task.split.test.tolist()}
    for baseline in (mean_response, lagged_pixels, running_only):
        np.testing.assert_array_equal(baseline(task), baseline(late))
    tested = replace(task, responses=_after(task.responses, int(task.split.test[0])))
    tested.responses[:, task.split.train] = task.responses[:, task.split.train]
    tested.responses[:, task.split.validation] = task.responses[:, task.split.validation]
    for baseline in ENERGIES:
        for other in (late, tested):
            np.testing.assert_array_equal(baseline(task, settings=MODEL), baseline(other, settings=MODEL))


def _after(responses: np.ndarray, first: int) -> np.ndarray:
    changed = responses.copy()
    changed[:, first:] = 99 - 5 * changed[:, first:]
    return changed


def test_a_table_has_medians_of_reliable_cells() -> None:
    recording = session()
    noise = np.random.default_rng(0).normal(size=recording.dff.shape[1]).astype(np.float32)
    recording = replace(recording, dff=np.vstack([recording.dff[:2], noise[None]]))
    task = make_task(recording, CONFIG)
    assert task.reliable().tolist() == [True, True, False]
    truth = np.broadcast_to(part_responses(task).mean(axis=0), part_responses(task).shape)
    table = score_table(task, {"mean of repeats": truth, "mean": mean_response(task)})
    assert table.cells.tolist() == [2, 2] and table.cc_abs[0] == pytest.approx(1, abs=1e-5)
    assert table.cc_norm[0] >= 1 and table.cc_norm[1] == 0
    assert table.absolute_error[0] < table.absolute_error[1]
    with pytest.raises(DataError, match="No cell is reliable enough"):
        score_table(task, {"mean": mean_response(task)}, cells=np.zeros(CELLS, dtype=bool))


@pytest.mark.filterwarnings("error")
def test_a_table_of_cells_without_a_signal_in_the_test_has_no_normalised_score() -> None:
    task = make_task(session(), CONFIG)
    alternating = task.responses.copy()
    alternating[:, task.split.test] = np.array([-1, 1, -1, 1])[:, None, None]  # the mean is flat
    table = score_table(replace(task, responses=alternating), {"mean": mean_response(task)})
    assert table[["cc_norm", "low", "high"]].isna().all(axis=None) and table.single_trial[0] == 0


# --- the leak


def test_a_random_split_leaks_and_blocks_do_not() -> None:
    """A movie and responses that vary slowly and have nothing to do with each other."""
    task = make_task(session(), CONFIG.replace(movies=THREE))
    frames, responses = slow(np.prod(SIZE), seed=4).reshape(300, *SIZE), slow(CELLS, seed=5)
    task = replace(
        task,
        frames=(128 + 40 * frames).clip(0, 255).astype(np.uint8),
        responses=np.broadcast_to(responses, (REPEATS, *responses.shape)).astype(np.float32),
    )
    leaking = replace(task, split=split_movie_leaking(300, clip=SHAPE.span, lag=SHAPE.reach, seed=0))
    honest, fooled = (np.median(cell_scores(each, _nearest(each)).cc_abs) for each in (task, leaking))
    assert fooled > 0.9 and abs(honest) < 0.4


def slow(columns: int, seed: int) -> np.ndarray:
    """Independent traces of 300 frames that change in about 25, variance 1."""
    noise = np.random.default_rng(seed).normal(size=(324, columns))
    return np.stack([np.convolve(each, np.ones(25) / 5, "valid") for each in noise.T], axis=1)


def _nearest(task: MovieTask) -> np.ndarray:
    """The mean response to the training frame whose clip looks most like that of the test frame."""
    lags = np.arange(SHAPE.length) * SHAPE.stride
    windows = task.frames.reshape(len(task.frames), -1).astype(np.float32)

    def look(ends: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(windows[ends[:, None] - lags].reshape(len(ends), -1))

    nearest = torch.cdist(look(task.split.test), look(task.split.train)).argmin(dim=1).numpy()
    found = task.responses[:, task.split.train[nearest]].mean(axis=0)
    return np.broadcast_to(found, (REPEATS, *found.shape)).astype(np.float32)


# --- edges


def test_shuffled_running_needs_another_repeat() -> None:
    with pytest.raises(DataError, match="needs the speed of another repeat"):
        choose_running(np.ones((1, 5)), "shuffled", seed=0)


def test_movies_and_cells_are_each_named_once_in_their_own_order() -> None:
    assert CONFIG.replace(movies=ONE).movies == (ONE,)
    assert CONFIG.replace(movies=[THREE, ONE, THREE]).movies == (ONE, THREE)
    assert CONFIG.replace(without=np.array([6, 5, 5])).without == (5, 6)
    assert CONFIG.replace(movies=["rain", "clouds", ONE]).movies == (ONE, "clouds", "rain")
    with pytest.raises(SettingsError, match="movies names none"):
        CONFIG.replace(movies=())
    with pytest.raises(SettingsError, match="without is"):
        CONFIG.replace(without=(2.5,))


def test_cells_are_judged_reliable_in_training_frames() -> None:
    task = make_task(session(), CONFIG)
    silent = task.responses.copy()
    noise = np.random.default_rng(0).normal(size=(REPEATS, len(task.split.test)))
    silent[:, task.split.test, 1] = noise
    assert replace(task, responses=silent).reliable().tolist() == [True, True, True]
    silent = task.responses.copy()
    silent[:, task.split.train, 1] = np.random.default_rng(1).normal(size=(REPEATS, len(task.split.train)))
    assert replace(task, responses=silent).reliable().tolist() == [True, False, True]


def test_the_best_epoch_is_that_of_validation_clips() -> None:
    task = make_task(session(), CONFIG)
    wrong = task.responses.copy()
    wrong[:, task.split.validation] = np.random.default_rng(0).normal(
        size=wrong[:, task.split.validation].shape
    )
    losses = [fitted(replace(task, responses=each)).best_loss for each in (task.responses, wrong)]
    assert losses[1] > 1.3 * losses[0]  # what it chooses by knows of validation responses


def test_training_warms_up_and_cools_down() -> None:
    fit = SMALL.fit.replace(epochs=6)
    rates = fitted(make_task(session(), CONFIG), CONFIG.replace(fit=fit)).history.learning_rate
    assert rates[0] < rates[1] < rates[2] == rates.max() == pytest.approx(fit.learning_rate)
    assert (rates.diff()[3:] < 0).all() and rates.iloc[-1] < 0.3 * fit.learning_rate


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_impossible_seeds_are_refused(seed: int) -> None:
    with pytest.raises(SettingsError, match="seed is"):
        TransformerConfig(seed=seed)
