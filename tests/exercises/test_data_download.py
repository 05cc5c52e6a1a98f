"""Lesson 01: any correct formula is right, and numbers written by hand are not."""

from collections.abc import Callable

import numpy as np
import pytest

from neurokit.exercises import judge
from neurokit.exercises.data_download import COUNTS, HALVES


def centred(half: np.ndarray) -> np.ndarray:
    residual: np.ndarray = half - half.mean(axis=0)
    return residual


def by_covariance(first: np.ndarray, second: np.ndarray) -> float:
    """The shared variance of the mean of both halves, over all of its variance."""
    one, two = centred(first), centred(second)
    return float((one * two).mean() / ((one + two) / 2).var())


def by_difference(first: np.ndarray, second: np.ndarray) -> float:
    """One minus the noise of the mean, which is half of what the halves differ by."""
    one, two = centred(first), centred(second)
    return float(1 - ((one - two) / 2).var() / ((one + two) / 2).var())


@pytest.mark.parametrize("formula", [by_covariance, by_difference])
def test_every_correct_formula_for_the_explained_share_is_right(
    formula: Callable[[np.ndarray, np.ndarray], float],
) -> None:
    assert judge("01.explained_share", formula).startswith("Right. ")


def test_each_half_has_a_psth_of_its_own() -> None:
    def by_one_psth(first: np.ndarray, second: np.ndarray) -> float:
        psth = (first.mean(axis=0) + second.mean(axis=0)) / 2
        r = np.corrcoef((first - psth).ravel(), (second - psth).ravel())[0, 1]
        return float(2 * r / (1 + r))

    assert "a PSTH of its own" in judge("01.explained_share", by_one_psth)


def test_a_result_that_is_written_by_hand_is_not() -> None:
    known = by_covariance(*HALVES[0])
    assert judge("01.explained_share", lambda first, second: known).startswith("Not yet")
    rates = COUNTS.mean(axis=(0, 1)) / 0.01
    assert judge("01.psth", lambda counts, bin_size: rates).startswith("Not yet")
