"""The foundation network's parts: their sizes, what they start as, what is frozen and what is refused."""

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import norm
from torch import Tensor, nn
from torch.nn import functional

from neurokit.digital_twin.network.base import ClipState, unit_model
from neurokit.digital_twin.network.config import SMALL as ONE_STREAM
from neurokit.digital_twin.network.config import FoundationSettings
from neurokit.digital_twin.network.convolution import CausalConvolution, InterGroup, gelu
from neurokit.digital_twin.network.network import FoundationNetwork, build_network
from neurokit.errors import SettingsError

SMALL = ONE_STREAM.replace(streams=2, retina=(32, 48), recurrence="attention", spread=0.4, jitter=0.05)

CORES = ("attention", "convolution")


def count(module: nn.Module) -> int:
    return sum(values.numel() for values in module.parameters())


def trainable(network: FoundationNetwork) -> dict[str, nn.Parameter]:
    return {name: values for name, values in network.named_parameters() if values.requires_grad}


def inputs(settings: FoundationSettings, frames: int = 3) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    video = torch.randint(0, 256, (frames, 2, *settings.monitor), generator=generator, dtype=torch.uint8)
    return video, *(torch.randn(frames, 2, 2, generator=generator) for _ in range(2))


# --- the released sizes


@pytest.fixture(scope="module")
def released() -> FoundationNetwork:
    return build_network(3, FoundationSettings())


def test_parameters_of_each_part(released: FoundationNetwork) -> None:
    assert count(released.core.feedforward) == 4 * 477_056
    assert count(released.core.recurrent) == 4 * 655_104
    assert count(released.core) == 4_528_640
    eye = released.perspective
    assert [count(part) for part in (eye.mlp, eye.monitor, eye.retina_pixel)] == [678, 12, 3]
    assert count(eye) == 693 and count(released.modulation) == 8_896
    assert count(released.readout) == 3 * 522


def test_parameters_of_the_other_core() -> None:
    network = build_network(1, FoundationSettings(recurrence="convolution"))
    assert count(network.core.recurrent) == 4 * 720_128


@pytest.mark.parametrize(("units", "millions"), [(8221, 8.83), (9941, 9.73)])
def test_parameters_of_released_twins(released: FoundationNetwork, units: int, millions: float) -> None:
    mouse_free = count(released) - count(released.readout)
    total = mouse_free + count(build_network(units, SMALL).readout) // (6 + 2 * 17) * 522
    assert total / 1e6 == pytest.approx(millions, abs=0.005)
    each = 6 + 2 * 17  # place and spread; weights and bias of two streams
    assert count(build_network(7, SMALL).readout) == 7 * each


def test_a_new_mouse_trains_its_own_part(released: FoundationNetwork) -> None:
    network = build_network(3, FoundationSettings())
    network.freeze_shared()
    own = trainable(network)
    assert sum(values.numel() for values in own.values()) == 678 + 15 + 4 * 48 + 522 * 3
    assert not [name for name in own if name.startswith(("core.", "modulation.lstm."))]


# --- what it starts as


@pytest.mark.parametrize("core", CORES)
def test_an_untrained_network_predicts_the_mean(core: str) -> None:
    settings = SMALL.replace(recurrence=core)
    network, responses = build_network(5, settings), torch.rand(3, 2, 5) * 2
    for mode in (True, False):
        network.train(mode)
        drive = network(*inputs(settings))
        assert torch.equal(network.unit.rate(drive), torch.ones(3, 2, 5))
        assert torch.equal(network.unit.loss(drive, responses), torch.ones(3, 2, 5))


def test_the_seed_alone_decides_the_weights() -> None:
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    one, same, other = (build_network(5, SMALL, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), before)
    name = "core.recurrent.proj_i.weights.1"
    assert torch.equal(one.state_dict()[name], same.state_dict()[name])
    assert not torch.equal(one.state_dict()[name], other.state_dict()[name])


def test_streams_start_apart() -> None:
    weights = build_network(5, SMALL).core.feedforward.inputs[0].weights
    assert not torch.equal(weights[0], weights[1])


