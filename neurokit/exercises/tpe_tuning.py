"""Exercises of lesson 04: what a search looks at, and what its best score is worth."""

from math import ceil, floor

import numpy as np

from neurokit.exercises.checking import Exercise, unordered

LOSSES = np.array([1.9, 1.2, 1.5, 1.1, 2.3, 1.4, 1.8, 1.3, 2.0, 1.6, 1.7, 2.1, 2.2, 1.05, 1.45, 1.55, 1.65])
CANDIDATES = np.array([-4.0, -3.2, -2.5, -2.0, -1.0])
GOOD = np.array([0.05, 0.50, 0.60, 0.24, 0.01])  # density l at each candidate
REST = np.array([0.20, 0.35, 0.40, 0.10, 0.005])  # density g
OTHERS = np.array([-1.5, -4.4, -2.1, -3.7, -2.9])
FEW, MANY = np.array([0.30, 0.02, 0.70, 0.55, 0.10]), np.array([0.15, 0.20, 0.60, 0.40, 0.02])
_random = np.random.default_rng(41)


def _number(losses: np.ndarray) -> int:
    return ceil(np.sqrt(len(losses)) / 4)


def _split(order: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray]:
    return order[:number], order[number:]


def _random_case() -> tuple[np.ndarray, ...]:
    """Eight candidates, and two densities at each of them."""
    return _random.uniform(-5, -0.5, 8), _random.uniform(0.05, 0.6, 8), _random.uniform(0.05, 0.6, 8)


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
                lambda losses: _split(np.sort(losses), _number(losses)),
                "these are the errors; return the positions of the trials, as `np.argsort` gives them.",
            ),
        ),
        praise="Two trials of 17 are good, and one of 12: few as they are, they decide where to look next.",
    ),
    "04.next_point": Exercise(
        inputs=((CANDIDATES, GOOD, REST), (OTHERS, FEW, MANY), _random_case()),
        right=lambda candidates, good, rest: _at(good / rest, candidates),
        wrong=(
            (
                lambda candidates, good, rest: _at(good, candidates),
                "that is where most good trials lie, and most of the others lie there too.",
            ),
            (
                lambda candidates, good, rest: _at(good - rest, candidates),
                "that is where the difference is largest; a ratio says how many times as likely good is.",
            ),
            (
                lambda candidates, good, rest: _at(rest / good, candidates),
                "that is where a bad trial is most likely: the ratio is upside down.",
            ),
            (
                lambda candidates, good, rest: int(np.argmax(good / rest)),
                "that is the position in the list; return the candidate at that position.",
            ),
            (
                lambda candidates, good, rest: float((good / rest).max()),
                "that is the largest ratio itself; return the candidate that has it.",
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
