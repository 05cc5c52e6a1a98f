"""Where the members of an ensemble are trained: one after another here, in processes, or as Ray tasks.

The result is the same. Each job trains and saves its member; an engine only calls it.
"""

import multiprocessing
import pickle
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.queues import SimpleQueue
from typing import Literal, Protocol, runtime_checkable

import torch

from neurokit.distributed.ray_cluster import cluster, import_ray
from neurokit.errors import FitError, NeurokitError

Engine = Literal["here", "processes", "ray"]
LOST = (
    "A process that trained a member was killed, perhaps for memory; finished members stay: start again, "
    "with fewer workers."
)


@runtime_checkable
class Job(Protocol):
    """What an engine runs; other processes get a copy."""

    @property
    def device(self) -> str:
        """Where it computes."""

    def train(self) -> object:
        """Trains and saves."""


def default_workers(device: torch.device, gpus: int) -> int:
    """How many jobs run at a time: one on each of this machine's `gpus`, or two on a CPU."""
    if device.type == "cpu":
        return 2
    return gpus if device.type == "cuda" and device.index is None else 1


def worker_devices(device: str, workers: int, gpus: int) -> list[str]:
    """Where each worker computes: on `device`, or in turn on each of `gpus` where `device` names none."""
    if device not in ("auto", "cuda") or not gpus:
        return [device] * workers
    return [f"cuda:{number % gpus}" for number in range(workers)]


def _train(job: Job) -> None:
    job.train()


def _train_here(jobs: Sequence[Job], workers: int) -> None:
    for job in jobs:
        job.train()


def _train_in_processes(jobs: Sequence[Job], workers: int) -> None:
    _check_importable(jobs[0])
    spawned = multiprocessing.get_context("spawn")  # a forked process could not use a GPU
    workers, devices = min(workers, len(jobs)), spawned.SimpleQueue()
    for device in worker_devices(jobs[0].device, workers, torch.cuda.device_count()):
        devices.put(device)
    with ProcessPoolExecutor(
        workers, mp_context=spawned, initializer=_take_device, initargs=(devices,)
    ) as pool:
        try:
            for _ in pool.map(_train, jobs):
                pass
        except BrokenProcessPool as lost:
            raise FitError(LOST) from lost


def _take_device(devices: SimpleQueue) -> None:
    """Makes the next device the one that this process takes for 'cuda'."""
    device = devices.get()
    if device.startswith("cuda:"):
        torch.cuda.set_device(device)


def _check_importable(job: Job) -> None:
    """Another process gets the name of a function, not the function."""
    try:
        pickle.dumps(job)
    except (AttributeError, TypeError, pickle.PicklingError) as error:
        raise FitError(
            f"A member cannot be sent to a process ({error}); give for load and build functions that others "
            "can import."
        ) from error


def _train_on_ray(jobs: Sequence[Job], workers: int) -> None:
    ray = import_ray("An ensemble on Ray")
    with cluster(workers):
        gpus = 1 if ray.cluster_resources().get("GPU", 0) else 0
        train = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=0)(_train)
        try:
            ray.get([train.remote(job) for job in jobs])
        except ray.exceptions.RayTaskError as failed:
            if isinstance(failed.cause, NeurokitError):
                raise failed.cause from None  # one sentence, without Ray's pages around it
            raise
        except ray.exceptions.RayError as lost:
            raise FitError(LOST) from lost


ENGINES: dict[str, Callable[[Sequence[Job], int], None]] = {
    "here": _train_here,
    "processes": _train_in_processes,
    "ray": _train_on_ray,
}
