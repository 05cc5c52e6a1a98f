"""A V1 Transformer from a folder of files to a saved model, its scores, and what it says of new movies."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from neurokit import load_pretrained, v1_transformer
from neurokit.errors import CheckpointError, DataError, SettingsError
from neurokit.experiment import Experiment
from neurokit.files.sealed import open_json, seal_json
from neurokit.metrics.repeats import repeat_scores
from neurokit.simulation.movies import MOVIES
from neurokit.training import checkpoint
from neurokit.v1_transformer import (
    MODELS,
    ClipShape,
    MovieTask,
    TransformerConfig,
    TransformerSettings,
    build,
    cell_scores,
    describe,
    evaluate,
    find_sessions,
    frame_responses,
    load,
    load_session,
    motion_energy_times_running,
    open_cache,
    part_responses,
    predict,
    read_truth,
    running_only,
    score,
    simulate,
    train,
)
from neurokit.v1_transformer import allensdk_cache as allen_sdk
from neurokit.v1_transformer import task as make_task
from neurokit.v1_transformer.scores import explain_ceiling

ONE, TWO, THREE = MOVIES
SHAPE = ClipShape(length=4, stride=2, before=1)
MODEL = TransformerSettings(
    frame=(10, 20), patch=5, step=5, width=8, heads=2, spatial_layers=1, temporal_layers=1
)
TINY = MODELS["transformer"].small.replace(shape=SHAPE, model=MODEL).with_epochs(2)
CNN = (
    MODELS["cnn"]
    .small.replace(shape=SHAPE.replace(length=8), model=MODEL.replace(frame=(20, 40)))
    .with_epochs(1)
)
BASELINES = ("mean", "running only", "motion energy + ridge", "motion energy x running")
SIZE: dict[str, Any] = {"session_type": "three_session_C", "cells": 6, "frames": 150, "repeats": 4}
Make = Callable[..., Experiment]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two movies of 150 frames, each seen four times by six cells."""
    made = tmp_path_factory.mktemp("sessions") / "mouse"
    simulate(made, **SIZE)
    return made


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, folder: Path) -> Make:
    """An experiment on that session, in a data folder of its own."""
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path / "data"))

    def make(config: TransformerConfig = TINY, **options: Any) -> Experiment:
        return Experiment("v1-transformer", **{"config": config, "folder": folder, "device": "cpu"} | options)

    return make


class Brightness(nn.Module):
    """A model of one's own: a line through the mean brightness of a clip, and the speed where it is known."""

    def __init__(self, cells: int) -> None:
        super().__init__()
        self.configuration = {"cells": cells}
        self.line = nn.Linear(3, cells)

    configuration: dict[str, int] | None = None  # each instance has its own

    def forward(self, frames: Tensor, shown: Tensor, running: Tensor | None) -> Tensor:
        bright = frames[shown].mean(dim=(1, 2, 3, 4))[None, :, None]  # 1 E 1
        speed = bright.new_zeros(1, len(shown), 2) if running is None else running.mean(dim=2)  # R E 2
        return self.line(torch.cat([bright.expand(len(speed), -1, -1), speed], dim=-1))


def brightness(task: MovieTask, config: TransformerConfig) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        return Brightness(task.responses.shape[-1])


# --- which experiment it is


def test_the_demo_is_small_and_the_full_source_is_not() -> None:
    assert Experiment("v1-transformer", source="demo").config == MODELS["transformer"].small
    assert Experiment("v1-transformer", source="full").config == MODELS["transformer"].published
    assert Experiment("v1-transformer", source="demo", model="cnn").config.family == "cnn"
    small, published = (getattr(MODELS["transformer"], size).model.frame for size in ("small", "published"))
    assert (small, published) == ((20, 40), (40, 80))


