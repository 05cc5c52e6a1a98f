"""History and state: against slow or iterated solutions, a planted state found again, and leaks."""

import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import torch
from sklearn.decomposition import NMF, PCA
from torch import Tensor

from neurokit.errors import DataError, SettingsError
from neurokit.sensorium.past_responses import (
    LAGS,
    HistoryBank,
    StateSettings,
    StateTransform,
    fit_state,
    known_trials,
    neighbours,
    reduced_rank,
)

# --- history


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


# --- state


SMALL = StateSettings(components=12, rank=4, factors=3, iterations=3000)


def toy_pairs(seed: int, trials: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Rows are trials; the later ones follow the earlier ones by an operator of full rank, and noise."""
    random = np.random.default_rng(seed)
    x1 = random.normal(size=(trials, 9)) @ random.normal(size=(9, 9))
    return x1, x1 @ random.normal(size=(9, 7)) + random.normal(size=(trials, 7))


def alternating(x1: np.ndarray, x2: np.ndarray, rank: int, seed: int) -> np.ndarray:
    """W V by alternating least squares, as published: columns are trials there."""
    v = np.random.default_rng(seed).normal(size=(rank, x1.shape[1]))
    for _ in range(300):
        w = x2.T @ np.linalg.pinv(v @ x1.T)
        v = np.linalg.pinv(w) @ x2.T @ np.linalg.pinv(x1.T)
    return w @ v


def error(x1: np.ndarray, x2: np.ndarray, operator: np.ndarray) -> float:
    return float(((x2 - x1 @ operator.T) ** 2).sum())


# --- reduced-rank regression


@pytest.mark.parametrize("rank", [1, 3, 7])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_closed_form_is_where_iteration_ends(rank: int, seed: int) -> None:
    x1, x2 = toy_pairs(seed)
    w, v = reduced_rank(x1, x2, rank)
    assert w.shape == (7, rank) and v.shape == (rank, 9)
    np.testing.assert_allclose(w @ v, alternating(x1, x2, rank, seed + 10), atol=1e-8)


@pytest.mark.parametrize("rank", [1, 3, 6])
def test_no_other_operator_of_that_rank_does_better(rank: int) -> None:
    x1, x2 = toy_pairs(2)
    w, v = reduced_rank(x1, x2, rank)
    best, random = error(x1, x2, w @ v), np.random.default_rng(3)
    for size in (1e-3, 1e-1, 1.0):
        for _ in range(30):
            near = (w + size * random.normal(size=w.shape)) @ (v + size * random.normal(size=v.shape))
            refitted = np.linalg.lstsq(x1 @ v.T + size * random.normal(size=(200, rank)), x2)[0].T
            assert error(x1, x2, near) > best
            assert error(x1, x2, refitted @ v) > best
    assert error(x1, x2, cut(x1, x2, rank)) > best


def cut(x1: np.ndarray, x2: np.ndarray, rank: int) -> np.ndarray:
    """The unrestricted operator cut to that rank: near to that operator, but not the best predictor."""
    u, s, vt = np.linalg.svd(np.linalg.lstsq(x1, x2)[0].T)
    return (u[:, :rank] * s[:rank]) @ vt[:rank]


def test_a_rank_above_the_full_one_is_the_full_one() -> None:
    x1, x2 = toy_pairs(4)
    w, v = reduced_rank(x1, x2, 50)
    np.testing.assert_allclose(w @ v, np.linalg.lstsq(x1, x2)[0].T, atol=1e-10)


# --- a planted state


def planted(
    seed: int = 0, trials: int = 1200, neurons: int = 60
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Responses driven by three slow positive states, the presentation ranks, known trials, states."""
    random = np.random.default_rng(seed)
    slow = np.zeros((trials, 3))
    for trial in range(1, trials):
        slow[trial] = 0.95 * slow[trial - 1] + random.normal(size=3)
    states = np.exp(0.35 * slow)
    weights = random.gamma(0.3, 1.0, (3, neurons))
    rank = random.permutation(trials)
    responses = random.gamma(3.0, (states @ weights + 0.1) / 3)[rank]
    return responses, rank, random.random(trials) < 0.8, states[rank]


def last_known(responses: np.ndarray, rank: np.ndarray, known: np.ndarray) -> np.ndarray:
    bank = HistoryBank(torch.from_numpy(responses), torch.from_numpy(rank), torch.from_numpy(known))
    return bank.last_known(torch.arange(len(rank))).numpy()


def explained(found: np.ndarray, truth: np.ndarray, train: np.ndarray) -> float:
    """Variance of the planted states that a line through the found ones explains on other trials."""
    design = np.column_stack([found, np.ones(len(found))])
    guess = design @ np.linalg.lstsq(design[train], truth[train])[0]
    rest = ((truth - guess)[~train] ** 2).sum()
    return 1 - rest / ((truth[~train] - truth[train].mean(0)) ** 2).sum()


def test_a_planted_state_is_found_and_not_by_chance() -> None:
    responses, rank, known, truth = planted()
    before = last_known(responses, rank, known)
    found = fit_state(responses, rank, known, SMALL).states(before)
    shuffled = np.random.default_rng(1).permutation(found)
    assert explained(found, truth, known) > 0.5
    assert explained(shuffled, truth, known) < 0.05


def test_states_are_found_again_by_the_published_steps() -> None:
    """scikit-learn's PCA, its inverse, alternating least squares and NMF, one after the other."""
    responses, rank, _, _ = planted(1, trials=300)
    responses = np.maximum(responses - 2, 0)  # mostly silent neurons: some predictions are negative
    in_time = np.sqrt(responses[np.argsort(rank)] + 1e-6)
    pca = PCA(12, svd_solver="full").fit(in_time[:-1])
    operator = alternating(*(pca.transform(part) for part in (in_time[:-1], in_time[1:])), 4, 0)
    predicted = [
        pca.inverse_transform(pca.transform(part) @ operator.T)
        for part in (in_time[:-1], np.sqrt(responses + 1e-6))
    ]
    assert min(part.min() for part in predicted) < -0.01
    clipped = [np.maximum(part, 0) for part in predicted]
    nmf = NMF(3, init="random", random_state=674, max_iter=3000).fit(clipped[0])
    ours = fit_state(responses, rank, np.ones(300, bool), SMALL)
    np.testing.assert_allclose(ours.parts, nmf.components_, atol=1e-6)
    published = nmf.set_params(tol=1e-10, max_iter=20000).transform(clipped[1])
    np.testing.assert_allclose(ours.states(responses), published, atol=1e-4 * published.max())


def test_a_state_does_not_depend_on_the_other_trials_asked_for() -> None:
    responses, rank, known, _ = planted(2, trials=300)
    state = fit_state(responses, rank, known, SMALL)
    together = state.states(responses)
    np.testing.assert_allclose(state.states(responses[7:9]), together[7:9], atol=1e-10)
    assert state.states(responses[:0]).shape == (0, 3)


# --- leaks and switches


def test_neighbours_by_hand() -> None:
    known = np.array([True, True, False, True, False, False, True, True])
    assert neighbours(known).tolist() == [0, 6]
    assert neighbours(known, "as_published").tolist() == [0, 1, 3, 6]


def test_withheld_responses_matter_only_as_published() -> None:
    responses, rank, known, _ = planted(3, trials=300)
    other = np.where(known[:, None], responses, 0.0)
    ours, published = SMALL, SMALL.replace(pairs="as_published")
    assert difference(*(fit_state(one, rank, known, ours) for one in (responses, other))) == 0
    assert difference(*(fit_state(one, rank, known, published) for one in (responses, other))) > 0.01


def test_a_test_response_is_not_even_read_for_the_state() -> None:
    responses, rank, known, _ = planted(3, trials=300)
    holes = np.where(known[:, None], responses, np.nan)
    fit_state(holes, rank, known, SMALL)
    with pytest.raises(DataError, match="not finite"):
        fit_state(holes, rank, known, SMALL.replace(pairs="as_published"))


def difference(one: StateTransform, other: StateTransform) -> float:
    pairs = zip(one.arrays().values(), other.arrays().values(), strict=True)
    return max(float(np.abs(a.astype(float) - b).max()) for a, b in pairs)


def test_the_root_that_was_left_out() -> None:
    responses, rank, known, _ = planted(4, trials=400)
    ours = fit_state(responses, rank, known, SMALL)
    published = fit_state(responses, rank, known, SMALL.replace(root=False))
    assert difference(ours, replace(published, root=True)) == 0  # the fit is the same, the reading is not
    found, without = ours.states(responses), published.states(responses)
    assert np.abs(found - without).max() > 0.1 * found.max()
    np.testing.assert_allclose(published.states(np.sqrt(responses + 1e-6)), found, atol=1e-12)


# --- what is kept


def test_the_same_input_gives_the_same_transform() -> None:
    responses, rank, known, _ = planted(5)
    assert len(neighbours(known[rank.argsort()])) > 500
    large = SMALL.replace(components=8)  # few of many: the randomised PCA
    assert difference(*(fit_state(responses, rank, known, large) for _ in range(2))) == 0
    assert difference(*(fit_state(responses, rank, known, large.replace(seed=s)) for s in (1, 2))) > 0


@pytest.mark.parametrize("root", [True, False])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_saved_transform_gives_the_same_states(tmp_path: Path, root: bool, dtype: type) -> None:
    responses, rank, known, _ = planted(6, trials=300)
    responses = responses.astype(dtype)
    state = fit_state(responses, rank, known, SMALL.replace(root=root))
    safetensors.numpy.save_file(state.arrays(), tmp_path / "state.safetensors")
    again = StateTransform.from_arrays(safetensors.numpy.load_file(tmp_path / "state.safetensors"))
    assert again.root is root and again.converged is state.converged
    assert again.parts.dtype == state.states(responses).dtype == dtype
    np.testing.assert_allclose(again.states(responses), state.states(responses), rtol=0, atol=1e-10)


def test_another_memory_layout_is_saved_right(tmp_path: Path) -> None:
    """What safetensors would write of it as it lies is another matrix."""
    encoder = np.asfortranarray(np.arange(6.0).reshape(3, 2))
    state = StateTransform(np.zeros(3), encoder, np.ones((2, 3)), np.ones((1, 3)), True, True)
    safetensors.numpy.save_file(state.arrays(), tmp_path / "state.safetensors")
    again = StateTransform.from_arrays(safetensors.numpy.load_file(tmp_path / "state.safetensors"))
    assert (again.encoder == encoder).all()


def test_a_transform_with_a_missing_array() -> None:
    responses, rank, known, _ = planted(6, trials=300)
    arrays = fit_state(responses, rank, known, SMALL).arrays()
    del arrays["parts"]
    with pytest.raises(DataError, match="A saved state holds"):
        StateTransform.from_arrays(arrays)


def test_a_factorisation_cut_short_says_so_without_a_warning() -> None:
    responses, rank, known, _ = planted(7, trials=300)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        short = fit_state(responses, rank, known, SMALL.replace(iterations=2))
        full = fit_state(responses, rank, known, SMALL)
    assert full.converged and not short.converged
    assert np.isfinite(short.states(responses)).all()


def test_more_components_than_pairs_or_neurons_are_capped() -> None:
    responses, rank, known, _ = planted(8, trials=60, neurons=15)
    state = fit_state(responses, rank, known, SMALL.replace(components=500, rank=20, factors=10))
    assert state.encoder.shape == (15, 15) and state.parts.shape == (10, 15)
    few_pairs = fit_state(responses[:30], rank[:30].argsort(), np.ones(30, bool), SMALL.replace(rank=10))
    assert few_pairs.encoder.shape == (15, 10)


# --- bad input


def test_too_few_pairs() -> None:
    responses, rank, _, _ = planted(9, trials=40)
    with pytest.raises(DataError, match="5 pairs of neighbouring known trials are too few for rank 20"):
        fit_state(responses, rank, rank < 6)


@pytest.mark.parametrize("value", [-0.1, np.nan, np.inf])
def test_responses_that_are_no_responses(value: float) -> None:
    responses, rank, known, _ = planted(9, trials=100)
    state = fit_state(responses, rank, known, SMALL)
    responses[:, 7] = value
    for refused in (lambda: fit_state(responses, rank, known, SMALL), lambda: state.states(responses)):
        with pytest.raises(DataError, match=r"1 neurons \(column 7 first\) are negative or not finite"):
            refused()


def test_a_state_needs_ranks_that_are_an_order() -> None:
    responses, rank, known, _ = planted(9, trials=100)
    with pytest.raises(DataError, match="rank must hold each of 0 to 99 once"):
        fit_state(responses, rank // 2, known, SMALL)


@pytest.mark.parametrize("name", ["components", "rank", "factors", "iterations"])
def test_settings_that_fit_nothing(name: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} is 0; .* 1 or more"):
        StateSettings(**{name: 0})
