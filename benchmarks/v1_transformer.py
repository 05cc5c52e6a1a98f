"""V1 Transformer on simulated Allen sessions beside its baselines, ablations and controls; over seeds.

    python benchmarks/v1_transformer.py

Three new mice, on which nothing was tuned (60 cells, movies one and three, ten repeats); the last fifth of
each movie is tested in all repeats. Scores are medians over reliable cells. 'as described' is the model of
the public description without our changes. Ablations: no running, running of another repeat, no attention,
filters that start at random. Baselines that start where the network does: a linear readout of its first
filters (motion energy + ridge), and that times the running, four numbers a cell. Controls: untrained;
responses of another time of the movie; a session in which running does nothing, with and without reading it;
and a session whose movies are as short as the real ones (30 and 120 s). Networks are the small ones. A job is
kept and not computed again by the same code.
"""

import argparse
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from joblib import Parallel, delayed

from neurokit.v1_transformer import MODELS as NETWORKS
from neurokit.v1_transformer import (
    MovieTask,
    SessionParameters,
    TransformerConfig,
    build,
    expected_responses,
    lagged_pixels,
    load_simulated,
    mean_response,
    motion_energy,
    motion_energy_times_running,
    predict,
    running_only,
    score_table,
    train,
)
from neurokit.v1_transformer import task as make_task
from neurokit.v1_transformer.config import SMALL
from record import save
from run_once import run_once

STUDY = "v1_transformer"
FIRST_MOUSE = 200  # sizes were settled on mice 0 and 100
BASELINES = {
    "mean": mean_response,
    "running only": running_only,
    "lagged ridge": lagged_pixels,
    "motion energy + ridge": motion_energy,
    "motion energy x running": motion_energy_times_running,
    "motion energy x running shuffled": motion_energy_times_running,
    "motion energy x running, short movies": motion_energy_times_running,
}
CONFIGS = {
    "V1 Transformer": SMALL,
    "as described": NETWORKS["as-described"].small,
    "no running": SMALL.replace(running="none"),
    "running shuffled": SMALL.replace(running="shuffled"),
    "motion energy x running shuffled": SMALL.replace(running="shuffled"),
    "3-D CNN": SMALL.replace(family="cnn", running="none"),
    "untrained": SMALL,
    "other responses": SMALL,
    "short movies": SMALL,
    "no effect of running": SMALL,
    "no effect of running, no running": SMALL.replace(running="none"),
    "no attention": SMALL.replace(model=SMALL.model.replace(spatial_layers=0, temporal_layers=0)),
    "random start": SMALL.replace(model=SMALL.model.replace(start="random")),
}
MODELS = (*(BASELINES | CONFIGS), "truth", "truth without running")
EACH = ("model", "seed", "cc_norm", "single_trial")  # of each job, beside the means


def main(arguments: list[str] | None = None) -> pd.DataFrame:
    """Runs all unfinished jobs and writes the result file."""
    options = _options(arguments)
    size = {"frames": options.frames, "cells": options.cells, "epochs": options.epochs}
    jobs = [
        {"model": model, "seed": seed} | size for seed in range(options.seeds) for model in options.models
    ]
    found = Parallel(n_jobs=options.workers, verbose=10)(delayed(one_job)(job) for job in jobs)
    table = summary(pd.DataFrame(found))
    print(table.round(3).to_string(index=False))
    if not options.no_file:
        per_seed = [{name: row[name] for name in EACH} for row in found]
        save(options.name, table.round(4).to_dict("records"), seeds=options.seeds, size=size, each=per_seed)
    return table


def one_job(job: dict[str, Any]) -> dict[str, Any]:
    """Scores of one model of one mouse."""
    torch.set_num_threads(1)
    return run_once(STUDY, job, lambda: measured(**job))


def measured(model: str, seed: int, frames: int, cells: int, epochs: int) -> dict[str, Any]:
    """Medians over the reliable cells of the session."""
    changes = {"frames": frames * 2 // 5 if "short movies" in model else frames, "cells": cells}
    if "no effect" in model:
        changes["running"] = 0.0
    parameters = SessionParameters(seed=FIRST_MOUSE + seed, **changes)
    config = CONFIGS.get(model, SMALL).add_seed(seed).with_epochs(epochs)
    task = make_task(load_simulated(parameters, config), config)
    table = score_table(task, {model: predicted(model, task, config)})
    return table.drop(columns="model").to_dict("records")[0]


def predicted(model: str, task: MovieTask, config: TransformerConfig) -> np.ndarray:
    """dF/F of the test frames in each repeat."""
    if model in BASELINES:
        return BASELINES[model](task)
    if model.startswith("truth"):
        return expected_responses(task, running="without" not in model)
    taught = replace(task, responses=_of_other_times(task)) if model == "other responses" else task
    network = build(taught, config)
    if model != "untrained":
        network = train(network, taught, config, device="cpu", show_progress=False).model
    return predict(network, taught)


def _of_other_times(task: MovieTask) -> np.ndarray:
    """Responses that stand half of all frames too late, so that they say nothing of the movie."""
    return np.roll(np.nan_to_num(task.responses), task.responses.shape[1] // 2, axis=1)


def summary(found: pd.DataFrame) -> pd.DataFrame:
    """One row a model: means over seeds, and their spread."""
    names = ["cells", "single_trial", "cc_abs", "cc_norm", "absolute_error"]
    grouped = found.groupby("model", sort=False)
    table = grouped[names].mean()
    table["cc_norm_sd"] = grouped.cc_norm.std(ddof=1)
    table["single_trial_sd"] = grouped.single_trial.std(ddof=1)
    return table.reset_index()


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=SMALL.fit.epochs)
    parser.add_argument("--frames", type=int, default=SessionParameters().frames)
    parser.add_argument("--cells", type=int, default=SessionParameters().cells)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--name", default=STUDY, help="of the result file")
    parser.add_argument("--no-file", action="store_true", help="print only")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
