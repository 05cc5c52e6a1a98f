"""Figures of digital twins: where the eye looks, learning, responses to a video, tuning to direction.

Letters: T frames (30 Hz), R repeats, U units, A directions (angles), K units drawn, P pupil positions,
H x W monitor pixels, h x w retina pixels.
"""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, UInt8
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurokit.arguments import explain_values
from neurokit.digital_twin.network.network import FoundationNetwork
from neurokit.figures.moving import play
from neurokit.figures.style import COLOURS, GREY, INK

SWING = 40  # frames of the pupil's swing


@explain_values
def plot_looks(
    frame: UInt8[np.ndarray, "H W"],
    places: Mapping[str, Float[np.ndarray, "h w 2"]],
    images: Mapping[str, Float[np.ndarray, "h w"]],
) -> Figure:
    """A monitor frame with dots where retina pixels look, and the retinal images, one per name.

    `places` are x and y in halves of the monitor's width from its middle, as
    `neurokit.digital_twin.network.perspective.Perspective.places` gives them; every third row and column is
    drawn.
    """
    ratios = (1.5, *(1.0 for _ in places))
    figure, axes = plt.subplots(
        1, len(ratios), figsize=(2 * sum(ratios), 1.9), squeeze=False, width_ratios=ratios
    )
    monitor, *retinas = axes[0]
    height = frame.shape[0] / frame.shape[1]
    monitor.imshow(frame, plt.get_cmap("gray", 25), vmin=0, vmax=255, extent=(-1, 1, height, -height))
    for (name, place), colour, retina in zip(places.items(), COLOURS[1:], retinas, strict=False):
        monitor.scatter(*place[::3, ::3].reshape(-1, 2).T, s=5, color=colour, linewidths=0, label=name)
        retina.imshow(images[name], plt.get_cmap("gray", 25))
        retina.set(xticks=[], yticks=[], xlabel="retina pixels")
        retina.set_title(name, fontsize=8, color=colour)
    monitor.set(xlim=(-1.5, 1.5), ylim=(1.5 * height, -1.5 * height))
    monitor.set(xlabel="half widths from the middle", ylabel="half widths")
    monitor.set_title("monitor", fontsize=8)
    return figure


