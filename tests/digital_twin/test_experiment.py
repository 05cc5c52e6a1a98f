"""Digital twins from a recording to scores: plans, saved twins, transfer and commands, on tiny mice."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import neurokit.training.fit
from neurokit.cli import main
from neurokit.digital_twin import experiment as plans
from neurokit.digital_twin import experiment as runs
from neurokit.digital_twin import released
from neurokit.digital_twin import released as microns_weights
from neurokit.digital_twin.baselines import lagged_pixels
from neurokit.digital_twin.config import TwinConfig
from neurokit.digital_twin.conversion import write_recording
from neurokit.digital_twin.experiment import Plan, evaluate_saved, load_foundation, train_and_save
from neurokit.digital_twin.recording import Video, load_trials, load_videos
from neurokit.digital_twin.released import save_weights
from neurokit.digital_twin.saved import load_twin, open_twin
from neurokit.digital_twin.scores import held_out_videos, predict_videos, score_table, score_videos
from neurokit.digital_twin.simulated_files import videos_folder
from neurokit.digital_twin.simulation import MouseParameters
from neurokit.digital_twin.sources import load_simulated_mouse, load_truth
from neurokit.digital_twin.twin import DigitalTwin
from neurokit.errors import CheckpointError, DataError, SettingsError
from tests.digital_twin.toys import CONFIG, NETWORK, toy_network, toy_trials, toy_video, weights

RECORDING = ("--recording", "microns")
MODELS = ["digital twin", "motion energy", "lagged pixels", "ceiling"]
KINDS = ["natural", "gratings", "dots"]


def tiny(seed: int = 0) -> MouseParameters:
    """Half a minute of clips, and one clip of each kind three times."""
    return MouseParameters(
        seed=seed, minutes=0.5, cells=5, height=12, width=16, clip_frames=40, test_clips=2, new_clips=1,
        repeats=3,
    )  # fmt: skip


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder of simulated mice for the whole module."""
    return tmp_path_factory.mktemp("mice") / "simulated"


@pytest.fixture(autouse=True)
def demo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, simulated: Path) -> Path:
    """A data folder of each test's own, but for the mice; returns it."""
    folder = tmp_path / "data"
    folder.mkdir()
    simulated.mkdir(exist_ok=True)
    (folder / "simulated").symlink_to(simulated, target_is_directory=True)
    monkeypatch.setenv("NEUROKIT_DATA", str(folder))
    monkeypatch.setenv("NEUROKIT_SOURCE", "demo")
    monkeypatch.setenv("NEUROKIT_QUIET", "1")
    monkeypatch.setattr(plans, "demo_parameters", tiny)
    monkeypatch.setattr(runs, "demo_parameters", tiny)
    monkeypatch.setattr(plans, "SMALL", CONFIG)
    return folder


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Plan]:
    """Copies one trained twin, made on the first call, into a test's data folder."""
    kept = tmp_path_factory.mktemp("kept")

    def copied(folder: Path) -> Plan:
        if not any(kept.iterdir()):
            train_and_save(Plan(epochs=2))
            shutil.copytree(folder / "checkpoints", kept, dirs_exist_ok=True)
        shutil.copytree(kept, folder / "checkpoints", dirs_exist_ok=True)
        return Plan(epochs=2)

    return copied


def repeated(name: str) -> Video:
    """A video to which units respond alike whenever it is shown, but for some noise."""
    video, random = toy_video(name, 3), np.random.default_rng(7)
    units = [video.repeats[0].units + random.uniform(0, 0.5, (24, 3)).astype(np.float32) for _ in range(3)]
    return Video(name, tuple(replace(r, units=u) for r, u in zip(video.repeats, units, strict=True)))


def own_recording(folder: Path) -> Path:
    """A recording that is not simulated here: standardised, with one video."""
    write_recording(folder, toy_trials(), [repeated("v")], np.arange(3))
    return folder


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


# What a plan settles


