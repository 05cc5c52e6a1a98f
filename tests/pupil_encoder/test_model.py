"""PupilEncoder and its relatives: against loops written by hand, and what they can and cannot see."""

import math

import pytest
import torch
from torch import Tensor, nn

from neurokit.errors import SettingsError
from neurokit.pupil_encoder.model import CELLS, PupilEncoder, Rates, TemporalCNN, WindowMLP, parameter_count


def made(kind: type[nn.Module], *sizes: int, seed: int = 0, **options: object) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return kind(*sizes, **options)


def trials(number: int = 3, bins: int = 20, channels: int = 3) -> Tensor:
    return torch.randn(number, bins, channels, generator=torch.Generator().manual_seed(1))


# --- the published network


@pytest.mark.parametrize(("hidden", "count"), [(27, 1812), (60, 7983)])
def test_the_published_numbers_of_parameters(hidden: int, count: int) -> None:
    assert parameter_count(PupilEncoder(3, 3, hidden)) == count
    by_hand = 2 * (3 * hidden + hidden * hidden + 2 * hidden) + 3 * hidden + 3
    assert by_hand == count


def test_the_defaults_are_the_published_network() -> None:
    assert parameter_count(PupilEncoder()) == 1812


def test_only_trainable_parameters_are_counted() -> None:
    model = PupilEncoder()
    model.rates.requires_grad_(False)
    assert parameter_count(model) == 1812 - 27 * 3 - 3


def elman(inputs: Tensor, weights: dict[str, Tensor], direction: str) -> list[Tensor]:
    """h_t = tanh(W x_t + b + U h_(t-1) + c), one bin after the other, from a state of zero."""
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    weight, state_weight, bias, state_bias = (weights[f"recurrent.{name}_l0{direction}"] for name in names)
    state, states = torch.zeros(len(inputs), len(state_bias)), []
    for bin_ in range(inputs.shape[1]):
        state = torch.tanh(inputs[:, bin_] @ weight.T + bias + state @ state_weight.T + state_bias)
        states.append(state)
    return states


def test_the_encoder_is_a_hand_written_elman_network() -> None:
    """Read forwards and backwards, averaged, linear, softplus of beta 10."""
    model, inputs = made(PupilEncoder), trials()
    weights = model.state_dict()
    forwards = torch.stack(elman(inputs, weights, ""), dim=1)
    backwards = torch.stack(elman(inputs.flip(1), weights, "_reverse")[::-1], dim=1)
    latents = (forwards + backwards) / 2
    drive = latents @ weights["rates.weight"].T + weights["rates.bias"]
    torch.testing.assert_close(model.latents(inputs), latents, atol=1e-6, rtol=0)
    torch.testing.assert_close(model(inputs), torch.log1p(torch.exp(10 * drive)) / 10, atol=1e-6, rtol=0)


@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", CELLS)
def test_every_cell_depth_and_direction(cell: str, layers: int, bidirectional: bool) -> None:
    model = made(PupilEncoder, 2, 4, 5, cell=cell, layers=layers, bidirectional=bidirectional)
    assert type(model.recurrent) is CELLS[cell]
    assert (model.recurrent.num_layers, model.recurrent.hidden_size) == (layers, 5)
    assert model.latents(trials(channels=2)).shape == (3, 20, 5)
    assert model(trials(channels=2)).shape == (3, 20, 4)


def test_an_unknown_cell_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match="cell is 'transformer'; use one of rnn, gru, lstm"):
        PupilEncoder.__init__.__wrapped__(PupilEncoder.__new__(PupilEncoder), cell="transformer")


# --- rates


def test_the_softplus_has_a_beta_of_ten() -> None:
    layer = Rates(1, 1).requires_grad_(False)
    nn.init.ones_(layer.weight), nn.init.zeros_(layer.bias)
    assert float(layer(torch.zeros(1, 1, 1))) == pytest.approx(math.log(2) / 10, rel=1e-6)
    assert float(layer(torch.full((1, 1, 1), 3.0))) == pytest.approx(3.0, rel=1e-6)


def test_rates_start_at_the_mean() -> None:
    mean = torch.tensor([0.05, 3.0, 40.0])
    layer = made(Rates, 27, 3)
    layer.start_at(mean)
    torch.testing.assert_close(layer(torch.zeros(1, 1, 27))[0, 0], mean, rtol=1e-5, atol=1e-6)


