"""The page on models of one's own: its example is run as it stands, by commands and in Python."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from neurokit import Experiment, load_pretrained, pupil_encoder
from neurokit.cli import main

BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINES = 60  # of the example


@pytest.fixture
def example(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The page's first block of code, as the file that its first line names."""
    code = BLOCK.findall((root / "book" / "own_model.md").read_text())[0]
    assert code.count("\n") <= LINES
    [name] = re.findall(r'^"""(\w+\.py):', code)
    file = tmp_path / name
    file.write_text(code)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path / "data"))
    yield file
    sys.modules.pop(file.stem, None)


def test_the_example_learns_more_than_nothing(
    example: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the commands of the page, on a small recording; opened again, it answers as it did."""
    pupil_encoder.simulate(tmp_path / "mouse", trials=60)
    line = ["--model", f"{example.name}:transformer", "--epochs", "20", "--folder", "mouse"]
    assert main(["pupil-encoder", "train", *line]) == 0
    assert main(["pupil-encoder", "evaluate", *line]) == 0
    said = capsys.readouterr().out
    assert "training one" not in said and "PupilTransformer" in said
    build = sys.modules[example.stem].transformer
    experiment = Experiment("pupil-encoder", build=build, epochs=20, folder=tmp_path / "mouse")
    assert str(experiment.path.name) in said
    score = experiment.score()
    assert score.value < score.yardsticks["mean rate"]
    opened = load_pretrained(experiment.path)
    found = opened.respond(
        bin_size=0.01, **dict.fromkeys(("pupil_area", "pupil_x", "pupil_y"), np.ones((1, 9)))
    )
    assert {name: rates.shape for name, rates in found.items()} == dict.fromkeys(
        experiment.task.regions, (1, 9)
    )


def test_the_page_names_every_system_and_flag(root: Path) -> None:
    page = (root / "book" / "own_model.md").read_text()
    for word in ("pupil-encoder", "sensorium", "v1-transformer", "digital-twin", "--set", "--config"):
        assert word in page
