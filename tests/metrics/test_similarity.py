"""Representational similarity: known geometries, noise, and what cannot be compared."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from neurokit.errors import DataError
from neurokit.metrics import average_repeats, dissimilarity, rsa, split_half_rsa


def population(seed: int, stimuli: int = 30, units: int = 80) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(stimuli, units))


def test_dissimilarities_are_those_of_numpy_and_their_comparison_that_of_scipy():
    one, other = population(0), population(1)
    found = dissimilarity(one, z_scored=False)
    upper = np.triu_indices(30, 1)
    assert np.allclose(found, 1 - np.corrcoef(one)[upper])
    expected = spearmanr(found, dissimilarity(other)).statistic
    assert np.isclose(rsa(found, dissimilarity(other)), expected)


def test_a_rotated_population_has_the_same_geometry_and_another_one_has_not():
    one = population(0, units=50)
    turn = np.linalg.qr(population(3, 50, 50))[0]
    centred = one - one.mean(axis=1, keepdims=True)  # correlation is of what is left without the mean
    turned = centred @ turn
    assert rsa(dissimilarity(one, z_scored=False), dissimilarity(turned, z_scored=False)) > 0.95
    assert abs(rsa(dissimilarity(one), dissimilarity(population(9)))) < 0.15


def test_one_loud_unit_rules_raw_rates_and_not_z_scored_ones():
    one, other = population(0), population(1)
    loud = 100 * population(2, units=1)
    joined = [np.concatenate([each, loud], axis=1) for each in (one, other)]
    raw, scaled = (rsa(*(dissimilarity(each, z_scored=z) for each in joined)) for z in (False, True))
    assert raw > 0.9 and abs(scaled) < 0.2


def test_halves_agree_as_far_as_noise_lets_them():
    signal, stimuli = population(0), np.repeat(np.arange(30), 20)
    noise = np.random.default_rng(5).normal(size=(600, 80))
    clear, noisy, none = (split_half_rsa(signal[stimuli] * size + noise, stimuli) for size in (3, 0.3, 0.0))
    assert clear > 0.95 and clear > noisy > none and abs(none) < 0.15


def test_means_are_over_the_repeats_of_each_stimulus():
    stimuli = np.array([2, 0, 2, 5])
    found = average_repeats(np.arange(8.0).reshape(4, 2), stimuli)
    assert np.array_equal(found, [[2, 3], [2, 3], [6, 7]])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: dissimilarity(np.ones((5, 4))), "0 units that change"),
        (lambda: dissimilarity(np.full((5, 4), np.nan)), "without NaN"),
        (lambda: rsa(np.ones(3), np.ones(6)), "3 and 6 pairs"),
        (lambda: split_half_rsa(population(0, 5), np.arange(5)), "Stimulus 0 was shown once"),
    ],
)
def test_what_cannot_be_compared_is_said(call, words):
    with pytest.raises(DataError, match=words):
        call()
