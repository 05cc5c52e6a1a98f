"""The V1 Transformer from the command line, on a small simulated session."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from neurokit.cli import main

ONE, TWO = "natural_movie_one", "natural_movie_two"
TINY = [
    "--size", "small", "--epochs", "1", "--device", "cpu", "--set", "width=8", "--set", "heads=2",
    "--set", "shape.length=6", "--set", "stride=2",
]  # fmt: skip
Say = Callable[..., str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two movies of 150 frames, as the command writes them."""
    made = tmp_path_factory.mktemp("sessions") / "mouse"
    size = ["--session-type", "three_session_C", "--cells", "5", "--frames", "150", "--repeats", "4"]
    assert main(["v1-transformer", "simulate", *size, "--output", str(made)]) == 0
    return made


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Say:
    """What a command prints, which works in a data folder of its own."""
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("NEUROKIT_QUIET", "1")

    def run(*arguments: str, status: int = 0) -> str:
        capsys.readouterr()
        assert main(["v1-transformer", *arguments]) == status
        found = capsys.readouterr()
        return found.err if status else found.out

    return run


def test_from_a_folder_to_predictions(say: Say, folder: Path, tmp_path: Path) -> None:
    where = ["--folder", str(folder), "--movies", TWO, ONE, *TINY]
    assert f"{ONE}: 150 frames x 4 repeats" in say("data", "--folder", str(folder))
    assert "median" in say("train", *where)
    text = say("evaluate", *where)
    assert "training one" not in text and "running only" in text and "ceiling" in text
    (sidecar,) = (tmp_path / "data" / "checkpoints").glob("*[!s].json")
    config = json.loads(sidecar.read_text())["config"]
    assert config["movies"] == [ONE, TWO] and config["shape"]["length"] == 6
    np.savez(
        tmp_path / "new.npz", frames=np.zeros((40, 20, 40), np.uint8), running=np.zeros(40), frame_rate=30
    )
    files = ["--checkpoint", str(sidecar), "--input", str(tmp_path / "new.npz")]
    say("predict", *files, "--output", str(tmp_path / "rates.npz"))
    with np.load(tmp_path / "rates.npz") as found:
        assert found["dff"].shape == (len(found["frame"]), 5)


def test_cells_and_running_are_options(say: Say, folder: Path, tmp_path: Path) -> None:
    cells = [line for line in folder.glob("ophys_experiment_data/*.npz")]
    with np.load(cells[0]) as truth:
        first, second = truth["cell_ids"][:2].tolist()
    say("train", "--folder", str(folder), "--without", str(second), str(first), "--running", "none", *TINY)
    (sidecar,) = (tmp_path / "data" / "checkpoints").glob("*.json")
    held = json.loads(sidecar.read_text())
    assert held["config"]["without"] == sorted([first, second]) and held["config"]["running"] == "none"
    assert len(held["cell_ids"]) == 3 and not {first, second} & set(held["cell_ids"])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("data --source cutout", "'cutout' has no session with movies"),
        ("train --source full --session b", "Session 'b' is no number"),
        ("train --source full --movies natural_movie_4", "No movie is named 'natural_movie_4'"),
        ("train --session 7", "Session 7 is not on the demo source"),
        ("train --model cnn --running measured", "A cnn reads no running"),
        ("simulate --repeats 3", "repeats is 3; use an even number"),
        ("simulate --session-type three_session_D", "session_type is 'three_session_D'; use one of three"),
    ],
)
def test_what_cannot_be_is_refused_first(say: Say, tmp_path: Path, arguments: str, says: str) -> None:
    assert says in say(*arguments.split(), status=2)
    assert not (tmp_path / "data").exists()
