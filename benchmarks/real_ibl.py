"""Behaviour before a stimulus and the counts of four regions: one real session, two ways to split it.

    python benchmarks/real_ibl.py

One session of the International Brain Laboratory (425 trials; `recordings.example("ibl")`). A region's mean
count from 0.6 to 0.1 s before the stimulus is read from seven traces of behaviour up to that moment, from
slow drift (cosines of the trial's number), or from both, by ridge regression in eight folds: of trials drawn
at random (a seed draws the folds), or of neighbouring trials. The score is R² against the mean of the
training trials. The null gives each trial the behaviour of another one, by circular shifts of at least 10
trials.
"""

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from neurokit.recordings import Recording, example
from record import save

FOLDS = 8
UNTIL = -0.1  # s from the stimulus
PENALTIES = np.logspace(0, 6, 13)
COSINES = 10  # the fastest has a period of a fifth of the session
NEAREST = 10  # trials that a shift is away at least


def main(arguments: list[str] | None = None) -> list[dict[str, Any]]:
    """Scores all regions and writes the result file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--shifts", type=int, default=40, help="of the null, evenly spread over the session")
    parser.add_argument("--no-file", action="store_true", help="print only")
    options = parser.parse_args(arguments)
    session = example("ibl")
    inputs, counts = inputs_of(session)
    rows = [
        {"region": region, "units": int((session.area == region).sum()), "inputs": name}
        | scores(inputs[name], counts[region], options.seeds, options.shifts if name == "behaviour" else 0)
        for region in counts
        for name in inputs
    ]
    for row in rows:
        print(row["region"], row["inputs"], np.round(np.mean(row["random"]), 3), round(row["blocked"], 3))
    if not options.no_file:
        save("real_ibl", rows, seeds=options.seeds, shifts=options.shifts)
    return rows


def inputs_of(session: Recording) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Inputs by name, each K x features, and mean counts by region, K; of the trials that have both."""
    trials = session.trials
    before = trials.behaviour_time < UNTIL
    traces = np.concatenate([values[:, before] for values in trials.behaviour.values()], axis=1)
    usable = np.isfinite(traces).all(axis=1)
    number = np.flatnonzero(usable) / len(usable)
    drift = np.cos(np.pi * np.outer(number, np.arange(1, COSINES + 1)))
    behaviour = traces[usable]
    inputs = {"behaviour": behaviour, "drift": drift, "both": np.concatenate([behaviour, drift], axis=1)}
    counts = trials.responses[usable, 0]
    regions = list(dict.fromkeys(session.area.tolist()))
    return inputs, {region: counts[:, session.area == region].mean(axis=1) for region in regions}


def scores(inputs: np.ndarray, counts: np.ndarray, seeds: int, shifts: int) -> dict[str, Any]:
    """R² with random folds, one value a seed, and with blocked ones, and what chance reaches with both."""
    trials = len(counts)
    random = [np.random.default_rng(seed).permutation(trials) % FOLDS for seed in range(seeds)]
    blocked = np.arange(trials) * FOLDS // trials
    row: dict[str, Any] = {
        "random": [cross_validated(inputs, counts, folds) for folds in random],
        "blocked": cross_validated(inputs, counts, blocked),
    }
    if shifts:
        away = np.linspace(NEAREST, trials - NEAREST, shifts).astype(int)
        for name, folds in (("random_null", random[0]), ("blocked_null", blocked)):
            null = [cross_validated(np.roll(inputs, by, axis=0), counts, folds) for by in away]
            row[name] = float(np.percentile(null, 97.5))
    return row


def cross_validated(inputs: np.ndarray, counts: np.ndarray, folds: Sequence[int] | np.ndarray) -> float:
    """R² over all trials, each predicted by a fit to the other folds; scales and penalty are theirs, too."""
    folds = np.asarray(folds)
    predicted, mean = np.zeros(len(counts)), np.zeros(len(counts))
    for fold in range(FOLDS):
        train, test = folds != fold, folds == fold
        model = make_pipeline(StandardScaler(), RidgeCV(PENALTIES))
        predicted[test] = model.fit(inputs[train], counts[train]).predict(inputs[test])
        mean[test] = counts[train].mean()
    return float(1 - ((counts - predicted) ** 2).sum() / ((counts - mean) ** 2).sum())


if __name__ == "__main__":
    main()
