"""Result files of the benchmarks: small JSON with command, commit, time and kind of machine."""

import datetime
import importlib.util
import json
import platform
import shlex
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from neurokit import __version__
from neurokit.files.atomic import atomic_write

RESULTS = Path(__file__).parent / "results"


def save(name: str, rows: list[dict[str, Any]], **facts: Any) -> Path:
    """Writes benchmarks/results/<name>.json: `rows` are the figures, `facts` how they were made.

    A figure that is no number becomes null, which JSON knows.
    """
    rows = [{key: _known(value) for key, value in row.items()} for row in rows]
    content = {
        "command": shlex.join(["python", *sys.argv]),
        "commit": code_version(),
        "time": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.system()} {platform.machine()}, {torch.get_num_threads()} torch threads",
        "versions": {
            "neurokit": __version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
            **_others(),
        },
        **facts,
        "rows": rows,
    }
    path = RESULTS / f"{name}.json"
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n")
    print(f"wrote {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path.name}")
    return path


def _known(value: Any) -> Any:
    """None for what is no number, also within a list."""
    if isinstance(value, list):
        return [_known(each) for each in value]
    return None if value != value else value


def _others() -> dict[str, str]:
    """Versions of the libraries that figures depend on, as far as they are installed."""
    names = ("numpy", "captum", "neuralpredictors", "numba", "ray")
    return {name: version(name) for name in names if importlib.util.find_spec(name)}


def load(name: str) -> dict[str, Any]:
    """A result file's content."""
    return json.loads((RESULTS / f"{name}.json").read_text())


def code_version() -> str:
    """The commit that is run; says so where the code has changed since."""
    changed = _git("status", "--porcelain", "neurokit", "benchmarks/*.py")
    return _git("rev-parse", "--short", "HEAD") + (" and later changes" if changed else "")


def _git(*arguments: str) -> str:
    root = Path(__file__).parents[1]
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False, cwd=root)
    return done.stdout.strip()
