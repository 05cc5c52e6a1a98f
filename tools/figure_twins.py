"""The picture of digital twins, from the result file of `benchmarks/digital_twins.py`.

What a new mouse's twin is worth by minutes of its recording, and on stimuli of kinds that nothing was
trained on.
"""

import json
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurokit.figures.style import COLOURS, GREY, INK

RESULTS = Path(__file__).resolve().parent.parent / "benchmarks" / "results"
# A colour each; the order is that of the legend.
MODELS = {
    "transferred": COLOURS[0],
    "from scratch": COLOURS[1],
    "random core": COLOURS[3],
    "motion energy + ridge": COLOURS[2],
    "lagged ridge": GREY,
}
KINDS = ("cc_norm", "gratings", "dots", "noise", "scenes")
TRUTH = {"color": INK, "linestyle": "--", "linewidth": 0.9}


def draw() -> Figure:
    """Minutes of recording, and new kinds of stimulus, side by side."""
    content = json.loads((RESULTS / "digital_twins.json").read_text(encoding="utf-8"))
    rows, each = pd.DataFrame(content["rows"]), pd.DataFrame(content["each"])
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3), width_ratios=(1.2, 1))
    draw_minutes(left, rows, each)
    draw_kinds(right, rows[rows["minutes"] == rows["minutes"].max()])
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=6, fontsize=8)
    return figure


def draw_minutes(axis: Axes, rows: pd.DataFrame, each: pd.DataFrame) -> None:
    """Means over seeds as lines, single seeds as dots; `truth` knows the mouse and lacks chance alone."""
    for model, colour in MODELS.items():
        mean, single = (of_model(table, model) for table in (rows, each))
        axis.plot(mean["minutes"], mean["cc_norm"], color=colour, label=model)
        axis.scatter(single["minutes"], single["cc_norm"], s=9, color=colour, alpha=0.6, linewidths=0)
    truth = of_model(rows, "truth")
    axis.plot(truth["minutes"], truth["cc_norm"], label="truth", **TRUTH)
    axis.set_xscale("log")
    minutes = sorted(rows["minutes"].unique())
    axis.set_xticks(minutes, [f"{value:g}" for value in minutes])
    axis.minorticks_off()
    axis.set(xlabel="minutes of the new mouse's recording", ylabel="CC_norm, median over cells")
    axis.set_title("natural video", fontsize=9)


def draw_kinds(axis: Axes, rows: pd.DataFrame) -> None:
    """Each kind of stimulus, natural video first, after most minutes."""
    kinds: dict[str, Any] = {"natural" if kind == "cc_norm" else kind: kind for kind in KINDS}
    place = np.arange(len(kinds))
    for number, (model, colour) in enumerate(MODELS.items()):
        (values,) = of_model(rows, model)[[*kinds.values()]].to_numpy(dtype=float)
        axis.scatter(place + 0.12 * (number - 2), values, s=18, color=colour)
    for x, value in zip(
        place, of_model(rows, "truth")[[*kinds.values()]].to_numpy(dtype=float)[0], strict=True
    ):
        axis.hlines(value, x - 0.35, x + 0.35, **TRUTH)
    axis.axhline(0, color=GREY, linewidth=0.8)
    axis.set_xticks(place, kinds)
    axis.set_ylabel("CC_norm, median over cells")
    axis.set_title(f"after {rows['minutes'].max():g} minutes; never trained on: all but natural", fontsize=9)


def of_model(table: pd.DataFrame, model: str) -> pd.DataFrame:
    """The rows of one model, by minutes; none for a model that was left out."""
    return table[table["model"] == model].sort_values("minutes")
