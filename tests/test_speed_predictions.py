"""The benchmark of collecting predictions in its reduced size, and that it would see a row out of place."""

import pytest
import torch

import speed_predictions as benchmark
from paired import assert_equal

pytestmark = pytest.mark.slow


def test_both_ways_are_compared_and_timed() -> None:
    rows = benchmark.main(["--quick"])
    assert [row["aim"] for row in rows] == [10, 1]
    assert all(row["largest_difference"] == 0 for row in rows)


def test_a_row_out_of_place_would_be_seen() -> None:
    size = {"trials": 10, "neurons": 3, "batch": 4}
    grown, collected = benchmark.theirs(size)(), benchmark.neurokits(size)()
    assert grown["targets"].shape == (10, 3) and grown["predictions"].std() > 0
    assert assert_equal(collected, grown, 0.0) == 0
    collected["targets"] = collected["targets"][torch.arange(10) ^ 1]
    with pytest.raises(AssertionError, match="targets differs"):
        assert_equal(collected, grown, 0.0)
