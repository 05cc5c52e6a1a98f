"""A simulated mouse at a visual discrimination task: events, running, pupil, face and licks.

Everything is continuous on one clock of 10-ms bins. The pupil follows the literature in kind:
slow changes of arousal, a dilation of about a second after movement and reward
(Reimer et al., Neuron 84, 355-362, 2014), a constriction at the stimulus, saccades and drift of its
position, and on top what a camera adds: noise, blinks, and fits of the tracker that fail wildly.
Sizes were set by eye on one real session before any model was fitted.

Letters: K trials, B bins of the session.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.signal import lfilter

BIN_SIZE = 0.01  # s
CONTRASTS = (0.0, 0.25, 0.5, 1.0)
LEAD_IN = 10.0  # s before the first trial and after the last


@dataclass(frozen=True)
class TaskEvents:
    """What happened in each trial, K each; times in s on the session's clock.

    `response` is +1 left, 0 no-go, -1 right; `feedback_type` is +1 reward, -1 noise.
    """

    stimulus: Float[np.ndarray, "K"]
    go_cue: Float[np.ndarray, "K"]
    response_time: Float[np.ndarray, "K"]
    feedback: Float[np.ndarray, "K"]
    contrast_left: Float[np.ndarray, "K"]
    contrast_right: Float[np.ndarray, "K"]
    response: Int[np.ndarray, "K"]
    feedback_type: Int[np.ndarray, "K"]

    @property
    def duration(self) -> float:
        """Length of the session, s."""
        return float(self.stimulus[-1] + LEAD_IN)


@dataclass(frozen=True)
class Behaviour:
    """The animal's state (true) and what cameras and sensors would record of it, B each.

    Pupil area in arbitrary units, pupil position in video-frame units, face motion in arbitrary
    units, wheel in ticks per bin, licks per bin. `pupil` holds the rows area, x, y without
    artefacts, `measured_pupil` the same with noise, blinks and failed fits; `blink` marks eye
    closures.
    """

    pupil: Float[np.ndarray, "3 B"]
    measured_pupil: Float[np.ndarray, "3 B"]
    blink: Bool[np.ndarray, "B"]
    face_motion: Float[np.ndarray, "B"]
    wheel: Float[np.ndarray, "B"]
    licks: Int[np.ndarray, "B"]


def task_events(trials: int, random: np.random.Generator) -> TaskEvents:
    """Draws `trials` trials: four contrasts a side, go cue, response and feedback.

    Response times do not depend on contrast, so that pupil and contrast are independent in the
    truth.
    """
    gap = 4.0 + random.gamma(2.0, 0.5, trials)
    stimulus = np.round(LEAD_IN + np.cumsum(gap), 2)  # on the 10-ms grid of the session
    go_cue = stimulus + random.uniform(0.5, 1.2, trials)
    response_time = go_cue + np.minimum(random.lognormal(-0.7, 0.6, trials), 1.5)
    left, right = random.choice(CONTRASTS, trials), random.choice(CONTRASTS, trials)
    wanted = np.sign(left - right)
    attentive, guess = random.random(trials) < 0.75, random.integers(-1, 2, trials)
    response = np.where(attentive, wanted, guess).astype(int)
    reward = np.where(response == wanted, 1, -1)
    times = stimulus, go_cue, response_time, response_time + 0.035
    return TaskEvents(*times, left, right, response, feedback_type=reward)


def simulate_behaviour(events: TaskEvents, random: np.random.Generator) -> Behaviour:
    """Behaviour throughout the session for these events."""
    bins = int(np.ceil(events.duration / BIN_SIZE))
    running = _running(events, bins, random)
    licks = _licks(events, bins, random)
    face = running + 0.8 * _after(licks, bins, 0.15) + 0.25 * ornstein_uhlenbeck(bins, 0.3, random)
    pupil = np.stack([_pupil_area(events, running, bins, random), *_pupil_position(bins, random)])
    blink = _blinks(bins, random)
    return Behaviour(
        pupil=pupil,
        measured_pupil=_measured(pupil, blink, random),
        blink=blink,
        face_motion=1.5 + face,
        wheel=np.round(6.0 * running * (1 + 0.3 * random.standard_normal(bins))),
        licks=licks,
    )


def ornstein_uhlenbeck(
    bins: int, time_constant: float, random: np.random.Generator
) -> Float[np.ndarray, "B"]:
    """Noise of unit variance that forgets with `time_constant`, s."""
    keep = np.exp(-BIN_SIZE / time_constant)
    steps = random.standard_normal(bins) * np.sqrt(1 - keep**2)
    steps[0] = random.standard_normal()
    return lfilter([1.0], [1.0, -keep], steps)


def impulses(times: Float[np.ndarray, "E"], bins: int) -> Float[np.ndarray, "B"]:
    """Events counted in the session's bins."""
    return np.bincount(np.floor(times / BIN_SIZE).astype(int), minlength=bins)[:bins].astype(float)


