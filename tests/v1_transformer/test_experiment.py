"""A V1 Transformer from a session to a saved model and back, on tiny sessions: functions and commands."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from torch import nn

import neurokit.training.fit
from neurokit.cli import main
from neurokit.cli_options import MOVIES, RUNNING, SESSION_TYPES
from neurokit.errors import CheckpointError, DataError, SettingsError
from neurokit.simulation import movies as simulated_movies
from neurokit.training import checkpoint
from neurokit.v1_transformer import (
    ClipShape,
    Recipe,
    build_network,
    cell_scores,
    part_responses,
    predict_part,
    prepare,
    running_only,
    train_network,
)
from neurokit.v1_transformer import allensdk_cache as allen_sdk
from neurokit.v1_transformer import experiment as plans
from neurokit.v1_transformer import experiment as runs
from neurokit.v1_transformer.allensdk_cache import find_sessions, open_cache
from neurokit.v1_transformer.config import TransformerSettings
from neurokit.v1_transformer.experiment import Plan, evaluate_saved, train_and_save
from neurokit.v1_transformer.recording import MovieSession, load_session
from neurokit.v1_transformer.saved import check_saved, load_model, save_model
from neurokit.v1_transformer.scales import frame_responses
from neurokit.v1_transformer.simulated_files import ceiling, read_truth, truth_path
from neurokit.v1_transformer.simulation import SESSIONS, SessionParameters
from neurokit.v1_transformer.sources import load_simulated_session, session_truth

ONE, TWO, _ = MOVIES
SHAPE = ClipShape(length=4, stride=2, before=1)
MODEL = TransformerSettings(
    frame=(10, 20), patch=5, step=5, width=8, heads=2, spatial_layers=1, temporal_layers=1
)
TINY_RECIPE = plans.SMALL.replace(shape=SHAPE, model=MODEL)
RECORDING = ("--recording", "allen")


def tiny(seed: int = 0) -> SessionParameters:
    """Two movies of 150 frames, seen by six cells."""
    return SessionParameters(
        cells=6, session_type="three_session_C", frames=150, height=12, width=24, repeats=4, spontaneous=2.0,
        seed=seed,
    )  # fmt: skip


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder of simulated sessions for the whole module."""
    return tmp_path_factory.mktemp("sessions") / "simulated"


@pytest.fixture(autouse=True)
def demo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, simulated: Path) -> Path:
    """A data folder of each test's own, but for the sessions; returns it."""
    folder = tmp_path / "data"
    folder.mkdir()
    simulated.mkdir(exist_ok=True)
    (folder / "simulated").symlink_to(simulated, target_is_directory=True)
    monkeypatch.setenv("NEUROKIT_DATA", str(folder))
    monkeypatch.setenv("NEUROKIT_SOURCE", "demo")
    monkeypatch.setenv("NEUROKIT_QUIET", "1")
    monkeypatch.setattr(plans, "demo_parameters", tiny)
    monkeypatch.setattr(runs, "demo_parameters", tiny)
    monkeypatch.setattr(plans, "SMALL", TINY_RECIPE)
    return folder


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Plan]:
    """Copies one trained model, made on the first call, into a test's data folder."""
    kept = tmp_path_factory.mktemp("kept")

    def copied(folder: Path) -> Plan:
        plan = Plan(epochs=2)
        if not any(kept.iterdir()):
            train_and_save(plan)
            shutil.copytree(folder / "checkpoints", kept, dirs_exist_ok=True)
        shutil.copytree(kept, folder / "checkpoints", dirs_exist_ok=True)
        return plan

    return copied


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert main([*arguments, *RECORDING]) == 0
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert main([*arguments, *RECORDING]) == 2
    message = capsys.readouterr().err.strip()
    assert message.startswith("neurokit: ") and message.endswith(".") and "\n" not in message
    return message


def edited(path: Path, **changes: object) -> None:
    """Changes entries of a side-car; None takes one out."""
    file = path.with_name(f"{path.name}.json")
    description = json.loads(file.read_text()) | changes
    file.write_text(json.dumps({name: value for name, value in description.items() if value is not None}))


