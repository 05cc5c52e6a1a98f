"""From scans and a recipe to a trained model.

Letters: T trials, N neurons.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from neurokit import settings
from neurokit.data.sensorium import Scan
from neurokit.device import choose_device
from neurokit.errors import DataError
from neurokit.fast import accelerate
from neurokit.features.many_mice import ManyMice
from neurokit.features.mouse_trials import MouseBatch, MouseTrials, fit_scan_state
from neurokit.features.retinotopy import contrast_centers, retinotopic_plane
from neurokit.features.state import StateTransform
from neurokit.fit import Fitted, fit
from neurokit.models.sensorium import SensoriumModel, build, poisson_loss
from neurokit.models.sensorium_settings import MouseShape
from neurokit.progress import progress
from neurokit.sensorium.prediction import predict_tier, single_trial
from neurokit.sensorium.recipe import Recipe


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
    model.readouts[scan.key].positions.start_at(positions)


def train_model(
    mice: Mapping[str, MouseTrials],
    recipe: Recipe,
    *,
    checkpoint: str | Path | None = None,
    **options: Any,
) -> Fitted:
    """Builds and trains; stops by the mean correlation on validation trials. `options` go to `fit`.

    With NEUROKIT_FAST=1 the kernels of `neurokit.fast` compute. A `checkpoint` of another recipe or other
    scans is not gone on with (CheckpointError). Raises DataError for a mouse without training or validation
    trials, SettingsError where the kernels cannot be used.
    """
    train = ManyMice(mice, note=repr((recipe.model, recipe.seed, recipe.start)))
    objective = ValidationCorrelation(mice, recipe.fit.batch_size)
    model = build_model(mice, recipe)
    if settings.fast():
        accelerate(model)
    return fit(model, loss, train, objective, recipe.fit, checkpoint=checkpoint, **options)


def loss(model: nn.Module, batch: MouseBatch) -> tuple[Tensor, Tensor]:
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

    def __call__(self, model: nn.Module) -> float:
        """The number for this model, measured in evaluation mode; NaN where a rate is not finite."""
        found = predict_tier(model, self.mice, self.tier, batch_size=self.batch_size)
        if not all(np.isfinite(rates).all() for rates in found.values()):
            return float("nan")  # the training has diverged, and `fit` says so
        scores = [single_trial(self.mice[key], self.tier, rates) for key, rates in found.items()]
        return -float(np.concatenate(scores).mean())
