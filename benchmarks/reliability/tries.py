"""One try in a process of its own, with a limit on its time and on its memory, and how it ended.

The process is forked, so that it starts with everything imported. Its resident memory may grow by MEMORY
over that of its parent (the peak is measured), its address space by four times that; what asks for more gets
Python's MemoryError.
"""

import contextlib
import io
import multiprocessing
import os
import resource
import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch

import neurokit
from neurokit.errors import NeurokitError

SECONDS = 20.0
MEMORY = 2**30  # bytes
OURS = str(Path(neurokit.__file__).parent)
FORK = multiprocessing.get_context("fork")


@dataclass(frozen=True)
class Outcome:
    """How a try ended.

    `kind` is refused (by an error of neurokit), accepted, python (a TypeError of the call itself, for a
    keyword that is missing or unknown), foreign (an error of others), hang, memory or killed. `value` is what
    the work returned; `text` the message, with the place of a foreign error.
    """

    kind: str
    text: str = ""
    value: Any = None


def attempt(work: Callable[[], Any], seconds: float = SECONDS, memory: int = MEMORY) -> Outcome:
    """Runs `work` in a child; what it returns has to be small and plain."""
    ours, theirs = FORK.Pipe(duplex=False)
    child = FORK.Process(target=_run, args=(work, theirs, memory), daemon=True)
    sys.stdout.flush()
    child.start()
    theirs.close()
    try:
        found = ours.recv() if ours.poll(seconds) else Outcome("hang", f"longer than {seconds:g} s")
    except EOFError:
        child.join()
        found = Outcome("killed", f"by signal {-(child.exitcode or 0)}")
    if child.is_alive():
        child.kill()
    child.join()
    return found


def _run(work: Callable[[], Any], pipe: Connection, memory: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    torch.set_num_threads(1)
    limit, before = _address_space() + 4 * memory, _resident()
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        found = _judge(work)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
    if grown > memory:
        found = Outcome("memory", f"{grown / 2**30:.1f} GiB, then {found.kind}: {found.text}")
    pipe.send(found)
    pipe.close()
    os._exit(0)


def _judge(work: Callable[[], Any]) -> Outcome:
    try:
        return Outcome("accepted", value=work())
    except NeurokitError as error:
        return Outcome("refused", str(error))
    except MemoryError as error:
        return Outcome("memory", f"{error} {_place(error)}")
    except BaseException as error:
        steps = traceback.extract_tb(error.__traceback__)
        inside = [step for step in steps if step.filename.startswith(OURS)]
        kind = "python" if isinstance(error, TypeError) and not inside else "foreign"
        return Outcome(kind, f"{type(error).__name__}: {str(error)[:200]} {_place(error)}")


def _place(error: BaseException) -> str:
    steps = traceback.extract_tb(error.__traceback__)
    inside = [step for step in steps if step.filename.startswith(OURS)] or steps
    return "at " + " < ".join(
        f"{step.filename.removeprefix(OURS).rpartition('lib/')[2]}:{step.lineno}"
        for step in inside[-3:][::-1]
    )


def _address_space() -> int:
    """Bytes of address space that this process has now."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()


def _resident() -> int:
    """Bytes of memory that this process has now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def is_sentence(text: str) -> bool:
    """Whether a message is one line that ends as a sentence does."""
    return bool(text.strip()) and "\n" not in text and text.rstrip()[-1] in ".)?"