# What a plan settles


def test_the_demo_is_small_and_the_full_source_is_not() -> None:
    assert Plan().recipe == TINY_RECIPE
    assert Plan(source="full").recipe == Recipe()
    assert Plan(source="full", size="small").recipe == TINY_RECIPE
    assert Plan(size="full", running="none").recipe == Recipe(running="none")
    seven = Plan(epochs=7, seed=3).recipe
    assert seven == TINY_RECIPE.replace(seed=3, fit=TINY_RECIPE.fit.replace(seed=3, epochs=7))
    assert "small size (frames of 10 x 20 pixels), running measured, movies all" in Plan().description
    assert "full size" in Plan(source="full").description


def test_every_plan_has_a_place_of_its_own() -> None:
    found = [
        Plan(), Plan(seed=1), Plan(movies=(ONE,)), Plan(movies=(ONE, TWO)), Plan(running="none"),
        Plan(running="shuffled"), Plan(size="full"), Plan(source="full"), Plan(7, source="full"),
        Plan(7, seed=1, source="full"), Plan(without=(5,)), Plan(without=(5, 6)), Plan(without=(56,)),
    ]  # fmt: skip
    for place in ("path", "unfinished"):
        assert len({getattr(plan, place) for plan in found}) == len(found)
    assert Plan(epochs=3).path == Plan().path  # the one to evaluate
    assert Plan(without=(6, 5, 5)).path == Plan(without=(5, 6)).path
    assert Plan(epochs=3).unfinished != Plan().unfinished


def test_one_name_is_one_movie_and_numbers_may_be_numpys() -> None:
    tidy = Plan(movies=(ONE,), without=(3, 5), seed=2)
    plan = Plan(movies=ONE, without=np.array([3, 5]), seed=np.int64(2))
    assert plan == tidy and hash(plan) == hash(tidy)
    assert (plan.path, plan.unfinished, plan.description) == (tidy.path, tidy.unfinished, tidy.description)


def test_a_plan_that_cannot_be_is_refused() -> None:
    with pytest.raises(SettingsError, match="Session 7 is not on the demo source"):
        Plan(7)
    plan = Plan()
    object.__setattr__(plan, "size", "large")  # the tests' type checks would not let it be made
    with pytest.raises(SettingsError, match="size is 'large'; use one of small, full"):
        plan.__post_init__()
    object.__setattr__(plan, "source", "Demo")
    with pytest.raises(SettingsError, match="no source 'Demo'; use one of demo, cutout, full"):
        plan.__post_init__()
    with pytest.raises(DataError, match=f"'natural_movie_4'; use {ONE}, {TWO}, natural_movie_three"):
        Plan(source="full", movies=(ONE, "natural_movie_4"))
    with pytest.raises(SettingsError, match="seed is -1"):
        Plan(seed=-1)
    with pytest.raises(SettingsError, match="movies names none"):
        Plan(movies=())
    with pytest.raises(SettingsError, match="'cutout' has no session with movies"):
        Plan(source="cutout").load()


def test_a_plan_loads_what_it_names() -> None:
    session = Plan(movies=(TWO,), running="none").load()
    assert list(session.movies) == [TWO] and session.movies[TWO].frames.shape == (150, 10, 20)
    assert np.isnan(session.running).all() and session.session_id == tiny().session_id
    assert np.isfinite(Plan().load().running).any() and list(Plan().load().movies) == [ONE, TWO]
    assert Plan(seed=1).load().session_id == tiny(1).session_id
    file = Plan().file(session)
    np.testing.assert_array_equal(load_session(file).dff, session.dff)
    with pytest.raises(DataError, match="no natural_movie_three, only"):
        Plan(movies=(MOVIES[2],)).load()


def test_the_commands_know_every_word() -> None:
    assert MOVIES == simulated_movies.MOVIES
    assert tuple(SESSIONS) == SESSION_TYPES
    for running in RUNNING:
        Recipe(running=running)


# Saved and loaded


