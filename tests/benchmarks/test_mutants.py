"""Mutation testing: faults are where they should be, and one that no test notices is told from others."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from reliability.code_faults import list_mutants
from reliability.mutants import tabulate

SOURCE = '''
"""Text."""
LIMIT = 3


def half(value: int | float, sure: bool = True) -> float:
    """Half of it, 2 at most."""
    check(value)
    if value > LIMIT and sure:
        raise ValueError(f"{value + 1} is above {LIMIT}")
    return value / 2
'''


def test_each_fault_changes_one_place_and_nothing_that_no_score_depends_on() -> None:
    found = {
        (mutant.kind, mutant.before.splitlines()[0], mutant.after) for mutant in list_mutants("m", SOURCE)
    }
    assert ("operation", "value / 2", "value * 2") in found
    assert ("comparison", "value > LIMIT", "value >= LIMIT") in found
    assert ("logic", "value > LIMIT and sure", "value > LIMIT or sure") in found
    assert ("number", "True", "False") in found and ("number", "3", "4") in found
    assert ("call", "check(value)", "pass") in found
    assert not any("int | float" in before or "value + 1" in before for _, before, _ in found)


def test_mutant_differs_from_the_sound_code_and_can_be_run() -> None:
    for mutant in list_mutants("m", SOURCE, ("half",)):
        assert mutant.line > 4
        names: dict = {"check": lambda value: None, "LIMIT": 3}
        exec(compile(mutant.source, "m", "exec"), names)
        assert callable(names["half"])


def test_survivors_are_counted_by_subject_and_kind() -> None:
    mutants = list_mutants("m", SOURCE)[:3]
    rows, survivors = tabulate([("metrics", mutant, index == 1) for index, mutant in enumerate(mutants)])
    assert rows[-1] == {"subject": "all", "kind": "all", "mutants": 3, "survivors": 1}
    assert [row["line"] for row in survivors] == [mutants[1].line]


def test_result_file_has_at_least_300_mutants_of_which_below_20_per_cent_survive(root: Path) -> None:
    file = root / "benchmarks/results/reliability_mutants.json"
    if not file.is_file():
        pytest.skip("reliability_mutants.json has not been measured yet")
    content = json.loads(file.read_text())
    whole = content["rows"][-1]
    assert whole["mutants"] >= 300 and whole["survivors"] < 0.2 * whole["mutants"]
    assert len(content["survivors"]) == whole["survivors"]


@pytest.mark.slow
def test_fault_in_a_metric_is_noticed_and_one_that_changes_nothing_survives(root: Path) -> None:
    """In a process of its own, which must not have imported the package."""
    code = """
import sys; sys.path[:0] = ["benchmarks"]
from reliability import mutants
from reliability.code_faults import Mutant
source = open("neurokit/files/sealed.py").read()
assert "sha256" in source
broken, same = source.replace("sha256(", "md5("), source + "\\n# the same\\n"
with mutants.copy_of_project() as folder:
    for text in (broken, same):
        mutant = Mutant("files/sealed", 1, "x", "a", "b", text)
        print(mutants.survives(folder, mutant, ("files/test_sealed.py",)))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, timeout=300)
    assert [line for line in done.stdout.splitlines() if line in ("True", "False")] == ["False", "True"], (
        done.stderr
    )
