"""Families of networks beside the linear filter and the ceiling, from the result files of their search."""

import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurokit import Experiment, pupil_encoder
from neurokit.figures.style import COLOURS, GREY, INK

RESULTS = Path(__file__).resolve().parent.parent / "benchmarks" / "results"
FAMILIES = ("rnn", "gru", "lstm", "mlp", "cnn")  # the published one first
PANELS = {
    "three simulated mice, pupil": ("encoder_families", "demo", "pupil"),
    "Cori, a real mouse, behaviour": ("encoder_families_cutout", "cutout", "behaviour"),
}


def draw() -> Figure:
    """R² on test trials, mean over regions: mean and standard deviation over three seeds."""
    figure, axes = plt.subplots(1, 2, figsize=(8.2, 2.8), sharey=True)
    for axis, (title, (name, source, inputs)) in zip(axes, PANELS.items(), strict=True):
        content = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
        _draw_families(axis, pd.DataFrame(content["rows"]))
        _draw_yardsticks(axis, source, inputs, content["seeds"])
        axis.set_title(title, fontsize=9)
    axes[0].set(ylabel="R² on test trials", ylim=(0, None))
    axes[0].legend(fontsize=7, loc="lower left")
    return figure


def _draw_families(axis: Axes, rows: pd.DataFrame) -> None:
    found = rows[rows["search"] == "tpe"].set_index("family")
    names = [name for name in FAMILIES if name in found.index]
    mean, spread = found.loc[names, "r2_mean_mean"], found.loc[names, "r2_mean_std"]
    axis.errorbar(
        range(len(names)), mean, spread, fmt="o", color=COLOURS[0], label="network, searched by TPE"
    )
    axis.set_xticks(range(len(names)), [name.upper() for name in names])


def _draw_yardsticks(axis: Axes, source: str, inputs: str, seeds: int) -> None:
    """Linear filter and ceiling of the same mice and splits."""
    tables = []
    for seed in range(seeds):
        made = Experiment("pupil-encoder", source=source, values={"inputs": inputs}, seed=seed, device="cpu")
        scores = pupil_encoder.evaluate(None, made.task, made.config)
        tables.append(scores.groupby("model")["r2_mean"].mean())
    found = pd.concat(tables, axis=1)
    for name, label, colour, style in (
        ("FIR", "linear filter", COLOURS[1], "-"),
        ("ceiling", "ceiling", INK, "--"),
    ):
        axis.axhline(np.mean(found.loc[name]), color=colour, linestyle=style, label=label)
    low, high = (np.mean(found.loc["FIR"]) + sign * np.std(found.loc["FIR"], ddof=1) for sign in (-1, 1))
    axis.axhspan(low, high, color=COLOURS[1], alpha=0.15, linewidth=0)
    axis.axhline(0, color=GREY, linewidth=0.8)
