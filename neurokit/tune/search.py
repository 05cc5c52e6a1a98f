"""The search: propose a batch, run it and save the state until all trials are done."""

from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, SupportsIndex

import numpy as np
from joblib import Parallel, delayed, parallel_config

from neurokit.config import Count, Seed, check_integer, check_value
from neurokit.errors import FitError
from neurokit.progress import progress as progress_bar
from neurokit.tune import state
from neurokit.tune.space import Algorithm, domain_of, fingerprint, point, propose, suggester
from neurokit.tune.trials import Curve, MedianStopping, Objective, Study, Trial, run_trial


def search(
    objective: Objective,
    space: dict[str, Any],
    *,
    trials: SupportsIndex,
    seed: SupportsIndex,
    algorithm: Algorithm = "tpe",
    start_up_trials: SupportsIndex = 20,
    workers: SupportsIndex = 1,
    stop: MedianStopping | None = None,
    file: str | Path | None = None,
    progress: bool = True,
) -> Study:
    """Minimises `objective` over `space` in `trials` trials.

    TPE draws its first `start_up_trials` at random (hyperopt's default: 20; use fewer in a short search).
    `workers` processes of one thread each run a batch of as many trials; the same seed and number of workers
    give the same search. With a `file`, the state is saved after each batch, and a search is resumed from an
    existing file: the result equals that of an uninterrupted search. A larger `trials` extends a finished
    search (with the same result as one run if the smaller number is a multiple of `workers`). The file does
    not hold the objective: resume with the same one.

    A trial whose objective raises, or whose loss is not finite, is recorded as failed.

    Raises SettingsError (arguments), FitError (an unusable space, every trial failed, a worker process died),
    CheckpointError (a damaged file or one of another search), DiskError (the file cannot be written).
    """
    trials, workers = check_integer("trials", trials, Count), check_integer("workers", workers, Count)
    start_up_trials = check_integer("start_up_trials", start_up_trials, Count)
    seed, algorithm = check_integer("seed", seed, Seed), check_value("algorithm", algorithm, Algorithm)
    domain, suggest = domain_of(space), suggester(algorithm, start_up_trials)
    settings = {
        "space": fingerprint(space),
        "algorithm": algorithm,
        "seed": seed,
        "start_up_trials": start_up_trials,
        "workers": workers,
        "stop": stop.to_dict() if stop else None,
    }
    generator, finished = _open(file, settings, space, seed)
    with progress_bar(
        total=trials, initial=min(len(finished), trials), desc=algorithm, disable=not progress
    ) as bar:
        while len(finished) < trials:
            count = min(workers, trials - len(finished))
            coordinates = propose(suggest, domain, finished, count, generator)
            numbered = enumerate(coordinates, start=len(finished))
            batch = [Trial(number, at, point(space, at)) for number, at in numbered]
            finished += _run(objective, batch, stop, _curves(finished), workers)
            if file is not None:
                state.save(Path(file), settings, generator, finished)
            bar.set_postfix(best=_best(finished))
            bar.update(count)
    return Study(finished[:trials])


def _open(
    file: str | Path | None, settings: dict[str, Any], space: dict[str, Any], seed: int
) -> tuple[np.random.Generator, list[Trial]]:
    """The state to resume from; a new file is written at once, so that an unwritable folder fails early."""
    if file is not None and Path(file).exists():
        return state.read(Path(file), settings, space)
    generator = np.random.default_rng(seed)
    if file is not None:
        state.save(Path(file), settings, generator, [])
    return generator, []


def _run(
    objective: Objective,
    batch: list[Trial],
    stop: MedianStopping | None,
    earlier: Sequence[Curve],
    workers: int,
) -> list[Trial]:
    """Runs the batch; returns its trials in order of proposal."""
    if workers == 1:
        return [run_trial(objective, trial, stop, earlier) for trial in batch]
    try:
        with parallel_config(backend="loky", n_jobs=workers, inner_max_num_threads=1):
            return Parallel(batch_size=1)(
                delayed(run_trial)(objective, trial, stop, earlier) for trial in batch
            )
    except BrokenProcessPool as error:
        raise FitError(
            f"A worker process died in the batch of trials {batch[0].number} to {batch[-1].number} "
            "(perhaps for lack of memory): use fewer workers; a search with a file resumes before "
            "that batch."
        ) from error


def _curves(finished: Sequence[Trial]) -> list[Curve]:
    return [trial.curve for trial in finished if trial.status != "failed"]


def _best(finished: Sequence[Trial]) -> float:
    return min((trial.loss for trial in finished if trial.loss is not None), default=float("nan"))
