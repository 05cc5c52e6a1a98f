"""Exercises of lesson 10: what repeats say, how a split lets a model cheat, and where a shift shows."""

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


def _split(shown: np.ndarray, tested: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    test = np.isin(shown, tested)
    return np.flatnonzero(~test), np.flatnonzero(test)


def _shifted(images: int, repeats: int, shift: int) -> tuple[np.ndarray, np.ndarray]:
    """Images in random order, and responses of 4 units that stand `shift` rows later."""
    shown = _random.permutation(np.repeat(np.arange(images), repeats))
    drive = _random.normal(size=(images, 4))
    return shown, np.roll(drive[shown] + 0.3 * _random.normal(size=(len(shown), 4)), shift, axis=0)


def _agreement(shown: np.ndarray, responses: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """How much the means of images differ, summed over units, after each shift is undone."""
    moved = [np.roll(responses, -shift, axis=0) for shift in shifts]
    means = [[each[shown == image].mean(axis=0) for image in np.unique(shown)] for each in moved]
    found: np.ndarray = np.array(means).var(axis=1).sum(axis=1)
    return found


EXERCISES = {
    "10.ceiling": Exercise(
        inputs=((REPEATS,), (REPEATS[:, :2],), (REPEATS[:, :3, ::-1],)),
        right=lambda repeats: np.sqrt(_signal_of(repeats) / _total(repeats)),
        wrong=(
            (
                lambda repeats: np.sqrt(_of_means(repeats) / _total(repeats)),
                "the means still hold some noise; subtract the noise divided by the number of repeats.",
            ),
            (
                lambda repeats: np.sqrt(_signal_of(repeats) / (_signal_of(repeats) + _noise(repeats))),
                "a good estimate, too: your denominator is signal + noise; here, divide by the variance of "
                "all single responses.",
            ),
            (
                lambda repeats: np.sqrt(
                    np.clip(_total(repeats) - _noise(repeats), 0, None) / _total(repeats)
                ),
                "a good estimate, too: you take the noise from the variance of all responses; here, take it "
                "from the variance of the means.",
            ),
            (
                lambda repeats: np.sqrt(
                    np.clip(_of_means(repeats) - _noise(repeats) / 4, 0, None) / _total(repeats)
                ),
                "you divide the noise by 4; the number of repeats is `repeats.shape[1]`.",
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
    "10.split_by_image": Exercise(
        inputs=((SHOWN, TESTED), (_random.integers(0, 9, size=20), np.array([8, 2, 5]))),
        compared=unordered,
        right=_split,
        wrong=(
            (
                lambda shown, tested: (np.setdiff1d(np.arange(len(shown)), tested), tested),
                "these are numbers of images, not of trials; a trial is tested if it shows a test image.",
            ),
            (
                lambda shown, tested: _split(shown, tested)[::-1],
                "that is test first and training second; return training first.",
            ),
            (
                lambda shown, tested: tuple(shown[part] for part in _split(shown, tested)),
                "these are the images of the trials; return the indices of the trials.",
            ),
            (
                lambda shown, tested: (np.arange(len(shown)), _split(shown, tested)[1]),
                "the test trials are in training, too: that is the leak itself.",
            ),
            (
                lambda shown, tested: (~np.isin(shown, tested), np.isin(shown, tested)),
                "these are masks; `np.flatnonzero` turns them into indices of trials.",
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
    "10.find_shift": Exercise(
        inputs=(
            (*_shifted(8, 6, 2), np.arange(-3, 4)),
            (*_shifted(7, 6, -1), np.arange(-2, 3)),
            (*_shifted(9, 5, 3), np.arange(6)),
        ),
        right=lambda shown, responses, shifts: shifts[_agreement(shown, responses, shifts).argmax()],
        wrong=(
            (
                lambda shown, responses, shifts: shifts[_agreement(shown, responses, -shifts).argmax()],
                "they stand `shift` rows too late, and you moved them later still: roll them by `-shift`.",
            ),
            (
                lambda shown, responses, shifts: int(_agreement(shown, responses, shifts).argmax()),
                "that is the position in `shifts`; return the shift at that position.",
            ),
            (
                lambda shown, responses, shifts: _agreement(shown, responses, shifts).max(),
                "that is the largest agreement itself; return the shift that has it.",
            ),
            (
                lambda shown, responses, shifts: _agreement(shown, responses, shifts),
                "that is the agreement at every shift; return the shift at which it is largest.",
            ),
            (
                lambda shown, responses, shifts: shifts[_agreement(shown, responses, shifts).argmin()],
                "that is where the means of the images differ least; they differ most where repeats agree.",
            ),
            (
                lambda shown, responses, shifts: 0,
                "a shift of 0 leaves everything as it is; compare all of the candidates.",
            ),
        ),
        praise="If no unit is reliable, try a few shifts before you blame the brain.",
    ),
}
