"""The page on models of one's own: its example is run as it stands, by commands and in Python."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from neurokit import Experiment, load_pretrained, pupil_encoder, sensorium
from neurokit.cli import main

BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINES = 60  # of the example


@pytest.fixture
def examples(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Path]]:
    """The page's blocks of code whose first line names a file, as these files."""
    found = {}
    for code in BLOCK.findall((root / "book" / "own_model.md").read_text()):
        if named := re.match(r'"""(\w+)\.py:', code):
            assert code.count("\n") <= LINES
            found[named[1]] = tmp_path / f"{named[1]}.py"
            found[named[1]].write_text(code)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path / "data"))
    yield found
    for name in found:
        sys.modules.pop(name, None)


def test_the_example_learns_more_than_nothing(
    examples: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the commands of the page, on a small recording; opened again, it answers as it did."""
    pupil_encoder.simulate(tmp_path / "mouse", trials=60)
    line = ["--model", "my_model.py:transformer", "--epochs", "20", "--folder", "mouse"]
    assert main(["pupil-encoder", "train", *line]) == 0
    assert main(["pupil-encoder", "evaluate", *line]) == 0
    said = capsys.readouterr().out
    assert "training one" not in said and "PupilTransformer" in said
    build = sys.modules["my_model"].transformer
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


def test_a_residual_core_is_trained_scored_and_opened_again(
    examples: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On one small scan, by the commands of the page."""
    sensorium.simulate(tmp_path / "mouse", trials=60)
    line = ["--model", "my_core.py:residual", "--epochs", "1", "--folder", "mouse", "--size", "small"]
    assert main(["sensorium", "train", *line]) == 0
    assert main(["sensorium", "evaluate", *line]) == 0
    said = capsys.readouterr().out
    assert "training one" not in said
    (sidecar,) = (tmp_path / "data" / "checkpoints").glob("sensorium-mouse-residual-0-??????????.json")
    model = load_pretrained(sidecar).model
    assert type(model.core) is sys.modules["my_core"].ResidualCore
    assert "residual" in said and "ceiling" in said


def test_the_page_names_every_system_and_flag(root: Path) -> None:
    page = (root / "book" / "own_model.md").read_text()
    for word in ("pupil-encoder", "sensorium", "v1-transformer", "digital-twin", "--set", "--config"):
        assert word in page
