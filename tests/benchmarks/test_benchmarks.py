"""The studies in a reduced size, against bounds that were stated before: they cannot rot, nor drift far."""

import json
from pathlib import Path

import pandas as pd
import pytest

import encoder_families
import pupil_study
import ramp
import sensorium_accuracy
import sensorium_ladder

pytestmark = pytest.mark.slow


def scores(table: pd.DataFrame, inputs: str) -> dict[str, float]:
    """R² against the training mean, averaged over regions, of each model."""
    rows = table[(table["inputs"] == inputs) & (table["region"] == "mean")]
    return dict(zip(rows["model"], rows["r2_mean"], strict=True))


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The studies set the source; it is put back afterwards."""
    monkeypatch.setenv("NEUROKIT_SOURCE", "demo")
    monkeypatch.setenv("NEUROKIT_QUIET", "1")
    return monkeypatch


def test_simulated_study_in_small(environment: pytest.MonkeyPatch) -> None:
    """One seed, few epochs: the encoder is between half of the best reachable and the best itself."""
    small = ["--seeds", "1", "--epochs", "15", "--splits", "random", "--workers", "1", "--no-file"]
    table = pupil_study.main([*small, "--source", "demo"])
    found, best = scores(table, "pupil"), table[table["region"] == "mean"]["best"].iloc[0]
    assert 0.5 * best < found["PupilEncoder (GRU)"] < best + 0.02
    assert found["PSTH"] < 0.1
    assert found["untrained GRU"] < 0.5 * found["PupilEncoder (GRU)"]


def test_real_study_in_small(environment: pytest.MonkeyPatch) -> None:
    """Cori 2016-12-17: pupil area alone says little, all behaviour much, the ramp flatters."""
    small = ["--seeds", "1", "--epochs", "15", "--splits", "random", "--workers", "1", "--no-file"]
    table = pupil_study.main([*small, "--source", "cutout"])
    alone, everything = scores(table, "pupil"), scores(table, "behaviour")
    assert alone["PSTH"] < 0.1
    assert alone["FIR"] < 0.1
    assert everything["FIR"] > 0.15
    assert everything["PupilEncoder (GRU)"] > 0.1
    assert everything["untrained GRU"] < 0.1


def test_the_ramp_lifts_the_psth(environment: pytest.MonkeyPatch) -> None:
    """On the cut-out from about 0 to about 0.55, the mean over the same bins as the reference."""
    table = ramp.main(["--seeds", "2", "--no-file"]).set_index("source")
    assert table.loc["cutout", "past_ramp_mean"] < 0.05
    assert table.loc["cutout", "with_ramp_mean"] == pytest.approx(0.55, abs=0.04)
    assert table.loc["cutout", "pooled_psth_mean"] > 0.5
    assert 0.03 < table.loc["demo", "with_ramp_mean"] - table.loc["demo", "past_ramp_mean"] < 0.15


def test_families_in_small(environment: pytest.MonkeyPatch) -> None:
    """One cheap family at a budget of two trials: both searches end and what they found predicts."""
    small = ["--seeds", "1", "--trials", "2", "--epochs", "4", "--workers", "1", "--no-file"]
    table = encoder_families.main([*small, "--families", "cnn"])
    assert list(table["search"]) == ["tpe", "random"]
    assert (table["r2_mean_mean"] > 0.05).all()


def test_families_that_were_not_run_again_stay(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With the command of their run, and only if it was made in the same way."""
    monkeypatch.setattr("record.RESULTS", tmp_path)
    monkeypatch.setattr(encoder_families, "RESULTS", tmp_path)
    rows = [{"family": "rnn", "r2_mean_mean": 0.1}, {"family": "cnn", "r2_mean_mean": 0.2}]
    content = {"command": "python a.py", "commit": "abc", "seeds": 3, "rows": rows}
    (tmp_path / "families.json").write_text(json.dumps(content), encoding="utf-8")
    kept = [{"command": "python a.py", "commit": "abc", **rows[0]}]
    assert encoder_families.others("families", [{"family": "cnn"}], {"seeds": 3}) == kept
    assert encoder_families.others("families", [{"family": "cnn"}], {"seeds": 5}) == []
    assert encoder_families.others("nothing", [{"family": "cnn"}], {"seeds": 3}) == []


TINY = ["--seeds", "1", "--train", "60", "--neurons", "20", "--workers", "1", "--no-file"]


@pytest.fixture
def fresh(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A data folder of its own, so that no job is taken from an earlier run."""
    environment.setenv("NEUROKIT_DATA", str(tmp_path))


def test_ladder_in_small(fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rungs run and have a ceiling above their score; a finished job is not computed again."""
    scan = ["--validation", "20", "--test-images", "5", "--repeats", "3"]
    rungs = ["baseline", "+ history", "+ ensemble", "all"]
    options = [*TINY, *scan, "--epochs", "2", "--members", "2", "--rungs"]
    table = sensorium_ladder.main([*options, *rungs])
    assert list(table["rung"]) == rungs
    assert (table["score"] < table["ceiling"]).all()
    assert dict(zip(table["rung"], table["published"], strict=True))["+ history"] == 0.4315
    monkeypatch.setattr(
        sensorium_ladder, "_trained", lambda *_: pytest.fail("a finished job was computed again")
    )
    assert sensorium_ladder.main([*options, *rungs]).equals(table)


def test_controls_in_small(fresh: None) -> None:
    """Only additions with a mechanism have one, each beside a baseline on the same mice."""
    scan = ["--validation", "20", "--test-images", "5", "--repeats", "3", "--epochs", "2"]
    rungs = ["baseline", "+ 0-1 behaviour", "+ state", "+ ensemble"]
    table = sensorium_ladder.main([*TINY, *scan, "--controls", "--rungs", *rungs])
    assert list(table["rung"]) == ["+ 0-1 behaviour, strength 0", "+ state, strength 0"]
    assert (table["score"] < table["ceiling"]).all() and table["gain"].notna().all()


def test_accuracy_in_small(fresh: None) -> None:
    """A few epochs already beat the untrained network and one that was taught shuffled responses."""
    options = ["--seeds", "1", "--train", "300", "--neurons", "40", "--workers", "1", "--no-file"]
    models = ["--models", "cnn_plus", "cnn_plus untrained", "cnn_plus, responses shuffled"]
    table = sensorium_accuracy.main([*options, "--epochs", "6", "--images", "8", *models])
    share = dict(zip(table["model"], table["of_ceiling_mean"], strict=True))
    assert share["cnn_plus"] > 0.3
    assert max(share["cnn_plus untrained"], share["cnn_plus, responses shuffled"]) < 0.5 * share["cnn_plus"]
    found = table.set_index("model").loc["cnn_plus"]
    assert found["field_distance_mean"] < 0.5 * found["shuffled_distance_mean"]
