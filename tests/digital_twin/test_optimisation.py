"""The optimiser's steps by hand, the rate's shape over cycles, saved states, and what is refused."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from neurokit.digital_twin.network.base import UpdateRule
from neurokit.digital_twin.optimisation import (
    CosineCycles,
    CycleSettings,
    SgdClip,
    SgdClipSettings,
    learning_rate,
)
from neurokit.errors import FitError, SettingsError

ROWS = UpdateRule(decay=True, norm_over=(1,), scale=3.0)
WHOLE = UpdateRule(decay=False, norm_over=None)
RATE = 0.1


def by_hand(
    value: np.ndarray, gradients: list[np.ndarray | None], rule: UpdateRule, settings: SgdClipSettings
) -> np.ndarray:
    """The update of `SgdClip`'s docstring in float64, a row (or the whole) at a time."""
    value, momentum = value.astype(np.float64), None
    units = [(slice(None),)] if rule.norm_over is None else [(row,) for row in range(len(value))]
    for gradient in gradients:
        if gradient is None:
            continue
        change = rule.scale * gradient.astype(np.float64)
        for unit in units:
            longest = max(settings.clip * np.linalg.norm(value[unit]), settings.eps * np.sqrt(value.size))
            change[unit] *= min(1, longest / np.linalg.norm(change[unit]))
        momentum = change if momentum is None else settings.momentum * momentum + change
        step = change + settings.momentum * momentum if settings.nesterov else momentum
        value = value - RATE * (step + settings.decay * rule.decay * value)
    return value


def drawn(seed: int = 0) -> tuple[np.ndarray, list[np.ndarray]]:
    """A parameter with a row of zeros, and gradients whose rows are from tiny to huge."""
    random = np.random.default_rng(seed)
    value = random.normal(size=(4, 3)).astype(np.float32)
    value[2] = 0
    sizes = np.array([1e-5, 1e-2, 1.0, 100.0])[:, None]
    return value, [(sizes * random.normal(size=(4, 3))).astype(np.float32) for _ in range(4)]


def stepped(optimizer: SgdClip, parameter: nn.Parameter, gradients: list[np.ndarray | None]) -> None:
    for gradient in gradients:
        parameter.grad = None if gradient is None else torch.from_numpy(gradient)
        optimizer.step()


@pytest.mark.parametrize("rule", [ROWS, WHOLE, replace(ROWS, decay=False), replace(WHOLE, scale=0.5)])
@pytest.mark.parametrize("nesterov", [True, False])
def test_steps_are_those_by_hand(rule: UpdateRule, nesterov: bool) -> None:
    value, gradients = drawn()
    parameter = nn.Parameter(torch.from_numpy(value.copy()))
    stepped(SgdClip([(parameter, rule)], RATE, decay=0.02, nesterov=nesterov), parameter, gradients)
    found = parameter.detach().numpy()
    settings = SgdClipSettings(decay=0.02, nesterov=nesterov)
    np.testing.assert_allclose(found, by_hand(value, gradients, rule, settings), rtol=0, atol=1e-6)
    other = replace(rule, norm_over=None if rule.norm_over else (1,))
    assert np.abs(found - by_hand(value, gradients, other, settings)).max() > 1e-4


def test_a_gradient_of_any_size_moves_a_row_by_its_share_at_most() -> None:
    value, _ = drawn()
    huge = np.full_like(value, 1e6)
    parameter = nn.Parameter(torch.from_numpy(value.copy()))
    stepped(SgdClip([(parameter, ROWS)], RATE, decay=0.0), parameter, [huge])
    moved = np.linalg.norm(parameter.detach().numpy() - value, axis=1)
    share = np.maximum(0.01 * np.linalg.norm(value, axis=1), 0.001 * np.sqrt(value.size))
    np.testing.assert_allclose(moved, RATE * 1.9 * share, rtol=1e-4)


def test_a_parameter_without_gradient_is_left_alone_with_its_momentum() -> None:
    value, gradients = drawn()
    gradients[1] = None
    parameter = nn.Parameter(torch.from_numpy(value.copy()))
    optimizer = SgdClip([(parameter, ROWS)], RATE)
    stepped(optimizer, parameter, gradients[:1])
    before, momentum = parameter.detach().clone(), optimizer.state[parameter]["momentum"].clone()
    stepped(optimizer, parameter, gradients[1:2])
    assert torch.equal(parameter, before)
    assert torch.equal(optimizer.state[parameter]["momentum"], momentum)
    stepped(optimizer, parameter, gradients[2:])
    expected = by_hand(value, gradients, ROWS, SgdClipSettings())
    np.testing.assert_allclose(parameter.detach().numpy(), expected, rtol=0, atol=1e-6)


def test_gradients_are_left_as_they_were() -> None:
    value, gradients = drawn()
    parameter = nn.Parameter(torch.from_numpy(value))
    stepped(SgdClip([(parameter, ROWS)], RATE), parameter, [gradients[0].copy()])
    np.testing.assert_array_equal(parameter.grad.numpy(), gradients[0])


Parts = list[tuple[nn.Parameter, UpdateRule]]


def problem(seed: int = 0) -> tuple[Parts, Tensor]:
    """Two parameters of different rules, and a target for their product."""
    generator = torch.Generator().manual_seed(seed)
    left, right = (nn.Parameter(torch.randn(4, 4, generator=generator)) for _ in range(2))
    return [(left, ROWS), (right, WHOLE)], torch.randn(4, 4, generator=generator)


def descend(parts: Parts, optimizer: SgdClip, target: Tensor, steps: int) -> float:
    """The loss before the last of the steps."""
    (left, _), (right, _) = parts
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (left @ right - target).square().mean()
        loss.backward()
        optimizer.step()
    return float(loss.detach())


