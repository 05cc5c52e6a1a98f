"""The pictures of SENSORIUM models show the numbers that they are given, each in its own place."""

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from neurokit.sensorium.figures import plot_learning, plot_maps, plot_neuron_scores

NEURONS = 41


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """No figure is left open."""
    yield
    plt.close("all")


def test_a_learning_curve_rises_where_the_loss_falls() -> None:
    history = pd.DataFrame({"epoch": [0, 1, 2], "validation_loss": [-0.1, -0.2, -0.4]})
    (axis,) = plot_learning({"CNN": history}).axes
    np.testing.assert_allclose(axis.lines[0].get_xydata(), [[1, 0.1], [2, 0.2], [3, 0.4]])


def test_each_model_stands_beside_its_own_ceiling() -> None:
    random = np.random.default_rng(0)
    names = ("LN", "CNN")
    scores, ceilings = ({name: random.random(NEURONS) for name in names} for _ in range(2))
    (axis,) = plot_neuron_scores(scores, ceilings).axes
    drawn = {(round(y, 2), round(x, 6)) for dots in axis.collections for x, y in _offsets(dots)}
    for place, name in enumerate(names):
        assert (place, round(scores[name].mean(), 6)) in drawn
        assert (place + 0.18, round(ceilings[name].mean(), 6)) in drawn
    assert [label.get_text() for label in axis.get_yticklabels()] == list(names)
    assert axis.yaxis_inverted()


def _offsets(dots: object) -> np.ndarray:
    return dots.get_offsets() if hasattr(dots, "get_sizes") else np.empty((0, 2))


def test_maps_lie_in_rows_and_columns_and_zero_is_in_the_middle() -> None:
    maps = np.random.default_rng(0).standard_normal((2, 3, 36, 64))
    circles = np.array([[5.0, 9.0, 3.0], [6.0, 20.0, 4.0], [30.0, 60.0, 2.0]])
    rows = {"image": maps[0], "gradient": maps[1]}
    figure = plot_maps(rows, ["a", "b", "c"], grey=["image"], circles=circles)
    for number, axis in enumerate(figure.axes):
        row, column = divmod(number, 3)
        (drawn,) = axis.images
        np.testing.assert_array_equal(drawn.get_array(), maps[row, column])
        assert drawn.norm.vmin == -drawn.norm.vmax
        assert drawn.get_cmap().name == ("gray", "RdBu_r")[row]
        (circle,) = axis.patches
        assert circle.center == (circles[column, 1], circles[column, 0])
        assert circle.radius == circles[column, 2]


def test_maps_can_be_cropped_to_the_field() -> None:
    circles = np.array([[5.0, 9.0, 3.0], [30.0, 60.0, 2.0]])
    figure = plot_maps({"gradient": np.ones((2, 36, 64))}, ["a", "b"], circles=circles, reach=8)
    assert [axis.get_xlim() for axis in figure.axes] == [(1, 17), (52, 68)]
    assert [axis.get_ylim() for axis in figure.axes] == [(13, -3), (38, 22)]  # rows count downwards


def test_a_map_of_zeros_can_be_drawn() -> None:
    figure = plot_maps({"gradient": np.zeros((1, 36, 64))}, ["silent"])
    figure.canvas.draw()


def test_a_title_without_its_map_is_refused() -> None:
    with pytest.raises(ValueError, match="argument"):
        plot_maps({"gradient": np.zeros((1, 36, 64))}, ["a", "b"])
