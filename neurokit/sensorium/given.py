"""Plain arrays as models read them: standardised, on the models' grid, and judged as the files of a scan are.

Statistics are those of training trials alone.

Letters: T trials, K images, H x W pixels, N units, C channels of behaviour.
"""

import hashlib
import warnings

import numpy as np
from jaxtyping import Bool, Float, Int, Real

from neurokit.errors import DataError
from neurokit.sensorium.grid import COLOURS, HEIGHT, WIDTH, to_grey, to_grid
from neurokit.sensorium.limits import find_bounds, grey_limits, is_number
from neurokit.sensorium.standardised import BEHAVIOUR, STATISTICS, bound_responses, response_scale
from neurokit.sensorium.usable import CODES, Usable

MOST_PIXELS = 10_000_000  # of all images that a median is taken of
CHANNELS = {"behavior": slice(0, BEHAVIOUR), "pupil_center": slice(BEHAVIOUR, None)}


def standardise(
    images: Real[np.ndarray, "K H W"],
    shown: Int[np.ndarray, "T"],
    responses: Float[np.ndarray, "T N"],
    behaviour: Float[np.ndarray, "T 5"],
    tiers: np.ndarray,
    rank: Int[np.ndarray, "T"],
) -> dict[str, np.ndarray]:
    """The arrays of a scan that follow from values, by the names that `read_arrays` gives them.

    Raises DataError where too little can be used.
    """
    train, usable = tiers == "train", Usable(tiers, responses.shape[1])
    found = {f"responses/{word}": values for word, values in describe(responses[train]).items()}
    found |= {f"images/{word}": values for word, values in describe_images(images, shown[train]).items()}
    contents = _standardise_behaviour(behaviour, train, usable, found)
    return contents | {
        "images": _standardise_images(images, shown, usable, found),
        **_standardise_responses(responses, usable, found),
        **{f"statistics/{name}": np.asarray(values, dtype=float) for name, values in found.items()},
        **_finish(usable, rank),
    }


def describe(values: Float[np.ndarray, "T C"]) -> dict[str, Float[np.ndarray, "C"]]:
    """STATISTICS of finite values, by their words; NaN where there are none."""
    finite = np.where(np.isfinite(values), values, np.nan)
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):  # of nothing but NaN
        return {word: getattr(np, f"nan{word}")(finite, axis=0) for word in STATISTICS}


def describe_images(
    images: Real[np.ndarray, "K H W"], shown: Int[np.ndarray, "T"]
) -> dict[str, Float[np.ndarray, ""]]:
    """STATISTICS over all pixels of these trials; DataError where no image is finite, or all are one grey.

    The median is that of evenly spaced images where they are many.
    """
    sound = np.array([bool(np.isfinite(images[each]).all()) for each in np.unique(shown)])
    known, times = np.unique(shown, return_counts=True)
    known, times = known[sound], times[sound]
    if not len(known):
        raise DataError("images: none of the training trials has finite grey values; give images that have.")
    means = np.array([images[each].mean(dtype=float) for each in known])
    mean = np.average(means, weights=times)
    spreads = np.array([((images[each] - mean) ** 2).mean(dtype=float) for each in known])
    std = np.sqrt(np.average(spreads, weights=times))
    if std == 0:
        raise DataError(f"images: all training images are the same grey, {mean:g}; give images that differ.")
    some = np.repeat(known, times)[:: -(-int(times.sum()) * images[0].size // MOST_PIXELS)]
    return {
        "mean": np.asarray(mean),
        "std": np.asarray(std),
        "min": np.asarray(min(images[each].min() for each in known), dtype=float),
        "max": np.asarray(max(images[each].max() for each in known), dtype=float),
        "median": np.asarray(np.median(images[some]), dtype=float),
    }


def _standardise_images(
    images: Real[np.ndarray, "K H W"],
    shown: Int[np.ndarray, "T"],
    usable: Usable,
    statistics: dict[str, np.ndarray],
) -> Float[np.ndarray, "T 36 64"]:
    limits = grey_limits(statistics["images/min"], statistics["images/max"])
    small = np.zeros((len(images), HEIGHT, WIDTH), dtype=np.float32)
    for each in np.unique(shown):
        image = images[each]
        for trial in np.flatnonzero(shown == each).tolist():
            image = usable.clean_image(trial, images[each], limits)
        small[each] = to_grid((image - statistics["images/mean"]) / statistics["images/std"])
    return small[shown]


def _standardise_responses(
    responses: Float[np.ndarray, "T N"], usable: Usable, statistics: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    std = statistics["responses/std"]
    if not (np.isfinite(std) & (std > 0)).any():
        raise DataError("responses of all units are the same in all training trials; give some that vary.")
    for word in STATISTICS:
        usable.mark_units(~is_number(statistics[f"responses/{word}"]), "not_finite")
    scale, bounds = response_scale(std), bound_responses(statistics)
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = (responses * scale).astype(np.float32)
    rows = [usable.clean_responses(trial, scaled[trial], raw, bounds) for trial, raw in enumerate(responses)]
    return {"response_scale": scale, "responses": np.stack(rows)}


def _standardise_behaviour(
    behaviour: Float[np.ndarray, "T 5"],
    train: Bool[np.ndarray, "T"],
    usable: Usable,
    statistics: dict[str, np.ndarray],
) -> dict[str, np.ndarray]:
    """Zero where it cannot be used, or was not recorded, and then of no spread."""
    contents = {}
    damaged = np.zeros(len(train), dtype=int)
    for field, part in CHANNELS.items():
        values = behaviour[:, part].copy()
        absent = np.isnan(values).all(axis=0)
        found = describe(values[train])
        bounds = find_bounds(found["min"], found["max"])
        usable.clean_channels(values, list(found.values()), part.start, field, bounds, damaged)
        usable.channels[part][absent] = CODES.index("not_recorded")
        statistics |= {f"{field}/{word}": each for word, each in found.items()}
        contents[{"behavior": "behaviour"}.get(field, field)] = values
    return contents | {"left_out/channels": usable.channels}


def _finish(usable: Usable, rank: Int[np.ndarray, "T"]) -> dict[str, np.ndarray]:
    usable.finish(_say, rank)
    return {"left_out/trials": usable.trials, "left_out/units": usable.units}


def _say(name: str, finding: str, remedy: str = "") -> DataError:
    """The sentence on an array whose values leave too little."""
    field = name.removeprefix("data/")
    word = {"behavior": "behaviour (running, pupil_size or pupil_change)"}.get(field, field)
    remedy = "give finite responses" if field == "responses" else "give finite values"
    return DataError(f"{word} {finding}; {remedy}.")


def first_alike(images: Real[np.ndarray, "K H W"]) -> Int[np.ndarray, "K"]:
    """For each image the first with the same values."""
    first: dict[bytes, int] = {}
    digests = (hashlib.blake2b(image.tobytes(), digest_size=16).digest() for image in images)
    return np.array([first.setdefault(digest, number) for number, digest in enumerate(digests)])


def to_frames(images: Real[np.ndarray, "K _ _ _"]) -> Real[np.ndarray, "K H W"]:
    """Grey images of those with colours, first or last; DataError for neither."""
    for axis in (3, 1):
        if images.shape[axis] in COLOURS:
            return to_grey(images, axis)
    shape = " x ".join(map(str, images.shape))
    raise DataError(f"images is {shape}; give images x rows x columns, or 1 to 3 colours behind them.")
