"""Scores of single neurons against a worked example, numpy's own functions and what they promise."""

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest

from neurokit.errors import DataError
from neurokit.metrics import correlation, correlation_to_average, feve
from neurokit.metrics.neurons import CHUNK_SIZE

# Three images of four repeats, two neurons; predictions are one value per image, but 0.1 more in
# every second repeat. The scores were made with the competition's scorer.
RESPONSES = np.array(
    [
        [(1, 0), (2, 1), (1, 0), (3, 0)],
        [(4, 0), (5, 2), (6, 1), (4, 0)],
        [(0, 3), (1, 1), (0, 2), (1, 0)],
    ],
    float,
).reshape(12, 2)
PREDICTIONS = np.repeat([(1.5, 0.5), (4.5, 0.7), (0.5, 1.2)], 4, axis=0)
PREDICTIONS[1::4] += 0.1
IMAGES = np.repeat([7, 3, 5], 4)


def drawn(seed: int = 0, repeats: tuple[int, ...] = (5, 8, 3, 4, 6)) -> tuple[np.ndarray, ...]:
    """Responses and predictions of nine neurons with a shared signal, in shuffled order of trials."""
    random = np.random.default_rng(seed)
    images = random.permutation(np.repeat(300 - 7 * np.arange(len(repeats)), repeats))
    signal = random.gamma(2, 1, (301, 9))[images]
    shape = signal.shape
    return random.poisson(signal).astype(float), signal + random.normal(0, 0.5, shape), images


def test_the_worked_example() -> None:
    found = feve(RESPONSES, PREDICTIONS, IMAGES)
    close = {"rtol": 0, "atol": 5e-9}
    np.testing.assert_allclose(correlation(RESPONSES, PREDICTIONS), [0.92557198, 0.55385583], **close)
    averages = correlation_to_average(RESPONSES, PREDICTIONS, IMAGES)
    np.testing.assert_allclose(averages, [0.99886565, 0.99186973], **close)
    np.testing.assert_allclose(found.fraction_explainable, [0.8221393, 0.10952381], **close)
    np.testing.assert_allclose(found.fraction_explained, [1.04834342, 2.79586957], **close)
    assert found.included.tolist() == [True, False]
    assert found.mean == found.fraction_explained[0]


def test_against_numpy_image_by_image() -> None:
    responses, predictions, images = drawn()
    groups = [images == image for image in np.unique(images)]
    ours, theirs = (np.stack([v[g].mean(0) for g in groups]) for v in (predictions, responses))
    expected = [np.corrcoef(a, b)[0, 1] for a, b in zip(ours.T, theirs.T, strict=True)]
    np.testing.assert_allclose(correlation_to_average(responses, predictions, images), expected, atol=1e-6)
    expected = [np.corrcoef(a, b)[0, 1] for a, b in zip(predictions.T, responses.T, strict=True)]
    np.testing.assert_allclose(correlation(responses, predictions), expected, atol=1e-6)
    noise = np.mean([responses[g].var(0, ddof=1) for g in groups], axis=0)
    signal = responses.var(0, ddof=1) - noise
    error = ((responses - predictions) ** 2).mean(0)
    found = feve(responses, predictions, images)
    np.testing.assert_allclose(found.fraction_explainable, signal / responses.var(0, ddof=1), rtol=1e-10)
    np.testing.assert_allclose(found.fraction_explained, 1 - (error - noise) / signal, rtol=1e-10)


def test_the_order_of_trials_does_not_matter() -> None:
    responses, predictions, images = drawn()
    order = np.random.default_rng(3).permutation(len(images))
    before = correlation_to_average(responses, predictions, images)
    after = correlation_to_average(responses[order], predictions[order], images[order])
    np.testing.assert_allclose(after, before, rtol=1e-12)
    wrong = correlation_to_average(responses, predictions, images[order])
    assert np.abs(wrong - before).max() > 0.1


def test_the_mean_of_an_image_is_its_perfect_prediction() -> None:
    responses, _, images = drawn(repeats=(40,) * 30)
    means = np.stack([responses[images == image].mean(0) for image in images])
    np.testing.assert_allclose(correlation_to_average(responses, means, images), 1, atol=1e-6)
    np.testing.assert_allclose(feve(responses, means, images).fraction_explained, 1, atol=0.1)
    assert feve(responses, means[::-1].copy(), images).mean < 0


