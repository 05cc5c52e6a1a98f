"""Locks keep other processes out, say that they wait, and do not wait for ever."""

from functools import partial
from pathlib import Path

import pytest

from neurokit import settings
from neurokit.errors import DiskError
from neurokit.files.locks import hold_lock
from tests.files.holders import other_process

other_holder = partial(other_process, "neurokit.files.locks", "hold_lock")


def test_a_process_may_hold_a_lock_twice(tmp_path: Path) -> None:
    with hold_lock(tmp_path / "scan", longest=0.0), hold_lock(tmp_path / "scan", longest=0.0):
        pass
    assert list(tmp_path.iterdir()) == []  # nothing lies beside what is protected


@pytest.fixture
def is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal, or Jupyter: what is said beside progress bars is not hidden."""
    for name in ("CI", "NEUROKIT_QUIET"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("is_seen")
def test_another_process_is_waited_for_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "scan"
    with other_holder(path) as holder:
        with hold_lock(tmp_path / "other", longest=0.0):
            pass
        with pytest.raises(DiskError, match=r"scan is in use .* for 2 s"), hold_lock(path, longest=2.0):
            pass
        assert f"waiting for another process that works on {path}" in capsys.readouterr().err
        holder.communicate(b"\n", timeout=600)
        with hold_lock(path, longest=60.0):
            pass


@pytest.mark.parametrize("variable", ["CI", "NEUROKIT_QUIET"])
@pytest.mark.usefixtures("is_seen")
def test_a_wait_is_silent_where_bars_are_hidden(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "1")
    path = tmp_path / "scan"
    with other_holder(path), pytest.raises(DiskError, match="in use"), hold_lock(path, longest=1.5):
        pass
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("is_seen")
def test_the_lock_of_a_killed_process_is_free(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with other_holder(tmp_path / "scan") as holder:
        holder.kill()
        holder.wait(600)
        with hold_lock(tmp_path / "scan", longest=60.0):
            pass
    assert "waiting" not in capsys.readouterr().err


def test_a_relative_path_is_the_same_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with (
        other_holder(tmp_path / "scan"),
        pytest.raises(DiskError, match="in use"),
        hold_lock("scan", longest=0.1),
    ):
        pass


def test_a_data_folder_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path / "file"))
    assert settings.data_folder() == tmp_path / "file"
    inside = settings.data_folder() / "scan"
    with pytest.raises(DiskError, match="set NEUROKIT_DATA to another folder"), hold_lock(inside):
        pass
