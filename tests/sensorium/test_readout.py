"""The Gaussian readout: where it reads, what it draws, and where its positions come from and start."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import HuberRegressor
from torch import Tensor, nn

from neurokit.errors import DataError
from neurokit.sensorium.core import StackedCore
from neurokit.sensorium.readout import (
    CortexPositions,
    FreePositions,
    GaussianReadout,
    contrast_centers,
    retinotopic_plane,
    sample_bilinear,
    source_grid,
)
from neurokit.sensorium.simulated_mouse import draw_cells, image_drive

GAUSSES = ("full", "uncorrelated", "isotropic")


def ramps(images: int, height: int = 9, width: int = 13) -> Tensor:
    """A map whose two channels hold x and y, so that reading it gives the position."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
    return torch.stack([x, y]).expand(images, -1, -1, -1)


def free_readout(neurons: int = 5, seed: int = 0, **options: object) -> GaussianReadout:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return GaussianReadout(FreePositions(neurons), neurons, 2, **options)


def reads(readout: GaussianReadout, **inputs: Tensor) -> Tensor:
    """The positions that a readout reads at, B N 2: x from the first channel, y from the second."""
    images = len(next(iter(inputs.values()))) if inputs else 3
    found = []
    for channel in range(2):
        readout.features.data = torch.zeros_like(readout.features)
        readout.features.data[channel] = 1
        found.append(readout(ramps(images), **inputs))
    return torch.stack(found, dim=-1).detach()


def noise(images: int, neurons: int, scale: float = 1.0) -> Tensor:
    return scale * torch.randn(images, neurons, 2, generator=torch.Generator().manual_seed(3))


# --- reading a map


def test_minus_one_and_one_are_the_centres_of_the_outer_pixels() -> None:
    features = torch.arange(12.0).reshape(1, 1, 3, 4)
    corners = torch.tensor([[[-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0], [1.0, 1.0], [-1 / 3, 0.0]]])
    assert sample_bilinear(features, corners).flatten().tolist() == pytest.approx([0, 3, 8, 11, 5])


def test_between_pixels_the_map_is_interpolated_and_around_it_zero() -> None:
    features = torch.tensor([[[[1.0, 2.0], [4.0, 8.0]]]])
    positions = torch.tensor([[[-0.5, 0.5], [1.0 + 1.0, 1.0], [3.5, 0.0]]])  # a half-width is half a pixel
    by_hand = [0.25 * (0.75 * 1 + 0.25 * 2) + 0.75 * (0.75 * 4 + 0.25 * 8), 0.5 * 8, 0]
    assert sample_bilinear(features, positions).flatten().tolist() == pytest.approx(by_hand)


def test_the_drive_is_a_weighted_sum_of_the_channels_and_a_bias() -> None:
    readout = free_readout().eval()
    generator = torch.Generator().manual_seed(1)
    readout.features.data = torch.randn(2, 5, generator=generator)
    readout.bias.data = torch.randn(5, generator=generator)
    positions = readout.positions().detach()  # N 2, which is also what the ramps hold there
    expected = (positions.T * readout.features).sum(dim=0) + readout.bias
    torch.testing.assert_close(readout(ramps(3)), expected.expand(3, 5))


# --- drawing positions


@pytest.mark.parametrize("gauss", GAUSSES)
def test_a_draw_is_the_spread_times_the_noise(gauss: str) -> None:
    readout = free_readout(gauss=gauss)
    readout.spread.data *= 1 + torch.rand(readout.spread.shape, generator=torch.Generator().manual_seed(2))
    drawn = noise(4, 5)
    spread, means = readout.spread.detach().numpy(), readout.positions().detach().numpy()
    matrices = spread if gauss == "full" else np.stack([np.diag(np.broadcast_to(row, 2)) for row in spread])
    expected = np.einsum("nij,bnj->bni", matrices, drawn.numpy()) + means
    np.testing.assert_allclose(reads(readout, noise=drawn), expected, atol=2e-6)


def test_draws_stay_on_the_map_and_the_shift_may_leave_it() -> None:
    readout = free_readout(gauss="isotropic", init_sigma=1.0)
    far = noise(4, 5, scale=100.0)
    edges = reads(readout, noise=far)
    assert set(edges.abs().flatten().tolist()) == {1.0}
    shift = torch.tensor([[0.5, 0.0]]).expand(4, -1)
    shifted = reads(readout, noise=far, shift=shift)[..., 0]
    right = edges[..., 0] == 1
    assert right.any() and not shifted[right].any()  # off the map, so zero; a clamp would read 1
    torch.testing.assert_close(shifted[~right], torch.full_like(shifted[~right], -0.5))


