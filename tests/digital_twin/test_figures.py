"""The pictures of digital twins draw each value under its own name, and angles where they belong."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch

import figure_twins
from neurokit import load_pretrained
from neurokit.digital_twin.figures import (
    play_looks,
    plot_directions,
    plot_looks,
    plot_losses,
    plot_orientations,
    plot_repeats,
    plot_units,
)
from neurokit.digital_twin.network.perspective import on_plane, retinal_rays

CENTER = torch.tensor([0.0, 0.0, 0.5])
SHIFT = np.array([0.3, 0.0], dtype=np.float32)


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """No figure is left open."""
    yield
    plt.close("all")


def drawn(axis: plt.Axes, label: str) -> np.ndarray:
    """The values of the line of that name."""
    (line,) = (line for line in axis.lines if line.get_label() == label)
    return np.asarray(line.get_ydata())


def test_each_look_has_its_dots_on_the_monitor_and_its_image_beside_it() -> None:
    places = on_plane(retinal_rays(6, 8, 40.0).flatten(0, 1), CENTER).unflatten(0, (6, 8)).numpy()
    looks = {"left": places - SHIFT, "right": places + SHIFT}
    images = {name: np.full((6, 8), number, np.float64) for number, name in enumerate(looks)}
    monitor, *retinas = plot_looks(np.zeros((36, 64), np.uint8), looks, images).axes
    assert tuple(monitor.images[0].get_extent()) == (-1, 1, 36 / 64, -36 / 64)
    for name, dots, retina in zip(looks, monitor.collections, retinas, strict=True):
        np.testing.assert_allclose(dots.get_offsets(), looks[name][::3, ::3].reshape(-1, 2))
        assert dots.get_label() == name == retina.get_title()
        np.testing.assert_array_equal(retina.images[0].get_array(), images[name])


def test_losses_count_epochs_from_one() -> None:
    history = pd.DataFrame({"epoch": [0, 1, 2], "validation_loss": [1.0, 0.9, 0.8]})
    axis = plot_losses({"one": history, "two": history + 0.5}).axes[0]
    np.testing.assert_array_equal(drawn(axis, "one"), [1.0, 0.9, 0.8])
    np.testing.assert_array_equal(drawn(axis, "two"), [1.5, 1.4, 1.3])
    assert axis.lines[0].get_xdata().tolist() == [1, 2, 3]


def test_a_clip_shows_every_repeat_and_the_means() -> None:
    random = np.random.default_rng(0)
    recorded, predicted = random.uniform(size=(2, 4, 60))
    figure = plot_repeats(recorded, {"twin": predicted})
    axis = figure.axes[0]
    for repeat, line in zip(recorded, axis.lines, strict=False):
        np.testing.assert_array_equal(line.get_ydata(), repeat)
    np.testing.assert_array_equal(drawn(axis, "mean of 4 repeats"), recorded.mean(axis=0))
    np.testing.assert_array_equal(drawn(axis, "twin"), predicted.mean(axis=0))
    assert axis.lines[0].get_xdata()[-1] == pytest.approx(59 / 30)
    assert "(s)" in axis.get_xlabel()


def test_tuning_is_drawn_in_degrees_and_by_its_own_largest_response() -> None:
    directions = np.arange(8) * np.pi / 4
    curves = {name: np.random.default_rng(n).uniform(1, 5, (2, 8)) for n, name in enumerate("ab")}
    axes = plot_directions(directions, curves, ["cell 3", "cell 5"], np.array([45.0, 200.0])).axes
    for column, axis in enumerate(axes):
        for name, values in curves.items():
            np.testing.assert_allclose(drawn(axis, name), values[column] / values[column].max())
        assert axis.lines[0].get_xdata()[2] == pytest.approx(90)
        assert axis.lines[-1].get_xdata()[0] == [45.0, 200.0][column]
    assert [axis.get_title() for axis in axes] == ["cell 3", "cell 5"]


def test_without_a_planted_direction_none_is_marked() -> None:
    axis = plot_directions(np.arange(4.0), {"a": np.ones((1, 4))}, ["cell"]).axes[0]
    assert [line.get_label() for line in axis.lines] == ["a"]


def test_orientations_are_drawn_between_0_and_180_degrees() -> None:
    planted, found = np.array([10.0, 170.0, 90.0, 180.0]), np.array([-5.0, 185.0, 100.0, 30.0])
    axis = plot_orientations(planted, {"twin": found}).axes[0]
    places = np.asarray(axis.collections[0].get_offsets())
    np.testing.assert_allclose(places[:, 0], [10.0, 170.0, 90.0, 0.0])
    np.testing.assert_allclose(places[:, 1], [175.0, 5.0, 100.0, 30.0])
    assert axis.get_ylim() == (0, 180)
    assert [text.get_text() for text in axis.figure.legends[0].texts] == ["equal", "45 deg off (chance)"]


def test_units_stand_where_they_read_and_have_the_colour_of_their_orientation() -> None:
    random = np.random.default_rng(0)
    names = ("readout_location_x", "readout_location_y", "pref_ori", "cc_abs", "gOSI")
    table = pd.DataFrame({name: random.uniform(size=20) for name in names})
    left, right, bar = plot_units(table).axes
    (dots,) = left.collections
    np.testing.assert_array_equal(dots.get_offsets(), table[[*names[:2]]])
    np.testing.assert_array_equal(dots.get_array(), table["pref_ori"])
    assert dots.get_clim() == (0, 180) and "deg" in bar.get_ylabel()
    np.testing.assert_array_equal(right.collections[0].get_offsets(), table[["cc_abs", "gOSI"]])


# --- The picture of the study, from a result file ---


def write_study(folder: Path, models: list[str]) -> dict[str, list[float]]:
    """A result file of three seeds at 1, 3 and 9 minutes; returns the mean scores of each model."""
    random, rows, each = np.random.default_rng(0), [], []
    for model in models:
        for minutes in (9.0, 1.0, 3.0):
            scores = random.uniform(size=3)
            new = dict.fromkeys(figure_twins.KINDS[1:], float(random.uniform()) if minutes == 9 else None)
            rows.append({"model": model, "minutes": minutes, "cc_norm": float(scores.mean()), **new})
            each += [
                {"model": model, "minutes": minutes, "seed": seed, "cc_norm": float(score)}
                for seed, score in enumerate(scores)
            ]
    (folder / "digital_twins.json").write_text(json.dumps({"rows": rows, "each": each}))
    means = pd.DataFrame(each).groupby(["model", "minutes"]).cc_norm.mean()
    return {model: means[model].tolist() for model in models}


def test_the_picture_draws_means_as_lines_and_seeds_as_dots(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figure_twins, "RESULTS", tmp_path)
    means = write_study(tmp_path, [*figure_twins.MODELS, "truth"])
    left, right = figure_twins.draw().axes
    for model, values in means.items():
        np.testing.assert_allclose(drawn(left, model), values)
    assert [len(dots.get_offsets()) for dots in left.collections] == [9] * len(figure_twins.MODELS)
    assert left.get_xscale() == "log"
    assert left.lines[0].get_xdata().tolist() == [1, 3, 9]
    heights = [dots.get_offsets()[0, 1] for dots in right.collections[: len(figure_twins.MODELS)]]
    np.testing.assert_allclose(heights, [means[model][2] for model in figure_twins.MODELS])


def test_the_pupil_that_moves_is_drawn_where_the_network_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The still has it at the right; a quarter of a swing before, it is where the pupil at rest is."""
    network = load_pretrained("twin").model
    updates: list[Any] = []
    monkeypatch.setattr("neurokit.digital_twin.figures.play", lambda *given, **_: updates.append(given))
    play_looks(network, np.random.default_rng(0).integers(0, 255, (36, 64), dtype=np.uint8), most=2.0)
    ((figure, update, frames),) = updates
    monitor, rest, moving = figure.axes
    with torch.no_grad():
        eye = torch.tensor([[[2.0, 0.0]]])
        wanted = network.perspective.places(eye, network.begin())[0, 0][::3, ::3].reshape(-1, 2)
    update(frames // 4)
    still = np.array(monitor.collections[1].get_offsets())
    np.testing.assert_allclose(still, wanted, atol=1e-5)
    update(0)
    at_rest = monitor.collections[0].get_offsets()
    np.testing.assert_allclose(monitor.collections[1].get_offsets(), at_rest, atol=1e-6)
    np.testing.assert_array_equal(moving.images[0].get_array(), rest.images[0].get_array())
    assert np.abs(still - at_rest).max() > 1e-3
