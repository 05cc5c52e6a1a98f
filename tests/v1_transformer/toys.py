"""What the tests of clips and their models share: a small movie shown a few times."""

import numpy as np

from neurokit.v1_transformer.clips import Clips, MovieSplit
from neurokit.v1_transformer.features import split_movie

REPEATS, FRAMES, HEIGHT, WIDTH, NEURONS = 3, 80, 8, 16, 4
LENGTH = 5
SPLIT = split_movie(FRAMES, clip=LENGTH, lag=2)


def toy_frames(seed: int = 0) -> np.ndarray:
    """uint8 noise, F H W."""
    return np.random.default_rng(seed).integers(0, 256, (FRAMES, HEIGHT, WIDTH), dtype=np.uint8)


def toy_responses(seed: int = 1) -> np.ndarray:
    """Noise, each neuron with a mean and a spread of its own, R F N."""
    values = np.random.default_rng(seed).normal(size=(REPEATS, FRAMES, NEURONS))
    return (values * np.arange(1, NEURONS + 1) + 10).astype(np.float32)


def toy_running(seed: int = 2) -> np.ndarray:
    """Speeds in cm/s, the first ten frames of the first repeat not measured, R F."""
    values = np.random.default_rng(seed).gamma(1, 8, (REPEATS, FRAMES)).astype(np.float32)
    values[0, :10] = np.nan
    return values


def toy_clips(split: MovieSplit = SPLIT, **options: object) -> Clips:
    """Clips of all of it; an option replaces a part."""
    given = {"frames": toy_frames(), "responses": toy_responses(), "running": toy_running(), "length": LENGTH}
    given |= options
    return Clips(given.pop("frames"), given.pop("responses"), split, **given)
