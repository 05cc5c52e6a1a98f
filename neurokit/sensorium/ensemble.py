"""An ensemble: the same config from other seeds, on other splits, its predictions averaged.

As the SENSORIUM 2022 entry "Model 4" did it: five members with seeds 100 to 104. Per scan, the labels train
and validation are dealt anew over the trials that bear them, once for each member; test and final_test stay.
Nearly every validation trial of one member thus trained another, so only test tiers can score an ensemble.

Members share the behavioural states, which lie in one file beside them. A finished member is not trained
again.

Letters: M members, T trials of a scan in file order, B trials of a tier, N neurons; tiers are words.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import safetensors.numpy
import torch
from jaxtyping import Float, Int
from torch import nn

from neurokit.arguments import explain_failure
from neurokit.errors import CheckpointError, DataError, FitError
from neurokit.files.atomic import atomic_write
from neurokit.files.locks import hold_lock
from neurokit.sensorium.config import SensoriumConfig
from neurokit.sensorium.engines import ENGINES, Engine, default_workers
from neurokit.sensorium.features import MouseTrials
from neurokit.sensorium.model import SensoriumModel
from neurokit.sensorium.past_responses import KNOWN_TIERS, known_trials
from neurokit.sensorium.prediction import Mode, predict
from neurokit.sensorium.recording import Scan, identity
from neurokit.sensorium.scores import omissions, score_table
from neurokit.sensorium.training import arrays, build, facts, fit_states, read_states, task, train
from neurokit.training import checkpoint
from neurokit.training.checkpoint import fingerprint
from neurokit.training.device import Compile, choose_device
from neurokit.training.fit import TrainingResult
from neurokit.training.state import remove_finished
from neurokit.training.system import Build

LoadScans = Callable[[], Mapping[str, Scan]]
SYSTEM = "sensorium"
MEMBERS = 5
SEED = 35382  # that entry's


@explain_failure
def ensemble_tiers(tiers: np.ndarray, members: int = MEMBERS, seed: int = SEED) -> np.ndarray:
    """Tiers M T: row m is member m's. Each scan starts from the same seed.

    The sizes of train and validation stay. Numpy's legacy generator is used because its
    permutations are those of the published splits. Raises DataError for fewer than one member and
    for a scan without train or without validation trials.
    """
    _check_tiers(tiers, members)
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


def _check_tiers(tiers: np.ndarray, members: int) -> None:
    if members < 1:
        raise DataError(f"members is {members}; an ensemble has at least one.")
    missing = [tier for tier in KNOWN_TIERS if tier not in tiers]
    if missing:
        finding = f"The scan has no {' and no '.join(missing)} trials"
        raise DataError(f"{finding}; there is nothing to deal over the members, so give it both tiers.")


@dataclass(frozen=True)
class Ensemble:
    """Trained members, and the trials each of them reads."""

    members: tuple[nn.Module, ...]
    mice: tuple[dict[str, MouseTrials], ...]

    def predict(self, part: str, *, mode: Mode = "evaluation") -> dict[str, Float[np.ndarray, "M B N"]]:
        """Each member's rates for the trials of a part in ascending file order, by mouse.

        Their mean over M is the ensemble's prediction. Raises DataError where a member has trained on
        trials of the part. `mode` as in `neurokit.sensorium.predict`.
        """
        for key, mouse in self.mice[0].items():
            tiers = np.stack([mice[key].tiers for mice in self.mice])
            check_held_out(tiers, mouse.trials(part).numpy())
        pairs = zip(self.members, self.mice, strict=True)
        found = [predict(member, mice, part, mode=mode) for member, mice in pairs]
        return {key: np.stack([each[key] for each in found]) for key in found[0]}

    def score(self, part: str = "test", **options: Mode) -> pd.DataFrame:
        """`score_table` of each member and of the mean of all, in column `model`."""
        predictions = self.predict(part, **options)
        models = {
            f"member {number}": {key: values[number] for key, values in predictions.items()}
            for number in range(len(self.members))
        }
        models["ensemble"] = {key: values.mean(axis=0) for key, values in predictions.items()}
        tables = [score_table(self.mice[0], each, part).assign(model=name) for name, each in models.items()]
        return pd.concat(tables, ignore_index=True)


@dataclass(frozen=True)
class Member:
    """One member's training; it can be sent to another process or machine.

    `load` reads the scans where the member is trained, so that nothing large travels; `number` counts
    from 0 and is added to the config's seed.
    """

    load: LoadScans
    config: SensoriumConfig
    number: int
    members: int
    folder: Path
    build: Build = build
    device: str = "auto"
    threads: int = 1
    compile: Compile = "none"

    @property
    def path(self) -> Path:
        """Path of the trained member, without suffix."""
        return self.folder / f"member-{self.number}"

    @property
    def own_config(self) -> SensoriumConfig:
        """The config with the member's own seed."""
        return self.config.replace(seed=self.config.seed + self.number)

    @property
    def is_trained(self) -> bool:
        """Whether its checkpoint is there."""
        return checkpoint.is_saved(self.path)

    def tiers(self, scans: Mapping[str, Scan]) -> dict[str, np.ndarray]:
        """The tiers of this member, by scan."""
        return {key: ensemble_tiers(scan.tiers, self.members)[self.number] for key, scan in scans.items()}

    def task(self, scans: Mapping[str, Scan]) -> dict[str, MouseTrials]:
        """All mice, with the tiers of this member and the states that all members share."""
        states = read_shared_states(self.folder, scans, self.config)
        return task(scans, self.own_config, arrays=states, tiers=self.tiers(scans), device=self.device)

    @property
    def unfinished(self) -> Path:
        """Of the training's state until it is over."""
        return self.path.with_suffix(".training")

    def train(self) -> None:
        """Trains and saves the member, resuming an interrupted training.

        One that another process is training is waited for, and checked instead.
        """
        torch.set_num_threads(self.threads)
        scans = self.load()
        with hold_lock(self.path):
            if self.is_trained:
                self.check(identity(scans))
                self.check_states(read_shared_states(self.folder, scans, self.config))
                return
            mice, config = self.task(scans), self.own_config
            options: dict[str, Any] = {"compile": self.compile, "show_progress": self.number == 0}
            result = train(self.build(mice, config), mice, config, checkpoint=self.unfinished, **options)
            self._save(result, mice, identity(scans))
            self.unfinished.unlink(missing_ok=True)

    def open(self, mice: Mapping[str, MouseTrials]) -> nn.Module:
        """The trained member; CheckpointError where it is damaged, or of another class."""
        into = SensoriumModel if self.build is build else self.build(mice, self.own_config)
        return checkpoint.load(self.path, into).model.to(choose_device(self.device))

    def check(self, data: Mapping[str, Any]) -> None:
        """Raises CheckpointError for a member of another config, or of other scans than `data`."""
        found = checkpoint.read_facts(self.path)
        self._refuse("another config", found.get("config") != self.own_config.to_dict())
        self._refuse("other scans", found.get("data") != data)
        with hold_lock(self.path, needed=False):
            remove_finished(self.unfinished, pd.DataFrame(found.get("history")))

    def check_states(self, states: Mapping[str, np.ndarray]) -> None:
        """Raises CheckpointError for a member that was trained on other states than these."""
        found = checkpoint.read_arrays(self.path)
        same = all(name in found and np.array_equal(found[name], states[name]) for name in states)
        self._refuse("other behavioural states", not same)

    def _refuse(self, other: str, differs: bool) -> None:
        if differs:
            raise CheckpointError(
                f"{self.path} is a model of {other}; remove it, or train into another folder."
            )

    def _save(self, result: TrainingResult, mice: Mapping[str, MouseTrials], data: Mapping[str, Any]) -> None:
        """As an experiment saves its model."""
        history = result.history.astype(object).where(result.history.notna(), None)
        checkpoint.save(
            result.model,
            self.path,
            arrays=arrays(mice),
            system=SYSTEM,
            config=self.own_config.to_dict(),
            data=dict(data),
            **facts(mice),
            left_out=[each.to_dict() for each in omissions(mice)],
            history=history.to_dict("list"),
            best_epoch=result.best_epoch,
            best_loss=result.best_loss,
        )


