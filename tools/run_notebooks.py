"""Runs the numbered notebooks, each in a fresh kernel, and keeps what they show.

By default nothing under notebooks/ changes: executed copies go to build/notebooks, pages to
build/html, pictures to build/figures/<notebook>. `--in-place` stores the outputs in the notebooks
themselves (and in their solutions): that is how the committed outputs, nbval's reference, are made.

Two run side by side, each kernel computing on one thread; with `--in-place` one after another, since
solutions take up what their notebook has left. Exits with 1 if a notebook failed; the others run all
the same.
"""

import argparse
import base64
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbconvert import HTMLExporter

from peak_memory import PeakMemory
from pictures import shrink_pictures, tell_pictures, told_page

ROOT = Path(__file__).resolve().parent.parent
MEMORY_LIMIT = 2000  # MB; Binder restarts a kernel that takes more than 2 GB
FAILURES = (CellExecutionError, CellTimeoutError, DeadKernelError)


@dataclass(frozen=True)
class Run:
    """One notebook's run: wall time in s, peak memory of kernel and its children in MB, and how it
    failed.
    """

    notebook: Path
    seconds: float
    peak: float
    failure: str = ""


class Reporter:
    """Says where a notebook stands: one line rewritten in a terminal, a line a cell elsewhere."""

    def __init__(self, notebook: Path, cells: int, memory: PeakMemory) -> None:
        self.notebook, self.cells, self.memory = notebook, cells, memory
        self.start = time.perf_counter()

    def seconds(self) -> float:
        """Seconds since the notebook started."""
        return time.perf_counter() - self.start

    def cell_starts(self, cell: Any, cell_index: int) -> None:
        """Called by nbclient before each cell."""
        if cell.cell_type != "code":
            return
        place = f"cell {cell_index + 1}/{self.cells}"
        line = f"{self.notebook.stem}  {place}  {self.seconds():.0f} s  {self.memory.peak:.0f} MB"
        if sys.stdout.isatty():
            print(f"\r\033[K{line}", end="", flush=True)
        else:
            print(line, flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Runs what the command line names, prints the closing table; 1 if any notebook failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: every numbered notebook")
    parser.add_argument("--in-place", action="store_true", help="store outputs in the notebooks themselves")
    parser.add_argument("--build", type=Path, default=ROOT / "build", help="folder for what is made")
    parser.add_argument("--timeout", type=int, default=600, help="seconds a cell may take")
    parser.add_argument("--workers", type=int, default=2, help="notebooks at a time (2; 1 with --in-place)")
    options = parser.parse_args(arguments)
    build = options.build.absolute()
    set_environment(build, quiet=options.in_place)
    notebooks = options.notebooks or numbered(ROOT / "notebooks", solutions=options.in_place)
    one = partial(run, build=build, in_place=options.in_place, timeout=options.timeout)
    runs = run_all(notebooks, one, workers=1 if options.in_place else options.workers)
    print(table(runs))
    return int(any(a_run.failure for a_run in runs))


def numbered(folder: Path, solutions: bool = False) -> list[Path]:
    """The numbered notebooks of `folder` in order, and those of its solutions if asked for."""
    found = sorted(folder.glob("[0-9]*.ipynb"))
    return found + sorted((folder / "solutions").glob("*.ipynb")) if solutions else found


def set_environment(build: Path, quiet: bool) -> None:
    """What the kernels inherit. Bars stay out of committed outputs; the kernel is that of this
    Python.
    """
    os.environ.setdefault("NEUROKIT_SOURCE", "demo")
    os.environ.setdefault("NEUROKIT_BUILD", str(build))
    os.environ["NEUROKIT_PAGES"] = "1"  # a slider in a page shows nothing
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
    if quiet:
        os.environ["NEUROKIT_QUIET"] = "1"


def run_all(notebooks: list[Path], one: Callable[[Path], Run], workers: int) -> list[Run]:
    """Their runs, in order; each in a process of its own, so that its memory is counted alone.

    The last start first: they take longest.
    """
    if min(workers, len(notebooks)) < 2:
        return [one(notebook) for notebook in notebooks]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return list(pool.map(one, reversed(notebooks)))[::-1]


def run(notebook: Path, build: Path, in_place: bool, timeout: int) -> Run:
    """Runs one notebook in its own folder and writes what it shows, as far as it came."""
    book = nbformat.read(notebook, as_version=4)
    here = {"metadata": {"path": str(notebook.parent)}}
    client = NotebookClient(book, timeout=timeout, kernel_name="python3", record_timing=False, resources=here)
    failure = ""
    with PeakMemory() as memory:
        reporter = Reporter(notebook, len(book.cells), memory)
        client.on_cell_start = reporter.cell_starts
        try:
            client.execute()
        except FAILURES as error:
            failure = explain(book, error)
    if sys.stdout.isatty():
        print("\r\033[K", end="")
    print(f"{notebook.stem}: {'FAILED' if failure else 'done'} after {reporter.seconds():.0f} s", flush=True)
    if failure:
        print(failure, flush=True)
    tell_pictures(book)
    if not in_place:
        write_copies(book, notebook.stem, build)
    elif not failure:
        write_in_place(book, notebook)
    return Run(notebook, reporter.seconds(), memory.peak, failure)


def explain(book: nbformat.NotebookNode, error: Exception) -> str:
    """The failing cell's source and its error; of a time-out or a dead kernel, the last cell that
    ran.
    """
    if isinstance(error, CellExecutionError):
        return str(error)
    run_cells = [cell for cell in book.cells if cell.cell_type == "code" and cell.execution_count]
    source = run_cells[-1].source if run_cells else "(the first cell)"
    return f"{source}\n------------------\n{type(error).__name__}: {error}"


def write_copies(book: nbformat.NotebookNode, name: str, build: Path) -> None:
    """The executed notebook, its page and its pictures under `build`."""
    for folder in ("notebooks", "html"):
        (build / folder).mkdir(parents=True, exist_ok=True)
    nbformat.write(book, build / "notebooks" / f"{name}.ipynb")
    page, _ = HTMLExporter().from_notebook_node(book, {"metadata": {"name": name}})
    (build / "html" / f"{name}.html").write_text(told_page(page, book), encoding="utf-8")
    write_pictures(book, build / "figures" / name)


def write_pictures(book: nbformat.NotebookNode, folder: Path) -> None:
    """Every PNG among the outputs, named by its cell and its place there; older ones are
    removed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("cell*.png"):
        old.unlink()
    for index, cell in enumerate(book.cells, start=1):
        shown = [output.get("data", {}) for output in cell.get("outputs", [])]
        for place, data in enumerate((data for data in shown if "image/png" in data), start=1):
            picture = data["image/png"]
            (folder / f"cell{index:03d}-{place}.png").write_bytes(base64.b64decode(picture))


def write_in_place(book: nbformat.NotebookNode, notebook: Path) -> None:
    """The notebook with its outputs, pictures made small, without what differs between machines."""
    shrink_pictures(book)
    book.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    nbformat.write(book, notebook)


def table(runs: list[Run]) -> str:
    """The closing table: notebook, seconds, peak memory, how it ended."""
    if not runs:
        return "no notebooks yet"
    width = max(len(a_run.notebook.stem) for a_run in runs)
    rows = [f"{'notebook':{width}s}  seconds  peak MB"]
    for a_run in runs:
        over = f"  over {MEMORY_LIMIT} MB, too much for Binder" if a_run.peak > MEMORY_LIMIT else ""
        failed = "  FAILED" if a_run.failure else ""
        rows.append(f"{a_run.notebook.stem:{width}s}  {a_run.seconds:7.0f}  {a_run.peak:7.0f}{failed}{over}")
    return "\n" + "\n".join(rows)


if __name__ == "__main__":
    sys.exit(main())
