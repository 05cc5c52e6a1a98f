"""How foundation networks are trained: descent with clipped gradients, its rate over epochs, shared means.

The numbers and the order of the steps are those of the foundation model of mouse visual cortex (Wang et al.,
Nature 640, 470, 2025) as released.

The learning rate falls along half a cosine in each cycle of epochs and jumps back to its full height at the
next (Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017); the first
cycles begin with epochs of a rising rate. Epochs and cycles count from 0.

In stochastic gradient descent with adaptive clipping a gradient may not be longer than a small fraction of
its own parameter, unit by unit (Brock et al., "High-performance large-scale image recognition without
normalization", ICML 2021), so that a large step needs no normalisation of the activations. Momentum is
Nesterov's, decay of the weights is decoupled from it.

What mice share gets the mean of their gradients, over all processes where several train together.
"""

from collections.abc import Iterable
from math import cos, pi, sqrt
from typing import Any

import torch
from pydantic import model_validator
from torch import Tensor, distributed, nn
from torch.linalg import vector_norm
from torch.optim.lr_scheduler import LRScheduler

from neurokit.config import BelowOne, Config, Count, NonNegative, Positive, WholeNumber, check_value
from neurokit.digital_twin.network.base import UpdateRule
from neurokit.errors import FitError, SettingsError


class CycleSettings(Config):
    """A cycle of the learning rate: its height, its length, and the way up."""

    learning_rate: Positive = 0.1
    """The rate at its height."""
    epochs: Count = 100
    """Epochs of a cycle."""
    warm_up: WholeNumber = 10
    """Epochs over which the rate rises in the first cycles; it falls over the rest."""
    warm_up_cycles: WholeNumber = 1
    """Number of these first cycles."""

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
    """Sets the rate of all parameters, whatever the optimiser's own rate.

    `step()` closes an epoch; epochs count on through the cycles. The saved state does not hold the settings.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, settings: CycleSettings) -> None:
        self.settings = settings
        super().__init__(optimizer)

    def get_lr(self) -> list[float | Tensor]:
        """The rate of the epoch that begins, once for each group of parameters."""
        cycle, epoch = divmod(self.last_epoch, self.settings.epochs)
        rate = learning_rate(epoch, cycle, self.settings)
        return [rate for _ in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """Plain values, which torch reads back without unpickling."""
        return {name: value for name, value in super().state_dict().items() if name != "settings"}


class SgdClipSettings(Config):
    """The numbers of `SgdClip`; the learning rate is the schedule's (`CosineCycles`)."""

    decay: NonNegative = 1e-4
    """Share of a value that a step of rate 1 takes off."""
    momentum: BelowOne = 0.9
    """Share of the last change that is made again."""
    nesterov: bool = True
    """Whether the momentum is Nesterov's."""
    clip: Positive = 0.01
    """Largest length of a gradient, in lengths of its parameter."""
    eps: Positive = 0.001
    """The largest length is at least this times the square root of the tensor's size."""


RELEASED = SgdClipSettings()


class SgdClip(torch.optim.Optimizer):
    """Updates each parameter by its own rule.

    A parameter p whose gradient is g changes by

        d = scale g                                       (scale: see `UpdateRule`)
        d = d longest / max(|d|, longest),                longest = max(clip |p|, eps sqrt(size of p))
        m = momentum m + d                                (the first time m = d)
        p = p - rate (d + momentum m + decay p),          without Nesterov p - rate (m + decay p)

    where norms run over the dimensions of the rule, the size is that of all of the tensor, and decay is left
    out where the rule says so. A parameter without a gradient, as those of streams that took no part, is
    left alone together with its m.
    """

    def __init__(
        self,
        parameters: Iterable[tuple[nn.Parameter, UpdateRule]],
        lr: float,
        *,
        decay: float = RELEASED.decay,
        momentum: float = RELEASED.momentum,
        nesterov: bool = RELEASED.nesterov,
        clip: float = RELEASED.clip,
        eps: float = RELEASED.eps,
    ) -> None:
        """Raises SettingsError for an impossible number, FitError where there is nothing to train."""
        settings = SgdClipSettings(decay=decay, momentum=momentum, nesterov=nesterov, clip=clip, eps=eps)
        if not (groups := _groups(parameters)):
            raise FitError("The optimiser has no parameter; unfreeze what it is to train.")
        super().__init__(groups, {"lr": check_value("lr", lr, Positive)} | settings.to_dict())

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]  # torch's takes a closure, this one needs none
        """Changes all parameters that have a gradient."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, group)

    def _update(self, parameter: nn.Parameter, group: dict[str, Any]) -> None:
        change = _shorten(parameter.grad * group["scale"], parameter, group)
        state, momentum = self.state[parameter], group["momentum"]
        if "momentum" in state:
            state["momentum"].mul_(momentum).add_(change)
        else:
            state["momentum"] = change.clone()
        change = change.add(state["momentum"], alpha=momentum) if group["nesterov"] else state["momentum"]
        if group["decays"]:
            change = change.add(parameter, alpha=group["decay"])
        parameter.sub_(change, alpha=group["lr"])


def _groups(parameters: Iterable[tuple[nn.Parameter, UpdateRule]]) -> list[dict[str, Any]]:
    """Parameters of one rule together; plain values, so that a saved state holds no class of ours."""
    by_rule: dict[UpdateRule, list[nn.Parameter]] = {}
    for parameter, rule in parameters:
        by_rule.setdefault(rule, []).append(parameter)
    return [
        {"params": same, "decays": rule.decay, "norm_over": rule.norm_over, "scale": rule.scale}
        for rule, same in by_rule.items()
    ]


def _shorten(gradient: Tensor, parameter: Tensor, group: dict[str, Any]) -> Tensor:
    """The gradient, made shorter in each unit where it is too long for that unit's parameters."""
    own, length = (vector_norm(x, dim=group["norm_over"], keepdim=True) for x in (parameter, gradient))
    longest = (group["clip"] * own).clamp_min(group["eps"] * sqrt(parameter.numel()))
    return gradient * (longest / length.maximum(longest))


def average_gradients(shared: list[nn.Parameter], mice: int) -> None:
    """Turns sums over mice into means, over all processes where several run.

    A parameter of a stream that no mouse used in this step gets no gradient.
    """
    if distributed.is_initialized():
        mice = mice * distributed.get_world_size()
        _add_over_processes(shared)
    for parameter in shared:
        if parameter.grad is not None:
            parameter.grad /= mice


def _add_over_processes(shared: list[nn.Parameter]) -> None:
    """One message says which process has which gradients, a second one holds all that exist."""
    if not shared:
        return
    used = torch.tensor([float(p.grad is not None) for p in shared], device=shared[0].device)
    distributed.all_reduce(used)
    chosen = [p for p, number in zip(shared, used.tolist(), strict=True) if number]
    gradients = [_gradient(p) for p in chosen]
    together = torch.cat([gradient.flatten() for gradient in gradients])
    distributed.all_reduce(together)
    for gradient, total in zip(gradients, together.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(total.view_as(gradient))


def _gradient(parameter: nn.Parameter) -> Tensor:
    """The gradient; zeros where this process has none."""
    if parameter.grad is None:
        parameter.grad = torch.zeros_like(parameter)
    return parameter.grad


def mean_over_processes(value: Tensor) -> Tensor:
    """The value's mean over all processes where several train together."""
    if distributed.is_initialized():
        distributed.all_reduce(value)
        value = value / distributed.get_world_size()
    return value
