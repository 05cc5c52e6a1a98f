"""Images of any size and colour on the grid of 36 x 64 pixels that models read.

Letters: H x W image, C colours.
"""

import numpy as np
import torch.nn.functional as F
from jaxtyping import Float, Real
from torch import from_numpy

HEIGHT, WIDTH = 36, 64  # pixels of what models read
SIZES = ((4 * HEIGHT, 4 * WIDTH), (HEIGHT, WIDTH))  # of the competition's images
COLOURS = (1, 2, 3)  # of an image


def shrink(images: Float[np.ndarray, "*B 144 256"]) -> Float[np.ndarray, "*B 36 64"]:
    """Images at a quarter of their size: the mean of the central 2 x 2 of each 4 x 4 pixels.

    The same as bilinear interpolation without anti-aliasing, the competition's rescaling.
    """
    above, below = images[..., 1::4, :], images[..., 2::4, :]
    return (above[..., 1::4] + above[..., 2::4] + below[..., 1::4] + below[..., 2::4]) / 4


def to_grid(image: Float[np.ndarray, "H W"]) -> Float[np.ndarray, "36 64"]:
    """A standardised image on the models' grid.

    The competition's sizes are shrunk as it does. Others keep the ratio of their sides: they fill the grid in
    one direction, averaged over what a pixel takes in, and have 0, the mean grey, beside them in the other.
    """
    if image.shape == (HEIGHT, WIDTH):
        return image
    if image.shape == SIZES[0]:
        return shrink(image)
    top, left, height, width = place(*image.shape)
    pixels = from_numpy(np.ascontiguousarray(image, dtype=float))[None, None]
    small = F.interpolate(pixels, (height, width), mode="bilinear", align_corners=False, antialias=True)
    grid = np.zeros((HEIGHT, WIDTH))
    grid[top : top + height, left : left + width] = small[0, 0].numpy()
    return grid


def place(height: int, width: int) -> tuple[int, int, int, int]:
    """Where an image of this size lies on the grid: its first row and column, its rows and columns."""
    scale = min(HEIGHT / height, WIDTH / width)
    rows, columns = max(1, round(height * scale)), max(1, round(width * scale))
    return (HEIGHT - rows) // 2, (WIDTH - columns) // 2, rows, columns


def describe_size(height: int, width: int) -> str:
    """In a sentence, what becomes of images of this size."""
    rows, columns = place(height, width)[2:]
    beside = "" if (rows, columns) == (HEIGHT, WIDTH) else ", with their mean grey beside them"
    return (
        f"images of {height} x {width} pixels are brought to {rows} x {columns} of the {HEIGHT} x {WIDTH} "
        f"that models read{beside}"
    )


def to_grey(images: Real[np.ndarray, "..."], axis: int) -> Real[np.ndarray, "..."]:
    """Images without their axis of colours: the mean over them."""
    return images.take(0, axis) if images.shape[axis] == 1 else images.mean(axis=axis)
