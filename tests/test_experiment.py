"""Experiment: the one flow from a recording to scores, for configs and models that nobody has published."""

import errno
import json
import os
import re
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hyperopt import hp
from torch import nn

import neurokit.training.fit
from neurokit import load_pretrained, pupil_encoder
from neurokit.cli import commands, main
from neurokit.errors import CheckpointError, DataError, DiskError, SettingsError
from neurokit.experiment import Experiment, Objective
from neurokit.files.sealed import open_json, seal_json
from neurokit.pupil_encoder import PupilConfig, baselines
from neurokit.training import checkpoint
from neurokit.tune.trials import Study, Trial

TINY = {"hidden": 4, "epochs": 2}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated recording of 30 trials."""
    made = tmp_path_factory.mktemp("recording") / "mouse"
    pupil_encoder.simulate(made, trials=30)
    return made


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, folder: Path) -> Callable[..., Experiment]:
    """A small experiment on that recording, in a data folder of its own."""
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path))
    monkeypatch.setenv("NEUROKIT_QUIET", "1")

    def make(values: dict[str, Any] | None = None, **options: Any) -> Experiment:
        fixed = {} if "config" in options else {"values": TINY | (values or {})}
        return Experiment("pupil-encoder", folder=folder, device="cpu", **fixed, **options)

    return make


def linear(task: Any, config: Any) -> nn.Module:
    """A model of one's own."""
    return Linear(len(task.channels), len(task.regions))


class Linear(nn.Module):
    """A linear layer, which says how it is made again."""

    configuration: dict[str, int] = {}  # noqa: RUF012  each instance has its own

    def __init__(self, channels: int, regions: int) -> None:
        super().__init__()
        self.configuration = {"channels": channels, "regions": regions}
        self.layer = nn.Linear(channels, regions)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.layer(inputs)


# --- which experiment has which file


def test_an_experiment_shows_what_it_is(tiny: Callable[..., Experiment]) -> None:
    assert repr(tiny(seed=3)).startswith("<Experiment: pupil-encoder rnn (small size), recording")
    assert "linear (a model of your own, config of small size)" in repr(tiny(build=linear))


def test_two_experiments_never_share_a_file(tiny: Callable[..., Experiment], tmp_path: Path) -> None:
    made = [tiny({"cell": cell}) for cell in ("rnn", "gru", "lstm", "mlp", "cnn")]
    made += [tiny({"hidden": 8}), tiny({"layers": 2}), tiny({"hidden": 2, "layers": 7}), tiny({"epochs": 3})]
    made += [tiny({"inputs": "behaviour"}), tiny({"split": "blocked"}), tiny({"learning_rate": 0.1})]
    made += [tiny(seed=1), tiny(session="a"), tiny(session=["a", "b"]), tiny(model="gru"), tiny(build=linear)]
    made += [tiny(config=PupilConfig(hidden=4)), Experiment("pupil-encoder", values=TINY)]
    made += [Experiment("pupil-encoder", values=TINY, source="cutout")]
    assert len({each.path for each in made}) == len({each.unfinished for each in made}) == len(made)
    assert tiny().path == tiny().path
    assert tiny().path.name.startswith("pupil-encoder-mouse-rnn-0-")


def test_the_same_name_of_another_model_is_another_file(
    tiny: Callable[..., Experiment], tmp_path: Path
) -> None:
    """Two files with a function of the same name."""
    paths = []
    for number in (1, 2):
        scope: dict[str, Any] = {"__name__": "own"}
        file = tmp_path / str(number) / "own.py"
        file.parent.mkdir()
        file.write_text(f"WIDTH = {number}\n\ndef build(task, config):\n    return WIDTH\n")
        exec(compile(file.read_text(), str(file), "exec"), scope)
        paths.append(tiny(build=scope["build"]).path)
    assert paths[0] != paths[1]


