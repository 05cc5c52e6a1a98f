"""What all speed benchmarks rest on: equality that can fail, pairs in turn, ratios, memory."""

import json

import numpy as np
import pytest
import torch

import paired
import record

pytestmark = pytest.mark.slow

ONE = {"values": torch.tensor([1.0, -2.0])}


def test_equal_is_the_largest_difference_as_a_share() -> None:
    off = {"values": torch.tensor([1.0, -2.01])}
    assert paired.assert_equal(off, ONE, 0.01) == pytest.approx(0.005)
    with pytest.raises(AssertionError, match=r"values differs by 0\.005"):
        paired.assert_equal(off, ONE, 0.004)


@pytest.mark.parametrize(
    ("found", "wanted", "message"),
    [
        (torch.ones(2), torch.full((2,), torch.nan), "not finite"),
        (torch.full((2,), torch.nan), torch.ones(2), "differs"),
        (torch.ones(1), torch.ones(2), "the peer's"),
        (torch.ones(2), torch.zeros(2), "where the peer has zero"),
    ],
)
def test_what_is_not_equal_is_not_called_so(found: torch.Tensor, wanted: torch.Tensor, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        paired.assert_equal({"a": found} | ONE, {"a": wanted} | ONE, 1e-4)


def test_what_is_zero_but_for_rounding_is_left_out_and_must_be_so_in_ours() -> None:
    tiny = torch.full((2,), 1e-6)
    assert paired.assert_equal({"a": -tiny} | ONE, {"a": tiny} | ONE, 1e-4) == 0
    with pytest.raises(AssertionError, match="where the peer has zero"):
        paired.assert_equal({"a": 1000 * tiny} | ONE, {"a": tiny} | ONE, 1e-4)


def test_works_are_warmed_and_then_timed_in_turns_of_changing_order(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []
    monkeypatch.setattr(paired, "seconds", lambda work: (work(), 1.0)[1])
    times = paired.timed({name: lambda name=name: called.append(name) for name in "ab"}, 3)
    assert called == [*"ab", *"ab", *"ba", *"ab"]
    assert times == {"a": [1.0] * 3, "b": [1.0] * 3}


def test_a_ratio_is_the_median_of_rounds() -> None:
    times = {"peer": [4.0, 9.0, 8.0], "ours": [2.0, 1.0, 2.0]}
    row = paired.compared(times, "peer", "ours", work="adding", aim=5)
    assert (row["ratio"], row["lowest"], row["highest"], row["rounds"]) == (4.0, 2.0, 9.0, 3)
    assert (row["peer_ms"], row["ours_ms"]) == (8000.0, 2000.0)
    assert "MISSED" in paired._sentence(row)
    assert "MISSED" not in paired._sentence(row | {"aim": 4})


def test_peak_is_what_the_work_needs_and_no_garbage_of_before() -> None:
    grown = paired.peak_growth(lambda: np.ones(8_000_000))  # 61 MB
    if grown != grown:
        pytest.skip("this system does not tell the peak of a process")
    assert 55 < grown < 90
    made: list[list] = [[np.ones(8_000_000)]]
    made[0].append(made[0])  # a circle, which only the collector finds
    made.clear()
    assert paired.peak_growth(lambda: None) < 20


def test_rounds_below_none_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        paired.options("text", ["--rounds", "-1"])
    assert "--rounds is -1" in capsys.readouterr().err


def test_what_is_no_number_is_null_in_a_result_file(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "RESULTS", tmp_path)
    path = record.save("toy", [{"mb": float("nan"), "each": [1.0, float("nan")]}])
    content = json.loads(path.read_text(), parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert content["rows"] == [{"mb": None, "each": [1.0, None]}]
    assert content["versions"]["numpy"] == np.__version__
