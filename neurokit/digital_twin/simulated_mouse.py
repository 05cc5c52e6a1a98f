"""A simulated mouse that watches video: its behaviour, cells and eye, and what a microscope sees of them.

It looks around and runs, and its pupil follows. A slow state lets running and pupil size rise together
(Reimer et al., Neuron 84, 355-362, 2014). The eye makes saccades about every two seconds, mostly horizontal
ones, on top of a slow drift. The behaviour of each presentation is drawn separately, since trials of a
recording are shuffled in time.

The eye moves all receptive fields over the monitor. A cell is one of `neurokit.simulation.movie_cells`, and
its expected rate (events per second) at frame t is

    r_n (base + d_n(t) exp(a_n (u(t) - u) + b_n (p(t) - p) / s)),          u(t) = tanh(speed / 10 cm/s),

where d is its filters' output above its threshold, and p the pupil's radius. Threshold, scale of
d, and the means u, p and s are set once, by the video that the mouse was trained with, so a rate is defined
for any other stimulus. Running multiplies the drive, and so does arousal (Niell and Stryker, Neuron 65,
472-479, 2010; Reimer et al., 2014).

Events are Poisson; a volume is scanned about six times a second, and traces are brought to 30 Hz, so
activity is smooth over some ten frames. All constants were set before any model was fitted.

Letters: T frames at 30 Hz (t with those before the first), N cells, H x W pixels.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Float32, Real, UInt8
from scipy.signal import lfilter

from neurokit.simulation.brain_state import autoregression
from neurokit.simulation.movie_cells import (
    MEMORY,
    THRESHOLD,
    MovieCells,
    event_rates,
    filter_output,
    gabor_products,
)
from neurokit.simulation.movies import FRAME_RATE, GREY

PUPIL = (2.5, 1.5)  # deg, standard deviation of horizontal and vertical position
SACCADES = 0.5  # a second
DRIFT, DRIFT_TIME = 0.15, 20.0  # share of the position's variance, and s
STATE_TIME, PACE_TIME, PUPIL_TIME = 10.0, 1.5, 3.0  # s
SPEED = 12.0  # cm/s, in the state's standard deviations above REST
REST = 0.2  # of the slow state; below it, more than half of the time, the mouse stands
RADIUS = 20.0  # camera pixels; its log has these shares of the state and of a part of its own:
RADIUS_SPREAD = (0.15, 0.1)
BEFORE = round(MEMORY * FRAME_RATE) - 1  # frames of grey that the cells have seen before the first frame
WINDOW = np.hamming(11) / np.hamming(11).sum()  # as wide as two scans of a volume; its 5 frames' delay stays
RUN = 10.0  # cm/s


@dataclass(frozen=True, eq=False)
class Behaviour:
    """One presentation, T each.

    Attributes:
        perspective: pupil position, deg to the right and down.
        radius: of the pupil, camera pixels.
        speed: of the treadmill, cm/s.
    """

    perspective: Float[np.ndarray, "T 2"]
    radius: Float[np.ndarray, "T"]
    speed: Float[np.ndarray, "T"]

    def prepend_first(self, frames: int) -> "Behaviour":
        """The same after `frames` copies of the first frame."""
        return Behaviour(
            *(prepend_first(each, frames) for each in (self.perspective, self.radius, self.speed))
        )


def prepend_first(values: Real[np.ndarray, "T *rest"], frames: int) -> Real[np.ndarray, "t *rest"]:
    """The values after `frames` copies of the first of them."""
    return np.concatenate([np.repeat(values[:1], frames, axis=0), values])


def draw_behaviour(frames: int, rest: Float[np.ndarray, "2"], random: np.random.Generator) -> Behaviour:
    """One presentation's behaviour; `rest` is the pupil's mean position, deg."""
    state, pace, own = (
        autoregression(frames, time * FRAME_RATE, random) for time in (STATE_TIME, PACE_TIME, PUPIL_TIME)
    )
    with_state, alone = RADIUS_SPREAD
    return Behaviour(
        perspective=rest + _draw_gaze(frames, random),
        radius=RADIUS * np.exp(with_state * state + alone * own),
        speed=SPEED * np.maximum(state - REST, 0) * np.exp(0.3 * pace),
    )


def _draw_gaze(frames: int, random: np.random.Generator) -> Float[np.ndarray, "T 2"]:
    """Pupil position around its mean, deg: the last saccade's target, and drift."""
    saccade = random.random(frames) < SACCADES / FRAME_RATE
    last = np.maximum.accumulate(np.where(saccade, np.arange(frames), 0))
    target = random.standard_normal((frames, 2))[last]
    drift = np.stack([autoregression(frames, DRIFT_TIME * FRAME_RATE, random) for _ in PUPIL], axis=1)
    return np.array(PUPIL) * (np.sqrt(1 - DRIFT) * target + np.sqrt(DRIFT) * drift)


def look(
    pictures: Float32[np.ndarray, "T H W"], gaze: Float[np.ndarray, "T 2"]
) -> Float32[np.ndarray, "T H W"]:
    """Pictures as they lie around a gaze that is `gaze` (columns, rows; pixels) away from the middle.

    What was at a pixel moves by `gaze` to the left and up; between pixels values are linear, and it is dark
    (0) outside of the monitor.
    """
    height, width = pictures.shape[1:]
    shift = torch.from_numpy(2 * gaze / (width - 1, height - 1)).float()
    rows, columns = torch.linspace(-1, 1, height), torch.linspace(-1, 1, width)
    unmoved = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), dim=-1)  # H W 2
    grid = unmoved + shift[:, None, None]
    seen = F.grid_sample(torch.from_numpy(pictures)[:, None], grid, padding_mode="zeros", align_corners=True)
    return seen[:, 0].numpy()


