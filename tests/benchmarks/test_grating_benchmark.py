"""The study of real gratings in a reduced size, against bounds that were stated before."""

from pathlib import Path

import pandas as pd
import pytest

import real_gratings

pytestmark = pytest.mark.slow


@pytest.fixture
def study(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, real_data: Path) -> None:
    """A data folder of its own, so that no job is taken from an earlier run."""
    monkeypatch.setenv("NEUROKIT_REAL_DATA", str(real_data))
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path))
    monkeypatch.setenv("NEUROKIT_QUIET", "1")


def scores(table: pd.DataFrame, cells: str) -> dict[str, float]:
    rows = table[table["cells"] == cells]
    return dict(zip(rows["model"], rows["score"], strict=True))


def test_real_gratings_in_small(study: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beats what shuffled responses teach; finished jobs do not run again; random cells have rows."""
    options = ["--seeds", "1", "--epochs", "3", "--datasets", "drifting", "--no-file"]
    table = real_gratings.main(options)
    chosen, random = scores(table, "chosen"), scores(table, "random 10")
    assert set(chosen) == set(random) == set(real_gratings.GRATING_MODELS)
    assert chosen["separable tuning"] > chosen["mean"] + 0.1
    assert chosen["V1Transformer"] > chosen["V1Transformer, responses shuffled"] + 0.1
    assert table.set_index(["model", "cells"]).loc[("mean", "random 10"), "number"] == 10
    monkeypatch.setattr(
        real_gratings, "drifting", lambda **_: pytest.fail("a finished job was computed again")
    )
    assert real_gratings.main(options).equals(table)


def test_static_and_running_in_small(study: None) -> None:
    """Every model runs; a mean says nothing of which grating, no running nothing of single trials."""
    options = ["--seeds", "1", "--epochs", "1", "--datasets", "static", "running", "--no-file"]
    table = real_gratings.main(options)
    assert set(table["model"]) == {*real_gratings.GRATING_MODELS, *real_gratings.RUNNING_MODELS}
    chosen, everything = scores(table, "chosen"), scores(table, "all")
    assert chosen["mean"] == 0
    assert chosen["separable tuning"] > 0.2
    assert abs(everything["lagged regression, no running"]) < 1e-6
    assert table[table["cells"] == "all"]["explained"].between(-0.5, 0.2).all()
