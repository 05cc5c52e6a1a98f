"""Cores: the sizes and constants of the published one, and one of your own, trained, saved and opened."""

from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from neurokit import sensorium
from neurokit.attribution import integrated_gradients, neuron_rate
from neurokit.errors import CheckpointError, DataError, SettingsError
from neurokit.insilico import most_exciting_images
from neurokit.sensorium import FixedState, MapGeometry, ModelSettings, SensoriumModel, neuron_attribution
from neurokit.sensorium.core import StackedCore
from neurokit.sensorium.official import official_state
from neurokit.training import checkpoint
from tests.sensorium.own_core import ContrastModel, ResidualCore, contrast, residual
from tests.sensorium.toys import FULL, PLAIN, PLUS, same, toy_scans, weights

# --- the published core


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


# --- a core and a model of your own: built, trained, saved, opened, attributed or refused


KEY = "90000-1-1"


def test_a_core_is_drawn_from_the_configs_seed() -> None:
    mice = sensorium.task(toy_scans(), FULL, device="cpu")
    before = torch.get_rng_state()
    one, two = (residual(mice, FULL) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), before)
    assert type(one.core) is ResidualCore and one.core.inputs == 4 and one.has_own_core
    assert same(weights(one), weights(two))
    assert not same(weights(one.core), weights(residual(mice, FULL.replace(seed=12)).core))
    assert residual(sensorium.task(toy_scans(), PLAIN, device="cpu"), PLAIN).core.inputs == 1


def test_a_core_may_be_given_as_it_is_or_in_another_size() -> None:
    mice = sensorium.task(toy_scans(), PLUS, device="cpu")
    core = ResidualCore(4, channels=3)
    assert sensorium.build(mice, PLUS, core=core).core is core
    wide = sensorium.build(mice, PLUS, core=partial(ResidualCore, channels=7))
    assert wide.readouts[KEY].features.shape[0] == wide.core.channels == 7


def test_readouts_start_where_receptive_fields_lie_on_the_cores_map() -> None:
    """The image's corners are the map's: pixel 0 is at -1, and the last at 1."""
    config = PLAIN.replace(start="receptive_fields")
    mice = sensorium.task(toy_scans((0,)), config, device="cpu")
    model, (mouse,) = residual(mice, config), mice.values()
    trials = mouse.trials("train").numpy()
    centers = sensorium.contrast_centers(mouse.scan.images[trials], mouse.scan.responses[trials])
    pixels = sensorium.retinotopic_plane(mouse.scan.coordinates, centers)
    wanted = (2 * pixels / [35, 63] - 1)[:, ::-1]
    with torch.no_grad():
        found = model.readouts[KEY].positions().numpy()
    np.testing.assert_allclose(found, wanted, atol=0.03)


def test_a_trained_model_is_opened_with_its_core(tmp_path: Path) -> None:
    mice = sensorium.task(toy_scans(), FULL, device="cpu")
    result = sensorium.train(residual(mice, FULL), mice, FULL, show_progress=False)
    before = weights(residual(mice, FULL).core)
    assert not same(weights(result.model.core), before)
    checkpoint.save(result.model, tmp_path / "m")
    opened = checkpoint.load(tmp_path / "m").model
    assert type(opened) is SensoriumModel and type(opened.core) is ResidualCore
    assert same(weights(opened), weights(result.model))
    rates, again = (sensorium.predict(model, mice, "test")[KEY] for model in (result.model, opened))
    assert np.array_equal(rates, again)


def test_a_core_that_nobody_imported_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mice = sensorium.task(toy_scans((0,)), PLAIN, device="cpu")
    checkpoint.save(residual(mice, PLAIN), tmp_path / "m")
    monkeypatch.setitem(__import__("sys").modules, ResidualCore.__module__, ModuleType("empty"))
    with pytest.raises(CheckpointError, match=r"core holds a [\w.]*own_core:ResidualCore, which nothing im"):
        checkpoint.load(tmp_path / "m", SensoriumModel)


class NoConfiguration(nn.Conv2d):
    """A core that cannot be made again by itself."""

    channels = 2

    def __init__(self, inputs: int) -> None:
        super().__init__(1, 2, 1)

    def forward(self, images: torch.Tensor, constants: torch.Tensor | None = None) -> torch.Tensor:
        return super().forward(images)

    def geometry(self) -> MapGeometry:
        return MapGeometry((0, 0), (35, 63))

    def regulariser(self) -> torch.Tensor:
        return torch.zeros(())


def test_a_core_without_configuration_opens_into_a_model_that_is_built(tmp_path: Path) -> None:
    mice = sensorium.task(toy_scans((0,)), PLAIN, device="cpu")
    model = sensorium.build(mice, PLAIN, core=NoConfiguration)
    checkpoint.save(model, tmp_path / "m")
    other = sensorium.build(mice, PLAIN.replace(seed=1), core=NoConfiguration)
    assert same(weights(checkpoint.load(tmp_path / "m", other).model), weights(model))
    with pytest.raises(CheckpointError, match="does not fit the configuration"):
        checkpoint.load(tmp_path / "m", SensoriumModel)


