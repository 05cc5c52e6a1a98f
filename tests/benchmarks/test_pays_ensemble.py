"""The study of lesson 07: its line on the past is ridge regression, its models differ in the past alone."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from pays.ensemble import BASELINE, LINE, MODEL_4, configs, ridge, run


def test_the_line_on_the_past_is_ridge_regression() -> None:
    random = np.random.default_rng(0)
    read, responses = random.normal(size=(30, 4, 6)), random.normal(size=(30, 4)) + 2
    weights, offsets = ridge(read, responses, 3.0)
    for neuron in range(4):
        fitted = Ridge(alpha=3.0).fit(read[:, neuron], responses[:, neuron])
        np.testing.assert_allclose(weights[neuron], fitted.coef_)
        np.testing.assert_allclose(offsets[neuron], fitted.intercept_)


def test_the_two_models_differ_in_the_past_alone() -> None:
    made = configs(3, 60)
    plain, winner = made[BASELINE], made[MODEL_4]
    assert winner.inputs.uses_past_responses and not plain.inputs.uses_past_responses
    past = {"model.history": True, "model.state": True, "model.gain": True}
    assert plain.with_values(past) == winner
    assert winner.seed == winner.fit.seed == 3


@pytest.mark.slow
def test_every_rival_is_scored_with_and_without_the_mechanisms(monkeypatch: pytest.MonkeyPatch) -> None:
    """One mouse, few steps."""
    monkeypatch.setattr("pays.ensemble.STEPS", 60)
    monkeypatch.setattr("pays.ensemble.NEURONS", 30)
    monkeypatch.setattr("pays.ensemble.CONTROLLED", 60)
    rows = list(run(0, (60.0,)))
    assert len(rows) == 7 and all(-1 <= row["score"] <= 1 for row in rows)
    assert {row["model"] for row in rows} >= {BASELINE, MODEL_4, LINE}
