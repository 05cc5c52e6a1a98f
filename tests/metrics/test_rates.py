"""Scores against scikit-learn and scipy, their invariances, what intervals and nulls promise."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter1d
from scipy.signal import lfilter
from scipy.stats import pearsonr
from sklearn.metrics import r2_score

from neurokit.errors import DataError, SettingsError
from neurokit.metrics import (
    NEAREST_SHIFT,
    block_bootstrap,
    far_shifts,
    p_value,
    pearson,
    pooled_r2,
    r2,
    shift_null,
    split_half_reliability,
    trial_errors,
)

brief = settings(max_examples=40, deadline=None)
FACTORS = st.floats(0.05, 20)
SHIFTS = st.floats(-20, 20)


def drawn(
    seed: int = 0, shape: tuple[int, int, int] = (12, 15, 3)
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rates, a prediction that knows half of them, and about four fifths of the bins."""
    random = np.random.default_rng(seed)
    rates = random.normal(5, 2, shape)
    return rates, 0.5 * rates + random.normal(2.5, 1, shape), random.random(shape[:2]) < 0.8


def mean_of(rates: np.ndarray, bins: np.ndarray) -> np.ndarray:
    return np.broadcast_to(rates[bins].mean(axis=0), rates.shape).copy()


def everything(rates: np.ndarray) -> np.ndarray:
    return np.ones(rates.shape[:2], dtype=bool)


# --- R² and r


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_r2_against_the_mean_is_that_of_scikit_learn(dtype: type) -> None:
    rates, predicted, bins = drawn()
    rates, predicted = rates.astype(dtype), predicted.astype(dtype)
    expected = r2_score(rates[bins], predicted[bins], multioutput="raw_values")
    found = r2(rates, predicted, mean_of(rates, bins), bins)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_pooled_r2_is_that_of_all_regions_in_one_row() -> None:
    rates, predicted, bins = drawn()
    assert pooled_r2(rates, predicted, bins) == pytest.approx(
        r2_score(rates[bins].ravel(), predicted[bins].ravel())
    )


