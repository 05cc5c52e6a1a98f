"""A simulated Steinmetz session: regions that follow known channels, by known lags and gains.

The rate of neuron n in region r is, at time t of the session,

    base_n (1 + sensitivity_n (m_r(t) - 1)),
    m_r(t) = (1 + evoked_r(t)) exp(gain_r tanh(drive_r(t)) - c_r) exp(latent_r(t)),

where drive_r is one behaviour channel (standardised), shifted by the region's lag (a negative lag
means that the neurons lead the pupil) and smoothed with the region's time constant; evoked_r
follows the stimulus with a size that grows with contrast; latent_r is a fluctuation shared by the
region that no behaviour reflects; spikes are Poisson. c_r makes the drive's factor average to one.
The truth (drive, evoked response and the best rate a model can know from the inputs) goes into
`truth.npz`; no reader opens it.

Letters: N neurons, R regions, K trials, T bins of a trial, B bins of the session.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Integer
from scipy.ndimage import uniform_filter1d
from scipy.signal import lfilter

from neurokit.config import Config, Count, NonNegative, Number, Positive, Seed
from neurokit.errors import DataError
from neurokit.pupil_encoder.behaviour import (
    BIN_SIZE,
    Behaviour,
    TaskEvents,
    ornstein_uhlenbeck,
    simulate_behaviour,
    task_events,
)

BEFORE, BINS = 0.5, 250  # s before the stimulus; bins of a trial


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
    """By which the drive is smoothed, s."""
    neurons: Count = 60
    """How many."""
    rate: Positive = 3.5
    """Their mean rate, Hz."""
    evoked: Number = 0.3
    """The stimulus response at full contrast, as a fraction of the rate."""
    latent: NonNegative = 0.22
    """Standard deviation of the log fluctuation that behaviour does not tell of."""


# Set before any model was fitted, by eye on one real session, Cori 2016-12-17. `tests/real`
# measures both: there the reliability of a region is 0.55 to 0.80 and the stimulus-locked mean has
# 0.006 to 0.023 of the variance; here 0.55 to 0.71 and 0.02 to 0.07 in the same window (SCs
# responds more strongly than any region there).
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
    """How many."""
    seed: Seed = 0
    """Of all that is random."""
    regions: tuple[RegionTruth, ...] = REGIONS
    """The regions recorded from, and what drives them."""


@dataclass(frozen=True)
class SimulatedSession:
    """A session on one clock of 10-ms bins, and its truth.

    `spikes` are counts, N x B. `expected_rates` (Hz per neuron, K x T x R) is the best a model can
    say from a trial's behaviour alone: the planted drive of that trial, evoked response averaged
    over contrast.
    """

    parameters: SessionParameters
    events: TaskEvents
    behaviour: Behaviour
    spikes: Integer[np.ndarray, "N B"]
    region: Int[np.ndarray, "N"]
    expected_rates: Float[np.ndarray, "K T R"]

    @property
    def trial_bins(self) -> Int[np.ndarray, "K T"]:
        """The session's bins of each trial."""
        first = np.round((self.events.stimulus - BEFORE) / BIN_SIZE).astype(int)
        return first[:, None] + np.arange(BINS)


def simulate_session(
    parameters: SessionParameters = SessionParameters(),  # noqa: B008  frozen
) -> SimulatedSession:
    """Draws events, behaviour and spikes of one session."""
    random = np.random.default_rng(parameters.seed)
    events = task_events(parameters.trials, random)
    behaviour = simulate_behaviour(events, random)
    spikes, expected = [], []
    for region in parameters.regions:
        counts, rates = _region(region, events, behaviour, random)
        spikes.append(counts)
        expected.append(rates)
    return SimulatedSession(
        parameters=parameters,
        events=events,
        behaviour=behaviour,
        spikes=np.concatenate(spikes),
        region=np.repeat(np.arange(len(spikes)), [len(counts) for counts in spikes]),
        expected_rates=np.stack(expected, axis=-1),
    )


