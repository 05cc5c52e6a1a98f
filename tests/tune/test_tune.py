"""The search against hyperopt's own fmin, hand-computed medians, kills, damage and failures."""

import inspect
import json
import os
import statistics
from functools import partial
from math import log, nan
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hyperopt import STATUS_FAIL, STATUS_OK, Trials, fmin, hp, rand, space_eval, tpe
from hyperopt.pyll import scope

from neurokit.errors import CheckpointError, FitError, SettingsError
from neurokit.tune import MedianStopping, Pruned, Study, Trial, search
from neurokit.tune.trials import Reporter, best_until, run_trial

SPACE = {
    "learning_rate": hp.loguniform("learning_rate", log(1e-4), log(1e-1)),
    "hidden": scope.int(hp.quniform("hidden", 10, 60, 10)),
    "cell": hp.choice("cell", ["rnn", "gru", "lstm"]),
}
NESTED = {
    "x": hp.uniform("x", -3, 3),
    "kind": hp.choice("kind", [{"name": "a"}, {"name": "b", "y": hp.normal("y", 0, 1)}]),
}


def bowl(parameters, report):
    """A quadratic bowl, lowest at learning rate 3e-3, hidden 40, cell gru; five epochs downhill."""
    rate = log(parameters["learning_rate"]) - log(3e-3)
    lowest = (
        rate**2
        + ((parameters["hidden"] - 40) / 20) ** 2
        + {"rnn": 1.0, "gru": 0.0, "lstm": 2.0}[parameters["cell"]]
    )
    for epoch in range(1, 6):
        report(epoch, lowest + 1 / epoch)
    return lowest


def nested_bowl(parameters, report):
    return (parameters["x"] - 1) ** 2 + parameters["kind"].get("y", 0.5) ** 2


def interrupted(parameters, report, *, at):
    """The bowl, until the interrupt from the keyboard in the trial with this learning rate."""
    if parameters["learning_rate"] == at:
        raise KeyboardInterrupt
    return bowl(parameters, report)


def dies(parameters, report):
    os._exit(9)


def threads(parameters, report):
    return float(os.environ["OMP_NUM_THREADS"])


def without_times(study: Study) -> list[Trial]:
    return [Trial(**(vars(trial) | {"seconds": 0.0})) for trial in study.records]


@pytest.mark.parametrize("queue", [1, 2])
@pytest.mark.parametrize(("space", "objective"), [(SPACE, bowl), (NESTED, nested_bowl)])
def test_the_sequence_is_that_of_hyperopts_fmin(space, objective, queue):
    ours = search(objective, space, trials=12, seed=3, start_up_trials=5, workers=queue)
    theirs = Trials()
    fmin(
        lambda point: objective(point, lambda epoch, loss: None),
        space,
        algo=partial(tpe.suggest, n_startup_jobs=5),
        max_evals=12,
        max_queue_len=queue,
        trials=theirs,
        rstate=np.random.default_rng(3),
        show_progressbar=False,
        verbose=False,
    )
    at = [{k: v[0] for k, v in misc["vals"].items() if v} for misc in theirs.miscs]
    points = [space_eval(space, coordinates) for coordinates in at]
    assert [trial.parameters for trial in ours.records] == points
    assert [trial.loss for trial in ours.records] == theirs.losses()


def test_random_search_is_hyperopts_and_has_the_budget():
    ours = search(bowl, SPACE, trials=8, seed=1, algorithm="random")
    theirs = Trials()
    quiet = {"show_progressbar": False, "verbose": False, "trials": theirs}
    objective = partial(bowl, report=lambda epoch, loss: None)
    fmin(objective, SPACE, algo=rand.suggest, max_evals=8, rstate=np.random.default_rng(1), **quiet)
    assert [trial.loss for trial in ours.records] == theirs.losses()


def test_tpe_finds_a_lower_loss_than_random_search():
    def best_losses(algorithm):
        runs = (
            search(bowl, SPACE, trials=30, seed=seed, algorithm=algorithm, start_up_trials=8)
            for seed in range(7)
        )
        return [study.best_loss for study in runs]

    assert statistics.median(best_losses("tpe")) < statistics.median(best_losses("random"))