def play_looks(network: FoundationNetwork, frame: UInt8[np.ndarray, "H W"], *, most: float = 3.0) -> None:
    """`plot_looks` of an eye at rest and of one that moves, played as `neurokit.figures.moving.play` does.

    The pupil swings by `most` standard deviations to the right and to the left; the still has it at the
    right.
    """
    pixels = torch.from_numpy(np.array(frame))[None, None, None] / 255

    def look(right: float) -> tuple[np.ndarray, np.ndarray]:
        eye = torch.tensor([[[right, 0.0]]])
        with torch.no_grad():
            places = network.perspective.places(eye, network.begin())[0, 0]
            return places.numpy(), network.perspective(pixels, eye, network.begin())[0, 0, 0].numpy()

    names = ("pupil at rest", f"pupil moves by {most:g} SD")
    places, images = zip(look(0.0), look(most), strict=True)
    figure = plot_looks(frame, dict(zip(names, places, strict=True)), dict(zip(names, images, strict=True)))
    monitor, _, moving = figure.axes

    def update(number: int) -> None:
        place, image = look(most * float(np.sin(2 * np.pi * number / SWING)))
        monitor.collections[1].set_offsets(place[::3, ::3].reshape(-1, 2))
        moving.images[0].set_data(image)

    play(figure, update, SWING, seconds=4, still=SWING // 4)


@explain_values
def plot_losses(histories: Mapping[str, pd.DataFrame]) -> Figure:
    """Poisson loss on validation clips over epochs, a line a model; 1 is the loss of a constant rate."""
    figure, axis = plt.subplots(figsize=(4, 2.3))
    for name, history in histories.items():
        axis.plot(history["epoch"] + 1, history["validation_loss"], marker=".", label=name)
    axis.axhline(1, color=GREY, linestyle="--", linewidth=0.8)
    axis.set(xlabel="epoch", ylabel="validation loss (Poisson)")
    figure.legend(loc="outside lower center", ncols=len(histories), fontsize=8)
    return figure


@explain_values
def plot_repeats(
    recorded: Float[np.ndarray, "R T"], predictions: Mapping[str, Float[np.ndarray, "R T"]]
) -> Figure:
    """One unit's responses to a video (multiples of its mean): each repeat, their mean, and predictions.

    Predictions are drawn as means over repeats.
    """
    seconds = np.arange(recorded.shape[1]) / 30
    figure, axis = plt.subplots(figsize=(5.8, 2.3))
    axis.plot(seconds, recorded.T, color=GREY, linewidth=0.4, alpha=0.5)
    axis.plot(
        seconds, recorded.mean(axis=0), color=INK, linewidth=1, label=f"mean of {len(recorded)} repeats"
    )
    for (name, values), colour in zip(predictions.items(), COLOURS, strict=False):
        axis.plot(seconds, values.mean(axis=0), color=colour, label=name)
    axis.set(xlabel="time in the video (s)", ylabel="response\n(multiples of mean)")
    figure.legend(loc="outside lower center", ncols=1 + len(predictions), fontsize=8)
    return figure


@explain_values
def plot_directions(
    directions: Float[np.ndarray, "A"],
    curves: Mapping[str, Float[np.ndarray, "K A"]],
    titles: Sequence[str],
    planted: Float[np.ndarray, "K"] | None = None,
) -> Figure:
    """Direction tuning, a panel a unit and a line a model, each in multiples of its own largest response.

    `directions` are rad; `planted` (degrees) marks each unit's preferred direction.
    """
    figure, axes = plt.subplots(
        1, len(titles), figsize=(1.7 * len(titles) + 0.6, 2.1), sharey=True, squeeze=False
    )
    for column, (axis, title) in enumerate(zip(axes[0], titles, strict=True)):
        for (name, values), colour in zip(curves.items(), COLOURS, strict=False):
            axis.plot(np.degrees(directions), values[column] / values[column].max(), color=colour, label=name)
        if planted is not None:
            axis.axvline(planted[column], color=INK, linestyle="--", linewidth=0.8, label="planted")
        axis.set(xlabel="direction (deg)", xticks=[0, 180, 360], ylim=(0, 1.05))
        axis.set_title(title, fontsize=8)
    axes[0, 0].set_ylabel("response / largest")
    marks = axes[0, 0].get_legend_handles_labels()
    figure.legend(*marks, loc="outside lower center", ncols=len(marks[1]), fontsize=8)
    return figure


@explain_values
def plot_orientations(planted: Float[np.ndarray, "U"], found: Mapping[str, Float[np.ndarray, "U"]]) -> Figure:
    """Preferred orientation found against the planted one (degrees, 0 to 180), a panel a model.

    180 is 0 again, so the upper left and lower right corners are near the line of equality, too: dashed
    lines are 45 degrees off it, as far as chance is.
    """
    figure, axes = plt.subplots(
        1, len(found), figsize=(2.3 * len(found) + 0.4, 2.4), sharey=True, squeeze=False
    )
    for axis, (name, values), colour in zip(axes[0], found.items(), COLOURS, strict=False):
        axis.plot([0, 180], [0, 180], color=GREY, linewidth=0.8, label="equal")
        for offset in (-135, -45, 45, 135):
            label = "45 deg off (chance)" if offset == 45 else None
            axis.plot([0, 180], [offset, 180 + offset], "--", color=GREY, linewidth=0.8, label=label)
        axis.scatter(planted % 180, values % 180, s=10, color=colour)
        axis.set(xlabel="planted orientation (deg)", xticks=[0, 90, 180], xlim=(0, 180))
        axis.set(yticks=[0, 90, 180], ylim=(0, 180))
        axis.set_title(name, fontsize=8)
    axes[0, 0].set_ylabel("found (deg)")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=8)
    return figure


