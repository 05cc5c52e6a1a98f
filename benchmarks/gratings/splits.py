"""Which gratings train, which choose, which test: complete conditions are held out, with all their trials.

Letters: C conditions, J numbers that name one, K trials, F frames, A, B, D members of the three parts, E end
frames, N cells, R repeats, c some conditions.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from gratings.movies import NOTHING, GratingMovie
from neurokit.errors import DataError
from neurokit.v1_transformer.clips import MovieSplit

ATTEMPTS = 1000


@dataclass(frozen=True)
class ConditionSplit:
    """The conditions of each part, ascending and disjoint."""

    train: Int[np.ndarray, "A"]
    validation: Int[np.ndarray, "B"]
    test: Int[np.ndarray, "D"]


def split_conditions(
    conditions: Float[np.ndarray, "C J"], *, seed: int, test: float = 0.2, validation: float = 0.1
) -> ConditionSplit:
    """Conditions drawn from `seed`; each number that names some (a direction, say) stays in training.

    Blanks (NaN) always train. Raises DataError where no draw keeps every number, or a part is empty.
    """
    blank = np.isnan(conditions).any(axis=1)
    drawn, random = np.flatnonzero(~blank), np.random.default_rng(seed)
    sizes = [round(fraction * len(drawn)) for fraction in (test, validation)]
    for _ in range(ATTEMPTS):
        held_out = np.split(random.permutation(drawn), np.cumsum(sizes))
        if min(len(part) for part in held_out) and _keeps_all(conditions, drawn, held_out[2]):
            test_part, validation_part, train = (np.sort(part) for part in held_out)
            return ConditionSplit(np.union1d(train, np.flatnonzero(blank)), validation_part, test_part)
    raise DataError(
        f"{len(drawn)} conditions cannot lose {sizes[0]} for test and {sizes[1]} for validation and keep "
        "each direction and frequency in training; hold out other fractions."
    )


def split_repeats(
    direction: Float[np.ndarray, "K"], *, seed: int, test: int = 4, validation: int = 2
) -> ConditionSplit:
    """Trials by repeat: the same ones, drawn from `seed`, for each direction; the rest trains.

    Only for questions about what the stimulus leaves open: what is the same in all repeats is known from
    training. Raises DataError where no repeat is left to train on.
    """
    same = np.equal.outer(direction, direction)
    repeat = np.tril(same, -1).sum(axis=1)  # how often the direction was shown before
    number = int(repeat.max()) + 1
    if min(test, validation) < 1 or test + validation >= number:
        raise DataError(f"{test} and {validation} of {number} repeats held out; use 1 or more, and fewer.")
    order = np.random.default_rng(seed).permutation(number)
    parts = np.split(order, [test, test + validation])
    held_out, choosing, train = (np.flatnonzero(np.isin(repeat, part)) for part in parts)
    return ConditionSplit(train, choosing, held_out)


def snippet_split(movie: GratingMovie, parts: ConditionSplit, *, length: int, stride: int = 1) -> MovieSplit:
    """The end frames of snippets (`length` frames, `stride` apart) whose responses belong to each part.

    Snippets that show a condition of another part are left out of training, those that show one of the test
    out of validation; in test a trained grating may stand beside the one that is asked for.
    """
    reach = (length - 1) * stride
    ends = reach + np.flatnonzero(movie.answered[reach:] != NOTHING)
    shown = movie.shown[ends[:, None] - stride * np.arange(length)]  # E length
    held_out = np.isin(shown, parts.test).any(axis=1)
    chosen_by = np.isin(shown, parts.validation).any(axis=1)
    train, validation, test = (
        np.isin(movie.answered[ends], part) for part in (parts.train, parts.validation, parts.test)
    )
    return MovieSplit(ends[train & ~held_out & ~chosen_by], ends[validation & ~held_out], ends[test])


def shuffled_responses(movie: GratingMovie, split: MovieSplit, *, together: int, seed: int) -> GratingMovie:
    """A control: each stretch of `together` end frames with the responses to another one of its part.

    With the length of a trial the time in it remains, and what a grating looks like says nothing. Test
    responses stay. Raises DataError where a part is not made of such stretches.
    """
    random, responses = np.random.default_rng(seed), movie.responses.copy()
    for ends in (split.train, split.validation):
        if len(ends) % together:
            raise DataError(f"{len(ends)} end frames are no stretches of {together}; use a trial's, or 1.")
        stretches = ends.reshape(-1, together)
        responses[:, stretches] = movie.responses[:, random.permutation(stretches)]
    return replace(movie, responses=responses)


def by_condition(
    values: Float[np.ndarray, "E N"], condition: Int[np.ndarray, "E"], wanted: Int[np.ndarray, "c"]
) -> Float[np.ndarray, "R c N"]:
    """The presentations of each wanted condition in their order, as many as the rarest has.

    Raises DataError where one was not presented.
    """
    rows = [np.flatnonzero(condition == one) for one in wanted]
    fewest = min((len(row) for row in rows), default=0)
    if not fewest:
        raise DataError("A condition that is asked for was not presented; ask for those that were.")
    return np.stack([values[row[:fewest]] for row in rows], axis=1)


def complete_repeats(responses: Float[np.ndarray, "R F N"]) -> Float[np.ndarray, "r F N"]:
    """The repeats in which no response is missing; DataError where fewer than two are left."""
    complete = np.isfinite(responses).all(axis=(1, 2))
    if complete.sum() < 2:
        raise DataError(f"{complete.sum()} of {len(complete)} repeats are complete; a ceiling needs two.")
    return responses[complete]


def _keeps_all(
    conditions: Float[np.ndarray, "C J"], drawn: Int[np.ndarray, "c"], train: Int[np.ndarray, "A"]
) -> bool:
    """Whether every number of the drawn conditions is also one of the training conditions."""
    pairs = zip(conditions[drawn].T, conditions[train].T, strict=True)
    return all(np.isin(all_of_them, trained).all() for all_of_them, trained in pairs)
