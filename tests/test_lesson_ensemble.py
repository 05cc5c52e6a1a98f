"""What lesson 07 says of published settings and of the ladder is what configs and result files hold."""

import json
import re
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from neurokit.sensorium import MODELS

LESSON = "07_sensorium_ensemble_submission"
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


@pytest.fixture(scope="module")
def text() -> str:
    """All text cells of the lesson."""
    path = Path(__file__).resolve().parent.parent / "notebooks" / f"{LESSON}.ipynb"
    cells = nbformat.read(path, as_version=4).cells
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def rows_of(root: Path, name: str) -> dict[str, dict[str, float]]:
    """The rows of a result file by rung."""
    content = json.loads((root / "benchmarks" / "results" / f"{name}.json").read_text(encoding="utf-8"))
    return {row["rung"]: row for row in content["rows"]}


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("side of the hidden layers' kernels", ["hidden_kernel"]),
        ("retinotopy network", ["position_layers", "position_hidden", "position_activation"]),
        ("spread of readout positions", ["init_sigma"]),
        ("penalty on rough input kernels", ["gamma_input"]),
        ("penalty on readout weights", ["gamma_readout"]),
    ],
)
def test_the_second_addition_is_shown_as_published(text: str, words: str, names: list[str]) -> None:
    (line,) = (line for line in text.splitlines() if line.startswith(f"| {words}"))
    for cell, model in zip(line.split("|")[2:4], ("cnn_plus", "model_4"), strict=True):
        published = [str(getattr(MODELS[model].published.model, name)) for name in names]
        assert [word.strip().lower() for word in cell.split(",")] == published


def test_the_ladder_is_told_as_it_was_measured(text: str, root: Path) -> None:
    planted, absent = rows_of(root, "sensorium_ladder"), rows_of(root, "sensorium_controls")
    start = planted["baseline"]
    told = re.search(r"the baseline has .*?in the real ones", text)
    assert told is not None
    measured = (start["score"], start["ceiling"], planted["all"]["ceiling"])
    assert NUMBER.findall(told.group()) == [*(f"{value:.2f}" for value in measured), "0.383"]
    assert start["published"] == pytest.approx(0.383, abs=5e-4)
    steps = {name: row["gain"] for name, row in planted.items() if row["published"] and name[0] == "+"}
    real = {name: planted[name]["published"] - start["published"] for name in steps}
    slow = {"+ history", "+ state", "+ gain"}
    assert set(sorted(steps, key=steps.__getitem__)[-3:]) == slow
    assert set(sorted(real, key=real.__getitem__)[-2:]) == {"+ history", "+ state"}
    assert (
        max(steps, key=steps.__getitem__) == "+ gain"
        and min(real, key=real.__getitem__) == "+ hyper-parameters"
    )
    assert all(abs(row["gain"]) < 0.015 for row in absent.values())


def test_the_study_is_told_as_it_was_measured(text: str, root: Path) -> None:
    content = json.loads((root / "benchmarks" / "results" / "pays_07.json").read_text(encoding="utf-8"))
    rows = pd.DataFrame(content["rows"])
    mean = rows.groupby(["amount", "model"])["score"].mean()
    models = ["CNN + behaviour", content["simple"], content["model"]]
    for amount in (150, 375, 900):
        (line,) = re.findall(rf"^\| {amount} \|(.+)$", text, re.MULTILINE)
        wanted = [mean[amount, name] for name in [*models, content["ceiling"]]]
        assert NUMBER.findall(line) == [f"{value:.2f}" for value in wanted]
    (line,) = re.findall(r"^\| 375, control \|(.+)$", text, re.MULTILINE)
    assert NUMBER.findall(line) == [f"{mean[375, f'{name} (control)']:.2f}" for name in models]
    told = re.search(r"\*below\* those with 375 images: ([^)]*?) and ([\d.]+\d)\.", text)
    assert told is not None
    brief = [mean[900, f"{name} (not settled)"] for name in models]
    assert [*NUMBER.findall(told.group(1)), told.group(2)] == [f"{value:.2f}" for value in brief]
    assert all(value < mean[375, name] for value, name in zip(brief, models, strict=True))