@pytest.mark.parametrize("running", RUNNING)
def test_predictions_are_the_same_after_loading(tmp_path: Path, running: str) -> None:
    plan = Plan(running=running, epochs=1)
    session = plan.load()
    task = prepare(session, plan.recipe)
    clips = task.clips()
    fitted = train_network(clips, plan.recipe, device="cpu", show_progress=False)
    save_model(fitted, clips.scales, session, plan.recipe, tmp_path / "model")
    before = predict_part(fitted.model, clips)
    model, recipe, scales = load_model(tmp_path / "model")
    assert recipe == plan.recipe and not model.training
    for name, value in clips.scales.arrays().items():
        np.testing.assert_array_equal(scales.arrays()[name], value)
    np.testing.assert_array_equal(predict_part(model, task.clips(scales=scales)), before)
    untrained = build_network(clips, plan.recipe)
    assert not np.array_equal(predict_part(untrained, clips), before)


def test_the_scales_are_those_of_training(demo: Path, saved: Callable[[Path], Plan]) -> None:
    """A task whose responses are twice as large would have others."""
    plan = saved(demo)
    session = plan.load()
    model, recipe, scales = load_model(plan.path)
    task = prepare(session, recipe)
    larger = replace(task, responses=2 * task.responses)
    own = predict_part(model, task.clips(scales=scales))
    np.testing.assert_array_equal(predict_part(model, larger.clips(scales=scales)), own)
    assert np.abs(predict_part(model, larger.clips()) - own).max() > 0.1 * np.abs(own).max()


def test_training_saves_what_it_says(demo: Path) -> None:
    plan = Plan(epochs=2, seed=1)
    found = train_and_save(plan)
    model, recipe, _ = load_model(found.path)
    description = json.loads(plan.path.with_name(f"{plan.path.name}.json").read_text())
    assert recipe == plan.recipe and found.path == plan.path.with_name(f"{plan.path.name}.safetensors")
    assert found.parameters == sum(weights.numel() for weights in model.parameters())
    assert (description["session_id"], description["movies"]) == (tiny(1).session_id, [ONE, TWO])
    assert description["cell_ids"] == session_truth(tiny(1)).cell_ids.tolist()
    task = prepare(plan.load(), recipe)
    clips = task.clips()
    predicted, scales = predict_part(model, clips, "validation"), clips.scales
    error = np.abs(predicted - part_responses(task, "validation")) / scales.response_sd
    assert found.error == pytest.approx(error.mean(), rel=1e-5) == description["validation_error"]
    assert not list(demo.rglob("*.training"))


def other(plan: Plan, session_changes: dict[str, object], **recipe_changes: object) -> None:
    check_saved(plan.path, replace(plan.load(), **session_changes), plan.recipe.replace(**recipe_changes))


def test_a_model_of_something_else_is_refused(demo: Path, saved: Callable[[Path], Plan]) -> None:
    plan = saved(demo)
    session = plan.load()
    check_saved(plan.path, session, plan.recipe)
    check_saved(plan.path, session, Plan().recipe)  # more epochs, the same model
    dff = session.dff.copy()
    dff[0, 0] += 1e-3
    shifted = {name: replace(movie, starts=movie.starts + 1) for name, movie in session.movies.items()}
    for changes, says in (
        ({"session_id": 7}, "another session"),
        ({"cell_ids": session.cell_ids[::-1]}, "other cells"),
        ({"movies": {ONE: session.movies[ONE]}}, "other movies"),
        ({"dff": dff}, "other data of this session"),
        ({"movies": shifted}, "other data of this session"),
        ({"running": session.running * 2}, "other data of this session"),
    ):
        with pytest.raises(CheckpointError, match=f"is a model of {says}: remove it and train again"):
            other(plan, changes)
    for changes in (
        {"running": "none"}, {"seed": 1}, {"shape": ClipShape()}, {"model": MODEL.replace(dropout=0.1)},
        {"fit": plan.recipe.fit.replace(learning_rate=1.0)},
    ):  # fmt: skip
        with pytest.raises(CheckpointError, match="is a model of another recipe"):
            other(plan, {}, **changes)


