"""The picture of what real recordings say, from the result files of their studies."""

import json
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurokit.figures.style import COLOURS, GREY, INK

RESULTS = Path(__file__).resolve().parent.parent / "benchmarks" / "results"
SHORT = {"PSTH by contrast": "contrast", "PSTH + drift": "drift", "PSTH": "PSTH"}


def draw() -> Figure:
    """Behaviour beside a movie, sessions under two splits, selectivity; side by side."""
    figure, axes = plt.subplots(1, 3, figsize=(10, 2.8), width_ratios=(1, 1.2, 1))
    _draw_movie(axes[0], _rows("real_natural_movie"))
    _draw_sessions(axes[1], _rows("real_sessions"))
    _draw_selectivity(axes[2], _rows("real_networks"))
    return figure


def _rows(name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))["rows"]
    return rows


def _draw_movie(axis: Axes, rows: list[dict[str, Any]]) -> None:
    shown = [row for row in rows if row["area"] == "VISp"]
    for place, row in enumerate(shown):
        for key, colour, name in (
            ("own", COLOURS[0], "its own behaviour"),
            ("other", GREY, "that of another repeat"),
        ):
            values = row.get(key, [])
            label = name if place == 1 else None
            axis.scatter(np.full(len(values), place), values, s=10, color=colour, label=label)
    axis.set(xticks=range(len(shown)), xticklabels=[row["model"].replace("PSTH x ", "× ") for row in shown])
    axis.set(ylabel="correlation with single trials", title="a movie, and what the animal did")
    axis.set_ylim(top=axis.get_ylim()[1] + 0.05)
    axis.legend(fontsize=7, loc="upper left")


def _draw_sessions(axis: Axes, rows: list[dict[str, Any]]) -> None:
    models = list(SHORT)[::-1]
    for place, model in enumerate(models):
        pair = {row["split"]: row["values"] for row in rows if row["model"] == model}
        for number, (split, values) in enumerate(pair.items()):
            at = place + 0.25 * (number - 0.5)
            axis.scatter(
                np.full(len(values), at),
                values,
                s=9,
                color=COLOURS[number],
                label=split if place == 0 else None,
            )
            axis.hlines(np.median(values), at - 0.1, at + 0.1, color=INK)
    axis.axhline(0, color=GREY, linewidth=0.8)
    axis.set(xticks=range(len(models)), xticklabels=[SHORT[model] for model in models])
    axis.set(ylabel="R² on test trials", title="16 sessions, two splits; line: median")
    axis.legend(fontsize=7, title="split", title_fontsize=7)


def _draw_selectivity(axis: Axes, rows: list[dict[str, Any]]) -> None:
    shown = [row for row in rows if row["measure"] == "median gOSI"]
    for place, row in enumerate(shown):
        colour = COLOURS[1] if "network" in row["how"] else COLOURS[0]
        axis.scatter(row["values"], np.full(len(row["values"]), place), s=20, color=colour)
    axis.set(yticks=range(len(shown)), yticklabels=[row["what"].replace(", ", "\n") for row in shown])
    axis.set(xlabel="median orientation selectivity (gOSI)", title="networks and cells", xlim=(0, 0.45))
    axis.invert_yaxis()
