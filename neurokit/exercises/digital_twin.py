"""Exercises of lesson 09: a memory that is carried on, a readout and its test trials, whom to believe."""

import numpy as np

from neurokit.exercises.checking import Exercise

GATES = np.array([[2.0, -1.0, 0.5, 3.0], [-0.5, 2.0, 1.0, -2.0], [0.8, -1.2, 2.0, 0.3]])  # i, f, g: T each
UNSEEN = np.random.default_rng(90)  # draws inputs that the lesson does not show


def _sigmoid(value: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-value))


def _memory(i: np.ndarray, f: np.ndarray, g: np.ndarray) -> np.ndarray:
    """The memory after each frame; before the first it is 0."""
    return _carried(_sigmoid(i), _sigmoid(f), np.tanh(g))


def _carried(i: np.ndarray, f: np.ndarray, g: np.ndarray) -> np.ndarray:
    """The same of gates that are squeezed already, or of some that ought to be."""
    memory, memories = 0.0, []
    for write, keep, new in zip(i, f, g, strict=True):
        memory = keep * memory + write * new
        memories.append(memory)
    return np.array(memories)


def _ridge(features: np.ndarray, answers: np.ndarray, penalty: float | np.ndarray) -> np.ndarray:
    gram = features.T @ features + penalty * np.eye(features.shape[1])
    return np.linalg.solve(gram, features.T @ answers)


def _readout(
    features: np.ndarray,
    answers: np.ndarray,
    penalty: float,
    *,
    fitted: np.ndarray,
    means_of: np.ndarray,
    predicted: np.ndarray,
) -> np.ndarray:
    """Predictions of some frames by a ridge that was fitted to others, around the means of yet others."""
    mean, base = features[means_of].mean(axis=0), answers[means_of].mean()
    weights = _ridge(features[fitted] - mean, answers[fitted] - base, penalty)
    return (features[predicted] - mean) @ weights + base


def _predict_test(features: np.ndarray, answers: np.ndarray, test: np.ndarray, penalty: float) -> np.ndarray:
    return _readout(features, answers, penalty, fitted=~test, means_of=~test, predicted=test)


def _moved(features: np.ndarray, test: np.ndarray) -> np.ndarray:
    """From the mean of the test features to that of the others."""
    return np.asarray(features[~test].mean(axis=0) - features[test].mean(axis=0))


def _penalised_intercept(
    features: np.ndarray, answers: np.ndarray, test: np.ndarray, penalty: float
) -> np.ndarray:
    """A column of ones, whose weight is pulled to 0 with the others."""
    with_ones = np.column_stack([features, np.ones(len(features))])
    return with_ones[test] @ _ridge(with_ones[~test], answers[~test], penalty)


def _tiny_readout(random: np.random.Generator, frames: int = 12, penalty: float = 0.5) -> tuple:
    """Features of a frozen core, a cell's response to them, which frames are for tests, and the penalty."""
    features = 0.4 + random.normal(size=(frames, 3))
    answers = 1 + features @ np.array([1.0, -0.5, 0.2]) + 0.8 * random.normal(size=frames)
    return features, answers, np.arange(frames) % 3 == 2, penalty


