"""Training on several mice at once: one batch of each in every step."""

from collections.abc import Iterator, Mapping

import numpy as np
import torch

from neurokit.checkpoint import fingerprint
from neurokit.errors import DataError
from neurokit.features.mouse_trials import MouseBatch, MouseTrials


class ManyMice:
    """The training trials of all mice: what `fit` trains on.

    An epoch has as many steps as the mouse with most trials has batches; a step is one batch of each
    mouse. Mice with fewer trials start anew, in a new order, within the epoch. `note` says what else a
    broken-off training must agree in to go on. Raises DataError for no mice, or one without trials of
    the tier.
    """

    def __init__(self, mice: Mapping[str, MouseTrials], tier: str = "train", note: str = "") -> None:
        _check_trials(mice, tier)
        self.mice, self.tier, self.note = dict(mice), tier, note
        self.device = next(iter(self.mice.values())).device

    def fingerprint(self) -> str:
        """Which scans, tiers, inputs and fitted states these are."""
        mice = self.mice.values()
        facts = [f"{mouse.scan.key} {mouse.scan.fingerprint} {mouse.inputs}" for mouse in mice]
        tiers = [np.asarray(mouse.tiers).astype("U10") for mouse in mice]
        states = [array for mouse in mice if mouse.state for array in mouse.state.arrays().values()]
        return fingerprint(np.array([self.tier, self.note, *facts]), *tiers, *states)

    def steps(self, size: int, generator: torch.Generator, epoch: int = 0) -> Iterator[list[MouseBatch]]:
        """One batch of each mouse, again and again until all trials of every mouse were seen."""
        streams = [self._endless(mouse, size, generator) for mouse in self.mice.values()]
        longest = max(len(mouse.trials(self.tier)) for mouse in self.mice.values())
        for _ in range(-(-longest // size)):
            yield [next(stream) for stream in streams]

    def _endless(self, mouse: MouseTrials, size: int, generator: torch.Generator) -> Iterator[MouseBatch]:
        while True:
            yield from mouse.batches(mouse.trials(self.tier), size, generator)


def _check_trials(mice: Mapping[str, MouseTrials], tier: str) -> None:
    without = [key for key, mouse in mice.items() if not len(mouse.trials(tier))]
    if without or not mice:
        finding = f"Scan {', '.join(without)} has" if without else "Without a scan there are"
        raise DataError(f"{finding} no trials of tier {tier!r}; give scans that have some.")