@pytest.mark.parametrize(("standardise", "variance"), [(True, 1.0), (False, 3.0)])
def test_weights_start_uniform(standardise: bool, variance: float) -> None:
    fan_in = 16 * 3 * 9
    one = CausalConvolution(
        1, 32, 64, groups=2, kernel=3, frames=3, standardise=standardise, gain=0.7, bias=-1.0
    )
    weight = one.weights[0]
    assert weight.shape == (64, 16, 3, 3, 3)
    assert float(weight.detach().abs().max()) == pytest.approx((variance / fan_in) ** 0.5, rel=1e-2)
    assert float(weight.detach().var()) == pytest.approx(variance / fan_in / 3, rel=5e-2)
    assert torch.equal(one.gains[0], torch.full((2, 32), 0.7))
    assert torch.equal(one.biases[0], torch.full((2, 32), -1.0))


def test_places_spreads_and_biases_start_as_published() -> None:
    network = build_network(4, SMALL)
    state = network.state_dict()
    assert torch.equal(state["perspective.monitor.center"], torch.tensor([0.0, 0.0, 0.5]))
    assert torch.equal(state["perspective.monitor.angle_std"], torch.full((3,), 0.05))
    assert torch.equal(state["readout.position.sigma"], 0.4 * torch.eye(2).expand(4, 2, 2))
    for lstm in ("modulation.lstm", "core.recurrent"):
        starts = [float(state[f"{lstm}.proj_{gate}.biases.0"].unique()) for gate in "ifgo"]
        assert starts == [-1.0, 1.0, 0.0, 0.0]
    silent = [name for name in state if name.endswith("weights.0") and not state[name].any()]
    eye, animal = "perspective.mlp.linears.0.weights.0", "modulation.mlp.linears.0.weights.0"
    assert sorted(silent) == sorted([eye, animal, "readout.feature.weights.0"])


# --- standardised kernels


def test_a_kernel_has_mean_zero_and_the_norm_of_its_gain() -> None:
    one = CausalConvolution(2, 8, 12, groups=2, kernel=3, frames=3).requires_grad_(False)
    generator = torch.Generator().manual_seed(0)
    for weight, gain in zip(one.weights, one.gains, strict=True):
        weight += 0.5
        gain += torch.rand(2, 6, generator=generator)
    kernel = one.kernel((0, 1)).weight.flatten(1)
    np.testing.assert_allclose(kernel.mean(dim=1), 0, atol=1e-7)
    gains = torch.cat([gain.flatten() for gain in one.gains])
    np.testing.assert_allclose(kernel.norm(dim=1), gains, rtol=1e-3)
    assert one.weights[0].mean() > 0.4


def test_a_kernel_that_is_not_standardised_is_its_weights() -> None:
    one = CausalConvolution(1, 1, 4, kernel=6, stride=2, standardise=False, gain=None)
    assert torch.equal(one.kernel((0,)).weight, one.weights[0])


def test_groups_hear_the_others_and_not_themselves() -> None:
    one = InterGroup(2, 12, 3, gain=0.5).requires_grad_(False)
    kernel = one.kernel((1,)).weight[:, :, 0, 0, 0].unflatten(0, (3, 4)).unflatten(2, (3, 4))
    for group in range(3):
        assert not kernel[group, :, group].any()
    others = kernel.transpose(0, 1).flatten(2)  # channel, group, all sources
    np.testing.assert_allclose(others.sum(dim=-1), 0, atol=1e-6)
    np.testing.assert_allclose(others.norm(dim=-1), 0.5, rtol=1e-3)


@pytest.mark.parametrize("streams", [(0, 1), (1,)])
def test_the_convolution_is_the_one_in_space_and_time(streams: tuple[int, ...]) -> None:
    one = CausalConvolution(2, 4, 6, groups=2, kernel=3, frames=3).requires_grad_(False)
    x = torch.randn(7, 2, 4 * len(streams), 5, 6, generator=torch.Generator().manual_seed(0))
    kernel = one.kernel(streams)
    padded = functional.pad(x.permute(1, 2, 0, 3, 4), (0, 0, 0, 0, 2, 0))
    expected = functional.conv3d(padded, kernel.weight, kernel.bias, 1, (0, 1, 1), groups=2 * len(streams))
    found = one(x, ClipState(streams, 2)).permute(1, 2, 0, 3, 4)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    late = functional.conv3d(
        padded.roll(1, 2), kernel.weight, kernel.bias, 1, (0, 1, 1), groups=2 * len(streams)
    )
    assert (late - expected).abs().max() > 0.1


