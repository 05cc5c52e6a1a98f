"""The picture of a diagnosis: named axes, and bars where something was measured."""

from collections.abc import Iterator
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest

from neurokit.recordings import Recording, Trace, diagnose, draw_diagnosis
from tests.recordings.planted import images, movie, spikes, trials


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """No figure is left open."""
    yield
    plt.close("all")


KINDS = {"movie": movie, "images": images, "spikes": lambda: spikes()[0], "trials": lambda: trials(drift=0.5)}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_recording_is_drawn_with_named_axes(kind: str) -> None:
    recording: Recording = KINDS[kind]()
    found = diagnose(recording)
    figure = draw_diagnosis(found, recording)
    figure.canvas.draw()
    mean, units, clocks, frame, reliability, drift = figure.axes[:6]
    assert mean.get_ylabel().endswith(f"({found.rows.unit})") and units.get_ylabel().startswith("units")
    assert clocks.get_xlabel() == ("trial" if kind == "trials" else "time in the session (s)")
    assert bool(frame.images) == (kind in ("movie", "images"))
    assert (reliability.get_xlabel() == "correlation") == (found.reliability is not None)
    assert drift.get_xlabel() == "variance that time alone predicts (R²)"
    grey, slow = mean.lines
    drawn = np.asarray(grey.get_ydata(), dtype=float)
    np.testing.assert_allclose(drawn, np.nanmean(found.rows.values, axis=1), rtol=1e-4, atol=1e-5)
    assert found.drift is not None
    np.testing.assert_allclose(np.asarray(slow.get_ydata(), dtype=float), found.drift.slow)


def test_the_histogram_holds_every_unit_with_a_reliability() -> None:
    recording = movie()
    found = diagnose(recording)
    figure = draw_diagnosis(found, recording)
    bars = [patch.get_height() for patch in figure.axes[4].patches if hasattr(patch, "get_height")]
    assert sum(bars) == 60


def test_a_stretch_without_values_is_a_hole_in_its_bar() -> None:
    recording = movie(repeats=4)
    clock = np.arange(0, 45, 0.05)
    pupil = np.where((clock > 10) & (clock < 20), np.nan, 1.0)
    recording = replace(recording, behaviour={"pupil_size": Trace(pupil, clock)})
    figure = draw_diagnosis(diagnose(recording), recording)
    clocks = figure.axes[2]
    names = [label.get_text() for label in clocks.get_yticklabels()]
    assert names == ["activity", "pupil_size", "natural_movie"]
    activity, pupils, shown = (bar.get_paths() for bar in clocks.collections)
    assert (len(activity), len(pupils), len(shown)) == (1, 2, 1)
    first, second = (path.get_extents() for path in pupils)
    assert first.x1 == pytest.approx(10, abs=0.3) and second.x0 == pytest.approx(20, abs=0.3)
