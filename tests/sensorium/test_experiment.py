"""SENSORIUM from scans to a submission by Experiment, on three tiny mice in a folder of one's own."""

import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hyperopt import hp

import neurokit.training.fit
from neurokit import load_pretrained, metrics, sensorium
from neurokit.errors import CheckpointError, DataError, SettingsError
from neurokit.experiment import Experiment
from neurokit.sensorium import MODELS, ScanParameters, SensoriumConfig, Submission
from neurokit.sensorium import features as mouse_trials
from neurokit.sensorium import simulation as simulated_scans
from neurokit.sensorium.ensemble import Member
from neurokit.sensorium.experiment import DATA_FIELDS, OPTIONS
from neurokit.sensorium.past_responses import StateSettings
from neurokit.sensorium.scores import given_to_model
from neurokit.sensorium.simulated_mouse import MouseParameters
from neurokit.sensorium.simulation import truth_path, write_scan, write_truth
from neurokit.sensorium.submission import entry
from neurokit.sensorium.submission.table import rows
from neurokit.training import checkpoint
from tests.sensorium.own_core import contrast, residual
from tests.sensorium.toys import FULL, PLAIN, PLUS, same, weights

KINDS = ("pretraining", "pretraining", "sensorium_plus")
KEYS = ("90000-1-1", "90001-1-1", "90002-2-1")
WITHHELD = KEYS[2]
CONFIGS = {"plain": PLAIN, "plus": PLUS, "full": FULL}
Tiny = Callable[..., Experiment]
Submitted = tuple[Submission, Path, Path]  # what was made, its members, its files


def parameters(kinds: tuple[str, ...] = KINDS) -> tuple[ScanParameters, ...]:
    """Mice of 22, 21, 20 ... neurons, so that means over neurons are not means over mice."""
    sizes = {"train": 60, "validation": 12, "test_images": 4, "repeats": 3}
    return tuple(
        ScanParameters(mouse=MouseParameters(neurons=22 - number, seed=number), kind=kind, **sizes)
        for number, kind in enumerate(kinds)
    )


def blocks(number: int, random: np.random.Generator) -> np.ndarray:
    """Images drawn much faster than natural scenes, which nothing here needs."""
    return random.integers(0, 256, (number, 18, 32), np.uint8).repeat(8, axis=1).repeat(8, axis=2)


def written(folder: Path, kinds: tuple[str, ...] = KINDS, *, truth: bool = True) -> Path:
    """The scans as zips, each with its truth."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulated_scans, "scenes", blocks)
        for each in parameters(kinds):
            scan = sensorium.simulate_scan(each)
            path = write_scan(scan, folder)
            if truth:
                write_truth(scan, truth_path(path))
    return folder


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder of simulated scans for all tests here."""
    return written(tmp_path_factory.mktemp("own") / "mice")


@pytest.fixture(autouse=True)
def data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A data folder of each test's own."""
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("NEUROKIT_QUIET", "1")
    return tmp_path / "data"


@pytest.fixture
def tiny(scans: Path) -> Tiny:
    """A small experiment on these scans."""

    def make(name: str = "plus", **options: Any) -> Experiment:
        chosen = {"config": CONFIGS[name], "folder": scans, "epochs": 1, "device": "cpu"} | options
        return Experiment("sensorium", **chosen)

    return make


def truth_of(scans: Path, key: str) -> sensorium.ScanTruth:
    (path,) = scans.glob(f"static{key}-*_truth.npz")
    return sensorium.read_truth(path)


# --- configs


@pytest.mark.parametrize("name", list(MODELS))
def test_small_changes_size_and_training_alone(name: str) -> None:
    """What it leaves is what the model is: penalties, readout, inputs, modulator."""
    published, small = MODELS[name].published, MODELS[name].small.with_epochs(10)
    size = {"channels": 32, "layers": 2, "input_kernel": 11, "hidden_kernel": 7, "momentum": 0.1}
    assert small.model == published.model.replace(**size) != published.model
    fit = small.fit
    assert (fit.epochs, fit.batch_size, fit.learning_rate, fit.clip) == (10, 4, 0.004, None)
    assert (fit.schedule, fit.warm_up, fit.patience, fit.rounds) == ("cosine", 2, None, 1)
    assert not fit.evaluate_first and small.start == "receptive_fields"
    assert (small.seed, fit.seed) == (published.seed, published.fit.seed)
    assert small.behaviour_scale == published.behaviour_scale
    assert small.inputs == published.inputs.replace(state_settings=small.state)
    assert small.state == published.state.replace(components=100)


