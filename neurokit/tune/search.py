"""The search: propose a batch, run it and save the state until all trials are done.

The state in the file is the trials and the random generator, so that a search is resumed exactly. Trials
alone would not do: a generator that is seeded again on resuming repeats its first points.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any, SupportsIndex

import numpy as np
from joblib import Parallel, delayed, parallel_config

from neurokit.arguments import explain_failure
from neurokit.config import Count, Draws, Seed, check_integer, check_value, plain
from neurokit.errors import CheckpointError, FitError
from neurokit.files.atomic import atomic_write
from neurokit.files.locks import hold_lock
from neurokit.files.reading import check_no_pipe
from neurokit.files.sealed import open_json, seal_json
from neurokit.progress import progress as progress_bar
from neurokit.tune.space import Algorithm, domain_of, fingerprint, point, propose, suggester
from neurokit.tune.trials import Curve, MedianStopping, Objective, Study, Trial, run_trial

FORMAT = 1
HOPELESS, HOPELESS_LATER = 3, 10  # equal failures in a row


@explain_failure
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
    data: Mapping[str, Any] | None = None,
    facts: Mapping[str, Any] | None = None,
    progress: bool = True,
) -> Study:
    """Minimises `objective` over `space` in `trials` trials.

    TPE draws its first `start_up_trials` at random (hyperopt's default: 20; use fewer in a short search).
    `workers` processes of one thread each run a batch of as many trials; the same seed and number of workers
    give the same search. With a `file`, the state is saved after each batch, and a search is resumed from an
    existing file: the result equals that of an uninterrupted search. A larger `trials` extends a finished
    search (with the same result as one run if the smaller number is a multiple of `workers`). The file does
    not hold the objective: resume with the same one. `data`, as JSON can hold it, says what data its losses
    are of, and a search of other data is not resumed. What else the file shall say goes into `facts`, by
    name.

    A trial whose objective raises, or whose loss is not finite, is recorded as failed. The objective may take
    the parameters alone and may return hyperopt's dict, `{"loss": 0.1, "status": "ok"}`.

    Raises SettingsError (arguments), FitError (an unusable space, every trial failed, the first three or any
    ten in a row failed for the same reason, a worker process died), CheckpointError (a damaged file or one of
    another search), DiskError (the file cannot be written).
    """
    trials, workers = check_integer("trials", trials, Draws), check_integer("workers", workers, Count)
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
        "data": None if data is None else dict(data),
    }
    with hold_lock(file) if file is not None else nullcontext():  # another process may go on with it
        generator, finished = _open(file, settings, space, seed, facts)
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
                    save_state(Path(file), settings, generator, finished, facts)
                _check_not_hopeless(finished, file)
                bar.set_postfix(best=_best(finished))
                bar.update(count)
    return Study(finished[:trials])


def _check_not_hopeless(finished: Sequence[Trial], file: str | Path | None) -> None:
    """Raises FitError where too many trials in a row failed for the same reason.

    Three are enough before any trial has ended well; afterwards a corner of the space may fail more often.
    """
    number = HOPELESS if all(trial.status == "failed" for trial in finished) else HOPELESS_LATER
    last = finished[-number:]
    if len(last) < number or any(trial.status != "failed" for trial in last):
        return
    if len({trial.message for trial in last}) == 1:
        saved = "" if file is None else f"; the earlier ones are in {file}"
        raise FitError(
            f"Trials {last[0].number} to {last[-1].number} failed, each with {last[0].message!r}: correct "
            f"the objective or the space{saved}."
        )


def _open(
    file: str | Path | None,
    settings: dict[str, Any],
    space: dict[str, Any],
    seed: int,
    facts: Mapping[str, Any] | None,
) -> tuple[np.random.Generator, list[Trial]]:
    """The state to resume from; a new file is written at once, so that an unwritable folder fails early."""
    if file is not None and Path(file).exists():
        return read_state(Path(file), settings, space)
    generator = np.random.default_rng(seed)
    if file is not None:
        save_state(Path(file), settings, generator, [], facts)
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


def save_state(
    file: Path,
    settings: dict[str, Any],
    generator: np.random.Generator,
    trials: list[Trial],
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Writes the state as JSON, atomically; raises DiskError. `facts` are for readers only."""
    state = {
        **(facts or {}),
        "format": FORMAT,
        "settings": settings,
        "generator": generator.bit_generator.state,
        "trials": [asdict(trial) for trial in trials],
    }
    text = seal_json(plain(state), default=repr)  # other parameters are for readers only
    with atomic_write(file) as temporary:
        temporary.write_text(text)


def read_state(
    file: Path, settings: dict[str, Any], space: dict[str, Any]
) -> tuple[np.random.Generator, list[Trial]]:
    """Generator and trials of a saved search; CheckpointError for damage or other settings."""
    state = read_sealed(file)
    try:
        generator = np.random.default_rng()
        generator.bit_generator.state = state["generator"]
        found = {"format": state["format"]} | state["settings"]
        check_settings(file, found, {"format": FORMAT} | settings)
        records = enumerate(state["trials"])
        return generator, [_trial(record, number, space) for number, record in records]
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, CheckpointError):
            raise
        raise _unreadable(file, error) from error


def read_sealed(file: Path) -> dict[str, Any]:
    """The sealed JSON object in a file; raises CheckpointError where it is not as it was written."""
    check_no_pipe(file, CheckpointError)
    try:
        return open_json(file.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(file, error) from error


def _unreadable(file: Path, error: Exception) -> CheckpointError:
    return CheckpointError(
        f"{file} is not a readable state of a search ({type(error).__name__}: {error}): "
        "move it away to start again; it was left unchanged."
    )


def check_settings(file: Path, found: dict[str, Any], asked: dict[str, Any]) -> None:
    """Raises CheckpointError for the first setting in which a saved search differs."""
    for name in asked:
        if found.get(name) != asked[name] and name == "data":
            raise CheckpointError(
                f"{file} holds a search on other data{_name_differing(found.get(name), asked[name])}: "
                "use the recording that it was started with, or move it away to start again."
            )
        if found.get(name) != asked[name]:
            raise CheckpointError(
                f"{file} holds a search with {name}={found.get(name)!r}, not {asked[name]!r}: "
                "pass the settings it was started with, or another file."
            )


def _name_differing(found: Any, asked: Any) -> str:
    """Such as " (values differ)"; empty where either says nothing of its data."""
    if not isinstance(found, dict) or not isinstance(asked, dict):
        return ""
    names = [name for name in {**found, **asked} if found.get(name) != asked.get(name)]
    return f" ({', '.join(names)} differ)"


def _trial(record: dict[str, Any], number: int, space: dict[str, Any]) -> Trial:
    """Takes parameters from the space, not the file, where JSON has turned tuples into lists."""
    if record["number"] != number:
        raise ValueError(f"trial {number} has the number {record['number']}")
    curve = [(int(epoch), float(loss)) for epoch, loss in record["curve"]]
    return Trial(**(record | {"curve": curve, "parameters": point(space, record["coordinates"])}))
