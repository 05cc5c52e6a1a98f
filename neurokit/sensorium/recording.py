"""Scans of the SENSORIUM 2022 competition (Willeke et al., 2022): still images, two-photon responses.

Seven mice looked at grey natural images while layer 2/3 of their primary visual cortex was imaged; each scan
is a zip of one array per trial and field. `load_scan` reads it, packs it once (arrays checked, standardised
and shrunk), and maps the pack into memory from then on.

Standardisation is the competition's: only the numbers of `meta/statistics/*/all` enter it, in double
precision.

Letters: T trials of a scan in the order of its file names (random in time), N neurons.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from neurokit import settings
from neurokit.arguments import explain_failure
from neurokit.errors import DataError
from neurokit.progress import progress
from neurokit.sensorium.files import (
    FIELDS,
    TIERS,
    ScanFiles,
    open_scan,
    read_trials,
    read_whole_numbers,
)
from neurokit.sensorium.pack import Contents, Rows, read_or_pack
from neurokit.training.checkpoint import fingerprint

HEIGHT, WIDTH = 36, 64  # pixels of a packed image
SHAPES = ((1, 4 * HEIGHT, 4 * WIDTH), (1, HEIGHT, WIDTH))  # of an image file
STATISTICS = ("mean", "std", "min", "max", "median")
BEHAVIOUR, PUPIL_CENTER = 3, 2  # values of a trial
SMALLEST_STD = 0.01  # of the mean over neurons; keeps silent neurons from being blown up


@dataclass(frozen=True, eq=False)
class Scan:
    """One scan: what a mouse saw, what its neurons and its eye and legs did, trial by trial.

    Attributes:
        key: animal, session and scan, such as "27204-5-13".
        images: z-scored with the scan's own statistics and shrunk to 36 x 64 pixels, T x 36 x 64;
            read-only, mapped from the pack.
        responses: deconvolved activity on the competition's scale (raw times `response_scale`, at
            or above 0), T x N; zero where withheld; read-only, mapped from the pack.
        behaviour: raw pupil size, its change in time, running speed, T x 3; all zero where the
            scan has none.
        pupil_center: raw horizontal and vertical eye position, T x 2.
        tiers: train, validation, test or final_test, T.
        image_ids: equal where the same image was shown, T.
        trial_ids: the scan's own names of trials, T: integers in the order of presentation, or
            texts in the scans of the competition.
        rank: place of each trial in the order of presentation, 0 to T - 1, T.
        unit_ids: the scan's own numbers of neurons, N, ascending from 1 with gaps.
        coordinates: place of each neuron in the cortex, x, y, z, micrometres, N x 3.
        response_scale: what raw responses were multiplied with, N.
        statistics: of "behavior", "pupil_center", "responses" and "images": "mean", "std", "min",
            "max" and "median" of the raw values, as the publisher computed them.
        fingerprint: of the files that the scan was read from; another where any of them changed.
        ordered: False where the scan tells nothing of the order of its trials; `rank` is then only
            the order of the files, and nothing that depends on time may be fitted to it.
        truth: the file with what was planted in a simulated scan, where it lies beside it.
    """

    key: str
    images: Float[np.ndarray, "T 36 64"]
    responses: Float[np.ndarray, "T N"]
    behaviour: Float[np.ndarray, "T 3"]
    pupil_center: Float[np.ndarray, "T 2"]
    tiers: np.ndarray
    image_ids: Int[np.ndarray, "T"]
    trial_ids: np.ndarray
    rank: Int[np.ndarray, "T"]
    unit_ids: Int[np.ndarray, "N"]
    coordinates: Float[np.ndarray, "N 3"]
    response_scale: Float[np.ndarray, "N"]
    statistics: dict[str, dict[str, np.ndarray]]
    fingerprint: str
    ordered: bool = True
    truth: Path | None = None

    @property
    def neurons(self) -> int:
        """Number of neurons."""
        return self.responses.shape[1]

    @property
    def has_behaviour(self) -> bool:
        """Whether pupil and running were published; they are all zero where not."""
        return bool(self.behaviour.any())

    def trials(self, tier: str) -> Int[np.ndarray, "K"]:
        """File indices of a tier, ascending, none for a tier without trials; DataError for another word."""
        return find_trials(self.tiers, tier)

    def withheld(self, tier: str) -> bool:
        """Whether the tier has trials and all their responses are zero, as the competition's test has."""
        trials = self.trials(tier)
        return bool(len(trials)) and not self.responses[trials].any()


