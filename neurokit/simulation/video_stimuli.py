"""Video clips: natural ones, and four kinds that no twin is trained on.

Natural clips are drifting leaves without cuts (`neurokit.simulation.movies`). The other kinds usually test
how digital twins generalise (Wang et al., Nature 640, 470-477, 2025): drifting gratings, dots that move
together, pink noise, and still scenes. Sizes are in heights of the picture, so a clip looks the same at any
resolution. All constants were set before any model was fitted.

Letters: T frames, H x W pixels, M moves (seconds, since a move lasts one).
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, UInt8

from neurokit.simulation.movies import FRAME_RATE, GREY, drifting_leaves
from neurokit.simulation.scenes import gratings, log_uniform

MOVE = 30  # frames: gratings and dots change once a second
WAVELENGTHS = (0.2, 0.8)  # of gratings, a little wider than the cells' range
FREQUENCIES = (0.5, 4.0)  # Hz, of gratings
CONTRAST = 0.9  # of gratings
DOT_RADIUS = 0.07  # half a stripe of the grating that a typical cell prefers
DOT_COVER = 0.25  # of the picture
DOT_SPEEDS = (0.2, 1.2)  # heights per second, like the gratings that cells prefer
NOISE_FREQUENCY = 1.5  # Hz, above which noise in time falls off
NOISE_CONTRAST = 55.0  # standard deviation of grey values; one pixel in fifty is clipped
SCENE, PAUSE = 15, 8  # frames: half a second of a still, about a quarter of grey

Draw = Callable[[int, int, int, np.random.Generator], np.ndarray]


def drifting_gratings(
    frames: int, height: int, width: int, random: np.random.Generator
) -> UInt8[np.ndarray, "T H W"]:
    """Full-field gratings with a new direction, wavelength and speed in each second."""
    moves = -(-frames // MOVE)
    direction = random.uniform(0, 2 * np.pi, moves)
    wavelength = height * log_uniform(WAVELENGTHS, random, moves)
    frequency = log_uniform(FREQUENCIES, random, moves)
    return drifting_grating(frames, (height, width), direction, wavelength, frequency)


def drifting_grating(
    frames: int,
    shape: tuple[int, int],
    direction: Float[np.ndarray, "M"],
    wavelength: Float[np.ndarray, "M"],
    frequency: Float[np.ndarray, "M"],
) -> UInt8[np.ndarray, "T H W"]:
    """One grating a second: `direction` of its drift (rad, counter-clockwise from the right), pixels, Hz."""
    move = np.arange(frames) // MOVE
    phase = -2 * np.pi * frequency[move] * np.arange(frames) / FRAME_RATE
    waves = gratings(direction[move], 1 / wavelength[move], phase, shape)
    return _grey(GREY * (1 + CONTRAST * waves))


def moving_dots(
    frames: int, height: int, width: int, random: np.random.Generator
) -> UInt8[np.ndarray, "T H W"]:
    """Dark and light dots on grey, all with one velocity, which changes each second.

    A dot that leaves on one side returns on the other.
    """
    radius, path = DOT_RADIUS * height, _path(frames, height, random)
    world = np.array([height, width]) + 2 * radius
    number = round(DOT_COVER * world.prod() / (np.pi * radius**2))
    places = random.uniform(0, 1, (number, 2)) * world
    picture = np.full((frames, height, width), GREY, dtype=np.float32)
    for dot, place in enumerate(places):
        row, column = ((place + path) % world - radius).T
        away = np.hypot(
            np.arange(height)[:, None] - row[:, None, None], np.arange(width) - column[:, None, None]
        )
        opaque = np.clip(radius + 0.5 - away, 0, 1)  # an edge a pixel wide, so that it moves smoothly
        picture += opaque * ((20 if dot % 2 else 235) - picture)
    return _grey(picture)


def _path(frames: int, height: int, random: np.random.Generator) -> Float[np.ndarray, "T 2"]:
    """Rows and columns by which the dots have moved."""
    move = np.arange(frames) // MOVE
    direction = random.uniform(0, 2 * np.pi, move[-1] + 1)
    speed = height * random.uniform(*DOT_SPEEDS, move[-1] + 1) / FRAME_RATE
    velocity = speed * np.stack([-np.sin(direction), np.cos(direction)])
    return np.cumsum(velocity[:, move], axis=1).T


def pink_noise(
    frames: int, height: int, width: int, random: np.random.Generator
) -> UInt8[np.ndarray, "T H W"]:
    """Noise whose amplitude falls with 1 / f in space, and in time above NOISE_FREQUENCY."""
    spectrum = np.fft.rfftn(random.standard_normal((frames, height, width)).astype(np.float32))
    time = np.fft.fftfreq(frames, 1 / FRAME_RATE)[:, None, None]
    space = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width))
    space[0, 0] = np.inf  # the mean stays grey
    noise = np.fft.irfftn(
        spectrum / space / np.hypot(1, time / NOISE_FREQUENCY), (frames, height, width), axes=(0, 1, 2)
    )
    return _grey(GREY + NOISE_CONTRAST * noise / noise.std())


def still_scenes(
    frames: int, height: int, width: int, random: np.random.Generator
) -> UInt8[np.ndarray, "T H W"]:
    """Still pictures of leaves, each after a moment of grey."""
    clip = np.full((frames, height, width), GREY, dtype=np.uint8)
    for start in range(PAUSE, frames, PAUSE + SCENE):
        clip[start : start + SCENE] = drifting_leaves(1, height, width, random)
    return clip


def _grey(values: Float[np.ndarray, "T H W"]) -> UInt8[np.ndarray, "T H W"]:
    return np.clip(np.round(values), 0, 255).astype(np.uint8)


NATURAL = "natural"
NEW_STIMULI: dict[str, Draw] = {
    "gratings": drifting_gratings,
    "dots": moving_dots,
    "noise": pink_noise,
    "scenes": still_scenes,
}


def draw_clip(
    kind: str, frames: int, height: int, width: int, random: np.random.Generator
) -> UInt8[np.ndarray, "T H W"]:
    """A clip of NATURAL or of one of NEW_STIMULI; 300 frames of 36 x 64 take a third of a second."""
    return {NATURAL: drifting_leaves, **NEW_STIMULI}[kind](frames, height, width, random)
