"""What a local Ray is given to do: a search of small trials, an ensemble of small members.

In a module of its own, which Ray's workers can import.
"""

import os
import tempfile
from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from growth_works import small_ensemble
from neurokit import settings
from neurokit.distributed.ray_cluster import cluster, import_ray
from neurokit.distributed.search import search_on_ray
from neurokit.experiment import Experiment, Objective
from neurokit.pupil_encoder import search_space
from neurokit.sensorium import train_ensemble
from paired import seconds

Job = Callable[[int, int], list[float]]  # number of trials or members, of workers: their scores


def measured(number: int, workers: int, quick: bool) -> dict[str, Any]:
    """Seconds and scores of both jobs on a local cluster of so many workers, to be called in a fresh process.

    Unless `quick`, a small one of each goes first, so that the workers have imported what they need.
    """
    os.environ.pop("RAY_ADDRESS", None)
    import_ray("This benchmark")
    torch.set_num_threads(1)  # which members take over
    with settings.use_source("demo"):
        jobs = {"trials": search_job(quick), "members": ensemble_job(quick)}
    found: dict[str, Any] = {"workers": workers}
    with cluster(workers):
        for name, job in jobs.items():
            if not quick:
                job(workers, workers)
            scores: list[float] = []
            took = seconds(lambda job=job, scores=scores: scores.extend(job(number, workers)))
            found |= {name: took, f"{name} scores": scores}
    return found


def search_job(quick: bool) -> Job:
    """A search for the learning rate and size of a PupilEncoder; its losses in order of proposal."""
    values = {"epochs": 1 if quick else 4, "batch_size": 24}
    experiment = Experiment("pupil-encoder", values=values, device="cpu")
    objective = partial(on_one_thread, experiment.objective())
    space = search_space(cells=("gru",))

    def job(number: int, workers: int) -> list[float]:
        how = {"trials": number, "start_up_trials": number, "seed": 0, "concurrency": workers}
        with tempfile.TemporaryDirectory() as folder:
            study = search_on_ray(objective, space, storage=folder, **how)
        return study.trials["loss"].tolist()

    return job


def on_one_thread(objective: Objective, parameters: dict[str, Any], report: Callable) -> float:
    """The objective, whatever number of threads the worker was started with."""
    torch.set_num_threads(1)
    return objective(parameters, report)


def ensemble_job(quick: bool) -> Job:
    """An ensemble; the scores of its members and of the whole."""
    load, config = small_ensemble(epochs=1 if quick else 3, batch=100 if quick else 4)
    load()

    def job(number: int, workers: int) -> list[float]:
        how = {"engine": "ray", "workers": workers, "device": "cpu"}
        with tempfile.TemporaryDirectory() as folder:
            return train_ensemble(load, config, folder, members=number, **how).score().single_trial.tolist()

    return job
