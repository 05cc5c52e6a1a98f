"""Absurd calls of public functions, and absurd command lines: what a user sees who gives something wrong.

    PYTHONPATH=benchmarks python -m reliability.absurd_calls [--calls 40] [--lines 15]

Every public function of the table (`calls.py`) is called with sound arguments in which one is replaced by a
value of the wrong kind. Each call runs in a process of its own (`tries.py`), outside pytest, where nothing
checks types. A call is refused in a sentence, refused by Python itself (a keyword that does not exist), or
accepted; an exception of others is a defect, and so are a hang and more than 1 GiB of memory. A command
line has to end with exit code 0 or 2, one line on standard error, and no traceback.
"""

import argparse
import os
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from record import save
from reliability.calls import sound_calls
from reliability.command_lines import command_lines, run_line
from reliability.sound_call import SoundCall
from reliability.tries import MEMORY, SECONDS, Outcome, attempt, is_sentence

COMMAND = "PYTHONPATH=benchmarks python -m reliability.absurd_calls"
NAME = "reliability_calls"
CALLS = 260
ABSURD: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "empty text": lambda: "",
    "text": lambda: "x",
    "bytes": lambda: b"x",
    "-1": lambda: -1,
    "1.5": lambda: 1.5,
    "NaN": lambda: float("nan"),
    "infinity": lambda: float("inf"),
    "10^30": lambda: 10**30,
    "complex": lambda: 1j,
    "empty list": list,
    "list of None": lambda: [None, None],
    "dictionary": lambda: {"x": 1},
    "empty array": lambda: np.zeros(0),
    "array of four axes": lambda: np.ones((2, 3, 1, 2)),
    "array of NaN": lambda: np.full((3, 4), np.nan),
    "object array": lambda: np.array([None, "x", {}], dtype=object),
    "text array": lambda: np.array([["a", "b"]]),
    "complex array": lambda: np.ones((3, 4)) * 1j,
    "tensor": lambda: torch.full((2, 2), torch.nan),
    "function": lambda: lambda: None,
    "table": lambda: pd.DataFrame({"x": ["a"]}),
    "device": lambda: Path("/dev/null"),
    "class": lambda: dict,
}


def try_call(call: SoundCall, argument: str, value: str) -> Outcome:
    """The call with one argument replaced."""
    return attempt(partial(_call, call, {argument: ABSURD[value]()}))


def _call(call: SoundCall, replaced: dict[str, Any]) -> None:
    call.function(**call.arguments | replaced)


def choose(table: list[SoundCall], number: int | None, seed: int) -> Iterator[tuple[SoundCall, str, str]]:
    """All calls in the order of the table, or a seeded sample of them."""
    every = [(call, name, value) for call in table for name in call.replaced for value in ABSURD]
    if number is not None:
        chosen = np.random.default_rng(seed).choice(len(every), min(number, len(every)), replace=False)
        every = [every[index] for index in sorted(chosen)]
    yield from every


def sound(table: list[SoundCall]) -> None:
    """Raises RuntimeError for calls that fail with their sound arguments."""
    found = {call.name: attempt(partial(_call, call, {})) for call in table}
    if failed := {name: outcome for name, outcome in found.items() if outcome.kind != "accepted"}:
        raise RuntimeError(f"These fail with sound arguments: {failed}")


def call_rows(table: list[SoundCall], number: int | None, seed: int) -> list[dict[str, Any]]:
    """A row for each function: how many calls ended how."""
    outcomes: dict[str, list[tuple[str, Outcome]]] = {}
    for call, argument, value in choose(table, number, seed):
        found = try_call(call, argument, value)
        outcomes.setdefault(call.name, []).append((f"{argument}={value}", found))
        _tell(f"{call.name}({argument}={value})", found)
    return [_row(name, found) for name, found in outcomes.items()]


