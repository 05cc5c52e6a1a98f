"""Which frames of a movie train, which choose, which are touched once.

All repeats show the same frames, and neighbouring snippets share most of theirs. So a movie is split by
its own time, for all repeats alike, into blocks with a gap between them: no frame that a block's snippets
show, and none during which its responses are read, belongs to another block.

Letters: F frames of a movie; A, B, C end frames.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from neurokit.errors import DataError


@dataclass(frozen=True)
class MovieSplit:
    """The end frames of each part's snippets: ascending, disjoint, the same for all repeats."""

    train: Int[np.ndarray, "A"]
    validation: Int[np.ndarray, "B"]
    test: Int[np.ndarray, "C"]


def split_movie(
    frames: int,
    *,
    snippet: int,
    lag: int,
    test: float = 0.2,
    validation: float = 0.1,
    gap: int | None = None,
) -> MovieSplit:
    """Three blocks in movie time: the first trains, the last tests, with `gap` end frames left out between.

    `snippet` is the number of frames from the first of a snippet to its end frame, `lag` how many frames
    after that its response is still read: lag + window - 1 of `frame_responses`. The gap is snippet + lag
    unless given. The last `lag` frames end no snippet: the next repeat begins while their response is read.
    Raises DataError for a gap below snippet + lag, and where a part would be empty.
    """
    ends, gap = _ends(frames, snippet, lag), snippet + lag if gap is None else gap
    if gap < snippet + lag:
        raise DataError(
            f"gap is {gap} frames, snippet + lag {snippet + lag}; use that or more, else blocks overlap."
        )
    sizes = _sizes(len(ends) - 2 * gap, validation, test, f"{frames} frames with gaps of {gap}")
    first, second = sizes[0] + gap, sizes[0] + sizes[1] + 2 * gap
    return MovieSplit(ends[: sizes[0]], ends[first : first + sizes[1]], ends[second:])


def split_movie_leaking(
    frames: int, *, snippet: int, lag: int, seed: int, test: float = 0.2, validation: float = 0.1
) -> MovieSplit:
    """A control that leaks, never to be scored by: end frames drawn one by one.

    Nearly every test snippet then shares all but one of its frames with a training snippet, and its
    response is read when that one's is. Raises DataError where a part would be empty.
    """
    ends = np.random.default_rng(seed).permutation(_ends(frames, snippet, lag))
    sizes = _sizes(len(ends), validation, test, f"{frames} frames")
    return MovieSplit(*(np.sort(part) for part in np.split(ends, np.cumsum(sizes[:2]))))


def snippet_frames(ends: Int[np.ndarray, "A"], length: int, stride: int = 1) -> Int[np.ndarray, "f"]:
    """All frames that snippets of `length` frames, `stride` apart, show; ascending, each once."""
    return np.unique(ends[:, None] - stride * np.arange(length))


def joined(splits: Sequence[MovieSplit], starts: Sequence[int]) -> MovieSplit:
    """The split of movies that follow one another in one array, each from its frame of `starts` on."""
    moved = [
        [each.train + start, each.validation + start, each.test + start]
        for each, start in zip(splits, starts, strict=True)
    ]
    return MovieSplit(*(np.concatenate(part) for part in zip(*moved, strict=True)))


def _ends(frames: int, snippet: int, lag: int) -> Int[np.ndarray, "A"]:
    """Frames that have a whole snippet before them and whose response is over when the movie is."""
    if snippet < 1 or lag < 0:
        raise DataError(f"snippet is {snippet}, lag {lag}; use 1 or more and 0 or more.")
    return np.arange(snippet - 1, frames - lag)


def _sizes(ends: int, validation: float, test: float, finding: str) -> tuple[int, int, int]:
    """End frames of train, validation and test."""
    held_out = [round(fraction * max(ends, 0)) for fraction in (validation, test)]
    train = ends - sum(held_out)
    if min(train, *held_out) < 1:
        raise DataError(
            f"{finding} leave {train}, {held_out[0]} and {held_out[1]} snippets to train, validate and test; "
            "give a longer movie, shorter snippets or other fractions."
        )
    return train, *held_out
