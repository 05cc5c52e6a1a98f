"""Numbers in README and book/ come from result files, and one changed by hand is noticed."""

import json
import re
import shutil
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from ledger import main, with_minutes, with_own_minutes, with_tables
from ledger_reliability import PROOFS, reliability_table
from neurokit.training.omissions import RULES

STUDY = {
    "command": "python benchmarks/toy.py",
    "seeds": 2,
    "commit": "abc1234",
    "time": "2026-01-02T03:04:05+00:00",
    "machine": "toy",
    "rows": [
        {
            "inputs": inputs,
            "split": split,
            "model": "PSTH",
            "region": "mean",
            "r2_mean": 0.1234,
            "r2_sd": 0.01,
            "low": 0.1,
            "high": 0.2,
            "null": 0.05,
            "best": None,
        }
        for inputs in ("pupil", "behaviour")
        for split in ("random", "blocked")
    ],
}


@pytest.mark.slow
def test_every_page_says_what_the_result_files_say(root: Path) -> None:
    assert main(["--check", "--root", str(root)]) == 0


@pytest.fixture
def copy(root: Path, tmp_path: Path) -> Path:
    shutil.copy(root / "README.md", tmp_path)
    for name in ("book", "notebooks", "benchmarks/results"):
        shutil.copytree(root / name, tmp_path / name)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("page", "after"),
    [
        ("README.md", "<!-- minutes 03 -->"),
        ("book/results.md", "<!-- ledger pupil_cutout -->\n| model"),
        ("book/speed.md", "<!-- ledger speed -->\n| work"),
        ("book/scale.md", "<!-- ledger growth -->\n| work"),
        ("book/scale.md", "<!-- ledger ray_throughput -->\n| work"),
    ],
)
def test_a_number_changed_by_hand_is_noticed_and_mended(copy: Path, page: str, after: str) -> None:
    file = copy / page
    text = file.read_text(encoding="utf-8")
    start = text.index(after) + len(after)
    place = start + next(number for number, letter in enumerate(text[start:]) if letter.isdigit())
    digit = "7" if text[place] != "7" else "8"
    file.write_text(text[:place] + digit + text[place + 1 :], encoding="utf-8")
    assert main(["--check", "--root", str(copy)]) == 1
    main(["--root", str(copy)])
    assert file.read_text(encoding="utf-8") == text


def test_table_shows_score_spread_interval_null_and_origin(tmp_path: Path) -> None:
    (tmp_path / "toy.json").write_text(json.dumps(STUDY), encoding="utf-8")
    text = with_tables("before <!-- ledger toy --><!-- /ledger --> after", tmp_path)
    assert "| PSTH | 0.123 ± 0.010 | 0.10 to 0.20 | 0.050 |" in text
    assert "`python benchmarks/toy.py` · 2 seeds, mean ± SD · commit abc1234 · 2026-01-02" in text
    assert text.startswith("before ") and text.endswith(" after")


def test_ladder_shows_gain_ceiling_and_the_published_number(tmp_path: Path) -> None:
    figures = {"score": 0.5, "sd": 0.01, "ceiling": 0.6, "gain": 0.02, "low": -0.01, "high": 0.05}
    rows = [
        {"rung": "baseline", **figures, "published": 0.3831},
        {"rung": "+ gain", **figures, "published": None},
    ]
    (tmp_path / "sensorium_ladder.json").write_text(json.dumps(STUDY | {"rows": rows}), encoding="utf-8")
    text = with_tables("<!-- ledger sensorium_ladder --><!-- /ledger -->", tmp_path)
    assert "| baseline | 0.500 ± 0.010 | 0.600 |  | 0.383 |" in text
    assert "| + gain | 0.500 ± 0.010 | 0.600 | +0.020 (-0.010 to +0.050) |  |" in text


def test_accuracy_shows_each_score_as_a_share_of_its_ceiling(tmp_path: Path) -> None:
    figures = {"score_mean": 0.5, "score_std": 0.01, "ceiling_mean": 0.6, "of_ceiling_mean": 0.9}
    rows = [{"model": "cnn", **figures}]
    (tmp_path / "sensorium_accuracy.json").write_text(json.dumps(STUDY | {"rows": rows}), encoding="utf-8")
    text = with_tables("<!-- ledger sensorium_accuracy --><!-- /ledger -->", tmp_path)
    assert "| CNN | 0.500 ± 0.010 | 0.600 | 0.900 |  |  |  |" in text


def test_movies_show_each_score_with_its_spread(tmp_path: Path) -> None:
    figures = {
        "cc_norm": 0.8,
        "cc_norm_sd": 0.01,
        "cc_abs": 0.7,
        "single_trial": 0.5,
        "single_trial_sd": 0.02,
    }
    rows = [{"model": "V1 Transformer", **figures, "absolute_error": 0.6}]
    (tmp_path / "v1_transformer.json").write_text(json.dumps(STUDY | {"rows": rows}), encoding="utf-8")
    text = with_tables("<!-- ledger v1_transformer --><!-- /ledger -->", tmp_path)
    assert "| V1 Transformer | 0.800 ± 0.010 | 0.700 | 0.500 ± 0.020 | 0.600 |" in text


