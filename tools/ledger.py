"""Writes the tables of results in README.md and book/ from benchmarks/results, so that no number there is
typed by hand.

A table stands between `<!-- ledger NAME -->` and `<!-- /ledger -->`. In the README's table of notebooks,
`<!-- minutes 03 -->` and `<!-- /minutes -->` enclose two cells: the minutes of the machine and of a reader.
In a notebook's own first cell, `<!-- minutes -->` encloses its minutes and memory.
`--check` writes nothing and exits with 1 if a page says something else than the result files.
"""

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from ledger_real import COLUMNS, SAID, real_table
from ledger_reliability import reliability_table, undetectable_table
from ledger_speed import growth_table, machine_cost, reader_minutes, speed_tables, throughput_table

ROOT = Path(__file__).resolve().parent.parent
MEASURED_ON = "linux-x86_64-2cpu"
RELIABILITY = {"reliability": reliability_table, "undetectable": undetectable_table}
WITH_ORIGIN = {"growth": growth_table, "ray_throughput": throughput_table}  # they name it themselves
BLOCK = re.compile(r"<!-- ledger (?P<name>\S+) -->.*?<!-- /ledger -->", re.DOTALL)
MINUTES = re.compile(r"<!-- minutes (?P<number>\d\d) -->.*?<!-- /minutes -->")
OWN_MINUTES = re.compile(r"<!-- minutes -->.*?<!-- /minutes -->")


def main(arguments: list[str] | None = None) -> int:
    """Writes the pages, or with `--check` compares."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if out of date")
    parser.add_argument("--root", type=Path, default=ROOT, help="the repository")
    options = parser.parse_args(arguments)
    stale = {path: text for path, text in generated(options.root).items() if path.read_text("utf-8") != text}
    for path, text in stale.items():
        done = "out of date, run `make ledger`" if options.check else "written"
        print(f"{path.relative_to(options.root)}: {done}")
        if not options.check:
            path.write_text(text, encoding="utf-8")
    return int(options.check and bool(stale))


def generated(root: Path) -> dict[Path, str]:
    """What README.md, each page of book/ and each numbered notebook should hold."""
    results, pages = root / "benchmarks" / "results", [root / "README.md", *sorted(root.glob("book/*.md"))]
    texts = {page: with_tables(page.read_text(encoding="utf-8"), results) for page in pages}
    texts = {page: with_minutes(text, results, root / "notebooks") for page, text in texts.items()}
    for path in sorted(root.glob("notebooks/[0-9]*.ipynb")):
        texts[path] = with_own_minutes(path.read_text(encoding="utf-8"), results, path.stem[:2])
    return texts


def with_tables(text: str, results: Path) -> str:
    """The text with every ledger block made anew from its result file."""

    def block(found: re.Match[str]) -> str:
        return f"<!-- ledger {found['name']} -->\n{table_of(found['name'], results)}\n<!-- /ledger -->"

    return BLOCK.sub(block, text)


def with_minutes(text: str, results: Path, notebooks: Path) -> str:
    """The text with the minutes that each notebook takes a machine, and a reader."""

    def block(found: re.Match[str]) -> str:
        number = found["number"]
        cost = _cost(results, number)
        machine = "not measured" if cost is None else f"{cost[0]:.1f}"
        (notebook,) = notebooks.glob(f"{number}_*.ipynb")
        return f"<!-- minutes {number} -->{machine} | {reader_minutes(notebook)}<!-- /minutes -->"

    return MINUTES.sub(block, text)


def with_own_minutes(text: str, results: Path, number: str) -> str:
    """A notebook's text with what it takes a machine: minutes, memory, and how they were measured."""
    if (cost := _cost(results, number)) is None:
        said = "not measured on a quiet machine yet"
    else:
        minutes, memory = cost
        said = f"{minutes:.1f} minutes and {memory:.1f} GB on two CPU cores, with a second notebook beside it"
    return OWN_MINUTES.sub(f"<!-- minutes -->{said}<!-- /minutes -->", text)


def _cost(results: Path, number: str) -> tuple[float, float] | None:
    file = results / f"speed_notebooks-{MEASURED_ON}.json"
    return machine_cost(json.loads(file.read_text(encoding="utf-8")), number)


