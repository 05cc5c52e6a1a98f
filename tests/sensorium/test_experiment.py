"""SENSORIUM from scans to a submission, on three tiny mice: the functions, and the commands over them."""

import pickle
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import neurokit.training.fit
from neurokit import metrics, settings
from neurokit.cli import main
from neurokit.errors import CheckpointError, DataError, SettingsError
from neurokit.sensorium import experiment as run
from neurokit.sensorium import sources as recordings
from neurokit.sensorium import sources as scans
from neurokit.sensorium.config import PUBLISHED, small
from neurokit.sensorium.ensemble import train_ensemble
from neurokit.sensorium.experiment import Plan, evaluate_saved, prepare, submit, train_and_save
from neurokit.sensorium.member import Member
from neurokit.sensorium.recording import SCANS, load_scan
from neurokit.sensorium.saved import load_model
from neurokit.sensorium.simulated_mouse import MouseParameters
from neurokit.sensorium.simulation import ScanParameters
from neurokit.sensorium.state import StateSettings
from neurokit.sensorium.submission.table import rows
from neurokit.sensorium.training import predict_tier

KINDS = ("pretraining", "pretraining", "sensorium_plus")
WITHHELD = "90002-2-1"  # the key of the last


def tiny(seed: int = 0, kinds: tuple[str, ...] = KINDS) -> tuple[ScanParameters, ...]:
    """Mice of 22, 21, 20 ... neurons, so that means over neurons are not means over mice."""
    return tuple(
        ScanParameters(
            mouse=MouseParameters(neurons=22 - number, seed=10 * seed + number),
            kind=kind,
            train=60,
            validation=12,
            test_images=4,
            repeats=3,
        )
        for number, kind in enumerate(kinds)
    )


def blocks(number: int, random: np.random.Generator) -> np.ndarray:
    """Images drawn much faster than natural scenes, which nothing here needs."""
    return random.integers(0, 256, (number, 18, 32), np.uint8).repeat(8, axis=1).repeat(8, axis=2)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder of simulated scans for the whole module."""
    return tmp_path_factory.mktemp("scans") / "simulated"


@pytest.fixture(autouse=True)
def demo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, simulated: Path) -> Path:
    """A data folder of each test's own, but for the scans; returns it."""
    folder = tmp_path / "data"
    folder.mkdir()
    simulated.mkdir(exist_ok=True)
    (folder / "simulated").symlink_to(simulated, target_is_directory=True)
    monkeypatch.setenv("NEUROKIT_DATA", str(folder))
    monkeypatch.setenv("NEUROKIT_SOURCE", "demo")
    monkeypatch.setenv("NEUROKIT_QUIET", "1")
    monkeypatch.setattr(scans, "demo_parameters", tiny)
    monkeypatch.setattr("neurokit.sensorium.simulation.scenes", blocks)
    return folder


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Plan]:
    """Copies one trained model, made on the first call, into a test's data folder."""
    kept = tmp_path_factory.mktemp("kept")

    def copied(folder: Path) -> Plan:
        plan = Plan(epochs=1)
        if not any(kept.iterdir()):
            train_and_save(plan)
            shutil.copytree(folder / "checkpoints", kept, dirs_exist_ok=True)
        shutil.copytree(kept, folder / "checkpoints", dirs_exist_ok=True)
        return plan

    return copied


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert main(list(arguments)) == 0
    return capsys.readouterr().out


# The recipe made small


@pytest.mark.parametrize("name", list(PUBLISHED))
def test_small_changes_size_and_training_alone(name: str) -> None:
    """What it leaves is what the model is: penalties, readout, inputs, modulator."""
    published = PUBLISHED[name]
    made = small(published, 10)
    size = {"channels": 32, "layers": 2, "input_kernel": 11, "hidden_kernel": 7, "momentum": 0.1}
    assert made.model == published.model.replace(**size)
    assert made.model != published.model
    fit = made.fit
    assert (fit.epochs, fit.batch_size, fit.learning_rate, fit.clip) == (10, 4, 0.004, None)
    assert (fit.schedule, fit.warm_up, fit.patience, fit.rounds) == ("cosine", 2, None, 1)
    assert not fit.evaluate_first
    assert made.start == "receptive_fields"
    assert (made.seed, fit.seed) == (published.seed, published.fit.seed)
    assert made.behaviour_scale == published.behaviour_scale
    assert made.inputs == published.inputs.replace(state_settings=made.state)


