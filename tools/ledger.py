"""Writes the README's tables of results, and the minutes that each notebook takes, from benchmarks/results,
so that no number there is typed by hand.

The tables stand between `<!-- ledger NAME -->` and `<!-- /ledger -->`, the minutes, in the README and in the
notebooks, between `<!-- minutes NAME -->` and `<!-- /minutes -->` (a notebook's own block has no name).
`--check` writes nothing and exits with 1 if one of them says something else than the result files.
"""

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from ledger_speed import growth_table, speed_tables, throughput_table, with_minutes

ROOT = Path(__file__).resolve().parent.parent
MEASURED_ON = "linux-x86_64-2cpu"
WHOLE = {"speed": speed_tables, "growth": growth_table, "ray_throughput": throughput_table}
BLOCK = re.compile(r"<!-- ledger (?P<name>\S+) -->.*?<!-- /ledger -->", re.DOTALL)


def main(arguments: list[str] | None = None) -> int:
    """Writes the README, or with `--check` compares."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if out of date")
    parser.add_argument("--root", type=Path, default=ROOT, help="the repository")
    options = parser.parse_args(arguments)
    texts = generated(options.root)
    stale = [path for path, text in texts.items() if path.read_text(encoding="utf-8") != text]
    for path in stale:
        done = "out of date, run `make ledger`" if options.check else "written"
        print(f"{path.relative_to(options.root)}: {done}")
        if not options.check:
            path.write_text(texts[path], encoding="utf-8")
    return int(options.check and bool(stale))


def generated(root: Path) -> dict[Path, str]:
    """What the README and every numbered notebook should hold."""
    results = root / "benchmarks" / "results"
    file = results / f"speed_notebooks-{MEASURED_ON}.json"
    measured = json.loads(file.read_text(encoding="utf-8"))
    readme = root / "README.md"
    text = with_tables(readme.read_text(encoding="utf-8"), results)
    texts = {readme: with_minutes(text, measured)}
    for path in sorted((root / "notebooks").glob("[0-9]*.ipynb")):
        texts[path] = with_minutes(path.read_text(encoding="utf-8"), measured, path.stem)
    return texts


def with_tables(text: str, results: Path) -> str:
    """The text with every ledger block made anew from its result file."""

    def block(found: re.Match[str]) -> str:
        if found["name"] in WHOLE:
            return f"<!-- ledger {found['name']} -->\n{whole(found['name'], results)}\n<!-- /ledger -->"
        content = json.loads((results / f"{found['name']}.json").read_text(encoding="utf-8"))
        tables = {
            "encoder_families": families_table,
            "ramp": ramp_table,
            "sensorium_accuracy": accuracy_table,
            "sensorium_ladder": ladder_table,
            "sensorium_controls": ladder_table,
            "v1_transformer": movie_table,
            "v1_controls": movie_table,
            "real_gratings": gratings_table,
            "digital_twins": twin_table,
            "digital_twins_longer": twin_table,
        }
        table = tables.get(found["name"], study_table)(content)
        return f"<!-- ledger {found['name']} -->\n{table}\n\n{origin(content)}\n<!-- /ledger -->"

    return BLOCK.sub(block, text)


def whole(name: str, results: Path) -> str:
    """A block that says itself where its numbers come from."""
    if name == "speed":
        return speed_tables(results)
    content = json.loads((results / f"{name}-{MEASURED_ON}.json").read_text(encoding="utf-8"))
    return WHOLE[name](content)


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
        lines.append(
            "| " + " | ".join([{"demo": "simulated", "cutout": "real cut-out"}[row["tier"]], *cells]) + " |"
        )
    return "\n".join(lines)


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


def origin(content: dict[str, Any]) -> str:
    """Where the numbers come from."""
    return (
        f"`{content['command']}` · {content['seeds']} seeds, mean ± SD · commit {content['commit']} · "
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
