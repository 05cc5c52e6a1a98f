"""Exercises of lesson 08: a split that leaks, motion energy, attention."""

import numpy as np

from neurokit.exercises.checking import Exercise

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


def _both(moments: np.ndarray, even: np.ndarray, odd: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The answer of each filter to each moment."""
    return np.tensordot(moments, even, 3), np.tensordot(moments, odd, 3)


def _softmax(scores: np.ndarray, axis: int | None = -1) -> np.ndarray:
    weights = np.exp(scores - scores.max())
    return np.asarray(weights / weights.sum(axis=axis, keepdims=True))


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
        wrong=(
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
                "the gap is one end frame short of `span + reach`.",
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
    "08.order": Exercise(
        choices=(
            "nothing but the order",
            "every answer",
            "only the first patch's answer",
            "the weights alone",
        ),
        right="nothing but the order",
        wrong=(
            (
                "every answer",
                "each weight depends on one query and one key, and the mean does not ask in which order "
                "the values come.",
            ),
            ("only the first patch's answer", "no patch is special: all are treated by the same matrices."),
            ("the weights alone", "the weights are shuffled with the patches, rows and columns alike."),
        ),
        praise="Attention sees a set. Where a patch lies has to be added to what it says: positions.",
    ),
}
