"""Exercises of lesson 08: a split that leaks, motion energy, attention."""

from collections.abc import Callable
from typing import Any

import numpy as np

from neurokit.exercises.checking import Exercise, unordered

RANDOM = np.random.default_rng(8)
PAIRS = tuple(  # moments x frames x rows x columns, and the two filters of a pair
    (RANDOM.standard_normal((moments, *size)), *RANDOM.standard_normal((2, *size)))
    for moments, size in ((5, (3, 4, 4)), (3, (2, 5, 3)))
)
LISTS = tuple(  # q, k and v, patches x numbers; the number of patches is never that of the numbers
    tuple(RANDOM.standard_normal((3, *size))) for size in ((6, 4), (5, 3), (2, 9))
)


def _split(frames: int, span: int, reach: int, test: int, gap: int | None = None) -> tuple[np.ndarray, ...]:
    ends = np.arange(span - 1, frames - reach)
    return ends[: len(ends) - test - (span + reach if gap is None else gap)], ends[-test:]


def _moved(by: int, size: int) -> Callable[..., tuple[np.ndarray, ...]]:
    """The right training part; a test part that starts `by` end frames late and is longer by `size`."""

    def answer(frames: int, span: int, reach: int, test: int) -> tuple[np.ndarray, ...]:
        ends = np.arange(span - 1, frames - reach)
        start = len(ends) - test + by
        return _split(frames, span, reach, test)[0], ends[start : start + test + size]

    return answer


def _shifted(first: int, last: int) -> Callable[..., tuple[np.ndarray, ...]]:
    """The right split of possible end frames that begin and end so much later."""

    def answer(frames: int, span: int, reach: int, test: int) -> tuple[np.ndarray, ...]:
        ends = np.arange(span - 1 + first, frames - reach + last)
        return ends[: len(ends) - test - (span + reach)], ends[-test:]

    return answer


def _at_random(frames: int, span: int, reach: int, test: int) -> tuple[np.ndarray, ...]:
    ends = np.random.default_rng(0).permutation(np.arange(span - 1, frames - reach))
    return ends[test:], ends[:test]


def _at_the_start(frames: int, span: int, reach: int, test: int) -> tuple[np.ndarray, ...]:
    ends = np.arange(span - 1, frames - reach)
    return ends[test + span + reach :], ends[:test]


def _blocks(answer: Any) -> Any:
    """Training and test end frames, each in any order; one word where those of the test are scattered."""
    train, test = unordered(answer)
    return "scattered" if np.any(np.diff(test) != 1) else (train, test)


