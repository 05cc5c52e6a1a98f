"""How well a twin or another model predicts the responses to videos that no model was trained on.

Letters: R repeats and T frames of a video (30 Hz), U units.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Float32

from neurokit.arguments import explain_failure
from neurokit.digital_twin.recording import Video, load_videos
from neurokit.digital_twin.simulated_files import videos_folder
from neurokit.digital_twin.simulation import KINDS
from neurokit.digital_twin.twin import DigitalTwin
from neurokit.files.atomic import restore_folder
from neurokit.metrics.neurons import correlation
from neurokit.metrics.repeats import UnevenRepeatScores, uneven_repeat_scores

COLUMNS = """\
medians over units, on videos never trained on; cc_norm: cc_abs over cc_max (low, high: quartiles over units);
cc_abs: correlation of the means over repeats; cc_max: the highest that noise allows; single_trial:
correlation over all frames of all repeats; videos that were shown once count in single_trial alone; units:
those whose activity changes in these videos"""
BURN_IN = 10  # frames at the start of each showing that are not scored
Predictions = Sequence[Float[np.ndarray, "_R _T _U"]]


@dataclass(frozen=True, eq=False)
class TwinScores:
    """Scores of each unit.

    Attributes:
        repeats: CC_abs, CC_max and CC_norm, of means over repeats.
        single_trial: correlation over all scored frames of all repeats; here eye and running count.

    A unit whose activity never changes in the scored frames has no score: NaN.
    """

    repeats: UnevenRepeatScores
    single_trial: Float[np.ndarray, "U"]

    def medians(self) -> dict[str, float]:
        """The median of each score over units; NaN ones are left out."""
        found = {name: getattr(self.repeats, name) for name in ("cc_norm", "cc_abs", "cc_max")}
        found["single_trial"] = self.single_trial
        return {name: _median(values[~np.isnan(values)]) for name, values in found.items()}


@explain_failure
def predict_videos(twin: DigitalTwin, videos: Sequence[Video]) -> list[Float32[np.ndarray, "_R _T _U"]]:
    """The twin's responses to each repeat, with the behaviour of that repeat."""
    return [_predict_video(twin, video) for video in videos]


@explain_failure
def score_videos(videos: Sequence[Video], predictions: Predictions, *, burn_in: int = BURN_IN) -> TwinScores:
    """Scores of one prediction for each repeat of each video; raises DataError as `uneven_repeat_scores`.

    A video that was shown once counts in `single_trial` alone; where none was repeated, the scores of means
    over repeats are NaN.
    """
    responses = [np.stack([np.asarray(repeat.units) for repeat in video.repeats]) for video in videos]
    repeats = _score_means(videos, responses, predictions, burn_in)
    measured, predicted = (
        np.concatenate([part[:, burn_in:].reshape(-1, part.shape[-1]) for part in parts])
        for parts in (responses, predictions)
    )
    single = correlation(measured, predicted)
    return TwinScores(repeats, np.where(find_constant(videos, burn_in), np.nan, single))


def find_constant(videos: Sequence[Video], burn_in: int = BURN_IN) -> Bool[np.ndarray, "U"]:
    """Which units never change in the scored frames of all repeats, so that nothing can be scored."""
    repeats = [np.asarray(repeat.units[burn_in:]) for video in videos for repeat in video.repeats]
    first = repeats[0][0]
    constant = np.arange(len(first))
    for units in repeats:  # after the first there is hardly any left to look at
        constant = constant[(units[:, constant] == first[constant]).all(axis=0)]
    return np.isin(np.arange(len(first)), constant)


def _score_means(
    videos: Sequence[Video], responses: Predictions, predictions: Predictions, burn_in: int
) -> UnevenRepeatScores:
    """Those of the videos that were repeated."""
    several = list(zip(videos, responses, predictions, strict=True))
    several = [each for each in several if len(each[1]) > 1]
    if not several:
        return UnevenRepeatScores(*np.full((3, responses[0].shape[-1]), np.nan))
    repeated, measured, predicted = zip(*several, strict=True)
    found = uneven_repeat_scores(measured, predicted, burn_in=burn_in)
    return replace(found, cc_abs=np.where(find_constant(repeated, burn_in), np.nan, found.cc_abs))


@explain_failure
def score_twin(twin: DigitalTwin, videos: Sequence[Video], *, burn_in: int = BURN_IN) -> TwinScores:
    """Scores of a twin on held-out videos."""
    return score_videos(videos, predict_videos(twin, videos), burn_in=burn_in)


def _median(values: Float[np.ndarray, "K"]) -> float:
    return float(np.median(values)) if len(values) else float("nan")


def _predict_video(twin: DigitalTwin, video: Video) -> Float32[np.ndarray, "R T U"]:
    repeats = video.repeats
    perspective, modulation = (
        np.stack([getattr(repeat, name) for repeat in repeats], axis=1)
        for name in ("perspective", "modulation")
    )
    found = twin.predict(np.asarray(repeats[0].stimulus), perspective, modulation)
    return found.swapaxes(0, 1)


def held_out_videos(folder: str | Path) -> dict[str, tuple[Video, ...]]:
    """The videos of a recording that are never trained on, by kind; only simulated mice have other kinds.

    Raises DataError as `load_videos`.
    """
    places = {KINDS[0]: videos_folder(folder)} | video_places(folder)
    return {kind: load_videos(place) for kind, place in places.items()}


def video_places(folder: str | Path) -> dict[str, Path]:
    """The folders of videos that a recording has, by kind."""
    places = {kind: restore_folder(videos_folder(folder, kind)) for kind in KINDS}
    return {kind: place for kind, place in places.items() if place.is_dir()}


@explain_failure
def score_table(
    videos: Mapping[str, Sequence[Video]], predictions: Mapping[str, Predictions]
) -> pd.DataFrame:
    """One row for each kind and model, medians over units.

    `predictions` are those of all videos, kind after kind. Columns: stimulus, model, units (with a score),
    cc_norm and its quartiles low and high, cc_abs, cc_max, single_trial; medians leave out units without one.
    """
    rows, start = [], 0
    for kind, of_kind in videos.items():
        part = slice(start, start + len(of_kind))
        rows += [
            {"stimulus": kind, "model": name} | _scores(of_kind, p[part]) for name, p in predictions.items()
        ]
        start = part.stop
    return pd.DataFrame(rows)


def _scores(videos: Sequence[Video], predicted: Predictions) -> dict[str, float | int]:
    found = score_videos(videos, predicted)
    known = found.repeats.cc_norm[~np.isnan(found.repeats.cc_norm)]
    low, high = np.quantile(known, (0.25, 0.75)).tolist() if len(known) else (np.nan, np.nan)
    medians = found.medians()
    spread = {"cc_norm": medians.pop("cc_norm"), "low": low, "high": high}
    return {"units": int((~np.isnan(found.single_trial)).sum())} | spread | medians
