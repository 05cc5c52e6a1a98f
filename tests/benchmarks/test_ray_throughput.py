"""Two workers of a local Ray against one: the benchmark in small, and its refusal of other scores."""

from importlib.util import find_spec

import numpy as np
import pytest

import ray_throughput

NEEDS_RAY = pytest.mark.skipif(find_spec("ray") is None, reason="the extra [distributed] is not installed")


def result(workers: int, took: float, score: float = 0.5) -> dict[str, object]:
    return {"workers": workers, "trials": took, "trials scores": np.array([score, 0.25])}


def test_throughput_is_that_of_medians_and_the_ratio_that_of_rounds() -> None:
    found = [
        result(1, 12.0),
        result(2, 6.0),
        result(2, 10.0),
        result(1, 16.0),
        result(1, 12.0),
        result(2, 8.0),
    ]
    row = ray_throughput.compared("trials", 4, found)
    assert (row["ratio"], row["lowest"], row["highest"]) == (1.6, 1.5, 2.0)
    assert row["trials a minute, 1 workers"] == 20
    assert row["trials a minute, 2 workers"] == 30


@pytest.mark.parametrize("score", [0.5 + 1e-9, float("nan")])
def test_other_scores_on_two_workers_are_refused(score: float) -> None:
    with pytest.raises(AssertionError, match=r"trials on 2 workers|without a score"):
        ray_throughput.compared("trials", 4, [result(1, 2.0), result(2, 1.0, score)])


@NEEDS_RAY
@pytest.mark.slow
@pytest.mark.distributed
def test_a_quick_run_gives_trials_and_members_a_minute() -> None:
    rows = ray_throughput.main(["--quick"])
    assert [row["work"] for row in rows] == ["trials", "members"]
    assert all(row["scores_equal"] and row["ratio"] > 0 for row in rows)
