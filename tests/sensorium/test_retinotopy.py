"""Measured receptive fields as a start: found, smoothed over cortex, put where the map has them."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import HuberRegressor

from neurokit.errors import DataError
from neurokit.sensorium.cnn import StackedCore
from neurokit.sensorium.readout import CortexPositions
from neurokit.sensorium.retinotopy import contrast_centers, retinotopic_plane
from neurokit.sensorium.simulated_mouse import draw_cells, image_drive


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
