"""What is not a file is named before anything waits for it."""

import os
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from neurokit import digital_twin, pupil_encoder, sensorium, v1_transformer
from neurokit.digital_twin.preparation import write_recording
from neurokit.digital_twin.recording import load_trials, load_videos
from neurokit.digital_twin.writing import write_trials, write_videos
from neurokit.errors import DataError
from neurokit.files import cache
from neurokit.files.archives import read_npz
from neurokit.files.cache import converted_folder
from neurokit.files.reading import check_is_file
from neurokit.sensorium import folders
from neurokit.sensorium.files import open_scan
from neurokit.sensorium.folders import _fingerprint
from neurokit.simulation import scenes
from tests.digital_twin.toys import toy_trials, toy_video


def find_cached(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Callable[[Path], object]]:
    """What finds the conversion or the pack of a recording: by its file, its folder, or a scan's folder."""
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path / "data"))

    def of_scan(path: Path) -> str:
        with open_scan(path.parents[2]) as files:
            return files.fingerprint

    return [
        lambda path: converted_folder("toy", path, {}, (len,)),
        lambda path: converted_folder("toy", path.parent, {}, (len,)),
        lambda path: _fingerprint(path, 0, {}),
        lambda path: _fingerprint(path.parent, 0, {}),
        of_scan,
    ]


def test_another_content_of_the_same_size_and_time_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `cp -p` and archives leave it, in place of the file or written into it."""
    monkeypatch.setattr(cache, "code_digest", lambda modules: 12 * "0")
    monkeypatch.setattr(folders, "code_digest", lambda modules: 12 * "0")
    path = tmp_path / "scan" / "data" / "images" / "0.npy"
    path.parent.mkdir(parents=True)
    finders, seen = find_cached(monkeypatch, tmp_path), []
    for content, replaced in (("a", False), ("b", False), ("c", True)):
        target = path.with_name("new") if replaced else path
        target.write_text(content)
        os.utime(target, ns=(5, 5))
        target.rename(path)
        seen.append([find(path) for find in finders])
        assert seen[-1] == [find(path) for find in finders]
    assert all(len(set(each)) == 3 for each in zip(*seen, strict=True))


@pytest.mark.parametrize("read", [check_is_file, lambda path: read_npz(path, 1000)])
def test_what_is_no_file_is_named(tmp_path: Path, read: object) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    places = {
        tmp_path / "pipe": "is a pipe",
        tmp_path / "folder": "is a folder",
        Path(os.devnull): "is a device",
        tmp_path / "nothing": "is missing",
        tmp_path / ("a" * 300): "File name too long",
        Path("a\0b"): "null",
    }
    for path, says in places.items():
        with pytest.raises(DataError, match=says):
            read(path)


READERS: dict[str, tuple[Callable[[Path], object], Callable[[Path], object]]] = {
    "pupil": (partial(pupil_encoder.simulate, trials=30), lambda folder: pupil_encoder.load(folder=folder)),
    "alf": (
        partial(pupil_encoder.simulate, trials=30),
        lambda folder: pupil_encoder.read_alf(folder / "alf" / "Simulated_2026-01-01"),
    ),
    "scans": (partial(sensorium.simulate, trials=20), lambda folder: sensorium.load(folder=folder)),
    "movies": (
        partial(v1_transformer.simulate, cells=3, frames=150, repeats=2, session_type="three_session_C"),
        lambda folder: v1_transformer.load(folder=folder),
    ),
    "trials": (lambda folder: write_trials(folder, toy_trials()), load_trials),
    "videos": (lambda folder: write_videos(folder, [toy_video("v", 2)]), load_videos),
    "twin": (
        lambda folder: write_recording(folder, toy_trials(), [], np.arange(3)),
        lambda folder: digital_twin.load(folder=folder),
    ),
}


@pytest.mark.parametrize("name", READERS)
def test_every_reader_gives_a_folder_its_name_back(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it lies when a process was killed between the two renamings of its replacement."""
    monkeypatch.setattr(scenes, "CANVAS", 360)
    write, read = READERS[name]
    write(tmp_path / "mouse")
    (tmp_path / "mouse").rename(tmp_path / ".mouse~before")
    read(tmp_path / "mouse")
    assert os.listdir(tmp_path) == ["mouse"]


def test_a_file_is_let_through(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to("file")
    for name in ("file", "link"):
        assert stat.S_ISREG(check_is_file(tmp_path / name).stat().st_mode)
