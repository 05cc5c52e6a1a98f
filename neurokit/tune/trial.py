"""One trial: the objective called once, with every way it can end turned into a record."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from time import perf_counter
from typing import Any, Literal

from neurokit.errors import FitError
from neurokit.tune.median import Curve, MedianStopping

Status = Literal["proposed", "complete", "pruned", "failed"]
Report = Callable[[int, float], None]
Objective = Callable[[dict[str, Any], Report], float]


class Pruned(Exception):  # noqa: N818 (no error: the objective may tidy up and must let it pass)
    """Raised by `report` inside an objective whose trial median stopping ends."""


@dataclass(frozen=True)
class Trial:
    """What was tried and what came of it.

    `coordinates` are hyperopt's (choices as indices), `parameters` what the objective was given.
    `loss` is the objective's value, or the best reported one of a pruned trial (TPE learns from
    it), or None of a failed one (TPE takes it as infinitely bad), whose reason is `message`.
    `seconds` is wall time.
    """

    number: int
    coordinates: dict[str, int | float]
    parameters: dict[str, Any]
    status: Status = "proposed"
    loss: float | None = None
    message: str = ""
    seconds: float = 0.0
    curve: list[tuple[int, float]] = field(default_factory=list)


class Reporter:
    """The `report` of one trial: keeps its curve and raises Pruned where the rule says so."""

    def __init__(self, stop: MedianStopping | None, earlier: Sequence[Curve]) -> None:
        """`earlier` holds the curves of the trials that were over when this one was proposed."""
        self.curve: list[tuple[int, float]] = []
        self._stop, self._earlier = stop, earlier

    def __call__(self, epoch: int, loss: float) -> None:
        """Takes the validation loss after an epoch; FitError if not finite or not later."""
        epoch, loss = int(epoch), float(loss)
        if not isfinite(loss):
            raise FitError(f"the loss reported at epoch {epoch} is {loss}")
        if self.curve and epoch <= self.curve[-1][0]:
            raise FitError(f"epoch {epoch} was reported after epoch {self.curve[-1][0]}")
        self.curve.append((epoch, loss))
        if self._stop is not None and self._stop.stops(self.curve, self._earlier):
            raise Pruned(f"worse than the median of earlier trials at epoch {epoch}")


def run_trial(
    objective: Objective, trial: Trial, stop: MedianStopping | None, earlier: Sequence[Curve]
) -> Trial:
    """The trial after its run; only what is no Exception (an interrupt) leaves it."""
    report, start = Reporter(stop, earlier), perf_counter()
    try:
        loss = float(objective(trial.parameters, report))
        if not isfinite(loss):
            raise FitError(f"the objective returned {loss}")
        ending = {"status": "complete", "loss": loss}
    except Pruned as reason:
        best = min(loss for _, loss in report.curve)
        ending = {"status": "pruned", "loss": best, "message": str(reason)}
    except Exception as error:  # one bad corner of the space must not end the search
        ending = {"status": "failed", "message": f"{type(error).__name__}: {error}"}
    return replace(trial, **ending, curve=report.curve, seconds=perf_counter() - start)
