"""When a search pays, from the result file of its study."""

import json
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from neurokit.figures.style import COLOURS, GREY, INK

RESULT = Path(__file__).resolve().parent.parent / "benchmarks" / "results" / "search_pays.json"
LINES = {"fixed": "penalty 1", "tpe": "searched by TPE", "random": "searched at random"}
WORTH = 0.02  # of R²; less is not worth a search


def draw() -> Figure:
    """R² against training trials, a dot a simulated mouse; where the search's gain falls below 0.02."""
    content = json.loads(RESULT.read_text(encoding="utf-8"))
    rows: list[dict[str, Any]] = content["rows"]
    figure, axis = plt.subplots(figsize=(5.6, 3.0))
    for number, (penalty, name) in enumerate(LINES.items()):
        found = [row for row in rows if row["penalty"] == penalty]
        at = np.array([row["trials"] for row in found]) * 1.04 ** (number - 1)
        axis.plot(at, [row["r2_mean"] for row in found], color=COLOURS[number], label=name)
        for place, row in zip(at, found, strict=True):
            axis.scatter(np.full(len(row["r2"]), place), row["r2"], s=8, color=COLOURS[number])
    best = float(np.mean(content["ceiling"]))
    axis.axhline(best, color=INK, linestyle="--", linewidth=0.9, label="best reachable")
    axis.axhline(0, color=GREY, linewidth=0.8)
    few = _last_worth(rows)
    axis.axvline(few, color=GREY, linestyle=":")
    axis.text(few * 1.05, -0.75, f"the search gains\nless than {WORTH}", fontsize=7)
    axis.set(xscale="log", xlabel="training trials", ylabel="R² on test trials", ylim=(-0.9, 0.35))
    trials = sorted({row["trials"] for row in rows})
    axis.set_xticks(trials, [str(number) for number in trials], minor=False)
    axis.set_xticks([], minor=True)
    axis.legend(fontsize=7, loc="lower center")
    return figure


def _last_worth(rows: list[dict[str, Any]]) -> int:
    """The least number of trials from which on the search gains less than WORTH."""
    mean = {(row["trials"], row["penalty"]): row["r2_mean"] for row in rows}
    trials = sorted({row["trials"] for row in rows})
    gains = [mean[number, "tpe"] - mean[number, "fixed"] for number in trials]
    return next(n for k, n in enumerate(trials) if all(gain < WORTH for gain in gains[k:]))
