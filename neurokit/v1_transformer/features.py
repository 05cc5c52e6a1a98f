"""From a session to what models are fitted to: one array of frames, responses of all repeats, and a split.

The split says which frames of a movie train, which choose, which are touched once. All repeats show the same
frames, and neighbouring clips share most of theirs. So a movie is split by its own time, for all repeats
alike, into blocks with a gap between them: the frames that a block's clips show, and those during which its
responses are read, belong to that block alone.

Letters: S samples of the two-photon clock (about 30 Hz), R repeats, F frames of all movies together,
H x W pixels, N cells, E end frames.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from neurokit.arguments import explain_failure, explain_values
from neurokit.errors import DataError
from neurokit.metrics.repeats import cc_max
from neurokit.training.omissions import Omission, leave_out
from neurokit.v1_transformer.clips import Clips, MovieScales, MovieSplit
from neurokit.v1_transformer.config import ClipShape, Running, TransformerConfig
from neurokit.v1_transformer.given_parts import add_validation, check_parts, split_as_given
from neurokit.v1_transformer.recording import Movie, MovieSession, read_frames
from neurokit.v1_transformer.unusable import (
    answered_frames,
    choose_usable,
    drop_blank,
    drop_constant,
    drop_other_rates,
    drop_shared,
)

RELIABLE = 0.5  # ceiling of a cell, in training frames, from which on it is counted


@dataclass(frozen=True, eq=False)
class MovieTask:
    """All movies of a session, one after another in one array.

    Attributes:
        frames: grey values.
        responses: dF/F (fraction) after each frame; NaN at the very end of a recording.
        running: cm/s, NaN where not measured; None for a model that does not read it.
        split: end frames for training, validation and test, cut in movie time for all repeats alike.
        shape: of the clips.
        per_frame: whether a model answers at each frame of a clip, not once.
        scales: those of a trained model; None: fitted to training frames.
        speed: as running, but always that of the repeat itself; None where a session was read without.
        starts: sample of the recording at which each frame came on.
        cell_ids: Allen's numbers of the cells.
        frame_rate: Hz.
        truth: file with what was planted in a simulated session.
        omissions: cells, repeats and clips of the session that are not here.
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
    omissions: tuple[Omission, ...] = ()

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


@explain_failure
def task(
    recording: MovieSession,
    config: TransformerConfig = TransformerConfig(),  # noqa: B008  frozen
    *,
    arrays: Mapping[str, np.ndarray] | None = None,
    device: str = "auto",
) -> MovieTask:
    """The task of a session's movies (default: all that were read), as the config's model reads them.

    Of each movie the last fifth tests and a tenth before it validates, with gaps between, in all repeats,
    unless one's own recording says itself which frames are for what. Movies, cells, repeats and clips that
    cannot be used are left out (`neurokit.v1_transformer.unusable`), and so is running that was not recorded:
    a model of such a task reads none. `arrays` are the scales of a trained model; all lies on the CPU. Raises
    DataError for movies that are not there or show one grey value, all of them; where fewer than two repeats
    or no cell are left, for running that is read but was not measured while the movies were shown, and where
    a movie, or a part of it, is too short for clips; CheckpointError for arrays that are not scales.
    """
    _check_areas(recording, config.areas)
    shape, slower = config.shape, tuple[Omission, ...]()
    chosen, blank = drop_blank(_choose_movies(recording, config.movies), recording.session_id)
    if recording.shrinks:
        chosen, slower = drop_other_rates(chosen, [_stride(each, shape) for each in chosen])
        shape = _at_rate(shape, recording.time, chosen[0])
        chosen = [_shrink(each, config.model.frame) for each in chosen]
    per_frame = config.model.head == "per_frame"
    splits = _split(chosen, shape)
    responses = [
        frame_responses(recording.dff, each.starts, lag=shape.lag, window=shape.window) for each in chosen
    ]
    needed = [answered_frames(each, shape, per_frame) for each in splits]
    kept = choose_usable(recording, chosen, responses, needed)
    frames = np.concatenate([movie.frames for movie in kept.movies])
    offsets = np.cumsum([0, *(len(movie.frames) for movie in kept.movies[:-1])]).tolist()
    split, shown_twice = drop_shared(join_splits(splits, offsets), frames, shape, kept.movies)
    if any(movie.parts is not None for movie in kept.movies):
        check_parts(split, shape)
    answers, cell_ids, flat = drop_constant(kept.responses, kept.cell_ids, split, shape, per_frame)
    starts = np.concatenate([movie.starts for movie in kept.movies], axis=1)  # R F
    speed, running, unrecorded = _find_running(recording, starts, config)
    return MovieTask(
        frames=frames,
        responses=answers,
        running=running,
        split=split,
        shape=shape,
        per_frame=per_frame,
        scales=None if arrays is None else MovieScales.from_arrays(arrays),
        speed=speed,
        starts=starts,
        cell_ids=cell_ids,
        frame_rate=_measure_frame_rate(recording, kept.movies[0]),
        truth=recording.truth,
        omissions=(*kept.omissions, *blank, *slower, *shown_twice, *flat, *unrecorded),
    )


