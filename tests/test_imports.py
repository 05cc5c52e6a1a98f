"""Imports run downwards: what `make lint` holds, and that it would notice another direction."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def linted(folder: Path) -> subprocess.CompletedProcess[str]:
    """`lint-imports` in a folder that holds a package and its pyproject.toml."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache"]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(folder)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.fixture
def copy(root: Path, tmp_path: Path) -> Path:
    shutil.copytree(root / "neurokit", tmp_path / "neurokit", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(root / "pyproject.toml", tmp_path)
    return tmp_path


def test_imports_run_downwards(copy: Path) -> None:
    run = linted(copy)
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize(
    ("module", "line", "named"),
    [
        ("sensorium/core.py", "from neurokit.v1_transformer import model", "neurokit.v1_transformer.model"),
        ("metrics/rates.py", "from neurokit.sensorium import core", "neurokit.sensorium.core"),
        ("training/fit.py", "import neurokit.tune", "neurokit.tune"),
    ],
)
def test_an_import_that_runs_up_or_sideways_is_noticed(
    copy: Path, module: str, line: str, named: str
) -> None:
    with (copy / "neurokit" / module).open("a") as file:
        file.write(f"\n{line}\n")
    run = linted(copy)
    assert run.returncode == 1 and named in run.stdout


def test_a_new_package_has_to_find_its_place(copy: Path) -> None:
    (copy / "neurokit" / "elsewhere.py").write_text('"""New."""\n')
    run = linted(copy)
    assert run.returncode == 1 and "elsewhere" in run.stdout
