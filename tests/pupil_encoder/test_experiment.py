"""PupilEncoder as a whole: from simulated files to scores; a search whose samples are really used."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from neurokit import metrics
from neurokit.errors import DataError, SettingsError
from neurokit.experiment import Experiment, Objective
from neurokit.pupil_encoder import baselines
from neurokit.pupil_encoder.baselines import baseline_rates
from neurokit.pupil_encoder.config import PupilConfig, search_space
from neurokit.pupil_encoder.experiment import (
    arrays,
    build,
    describe,
    evaluate,
    facts,
    load,
    rates,
    respond,
    rows,
    task,
    train,
)
from neurokit.pupil_encoder.features import BEHAVIOUR, EncodingTask, encoding_task, split_trials
from neurokit.pupil_encoder.model import PupilEncoder, TemporalCNN, WindowMLP
from neurokit.pupil_encoder.neuromatch import read_sessions
from neurokit.pupil_encoder.recording import TrialRecording
from neurokit.pupil_encoder.scores import score_table, seed_style_r2
from neurokit.pupil_encoder.simulated_files import write_neuromatch
from neurokit.pupil_encoder.simulation import RegionTruth, SessionParameters, simulate_session
from neurokit.training import fit as fit_module
from neurokit.training.checkpoint import Checkpoint
from neurokit.training.omissions import Omission
from neurokit.training.predict import predict
from neurokit.training.settings import FitSettings
from neurokit.tune import search

REGIONS = ("SCs", "LGd")
BRIEF = FitSettings(epochs=2, batch_size=8, learning_rate=0.01)
ONE_POINT = {"cell": "gru", "hidden": 4, "layers": 1, "learning_rate": 0.01, "weight_decay": 1e-4}


def objective_of(task: EncodingTask, fit: FitSettings = BRIEF) -> Objective:
    """The objective of a search over configs on this task."""
    experiment = Experiment("pupil-encoder", config=PupilConfig(fit=fit), source="demo", device="cpu")
    experiment.task = task
    return experiment.objective()


def toy_task(trials: int = 20, bins: int = 24, seed: int = 0) -> EncodingTask:
    """Two channels, two regions; the first region follows the first channel."""
    random = np.random.default_rng(seed)
    inputs = random.normal(size=(trials, bins, 2))
    rates = np.stack([4 + inputs[..., 0], 6 + random.normal(size=(trials, bins))], axis=-1)
    recorded = np.arange(bins) < bins - 4
    return EncodingTask(
        inputs=inputs.astype(np.float32),
        rates=np.where(recorded[:, None], rates, 0).astype(np.float32),
        recorded=recorded,
        scored=np.broadcast_to(recorded & (np.arange(bins) >= 3), (trials, bins)).copy(),
        channels=("pupil_area", "pupil_x"),
        regions=REGIONS,
        time=np.arange(bins) * 0.01,
        bin_size=0.01,
        split=split_trials(trials, seed=0),
        scales={},
        masked={},
    )


# --- a recording without behaviour


@pytest.fixture(scope="module")
def alone() -> TrialRecording:
    return load(source="cutout", session="Lederberg_2017-12-09")


def test_without_behaviour_baselines_are_scored_and_nothing_is_trained(alone: TrialRecording) -> None:
    experiment = Experiment("pupil-encoder", recording=alone, values={"regions": ["LGd", "TH"]})
    assert experiment.untrainable.startswith("Lederberg_2017-12-09 has no behaviour")
    scores = experiment.evaluate()
    wanted = ["mean rate", "PSTH", "PSTH + drift", "PSTH by contrast and choice", "ceiling"]
    assert scores.model.unique().tolist() == wanted and np.isfinite(scores.r2_mean).all()
    for refused in (experiment.train, lambda: experiment.result, lambda: experiment.tune(2)):
        with pytest.raises(DataError, match=r"no model is trained.*mean rate, PSTH, PSTH . drift, PSTH by"):
            refused()
    assert experiment.task.inputs.shape == (280, 40, 0) and experiment.omissions == ()
    with pytest.raises(DataError, match="The task has no channel to read: only baselines"):
        build(experiment.task)
    assert not Experiment("pupil-encoder", source="demo").untrainable


def test_drift_is_flattered_by_a_random_split(alone: TrialRecording) -> None:
    """What this session is in the package for."""
    found = {}
    for split in ("random", "blocked"):
        scores = [
            evaluate(None, task(alone, PupilConfig(split=split, seed=seed))).set_index("model")["r2_mean"]
            for seed in range(3)
        ]
        found[split] = float(np.mean([each["PSTH + drift"].mean() for each in scores]))
    assert found["random"] > found["blocked"] + 0.05
    assert "behaviour none" in describe(alone)


# --- build


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ("rnn", PupilEncoder),
        ("gru", PupilEncoder),
        ("lstm", PupilEncoder),
        ("mlp", WindowMLP),
        ("cnn", TemporalCNN),
    ],
)
def test_each_family_fits_the_tasks_sizes(cell: str, kind: type[nn.Module]) -> None:
    task = toy_task()
    model = build(task, PupilConfig(cell=cell, hidden=5, layers=2))
    assert type(model) is kind
    assert rates(model, task).shape == task.rates.shape
    if kind is PupilEncoder:
        assert type(model.recurrent).__name__.lower() == cell
        assert (model.recurrent.num_layers, model.recurrent.hidden_size) == (2, 5)
    else:
        assert len(model.layers) == 2 and model.rates.in_features == 5


@pytest.mark.parametrize(("bin_size", "bins"), [(0.01, 201), (0.02, 101), (0.05, 41)])
def test_a_perceptron_sees_one_second_on_either_side(bin_size: float, bins: int) -> None:
    model = build(replace(toy_task(), bin_size=bin_size), PupilConfig(cell="mlp", hidden=5))
    assert model.layers[0].kernel_size == (bins,)


def test_an_encoder_starts_at_the_training_mean() -> None:
    task = toy_task()
    model = build(task, PupilConfig(hidden=5))
    mean = torch.tensor(baselines.mean_rate(task)[0, 0], dtype=torch.float32)
    torch.testing.assert_close(model.rates(torch.zeros(1, 1, 5))[0, 0], mean, rtol=1e-4, atol=1e-4)


def test_the_seed_draws_the_weights_and_leaves_the_global_generator() -> None:
    before = torch.get_rng_state()
    one, same, other = (
        build(toy_task(), PupilConfig(seed=seed)).recurrent.weight_ih_l0 for seed in (0, 0, 1)
    )
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(one, same) and not torch.equal(one, other)


def test_an_unknown_family_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match="cell is 'elman'; use one of rnn, gru, lstm, mlp, cnn"):
        PupilConfig(cell="elman")


# --- train


def test_rows_are_the_parts_trials() -> None:
    task = toy_task()
    inputs, rates, bins = rows(task, "validation", torch.device("cpu")).tensors
    np.testing.assert_array_equal(inputs, task.inputs[task.split.validation])
    np.testing.assert_array_equal(rates, task.rates[task.split.validation])
    np.testing.assert_array_equal(bins, task.bins("validation")[task.split.validation])


def fitted(task: EncodingTask) -> tuple[np.ndarray, float]:
    """What a brief fit predicts, and its validation loss."""
    found = train(
        build(task, PupilConfig(hidden=4)), task, PupilConfig(fit=BRIEF), device="cpu", show_progress=False
    )
    return rates(found.model, task), found.best_loss


def test_test_trials_and_unscored_bins_change_no_fit() -> None:
    task = toy_task()
    rates = task.rates.copy()
    rates[task.split.test] = 500
    rates[~task.scored] = 500
    one, other = fitted(task), fitted(replace(task, rates=rates))
    np.testing.assert_array_equal(one[0], other[0])
    assert one[1] == other[1]


@pytest.mark.parametrize(("part", "weights_change"), [("train", True), ("validation", False)])
def test_training_trials_move_the_weights_and_validation_trials_the_loss(
    part: str, weights_change: bool
) -> None:
    task = toy_task()
    rates = task.rates.copy()
    rates[getattr(task.split, part)] += np.linspace(0, 1, rates.shape[1], dtype=np.float32)[:, None]
    one, other = fitted(task), fitted(replace(task, rates=rates))
    assert (one[0] != other[0]).any() == weights_change
    assert one[1] != other[1]


def test_a_device_that_is_not_there_is_refused() -> None:
    if torch.backends.mps.is_available():
        pytest.skip("this machine has the device")
    task = toy_task()
    with pytest.raises(SettingsError, match="Device 'mps' is not there"):
        train(build(task), task, PupilConfig(fit=BRIEF), device="mps")


# --- scores


def test_the_score_table_has_a_row_for_each_model_and_region() -> None:
    task = toy_task(trials=70)
    near = (task.rates + 0.5 * np.random.default_rng(1).normal(size=task.rates.shape)).astype(np.float32)
    models = {"near": near, "mean": np.array(baselines.mean_rate(task))}
    table = score_table(task, models)
    measures = ["r2_mean", "low", "high", "r2_psth", "pearson", "null", "p", "shifts"]
    assert list(table) == ["model", "region", *measures]
    assert list(zip(table["model"], table["region"], strict=True)) == [
        (model, region) for model in models for region in REGIONS
    ]
    near_rows, mean_rows = table[table["model"] == "near"], table[table["model"] == "mean"]
    assert (near_rows["r2_mean"] > 0.6).all() and (near_rows["p"] == 1 / 52).all()
    assert ((near_rows["low"] < near_rows["r2_mean"]) & (near_rows["r2_mean"] < near_rows["high"])).all()
    assert (near_rows["null"] < 0).all() and (table["shifts"] == 51).all()  # 10 to 60 trials
    np.testing.assert_allclose(mean_rows[["r2_mean", "low", "high", "null"]], 0, atol=1e-6)
    assert (mean_rows["p"] == 1).all() and mean_rows["pearson"].isna().all()


def test_a_score_by_hand() -> None:
    """Over the test trials' scored bins, against the mean and the PSTH of the training trials."""
    task = toy_task()
    predicted = task.rates * 0.9
    row = score_table(task, {"model": predicted}).iloc[0]
    trials = task.split.test
    rates, shown = task.rates[trials, 3:-4, 0], predicted[trials, 3:-4, 0]
    mean, psth = task.rates[task.split.train, 3:-4, 0].mean(), task.rates[task.split.train, 3:-4, 0].mean(0)
    error = ((rates - shown) ** 2).sum()
    assert row["r2_mean"] == pytest.approx(1 - error / ((rates - mean) ** 2).sum(), rel=1e-4)
    assert row["r2_psth"] == pytest.approx(1 - error / ((rates - psth) ** 2).sum(), rel=1e-4)
    assert row["pearson"] == pytest.approx(1)