def test_the_command_refuses_the_model_of_another_plan(
    capsys: pytest.CaptureFixture[str], demo: Path, saved: Callable[[Path], Plan]
) -> None:
    """As when files are renamed, or copied from somewhere else."""
    plan = saved(demo)
    for place, arguments, says in (
        (Plan(seed=1).path, ("--seed", "1"), "another session"),
        (Plan(movies=(ONE,)).path, ("--movies", ONE), "other movies"),
        (Plan(running="none").path, ("--running", "none"), "another recipe"),
        (Plan(size="full").path, ("--size", "full"), "another recipe"),
    ):
        for end in (".json", ".safetensors"):
            shutil.copy(f"{plan.path}{end}", f"{place}{end}")
        assert f"{place} is a model of {says}" in refused(capsys, "evaluate", *arguments)


def test_damaged_and_foreign_files_are_refused(
    capsys: pytest.CaptureFixture[str], demo: Path, saved: Callable[[Path], Plan]
) -> None:
    plan = saved(demo)
    weights = plan.path.with_name(f"{plan.path.name}.safetensors")
    content = weights.read_bytes()
    weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert "is damaged or belongs to another side-car" in refused(capsys, "evaluate")
    weights.unlink()
    assert "is missing; a checkpoint is" in refused(capsys, "evaluate")
    weights.write_bytes(content)
    configuration = json.loads(plan.path.with_name(f"{plan.path.name}.json").read_text())["configuration"]
    for changes in (
        {"recipe": None}, {"recipe": "small"}, {"cell_ids": None}, {"recipe": {"running": "slowly"}},
        {"recipe": {"model": {"frame": [10]}}}, {"recipe": {"speed": 1}},
    ):  # fmt: skip
        saved(demo)
        edited(plan.path, **changes)
        assert "holds no recipe and scales of this version" in refused(capsys, "evaluate")
    for frame in ([10], "large", [10, 0]):
        settings = configuration["settings"] | {"frame": frame}
        saved(demo)
        edited(plan.path, configuration=configuration | {"settings": settings})
        assert "does not fit the configuration in" in refused(capsys, "evaluate")
    checkpoint.save(nn.Linear(2, 3), plan.path, {"in_features": 2, "out_features": 3})
    assert "holds a Linear, not a V1Transformer" in refused(capsys, "evaluate")


def test_a_checkpoint_without_its_scales_is_refused(demo: Path, saved: Callable[[Path], Plan]) -> None:
    plan = saved(demo)
    model = load_model(plan.path)[0]
    description = json.loads(plan.path.with_name(f"{plan.path.name}.json").read_text())
    facts = {name: description[name] for name in ("recipe", "session_id", "movies", "cell_ids", "data")}
    checkpoint.save(model, plan.path, model.configuration, **facts)
    with pytest.raises(CheckpointError, match="holds no recipe and scales"):
        load_model(plan.path)


# Training


def epochs_counted(monkeypatch: pytest.MonkeyPatch, stop: int) -> list[int]:
    """Grows by one an epoch; epoch number `stop` is broken off."""
    done: list[int] = []

    def count(*arguments: object) -> float:
        done.append(1)
        if len(done) == stop:
            raise KeyboardInterrupt
        return train_epoch(*arguments)

    train_epoch = neurokit.training.fit._train_epoch
    monkeypatch.setattr(neurokit.training.fit, "_train_epoch", count)
    return done


