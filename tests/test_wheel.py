"""The built wheel works outside the clone: what a `pip install git+...` user has."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from neurokit import cutouts

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(root)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=1200)
    assert run.returncode == 0, run.stdout + run.stderr
    return next(folder.glob("neurokit_encoding-*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("installed")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target"]
    subprocess.run([*command, str(target), str(wheel)], check=True, timeout=1200)
    return target


def python(installed: Path, elsewhere: Path, *arguments: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(installed), "PYTHONSAFEPATH": "1"}
    command = [sys.executable, *arguments]
    run = subprocess.run(
        command, cwd=elsewhere, env=environment, capture_output=True, text=True, timeout=1200
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def test_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "neurokit/files/registry.json" in names
    assert "neurokit/cli/__init__.py" in names
    assert "neurokit/py.typed" in names  # so that a user's mypy reads its types
    assert {name.split("/")[0] for name in names} == {"neurokit", wheel.name.split("-py3")[0] + ".dist-info"}


def test_imports_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    shown = python(installed, tmp_path, "-c", "import neurokit; print(neurokit.__file__)")
    assert Path(shown.strip()) == installed / "neurokit" / "__init__.py"


def test_registry_is_read_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    code = "import json; from importlib.resources import files; "
    code += "json.loads(files('neurokit.files').joinpath('registry.json').read_text())"
    python(installed, tmp_path, "-c", code)


def test_real_recordings_are_read_from_the_wheel(wheel: Path, installed: Path, tmp_path: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {"neurokit/cutouts/README.md", "neurokit/cutouts/cutouts.json"} <= set(names)
    code = "from neurokit import cutouts, recordings\n"
    code += "for name in cutouts.cutouts(): print(recordings.example(name).name)"
    shown = python(installed, tmp_path, "-c", code)
    assert shown.split() == [each.session for each in cutouts.cutouts().values()]


def test_command_line_runs_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    shown = python(installed, tmp_path, "-m", "neurokit", "--help")
    assert all(command in shown for command in ("data", "simulate", "train", "evaluate"))
    assert (installed / "bin" / "neurokit").is_file()
