"""Real V1 cells answering to gratings: V1 Transformer beside separable tuning, over seeds.

    python benchmarks/real_gratings.py      (NEUROKIT_REAL_DATA names the folder of real recordings)

Drifting and static gratings (Allen Brain Observatory, no running there): complete conditions are held out,
and the score is CC_norm, the median over cells. Cells are chosen by the ceiling on training conditions; of
the 40 with time courses 10 were drawn at random and are reported apart, the other 30 had been picked by their
reliability over all trials before. Drifting gratings with running (Park et al.; a control mouse, and one with
an edited gene in its astrocytes): split by repeat, and the score is that of the residual above the training
mean of each direction, the mean over cells; spatial and temporal frequency are assumed, since they are not
stored. A seed draws the split, the weights and the controls. A finished job is not computed again by the same
code.
"""

import argparse
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from joblib import Parallel, delayed

from gratings.frames import SHAPE
from gratings.movies import NOTHING, GratingMovie, drifting_movie, running_movie, static_movie
from gratings.residuals import residual, shifted
from gratings.running import lagged_running
from gratings.splits import (
    ConditionSplit,
    by_condition,
    complete_repeats,
    shuffled_responses,
    snippet_split,
    split_conditions,
    split_repeats,
)
from gratings.tuning import separable_tuning
from neurokit import settings
from neurokit.metrics import cc_max, correlation, repeat_scores
from neurokit.recordings.park import RunningGratings, read_drifting, read_running, read_static
from neurokit.training.settings import FitSettings
from neurokit.v1_transformer import (
    ClipShape,
    MovieTask,
    TransformerConfig,
    TransformerSettings,
    build,
    predict,
    train,
)
from neurokit.v1_transformer.baselines import motion_energy
from neurokit.v1_transformer.clips import MovieSplit
from neurokit.v1_transformer.config import SMALL_MODEL as SMALL
from record import save
from run_once import run_once

STUDY = "real_gratings"
RELIABLE = 0.7  # ceiling on training conditions, from which on a cell is chosen
NETWORK_MODELS = ("V1Transformer", "V1Transformer, responses shuffled")
LINE = "motion energy + ridge"
GRATING_MODELS = (*NETWORK_MODELS, LINE, "separable tuning", "mean")
RUNNING_MODELS = tuple(
    f"{model}, {running}"
    for model in ("V1Transformer", "lagged regression")
    for running in ("running", "no running", "running shifted")
)
MODELS = {
    "drifting": GRATING_MODELS,
    "static": GRATING_MODELS,
    "running": RUNNING_MODELS,
    "running, edited mouse": RUNNING_MODELS,
}
EDITED = Path("park2024_v1_gratings") / "230803_mrcuts25_fov6_grat.npz"


@dataclass(frozen=True)
class Network:
    """Sizes of a V1 Transformer, and how many frames apart those of a clip are."""

    settings: TransformerSettings
    stride: int

    @property
    def length(self) -> int:
        """Frames that a prediction is made from: the clip's, and those before its first."""
        return self.settings.clip_length + self.settings.before

    @property
    def lead(self) -> int:
        """Frames before the first whose response is predicted."""
        return (self.length - 1) * self.stride


SIZES = SMALL.replace(frame=SHAPE, patch=20, step=9)  # gratings fill the screen: few patches will do
NETWORKS = {  # 0.94 s at 20 Hz; two gratings before, this, the next; 1.2 s at 16 Hz
    "drifting": Network(SIZES.replace(clip_length=16, running=None), 3),
    "static": Network(SIZES.replace(clip_length=4, before=0, running=None), 1),
    "running": Network(SIZES.replace(clip_length=16), 1),
}
LAGS = np.arange(0, 33, 2)  # samples of 1/16 s: two seconds back
Row = dict[str, Any]


