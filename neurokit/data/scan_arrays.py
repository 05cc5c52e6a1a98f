"""The arrays of a SENSORIUM 2022 scan, checked, standardised and shrunk, ready to be packed.

Standardisation is the competition's: only the numbers of `meta/statistics/*/all` enter it, in
double precision. Letters: T trials, N neurons.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from neurokit.data.scan_files import ScanFiles
from neurokit.data.scan_pack import Contents, Rows
from neurokit.data.scan_trials import FIELDS, read_trials, whole_numbers
from neurokit.progress import progress

HEIGHT, WIDTH = 36, 64  # pixels of a packed image
SHAPES = ((1, 4 * HEIGHT, 4 * WIDTH), (1, HEIGHT, WIDTH))  # of an image file
STATISTICS = ("mean", "std", "min", "max", "median")
BEHAVIOUR, PUPIL_CENTER = 3, 2  # values of a trial
SMALLEST_STD = 0.01  # of the mean over neurons; keeps silent neurons from being blown up


def read_arrays(files: ScanFiles) -> Contents:
    """Everything of a scan by the names of `Scan`, statistics as "statistics/<field>/<word>".

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
        "behaviour": _stacked(files, "behavior", number, BEHAVIOUR),
        "pupil_center": _stacked(files, "pupil_center", number, PUPIL_CENTER),
        "images": Rows((number, HEIGHT, WIDTH), _images(files, number, statistics)),
        "responses": Rows((number, len(scale)), _responses(files, number, scale)),
    }


def response_scale(std: Float[np.ndarray, "N"]) -> Float[np.ndarray, "N"]:
    """What raw responses are multiplied with: 1 / std, where std is above 1 % of its mean over neurons.

    For the others, silent neurons among them, 1 / (1 % of that mean). Responses are not centred.
    `std` must be above zero for one neuron at least.
    """
    floor = SMALLEST_STD * std.mean()
    return 1 / np.where(std > floor, std, floor)


def shrunk(image: Float[np.ndarray, "144 256"]) -> Float[np.ndarray, "36 64"]:
    """The image at a quarter of its size: the mean of the central 2 x 2 of each 4 x 4 pixels.

    The same as bilinear interpolation without anti-aliasing, the competition's rescaling.
    """
    above, below = image[1::4], image[2::4]
    return (above[:, 1::4] + above[:, 2::4] + below[:, 1::4] + below[:, 2::4]) / 4


def read_neurons(files: ScanFiles) -> dict[str, np.ndarray]:
    """unit_ids (N) and coordinates (N x 3, micrometres); DataError where they do not fit."""
    ids, places = (f"meta/neurons/{name}.npy" for name in ("unit_ids", "cell_motor_coordinates"))
    number = files.read(ids).size
    unit_ids = whole_numbers(files, ids, number)
    if not 0 < number == len(np.unique(unit_ids)):
        raise files.error(ids, "names a neuron twice or none")
    return {"unit_ids": unit_ids, "coordinates": _numbers(files, places, (number, 3))}


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
            found[f"{field}/{word}"] = _numbers(files, _statistic(field, word), shape)
    for field in ("responses", "images"):
        spread = found[f"{field}/std"]
        if (spread < 0).any() or not spread.any() or (field == "images" and not spread.all()):
            raise files.error(_statistic(field, "std"), "is zero or negative")
    return found


def _statistic(field: str, word: str) -> str:
    return f"meta/statistics/{field}/all/{word}.npy"


def _stacked(files: ScanFiles, field: str, trials: int, width: int) -> Float[np.ndarray, "T width"]:
    return np.stack([_numbers(files, f"data/{field}/{i}.npy", (width,)) for i in range(trials)])


def _images(
    files: ScanFiles, trials: int, statistics: dict[str, np.ndarray]
) -> Iterator[Float[np.ndarray, "36 64"]]:
    mean, std = statistics["images/mean"], statistics["images/std"]
    for name in _names(files, "images", trials):
        image = _numbers(files, name)
        if image.shape not in SHAPES:
            raise files.error(name, f"has shape {image.shape} instead of {SHAPES[0]} or {SHAPES[1]}")
        try:
            image = ((image - mean) / std).reshape(image.shape)
        except ValueError:
            finding = f"has shape {image.shape}, its statistics {mean.shape} and {std.shape}"
            raise files.error(name, finding) from None
        yield _single(files, name, shrunk(image[0]) if image.shape == SHAPES[0] else image[0])


def _responses(
    files: ScanFiles, trials: int, scale: Float[np.ndarray, "N"]
) -> Iterator[Float[np.ndarray, "N"]]:
    for name in _names(files, "responses", trials):
        responses = _numbers(files, name, scale.shape)
        if (responses < 0).any():
            raise files.error(name, "holds negative responses")
        yield _single(files, name, responses * scale)


def _single(files: ScanFiles, name: str, values: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Standardised values in single precision; DataError where that cannot hold them."""
    with np.errstate(over="ignore"):
        values = values.astype(np.float32)
    if not np.isfinite(values).all():
        raise files.error(name, "holds values too large to be standardised in single precision")
    return values


def _names(files: ScanFiles, field: str, trials: int) -> Iterator[str]:
    names = [f"data/{field}/{i}.npy" for i in range(trials)]
    yield from progress(names, desc=f"packing {files.key} {field}", unit="trial")


def _numbers(files: ScanFiles, name: str, shape: tuple[int, ...] | None = None) -> Float[np.ndarray, "..."]:
    """The finite numbers of an array in double precision, of `shape` where that is given."""
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
