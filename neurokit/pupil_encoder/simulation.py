"""A simulated Steinmetz session: a mouse at its task, and regions that follow its behaviour by planted lags.

Everything is continuous on one clock of 10-ms bins. The pupil follows the literature in kind: slow changes of
arousal, a dilation for about a second after movement and reward (Reimer et al., Neuron 84, 355-362, 2014), a
constriction at the stimulus, saccades and drift of its position. A camera then adds noise, blinks, and
tracker fits that fail wildly. All sizes were set by eye on one real session before any model was fitted.

The rate of neuron n in region r is, at time t of the session,

    base_n (1 + sensitivity_n (m_r(t) - 1)),
    m_r(t) = (1 + evoked_r(t)) exp(gain_r tanh(drive_r(t)) - c_r) exp(latent_r(t)),

where drive_r is one behaviour channel (standardised), shifted by the region's lag (a negative lag means that
the neurons lead the behaviour) and smoothed with the region's time constant; evoked_r follows the stimulus
with a size that grows with contrast; latent_r is a fluctuation shared by the region that no behaviour
reflects, half of it with a memory of 0.1 s, half of 5 s; c_r makes the drive's factor average to one. Spikes
are Poisson.

Letters: N neurons, R regions, K trials, T bins of a trial, B bins of the session, E events.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Integer
from scipy.signal import lfilter

from neurokit.config import Config, Count, NonNegative, Number, Positive, Seed
from neurokit.errors import DataError
from neurokit.simulation.brain_state import autoregression

BIN_SIZE = 0.01  # s
BEFORE, BINS = 0.5, 250  # s before the stimulus; bins of a trial
CONTRASTS = (0.0, 0.25, 0.5, 1.0)
LEAD_IN = 10.0  # s before the first trial and after the last


class RegionTruth(Config):
    """What drives a region."""

    name: str
    """The region's, as in the recordings."""
    channel: str
    """The behaviour that drives it."""
    lag: Number
    """s; negative: the neurons lead the behaviour."""
    gain: Number
    """Of the drive, in the log of the rate."""
    time_constant: Positive
    """Of the drive's smoothing, s."""
    neurons: Count = 60
    """Number of neurons."""
    rate: Positive = 3.5
    """Their mean rate, Hz."""
    evoked: Number = 0.3
    """The stimulus response at full contrast, as a fraction of the rate."""
    latent: NonNegative = 0.22
    """Standard deviation of the log fluctuation that behaviour does not reflect."""


# `tests/real` compares real and simulated regions in the same window: reliability is 0.55 to 0.80 in the real
# ones and 0.55 to 0.71 here, the stimulus-locked mean has 0.006 to 0.023 and 0.02 to 0.07 of the variance
# (SCs responds more strongly than any real region).
REGIONS = (
    RegionTruth(name="SCs", channel="pupil_area", lag=-0.20, gain=0.35, time_constant=0.05),
    RegionTruth(name="SCm", channel="pupil_x", lag=0.10, gain=0.35, time_constant=0.05),
    RegionTruth(name="LGd", channel="pupil_area", lag=0.30, gain=0.30, time_constant=0.15),
    RegionTruth(name="CA1", channel="face_motion", lag=0.05, gain=0.30, time_constant=0.10),
)


class SessionParameters(Config):
    """One simulated session; the same parameters give the same files."""

    mouse: str = "Simulated"
    """Its name."""
    date: str = "2026-01-01"
    """Of the session."""
    trials: Count = 250
    """Number of trials."""
    seed: Seed = 0
    """Of all that is random."""
    regions: tuple[RegionTruth, ...] = REGIONS
    """The regions recorded from, and what drives them."""


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
    def trial_bins(self) -> Int[np.ndarray, "K T"]:
        """The session's bins of each trial."""
        first = np.round((self.stimulus - BEFORE) / BIN_SIZE).astype(int)
        return first[:, None] + np.arange(BINS)


@dataclass(frozen=True)
class Behaviour:
    """The animal's state (true) and what cameras and sensors would record of it, B each.

    Pupil area in arbitrary units, pupil position in video-frame units, face motion in arbitrary units, wheel
    in ticks per bin, licks per bin. `pupil` holds the rows area, x, y without artefacts, `measured_pupil` the
    same with noise, blinks and failed fits; `blink` marks eye closures.
    """

    pupil: Float[np.ndarray, "3 B"]
    measured_pupil: Float[np.ndarray, "3 B"]
    blink: Bool[np.ndarray, "B"]
    face_motion: Float[np.ndarray, "B"]
    wheel: Float[np.ndarray, "B"]
    licks: Int[np.ndarray, "B"]


