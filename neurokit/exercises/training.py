"""Exercises of lesson 03: what a score compares, what a filter reads, and how two models are compared.

Letters: K trials, T bins, L lags, D draws.
"""

import numpy as np

from neurokit.exercises.checking import Exercise

RATES = np.array([[9.0, 2.0, 4.0, 3.0, 5.0], [8.0, 3.0, 6.0, 4.0, 2.0]])  # K T, Hz; the first bin is ramp
PREDICTED = np.array([[3.0, 2.5, 3.0, 3.5, 4.0], [3.0, 3.0, 4.5, 4.0, 3.5]])
SCORED = np.array([[False, True, True, True, True], [False, True, True, True, False]])
MEAN = 3.0  # Hz, of training trials
PUPIL = np.array([0.0, 1.0, 4.0, 2.0, -1.0, 3.0])  # T
LAGS = np.array([-1, 0, 2])  # bins
ERRORS, OTHER = np.array([1.0, 4.0, 0.5, 9.0]), np.array([1.5, 5.0, 0.4, 12.0])  # K, of two models
DRAWN = np.array([[0, 1, 2, 3], [3, 3, 1, 0], [2, 2, 0, 1], [1, 0, 3, 2], [0, 0, 2, 1]])  # D K
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


def _compared() -> tuple[np.ndarray, ...]:
    """Errors of two models in 12 trials, K each, and 40 draws of them, D K."""
    hard = _random.gamma(2.0, size=12)
    return hard * _random.uniform(0.7, 1.1, 12), hard, _random.integers(0, 12, (40, 12))


def _sums(errors: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    found: np.ndarray = errors[drawn].sum(axis=1)
    return found


def _ends(values: np.ndarray, percent: tuple[float, float] = (2.5, 97.5)) -> np.ndarray:
    return np.percentile(values, percent)


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
                lambda rates, predicted, mean, scored: (
                    1 - ((rates - predicted)[scored] ** 2).sum() / ((rates - mean) ** 2).sum()
                ),
                "the error of the prediction is taken where `scored` is true, but that of the mean in every "
                "bin; take both in the same bins.",
            ),
            (
                lambda rates, predicted, mean, scored: np.mean(
                    [1 - _share(r[s], p[s], mean) for r, p, s in zip(rates, predicted, scored, strict=True)]
                ),
                "that is the mean of one R² for each trial, in which a quiet trial counts as much as a "
                "lively one; add up the errors of all trials first.",
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
    "03.paired_interval": Exercise(
        inputs=((ERRORS, OTHER, DRAWN), _compared()),
        right=lambda errors, other, drawn: _ends(1 - _sums(errors, drawn) / _sums(other, drawn)),
        wrong=(
            (
                lambda errors, other, drawn: _ends(1 - _sums(errors, drawn) / other.sum()),
                "only `errors` is drawn again, and `other` keeps all of its trials: an easy draw then counts "
                "for the model; take the same trials of both.",
            ),
            (
                lambda errors, other, drawn: _ends(1 - _sums(errors, drawn) / _sums(other, drawn[::-1])),
                "the two are drawn apart; take the same trials of both in each draw.",
            ),
            (
                lambda errors, other, drawn: _ends((1 - errors[drawn] / other[drawn]).mean(axis=1)),
                "you average the shares of single trials, in which a trial with hardly any error counts as "
                "much as all others; add the errors up first.",
            ),
            (
                lambda errors, other, drawn: _ends(_sums(errors, drawn) / _sums(other, drawn)),
                "that is the share of the error that is left; what is gone is one minus it.",
            ),
            (
                lambda errors, other, drawn: _ends(1 - _sums(other, drawn) / _sums(errors, drawn)),
                "the quotient is upside down: `other` is the reference, so its error stands below.",
            ),
            (
                lambda errors, other, drawn: _ends(_sums(other, drawn) - _sums(errors, drawn)),
                "that is the difference of the errors; a share divides it by the error of `other`.",
            ),
            (
                lambda errors, other, drawn: _ends(
                    1 - _sums(errors, drawn) / _sums(other, drawn), (5.0, 95.0)
                ),
                "5 % lie outside at each end, so this is a 90 % interval; take 2.5 and 97.5.",
            ),
            (
                lambda errors, other, drawn: 1 - _sums(errors, drawn) / _sums(other, drawn),
                "that is the share in each draw; return two percentiles of it.",
            ),
            (
                lambda errors, other, drawn: _ends(1 - errors[drawn].sum(axis=0) / other[drawn].sum(axis=0)),
                "you add up over the draws; a row of `drawn` is one draw, so add up along the rows.",
            ),
        ),
        praise="Both models meet the same easy and hard trials, so only their difference is left to vary.",
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