def _correlations(measured: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """Of each cell (rows) with the answer for each cell (columns)."""
    first, second = (each - each.mean(axis=0) for each in (measured, answers))
    first, second = (each / np.linalg.norm(each, axis=0) for each in (first, second))
    return first.T @ second


def _best_is_own(similar: np.ndarray, axis: int = 1) -> np.ndarray:
    return similar.argmax(axis=axis) == np.arange(len(similar))


def _distances(measured: np.ndarray, answers: np.ndarray) -> np.ndarray:
    return ((measured[:, :, None] - answers[:, None]) ** 2).sum(axis=0)


def _tiny_twin(
    random: np.random.Generator, cells: int = 6, frames: int = 60
) -> tuple[np.ndarray, np.ndarray]:
    """Mean responses, and answers that all follow the light; those for every other cell know it better.

    Each answer has noise of its own, so that no two correlate equally with a cell; the last is upside down.
    """
    light = 1.5 * np.sin(np.arange(frames) / 6)[:, None]
    own = random.normal(size=(frames, cells))
    gains = np.geomspace(0.2, 4, cells)
    known = np.where(np.arange(cells) % 2 == 0, own, np.roll(own, 1, axis=1))
    known[:, 1] = own[:, 0] + 0.6 * own[:, 1]  # the best that cell 1 has, though it fits cell 0 better
    known += np.where(np.arange(cells) % 2 == 0, 0.4, 0.6) * random.normal(size=known.shape)
    measured = 5 + light + own + 0.2 * random.normal(size=own.shape)
    answers = np.where(np.arange(cells) % 2 == 0, 2, 5) + light + known
    answers[:, -1] = 5 - 2 * light[:, 0] - own[:, -1]
    return measured, gains[::-1] * answers


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
        inputs=(tuple(GATES), tuple(GATES[:, :2]), tuple(UNSEEN.normal(size=(3, 6)))),
        right=_memory,
        wrong=(
            (
                lambda i, f, g: _memory(f, i, g),
                "two gates are swapped: f says how much of the old is retained, i how much is written.",
            ),
            (
                lambda i, f, g: _sigmoid(i) * np.tanh(g),
                "the memory is not carried on: each frame begins at 0 again, and remembers nothing.",
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
                lambda i, f, g: np.tanh(_memory(i, f, g)),
                "this is tanh(c), which belongs to the output h: return the memory c itself.",
            ),
            (
                lambda i, f, g: np.cumsum(_sigmoid(i) * np.tanh(g)),
                "nothing is ever forgotten: multiply the old memory by the sigmoid of f first.",
            ),
            (
                lambda i, f, g: _carried(1 - _sigmoid(f), _sigmoid(f), np.tanh(g)),
                "writing has a gate of its own here, the sigmoid of i, and not what f leaves over.",
            ),
            (
                lambda i, f, g: _carried(_sigmoid(i), 1 - _sigmoid(f), np.tanh(g)),
                "the sigmoid of f is the share that is retained, not the share that is lost.",
            ),
            (
                lambda i, f, g: _carried(_sigmoid(i), 1 - _sigmoid(i), np.tanh(g)),
                "forgetting has a gate of its own here, the sigmoid of f, and not what i leaves over.",
            ),
            (
                lambda i, f, g: np.concatenate([[0.0], _memory(i, f, g)[:-1]]),
                "that is the memory before each frame; append it after it was rewritten.",
            ),
            (
                lambda i, f, g: _memory(i, f, g)[-1],
                "that is the memory after the last frame; return it after each one.",
            ),
            (
                lambda i, f, g: np.concatenate([[0.0], _memory(i, f, g)]),
                "the 0 before the first frame is included; return one value for each frame.",
            ),
        ),
        praise="Of what a frame writes, every later frame keeps the share σ(f): that is the memory.",
    ),
    "09.readout": Exercise(
        inputs=(_tiny_readout(np.random.default_rng(9)), _tiny_readout(UNSEEN, 20, 2.0)),
        right=_predict_test,
        wrong=(
            (
                lambda features, answers, test, penalty: _readout(
                    features, answers, penalty, fitted=test, means_of=test, predicted=test
                ),
                "the readout was fitted to the test frames that it predicts: it has seen the answers.",
            ),
            (
                lambda features, answers, test, penalty: _readout(
                    features, answers, penalty, fitted=test | ~test, means_of=test | ~test, predicted=test
                ),
                "the test frames are among those it was fitted to: leave them out with `~test`.",
            ),
            (
                lambda features, answers, test, penalty: _readout(
                    features, answers, penalty, fitted=~test, means_of=test | ~test, predicted=test
                ),
                "the means were taken over all frames, and with them the test answers leak into the fit.",
            ),
            (
                lambda features, answers, test, penalty: _readout(
                    features, answers, 0.0, fitted=~test, means_of=~test, predicted=test
                ),
                "the penalty is missing: with few frames the weights follow the noise.",
            ),
            (
                lambda features, answers, test, penalty: _readout(
                    features, answers, penalty * (~test).sum(), fitted=~test, means_of=~test, predicted=test
                ),
                "the penalty is added to X'X itself here; next to X'X / T it would be T times as strong.",
            ),
            (
                lambda features, answers, test, penalty: _readout(
                    np.where(test[:, None], features + _moved(features, test), features),
                    answers,
                    penalty,
                    fitted=~test,
                    means_of=~test,
                    predicted=test,
                ),
                "the test features lost their own mean; subtract that of the frames that were fitted.",
            ),
            (
                lambda features, answers, test, penalty: _readout(
                    np.where(test[:, None], features + features[~test].mean(axis=0), features),
                    answers,
                    penalty,
                    fitted=~test,
                    means_of=~test,
                    predicted=test,
                ),
                "the weights belong to centred features: subtract the fitted frames' mean from the test too.",
            ),
            (
                lambda features, answers, test, penalty: _predict_test(
                    features / features[~test].std(axis=0), answers, test, penalty
                ),
                "the features were also divided by their deviations, which changes what the penalty means.",
            ),
            (
                lambda features, answers, test, penalty: (
                    _predict_test(features, answers, test, penalty) - answers[~test].mean()
                ),
                "the intercept is missing: add the mean answer of the frames that were fitted.",
            ),
            (
                lambda features, answers, test, penalty: (
                    features[test] @ _ridge(features[~test], answers[~test], penalty)
                ),
                "no means were subtracted: without an intercept the weights also have to make the mean rate.",
            ),
            (
                _penalised_intercept,
                "the penalty pulls on the intercept too: subtract means instead of adding a column of ones.",
            ),
            (
                lambda features, answers, test, penalty: _readout(
                    features, answers, penalty, fitted=~test, means_of=~test, predicted=~test
                ),
                "these are the frames it was fitted to; predict those for the test.",
            ),
            (
                lambda features, answers, test, penalty: _ridge(
                    features[~test] - features[~test].mean(axis=0),
                    answers[~test] - answers[~test].mean(),
                    penalty,
                ),
                "these are the weights; multiply the features of the test frames by them.",
            ),
        ),
        praise="The core stays as it is; only these few weights are the new cell's own.",
    ),
    "09.believe": Exercise(
        inputs=(_tiny_twin(np.random.default_rng(3)), _tiny_twin(UNSEEN, cells=9)),
        right=lambda measured, answers: _best_is_own(_correlations(measured, answers)),
        wrong=(
            (
                lambda measured, answers: np.diag(_correlations(measured, answers)) > 0,
                "that believes nearly everything: all cells follow the light, and so do the answers.",
            ),
            (
                lambda measured, answers: np.diag(_correlations(measured, answers)) > 0.5,
                "a fixed limit is no comparison: the answer for another cell may correlate even better.",
            ),
            (
                lambda measured, answers: _best_is_own(abs(_correlations(measured, answers))),
                "an answer that falls where the cell rises is no good answer: leave the sign as it is.",
            ),
            (
                lambda measured, answers: _best_is_own(
                    (measured / np.linalg.norm(measured, axis=0)).T
                    @ (answers / np.linalg.norm(answers, axis=0))
                ),
                "the means are still in it: subtract each column's mean before you divide by its length.",
            ),
            (
                lambda measured, answers: _best_is_own(_correlations(measured, answers), axis=0),
                "you asked which cell each answer fits best; ask which answer fits each cell best.",
            ),
            (
                lambda measured, answers: _best_is_own(measured.T @ answers),
                "a product grows with the size of an answer: subtract means and divide by lengths first.",
            ),
            (
                lambda measured, answers: _best_is_own(-_distances(measured, answers)),
                "a squared distance punishes an answer for its size; a correlation compares time courses.",
            ),
            (
                lambda measured, answers: _correlations(measured, answers).argmax(axis=1),
                "these are the numbers of the best answers: compare them with the cell's own number.",
            ),
            (
                lambda measured, answers: np.diag(_correlations(measured, answers)),
                "these are the correlations with the cell's own answer; compare them with the others.",
            ),
            (
                lambda measured, answers: ~_best_is_own(_correlations(measured, answers)),
                "this is the other way round: True is for a cell that its own answer fits best.",
            ),
        ),
        praise="A twin that knows only what all cells share fails here, however well its answers correlate.",
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
            (
                "none",
                "its curves are almost flat, but an angle can be computed from any curve: that is the trap.",
            ),
        ),
        praise="A shared core that has learned little gives its own preference to every cell.",
    ),
}
