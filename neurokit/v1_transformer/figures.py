"""Pictures of Allen Brain Observatory sessions: traces beside behaviour, repeats of a movie, splits of it.

Letters: R repeats, F frames of the movie, S samples of the microscope.
"""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from neurokit.arguments import explain_values
from neurokit.errors import DataError
from neurokit.figures.style import COLOURS, GREY, INK
from neurokit.v1_transformer.recording import MovieSession

PARTS = {"left out": "white", "train": COLOURS[0], "validation": COLOURS[1], "test": COLOURS[2]}


@explain_values
def plot_traces(session: MovieSession, cells: Sequence[int], seconds: tuple[float, float]) -> Figure:
    """dF/F of some cells, running and the pupil's size (where recorded), shaded while a movie ran.

    `cells` are places in `session.cell_ids`; `seconds` are two times of the session, between which is drawn.
    Raises DataError where no sample lies between them.
    """
    inside = _choose_samples(session, seconds)
    rows = [(f"cell {cell}\n(dF/F)", session.dff[cell], INK) for cell in cells]
    if session.running is not None:
        rows.append(("running\n(cm/s)", session.running, COLOURS[1]))
    if session.pupil is not None:
        rows.append(("pupil size\n(pixels)", session.pupil[:, 2], COLOURS[1]))
    size = (6, 0.62 * len(rows) + 0.8)
    figure, axes = plt.subplots(len(rows), 1, figsize=size, sharex=True, squeeze=False)
    for axis, (name, values, colour) in zip(axes[:, 0], rows, strict=True):
        _shade_movies(axis, session, inside)
        axis.plot(session.time[inside], values[inside], color=colour, linewidth=0.8)
        axis.set_ylabel(name, fontsize=7)
    axes[-1, 0].set_xlabel("time in the session (s)")
    figure.align_ylabels(axes)
    marks = axes[0, 0].get_legend_handles_labels()
    figure.legend(*marks, loc="outside upper center", ncols=len(session.movies))
    return figure


@explain_values
def plot_repeats(responses: Float[np.ndarray, "R F"], seconds: Float[np.ndarray, "F"]) -> Figure:
    """One cell's dF/F (fraction) while the same stretch of a movie ran R times, a row a repeat.

    Below, every repeat (grey) and their mean. `seconds` is each frame's time in the movie, evenly spaced.
    """
    figure, (above, below) = plt.subplots(2, 1, figsize=(5.6, 3.2), sharex=True, height_ratios=(1.3, 1))
    edges = (seconds[0], seconds[-1], len(responses) + 0.5, 0.5)
    greys = plt.get_cmap("Greys", 25)  # few, as notebooks keep 64 colours
    limits = {"vmin": 0, "vmax": np.quantile(responses, 0.995)}
    drawn = above.imshow(responses, greys, aspect="auto", extent=edges, interpolation="nearest", **limits)
    above.set(ylabel="repeat", yticks=range(1, len(responses) + 1, 3))
    figure.colorbar(drawn, ax=(above, below), label="dF/F", shrink=0.6, extend="max")
    below.plot(seconds, responses.T, color=GREY, linewidth=0.4, alpha=0.6)
    below.plot(seconds, responses.mean(axis=0), color=COLOURS[1], label="mean over repeats")
    below.set(xlabel="time in the movie (s)", ylabel="dF/F")
    below.legend(fontsize=8)
    return figure


@explain_values
def plot_parts(parts: Mapping[str, Int[np.ndarray, "R F"]]) -> Figure:
    """What each split does with each frame of each repeat, a panel a split.

    The numbers are places in PARTS: 0 left out, 1 train, 2 validation, 3 test.
    """
    size = (6, 0.75 * len(parts) + 0.8)
    figure, axes = plt.subplots(len(parts), 1, figsize=size, sharex=True, squeeze=False)
    look = {"cmap": ListedColormap([*PARTS.values()]), "vmin": 0, "vmax": 3, "interpolation": "nearest"}
    for axis, (name, values) in zip(axes[:, 0], parts.items(), strict=True):
        edges = (0, values.shape[1], len(values) + 0.5, 0.5)
        axis.imshow(values, aspect="auto", extent=edges, **look)
        axis.set_title(name, loc="left", fontsize=8)
        axis.set_ylabel("repeat", fontsize=8)
    axes[-1, 0].set_xlabel("frame of the movie")
    marks = [Patch(facecolor=colour, edgecolor=GREY, linewidth=0.5) for colour in PARTS.values()]
    figure.legend(marks, PARTS, loc="outside lower center", ncols=len(PARTS), fontsize=8)
    return figure


