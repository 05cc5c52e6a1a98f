"""From scans and a config to a trained model.

A task is the trials of each mouse as a model reads them (`MouseTrials`), by the key of the scan. Models are
those of `neurokit.sensorium.model`, or whatever offers what `MiceModel` there says.

Letters: T trials, B trials of a tier, N neurons.
"""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from neurokit import settings
from neurokit.arguments import explain_failure
from neurokit.errors import DataError
from neurokit.progress import progress
from neurokit.sensorium.config import MouseShape, SensoriumConfig
from neurokit.sensorium.core import OwnCore
from neurokit.sensorium.features import (
    MouseBatch,
    MouseTrials,
    fit_scan_state,
    input_scales,
    leave_out_shared,
)
from neurokit.sensorium.kernels import accelerate, check_usable
from neurokit.sensorium.model import (
    MiceModel,
    SensoriumModel,
    check_answers,
    check_model,
    make_model,
    poisson_loss,
)
from neurokit.sensorium.past_responses import StateTransform
from neurokit.sensorium.prediction import predict, single_trial
from neurokit.sensorium.readout import FEWEST_CENTERS, contrast_centers, fill_centers, retinotopic_plane
from neurokit.sensorium.recording import Scan, Scans, check_image_ids
from neurokit.training.checkpoint import fingerprint
from neurokit.training.device import choose_device
from neurokit.training.fit import TrainingResult, fit
from neurokit.training.omissions import Omission

DEFAULT = SensoriumConfig()


class Mice(dict[str, MouseTrials]):
    """The trials of each mouse by its scan's key; `omissions` are scans that the model cannot read."""

    def __init__(self, mice: Mapping[str, MouseTrials], omissions: tuple[Omission, ...] = ()) -> None:
        super().__init__(mice)
        self.omissions = omissions


@explain_failure
def task(
    recording: Mapping[str, Scan],
    config: SensoriumConfig = DEFAULT,
    *,
    arrays: Mapping[str, np.ndarray] | None = None,
    tiers: Mapping[str, np.ndarray] | None = None,
    device: str = "auto",
) -> Mice:
    """The trials of all mice as the config's model reads them, on the device.

    `arrays` hold behavioural states that were fitted before, as `key/name` (other names are passed over:
    scales follow from a scan's own statistics); `tiers` replace those of a scan, by key. Training trials
    whose image is shown in validation or test, too, are left out, and validation trials whose image is shown
    in test. Raises DataError for scans that lack what the model reads, for those in which nothing else is
    shown, for ids of test images that stand for several, and for an incomplete state.
    """
    if not recording:
        raise DataError("There is no scan to prepare; give at least one.")
    where, tiers = choose_device(device), tiers or {}
    states = read_states(arrays, recording) if arrays is not None and config.model.state else {}
    mice = {}
    for key, scan in recording.items():
        dealt = tiers.get(key, scan.tiers)
        check_image_ids(scan, dealt)
        held, omissions = leave_out_shared(scan, dealt)
        mouse = MouseTrials(scan, config.inputs, tiers=held, state=states.get(key), omissions=omissions)
        mice[key] = mouse.to(where)
    return Mice(mice, recording.omissions if isinstance(recording, Scans) else ())


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
        scales = input_scales(mouse.scan, mouse.inputs)
        found |= {f"{key}/{name}": values for name, values in scales.items()}
    return found


def facts(task: Mapping[str, MouseTrials]) -> dict[str, Any]:
    """What the model was fitted to: neurons by the scans' own numbers, in the model's order, and remarks.

    It also says whether the model reads past responses.
    """
    remarks = {key: list(mouse.scan.remarks) for key, mouse in task.items() if mouse.scan.remarks}
    return {
        **({"remarks": remarks} if remarks else {}),
        "unit_ids": {key: mouse.scan.unit_ids.tolist() for key, mouse in task.items()},
        "uses_past_responses": any(mouse.inputs.uses_past_responses for mouse in task.values()),
    }


@explain_failure
def build(
    task: Mapping[str, MouseTrials], config: SensoriumConfig = DEFAULT, *, core: OwnCore | None = None
) -> SensoriumModel:
    """An untrained model of these mice, its weights drawn from the config's seed.

    `core` is one of your own (`neurokit.sensorium.core.Core`), or a function that makes it from its number of
    input channels, under the published readouts, shifters and modulators. If the config starts at receptive
    fields, they are measured on the mice's training trials. Neurons whose place in cortex is not known have
    free positions, whatever the config says of theirs.

    An entirely different model offers what `neurokit.sensorium.model.MiceModel` says; the function of task
    and config that makes it takes the place of this one.
    """
    shapes = {
        key: MouseShape(
            neurons=mouse.scan.neurons, trials=len(mouse.tiers), free=not mouse.scan.has_coordinates
        )
        for key, mouse in task.items()
    }
    coordinates = {key: mouse.scan.coordinates for key, mouse in task.items()}
    model = make_model(shapes, config.model, seed=config.seed, coordinates=coordinates, core=core)
    if config.start == "receptive_fields":
        for mouse in task.values():
            _start_at_receptive_fields(model, mouse)
    return model


