"""Exercises of lesson 03: what a score compares, what a filter reads, and one step downhill.

Letters: K trials, T bins, L lags, N rows, J weights.
"""

import numpy as np

from neurokit.exercises.checking import Exercise

RATES = np.array([[9.0, 2.0, 4.0, 3.0, 5.0], [8.0, 3.0, 6.0, 4.0, 2.0]])  # K T, Hz; the first bin is ramp
PREDICTED = np.array([[3.0, 2.5, 3.0, 3.5, 4.0], [3.0, 3.0, 4.5, 4.0, 3.5]])
SCORED = np.array([[False, True, True, True, True], [False, True, True, True, False]])
MEAN = 3.0  # Hz, of training trials
PUPIL = np.array([0.0, 1.0, 4.0, 2.0, -1.0, 3.0])  # T
LAGS = np.array([-1, 0, 2])  # bins
WEIGHTS = np.array([0.5, -1.0])
INPUTS = np.array([[1.0, 2.0], [0.0, 1.0], [-1.0, 3.0], [2.0, 0.5]])  # N J
LEFT = np.array([0.3, -0.4, 1.0, 2.0])  # N, Hz above the mean
_random = np.random.default_rng(31)
_rates = _random.uniform(1, 9, (3, 6))
_near = _rates + _random.normal(size=(3, 6))
_late = np.arange(6) > np.array([[1], [0], [2]])  # bins that count, others in each trial


def _share(rates: np.ndarray, predicted: np.ndarray, reference: float) -> float:
    return float(((rates - predicted) ** 2).sum() / ((rates - reference) ** 2).sum())


def _lagged(pupil: np.ndarray, lags: np.ndarray) -> np.ndarray:
    source = np.arange(len(pupil))[:, None] - lags
    return pupil[np.clip(source, 0, len(pupil) - 1)]


def _zeros_beyond(pupil: np.ndarray, lags: np.ndarray) -> np.ndarray:
    source = np.arange(len(pupil))[:, None] - lags
    return np.where((source >= 0) & (source < len(pupil)), _lagged(pupil, lags), 0.0)


def _slope(weights: np.ndarray, inputs: np.ndarray, rates: np.ndarray) -> np.ndarray:
    """Of the mean squared error."""
    return 2 * inputs.T @ (inputs @ weights - rates) / len(rates)


EXERCISES = {
    "03.r2": Exercise(
        inputs=((RATES, PREDICTED, MEAN, SCORED), (_rates, _near, 4.2, _late)),
        right=lambda rates, predicted, mean, scored: 1 - _share(rates[scored], predicted[scored], mean),
        wrong=(
            (
                lambda rates, predicted, mean, scored: (
                    1 - _share(rates[scored], predicted[scored], rates[scored].mean())
                ),
                "your reference is the mean of the scored rates themselves, which nobody knew before the "
                "test; use `mean`, the mean of the training trials.",
            ),
            (
                lambda rates, predicted, mean, scored: 1 - _share(rates, predicted, mean),
                "you count every bin, the ramp of the smoothing included; count only those where `scored` is "
                "true.",
            ),
            (
                lambda rates, predicted, mean, scored: _share(rates[scored], predicted[scored], mean),
                "that is the share of the error that is left; R² is one minus it.",
            ),
            (
                lambda rates, predicted, mean, scored: (
                    np.corrcoef(rates[scored], predicted[scored])[0, 1] ** 2
                ),
                "that is the squared correlation, which forgives a prediction of the wrong size or height.",
            ),
            (
                lambda rates, predicted, mean, scored: 1 - _share(rates[scored], predicted[scored], 0.0),
                "your reference is a rate of 0 Hz, which any guess beats; take the training mean.",
            ),
        ),
        praise="It is the share of the mean's squared error that a prediction removes, in the scored bins.",
    ),
    "03.lag_matrix": Exercise(
        inputs=((PUPIL, LAGS), (_random.normal(size=8), np.array([3, -2, 1]))),
        right=_lagged,
        wrong=(
            (
                lambda pupil, lags: _lagged(pupil, -lags),
                "the sign is reversed: a column with a positive lag holds what the pupil did before the bin.",
            ),
            (
                lambda pupil, lags: _lagged(pupil, lags + 1),
                "every column is one bin late: at lag 0 a bin reads its own pupil.",
            ),
            (
                lambda pupil, lags: np.stack([np.roll(pupil, lag) for lag in lags], axis=1),
                "the end of the trial comes back at its start, so the first bins read the future; repeat the "
                "value at the edge.",
            ),
            (
                _zeros_beyond,
                "you put zeros beyond the edges, a pupil that nobody measured; repeat the value at the edge.",
            ),
            (
                lambda pupil, lags: _lagged(pupil, lags).T,
                "rows and columns are exchanged: a row is a bin, and a column is a lag.",
            ),
        ),
        praise="Each column is the trace again, shifted by its lag.",
    ),
    "03.gradient_step": Exercise(
        inputs=(
            (WEIGHTS, INPUTS, LEFT, 0.1),
            (_random.normal(size=2), _random.normal(size=(7, 2)), _random.normal(size=7), 0.3),
        ),
        right=lambda weights, inputs, rates, rate: weights - rate * _slope(weights, inputs, rates),
        wrong=(
            (
                lambda weights, inputs, rates, rate: weights + rate * _slope(weights, inputs, rates),
                "this goes uphill: the gradient points to where the loss grows, so it is subtracted.",
            ),
            (
                lambda weights, inputs, rates, rate: (
                    weights - rate * _slope(weights, inputs, rates) * len(rates)
                ),
                "you add the gradient up over the rows; take its mean, or twice the data would make the step "
                "twice as long.",
            ),
            (
                lambda weights, inputs, rates, rate: weights - rate * _slope(weights, inputs, rates) / 2,
                "the step is half as long as it should be: the derivative of a square has a factor of two.",
            ),
            (
                lambda weights, inputs, rates, rate: weights - _slope(weights, inputs, rates),
                "the learning rate is missing, and a step as long as the gradient overshoots.",
            ),
            (
                lambda weights, inputs, rates, rate: _slope(weights, inputs, rates),
                "that is the gradient; return the weights after the step.",
            ),
        ),
        praise="One step against the mean gradient, as long as the learning rate says.",
    ),
    "03.forgets": Exercise(
        choices=("SCs", "SCm", "LGd", "nowhere"),
        right="LGd",
        wrong=(
            (
                "SCs",
                "its rate runs 0.11 s ahead of the pupil, so the copy that reads backwards has to remember "
                "for only eleven bins.",
            ),
            ("SCm", "its rate follows the eye by 0.20 s, so the state has to remember for only twenty bins."),
            (
                "nowhere",
                "a plain state fades from bin to bin, and one region follows the pupil by fifty bins.",
            ),
        ),
        praise="Half a second is fifty bins, and a state that is rewritten in each of them fades.",
    ),
    "03.wrong_pairing": Exercise(
        choices=("about 0.5", "about 0.25", "about 0", "below 0"),
        right="below 0",
        wrong=(
            (
                "about 0.25",
                "that is the score of the right pairing; another trial's pupil knows nothing of this trial.",
            ),
            (
                "about 0",
                "that is the score of the mean rate, which stays in the middle; this prediction moves up and "
                "down, and at the wrong times.",
            ),
            ("about 0.5", "not even the trial's own pupil could give such a score: the ceiling is near 0.3."),
        ),
        praise="A prediction that moves at the wrong times adds its own variance to the error.",
    ),
}