def find_trials(tiers: np.ndarray, tier: str) -> Int[np.ndarray, "K"]:
    """File indices of the trials of a tier, ascending; DataError for a word that names no tier."""
    if tier not in TIERS:
        raise DataError(f"{tier!r} is no tier: choose one of {', '.join(TIERS)}.")
    return np.flatnonzero(tiers == tier)


class Scans(dict[str, Scan]):
    """Scans by key, in the order in which a model has them.

    `left_out` are the keys of those that the model cannot read, since they have no behaviour.
    """

    def __init__(self, scans: Mapping[str, Scan], left_out: Iterable[str] = ()) -> None:
        super().__init__(scans)
        self.left_out = tuple(left_out)


def identity(scans: Mapping[str, Scan]) -> dict[str, Any]:
    """Which scans these are: their keys, and for each the digest of its values, wherever it was read."""
    return {"scans": list(scans)} | {key: _digest(scan) for key, scan in scans.items()}


def _digest(scan: Scan) -> str:
    values = [scan.images, scan.responses, scan.behaviour, scan.pupil_center, scan.image_ids, scan.rank]
    known = scan.statistics
    statistics = [known[field][word] for field in sorted(known) for word in STATISTICS]
    texts = [each.astype("U64") for each in (scan.tiers, scan.trial_ids)]
    return fingerprint(*values, scan.unit_ids, scan.coordinates, *statistics, *texts)


@explain_failure
def load_scan(source: str | Path, packed: str | Path | None = None) -> Scan:
    """The scan in a zip or folder, from its pack in the folder `packed`, which is written if missing.

    By default packs lie under "packed" in the data folder; they are rewritten when the source has
    changed. Raises DataError, naming the array, where the source is damaged or does not fit
    together, and DiskError where the pack cannot be written.
    """
    folder = Path(packed) if packed is not None else settings.data_folder() / "packed"
    with open_scan(source) as files:
        arrays = read_or_pack(folder, files.key, files.fingerprint, lambda: read_arrays(files))
    return _make_scan(files.key, files.fingerprint, arrays)


def _make_scan(key: str, fingerprint: str, arrays: dict[str, np.ndarray]) -> Scan:
    held: dict[str, Any] = {name: arrays.pop(name) for name in ("images", "responses")}  # these stay mapped
    held |= {name: np.array(values) for name, values in arrays.items()}
    statistics = {
        field: {word: held.pop(f"statistics/{field}/{word}") for word in STATISTICS} for field in FIELDS
    }
    ordered = bool(held.pop("ordered"))
    return Scan(key=key, fingerprint=fingerprint, statistics=statistics, ordered=ordered, **held)


def read_arrays(files: ScanFiles) -> Contents:
    """All arrays of a scan by the names of `Scan`, statistics as "statistics/<field>/<word>".

    Images and responses come row by row. Raises DataError for what is missing, misshaped, not
    finite, too large or negative; for images and responses only while they are read.
    """
    trials = read_trials(files)
    number = len(trials["tiers"])
    neurons = read_neurons(files)
    statistics = read_statistics(files, len(neurons["unit_ids"]))
    scale = response_scale(statistics["responses/std"])
    return {
        **trials,
        **neurons,
        **{f"statistics/{name}": values for name, values in statistics.items()},
        "response_scale": scale,
        "behaviour": _stack_field(files, "behavior", number, BEHAVIOUR),
        "pupil_center": _stack_field(files, "pupil_center", number, PUPIL_CENTER),
        "images": Rows((number, HEIGHT, WIDTH), _read_images(files, number, statistics)),
        "responses": Rows((number, len(scale)), _read_responses(files, number, scale)),
    }


def response_scale(std: Float[np.ndarray, "N"]) -> Float[np.ndarray, "N"]:
    """What raw responses are multiplied with: 1 / std, where std is above 1 % of its mean over neurons.

    For the others, silent neurons among them, 1 / (1 % of that mean). Responses are not centred.
    `std` must be above zero for one neuron at least.
    """
    smallest = SMALLEST_STD * std.mean()
    return 1 / np.maximum(std, smallest)


def shrink(images: Float[np.ndarray, "*B 144 256"]) -> Float[np.ndarray, "*B 36 64"]:
    """Images at a quarter of their size: the mean of the central 2 x 2 of each 4 x 4 pixels.

    The same as bilinear interpolation without anti-aliasing, the competition's rescaling.
    """
    above, below = images[..., 1::4, :], images[..., 2::4, :]
    return (above[..., 1::4] + above[..., 2::4] + below[..., 1::4] + below[..., 2::4]) / 4


