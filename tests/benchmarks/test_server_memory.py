"""The memory of JupyterLab's server."""

from pathlib import Path

import nbformat
import psutil
import pytest
from nbformat.v4 import new_notebook

import server_memory


@pytest.mark.slow
def test_a_server_is_measured_and_ended(tmp_path: Path) -> None:
    nbformat.write(new_notebook(), tmp_path / "00_empty.ipynb")
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    (row,) = server_memory.main(["--quick"], tmp_path)
    assert 50 < row["peak_mb"] < server_memory.BINDER
    assert {process.pid for process in psutil.Process().children(recursive=True)} <= before


@pytest.mark.slow
def test_a_server_that_does_not_start_shows_its_log(tmp_path: Path) -> None:
    nbformat.write(new_notebook(), tmp_path / "00_empty.ipynb")
    with pytest.raises(RuntimeError, match="did not start"):
        server_memory.serve(tmp_path / "gone", tmp_path, [])
