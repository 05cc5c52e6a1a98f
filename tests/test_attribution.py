"""Integrated gradients: against captum's own, one output at a time, and against what was planted."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest
import torch
from captum.attr import IntegratedGradients
from torch import Tensor, nn

from neurokit.attribution import (
    Attribution,
    Outputs,
    find_strongest,
    integrated_gradients,
    lag_profile,
    rate_at,
    region_rate,
)
from neurokit.errors import DataError, FitError
from neurokit.pupil_encoder.model import PupilEncoder, WindowMLP
from neurokit.training.fit import Rows, fit, masked_squared_error
from neurokit.training.settings import FitSettings

BINS = [3, 5, 9]


def noise(trials: int, bins: int, channels: int, seed: int) -> Tensor:
    return torch.randn(trials, bins, channels, generator=torch.Generator().manual_seed(seed))


def encoder(cell: str = "rnn", seed: int = 0) -> PupilEncoder:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = PupilEncoder(2, 3, 6, cell=cell)
    model.rates.start_at(torch.ones(3))
    return model


INPUTS, ZERO = noise(4, 12, 2, seed=1), torch.zeros(12, 2)


# --- against captum's own


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_every_output_is_what_captum_finds_for_it_alone(cell: str) -> None:
    model, baseline = encoder(cell).double(), noise(1, 12, 2, seed=2)[0].double()
    inputs = INPUTS.double()
    found = integrated_gradients(model, inputs, baseline, rate_at(1, BINS), steps=16)
    method = IntegratedGradients(lambda rows: model(rows)[:, BINS, 1])
    for output in range(len(BINS)):
        expected = method.attribute(
            inputs, baseline.expand_as(inputs), target=output, n_steps=16, method="gausslegendre"
        )
        torch.testing.assert_close(found.values[:, output], expected, atol=1e-6, rtol=0)
        change = (model(inputs) - model(baseline[None]))[:, BINS[output], 1]
        torch.testing.assert_close(found.change[:, output], change)
    assert found.values.abs().max() > 1e-2


def test_a_linear_model_is_attributed_exactly_by_hand() -> None:
    """Weight times distance from the baseline, with a single step."""
    weight = torch.tensor([[2.0, -1.0]])
    model = nn.Linear(2, 1, bias=False)
    model.load_state_dict({"weight": weight})
    baseline = INPUTS.mean(dim=0)
    found = integrated_gradients(model, INPUTS, baseline, region_rate(0), steps=1)
    torch.testing.assert_close(found.values[:, 0], (INPUTS - baseline) * weight / 12)
    torch.testing.assert_close(found.change[:, 0], ((INPUTS - baseline) @ weight.T).mean(dim=(1, 2)))


def test_a_window_is_attributed_to_what_it_can_see() -> None:
    model = nn.Linear(2, 3)
    found = integrated_gradients(model, INPUTS, ZERO, region_rate(2, slice(4, 7)), steps=2)
    reached = found.values.abs().sum(dim=(0, 1, 3)).nonzero().flatten().tolist()
    assert reached == [4, 5, 6]


# --- completeness


def test_attributions_add_up_to_the_change() -> None:
    found = integrated_gradients(encoder(), INPUTS, ZERO, rate_at(0, BINS), steps=32)
    torch.testing.assert_close(found.values.sum(dim=(2, 3)), found.change + found.gap)
    assert found.relative_gap < 1e-3
    assert found.change.abs().max() > 0.1


class Steep(nn.Module):
    """A step that is as good as a jump, away from the middle of the line."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2))

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.sigmoid(60 * (inputs @ self.weight - 0.6))[..., None]


def test_too_few_steps_are_refused_and_enough_are_not() -> None:
    inputs = torch.ones(2, 3, 2)
    for steps in (1, 2):
        finding = rf"miss completeness by .* \(allowed: 0\.02\); raise steps above {steps}"
        with pytest.raises(FitError, match=finding):
            integrated_gradients(Steep(), inputs, torch.zeros(3, 2), rate_at(0, [1]), steps=steps)
    found = integrated_gradients(Steep(), inputs, torch.zeros(3, 2), rate_at(0, [1]), steps=200)
    assert found.relative_gap <= 0.02


def test_the_tolerance_can_be_set() -> None:
    found = integrated_gradients(
        Steep(), torch.ones(2, 3, 2), torch.zeros(3, 2), rate_at(0, [1]), steps=2, tolerance=float("inf")
    )
    assert found.relative_gap > 0.5