@pytest.mark.parametrize("value", [0.1, 1 / 3, 0.83, 1e6 / 7])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_constant_is_scored_exactly_0(value: float, dtype: type) -> None:
    """Its average over three trials is rounded otherwise than over five."""
    responses, predictions, images = drawn()
    predictions[:, 2] = value
    predictions = predictions.astype(dtype)
    for scores in (
        correlation(responses, predictions),
        correlation(predictions, responses.astype(dtype)),
        correlation_to_average(responses, predictions, images),
    ):
        assert scores[2] == 0
        assert (scores != 0).sum() == 8


def test_float32_is_summed_in_float64() -> None:
    responses, predictions, images = (v.astype(np.float32) if v.dtype == float else v for v in drawn())
    wide = responses.astype(float), predictions.astype(float), images
    assert correlation_to_average(responses, predictions, images).dtype == np.float64
    found = feve(responses, predictions, images).fraction_explained
    np.testing.assert_allclose(found, feve(*wide).fraction_explained, rtol=1e-12)


def test_a_neuron_that_never_varies_is_not_included() -> None:
    responses, predictions, images = drawn()
    responses[:, 4] = 2.5
    found = feve(responses, predictions, images)
    assert not np.isfinite(found.fraction_explained[4])
    assert not found.included[4]
    assert np.isfinite(found.mean)


@pytest.mark.filterwarnings("error")
def test_an_image_shown_once_leaves_no_neuron_as_in_the_competition() -> None:
    responses, predictions, images = drawn(repeats=(5, 1, 6, 4))
    found = feve(responses, predictions, images)
    assert np.isnan(found.fraction_explainable).all()
    assert np.isnan(found.fraction_explained).all()
    assert not found.included.any()
    assert np.isnan(found.mean)
    several = np.isin(images, [i for i in np.unique(images) if (images == i).sum() > 1])
    assert feve(responses[several], predictions[several], images[several]).included.any()


def test_the_threshold_counts_at_its_value() -> None:
    responses, predictions, images = drawn()
    fractions = feve(responses, predictions, images).fraction_explainable
    found = feve(responses, predictions, images, threshold=float(np.median(fractions)))
    assert found.included.sum() == 5


@pytest.mark.parametrize("first", [0.0, 1e3])
def test_many_blocks_of_trials_are_one_recording(first: float) -> None:
    """A first trial far off makes all differences from it large, and costs no digits that count."""
    random = np.random.default_rng(0)
    signal = random.gamma(2, 1, (700, 1000))
    responses, predictions = random.poisson(signal).astype(float), signal + 50
    predictions[0] += first
    assert responses.size > 5 * CHUNK_SIZE
    found = correlation(responses, predictions)
    ours, theirs = (values - values.mean(axis=0) for values in (predictions, responses))
    expected = (ours * theirs).sum(axis=0) / np.sqrt((ours**2).sum(axis=0) * (theirs**2).sum(axis=0))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-7)
    assert (
        np.abs(correlation(responses[: CHUNK_SIZE // 1000], predictions[: CHUNK_SIZE // 1000]) - found).max()
        > 0.05
    )


@pytest.mark.parametrize(
    ("score", "share"), [(correlation, 0.25), (feve, 0.25), (correlation_to_average, 0.6)]
)
def test_nothing_as_large_as_the_responses_is_made(score: Callable[..., object], share: float) -> None:
    """Averages of ten repeats are stored in float64: 2 x 1/10 x 2 of the float32 responses."""
    responses, predictions = np.random.default_rng(0).random((2, 8000, 1000), dtype=np.float32)
    images = () if score is correlation else (np.repeat(np.arange(800), 10),)
    tracemalloc.start()
    score(responses, predictions, *images)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < share * responses.nbytes


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("trial", [0, 5, 25])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("which", [0, 1])
def test_no_value_that_is_not_finite_goes_unseen(trial: int, value: float, which: int) -> None:
    *pair, images = drawn()
    pair[which][trial, 4] = value
    for score in (correlation, correlation_to_average, feve):
        with pytest.raises(DataError, match="NaN or infinite"):
            score(*pair, *(() if score is correlation else (images,)))


def test_bad_input_is_refused() -> None:
    responses, predictions, _ = drawn()
    predictions[3, 4] = np.nan
    with pytest.raises(DataError, match="NaN or infinite"):
        correlation(responses, predictions)
    with pytest.raises(DataError, match="no trial"):
        correlation(responses[:0], responses[:0])
