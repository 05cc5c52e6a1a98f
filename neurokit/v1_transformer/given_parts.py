"""Parts that a recording of one's own says itself: which frames of a movie train, validate and test.

A clip belongs to a part if all its frames do, and those during which its response is read. Where repeats of
the same frames have different parts, no split by stimulus follows from them, and a movie is cut by its own
time, as one without parts.

Letters: F frames of a movie, E end frames.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Shaped

from neurokit.errors import DataError
from neurokit.recordings.recording import Stimulus
from neurokit.v1_transformer.clips import PARTS, MovieSplit
from neurokit.v1_transformer.config import ClipShape

VALIDATION = 0.1  # of the frames that train, where none validate


def read_parts(movie: Stimulus) -> Shaped[np.ndarray, "F"] | None:
    """The word of each frame, empty for one that has none; None where there is none or repeats differ."""
    if movie.part is None or movie.frames is None or not (movie.part != "").any():
        return None
    there = movie.shown >= 0
    frame, word = movie.shown[there], movie.part[there].astype(str)
    found = np.full(len(movie.frames), "", dtype=word.dtype)
    found[frame] = word
    return found if (found[frame] == word).all() else None


def describe_parts(movie: Stimulus) -> list[str]:
    """A sentence on the parts of a movie that has some."""
    if movie.part is None or not (movie.part != "").any():
        return []
    if (words := read_parts(movie)) is None:
        reason = "they tell repeats of the same frames apart, and a model is tested on what it never saw"
        return [f"tiers of {movie.name} are not taken, since {reason}: the movie is cut by its own time"]
    counts = {part: int((words == part).sum()) for part in PARTS}
    train, validation, test = counts.values()
    said = f"of {len(words)} frames {train} train, {validation} validate and {test} test"
    others = len(words) - sum(counts.values())
    return [f"tiers of {movie.name} are taken: {said}" + (f", {others} are in no part" if others else "")]


def split_as_given(parts: Shaped[np.ndarray, "F"], *, clip: int, lag: int) -> MovieSplit:
    """The end frames whose clips lie in one part, with the `lag` frames during which responses are read."""
    run = np.cumsum(np.append(False, parts[1:] != parts[:-1]))
    ends = np.arange(clip - 1, len(parts) - lag)
    whole = ends[run[ends - clip + 1] == run[ends + lag]]
    return MovieSplit(*(whole[parts[whole] == part] for part in PARTS))


def add_validation(
    movies: Sequence[Shaped[np.ndarray, "_F"] | None], needed: Sequence[int]
) -> list[Shaped[np.ndarray, "_F"] | None]:
    """The parts of each movie; where none validates, the end of the longest stretch that trains does.

    `needed` are the frames of a clip with its response; a tenth of the frames that train is added to them.
    """
    if any(words is None or (words == "validation").any() for words in movies):
        return list(movies)
    return [None if w is None else _validate_end(w, n) for w, n in zip(movies, needed, strict=True)]


def _validate_end(words: Shaped[np.ndarray, "F"], needed: int) -> Shaped[np.ndarray, "F"]:
    train = np.append(np.append(False, words == "train"), False).astype(int)
    starts, ends = np.flatnonzero(np.diff(train) == 1), np.flatnonzero(np.diff(train) == -1)
    if not len(starts):
        return words
    longest = int(np.argmax(ends - starts))
    frames = needed + round(VALIDATION * int(train.sum()))
    found = words.astype("U64")
    found[max(starts[longest], ends[longest] - frames) : ends[longest]] = "validation"
    return found


def check_parts(split: MovieSplit, shape: ClipShape) -> None:
    """Raises DataError where parts leave nothing to train, validate or test with."""
    for part in PARTS:
        if not len(getattr(split, part)):
            raise DataError(
                f"tiers leave no clip to the {part} part: all {shape.span} frames that a clip spans, and "
                "those during which its response is read, must be of one part; give longer stretches, or "
                "shorter clips (shape.length)."
            )
