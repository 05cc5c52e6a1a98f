"""The arrays of a scan as models read them, from its files: standardised, shrunk, and judged.

Standardisation is the competition's: only the numbers of `meta/statistics/*/all` enter it, in double
precision. What can be used is judged by `neurokit.sensorium.usable`.

Letters: T trials of a scan in the order of its file names, N neurons.
"""

import math
from collections.abc import Iterator
from contextlib import suppress

import numpy as np
from jaxtyping import Float, Int

from neurokit.progress import progress
from neurokit.sensorium.files import (
    FIELDS,
    OPTIONAL,
    PieceError,
    ScanFiles,
    number_from_0,
    read_ids,
    read_trials,
)
from neurokit.sensorium.grid import COLOURS, HEIGHT, SIZES, WIDTH, describe_size, to_grey, to_grid
from neurokit.sensorium.limits import (
    FAR,
    exceed_others,
    find_bounds,
    grey_limits,
    is_number,
    usual_magnitude,
)
from neurokit.sensorium.pack import Contents, Rows
from neurokit.sensorium.usable import CODES, Usable

FIRST_IMAGES = 5  # that tell the usual shape
STATISTICS = ("mean", "std", "min", "max", "median")
BEHAVIOUR, PUPIL_CENTER = 3, 2  # values of a trial
SMALLEST_STD = 0.01  # of the mean over neurons; keeps silent neurons from being blown up
REMEDY = "write the standard deviation of the training trials"


def read_arrays(files: ScanFiles) -> Contents:
    """All arrays of a scan by the names of `Scan`, statistics as "statistics/<field>/<word>".

    "left_out/<pieces>" say what cannot be used (`neurokit.sensorium.usable.CODES`), whose values stand for
    nothing.
    Images and responses come row by row, and the codes of trials and units after them. Raises DataError for
    metadata that are missing or misshaped, and where too little can be used; for images and responses only
    while they are read.
    """
    files = number_from_0(files)
    trials = read_trials(files)
    neurons = read_neurons(files)
    number, usable = len(trials["tiers"]), Usable(trials["tiers"], len(neurons["unit_ids"]))
    places = neurons["coordinates"]
    places = places[:, ~np.isnan(places).all(axis=0)]  # of all neurons, or of none
    usable.mark_units(~np.all(is_number(places), axis=1), "not_finite")
    statistics = read_statistics(files, usable)
    spoilt = _find_spoilt(files, statistics, trials["tiers"])
    usable.mark_units(spoilt, "out_of_range")
    scale = response_scale(np.where(spoilt, np.nan, statistics["responses/std"]))
    behaviour = {field: _read_channels(files, field, statistics, usable) for field in OPTIONAL}
    return {
        **trials,
        **neurons,
        **{f"statistics/{name}": values for name, values in statistics.items()},
        "response_scale": scale,
        "behaviour": behaviour["behavior"],
        "pupil_center": behaviour["pupil_center"],
        "left_out/channels": usable.channels,
        **_describe_images(files, like := _usual_shape(files, number)),
        "images": Rows((number, HEIGHT, WIDTH), _read_images(files, like, statistics, usable)),
        "responses": Rows((number, len(scale)), _read_responses(files, scale, statistics, usable)),
        "left_out/trials": Rows((number,), _finish(files, usable, trials["rank"], "trials")),
        "left_out/units": Rows((len(scale),), _finish(files, usable, trials["rank"], "units")),
    }


def _finish(
    files: ScanFiles, usable: Usable, rank: Int[np.ndarray, "T"], pieces: str
) -> Iterator[np.ndarray]:
    """The codes of these pieces, once all rows were read."""
    if pieces == "trials":
        usable.finish(files.error, rank)
    yield getattr(usable, pieces).astype(np.float32)