def _find_running(
    recording: MovieSession, starts: Int[np.ndarray, "R F"], config: TransformerConfig
) -> tuple[Float[np.ndarray, "R F"] | None, Float[np.ndarray, "R F"] | None, tuple[Omission, ...]]:
    """The speed, what the model reads of it, and that it was not recorded, where that is so."""
    if recording.running is None:
        if config.running == "shuffled":
            raise DataError(
                "Running was not recorded, so none can be shuffled: use running='none' (--running none)."
            )
        lacking = config.running != "none"
        channels = np.array([False, lacking])
        return None, None, leave_out(channels, ("movie", "running"), "not_recorded", "channels")
    speed = frame_running(recording.running, starts)
    read = choose_running(speed, config.running, seed=config.seed)
    return None if np.isnan(speed).all() else speed, read, ()


def _shrink(movie: Movie, size: tuple[int, int]) -> Movie:
    """The movie in frames of that size at most."""
    return replace(movie, frames=read_frames(movie.frames, size, movie.name))


def _at_rate(shape: ClipShape, time: Float[np.ndarray, "S"], movie: Movie) -> ClipShape:
    """The shape that takes as long at these rates as at 30 Hz: stride by that of the movie, lag and window by
    that of the microscope, to a quarter of a sample, and one sample of window at least: a longer lag would
    make the target an answer to frames after the clip.
    """
    ratio = 1 / (30 * float(np.median(np.diff(time))))
    lag, window = (int(samples * ratio + 0.25) for samples in (shape.lag, shape.window))
    return shape.replace(stride=_stride(movie, shape), lag=lag, window=max(1, window))


def _stride(movie: Movie, shape: ClipShape) -> int:
    """Frames from one of a clip to the next, for nearly as long as at 30 Hz.

    Halves go up: 0.12 s at 25 Hz is nearer to 0.1 s than 0.08 s, in proportion; and so do those that a
    measured rate is a little below.
    """
    ratio = 1.0 if movie.rate is None else movie.rate / 30
    return max(1, int(shape.stride * ratio + 0.55))


def _split(movies: Sequence[Movie], shape: ClipShape) -> list[MovieSplit]:
    """The split of each movie: as its recording says, else by its own time."""
    lags = [_lag_frames(each, shape) for each in movies]
    parts = add_validation([each.parts for each in movies], [shape.span + lag for lag in lags])
    return [
        split_movie(len(movie.frames), clip=shape.span, lag=lag)
        if words is None
        else split_as_given(words, clip=shape.span, lag=lag)
        for movie, words, lag in zip(movies, parts, lags, strict=True)
    ]


def _lag_frames(movie: Movie, shape: ClipShape) -> int:
    """How many frames after an end frame its response is still read; more where frames share a sample."""
    if (np.diff(movie.starts, axis=1) > 0).all():
        return shape.reach
    last = [np.searchsorted(each, each + shape.reach, side="right") - 1 for each in movie.starts]
    return int(max(shape.reach, (np.array(last) - np.arange(movie.starts.shape[1])).max()))


def choose_running(
    speed: Float[np.ndarray, "R F"], running: Running, *, seed: int
) -> Float[np.ndarray, "R F"] | None:
    """What the model reads beside the movie: the speed, nothing, or in each repeat the speed of another one.

    Raises DataError for a speed that was never measured.
    """
    if running == "none":
        return None
    if np.isnan(speed).all():
        raise DataError(
            "Running was not measured while the movies were shown: use running='none' (--running none)."
        )
    if running == "measured":
        return speed
    if len(speed) < 2:
        raise DataError("running='shuffled' needs the speed of another repeat, and there is one repeat only.")
    order = np.random.default_rng(seed).permutation(len(speed))
    return speed[np.roll(order, 1)[np.argsort(order)]]  # along a circle, so no repeat keeps its own


def _measure_frame_rate(recording: MovieSession, movie: Movie) -> float:
    """Frames per second, Hz, over the repeats of a movie."""
    first, last = recording.time[movie.starts[:, 0]], recording.time[movie.starts[:, -1]]
    return round(float(len(movie.frames) - 1) / float((last - first).mean()), 2)


def _choose_movies(recording: MovieSession, movies: tuple[str, ...] | None) -> list[Movie]:
    names = list(recording.movies) if movies is None else list(movies)
    if missing := [name for name in names if name not in recording.movies]:
        asked, there = ", ".join(missing), ", ".join(recording.movies)
        raise DataError(f"Session {recording.session_id} was read without {asked}: choose of {there}.")
    chosen = [recording.movies[name] for name in names]
    return chosen


def _check_areas(recording: MovieSession, areas: tuple[str, ...] | None) -> None:
    """Raises DataError for a session that was read with units of other areas than those asked for."""
    read = sorted(set(filter(None, recording.structure.split(", "))))
    if areas is None or (read and set(read) <= set(areas)):
        return
    raise DataError(
        f"Session {recording.session_id} was read with units of {', '.join(read) or 'no known area'}, and "
        f"areas names {', '.join(areas)}: choose them where it is read, as from_recording(areas=...) does."
    )


