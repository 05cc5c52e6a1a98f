"""The trials of a search: how one runs, when it is stopped early, and what the search has found.

A trial is one call of the objective, whose end is recorded in every case. One that is worse than half of its
predecessors is not worth finishing: the median rule of Golovin et al., "Google Vizier", KDD 2017, section
3.2.2, here on the best losses so far instead of running averages.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from inspect import Parameter, signature
from math import isfinite
from statistics import median
from time import perf_counter
from typing import Any, Literal

import pandas as pd

from neurokit.config import Config, Count, WholeNumber
from neurokit.errors import FitError

Curve = Sequence[tuple[int, float]]
"""The reports of one trial, in order: (epoch, validation loss)."""
Status = Literal["proposed", "complete", "pruned", "failed"]
Report = Callable[[int, float], None]
Objective = Callable[..., Any]
"""Takes the parameters, and `report` if it likes; returns the loss, alone or in hyperopt's dict."""


class MedianStopping(Config):
    """Stops a trial whose best loss is above the median of earlier trials' best by that epoch.

    An earlier trial that ended sooner (pruned, or stopped by its own patience) counts with its best loss: it
    could only have improved, so the rule is never stricter than with complete curves.
    """

    warm_up_trials: Count = 5
    """Least number of earlier trials to compare with."""
    warm_up_epochs: WholeNumber = 10
    """The first epoch in which a trial may be stopped."""

    def stops(self, curve: Curve, earlier: Sequence[Curve]) -> bool:
        """Whether the trial of `curve` should stop at its last report; a tie continues."""
        epoch = curve[-1][0]
        rivals = [best for other in earlier if (best := best_until(other, epoch)) is not None]
        if epoch < self.warm_up_epochs or len(rivals) < self.warm_up_trials:
            return False
        return min(loss for _, loss in curve) > median(rivals)


def best_until(curve: Curve, epoch: int) -> float | None:
    """The lowest loss reported up to and including `epoch`, None where there was no report yet."""
    return min((loss for at, loss in curve if at <= epoch), default=None)


class Pruned(Exception):  # noqa: N818 (not an error: the objective may clean up and must let it pass)
    """Raised by `report` inside the objective when median stopping ends its trial."""


@dataclass(frozen=True)
class Trial:
    """The parameters of a trial and its result.

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
    """The `report` of one trial: records its curve and raises Pruned where the rule applies."""

    def __init__(self, stop: MedianStopping | None, earlier: Sequence[Curve]) -> None:
        """`earlier` holds the curves of the trials that had ended when this one was proposed."""
        self.curve: list[tuple[int, float]] = []
        self._stop, self._earlier = stop, earlier

    def __call__(self, epoch: int, loss: float) -> None:
        """Records the validation loss after an epoch; FitError if it is not finite or the epoch not later."""
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
    """Runs the trial and returns its record; raises only what is not an Exception (an interrupt)."""
    report, start = Reporter(stop, earlier), perf_counter()
    try:
        loss = call_objective(objective, trial.parameters, report)
        trial = replace(trial, status="complete", loss=loss)
    except Pruned as reason:
        best = min(loss for _, loss in report.curve)
        trial = replace(trial, status="pruned", loss=best, message=str(reason))
    except Exception as error:  # one bad point must not end the search
        trial = replace(trial, status="failed", message=f"{type(error).__name__}: {error}")
    return replace(trial, curve=report.curve, seconds=perf_counter() - start)


def call_objective(objective: Objective, parameters: dict[str, Any], report: Report) -> float:
    """The loss of an objective that may be written as for hyperopt; FitError where there is none."""
    return _loss(objective(*(parameters, report)[: _arguments_of(objective)]))


def _arguments_of(objective: Callable[..., Any]) -> int:
    """1 for an objective that takes the parameters alone, as hyperopt's own do; else 2."""
    try:
        takes = list(signature(objective).parameters.values())
    except (TypeError, ValueError):  # built-in functions may not say
        return 2
    if any(each.kind is Parameter.VAR_POSITIONAL for each in takes):
        return 2
    by_position = [each for each in takes if each.kind is not Parameter.KEYWORD_ONLY]
    wanted = [each for each in by_position if each.default is Parameter.empty or each.name == "report"]
    return min(len(wanted), 2)


def _loss(result: Any) -> float:
    """The loss that was returned: a number, one in an array, or hyperopt's dict of loss and status."""
    if isinstance(result, Mapping):
        if result.get("status", "ok") == "fail":
            raise FitError(f"the objective returned the status 'fail' ({dict(result)})")
        if "loss" not in result:
            raise FitError(f"the objective returned {dict(result)}, which has no loss")
        result = result["loss"]
    loss = float(result.item() if hasattr(result, "item") else result)
    if not isfinite(loss):
        raise FitError(f"the objective returned {loss}")
    return loss


class Study:
    """The trials of a search, as tables and as the best point; FitError where all failed."""

    def __init__(self, records: Sequence[Trial]) -> None:
        """`records` in the order of proposal."""
        self.records = tuple(records)
        complete = [
            (trial.loss, trial)
            for trial in self.records
            if trial.status == "complete" and trial.loss is not None
        ]
        if not complete:
            raise FitError(
                f"All {len(self.records)} trials of the search failed "
                f"(the first with {self._first_message()!r}): "
                "correct the objective or the space and start again."
            )
        self._best_loss, self._best = min(complete, key=lambda pair: pair[0])

    @property
    def best(self) -> dict[str, Any]:
        """The parameters of the completed trial with the lowest loss (the first of equals)."""
        return self._best.parameters

    @property
    def best_loss(self) -> float:
        """The lowest loss of a completed trial."""
        return self._best_loss

    @property
    def trials(self) -> pd.DataFrame:
        """One row per trial: number, status, loss, epochs (the last), seconds, message, parameters.

        A nested parameter has a dotted name (`cell.kind`); NaN where a trial does not have it.
        """
        head = [
            {
                "number": trial.number,
                "status": trial.status,
                "loss": trial.loss,
                "epochs": trial.curve[-1][0] if trial.curve else 0,
                "seconds": trial.seconds,
                "message": trial.message,
            }
            for trial in self.records
        ]
        parameters = pd.json_normalize([trial.parameters for trial in self.records])
        return pd.concat([pd.DataFrame(head).astype({"loss": float}), parameters], axis=1)

    @property
    def curves(self) -> pd.DataFrame:
        """One row per report: number (of the trial), epoch, loss."""
        rows = [(trial.number, *report) for trial in self.records for report in trial.curve]
        return pd.DataFrame(rows, columns=["number", "epoch", "loss"])

    def _first_message(self) -> str:
        return self.records[0].message if self.records else "no trial"