def _choose_samples(session: MovieSession, seconds: tuple[float, float]) -> Bool[np.ndarray, "S"]:
    inside = (session.time >= seconds[0]) & (session.time <= seconds[1])
    if not inside.any():
        first, last = session.time[[0, -1]]
        raise DataError(
            f"No sample lies between {seconds[0]:.0f} and {seconds[1]:.0f} s: the session lasts from "
            f"{first:.0f} to {last:.0f} s, choose a stretch of it."
        )
    return inside


def _shade_movies(axis: Axes, session: MovieSession, inside: Bool[np.ndarray, "S"]) -> None:
    for movie, colour in zip(session.movies.values(), COLOURS, strict=False):
        showing = np.zeros(len(session.time), dtype=bool)
        for repeat in movie.starts:
            showing[repeat[0] : repeat[-1] + 1] = True
        where, across = showing[inside], axis.get_xaxis_transform()
        axis.fill_between(
            session.time[inside],
            0,
            1,
            where=where,
            transform=across,
            color=colour,
            alpha=0.12,
            linewidth=0,
            label=movie.name,
        )


@explain_values
def plot_predictions(
    seconds: Float[np.ndarray, "F"],
    responses: Float[np.ndarray, "R F"],
    predictions: Mapping[str, Float[np.ndarray, "R F"]],
    *,
    repeat: int = 0,
) -> Figure:
    """One cell's dF/F (fraction) and what models say: above the means over repeats, below one repeat.

    `seconds` is each frame's time in the movie.
    """
    figure, axes = plt.subplots(2, 1, figsize=(5.8, 3), sharex=True)
    rows = {
        "mean over repeats": lambda values: values.mean(axis=0),
        f"repeat {repeat + 1}": lambda v: v[repeat],
    }
    for axis, (name, pick) in zip(axes, rows.items(), strict=True):
        axis.plot(seconds, pick(responses), color=INK, linewidth=0.8, label="recorded")
        for (model, values), colour in zip(predictions.items(), COLOURS, strict=False):
            axis.plot(seconds, pick(values), color=colour, linewidth=1.2, label=model)
        axis.set_ylabel("dF/F")
        axis.set_title(name, loc="left", fontsize=8)
    axes[-1].set_xlabel("time in the movie (s)")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=8)
    return figure


@explain_values
def plot_moments(moments: Float[np.ndarray, "K C H W"], titles: Sequence[str]) -> Figure:
    """Rows of frames or filters over time, oldest left, each row on its own scale; pixels."""
    rows, columns, height, width = moments.shape
    size = (1.1 * columns + 1.2, 0.95 * rows + 0.4)
    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False)
    for row, (frames, title) in enumerate(zip(moments, titles, strict=True)):
        most = np.abs(frames).max()
        for axis, frame in zip(axes[row], frames, strict=True):
            axis.imshow(frame, plt.get_cmap("gray", 25), vmin=-most, vmax=most)
            axis.set(xticks=[], yticks=[])
        axes[row, 0].set_ylabel(title, rotation=0, ha="right", va="center", fontsize=8)
    for axis in axes[-1]:
        axis.set_xticks([0, width - 1])
    for axis in axes[:, -1]:
        axis.yaxis.tick_right()
        axis.set_yticks([0, height - 1])
    figure.supxlabel("column (pixels); frames from left to right, oldest first", fontsize=8)
    axes[-1, -1].yaxis.set_label_position("right")
    axes[-1, -1].set_ylabel("row (pixels)", fontsize=8)
    return figure


@explain_values
def plot_scores(scores: pd.DataFrame) -> Figure:
    """Correlations of each model with single trials, and normalised (bars: quartiles over cells).

    `scores` has the columns of `neurokit.v1_transformer.scores.score_table`. Dashed: a row 'ceiling'.
    """
    rows, best = scores[scores.model != "ceiling"], scores[scores.model == "ceiling"]
    size, place = (6.4, 0.32 * len(rows) + 1.0), np.arange(len(rows))
    figure, (single, normalised) = plt.subplots(1, 2, figsize=size, sharey=True)
    single.scatter(rows.single_trial, place, color=COLOURS[0], s=18, zorder=3)
    normalised.hlines(place, rows.low, rows.high, color=COLOURS[0])
    normalised.scatter(rows.cc_norm, place, color=COLOURS[0], s=18, zorder=3)
    for axis, measure in ((single, "single_trial"), (normalised, "cc_norm")):
        axis.axvline(0, color=GREY, linewidth=0.8)
        for value in best[measure]:
            axis.axvline(value, color=INK, linestyle="--", linewidth=0.9)
    if len(best):
        figure.suptitle("dashed: the ceiling", fontsize=8, x=1, ha="right")
    single.set_yticks(place, rows.model)
    single.invert_yaxis()
    single.set_xlabel("correlation with single trials\n(median over cells)")
    normalised.set_xlabel("normalised correlation of means\n(median and quartiles over cells)")
    return figure
