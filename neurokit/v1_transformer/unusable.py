"""What a task leaves out besides what its recording did, so that one bad piece costs one piece.

A movie that is one grey value throughout is left out, and one whose frames come at another rate than those of
the first, since all clips count frames alike. So is a repeat in which most cells have no response,
and a cell that lacks one in other repeats, or whose responses never change in a part. All movies of a task
have equally many repeats. A clip is left out of training, or of validation, where it shows a frame that a
later part shows, too: frames are compared, not their numbers.

Letters: R repeats, F frames of all movies, H x W pixels, N cells, E end frames of a part.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from neurokit.errors import DataError
from neurokit.training.omissions import Omission, leave_out
from neurokit.v1_transformer.clips import PARTS, MovieSplit, clip_frames
from neurokit.v1_transformer.config import ClipShape
from neurokit.v1_transformer.recording import Movie, MovieSession


@dataclass(frozen=True, eq=False)
class Usable:
    """The repeats and cells of a session that have a response wherever a clip needs one.

    Attributes:
        movies: with those repeats alone, equally many of each.
        responses: dF/F (fraction) after each frame of all movies.
        cell_ids: of the cells.
        omissions: the others, and those of the recording that concern these movies.
    """

    movies: list[Movie]
    responses: Float[np.ndarray, "R F N"]
    cell_ids: Int[np.ndarray, "N"]
    omissions: tuple[Omission, ...]


def drop_blank(movies: Sequence[Movie], session: int | str) -> tuple[list[Movie], tuple[Omission, ...]]:
    """The movies that show anything, and those that are one grey value in all frames.

    Raises DataError with the name of the session where none shows anything.
    """
    blank = np.array([movie.frames.min() == movie.frames.max() for movie in movies])
    names = [movie.name for movie in movies]
    if blank.all():
        values = ", ".join(f"{movie.name} ({movie.frames.min()})" for movie in movies)
        raise DataError(
            f"Session {session} shows one grey value in all frames of {values}: choose others with movies= "
            "(--movies), or write the frames that were shown."
        )
    kept = [movie for movie, bad in zip(movies, blank, strict=True) if not bad]
    return kept, leave_out(blank, names, "constant", "movies")


def drop_other_rates(
    movies: Sequence[Movie], strides: Sequence[int]
) -> tuple[list[Movie], tuple[Omission, ...]]:
    """The movies whose clips have the stride of the first, frames, and the others."""
    other = np.array(strides) != strides[0]
    kept = [movie for movie, gone in zip(movies, other.tolist(), strict=True) if not gone]
    return kept, leave_out(other, [movie.name for movie in movies], "other_rate", "movies")


def answered_frames(split: MovieSplit, shape: ClipShape, per_frame: bool) -> Int[np.ndarray, "f"]:
    """The frames of a split whose responses are predicted."""
    return np.concatenate([_answered(split, part, shape, per_frame) for part in PARTS])


def choose_usable(
    recording: MovieSession,
    movies: Sequence[Movie],
    responses: Sequence[Float[np.ndarray, "_R _F N"]],
    needed: Sequence[Int[np.ndarray, "_"]],
) -> Usable:
    """Of each movie the repeats, and of all the cells, that have responses to the frames that are `needed`.

    Raises DataError where fewer than two repeats, or no cell, are left.
    """
    missing = [np.isnan(each[:, frames]).any(axis=1) for each, frames in zip(responses, needed, strict=True)]
    lost = [2 * each.sum(axis=1) > each.shape[1] for each in missing]  # R each
    unknown = np.any([each[~gone].any(axis=0) for each, gone in zip(missing, lost, strict=True)], axis=0)  # N
    least = min(int((~gone).sum()) for gone in lost)
    if least < 2:
        finding = f"has {least} repeats with dF/F throughout of one of its movies, and scores need two"
        raise DataError(f"Session {recording.session_id} {finding}: choose others with movies= (--movies).")
    omissions = _of_movies(recording.omissions, movies)
    omissions += leave_out(unknown, recording.cell_ids, "not_finite", "units")
    kept: list[Movie] = []
    parts: list[np.ndarray] = []
    for movie, values, gone in zip(movies, responses, lost, strict=True):
        surplus = ~gone & (np.cumsum(~gone) > least)
        omissions += leave_out(gone, movie.repeat_names, "not_finite", "repeats")
        omissions += leave_out(surplus, movie.repeat_names, "unpaired", "repeats")
        kept.append(_keep_repeats(movie, ~gone & ~surplus))
        parts.append(values[~gone & ~surplus] if (gone | surplus).any() else values)
    found = np.concatenate(parts, axis=1) if len(parts) > 1 else parts[0]
    if not unknown.any():
        return Usable(kept, found, recording.cell_ids, omissions)
    return Usable(kept, np.ascontiguousarray(found[..., ~unknown]), recording.cell_ids[~unknown], omissions)


def _of_movies(omissions: Sequence[Omission], movies: Sequence[Movie]) -> tuple[Omission, ...]:
    names = {movie.name for movie in movies}
    return tuple(
        each for each in omissions if each.pieces != "repeats" or each.names[0].split("/")[0] in names
    )


def _keep_repeats(movie: Movie, kept: Bool[np.ndarray, "R"]) -> Movie:
    if kept.all():
        return movie
    numbers = np.arange(len(kept)) if movie.numbers is None else movie.numbers
    return replace(movie, starts=movie.starts[kept], numbers=numbers[kept])


def drop_constant(
    responses: Float[np.ndarray, "R F N"],
    cell_ids: Int[np.ndarray, "N"],
    split: MovieSplit,
    shape: ClipShape,
    per_frame: bool,
) -> tuple[Float[np.ndarray, "R F _"], Int[np.ndarray, "_"], tuple[Omission, ...]]:
    """The responses and ids of all cells whose responses change in each part, and who was left out."""
    flat, omissions = np.zeros(len(cell_ids), dtype=bool), tuple[Omission, ...]()
    for part in PARTS:
        known = responses[:, _answered(split, part, shape, per_frame)]
        here = (np.ptp(known, axis=(0, 1)) == 0) & ~flat
        omissions += leave_out(here, cell_ids, "constant", "units", part=part)
        flat |= here
    if not flat.any():
        return responses, cell_ids, ()
    return np.ascontiguousarray(responses[..., ~flat]), cell_ids[~flat], omissions


def _answered(split: MovieSplit, part: str, shape: ClipShape, per_frame: bool) -> Int[np.ndarray, "f"]:
    ends = getattr(split, part)
    return clip_frames(ends, shape.length, shape.stride) if per_frame else ends


def drop_shared(
    split: MovieSplit, frames: UInt8[np.ndarray, "F H W"], shape: ClipShape, movies: Sequence[Movie]
) -> tuple[MovieSplit, tuple[Omission, ...]]:
    """The split without clips that show a frame of a later part, and which these were.

    Frames of one grey value, which carry nothing, may be in all parts.
    """
    kinds = np.array([int.from_bytes(blake2b(each, digest_size=8).digest()) for each in frames], np.uint64)
    distinct, kind, counts = np.unique(kinds, return_inverse=True, return_counts=True)
    if len(distinct) == len(frames):
        return split, ()
    plain = frames.min(axis=(1, 2)) == frames.max(axis=(1, 2))
    kind = np.where(plain | (counts[kind] == 1), -1, kind)
    names = [f"{movie.name}/{frame}" for movie in movies for frame in range(len(movie.frames))]
    later, kept, omissions = np.empty(0, dtype=int), {"test": split.test}, tuple[Omission, ...]()
    for part, after in (("validation", "test"), ("train", "validation")):
        later = np.union1d(later, kind[_shown(kept[after], shape)])
        ends = getattr(split, part)
        shared = np.isin(kind[_shown(ends, shape)], later[later >= 0]).sum(axis=1) > 0
        omissions += leave_out(shared, [names[end] for end in ends], "shown_in_two_parts", "clips", part=part)
        kept[part] = ends[~shared]
    return MovieSplit(kept["train"], kept["validation"], kept["test"]), omissions


def _shown(ends: Int[np.ndarray, "E"], shape: ClipShape) -> Int[np.ndarray, "E T"]:
    """The frames that each clip shows, with those before."""
    return ends[:, None] - shape.stride * np.arange(shape.length + shape.before)
