"""The history bank: against a slow literal loop, and that nothing but the known past enters."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from neurokit.errors import DataError
from neurokit.sensorium.history import LAGS, HistoryBank, known_trials

Features = Callable[[Tensor, Tensor, Tensor], Tensor]
TIERS = ("train", "validation", "test", "final_test")


def scan(seed: int, trials: int = 110, neurons: int = 3, known: float = 0.7) -> tuple[Tensor, Tensor, Tensor]:
    random = np.random.default_rng(seed)
    share = [known * 0.9, known * 0.1, (1 - known) / 2, (1 - known) / 2]
    tiers = random.choice(TIERS, trials, p=share)
    responses = torch.from_numpy(random.gamma(1.0, 1.0, (trials, neurons)))
    return responses, torch.from_numpy(random.permutation(trials)), torch.from_numpy(known_trials(tiers))


def ours(responses: Tensor, rank: Tensor, known: Tensor) -> Tensor:
    return HistoryBank(responses, rank, known)(torch.arange(len(rank)))


def literal(
    responses: Tensor, rank: Tensor, known: Tensor, lags: tuple[int, ...] = LAGS, delay: int = 1
) -> Tensor:
    """Trial by trial, lag by lag; `delay` 0 lets the present trial in."""
    in_time = rank.argsort().tolist()
    features = torch.zeros(*responses.shape, len(lags), dtype=responses.dtype)
    for trial in range(len(rank)):
        past = [one for one in in_time[: int(rank[trial]) + 1 - delay] if known[one]]
        for place, lag in enumerate(lags):
            for one in past[-lag:]:
                features[trial, :, place] += responses[one] / lag
    return features


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("known", [0.0, 0.1, 0.7, 1.0])
def test_the_bank_is_the_slow_loop(seed: int, known: float) -> None:
    one = scan(seed, known=known)
    torch.testing.assert_close(ours(*one), literal(*one), rtol=0, atol=1e-12)


@pytest.mark.parametrize("lags", [(1,), (32,), (31, 33), (70, 2, 64), (200,)])
def test_any_lags_are_the_slow_loop(lags: tuple[int, ...]) -> None:
    one = scan(5)
    features = HistoryBank(*one, lags)(torch.arange(110))
    torch.testing.assert_close(features, literal(*one, lags), rtol=0, atol=1e-12)


@pytest.mark.parametrize("trials", [1, 31, 32, 33, 64])
def test_whole_and_broken_blocks(trials: int) -> None:
    one = scan(6, trials, known=1.0)
    torch.testing.assert_close(ours(*one), literal(*one), rtol=0, atol=1e-12)


def test_a_batch_is_these_rows_in_this_order() -> None:
    one = scan(7)
    trials = torch.tensor([40, 3, 40, 109])
    assert torch.equal(HistoryBank(*one)(trials), ours(*one)[trials])
    assert HistoryBank(*one)(trials[:0]).shape == (0, 3, 5)


def test_by_hand() -> None:
    responses = torch.tensor([[4.0], [100.0], [2.0], [100.0], [8.0]])
    rank = torch.tensor([1, 2, 0, 3, 4])  # in time: file indices 2, 0, then two test trials, then 4
    bank = HistoryBank(responses, rank, torch.tensor([True, False, True, False, True]), (1, 2, 5))
    features = bank(torch.tensor([2, 0, 1, 3, 4]))[:, 0]
    held = [4.0, 3.0, 6.0 / 5]
    assert features.tolist() == [[0, 0, 0], [2, 1, pytest.approx(0.4)], *[pytest.approx(held)] * 3]


def test_last_known_is_the_first_lag() -> None:
    one = scan(8)
    trials = torch.arange(110)
    for bank in (HistoryBank(*one), HistoryBank(*one, (5, 30))):
        torch.testing.assert_close(bank.last_known(trials), literal(*one, (1,))[..., 0], rtol=0, atol=1e-12)


# --- leaks


def check_only_known_past(features: Features) -> None:
    """Nothing moves, to the last bit, with the responses that the features may not know."""
    responses, rank, known = scan(9)
    before = features(responses, rank, known)
    other = torch.where(known[:, None], responses, responses + 7)
    assert torch.equal(features(other, rank, known), before), "a test response entered"
    for present in (0, 1, 35, 64, 109):
        other = torch.where((rank < present)[:, None], responses, responses + 7)
        seen = rank <= present
        assert torch.equal(features(other, rank, known)[seen], before[seen]), "the present or future entered"


def test_only_the_known_past_enters() -> None:
    check_only_known_past(ours)


def test_the_known_past_does_enter() -> None:
    responses, rank, known = scan(9)
    first = rank.argsort()[known[rank.argsort()]][0]
    changed = responses.clone()
    changed[first] += 7
    moved = (ours(changed, rank, known) != ours(responses, rank, known)).any((1, 2))
    assert moved.any() and not moved[rank <= rank[first]].any()


@pytest.mark.parametrize(
    ("leaky", "says"),
    [
        (lambda responses, rank, known: ours(responses, rank, torch.ones_like(known)), "a test response"),
        (lambda *one: literal(*one, delay=0), "the present or future"),
        (lambda *one: literal(*one, delay=-2), "the present or future"),
    ],
)
def test_a_leaking_bank_is_noticed(leaky: Features, says: str) -> None:
    with pytest.raises(AssertionError, match=says):
        check_only_known_past(leaky)


def test_a_test_response_is_not_even_read() -> None:
    responses, rank, known = scan(10)
    holes = torch.where(known[:, None], responses, torch.nan)
    assert torch.equal(ours(holes, rank, known), ours(responses, rank, known))


# --- numbers


def long_scan() -> tuple[Tensor, Tensor, Tensor]:
    responses, rank, known = scan(11, trials=5000, neurons=2, known=1.0)
    return responses + 5, rank, known


def test_float32_keeps_its_digits_over_a_long_scan() -> None:
    responses, rank, known = long_scan()
    error = (ours(responses.float(), rank, known) - ours(responses, rank, known)).abs().max()
    largest_sum = 32 * responses.max()
    assert error < 1e-6 * largest_sum


def test_one_running_sum_over_the_whole_scan_would_not() -> None:
    responses, rank, _ = long_scan()
    in_time = responses[rank.argsort()]
    single = in_time.float().cumsum(0).diff(dim=0)  # lag 1
    assert (single - in_time[1:]).abs().max() > 1e-6 * 32 * responses.max()


def test_features_of_responses_that_are_not_negative_are_not_negative() -> None:
    responses, rank, known = scan(12, trials=2000)
    assert (ours((responses**8).float(), rank, known) >= 0).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_type_follows_the_responses(dtype: torch.dtype) -> None:
    responses, rank, known = scan(13)
    assert ours(responses.to(dtype), rank, known).dtype is dtype


def test_memory_is_one_copy_of_the_known_responses() -> None:
    responses, rank, known = scan(14, trials=3000)
    held = sum(
        value.nbytes
        for value in vars(HistoryBank(responses, rank, known)).values()
        if hasattr(value, "nbytes")
    )
    assert held < 1.06 * responses[known].nbytes + 8 * len(rank) + 100


def test_another_device_leaves_the_bank_where_it_was() -> None:
    bank = HistoryBank(*scan(15))
    trials = torch.arange(4)
    moved = bank.to("meta")
    assert moved(trials).device.type == "meta" and moved(trials).shape == (4, 3, 5)
    assert bank(trials).device.type == "cpu"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_a_gpu_gives_the_same_features() -> None:
    one = scan(16)
    trials = torch.arange(110)
    expected = HistoryBank(*one)(trials)
    built_there = HistoryBank(*(value.cuda() for value in one))
    for bank in (HistoryBank(*one).to("cuda"), built_there):
        torch.testing.assert_close(bank(trials).cpu(), expected, rtol=0, atol=1e-12)


# --- bad input


@pytest.mark.parametrize("lags", [(), (0, 5), (1, -2)])
def test_bad_lags(lags: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match="lags are"):
        HistoryBank(*scan(17), lags)


@pytest.mark.parametrize("change", [lambda rank: rank + 1, lambda rank: rank // 2, lambda rank: rank * 0])
def test_ranks_that_are_no_order(change: Callable[[Tensor], Tensor]) -> None:
    responses, rank, known = scan(17)
    with pytest.raises(DataError, match="rank must hold each of 0 to 109 once"):
        HistoryBank(responses, change(rank), known)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_known_responses_that_are_not_finite(value: float) -> None:
    responses, rank, known = scan(17)
    responses[int(known.nonzero()[20]), 1] = value
    with pytest.raises(DataError, match="not finite"):
        HistoryBank(responses, rank, known)


def test_half_precision_is_refused() -> None:
    responses, rank, known = scan(17)
    with pytest.raises(DataError, match="float16"):
        HistoryBank(responses.half(), rank, known)
