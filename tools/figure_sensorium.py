"""The picture of SENSORIUM: an image, a neuron's responses, scores and the ladder.

The first two panels are made here, from seeds: a simulated mouse and a network trained on it. The others
draw the result files of `benchmarks/`.
"""

import json
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from ledger import spoken
from neurokit import sensorium
from neurokit.figures.style import COLOURS, GREY, INK
from neurokit.sensorium import MODELS as CONFIGS
from neurokit.sensorium import MouseTrials, demo_parameters, load_simulated, scan_truth, single_trial

RESULTS = Path(__file__).resolve().parent.parent / "benchmarks" / "results"
MODELS = ("ln", "cnn", "ln_plus", "cnn_plus", "cnn_plus, responses shuffled")


def draw() -> Figure:
    """Image, responses, scores and ladder, side by side."""
    parameters = demo_parameters()[0]
    config = CONFIGS["cnn_plus"].small.with_epochs(8).replace(behaviour_scale="range")
    mice = sensorium.task(load_simulated([parameters]), config, device="cpu")
    fitted = sensorium.train(sensorium.build(mice, config), mice, config)
    mouse, rates = mice[parameters.key], sensorium.predict(fitted.model, mice, "test")[parameters.key]
    neuron = int(np.argmax(single_trial(mouse, "test", rates)))
    figure, axes = plt.subplots(1, 4, figsize=(12, 2.7), width_ratios=(1.1, 1.1, 1, 1.1))
    draw_image(axes[0], mouse, scan_truth(parameters).cells.center[neuron])
    draw_responses(axes[1], mouse, rates, neuron)
    draw_scores(axes[2], rows_of("sensorium_accuracy"))
    draw_ladder(axes[3], rows_of("sensorium_ladder"), rows_of("sensorium_controls"))
    return figure


def rows_of(name: str) -> list[dict[str, Any]]:
    """The rows of a result file."""
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))["rows"]


def draw_image(axis: Axes, mouse: MouseTrials, center: np.ndarray) -> None:
    """A test image, and where the neuron looks."""
    image = mouse.scan.images[mouse.scan.trials("test")[0]]
    axis.imshow(image, cmap="gray")
    axis.add_patch(Circle(center[::-1], 6, fill=False, color=COLOURS[1], linewidth=1.5))
    axis.set(xlabel="column (pixels)", ylabel="row (pixels)", title="in: an image, and the pupil")


def draw_responses(axis: Axes, mouse: MouseTrials, rates: np.ndarray, neuron: int) -> None:
    """Single responses of the neuron to each test image, and what is predicted of each trial."""
    trials = mouse.scan.trials("test")
    place = np.unique(mouse.scan.image_ids[trials], return_inverse=True)[1]
    mean = np.bincount(place, rates[:, neuron]) / np.bincount(place)
    x = np.argsort(np.argsort(mean))[place]
    axis.scatter(x, mouse.scan.responses[trials, neuron], s=6, color=GREY, label="measured, one trial each")
    axis.scatter(x, rates[:, neuron], s=8, color=COLOURS[0], label="predicted")
    axis.set(xlabel="test image, by predicted rate", ylabel="response (SD)", title="out: its best neuron")
    axis.legend(fontsize=7)


def draw_scores(axis: Axes, rows: list[dict[str, Any]]) -> None:
    """Each model, its spread over seeds, and its own ceiling."""
    of_model = {row["model"]: row for row in rows}
    for place, model in enumerate(MODELS):
        row = of_model[model]
        axis.errorbar(row["score_mean"], place, xerr=row["score_std"], fmt="o", ms=4, color=COLOURS[0])
        axis.vlines(row["ceiling_mean"], place - 0.3, place + 0.3, color=INK, linestyle="--", linewidth=0.9)
    axis.set_yticks(range(len(MODELS)), [spoken(m).replace(", ", ",\n") for m in MODELS], fontsize=7)
    axis.invert_yaxis()
    axis.set(xlabel="single-trial correlation", xlim=(-0.05, None), title="score; dashed: its ceiling")


def draw_ladder(axis: Axes, planted: list[dict[str, Any]], controls: list[dict[str, Any]]) -> None:
    """What each addition gains over the baseline, and where its mechanism is not there."""
    gains = [row for row in planted if row["rung"] != "baseline"]
    absent = {row["rung"].removesuffix(", strength 0"): row for row in controls}
    for place, row in enumerate(gains):
        draw_gain(axis, row, place - 0.14, COLOURS[0], "all mechanisms planted" if place == 0 else None)
        if row["rung"] in absent:
            label = "its mechanism taken out" if row is gains[0] else None
            draw_gain(axis, absent[row["rung"]], place + 0.14, COLOURS[1], label)
    axis.axvline(0, color=GREY, linewidth=0.8)
    axis.set_yticks(range(len(gains)), [row["rung"] for row in gains], fontsize=7)
    axis.set(xlabel="gain in correlation, 95 % interval", title="Model 4's additions")
    axis.set_ylim(len(gains) - 0.5, -2.2)  # space for the legend
    axis.legend(fontsize=7, loc="upper left")


def draw_ladders() -> Figure:
    """What each addition gains: simulated mice with and without its mechanism, and real mice as published."""
    figure, axes = plt.subplots(1, 2, figsize=(7.4, 3.5), sharex=True, sharey=True)
    planted = rows_of("sensorium_ladder")
    draw_ladder(axes[0], planted, rows_of("sensorium_controls"))
    axes[0].set_title("simulated mice, single networks")
    axes[0].set_ylim(len(planted) - 1.5, -0.5)
    axes[0].get_legend().remove()
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, fontsize=7, ncols=2, loc="outside lower center")
    start = planted[0]["published"]
    for place, row in enumerate(row for row in planted if row["rung"] != "baseline"):
        if row["published"] is not None:
            axes[1].scatter(row["published"] - start, place, s=22, color=COLOURS[2])
    axes[1].axvline(0, color=GREY, linewidth=0.8)
    axes[1].set(xlabel="gain in correlation (no interval published)", title="five real mice, as published")
    axes[1].set_xticks([-0.1, 0, 0.1, 0.2])
    return figure


def draw_gain(axis: Axes, row: dict[str, Any], place: float, colour: str, label: str | None) -> None:
    """One gain with its interval."""
    axis.hlines(place, row["low"], row["high"], color=colour)
    axis.scatter(row["gain"], place, s=16, color=colour, label=label)