def test_one_shift_moves_all_neurons_of_its_image() -> None:
    shift = torch.tensor([[0.1, -0.2], [0.0, 0.3]])
    readout = free_readout().eval()
    expected = readout.positions().detach() + shift[:, None]
    torch.testing.assert_close(reads(readout, shift=shift), expected)


def test_evaluation_reads_the_mean_and_training_draws_from_the_global_generator() -> None:
    readout, features = free_readout(), torch.randn(3, 2, 9, 13, generator=torch.Generator().manual_seed(1))
    assert torch.equal(readout.eval()(features), readout(features))
    with torch.random.fork_rng():
        torch.manual_seed(5)
        first, second = readout.train()(features), readout(features)
        torch.manual_seed(5)
        again = readout(features)
    assert torch.equal(first, again)
    assert not torch.allclose(first, second, atol=1e-4)
    assert not torch.allclose(first[0], readout.eval()(features)[0], atol=1e-4)


def test_each_image_and_neuron_has_a_draw_of_its_own() -> None:
    readout = free_readout(neurons=4000, gauss="uncorrelated", init_sigma=0.05).train()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        offsets = (readout(ramps(2)) - readout.eval()(ramps(2))).detach()  # features 1/2: the mean of x and y
    assert float(offsets.std()) == pytest.approx(0.05 / np.sqrt(2), rel=0.05)
    assert abs(np.corrcoef(offsets.numpy())[0, 1]) < 0.06


# --- how it starts


def test_spreads_features_and_bias_start_as_published() -> None:
    full = free_readout(neurons=2000, init_sigma=0.14).spread.detach()
    assert full.shape == (2000, 2, 2) and float(full.abs().max()) <= 0.14
    assert float(full.std()) == pytest.approx(0.14 / np.sqrt(3), rel=0.03)
    for gauss, numbers in (("uncorrelated", 2), ("isotropic", 1)):
        spread = free_readout(gauss=gauss, init_sigma=0.14).spread
        assert torch.equal(spread, torch.full((5, numbers), 0.14))
    readout = GaussianReadout(FreePositions(5), 5, 64)
    assert torch.equal(readout.features, torch.full((64, 5), 1 / 64)) and not readout.bias.any()


def test_sparsity_is_the_sum_of_absolute_features_and_of_nothing_else() -> None:
    readout = free_readout(neurons=2)
    readout.features.data = torch.tensor([[1.0, -2.0], [0.5, 0.0]])
    readout.bias.data += 7
    assert readout.sparsity().item() == 3.5


def test_gradients_reach_the_spread_in_training_only() -> None:
    readout, features = free_readout(), torch.randn(3, 2, 9, 13, generator=torch.Generator().manual_seed(1))
    readout.train()(features).square().sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in readout.parameters())
    readout.zero_grad()
    readout.eval()(features).square().sum().backward()
    assert readout.spread.grad is None and readout.positions.before_tanh.grad.abs().sum() > 0


# --- positions from cortex


def test_the_source_grid_by_hand() -> None:
    coordinates = np.array([[0.0, 10.0, 5.0], [4.0, 10.0, -9.0], [8.0, 13.0, 77.0]])
    expected = np.array([[-1, -0.25], [0, -0.25], [1, 0.5]])  # means 4 and 11, largest 4
    np.testing.assert_allclose(source_grid(coordinates), expected)


@pytest.mark.parametrize("value", [np.nan, np.inf, 3.0])
def test_coordinates_that_say_nothing_are_refused(value: float) -> None:
    coordinates = np.full((4, 3), 3.0)
    coordinates[0, 1] = value
    with pytest.raises(DataError, match="not finite, or one point; give"):
        source_grid(coordinates)