def test_the_relative_gap_by_hand_is_the_worst_outputs() -> None:
    gap, change = torch.tensor([[3.0, 0.1], [4.0, 0.1]]), torch.tensor([[6.0, 1.0], [8.0, 1.0]])
    assert Attribution(torch.zeros(2, 2, 1, 1), change, gap).relative_gap == pytest.approx(0.5)


def test_an_output_that_hardly_changes_is_judged_by_the_largest_change_and_by_rounding() -> None:
    """By hand: a gap of 1e-5 is a thousandth of the least change, 1e-3 x 10, but not of 1e-7 alone."""
    change, gap = torch.tensor([[10.0, 1e-7]]), torch.tensor([[0.0, 1e-5]])
    silent, alone = (Attribution(torch.zeros(1, n, 1, 1), change[:, -n:], gap[:, -n:]) for n in (2, 1))
    assert silent.relative_gap == pytest.approx(1e-3) and alone.relative_gap == pytest.approx(100)
    rounded = Attribution(torch.zeros(1, 1, 1, 1), change[:, 1:], gap[:, 1:], largest=100.0)
    assert rounded.relative_gap == pytest.approx(1e-2)


class Infinite(nn.Module):
    """NaN at its inputs alone, so that only the attribution shows it."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(float("nan")))

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs * self.weight


def test_a_model_that_answers_nan_is_named_and_steps_are_not_blamed() -> None:
    with pytest.raises(FitError, match="are NaN: the model answers NaN") as said:
        integrated_gradients(Infinite(), INPUTS, ZERO, rate_at(0, BINS))
    assert "steps" not in str(said.value)


# --- what people pass


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_inputs_with_gaps_are_refused_by_trial(value: float) -> None:
    inputs = INPUTS.clone()
    inputs[2, 0, 0] = value
    with pytest.raises(DataError, match="NaN or infinite in trial 2"):
        integrated_gradients(encoder(), inputs, ZERO, rate_at(0, BINS))


@pytest.mark.parametrize(
    ("inputs", "baseline"),
    [
        (INPUTS.double(), ZERO.double()),
        (INPUTS.numpy(), ZERO.numpy()),
        (INPUTS.double().numpy(), 0),
        (INPUTS, 0.0),
        (INPUTS, torch.tensor(0)),
    ],
)
def test_numbers_of_any_kind_are_taken(inputs: Any, baseline: Any) -> None:
    wanted = integrated_gradients(encoder(), INPUTS, ZERO, rate_at(0, BINS))
    unchecked = inspect.unwrap(integrated_gradients)  # the tests' type checker would refuse an integer
    found = unchecked(encoder(), inputs, baseline, rate_at(0, BINS))
    torch.testing.assert_close(found.values, wanted.values)


def test_integers_are_taken_and_inference_mode_does_not_matter() -> None:
    inputs = (5 * INPUTS).long()
    wanted = integrated_gradients(encoder(), inputs.float(), ZERO, rate_at(0, BINS))
    model = encoder()
    with torch.inference_mode():
        found = integrated_gradients(model, inputs, ZERO, rate_at(0, BINS))
    torch.testing.assert_close(found.values, wanted.values)


@pytest.mark.parametrize(
    ("inputs", "baseline", "outputs", "says"),
    [
        (INPUTS, ZERO[None], rate_at(0, BINS), r"baseline is \(1, 12, 2\).*baseline has none"),
        (INPUTS[0], ZERO, rate_at(0, BINS), r"baseline is \(12, 2\).*axis of trials first"),
        (INPUTS, ZERO, lambda rates: rates[:, :, 0].mean(dim=1), r"outputs give \(4,\) for 4 trials"),
        (INPUTS, ZERO, region_rate(9), "outputs ask for what the model does not give"),
        (INPUTS, ZERO, rate_at(0, [99]), "outputs ask for what the model does not give"),
    ],
)
def test_shapes_that_cannot_be_are_named(
    inputs: Tensor, baseline: Tensor, outputs: Outputs, says: str
) -> None:
    with pytest.raises(DataError, match=says):
        integrated_gradients(encoder(), inputs, baseline, outputs)


# --- baselines


def test_the_input_as_its_own_baseline_has_no_attribution() -> None:
    found = integrated_gradients(encoder(), INPUTS[:1], INPUTS[0], rate_at(0, BINS))
    assert not found.values.any() and not found.change.any() and found.relative_gap == 0


def test_mean_trace_and_zero_are_different_questions() -> None:
    mean = INPUTS.mean(dim=0)
    about_mean, about_zero = (
        integrated_gradients(encoder(), INPUTS, base, rate_at(0, BINS)) for base in (mean, ZERO)
    )
    rates = encoder()(INPUTS)[:, BINS, 0]
    torch.testing.assert_close(about_mean.change, rates - encoder()(mean[None])[:, BINS, 0])
    torch.testing.assert_close(about_zero.change, rates - encoder()(ZERO[None])[:, BINS, 0])
    assert (about_mean.values - about_zero.values).abs().max() > 1e-2


# --- time, memory, and the model as it was


def counted(model: nn.Module) -> list[int]:
    """The rows of each forward pass from now on."""
    rows: list[int] = []
    model.register_forward_pre_hook(lambda _, inputs: rows.append(len(inputs[0])))
    return rows


def test_many_outputs_share_one_forward_pass() -> None:
    passes = []
    for bins in ([5], list(range(12))):
        model = encoder()
        rows = counted(model)
        integrated_gradients(model, INPUTS, ZERO, rate_at(0, bins), steps=8)
        assert sum(rows) == 4 * 8 + 4 + 1  # every trial at every step, then the line's two ends
        passes.append(len(rows))
    assert passes[0] == passes[1] == 3


@pytest.mark.parametrize(("rows_at_once", "most"), [(1, 8), (8, 8), (20, 16), (512, 32)])
def test_memory_is_bounded_and_does_not_show_in_the_result(rows_at_once: int, most: int) -> None:
    expected = integrated_gradients(encoder(), INPUTS, ZERO, rate_at(0, BINS), steps=8)
    model = encoder()
    rows = counted(model)
    found = integrated_gradients(model, INPUTS, ZERO, rate_at(0, BINS), steps=8, rows_at_once=rows_at_once)
    assert max(rows) == most  # one trial's steps at least
    torch.testing.assert_close(found.values, expected.values, atol=1e-6, rtol=0)
    torch.testing.assert_close(found.change, expected.change, atol=1e-6, rtol=0)


def test_the_model_is_left_as_it_was() -> None:
    model = nn.Sequential(nn.Dropout(0.5), encoder(), nn.Dropout(0.5)).train()
    model[2].eval()
    model[1](INPUTS).sum().backward()
    weights = {name: values.clone() for name, values in model.state_dict().items()}
    gradients = [parameter.grad.clone() for parameter in model.parameters()]
    found = integrated_gradients(model, INPUTS, ZERO, rate_at(0, BINS))
    again = integrated_gradients(model, INPUTS, ZERO, rate_at(0, BINS))
    assert torch.equal(found.values, again.values)  # no dropout
    assert [module.training for module in (model, model[0], model[1], model[2])] == [True, True, True, False]
    assert all(torch.equal(values, weights[name]) for name, values in model.state_dict().items())
    assert all(torch.equal(p.grad, g) for p, g in zip(model.parameters(), gradients, strict=True))
    assert not found.values.requires_grad and not INPUTS.requires_grad


def test_gradients_are_found_though_somebody_turned_them_off() -> None:
    frozen = encoder().requires_grad_(False)
    with torch.no_grad():
        found = integrated_gradients(frozen, INPUTS, ZERO, rate_at(0, BINS))
    expected = integrated_gradients(encoder(), INPUTS, ZERO, rate_at(0, BINS))
    torch.testing.assert_close(found.values, expected.values)


# --- lags


def test_a_positive_lag_means_that_the_input_came_first() -> None:
    values = torch.zeros(1, 2, 20, 3)
    values[0, 0, 8 - 3, 1], values[0, 1, 11 - 3, 1] = 2.0, -4.0
    lags, profile = lag_profile(values, [8, 11], 0.1, bin_size=0.02)
    assert lags.tolist() == pytest.approx([-0.1, -0.08, -0.06, -0.04, -0.02, 0, 0.02, 0.04, 0.06, 0.08, 0.1])
    expected = torch.zeros(11, 3)
    expected[5 + 3, 1] = 3.0
    assert torch.equal(profile, expected)
    assert find_strongest(profile, lags, around=0.0) == (1, pytest.approx(0.06))


@pytest.mark.parametrize(("bin_size", "width"), [(0.01, 11), (0.02, 5), (0.05, 3), (0.2, 1)])
def test_the_profile_is_averaged_over_the_same_seconds_at_any_bin_size(bin_size: float, width: int) -> None:
    """`width` bins are 0.05 s on either side; two lags that far apart share the peak between them."""
    half = width // 2
    lags, profile = lag_profile(torch.zeros(1, 1, 101, 1), [50], 50 * bin_size, bin_size)
    profile[40 + half], profile[40 - half] = 1.0, 1.0  # both within reach of lag 40 alone, if 2 half < width
    profile[80] = 1.5
    found = find_strongest(profile, lags)
    assert found == (0, pytest.approx((40 - 50 if half else 80 - 50) * bin_size, abs=1e-6))
    further = profile.clone()
    further[40 + half], further[40 + half + 1] = 0.0, 1.0  # one bin more, and no window holds both
    assert find_strongest(further, lags)[1] == pytest.approx((80 - half - 50) * bin_size, abs=1e-6)


@pytest.mark.parametrize("bins", [[4, 8], [8, 15]])
def test_lags_that_leave_the_trial_are_refused(bins: list[int]) -> None:
    with pytest.raises(FitError, match=r"trial of 20 .* 0\.1 s"):
        lag_profile(torch.zeros(1, 2, 20, 3), bins, 0.1, bin_size=0.02)
    lag_profile(torch.zeros(1, 2, 20, 3), [5, 14], 0.1, bin_size=0.02)


# --- against the truth

TRIAL, TRUTH = 40, [(1, 5), (0, -4)]  # bins; channel and lag of each region


def planted(trials: int, seed: int) -> Rows:
    """Two regions that follow one channel each, one behind and one ahead of it, and a channel for nothing."""
    inputs = noise(trials, TRIAL, 3, seed)
    inputs = (inputs + inputs.roll(1, dims=1) + inputs.roll(-1, dims=1)) / 3**0.5  # slow, as behaviour is
    rates = torch.stack(
        [nn.functional.softplus(2 + 1.5 * inputs[..., channel].roll(lag, dims=1)) for channel, lag in TRUTH],
        dim=-1,
    )
    rates += 0.3 * noise(trials, TRIAL, 2, seed + 1)
    bins = torch.ones(trials, TRIAL, dtype=torch.bool)
    bins[:, :6] = bins[:, -6:] = False  # where the roll wraps around
    return Rows(inputs, rates, bins)


def peaks(model: nn.Module) -> list[tuple[int, float]]:
    inputs = planted(16, seed=20).tensors[0]
    bins = list(range(12, 28, 3))
    found = []
    for region in range(len(TRUTH)):
        attribution = integrated_gradients(
            model, inputs, torch.zeros(TRIAL, 3), rate_at(region, bins), tolerance=0.05
        )
        lags, profile = lag_profile(attribution.values, bins, 12.0, bin_size=1.0)
        found.append(find_strongest(profile, lags, around=1.0))
    return found


def near(found: list[tuple[int, float]]) -> bool:
    return all(
        channel == truth[0] and abs(lag - truth[1]) <= 2
        for (channel, lag), truth in zip(found, TRUTH, strict=True)
    )


MODELS = {
    "gru": lambda: PupilEncoder(3, 2, 24, cell="gru"),
    "mlp": lambda: WindowMLP(3, 2, 16, window=10),
}


@pytest.mark.parametrize("build", MODELS.values(), ids=MODELS)
def test_a_trained_encoder_shows_the_planted_channel_and_lag_and_random_weights_do_not(
    build: Callable[[], nn.Module],
) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model, untrained = build(), [build() for _ in range(3)]
    settings = FitSettings(epochs=50, batch_size=16, learning_rate=0.02, patience=None)
    fitted = fit(
        model, masked_squared_error, planted(96, seed=0), planted(32, seed=10), settings, show_progress=False
    )
    assert fitted.best_loss < 0.4  # the noise alone is 0.09, the rates' variance 1.4
    assert near(peaks(model))
    assert not any(near(peaks(other)) for other in untrained)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_a_recurrent_model_in_evaluation_mode_is_attributed_on_a_gpu(cell: str) -> None:
    """Where cuDNN would refuse a backward pass."""
    wanted = integrated_gradients(encoder(cell), INPUTS, ZERO, rate_at(0, BINS))
    found = integrated_gradients(encoder(cell).to("cuda").eval(), INPUTS, ZERO, rate_at(0, BINS))
    assert found.values.is_cuda
    torch.testing.assert_close(found.values.cpu(), wanted.values, rtol=1e-3, atol=1e-5)
