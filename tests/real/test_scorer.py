"""The competition's own scorer and writer, against what they returned and wrote."""

import csv
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from neurokit.errors import DataError
from neurokit.sensorium import (
    score_neurons,
    score_submission,
    validate,
    write_ground_truth,
    write_rows,
    write_submission,
)
from neurokit.sensorium.recording import Scan, load_scan

SUFFIX = "GrayImageNet-94c6ff995dac583098847cfecd43e7b6"
PAIRS = ["hashed_even", "integer_uneven"]
TIERS = {"test": "submission_file_live_test.csv", "final_test": "submission_file_final_test.csv"}


@pytest.fixture(scope="module")
def golden(real_data: Path) -> Path:
    return real_data / "sensorium_scorer_golden"


@pytest.fixture(scope="module")
def competition(golden: Path, tmp_path_factory: pytest.TempPathFactory) -> Scan:
    return load_scan(golden / "dataset" / f"static92001-5-13-{SUFFIX}.zip", tmp_path_factory.mktemp("packed"))


@pytest.fixture(scope="module")
def pretraining(golden: Path, tmp_path_factory: pytest.TempPathFactory) -> Scan:
    return load_scan(golden / "dataset" / f"static91001-3-7-{SUFFIX}.zip", tmp_path_factory.mktemp("packed"))


def values_of(path: Path) -> np.ndarray:
    """The lists of the third column."""
    with path.open(newline="") as file:
        return np.array([json.loads(row[2]) for row in list(csv.reader(file))[1:]])


# --- scores


@pytest.mark.parametrize("pair", PAIRS)
def test_the_scores_of_shuffled_tables(golden: Path, pair: str) -> None:
    files = [golden / "scorer" / f"{pair}_{kind}.csv" for kind in ("ground_truth", "submission")]
    expected = json.loads((golden / "scorer" / "scores.json").read_text())[pair]["scores"]
    found = score_submission(*files)
    assert list(found) == list(expected)
    assert found == pytest.approx(expected, rel=0, abs=1e-9)


@pytest.mark.parametrize("pair", PAIRS)
def test_the_scores_of_every_neuron(golden: Path, pair: str) -> None:
    files = [golden / "scorer" / f"{pair}_{kind}.csv" for kind in ("ground_truth", "submission")]
    expected = json.loads((golden / "scorer" / "scores.json").read_text())[pair]["per_neuron"]
    found = score_neurons(*files)
    order = np.argsort(found.neurons)
    assert found.neurons[order].tolist() == expected["neuron_ids"]
    assert found.included[order].tolist() == expected["kept"]
    names = {
        "single_trial": "single_trial",
        "to_average": "to_average",
        "fraction_explainable": "fev_all",
        "fraction_explained": "feve_all",
    }
    for ours, theirs in names.items():
        np.testing.assert_allclose(getattr(found, ours)[order], expected[theirs], rtol=1e-9, atol=1e-9)
    feve = found.fraction_explained[order][found.included[order]]
    np.testing.assert_allclose(feve, expected["feve_kept"], rtol=1e-9)


@pytest.mark.parametrize("pair", PAIRS)
def test_the_constant_prediction_scores_0(golden: Path, pair: str) -> None:
    files = [golden / "scorer" / f"{pair}_{kind}.csv" for kind in ("ground_truth", "submission")]
    found = score_neurons(*files)
    assert (found.single_trial == 0).sum() == 1
    assert (found.to_average == 0).tolist() == (found.single_trial == 0).tolist()


def test_the_scores_of_a_written_submission(golden: Path) -> None:
    folder = golden / "submission"
    expected = json.loads((folder / "pretraining_scores.json").read_text())
    found = score_submission(
        folder / "ground_truth_file_test.csv", folder / "submission_file_pretraining_test.csv"
    )
    assert found == pytest.approx(expected, rel=0, abs=1e-9)


# --- files


@pytest.mark.parametrize("tier", TIERS)
def test_the_competitions_own_file_is_valid(golden: Path, competition: Scan, tier: str) -> None:
    validate(golden / "submission" / TIERS[tier], competition, tier)


@pytest.mark.parametrize("tier", TIERS)
def test_the_same_bytes_from_float64(golden: Path, competition: Scan, tier: str, tmp_path: Path) -> None:
    """The competition's writer turns float32 into Python's numbers, which are float64."""
    theirs = golden / "submission" / TIERS[tier]
    (ours,) = write_submission(tmp_path, competition, {tier: values_of(theirs)})
    assert ours.name == theirs.name
    assert ours.read_bytes() == theirs.read_bytes()


@pytest.mark.parametrize("tier", TIERS)
def test_fewer_digits_from_float32(golden: Path, competition: Scan, tier: str, tmp_path: Path) -> None:
    """All but the digits is the same, and the digits give the same float32."""
    theirs = golden / "submission" / TIERS[tier]
    (ours,) = write_submission(tmp_path, competition, {tier: values_of(theirs).astype(np.float32)})
    tables = [list(csv.reader(io.StringIO(file.read_text()))) for file in (ours, theirs)]
    without = [[row[:2] + row[3:] for row in table] for table in tables]
    assert without[0] == without[1]
    np.testing.assert_array_equal(values_of(ours).astype(np.float32), values_of(theirs).astype(np.float32))
    np.testing.assert_allclose(values_of(ours), values_of(theirs), rtol=0, atol=1e-6)
    assert ours.stat().st_size < 0.7 * theirs.stat().st_size


def test_the_ground_truth_of_a_scan(golden: Path, pretraining: Scan, tmp_path: Path) -> None:
    theirs = golden / "submission" / "ground_truth_file_test.csv"
    responses = pretraining.responses[pretraining.trials("test")]
    (ours,) = write_ground_truth(tmp_path, pretraining, {"test": np.asarray(responses)})
    assert ours.name == theirs.name
    np.testing.assert_allclose(values_of(ours), values_of(theirs), rtol=1e-6)
    found = score_submission(ours, golden / "submission" / "submission_file_pretraining_test.csv")
    expected = json.loads((golden / "submission" / "pretraining_scores.json").read_text())
    assert found == pytest.approx(expected, abs=1e-5)


def test_raw_units_of_the_competition_scan_are_refused(
    golden: Path, competition: Scan, tmp_path: Path
) -> None:
    """The units are the standard deviations in the zip; they lie between 1 and 9, so less than the factor."""
    name = f"static92001-5-13-{SUFFIX}"
    with zipfile.ZipFile(golden / "dataset" / f"{name}.zip") as archive:
        members = {word: f"{name}/meta/statistics/responses/all/{word}.npy" for word in ("mean", "std")}
        mean, unit = (np.load(io.BytesIO(archive.read(member))) for member in members.values())
    values = values_of(golden / "submission" / TIERS["test"])
    raw = values / values.mean(axis=0) * mean  # the right mean of every neuron, in raw units
    standardised = raw / np.maximum(unit, 0.01 * unit.mean())
    (file,) = write_submission(tmp_path, competition, {"test": standardised})
    validate(file, competition, "test")
    with pytest.raises(DataError, match="grow with the unit of the raw responses"):
        write_submission(tmp_path, competition, {"test": raw})
    trials = competition.trials("test")
    ids = competition.trial_ids[trials], competition.image_ids[trials], competition.unit_ids
    write_rows(file, raw, *ids)
    with pytest.raises(DataError, match="grow with the unit of the raw responses"):
        validate(file, competition, "test")
