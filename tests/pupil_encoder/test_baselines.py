"""Baselines: each finds what is planted for it, none looks at what it must not."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from neurokit.pupil_encoder import baselines
from neurokit.pupil_encoder.features import EncodingTask, split_trials

TRIALS, BINS = 60, 40
Baseline = Callable[[EncodingTask], np.ndarray]


def task(rates: np.ndarray, inputs: np.ndarray | None = None, *, kind: str = "random") -> EncodingTask:
    """The first five bins are the smoothing's ramp, the last five hold no spikes."""
    recorded = np.arange(BINS) < BINS - 5
    scored = np.broadcast_to(recorded & (np.arange(BINS) >= 5), rates.shape[:2]).copy()
    inputs = np.zeros((len(rates), BINS, 1)) if inputs is None else inputs
    return EncodingTask(
        inputs=inputs.astype(np.float32),
        rates=rates.astype(np.float32),
        recorded=recorded,
        scored=scored,
        channels=tuple(f"channel {c}" for c in range(inputs.shape[-1])),
        regions=tuple(f"region {r}" for r in range(rates.shape[-1])),
        time=np.arange(BINS) * 0.01,
        bin_size=0.01,
        split=split_trials(len(rates), seed=0, kind=kind),
        scales={},
        masked={},
    )


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def conditions(trials: int = TRIALS, seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    left, right = random.choice([0, 0.5, 1], (2, trials))
    return pd.DataFrame(
        {"contrast_left": left, "contrast_right": right, "response": random.choice([-1.0, 0.0, 1.0], trials)}
    )


TABLE = conditions()
ALL: dict[str, Baseline] = {
    "mean rate": baselines.mean_rate,
    "PSTH": baselines.psth,
    "PSTH with ramp": lambda of: baselines.psth(of, with_ramp=True),
    "by condition": lambda of: baselines.psth_by_condition(replace(of, trials=TABLE)),
    "drift": baselines.psth_and_drift,
    "FIR": baselines.fir,
    "FIR on PSTH": lambda of: baselines.fir(of, on_psth=True),
}


def error(prediction: np.ndarray, of: EncodingTask, part: str = "test") -> float:
    return float(((prediction - of.rates)[of.bins(part)] ** 2).mean())


# --- leaks


@pytest.mark.parametrize("baseline", ALL.values(), ids=ALL)
@pytest.mark.parametrize("kind", ["random", "blocked"])
def test_other_rates_in_the_test_trials_change_no_prediction(baseline: Baseline, kind: str) -> None:
    one = task(5 + noise(TRIALS, BINS, 2), noise(TRIALS, BINS, 2, seed=1), kind=kind)
    rates = one.rates.copy()
    rates[one.split.test] = 1000 + 50 * noise(len(one.split.test), BINS, 2, seed=2)
    predicted = baseline(one)
    assert predicted.shape == one.rates.shape
    np.testing.assert_array_equal(baseline(replace(one, rates=rates)), predicted)
    rates = one.rates.copy()
    rates[one.split.train] += 1  # the negative control
    assert not np.allclose(baseline(replace(one, rates=rates)), predicted)


@pytest.mark.parametrize("baseline", ALL.values(), ids=ALL)
def test_rates_outside_the_scored_bins_change_no_prediction(baseline: Baseline) -> None:
    one = task(5 + noise(TRIALS, BINS, 2), noise(TRIALS, BINS, 2, seed=1))
    rates = np.where(one.bins("train", with_ramp=True)[..., None] | one.scored[..., None], one.rates, 1e4)
    np.testing.assert_array_equal(baseline(replace(one, rates=rates.astype(np.float32))), baseline(one))


# --- mean and PSTH


def test_the_mean_is_that_of_the_training_trials_scored_bins() -> None:
    one = task(5 + noise(TRIALS, BINS, 2))
    expected = one.rates[one.split.train][:, 5:-5].mean(axis=(0, 1))
    np.testing.assert_allclose(baselines.mean_rate(one)[7, 3], expected, rtol=1e-5)


def test_the_psth_is_the_training_trials_mean_in_each_bin() -> None:
    one = task(5 + noise(TRIALS, BINS, 2))
    expected = one.rates[one.split.train].mean(axis=0)
    found = baselines.psth(one)
    np.testing.assert_allclose(found[7, 5:-5], expected[5:-5], rtol=1e-5)
    assert not found[:, :5].any() and not found[:, -5:].any()
    with_ramp = baselines.psth(one, with_ramp=True)
    np.testing.assert_allclose(with_ramp[7, :-5], expected[:-5], rtol=1e-5)


def test_a_masked_bin_is_left_out_of_the_psth() -> None:
    one = task(5 + noise(TRIALS, BINS, 1))
    scored, first = one.scored.copy(), one.split.train[0]
    scored[first, 20] = False
    expected = one.rates[one.split.train[1:], 20].mean(axis=0)
    np.testing.assert_allclose(baselines.psth(replace(one, scored=scored))[0, 20], expected, rtol=1e-5)


def by_side(size: float, number: int) -> tuple[EncodingTask, pd.DataFrame]:
    """Rates that are higher on the first trials, whose stimulus is left; `number` of them are to train."""
    one = task(np.full((TRIALS, BINS, 1), 5.0))
    own = np.zeros(TRIALS, dtype=bool)
    own[one.split.train[:number]] = own[one.split.test[0]] = True
    table = pd.DataFrame({"contrast_left": own * 1.0, "contrast_right": 1.0 - own, "response": 1.0})
    return replace(one, rates=(one.rates + size * own[:, None, None]).astype(np.float32)), table


@pytest.mark.parametrize("number", [1, 5, 20])
def test_a_condition_counts_by_its_number_of_training_trials(number: int) -> None:
    one, table = by_side(4.0, number)
    common = baselines.psth(one)[0, 20, 0]
    found = baselines.psth_by_condition(replace(one, trials=table))[one.split.test[0], 20, 0]
    assert found == pytest.approx(common + number / (number + 5) * (9 - common), rel=1e-5)


def test_a_condition_without_a_training_trial_gets_the_common_psth() -> None:
    one, table = by_side(4.0, 0)
    found = baselines.psth_by_condition(replace(one, trials=table))
    np.testing.assert_array_equal(found[one.split.test[0]], baselines.psth(one)[0])


def test_conditions_are_told_apart_by_side_and_choice() -> None:
    """Each of the nine combinations fires at its own rate."""
    table = pd.DataFrame(
        [(left, right, choice) for left, right in [(1, 0), (0, 0), (0, 1)] for choice in (-1.0, 0.0, 1.0)],
        columns=["contrast_left", "contrast_right", "response"],
    )
    table = pd.concat([table] * 40, ignore_index=True)
    rates = np.tile(np.arange(9.0), 40)[:, None, None] * np.ones((1, BINS, 1))
    one = task(rates)
    bins = one.bins("test")
    found = baselines.psth_by_condition(replace(one, trials=table))[bins]
    assert np.corrcoef(found[:, 0], one.rates[bins][:, 0])[0, 1] > 0.99
    assert np.unique(found.round(4)).size == 9
    unknown = table.assign(contrast_left=np.nan, response=np.nan)
    np.testing.assert_allclose(
        baselines.psth_by_condition(replace(one, trials=unknown)), baselines.psth(one), atol=1e-4
    )


# --- slow drift


def drifting(size: float, seed: int = 0) -> EncodingTask:
    slow = np.sin(np.arange(TRIALS) / 6)[:, None, None]
    return task(5 + size * slow + noise(TRIALS, BINS, 1, seed=seed))


def test_slow_drift_is_found() -> None:
    one = drifting(2.0)
    with_drift, without = (
        error(baseline(one), one) for baseline in (baselines.psth_and_drift, baselines.psth)
    )
    assert without > 2.5  # of which 1 is noise
    assert with_drift - 1 < (without - 1) / 3


def test_white_noise_is_not_taken_for_drift() -> None:
    one = drifting(0.0)
    assert error(baselines.psth_and_drift(one), one) < 1.03 * error(baselines.psth(one), one)


def test_a_trials_own_rate_is_no_neighbour() -> None:
    one = drifting(0.0)
    trial, rates = one.split.train[3], one.rates.copy()
    rates[trial] += 100
    residual = rates - baselines.psth(replace(one, rates=rates))
    found = baselines._average_neighbours(residual, one.bins("train"), 2.0)[trial, 0, 0]
    others = np.delete(one.split.train, 3)
    weight = np.exp(-0.5 * ((others - trial) / 2.0) ** 2)
    expected = np.average(residual[others][:, 5:-5, 0].mean(axis=1), weights=weight)
    assert found == pytest.approx(expected, rel=1e-3)


# --- linear filter


INPUTS = noise(TRIALS, BINS, 2, seed=3)


def following(lag: int, time_course: np.ndarray | float = 0.0) -> EncodingTask:
    """Rates that follow the second channel `lag` bins later, edges held."""
    source = np.clip(np.arange(BINS) - lag, 0, BINS - 1)
    return task(5 + 2 * INPUTS[:, source, 1:] + time_course + 0.1 * noise(TRIALS, BINS, 1, seed=4), INPUTS)


@pytest.mark.parametrize("lag", [-10, 0, 15])
def test_a_planted_filter_is_recovered(lag: int) -> None:
    one = following(lag)
    assert error(baselines.fir(one), one) < 0.03  # the noise is 0.01
    assert error(baselines.psth(one), one) > 3


def test_a_lag_between_those_of_the_filter_is_not() -> None:
    """The negative control: white inputs, so a neighbouring lag knows nothing."""
    one = following(2)
    assert error(baselines.fir(one), one) > 3


@pytest.mark.parametrize(
    ("bin_size", "expected"),
    [
        (0.01, list(range(-50, 51, 5))),
        (0.025, list(range(-20, 21, 2))),
        (0.05, list(range(-10, 11))),
        (0.1, [-5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5]),
    ],
)
def test_the_filter_s_lags_are_half_a_second_on_either_side(bin_size: float, expected: list[int]) -> None:
    assert baselines.lags_in_bins(bin_size).tolist() == expected


@pytest.mark.parametrize(("bin_size", "seen"), [(0.01, True), (0.02, True), (0.05, True), (0.06, False)])
def test_the_filter_sees_half_a_second_and_no_more(bin_size: float, seen: bool) -> None:
    """Ten bins are 0.1, 0.2, 0.5 and 0.6 s."""
    one = replace(following(10), bin_size=bin_size)
    found = error(baselines.fir(one), one)
    assert found < 0.03 if seen else found > 3  # the noise is 0.01, as above


@pytest.mark.parametrize("lag", [-10, 0, 15])
def test_a_filter_on_the_psth_knows_the_time_in_the_trial_too(lag: int) -> None:
    one = following(lag, 2 * np.sin(np.arange(BINS) / 5)[:, None])
    alone, on_psth = (error(baselines.fir(one, on_psth=on), one) for on in (False, True))
    assert alone > 1.5  # the time course
    assert on_psth < 0.5  # what 36 trials leave uncertain of the PSTH, 4 / 36 and more where the edge is held


def test_lagged_holds_each_lag_of_each_channel_and_the_edges() -> None:
    inputs = np.arange(12.0).reshape(1, 6, 2)
    found = baselines.stack_lags(inputs, np.array([-1, 0, 2])).reshape(1, 6, 3, 2)
    np.testing.assert_array_equal(found[0, 3], inputs[0, [4, 3, 1]])
    np.testing.assert_array_equal(found[0, 0], inputs[0, [1, 0, 0]])
    np.testing.assert_array_equal(found[0, 5], inputs[0, [5, 5, 3]])


def test_the_penalty_is_chosen_on_validation_trials() -> None:
    """Where behaviour tells nothing, a large one; where it tells all, a small one."""
    chosen = []
    for rates in (5 + 0.3 * noise(TRIALS, BINS, 1, seed=5), 5 + 3 * INPUTS[..., :1]):
        one = task(rates, INPUTS)
        start, design = baselines.mean_rate(one), baselines.stack_lags(one.inputs, np.arange(-50, 51, 5))
        train, rows = one.bins("train"), design.reshape(-1, design.shape[-1])
        of_penalty = {}
        for penalty in baselines.PENALTIES:
            line = Ridge(alpha=penalty).fit(design[train], (one.rates - start)[train])
            of_penalty[penalty] = start + line.predict(rows).reshape(one.rates.shape)
        errors = {penalty: error(predicted, one, "validation") for penalty, predicted in of_penalty.items()}
        chosen.append(min(errors, key=errors.__getitem__))
        np.testing.assert_array_equal(baselines.fir(one), of_penalty[chosen[-1]])
    assert chosen[0] >= 1000 * chosen[1]


def test_a_channel_that_drives_nothing_gains_nothing_on_test() -> None:
    one = task(5 + noise(TRIALS, BINS, 1), INPUTS)
    assert error(baselines.fir(one), one) > 0.97 * error(baselines.mean_rate(one), one)
