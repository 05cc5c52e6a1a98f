"""The picture of the V1 Transformer: where a cell looks, what it does, scores, what running adds.

The first two panels are made here: a simulated session, and the network of it that comes with the package.
The others draw the result files of `benchmarks/v1_transformer.py`.
"""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from figure_sensorium import rows_of
from neurokit import load_pretrained
from neurokit.figures.style import COLOURS, GREY, INK
from neurokit.v1_transformer import (
    MODELS,
    MovieTask,
    attribution_maps,
    cell_scores,
    load,
    part_responses,
    predict,
    read_truth,
)
from neurokit.v1_transformer import task as make_task

LINE = "motion energy x running"
SHOWN = (
    "untrained",
    "lagged ridge",
    "as described",
    "3-D CNN",
    "V1 Transformer",
    "motion energy + ridge",
    LINE,
)
RUNNING = ("measured", "of another\nrepeat", "none")
READERS = {
    "V1 Transformer": ("V1 Transformer", "running shuffled", "no running"),
    "motion energy": (LINE, f"{LINE} shuffled", "motion energy + ridge"),
}  # each reads the running as RUNNING says


def draw() -> Figure:
    """Field, responses, scores and running, side by side."""
    config = MODELS["transformer"].small
    task = make_task(load(source="demo", config=config), config)
    model = load_pretrained("v1-movies").model
    predicted = predict(model, task)
    cell = int(np.argmax(cell_scores(task, predicted).cc_abs))
    ends = torch.from_numpy(task.split.test[:: len(task.split.test) // 16])
    figure, axes = plt.subplots(1, 4, figsize=(12, 2.6), width_ratios=(1.1, 1.3, 1, 1))
    field = attribution_maps(model, task.clips(), ends, [cell]).space[0].numpy()
    draw_field(axes[0], field, task, cell)
    draw_responses(axes[1], task, predicted, cell)
    files = ("v1_transformer", "v1_described", "v1_controls", "v1_lines")
    rows = {row["model"]: row for name in files for row in rows_of(name)}
    draw_scores(axes[2], rows)
    draw_running(axes[3], rows)
    return figure


def draw_field(axis: Axes, field: np.ndarray, task: MovieTask, cell: int) -> None:
    """Attribution over space, and the planted receptive field."""
    truth = read_truth(task.truth)
    cells, size = truth.cells, (truth.parameters["height"], truth.parameters["width"])
    scale = np.array(field.shape) / size
    center = (cells.center[cell] + 0.5) * scale - 0.5
    axis.imshow(field, cmap="gray")
    axis.add_patch(Circle(center[::-1], 2 * cells.sigma[cell] * scale.mean(), fill=False, color=COLOURS[1]))
    axis.set(xlabel="column (pixels)", ylabel="row (pixels)", title="where its best cell looks")


def draw_responses(axis: Axes, task: MovieTask, predicted: np.ndarray, cell: int) -> None:
    """The last seconds of the test, means over repeats."""
    last = slice(-450, None)
    seconds = np.arange(450) / 30
    recorded = part_responses(task)[:, last, cell]
    axis.plot(seconds, recorded.T, color=GREY, linewidth=0.3, alpha=0.6)
    axis.plot(seconds, recorded.mean(axis=0), color=INK, linewidth=1, label="mean of ten repeats")
    axis.plot(seconds, predicted[:, last, cell].mean(axis=0), color=COLOURS[0], label="predicted")
    axis.set(xlabel="time in an unseen stretch of movie (s)", ylabel="dF/F", title="what it does")
    axis.legend(fontsize=7)


def draw_scores(axis: Axes, rows: dict[str, dict[str, Any]]) -> None:
    """CC_norm of each model, its spread over seeds; 1 is what the noise allows."""
    for place, model in enumerate(SHOWN):
        row = rows[model]
        axis.errorbar(row["cc_norm"], place, xerr=row["cc_norm_sd"], fmt="o", ms=4, color=COLOURS[0])
    axis.axvline(1, color=INK, linestyle="--", linewidth=0.9)
    names = [name.replace("energy ", "energy\n") for name in SHOWN]
    axis.set_yticks(range(len(SHOWN)), names, fontsize=7)
    axis.invert_yaxis()
    axis.set(xlabel="CC_norm, median over cells", xlim=(-0.1, 1.05), title="score; dashed: ceiling")


def draw_running(axis: Axes, rows: dict[str, dict[str, Any]]) -> None:
    """Single-trial correlation with the running, with that of another repeat, and without; two models."""
    for shift, colour, (reader, models) in zip((-0.12, 0.12), COLOURS, READERS.items(), strict=False):
        found = [rows[model] for model in models]
        axis.errorbar(
            [row["single_trial"] for row in found],
            np.arange(len(found)) + shift,
            xerr=[row["single_trial_sd"] for row in found],
            fmt="o",
            ms=4,
            color=colour,
            label=reader,
        )
    for place, known in enumerate(("truth", "truth without running", "truth without running")):
        ceiling = rows[known]["single_trial"]
        axis.vlines(ceiling, place - 0.3, place + 0.3, color=INK, linestyle="--", linewidth=0.9)
    axis.set_yticks(range(len(RUNNING)), RUNNING, fontsize=7)
    axis.invert_yaxis()
    axis.legend(fontsize=7, loc="upper left")
    title = "by the running that it reads"
    axis.set(xlabel="correlation on single trials", xlim=(0, 0.85), title=title)
