"""From scans and a config to a trained model, and what it predicts for a tier of trials.

A task is the trials of each mouse as a model reads them (`MouseTrials`), by the key of the scan. Models are
those of `neurokit.sensorium.model`, or whatever offers what `neurokit.sensorium.own_models` says.

Letters: T trials, B trials of a tier, N neurons.
"""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from neurokit import metrics, settings
from neurokit.errors import DataError
from neurokit.progress import progress
from neurokit.sensorium.config import MouseShape, SensoriumConfig
from neurokit.sensorium.features import ManyMice, MouseBatch, MouseTrials, fit_scan_state
from neurokit.sensorium.kernels import accelerate, check_usable
from neurokit.sensorium.model import SensoriumModel, make_model, poisson_loss
from neurokit.sensorium.own_models import MiceModel, OwnCore, check_answers, check_model
from neurokit.sensorium.recording import Scan
from neurokit.sensorium.retinotopy import contrast_centers, retinotopic_plane
from neurokit.sensorium.scaling import input_scales
from neurokit.sensorium.state import StateTransform
from neurokit.training.device import choose_device
from neurokit.training.fit import TrainingResult, fit
from neurokit.training.predict import evaluating, fill_rows, predicting_as_in_training

Mode = Literal["evaluation", "training"]
MODES = {"evaluation": evaluating, "training": predicting_as_in_training}
DEFAULT = SensoriumConfig()


def task(
    recording: Mapping[str, Scan],
    config: SensoriumConfig = DEFAULT,
    *,
    arrays: Mapping[str, np.ndarray] | None = None,
    tiers: Mapping[str, np.ndarray] | None = None,
    device: str = "auto",
) -> dict[str, MouseTrials]:
    """The trials of all mice as the config's model reads them, on the device.

    `arrays` hold behavioural states that were fitted before, as `key/name` (other names are passed over:
    scales follow from a scan's own statistics); `tiers` replace those of a scan, by key. Raises DataError for
    scans that lack what the model reads, and for an incomplete state.
    """
    if not recording:
        raise DataError("There is no scan to prepare; give at least one.")
    where, tiers = choose_device(device), tiers or {}
    states = read_states(arrays, recording) if arrays is not None and config.model.state else {}
    return {
        key: MouseTrials(scan, config.inputs, tiers=tiers.get(key), state=states.get(key)).to(where)
        for key, scan in recording.items()
    }


def fit_states(scans: Mapping[str, Scan], config: SensoriumConfig) -> dict[str, np.ndarray]:
    """The behavioural state of each scan as `key/name`, for `task`; minutes for a scan of 8,000 neurons."""
    bar = progress(scans.items(), desc="states")
    return state_arrays({key: fit_scan_state(scan, config.state) for key, scan in bar})


def state_arrays(states: Mapping[str, StateTransform]) -> dict[str, np.ndarray]:
    """All states as `key/name`, as `read_states` takes them."""
    return {f"{key}/{name}": array for key, state in states.items() for name, array in state.arrays().items()}


def read_states(arrays: Mapping[str, np.ndarray], scans: Mapping[str, Scan]) -> dict[str, StateTransform]:
    """The states that `state_arrays` gave, by scan; DataError where one is missing."""
    names = [field.name for field in fields(StateTransform)]
    found = {key: {n: arrays[f"{key}/{n}"] for n in names if f"{key}/{n}" in arrays} for key in scans}
    return {key: StateTransform.from_arrays(held) for key, held in found.items()}


def arrays(task: Mapping[str, MouseTrials]) -> dict[str, np.ndarray]:
    """States, and what raw inputs are scaled with, of all mice, as `key/name`."""
    found = state_arrays({key: mouse.state for key, mouse in task.items() if mouse.state is not None})
    for key, mouse in task.items():
        scales = input_scales(mouse.scan, mouse.inputs.behaviour, mouse.inputs.pupil_center)
        found |= {f"{key}/{name}": values for name, values in scales.items()}
    return found


def facts(task: Mapping[str, MouseTrials]) -> dict[str, Any]:
    """The scans' own numbers of their neurons, in the model's order, and whether it reads past responses."""
    return {
        "unit_ids": {key: mouse.scan.unit_ids.tolist() for key, mouse in task.items()},
        "uses_past_responses": any(mouse.inputs.uses_past_responses for mouse in task.values()),
    }


def build(
    task: Mapping[str, MouseTrials], config: SensoriumConfig = DEFAULT, *, core: OwnCore | None = None
) -> SensoriumModel:
    """An untrained model of these mice, its weights drawn from the config's seed.

    `core` is one of your own (`neurokit.sensorium.own_models.Core`), or what makes it of the number of its
    input channels, under the published readouts, shifters and modulators. Where the config starts at
    receptive fields, these are measured on the mice's training trials.

    A model that is another altogether offers what `neurokit.sensorium.own_models.MiceModel` says; the
    function of task and config that makes it stands in the place of this one.
    """
    shapes = {
        key: MouseShape(neurons=mouse.scan.neurons, trials=len(mouse.tiers)) for key, mouse in task.items()
    }
    coordinates = {key: mouse.scan.coordinates for key, mouse in task.items()}
    model = make_model(shapes, config.model, seed=config.seed, coordinates=coordinates, core=core)
    if config.start == "receptive_fields":
        for mouse in task.values():
            _start_at_receptive_fields(model, mouse)
    return model


