"""From snippets and a recipe to a trained model, and what it predicts.

Letters: R repeats, E end frames of a part, N neurons.
"""

from pathlib import Path
from typing import Any, SupportsIndex

import numpy as np
import torch
from jaxtyping import Float32
from torch import nn

from neurokit.config import Seed, checked
from neurokit.device import choose_device
from neurokit.errors import DataError
from neurokit.features.snippets import PartLoss, Snippets
from neurokit.fit import Fitted, fit
from neurokit.models.movie_cnn import MovieCNN
from neurokit.models.transformer import V1Transformer, absolute_error, build
from neurokit.movies.recipe import Recipe
from neurokit.predict import collected, evaluating


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
        torch.manual_seed(checked("seed", seed, Seed))
        return MovieCNN(snippets.responses.shape[-1], tuple(snippets.frames.shape[1:]), snippets.length)


def train_network(
    snippets: Snippets,
    recipe: Recipe,
    model: nn.Module | None = None,
    *,
    device: str = "auto",
    checkpoint: str | Path | None = None,
    **options: Any,
) -> Fitted:
    """Trains a V1 Transformer, or `model`, by mean absolute error; validation snippets choose the epoch.

    The snippets move to the device. A `checkpoint` of a broken-off run is gone on with; `options` go to
    `fit`, which says what is raised.
    """
    data = snippets.to(choose_device(device))
    network = build_network(data, recipe) if model is None else model
    objective = PartLoss(data, absolute_error, size=recipe.fit.batch_size)
    return fit(network, absolute_error, data, objective, recipe.fit, checkpoint=checkpoint, **options)


def predict_part(
    model: nn.Module, snippets: Snippets, part: str = "test", *, batch_size: int = 64
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
        collected(parts, predicted.transpose(0, 1))
    return (predicted.numpy() * scales.response_sd + scales.response_mean).astype(np.float32)


def _last(predicted: torch.Tensor, snippets: Snippets) -> torch.Tensor:
    """Of a model that answers at each frame, the answer at the end frame."""
    return predicted[:, :, -1] if snippets.per_frame else predicted
