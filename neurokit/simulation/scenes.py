"""Stimuli: dead-leaves images with textures, which look natural to an early visual cell, and gratings.

Opaque discs whose radii follow a power law r^-3 cover one another (Lee, Mumford and Huang, IJCV 41,
35-59, 2001): the pictures have edges at all scales and orientations and a spectrum close to that of
natural images. Every leaf has a faint grating, like bark and grass.

Images are grey, 0-255, 144 x 256 pixels, the size of SENSORIUM 2022; letters: I images.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

HEIGHT, WIDTH = 144, 256
CANVAS = 1536  # pixels along one side of the picture that images are cut from
IMAGES_FROM_CANVAS = 120  # about twice as many as fit without overlap
SMALLEST, LARGEST = 6.0, 130.0  # radius, pixels
COVER = 3.0  # mean number of leaves over a pixel


def scenes(images: int, random: np.random.Generator) -> UInt8[np.ndarray, "I 144 256"]:
    """Windows at random positions of newly drawn canvases; two calls never share a leaf."""
    found = np.empty((images, HEIGHT, WIDTH), dtype=np.uint8)
    for first in range(0, images, IMAGES_FROM_CANVAS):
        canvas = dead_leaves(CANVAS, random)
        windows = np.lib.stride_tricks.sliding_window_view(canvas, (HEIGHT, WIDTH))
        number = min(IMAGES_FROM_CANVAS, images - first)
        rows, columns = (random.integers(0, size, number) for size in windows.shape[:2])
        found[first : first + number] = windows[rows, columns]
    return found


def dead_leaves(side: int, random: np.random.Generator) -> UInt8[np.ndarray, "side side"]:
    """A square canvas of `side` pixels, covered by leaves, later ones in front."""
    canvas = np.full((side, side), 128, dtype=np.uint8)
    for leaf in _leaves(side, random):
        leaf.paint(canvas)
    return canvas


def gratings(
    orientations: Float[np.ndarray, "I"],
    frequencies: Float[np.ndarray, "I"],
    phases: Float[np.ndarray, "I"],
    shape: tuple[int, int] = (36, 64),
) -> Float[np.ndarray, "I H W"]:
    """Full-field sinusoids between -1 and 1, one for each triple of the three arrays.

    `orientations` rad (0: vertical bars, drifting along x; angles turn counter-clockwise with y
    down the image), `frequencies` cycles per pixel, `phases` rad at the image's centre.
    """
    y, x = (np.arange(size) - (size - 1) / 2 for size in shape)
    along = (
        np.cos(orientations)[:, None, None] * x[None, None, :]
        - np.sin(orientations)[:, None, None] * y[None, :, None]
    )
    return np.cos(2 * np.pi * frequencies[:, None, None] * along + phases[:, None, None])


def log_uniform(
    bounds: tuple[float, float], random: np.random.Generator, number: int
) -> Float[np.ndarray, "number"]:
    """Numbers between two bounds, with uniform logarithms."""
    low, high = np.log(bounds)
    return np.exp(random.uniform(low, high, number))


@dataclass(frozen=True)
class _Leaf:
    row: float
    column: float
    radius: float
    grey: float
    contrast: float
    frequency: tuple[float, float]  # of its texture, rad per pixel along rows and columns

    def paint(self, canvas: UInt8[np.ndarray, "side side"]) -> None:
        top, left = (max(0, int(centre - self.radius)) for centre in (self.row, self.column))
        bottom, right = (int(centre + self.radius) + 2 for centre in (self.row, self.column))
        patch = canvas[top:bottom, left:right]
        y = np.arange(top, top + patch.shape[0])[:, None] - self.row
        x = np.arange(left, left + patch.shape[1])[None] - self.column
        texture = self.contrast * np.cos(self.frequency[0] * y + self.frequency[1] * x)
        inside = y**2 + x**2 <= self.radius**2
        patch[inside] = np.clip(self.grey + texture[inside], 0, 255)


def _leaves(side: int, random: np.random.Generator) -> list[_Leaf]:
    mean_area = 2 * np.pi * SMALLEST**2 * np.log(LARGEST / SMALLEST) / (1 - (SMALLEST / LARGEST) ** 2)
    number = int(COVER * side**2 / mean_area)
    share = random.random(number) * (SMALLEST**-2 - LARGEST**-2)
    radius = (SMALLEST**-2 - share) ** -0.5  # inverse of the power law's distribution
    place = random.uniform(0, side, (2, number))
    wavelength, angle = (
        np.exp(random.uniform(np.log(14), np.log(60), number)),
        random.uniform(0, np.pi, number),
    )
    frequency = 2 * np.pi / wavelength * np.stack([np.sin(angle), np.cos(angle)])
    grey, contrast = random.uniform(20, 235, number), random.uniform(0, 70, number)
    columns = (*place, radius, grey, contrast)
    texture = list(zip(*frequency, strict=True))
    return [_Leaf(*values) for values in zip(*columns, texture, strict=True)]
