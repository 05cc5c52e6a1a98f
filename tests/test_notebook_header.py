"""The generated part of a notebook: badges and set-up cell."""

import shutil
import sys
from importlib.metadata import version
from pathlib import Path

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from notebook_header import TAG, main


@pytest.fixture
def house(root: Path, tmp_path: Path) -> Path:
    """A repository with one notebook, written by hand, and a README that shows its badges."""
    shutil.copy(root / "pyproject.toml", tmp_path)
    cells = [
        new_markdown_cell("# Training\n\nIn this notebook you will train.", id="title"),
        new_markdown_cell("Now.", id="now"),
        new_code_cell("1 + 1", id="sum", execution_count=1, outputs=[new_output("stream", text="2")]),
    ]
    (tmp_path / "notebooks").mkdir()
    nbformat.write(new_notebook(cells=cells), tmp_path / "notebooks" / "03_training.ipynb")
    (tmp_path / "README.md").write_text("| <!-- badges 03_training --><!-- /badges --> |\nrest\n")
    return tmp_path


def book(house: Path) -> NotebookNode:
    return nbformat.read(house / "notebooks" / "03_training.ipynb", as_version=4)


def test_header_is_written_once_and_stays(house: Path) -> None:
    assert main(["--check", "--root", str(house)]) == 1
    assert main(["--root", str(house)]) == 0
    written = {path: path.read_bytes() for path in house.rglob("*.*") if path.is_file()}
    assert main(["--check", "--root", str(house)]) == 0
    assert main(["--root", str(house)]) == 0
    assert written == {path: path.read_bytes() for path in written}


def test_header_stands_where_a_reader_looks(house: Path) -> None:
    main(["--root", str(house)])
    cells = book(house).cells
    assert [cell.id for cell in cells] == ["title", "now", TAG, "sum"]
    title, badges, rest = (
        part.strip() for part in cells[0].source.split("\n", 2)[0:1] + cells[0].source.split("\n\n", 2)[1:]
    )
    assert title == "# Training"
    assert "/blob/main/notebooks/03_training.ipynb" in badges
    assert "urlpath=lab/tree/notebooks/03_training.ipynb" in badges
    assert rest == "In this notebook you will train."
    assert cells[3].outputs[0].text == "2"


def test_readme_badges_are_those_of_the_notebook(house: Path) -> None:
    main(["--root", str(house)])
    line, rest = (house / "README.md").read_text().split("\n", 1)
    assert line.startswith("| <!-- badges 03_training -->[![Open in Colab]")
    assert line.endswith("03_training.ipynb)<!-- /badges --> |")
    assert rest == "rest\n"


@pytest.mark.parametrize("spoilt", ["set-up", "badges", "readme", "slug"])
def test_what_is_out_of_date_is_noticed(house: Path, spoilt: str) -> None:
    main(["--root", str(house)])
    changed = book(house)
    if spoilt == "set-up":
        changed.cells[2].source += "\nprint('typed')"
    if spoilt == "badges":
        changed.cells[0].source = changed.cells[0].source.replace("03_training", "02_features")
    nbformat.write(changed, house / "notebooks" / "03_training.ipynb")
    file = house / ("README.md" if spoilt == "readme" else "pyproject.toml")
    if spoilt in ("readme", "slug"):
        old, new = (
            ("03_training.ipynb", "x.ipynb") if spoilt == "readme" else ("OWNER/neurokit", "lab/neurokit")
        )
        file.write_text(file.read_text().replace(old, new))
    assert main(["--check", "--root", str(house)]) == 1


def test_setup_cell_installs_a_copy_on_colab_only(house: Path) -> None:
    main(["--root", str(house)])
    source = book(house).cells[2].source
    assert 'if "google.colab" in sys.modules:' in source
    assert "git+https://github.com/OWNER/neurokit@main" in source
    assert "-e " not in source
    assert "--upgrade" not in source


def test_setup_cell_names_the_torch_that_is_there(house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On Colab the installed torch is part of the request; elsewhere nothing is installed."""
    main(["--root", str(house)])
    source = book(house).cells[2].source.split("\nfrom neurokit.notebook")[0]
    asked: list[str] = []
    shell = InteractiveShell()
    shell.register_magic_function(asked.append, magic_name="pip")
    shell.run_cell(source).raise_error()
    assert asked == []
    monkeypatch.setitem(sys.modules, "google.colab", object())
    shell.run_cell(source).raise_error()
    assert len(asked) == 1
    assert f'"torch=={version("torch")}"' in asked[0]
