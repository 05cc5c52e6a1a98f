"""How to train: the settings of a run, and the optimiser and schedule that follow from them."""

from typing import Literal

import torch
from torch import nn
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from neurokit.config import Config, Count, NonNegative, Positive, Seed, WholeNumber
from neurokit.errors import FitError
from neurokit.training.device import Precision

Schedule = Literal["constant", "cosine", "rounds"]


class FitSettings(Config):
    """How to train.

    When the patience is used up, a new round starts from the best weights with the optimiser unchanged, until
    `rounds` rounds have ended.
    """

    epochs: WholeNumber = 200
    """Most passes over the training rows, each in an order drawn from `seed`."""
    batch_size: Count = 32
    """Rows in a batch."""
    learning_rate: Positive = 1e-3
    """The highest learning rate."""
    weight_decay: NonNegative = 0.0
    """Fraction by which a step of rate 1 shrinks a weight."""
    decoupled: bool = False
    """Whether to use the decoupled weight decay of AdamW instead of Adam's."""
    clip: Positive | None = 1.0
    """Limit on the norm of all gradients together; None: no limit."""
    patience: Count | None = 25
    """Epochs without a better validation loss after which a round ends; None: never."""
    schedule: Schedule = "constant"
    """After the warm-up, 'constant' leaves the rate unchanged, and 'cosine' lowers it to zero at the end.
    'rounds' is the schedule of SENSORIUM 2022 (`RoundsPlateau`), without a warm-up."""
    warm_up: WholeNumber = 0
    """Epochs in which the rate rises linearly to its highest value."""
    rounds: Count = 1
    """How often the patience may be used up."""
    tolerance: NonNegative = 0.0
    """Decrease of the validation loss that counts as an improvement, in its own unit."""
    evaluate_first: bool = False
    """Whether the untrained weights may be the best ones."""
    precision: Precision = "float32"
    """Precision of training steps; 'bfloat16' is mixed precision."""
    seed: Seed = 0
    """Seed of the order of rows and of dropout."""


class RoundsPlateau(ReduceLROnPlateau):
    """The schedule of the SENSORIUM 2022 baselines: times 0.3 after a round, never below 1e-4.

    As published, stopping and schedule count the same five epochs, but the schedule acts one epoch later: the
    rate falls after the first epoch of a new round, unless that epoch improves.
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
        raise FitError("The model has no parameter that requires a gradient; unfreeze a part of it.")
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
