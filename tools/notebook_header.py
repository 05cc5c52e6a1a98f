"""Writes the generated part of every numbered notebook: its badges and its set-up cell.

The badges stand in the first cell, after the title, between two markers; the set-up cell is the
first code cell and has the tag `neurokit-setup`. README.md may hold badges too, between `<!--
badges 03_training -->` and `<!-- /badges -->`. Both need the repository's public address, which
`make address` writes into pyproject.toml: without one there are no badges, and the set-up cell
installs nothing. `--check` writes nothing and exits with 1 if something is out of date.
"""

import argparse
import re
import sys
import tomllib
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
TAG = "neurokit-setup"
BLOCK = re.compile(r"<!-- badges(?: (?P<name>\S+))? -->.*?<!-- /badges -->", re.DOTALL)
COLAB = "https://colab.research.google.com/assets/colab-badge.svg"
BINDER = "https://mybinder.org/badge_logo.svg"

# The version that is there is named, so that pip stops rather than put another torch in place of
# Colab's own.
INSTALL = """\
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

source = "neurokit-encoding @ git+https://github.com/{repository}@{tag}"
if "google.colab" in sys.modules:
    torch_there = f"torch=={{version('torch')}}"
    %pip install -q "{{torch_there}}" "{{source}}"
remedy = f'run `%pip install "{{source}}"`'
"""
LOCAL = """\
from importlib.util import find_spec
from pathlib import Path

remedy = (
    "run `%pip install ..` in a copy of its repository; on Colab, upload that copy as NAME.zip "
    "and run `%pip install NAME.zip`"
)
"""
# Nothing is imported before the file is known to be ours.
SETUP = """
found = find_spec("neurokit")
if found is None:
    raise ModuleNotFoundError(f"neurokit is not installed here: {remedy}.")
place = Path(found.origin or found.submodule_search_locations[0])
if not place.with_name("notebook.py").is_file():
    name = next((info.stem for info in place.parent.parent.glob("neurokit-*-info")), "of unknown version")
    raise ImportError(f"{place} is another neurokit ({name}): remove it, restart the kernel; then {remedy}.")

from neurokit.notebook import setup

device = setup(seed=0)"""


def main(arguments: list[str] | None = None) -> int:
    """Writes, or with `--check` names, what is out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if out of date")
    parser.add_argument("--root", type=Path, default=ROOT, help="the repository")
    options = parser.parse_args(arguments)
    texts = generated(options.root, repository(options.root))
    stale = [path for path, text in texts.items() if path.read_text(encoding="utf-8") != text]
    for path in stale:
        done = "out of date, run `make headers`" if options.check else "written"
        print(f"{path.relative_to(options.root)}: {done}")
        if not options.check:
            path.write_text(texts[path], encoding="utf-8")
    return int(options.check and bool(stale))


def generated(root: Path, repository: str) -> dict[Path, str]:
    """What every notebook, and the README, should hold while this is the public address (or empty)."""
    tag = version_tag(root)
    notebooks = sorted((root / "notebooks").glob("[0-9]*.ipynb"))
    texts = {path: notebook_text(path, repository, tag) for path in notebooks}
    readme = root / "README.md"
    if readme.is_file():
        texts[readme] = with_badges(readme.read_text(encoding="utf-8"), repository, tag)
    return texts


def repository(root: Path) -> str:
    """`owner/name` of the public repository, from pyproject.toml; empty while there is none."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    return project["tool"]["neurokit"]["repository"]


def version_tag(root: Path) -> str:
    """The tag of this version, which links and installs name: a branch moves."""
    text = (root / "neurokit" / "__init__.py").read_text(encoding="utf-8")
    return "v" + re.findall(r'^__version__ = "([^"]+)"$', text, re.MULTILINE)[0]


def badges(name: str, repository: str, tag: str, *, short: bool = False) -> str:
    """The badges of one notebook, in Markdown; a short one is Colab's, whose picture is given elsewhere."""
    colab = f"https://colab.research.google.com/github/{repository}/blob/{tag}/notebooks/{name}.ipynb"
    binder = f"https://mybinder.org/v2/gh/{repository}/{tag}?urlpath=lab/tree/notebooks/{name}.ipynb"
    if short:  # the notebook itself has Binder's too
        return f" [![Colab][colab]]({colab})"
    return f"[![Open in Colab]({COLAB})]({colab}) [![Open in Binder]({BINDER})]({binder})"


def with_badges(text: str, repository: str, tag: str, name: str | None = None) -> str:
    """The text with every badge block written anew, empty without an address.

    A block that names no notebook is that of `name`; one that does stands in the README's table.
    """

    def block(found: re.Match[str]) -> str:
        own = f" {found['name']}" if found["name"] else ""
        shown = badges(found["name"] or str(name), repository, tag, short=bool(own)) if repository else ""
        return f"<!-- badges{own} -->{shown}<!-- /badges -->"

    return BLOCK.sub(block, text)


def notebook_text(path: Path, repository: str, tag: str) -> str:
    """The notebook's file as it should be; all outputs stay."""
    book = nbformat.read(path, as_version=4)
    write_badges(book, path.stem, repository, tag)
    write_setup(book, setup_source(repository, tag))
    return nbformat.writes(book) + "\n"


def setup_source(repository: str, tag: str) -> str:
    """The set-up cell: on Colab it installs this version from its address, where there is one."""
    return (INSTALL.format(repository=repository, tag=tag) if repository else LOCAL) + SETUP


def write_badges(book: nbformat.NotebookNode, name: str, repository: str, tag: str) -> None:
    """Puts the badges into the first cell, under its title where there is no block yet."""
    if not book.cells or book.cells[0].cell_type != "markdown":
        book.cells.insert(0, nbformat.v4.new_markdown_cell(f"# {name}", id="neurokit-title"))
    first = book.cells[0]
    if not BLOCK.search(first.source):
        title, _, rest = first.source.partition("\n")
        first.source = f"{title}\n\n<!-- badges --><!-- /badges -->\n{rest}".rstrip("\n")
    first.source = with_badges(first.source, repository, tag, name)


def write_setup(book: nbformat.NotebookNode, source: str) -> None:
    """Puts the set-up cell where its tag stands, else before the first code cell.

    Its output stays: what it installs where decides nothing of what it prints here.
    """
    tagged = [cell for cell in book.cells if TAG in cell.metadata.get("tags", [])]
    if not tagged:
        cell = nbformat.v4.new_code_cell(id=TAG, metadata={"tags": [TAG]})
        code = [index for index, other in enumerate(book.cells) if other.cell_type == "code"]
        book.cells.insert(code[0] if code else len(book.cells), cell)
        tagged = [cell]
    tagged[0].source = source
    tagged[0].id = TAG


if __name__ == "__main__":
    sys.exit(main())