def test_a_killed_training_goes_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second run does only the epochs that the first had left, and ends as one in one go."""
    done, plan = epochs_counted(monkeypatch, stop=3), Plan(epochs=3)
    assert main(["train", *RECORDING, "--epochs", "3"]) == 130
    assert plan.unfinished.is_file()
    text = said(capsys, "train", "--epochs", "3")
    assert len(done) == 2 + 1 + 1
    assert not plan.unfinished.exists()
    assert "small size" in text and "of 3, validation error" in text and f"saved {plan.path}" in text
    broken = load_model(plan.path)[0].state_dict()
    train_and_save(plan)
    assert len(done) == 4 + 3
    for name, weights in load_model(plan.path)[0].state_dict().items():
        assert weights.equal(broken[name]), name


def test_another_recipe_does_not_go_on_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dropout changes neither the weights' shapes nor the settings of the fit."""
    done = epochs_counted(monkeypatch, stop=3)
    assert main(["train", *RECORDING, "--epochs", "3"]) == 130
    unfinished = Plan(epochs=3).unfinished
    changed = TINY_RECIPE.replace(model=MODEL.replace(dropout=0.5))
    monkeypatch.setattr(plans, "SMALL", changed)
    assert main(["train", *RECORDING, "--epochs", "3"]) == 0
    assert len(done) == 3 + 3
    assert unfinished.is_file()  # and can still be gone on with


def test_a_device_that_is_not_there_is_noticed_first(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Plan, "load", lambda self: pytest.fail("too late"))
    assert "Device 'tpu' is not there" in refused(capsys, "train", "--device", "tpu")


# Evaluation


def test_scores_stand_beside_baselines_and_ceiling(
    capsys: pytest.CaptureFixture[str], demo: Path, saved: Callable[[Path], Plan]
) -> None:
    """Held against scores computed here from the session and its truth."""
    plan = saved(demo)
    table = evaluate_saved(Plan()).set_index("model")  # its ten epochs are not those of the saved model
    assert list(table.index) == ["V1 Transformer", "lagged ridge", "mean", "running only", "ceiling"]
    session, truth = plan.load(), session_truth(tiny())
    task = prepare(session, plan.recipe)
    cells = task.reliable()
    starts = np.concatenate([movie.starts for movie in session.movies.values()], axis=1)
    known = frame_responses(truth.expected, starts, lag=SHAPE.lag, window=SHAPE.window)
    predictions = {
        "V1 Transformer": predict_part(load_model(plan.path)[0], task.clips()),
        "running only": running_only(task),
        "ceiling": known[:, task.split.test],
    }
    for name, predicted in predictions.items():
        found = cell_scores(task, predicted)
        assert table.single_trial[name] == pytest.approx(np.median(found.single_trial[cells]), abs=1e-6)
    best = ceiling(part_responses(task), predictions["ceiling"]).single_trial
    assert table.single_trial["ceiling"] == pytest.approx(np.median(best[cells]))
    assert table.single_trial["ceiling"] > table.single_trial.drop("ceiling").max()
    text = said(capsys, "evaluate")
    assert "training one" not in text and f"{table.single_trial['ceiling']:.3f}" in text
    assert "knows the simulated cells, the movie and the running" in text


def test_the_ceiling_knows_no_more_than_the_model() -> None:
    for running in ("none", "shuffled"):
        plan = Plan(running=running, epochs=1)
        table = evaluate_saved(plan).set_index("model")
        session = plan.load()
        task = prepare(session, plan.recipe)
        starts = np.concatenate([movie.starts for movie in session.movies.values()], axis=1)
        known = session_truth(tiny()).expected_from_movie
        known = frame_responses(known, starts, lag=SHAPE.lag, window=SHAPE.window)[:, task.split.test]
        best = cell_scores(task, known).single_trial[task.reliable()]
        assert table.single_trial["ceiling"] == pytest.approx(np.median(best))
        assert ("running only" in table.index) == (running == "shuffled")
    measured = prepare(session, TINY_RECIPE)  # beside a model that got another repeat's running
    expected = cell_scores(measured, running_only(measured)).single_trial[measured.reliable()]
    wrong = cell_scores(task, running_only(task)).single_trial[measured.reliable()]
    assert table.single_trial["running only"] == pytest.approx(np.median(expected))
    assert table.single_trial["running only"] != pytest.approx(np.median(wrong), abs=1e-3)


