"""The same search on Ray Tune, for many machines: HyperOptSearch and the same median rule.

Ray asks for a new point whenever a worker is free. So, unlike with `neurokit.tune.search`, the result of
several trials at a time depends on which of them ends first. Needs the extra `[distributed]`.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, SupportsIndex

from pydantic import Field

from neurokit.config import Count, Seed, check_integer
from neurokit.distributed.ray_cluster import cluster, import_ray
from neurokit.files.atomic import atomic_write
from neurokit.files.sealed import seal_json
from neurokit.tune.search import check_settings, read_sealed
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
    data: Mapping[str, Any] | None = None,
) -> Study:
    """Minimises `objective` over `space` in `trials` trials, `concurrency` at a time, with one CPU each.

    The trials are saved in the folder `storage` (on a cluster: one that all machines share). An interrupted
    search is resumed from there: trials of its last second run again, and the median rule repeats its
    warm-up. A larger `trials` extends a finished search and uses all that it has learned; a smaller one
    returns its first trials. `data`, as JSON can hold it, says what data its losses are of, and a search of
    other data is not resumed. A cluster that the caller has joined with `ray.init`, or that RAY_ADDRESS
    names, is used and left running. Otherwise a local one, reachable from this machine alone, is started and
    stopped at the end.

    Raises SettingsError (arguments), FitError (ray or its cluster is missing, an unusable space, every trial
    failed) and CheckpointError (`storage` holds another search).
    """
    import_ray("The search on Ray", "ray.tune")
    trials = check_integer("trials", trials, Count)
    options = _Options(
        check_integer("seed", seed, RaySeed),
        check_integer("start_up_trials", start_up_trials, Count),
        check_integer("concurrency", concurrency, Count),
        stop,
        gpus_per_trial,
    )
    domain_of(space)
    folder = Path(storage).absolute()
    _claim(folder, options.to_json(space) | {"data": None if data is None else dict(data)})
    with _ray_variables(), cluster(options.concurrency):
        finished = _run_rounds(objective, space, options, folder, trials)
    return Study(finished[:trials])


@dataclass(frozen=True)
class _Options:
    """What a search was asked for, beside its objective, space and number of trials."""

    seed: int
    start_up_trials: int
    concurrency: int
    stop: MedianStopping | None
    gpus_per_trial: float

    def to_json(self, space: dict[str, Any]) -> dict[str, Any]:
        """The settings that must be the same for a search to be resumed."""
        return {
            "space": fingerprint(space),
            "seed": self.seed,
            "start_up_trials": self.start_up_trials,
            "concurrency": self.concurrency,
            "stop": self.stop.to_dict() if self.stop else None,
        }


def _run_rounds(
    objective: Objective, space: dict[str, Any], options: _Options, folder: Path, trials: int
) -> list[Trial]:
    """All trials, in rounds: Ray cannot add trials to a finished round, so an extension makes a new one."""
    from neurokit.distributed.ray_trials import record

    finished: list[Trial] = []
    previous = None
    while len(finished) < trials:
        round_folder = folder / f"trials-{len(finished)}"
        tuner = _open_round(objective, round_folder, options) or _begin_round(
            objective, space, options, round_folder, trials - len(finished), previous, finished
        )
        results = _sort_by_proposal(tuner.fit())
        finished += [record(len(finished) + n, result) for n, result in enumerate(results)]
        previous = round_folder
    return finished


def _open_round(objective: Objective, folder: Path, options: _Options) -> Any:
    """The tuner of a round that was started earlier, or None."""
    from ray import tune

    if not tune.Tuner.can_restore(str(folder)):
        return None
    return tune.Tuner.restore(str(folder), _trainable(objective, options), resume_unfinished=True)


def _begin_round(
    objective: Objective,
    space: dict[str, Any],
    options: _Options,
    folder: Path,
    count: int,
    previous: Path | None,
    finished: list[Trial],
) -> Any:
    """The tuner of a new round of `count` trials, whose search continues that of the `previous` folder."""
    from ray import tune
    from ray.tune.logger import JsonLoggerCallback

    return tune.Tuner(
        _trainable(objective, options),
        tune_config=_tune_config(options, count, _searcher(space, options, previous), finished),
        run_config=tune.RunConfig(
            name=folder.name,
            storage_path=str(folder.parent),
            verbose=0,
            callbacks=[JsonLoggerCallback()],
        ),
    )


def _tune_config(options: _Options, count: int, searcher: Any, finished: list[Trial]) -> Any:
    from ray import tune

    from neurokit.distributed import ray_trials

    curves = [trial.curve for trial in finished if trial.status != "failed"]
    return tune.TuneConfig(
        metric="loss",
        mode="min",
        num_samples=count,
        search_alg=searcher,
        scheduler=ray_trials.MedianScheduler(options.stop, curves) if options.stop else None,
        trial_dirname_creator=ray_trials.folder_name,
        reuse_actors=True,
    )


def _trainable(objective: Objective, options: _Options) -> Any:
    """The objective as Ray runs it, with one CPU and the wanted share of a GPU."""
    from ray import tune

    from neurokit.distributed.ray_trials import run_on_ray

    resources = {"cpu": 1, "gpu": options.gpus_per_trial}
    return tune.with_resources(partial(run_on_ray, objective), resources)


def _sort_by_proposal(results: Any) -> list[Any]:
    """Ray's results in the order of their folders, which are numbered as proposed."""
    found = (results[number] for number in range(len(results)))
    return sorted(found, key=lambda result: Path(result.path).name)


def _claim(folder: Path, settings: dict[str, Any]) -> None:
    """Writes the settings into the folder; CheckpointError where it holds those of another search."""
    file = folder / "settings.json"
    if file.exists():
        check_settings(file, read_sealed(file), settings)
    else:
        with atomic_write(file) as temporary:
            temporary.write_text(seal_json(settings, indent=1))


def _searcher(space: dict[str, Any], options: _Options, previous: Path | None) -> Any:
    """TPE, which starts from what the round in the `previous` folder has learned."""
    from ray.tune.search import ConcurrencyLimiter
    from ray.tune.search.hyperopt import HyperOptSearch

    tpe = HyperOptSearch(
        space,
        metric="loss",
        mode="min",
        n_initial_points=options.start_up_trials,
        random_state_seed=options.seed,
    )
    if previous is not None:
        tpe.restore_from_dir(str(previous))
    return ConcurrencyLimiter(tpe, max_concurrent=options.concurrency)


@contextmanager
def _ray_variables() -> Iterator[None]:
    """Sets Ray Tune's environment variables for the duration of a search.

    Workers stay in this process's working folder, no table is printed, logs are JSON only, and the state of
    the search is saved every second (later trials run again on resume).
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
