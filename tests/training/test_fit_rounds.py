"""The training rules of SENSORIUM 2022 on toy numbers: rounds, their schedule, summed gradients."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from neurokit.errors import CheckpointError, SettingsError
from neurokit.sensorium.config import PUBLISHED_FIT
from neurokit.training.fit import Rows, TrainingResult, fit
from neurokit.training.settings import FitSettings

PUBLISHED = PUBLISHED_FIT.replace(batch_size=4, seed=0)
RATES = (0.009, 0.0027, 0.00081, 0.000243)


class Script:
    """Validation values in a given order, the last one for ever; remembers the weights it was shown."""

    def __init__(self, *values: float) -> None:
        self.values, self.seen = list(values), []

    def fingerprint(self) -> str:
        return "script"

    def __call__(self, model: nn.Module) -> float:
        self.seen.append(model.weight.detach().clone())
        return self.values.pop(0) if len(self.values) > 1 else self.values[0]


def loss(model: nn.Module, batch: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
    inputs, wanted = batch
    return (model(inputs) - wanted).square().sum(), torch.ones(())


def toy() -> nn.Linear:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Linear(3, 1)


def rows(seed: int) -> Rows:
    random = torch.Generator().manual_seed(seed)
    return Rows(torch.randn(8, 3, generator=random), torch.randn(8, 1, generator=random))


def run(script: Script, settings: FitSettings = PUBLISHED, **options: object) -> TrainingResult:
    return fit(options.pop("model", toy()), loss, rows(1), script, settings, show_progress=False, **options)


def rates(fitted: TrainingResult) -> list[float]:
    return [round(rate, 9) for rate in fitted.history.learning_rate]


def test_the_published_schedule_lags_its_rounds_by_one_more_epoch_each() -> None:
    """Rounds of 5 epochs after one good one: 21 epochs; the schedule counts to 6 each time."""
    expected = [RATES[0]] * 7 + [RATES[1]] * 6 + [RATES[2]] * 6 + [RATES[3]] * 2
    assert rates(run(Script(0.0, -0.1))) == expected


def test_the_published_schedule_keeps_its_rate_where_a_new_round_improves_at_once() -> None:
    script = Script(0.0, -0.1, *[-0.05] * 5, -0.2, -0.1)  # five bad epochs, then a better one
    assert rates(run(script))[:12] == [RATES[0]] * 12


def test_no_rate_falls_below_the_published_least() -> None:
    assert min(rates(run(Script(0.0, -0.1), PUBLISHED.replace(rounds=9)))) == pytest.approx(1e-4)


def test_a_round_starts_from_the_best_weights_and_the_last_one_ends_with_them() -> None:
    script = Script(0.0, -0.1, -0.05)
    fitted = run(script, PUBLISHED.replace(rounds=2))
    best = script.seen[1]  # after the first epoch; seen[0] is untrained
    moved = (script.seen[7] - best).abs().max()  # one epoch into the second round
    assert 0 < moved < (script.seen[6] - best).abs().max()
    assert torch.equal(fitted.model.weight, best)
    assert (fitted.best_epoch, len(fitted.history)) == (0, 11)


def test_untrained_weights_compete_only_where_that_is_asked_for() -> None:
    start = toy().weight
    assert torch.equal(run(Script(-0.5, -0.1)).model.weight, start)
    later = run(Script(-0.5, -0.1), PUBLISHED.replace(evaluate_first=False))
    assert not torch.equal(later.model.weight, start)


def test_an_improvement_within_the_tolerance_is_none() -> None:
    """Five epochs of 1e-7 each end a round; without the tolerance they would not."""
    values = [-0.1 - 1e-7 * i for i in range(60)]
    assert len(run(Script(0.0, *values), PUBLISHED.replace(rounds=1)).history) == 6
    assert len(run(Script(0.0, *values), PUBLISHED.replace(rounds=1, tolerance=0.0)).history) > 50


def test_the_gradients_of_one_step_are_added() -> None:
    """Two batches a step move the weights as one gradient, the sum, would; not as their mean."""

    class Pairs(Rows):
        def steps(self, size: int, generator: torch.Generator, epoch: int) -> Iterator[tuple]:
            yield tuple(self.batches(size))

    model, data = toy(), rows(1)
    one_step = PUBLISHED.replace(epochs=1)
    fit(model, loss, Pairs(*data.tensors), Script(0.0, -1.0), one_step, show_progress=False)
    by_hand = toy()
    optimizer = torch.optim.Adam(by_hand.parameters(), lr=0.009)
    first, second = (loss(by_hand, batch)[0] for batch in data.batches(4))
    (first + second).backward()
    optimizer.step()
    assert torch.allclose(model.weight, by_hand.weight, atol=1e-7)
    assert not torch.allclose(model.weight, run(Script(0.0, -1.0), one_step).model.weight, atol=1e-4)


@pytest.mark.parametrize("killed_after", [4, 8])
def test_a_run_killed_within_a_round_goes_on_as_if_nothing_had_happened(
    tmp_path: Path, killed_after: int
) -> None:
    values = (0.0, -0.1, -0.3, *[-0.2] * 20)
    straight = run(Script(*values), checkpoint=tmp_path / "straight")
    path, model = tmp_path / "killed", toy()

    def kill(epoch: int, value: float) -> None:
        if epoch == killed_after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(Script(*values), checkpoint=path, on_epoch=kill, model=model)
    rest = run(Script(*values[killed_after + 2 :]), checkpoint=path, model=toy())
    assert torch.equal(rest.model.weight, straight.model.weight)
    assert rest.history.equals(straight.history)


def test_a_run_is_not_gone_on_with_against_another_objective(tmp_path: Path) -> None:
    class Other(Script):
        def fingerprint(self) -> str:
            return "other"

    run(Script(0.0), PUBLISHED.replace(epochs=1), checkpoint=tmp_path / "run")
    with pytest.raises(CheckpointError, match="other data"):
        run(Other(0.0), PUBLISHED.replace(epochs=2), checkpoint=tmp_path / "run")


@pytest.mark.parametrize("wrong", [{"rounds": 0}, {"tolerance": -1.0}, {"tolerance": float("nan")}])
def test_settings_that_no_round_can_use_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        PUBLISHED.replace(**wrong)