def test_a_saved_run_goes_on_as_if_nothing_had_happened() -> None:
    parts, target = problem()
    optimizer = SgdClip(parts, RATE)
    descend(parts, optimizer, target, 7)
    buffer = io.BytesIO()
    torch.save(optimizer.state_dict(), buffer)
    buffer.seek(0)
    copies = [(nn.Parameter(p.detach().clone()), rule) for p, rule in parts]
    fresh = [(nn.Parameter(p.detach().clone()), rule) for p, rule in parts]
    resumed = SgdClip(copies, RATE)
    resumed.load_state_dict(torch.load(buffer, weights_only=True))
    for each, own in ((optimizer, parts), (resumed, copies), (SgdClip(fresh, RATE), fresh)):
        descend(own, each, target, 5)
    assert all(torch.equal(p, q) for (p, _), (q, _) in zip(parts, copies, strict=True))
    assert not torch.equal(parts[0][0], fresh[0][0])  # the control: without its momentum a run differs


def test_the_loss_falls() -> None:
    parts, target = problem()
    optimizer = SgdClip(parts, RATE)
    first = descend(parts, optimizer, target, 1)
    assert descend(parts, optimizer, target, 1000) < 0.05 * first


@pytest.mark.parametrize(
    "wrong",
    [{"decay": -1e-4}, {"decay": float("inf")}, {"momentum": 1.0}, {"momentum": -0.1}, {"clip": 0.0},
     {"clip": float("nan")}, {"eps": 0.0}, {"eps": float("inf")}, {"momentum": float("nan")}],
)  # fmt: skip
def test_numbers_that_no_run_can_use_are_refused(wrong: dict[str, float]) -> None:
    ((name, _),) = wrong.items()
    for make in (SgdClipSettings, lambda **numbers: SgdClip(problem()[0], RATE, **numbers)):
        with pytest.raises(SettingsError, match=rf"^{name} is [^\n]*; use [^\n]*\.$"):
            make(**wrong)


@pytest.mark.parametrize("rate", [0.0, -0.1, float("nan"), float("inf")])
def test_a_rate_that_moves_nothing_is_refused(rate: float) -> None:
    with pytest.raises(SettingsError, match=r"lr is .*; use a positive finite number"):
        SgdClip(problem()[0], rate)


def test_nothing_to_train_is_refused() -> None:
    with pytest.raises(FitError, match="has no parameter; unfreeze"):
        SgdClip([], RATE)


# --- cycles

SHORT = CycleSettings(learning_rate=0.2, epochs=10, warm_up=4, warm_up_cycles=1)


def rates(cycle: int, settings: CycleSettings = SHORT) -> list[float]:
    return [learning_rate(epoch, cycle, settings) for epoch in range(settings.epochs)]


def test_the_first_cycle_rises_and_falls_and_the_others_only_fall() -> None:
    first, second = rates(0), rates(1)
    assert first[:4] == pytest.approx([0.2 * x for x in (1 / 8, 3 / 8, 5 / 8, 7 / 8)])
    assert first[4] == second[0] == 0.2
    assert first[4:] == sorted(first[4:], reverse=True) and second == sorted(second, reverse=True)
    assert first[7] == pytest.approx(0.1) and second[5] == pytest.approx(0.1)  # halfway down
    assert min(first + second) > 0
    assert rates(2) == second


@pytest.mark.parametrize(("epoch", "cycle"), [(-1, 0), (10, 0), (0, -1)])
def test_an_epoch_that_is_not_there_is_refused(epoch: int, cycle: int) -> None:
    with pytest.raises(SettingsError, match=rf"Epoch {epoch} of cycle {cycle} .* from 0 to 9"):
        learning_rate(epoch, cycle, SHORT)


def optimizer() -> torch.optim.Optimizer:
    one, two = (nn.Parameter(torch.ones(2)) for _ in range(2))
    return torch.optim.SGD([{"params": [one]}, {"params": [two]}], lr=7.0)


def followed(schedule: CosineCycles, epochs: int) -> list[float]:
    """The rate in each epoch that begins, the same for all groups."""
    found = []
    for _ in range(epochs):
        groups = schedule.optimizer.param_groups
        assert groups[0]["lr"] == groups[1]["lr"]
        found.append(groups[0]["lr"])
        schedule.optimizer.step()
        schedule.step()
    return found


def test_the_scheduler_counts_epochs_through_the_cycles() -> None:
    assert followed(CosineCycles(optimizer(), SHORT), 25) == rates(0) + rates(1) + rates(2)[:5]


def test_a_saved_schedule_goes_on_where_it_was(tmp_path: Path) -> None:
    first = CosineCycles(optimizer(), SHORT)
    followed(first, 13)
    torch.save([first.state_dict(), first.optimizer.state_dict()], tmp_path / "state")
    again = CosineCycles(optimizer(), SHORT)
    own, parameters = torch.load(tmp_path / "state", weights_only=True)
    again.optimizer.load_state_dict(parameters)
    again.load_state_dict(own)
    assert followed(again, 10) == rates(1)[3:] + rates(2)[:3]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"learning_rate": 0.0}, "learning_rate is 0.0; use a positive"),
        ({"learning_rate": float("nan")}, "learning_rate is nan; use a positive"),
        ({"epochs": 0}, "epochs is 0; use a whole number of 1 or more"),
        ({"warm_up": -1}, "warm_up is -1; use a whole number of 0 or more"),
        ({"warm_up_cycles": -1}, "warm_up_cycles is -1; use a whole number of 0 or more"),
        ({"warm_up": 100}, "warm_up is 100 of 100 epochs; leave"),
    ],
)
def test_settings_that_make_no_cycle_are_refused(wrong: dict[str, float], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        CycleSettings(**wrong)
