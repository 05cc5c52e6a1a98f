"""Several processes, or killed ones, on one output: never a mixture, and nothing of anybody else's goes."""

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from neurokit.errors import DataError, DiskError
from neurokit.files import atomic
from neurokit.files.atomic import atomic_write_folder, restore_folder
from neurokit.files.output import UNFINISHED
from tests.files.holders import other_process
from tests.files.test_output import filled, held

ROOT = Path(__file__).parents[2]
WRITER = """
import sys, time
from pathlib import Path
from neurokit.files.atomic import atomic_write_folder, write_output

write = {"write_output": lambda path: write_output(path, "test")}.get(sys.argv[1], atomic_write_folder)
with write(Path(sys.argv[2])) as new:
    for number in range(40):
        (new / f"{number}").write_text(sys.argv[3])
        time.sleep(0.01)
"""


def write_at_once(function: str, paths: list[Path], tmp_path: Path) -> list[subprocess.Popen]:
    """A process for each spelling of the path, each with a data folder of its own."""
    return [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, function, str(path), str(number)],
            cwd=ROOT,
            env=os.environ | {"NEUROKIT_DATA": str(tmp_path / f"data{number}")},
            stderr=subprocess.PIPE,
        )
        for number, path in enumerate(paths)
    ]


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="needs links")
@pytest.mark.parametrize("function", ["write_output", "atomic_write_folder"])
def test_two_processes_with_data_folders_of_their_own_write_one_after_the_other(
    tmp_path: Path, function: str
) -> None:
    """The second names the folder, or one above it, by a link."""
    (tmp_path / "disk" / "out").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    paths = [tmp_path / "disk" / "out", tmp_path / "link" / "out"]
    if function == "write_output":
        (tmp_path / "own").symlink_to(tmp_path / "disk" / "out")
        paths.append(tmp_path / "own")
    processes = write_at_once(function, paths, tmp_path)
    outcomes = [process.communicate(timeout=120)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(paths), outcomes
    found = held(tmp_path / "disk" / "out")
    assert len(found) == 40 and len(set(found.values())) == 1
    assert os.listdir(tmp_path / "disk") == ["out"]


def test_a_folder_that_another_process_fills_is_waited_for_by_its_readers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atomic, "hold_lock", partial(atomic.hold_lock, longest=1.2))
    folder = tmp_path / "out"
    with other_process("tests.files.holders", "fill", folder, data=tmp_path / "data") as holder:
        with pytest.raises(DiskError, match="out is in use by another process"):
            restore_folder(folder)
        (folder / ".neurokit~lock").unlink()  # as where a reader must not write there
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "open", without_creating(os.open))
            with pytest.raises(DataError, match="is being written by another process: wait"):
                restore_folder(folder)
        holder.communicate(b"\n", timeout=600)
    assert held(restore_folder(folder)) == {"a": "of the other process"}


def without_creating(real):  # type: ignore[no-untyped-def]
    def opened(path: object, flags: int, *arguments: object, **options: object) -> int:
        if flags & os.O_CREAT:
            raise PermissionError(13, "Permission denied")
        return real(path, flags, *arguments, **options)

    return opened


def test_a_folder_that_a_living_process_fills_is_not_cleared(tmp_path: Path) -> None:
    """Not even without lock files."""
    with other_process("tests.files.holders", "fill", tmp_path / "out"):
        (tmp_path / "out" / ".neurokit~lock").unlink()
        with pytest.raises(DiskError, match="out is being written by another process"):
            filled(tmp_path / "out", a="1")
        assert (tmp_path / "out" / UNFINISHED / "a").read_text() == "of the other process"


def test_a_new_folder_of_another_name_is_no_leftover(tmp_path: Path) -> None:
    names = ("mouse~1", "mouse~", "mouse~abcdefgh", "mouse~abcdefgh~new")
    for name in names:
        with atomic_write_folder(tmp_path / name) as other:
            (other / "a.npy").write_text("a")
            with atomic_write_folder(tmp_path / "mouse") as new:
                (new / "b.npy").write_text("b")
            assert other.exists()
        (tmp_path / name).rename(tmp_path / f".{name}~before")  # killed between two renamings
    with atomic_write_folder(tmp_path / "mouse"):
        pass
    for name in names:
        assert held(restore_folder(tmp_path / name)) == {"a.npy": "a"}


