"""Exercises of lesson 02: how a lid moves, what a boxcar mixes, what trials share, what passes a split."""

import numpy as np

from neurokit.exercises.checking import Exercise

AREA = np.array([8.0, 8.1, 7.9, 4.5, 0.5, 0.3, 0.4, 3.0, 7.6, 8.0, 7.0, 6.0, 5.0, 4.2, 3.7, 3.5])
LEVEL = np.linspace(7.8, 6.0, 16)
SPIKES = np.array([0.0, 0.0, 3.0, 0.0, 1.0, 0.0, 0.0, 2.0, 0.0])
STARTS = np.array([0.0, 2.0, 5.0, 7.0, 9.5, 13.0, 15.0, 18.0])
TEST = np.array([2, 6])
TRAIN = np.array([0, 1, 3, 4, 5, 7])
LENGTH = 2.5
TOUCHING = np.array([0.0, 2.5, 5.0, 6.0, 9.0, 12.0, 13.0, 15.0])  # some begin as another ends
_random = np.random.default_rng(2)
DRAWN_AREA = np.repeat([6.0, 1.0, 6.5, 2.5, 7.0], (5, 3, 6, 4, 4)) + 0.3 * _random.normal(size=22)
DRAWN_LEVEL = 6 + 0.5 * _random.normal(size=22)
STEEP_LEVEL = np.tile([3.0, 4.0, 6.0, 9.0, 13.0, 10.0, 7.0, 5.0], 3)  # changes much within a lag
STEEP_AREA = STEEP_LEVEL * _random.uniform(0.2, 1.0, size=24)
DRAWN_SPIKES = _random.poisson(0.7, size=14).astype(float)
DRAWN_STARTS = np.cumsum(_random.uniform(1.0, 3.0, size=12))


def _change(area: np.ndarray, lag: int) -> np.ndarray:
    return area[lag:] - area[:-lag]


def _sums(counts: np.ndarray, width: int) -> np.ndarray:
    return np.convolve(counts, np.ones(width))


