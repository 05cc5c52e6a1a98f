"""Pictures of PupilEncoder and its recordings."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurokit.arguments import explain_values
from neurokit.figures.style import COLOURS, GREY, INK
from neurokit.pupil_encoder.features import EncodingTask
from neurokit.pupil_encoder.recording import TrialRecording

UNITS = {
    "pupil_area": "pupil area (a.u.)",
    "pupil_x": "pupil x (frame units)",
    "pupil_y": "pupil y (frame units)",
    "face_motion": "face motion (a.u.)",
    "licks": "licks (per bin)",
    "wheel": "wheel (ticks per bin)",
    "wheel_moving": "wheel moving (0 or 1)",
    "blink": "blink (0 or 1)",
}


@explain_values
def plot_trial(recording: TrialRecording, trial: int) -> Figure:
    """One trial: spikes of all neurons sorted by region, and every behaviour channel below."""
    channels = list(recording.behaviour)
    heights = [3.0] + [0.8] * len(channels)
    figure, axes = plt.subplots(
        len(heights), 1, figsize=(5.6, 2.0 + 0.7 * len(channels)), sharex=True, height_ratios=heights
    )
    _raster(axes[0], recording, trial)
    for axis, channel in zip(axes[1:], channels, strict=True):
        axis.plot(recording.time, recording.behaviour[channel][trial], color=INK, linewidth=0.9)
        axis.set_ylabel(UNITS.get(channel, channel).replace(" (", "\n("), fontsize=6.5)
    for axis in axes:
        axis.axvline(0, color=COLOURS[1], linewidth=0.8)
    axes[0].set_title(f"{recording.name}, trial {trial}: orange line, the stimulus", loc="left")
    axes[-1].set_xlabel("time from stimulus (s)")
    figure.align_ylabels(axes)
    return figure


def _raster(axis: Axes, recording: TrialRecording, trial: int) -> None:
    order = np.argsort(recording.brain_area, kind="stable")
    neuron, bins = np.nonzero(recording.spikes[order, trial])
    axis.scatter(recording.time[recording.spike_bins][bins], neuron, s=0.4, color=INK, rasterized=True)
    names, starts = np.unique(recording.brain_area[order], return_index=True)
    axis.set_yticks(starts, names, fontsize=7)
    axis.set_ylabel("neuron, by region")


@explain_values
def plot_cleaning(
    time: Float[np.ndarray, "T"],
    raw: Float[np.ndarray, "T"],
    clean: Float[np.ndarray, "T"],
    trusted: Bool[np.ndarray, "T"],
    unit: str,
) -> Figure:
    """One trial's channel as recorded (grey) and cleaned (blue), untrusted bins shaded."""
    figure, axis = plt.subplots(figsize=(6.5, 2.2))
    axis.plot(time, raw, color=GREY, label="recorded")
    axis.plot(time, np.where(trusted, clean, np.nan), label="cleaned")
    spread = np.ptp(clean) or 1.0
    axis.set_ylim(clean.min() - spread, clean.max() + spread)
    axis.fill_between(
        time, *axis.get_ylim(), where=~trusted, color=COLOURS[1], alpha=0.2, label="masked", linewidth=0
    )
    axis.set(xlabel="time from stimulus (s)", ylabel=unit)
    axis.legend(loc="upper left", ncols=3, fontsize=8)
    return figure


@explain_values
def plot_rates(task: EncodingTask, predictions: dict[str, np.ndarray], trial: int) -> Figure:
    """Measured (grey) and predicted rates of each region in one trial, over the recorded bins."""
    width, bins = 2.4 * len(task.regions), task.recorded
    figure, axes = plt.subplots(1, len(task.regions), figsize=(width, 2.3), squeeze=False)
    lines = {"measured": task.rates, **predictions}
    for region, axis in enumerate(axes[0]):
        for name, rates in lines.items():
            colour = {"color": GREY} if name == "measured" else {}
            axis.plot(task.time[bins], rates[trial, bins, region], label=name, **colour)
        axis.set_title(task.regions[region], loc="left")
        axis.set_xlabel("time from stimulus (s)")
    axes[0][0].set_ylabel("rate (Hz per neuron)")
    labels = axes[0][0].get_legend_handles_labels()
    figure.legend(*labels, loc="outside lower center", ncols=len(lines))
    return figure


