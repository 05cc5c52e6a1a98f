"""One member of an ensemble: which trials it trains on, where it is trained, how it is saved.

A member is never trained twice. Members differ in their seed and in which trials they train on and are
validated with; they share the behavioural states, which lie in one file beside them.

The splits are those of the SENSORIUM 2022 entry "Model 4": per scan, the labels train and validation are
dealt anew over the trials that hold them, once for each member; test and final_test stay. Nearly every
validation trial of one member thus trained another, so only the test tiers can score an ensemble.

Letters: M members, T trials of a scan in file order; tiers are words.
"""

import multiprocessing
import pickle
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.queues import SimpleQueue
from pathlib import Path

import numpy as np
import safetensors.numpy
import torch
from jaxtyping import Int

from neurokit.distributed.ray_cluster import cluster, import_ray
from neurokit.errors import CheckpointError, DataError, FitError, NeurokitError
from neurokit.files.atomic import atomic_write
from neurokit.sensorium.config import Recipe
from neurokit.sensorium.features import MouseTrials
from neurokit.sensorium.history import KNOWN_TIERS, known_trials
from neurokit.sensorium.recording import Scan
from neurokit.sensorium.saved import arrays_of, check_saved, save_model
from neurokit.sensorium.state import StateTransform
from neurokit.sensorium.training import fit_states, prepare, train_model
from neurokit.training.checkpoint import fingerprint
from neurokit.training.compiling import Compile

MEMBERS = 5
SEED = 35382  # that entry's
LOST = (
    "A process that trained a member was killed, perhaps for memory; finished members are kept: start again, "
    "with fewer workers."
)
LoadScans = Callable[[], Mapping[str, Scan]]


def ensemble_tiers(tiers: np.ndarray, members: int = MEMBERS, seed: int = SEED) -> np.ndarray:
    """Tiers M T: row m is member m's. Each scan starts from the same seed.

    The sizes of train and validation are kept. Numpy's legacy generator is used because its
    permutations are those of the published splits. Raises DataError for fewer than one member and
    for a scan without train or without validation trials.
    """
    _check(tiers, members)
    random = np.random.RandomState(seed)
    dealt = np.tile(tiers, (members, 1))
    known = known_trials(tiers)
    for row in dealt:
        row[known] = random.permutation(tiers[known])
    return dealt


def held_out(member_tiers: np.ndarray) -> Int[np.ndarray, "K"]:
    """File indices, ascending, of the trials that no member of M T trained on or chose its epoch by."""
    return np.flatnonzero(~known_trials(member_tiers).any(0))


def check_held_out(member_tiers: np.ndarray, trials: Int[np.ndarray, "B"]) -> None:
    """Raises DataError where one of the trials (file indices) to score was used by any member."""
    used = np.asarray(trials)[~np.isin(trials, held_out(member_tiers))]
    if used.size:
        finding = (
            f"{used.size} of {len(trials)} trials to score (file index {used[0]} first) trained a member"
        )
        raise DataError(f"{finding} or chose its epoch; score the ensemble on the test tiers only.")


def _check(tiers: np.ndarray, members: int) -> None:
    if members < 1:
        raise DataError(f"members is {members}; an ensemble has at least one.")
    missing = [tier for tier in KNOWN_TIERS if tier not in tiers]
    if missing:
        finding = f"The scan has no {' and no '.join(missing)} trials"
        raise DataError(f"{finding}; there is nothing to deal over the members, so give it both tiers.")


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
    compile: Compile = "none"

    @property
    def path(self) -> Path:
        """Where the trained member is saved, without suffix."""
        return self.folder / f"member-{self.number}"

    @property
    def own_recipe(self) -> Recipe:
        """The recipe with the member's own seed."""
        return self.recipe.replace(seed=self.recipe.seed + self.number)

    def tiers(self, scans: Mapping[str, Scan]) -> dict[str, np.ndarray]:
        """The tiers of this member, by scan."""
        return {key: ensemble_tiers(scan.tiers, self.members)[self.number] for key, scan in scans.items()}

    def trials(self, scans: Mapping[str, Scan]) -> dict[str, MouseTrials]:
        """All mice, their tiers those of this member, their states those that all members share."""
        states = read_states(self.folder, scans, self.recipe)
        return prepare(scans, self.own_recipe, tiers=self.tiers(scans), states=states, device=self.device)

    def train(self) -> Path:
        """Trains and saves the member, going on where it was broken off; returns its path."""
        torch.set_num_threads(self.threads)
        mice = self.trials(self.load())
        unfinished = self.path.with_suffix(".training")
        options = {"compile": self.compile, "show_progress": self.number == 0}
        fitted = train_model(mice, self.own_recipe, checkpoint=unfinished, **options)
        save_model(fitted, mice, self.own_recipe, self.path)
        unfinished.unlink(missing_ok=True)
        return self.path

    def finished(self, scans: Mapping[str, Scan]) -> bool:
        """Whether it is saved; CheckpointError where a member of another recipe or scan stands there."""
        saved = self.path.with_suffix(".json").is_file()
        if saved:
            check_saved(self.path, scans, self.own_recipe)
        return saved

    def check_states(self, scans: Mapping[str, Scan]) -> None:
        """Raises CheckpointError where the member was trained on other states than now lie beside it."""
        check_saved(self.path, scans, self.own_recipe, read_states(self.folder, scans, self.recipe))


