"""Pictures of what real recordings say, one for each study, from its result file."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurokit.figures.style import COLOURS, GREY, INK

RESULTS = Path(__file__).resolve().parent.parent / "benchmarks" / "results"
SPLITS = ("random", "blocked")
AREAS = ("VISp", "VISl", "CA1")  # two visual areas and the hippocampus
Rows = list[dict[str, Any]]


def draw_sessions() -> Figure:
    """R² of each session's baselines under two splits."""
    models = ("PSTH", "PSTH + drift", "PSTH by contrast")
    rows = _rows("real_sessions")
    figure, axis = plt.subplots(figsize=(5.4, 2.8))
    for number, split in enumerate(SPLITS):
        pairs = [_only(rows, model=model, split=split)["values"] for model in models]
        _dots(axis, pairs, COLOURS[number], f"{split} split", 0.26 * (number - 0.5), np.median)
    axis.axhline(0, color=GREY, linewidth=0.8)
    axis.set(xticks=range(len(models)), xticklabels=models, ylabel="R² on test trials")
    axis.set_title("16 sessions; a line is their median")
    axis.legend(fontsize=7, loc="upper left")
    return figure


def draw_ibl() -> Figure:
    """R² of each region's mean count before the stimulus, from behaviour, drift or both, under two splits."""
    rows = _rows("real_ibl")
    regions = list(dict.fromkeys(row["region"] for row in rows))
    inputs = ("behaviour", "drift", "both")
    figure, axes = plt.subplots(1, len(regions), figsize=(8.6, 2.6), sharey=True)
    for axis, region in zip(axes, regions, strict=True):
        for number, split in enumerate(SPLITS):
            values = [_only(rows, region=region, inputs=name)[split] for name in inputs]
            _dots(axis, values, COLOURS[number], f"{split} folds", 0.26 * (number - 0.5), np.mean)
        axis.axhline(0, color=GREY, linewidth=0.8)
        units = _only(rows, region=region, inputs="drift")["units"]
        axis.set(xticks=range(len(inputs)), xticklabels=inputs, title=f"{region}, {units} units")
    axes[0].set_ylabel("R² on test trials")
    axes[-1].legend(fontsize=7)
    return figure


def draw_movie() -> Figure:
    """Correlation with single trials of a movie, with the behaviour of its repeat and of another one."""
    rows = _rows("real_natural_movie")
    models = ("PSTH", "PSTH x running", "PSTH x pupil", "PSTH x both")
    figure, axes = plt.subplots(1, len(AREAS), figsize=(8.6, 2.8), sharey=True)
    for axis, area in zip(axes, AREAS, strict=True):
        found = [_only(rows, area=area, model=model) for model in models]
        _dots(axis, [row["own"] for row in found], COLOURS[0], "behaviour of this repeat", 0)
        _dots(axis, [row.get("other", []) for row in found], GREY, "of the repeat ten away", 0)
        names = [model.replace("PSTH x ", "× ") for model in models]
        axis.axhline(0, color=GREY, linewidth=0.8)
        axis.set(xticks=range(len(models)), xticklabels=names, title=f"{area}, {found[0]['units']} units")
    axes[0].set_ylabel("correlation with single trials")
    axes[0].legend(fontsize=7, loc="lower left")
    return figure


def draw_networks() -> Figure:
    """Likeness of geometry to that of real cells, and orientation selectivity, of two trained networks."""
    rows = _rows("real_networks")
    figure, (likeness, selectivity) = plt.subplots(1, 2, figsize=(8.6, 2.8), width_ratios=(1.2, 1))
    whats = ("pixels", "LN", "CNN", "half of the repeats")
    for number, how in enumerate(("z-scored", "raw rates")):
        values = [_only(rows, measure="RSA, static gratings", what=what, how=how)["values"] for what in whats]
        _dots(likeness, values, COLOURS[number], how, 0.2 * (number - 0.5))
    likeness.axhline(0, color=GREY, linewidth=0.8)
    likeness.set(xticks=range(len(whats)), xticklabels=whats)
    likeness.set(ylabel="rank correlation with the cells' RDM", title="geometry of static gratings (RSA)")
    likeness.legend(fontsize=7, title="units of the RDM", title_fontsize=7)
    shown = [row for row in rows if row["measure"] == "median gOSI"]
    for place, row in enumerate(shown):
        colour = COLOURS[1] if "network" in row["how"] else COLOURS[0]
        selectivity.scatter(row["values"], np.full(len(row["values"]), place), s=20, color=colour)
    names = [row["what"].replace(", ", "\n") for row in shown]
    selectivity.set(yticks=range(len(shown)), yticklabels=names, xlim=(0, 0.45))
    selectivity.set(xlabel="median orientation selectivity (gOSI)", title="networks (orange), cells (blue)")
    selectivity.invert_yaxis()
    return figure


