"""Commands on the demo source: what they print and leave, and what they say when something is wrong."""

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

import numpy as np
import pandas as pd
import pytest
import torch

import neurokit.training.fit
from neurokit import settings
from neurokit.cli import COMMANDS, main
from neurokit.cli.commands import RUN
from neurokit.cli.options import conversion_options, parse_value, whole_number
from neurokit.experiment import Experiment
from neurokit.files.pickles import load_object_array
from neurokit.files.sealed import open_json
from neurokit.training.system import find_system

SYSTEMS = tuple(settings.SYSTEMS)
BOTH = ("data", "evaluate")  # a command without a model, and one with it
PUPIL = ("pupil-encoder", "--set", "hidden=4", "--epochs", "1")


@pytest.fixture(autouse=True)
def demo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEUROKIT_SOURCE", "demo")
    monkeypatch.setenv("NEUROKIT_QUIET", "1")


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of 30 trials, as the command writes it."""
    folder = tmp_path_factory.mktemp("recording") / "mouse"
    assert main(["pupil-encoder", "simulate", "--trials", "30", "--output", str(folder)]) == 0
    return folder


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(list(arguments)) == 0
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(list(arguments)) == 2
    message = capsys.readouterr().err.strip()
    assert message.startswith("neurokit: ")
    assert "\n" not in message
    return message


def typed_next(text: str) -> list[str]:
    """The arguments of the command that an output ends with."""
    last = text.strip().splitlines()[-1]
    assert last.startswith("next: neurokit ")
    return shlex.split(last.removeprefix("next: neurokit "))


# --- the page and the help


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",), ("help",)])
def test_the_first_page_names_systems_and_commands(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    text = said(capsys, *arguments)
    assert all(name in text for name in (*SYSTEMS, *COMMANDS))


def test_the_first_page_imports_no_torch(root: Path) -> None:
    code = "import sys; from neurokit.cli import main; main([]); print(sorted(sys.modules))"
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    modules = run.stdout.splitlines()[-1]
    assert "'neurokit.settings'" in modules
    assert not any(f"'{heavy}'" in modules for heavy in ("torch", "pandas", "numpy", "pydantic"))


def test_python_runs_the_package(root: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "neurokit"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert run.returncode == 0 and "neurokit <system> <command>" in run.stdout


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "--version").strip() == f"neurokit {neurokit.__version__}"


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_system_lists_its_commands(capsys: pytest.CaptureFixture[str], name: str) -> None:
    text = said(capsys, name)
    assert ("submit" in text) == (name == "sensorium")
    assert text == said(capsys, name.replace("-", "_"))


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_two_examples_and_the_systems_own_options_alone(
    capsys: pytest.CaptureFixture[str], name: str, command: str
) -> None:
    if command == "submit" and name != "sensorium":
        assert "has no command 'submit'" in refused(capsys, name, command)
        return
    with pytest.raises(SystemExit) as stopped:
        main([name, command, "--help"])
    text = capsys.readouterr().out
    assert stopped.value.code == 0
    assert len([line for line in text.splitlines() if line.startswith(f"  neurokit {name} {command}")]) == 2
    own = {option.name for option in find_system(name).OPTIONS}
    own |= set(conversion_options(find_system(name))) if command == "convert" else set()
    others = {option.name for other in SYSTEMS for option in find_system(other).OPTIONS} - own
    assert not any(f"--{other} " in text for other in others)
    if command == "train":
        assert all(f"--{option} " in text for option in own)
        assert all(model in text for model in find_system(name).MODELS)
        config = next(iter(find_system(name).MODELS.values())).small
        pairs = [part.partition("=") for part in text.split() if "=" in part]
        shown = {key: value for key, _, value in pairs if key in config.names()}
        assert config.with_values({key: parse_value(value) for key, value in shown.items()}) == config
        inner = {key.rpartition(".")[0] for key in config.names()} - {""}
        assert set(shown) == {*config.names()} - inner - {"seed"}


# --- one recording from file to scores


def test_data_describes_the_recording(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "pupil-encoder", "data")
    assert "240 neurons, 250 trials, 250 spike bins of 10 ms" in text
    assert "pupil_area" in text


def test_data_lists_sessions_and_checkpoints(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, simulated: Path
) -> None:
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path))
    text = said(capsys, "pupil-encoder", "data", "--list", "--source", "full")
    assert "Lederberg_2017-12-06" in text and "Theiler_2017-10-11" in text and "none yet" in text
    assert not list(tmp_path.iterdir())  # nothing was downloaded
    experiment = Experiment("pupil-encoder", folder=simulated, values={"hidden": 4}, epochs=1).train()
    assert experiment.path.name in said(capsys, "pupil-encoder", "data", "--list", "--source", "full")


def test_simulate_writes_both_formats_and_the_truth(simulated: Path) -> None:
    assert (simulated / "steinmetz_part0.npz").is_file()
    assert (simulated / "alf" / "Simulated_2026-01-01" / "spikes.times.npy").is_file()
    assert (simulated / "truth.npz").is_file()


def test_simulate_replaces_what_it_wrote(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for seed in ("1", "2"):
        said(capsys, "pupil-encoder", "simulate", "--trials", "12", "--seed", seed, "--output", str(tmp_path))
        with np.load(tmp_path / "truth.npz") as truth:
            assert json.loads(str(truth["parameters"]))["seed"] == int(seed)


@pytest.mark.parametrize("name", SYSTEMS)
def test_simulate_touches_no_file_that_it_did_not_write(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str
) -> None:
    """As in a folder of real downloads, or in one that another recording was simulated into."""
    for file in ("steinmetz_part0.npz", "truth.npz"):
        mine = tmp_path / file
        mine.write_bytes(b"mine")
        message = refused(capsys, name, "simulate", "--output", str(tmp_path))
        assert f"{tmp_path} holds {file}, which this command did not write" in message
        assert mine.read_bytes() == b"mine" and list(tmp_path.iterdir()) == [mine]
        mine.unlink()


def test_each_command_ends_with_the_next_one_and_that_one_runs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, simulated: Path
) -> None:
    """From data to predictions, by typing what is printed."""
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    following = typed_next(said(capsys, "pupil-encoder", "data", "--folder", str(simulated)))
    assert following == ["pupil-encoder", "train", "--folder", str(simulated)]
    assert Experiment("pupil-encoder", folder=simulated).size == "small"
    (tmp_path / "recorded").mkdir()
    for file in simulated.glob("*.npz"):
        if file.name != "truth.npz":
            shutil.copy(file, tmp_path / "recorded")
    recorded = typed_next(said(capsys, "pupil-encoder", "data", "--folder", "recorded"))
    assert recorded == ["pupil-encoder", "train", "--folder", "recorded", "--size", "small"]
    assert Experiment("pupil-encoder", folder="recorded").size == "published"
    short = ["--epochs", "1", "--set", "hidden=4", "--device", "cpu"]
    trained = said(capsys, *following, *short)
    assert "87 parameters" in trained  # two directions of 3 x 4 + 4 x 4 + 4 + 4, then 4 x 3 + 3
    assert all(name in trained for name in ("mean rate", "PSTH", "FIR", "ceiling"))
    assert not list(tmp_path.rglob("*.training"))  # the state of a finished run is removed
    evaluated = said(capsys, *typed_next(trained))
    assert "training one" not in evaluated and "r2_mean" in evaluated
    time = np.zeros((2, 30))
    np.savez("new.npz", bin_size=0.01, pupil_area=time, pupil_x=time, pupil_y=time)
    said(capsys, *typed_next(evaluated))
    with np.load("rates.npz") as rates:
        assert {name: rates[name].shape for name in rates.files} == dict.fromkeys(
            ("SCs", "SCm", "LGd"), (2, 30)
        )


def test_evaluate_leaves_table_scores_and_picture(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, simulated: Path
) -> None:
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path))
    text = said(capsys, PUPIL[0], "evaluate", *PUPIL[1:], "--folder", str(simulated))
    assert "training one" in text
    table, scores, picture = (
        next((tmp_path / "checkpoints").glob(f"*-scores.{k}")) for k in ("csv", "json", "png")
    )
    assert all(str(file) in text for file in (table, scores, picture))
    held = json.loads(scores.read_text())
    assert held["system"] == "pupil-encoder" and held["config"]["hidden"] == 4
    assert set(held["validation"]) == {"name", "rnn", "mean rate", "PSTH", "FIR", "ceiling"}
    assert pd.read_csv(table).model.tolist() == [row["model"] for row in held["test"]]
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_options_and_files_of_settings_reach_the_checkpoint(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, simulated: Path
) -> None:
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path))
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"hidden": 5, "layers": 2, "fit": {"batch_size": 7}}))
    line = ["train", "--folder", str(simulated), "--config", str(file), "--set", "layers=1", "--epochs", "1"]
    said(
        capsys,
        "pupil_encoder",
        *line,
        "--inputs",
        "behaviour",
        "--split",
        "blocked",
        "--regions",
        "SCm",
        "--seed",
        "3",
    )
    (sidecar,) = (tmp_path / "checkpoints").glob("pupil-encoder-mouse-rnn-3-*.json")
    held = json.loads(sidecar.read_text())
    config = held["config"]
    assert (config["hidden"], config["layers"], config["fit"]["batch_size"]) == (5, 1, 7)
    assert (config["inputs"], config["split"], config["regions"]) == ("behaviour", "blocked", ["SCm"])
    assert (config["seed"], config["fit"]["seed"], config["fit"]["epochs"]) == (3, 3, 1)
    assert held["configuration"]["regions"] == 1 and held["configuration"]["hidden"] == 5


def test_tune_ends_with_the_best_settings(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, simulated: Path
) -> None:
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path))
    line = ("tune", "--folder", str(simulated), "--trials", "2", "--epochs", "1")
    first = said(capsys, "pupil-encoder", *line)
    following = typed_next(first)
    head, *rows = [line.split() for line in first.splitlines() if "complete" in line or "status" in line]
    assert [row[head.index("epochs")] for row in rows] == ["1", "1"]
    assert following[1] == "train" and any(word.startswith("learning_rate=") for word in following)
    assert "--trials" not in following
    assert said(capsys, "pupil-encoder", *line) == first  # the search was finished, and is read


def test_tune_says_beside_the_best_trial_what_it_was_done_without(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, simulated: Path
) -> None:
    """Before the search it would scroll away; the search's file has it as well."""
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path / "data"))
    folder = Path(shutil.copytree(simulated, tmp_path / "mouse"))
    [file] = (each for each in folder.glob("*.npz") if each.name != "truth.npz")
    held = load_object_array(file, "dat", 2**30)
    held[0]["spks"] = held[0]["spks"].astype(float)
    held[0]["spks"][2, 3, 4] = np.nan
    np.savez(file, dat=held)
    line = ("pupil-encoder", "tune", "--trials", "2", "--epochs", "1", "--folder")
    lines, sound = (said(capsys, *line, str(each)).splitlines() for each in (folder, simulated))
    best = next(number for number, each in enumerate(lines) if each.startswith("best validation loss"))
    assert lines[best + 1].startswith("without 1 of ") and lines[best + 1].endswith(": 2")
    assert not any(each.startswith("without") for each in sound)
    states = [open_json(each.read_text()) for each in (tmp_path / "data").rglob("*.search.json")]
    assert sorted([each["names"] for each in state["left_out"]] for state in states) == [[], [["2"]]]


