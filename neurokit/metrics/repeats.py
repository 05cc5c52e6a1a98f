"""Scores of responses to repeated stimuli, and the ceiling that their noise sets.

A repeated response is a signal, the same in each repeat, and noise. CC_abs is the correlation of a prediction
with the mean over repeats, CC_max what a perfect prediction of the signal would reach, and CC_norm = CC_abs /
CC_max (Schoppe et al., Frontiers in Computational Neuroscience 10, 10, 2016). Whatever varies between repeats
counts as noise, even if running explains it, so a model that reads running may exceed 1.

**One stimulus** (`repeat_scores`). From R repeats y_r the power of the signal is (Sahani and Linden, NIPS 15,
2003)

    SP = (var(sum of y_r) - sum of var(y_r)) / (R (R - 1)),      CC_max = sqrt(SP / var(mean of y_r)),

with variances over frames (a sum divided by F).

**Several videos, each shown its own number of times** (`uneven_repeat_scores`). The first frames of each
showing are left out (burn-in), and the rest of all videos is concatenated, so that row r of the repeats
spans every video that was shown more than r times. With t_j repeats of frame j, y the mean over repeats
and T the mean over rows of a row's own variance (Schoppe et al., 2016; Wang et al., Nature 640, 470, 2025, as
released)

    n = sqrt(sum(t_j - 1) / sum((t_j - 1) / t_j^2)),      SP = (n var(y) - T) / (n - 1),
    CC_max = sqrt(SP / var(y)),

where SP and T use the unbiased variance (a sum over frames divided by F - 1) and the last one does not.

With equal repeats n = R and this SP is that of one stimulus times F / (F - 1), so CC_max is sqrt(F / (F - 1))
times that of `cc_max`. The conventions differ, too: `uneven_cc_max` is NaN without signal and may exceed 1,
as published for these networks; `cc_max` is 0 without signal and at most 1.

Uneven repeats bias the ceiling upwards, because T weights every row equally, however few frames it has, and n
favours the videos with most repeats. Noise alone, with m the mean over frames of 1 / t_j, has CC_max^2 of
about (n - 1 / m) / (n - 1): 0 for equal repeats, 0.42 for 10, 2 and 10 repeats of three videos. A model then
looks worse than it is. Report CC_max beside CC_norm, and score `equal_repeats` if you can.

Letters: R repeats, F frames (of all videos after the burn-in), N neurons, V videos, R_v repeats and T_v
frames of video v, U units.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from neurokit.arguments import explain_values
from neurokit.errors import DataError
from neurokit.metrics.neurons import correlation

ROUNDING = 1e-9  # of the variance: a smaller signal is a rounding error
Videos = Sequence[Float[np.ndarray, "_R _T _U"]]


@dataclass(frozen=True, eq=False)
class RepeatScores:
    """How well each neuron is predicted, N each.

    Attributes:
        single_trial: correlation over all frames of all repeats.
        cc_abs: correlation of the means over repeats, of responses and of predictions.
        cc_max: the highest `cc_abs` that the noise allows a prediction of the signal; 0 without signal.
        cc_norm: `cc_abs` / `cc_max`; NaN without signal.
        absolute_error: mean over frames and repeats, in the unit of the responses.
    """

    single_trial: Float[np.ndarray, "N"]
    cc_abs: Float[np.ndarray, "N"]
    cc_max: Float[np.ndarray, "N"]
    cc_norm: Float[np.ndarray, "N"]
    absolute_error: Float[np.ndarray, "N"]


@explain_values
def repeat_scores(
    responses: Float[np.ndarray, "R F N"], predictions: Float[np.ndarray, "R F N"]
) -> RepeatScores:
    """All scores of each neuron.

    Raises DataError for other shapes, fewer than two repeats or frames, and values that are not finite.
    """
    if responses.shape != predictions.shape:
        raise DataError(
            f"responses are {responses.shape}, predictions {predictions.shape}; give the same R F N."
        )
    ceiling, neurons = cc_max(responses), responses.shape[-1]
    found = correlation(responses.mean(axis=0), predictions.mean(axis=0))
    with np.errstate(divide="ignore", invalid="ignore"):
        normalised = np.where(ceiling > 0, found / ceiling, np.nan)
    return RepeatScores(
        single_trial=correlation(responses.reshape(-1, neurons), predictions.reshape(-1, neurons)),
        cc_abs=found,
        cc_max=ceiling,
        cc_norm=normalised,
        absolute_error=np.abs(responses - predictions).mean(axis=(0, 1), dtype=np.float64),
    )


@explain_values
def cc_max(responses: Float[np.ndarray, "R F N"]) -> Float[np.ndarray, "N"]:
    """The correlation of a perfect prediction of the signal with the mean over repeats.

    0 where no signal is found, which may also happen to a weak signal by chance. Raises DataError for fewer
    than two repeats or frames, and for values that are not finite.
    """
    repeats, frames, _ = responses.shape
    if repeats < 2 or frames < 2:
        raise DataError(f"There are {repeats} repeats of {frames} frames; a ceiling needs two of each.")
    if not np.isfinite(responses).all():
        raise DataError("Responses hold NaN or infinite values; leave those neurons or frames out.")
    responses = responses.astype(np.float64)
    total, single = responses.sum(axis=0).var(axis=0), responses.var(axis=1).sum(axis=0)
    signal = (total - single) / (repeats * (repeats - 1))
    flat = np.ptp(responses.mean(axis=0), axis=0) == 0
    mean = np.where(flat, 1, total / repeats**2)
    return np.sqrt(np.clip(np.where(flat, 0, signal / mean), 0, 1))


@dataclass(frozen=True, eq=False)
class UnevenRepeatScores:
    """How well each unit is predicted, U each.

    Attributes:
        cc_abs: correlation of the means over repeats, of responses and of predictions.
        cc_max: the `cc_abs` of a perfect prediction of the signal; NaN where no signal is found.
        cc_norm: `cc_abs` / `cc_max`; may exceed 1, NaN without signal.
    """

    cc_abs: Float[np.ndarray, "U"]
    cc_max: Float[np.ndarray, "U"]
    cc_norm: Float[np.ndarray, "U"]

    @property
    def median(self) -> float:
        """Median CC_norm of the units with a signal; NaN where there is none."""
        found = self.cc_norm[~np.isnan(self.cc_norm)]
        return float(np.median(found)) if len(found) else float("nan")


@explain_values
def uneven_repeat_scores(responses: Videos, predictions: Videos, *, burn_in: int = 10) -> UnevenRepeatScores:
    """All scores of each unit; `responses` and `predictions` hold one array R_v T_v U per video.

    Each repeat is predicted on its own, with its behaviour; `burn_in` is in frames. Raises
    DataError for shapes that differ, values that are not finite, videos that end within the burn-in, no
    video that was repeated, and a repeat with less than two frames.
    """
    _check_pairs(responses, predictions)
    responses, predictions = _without_burn_in(responses, burn_in), _without_burn_in(predictions, burn_in)
    found = correlation(_mean_repeat(responses), _mean_repeat(predictions))
    ceiling = _ceiling(responses)
    return UnevenRepeatScores(found, ceiling, found / ceiling)


@explain_values
def uneven_cc_max(responses: Videos, *, burn_in: int = 10) -> Float[np.ndarray, "U"]:
    """The ceiling alone, NaN where no signal is found; raises DataError as `uneven_repeat_scores`."""
    _check(responses, "responses")
    return _ceiling(_without_burn_in(responses, burn_in))


@explain_values
def equal_repeats(videos: Videos) -> tuple[Float[np.ndarray, "R _T _U"], ...]:
    """The first repeats of each video, as many as the video with the fewest has.

    Raises DataError where there is no video.
    """
    if not len(videos):
        raise DataError("There is no video; give one array of repeats, frames and units for each.")
    fewest = min(len(video) for video in videos)
    return tuple(video[:fewest] for video in videos)


def _ceiling(responses: Videos) -> Float[np.ndarray, "U"]:
    mean, within = _mean_repeat(responses), _variance_within_rows(responses)
    repeats = _effective_repeats(responses)
    signal = (repeats * mean.var(axis=0, ddof=1) - within) / (repeats - 1)
    found = (signal > ROUNDING * within) & (np.ptp(mean, axis=0) > 0)
    return np.sqrt(np.where(found, signal, np.nan) / np.where(found, mean.var(axis=0), 1))


def _mean_repeat(videos: Videos) -> Float[np.ndarray, "F U"]:
    """The mean over the repeats of each video, concatenated."""
    return np.concatenate([video.mean(axis=0, dtype=np.float64) for video in videos])


def _variance_within_rows(videos: Videos) -> Float[np.ndarray, "U"]:
    """The variance over the frames of one row of repeats, averaged over rows."""
    rows = max(len(video) for video in videos)
    found = []
    for row in range(rows):
        shown = np.concatenate([video[row] for video in videos if len(video) > row])
        if len(shown) < 2:
            raise DataError(
                f"Repeat {row + 1} has {len(shown)} frame after the burn-in; leave it out or lower burn_in, "
                "since a variance needs two frames."
            )
        found.append(shown.var(axis=0, ddof=1, dtype=np.float64))
    return np.mean(found, axis=0)


def _effective_repeats(videos: Videos) -> float:
    """n of the module's docstring; a frame that was shown once adds to neither sum."""
    repeats, frames = np.array([video.shape[:2] for video in videos], dtype=np.float64).T
    above = frames * (repeats - 1)
    if not above.any():
        raise DataError("Every video was shown once; a ceiling needs a video with two repeats or more.")
    return float(np.sqrt(above.sum() / (above / repeats**2).sum()))


