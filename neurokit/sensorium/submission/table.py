"""The competition's tables: how they look, and how one is written, read and checked.

A row is a trial: `trial_indices` (what the scan's trial_idx holds: a number or a hash), `image_ids`
(a number), `prediction` or, in a ground truth, `responses` (a list of one value per neuron), and
`neuron_ids` (the list of those neurons). Lists are Python's text of them, "[0.1, 0.2]". The text of a table
is never in memory all at once, and a file is complete under its name or not there.

`validate` says in one sentence what is wrong with a file. The competition's own scorer does not look at image
ids, stops without a message where a row is missing, and takes the neurons of all rows from the first; it
cannot notice predictions on another scale, since correlations ignore it.

Letters: T trials, N neurons.
"""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from neurokit.arguments import explain_failure, explain_values
from neurokit.errors import DataError
from neurokit.files.atomic import atomic_write
from neurokit.files.reading import check_no_pipe
from neurokit.sensorium.recording import Scan
from neurokit.sensorium.sources import SCANS

PREDICTION, RESPONSES = "prediction", "responses"
TRACKS = {key: published.track for key, published in SCANS.items() if published.track}
FILE_NAMES = {"test": "submission_file_live_test.csv", "final_test": "submission_file_final_test.csv"}
FIELD_LIMIT = 2**26  # characters; the csv module refuses lists of 8,000 neurons otherwise
FACTOR = 10  # by which the predictions' typical mean may miss that of the responses
FOLLOWED = 0.5  # of the unit of the raw responses, as an exponent: 0 is not at all, 1 wholly
SILENT = 0.01  # standardised mean response up to which a neuron says nothing about scale


@dataclass(frozen=True)
class Row:
    """One trial of a table."""

    where: str  # "FILE, row 3", counted from 1 below the header, for messages
    trial: str
    image: int
    values: Float[np.ndarray, "N"]  # float64
    neurons: Int[np.ndarray, "N"]


def columns(kind: str) -> list[str]:
    """The header of a table whose lists of values are of this kind, PREDICTION or RESPONSES."""
    return ["trial_indices", "image_ids", kind, "neuron_ids"]


@explain_failure
def file_name(tier: str) -> str:
    """What the competition calls a tier's submission; raises DataError for a tier it does not score."""
    if tier not in FILE_NAMES:
        raise DataError(
            f"There is no submission of the tier {tier!r}; choose one of {', '.join(FILE_NAMES)}."
        )
    return FILE_NAMES[tier]


@explain_failure
def write_submission(
    folder: str | Path, scan: Scan, predictions: Mapping[str, Float[np.ndarray, "_ _"] | Sequence]
) -> list[Path]:
    """Writes one file per tier of `predictions`, rows in file order, and returns the paths.

    A tier's array is (its trials in ascending file index, neurons) on the scale of standardised
    responses. All arrays are checked before the first file is touched. Raises DataError: a scan
    that leaves out what is scored, a tier that is not scored, another shape, values that are no real
    numbers, NaN, infinite or negative, another scale; DiskError.
    """
    checked = {}
    check_complete(scan)
    for tier, given in predictions.items():
        where = f"The prediction of {tier!r} for scan {scan.key}"
        file_name(tier)
        checked[tier] = values = _check_array(given, scan, tier, where)
        check_values(values, where)
        check_scale(values.mean(axis=0, dtype=np.float64), scan, where)
    return [
        _write_tier(Path(folder) / file_name(tier), scan, tier, values, PREDICTION)
        for tier, values in checked.items()
    ]


def check_complete(scan: Scan) -> None:
    """Raises DataError where neurons, or trials of a scored tier, are left out: a table has them all."""
    for each in scan.omissions:
        if each.pieces == "units" or each.part in FILE_NAMES:
            raise DataError(
                f"The competition scores every neuron and trial of its scans, but in scan {each}; submit a "
                "scan in which these can be used."
            )