def test_a_killed_training_goes_on_from_the_command_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, simulated: Path
) -> None:
    """The second run does only the epochs that the first had left."""
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path))
    done: list[int] = []

    def count(*arguments: object) -> float:
        done.append(1)
        if len(done) == 3:
            raise KeyboardInterrupt
        return train_epoch(*arguments)

    train_epoch = neurokit.training.fit._train_epoch
    monkeypatch.setattr(neurokit.training.fit, "_train_epoch", count)
    line = ["pupil-encoder", "train", "--folder", str(simulated), "--epochs", "4"]
    assert main(line) == 130
    assert main(line) == 0
    assert len(done) == 3 + 2  # two epochs done, one broken off, two left


# --- a model of one's own

OWN = """
from torch import nn

class Linear(nn.Module):
    def __init__(self, channels, regions):
        super().__init__()
        self.configuration = {"channels": channels, "regions": regions}
        self.rates = nn.Linear(channels, regions)
    configuration = None

    def forward(self, inputs):
        return self.rates(inputs)

def linear(task, config):
    return Linear(len(task.channels), len(task.regions))
"""


def test_a_model_of_ones_own_is_trained_scored_and_asked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, simulated: Path
) -> None:
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path / "data"))
    file = tmp_path / "own_file.py"
    file.write_text(OWN)
    line = ["--folder", str(simulated), "--model", f"{file}:linear", "--epochs", "2"]
    text = said(capsys, "pupil-encoder", "train", *line)
    assert "12 parameters" in text  # 3 x 3 + 3
    text = said(capsys, "pupil-encoder", "evaluate", *line)
    assert "training one" not in text and "Linear" in text
    new, rates = tmp_path / "new.csv", tmp_path / "rates.csv"
    pd.DataFrame({"bin_size": 0.01, "pupil_area": [1.0, 2], "pupil_x": 0, "pupil_y": 0}).to_csv(new)
    (checkpoint,) = (tmp_path / "data" / "checkpoints").glob("*-linear-0-??????????.json")
    asked = ["--checkpoint", str(checkpoint), "--input", str(new), "--output", str(rates)]
    monkeypatch.delitem(sys.modules, "own_file")
    assert "import own_file first" in refused(capsys, "pupil-encoder", "predict", *asked)
    text = said(capsys, "pupil-encoder", "predict", *asked, "--model", f"{file}:linear")
    assert pd.read_csv(rates).shape == (1, 6) and "has changed" not in text
    file.write_text(OWN + "\nother = linear\ndef another(task, config): ...\n")
    assert "has changed" in said(capsys, "pupil-encoder", "predict", *asked, "--model", f"{file}:linear")
    wrong = refused(capsys, "pupil-encoder", "predict", *asked, "--model", f"{file}:another")
    assert "built by own_file:linear, not by" in wrong
    file.write_text("x = 1\ny = 1 / 0\n")
    wrong = refused(capsys, "pupil-encoder", "train", *line)
    assert f"{file} does not run (line 2, ZeroDivisionError: division by zero)" in wrong


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        (
            "json",
            "def mine(task, config): ...",
            "json.py has the name of another module, json; rename the file",
        ),
        ("numpy", "def mine(task, config): ...", "has the name of another module, numpy"),
        ("ends", "raise SystemExit(0)", "ends.py does not run (line 1, SystemExit: 0)"),
        (
            "boom",
            "def mine(task, config):\n    raise ValueError('boom')",
            "build failed (line 2, ValueError: boom)",
        ),
        ("bare", "def mine(): ...", "build failed (TypeError: mine() takes 0 positional arguments but 2"),
        (
            "wrong",
            "from torch import nn\nclass Mine(nn.Linear):\n    def forward(self):\n        return 0\n"
            "def mine(task, config):\n    return Mine(2, 3)",
            "Your model mine cannot be trained (TypeError: Mine.forward() takes 1 positional argument but",
        ),
    ],
)
def test_a_model_of_ones_own_that_fails_is_one_sentence(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    simulated: Path,
    name: str,
    text: str,
    says: str,
) -> None:
    before = sys.modules.get(name)
    (tmp_path / f"{name}.py").write_text(text)
    line = ["--folder", str(simulated), "--model", f"{tmp_path / name}.py:mine", "--epochs", "1"]
    assert says in refused(capsys, "pupil-encoder", "train", *line)
    assert before is None or sys.modules[name] is before