def test_gelu_keeps_the_variance_of_normal_input() -> None:
    """To the three digits to which the published constant does."""

    def moment(power: int) -> float:
        return quad(lambda z: gelu(torch.tensor(z)).item() ** power * norm.pdf(z), -8, 8)[0]

    assert moment(2) - moment(1) ** 2 == pytest.approx(1, abs=1e-3)


# --- rules of the optimiser


@pytest.mark.parametrize("core", CORES)
def test_every_parameter_has_a_rule(core: str) -> None:
    network = build_network(9, SMALL.replace(recurrence=core))
    rules = network.update_rules()
    assert rules.keys() == dict(network.named_parameters()).keys()
    for name, values in network.named_parameters():
        assert all(0 <= over < values.ndim for over in rules[name].norm_over or ()), name
        assert rules[name].scale == (9.0 if name.startswith("readout.") else 1.0), name
    decaying = {name for name in rules if rules[name].decay}
    assert decaying == {name for name in rules if ".weights." in name}


# --- frozen


def test_what_is_shared_stays_frozen() -> None:
    network = build_network(3, SMALL)
    assert network.training and all(values.requires_grad for values in network.parameters())
    network.freeze_shared()
    for mode in (True, False, True):
        network.train(mode)
        assert (
            network.readout.training
            is network.perspective.training
            is network.modulation.mlp.training
            is mode
        )
        frozen = [network.core, network.modulation.lstm]
        assert not any(part.training for module in frozen for part in module.modules())
    assert not any(values.requires_grad for module in frozen for values in module.parameters())


def test_frozen_parameters_get_no_gradient_and_the_rest_does() -> None:
    network = build_network(3, SMALL)
    for weight in network.readout.feature.weights:
        nn.init.normal_(weight, generator=torch.Generator().manual_seed(0))
    network.freeze_shared()
    network(*inputs(SMALL)).sum().backward()
    with_gradient = {name for name, values in network.named_parameters() if values.grad is not None}
    assert with_gradient == trainable(network).keys() and len(with_gradient) > 20


# --- weights in, weights out


def test_a_network_is_its_weights() -> None:
    one = build_network(6, SMALL, seed=3)
    copy = build_network(6, SMALL, seed=4)
    copy.load_state_dict(one.state_dict())
    assert all(torch.equal(copy.state_dict()[name], values) for name, values in one.state_dict().items())
    built = FoundationNetwork(one.configuration["units"], FoundationSettings(**one.configuration["settings"]))
    assert built.settings == SMALL


def test_weights_of_another_size_do_not_fit() -> None:
    with pytest.raises(RuntimeError, match=r"core\.recurrent"):
        build_network(6, SMALL.replace(hidden=32)).load_state_dict(build_network(6, SMALL).state_dict())


# --- units

DRIVES = torch.linspace(-3, 3, 601, dtype=torch.float64)


@pytest.mark.parametrize(
    ("name", "response"), [("poisson", 0.4), ("poisson", 2.5), ("elu", 0.4), ("elu", 2.5)]
)
def test_the_loss_is_least_where_the_rate_is_the_response(name: str, response: float) -> None:
    unit = unit_model(name)
    losses = unit.loss(DRIVES, torch.full_like(DRIVES, response))
    assert float(unit.rate(DRIVES)[losses.argmin()]) == pytest.approx(response, abs=0.03)
    assert unit.rate(torch.zeros(1)).item() == 1.0


def test_units_by_hand() -> None:
    drive, response = DRIVES.numpy(), np.abs(np.sin(DRIVES.numpy()))
    poisson, elu = unit_model("poisson"), unit_model("elu")
    np.testing.assert_allclose(poisson.rate(DRIVES), np.exp(drive))
    found = poisson.loss(DRIVES, torch.from_numpy(response))
    np.testing.assert_allclose(found, np.exp(drive) - response * drive)
    rate = np.where(drive > 0, drive + 1, np.exp(drive))
    np.testing.assert_allclose(elu.rate(DRIVES), rate)
    np.testing.assert_allclose(elu.loss(DRIVES, torch.from_numpy(response)), (rate - response) ** 2)


def test_the_unit_is_the_one_that_was_chosen() -> None:
    network = build_network(3, SMALL.replace(unit="elu"))
    for bias in network.readout.biases:
        bias.data += 2.0
    assert torch.equal(network.eval().rates(*inputs(SMALL)), torch.full((3, 2, 3), 3.0))


