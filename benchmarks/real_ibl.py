"""Behaviour before a stimulus and the counts of four regions: one real session, two ways to split it.

    python benchmarks/real_ibl.py

One session of the International Brain Laboratory (425 trials; `recordings.example("ibl")`). A region's mean
count from 0.6 to 0.1 s before the stimulus is read from seven traces of behaviour up to that moment, from
slow drift (the mean count of neighbouring training trials), or from both, by ridge regression in eight folds:
of trials drawn at random, or of neighbouring trials. A seed draws the folds, or where the blocks begin. The
penalty is chosen in the same way among the other seven. The score is R² against the mean of the training
trials. The null gives each trial the behaviour of another one, by circular shifts of at least 10 trials; for
signals that drift as slowly as these it is too low (Harris, bioRxiv 2020.11.29.402719).
"""

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np

from neurokit.recordings import Recording, example
from record import save

FOLDS = 8
UNTIL = -0.1  # s from the stimulus
WIDTH = 5  # bins of 0.02 s that are averaged
PENALTIES = np.logspace(0, 6, 13)
MEASURED = 0.5  # of a trial's values; the others are the mean of the training trials
NEIGHBOURHOOD = 10.0  # trials: standard deviation of the weights around a trial
NEAREST = 10  # trials that a shift is away at least


def main(arguments: list[str] | None = None) -> list[dict[str, Any]]:
    """Scores all regions and writes the result file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--shifts", type=int, default=40, help="of the null, evenly spread over the session")
    parser.add_argument("--no-file", action="store_true", help="print only")
    options = parser.parse_args(arguments)
    session = example("ibl")
    behaviour, counts = read_session(session)
    rows = [
        {"region": region, "units": int((session.area == region).sum()), "inputs": inputs}
        | scores(behaviour, values, inputs, options.seeds, options.shifts)
        for region, values in counts.items()
        for inputs in ("behaviour", "drift", "both")
    ]
    for row in rows:
        print(
            row["region"],
            row["inputs"],
            np.round(np.mean(row["random"]), 3),
            np.round(np.mean(row["blocked"]), 3),
        )
    if not options.no_file:
        save("real_ibl", rows, seeds=options.seeds, shifts=options.shifts)
    return rows


def read_session(session: Recording) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Behaviour before the stimulus, K x features, and each region's mean count, K; without cut trials."""
    trials = session.trials
    before = np.flatnonzero(trials.behaviour_time < UNTIL)
    before = before[: len(before) // WIDTH * WIDTH]
    behaviour = np.concatenate([average(values[:, before]) for values in trials.behaviour.values()], axis=1)
    usable = np.isfinite(behaviour).mean(axis=1) > MEASURED
    regions, counts = dict.fromkeys(session.area.tolist()), trials.responses[usable, 0]
    return behaviour[usable], {name: counts[:, session.area == name].mean(axis=1) for name in regions}


def average(values: np.ndarray) -> np.ndarray:
    """The mean of the values that were measured in each 0.1 s, NaN where there are none."""
    pieces = values.reshape(len(values), -1, WIDTH)
    number = np.isfinite(pieces).sum(axis=2)
    return np.where(number > 0, np.nansum(pieces, axis=2) / np.maximum(number, 1), np.nan)


def scores(behaviour: np.ndarray, counts: np.ndarray, inputs: str, seeds: int, shifts: int) -> dict[str, Any]:
    """R² with random folds and with blocked ones, one value a seed; of behaviour also that of chance."""
    drawn = {
        name: [draw(len(counts), seed) for seed in range(seeds)]
        for name, draw in (("random", random_folds), ("blocked", blocked_folds))
    }
    row: dict[str, Any] = {
        name: [cross_validated(behaviour, counts, inputs, folds) for folds in several]
        for name, several in drawn.items()
    }
    if inputs == "behaviour":
        away = np.linspace(NEAREST, len(counts) - NEAREST, shifts).astype(int)
        for name, several in drawn.items():
            null = [
                cross_validated(np.roll(behaviour, by, axis=0), counts, inputs, several[number % seeds])
                for number, by in enumerate(away)
            ]
            row[f"{name}_null"] = float(np.percentile(null, 97.5))
    return row


def random_folds(trials: int, seed: int) -> np.ndarray:
    """Trials dealt to folds one by one."""
    return np.random.default_rng(seed).permutation(trials) % FOLDS


def blocked_folds(trials: int, seed: int) -> np.ndarray:
    """Neighbouring trials in one fold; a seed draws where the first border lies, on which much depends."""
    border = np.random.default_rng(seed).integers(1, trials // FOLDS)
    inner = border + np.arange(FOLDS - 1) * (trials // FOLDS)
    return np.searchsorted(inner, np.arange(trials), side="right")


def cross_validated(
    behaviour: np.ndarray, counts: np.ndarray, inputs: str, folds: Sequence[int] | np.ndarray
) -> float:
    """R² over all trials, each predicted by a fit to the other folds.

    The scales are those of the other folds, and so is the penalty: each of these folds is predicted by the
    rest of them, so that a penalty for blocks is chosen on blocks.
    """
    folds = np.asarray(folds)
    predicted, mean = np.zeros(len(counts)), np.zeros(len(counts))
    for fold in range(FOLDS):
        test = folds == fold
        errors = np.zeros(len(PENALTIES))
        for other in set(range(FOLDS)) - {fold}:
            inner = folds == other
            path = predict(behaviour, counts, inputs, folds, ~test & ~inner, inner)
            errors += ((path - counts[inner, None]) ** 2).sum(axis=0)
        path = predict(behaviour, counts, inputs, folds, ~test, test)
        predicted[test], mean[test] = path[:, errors.argmin()], counts[~test].mean()
    return float(1 - ((counts - predicted) ** 2).sum() / ((counts - mean) ** 2).sum())


def predict(
    behaviour: np.ndarray,
    counts: np.ndarray,
    inputs: str,
    folds: np.ndarray,
    train: np.ndarray,
    test: np.ndarray,
) -> np.ndarray:
    """Counts of the test trials with each of PENALTIES, trials x penalties."""
    drift = neighbours(counts, folds, train)[:, None]
    design = {"behaviour": behaviour, "drift": drift, "both": np.concatenate([behaviour, drift], axis=1)}[
        inputs
    ]
    return ridge_path(design[train], counts[train], design[test])


def neighbours(counts: np.ndarray, folds: np.ndarray, train: np.ndarray) -> np.ndarray:
    """What the training trials around each trial say of it, the nearest most; never one of its own fold."""
    number = np.arange(len(counts))
    apart = np.abs(number[:, None] - number).astype(float)
    allowed = train & (folds != folds[:, None])
    nearest = np.where(allowed, apart, np.inf).min(axis=1, keepdims=True)
    weights = np.where(allowed, np.exp((nearest**2 - apart**2) / (2 * NEIGHBOURHOOD**2)), 0)
    return weights @ counts / weights.sum(axis=1)


def ridge_path(known: np.ndarray, counts: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Predictions of ridge regression with each of PENALTIES; inputs that are missing count as their mean."""
    mean, spread = np.nanmean(known, axis=0), np.nanstd(known, axis=0)
    known, asked = (np.nan_to_num((each - mean) / np.where(spread > 0, spread, 1)) for each in (known, asked))
    left, values, right = np.linalg.svd(known, full_matrices=False)
    shrunk = values[:, None] / (values[:, None] ** 2 + PENALTIES)
    weights = right.T @ (shrunk * (left.T @ (counts - counts.mean()))[:, None])
    return asked @ weights + counts.mean()


if __name__ == "__main__":
    main()
