"""The picture of growth draws what was measured, its lines, and panels whose slopes can be compared."""

import json
from collections.abc import Iterator
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

import figure_growth


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """No figure is left open."""
    yield
    plt.close("all")


def row(axis: str, what: str, sizes: list[int], power: float) -> dict[str, object]:
    """A curve as the benchmark writes it; memory stays the same."""
    times = [3 * size**power for size in sizes]
    lines = {"ms_fixed": 0.0, "ms_of_each": 3.0, "mb_fixed": 0.2, "mb_of_each": 0.0}
    exponents = {"ms_exponent_upper": power, "mb_exponent_upper": 0.0}
    named = {"axis": axis, "what": what, "sizes": sizes}
    return named | {"ms": times, "mb": [0.2] * len(sizes)} | lines | exponents


@pytest.fixture
def rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """One curve for each size and two over frames, in a result file with something extrapolated."""
    found = [row(axis, "work, step", [2, 4, 8], 1.0) for axis in figure_growth.AXES]
    found.append(row("frames", "other, step", [8, 16, 32, 64], 2.0))
    ahead = {"axis": "frames", "what": "work", "size": 1000, "extrapolated": True, "ms": 1e9, "mb": 1e9}
    content = json.dumps({"rows": [*found, ahead]})
    (tmp_path / f"{figure_growth.NAME}.json").write_text(content)
    monkeypatch.setattr(figure_growth, "RESULTS", tmp_path)
    return found


def test_dots_are_what_was_measured_and_lines_the_fitted_ones(rows: list[dict[str, object]]) -> None:
    panels = figure_growth.draw().axes
    assert len(panels) == 2 * len(figure_growth.AXES)
    number = list(figure_growth.AXES).index("frames")
    time, memory = panels[number], panels[number + len(figure_growth.AXES)]
    first, second = (dots.get_offsets() for dots in time.collections)
    np.testing.assert_allclose(first, np.transpose([[2, 4, 8], [6, 12, 24]]))
    np.testing.assert_allclose(second[:, 1], rows[-1]["ms"])
    np.testing.assert_allclose(time.lines[0].get_ydata(), 3 * time.lines[0].get_xdata())
    np.testing.assert_allclose(memory.collections[0].get_offsets()[:, 1], figure_growth.LEAST)
    assert [text.get_text() for text in time.texts] == ["$x^{1.00}$", "$x^{2.00}$"]
    assert [text.get_text() for text in time.get_legend().get_texts()] == ["work, step", "other, step"]


def test_all_panels_of_a_kind_span_the_same_decades_and_hold_their_dots(
    rows: list[dict[str, object]],
) -> None:
    panels = figure_growth.draw().axes
    for line in (panels[: len(figure_growth.AXES)], panels[len(figure_growth.AXES) :]):
        spans = [[np.ptp(np.log10(each.get_xlim())), np.ptp(np.log10(each.get_ylim()))] for each in line]
        np.testing.assert_allclose(spans, np.broadcast_to(spans[0], np.shape(spans)))
        for panel in line:
            places = np.concatenate([dots.get_offsets() for dots in panel.collections])
            assert panel.get_xlim()[0] < places[:, 0].min() and places[:, 0].max() < panel.get_xlim()[1]
            assert panel.get_ylim()[0] < places[:, 1].min() and places[:, 1].max() < panel.get_ylim()[1]


def test_axes_have_names_and_units(rows: list[dict[str, object]]) -> None:
    panels = figure_growth.draw().axes
    below = panels[len(figure_growth.AXES) :]
    assert [panel.get_xlabel() for panel in below] == list(figure_growth.AXES.values())
    assert "(ms)" in panels[0].get_ylabel() and "(MB)" in below[0].get_ylabel()
