"""Files are complete or absent; bars and settings behave as described."""

import errno
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from neurokit import settings
from neurokit.errors import DiskError, FetchError, SettingsError
from neurokit.files import atomic as files
from neurokit.files.atomic import atomic_write, atomic_write_folder, restore_folder
from neurokit.progress import progress
from tests.files.holders import other_process


def full_disk(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_file_gets_its_name_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "result.json"
    with atomic_write(path) as temporary:
        temporary.write_text("complete")
        assert not path.exists() and temporary.parent == path.parent
    assert path.read_text() == "complete"
    assert os.listdir(path.parent) == ["result.json"]


def test_others_may_read_a_written_file(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "result.json") as temporary:
        temporary.write_text("complete")
    assert (tmp_path / "result.json").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_a_broken_off_write_leaves_the_old_file_and_no_rest(
    tmp_path: Path, error: type[BaseException]
) -> None:
    path = tmp_path / "result.json"
    path.write_text("old")
    with pytest.raises(error), atomic_write(path) as temporary:
        temporary.write_text("ne")
        raise error
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["result.json"]


@pytest.mark.parametrize("method", ["write_text", "replace", "chmod"])
def test_a_full_disk_names_the_file_and_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    path = tmp_path / "result.json"
    path.write_text("old")
    monkeypatch.setattr(Path, method, full_disk)
    finding = r"result\.json could not be written \(No space left.*free some space"
    with pytest.raises(DiskError, match=finding), atomic_write(path) as temporary:
        temporary.write_text("new")
    monkeypatch.undo()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["result.json"]


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    path = tmp_path / "taken" / "result.json"
    with pytest.raises(DiskError, match=r"taken/result\.json"), atomic_write(path):
        pass
    assert (tmp_path / "taken").read_text() == "a file"


def test_an_error_with_its_own_sentence_is_passed_on(tmp_path: Path) -> None:
    """FetchError is an OSError too, but says better what went wrong."""
    with pytest.raises(FetchError, match="the mirror is away"), atomic_write(tmp_path / "part.npz"):
        raise FetchError("the mirror is away")
    assert os.listdir(tmp_path) == []


def test_nested_files_name_the_one_that_failed(tmp_path: Path) -> None:
    finding = r"^\S*inner\.bin could not be written \(No space left[^(]*$"
    outer, inner = tmp_path / "outer.json", tmp_path / "inner.bin"
    with pytest.raises(DiskError, match=finding), atomic_write(outer), atomic_write(inner):
        full_disk()
    assert os.listdir(tmp_path) == []


def test_a_pipe_or_device_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DiskError, match="it is a pipe or a device"), atomic_write(tmp_path / "pipe"):
        pass
    assert (tmp_path / "pipe").is_fifo() and os.listdir(tmp_path) == ["pipe"]


# --- what killed processes leave

other_writer = partial(other_process, "neurokit.files.atomic", "atomic_write")


@pytest.mark.slow
def test_what_a_killed_writer_left_goes_with_the_next_write(tmp_path: Path) -> None:
    path = tmp_path / "result[1].json"
    with other_writer(path) as writer:
        writer.send_signal(signal.SIGKILL)
        assert writer.wait(600) == -signal.SIGKILL
    (remains,) = tmp_path.iterdir()
    for other in ("result[1].bin", "result.json", "result1.json", "result[1]-2.json"):
        with atomic_write(tmp_path / other):
            assert remains.exists()
        (tmp_path / other).unlink()
    with atomic_write(path) as temporary:
        assert list(tmp_path.iterdir()) == [temporary]
    assert list(tmp_path.iterdir()) == [path]


def test_a_living_writer_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    with other_writer(path) as writer:
        for _ in range(2):
            with atomic_write(path) as temporary:
                temporary.write_text("ours")
                assert len(list(tmp_path.glob(".*"))) == 2
        assert path.read_text() == "ours"
        writer.communicate(b"\n", timeout=600)
        assert writer.returncode == 0
    assert path.read_text() == "of the other process"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_taken_for_remains_before_it_was_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[Path] = []

    def late_lock(*_: object) -> None:
        if not taken:
            taken.extend(tmp_path.iterdir())
            taken[0].unlink()

    monkeypatch.setattr(files.fcntl, "flock", late_lock)
    with atomic_write(tmp_path / "result.json") as temporary:
        assert temporary != taken[0]
        temporary.write_text("complete")
    assert (tmp_path / "result.json").read_text() == "complete"


