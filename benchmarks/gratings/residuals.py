"""What a stimulus leaves open: responses above the mean of their direction, and running that is not theirs.

Letters: K trials, T samples, N cells, A trials of training.
"""

import numpy as np
from jaxtyping import Float, Float32, Int

from neurokit.errors import DataError


def psth(
    responses: Float[np.ndarray, "K T N"], direction: Float[np.ndarray, "K"], training: Int[np.ndarray, "A"]
) -> Float[np.ndarray, "K T N"]:
    """For each trial the mean time course of the training trials of its direction.

    Raises DataError for a direction that no training trial has.
    """
    found = np.empty_like(responses)
    for angle in np.unique(direction):
        same = training[direction[training] == angle]
        if not len(same):
            raise DataError(f"No training trial has direction {angle:g}; split by repeats.")
        found[direction == angle] = responses[same].mean(axis=0)
    return found


def residual(
    responses: Float[np.ndarray, "K T N"], direction: Float[np.ndarray, "K"], training: Int[np.ndarray, "A"]
) -> Float[np.ndarray, "K T N"]:
    """What each trial did above the `psth` of the training trials; raises as that."""
    return responses - psth(responses, direction, training)


def shifted(
    running: Float32[np.ndarray, "K T"], direction: Float32[np.ndarray, "K"], *, seed: int
) -> Float32[np.ndarray, "K T"]:
    """Each trial with the running of a trial of its direction far away: shifted in a circle over repeats.

    The shift is a quarter to three quarters of the repeats, drawn from `seed`. What running owes to the
    direction and to the time in the trial stays; what it has to do with the responses of its own trial goes.
    Raises DataError where a direction has fewer than two trials.
    """
    moved, share = np.empty_like(running), np.random.default_rng(seed).uniform(0.25, 0.75)
    for angle in np.unique(direction):
        trials = np.flatnonzero(direction == angle)
        if len(trials) < 2:
            raise DataError(f"Direction {angle:g} has one trial; a shift needs two or more.")
        moved[trials] = running[np.roll(trials, max(1, round(share * len(trials))))]
    return moved