def test_the_seed_decides():
    first, again, other = (search(bowl, SPACE, trials=4, seed=seed) for seed in (0, 0, 1))
    assert without_times(first) == without_times(again)
    assert without_times(first) != without_times(other)


def test_parameters_are_plain_values_of_the_space():
    seen = []

    def looks(parameters, report):
        seen.append(parameters)
        return bowl(parameters, report)

    search(looks, SPACE, trials=25, seed=0)
    assert {type(value) for point in seen for value in point.values()} == {float, int, str}
    assert {point["cell"] for point in seen} == {"rnn", "gru", "lstm"}
    assert {point["hidden"] for point in seen} <= {10, 20, 30, 40, 50, 60}
    assert all(1e-4 <= point["learning_rate"] <= 1e-1 for point in seen)


def test_the_tables_hold_every_trial_and_report():
    study = search(bowl, SPACE, trials=6, seed=0)
    table = study.trials
    assert list(table.columns[:6]) == ["number", "status", "loss", "epochs", "seconds", "message"]
    assert set(table.columns[6:]) == set(SPACE)
    lowest = table.loc[table["loss"].idxmin()]
    assert study.best_loss == lowest["loss"]
    assert study.best == {name: lowest[name] for name in SPACE}
    assert len(study.curves) == 30
    assert study.curves.query("number == 2")["epoch"].tolist() == [1, 2, 3, 4, 5]


def test_nested_parameters_are_dotted_columns():
    table = search(nested_bowl, NESTED, trials=12, seed=0).trials
    assert {"x", "kind.name", "kind.y"} <= set(table.columns)
    assert (table["kind.y"].isna() == (table["kind.name"] == "a")).all()


def test_the_best_trial_is_a_complete_one():
    records = [
        Trial(0, {}, {"x": 1}, "complete", 2.0),
        Trial(1, {}, {"x": 2}, "pruned", 1.0),
        Trial(2, {}, {"x": 3}, "failed", None),
    ]
    assert Study(records).best == {"x": 1}


# --- median stopping, by hand

CURVES = [[(1, 4.0), (2, 3.0), (3, 3.5)], [(1, 5.0), (2, 2.0), (3, 1.0)], [(1, 6.0)]]


@pytest.mark.parametrize(
    ("curve", "stops"),
    [
        # best so far of the three at epoch 2: 3, 2, 6 (the last ended at epoch 1): median 3
        ([(1, 9.0), (2, 3.1)], True),
        ([(1, 9.0), (2, 3.0)], False),  # a tie goes on
        ([(1, 2.5), (2, 9.0)], False),  # its best so far counts, not its last
        # at epoch 3: 3 (not 3.5), 1, 6: median 3
        ([(1, 9.0), (2, 9.0), (3, 3.2)], True),
        ([(1, 9.0)], False),  # within the warm-up
    ],
)
def test_median_rule_by_hand(curve, stops):
    assert MedianStopping(warm_up_trials=3, warm_up_epochs=2).stops(curve, CURVES) is stops
    assert not MedianStopping(warm_up_trials=4, warm_up_epochs=2).stops(curve, CURVES)


def test_an_earlier_trial_counts_from_its_first_report():
    assert best_until([(5, 1.0)], 4) is None
    assert not MedianStopping(warm_up_trials=3, warm_up_epochs=1).stops(
        [(2, 100.0)], [*CURVES[:2], [(5, 1.0)]]
    )


def test_report_prunes_and_the_best_reported_loss_counts():
    def climbs(parameters, report):
        for epoch, loss in enumerate([7.0, 6.5, 8.0], start=1):
            report(epoch, loss)
        return 0.0

    trial = run_trial(climbs, Trial(0, {}, {}), MedianStopping(warm_up_trials=3, warm_up_epochs=3), CURVES)
    assert (trial.status, trial.loss, len(trial.curve)) == ("pruned", 6.5, 3)
    assert run_trial(climbs, Trial(0, {}, {}), None, CURVES).status == "complete"
    with pytest.raises(Pruned, match="epoch 2"):
        Reporter(MedianStopping(warm_up_trials=1, warm_up_epochs=1), CURVES)(2, 99.0)


