"""Training step and readout beside the peer, in a reduced size: equality is asserted, times are not."""

import platform

import pytest
import torch

import peers
import speed_readout
import speed_training_step

pytestmark = pytest.mark.slow

pytest.importorskip("numba", reason="numba is not installed (extra `fast`)")
if not peers.importable():
    pytest.skip("neuralpredictors is not installed (extra `benchmarks`)", allow_module_level=True)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_the_training_step_in_small() -> None:
    """Both allocators in turn, each row with those of either side."""
    rows = speed_training_step.main(["--quick"])
    assert [row["aim"] for row in rows] == [1.5, 1.5, 2.0, 3.0, 3.0, 4.0]
    pairs = [tuple(row["allocators"].values()) for row in rows]
    assert pairs == 2 * [("as it comes", "as it comes"), ("reused", "reused"), ("as it comes", "reused")]
    assert all(0 <= row["largest_difference_in_double"] < row["largest_difference"] < 1e-3 for row in rows)


def test_the_readout_in_small() -> None:
    rows = speed_readout.main(["--quick"])
    assert [(row["ours"], row["aim"]) for row in rows] == [("neurokit", 1.6), ("neurokit, fast", 6.0)]
    assert all(0 <= row["largest_difference_in_double"] < row["largest_difference"] < 1e-4 for row in rows)


def test_another_draw_of_positions_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison fails where ours draws other positions than the peer."""
    seeds = iter(range(9))
    seed = torch.manual_seed
    made = speed_readout.readouts(images=2, neurons=20)
    monkeypatch.setattr(torch, "manual_seed", lambda number: seed(next(seeds)))
    with pytest.raises(AssertionError, match="differs by"):
        speed_readout.differ(made, (speed_readout.OURS,), speed_readout.ROUNDING)
