"""The benchmark in small: attributions agree with captum's, and both rows are there."""

import pytest
import torch

import peers

if not peers.importable():
    pytest.skip("neuralpredictors is not installed (extra `benchmarks`)", allow_module_level=True)

import paired
import speed_integrated_gradients as benchmark

pytestmark = pytest.mark.slow


def test_both_networks_are_compared_and_timed() -> None:
    rows = benchmark.main(["--quick"])
    assert [row["aim"] for row in rows] == [8, 2.2]
    assert all(0 < row["largest_difference"] <= 1e-5 and row["peer_ms"] > 0 < row["ours_ms"] for row in rows)
    assert all("captum from 2 neurons x 1 sample" in row["scaled"] for row in rows)


def test_wrong_attributions_stop_the_benchmark() -> None:
    network, samples, peer, ours = benchmark.rnn(benchmark.QUICK)
    with pytest.raises(AssertionError, match="neuron 0 differs by"):
        benchmark.measured(benchmark.QUICK, 1, network, samples, peer, lambda part: 1.001 * ours(part))


def test_scaling_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """2 of 6 x 4 calls take 1 s, two of four samples 0.5 s: 12 s against 1 s."""
    monkeypatch.setattr(paired, "timed", lambda works, rounds: dict(zip(works, ([1.0], [0.5]), strict=True)))
    row = benchmark.measured(benchmark.QUICK, 1, *benchmark.rnn(benchmark.QUICK))
    assert (row["peer_ms"], row["ours_ms"], row["ratio"]) == (12000, 1000, 12)
    assert torch.get_num_threads() == row["threads"]