def test_the_demo_is_small_and_the_full_source_is_not() -> None:
    folder = Path("somewhere")
    assert Plan().config == CONFIG.replace(seed=0)
    assert Plan(folder, source="full").config == TwinConfig()
    assert Plan(folder, source="full", size="small").config == Plan().config
    assert Plan(size="full", gaps="mean").config == TwinConfig(gaps="mean")
    assert Plan(seed=3, epochs=7).config == CONFIG.replace(seed=3).epochs(7)
    assert Plan().description == "digital twin of a simulated mouse, small size, with its own core"
    other = Plan(folder, Path("there"), source="cutout")
    assert other.description == "digital twin of somewhere, full size, with the core of there"


def test_every_plan_has_a_place_of_its_own(tmp_path: Path) -> None:
    one, other = tmp_path / "a" / "scan", tmp_path / "b" / "scan"
    found = [
        Plan(), Plan(seed=1), Plan(size="full"), Plan(one), Plan(other), Plan(foundation=one),
        Plan(foundation=other), Plan(one, other), Plan(other, one), Plan(gaps="mean"), Plan(one, gaps="mean"),
    ]  # fmt: skip
    for place in ("path", "unfinished"):
        assert len({getattr(plan, place) for plan in found}) == len(found)
    assert Plan(epochs=3).path == Plan().path  # the one to evaluate
    assert len({each.unfinished for each in (Plan(), Plan(epochs=3))}) == 2


def test_a_path_may_be_text_and_a_seed_numpys(tmp_path: Path) -> None:
    folder, core = tmp_path / "scan", tmp_path / "core"
    for place in ("path", "unfinished", "description", "config"):
        found = getattr(Plan(str(folder), str(core), seed=np.int64(3)), place)
        assert found == getattr(Plan(folder, core, seed=3), place)
    assert Plan(str(folder)).recording() == folder


def test_a_plan_that_cannot_be_is_refused() -> None:
    for source, says in (("cutout", "no small real recording"), ("full", "no recording to train on")):
        with pytest.raises(SettingsError, match=f"'{source}' has .*{says}"):
            Plan(source=source)
    with pytest.raises(SettingsError, match="seed is -1"):
        Plan(seed=-1)
    plan = Plan()
    object.__setattr__(plan, "size", "large")  # the tests' type checks would not let it be made
    with pytest.raises(SettingsError, match="size is 'large'; use one of small, full"):
        plan.__post_init__()
    object.__setattr__(plan, "source", "Demo")
    with pytest.raises(SettingsError, match="no source 'Demo'; use one of demo, cutout, full"):
        plan.__post_init__()


# Training


def test_training_saves_what_it_says(demo: Path) -> None:
    plan = Plan(seed=1)
    found = train_and_save(plan)
    network, config = load_twin(found.path)
    twin = open_twin(plan.path)
    assert found.path == plan.path.with_name(f"{plan.path.name}.safetensors") and config == plan.config
    assert found.parameters == found.trained == sum(values.numel() for values in network.parameters())
    assert network.units == tiny().cells and twin.statistics is None
    assert found.loss == pytest.approx(twin.history["validation_loss"].min())
    assert found.best_epoch == twin.history["validation_loss"].argmin() and len(twin.history) == 2
    assert not list(demo.rglob("*.training"))


def test_statistics_of_a_converted_recording_travel_with_the_twin(tmp_path: Path) -> None:
    folder = own_recording(tmp_path / "own")
    found = open_twin(train_and_save(Plan(folder, epochs=1)).path)
    assert found.statistics.unit_ids.tolist() == [0, 1, 2]


def test_a_core_is_transferred_and_stays_as_it_was(demo: Path, saved: Callable[[Path], Plan]) -> None:
    source = saved(demo).path
    own = train_and_save(Plan(seed=1))
    found = train_and_save(plan := Plan(foundation=source, seed=1))
    foundation, network = load_foundation(source), load_twin(found.path)[0]
    for name, module in network.shared.items():
        theirs = weights(foundation.get_submodule(name))
        assert all(torch.equal(values, theirs[key]) for key, values in weights(module).items())
    shared = sum(values.numel() for module in network.shared.values() for values in module.parameters())
    assert (found.parameters, found.trained) == (own.parameters, own.parameters - shared)
    assert found.path != own.path
    assert not torch.equal(network.readout.biases[0], toy_network(5).readout.biases[0])
    assert load_twin(found.path)[1] == plan.config


