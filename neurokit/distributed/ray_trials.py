"""Trials on Ray: our objective its trainable, our median rule its scheduler, its result a record.

Imports ray, so it is itself imported only when a search on Ray begins.
"""

from collections.abc import Sequence
from math import inf, isfinite
from typing import Any

from ray import tune
from ray.tune.schedulers import FIFOScheduler

from neurokit.config import plain
from neurokit.tune.trials import Curve, MedianStopping, Objective, Report, Trial, run_trial


def run_on_ray(objective: Objective, parameters: dict[str, Any]) -> None:
    """What Ray runs: tells the best loss so far after each epoch, and at last how it ended."""

    def told(parameters: dict[str, Any], report: Report) -> float:
        best = inf

        def both(epoch: int, loss: float) -> None:
            nonlocal best
            report(epoch, loss)
            best = min(best, float(loss))
            now = {"epoch": int(epoch), "epoch_loss": float(loss)}
            tune.report({"loss": best, "status": "running"} | now)

        return objective(parameters, both)

    ended = run_trial(told, Trial(0, {}, plain(parameters)), None, [])
    tune.report(
        {
            "loss": inf if ended.loss is None else ended.loss,
            "status": ended.status,
            "message": ended.message,
            "seconds": ended.seconds,
        }
    )


class MedianScheduler(FIFOScheduler):
    """Ray's first-in-first-out scheduler with our median rule over the trials that are over."""

    def __init__(self, stop: MedianStopping, earlier: Sequence[Curve] = ()) -> None:
        """The rule to apply, and the curves of trials that were over before."""
        super().__init__()
        self.stop, self.earlier = stop, tuple(earlier)
        self.curves: dict[str, list[tuple[int, float]]] = {}
        self.over: set[str] = set()

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """Ray's question after each report: go on or stop."""
        if result.get("status") != "running":
            return self.CONTINUE
        curve = self.curves.setdefault(trial.trial_id, [])
        curve.append((result["epoch"], result["epoch_loss"]))
        earlier = [*self.earlier, *(self.curves[name] for name in sorted(self.over))]
        return self.STOP if self.stop.stops(curve, earlier) else self.CONTINUE

    def on_trial_complete(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> None:
        """Ray's notice that a trial is over; one that failed or never reported is no yardstick."""
        if result.get("status") != "failed" and trial.trial_id in self.curves:
            self.over.add(trial.trial_id)


def folder_name(trial: Any) -> str:
    """A trial's folder, numbered in order of proposal (Ray's tag is `1_cell=gru,...`): `00001`."""
    return f"{int(trial.experiment_tag.split('_')[0]):05d}"


def record(number: int, result: Any) -> Trial:
    """Ray's result as our record; its coordinates stay unknown, inside Ray's searcher."""
    metrics = result.metrics or {}
    status, loss = metrics.get("status", "failed"), metrics.get("loss", inf)
    if status == "running":  # its last word was a report: stopped by the rule, or dead
        status, loss = ("pruned", loss) if result.error is None else ("failed", inf)
    return Trial(
        number,
        coordinates={},
        parameters=plain(result.config),
        status=status,
        loss=float(loss) if isfinite(loss) else None,
        message=str(result.error or metrics.get("message", "")).partition("\n")[0],
        seconds=float(metrics.get("seconds", metrics.get("time_total_s", 0.0))),
        curve=_curve(result),
    )


def _curve(result: Any) -> list[tuple[int, float]]:
    table = result.metrics_dataframe
    if table is None or "epoch" not in table:
        return []
    rows = table[table["status"] == "running"]
    pairs = zip(rows["epoch"], rows["epoch_loss"], strict=True)
    return [(int(epoch), float(loss)) for epoch, loss in pairs]
