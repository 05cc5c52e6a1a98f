"""Cells that prefer a moving pattern, and the calcium signal that a microscope records.

A complex Gabor in space and a complex wave in time make one complex number z of the recent movie,

    z(t) = sum over k of h(k) sum over pixels of G x(t - k),
    h(k) = (k / tau)^2 exp(-k / tau) exp(2 pi i f k),

which is large for a pattern of the cell's orientation that drifts in its direction. A complex cell responds
with |z|, the root of the motion energy (Adelson and Bergen, JOSA A 2, 284-299, 1985), a simple cell with
the positive part of Re z; both above a threshold only. Running multiplies the drive (Niell and Stryker,
Neuron 65, 472-479, 2010). Events are Poisson; each makes dF/F rise and fall as GCaMP6f does (Chen et
al., Nature 499, 295-300, 2013). DECAY has no source and is slow: half of a lone event is left after about
0.45 s here, and after 0.1 to 0.2 s in three sets of real cells (`benchmarks/simulation_beside_reality.py`).

All constants were set before any model was fitted.

Letters: N cells, S samples of the microscope, F frames, H x W pixels, K samples of memory.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Complex, Float, Float32, Int, Shaped, UInt8
from scipy.signal import lfilter

from neurokit.simulation.scenes import log_uniform

WAVELENGTHS = (0.25, 0.6)  # of the Gabors, in heights of the picture
WIDTH = 0.36  # standard deviation of the envelope, in wavelengths
SCATTER = (0.12, 0.3)  # of receptive fields around the middle: rows, columns, in heights
FREQUENCIES = (0.5, 3.0)  # Hz, of the preferred drift
MEMORY, TIME_CONSTANT = 0.5, 0.05  # s: length of the filter in time, and tau
THRESHOLD = 0.8  # of a cell's mean filter output
BASE = 0.1  # of a cell's mean driven rate
EVENT_RATE = (1.2, 0.7)  # events per second: median over cells, and the spread of its log
EVENT = 0.15  # dF/F at the peak of one event
RISE, DECAY = 0.07, 0.6  # s
NOISE = (0.1, 0.25)  # standard deviation of dF/F from sample to sample: median, spread of its log
RUNNING = (0.3, 1.2)  # log gain from rest to a fast run, lowest and highest


@dataclass(frozen=True, eq=False)
class MovieCells:
    """The preferences of each cell and its noise, N each.

    Attributes:
        center: row and column of the receptive field, pixels of the movie.
        sigma: standard deviation of its envelope, pixels.
        orientation: rad, of the wave vector; 0 is along x, and pi / 2 up the picture.
        wavelength: pixels.
        phase: rad; meaningless for a complex cell.
        frequency: Hz; patterns drift along `orientation` where it is positive, against it where negative.
        complex: whether the cell ignores phase.
        running: log gain from rest to a fast run, the planted strength included.
        rate: events per second, mean over the movies.
        noise: standard deviation of the white noise of dF/F.
    """

    center: Float[np.ndarray, "N 2"]
    sigma: Float[np.ndarray, "N"]
    orientation: Float[np.ndarray, "N"]
    wavelength: Float[np.ndarray, "N"]
    phase: Float[np.ndarray, "N"]
    frequency: Float[np.ndarray, "N"]
    complex: Bool[np.ndarray, "N"]
    running: Float[np.ndarray, "N"]
    rate: Float[np.ndarray, "N"]
    noise: Float[np.ndarray, "N"]

    def gabors(self, height: int, width: int) -> Complex[np.ndarray, "N H W"]:
        """Even and odd Gabors as real and imaginary part; zero mean, unit norm."""
        y = np.arange(height)[None, :, None] - self.center[:, 0, None, None]
        x = np.arange(width)[None, None, :] - self.center[:, 1, None, None]
        angle, sigma, length, phase = (
            values[:, None, None] for values in (self.orientation, self.sigma, self.wavelength, self.phase)
        )
        along = np.cos(angle) * x - np.sin(angle) * y
        envelope = np.exp(-(x**2 + y**2) / (2 * sigma**2))
        gabor = envelope * np.exp(1j * (2 * np.pi * along / length + phase))
        mean = gabor.sum(axis=(1, 2), keepdims=True) / envelope.sum(axis=(1, 2), keepdims=True)
        gabor = gabor - mean * envelope  # no response to a uniform field
        return gabor / np.linalg.norm(gabor, axis=(1, 2), keepdims=True)

    def memory(self, sample_rate: float) -> Complex[np.ndarray, "K N"]:
        """The filter in time, newest sample first, unit norm."""
        time = np.arange(round(MEMORY * sample_rate))[:, None] / sample_rate
        envelope = (time / TIME_CONSTANT) ** 2 * np.exp(-time / TIME_CONSTANT)
        # A pattern that drifts along the wave vector advances the phase of its product with G in each sample
        # by as much as h turns with age, so all past samples add up.
        kernel = envelope * np.exp(2j * np.pi * self.frequency * time)
        return kernel / np.linalg.norm(kernel, axis=0)


def draw_movie_cells(
    cells: int,
    height: int,
    width: int,
    random: np.random.Generator,
    *,
    complex_fraction: float,
    running: float,
) -> MovieCells:
    """Cells of one field of view; `running` multiplies how strongly they follow running."""
    wavelength = height * log_uniform(WAVELENGTHS, random, cells)
    middle = np.array([(height - 1) / 2, (width - 1) / 2])
    direction = random.choice([-1.0, 1.0], cells)
    return MovieCells(
        center=middle + height * np.array(SCATTER) * random.standard_normal((cells, 2)).clip(-1.5, 1.5),
        sigma=WIDTH * wavelength,
        orientation=random.uniform(0, np.pi, cells),
        wavelength=wavelength,
        phase=random.uniform(-np.pi, np.pi, cells),
        frequency=direction * log_uniform(FREQUENCIES, random, cells),
        complex=random.random(cells) < complex_fraction,
        running=running * random.uniform(*RUNNING, cells),
        rate=EVENT_RATE[0] * np.exp(EVENT_RATE[1] * random.standard_normal(cells)),
        noise=NOISE[0] * np.exp(NOISE[1] * random.standard_normal(cells)),
    )


def movie_output(
    cells: MovieCells,
    movies: dict[str, UInt8[np.ndarray, "F H W"]],
    shown: dict[str, Int[np.ndarray, "S"]],
    sample_rate: float,
) -> Float[np.ndarray, "S N"]:
    """|z| or the positive part of Re z at every sample; 0 after a while without a movie.

    `shown` holds, for each movie, the frame on the screen at each sample, or -1.
    """
    seen = sum(_seen(cells, frames, shown[name]) for name, frames in movies.items())  # S N
    return filter_output(cells, np.asarray(seen), sample_rate)


def gabor_products(cells: MovieCells, frames: Shaped[np.ndarray, "F H W"]) -> Complex[np.ndarray, "F N"]:
    """The Gabors' inner products with each frame, whose numbers may be of any type."""
    even, odd = _gabor_parts(cells, *frames.shape[1:])
    pixels = frames.reshape(len(frames), -1).astype(np.float32)
    return pixels @ even + 1j * (pixels @ odd)