def test_a_model_of_the_packages_own_was_built_by_no_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, simulated: Path
) -> None:
    said(capsys, "pupil-encoder", "train", *PUPIL[1:], "--folder", str(simulated))
    path = Experiment("pupil-encoder", folder=simulated, values={"hidden": 4}, epochs=1).path
    np.savez(tmp_path / "new.npz", bin_size=0.01)
    asked = ["--checkpoint", f"{path}.json", "--input", str(tmp_path / "new.npz")]
    asked += ["--output", str(tmp_path / "rates.npz"), "--model", "my_file.py:mine"]
    assert "leave out --model" in refused(capsys, "pupil-encoder", "predict", *asked)


@pytest.mark.parametrize(
    ("model", "says"),
    [
        ("nowhere.py:model", "nowhere.py is no Python file"),
        (":model", "names no function in a file; write my_file.py:name"),
        ("my_file.py:", "names no function in a file; write my_file.py:name"),
        ("elman", "has no model 'elman'; choose one of rnn"),
    ],
)
def test_a_model_that_is_not_there(capsys: pytest.CaptureFixture[str], model: str, says: str) -> None:
    assert says in refused(capsys, "pupil-encoder", "train", "--model", model)


# --- what cannot be


def test_unknown_source(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEUROKIT_SOURCE", "ful")
    message = refused(capsys, "pupil-encoder", "data")
    assert "NEUROKIT_SOURCE is 'ful'; set it to one of demo, cutout, full" in message


def test_a_real_session_comes_with_the_package(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NEUROKIT_REAL_DATA", raising=False)
    assert said(capsys, "pupil-encoder", "data", "--source", "cutout").startswith("Cori_2016-12-17\n")
    assert "Hench_2017-06-18" in said(capsys, "pupil-encoder", "data", "--source", "cutout", "--list")


def test_the_sessions_of_a_folder_are_listed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    where = ("--folder", str(tmp_path / "own"))
    said(capsys, "pupil-encoder", "simulate", "--trials", "12", "--output", where[1])
    for place in ("own", "own/alf", "own/alf/Simulated_2026-01-01"):
        here = ("--folder", str(tmp_path / place))
        text = said(capsys, "pupil-encoder", "data", "--list", *here)
        assert text.splitlines()[1].split()[:3] == ["Simulated_2026-01-01", "240", "12"]
        assert "pupil_area" in text and "12 trials" in said(capsys, "pupil-encoder", "data", *here)
    both = refused(capsys, "pupil-encoder", "data", "--list", *where, "--source", "demo")
    assert "source, folder and recording each say where data come from" in both


def test_a_session_without_behaviour_is_scored_by_baselines_alone(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path))
    where = ("--source", "cutout", "--session", "Lederberg_2017-12-09")
    assert "behaviour none" in said(capsys, "pupil-encoder", "data", *where)
    says = (
        "Lederberg_2017-12-09 has no behaviour, and a PupilEncoder reads nothing else: no model is trained."
    )
    for command in ("train", "tune"):
        assert says in refused(capsys, "pupil-encoder", command, *where)
    for split in ("random", "blocked"):
        text = said(capsys, "pupil-encoder", "evaluate", *where, "--split", split, "--regions", "LGd", "TH")
        assert says in text and "PSTH by contrast and choice" in text and "FIR" not in text
    tables = [pd.read_csv(table) for table in (tmp_path / "checkpoints").glob("*-scores.csv")]
    assert len(tables) == 2 and all(np.isfinite(table["r2_mean"]).all() for table in tables)
    assert all((table["model"] == "ceiling").sum() == 2 for table in tables)
    held = json.loads(next((tmp_path / "checkpoints").glob("*-scores.json")).read_text())
    assert held["validation"] is None and len(held["test"]) == 10
    assert not list(tmp_path.rglob("*.safetensors"))


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("train --compile graphs --device cpu", "compile is 'graphs', which needs CUDA"),
        ("train --device tpu", "Device 'tpu' is not there"),
        ("train --device cpu:foo", "Device 'cpu:foo' is not there"),
        ("train --model model_5", "has no model 'model_5'; choose one of"),
        ("train --set seed=3", "--set seed=3 would hide the seed; use --seed 3"),
        ("train --set nothing=1", "has no nothing; the nearest that it has is"),
        ("train --set seed", "--set seed has no value; write --set seed=VALUE"),
        ("train --config nowhere.json", "nowhere.json is missing"),
        ("train --epochs 0", "epochs is 0; use a whole number of 1 or more"),
        ("train --folder nowhere", "nowhere is no folder"),
        ("data --list --folder nowhere", "nowhere is no folder"),
        ("data --folder . --source demo", "source, folder and recording each say where data come from"),
        ("train --folder . --source demo", "source, folder and recording each say where data come from"),
        ("train --set epochs=3 --epochs 5", "--set epochs=3 and another option say different things"),
        (
            "train --set precision=float32 --set precision=bfloat16",
            "--set precision=float32 and another option say different things",
        ),
        ("fit", "has no command 'fit'; use one of data, simulate"),
        ("predict --checkpoint a.json --input b.npz --output c.npz", "a.json is missing"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_made(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    name: str,
    arguments: str,
    says: str,
) -> None:
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert says in refused(capsys, name, *arguments.split())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("pupil-encoder train --set hidden=0", "hidden is 0"),
        ("pupil-encoder train --set hidden=many", "hidden is 'many'"),
        ("pupil-encoder train --split alternate", "split is 'alternate'; use one of random, blocked"),
        ("pupil-encoder train --inputs eye", "inputs is 'eye'; use one of pupil, behaviour"),
        ("pupil-encoder data --session a b", "reads one session, and 2 are named"),
        ("pupil-encoder train --regions SCs SCs", "regions names SCs more than once"),
        *((f"{name} {command} --session a a", "a more than once") for name in SYSTEMS for command in BOTH),
        ("steinmetz data", "There is no system 'steinmetz'; use one of pupil-encoder"),
        ("sensorium submit --workers 2", "--workers needs --engine processes or ray"),
    ],
)
def test_words_that_no_system_knows(capsys: pytest.CaptureFixture[str], arguments: str, says: str) -> None:
    assert says in refused(capsys, *arguments.split())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("data --seed -1", "argument --seed: '-1' is no whole number"),
        ("data --seed 99999999999999999999", "'99999999999999999999' is no whole number"),
        ("train --source Demo", "argument --source: invalid choice: 'Demo'"),
        ("train --size large", "argument --size: invalid choice: 'large'"),
        ("data --folder=", "argument --folder: the path is empty"),
        ("train --movies natural_movie_one", "unrecognized arguments: --movies"),
        ("train --cell gru", "unrecognized arguments: --cell"),
    ],
)
def test_options_that_cannot_be_read(capsys: pytest.CaptureFixture[str], arguments: str, says: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["pupil-encoder", *arguments.split()])
    assert stopped.value.code == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"bin_size": 0.02}, "bin_size is 0.02 s, and the model reads bins of 0.01 s"),
        ({"bin_size": None}, "bin_size is missing"),
        ({"pupil_x": None}, "pupil_x is missing"),
        ({"pupil_x": np.zeros((2, 9))}, "The channels differ in shape"),
        ({"pupil_x": np.zeros((2, 9, 3))}, "pupil_x has the shape"),
    ],
)
def test_inputs_that_do_not_fit_the_model(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    simulated: Path,
    changes: dict,
    says: str,
) -> None:
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path))
    experiment = Experiment("pupil-encoder", folder=simulated, values={"hidden": 4}, epochs=1).train()
    arrays = {"bin_size": 0.01, **dict.fromkeys(("pupil_area", "pupil_x", "pupil_y"), np.zeros((2, 8)))}
    arrays = {name: value for name, value in (arrays | changes).items() if value is not None}
    np.savez(tmp_path / "new.npz", **arrays)
    line = ["--checkpoint", f"{experiment.path}.json", "--input", str(tmp_path / "new.npz")]
    assert says in refused(capsys, "pupil-encoder", "predict", *line, "--output", str(tmp_path / "rates.npz"))
    assert not (tmp_path / "rates.npz").exists()