@dataclass(frozen=True, eq=False)
class Sight:
    """What one mouse's cells look for, and where its eye moves their receptive fields.

    Attributes:
        cells: their centres are those of a pupil at rest.
        height: of the monitor, pixels.
        width: of the monitor, pixels.
        pixels_per_degree: how far receptive fields move with the pupil; 0 for a still eye.
        rest: pupil position (deg to the right and down) at which nothing moves.
    """

    cells: MovieCells
    height: int
    width: int
    pixels_per_degree: float
    rest: Float[np.ndarray, "2"]

    def gaze(self, perspective: Float[np.ndarray, "T 2"]) -> Float[np.ndarray, "T 2"]:
        """How far receptive fields move to the right and down, pixels."""
        return self.pixels_per_degree * (perspective - self.rest)

    def output(
        self, stimulus: UInt8[np.ndarray, "T H W"], perspective: Float[np.ndarray, "T 2"]
    ) -> Float[np.ndarray, "T N"]:
        """The filters' output at each frame, after a grey monitor seen with the first frame's eye."""
        pictures = prepend_grey(stimulus, BEFORE).astype(np.float32) / 255
        seen = look(pictures, self.gaze(prepend_first(perspective, BEFORE)))
        return filter_output(self.cells, gabor_products(self.cells, seen), FRAME_RATE)[BEFORE:]


@dataclass(frozen=True, eq=False)
class Adaptation:
    """What the mouse adapted to in its training videos.

    Attributes:
        threshold: of the filters' output.
        scale: mean of the output above it.
        fast: mean of tanh(speed / 10 cm/s).
        radius: mean and standard deviation of the pupil's radius, camera pixels.
    """

    threshold: Float[np.ndarray, "N"]
    scale: Float[np.ndarray, "N"]
    fast: float
    radius: Float[np.ndarray, "2"]


@dataclass(frozen=True, eq=False)
class VideoMouse:
    """A mouse whose response to any video is known; `arousal` is the log gain of each cell, for one s."""

    sight: Sight
    arousal: Float[np.ndarray, "N"]
    adaptation: Adaptation

    def rates(
        self,
        stimulus: UInt8[np.ndarray, "T H W"],
        perspective: Float[np.ndarray, "T 2"],
        radius: Float[np.ndarray, "T"],
        speed: Float[np.ndarray, "T"],
    ) -> Float[np.ndarray, "T N"]:
        """Expected events per second at each frame; behaviour as measured, see `Behaviour` for units."""
        above = np.maximum(self.sight.output(stimulus, perspective) - self.adaptation.threshold, 0)
        return event_rates(self.sight.cells, above / self.adaptation.scale, self.gain(radius, speed))

    def gain(self, radius: Float[np.ndarray, "T"], speed: Float[np.ndarray, "T"]) -> Float[np.ndarray, "T N"]:
        """The factor by which running and arousal multiply the drive."""
        mean, spread = self.adaptation.radius
        running = np.outer(np.tanh(speed / RUN) - self.adaptation.fast, self.sight.cells.running)
        return np.exp(running + np.outer((radius - mean) / spread, self.arousal))

    def recorded_rates(
        self, stimulus: UInt8[np.ndarray, "T H W"], behaviour: Behaviour
    ) -> Float[np.ndarray, "t N"]:
        """The rates, from as many grey frames before the first as the microscope's window reaches back."""
        lead = len(WINDOW) - 1
        before = behaviour.prepend_first(lead)
        return self.rates(prepend_grey(stimulus, lead), before.perspective, before.radius, before.speed)


def adapt(sight: Sight, stimuli: list[UInt8[np.ndarray, "_ H W"]], behaviours: list[Behaviour]) -> Adaptation:
    """What a mouse adapts to when it sees these stimuli and behaves like this."""
    pairs = zip(stimuli, behaviours, strict=True)
    output = np.concatenate([sight.output(stimulus, each.perspective) for stimulus, each in pairs])
    threshold = THRESHOLD * output.mean(axis=0)
    radius = np.concatenate([each.radius for each in behaviours])
    speed = np.concatenate([each.speed for each in behaviours])
    return Adaptation(
        threshold=threshold,
        scale=np.maximum(output - threshold, 0).mean(axis=0),
        fast=float(np.tanh(speed / RUN).mean()),
        radius=np.array([radius.mean(), radius.std()]),
    )


def prepend_grey(stimulus: UInt8[np.ndarray, "T H W"], frames: int) -> UInt8[np.ndarray, "t H W"]:
    """The stimulus after `frames` frames of a grey monitor."""
    return np.concatenate([np.full((frames, *stimulus.shape[1:]), GREY, dtype=np.uint8), stimulus])


def activity(events: Float[np.ndarray, "t N"]) -> Float[np.ndarray, "T N"]:
    """Events per frame as the microscope sees them; the first frames only lead in, and are left out."""
    return lfilter(WINDOW, [1.0], events, axis=0)[len(WINDOW) - 1 :]


def chance_variance(rates: Float[np.ndarray, "t N"]) -> Float[np.ndarray, "T N"]:
    """Variance of `activity` of Poisson events at these rates (events per second)."""
    return lfilter(WINDOW**2, [1.0], rates / FRAME_RATE, axis=0)[len(WINDOW) - 1 :]
