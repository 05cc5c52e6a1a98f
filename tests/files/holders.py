"""A process in the middle of a block that holds something, until it is told to go on, or killed."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from neurokit.files.atomic import write_output

HOLDER = """
import sys
from {module} import {name}

with {name}(sys.argv[1]) as held:
    if held is not None:
        file = held / "a" if held.is_dir() else held
        file.write_text("of the other process")
    print(flush=True)
    sys.stdin.readline()
"""


def fill(folder: str) -> AbstractContextManager[Path]:
    """Fills an output folder of the tests."""
    return write_output(Path(folder), "test")


@contextmanager
def other_process(module: str, name: str, path: Path, data: Path | None = None) -> Iterator[subprocess.Popen]:
    """One inside `name(path)` of `module`; it ends with a line on its stdin, and is killed at the end.

    Its data folder is `data`, by default that of this process.
    """
    command = [sys.executable, "-c", HOLDER.format(module=module, name=name), str(path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    environment = None if data is None else os.environ | {"NEUROKIT_DATA": str(data)}
    with subprocess.Popen(command, cwd=Path(__file__).parents[2], env=environment, **pipes) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"\n"
        yield holder
        holder.kill()