@explain_failure
def write_ground_truth(
    folder: str | Path, scan: Scan, responses: Mapping[str, Float[np.ndarray, "_ _"]]
) -> list[Path]:
    """Writes `ground_truth_file_TIER.csv` for each tier of `responses` and returns the paths.

    Arrays as in `write_submission`; for a scan whose responses are withheld they come from elsewhere,
    such as the simulation of a simulated mouse. Raises DataError for another shape or non-finite
    values.
    """
    check_complete(scan)
    for tier, values in responses.items():
        where = f"The ground truth of {tier!r} for scan {scan.key}"
        _check_array(values, scan, tier, where)
        if not np.isfinite(values).all():
            raise DataError(f"{where} holds NaN or infinite responses; look where they come from.")
    return [
        _write_tier(Path(folder) / f"ground_truth_file_{tier}.csv", scan, tier, values, RESPONSES)
        for tier, values in responses.items()
    ]


@explain_values
def write_rows(
    path: str | Path,
    values: Float[np.ndarray, "T N"],
    trial_ids: np.ndarray,
    image_ids: Int[np.ndarray, "T"],
    unit_ids: Int[np.ndarray, "N"],
    kind: str = PREDICTION,
) -> None:
    """Writes one table, its columns and ids byte for byte as the competition's own writer does.

    A number is written in the fewest digits that give it back in its own type: float32 takes half
    the space, float64 is what the competition's writer makes of float32. Raises DiskError, with the
    file that stood there before untouched.
    """
    neurons = str(unit_ids.tolist())
    with atomic_write(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(columns(kind))
        for trial, image, row in zip(trial_ids.tolist(), image_ids.tolist(), values, strict=True):
            table.writerow([trial, image, f"[{', '.join(map(str, row))}]", neurons])


def neuron_ids(scan: Scan) -> Int[np.ndarray, "N"]:
    """The numbers of neurons in tables: the scan's own, or from 1 where it names them by texts."""
    return np.arange(1, scan.neurons + 1) if scan.unit_ids.dtype.kind == "U" else scan.unit_ids


def _write_tier(path: Path, scan: Scan, tier: str, values: np.ndarray, kind: str) -> Path:
    trials = scan.trials(tier)
    write_rows(path, values, scan.trial_ids[trials], scan.image_ids[trials], neuron_ids(scan), kind)
    return path


def _check_array(given: np.ndarray | Sequence, scan: Scan, tier: str, where: str) -> np.ndarray:
    try:
        values = np.asarray(given)
    except ValueError as error:  # rows of different lengths
        raise DataError(f"{where} is no array ({error}); give one row for each trial.") from error
    if values.dtype.kind not in "fiu":
        raise DataError(f"{where} is of type {values.dtype}; predict real numbers.")
    expected = len(scan.trials(tier)), len(scan.unit_ids)
    if values.shape != expected or not values.size:
        finding = f"{where} has the shape {values.shape}, the scan's trials and neurons are {expected}"
        raise DataError(f"{finding}; predict every trial of the tier and every neuron once.")
    return values


def rows(path: str | Path, kind: str) -> Iterator[Row]:
    """Yields the rows of a table in file order, one in memory at a time.

    The csv module's limit of a field's length is raised for the process. Raises DataError,
    naming the row: other columns, a row cut off, a malformed list, another number of values than
    of neurons.
    """
    csv.field_size_limit(max(csv.field_size_limit(), FIELD_LIMIT))
    last_text, neurons = "", np.empty(0, int)
    for number, (trial, image, values, text) in enumerate(_read_fields(Path(path), kind), start=1):
        where = f"{path}, row {number}"
        if text != last_text:  # nearly always the same list again
            last_text, neurons = text, _parse_whole_numbers(text, where)
        yield _parse_row(where, trial, image, values, neurons)


def _read_fields(path: Path, kind: str) -> Iterator[list[str]]:
    """Yields the four fields of each row below the header."""
    check_no_pipe(path)
    try:
        with path.open(newline="", encoding="utf-8") as file:
            table = filter(None, csv.reader(file, strict=True))  # an empty line is no row
            if (header := next(table, [])) != columns(kind):
                raise DataError(
                    f"{path} {_describe_header(header)}; they must be {', '.join(columns(kind))}."
                )
            for number, fields in enumerate(table, start=1):
                if len(fields) != len(header):
                    raise DataError(
                        f"{path}, row {number} has {len(fields)} fields instead of {len(header)}."
                    )
                yield fields
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        finding = f"{path} cannot be read to its end ({error})"
        raise DataError(f"{finding}: it is missing, cut off or no CSV file; write it again.") from error


def _describe_header(header: list[str]) -> str:
    """What is found in place of the columns; a byte order mark cannot be seen."""
    text = ", ".join(header)[:200]
    if text.startswith("\ufeff"):
        return f"begins with a byte order mark (save it as plain UTF-8), and has the columns {text[1:]}"
    if len(header) == 1 and ";" in text:
        return f"has the columns {text}, which commas have to separate"
    return f"has the columns {text}"


def _parse_row(where: str, trial: str, image: str, text: str, neurons: np.ndarray) -> Row:
    if not (image.isascii() and image.isdecimal() and len(image) < 19):  # int() takes "1_0", "+10" and " 10"
        raise DataError(f"{where}: image_ids is {image[:40]!r}; write a whole number in digits.")
    values = _parse_numbers(text, where)
    if len(values) != len(neurons):
        raise DataError(f"{where} has {len(values)} values for {len(neurons)} neuron_ids.")
    return Row(where, trial, int(image), values.astype(np.float64), neurons)


def _parse_whole_numbers(text: str, where: str) -> Int[np.ndarray, "N"]:
    found = _parse_numbers(text, where)
    if found.dtype.kind != "i" or len(np.unique(found)) != len(found):
        raise DataError(f"{where}: neuron_ids must be whole numbers, each once.")
    return found


def _parse_numbers(text: str, where: str) -> np.ndarray:
    """A list of numbers from Python's text of it, which is JSON except for `nan` and `inf`."""
    if "n" in text:
        text = text.replace("nan", "NaN").replace("inf", "Infinity")
    try:
        found = np.asarray(json.loads(text))
    except (ValueError, RecursionError):
        found = np.empty(0, object)
    if found.ndim != 1 or found.dtype.kind not in "if" or "true" in text or "false" in text:
        finding = f"{where}: {_shorten(text)} is no list of numbers"
        raise DataError(f"{finding}; it must read like [0.5, 1.25], one number per neuron.")
    return found


def _shorten(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:18]} … {text[-18:]}"


