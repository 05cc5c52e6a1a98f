"""A simulated mouse: a V1 population with known truth, and the best that any model can predict.

The cells are simple and complex Gabor cells, laid out retinotopically. A simple cell is a half-rectified
Gabor filter (Jones and Palmer, J. Neurophysiol. 58, 1233-1258, 1987), a complex cell the root of the summed
squares of two in quadrature (Adelson and Bergen, JOSA A 2, 284-299, 1985). Both respond above a threshold
only. All filters move with the eye. Distances are pixels of the 36 x 64 image.

The rate of neuron n on the trial at rank t of the session is

    g_n(t) phi(b + d_n(t) beta_n(t) + h_n(t) + s_n(t)),        phi(x) = log(1 + exp(3 x)) / 3

with the image drive d (see `image_drive`), the behaviour's factor beta = 1 + strength (c_n (arousal - 1/2) +
k_n (running - mean)), history h = strength w_n tanh(trace of the neuron's own past responses - 1), brain
state s = strength (loadings x (factors - 1)) and gain g = exp(strength kappa_n gain). Responses are
numbers of events, Poisson, each of a gamma-distributed size, as deconvolved calcium has them. The
constants were set before any model was fitted.

Letters: T trials in order of time, N neurons, H x W image, F brain-state factors, D sessions drawn side by
side (... where there is one or D).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from neurokit.config import Config, Count, Fraction, Number, Seed
from neurokit.simulation.brain_state import (
    GAIN_TIME,
    BrainState,
    autoregression,
    draw_brain_state,
    draw_factors,
)

HEIGHT, WIDTH = 36, 64
RETINOTOPY = np.array([[0.026, 0.009], [-0.006, 0.019]])  # pixels (x, y) per micrometre of cortex
FIELD = 320.0  # micrometres, half the side of the field of view
JITTER = 0.4  # pixels, receptive-field scatter on top of the map
THRESHOLD = 0.6  # of a cell's mean filter output
DEPTHS = (100.0, 300.0)  # micrometres below the surface: layer 2/3
BASE = 0.15
EVENTS = 1.0  # mean number of events at rate 1
EVENT_SHAPE = 4.0  # of the gamma distribution of event sizes
DRAWS = 64  # of what a model does not know, to average over
CHUNK_SIZE = 4_000_000  # rates of sessions drawn side by side, 32 MB an array


@dataclass(frozen=True)
class Cells:
    """What each neuron looks for and where, N each.

    Attributes:
        coordinates: micrometres in cortex: x, y, depth.
        center: row and column of the receptive field at mean eye position, pixels.
        sigma: standard deviation of the envelope, pixels.
        orientation: rad, as in `neurokit.simulation.scenes.gratings`.
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

    A cell that none of the images excites has a drive of 0. `images` and `eye` as in `filter_output`.
    """
    output = filter_output(cells, images, eye)
    return _divide_by_mean(np.maximum(_divide_by_mean(output) - THRESHOLD, 0))


def filter_output(
    cells: Cells, images: Float[np.ndarray, "T H W"], eye: Float[np.ndarray, "T 2"]
) -> Float[np.ndarray, "T N"]:
    """What each cell's Gabor, or pair of them, gives for each image, 0 or more, before any threshold.

    `images` are standardised; `eye` is how far (x, y; pixels) the eye has carried all receptive
    fields on that trial.
    """
    seen = torch.from_numpy(_follow(images, eye)).flatten(1)  # T HW
    even, odd = ((seen @ filters).numpy() for filters in cells.quadrature)
    return np.where(cells.complex, np.hypot(even, odd), np.maximum(even, 0)).astype(float)


def _divide_by_mean(values: Float[np.ndarray, "T N"]) -> Float[np.ndarray, "T N"]:
    """Each cell's values over their mean; a cell that no image excites, as may be among few, stays at 0."""
    mean = values.mean(axis=0)
    return values / np.where(mean > 0, mean, 1)


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


