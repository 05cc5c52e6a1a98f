"""The runner of `make notebooks`: what it leaves, what it says; one failure does not stop the rest."""

import base64
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from run_notebooks import main, numbered

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
FAILS = ["before = 1", "raise ValueError('a sentence')", "print('never')"]
SHOWS = [
    "filled = bytearray(b'x' * 300_000_000)\nimport time; time.sleep(0.5)",
    f"from IPython.display import Image, display\ndisplay(Image(data={PNG!r}, format='png'))",
    "import os\n"
    "print(os.path.basename(os.getcwd()))\n"
    "print(os.environ['NEUROKIT_SOURCE'], os.environ['NEUROKIT_BUILD'])",
]


def write(path: Path, sources: list[str]) -> Path:
    cells = [new_code_cell(source, id=f"cell-{place}") for place, source in enumerate(sources)]
    nbformat.write(new_notebook(cells=cells), path)
    return path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    names = (
        "NEUROKIT_SOURCE",
        "NEUROKIT_BUILD",
        "NEUROKIT_QUIET",
        "NEUROKIT_PAGES",
        "JUPYTER_PREFER_ENV_PATH",
    )
    for name in names:
        monkeypatch.setenv(name, "")  # so that what the runner sets is taken back afterwards
        monkeypatch.delenv(name)
    folder = tmp_path / "notebooks"
    folder.mkdir()
    return folder


@pytest.mark.slow
def test_a_failure_is_shown_and_the_next_notebook_runs(
    folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    paths = [write(folder / "01_fails.ipynb", FAILS), write(folder / "02_shows.ipynb", SHOWS)]
    before = [path.read_bytes() for path in paths]
    build = tmp_path / "build"
    assert main([*map(str, paths), "--build", str(build)]) == 1
    said = capfd.readouterr().out
    assert "01_fails  cell 2/3" in said
    assert "raise ValueError('a sentence')" in said
    assert [line.split()[0] for line in said.splitlines()[-3:]] == ["notebook", "01_fails", "02_shows"]
    assert "FAILED" in said.splitlines()[-2]
    shows, fails = (float(line.split()[2]) for line in said.splitlines()[:-3:-1])
    assert shows > 300 > fails  # MB: side by side, yet each counted alone
    assert [path.read_bytes() for path in paths] == before
    assert (build / "figures" / "02_shows" / "cell002-1.png").read_bytes() == PNG
    assert f"notebooks\ndemo {build}" in (build / "html" / "02_shows.html").read_text()
    executed = nbformat.read(build / "notebooks" / "02_shows.ipynb", as_version=4)
    assert [cell.execution_count for cell in executed.cells] == [1, 2, 3]
    assert sorted(path.name for path in folder.iterdir()) == ["01_fails.ipynb", "02_shows.ipynb"]


@pytest.mark.slow
def test_in_place_keeps_outputs_but_nothing_of_the_machine(folder: Path, tmp_path: Path) -> None:
    path = write(folder / "01_sum.ipynb", ["1 + 1"])
    assert main([str(path), "--in-place", "--build", str(tmp_path / "build")]) == 0
    book = nbformat.read(path, as_version=4)
    assert book.cells[0].outputs[0].data["text/plain"] == "2"
    assert book.cells[0].metadata == {}
    assert book.metadata.language_info == {"name": "python"}
    assert not (tmp_path / "build").exists()
    failing = write(folder / "02_fails.ipynb", FAILS)
    before = failing.read_bytes()
    assert main([str(failing), "--in-place", "--build", str(tmp_path / "build")]) == 1
    assert failing.read_bytes() == before


def test_only_numbered_notebooks_are_run(folder: Path) -> None:
    (folder / "solutions").mkdir()
    for name in ("02_b.ipynb", "01_a.ipynb", "draft.ipynb", "solutions/01_a.ipynb"):
        write(folder / name, [])
    assert [path.name for path in numbered(folder)] == ["01_a.ipynb", "02_b.ipynb"]
    assert [path.parent.name for path in numbered(folder, solutions=True)] == [
        "notebooks",
        "notebooks",
        "solutions",
    ]
