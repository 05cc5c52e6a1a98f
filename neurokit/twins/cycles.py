"""The learning rate over cycles of epochs, and the seed of each epoch.

The rate falls along half a cosine in each cycle and jumps back to its full height at the next (Loshchilov
and Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017); the first cycles begin with
epochs of a rising rate. The numbers are those of the foundation model of mouse visual cortex (Wang et al.,
Nature 640, 470, 2025) as released. Epochs and cycles count from 0.
"""

from math import cos, pi
from typing import Any

import torch
from pydantic import model_validator
from torch.optim.lr_scheduler import LRScheduler

from neurokit.config import Config, Count, Positive, WholeNumber
from neurokit.errors import SettingsError


class CycleSettings(Config):
    """A cycle of the learning rate: how high, how long, and how its height is reached."""

    learning_rate: Positive = 0.1
    """The rate at its height."""
    epochs: Count = 100
    """Epochs of a cycle."""
    warm_up: WholeNumber = 10
    """Epochs over which the rate rises in the first cycles; it falls over the rest."""
    warm_up_cycles: WholeNumber = 1
    """How many first cycles these are."""

    @model_validator(mode="after")
    def _rate_falls(self) -> "CycleSettings":
        if self.warm_up >= self.epochs:
            raise SettingsError(
                f"warm_up is {self.warm_up} of {self.epochs} epochs; leave at least one for the fall."
            )
        return self


def learning_rate(epoch: int, cycle: int, settings: CycleSettings) -> float:
    """The rate in one epoch of a cycle.

    It is never 0: the middle of each rising epoch counts, and the fall would reach 0 one epoch after the
    last. Raises SettingsError for an epoch that the cycle does not have.
    """
    if not 0 <= epoch < settings.epochs or cycle < 0:
        raise SettingsError(
            f"Epoch {epoch} of cycle {cycle} does not exist; use epochs from 0 to {settings.epochs - 1} and "
            "cycles from 0."
        )
    rising = settings.warm_up if cycle < settings.warm_up_cycles else 0
    if epoch < rising:
        return settings.learning_rate * (epoch + 0.5) / rising
    fallen = (epoch - rising) / (settings.epochs - rising)
    return settings.learning_rate * (cos(pi * fallen) + 1) / 2


class CosineCycles(LRScheduler):
    """Sets the rate of all parameters, whatever rate the optimiser came with.

    `step()` closes an epoch; epochs count on through the cycles. The settings are no part of the state that
    is saved.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, settings: CycleSettings) -> None:
        self.settings = settings
        super().__init__(optimizer)

    def get_lr(self) -> list[float]:
        """The rate of the epoch that begins, once for each group of parameters."""
        cycle, epoch = divmod(self.last_epoch, self.settings.epochs)
        return [learning_rate(epoch, cycle, self.settings)] * len(self.optimizer.param_groups)

    def state_dict(self) -> dict[str, Any]:
        """Plain values, which torch reads back without unpickling."""
        return {name: value for name, value in super().state_dict().items() if name != "settings"}


def epoch_seed(rank: int, world: int, epoch: int, base: int) -> int:
    """The seed of one process in one epoch: no two of a run are the same.

    Mouse number `rank` of `world`; epochs count through all cycles. Every draw of an
    epoch starts from its seed.
    """
    return rank + world * epoch + base
