"""The same search on Ray Tune, for many machines: HyperOptSearch, and the same median rule.

Our objective is Ray's trainable, our median rule its scheduler, its result becomes our record. Ray asks for
a new point whenever a worker is free, so unlike `neurokit.tune.search` a run with more than one trial at a
time depends on which trial ends first.

Needs the extra `[distributed]`. Imports ray, so it is itself imported only when a search on Ray begins.
"""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from math import inf, isfinite
from pathlib import Path
from typing import Annotated, Any, SupportsIndex

from pydantic import Field
from ray import tune
from ray.tune.schedulers import FIFOScheduler

from neurokit.config import Count, Seed, checked, plain
from neurokit.distributed.ray_cluster import cluster, import_ray
from neurokit.files.atomic import written
from neurokit.tune import state
from neurokit.tune.space import domain_of, fingerprint
from neurokit.tune.trials import Curve, MedianStopping, Objective, Report, Study, Trial, run_trial

RaySeed = Annotated[Seed, Field(le=2**32 - 1)]  # HyperOptSearch seeds numpy's old generator


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


def search_on_ray(
    objective: Objective,
    space: dict[str, Any],
    *,
    trials: SupportsIndex,
    seed: SupportsIndex,
    storage: str | Path,
    concurrency: SupportsIndex = 2,
    start_up_trials: SupportsIndex = 20,
    stop: MedianStopping | None = None,
    gpus_per_trial: float = 0.0,
) -> Study:
    """Minimises `objective` over `space` in `trials` trials, `concurrency` at a time, a CPU each.

    The trials go to the folder `storage` (on a cluster: one that all machines share); a search that
    broke off there is gone on with (trials of its last second run again, the median rule begins its
    warm-up anew). A larger `trials` extends a finished search, which goes on from all that it knows; a
    smaller one reads its first trials. A cluster that the caller has joined with `ray.init`, or that
    RAY_ADDRESS names, is used and left running; otherwise a local one is started, which listens on this
    machine only, and stopped at the end.
    Raises SettingsError (arguments), FitError (ray or its cluster is missing, the space, every trial failed)
    and CheckpointError (`storage` holds another search).
    """
    import_ray("The search on Ray", "ray.tune")
    from ray import tune
    from ray.tune.logger import JsonLoggerCallback

    trials, concurrency = checked("trials", trials, Count), checked("concurrency", concurrency, Count)
    start_up_trials = checked("start_up_trials", start_up_trials, Count)
    seed = checked("seed", seed, RaySeed)
    domain_of(space)
    folder = Path(storage).absolute()
    settings = {
        "space": fingerprint(space),
        "seed": seed,
        "start_up_trials": start_up_trials,
        "concurrency": concurrency,
        "stop": stop.to_dict() if stop else None,
    }
    _claim(folder, settings)
    trainable = tune.with_resources(partial(run_on_ray, objective), {"cpu": 1, "gpu": gpus_per_trial})

    def run_round(folder: Path, count: int, previous: Path | None, finished: list[Trial]) -> list[Any]:
        """Runs or goes on with so many trials in a folder of their own; their results in order."""
        if tune.Tuner.can_restore(str(folder)):
            tuner = tune.Tuner.restore(str(folder), trainable, resume_unfinished=True)
        else:
            curves = [trial.curve for trial in finished if trial.status != "failed"]
            tuner = tune.Tuner(
                trainable,
                tune_config=tune.TuneConfig(
                    metric="loss",
                    mode="min",
                    num_samples=count,
                    search_alg=_searcher(space, seed, start_up_trials, concurrency, previous),
                    scheduler=MedianScheduler(stop, curves) if stop else None,
                    trial_dirname_creator=folder_name,
                    reuse_actors=True,
                ),
                run_config=tune.RunConfig(
                    name=folder.name,
                    storage_path=str(folder.parent),
                    verbose=0,
                    callbacks=[JsonLoggerCallback()],
                ),
            )
        return sorted(tuner.fit(), key=lambda result: Path(result.path).name)

    finished: list[Trial] = []
    previous = None
    with _manners(), cluster(concurrency):
        while len(finished) < trials:
            round_folder = folder / f"trials-{len(finished)}"  # Ray cannot add trials to those of a round
            results = run_round(round_folder, trials - len(finished), previous, finished)
            finished += [record(len(finished) + n, result) for n, result in enumerate(results)]
            previous = round_folder
    return Study(finished[:trials])


def _claim(folder: Path, settings: dict[str, Any]) -> None:
    """Notes the settings in the folder; CheckpointError where another search's stand there."""
    file = folder / "settings.json"
    if file.exists():
        state.check_settings(file, state.decoded(file), settings)
    else:
        with written(file) as temporary:
            temporary.write_text(json.dumps(settings, indent=1))


def _searcher(
    space: dict[str, Any], seed: int, start_up_trials: int, concurrency: int, previous: Path | None
) -> Any:
    """TPE, with what the one of the round in `previous` knows."""
    from ray.tune.search import ConcurrencyLimiter
    from ray.tune.search.hyperopt import HyperOptSearch

    tpe = HyperOptSearch(
        space, metric="loss", mode="min", n_initial_points=start_up_trials, random_state_seed=seed
    )
    if previous is not None:
        tpe.restore_from_dir(str(previous))
    return ConcurrencyLimiter(tpe, max_concurrent=concurrency)


@contextmanager
def _manners() -> Iterator[None]:
    """Ray Tune's own switches, for the time of a search.

    The workers keep this process's working folder; no table on the screen; JSON logs only; the state of
    the search is saved each second (trials since then are run again on resume).
    """
    before = dict(os.environ)
    os.environ |= {
        "RAY_CHDIR_TO_TRIAL_DIR": "0",
        "RAY_AIR_NEW_OUTPUT": "0",
        "TUNE_GLOBAL_CHECKPOINT_S": "1",
        "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    }
    try:
        yield
    finally:
        os.environ.clear()
        os.environ |= before
