"""Every command without arguments on the demo source, and what it says when something is wrong."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from subprocess import PIPE

import numpy as np
import pandas as pd
import pytest

import neurokit.training.fit
from neurokit import settings
from neurokit.cli import main
from neurokit.cli_options import CELLS, MODELS
from neurokit.errors import CheckpointError, SettingsError
from neurokit.pupil_encoder import baselines
from neurokit.pupil_encoder.cleaning import RobustScale
from neurokit.pupil_encoder.experiment import _facts, encoder_path, evaluate_saved, prepare, train_and_save
from neurokit.pupil_encoder.features import EncodingTask, encoding_task
from neurokit.pupil_encoder.recording import TrialRecording
from neurokit.pupil_encoder.sources import load_session
from neurokit.pupil_encoder.training import MODELS as ENCODERS
from neurokit.sensorium.config import PUBLISHED
from neurokit.sensorium.experiment import Plan


@pytest.fixture(autouse=True)
def demo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEUROKIT_SOURCE", "demo")
    monkeypatch.setenv("NEUROKIT_QUIET", "1")


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(list(arguments)) == 0
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(list(arguments)) == 2
    message = capsys.readouterr().err.strip()
    assert message.startswith("neurokit: ")
    assert "\n" not in message
    return message


def test_data_describes_the_recording(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "data")
    assert "240 neurons, 250 trials, 250 spike bins of 10 ms" in text
    assert "pupil_area" in text


def test_simulate_writes_both_formats_and_the_truth(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    said(capsys, "simulate", "--trials", "12", "--output", str(tmp_path))
    assert (tmp_path / "steinmetz_part0.npz").is_file()
    assert (tmp_path / "alf" / "Simulated_2026-01-01" / "spikes.times.npy").is_file()
    assert (tmp_path / "truth.npz").is_file()


def test_simulate_replaces_what_it_wrote(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for seed in ("1", "2"):
        said(capsys, "simulate", "--trials", "12", "--seed", seed, "--output", str(tmp_path))
        with np.load(tmp_path / "truth.npz") as truth:
            assert json.loads(str(truth["parameters"]))["seed"] == int(seed)


@pytest.mark.parametrize("recording", ["steinmetz", "sensorium", "allen", "microns"])
def test_simulate_touches_no_file_that_it_did_not_write(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, recording: str
) -> None:
    """As in a folder of real downloads, or in one that another recording was simulated into."""
    for name in ("steinmetz_part0.npz", "truth.npz"):
        mine = tmp_path / name
        mine.write_bytes(b"mine")
        line = ("simulate", "--recording", recording, "--output", str(tmp_path))
        assert f"{tmp_path} holds {name}, which this command did not write" in refused(capsys, *line)
        assert mine.read_bytes() == b"mine" and list(tmp_path.iterdir()) == [mine]
        mine.unlink()


@pytest.mark.parametrize(
    ("cell", "model", "parameters"),
    [("rnn", "PupilEncoder", 1812), ("mlp", "WindowMLP", 16392), ("cnn", "TemporalCNN", 3864)],
)
def test_train_then_evaluate(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    cell: str,
    model: str,
    parameters: int,
) -> None:
    """27 units from 3 channels to 3 rates; a perceptron sees 201 bins, a convolution 5."""
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path))
    text = said(capsys, "train", "--cell", cell, "--epochs", "2")
    assert f"{parameters} parameters" in text
    assert not list(tmp_path.rglob("*.training"))  # the state of a finished run is not kept
    scores = said(capsys, "evaluate", "--cell", cell)
    assert "training one" not in scores
    for name in (model, "FIR", "PSTH + drift"):
        assert name in scores


def test_two_encoders_never_share_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An own architecture does not take the place of another one."""
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path))
    asked: list[dict] = [{"cell": cell} for cell in CELLS]
    asked += [{"hidden": 8}, {"layers": 2}, {"hidden": 2, "layers": 7}, {"hidden": 27, "layers": 11}]
    asked += [{"seed": 1}, {"inputs": "behaviour"}, {"split": "blocked"}]
    assert len({encoder_path(**each) for each in asked}) == len(asked)
    first = train_and_save(cell="gru", hidden=8, epochs=1).path
    content = first.read_bytes()
    second = train_and_save(cell="rnn", hidden=4, epochs=1).path
    assert first != second and first.read_bytes() == content
    assert first.with_suffix("") == encoder_path(cell="gru", hidden=8)
    assert second.with_suffix("") == encoder_path(cell="rnn", hidden=4)


