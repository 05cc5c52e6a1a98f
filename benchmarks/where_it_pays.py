"""Where a lesson's model pays: its study over several simulated mice, with the score of every seed.

    python benchmarks/where_it_pays.py --lesson 06
    python benchmarks/where_it_pays.py --lesson 06 --seeds 10 --amounts 100 --no-file

A seed that has been run is kept in the result file, so that a run that was broken off goes on; `--fresh`
starts anew. What was expected stands in the study's module, and in the result. `make figures` draws
the picture.
"""

import argparse
import os
import sys
import time
from importlib import import_module
from typing import Any

import pandas as pd

from pays.study import Study, stretches
from record import RESULTS, load, save

# Lesson, and the module of benchmarks/pays/ with its `STUDY`.
STUDIES: dict[str, str] = {
    "03": "pupil",
    "04": "search",
    "05": "attribution",
    "06": "images",
    "07": "ensemble",
    "08": "movies",
    "09": "twins",
}


def main(arguments: list[str] | None = None) -> list[dict[str, Any]]:
    """Runs a study, seed by seed, writes its result file after each and prints the means."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lesson", choices=STUDIES, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", help="default: those of the study")
    parser.add_argument("--amounts", type=float, nargs="+", help="default: those of the study")
    parser.add_argument("--fresh", action="store_true", help="run seeds again that the result file has")
    parser.add_argument("--no-file", action="store_true", help="print only")
    options = parser.parse_args(arguments)
    os.environ["NEUROKIT_SOURCE"] = "demo"
    study = find(options.lesson)
    seeds, amounts = options.seeds or study.seeds, tuple(options.amounts or study.amounts)
    rows = [] if options.fresh or options.no_file else kept(options.lesson, seeds)
    for seed in seeds:
        if any(row["seed"] == seed for row in rows):
            print(f"seed {seed}: in the result file")
            continue
        start = time.perf_counter()
        rows += [{"seed": seed} | rounded(row) for row in study.run(seed, amounts)]
        print(f"seed {seed}: {time.perf_counter() - start:.0f} s", file=sys.stderr)
        if not options.no_file:
            write(options.lesson, study, rows)
    print(summary(study, rows))
    return rows


def find(lesson: str) -> Study:
    """The study of a lesson."""
    study: Study = import_module(f"pays.{STUDIES[lesson]}").STUDY
    return study


def kept(lesson: str, seeds: list[int] | tuple[int, ...]) -> list[dict[str, Any]]:
    """The rows of these seeds that an earlier run has left."""
    if not (RESULTS / f"pays_{lesson}.json").is_file():
        return []
    return [row for row in load(f"pays_{lesson}")["rows"] if row["seed"] in seeds]


def write(lesson: str, study: Study, rows: list[dict[str, Any]]) -> None:
    """The result file, with what was expected and where the model pays."""
    names = ("expected", "amount", "score", "simple", "model", "ceiling", "worth", "logarithmic")
    save(f"pays_{lesson}", rows, **{name: getattr(study, name) for name in names}, pays=pays(study, rows))


def pays(study: Study, rows: list[dict[str, Any]]) -> list[list[float]]:
    """From which amount to which the model leads in every seed, and by more than its worth in the mean."""
    each = pd.DataFrame(rows).pivot_table(index=["amount", "seed"], columns="model", values="score")
    leads = (each[study.model] - each[study.simple]).unstack("seed")
    amounts = leads.index.to_numpy()
    found = stretches(amounts, leads.to_numpy(), worth=study.worth, logarithmic=study.logarithmic)
    return [[float(f"{end:.3g}") for end in stretch] for stretch in found]


def summary(study: Study, rows: list[dict[str, Any]]) -> str:
    """The mean of each rival at each amount, the lead of the model, and where it pays."""
    table = pd.DataFrame(rows)
    shown = table.pivot_table(index="model", columns="amount", values="score", aggfunc="mean", dropna=False)
    each = table.pivot_table(index=["seed", "amount"], columns="model", values="score")
    lead = (each[study.model] - each[study.simple]).groupby("amount").agg(["min", "mean", "max"])
    ahead = " and ".join(f"{start:g} to {end:g}" for start, end in pays(study, rows)) or "nowhere"
    return (
        f"{shown.round(3).to_string()}\n\nlead of {study.model} on {study.simple}\n"
        f"{lead.round(3).to_string()}\nahead by more than {study.worth:g}: {ahead} ({study.amount})"
    )


def rounded(row: dict[str, Any]) -> dict[str, Any]:
    """A row whose score has four digits."""
    return row | {"score": round(float(row["score"]), 4)}


if __name__ == "__main__":
    main()