@pytest.mark.parametrize("system", ["a disk without locks", "Windows"])
def test_without_locks_nothing_is_taken_for_remains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str
) -> None:
    if system == "Windows":
        monkeypatch.setattr(files, "fcntl", None)
    else:
        monkeypatch.setattr(files.fcntl, "flock", full_disk)
    path = tmp_path / "result.json"
    with atomic_write(path) as first, atomic_write(path) as second:
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first" and list(tmp_path.iterdir()) == [path]


# --- folders


def test_a_folder_gets_its_name_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "new" / "session"
    with atomic_write_folder(path) as temporary:
        (temporary / "inner").mkdir()
        (temporary / "inner" / "a.npy").write_text("complete")
        assert not path.exists() and temporary.parent == path.parent
    assert (path / "inner" / "a.npy").read_text() == "complete"
    assert path.stat().st_mode & 0o777 == 0o755
    assert os.listdir(path.parent) == ["session"]


def test_a_folder_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    old_folder(tmp_path)
    with atomic_write_folder(tmp_path / "session") as temporary:
        (temporary / "new.npy").write_text("new")
        assert os.listdir(tmp_path / "session") == ["old.npy"]
    assert os.listdir(tmp_path / "session") == ["new.npy"]
    assert os.listdir(tmp_path) == ["session"]


def old_folder(parent: Path) -> Path:
    (parent / "session").mkdir()
    (parent / "session" / "old.npy").write_text("old")
    return parent / "session"


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_a_broken_off_folder_leaves_the_old_one_and_no_rest(
    tmp_path: Path, error: type[BaseException]
) -> None:
    path = old_folder(tmp_path)
    with pytest.raises(error), atomic_write_folder(path) as temporary:
        (temporary / "new.npy").write_text("ne")
        raise error
    assert os.listdir(path) == ["old.npy"]
    assert os.listdir(tmp_path) == ["session"]


@pytest.mark.parametrize("failing", [1, 2])
def test_a_disk_that_refuses_a_renaming_keeps_the_old_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    path, rename, calls = old_folder(tmp_path), Path.rename, []

    def refusing(source: Path, target: Path) -> Path:
        calls.append(source)
        return full_disk() if len(calls) == failing else rename(source, target)

    monkeypatch.setattr(Path, "rename", refusing)
    finding = r"session could not be written \(No space left.*nothing there was changed"
    with pytest.raises(DiskError, match=finding), atomic_write_folder(path) as temporary:
        (temporary / "new.npy").write_text("new")
    assert len(calls) >= failing
    assert (path / "old.npy").read_text() == "old"
    assert os.listdir(tmp_path) == ["session"]


@pytest.mark.parametrize("path", ["", ".", "/"])
def test_a_folder_without_a_name_is_never_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DiskError, match="is the working folder, or a disk"), atomic_write_folder(path):
        pass