def test_two_experiments_never_share_a_file(tiny: Make) -> None:
    configs = [
        TINY, CNN, TINY.with_epochs(3), TINY.replace(running="none"), TINY.replace(running="shuffled"),
        TINY.replace(movies=ONE), TINY.replace(movies=(ONE, TWO)), TINY.replace(without=(5,)),
        TINY.replace(without=(5, 6)), TINY.replace(without=(56,)), TINY.replace(shape=ClipShape()),
        TINY.replace(model=MODEL.replace(dropout=0.5)), TINY.with_values({"learning_rate": 1.0}),
    ]  # fmt: skip
    made = [tiny(config) for config in configs]
    made += [tiny(seed=1), tiny(session="7"), tiny(folder=None, source="demo"), tiny(build=brightness)]
    made += [tiny(folder=None, source="full"), tiny(folder=None, source="full", session=7)]
    assert len({each.path for each in made}) == len({each.unfinished for each in made}) == len(made)
    assert tiny(TINY.replace(without=(6, 5, 5))).path == tiny(TINY.replace(without=(5, 6))).path


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"values": {"movies": []}}, "movies names none"),
        ({"values": {"running": "slowly"}}, "running is 'slowly'; use one of measured, none, shuffled"),
        ({"model": "cnn", "values": {"running": "measured"}}, "A cnn reads no running"),
        ({"model": "vit"}, "has no model 'vit'; choose one of transformer, as-described, cnn"),
        ({"values": {"clip_length": 0}}, "clip_length is 0"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_read(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], says: str
) -> None:
    monkeypatch.setattr("neurokit.v1_transformer.experiment.load", lambda **_: pytest.fail("too late"))
    with pytest.raises(SettingsError, match=says):
        Experiment("v1-transformer", source="full", **options)


# --- saved and opened


@pytest.mark.parametrize("running", ["measured", "none", "shuffled"])
def test_predictions_are_the_same_after_opening(tiny: Make, running: str) -> None:
    config = TINY.replace(running=running).with_epochs(1)
    first = tiny(config).train()
    again = tiny(config)
    np.testing.assert_array_equal(again.predict(), first.predict())
    assert again.result.history.equals(first.result.history) and not again.result.model.training
    assert not np.array_equal(predict(again.untrained(), again.task), first.predict())


def test_a_checkpoint_says_what_it_holds(tiny: Make, folder: Path) -> None:
    experiment = tiny(TINY, seed=1).train()
    held = json.loads(experiment.path.with_name(f"{experiment.path.name}.json").read_text())
    session = load(folder=folder)
    assert TransformerConfig.from_dict(held["config"]) == TINY.add_seed(1)
    assert held["data"]["session"] == session.session_id and held["data"]["movies"] == [ONE, TWO]
    assert held["cell_ids"] == session.cell_ids.tolist() and held["frame"] == [10, 20]
    assert held["frame_rate"] == pytest.approx(30, rel=0.01)
    task, scales = experiment.task, experiment.task.clips().scales
    predicted = predict(experiment.result.model, task, "validation")
    error = np.abs(predicted - part_responses(task, "validation")) / scales.response_sd
    assert held["best_loss"] == pytest.approx(error.mean(), rel=1e-5)
    assert not experiment.unfinished.exists()


def test_other_data_are_refused(tiny: Make) -> None:
    experiment = tiny().train()
    session = experiment.recording
    dff = session.dff.copy()
    dff[0, 0] += 1e-3
    shifted = {name: replace(movie, starts=movie.starts + 1) for name, movie in session.movies.items()}
    for changes, names in (
        ({"session_id": 7}, "session"),
        ({"cell_ids": session.cell_ids[::-1].copy()}, "cells"),
        ({"movies": {ONE: session.movies[ONE]}}, "movies, values"),
        ({"dff": dff}, "values"),
        ({"movies": shifted}, "values"),
        ({"running": session.running * 2}, "values"),
    ):
        other = tiny()
        other.recording = replace(session, **changes)
        with pytest.raises(CheckpointError, match=rf"fitted to other data \({names} differ\)"):
            other.evaluate()


