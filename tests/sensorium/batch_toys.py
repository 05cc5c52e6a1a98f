"""What the tests of batches share: comparing them, and dealing trials anew."""

import numpy as np
import torch

from neurokit.sensorium.features import InputSettings, MouseBatch
from neurokit.sensorium.past_responses import KNOWN_TIERS
from neurokit.sensorium.recording import Scan
from tests.sensorium.toys import STATE

ALL = InputSettings(
    behaviour="range", pupil_center=True, history=True, state=True, rank=True, state_settings=STATE
)


def generator(seed: int = 0) -> torch.Generator:
    """A source of random numbers of its own."""
    return torch.Generator().manual_seed(seed)


def same_batches(one: list[MouseBatch], other: list[MouseBatch]) -> bool:
    """Whether two lists hold the same batches bit for bit."""

    def equal(a: MouseBatch, b: MouseBatch) -> bool:
        inputs = a.inputs.keys() == b.inputs.keys() and all(
            torch.equal(a.inputs[name], b.inputs[name]) for name in a.inputs
        )
        return inputs and torch.equal(a.responses, b.responses) and (a.key, a.scale) == (b.key, b.scale)

    return len(one) == len(other) and all(equal(a, b) for a, b in zip(one, other, strict=True))


def shown(scan: Scan, batches: list[MouseBatch]) -> list[int]:
    """File indices of the trials in these batches, told by their responses, which are all different."""
    place = {row.tobytes(): index for index, row in enumerate(scan.responses)}
    assert len(place) == len(scan.responses)
    return [place[row.numpy().tobytes()] for batch in batches for row in batch.responses]


def dealt(scan: Scan, seed: int = 0) -> np.ndarray:
    """The scan's training and validation tiers in another order, as a member of an ensemble has them."""
    tiers, known = scan.tiers.copy(), np.isin(scan.tiers, KNOWN_TIERS)
    tiers[known] = np.random.default_rng(seed).permutation(tiers[known])
    return tiers
