"""Scores of several models on the videos of a recording that no model was trained on.

Letters: R repeats and T frames of a video (30 Hz), U units.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from neurokit.data.trial_folder import Video, load_videos
from neurokit.simulate.microns import KINDS
from neurokit.simulate.microns_files import videos_folder
from neurokit.twins.scores import Predictions, score_videos


def held_out_videos(folder: str | Path) -> dict[str, tuple[Video, ...]]:
    """The videos of a recording that are never trained on, by kind; other recordings have natural ones alone.

    Raises DataError as `load_videos`.
    """
    first, *others = KINDS
    there = [kind for kind in others if videos_folder(folder, kind).is_dir()]
    return {kind: load_videos(videos_folder(folder, kind)) for kind in (first, *there)}


def score_table(
    videos: Mapping[str, Sequence[Video]], predictions: Mapping[str, Predictions]
) -> pd.DataFrame:
    """One row for each kind and model, medians over units.

    `predictions` are those of all videos, kind after kind. Columns: stimulus, model, units, cc_norm and its
    quartiles low and high, cc_abs, cc_max, single_trial; a unit without a score is left out of its median.
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
    return {"units": len(found.single_trial)} | spread | medians