def main(arguments: list[str] | None = None) -> pd.DataFrame:
    """Runs all unfinished jobs and writes the result file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--datasets", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--models", nargs="+", help="of each data set, those that it has (default: all)")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--no-file", action="store_true", help="print only")
    options = parser.parse_args(arguments)
    jobs = [
        {"dataset": dataset, "model": model, "seed": seed, "epochs": options.epochs}
        for dataset in options.datasets
        for model in MODELS[dataset]
        if model in (options.models or MODELS[dataset])
        for seed in range(options.seeds)
    ]
    done = Parallel(n_jobs=options.workers, verbose=10)(delayed(one_job)(job) for job in jobs)
    table = summary(pd.DataFrame([row for job in done for row in job["rows"]]))
    print(table.round(3).to_string(index=False))
    if not options.no_file:
        how = {"seeds": options.seeds, "epochs": options.epochs, "reliable": RELIABLE}
        save(STUDY, table.round(4).to_dict("records"), **how)
    return table


def one_job(job: Row) -> Row:
    """Scores of one model on one split, a row for each group of cells."""
    torch.set_num_threads(1)
    run = {
        "drifting": drifting,
        "static": static,
        "running": with_running,
        "running, edited mouse": partial(with_running, file=EDITED),
    }[job["dataset"]]
    how = {name: job[name] for name in ("model", "seed", "epochs")}
    return run_once(STUDY, job, lambda: {"rows": [job | row for row in run(**how)]})


def drifting(model: str, seed: int, epochs: int) -> list[Row]:
    """Time courses of held-out drifting gratings, for the chosen cells and for the 10 drawn at random."""
    recorded, network = read_drifting(), NETWORKS["drifting"]
    movie = drifting_movie(recorded, lead=network.lead)
    parts = split_conditions(movie.conditions, seed=seed)
    split = snippet_split(movie, parts, length=network.length, stride=network.stride)
    mean = movie.averaged()
    if model in (*NETWORK_MODELS, LINE):
        taught = _taught(model, mean, split, len(recorded.time), seed)
        predicted = _fitted(model, network, taught, split, seed, epochs)
    else:
        courses = _courses(model, mean.time_courses()[0], movie.conditions, parts)
        predicted = courses.reshape(-1, courses.shape[-1])
    shown = complete_repeats(movie.responses[:, split.test])
    ceiling = cc_max(complete_repeats(movie.responses[:, split.train]))
    picked = ~recorded.at_random & (ceiling >= RELIABLE)
    return _rows(shown, predicted[None], {"chosen": picked, "random 10": recorded.at_random})


def static(model: str, seed: int, epochs: int) -> list[Row]:
    """Mean responses to held-out static gratings, of the chosen cells."""
    movie, network = static_movie(read_static()), NETWORKS["static"]
    parts = split_conditions(movie.conditions, seed=seed, test=0.15, validation=0.05)
    chosen = cc_max(_of_training(movie, parts)) >= RELIABLE
    movie = replace(movie, responses=movie.responses[..., chosen])  # the noise of the others would teach too
    split = snippet_split(movie, parts, length=network.length, stride=network.stride)
    presented = movie.answered[split.test]
    if model in (*NETWORK_MODELS, LINE):
        taught = _taught(model, movie, split, 1, seed)
        predicted = _fitted(model, network, taught, split, seed, epochs)
        predicted = by_condition(predicted, presented, parts.test)  # R C N
    else:
        courses = _trained_means(movie, split)
        predicted = _courses(model, courses, movie.conditions, parts)[:, 0][None]
    shown = by_condition(movie.responses[0, split.test], presented, parts.test)
    return _rows(shown, predicted, {"chosen": np.ones(shown.shape[-1], dtype=bool)})


def with_running(model: str, seed: int, epochs: int, file: Path | None = None) -> list[Row]:
    """What running says of single trials above the mean of their direction, over all cells."""
    recorded = read_running(None if file is None else settings.real_data_folder() / file)
    parts = split_repeats(recorded.direction, seed=seed)
    responses = np.moveaxis(recorded.dff, 0, -1)  # K T N
    above = residual(responses, recorded.direction, parts.train)
    kind, given = model.split(", ")
    running = {
        "running": recorded.running,
        "no running": None,
        "running shifted": shifted(recorded.running, recorded.direction, seed=seed),
    }[given]
    if kind == "lagged regression":
        predicted = lagged_running(running, above, parts, LAGS).reshape(-1, above.shape[-1])
    else:
        predicted = _trained_on_running(recorded, running, above, parts, seed, epochs)
    wanted = above[parts.test].reshape(predicted.shape)
    explained = 1 - ((wanted - predicted) ** 2).sum(axis=0) / (wanted**2).sum(axis=0)
    score = correlation(wanted, predicted.astype(np.float32))
    means = {"score": float(score.mean()), "explained": float(explained.mean())}
    return [{"cells": "all", "number": len(score)} | means]


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean over seeds, `score_sd` the standard deviation over them, `score_each` those of each seed."""
    groups = rows.groupby(["dataset", "model", "cells"], sort=False)
    measures = ["number", "score", "correlation", "ceiling", "explained"]
    found = groups[[name for name in measures if name in rows]].mean()
    found.insert(2, "score_sd", groups["score"].std(ddof=1))
    found["score_each"] = groups["score"].agg(lambda values: [round(value, 4) for value in values])
    return found.reset_index()


