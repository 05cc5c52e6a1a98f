"""Median stopping: a trial that is worse than half of its predecessors is not worth finishing.

The rule of Golovin et al., "Google Vizier", KDD 2017, section 3.2.2, here on best-so-far losses
where theirs takes running averages.
"""

from collections.abc import Sequence
from statistics import median

from neurokit.config import Config, Count, WholeNumber

Curve = Sequence[tuple[int, float]]
"""The reports of one trial, in order: (epoch, validation loss)."""


class MedianStopping(Config):
    """Stops a trial whose best loss is above the median of earlier trials' best by that epoch.

    An earlier trial that ended sooner (pruned, or stopped by its own patience) counts with its best of all:
    it could only have improved, so the rule is never harsher than full curves would have made it.
    """

    warm_up_trials: Count = 5
    """Earlier trials that are needed to compare with."""
    warm_up_epochs: WholeNumber = 10
    """The first epoch in which a trial may be stopped."""

    def stops(self, curve: Curve, earlier: Sequence[Curve]) -> bool:
        """Whether the trial of `curve` should stop at its last report; a tie goes on."""
        epoch = curve[-1][0]
        rivals = [best for other in earlier if (best := best_until(other, epoch)) is not None]
        if epoch < self.warm_up_epochs or len(rivals) < self.warm_up_trials:
            return False
        return min(loss for _, loss in curve) > median(rivals)


def best_until(curve: Curve, epoch: int) -> float | None:
    """The lowest loss reported up to and including `epoch`, None where there was no report yet."""
    return min((loss for at, loss in curve if at <= epoch), default=None)
