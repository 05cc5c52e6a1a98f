"""What lesson 08 says of three new mice is what the result files hold."""

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROWS = {  # as the lesson calls them
    "as described (plain patches, mean over time, Adam)": "as described",
    "3-D CNN, no running": "3-D CNN",
    "V1 Transformer, ours": "V1 Transformer",
    "the same without its attention blocks": "no attention",
    "the same from random filters": "random start",
    "motion energy × running": "motion energy x running",
    "ceiling": "truth",
}


@pytest.fixture(scope="module")
def lesson() -> str:
    book = json.loads((ROOT / "notebooks" / "08_v1_transformer.ipynb").read_text(encoding="utf-8"))
    return "\n".join("".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == "markdown")


@pytest.fixture(scope="module")
def results() -> dict[str, dict[str, float]]:
    names = ("v1_transformer", "v1_described", "v1_controls", "v1_lines")
    folder = ROOT / "benchmarks" / "results"
    files = [json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name in names]
    return {row["model"]: row for file in files for row in file["rows"]}


@pytest.mark.parametrize("name", ROWS)
def test_the_table_is_that_of_the_benchmark(
    name: str, lesson: str, results: dict[str, dict[str, float]]
) -> None:
    row = results[ROWS[name]]
    scores = (f"{row[key]:.2f} ± {row[f'{key}_sd']:.2f}" for key in ("single_trial", "cc_norm"))
    assert f"| {name} | {' | '.join(scores)} | {row['absolute_error']:.2f} |" in lesson


def test_running_in_a_real_brain_is_that_of_the_study(lesson: str) -> None:
    file = ROOT / "benchmarks" / "results" / "real_natural_movie.json"
    rows = json.loads(file.read_text(encoding="utf-8"))["rows"]
    (plain,), (times,) = (
        [row for row in rows if (row["area"], row["model"]) == ("VISp", model)]
        for model in ("PSTH", "PSTH x running")
    )
    own, alone, other = (sum(each) / len(each) for each in (times["own"], plain["own"], times["other"]))
    assert f"rises from {alone:.2f} to {own:.2f}" in lesson
    assert f"of a repeat ten away it is {other:.2f}" in lesson


@pytest.fixture(scope="module")
def contrast() -> dict[str, list[float]]:
    """The score of each mouse where motion contrast is all, by model."""
    file = ROOT / "benchmarks" / "results" / "pays_08.json"
    rows = [row for row in json.loads(file.read_text(encoding="utf-8"))["rows"] if row["amount"] == 1]
    return {
        name: [row["score"] for row in rows if row["model"] == name]
        for name in {row["model"] for row in rows}
    }


@pytest.mark.parametrize(
    "name",
    [
        "motion energy × running",
        "V1 Transformer",
        "V1 Transformer, equal weights",
        "V1 Transformer, no mixing",
    ],
)
def test_motion_contrast_is_that_of_the_study(
    name: str, lesson: str, contrast: dict[str, list[float]]
) -> None:
    """The three mice, from low to high."""
    low, middle, high = (f"{score:.2f}" for score in sorted(contrast[name]))
    assert f"{low}, {middle} and {high}" in lesson


def test_fixed_weights_lose_in_each_mouse(contrast: dict[str, list[float]]) -> None:
    for name in ("V1 Transformer, equal weights", "V1 Transformer, no mixing"):
        pairs = zip(contrast[name], contrast["V1 Transformer"], strict=True)
        assert all(fixed < free for fixed, free in pairs)
