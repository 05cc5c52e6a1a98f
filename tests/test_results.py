"""What the README says of SENSORIUM, held against the committed result files.

The bounds of models and additions are the project's aims, those of the controls lie far from both: a study
that is run again and misses one turns these red.
"""

from typing import Any

import pytest

from record import load

PLANTED = ("+ 0-1 behaviour", "+ history", "+ state", "+ gain")


@pytest.fixture(scope="module")
def accuracy() -> dict[str, dict[str, Any]]:
    """Rows of the accuracy study by model."""
    return {row["model"]: row for row in load("sensorium_accuracy")["rows"]}


def by_rung(name: str) -> dict[str, dict[str, Any]]:
    """Rows of a result file of the ladder by rung."""
    return {row["rung"]: row for row in load(name)["rows"]}


@pytest.mark.parametrize("name", ["sensorium_accuracy", "sensorium_ladder", "sensorium_controls"])
def test_three_seeds_or_more(name: str) -> None:
    assert load(name)["seeds"] >= 3


def test_the_network_reaches_its_ceiling_and_linear_models_do_not(
    accuracy: dict[str, dict[str, Any]],
) -> None:
    share = {model: row["of_ceiling_mean"] for model, row in accuracy.items()}
    assert share["cnn_plus"] >= 0.90
    assert max(share["ln"], share["ln_plus"]) < 0.7
    assert max(share["cnn_plus untrained"], share["cnn_plus, responses shuffled"]) < 0.3


def test_receptive_fields_lie_where_they_were_planted(accuracy: dict[str, dict[str, Any]]) -> None:
    trained = accuracy["cnn_plus"]
    assert trained["field_distance_mean"] < 1.5
    assert trained["shuffled_distance_mean"] > 5
    assert trained["readout_distance_mean"] > 1.5


@pytest.mark.parametrize("rung", PLANTED)
def test_an_addition_helps_where_its_mechanism_is_planted(rung: str) -> None:
    assert by_rung("sensorium_ladder")[rung]["low"] > 0


@pytest.mark.parametrize("rung", PLANTED)
def test_and_not_where_it_was_taken_out(rung: str) -> None:
    absent = by_rung("sensorium_controls")[f"{rung}, strength 0"]
    assert absent["low"] <= 0 <= absent["high"]


def test_no_score_is_above_its_ceiling(accuracy: dict[str, dict[str, Any]]) -> None:
    assert all(row["score_mean"] < row["ceiling_mean"] for row in accuracy.values())
    ladder = [*by_rung("sensorium_ladder").values(), *by_rung("sensorium_controls").values()]
    assert all(row["score"] < row["ceiling"] for row in ladder)
