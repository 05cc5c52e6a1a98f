"""Output folders: a user's files stay, and those of before are there until all new ones are."""

import errno
import hashlib
import json
import multiprocessing
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from neurokit.errors import DataError, DiskError
from neurokit.files import atomic as files
from neurokit.files import output
from neurokit.files.atomic import restore_folder, write_output
from tests.files.holders import other_process


def full_disk(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def filled(folder: Path, **contents: str) -> None:
    """An output folder with a text in each file; a double underscore stands for a slash."""
    with write_output(folder, "test", beside=("manifest",)) as new:
        for name, content in contents.items():
            path = new / name.replace("__", "/")
            path.parent.mkdir(exist_ok=True)
            path.write_text(content)


def held(folder: Path) -> dict[str, str]:
    """The texts in a folder, but for the list of what was written, and for the lock of a killed process."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    paths = [path for path in paths if path.name not in (output.WRITER, output.WITHIN)]
    return {path.relative_to(folder).as_posix(): path.read_text() for path in paths}


def test_an_output_folder_is_filled_and_replaced(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    filled(tmp_path / "out", a="1", sub__b="2", other__c="3")
    assert held(tmp_path / "out") == {"a": "1", "sub/b": "2", "other/c": "3"}
    (tmp_path / "out" / "manifest").write_text("of a reader")
    filled(tmp_path / "out", a="4", sub__d="5")
    assert held(tmp_path / "out") == {"a": "4", "sub/d": "5", "manifest": "of a reader"}
    assert not (tmp_path / "out" / "other").exists() and os.listdir(tmp_path) == ["out"]
    filled(tmp_path / "new" / "out", a="6")
    assert held(tmp_path / "new" / "out") == {"a": "6"}


def test_an_output_folder_may_be_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for text in "12":
        filled(Path(), a=text)
        assert held(Path()) == {"a": text}


def test_a_folder_that_a_killed_process_was_the_first_to_fill_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "out" / output.UNFINISHED).mkdir(parents=True)
    with pytest.raises(DataError, match="out was filled in part when a process was stopped: run"):
        restore_folder(tmp_path / "out")
    filled(tmp_path / "out", a="3", b="4")
    assert held(restore_folder(tmp_path / "out")) == {"a": "3", "b": "4"}


def test_what_a_living_process_writes_is_no_leftover(tmp_path: Path) -> None:
    filled(tmp_path, a="1")
    with write_output(tmp_path, "test") as new:
        (new / "a").write_text("2")
        restore_folder(tmp_path)
        assert (new / "a").exists() and (tmp_path / "a").read_text() == "1"
    assert held(tmp_path) == {"a": "2"}


def test_one_process_at_a_time_fills_an_output_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "hold_lock", partial(files.hold_lock, longest=1.0))
    with other_process("tests.files.holders", "fill", tmp_path / "out") as holder:
        with pytest.raises(DiskError, match="out is in use by another process"):
            filled(tmp_path / "out", a="1")
        holder.communicate(b"\n", timeout=600)
    filled(tmp_path / "out", a="1")
    assert held(tmp_path / "out") == {"a": "1"}


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("x", "holds x, which this command did not write"),
        ("sub/x", "holds sub/x, which this command did not write"),
        (".x", r"holds \.x, which this command did not write"),
        ("sub/b", "holds sub/b, which was changed since"),
    ],
)
def test_files_of_somebody_else_are_neither_replaced_nor_removed(
    tmp_path: Path, place: str, says: str
) -> None:
    filled(tmp_path, a="1", sub__b="2")
    (tmp_path / place).write_text("mine")
    before = held(tmp_path)
    with pytest.raises(DataError, match=says):
        filled(tmp_path, a="3", x="4")
    assert held(tmp_path) == before


def test_what_another_command_wrote_is_not_replaced(tmp_path: Path) -> None:
    with write_output(tmp_path, "another") as new:
        (new / "a").write_text("1")
    for spoil in (lambda: None, (tmp_path / output.WRITER).unlink):
        spoil()
        with pytest.raises(DataError, match="which this command did not write"):
            filled(tmp_path, a="2")
        assert held(tmp_path) == {"a": "1"}


def test_a_link_in_place_of_a_file_is_not_followed(tmp_path: Path) -> None:
    filled(tmp_path / "out", a="1")
    (tmp_path / "mine").write_text("1")
    (tmp_path / "out" / "a").unlink()
    (tmp_path / "out" / "a").symlink_to(tmp_path / "mine")
    with pytest.raises(DataError, match="a, which was changed"):
        filled(tmp_path / "out", a="2")


def test_a_list_of_places_outside_the_folder_removes_nothing_there(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    filled(tmp_path / "out", a="1")
    mark = tmp_path / "out" / output.WRITER
    found = json.loads(mark.read_text())
    digest = hashlib.sha256(b"mine").hexdigest()
    mark.write_text(json.dumps(found | {"files": found["files"] | {"../mine": digest}}))
    filled(tmp_path / "out", a="2")
    assert (tmp_path / "mine").read_text() == "mine" and held(tmp_path / "out") == {"a": "2"}


def test_what_breaks_off_leaves_the_files_of_before(tmp_path: Path) -> None:
    filled(tmp_path, a="1")
    with pytest.raises(ZeroDivisionError), write_output(tmp_path, "test") as new:
        (new / "a").write_text("2")
        raise ZeroDivisionError
    assert held(tmp_path) == {"a": "1"} and sorted(os.listdir(tmp_path)) == ["a", output.WRITER]


STEPS = ("replace", "rename", "unlink", "rmdir", "mkdir")  # of the disk, by their names in `os`
OLD, NEW = {"a": "1", "sub/b": "2"}, {"a": "3", "sub/c": "4", "e": "5"}


def count_steps(monkeypatch: pytest.MonkeyPatch, steps: int, then: Callable[[], object]) -> None:
    """Does `then` before that many changes of the disk have been made, once."""
    left = [steps]

    def counted(method: Callable, *arguments: object, **options: object) -> object:
        left[0] -= 1
        if left[0] == -1:
            then()
        return method(*arguments, **options)

    for name in STEPS:
        monkeypatch.setattr(os, name, partial(counted, getattr(os, name)))


def replaced_and_killed(folder: Path, steps: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        count_steps(patch, steps, lambda: os.kill(os.getpid(), signal.SIGKILL))
        filled(folder, a="3", sub__c="4", e="5")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a process that can be killed halfway")
def test_a_kill_at_any_step_leaves_all_files_of_before_or_all_new_ones(tmp_path: Path) -> None:
    """The last round is killed at no step. Reading mends the folder, and so does the same command."""
    found, ended = [], True
    while ended:
        folders = [tmp_path / f"{len(found)}-{what}" for what in ("read", "written")]
        for folder in folders:
            filled(folder, a="1", sub__b="2")
            process = multiprocessing.get_context("fork").Process(
                target=replaced_and_killed, args=(folder, len(found))
            )
            process.start()
            process.join()
            assert process.exitcode in (0, -signal.SIGKILL)
            ended = process.exitcode != 0
        found.append(held(restore_folder(folders[0])))
        for folder in folders:
            filled(folder, a="5", d="6")
            assert held(folder) == {"a": "5", "d": "6"}
            assert sorted(os.listdir(folder)) == ["a", "d", output.WRITER]
    assert found == sorted(found, key=[OLD, NEW].index)  # none is in between
    assert found.count(OLD) > 2 and found.count(NEW) > 5


@pytest.mark.parametrize("steps", range(16))
def test_a_disk_that_refuses_a_step_leaves_all_files_of_before_or_all_new_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    filled(tmp_path, a="1", sub__b="2")
    with monkeypatch.context() as patch:
        count_steps(patch, steps, full_disk)
        with suppress(DiskError):  # some of what is refused is only tidying
            filled(tmp_path, a="3", sub__c="4", e="5")
    assert held(restore_folder(tmp_path)) in (OLD, NEW)
    filled(tmp_path, a="5", d="6")
    assert sorted(os.listdir(tmp_path)) == ["a", "d", output.WRITER]


def test_a_file_put_in_place_of_a_new_one_that_waits_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(tmp_path, a="1", b="2")
    with monkeypatch.context() as patch:
        patch.setattr(files, "move_output", lambda *_: full_disk())
        with pytest.raises(DiskError):
            filled(tmp_path, a="3", c="4")
    (tmp_path / "c").write_text("mine")
    for call in (restore_folder, filled):
        with pytest.raises(
            DataError, match="holds c, of which a stopped process wrote a new one: move yours"
        ):
            call(tmp_path)
    assert (tmp_path / "c").read_text() == "mine"
    (tmp_path / "c").unlink()
    assert held(restore_folder(tmp_path / "a").parent) == {"a": "3", "c": "4"}


def test_an_output_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DiskError, match="file could not be written"):
        filled(tmp_path / "file", a="1")
