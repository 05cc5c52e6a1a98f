"""What the page on set-up says of conda, Binder and Windows is what the files do and what was measured."""

import json
import re
from pathlib import Path

import pytest
import yaml

BINDER = 2048  # MB


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "book" / "commands.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def setup(root: Path) -> str:
    return (root / "tools" / "setup.sh").read_text(encoding="utf-8")


def results(root: Path, name: str) -> dict[str, int]:
    """Peak memory of each work, MB."""
    (file,) = (root / "benchmarks" / "results").glob(f"{name}-linux-*.json")
    return {row["work"]: row["peak_mb"] for row in json.loads(file.read_text())["rows"] if "peak_mb" in row}


def test_the_heaviest_lesson_fits_into_binder_beside_the_server(root: Path, page: str) -> None:
    (server,) = results(root, "server_memory").values()
    lessons = results(root, "speed_notebooks")
    heaviest = max(lessons, key=lessons.__getitem__)
    assert server + lessons[heaviest] < BINDER
    said = f"JupyterLab's server takes {server / 1000:.2f} GB and the heaviest lesson, {heaviest[:2]}, "
    assert f"{said}{lessons[heaviest] / 1000:.2f} GB beside it" in page


def test_conda_leads_to_the_allensdk(root: Path, page: str, setup: str) -> None:
    line = re.findall(r"pip install (--no-deps allensdk==[\d.]+\d)", setup)[0]
    environment = (root / "environment.yml").read_text()
    for text in (page, environment, (root / "postBuild").read_text()):
        assert f"pip install {line}" in text
    name = yaml.safe_load(environment)["name"]
    assert "conda env create --file environment.yml" in page and f"conda activate {name}" in page


def test_binder_gets_no_tool_of_the_tests(root: Path) -> None:
    """Nothing in environment.yml asks for an extra beyond those of the notebooks."""
    rows = yaml.safe_load((root / "environment.yml").read_text())["dependencies"]
    pip = next(row["pip"] for row in rows if isinstance(row, dict))
    assert [row for row in pip if "[" in row] == ["-e .[notebooks,allen]"]
    names = {re.split(r"[=<>]", row)[0] for row in rows if isinstance(row, str)}
    assert not names & {"pytest", "ruff", "mypy", "ray", "numba", "nbval", "make"}


def test_the_lines_for_windows_install_what_the_set_up_does(root: Path, page: str, setup: str) -> None:
    assert "Nothing has been tried on Windows" in page
    block = re.findall(r"```powershell\n(.*?)```", page, re.DOTALL)[0]
    theirs = re.findall(r"-m pip install (.+)$", block, re.MULTILINE)
    ours = [re.sub(r" \$\{.*", "", it) for it in re.findall(r"-m pip install (.+)$", setup, re.MULTILINE)]
    extras = re.findall(r"notebooks\) extras=(\S+)", setup)[0]
    assert theirs == [it.replace("$extras", extras) for it in ours]
    assert all((root / path).is_file() for path in re.findall(r"tools/\w+\.(?:py|sh)", page))


def test_a_lock_that_windows_lacks_is_asked_for_before_use(root: Path) -> None:
    """The package imports where there is no fcntl."""
    for path in (root / "neurokit").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if "import fcntl" in text:
            assert re.search(r"try:\n    import fcntl\nexcept ImportError:", text), path.name
