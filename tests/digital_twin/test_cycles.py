"""The rate's shape over cycles, the scheduler that sets it, and the seeds of epochs."""

from itertools import product
from pathlib import Path

import pytest
import torch
from torch import nn

from neurokit.digital_twin.optimisation import CosineCycles, CycleSettings, epoch_seed, learning_rate
from neurokit.errors import SettingsError

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


def test_no_two_seeds_of_a_run_are_the_same() -> None:
    world, period, cycles = 3, 7, 2
    places = list(product(range(world), range(period), range(cycles)))
    seeds = [epoch_seed(rank, world, epoch + cycle * period, 100) for rank, epoch, cycle in places]
    assert sorted(seeds) == list(range(100, 100 + len(places)))


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
