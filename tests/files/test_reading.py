"""What is not a file is named before anything waits for it."""

import os
import stat
from pathlib import Path

import pytest

from neurokit.errors import DataError
from neurokit.files.archives import read_npz
from neurokit.files.reading import check_is_file


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


def test_a_file_is_let_through(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to("file")
    for name in ("file", "link"):
        assert stat.S_ISREG(check_is_file(tmp_path / name).stat().st_mode)