@explain_failure
def validate(path: str | Path, scan: Scan, tier: str) -> None:
    """Raises DataError with the first fault of a submission; returns nothing for a correct file.

    Faults: another file name, columns or their order; a file cut off; trials missing, extra or
    doubled; other neurons, or in another order than `scan.unit_ids`, in any row; other image ids;
    another number of values than of neurons; NaN, infinite or negative values; another scale
    (`check_scale`). The order of rows is free.
    """
    path = Path(path)
    if path.name != file_name(tier):
        raise DataError(f"{path} must be called {file_name(tier)} to be the submission of {tier!r}.")
    check_complete(scan)
    images = _map_images(scan, tier)
    seen: set[str] = set()
    total = np.zeros(len(scan.unit_ids))
    for row in rows(path, PREDICTION):
        _check_trial(row, images, seen, tier)
        _check_neurons(row, scan)
        check_values(row.values, row.where)
        seen.add(row.trial)
        total += row.values
    if missing := [trial for trial in images if trial not in seen]:
        finding = f"{path} lacks {len(missing)} of the {len(images)} trials of {tier!r}"
        raise DataError(f"{finding}, the first {missing[0]}; predict them all.")
    check_scale(total / len(images), scan, str(path))


def check_values(values: Float[np.ndarray, "..."], where: str) -> None:
    """Raises DataError where values are NaN, infinite or negative."""
    if not np.isfinite(values).all():
        raise DataError(f"{where} holds NaN or infinite predictions; look at the model's inputs.")
    if (values < 0).any():
        raise DataError(f"{where} holds the negative prediction {values.min():.3g}; rates are 0 or more.")


