"""Integrated gradients of single neurons with respect to images, with behaviour and eye held fixed."""

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients
from torch import Tensor, nn

from neurokit.attribution import Attribution, integrated_gradients, neuron_rate, rate_at
from neurokit.errors import DataError, FitError
from neurokit.insilico import mean_gradients
from neurokit.sensorium.attribution import FixedState
from neurokit.sensorium.config import CNN_PLUS, MouseShape
from neurokit.sensorium.model import make_model, poisson_loss
from neurokit.sensorium.simulated_mouse import Cells, draw_cells

NEURONS = 6
ASKED = [0, 2, 5]
GREY = torch.zeros(36, 64)


def noise(images: int, seed: int) -> Tensor:
    return torch.randn(images, 36, 64, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def cells() -> Cells:
    return draw_cells(NEURONS, 0.0, np.random.default_rng(1))


def untrained() -> FixedState:
    settings = CNN_PLUS.replace(channels=8, layers=2, positions="free")
    model = make_model({"a": MouseShape(neurons=NEURONS)}, settings, seed=0).mouse("a")
    return FixedState(model, torch.tensor([1.0, 0.2, 0.5]), torch.tensor([0.3, -0.4]))


@pytest.fixture(scope="module")
def trained(cells: Cells) -> FixedState:
    """Trained briefly on simple cells: not well, but no longer random."""
    filters = torch.from_numpy(cells.filters()).float().flatten(1)
    images = noise(512, seed=10)
    rates = nn.functional.elu(2 * images.flatten(1) @ filters.T) + 1
    model = untrained()
    offset = (torch.from_numpy(cells.center) - torch.tensor([17.5, 31.5])) / torch.tensor([13.5, 27.5])
    model.model.readout.positions.start_at(offset.flip(1).numpy())
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for step in range(64):
            rows = slice(32 * (step % 16), 32 * (step % 16 + 1))
            optimiser.zero_grad()
            (poisson_loss(model(images[rows]), rates[rows]) + model.model.regulariser()).backward()
            optimiser.step()
    return model


@pytest.fixture(params=["untrained", "trained"])
def model(request: pytest.FixtureRequest) -> FixedState:
    return untrained() if request.param == "untrained" else request.getfixturevalue("trained")


def test_an_image_is_attributed_completely(model: FixedState) -> None:
    images = noise(3, seed=1)
    found = integrated_gradients(model, images, GREY, neuron_rate(ASKED), rows_at_once=64)
    assert found.values.shape == (3, 3, 36, 64)
    held = model.eval()
    change = (held(images) - held(GREY[None]))[:, ASKED].detach()
    torch.testing.assert_close(found.change, change)
    torch.testing.assert_close(found.values.sum(dim=(2, 3)), change + found.gap)
    assert found.relative_gap < 0.01
    assert change.abs().max() > 1e-3


def test_another_baseline_misses_completeness(model: FixedState) -> None:
    """Attributions from one baseline do not explain the change from another."""
    images, other = noise(3, seed=1), noise(1, seed=2)[0]
    about_grey, about_other = (
        integrated_gradients(model, images, base, neuron_rate(ASKED), rows_at_once=64)
        for base in (GREY, other)
    )
    mixed = about_grey.values.sum(dim=(2, 3)) - about_other.change
    assert Attribution(about_grey.values, about_other.change, mixed).relative_gap > 0.1


def test_too_few_steps_are_refused(trained: FixedState) -> None:
    images = 3 * noise(3, seed=1)  # far out, where the line is anything but straight
    with pytest.raises(FitError, match=r"miss completeness by .* raise steps above 1,"):
        integrated_gradients(trained, images, GREY, neuron_rate(ASKED), steps=1)
    integrated_gradients(trained, images, GREY, neuron_rate(ASKED), steps=48, rows_at_once=64)


def test_every_neuron_is_what_captum_finds_for_it_alone(trained: FixedState) -> None:
    images = noise(2, seed=1)
    found = integrated_gradients(trained, images, GREY, neuron_rate(ASKED), steps=8)
    method = IntegratedGradients(trained.eval())
    for output, neuron in enumerate(ASKED):
        expected = method.attribute(
            images, GREY.expand_as(images), target=neuron, n_steps=8, method="gausslegendre"
        )
        torch.testing.assert_close(found.values[:, output], expected, atol=1e-5, rtol=0)
    assert found.values.abs().max() > 1e-2


def test_a_linear_neuron_is_attributed_exactly_by_hand(cells: Cells) -> None:
    """Filter times distance from the baseline, pixel by pixel."""
    filters = torch.from_numpy(cells.filters()).float()
    model = nn.Sequential(nn.Flatten(), nn.Linear(36 * 64, NEURONS))
    model[1].weight.data = filters.flatten(1)
    images, base = noise(2, seed=1), noise(1, seed=2)[0]
    found = integrated_gradients(model, images, base, neuron_rate([4]), steps=1)
    torch.testing.assert_close(found.values[:, 0], (images - base) * filters[4])


def test_trained_attributions_lie_in_the_receptive_field_and_random_ones_do_not(
    trained: FixedState, cells: Cells
) -> None:
    """The filter's map of what an image adds, against the attribution; other neurons as the control."""
    images, everyone = noise(4, seed=1), neuron_rate(list(range(NEURONS)))
    planted = torch.from_numpy(cells.filters()).float()[None] * images[:, None]  # K N H W

    def likeness(model: FixedState, truth: Tensor) -> float:
        values = integrated_gradients(model, images, GREY, everyone, steps=16, rows_at_once=64).values
        return float(nn.functional.cosine_similarity(values.flatten(2), truth.flatten(2), dim=2).mean())

    right, wrong = likeness(trained, planted), likeness(trained, planted.roll(1, dims=1))
    assert right > 0.5 and abs(wrong) < 0.2
    assert abs(likeness(untrained(), planted)) < 0.2
    signed, filters = mean_gradients(trained, images), torch.from_numpy(cells.filters()).float()
    assert nn.functional.cosine_similarity(signed.flatten(1), filters.flatten(1)).mean() > 0.5


@pytest.mark.parametrize("shape", [(), (5,), (3, 4, 2)])
def test_inputs_of_any_shape(shape: tuple[int, ...]) -> None:
    class Squared(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.tensor(2.0))

        def forward(self, inputs: Tensor) -> Tensor:
            return self.weight * inputs.reshape(len(inputs), -1).square().sum(dim=1, keepdim=True)

    inputs = torch.randn(4, *shape, generator=torch.Generator().manual_seed(0))
    found = integrated_gradients(Squared(), inputs, torch.zeros(shape), neuron_rate([0]), steps=4)
    torch.testing.assert_close(found.values[:, 0], 2 * inputs**2)
    assert found.gap.abs().max() < 1e-4


def test_outputs_of_the_wrong_kind_are_noticed() -> None:
    """A trace's picker on a neuron's rates: a K x N table has no third axis."""
    with pytest.raises(DataError, match="outputs ask for what the model does not give"):
        integrated_gradients(untrained(), noise(1, seed=1), GREY, rate_at(0, [1]))
