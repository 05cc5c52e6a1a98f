"""The foundation network's benchmark in its reduced size, and that it would see a forgotten past."""

from dataclasses import replace

import pytest
from torch import Tensor

import speed_foundation as benchmark
from neurokit.digital_twin.network.base import ClipState
from neurokit.digital_twin.network.network import FoundationNetwork
from paired import assert_equal

pytestmark = pytest.mark.slow


def test_both_ways_are_compared_and_timed() -> None:
    rows = benchmark.main(["--quick"])
    assert [row["aim"] for row in rows] == [0.95, 1]
    assert all(row["largest_difference"] <= benchmark.TOLERANCE for row in rows)
    assert 0 < rows[0]["per_frame_ms"] == pytest.approx(rows[0]["ours_ms"] / 8, abs=0.01)


def test_frames_that_forget_the_past_stop_the_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    together, frames = (benchmark.passing(True, single) for single in (False, True))
    wanted = together()
    assert assert_equal(frames(), wanted, benchmark.TOLERANCE, 1e-7) <= benchmark.TOLERANCE
    forward = FoundationNetwork.forward

    def forgetful(network: FoundationNetwork, *inputs: Tensor | ClipState) -> Tensor:
        return forward(network, *inputs[:3], replace(inputs[3], state={}))

    monkeypatch.setattr(FoundationNetwork, "forward", forgetful)
    with pytest.raises(AssertionError, match="drive differs"):
        assert_equal(frames(), wanted, benchmark.TOLERANCE, 1e-7)