def check_scale(means: Float[np.ndarray, "N"], scan: Scan, where: str) -> None:
    """Raises DataError where mean predictions are not on the scale of standardised responses.

    Two rules, over neurons that respond (others have no scale). The median of predicted over
    observed mean is within a factor of ten: even a constant prediction of 1 is, one in another
    unit is not. And in the regression of log prediction on log standardised mean and log unit (raw
    per standardised response), the unit's exponent is not surely above one half: raw predictions
    carry all of it, 1, while a poor model, knowing nothing of the unit, has about 0. Not noticed:
    raw units that are alike in all neurons or small, and a random model of few neurons.
    """
    observed = np.asarray(scan.statistics["responses"]["mean"] * scan.response_scale, np.float64)
    responding = (observed > SILENT) & (means > 0)
    if not responding.any():
        raise DataError(f"{where} predicts 0 for every neuron that responds; look at the model's outputs.")
    means, observed, unit = means[responding], observed[responding], 1 / scan.response_scale[responding]
    ratio = np.median(means / observed)
    if not 1 / FACTOR <= ratio <= FACTOR:
        finding = f"{where} is on a wrong scale: its typical mean is {ratio:.3g} times that of the responses"
        raise DataError(f"{finding}; predict standardised responses.")
    if _surely_follows(means, observed, unit):
        finding = f"{where} is on a wrong scale: its means grow with the unit of the raw responses"
        raise DataError(f"{finding}; predict standardised responses (raw times response_scale).")


def _surely_follows(
    means: Float[np.ndarray, "M"], observed: Float[np.ndarray, "M"], unit: Float[np.ndarray, "M"]
) -> bool:
    """Whether the unit's exponent in the means lies three standard errors above FOLLOWED."""
    if len(means) < 5:
        return False
    inputs = np.stack([np.log(unit), np.log(observed), np.ones_like(means)], axis=1, dtype=np.float64)
    exponents, _, rank, _ = np.linalg.lstsq(inputs, np.log(means))
    if rank < 3:  # all neurons have one unit, or one mean: nothing tells raw from standardised
        return False
    variance = ((np.log(means) - inputs @ exponents) ** 2).sum() / (len(means) - 3)
    error = np.sqrt(variance * np.linalg.inv(inputs.T @ inputs)[0, 0])
    return bool(exponents[0] - 3 * error > FOLLOWED)


def _map_images(scan: Scan, tier: str) -> dict[str, int]:
    """The image shown in each trial of the tier, in file order."""
    trials = scan.trials(tier)
    if not len(trials):
        raise DataError(f"Scan {scan.key} has no trials of the tier {tier!r}; submit a scan that has.")
    return {
        str(trial): int(image)
        for trial, image in zip(scan.trial_ids[trials], scan.image_ids[trials], strict=True)
    }


def _check_trial(row: Row, images: dict[str, int], seen: set[str], tier: str) -> None:
    if row.trial not in images:
        raise DataError(f"{row.where}: {row.trial[:40]!r} is no trial of {tier!r}; leave it out.")
    if row.trial in seen:
        raise DataError(f"{row.where}: trial {row.trial} was given before; give it once.")
    if row.image != images[row.trial]:
        finding = f"{row.where}: trial {row.trial} has the image {row.image}"
        raise DataError(f"{finding}, but {images[row.trial]} was shown; copy the scan's image ids.")


def _check_neurons(row: Row, scan: Scan) -> None:
    if np.array_equal(row.neurons, wanted := neuron_ids(scan)):
        return
    if np.array_equal(np.sort(row.neurons), np.sort(wanted)):
        raise DataError(f"{row.where} has its neurons in another order than the scan; keep that of unit_ids.")
    other = len(np.setxor1d(row.neurons, wanted))
    raise DataError(
        f"{row.where}: {other} neuron ids are missing or not of scan {scan.key}; copy its unit_ids."
    )