def test_a_warm_up_of_a_fifth_stays_a_fifth_and_no_other_is_touched() -> None:
    small = MODELS["cnn_plus"].small
    assert [small.with_epochs(epochs).fit.warm_up for epochs in (1, 8, 12, 50)] == [1, 1, 2, 10]
    assert MODELS["cnn_plus"].published.with_epochs(50).fit == MODELS["cnn_plus"].published.fit.replace(
        epochs=50
    )
    own = SensoriumConfig(fit=small.fit.replace(warm_up=4))
    assert own.with_epochs(50).fit == own.fit.replace(epochs=50)


@pytest.mark.parametrize("size", ["small", "published"])
def test_an_own_config_stays_what_it_is(size: str) -> None:
    """The size picks an entry of the table and nothing else."""
    own = SensoriumConfig(model=PLUS.model.replace(channels=7), state=StateSettings(components=300))
    assert Experiment("sensorium", config=own, size=size).config == own
    assert Experiment("sensorium", build=residual, size=size).config == getattr(MODELS["cnn_plus"], size)


def test_seeds_of_two_experiments_are_a_thousand_apart() -> None:
    """More than an ensemble has members, so that two ensembles share none."""
    first, second = (Experiment("sensorium", model="model_4", seed=seed).config for seed in (0, np.int64(3)))
    assert (second.seed - first.seed, second.fit.seed - first.fit.seed) == (3000, 3000)


def test_what_models_are_given() -> None:
    found = {name: given_to_model(entry.small) for name, entry in MODELS.items()}
    assert found == {
        "cnn_plus": "behaviour", "ln": "image", "cnn": "image", "ln_plus": "behaviour",
        "model_4": "everything",
    }  # fmt: skip


def test_fields_that_are_named_are_fields() -> None:
    config = SensoriumConfig()
    for name in (*DATA_FIELDS, *(option.key for option in OPTIONS)):
        config.value(name)
    assert config.with_values(dict.fromkeys(["channels", "gamma_input"], 3)).model.channels == 3
    for name in sensorium.search_space():
        assert config.with_values({name: 16 if name == "channels" else 0.1})


# --- train, evaluate, resume


def test_two_experiments_never_share_a_file(tiny: Tiny) -> None:
    made = [Experiment("sensorium", model=name) for name in MODELS]
    made += [Experiment("sensorium", size="published"), Experiment("sensorium", source="full")]
    made += [
        tiny(),
        tiny("plain"),
        tiny(seed=1),
        tiny(epochs=2),
        tiny(session=WITHHELD),
        tiny(build=residual),
    ]
    made += [tiny(build=contrast, config=PLAIN), tiny(values={"behaviour_scale": "range"})]
    assert len({each.path for each in made}) == len({each.unfinished for each in made}) == len(made)


def test_a_model_is_trained_on_all_scans_and_opened_again(tiny: Tiny) -> None:
    first = tiny("full").train()
    assert list(first.recording) == list(first.result.model.mice) == list(KEYS)
    again = tiny("full")
    assert again.is_trained and same(weights(again.result.model), weights(first.result.model))
    for key, rates in again.predict("validation").items():
        assert np.array_equal(rates, first.predict("validation")[key])
    found = [
        metrics.correlation(mouse.scan.responses[mouse.trials("validation").numpy()], rates)
        for mouse, rates in zip(again.task.values(), again.predict("validation").values(), strict=True)
    ]
    assert np.concatenate(found).mean() == pytest.approx(again.score().value, abs=1e-6)
    held = checkpoint.read_facts(first.path)
    assert SensoriumConfig.from_dict(held["config"]) == first.config
    assert {key: len(ids) for key, ids in held["unit_ids"].items()} == dict(
        zip(KEYS, (22, 21, 20), strict=True)
    )