@dataclass(frozen=True)
class SimulatedSession:
    """A session on one clock of 10-ms bins, and its truth.

    `spikes` are counts, N x B; `region` is each neuron's index in `parameters.regions`. `expected_rates` (Hz
    per neuron, K x T x R) is the best prediction from a trial's behaviour alone: the planted drive of that
    trial, evoked response averaged over contrast.
    """

    parameters: SessionParameters
    events: TaskEvents
    behaviour: Behaviour
    spikes: Integer[np.ndarray, "N B"]
    region: Int[np.ndarray, "N"]
    expected_rates: Float[np.ndarray, "K T R"]


def simulate_session(
    parameters: SessionParameters = SessionParameters(),  # noqa: B008  frozen
) -> SimulatedSession:
    """Draws events, behaviour and spikes of one session."""
    random = np.random.default_rng(parameters.seed)
    events = draw_events(parameters.trials, random)
    behaviour = simulate_behaviour(events, random)
    spikes, expected = zip(
        *(_simulate_region(region, events, behaviour, random) for region in parameters.regions), strict=True
    )
    return SimulatedSession(
        parameters=parameters,
        events=events,
        behaviour=behaviour,
        spikes=np.concatenate(spikes),
        region=np.repeat(np.arange(len(spikes)), [len(counts) for counts in spikes]),
        expected_rates=np.stack(expected, axis=-1),
    )


# The mouse


def draw_events(trials: int, random: np.random.Generator) -> TaskEvents:
    """Draws `trials` trials: four contrasts a side, go cue, response and feedback.

    Response times do not depend on contrast, so that pupil and contrast are independent in the truth.
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
    bins = int(np.ceil(float(events.stimulus[-1] + LEAD_IN) / BIN_SIZE))
    running = _simulate_running(events, bins, random)
    licks = _simulate_licks(events, bins, random)
    face = running + 0.8 * _follow(licks, 0.15) + 0.25 * autoregression(bins, 0.3 / BIN_SIZE, random)
    area = _simulate_area(events, running, random)
    pupil = np.stack([area, *_simulate_position(bins, random)])
    blink = _draw_blinks(bins, random)
    return Behaviour(
        pupil=pupil,
        measured_pupil=_measure(pupil, blink, random),
        blink=blink,
        face_motion=1.5 + face,
        wheel=np.round(6.0 * running * (1 + 0.3 * random.standard_normal(bins))),
        licks=licks,
    )


def _simulate_running(events: TaskEvents, bins: int, random: np.random.Generator) -> np.ndarray:
    """Bouts of running that come and go, and a turn of the wheel at most responses."""
    bouts = np.maximum(autoregression(bins, 3.0 / BIN_SIZE, random) - 0.5, 0)
    turns = _follow(_count(events.response_time[events.response != 0] - 0.15, bins), 0.12)
    return bouts + 0.6 * turns


def _simulate_licks(events: TaskEvents, bins: int, random: np.random.Generator) -> np.ndarray:
    """Seven licks a second for about a second after each reward, and stray ones."""
    rewarded = _follow(_count(events.feedback[events.feedback_type == 1], bins), 0.35)
    return random.poisson(BIN_SIZE * (0.3 + 7 * rewarded))


def _simulate_area(events: TaskEvents, running: np.ndarray, random: np.random.Generator) -> np.ndarray:
    bins = len(running)
    slow, fast = (autoregression(bins, seconds / BIN_SIZE, random) for seconds in (8.0, 0.8))
    arousal = 0.5 * slow + 0.6 * fast
    effort = _follow(running, 0.6) / (0.6 / BIN_SIZE)
    dilation = 0.5 * effort + 0.8 * _follow(_count(events.feedback, bins), 0.7)
    constriction = 0.5 * _follow(_count(events.stimulus + 0.2, bins), 0.3)
    return 0.06 * np.exp(0.35 * (arousal + dilation - constriction))


def _simulate_position(bins: int, random: np.random.Generator) -> list[np.ndarray]:
    """Saccades about every 1.5 s, mostly horizontal, that return to a slowly drifting centre."""
    saccade = random.random(bins) < BIN_SIZE / 1.5
    last = np.maximum.accumulate(np.where(saccade, np.arange(bins), 0))
    axes = []
    for centre, size in ((120.0, 3.0), (90.0, 1.2)):
        target = size * random.standard_normal(bins)
        drift = autoregression(bins, 20.0 / BIN_SIZE, random)
        axes.append(centre + target[last] + 0.4 * size * drift)
    return axes


def _draw_blinks(bins: int, random: np.random.Generator) -> np.ndarray:
    """Closures of 60 to 600 ms, one in about 12 s."""
    starts = np.flatnonzero(random.random(bins) < BIN_SIZE / 12)
    ends = np.minimum(starts + random.integers(6, 60, len(starts)), bins)
    change = np.zeros(bins + 1)
    np.add.at(change, starts, 1)
    np.add.at(change, ends, -1)
    return np.cumsum(change)[:-1] > 0


def _measure(pupil: np.ndarray, blink: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Camera noise everywhere; in blinks the fit follows the lid, and on rare occasions it explodes."""
    bins = pupil.shape[1]
    measured = pupil + np.array([[0.001], [0.1], [0.1]]) * random.standard_normal((3, bins))
    closed = random.standard_normal((3, blink.sum()))
    lid, spread = np.array([[0.0], [120.0], [80.0]]), np.array([[0.004], [12.0], [12.0]])
    measured[:, blink] = lid + spread * closed
    wild = np.flatnonzero(random.random(bins) < 0.0015)
    measured[0, wild] = random.choice([-1, 1], len(wild)) * random.lognormal(0.5, 1.0, len(wild))
    return measured


