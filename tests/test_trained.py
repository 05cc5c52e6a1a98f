"""The trained models that come with the package: each opens and scores what its side-car says."""

import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from neurokit import load_pretrained, trained
from neurokit.errors import CheckpointError
from train_shipped import LARGEST, SHIPPED, largest_difference, main


def test_they_are_those_of_the_command_and_small() -> None:
    assert trained.names() == tuple(sorted(SHIPPED))
    assert sum(path.stat().st_size for path in trained.FOLDER.glob("*.*")) < LARGEST


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_a_side_car_has_seed_config_history_and_scores(name: str) -> None:
    facts = load_pretrained(name).facts
    assert facts["source"] == "demo" and facts["seed"] == 0
    assert len(facts["history"]["epoch"]) >= 2 and facts["config"]
    assert len(facts["scores"]) >= 2  # the model, and what it is compared with


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_it_scores_what_its_side_car_says_and_an_untrained_one_does_not(
    name: str, root: Path, tmp_path: Path
) -> None:
    """In a process and a data folder of its own, since other tests leave their marks on both."""
    command = [sys.executable, "tools/train_shipped.py", "--check", name]
    variables = os.environ | {"PYTHONPATH": str(root), "NEUROKIT_DATA": str(tmp_path)}
    run = subprocess.run(command, cwd=root, env=variables, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize(
    ("change", "apart"),
    [
        ({}, 0.0),
        ({"score": 0.5}, 0.1),
        ({"score": None}, math.inf),
        ({"model": "another"}, math.inf),
        ({"added": 1.0}, math.inf),
    ],
    ids=["nothing", "a number", "a gap", "a word", "a column"],
)
def test_tables_are_apart_by_their_largest_difference(change: dict[str, Any], apart: float) -> None:
    rows = [{"model": "ours", "score": 0.6, "feve": None}, {"model": "ceiling", "score": 0.7, "feve": 1.0}]
    assert largest_difference([rows[0] | change, rows[1]], rows) == pytest.approx(apart)


def test_a_fault_ends_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEUROKIT_SOURCE", "demo")
    monkeypatch.setattr("train_shipped.check_one", lambda name, folder: [f"{name} is off"])
    with pytest.raises(SystemExit, match="twin is off"):
        main(["--check", "twin"])


def test_a_name_that_none_has_is_a_path_that_is_missing() -> None:
    with pytest.raises(CheckpointError, match="v9-images"):
        load_pretrained("v9-images")