@explain_failure
def train_ensemble(
    load: LoadScans,
    config: SensoriumConfig,
    folder: str | Path,
    *,
    members: int = MEMBERS,
    engine: Engine = "here",
    workers: int | None = None,
    build: Build = build,
    device: str = "auto",
    compile: Compile = "none",
) -> Ensemble:
    """Trains what is not yet trained into `folder` and returns the ensemble of all members.

    `load` gives the scans, and `build` makes a model of your own; for other processes and machines both must
    be importable, such as a `functools.partial` of `neurokit.sensorium.load`. On a cluster `folder` is one
    that all machines share.
    `workers` bounds how many members train at a time in processes or on a local Ray: by default one on each
    GPU, or two without a GPU. Processes take GPUs in turn; more processes than GPUs share them (the speed of
    that was not measured). Each Ray task asks for one. Raises FitError for an unknown
    engine, missing ray or a killed worker, CheckpointError where the folder holds another ensemble.
    """
    if engine not in ENGINES or members < 1 or (workers is not None and workers < 1):
        raise FitError(
            f"engine is {engine!r}, members {members}, workers {workers}; use one of {', '.join(ENGINES)} "
            "and numbers of 1 or more."
        )
    fixed: dict[str, Any] = {"build": build, "device": device, "compile": compile}
    fixed["threads"] = torch.get_num_threads()
    place, scans = Path(folder).absolute(), load()
    jobs = [Member(load, config, number, members, place, **fixed) for number in range(members)]
    finished = _check_finished(jobs, scans)
    if waiting := [job for job in jobs if job not in finished]:
        usual = default_workers(choose_device(device), torch.cuda.device_count())
        ENGINES[engine](waiting, usual if workers is None else workers)
    mice, dealt = jobs[0].task(scans), [job.tiers(scans) for job in jobs]
    return Ensemble(
        tuple(job.open(mice) for job in jobs),
        tuple({key: mouse.with_tiers(tiers[key]) for key, mouse in mice.items()} for tiers in dealt),
    )


