"""Pictures of SENSORIUM models: learning curves, scores of neurons, maps of pixels.

Letters: N neurons, H x W image, P panels of a row.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from neurokit.arguments import explain_values
from neurokit.figures.style import COLOURS, GREY, INK


@explain_values
def plot_learning(histories: Mapping[str, pd.DataFrame]) -> Figure:
    """Correlation on single validation trials over epochs, a line a model.

    The histories are those of `neurokit.sensorium.train`, whose validation loss is minus that.
    """
    figure, axis = plt.subplots(figsize=(3.6, 2.2))
    for name, history in histories.items():
        axis.plot(history["epoch"] + 1, -history["validation_loss"], marker=".", label=name)
    axis.set(xlabel="epoch", ylabel="validation correlation", ylim=(0, None))
    figure.legend(loc="outside lower center", ncols=len(histories), fontsize=8)
    return figure


@explain_values
def plot_neuron_scores(
    scores: Mapping[str, Float[np.ndarray, "N"]], ceilings: Mapping[str, Float[np.ndarray, "N"]]
) -> Figure:
    """Correlation of each model, beside its own ceiling: mean over neurons (dot) and their middle half.

    A ceiling is drawn as a tick at its mean, in grey the middle half of the neurons' ceilings.
    """
    figure, axis = plt.subplots(figsize=(5.2, 0.42 * len(scores) + 0.9))
    for place, (name, values) in enumerate(scores.items()):
        axis.hlines(place + 0.18, *np.quantile(ceilings[name], (0.25, 0.75)), color=GREY, linewidth=1)
        axis.scatter(ceilings[name].mean(), place + 0.18, color=INK, marker="|", s=70)
        axis.hlines(place, *np.quantile(values, (0.25, 0.75)), color=COLOURS[0], linewidth=3, alpha=0.4)
        axis.scatter(values.mean(), place, color=COLOURS[0], s=24, zorder=3)
    axis.axvline(0, color=GREY, linewidth=0.8)
    axis.set_yticks(range(len(scores)), scores)
    axis.invert_yaxis()
    axis.set_xlabel("correlation on single test trials (dot: model, tick: its ceiling)")
    return figure


@explain_values
def draw(scores: pd.DataFrame) -> Figure:
    """Correlation of each model on single test trials, a panel a scan, with its spread over neurons.

    `scores` as `neurokit.sensorium.evaluate` gives them; dashed: the ceiling, in grey its spread.
    """
    mice, models = scores.mouse.unique(), [name for name in scores.model.unique() if name != "ceiling"]
    size = (1.7 * len(mice) + 1.4, 0.3 * len(models) + 0.9)
    figure, axes = plt.subplots(1, len(mice), figsize=size, sharex=True, sharey=True, squeeze=False)
    for axis, mouse in zip(axes[0], mice, strict=True):
        _draw_scores(axis, scores[scores.mouse == mouse].set_index("model"), models)
        axis.set_title("all neurons" if mouse == "all" else f"scan {mouse}", fontsize=8)
    axes[0, 0].set_yticks(range(len(models)), models)
    axes[0, 0].set_ylim(len(models) - 0.5, -0.5)
    figure.supxlabel(
        "correlation on single test trials (mean ± SD over neurons; dashed: ceiling)", fontsize=8
    )
    return figure


def _draw_scores(axis: Axes, rows: pd.DataFrame, models: Sequence[str]) -> None:
    if "ceiling" in rows.index:
        best, spread = rows.loc["ceiling", ["single_trial", "spread"]].astype(float)
        axis.axvspan(best - spread, best + spread, color=GREY, alpha=0.2, linewidth=0)
        axis.axvline(best, color=INK, linestyle="--", linewidth=0.9)
    shown = rows.loc[list(models)]
    places = range(len(models))
    axis.errorbar(shown.single_trial, places, xerr=shown.spread, fmt="o", markersize=4, color=COLOURS[0])
    axis.axvline(0, color=GREY, linewidth=0.8)


@explain_values
def plot_maps(
    rows: Mapping[str, Float[np.ndarray, "P H W"]],
    titles: Sequence[str],
    *,
    grey: Sequence[str] = (),
    circles: Float[np.ndarray, "P 3"] | None = None,
    reach: int | float | None = None,
) -> Figure:
    """Maps of pixels, a row a kind and a column a neuron, each scaled to its own largest value.

    Red is above zero, blue below; the rows named in `grey` are drawn as images. `circles` (row,
    column, radius; pixels) mark one place in each column. With `reach` only the pixels that lie no farther
    than this from the middle of the circle are drawn, since a field is small on a whole image.
    """
    shape = (len(rows), len(titles))
    size = (1.75 * shape[1] + 0.6, (1.08 if reach is None else 1.6) * shape[0] + 0.5)
    shared: Literal["all", "col"] = "all" if reach is None else "col"
    figure, axes = plt.subplots(*shape, figsize=size, squeeze=False, sharex=shared, sharey=shared)
    for own, (name, maps) in zip(axes, rows.items(), strict=True):
        for column, (axis, values) in enumerate(zip(own, maps, strict=True)):
            _draw_map(axis, values, "gray" if name in grey else "RdBu_r")
            if circles is not None:
                y, x, radius = circles[column]
                axis.add_patch(Circle((x, y), radius, fill=False, color=COLOURS[1], linewidth=1.2))
                if reach is not None:
                    axis.set(xlim=(x - reach, x + reach), ylim=(y + reach, y - reach))
        own[0].set_ylabel(name, fontsize=8)
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set_title(title, fontsize=8)
    figure.supxlabel("column (pixels)", fontsize=8)
    figure.supylabel("row (pixels)", fontsize=8)
    return figure


def _draw_map(axis: Axes, values: Float[np.ndarray, "H W"], colours: str) -> None:
    limit = np.abs(values).max() or 1.0
    few = plt.get_cmap(colours, 25)  # notebooks keep 64; an odd number, so that 0 is neutral
    axis.imshow(values, cmap=few, vmin=-limit, vmax=limit, interpolation="nearest")
    axis.tick_params(labelsize=6)
    axis.locator_params(nbins=4, integer=True)
