"""In-silico experiments against known cells: Gabors whose orientation, place and filter are on record."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from neurokit.attribution import integrated_gradients, neuron_rate
from neurokit.errors import DataError, SettingsError
from neurokit.insilico import (
    at_best_frequency,
    centers,
    mean_gradients,
    most_exciting_images,
    orientation_selectivity,
    preferred_orientation,
    receptive_fields,
    tuning,
)
from neurokit.sensorium.attribution import FixedState, neuron_attribution
from neurokit.sensorium.config import CNN_PLUS, MouseShape
from neurokit.sensorium.model import MouseModel, make_model
from neurokit.sensorium.simulated_mouse import Cells, draw_cells
from neurokit.simulation.scenes import gratings

ORIENTATIONS = np.arange(12) * np.pi / 12
FREQUENCIES = np.array([0.08, 0.11, 0.15])


class Population(nn.Module):
    """Known cells: simple ones rectify their filter softly, complex ones take the energy of two."""

    def __init__(self, cells: Cells) -> None:
        super().__init__()
        self.even, self.odd = (
            nn.Parameter(torch.from_numpy(cells.filters(phase)).float().flatten(1))
            for phase in (0.0, np.pi / 2)
        )
        self.complex = torch.from_numpy(cells.complex)

    def forward(self, images: Tensor) -> Tensor:
        even, odd = (images.flatten(1) @ filters.T for filters in (self.even, self.odd))
        return torch.where(self.complex, (even**2 + odd**2 + 1e-3).sqrt(), F.elu(even) + 1)


@pytest.fixture(scope="module")
def cells() -> Cells:
    return draw_cells(40, 0.5, np.random.default_rng(0))


@pytest.fixture(scope="module")
def population(cells: Cells) -> Population:
    return Population(cells)


def noise(images: int, seed: int = 0) -> Tensor:
    return torch.randn(images, 36, 64, generator=torch.Generator().manual_seed(seed))


def correlations(first: Tensor, second: np.ndarray) -> np.ndarray:
    pairs = zip(first.flatten(1).numpy(), second.reshape(len(second), -1), strict=True)
    return np.array([np.corrcoef(*pair)[0, 1] for pair in pairs])


def small_mouse() -> MouseModel:
    """A small network with behaviour and shifter, in training mode but for one part."""
    settings = CNN_PLUS.replace(channels=6, layers=2, positions="free")
    model = make_model({"a": MouseShape(neurons=5)}, settings, seed=0).mouse("a").train()
    model.core.norms[1].eval()
    return model


def at_a_state(model: MouseModel) -> FixedState:
    return FixedState(model, torch.tensor([1.0, 0.2, 0.5]), torch.tensor([0.5, -1.0]))


# --- a model of the image alone


def test_a_state_is_the_same_for_every_image() -> None:
    model, images = small_mouse().eval(), noise(3)
    rates = at_a_state(model)(images)
    behaviour, pupil = torch.tensor([[1.0, 0.2, 0.5]] * 3), torch.tensor([[0.5, -1.0]] * 3)
    assert torch.equal(rates, model(images, behaviour, pupil))
    assert not torch.allclose(rates, model(images, 2 * behaviour, pupil))
    assert not torch.allclose(rates, model(images, behaviour, -pupil))


def test_a_state_adds_no_weights_and_keeps_the_mode() -> None:
    model = small_mouse()
    held = at_a_state(model)
    assert {id(p) for p in held.parameters()} == {id(p) for p in model.parameters()}
    assert held.training and not model.core.norms[1].training
    assert not at_a_state(model.eval()).training
    assert {name.removeprefix("model.") for name in held.state_dict()} == set(model.state_dict())


def test_a_missing_state_is_one_sentence() -> None:
    with pytest.raises(DataError, match=r"This model reads behaviour; pass it, or use a model without"):
        FixedState(small_mouse(), pupil_center=torch.zeros(2))(noise(1))


EXPERIMENTS: dict[str, Callable[[nn.Module], Tensor]] = {
    "tuning": lambda model: tuning(model, ORIENTATIONS[::4], FREQUENCIES[:1]),
    "exciting": lambda model: most_exciting_images(model, [3, 1], steps=3).images,
    "fields": lambda model: receptive_fields(model, noise(2)),
    "gradients": lambda model: mean_gradients(model, noise(2)),
    "attribution": lambda model: neuron_attribution(model, noise(2), noise(1)[0], [3, 1], steps=4).values,
}


@pytest.mark.parametrize("experiment", EXPERIMENTS.values(), ids=EXPERIMENTS)
def test_experiments_evaluate_and_leave_the_model_as_it_was(
    experiment: Callable[[nn.Module], Tensor],
) -> None:
    trained, evaluated = at_a_state(small_mouse()), at_a_state(small_mouse().eval())
    trained(noise(4)).sum().backward()
    evaluated.load_state_dict(trained.state_dict())  # the batch has moved the running statistics
    gradients = {name: p.grad.clone() for name, p in trained.named_parameters() if p.grad is not None}
    weights = {name: value.clone() for name, value in trained.state_dict().items()}
    modes = [module.training for module in trained.modules()]
    with torch.no_grad():  # as somebody may have turned gradients off
        found = experiment(trained)
    assert torch.equal(found, experiment(evaluated)) and not found.requires_grad
    assert modes == [module.training for module in trained.modules()]
    assert len(set(modes)) == 2
    assert all(torch.equal(value, weights[name]) for name, value in trained.state_dict().items())
    assert gradients and all(torch.equal(trained.get_parameter(n).grad, g) for n, g in gradients.items())


class Brightness(nn.Module):
    """Two rates without anything to learn: the mean of the left half and that of the right one."""

    def forward(self, images: Tensor) -> Tensor:
        return torch.stack([half.mean(dim=(1, 2)) for half in images.chunk(2, dim=2)], dim=1) + 1


def test_experiments_run_on_a_model_without_parameters() -> None:
    left = torch.zeros(36, 64)
    left[:, :32] = 1 / (36 * 32)
    torch.testing.assert_close(mean_gradients(Brightness(), noise(2)), torch.stack([left, left.flip(1)]))
    torch.testing.assert_close(receptive_fields(Brightness(), noise(2))[0] > 0, left > 0)
    found = integrated_gradients(Brightness(), noise(2), torch.zeros(36, 64), neuron_rate([0]))
    torch.testing.assert_close(found.values[:, 0], noise(2) * left)
    assert tuning(Brightness(), ORIENTATIONS[::4], FREQUENCIES[:1]).shape == (2, 3, 1)
    exciting = most_exciting_images(Brightness(), [1], steps=20).images[0]
    assert exciting[:, 40:].mean() > 10 * exciting[:, :24].mean().abs()


# --- tuning


def test_a_tuning_curve_is_the_rate_to_standardised_gratings(population: Population) -> None:
    phases = np.array([0.3, 1.9])
    found = tuning(population, ORIENTATIONS, FREQUENCIES, phases, contrast=0.5, batch_size=4)
    shown = 0.5 * 2**0.5 * gratings(np.full(2, ORIENTATIONS[5]), np.full(2, FREQUENCIES[2]), phases)
    assert shown.std() == pytest.approx(0.5, abs=0.02)
    rates = population(torch.from_numpy(shown).float()).detach()
    torch.testing.assert_close(found[:, 5, 2], rates.mean(dim=0))


def test_preferred_orientations_are_the_planted_ones(population: Population, cells: Cells) -> None:
    curves = at_best_frequency(tuning(population, ORIENTATIONS, FREQUENCIES))
    found = preferred_orientation(curves, ORIENTATIONS).numpy()

    def error(truth: np.ndarray) -> np.ndarray:
        return np.degrees(np.abs((found - truth + np.pi / 2) % np.pi - np.pi / 2))

    assert error(cells.orientation).max() < 10
    assert np.median(error(np.roll(cells.orientation, 1))) > 25  # 45 degrees by chance
    assert np.median(error(-cells.orientation % np.pi)) > 25  # turning the other way


def test_selectivity_by_hand() -> None:
    theta = torch.from_numpy(ORIENTATIONS)
    one = torch.zeros(12, dtype=torch.float64)
    one[4] = 3.0
    curves = torch.stack([torch.ones_like(one), one, 2 + torch.cos(2 * (theta - 1.0)), torch.zeros_like(one)])
    found = orientation_selectivity(curves, ORIENTATIONS)
    torch.testing.assert_close(found, torch.tensor([0, 1, 0.25, 0], dtype=torch.float64))
    angles = preferred_orientation(curves[1:3], ORIENTATIONS)
    torch.testing.assert_close(angles, torch.tensor([np.pi / 3, 1.0], dtype=torch.float64))


def test_the_best_frequency_is_each_neurons_own() -> None:
    curves = torch.tensor([[[0.0, 1.0], [3.0, 2.0]], [[1.0, 1.0], [1.0, 1.5]]])
    assert at_best_frequency(curves).tolist() == [[0.0, 3.0], [1.0, 1.5]]


@pytest.mark.parametrize("uneven", [ORIENTATIONS[:7], np.linspace(0, np.pi, 5), np.zeros(1)])
def test_uneven_orientations_are_refused(uneven: np.ndarray) -> None:
    flat = torch.ones(2, len(uneven))
    for measure in (orientation_selectivity, preferred_orientation):
        with pytest.raises(DataError, match="are not spread evenly over half a turn"):
            measure(flat, uneven)


def test_negative_rates_have_no_selectivity() -> None:
    with pytest.raises(DataError, match="negative rates"):
        orientation_selectivity(-torch.ones(1, 12), ORIENTATIONS)


# --- most exciting images


def test_simple_cells_are_most_excited_by_their_filters(population: Population, cells: Cells) -> None:
    simple = np.flatnonzero(~cells.complex)
    filters = cells.filters()[simple]
    found = most_exciting_images(population, simple.tolist())
    assert correlations(found.images, filters).min() > 0.9
    assert np.median(np.abs(correlations(found.images, np.roll(filters, 1, axis=0)))) < 0.3
    assert (found.rates / (12 + 1)).min() > 0.9  # the filter itself, of norm 12, would have 13
    sharp = most_exciting_images(population, simple.tolist(), smoothing=0.0)
    assert correlations(sharp.images, filters).min() > 0.99
    assert fineness(found.images) < 0.8 * fineness(sharp.images)


def fineness(images: Tensor) -> float:
    """Energy of what neighbouring pixels differ by, over the images' own."""
    return float(images.diff(dim=2).square().sum() / images.square().sum())