def _start_at_receptive_fields(model: SensoriumModel, mouse: MouseTrials) -> None:
    """Moves the readout to measured centres, less what the untrained shifter adds at mean pupil position.

    Centres are those of a plane over the cortex, or each neuron's own where none can be fitted.
    """
    trials, scan = mouse.trials("train").numpy(), mouse.scan
    centers = contrast_centers(scan.images[trials], scan.responses[trials])
    if scan.has_coordinates and np.isfinite(centers).all(axis=1).sum() >= FEWEST_CENTERS:
        centers = retinotopic_plane(scan.coordinates, centers)
    elif not np.isfinite(centers).any():
        return  # nothing could be measured, and positions stay as they were drawn
    else:
        centers = fill_centers(centers)
    positions = model.core.geometry().positions(centers)
    if model.settings.shifter:
        with torch.no_grad():
            positions = positions - model.shifters[scan.key](torch.zeros(1, 2)).numpy()
    model.mouse(scan.key).readout.positions.start_at(np.clip(positions, -1, 1))


class ManyMice:
    """The training trials of all mice: what `fit` trains on.

    An epoch has as many steps as the mouse with most trials has batches; a step is one batch of each
    mouse. Mice with fewer trials start again, in a new order, within the epoch. `note` is what else an
    interrupted training must share to be resumed. Raises DataError for no mice, or one without trials of
    the tier.
    """

    def __init__(self, mice: Mapping[str, MouseTrials], tier: str = "train", note: str = "") -> None:
        _check_trials(mice, tier)
        self.mice, self.tier, self.note = dict(mice), tier, note
        self.device = next(iter(self.mice.values())).device

    def fingerprint(self) -> str:
        """Which scans, tiers, inputs and fitted states these are."""
        mice = self.mice.values()
        facts = [f"{mouse.scan.key} {mouse.scan.fingerprint} {mouse.inputs}" for mouse in mice]
        tiers = [np.asarray(mouse.tiers).astype("U10") for mouse in mice]
        states = [array for mouse in mice if mouse.state for array in mouse.state.arrays().values()]
        return fingerprint(np.array([self.tier, self.note, *facts]), *tiers, *states)

    def steps(self, size: int, generator: torch.Generator, epoch: int = 0) -> Iterator[list[MouseBatch]]:
        """One batch of each mouse, again and again until all trials of every mouse were seen."""
        streams = [self._repeat_batches(mouse, size, generator) for mouse in self.mice.values()]
        longest = max(len(mouse.trials(self.tier)) for mouse in self.mice.values())
        for _ in range(-(-longest // size)):
            yield [next(stream) for stream in streams]

    def _repeat_batches(
        self, mouse: MouseTrials, size: int, generator: torch.Generator
    ) -> Iterator[MouseBatch]:
        while True:
            yield from mouse.batches(mouse.trials(self.tier), size, generator)


def _check_trials(mice: Mapping[str, MouseTrials], tier: str) -> None:
    without = [key for key, mouse in mice.items() if not len(mouse.trials(tier))]
    if without or not mice:
        finding = f"Scan {', '.join(without)} has" if without else "Without a scan there are"
        raise DataError(f"{finding} no trials of tier {tier!r}; give scans that have some.")


def loss(model: nn.Module, batch: MouseBatch) -> tuple[Tensor, Tensor]:
    """The baselines' loss of one batch of one mouse: sqrt(T / B) x Poisson, and all penalties."""
    mice = cast(MiceModel, model)
    predicted = mice.mouse(batch.key)(**batch.inputs)
    total = poisson_loss(predicted, batch.responses, batch.scale) + mice.regulariser(batch.key)
    return total, torch.ones_like(total)


class ValidationCorrelation:
    """Minus the correlation on single validation trials, averaged over all neurons of all mice."""

    def __init__(self, mice: Mapping[str, MouseTrials], batch_size: int) -> None:
        self.mice, self.batch_size = mice, batch_size
        self._trials = ManyMice(mice, "validation")
        for key, mouse in mice.items():
            if len(mouse.trials("validation")) < 2:
                raise DataError(
                    f"Scan {key} has one validation trial, and a correlation takes two or more; give more "
                    "trials the tier 'validation'."
                )

    def fingerprint(self) -> str:
        """Which trials of which scans."""
        return self._trials.fingerprint()

    def __call__(self, model: nn.Module) -> float:
        """The number for this model, measured in evaluation mode; NaN where a rate is not finite."""
        found = predict(model, self.mice, "validation", batch_size=self.batch_size)
        if not all(np.isfinite(rates).all() for rates in found.values()):
            return float("nan")  # the training has diverged, and `fit` says so
        scores = [single_trial(self.mice[key], "validation", rates) for key, rates in found.items()]
        return -float(np.concatenate(scores).mean())


@explain_failure
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
    `neurokit.sensorium.kernels` compute, except for a model or core of your own. A `checkpoint` of another
    config or of other scans is refused (CheckpointError). Raises DataError for a mouse without training
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