def test_a_model_belongs_to_the_files_and_not_to_the_size_of_frames(tiny: Make) -> None:
    session = tiny().recording
    darker = {name: replace(movie, frames=movie.frames // 2) for name, movie in session.movies.items()}
    identity = v1_transformer.experiment.identity
    assert identity(session) == identity(replace(session, movies=darker))


def test_the_model_of_another_config_is_refused_under_its_name(tiny: Make) -> None:
    saved, wanted = tiny().train().path, tiny(TINY.replace(running="none")).path
    for file in checkpoint.files(saved):
        file.rename(wanted.with_name(wanted.name + file.suffix))
    with pytest.raises(CheckpointError, match=r"is another model \(config differ\)"):
        tiny(TINY.replace(running="none")).evaluate()


def test_damaged_and_foreign_files_are_refused(tiny: Make) -> None:
    experiment = tiny().train()
    weights, sidecar = checkpoint.files(experiment.path)
    content, held = weights.read_bytes(), open_json(sidecar.read_text())
    weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(CheckpointError, match="is damaged or belongs to another side-car"):
        tiny().evaluate()
    weights.unlink()
    with pytest.raises(CheckpointError, match="is missing; a checkpoint is"):
        tiny().evaluate()
    weights.write_bytes(content)
    for frame in ([10], "large", [10, 0]):
        settings = held["configuration"]["settings"] | {"frame": frame}
        configuration = held["configuration"] | {"settings": settings}
        sidecar.write_text(seal_json(held | {"configuration": configuration}))
        with pytest.raises(CheckpointError, match="does not fit the configuration in"):
            tiny().evaluate()
    sidecar.write_text(seal_json(held))
    facts = {name: held[name] for name in held if name not in ("model", "version", "configuration", "sha256")}
    checkpoint.save(experiment.result.model, experiment.path, **facts)  # without the scales
    with pytest.raises(CheckpointError, match="holds nothing in place of frame_mean"):
        tiny().evaluate()


def test_a_broken_off_training_ends_as_one_in_one_go(
    tiny: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    straight = tiny(TINY.with_epochs(3)).train()
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path / "other"))

    def stop(epoch: int, loss: float) -> None:
        if epoch == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tiny(TINY.with_epochs(3)).train(on_epoch=stop)
    assert tiny(TINY.with_epochs(3)).unfinished.is_file()
    done: list[int] = []
    resumed = tiny(TINY.with_epochs(3)).train(on_epoch=lambda epoch, _: done.append(epoch))
    assert done == [2]
    np.testing.assert_array_equal(resumed.predict(), straight.predict())
    assert resumed.result.history.equals(straight.result.history)


# --- configs and models of one's own


def test_an_own_config_goes_all_the_way(tiny: Make) -> None:
    config = TINY.replace(model=MODEL.replace(width=12, heads=3, registers=1, causal=True), movies=TWO)
    first = tiny(config.with_epochs(1)).train()
    sizes = first.result.model.configuration["settings"]
    assert (sizes["width"], sizes["heads"], sizes["registers"], sizes["causal"]) == (12, 3, 1, True)
    assert len(first.task.frames) == 150
    np.testing.assert_array_equal(tiny(config.with_epochs(1)).predict(), first.predict())


def test_a_model_that_answers_at_each_frame_goes_all_the_way(tiny: Make) -> None:
    config = TINY.replace(model=MODEL.replace(head="per_frame", causal=True)).with_epochs(1)
    first = tiny(config).train()
    assert first.result.model.settings.head == "per_frame"
    assert first.predict().shape == part_responses(first.task).shape
    np.testing.assert_array_equal(tiny(config).predict(), first.predict())


def test_the_cnn_goes_all_the_way(tiny: Make) -> None:
    first = tiny(CNN).train()
    table = tiny(CNN).evaluate()
    assert table.model.tolist() == ["MovieCNN", "mean", "motion energy + ridge", "ceiling"]
    assert type(load_pretrained(first.path).model).__name__ == "MovieCNN"


@pytest.mark.parametrize("running", ["measured", "none"])
def test_a_model_of_ones_own_goes_all_the_way(tiny: Make, running: str) -> None:
    config = TINY.replace(running=running)
    first = tiny(config, build=brightness).train()
    again = tiny(config, build=brightness)
    np.testing.assert_array_equal(again.predict(), first.predict())
    assert again.predict().shape == part_responses(first.task).shape
    assert again.evaluate().model[0] == "Brightness"
    opened = load_pretrained(first.path)
    assert type(opened.model) is Brightness and opened.model.configuration == {"cells": 6}
    movie, speed = np.zeros((20, 10, 20), np.uint8), np.zeros(20)
    assert opened.respond(frames=movie, running=speed, frame_rate=30)["dff"].shape == (20 - SHAPE.span + 1, 6)


def test_a_model_that_answers_in_another_shape_is_refused(tiny: Make) -> None:
    def build(task: MovieTask, config: TransformerConfig) -> nn.Module:
        return Brightness(1)  # which an error would broadcast

    with pytest.raises(DataError, match=r"Brightness answers \(4, 2, 1\) where .* are \(4, 2, 6\)"):
        tiny(build=build).train()


def test_a_search_varies_what_it_says(tiny: Make) -> None:
    experiment = tiny(TINY.with_epochs(1))
    study = experiment.tune(2, progress=False)
    assert {each.status for each in study.records} == {"complete"}
    assert set(study.best) == set(v1_transformer.search_space())
    best = experiment.with_values(study.best)
    assert best.task is experiment.task and best.config.model.width == study.best["width"]
    assert best.train().result.best_loss == pytest.approx(study.best_loss, rel=1e-6)
    assert experiment.with_values({"lag": 1}).task is not experiment.task


# --- scores


def expected_test(experiment: Experiment, name: str, part: str = "test") -> np.ndarray:
    """What the truth beside the files says, cut by hand."""
    session, task = experiment.recording, experiment.task
    truth = read_truth(session.truth)
    rows = [truth.cell_ids.tolist().index(cell) for cell in session.cell_ids]
    starts = np.concatenate([movie.starts for movie in session.movies.values()], axis=1)
    known = frame_responses(getattr(truth, name)[rows], starts, lag=SHAPE.lag, window=SHAPE.window)
    return known[:, getattr(task.split, part)]


def test_scores_stand_beside_baselines_and_ceiling(tiny: Make) -> None:
    """Held against scores computed here from the session and the truth that lies in its folder."""
    experiment = tiny()
    table = experiment.evaluate().set_index("model")
    assert list(table.index) == ["V1 Transformer", *BASELINES, "ceiling"]
    task, cells = experiment.task, experiment.task.reliable()
    predictions = {
        "V1 Transformer": predict(experiment.result.model, task),
        "running only": running_only(task),
        "motion energy x running": motion_energy_times_running(task, settings=MODEL),
        "ceiling": expected_test(experiment, "expected"),
    }
    for name, predicted in predictions.items():
        found = cell_scores(task, predicted)
        assert table.single_trial[name] == pytest.approx(np.median(found.single_trial[cells]), abs=1e-6)
    best = repeat_scores(part_responses(task), predictions["ceiling"]).single_trial
    assert table.single_trial["ceiling"] == pytest.approx(np.median(best[cells]))
    assert table.single_trial["ceiling"] > table.single_trial.drop("ceiling").max()


def test_the_ceiling_knows_no_more_than_the_model(tiny: Make) -> None:
    measured = tiny().task
    unread = TINY.replace(model=MODEL.replace(running=None))
    for config in (TINY.replace(running="none"), TINY.replace(running="shuffled"), unread):
        experiment = tiny(config.with_epochs(1))
        table, task = experiment.evaluate().set_index("model"), experiment.task
        best = cell_scores(task, expected_test(experiment, "expected_from_movie")).single_trial
        assert table.single_trial["ceiling"] == pytest.approx(np.median(best[task.reliable()]))
        for name in ("running only", "motion energy x running"):
            assert (name in table.index) == (config.running != "none")
        if config.running == "shuffled":  # beside a model that got another repeat's running
            own, wrong = (cell_scores(each, running_only(each)).single_trial for each in (measured, task))
            assert table.single_trial["running only"] == pytest.approx(np.median(own[measured.reliable()]))
            assert not np.allclose(own, wrong, atol=1e-3)


def test_the_ceiling_is_that_of_the_cells_that_are_read(tiny: Make, folder: Path) -> None:
    left_out = load(folder=folder).cell_ids[[0, 3]]
    experiment = tiny(TINY.replace(without=left_out, movies=ONE).with_epochs(1))
    table, task = experiment.evaluate().set_index("model"), experiment.task
    assert task.responses.shape[-1] == 4
    best = cell_scores(task, expected_test(experiment, "expected")).single_trial
    assert table.single_trial["ceiling"] == pytest.approx(np.median(best[task.reliable()]))


def test_without_a_truth_the_ceiling_is_that_of_the_repeats(tiny: Make, folder: Path) -> None:
    known = tiny().task
    task = replace(known, truth=None)
    table = evaluate(build(task, TINY), task, TINY)
    assert table.model.tolist() == ["V1 Transformer", *BASELINES, "ceiling"]
    assert np.isnan(table["absolute_error"].iloc[-1])  # which repeats do not tell
    assert explain_ceiling(task, TINY).startswith("ceiling: from this recording, the most that ")
    assert "simulated cells" in explain_ceiling(known, TINY)
    result = train(build(task, TINY), task, TINY.with_epochs(1), device="cpu", show_progress=False)
    assert "ceiling" not in score(result, task, TINY).yardsticks


def test_the_yardsticks_show_a_model_that_learned_nothing(tiny: Make) -> None:
    """In the unit of the validation error, a model that stays as it was is no better than the median."""
    idle = tiny(TINY.with_values({"learning_rate": 1e-9, "warm_up": 0}).with_epochs(1))
    found = idle.score()
    assert list(found.yardsticks) == ["median", *BASELINES, "ceiling"]
    assert found.value >= found.yardsticks["median"] > 1.1 * found.yardsticks["ceiling"]
    task, scales = idle.task, idle.task.clips().scales
    wanted = part_responses(task, "validation")
    mean = np.abs(wanted - part_responses(task, "train").mean(axis=(0, 1))) / scales.response_sd
    assert found.yardsticks["mean"] == pytest.approx(mean.mean(), rel=1e-5)
    best = np.abs(wanted - expected_test(idle, "expected", "validation")) / scales.response_sd
    assert found.yardsticks["ceiling"] == pytest.approx(best.mean(), rel=1e-5)


def test_the_picture_has_a_row_for_each_model(tiny: Make) -> None:
    table = tiny().evaluate()
    figure = v1_transformer.draw(table)
    single, normalised = figure.axes
    shown = [label.get_text() for label in single.get_yticklabels()]
    assert shown == ["V1 Transformer", *BASELINES]
    np.testing.assert_allclose(single.collections[0].get_offsets()[:, 0], table.single_trial[: len(shown)])
    assert "single trials" in single.get_xlabel() and "normalised" in normalised.get_xlabel()
    plt.close(figure)


# --- movies that it has never seen


def test_a_new_movie_is_answered_as_the_old_one_was(tiny: Make) -> None:
    """Given a movie of the session and a repeat's running, it says what it predicts of the test part."""
    experiment = tiny(TINY.replace(movies=ONE)).train()
    task, opened = experiment.task, load_pretrained(experiment.path)
    found = opened.respond(frames=task.frames, running=task.running[2], frame_rate=np.array(30.0))
    assert set(found) == {"dff", "frame"} and found["dff"].dtype == np.float32
    np.testing.assert_array_equal(found["frame"], np.arange(SHAPE.span - 1, 150))
    test = np.isin(found["frame"], task.split.test)
    np.testing.assert_allclose(found["dff"][test], experiment.predict()[2], rtol=1e-4, atol=1e-6)


MOVIE, SPEED = np.zeros((20, 10, 20), np.uint8), np.zeros(20)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"frames": None}, "frames is missing, which the model reads; the inputs hold frame_rate, running"),
        ({"running": None}, "running is missing, which the model reads; the inputs hold frame_rate, frames"),
        ({"frame_rate": None}, "frame_rate is missing, which the model reads"),
        (
            {"frame_rates": 60.0},
            "frame_rates is not an input of a V1 Transformer; it reads frames, frame_rate",
        ),
        ({"running": SPEED + 1j}, "running is of type complex128; give real numbers"),
        ({"running": np.arange(20).astype("datetime64[s]")}, "running is of type datetime64"),
        ({"running": np.ma.array(np.arange(20), mask=True)}, "running is masked, and its type"),
        ({"frames": [[1, 2], [3]]}, "frames is no array"),
        ({"frames": MOVIE / 255}, "frames are float64; give grey values from 0 to 255 as uint8"),
        ({"frames": MOVIE[:, 1:]}, r"shape \(20, 9, 20\); the model reads frames x 10 rows x 20 columns"),
        ({"frames": MOVIE[0]}, r"frames have the shape \(10, 20\)"),
        ({"frames": MOVIE[:8], "running": SPEED[:8]}, "There are 8 frames, and a clip spans 9"),
        ({"running": SPEED[:19]}, r"running has the shape \(19,\); give one speed for each of 20 frames"),
        ({"running": SPEED + 300}, "running reaches 300, which no mouse does in cm/s"),
        ({"frame_rate": np.array(60.0)}, "frame_rate is 60 Hz, and the model reads 30"),
        ({"frame_rate": np.array(np.nan)}, "frame_rate is nan Hz"),
        ({"frame_rate": np.array([30.0, 30.0])}, r"frame_rate has the shape \(2,\); give one number, in Hz"),
        ({"frame_rate": np.array("fast")}, "frame_rate is text; give real numbers"),
        ({"running": np.full(20, np.nan)}, "running is NaN throughout; give measured speeds"),
        (
            {"running": np.where(np.arange(20) == 3, np.inf, SPEED)},
            "running holds 1 infinite values; give NaN",
        ),
        ({"running": np.array(["fast"] * 20)}, "running is text; give real numbers"),
        ({"frames": np.moveaxis(MOVIE, 0, 2)}, r"frames have the shape \(10, 20, 20\); the model reads"),
    ],
)
def test_a_movie_that_does_not_fit_is_refused(tiny: Make, changes: dict[str, Any], says: str) -> None:
    opened = load_pretrained(tiny(TINY.with_epochs(1)).train().path)
    arrays = {"frames": MOVIE, "running": SPEED, "frame_rate": 30.0} | changes
    with pytest.raises(DataError, match=says):
        opened.respond(**{name: values for name, values in arrays.items() if values is not None})


