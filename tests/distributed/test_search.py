"""The search on a local Ray: real values, failures, pruning, and going on after a break."""

import os
import subprocess
import sys
from functools import partial
from importlib.util import find_spec
from math import log
from pathlib import Path
from types import SimpleNamespace

import pytest
from hyperopt import hp
from hyperopt.pyll import scope

from neurokit.distributed.ray_cluster import import_ray, start_local
from neurokit.distributed.search import search_on_ray
from neurokit.errors import CheckpointError, FitError, SettingsError
from neurokit.tune import MedianStopping, Study

SPACE = {
    "learning_rate": hp.loguniform("learning_rate", log(1e-4), log(1e-1)),
    "hidden": scope.int(hp.quniform("hidden", 10, 60, 10)),
    "cell": hp.choice("cell", ["rnn", "gru", "lstm"]),
}
HOW = {"trials": 8, "seed": 0, "concurrency": 2, "start_up_trials": 4}


def lowest(parameters):
    return (log(parameters["learning_rate"]) - log(3e-3)) ** 2 + parameters["hidden"] / 10


def bowl(parameters, report, *, folder):
    """Three epochs down to the lowest; no lstm; each call leaves a file: address, working folder."""
    from ray.util import get_node_ip_address

    called = Path(folder) / f"{parameters['learning_rate']}"
    called.write_text(f"{get_node_ip_address()} {os.getcwd()}")
    if parameters["cell"] == "lstm":
        raise ValueError("no lstm here")
    for epoch in range(1, 4):
        report(epoch, lowest(parameters) + 1 / epoch)
    return lowest(parameters)


NEEDS_RAY = pytest.mark.skipif(
    find_spec("ray") is None,
    reason="the extra [distributed] is not installed",
)


@pytest.fixture(scope="module")
def searched(tmp_path_factory) -> tuple[Study, Path, Path]:
    """A search of eight trials, its storage, the folder with a file for each call."""
    storage, calls = tmp_path_factory.mktemp("storage"), tmp_path_factory.mktemp("calls")
    return search_on_ray(partial(bowl, folder=calls), SPACE, storage=storage, **HOW), storage, calls


@pytest.fixture(scope="module")
def joined(searched):
    """A Ray that the caller has started, after the search that started its own."""
    import ray

    assert not ray.is_initialized()
    start_local(2)
    yield
    assert ray.is_initialized()
    ray.shutdown()


def test_ray_is_imported_when_a_search_begins_and_not_before():
    """Before it, `import_ray` sets what keeps a local Ray off the network."""
    code = "import sys, neurokit.distributed.search; print('ray' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


@NEEDS_RAY
@pytest.mark.distributed
def test_the_study_holds_what_was_run(searched):
    study, _, calls = searched
    table = study.trials
    assert len(table) == 8
    assert {float(path.name) for path in calls.iterdir()} == set(table["learning_rate"])
    assert set(table["cell"]) <= {"rnn", "gru", "lstm"}
    assert set(table["hidden"]) <= set(range(10, 61, 10))
    complete = table.query("status == 'complete'")
    for row in complete.to_dict("records"):
        assert row["loss"] == pytest.approx(lowest(row))
    assert study.best_loss == complete["loss"].min()
    assert lowest(study.best) == pytest.approx(study.best_loss)
    assert {type(value) for value in study.best.values()} == {float, int, str}


@NEEDS_RAY
@pytest.mark.distributed
def test_a_local_ray_stays_off_the_network_and_in_the_working_folder(searched):
    assert {path.read_text() for path in searched[2].iterdir()} == {f"127.0.0.1 {os.getcwd()}"}


@NEEDS_RAY
@pytest.mark.distributed
def test_failures_and_curves_come_back(searched):
    table, curves = searched[0].trials, searched[0].curves
    failed = table["cell"] == "lstm"
    assert failed.any()
    assert ((table["status"] == "failed") == failed).all()
    assert table["loss"][failed].isna().all() and set(table["message"][failed]) == {
        "ValueError: no lstm here"
    }
    first = table.index[~failed][0]
    expected = [table["loss"][first] + 1 / epoch for epoch in (1, 2, 3)]
    assert curves.query("number == @first")["loss"].tolist() == pytest.approx(expected)


@NEEDS_RAY
@pytest.mark.distributed
def test_a_finished_search_is_read_and_another_refused(joined, searched):
    study, storage, calls = searched
    before = len(list(calls.iterdir()))
    again = search_on_ray(partial(bowl, folder=calls), SPACE, storage=storage, **HOW)
    assert len(list(calls.iterdir())) == before
    before, after = ([trial.parameters for trial in each.records] for each in (study, again))
    assert after == before
    assert again.best_loss == study.best_loss
    with pytest.raises(CheckpointError, match="seed=0, not 1"):
        search_on_ray(partial(bowl, folder=calls), SPACE, storage=storage, **(HOW | {"seed": 1}))