def response_scale(std: Float[np.ndarray, "N"]) -> Float[np.ndarray, "N"]:
    """What raw responses are multiplied with: 1 / std, where std is above 1 % of its mean over neurons.

    For the others, silent neurons among them, 1 / (1 % of that mean). Responses are not centred.
    `std` must be above zero for one neuron at least; 0 for a neuron where it is not finite.
    """
    finite = is_number(std)
    smallest = SMALLEST_STD * std[finite].mean()
    return np.where(finite, 1 / np.maximum(std, smallest), 0)


def read_neurons(files: ScanFiles) -> dict[str, np.ndarray]:
    """unit_ids (N) and coordinates (N x 3, micrometres); DataError where they do not fit.

    Coordinates are NaN where the scan has none, and so is the third where it has two.
    """
    ids, places = (f"meta/neurons/{name}.npy" for name in ("unit_ids", "cell_motor_coordinates"))
    number = files.read(ids).size
    unit_ids = read_ids(files, ids, number)
    if not 0 < number == len(np.unique(unit_ids)):
        raise files.error(ids, "names a neuron twice or none", "give each neuron an id of its own")
    coordinates = np.full((number, 3), np.nan)
    if places in files.sizes:
        found = _read_numbers(files, places)
        columns = 2 if found.shape == (number, 2) else 3
        coordinates[:, :columns] = _read_numbers(files, places, (number, columns))
    return {"unit_ids": unit_ids, "coordinates": coordinates}


def read_statistics(files: ScanFiles, usable: Usable) -> dict[str, np.ndarray]:
    """The published STATISTICS of the four fields, as "<field>/<word>"; "all", not a stimulus type.

    Marks neurons whose statistics are not finite. Raises DataError for what is missing or misshaped, for
    images' statistics that are not finite, and where all responses, or the images, have a standard deviation
    of zero. Fields that were not recorded need none.
    """
    widths = {"responses": len(usable.units), "behavior": BEHAVIOUR, "pupil_center": PUPIL_CENTER}
    found = {}
    for field in FIELDS:
        shape = (widths[field],) if field in widths else None
        for word in STATISTICS:
            name = _name_statistic(field, word)
            absent = _is_absent(files, field) and name not in files.sizes
            found[f"{field}/{word}"] = np.zeros(shape or ()) if absent else _read_numbers(files, name, shape)
    for word in STATISTICS:
        usable.mark_units(~is_number(found[f"responses/{word}"]), "not_finite")
        if not is_number(found[f"images/{word}"]).all():
            remedy = "compute it from images whose values are finite"
            raise files.error(_name_statistic("images", word), "holds values that are not finite", remedy)
    for field in ("responses", "images"):
        spread = found[f"{field}/std"]
        spread = spread[is_number(spread)]
        if (spread < 0).any() or not spread.any() or (field == "images" and not spread.all()):
            raise files.error(_name_statistic(field, "std"), "is zero or negative", REMEDY)
    return found


def _name_statistic(field: str, word: str) -> str:
    return f"meta/statistics/{field}/all/{word}.npy"


def _is_absent(files: ScanFiles, field: str) -> bool:
    return field in OPTIONAL and not files.has_field(field)


def _find_spoilt(files: ScanFiles, statistics: dict[str, np.ndarray], tiers: np.ndarray) -> np.ndarray:
    """Neurons whose statistics cannot be those of their responses, as if a value that cannot be was in them.

    Only neurons that exceed all others are looked at; one that is louder than others is so in many trials.
    """
    known = [statistics[f"responses/{word}"] for word in ("std", "max")]
    suspects = np.flatnonzero(np.logical_or(*map(exceed_others, known)))
    found = np.zeros(len(known[0]), bool)
    if len(suspects):
        rows = []
        for trial in np.flatnonzero(tiers == "train").tolist():
            with suppress(PieceError):  # said when all are read
                rows.append(_read_numbers(files, f"data/responses/{trial}.npy", found.shape)[suspects])
        usual = usual_magnitude(np.stack(rows)) if rows else 0
        found[suspects] = np.any([np.abs(each[suspects]) > FAR * usual for each in known], axis=0)
    return found


