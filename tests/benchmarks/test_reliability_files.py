"""Damaged files and absurd calls: what the result files claim, and both proofs in small."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import record
from reliability import absurd_calls, mutated_files
from reliability.tries import attempt


def defects(rows: list[dict[str, Any]]) -> list[str]:
    return [bad for row in rows for bad in row["bad"]]


def test_two_thousand_files_were_refused_or_read_as_they_were() -> None:
    found = record.load("reliability_files")
    assert sum(row["tries"] for row in found["rows"]) >= 2000
    assert len({row["format"] for row in found["rows"]}) >= 20
    assert defects(found["rows"]) == []
    assert all(row[name] == 0 for row in found["rows"] for name in mutated_files.DEFECTS)
    assert found["commit"] and "later changes" not in found["commit"]


def test_the_result_says_what_cannot_be_noticed() -> None:
    rows = record.load("reliability_files")["rows"]
    unnoticed = [row for row in rows if row["undetectable"]]
    assert unnoticed and all(row["undetectable_in"] for row in unnoticed)


def test_two_hundred_absurd_calls_and_sixty_lines_end_in_sentences() -> None:
    found = record.load("reliability_calls")
    rows = found["rows"]
    assert found["commit"] and "later changes" not in found["commit"]
    lines = [row for row in rows if row["function"].startswith("command line")]
    calls = [row for row in rows if row not in lines]
    assert sum(row["calls"] for row in calls) >= 200 and sum(row["calls"] for row in lines) >= 60
    assert [bad for row in rows for bad in row["bad"]] == []
    wrong = ("foreign", "hang", "beyond_memory", "no_sentence")
    assert all(row[name] == 0 for row in rows for name in wrong)


@pytest.mark.parametrize("name", ["reliability_files", "reliability_calls"])
def test_result_files_name_no_machine(name: str) -> None:
    assert not re.search(r"/(home|root|work|tmp|Users)/", (record.RESULTS / f"{name}.json").read_text())


def test_a_try_ends_as_it_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    assert attempt(lambda: 3).value == 3
    assert attempt(lambda: 1 / 0).kind == "foreign"
    assert attempt(lambda: np.ones(10**10)).kind == "memory"
    assert attempt(lambda: [0 for _ in iter(int, 1)], seconds=0.5, memory=2**34).kind == "hang"


@pytest.mark.slow
def test_damaged_files_in_small(tmp_path: Path) -> None:
    chosen = "official|own|training|search|submission|registry|pinned"
    rows = [row for rows in mutated_files.run(tmp_path, 15, chosen, seed=1) for row in rows]
    assert sum(row["tries"] for row in rows) >= 100 and defects(rows) == []


@pytest.mark.slow
def test_absurd_calls_in_small(tmp_path: Path) -> None:
    rows = absurd_calls.run(tmp_path, calls=40, lines=15, seed=1)
    assert sum(row["calls"] for row in rows) >= 55
    assert [bad for row in rows for bad in row["bad"]] == []
