"""The notebooks' stopwatch."""

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

import speed_notebooks

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the stopwatch sets is taken back afterwards."""
    for name in (
        "NEUROKIT_DATA",
        "NEUROKIT_SOURCE",
        "NEUROKIT_BUILD",
        "NEUROKIT_QUIET",
        "JUPYTER_PREFER_ENV_PATH",
    ):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def write(path: Path, source: str) -> None:
    nbformat.write(new_notebook(cells=[new_code_cell(source)]), path)


def test_the_time_of_all_is_not_less_than_that_of_one(tmp_path: Path) -> None:
    write(tmp_path / "01_sleeps.ipynb", "import time; time.sleep(1.5)")
    one, every = speed_notebooks.main(["--quick"], tmp_path)
    assert one["work"] == "01_sleeps" and every["work"] == "all"
    assert every["seconds"] >= one["seconds"] >= 1


def test_a_failing_notebook_has_no_time(tmp_path: Path) -> None:
    write(tmp_path / "01_fails.ipynb", "raise ValueError('a sentence')")
    with pytest.raises(AssertionError, match="01_fails"):
        speed_notebooks.main(["--quick"], tmp_path)
