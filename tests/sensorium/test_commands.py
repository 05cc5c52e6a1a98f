"""The commands of SENSORIUM, on tiny scans in a folder: what they print, leave, and refuse."""

import json
import shlex
from pathlib import Path

import numpy as np
import pytest

from neurokit.cli import main
from tests.sensorium.test_experiment import KEYS, WITHHELD, written

SMALL = ["channels=4", "layers=2", "input_kernel=5", "hidden_kernel=3", "state.components=6", "state.rank=4"]
TINY = ["--size", "small", "--epochs", "1", "--device", "cpu"]
TINY += [part for each in SMALL for part in ("--set", each)]


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three mice, one of them without behaviour."""
    return written(tmp_path_factory.mktemp("own") / "mice", ("pretraining", "sensorium", "sensorium_plus"))


@pytest.fixture(autouse=True)
def data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A data folder of each test's own."""
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("NEUROKIT_SOURCE", "demo")
    monkeypatch.setenv("NEUROKIT_QUIET", "1")
    return tmp_path / "data"


def said(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    capsys.readouterr()
    assert main(["sensorium", *map(str, arguments)]) == 0
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    capsys.readouterr()
    assert main(["sensorium", *map(str, arguments)]) == 2
    message = capsys.readouterr().err.strip()
    assert message.startswith("neurokit: ") and "\n" not in message
    return message


def test_data_says_which_scan_is_left_out(capsys: pytest.CaptureFixture[str], scans: Path) -> None:
    lines = said(capsys, "data", "--folder", scans).splitlines()
    assert [line.split()[0] for line in lines[1:3]] == ["90000-1-1", WITHHELD]
    assert lines[3].startswith("scan 90001-3-1 is left out: it has no behaviour")


def test_all_scans_are_listed_without_downloading(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neurokit.sensorium.sources.fetch", lambda *_: pytest.fail("it would download"))
    text = said(capsys, "data", "--list", "--source", "full")
    assert "27204-5-13" in text and "26872-17-20" in text and "SENSORIUM+" in text


def test_train_evaluate_and_predict(capsys: pytest.CaptureFixture[str], scans: Path, tmp_path: Path) -> None:
    """Each command ends with the next one, which is typed as it stands."""
    text = said(capsys, "train", "--folder", scans, *TINY)
    assert "validation correlation" in text and "behaviour alone" in text and "ceiling" in text
    following = shlex.split(text.splitlines()[-1].removeprefix("next: neurokit sensorium "))
    table = said(capsys, *following, "--device", "cpu")
    assert "training one" not in table and "mean rate" in table and "single_trial: correlation" in table
    (model,) = (tmp_path / "data" / "checkpoints").glob("sensorium-mice-cnn_plus-0-*.safetensors")
    asked = {"images": np.full((2, 36, 64), 90), "behaviour": np.ones((2, 3)), "session": WITHHELD}
    held = json.loads(model.with_suffix(".json").read_text())
    assert held["config"]["model"]["channels"] == 4
    eye = [[330.0, 227.0]] * 2
    np.savez(tmp_path / "new.npz", **asked, pupil_center=eye)
    line = ["predict", "--checkpoint", model, "--input", tmp_path / "new.npz"]
    said(capsys, *line, "--output", tmp_path / "rates.npz")
    with np.load(tmp_path / "rates.npz") as found:
        assert found["rates"].shape == (2, 20) and (found["rates"] > 0).all()
    np.savez(tmp_path / "new.npz", **asked)
    assert "pupil_center is missing" in refused(capsys, *line, "--output", tmp_path / "rates.npz")


def test_a_model_of_ones_own_by_its_file(
    capsys: pytest.CaptureFixture[str], scans: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(__file__).parent)
    text = said(capsys, "train", "--folder", scans, *TINY, "--model", "own_core.py:residual")
    assert "residual" in text and "validation correlation" in text


def test_submit_takes_the_winning_entry_and_its_options(
    capsys: pytest.CaptureFixture[str], scans: Path, tmp_path: Path, data: Path
) -> None:
    text = said(capsys, "submit", "--folder", scans, *TINY, "--members", "1", "--output", tmp_path / "out")
    assert "model_4" in text and "member 0" in text and "Single Trial Correlation" in text
    files = sorted((tmp_path / "out" / WITHHELD).glob("submission*"))
    assert len(files) == 2 and all(f"wrote {file} (valid)" in text for file in files)
    (member,) = data.rglob("member-0.json")
    assert json.loads(member.read_text())["config"]["model"]["gain"] is True
    line = ["submit", "--folder", scans, "--workers", "2"]
    assert "--workers needs --engine processes or ray" in refused(capsys, *line)
    only = ["submit", "--folder", scans, "--session", KEYS[0], *TINY, "--members", "1"]
    assert "wrote" in (text := said(capsys, *only)) and text.count("(valid)") == 1


def test_simulate_says_what_can_be_reached(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    text = said(capsys, "simulate", "--trials", "40", "--output", tmp_path / "made")
    (scan,) = (tmp_path / "made").glob("*.zip")
    assert f"wrote {scan}" in text and "knowing: image" in text
    assert "ask for 20 or more" in refused(capsys, "simulate", "--trials", "19", "--output", tmp_path / "few")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("data --source cutout", "'cutout' has no small real SENSORIUM recording"),
        ("data --session 1-2-3", "No scan is named '1-2-3': choose one of 90000-1-1, 90001-1-1, 90002-2-1"),
        (
            "train --model model_5",
            "has no model 'model_5'; choose one of cnn_plus, ln, cnn",
        ),
        ("train --behaviour-scale log", "behaviour_scale is 'log'; use one of std, range"),
        ("train --set lags=3", "The model reads 3 lags, of which 5 are made; use 5"),
    ],
)
def test_what_cannot_be_is_one_sentence_before_anything_is_made(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, line: str, says: str
) -> None:
    monkeypatch.setattr("neurokit.sensorium.sources.simulate_scan", lambda *_: pytest.fail("too late"))
    assert says in refused(capsys, *line.split())
