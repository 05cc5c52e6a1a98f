"""What a mouse does while it watches a clip, frame by frame: it looks around, runs, and its pupil follows.

A slow state lets running and pupil size rise together (Reimer et al., Neuron 84, 355-362, 2014). The eye
makes saccades about every two seconds, mostly horizontal ones, on top of a slow drift. Each presentation is
drawn on its own, since trials of a recording are shuffled in time. Constants were set before any model was
fitted.

Letters: T frames at 30 Hz, H x W pixels.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Float32, Real

from neurokit.simulate.brain_state import autoregression
from neurokit.simulate.movies import FRAME_RATE

PUPIL = (2.5, 1.5)  # deg, standard deviation of horizontal and vertical position
SACCADES = 0.5  # a second
DRIFT, DRIFT_TIME = 0.15, 20.0  # share of the position's variance, and s
STATE_TIME, PACE_TIME, PUPIL_TIME = 10.0, 1.5, 3.0  # s
SPEED = 12.0  # cm/s, in the state's standard deviations above REST
REST = 0.2  # of the slow state; below it, which is more than half the time, the mouse stands
RADIUS = 20.0  # camera pixels; its log has these shares of the state and of a part of its own:
RADIUS_SPREAD = (0.15, 0.1)


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

    def preceded(self, frames: int) -> "Behaviour":
        """The same, after `frames` frames in which all was as it is in the first one."""
        return Behaviour(*(preceded(each, frames) for each in (self.perspective, self.radius, self.speed)))


def preceded(values: Real[np.ndarray, "T *rest"], frames: int) -> Real[np.ndarray, "t *rest"]:
    """The values after `frames` copies of the first of them."""
    return np.concatenate([np.repeat(values[:1], frames, axis=0), values])


def draw_behaviour(frames: int, rest: Float[np.ndarray, "2"], random: np.random.Generator) -> Behaviour:
    """One presentation's behaviour; `rest` is the pupil's mean position, deg."""
    state, pace, own = (
        autoregression(frames, time * FRAME_RATE, random) for time in (STATE_TIME, PACE_TIME, PUPIL_TIME)
    )
    with_state, alone = RADIUS_SPREAD
    return Behaviour(
        perspective=rest + _looks(frames, random),
        radius=RADIUS * np.exp(with_state * state + alone * own),
        speed=SPEED * np.maximum(state - REST, 0) * np.exp(0.3 * pace),
    )


def _looks(frames: int, random: np.random.Generator) -> Float[np.ndarray, "T 2"]:
    """Pupil position around its mean, deg: the last saccade's target, and drift."""
    saccade = random.random(frames) < SACCADES / FRAME_RATE
    last = np.maximum.accumulate(np.where(saccade, np.arange(frames), 0))
    target = random.standard_normal((frames, 2))[last]
    drift = np.stack([autoregression(frames, DRIFT_TIME * FRAME_RATE, random) for _ in PUPIL], axis=1)
    return np.array(PUPIL) * (np.sqrt(1 - DRIFT) * target + np.sqrt(DRIFT) * drift)


def look(
    pictures: Float32[np.ndarray, "T H W"], gaze: Float[np.ndarray, "T 2"]
) -> Float32[np.ndarray, "T H W"]:
    """Pictures as they lie around a gaze that is carried `gaze` (columns, rows; pixels) off the middle.

    What was at a pixel comes to lie `gaze` to the left and up; between pixels values are linear, and
    outside of the monitor it is dark (0).
    """
    height, width = pictures.shape[1:]
    shift = torch.from_numpy(2 * gaze / (width - 1, height - 1)).float()
    rows, columns = torch.linspace(-1, 1, height), torch.linspace(-1, 1, width)
    unmoved = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), dim=-1)  # H W 2
    grid = unmoved + shift[:, None, None]
    seen = F.grid_sample(torch.from_numpy(pictures)[:, None], grid, padding_mode="zeros", align_corners=True)
    return seen[:, 0].numpy()