# --- settings


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"dropout": 1.0}, "dropout is 1.0"),
        ({"dropout": -0.1}, "dropout is -0.1"),
        ({"dropout": float("nan")}, "dropout is nan"),
        ({"retina_degrees": 91.0}, "retina_degrees is 91.0"),
        ({"retina_degrees": 0.0}, "retina_degrees is 0.0"),
        ({"channels": (8, 16)}, "same length"),
        (
            {"channels": (), "groups": (), "layers": (), "frames": (), "kernel": (), "pools": ()},
            "same length",
        ),
        ({"channels": (8, 15, 16)}, "15 channels"),
        ({"kernel": (3, 4, 3)}, "must be odd"),
        ({"recurrent_kernel": 2}, "must be odd"),
        ({"input_kernel": 5}, "both be even or both odd"),
        ({"hidden": 15}, "multiples of heads"),
        ({"common": 33}, "multiples of heads"),
        ({"heads": 1}, "heads is 1"),
    ],
)
def test_settings_that_cannot_be_built(change: dict, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        SMALL.replace(**change)


@pytest.mark.parametrize(("name", "word"), [("recurrence", "lstm"), ("unit", "gauss")])
def test_an_unknown_word_is_answered_with_the_known_ones(name: str, word: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} is '{word}'; use one of .*{getattr(SMALL, name)}"):
        SMALL.replace(**{name: word})


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("monitor", 12, "monitor is 12; use 2 whole numbers of 2 or more"),
        ("monitor", (12,), r"monitor is \(12,\)"),
        ("monitor", (12.5, 16), r"monitor is \(12.5, 16\)"),
        ("monitor", (12, 1), r"monitor is \(12, 1\)"),
        ("monitor", "ab", "monitor is 'ab'"),
        ("retina", (8,), r"retina is \(8,\); use 2 whole numbers of 1 or more"),
        ("streams", 1.5, "streams is 1.5"),
        ("streams", True, "streams is True"),
        ("channels", 4, "channels is 4"),
        ("channels", (8, 16, "16"), r"channels is \(8, 16, '16'\)"),
        ("spread", INF, "spread is inf"),
        ("spread", NAN, "spread is nan"),
        ("jitter", NAN, "jitter is nan"),
        ("jitter", "0.1", "jitter is '0.1'"),
        ("jitter", -0.1, "jitter is -0.1"),
    ],
)
def test_sizes_of_another_kind(name: str, value: object, says: str) -> None:
    with pytest.raises(SettingsError, match=rf"^{says}[^\n]*\.$"):
        SMALL.replace(**{name: value})


@pytest.mark.parametrize("units", [0, -1])
def test_a_network_of_no_neuron(units: int) -> None:
    with pytest.raises(SettingsError, match=f"^units is {units};"):
        build_network(units, SMALL)


@pytest.mark.parametrize(
    "name",
    [
        "streams", "eye_features", "eye_layers", "modulation_features", "memory_features", "input_kernel",
        "input_stride", "features", "hidden", "common", "heads", "outputs", "monitor", "retina", "channels",
        "groups", "layers", "frames", "pools", "kernel",
    ],
)  # fmt: skip
def test_sizes_below_one(name: str) -> None:
    value = getattr(SMALL, name)
    with pytest.raises(SettingsError, match=name):
        SMALL.replace(**{name: (0, *value[1:]) if isinstance(value, tuple) else 0})


def test_a_map_pooled_to_nothing() -> None:
    with pytest.raises(SettingsError, match="pools"):
        SMALL.replace(pools=(32, 1, 1))


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"retina": (33, 47)},
        {"input_kernel": 5, "input_stride": 3},
        {"pools": (2, 2, 1)},
        {"pools": (3, 1, 2)},
        {"layers": (1, 3, 2), "frames": (1, 2, 3), "kernel": (1, 3, 5)},
        {"channels": (8,), "groups": (2,), "layers": (1,), "frames": (2,), "kernel": (3,), "pools": (2,)},
        {"heads": 4, "recurrent_kernel": 5, "recurrence": "convolution"},
        {"eye_layers": 1, "streams": 1},
    ],
)
def test_settings_that_can_be_built(change: dict) -> None:
    settings = SMALL.replace(**change)
    network, sizes = build_network(2, settings).eval(), []
    network.core.register_forward_hook(lambda module, arguments, maps: sizes.append(tuple(maps.shape)))
    assert network(*inputs(settings)).shape == (3, 2, 2)
    assert sizes == [(2, 3, settings.streams * settings.outputs, *settings.map)]