def _count(times: Float[np.ndarray, "E"], bins: int) -> Float[np.ndarray, "B"]:
    """Events (s) in each of the session's bins."""
    return np.bincount(np.floor(times / BIN_SIZE).astype(int), minlength=bins)[:bins].astype(float)


def _follow(counts: np.ndarray, time_constant: float) -> np.ndarray:
    """An alpha function t/tau exp(1 - t/tau) after each event of `counts`."""
    t = np.arange(0, 8 * time_constant, BIN_SIZE) / time_constant
    return lfilter(t * np.exp(1 - t), [1.0], np.asarray(counts, dtype=float))


# Its neurons


def _simulate_region(
    region: RegionTruth, events: TaskEvents, behaviour: Behaviour, random: np.random.Generator
) -> tuple[Integer[np.ndarray, "N B"], Float[np.ndarray, "K T"]]:
    """Spike counts of one region, and the rates (Hz) that are expected from a trial's own behaviour."""
    bins = len(behaviour.blink)
    base = random.lognormal(np.log(region.rate) - 0.125, 0.5, region.neurons)
    sensitivity = random.uniform(0.5, 1.5, region.neurons)
    channel = standardise(channel_values(behaviour, region.channel))
    drive = _exponentiate(channel, region)
    contrast = np.maximum(events.contrast_left, events.contrast_right)
    evoked, mean_evoked = (
        _evoke(events.stimulus, size, bins, region) for size in (contrast, contrast.mean())
    )
    fast, slow = (autoregression(bins, seconds / BIN_SIZE, random) for seconds in (0.1, 5.0))
    latent = np.exp(region.latent * (np.sqrt(0.5) * (fast + slow)) - region.latent**2 / 2)
    modulation = (1 + evoked) * drive / drive.mean() * latent
    rate = np.maximum(base[:, None] * (1 + sensitivity[:, None] * (modulation - 1)), 0)
    in_trials = events.trial_bins
    known = (1 + mean_evoked[in_trials]) * (_exponentiate(channel[in_trials], region) / drive.mean())
    expected = base.mean() + (base * sensitivity).mean() * (known - 1)
    return random.poisson(rate * BIN_SIZE).astype(np.uint8), expected


def channel_values(behaviour: Behaviour, channel: str) -> Float[np.ndarray, "B"]:
    """A behaviour channel without the camera's artefacts; DataError for one that is not simulated."""
    rows = dict(zip(("pupil_area", "pupil_x", "pupil_y"), behaviour.pupil, strict=True))
    rows |= {name: getattr(behaviour, name) for name in ("face_motion", "wheel", "licks")}
    if channel not in rows:
        raise DataError(f"No channel {channel!r} is simulated; a region can follow {', '.join(rows)}.")
    return rows[channel].astype(float)


def standardise(values: Float[np.ndarray, "B"]) -> Float[np.ndarray, "B"]:
    """Zero mean and unit variance over the session."""
    return (values - values.mean()) / values.std()


def filter_channel(channel: Float[np.ndarray, "*K B"], region: RegionTruth) -> Float[np.ndarray, "*K B"]:
    """The channel as the region follows it: smoothed by its time constant, shifted by its lag."""
    keep = np.exp(-BIN_SIZE / region.time_constant)
    smooth, _ = lfilter([1 - keep], [1.0, -keep], channel, zi=keep * channel[..., :1])
    source = np.arange(channel.shape[-1]) - round(region.lag / BIN_SIZE)
    return smooth[..., np.clip(source, 0, channel.shape[-1] - 1)]


def _exponentiate(channel: np.ndarray, region: RegionTruth) -> np.ndarray:
    """The drive's factor of the rate, before its mean is taken out."""
    return np.exp(region.gain * np.tanh(filter_channel(channel, region)))


def _evoke(stimulus: np.ndarray, size: np.ndarray | float, bins: int, region: RegionTruth) -> np.ndarray:
    """A response that starts 50 ms after the stimulus, peaks 40 ms later and fades; B."""
    train = np.zeros(bins)
    train[np.round((stimulus + 0.05) / BIN_SIZE).astype(int)] = size
    t = np.arange(0, 0.4, BIN_SIZE) / 0.04
    return region.evoked * lfilter(t * np.exp(1 - t), [1.0], train)
