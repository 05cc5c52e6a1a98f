"""Pictures: one style, named axes with units, every score beside what it is measured against."""

from neurokit.figures.pupil import (
    UNITS,
    plot_cleaning,
    plot_history,
    plot_lags,
    plot_rates,
    plot_scores,
    plot_search,
    plot_trial,
)
from neurokit.figures.sensorium import plot_learning, plot_maps, plot_neuron_scores
from neurokit.figures.style import COLOURS, GREY, INK, STYLE, use_style

__all__ = [
    "COLOURS",
    "GREY",
    "INK",
    "STYLE",
    "UNITS",
    "plot_cleaning",
    "plot_history",
    "plot_lags",
    "plot_learning",
    "plot_maps",
    "plot_neuron_scores",
    "plot_rates",
    "plot_scores",
    "plot_search",
    "plot_trial",
    "use_style",
]