def test_arrays_of_any_making_are_taken(tiny: Make) -> None:
    """Reversed, masked, of torch; what is masked is a gap, and what is None is left out."""
    opened = load_pretrained(tiny(TINY.with_epochs(1)).train().path)
    reversed_movie, running = MOVIE[::-1], np.where(np.arange(20) < 3, np.nan, SPEED)
    wanted = opened.respond(frames=reversed_movie.copy(), running=running, frame_rate=30.0)["dff"]
    masked = np.ma.array(SPEED.astype(float), mask=np.arange(20) < 3)
    for speed in (masked, torch.tensor(running, requires_grad=True), running.tolist()):
        found = opened.respond(frames=reversed_movie, running=speed, frame_rate=30)["dff"]
        np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_a_model_without_running_needs_none(tiny: Make) -> None:
    opened = load_pretrained(tiny(TINY.replace(running="none").with_epochs(1)).train().path)
    assert opened.respond(frames=MOVIE, frame_rate=30.0)["dff"].shape == (12, 6)


# --- the recording


def test_a_session_is_described(folder: Path) -> None:
    session = load(folder=folder)
    text = describe(session)
    measured = 100 * (~np.isnan(session.running)).sum() / len(session.time)
    for part in (
        f"session {session.session_id} (three_session_C)",
        "VISp, 175 µm deep, Cux2-CreERT2, pipeline 3.0",
        f"6 cells, {session.dff.shape[1]} samples at 30.1 Hz",
        f"{ONE}: 150 frames x 4 repeats",
        f"{TWO}: 150 frames x 4 repeats",
        f"running measured at {measured:.1f} % of samples, pupil recorded",
    ):
        assert part in text
    fewer = load(folder=folder, config=TINY.replace(movies=ONE, running="none"))
    assert TWO not in describe(fewer) and "running measured at 0.0 %" in describe(fewer)
    assert "pupil not recorded" in describe(replace(session, pupil=None))


