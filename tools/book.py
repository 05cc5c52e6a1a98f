"""Builds the book: pages of book/, the lessons with their stored outputs, and the live twin, with Sphinx.

    python tools/book.py                 into build/book
    python tools/book.py --no-live       without the live twin, which needs npm

Nothing is executed, and nothing is fetched once the set-up is done. Every warning is an error. The pages are
copied to build/book-source first, in the places that they have in the repository, so that their links to one
another hold; a link to a file that is no page becomes its name, since a reader of the book has no such file.
"""

import argparse
import re
import shutil
import sys
import time
from pathlib import Path

import nbformat
from sphinx.cmd.build import build_main

import live_twin

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
PAGES = {".md", ".ipynb", ".png", ".svg", ".gif"}  # what a link of the book may lead to
SHOWN = ("book", "notebooks", "figures")
PANEL = '<div class="live-twin"></div>\n<noscript>The live twin needs JavaScript.</noscript>'
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)\s:]+)\)")
FRONT = "book/contents/index.html"
FENCED = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)


def main(arguments: list[str] | None = None) -> int:
    """Builds the book; the exit status is that of Sphinx."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", type=Path, default=ROOT, help="of the repository")
    parser.add_argument("--folder", type=Path, default=BUILD / "book", help="where it is put")
    parser.add_argument("--no-live", action="store_true", help="leave the live twin out")
    options = parser.parse_args(arguments)
    start = time.perf_counter()
    source, folder = options.folder.with_name(f"{options.folder.name}-source"), options.folder
    copy_pages(options.root, source)
    add_live(source, leave_out=options.no_live)
    shutil.rmtree(folder, ignore_errors=True)
    flags = ["-b", "html", "-W", "--keep-going", "-q", "-d", str(source / ".doctrees")]
    status = build_main([*flags, str(source), str(folder)])
    lead_to_front(folder)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    pages = sum(1 for _ in folder.rglob("*.html"))
    seconds = time.perf_counter() - start
    print(f"book: {folder / 'index.html'}, {pages} pages, {size / 1e6:.1f} MB, {seconds:.0f} s")
    return status


def lead_to_front(folder: Path) -> None:
    """A page at the top that leads to the front page."""
    text = f'<!doctype html><title>neurokit</title><meta http-equiv="refresh" content="0; url={FRONT}">\n'
    (folder / "index.html").write_text(text, encoding="utf-8")


def copy_pages(root: Path, source: Path) -> None:
    """Copies all that the book shows, in the folders that it has in the repository."""
    shutil.rmtree(source, ignore_errors=True)
    for name in ("figures", "book/images"):
        if (root / name).is_dir():
            shutil.copytree(root / name, source / name)
    for path in (*root.glob("book/**/*.md"), root / "CONTRIBUTING.md", root / "CHANGELOG.md"):
        page = source / path.relative_to(root)
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(plain_links(path.read_text(encoding="utf-8"), path, root), encoding="utf-8")
    for path in root.glob("notebooks/**/[0-9]*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = plain_links(cell.source, path, root)
        page = source / path.relative_to(root)
        page.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, page)
    shutil.copy(root / "book" / "conf.py", source)


def plain_links(text: str, path: Path, root: Path) -> str:
    """The Markdown with links to files that are no pages of the book as plain text; code stays as it is."""

    def plain(match: re.Match[str]) -> str:
        words, link = match.groups()
        name = link.partition("#")[0]
        return match.group() if not name or is_page((path.parent / name).resolve(), root.resolve()) else words

    parts = FENCED.split(text)
    return "".join(each if place % 2 else LINK.sub(plain, each) for place, each in enumerate(parts))


def is_page(target: Path, root: Path) -> bool:
    """Whether the book shows this file of the repository."""
    held = any(target.is_relative_to(root / name) for name in SHOWN) or target.parent == root
    return held and target.suffix in PAGES and target.name != "README.md"


def add_live(source: Path, *, leave_out: bool) -> None:
    """The files of the live twin, where they can be made; else a sentence in its place."""
    page = source / "book" / "live_twin.md"
    text = page.read_text(encoding="utf-8")
    head, rest = text.split("\n", 1)
    folder = source / "static" / "live"
    folder.mkdir(parents=True)
    if leave_out or live_twin.main(["--folder", str(folder)]) == live_twin.WITHOUT_NPM:
        said = "*This copy of the book was built without the live twin, which needs npm.*"
    else:
        said = f"```{{raw}} html\n{PANEL}\n```"
    page.write_text(f"{head}\n\n{said}\n{rest}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