def test_a_reader_that_goes_away_is_no_error(root: Path) -> None:
    """As `neurokit pupil-encoder data | head -0`: nothing on standard error, and not a success either."""
    code = "import sys; from neurokit.cli import main; sys.exit(main(['pupil-encoder', 'data']))"
    environment = {**os.environ, "PYTHONPATH": str(root)}
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=PIPE, stderr=PIPE, text=True, env=environment) as process:
        process.stdout.close()
        assert (process.stderr.read(), process.wait()) == ("", 141)


def shell(root: Path, line: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A line of shell that starts the command as `$neurokit`."""
    variables = {**os.environ, "PYTHONPATH": str(root), "neurokit": f"{sys.executable} -m neurokit"}
    return subprocess.run(
        ["sh", "-c", line], capture_output=True, text=True, env=variables | environment, cwd=root
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
def test_an_output_that_cannot_be_written_is_one_sentence(root: Path) -> None:
    run = shell(root, "$neurokit > /dev/full")
    assert run.returncode == 2
    assert run.stderr == "neurokit: the output could not be written: no space left on that disk.\n"


def test_a_closed_output_and_one_without_accents_are_no_error(root: Path) -> None:
    assert shell(root, "$neurokit >&-").returncode == 0
    line = "$neurokit pupil-encoder evaluate --help"
    plain, ascii_alone = shell(root, line), shell(root, line, PYTHONIOENCODING="ascii")
    assert ascii_alone.returncode == 0 and ascii_alone.stderr == ""
    assert len(ascii_alone.stdout) == len(plain.stdout)


def test_too_little_memory_is_one_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise MemoryError("Unable to allocate 745. GiB")

    monkeypatch.setitem(RUN, "data", full)
    message = refused(capsys, "pupil-encoder", "data")
    assert message == "neurokit: not enough memory (Unable to allocate 745. GiB): use a smaller size."


WRONG = """
from torch import nn

class Wrong(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.layer = nn.Linear(3, width)

    def forward(self, inputs):
        return self.layer(inputs)

def narrow(task, config):
    return Wrong(1)

def plain(task, config):
    return nn.Linear(3, 3)

def nothing(task, config):
    return None
"""


def test_what_a_model_of_ones_own_must_offer_is_said_before_training(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, simulated: Path
) -> None:
    """An answer that would only broadcast, no model at all, and one that cannot be built again."""
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path / "data"))
    file = tmp_path / "wrong_file.py"
    file.write_text(WRONG)
    line = ["pupil-encoder", "train", "--folder", str(simulated), "--epochs", "1", "--model"]
    message = refused(capsys, *line, f"{file}:narrow")
    assert "Wrong answers (2, 250, 3) with (2, 250, 1), and rates have (2, 250, 3)" in message
    assert "build returned a NoneType for nothing" in refused(capsys, *line, f"{file}:nothing")
    assert not list((tmp_path / "data").rglob("*.safetensors"))
    assert "Linear has no `configuration`" in said(capsys, *line, f"{file}:plain")


def test_training_anew_is_asked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A recording that changed under its name is refused, and `--again` is the way out that is named."""
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path / "data"))
    line = ["pupil-encoder", "train", "--folder", str(tmp_path / "mouse"), "--epochs", "1"]
    for seed in ("0", "1"):
        said(capsys, "pupil-encoder", "simulate", "--trials", "12", "--seed", seed, "--output", line[3])
        if seed == "0":
            said(capsys, *line)
    assert "values differ): use the recording that it was made with, or train anew" in refused(capsys, *line)
    assert "--again" not in typed_next(said(capsys, *line, "--again"))
    assert "it was trained before" in said(capsys, *line)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (np.array([["a", "b"]]), "pupil_area is text; give real numbers"),
        (np.zeros((0, 8)), "pupil_area has the shape (0, 8); give trials x bins"),
    ],
)
def test_inputs_that_no_model_can_read_get_a_sentence(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    simulated: Path,
    value: np.ndarray,
    says: str,
) -> None:
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path))
    experiment = Experiment("pupil-encoder", folder=simulated, values={"hidden": 4}, epochs=1).train()
    file = tmp_path / "new.npz"
    np.savez(file, bin_size=0.01, pupil_area=value, pupil_x=value, pupil_y=value)
    line = ["predict", "--checkpoint", f"{experiment.path}.json", "--input", str(file), "--output"]
    assert says in refused(capsys, "pupil-encoder", *line, str(tmp_path / "r.npz"))
    assert "--output is the input" in refused(capsys, "pupil-encoder", *line, str(file))
    # what a system's own checks have let pass
    np.savez(file, bin_size=0.01, **dict.fromkeys(("pupil_area", "pupil_x", "pupil_y"), np.zeros((2, 8))))
    monkeypatch.setattr("neurokit.pupil_encoder.experiment.respond", lambda *_: np.ones(2) @ np.ones(3))
    assert f"{file} cannot be answered" in refused(capsys, "pupil-encoder", *line, str(tmp_path / "r.npz"))