def _read_channels(
    files: ScanFiles, field: str, statistics: dict[str, np.ndarray], usable: Usable
) -> Float[np.ndarray, "T C"]:
    """Behaviour or eye, zero where it cannot be used; so are the statistics of channels that are left out."""
    first, width = (0, BEHAVIOUR) if field == "behavior" else (BEHAVIOUR, PUPIL_CENTER)
    trials = len(usable.tiers)
    if _is_absent(files, field):
        usable.channels[first : first + width] = CODES.index("not_recorded")
        return np.zeros((trials, width))
    values, damaged = np.full((trials, width), np.nan), np.zeros(trials, int)
    for trial in range(trials):
        try:
            values[trial] = _read_numbers(files, f"data/{field}/{trial}.npy", (width,))
        except PieceError as error:
            usable.wrong.setdefault(field, error)
            damaged[trial] = CODES.index(error.rule)
    if damaged.all():
        raise files.error(f"data/{field}", "holds no file that can be used", str(usable.wrong[field])[:-1])
    for word in STATISTICS:
        statistics[f"{field}/{word}"] = statistics[f"{field}/{word}"].copy()
    bounds = find_bounds(statistics[f"{field}/min"], statistics[f"{field}/max"])
    known = [statistics[f"{field}/{word}"] for word in STATISTICS]
    usable.clean_channels(values, known, first, field, bounds, damaged)
    return values


def _describe_images(files: ScanFiles, like: tuple[int, ...]) -> dict[str, np.ndarray]:
    """What is to be said of images of this shape; nothing of the competition's."""
    colours, height, width = like
    if (height, width) in SIZES and colours == 1:
        return {}
    said = [describe_size(height, width)] if (height, width) not in SIZES else []
    said += ["images are in colour: the mean over colours is what models see"] if colours > 1 else []
    return {"image_size": np.array([height, width]), "notes": np.array(said)}


def _usual_shape(files: ScanFiles, trials: int) -> tuple[int, ...]:
    """Colours, rows and columns of most of the first images; the competition's where none can be read."""
    shapes: list[tuple[int, ...]] = []
    for trial in range(trials):
        if len(shapes) == FIRST_IMAGES:
            break
        with suppress(PieceError):  # said when all are read
            shapes.append(_read_colours(files, f"data/images/{trial}.npy").shape)
    return max(shapes, key=shapes.count, default=(1, *SIZES[0]))


def _read_colours(files: ScanFiles, name: str) -> Float[np.ndarray, "C H W"]:
    """An image with its colours first; PieceError for what is none."""
    image = _read_numbers(files, name)
    found, image = image.shape, image[None] if image.ndim == 2 else image
    if image.ndim != 3 or len(image) not in COLOURS or not image.size:
        finding = f"has shape {found} instead of rows x columns, or 1 to 3 colours before them"
        raise files.piece_error(name, finding, "write one image for each trial")
    return image


def _read_images(
    files: ScanFiles, like: tuple[int, ...], statistics: dict[str, np.ndarray], usable: Usable
) -> Iterator[Float[np.ndarray, "36 64"]]:
    mean, std = statistics["images/mean"], statistics["images/std"]
    limits = grey_limits(statistics["images/min"], statistics["images/max"])
    for trial, name in enumerate(_name_files(files, "images", len(usable.tiers))):
        try:
            image = _read_image(files, name, like, mean, std)
        except PieceError as error:
            usable.drop_trial(trial, "images", error)
            yield np.zeros((HEIGHT, WIDTH), np.float32)
            continue
        image = ((usable.clean_image(trial, image, limits) - mean) / std).reshape(image.shape)
        with np.errstate(over="ignore"):
            small = to_grid(to_grey(image, 0)).astype(np.float32)
        if not np.isfinite(small).all():
            raise files.error(_name_statistic("images", "std"), "is too small for the images", REMEDY)
        yield small
    _check_greys(files, statistics, usable.greys)


