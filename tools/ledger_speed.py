"""Tables of speed and growth; of speed, every result file speed_*.json, machine by machine."""

import json
import re
from pathlib import Path
from typing import Any

import nbformat

from notebook_header import BLOCK as BADGES

TITLES = {"speed_foundation.py": "digital twin of half width, "}  # where a row does not say what it is of
UNITS = {"snippet": "frames"}  # what an axis of the growth study counts, where its name does not say
READING = re.compile(r"\*\*Reading:\*\* (?:about )?(?P<minutes>\d+) minutes")


def speed_tables(results: Path) -> str:
    """One table a machine: how many times faster, or smaller, and how long the notebooks take."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(results.glob("speed_*.json"))]
    machines = dict.fromkeys(_machine(content) for content in found)
    parts = [_table([each for each in found if _machine(each) == machine], machine) for machine in machines]
    return "\n\n".join(parts)


def _machine(content: dict[str, Any]) -> str:
    return f"{content['processor']}, {content['machine']}"


def _table(contents: list[dict[str, Any]], machine: str) -> str:
    head = ["work", "peer", "ours", "peer takes", "ours takes", "times better (lowest to highest)", "aim"]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for content in contents:
        about = TITLES.get(_script(content), "")
        lines += [_ratio_row(row, about) for row in content["rows"] if row.get("ratio") is not None]
    times = [row for content in contents for row in content["rows"] if "seconds" in row]
    made = ", ".join(f"`{_script(content)}` ({content['commit']})" for content in contents)
    return "\n".join([*lines, "", *_notebooks(times), f"{machine} · {made}"])


def _ratio_row(row: dict[str, Any], about: str) -> str:
    timed = "peer_ms" in row
    theirs, ours = (
        _time(row[f"{who}_ms"] / 1000) if timed else _memory(row[f"{who}_mb"]) for who in ("peer", "ours")
    )
    spread = f" ({row['lowest']:.3g} to {row['highest']:.3g})" if "lowest" in row else ""
    missed = "" if row["ratio"] >= row["aim"] else ", missed"
    names = f"| {about}{row['work']} | {row['peer']} | {row['ours']} "
    return f"{names}| {theirs} | {ours} | **{row['ratio']:.3g}**{spread}{missed} | {row['aim']:g} |"


def _notebooks(rows: list[dict[str, Any]]) -> list[str]:
    if not rows:
        return []
    *each, every = rows
    single = ", ".join(f"{row['work'][:2]}: {row['seconds']}" for row in each)
    said = f"All {len(each)} notebooks, two side by side, from nothing: **{every['seconds']} s**"
    return [f"{said} (aim: {every['aim']} s); seconds of each: {single}.", ""]


def _script(content: dict[str, Any]) -> str:
    return content["command"].removeprefix("python benchmarks/")


def machine_cost(content: dict[str, Any], number: str) -> tuple[float, float] | None:
    """Minutes and peak memory (GB) of the notebook of that number, another beside it; None: not measured."""
    row = next((row for row in content["rows"] if row["work"].startswith(f"{number}_")), None)
    if row is None:
        return None
    return row["seconds"] / 60, row.get("peak_mb", 0) / 1000


def reader_minutes(notebook: Path) -> int:
    """What the lesson says of itself, exercises included; an estimate for one that says nothing.

    It is to the nearest ten minutes: 180 words a minute, 45 s a code cell, 20 s a picture, 12 minutes an
    exercise. Exercises are the numbered items of the cell under "## Exercises".
    """
    cells = nbformat.read(notebook, as_version=4).cells
    if said := READING.search(cells[0].source):
        return int(said["minutes"])
    texts = [BADGES.sub("", cell.source) for cell in cells if cell.cell_type == "markdown"]
    words = sum(len(text.split()) for text in texts)
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    pictures = sum("image/png" in output.get("data", {}) for output in outputs)
    tasks = [text for text in texts if re.search(r"^## Exercises", text, re.MULTILINE)]
    exercises = sum(len(re.findall(r"^\d+\. ", text, re.MULTILINE)) for text in tasks)
    code = len(cells) - len(texts)
    return 10 * round((words / 180 + 0.75 * code + pictures / 3 + 12 * exercises) / 10)


def growth_table(content: dict[str, Any]) -> str:
    """How each size grows, and what the lines say of sizes that were not measured."""
    measured = [row for row in content["rows"] if not row.get("extrapolated")]
    further = [row for row in content["rows"] if row.get("extrapolated")]
    head = ["work", "measured at", "time grows as", "memory grows as", "this machine's memory is full at"]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|", *map(_growth_row, measured)]
    ahead = ["work", "at", "time", "extra memory", "times the largest size measured"]
    lines += ["", "| " + " | ".join(ahead) + " |", "|---" * len(ahead) + "|", *map(_ahead_row, further)]
    machine = f"{content['processor']}, {content['memory_mb'] / 1024:.0f} GB, {content['machine']}"
    return "\n".join([*lines, "", f"`{content['command']}` · commit {content['commit']} · {machine}"])


def _growth_row(row: dict[str, Any]) -> str:
    sizes, axis = row["sizes"], UNITS.get(row["axis"], row["axis"])
    powers = [f"{axis}^{round(row[f'{kind}_exponent_upper'], 2) + 0:.2f}" for kind in ("ms", "mb")]
    full = row.get("fills_this_machine")
    end = f"{_short(full)} {axis}" if full and full == full and full < 1e9 else "no size"
    return f"| {row['what']} | {sizes[0]:,} to {sizes[-1]:,} {axis} | {powers[0]} | {powers[1]} | {end} |"


def _ahead_row(row: dict[str, Any]) -> str:
    size, times = f"{row['size']:,} {row['axis']}", row.get("times_the_largest")
    took = _time(row["ms"] / 1000)
    memory = "of one, and all their weights" if row["axis"] == "members" else _memory(row["mb"])
    beyond = f"{times:,.4g}" if times else ""  # a product of measured sizes has none
    return f"| {row['what']} | {size} | {took} | {memory} | {beyond} |"


def _time(seconds: float) -> str:
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds:.3g} s" if seconds >= 1 else f"{1000 * seconds:.3g} ms"


def _memory(mb: float) -> str:
    return f"{mb / 1024:,.0f} GB" if mb >= 2**20 else f"{mb / 1024:.3g} GB" if mb >= 1024 else f"{mb:.3g} MB"


def _short(number: float) -> str:
    return f"{float(f'{number:.2g}'):,.0f}"


def throughput_table(content: dict[str, Any]) -> str:
    """What two workers do beside one."""
    lines = ["| work | one worker, a minute | two workers, a minute | times |", "|---|---|---|---|"]
    for row in content["rows"]:
        one, two = (row[f"{row['work']} a minute, {number} workers"] for number in (1, 2))
        times = f"**{row['ratio']:.2f}** ({row['lowest']:.2f} to {row['highest']:.2f})"
        lines.append(f"| {row['work']} | {one:.3g} | {two:.3g} | {times} |")
    facts = f"`{content['command']}` · commit {content['commit']} · {content['processor']}"
    return "\n".join([*lines, "", f"{facts}, {content['machine']}"])
