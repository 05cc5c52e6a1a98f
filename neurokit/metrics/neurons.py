"""Scores of predicted responses of single neurons to images, as SENSORIUM 2022 computes them.

The definitions, eps included, are those of the competition's scorer (Willeke et al., "The Sensorium
competition on predicting large-scale mouse primary visual cortex activity", 2022; fraction of
explainable variance explained after Cadena et al., PLoS Computational Biology 2019). Sums are
float64: in float32 the rounding of an average is as large as eps, and a constant prediction of
unevenly repeated images is then credited with a correlation.

Sums are of differences from the first trial, taken in chunks of trials, so that no copy of the responses is
made. These differences are exactly 0 where a neuron is constant. As the first trial is at most sqrt(B)
standard deviations from the mean, sums of squares are at most B + 1 times those about the mean.

Letters: B trials, N neurons, R repeats of an image.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64, Int

from neurokit.arguments import explain_values
from neurokit.config import Number, check_value
from neurokit.errors import DataError

EPS = 1e-8  # added to each standard deviation
THRESHOLD = 0.15  # of the explainable fraction; neurons below it are not counted
PARTS = 2  # of the trials, in parallel; the same number on every machine, for equal last digits
CHUNK_SIZE = 2**17  # values, which fit into the processor's cache


@dataclass(frozen=True)
class ExplainedVariance:
    """The share of a neuron's variance that images explain, and how much of that is predicted.

    Letters: N neurons.
    """

    fraction_explainable: Float[np.ndarray, "N"]  # FEV, 1 for a neuron without noise
    fraction_explained: Float[np.ndarray, "N"]  # FEVE, of the explainable variance; 1 is perfect
    included: Bool[np.ndarray, "N"]  # whether FEV reaches the threshold

    @property
    def mean(self) -> float:
        """Mean FEVE of the included neurons; NaN where there are none."""
        return float(self.fraction_explained[self.included].mean()) if self.included.any() else float("nan")


@explain_values
def correlation(
    responses: Float[np.ndarray, "B N"], predictions: Float[np.ndarray, "B N"]
) -> Float[np.ndarray, "N"]:
    """Pearson correlation over trials, per neuron; exactly 0 where either is constant.

    Raises DataError for other shapes, no trials, non-finite values.
    """
    _check(responses, predictions)
    first, B = np.stack([responses[:1], predictions[:1]]), len(responses)
    parts = (np.array_split(values, PARTS) for values in (responses, predictions))
    with ThreadPoolExecutor(PARTS) as threads:
        found = np.asarray(sum(threads.map(_moments, *parts, [first] * PARTS)))
    _check_finite(found, responses, predictions)
    theirs, ours, their_squares, our_squares, products = found / B
    deviations = (np.sqrt(their_squares - theirs**2) + EPS) * (np.sqrt(our_squares - ours**2) + EPS)
    return (products - theirs * ours) / deviations


@explain_values
def correlation_to_average(
    responses: Float[np.ndarray, "B N"],
    predictions: Float[np.ndarray, "B N"],
    image_ids: Int[np.ndarray, "B"],
) -> Float[np.ndarray, "N"]:
    """Correlation of averages over the trials of each image; every image counts once.

    Raises DataError as `correlation`.
    """
    _check(responses, predictions, image_ids)
    images = _trials_of_images(image_ids)
    averages = np.empty((2, len(images), responses.shape[1]))
    with np.errstate(invalid="ignore"):
        for values, means in zip((responses, predictions), averages, strict=True):
            for trials, mean in zip(images, means, strict=True):
                _differences(values, trials).mean(axis=0, out=mean)
        return correlation(*averages)


@explain_values
def feve(
    responses: Float[np.ndarray, "B N"],
    predictions: Float[np.ndarray, "B N"],
    image_ids: Int[np.ndarray, "B"],
    threshold: float = THRESHOLD,
) -> ExplainedVariance:
    """Fraction of explainable variance explained: 1 - (error - noise) / (variance - noise).

    Noise is the variance of an image's repeats, averaged over images; variances divide by n - 1, the error by
    n. An image shown only once has no such variance; as in the competition's scorer all neurons then get NaN
    and none is included, so leave such images out. Raises DataError as `correlation`.
    """
    threshold = check_value("threshold", threshold, Number)
    _check(responses, predictions, image_ids)
    (B, N), images = responses.shape, _trials_of_images(image_ids)
    total, squares, noise, error = np.zeros((4, N))
    with np.errstate(invalid="ignore", divide="ignore"):
        for trials in images:
            theirs = _differences(responses, trials)
            total += theirs.sum(axis=0)
            squares += _products(theirs, theirs)
            noise += _variance(theirs) / len(images)
            wrong = np.subtract(responses[trials], predictions[trials], dtype=np.float64)
            error += _products(wrong, wrong) / B
        _check_finite(error, responses, predictions)
        variance = (squares - total**2 / B) / (B - np.float64(1))
        explainable, explained = (variance - noise) / variance, 1 - (error - noise) / (variance - noise)
    return ExplainedVariance(explainable, explained, explainable >= threshold)


def _moments(
    responses: Float[np.ndarray, "B N"],
    predictions: Float[np.ndarray, "B N"],
    first: Float[np.ndarray, "2 1 N"],
) -> Float64[np.ndarray, "5 N"]:
    """Sums of differences from `first`: responses, predictions, the square of each, the product of both."""
    B, N = responses.shape
    step = max(1, CHUNK_SIZE // max(1, N))
    sums, buffer = np.zeros((5, N)), np.empty((2, min(B, step), N))  # reused: new memory is slow at first
    with np.errstate(invalid="ignore"):
        for start in range(0, B, step):
            theirs, ours = block = buffer[:, : B - start]
            theirs[:], ours[:] = responses[start : start + step], predictions[start : start + step]
            block -= first
            sums[0] += theirs.sum(axis=0)
            sums[1] += ours.sum(axis=0)
            sums[2] += _products(theirs, theirs)
            sums[3] += _products(ours, ours)
            sums[4] += _products(theirs, ours)
    return sums


def _trials_of_images(image_ids: Int[np.ndarray, "B"]) -> list[Int[np.ndarray, "R"]]:
    """The trials in which each image was shown, R of them."""
    _, image, repeats = np.unique(image_ids, return_inverse=True, return_counts=True)
    return np.split(np.argsort(image, kind="stable"), np.cumsum(repeats)[:-1])


def _differences(
    values: Float[np.ndarray, "B N"], trials: Int[np.ndarray, "R"]
) -> Float64[np.ndarray, "R N"]:
    """Differences of these trials from the first of all."""
    return np.subtract(values[trials], values[0], dtype=np.float64)


def _products(one: Float64[np.ndarray, "R N"], other: Float64[np.ndarray, "R N"]) -> Float64[np.ndarray, "N"]:
    """Summed over trials."""
    return np.einsum("rn,rn->n", one, other)


def _variance(values: Float64[np.ndarray, "R N"]) -> Float64[np.ndarray, "N"]:
    """Over repeats, divided by R - 1; NaN for one."""
    centred = values - values.mean(axis=0)
    return _products(centred, centred) / (len(values) - np.float64(1))


def _check(responses: np.ndarray, predictions: np.ndarray, image_ids: np.ndarray | None = None) -> None:
    shapes = f"responses {responses.shape}, predictions {predictions.shape}"
    if responses.shape != predictions.shape or responses.ndim != 2:
        raise DataError(f"Shapes differ or are not (trials, neurons): {shapes}.")
    if image_ids is not None and image_ids.shape != responses.shape[:1]:
        raise DataError(f"Every trial needs one image id: {shapes}, image ids {image_ids.shape}.")
    if not len(responses):
        raise DataError(f"There is no trial to score: {shapes}.")


def _check_finite(sums: np.ndarray, *inputs: np.ndarray) -> None:
    """Raises DataError for values that are not finite; reads the inputs only if their sums are not."""
    if not np.isfinite(sums).all() and not all(np.isfinite(values).all() for values in inputs):
        raise DataError("Responses or predictions hold NaN or infinite values; check the inputs.")