class MouseParameters(Config):
    """One mouse. A strength is 1 for a mechanism that is planted, 0 for one that is left out."""

    neurons: Count = 200
    """Number of neurons."""
    complex_fraction: Fraction = 0.6
    """Share of them that are complex cells."""
    behaviour: Number = 1.0
    """Strength with which arousal and running act."""
    behaviour_scale: Number = 1.0
    """How much the units of behaviour differ between mice; 0: not at all."""
    history: Number = 1.0
    """Strength of a neuron's own past responses."""
    state: Number = 1.0
    """Strength of the brain state."""
    gain: Number = 1.0
    """Strength of the slow gain."""
    seed: Seed = 0
    """Seed of everything random."""


@dataclass(frozen=True)
class Couplings:
    """How strongly each neuron follows what is not in the image; strengths included."""

    arousal: Float[np.ndarray, "N"]
    running: Float[np.ndarray, "N"]
    history: Float[np.ndarray, "N"]
    keep: Float[np.ndarray, "N"]  # of the history trace from one trial to the next
    factors: Float[np.ndarray, "F N"]
    gain: Float[np.ndarray, "N"]


@dataclass(frozen=True)
class Terms:
    """The terms of the rate on each trial."""

    history: Float[np.ndarray, "... T N"]
    factors: Float[np.ndarray, "... T F"]
    gain: Float[np.ndarray, "... T"]