def test_a_file_where_a_folder_should_be_stays(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    for path in (tmp_path / "taken", tmp_path / "taken" / "session"):
        with pytest.raises(DiskError, match=f"{path} could not be written"), atomic_write_folder(path):
            pass
    assert (tmp_path / "taken").read_text() == "a file"
    assert os.listdir(tmp_path) == ["taken"]


FOLDER_WRITER = """
import os, signal, sys
from pathlib import Path
from neurokit.files.atomic import atomic_write_folder

count, rename = 0, Path.rename

def counting(source, target):
    global count
    found = rename(source, target)
    count += 1
    if count == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    return found

Path.rename = counting
with atomic_write_folder(sys.argv[1]) as temporary:
    (temporary / "new.npy").write_text("new")
    if sys.argv[2] == "0":
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(("renamings", "found"), [(0, "old"), (1, "old"), (2, "new")])
def test_a_killed_replacement_of_a_folder_loses_nothing(tmp_path: Path, renamings: int, found: str) -> None:
    """Killed while it writes, between the two renamings, and before the old folder is removed."""
    path = old_folder(tmp_path)
    command = [sys.executable, "-c", FOLDER_WRITER, str(path), str(renamings)]
    run = subprocess.run(command, cwd=Path(__file__).parents[2])
    left = set(os.listdir(tmp_path)) - {".session~lock"}  # which locks nobody out
    assert run.returncode == -signal.SIGKILL and len(left) == (1 if renamings == 3 else 2)
    assert path.exists() == (renamings != 1)
    restore_folder(path)
    assert os.listdir(path) == [f"{found}.npy"]
    with atomic_write_folder(path) as temporary:
        earlier = {".session~before"} if renamings == 2 else set()  # which goes when this one is in its place
        assert set(os.listdir(tmp_path)) == {"session", temporary.name, ".session~lock"} | earlier
        (temporary / "newest.npy").write_text("newest")
    assert os.listdir(path) == ["newest.npy"] and os.listdir(tmp_path) == ["session"]


def test_a_folder_inside_one_without_its_name_is_restored_with_it(tmp_path: Path) -> None:
    path = old_folder(tmp_path)
    (tmp_path / "session").rename(tmp_path / ".session~before")
    assert restore_folder(path / "old.npy").read_text() == "old"
    assert os.listdir(tmp_path) == ["session"]


def test_a_folder_that_was_never_there_is_not_restored(tmp_path: Path) -> None:
    restore_folder(tmp_path / "session")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EACCES, "the right to write"),
        (errno.ENAMETOOLONG, "a shorter name"),
        (errno.EIO, "choose another folder"),
    ],
)
def test_the_remedy_fits_what_went_wrong(tmp_path: Path, number: int, says: str) -> None:
    with pytest.raises(DiskError, match=says) as caught, atomic_write(tmp_path / "result.json"):
        raise OSError(number, os.strerror(number))
    assert ("free some space" in str(caught.value)) == (number == errno.ENOSPC)


def test_a_name_that_is_too_long_says_so(tmp_path: Path) -> None:
    with pytest.raises(DiskError, match="choose a shorter name"), atomic_write(tmp_path / ("a" * 300)):
        pass


# --- settings


@pytest.mark.parametrize(
    ("found", "source"),
    [(None, "demo"), (" CutOut ", "cutout"), ("full", "full")],
)
def test_the_source_is_read_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, found: str | None, source: str
) -> None:
    monkeypatch.delenv("NEUROKIT_SOURCE", raising=False)
    if found is not None:
        monkeypatch.setenv("NEUROKIT_SOURCE", found)
    assert settings.source() == source


def test_an_unknown_source_is_refused_with_the_three(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEUROKIT_SOURCE", "cutuot")
    with pytest.raises(SettingsError, match="'cutuot'; set it to one of demo, cutout, full"):
        settings.source()


def test_a_source_is_checked_wherever_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEUROKIT_SOURCE", "cutout")
    found = [settings.check_source(name) for name in (None, *settings.SOURCES)]
    assert found == ["cutout", *settings.SOURCES]
    for name in ("Demo", "", "ful"):
        with pytest.raises(SettingsError, match=f"no source '{name}'; use one of demo, cutout, full"):
            settings.check_source(name)
        with pytest.raises(SettingsError, match=f"no source '{name}'"), settings.use_source(name):
            pass
    assert settings.source() == "cutout"


def test_folders_are_made_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NEUROKIT_DATA", "downloads")
    monkeypatch.setenv("NEUROKIT_REAL_DATA", "real")
    assert settings.data_folder() == tmp_path / "downloads"
    assert settings.real_data_folder() == tmp_path / "real"
    monkeypatch.delenv("NEUROKIT_BUILD", raising=False)
    assert settings.build_folder() == tmp_path / "downloads"
    monkeypatch.setenv("NEUROKIT_BUILD", "build")
    assert settings.build_folder() == tmp_path / "build"
    assert not settings.data_folder().exists()


@pytest.mark.parametrize("found", [None, "nowhere"])
def test_a_missing_real_folder_says_what_to_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, found: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NEUROKIT_REAL_DATA", raising=False)
    if found:
        monkeypatch.setenv("NEUROKIT_REAL_DATA", found)
    with pytest.raises(SettingsError, match=found or "set NEUROKIT_REAL_DATA"):
        settings.real_data_folder()


@pytest.mark.parametrize(("value", "quiet"), [("woodpecker", True), ("", False), ("false", False)])
def test_another_programs_variable_may_have_any_value(
    monkeypatch: pytest.MonkeyPatch, value: str, quiet: bool
) -> None:
    monkeypatch.delenv("NEUROKIT_QUIET", raising=False)
    monkeypatch.setenv("CI", value)
    assert settings.quiet() is quiet


@pytest.mark.parametrize("variable", ["CI", "NEUROKIT_QUIET", None])
def test_bars_are_silent_under_ci_and_shown_elsewhere(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], variable: str | None
) -> None:
    for name in ("CI", "NEUROKIT_QUIET"):
        monkeypatch.delenv(name, raising=False)
    if variable:
        monkeypatch.setenv(variable, "true")
    for _ in progress(range(3), desc="epochs", mininterval=0):
        pass
    assert ("epochs" in capfd.readouterr().err) is (variable is None)


def test_the_old_name_of_the_source_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEUROKIT_TIER", "full")
    with pytest.raises(SettingsError, match="NEUROKIT_TIER is 'full'; set NEUROKIT_SOURCE"):
        settings.source()
    assert settings.check_source("demo") == "demo"  # who asks by name is not asked for it
