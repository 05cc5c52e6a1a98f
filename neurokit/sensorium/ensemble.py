"""An ensemble: the same recipe from other seeds, on other splits, its predictions averaged.

As the SENSORIUM 2022 entry "Model 4" did it: five members with seeds 100 to 104, each on train and
validation trials dealt anew. The members are trained one after another here, in processes, or as Ray
tasks, with the same result; a member that is finished is not trained again. No tier that any member
trained on can score the whole.

Letters: M members, B trials of a tier, N neurons.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float

from neurokit.errors import FitError
from neurokit.sensorium.config import Recipe
from neurokit.sensorium.features import MouseTrials
from neurokit.sensorium.member import (
    ENGINES,
    LoadScans,
    Member,
    check_held_out,
    default_workers,
    share_states,
)
from neurokit.sensorium.model import SensoriumModel
from neurokit.sensorium.saved import load_model
from neurokit.sensorium.training import Mode, predict_tier, score_table
from neurokit.training.compiling import Compile
from neurokit.training.device import choose_device

Engine = Literal["here", "processes", "ray"]


@dataclass(frozen=True)
class Ensemble:
    """Trained members, and the trials each of them reads."""

    members: tuple[SensoriumModel, ...]
    mice: tuple[dict[str, MouseTrials], ...]

    def predict(self, tier: str, *, mode: Mode = "evaluation") -> dict[str, Float[np.ndarray, "M B N"]]:
        """Each member's rates for a tier's trials in ascending file order, by mouse.

        Their mean over M is the ensemble's prediction. Raises DataError for a tier of which a member has
        trained on some trials. `mode` as in `predict_tier`.
        """
        for key, mouse in self.mice[0].items():
            tiers = np.stack([mice[key].tiers for mice in self.mice])
            check_held_out(tiers, mouse.trials(tier).numpy())
        pairs = zip(self.members, self.mice, strict=True)
        found = [predict_tier(member, mice, tier, mode=mode) for member, mice in pairs]
        return {key: np.stack([each[key] for each in found]) for key in found[0]}

    def score(self, tier: str = "test", **options: Mode) -> pd.DataFrame:
        """`score_table` of each member and of the mean of all, in column `model`."""
        predictions = self.predict(tier, **options)
        models = {
            f"member {number}": {key: values[number] for key, values in predictions.items()}
            for number in range(len(self.members))
        }
        models["ensemble"] = {key: values.mean(axis=0) for key, values in predictions.items()}
        tables = [score_table(self.mice[0], each, tier).assign(model=name) for name, each in models.items()]
        return pd.concat(tables, ignore_index=True)


def train_ensemble(
    load: LoadScans,
    recipe: Recipe,
    folder: str | Path,
    *,
    members: int = 5,
    engine: Engine = "here",
    workers: int | None = None,
    device: str = "auto",
    compile: Compile = "none",
) -> Ensemble:
    """Trains what is not yet trained into `folder` and returns the whole ensemble.

    `load` gives the scans (for other processes and machines it must be importable, such as a
    `functools.partial` of `load_scans`); on a cluster `folder` is one that all machines share.
    `workers` bounds how many members train at a time in processes or on a local Ray: by default one on each
    GPU, or two where there is none. Processes take the GPUs by turns, so that more of them than GPUs share
    one (how fast that is was not measured); each Ray task asks for one. Raises FitError for an unknown
    engine, missing ray or a killed worker, CheckpointError where the folder holds another ensemble.
    """
    if engine not in ENGINES or members < 1 or (workers is not None and workers < 1):
        raise FitError(
            f"engine is {engine!r}, members {members}, workers {workers}; use one of {', '.join(ENGINES)} "
            "and numbers of 1 or more."
        )
    threads, folder = torch.get_num_threads(), Path(folder).absolute()
    jobs = [Member(load, recipe, n, members, folder, device, threads, compile) for n in range(members)]
    scans = load()
    finished = [job for job in jobs if job.finished(scans)]
    share_states(folder, scans, recipe)
    for job in finished:
        job.check_states(scans)
    open_jobs = [job for job in jobs if job not in finished]
    if open_jobs:
        usual = default_workers(choose_device(device), torch.cuda.device_count())
        ENGINES[engine](open_jobs, usual if workers is None else workers)
    models = (load_model(job.path)[0].to(choose_device(device)) for job in jobs)
    mice, dealt = jobs[0].trials(scans), (job.tiers(scans) for job in jobs)
    return Ensemble(
        tuple(models),
        tuple({key: mouse.with_tiers(tiers[key]) for key, mouse in mice.items()} for tiers in dealt),
    )
