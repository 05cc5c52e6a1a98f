"""What every lesson must hold, as sentences about what it does not: its opening, its size, its close.

The rules of all notebooks are in notebook_rules.py, and those of exercises in tests/test_solutions.py.
"""

import re
from pathlib import Path
from statistics import median

import nbformat
from nbformat import NotebookNode

from notebook_header import TAG
from notebook_rules import CHECK, code_cells

MOST_CELLS, LONGEST, MEDIAN = 60, 20, 6  # cells; lines of a code cell, and of half of them
SOURCES = range(4, 13)  # links of "Where this comes from"
HEADING = re.compile(r"(?m)^## .*?(?:· minute (?P<minutes>\d+))?$")
PICTURE = re.compile(r"!\[(?P<words>[^\]]+)\]\((?P<path>[^)]+\.(?:svg|png))\)")
LINK = re.compile(r"\]\((https?://[^)]+(?:\([^)]*\)[^)]*)*)\)")
FOLDED = re.compile(r"<summary>(?P<asked>.*?)</summary>(?P<gap>\s*)(?P<answer>.*?)\s*</details>", re.DOTALL)
PLAIN = re.compile(r"^\s*(?:True|False|\[(?:(?:True|False)(?:, )?)+\])\s*$")
OPENING = {
    "a picture with words": PICTURE.search,
    "its question in bold": re.compile(r"\*\*[^*]+\?\*\*").search,
    "what you need": re.compile(r"\*\*What you need:\*\*").search,
    "minutes of reading": re.compile(r"\*\*Reading:\*\* (?:about )?\d+ minutes").search,
    "minutes of the machine": re.compile(r"<!-- minutes -->.*?<!-- /minutes -->").search,
    "what you will do": re.compile(r"In this lesson you will\n\n(?:- .+\n?){3,5}").search,
}
CLOSE = {
    "five lines": re.compile(r"## In five lines\n\n(?:\d\. .+\n){5}\n").search,
    "a card": re.compile(r"\*\*Card\*\*\n\n\|").search,
    "three folded questions": re.compile(r"\*\*Quiz\*\*\n\n(?:<details>(?s:.+?)</details>\s+){3}\*\*").search,
    "where it comes from": re.compile(r"\*\*Where this comes from\.\*\* ").search,
}


def lesson_faults(path: Path) -> list[str]:
    """All in which a lesson falls short."""
    book = nbformat.read(path, as_version=4)
    rules = (size_faults, opening_faults, close_faults, picture_faults, folded_faults)
    return [fault for rule in rules for fault in rule(book)]


def size_faults(book: NotebookNode) -> list[str]:
    """Too many cells, or too long ones."""
    found = [f"{len(book.cells)} cells, at most {MOST_CELLS}"] if len(book.cells) > MOST_CELLS else []
    own = [cell for cell in code_cells(book) if TAG not in cell.metadata.get("tags", [])]
    lines = [len(cell.source.splitlines()) for cell in own]
    found += [
        f"a cell of {number} lines: {cell.source[:60]!r}"
        for cell, number in zip(own, lines, strict=True)
        if number > LONGEST
    ]
    if median(lines) > MEDIAN:
        found.append(f"half of the code cells have over {MEDIAN} lines: the median is {median(lines):g}")
    found += [
        f"a checked cell ends in a value, which nbval compares: {cell.source[-60:]!r}"
        for cell in own
        if CHECK in cell.metadata.get("tags", []) and cell.source.rstrip().endswith(";")
    ]
    found += [
        f"a cell prints nothing but {out.text.strip()}: {cell.source[:60]!r}"
        for cell in own
        for out in cell.outputs
        if out.output_type == "stream" and PLAIN.match(out.text)
    ]
    return found


def opening_faults(book: NotebookNode) -> list[str]:
    """What the first cell lacks, and sections that do not say how far a reader has come."""
    found = [f"the first cell lacks {name}" for name, has in OPENING.items() if not has(book.cells[0].source)]
    sections = [match for cell in book.cells[1:-1] for match in HEADING.finditer(cell.source)]
    minutes = [int(match["minutes"]) for match in sections if match["minutes"]]
    found += [f"a section without minutes: {match.group()}" for match in sections if not match["minutes"]]
    if minutes != sorted(minutes):
        found.append(f"minutes of sections do not add up: {minutes}")
    return found


def close_faults(book: NotebookNode) -> list[str]:
    """What the last cell lacks, and how often a reader is told when not to use it."""
    last = book.cells[-1].source
    found = [f"the last cell lacks {name}" for name, has in CLOSE.items() if not has(last)]
    links = LINK.findall(last)
    if len(links) not in SOURCES:
        found.append(f"{len(links)} links to sources, wanted are {SOURCES.start} to {SOURCES.stop - 1}")
    boxes = [cell for cell in book.cells if re.search(r"(?m)^> \*\*When not to ", cell.source)]
    if len(boxes) != 1:
        found.append(f"{len(boxes)} boxes that begin with '> **When not to', one is wanted")
    return found


def picture_faults(book: NotebookNode) -> list[str]:
    """Pictures without words, of a cell or in the text."""
    found = []
    for cell in code_cells(book):
        for out in cell.outputs:
            words = out.get("metadata", {}).get("image/png", {}).get("alt", "")
            if "image/png" in out.get("data", {}) and len(words.split()) < 5:
                found.append(
                    f"a picture without a sentence for those who do not see it: {cell.source[-60:]!r}"
                )
    for cell in book.cells:
        if cell.cell_type == "markdown":
            found += [
                f"a picture with few words: {match['path']}"
                for match in PICTURE.finditer(cell.source)
                if len(match["words"].split()) < 5
            ]
    return found


def folded_faults(book: NotebookNode) -> list[str]:
    """Folded text in which Markdown is not read: what is asked, and answers without an empty line before."""
    folded = [match for cell in book.cells for match in FOLDED.finditer(cell.source)]
    raw = [match["answer"] for match in folded if match["gap"] != "\n\n"]
    raw += [match["asked"] for match in folded if re.search(r"[`*$]", match["asked"])]
    return [f"folded text whose marks are not read: {words[:60]!r}" for words in raw]
