"""The same search on Ray Tune, for many machines: HyperOptSearch, and the same median rule.

Ray asks for a new point whenever a worker is free, so unlike `neurokit.tune.search` a run with more than one
trial at a time depends on which trial ends first. Needs the extra `[distributed]`.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any, SupportsIndex

from pydantic import Field

from neurokit.config import Count, Seed, check_integer
from neurokit.distributed.ray_cluster import cluster, import_ray
from neurokit.files.atomic import atomic_write
from neurokit.tune import state
from neurokit.tune.space import domain_of, fingerprint
from neurokit.tune.trials import MedianStopping, Objective, Study, Trial

RaySeed = Annotated[Seed, Field(le=2**32 - 1)]  # HyperOptSearch seeds numpy's old generator


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

    from neurokit.distributed import ray_trials

    trials = check_integer("trials", trials, Count)
    concurrency = check_integer("concurrency", concurrency, Count)
    start_up_trials = check_integer("start_up_trials", start_up_trials, Count)
    seed = check_integer("seed", seed, RaySeed)
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
    trainable = tune.with_resources(
        partial(ray_trials.run_on_ray, objective), {"cpu": 1, "gpu": gpus_per_trial}
    )

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
                    scheduler=ray_trials.MedianScheduler(stop, curves) if stop else None,
                    trial_dirname_creator=ray_trials.folder_name,
                    reuse_actors=True,
                ),
                run_config=tune.RunConfig(
                    name=folder.name,
                    storage_path=str(folder.parent),
                    verbose=0,
                    callbacks=[JsonLoggerCallback()],
                ),
            )
        results = tuner.fit()
        return sorted(
            (results[number] for number in range(len(results))), key=lambda result: Path(result.path).name
        )

    finished: list[Trial] = []
    previous = None
    with _manners(), cluster(concurrency):
        while len(finished) < trials:
            round_folder = folder / f"trials-{len(finished)}"  # Ray cannot add trials to those of a round
            results = run_round(round_folder, trials - len(finished), previous, finished)
            finished += [ray_trials.record(len(finished) + n, result) for n, result in enumerate(results)]
            previous = round_folder
    return Study(finished[:trials])


def _claim(folder: Path, settings: dict[str, Any]) -> None:
    """Notes the settings in the folder; CheckpointError where another search's stand there."""
    file = folder / "settings.json"
    if file.exists():
        state.check_settings(file, state.read_json(file), settings)
    else:
        with atomic_write(file) as temporary:
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