def test_gratings_leave_empty_what_was_not_measured(tmp_path: Path) -> None:
    figures = {"number": 10.0, "score": 0.5, "score_sd": 0.1}
    rows = [
        {"dataset": "drifting", "model": "mean", "cells": "chosen", **figures, "correlation": 0.4,
         "ceiling": 0.7, "explained": None},
        {"dataset": "running", "model": "V1Transformer, running", "cells": "all", **figures,
         "explained": 0.01},
    ]  # fmt: skip
    (tmp_path / "real_gratings.json").write_text(json.dumps(STUDY | {"rows": rows}), encoding="utf-8")
    text = with_tables("<!-- ledger real_gratings --><!-- /ledger -->", tmp_path)
    assert "| drifting | mean | 10 chosen | 0.500 ± 0.100 | 0.400 | 0.700 |  |" in text
    assert "| running | V1Transformer, running | 10 all | 0.500 ± 0.100 |  |  | 0.010 |" in text


SPEED = {
    "command": "python benchmarks/speed_toy.py",
    "commit": "abc1234",
    "machine": "toy",
    "processor": "abacus",
    "rows": [
        {
            "work": "adding",
            "peer": "fingers",
            "ours": "abacus",
            "peer_ms": 1200.0,
            "ours_ms": 400.0,
            "ratio": 3.04,
            "lowest": 2.5,
            "highest": 3.2,
            "aim": 2.0,
        },
        {
            "work": "adding",
            "peer": "paper",
            "ours": "head",
            "peer_mb": 2.0,
            "ours_mb": 1.0,
            "ratio": 2.0,
            "aim": 4,
        },
    ],
}
BOOKS = SPEED | {"rows": [{"work": "01_a", "seconds": 7}, {"work": "all", "seconds": 9, "aim": 600}]}


def test_speed_tables_show_ratio_spread_and_what_was_missed(tmp_path: Path) -> None:
    for name, content in {
        "toy": SPEED,
        "notebooks": BOOKS,
        "other": SPEED | {"processor": "slide rule"},
    }.items():
        (tmp_path / f"speed_{name}-x.json").write_text(json.dumps(content), encoding="utf-8")
    text = with_tables("<!-- ledger speed --><!-- /ledger -->", tmp_path)
    assert (
        text.count("| adding | fingers | abacus | 1.2 s | 400 ms | **3.04** (2.5 to 3.2) | 2 |") == 2
    )  # machines
    assert "| adding | paper | head | 2 MB | 1 MB | **2**, missed | 4 |" in text
    assert "All 1 notebooks" in text and "**9 s** (aim: 600 s); seconds of each: 01: 7." in text
    assert "slide rule, toy · `speed_toy.py` (abc1234)" in text


GROWTH = {
    "command": "python benchmarks/growth.py",
    "commit": "abc1234",
    "machine": "toy",
    "processor": "abacus",
    "memory_mb": 2048,
    "rows": [
        {
            "what": "adding",
            "axis": "fingers",
            "sizes": [1, 2, 4],
            "ms_exponent_upper": 1.02,
            "mb_exponent_upper": 0.0,
            "fills_this_machine": float("nan"),
        },
        {
            "what": "adding",
            "axis": "fingers",
            "size": 1000,
            "extrapolated": True,
            "times_the_largest": 250.0,
            "ms": 7.2e6,
            "mb": 1536.0,
        },
    ],
}


def test_growth_tells_what_was_measured_from_what_was_drawn_on(tmp_path: Path) -> None:
    (tmp_path / "growth-linux-x86_64-2cpu.json").write_text(json.dumps(GROWTH), encoding="utf-8")
    text = with_tables("<!-- ledger growth --><!-- /ledger -->", tmp_path)
    assert "| adding | 1 to 4 fingers | fingers^1.02 | fingers^0.00 | no size |" in text
    assert "| adding | 1,000 fingers | 2 h | 1.5 GB | 250 |" in text
    assert "abacus, 2 GB, toy" in text


def test_throughput_stands_beside_that_of_one_worker(tmp_path: Path) -> None:
    row = {"work": "trials", "ratio": 1.9, "lowest": 1.8, "highest": 1.96}
    row |= {"trials a minute, 1 workers": 4.221, "trials a minute, 2 workers": 8.0}
    content = json.dumps(GROWTH | {"rows": [row]})
    (tmp_path / "ray_throughput-linux-x86_64-2cpu.json").write_text(content, encoding="utf-8")
    text = with_tables("<!-- ledger ray_throughput --><!-- /ledger -->", tmp_path)
    assert "| trials | 4.22 | 8 | **1.90** (1.80 to 1.96) |" in text


