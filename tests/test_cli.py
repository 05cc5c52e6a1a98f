"""Every command without arguments on the demo tier, and what it says when something is wrong."""

from pathlib import Path

import pytest

from neurokit import settings
from neurokit.cli import main
from neurokit.pupil_run import evaluate_saved, train_and_save


@pytest.fixture(autouse=True)
def demo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEUROKIT_TIER", "demo")
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


def test_train_then_evaluate(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path))
    text = said(capsys, "train", "--cell", "rnn", "--epochs", "2")
    assert "1812 parameters" in text
    assert not list(tmp_path.rglob("*.training"))  # the state of a finished run is not kept
    scores = said(capsys, "evaluate")
    assert "training one" not in scores
    for model in ("PupilEncoder", "FIR", "PSTH + drift"):
        assert model in scores


def test_evaluate_trains_where_nothing_is_saved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path))
    calls = []

    def few_epochs(*arguments: object) -> object:
        calls.append(arguments)
        return train_and_save(*arguments, cell="rnn", epochs=1)

    monkeypatch.setattr("neurokit.pupil_run.train_and_save", few_epochs)
    table = evaluate_saved()
    assert calls == [("pupil", "random", 0)]
    assert set(table["region"]) == {"SCs", "SCm", "LGd"}


def test_an_encoder_of_other_data_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path))
    said(capsys, "train", "--cell", "rnn", "--epochs", "1")
    for file in (tmp_path / "checkpoints").glob("*-random-0.*"):
        file.rename(file.with_name(file.name.replace("-random-0", "-random-1")))
    message = refused(capsys, "evaluate", "--seed", "1")
    assert "was fitted to other data" in message


def test_unknown_tier(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEUROKIT_TIER", "ful")
    assert "NEUROKIT_TIER is 'ful'; set it to one of demo, cutout, full" in refused(capsys, "data")


def test_cutout_without_a_folder(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEUROKIT_REAL_DATA", raising=False)
    assert "set NEUROKIT_REAL_DATA" in refused(capsys, "data", "--tier", "cutout")


def test_cutout_in_an_empty_folder(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NEUROKIT_REAL_DATA", str(tmp_path))
    assert "cori_2016-12-17_nma_like.npz is missing" in refused(capsys, "data", "--tier", "cutout")


def test_a_device_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert "Device 'tpu' is not there" in refused(capsys, "train", "--device", "tpu")


def test_no_trials(capsys: pytest.CaptureFixture[str]) -> None:
    assert "--trials is 0" in refused(capsys, "simulate", "--trials", "0")


def test_the_tier_of_one_command_does_not_stay(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEUROKIT_TIER", "cutout")
    said(capsys, "data", "--tier", "demo")
    assert settings.tier() == "cutout"