@explain_failure
def split_movie(
    frames: int,
    *,
    clip: int,
    lag: int,
    test: float = 0.2,
    validation: float = 0.1,
    gap: int | None = None,
) -> MovieSplit:
    """Three blocks in movie time: the first trains, the last tests, with `gap` end frames left out between.

    `clip` is the number of frames from the first of a clip to its end frame, `lag` how many frames
    after that its response is still read: lag + window - 1 of `frame_responses`. The gap is clip + lag
    unless given. The last `lag` frames end no clip: the next repeat begins while their response is read.
    Raises DataError for a gap below clip + lag, and where a part would be empty.
    """
    ends, gap = _possible_ends(frames, clip, lag), clip + lag if gap is None else gap
    if gap < clip + lag:
        raise DataError(
            f"gap is {gap} frames, clip + lag {clip + lag}; use that or more, else blocks overlap."
        )
    sizes = _count_ends(len(ends) - 2 * gap, validation, test, f"{frames} frames with gaps of {gap}")
    first, second = sizes[0] + gap, sizes[0] + sizes[1] + 2 * gap
    return MovieSplit(ends[: sizes[0]], ends[first : first + sizes[1]], ends[second:])


@explain_failure
def split_movie_leaking(
    frames: int, *, clip: int, lag: int, seed: int, test: float = 0.2, validation: float = 0.1
) -> MovieSplit:
    """A control that leaks, never to be scored by: end frames drawn one by one.

    Nearly every test clip then shares all but one of its frames with a training clip, and its
    response is read when that one's is. Raises DataError where a part would be empty.
    """
    ends = np.random.default_rng(seed).permutation(_possible_ends(frames, clip, lag))
    sizes = _count_ends(len(ends), validation, test, f"{frames} frames")
    return MovieSplit(*(np.sort(part) for part in np.split(ends, np.cumsum(sizes[:2]))))


def join_splits(splits: Sequence[MovieSplit], starts: Sequence[int]) -> MovieSplit:
    """The split of movies that follow one another in one array, each from its frame of `starts` on."""
    moved = [
        [each.train + start, each.validation + start, each.test + start]
        for each, start in zip(splits, starts, strict=True)
    ]
    return MovieSplit(*(np.concatenate(part) for part in zip(*moved, strict=True)))


def _possible_ends(frames: int, clip: int, lag: int) -> Int[np.ndarray, "E"]:
    """Frames that have a full clip before them and whose response is over when the movie is."""
    if clip < 1 or lag < 0:
        raise DataError(f"clip is {clip}, lag {lag}; use 1 or more and 0 or more.")
    return np.arange(clip - 1, frames - lag)


def _count_ends(ends: int, validation: float, test: float, finding: str) -> tuple[int, int, int]:
    """End frames of train, validation and test."""
    held_out = [round(fraction * max(ends, 0)) for fraction in (validation, test)]
    train = ends - sum(held_out)
    if min(train, *held_out) < 1:
        raise DataError(
            f"{finding} leave {train}, {held_out[0]} and {held_out[1]} clips to train, validate and test; "
            "give a longer movie, shorter clips or other fractions."
        )
    return train, held_out[0], held_out[1]


@explain_values
def frame_responses(
    dff: Float[np.ndarray, "N S"], starts: Int[np.ndarray, "R F"], *, lag: int, window: int = 3
) -> Float[np.ndarray, "R F N"]:
    """What each neuron did after each frame: its mean over `window` samples, the first `lag` after the frame.

    `starts` are the samples at which the frames came on. In the unit of `dff`, float32; NaN where the
    recording ends before the window does. Raises DataError for a lag below 0, an empty window, and starts
    before the recording.
    """
    if lag < 0 or window < 1:
        raise DataError(f"lag is {lag}, window {window}; use 0 or more for the one, 1 or more for the other.")
    if starts.min() < 0:
        raise DataError(f"starts has sample {starts.min()}; give samples of the recording, from 0.")
    last = dff.shape[1] - 1
    total = sum(dff[:, np.minimum(starts + later, last)] for later in range(lag, lag + window))  # N R F
    means = np.moveaxis(np.asarray(total) / window, 0, -1).astype(np.float32, order="C")  # R F N
    means[starts + lag + window - 1 > last] = np.nan
    return means


@explain_values
def frame_running(
    running: Float[np.ndarray, "S"], starts: Int[np.ndarray, "R F"]
) -> Float[np.ndarray, "R F"]:
    """Speed (cm/s) at the sample at which each frame came on; NaN where it was not measured.

    Raises DataError for starts outside the recording.
    """
    for start in (starts.min(), starts.max()):
        if not 0 <= start < len(running):
            raise DataError(
                f"starts has sample {start}; give samples of the recording, 0 to {len(running) - 1}."
            )
    return running[starts]
