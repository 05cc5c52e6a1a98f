"""The movie of lesson 08 in which attention pays, and what a cell of motion contrast makes of it."""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurokit.figures.style import COLOURS, INK

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))
from pays import movies

DISC, SECONDS, FIRST = 5, 8, 5880  # the cell's disc, seconds that are drawn, first frame


def draw() -> Figure:
    """A frame with arrows, directions and drive over eight seconds, the mean drive in the four cases."""
    places = np.array([(row, column) for row in movies.ROWS for column in movies.COLUMNS])
    driven = movies.drive(1.0, places, np.ones(len(places)))[:, DISC]
    here, there = (np.sign(each) for each in _balances(places))
    figure = plt.figure(figsize=(7.4, 4.2))
    above, below = figure.subfigures(2, 1, height_ratios=(1.25, 1))
    frame, cases = above.subplots(1, 2, width_ratios=(1.9, 1))
    _frame(frame, places, here[FIRST], there[FIRST])
    _cases(cases, driven, here[:, DISC], there)
    _time(below.subplots(), driven, here[:, DISC], there)
    return figure


def _balances(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Direction of each disc, F J, and of the ground, F."""
    right, left = movies.directions(places)
    ground = [each.sum(axis=1) for each in movies.directions(np.array(movies.GROUND, dtype=float))]
    return right - left, ground[0] - ground[1]


def _frame(axis: Axes, places: np.ndarray, here: np.ndarray, there: float) -> None:
    """One frame; an arrow on each disc and on the ground says where its texture drifts."""
    axis.imshow(movies.movie()[FIRST], cmap="gray", vmin=0, vmax=255)
    for number, ((y, x), way) in enumerate(zip(places, here, strict=True)):
        width = 2.2 if number == DISC else 1.0
        axis.add_patch(plt.Circle((x, y), movies.RADIUS, fill=False, color=COLOURS[0], linewidth=width))
        _arrow(axis, x, y, way, COLOURS[0])
    for y, x in ((9.5, 10), (9.5, 20), (9.5, 30)):
        _arrow(axis, x, y, there, COLOURS[1])
    axis.plot([], [], color=COLOURS[0], label="a disc drifts (thick: the cell's)")
    axis.plot([], [], color=COLOURS[1], label="the ground drifts")
    axis.legend(fontsize=7, loc="upper left", bbox_to_anchor=(0, -0.3), ncols=2)
    axis.set(title="one frame", xlabel="column (pixels)", ylabel="row (pixels)")


def _arrow(axis: Axes, x: float, y: float, way: float, colour: str) -> None:
    style = {"arrowstyle": "-|>", "color": colour, "linewidth": 1.8, "mutation_scale": 11}
    axis.annotate("", (x + 3 * way, y), (x - 3 * way, y), arrowprops=style)


def _cases(axis: Axes, driven: np.ndarray, here: np.ndarray, there: np.ndarray) -> None:
    """Mean drive of the cell, by the direction of its disc and of the ground."""
    ways = (-1, 1)
    table = [[driven[(here == disc) & (there == ground)].mean() for ground in ways] for disc in ways]
    axis.imshow(table, cmap="viridis", vmin=0)
    for row, values in enumerate(table):
        for column, value in enumerate(values):
            axis.text(column, row, f"{value:.1f}", ha="center", va="center", color="w" if value < 1 else INK)
    axis.set(xlabel="the ground drifts", ylabel="the disc drifts", title="mean drive of the cell")
    axis.set_xticks((0, 1), ("left", "right"))
    axis.set_yticks((0, 1), ("left", "right"))


def _time(axis: Axes, driven: np.ndarray, here: np.ndarray, there: np.ndarray) -> None:
    """Both directions, as steps, above the drive of the cell."""
    shown = slice(FIRST, FIRST + int(SECONDS * movies.RATE))
    seconds = np.arange(SECONDS * movies.RATE) / movies.RATE
    top = driven[shown].max()
    for height, way, colour, name in (
        (1.75, here, COLOURS[0], "disc: right (up) or left"),
        (1.3, there, COLOURS[1], "ground: right (up) or left"),
    ):
        axis.step(seconds, top * (height + 0.13 * way[shown]), color=colour, label=name)
    axis.fill_between(seconds, driven[shown], color=INK, alpha=0.75, linewidth=0, label="drive of the cell")
    axis.set(xlim=(0, SECONDS), ylim=(0, None), xlabel="time (s)", ylabel="drive\n(share of its mean)")
    axis.set_yticks(range(0, int(top) + 1, 2))
    axis.legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