def test_cortex_predicts_positions_and_without_coordinates_nothing_is_predicted() -> None:
    positions = CortexPositions(3)
    readout = GaussianReadout(positions, 3, 2).eval()
    assert readout(ramps(1)).isnan().all()
    coordinates = np.array([[0.0, 10.0, 5.0], [4.0, 10.0, -9.0], [8.0, 16.0, 77.0]])
    positions.set_coordinates(coordinates)
    weights = {name: value.numpy() for name, value in positions.state_dict().items()}
    before = source_grid(coordinates) @ weights["network.0.weight"].T + weights["network.0.bias"]
    hidden = np.where(before > 0, before, np.expm1(before))
    expected = np.tanh(hidden @ weights["network.2.weight"].T + weights["network.2.bias"])
    np.testing.assert_allclose(reads(readout)[0], expected, atol=1e-6)
    with pytest.raises(DataError, match="coordinates has 2 rows for 3 neurons; give"):
        positions.set_coordinates(coordinates[:2])


def test_the_position_network_of_model_4() -> None:
    network = CortexPositions(3, layers=4, hidden=20, activation="relu").network
    linear = [(step.in_features, step.out_features) for step in network if isinstance(step, nn.Linear)]
    assert linear == [(2, 20), (20, 20), (20, 20), (20, 20), (20, 2)]
    assert sum(isinstance(step, nn.ReLU) for step in network) == 4 and isinstance(network[-1], nn.Tanh)


# --- free positions


def test_free_positions_start_within_their_range() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        start = FreePositions(3000, 0.8)().detach()
    assert 0.79 < float(start.abs().max()) <= 0.8 + 1e-6
    assert float(start.std()) == pytest.approx(0.8 / np.sqrt(3), rel=0.03)


def test_free_positions_may_start_at_measured_fields_and_learn_at_the_edge() -> None:
    positions = FreePositions(3)
    fields = np.array([[0.0, 0.3], [-0.9, 0.5], [1.0, -1.0]])
    positions.start_at(fields)
    np.testing.assert_allclose(positions().detach(), fields.clip(-0.999, 0.999), atol=1e-6)
    positions().sum().backward()
    assert (positions.before_tanh.grad > 0).all()


@pytest.mark.parametrize("value", [1.01, np.nan])
def test_fields_off_the_map_are_refused(value: float) -> None:
    fields = np.zeros((3, 2))
    fields[1, 0] = value
    with pytest.raises(DataError, match=r"positions is \(3, 2\) from .*; give \(3, 2\) values from -1 to 1"):
        FreePositions(3).start_at(fields)


# --- starts at measured receptive fields


