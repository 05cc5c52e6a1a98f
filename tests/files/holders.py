"""A process in the middle of a block that holds something, until it is told to go on, or killed."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HOLDER = """
import sys
from {module} import {name}

with {name}(sys.argv[1]) as held:
    if held is not None:
        held.write_text("of the other process")
    print(flush=True)
    sys.stdin.readline()
"""


@contextmanager
def other_process(module: str, name: str, path: Path) -> Iterator[subprocess.Popen]:
    """One inside `name(path)` of `module`; it ends with a line on its stdin, and is killed at the end."""
    command = [sys.executable, "-c", HOLDER.format(module=module, name=name), str(path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=Path(__file__).parents[2], **pipes) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"\n"
        yield holder
        holder.kill()