def test_the_sizes_are_those_of_the_foundation(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Three streams are drawn from where the config says two; and a folder of weights is a foundation."""
    wide, units = NETWORK.replace(streams=3), pd.DataFrame({"unit_id": range(4)})
    source = toy_network(4, streams=3)
    save_weights(tmp_path / "weights", source.state_dict(), units, 6, 2)
    monkeypatch.setattr(runs.released, "load_twin", partial(released.load_twin, settings=wide))
    plan = Plan(foundation=tmp_path / "weights")
    network, config = load_twin(train_and_save(plan).path)
    assert network.settings == config.network == wide and network.units == tiny().cells
    theirs = weights(source.core)
    assert all(torch.equal(values, theirs[name]) for name, values in weights(network.core).items())
    assert list(evaluate_saved(plan)["model"].unique()) == MODELS


def test_what_is_no_foundation_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "load_simulated_mouse", lambda _: pytest.fail("too late"))
    for place, says in ((tmp_path / "gone", "gone.json is missing"), (tmp_path, "scans.csv is missing")):
        with pytest.raises(CheckpointError, match=says):
            train_and_save(Plan(foundation=place))
    (tmp_path / "scans.csv").write_text("session,scan_idx,units,data_id\n")
    with pytest.raises(DataError, match="names no scan"):
        train_and_save(Plan(foundation=tmp_path))


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


@pytest.mark.parametrize("transfer", [False, True])
def test_a_killed_training_goes_on(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    demo: Path,
    saved: Callable[[Path], Plan],
    transfer: bool,
) -> None:
    """The second run does only the epochs that the first had left, and ends as one in one go."""
    foundation = shutil.copytree(saved(demo).path.parent, demo / "other") / saved(demo).path.name
    given = ("--foundation", str(foundation)) if transfer else ()
    plan = Plan(foundation=foundation if transfer else None, epochs=3)
    done = epochs_counted(monkeypatch, stop=3)
    assert main(["train", *RECORDING, "--epochs", "3", *given]) == 130
    assert plan.unfinished.is_file()
    text = said(capsys, "train", "--epochs", "3", *given)
    assert len(done) == 2 + 1 + 1 and not plan.unfinished.exists()
    assert plan.description in text and "best epoch" in text and f"saved {plan.path}" in text
    broken = weights(load_twin(plan.path)[0])
    train_and_save(plan)
    assert len(done) == 4 + 3
    assert all(torch.equal(values, broken[name]) for name, values in weights(load_twin(plan.path)[0]).items())


# Evaluation


def test_scores_stand_beside_baselines_and_ceiling(
    capsys: pytest.CaptureFixture[str], demo: Path, saved: Callable[[Path], Plan]
) -> None:
    """Held against scores computed here from the recording and its truth."""
    plan = saved(demo)
    table = evaluate_saved(Plan()).set_index(["stimulus", "model"])
    folder = load_simulated_mouse(tiny())
    kinds = list(dict.fromkeys(table.index.get_level_values(0)))
    assert kinds == list(load_truth(folder).expected) and kinds[:3] == KINDS
    assert list(table.loc["natural"].index) == MODELS
    recording = load_trials(folder / "training_data")
    twin = DigitalTwin(load_twin(plan.path)[0], device="cpu")
    for kind in ("natural", "dots"):
        videos = load_videos(videos_folder(folder, kind))
        predictions = {
            "digital twin": predict_videos(twin, videos),
            "lagged pixels": lagged_pixels(recording, videos),
            "ceiling": list(load_truth(folder).expected[kind]),
        }
        for name, predicted in predictions.items():
            found = score_videos(videos, predicted)
            low, high = np.nanquantile(found.repeats.cc_norm, (0.25, 0.75))
            wanted = found.medians() | {"low": low, "high": high}
            for column, value in wanted.items():
                assert table.loc[(kind, name), column] == pytest.approx(value, abs=1e-5, nan_ok=True)
    best = table.loc["natural"].single_trial
    assert best["ceiling"] > best.drop("ceiling").max()
    text = said(capsys, "evaluate")
    assert "training one" not in text and f"{table.loc[('natural', 'ceiling'), 'single_trial']:.3f}" in text
    assert "knows the simulated mouse" in text


def test_kinds_are_not_mixed_up() -> None:
    """A prediction that is right for one kind and wrong for the other scores so in each."""
    videos = {"a": (repeated("x"), repeated("y")), "b": (repeated("z"),)}
    right = [np.stack([r.units for r in video.repeats]) for part in videos.values() for video in part]
    found = score_table(videos, {"model": [*right[:2], -right[2]]}).set_index("stimulus").single_trial
    np.testing.assert_allclose([found["a"], found["b"]], [1, -1], atol=1e-5)


def test_evaluation_trains_where_nothing_is_saved(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = epochs_counted(monkeypatch, stop=0)
    for times in (1, 0):
        assert said(capsys, "evaluate", "--seed", "1").count("training one") == times
    assert len(done) == 2


def test_another_recording_has_no_truth_and_no_other_kinds(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = own_recording(tmp_path / "own")
    said(capsys, "train", "--folder", str(folder), "--epochs", "1")
    text = said(capsys, "evaluate", "--folder", str(folder))
    assert "training one" not in text and "digital twin" in text and "ceiling" not in text
    assert list(held_out_videos(folder)) == ["natural"]
    assert "gratings" not in text


def test_a_twin_of_something_else_is_refused(
    demo: Path, saved: Callable[[Path], Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when files are renamed, or copied from somewhere else."""
    plan = saved(demo)
    for place, says in (
        (Plan(seed=1), "another recording"),
        (Plan(size="full"), "another config"),
        (Plan(gaps="mean"), "another config"),
    ):
        for end in (".json", ".safetensors"):
            shutil.copy(f"{plan.path}{end}", f"{place.path}{end}")
        with pytest.raises(CheckpointError, match=f"is a twin of {says}: remove it and train again"):
            evaluate_saved(place)
    evaluate_saved(Plan())
    Path(f"{plan.path}.json").unlink()
    with pytest.raises(CheckpointError, match=r"json is missing"):
        evaluate_saved(plan)


def test_a_core_that_was_trained_again_is_noticed(demo: Path, saved: Callable[[Path], Plan]) -> None:
    foundation = shutil.copytree(saved(demo).path.parent, demo / "other") / saved(demo).path.name
    plan = Plan(foundation=foundation)
    train_and_save(plan)
    evaluate_saved(plan)
    other = train_and_save(Plan(seed=1)).path
    shutil.copy(other, f"{foundation}.safetensors")
    shutil.copy(other.with_suffix(".json"), f"{foundation}.json")
    with pytest.raises(CheckpointError, match=r"has not the core of .*transfer that core again"):
        evaluate_saved(plan)


# The commands


def test_data_describes_the_recording(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    text = said(capsys, "data")
    folder = load_simulated_mouse(tiny())
    for part in (
        f"{folder} (source demo)",
        "5 units, video of 12 x 16 pixels at 30 Hz",
        "20 trials to fit, 2 to validate, 0.5 minutes",
        "natural: 2 videos, repeats 3",
        "gratings: 1 videos, repeats 3",
    ):
        assert part in text
    text = said(capsys, "data", "--folder", str(own_recording(tmp_path / "own")), "--source", "full")
    assert "3 units" in text and "4 trials to fit, 2 to validate" in text and "natural: 1 videos" in text


def test_data_lists_the_scans_of_weights(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "weights"
    save_weights(folder, toy_network(4).state_dict(), pd.DataFrame({"unit_id": range(4)}), 6, 2, data_id="0f")
    text = said(capsys, "data", "--weights", str(folder))
    assert ["6", "2", "4", "0f"] in [line.split() for line in text.splitlines()]
    monkeypatch.setattr(microns_weights, "fetch_weights", lambda: folder)
    assert said(capsys, "data", "--source", "full") == text
    assert "is no folder" in refused(capsys, "data", "--weights", str(tmp_path / "gone"))


def test_simulate_writes_folders_and_truth(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    text = said(capsys, "simulate", "--seed", "2", "--output", str(tmp_path / "made"))
    assert f"wrote {tmp_path / 'made'}" in text
    assert load_trials(tmp_path / "made" / "training_data").units == tiny().cells
    truth = load_truth(tmp_path / "made")
    assert truth.parameters == tiny(2)
    for kind, best in truth.ceilings.items():
        medians = [np.median(each) for each in (best.single_trial, best.repeat_mean, best.cc_max)]
        assert f"{kind}: " + ", ".join(f"{value:.3f}" for value in medians) in text


def test_simulate_replaces_only_what_was_simulated(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made, own = tmp_path / "made", own_recording(tmp_path / "own")
    made.mkdir()
    for seed in (2, 3):  # an empty folder, then the mouse before
        runs.write_simulated(made, seed)
        assert load_truth(made).parameters == tiny(seed)
    (made / "notes.txt").write_text("mine")
    monkeypatch.setattr(runs, "simulate_mouse", lambda _: pytest.fail("too late"))
    before = sorted(tmp_path.rglob("*"))
    for folder, says in (
        (own, "which this command did not write"),
        (made, "holds notes.txt, which this command did not write"),
    ):
        assert says in refused(capsys, "simulate", "--output", str(folder))
    assert sorted(tmp_path.rglob("*")) == before


def test_simulate_has_a_place_of_its_own(monkeypatch: pytest.MonkeyPatch, demo: Path) -> None:
    asked = []

    def caught(folder: Path, **options: object) -> None:
        asked.append((folder, options))
        raise DataError("enough.")

    monkeypatch.setattr(runs, "write_simulated", caught)
    assert main(["simulate", *RECORDING, "--seed", "3"]) == 2
    assert asked == [(demo / "simulated" / "video-mouse-3", {"seed": 3})]


def test_options_arrive(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def caught(plan: Plan, **options: object) -> None:
        asked.append((plan, options))
        raise DataError("enough.")

    monkeypatch.setattr(runs, "train_and_save", caught)
    monkeypatch.setattr(runs, "evaluate_saved", caught)
    for line in (
        "train --folder a --foundation b --gaps mean --epochs 5 --device cpu --seed 4 --size full "
        "--compile graphs",
        "train",
        "evaluate --source full --folder a --size small",
    ):
        assert main([*line.split(), *RECORDING]) == 2
    assert asked == [
        (
            Plan(Path("a"), Path("b"), seed=4, size="full", epochs=5, gaps="mean"),
            {"device": "cpu", "compile": "graphs"},
        ),
        (Plan(), {}),
        (Plan(Path("a"), size="small", source="full"), {}),
    ]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("data --source cutout", "'cutout' has no small real recording of a mouse that watched video"),
        ("train --source cutout", "'cutout' has no small real recording"),
        ("evaluate --source full", "'full' has weights to download, but no recording to train on"),
        ("train --device tpu", "Device 'tpu' is not there"),
        ("train --device cpu --compile graphs", "compile is 'graphs', which needs CUDA"),
        ("train --folder nowhere", "training_data is no folder"),
        ("train --foundation nowhere", "nowhere.json is missing"),
        ("train --running none", "--running cannot go with --recording microns"),
        ("simulate --trials 30", "--trials cannot go with --recording microns"),
        ("data --weights a --folder b", "--weights and --folder cannot both be shown"),
        ("submit", "nothing to submit of the recording microns"),
    ],
)
def test_what_cannot_be_asked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, line: str, says: str
) -> None:
    monkeypatch.setattr(plans, "load_simulated_mouse", lambda _: pytest.fail("too late"))
    assert says in refused(capsys, *line.split())


def test_a_saved_twin_is_plain_data(demo: Path, saved: Callable[[Path], Plan]) -> None:
    description = json.loads(Path(f"{saved(demo).path}.json").read_text())
    assert description["config"]["window"] == CONFIG.window and description["model"] == "FoundationNetwork"