def test_what_a_killed_writer_left_goes_and_a_living_ones_stays(tmp_path: Path) -> None:
    with other_process("neurokit.files.atomic", "atomic_write_folder", tmp_path / "out") as holder:
        (left,) = tmp_path.glob(".out~*~new")
        (tmp_path / ".out~lock").unlink()  # as on a disk without lock files
        with atomic_write_folder(tmp_path / "out"):
            assert (left / "a").read_text() == "of the other process"
        holder.kill()
        holder.wait(600)
    with atomic_write_folder(tmp_path / "out"):
        assert not left.exists()


def set_aside(tmp_path: Path, content: str = "precious") -> Path:
    """A folder as a process leaves it that was killed between two renamings."""
    (tmp_path / ".m~before").mkdir()
    (tmp_path / ".m~before" / "a").write_text(content)
    return tmp_path / "m"


def test_an_empty_folder_made_where_one_was_set_aside_hides_nothing(tmp_path: Path) -> None:
    path = set_aside(tmp_path)
    path.mkdir()
    with pytest.raises(ZeroDivisionError), atomic_write_folder(path):
        raise ZeroDivisionError
    assert held(path) == {"a": "precious"} and os.listdir(tmp_path) == ["m"]


def test_a_folder_set_aside_goes_only_once_a_new_one_is_in_its_place(tmp_path: Path) -> None:
    path = set_aside(tmp_path)
    path.mkdir()
    (path / "b").write_text("made since")
    with pytest.raises(ZeroDivisionError), atomic_write_folder(path):
        raise ZeroDivisionError
    assert held(tmp_path / ".m~before") == {"a": "precious"} and held(path) == {"b": "made since"}
    path.rename(tmp_path / ".m~before~2")  # killed once more between two renamings
    assert held(restore_folder(path)) == {"b": "made since"}
    with atomic_write_folder(path) as new:
        (new / "c").write_text("new")
    assert held(path) == {"c": "new"} and os.listdir(tmp_path) == ["m"]


@pytest.mark.parametrize("renamings", [0, 1, 2])
def test_ctrl_c_at_a_renaming_leaves_the_folder_of_before_or_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, renamings: int
) -> None:
    path = tmp_path / "m"
    with atomic_write_folder(path) as new:
        (new / "a").write_text("old")
    real, left = Path.rename, [renamings]

    def interrupted(self: Path, to: Path) -> Path:
        left[0] -= 1
        if left[0] == -1:
            raise KeyboardInterrupt
        return real(self, to)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt), atomic_write_folder(path) as new:
        (new / "a").write_text("new")
    assert held(restore_folder(path)) == {"a": "new" if renamings == 2 else "old"}


@pytest.mark.skipif(not hasattr(signal, "SIGINT"), reason="needs signals")
def test_ctrl_c_while_files_take_their_places_loses_none(tmp_path: Path) -> None:
    """Earlier files go and new ones come one by one: an interrupted process leaves the rest to the next."""
    folder, names = tmp_path / "out", {f"n{number}": "old" for number in range(300)}
    filled(folder, **names)
    program = (
        "import sys, os, signal\nfrom pathlib import Path\nfrom neurokit.files.atomic import write_output\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a job in the background ignores it
        "real, left = os.replace, [100]\n"
        "def replace(*a, **k):\n"
        "    left[0] -= 1\n"
        "    if left[0] == 0: os.kill(os.getpid(), signal.SIGINT)\n"
        "    return real(*a, **k)\n"
        "os.replace = replace\n"
        "with write_output(Path(sys.argv[1]), 'test') as new:\n"
        "    for n in range(300): (new / f'n{n}').write_text('new')\n"
    )
    run = subprocess.run([sys.executable, "-c", program, str(folder)], cwd=ROOT, capture_output=True)
    assert run.returncode != 0 and b"KeyboardInterrupt" in run.stderr
    assert set(held(restore_folder(folder)).values()) == {"new"} and len(held(folder)) == 300
