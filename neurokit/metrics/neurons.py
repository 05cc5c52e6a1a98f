"""Scores of single neurons whose responses to images are predicted, as SENSORIUM 2022 counts them.

The definitions, eps included, are those of the competition's scorer (Willeke et al., "The Sensorium
competition on predicting large-scale mouse primary visual cortex activity", 2022; fraction of
explainable variance explained after Cadena et al., PLoS Computational Biology 2019). Sums are
float64: in float32 the rounding of an average is as large as eps, and a constant prediction of
unevenly repeated images is then credited with a correlation.

Letters: B trials, N neurons, I images.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from neurokit.errors import DataError
from neurokit.metrics.rates import centred

EPS = 1e-8  # added to each standard deviation
THRESHOLD = 0.15  # of the explainable fraction, below which a neuron is not counted


@dataclass(frozen=True)
class Explained:
    """What of a neuron's variance repeats with the image, and how much of that is predicted.

    Letters: N neurons.
    """

    fraction_explainable: Float[np.ndarray, "N"]  # FEV, 1 for a neuron without noise
    fraction_explained: Float[np.ndarray, "N"]  # FEVE, of the explainable variance; 1 is perfect
    kept: Bool[np.ndarray, "N"]  # whether FEV reaches the threshold

    @property
    def mean(self) -> float:
        """Mean FEVE of the kept neurons; NaN where none is kept."""
        return float(self.fraction_explained[self.kept].mean()) if self.kept.any() else float("nan")


def correlation(
    responses: Float[np.ndarray, "B N"], predictions: Float[np.ndarray, "B N"]
) -> Float[np.ndarray, "N"]:
    """Pearson correlation over trials, per neuron; exactly 0 where either is constant.

    Raises DataError for other shapes, no trials, non-finite values.
    """
    _check(responses, predictions)
    ours, theirs = _centred(predictions), _centred(responses)
    return (ours * theirs).mean(axis=0) / ((ours.std(axis=0) + EPS) * (theirs.std(axis=0) + EPS))


def correlation_to_average(
    responses: Float[np.ndarray, "B N"],
    predictions: Float[np.ndarray, "B N"],
    image_ids: Int[np.ndarray, "B"],
) -> Float[np.ndarray, "N"]:
    """Correlation over images of the averages over each image's trials; every image counts once.

    Raises DataError as `correlation`.
    """
    _check(responses, predictions, image_ids)
    # A column that is constant over trials is 0 before averaging, so that no rounding remains of it.
    averages = (_image_means(_centred(values), image_ids)[0] for values in (responses, predictions))
    return correlation(*averages)


def feve(
    responses: Float[np.ndarray, "B N"],
    predictions: Float[np.ndarray, "B N"],
    image_ids: Int[np.ndarray, "B"],
    threshold: float = THRESHOLD,
) -> Explained:
    """Fraction of explainable variance explained: 1 - (error - noise) / (variance - noise).

    Noise is the variance of an image's repeats, averaged over images; variances divide by n - 1,
    the error by n. One image shown only once has no such variance, and as in the competition's
    scorer all neurons then get NaN and none is kept: leave such images out before. Raises DataError
    as `correlation`.
    """
    _check(responses, predictions, image_ids)
    theirs = _centred(responses)
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = (theirs**2).sum(axis=0) / (len(theirs) - np.float64(1))
        noise = _noise(theirs, image_ids)
        error = ((responses.astype(np.float64) - predictions) ** 2).mean(axis=0)
        explainable, explained = (variance - noise) / variance, 1 - (error - noise) / (variance - noise)
    return Explained(explainable, explained, explainable >= threshold)


def _noise(responses: Float[np.ndarray, "B N"], image_ids: Int[np.ndarray, "B"]) -> Float[np.ndarray, "N"]:
    """Variance within an image, averaged over images; NaN where an image has one trial only."""
    means, image, trials = _image_means(responses, image_ids)
    squares = _image_means((responses - means[image]) ** 2, image_ids)[0]
    return (squares * (trials / (trials - 1))[:, None]).mean(axis=0)


def _image_means(
    values: Float[np.ndarray, "B N"], image_ids: Int[np.ndarray, "B"]
) -> tuple[Float[np.ndarray, "I N"], Int[np.ndarray, "B"], Int[np.ndarray, "I"]]:
    """Means over each image's trials, the row of each trial's image, and the images' trial counts."""
    _, image, trials = np.unique(image_ids, return_inverse=True, return_counts=True)
    starts = np.cumsum(trials) - trials
    sums = np.add.reduceat(values[np.argsort(image, kind="stable")], starts, axis=0)
    return sums / trials[:, None], image, trials


def _centred(values: Float[np.ndarray, "B N"]) -> Float[np.ndarray, "B N"]:
    return centred(values.astype(np.float64))


def _check(responses: np.ndarray, predictions: np.ndarray, image_ids: np.ndarray | None = None) -> None:
    shapes = f"responses {responses.shape}, predictions {predictions.shape}"
    if responses.shape != predictions.shape or responses.ndim != 2:
        raise DataError(f"Shapes differ or are not (trials, neurons): {shapes}.")
    if image_ids is not None and image_ids.shape != responses.shape[:1]:
        raise DataError(f"Every trial needs one image id: {shapes}, image ids {image_ids.shape}.")
    if not len(responses):
        raise DataError(f"There is no trial to score: {shapes}.")
    if not np.isfinite(responses).all() or not np.isfinite(predictions).all():
        raise DataError("Responses or predictions hold NaN or infinite values; look at the inputs.")
