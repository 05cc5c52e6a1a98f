"""The pictures of ceilings show every unit with a signal in its place, and count the others."""

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pytest

from neurokit.errors import DataError
from neurokit.figures.ceilings import plot_ceiling
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


def test_scores_without_any_signal_are_refused() -> None:
    with pytest.raises(DataError, match=f"None of the {UNITS} units has a signal"):
        plot_ceiling(scores(0.7, silent=UNITS))