def test_minutes_are_those_of_the_result_file_and_of_the_notebook(tmp_path: Path) -> None:
    """A reader: 904 words 5 min, 8 cells 6 min, 6 pictures 2 min, 2 exercises 24 min; 37 is nearest to 40."""
    row = {"work": "03_training", "seconds": 66, "peak_mb": 1}
    content = json.dumps(BOOKS | {"rows": [row, {"work": "all", "seconds": 70, "aim": 600}]})
    (tmp_path / "speed_notebooks-linux-x86_64-2cpu.json").write_text(content, encoding="utf-8")
    picture = new_output("display_data", {"image/png": "AAAA"})
    code = [new_code_cell("1", outputs=[picture] if number < 6 else []) for number in range(8)]
    exercises = new_markdown_cell("## Exercises\n\n1. one\n2. two")
    texts = [new_markdown_cell("word " * 895), exercises, new_markdown_cell("1. no exercise")]
    nbformat.write(new_notebook(cells=[*texts, *code]), tmp_path / "03_training.ipynb")
    text = with_minutes("| <!-- minutes 03 --><!-- /minutes --> |", tmp_path, tmp_path)
    assert text == "| <!-- minutes 03 -->1.1 | 40<!-- /minutes --> |"


def test_badges_do_not_lengthen_the_reading(tmp_path: Path) -> None:
    content = json.dumps(BOOKS | {"rows": [{"work": "03_training", "seconds": 60}]})
    (tmp_path / "speed_notebooks-linux-x86_64-2cpu.json").write_text(content, encoding="utf-8")
    cell = new_markdown_cell("<!-- badges -->" + "badge " * 9000 + "<!-- /badges -->")
    nbformat.write(new_notebook(cells=[cell]), tmp_path / "03_training.ipynb")
    text = with_minutes("<!-- minutes 03 --><!-- /minutes -->", tmp_path, tmp_path)
    assert text == "<!-- minutes 03 -->1.0 | 0<!-- /minutes -->"


def test_what_a_lesson_says_of_its_reading_goes_before_an_estimate(tmp_path: Path) -> None:
    content = json.dumps(BOOKS | {"rows": [{"work": "03_training", "seconds": 60}]})
    (tmp_path / "speed_notebooks-linux-x86_64-2cpu.json").write_text(content, encoding="utf-8")
    cell = new_markdown_cell("word " * 900 + "**Reading:** about 45 minutes with the exercises.")
    nbformat.write(new_notebook(cells=[cell]), tmp_path / "03_training.ipynb")
    text = with_minutes("<!-- minutes 03 --><!-- /minutes -->", tmp_path, tmp_path)
    assert text == "<!-- minutes 03 -->1.0 | 45<!-- /minutes -->"


def test_a_notebook_says_its_own_minutes_and_memory(tmp_path: Path) -> None:
    rows = [{"work": "01_a", "seconds": 90, "peak_mb": 740}, {"work": "all", "seconds": 95}]
    file = tmp_path / "speed_notebooks-linux-x86_64-2cpu.json"
    file.write_text(json.dumps({"rows": rows}), encoding="utf-8")
    text = with_own_minutes("a <!-- minutes -->7<!-- /minutes -->, a GPU", tmp_path, "01")
    assert text.startswith("a <!-- minutes -->1.5 minutes and 0.7 GB ")
    assert text.endswith("<!-- /minutes -->, a GPU")


@pytest.mark.slow
def test_minutes_changed_by_hand_in_a_notebook_are_noticed_and_mended(root: Path, copy: Path) -> None:
    path = copy / "notebooks" / "04_tpe_tuning.ipynb"
    text = path.read_text(encoding="utf-8")
    changed = text.replace("<!-- minutes -->", "<!-- minutes -->1", 1)
    assert changed != text
    path.write_text(changed, encoding="utf-8")
    assert main(["--check", "--root", str(copy)]) == 1
    assert main(["--root", str(copy)]) == 0
    assert path.read_text(encoding="utf-8") == text


def test_every_notebook_says_its_minutes_once(root: Path) -> None:
    for path in sorted((root / "notebooks").glob("[0-9]*.ipynb")):
        assert path.read_text(encoding="utf-8").count("<!-- minutes -->") == 1


def test_page_names_every_rule_by_which_something_is_left_out(root: Path) -> None:
    page = (root / "book/reliability.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", page, re.MULTILINE))
    assert listed == RULES


def test_proof_that_was_not_run_is_not_shown_as_passed(tmp_path: Path) -> None:
    assert reliability_table(tmp_path).count("not run") == 2 * len(PROOFS)


def test_proofs_are_counted(tmp_path: Path) -> None:
    rows = [
        {"work": "a", "tries": 9, "hits": 7, "differing": 1, "failures": 0, "leftovers": 2},
        {"work": "b", "tries": 9, "hits": 3, "differing": 0, "failures": 4, "leftovers": 0},
    ]
    content = {"command": "python kills.py", "commit": "abc", "rows": rows}
    (tmp_path / "reliability_kills.json").write_text(json.dumps(content))
    table = reliability_table(tmp_path)
    assert "| 10 hits in 2 works | 1 other results, 4 failures, 2 with leftover files |" in table
