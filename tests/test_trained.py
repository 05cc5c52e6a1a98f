"""The trained models that come with the package: each opens and scores what its side-car says."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from neurokit import Experiment, load_pretrained, trained
from neurokit.errors import CheckpointError
from train_shipped import LARGEST, SHIPPED


def test_they_are_those_of_the_command_and_small() -> None:
    assert trained.names() == tuple(sorted(SHIPPED))
    assert sum(path.stat().st_size for path in trained.FOLDER.glob("*.*")) < LARGEST


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_a_side_car_has_seed_config_history_and_scores(name: str) -> None:
    facts = load_pretrained(name).facts
    assert facts["source"] == "demo" and facts["seed"] == 0
    assert len(facts["history"]["epoch"]) >= 2 and facts["config"]
    assert len(facts["scores"]) >= 2  # the model, and what it is compared with


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_it_scores_what_its_side_car_says_and_an_untrained_one_does_not(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEUROKIT_SOURCE", "demo")
    found, experiment = load_pretrained(name), Experiment(**SHIPPED[name], device="cpu")
    said = pd.DataFrame(found.facts["scores"])
    measured = scored(experiment, found.model)
    numbers = said.select_dtypes("number").columns
    assert list(measured.columns) == list(said.columns) and len(numbers)
    np.testing.assert_allclose(measured[numbers].to_numpy(float), said[numbers].to_numpy(float), atol=0.002)
    untrained = scored(experiment, experiment.untrained())
    assert np.nanmax(np.abs(untrained[numbers].to_numpy(float) - said[numbers].to_numpy(float))) > 0.05


def scored(experiment: Experiment, model: Any) -> pd.DataFrame:
    return experiment.system.evaluate(model, experiment.task, experiment.config)


def test_a_name_that_none_has_is_a_path_that_is_missing() -> None:
    with pytest.raises(CheckpointError, match="v9-images"):
        load_pretrained("v9-images")
