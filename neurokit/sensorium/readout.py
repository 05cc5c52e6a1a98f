"""Readouts: from a feature map to the drive of each neuron, and where on the map its position starts.

A neuron reads the map at one learned position and weighs its channels there (Lurz et al., ICLR 2021,
section 3). The position follows from where the neuron lies in cortex, which is retinotopic, or is free.
Positions are (x, y) in half-widths of the map: -1 is the centre of its first column or row, 1 of its
last.

V1 is a map of the visual field. A network has to learn that map from gradients that see a few pixels far, and
starting it at a measured one saves most of a short training. `contrast_centers` finds the part of the image
that drives a neuron when its local contrast rises, for simple and complex cells alike; `retinotopic_plane`
averages the noise out over all neurons, as labs do that start readouts at measured receptive fields.

Letters: B images, T trials, C channels, H x W map or image, N neurons, D coordinates in cortex (the first two
are used).
"""

from itertools import pairwise
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from scipy.ndimage import gaussian_filter
from sklearn.linear_model import HuberRegressor
from torch import Tensor, nn

from neurokit.errors import DataError
from neurokit.training.device import full_precision

Gauss = Literal["full", "uncorrelated", "isotropic"]
Activation = Literal["elu", "relu"]
FIT_STEPS = 200  # at most, of the perceptron to measured receptive fields
CONTRAST_WIDTH = 2.5  # pixels, standard deviation of the window that contrast is taken in
FEWEST_CENTERS = 3  # that a plane is fitted to
SHARE = 0.6  # of the largest correlation; anything below is outside the field
ACTIVATIONS = {"elu": nn.ELU, "relu": nn.ReLU}


class CortexPositions(nn.Module):
    """Positions predicted from cortex: a perceptron of `layers` hidden layers, tanh at its end.

    The coordinates are a buffer and travel with the weights. Until `set_coordinates` was called or
    weights were loaded they are NaN, and so is every rate.
    """

    source_grid: Float[Tensor, "N 2"]

    def __init__(
        self, neurons: int, *, layers: int = 1, hidden: int = 30, activation: Activation = "elu"
    ) -> None:
        super().__init__()
        sizes = [2, *[hidden] * layers]
        steps = [
            step
            for before, after in pairwise(sizes)
            for step in (nn.Linear(before, after), ACTIVATIONS[activation]())
        ]
        self.network = nn.Sequential(*steps, nn.Linear(hidden, 2), nn.Tanh())
        self.register_buffer("source_grid", torch.full((neurons, 2), torch.nan))

    def set_coordinates(self, coordinates: Float[np.ndarray, "N D"]) -> None:
        """Sets where the neurons lie, in any unit. Raises DataError for another number of neurons."""
        if len(coordinates) != len(self.source_grid):
            raise DataError(
                f"coordinates has {len(coordinates)} rows for {len(self.source_grid)} neurons; give one each."
            )
        self.source_grid.copy_(torch.from_numpy(source_grid(coordinates)))

    def start_at(self, positions: Float[np.ndarray, "N 2"]) -> None:
        """Fits the perceptron to measured receptive fields, (x, y) from -1 to 1, by least squares."""
        wanted = torch.from_numpy(positions).to(self.source_grid).clamp(-0.95, 0.95)
        optimizer = torch.optim.LBFGS(
            self.network.parameters(), max_iter=FIT_STEPS, line_search_fn="strong_wolfe"
        )

        def error() -> Tensor:
            optimizer.zero_grad()
            error = (self() - wanted).square().mean()
            error.backward()
            return error

        optimizer.step(error)
        optimizer.zero_grad()

    def forward(self) -> Float[Tensor, "N 2"]:
        """The position of each neuron."""
        with full_precision(self.source_grid.device):
            return self.network(self.source_grid)