def _fitted(
    model: str, network: Network, movie: GratingMovie, split: MovieSplit, seed: int, epochs: int
) -> np.ndarray:
    """Predictions of the network or the line for the test's end frames, E N, in the unit of the responses."""
    if model == LINE:
        return motion_energy(_task(network, movie, split), settings=network.settings)[0]
    return _trained(network, movie, split, seed, epochs)


def _task(network: Network, movie: GratingMovie, split: MovieSplit) -> MovieTask:
    sizes = network.settings
    shape = ClipShape(length=sizes.clip_length, before=sizes.before, stride=network.stride)
    return MovieTask(movie.frames, movie.responses, movie.running, split, shape)


def _trained(network: Network, movie: GratingMovie, split: MovieSplit, seed: int, epochs: int) -> np.ndarray:
    """Predictions of a V1 Transformer for the test's end frames, E N, in the unit of the responses."""
    sizes, task = network.settings, _task(network, movie, split)
    how = FitSettings(epochs=epochs, batch_size=64, schedule="cosine", warm_up=1, patience=None, seed=seed)
    config = TransformerConfig(shape=task.shape, model=sizes, fit=how, seed=seed)
    model = train(build(task, config), task, config, device="cpu", show_progress=False).model
    return predict(model, task)[0]


def _trained_on_running(
    recorded: RunningGratings,
    running: np.ndarray | None,
    above: np.ndarray,
    parts: ConditionSplit,
    seed: int,
    epochs: int,
) -> np.ndarray:
    """Residuals of the test trials as a V1 Transformer predicts them from gratings and this running."""
    network = NETWORKS["running"]
    speed = recorded.running if running is None else running
    asked = replace(recorded, dff=np.moveaxis(above, -1, 0), running=speed)
    movie = running_movie(asked, lead=network.lead)
    if running is None:
        movie = replace(movie, running=None)
        network = replace(network, settings=network.settings.replace(running=None))
    split = snippet_split(movie, parts, length=network.length, stride=network.stride)
    return _trained(network, movie, split, seed, epochs)


def _taught(model: str, movie: GratingMovie, split: MovieSplit, together: int, seed: int) -> GratingMovie:
    """What the network is trained on: the movie, or the control in which responses say nothing of it."""
    if model in ("V1Transformer", LINE):
        return movie
    return shuffled_responses(movie, split, together=together, seed=seed)


def _courses(model: str, courses: np.ndarray, conditions: np.ndarray, parts: ConditionSplit) -> np.ndarray:
    """What tuning or the mean over trained gratings says of the test's conditions, C T N."""
    if model == "separable tuning":
        return separable_tuning(courses, conditions, parts.train, parts.test)
    drawn = parts.train[~np.isnan(conditions[parts.train, 0])]
    return np.broadcast_to(courses[drawn].mean(axis=0), (len(parts.test), *courses.shape[1:]))


def _trained_means(movie: GratingMovie, split: MovieSplit) -> np.ndarray:
    """The mean response to each condition over the presentations that train, C 1 N."""
    trained = movie.answered[split.train]
    means = np.full((len(movie.conditions), 1, movie.responses.shape[-1]), np.nan)
    for condition in np.unique(trained):
        means[condition, 0] = movie.responses[0, split.train[trained == condition]].mean(axis=0)
    return means


def _of_training(movie: GratingMovie, parts: ConditionSplit) -> np.ndarray:
    """All presentations of the gratings that train, R C N."""
    drawn = parts.train[~np.isnan(movie.conditions[parts.train, 0])]
    ends = np.flatnonzero(movie.answered != NOTHING)
    return by_condition(movie.responses[0, ends], movie.answered[ends], drawn)


def _rows(shown: np.ndarray, predicted: np.ndarray, groups: dict[str, np.ndarray]) -> list[Row]:
    """The median of each group's scores; a cell without signal in the test's repeats has no CC_norm."""
    found = repeat_scores(shown, np.ascontiguousarray(np.broadcast_to(predicted, shown.shape), np.float32))
    return [
        {
            "cells": name,
            "number": int(cells.sum()),
            "score": float(np.nanmedian(found.cc_norm[cells])),
            "correlation": float(np.median(found.cc_abs[cells])),
            "ceiling": float(np.median(found.cc_max[cells])),
        }
        for name, cells in groups.items()
    ]


if __name__ == "__main__":
    main()