def sized(task: Any, config: Any, width: int = 1) -> nn.Module:
    """A model of one's own with an argument."""
    return Linear(len(task.channels), len(task.regions))


def made(width: Any) -> Callable[..., nn.Module]:
    def build(task: Any, config: Any, *, depth: int = 1) -> nn.Module:
        return sized(task, config, width=width)

    return build


class Maker:
    """A builder that is no function."""

    def __call__(self, task: Any, config: Any) -> nn.Module:
        return sized(task, config)


def test_what_a_function_has_closed_over_is_part_of_its_name(tiny: Callable[..., Experiment]) -> None:
    assert tiny(build=made(1)).path == tiny(build=made(1)).path != tiny(build=made(2)).path
    assert "Maker" in tiny(build=Maker()).path.name
    one, other = (tiny(build=made(object())).path for _ in range(2))
    assert one == other  # where an object lies in memory says nothing of it


def test_the_working_folder_has_a_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert f"-{folder.name}-" in Experiment("pupil-encoder", folder=".").path.name


def test_a_function_with_arguments_filled_in_is_named_by_them(tiny: Callable[..., Experiment]) -> None:
    made = [tiny(build=sized), tiny(build=partial(sized, width=2)), tiny(build=partial(sized, width=3))]
    assert len({each.path for each in made}) == 3
    assert made[1].path == tiny(build=partial(sized, width=2)).path
    assert all(each.model_name == "sized" for each in made)


# --- train, save, load, resume


def test_a_saved_experiment_is_taken_as_it_is(tiny: Callable[..., Experiment]) -> None:
    first = tiny().train()
    weights, _ = checkpoint.files(first.path)
    content = weights.read_bytes()
    again = tiny().train()
    assert weights.read_bytes() == content
    assert again.result.history.equals(first.result.history)
    assert (again.result.best_epoch, again.result.best_loss) == (
        first.result.best_epoch,
        first.result.best_loss,
    )
    np.testing.assert_array_equal(again.predict(), first.predict())
    assert not again.result.model.training
    assert again.evaluate().equals(first.evaluate())
    assert not first.unfinished.exists()


def test_a_killed_run_goes_on_as_if_nothing_had_happened(
    tiny: Callable[..., Experiment], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    straight = tiny({"epochs": 4}).train()
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path / "other"))

    def kill(epoch: int, loss: float) -> None:
        if epoch == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tiny({"epochs": 4}).train(on_epoch=kill)
    assert tiny({"epochs": 4}).unfinished.is_file() and not tiny({"epochs": 4}).is_trained
    done = []
    monkeypatch.setattr(neurokit.training.fit, "_train_epoch", counted(done))
    resumed = tiny({"epochs": 4}).train()
    assert len(done) == 2
    assert resumed.result.history.equals(straight.result.history)
    np.testing.assert_array_equal(resumed.predict(), straight.predict())


