"""A pipe in place of a file would be waited for without end: every reader looks first."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from neurokit.cli.options import _read_config
from neurokit.digital_twin.properties import read_table
from neurokit.digital_twin.trial_files import read_array
from neurokit.digital_twin.weight_files import read_tensors
from neurokit.errors import DataError, NeurokitError
from neurokit.files.reading import check_no_pipe
from neurokit.files.registry import read_registry
from neurokit.sensorium.files import open_scan
from neurokit.sensorium.official import load_official
from neurokit.sensorium.pack import read_pack
from neurokit.sensorium.simulation import read_truth
from neurokit.sensorium.submission.table import PREDICTION, rows
from neurokit.training.checkpoint import read_facts
from neurokit.tune.search import read_sealed

READERS: dict[str, Callable[[Path], Any]] = {
    "registry": read_registry,
    "side-car": lambda path: read_facts(path.with_suffix(".json")),
    "search": read_sealed,
    "official weights": load_official,
    "tensors": lambda path: read_tensors(path, "copy it again"),
    "array": read_array,
    "table": lambda path: read_table(path, ["unit_id"]),
    "submission": lambda path: list(rows(path, PREDICTION)),
    "truth": read_truth,
    "config": _read_config,
}


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "file.json"
    os.mkfifo(path)
    return path


@pytest.mark.parametrize("reader", list(READERS))
def test_a_pipe_is_refused_by_name(pipe: Path, reader: str) -> None:
    with pytest.raises(NeurokitError, match=r"file\.json.* is a pipe; give the path of a file"):
        READERS[reader](pipe)


@pytest.mark.parametrize("reader", ["registry", "config"])
def test_deep_json_is_refused(tmp_path: Path, reader: str) -> None:
    path = tmp_path / "deep.json"
    path.write_text("[" * 100_000)
    with pytest.raises(NeurokitError, match=r"deep\.json"):
        READERS[reader](path)


def test_a_pack_that_is_a_pipe_is_no_pack(pipe: Path) -> None:
    assert read_pack(pipe, {}) is None


def test_a_pipe_within_a_scan_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "static1-1-1-GrayImageNet-x" / "data" / "images"
    folder.mkdir(parents=True)
    os.mkfifo(folder / "0.npy")
    with pytest.raises(DataError, match=r"0\.npy is a pipe"), open_scan(tmp_path):
        pass


def test_a_missing_file_is_left_to_its_reader(tmp_path: Path) -> None:
    check_no_pipe(tmp_path / "absent")
    with pytest.raises(DataError, match="is a folder"):
        check_no_pipe(tmp_path)
