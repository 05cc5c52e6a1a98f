"""The table of what was tried in order to lose or falsify something, from the result files of the proofs."""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

Rows = list[dict[str, Any]]
NOT_RUN = "not run"


def reliability_table(results: Path) -> str:
    """A row for each proof: what was tried, how often, what was bad; a proof without results says so."""
    lines = ["| tried | how often | bad | command | commit |", "|---|---|---|---|---|"]
    for name, (what, sums) in PROOFS.items():
        file = results / f"reliability_{name}.json"
        if not file.is_file():
            lines.append(f"| {what} | {NOT_RUN} | {NOT_RUN} | | |")
            continue
        content = json.loads(file.read_text(encoding="utf-8"))
        often, bad = sums(content["rows"])
        lines.append(f"| {what} | {often} | {bad} | `{content['command']}` | {content['commit']} |")
    return "\n".join(lines)


def undetectable_table(results: Path) -> str:
    """Changes of files that were read as if nothing had happened, by format."""
    content = json.loads((results / "reliability_files.json").read_text(encoding="utf-8"))
    lines = ["| format | changes |", "|---|---|"]
    for name in sorted({row["format"] for row in content["rows"]}):
        rows = [row for row in content["rows"] if row["format"] == name and row["undetectable"]]
        told = ", ".join(f"{row['change']} ({row['undetectable']} of {row['tries']})" for row in rows)
        lines += [f"| {name} | {told} |"] if told else []
    return "\n".join(lines)


def _count(rows: Rows, names: Iterable[str]) -> Counter[str]:
    return Counter({name: sum(row.get(name) or 0 for row in rows) for name in names})


def _say(counts: Counter[str], words: dict[str, str]) -> str:
    return ", ".join(f"{counts[name]:,} {word}" for name, word in words.items())


def _kills(rows: Rows) -> tuple[str, str]:
    counts = _count(rows, ("tries", "hits", "differing", "failures", "leftovers"))
    bad = {"differing": "other results", "failures": "failures", "leftovers": "with leftover files"}
    return f"{counts['hits']:,} hits in {len(rows)} works", _say(counts, bad)


def _races(rows: Rows) -> tuple[str, str]:
    counts = _count(rows, ("rounds", "bad"))
    return f"{counts['rounds']:,} rounds of {len(rows)} races", f"{counts['bad']:,} rounds"


def _files(rows: Rows) -> tuple[str, str]:
    counts = _count(rows, ("tries", "wrong", "foreign", "hang", "memory", "killed", "unnamed"))
    counts["memory"] += counts["killed"]
    bad = {
        "foreign": "errors of other libraries",
        "hang": "hangs",
        "memory": "beyond memory",
        "wrong": "wrong values accepted",
        "unnamed": "sentences that name no file",
    }
    return f"{counts['tries']:,} files of {len({row['format'] for row in rows})} formats", _say(counts, bad)


def _calls(rows: Rows) -> tuple[str, str]:
    names = ("calls", "foreign", "hang", "beyond_memory", "no_sentence")
    lines = [row for row in rows if row["function"].startswith("command line")]
    counts, typed = _count(rows, names), _count(lines, names)
    bad = {
        "foreign": "errors of other libraries",
        "hang": "hangs",
        "beyond_memory": "beyond memory",
        "no_sentence": "refusals that are no sentence",
    }
    often = f"{counts['calls'] - typed['calls']:,} calls, {typed['calls']:,} command lines"
    return often, _say(counts, bad)


def _mutants(rows: Rows) -> tuple[str, str]:
    tried, left = rows[-1]["mutants"], rows[-1]["survivors"]
    return f"{tried:,} faults", f"{left:,} unnoticed ({left / tried:.0%})"


def _epochs(number: int) -> str:
    return "1 epoch" if number == 1 else f"{number} epochs"


def _cost(rows: Rows) -> tuple[str, str]:
    parts = [f"{row['system']} {row['percent_inside']:.1f} % of {_epochs(row['epochs'])}" for row in rows]
    return f"{sum(row['pairs'] for row in rows)} trainings, timed inside", ", ".join(parts)


PROOFS: dict[str, tuple[str, Callable[[Rows], tuple[str, str]]]] = {
    "kills": ("a process is killed at a random instant, and the work is done again", _kills),
    "races": ("several processes share a file", _races),
    "files": ("a file is damaged, or holds values that cannot be", _files),
    "calls": ("a function or a command is given something absurd", _calls),
    "mutants": ("a fault is put into metrics, splits or digests, and the tests are run", _mutants),
    "cost": ("what all checks add to a demo training", _cost),
}
