"""The pictures of ceilings show every unit with a signal in its place, and count the others."""

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pytest

from neurokit.errors import DataError
from neurokit.figures.ceilings import plot_ceiling, plot_normalised
from neurokit.metrics.repeats import UnevenRepeatScores

UNITS, SILENT = 200, 30


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """No figure is left open."""
    yield
    plt.close("all")


def scores(quality: float, seed: int = 0, silent: int = SILENT) -> UnevenRepeatScores:
    """Units whose CC_norm is about `quality`; the first ones have no signal."""
    random = np.random.default_rng(seed)
    ceiling, normalised = random.uniform(0.2, 0.95, UNITS), random.normal(quality, 0.1, UNITS)
    found = ceiling * normalised
    ceiling[:silent] = normalised[:silent] = np.nan
    return UnevenRepeatScores(cc_abs=found, cc_max=ceiling, cc_norm=normalised)


def test_every_unit_with_a_signal_is_a_dot_of_its_own_colour() -> None:
    found = scores(0.7)
    axis, bar = plot_ceiling(found).axes
    (dots,) = axis.collections
    np.testing.assert_array_equal(dots.get_offsets()[:, 0], found.cc_max[SILENT:])
    np.testing.assert_array_equal(dots.get_offsets()[:, 1], found.cc_abs[SILENT:])
    np.testing.assert_array_equal(dots.get_array(), found.cc_norm[SILENT:])
    assert axis.get_title() == "170 units; 30 more without signal"
    assert "CC_max" in axis.get_xlabel() and "CC_abs" in axis.get_ylabel() and "CC_norm" in bar.get_ylabel()


def test_the_ceiling_is_where_both_correlations_are_the_same() -> None:
    axis = plot_ceiling(scores(0.7)).axes[0]
    (line,) = (line for line in axis.lines if line.get_label() == "ceiling")
    np.testing.assert_array_equal(line.get_xdata(), line.get_ydata())


def test_each_histogram_counts_all_units_with_a_signal_and_marks_their_median() -> None:
    models = {"twin": scores(0.7), "linear": scores(0.3, seed=1)}
    models["linear"].cc_norm[SILENT] = 9.0  # outside of what is drawn
    figure = plot_normalised(models)
    (axis,) = figure.axes
    dashed = [line.get_xdata()[0] for line in axis.lines if line.get_linestyle() == "--"]
    assert dashed == [pytest.approx(model.median) for model in models.values()]
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == [f"{name}: median {model.median:.2f}" for name, model in models.items()]
    for outline in axis.patches:
        assert area(outline.get_xy()) == pytest.approx(UNITS - SILENT)


def area(corners: np.ndarray) -> float:
    """What a histogram's outline counts: its height, summed over bins of the same width."""
    x, y = corners.T
    bins = len(np.unique(x)) - 1
    return float(abs(np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2))) / (np.ptp(x) / bins)


@pytest.mark.parametrize("draw", [plot_ceiling, lambda found: plot_normalised({"twin": found})])
def test_scores_without_any_signal_are_refused(draw: object) -> None:
    with pytest.raises(DataError, match=r"No unit of .* has a signal that repeats; record more"):
        draw(scores(0.7, silent=UNITS))
