"""The one training loop: any model, any loss, any data, any device.

`fit` trains on mini-batches that never leave the device, retains the weights of the best validation loss,
stops when the loss no longer improves, and can be resumed exactly after an interruption. It does not know
what is modelled: a loss is a function `(model, batch) -> (total, number)` whose quotient is minimised, so
that masked bins and uneven batches are averaged exactly. The data yield the batches of one optimiser step
together (such as one of each mouse), and their gradients are added.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

import pandas as pd
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler

from neurokit.arguments import explain_failure
from neurokit.errors import FitError
from neurokit.progress import progress
from neurokit.settings import keep_memory
from neurokit.training.checkpoint import fingerprint
from neurokit.training.device import Compile, Loss, Model, autocast, compile_loss, keep_freed_memory
from neurokit.training.predict import evaluating
from neurokit.training.settings import FitSettings, optimizer_and_schedule
from neurokit.training.state import TrainingState

Batch = tuple[Tensor, ...]
Optimise = Callable[[Model, FitSettings], tuple[torch.optim.Optimizer, LRScheduler]]
Judged = TypeVar("Judged", bound=nn.Module, contravariant=True)


@runtime_checkable
class TrainingData(Protocol):
    """What `fit` trains on; `Rows` is the plain case."""

    device: torch.device

    def fingerprint(self) -> str:
        """Digits that identify the data."""

    def steps(self, size: int, generator: torch.Generator, epoch: int) -> Iterator[Sequence[Any]]:
        """One epoch, counted from 0: the batches of each optimiser step, of `size` rows at most."""


@runtime_checkable
class Objective(Protocol[Judged]):
    """A number to minimise, in place of the loss on validation rows."""

    def fingerprint(self) -> str:
        """Digits that identify the data that it is measured on."""

    def __call__(self, model: Judged) -> float:
        """The number for this model, whose mode must be left unchanged."""


@dataclass(frozen=True)
class TrainingResult(Generic[Model]):
    """A trained model with its best weights, and the history of its training.

    `history` has one row per epoch: epoch, train_loss, validation_loss, learning_rate.
    """

    model: Model
    history: pd.DataFrame
    best_epoch: int
    best_loss: float


class Rows:
    """Tensors that share their first axis, on one device, handed out in mini-batches."""

    def __init__(self, *tensors: Tensor, device: torch.device | str = "cpu") -> None:
        lengths = {len(tensor) for tensor in tensors}
        if len(lengths) != 1 or 0 in lengths:
            raise FitError(
                f"The tensors have {sorted(lengths)} rows; all need the same number, at least one."
            )
        self.tensors = tuple(tensor.to(device) for tensor in tensors)
        self.device = self.tensors[0].device

    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits of the values, which identify the data of a run."""
        return fingerprint(*(tensor.cpu().numpy() for tensor in self.tensors))

    def steps(self, size: int, generator: torch.Generator, epoch: int = 0) -> Iterator[tuple[Batch]]:
        """Shuffled batches, one for each step."""
        return ((batch,) for batch in self.batches(size, generator))

    def batches(self, size: int, generator: torch.Generator | None = None) -> Iterator[Batch]:
        """Batches of `size` rows (the last may be smaller), shuffled where a generator is given."""
        rows = len(self.tensors[0])
        if generator is None:
            for start in range(0, rows, size):
                yield tuple(tensor[start : start + size] for tensor in self.tensors)
            return
        for batch in torch.randperm(rows, generator=generator).to(self.device).split(size):
            yield tuple(tensor[batch] for tensor in self.tensors)


