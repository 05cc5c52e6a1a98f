"""A local Ray of two workers against one of a single worker: trials of a search, members of an ensemble.

    python benchmarks/ray_throughput.py

A worker has one CPU and computes on one thread. Trials train small PupilEncoders on a simulated session,
members small CNNs on a simulated mouse; all trials are proposed at random, since TPE's later proposals depend
on which trial ended first. Losses and scores must be the same with two workers as with one. The time of a job
includes all that Ray does for it but starting the cluster: both sides have done a small job before (not with
`--quick`).
"""

import os
import statistics
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch

from growth_works import small_ensemble
from neurokit import settings
from neurokit.pupil import DEFAULTS, EncoderObjective, search_space
from neurokit.pupil_run import prepare
from neurokit.ray_cluster import cluster, import_ray
from neurokit.sensorium import train_ensemble
from neurokit.tune import search_on_ray
from paired import machine, options, processor, seconds
from record import save

Job = Callable[[int, int], np.ndarray]  # number of trials or members, of workers: their scores
WORKERS = (1, 2)


def main(arguments: list[str] | None = None) -> list[dict[str, Any]]:
    """Runs both jobs on both clusters in turn, compares their scores, and writes the result file."""
    given = options(__doc__, arguments)
    load = round(os.getloadavg()[0], 2)  # of others
    rounds, number = given.rounds or (1 if given.quick else 2), 2 if given.quick else 6
    os.environ.pop("RAY_ADDRESS", None)  # both are local clusters
    import_ray("This benchmark")
    torch.set_num_threads(1)
    with settings.tier_of("demo"):
        jobs = {"trials": search_job(given.quick), "members": ensemble_job(given.quick)}
    turns = [workers for turn in range(rounds) for workers in (WORKERS[::-1] if turn % 2 else WORKERS)]
    found = [measured(jobs, number, workers, warm_up=not given.quick) for workers in turns]
    rows = [compared(name, number, found) for name in jobs]
    for row in rows:
        print(sentence(row))
    if not given.quick:
        save(f"ray_throughput-{machine()}", rows, processor=processor(), load=load)
    return rows


def search_job(quick: bool) -> Job:
    """A search for the learning rate and size of a PupilEncoder; its losses in order of proposal."""
    fit = replace(DEFAULTS, epochs=1 if quick else 4, batch_size=24)
    objective = partial(on_one_thread, EncoderObjective(prepare()[1], fit, device="cpu"))
    space = search_space(cells=("gru",))

    def job(number: int, workers: int) -> np.ndarray:
        options = {"trials": number, "start_up_trials": number, "seed": 0, "concurrency": workers}
        with tempfile.TemporaryDirectory() as folder:
            study = search_on_ray(objective, space, storage=folder, **options)
        return study.trials["loss"].to_numpy()

    return job


def on_one_thread(objective: EncoderObjective, parameters: dict[str, Any], report: Callable) -> float:
    """The objective, whatever number of threads the worker was started with."""
    torch.set_num_threads(1)
    return objective(parameters, report)


def ensemble_job(quick: bool) -> Job:
    """An ensemble; the scores of its members and of the whole. Members take the threads of this process."""
    load, recipe = small_ensemble(epochs=1 if quick else 3, batch=100 if quick else 4)
    load()

    def job(number: int, workers: int) -> np.ndarray:
        how = {"engine": "ray", "workers": workers, "device": "cpu"}
        with tempfile.TemporaryDirectory() as folder:
            return train_ensemble(load, recipe, folder, members=number, **how).score().single_trial.to_numpy()

    return job


def measured(jobs: dict[str, Job], number: int, workers: int, warm_up: bool) -> dict[str, Any]:
    """Seconds and scores of each job on a cluster of so many workers."""
    found: dict[str, Any] = {"workers": workers}
    with cluster(workers):
        for name, job in jobs.items():
            if warm_up:
                job(workers, workers)
            scores: list[np.ndarray] = []
            took = seconds(lambda job=job, scores=scores: scores.append(job(number, workers)))
            found |= {name: took, f"{name} scores": scores[0]}
    return found


def compared(name: str, number: int, found: list[dict[str, Any]]) -> dict[str, Any]:
    """One row; raises AssertionError where two workers found other scores than one."""
    first = found[0][f"{name} scores"]
    assert np.isfinite(first).all(), f"{name} ended without a score: {first}"
    for each in found[1:]:
        np.testing.assert_array_equal(each[f"{name} scores"], first, f"{name} on {each['workers']} workers")
    one, two = ([each[name] for each in found if each["workers"] == workers] for workers in WORKERS)
    ratios = [alone / shared for alone, shared in zip(one, two, strict=True)]
    per_minute = {
        f"{name} a minute, {workers} workers": float(f"{60 * number / statistics.median(times):.4g}")
        for workers, times in zip(WORKERS, (one, two), strict=True)
    }
    figures = {"ratio": statistics.median(ratios), "lowest": min(ratios), "highest": max(ratios)}
    row = {"work": name, "number": number, **{key: float(f"{value:.4g}") for key, value in figures.items()}}
    return row | {"rounds": len(ratios), "threads_of_a_worker": 1, "scores_equal": True, **per_minute}


def sentence(row: dict[str, Any]) -> str:
    """A row as a line of text."""
    one, two = (row[f"{row['work']} a minute, {workers} workers"] for workers in WORKERS)
    spread = f"{row['ratio']:g} ({row['lowest']:g} to {row['highest']:g})"
    return f"{row['work']} a minute: {one:g} with one worker, {two:g} with two, {spread} times as many"


if __name__ == "__main__":
    main()