def test_an_encoder_under_anothers_name_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path))
    saved, wanted = train_and_save(cell="rnn", hidden=4, epochs=1).path, encoder_path(cell="rnn", hidden=5)
    for file in saved.parent.glob(f"{saved.stem}.*"):
        file.rename(wanted.with_name(wanted.name + file.suffix))
    with pytest.raises(CheckpointError, match="holds an encoder of another cell or size"):
        evaluate_saved(cell="rnn", hidden=5)


@pytest.mark.parametrize("wrong", [{"cell": "elman"}, {"hidden": 0}, {"layers": 0}])
def test_an_encoder_that_cannot_be_is_refused_first(
    monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str | int]
) -> None:
    monkeypatch.setattr("neurokit.pupil_encoder.experiment.load_session", lambda **_: pytest.fail("too late"))
    monkeypatch.setattr(
        "neurokit.pupil_encoder.experiment.encoder_path", encoder_path.__wrapped__
    )  # the import hook
    for function in (train_and_save, evaluate_saved):
        with pytest.raises(SettingsError, match=next(iter(wrong))):
            function.__wrapped__(**wrong)


def test_evaluate_trains_where_nothing_is_saved(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path))
    calls = []

    def few_epochs(*arguments: object, **sizes: object) -> object:
        calls.append(arguments)
        return train_and_save(*arguments, **sizes, epochs=1)

    monkeypatch.setattr("neurokit.pupil_encoder.experiment.train_and_save", few_epochs)
    text = said(capsys, "evaluate", "--cell", "rnn", "--hidden", "4")
    assert calls == [("pupil", "random", 0)]
    assert "training one" in text and all(name in text for name in ("SCs", "SCm", "LGd"))


def test_evaluate_says_that_no_sensorium_model_is_saved(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path))
    monkeypatch.setattr(
        "neurokit.sensorium.experiment.evaluate_saved", lambda plan: pd.DataFrame({"model": ["ln"]})
    )
    line = ("evaluate", "--recording", "sensorium", "--model", "ln")
    assert "training one" in said(capsys, *line)
    path = Plan("ln").path
    path.parent.mkdir(parents=True)
    path.with_name(f"{path.name}.json").touch()
    assert "training one" not in said(capsys, *line)


def test_an_encoder_of_other_data_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path))
    said(capsys, "train", "--cell", "rnn", "--epochs", "1")
    for file in (tmp_path / "checkpoints").glob("*-random-0-rnn-*"):
        file.rename(file.with_name(file.name.replace("-random-0", "-random-1")))
    message = refused(capsys, "evaluate", "--seed", "1", "--cell", "rnn")
    assert "was fitted to other data" in message


def rounded_elsewhere(*arguments: object, **options: object) -> EncodingTask:
    """The task as another version of numpy might filter and scale it: the last bits differ."""
    task = encoding_task(*arguments, **options)
    scales = {
        name: RobustScale(np.nextafter(scale.centre, 1), np.nextafter(scale.spread, 1))
        for name, scale in task.scales.items()
    }
    inputs, rates = (np.nextafter(values, np.float32(1)) for values in (task.inputs, task.rates))
    return replace(task, inputs=inputs, rates=rates, scales=scales)


def scaled_otherwise(*arguments: object, **options: object) -> EncodingTask:
    task = encoding_task(*arguments, **options)
    scales = {name: RobustScale(scale.centre, 1.001 * scale.spread) for name, scale in task.scales.items()}
    return replace(task, scales=scales)


def one_spike_more(*arguments: object, **options: object) -> TrialRecording:
    recording = load_session(*arguments, **options)
    spikes = recording.spikes.copy()
    spikes[0, 0, 0] += 1
    return replace(recording, spikes=spikes)


def test_an_encoder_belongs_to_the_recording_and_not_to_its_last_filtered_bits(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path))
    train_and_save(cell="rnn", epochs=1)
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("neurokit.pupil_encoder.experiment.encoding_task", rounded_elsewhere)
        assert len(evaluate_saved())
    with monkeypatch.context() as changed, pytest.raises(CheckpointError, match=r"\(scales differ"):
        changed.setattr("neurokit.pupil_encoder.experiment.encoding_task", scaled_otherwise)
        evaluate_saved()
    with monkeypatch.context() as changed, pytest.raises(CheckpointError, match=r"\(data differ"):
        changed.setattr("neurokit.pupil_encoder.experiment.load_session", one_spike_more)
        evaluate_saved()


