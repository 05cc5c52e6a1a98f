"""The picture that opens the lesson on natural images: what one simulated cell of V1 answers to.

It shows two images, the response to every test image, and the filter that was planted.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from neurokit import sensorium
from neurokit.figures.style import COLOURS, GREY, INK

REACH = 10  # pixels around the middle of the field
LETTERS = "ab"


def draw() -> Figure:
    """Best and worst image, responses to all test images, and the planted field."""
    parameters = sensorium.demo_parameters()[0]
    scan = sensorium.load_simulated([parameters])[parameters.key]
    truth = sensorium.scan_truth(parameters)
    simple = np.flatnonzero(~truth.cells.complex)
    cell = int(simple[truth.ceiling("image")[simple].argmax()])
    trials = scan.trials("test")
    ids, image = np.unique(scan.image_ids[trials], return_inverse=True)
    responses = np.array([scan.responses[trials[image == each], cell] for each in range(len(ids))])
    order = responses.mean(axis=1).argsort()[::-1]
    y, x = truth.cells.center[cell]
    circle = (x, y), 2 * truth.cells.sigma[cell]
    figure, axes = plt.subplots(1, 4, figsize=(10, 2.2), width_ratios=(1.5, 1.5, 1.6, 1.1))
    for axis, rank, title in zip(axes, (0, -1), ("a: strong response", "b: weak response"), strict=False):
        draw_image(axis, scan.images[trials[image == order[rank]][0]], circle, title)
    draw_responses(axes[2], responses[order])
    draw_field(axes[3], truth.cells.filters()[cell], circle)
    return figure


def draw_image(axis: Axes, image: np.ndarray, circle: tuple[tuple[float, float], float], title: str) -> None:
    """An image, and where the cell looks."""
    axis.imshow(image, cmap="gray")
    axis.add_patch(Circle(*circle, fill=False, color=COLOURS[1], linewidth=1.5))
    axis.set(xticks=[], yticks=[])
    axis.set_title(title, fontsize=9)


def draw_responses(axis: Axes, responses: np.ndarray) -> None:
    """Every repeat of every image, images in order of their mean response."""
    places = np.arange(len(responses))
    axis.plot(places.repeat(responses.shape[1]), responses.ravel(), ".", color=GREY, ms=3, label="one trial")
    axis.plot(places, responses.mean(axis=1), "o", color=COLOURS[0], ms=4, label="mean of eight")
    for place, letter in zip((0, len(responses) - 1), LETTERS, strict=True):
        axis.text(place, responses[place].max() + 0.5, letter, ha="center")
    axis.set(xlabel="test image, by mean response", ylabel="response (SD)", xticks=[])
    axis.set_ylim(-0.3, 1.15 * responses.max())
    axis.set_title("one cell, 20 images, 8 times each", fontsize=9)
    axis.legend(fontsize=7)


def draw_field(axis: Axes, field: np.ndarray, circle: tuple[tuple[float, float], float]) -> None:
    """The planted filter, cropped to the field."""
    limit = np.abs(field).max()
    shown = axis.imshow(field, cmap="RdBu_r", vmin=-limit, vmax=limit)
    (x, y), _ = circle
    axis.add_patch(Circle(*circle, fill=False, color=COLOURS[1], linewidth=1.5))
    axis.set(xlim=(x - REACH, x + REACH), ylim=(y + REACH, y - REACH), xticks=[], yticks=[])
    axis.set_title("what the cell looks for", fontsize=9)
    bar = axis.figure.colorbar(shown, ax=axis, ticks=(-limit, 0, limit))
    bar.ax.set_yticklabels(("dark\nhere", "either", "bright\nhere"), fontsize=7, color=INK)
