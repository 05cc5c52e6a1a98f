"""From snippets and a recipe to a trained model; what it predicts, and how well beside what the noise allows.

Letters: R repeats, E end frames of a part, N neurons.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, SupportsIndex

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float, Float32

from neurokit.config import Seed, check_value
from neurokit.errors import DataError
from neurokit.metrics.repeats import RepeatScores, repeat_scores
from neurokit.training.device import choose_device
from neurokit.training.fit import TrainingResult, fit
from neurokit.training.predict import evaluating, fill_rows
from neurokit.v1_transformer.cnn import MovieCNN
from neurokit.v1_transformer.config import Recipe
from neurokit.v1_transformer.features import MovieTask
from neurokit.v1_transformer.model import V1Transformer, absolute_error, build
from neurokit.v1_transformer.snippets import PartLoss, Snippets

MovieModel = V1Transformer | MovieCNN


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


def build_network(snippets: Snippets, recipe: Recipe) -> V1Transformer:
    """An untrained V1 Transformer that fits the snippets; it reads running where they have it."""
    settings = recipe.model.replace(
        frame=snippets.frames.shape[1:],
        snippet=snippets.length,
        before=snippets.before,
        running=None if snippets.running is None else recipe.model.running,
        head="per_frame" if snippets.per_frame else "pooled",
    )
    return build(snippets.responses.shape[-1], settings, seed=recipe.seed)


def build_cnn(snippets: Snippets, seed: SupportsIndex) -> MovieCNN:
    """An untrained small network of convolutions that fits the snippets."""
    with torch.random.fork_rng():
        torch.manual_seed(check_value("seed", seed, Seed))
        height, width = snippets.frames.shape[1:]
        return MovieCNN(snippets.responses.shape[-1], (height, width), snippets.length)


def train_network(
    snippets: Snippets,
    recipe: Recipe,
    model: MovieModel | None = None,
    *,
    device: str = "auto",
    checkpoint: str | Path | None = None,
    **options: Any,
) -> TrainingResult[MovieModel]:
    """Trains a V1 Transformer, or `model`, by mean absolute error; validation snippets choose the epoch.

    The snippets move to the device. A `checkpoint` of a broken-off run is gone on with; `options` go to
    `fit`, which says what is raised.
    """
    data = snippets.to(choose_device(device))
    network = build_network(data, recipe) if model is None else model
    objective = PartLoss(data, absolute_error, size=recipe.fit.batch_size)
    return fit(network, absolute_error, data, objective, recipe.fit, checkpoint=checkpoint, **options)


def predict_part(
    model: MovieModel, snippets: Snippets, part: str = "test", *, batch_size: int = 64
) -> Float32[np.ndarray, "R E N"]:
    """dF/F (fraction) after each end frame of a part, in each repeat, on the CPU; the model is left as found.

    Raises DataError for snippets of other neurons than the model's.
    """
    scales, neurons = snippets.scales, model.readout.out_features
    if neurons != len(scales.response_mean):
        raise DataError(
            f"The model predicts {neurons} neurons, the snippets have {len(scales.response_mean)}."
        )
    predicted = torch.empty(len(snippets.responses), len(snippets.ends(part)), neurons)
    with evaluating(model), torch.no_grad():
        parts = (
            _last(model(batch.frames, batch.shown, batch.running), snippets).transpose(0, 1)
            for batch in snippets.batches(part, batch_size)
        )
        fill_rows(parts, predicted.transpose(0, 1))
    return (predicted.numpy() * scales.response_sd + scales.response_mean).astype(np.float32)


def _last(predicted: torch.Tensor, snippets: Snippets) -> torch.Tensor:
    """Of a model that answers at each frame, the answer at the end frame."""
    return predicted[:, :, -1] if snippets.per_frame else predicted
