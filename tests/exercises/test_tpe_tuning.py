"""Lesson 04: any way to write the bumps is right, and those without the half in the exponent are named."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import gaussian_kde, norm

from neurokit.exercises import judge

Density = Callable[[np.ndarray, np.ndarray, float], np.ndarray]


def chosen_by(density: Density) -> Callable[..., float]:
    """An answer to the exercise that takes both densities from `density`."""

    def next_point(candidates: np.ndarray, good: np.ndarray, rest: np.ndarray, width: float) -> float:
        ratio = density(candidates, good, width) / density(candidates, rest, width)
        return float(candidates[np.argmax(ratio)])

    return next_point


def by_exponent(x: np.ndarray, points: np.ndarray, width: float) -> np.ndarray:
    """Bumps without their constant, which both densities share."""
    bumps: np.ndarray = np.exp(-0.5 * ((x[:, None] - points) / width) ** 2)
    return bumps.mean(axis=1)


def by_library(x: np.ndarray, points: np.ndarray, width: float) -> np.ndarray:
    density: np.ndarray = gaussian_kde(points, width / points.std(ddof=1))(x)
    return density


def without_half(x: np.ndarray, points: np.ndarray, width: float) -> np.ndarray:
    bumps: np.ndarray = np.exp(-(((x[:, None] - points) / width) ** 2))
    return bumps.mean(axis=1)


def without_half_scaled(x: np.ndarray, points: np.ndarray, width: float) -> np.ndarray:
    """The same, with the constant of the whole bump."""
    return without_half(x, points, width) / (width * np.sqrt(2 * np.pi))


def wide(x: np.ndarray, points: np.ndarray, width: float) -> np.ndarray:
    """Bumps whose width was taken for a variance."""
    bumps: np.ndarray = norm.pdf(x[:, None], points, np.sqrt(width))
    return bumps.mean(axis=1)


@pytest.mark.parametrize("density", [by_exponent, by_library])
def test_every_correct_density_finds_the_next_point(density: Density) -> None:
    assert judge("04.next_point", chosen_by(density)).startswith("Right.")


@pytest.mark.parametrize("density", [without_half, without_half_scaled])
def test_a_bump_without_its_half_has_a_sentence_of_its_own(density: Density) -> None:
    said = judge("04.next_point", chosen_by(density))
    assert said.startswith("Not yet: these bumps are too narrow") and "one half" in said


def test_a_width_taken_for_a_variance_is_not_right() -> None:
    assert judge("04.next_point", chosen_by(wide)).startswith("Not yet")
