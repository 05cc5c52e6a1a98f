"""The stacked core: its sizes, its constants, and the same network written as functions."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from neurokit.sensorium.cnn import StackedCore


def core(inputs: int = 1, seed: int = 0, **options: object) -> StackedCore:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return StackedCore(inputs, **options)


def images(number: int = 2, channels: int = 1) -> Tensor:
    return torch.randn(number, channels, 36, 64, generator=torch.Generator().manual_seed(1))


def with_statistics(model: StackedCore) -> StackedCore:
    """Running statistics and affine weights other than 0 and 1."""
    generator = torch.Generator().manual_seed(2)
    for norm in model.norms:
        for tensor in (norm.weight, norm.bias, norm.running_mean, norm.running_var):
            tensor.data += 0.5 * torch.rand(len(tensor), generator=generator)
    return model.eval()


# --- sizes


@pytest.mark.parametrize(("layers", "kernel", "size"), [(1, 7, (28, 56)), (4, 7, (28, 56)), (3, 9, (28, 56))])
def test_an_odd_kernel_keeps_the_map(layers: int, kernel: int, size: tuple[int, int]) -> None:
    assert core(channels=8, layers=layers, hidden_kernel=kernel)(images()).shape == (2, 8, *size)


@pytest.mark.parametrize(("layers", "size"), [(1, (28, 56)), (2, (29, 57)), (3, (30, 58)), (4, (31, 59))])
def test_an_even_kernel_grows_the_map(layers: int, size: tuple[int, int]) -> None:
    assert core(channels=8, layers=layers, hidden_kernel=10)(images()).shape == (2, 8, *size)


def test_there_is_no_bias_but_that_of_the_norms() -> None:
    biases = [name for name, _ in core().named_parameters() if "bias" in name]
    assert biases == [f"norms.{layer}.bias" for layer in range(4)]


# --- the network


def by_functions(model: StackedCore, inputs: Tensor, linear: bool) -> Tensor:
    """The core in evaluation mode, layer by layer, from its weights."""
    weights = model.state_dict()
    hidden = inputs
    for layer in range(len(model.norms)):
        if layer == 0:
            hidden = F.conv2d(hidden, weights["convolutions.0.weight"])
        else:
            across, within, back = (weights[f"convolutions.{layer}.{part}.weight"] for part in range(3))
            size = within.shape[-1]
            hidden = F.conv2d(hidden, across)
            hidden = F.conv2d(hidden, within, padding=((size - 1) + 1) // 2, groups=len(within))
            hidden = F.conv2d(hidden, back)
        mean, var = (weights[f"norms.{layer}.running_{name}"][:, None, None] for name in ("mean", "var"))
        scale, offset = (weights[f"norms.{layer}.{name}"][:, None, None] for name in ("weight", "bias"))
        hidden = (hidden - mean) / torch.sqrt(var + 1e-5) * scale + offset
        if not linear:
            hidden = torch.where(hidden > 0, hidden, torch.expm1(hidden))
    return hidden


@pytest.mark.parametrize("linear", [False, True])
@pytest.mark.parametrize("kernel", [3, 4])
def test_the_core_is_its_functions(kernel: int, linear: bool) -> None:
    model = with_statistics(core(channels=6, layers=3, hidden_kernel=kernel, linear=linear).double())
    inputs = images().double()
    expected = by_functions(model, inputs, linear)
    torch.testing.assert_close(model(inputs), expected, atol=1e-12, rtol=0)
    assert not torch.allclose(by_functions(model, inputs, not linear), expected, atol=1e-3)


def test_running_statistics_are_nine_tenths_the_newest_batch() -> None:
    model = core(channels=4, layers=1)
    first = F.conv2d(images(), model.convolutions[0].weight)
    model.train()(images())
    torch.testing.assert_close(model.norms[0].running_mean, 0.9 * first.mean(dim=(0, 2, 3)))
    expected = 0.1 * torch.ones(4) + 0.9 * first.var(dim=(0, 2, 3))
    torch.testing.assert_close(model.norms[0].running_var, expected)


# --- constants


def test_constants_equal_constant_channels() -> None:
    model = with_statistics(core(4, channels=16, layers=2))
    constants = torch.tensor([[2.0, -0.1, 0.4], [-1.0, 3.0, 0.0]])
    channels = constants[:, :, None, None].expand(-1, -1, 36, 64)
    concatenated = model(torch.cat([images(), channels], dim=1))
    torch.testing.assert_close(model(images(), constants), concatenated, atol=1e-5, rtol=0)
    assert not torch.allclose(model(images(), constants.flip(1)), concatenated, atol=1e-2)


def test_constants_give_the_same_gradient() -> None:
    constants = torch.tensor([[2.0, -0.1, 0.4], [-1.0, 3.0, 0.0]]).double()
    channels = constants[:, :, None, None].expand(-1, -1, 36, 64)
    model, gradients = core(4, channels=4, layers=2, hidden_kernel=3).double(), []
    for inputs in ((images().double(), constants), (torch.cat([images().double(), channels], dim=1),)):
        loss = model(*inputs).square().mean()
        gradients.append(torch.autograd.grad(loss, model.convolutions[0].weight)[0])
    torch.testing.assert_close(*gradients, atol=1e-12, rtol=1e-9)


def test_a_core_with_constants_does_not_go_without() -> None:
    with pytest.raises(RuntimeError):
        core(4, channels=4, layers=1)(images())


# --- how it starts, and its penalty


def test_kernels_start_xavier_normal() -> None:
    model = core(4, channels=64, layers=2, hidden_kernel=7)
    spans = {"0": (4 * 81, 64 * 81), "1.0": (64, 64), "1.1": (49, 64 * 49), "1.2": (64, 64)}
    for name, (fan_in, fan_out) in spans.items():
        weights = model.state_dict()[f"convolutions.{name}.weight"].flatten()
        expected = np.sqrt(2 / (fan_in + fan_out))
        assert float(weights.std()) == pytest.approx(expected, rel=0.04)
        assert abs(float(weights.mean())) < 4 * expected / np.sqrt(len(weights))
        within_one_deviation = float((weights.abs() < expected).float().mean())
        assert within_one_deviation == pytest.approx(0.683, abs=0.025)  # a uniform one has 0.577


def smoothness_of(kernel: Tensor) -> float:
    model = core(kernel.shape[1], channels=len(kernel), layers=1, input_kernel=kernel.shape[-1])
    model.convolutions[0].weight.data = kernel
    return model.regulariser().item()


def test_smoothness_by_hand() -> None:
    point = torch.zeros(1, 1, 5, 5)
    point[0, 0, 2, 2] = 3.0
    assert smoothness_of(point) == pytest.approx(4**2 + 4 * 1)  # whatever the point's height
    flat = torch.ones(1, 1, 3, 3)
    assert smoothness_of(flat) == pytest.approx((4 * 2**2 + 4 * 1**2 + 0) / 9)  # zeros around it


def test_smoothness_filters_each_channel_of_its_own_and_divides_once() -> None:
    kernels = torch.zeros(1, 2, 5, 5)
    kernels[0, 0, 2, 2], kernels[0, 1, 0, 0] = 1.0, -2.0  # the corner's kernel keeps 4, -1, -1
    assert smoothness_of(kernels) == pytest.approx((20 + 4 * 18) / (1 + 4))


def test_the_laplacian_moves_with_the_core_and_is_not_saved() -> None:
    model = core(channels=4).double()
    assert model.laplacian.dtype == torch.float64 and model.regulariser().dtype == torch.float64
    assert "laplacian" not in model.state_dict()
    assert model.to("meta").laplacian.device.type == "meta"


# --- the order in memory


def test_the_gradient_reaches_the_norms_in_the_maps_own_order() -> None:
    """A readout's gradient comes with pixels side by side; batch normalisation is slow with both orders."""
    model, orders = core(channels=4, layers=2), []

    def watch(norm: nn.Module, given: tuple[Tensor], made: Tensor) -> None:
        made.register_hook(lambda gradient: orders.append(gradient.stride()))

    model.norms[1].register_forward_hook(watch)
    features = model(images())
    features.backward(torch.ones(features.shape))
    assert features.stride() == orders[0] and features.stride()[1] == 1
