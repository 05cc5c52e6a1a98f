"""The picture of growth, from the result file of `benchmarks/growth.py`.

A column for each size. All panels span the same decades, so that slopes can be compared: a straight line has
the slope of its exponent, and the grey one that of work in proportion to its size.
"""

import json
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from neurokit.figures.style import COLOURS, GREY

RESULTS = Path(__file__).resolve().parent.parent / "benchmarks" / "results"
NAME = "growth-linux-x86_64-2cpu"
LABELS = {"ms": "time (ms)", "mb": "extra memory (MB)"}
AXES = {
    "neurons": "neurons",
    "pixels": "pixels of an image",
    "mice": "mice",
    "trials": "trials",
    "snippet": "snippet (frames)",
    "frames": "video (frames)",
    "members": "members",
}
LEGEND: dict[str, Any] = {
    "fontsize": 6.5,
    "loc": "lower center",
    "bbox_to_anchor": (0.5, 1),
    "handlelength": 0.5,
}
MARGIN, RIGHT = (1.0, 0.4), 0.3  # decades around the dots, and how much more of them for the exponents
LEAST = 1.0  # MB; the measurement resolves no less


def draw() -> Figure:
    """Time above memory."""
    content = json.loads((RESULTS / f"{NAME}.json").read_text(encoding="utf-8"))
    rows = [row for row in content["rows"] if not row.get("extrapolated")]
    figure, axes = plt.subplots(2, len(AXES), figsize=(12, 4.6))
    for line, (name, label) in enumerate(LABELS.items()):
        panels = dict(zip(AXES, axes[line], strict=True))
        for axis, panel in panels.items():
            draw_panel(panel, [row for row in rows if row["axis"] == axis], name)
        same_decades(panels.values())
        axes[line, 0].set_ylabel(label)
    for above, below, label in zip(*axes, AXES.values(), strict=True):
        above.legend(**LEGEND)
        below.set_xlabel(label)
    return figure


def draw_panel(panel: Axes, rows: list[dict[str, Any]], name: str) -> None:
    """Dots measured, the line fitted (a fixed part, a part of each unit), the exponent of the upper half."""
    panel.set(xscale="log", yscale="log")
    least = LEAST if name == "mb" else 0
    for row, colour in zip(rows, COLOURS, strict=False):
        sizes, values = np.array(row["sizes"]), np.maximum(row[name], least)
        between = np.geomspace(sizes[0], sizes[-1])
        exponent = f"$x^{{{round(row[f'{name}_exponent_upper'], 2) + 0:.2f}}}$"
        line = row[f"{name}_fixed"] + row[f"{name}_of_each"] * between
        panel.plot(between, np.maximum(line, least), color=colour)
        panel.scatter(sizes, values, s=14, color=colour, label=row["what"])
        place = {"xytext": (4, 1), "textcoords": "offset points"}
        panel.annotate(exponent, (sizes[-1], values[-1]), fontsize=8, color=colour, **place)


def same_decades(panels: Any) -> None:
    """Widens all panels to equal spans, logarithmically, and draws a line in proportion through each."""
    shown = {
        panel: np.log10(np.concatenate([d.get_offsets() for d in panel.collections])) for panel in panels
    }
    spans = np.max([np.ptp(places, axis=0) for places in shown.values()], axis=0) + MARGIN
    for panel, places in shown.items():
        middle = (places.min(axis=0) + places.max(axis=0)) / 2 + (RIGHT, 0)
        (left, bottom), (right, top) = 10 ** (middle - spans / 2), 10 ** (middle + spans / 2)
        panel.axline(10**middle, 10 ** (middle + 1), color=GREY, linewidth=0.7, linestyle=":", zorder=0)
        panel.set(xlim=(left, right), ylim=(bottom, top))
        panel.xaxis.set_minor_formatter(NullFormatter())
        panel.yaxis.set_minor_formatter(NullFormatter())
