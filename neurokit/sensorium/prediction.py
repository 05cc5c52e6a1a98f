"""What a model predicts for a tier of trials, and how well.

Letters: B trials of a tier, N neurons.
"""

from collections.abc import Mapping
from typing import Literal

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import nn

from neurokit import metrics
from neurokit.errors import DataError
from neurokit.features.mouse_trials import MouseTrials
from neurokit.predict import collected, evaluating, predicting_as_in_training

Mode = Literal["evaluation", "training"]
MODES = {"evaluation": evaluating, "training": predicting_as_in_training}


def predict_tier(
    model: nn.Module,
    mice: Mapping[str, MouseTrials],
    tier: str,
    *,
    mode: Mode = "evaluation",
    batch_size: int = 256,
) -> dict[str, Float[np.ndarray, "_ _"]]:
    """Rates for a tier's trials in ascending file order, by mouse; the model is left as found.

    Mode 'training' reproduces the published Model 4 submission, which was predicted with random readout
    positions and the statistics of the test batch; nobody should want it for anything else. It draws
    from torch's global generator. Raises DataError for another mode, tier or mouse.
    """
    if mode not in MODES:
        raise DataError(f"mode is {mode!r}; use one of {', '.join(MODES)}.")
    with MODES[mode](model), torch.no_grad():
        return {key: _predicted(model, mouse, tier, batch_size) for key, mouse in mice.items()}


def _predicted(model: nn.Module, mouse: MouseTrials, tier: str, batch_size: int) -> np.ndarray:
    view, trials = model.mouse(mouse.scan.key), mouse.trials(tier)
    parts = (view(**batch.inputs) for batch in mouse.batches(trials, batch_size))
    return collected(parts, torch.empty(len(trials), mouse.scan.neurons)).numpy()


def score_table(
    mice: Mapping[str, MouseTrials], predictions: Mapping[str, Float[np.ndarray, "_ _"]], tier: str = "test"
) -> pd.DataFrame:
    """One row per mouse and one, 'all', over all neurons.

    Columns: mouse, neurons, single_trial, spread (standard deviation over neurons), to_average, feve
    (mean over neurons whose explainable variance is 15 % or more; NaN without repeated images). Raises
    DataError for a tier whose responses the competition withholds.
    """
    tables = [
        _neuron_scores(mice[key], predicted, tier).assign(mouse=key) for key, predicted in predictions.items()
    ]
    neurons = pd.concat([*tables, *(table.assign(mouse="all") for table in tables)])
    grouped = neurons.groupby("mouse", sort=False)
    return pd.DataFrame(
        {
            "neurons": grouped.size(),
            "single_trial": grouped.single_trial.mean(),
            "spread": grouped.single_trial.std(),
            "to_average": grouped.to_average.mean(),
            "feve": grouped.feve.mean(),
        }
    ).reset_index()


def _neuron_scores(mouse: MouseTrials, predicted: np.ndarray, tier: str) -> pd.DataFrame:
    scan = mouse.scan
    if scan.withheld(tier):
        raise DataError(f"Scan {scan.key} withholds the responses of tier {tier!r}; score another tier.")
    trials = mouse.trials(tier).numpy()
    responses, images = scan.responses[trials], scan.image_ids[trials]
    explained = metrics.feve(responses, predicted, images)
    return pd.DataFrame(
        {
            "single_trial": metrics.correlation(responses, predicted),
            "to_average": metrics.correlation_to_average(responses, predicted, images),
            "feve": np.where(explained.kept, explained.fraction_explained, np.nan),
        }
    )


def single_trial(mouse: MouseTrials, tier: str, predicted: np.ndarray) -> Float[np.ndarray, "N"]:
    """Correlation of each neuron over the single trials of a tier."""
    return metrics.correlation(mouse.scan.responses[mouse.trials(tier).numpy()], predicted)
