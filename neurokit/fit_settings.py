"""How to train: the numbers of a run, and the optimiser and schedule they stand for."""

from dataclasses import dataclass
from math import inf, isfinite
from numbers import Integral
from typing import Literal, get_args

import torch
from torch import nn
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from neurokit.device import Precision
from neurokit.errors import FitError

Schedule = Literal["constant", "cosine", "rounds"]


@dataclass(frozen=True)
class FitSettings:
    """How to train. One epoch is one pass over the training rows in an order drawn from `seed`.

    `patience` is the number of epochs without a better validation loss after which training stops
    (None: never). `clip` bounds the norm of all gradients together (None: not). `warm_up` epochs
    raise the rate linearly to `learning_rate`; then 'constant' keeps it, 'cosine' lowers it to zero
    at the end; 'rounds' is the schedule of SENSORIUM 2022 (see `RoundsPlateau`). Weight decay is
    AdamW's decoupled one where `decoupled`, else Adam's.

    When the patience is used up, a new round starts from the best weights, the optimiser as it is,
    until `rounds` of them are over. An improvement is one of more than `tolerance`.
    `evaluate_first` lets the untrained weights compete too.
    """

    epochs: int = 200
    batch_size: int = 32
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    decoupled: bool = False
    clip: float | None = 1.0
    patience: int | None = 25
    schedule: Schedule = "constant"
    warm_up: int = 0
    rounds: int = 1
    tolerance: float = 0.0
    evaluate_first: bool = False
    precision: Precision = "float32"
    seed: int = 0

    def __post_init__(self) -> None:
        """Raises FitError for a setting that no training can run with."""
        for name in ("epochs", "batch_size", "warm_up", "rounds", "seed"):
            if not isinstance(getattr(self, name), Integral):
                raise FitError(f"{name} is {getattr(self, name)!r}; use a whole number.")
        if self.patience is not None and not (isinstance(self.patience, Integral) and self.patience > 0):
            raise FitError(f"patience is {self.patience!r}; use a whole number of 1 or more, or None.")
        for name in ("learning_rate", "weight_decay", "clip"):
            if (value := getattr(self, name)) is not None and not isfinite(value):
                raise FitError(f"{name} is {value}; use a finite number.")
        if self.epochs < 0 or self.batch_size < 1 or self.warm_up < 0 or not self.learning_rate > 0:
            raise FitError(
                f"epochs, warm_up (0 or more), batch_size and learning_rate (positive) are needed: {self}."
            )
        if self.weight_decay < 0 or (self.clip is not None and not self.clip > 0):
            raise FitError(
                f"weight_decay is {self.weight_decay}, clip {self.clip}; use 0 or more for the one, "
                "a positive number or None for the other."
            )
        for name, kind in (("schedule", Schedule), ("precision", Precision)):
            if getattr(self, name) not in (words := get_args(kind)):
                raise FitError(f"{name} is {getattr(self, name)!r}; use one of {', '.join(words)}.")
        if self.rounds < 1 or not 0 <= self.tolerance < inf:
            raise FitError(
                f"rounds is {self.rounds}, tolerance {self.tolerance}; use 1 or more for the one, 0 or more "
                "for the other."
            )


class RoundsPlateau(ReduceLROnPlateau):
    """The schedule of the SENSORIUM 2022 baselines: times 0.3 after a round, never below 1e-4.

    As published, stopping and schedule count the same five epochs, but the schedule acts on the
    next one: the rate falls after the first epoch of a new round, and stays if that epoch
    improves.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, patience: int) -> None:
        super().__init__(
            optimizer, factor=0.3, patience=patience, threshold=1e-6, threshold_mode="abs", min_lr=1e-4
        )


def optimizer_and_schedule(
    model: nn.Module, settings: FitSettings
) -> tuple[torch.optim.Optimizer, LRScheduler]:
    """Adam on the parameters that require a gradient, and the schedule of its rate.

    Raises FitError where every parameter is frozen.
    """
    kind = torch.optim.AdamW if settings.decoupled else torch.optim.Adam
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not trained:
        raise FitError("The model has no parameter that requires a gradient; unfreeze what is to be trained.")
    optimizer = kind(trained, lr=settings.learning_rate, weight_decay=settings.weight_decay)
    return optimizer, _schedule(optimizer, settings)


def _schedule(optimizer: torch.optim.Optimizer, settings: FitSettings) -> LRScheduler:
    schedules = torch.optim.lr_scheduler
    if settings.schedule == "rounds":
        return RoundsPlateau(optimizer, settings.patience or 5)
    main = (
        schedules.CosineAnnealingLR(optimizer, max(1, settings.epochs - settings.warm_up))
        if settings.schedule == "cosine"
        else schedules.ConstantLR(optimizer, factor=1.0)
    )
    if settings.warm_up == 0:
        return main
    rising = schedules.LinearLR(optimizer, 1 / (settings.warm_up + 1), 1.0, total_iters=settings.warm_up)
    return schedules.SequentialLR(optimizer, [rising, main], milestones=[settings.warm_up])