def test_small_lowers_components_and_never_raises_them() -> None:
    recipe = PUBLISHED["model_4"]
    assert small(recipe).state == recipe.state.replace(components=100)
    few = StateSettings(components=30)
    assert small(recipe.replace(state=few)).state == few


# What a plan settles


def test_the_demo_is_small_and_the_full_tier_is_not() -> None:
    assert Plan("ln").recipe == small(PUBLISHED["ln"])
    assert Plan("ln", epochs=7).recipe == small(PUBLISHED["ln"], 7)
    assert Plan("ln", published=True).recipe == PUBLISHED["ln"]
    assert Plan("ln", source="full").recipe == PUBLISHED["ln"]
    seven = PUBLISHED["ln"].replace(fit=PUBLISHED["ln"].fit.replace(epochs=7))
    assert Plan("ln", epochs=7, source="full").recipe == seven
    assert "made small" in Plan("ln").description
    assert "published" in Plan("ln", published=True).description


def test_the_tier_is_that_of_when_it_was_planned(monkeypatch: pytest.MonkeyPatch) -> None:
    """A member may be trained in a process with another environment."""
    monkeypatch.setenv("NEUROKIT_SOURCE", "full")
    plan = Plan()
    monkeypatch.setenv("NEUROKIT_SOURCE", "demo")
    assert plan.source == "full"


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(SettingsError, match="no model 'model_5'; choose one of ln, cnn"):
        Plan("model_5")


def test_a_plan_for_an_unknown_tier_is_refused() -> None:
    plan = Plan()
    object.__setattr__(plan, "source", "Demo")  # the tests' type checks would not let it be made
    with pytest.raises(SettingsError, match="no source 'Demo'; use one of demo, cutout, full"):
        plan.__post_init__()


def test_seeds_of_plans() -> None:
    assert Plan(seed=np.int64(3)).recipe == Plan(seed=3).recipe
    assert Plan(seed=np.int64(3)).path == Plan(seed=3).path
    with pytest.raises(SettingsError, match="seed is -1"):
        Plan(seed=-1)


def test_what_models_are_given() -> None:
    given = {name: Plan(name).given for name in PUBLISHED}
    assert given == {
        "ln": "image", "cnn": "image", "ln_plus": "behaviour", "cnn_plus": "behaviour",
        "model_4": "everything",
    }  # fmt: skip
    assert "past responses" in Plan("model_4").description
    assert "past responses" not in Plan("cnn_plus").description


def test_ensembles_of_two_seeds_share_no_member() -> None:
    first, second = (Plan("model_4", seed=seed).recipe for seed in (0, 1))
    assert abs(first.seed - second.seed) > 100
    assert first.fit.seed != second.fit.seed


def test_every_plan_has_a_place_of_its_own() -> None:
    plans = [
        Plan(), Plan("ln"), Plan(seed=1), Plan(published=True), Plan(source="full"),
        Plan("ln", source="full"),
    ]  # fmt: skip
    for place in ("path", "unfinished", "members"):
        assert len({getattr(plan, place) for plan in plans}) == len(plans)
    assert Plan(epochs=3).path == Plan().path  # the one to evaluate
    assert Plan(epochs=3).unfinished != Plan().unfinished
    assert Plan(epochs=3).members != Plan().members


