"""`make address` writes the public address wherever it is shown, and takes it out to the last byte."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import nbformat
import pytest
import yaml

from address import is_valid, main
from neurokit import __version__

ADDRESS = "some-lab/encoding.kit"
SHOWN = (
    "README.md",
    "CITATION.cff",
    "pyproject.toml",
    "compose.yaml",
    "Dockerfile",
    "environment.yml",
    "postBuild",
)
FOLDERS = ("notebooks", "book")
# Addresses of this repository, as opposed to those of other people's.
OURS = re.compile(r"OWNER|colab\.research\.google|mybinder\.org|git\+http|github\.com/[^/\s]+/neurokit")


@pytest.fixture
def copy(root: Path, tmp_path: Path) -> Path:
    """What shows an address, without one."""
    for name in SHOWN:
        shutil.copy(root / name, tmp_path)
    for name in FOLDERS:
        if (root / name).is_dir():
            shutil.copytree(root / name, tmp_path / name)
    (tmp_path / "neurokit").mkdir()
    shutil.copy(root / "neurokit" / "__init__.py", tmp_path / "neurokit")
    assert main(["--root", str(tmp_path), "--", ""]) == 0
    return tmp_path


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_committed_files_show_the_address_of_pyproject(root: Path) -> None:
    assert main(["--check", "--root", str(root)]) == 0


def test_without_an_address_nothing_points_at_one(copy: Path) -> None:
    """Somebody else could take any name that stood there, and have readers run their code."""
    found = {
        path.relative_to(copy): hit.group()
        for path, content in contents(copy).items()
        for hit in [OURS.search(content.decode("utf-8", errors="ignore"))]
        if hit
    }
    assert found == {}


def test_an_empty_address_undoes_it_to_the_last_byte(copy: Path) -> None:
    before = contents(copy)
    assert main(["--root", str(copy), ADDRESS]) == 0
    first = contents(copy)
    assert first != before
    assert main(["--root", str(copy), "other/name"]) == 0
    assert main(["--root", str(copy), ADDRESS]) == 0
    assert contents(copy) == first
    assert main(["--root", str(copy), "--", ""]) == 0
    assert contents(copy) == before


def test_an_address_stands_in_every_place(copy: Path) -> None:
    main(["--root", str(copy), ADDRESS])
    project = tomllib.loads((copy / "pyproject.toml").read_text())
    assert project["tool"]["neurokit"]["repository"] == ADDRESS
    assert project["project"]["urls"] == {"Repository": f"https://github.com/{ADDRESS}"}
    assert project["tool"]["hatch"] and project["project"]["scripts"]
    citation = yaml.safe_load((copy / "CITATION.cff").read_text())
    assert citation["repository-code"] == f"https://github.com/{ADDRESS}"
    readme = (copy / "README.md").read_text()
    assert f"git+https://github.com/{ADDRESS}@v{__version__}" in readme
    for path in sorted((copy / "notebooks").glob("[0-9]*.ipynb")):
        book = nbformat.read(path, as_version=4)
        assert f"/{ADDRESS}/blob/v{__version__}/notebooks/{path.name}" in book.cells[0].source
        assert f"/{ADDRESS}/blob/v{__version__}/notebooks/{path.name}" in readme
        (setup,) = (cell for cell in book.cells if "neurokit-setup" in cell.metadata.get("tags", []))
        assert f"git+https://github.com/{ADDRESS}@v{__version__}" in setup.source
    assert main(["--check", "--root", str(copy)]) == 0


def test_every_link_and_install_names_the_tag_of_this_version(copy: Path) -> None:
    """A branch moves: a notebook would run code that came later."""
    main(["--root", str(copy), ADDRESS])
    text = "".join(content.decode("utf-8", errors="ignore") for content in contents(copy).values())
    here = re.escape(ADDRESS)
    revisions = re.findall(rf"{here}(?:@|/blob/)([^\s\"'`/\\]+)|/gh/{here}/([^?]+)", text)
    assert len(revisions) > 8 * 5  # two badges twice and one install line for each notebook
    assert {one or other for one, other in revisions} == {f"v{__version__}"}


def test_notebooks_change_in_their_sources_alone(copy: Path) -> None:
    """Outputs, ids, metadata and the layout of the file stay: the diff shows lines of two cells."""
    for path in sorted((copy / "notebooks").glob("[0-9]*.ipynb")):
        before, lines = nbformat.read(path, as_version=4), path.read_text().splitlines()
        main(["--root", str(copy), ADDRESS])
        after, now = nbformat.read(path, as_version=4), path.read_text().splitlines()
        main(["--root", str(copy), "--", ""])
        changed = [
            place
            for place, (old, new) in enumerate(zip(before.cells, after.cells, strict=True))
            if old != new
        ]
        setup = next(place for place, cell in enumerate(after.cells) if cell.cell_type == "code")
        assert changed == [0, setup]
        for place in changed:
            assert before.cells[place] | {"source": ""} == after.cells[place] | {"source": ""}
        assert len(set(lines) ^ set(now)) < 40


def test_what_is_changed_by_hand_is_noticed(copy: Path) -> None:
    main(["--root", str(copy), ADDRESS])
    for name in ("README.md", "CITATION.cff", "pyproject.toml"):
        file = copy / name
        text = file.read_text()
        file.write_text(text.replace(f"github.com/{ADDRESS}", "github.com/other/place"))
        assert file.read_text() != text
        assert main(["--check", "--root", str(copy)]) == 1, name
        file.write_text(text)
    assert main(["--check", "--root", str(copy)]) == 0


@pytest.mark.parametrize(
    "repository",
    ["lab/neurokit", "a/b", "A-b-C/x_y.z-1", "a" * 39 + "/" + "n" * 100, "1/2", ""],
)
def test_github_s_names_are_taken(repository: str) -> None:
    assert is_valid(repository)


@pytest.mark.parametrize(
    "repository",
    [
        "neurokit",
        "lab/",
        "/neurokit",
        "lab/neuro/kit",
        "https://github.com/lab/neurokit",
        "-lab/neurokit",
        "lab-/neurokit",
        "la--b/neurokit",
        "la_b/neurokit",
        "läb/neurokit",
        "lab٣/neurokit",
        "lab/neuro kit",
        "lab/neurokit\n",
        'lab/neurokit"',
        "lab/neurokit@main",
        "lab/..",
        "lab/neurokit.git",
        "a" * 40 + "/neurokit",
        "lab/" + "n" * 101,
        " ",
    ],
)
def test_what_github_does_not_allow_is_refused(repository: str) -> None:
    assert not is_valid(repository)


def test_a_refused_address_is_named_and_changes_no_file(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(copy)
    assert main(["--root", str(copy), "lab/neurokit.git"]) == 2
    assert "lab/neurokit.git" in capsys.readouterr().err
    assert contents(copy) == before


def test_make_passes_the_address_on_and_refuses_to_guess(root: Path, tmp_path: Path) -> None:
    """With an interpreter that prints what it is asked, in place of that of .venv."""
    shutil.copy(root / "Makefile", tmp_path)
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "setup.sh").write_text("#!/bin/sh\n")
    echo = tmp_path / "echo"
    echo.write_text('#!/bin/sh\nprintf "<%s>" "$@"\n')
    for script in (echo, tmp_path / "tools" / "setup.sh"):
        script.chmod(0o755)

    def make(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["make", "--silent", "address", f"python={echo}", *arguments]
        path = {"PATH": "/usr/bin:/bin"}
        return subprocess.run(command, cwd=tmp_path, env=path, capture_output=True, text=True, timeout=60)

    assert make("REPOSITORY=lab/neurokit").stdout == "<tools/address.py><--><lab/neurokit>"
    assert make("REPOSITORY=").stdout == "<tools/address.py><--><>"
    assert make("REPOSITORY=x`touch made`").stdout == "<tools/address.py><--><x`touch made`>"
    assert not (tmp_path / "made").exists()
    unset = make()
    assert unset.returncode != 0 and "REPOSITORY=" in unset.stderr and unset.stdout == ""
