"""Where each lesson's model pays, from the result file of its study."""

import json
from pathlib import Path
from textwrap import fill
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurokit.figures.style import COLOURS, GREY, INK

RESULTS = Path(__file__).resolve().parent.parent / "benchmarks" / "results"
SHIFT, STEP = 1.04, 0.02  # of the dots of neighbouring lines, so that none hides another: factor, or share
WIDE, BAND = 1.12, 0.035  # of the grey around an amount that stands alone: factor, or share
CONTROL, SHORT = " (control)", " (not settled)"  # end the names of models run otherwise than the others


def draw(lesson: str) -> Figure:
    """Score against amount: a line for the mean of each rival, a dot for each simulated mouse.

    Changed versions of the model that were run at one amount have a panel of their own, beside the simple
    and the unchanged model; those that were run on a control, beside the same models on what was planted.
    Hollow dots are networks that were trained too briefly to settle.
    """
    content = json.loads((RESULTS / f"pays_{lesson}.json").read_text(encoding="utf-8"))
    rows = pd.DataFrame(content["rows"])
    main = [content["simple"], content["model"]]
    others = sorted(set(rows["model"]) - {*main, content["ceiling"]})
    changed = [
        name for name in others if name.startswith(content["model"]) and _amounts(rows, name).size == 1
    ]
    changed = changed if len(changed) > 1 else []
    controls = [name for name in others if name.endswith(CONTROL)]
    short = [name for name in others if name.endswith(SHORT)]
    others = [name for name in others if name not in controls + short]
    figure, axis, beside = _panels(bool(changed or controls))
    for place, (name, colour) in enumerate(zip(main + others, COLOURS, strict=False)):
        if name in changed:
            continue
        own = rows[rows["model"] == name]
        dots = own["amount"] * SHIFT ** (place - 1)
        if not content["logarithmic"]:
            dots = own["amount"] + STEP * (place - 1) * (rows["amount"].max() - rows["amount"].min())
        _line(axis, own, name, colour, dots, wide=name in main, lowest=content.get("lowest"))
        _hollow(axis, rows[rows["model"] == name + SHORT], colour, SHIFT ** (place + 3))
    _ceiling(axis, rows[rows["model"] == content["ceiling"]], content["ceiling"])
    if content["logarithmic"]:
        amounts = _amounts(rows)
        axis.set_xscale("log")
        axis.set_xticks(amounts, [f"{amount:g}" for amount in amounts])
        axis.set_xticks([], minor=True)
    _leads(axis, content, _amounts(rows))
    if content.get("lowest") is not None:
        axis.set_ylim(bottom=content["lowest"])
    axis.set_xlabel(content["amount"])
    axis.set_ylabel(content["score"], fontsize=8)
    if beside is None:
        figure.legend(fontsize=7, loc="outside right center")
        return figure
    amount = _amounts(rows, [*changed, *controls][0])[0]
    at_one = rows[rows["amount"] == amount]
    if controls:
        if short:
            axis.scatter(
                [], [], s=10, facecolor="white", edgecolor=INK, label="trained too briefly to settle"
            )
        figure.legend(*axis.get_legend_handles_labels(), fontsize=7, loc="outside lower center", ncols=3)
        _with_controls(beside, at_one, [name.removesuffix(CONTROL) for name in controls], main + others)
    else:
        axis.legend(fontsize=7)
        _each(beside, at_one, main, changed)
    beside.set(title=f"{content['amount'].split(' in ')[0]}: {amount:g}", ylim=axis.get_ylim())
    return figure


def _panels(two: bool) -> tuple[Figure, Axes, Axes | None]:
    """The figure and its panel, or both of its panels."""
    if not two:
        figure, axis = plt.subplots(figsize=(7.0, 2.8))
        return figure, axis, None
    figure, (axis, beside) = plt.subplots(1, 2, figsize=(7.4, 3.0), sharey=True, width_ratios=(1.1, 1))
    return figure, axis, beside


def _amounts(rows: pd.DataFrame, model: str | None = None) -> np.ndarray:
    """The amounts that were run, of one model or of all, ascending."""
    chosen = rows if model is None else rows[rows["model"] == model]
    return np.sort(chosen["amount"].dropna().unique())


def _leads(axis: Axes, content: dict[str, Any], amounts: np.ndarray) -> None:
    """Grey between amounts that were run and at which the model leads, or around one that stands alone."""
    by = f",\nby more than {content['worth']:g} on average" if content["worth"] else ""
    label = f"{content['model']} leads in every mouse{by}"
    for start, end in content["pays"]:
        ahead = amounts[(amounts >= start) & (amounts <= end)]
        if not ahead.size:
            continue
        low, high = ahead[0], ahead[-1]
        if low == high and content["logarithmic"]:
            low, high = low / WIDE, high * WIDE
        elif low == high:
            width = BAND * (amounts[-1] - amounts[0])
            low, high = low - width, high + width
        axis.axvspan(low, high, color=GREY, alpha=0.2, linewidth=0, label=label)
        label = None