def _both(moments: np.ndarray, even: np.ndarray, odd: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The answer of each filter to each moment."""
    return np.tensordot(moments, even, 3), np.tensordot(moments, odd, 3)


def _softmax(scores: np.ndarray, axis: int | None = -1) -> np.ndarray:
    weights = np.exp(scores - scores.max())
    return np.asarray(weights / weights.sum(axis=axis, keepdims=True))


def _unkept(weights: np.ndarray) -> np.ndarray:
    return np.asarray(weights / weights.sum(axis=1))


def _scores(q: np.ndarray, k: np.ndarray) -> np.ndarray:
    return np.asarray(q @ k.T / np.sqrt(q.shape[1]))


def _mixed(q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.asarray(_softmax(_scores(q, k)) @ v)


EXERCISES = {
    "08.blind_cells": Exercise(
        choices=("random frames", "repeats", "blocks", "none of them"),
        right="random frames",
        wrong=(
            ("repeats", "chance and noise differ from repeat to repeat, so those of training say nothing."),
            ("blocks", "seconds lie between the blocks, and calcium has forgotten by then."),
            (
                "none of them",
                "a test frame that lies a thirtieth of a second from a training frame shares its calcium, "
                "noise and chance included.",
            ),
        ),
        praise="A score that cells without eyes reach is no score of vision.",
    ),
    "08.split": Exercise(
        inputs=((100, 10, 3, 20), (60, 5, 2, 9), (83, 7, 4, 11)),
        right=_split,
        compared=_blocks,
        wrong=(
            (
                _at_random,
                "the test frames are scattered among the training frames, so nearly every one of them has "
                "a neighbour there; take the last `test` possible end frames in a row.",
            ),
            (
                _at_the_start,
                "the test part lies at the start of the movie; take the last `test` possible end frames.",
            ),
            (_moved(-1, 0), "the test part starts one end frame early: take `ends[-test:]`."),
            (_moved(-1, 1), "the test part is one end frame too long: it starts at `ends[-test]`."),
            (_moved(1, -1), "the test part is one end frame short: it starts at `ends[-test]`."),
            (
                _shifted(1, 0),
                "the first possible end frame is `span - 1`, not `span`: frames are counted from 0.",
            ),
            (
                _shifted(0, -1),
                "your end frames stop one too early: `np.arange(span - 1, frames - reach)` ends with "
                "`frames - reach - 1`, the last possible one.",
            ),
            (
                _shifted(0, 1),
                "the last end frame has no full response after it: end with `frames - reach - 1`.",
            ),
            (
                lambda frames, span, reach, test: _split(frames, span, reach, test, span - 1),
                "with `span - 1` unused end frames no frame is shared, but the last training responses are "
                "read while the first test clip is already running; leave `span + reach`.",
            ),
            (
                lambda frames, span, reach, test: _split(frames, span, reach, test, 0),
                "no gap is left, so the first test clips show frames that training clips show as well.",
            ),
            (
                lambda frames, span, reach, test: _split(frames, span, reach, test, span),
                "the gap is as long as a clip, but a response is read up to `reach` samples later: the last "
                "training responses still lie in the first test clips' time.",
            ),
            (
                lambda frames, span, reach, test: _split(frames, span, reach, test, reach),
                "the gap outlasts the response, but a clip looks back over `span` frames, into the training "
                "block.",
            ),
            (
                lambda frames, span, reach, test: (
                    np.arange(frames - test - span - reach),
                    np.arange(frames - test, frames),
                ),
                "the first `span - 1` frames have no full clip before them, and the last `reach` frames have "
                "no full response after them.",
            ),
            (
                lambda frames, span, reach, test: _split(frames, span, reach, test, span + reach - 1),
                "the gap is one end frame short of `span + reach`: that would do if samples and frames kept "
                "in step, and they do not quite.",
            ),
            (
                lambda frames, span, reach, test: _split(frames, span, reach, test)[::-1],
                "training and test have changed places: return the end frames of training first.",
            ),
        ),
        praise="No frame and no sample of a test clip is in a training clip.",
    ),
    "08.energy": Exercise(
        inputs=PAIRS,
        right=lambda moments, even, odd: np.hypot(*_both(moments, even, odd)),
        wrong=(
            (
                lambda moments, even, odd: _both(moments, even, odd)[0],
                "that is the answer of the even filter, which has a sign: a simple cell. The energy also "
                "needs the odd filter, and the length of both.",
            ),
            (
                lambda moments, even, odd: _both(moments, even, odd)[1],
                "that is the answer of the odd filter, which has a sign: a simple cell. The energy also "
                "needs the even filter, and the length of both.",
            ),
            (
                lambda moments, even, odd: np.add(*_both(moments, even, odd)),
                "the plain sum of both answers is the answer of a single filter, half-way between them; "
                "square each before you add.",
            ),
            (
                lambda moments, even, odd: np.square(_both(moments, even, odd)[0]),
                "the even answer alone is squared: square both, add them, and take the root.",
            ),
            (
                lambda moments, even, odd: np.square(_both(moments, even, odd)[1]),
                "the odd answer alone is squared: square both, add them, and take the root.",
            ),
            (
                lambda moments, even, odd: np.square(_both(moments, even, odd)).sum(axis=0),
                "that is the square of the length; take the root.",
            ),
            (
                lambda moments, even, odd: np.abs(_both(moments, even, odd)[0]),
                "that is one filter of the pair, whose answer changes as the bars move by a quarter of a "
                "cycle.",
            ),
            (
                lambda moments, even, odd: np.abs(_both(moments, even, odd)[1]),
                "that is the odd filter alone, whose answer changes as the bars move by a quarter of a "
                "cycle.",
            ),
            (
                lambda moments, even, odd: np.abs(np.add(*_both(moments, even, odd))),
                "the two are added before they are squared: that is one filter again, half-way between both.",
            ),
            (
                lambda moments, even, odd: np.abs(_both(moments, even, odd)).sum(axis=0),
                "sizes are added; a length is the root of the sum of squares, and only that forgets the "
                "phase.",
            ),
        ),
        praise="It hardly matters where exactly the bars are: a complex cell.",
    ),
    "08.attention": Exercise(
        inputs=LISTS,
        right=_mixed,
        wrong=(
            (
                lambda q, k, v: _unkept(np.exp(_scores(q, k))) @ v,
                "each column is divided by the sum of a row, because `w.sum(axis=1)` lies along the columns; "
                "write `w.sum(axis=1, keepdims=True)`, which stands beside its row.",
            ),
            (
                lambda q, k, v: _softmax(_scores(q, k)).T @ v,
                "the weights are transposed: row i of the weights belongs to the patch that asks, so the "
                "answers are `weights @ v`.",
            ),
            (
                lambda q, k, v: _softmax(q @ k.T * np.sqrt(q.shape[1])) @ v,
                "the scores are multiplied by the root of d; divide by it, so that they do not grow with d.",
            ),
            (
                lambda q, k, v: _scores(q, k) / _scores(q, k).sum(axis=1, keepdims=True) @ v,
                "each row is divided by its sum, but without the exponential, so weights may be negative or "
                "huge; take `np.exp(scores)` first.",
            ),
            (
                lambda q, k, v: _softmax(_scores(q, k), axis=0) @ v,
                "the softmax runs down the columns, over the patches that ask; it has to run along each row, "
                "so that the weights of one query add up to 1.",
            ),
            (
                lambda q, k, v: _softmax(_scores(q, k), axis=None) @ v,
                "the exponentials are divided by the sum of the whole table; each row needs its own sum, so "
                "that the weights of one query add up to 1 (`axis=1, keepdims=True`).",
            ),
            (
                lambda q, k, v: _softmax(q @ k.T) @ v,
                "the scores are not divided by the root of d, so with a larger d the softmax would pick one "
                "patch and ignore the rest.",
            ),
            (
                lambda q, k, v: _softmax(q @ k.T / q.shape[1]) @ v,
                "the scores are divided by d; a sum of d products grows as the root of d.",
            ),
            (
                lambda q, k, v: _softmax(q @ k.T / np.sqrt(q.shape[0])) @ v,
                "the scores are divided by the root of the number of patches; each is a sum of d products, "
                "one for each number of a query, so divide by the root of d, `q.shape[1]`.",
            ),
            (
                lambda q, k, v: _softmax(q @ k.T) / np.sqrt(q.shape[1]) @ v,
                "the weights are divided by the root of d, after the softmax, and no longer add up to 1; "
                "divide the scores, before it.",
            ),
            (
                lambda q, k, v: _scores(q, k) @ v,
                "these are the scores themselves, some of them negative; the softmax makes weights of them.",
            ),
            (
                lambda q, k, v: np.exp(_scores(q, k)) @ v,
                "the exponentials are positive but do not add up to 1; divide each row by its sum.",
            ),
            (
                lambda q, k, v: _softmax(_scores(k, q)) @ v,
                "queries and keys have changed places: a row belongs to the patch that asks, `q @ k.T`.",
            ),
            (
                lambda q, k, v: _softmax(_scores(q, k)) @ k,
                "what is passed on are the values v, not the keys.",
            ),
            (
                lambda q, k, v: _softmax(_scores(q, k)),
                "these are the weights, patches × patches; the answers are the weights times the values v.",
            ),
        ),
        praise="Each patch gets a mean of all values, weighted by how well its query fits each key.",
    ),
    "08.ablation": Exercise(
        choices=("all of it", "more than half", "less than half", "nothing, or next to nothing"),
        right="nothing, or next to nothing",
        wrong=(
            (
                "all of it",
                "with fixed weights the network can no longer choose what to compare; its measured score "
                "falls far, although it was trained anew.",
            ),
            (
                "more than half",
                "that is what we had expected, since a mean over the picture tells where the ground moves; "
                "the runs say otherwise.",
            ),
            ("less than half", "the direction is right; the runs leave even less."),
        ),
        praise="We had guessed wrong: a plain mean over the picture was not enough.",
    ),
}