class Mouse:
    """A population and its session; draws all that stays fixed from the parameters' seed."""

    def __init__(self, parameters: MouseParameters, trials: int) -> None:
        random = np.random.default_rng([parameters.seed, 1])
        self.parameters = parameters
        self.cells: Cells = draw_cells(parameters.neurons, parameters.complex_fraction, random)
        self.couplings = _draw_couplings(parameters, random)
        self.brain: BrainState = draw_brain_state(trials, parameters.behaviour_scale, random)
        self._noise = random

    def stimulus(self, images: Float[np.ndarray, "T H W"]) -> Float[np.ndarray, "T N"]:
        """Image drive with the eye where it was, times the behaviour's factor: d beta."""
        return image_drive(self.cells, images, self.brain.eye) * self._behaviour_factor()

    def respond(self, stimulus: Float[np.ndarray, "T N"]) -> tuple[Float[np.ndarray, "T N"], Terms]:
        """One session's responses (mean about 1.5), and the terms behind them."""
        brain = self.brain
        responses, history = self._run(stimulus, brain.factors, brain.gain, self._noise)
        return responses, Terms(history, brain.factors, brain.gain)

    def rates(self, stimulus: Float[np.ndarray, "... T N"], terms: Terms) -> Float[np.ndarray, "... T N"]:
        """The formula of the module, for given terms: what knowing everything would predict."""
        inner = BASE + stimulus + terms.history + self._state_term(terms.factors)
        return self._gain_factor(terms.gain) * soft_rectify(inner)

    def expect(
        self,
        images: Float[np.ndarray, "T H W"],
        random: np.random.Generator,
        *,
        behaviour_known: bool = True,
        draws: int = DRAWS,
    ) -> Float[np.ndarray, "T N"]:
        """The mean response given a trial's image and, where known, its behaviour and eye.

        It is the ceiling of models that are given just these. What they are not given (past images
        and responses, brain state and gain; behaviour and eye too) is drawn `draws` times.
        """
        stimulus = self.stimulus(images)

        def rates(block: int) -> Float[np.ndarray, "D T N"]:
            shown = stimulus if behaviour_known else self._draw_elsewhere(images, block, random)
            return self._draw_unknown(shown, block, random)

        total = sum(rates(block).sum(axis=0) for block in self._split_draws(draws, stimulus.size))
        return np.asarray(total) / draws

    def _split_draws(self, draws: int, size: int) -> Iterator[int]:
        """`draws` in numbers that fit in memory, where one session has `size` rates."""
        at_once = max(1, CHUNK_SIZE // size)
        for first in range(0, draws, at_once):
            yield min(at_once, draws - first)

    def _draw_elsewhere(
        self, images: Float[np.ndarray, "T H W"], draws: int, random: np.random.Generator
    ) -> Float[np.ndarray, "D T N"]:
        """The drive of the images had behaviour and eye been those of other trials."""
        orders = [random.permutation(len(images)) for _ in range(draws)]
        behaviour, eye = self._behaviour_factor(), self.brain.eye
        return np.stack([image_drive(self.cells, images, eye[order]) * behaviour[order] for order in orders])

    def _draw_unknown(
        self, stimulus: Float[np.ndarray, "... T N"], draws: int, random: np.random.Generator
    ) -> Float[np.ndarray, "D T N"]:
        """Rates at this drive with history, brain state and gain of other sessions.

        Their trials are shuffled: in order, what drifts slowly in a drawn session would by chance follow
        what drifts in this one, and 64 draws would not average that out.
        """
        trials, neurons = stimulus.shape[-2:]
        factors = np.stack([draw_factors(trials, random) for _ in range(draws)])
        gain = np.stack([autoregression(trials, GAIN_TIME, random) for _ in range(draws)])
        shown = np.broadcast_to(stimulus, (draws, trials, neurons))
        _, history = self._run(shown, factors, gain, random)
        order = random.permuted(np.tile(np.arange(trials), (draws, 1)), axis=1)
        terms = (history, factors, gain[:, :, None])
        history, factors, gain = (np.take_along_axis(each, order[:, :, None], axis=1) for each in terms)
        return self.rates(stimulus, Terms(history, factors, gain[:, :, 0]))

    def _run(
        self,
        stimulus: Float[np.ndarray, "... T N"],
        factors: Float[np.ndarray, "... T F"],
        gain: Float[np.ndarray, "... T"],
        random: np.random.Generator,
    ) -> tuple[Float[np.ndarray, "... T N"], Float[np.ndarray, "... T N"]]:
        """Responses trial by trial, since each depends on those before, and the history term."""
        inner = BASE + stimulus + self._state_term(factors)
        scale, keep = self._gain_factor(gain), self.couplings.keep
        responses, history = np.empty_like(inner), np.empty_like(inner)
        trace = np.ones_like(inner[..., 0, :])
        for t in range(inner.shape[-2]):
            history[..., t, :] = self.couplings.history * np.tanh(trace - 1)  # bounded: it cannot run away
            rates = scale[..., t, :] * soft_rectify(inner[..., t, :] + history[..., t, :])
            responses[..., t, :] = events = _draw_events(rates, random)
            trace = keep * trace + (1 - keep) * events
        return responses, history

    def _behaviour_factor(self) -> np.ndarray:
        arousal = self.brain.arousal[:, None] - 0.5
        running = self.brain.running[:, None] - self.brain.running.mean()
        return np.maximum(1 + self.couplings.arousal * arousal + self.couplings.running * running, 0.1)

    def _state_term(self, factors: np.ndarray) -> np.ndarray:
        return (factors - 1) @ self.couplings.factors

    def _gain_factor(self, gain: np.ndarray) -> np.ndarray:
        return np.exp(gain[..., None] * self.couplings.gain)


def soft_rectify(x: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """log(1 + exp(3 x)) / 3: a rectifier with a soft foot."""
    return np.logaddexp(0, 3 * x) / 3


def _draw_events(rates: np.ndarray, random: np.random.Generator) -> np.ndarray:
    number = random.poisson(EVENTS * rates)
    return random.gamma(EVENT_SHAPE * np.maximum(number, 1e-3), 1 / (EVENT_SHAPE * EVENTS)) * (number > 0)


def _draw_couplings(parameters: MouseParameters, random: np.random.Generator) -> Couplings:
    neurons = parameters.neurons
    loadings = random.uniform(0.2, 0.6, (4, neurons)) * (random.random((4, neurons)) < 0.4)
    return Couplings(
        arousal=parameters.behaviour * random.uniform(0.4, 1.6, neurons),
        running=parameters.behaviour * random.uniform(0.0, 0.8, neurons),
        history=parameters.history * random.uniform(0.2, 0.7, neurons),
        keep=np.exp(-1 / random.uniform(1, 8, neurons)),
        factors=parameters.state * loadings,
        gain=parameters.gain * random.uniform(0.2, 0.6, neurons),
    )
