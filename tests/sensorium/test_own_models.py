"""A core and a model of one's own: built, trained, saved, opened, attributed or refused."""

from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import nn

from neurokit import sensorium
from neurokit.attribution import integrated_gradients, neuron_rate
from neurokit.errors import CheckpointError, DataError, SettingsError
from neurokit.insilico import most_exciting_images
from neurokit.sensorium import AtState, MapGeometry, ModelSettings, SensoriumModel, neuron_attribution
from neurokit.sensorium.official import official_state
from neurokit.training import checkpoint
from tests.sensorium.own_core import ContrastModel, ResidualCore, contrast, residual
from tests.sensorium.toys import FULL, PLAIN, PLUS, same, toy_scans, weights

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

    def geometry(self, shape: tuple[int, int] = (36, 64)) -> MapGeometry:
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
    assert table.model.unique().tolist() == ["ContrastModel", "mean rate", "behaviour alone"]


def test_a_model_that_lacks_a_view_is_refused() -> None:
    mice = sensorium.task(toy_scans((0,)), PLAIN, device="cpu")
    with pytest.raises(SettingsError, match=r"Linear lacks mouse and regulariser; see .*MiceModel"):
        sensorium.train(nn.Linear(2, 2), mice, PLAIN)


# --- in-silico experiments


def test_what_serves_any_model_serves_a_core_of_ones_own() -> None:
    mice = sensorium.task(toy_scans((0,)), PLUS, device="cpu")
    state = AtState(residual(mice, PLUS).mouse(KEY), torch.ones(3), torch.zeros(2)).eval()
    images = mice[KEY].images[:3]
    found = integrated_gradients(state, images, torch.zeros(36, 64), neuron_rate([1]), tolerance=1e9)
    assert found.values.shape[0] == 3
    assert most_exciting_images(state, [0, 2], steps=2, show_progress=False).images.shape == (2, 36, 64)


@pytest.mark.parametrize(("build", "name"), [(residual, "ResidualCore"), (contrast, "Contrast")])
def test_what_reads_the_layers_refuses_it(build: object, name: str) -> None:
    mice = sensorium.task(toy_scans((0,)), PLAIN, device="cpu")
    state = AtState(build(mice, PLAIN).mouse(KEY))
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
