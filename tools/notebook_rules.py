"""What every committed notebook must hold, as sentences about what it does not."""

import re
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from notebook_header import TAG

CHECK = "nbval-check-output"  # the tag of a cell whose stored output nbval compares
COMMENT = re.compile(r"(?m)^#\s*NBVAL_\w+")
ABSOLUTE = re.compile(
    r"(?:^|[^A-Za-z0-9_./])(?:/(?:home|root|tmp|opt|mnt|Users|srv|work)/[A-Za-z]|[A-Z]:\\Users)", re.M
)
IMPORT = re.compile(r"(?m)^(?:from|import) .*$")
MOST_IMPORTS, LONGEST_IMPORT = 10, 100  # lines of the first cell, characters of each
LEAST_CHECKS = 5
LARGEST = 700_000  # bytes


def faults(path: Path) -> list[str]:
    """All that is wrong with a numbered notebook."""
    book = nbformat.read(path, as_version=4)
    found = common_faults(path, book)
    checks = [cell for cell in code_cells(book) if CHECK in cell.metadata.get("tags", [])]
    if len(checks) < LEAST_CHECKS:
        found.append(f"{len(checks)} cells with the tag {CHECK}, at least {LEAST_CHECKS} are needed")
    found += [f"check without text output: {cell.source!r}" for cell in checks if not text_outputs(cell)]
    texts, codes = sum(cell.cell_type == "markdown" for cell in book.cells), len(own_cells(book))
    if texts <= codes:
        found.append(f"{texts} text cells, {codes} code cells: text should outnumber code")
    return found + import_faults(book)


def own_cells(book: NotebookNode) -> list[NotebookNode]:
    """Code cells without the set-up, which is generated and the same in all lessons."""
    return [cell for cell in code_cells(book) if TAG not in cell.metadata.get("tags", [])]


def import_faults(book: NotebookNode) -> list[str]:
    """Too many imports, or too long ones, in the first cell that is not generated."""
    own = own_cells(book)
    lines = IMPORT.findall(own[0].source) if own else []
    found = [f"an import of {len(line)} characters: {line}" for line in lines if len(line) > LONGEST_IMPORT]
    if len(lines) > MOST_IMPORTS:
        found.append(f"{len(lines)} imports in the first cell, at most {MOST_IMPORTS}")
    return found


def common_faults(path: Path, book: NotebookNode) -> list[str]:
    """What solutions must not show either: not run, an error, a path of one machine, too many
    bytes.
    """
    cells = code_cells(book)
    found = []
    if not any(cell.outputs for cell in cells):
        found.append("no outputs")
    counts = [cell.execution_count for cell in cells]
    if counts != list(range(1, len(cells) + 1)):
        found.append(f"execution counts are {counts}: run it once from a fresh kernel")
    found += [
        f"error in {cell.source!r}"
        for cell in cells
        if any(out.output_type == "error" for out in cell.outputs)
    ]
    found += [
        f"a mark for nbval in the source: {cell.source!r}" for cell in cells if COMMENT.search(cell.source)
    ]
    shown = [cell.source for cell in book.cells] + [text for cell in cells for text in text_outputs(cell)]
    found += [f"absolute path: {hit.group()!r}" for text in shown for hit in ABSOLUTE.finditer(text)]
    if path.stat().st_size > LARGEST:
        found.append(f"{path.stat().st_size} bytes, at most {LARGEST}")
    return found


def code_cells(book: NotebookNode) -> list[NotebookNode]:
    """The code cells that are not empty (Jupyter does not count an empty one)."""
    return [cell for cell in book.cells if cell.cell_type == "code" and cell.source.strip()]


def text_outputs(cell: NotebookNode) -> list[str]:
    """What the cell printed or returned as text; a picture has none that nbval compares."""
    pictures = ("image/png", "image/jpeg")
    data = [
        out.data for out in cell.outputs if "data" in out and not any(kind in out.data for kind in pictures)
    ]
    streams = [out.text for out in cell.outputs if out.output_type == "stream" and out.name == "stdout"]
    return streams + [str(text) for one in data for kind, text in one.items() if kind.startswith("text/")]
