"""Times on a recording's clock, counted in the bins of its trials.

Trials may overlap: what happens then counts in each of them.

Letters: M spikes, E events, L events within trials, N units, K trials, T bins of a trial, U edges of them.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Integer

COUNTS = (np.uint8, np.uint16, np.int64)  # the smallest that holds all is taken


@dataclass(frozen=True)
class TrialBins:
    """The bins of all trials.

    Attributes:
        starts: of the first bin of each trial, s on the recording's clock.
        number: of bins in a trial.
        size: of a bin, s.
    """

    starts: Float[np.ndarray, "K"]
    number: int
    size: float

    @property
    def centres(self) -> Float[np.ndarray, "K T"]:
        """The middle of each bin, s."""
        return self.starts[:, None] + (np.arange(self.number) + 0.5) * self.size

    @property
    def edges(self) -> Float[np.ndarray, "K U"]:
        """The start of each bin, and the end of the last, s."""
        return self.starts[:, None] + np.arange(self.number + 1) * self.size

    @property
    def span(self) -> Float[np.ndarray, "2"]:
        """Start of the first and end of the last trial, s."""
        return np.array([self.starts.min(), self.starts.max() + self.number * self.size])


def count_spikes(
    times: Float[np.ndarray, "M"], unit: Int[np.ndarray, "M"], units: int, bins: TrialBins
) -> Integer[np.ndarray, "N K T"]:
    """The counts of each unit in each bin; `times` sorted, s, `unit` from 0 to `units` - 1."""
    spike, place = _locate(times, bins)
    trials = len(bins.starts)
    places, number = np.unique(unit[spike] * (trials * bins.number) + place, return_counts=True)
    most = number.max(initial=0)
    kind = next(each for each in COUNTS if most <= np.iinfo(each).max)
    counts = np.zeros(units * trials * bins.number, dtype=kind)
    counts[places] = number
    return counts.reshape(units, trials, bins.number)


def count_events(
    times: Float[np.ndarray, "E"], bins: TrialBins, weights: Float[np.ndarray, "E"] | None = None
) -> Float[np.ndarray, "K T"]:
    """Events in each bin, or the sum of their weights; `times` sorted, s."""
    event, place = _locate(times, bins)
    trials = len(bins.starts)
    chosen = None if weights is None else weights[event]
    found = np.bincount(place, chosen, minlength=trials * bins.number)
    return found.reshape(trials, bins.number).astype(float)


def _locate(
    times: Float[np.ndarray, "E"], bins: TrialBins
) -> tuple[Int[np.ndarray, "L"], Int[np.ndarray, "L"]]:
    """Which events lie in trials, once for each trial, and where: trial times bins, plus the bin."""
    size, number = bins.size, bins.number
    first, last = np.searchsorted(times, [bins.starts - size, bins.starts + (number + 1) * size])
    near = last - first  # more than lie within, so that the bin alone decides
    trial = np.repeat(np.arange(len(first)), near)
    event = np.arange(near.sum()) + np.repeat(first - (np.cumsum(near) - near), near)
    place = np.floor((times[event] - bins.starts[trial]) / size).astype(int)
    within = (place >= 0) & (place < number)
    return event[within], trial[within] * number + place[within]