@pytest.fixture(scope="module")
def mouse() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Noise images of varying local contrast, Poisson responses of 60 Gabor cells, centres, cortex."""
    random = np.random.default_rng(0)
    cells = draw_cells(60, 0.6, random)
    contrast = np.kron(random.gamma(1.0, 1.0, (500, 6, 8)), np.ones((6, 8)))
    images = (contrast * random.standard_normal((500, 36, 64))).astype(np.float32)
    drive = image_drive(cells, images, np.zeros((500, 2)))
    return images, random.poisson(drive).astype(float), cells.center, cells.coordinates


def distance(found: np.ndarray, wanted: np.ndarray) -> float:
    return float(np.median(np.hypot(*(found - wanted).T)))


def test_centres_are_found_and_the_plane_brings_them_nearer(mouse: tuple[np.ndarray, ...]) -> None:
    images, responses, centers, coordinates = mouse
    measured = contrast_centers(images, responses)
    smooth = retinotopic_plane(coordinates, measured)
    assert distance(measured, centers) < 3  # the contrast itself is only known to a block of 6 x 8 pixels
    assert distance(smooth, centers) < 0.6 * distance(measured, centers)


def test_shuffled_responses_show_no_map(mouse: tuple[np.ndarray, ...]) -> None:
    images, responses, centers, coordinates = mouse
    wrong = contrast_centers(images, np.random.default_rng(1).permutation(responses))
    assert distance(wrong, centers) > 8
    others = np.random.default_rng(1).permutation(coordinates)
    assert distance(retinotopic_plane(others, contrast_centers(images, responses)), centers) > 4


def test_a_few_wild_centres_do_not_tilt_the_plane() -> None:
    random = np.random.default_rng(0)
    cortex = random.uniform(-300, 300, (80, 3))
    centers = cortex[:, :2] @ np.array([[0.01, 0.02], [-0.02, 0.01]]) + (18, 32)
    wild = centers.copy()
    wild[:8] = (0.0, 63.0)
    assert distance(retinotopic_plane(cortex, wild), centers) < 0.3


@pytest.mark.filterwarnings("error")
def test_neurons_without_a_field_are_left_out_of_the_plane(mouse: tuple[np.ndarray, ...]) -> None:
    images, responses, _, coordinates = mouse
    marred = responses.astype(np.float32)
    marred[:, :15] = 0.1  # its mean in single precision is another number
    marred[3, 15:20], marred[4, 20:25] = np.nan, np.inf
    measured = contrast_centers(images, marred)
    assert np.isnan(measured[:25]).all()
    np.testing.assert_allclose(measured[25:], contrast_centers(images, responses)[25:], atol=1e-3)
    plane = retinotopic_plane(coordinates, measured)
    assert np.isfinite(plane).all()
    mean = coordinates[:, :2].mean(axis=0)
    scale = np.abs(coordinates[:, :2] - mean).max()
    alone = HuberRegressor().fit((coordinates[25:, :2] - mean) / scale, measured[25:, 0])
    np.testing.assert_allclose(plane[25:, 0], alone.predict((coordinates[25:, :2] - mean) / scale))


@pytest.mark.parametrize("known", [0, 2, 3])
def test_a_plane_needs_three_centres(known: int) -> None:
    random = np.random.default_rng(0)
    centers = np.full((5, 2), np.nan)
    centers[:known] = random.uniform(0, 36, (known, 2))
    if known == 3:
        assert np.isfinite(retinotopic_plane(random.uniform(-300, 300, (5, 3)), centers)).all()
        return
    with pytest.raises(DataError, match=f"fields of {known} of 5 neurons could be measured; give three"):
        retinotopic_plane(random.uniform(-300, 300, (5, 3)), centers)


def test_neurons_in_one_place_share_a_centre() -> None:
    centers = np.random.default_rng(0).uniform(0, 36, (9, 2))
    plane = retinotopic_plane(np.full((9, 3), 7.0), centers)
    assert np.isfinite(plane).all() and (plane == plane[0]).all()


def test_too_few_trials_are_refused() -> None:
    with pytest.raises(DataError, match="three"):
        contrast_centers(np.zeros((2, 36, 64), np.float32), np.zeros((2, 5)))


@pytest.mark.parametrize(("layers", "hidden"), [(1, 7), (3, 7), (3, 10)])
def test_an_image_pixel_is_where_the_map_says(layers: int, hidden: int) -> None:
    """An impulse goes through kernels of one constant; the middle of what comes out is its place."""
    core = StackedCore(1, channels=1, layers=layers, input_kernel=9, hidden_kernel=hidden, linear=True).eval()
    for kernel in core.parameters():
        torch.nn.init.constant_(kernel, 1.0)
    image = torch.zeros(2, 1, 36, 64)
    image[1, 0, 17, 30] = 1.0
    with torch.no_grad():
        empty, found = core(image)[:, 0]
    found = (found - empty).numpy()
    height, width = found.shape
    rows, columns = found.sum(axis=1), found.sum(axis=0)
    middle = np.array([rows @ np.arange(height) / rows.sum(), columns @ np.arange(width) / columns.sum()])
    geometry = core.geometry()
    position = geometry.positions(np.array([[17.0, 30.0]]))
    assert geometry.pixels(position) == pytest.approx(np.array([[17.0, 30.0]]))
    x, y = position[0]
    assert ((np.array([y, x]) + 1) / 2 * (height - 1, width - 1)) == pytest.approx(middle, abs=1e-4)


@pytest.mark.parametrize(("layers", "activation"), [(1, "elu"), (4, "relu")])
def test_the_perceptron_starts_where_it_should(layers: int, activation: str) -> None:
    random = np.random.default_rng(0)
    cortex = random.uniform(-1, 1, (50, 3))
    wanted = 0.4 * cortex[:, :2] @ np.array([[1.0, 0.2], [-0.3, 0.8]]) + 0.1
    torch.manual_seed(0)
    positions = CortexPositions(50, layers=layers, hidden=20, activation=activation)
    positions.set_coordinates(cortex)
    before = np.abs(positions().detach().numpy() - wanted).max()
    positions.start_at(wanted)
    assert np.abs(positions().detach().numpy() - wanted).max() < 0.03 < before
    assert all(parameter.grad is None for parameter in positions.parameters())
