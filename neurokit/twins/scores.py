"""How well responses to held-out videos are predicted, by a twin or by anything else.

Letters: R repeats and T frames of a video (30 Hz), U units.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32

from neurokit.data.trial_folder import Video
from neurokit.metrics.neurons import correlation
from neurokit.metrics.uneven_repeats import UnevenRepeatScores, uneven_repeat_scores
from neurokit.twins.twin import DigitalTwin

BURN_IN = 10  # frames at the start of each showing that are not scored
Predictions = Sequence[Float[np.ndarray, "_R _T _U"]]


@dataclass(frozen=True, eq=False)
class TwinScores:
    """Scores of each unit.

    Attributes:
        repeats: CC_abs, CC_max and CC_norm, of means over repeats.
        single_trial: correlation over all scored frames of all repeats; here eye and running count.
    """

    repeats: UnevenRepeatScores
    single_trial: Float[np.ndarray, "U"]

    def medians(self) -> dict[str, float]:
        """The median of each score over units; NaN ones are left out."""
        found = {name: getattr(self.repeats, name) for name in ("cc_norm", "cc_abs", "cc_max")}
        found["single_trial"] = self.single_trial
        return {name: _median(values[~np.isnan(values)]) for name, values in found.items()}


def predict_videos(twin: DigitalTwin, videos: Sequence[Video]) -> list[Float32[np.ndarray, "_R _T _U"]]:
    """What the twin says of each repeat, with the behaviour of that repeat."""
    return [_predict_video(twin, video) for video in videos]


def score_videos(videos: Sequence[Video], predictions: Predictions, *, burn_in: int = BURN_IN) -> TwinScores:
    """Scores of one prediction for each repeat of each video; raises DataError as `uneven_repeat_scores`."""
    responses = [np.stack([np.asarray(repeat.units) for repeat in video.repeats]) for video in videos]
    repeats = uneven_repeat_scores(responses, predictions, burn_in=burn_in)
    measured, predicted = (
        np.concatenate([part[:, burn_in:].reshape(-1, part.shape[-1]) for part in parts])
        for parts in (responses, predictions)
    )
    return TwinScores(repeats, correlation(measured, predicted))


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
