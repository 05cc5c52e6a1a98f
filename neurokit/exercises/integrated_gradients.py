"""Exercises of lesson 05: what a gradient misses, what integrated gradients add up, what completeness proves.

Letters: S steps, K trials, T bins, C channels, L lags.
"""

import numpy as np

from neurokit.exercises.checking import Exercise

TRIAL = np.array([[2.0, 1.0], [0.5, -1.0], [3.0, 0.0]])  # T C
BASELINE = np.array([[1.0, 1.0], [0.0, 1.0], [-1.0, 2.0]])
ALONG = np.array(  # S T C, gradients at four points between baseline and trial
    [
        [[4.0, 1.0], [2.0, 0.5], [1.0, 3.0]],
        [[3.0, 1.5], [2.0, 1.0], [2.0, 1.0]],
        [[1.0, 2.5], [4.0, 1.5], [1.5, 0.5]],
        [[0.0, 3.0], [6.0, 2.0], [0.5, 0.0]],
    ]
)
TRACES = np.arange(24.0).reshape(4, 3, 2) ** 1.5  # K T C
TRAINING = np.array([0, 3])
_random = np.random.default_rng(51)
ATTRIBUTION = np.array(  # T C, of the rate in bin 3
    [[0.1, -0.2], [0.4, 0.3], [-0.9, 0.6], [0.5, -0.7], [0.2, 0.05], [-0.3, 0.15], [0.25, -0.35]]
)
LAGS = np.array([-2, -1, 0, 1, 2])  # bins; positive: the input came first

EXERCISES = {
    "05.saturated": Exercise(
        choices=("all of it", "about half of it", "next to nothing", "more than all of it"),
        right="next to nothing",
        wrong=(
            ("all of it", "that is what contrast did; the gradient says what a little more of it would do."),
            ("about half of it", "the curve is flat at full contrast, and its slope there is the gradient."),
            (
                "more than all of it",
                "that would take a curve that is steepest at full contrast, and this one is flat there.",
            ),
        ),
        praise="The rate is at its ceiling: more contrast changes nothing, though contrast did it all.",
    ),
    "05.integrate": Exercise(
        inputs=(
            (ALONG, TRIAL, BASELINE),
            tuple(_random.normal(size=of) for of in ((5, 4, 2), (4, 2), (4, 2))),
        ),
        right=lambda gradients, trial, baseline: (trial - baseline) * gradients.mean(axis=0),
        wrong=(
            (
                lambda gradients, trial, baseline: gradients.mean(axis=0),
                "that is the mean slope; it is not yet multiplied by how far the input moved.",
            ),
            (
                lambda gradients, trial, baseline: trial * gradients.mean(axis=0),
                "that is the way from zero; an input moves from the baseline to the trial.",
            ),
            (
                lambda gradients, trial, baseline: (trial - baseline) * gradients[-1],
                "that is the gradient at the trial alone, which a saturated unit hides; take all steps.",
            ),
            (
                lambda gradients, trial, baseline: (trial - baseline) * gradients.sum(axis=0),
                "you add the steps up, but each stands for only one S-th of the way: take their mean.",
            ),
            (
                lambda gradients, trial, baseline: (baseline - trial) * gradients.mean(axis=0),
                "the sign is reversed: the way goes from the baseline to the trial.",
            ),
            (
                lambda gradients, trial, baseline: ((trial - baseline) * gradients.mean(axis=0)).sum(),
                "that is the sum of all attributions; return one for each input, bins × channels.",
            ),
        ),
        praise="Mean slope times distance, for each input on its own; their sum is the change of the rate.",
    ),
    "05.baseline": Exercise(
        inputs=((TRACES, TRAINING), (_random.normal(size=(5, 4, 3)), np.array([4, 1, 2]))),
        right=lambda inputs, training: inputs[training].mean(axis=0),
        wrong=(
            (
                lambda inputs, training: inputs.mean(axis=0),
                "the test trials are in this mean; no trial should help to make its own baseline.",
            ),
            (
                lambda inputs, training: inputs[training].mean(axis=(0, 1)),
                "that is one number for each channel, without the time course that all trials share.",
            ),
            (
                lambda inputs, training: inputs[training].mean(axis=1),
                "that is the mean over bins; take it over trials, so that bins × channels are left.",
            ),
            (
                lambda inputs, training: np.zeros(inputs.shape[1:]),
                "that is a pupil which never moves; the question was what differs from the mean trace.",
            ),
            (
                lambda inputs, training: inputs[training[0]],
                "that is a single trial; whatever is odd about it would be explained in all others.",
            ),
        ),
        praise="A trace for each channel: what is left to explain is what is special about a trial.",
    ),
    "05.at_lags": Exercise(
        inputs=((ATTRIBUTION, 3, LAGS), (_random.normal(size=(9, 3)), 5, np.array([-3, -1, 0, 2, 3]))),
        right=lambda attribution, bin, lags: np.abs(attribution[bin - lags]),
        wrong=(
            (
                lambda attribution, bin, lags: np.abs(attribution[bin + lags]),
                "time runs backwards: an input that came first lies in a bin *before* the rate's.",
            ),
            (
                lambda attribution, bin, lags: attribution[bin - lags],
                "over many trials, positive and negative values would cancel; take the size of each.",
            ),
            (
                lambda attribution, bin, lags: np.abs(attribution[bin - lags]).mean(axis=1),
                "the channels are mixed; return L numbers for each of them.",
            ),
            (
                lambda attribution, bin, lags: np.abs(attribution[lags]),
                "these are the first and the last bins of the trial; a lag counts from the rate's own bin.",
            ),
        ),
        praise="A lag counts back from the bin whose rate is explained, so one profile holds all bins.",
    ),
    "05.complete_too": Exercise(
        choices=("the trained one's", "the random one's", "both", "neither"),
        right="both",
        wrong=(
            ("the trained one's", "completeness is a fact of calculus and holds for any weights."),
            ("the random one's", "completeness is a fact of calculus and holds for any weights."),
            ("neither", "for both, the slopes along a line add up to the change between its ends."),
        ),
        praise="A sum that comes out proves that the sum was done well, and nothing about the brain.",
    ),
}