def _nearest(train: np.ndarray, test: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Time from each training trial to the nearest test trial."""
    distance: np.ndarray = np.abs(starts[train][:, None] - starts[test]).min(axis=1)
    return distance


def _follows(late: np.ndarray, early: np.ndarray, length: float) -> np.ndarray:
    """Whether a trial begins while the other one lasts."""
    inside: np.ndarray = (late > early) & (late - early < length)
    return inside


EXERCISES = {
    "02.jumps": Exercise(
        inputs=(
            (AREA, LEVEL, 2),
            (AREA[::-1].copy(), LEVEL, 3),
            (DRAWN_AREA, DRAWN_LEVEL, 4),
            (STEEP_AREA, STEEP_LEVEL, 2),
        ),
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
                "that looks at how low the area is, not at how fast it changed; a pupil may narrow slowly.",
            ),
            (
                lambda area, level, lag: np.abs(np.diff(area))[lag - 1 :] > level[lag:] / 2,
                "that is the change over one bin; a lid takes several, so compare with `lag` bins before.",
            ),
            (
                lambda area, level, lag: np.abs(_change(area, lag)) > area[:-lag] / 2,
                "this compares with the area before, which is nearly zero in a closed eye; use `level`.",
            ),
            (
                lambda area, level, lag: np.abs(_change(area, lag)) > level[lag:],
                "this asks for a change by the whole level; half of it is enough.",
            ),
            (
                lambda area, level, lag: np.abs(_change(area, lag)) > level[:-lag] / 2,
                "that is the level `lag` bins before; compare with the level at the bin itself.",
            ),
            (
                lambda area, level, lag: np.abs(_change(area, lag)) > level[lag - 1 : -1] / 2,
                "that is the level one bin before; compare with the level at the bin itself.",
            ),
            *(
                (
                    lambda area, level, lag, of=of: np.abs(_change(area, lag)) > of(level) / 2,
                    "that is one level for the whole trial; the pupil changes, so use the level at each bin.",
                )
                for of in (np.median, np.mean, np.max, lambda level: level[0])
            ),
        ),
        praise="A blink begins with a fall and ends with a rise that no pupil can make.",
    ),
    "02.boxcar": Exercise(
        inputs=((SPIKES, 3), (SPIKES, 4), (DRAWN_SPIKES, 5)),
        right=lambda counts, width: _sums(counts, width)[: len(counts)] / width,
        wrong=(
            (
                lambda counts, width: np.convolve(counts, np.ones(width) / width, "same"),
                "that is centred: a spike changes bins before it, which is a look into the future.",
            ),
            (
                lambda counts, width: np.convolve(counts, np.ones(width) / width, "valid"),
                "that leaves out the first bins; keep the length, with zeros before the first bin.",
            ),
            (
                lambda counts, width: _sums(counts, width)[width - 1 :] / width,
                "this is cut at the start, so that bins look ahead; cut it at the end.",
            ),
            (
                lambda counts, width: _sums(counts, width)[: len(counts)],
                "that is the sum; divide it by the width.",
            ),
            (
                lambda counts, width: (
                    _sums(counts, width)[: len(counts)] / np.minimum(np.arange(len(counts)) + 1, width)
                ),
                "that divides by the number of bins so far: no ramp, but more noise at the start; "
                "PupilEncoder divides by the width.",
            ),
            (
                lambda counts, width: np.append(0, _sums(counts, width)[: len(counts) - 1]) / width,
                "that averages the bins before each bin and leaves out the bin itself, as "
                "`counts[i - width : i]` does.",
            ),
            (
                lambda counts, width: _sums(counts, 10)[: len(counts)] / 10,
                "the width is 10 whatever `width` says; use the argument.",
            ),
            (
                lambda counts, width: _sums(counts, width)[: len(counts)] / width * 100,
                "these are rates in Hz for bins of 10 ms; here the mean count is wanted.",
            ),
        ),
        praise="One spike moves its own bin and later ones, and the first bins come out too low: the ramp.",
    ),
    "02.may_stay": Exercise(
        inputs=(
            (TRAIN, TEST, STARTS, LENGTH),
            (np.array([0, 1, 3, 4, 6, 7]), np.array([2, 5]), TOUCHING, LENGTH),
            (np.array([0, 1, 2, 5, 6, 7, 9, 11]), np.array([3, 8]), DRAWN_STARTS, 2.2),
        ),
        right=lambda train, test, starts, length: train[_nearest(train, test, starts) >= length],
        wrong=(
            (
                lambda train, test, starts, length: train[~np.isin(train, [*(test - 1), *(test + 1)])],
                "that removes the direct neighbours of a test trial by number; a neighbour that is far away "
                "in time may stay.",
            ),
            (
                lambda train, test, starts, length: train[_nearest(train, test, starts) > length],
                "a trial that begins at the very moment at which another ends does not overlap with it and "
                "may stay: use `>=`.",
            ),
            (
                lambda train, test, starts, length: train[_nearest(train, test, starts) < length],
                "these are the trials that have to go.",
            ),
            (
                lambda train, test, starts, length: _nearest(train, test, starts) >= length,
                "that is a mask; apply it to `train` and return the trials that it leaves.",
            ),
            (
                lambda train, test, starts, length: train[_nearest(train, test, starts) >= length / 2],
                "a trial lasts for `length` after its start, not for half of that on each side.",
            ),
            (
                lambda train, test, starts, length: train[
                    np.array([(start >= starts[test] + length).any() for start in starts[train]])
                ],
                "a trial must be clear of every test trial, before and after it, not of a single one.",
            ),
            (
                lambda train, test, starts, length: np.flatnonzero(_nearest(train, test, starts) >= length),
                "these are positions in `train`; return the entries of `train` at these positions.",
            ),
            (
                lambda train, test, starts, length: starts[train][_nearest(train, test, starts) >= length],
                "these are the times at which the trials begin; return their entries in `train`.",
            ),
            (
                lambda train, test, starts, length: train[
                    ~_follows(starts[train][:, None], starts[test], length).any(axis=1)
                ],
                "that removes trials that begin during a test trial; one during which a test trial begins "
                "overlaps as well.",
            ),
            (
                lambda train, test, starts, length: train[
                    ~_follows(starts[test], starts[train][:, None], length).any(axis=1)
                ],
                "that removes trials during which a test trial begins; one that begins during a test trial "
                "overlaps as well.",
            ),
        ),
        praise="What counts is the time between trials, not their number: some neighbours stay, others go.",
    ),
    "02.blind": Exercise(
        choices=(0, 0.1, 0.5, 0.9),
        right=0.9,
        wrong=(
            (
                0,
                "no count can be predicted, but smoothed neighbours are means of nearly the same counts.",
            ),
            ("0.9", "that is text; write the number without quotation marks."),
            (0.1, "one count of ten is new; how many do the two bins share?"),
            (0.5, "bins that lie five apart share half of their counts; direct neighbours share more."),
        ),
        praise="Nine of their ten counts are the same, so pure noise scores 0.9.",
    ),
    "02.drift": Exercise(
        choices=("random", "blocked", "both", "neither"),
        right="random",
        wrong=(
            (
                "blocked",
                "in a block the nearest training trial is up to 25 away, longer than the drift's memory.",
            ),
            (
                "both",
                "neighbours reveal the drift only if they are near, and in a block most of them are not.",
            ),
            (
                "neither",
                "the drift is slow, so a training trial right next to a test trial has nearly the same rate.",
            ),
        ),
        praise="Trials on both sides reveal a trial's drift; inside a block it has to be guessed.",
    ),
}