def draw_gratings() -> Figure:
    """Scores of network, line, tuning and controls for held-out gratings; a dot is a split."""
    rows = _rows("real_gratings")
    kinds = {
        "drifting": ("drifting gratings (Allen)", "chosen", "CC_norm"),
        "static": ("static gratings (Allen)", "chosen", "CC_norm"),
        "running": ("what running adds (Park, control mouse)", "all", "correlation"),
        "running, edited mouse": ("what running adds (Park, edited mouse)", "all", "correlation"),
    }
    figure, axes = plt.subplots(2, 2, figsize=(8.6, 5.4))
    for axis, (dataset, (title, cells, score)) in zip(axes.flat, kinds.items(), strict=True):
        found = [row for row in rows if row["dataset"] == dataset and row["cells"] == cells]
        for place, row in enumerate(found):
            control = any(word in row["model"] for word in ("shuffled", "no running", "shifted"))
            colour = GREY if control or row["model"] == "mean" else COLOURS[0]
            axis.scatter(row["score_each"], np.full(len(row["score_each"]), place), s=12, color=colour)
            axis.vlines(row["score"], place - 0.25, place + 0.25, color=INK)
        names = [row["model"].replace("V1Transformer", "network").replace(", ", ",\n") for row in found]
        axis.axvline(0, color=GREY, linewidth=0.8)
        axis.set(yticks=range(len(found)), yticklabels=names, xlabel=score, title=title)
        axis.tick_params(axis="y", labelsize=7)
        axis.invert_yaxis()
    return figure


def draw_reality() -> Figure:
    """Each measure of the simulation beside that of real recordings."""
    rows = _rows("simulation_beside_reality")
    figure, axis = plt.subplots(figsize=(7.4, 3.2))
    for place, row in enumerate(rows):
        for number, key in enumerate(("simulated", "real")):
            label = key if place == 0 else None
            axis.scatter(
                row[key], np.full(len(row[key]), place), s=18, color=COLOURS[1 - number], label=label
            )
    axis.axvline(0, color=GREY, linewidth=0.8)
    axis.set(yticks=range(len(rows)), yticklabels=[row["measure"] for row in rows])
    axis.set(xlabel="value of the measure (s for calcium, else a share or a correlation)")
    axis.set_title("a dot is a simulated mouse or a recording")
    axis.tick_params(axis="y", labelsize=7)
    axis.legend(fontsize=7, loc="lower right")
    axis.invert_yaxis()
    return figure


def draw_ramp() -> Figure:
    """R² of the PSTH with the smoothing's ramp and past it; a dot is a seed."""
    rows = _rows("ramp")
    figure, axis = plt.subplots(figsize=(5.4, 2.6))
    for number, (key, name) in enumerate(
        (("with_ramp_each", "ramp scored"), ("past_ramp_each", "past the ramp"))
    ):
        _dots(axis, [row[key] for row in rows], COLOURS[1 - number], name, 0, np.mean)
    axis.axhline(0, color=GREY, linewidth=0.8)
    names = {
        "demo": "simulated,\n250 bins",
        "demo, 40 bins": "simulated,\n40 bins",
        "cutout": "real,\n40 bins",
    }
    axis.set(xticks=range(len(rows)), xticklabels=[names[row["source"]] for row in rows])
    axis.set(ylabel="R² of the PSTH", title="what the smoothing ramp is worth")
    axis.legend(fontsize=7)
    return figure


def _dots(
    axis: Axes, groups: Sequence[Sequence[float]], colour: str, name: str, shift: float, middle: Any = None
) -> None:
    """A column of dots for each group, with a line at its `middle` (median or mean)."""
    for place, values in enumerate(groups):
        at = place + shift
        axis.scatter(np.full(len(values), at), values, s=9, color=colour, label=name if place == 1 else None)
        if middle is not None and len(values):
            axis.hlines(middle(values), at - 0.1, at + 0.1, color=INK)


def _rows(name: str) -> Rows:
    rows: Rows = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))["rows"]
    return rows


def _only(rows: Rows, **wanted: str) -> dict[str, Any]:
    """The one row that has these values."""
    (row,) = [row for row in rows if all(row[key] == value for key, value in wanted.items())]
    return row
