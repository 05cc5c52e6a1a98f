"""A simulated V1 population: simple and complex Gabor cells, laid out retinotopically.

A simple cell is a half-rectified Gabor filter (Jones and Palmer, J. Neurophysiol. 58, 1233-1258,
1987), a complex cell the root of the summed squares of two in quadrature (Adelson and Bergen, JOSA A
2, 284-299, 1985). Both respond above a threshold only. All filters move with the eye.

Distances are pixels of the 36 x 64 image; letters: N neurons, T trials, H x W image.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

HEIGHT, WIDTH = 36, 64
RETINOTOPY = np.array([[0.026, 0.009], [-0.006, 0.019]])  # pixels (x, y) per micrometre of cortex
FIELD = 320.0  # micrometres, half the side of the field of view
JITTER = 0.4  # pixels, receptive-field scatter on top of the map
THRESHOLD = 0.6  # of a cell's mean filter output
DEPTHS = (100.0, 300.0)  # micrometres below the surface: layer 2/3


@dataclass(frozen=True)
class Cells:
    """What each neuron looks for and where, N each.

    Attributes:
        coordinates: micrometres in cortex: x, y, depth.
        center: row and column of the receptive field at mean eye position, pixels.
        sigma: standard deviation of the envelope, pixels.
        orientation: rad, as in `neurokit.simulate.scenes.gratings`.
        frequency: cycles per pixel.
        phase: rad; of no meaning for a complex cell.
        complex: whether the cell ignores phase.
    """

    coordinates: Float[np.ndarray, "N 3"]
    center: Float[np.ndarray, "N 2"]
    sigma: Float[np.ndarray, "N"]
    orientation: Float[np.ndarray, "N"]
    frequency: Float[np.ndarray, "N"]
    phase: Float[np.ndarray, "N"]
    complex: Bool[np.ndarray, "N"]

    def filters(self, phase: float = 0.0) -> Float[np.ndarray, "N H W"]:
        """The Gabors at the cells' own phase plus `phase` (rad), zero mean and unit norm."""
        rows, columns = (np.arange(size, dtype=float) for size in (HEIGHT, WIDTH))
        y = rows[None, :, None] - self.center[:, 0, None, None]
        x = columns[None, None, :] - self.center[:, 1, None, None]
        angle, frequency, own, sigma = (
            values[:, None, None] for values in (self.orientation, self.frequency, self.phase, self.sigma)
        )
        along = np.cos(angle) * x - np.sin(angle) * y
        envelope = np.exp(-(x**2 + y**2) / (2 * sigma**2))
        gabor = envelope * np.cos(2 * np.pi * frequency * along + own + phase)
        mass = gabor.sum(axis=(1, 2), keepdims=True) / envelope.sum(axis=(1, 2), keepdims=True)
        gabor -= mass * envelope  # no response to a uniform field
        return gabor / np.sqrt((gabor**2).sum(axis=(1, 2), keepdims=True))

    @cached_property
    def quadrature(self) -> tuple[Tensor, Tensor]:
        """The filters and those a quarter of a cycle on, each HW x N, made once."""
        pair = (self.filters(phase).astype(np.float32) for phase in (0.0, -np.pi / 2))
        even, odd = (torch.from_numpy(filters).flatten(1).T for filters in pair)
        return even, odd


def draw_cells(neurons: int, complex_fraction: float, random: np.random.Generator) -> Cells:
    """Cells at random places of one field of view."""
    coordinates = random.uniform(-FIELD, FIELD, (neurons, 2))
    offset = coordinates @ RETINOTOPY.T + JITTER * random.standard_normal((neurons, 2))
    middle = np.array([(HEIGHT - 1) / 2, (WIDTH - 1) / 2])
    frequency = np.exp(random.uniform(np.log(0.09), np.log(0.17), neurons))
    return Cells(
        coordinates=np.column_stack([coordinates, random.uniform(*DEPTHS, neurons)]),
        center=middle + offset[:, ::-1],
        sigma=0.36 / frequency,
        orientation=random.uniform(0, np.pi, neurons),
        frequency=frequency,
        phase=random.uniform(-np.pi, np.pi, neurons),
        complex=random.random(neurons) < complex_fraction,
    )


def image_drive(
    cells: Cells, images: Float[np.ndarray, "T H W"], eye: Float[np.ndarray, "T 2"]
) -> Float[np.ndarray, "T N"]:
    """What each image excites in each cell, mean 1 over `images`, 0 below the cell's threshold.

    `images` are standardised; `eye` is how far (x, y; pixels) the eye has carried all receptive
    fields on that trial.
    """
    seen = torch.from_numpy(_follow(images, eye)).flatten(1)  # T HW
    even, odd = ((seen @ filters).numpy() for filters in cells.quadrature)
    output = np.where(cells.complex, np.hypot(even, odd), np.maximum(even, 0)).astype(float)
    drive = np.maximum(output / output.mean(axis=0) - THRESHOLD, 0)
    return drive / drive.mean(axis=0)


def _follow(images: Float[np.ndarray, "T H W"], eye: Float[np.ndarray, "T 2"]) -> np.ndarray:
    """Images as seen from receptive fields that stay where they are at mean eye position."""
    height, width = images.shape[1:]
    shift = torch.from_numpy(2 * eye / (width - 1, height - 1)).float()
    rows, columns = torch.linspace(-1, 1, height), torch.linspace(-1, 1, width)
    unmoved = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), dim=-1)  # H W 2
    grid = unmoved + shift[:, None, None]
    pixels = torch.from_numpy(np.asarray(images, dtype=np.float32))[:, None]
    moved = F.grid_sample(pixels, grid, mode="bicubic", padding_mode="border", align_corners=True)
    return moved[:, 0].numpy()