def test_a_search_prunes_only_after_its_warm_up():
    stop = MedianStopping(warm_up_trials=5, warm_up_epochs=3)
    study = search(bowl, SPACE, trials=20, seed=0, stop=stop)
    pruned = study.trials.query("status == 'pruned'")
    assert len(pruned) >= 3
    assert pruned["number"].min() >= 5
    assert pruned["epochs"].min() >= 3
    assert (search(bowl, SPACE, trials=20, seed=0).trials["status"] == "complete").all()


def test_a_failed_trial_is_no_yardstick():
    calls = []

    def breaks_at_first(parameters, report):
        calls.append(parameters)
        report(1, 0.0 if len(calls) <= 3 else 5.0)
        if len(calls) <= 3:
            raise RuntimeError(f"broken at {len(calls)}")
        return 5.0

    study = search(
        breaks_at_first, SPACE, trials=5, seed=0, stop=MedianStopping(warm_up_trials=3, warm_up_epochs=1)
    )
    assert study.trials["status"].tolist() == ["failed"] * 3 + ["complete"] * 2


def test_the_rule_sees_no_trial_of_its_own_batch():
    rule = MedianStopping(warm_up_trials=1, warm_up_epochs=1)
    study = search(bowl, SPACE, trials=8, seed=0, workers=4, stop=rule)
    assert (study.trials["status"][:4] == "complete").all()
    assert (study.trials["status"][4:] == "pruned").any()
    medians = pd.Series([trial.curve[0][1] for trial in study.records[:4]]).median()
    stopped_at_once = [trial.number for trial in study.records[4:] if trial.curve[0][1] > medians]
    found = study.trials.query("status == 'pruned' and epochs == 1")["number"].tolist()
    assert stopped_at_once == found


# --- kill and resume


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("stop", [None, MedianStopping(warm_up_trials=3, warm_up_epochs=2)])
@pytest.mark.parametrize("killed", [3, 9])
def test_killed_and_resumed_equals_straight(tmp_path, workers, stop, killed):
    how = {"trials": 12, "seed": 5, "start_up_trials": 5, "workers": workers, "stop": stop}
    straight = search(bowl, SPACE, **how)
    file = tmp_path / "study.json"
    broken = partial(interrupted, at=straight.records[killed].parameters["learning_rate"])
    with pytest.raises(KeyboardInterrupt):
        search(broken, SPACE, **how, file=file)
    assert len(json.loads(file.read_text())["trials"]) == killed - killed % workers
    assert without_times(search(bowl, SPACE, **how, file=file)) == without_times(straight)


def test_a_finished_search_is_extended_or_read_but_not_run_again(tmp_path):
    file = tmp_path / "study.json"
    search(bowl, SPACE, trials=6, seed=5, start_up_trials=4, file=file)
    longer = search(bowl, SPACE, trials=10, seed=5, start_up_trials=4, file=file)
    straight = search(bowl, SPACE, trials=10, seed=5, start_up_trials=4)
    assert without_times(longer) == without_times(straight)
    assert search(dies, SPACE, trials=10, seed=5, start_up_trials=4, file=file).best == longer.best
    assert len(search(dies, SPACE, trials=7, seed=5, start_up_trials=4, file=file).records) == 7


def test_numpys_numbers_are_those_of_python(tmp_path):
    file = tmp_path / "study.json"
    stop = MedianStopping(warm_up_trials=np.int64(3), warm_up_epochs=2)
    how = {"start_up_trials": np.int64(4), "workers": np.int32(1), "stop": stop, "file": file}
    for trials in (3, 6):
        found = search(bowl, SPACE, trials=np.int64(trials), seed=np.int64(5), **how)
    plain = {"start_up_trials": 4, "workers": 1, "stop": MedianStopping(warm_up_trials=3, warm_up_epochs=2)}
    assert without_times(found) == without_times(search(bowl, SPACE, trials=6, seed=5, **plain))
    assert without_times(found) == without_times(search(dies, SPACE, trials=6, seed=5, file=file, **plain))


