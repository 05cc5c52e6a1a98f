"""Where attribution pays: what counts as found, and one mouse in which a linear filter sees nothing."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from neurokit import Experiment
from pays.attribution import BINS, CHANNELS, GRADIENTS, SQUARES, WEIGHTS, Planted, fewer, plant
from where_it_pays import main

LAGS = np.arange(-75, 76) * 0.01  # s


@dataclass
class Nothing:
    """In the place of a task that is not looked at."""


def bump(channel: int, lag: float) -> np.ndarray:
    """A profile with one peak."""
    profile = np.zeros((len(LAGS), 3))
    profile[:, channel] = np.exp(-0.5 * ((LAGS - lag) / 0.08) ** 2)
    return profile


@pytest.mark.parametrize(
    ("profiles", "share"),
    [
        ([bump(CHANNELS[0], 0.2), bump(CHANNELS[1], -0.3)], 1.0),
        (
            [bump(CHANNELS[0], 0.35), bump(CHANNELS[1], -0.36)],
            1.0,
        ),  # 0.09 s of boxcar and 0.07 s of tolerance
        ([bump(CHANNELS[0], 0.38), bump(CHANNELS[1], -0.3)], 0.5),  # too late
        ([bump(CHANNELS[0], 0.2), bump(CHANNELS[1], -0.38)], 0.5),  # too early
        ([bump(CHANNELS[1], 0.2), bump(CHANNELS[0], -0.3)], 0.0),  # channels exchanged
    ],
)
def test_found_is_channel_and_lag(profiles: list[np.ndarray], share: float) -> None:
    task: Any = Nothing()
    assert Planted(task, (0.2, -0.3)).found(profiles, LAGS) == share


@pytest.mark.slow
def test_what_is_planted_follows_the_distance_and_not_the_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the planted lag; another channel is the control."""
    monkeypatch.setenv("NEUROKIT_SOURCE", "demo")
    task = Experiment("pupil-encoder", seed=0).task
    planted = plant(task, 0)
    for region, (channel, lag) in enumerate(zip(CHANNELS, planted.lags, strict=True)):
        late = round((lag + 0.045) / task.bin_size)  # the middle of the boxcar
        place = task.inputs[:, np.array(BINS) - late]
        rates = planted.task.rates[:, BINS, region].ravel()
        side, distance, control = (
            np.corrcoef(rates, values.ravel())[0, 1]
            for values in (place[..., channel], abs(place[..., channel]), abs(place[..., 0]))
        )
        assert distance > 0.4 and abs(side) < 0.15 and abs(control) < 0.15


@pytest.mark.slow
def test_attribution_finds_what_weights_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """One mouse, forty trials; squares are the control that shows that the filter works."""
    monkeypatch.setenv("NEUROKIT_SOURCE", "demo")
    rows = main(["--lesson", "05", "--seeds", "0", "--amounts", "40", "--no-file"])
    score = {row["model"]: row["score"] for row in rows}
    assert score[GRADIENTS] == score[SQUARES] == 1 > score[WEIGHTS] == 0


@pytest.mark.slow
def test_fewer_trials_leave_the_other_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEUROKIT_SOURCE", "demo")
    task = Experiment("pupil-encoder", seed=0).task
    few = fewer(task, 15)
    assert len(few.split.train) == 15 and set(few.split.train) <= set(task.split.train)
    np.testing.assert_array_equal(few.split.test, task.split.test)
