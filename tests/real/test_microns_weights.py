"""The weights folder made by the public code is read, and written again with the same content."""

import json
from pathlib import Path

import pandas as pd
import pytest
import torch

from neurokit.digital_twin.released import Weights, list_scans, load_weights, save_weights


@pytest.fixture(scope="module")
def golden(real_data: Path) -> Path:
    return real_data / "fnn_golden" / "full"


@pytest.fixture(scope="module")
def weights(golden: Path) -> Weights:
    return load_weights(golden, 4, 7)


def test_names_shapes_and_types_are_those_of_the_public_network(golden: Path, weights: Weights) -> None:
    wanted = json.loads((golden / "state_dict_keys.json").read_text())
    found = {
        name: [list(each.shape), str(each.dtype).removeprefix("torch.")]
        for name, each in weights.state.items()
    }
    assert found == wanted


def test_units_are_those_of_its_table(golden: Path, weights: Weights) -> None:
    table = pd.read_csv(golden / "units.csv")
    assert list(weights.units.index) == list(table["readout_id"]) == list(range(24))
    assert list(weights.units["unit_id"]) == list(table["unit_id"])
    assert list_scans(golden)["data_id"].iloc[0] == "0" * 32


def test_it_is_written_as_it_was_read(golden: Path, weights: Weights, tmp_path: Path) -> None:
    save_weights(tmp_path, weights.state, weights.units, 4, 7, data_id="0" * 32)
    for name in ("units.csv", "scans.csv"):
        assert (tmp_path / name).read_text().split() == (golden / name).read_text().split()
    for name in ("params_core.pt", "params_4_7.pt"):
        ours, theirs = (torch.load(folder / name, weights_only=True) for folder in (tmp_path, golden))
        assert list(ours) == list(theirs)
        assert all(torch.equal(ours[key], theirs[key]) for key in theirs)
