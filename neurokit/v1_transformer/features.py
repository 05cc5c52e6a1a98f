"""From a session to what models are fitted to: one array of frames, responses of all repeats, and a split.

Letters: R repeats, F frames of all movies together, H x W pixels, N cells.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from neurokit.errors import DataError
from neurokit.metrics.repeats import cc_max
from neurokit.v1_transformer.allen_files import Movie
from neurokit.v1_transformer.clips import Clips
from neurokit.v1_transformer.config import ClipShape, Running, TransformerConfig
from neurokit.v1_transformer.recording import MovieSession
from neurokit.v1_transformer.scales import (
    MovieScales,
    MovieSplit,
    frame_responses,
    frame_running,
    join_splits,
    split_movie,
)

RELIABLE = 0.5  # ceiling of a cell, in training frames, from which on it is counted


@dataclass(frozen=True, eq=False)
class MovieTask:
    """All movies of a session, one after another in one array.

    Attributes:
        frames: grey values.
        responses: dF/F (fraction) after each frame; NaN at the very end of a recording.
        running: cm/s, NaN where not measured; None for a model that is not given it.
        split: end frames for training, validation and test, cut in movie time for all repeats alike.
        shape: of the clips.
        per_frame: whether a model answers at each frame of a clip, not once.
        scales: those of a trained model; None: fitted to training frames.
        speed: as running, but always that of the repeat itself; None where a session was read without.
        starts: sample of the recording at which each frame came on.
        cell_ids: Allen's numbers of the cells.
        frame_rate: Hz.
        truth: file with what was planted in a simulated session.
    """

    frames: UInt8[np.ndarray, "F H W"]
    responses: Float[np.ndarray, "R F N"]
    running: Float[np.ndarray, "R F"] | None
    split: MovieSplit
    shape: ClipShape
    per_frame: bool = False
    scales: MovieScales | None = None
    speed: Float[np.ndarray, "R F"] | None = None
    starts: Int[np.ndarray, "R F"] | None = None
    cell_ids: Int[np.ndarray, "N"] | None = None
    frame_rate: float | None = None
    truth: Path | None = None

    def clips(self) -> Clips:
        """What networks are trained on, on the CPU; raises DataError for scales of other cells."""
        return Clips(
            self.frames,
            self.responses,
            self.split,
            running=self.running,
            length=self.shape.length,
            stride=self.shape.stride,
            before=self.shape.before,
            per_frame=self.per_frame,
            scales=self.scales,
        )

    def reliable(self, least: float = RELIABLE) -> Bool[np.ndarray, "N"]:
        """The cells whose ceiling (`cc_max`) reaches `least` in training frames."""
        return cc_max(self.responses[:, self.split.train]) >= least


def task(
    recording: MovieSession,
    config: TransformerConfig = TransformerConfig(),  # noqa: B008  frozen
    *,
    arrays: Mapping[str, np.ndarray] | None = None,
    device: str = "auto",
) -> MovieTask:
    """The task of a session's movies (default: all that were read), as the config's model reads them.

    Of each movie the last fifth tests and a tenth before it validates, with gaps between, in all repeats.
    `arrays` are the scales of a trained model; all lies on the CPU. Raises DataError for movies that are not
    there or were repeated unequally often, for running that is asked for and was not measured, and where
    `split_movie` does; CheckpointError for arrays that are no scales.
    """
    chosen, shape = _chosen(recording, config.movies), config.shape
    starts = np.concatenate([movie.starts for movie in chosen], axis=1)  # R F
    lengths = [movie.starts.shape[1] for movie in chosen]
    splits = [split_movie(length, clip=shape.span, lag=shape.reach) for length in lengths]
    speed = frame_running(recording.running, starts)
    return MovieTask(
        frames=np.concatenate([movie.frames for movie in chosen]),
        responses=frame_responses(recording.dff, starts, lag=shape.lag, window=shape.window),
        running=given_running(speed, config.running, seed=config.seed),
        split=join_splits(splits, np.cumsum([0, *lengths[:-1]]).tolist()),
        shape=shape,
        per_frame=config.model.head == "per_frame",
        scales=None if arrays is None else MovieScales.from_arrays(arrays),
        speed=None if np.isnan(speed).all() else speed,
        starts=starts,
        cell_ids=recording.cell_ids,
        frame_rate=_frame_rate(recording, chosen[0]),
        truth=recording.truth,
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


def _frame_rate(recording: MovieSession, movie: Movie) -> float:
    """Frames per second, Hz, over the repeats of a movie."""
    first, last = recording.time[movie.starts[:, 0]], recording.time[movie.starts[:, -1]]
    return round(float(len(movie.frames) - 1) / float((last - first).mean()), 2)


def _chosen(recording: MovieSession, movies: tuple[str, ...] | None) -> list[Movie]:
    names = list(recording.movies) if movies is None else list(movies)
    if missing := [name for name in names if name not in recording.movies]:
        asked, there = ", ".join(missing), ", ".join(recording.movies)
        raise DataError(f"Session {recording.session_id} was read without {asked}: choose of {there}.")
    chosen = [recording.movies[name] for name in names]
    repeats = {movie.name: len(movie.starts) for movie in chosen}
    if len(set(repeats.values())) != 1:
        raise DataError(f"Movies were repeated unequally often ({repeats}): choose one with movies=.")
    return chosen