def _read_image(
    files: ScanFiles,
    name: str,
    like: tuple[int, ...],
    mean: Float[np.ndarray, "..."],
    std: Float[np.ndarray, "..."],
) -> Float[np.ndarray, "C H W"]:
    """An image that its statistics fit; PieceError for one of another shape than `like`, that of most.

    The competition's two sizes may stand beside each other.
    """
    image = _read_colours(files, name)
    if image.shape != like and not (image.shape[0] == like[0] and {image.shape[1:], like[1:]} <= {*SIZES}):
        finding = f"has shape {image.shape} instead of {like}, that of the others"
        raise files.piece_error(name, finding, "write all images in one shape")
    try:
        fits = math.prod(np.broadcast_shapes(image.shape, mean.shape, std.shape)) == image.size
    except ValueError:
        fits = False
    if not fits:
        finding = f"has shape {image.shape}, its statistics {mean.shape} and {std.shape}"
        raise files.piece_error(name, finding, "write statistics of one value, or of the image's shape")
    return image


def _check_greys(files: ScanFiles, statistics: dict[str, np.ndarray], greys: Float[np.ndarray, "T"]) -> None:
    """Raises DataError where the statistics cannot be those of the images, which all are scaled with."""
    usual = float(usual_magnitude(greys[:, None])[0])
    for word in STATISTICS:
        found = float(np.abs(statistics[f"images/{word}"]).max())
        if 0 < FAR * usual < found:
            finding = f"says {found:g}, and hardly an image holds more than {usual:g}"
            largest = f"data/images/{np.nanargmax(greys)}.npy holds {np.nanmax(greys):g}"
            raise files.error(
                _name_statistic("images", word), finding, f"compute it from images that can be ({largest})"
            )


def _read_responses(
    files: ScanFiles, scale: Float[np.ndarray, "N"], statistics: dict[str, np.ndarray], usable: Usable
) -> Iterator[Float[np.ndarray, "N"]]:
    bounds = bound_responses(statistics)
    for trial, name in enumerate(_name_files(files, "responses", len(usable.tiers))):
        try:
            responses = _read_numbers(files, name, scale.shape)
        except PieceError as error:
            usable.drop_trial(trial, "responses", error)
            yield np.zeros(scale.shape, np.float32)
            continue
        with np.errstate(over="ignore", invalid="ignore"):
            scaled = (responses * scale).astype(np.float32)
        yield usable.clean_responses(trial, scaled, responses, bounds)


def bound_responses(statistics: dict[str, np.ndarray]) -> Float[np.ndarray, "N"]:
    """What no response may exceed; that of the median neuron at least, since some hardly fire in training."""
    bounds = find_bounds(statistics["responses/min"], statistics["responses/max"])
    known = bounds[np.isfinite(bounds)]
    return np.maximum(bounds, np.median(known)) if len(known) else bounds


def _name_files(files: ScanFiles, field: str, trials: int) -> Iterator[str]:
    names = [f"data/{field}/{i}.npy" for i in range(trials)]
    yield from progress(names, desc=f"packing {files.key} {field}", unit="trial")


def _read_numbers(
    files: ScanFiles, name: str, shape: tuple[int, ...] | None = None
) -> Float[np.ndarray, "..."]:
    """The numbers of an array in double precision, finite or not; `shape`, if given, is what it must have.

    A single row or column is taken for a list.
    """
    values = files.read(name)
    if shape is not None and values.shape in ((*shape, 1), (1, *shape)):
        values = values.reshape(shape)
    if shape is not None and values.shape != shape:
        finding = f"has shape {values.shape} instead of {shape}"
        raise files.piece_error(name, finding, "write it in that shape")
    if values.dtype.kind not in "uif":
        raise files.piece_error(name, f"holds {values.dtype} instead of numbers", "write numbers")
    with np.errstate(over="ignore"):
        return values.astype(np.float64, copy=False)