@NEEDS_RAY
@pytest.mark.distributed
def test_a_search_is_extended(joined, tmp_path):
    """The trials of before stay, and the new ones are other points, drawn with the knowledge of the old."""
    calls = tmp_path / "calls"
    calls.mkdir()
    run = partial(search_on_ray, partial(bowl, folder=calls), SPACE, storage=tmp_path / "storage")
    how = HOW | {"trials": 3, "start_up_trials": 3}
    few, more = run(**how), run(**(how | {"trials": 5}))
    assert len(list(calls.iterdir())) == 5
    before, after = ([trial.parameters for trial in each.records] for each in (few, more))
    assert after[:3] == before and len({point["learning_rate"] for point in after}) == 5
    assert more.trials["number"].tolist() == [0, 1, 2, 3, 4]
    assert more.best_loss == min(loss for loss in more.trials["loss"] if loss == loss)
    again, fewer = run(**(how | {"trials": 5})), run(**(how | {"trials": 2}))
    assert len(list(calls.iterdir())) == 5
    assert [trial.parameters for trial in again.records] == after
    assert [trial.parameters for trial in fewer.records] == before[:2]


@NEEDS_RAY
@pytest.mark.distributed
def test_the_median_rule_stops_on_ray(joined, tmp_path):
    def worsening(parameters, report):
        """Each trial is worse than the one before it, by the calls already counted."""
        rank = len(list(tmp_path.glob("call*")))
        (tmp_path / f"call{rank}").touch()
        for epoch in range(1, 5):
            report(epoch, 10.0 * rank + 1 / epoch)
        return 10.0 * rank

    how = {
        "trials": 5,
        "seed": 0,
        "concurrency": 1,
        "stop": MedianStopping(warm_up_trials=2, warm_up_epochs=2),
    }
    table = search_on_ray(worsening, SPACE, storage=tmp_path / "storage", **how).trials
    assert table["status"].tolist() == ["complete"] * 2 + ["pruned"] * 3
    assert table["epochs"].tolist() == [4, 4, 2, 2, 2]
    assert table["loss"].tolist() == [0.0, 10.0, 20.5, 30.5, 40.5]


@NEEDS_RAY
def test_the_rule_on_ray_compares_with_trials_that_are_over():
    import_ray("This test")  # before the first import of ray, which settles its address
    from neurokit.distributed.ray_trials import MedianScheduler

    rule = MedianScheduler(MedianStopping(warm_up_trials=1, warm_up_epochs=1))
    good, bad = SimpleNamespace(trial_id="good"), SimpleNamespace(trial_id="bad")

    def answer(trial, epoch, loss):
        result = {"status": "running", "epoch": epoch, "epoch_loss": loss}
        return rule.on_trial_result(None, trial, result)

    assert answer(good, 1, 1.0) == rule.CONTINUE
    assert answer(bad, 1, 2.0) == rule.CONTINUE
    rule.on_trial_complete(None, good, {"status": "complete"})
    assert answer(bad, 2, 1.5) == rule.STOP
    assert answer(bad, 3, 0.5) == rule.CONTINUE


@NEEDS_RAY
def test_the_rule_on_ray_knows_the_trials_of_before():
    import_ray("This test")
    from neurokit.distributed.ray_trials import MedianScheduler

    first = SimpleNamespace(trial_id="first")
    result = {"status": "running", "epoch": 1, "epoch_loss": 2.0}
    for earlier, answer in (([], "CONTINUE"), ([[(1, 1.0)]], "STOP")):
        rule = MedianScheduler(MedianStopping(warm_up_trials=1, warm_up_epochs=0), earlier)
        assert rule.on_trial_result(None, first, result) == getattr(rule, answer)


@NEEDS_RAY
@pytest.mark.parametrize(
    ("change", "said"), [({"trials": 0}, "trials is 0"), ({"concurrency": 0}, "concurrency is 0")]
)
def test_arguments_are_checked_before_ray_starts(tmp_path, change, said):
    with pytest.raises(SettingsError, match=said):
        search_on_ray(bowl, SPACE, storage=tmp_path, **(HOW | change))


@NEEDS_RAY
def test_a_damaged_storage_is_named(tmp_path):
    (tmp_path / "settings.json").write_text('{"seed": ')
    with pytest.raises(CheckpointError, match=r"settings\.json is not a readable state"):
        search_on_ray(bowl, SPACE, storage=tmp_path, **HOW)


def test_without_ray_one_sentence_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "ray.tune", None)
    with pytest.raises(FitError, match=r"needs ray .*: install .* extra \[distributed\]"):
        search_on_ray(bowl, SPACE, storage=tmp_path, **HOW)
    assert not list(tmp_path.iterdir())
