"""Scores a submission against a ground truth, as the competition's scorer does but never silently.

Rows are matched by trial id and, in every row, columns by neuron id (the competition's scorer takes
the neurons of the first row for those of all). Memory: both tables as float64 and one row of text.

Letters: T trials, N neurons.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int

from neurokit.arguments import explain_failure
from neurokit.errors import DataError
from neurokit.metrics.neurons import correlation, correlation_to_average, feve
from neurokit.sensorium.submission.table import PREDICTION, RESPONSES, Row, rows

CHUNK_SIZE = 256  # neurons scored at once, so that nothing else of the tables' size is made


@dataclass(frozen=True)
class NeuronScores:
    """Scores of each neuron, in the order of the ground truth's first row (see `metrics.neurons`)."""

    neurons: Int[np.ndarray, "N"]  # their ids
    single_trial: Float[np.ndarray, "N"]
    to_average: Float[np.ndarray, "N"]
    fraction_explainable: Float[np.ndarray, "N"]
    fraction_explained: Float[np.ndarray, "N"]
    included: Bool[np.ndarray, "N"]  # counted in the mean of `fraction_explained`


@explain_failure
def score_submission(ground_truth: str | Path, submission: str | Path) -> dict[str, float]:
    """The three scores of the competition, under its names; means over neurons.

    FEVE is NaN where no neuron is counted. Raises DataError: a file that cannot be read; trials
    missing, extra or doubled; other neurons or image ids; values that are not finite.
    """
    neurons = score_neurons(ground_truth, submission)
    counted = neurons.fraction_explained[neurons.included]
    return {
        "Single Trial Correlation": float(neurons.single_trial.mean()),
        "Correlation to Average": float(neurons.to_average.mean()),
        "FEVE": float(counted.mean()) if len(counted) else float("nan"),
    }


@explain_failure
def score_neurons(ground_truth: str | Path, submission: str | Path) -> NeuronScores:
    """The scores of every neuron; raises DataError as `score_submission`."""
    truth = _read_truth(Path(ground_truth))
    predictions = _read_predictions(Path(submission), truth)
    blocks = [slice(first, first + CHUNK_SIZE) for first in range(0, len(truth.neurons), CHUNK_SIZE)]
    scored = [_score_block(truth, predictions, block) for block in blocks]
    return NeuronScores(truth.neurons, *map(np.concatenate, zip(*scored, strict=True)))


@dataclass(frozen=True)
class _Truth:
    path: Path
    neurons: Int[np.ndarray, "N"]
    images: Int[np.ndarray, "T"]
    responses: Float[np.ndarray, "T N"]
    row_of_trial: dict[str, int]


def _score_block(truth: _Truth, predictions: np.ndarray, block: slice) -> tuple[np.ndarray, ...]:
    ours, theirs = predictions[:, block], truth.responses[:, block]
    explained = feve(theirs, ours, truth.images)
    return (
        correlation(theirs, ours),
        correlation_to_average(theirs, ours, truth.images),
        explained.fraction_explainable,
        explained.fraction_explained,
        explained.included,
    )


def _read_truth(path: Path) -> _Truth:
    """The ground truth, its columns in the order of its first row."""
    found: dict[str, np.ndarray] = {}
    images, columns = [], None
    for row in rows(path, RESPONSES):
        columns = columns or _Columns(row.neurons, path)
        if row.trial in found:
            raise DataError(f"{row.where}: trial {row.trial} was given before; give it once.")
        found[row.trial] = columns.order(row)
        images.append(row.image)
    if columns is None:
        raise DataError(f"{path} has no rows; write the ground truth again.")
    places = {trial: place for place, trial in enumerate(found)}
    return _Truth(path, columns.neurons, np.array(images), np.stack([*found.values()]), places)


def _read_predictions(path: Path, truth: _Truth) -> Float[np.ndarray, "T N"]:
    """The predictions, rows and columns in the order of the ground truth."""
    found, columns = np.full_like(truth.responses, np.nan), _Columns(truth.neurons, truth.path)
    missing = dict(truth.row_of_trial)
    for row in rows(path, PREDICTION):
        if (place := missing.pop(row.trial, None)) is None:
            problem = "was given before" if row.trial in truth.row_of_trial else f"is not in {truth.path}"
            raise DataError(f"{row.where}: trial {row.trial[:40]} {problem}; give each trial once.")
        if row.image != truth.images[place]:
            raise DataError(f"{row.where} has the image {row.image}, {truth.path} has {truth.images[place]}.")
        found[place] = columns.order(row)
    if missing:
        finding = f"{path} lacks {len(missing)} of the {len(truth.row_of_trial)} trials of {truth.path}"
        raise DataError(f"{finding}, the first {next(iter(missing))}; predict them all.")
    return found


class _Columns:
    """Brings the values of rows into one order of neurons, each row by its own neuron ids."""

    def __init__(self, neurons: Int[np.ndarray, "N"], path: Path) -> None:
        self.neurons, self._path = neurons, path
        self._ascending = np.argsort(neurons)
        self._last, self._order = neurons, np.arange(len(neurons))

    def order(self, row: Row) -> Float[np.ndarray, "N"]:
        """The row's values in the order of `neurons`; raises DataError for other ids or NaN."""
        if row.neurons is not self._last:  # the reader hands out the same array while ids stay
            self._last, self._order = row.neurons, self._find_order(row)
        if not np.isfinite(row.values).all():
            raise DataError(f"{row.where} holds NaN or infinite values; only finite ones can be scored.")
        return row.values[self._order]

    def _find_order(self, row: Row) -> Int[np.ndarray, "N"]:
        theirs = np.argsort(row.neurons)
        if not np.array_equal(row.neurons[theirs], self.neurons[self._ascending]):
            finding = f"{row.where} has other neuron_ids than {self._path}"
            raise DataError(f"{finding} ({len(theirs)} and {len(self.neurons)}); score files of one scan.")
        order = np.empty_like(theirs)
        order[self._ascending] = theirs
        return order
