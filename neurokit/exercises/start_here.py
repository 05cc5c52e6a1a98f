"""Exercises of lesson 00: how spikes scatter, what a cell prefers, what a perfect model can score."""

import numpy as np

from neurokit.exercises.checking import Exercise

COUNTS = np.array([[1, 9, 4, 0], [2, 3, 8, 1], [0, 5, 7, 1]])  # showings x directions
ANGLES = np.array([0, 90, 180, 270])
_random = np.random.default_rng(20)
DRAWN = _random.poisson(np.array([2, 3, 2, 5, 11, 4]), size=(4, 6))
TURNED = np.array([30, 330, 210, 90, 270, 150])
EIGHT = np.arange(0, 360, 45)
LUCKY = np.array(  # the mean is largest at 90 degrees, the median at 180, and the centre lies near 135
    [
        [1, 0, 0, 5, 6, 7, 1, 0],
        [0, 1, 1, 6, 7, 8, 0, 1],
        [1, 0, 36, 5, 5, 0, 1, 0],
        [0, 2, 1, 5, 6, 0, 2, 1],
        [2, 1, 0, 6, 6, 0, 0, 0],
    ]
)


def _showings(showings: int, frames: int) -> np.ndarray:
    """Counts of one cell that is shown the same frames several times."""
    counts: np.ndarray = _random.poisson(_random.gamma(2.0, 2.0, frames), size=(showings, frames))
    return counts


SHOWN = (_showings(6, 9), _showings(8, 5), _showings(4, 12))


def _nearest_to_centre(counts: np.ndarray, angles: np.ndarray) -> np.integer:
    """The direction that lies nearest to the sum of the means as arrows."""
    turns = np.exp(1j * np.deg2rad(angles))
    centre = counts.mean(axis=0) @ turns
    nearest: np.integer = angles[(turns * np.conj(centre)).real.argmax()]
    return nearest


def _between(first: np.ndarray, second: np.ndarray) -> float:
    """Correlation of the mean over some showings with the mean over others."""
    return float(np.corrcoef(first.mean(axis=0), second.mean(axis=0))[0, 1])


def _halves(counts: np.ndarray) -> float:
    return _between(counts[::2], counts[1::2])


def _of_all(r: float) -> float:
    """Share of the variance that repeats, from the means of halves to the mean of all showings."""
    return 2 * r / (1 + r)


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
        inputs=((COUNTS, ANGLES), (COUNTS[:, ::-1].copy(), ANGLES), (DRAWN, TURNED), (LUCKY, EIGHT)),
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
            (
                lambda counts, angles: angles[np.median(counts, axis=0).argmax()],
                "that goes by the median, which ignores a showing with many spikes; take the mean.",
            ),
            (
                lambda counts, angles: angles[
                    np.bincount(counts.argmax(axis=1), minlength=len(angles)).argmax()
                ],
                "that lets each showing vote for its largest count and forgets by how much it was larger; "
                "average the counts first.",
            ),
            (
                _nearest_to_centre,
                "that is the direction nearest to the sum of all responses as arrows, another measure; "
                "here the largest mean count is wanted.",
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
    "00.ceiling": Exercise(
        inputs=tuple((counts,) for counts in SHOWN),
        right=lambda counts: np.sqrt(_of_all(_halves(counts))),
        wrong=(
            (
                _halves,
                "that is r itself: how well one noisy half predicts the other; put it into the formula.",
            ),
            (
                lambda counts: _of_all(_halves(counts)),
                "that is the share of the variance that repeats; a correlation is its square root.",
            ),
            (
                lambda counts: np.sqrt(_halves(counts)),
                "that is the ceiling for the mean of half of the showings; all of them hold less noise.",
            ),
            (
                lambda counts: np.sqrt(
                    _of_all(_between(counts[: len(counts) // 2], counts[len(counts) // 2 :]))
                ),
                "these are the first and the second half of the showings, which differ if the cell tires; "
                "take every other showing.",
            ),
            (
                lambda counts: np.sqrt(_of_all(_between(counts[:1], counts[1:2]))),
                "these are two single showings; average all even and all odd ones.",
            ),
            (
                lambda counts: np.sqrt(_of_all(_between(counts[:, ::2].T, counts[:, 1::2].T))),
                "that takes every other frame; showings are axis 0.",
            ),
            (
                lambda counts: np.sqrt(
                    _of_all(float(np.corrcoef(counts[::2].ravel(), counts[1::2].ravel())[0, 1]))
                ),
                "that correlates single showings; average each half over its showings first.",
            ),
        ),
        praise="Noise differs between the two means and the response does not, so no rate has to be known.",
    ),
}