def test_a_silent_region_starts_near_zero_and_can_learn() -> None:
    layer = made(Rates, 4, 1)
    layer.start_at(torch.zeros(1))
    rate = layer(torch.zeros(1, 1, 4))
    rate.sum().backward()
    assert 0 < rate.item() < 0.002
    assert float(layer.bias.grad) > 0.001


@pytest.mark.parametrize("kind", [PupilEncoder, WindowMLP, TemporalCNN])
def test_no_rate_is_negative(kind: type[nn.Module]) -> None:
    assert (made(kind, 3, 3, 8)(100 * trials()) >= 0).all()


@pytest.mark.parametrize("kind", [PupilEncoder, WindowMLP, TemporalCNN])
def test_trials_do_not_see_each_other(kind: type[nn.Module]) -> None:
    model, inputs = made(kind, 3, 3, 8).train(), trials()
    torch.testing.assert_close(model(inputs)[1:2], model(inputs[1:2]), atol=1e-6, rtol=0)


# --- relatives


def test_window_mlp_is_a_perceptron_on_explicit_windows() -> None:
    model, inputs = made(WindowMLP, 2, 3, 5, layers=2, window=3), trials(channels=2)
    first, second = model.layers
    padded = nn.functional.pad(inputs, (0, 0, 3, 3))
    expected = torch.empty(3, 20, 3)
    for bin_ in range(20):
        window = padded[:, bin_ : bin_ + 7]  # 3 bins on each side
        hidden = torch.relu(torch.einsum("ktc,hct->kh", window, first.weight) + first.bias)
        hidden = torch.relu(hidden @ second.weight[..., 0].T + second.bias)
        expected[:, bin_ : bin_ + 1] = model.rates(hidden[:, None])
    torch.testing.assert_close(model(inputs), expected, atol=1e-6, rtol=0)


# --- what a bin can see


def seen(model: nn.Module, bins: int, at: int) -> list[int]:
    """The input bins whose change changes the rates of bin `at`."""
    inputs = trials(1, bins)
    found = []
    with torch.no_grad():
        rates = model(inputs)[:, at]
        for bin_ in range(bins):
            other = inputs.clone()
            other[:, bin_] += 3
            if not torch.equal(model(other)[:, at], rates):
                found.append(bin_)
    return found


@pytest.mark.parametrize("layers", [1, 2])
def test_window_mlp_sees_its_window_and_no_more(layers: int) -> None:
    model = made(WindowMLP, 3, 3, 16, layers=layers, window=4)
    assert seen(model, 21, at=10) == list(range(6, 15))


@pytest.mark.parametrize(("layers", "kernel", "field"), [(1, 5, 5), (2, 5, 13), (3, 5, 29), (3, 3, 15)])
def test_temporal_cnn_sees_what_its_docstring_says(layers: int, kernel: int, field: int) -> None:
    assert field == (kernel - 1) * (2**layers - 1) + 1
    model = made(TemporalCNN, 3, 3, 32, layers=layers, kernel=kernel).double()
    inputs, side = trials(1, 41).double().requires_grad_(), field // 2
    model(inputs)[:, 20].sum().backward()
    reached = inputs.grad[0].abs().sum(-1).nonzero().flatten().tolist()
    assert reached == list(range(20 - side, 20 + side + 1))
    outside = inputs.detach().clone()
    outside[:, : 20 - side] += 3
    outside[:, 20 + side + 1 :] += 3
    torch.testing.assert_close(model(outside)[:, 20], model(inputs)[:, 20], atol=1e-12, rtol=0)


@pytest.mark.parametrize("cell", CELLS)
def test_one_direction_cannot_see_the_future_and_two_can(cell: str) -> None:
    inputs = trials()
    other = inputs.clone()
    other[:, 12:] += 3
    causal = made(PupilEncoder, 3, 3, 8, cell=cell, bidirectional=False)
    assert torch.equal(causal(other)[:, :12], causal(inputs)[:, :12])
    assert not torch.allclose(causal(other)[:, 12:], causal(inputs)[:, 12:])
    both = made(PupilEncoder, 3, 3, 8, cell=cell)  # the negative control
    assert not torch.allclose(both(other)[:, :12], both(inputs)[:, :12])
