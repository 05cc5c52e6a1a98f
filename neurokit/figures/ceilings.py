"""Figures of scores beside the ceiling that noise sets.

Letters: U units.
"""

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Bool
from matplotlib.figure import Figure

from neurokit.arguments import explain_values
from neurokit.errors import DataError
from neurokit.figures.style import GREY, INK
from neurokit.metrics.repeats import UnevenRepeatScores


@explain_values
def plot_ceiling(scores: UnevenRepeatScores) -> Figure:
    """CC_abs of each unit (a dot) against its CC_max; the line is the ceiling.

    The colour is CC_norm. Units without a signal are not shown; the title counts them. Raises DataError where
    no unit has a signal.
    """
    shown = _with_signal(scores)
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


def _with_signal(scores: UnevenRepeatScores) -> Bool[np.ndarray, "U"]:
    found = ~np.isnan(scores.cc_norm)
    if not found.any():
        raise DataError(
            f"None of the {len(found)} units has a signal that repeats; record more repeats or other units."
        )
    return found
