"""Exercises of lesson 08: a split that leaks, motion energy, attention."""

import numpy as np

from neurokit.exercises.checking import Exercise

RANDOM = np.random.default_rng(8)
MOMENTS = RANDOM.standard_normal((5, 3, 4, 4))  # moments, frames, rows, columns
EVEN, ODD = RANDOM.standard_normal((2, 3, 4, 4))
Q, K, V = RANDOM.standard_normal((3, 6, 4))  # patches, numbers


def _split(frames: int, span: int, reach: int, test: int, gap: int | None = None) -> tuple[np.ndarray, ...]:
    ends = np.arange(span - 1, frames - reach)
    return ends[: len(ends) - test - (span + reach if gap is None else gap)], ends[-test:]


def _both(moments: np.ndarray, even: np.ndarray, odd: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The answer of each filter to each moment."""
    return np.tensordot(moments, even, 3), np.tensordot(moments, odd, 3)


def _softmax(scores: np.ndarray, axis: int = -1) -> np.ndarray:
    weights = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return np.asarray(weights / weights.sum(axis=axis, keepdims=True))


def _mixed(q: np.ndarray, k: np.ndarray, v: np.ndarray, root: float = 0.5, axis: int = -1) -> np.ndarray:
    return np.asarray(_softmax(q @ k.T / q.shape[1] ** root, axis) @ v)


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
        inputs=((100, 10, 3, 20), (60, 5, 2, 9)),
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
        ),
        praise="No frame and no sample of a test clip is in a training clip.",
    ),
    "08.energy": Exercise(
        inputs=((MOMENTS, EVEN, ODD),),
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
        inputs=((Q, K, V),),
        right=_mixed,
        wrong=(
            (
                lambda q, k, v: _mixed(q, k, v, axis=0),
                "the softmax runs over the patches that ask; the weights of each, a row, must add up to 1.",
            ),
            (
                lambda q, k, v: _mixed(q, k, v, root=0.0),
                "the scores are not divided by the root of d, so with more numbers the softmax would "
                "pick one patch and ignore the rest.",
            ),
            (
                lambda q, k, v: _mixed(q, k, v, root=1.0),
                "the scores are divided by d; a sum of d products grows as the root of d.",
            ),
            (
                lambda q, k, v: q @ k.T / q.shape[1] ** 0.5 @ v,
                "these are the scores themselves, some of them negative; the softmax makes weights of them.",
            ),
            (
                lambda q, k, v: _mixed(q, k, k),
                "what is passed on are the values v, not the keys.",
            ),
        ),
        praise="Each patch gets a mean of all values, weighted by how well its question fits each key.",
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
                "each weight depends on one question and one key, and the mean does not ask in which order "
                "the values come.",
            ),
            ("only the first patch's answer", "no patch is special: all are treated by the same matrices."),
            ("the weights alone", "the weights are shuffled with the patches, rows and columns alike."),
        ),
        praise="Attention sees a set. Where a patch lies has to be added to what it says: positions.",
    ),
}