def table_of(name: str, results: Path) -> str:
    """A result file's table, and the line that says where its numbers come from."""
    if name == "speed":
        return speed_tables(results)
    if name in RELIABILITY:
        return RELIABILITY[name](results)
    if name in WITH_ORIGIN:
        file = results / f"{name}-{MEASURED_ON}.json"
        return WITH_ORIGIN[name](json.loads(file.read_text(encoding="utf-8")))
    content = json.loads((results / f"{name}.json").read_text(encoding="utf-8"))
    if name in COLUMNS:
        return f"{real_table(name, content)}\n\n{origin(content, SAID[name])}"
    tables = {
        "encoder_families": families_table,
        "encoder_families_cutout": families_table,
        "ramp": ramp_table,
        "sensorium_accuracy": accuracy_table,
        "sensorium_ladder": ladder_table,
        "sensorium_controls": ladder_table,
        "v1_transformer": movie_table,
        "v1_described": movie_table,
        "v1_lines": movie_table,
        "v1_controls": movie_table,
        "real_gratings": gratings_table,
        "digital_twins": twin_table,
        "digital_twins_longer": twin_table,
    }
    return f"{tables.get(name, study_table)(content)}\n\n{origin(content)}"


def study_table(content: dict[str, Any]) -> str:
    """R² against the training mean, averaged over regions: one row a model."""
    rows = pd.DataFrame(content["rows"])
    rows = rows[(rows["region"] == "mean") & rows["low"].notna()]
    columns = ["95 % interval", "null", "blocked split"]
    head = ["model", "pupil alone", *columns, "all behaviour", *columns]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for model in rows["model"].drop_duplicates():
        cells = [model]
        for inputs in ("pupil", "behaviour"):
            random, blocked = (_row(rows, model, inputs, split) for split in ("random", "blocked"))
            cells += [_score(random), _interval(random), f"{random['null']:.3f}", _score(blocked)]
        lines.append("| " + " | ".join(cells) + " |")
    best = rows["best"].dropna()
    if len(best):
        pupil = rows[(rows["inputs"] == "pupil") & (rows["split"] == "random")]["best"].mean()
        lines.append(f"| *best reachable from behaviour* | {pupil:.3f} | | | | | | | |")
    return "\n".join(lines)


def families_table(content: dict[str, Any]) -> str:
    """Each family after TPE and after random search of the same budget."""
    rows = pd.DataFrame(content["rows"])
    lines = ["| family | search | test R², mean over regions | validation error (Hz²) |", "|---|---|---|---|"]
    for row in rows.to_dict("records"):
        score = f"{row['r2_mean_mean']:.3f} ± {row['r2_mean_std']:.3f}"
        error = f"{row['validation_error_mean']:.3f} ± {row['validation_error_std']:.3f}"
        lines.append(f"| {row['family'].upper()} | {row['search']} | {score} | {error} |")
    return "\n".join(lines)


def ramp_table(content: dict[str, Any]) -> str:
    """The PSTH's score past the ramp and with it, and pooled as the first PupilEncoder was scored."""
    head = ["recording", "PSTH, past the ramp", "with the ramp", "pooled, with the ramp", "pooled: mean rate"]
    keys = ("past_ramp", "with_ramp", "pooled_psth", "pooled_mean_rate")
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for row in content["rows"]:
        cells = [f"{row[f'{key}_mean']:.3f} ± {row[f'{key}_std']:.3f}" for key in keys]
        lines.append("| " + " | ".join([spoken_source(row["source"]), *cells]) + " |")
    return "\n".join(lines)


def spoken_source(source: str) -> str:
    """'simulated, 40 bins' of 'demo, 40 bins'."""
    return source.replace("demo", "simulated").replace("cutout", "real cut-out")


def accuracy_table(content: dict[str, Any]) -> str:
    """Correlation beside its ceiling, and how far receptive fields are from the planted ones."""
    head = ["model", "correlation", "ceiling", "of the ceiling", "field to truth (px)"]
    head += ["fields shuffled (px)", "readout position to truth (px)"]
    distances = ("field_distance", "shuffled_distance", "readout_distance")
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for row in content["rows"]:
        cells = [_spread(row, key) for key in ("score", "ceiling", "of_ceiling", *distances)]
        lines.append("| " + " | ".join([spoken(row["model"]), *cells]) + " |")
    return "\n".join(lines)