def test_the_state_of_a_saved_training_goes_and_that_of_another_stays(
    tiny: Callable[..., Experiment], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process was killed after it had saved its model; another trained it anew and was killed at once."""
    experiment = tiny()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", lambda *_, **__: None)
        experiment.train()
    assert experiment.unfinished.is_file()
    assert tiny().train().result.best_loss == experiment.result.best_loss
    assert not experiment.unfinished.exists()

    def stop(epoch: int, loss: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tiny().train(again=True, on_epoch=stop)
    assert tiny().train().is_trained and experiment.unfinished.is_file()


def counted(done: list[int]) -> Callable[..., float]:
    original = neurokit.training.fit._train_epoch

    def count(*arguments: Any) -> float:
        done.append(1)
        return original(*arguments)

    return count


def test_an_own_config_is_trained_saved_opened_and_scored(tiny: Callable[..., Experiment]) -> None:
    own = PupilConfig(cell="gru", hidden=np.int64(3), layers=2, inputs="behaviour").with_epochs(1)
    first = tiny(config=own, seed=np.int64(5)).train()
    assert first.config.seed == first.config.fit.seed == 5
    sizes = first.result.model.configuration
    assert (sizes["hidden"], sizes["layers"], sizes["cell"], sizes["channels"]) == (3, 2, "gru", 6)
    again = tiny(config=own, seed=5)
    assert again.is_trained and again.path == first.path
    assert "ceiling" in again.evaluate().model.tolist()
    held = json.loads(first.path.with_name(f"{first.path.name}.json").read_text())
    assert PupilConfig.from_dict(held["config"]) == first.config


def test_scores_are_those_of_the_test_part(tiny: Callable[..., Experiment]) -> None:
    """Baselines need no checkpoint: their rows equal scores computed here on the test trials alone."""
    experiment = tiny()
    table, task = experiment.evaluate().set_index(["model", "region"]), experiment.task
    bins = task.bins("test")
    for index, region in enumerate(task.regions):
        measured, psth = task.rates[bins][:, index], baselines.psth(task)[bins][:, index]
        mean = task.rates[task.bins("train")][:, index].mean()
        expected = 1 - ((measured - psth) ** 2).sum() / ((measured - mean) ** 2).sum()
        assert table.loc[("PSTH", region), "r2_mean"] == pytest.approx(expected, abs=1e-5)  # float32


def test_the_yardsticks_show_a_model_that_learned_nothing(tiny: Callable[..., Experiment]) -> None:
    """At a learning rate of next to nothing the model stays what it was: no better than the mean rate."""
    idle = tiny({"learning_rate": 1e-9, "epochs": 1})
    score = idle.score()
    mean = score.yardsticks["mean rate"]
    assert score.value >= mean
    assert score.yardsticks["ceiling"] < 0.9 * mean
    task = idle.task
    error = (task.rates - baselines.mean_rate(task))[task.bins("validation")] ** 2
    assert mean == pytest.approx(error.mean(), rel=1e-6)


# --- what is not the same


def test_a_recording_with_one_more_spike_is_other_data(
    tiny: Callable[..., Experiment], monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny().train()
    changed = tiny()
    spikes = changed.recording.spikes.copy()
    spikes[0, 0, 0] += 1
    changed.recording = replace(changed.recording, spikes=spikes)
    with pytest.raises(CheckpointError, match=r"fitted to other data \(values differ"):
        changed.evaluate()


def test_a_model_belongs_to_the_recording_and_not_to_its_last_filtered_bits(
    tiny: Callable[..., Experiment], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scales of training are those of the checkpoint, wherever they would be computed otherwise."""
    first = tiny().train()
    expected = first.predict()
    found = checkpoint.load(first.path)
    arrays = {name: np.nextafter(values, np.inf) for name, values in found.arrays.items()}
    checkpoint.save(
        found.model, first.path, arrays=arrays, **{k: found.facts[k] for k in found.facts if k not in SIDECAR}
    )
    again = tiny()
    np.testing.assert_allclose(again.predict(), expected, rtol=1e-4)
    assert pupil_encoder.experiment.arrays(again.task).keys() == arrays.keys()
    for name, values in pupil_encoder.experiment.arrays(again.task).items():
        np.testing.assert_array_equal(values, arrays[name])


SIDECAR = ("model", "version", "configuration", "sha256")


def test_a_model_under_anothers_name_is_refused(tiny: Callable[..., Experiment]) -> None:
    saved, wanted = tiny().train().path, tiny({"hidden": 5})
    for file in checkpoint.files(saved):
        file.rename(wanted.path.with_name(wanted.path.name + file.suffix))
    with pytest.raises(CheckpointError, match=r"is another model \(config differ\)"):
        wanted.evaluate()


@pytest.mark.parametrize("kind", ["json", "safetensors"])
def test_half_a_checkpoint_is_named_and_not_trained_over(tiny: Callable[..., Experiment], kind: str) -> None:
    path = tiny().train().path
    path.with_name(f"{path.name}.{kind}").unlink()
    with pytest.raises(CheckpointError, match=f"{kind} is missing"):
        tiny().train()
    tiny().train(again=True)
    assert tiny().evaluate().shape[0] == 24


# --- a model of one's own


def test_a_model_of_ones_own_goes_all_the_way(tiny: Callable[..., Experiment]) -> None:
    first = tiny(build=linear).train()
    assert first.path.name.startswith("pupil-encoder-mouse-linear-0-")
    again = tiny(build=linear)
    np.testing.assert_array_equal(again.predict(), first.predict())
    assert "Linear" in again.evaluate().model.tolist()
    study = again.tune(2, space={"learning_rate": hp.loguniform("learning_rate", -7, -2)}, progress=False)
    assert len(study.records) == 2


def test_loading_looks_a_class_up_and_imports_nothing(tiny: Callable[..., Experiment]) -> None:
    path = tiny(build=linear).train().path
    assert type(load_pretrained(path).model) is Linear
    sidecar = path.with_name(f"{path.name}.json")
    held = open_json(sidecar.read_text())
    for other in (
        "this:Zen",
        "os:system",
        "subprocess:Popen",
        "torch.nn:Linear",
        f"{__name__}:linear",
        ":",
        "",
    ):
        sidecar.write_text(seal_json(held | {"model": other}))
        with pytest.raises(CheckpointError, match=re.escape(f"holds a {other}")):
            load_pretrained(path)


# --- searches


def test_a_search_lies_beside_the_checkpoint_and_goes_on(tiny: Callable[..., Experiment]) -> None:
    experiment = tiny({"epochs": 1})
    two = experiment.tune(2, progress=False)
    three = tiny({"epochs": 1}).tune(3, progress=False)
    assert [each.loss for each in three.records[:2]] == [each.loss for each in two.records]
    best = experiment.with_values(three.best).train()
    assert best.result.best_loss == pytest.approx(three.best_loss, rel=1e-6)
    assert best.path != experiment.path


def test_a_model_that_is_there_is_used_from_a_data_folder_that_must_not_be_written(
    tiny: Callable[..., Experiment], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    losses = tiny({"epochs": 1}).train().result.history
    real = os.open

    def read_only(path: object, flags: int, *arguments: object, **options: object) -> int:
        if flags & os.O_CREAT:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return real(path, flags, *arguments, **options)

    experiment = tiny({"epochs": 1})
    monkeypatch.setattr(os, "open", read_only)
    assert experiment.train().result.history.equals(losses)
    with pytest.raises(DiskError):  # there is something to be written
        experiment.train(again=True)
    monkeypatch.setattr(commands, "experiment_of", lambda *_: experiment)
    options = Namespace(model=None, given=[])
    commands._evaluate(experiment.system, options)
    assert "the scores are not kept: " in capsys.readouterr().out


@pytest.mark.parametrize("system", ["pupil-encoder", "sensorium", "v1-transformer", "digital-twin"])
def test_a_search_of_other_data_is_not_gone_on_with(
    system: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file of a recording may be another one under the same name; no search has losses of both."""
    monkeypatch.setattr(Objective, "__call__", lambda self, values, report: 1.0)
    for name, value in {"recording": None, "task": None, "untrainable": "", "omissions": ()}.items():
        monkeypatch.setattr(Experiment, name, value)
    experiment, file = Experiment(system, source="demo", device="cpu"), tmp_path / "search.json"
    tune = partial(experiment.tune, file=file, progress=False)
    monkeypatch.setattr(experiment.system, "identity", lambda recording: {"name": "m", "values": "1"})
    assert len(tune(2).records) == 2
    before = file.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(experiment.system, "identity", lambda recording: {"name": "m", "values": "2"})
        with pytest.raises(
            CheckpointError, match=r"a search on other data \(values differ\): use the recording"
        ):
            tune(3)
    assert file.read_bytes() == before and len(tune(3).records) == 3


def test_a_search_over_what_is_read_makes_other_tasks(tiny: Callable[..., Experiment]) -> None:
    """A task is made again where it depends on the value, and only there."""
    experiment = tiny()
    task = experiment.task
    assert experiment.with_values({"hidden": 5}).task is task
    other = experiment.with_values({"inputs": "behaviour"})
    assert len(other.task.channels) > len(experiment.task.channels) == 3
    study = experiment.tune(2, space={"inputs": hp.choice("inputs", ["pupil", "behaviour"])}, progress=False)
    assert {each.status for each in study.records} == {"complete"}


def test_a_search_on_ray_gets_a_folder(tiny: Callable[..., Experiment]) -> None:
    """The arguments that `search_on_ray` takes; the search itself is tested where Ray is."""
    study = Study([Trial(0, {}, {"hidden": 5}, "complete", 1.0)])
    asked = {}

    def search(objective: Any, space: Any, *, trials: int, seed: int, storage: Path) -> Study:
        asked.update(space=space, trials=trials, seed=seed, storage=storage)
        return study

    experiment = tiny(seed=3)
    assert experiment.tune(4, space={"hidden": 5}, search=search) is study
    folder = experiment.path.with_name(f"{experiment.path.name}.search")
    assert asked == {"space": {"hidden": 5}, "trials": 4, "seed": 3, "storage": folder}


TRAINER = """
import sys
from neurokit import Experiment, training
from neurokit.training import checkpoint

save = checkpoint.save

def slowly(*arguments, **options):  # so that the other process meets the files of this one
    import time
    time.sleep(1)
    return save(*arguments, **options)

checkpoint.save = slowly
experiment = Experiment(
    "pupil-encoder", folder=sys.argv[1], values={"hidden": 3}, epochs=2, size="small", device="cpu"
)
print(len(experiment.evaluate() if sys.argv[2] == "evaluate" else experiment.train().result.history))
"""


@pytest.mark.slow
@pytest.mark.parametrize("second", ["train", "evaluate"])
def test_two_processes_with_one_model_end_well(tmp_path: Path, root: Path, folder: Path, second: str) -> None:
    """The later one waits and takes what the earlier one has trained."""
    environment = {**os.environ, "NEUROKIT_DATA": str(tmp_path), "PYTHONPATH": str(root)}
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "env": environment}
    command = [sys.executable, "-c", TRAINER, str(folder)]
    both = [subprocess.Popen([*command, job], **options) for job in ("train", second)]
    said = [process.communicate(timeout=600) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    names = sorted(file.suffix for file in (tmp_path / "checkpoints").iterdir())
    assert names == [".json", ".safetensors"]


# --- what cannot be


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"system": "steinmetz"}, "There is no system 'steinmetz'"),
        ({"system": None}, "There is no system 'None'; use one of pupil-encoder"),
        ({"source": "demo", "folder": "."}, "source, folder and recording each say"),
        ({"model": "elman"}, "has no model 'elman'; choose one of rnn, gru"),
        ({"model": "gru", "config": PupilConfig()}, "model and config both say"),
        ({"model": "gru", "build": linear}, "model and build both say"),
        ({"config": neurokit.training.fit.FitSettings()}, "FitSettings; .* takes a PupilConfig"),
        ({"values": {"hidden": 2.5}}, "hidden is 2.5"),
        ({"values": {"epochs": True}}, "epochs is True"),
        ({"values": {"fit": 3}}, "fit is 3"),
        ({"seed": -1}, "seed is -1"),
        ({"epochs": 0}, "epochs is 0"),
        ({"size": "large"}, "size is 'large'; use one of small, published"),
        ({"build": 3}, "build is 3; give a function"),
        ({"build": "m.py:f"}, "build is 'm.py:f'; give a function"),
        ({"device": None}, "device is None"),
        ({"device": 3}, "device is 3"),
        ({"session": 5.5}, "session is 5.5; give the name"),
        ({"session": True}, "session is True; give the name"),
        ({"session": [None]}, r"session is \[None\]; give the name"),
        ({"session": ""}, "session is ''; give the name"),
        ({"session": ["a", "b", "a"]}, "session names a more than once; name each session once"),
        ({"session": [7, "7"]}, "session names 7 more than once"),
        ({"values": [("a", 1)]}, "values is .*; give a dictionary"),
        ({"folder": ""}, "folder is empty"),
        ({"recording": 3}, "recording is of type int; give what load of pupil-encoder returns"),
        ({"recording": np.zeros(3)}, "recording is of type ndarray; give what load"),
        ({"source": "Demo"}, "no source 'Demo'"),
        ({"compile": "graphs", "device": "cpu"}, "compile is 'graphs', which needs CUDA"),
        ({"folder": "nowhere"}, "nowhere is no folder"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_read(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], says: str
) -> None:
    monkeypatch.setattr("neurokit.pupil_encoder.experiment.load", lambda **_: pytest.fail("too late"))
    unchecked = getattr(Experiment.__init__, "__wrapped__", Experiment.__init__)  # the import hook
    with pytest.raises((SettingsError, DataError), match=says):
        unchecked(object.__new__(Experiment), **({"system": "pupil-encoder"} | options))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"device": "mars"}, "Device 'mars' is not there"),
        ({"values": {"model.channels": -1}}, "channels is -1"),
        ({"values": {"nonsense": 1}}, "nonsense"),
        ({"epochs": 0}, "epochs is 0"),
        ({"compile": "fast"}, "compile is 'fast'"),
    ],
)
@pytest.mark.parametrize("place", ["folder", "recording"])
def test_a_recording_is_not_opened_for_an_argument_that_cannot_be(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, options: dict[str, Any], says: str, place: str
) -> None:
    """Sensorium looks into a folder for the model to train, and identifies a recording by all its values."""
    for name in ("has_behaviour", "identity", "load"):
        monkeypatch.setattr(f"neurokit.sensorium.experiment.{name}", lambda *_, **__: pytest.fail("too late"))
    (tmp_path / "images.npy").write_bytes(b"not read")
    where = {"folder": tmp_path} if place == "folder" else {"recording": {}}
    with pytest.raises(SettingsError, match=says):
        Experiment("sensorium", **where, **options)


def test_only_a_competition_takes_submissions(tiny: Callable[..., Experiment]) -> None:
    with pytest.raises(SettingsError, match="pupil-encoder has nothing to submit"):
        tiny().submit()


def test_a_folder_and_the_commands_agree(
    tiny: Callable[..., Experiment], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is trained in Python is found by the command with the same arguments."""
    experiment = tiny().train()
    line = ["evaluate", "--folder", str(folder), "--set", "hidden=4", "--set", "epochs=2", "--device", "cpu"]
    assert main(["pupil-encoder", *line]) == 0
    text = capsys.readouterr().out
    assert "training one" not in text and str(experiment.path) in text


def test_a_recording_that_was_read_already_is_taken(
    tiny: Callable[..., Experiment], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its file is named by its values; a part of it is another recording."""
    recording = pupil_encoder.load(folder=folder)
    options: dict[str, Any] = {"values": TINY, "size": "small", "device": "cpu"}
    first = Experiment("pupil-encoder", recording=recording, **options)
    part = Experiment("pupil-encoder", recording=recording.select(np.arange(20)), **options)
    assert first.path != part.path and first.path != tiny().path
    assert (
        first.path == Experiment("pupil-encoder", recording=pupil_encoder.load(folder=folder), **options).path
    )
    np.testing.assert_array_equal(first.train().predict(), tiny().train().predict())
    assert len(part.train().task.trials) == 20
    assert len(part.with_values({"inputs": "behaviour"}).task.trials) == 20
    with pytest.raises(SettingsError, match="source, folder and recording"):
        Experiment("pupil-encoder", recording=recording, folder=folder)