@lru_cache(maxsize=2)  # those of one mouse are asked for with each clip
def _gabor_parts(
    cells: MovieCells, height: int, width: int
) -> tuple[Float32[np.ndarray, "pixels N"], Float32[np.ndarray, "pixels N"]]:
    """Real and imaginary part of the Gabors."""
    gabors = cells.gabors(height, width).reshape(len(cells.sigma), -1).T.astype(np.complex64)
    return gabors.real, gabors.imag


def filter_output(
    cells: MovieCells, seen: Complex[np.ndarray, "S N"], sample_rate: float
) -> Float[np.ndarray, "S N"]:
    """|z| or the positive part of Re z, from the Gabors' products at each sample; zeros precede the first."""
    z = np.zeros_like(seen)
    for lag, weights in enumerate(cells.memory(sample_rate).astype(np.complex64)):
        z[lag:] += weights * seen[: len(seen) - lag]
    return np.where(cells.complex, np.abs(z), np.maximum(z.real, 0)).astype(np.float32)


def drive(output: Float[np.ndarray, "S N"], showing: Bool[np.ndarray, "S"]) -> Float[np.ndarray, "S N"]:
    """The output above threshold, scaled to mean 1 over samples with a movie on the screen."""
    above = np.maximum(output - THRESHOLD * output[showing].mean(axis=0), 0)
    return above / above[showing].mean(axis=0)


def event_rates(
    cells: MovieCells, driven: Float[np.ndarray, "S N"], gain: Float[np.ndarray, "S N"]
) -> Float[np.ndarray, "S N"]:
    """Events per second; `gain` is that of running."""
    return cells.rate * (BASE + driven * gain)


def running_gain(cells: MovieCells, speed: Float[np.ndarray, "S"]) -> Float[np.ndarray, "S N"]:
    """exp(running (u - mean of u)) with u = tanh(speed / 10 cm/s)."""
    fast = np.tanh(speed / 10)
    return np.exp(np.outer(fast - fast.mean(), cells.running))


def respond(
    cells: MovieCells, rates: Float[np.ndarray, "S N"], sample_rate: float, random: np.random.Generator
) -> Float[np.ndarray, "S N"]:
    """dF/F (fraction) of one session: random events, their calcium, and the microscope's noise.

    Its mean over events and noise is `calcium(rates / sample_rate, sample_rate)`.
    """
    events = random.poisson(rates / sample_rate).astype(float)
    return calcium(events, sample_rate) + cells.noise * random.standard_normal(rates.shape)


def calcium(events: Float[np.ndarray, "S N"], sample_rate: float) -> Float[np.ndarray, "S N"]:
    """dF/F (fraction) of events per sample: each rises and falls, and peaks at EVENT.

    It is linear, so mean event counts give the mean dF/F.
    """
    decay, rise = (np.exp(-1 / (time * sample_rate)) for time in (DECAY, RISE))
    poles = np.convolve([1, -decay], [1, -rise])
    impulse = lfilter([1.0], poles, np.eye(1, round(4 * DECAY * sample_rate))[0])
    return lfilter([EVENT / impulse.max()], poles, events, axis=0)


def _seen(
    cells: MovieCells, frames: UInt8[np.ndarray, "F H W"], shown: Int[np.ndarray, "S"]
) -> Complex[np.ndarray, "S N"]:
    """The Gabors' inner products with the frame on the screen; 0 where there is none."""
    products = gabor_products(cells, frames)
    return np.where(shown[:, None] >= 0, products[shown], 0).astype(np.complex64)