class FreePositions(nn.Module):
    """A free position for each neuron, drawn from U(-init_range, init_range).

    What is learned is its inverse tanh, so that no neuron leaves the map and stops learning there.
    """

    def __init__(self, neurons: int, init_range: float = 0.3) -> None:
        super().__init__()
        start = torch.empty(neurons, 2).uniform_(-init_range, init_range)
        self.before_tanh = nn.Parameter(torch.atanh(start))

    @torch.no_grad()
    def start_at(self, positions: Float[np.ndarray, "N 2"]) -> None:
        """Starts at measured receptive fields instead, (x, y) from -1 to 1. Raises DataError outside."""
        if positions.shape != tuple(self.before_tanh.shape) or not (np.abs(positions) <= 1).all():
            raise DataError(
                f"positions is {positions.shape} from {positions.min():.3g} to {positions.max():.3g}; "
                f"give {tuple(self.before_tanh.shape)} values from -1 to 1."
            )
        inside = torch.from_numpy(positions).clamp(-0.999, 0.999)  # the inverse is infinite at 1
        self.before_tanh.copy_(torch.atanh(inside))

    def forward(self) -> Float[Tensor, "N 2"]:
        """The position of each neuron."""
        return torch.tanh(self.before_tanh)


class GaussianReadout(nn.Module):
    """Reads a feature map at one position per neuron.

    Training draws the position from the neuron's Gaussian, anew for each image and from torch's global
    generator; evaluation uses its mean. `gauss` is the form of its spread: a full 2 x 2 matrix, two
    numbers or one. `positions` gives the means: CortexPositions or FreePositions.
    """

    def __init__(
        self,
        positions: CortexPositions | FreePositions,
        neurons: int,
        channels: int = 64,
        *,
        gauss: Gauss = "full",
        init_sigma: float = 0.1,
    ) -> None:
        super().__init__()
        self.positions = positions
        self.spread = nn.Parameter(_draw_spread(neurons, gauss, init_sigma))
        self.features = nn.Parameter(torch.full((channels, neurons), 1 / channels))
        self.bias = nn.Parameter(torch.zeros(neurons))
        self.read = read_bilinear  # neurokit.sensorium.kernels has another way

    def forward(
        self,
        features: Float[Tensor, "B C H W"],
        shift: Float[Tensor, "B 2"] | None = None,
        noise: Float[Tensor, "B N 2"] | None = None,
    ) -> Float[Tensor, "B N"]:
        """The drive of each neuron, before any nonlinearity.

        `shift` moves all positions of an image with the eye, also off the map, where a neuron reads
        zeros. `noise` (standard normal) takes the place of the numbers drawn in training.
        """
        if noise is None and self.training:
            noise = torch.randn(
                len(features), len(self.bias), 2, dtype=self.bias.dtype, device=features.device
            )
        # `len` would fix the number of images in an exported model
        positions = self._draw_positions(noise).expand(features.shape[0], -1, -1)  # B N 2
        if shift is not None:
            positions = positions + shift[:, None]  # after the clamp: an eye can look past the screen
        return self.read(features, positions, self.features) + self.bias

    def _draw_positions(self, noise: Float[Tensor, "B N 2"] | None) -> Float[Tensor, "b N 2"]:
        """The means, or draws around them that stay on the map."""
        means = self.positions()[None]
        if noise is None:
            return means
        return (means + self._spread_noise(noise)).clamp(-1, 1)

    def _spread_noise(self, noise: Float[Tensor, "B N 2"]) -> Float[Tensor, "B N 2"]:
        """The spread times the noise; column by column, a quarter of the time of summing over two."""
        if self.spread.dim() == 2:
            return self.spread * noise
        return self.spread[..., 0] * noise[..., :1] + self.spread[..., 1] * noise[..., 1:]

    def sparsity(self) -> Float[Tensor, ""]:
        """L1 penalty: the sum of all absolute feature weights."""
        return self.features.abs().sum()


def read_bilinear(
    features: Float[Tensor, "B C H W"], positions: Float[Tensor, "B N 2"], weights: Float[Tensor, "C N"]
) -> Float[Tensor, "B N"]:
    """The weighted sum of the map's channels at each position."""
    return (sample_bilinear(features, positions) * weights).sum(dim=1)


