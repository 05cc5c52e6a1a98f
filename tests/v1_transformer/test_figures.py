"""The pictures of movie sessions show the samples that they are asked for, each under its own name."""

from collections.abc import Iterator
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgba

from neurokit.errors import DataError
from neurokit.v1_transformer.figures import PARTS, plot_parts, plot_repeats, plot_traces
from neurokit.v1_transformer.recording import Movie, MovieSession

SAMPLES, CELLS = 200, 3
STARTS = np.array([[50, 51, 53, 54], [100, 101, 102, 104]])


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """No figure is left open."""
    yield
    plt.close("all")


@pytest.fixture
def session() -> MovieSession:
    """A session of noise with one movie of four frames, shown twice; a sample each tenth of a second."""
    random = np.random.default_rng(0)
    dff, running, pupil = (
        random.standard_normal(shape).astype(np.float32)
        for shape in ((CELLS, SAMPLES), SAMPLES, (SAMPLES, 3))
    )
    running[:20] = np.nan
    return MovieSession(
        session_id=1,
        session_type="three_session_B",
        structure="VISp",
        depth=175,
        cre_line="Cux2-CreERT2",
        pipeline="3.0",
        cell_ids=np.arange(CELLS),
        time=5 + np.arange(SAMPLES) / 10,
        dff=dff,
        running=running,
        pupil=pupil,
        movies={"natural_movie_one": Movie("natural_movie_one", np.zeros((4, 2, 2), np.uint8), STARTS)},
    )


def test_each_trace_is_the_one_that_its_label_names(session: MovieSession) -> None:
    figure = plot_traces(session, [2, 0], (9.95, 17.05))
    inside = slice(50, 121)
    expected = {
        "cell 2": session.dff[2],
        "cell 0": session.dff[0],
        "running": session.running,
        "pupil size": session.pupil[:, 2],
    }
    assert [axis.get_ylabel().split("\n")[0] for axis in figure.axes] == list(expected)
    for axis, values in zip(figure.axes, expected.values(), strict=True):
        (line,) = axis.lines
        np.testing.assert_array_equal(line.get_xdata(), session.time[inside])
        np.testing.assert_array_equal(line.get_ydata(), values[inside])


def test_shaded_is_when_the_movie_ran(session: MovieSession) -> None:
    axis = plot_traces(session, [0], (5.0, 24.9)).axes[0]
    (shade,) = axis.collections
    assert shade.get_label() == "natural_movie_one"
    spans = [path.vertices[:, 0] for path in shade.get_paths()]
    found = [(round(x.min(), 6), round(x.max(), 6)) for x in spans]
    assert found == [(10.0, 10.4), (15.0, 15.4)]


def test_a_session_without_eye_camera_has_no_pupil(session: MovieSession) -> None:
    figure = plot_traces(replace(session, pupil=None), [0], (5.0, 24.9))
    assert len(figure.axes) == 2
    assert not any("pupil" in axis.get_ylabel() for axis in figure.axes)


def test_a_time_outside_the_session_is_named(session: MovieSession) -> None:
    with pytest.raises(DataError, match="between 60 and 70 s: the session lasts from 5 to 25 s"):
        plot_traces(session, [0], (60.0, 70.0))


def test_repeats_are_rows_and_their_mean_is_below() -> None:
    responses = np.random.default_rng(0).random((10, 30)).astype(np.float32)
    above, below, *_ = plot_repeats(responses, np.arange(30) / 30).axes
    (image,) = above.images
    np.testing.assert_array_equal(image.get_array(), responses)
    assert image.get_extent()[2:] == [10.5, 0.5]  # the first repeat on top
    (mean,) = (line for line in below.lines if line.get_label() == "mean over repeats")
    np.testing.assert_allclose(mean.get_ydata(), responses.mean(axis=0))
    assert len(below.lines) == 11


def test_each_part_has_the_colour_of_its_name() -> None:
    values = np.array([[0, 1, 2, 3], [3, 2, 1, 0]])
    figure = plot_parts({"blocks": values})
    (image,) = figure.axes[0].images
    np.testing.assert_array_equal(image.get_array(), values)
    drawn = image.cmap(image.norm(np.arange(4)))
    np.testing.assert_allclose(drawn, [to_rgba(colour) for colour in PARTS.values()])
    legend = figure.legends[0]
    colours = {
        text.get_text(): mark.get_facecolor()
        for text, mark in zip(legend.get_texts(), legend.get_patches(), strict=True)
    }
    assert colours == {name: to_rgba(colour) for name, colour in PARTS.items()}
