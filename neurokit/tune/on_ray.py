"""The same search on Ray Tune, for many machines: HyperOptSearch, and the same median rule.

Ray asks for a new point whenever a worker is free, so unlike `search` a run with more than one
trial at a time depends on which trial ends first. Needs the extra `[distributed]`.
"""

import importlib
import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from neurokit.errors import FitError
from neurokit.files import written
from neurokit.tune import state
from neurokit.tune.median import MedianStopping
from neurokit.tune.space import check_counts, domain_of, fingerprint
from neurokit.tune.study import Study
from neurokit.tune.trial import Objective


def search_on_ray(
    objective: Objective,
    space: dict[str, Any],
    *,
    trials: int,
    seed: int,
    storage: str | Path,
    concurrency: int = 2,
    start_up_trials: int = 20,
    stop: MedianStopping | None = None,
    gpus_per_trial: float = 0.0,
) -> Study:
    """Minimises `objective` over `space` in `trials` trials, `concurrency` at a time, a CPU each.

    The trials go to the folder `storage` (on a cluster: one that all machines share); a search that
    broke off there is gone on with (trials of its last second run again, the median rule begins its
    warm-up anew). Where the caller has joined a cluster with `ray.init`, it is used and left
    running; otherwise a local one is started, which listens on this machine only, and stopped at
    the end.
    Raises FitError (ray is missing, arguments, every trial failed) and CheckpointError (`storage`
    holds another search).
    """
    tune = _ray().tune
    from ray.tune.logger import JsonLoggerCallback

    from neurokit.tune import ray_trials

    check_counts(trials=trials, concurrency=concurrency, start_up_trials=start_up_trials)
    domain_of(space)
    folder = Path(storage).absolute()
    settings = {
        "space": fingerprint(space),
        "seed": seed,
        "trials": trials,
        "start_up_trials": start_up_trials,
        "concurrency": concurrency,
        "stop": repr(stop),
    }
    _claim(folder, settings)
    trainable = tune.with_resources(
        partial(ray_trials.run_on_ray, objective), {"cpu": 1, "gpu": gpus_per_trial}
    )
    with _manners(), _cluster(concurrency):
        if tune.Tuner.can_restore(str(folder / "trials")):
            tuner = tune.Tuner.restore(str(folder / "trials"), trainable, resume_unfinished=True)
        else:
            tuner = tune.Tuner(
                trainable,
                tune_config=tune.TuneConfig(
                    metric="loss",
                    mode="min",
                    num_samples=trials,
                    search_alg=_searcher(space, seed, start_up_trials, concurrency),
                    scheduler=ray_trials.MedianScheduler(stop) if stop else None,
                    trial_dirname_creator=ray_trials.folder_name,
                    reuse_actors=True,
                ),
                run_config=tune.RunConfig(
                    name="trials",
                    storage_path=str(folder),
                    verbose=0,
                    callbacks=[JsonLoggerCallback()],
                ),
            )
        results = tuner.fit()
    in_order = sorted(results, key=lambda result: Path(result.path).name)
    return Study([ray_trials.record(number, result) for number, result in enumerate(in_order)])


def _ray() -> ModuleType:
    """Ray, told before its first import to report no usage and to stay on the loopback address."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if "ray" not in sys.modules:
        # On Linux this variable, not `_node_ip_address`, is what keeps a local Ray off the network.
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    try:
        importlib.import_module("ray.tune")
    except ImportError as error:
        raise FitError(
            f"The search on Ray needs ray ({error}): install this project's extra [distributed]."
        ) from error
    return importlib.import_module("ray")


def _claim(folder: Path, settings: dict[str, Any]) -> None:
    """Notes the settings in the folder; CheckpointError where another search's stand there."""
    file = folder / "settings.json"
    if file.exists():
        state.check_settings(file, state.decoded(file), settings)
    else:
        with written(file) as temporary:
            temporary.write_text(json.dumps(settings, indent=1))


def _searcher(space: dict[str, Any], seed: int, start_up_trials: int, concurrency: int) -> Any:
    from ray.tune.search import ConcurrencyLimiter
    from ray.tune.search.hyperopt import HyperOptSearch

    tpe = HyperOptSearch(
        space, metric="loss", mode="min", n_initial_points=start_up_trials, random_state_seed=seed
    )
    return ConcurrencyLimiter(tpe, max_concurrent=concurrency)


@contextmanager
def _manners() -> Iterator[None]:
    """Ray's own switches, for the time of a search.

    The workers import from this process's paths and keep its working folder; no table on the
    screen; JSON logs only; the state of the search is saved each second (trials since then are run
    again on resume).
    """
    before = dict(os.environ)
    os.environ |= {
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
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


@contextmanager
def _cluster(concurrency: int) -> Iterator[None]:
    """The cluster already joined, or a local one that listens on the loopback address."""
    import ray

    if ray.is_initialized():
        yield
        return
    options = {"include_dashboard": False, "log_to_driver": False, "logging_level": logging.WARNING}
    ray.init(address="local", num_cpus=concurrency, **options)
    try:
        yield
    finally:
        ray.shutdown()
