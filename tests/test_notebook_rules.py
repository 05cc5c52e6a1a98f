"""The notebooks follow the rules, and the rules notice a notebook that does not."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from notebook_header import TAG
from notebook_header import main as write_headers
from notebook_rules import CHECK, common_faults, faults

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
NUMBERED = sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))
SOLUTIONS = sorted((NOTEBOOKS / "solutions").glob("*.ipynb"))


@pytest.mark.parametrize("path", NUMBERED, ids=lambda path: path.stem)
def test_notebook_keeps_the_rules(path: Path) -> None:
    assert faults(path) == []


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_solution_was_run(path: Path) -> None:
    assert common_faults(path, nbformat.read(path, as_version=4)) == []


def test_headers_and_readme_badges_are_generated(root: Path) -> None:
    assert write_headers(["--check", "--root", str(root)]) == 0


def end_of(seconds: list[float]) -> float:
    """When two workers are done that take one work after another, in this order."""
    workers = [0.0, 0.0]
    for each in seconds:
        workers = [min(workers) + each, max(workers)]
    return max(workers)


def test_no_notebook_that_takes_long_ends_late(root: Path) -> None:
    """tools/test.sh and tools/run_notebooks.py start the last first: within 5 % of an even share."""
    assert end_of([1, 1, 2]) == 3 and end_of([2, 1, 1]) == 2
    for file in (root / "benchmarks" / "results").glob("speed_notebooks-*.json"):
        *rows, _ = json.loads(file.read_text())["rows"]
        seconds = [row["seconds"] for row in sorted(rows, key=lambda row: row["work"], reverse=True)]
        assert end_of(seconds) <= 1.05 * max(sum(seconds) / 2, *seconds)


# --- A notebook without fault, and what is noticed when it gets one ---


def good() -> NotebookNode:
    cells = [new_markdown_cell("# A title", id="title")]
    for count in range(1, 7):
        printed = new_output("stream", name="stdout", text=f"{count * 2}\n")
        cells.append(new_markdown_cell(f"Step {count}.", id=f"text-{count}"))
        code = new_code_cell(
            f"print({count} * 2)", id=f"code-{count}", execution_count=count, outputs=[printed]
        )
        code.metadata["tags"] = [CHECK]
        cells.append(code)
    return new_notebook(cells=cells)


def strip(book: NotebookNode) -> None:
    for cell in book.cells[2::2]:
        cell.outputs, cell.execution_count = [], None


def unmark(book: NotebookNode) -> None:
    for cell in book.cells[2:6:2]:
        cell.metadata["tags"] = []


def mark_by_comment(book: NotebookNode) -> None:
    book.cells[2].source = "# NBVAL_CHECK_OUTPUT\n" + book.cells[2].source


def show_only_a_picture(book: NotebookNode) -> None:
    book.cells[2].outputs = [new_output("display_data", {"image/png": "AAAA", "text/plain": "<Figure>"})]


def fail(book: NotebookNode) -> None:
    book.cells[2].outputs.append(new_output("error", ename="ValueError", evalue="", traceback=[]))


def print_a_path(book: NotebookNode) -> None:
    book.cells[2].outputs[0].text = "saved to /" + "home/somebody/model"


def run_out_of_order(book: NotebookNode) -> None:
    book.cells[2].execution_count = 7


def say_little(book: NotebookNode) -> None:
    del book.cells[1], book.cells[2]


def swell(book: NotebookNode) -> None:
    book.cells[0].source += "long " * 150_000


def import_much(book: NotebookNode) -> None:
    book.cells[2].source += "\n" + "\n".join(f"import package_{number}" for number in range(11))


def import_at_length(book: NotebookNode) -> None:
    book.cells[2].source += f"\nfrom package import {'a' * 100}"


def write(book: NotebookNode, folder: Path) -> Path:
    path = folder / "01_crafted.ipynb"
    nbformat.write(book, path)
    return path


def test_the_crafted_notebook_is_without_fault(tmp_path: Path) -> None:
    assert faults(write(good(), tmp_path)) == []


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (strip, "no outputs"),
        (strip, "check without text output"),
        (unmark, "4 cells with the tag nbval-check-output"),
        (mark_by_comment, "a mark for nbval in the source"),
        (show_only_a_picture, "check without text output"),
        (fail, "error in"),
        (print_a_path, "absolute path"),
        (run_out_of_order, "execution counts are [7, 2"),
        (say_little, "5 text cells, 6 code cells"),
        (swell, "bytes, at most 700000"),
        (import_much, "11 imports in the first cell, at most 10"),
        (import_at_length, "an import of 120 characters"),
    ],
)
def test_a_spoilt_notebook_is_noticed(
    spoil: Callable[[NotebookNode], None], says: str, tmp_path: Path
) -> None:
    book = good()
    spoil(book)
    assert any(says in sentence for sentence in faults(write(book, tmp_path)))


# --- nbval, with the options of tools/test.sh ---


def nbval(path: Path, root: Path) -> subprocess.CompletedProcess[str]:
    sanitize = f"--nbval-sanitize-with={root / 'tools' / 'nbval_sanitize.cfg'}"
    options = ["--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout=1800"]
    options += ["--nbval-kernel-startup-timeout=600", sanitize]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--color=no",
        "-p",
        "no:cacheprovider",
        *options,
        path.name,
    ]
    environment = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"} | {"CI": "true"}
    return subprocess.run(
        command, cwd=path.parent, env=environment, capture_output=True, text=True, timeout=3600
    )


@pytest.mark.slow
def test_nbval_passes_the_good_and_fails_a_changed_number(tmp_path: Path) -> None:
    """And it passes a notebook without outputs, which is why the rules above ask for them."""
    root = NOTEBOOKS.parent
    book = good()
    assert nbval(write(book, tmp_path), root).returncode == 0
    book.cells[4].source = book.cells[4].source.replace("2 * 2", "2 * 2.001")
    run = nbval(write(book, tmp_path), root)
    assert run.returncode == 1
    assert "1 failed, 5 passed" in run.stdout
    strip(book)
    assert nbval(write(book, tmp_path), root).returncode == 0


UNTRAINED = """\
import neurokit.training.fit

neurokit.training.fit._train_epoch = lambda model, loss, data, state, settings: 0.0"""


@pytest.mark.slow
def test_untrained_weights_fail_under_nbval(root: Path, tmp_path: Path) -> None:
    """The checks of notebook 03 hold what was learned, not only that cells run."""
    found = sorted(NOTEBOOKS.glob("03_*.ipynb"))
    if not found:
        pytest.skip("notebook 03 (training) is not written yet")
    book = nbformat.read(found[0], as_version=4)
    setup = next(index for index, cell in enumerate(book.cells) if TAG in cell.metadata.get("tags", []))
    book.cells.insert(setup + 1, new_code_cell(UNTRAINED, id="untrained"))
    run = nbval(write(book, tmp_path), root)
    assert run.returncode == 1, run.stdout
    assert "Cell outputs differ" in run.stdout
    assert "Cell execution caused an exception" not in run.stdout
