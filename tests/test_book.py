"""The book: built without a warning, whole inside, and it asks no other machine for anything."""

import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import book

pytestmark = pytest.mark.slow
LOADED = {"script": "src", "img": "src", "link": "href", "source": "src", "iframe": "src", "video": "src"}
NO_FILE = {"canonical", "search", "index", "next", "prev", "author"}  # relations of links that load nothing


class Page(HTMLParser):
    """What a page links to, what it loads, its anchors, and its pictures without words."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.anchors: set[str] = set()
        self.wordless: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes a tag."""
        said = {name: value or "" for name, value in attrs}
        self.anchors |= {said[name] for name in ("id", "name") if name in said}
        if tag == "a" and "href" in said:
            self.links.append(said["href"])
        if tag in LOADED and LOADED[tag] in said and said.get("rel", "") not in NO_FILE:
            self.loads.append(said[LOADED[tag]])
        if tag == "img" and not said.get("alt"):
            self.wordless.append(said.get("src", ""))


@pytest.fixture(scope="module")
def built(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "book"
    assert book.main(["--root", str(root), "--folder", str(folder), "--no-live"]) == 0
    return folder


@pytest.fixture(scope="module")
def pages(built: Path) -> dict[Path, Page]:
    return {path: Page(path) for path in built.rglob("*.html") if "_static" not in path.parts}


def broken(pages: dict[Path, Page]) -> Iterator[str]:
    """Links inside the book that lead to no file or no anchor."""
    for path, page in pages.items():
        for link in (*page.links, *page.loads):
            parts = urlsplit(link)
            if parts.scheme:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchors = pages[target].anchors | {""} if target in pages else {parts.fragment}
            if not target.is_file() or unquote(parts.fragment) not in anchors:
                yield f"{path.name}: {link}"


def test_every_lesson_and_page_is_in_the_book(root: Path, built: Path) -> None:
    wanted = [*root.glob("notebooks/**/[0-9]*.ipynb"), *root.glob("book/**/*.md")]
    assert len(wanted) > 40
    missing = [p.name for p in wanted if not (built / p.relative_to(root)).with_suffix(".html").is_file()]
    assert missing == []


def test_every_link_inside_leads_somewhere(pages: dict[Path, Page]) -> None:
    assert list(broken(pages)) == []


def test_a_link_to_nothing_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(
        '<p id="here"><a href="#here">a</a><a href="gone.html">b</a><a href="#there">c</a><img src="x.png">'
    )
    assert list(broken({path: Page(path)})) == [
        "page.html: gone.html",
        "page.html: #there",
        "page.html: x.png",
    ]
    assert Page(path).wordless == ["x.png"]


def test_nothing_is_loaded_from_another_machine(pages: dict[Path, Page]) -> None:
    elsewhere = {
        link for page in pages.values() for link in page.loads if urlsplit(link).scheme not in ("", "data")
    }
    assert elsewhere == set()
    assert any(page.loads for page in pages.values())


def test_every_picture_has_words(pages: dict[Path, Page]) -> None:
    assert {path.name: page.wordless for path, page in pages.items() if page.wordless} == {}


def test_formulas_are_drawn_by_a_script_of_the_book(built: Path) -> None:
    text = (built / "notebooks" / "09_foundation_digital_twin.html").read_text(encoding="utf-8")
    assert 'class="math' in text
    (script,) = set(re.findall(r'src="([^"]*mathjax[^"]*)"', text))
    assert ((built / "notebooks") / script.partition("?")[0]).resolve().is_file()


def test_a_warning_is_an_error(root: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A page that no other leads to, in a small copy."""
    copy = tmp_path / "copy"
    for name in ("CONTRIBUTING.md", "CHANGELOG.md", "book/conf.py", "book/live_twin.md"):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / name, copy / name)
    (copy / "figures").mkdir()
    front = copy / "book" / "contents" / "index.md"
    front.parent.mkdir()
    front.write_text("# A\n\n```{toctree}\n../live_twin\n../../CONTRIBUTING\n../../CHANGELOG\n```\n")
    build = ["--root", str(copy), "--folder", str(tmp_path / "out"), "--no-live"]
    (copy / "book" / "orphan.md").write_text("# Alone\n")
    assert book.main(build) == 1
    assert "orphan.md" in capfd.readouterr().err


def test_links_to_files_that_are_no_pages_become_words(root: Path) -> None:
    page = root / "book" / "systems.md"
    text = "[a](../neurokit) [b](results.md#x) ![c](../figures/growth.png) [d](https://e.org) [f](#g)\n"
    said = "a [b](results.md#x) ![c](../figures/growth.png) [d](https://e.org) [f](#g)\n"
    code = "```\n[a](../neurokit)\n```"
    assert book.plain_links(text + code, page, root) == said + code