class Narrow(NoConfiguration):
    channels = 5


class Flat(NoConfiguration):
    def forward(self, images: torch.Tensor, constants: torch.Tensor | None = None) -> torch.Tensor:
        return super().forward(images).mean(dim=(2, 3))


@pytest.mark.parametrize(
    ("core", "says"),
    [
        (
            partial(nn.Conv2d, out_channels=2, kernel_size=3),
            "Conv2d lacks channels, geometry, regulariser; see",
        ),
        (Narrow, r"Narrow gives \(1, 2, 36, 64\) for one image; give images x channels \(5\) x rows"),
        (Flat, r"Flat gives \(1, 2\) for one image"),
    ],
)
def test_a_core_that_lacks_something_is_refused(core: object, says: str) -> None:
    mice = sensorium.task(toy_scans((0,)), PLAIN, device="cpu")
    with pytest.raises(SettingsError, match=says):
        sensorium.build(mice, PLAIN, core=core)


def test_checking_a_core_leaves_its_statistics_alone() -> None:
    class Normed(NoConfiguration):
        def __init__(self, inputs: int) -> None:
            super().__init__(inputs)
            self.norm = nn.BatchNorm2d(2)

        def forward(self, images: torch.Tensor, constants: torch.Tensor | None = None) -> torch.Tensor:
            return self.norm(super().forward(images))

    mice = sensorium.task(toy_scans((0,)), PLAIN, device="cpu")
    core = sensorium.build(mice, PLAIN, core=Normed).core
    assert core.training and core.norm.num_batches_tracked == 0


def test_a_complete_model_is_trained_and_scored() -> None:
    mice = sensorium.task(toy_scans(), PLAIN, device="cpu")
    result = sensorium.train(contrast(mice, PLAIN), mice, PLAIN, show_progress=False)
    assert all(view.slope.abs().sum() > 0 for view in result.model.views.values())
    table = sensorium.evaluate(result.model, mice, PLAIN)
    assert table.model.unique().tolist() == ["ContrastModel", "mean rate", "behaviour alone", "ceiling"]


def test_a_model_that_lacks_a_view_is_refused() -> None:
    mice = sensorium.task(toy_scans((0,)), PLAIN, device="cpu")
    with pytest.raises(SettingsError, match=r"Linear lacks mouse and regulariser; see .*MiceModel"):
        sensorium.train(nn.Linear(2, 2), mice, PLAIN)


# --- in-silico experiments


def test_what_serves_any_model_serves_a_core_of_ones_own() -> None:
    mice = sensorium.task(toy_scans((0,)), PLUS, device="cpu")
    state = FixedState(residual(mice, PLUS).mouse(KEY), torch.ones(3), torch.zeros(2)).eval()
    images = mice[KEY].images[:3]
    found = integrated_gradients(state, images, torch.zeros(36, 64), neuron_rate([1]), tolerance=1e9)
    assert found.values.shape[0] == 3
    assert most_exciting_images(state, [0, 2], steps=2, show_progress=False).images.shape == (2, 36, 64)


@pytest.mark.parametrize(("build", "name"), [(residual, "ResidualCore"), (contrast, "Contrast")])
def test_what_reads_the_layers_refuses_it(build: object, name: str) -> None:
    mice = sensorium.task(toy_scans((0,)), PLAIN, device="cpu")
    state = FixedState(build(mice, PLAIN).mouse(KEY))
    with pytest.raises(DataError, match=f"reads the layers of a StackedCore, and this is a {name}; call int"):
        neuron_attribution(state, torch.zeros(1, 36, 64), torch.zeros(36, 64))


def test_it_has_no_official_names() -> None:
    mice = sensorium.task(toy_scans((0,)), PLAIN, device="cpu")
    with pytest.raises(CheckpointError, match=r"core\.first\.weight has no official name"):
        official_state(residual(mice, PLAIN))


def test_a_stacked_core_is_where_its_kernels_put_it() -> None:
    """9 x 9 without padding: the first cell is centred on pixel 4, 4; 28 x 56 cells follow."""
    geometry = sensorium.StackedCore(input_kernel=9, hidden_kernel=7).geometry()
    assert geometry == MapGeometry((4.0, 4.0), (31.0, 59.0))
    assert sensorium.StackedCore(input_kernel=9, hidden_kernel=10).geometry() == MapGeometry(
        (2.5, 2.5), (32.5, 60.5)
    )
    assert ModelSettings().input_kernel == 9
    assert isinstance(ContrastModel({}), sensorium.MiceModel)


def test_rates_that_would_only_broadcast_are_refused() -> None:
    """One rate an image, for all neurons."""
    mice = sensorium.task(toy_scans((0,)), PLAIN, device="cpu")
    ((key, mouse),) = mice.items()
    model = ContrastModel({key: 1})
    neurons = mouse.scan.neurons
    with pytest.raises(SettingsError, match=rf"ContrastModel answers 2 .* \(2, 1\); .* \(2, {neurons}\)"):
        sensorium.train(model, mice, PLAIN, device="cpu")
