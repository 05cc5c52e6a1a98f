"""The training loop: against straight runs, numbers worked out by hand, and everything that can go wrong."""

import copy
import os
import re
import resource
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler

from neurokit import __version__
from neurokit.errors import CheckpointError, DiskError, FitError, SettingsError
from neurokit.files.sealed import open_bytes, seal_bytes
from neurokit.training.fit import Rows, TrainingResult, evaluate_loss, fit, masked_squared_error
from neurokit.training.predict import predict
from neurokit.training.settings import FitSettings, optimizer_and_schedule

BRIEF = FitSettings(epochs=6, batch_size=4, learning_rate=0.02)


class Stopped(Exception):  # noqa: N818
    """Stands for a kill."""


class Toy(nn.Module):
    """Two layers and a dropout, so that a run draws random numbers of torch's own generator."""

    def __init__(self, hidden: int = 5) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(2, hidden), nn.Tanh(), nn.Dropout(0.4), nn.Linear(hidden, 3), nn.Softplus()
        )

    def forward(self, inputs: Tensor) -> Tensor:
        return self.layers(inputs)


def toy(seed: int = 0, **options: int) -> Toy:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Toy(**options)


def rows(seed: int, trials: int = 10) -> Rows:
    """Rates that a toy could learn: K x 6 x 3 from K x 6 x 2; every bin counts."""
    random = torch.Generator().manual_seed(seed)
    inputs = torch.randn(trials, 6, 2, generator=random)
    rates = torch.stack([inputs[..., 0].exp(), inputs[..., 1].exp(), inputs.sum(-1).abs()], dim=-1)
    return Rows(inputs, rates, torch.ones(trials, 6, dtype=torch.bool))


def run(settings: FitSettings = BRIEF, model: nn.Module | None = None, **options: object) -> TrainingResult:
    loss = options.pop("loss", masked_squared_error)
    parts = options.pop("train", rows(1)), options.pop("validation", rows(2, trials=4))
    return fit(model or toy(), loss, *parts, settings, show_progress=False, **options)


