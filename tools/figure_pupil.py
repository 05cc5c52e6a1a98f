"""The picture of PupilEncoder: from the pupil, through the encoder, to the score.

What it shows is made here, from seeds: a simulated session, an encoder trained on it, its scores.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurokit import Experiment, pupil_encoder
from neurokit.figures.style import COLOURS, GREY, INK
from neurokit.pupil_encoder import EncodingTask, baseline_rates, score_table, simulated_truth

SHOWN = {"PSTH": "PSTH", "FIR": "linear filter", "PupilEncoder": "PupilEncoder (GRU)"}


def draw() -> Figure:
    """Input, prediction and score, side by side."""
    experiment = Experiment("pupil-encoder", model="gru", epochs=30, device="cpu")
    task = experiment.task
    rates = pupil_encoder.rates(experiment.train().result.model, task)
    figure, axes = plt.subplots(1, 3, figsize=(10, 2.6), width_ratios=(1, 1, 1.1))
    trial = best_test_trial(task, rates)
    draw_input(axes[0], task, trial)
    draw_rates(axes[1], task, rates, trial)
    draw_scores(axes[2], task, {**baseline_rates(task), "PupilEncoder": rates})
    return figure


def best_test_trial(task: EncodingTask, rates: np.ndarray) -> int:
    """The test trial whose first region is predicted best, as the caption of book/results.md says."""
    error = ((task.rates - rates)[task.split.test, :, 0] ** 2).mean(axis=1)
    variance = task.rates[task.split.test, :, 0].var(axis=1)
    return int(task.split.test[np.argmin(error / variance)])


def draw_input(axis: Axes, task: EncodingTask, trial: int) -> None:
    """What the encoder reads."""
    for channel, name in enumerate(task.channels):
        axis.plot(task.time, task.inputs[trial, :, channel], color=COLOURS[channel + 2], label=name)
    axis.set(xlabel="time from stimulus (s)", ylabel="input (robust SD)", title="in: the eye, one trial")
    axis.legend(fontsize=7)


def draw_rates(axis: Axes, task: EncodingTask, rates: np.ndarray, trial: int) -> None:
    """What it says, beside what was measured, in bins that are scored: not where smoothing begins."""
    for values, colour, label in ((task.rates, GREY, "measured"), (rates, COLOURS[0], "PupilEncoder (GRU)")):
        shown = np.where(task.scored[trial], values[trial, :, 0], np.nan)
        axis.plot(task.time, shown, color=colour, label=label)
    axis.set(
        xlabel="time from stimulus (s)", ylabel="rate (Hz per neuron)", title=f"out: region {task.regions[0]}"
    )
    axis.legend(fontsize=7)


def draw_scores(axis: Axes, task: EncodingTask, predictions: dict[str, np.ndarray]) -> None:
    """R² on the test trials with 95 % intervals, and the best that can be reached."""
    table = score_table(task, {name: predictions[name] for name in SHOWN})
    truth = simulated_truth()
    names = [region["name"] for region in truth.parameters["regions"]]
    best = dict(zip(names, truth.best_r2, strict=True))
    for row, region in enumerate(task.regions):
        axis.hlines(best[region], row - 0.35, row + 0.35, color=INK, linestyle="--", linewidth=0.9)
        for column, model in enumerate(SHOWN):
            score = table[(table["model"] == model) & (table["region"] == region)].iloc[0]
            place = row + (column - 1) * 0.22
            axis.vlines(place, score["low"], score["high"], color=COLOURS[column])
            axis.scatter(
                place, score["r2_mean"], s=18, color=COLOURS[column], label=SHOWN[model] if row == 0 else None
            )
    axis.axhline(0, color=GREY, linewidth=0.8)
    axis.set(xticks=range(len(task.regions)), xticklabels=task.regions, ylabel="R² on test trials")
    axis.set(title="score; dashed: best reachable", ylim=(-0.05, 0.6))
    axis.legend(fontsize=7, ncols=3, loc="upper center", columnspacing=0.8, handletextpad=0.2)
