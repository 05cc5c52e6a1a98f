"""What models read of behaviour and eye, against numbers worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from neurokit.sensorium.recording import Scan, response_scale
from neurokit.sensorium.scaling import scale_behaviour, scale_pupil_center

BEHAVIOUR = np.array([[10.0, -0.5, -4.0], [30.0, 1.0, 2.0], [20.0, 0.0, 0.0]])
PUPIL_CENTER = np.array([[1.0, -3.0], [2.0, -1.0], [3.0, -2.0]])


def known(**words: list[float]) -> dict[str, np.ndarray]:
    return {word: np.array(values) for word, values in words.items()}


STATISTICS = {
    "behavior": known(
        mean=[20.0, 0.0, 1.0], std=[8.0, 0.5, 2.0], min=[10.0, -0.5, -4.0], max=[30.0, 1.0, 2.0]
    ),
    "pupil_center": known(mean=[2.0, -2.0], std=[0.5, 2.0], min=[1.0, -3.0], max=[3.0, -1.0]),
}


@pytest.fixture
def scan() -> Scan:
    return Scan(
        key="1-2-3",
        images=np.zeros((3, 36, 64), dtype=np.float32),
        responses=np.zeros((3, 2), dtype=np.float32),
        behaviour=BEHAVIOUR,
        pupil_center=PUPIL_CENTER,
        tiers=np.array(["train", "validation", "test"]),
        image_ids=np.arange(3),
        trial_ids=np.arange(3),
        rank=np.arange(3),
        unit_ids=np.array([1, 4]),
        coordinates=np.zeros((2, 3)),
        response_scale=np.ones(2),
        statistics=STATISTICS,
        fingerprint="",
    )


def test_by_standard_deviation(scan: Scan) -> None:
    expected = [[1.25, -1.0, -2.0], [3.75, 2.0, 1.0], [2.5, 0.0, 0.0]]
    scaled = scale_behaviour(scan, "std")
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled, expected, rtol=1e-7)


def test_by_range_the_sign_of_running_is_dropped(scan: Scan) -> None:
    """The fastest run is backwards here, -4: it is the 1."""
    expected = [[0.0, -1.0, 1.0], [1.0, 2.0, 0.5], [0.5, 0.0, 0.0]]
    np.testing.assert_allclose(scale_behaviour(scan, "range"), expected, rtol=1e-7)


def test_by_range_of_a_mouse_that_only_runs_forwards(scan: Scan) -> None:
    forwards = STATISTICS["behavior"] | {"min": np.array([10.0, -0.5, 0.0])}
    faster = replace(scan, behaviour=np.abs(BEHAVIOUR), statistics=STATISTICS | {"behavior": forwards})
    np.testing.assert_allclose(scale_behaviour(faster, "range")[:, 2], [2.0, 1.0, 0.0])


def test_the_eye_is_z_scored(scan: Scan) -> None:
    np.testing.assert_allclose(scale_pupil_center(scan), [[-2.0, -0.5], [0.0, 0.5], [2.0, 0.0]])


def test_only_the_published_statistics_count(scan: Scan) -> None:
    """One changed trial changes its own row; a scaling fitted to the trials would move all."""
    changed = BEHAVIOUR.copy()
    changed[2] = [500.0, 50.0, -70.0]
    other = replace(scan, behaviour=changed)
    for kind in ("std", "range"):
        np.testing.assert_array_equal(scale_behaviour(other, kind)[:2], scale_behaviour(scan, kind)[:2])
        assert (scale_behaviour(other, kind)[2] != scale_behaviour(scan, kind)[2]).all()


@pytest.mark.parametrize("kind", ["std", "range"])
def test_a_scan_without_behaviour_gives_zeros(scan: Scan, kind: str) -> None:
    zero = {field: {word: 0 * values for word, values in STATISTICS[field].items()} for field in STATISTICS}
    withheld = replace(scan, behaviour=0 * BEHAVIOUR, pupil_center=0 * PUPIL_CENTER, statistics=zero)
    assert scan.has_behaviour and not withheld.has_behaviour
    with np.errstate(all="raise"):
        assert not scale_behaviour(withheld, kind).any()
        assert not scale_pupil_center(withheld).any()


def test_one_component_without_spread_leaves_the_others(scan: Scan) -> None:
    flat = {word: values * [1, 1, 0] for word, values in STATISTICS["behavior"].items()}
    still = replace(scan, behaviour=BEHAVIOUR * [1, 1, 0], statistics=STATISTICS | {"behavior": flat})
    for kind in ("std", "range"):
        np.testing.assert_array_equal(scale_behaviour(still, kind)[:, :2], scale_behaviour(scan, kind)[:, :2])
        assert not scale_behaviour(still, kind)[:, 2].any()


def test_silent_neurons_are_not_blown_up() -> None:
    """Mean std 2, so the floor is 0.02; a std right at the floor counts as below, with the same result."""
    std = np.array([4.0, 3.959, 0.021, 0.02, 0.0, 4.0])
    assert std.mean() == pytest.approx(2.0)
    np.testing.assert_allclose(
        response_scale(std), [0.25, 1 / 3.959, 1 / 0.021, 50.0, 50.0, 0.25], rtol=1e-12
    )
