"""The generated part of a notebook: badges and set-up cell, with a public address and without."""

import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from notebook_header import TAG, main

ADDRESS = "some-lab/encoding.kit"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository without an address, with one notebook and a README that has a place for its badges."""
    (tmp_path / "neurokit").mkdir()
    (tmp_path / "neurokit" / "__init__.py").write_text('__version__ = "1.2.3"\n')
    set_address(tmp_path, "")
    cells = [
        new_markdown_cell("# Training\n\nIn this notebook you will train.", id="title"),
        new_markdown_cell("Now.", id="now"),
        new_code_cell("1 + 1", id="sum", execution_count=1, outputs=[new_output("stream", text="2")]),
    ]
    (tmp_path / "notebooks").mkdir()
    nbformat.write(new_notebook(cells=cells), tmp_path / "notebooks" / "03_training.ipynb")
    (tmp_path / "README.md").write_text("| <!-- badges 03_training --><!-- /badges --> |\nrest\n")
    return tmp_path


@pytest.fixture
def public(folder: Path) -> Path:
    """The same with an address."""
    set_address(folder, ADDRESS)
    return folder


def set_address(folder: Path, repository: str) -> None:
    (folder / "pyproject.toml").write_text(f'[tool.neurokit]\nrepository = "{repository}"\n')


def book(folder: Path) -> NotebookNode:
    return nbformat.read(folder / "notebooks" / "03_training.ipynb", as_version=4)


def setup_cell(folder: Path) -> str:
    main(["--root", str(folder)])
    return book(folder).cells[2].source


@pytest.mark.parametrize("repository", ["", ADDRESS])
def test_header_is_written_once_and_stays(folder: Path, repository: str) -> None:
    set_address(folder, repository)
    assert main(["--check", "--root", str(folder)]) == 1
    assert main(["--root", str(folder)]) == 0
    written = {path: path.read_bytes() for path in folder.rglob("*.*") if path.is_file()}
    assert main(["--check", "--root", str(folder)]) == 0
    assert main(["--root", str(folder)]) == 0
    assert written == {path: path.read_bytes() for path in written}


def test_header_stands_where_a_reader_looks(public: Path) -> None:
    main(["--root", str(public)])
    cells = book(public).cells
    assert [cell.id for cell in cells] == ["title", "now", TAG, "sum"]
    title, badges, rest = cells[0].source.split("\n\n")
    assert title == "# Training"
    assert "/github/some-lab/encoding.kit/blob/v1.2.3/notebooks/03_training.ipynb" in badges
    assert "/gh/some-lab/encoding.kit/v1.2.3?urlpath=lab/tree/notebooks/03_training.ipynb" in badges
    assert rest == "In this notebook you will train."
    assert cells[3].outputs[0].text == "2"


def test_without_an_address_there_is_no_link(folder: Path) -> None:
    main(["--root", str(folder)])
    title = book(folder).cells[0].source
    assert title == "# Training\n\n<!-- badges --><!-- /badges -->\n\nIn this notebook you will train."
    texts = (setup_cell(folder), title, (folder / "README.md").read_text())
    assert all("://" not in text and "git+" not in text for text in texts)


def test_an_address_taken_out_leaves_no_byte(folder: Path) -> None:
    main(["--root", str(folder)])
    before = {path: path.read_bytes() for path in folder.rglob("*.*") if path.is_file()}
    for repository in (ADDRESS, ""):
        set_address(folder, repository)
        main(["--root", str(folder)])
        now = {path: path.read_bytes() for path in before}
        assert (now == before) == (repository == "")


def test_readme_badges_are_those_of_the_notebook(public: Path) -> None:
    main(["--root", str(public)])
    line, rest = (public / "README.md").read_text().split("\n", 1)
    assert line.startswith(
        "| <!-- badges 03_training --> [![Colab][colab]](https://colab.research.google.com/"
    )
    assert line.endswith("03_training.ipynb)<!-- /badges --> |")
    assert rest == "rest\n"


@pytest.mark.parametrize("spoilt", ["set-up", "badges", "readme", "address", "version"])
def test_what_is_out_of_date_is_noticed(public: Path, spoilt: str) -> None:
    main(["--root", str(public)])
    changed = book(public)
    if spoilt == "set-up":
        changed.cells[2].source += "\nprint('typed')"
    if spoilt == "badges":
        changed.cells[0].source = changed.cells[0].source.replace("03_training", "02_features")
    nbformat.write(changed, public / "notebooks" / "03_training.ipynb")
    if spoilt == "readme":
        readme = public / "README.md"
        readme.write_text(readme.read_text().replace("03_training.ipynb", "x.ipynb"))
    if spoilt == "address":
        set_address(public, "other-lab/encoding.kit")
    if spoilt == "version":
        (public / "neurokit" / "__init__.py").write_text('__version__ = "1.2.4"\n')
    assert main(["--check", "--root", str(public)]) == 1


def test_a_new_setup_cell_leaves_the_outputs_below_it(public: Path) -> None:
    """They say what ran here, which is the same wherever the package comes from."""
    main(["--root", str(public)])
    ran = book(public)
    ran.cells[2].update(outputs=[new_output("stream", text="device cpu")], execution_count=1)
    nbformat.write(ran, public / "notebooks" / "03_training.ipynb")
    set_address(public, "")
    main(["--root", str(public)])
    cell = book(public).cells[2]
    assert cell.outputs[0].text == "device cpu" and cell.execution_count == 1
    assert cell.source != ran.cells[2].source


# --- The set-up cell, run ---


def test_setup_cell_asks_pip_on_colab_alone_and_for_a_tag(
    public: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the torch that is there in the request, so that pip puts no other in its place."""
    source = setup_cell(public).split("\nfrom neurokit.notebook")[0]
    assert "-e " not in source and "--upgrade" not in source
    asked: list[str] = []
    shell = InteractiveShell()
    shell.register_magic_function(asked.append, magic_name="pip")
    shell.run_cell(source).raise_error()
    assert asked == []
    monkeypatch.setitem(sys.modules, "google.colab", object())
    shell.run_cell(source).raise_error()
    assert len(asked) == 1
    assert f'"torch=={version("torch")}"' in asked[0]
    assert asked[0].endswith('"neurokit-encoding @ git+https://github.com/some-lab/encoding.kit@v1.2.3"')


