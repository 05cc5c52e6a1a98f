"""Exercises of lesson 09: a memory that is carried on, a place on the map, a readout and its test trials."""

import numpy as np

from neurokit.exercises.checking import Exercise

GATES = np.array([[2.0, -1.0, 0.5, 3.0], [-0.5, 2.0, 1.0, -2.0], [0.8, -1.2, 2.0, 0.3]])  # i, f, g: T each
PLACES = np.array([-0.6, -0.2, 0.0, 0.5])
HALF_WIDTH = 32.0  # pixels of the lesson's monitor
DEGREES = 75.0  # from the middle of the map to its edge
DISTANCE = 0.5  # of the monitor, in halves of its width


def _sigmoid(value: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-value))


def _memory(i: np.ndarray, f: np.ndarray, g: np.ndarray) -> np.ndarray:
    """The cell after each frame; before the first it is 0."""
    return _carried(_sigmoid(i), _sigmoid(f), np.tanh(g))


def _carried(i: np.ndarray, f: np.ndarray, g: np.ndarray) -> np.ndarray:
    """The same of gates that are squeezed already, or of some that ought to be."""
    cell, cells = 0.0, []
    for write, keep, new in zip(i, f, g, strict=True):
        cell = keep * cell + write * new
        cells.append(cell)
    return np.array(cells)


def _on_screen(place: np.ndarray) -> np.ndarray:
    return HALF_WIDTH * DISTANCE * np.tan(np.deg2rad(DEGREES * place))


def _ridge(features: np.ndarray, answers: np.ndarray, penalty: float) -> np.ndarray:
    gram = features.T @ features + penalty * np.eye(features.shape[1])
    return np.linalg.solve(gram, features.T @ answers)


def _tiny_readout() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features of a frozen core for 12 frames, a cell's response to them, and which frames are for tests."""
    random = np.random.default_rng(9)
    features = random.normal(size=(12, 3))
    answers = features @ np.array([1.0, -0.5, 0.2]) + 0.8 * random.normal(size=12)
    return features, answers, np.arange(12) % 3 == 2


EXERCISES = {
    "09.poisson": Exercise(
        choices=("0", "1", "log 2", "it depends on the cell"),
        right="1",
        wrong=(
            ("0", "this loss is no distance: rate - response x log(rate) does not vanish where both agree."),
            ("log 2", "the logarithm of a rate of 1 is 0, so only the rate itself is left."),
            (
                "it depends on the cell",
                "every response is divided by the cell's mean, which makes all cells alike here.",
            ),
        ),
        praise="A network that has learned nothing but each cell's mean has a loss of 1.",
    ),
    "09.memory": Exercise(
        inputs=(tuple(GATES), tuple(GATES[:, :2])),
        right=_memory,
        wrong=(
            (
                lambda i, f, g: _memory(f, i, g),
                "two gates are swapped: f says how much of the old is retained, i how much is written.",
            ),
            (
                lambda i, f, g: _sigmoid(i) * np.tanh(g),
                "the cell is not carried on: each frame begins at 0 again, and remembers nothing.",
            ),
            (
                _carried,
                "the gates are still any number: sigmoid makes them shares, tanh bounds what is new.",
            ),
            (
                lambda i, f, g: _carried(i, f, np.tanh(g)),
                "i and f are still any number: the sigmoid turns them into shares between 0 and 1.",
            ),
            (
                lambda i, f, g: _carried(_sigmoid(i), _sigmoid(f), g),
                "the new content g is not yet squeezed: tanh bounds it between -1 and 1.",
            ),
            (
                lambda i, f, g: _memory(i, f, np.arctanh(_sigmoid(g))),
                "the new content goes through tanh, which may be negative, and not through the sigmoid.",
            ),
            (
                lambda i, f, g: _memory(i, f, g)[-1],
                "that is the cell after the last frame; return it after each one.",
            ),
        ),
        praise="What a frame writes fades by the share f with every later frame: that is the memory.",
    ),
    "09.field": Exercise(
        inputs=((PLACES,),),
        right=_on_screen,
        wrong=(
            (
                lambda place: HALF_WIDTH * place,
                "that takes the place on the map for a place on the screen; the map counts angles.",
            ),
            (
                lambda place: DEGREES * place,
                "these are degrees from the gaze; the screen is flat, so a tangent is missing.",
            ),
            (
                lambda place: HALF_WIDTH * np.tan(np.deg2rad(DEGREES * place)),
                "the monitor is half of its half-width away, and not a whole one.",
            ),
            (
                lambda place: HALF_WIDTH * DISTANCE * np.tan(np.deg2rad(45 * place)),
                "the edge of the map is 75 degrees from the gaze, not 45.",
            ),
            (
                lambda place: HALF_WIDTH * DISTANCE * np.tan(DEGREES * place),
                "`np.tan` takes radians: convert the degrees first.",
            ),
            (
                lambda place: DISTANCE * np.tan(np.deg2rad(DEGREES * place)),
                "these are half-widths of the monitor; one is 32 pixels.",
            ),
        ),
        praise="Near the edge of the map a small step is a long way on the screen.",
    ),
    "09.readout": Exercise(
        inputs=((*_tiny_readout(), 0.5),),
        right=lambda features, answers, test, penalty: (
            features[test] @ _ridge(features[~test], answers[~test], penalty)
        ),
        wrong=(
            (
                lambda features, answers, test, penalty: (
                    features[test] @ _ridge(features[test], answers[test], penalty)
                ),
                "the readout was fitted to the test frames that it predicts: it has seen the answers.",
            ),
            (
                lambda features, answers, test, penalty: features[test] @ _ridge(features, answers, penalty),
                "the test frames are among those it was fitted to: leave them out with `~test`.",
            ),
            (
                lambda features, answers, test, penalty: (
                    features[test] @ _ridge(features[~test], answers[~test], 0.0)
                ),
                "the penalty is missing: with few frames the weights follow the noise.",
            ),
            (
                lambda features, answers, test, penalty: (
                    features[~test] @ _ridge(features[~test], answers[~test], penalty)
                ),
                "these are the frames it was fitted to; predict those for the test.",
            ),
            (
                lambda features, answers, test, penalty: _ridge(features[~test], answers[~test], penalty),
                "these are the weights; multiply the features of the test frames with them.",
            ),
        ),
        praise="The core stays as it is; only these few weights are the new cell's own.",
    ),
    "09.untrained_tuning": Exercise(
        choices=("right ones", "random ones", "nearly the same for all", "none"),
        right="nearly the same for all",
        wrong=(
            ("right ones", "it has not found what its cells look for, so it cannot be right about them."),
            (
                "random ones",
                "the cells share one core, and what it happens to prefer shows in each of them.",
            ),
            ("none", "a preferred orientation can be computed from any curve, flat or not."),
        ),
        praise="A shared core that has learned little gives its own preference to every cell.",
    ),
}