def test_pooled_r2_credits_differences_between_regions_and_r2_does_not() -> None:
    rates, _, bins = drawn()
    rates = rates + np.array([0.0, 10.0, 20.0])
    means = mean_of(rates, bins)
    assert pooled_r2(rates, means, bins) > 0.9
    np.testing.assert_allclose(r2(rates, means, means, bins), 0, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_pearson_is_that_of_scipy(dtype: type) -> None:
    rates, predicted, bins = drawn()
    rates, predicted = rates.astype(dtype), predicted.astype(dtype)
    pairs = zip(rates[bins].T, predicted[bins].T, strict=True)
    expected = [pearsonr(ours, theirs).statistic for ours, theirs in pairs]
    np.testing.assert_allclose(pearson(rates, predicted, bins), expected, rtol=1e-5)


def test_trial_errors_by_hand() -> None:
    rates = np.array([[[1.0], [2.0], [3.0]], [[0.0], [0.0], [9.0]]])
    predicted = np.array([[[1.0], [4.0], [2.0]], [[3.0], [0.0], [0.0]]])
    bins = np.array([[True, True, True], [True, True, False]])
    assert trial_errors(rates, predicted, bins).tolist() == [[5.0], [9.0]]


@brief
@given(FACTORS, SHIFTS)
def test_r2_does_not_know_the_units(factor: float, shift: float) -> None:
    rates, predicted, bins = drawn()
    mean = mean_of(rates, bins)
    moved = r2(*(factor * values + shift for values in (rates, predicted, mean)), bins)
    np.testing.assert_allclose(moved, r2(rates, predicted, mean, bins), rtol=1e-7)
    wrong = r2(
        rates, factor * predicted + 100 + shift, mean, bins
    )  # control: the prediction alone may not move
    assert (wrong < 0).all()


@brief
@given(FACTORS, SHIFTS)
def test_r_takes_any_rising_line_through_the_prediction(factor: float, shift: float) -> None:
    rates, predicted, bins = drawn()
    expected = pearson(rates, predicted, bins)
    same, turned = factor * predicted + shift, -factor * predicted + shift
    np.testing.assert_allclose(pearson(rates, same, bins), expected, atol=1e-9)
    np.testing.assert_allclose(pearson(rates, turned, bins), -expected, atol=1e-9)


@brief
@given(st.integers(0, 10_000))
def test_no_score_exceeds_its_bounds(seed: int) -> None:
    rates, predicted, bins = drawn(seed)
    mean = mean_of(rates, bins)
    assert (r2(rates, predicted, mean, bins) <= 1).all()
    np.testing.assert_allclose(r2(rates, rates, mean, bins), 1)
    assert (np.abs(pearson(rates, predicted, bins)) <= 1 + 1e-12).all()


@brief
@given(st.integers(0, 10_000))
def test_bins_that_do_not_count_do_not_count(seed: int) -> None:
    rates, predicted, bins = drawn(seed)
    mean = mean_of(rates, bins)
    for waste in (1e6, np.nan):
        other, spoiled = predicted.copy(), rates.copy()
        other[~bins], spoiled[~bins] = waste, -waste
        for score in (partial(r2, reference=mean, bins=bins), partial(pearson, bins=bins)):
            found, expected = score(spoiled, other), score(rates, predicted)
            np.testing.assert_array_equal(found, expected)
        assert pooled_r2(spoiled, other, bins) == pooled_r2(rates, predicted, bins)


def test_scores_without_a_meaning_are_nan() -> None:
    rates, predicted, bins = drawn()
    rates[..., 1] = 0.1  # never changes: the mean makes no error
    assert np.isnan(pearson(rates, predicted, bins)).tolist() == [False, True, False]
    level = np.full_like(rates, 0.1)
    assert np.isnan(r2(rates, predicted, level, bins)).tolist() == [False, True, False]
    constant = np.full(rates.shape, 3.3, np.float32)
    assert np.isnan(pearson(rates.astype(np.float32), constant, bins)).all()


@pytest.mark.parametrize("spoil", [np.nan, np.inf])
@pytest.mark.parametrize("which", [0, 1])
def test_non_finite_values_are_refused(spoil: float, which: int) -> None:
    arrays = list(drawn())
    row, column = np.argwhere(arrays[2])[0]
    arrays[which][row, column, 0] = spoil
    for score in (trial_errors, pearson, pooled_r2):
        with pytest.raises(DataError, match="NaN or infinite"):
            score(*arrays)


def test_no_bin_to_score_is_refused() -> None:
    rates, predicted, bins = drawn()
    for score in (trial_errors, pearson, pooled_r2):
        with pytest.raises(DataError, match="There is no bin"):
            score(rates, predicted, np.zeros_like(bins))


# --- intervals


def interval_of(noise: np.ndarray, seed: int, block: int) -> np.ndarray:
    """Interval of the R² of a prediction whose squared error on each trial is exp(noise)."""
    error = np.exp(noise)[:, None, None]
    rates = np.zeros((len(noise), 1, 1))
    reference = np.full_like(rates, 4.0)
    return block_bootstrap(
        rates, np.sqrt(error), reference, everything(rates), seed=seed, draws=200, block=block
    )


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    random, hits = np.random.default_rng(0), 0
    truth = 1 - np.exp(0.5 * 0.5**2) / 16
    for draw in range(100):
        low, high = interval_of(0.5 * random.normal(size=150), seed=draw, block=5)[:, 0]
        hits += low <= truth <= high
    assert 86 <= hits <= 99  # 30 blocks of a skewed error: a little below 95


def test_blocks_widen_the_interval_of_correlated_trials_and_not_of_independent_ones() -> None:
    ratios = {}
    for name, memory in (("correlated", 0.9), ("independent", 0.0)):
        noise = np.random.default_rng(1).normal(size=(10, 200))
        widths = [
            [
                np.diff(interval_of(lfilter([0.5], [1, -memory], row), 0, block), axis=0).item()
                for block in (1, 20)
            ]
            for row in noise
        ]
        ratios[name] = np.mean([wide / narrow for narrow, wide in widths])
    assert ratios["correlated"] > 1.5
    assert ratios["independent"] < 1.2


def test_the_interval_ends_at_the_quantiles_that_it_names() -> None:
    """With one reference error and single trials drawn, R² is a mean: theory knows its quantiles."""
    random, trials = np.random.default_rng(0), 4000
    rates = random.normal(size=(trials, 1, 1))
    predicted, reference, bins = np.zeros_like(rates), rates + 1, np.ones((trials, 1), bool)
    low, high = block_bootstrap(rates, predicted, reference, bins, seed=0, draws=4000, block=1)[:, 0]
    score, error = r2(rates, predicted, reference, bins)[0], (rates**2).ravel()
    spread = error.std() / np.sqrt(trials)
    assert (score - low) / spread == pytest.approx(1.96, abs=0.07)  # the 3.5 % quantile lies at 1.81
    assert (high - score) / spread == pytest.approx(1.96, abs=0.07)  # the 98.5 % quantile at 2.17


def test_every_run_of_neighbours_lies_within_the_scored_trials() -> None:
    """Errors in the first trial alone: a run of 5 holds it only where it begins there, one time in K - 4."""
    trials, draws = 40, 4000
    rates = np.ones((trials, 1, 1))
    predicted, bins = np.ones_like(rates), np.ones((trials, 1), bool)
    predicted[0], reference = 0, np.zeros_like(rates)
    low, high = block_bootstrap(rates, predicted, reference, bins, seed=0, draws=draws, block=5)[:, 0]
    held = (1 - np.array([high, low])) * trials  # how often the first trial was drawn
    assert held[0] == 0 and held[1] == pytest.approx(1, abs=1e-9)  # 8 runs: 0 to 1 of them in 95 %


def test_the_interval_holds_the_score_and_follows_its_seed() -> None:
    rates, predicted, bins = drawn(shape=(40, 15, 3))
    reference = mean_of(rates, bins)
    low, high = block_bootstrap(rates, predicted, reference, bins, seed=1, draws=200)
    score = r2(rates, predicted, reference, bins)
    assert ((low < score) & (score < high)).all()
    draw = partial(block_bootstrap, rates, predicted, reference, bins, draws=200)
    again, other = draw(seed=1), draw(seed=2)
    np.testing.assert_array_equal(again, [low, high])
    assert not np.array_equal(other, again)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"draws": 0}, "draws is 0"),
        ({"draws": 10**30}, "draws is 1000000000000000000000000000000; use a whole number from 1 to 1e\\+06"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": 2**63}, "seed is 9223372036854775808"),
    ],
)
def test_seeds_and_draws_that_would_never_end_are_refused(change: dict[str, int], says: str) -> None:
    rates, predicted, bins = drawn()
    given = {"seed": 0, "draws": 5} | change
    with pytest.raises(SettingsError, match=says):
        block_bootstrap(rates, predicted, mean_of(rates, bins), bins, **given)
    with pytest.raises(SettingsError, match=says):
        split_half_reliability(rates, **given)


