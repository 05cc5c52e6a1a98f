"""The benchmark of attention in its reduced size, and that it would see another attention."""

import pytest
from torch import Tensor

import speed_v1_transformer as benchmark
from paired import assert_equal

pytestmark = pytest.mark.slow


def test_two_sizes_are_compared_and_timed() -> None:
    rows = benchmark.main(["--quick"])
    assert [row["aim"] for row in rows] == [1.25, 2, 0.95, 0.95]
    assert all(row["largest_difference"] <= benchmark.TOLERANCE for row in rows)


def test_the_sizes_are_those_that_are_said() -> None:
    rows, columns = benchmark.V1T.grid
    assert rows * columns + benchmark.V1T.registers == 1654
    rows, columns = benchmark.OURS.grid
    assert rows * columns == 44


@pytest.mark.parametrize("name", benchmark.AIMS)
def test_another_attention_stops_the_benchmark(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = benchmark.values(benchmark.built(name, quick=True))
    with benchmark.written_out():
        assert assert_equal(right, benchmark.values(benchmark.built(name, quick=True)), 1e-4, 1e-7) < 1e-4
    by_hand = benchmark._by_hand

    def cooler(query: Tensor, key: Tensor, value: Tensor, is_causal: bool) -> Tensor:
        return by_hand(query * 0.9, key, value, is_causal)

    monkeypatch.setattr(benchmark, "_by_hand", cooler)
    with benchmark.written_out():
        wrong = benchmark.values(benchmark.built(name, quick=True))
    with pytest.raises(AssertionError, match="differs by"):
        assert_equal(right, wrong, 1e-4, 1e-7)