def test_a_killed_training_goes_on_to_the_same_weights(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    straight = tiny("full", epochs=3).train()
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path / "other"))
    train_epoch, done = neurokit.training.fit._train_epoch, []

    def count(*arguments: Any) -> float:
        done.append(1)
        if len(done) == 3:
            raise KeyboardInterrupt
        return train_epoch(*arguments)

    monkeypatch.setattr(neurokit.training.fit, "_train_epoch", count)
    with pytest.raises(KeyboardInterrupt):
        tiny("full", epochs=3).train()
    assert tiny("full", epochs=3).unfinished.is_file()
    resumed = tiny("full", epochs=3).train()
    assert len(done) == 2 + 1 + 1 and not resumed.unfinished.exists()
    assert same(weights(resumed.result.model), weights(straight.result.model))


def test_states_of_the_saved_model_are_used(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fitting them again could give others than those it was trained on."""
    first = tiny("full").train()
    monkeypatch.setattr(mouse_trials, "fit_state", lambda *_: pytest.fail("fitted again"))
    again = tiny("full")
    assert again.evaluate().equals(first.evaluate())
    for key in KEYS:
        assert np.array_equal(again.task[key].state.parts, first.task[key].state.parts)


def test_a_model_of_other_scans_is_refused(tiny: Tiny) -> None:
    tiny().train()
    fewer, changed = tiny(), tiny()
    fewer.recording = {key: scan for key, scan in fewer.recording.items() if key != WITHHELD}
    with pytest.raises(CheckpointError, match=r"fitted to other data \(scans differ\)"):
        fewer.evaluate()
    scan = changed.recording[KEYS[1]]
    changed.recording = changed.recording | {KEYS[1]: replace(scan, responses=scan.responses[::-1].copy())}
    with pytest.raises(CheckpointError, match=r"fitted to other data \(90001-1-1 differ\)"):
        changed.evaluate()


def test_an_own_config_is_searched(tiny: Tiny) -> None:
    space = {
        "fit.learning_rate": hp.loguniform("fit.learning_rate", -7, -4),
        "gamma_readout": hp.uniform("g", 0, 1),
    }
    experiment = tiny()
    study = experiment.tune(2, space=space, progress=False)
    assert {each.status for each in study.records} == {"complete"}
    best = experiment.with_values(study.best).train()
    assert best.result.best_loss == pytest.approx(study.best_loss, rel=1e-6)
    assert -study.best_loss == pytest.approx(best.score().value)


@pytest.mark.parametrize(("build", "config"), [(residual, FULL), (contrast, PLAIN)])
def test_a_model_of_ones_own_goes_all_the_way(tiny: Tiny, build: Any, config: SensoriumConfig) -> None:
    first = tiny(build=build, config=config).train()
    again = tiny(build=build, config=config)
    assert again.evaluate().equals(first.evaluate())
    assert same(weights(again.result.model), weights(first.result.model))
    opened = load_pretrained(first.path).model
    assert same(weights(opened), weights(first.result.model))


# --- scores


def test_evaluation_scores_the_test_trials_beside_baselines_and_ceiling(tiny: Tiny, scans: Path) -> None:
    """Held against scores computed here from the scan alone; the withheld scan has none."""
    experiment = tiny()
    table = experiment.evaluate().set_index(["model", "mouse"])
    mice = [*KEYS[:2], "all"]
    models = ["SensoriumModel", "mean rate", "behaviour alone", "ceiling"]
    assert list(table.index) == [(model, mouse) for model in models for mouse in mice]
    assert list(table.neurons) == [22, 21, 43] * 4
    for key in KEYS[:2]:
        scan, truth, rates = experiment.recording[key], truth_of(scans, key), experiment.predict()[key]
        own = metrics.correlation(scan.responses[scan.trials("test")], rates)
        assert table.single_trial["SensoriumModel", key] == pytest.approx(own.mean(), abs=1e-6)
        assert table.single_trial["ceiling", key] == pytest.approx(truth.ceiling("behaviour").mean())
        assert table.spread["ceiling", key] == pytest.approx(truth.ceiling("behaviour").std(ddof=1))
        assert abs(table.single_trial["ceiling", key] - truth.ceiling("image").mean()) > 1e-3
    best = table.single_trial["ceiling"]
    assert best["all"] == pytest.approx((22 * best[KEYS[0]] + 21 * best[KEYS[1]]) / 43)
    assert (table.single_trial["mean rate"] == 0).all()


def test_behaviour_alone_is_a_ridge_that_sees_no_image(tiny: Tiny) -> None:
    mouse = tiny().task[KEYS[0]]
    found = sensorium.behaviour_alone(mouse)
    turned = replace(mouse.scan, images=-mouse.scan.images)
    other = sensorium.task({KEYS[0]: turned}, PLUS, device="cpu")[KEYS[0]]
    assert np.array_equal(sensorium.behaviour_alone(other), found)
    train, test = (mouse.trials(tier).numpy() for tier in ("train", "test"))
    raw = np.hstack([mouse.scan.behaviour, mouse.scan.pupil_center])
    raw, responses = (raw - raw[train].mean(axis=0)) / raw[train].std(axis=0), mouse.scan.responses
    plain = np.linalg.lstsq(np.c_[raw[train], np.ones(len(train))], responses[train])[0]
    expected = np.c_[raw[test], np.ones(len(test))] @ plain
    both = np.c_[found.mean(axis=1), expected.mean(axis=1)]
    assert np.corrcoef(both.T)[0, 1] > 0.9
    still = replace(mouse.scan, behaviour=np.zeros_like(raw[:, :3]), pupil_center=np.zeros_like(raw[:, :2]))
    mice = sensorium.task({KEYS[0]: still}, PLAIN, device="cpu")
    np.testing.assert_allclose(
        sensorium.behaviour_alone(mice[KEYS[0]]), sensorium.mean_rate(mice[KEYS[0]]), rtol=1e-5
    )


def test_the_yardsticks_show_a_model_that_learned_nothing(tiny: Tiny, scans: Path) -> None:
    """At a learning rate of next to nothing it is near 0, and behaviour alone is not."""
    score = tiny(values={"fit.learning_rate": 1e-9}).score()
    assert list(score.yardsticks) == ["behaviour alone", "ceiling"]
    known = [truth_of(scans, key).ceiling("behaviour", "validation") for key in KEYS]
    assert score.yardsticks["ceiling"] == pytest.approx(np.concatenate(known).mean())
    assert score.value < score.yardsticks["behaviour alone"] < score.yardsticks["ceiling"]
    assert "validation correlation" in score.name


def test_a_recording_without_truth_has_the_ceiling_of_its_repeats(tmp_path: Path, tiny: Tiny) -> None:
    folder = written(tmp_path / "real", KINDS[:1], truth=False)
    experiment = tiny(folder=folder)
    best = experiment.evaluate().query("model == 'ceiling'")
    assert best["mouse"].tolist()[-1] == "all" and best[["single_trial", "to_average"]].notna().all(axis=None)
    assert experiment.ceiling.startswith("ceiling: from this recording, ")
    assert list(experiment.score().yardsticks) == ["behaviour alone"]


def test_scores_need_responses_that_are_not_withheld(tiny: Tiny) -> None:
    with pytest.raises(DataError, match=f"{WITHHELD} withhold all test responses; evaluate on a scan that"):
        tiny(session=WITHHELD).evaluate()


def test_the_scores_are_drawn_with_names_and_units(tiny: Tiny) -> None:
    figure = sensorium.draw(tiny().evaluate())
    titles = [axis.get_title() for axis in figure.axes]
    assert titles == ["scan 90000-1-1", "scan 90001-1-1", "all neurons"]
    assert "correlation on single test trials" in figure.get_supxlabel()
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["SensoriumModel", "mean rate", "behaviour alone"]


# --- images that were never shown


@pytest.fixture(scope="module")
def opened(scans: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A trained model of each config, as `load_pretrained` opens it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEUROKIT_DATA", str(tmp_path_factory.mktemp("data")))
        patch.setenv("NEUROKIT_QUIET", "1")
        found = {}
        for name, config in {**CONFIGS, "range": PLUS.replace(behaviour_scale="range")}.items():
            made = Experiment("sensorium", config=config, folder=scans, epochs=1, device="cpu").train()
            found[name] = load_pretrained(made.path), made
        return found


def raw(scans: Path, key: str, trials: np.ndarray) -> dict[str, Any]:
    """What the files say of some trials."""
    (path,) = scans.glob(f"static{key}-*.zip")
    with zipfile.ZipFile(path) as archive:

        def read(field: str) -> np.ndarray:
            names = [f"{path.stem}/data/{field}/{trial}.npy" for trial in trials]
            return np.stack([np.load(archive.open(name)) for name in names])

        return {
            "images": read("images")[:, 0],
            "behaviour": read("behavior"),
            "pupil_center": read("pupil_center"),
            "session": np.array(key),
        }


@pytest.mark.parametrize("name", ["plain", "plus", "range"])
def test_raw_trials_give_the_rates_that_their_scan_gives(
    opened: dict[str, Any], scans: Path, name: str
) -> None:
    found, experiment = opened[name]
    for key in KEYS:
        scan = experiment.recording[key]
        given = raw(scans, key, scan.trials("test"))
        if name == "plain":
            del given["behaviour"], given["pupil_center"]
        rates = found.respond(**given)
        assert list(rates) == ["rates"]
        np.testing.assert_allclose(rates["rates"], experiment.predict()[key], rtol=1e-5, atol=1e-6)
        assert rates["rates"].shape == (12, scan.neurons)


def test_small_images_are_taken_as_they_are(opened: dict[str, Any]) -> None:
    found, _ = opened["plain"]
    small = np.random.default_rng(0).integers(0, 256, (3, 36, 64), np.uint8)
    large = small.repeat(4, axis=1).repeat(4, axis=2)
    one, two = (found.respond(images=each, session=KEYS[0])["rates"] for each in (small, large))
    np.testing.assert_allclose(one, two, rtol=1e-6)


GREY = np.full((2, 36, 64), 100, np.uint8)
BEHAVIOUR, EYE = np.ones((2, 3)), np.full((2, 2), 60.0)
REFUSED = {
    "no session": ({"session": None}, "session is missing; name one of the model's scans: 90000-1-1, 90001"),
    "session": ({"session": "27204-5-13"}, "session is 27204-5-13; name one of the model's scans"),
    "two sessions": ({"session": np.array(KEYS[:2])}, "session is 90000-1-1, 90001-1-1; name one"),
    "no images": ({"images": None}, "images is missing; the inputs hold behaviour, pupil_center, session"),
    "one image": ({"images": GREY[0]}, r"images has the shape \(36, 64\); give images x 144 x 256 or"),
    "size": ({"images": np.zeros((2, 72, 128))}, r"images has the shape \(2, 72, 128\)"),
    "standardised": ({"images": GREY - 100.5}, "images holds values from -0.5 to -0.5; give grey values"),
    "fractions": ({"images": GREY / 255}, "images holds values from 0.392 to 0.392; give grey values from 0"),
    "NaN": ({"images": GREY * np.nan}, "images holds float64 values, not all of them finite"),
    "words": ({"images": GREY.astype(str)}, "images is text; give real numbers"),
    "no behaviour": ({"behaviour": None}, "behaviour is missing; the inputs hold images"),
    "width": ({"behaviour": np.ones((2, 2))}, r"behaviour has the shape \(2, 2\); give images x 3"),
    "length": ({"behaviour": BEHAVIOUR[:1]}, r"differ in length \(images 2, behaviour 1, pupil_center 2\)"),
    "z-scored": ({"pupil_center": 1e4 + EYE}, r"pupil_center lies \d+ standard deviations from the scan's"),
}


@pytest.mark.parametrize("wrong", REFUSED)
def test_what_does_not_fit_the_model_is_refused(opened: dict[str, Any], wrong: str) -> None:
    found, experiment = opened["plus"]
    eye = experiment.recording[KEYS[0]].pupil_center[:2]
    changes, says = REFUSED[wrong]
    asked = {"images": GREY, "behaviour": BEHAVIOUR, "pupil_center": eye, "session": KEYS[0]} | changes
    with pytest.raises(DataError, match=says):
        found.respond(**{name: values for name, values in asked.items() if values is not None})


def test_what_would_be_ignored_is_refused(opened: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="would ignore behaviour; leave it out"):
        opened["plain"][0].respond(images=GREY, behaviour=BEHAVIOUR, session=KEYS[0])


def test_a_model_of_one_scan_needs_no_session(tiny: Tiny) -> None:
    made = tiny("plain", session=KEYS[1]).train()
    assert load_pretrained(made.path).respond(images=GREY)["rates"].shape == (2, 21)


def test_a_model_that_reads_past_responses_says_why_it_cannot(opened: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=r"reads past responses \(history, state or gain\), which an image"):
        opened["full"][0].respond(images=GREY, session=KEYS[0])


# --- a scan without behaviour


def test_models_that_read_behaviour_leave_it_out_and_say_so(tmp_path: Path, tiny: Tiny) -> None:
    folder = written(tmp_path / "mixed", ("pretraining", "sensorium", "sensorium_plus"))
    experiment = tiny(folder=folder)
    assert list(experiment.recording) == ["90000-1-1", "90002-2-1"]
    text = sensorium.describe(experiment.recording)
    assert "scan 90001-3-1 is left out: it has no behaviour" in text
    (omission,) = experiment.omissions
    assert str(omission) == "1 of 3 scans left out (what the model reads was not recorded): 90001-3-1"
    with pytest.raises(DataError, match="Scan 90001-3-1 has no behaviour"):
        tiny(folder=folder, session="90001-3-1").train()
    without = tiny("plain", folder=folder)
    assert without.omissions == ()
    lines = sensorium.describe(without.recording).splitlines()
    assert len(lines) == 4 and lines[2].split() == [
        "90001-3-1", "21", "60", "12", "12", "12", "no", "known"
    ]  # fmt: skip


def test_models_without_behaviour_submit_both_tracks(
    tmp_path: Path, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(entry.TRACKS, "90001-3-1", "SENSORIUM")
    folder = written(tmp_path / "mixed", ("pretraining", "sensorium", "sensorium_plus"))
    tiny("plain", folder=folder).submit(tmp_path / "here", members=1)
    names = {f"{kind}_{tier}.csv" for kind, tier in [
        ("submission_file", "live_test"), ("submission_file", "final_test"),
        ("ground_truth_file", "test"), ("ground_truth_file", "final_test"),
    ]}  # fmt: skip
    for place in ("SENSORIUM", WITHHELD):
        assert {file.name for file in (tmp_path / "here" / place).iterdir()} == names


# --- the submission


@pytest.fixture(scope="module")
def submitted(scans: Path, tmp_path_factory: pytest.TempPathFactory) -> Submitted:
    """One submission of two members that read all there is."""
    place = tmp_path_factory.mktemp("submitted")
    load = partial(sensorium.load, folder=scans, config=FULL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEUROKIT_DATA", str(place / "data"))
        made = entry.submit(
            load, FULL, place / "files", members_folder=place / "members", members=2, device="cpu"
        )
    return made, place / "members", place / "files"


def test_the_files_hold_the_mean_of_the_members(
    submitted: tuple[Submission, Path, Path], scans: Path
) -> None:
    made, members, files = submitted
    load = partial(sensorium.load, folder=scans, config=FULL)
    ensemble, scan = sensorium.train_ensemble(load, FULL, members, members=2, device="cpu"), load()[WITHHELD]
    assert [file.name for file in made.files] == [
        "submission_file_live_test.csv",
        "submission_file_final_test.csv",
    ]
    for file, tier in zip(made.files, ("test", "final_test"), strict=True):
        assert file.parent == files / WITHHELD
        rates = ensemble.predict(tier)[WITHHELD]
        assert np.abs(rates[0] - rates[1]).max() > 1e-3
        held = np.stack([row.values for row in rows(file, "prediction")])
        np.testing.assert_allclose(held, rates.mean(axis=0), atol=1e-6)
        assert [row.trial for row in rows(file, "prediction")] == list(scan.trial_ids[scan.trials(tier)])


def test_the_scores_are_those_against_the_truth(
    submitted: tuple[Submission, Path, Path], scans: Path
) -> None:
    made, _, _ = submitted
    truth = truth_of(scans, WITHHELD)
    assert list(made.scores["tier"]) == ["test", "final_test"]
    for file, (_, row) in zip(made.files, made.scores.iterrows(), strict=True):
        chosen = truth.tiers == row["tier"]
        predicted = np.stack([line.values for line in rows(file, "prediction")])
        expected = metrics.correlation(truth.responses[chosen].astype(float), predicted).mean()
        assert row["Single Trial Correlation"] == pytest.approx(expected, abs=1e-5)
        assert row["ceiling"] == pytest.approx(truth.ceiling("everything", row["tier"]).mean())
    scan = sensorium.load(folder=scans)[WITHHELD]
    known = made.files[0].parent / "ground_truth_file_final_test.csv"
    standardised = np.stack([line.values for line in rows(known, "responses")])
    raw_responses = truth.responses[truth.tiers == "final_test"]
    np.testing.assert_allclose(standardised, raw_responses * scan.response_scale, rtol=1e-5)


def test_members_are_scored_on_the_scans_whose_responses_are_known(
    submitted: Submitted,
) -> None:
    made, _, _ = submitted
    assert list(made.members["model"]) == ["member 0", "member 1", "ensemble"]
    assert set(made.members["neurons"]) == {43} and set(made.members["mouse"]) == {"all"}


def test_a_member_can_be_asked_as_any_checkpoint(submitted: Submitted) -> None:
    found = load_pretrained(submitted[1] / "member-1")
    assert found.facts["config"]["seed"] == FULL.seed + 1
    with pytest.raises(DataError, match="reads past responses"):
        found.respond(images=GREY, session=KEYS[0])


def test_a_killed_ensemble_goes_on_and_trains_no_member_twice(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, data: Path
) -> None:
    trained: list[int] = []

    def train(member: Member) -> None:
        trained.append(member.number)
        if trained == [0, 1]:
            raise KeyboardInterrupt
        train_member(member)

    train_member = Member.train
    monkeypatch.setattr(Member, "train", train)
    with pytest.raises(KeyboardInterrupt):
        tiny().submit(tmp_path / "two", members=2)
    assert not (tmp_path / "two").exists()
    made = tiny().submit(tmp_path / "two", members=2)
    assert trained == [0, 1, 1] and all(file.is_file() for file in made.files)
    assert {file.name for file in (data / "checkpoints").iterdir()} == {f"{tiny().path.name}-members"}


def test_a_scan_without_any_test_cannot_be_submitted(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entry, "train_ensemble", lambda *_, **__: pytest.fail("too late"))
    scans = {
        key: replace(scan, tiers=np.where(scan.tiers == "test", "train", scan.tiers))
        for key, scan in tiny(session=KEYS[:2]).recording.items()
    }
    with pytest.raises(DataError, match="None of 90000-1-1, 90001-1-1 has test or final_test trials"):
        sensorium.submit(lambda: scans, PLAIN, "nowhere", members_folder="nowhere")


def test_a_scan_without_final_test_submits_its_test_where_no_other_competes(
    tiny: Tiny, tmp_path: Path
) -> None:
    made = tiny(session=KEYS[0]).submit(tmp_path / "own", members=1)
    assert [file.name for file in made.files] == ["submission_file_live_test.csv"]
    assert list(made.scores["tier"]) == ["test"] and made.files[0].parent.name == KEYS[0]
    assert entry.find_competing(tiny().recording) == [WITHHELD]


def test_a_competition_scan_alone_is_submitted(tiny: Tiny, tmp_path: Path) -> None:
    made = tiny(session=WITHHELD).submit(tmp_path / "alone", members=1)
    assert len(made.members) == 0 and len(made.scores) == len(made.files) == 2


def test_submit_hands_its_options_to_the_ensemble(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, ...]] = []

    def caught(load: Any, config: Any, folder: Path, **options: Any) -> None:
        asked.append((list(load()), config, folder.name, options))
        raise DataError("enough.")

    monkeypatch.setattr(entry, "train_ensemble", caught)
    experiment = tiny()
    with pytest.raises(DataError, match="enough"):
        experiment.submit("nowhere", members=3, engine="ray", workers=4, build=residual)
    wanted = {"members": 3, "engine": "ray", "workers": 4, "build": residual}
    wanted |= {"device": "cpu", "compile": "none"}
    assert asked == [(list(KEYS), experiment.config, f"{experiment.path.name}-members", wanted)]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            {"workers": 2},
            "workers is 2, and the engine here trains one member at a time; use processes or ray",
        ),
        ({"compile": "graphs"}, "compile is 'graphs', which needs CUDA"),
    ],
)
def test_what_cannot_go_together_is_refused_before_anything_is_read(
    options: dict[str, Any], says: str
) -> None:
    with pytest.raises(SettingsError, match=says):
        entry.submit(
            lambda: pytest.fail("loaded"), PLAIN, "a", members_folder="b", **{"device": "cpu"} | options
        )


# --- a simulated scan


def test_what_simulate_wrote_is_a_folder_to_train_on(tmp_path: Path, tiny: Tiny) -> None:
    made = sensorium.simulate(tmp_path / "made", seed=3, trials=40)
    assert all(file.is_file() for file in made.files)
    experiment = tiny(folder=tmp_path / "made")
    (scan,) = experiment.recording.values()
    assert scan.key == "90003-1-1" and len(scan.tiers) == 40
    truth = sensorium.read_truth(made.files[1])
    for word in ("image", "behaviour", "everything"):
        assert f"{word} {truth.ceiling(word).mean():.3f}" in made.ceiling
    table = experiment.evaluate().set_index(["model", "mouse"])
    best = table.single_trial["ceiling", "all"]
    assert best == pytest.approx(truth.ceiling("behaviour").mean())


def test_simulate_replaces_what_it_wrote_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulated_scans, "scenes", blocks)
    for seed in (3, 4):
        made = sensorium.simulate(tmp_path / "made", trials=30, seed=seed)
        assert list(sensorium.load(folder=tmp_path / "made")) == [f"9000{seed}-1-1"]
        assert sorted((tmp_path / "made").glob("static*")) == sorted(made.files)
    (tmp_path / "made" / "notes.txt").write_text("mine")
    with pytest.raises(DataError, match=r"notes\.txt, which this command did not write"):
        sensorium.simulate(tmp_path / "made")


@pytest.mark.parametrize("trials", [20, 21, 33, 100, 1320, 5000])
def test_a_simulated_scan_has_the_trials_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, trials: int
) -> None:
    asked: list[ScanParameters] = []

    def caught(chosen: ScanParameters) -> None:
        asked.append(chosen)
        raise DataError("enough.")

    monkeypatch.setattr("neurokit.sensorium.sources.simulate_scan", caught)
    with pytest.raises(DataError, match="enough"):
        sensorium.simulate(tmp_path / "made", trials=trials)
    (found,) = asked
    assert found.train + found.validation + found.test_images * found.repeats == found.trials == trials
    assert found.kind == "pretraining"
    if trials == 1320:
        assert found == ScanParameters()


def test_fewer_trials_than_a_scan_needs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="A scan of 19 trials cannot be simulated; ask for 20 or more"):
        sensorium.simulate(tmp_path / "made", trials=19)


def test_scans_are_described(tiny: Tiny) -> None:
    scans = tiny().recording
    table = [line.split() for line in sensorium.describe(scans).splitlines()]
    assert table == [
        ["scan", "neurons", "train", "validation", "test", "final_test", "behaviour", "order"],
        ["90000-1-1", "22", "60", "12", "12", "0", "yes", "known"],
        ["90001-1-1", "21", "60", "12", "12", "0", "yes", "known"],
        [WITHHELD, "20", "60", "12", "12", "12", "yes", "known"],
    ]
    unordered = sensorium.describe({"one": replace(scans[WITHHELD], ordered=False)})
    assert unordered.splitlines()[1].split()[-1] == "unknown"


def test_scores_are_saved_beside_the_checkpoint(tiny: Tiny) -> None:
    experiment = tiny()
    _, text, picture = experiment.save_scores(experiment.evaluate())
    held = json.loads(text.read_text())
    assert set(held["validation"]) == {"name", "own", "behaviour alone", "ceiling"}
    assert picture.stat().st_size > 5000