def test_inputs_that_unpack_to_hundreds_of_their_bytes_are_not_unpacked(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, simulated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path))
    experiment = Experiment("pupil-encoder", folder=simulated, values={"hidden": 4}, epochs=1).train()
    file = tmp_path / "new.npz"
    np.savez_compressed(file, pupil_area=np.zeros(2**29, np.uint8))
    line = ["predict", "--checkpoint", f"{experiment.path}.json", "--input", str(file), "--output"]
    assert f"{file} unpacks to" in refused(capsys, "pupil-encoder", *line, str(tmp_path / "r.npz"))


@pytest.mark.parametrize("content", ['{"hidden": 0}', '{"hidden": "x"}', '{"fit": {"batch_size": -1}}'])
def test_a_field_of_a_config_file_that_cannot_be_names_the_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, simulated: Path, content: str
) -> None:
    file = tmp_path / "c.json"
    file.write_text(content)
    line = ["train", "--folder", str(simulated), "--config", str(file)]
    message = refused(capsys, "pupil-encoder", *line)
    assert message.startswith(f"neurokit: --config {file}: ")
    # a value from elsewhere is not laid on the file
    file.write_text('{"layers": 1}')
    assert "--config" not in refused(capsys, "pupil-encoder", *line, "--set", "hidden=0")


