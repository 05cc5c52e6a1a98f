"""How well models predict the cells of a session, beside what the noise allows.

Letters: R repeats, E end frames of a part, N neurons.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from neurokit.errors import DataError
from neurokit.metrics.repeats import RepeatScores, repeat_scores
from neurokit.movies.task import MovieTask


def part_responses(task: MovieTask, part: str = "test") -> Float[np.ndarray, "R E N"]:
    """The recorded dF/F (fraction) after each end frame of a part."""
    return task.responses[:, getattr(task.split, part)]


def cell_scores(task: MovieTask, predicted: Float[np.ndarray, "R E N"], part: str = "test") -> RepeatScores:
    """All scores of each cell for a part; raises DataError for predictions of another shape."""
    return repeat_scores(part_responses(task, part), predicted)


def score_table(
    task: MovieTask,
    predictions: Mapping[str, Float[np.ndarray, "R E N"]],
    part: str = "test",
    *,
    cells: Bool[np.ndarray, "N"] | None = None,
) -> pd.DataFrame:
    """One row per model, medians over cells (default: those that are reliable in training frames).

    Columns: model, cells, single_trial, cc_abs (to the mean over repeats), cc_norm and its quartiles low and
    high (NaN where no cell has a signal in that part), absolute_error (of the standard deviation of each
    cell's responses). Raises DataError where no cell is left.
    """
    cells = task.reliable() if cells is None else cells
    if not cells.any():
        raise DataError("No cell is reliable enough to be scored: give cells=, or another session.")
    return pd.DataFrame(
        {"model": name, "cells": int(cells.sum())} | _medians(task, predicted, part, cells)
        for name, predicted in predictions.items()
    )


def _medians(task: MovieTask, predicted: np.ndarray, part: str, cells: np.ndarray) -> dict[str, float]:
    found = cell_scores(task, predicted, part)
    spread = part_responses(task, part).std(axis=(0, 1))
    known = found.cc_norm[cells & ~np.isnan(found.cc_norm)]
    low, middle, high = np.quantile(known, (0.25, 0.5, 0.75)) if len(known) else np.full(3, np.nan)
    return {
        "single_trial": float(np.median(found.single_trial[cells])),
        "cc_abs": float(np.median(found.cc_abs[cells])),
        "cc_norm": float(middle),
        "low": float(low),
        "high": float(high),
        "absolute_error": float(np.median(found.absolute_error[cells] / np.maximum(spread[cells], 1e-9))),
    }
