"""Exercises of lesson 04: what a search looks at, and what its best score is worth."""

from math import ceil, floor

import numpy as np
from scipy.stats import norm

from neurokit.exercises.checking import Exercise, unordered

LOSSES = np.array([1.9, 1.2, 1.5, 1.1, 2.3, 1.4, 1.8, 1.3, 2.0, 1.6, 1.7, 2.1, 2.2, 1.05, 1.45, 1.55, 1.65])
CANDIDATES = np.array([-4.6, -3.4, -2.9, -2.2, -1.2, -0.6])
GOOD, REST = (
    np.array([-2.4, -2.0, -3.2]),
    np.array([-2.5, -2.3, -2.2, -4.4, -4.0, -1.0, -0.9]),
)  # places of trials
_random = np.random.default_rng(41)


def _number(losses: np.ndarray) -> int:
    return ceil(np.sqrt(len(losses)) / 4)


def _split(order: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray]:
    return order[:number], order[number:]


def _random_case(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Eight candidates, three good trials, nine others, and the width of a bump."""
    candidates, good, rest = (random.uniform(-5, -0.5, size) for size in (8, 3, 9))
    return candidates, good, rest, 0.6


def _density(candidates: np.ndarray, points: np.ndarray, width: float) -> np.ndarray:
    """The mean of one Gaussian bump for each point, at each candidate."""
    bumps: np.ndarray = norm.pdf(candidates[:, None], points, width)
    return bumps.mean(axis=1)


def _at(score: np.ndarray, candidates: np.ndarray) -> float:
    return float(candidates[np.argmax(score)])


EXERCISES = {
    "04.first_trials": Exercise(
        choices=("ahead", "level", "behind", "it depends on the seed"),
        right="level",
        wrong=(
            (
                "ahead",
                "TPE needs trials to fit its two densities to, so the first ones are drawn at random.",
            ),
            ("behind", "the first trials of both searches are random draws, so neither can be behind."),
            ("it depends on the seed", "with the same seed both draw the same points, whatever the seed."),
        ),
        praise="The first trials of both are random; a search no longer than those is random search.",
    ),
    "04.good_and_rest": Exercise(
        inputs=((LOSSES,), (LOSSES[:12],), (LOSSES[:16],), (_random.uniform(1, 3, size=100),)),
        compared=unordered,
        right=lambda losses: _split(np.argsort(losses), _number(losses)),
        wrong=(
            (
                lambda losses: _split(np.argsort(losses), ceil(len(losses) / 4)),
                "that is a quarter of all trials; hyperopt takes a quarter of their square root.",
            ),
            (
                lambda losses: _split(np.argsort(losses), ceil(np.sqrt(len(losses)))),
                "the square root of the number is not yet divided by four.",
            ),
            (
                lambda losses: _split(np.argsort(losses), floor(np.sqrt(len(losses)) / 4)),
                "the number is rounded down, which leaves no good trial at all of 12; round it up.",
            ),
            (
                lambda losses: _split(np.argsort(losses), floor(np.sqrt(len(losses)) / 4) + 1),
                "one was added after rounding down; that is one too many where the number is whole already.",
            ),
            (
                lambda losses: _split(np.argsort(losses), round(np.sqrt(len(losses)) / 4)),
                "the number is rounded to the nearest one, which makes one good trial of 17; round it up.",
            ),
            (
                lambda losses: _split(np.argsort(losses)[::-1], _number(losses)),
                "these are the trials with the largest errors, and a good trial has a small one.",
            ),
            (
                lambda losses: _split(np.argsort(losses), _number(losses))[::-1],
                "the two parts are exchanged: the good trials come first.",
            ),
            (
                lambda losses: (
                    losses <= np.sort(losses)[_number(losses) - 1],
                    losses > np.sort(losses)[_number(losses) - 1],
                ),
                "these are masks; `np.flatnonzero` turns them into positions of trials.",
            ),
            (
                lambda losses: losses <= np.sort(losses)[_number(losses) - 1],
                "this is one mask; return two arrays of positions, of the good trials and of the others.",
            ),
            (
                lambda losses: _split(np.sort(losses), _number(losses)),
                "these are the errors; return the positions of the trials, as `np.argsort` gives them.",
            ),
        ),
        praise="Two trials of 17 are good, and one of 12: few as they are, they decide where to look next.",
    ),
    "04.next_point": Exercise(
        inputs=(
            (CANDIDATES, GOOD, REST, 0.4),
            _random_case(_random),
            _random_case(np.random.default_rng(250)),  # here narrower bumps choose another candidate
        ),
        right=lambda candidates, good, rest, width: _at(
            _density(candidates, good, width) / _density(candidates, rest, width), candidates
        ),
        wrong=(
            (
                lambda candidates, good, rest, width: _at(_density(candidates, good, width), candidates),
                "that is where the good trials lie densest, and others may lie there, too.",
            ),
            (
                lambda candidates, good, rest, width: _at(
                    _density(candidates, good, width) - _density(candidates, rest, width), candidates
                ),
                "that is where the difference is largest; a ratio says how many times as likely good is.",
            ),
            (
                lambda candidates, good, rest, width: _at(
                    _density(candidates, rest, width) / _density(candidates, good, width), candidates
                ),
                "that is where a bad trial is most likely: the ratio is upside down.",
            ),
            (
                lambda candidates, good, rest, width: _at(1 / _density(candidates, rest, width), candidates),
                "that is the emptiest place; the density of the good trials has to count as well.",
            ),
            (
                lambda candidates, good, rest, width: _at(
                    _density(candidates, good, width / np.sqrt(2))
                    / _density(candidates, rest, width / np.sqrt(2)),
                    candidates,
                ),
                "these bumps are too narrow: the exponent of a Gaussian is half the squared distance "
                "in widths.",
            ),
            (
                lambda candidates, good, rest, width: int(
                    np.argmax(_density(candidates, good, width) / _density(candidates, rest, width))
                ),
                "that is the position in the list; return the candidate at that position.",
            ),
            (
                lambda candidates, good, rest, width: float(
                    (_density(candidates, good, width) / _density(candidates, rest, width)).max()
                ),
                "that is the largest ratio itself; return the candidate that has it.",
            ),
            (
                lambda candidates, good, rest, width: (
                    _density(candidates, good, width) / _density(candidates, rest, width)
                ),
                "that is the ratio at every candidate; return the candidate at which it is largest.",
            ),
        ),
        praise="It need not be the densest place: what counts is how many times likelier good is than bad.",
    ),
    "04.log_scale": Exercise(
        inputs=((np.array([0.0, 0.25, 0.5, 1.0]), 1e-4, 1e-2), (_random.uniform(size=5), 1e-5, 0.3)),
        right=lambda uniform, low, high: low * (high / low) ** uniform,
        wrong=(
            (
                lambda uniform, low, high: low + uniform * (high - low),
                "that is uniform in the value itself: nine of ten draws lie in the uppermost factor of ten.",
            ),
            (
                lambda uniform, low, high: np.log(low) + uniform * np.log(high / low),
                "these are the logarithms; take the exponential of them.",
            ),
            (
                lambda uniform, low, high: np.log10(low) + uniform * np.log10(high / low),
                "these are the logarithms to base ten; raise ten to them.",
            ),
            (
                lambda uniform, low, high: np.exp(np.log10(low) + uniform * np.log10(high / low)),
                "the logarithm has base ten and the exponential base e; take both with the same base.",
            ),
            (
                lambda uniform, low, high: high * (low / high) ** uniform,
                "0 gives the upper end and 1 the lower one; it should be the other way round.",
            ),
        ),
        praise="Half of the draws between 0.0001 and 0.01 lie below 0.001, the geometric mean of both ends.",
    ),
    "04.best_of_many": Exercise(
        choices=(0.30, 0.35, 0.42, 0.80),
        right=0.42,
        wrong=(
            (0.30, "that is the mean of all, and the best of 100 is chosen for its luck."),
            (
                0.35,
                "that is one standard deviation up, where some 16 of the 100 lie; the best lies further out.",
            ),
            (0.80, "that is ten standard deviations up; the best of 100 draws lies near 2.5."),
        ),
        praise="Nothing was gained, and it looks like 0.12: that is the winner's curse.",
    ),
}
