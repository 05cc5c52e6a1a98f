"""Exercises of lesson 01: what one trial says, what all trials share, and what is explainable at all."""

import numpy as np

from neurokit.exercises.checking import Exercise

_random = np.random.default_rng(1)
COUNTS = _random.poisson(0.3, size=(5, 4, 6))  # neurons x trials x bins
CONTRAST = np.array([0.0, 0.5, 1.0, 0.5, 0.0, 1.0, 1.0, 0.5])
RATE = np.array([2.0, 3.5, 4.1, 2.5, 1.0, 5.3, 3.8, 3.0])  # Hz, a number a trial
_shared = _random.normal(size=(6, 5))
PSTH = np.array([2.0, 5.0, 4.0, 3.0, 3.0])  # Hz, in all trials
FIRST, SECOND = (PSTH + _shared + 0.7 * _random.normal(size=(6, 5)) for _ in range(2))  # trials x bins


def _groups(rate: np.ndarray, contrast: np.ndarray) -> list[np.ndarray]:
    return [rate[contrast == level] for level in np.unique(contrast)]


def _means(rate: np.ndarray, contrast: np.ndarray) -> np.ndarray:
    return np.array([group.mean() for group in _groups(rate, contrast)])


def _errors(rate: np.ndarray, contrast: np.ndarray) -> np.ndarray:
    return np.array([group.std(ddof=1) / np.sqrt(len(group)) for group in _groups(rate, contrast)])


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Of two halves about their PSTHs."""
    residuals = [(half - half.mean(axis=0)).ravel() for half in (first, second)]
    return float(np.corrcoef(*residuals)[0, 1])


def _whole(r: float) -> float:
    """Spearman and Brown: from halves to all neurons."""
    return 2 * r / (1 + r)


EXERCISES = {
    "01.silent": Exercise(
        choices=(0.05, 0.28, 0.58, 0.95),
        right=0.58,
        wrong=(
            (0.05, "at three spikes a second 0.4 s hold about one, and about one is often none."),
            (
                0.28,
                "so it would be if every neuron fired at the mean rate; a few fast ones make up much of it.",
            ),
            (0.95, "then the other 5 % would have to fire at some 60 Hz each."),
        ),
        praise="A few fast neurons make the mean; the median neuron fires 1.5 spikes a second.",
    ),
    "01.psth": Exercise(
        inputs=((COUNTS, 0.01), (COUNTS[:, :, :4], 0.02)),
        right=lambda counts, bin_size: counts.mean(axis=(0, 1)) / bin_size,
        wrong=(
            (
                lambda counts, bin_size: counts.mean(axis=(0, 1)),
                "these are spikes per bin; divide by the width of a bin to get spikes per second.",
            ),
            (
                lambda counts, bin_size: counts.mean(axis=(0, 1)) * bin_size,
                "the width of a bin multiplies here; a rate is a count divided by a time.",
            ),
            (
                lambda counts, bin_size: counts.mean(axis=(0, 1)) / (1000 * bin_size),
                "these are spikes per millisecond; the width of a bin is given in seconds, so divide by it.",
            ),
            (
                lambda counts, bin_size: counts.sum(axis=(0, 1)) / bin_size,
                "that adds all neurons and trials up; a rate per neuron is their mean.",
            ),
            (
                lambda counts, bin_size: counts.mean(axis=(0, 2)) / bin_size,
                "that averages over time and leaves a number a trial; a PSTH has a number a bin.",
            ),
            (
                lambda counts, bin_size: counts.mean(axis=1) / bin_size,
                "that is the PSTH of each neuron; average over the neurons of the region, too.",
            ),
        ),
        praise="One number a bin, in spikes per second and neuron, whatever the width of the bins.",
    ),
    "01.share_of_psth": Exercise(
        choices=(0.05, 0.30, 0.70, 0.95),
        right=0.05,
        wrong=(
            (0.30, "look at the size of the bump, half a hertz, and at how far single trials lie apart."),
            (0.70, "that is about what the neurons of a region share in all, PSTH or not."),
            (0.95, "a PSTH looks clean because 250 trials were averaged; a trial is not clean."),
        ),
        praise="What all trials share is a few per cent of what a region does.",
    ),
    "01.explained_share": Exercise(
        inputs=((FIRST, SECOND), (FIRST[:, :3], SECOND[:, :3])),
        right=lambda first, second: _whole(_correlation(first, second)),
        wrong=(
            (
                _correlation,
                "that is the share in half of the neurons; all of them average out more noise: 2r / (1 + r).",
            ),
            (
                lambda first, second: _whole(float(np.corrcoef(first.ravel(), second.ravel())[0, 1])),
                "the PSTH is still inside, which all trials share; take it from each half first.",
            ),
            (
                lambda first, second: _correlation(first, second) ** 2,
                "no square: two noisy halves correlate by the share itself, since each has the noise once.",
            ),
            (
                lambda first, second: float(
                    np.corrcoef(first.mean(axis=1), second.mean(axis=1))[0, 1],
                ),
                "that compares means over time; keep every bin, less its mean over trials.",
            ),
            (
                lambda first, second: _whole(_correlation(first.T, second.T)),
                "the mean over time was taken from each trial; take the mean over trials from each bin.",
            ),
            (
                lambda first, second: _correlation(first, second) / 2,
                "half of the neurons do not have half of the correlation: use 2r / (1 + r).",
            ),
        ),
        praise="Of the variance about the PSTH others repeat this share; the rest is private, or noise.",
    ),
    "01.tuning": Exercise(
        inputs=((RATE, CONTRAST), (RATE[:6], CONTRAST[:6])),
        right=lambda rate, contrast: (_means(rate, contrast), _errors(rate, contrast)),
        wrong=(
            (
                lambda rate, contrast: (
                    _means(rate, contrast),
                    np.array([group.std(ddof=1) for group in _groups(rate, contrast)]),
                ),
                "that is how far single trials lie apart; of their mean divide by the root of their number.",
            ),
            (
                lambda rate, contrast: (
                    _means(rate, contrast),
                    np.array([group.var(ddof=1) / len(group) for group in _groups(rate, contrast)]),
                ),
                "that is the squared error; its root has the unit of the rate.",
            ),
            (
                lambda rate, contrast: (
                    _means(rate, contrast),
                    np.array([group.std() / np.sqrt(len(group)) for group in _groups(rate, contrast)]),
                ),
                "few trials look too much alike: `ddof=1` makes up for the mean that was fitted to them.",
            ),
            (
                lambda rate, contrast: (
                    _means(rate, contrast),
                    np.array([group.std(ddof=1) / np.sqrt(len(rate)) for group in _groups(rate, contrast)]),
                ),
                "that divides by the number of all trials; each contrast has its own.",
            ),
            (
                lambda rate, contrast: (
                    np.array([group.sum() for group in _groups(rate, contrast)]),
                    _errors(rate, contrast),
                ),
                "these are sums, and contrasts that were shown often look strong; take means.",
            ),
        ),
        praise="A point without its error says nothing of whether the next session would look the same.",
    ),
}