@explain_values
def plot_scores(
    table: pd.DataFrame,
    *,
    ceiling: dict[str, float] | None = None,
    measure: str = "r2_mean",
    title: str = "R² against the training mean",
) -> Figure:
    """R² of each model in each region with its 95 % interval; grey ticks: null, dashed: best reachable.

    `table` is that of `neurokit.pupil_encoder.scores.score_table`; `ceiling` maps a region to the best that a
    model can reach.
    """
    regions, models = list(dict.fromkeys(table["region"])), list(dict.fromkeys(table["model"]))
    figure, axes = plt.subplots(
        1,
        len(regions),
        figsize=(1.9 * len(regions) + 1.6, 0.32 * len(models) + 1.2),
        sharey=True,
        squeeze=False,
    )
    for region, axis in zip(regions, axes[0], strict=True):
        own = table[table["region"] == region].set_index("model").loc[models]
        _score_panel(axis, own, measure)
        if ceiling and region in ceiling:
            axis.axvline(ceiling[region], color=INK, linestyle="--", linewidth=0.9)
        axis.set_title(region, loc="left")
    axes[0][0].set_yticks(range(len(models)), models)
    axes[0][0].invert_yaxis()
    marks = ["bars: 95 % interval", "grey ticks: null"] if measure == "r2_mean" else []
    marks += ["dashed: ceiling"] if ceiling else []
    figure.supxlabel(f"{title} (1 is perfect, 0 the reference)\n{', '.join(marks)}".rstrip(), fontsize=9)
    return figure


def _score_panel(axis: Axes, rows: pd.DataFrame, measure: str) -> None:
    axis.axvline(0, color=GREY, linewidth=0.8)
    place = np.arange(len(rows))
    axis.scatter(rows[measure], place, color=COLOURS[0], s=18, zorder=3)
    if measure == "r2_mean":
        axis.hlines(place, rows["low"], rows["high"], color=COLOURS[0])
        axis.scatter(rows["null"], place, color=GREY, marker="|", s=60)


@explain_values
def plot_history(history: pd.DataFrame, best_epoch: int) -> Figure:
    """Training and validation loss over epochs, the best epoch marked."""
    figure, axis = plt.subplots(figsize=(4.2, 2.4))
    axis.plot(history["epoch"], history["train_loss"], label="training trials")
    axis.plot(history["epoch"], history["validation_loss"], label="validation trials")
    axis.axvline(best_epoch, color=GREY, linestyle="--", linewidth=0.9, label="best epoch")
    axis.set(xlabel="epoch", ylabel="mean squared error (Hz²)")
    axis.legend(fontsize=8)
    return figure


@explain_values
def plot_lags(
    lags: Float[np.ndarray, "L"],
    profile: Float[np.ndarray, "L C"],
    channels: Sequence[str],
    planted: float | None = None,
) -> Figure:
    """Mean absolute attribution at each lag (s; positive: the input came first), a line a channel."""
    figure, axis = plt.subplots(figsize=(4.6, 2.4))
    for channel, values in zip(channels, np.asarray(profile).T, strict=True):
        axis.plot(lags, values, label=channel)
    if planted is not None:
        axis.axvline(planted, color=INK, linestyle="--", linewidth=0.9, label="planted lag")
    axis.set(xlabel="lag of the rate behind the input (s)", ylabel="mean |attribution| (Hz)")
    axis.legend(fontsize=8)
    return figure


@explain_values
def plot_search(studies: dict[str, pd.DataFrame]) -> Figure:
    """Best validation loss so far over trials, one line a search; dots are single trials."""
    figure, axis = plt.subplots(figsize=(4.6, 2.6))
    for (name, trials), colour in zip(studies.items(), COLOURS, strict=False):
        axis.scatter(trials["number"] + 1, trials["loss"], s=10, alpha=0.5, color=colour)
        axis.step(trials["number"] + 1, trials["loss"].cummin(), where="post", label=name, color=colour)
    axis.set(xlabel="trials so far", ylabel="validation error (Hz²)")
    axis.legend(fontsize=8)
    return figure
