"""Scores of single neurons: neuralpredictors' vectorised numpy against `neurokit.metrics`.

    python benchmarks/speed_correlation.py

Correlation: 5,000 trials of 8,000 neurons, of responses that half of the prediction explains. FEVE: 100
images shown 10 times. Everything is float32 on both sides, as responses and predictions are; the peer
computes in that, ours in float64, so the two differ by the peer's rounding. numpy has one thread for all of
it; our correlation runs in two. The peer wants FEVE's trials as one array an image, and is timed without
making them. Memory is what the peak of a fresh process grows by.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch

import paired
import peers
from neurokit.metrics import correlation, feve

SIZES = {"trials": 5000, "images": 100, "repeats": 10, "neurons": 8000}
QUICK = {"trials": 300, "images": 20, "repeats": 5, "neurons": 400}
TOLERANCE = 1e-5  # of the largest score; the peer adds up to 5,000 numbers in single precision
PEER, OURS = "neuralpredictors", "neurokit"
Pair = tuple[np.ndarray, np.ndarray]  # responses and predictions


def main(arguments: list[str] | None = None) -> list[dict[str, Any]]:
    """Compares, times and weighs both scores."""
    options = paired.options(__doc__, arguments)
    peers.require()
    size, rounds = (QUICK, 2) if options.quick else (SIZES, 9)
    rows = [
        *correlations(size, options.rounds or rounds),
        explained(size, options.rounds or rounds),
    ]
    return paired.report("correlation", rows, options.quick, **size)


def correlations(size: dict[str, int], rounds: int) -> list[dict[str, Any]]:
    """Time and memory of the correlation over trials."""
    pair = drawn(size["trials"], size["neurons"])
    works = {PEER: their_correlation(*pair), OURS: partial(correlation, *pair)}
    facts = facts_of(works)
    times = paired.timed(works, rounds)
    del pair, works  # frees memory for the new processes
    peaks = (paired.peak_alone(make, size) for make in (prepare_theirs, prepare_ours))
    between, work = {"peer": PEER, "ours": OURS}, "correlation of each neuron"
    return [
        paired.compared(times, PEER, OURS, work=work, aim=2.5, threads="1 and 2", **facts),
        paired.memory(*peaks, **between, work=f"{work}, memory", aim=5, **facts),
    ]


def explained(size: dict[str, int], rounds: int) -> dict[str, Any]:
    """Time of FEVE."""
    shown = np.repeat(np.arange(size["images"]), size["repeats"])
    pair = drawn(len(shown), size["neurons"], shown)
    works = {PEER: their_feve(*pair, shown), OURS: lambda: feve(*pair, shown).fraction_explained}
    facts = facts_of(works)
    return paired.compared(
        paired.timed(works, rounds), PEER, OURS, work="FEVE of each neuron", aim=1, **facts
    )


def drawn(trials: int, neurons: int, shown: np.ndarray | None = None) -> Pair:
    """Responses, and predictions that know half of what varies, by image where one is shown."""
    random = np.random.default_rng(0)
    known = random.standard_exponential((trials, neurons), dtype=np.float32)
    known = known if shown is None else known[shown]
    responses = random.standard_exponential((trials, neurons), dtype=np.float32)
    responses += known
    return responses, known


def facts_of(works: dict[str, Callable[[], np.ndarray]]) -> dict[str, Any]:
    """What holds for a row, after both sides have given the same scores."""
    theirs, ours = (torch.from_numpy(np.asarray(works[name](), np.float64)) for name in (PEER, OURS))
    assert theirs.abs().mean() > 0.1, "there is nothing to find"
    worst = paired.assert_equal({"score": ours}, {"score": theirs}, TOLERANCE)
    return {"largest_difference": worst, "allocator": "as it comes"}


def their_correlation(responses: np.ndarray, predictions: np.ndarray) -> paired.Work:
    """The peer's, over trials."""
    from neuralpredictors.measures.np_functions import corr

    return lambda: corr(responses, predictions, axis=0)


def their_feve(responses: np.ndarray, predictions: np.ndarray, shown: np.ndarray) -> paired.Work:
    """The peer's, of the trials of each image."""
    from neuralpredictors.measures.np_functions import fev

    images = [[values[shown == image] for image in np.unique(shown)] for values in (responses, predictions)]
    return lambda: fev(*images)


def prepare_theirs(size: dict[str, int]) -> paired.Work:
    """Their correlation, in a process that has done nothing else."""
    peers.importable()
    return their_correlation(*drawn(size["trials"], size["neurons"]))


def prepare_ours(size: dict[str, int]) -> paired.Work:
    """Our correlation, in a process that has done nothing else."""
    return partial(correlation, *drawn(size["trials"], size["neurons"]))


if __name__ == "__main__":
    main()