@explain_failure
def fit(
    model: Model,
    loss: Loss[Model],
    train: TrainingData,
    validation: Rows | Objective[Model],
    settings: FitSettings = FitSettings(),  # noqa: B008  frozen
    *,
    optimise: Optimise[Model] | None = None,
    compile: Compile = "none",
    checkpoint: str | Path | None = None,
    on_epoch: Callable[[int, float], None] | None = None,
    show_progress: bool = True,
) -> TrainingResult[Model]:
    """Trains `model` in place and leaves it with the weights of its best validation loss.

    `validation` is either rows, on which `loss` is measured, or an objective of its own. `optimise` makes the
    optimiser and its schedule from model and settings (default: Adam with these settings). `compile` makes
    training steps faster on a GPU ('default', 'graphs': `neurokit.training.device`) and changes only
    rounding, so a run may be resumed with another value.

    With a `checkpoint` path the state is saved after each epoch, and training resumes from that file if it
    exists; the result equals that of an uninterrupted run. `on_epoch(epoch, validation_loss)` may raise to
    stop. Dropout and shuffling draw from `settings.seed`; the global generators are left unchanged. Raises
    FitError where the loss stops being finite (the best weights so far are restored first), and
    CheckpointError for a checkpoint of another model, other settings or other data.
    """
    if keep_memory():
        keep_freed_memory()
    model.to(train.device)
    checkpoint = None if checkpoint is None else Path(checkpoint)
    data = train.fingerprint() + validation.fingerprint() if checkpoint else ""
    measured = _objective(loss, validation, settings)
    state = TrainingState(model, settings, *(optimise or optimizer_and_schedule)(model, settings), data)
    with (
        torch.random.fork_rng(),
        compile_loss(loss, compile, model, train.device) as step_loss,
        progress(total=settings.epochs, desc="epochs", disable=not show_progress) as bar,
    ):
        state.start(checkpoint)
        bar.update(state.epoch)
        if settings.evaluate_first and state.epoch == 0:
            state.compare(measured(model))
        try:
            while state.epoch < settings.epochs and not state.stopped:
                train_loss = _train_epoch(model, step_loss, train, state, settings)
                validation_loss = measured(model)
                _check_finite(train_loss, validation_loss, state.epoch, settings)
                state.record(train_loss, validation_loss)
                state.save(checkpoint)
                bar.update()
                bar.set_postfix(validation=f"{validation_loss:.4g}", best=f"{state.best_loss:.4g}")
                if on_epoch:
                    on_epoch(state.epoch - 1, validation_loss)
        finally:
            state.restore_best()
    return TrainingResult(model, state.history(), state.best_epoch, state.best_loss)


def _objective(
    loss: Loss[Model], validation: Rows | Objective[Model], settings: FitSettings
) -> Callable[[Model], float]:
    if isinstance(validation, Rows):
        return lambda model: evaluate_loss(model, loss, validation, settings)
    return lambda model: float(validation(model))  # a checkpoint cannot hold numpy's numbers


def _train_epoch(
    model: Model, loss: Loss[Model], data: TrainingData, state: TrainingState, settings: FitSettings
) -> float:
    model.train()
    sums = torch.zeros(2, device=data.device)
    for batches in data.steps(settings.batch_size, state.generator, state.epoch):
        state.optimizer.zero_grad(set_to_none=True)
        for batch in batches:
            with autocast(data.device, settings.precision):
                total, number = loss(model, batch)
            (total / number.clamp_min(1)).backward()
            sums += torch.stack([total.detach(), number])  # stays on the device: reading it would block
        if settings.clip is not None:
            nn.utils.clip_grad_norm_(model.parameters(), settings.clip)
        state.optimizer.step()
    return float(sums[0] / sums[1].clamp_min(1))


def evaluate_loss(model: Model, loss: Loss[Model], rows: Rows, settings: FitSettings) -> float:
    """The loss over all rows in evaluation mode; the model's modes are left unchanged."""
    with evaluating(model), torch.no_grad(), autocast(rows.device, settings.precision):
        parts = [torch.stack(loss(model, batch)) for batch in rows.batches(settings.batch_size)]
    total, number = torch.stack(parts).sum(dim=0)
    return float(total / number.clamp_min(1))


def _check_finite(train_loss: float, validation_loss: float, epoch: int, settings: FitSettings) -> None:
    for name, value in (("training", train_loss), ("validation", validation_loss)):
        if not torch.isfinite(torch.tensor(value)):
            raise FitError(
                f"The {name} loss became {value} in epoch {epoch}: lower learning_rate (now "
                f"{settings.learning_rate:g}), clip gradients, or look for non-finite inputs; "
                "the best weights so far are restored."
            )


def masked_squared_error(model: nn.Module, batch: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Squared error over the scored bins: batch is (inputs K T C, rates K T R, bins K T)."""
    inputs, rates, bins = batch
    error = torch.where(bins[..., None], model(inputs) - rates, 0)  # a product would let a masked NaN through
    return error.square().sum(), bins.sum() * rates.shape[-1]
