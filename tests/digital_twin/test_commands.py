"""Commands of the digital twin: what its own options do, and what it says when something is wrong."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from neurokit import digital_twin
from neurokit.cli import main
from neurokit.digital_twin import sources
from neurokit.digital_twin.recording import load_trials
from neurokit.digital_twin.simulated_files import write_simulated_mouse
from neurokit.digital_twin.simulation import MouseParameters, simulate_mouse
from tests.digital_twin.toys import CONFIG, toy_network


@pytest.fixture(autouse=True)
def data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("NEUROKIT_SOURCE", "demo")
    monkeypatch.setenv("NEUROKIT_QUIET", "1")
    return tmp_path / "data"


@pytest.fixture(scope="module")
def mouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    parameters = MouseParameters(
        minutes=0.5, cells=5, height=12, width=16, clip_frames=40, test_clips=2, new_clips=1, repeats=3
    )
    return write_simulated_mouse(simulate_mouse(parameters), tmp_path_factory.mktemp("mice") / "mouse")


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert main(["digital-twin", *arguments]) == 0
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert main(["digital-twin", *arguments]) == 2
    message = capsys.readouterr().err.strip()
    assert message.startswith("neurokit: ") and message.endswith(".") and "\n" not in message
    return message


def tiny(folder: Path, tmp_path: Path) -> list[str]:
    """Options that make a small twin of a folder."""
    file = tmp_path / "config.json"
    file.write_text(json.dumps(CONFIG.to_dict() | {"foundation": None}))
    return ["--folder", str(folder), "--config", str(file), "--device", "cpu"]


def test_a_twin_is_trained_transferred_scored_and_asked(
    capsys: pytest.CaptureFixture[str], mouse: Path, tmp_path: Path
) -> None:
    line = tiny(mouse, tmp_path)
    text = said(capsys, "train", *line, "--epochs", "1")
    assert "validation loss (Poisson, lower is better)" in text and "mean response" in text
    core = next(part for part in text.split() if part.endswith(".safetensors"))
    line += ["--foundation", core, "--gaps", "mean", "--epochs", "1", "--seed", "1"]
    text = said(capsys, "evaluate", *line)
    assert "training one" in text and "ceiling" in text and "cc_norm: cc_abs over cc_max" in text
    assert "training one" not in said(capsys, "evaluate", *line)
    np.savez(tmp_path / "new.npz", stimulus=np.zeros((5, 12, 16), dtype=np.uint8), rate=30)
    asked = ["--input", str(tmp_path / "new.npz"), "--output", str(tmp_path / "rates.npz")]
    assert "rates (5, 5)" in said(capsys, "predict", "--checkpoint", core, *asked)
    assert np.isfinite(np.load(tmp_path / "rates.npz")["rates"]).all()
    for kind in ("csv", "json", "png"):
        assert len(list(Path(core).parent.glob(f"*-scores.{kind}"))) == 1


def test_data_describes_a_folder_and_lists_weights(
    capsys: pytest.CaptureFixture[str], mouse: Path, data: Path
) -> None:
    assert "5 units, video of 12 x 16 pixels at 30 Hz" in said(capsys, "data", "--folder", str(mouse))
    assert "mouse-2" in said(capsys, "data", "--list", "--seed", "2")
    units = pd.DataFrame({"unit_id": range(4)})
    weights = toy_network(4).state_dict()
    digital_twin.save_weights(data / "microns" / "weights", weights, units, 6, 2, data_id="0f")
    text = said(capsys, "data", "--list", "--source", "full")
    assert ["6", "2", "4", "0f"] in [line.split() for line in text.splitlines()]


def test_simulate_writes_a_folder_to_train_on(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    sizes = {"minutes": 0.5, "cells": 4, "repeats": 2, "height": 12, "width": 16, "clip-frames": 40}
    size = [part for name, value in sizes.items() for part in (f"--{name}", str(value))]
    text = said(capsys, "simulate", *size, "--output", str(tmp_path / "made"))
    assert "best reachable" in text and f"--folder {tmp_path / 'made'}" in text
    assert load_trials(tmp_path / "made" / "training_data").units == 4


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("data --source cutout", "'cutout' has no small real recording of a mouse that watched video"),
        ("train --source cutout", "'cutout' has no small real recording"),
        ("evaluate --source full", "'full' has weights to download, but no recording to train on"),
        ("data --list --source full", "fetch_weights() downloads the released weights"),
        ("train --session mouse-4", "No session is named 'mouse-4'; this source has mouse-0"),
        ("train --device tpu", "Device 'tpu' is not there"),
        ("train --device cpu --compile graphs", "compile is 'graphs', which needs CUDA"),
        ("train --foundation nowhere", "nowhere.json is missing"),
        ("train --gaps none", "gaps is 'none'; use one of drop, mean"),
        ("simulate --cells 1", "cells is 1; use a whole number of 2 or more"),
        ("submit", "digital-twin has no command 'submit'"),
    ],
)
def test_what_cannot_be_asked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, line: str, says: str
) -> None:
    monkeypatch.setattr(sources, "load_simulated_mouse", lambda _: pytest.fail("too late"))
    assert says in refused(capsys, *line.split())