def _each(axis: Axes, rows: pd.DataFrame, main: list[str], changed: list[str]) -> None:
    """The scores of main and changed models at one amount: a line for each mouse, a dash for each mean."""
    table = rows.pivot_table(index="seed", columns="model", values="score")
    names = [*main, *sorted(changed, key=lambda name: -table[name].mean())]
    places = np.arange(len(names))
    for number, (_, scores) in enumerate(table[names].iterrows()):
        axis.plot(places, scores, color=GREY, linewidth=0.8, zorder=1, label=None if number else "one mouse")
    for place, (name, colour) in enumerate(zip(names, COLOURS, strict=False)):
        axis.scatter([place] * len(table), table[name], s=12, color=colour, zorder=2)
        axis.plot(place, table[name].mean(), "_", color=colour, markersize=14, markeredgewidth=2)
    labels = [name if name in main else name.removeprefix(main[1]).strip(", ") for name in names]
    axis.set_xticks(places, [fill(label, 13) for label in labels], fontsize=6.5)
    axis.set_xlim(-0.5, len(names) - 0.5)
    axis.legend(fontsize=7, loc="upper right")


def _with_controls(axis: Axes, rows: pd.DataFrame, names: list[str], order: list[str]) -> None:
    """The scores of models on what was planted (left) and on the control (right): a line for each mouse."""
    table = rows.pivot_table(index="seed", columns="model", values="score")
    names = sorted(names, key=lambda name: table[name].mean())
    for start, suffix, title in (
        (0, "", "history, state, gain planted"),
        (len(names), CONTROL, "control: nothing slow planted"),
    ):
        places = start + np.arange(len(names))
        own = table[[name + suffix for name in names]]
        for number, (_, scores) in enumerate(own.iterrows()):
            label = None if start + number else "one mouse"
            axis.plot(places, scores, color=GREY, linewidth=0.8, zorder=1, label=label)
        for place, name in zip(places, names, strict=True):
            colour, scores = COLOURS[order.index(name)], table[name + suffix]
            axis.scatter([place] * len(table), scores, s=12, color=colour, zorder=2)
            axis.plot(place, scores.mean(), "_", color=colour, markersize=14, markeredgewidth=2)
        axis.text(places.mean(), 0.03, title, transform=axis.get_xaxis_transform(), ha="center", fontsize=7)
    axis.axvline(len(names) - 0.5, color=GREY, linewidth=0.8, linestyle=":")
    axis.set_xticks(range(2 * len(names)), [fill(name, 10) for name in names] * 2, fontsize=6)
    axis.set_xlim(-0.5, 2 * len(names) - 0.5)
    axis.legend(fontsize=7, loc="upper right")


def _hollow(axis: Axes, rows: pd.DataFrame, colour: str, shift: float) -> None:
    """Scores of networks that were trained too briefly, to the right of the others."""
    axis.scatter(rows["amount"] * shift, rows["score"], s=10, facecolor="white", edgecolor=colour, zorder=3)


def _line(
    axis: Axes,
    rows: pd.DataFrame,
    name: str,
    colour: str,
    dots: pd.Series,
    *,
    wide: bool,
    lowest: float | None = None,
) -> None:
    """A line through the means, or a dash where there is one amount; a dot for each mouse, at `dots`.

    Dots below `lowest` are drawn there as triangles that point down.
    """
    mean = rows.groupby("amount")["score"].mean()
    if len(mean) == 1:
        axis.plot(dots.mean(), mean, "_", color=colour, markersize=7, label=name)
    else:
        axis.plot(mean.index, mean, color=colour, linewidth=1.8 if wide else 0.9, label=name)
    below = rows["score"] < (-np.inf if lowest is None else lowest)
    axis.scatter(dots[~below], rows["score"][~below], s=7, color=colour)
    if below.any():
        axis.scatter(dots[below], np.full(below.sum(), lowest), s=16, color=colour, marker="v", clip_on=False)


def _ceiling(axis: Axes, rows: pd.DataFrame, name: str) -> None:
    """A line through the means where the ceiling depends on the amount, else one across."""
    mean = rows.dropna(subset="amount").groupby("amount")["score"].mean()
    if len(mean):
        axis.plot(mean.index, mean, color=INK, linestyle="--", linewidth=0.9, label=name)
    elif len(rows):
        axis.axhline(rows["score"].mean(), color=INK, linestyle="--", linewidth=0.9, label=name)