@pytest.mark.parametrize("trials", [2, 5, 7])
def test_few_trials_still_give_an_interval_with_a_width(trials: int) -> None:
    noise = np.random.default_rng(2).normal(size=trials)
    assert np.diff(interval_of(noise, seed=0, block=5), axis=0).item() > 0.01


def test_trials_that_are_not_scored_do_not_enter_the_interval() -> None:
    rates, predicted, bins = drawn(shape=(40, 15, 3))
    bins[20:] = False
    reference = mean_of(rates, bins)
    short = block_bootstrap(rates[:20], predicted[:20], reference[:20], bins[:20], seed=0, draws=50)
    found = block_bootstrap(rates, predicted, reference, bins, seed=0, draws=50)
    np.testing.assert_allclose(found, short)


@pytest.mark.filterwarnings("error")
def test_a_region_whose_reference_makes_no_error_has_no_interval_and_the_others_have_theirs() -> None:
    rates, predicted, bins = drawn(shape=(40, 15, 3))
    alone = block_bootstrap(rates, predicted, mean_of(rates, bins), bins, seed=1, draws=50)
    rates[..., 1] = 4.0
    reference = mean_of(rates, bins)
    found = block_bootstrap(rates, predicted, reference, bins, seed=1, draws=50)
    assert np.isnan(found[:, 1]).all() and np.isnan(r2(rates, predicted, reference, bins)[1])
    np.testing.assert_allclose(found[:, [0, 2]], alone[:, [0, 2]])
    silent = block_bootstrap(
        rates[..., 1:2], predicted[..., 1:2], reference[..., 1:2], bins, seed=1, draws=50
    )
    assert np.isnan(silent).all() and silent.shape == (2, 1)


# --- the null


