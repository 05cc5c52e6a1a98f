"""Figures of scores beside the ceiling that noise sets.

Letters: U units.
"""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Bool
from matplotlib.figure import Figure

from neurokit.errors import DataError
from neurokit.figures.style import COLOURS, GREY, INK
from neurokit.metrics.repeats import UnevenRepeatScores


def plot_ceiling(scores: UnevenRepeatScores) -> Figure:
    """CC_abs of each unit (a dot) against its CC_max; the line is the ceiling.

    The colour is CC_norm. Units without a signal are not shown; the title counts them. Raises DataError where
    no unit has a signal.
    """
    shown = _with_signal(scores, "plot")
    figure, axis = plt.subplots(figsize=(3.8, 3.2))
    axis.plot([0, 1], [0, 1], color=INK, linewidth=0.8, label="ceiling")
    axis.axhline(0, color=GREY, linewidth=0.8)
    colours = plt.get_cmap("viridis", 20)  # few, since notebooks store 64 colours
    look = {"s": 12, "c": scores.cc_norm[shown], "cmap": colours, "vmin": 0, "vmax": 1, "linewidths": 0}
    dots = axis.scatter(scores.cc_max[shown], scores.cc_abs[shown], **look)
    axis.set(xlabel="CC_max (correlation that noise allows)", ylabel="CC_abs (correlation)")
    axis.set_title(f"{shown.sum()} units; {(~shown).sum()} more without signal", fontsize=8)
    axis.legend(loc="upper left", fontsize=8)
    figure.colorbar(dots, ax=axis, label="CC_norm", extend="both")
    return figure


def plot_normalised(models: Mapping[str, UnevenRepeatScores], *, bins: int = 30) -> Figure:
    """Histogram over units of CC_norm, an outline a model, and its median (dashed; in the legend as number).

    1 is a perfect prediction of the signal; what lies outside of the drawn range counts in the outermost
    bins. Raises DataError where no unit of a model has a signal.
    """
    values = {name: scores.cc_norm[_with_signal(scores, name)] for name, scores in models.items()}
    figure, axis = plt.subplots(figsize=(4.2, 2.6))
    edges = np.linspace(min(0, *(np.quantile(found, 0.01) for found in values.values())), 1.4, bins + 1)
    for (name, found), colour in zip(values.items(), COLOURS, strict=False):
        median = np.median(found)
        label = f"{name}: median {median:.2f}"
        inside = np.clip(found, edges[0], edges[-1])
        axis.hist(inside, edges.tolist(), histtype="stepfilled", color=colour, alpha=0.3)
        axis.hist(inside, edges.tolist(), histtype="step", color=colour, label=label)
        axis.axvline(median, color=colour, linestyle="--", linewidth=1)
    axis.axvline(1, color=INK, linewidth=0.8)
    axis.set(xlabel="CC_norm (1: all of the signal)", ylabel="units")
    figure.legend(loc="outside lower center", ncols=min(2, len(values)), fontsize=8)
    return figure


def _with_signal(scores: UnevenRepeatScores, name: str) -> Bool[np.ndarray, "U"]:
    found = ~np.isnan(scores.cc_norm)
    if not found.any():
        raise DataError(f"No unit of {name!r} has a signal that repeats; record more repeats or other units.")
    return found