def line_rows(lines: list[tuple[str, list[str]]]) -> list[dict[str, Any]]:
    """A row for each kind of command line."""
    outcomes: dict[str, list[tuple[str, Outcome]]] = {}
    for kind, line in lines:
        found = attempt(partial(run_line, line))
        if found.kind == "accepted":
            code, printed = found.value
            found = _judge_line(code, printed)
        outcomes.setdefault(kind, []).append((" ".join(line), found))
        _tell(f"neurokit {' '.join(line)[:90]}", found)
    return [_row(f"command line: {kind}", found) for kind, found in outcomes.items()]


def _judge_line(code: int, printed: str) -> Outcome:
    """Printed is standard error; argparse puts its usage before its line, and no full stop after it."""
    lines = [line for line in printed.splitlines() if line.strip()]
    if "Traceback" in printed or code not in (0, 2):
        return Outcome("foreign", f"exit code {code}: {printed[-300:]}")
    if code == 0:
        return Outcome("accepted")
    usage = bool(lines) and lines[0].startswith("usage:")
    return Outcome("refused" if usage or len(lines) == 1 else "foreign", (lines or [""])[-1] + "." * usage)


def _row(name: str, found: list[tuple[str, Outcome]]) -> dict[str, Any]:
    kinds = Counter(outcome.kind for _, outcome in found)
    bad = [
        f"{what}: {o.kind} {o.text}" for what, o in found if o.kind in ("foreign", "hang", "memory", "killed")
    ]
    unclear = [what for what, o in found if o.kind == "refused" and not is_sentence(o.text)]
    return {
        "function": name,
        "calls": len(found),
        "refused": kinds["refused"],
        "accepted": kinds["accepted"],
        "refused_by_python": kinds["python"],
        "foreign": kinds["foreign"],
        "hang": kinds["hang"],
        "beyond_memory": kinds["memory"] + kinds["killed"],
        "no_sentence": len(unclear),
        "bad": bad,
        "accepted_values": [what for what, o in found if o.kind == "accepted"],
    }


def _without_place(row: dict[str, Any], work: Path) -> dict[str, Any]:
    """The row without the name of the folder of this run."""
    return {
        name: [each.replace(str(work), "") for each in value] if isinstance(value, list) else value
        for name, value in row.items()
    }


def _tell(what: str, found: Outcome) -> None:
    if found.kind in ("foreign", "hang", "memory", "killed"):
        print(f"{found.kind}: {what}: {found.text}", flush=True)
    elif found.kind == "refused" and not is_sentence(found.text):
        print(f"no sentence: {what}: {found.text}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--calls", type=int, default=CALLS, help=f"so many, drawn at random (default {CALLS})"
    )
    parser.add_argument("--lines", type=int, help="so many command lines (default: all)")
    parser.add_argument("--only", default="", help="functions whose name fits this pattern")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        rows = run(Path(work), options.calls, options.lines, options.seed, options.only)
    print(pd.DataFrame(rows).drop(columns=["bad", "accepted_values"]).to_string(index=False))
    if options.calls == CALLS and options.lines is None and not options.only:
        save(
            NAME,
            rows,
            command=COMMAND,
            seed=options.seed,
            limits={"seconds": SECONDS, "memory_bytes": MEMORY},
            absurd_values=list(ABSURD),
        )


def run(
    work: Path, calls: int | None = None, lines: int | None = None, seed: int = 0, only: str = ""
) -> list[dict[str, Any]]:
    """All rows, with everything written below `work`."""
    os.environ.update(NEUROKIT_DATA=str(work / "data"), NEUROKIT_QUIET="1", NEUROKIT_SOURCE="demo")
    before = Path.cwd()
    try:
        table = [call for call in sound_calls(work) if re.search(only, call.name)]
        every = [line for line in command_lines(work) if re.search(only, "command line")]
        (work / "here").mkdir()
        os.chdir(work / "here")
        sound(table)
        rows = call_rows(table, calls, seed) + line_rows(
            every[:: max(1, len(every) // lines)] if lines else every
        )
        return [_without_place(row, work) for row in rows]
    finally:
        os.chdir(before)


if __name__ == "__main__":
    main()
