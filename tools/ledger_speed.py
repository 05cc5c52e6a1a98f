"""The README's tables of speed: every result file benchmarks/results/speed_*.json, machine by machine."""

import json
from pathlib import Path
from typing import Any


def speed_tables(results: Path) -> str:
    """One table a machine: how many times faster, or smaller, and how long the notebooks take."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(results.glob("speed_*.json"))]
    machines = dict.fromkeys(_machine(content) for content in found)
    parts = [_table([each for each in found if _machine(each) == machine], machine) for machine in machines]
    return "\n\n".join(parts)


def _machine(content: dict[str, Any]) -> str:
    return f"{content['processor']}, {content['machine']}"


def _table(contents: list[dict[str, Any]], machine: str) -> str:
    head = ["work", "beside", "theirs", "ours", "times better (lowest to highest)", "aim"]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for content in contents:
        lines += [_ratio_row(row) for row in content["rows"] if "ratio" in row]
    times = [row for content in contents for row in content["rows"] if "seconds" in row]
    made = ", ".join(f"`{_script(content)}` ({content['commit']})" for content in contents)
    return "\n".join([*lines, "", *_notebooks(times), f"{machine} · {made}"])


def _ratio_row(row: dict[str, Any]) -> str:
    unit = "ms" if "peer_ms" in row else "MB"
    theirs, ours = (f"{row[f'{who}_{unit.lower()}']:,g} {unit}" for who in ("peer", "ours"))
    spread = f" ({row['lowest']:.2g} to {row['highest']:.2g})" if "lowest" in row else ""
    missed = "" if row["ratio"] >= row["aim"] else ", missed"
    ratio = f"**{row['ratio']:.3g}**{spread}{missed}"
    return f"| {row['work']} | {row['peer']} | {theirs} | {ours} | {ratio} | {row['aim']:g} |"


def _notebooks(rows: list[dict[str, Any]]) -> list[str]:
    if not rows:
        return []
    *each, every = rows
    single = ", ".join(f"{row['work'][:2]}: {row['seconds']}" for row in each)
    said = f"All {len(each)} notebooks, two side by side, from nothing: **{every['seconds']} s**"
    return [f"{said} (aim: {every['aim']} s); seconds of each: {single}.", ""]


def _script(content: dict[str, Any]) -> str:
    return content["command"].removeprefix("python benchmarks/")
