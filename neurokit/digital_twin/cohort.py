"""Networks of several mice with one core, and what is minimised when they are trained together.

Letters: T frames of a window (30 Hz), B windows, U units.
"""

from collections.abc import Iterator, Mapping
from typing import cast

import torch
from torch import Tensor, distributed, nn
from torch.optim.lr_scheduler import LRScheduler

from neurokit.digital_twin.config import TwinConfig
from neurokit.digital_twin.network.base import TwinNetwork, UpdateRule
from neurokit.digital_twin.optimisation import CosineCycles, SgdClip
from neurokit.digital_twin.windows import MouseWindows, Windows, draw_once
from neurokit.errors import DataError, FitError
from neurokit.training.predict import evaluating
from neurokit.training.settings import FitSettings


class CohortNetwork(nn.Module):
    """Networks that share core and modulation memory: those of the first are given to all others.

    Its parts are the mice's networks in `mice`. Raises DataError for no network, for several that share
    nothing, and for a name with a dot in it.
    """

    def __init__(self, networks: Mapping[str, TwinNetwork]) -> None:
        super().__init__()
        if not networks:
            raise DataError("A cohort needs the network of one mouse at least.")
        first, *others = networks.values()
        for network in others:
            network.share(first)
        try:
            self.mice = nn.ModuleDict(networks)
        except KeyError as error:
            raise DataError(
                f"A mouse cannot have that name ({error.args[0]}): use letters, digits and hyphens."
            ) from error

    def network(self, mouse: str) -> TwinNetwork:
        """The network of one mouse."""
        return cast(TwinNetwork, self.mice[mouse])  # of what a ModuleDict holds, torch says Module

    def shared_parameters(self) -> Iterator[nn.Parameter]:
        """The parameters of what all mice have in common."""
        for module in self.network(next(iter(self.mice))).shared.values():
            yield from module.parameters()

    def trained(self) -> list[tuple[nn.Parameter, UpdateRule]]:
        """Each parameter that is not frozen, once, and how it is updated."""
        found: dict[nn.Parameter, UpdateRule] = {}
        for network in map(self.network, self.mice):
            rules = network.update_rules()
            found |= {p: rules[name] for name, p in network.named_parameters() if p.requires_grad}
        return list(found.items())


class WindowLoss:
    """The mean loss over frames, windows and units, as the sum and number that `fit` takes.

    The first `burn_in` frames of a window are not scored.
    """

    def __init__(self, burn_in: int) -> None:
        self.burn_in = burn_in

    def __call__(self, model: CohortNetwork, windows: Windows) -> tuple[Tensor, Tensor]:
        """In training mode the noise is drawn from the windows' generator.

        On a CPU, where not all of torch stands a gradient from NaN, raises FitError where the loss is not
        finite. A GPU stands it and would have to be waited for; there `fit` finds it at the epoch's end.
        """
        network = model.network(windows.mouse)
        sequence = network.begin(windows.video.shape[1], stream=windows.stream, generator=windows.generator)
        drive = network(windows.video, windows.pupil, windows.behaviour, sequence)
        loss = network.unit.loss(drive[self.burn_in :], windows.responses[self.burn_in :])
        total = loss.sum()
        if total.device.type == "cpu" and not total.isfinite():
            raise FitError(
                f"The loss on windows of {windows.mouse} became {total.item()}: lower learning_rate, or look "
                "for non-finite inputs; the best weights so far are restored."
            )
        return total, total.new_full((), loss.numel())


class ValidationLoss:
    """The loss on windows that are drawn once, all streams together: an objective for `fit`.

    It is the mean over mice, over all processes where several train together.
    """

    def __init__(self, mice: Mapping[str, MouseWindows], config: TwinConfig) -> None:
        self.windows = draw_once(mice, config, config.seed)
        self.loss = WindowLoss(config.burn_in)
        self.facts = "".join(mouse.fingerprint() for mouse in mice.values())

    def fingerprint(self) -> str:
        """Which windows of which mice."""
        return self.facts

    def __call__(self, model: CohortNetwork) -> float:
        """Mean over mice; each has equally many windows."""
        with evaluating(model), torch.no_grad():
            parts = [torch.stack(self.loss(model, windows)) for windows in self.windows]
        means = torch.stack([total / number for total, number in parts])
        return float(_mean_over_processes(means.mean()))


class ClippedDescent:
    """Optimiser and schedule of a config, for `fit`: what mice share gets the mean of their gradients.

    With torch.distributed running, that is the mean over all processes, which must hold one mouse each.
    """

    def __init__(self, config: TwinConfig) -> None:
        self.config = config

    def __call__(self, model: CohortNetwork, settings: FitSettings) -> tuple[SgdClip, LRScheduler]:
        """Both, made for the parameters that are not frozen."""
        cycles = self.config.cycles
        optimizer = SgdClip(model.trained(), lr=cycles.learning_rate, **self.config.sgd.to_dict())
        shared = [p for p in model.shared_parameters() if p.requires_grad]
        optimizer.register_step_pre_hook(lambda *_: average_gradients(shared, len(model.mice)))
        return optimizer, CosineCycles(optimizer, cycles)


def average_gradients(shared: list[nn.Parameter], mice: int) -> None:
    """Turns sums over mice into means, over all processes where several run.

    A parameter that no mouse used in this step, being of another stream, keeps no gradient.
    """
    if distributed.is_initialized():
        mice = mice * distributed.get_world_size()
        _add_over_processes(shared)
    for parameter in shared:
        if parameter.grad is not None:
            parameter.grad /= mice


def _add_over_processes(shared: list[nn.Parameter]) -> None:
    """One message for who has a gradient of what, one for all gradients that somebody has."""
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
    """The gradient, one of zeros where this process has none."""
    if parameter.grad is None:
        parameter.grad = torch.zeros_like(parameter)
    return parameter.grad


def _mean_over_processes(value: Tensor) -> Tensor:
    if distributed.is_initialized():
        distributed.all_reduce(value)
        value = value / distributed.get_world_size()
    return value
