"""Writes the solutions of a lesson from the lesson itself: one source, so that they cannot part.

    python tools/solutions.py            writes notebooks/solutions/NN_solutions.ipynb
    python tools/solutions.py --check    writes nothing, exits with 1 if one is out of date

An exercise is a code cell with `...` and the tag `exercise`. Its metadata hold the `solution`, which takes
its place in the solutions. A text cell with the tag `exercise-text` is copied before it, a code cell with the
tag `needed` as it stands. Lessons without such cells keep the solutions that they have. Outputs are made by
`tools/run_notebooks.py --in-place`.
"""

import argparse
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from notebook_header import TAG

ROOT = Path(__file__).resolve().parent.parent
EXERCISE, TEXT, NEEDED = "exercise", "exercise-text", "needed"


def main(arguments: list[str] | None = None) -> int:
    """Writes or checks the solutions of all lessons; 1 if a check found one out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    parser.add_argument("--root", type=Path, default=ROOT, help="the project's folder")
    options = parser.parse_args(arguments)
    late = []
    for lesson in sorted((options.root / "notebooks").glob("[0-9]*.ipynb")):
        book = nbformat.read(lesson, as_version=4)
        if not any(has(cell, EXERCISE) for cell in book.cells):
            continue
        path = lesson.parent / "solutions" / f"{lesson.name[:2]}_solutions.ipynb"
        made = solutions(book, lesson.name[:2])
        if not same(made, path):
            late.append(path.name)
            if not options.check:
                run = keep_outputs(made, path)
                nbformat.write(made, path)
                print(f"wrote {path.name}{'' if run else ': run it with tools/run_notebooks.py --in-place'}")
    if options.check and late:
        print(f"out of date, run tools/solutions.py: {', '.join(late)}")
    return int(options.check and bool(late))


def solutions(lesson: NotebookNode, number: str) -> NotebookNode:
    """The notebook of a lesson's solutions, not yet run."""
    cells = [new_markdown_cell(f"# {number} · Solutions", id="title")]
    for cell in lesson.cells:
        if has(cell, TEXT):
            cells.append(new_markdown_cell(cell.source, id=cell.id))
        elif has(cell, EXERCISE):
            cells.append(code(cell.metadata["solution"], cell.id, cell.metadata["tags"]))
        elif has(cell, NEEDED) or has(cell, TAG):
            cells.append(code(cell.source, cell.id, cell.metadata["tags"]))
    return new_notebook(
        cells=cells,
        metadata={
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
    )


def code(source: str, name: str, tags: list[str]) -> NotebookNode:
    """A code cell that has not been run."""
    return new_code_cell(source, id=name, metadata={"tags": tags})


def keep_outputs(made: NotebookNode, path: Path) -> bool:
    """Gives the new notebook the outputs of the one that is there, if its code is the same to the letter."""
    there = nbformat.read(path, as_version=4).cells if path.is_file() else []
    before, after = ([cell for cell in cells if cell.cell_type == "code"] for cells in (there, made.cells))
    if [cell.source for cell in before] != [cell.source for cell in after]:
        return False
    for old, new in zip(before, after, strict=True):
        new.outputs, new.execution_count, new.metadata = old.outputs, old.execution_count, old.metadata
    return True


def same(made: NotebookNode, path: Path) -> bool:
    """Whether the file holds these cells, whatever its outputs are."""
    if not path.is_file():
        return False
    there = nbformat.read(path, as_version=4)
    return [(cell.cell_type, cell.source) for cell in there.cells] == [
        (cell.cell_type, cell.source) for cell in made.cells
    ]


def has(cell: NotebookNode, tag: str) -> bool:
    """Whether a cell has a tag."""
    return tag in cell.metadata.get("tags", [])


if __name__ == "__main__":
    sys.exit(main())