def trials_with_a_drive(
    regions: int = 2,
    trials: int = 51,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rates = PSTH + a drive of each trial + noise, the drive, every third trial to be scored."""
    random = np.random.default_rng(3)
    psth = 5 + np.sin(np.arange(20) / 3)[None, :, None] * np.ones(regions)
    drive = random.normal(size=(trials, 20, regions))
    bins = np.zeros((trials, 20), dtype=bool)
    bins[::3, 4:] = True
    return psth + drive + random.normal(size=drive.shape), psth + drive, bins


@pytest.mark.parametrize("regions", [1, 2])
@pytest.mark.parametrize("trials", [50, 51])
def test_only_a_model_that_uses_the_trial_beats_its_null(regions: int, trials: int) -> None:
    rates, knows, bins = trials_with_a_drive(regions, trials)
    reference = mean_of(rates, bins)
    psth = np.broadcast_to(rates[~bins.any(axis=1)].mean(axis=0), rates.shape).copy()
    shuffled = knows[np.random.default_rng(4).permutation(trials)]
    models = {"knows": knows, "mean": reference, "psth": psth, "shuffled": shuffled}
    p = {
        name: p_value(r2(rates, model, reference, bins), shift_null(rates, model, reference, bins, nearest=1))
        for name, model in models.items()
    }
    np.testing.assert_allclose(p["knows"], 1 / trials)
    np.testing.assert_allclose(p["mean"], 1)
    np.testing.assert_allclose(p["psth"], 1)
    assert (p["shuffled"] > 0.05).all()


def test_the_null_is_every_circular_shift_of_the_predictions() -> None:
    rates, predicted, bins = trials_with_a_drive(trials=12)
    reference = mean_of(rates, bins)
    shifted = [np.roll(predicted, shift, axis=0) for shift in range(1, 12)]
    expected = [r2(rates, other, reference, bins) for other in shifted]
    np.testing.assert_allclose(shift_null(rates, predicted, reference, bins, nearest=1), expected)
    np.testing.assert_allclose(shift_null(rates, predicted, reference, bins, nearest=4), expected[3:-3])


@pytest.mark.parametrize("seed", range(3))
def test_near_shifts_of_a_slow_signal_are_left_out_of_the_null(seed: int) -> None:
    """A signal that all trials of half a minute share: with the neighbours the null is nearly the score."""
    random = np.random.default_rng(seed)
    slow = gaussian_filter1d(random.standard_normal(90), 3.0, mode="wrap")
    drive = np.tile((slow / slow.std())[:, None, None], (1, 20, 1))
    rates, bins = 5 + drive + 0.5 * random.standard_normal(drive.shape), np.ones((90, 20), dtype=bool)
    known = (rates, 5 + drive, mean_of(rates, bins), bins)
    score = r2(*known)[0]
    far, near = (np.percentile(shift_null(*known, **options), 97.5) for options in ({}, {"nearest": 1}))
    assert score > 0.7 and far < 0.3 * score
    assert shift_null(*known, nearest=1).max() > 0.85 * score  # control
    assert near > far + 0.2
    assert len(shift_null(*known)) == len(far_shifts(90)) == 90 - 2 * NEAREST_SHIFT + 1


def test_trials_that_leave_no_far_shift_are_told_how_many_are_needed() -> None:
    rates, predicted, bins = trials_with_a_drive(trials=19)
    with pytest.raises(DataError, match="19 trials leave no shift by 10 trials or more; 20 are needed"):
        shift_null(rates, predicted, mean_of(rates, bins), bins)
    assert len(far_shifts(19)) == 0 and list(far_shifts(20)) == [10] and list(far_shifts(22)) == [10, 11, 12]


def test_p_counts_the_score_itself_and_ties() -> None:
    null = np.array([[0.1], [0.2], [0.3], [0.4]])
    for score, expected in ((0.5, 1 / 5), (0.4, 2 / 5), (0.25, 3 / 5), (0.0, 1.0)):
        assert p_value(np.array([score]), null).tolist() == [pytest.approx(expected)]


def test_a_score_that_is_nan_has_no_p() -> None:
    assert np.isnan(p_value(np.array([np.nan]), np.full((9, 1), np.nan))).all()


# --- reliability


@pytest.mark.parametrize("shared", [0.0, 0.1, 0.3])
def test_reliability_of_neurons_with_a_common_part_is_what_theory_says(shared: float) -> None:
    random = np.random.default_rng(5)
    common = shared * random.normal(size=(100, 30))
    psth = 3 * np.sin(np.arange(30) / 4)  # the same in every trial: must not count
    counts = psth + common + random.normal(size=(40, 100, 30))
    expected = shared**2 / (shared**2 + 1 / 40)
    assert split_half_reliability(counts, seed=0) == pytest.approx(expected, abs=0.05)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("level", [0.0, 0.1])
def test_halvings_with_a_silent_half_are_left_out_of_the_reliability(level: float) -> None:
    """Of four neurons two always fire alike: only halvings that part the other two have a correlation.

    Those two share all they do, so each of these halvings correlates at 1.
    """
    counts = np.full((4, 50, 20), level)
    counts[0] = counts[3] = np.random.default_rng(6).poisson(0.5, (50, 20))
    assert split_half_reliability(counts, seed=0) == pytest.approx(1)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("level", [0.0, 0.1])
def test_reliability_is_nan_where_every_halving_has_a_silent_half(level: float) -> None:
    counts = np.full((2, 50, 20), level)
    counts[1] = np.random.default_rng(6).poisson(0.5, (50, 20))
    assert np.isnan(split_half_reliability(counts, seed=0))


def test_reliability_of_opposites_is_nan() -> None:
    counts = np.random.default_rng(6).poisson(0.5, (2, 50, 20)).astype(float)
    counts[1] = -counts[0]
    assert np.isnan(split_half_reliability(counts, seed=0))


def test_reliability_needs_two_neurons() -> None:
    with pytest.raises(DataError, match="two neurons or more, found 1"):
        split_half_reliability(np.ones((1, 5, 5)), seed=0)