def test_workers_in_processes_have_one_thread():
    study = search(threads, SPACE, trials=2, seed=0, workers=2)
    assert study.trials["loss"].tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"seed": 6}, "seed=5"),
        ({"algorithm": "random"}, "algorithm='tpe'"),
        ({"workers": 2}, "workers=1"),
        ({"start_up_trials": 9}, "start_up_trials=20"),
        ({"stop": MedianStopping()}, "stop=None"),
        ({"space": SPACE | {"hidden": scope.int(hp.quniform("hidden", 10, 50, 10))}}, "space="),
    ],
)
def test_a_file_of_another_search_is_refused_and_unchanged(tmp_path, change, named):
    file = tmp_path / "study.json"
    how = {"space": SPACE, "trials": 3, "seed": 5, "file": file}
    search(bowl, **how)
    before = file.read_bytes()
    with pytest.raises(CheckpointError, match=named):
        search(bowl, **(how | change))
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: "[]",
        lambda text: "[" * 100_000,
        lambda text: text.replace('"loss": ', '"loss": 1', 1),
        lambda text: text.replace('"generator"', '"generatr"'),
        lambda text: text.replace('"number": 1', '"number": 7'),
        lambda text: text.replace("PCG64", "PCG65"),
        lambda text: text.replace('"curve"', '"curv"'),
    ],
)
def test_a_damaged_file_is_named_and_unchanged(tmp_path, damage):
    file = tmp_path / "study.json"
    search(bowl, SPACE, trials=3, seed=5, file=file)
    file.write_text(damage(file.read_text()))
    before = file.read_bytes()
    with pytest.raises(CheckpointError, match=r"study\.json is not a readable state"):
        search(bowl, SPACE, trials=5, seed=5, file=file)
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["study.json"]


# --- failures


def test_failures_are_recorded_and_the_search_goes_on(tmp_path):
    def sometimes(parameters, report):
        if parameters["cell"] == "lstm":
            raise ValueError("no lstm here")
        return nan if parameters["cell"] == "rnn" else bowl(parameters, report)

    file = tmp_path / "study.json"
    table = search(sometimes, SPACE, trials=30, seed=0, start_up_trials=8, file=file).trials
    failed = table.query("status == 'failed'")
    assert set(failed["cell"]) == {"rnn", "lstm"} and failed["loss"].isna().all()
    assert set(failed.query("cell == 'lstm'")["message"]) == {"ValueError: no lstm here"}
    assert failed.query("cell == 'rnn'")["message"].str.contains("nan").all()
    assert (table.query("status == 'complete'")["cell"] == "gru").all()
    assert (table["cell"][8:] == "gru").mean() > 0.6  # TPE learns to stay away; by chance a third
    resumed = search(sometimes, SPACE, trials=30, seed=0, start_up_trials=8, file=file).trials
    pd.testing.assert_frame_equal(resumed, table)


@pytest.mark.parametrize(
    ("reports", "said"), [([(1, nan)], "epoch 1 is nan"), ([(2, 1.0), (2, 1.0)], "after epoch 2")]
)
def test_a_report_that_makes_no_sense_fails_the_trial(reports, said):
    def objective(parameters, report):
        for epoch, loss in reports:
            report(epoch, loss)
        return 1.0

    trial = run_trial(objective, Trial(0, {}, {}), None, [])
    assert trial.status == "failed" and said in trial.message


def test_all_failed_says_so():
    def never(parameters, report):
        raise RuntimeError(f"no luck with {parameters['learning_rate']}")

    with pytest.raises(FitError, match=r"All 4 trials of the search failed.*RuntimeError: no luck"):
        search(never, SPACE, trials=4, seed=0)


