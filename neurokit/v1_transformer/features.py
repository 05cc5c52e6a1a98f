"""From a session to what models are fitted to: one array of frames, responses of all repeats, and a split.

Letters: R repeats, F frames of all movies together, H x W pixels, N neurons.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, UInt8

from neurokit.errors import DataError
from neurokit.metrics.repeats import cc_max
from neurokit.v1_transformer.allen_files import Movie
from neurokit.v1_transformer.config import Recipe, Running, SnippetShape
from neurokit.v1_transformer.recording import MovieSession
from neurokit.v1_transformer.scales import (
    MovieScales,
    MovieSplit,
    frame_responses,
    frame_running,
    joined,
    split_movie,
)
from neurokit.v1_transformer.snippets import Snippets

RELIABLE = 0.5  # ceiling of a cell, in training frames, from which on it is counted


@dataclass(frozen=True, eq=False)
class MovieTask:
    """All movies of a session, one after another in one array.

    Attributes:
        frames: grey values.
        responses: dF/F (fraction) after each frame; NaN at the very end of a recording.
        running: cm/s, NaN where not measured; None for a model that is not given it.
        split: end frames for training, validation and test, cut in movie time for all repeats alike.
        shape: of the snippets.
    """

    frames: UInt8[np.ndarray, "F H W"]
    responses: Float[np.ndarray, "R F N"]
    running: Float[np.ndarray, "R F"] | None
    split: MovieSplit
    shape: SnippetShape

    def snippets(self, *, per_frame: bool = False, scales: MovieScales | None = None) -> Snippets:
        """What networks are trained on; `per_frame` asks for a response at each frame of a snippet.

        `scales` are those of a saved model; without them they are fitted to training frames. Raises
        DataError for scales of other cells.
        """
        given = {name: getattr(self.shape, name) for name in ("length", "stride", "before")}
        given |= {"running": self.running, "per_frame": per_frame, "scales": scales}
        return Snippets(self.frames, self.responses, self.split, **given)

    def reliable(self, least: float = RELIABLE) -> Bool[np.ndarray, "N"]:
        """The cells whose ceiling (`cc_max`) reaches `least` in training frames."""
        return cc_max(self.responses[:, self.split.train]) >= least


def prepare(
    session: MovieSession,
    recipe: Recipe = Recipe(),  # noqa: B008  frozen
    *,
    movies: Sequence[str] | None = None,
) -> MovieTask:
    """The task of a session's movies (default: all it has), as the recipe's model reads them.

    Of each movie the last fifth tests and a tenth before it validates, with gaps between, in all repeats.
    Raises DataError for movies that are not there or were repeated unequally often, for running that is
    asked for and was not measured, and where `split_movie` does.
    """
    chosen, shape = _chosen(session, movies), recipe.shape
    starts = np.concatenate([movie.starts for movie in chosen], axis=1)  # R F
    lengths = [movie.starts.shape[1] for movie in chosen]
    splits = [split_movie(length, snippet=shape.span, lag=shape.reach) for length in lengths]
    return MovieTask(
        frames=np.concatenate([movie.frames for movie in chosen]),
        responses=frame_responses(session.dff, starts, lag=shape.lag, window=shape.window),
        running=given_running(frame_running(session.running, starts), recipe.running, seed=recipe.seed),
        split=joined(splits, np.cumsum([0, *lengths[:-1]]).tolist()),
        shape=shape,
    )


def given_running(
    speed: Float[np.ndarray, "R F"], running: Running, *, seed: int
) -> Float[np.ndarray, "R F"] | None:
    """What stands beside the movie: the speed, nothing, or to each repeat the speed of another one.

    Raises DataError for a speed that was measured nowhere.
    """
    if running == "none":
        return None
    if np.isnan(speed).all():
        raise DataError("Running was not measured while the movies were shown: use running='none'.")
    if running == "measured":
        return speed
    if len(speed) < 2:
        raise DataError("running='shuffled' needs the speed of another repeat, and there is one repeat only.")
    order = np.random.default_rng(seed).permutation(len(speed))
    return speed[np.roll(order, 1)[np.argsort(order)]]  # along a circle, so no repeat keeps its own


def _chosen(session: MovieSession, movies: Sequence[str] | None) -> list[Movie]:
    names = list(session.movies) if movies is None else [movies] if isinstance(movies, str) else list(movies)
    if len(set(names)) < len(names):
        raise DataError(f"movies names one twice ({', '.join(names)}): name each once.")
    missing = [name for name in names if name not in session.movies]
    if missing or not names:
        asked = ", ".join(missing) or "any movie"
        there = ", ".join(session.movies)
        raise DataError(f"Session {session.session_id} was read without {asked}: choose of {there}.")
    chosen = [session.movies[name] for name in names]
    repeats = {movie.name: len(movie.starts) for movie in chosen}
    if len(set(repeats.values())) != 1:
        raise DataError(f"Movies were repeated unequally often ({repeats}): choose one with movies=.")
    return chosen