def test_only_the_seeds_way_scores_the_ramp() -> None:
    task = toy_task()
    ramp_wrong = task.rates.copy()
    ramp_wrong[:, :3] = 0
    assert seed_style_r2(task, task.rates) == 1
    assert seed_style_r2(task, ramp_wrong) < 0.5
    assert score_table(task, {"model": ramp_wrong})["r2_mean"].tolist() == [1, 1]


# --- what the search samples is what is trained


@dataclass(frozen=True)
class Reached:
    """What arrived at the model and at its optimiser."""

    cell: type
    hidden: int
    layers: int
    learning_rate: float
    weight_decay: float


def reached(objective: Callable, parameters: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Reached:
    found = []
    original = fit_module.optimizer_and_schedule

    def watched(model: nn.Module, settings: FitSettings) -> tuple[Any, Any]:
        optimizer, schedule = original(model, settings)
        (group,) = optimizer.param_groups
        assert {id(p) for p in group["params"]} == {id(p) for p in model.parameters()}
        network = model.recurrent
        found.append(
            Reached(
                type(network), network.hidden_size, network.num_layers, group["lr"], group["weight_decay"]
            )
        )
        return optimizer, schedule

    with monkeypatch.context() as patch:
        patch.setattr(fit_module, "optimizer_and_schedule", watched)
        loss = objective(parameters, lambda *_: None)
    assert np.isfinite(loss) and len(found) == 1
    return found[0]


OTHER_POINT = {"cell": "lstm", "hidden": 7, "layers": 2, "learning_rate": 0.003, "weight_decay": 0.02}


def unused(objective: Callable, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The parameters of the space whose change does not arrive, or arrives elsewhere too."""
    base = reached(objective, ONE_POINT, monkeypatch)
    names = []
    for name, value in OTHER_POINT.items():
        expected = nn.LSTM if name == "cell" else value
        if reached(objective, ONE_POINT | {name: value}, monkeypatch) != replace(base, **{name: expected}):
            names.append(name)
    return names


def test_each_sampled_value_reaches_model_and_optimiser(monkeypatch: pytest.MonkeyPatch) -> None:
    objective = objective_of(toy_task())
    assert set(OTHER_POINT) == set(search_space())
    assert reached(objective, ONE_POINT, monkeypatch) == Reached(nn.GRU, 4, 1, 0.01, 1e-4)
    assert unused(objective, monkeypatch) == []


@pytest.mark.parametrize("forgotten", OTHER_POINT)
def test_a_forgotten_parameter_would_be_noticed(forgotten: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first PupilEncoder's search sampled a learning rate and trained with another one."""

    class Forgetful(Objective):
        def __call__(self, parameters: dict[str, Any], report: Callable[[int, float], None]) -> float:
            return super().__call__(parameters | {forgotten: ONE_POINT[forgotten]}, report)

    assert unused(Forgetful(objective_of(toy_task()).experiment), monkeypatch) == [forgotten]


def test_the_objective_is_the_best_validation_loss_and_reports_each_epoch() -> None:
    task, reports = toy_task(), []
    objective = objective_of(task, BRIEF.replace(epochs=5))
    loss = objective(ONE_POINT, lambda epoch, value: reports.append((epoch, value)))
    assert [epoch for epoch, _ in reports] == list(range(5))
    assert loss == min(value for _, value in reports)
    assert loss == objective(ONE_POINT, lambda *_: None)


def test_the_objective_does_not_see_the_test_trials() -> None:
    task = toy_task()
    rates = task.rates.copy()
    rates[task.split.test] = 1000
    losses = [objective_of(of)(ONE_POINT, lambda *_: None) for of in (task, replace(task, rates=rates))]
    assert losses[0] == losses[1]


def test_what_a_search_samples_the_objective_accepts() -> None:
    study = search(objective_of(toy_task()), search_space(), trials=3, seed=0, progress=False)
    assert len(study.trials) == 3
    assert study.best_loss == study.trials["loss"].min()


# --- from files to scores


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> TrialRecording:
    regions = (
        RegionTruth(name="SCs", channel="pupil_area", lag=-0.2, gain=0.35, time_constant=0.05, neurons=6),
        RegionTruth(name="LGd", channel="pupil_x", lag=0.1, gain=0.3, time_constant=0.05, neurons=6),
    )
    session = simulate_session(SessionParameters(trials=20, regions=regions))
    files = write_neuromatch([session], tmp_path_factory.mktemp("session"))
    (read,) = read_sessions(*files)
    return read


def without(recording: TrialRecording, *channels: str) -> TrialRecording:
    kept = {name: values for name, values in recording.behaviour.items() if name not in channels}
    return replace(recording, behaviour=kept)


def whole_way(recording: TrialRecording, **options: Any) -> tuple[EncodingTask, Any]:
    split = split_trials(len(recording.trials), seed=0)
    task = encoding_task(recording, split, regions=REGIONS, **options)
    model = build(task, PupilConfig(cell="gru", hidden=4))
    train(model, task, PupilConfig(fit=BRIEF), device="cpu", show_progress=False)
    predictions = {"encoder": rates(model, task), **baseline_rates(task)}
    return task, score_table(task, predictions)


def test_from_files_to_scores(recording: TrialRecording) -> None:
    task, table = whole_way(recording, channels=BEHAVIOUR)
    assert len(table) == 7 * 2
    assert set(table["model"]) == {
        "encoder", "mean rate", "PSTH", "PSTH + drift", "FIR", "PSTH + FIR", "PSTH by contrast and choice"
    }  # fmt: skip
    mean = table[table["model"] == "mean rate"]
    np.testing.assert_allclose(mean["r2_mean"], 0, atol=1e-5)
    assert np.isfinite(table[["r2_mean", "low", "high", "r2_psth"]]).all(axis=None)
    assert (table["low"] <= table["high"]).all()
    assert task.inputs.shape[:2] == task.rates.shape[:2] == task.scored.shape


def test_channels_that_were_not_recorded_are_left_out(recording: TrialRecording) -> None:
    task, table = whole_way(without(recording, "pupil_x", "wheel"), channels=BEHAVIOUR)
    assert "pupil_area" in task.channels and not {"pupil_x", "wheel"} & set(task.channels)
    assert task.inputs.shape[-1] == len(task.channels)
    assert np.isfinite(table["r2_mean"]).all()


def test_no_channel_at_all_is_named(recording: TrialRecording) -> None:
    with pytest.raises(DataError, match="has none of the channels pupil_area, pupil_x, pupil_y; it holds"):
        whole_way(without(recording, "pupil_area", "pupil_x", "pupil_y"))


def test_a_region_that_is_not_there_is_named(recording: TrialRecording) -> None:
    split = split_trials(20, seed=0)
    with pytest.raises(DataError, match=r"no neurons in VISp; its regions are .*SCs"):
        encoding_task(recording, split, regions=("SCs", "VISp"))


def test_a_constant_pupil_is_left_out(recording: TrialRecording) -> None:
    constant = {**recording.behaviour, "pupil_area": np.full_like(recording.behaviour["pupil_area"], 3.0)}
    task, table = whole_way(replace(recording, behaviour=constant))
    assert task.channels == ("pupil_x", "pupil_y") and np.isfinite(table["r2_mean"]).all()
    assert task.omissions == (Omission("constant", "channels", ("pupil_area",), 3),)
    only = {"pupil_area": constant["pupil_area"]}
    with pytest.raises(DataError, match=r"to read \(pupil_area never changes there\); it holds pupil_area\."):
        whole_way(replace(recording, behaviour=only))


def test_a_single_trial_is_refused(recording: TrialRecording) -> None:
    with pytest.raises(DataError, match="1 trials cannot be split"):
        whole_way(recording.select(np.arange(1)))


def test_the_fewest_trials_that_can_be_split_are_scored(
    recording: TrialRecording, capsys: pytest.CaptureFixture[str]
) -> None:
    """One trial to validate and one to test: scores, if wide ones, and no error."""
    task = replace(toy_task(trials=5), trials=recording.trials.iloc[:5])
    table = score_table(task, {"encoder": fitted(task)[0], **baseline_rates(task)})
    assert "note: 5 trials leave too few shifts by 10 trials or more (0)" in capsys.readouterr().out
    assert np.isfinite(table["r2_mean"]).all() and len(table) == 14


@pytest.mark.parametrize("trials", [57, 58])
def test_a_null_is_given_where_39_far_shifts_are_left(
    trials: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """With fewer a note says so: one line, without Python's words around it."""
    task = toy_task(trials=trials)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = score_table(task, {"model": 0.9 * task.rates})
    few = "note: 57 trials leave too few shifts by 10 trials or more (38) for a null: null and p are not"
    said = capsys.readouterr()
    assert said == (f"{few} given; 58 trials are needed.\n" if trials == 57 else "", "")
    assert (table["shifts"] == trials - 19).all()
    assert (np.isfinite(table[["null", "p"]]) == (trials == 58)).all(axis=None)


def test_the_encoder_of_a_task_predicts_what_the_scores_are_of(recording: TrialRecording) -> None:
    task, _ = whole_way(recording)
    model = build(task, PupilConfig(cell="gru", hidden=4)).train()
    shown = rates(model, task)
    np.testing.assert_allclose(shown, predict(model, torch.from_numpy(task.inputs)).numpy())
    assert metrics.r2(task.rates, shown, shown, task.bins("test")).tolist() == [0, 0]


# --- new behaviour


@pytest.fixture(scope="module")
def opened(recording: TrialRecording) -> Checkpoint:
    """An untrained encoder of all channels, as a checkpoint gives it back."""
    split = split_trials(len(recording.trials), seed=0)
    task = encoding_task(recording, split, regions=REGIONS, channels=BEHAVIOUR)
    model = build(task, PupilConfig(hidden=4, inputs="behaviour"))
    return Checkpoint(Path("model"), model, facts(task), arrays(task))


def new_behaviour(trials: int = 6, bins: int = 40, **changes: Any) -> dict[str, Any]:
    random = np.random.default_rng(0)
    names = ("pupil_area", "pupil_x", "pupil_y", "face_motion", "licks", "wheel")
    made = {name: 1 + random.random((trials, bins)) for name in names}
    asked = {"bin_size": 0.01, **made, **changes}
    return {name: np.asarray(values) for name, values in asked.items()}


def with_gap(first: int, last: int, name: str = "pupil_area") -> dict[str, Any]:
    """A channel that rises evenly, without the bins from `first` to `last`."""
    values = np.tile(np.linspace(1, 2, 40), (6, 1))
    values[2, first:last] = np.nan
    return new_behaviour(**{name: values})


def test_new_behaviour_is_answered_region_by_region(opened: Checkpoint) -> None:
    found = respond(opened, new_behaviour())
    assert list(found) == list(REGIONS)
    assert all(values.shape == (6, 40) and np.isfinite(values).all() for values in found.values())


@pytest.mark.parametrize("name", ["pupil_area", "pupil_y"])
def test_a_short_gap_in_the_pupil_is_bridged_by_a_line(opened: Checkpoint, name: str) -> None:
    found, complete = (respond(opened, with_gap(10, last, name)) for last in (29, 10))
    if name == "pupil_y":  # the area is there
        np.testing.assert_allclose(found["SCs"], complete["SCs"], rtol=1e-5)
        return
    seen = new_behaviour()
    for position in ("pupil_x", "pupil_y"):  # not read where the area is missing, so bridged as well
        gap = slice(9, 30)
        seen[position][2, gap] = np.linspace(*seen[position][2, [9, 29]], 21)
    area = with_gap(10, 10)["pupil_area"]
    np.testing.assert_allclose(found["SCs"], respond(opened, seen | {"pupil_area": area})["SCs"], rtol=1e-5)


def test_a_long_gap_and_one_in_another_channel_read_as_the_training_median(opened: Checkpoint) -> None:
    for name, first, last in (("pupil_x", 10, 35), ("wheel", 10, 12)):
        asked = with_gap(first, last, name)
        filled = np.where(np.isnan(asked[name]), opened.arrays[name][0], asked[name])
        expected = respond(opened, asked | {name: filled})
        np.testing.assert_allclose(respond(opened, asked)["SCs"], expected["SCs"], rtol=1e-5)


def test_new_behaviour_is_cleaned_as_in_training(recording: TrialRecording) -> None:
    random = np.random.default_rng(1)
    trials, bins = len(recording.trials), len(recording.time)
    behaviour = {name: 5 + random.random((trials, bins)) for name in (*BEHAVIOUR[:3], "licks")}
    for gap, name in enumerate(behaviour):
        behaviour[name][gap :: len(behaviour), 30 * gap + 50 : 30 * gap + 55] = np.nan  # bridged in the pupil
        behaviour[name][gap :: len(behaviour), 30 * gap + 80 : 30 * gap + 105] = np.nan
        behaviour[name][gap + 1, :4] = np.nan
    behaviour["pupil_area"][::3, 20:30], behaviour["pupil_area"][1, 40:75] = 0.2, 0.2  # the eye is closed
    behaviour["pupil_area"][2, 120], behaviour["pupil_x"][3, 130:160] = 60.0, 9.0  # failed fits
    behaviour["blink"] = np.zeros((trials, bins))
    behaviour["blink"][4, 10:60] = 1  # the camera's flag
    torn = replace(recording, behaviour=behaviour)
    task = encoding_task(torn, split_trials(trials, seed=0), regions=REGIONS, channels=BEHAVIOUR)
    model = build(task, PupilConfig(hidden=4, inputs="behaviour"))
    opened = Checkpoint(Path("model"), model, facts(task), arrays(task))
    assert len(set(task.masked.values())) > 2  # so each rule has work to do
    found = respond(opened, {"bin_size": np.array(0.01), **behaviour})
    np.testing.assert_allclose(found["SCs"], rates(model, task)[..., 0], rtol=1e-5)


ENDLESS = np.where(np.arange(40) == 3, np.inf, np.ones((6, 40)))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"pupil_x": ENDLESS}, "pupil_x holds 6 infinite values; give NaN where"),
        ({"wheel": -ENDLESS}, "wheel holds 6 infinite values; give NaN where"),
        ({"licks": np.full((6, 40), np.nan)}, "licks is NaN throughout; give measured values"),
        ({"pupil_y": np.ones((250, 6))}, r"pupil_y has the shape \(250, 6\), .* 250 bins: transpose it"),
        ({"pupil_y": np.ones((0, 40))}, r"pupil_y has the shape \(0, 40\); give trials x bins"),
        ({"pupil_y": np.array([[1.0], "two"], dtype=object)}, "pupil_y does not hold numbers in one array"),
        ({"wheel": np.array(["fast"] * 40)}, "wheel does not hold numbers in one array"),
        ({"bin_size": "short"}, "bin_size does not hold numbers"),
        ({"bin_size": np.nan}, "bin_size is nan s, and the model reads bins of 0.01 s"),
        ({"bin_size": np.zeros(0)}, "bin_size is empty, and the model reads bins of 0.01 s"),
    ],
)
def test_behaviour_that_cannot_be_read_is_named(opened: Checkpoint, changes: dict, says: str) -> None:
    with pytest.raises(DataError, match=says):
        respond(opened, new_behaviour(**changes))


def test_trials_of_another_length_are_answered(opened: Checkpoint) -> None:
    for shape in ((1, 300), (300, 30), (250, 250)):
        assert respond(opened, new_behaviour(*shape))["SCs"].shape == shape


# --- what is said of a recording


def test_the_description_says_which_regions_training_uses_and_why(recording: TrialRecording) -> None:
    named = np.repeat(["SCs", "SCm", "LGd", "CA1", "root"], 21)

    def described(area: np.ndarray) -> str:
        spikes = np.ones((len(area), *recording.spikes.shape[1:]), np.uint8)
        return describe(replace(recording, spikes=spikes, brain_area=area))

    rest = "; left out unless named with --regions: CA1\n"
    assert f"training  SCs, SCm, LGd (those of the first PupilEncoder){rest}" in described(named)
    fewer = named[(named != "SCm") & (np.arange(len(named)) != 70)][2:]  # 19 of SCs, 20 of CA1
    rest = "; left out unless named with --regions: SCs\n"
    assert f"training  LGd, CA1 (those of 20 neurons or more){rest}" in described(fewer)
    assert "training  LGd (those of 20 neurons or more)\n" in described(named[named == "LGd"])
    assert "no region has 20 neurons: name those to use with --regions" in describe(recording)