@pytest.mark.parametrize(("works", "runs"), [(0, 3), (1, 11), (4, 14)])
def test_a_search_that_only_fails_ends_early(tmp_path, works, runs):
    """After three equal failures if nothing has worked yet, else after ten; the file has all of them."""
    done = []

    def objective(parameters, report):
        done.append(parameters)
        if len(done) > works:
            raise RuntimeError("no luck")
        return 1.0

    file = tmp_path / "study.json"
    with pytest.raises(
        FitError, match=r"no luck.*correct the objective or the space; the earlier ones are in"
    ):
        search(objective, SPACE, trials=30, seed=0, file=file)
    assert len(done) == runs == len(json.loads(file.read_text())["trials"])


def squared(parameters):
    return parameters["learning_rate"] ** 2


@pytest.mark.parametrize(
    "objective",
    [
        squared,
        lambda parameters, report: {"loss": squared(parameters), "status": STATUS_OK},
        lambda parameters: {"loss": squared(parameters)},
        lambda parameters, report: np.array([squared(parameters)]),
        lambda parameters, report: torch.tensor(squared(parameters), dtype=torch.float64),
        partial(lambda parameters, report, power: parameters["learning_rate"] ** power, power=2),
    ],
)
def test_objectives_written_for_hyperopt_work(objective):
    wanted = search(lambda parameters, report: squared(parameters), SPACE, trials=4, seed=0)
    assert (
        search(objective, SPACE, trials=4, seed=0).trials["loss"].tolist() == wanted.trials["loss"].tolist()
    )


def test_hyperopts_status_of_failure_is_a_failure():
    def objective(parameters, report):
        return {"status": STATUS_FAIL} if parameters["cell"] == "lstm" else {"loss": 1.0, "status": STATUS_OK}

    table = search(objective, SPACE, trials=12, seed=0).trials
    assert (table["status"] == np.where(table["cell"] == "lstm", "failed", "complete")).all()
    assert set(table["status"]) == {"failed", "complete"}
    for wrong, says in [
        ({}, "which has no loss"),
        ({"loss": nan}, "returned nan"),
        ("best", "could not convert"),
    ]:
        trial = run_trial(lambda parameters, wrong=wrong: wrong, Trial(0, {}, {}), None, [])
        assert trial.status == "failed" and says in trial.message


def test_a_worker_that_dies_is_named(tmp_path):
    with pytest.raises(FitError, match="worker process died in the batch of trials 0 to 1"):
        search(dies, SPACE, trials=4, seed=0, workers=2, file=tmp_path / "study.json")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"trials": 0}, "trials is 0"),
        ({"trials": True}, "trials is True"),
        ({"trials": 10**30}, "trials is 1000000000000000000000000000000; use a whole number from 1 to"),
        ({"workers": 0}, "workers is 0"),
        ({"workers": 1.5}, "workers is 1.5"),
        ({"start_up_trials": 0}, "start_up_trials is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": 0.5}, "seed is 0.5"),
        ({"algorithm": "grid"}, "algorithm is 'grid'; use one of tpe, random"),
        ({"space": {"x": 1}}, "no hp expression"),
        ({"space": {"x": hp.uniform("x", 0, 1), "y": hp.uniform("x", 0, 2)}}, "label x twice"),
    ],
)
def test_arguments_are_checked_first(change, said):
    unchecked = inspect.unwrap(search)  # the tests' type checker would refuse some of these first
    with pytest.raises((FitError, SettingsError), match=said):
        unchecked(bowl, **({"space": SPACE, "trials": 2, "seed": 0} | change))


def test_median_stopping_needs_an_earlier_trial():
    with pytest.raises(SettingsError, match="warm_up_trials is 0"):
        MedianStopping(warm_up_trials=0)


def test_a_folder_that_cannot_be_written_shows_before_the_first_trial(tmp_path):
    blocked = tmp_path / "plain file"
    blocked.write_text("")
    with pytest.raises(OSError, match="could not be written"):
        search(dies, SPACE, trials=2, seed=0, file=Path(blocked) / "study.json")
