"""How to train: the numbers of a run, and the optimiser and schedule they stand for."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from neurokit.device import Precision
from neurokit.errors import FitError

Schedule = Literal["constant", "cosine", "plateau"]


@dataclass(frozen=True)
class FitSettings:
    """How to train. One epoch is one pass over the training rows in an order drawn from `seed`.

    `patience` is the number of epochs without a better validation loss after which training stops
    (None: never). `clip` bounds the norm of all gradients together (None: not). `warm_up` epochs
    raise the rate linearly to `learning_rate`; then 'constant' keeps it, 'cosine' lowers it to zero
    at the end, 'plateau' divides it by three whenever a third of the patience (10 epochs where that
    is None) brings less than 0.01 % off the best validation loss. Weight decay is AdamW's
    decoupled one where `decoupled`, else Adam's.
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
    precision: Precision = "float32"
    seed: int = 0

    def __post_init__(self) -> None:
        """Raises FitError for a setting that no training can run with."""
        if self.epochs < 0 or self.batch_size < 1 or self.warm_up < 0 or not self.learning_rate > 0:
            raise FitError(
                f"epochs, warm_up (0 or more), batch_size and learning_rate (positive) are needed: {self}."
            )
        if self.weight_decay < 0 or (self.clip is not None and not self.clip > 0):
            raise FitError(
                f"weight_decay is {self.weight_decay}, clip {self.clip}; use 0 or more for the one, "
                "a positive number or None for the other."
            )
        if self.schedule not in ("constant", "cosine", "plateau"):
            raise FitError(f"schedule is {self.schedule!r}; use 'constant', 'cosine' or 'plateau'.")


class WarmPlateau(ReduceLROnPlateau):
    """Torch's schedule on plateaus, after `warm_up` epochs of a rising rate, for which it has no
    place.

    `epochs` without improvement, neither more nor fewer, divide the rate by three.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, warm_up: int, epochs: int) -> None:
        super().__init__(optimizer, factor=1 / 3, patience=epochs - 1)
        self.warm_up, self.full = warm_up, [group["lr"] for group in optimizer.param_groups]
        self._rise()

    def step(self, metrics: float) -> None:
        """Closes an epoch with that validation loss."""
        if self.last_epoch < self.warm_up:
            self.last_epoch += 1
            self._rise()
        else:
            super().step(metrics)

    def _rise(self) -> None:
        for group, rate in zip(self.optimizer.param_groups, self.full, strict=True):
            group["lr"] = rate * (self.last_epoch + 1) / (self.warm_up + 1)


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
    if settings.schedule == "plateau":
        return WarmPlateau(optimizer, settings.warm_up, max(1, (settings.patience or 30) // 3))
    main = (
        schedules.CosineAnnealingLR(optimizer, max(1, settings.epochs - settings.warm_up))
        if settings.schedule == "cosine"
        else schedules.ConstantLR(optimizer, factor=1.0)
    )
    if settings.warm_up == 0:
        return main
    rising = schedules.LinearLR(optimizer, 1 / (settings.warm_up + 1), 1.0, total_iters=settings.warm_up)
    return schedules.SequentialLR(optimizer, [rising, main], milestones=[settings.warm_up])
