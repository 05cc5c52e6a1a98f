"""Movies of gratings, laid out as models read movies: one condition after another, or the complete sequence.

Before a trial the screen is drawn grey, though the trial before ended a second earlier.

Letters: F frames, H x W pixels, R repeats, N cells, K trials, C conditions, J numbers that name one,
T samples of a trial, t frames of a trial.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Float32, Int, UInt8

from gratings.frames import GREY, SHAPE, drifting_frames, static_frames
from neurokit.errors import DataError
from neurokit.recordings.park import DriftingGratings, RunningGratings, StaticGratings

ASSUMED_FREQUENCY = 2.0  # Hz, where a recording does not store it
NOTHING = -1


@dataclass(frozen=True, eq=False)
class GratingMovie:
    """A drawn movie, and what the cells did after each of its frames.

    Attributes:
        frames: grey values.
        responses: in the unit of the recording; NaN where a frame has none.
        shown: the condition (row of `conditions`) in whose trial the frame is shown.
        answered: the condition that the frame's responses belong to, -1 where it has none.
        conditions: what names each condition, NaN for a blank.
        running: at each frame, NaN where not measured; None where a recording has none.
    """

    frames: UInt8[np.ndarray, "F H W"]
    responses: Float32[np.ndarray, "R F N"]
    shown: Int[np.ndarray, "F"]
    answered: Int[np.ndarray, "F"]
    conditions: Float32[np.ndarray, "C J"]
    running: Float32[np.ndarray, "R F"] | None = None

    def averaged(self) -> "GratingMovie":
        """The same with one repeat, the mean of those that there are; for movies without running.

        Where nothing but the stimulus is given, repeats differ by noise alone, and a model trained on
        absolute errors would aim at the median of sparse responses. Raises DataError with running.
        """
        if self.running is not None:
            raise DataError("Repeats with running differ by it; average a movie without running.")
        there = np.isfinite(self.responses)
        total = np.where(there, self.responses, 0).sum(axis=0, keepdims=True)
        number = there.sum(axis=0, keepdims=True)
        mean = np.where(number, total / np.maximum(number, 1), np.nan)
        return replace(self, responses=mean.astype(np.float32))

    def time_courses(self) -> Float32[np.ndarray, "R C T N"]:
        """The responses of each trial, for movies in which conditions follow one another."""
        found = self.responses[:, self.answered != NOTHING]
        return found.reshape(len(found), len(self.conditions), -1, found.shape[-1])


def drifting_movie(recorded: DriftingGratings, *, lead: int, frames_per_sample: int = 2) -> GratingMovie:
    """Every condition once: `lead` grey frames, as many as a snippet looks back, then its trial.

    Two frames a sample, 60 a second, are what the real screen showed: at one a sample a grating of 15 Hz
    moves on by 0.495 cycles, and nobody could tell where to. Responses stand at every second frame then.
    Repeats that were not shown are NaN; the blanks, shown more often, are as many conditions as they fill.
    Raises DataError for a lead below 0 or less than one frame a sample.
    """
    _check(lead, frames_per_sample)
    labels = np.stack([recorded.direction, recorded.temporal_frequency], axis=1)
    conditions, trials = _repeats(labels)  # C 2; C R
    time = _between(recorded.time, frames_per_sample)
    drawn = [drifting_frames(*condition, time) for condition in conditions.astype(float)]
    dff = np.moveaxis(recorded.dff, 0, -1)[trials]  # C R T N
    dff[trials == NOTHING] = np.nan
    responses = np.moveaxis(_spread(dff, frames_per_sample), 1, 0)  # R C t N
    return _one_after_another(np.stack(drawn), responses, conditions, lead, frames_per_sample)


def running_movie(recorded: RunningGratings, *, lead: int) -> GratingMovie:
    """Every trial, in the order in which it was shown, each a condition of its own; running beside it.

    The gratings are taken to drift until the trial's end at 2 Hz and 0.04 cycles/degree, which the recording
    does not store. The running before a trial is not known (NaN). Raises DataError for a lead below 0.
    """
    _check(lead, 1)
    time = recorded.time.astype(float)
    movies = {
        angle: drifting_frames(float(angle), ASSUMED_FREQUENCY, time, until=np.inf)
        for angle in np.unique(recorded.direction)
    }
    drawn = np.stack([movies[angle] for angle in recorded.direction])  # K t H W
    responses = np.moveaxis(recorded.dff, 0, -1)[None]  # 1 K T N
    movie = _one_after_another(drawn, responses, recorded.direction[:, None], lead, 1)
    return replace(movie, running=_laid_out(recorded.running, lead))


def _laid_out(running: Float32[np.ndarray, "K T"], lead: int) -> Float32[np.ndarray, "1 F"]:
    """Trial by trial NaN for `lead` frames, then the trial's own."""
    return np.pad(running, ((0, 0), (lead, 0)), constant_values=np.nan).reshape(1, -1)


