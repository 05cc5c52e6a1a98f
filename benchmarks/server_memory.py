"""What JupyterLab's own server takes; the kernel of a lesson has to fit beside it in Binder's 2 GB.

    python benchmarks/server_memory.py

The server starts with a token of its own, gives out its page and every numbered notebook, and lists kernels;
the figure is the most that it and its processes take meanwhile. No kernel is started: what those take
stands in the results of speed_notebooks.py.
"""

import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
import urllib.request
from importlib.metadata import version
from pathlib import Path
from typing import Any

from paired import machine, options
from record import save

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from peak_memory import PeakMemory  # noqa: E402
from run_notebooks import numbered  # noqa: E402

BINDER = 2048  # MB, the most that a reader gets there


def main(arguments: list[str] | None = None, folder: Path = ROOT / "notebooks") -> list[dict[str, Any]]:
    """Peak memory of the server, MB."""
    asked = options(__doc__, arguments)
    with tempfile.TemporaryDirectory() as made, PeakMemory() as memory:
        serve(folder, Path(made), numbered(folder)[: 1 if asked.quick else None])
    rows = [{"work": "JupyterLab's server", "peak_mb": round(memory.peak)}]
    print(f"JupyterLab {version('jupyterlab')}: {memory.peak:.0f} MB of Binder's {BINDER}")
    if not asked.quick:
        save(f"server_memory-{machine()}", rows, jupyterlab=version("jupyterlab"))
    return rows


def serve(folder: Path, home: Path, notebooks: list[Path]) -> None:
    """Starts a server on a free port of this machine, asks it for everything once, and ends it."""
    token = secrets.token_hex(16)
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--ip=127.0.0.1", "--port=0"]
    environment = os.environ | {"JUPYTER_TOKEN": token, "JUPYTER_RUNTIME_DIR": str(home), "HOME": str(home)}
    with (home / "log").open("w") as log:
        server = subprocess.Popen(
            [*command, "--allow-root", f"--notebook-dir={folder}"], env=environment, stdout=log, stderr=log
        )
    try:
        address = wait_for_address(home, server)
        for path in ("lab", "api/kernels", *(f"api/contents/{each.name}" for each in notebooks)):
            answer(f"{address}{path}?token={token}")
        time.sleep(1)  # a sample of the memory after the last answer
    finally:
        server.terminate()
        server.wait(60)


def wait_for_address(home: Path, server: subprocess.Popen[bytes], seconds: float = 120) -> str:
    """The address in the file that a server writes of itself, once it answers."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        for file in home.glob("jpserver-*.json"):
            address = json.loads(file.read_text() or "{}").get("url", "")
            try:
                answer(f"{address}api")
                return address
            except (OSError, ValueError):
                pass
        time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not start: {(home / 'log').read_text()}")


def answer(address: str) -> bytes:
    """The body of the server's answer; any proxy of the environment is passed by."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(address, timeout=60) as body:
        return body.read()


if __name__ == "__main__":
    main()
