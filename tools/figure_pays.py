"""Where each lesson's model pays, from the result file of its study."""

import json
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurokit.figures.style import COLOURS, GREY, INK

RESULTS = Path(__file__).resolve().parent.parent / "benchmarks" / "results"
SHIFT, STEP = 1.02, 0.018  # of the dots of neighbouring lines, so that none hides another: factor, or share


def draw(lesson: str) -> Figure:
    """Score against amount: a line for the mean of each rival, a dot for each simulated mouse."""
    content = json.loads((RESULTS / f"pays_{lesson}.json").read_text(encoding="utf-8"))
    rows = pd.DataFrame(content["rows"])
    figure, axis = plt.subplots(figsize=(7.0, 2.8))
    main = [content["simple"], content["model"]]
    others = sorted(set(rows["model"]) - {*main, content["ceiling"]})
    for place, (name, colour) in enumerate(zip(main + others, COLOURS, strict=False)):
        own = rows[rows["model"] == name]
        beside = own["amount"] * SHIFT ** (place - 1)
        if not content["logarithmic"]:
            beside = own["amount"] + STEP * (place - 1) * (rows["amount"].max() - rows["amount"].min())
        _line(axis, own, name, colour, beside, wide=name in main)
    _ceiling(axis, rows[rows["model"] == content["ceiling"]], content["ceiling"])
    if content["logarithmic"]:
        amounts = sorted(rows["amount"].dropna().unique())
        axis.set_xscale("log")
        axis.set_xticks(amounts, [f"{amount:g}" for amount in amounts])
        axis.set_xticks([], minor=True)
    for number, (start, end) in enumerate(content["pays"]):
        by = f" by more than {content['worth']:g}" if content["worth"] else ""
        label = None if number else f"{content['model']} leads{by},\nand in every mouse"
        axis.axvspan(start, end, color=GREY, alpha=0.2, linewidth=0, label=label)
    axis.set(xlabel=content["amount"], ylabel=content["score"].replace(", ", ",\n"))
    figure.legend(fontsize=7, loc="outside right center")
    return figure


def _line(axis: Axes, rows: pd.DataFrame, name: str, colour: str, beside: pd.Series, *, wide: bool) -> None:
    """A line through the means, or a dash where there is one amount; a dot for each mouse, at `beside`."""
    mean = rows.groupby("amount")["score"].mean()
    if len(mean) == 1:
        axis.plot(beside.mean(), mean, "_", color=colour, markersize=7, label=name)
    else:
        axis.plot(mean.index, mean, color=colour, linewidth=1.8 if wide else 0.9, label=name)
    axis.scatter(beside, rows["score"], s=7, color=colour)


def _ceiling(axis: Axes, rows: pd.DataFrame, name: str) -> None:
    """A line through the means where the ceiling depends on the amount, else one across."""
    mean = rows.dropna(subset="amount").groupby("amount")["score"].mean()
    if len(mean):
        axis.plot(mean.index, mean, color=INK, linestyle="--", linewidth=0.9, label=name)
    elif len(rows):
        axis.axhline(rows["score"].mean(), color=INK, linestyle="--", linewidth=0.9, label=name)