def read_neurons(files: ScanFiles) -> dict[str, np.ndarray]:
    """unit_ids (N) and coordinates (N x 3, micrometres); DataError where they do not fit."""
    ids, places = (f"meta/neurons/{name}.npy" for name in ("unit_ids", "cell_motor_coordinates"))
    number = files.read(ids).size
    unit_ids = read_whole_numbers(files, ids, number)
    if not 0 < number == len(np.unique(unit_ids)):
        raise files.error(ids, "names a neuron twice or none")
    return {"unit_ids": unit_ids, "coordinates": _read_numbers(files, places, (number, 3))}


def read_statistics(files: ScanFiles, neurons: int) -> dict[str, np.ndarray]:
    """The published STATISTICS of the four fields, as "<field>/<word>"; "all", not a stimulus type.

    Raises DataError for what is missing, misshaped or not finite, and where all responses, or the
    images, have a standard deviation of zero.
    """
    widths = {"responses": neurons, "behavior": BEHAVIOUR, "pupil_center": PUPIL_CENTER}
    found = {}
    for field in FIELDS:
        shape = (widths[field],) if field in widths else None
        for word in STATISTICS:
            found[f"{field}/{word}"] = _read_numbers(files, _name_statistic(field, word), shape)
    for field in ("responses", "images"):
        spread = found[f"{field}/std"]
        if (spread < 0).any() or not spread.any() or (field == "images" and not spread.all()):
            raise files.error(_name_statistic(field, "std"), "is zero or negative")
    return found


def _name_statistic(field: str, word: str) -> str:
    return f"meta/statistics/{field}/all/{word}.npy"


def _stack_field(files: ScanFiles, field: str, trials: int, width: int) -> Float[np.ndarray, "T width"]:
    return np.stack([_read_numbers(files, f"data/{field}/{i}.npy", (width,)) for i in range(trials)])


def _read_images(
    files: ScanFiles, trials: int, statistics: dict[str, np.ndarray]
) -> Iterator[Float[np.ndarray, "36 64"]]:
    mean, std = statistics["images/mean"], statistics["images/std"]
    for name in _name_files(files, "images", trials):
        image = _read_numbers(files, name)
        if image.shape not in SHAPES:
            raise files.error(name, f"has shape {image.shape} instead of {SHAPES[0]} or {SHAPES[1]}")
        try:
            image = ((image - mean) / std).reshape(image.shape)
        except ValueError:
            finding = f"has shape {image.shape}, its statistics {mean.shape} and {std.shape}"
            raise files.error(name, finding) from None
        yield _to_single(files, name, shrink(image[0]) if image.shape == SHAPES[0] else image[0])


def _read_responses(
    files: ScanFiles, trials: int, scale: Float[np.ndarray, "N"]
) -> Iterator[Float[np.ndarray, "N"]]:
    for name in _name_files(files, "responses", trials):
        responses = _read_numbers(files, name, scale.shape)
        if (responses < 0).any():
            raise files.error(name, "holds negative responses")
        yield _to_single(files, name, responses * scale)


def _to_single(files: ScanFiles, name: str, values: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Standardised values in single precision; DataError where that cannot hold them."""
    with np.errstate(over="ignore"):
        values = values.astype(np.float32)
    if not np.isfinite(values).all():
        raise files.error(name, "holds values too large to be standardised in single precision")
    return values


def _name_files(files: ScanFiles, field: str, trials: int) -> Iterator[str]:
    names = [f"data/{field}/{i}.npy" for i in range(trials)]
    yield from progress(names, desc=f"packing {files.key} {field}", unit="trial")


def _read_numbers(
    files: ScanFiles, name: str, shape: tuple[int, ...] | None = None
) -> Float[np.ndarray, "..."]:
    """The finite numbers of an array in double precision; `shape`, if given, is what it must have."""
    values = files.read(name)
    if shape is not None and values.shape != shape:
        raise files.error(name, f"has shape {values.shape} instead of {shape}")
    if values.dtype.kind not in "uif":
        raise files.error(name, f"holds {values.dtype} instead of numbers")
    with np.errstate(over="ignore"):
        values = values.astype(np.float64, copy=False)
    if not np.isfinite(values).all():
        raise files.error(name, "holds values that are not finite")
    return values