def test_the_full_tier_loads_what_the_model_can_read(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(scans, "load_scans", lambda keys=None, **options: asked.append((keys, options)) or {})
    for name in ("cnn", "cnn_plus"):
        Plan(name, source="full", seed=3).scans()
    options = {"source": "full", "seed": 3}
    assert asked == [(tuple(SCANS), options), (None, options)]  # by default: the six with behaviour
    assert Plan("cnn", source="full").left_out == []
    assert Plan("cnn_plus", source="full").left_out == ["26872-17-20"]
    assert [key for key in SCANS if key not in scans.FULL] == ["26872-17-20"]


def test_a_plan_can_be_sent_to_another_process() -> None:
    plan = pickle.loads(pickle.dumps(Plan().scans))
    assert list(plan()) == ["90000-1-1", "90001-1-1", WITHHELD]


# A scan without behaviour


@pytest.fixture
def one_without_behaviour(monkeypatch: pytest.MonkeyPatch) -> str:
    kinds = ("pretraining", "sensorium", "sensorium_plus")
    monkeypatch.setattr(scans, "demo_parameters", partial(tiny, kinds=kinds))
    return "90001-3-1"


def test_models_that_read_behaviour_leave_it_out_and_say_so(
    capsys: pytest.CaptureFixture[str], one_without_behaviour: str
) -> None:
    plan = Plan("cnn_plus")
    assert plan.left_out == [one_without_behaviour]
    assert list(plan.scans()) == ["90000-1-1", WITHHELD]
    text = said(capsys, "train", "--recording", "sensorium", "--epochs", "1")
    assert f"scan {one_without_behaviour} is left out: it has no behaviour" in text


def test_models_without_behaviour_submit_both_tracks(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    one_without_behaviour: str,
) -> None:
    monkeypatch.setattr(run, "TRACKS", {one_without_behaviour: "SENSORIUM"})
    folder = tmp_path / "here"
    text = said(
        capsys, "submit", "--model", "cnn", "--members", "1", "--epochs", "1", "--output", str(folder)
    )
    assert "left out" not in text
    files = ("submission_file_live_test.csv", "submission_file_final_test.csv")
    truths = ("ground_truth_file_test.csv", "ground_truth_file_final_test.csv")
    for place in ("SENSORIUM", WITHHELD):
        assert {file.name for file in (folder / place).iterdir()} == {*files, *truths}
    table = said(capsys, "data", "--recording", "sensorium").splitlines()
    (row,) = (line for line in table if line.split()[0] == one_without_behaviour)
    assert row.split() == [one_without_behaviour, "21", "60", "12", "12", "12", "no", "known"]


# Training and evaluation


def test_a_killed_training_goes_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second run does only the epochs that the first had left, and ends as one in one go."""
    command = ("train", "--recording", "sensorium", "--model", "ln", "--epochs", "3")
    done: list[int] = []

    def count(*arguments: object) -> float:
        done.append(1)
        if len(done) == 3:
            raise KeyboardInterrupt
        return train_epoch(*arguments)

    train_epoch = neurokit.training.fit._train_epoch
    monkeypatch.setattr(neurokit.training.fit, "_train_epoch", count)
    assert main(command) == 130
    plan = Plan("ln", epochs=3)
    assert plan.unfinished.is_file()
    text = said(capsys, *command)
    assert len(done) == 2 + 1 + 1
    assert not plan.unfinished.exists()
    assert "ln made small for the demo: 32 channels, 2 layers" in text
    broken = load_model(plan.path)[0].state_dict()
    train_and_save(plan)
    assert len(done) == 4 + 3
    for name, weights in load_model(plan.path)[0].state_dict().items():
        assert weights.equal(broken[name]), name


def test_training_saves_what_it_says(demo: Path, saved: Callable[[Path], Plan]) -> None:
    plan = saved(demo)
    again = train_and_save(plan)
    model, recipe, _ = load_model(again.path)
    assert recipe == plan.recipe
    assert again.parameters == sum(weights.numel() for weights in model.parameters())
    mice = prepare(plan)
    assert list(mice) == list(model.mice) == list(plan.scans())
    rates = predict_tier(model, mice, "validation")
    found = [
        metrics.correlation(mouse.scan.responses[mouse.trials("validation").numpy()], rates[key])
        for key, mouse in mice.items()
    ]
    assert np.concatenate(found).mean() == pytest.approx(again.correlation, abs=1e-6)


def test_evaluation_scores_the_test_trials_beside_the_ceiling(
    capsys: pytest.CaptureFixture[str], demo: Path, saved: Callable[[Path], Plan]
) -> None:
    """Held against scores computed here from the scan alone; the withheld scan has none."""
    plan = saved(demo)
    table = evaluate_saved(Plan()).set_index("mouse")  # its 20 epochs are not those of the saved model
    assert list(table.index) == ["90000-1-1", "90001-1-1", "all"]
    assert list(table["neurons"]) == [22, 21, 43]
    model, mice = load_model(plan.path)[0], prepare(plan)
    rates = predict_tier(model, mice, "test")
    for parameters in tiny()[:2]:
        key = parameters.key
        scan, truth = mice[key].scan, scans.scan_truth(parameters)
        own = metrics.correlation(scan.responses[scan.trials("test")], rates[key])
        assert table.single_trial[key] == pytest.approx(own.mean(), abs=1e-6)
        assert table.ceiling[key] == pytest.approx(truth.ceiling("behaviour").mean())
        assert table.ceiling[key] != pytest.approx(truth.ceiling("image").mean(), abs=1e-3)
    of_neurons = (22 * table.ceiling["90000-1-1"] + 21 * table.ceiling["90001-1-1"]) / 43
    assert table.ceiling["all"] == pytest.approx(of_neurons)
    text = said(capsys, "evaluate", "--recording", "sensorium")
    assert "training one" not in text
    assert f"{table.ceiling['all']:.3f}" in text
    assert "cnn_plus made small" in text


def test_evaluation_trains_where_nothing_is_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def one_epoch(plan: Plan) -> object:
        calls.append(plan)
        return train_and_save(replace(plan, epochs=1))

    monkeypatch.setattr(run, "train_and_save", one_epoch)
    assert list(evaluate_saved(Plan("model_4"))["mouse"]) == ["90000-1-1", "90001-1-1", "all"]
    evaluate_saved(Plan("model_4"))
    assert calls == [Plan("model_4")]


def test_states_of_the_saved_model_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fitting them again could give others than those it was trained on."""
    train_and_save(Plan("model_4", epochs=1))

    def forbidden(*arguments: object) -> None:
        raise AssertionError("fitted again")

    monkeypatch.setattr("neurokit.sensorium.features.fit_state", forbidden)
    assert len(evaluate_saved(Plan("model_4"))) == 3


def test_a_model_of_other_scans_is_refused(
    demo: Path, saved: Callable[[Path], Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(demo)
    monkeypatch.setattr(scans, "demo_parameters", lambda seed=0: tiny(seed)[:2])
    with pytest.raises(CheckpointError, match="other scans"):
        evaluate_saved(Plan())


# The submission


@pytest.fixture(scope="module")
def submitted(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], run.Submission]:
    """One submission of two members of Model 4, and its members copied into a test's data folder."""
    kept = tmp_path_factory.mktemp("submitted")
    made: list[run.Submission] = []

    def copied(folder: Path) -> run.Submission:
        plan = Plan("model_4", epochs=1)
        if not made:
            made.append(submit(plan, kept / "files", members=2))
            shutil.copytree(plan.members, kept / "members")
        shutil.copytree(kept / "members", plan.members, dirs_exist_ok=True)
        return made[0]

    return copied


def test_the_files_hold_the_mean_of_the_members(
    demo: Path, submitted: Callable[[Path], run.Submission]
) -> None:
    found, plan = submitted(demo), Plan("model_4", epochs=1)
    ensemble = train_ensemble(plan.scans, plan.recipe, plan.members, members=2)
    scan = plan.scans()[WITHHELD]
    assert [file.name for file in found.files] == [
        "submission_file_live_test.csv", "submission_file_final_test.csv",
    ]  # fmt: skip
    for file, tier in zip(found.files, ("test", "final_test"), strict=True):
        assert file.parent.name == WITHHELD
        members = ensemble.predict(tier)[WITHHELD]
        assert np.abs(members[0] - members[1]).max() > 1e-3
        written = np.stack([row.values for row in rows(file, "prediction")])
        np.testing.assert_allclose(written, members.mean(axis=0), atol=1e-6)
        assert [row.trial for row in rows(file, "prediction")] == list(scan.trial_ids[scan.trials(tier)])


def test_the_scores_are_those_against_the_truth(
    demo: Path, submitted: Callable[[Path], run.Submission]
) -> None:
    found = submitted(demo)
    truth = scans.scan_truth(tiny()[2])
    assert list(found.scores["tier"]) == ["test", "final_test"]
    for file, (_, row) in zip(found.files, found.scores.iterrows(), strict=True):
        chosen = truth.tiers == row["tier"]
        predicted = np.stack([line.values for line in rows(file, "prediction")])
        expected = metrics.correlation(truth.responses[chosen].astype(float), predicted).mean()
        assert row["Single Trial Correlation"] == pytest.approx(expected, abs=1e-5)
        assert row["ceiling"] == pytest.approx(truth.ceiling("everything", row["tier"]).mean())
    scan = Plan("model_4").scans()[WITHHELD]
    known = file.parent / "ground_truth_file_final_test.csv"
    standardised = np.stack([line.values for line in rows(known, "responses")])
    raw = truth.responses[truth.tiers == "final_test"]
    np.testing.assert_allclose(standardised, raw * scan.response_scale, rtol=1e-5)


def test_members_and_their_spread_are_shown(
    capsys: pytest.CaptureFixture[str],
    demo: Path,
    tmp_path: Path,
    submitted: Callable[[Path], run.Submission],
) -> None:
    found = submitted(demo)
    assert list(found.members["model"]) == ["member 0", "member 1", "ensemble"]
    assert set(found.members["neurons"]) == {43}  # of the two scans whose test responses are known
    single = found.members["single_trial"]
    text = said(capsys, "submit", "--members", "2", "--epochs", "1", "--output", str(tmp_path / "anew"))
    spread = abs(single[0] - single[1]) / 2
    assert f"members: {(single[0] + single[1]) / 2:.3f} ± {spread:.3f}" in text
    assert f"wrote {tmp_path / 'anew' / WITHHELD / found.files[0].name} (valid)" in text
    assert "reads past responses" in text


def test_finished_members_are_kept_and_a_killed_one_goes_on(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    demo: Path,
    tmp_path: Path,
    submitted: Callable[[Path], run.Submission],
) -> None:
    submitted(demo)
    trained: list[int] = []

    def train(member: Member) -> Path:
        trained.append(member.number)
        if len(trained) == 1:
            raise KeyboardInterrupt
        return train_member(member)

    train_member = Member.train
    monkeypatch.setattr(Member, "train", train)
    command = ["submit", "--members", "3", "--epochs", "1", "--output", str(tmp_path / "three")]
    assert main(command) == 130
    assert not (tmp_path / "three").exists()
    said(capsys, *command)
    assert trained == [2, 2]
    assert len(list((tmp_path / "three" / WITHHELD).iterdir())) == 4


def test_a_scan_without_final_test_cannot_be_submitted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scans, "demo_parameters", lambda seed=0: tiny(seed)[:2])
    monkeypatch.setattr(run, "train_ensemble", None)  # it would be noticed too late there
    with pytest.raises(DataError, match="None of 90000-1-1, 90001-1-1 has final_test trials"):
        submit(Plan("model_4"), "nowhere")
    assert main(["submit"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


# What the options reach


def test_every_option_of_submit_arrives(monkeypatch: pytest.MonkeyPatch, demo: Path) -> None:
    asked = []

    def caught(plan: Plan, folder: Path, **options: object) -> None:
        asked.append((plan, folder, options))
        raise DataError("enough.")

    monkeypatch.setattr(run, "submit", caught)
    line = "submit --model ln_plus --seed 2 --epochs 3 --published --members 4 --engine processes --workers 6"
    assert main([*line.split(), "--device", "cpu", "--compile", "default", "--output", "out"]) == 2
    assert main(["submit"]) == 2
    all_options = {"members": 4, "engine": "processes", "workers": 6, "device": "cpu", "compile": "default"}
    plans = [Plan("ln_plus", seed=2, epochs=3, published=True), Plan("model_4")]
    default = demo / "submissions" / plans[1].path.name
    assert asked == [(plans[0], Path("out"), all_options), (plans[1], default, {})]


def test_submit_hands_its_options_to_the_ensemble(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def caught(*arguments: object, **options: object) -> None:
        asked.append((arguments, options))
        raise DataError("enough.")

    monkeypatch.setattr(run, "train_ensemble", caught)
    plan = Plan("model_4", epochs=2)
    with pytest.raises(DataError, match="enough"):
        submit(plan, "nowhere", members=3, engine="ray", workers=4, device="cpu")
    wanted = {"members": 3, "engine": "ray", "workers": 4, "device": "cpu", "compile": "none"}
    assert asked == [((plan.scans, plan.recipe, plan.members), wanted)]


def test_options_of_train_and_evaluate_arrive(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def caught(plan: Plan, **options: object) -> None:
        asked.append((plan, options))
        raise DataError("enough.")

    monkeypatch.setattr(run, "train_and_save", caught)
    monkeypatch.setattr(run, "evaluate_saved", caught)
    for line in (
        "train --model ln --seed 4 --epochs 5 --device cpu --compile default --published",
        "train",
        "evaluate --model model_4 --seed 1 --published",
        "evaluate --source full",
    ):
        assert main([*line.split(), "--recording", "sensorium"]) == 2
    assert asked == [
        (Plan("ln", seed=4, epochs=5, published=True), {"device": "cpu", "compile": "default"}),
        (Plan("cnn_plus"), {}),
        (Plan("model_4", seed=1, published=True), {}),
        (Plan("cnn_plus", source="full"), {}),
    ]
    assert settings.source() == "demo"


# Scans shown and simulated


def test_data_shows_every_scan(capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, "data", "--recording", "sensorium").splitlines()
    table = [line.split() for line in lines[1:]]
    assert table == [
        ["scan", "neurons", "train", "validation", "test", "final_test", "behaviour", "order"],
        ["90000-1-1", "22", "60", "12", "12", "0", "yes", "known"],
        ["90001-1-1", "21", "60", "12", "12", "0", "yes", "known"],
        [WITHHELD, "20", "60", "12", "12", "12", "yes", "known"],
    ]


def test_all_seven_scans_of_the_full_tier_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(scans, "load_scans", lambda keys=None, **options: asked.append((keys, options)) or {})
    assert main(["data", "--recording", "sensorium", "--source", "full"]) == 0
    assert asked == [(tuple(SCANS), {"source": "full", "seed": 0})]


def test_the_order_is_shown_where_it_is_unknown() -> None:
    scan = replace(Plan().scans()[WITHHELD], ordered=False)
    table = recordings.describe_scans({"one": scan})
    pd.testing.assert_series_equal(table["order"], pd.Series(["unknown"], name="order"), check_dtype=False)


def test_simulate_replaces_what_it_wrote(tmp_path: Path) -> None:
    for seed in (3, 4):
        made = recordings.write_simulated(tmp_path / "made", trials=30, seed=seed)
        assert load_scan(made.scan, tmp_path / "packed").key == f"9000{seed}-1-1"
        assert list((tmp_path / "made").glob("*.zip")) == [made.scan]
    (tmp_path / "made" / "notes.txt").write_text("mine")
    with pytest.raises(DataError, match=r"notes\.txt, which this command did not write"):
        recordings.write_simulated(tmp_path / "made")


def test_simulate_writes_a_scan_and_its_truth(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    line = f"simulate --recording sensorium --trials 30 --seed 3 --output {tmp_path / 'made'}"
    text = said(capsys, *line.split())
    (zipped,) = (tmp_path / "made").glob("*.zip")
    scan, truth = load_scan(zipped, tmp_path / "packed"), scans.read_truth(tmp_path / "made" / "truth.npz")
    assert scan.key == "90003-1-1"
    assert len(scan.tiers) == 30
    assert len(truth.responses) == 30
    for given in ("image", "behaviour", "everything"):
        assert f"{given} {truth.ceiling(given).mean():.3f}" in text


@pytest.mark.parametrize("trials", [20, 21, 33, 100, 1320, 5000])
def test_a_simulated_scan_has_the_trials_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, trials: int
) -> None:
    asked: list[ScanParameters] = []

    def caught(parameters: ScanParameters) -> None:
        asked.append(parameters)
        raise DataError("enough.")

    monkeypatch.setattr(recordings, "simulate_scan", caught)
    with pytest.raises(DataError, match="enough"):
        recordings.write_simulated(tmp_path / "made", trials)
    (found,) = asked
    assert found.train + found.validation + found.test_images * found.repeats == trials
    assert found.kind == "pretraining"
    if trials == 1320:
        assert found == ScanParameters()