def run_bare(source: str, *places: Path) -> subprocess.CompletedProcess[str]:
    """Runs a cell as Colab would, in a Python without any package but those in `places`."""
    colab = 'import sys; sys.modules["google.colab"] = sys\n'
    source = source.replace("    %pip", "    pass  # %pip")  # as when pip has failed
    source = source.replace("version('torch')", "0")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, places))}
    command = [sys.executable, "-S", "-c", colab + source]
    return subprocess.run(command, cwd=places[0], env=environment, capture_output=True, text=True, timeout=60)


def last_line(run: subprocess.CompletedProcess[str]) -> str:
    return run.stderr.strip().splitlines()[-1]


def test_without_the_package_the_cell_says_so_and_what_to_do(folder: Path, tmp_path: Path) -> None:
    run = run_bare(setup_cell(folder), tmp_path / "notebooks")
    assert run.returncode == 1
    assert "neurokit is not installed" in last_line(run)
    assert "%pip install NAME.zip" in last_line(run)


def test_where_pip_has_failed_the_cell_names_the_address(public: Path) -> None:
    run = run_bare(setup_cell(public), public / "notebooks")
    assert run.returncode == 1
    assert "neurokit is not installed" in last_line(run)
    assert "some-lab/encoding.kit@v1.2.3" in last_line(run)


def foreign_package(place: Path) -> Path:
    """As pip installs one; its import fails, as that of the one on PyPI does without its own needs."""
    (place / "neurokit").mkdir()
    (place / "neurokit-0.2.7.dist-info").mkdir()
    file = place / "neurokit" / "__init__.py"
    file.write_text("import bioread\n")
    return file


def foreign_module(place: Path) -> Path:
    """A file of that name beside the notebook."""
    file = place / "neurokit.py"
    file.write_text("")
    return file


def foreign_folder(place: Path) -> Path:
    """A folder of that name, as a clone that is not installed: Python takes it for a package."""
    (place / "neurokit" / "neurokit").mkdir(parents=True)
    return place / "neurokit"


@pytest.mark.parametrize("make", [foreign_package, foreign_module, foreign_folder])
@pytest.mark.parametrize("repository", ["", ADDRESS])
def test_another_package_of_that_name_is_named(
    folder: Path, make: Callable[[Path], Path], repository: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    set_address(folder, repository)
    place = tmp_path_factory.mktemp("site")
    file = make(place)
    run = run_bare(setup_cell(folder), place)
    assert run.returncode == 1
    assert f"{file} is another neurokit" in last_line(run)
    assert ("neurokit-0.2.7" in last_line(run)) == (make is foreign_package)


def test_ours_is_taken_for_ours(folder: Path, root: Path) -> None:
    """The cell goes on to its import, which stops at numpy: there is none in that Python."""
    run = run_bare(setup_cell(folder), root)
    assert run.returncode == 1
    assert last_line(run) == "ModuleNotFoundError: No module named 'numpy'"