def _start_at_receptive_fields(model: SensoriumModel, mouse: MouseTrials) -> None:
    """Moves the readout to measured centres, less what the untrained shifter adds at mean pupil position."""
    trials, scan = mouse.trials("train").numpy(), mouse.scan
    centers = contrast_centers(scan.images[trials], scan.responses[trials])
    positions = model.core.geometry().positions(retinotopic_plane(scan.coordinates, centers))
    if model.settings.shifter:
        with torch.no_grad():
            positions = positions - model.shifters[scan.key](torch.zeros(1, 2)).numpy()
    model.mouse(scan.key).readout.positions.start_at(positions)


def train(
    model: nn.Module,
    task: Mapping[str, MouseTrials],
    config: SensoriumConfig = DEFAULT,
    *,
    device: str = "auto",
    checkpoint: str | Path | None = None,
    **options: Any,
) -> TrainingResult:
    """Trains the model in place; stops by the mean correlation on validation trials. `options` go to `fit`.

    It computes where the task lies, unless `device` names another place. With NEUROKIT_FAST=1 the kernels of
    `neurokit.sensorium.kernels` compute, but for a model or core of one's own. A `checkpoint` of another
    config or other scans is not gone on with (CheckpointError). Raises DataError for a mouse without training
    or validation trials, SettingsError where the kernels cannot be used.
    """
    check_model(model)
    if device != "auto":
        task = {key: mouse.to(choose_device(device)) for key, mouse in task.items()}
    train_on = ManyMice(task, note=repr((config.model, config.seed, config.start)))
    objective = ValidationCorrelation(task, config.fit.batch_size)
    if settings.fast() and isinstance(model, SensoriumModel) and not model.has_own_core:
        check_usable(train_on.device)
        accelerate(model)
    if not isinstance(model, SensoriumModel):
        model.to(train_on.device)
        for mouse in task.values():
            batch = next(mouse.batches(mouse.trials("train"), 2))
            check_answers(cast(MiceModel, model), batch.key, batch.inputs, tuple(batch.responses.shape))
    return fit(model, loss, train_on, objective, config.fit, checkpoint=checkpoint, **options)


def loss(model: nn.Module, batch: MouseBatch) -> tuple[Tensor, Tensor]:
    """The baselines' loss of one batch of one mouse: sqrt(T / B) x Poisson, and all penalties."""
    mice = cast(MiceModel, model)
    predicted = mice.mouse(batch.key)(**batch.inputs)
    total = poisson_loss(predicted, batch.responses, batch.scale) + mice.regulariser(batch.key)
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
        found = predict(model, self.mice, self.tier, batch_size=self.batch_size)
        if not all(np.isfinite(rates).all() for rates in found.values()):
            return float("nan")  # the training has diverged, and `fit` says so
        scores = [single_trial(self.mice[key], self.tier, rates) for key, rates in found.items()]
        return -float(np.concatenate(scores).mean())


def predict(
    model: nn.Module,
    task: Mapping[str, MouseTrials],
    part: str = "test",
    *,
    mode: Mode = "evaluation",
    batch_size: int = 256,
) -> dict[str, Float[np.ndarray, "_ _"]]:
    """Rates B N for the trials of a part, a tier of the files, in ascending file order, by mouse.

    The model is left as found. Mode 'training' reproduces the published Model 4 submission, which was
    predicted with random readout positions and the statistics of the test batch; nobody should want it for
    anything else. It draws from torch's global generator. Raises DataError for another mode, part or mouse.
    """
    if mode not in MODES:
        raise DataError(f"mode is {mode!r}; use one of {', '.join(MODES)}.")
    with MODES[mode](model), torch.no_grad():
        return {key: _predicted(model, mouse, part, batch_size) for key, mouse in task.items()}


def _predicted(model: nn.Module, mouse: MouseTrials, tier: str, batch_size: int) -> np.ndarray:
    view, trials = cast(MiceModel, model).mouse(mouse.scan.key), mouse.trials(tier)
    parts = (view(**batch.inputs) for batch in mouse.batches(trials, batch_size))
    return fill_rows(parts, torch.empty(len(trials), mouse.scan.neurons)).numpy()


def single_trial(mouse: MouseTrials, tier: str, predicted: np.ndarray) -> Float[np.ndarray, "N"]:
    """Correlation of each neuron over the single trials of a tier."""
    return metrics.correlation(mouse.scan.responses[mouse.trials(tier).numpy()], predicted)
