"""Solutions are those of their lessons, all are right, and an exercise that is not done stops nothing."""

from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from neurokit.exercises import exercises
from neurokit.exercises.checking import LESSONS
from solutions import EXERCISE, TEXT, has, main, solutions

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"


def lesson(number: str) -> NotebookNode:
    (path,) = NOTEBOOKS.glob(f"{number}_*.ipynb")
    return nbformat.read(path, as_version=4)


def printed(book: NotebookNode) -> list[str]:
    """What each exercise's cell of a notebook printed."""
    cells = [cell for cell in book.cells if has(cell, EXERCISE)]
    return ["".join(out.text for out in cell.outputs if out.output_type == "stream") for cell in cells]


def test_solutions_are_made_from_their_lessons(root: Path) -> None:
    assert main(["--check", "--root", str(root)]) == 0


@pytest.mark.parametrize("number", LESSONS)
def test_an_untouched_exercise_prints_one_line_and_its_solution_is_right(number: str) -> None:
    names = list(exercises(number))
    left = printed(lesson(number))
    assert sorted(left) == sorted(
        f"{name} is still open: put your answer in the place of `...`.\n" for name in names
    )
    done = nbformat.read(NOTEBOOKS / "solutions" / f"{number}_solutions.ipynb", as_version=4)
    assert sorted(printed(done)) == sorted(f"Right. {exercises(number)[name].praise}\n" for name in names)


@pytest.mark.parametrize("number", LESSONS)
def test_a_lesson_has_three_to_five_exercises_of_which_two_ask_for_a_prediction(number: str) -> None:
    book = lesson(number)
    exercise_cells = [cell for cell in book.cells if has(cell, EXERCISE)]
    assert 3 <= len(exercise_cells) <= 5
    assert all("..." in cell.source and "check(" in cell.source for cell in exercise_cells)
    texts = [cell.source for cell in book.cells if has(cell, TEXT)]
    assert len(texts) == len(exercise_cells)
    assert sum("Predict first" in text for text in texts) == 2
    assert all("★" in text and " min" in text for text in texts)


def crafted(folder: Path) -> Path:
    """A lesson with one exercise, and its solutions."""
    (folder / "notebooks" / "solutions").mkdir(parents=True)
    exercise = new_code_cell("x = ...", id="one", metadata={"tags": [EXERCISE], "solution": "x = 1"})
    book = new_notebook(cells=[new_markdown_cell("Set x.", id="text", metadata={"tags": [TEXT]}), exercise])
    path = folder / "notebooks" / "01_crafted.ipynb"
    nbformat.write(book, path)
    assert main(["--root", str(folder)]) == 0
    return path


def test_the_solution_takes_the_place_of_the_blank(tmp_path: Path) -> None:
    made = solutions(nbformat.read(crafted(tmp_path), as_version=4), "01")
    assert [cell.source for cell in made.cells] == ["# 01 · Solutions", "Set x.", "x = 1"]
    assert main(["--check", "--root", str(tmp_path)]) == 0


def test_another_solution_in_the_lesson_is_noticed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = crafted(tmp_path)
    book = nbformat.read(path, as_version=4)
    book.cells[1].metadata["solution"] = "x = 2"
    nbformat.write(book, path)
    assert main(["--check", "--root", str(tmp_path)]) == 1
    assert "01_solutions.ipynb" in capsys.readouterr().out


@pytest.mark.parametrize(("place", "new", "kept"), [(0, "Set x, please.", True), (1, "x = 2", False)])
def test_outputs_stay_where_only_words_changed(tmp_path: Path, place: int, new: str, kept: bool) -> None:
    path = crafted(tmp_path)
    done = path.parent / "solutions" / "01_solutions.ipynb"
    run = nbformat.read(done, as_version=4)
    run.cells[2].outputs, run.cells[2].execution_count = [new_output("stream", text="1")], 1
    nbformat.write(run, done)
    book = nbformat.read(path, as_version=4)
    if kept:
        book.cells[place].source = new
    else:
        book.cells[place].metadata["solution"] = new
    nbformat.write(book, path)
    assert main(["--root", str(tmp_path)]) == 0
    written = nbformat.read(done, as_version=4)
    assert bool(written.cells[2].outputs) == kept
    assert new in written.cells[1 + place].source