def _region(
    region: RegionTruth, events: TaskEvents, behaviour: Behaviour, random: np.random.Generator
) -> tuple[Integer[np.ndarray, "N B"], Float[np.ndarray, "K T"]]:
    """Spike counts (N x B) of one region and the rates that its inputs tell (K x T, Hz)."""
    bins = len(behaviour.blink)
    base = random.lognormal(np.log(region.rate) - 0.125, 0.5, region.neurons)
    sensitivity = random.uniform(0.5, 1.5, region.neurons)
    channel = standardise(channel_values(behaviour, region.channel))
    factor = np.exp(region.gain * np.tanh(filter_channel(channel, region)))
    contrast = np.maximum(events.contrast_left, events.contrast_right)
    evoked, evoked_mean = (
        _evoked(events.stimulus, size, bins, region) for size in (contrast, contrast.mean())
    )
    latent = np.exp(region.latent * _latent(bins, random) - region.latent**2 / 2)
    modulation = (1 + evoked) * factor / factor.mean() * latent
    rate = np.maximum(base[:, None] * (1 + sensitivity[:, None] * (modulation - 1)), 0)
    known = _expected_factor(channel, events, region, factor.mean(), evoked_mean)
    expected = base.mean() + (base * sensitivity).mean() * (known - 1)
    return random.poisson(rate * BIN_SIZE).astype(np.uint8), expected


def channel_values(behaviour: Behaviour, channel: str) -> Float[np.ndarray, "B"]:
    """A behaviour channel without the camera's artefacts; DataError for one not simulated."""
    rows = dict(zip(("pupil_area", "pupil_x", "pupil_y"), behaviour.pupil, strict=True))
    rows |= {name: getattr(behaviour, name) for name in ("face_motion", "wheel", "licks")}
    if channel not in rows:
        finding = f"No channel {channel!r} is simulated"
        raise DataError(f"{finding}; a region can follow {', '.join(rows)}.")
    return rows[channel].astype(float)


def standardise(values: Float[np.ndarray, "B"]) -> Float[np.ndarray, "B"]:
    """Zero mean and unit variance over the session."""
    return (values - values.mean()) / values.std()


def filter_channel(channel: Float[np.ndarray, "*K B"], region: RegionTruth) -> Float[np.ndarray, "*K B"]:
    """The channel as the region follows it: smoothed by its time constant, shifted by its lag."""
    keep = np.exp(-BIN_SIZE / region.time_constant)
    start = keep * channel[..., :1]
    smooth, _ = lfilter([1 - keep], [1.0, -keep], channel, zi=start)
    source = np.arange(channel.shape[-1]) - round(region.lag / BIN_SIZE)
    return smooth[..., np.clip(source, 0, channel.shape[-1] - 1)]


def _evoked(
    stimulus: np.ndarray,
    contrast: np.ndarray | float,
    bins: int,
    region: RegionTruth,
) -> np.ndarray:
    """A response that starts 50 ms after the stimulus, peaks 40 ms later and fades; B."""
    train = np.zeros(bins)
    train[np.round((stimulus + 0.05) / BIN_SIZE).astype(int)] = contrast
    t = np.arange(0, 0.4, BIN_SIZE) / 0.04
    return region.evoked * lfilter(t * np.exp(1 - t), [1.0], train)


def _latent(bins: int, random: np.random.Generator) -> np.ndarray:
    """Half of the shared fluctuation lives for 0.1 s, half for 5 s; unit variance."""
    fast, slow = (ornstein_uhlenbeck(bins, seconds, random) for seconds in (0.1, 5.0))
    return np.sqrt(0.5) * (fast + slow)


def _expected_factor(
    channel: np.ndarray,
    events: TaskEvents,
    region: RegionTruth,
    factor_mean: float,
    evoked: np.ndarray,
) -> Float[np.ndarray, "K T"]:
    """The expected modulation given one trial's own window of the channel."""
    bins = np.round((events.stimulus - BEFORE) / BIN_SIZE).astype(int)[:, None] + np.arange(BINS)
    factor = np.exp(region.gain * np.tanh(filter_channel(channel[bins], region))) / factor_mean
    return (1 + evoked[bins]) * factor


def best_r2(session: SimulatedSession, width: float = 0.1) -> Float[np.ndarray, "R"]:
    """Variance explained, per region, by the expected rates: the best that behaviour can tell.

    Both sides are smoothed by the causal boxcar of `width` s; its start-up bins are left out.
    """
    bins = round(width / BIN_SIZE)
    scores = []
    for index in range(session.expected_rates.shape[-1]):
        counts = session.spikes[session.region == index].mean(0)[session.trial_bins]
        rate = _trailing(counts / BIN_SIZE, bins)
        known = _trailing(session.expected_rates[..., index], bins)
        scores.append(1 - ((rate - known) ** 2).sum() / ((rate - rate.mean()) ** 2).sum())
    return np.array(scores)


def _trailing(rates: Float[np.ndarray, "K T"], bins: int) -> Float[np.ndarray, "K U"]:
    """Mean of each bin and the `bins - 1` before it, from the first bin that has them all."""
    return uniform_filter1d(rates, bins, axis=-1, origin=(bins - 1) // 2)[:, bins - 1 :]
