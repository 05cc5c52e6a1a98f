"""From scans and a recipe to a trained model; what it predicts for a tier of trials, and how well.

Letters: T trials, B trials of a tier, N neurons.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from neurokit import metrics, settings
from neurokit.errors import DataError
from neurokit.progress import progress
from neurokit.sensorium.config import MouseShape, Recipe
from neurokit.sensorium.features import ManyMice, MouseBatch, MouseTrials, fit_scan_state
from neurokit.sensorium.kernels import accelerate
from neurokit.sensorium.model import SensoriumModel, build, poisson_loss
from neurokit.sensorium.recording import Scan
from neurokit.sensorium.retinotopy import contrast_centers, retinotopic_plane
from neurokit.sensorium.state import StateTransform
from neurokit.training.device import choose_device
from neurokit.training.fit import TrainingResult, fit
from neurokit.training.predict import evaluating, fill_rows, predicting_as_in_training

Mode = Literal["evaluation", "training"]
MODES = {"evaluation": evaluating, "training": predicting_as_in_training}


def predict_tier(
    model: SensoriumModel,
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


def _predicted(model: SensoriumModel, mouse: MouseTrials, tier: str, batch_size: int) -> np.ndarray:
    view, trials = model.mouse(mouse.scan.key), mouse.trials(tier)
    parts = (view(**batch.inputs) for batch in mouse.batches(trials, batch_size))
    return fill_rows(parts, torch.empty(len(trials), mouse.scan.neurons)).numpy()


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
            "feve": np.where(explained.included, explained.fraction_explained, np.nan),
        }
    )


def single_trial(mouse: MouseTrials, tier: str, predicted: np.ndarray) -> Float[np.ndarray, "N"]:
    """Correlation of each neuron over the single trials of a tier."""
    return metrics.correlation(mouse.scan.responses[mouse.trials(tier).numpy()], predicted)


def prepare(
    scans: Mapping[str, Scan],
    recipe: Recipe,
    *,
    tiers: Mapping[str, np.ndarray] | None = None,
    states: Mapping[str, StateTransform] | None = None,
    device: str = "auto",
) -> dict[str, MouseTrials]:
    """The trials of all mice as the recipe's model reads them, on the device.

    `tiers` and `states` replace those of a scan, by key. Raises DataError for scans that lack what
    the model reads.
    """
    if not scans:
        raise DataError("There is no scan to prepare; give at least one.")
    where, tiers, states = choose_device(device), tiers or {}, states or {}
    return {
        key: MouseTrials(scan, recipe.inputs, tiers=tiers.get(key), state=states.get(key)).to(where)
        for key, scan in scans.items()
    }


def fit_states(scans: Mapping[str, Scan], recipe: Recipe) -> dict[str, StateTransform]:
    """The behavioural state of each scan, for `prepare`; minutes for a scan of 8,000 neurons."""
    return {key: fit_scan_state(scan, recipe.state) for key, scan in progress(scans.items(), desc="states")}


def build_model(mice: Mapping[str, MouseTrials], recipe: Recipe) -> SensoriumModel:
    """An untrained model of these mice, its weights drawn from the recipe's seed.

    Where the recipe starts at receptive fields, these are measured on the mice's training trials.
    """
    shapes = {
        key: MouseShape(neurons=mouse.scan.neurons, trials=len(mouse.tiers)) for key, mouse in mice.items()
    }
    coordinates = {key: mouse.scan.coordinates for key, mouse in mice.items()}
    model = build(shapes, recipe.model, seed=recipe.seed, coordinates=coordinates)
    if recipe.start == "receptive_fields":
        for mouse in mice.values():
            _start_at_receptive_fields(model, mouse)
    return model


def _start_at_receptive_fields(model: SensoriumModel, mouse: MouseTrials) -> None:
    """Moves the readout to measured centres, less what the untrained shifter adds at mean pupil position."""
    trials, scan = mouse.trials("train").numpy(), mouse.scan
    centers = contrast_centers(scan.images[trials], scan.responses[trials])
    positions = model.settings.map_positions(retinotopic_plane(scan.coordinates, centers))
    if model.settings.shifter:
        with torch.no_grad():
            positions = positions - model.shifters[scan.key](torch.zeros(1, 2)).numpy()
    model.mouse(scan.key).readout.positions.start_at(positions)


def train_model(
    mice: Mapping[str, MouseTrials],
    recipe: Recipe,
    *,
    checkpoint: str | Path | None = None,
    **options: Any,
) -> TrainingResult[SensoriumModel]:
    """Builds and trains; stops by the mean correlation on validation trials. `options` go to `fit`.

    With NEUROKIT_FAST=1 the kernels of `neurokit.sensorium.kernels` compute. A `checkpoint` of another
    recipe or other
    scans is not gone on with (CheckpointError). Raises DataError for a mouse without training or validation
    trials, SettingsError where the kernels cannot be used.
    """
    train = ManyMice(mice, note=repr((recipe.model, recipe.seed, recipe.start)))
    objective = ValidationCorrelation(mice, recipe.fit.batch_size)
    model = build_model(mice, recipe)
    if settings.fast():
        accelerate(model)
    return fit(model, loss, train, objective, recipe.fit, checkpoint=checkpoint, **options)


def loss(model: SensoriumModel, batch: MouseBatch) -> tuple[Tensor, Tensor]:
    """The baselines' loss of one batch of one mouse: sqrt(T / B) x Poisson, and all penalties."""
    predicted = model.mouse(batch.key)(**batch.inputs)
    total = poisson_loss(predicted, batch.responses, batch.scale) + model.regulariser(batch.key)
    return total, torch.ones_like(total)


class ValidationCorrelation:
    """Minus the correlation on single validation trials, averaged over all neurons of all mice."""

    def __init__(self, mice: Mapping[str, MouseTrials], batch_size: int, tier: str = "validation") -> None:
        self.mice, self.batch_size, self.tier = mice, batch_size, tier
        self._trials = ManyMice(mice, tier)

    def fingerprint(self) -> str:
        """Which trials of which scans."""
        return self._trials.fingerprint()

    def __call__(self, model: SensoriumModel) -> float:
        """The number for this model, measured in evaluation mode; NaN where a rate is not finite."""
        found = predict_tier(model, self.mice, self.tier, batch_size=self.batch_size)
        if not all(np.isfinite(rates).all() for rates in found.values()):
            return float("nan")  # the training has diverged, and `fit` says so
        scores = [single_trial(self.mice[key], self.tier, rates) for key, rates in found.items()]
        return -float(np.concatenate(scores).mean())