def static_movie(recorded: StaticGratings) -> GratingMovie:
    """The sequence as it was shown, a frame for each grating (0.25 s), a grey one for a blank.

    A response is the mean over 0.5 s, so the next grating drives it too: it stands at the next frame, which
    ends a snippet of, say, two gratings before, this and the next. Where the recording paused between
    blocks of the sequence is not stored, so that a few snippets span a pause.
    """
    labels = np.stack([recorded.orientation, recorded.spatial_frequency, recorded.phase], axis=1)
    conditions, condition = _numbered(labels)
    frames = static_frames(conditions.astype(float))[condition]
    responses = np.full((1, *recorded.dff.T.shape), np.nan, dtype=np.float32)
    responses[0, 1:] = recorded.dff.T[:-1]
    return GratingMovie(frames, responses, condition, np.append(NOTHING, condition[:-1]), conditions)


def _one_after_another(
    drawn: UInt8[np.ndarray, "C t H W"],
    responses: Float32[np.ndarray, "R C t N"],
    conditions: Float32[np.ndarray, "C J"],
    lead: int,
    frames_per_sample: int,
) -> GratingMovie:
    """Each condition's trial after `lead` grey frames; responses at the frames of samples."""
    ahead = ((0, 0), (lead, 0), (0, 0), (0, 0))
    frames = np.pad(drawn, ahead, constant_values=GREY)  # C lead+t H W
    padded = np.pad(responses, ((0, 0), *ahead[:3]), constant_values=np.nan)  # R C lead+t N
    shown = np.broadcast_to(np.arange(len(conditions))[:, None], frames.shape[:2])
    after = np.arange(frames.shape[1]) - lead
    sampled = (after >= 0) & (after % frames_per_sample == 0)
    answered = np.where(sampled, shown, NOTHING)
    flat = padded.reshape(len(padded), -1, padded.shape[-1])
    return GratingMovie(frames.reshape(-1, *SHAPE), flat, shown.ravel(), answered.ravel(), conditions)


def _numbered(labels: Float32[np.ndarray, "K J"]) -> tuple[Float32[np.ndarray, "C J"], Int[np.ndarray, "K"]]:
    """The distinct conditions, ascending with the blank last, and which of them each trial is."""
    conditions, number = np.unique(np.where(np.isnan(labels), np.inf, labels), axis=0, return_inverse=True)
    return np.where(np.isinf(conditions), np.nan, conditions).astype(np.float32), number.ravel()


def _repeats(labels: Float32[np.ndarray, "K J"]) -> tuple[Float32[np.ndarray, "C J"], Int[np.ndarray, "C R"]]:
    """The trials of each condition in their order, -1 where there is none; blanks in several rows."""
    conditions, number = _numbered(labels)
    blank = np.isnan(conditions[:, 0])
    repeats = int(np.bincount(number)[~blank].max())
    rows, named = [], []
    for condition, label in enumerate(conditions):
        trials = np.flatnonzero(number == condition)
        for first in range(0, len(trials), repeats):
            row = trials[first : first + repeats]
            rows.append(np.pad(row, (0, repeats - len(row)), constant_values=NOTHING))
            named.append(label)
    return np.stack(named), np.stack(rows)


def _between(time: Float32[np.ndarray, "T"], frames_per_sample: int) -> Float[np.ndarray, "t"]:
    """The times of frames, `frames_per_sample` from each sample on to the next, the last sample the last."""
    samples = np.arange((len(time) - 1) * frames_per_sample + 1) / frames_per_sample
    return np.interp(samples, np.arange(len(time)), time.astype(float))


def _spread(dff: Float32[np.ndarray, "C R T N"], frames_per_sample: int) -> Float32[np.ndarray, "C R t N"]:
    """Samples at their frames, NaN between."""
    C, R, T, N = dff.shape
    found = np.full((C, R, (T - 1) * frames_per_sample + 1, N), np.nan, dtype=np.float32)
    found[:, :, ::frames_per_sample] = dff
    return found


def _check(lead: int, frames_per_sample: int) -> None:
    if lead < 0 or frames_per_sample < 1:
        raise DataError(
            f"lead is {lead}, frames_per_sample {frames_per_sample}; use 0 or more for the one, 1 or more "
            "for the other."
        )
