"""The part of a download and its note belong together, whenever the process is killed."""

from pathlib import Path

import pytest

from neurokit.files.transfer import Part


def test_a_part_never_lies_under_the_note_of_another_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = Part(tmp_path / "file.bin.part")
    part.begin("http://example.org/file", '"old"')
    part.path.write_bytes(b"old")
    monkeypatch.setattr(Path, "write_bytes", lambda *_: pytest.fail("stands for a kill"))
    with pytest.raises(pytest.fail.Exception):
        part.begin("http://example.org/file", '"new"')
    assert (part.version("http://example.org/file"), part.size()) == ('"new"', 0)