def sample_bilinear(
    features: Float[Tensor, "B C H W"], positions: Float[Tensor, "B N 2"]
) -> Float[Tensor, "B C N"]:
    """The map at each position, interpolated between its pixels and with zeros around it."""
    grid = positions[:, :, None]  # B N 1 2
    return F.grid_sample(features, grid, mode="bilinear", padding_mode="zeros", align_corners=True).squeeze(
        -1
    )


def source_grid(coordinates: Float[np.ndarray, "N D"]) -> Float[np.ndarray, "N 2"]:
    """The first two coordinates around their mean, over the largest absolute value of both.

    Raises DataError where they are not finite or all the same.
    """
    plane = coordinates[:, :2]
    if not np.isfinite(plane).all() or (plane == plane[:1]).all():
        raise DataError("coordinates are not finite, or one point; give where each neuron lies in cortex.")
    centred = plane - plane.mean(axis=0)
    return centred / np.abs(centred).max()


def _draw_spread(neurons: int, gauss: Gauss, init_sigma: float) -> Tensor:
    if gauss == "full":
        return torch.empty(neurons, 2, 2).uniform_(-init_sigma, init_sigma)
    return torch.full((neurons, 2 if gauss == "uncorrelated" else 1), init_sigma)


def contrast_centers(
    images: Float[np.ndarray, "T H W"], responses: Float[np.ndarray, "T N"]
) -> Float[np.ndarray, "N 2"]:
    """Row and column (pixels) around which contrast follows each neuron's response.

    The centre of mass of the correlation map where it is above `SHARE` of its maximum; NaN for a neuron
    whose responses are all the same or not finite. Raises DataError for fewer than three trials.
    """
    if len(images) < 3:
        raise DataError(f"{len(images)} trials tell nothing of receptive fields; give three or more.")
    window = (0, CONTRAST_WIDTH, CONTRAST_WIDTH)
    contrast = gaussian_filter((images - gaussian_filter(images, window)) ** 2, window)
    varies = np.isfinite(responses).all(axis=0) & (responses.max(axis=0) > responses.min(axis=0))
    driven = np.where(varies, responses, 0)
    maps = _standardise(contrast.reshape(len(images), -1)).T @ _standardise(driven) / len(images)
    strong = np.maximum(maps - SHARE * maps.max(axis=0), 0)  # HW N
    pixels = np.stack(np.meshgrid(*map(np.arange, images.shape[1:]), indexing="ij"), axis=-1).reshape(-1, 2)
    mass = strong.sum(axis=0)
    return (strong.T @ pixels) / np.where(mass > 0, mass, np.nan)[:, None]


def retinotopic_plane(
    coordinates: Float[np.ndarray, "N D"], centers: Float[np.ndarray, "N 2"]
) -> Float[np.ndarray, "N 2"]:
    """The centres that a plane over the first two cortical coordinates predicts, robust to outliers.

    Neurons whose centre is NaN get one too, but are left out of the fit. Raises DataError where fewer
    than three others remain.
    """
    known = np.isfinite(centers).all(axis=1)
    if known.sum() < FEWEST_CENTERS:
        finding = f"Receptive fields of {known.sum()} of {len(known)} neurons could be measured"
        raise DataError(f"{finding}; give three or more whose responses vary, or start at random positions.")
    place = coordinates[:, :2] - coordinates[:, :2].mean(axis=0)
    place = place / np.abs(place).max().clip(1e-12)
    fitted = (HuberRegressor().fit(place[known], center[known]).predict(place) for center in centers.T)
    return np.stack(list(fitted), axis=1)


def fill_centers(centers: Float[np.ndarray, "N 2"]) -> Float[np.ndarray, "N 2"]:
    """The centres, with the mean of all in place of NaN; at least one has to be known."""
    return np.where(np.isfinite(centers), centers, np.nanmean(centers, axis=0))


def _standardise(values: Float[np.ndarray, "T M"]) -> Float[np.ndarray, "T M"]:
    centred = values - values.mean(axis=0)
    return centred / np.sqrt((centred**2).mean(axis=0)).clip(1e-12)
