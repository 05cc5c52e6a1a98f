"""How the competition's tables look, and how one is read: row by row, never the whole text.

A row is a trial: `trial_indices` (what the scan's trial_idx holds: a number or a hash), `image_ids`
(a number), `prediction` or, in a ground truth, `responses` (a list of one value per neuron), and
`neuron_ids` (the list of those neurons). Lists are Python's text of them, "[0.1, 0.2]".

Letters: N neurons.
"""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from neurokit.data.sensorium import SCANS
from neurokit.errors import DataError

PREDICTION, RESPONSES = "prediction", "responses"
TRACKS = {key: published.track for key, published in SCANS.items() if published.track}
FILE_NAMES = {"test": "submission_file_live_test.csv", "final_test": "submission_file_final_test.csv"}
FIELD_LIMIT = 2**26  # characters; the csv module refuses lists of 8,000 neurons otherwise


@dataclass(frozen=True)
class Row:
    """One trial of a table.

    Letters: N neurons.
    """

    where: str  # "FILE, row 3", counted from 1 below the header, for messages
    trial: str
    image: int
    values: Float[np.ndarray, "N"]  # float64
    neurons: Int[np.ndarray, "N"]


def columns(kind: str) -> list[str]:
    """The header of a table whose lists of values are of this kind, PREDICTION or RESPONSES."""
    return ["trial_indices", "image_ids", kind, "neuron_ids"]


def file_name(tier: str) -> str:
    """What the competition calls a tier's submission; raises DataError for a tier it does not score."""
    if tier not in FILE_NAMES:
        raise DataError(
            f"There is no submission of the tier {tier!r}; choose one of {', '.join(FILE_NAMES)}."
        )
    return FILE_NAMES[tier]


def rows(path: str | Path, kind: str) -> Iterator[Row]:
    """Yields the rows of a table in file order, one in memory at a time.

    The csv module's limit of a field's length is raised for the whole process. Raises DataError,
    naming the row: other columns, a row cut off, a list that is none, as many values as neurons not
    given.
    """
    csv.field_size_limit(max(csv.field_size_limit(), FIELD_LIMIT))
    last_text, neurons = "", np.empty(0, int)
    for number, (trial, image, values, text) in enumerate(_fields(Path(path), kind), start=1):
        where = f"{path}, row {number}"
        if text != last_text:  # nearly always the same list again
            last_text, neurons = text, _whole_numbers(text, where)
        yield _row(where, trial, image, values, neurons)


def _fields(path: Path, kind: str) -> Iterator[list[str]]:
    """Yields the four fields of each row below the header."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            table = filter(None, csv.reader(file, strict=True))  # an empty line is no row
            if (header := next(table, [])) != columns(kind):
                expected = ", ".join(columns(kind))
                raise DataError(f"{path} has the columns {', '.join(header)[:200]}; they must be {expected}.")
            for number, fields in enumerate(table, start=1):
                if len(fields) != len(header):
                    raise DataError(
                        f"{path}, row {number} has {len(fields)} fields instead of {len(header)}."
                    )
                yield fields
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        finding = f"{path} cannot be read to its end ({error})"
        raise DataError(f"{finding}: it is missing, cut off or no CSV file; write it again.") from error


def _row(where: str, trial: str, image: str, text: str, neurons: np.ndarray) -> Row:
    try:
        image_id = int(image)
    except ValueError:
        raise DataError(f"{where}: image_ids is {image[:40]!r}, which is no whole number.") from None
    values = _numbers(text, where)
    if len(values) != len(neurons):
        raise DataError(f"{where} has {len(values)} values for {len(neurons)} neuron_ids.")
    return Row(where, trial, image_id, values.astype(np.float64), neurons)


def _whole_numbers(text: str, where: str) -> Int[np.ndarray, "N"]:
    found = _numbers(text, where)
    if found.dtype.kind != "i" or len(np.unique(found)) != len(found):
        raise DataError(f"{where}: neuron_ids must be whole numbers, each once.")
    return found


def _numbers(text: str, where: str) -> np.ndarray:
    """A list of numbers from Python's text of it, which but for `nan` and `inf` is also JSON."""
    if "n" in text:
        text = text.replace("nan", "NaN").replace("inf", "Infinity")
    try:
        found = np.asarray(json.loads(text))
    except (ValueError, RecursionError):
        found = np.empty(0, object)
    if found.ndim != 1 or found.dtype.kind not in "if":
        finding = f"{where}: {_shortened(text)} is no list of numbers"
        raise DataError(f"{finding}; it must read like [0.5, 1.25], one number per neuron.")
    return found


def _shortened(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:18]} … {text[-18:]}"