def test_simulate_writes_what_the_cache_reads(tmp_path: Path) -> None:
    made = simulate(tmp_path / "made", seed=2, **SIZE | {"session_type": "three_session_B"})
    cache, number = open_cache(tmp_path / "made"), 900_000_021
    assert find_sessions(cache)["session_id"].tolist() == [number]
    assert cache.get_ophys_experiment_data(number).list_stimuli() == [ONE, "spontaneous"]
    path, truth_file, *_ = made.files
    assert all(file.is_file() for file in made.files) and len(made.files) == 6
    session, truth = load_session(path), read_truth(truth_file)
    starts, window = session.movies[ONE].starts, {"lag": 2, "window": 3}
    measured = frame_responses(session.dff, starts, **window)
    for known, words in ((truth.expected, "movie and running"), (truth.expected_from_movie, "movie")):
        best = repeat_scores(measured, frame_responses(known, starts, **window))
        numbers = f"{np.median(best.single_trial):.3f}, {np.median(best.cc_abs):.3f}"
        assert f"knowing {words}: {numbers}" in made.ceiling


def test_simulate_replaces_what_it_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where AllenSDK has opened it; the session of another seed does not stay in the catalogue."""
    for seed in (2, 3):
        simulate(tmp_path / "made", seed=seed, **SIZE)
        found = find_sessions(open_cache(tmp_path / "made"), movie=ONE)
        assert found["session_id"].tolist() == [900_000_002 + 10 * seed]
    (tmp_path / "made" / "notes.txt").write_text("mine")
    monkeypatch.setattr("neurokit.v1_transformer.experiment.simulate_session", None)
    with pytest.raises(DataError, match=r"notes\.txt, which this command did not write"):
        simulate(tmp_path / "made")


def test_impossible_sizes_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="repeats is 3; use an even number"):
        simulate(tmp_path / "made", repeats=3)
    assert not (tmp_path / "made").exists()


def test_simulating_needs_no_allensdk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(allen_sdk, "_import_modules", lambda: pytest.fail("imported"))
    assert simulate(tmp_path / "made", **SIZE).files[0].is_file()


def test_allensdk_is_imported_when_it_is_needed() -> None:
    code = (
        "import sys\n"
        "from neurokit import Experiment\n"
        "Experiment('v1-transformer', source='demo').untrained\n"
        "print('allensdk' in sys.modules)\n"
        "from neurokit.v1_transformer.allensdk_cache import import_allensdk\n"
        "import_allensdk()\n"
        "print('allensdk' in sys.modules)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=1200)
    assert run.stdout.split()[-2:] == ["False", "True"], run.stderr


def test_the_full_source_needs_no_truth(
    tiny: Make, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Offline: a session where AllenSDK keeps the real ones."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "allen").symlink_to(folder, target_is_directory=True)
    number = load(folder=folder).session_id
    experiment = tiny(TINY.with_epochs(1), folder=None, source="full", session=number)
    monkeypatch.setattr("neurokit.v1_transformer.sources.truth_path", lambda path: path.with_name("none"))
    assert experiment.evaluate().model.tolist() == ["V1 Transformer", *BASELINES, "ceiling"]
    assert "recording full" in experiment.description
    with pytest.raises(DataError, match="no natural_movie_three, only"):
        tiny(TINY.replace(movies=THREE), folder=None, source="full", session=number).train()


def test_running_that_was_never_measured_is_refused_with_the_way_out(folder: Path) -> None:
    session = load(folder=folder)
    silent = replace(session, running=np.full_like(session.running, np.nan))
    with pytest.raises(DataError, match="use running='none'"):
        make_task(silent, TINY)
    assert make_task(silent, TINY.replace(running="none")).speed is None
