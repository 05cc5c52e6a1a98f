"""A pipe in place of a file would be waited for without end: every reader looks first."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from neurokit import pupil_encoder, sensorium
from neurokit.cli.options import _read_config
from neurokit.digital_twin.properties import read_table
from neurokit.digital_twin.trial_files import read_array
from neurokit.digital_twin.weight_files import read_tensors
from neurokit.errors import DataError, NeurokitError
from neurokit.files.reading import check_no_pipe
from neurokit.files.registry import read_registry
from neurokit.recordings.suite2p_planes import holds_objects
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


FOLDERS: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "Steinmetz": ("steinmetz_part0.npz", lambda folder: pupil_encoder.load(folder=folder)),
    "SENSORIUM": ("static9-1-1-GrayImageNet-0.zip", lambda folder: sensorium.load(folder=folder)),
}


@pytest.mark.parametrize("make", ["pipe", "link"])
@pytest.mark.parametrize("kind", FOLDERS)
def test_what_cannot_be_opened_in_a_folder_is_refused_beside_what_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, make: str
) -> None:
    """A second scan, of another name, is no reason to pass over the first."""
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path / "data"))
    name, load = FOLDERS[kind]
    folder = tmp_path / "folder"
    (folder / "static8-1-1-GrayImageNet-0" / "data").mkdir(parents=True)
    if make == "pipe":
        os.mkfifo(folder / name)
    else:
        (folder / name).symlink_to(folder / name)
    with pytest.raises(DataError, match=f"{name} (is a pipe|cannot be read)"):
        load(folder)


def test_a_pipe_among_arrays_holds_no_objects(pipe: Path) -> None:
    assert not holds_objects(pipe)


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
