"""What changes from trial to trial in a simulated mouse: arousal, eye, slow gain, hidden brain state.

Arousal shows in the pupil and in running, in units that differ between mice as those of real cameras do; slow
gain and brain state show only in the neurons.

Letters: T trials in order of time, F brain-state factors.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.signal import lfilter

FACTOR_TIMES = (3.0, 5.0, 8.0, 12.0)  # trials
GAIN_TIME = 120.0  # trials
AROUSAL_TIMES = (25.0, 4.0)  # trials, slow and fast part
EYE = (1.2, 0.7)  # standard deviation of horizontal and vertical eye position, pixels
EYE_TIME = 5.0  # trials


@dataclass(frozen=True)
class BrainState:
    """One mouse's trials.

    Attributes:
        arousal: T, between 0 and 1.
        running: T, fraction of full speed, 0 or more.
        eye: T x 2, shift of receptive fields to the right and down, pixels.
        gain: T, log of the slow shared gain, unit variance.
        factors: T x F, brain-state factors, 0 or more, mean 1.
        behaviour: T x 3, as recorded: pupil size, its change per second, running speed.
        pupil_center: T x 2, as recorded, camera pixels.
    """

    arousal: Float[np.ndarray, "T"]
    running: Float[np.ndarray, "T"]
    eye: Float[np.ndarray, "T 2"]
    gain: Float[np.ndarray, "T"]
    factors: Float[np.ndarray, "T F"]
    behaviour: Float[np.ndarray, "T 3"]
    pupil_center: Float[np.ndarray, "T 2"]


def draw_brain_state(trials: int, scale_spread: float, random: np.random.Generator) -> BrainState:
    """Draws all series; `scale_spread` 1 gives each mouse its own units, 0 gives all the units of arousal."""
    slow, fast = (autoregression(trials, time, random) for time in AROUSAL_TIMES)
    arousal = 1 / (1 + np.exp(-(1.1 * slow + 0.7 * fast)))
    bouts = autoregression(trials, 6.0, random) + 2.5 * (arousal - 0.5) - 0.4
    running = np.clip(bouts / 2.5, 0, 1)
    eye = np.column_stack([size * autoregression(trials, EYE_TIME, random) for size in EYE])
    return BrainState(
        arousal=arousal,
        running=running,
        eye=eye,
        gain=autoregression(trials, GAIN_TIME, random),
        factors=draw_factors(trials, random),
        behaviour=_recorded_behaviour(arousal, running, scale_spread, random),
        pupil_center=_recorded_eye(eye, random),
    )


def draw_factors(trials: int, random: np.random.Generator) -> Float[np.ndarray, "T F"]:
    """Brain-state factors: log-normal, each with a memory of its own."""
    logs = np.column_stack([autoregression(trials, time, random) for time in FACTOR_TIMES])
    return np.exp(0.8 * logs - 0.32)  # mean 1


def autoregression(trials: int, time: float, random: np.random.Generator) -> Float[np.ndarray, "T"]:
    """Unit-variance noise that forgets within `time` trials."""
    keep = np.exp(-1 / time)
    steps = random.standard_normal(trials) * np.sqrt(1 - keep**2)
    steps[0] = random.standard_normal()
    return lfilter([1.0], [1.0, -keep], steps)


def _recorded_behaviour(
    arousal: np.ndarray, running: np.ndarray, scale_spread: float, random: np.random.Generator
) -> Float[np.ndarray, "T 3"]:
    """Pupil size on a mouse's own offset and scale: a small pupil of one is a large one of another.

    The mean pupil size is 3 to 9 of its standard deviations, as for a real camera and eye. (It was 2 to 33 at
    first; this is the only constant that was changed after a first fit.)
    """
    offset = scale_spread * (12.0 + random.uniform(-2.4, 18))
    scale = 25.0 * np.exp(scale_spread * random.uniform(-0.3, 0.3))
    speed = 20.0 * np.exp(scale_spread * random.uniform(-0.3, 0.3))
    trials = len(arousal)
    size = offset + scale * (arousal + 0.03 * random.standard_normal(trials))
    change = np.gradient(size) + 0.05 * scale * random.standard_normal(trials)
    return np.column_stack([size, change, speed * running + 0.2 * random.standard_normal(trials)])


def _recorded_eye(eye: np.ndarray, random: np.random.Generator) -> Float[np.ndarray, "T 2"]:
    """Camera pixels, slightly rotated against the image's axes, with the tracker's noise."""
    angle = random.uniform(-0.2, 0.2)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    place = random.uniform([250, 180], [350, 260])
    return place + random.uniform(2, 4) * eye @ turn.T + 0.3 * random.standard_normal(eye.shape)
