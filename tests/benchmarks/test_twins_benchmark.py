"""The study of digital twins: who is who among its mice, and a tiny run of it gives a table."""

from pathlib import Path

import numpy as np
import pytest

import digital_twins
from neurokit.digital_twin.recording import load_trials
from neurokit.digital_twin.scores import TwinScores
from neurokit.digital_twin.simulated_files import load_simulated_mouse, load_truth
from neurokit.metrics.repeats import UnevenRepeatScores

pytestmark = pytest.mark.slow

TINY = {
    "mice": 2,
    "mice_cells": 6,
    "mice_minutes": 1.0,
    "mice_epochs": 1,
    "cells": 8,
    "epochs": 1,
    "batches": 2,
    "repeats": 3,
    "longest": 1.0,
    "foundations": None,
}


def test_no_mouse_is_both_pre_trained_on_and_new() -> None:
    seeds = range(4)
    old = {digital_twins.old_mouse(s, n, TINY).seed for s in seeds for n in range(TINY["mice"])}
    new = {digital_twins.new_mouse(s, TINY).seed for s in seeds}
    assert len(old) == 8 and len(new) == 4 and not old & new
    assert min(old | new) >= digital_twins.FIRST_MOUSE


@pytest.fixture(scope="module")
def new_mouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny study's new mouse."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEUROKIT_DATA", str(tmp_path_factory.mktemp("twins")))
        yield load_simulated_mouse(digital_twins.new_mouse(0, TINY))


def test_first_minutes_are_the_first_trials_and_keep_all_that_validate(new_mouse: Path) -> None:
    full = load_trials(new_mouse / "training_data")
    half = digital_twins.first_minutes(full, 0.5)
    assert [t.name for t in half.part(True)] == [t.name for t in full.part(True)][:3]
    assert [t.name for t in half.part(False)] == [t.name for t in full.part(False)]


def test_orientations_of_the_truth_are_the_planted_ones_and_shuffled_ones_are_not(new_mouse: Path) -> None:
    found = digital_twins.orientation_errors(load_truth(new_mouse), new_mouse, np.ones(8, dtype=bool))
    assert found["orientation_error"] == found["orientation_error_all"] < 2
    assert found["orientation_error_shuffled"] > 10


def test_well_driven_cells_are_those_whose_responses_repeat_best() -> None:
    ceiling = np.array([0.9, np.nan, 0.2, 0.8])
    scores = TwinScores(UnevenRepeatScores(ceiling, ceiling, ceiling), ceiling)
    assert digital_twins.well_driven(scores).tolist() == [True, False, False, True]


def test_a_tiny_run_scores_the_truth_above_all(new_mouse: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEUROKIT_DATA", str(new_mouse.parent.parent))
    found = {
        model: digital_twins.measured({"model": model, "minutes": 1.0, "seed": 0} | TINY)
        for model in digital_twins.MODELS
    }
    for model, scores in found.items():
        assert {"cc_norm", "single_trial", *digital_twins.KINDS[1:]} <= set(scores), model
        assert np.isfinite(scores["single_trial"])
    best = found.pop("truth")
    assert all(best["single_trial"] > scores["single_trial"] + 0.1 for scores in found.values())
    assert "orientation_error" in found["transferred"] and "orientation_error" not in found["lagged ridge"]
    assert list((new_mouse.parent.parent / "benchmarks" / "digital_twins").glob("foundation-*.safetensors"))
