"""Writes the public address of the repository wherever it is shown, or takes it out again.

`make address REPOSITORY=owner/name` writes badges, install lines, set-up cells, the project's URLs and the
citation; with an empty REPOSITORY every file is as it was before. The address is stored in pyproject.toml
(`[tool.neurokit]`), everything else is made from it. Links and installs name the tag of this version, so that
a notebook never runs code that came later.
"""

import argparse
import re
import sys
from pathlib import Path

import notebook_header

ROOT = Path(__file__).resolve().parent.parent
# What GitHub allows: an owner of up to 39 letters and digits with single hyphens between them.
OWNER = r"[A-Za-z0-9](?:-?[A-Za-z0-9]){0,38}"
NAME = r"[A-Za-z0-9._-]{1,100}"
STORED = re.compile(r'^repository = "(?P<repository>[^"]*)"', re.MULTILINE)
LINES = re.compile(r"^(?P<opens># address\b[^\n]*\n).*?^(?P<closes># /address)$", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"<!-- address (?P<name>\S+) -->.*?<!-- /address -->", re.DOTALL)

URLS = """\
[project.urls]
Repository = "https://github.com/{repository}"
"""
CITED = "repository-code: https://github.com/{repository}\n"
# What stands in the README's blocks without an address, and with one.
README = {
    "copy": (
        "In a copy of this repository:",
        "`git clone --branch {tag} https://github.com/{repository} neurokit`, and in that folder:",
    ),
    "install": (
        "`pip install .` in that copy",
        '`pip install "neurokit-encoding @ git+https://github.com/{repository}@{tag}"`',
    ),
    "images": (
        "",
        "\n[colab]: https://colab.research.google.com/assets/colab-badge.svg\n",
    ),
}


def main(arguments: list[str] | None = None) -> int:
    """Writes the address given; returns 2, after a sentence, for one that GitHub would not allow."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("repository", nargs="?", help="owner/name on GitHub; empty takes it out")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if out of date")
    parser.add_argument("--root", type=Path, default=ROOT, help="the repository's folder")
    options = parser.parse_args(arguments)
    if options.repository is None and not options.check:
        parser.error("give owner/name, or '' to take the address out")
    repository = (
        notebook_header.repository(options.root) if options.repository is None else options.repository
    )
    if not is_valid(repository):
        print(f"address: {repository!r} is no owner/name of a GitHub repository.", file=sys.stderr)
        return 2
    return compare(options.root, repository) if options.check else write(options.root, repository)


def is_valid(repository: str) -> bool:
    """Whether it is empty, or an owner and a name that GitHub allows."""
    if not repository:
        return True
    owner, _, name = repository.partition("/")
    allowed = re.fullmatch(OWNER, owner) and len(owner) <= 39 and re.fullmatch(NAME, name)
    return bool(allowed) and name not in (".", "..") and not name.lower().endswith((".git", ".wiki"))


def write(root: Path, repository: str) -> int:
    """Writes every file that shows the address, the notebooks among them."""
    for path, text in generated(root, repository).items():
        if path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"{path.relative_to(root)}: written")
    if repository:
        tag = notebook_header.version_tag(root)
        print(f"The links name the tag {tag}: commit, `git tag {tag}`, and push both to {repository}.")
    return 0


def compare(root: Path, repository: str) -> int:
    """Prints which files show another address; 1 if any does."""
    texts = generated(root, repository)
    stale = [path for path, text in texts.items() if path.read_text(encoding="utf-8") != text]
    for path in stale:
        print(f"{path.relative_to(root)}: out of date, run `make address`")
    return int(bool(stale))


def generated(root: Path, repository: str) -> dict[Path, str]:
    """Text of every file that shows the address."""
    tag = notebook_header.version_tag(root)
    project, citation = root / "pyproject.toml", root / "CITATION.cff"
    texts = {
        project: with_lines(with_stored(project.read_text(encoding="utf-8"), repository), URLS, repository),
        citation: with_lines(citation.read_text(encoding="utf-8"), CITED, repository),
        **notebook_header.generated(root, repository),
    }
    readme = root / "README.md"
    texts[readme] = with_blocks(texts[readme], repository, tag)
    return texts


def with_stored(text: str, repository: str) -> str:
    """pyproject.toml with this address in `[tool.neurokit]`."""
    return STORED.sub(lambda _: f'repository = "{repository}"', text, count=1)


def with_lines(text: str, lines: str, repository: str) -> str:
    """The text with `lines` between its two `# address` comments, or nothing without an address."""
    inner = lines.format(repository=repository) if repository else ""
    return LINES.sub(lambda found: f"{found['opens']}{inner}{found['closes']}", text)


def with_blocks(text: str, repository: str, tag: str) -> str:
    """The README with its install lines."""

    def block(found: re.Match[str]) -> str:
        without, given = README[found["name"]]
        inner = given.format(repository=repository, tag=tag) if repository else without
        return f"<!-- address {found['name']} -->{inner}<!-- /address -->"

    return BLOCK.sub(block, text)


if __name__ == "__main__":
    sys.exit(main())
