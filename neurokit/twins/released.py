"""Digital twins as they were released: from a folder of weights to predictions.

The folder is that of `neurokit.data.microns_weights`: one core, a file and rows of two tables for each scan.
Sizes are not written there, so they are given as settings and held against every tensor. What no tensor tells
is taken as given: the monitor's pixels, the dropout and the unit model.
"""

from pathlib import Path

import torch

from neurokit.data.microns_weights import Weights, load_weights
from neurokit.errors import CheckpointError
from neurokit.models.foundation.network import FoundationNetwork, build
from neurokit.models.foundation.sequence import Periphery
from neurokit.models.foundation.settings import FoundationSettings
from neurokit.twins.twin import DigitalTwin

GRID = "perspective.retina.grid"  # where retinal pixels look; its values, too, follow from the settings
SAME_DIRECTION = 1e-4  # as between two ways of computing the grid in single precision


def load_twin(
    folder: str | Path,
    session: int,
    scan_idx: int,
    *,
    settings: FoundationSettings = FoundationSettings(),  # noqa: B008  frozen
    device: str = "auto",
    periphery: Periphery = "dark",
) -> DigitalTwin:
    """The twin of one scan; its `units` are session, scan_idx and unit_id of each, by readout_id.

    The default settings are those of the release. Raises what `load_weights` does, CheckpointError for
    weights of a network of other settings, and SettingsError for a device that is not there.
    """
    weights = load_weights(folder, session, scan_idx)
    network = build(len(weights.units), settings)
    _check(folder, weights, network)
    network.load_state_dict(weights.state)
    return DigitalTwin(network.eval(), weights.units, device=device, periphery=periphery)


def _check(folder: str | Path, weights: Weights, network: FoundationNetwork) -> None:
    """The same names, sizes and kinds of number, and a retina that spans as many degrees."""
    expected = network.state_dict()
    for name in expected | weights.state:
        found, wanted = (
            f"of {tuple(state[name].shape)}" if name in state else "none"
            for state in (weights.state, expected)
        )
        if found != wanted:
            finding = f"{folder} has {name} {found}, and a network of these settings {wanted}"
            raise CheckpointError(f"{finding}: give the settings that it was trained with.")
        if weights.state[name].dtype != expected[name].dtype:
            finding = f"{folder} has {name} as {weights.state[name].dtype}, not {expected[name].dtype}"
            raise CheckpointError(f"{finding}: save the weights that were trained, without converting them.")
    if not torch.allclose(weights.state[GRID], expected[GRID], atol=SAME_DIRECTION):
        degrees = network.settings.retina_degrees
        finding = f"{folder} has a retina that does not span {degrees} degrees to each side"
        raise CheckpointError(f"{finding}: give the retina_degrees that it was trained with.")
