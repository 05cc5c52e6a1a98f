"""The colours of the figures are told apart by those who see no green, and by those who see no red.

Colour blindness is simulated by the matrices of Machado et al. (IEEE Transactions on Visualization and
Computer Graphics 2009, severity 1.0), which act on linear RGB. Distances are those of CIE 1976 Lab under D65.
"""

from itertools import combinations

import numpy as np
import pytest

from neurokit.figures.style import COLOURS, GREY, INK

LEAST = 20.0  # where 2.3 is just seen side by side; lines and dots are small and lie apart
TO_XYZ = np.array(  # from linear sRGB, IEC 61966-2-1
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
)
EYES = {
    "all cones": np.eye(3),
    "deuteranope": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "protanope": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
}


def linear(colour: str) -> np.ndarray:
    """Linear red, green and blue of "#rrggbb", between 0 and 1."""
    coded = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    """Lightness, green to red, blue to yellow."""
    share = TO_XYZ @ rgb / TO_XYZ.sum(axis=1)
    x, y, z = np.where(share > (6 / 29) ** 3, np.cbrt(share), share / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def distance(one: str, other: str, eye: str) -> float:
    first, second = (lab(np.clip(EYES[eye] @ linear(colour), 0, 1)) for colour in (one, other))
    return float(np.linalg.norm(first - second))


def too_close(colours: tuple[str, ...], eye: str) -> list[tuple[str, str]]:
    return [pair for pair in combinations(colours, 2) if distance(*pair, eye) < LEAST]


def test_lab_of_known_colours() -> None:
    """White, black and the red of sRGB, as tables give them."""
    np.testing.assert_allclose(lab(linear("#ffffff")), [100, 0, 0], atol=1e-6)
    np.testing.assert_allclose(lab(linear("#000000")), [0, 0, 0], atol=1e-6)
    np.testing.assert_allclose(lab(linear("#ff0000")), [53.24, 80.09, 67.20], atol=0.05)


@pytest.mark.parametrize("eye", EYES)
def test_every_pair_is_told_apart(eye: str) -> None:
    assert too_close((*COLOURS, GREY, INK), eye) == []


@pytest.mark.parametrize(
    ("one", "other"), [("#0b5d8a", "#8a4fa3"), ("#d1622b", "#b8912b")], ids=["blue, purple", "orange, ochre"]
)
def test_pairs_that_only_look_different_are_noticed(one: str, other: str) -> None:
    """Both are far apart for those who see green."""
    assert too_close((one, other), "all cones") == []
    assert too_close((one, other), "deuteranope") == [(one, other)]