def test_evaluation_trains_where_nothing_is_saved(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = epochs_counted(monkeypatch, stop=0)
    monkeypatch.setattr(plans, "SMALL", TINY_RECIPE.replace(fit=TINY_RECIPE.fit.replace(epochs=2)))
    for times in (1, 0):
        assert said(capsys, "evaluate", "--movies", ONE).count("training one") == times
    assert len(done) == 2


# The full source, offline: a simulated session where AllenSDK keeps the real ones


@pytest.fixture
def real(demo: Path) -> int:
    """The number of a session that is in the full source's cache."""
    load_simulated_session(tiny())
    folder = Plan().file(Plan().load()).parent.parent
    shutil.copytree(folder, demo / "allen", ignore=shutil.ignore_patterns("*_truth.npz"))
    return tiny().session_id


def test_the_full_source_needs_no_truth(capsys: pytest.CaptureFixture[str], demo: Path, real: int) -> None:
    where = ("--source", "full", "--session", str(real))
    text = said(capsys, "data", *where)
    assert (
        f"file {demo / 'allen' / 'ophys_experiment_data' / f'{real}.nwb'}" in text and "source full" in text
    )
    model = (*where, "--size", "small")
    said(capsys, "train", *model, "--epochs", "1")
    text = said(capsys, "evaluate", *model)
    assert "training one" not in text and "V1 Transformer" in text and "ceiling" not in text


def test_the_session_asked_for_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    session, asked = Plan().load(), []

    def caught(session_id: int | None, **options: object) -> MovieSession:
        asked.append((session_id, options))
        return session

    monkeypatch.setattr(plans, "load_movie_session", caught)
    Plan(source="full").load()
    Plan(7, source="full", movies=(ONE,), without=(5, 6), running="none", size="small").load()
    options = {"source": "full", "movies": None, "without": (), "running": True, "size": (40, 80)}
    other_options = options | {"movies": (ONE,), "without": (5, 6), "running": False, "size": (10, 20)}
    assert asked == [(None, options), (7, other_options)]


# The commands


def test_data_describes_the_session(capsys: pytest.CaptureFixture[str]) -> None:
    session = Plan().load()
    text = said(capsys, "data")
    measured = 100 * (~np.isnan(session.running)).sum() / len(session.time)
    for part in (
        f"session {tiny().session_id} (source demo, three_session_C)",
        "VISp, 175 µm deep, Cux2-CreERT2, pipeline 3.0",
        f"6 cells, {session.dff.shape[1]} samples at 30.1 Hz",
        "natural_movie_one: 150 frames x 4 repeats",
        "natural_movie_two: 150 frames x 4 repeats",
        f"running measured at {measured:.1f} % of samples, pupil recorded",
    ):
        assert part in text
    file = Path(text.split("file ")[1].strip())
    np.testing.assert_array_equal(load_session(file).time, session.time)
    assert "natural_movie_two" not in said(capsys, "data", "--movies", ONE)
    assert "running measured at 0.0 %" in said(capsys, "data", "--running", "none")


def test_data_says_where_there_is_no_pupil(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plans, "demo_parameters", lambda seed: tiny(seed).replace(pupil=False))
    assert "pupil not recorded" in said(capsys, "data")


def test_simulate_writes_what_the_cache_reads(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = tmp_path / "made"
    options = ("--seed", "2", "--session-type", "three_session_B", "--output", str(folder))
    text = said(capsys, "simulate", *options)
    number = tiny(2).replace(session_type="three_session_B").session_id
    cache = open_cache(folder)
    assert find_sessions(cache)["session_id"].tolist() == [number]
    assert cache.get_ophys_experiment_data(number).list_stimuli() == [ONE, "spontaneous"]
    path = folder / "ophys_experiment_data" / f"{number}.nwb"
    session, truth = load_session(path), read_truth(truth_path(path))
    assert f"wrote {path}" in text
    starts, window = session.movies[ONE].starts, {"lag": SHAPE.lag, "window": SHAPE.window}
    measured = frame_responses(session.dff, starts, **window)
    for known, words in ((truth.expected, "movie and running"), (truth.expected_from_movie, "movie")):
        best = ceiling(measured, frame_responses(known, starts, **window))
        numbers = f"{np.median(best.single_trial):.3f}, {np.median(best.repeat_mean):.3f}"
        assert f"knowing {words}: {numbers}" in text


def test_simulate_replaces_what_it_wrote(tmp_path: Path) -> None:
    """Also where AllenSDK has opened it; the session of another seed does not stay in the catalogue."""
    for seed in (2, 3):
        runs.write_simulated(tmp_path / "made", "three_session_C", seed)
        found = find_sessions(open_cache(tmp_path / "made"), movie=ONE)
        assert found["session_id"].tolist() == [tiny(seed).session_id]
    (tmp_path / "made" / "notes.txt").write_text("mine")
    with pytest.raises(DataError, match=r"notes\.txt, which this command did not write"):
        runs.write_simulated(tmp_path / "made")


def test_simulate_has_a_place_of_its_own(monkeypatch: pytest.MonkeyPatch, demo: Path) -> None:
    asked = []

    def caught(folder: Path, **options: object) -> None:
        asked.append((folder, options))
        raise DataError("enough.")

    monkeypatch.setattr(runs, "write_simulated", caught)
    assert main(["simulate", *RECORDING, "--seed", "3"]) == 2
    assert asked == [(demo / "simulated" / "allen-session-3", {"seed": 3})]


def test_options_arrive(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def caught(plan: Plan, **options: object) -> None:
        asked.append((plan, options))
        raise DataError("enough.")

    monkeypatch.setattr(runs, "train_and_save", caught)
    monkeypatch.setattr(runs, "evaluate_saved", caught)
    for line in (
        f"train --movies {TWO} {ONE} {TWO} --running shuffled --epochs 5 --device cpu --seed 4 --size full "
        "--compile default",
        "train",
        "evaluate --source full --session 7 --running none --size small",
    ):
        assert main([*line.split(), *RECORDING]) == 2
    assert asked == [
        (
            Plan(seed=4, movies=(ONE, TWO), running="shuffled", size="full", epochs=5),
            {"device": "cpu", "compile": "default"},
        ),
        (Plan(), {}),
        (Plan(7, running="none", size="small", source="full"), {}),
    ]


@pytest.mark.parametrize("command", ["data", "train", "evaluate"])
def test_the_cutout_source_has_no_movies(capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert "'cutout' has no session with movies" in refused(capsys, command, "--source", "cutout")


@pytest.mark.parametrize("command", ["data", "train", "evaluate", "evaluate --source full"])
def test_without_allensdk_nothing_is_begun(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, demo: Path, command: str
) -> None:
    def missing() -> None:
        raise ModuleNotFoundError("No module named 'allensdk'", name="allensdk")

    monkeypatch.setattr(allen_sdk, "_modules", missing)
    monkeypatch.setattr("neurokit.v1_transformer.sources.simulate_session", None)
    monkeypatch.setattr(plans, "demo_parameters", lambda seed: tiny(9))
    (demo / "simulated").unlink()
    message = refused(capsys, *command.split())
    assert "needs AllenSDK, which is not installed" in message
    assert not list(demo.iterdir())


def test_simulating_needs_no_allensdk(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(allen_sdk, "_modules", lambda: pytest.fail("imported"))
    made = tmp_path / "made"
    assert f"wrote {made}" in said(capsys, "simulate", "--output", str(made))


def test_allensdk_is_imported_when_it_is_needed() -> None:
    code = (
        "import sys\n"
        "import neurokit.v1_transformer.experiment, neurokit.v1_transformer.commands\n"
        "from neurokit.cli import main\n"
        "assert main(['train', '--recording', 'allen', '--device', 'tpu']) == 2\n"
        "assert main(['train', '--device', 'tpu']) == 2\n"
        "print('allensdk' in sys.modules)\n"
        "from neurokit.v1_transformer.allensdk_cache import import_allensdk\n"
        "import_allensdk()\n"
        "print('allensdk' in sys.modules)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=1200)
    assert run.stdout.split()[-2:] == ["False", "True"], run.stderr