def _without_burn_in(videos: Videos, burn_in: int) -> Videos:
    shortest = min(video.shape[1] for video in videos)
    if not 0 <= burn_in < shortest:
        raise DataError(
            f"burn_in is {burn_in}, but the shortest video has {shortest} frames; use fewer, from 0."
        )
    return [video[:, burn_in:] for video in videos]


def _check_pairs(responses: Sequence[np.ndarray], predictions: Sequence[np.ndarray]) -> None:
    ours, theirs = ([video.shape for video in videos] for videos in (predictions, responses))
    if ours != theirs:
        raise DataError(
            f"The videos' responses are {theirs}, their predictions {ours}; give the same repeats, frames "
            "and units."
        )
    _check(responses, "responses")
    _check(predictions, "predictions")


def _check(videos: Sequence[np.ndarray], name: str) -> None:
    if not len(videos) or any(video.ndim != 3 or not video.size for video in videos):
        shapes = [video.shape for video in videos]
        raise DataError(f"The {name} are {shapes}; give one array of repeats, frames and units per video.")
    if len({video.shape[2] for video in videos}) > 1:
        units = [video.shape[2] for video in videos]
        raise DataError(f"The {name} have {units} units; give the same units for every video.")
    for number, video in enumerate(videos):
        if not np.isfinite(video).all():
            raise DataError(
                f"The {name} to video {number} (from 0) hold NaN or infinite values; leave those units or "
                "repeats out."
            )
