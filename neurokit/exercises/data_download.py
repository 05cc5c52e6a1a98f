"""Exercises of lesson 01: what one trial says, what all trials share, what can be explained at all."""

import numpy as np

from neurokit.exercises.checking import Exercise

_random = np.random.default_rng(1)
COUNTS = _random.poisson(0.3, size=(5, 4, 6))  # neurons x trials x bins
CONTRAST = np.array([0.0, 0.5, 1.0, 0.5, 0.0, 1.0, 1.0, 0.5])
RATE = np.array([2.0, 3.5, 4.1, 2.5, 1.0, 5.3, 3.8, 3.0])  # Hz, one number per trial
DRAWN = _random.poisson(0.8, size=(3, 7, 5))
DRAWN_CONTRAST = np.repeat([1.0, 0.25, 0.0, 0.5], 3)
DRAWN_RATE = 3 + DRAWN_CONTRAST + _random.normal(size=12)
PSTH = np.array([2.0, 5.0, 4.0, 3.0, 3.0])  # Hz, in all trials


def _halves(trials: int, steps: int, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Two halves that vary equally about a PSTH of their own, so that all correct formulas agree."""
    shared = _random.normal(size=(trials, steps))
    found = []
    for psth in (PSTH, 1 + 0.6 * PSTH[::-1]):
        residual = shared + noise * _random.normal(size=(trials, steps))
        residual -= residual.mean(axis=0)
        found.append(psth[:steps] + 1.3 * residual / residual.std())
    return found[0], found[1]


HALVES = (_halves(6, 5, 0.7), _halves(7, 3, 1.0), _halves(5, 4, 0.5))


def _groups(rate: np.ndarray, contrast: np.ndarray) -> list[np.ndarray]:
    return [rate[contrast == level] for level in np.unique(contrast)]


def _means(rate: np.ndarray, contrast: np.ndarray) -> np.ndarray:
    return np.array([group.mean() for group in _groups(rate, contrast)])


def _errors(rate: np.ndarray, contrast: np.ndarray) -> np.ndarray:
    return np.array([group.std(ddof=1) / np.sqrt(len(group)) for group in _groups(rate, contrast)])


def _about(first: np.ndarray, second: np.ndarray) -> list[np.ndarray]:
    """What each half does about its own PSTH."""
    return [half - half.mean(axis=0) for half in (first, second)]


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Of two halves about their PSTHs."""
    one, other = _about(first, second)
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def _by_step(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The same in each step."""
    return np.array([np.corrcoef(*pair)[0, 1] for pair in zip(first.T, second.T, strict=True)])


def _about_one(first: np.ndarray, second: np.ndarray) -> float:
    """The correlation of two halves about the PSTH of all."""
    psth = (first + second).mean(axis=0) / 2
    return float(np.corrcoef((first - psth).ravel(), (second - psth).ravel())[0, 1])


def _uneven(first: np.ndarray, second: np.ndarray) -> float:
    """The covariance by n - 1 over the variance by n."""
    one, other = _about(first, second)
    return float(np.cov(one.ravel(), other.ravel())[0, 1] / one.var())


def _uneven_of_all(first: np.ndarray, second: np.ndarray) -> float:
    one, other = _about(first, second)
    return float(np.cov(one.ravel(), other.ravel())[0, 1] / ((one + other) / 2).var())


UNEVEN = "`np.cov` divides by n - 1 and `.var()` by n: give both the same `ddof`."
STEPS = "that is one correlation per step, averaged; put all steps into one correlation with `ravel`."


def _whole(r: float) -> float:
    """Spearman and Brown: from halves to all neurons."""
    return 2 * r / (1 + r)


EXERCISES = {
    "01.silent": Exercise(
        choices=(0.05, 0.28, 0.58, 0.95),
        right=0.58,
        wrong=(
            (
                0.05,
                "at three spikes per second 0.4 s hold about one spike on average, so none at all is common.",
            ),
            (
                0.28,
                "that would hold if every neuron fired at the mean rate; a few fast ones raise that mean.",
            ),
            ("0.58", "that is text; write the number without quotation marks."),
            (0.95, "then the other 5 % would have to fire at some 60 Hz each."),
        ),
        praise="A few fast neurons make the mean; the median neuron fires 1.5 spikes a second.",
    ),
    "01.psth": Exercise(
        inputs=((COUNTS, 0.01), (COUNTS[:, :, :4], 0.02), (DRAWN, 0.05)),
        right=lambda counts, bin_size: counts.mean(axis=(0, 1)) / bin_size,
        wrong=(
            (
                lambda counts, bin_size: counts.mean(axis=(0, 1)),
                "these are spikes per bin; divide by the width of a bin to get spikes per second.",
            ),
            (
                lambda counts, bin_size: counts.mean(axis=(0, 1)) * bin_size,
                "this multiplies by the width of a bin; a rate is a count divided by a time.",
            ),
            (
                lambda counts, bin_size: counts.mean(axis=(0, 1)) * 100,
                "the factor 100 holds for bins of 10 ms only; divide by `bin_size`, whatever it is.",
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
                lambda counts, bin_size: counts.mean(axis=1).sum(axis=0) / bin_size,
                "that adds the neurons up; a rate per neuron is their mean.",
            ),
            (
                lambda counts, bin_size: counts.mean(axis=0).sum(axis=0) / bin_size,
                "that adds the trials up; a PSTH is their mean.",
            ),
            (
                lambda counts, bin_size: counts.mean(axis=(0, 2)) / bin_size,
                "that averages over time and leaves one number per trial; a PSTH has one number per bin.",
            ),
            (
                lambda counts, bin_size: counts.mean(axis=1) / bin_size,
                "that is the PSTH of each neuron; average over the neurons of the region, too.",
            ),
        ),
        praise="One number per bin, in spikes per second and neuron, whatever the width of the bins.",
    ),
    "01.share_of_psth": Exercise(
        choices=(0.05, 0.30, 0.70, 0.95),
        right=0.05,
        wrong=(
            (0.30, "compare the size of the bump, under a hertz, with how much single trials differ."),
            (0.70, "that is about what the neurons of a region share in total, far beyond the PSTH."),
            ("0.05", "that is text; write the number without quotation marks."),
            (0.95, "a PSTH looks clean because 250 trials were averaged; a trial is not clean."),
        ),
        praise="What all trials have in common is a few per cent of what a region does.",
    ),
    "01.explained_share": Exercise(
        inputs=HALVES,
        right=lambda first, second: _whole(_correlation(first, second)),
        wrong=(
            (
                _correlation,
                "that is the share in half of the neurons; the mean of all holds half of the noise: "
                "with S = r and N = 1 - r, what is S / (S + N / 2)?",
            ),
            (
                lambda first, second: _whole(float(np.corrcoef(first.ravel(), second.ravel())[0, 1])),
                "the PSTH is still inside, and all trials share it; subtract it from each half first.",
            ),
            (
                lambda first, second: _correlation(first, second) ** 2,
                "do not square: the correlation of two noisy halves is the share itself.",
            ),
            (
                lambda first, second: float(
                    np.corrcoef(first.mean(axis=1), second.mean(axis=1))[0, 1],
                ),
                "that compares means over time; keep every step, minus its mean over trials.",
            ),
            (
                lambda first, second: _whole(_correlation(first.T, second.T)),
                "you subtracted each trial's mean over time; subtract each step's mean over trials.",
            ),
            (
                lambda first, second: _correlation(first, second) / 2,
                "the noise is halved, not the share: with S = r and N = 1 - r, what is S / (S + N / 2)?",
            ),
            (
                lambda first, second: _whole(_about_one(first, second)),
                "you subtracted one PSTH from both halves; each half has a PSTH of its own.",
            ),
            (lambda first, second: _whole(_uneven(first, second)), UNEVEN),
            (_uneven_of_all, UNEVEN),
            (lambda first, second: _whole(float(_by_step(first, second).mean())), STEPS),
            (
                lambda first, second: (2 * _by_step(first, second) / (1 + _by_step(first, second))).mean(),
                STEPS,
            ),
        ),
        praise="The share is 2r / (1 + r), the formula of Spearman and Brown. The rest is private, or noise.",
    ),
    "01.tuning": Exercise(
        inputs=((RATE, CONTRAST), (RATE[:6], CONTRAST[:6]), (DRAWN_RATE, DRAWN_CONTRAST)),
        right=lambda rate, contrast: (_means(rate, contrast), _errors(rate, contrast)),
        wrong=(
            (
                lambda rate, contrast: (
                    _means(rate, contrast),
                    np.array([group.std(ddof=1) for group in _groups(rate, contrast)]),
                ),
                "that is the spread of single trials; divide it by the root of their number.",
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
                "that is too small for few trials: `ddof=1` corrects for the mean that was fitted to them.",
            ),
            (
                lambda rate, contrast: (
                    _means(rate, contrast),
                    np.array([group.std(ddof=1) / np.sqrt(len(rate)) for group in _groups(rate, contrast)]),
                ),
                "that divides by the number of all trials; each contrast has its own number.",
            ),
            (
                lambda rate, contrast: (
                    _means(rate, contrast),
                    np.array([group.std(ddof=1) / len(group) for group in _groups(rate, contrast)]),
                ),
                "that divides by the number of trials; the error of a mean falls with the root of it.",
            ),
            (
                lambda rate, contrast: (
                    _means(rate, contrast),
                    np.array([rate.std(ddof=1) / np.sqrt(len(group)) for group in _groups(rate, contrast)]),
                ),
                "that uses one spread for all trials together, which holds the response to contrast; "
                "each contrast has its own.",
            ),
            (
                lambda rate, contrast: (_errors(rate, contrast), _means(rate, contrast)),
                "the two are swapped: return the means first, then their errors.",
            ),
            (
                lambda rate, contrast: (
                    np.array([group.sum() for group in _groups(rate, contrast)]),
                    _errors(rate, contrast),
                ),
                "these are sums, so contrasts that were shown often look strong; take means.",
            ),
        ),
        praise="Only with its error does a point say whether the next session may look the same.",
    ),
}
