"""The twin that comes with the package looks near its cells' fields; its core is of the released kind."""

import numpy as np

from neurokit import load_pretrained
from neurokit.digital_twin.network.core import AttentionLSTM
from neurokit.digital_twin.simulation import MouseParameters, _draw_mouse


def test_its_readouts_look_near_the_planted_fields_before_anybody_maps_them() -> None:
    """To 2.5 pixels in the median, as its lesson says; the control deals the places to other cells."""
    sight, _ = _draw_mouse(MouseParameters(seed=0))
    found = load_pretrained("twin").model.field_centers().numpy()
    off = np.hypot(*(found - sight.cells.center).T)
    dealt = np.hypot(*(np.roll(found, 7, axis=0) - sight.cells.center).T)
    assert np.median(off) < 2.5 < np.median(dealt) / 3


def test_its_core_is_of_the_released_kind() -> None:
    network = load_pretrained("twin").model
    assert isinstance(network.core.recurrent, AttentionLSTM)


def test_its_side_car_names_no_place_on_a_machine() -> None:
    assert "foundation" not in load_pretrained("twin").facts["config"]
