"""Exercises of lesson 10: what repeats say, and how a split lets a model cheat."""

import numpy as np

from neurokit.exercises.checking import Exercise, unordered

_random = np.random.default_rng(3)
_signal = _random.normal(size=(8, 1, 3)) * np.array([2.0, 1.0, 0.0])  # images x 1 x units, one without signal
REPEATS = _signal + _random.normal(size=(8, 4, 3))  # images x repeats x units
SHOWN = np.array([3, 0, 7, 3, 5, 0, 1, 7, 3, 2])
TESTED = np.array([0, 3])


def _noise(repeats: np.ndarray, ddof: int = 1) -> np.ndarray:
    found: np.ndarray = repeats.var(axis=1, ddof=ddof).mean(axis=0)
    return found


def _of_means(repeats: np.ndarray, ddof: int = 1) -> np.ndarray:
    """The variance over images of the means over repeats."""
    found: np.ndarray = repeats.mean(axis=1).var(axis=0, ddof=ddof)
    return found


def _total(repeats: np.ndarray, ddof: int = 1) -> np.ndarray:
    found: np.ndarray = repeats.reshape(-1, repeats.shape[-1]).var(axis=0, ddof=ddof)
    return found


def _signal_of(repeats: np.ndarray, ddof: int = 1, least: float = 0) -> np.ndarray:
    return np.clip(_of_means(repeats, ddof) - _noise(repeats, ddof) / repeats.shape[1], least, None)


def _deal(shown: np.ndarray, tested: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    test = np.isin(shown, tested)
    return np.flatnonzero(~test), np.flatnonzero(test)


EXERCISES = {
    "10.ceiling": Exercise(
        inputs=((REPEATS,), (REPEATS[:, :2],)),
        right=lambda repeats: np.sqrt(_signal_of(repeats) / _total(repeats)),
        wrong=(
            (
                lambda repeats: np.sqrt(_of_means(repeats) / _total(repeats)),
                "the means still hold some noise; subtract the noise divided by the number of repeats.",
            ),
            (
                lambda repeats: _signal_of(repeats) / _total(repeats),
                "that is the share of the variance; a correlation is its root.",
            ),
            (
                lambda repeats: np.sqrt(_signal_of(repeats) / _of_means(repeats)),
                "that is the ceiling on means over repeats; single responses are noisier.",
            ),
            (
                lambda repeats: np.sqrt(
                    np.clip(_of_means(repeats) - _noise(repeats), 0, None) / _total(repeats)
                ),
                "you subtract all of the noise, but the mean of n repeats holds only an n-th of it.",
            ),
            (
                lambda repeats: np.sqrt(_signal_of(repeats, ddof=0) / _total(repeats, ddof=0)),
                "your variances divide by n, and estimates from a sample divide by n - 1: pass `ddof=1`.",
            ),
            (
                lambda repeats: np.sqrt(_signal_of(repeats, least=-np.inf) / _total(repeats)),
                "a unit without signal can get a variance below 0, which has no root; clip it at 0.",
            ),
        ),
        praise="A unit that repeats nothing gets 0: no model of the image can predict it.",
    ),
    "10.look_up": Exercise(
        choices=(0.0, 0.18, 0.36, 0.85),
        right=0.0,
        wrong=(
            (
                0.18,
                "an image that training never showed is not in the table, so there is nothing to look up.",
            ),
            (0.36, "that score came from repeats of test images in training, which are gone now."),
            (0.85, "that is the ceiling, which only a model that sees the images could approach."),
        ),
        praise="The score before was a leak: repeats of test images lay in training.",
    ),
    "10.deal_images": Exercise(
        inputs=((SHOWN, TESTED), (_random.integers(0, 9, size=20), np.array([8, 2, 5]))),
        compared=unordered,
        right=_deal,
        wrong=(
            (
                lambda shown, tested: (np.setdiff1d(np.arange(len(shown)), tested), tested),
                "these are numbers of images, not of trials; a trial is tested if it shows a test image.",
            ),
            (
                lambda shown, tested: _deal(shown, tested)[::-1],
                "that is test first and training second; return training first.",
            ),
            (
                lambda shown, tested: tuple(shown[part] for part in _deal(shown, tested)),
                "these are the images of the trials; return the numbers of the trials.",
            ),
            (
                lambda shown, tested: (np.arange(len(shown)), _deal(shown, tested)[1]),
                "the test trials are in training, too: that is the leak itself.",
            ),
            (
                lambda shown, tested: (~np.isin(shown, tested), np.isin(shown, tested)),
                "these are masks; `np.flatnonzero` turns them into numbers of trials.",
            ),
        ),
        praise="No image lies in both parts, however often it was shown.",
    ),
    "10.unseen": Exercise(
        choices=("off by one trial", "half from elsewhere", "images exchanged", "none of them"),
        right="images exchanged",
        wrong=(
            (
                "off by one trial",
                "then each response belongs to the image before, so repeats share almost nothing.",
            ),
            (
                "half from elsewhere",
                "then repeats share nothing in half of the units, and reliability shows which.",
            ),
            ("none of them", "in one of the three, presentations with the same id still share an image."),
        ),
        praise="Repeats stay together under a wrong name; only a model that learns nothing shows it.",
    ),
}
