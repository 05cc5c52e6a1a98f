"""One member of an ensemble: trained anywhere, saved, never trained twice.

Members differ in their seed and in which trials they train on and are validated with; they share the
behavioural states, which lie in one file beside them.
"""

import multiprocessing
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import safetensors.numpy
import torch

from neurokit.data.sensorium import Scan
from neurokit.errors import CheckpointError
from neurokit.features.member_tiers import ensemble_tiers
from neurokit.features.mouse_trials import MouseTrials
from neurokit.features.state import StateTransform
from neurokit.files import written
from neurokit.ray_cluster import cluster, import_ray
from neurokit.sensorium.recipe import Recipe
from neurokit.sensorium.saved import arrays_of, load_model, save_model
from neurokit.sensorium.training import fit_states, prepare, train_model

STATES = "states.safetensors"
LoadScans = Callable[[], Mapping[str, Scan]]


@dataclass(frozen=True)
class Member:
    """One member's training; it can be sent to another process or machine.

    `load` reads the scans where the member is trained, so that nothing large travels; `number` counts
    from 0 and is added to the recipe's seed.
    """

    load: LoadScans
    recipe: Recipe
    number: int
    members: int
    folder: Path
    device: str = "auto"
    threads: int = 1

    @property
    def path(self) -> Path:
        """Where the trained member is saved, without suffix."""
        return self.folder / f"member-{self.number}"

    @property
    def own_recipe(self) -> Recipe:
        """The recipe with the member's own seed."""
        return replace(self.recipe, seed=self.recipe.seed + self.number)

    def trials(self, scans: Mapping[str, Scan]) -> dict[str, MouseTrials]:
        """All mice, their tiers those of this member, their states those that all members share."""
        tiers = {key: ensemble_tiers(scan.tiers, self.members)[self.number] for key, scan in scans.items()}
        states = _read_states(self.folder) if self.recipe.model.state else {}
        return prepare(scans, self.own_recipe, tiers=tiers, states=states, device=self.device)

    def train(self) -> Path:
        """Trains and saves the member, going on where it was broken off; returns its path."""
        torch.set_num_threads(self.threads)
        mice = self.trials(self.load())
        unfinished = self.path.with_suffix(".training")
        fitted = train_model(mice, self.own_recipe, checkpoint=unfinished, show_progress=self.number == 0)
        save_model(fitted, mice, self.own_recipe, self.path)
        unfinished.unlink(missing_ok=True)
        return self.path

    def finished(self) -> bool:
        """Whether it is saved; raises CheckpointError where another recipe's member stands there."""
        if not self.path.with_suffix(".json").is_file():
            return False
        if load_model(self.path)[1] != self.own_recipe:
            raise CheckpointError(
                f"{self.path} is a member of another recipe; remove it, or train this ensemble into another "
                "folder."
            )
        return True


def _train_here(jobs: Iterable[Member], workers: int) -> None:
    for job in jobs:
        job.train()


def _train_in_processes(jobs: Iterable[Member], workers: int) -> None:
    spawned = multiprocessing.get_context("spawn")  # a forked process could not use a GPU
    with ProcessPoolExecutor(workers, mp_context=spawned) as pool:
        for _ in pool.map(Member.train, jobs):
            pass


def _train_on_ray(jobs: Iterable[Member], workers: int) -> None:
    ray = import_ray("An ensemble on Ray")
    with cluster(workers):
        gpus = 1 if ray.cluster_resources().get("GPU", 0) else 0
        train = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=0)(Member.train)
        ray.get([train.remote(job) for job in jobs])


ENGINES: dict[str, Callable[[Iterable[Member], int], None]] = {
    "here": _train_here,
    "processes": _train_in_processes,
    "ray": _train_on_ray,
}


def share_states(folder: Path, scans: Mapping[str, Scan], recipe: Recipe) -> None:
    """Fits the behavioural states of all scans into `folder` where the recipe reads them, once."""
    if not recipe.model.state or (folder / STATES).is_file():
        return
    states = fit_states(scans, recipe)
    arrays = {f"{key}/{n}": array for key, state in states.items() for n, array in state.arrays().items()}
    with written(folder / STATES) as temporary:
        temporary.write_bytes(safetensors.numpy.save(arrays))


def _read_states(folder: Path) -> dict[str, StateTransform]:
    arrays = safetensors.numpy.load((folder / STATES).read_bytes())
    keys = {name.split("/")[0] for name in arrays}
    return {key: StateTransform.from_arrays(arrays_of(arrays, key)) for key in keys}