def test_complex_cells_get_their_orientation_but_any_phase(population: Population, cells: Cells) -> None:
    chosen = np.flatnonzero(cells.complex)
    images = most_exciting_images(population, chosen.tolist()).images
    even, odd = (correlations(images, cells.filters(phase)[chosen]) for phase in (0.0, np.pi / 2))
    assert np.hypot(even, odd).min() > 0.9
    assert np.abs(even).min() < 0.5


def test_the_history_leads_from_noise_to_the_rates(population: Population) -> None:
    found = most_exciting_images(population, [0, 1, 2], norm=5.0, steps=30)
    torch.testing.assert_close(found.images.flatten(1).norm(dim=1), torch.full((3,), 5.0))
    assert found.history.shape == (31, 3)
    assert torch.equal(found.history[-1], found.rates)
    torch.testing.assert_close(found.rates, population(found.images).diagonal())
    start = noise(1)[0] * 5 / noise(1).norm()
    torch.testing.assert_close(found.history[0], population(start[None])[0, :3])
    assert (found.history[-1] > found.history[10]).all() and (found.history[10] > found.history[0]).all()


def test_the_seed_says_it_all_and_companions_do_not_matter(population: Population) -> None:
    first, again = (most_exciting_images(population, [4, 7, 9], steps=8) for _ in range(2))
    assert torch.equal(first.images, again.images)
    one_by_one = most_exciting_images(population, [9, 7, 4], steps=8, batch_size=1)
    torch.testing.assert_close(one_by_one.images.flip(0), first.images, atol=1e-5, rtol=0)
    other = most_exciting_images(population, [4, 7, 9], steps=8, seed=1)
    assert (other.images - first.images).abs().max() > 0.1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"steps": 0}, "steps is 0; use a whole number from 1 to 1e\\+06"),
        ({"steps": 10**30}, "steps is 1000000000000000000000000000000; use"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": 2**63}, "seed is 9223372036854775808"),
    ],
)
def test_steps_that_would_never_end_are_refused(
    population: Population, change: dict[str, int], says: str
) -> None:
    with pytest.raises(SettingsError, match=says):
        most_exciting_images(population, [4], **change)


