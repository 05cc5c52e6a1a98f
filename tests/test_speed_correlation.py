"""The benchmark of scores in its reduced size, and that it would see other scores."""

import numpy as np
import pytest

import paired
import peers

if not peers.importable():
    pytest.skip("neuralpredictors is not installed (extra `benchmarks`)", allow_module_level=True)

import speed_correlation as benchmark

pytestmark = pytest.mark.slow


def test_both_scores_are_compared_and_timed() -> None:
    rows = benchmark.main(["--quick"])
    assert [row["aim"] for row in rows] == [2.5, 5, 1]
    assert all(row["largest_difference"] <= benchmark.TOLERANCE for row in rows)


def test_other_scores_stop_the_benchmark() -> None:
    responses, predictions = benchmark.drawn(100, 5)
    works = {
        benchmark.PEER: benchmark.their_correlation(responses, predictions),
        benchmark.OURS: benchmark.their_correlation(responses, predictions[::-1]),
    }
    with pytest.raises(AssertionError, match="score differs"):
        benchmark.facts_of(works)


def growing(megabytes: int) -> paired.Work:
    """Touches so much memory; a function that another process can import."""
    return lambda: np.ones(megabytes * 2**17)


def test_memory_of_a_fresh_process_is_what_the_work_takes() -> None:
    found = paired.peak_alone(growing, 100)
    if np.isnan(found):
        pytest.skip("peak memory is only known on Linux")
    assert found == pytest.approx(100, abs=10)
