"""Trials on Ray: an objective as its trainable, the median rule as its scheduler, its result as a trial.

Imports ray, so it is imported only when a search on Ray begins.
"""

from collections.abc import Sequence
from math import inf, isfinite
from typing import Any

from ray import tune
from ray.tune.schedulers import FIFOScheduler

from neurokit.config import plain
from neurokit.tune.trials import Curve, MedianStopping, Objective, Report, Trial, call_objective, run_trial


def run_on_ray(objective: Objective, parameters: dict[str, Any]) -> None:
    """What Ray runs: reports the best loss so far after each epoch, and finally how the trial ended."""

    def report_to_ray(parameters: dict[str, Any], report: Report) -> float:
        best = inf

        def both(epoch: int, loss: float) -> None:
            nonlocal best
            report(epoch, loss)
            best = min(best, float(loss))
            now = {"epoch": int(epoch), "epoch_loss": float(loss)}
            tune.report({"loss": best, "status": "running"} | now)

        return call_objective(objective, parameters, both)

    ended = run_trial(report_to_ray, Trial(0, {}, plain(parameters)), None, [])
    tune.report(
        {
            "loss": inf if ended.loss is None else ended.loss,
            "status": ended.status,
            "message": ended.message,
            "seconds": ended.seconds,
        }
    )


class MedianScheduler(FIFOScheduler):
    """Ray's first-in-first-out scheduler with the median rule over finished trials."""

    def __init__(self, stop: MedianStopping, earlier: Sequence[Curve] = ()) -> None:
        """The rule to apply, and the curves of trials that had finished before."""
        super().__init__()
        self.stop, self.earlier = stop, tuple(earlier)
        self.curves: dict[str, list[tuple[int, float]]] = {}
        self.finished: set[str] = set()

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """Answers Ray after each report: continue or stop."""
        if result.get("status") != "running":
            return self.CONTINUE
        curve = self.curves.setdefault(trial.trial_id, [])
        curve.append((result["epoch"], result["epoch_loss"]))
        earlier = [*self.earlier, *(self.curves[name] for name in sorted(self.finished))]
        return self.STOP if self.stop.stops(curve, earlier) else self.CONTINUE

    def on_trial_complete(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> None:
        """Records a finished trial for later comparisons, unless it failed or never reported."""
        if result.get("status") != "failed" and trial.trial_id in self.curves:
            self.finished.add(trial.trial_id)


def folder_name(trial: Any) -> str:
    """The name of a trial's folder, by order of proposal (Ray's tag is `1_cell=gru,...`): `00001`."""
    return f"{int(trial.experiment_tag.split('_')[0]):05d}"


def record(number: int, result: Any) -> Trial:
    """Ray's result as a trial; its coordinates are unknown, since only Ray's searcher has them."""
    metrics = result.metrics or {}
    status, loss = metrics.get("status", "failed"), metrics.get("loss", inf)
    if status == "running":  # the last report was not a final one: stopped by the rule, or dead
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