# --- receptive fields


def test_centres_are_the_planted_ones(population: Population, cells: Cells) -> None:
    found = centers(receptive_fields(population, noise(32))).numpy()
    error = np.linalg.norm(found - cells.center, axis=1)
    assert error[cells.complex].max() < 0.5 and error[~cells.complex].max() < 0.5
    assert np.median(np.linalg.norm(found - np.roll(cells.center, 1, axis=0), axis=1)) > 3


def test_mean_gradients_are_filters_of_simple_cells_alone(population: Population, cells: Cells) -> None:
    images = noise(64)
    signed, size = mean_gradients(population, images), receptive_fields(population, images)
    simple = ~cells.complex
    assert correlations(signed[simple], cells.filters()[simple]).min() > 0.99
    remaining = signed.flatten(1).norm(dim=1) / size.flatten(1).norm(dim=1)
    assert remaining[simple].min() > 0.8 and remaining[~simple].max() < 0.4


def test_gradients_are_those_found_one_by_one() -> None:
    model, images = at_a_state(small_mouse().eval()), noise(3)
    jacobian = torch.autograd.functional.jacobian(model, images)  # B N B H W
    single = torch.stack([jacobian[b, :, b] for b in range(3)])
    torch.testing.assert_close(receptive_fields(model, images), single.square().mean(dim=0).sqrt())
    torch.testing.assert_close(mean_gradients(model, images), single.mean(dim=0))
    assert single.abs().max() > 1e-3