def scripted(losses: list[float]) -> Callable[[nn.Module, tuple[Tensor, ...]], tuple[Tensor, Tensor]]:
    """A loss that pulls the weights when training and is the script's next number when validating."""
    left = iter(losses)

    def loss(model: nn.Module, batch: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        if model.training:
            return masked_squared_error(model, batch)
        return torch.tensor(next(left)), torch.tensor(1)

    return loss


def weights(model: nn.Module) -> dict[str, Tensor]:
    return copy.deepcopy(model.state_dict())


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


# --- killed and gone on


@pytest.mark.parametrize("warm_up", [0, 3])
@pytest.mark.parametrize("schedule", ["constant", "cosine", "rounds"])
@pytest.mark.parametrize("killed", [0, 3])
def test_a_killed_run_goes_on_as_if_nothing_had_happened(
    tmp_path: Path, schedule: str, warm_up: int, killed: int
) -> None:
    settings = BRIEF.replace(epochs=8, schedule=schedule, warm_up=warm_up, patience=3, weight_decay=0.01)
    straight = run(settings)

    def kill(epoch: int, _: float) -> None:
        if epoch == killed:
            raise Stopped

    path = tmp_path / "run.training"
    with pytest.raises(Stopped):
        run(settings, checkpoint=path, on_epoch=kill)
    torch.rand(7)  # whatever happens between the two
    gone_on = run(settings, toy(seed=99), checkpoint=path)

    assert gone_on.history.equals(straight.history)
    assert same(weights(gone_on.model), weights(straight.model))
    assert (gone_on.best_epoch, gone_on.best_loss) == (straight.best_epoch, straight.best_loss)


class Numpys:
    """An objective whose numbers are numpy's, as those of metrics are."""

    def fingerprint(self) -> str:
        return "numpy"

    def __call__(self, model: nn.Module) -> np.floating:
        return np.float32(sum(float(values.detach().square().sum()) for values in model.parameters()))


def numpys_rate(model: nn.Module, settings: FitSettings) -> tuple[torch.optim.Optimizer, LRScheduler]:
    optimizer = torch.optim.SGD(
        model.parameters(), lr=np.float64(settings.learning_rate), momentum=np.float32(0.5)
    )
    return optimizer, torch.optim.lr_scheduler.StepLR(optimizer, np.int64(2), gamma=np.float64(0.5))


@pytest.mark.parametrize("options", [{}, {"validation": Numpys()}, {"optimise": numpys_rate}])
def test_a_killed_run_of_numpys_numbers_goes_on(tmp_path: Path, options: dict[str, object]) -> None:
    """Its settings, losses and rates come back from the file, whose path may be text."""
    settings = BRIEF.replace(
        epochs=np.int64(6),
        batch_size=np.int64(4),
        learning_rate=np.float32(0.02),
        patience=np.int64(4),
        seed=np.uint32(3),
        tolerance=np.float64(1e-6),
    )
    path = tmp_path / "run.training"

    def kill(epoch: int, value: float) -> None:
        if epoch == 2:
            raise Stopped

    with pytest.raises(Stopped):
        run(settings, checkpoint=str(path), on_epoch=kill, **options)
    assert opened(path)["settings"]["patience"] == 4
    found, straight = run(settings, toy(seed=9), checkpoint=str(path), **options), run(settings, **options)
    assert found.history.equals(straight.history) and same(weights(found.model), weights(straight.model))
    assert (found.best_epoch, found.best_loss) == (straight.best_epoch, straight.best_loss)
    assert type(found.best_loss) is float


def test_without_the_checkpoint_the_second_half_would_differ(tmp_path: Path) -> None:
    """The negative control: weights alone are not the state of a run."""
    straight, first = run(BRIEF.replace(epochs=6)), run(BRIEF.replace(epochs=3))
    second = run(BRIEF.replace(epochs=3), first.model)
    assert not same(weights(straight.model), weights(second.model))


def test_a_finished_run_is_not_trained_again_and_a_longer_one_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "run.training"
    first = run(BRIEF.replace(epochs=3), checkpoint=path)
    again = run(BRIEF.replace(epochs=3), toy(seed=99), checkpoint=path, on_epoch=lambda *_: pytest.fail())
    longer = run(BRIEF.replace(epochs=6), toy(seed=98), checkpoint=path)
    assert same(weights(first.model), weights(again.model))
    assert same(weights(longer.model), weights(run(BRIEF.replace(epochs=6)).model))


def test_the_seed_decides_and_another_seed_decides_otherwise() -> None:
    one, same_seed, other = (run(BRIEF.replace(seed=seed)) for seed in (0, 0, 1))
    assert same(weights(one.model), weights(same_seed.model))
    assert not same(weights(one.model), weights(other.model))


def test_the_global_generator_is_left_as_it_was() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    run()
    assert torch.equal(torch.get_rng_state(), before)


# --- which weights, and when to stop


def test_the_best_weights_come_back_not_the_last() -> None:
    seen = []
    model = toy()
    loss = scripted([3.0, 1.0, 2.0, 2.5])
    fitted = run(BRIEF.replace(epochs=4), model, loss=loss, on_epoch=lambda *_: seen.append(weights(model)))
    assert (fitted.best_epoch, fitted.best_loss) == (1, 1.0)
    assert same(weights(model), seen[1])
    assert not same(weights(model), seen[-1])
    assert fitted.model is model


@pytest.mark.parametrize(("patience", "epochs"), [(1, 3), (3, 5), (None, 9)])
def test_training_stops_after_exactly_the_patience(patience: int | None, epochs: int) -> None:
    losses = [2.0, 1.0, 1.5, 1.0, 1.2, 1.1, 1.9, 1.8, 1.7]  # an equal loss is no better one
    fitted = run(BRIEF.replace(epochs=9, patience=patience), loss=scripted(losses))
    assert fitted.history["validation_loss"].tolist() == pytest.approx(losses[:epochs])
    assert fitted.best_epoch == 1


def test_an_improvement_starts_the_patience_anew() -> None:
    losses = [5.0, 6.0, 4.0, 5.0, 3.0, 4.0, 4.0, 1.0]
    assert len(run(BRIEF.replace(epochs=8, patience=2), loss=scripted(losses)).history) == 7


def test_the_history_has_a_row_an_epoch() -> None:
    history = run().history
    assert list(history) == ["epoch", "train_loss", "validation_loss", "learning_rate"]
    assert history["epoch"].tolist() == list(range(6))
    assert history["train_loss"].iloc[-1] < history["train_loss"].iloc[0]


def test_no_epoch_changes_nothing() -> None:
    model = toy()
    before = weights(model)
    assert len(run(BRIEF.replace(epochs=0), model).history) == 0
    assert same(weights(model), before)


# --- schedules, by hand


def rates_of(settings: FitSettings, losses: list[float]) -> list[float]:
    history = run(settings.replace(epochs=len(losses)), loss=scripted(losses)).history
    return history["learning_rate"].tolist()


@pytest.mark.parametrize(
    ("schedule", "warm_up", "expected"),
    [
        ("constant", 0, [1, 1, 1, 1, 1, 1]),
        ("constant", 3, [1 / 4, 2 / 4, 3 / 4, 1, 1, 1]),
        # (1 + cos(pi e / 6)) / 2 for e = 0 ... 5
        ("cosine", 0, [1, 0.9330127, 0.75, 0.5, 0.25, 0.0669873]),
        ("cosine", 2, [1 / 3, 2 / 3, 1, 0.8535534, 0.5, 0.1464466]),
    ],
)
def test_each_schedule_by_hand(schedule: str, warm_up: int, expected: list[float]) -> None:
    settings = FitSettings(learning_rate=0.01, schedule=schedule, warm_up=warm_up, patience=6, batch_size=8)
    found = rates_of(settings, [1.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    assert found == pytest.approx([0.01 * rate for rate in expected], rel=1e-5)


def test_the_rate_of_the_schedule_moves_the_weights() -> None:
    """Adam's first step is the learning rate, whatever the gradient: here a quarter of it."""
    model = toy()
    before = weights(model)
    run(BRIEF.replace(epochs=1, batch_size=10, learning_rate=0.01, warm_up=3, clip=None), model)
    steps = [(weights(model)[name] - before[name]).abs().max() for name in before]
    assert max(steps) == pytest.approx(0.0025, rel=1e-3)


def test_weight_decay_and_its_kind_reach_the_optimiser() -> None:
    for decoupled, kind in ((False, torch.optim.Adam), (True, torch.optim.AdamW)):
        settings = FitSettings(weight_decay=0.3, learning_rate=0.07, decoupled=decoupled)
        optimizer, _ = optimizer_and_schedule(toy(), settings)
        assert type(optimizer) is kind
        assert (optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["weight_decay"]) == (0.07, 0.3)


# --- what counts


def unequal_mask() -> tuple[Tensor, Tensor, Tensor]:
    inputs, rates, bins = rows(3, trials=5).tensors
    bins = bins.clone()
    bins[:, 4:] = False
    bins[2] = False
    return inputs, rates, bins


@pytest.mark.parametrize("spoiled", [1e6, float("nan")])
def test_masked_bins_change_neither_loss_nor_gradients(spoiled: float) -> None:
    inputs, rates, bins = unequal_mask()
    other = torch.where(bins[..., None], rates, spoiled)
    model = toy().eval()

    def both(rates: Tensor, bins: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        total, number = masked_squared_error(model, (inputs, rates, bins))
        return total / number, torch.autograd.grad(total, list(model.parameters()))

    clean, dirty = both(rates, bins), both(other, bins)
    assert torch.equal(clean[0], dirty[0])
    assert all(torch.equal(one, two) for one, two in zip(clean[1], dirty[1], strict=True))
    unmasked = both(other, torch.ones_like(bins))  # the negative control
    assert not torch.equal(clean[0], unmasked[0])
    assert not torch.equal(clean[1][0], unmasked[1][0])


def test_the_loss_by_hand() -> None:
    class Given(nn.Module):
        def forward(self, inputs: Tensor) -> Tensor:
            return inputs

    inputs = torch.tensor([[[1.0, 2.0], [5.0, 5.0]]])
    batch = inputs, torch.tensor([[[3.0, 2.0], [0.0, 0.0]]]), torch.tensor([[True, False]])
    assert [float(part) for part in masked_squared_error(Given(), batch)] == [4.0, 2.0]


def test_an_uneven_last_batch_is_averaged_exactly() -> None:
    """Ten trials by four, some bins masked: a mean of the batches' means would be another number."""
    inputs, rates, bins = rows(4).tensors
    bins = bins.clone()
    bins[:4, 1:] = False
    model, part = toy().eval(), Rows(inputs, rates, bins)
    expected = (model(inputs) - rates)[bins].square().mean().item()
    assert evaluate_loss(model, masked_squared_error, part, BRIEF) == pytest.approx(expected, rel=1e-6)
    means = [(model(i) - r)[b].square().mean().item() for i, r, b in part.batches(4)]
    assert sum(means) / len(means) != pytest.approx(expected, rel=1e-3)


def test_the_training_loss_is_averaged_exactly_too() -> None:
    class Still(nn.Module):
        """Its weight gets no gradient but zero, so every batch sees the same model."""

        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(3))

        def forward(self, inputs: Tensor) -> Tensor:
            return inputs.sum(-1, keepdim=True) + 0 * self.weight

    inputs, rates, bins = unequal_mask()
    expected = (inputs.sum(-1, keepdim=True) - rates)[bins].square().mean().item()
    history = run(BRIEF.replace(epochs=1, batch_size=3), Still(), train=Rows(inputs, rates, bins)).history
    assert history["train_loss"][0] == pytest.approx(expected, rel=1e-6)


def test_a_batch_without_a_bin_that_counts_moves_nothing() -> None:
    inputs, rates, bins = rows(1).tensors
    model, before = toy(), weights(toy())
    run(BRIEF.replace(epochs=1), model, train=Rows(inputs, rates, torch.zeros_like(bins)))
    assert same(weights(model), before)


def test_every_row_is_used_once_an_epoch_in_an_order_of_its_own() -> None:
    part = Rows(torch.arange(10), torch.arange(10) * 2)
    generator = torch.Generator().manual_seed(0)
    first, second = ([batch for batch in part.batches(4, generator)] for _ in range(2))
    for epoch in (first, second):
        assert [len(batch[0]) for batch in epoch] == [4, 4, 2]
        assert sorted(torch.cat([batch[0] for batch in epoch]).tolist()) == list(range(10))
        assert all(torch.equal(batch[1], 2 * batch[0]) for batch in epoch)
    assert not torch.equal(first[0][0], second[0][0])
    assert torch.cat([batch[0] for batch in part.batches(4)]).tolist() == list(range(10))


def norms(clip: float | None, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The norm of all gradients together at each step of a run on rates a thousand times too large."""
    found: list[float] = []
    step = torch.optim.Adam.step

    def watched(self: torch.optim.Adam, *arguments: object) -> object:
        gradients = [p.grad.flatten() for group in self.param_groups for p in group["params"]]
        found.append(float(torch.cat(gradients).norm()))
        return step(self, *arguments)

    monkeypatch.setattr(torch.optim.Adam, "step", watched)
    inputs, rates, bins = rows(1).tensors
    run(BRIEF.replace(epochs=2, clip=clip), train=Rows(inputs, 1000 * rates, bins))
    monkeypatch.undo()
    return found


def test_clipping_bounds_the_norm_of_all_gradients_together(monkeypatch: pytest.MonkeyPatch) -> None:
    assert max(norms(0.5, monkeypatch)) <= 0.5 * (1 + 1e-5)
    assert min(norms(None, monkeypatch)) > 100


def test_frozen_parameters_stay() -> None:
    model = toy()
    first = model.layers[0].requires_grad_(False)
    before = weights(model)
    run(model=model)
    assert torch.equal(first.weight, before["layers.0.weight"])
    assert not torch.equal(model.layers[3].weight, before["layers.3.weight"])


def test_validation_sees_no_dropout_and_training_does() -> None:
    seen = []

    def loss(model: nn.Module, batch: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        seen.append((model.training, torch.is_grad_enabled()))
        return masked_squared_error(model, batch)

    run(BRIEF.replace(epochs=2, batch_size=10), toy().eval(), loss=loss)
    assert seen == [(True, True), (False, False)] * 2


def test_bfloat16_trains_with_weights_of_float32() -> None:
    fitted = run(BRIEF.replace(precision="bfloat16"))
    assert {p.dtype for p in fitted.model.parameters()} == {torch.float32}
    assert fitted.history["train_loss"].iloc[-1] < fitted.history["train_loss"].iloc[0]
    assert not same(weights(fitted.model), weights(run().model))


# --- bad input


@pytest.mark.parametrize("good_epochs", [0, 2])
def test_divergence_is_a_sentence_and_the_best_weights_come_back(good_epochs: int) -> None:
    model, seen = toy(), [weights(toy())]
    losses = [*[2.0, 1.0][:good_epochs], float("nan")]
    with pytest.raises(FitError, match=rf"validation loss became nan in epoch {good_epochs}: lower learning"):
        run(BRIEF, model, loss=scripted(losses), on_epoch=lambda *_: seen.append(weights(model)))
    assert same(weights(model), seen[-1])


def test_a_huge_learning_rate_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    model = toy()
    before = weights(model)
    with pytest.raises(FitError, match=r"loss became (inf|nan) in epoch \d: lower learning_rate \(now 1e"):
        run(BRIEF.replace(learning_rate=1e30, clip=None), model)
    assert all(torch.isfinite(values).all() for values in weights(model).values())
    assert same(weights(model), before)


def test_a_nan_in_the_inputs_is_caught_before_it_is_saved(tmp_path: Path) -> None:
    inputs, rates, bins = rows(1).tensors
    inputs = inputs.clone()
    inputs[0, 0, 0] = float("nan")
    with pytest.raises(FitError, match=r"training loss became nan in epoch 0.*non-finite inputs"):
        run(train=Rows(inputs, rates, bins), checkpoint=tmp_path / "run.training")
    assert os.listdir(tmp_path) == []


def test_a_model_that_is_all_frozen_is_refused() -> None:
    with pytest.raises(FitError, match="no parameter that requires a gradient; unfreeze"):
        run(model=toy().requires_grad_(False))


@pytest.mark.parametrize(
    "wrong",
    [{"epochs": -1}, {"batch_size": 0}, {"learning_rate": 0.0}, {"learning_rate": float("nan")},
     {"warm_up": -1}, {"weight_decay": -0.1}, {"clip": 0.0}, {"clip": float("nan")},
     {"epochs": 1.5}, {"epochs": float("nan")}, {"batch_size": 8.5}, {"warm_up": 0.5}, {"seed": 1.5},
     {"seed": -1}, {"decoupled": "no"}, {"epochs": True},
     {"patience": -1}, {"patience": 0}, {"patience": 2.5}, {"rounds": 0}, {"rounds": 1.5},
     {"learning_rate": float("inf")}, {"weight_decay": float("nan")}, {"clip": float("inf")},
     {"tolerance": float("inf")}, {"tolerance": -1e-6}, {"schedule": "linear"}, {"precision": "float16"}],
)  # fmt: skip
def test_settings_that_no_run_can_use_are_refused(wrong: dict[str, float]) -> None:
    ((name, value),) = wrong.items()
    with pytest.raises(SettingsError, match=rf"^{name} is {value!r};"):
        FitSettings(**wrong)


@pytest.mark.parametrize("tensors", [(torch.ones(3), torch.ones(4)), (torch.ones(0),), ()])
def test_rows_that_do_not_fit_each_other_are_refused(tensors: tuple[Tensor, ...]) -> None:
    with pytest.raises(FitError, match="all need the same number, at least one"):
        Rows(*tensors)


# --- checkpoints of a run


def opened(path: Path) -> dict[str, Any]:
    """The content of a state."""
    return torch.load(BytesIO(open_bytes(path.read_bytes())), weights_only=True)


def reseal(content: object, path: Path) -> None:
    """Writes a state with a digest that is right."""
    buffer = BytesIO()
    torch.save(content, buffer)
    path.write_bytes(seal_bytes(buffer.getvalue()))


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "run.training"
    run(BRIEF.replace(epochs=2), checkpoint=path)
    return path


def refused(path: Path, finding: str, settings: FitSettings = BRIEF, model: nn.Module | None = None) -> None:
    """One sentence with the file and the finding; the file and the model are left as they were."""
    content, model = path.read_bytes(), model or toy(seed=7)
    before = weights(model)
    with pytest.raises(CheckpointError, match=finding) as found:
        run(settings, model, checkpoint=path)
    assert str(path) in str(found.value) and "remove it" in str(found.value)
    assert path.read_bytes() == content
    assert same(weights(model), before)


OTHERS = [{"learning_rate": 0.5}, {"seed": 3}, {"schedule": "cosine"}, {"clip": None}]


@pytest.mark.parametrize("other", OTHERS)
def test_a_checkpoint_of_other_settings_is_refused(saved: Path, other: dict[str, object]) -> None:
    refused(saved, rf"other settings \([^)]*{next(iter(other))}", BRIEF.replace(**other))


@pytest.mark.parametrize("hidden", [4, 6])
def test_a_checkpoint_of_another_model_is_refused(saved: Path, hidden: int) -> None:
    refused(saved, "of another model than this Toy", model=toy(hidden=hidden))


def test_a_checkpoint_of_a_model_with_other_frozen_parts_is_refused(saved: Path) -> None:
    model = toy(seed=7)
    model.layers[0].requires_grad_(False)
    refused(saved, "of another model than this Toy", model=model)


@pytest.mark.parametrize("bytes_left", [0, 10, 2000])
def test_a_truncated_checkpoint_is_refused(saved: Path, bytes_left: int) -> None:
    saved.write_bytes(saved.read_bytes()[:bytes_left])
    refused(saved, "is damaged or not a training checkpoint")


def test_a_foreign_pickle_is_refused_and_not_executed(tmp_path: Path) -> None:
    class Malicious:
        def __reduce__(self) -> tuple[object, ...]:
            return os.mkdir, (str(tmp_path / "executed"),)

    path = tmp_path / "run.training"
    reseal({"version": "0.1", "model": Malicious()}, path)
    refused(path, "is damaged or not a training checkpoint")
    assert not (tmp_path / "executed").exists()
    torch.load(
        BytesIO(open_bytes(path.read_bytes())), weights_only=False
    )  # the negative control: the trap does spring
    assert (tmp_path / "executed").exists()


def test_a_checkpoint_of_another_version_is_refused(saved: Path) -> None:
    """By the rule of finished models: the first two numbers count."""
    content = opened(saved)
    major, minor, _ = __version__.split(".")
    for other in (f"{major}.999.0", "99.0", major):
        reseal(content | {"version": other}, saved)
        refused(saved, rf"written by neurokit {re.escape(other)}, this is {__version__}")
    reseal(content | {"version": f"{major}.{minor}.99"}, saved)
    assert same(weights(run(BRIEF, toy(seed=98), checkpoint=saved).model), weights(run(BRIEF).model))


PARTS = ["settings", "data", "model", "optimizer", "schedule", "generators", "best_weights"]


@pytest.mark.parametrize("missing", PARTS)
def test_a_checkpoint_with_a_part_missing_is_refused(saved: Path, missing: str) -> None:
    content = opened(saved)
    del content[missing]
    reseal(content, saved)
    finding = {"settings": "with other settings", "data": "on other data"}
    refused(saved, finding.get(missing, "of another model"))


@pytest.mark.parametrize("bit", [0, 7, 300, 1000, 5000, -900, -1])
def test_one_flipped_bit_is_refused(saved: Path, bit: int) -> None:
    content = bytearray(saved.read_bytes())
    content[bit] ^= 0x40
    saved.write_bytes(content)
    refused(saved, "is damaged or not a training checkpoint")


PROGRESS = {"epoch": 0, "best_epoch": 1, "best_loss": 2, "waited": 3, "round": 4}


@pytest.mark.parametrize(
    ("name", "value"),
    [("epoch", -1), ("epoch", 7), ("epoch", 1.0), ("epoch", None), ("best_epoch", 2), ("best_epoch", -2),
     ("best_epoch", True), ("best_loss", "0.1"), ("waited", -1), ("waited", 99), ("round", 2), ("round", -1)],
)  # fmt: skip
def test_counters_that_no_training_reaches_are_refused(saved: Path, name: str, value: object) -> None:
    content = opened(saved)
    content["progress"][PROGRESS[name]] = value
    reseal(content, saved)
    refused(saved, "of another model")


def test_something_else_that_torch_saved_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.training"
    reseal(toy().state_dict(), path)
    refused(path, "holds no training state")


def test_a_full_disk_keeps_the_last_checkpoint_and_the_best_weights(saved: Path) -> None:
    content = saved.read_bytes()
    expected = weights(run(BRIEF.replace(epochs=3)).model)
    model = toy()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(DiskError, match=r"run\.training could not be written"):
            run(BRIEF, model, checkpoint=saved)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert saved.read_bytes() == content
    assert os.listdir(saved.parent) == [saved.name]
    assert same(weights(model), expected)
    assert same(weights(run(BRIEF, checkpoint=saved).model), weights(run(BRIEF).model))


def test_a_run_on_other_data_is_not_gone_on_with(saved: Path) -> None:
    """One changed number of the training rows is other data."""
    before = saved.read_bytes()
    other = rows(1)
    other.tensors[0].view(-1)[0] += 1
    with pytest.raises(CheckpointError, match="was trained on other data"):
        run(BRIEF, checkpoint=saved, train=other)
    assert saved.read_bytes() == before


def test_a_fitted_model_predicts_the_same_twice() -> None:
    """Dropout is off in a prediction though the model was left in training mode."""
    fitted, inputs = run(), rows(2).tensors[0]
    assert fitted.model.training
    assert torch.equal(predict(fitted.model, inputs), predict(fitted.model, inputs))
