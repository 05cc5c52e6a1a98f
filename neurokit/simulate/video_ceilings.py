"""How well anybody could predict a simulated mouse, from its rates alone: no response is drawn for it.

Activity is its mean, known to the simulation, and chance of known variance, so the correlations that the
best predictions reach on average follow from variances over frames. They leave out how a finite number of
frames makes single measurements scatter around them.

Letters: R repeats, T frames of all videos, N cells.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True, eq=False)
class Ceilings:
    """Correlations, N each.

    Attributes:
        single_trial: of activity, frame by frame, with its mean given video and behaviour.
        repeat_mean: of both averaged over repeats.
        cc_max: the highest that activity averaged over repeats reaches with what all repeats share, as
            `neurokit.metrics.cc_max` estimates it. Behaviour counts as noise in it, so a prediction that
            knows the behaviour may come out above.
    """

    single_trial: Float[np.ndarray, "N"]
    repeat_mean: Float[np.ndarray, "N"]
    cc_max: Float[np.ndarray, "N"]


def ceilings(expected: Float[np.ndarray, "R T N"], chance: Float[np.ndarray, "R T N"]) -> Ceilings:
    """Ceilings from the mean and the variance of activity in two or more repeats."""
    repeats = len(expected)
    single, noise = expected.var(axis=(0, 1)), chance.mean(axis=(0, 1))
    known = expected.mean(axis=0).var(axis=0)
    mean = known + noise / repeats  # variance of the mean over repeats
    # Sahani and Linden (NIPS 15, 2003): the power that repeats share, where chance cancels.
    shared = (repeats**2 * known - expected.var(axis=1).sum(axis=0)) / (repeats * (repeats - 1))
    return Ceilings(
        single_trial=np.sqrt(single / (single + noise)),
        repeat_mean=np.sqrt(known / mean),
        cc_max=np.sqrt(np.maximum(shared, 0) / mean),
    )