@pytest.mark.parametrize("rows_at_once", [1, 7, 40])
def test_memory_does_not_show_in_the_fields(population: Population, rows_at_once: int) -> None:
    images = noise(20)
    expected = receptive_fields(population, images, [5, 30, 2])
    found = receptive_fields(population, images, [5, 30, 2], rows_at_once=rows_at_once)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(expected, receptive_fields(population, images)[[5, 30, 2]])


@pytest.mark.parametrize("neurons", [[], [40], [0, -1]])
def test_neurons_that_are_not_there_are_refused(population: Population, neurons: list[int]) -> None:
    for experiment in (
        lambda: receptive_fields(population, noise(1), neurons),
        lambda: most_exciting_images(population, neurons, steps=1),
    ):
        with pytest.raises(DataError, match="give at least one number from 0 to 39"):
            experiment()


def test_a_centre_stands_against_background(cells: Cells) -> None:
    """Unspecific power and noise all over the field, and one outlying pixel above the peak."""
    fields, truth = torch.from_numpy(cells.filters()), torch.from_numpy(cells.center)
    peaks = fields.abs().amax(dim=(1, 2))[:, None, None]
    spoilt = (fields.square() + (0.4 * peaks) ** 2).sqrt() + 0.1 * peaks * noise(len(fields), seed=3)
    spoilt[:, 0, 0] = 1.5 * peaks[:, 0, 0]
    error = (centers(spoilt) - truth).norm(dim=1)
    assert error.max() < 1.5 and error.median() < 0.5
    pixels = torch.stack(torch.meshgrid(torch.arange(36.0), torch.arange(64.0), indexing="ij"))
    mass = spoilt.square()[:, None]
    plain = (mass * pixels).sum(dim=(2, 3)) / mass.sum(dim=(2, 3))
    assert (plain - truth).norm(dim=1).median() > 3  # of the complete field


def test_a_field_of_zeros_has_no_centre() -> None:
    fields = torch.zeros(2, 36, 64)
    fields[1, 10, 20] = -1.0
    assert centers(fields)[0].isnan().all()
    assert centers(fields)[1].tolist() == [10.0, 20.0]
