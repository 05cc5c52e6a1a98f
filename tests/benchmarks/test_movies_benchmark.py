"""The study of the V1 Transformer: its controls are controls, and a tiny run of it gives a table."""

from pathlib import Path

import numpy as np
import pytest

import v1_transformer
from neurokit.v1_transformer import task as make_task
from neurokit.v1_transformer.config import SMALL
from tests.v1_transformer.test_training import CONFIG, session

pytestmark = pytest.mark.slow

TINY = {"frames": 260, "cells": 5, "epochs": 1}


def test_responses_of_other_times_have_nothing_to_do_with_the_movie() -> None:
    task = make_task(session(), CONFIG)
    other = v1_transformer._of_other_times(task)
    here = task.responses[:, task.split.test]
    assert other.shape == task.responses.shape and np.isfinite(other).all()
    for cell in range(here.shape[-1]):
        assert abs(np.corrcoef(other[:, task.split.test, cell].ravel(), here[..., cell].ravel())[0, 1]) < 0.5
    assert sorted(np.nan_to_num(task.responses)[0, :, 0]) == sorted(other[0, :, 0])


def test_every_model_is_a_config_a_baseline_or_the_truth() -> None:
    configs = v1_transformer.CONFIGS
    assert configs["no running"].running == configs["3-D CNN"].running == "none"
    line = "motion energy x running"
    assert configs["running shuffled"].running == configs[f"{line} shuffled"].running == "shuffled"
    assert v1_transformer.BASELINES[line] is v1_transformer.BASELINES[f"{line} shuffled"]
    assert configs["random start"].model.start == "random"
    assert configs["no attention"].model.spatial_layers == configs["no attention"].model.temporal_layers == 0
    same = [name for name, config in configs.items() if config == SMALL]
    assert same == ["V1 Transformer", "untrained", "other responses", "short movies", "no effect of running"]


def test_a_tiny_run_scores_truth_above_noise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path))
    lines = ("motion energy x running", "motion energy x running shuffled")
    models = ("truth", "mean", "untrained", "V1 Transformer", *lines)
    found = {model: v1_transformer.measured(model, seed=0, **TINY) for model in models}
    assert found["truth"]["cc_norm"] > 0.9 and found["mean"]["cc_norm"] == 0
    assert found["truth"]["single_trial"] > found["untrained"]["single_trial"] + 0.3
    for model in ("V1 Transformer", *lines):
        assert found["truth"]["single_trial"] > found[model]["single_trial"]
