"""Writes the generated part of every numbered notebook: its badges and its set-up cell.

The badges stand in the first cell, after the title, between two markers; the set-up cell is the
first code cell and has the tag `neurokit-setup`. README.md may hold badges too, between `<!--
badges 03_training -->` and `<!-- /badges -->`. `--check` writes nothing and exits with 1 if
something is out of date.
"""

import argparse
import re
import sys
import tomllib
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
REF = "main"
TAG = "neurokit-setup"
BLOCK = re.compile(r"<!-- badges(?: (?P<name>\S+))? -->.*?<!-- /badges -->", re.DOTALL)

# The version that is there is named, so that pip stops rather than put another torch in place of
# Colab's own.
SETUP = """\
import sys

if "google.colab" in sys.modules:
    from importlib.metadata import version

    torch_there = f"torch=={{version('torch')}}"
    %pip install -q "{{torch_there}}" "neurokit-encoding @ git+https://github.com/{slug}@{ref}"

from neurokit.notebook import setup

device = setup(seed=0)"""


def main(arguments: list[str] | None = None) -> int:
    """Writes, or with `--check` names, what is out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if out of date")
    parser.add_argument("--root", type=Path, default=ROOT, help="the repository")
    options = parser.parse_args(arguments)
    texts = generated(options.root)
    stale = [path for path, text in texts.items() if path.read_text(encoding="utf-8") != text]
    for path in stale:
        done = "out of date, run `make headers`" if options.check else "written"
        print(f"{path.relative_to(options.root)}: {done}")
        if not options.check:
            path.write_text(texts[path], encoding="utf-8")
    return int(options.check and bool(stale))


def generated(root: Path) -> dict[Path, str]:
    """What every notebook, and the README, should hold."""
    slug = repository(root)
    texts = {path: notebook_text(path, slug) for path in sorted((root / "notebooks").glob("[0-9]*.ipynb"))}
    readme = root / "README.md"
    if readme.is_file():
        texts[readme] = with_badges(readme.read_text(encoding="utf-8"), slug)
    return texts


def repository(root: Path) -> str:
    """`owner/name` of the public repository, from pyproject.toml."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["urls"]["Repository"].removeprefix("https://github.com/")


def badges(name: str, slug: str) -> str:
    """The Colab and Binder badges of one notebook, in Markdown."""
    colab = f"https://colab.research.google.com/github/{slug}/blob/{REF}/notebooks/{name}.ipynb"
    binder = f"https://mybinder.org/v2/gh/{slug}/{REF}?urlpath=lab/tree/notebooks/{name}.ipynb"
    return (
        f"[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({colab}) "
        f"[![Open in Binder](https://mybinder.org/badge_logo.svg)]({binder})"
    )


def with_badges(text: str, slug: str, name: str | None = None) -> str:
    """The text with every badge block written anew; a block that names no notebook is that of
    `name`.
    """

    def block(found: re.Match[str]) -> str:
        own = f" {found['name']}" if found["name"] else ""
        return f"<!-- badges{own} -->{badges(found['name'] or str(name), slug)}<!-- /badges -->"

    return BLOCK.sub(block, text)


def notebook_text(path: Path, slug: str) -> str:
    """The notebook's file as it should be; outputs stay unless the set-up cell's source changes."""
    book = nbformat.read(path, as_version=4)
    write_badges(book, path.stem, slug)
    write_setup(book, SETUP.format(slug=slug, ref=REF))
    return nbformat.writes(book) + "\n"


def write_badges(book: nbformat.NotebookNode, name: str, slug: str) -> None:
    """Puts the badges into the first cell, under its title where there is no block yet."""
    if not book.cells or book.cells[0].cell_type != "markdown":
        book.cells.insert(0, nbformat.v4.new_markdown_cell(f"# {name}", id="neurokit-title"))
    first = book.cells[0]
    if not BLOCK.search(first.source):
        title, _, rest = first.source.partition("\n")
        first.source = f"{title}\n\n<!-- badges --><!-- /badges -->\n{rest}".rstrip("\n")
    first.source = with_badges(first.source, slug, name)


def write_setup(book: nbformat.NotebookNode, source: str) -> None:
    """Puts the set-up cell where its tag stands, else before the first code cell."""
    tagged = [cell for cell in book.cells if TAG in cell.metadata.get("tags", [])]
    if not tagged:
        cell = nbformat.v4.new_code_cell(id=TAG, metadata={"tags": [TAG]})
        code = [index for index, other in enumerate(book.cells) if other.cell_type == "code"]
        book.cells.insert(code[0] if code else len(book.cells), cell)
        tagged = [cell]
    cell = tagged[0]
    if cell.source != source:
        cell.update(source=source, outputs=[], execution_count=None)
    cell.id = TAG


if __name__ == "__main__":
    sys.exit(main())