def _check_finished(jobs: list[Member], scans: Mapping[str, Scan]) -> list[Member]:
    """The trained members, each checked; the states that all share are fitted if they are missing."""
    finished = [job for job in jobs if job.is_trained]
    data = identity(scans)
    for job in finished:
        job.check(data)
    share_states(jobs[0].folder, scans, jobs[0].config)
    states = read_shared_states(jobs[0].folder, scans, jobs[0].config)
    for job in finished:
        job.check_states(states)
    return finished


def share_states(folder: Path, scans: Mapping[str, Scan], config: SensoriumConfig) -> None:
    """Fits the behavioural states of all scans into `folder` where the config reads them, once."""
    path = _states_path(folder, scans, config)
    if not config.model.state or path.is_file():
        return
    with hold_lock(path):
        if path.is_file():  # another process has fitted them meanwhile
            return
        content = safetensors.numpy.save(fit_states(scans, config))
        with atomic_write(path) as temporary:
            temporary.write_bytes(content)


def read_shared_states(
    folder: Path, scans: Mapping[str, Scan], config: SensoriumConfig
) -> dict[str, np.ndarray]:
    """What `share_states` fitted, as `key/name`; CheckpointError for a damaged file."""
    if not config.model.state:
        return {}
    path = _states_path(folder, scans, config)
    try:
        found = safetensors.numpy.load(path.read_bytes())
        read_states(found, scans)
    except (safetensors.SafetensorError, DataError) as error:
        raise CheckpointError(f"{path} is damaged; remove it to fit the states again.") from error
    return found


def _states_path(folder: Path, scans: Mapping[str, Scan], config: SensoriumConfig) -> Path:
    """A name for these scans and settings alone, so that no state of others is ever read."""
    facts = sorted(f"{key} {scan.fingerprint}" for key, scan in scans.items())
    return folder / f"states-{fingerprint(np.array([repr(config.state), *facts]))}.safetensors"