def _after(train: np.ndarray, bins: int, time_constant: float) -> np.ndarray:
    """An alpha function t/tau exp(1 - t/tau) after each event of `train`."""
    t = np.arange(0, 8 * time_constant, BIN_SIZE) / time_constant
    kernel = t * np.exp(1 - t)
    return lfilter(kernel, [1.0], np.asarray(train, dtype=float))[:bins]


def _running(events: TaskEvents, bins: int, random: np.random.Generator) -> np.ndarray:
    """Bouts of running that come and go, and a turn of the wheel at most responses."""
    bouts = np.maximum(ornstein_uhlenbeck(bins, 3.0, random) - 0.5, 0)
    turns = _after(impulses(events.response_time[events.response != 0] - 0.15, bins), bins, 0.12)
    return bouts + 0.6 * turns


def _licks(events: TaskEvents, bins: int, random: np.random.Generator) -> np.ndarray:
    """Seven licks a second for about a second after each reward, and stray ones."""
    rewarded = _after(impulses(events.feedback[events.feedback_type == 1], bins), bins, 0.35)
    return random.poisson(BIN_SIZE * (0.3 + 7 * rewarded))


def _pupil_area(
    events: TaskEvents, running: np.ndarray, bins: int, random: np.random.Generator
) -> np.ndarray:
    slow, fast = (ornstein_uhlenbeck(bins, seconds, random) for seconds in (8.0, 0.8))
    arousal = 0.5 * slow + 0.6 * fast
    effort = _after(running, bins, 0.6) / (0.6 / BIN_SIZE)
    dilation = 0.5 * effort + 0.8 * _after(impulses(events.feedback, bins), bins, 0.7)
    constriction = 0.5 * _after(impulses(events.stimulus + 0.2, bins), bins, 0.3)
    return 0.06 * np.exp(0.35 * (arousal + dilation - constriction))


def _pupil_position(bins: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Saccades about every 1.5 s, mostly horizontal, returning to a centre that drifts slowly."""
    saccade = random.random(bins) < BIN_SIZE / 1.5
    axes = []
    for centre, size in ((120.0, 3.0), (90.0, 1.2)):
        target = size * random.standard_normal(bins)
        last = np.maximum.accumulate(np.where(saccade, np.arange(bins), 0))
        axes.append(centre + target[last] + 0.4 * size * ornstein_uhlenbeck(bins, 20.0, random))
    return axes[0], axes[1]


def _blinks(bins: int, random: np.random.Generator) -> np.ndarray:
    """Closures of 60 to 600 ms, one in about 12 s."""
    starts = np.flatnonzero(random.random(bins) < BIN_SIZE / 12)
    ends = np.minimum(starts + random.integers(6, 60, len(starts)), bins)
    change = np.zeros(bins + 1)
    np.add.at(change, starts, 1)
    np.add.at(change, ends, -1)
    return np.cumsum(change)[:-1] > 0


def _measured(pupil: np.ndarray, blink: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Camera noise everywhere; in blinks the fit follows the lid, and rarely it explodes."""
    bins = pupil.shape[1]
    measured = pupil + np.array([[0.001], [0.1], [0.1]]) * random.standard_normal((3, bins))
    closed = random.standard_normal((3, blink.sum()))
    lid, spread = np.array([[0.0], [120.0], [80.0]]), np.array([[0.004], [12.0], [12.0]])
    measured[:, blink] = lid + spread * closed
    wild = np.flatnonzero(random.random(bins) < 0.0015)
    measured[0, wild] = random.choice([-1, 1], len(wild)) * random.lognormal(0.5, 1.0, len(wild))
    return measured