def spoken(model: str) -> str:
    """'CNN + behaviour untrained' of 'cnn_plus untrained'."""
    word = re.split("[ ,]", model, maxsplit=1)[0]
    return model.replace(word, word.upper().replace("_PLUS", " + behaviour"), 1)


def ladder_table(content: dict[str, Any]) -> str:
    """Each addition beside its ceiling, its gain with an interval, and the published number if it has one."""
    rows = content["rows"]
    published = any(row.get("published") is not None for row in rows)
    head = ["model", "correlation", "ceiling", "gain over the baseline, 95 % interval"]
    head += ["published, real mice; not reproduced here"] * published
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for row in rows:
        gain = f"{row['gain']:+.3f} ({row['low']:+.3f} to {row['high']:+.3f})"
        cells = [row["rung"], f"{row['score']:.3f} ± {row['sd']:.3f}", f"{row['ceiling']:.3f}"]
        cells.append("" if row["rung"] == "baseline" else gain)
        cells += ["" if row["published"] is None else f"{row['published']:.3f}"] if published else []
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def movie_table(content: dict[str, Any]) -> str:
    """Scores of cells whose movie responses are predicted, medians over the reliable ones."""
    head = ["model", "CC_norm", "correlation to the mean over repeats", "single trials", "error (SD)"]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for row in content["rows"]:
        scores = [f"{row['cc_norm']:.3f} ± {row['cc_norm_sd']:.3f}", f"{row['cc_abs']:.3f}"]
        scores.append(f"{row['single_trial']:.3f} ± {row['single_trial_sd']:.3f}")
        scores.append(f"{row['absolute_error']:.3f}")
        lines.append("| " + " | ".join([row["model"], *scores]) + " |")
    return "\n".join(lines)


def gratings_table(content: dict[str, Any]) -> str:
    """Real responses to gratings: the score, and what it stands beside; empty where it does not apply."""
    head = ["gratings", "model", "cells", "score", "correlation", "ceiling", "variance explained"]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for row in content["rows"]:
        further = [_number(row.get(name)) for name in ("correlation", "ceiling", "explained")]
        cells = [row["dataset"], row["model"], f"{row['number']:.0f} {row['cells']}"]
        score = f"{row['score']:.3f} ± {row['score_sd']:.3f}"
        lines.append("| " + " | ".join([*cells, score, *further]) + " |")
    return "\n".join(lines)


def twin_table(content: dict[str, Any]) -> str:
    """Scores of a new mouse's models by minutes of recording; some were asked of the longest alone."""
    new = ("gratings", "dots", "noise", "scenes")
    head = ["minutes", "model", "CC_norm", "single trials", *new, "preferred orientation off by (deg)"]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for row in content["rows"]:
        cells = [f"{row['minutes']:g}", row["model"]]
        cells += [f"{row[name]:.3f} ± {row[f'{name}_sd']:.3f}" for name in ("cc_norm", "single_trial")]
        cells += [_number(row.get(name)) for name in new]
        off, shuffled = (row.get(f"orientation_error{part}") for part in ("", "_shuffled"))
        cells.append("" if off is None else f"{off:.0f} (shuffled {shuffled:.0f})")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def origin(content: dict[str, Any], said: str = "") -> str:
    """Where the numbers come from; `said` is what they are, by default mean and spread of seeds."""
    said = said or f"{content['seeds']} seeds, mean ± SD"
    return (
        f"`{content['command']}` · {said} · commit {content['commit']} · "
        f"{content['time'][:10]} · {content['machine']}"
    )


def _row(rows: pd.DataFrame, model: str, inputs: str, split: str) -> pd.Series:
    chosen = (rows["model"] == model) & (rows["inputs"] == inputs) & (rows["split"] == split)
    return rows[chosen].iloc[0]


def _spread(row: dict[str, Any], key: str) -> str:
    mean, spread = row.get(f"{key}_mean"), row.get(f"{key}_std")
    return "" if mean is None else f"{mean:.3f}" + ("" if spread is None else f" ± {spread:.3f}")


def _number(value: float | None) -> str:
    return "" if value is None or value != value else f"{value:.3f}"


def _score(row: pd.Series) -> str:
    return f"{row['r2_mean']:.3f} ± {row['r2_sd']:.3f}"


def _interval(row: pd.Series) -> str:
    return f"{row['low']:.2f} to {row['high']:.2f}"


if __name__ == "__main__":
    sys.exit(main())
