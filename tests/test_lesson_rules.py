"""Lessons keep their shape, and each rule notices a lesson that breaks it."""

import re
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from lesson_rules import (
    close_faults,
    folded_faults,
    lesson_faults,
    opening_faults,
    picture_faults,
    size_faults,
)

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
LATER = ()
LESSONS = [path for path in sorted(NOTEBOOKS.glob("[0-9]*.ipynb")) if path.name[:2] not in LATER]
MODEL = NOTEBOOKS / "04_tpe_tuning.ipynb"  # the lesson that is spoilt below


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_keeps_the_rules(path: Path) -> None:
    assert lesson_faults(path) == []


def swap(old: str, new: str, cell: int = 0) -> Callable[[NotebookNode], None]:
    """A change of one text cell; the words must be there."""

    def change(book: NotebookNode) -> None:
        assert old in book.cells[cell].source
        book.cells[cell].source = book.cells[cell].source.replace(old, new)

    return change


def lengthen(book: NotebookNode) -> None:
    book.cells += [book.cells[3]] * 10


def swell(book: NotebookNode) -> None:
    for cell in book.cells:
        if cell.cell_type == "code":
            cell.source += "\n" * 15 + "x"


def print_true(book: NotebookNode) -> None:
    printing = [cell for cell in book.cells if cell.cell_type == "code" and "print(" in cell.source]
    printing[0].outputs[0].text = "True\n"


def end_in_a_value(book: NotebookNode) -> None:
    printing = [cell for cell in book.cells if "nbval-check-output" in cell.metadata.get("tags", [])]
    printing[0].source += "\naxis.legend();"


def drop_words(book: NotebookNode) -> None:
    for cell in book.cells:
        for out in cell.get("outputs", []):
            out.get("metadata", {}).pop("image/png", None)


def drop_box(book: NotebookNode) -> None:
    book.cells = [cell for cell in book.cells if not cell.source.startswith("> **When not to ")]


@pytest.mark.parametrize(
    ("rule", "spoil", "says"),
    [
        (size_faults, lengthen, "cells, at most 60"),
        (size_faults, swell, "half of the code cells have over 6 lines"),
        (size_faults, swell, "a cell of"),
        (size_faults, print_true, "a cell prints nothing but True"),
        (size_faults, end_in_a_value, "a checked cell ends in a value"),
        (opening_faults, swap("![One", "[One"), "a picture with words"),
        (opening_faults, swap("**How does", "How does"), "its question in bold"),
        (opening_faults, swap("**What you need:**", "Needed:"), "what you need"),
        (opening_faults, swap("about 50 minutes", "an hour"), "minutes of reading"),
        (opening_faults, swap("<!-- minutes -->", ""), "minutes of the machine"),
        (opening_faults, swap("\n- ", "\n* "), "what you will do"),
        (opening_faults, swap(" · minute 3", "", 3), "a section without minutes"),
        (opening_faults, swap(" · minute 3", " · minute 55", 3), "minutes of sections do not add up"),
        (close_faults, swap("\n5. ", "\n", -1), "five lines"),
        (close_faults, swap("**Card**", "", -1), "a card"),
        (close_faults, swap("**Quiz**\n\n<details>", "**Quiz**\n\n<p>", -1), "three folded questions"),
        (close_faults, swap("](https://", "](", -1), "0 links to sources"),
        (close_faults, drop_box, "0 boxes that begin with"),
        (picture_faults, drop_words, "a picture without a sentence"),
        (
            picture_faults,
            swap("![One step of TPE: ", "![TPE](x.png)\n![One step of TPE: "),
            "a picture with few words",
        ),
        (folded_faults, swap("</summary>\n\n", "</summary>", -1), "folded text whose marks are not read"),
        (folded_faults, swap("<summary>", "<summary>`x` ", -1), "folded text whose marks are not read: '`x`"),
    ],
)
def test_a_spoilt_lesson_is_noticed(
    rule: Callable[[NotebookNode], list[str]], spoil: Callable[[NotebookNode], None], says: str
) -> None:
    book = nbformat.read(MODEL, as_version=4)
    assert rule(book) == []
    spoil(book)
    assert any(says in fault for fault in rule(book))


# --- Names of lessons ---

LESSON_NAME = re.compile(r"\b(?:0\d|10)_(?!solutions)[a-z][a-z0-9_]+")
TOLD = ("README.md", "book/**/*.md", "notebooks/**/*.ipynb", "neurokit/**/*.py", "neurokit/**/*.md")


def unknown_lessons(root: Path) -> dict[str, set[str]]:
    """Names of lessons that no file has, by the page or module that gives them."""
    there = {path.stem for path in NOTEBOOKS.glob("*.ipynb")}
    found = {
        str(path.relative_to(root)): set(LESSON_NAME.findall(path.read_text(encoding="utf-8"))) - there
        for pattern in TOLD
        for path in root.glob(pattern)
    }
    return {path: names for path, names in found.items() if names}


def test_no_lesson_is_called_by_an_old_name(root: Path) -> None:
    assert unknown_lessons(root) == {}


def test_an_old_name_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "book" / "engineering").mkdir(parents=True)
    (tmp_path / "README.md").write_text(
        "[a](notebooks/06_v1_transformer.ipynb), `04_tpe_tuning`, 04_solutions"
    )
    (tmp_path / "book" / "engineering" / "page.md").write_text("as in 08_foundation_digital_twin")
    assert unknown_lessons(tmp_path) == {
        "README.md": {"06_v1_transformer"},
        "book/engineering/page.md": {"08_foundation_digital_twin"},
    }
