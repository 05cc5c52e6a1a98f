"""Works in processes of their own: forked from one that has imported everything, killed, run to their end.

A work gets a new private folder each time, always of the same path, and the data folder lies in it.
"""

import hashlib
import json
import os
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neurokit.files.sealed import open_json

LONGEST = 120.0  # s, after which a process hangs
PAUSE = 0.002  # s, between two looks at whether a process has ended
# What changes the disk, or begins to; `open` reads as well.
OPERATIONS = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.truncate", "os.utime"}
LOCKS = "locks"  # a folder in the data folder, which stays

Work = Callable[[Path], Any]


@dataclass(frozen=True)
class Ended:
    """How a process ended: status (minus the signal, None where it hung), words, seconds."""

    status: int | None
    said: str
    seconds: float


@dataclass(frozen=True)
class Place:
    """The private folder of one try, below `root`."""

    root: Path

    @property
    def folder(self) -> Path:
        """What the work may write."""
        return self.root / "try"

    def clear(self, template: Path) -> None:
        """Makes the private folder a copy of the template, which may be missing."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if template.is_dir():
            shutil.copytree(template, self.folder)
        self.folder.mkdir(parents=True, exist_ok=True)


def start(
    work: Work,
    place: Place,
    *,
    kill_before: int | None = None,
    number: int = 0,
    gate: tuple[int, int] | None = None,
) -> int:
    """The process of a work; it kills itself before its so-manyth file operation, counted from 0.

    `number` distinguishes the words of processes that run at the same time, which begin together when this
    process closes the second end of the pipe `gate`.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    process = os.fork()
    if process:
        return process
    status = 1
    try:
        _redirect(_words(place, number))
        if gate is not None:
            os.close(gate[1])
            os.read(gate[0], 1)
        os.environ["NEUROKIT_DATA"] = str(place.folder / "data")
        operations = _count_operations(place, kill_before)
        work(place.folder)
        _counts(place).write_text(str(operations[0]))
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def wait(process: int, place: Place, longest: float = LONGEST, number: int = 0) -> Ended:
    """Waits for the end of a process, which is killed where it hangs."""
    begin = time.perf_counter()
    while time.perf_counter() - begin < longest:
        if (ended := poll(process)) is not None:
            return Ended(ended, _words(place, number).read_text(), time.perf_counter() - begin)
        time.sleep(PAUSE)
    kill(process)
    return Ended(None, "it did not end", longest)


def poll(process: int) -> int | None:
    """The exit status of a process, or minus the signal that ended it; None while it runs."""
    found, status = os.waitpid(process, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def kill(process: int) -> int:
    """Kills a process and returns how it ended, which may have been just before."""
    os.kill(process, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def run(work: Work, place: Place) -> Ended:
    """A work from begin to end."""
    return wait(start(work, place), place)


def run_together(works: Sequence[Work], place: Place, longest: float = LONGEST) -> list[Ended]:
    """Works that begin at one time, each from begin to end."""
    gate = os.pipe()
    processes = [start(work, place, number=number, gate=gate) for number, work in enumerate(works)]
    for end in reversed(gate):
        os.close(end)
    return [wait(process, place, longest, number) for number, process in enumerate(processes)]


def operations(place: Place) -> int:
    """How many file operations the last work that ended has done in its private folder."""
    return int(_counts(place).read_text())


def tree(folder: Path) -> dict[str, str]:
    """SHA-256 of each file by its relative path, hidden ones included; folders have an empty one."""
    locks = folder / "data" / LOCKS
    return {
        path.relative_to(folder).as_posix(): "" if path.is_dir() else _content(path)
        for path in sorted(folder.rglob("*"))
        if path != locks and not path.is_relative_to(locks)
    }


def _content(path: Path) -> str:
    """SHA-256 of a file; of the state of a search without the seconds that its trials took."""
    content = path.read_bytes()
    if path.name.endswith(".search.json"):
        state = open_json(content.decode())
        trials = [{**each, "seconds": 0} for each in state["trials"]]
        content = json.dumps({**state, "trials": trials}).encode()
    return hashlib.sha256(content).hexdigest()


def _words(place: Place, number: int) -> Path:
    return place.root / f"words-{number}"


def _counts(place: Place) -> Path:
    return place.root / "operations"


def _redirect(path: Path) -> None:
    """Whatever this process says goes to a file."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(file, 1)
    os.dup2(file, 2)
    sys.stdout = sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)


def _count_operations(place: Place, kill_before: int | None) -> list[int]:
    """Counts this process's file operations in its private folder, but for locks; may kill it."""
    count, folder = [0], str(place.folder)
    locks = str(place.folder / "data" / LOCKS)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in OPERATIONS:
            return
        path = os.fspath(arguments[0]) if isinstance(arguments[0], str | Path) else ""
        if not isinstance(path, str) or not path.startswith(folder) or path.startswith(locks):
            return
        if count[0] == kill_before:
            os.kill(os.getpid(), signal.SIGKILL)
        count[0] += 1

    sys.addaudithook(hook)
    return count
