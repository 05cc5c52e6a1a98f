"""Exercises of lesson 00: how spikes scatter, what a cell prefers, what a perfect model scores."""

import numpy as np

from neurokit.exercises.checking import Exercise

COUNTS = np.array([[1, 9, 4, 0], [2, 3, 8, 1], [0, 5, 7, 1]])  # showings x directions
ANGLES = np.array([0, 90, 180, 270])
_random = np.random.default_rng(20)
DRAWN = _random.poisson(np.array([2, 3, 2, 5, 11, 4]), size=(4, 6))
TURNED = np.array([30, 330, 210, 90, 270, 150])

EXERCISES = {
    "00.spread": Exercise(
        choices=(0, 4, 9, 17),
        right=4,
        wrong=(
            (0, "the rate is the same each time, but the spikes are drawn anew, so their number varies."),
            (
                9,
                "that is half of the mean; a Poisson count has the mean as its variance, so take the root.",
            ),
            (17, "that is the variance of such a count; the standard deviation is its square root."),
        ),
        praise="The variance equals the mean, 17 or so, and its root is about 4.",
    ),
    "00.preferred": Exercise(
        inputs=((COUNTS, ANGLES), (COUNTS[:, ::-1].copy(), ANGLES), (DRAWN, TURNED)),
        right=lambda counts, angles: angles[counts.mean(axis=0).argmax()],
        wrong=(
            (
                lambda counts, angles: counts.mean(axis=0).argmax(),
                "that is the position of the largest mean; `angles` at this position is the direction.",
            ),
            (
                lambda counts, angles: counts.mean(axis=0).max(),
                "that is the largest mean count; the direction where it occurs is wanted.",
            ),
            (
                lambda counts, angles: angles[counts.mean(axis=1).argmax()],
                "that averages over directions; showings are axis 0.",
            ),
            (
                lambda counts, angles: angles[counts.max(axis=0).argmax()],
                "that goes by the largest single count, which may be luck; average over the showings first.",
            ),
            (
                lambda counts, angles: angles[counts.mean(axis=0).argmin()],
                "that is the direction with the smallest mean count.",
            ),
        ),
        praise="Single counts scatter; their mean over showings tells which direction the cell prefers.",
    ),
    "00.perfect": Exercise(
        choices=(0.2, 0.5, 0.8, 1),
        right=0.5,
        wrong=(
            (0.2, "noise is large, but one second of the eight stands out clearly, and the model knows it."),
            ("0.5", "that is text; write the number without quotation marks."),
            (
                0.8,
                "in a thirtieth of a second the best rate means 0.6 spikes; what is recorded is 0, 1 or 2.",
            ),
            (1, "the model is perfect, but the spikes are drawn at random around the rate that it knows."),
        ),
        praise="A perfect model knows the rate and cannot know the spikes: noise sets the ceiling.",
    ),
}
