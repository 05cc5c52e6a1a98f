"""Movies: drifting dead leaves, seen by a camera that wanders.

Opaque discs whose radii follow a power law r^-3 cover one another, as in `neurokit.simulation.scenes` (Lee,
Mumford and Huang, IJCV 41, 35-59, 2001). Every leaf has its own velocity and all share that of the camera, so
a movie has occlusion and parallax-like motion but no cuts. A leaf that leaves the picture on one side returns
on the other with a new look, so nothing is shown twice.

Movies have the names of the Allen Brain Observatory's, and the movie of a name is the same for every mouse.

Letters: F frames, H x W pixels, L leaves, n frames in which one leaf is seen, P x P pixels around it.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, UInt8

from neurokit.errors import SettingsError
from neurokit.simulation.brain_state import autoregression

MOVIES = ("natural_movie_one", "natural_movie_two", "natural_movie_three")
FRAME_RATE = 30.0  # frames per second, of all natural movies
GREY = 127  # grey value of the monitor between movies
COVER = 3.0  # mean number of leaves over a pixel
SMALLEST, LARGEST = 1 / 12, 1 / 2  # radius, in heights of the picture
LEAF_SPEED, CAMERA_SPEED = 0.2, 0.4  # standard deviation along each axis, heights per second
CAMERA_TIME = 1.0  # s over which the camera's velocity persists
LOOKS = 1021  # number of different leaves; a prime, so that none returns soon
CHUNK_SIZE = 300  # frames drawn together


def movie(name: str, frames: int, height: int, width: int) -> UInt8[np.ndarray, "F H W"]:
    """The movie of that name; it takes two milliseconds per frame of 38 x 76 pixels.

    Raises SettingsError for a name that is not in MOVIES.
    """
    if name not in MOVIES:
        raise SettingsError(f"{name!r} is not a movie: choose one of {', '.join(MOVIES)}.")
    random = np.random.default_rng([MOVIES.index(name), 7])
    return drifting_leaves(frames, height, width, random)


def drifting_leaves(
    frames: int, height: int, width: int, random: np.random.Generator
) -> UInt8[np.ndarray, "F H W"]:
    """Frames of grey values, drawn in chunks from the back leaf to the front one."""
    leaves = _draw_leaves(frames, height, width, random)
    found = np.empty((frames, height, width), dtype=np.uint8)
    for first in range(0, frames, CHUNK_SIZE):
        stretch = slice(first, min(first + CHUNK_SIZE, frames))
        # An extra row and column take the pixels of leaves outside the picture.
        canvas = np.full((stretch.stop - first, height + 1, width + 1), GREY, dtype=np.float32)
        for leaf in range(len(leaves.radius)):
            leaves.paint(leaf, canvas, stretch)
        found[stretch] = np.clip(canvas[:, :height, :width], 0, 255)
    return found


@dataclass(frozen=True, eq=False)
class _Leaves:
    """The positions of leaves, the camera's path, and K looks of leaves; lengths in pixels."""

    world: Float[np.ndarray, "2"]  # rows and columns after which a leaf returns
    margin: float  # of the world around the picture, where no leaf is seen
    radius: Float[np.ndarray, "L"]
    start: Float[np.ndarray, "L 2"]
    velocity: Float[np.ndarray, "L 2"]  # pixels per frame
    camera: Float[np.ndarray, "F 2"]
    grey: Float[np.ndarray, "K"]
    contrast: Float[np.ndarray, "K"]
    texture: Float[np.ndarray, "K 2"]  # rad per pixel

    def paint(self, leaf: int, canvas: Float[np.ndarray, "n rows columns"], stretch: slice) -> None:
        """Draws one leaf into the frames; its edge is a pixel wide, so it moves smoothly."""
        place, look = self._path(leaf, stretch)
        radius, shape = self.radius[leaf], np.array(canvas.shape[1:]) - 1
        seen = ((place > -radius - 1) & (place < shape + radius)).all(axis=1).nonzero()[0]
        place, look = place[seen], look[seen]
        reach = np.arange(-np.ceil(radius) - 1, np.ceil(radius) + 2)
        pixel = np.round(place)[:, None] + reach[:, None]  # n P 2
        away = (pixel - place[:, None]).astype(np.float32)
        inside = (pixel >= 0) & (pixel < shape)
        rows, columns = np.moveaxis(np.where(inside, pixel, shape).astype(int), 2, 0)
        starts = seen[:, None] * canvas[0].size + rows * canvas.shape[2]
        where = starts[:, :, None] + columns[:, None]  # one number a pixel, which is quicker than three
        opaque = np.clip(radius + 0.5 - np.hypot(away[:, :, None, 0], away[:, None, :, 1]), 0, 1)
        pixels = canvas.reshape(-1)
        under = pixels[where]
        pixels[where] = under + opaque * (self._colour(look, away) - under)

    def _path(self, leaf: int, stretch: slice) -> tuple[Float[np.ndarray, "n 2"], Int[np.ndarray, "n"]]:
        """The centre in each frame, and the look, which changes whenever the leaf returns."""
        frame = np.arange(stretch.start, stretch.stop)[:, None]
        gone = self.start[leaf] + self.velocity[leaf] * frame - self.camera[stretch]
        rounds = np.floor(gone / self.world).astype(int)
        look = (leaf + rounds @ np.array([389, 211])) % LOOKS
        return gone - rounds * self.world - self.margin, look

    def _colour(
        self, look: Int[np.ndarray, "n"], away: Float[np.ndarray, "n P 2"]
    ) -> Float[np.ndarray, "n P P"]:
        """Grey with a faint grating, like bark and grass."""
        rows, columns = np.moveaxis(np.exp(1j * self.texture[look][:, None] * away), 2, 0)
        waves = (rows[:, :, None] * columns[:, None]).real
        return self.grey[look, None, None] + self.contrast[look, None, None] * waves


def _draw_leaves(frames: int, height: int, width: int, random: np.random.Generator) -> _Leaves:
    smallest, largest = SMALLEST * height, LARGEST * height
    world = np.array([height, width]) + 2 * largest
    mean_area = 2 * np.pi * smallest**2 * np.log(largest / smallest) / (1 - (smallest / largest) ** 2)
    number = int(COVER * world.prod() / mean_area)
    share = random.random(number) * (smallest**-2 - largest**-2)
    wavelength = height * np.exp(random.uniform(np.log(0.2), np.log(0.8), LOOKS))
    angle = random.uniform(0, np.pi, LOOKS)
    speed = CAMERA_SPEED * height / FRAME_RATE
    velocity = [speed * autoregression(frames, CAMERA_TIME * FRAME_RATE, random) for _ in range(2)]
    waves = 2 * np.pi / wavelength * np.stack([np.sin(angle), np.cos(angle)])
    return _Leaves(
        world=world,
        margin=largest,
        radius=(smallest**-2 - share) ** -0.5,  # inverse of the power law's distribution
        start=random.uniform(0, 1, (number, 2)) * world,
        velocity=LEAF_SPEED * height / FRAME_RATE * random.standard_normal((number, 2)),
        camera=np.cumsum(velocity, axis=1).T,
        grey=random.uniform(20, 235, LOOKS).astype(np.float32),
        contrast=random.uniform(0, 70, LOOKS).astype(np.float32),
        texture=waves.T.astype(np.float32),
    )
