"""Exercises of lesson 02: how a lid moves, what a boxcar mixes, what trials share, what passes a split."""

import numpy as np

from neurokit.exercises.checking import Exercise

AREA = np.array([8.0, 8.1, 7.9, 4.5, 0.5, 0.3, 0.4, 3.0, 7.6, 8.0, 7.0, 6.0, 5.0, 4.2, 3.7, 3.5])
LEVEL = np.full(16, 7.6)
SPIKES = np.array([0.0, 0.0, 3.0, 0.0, 1.0, 0.0, 0.0, 2.0, 0.0])
STARTS = np.array([0.0, 2.0, 5.0, 7.0, 9.5, 13.0, 15.0, 18.0])
TEST = np.array([2, 6])
TRAIN = np.array([0, 1, 3, 4, 5, 7])
LENGTH = 2.5


def _change(area: np.ndarray, lag: int) -> np.ndarray:
    return area[lag:] - area[:-lag]


def _sums(counts: np.ndarray, width: int) -> np.ndarray:
    return np.convolve(counts, np.ones(width))


def _nearest(train: np.ndarray, test: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Time from each training trial to the nearest test trial."""
    distance: np.ndarray = np.abs(starts[train][:, None] - starts[test]).min(axis=1)
    return distance


EXERCISES = {
    "02.jumps": Exercise(
        inputs=((AREA, LEVEL, 2), (AREA[::-1].copy(), LEVEL, 3)),
        right=lambda area, level, lag: np.abs(_change(area, lag)) > level[lag:] / 2,
        wrong=(
            (
                lambda area, level, lag: _change(area, lag) < -level[lag:] / 2,
                "that finds the lid when it closes; it opens as fast, so a rise counts too.",
            ),
            (
                lambda area, level, lag: _change(area, lag) > level[lag:] / 2,
                "that finds the lid when it opens; it closes as fast, so a fall counts too.",
            ),
            (
                lambda area, level, lag: area[lag:] < level[lag:] / 2,
                "that asks how low the area is, not how fast it changed; a pupil may narrow slowly.",
            ),
            (
                lambda area, level, lag: np.abs(np.diff(area))[lag - 1 :] > level[lag:] / 2,
                "that is the change over one bin; a lid takes a few, so compare with `lag` bins before.",
            ),
            (
                lambda area, level, lag: np.abs(_change(area, lag)) > area[:-lag] / 2,
                "the change is compared with the area before it; after a closed eye that is next to nothing.",
            ),
            (
                lambda area, level, lag: np.abs(_change(area, lag)) > level[lag:],
                "the whole level is asked of the change; half of it is enough.",
            ),
        ),
        praise="A blink begins with a fall and ends with a rise that no pupil can make.",
    ),
    "02.boxcar": Exercise(
        inputs=((SPIKES, 3), (SPIKES, 4)),
        right=lambda counts, width: _sums(counts, width)[: len(counts)] / width,
        wrong=(
            (
                lambda counts, width: np.convolve(counts, np.ones(width) / width, "same"),
                "that is centred: a spike changes bins before it, which is a look into the future.",
            ),
            (
                lambda counts, width: np.convolve(counts, np.ones(width) / width, "valid"),
                "that leaves the first bins out; keep the length, with zeros before the first bin.",
            ),
            (
                lambda counts, width: _sums(counts, width)[width - 1 :] / width,
                "that is cut at the start, so each bin is the mean of itself and later ones.",
            ),
            (
                lambda counts, width: _sums(counts, width)[: len(counts)],
                "that is the sum; a mean is divided by the width.",
            ),
            (
                lambda counts, width: (
                    _sums(counts, width)[: len(counts)] / np.minimum(np.arange(len(counts)) + 1, width)
                ),
                "that divides by the bins there are, which has no ramp but is noisier at the start; "
                "PupilEncoder divides by the width.",
            ),
        ),
        praise="One spike moves its own bin and later ones, and the first bins come out too low: the ramp.",
    ),
    "02.may_stay": Exercise(
        inputs=((TRAIN, TEST, STARTS, LENGTH),),
        right=lambda train, test, starts, length: train[_nearest(train, test, starts) >= length],
        wrong=(
            (
                lambda train, test, starts, length: train[~np.isin(train, [*(test - 1), *(test + 1)])],
                "these are all that are no direct neighbours of a test trial; a neighbour that is far away "
                "in time may stay.",
            ),
            (
                lambda train, test, starts, length: train[_nearest(train, test, starts) < length],
                "these are the ones that have to go.",
            ),
            (
                lambda train, test, starts, length: _nearest(train, test, starts) >= length,
                "that is a mask; return the positions of the trials that it leaves.",
            ),
            (
                lambda train, test, starts, length: train[_nearest(train, test, starts) >= length / 2],
                "a trial lasts for `length`, not half of it to each side of its start.",
            ),
            (
                lambda train, test, starts, length: train[
                    np.array([(start >= starts[test] + length).any() for start in starts[train]])
                ],
                "a trial must be clear of every test trial, not of one, and those before it count too.",
            ),
        ),
        praise="What counts is the time between them, not the number: some neighbours stay, others go.",
    ),
    "02.blind": Exercise(
        choices=(0, 0.1, 0.5, 0.9),
        right=0.9,
        wrong=(
            (
                0,
                "no count can be predicted, but two smoothed neighbours are means of nearly the same counts.",
            ),
            (0.1, "one count of ten is new; how many do the two bins share?"),
            (0.5, "bins that lie five apart share half of their counts; direct neighbours share more."),
        ),
        praise="Nine of ten counts are the same, so noise that knows nothing scores 0.9.",
    ),
    "02.drift": Exercise(
        choices=("random", "blocked", "both", "neither"),
        right="random",
        wrong=(
            (
                "blocked",
                "in a block the nearest training trial is up to 25 away, longer than the drift's memory.",
            ),
            ("both", "neighbours tell the drift only while they are near, and in a block most are not."),
            (
                "neither",
                "the drift is slow, so a training trial right beside a test trial has nearly its rate.",
            ),
        ),
        praise="Between its neighbours a trial's drift is known; inside a block it has to be guessed.",
    ),
}
