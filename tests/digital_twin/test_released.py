"""A folder of weights becomes the twin that was saved; the settings it is opened with have to be its own."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from neurokit.digital_twin.network.network import FoundationNetwork
from neurokit.digital_twin.released import load_released, save_weights
from neurokit.digital_twin.twin import DigitalTwin
from neurokit.errors import CheckpointError, DataError, SettingsError
from tests.digital_twin.toys import NETWORK, toy_network

UNITS = pd.DataFrame({"unit_id": [2, 3, 7]})


@pytest.fixture(scope="module")
def network() -> FoundationNetwork:
    return toy_network(len(UNITS)).eval()


@pytest.fixture
def folder(network: FoundationNetwork, tmp_path: Path) -> Path:
    save_weights(tmp_path / "weights", network.state_dict(), UNITS, 4, 7)
    return tmp_path / "weights"


def inputs(frames: int = 6) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(3)
    video = random.integers(0, 256, (frames, *NETWORK.monitor), dtype=np.uint8)
    return video, *random.normal(size=(2, frames, 2)).astype(np.float32)


def test_the_twin_predicts_what_the_saved_network_did(network: FoundationNetwork, folder: Path) -> None:
    found = load_released(folder, 4, 7, settings=NETWORK, device="cpu")
    wanted = DigitalTwin(network, device="cpu").predict(*inputs())
    np.testing.assert_array_equal(found.predict(*inputs()), wanted)
    assert np.ptp(wanted, axis=1).min() > 0.01  # so units in another order would be noticed
    assert found.units["unit_id"].tolist() == [2, 3, 7]
    assert not found.network.training


def test_the_periphery_is_handed_on(folder: Path) -> None:
    dark, extended = (
        load_released(folder, 4, 7, settings=NETWORK, device="cpu", periphery=word).predict(*inputs())
        for word in ("dark", "extend")
    )
    assert np.abs(dark - extended).max() > 1e-4


def test_opening_leaves_the_global_random_numbers_alone(folder: Path) -> None:
    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    load_released(folder, 4, 7, settings=NETWORK, device="cpu")
    assert torch.equal(torch.rand(3), wanted)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"retina": (8, 16)}, r"has perspective\.retina\.grid of \(8, 12, 3\), and .* of \(8, 16, 3\)"),
        ({"retina_degrees": 60.0}, "does not span 60.0 degrees"),
        ({"layers": (2,)}, r"none, and a network of these settings of \("),
        ({"streams": 3}, r"and a network of these settings"),
        ({"eye_features": 5}, r"perspective\.mlp\."),
        ({"recurrence": "convolution"}, "and a network of these settings"),
    ],
)
def test_settings_of_another_network_are_refused(folder: Path, changes: dict[str, object], says: str) -> None:
    with pytest.raises(CheckpointError, match=says) as error:
        load_released(folder, 4, 7, settings=NETWORK.replace(**changes), device="cpu")
    assert str(folder) in str(error.value) and "\n" not in str(error.value)


def test_a_small_network_is_not_taken_for_a_released_one(folder: Path) -> None:
    with pytest.raises(CheckpointError, match="give the settings that it was trained with"):
        load_released(folder, 4, 7, device="cpu")


def test_a_tensor_of_another_kind_is_refused(folder: Path) -> None:
    """Masks and numbers alone are kept, and neither stands for the other."""
    name = "perspective.retina.grid"
    state = torch.load(folder / "params_4_7.pt", weights_only=True)
    torch.save(state | {name: state[name] > 0}, folder / "params_4_7.pt")
    with pytest.raises(CheckpointError, match=rf"{name} as torch\.bool, not torch\.float32: save") as raised:
        load_released(folder, 4, 7, settings=NETWORK, device="cpu")
    assert "\n" not in str(raised.value)


def test_what_is_not_there_is_refused(folder: Path) -> None:
    with pytest.raises(DataError, match="choose one of 4-7"):
        load_released(folder, 4, 8, settings=NETWORK)
    with pytest.raises(SettingsError, match="tpu"):
        load_released(folder, 4, 7, settings=NETWORK, device="tpu")
    with pytest.raises(CheckpointError, match="is not a folder"):
        load_released(folder / "nowhere", 4, 7)