@pytest.mark.parametrize(("typed", "meant"), [("sensorum", "sensorium"), ("digital_twins", "digital-twin")])
def test_name_close_to_a_systems_is_met_with_that_name(
    typed: str, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([typed, "train"]) == 2
    assert f"did you mean {meant}?" in capsys.readouterr().err


def test_name_far_from_any_system_is_met_with_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["xyz", "train"]) == 2
    assert "did you mean" not in (said := capsys.readouterr().err) and "pupil-encoder" in said


@pytest.mark.parametrize("text", ["١", "1_0", "+1", "", "1.0"])
def test_only_plain_digits_are_a_whole_number(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="no whole number"):
        whole_number(text)


def test_a_folder_whose_name_is_too_long_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sensorium", "data", "--folder", "x" * 5000]) == 2
    assert "cannot be read (File name too long)" in capsys.readouterr().err


def test_memory_that_torch_does_not_get_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def greedy(*_: object) -> None:
        torch.empty(2**58, dtype=torch.uint8)

    monkeypatch.setitem(RUN, "train", greedy)
    assert main(["pupil-encoder", "train"]) == 2
    assert "not enough memory" in capsys.readouterr().err


def test_other_errors_of_torch_are_no_matter_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*_: object) -> None:
        raise RuntimeError("shapes cannot be multiplied")

    monkeypatch.setitem(RUN, "train", wrong)
    with pytest.raises(RuntimeError, match="multiplied"):
        main(["pupil-encoder", "train"])


def test_movies_with_numbers_for_names_can_be_chosen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    random = np.random.default_rng(0)
    times = np.stack([5 + 20 * repeat + np.arange(450) / 30 for repeat in range(3)])
    clock = np.arange(0, 150, 1 / 15)
    arrays = {"traces": random.random((len(clock), 6)), "trace_times": clock}
    for number, begin in (("1", 0), ("2", 65)):
        frames = random.integers(0, 255, (450, 12, 16)).astype(np.uint8)
        arrays |= {f"frames_{number}": frames, f"frame_times_{number}": times + begin}
    np.savez(tmp_path / "mouse.npz", **arrays)
    place = ["digital-twin", "convert", str(tmp_path / "mouse.npz"), "--output", str(tmp_path / "out")]
    assert main([*place, "--movies", "1", "--monitor", "12", "16"]) == 0
    assert "12 x 16 pixels" in capsys.readouterr().out
