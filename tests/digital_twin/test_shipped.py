"""The twin that comes with the package looks near its cells' fields; its core is of the released kind."""

import numpy as np
import pytest

from neurokit import load_pretrained
from neurokit.digital_twin.network.core import AttentionLSTM
from neurokit.digital_twin.simulation import MouseParameters, _draw_mouse


@pytest.fixture(scope="module")
def distances() -> tuple[float, float]:
    """Medians in pixels: from each cell's planted field, and from that of another cell."""
    sight, _ = _draw_mouse(MouseParameters(seed=0))
    found = load_pretrained("twin").model.field_centers().numpy()
    off, dealt = (np.hypot(*(each - sight.cells.center).T) for each in (found, np.roll(found, 7, axis=0)))
    return float(np.median(off)), float(np.median(dealt))


def test_its_readouts_look_at_their_own_fields_before_anybody_maps_them(
    distances: tuple[float, float],
) -> None:
    own, of_another = distances
    assert own < of_another / 3


def test_they_look_within_two_pixels(distances: tuple[float, float]) -> None:
    assert distances[0] <= 2


def test_its_core_is_of_the_released_kind() -> None:
    network = load_pretrained("twin").model
    assert isinstance(network.core.recurrent, AttentionLSTM)


def test_its_side_car_names_no_place_on_a_machine() -> None:
    assert "foundation" not in load_pretrained("twin").facts["config"]