def _train_here(jobs: Sequence[Member], workers: int) -> None:
    for job in jobs:
        job.train()


def _train_in_processes(jobs: Sequence[Member], workers: int) -> None:
    _check_importable(jobs[0].load)
    spawned = multiprocessing.get_context("spawn")  # a forked process could not use a GPU
    workers, devices = min(workers, len(jobs)), spawned.SimpleQueue()
    for device in worker_devices(jobs[0].device, workers, torch.cuda.device_count()):
        devices.put(device)
    with ProcessPoolExecutor(
        workers, mp_context=spawned, initializer=_take_device, initargs=(devices,)
    ) as pool:
        try:
            for _ in pool.map(Member.train, jobs):
                pass
        except BrokenProcessPool as lost:
            raise FitError(LOST) from lost


def default_workers(device: torch.device, gpus: int) -> int:
    """How many members train at a time: one on each of this machine's `gpus`, or two on a CPU."""
    if device.type == "cpu":
        return 2
    return gpus if device.type == "cuda" and device.index is None else 1


def worker_devices(device: str, workers: int, gpus: int) -> list[str]:
    """Where each worker computes: on `device`, or by turns on one of `gpus` where that names none of them."""
    if device not in ("auto", "cuda") or not gpus:
        return [device] * workers
    return [f"cuda:{number % gpus}" for number in range(workers)]


def _take_device(devices: SimpleQueue) -> None:
    """Makes the next device the one that this process takes for 'cuda'."""
    device = devices.get()
    if device.startswith("cuda:"):
        torch.cuda.set_device(device)


def _check_importable(load: LoadScans) -> None:
    """Another process gets the name of a function, not the function."""
    try:
        pickle.dumps(load)
    except (AttributeError, TypeError, pickle.PicklingError) as error:
        raise FitError(
            f"load cannot be sent to a process ({error}); give a function that others can import."
        ) from error


def _train_on_ray(jobs: Sequence[Member], workers: int) -> None:
    ray = import_ray("An ensemble on Ray")
    with cluster(workers):
        gpus = 1 if ray.cluster_resources().get("GPU", 0) else 0
        train = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=0)(Member.train)
        try:
            ray.get([train.remote(job) for job in jobs])
        except ray.exceptions.RayTaskError as failed:
            if isinstance(failed.cause, NeurokitError):
                raise failed.cause from None  # one sentence, without Ray's pages around it
            raise
        except ray.exceptions.RayError as lost:
            raise FitError(LOST) from lost


ENGINES: dict[str, Callable[[Sequence[Member], int], None]] = {
    "here": _train_here,
    "processes": _train_in_processes,
    "ray": _train_on_ray,
}


def share_states(folder: Path, scans: Mapping[str, Scan], recipe: Recipe) -> None:
    """Fits the behavioural states of all scans into `folder` where the recipe reads them, once."""
    path = _states_path(folder, scans, recipe)
    if not recipe.model.state or path.is_file():
        return
    states = fit_states(scans, recipe)
    arrays = {f"{key}/{n}": array for key, state in states.items() for n, array in state.arrays().items()}
    with atomic_write(path) as temporary:
        temporary.write_bytes(safetensors.numpy.save(arrays))


def read_states(folder: Path, scans: Mapping[str, Scan], recipe: Recipe) -> dict[str, StateTransform]:
    """What `share_states` fitted, by scan; CheckpointError for a damaged file."""
    if not recipe.model.state:
        return {}
    path = _states_path(folder, scans, recipe)
    try:
        arrays = safetensors.numpy.load(path.read_bytes())
        return {key: StateTransform.from_arrays(arrays_of(arrays, key)) for key in scans}
    except (safetensors.SafetensorError, DataError) as error:
        raise CheckpointError(f"{path} is damaged; remove it to fit the states again.") from error


def _states_path(folder: Path, scans: Mapping[str, Scan], recipe: Recipe) -> Path:
    """A name for these scans and settings alone, so that no state of others is ever read."""
    facts = sorted(f"{key} {scan.fingerprint}" for key, scan in scans.items())
    return folder / f"states-{fingerprint(np.array([repr(recipe.state), *facts]))}.safetensors"