@explain_values
def plot_places(
    planted: Float[np.ndarray, "U 2"],
    found: Mapping[str, Float[np.ndarray, "U 2"]],
    monitor: tuple[int, int] = (36, 64),
) -> Figure:
    """Where each unit's receptive field was planted and where it is found, joined by a line; a panel a model.

    Rows and columns of the monitor, pixels.
    """
    figure, axes = plt.subplots(1, len(found), figsize=(3.4 * len(found), 2.3), sharey=True, squeeze=False)
    rows, columns = monitor
    for axis, (name, places) in zip(axes[0], found.items(), strict=True):
        for (row, column), (other_row, other_column) in zip(planted, places, strict=True):
            axis.plot([column, other_column], [row, other_row], color=GREY, linewidth=0.8)
        axis.plot(*planted.T[::-1], "o", color=INK, markersize=3, label="planted")
        axis.plot(*places.T[::-1], "o", color=COLOURS[1], markersize=3, label="found")
        axis.set(xlabel="column (pixels)", xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5))
        axis.set_title(name, fontsize=8)
    axes[0, 0].set_ylabel("row (pixels)")
    axes[0, 0].legend(fontsize=8)
    return figure


@explain_values
def plot_units(properties: pd.DataFrame) -> Figure:
    """Where units read the map, coloured by preferred orientation, and selectivity against performance.

    Columns are those of `neurokit.digital_twin.properties.load_properties`.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(6.4, 2.4), width_ratios=(1.3, 1))
    colours = plt.get_cmap("hsv", 20)  # few, as notebooks keep 64 colours; its ends meet, as angles do
    place = properties["readout_location_x"], properties["readout_location_y"]
    dots = left.scatter(*place, c=properties["pref_ori"], cmap=colours, vmin=0, vmax=180, s=6)
    left.set(xlabel="readout x (1: right edge)", ylabel="readout y (1: upper edge)", aspect="equal")
    figure.colorbar(dots, ax=left, label="preferred orientation (deg)", ticks=[0, 90, 180])
    right.scatter(properties["cc_abs"], properties["gOSI"], s=4, color=COLOURS[0])
    right.set(xlabel="CC_abs on held-out video", ylabel="orientation selectivity (gOSI)")
    return figure


@explain_values
def plot_scores(scores: pd.DataFrame) -> Figure:
    """CC_norm of each model, a panel a kind of video: the median over units, and the quartiles.

    `scores` is the table of `neurokit.digital_twin.scores.score_table`; dashed is the ceiling of a
    simulated mouse.
    """
    kinds = list(dict.fromkeys(scores["stimulus"]))
    models = [name for name in dict.fromkeys(scores["model"]) if name != "ceiling"]
    size = (1.6 * len(kinds) + 1.4, 0.32 * len(models) + 1.1)
    figure, axes = plt.subplots(1, len(kinds), figsize=size, sharey=True, squeeze=False)
    for kind, axis in zip(kinds, axes[0], strict=True):
        _draw_scores(axis, scores[scores["stimulus"] == kind].set_index("model"), models)
        axis.set_title(kind, loc="left", fontsize=8)
    axes[0, 0].set_yticks(range(len(models)), models)
    axes[0, 0].invert_yaxis()
    figure.supxlabel(
        "CC_norm, median over units (1: all of the signal; bars: quartiles; dashed: ceiling)", fontsize=9
    )
    return figure


def _draw_scores(axis: Axes, rows: pd.DataFrame, models: Sequence[str]) -> None:
    for place, (name, colour) in enumerate(zip(models, COLOURS, strict=False)):
        row = rows.loc[name]
        axis.plot(row["cc_norm"], place, "o", color=colour)
        axis.plot([row["low"], row["high"]], [place, place], color=colour)
    if "ceiling" in rows.index:
        axis.axvline(rows.loc["ceiling", "cc_norm"], color=INK, linestyle="--", linewidth=0.9)
    axis.axvline(0, color=GREY, linewidth=0.8)