def test_unknown_source(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEUROKIT_SOURCE", "ful")
    assert "NEUROKIT_SOURCE is 'ful'; set it to one of demo, cutout, full" in refused(capsys, "data")


def test_cutout_without_a_folder(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEUROKIT_REAL_DATA", raising=False)
    assert "set NEUROKIT_REAL_DATA" in refused(capsys, "data", "--source", "cutout")


def test_cutout_in_an_empty_folder(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NEUROKIT_REAL_DATA", str(tmp_path))
    assert "cori_2016-12-17_nma_like.npz is missing" in refused(capsys, "data", "--source", "cutout")


def test_a_device_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert "Device 'tpu' is not there" in refused(capsys, "train", "--device", "tpu")


@pytest.mark.parametrize("recording", ["steinmetz", "sensorium", "allen", "microns"])
def test_graphs_need_a_gpu(capsys: pytest.CaptureFixture[str], recording: str) -> None:
    line = ("train", "--recording", recording, "--compile", "graphs", "--device", "cpu")
    assert "compile is 'graphs', which needs CUDA" in refused(capsys, *line)


@pytest.mark.parametrize(
    "arguments",
    [
        ("simulate", "--trials", "0"),
        ("train", "--hidden", "0"),
        ("train", "--layers", "-1"),
        ("train", "--epochs", "0"),
        ("data", "--seed", "-1"),
        ("data", "--seed", "99999999999999999999"),
        ("train", "--hidden", "many"),
        ("submit", "--members", "0"),
        ("submit", "--workers", "0"),
        ("evaluate", "--session", "0"),
    ],
)
def test_numbers_that_cannot_be_used(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(list(arguments))
    assert stopped.value.code == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert f"argument {arguments[1]}: {arguments[2]!r} is no whole number from" in last


def test_train_options_reach_the_checkpoint(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path))
    shape = ("--cell", "rnn", "--hidden", "5", "--layers", "2", "--epochs", "1")
    said(capsys, "train", *shape, "--inputs", "behaviour", "--split", "blocked", "--seed", "3")
    (file,) = (tmp_path / "checkpoints").glob("*-behaviour-blocked-3-rnn-5-2.json")
    description = json.loads(file.read_text())
    assert description["configuration"] == {
        "channels": 6, "regions": 3, "hidden": 5, "cell": "rnn", "layers": 2, "bidirectional": True,
    }  # fmt: skip
    recording, blocked = prepare("behaviour", "blocked", 3)
    assert description["data"] == _facts(recording, blocked)["data"]
    assert description["data"] != _facts(*prepare("behaviour", "random", 3))["data"]


def test_a_killed_training_goes_on_from_the_command_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
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
    assert main(["train", "--cell", "rnn", "--epochs", "4"]) == 130
    assert main(["train", "--cell", "rnn", "--epochs", "4"]) == 0
    assert len(done) == 3 + 2  # two epochs kept, one broken off, two left


def test_evaluate_scores_the_test_trials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Baselines need no checkpoint: their rows equal scores computed here on the test part alone."""
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path))
    train_and_save(cell="rnn", epochs=1)
    table = evaluate_saved(cell="rnn").set_index(["model", "region"])
    _, task = prepare()
    bins = task.bins("test")
    for index, region in enumerate(task.regions):
        measured, psth = task.rates[bins][:, index], baselines.psth(task)[bins][:, index]
        mean = task.rates[task.bins("train")][:, index].mean()
        expected = 1 - ((measured - psth) ** 2).sum() / ((measured - mean) ** 2).sum()
        assert table.loc[("PSTH", region), "r2_mean"] == pytest.approx(expected, abs=1e-5)  # float32


def test_damaged_or_removed_demo_files_are_simulated_anew(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path))
    spikes = load_session().spikes
    (file,) = tmp_path.rglob("steinmetz_part0.npz")
    file.write_bytes(file.read_bytes()[:1000])
    assert (load_session().spikes == spikes).all()
    file.unlink()
    assert (load_session().spikes == spikes).all()


def test_the_source_of_one_command_does_not_stay(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEUROKIT_SOURCE", "cutout")
    said(capsys, "data", "--source", "demo")
    assert settings.source() == "cutout"


def test_the_commands_know_every_model() -> None:
    assert set(MODELS) == set(PUBLISHED)
    assert set(CELLS) == set(ENCODERS)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("train --model ln", "--model cannot go with --recording steinmetz"),
        ("evaluate --published", "--published cannot go with --recording steinmetz"),
        ("train --recording sensorium --cell gru", "--cell cannot go with --recording sensorium"),
        (
            "train --recording sensorium --hidden 3 --layers 2",
            "--hidden, --layers cannot go with --recording sensorium",
        ),
        ("evaluate --recording sensorium --inputs pupil", "--inputs cannot go with --recording sensorium"),
        ("evaluate --recording sensorium --split random", "--split cannot go with --recording sensorium"),
        (
            "train --running none",
            "--running cannot go with --recording steinmetz; leave it out, or use --rec",
        ),
        ("evaluate --size small --session 7", "--size, --session cannot go with --recording steinmetz"),
        ("data --movies natural_movie_one", "--movies cannot go with --recording steinmetz"),
        ("data --recording sensorium --session 7", "--session cannot go with --recording sensorium"),
        ("simulate --session-type three_session_A", "--session-type cannot go with --recording steinmetz"),
        ("simulate --recording allen --trials 30", "--trials cannot go with --recording allen; leave it out"),
        ("train --recording allen --cell gru", "--cell cannot go with --recording allen"),
        ("train --recording allen --model ln", "--model cannot go with --recording allen"),
        ("evaluate --recording allen --session 7", "Session 7 is not on the demo source"),
        ("train --recording allen --device tpu", "Device 'tpu' is not there"),
        ("data --recording allen --source cutout", "'cutout' has no session with movies"),
        ("train --folder mouse --gaps mean", "--folder, --gaps cannot go with --recording steinmetz"),
        ("data --weights here", "--weights cannot go with --recording steinmetz; leave it out, or use --rec"),
        ("train --recording allen --foundation twin", "--foundation cannot go with --recording allen"),
        ("train --recording microns --session 7", "--session cannot go with --recording microns"),
        ("train --recording microns --model ln --cell gru", "--cell cannot go with --recording microns"),
        ("train --recording microns --device tpu", "Device 'tpu' is not there"),
        ("data --recording microns --source cutout", "'cutout' has no small real recording of a mouse that"),
        ("train --recording microns --source full", "no recording to train on"),
        ("submit --recording allen", "nothing to submit of the recording allen; use --recording sensorium"),
        ("submit --recording steinmetz", "nothing to submit of the recording steinmetz"),
        ("submit --workers 2", "--workers needs --engine processes or ray"),
        ("submit --engine here --workers 2", "--workers needs --engine processes or ray"),
        ("train --recording sensorium --device tpu", "Device 'tpu' is not there"),
        ("submit --device tpu", "Device 'tpu' is not there"),
        ("data --recording sensorium --source cutout", "'cutout' has no small real SENSORIUM recording"),
        ("simulate --recording sensorium --trials 19", "ask for 20 or more"),
    ],
)
def test_combinations_that_mean_nothing(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    arguments: str,
    says: str,
) -> None:
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path))
    assert says in refused(capsys, *arguments.split())
    assert not list(tmp_path.iterdir())  # it was noticed before anything was made


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("train --recording sensorium --model model_5", "argument --model: invalid choice: 'model_5'"),
        ("submit --engine slurm", "argument --engine: invalid choice: 'slurm'"),
        ("data --recording neuropixels", "argument --recording: invalid choice: 'neuropixels'"),
        ("train --recording allen --movies one", "argument --movies: invalid choice: 'one'"),
        ("train --recording allen --running fast", "argument --running: invalid choice: 'fast'"),
        ("train --recording microns --gaps fill", "argument --gaps: invalid choice: 'fill'"),
        ("train --recording allen --size large", "argument --size: invalid choice: 'large'"),
        ("simulate --session-type three_session_D", "--session-type: invalid choice: 'three_session_D'"),
    ],
)
def test_words_that_are_no_choice(capsys: pytest.CaptureFixture[str], arguments: str, says: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments.split())
    assert stopped.value.code == 2
    assert says in capsys.readouterr().err


def test_a_reader_that_goes_away_is_no_error(root: Path) -> None:
    """As `neurokit data | head -0`: nothing on standard error, and not a success either."""
    code = "import sys; from neurokit.cli import main; sys.exit(main(['data']))"
    environment = {**os.environ, "PYTHONPATH": str(root)}
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=PIPE, stderr=PIPE, text=True, env=environment) as process:
        process.stdout.close()
        assert (process.stderr.read(), process.wait()) == ("", 141)
