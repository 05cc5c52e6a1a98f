"""A recording of one's own from plain arrays: images, a response of each unit, behaviour if there is any.

    scans = sensorium.from_arrays(images, responses, image_ids=shown)
    sensorium.task(scans, sensorium.MODELS["cnn"].small)

Sizes, statistics, ids and parts follow from the arrays. What was not recorded is left out of the models'
inputs, and every assumption is a sentence in `Scan.notes`.

Letters: T trials, K images, H x W pixels, N units, C channels of behaviour.
"""

from typing import Any

import numpy as np
from jaxtyping import Float, Int, Real, Shaped

from neurokit.arguments import explain_failure
from neurokit.config import Seed, check_value
from neurokit.errors import DataError
from neurokit.recordings.counts import find_wrapped
from neurokit.recordings.measured import mask_artifacts
from neurokit.recordings.plain import check_ids, labels, numbers
from neurokit.sensorium import given, splits
from neurokit.sensorium.config import WITHOUT_BEHAVIOUR
from neurokit.sensorium.files import plain_name
from neurokit.sensorium.grid import SIZES, describe_size
from neurokit.sensorium.recording import Scans, make_scan
from neurokit.training.checkpoint import fingerprint

NO_BEHAVIOUR = (
    "neither running nor pupil is given: models that read neither can be trained "
    f"({', '.join(WITHOUT_BEHAVIOUR)})"
)


@explain_failure
def from_arrays(
    images: Any,
    responses: Any,
    *,
    image_ids: Any = None,
    running: Any = None,
    pupil_size: Any = None,
    pupil_change: Any = None,
    pupil_center: Any = None,
    coordinates: Any = None,
    order: Any = None,
    tiers: Any = None,
    unit_ids: Any = None,
    name: str = "own",
    seed: int = 0,
    notes: tuple[str, ...] = (),
) -> Scans:
    """A recording as every other function of this package takes it, from arrays, lists or tensors.

    Args:
        images: grey values in any unit, T x H x W, one a trial, or K x H x W with `image_ids`; rows first,
            of any size; colours (a fourth axis, first or last) are averaged.
        responses: activity of each unit in each trial, T x N, in any unit; a few NaN cost these trials.
        image_ids: which of the images each trial showed, from 0, T.
        running: speed in each trial, cm/s, T.
        pupil_size: in any unit, T.
        pupil_change: its change in time, in any unit, T.
        pupil_center: x and y of the eye, in any unit, T x 2.
        coordinates: x, y and perhaps z of each unit in cortex, micrometres, N x 2 or N x 3.
        order: when each trial was shown: its place, or its time; None where rows are in order of time.
        tiers: train, validation, test or left_out for each trial, T; None deals images to them.
        unit_ids: whole numbers or texts, N; None numbers units from 0.
        name: of the recording.
        seed: of the parts that are dealt.
        notes: what else is to be said of it.

    A response below 0, as of dF/F, has no Poisson loss: such units are told less their lowest response, which
    no correlation sees. Raises DataError, naming the array, for values that are no numbers, lengths that do
    not fit each other, counts below 0, fewer than ten images, and where too little can be used.
    """
    key = plain_name(check_value("name", name, str))
    contents = read_own(
        images,
        responses,
        image_ids=image_ids,
        running=running,
        pupil_size=pupil_size,
        pupil_change=pupil_change,
        pupil_center=pupil_center,
        coordinates=coordinates,
        order=order,
        tiers=tiers,
        unit_ids=unit_ids,
        seed=check_value("seed", seed, Seed),
        notes=notes,
    )
    return Scans({key: make_scan(key, str(contents["digest"]), contents)})


def read_own(
    images: Any,
    responses: Any,
    *,
    image_ids: Any = None,
    running: Any = None,
    pupil_size: Any = None,
    pupil_change: Any = None,
    pupil_center: Any = None,
    coordinates: Any = None,
    order: Any = None,
    tiers: Any = None,
    unit_ids: Any = None,
    seed: int = 0,
    notes: tuple[str, ...] = (),
) -> dict[str, np.ndarray]:
    """What `make_scan` and a pack take, of the arguments of `from_arrays`; raises what that raises."""
    said = list(notes)
    frames = _read_images(images, said)
    shown = _read_shown(image_ids, len(frames))
    if running is None and pupil_size is None and pupil_change is None and pupil_center is None:
        said.append(NO_BEHAVIOUR)
    activity = _read_responses(responses, len(shown), said)
    trials, units = activity.shape
    behaviour = _read_behaviour(trials, running, pupil_size, pupil_change, pupil_center)
    ids = np.arange(units)
    if unit_ids is not None:
        ids = check_ids("unit_ids", labels("unit_ids", unit_ids, "units", units, unique=True))
    places = _read_coordinates(coordinates, units, said)
    rank, trial_ids = _read_order(order, trials, said)
    image_ids = given.first_alike(frames)[shown]
    dealt = _deal(tiers, image_ids, seed, said)
    digest = fingerprint(
        frames, shown, activity, behaviour, places, rank, *(e.astype("U64") for e in (dealt, ids))
    )
    contents = given.standardise(frames, shown, activity, behaviour, dealt, rank) | {
        "tiers": dealt,
        "image_ids": image_ids,
        "trial_ids": trial_ids,
        "rank": rank,
        "ordered": np.array(1),
        "unit_ids": ids,
        "coordinates": places,
        "image_size": np.array(frames.shape[1:]),
        "digest": np.array(digest),
    }
    contents["notes"] = np.array([*said, *_say_drift(contents)], dtype=str)
    return contents


def _read_images(images: Any, said: list[str]) -> Real[np.ndarray, "K H W"]:
    values = numbers("images", images, "images rows columns", "images rows columns colours")
    if values.ndim == 4:
        values = given.to_frames(values)
        said.append("images are in colour: the mean over colours is what models see")
    if values.shape[1:] not in SIZES:
        said.append(describe_size(*values.shape[1:]))
    if not np.isfinite(values).any():
        raise DataError(f"images holds no finite value in {len(values)} images; give their grey values.")
    if len(values) == 1:
        raise DataError("images holds a single image; a model of what units see takes many.")
    return values


def _read_shown(image_ids: Any, number: int) -> Int[np.ndarray, "T"]:
    """Which image each trial showed."""
    if image_ids is None:
        return np.arange(number)
    shown = labels("image_ids", image_ids, "trials")
    if shown.dtype.kind != "i":
        raise DataError(
            f"image_ids holds texts such as {str(shown[0])!r}; give the row of each trial's image."
        )
    if shown.min() < 0 or shown.max() >= number:
        finding = f"image_ids name images {shown.min()} to {shown.max()}, and images has 0 to {number - 1}"
        raise DataError(f"{finding}; give the row of each trial's image, counted from 0.")
    return shown


def _read_responses(responses: Any, trials: int, said: list[str]) -> Float[np.ndarray, "T N"]:
    values = numbers("responses", responses, "trials units", "trials")
    values = values[:, None] if values.ndim == 1 else values
    rows, columns = values.shape
    if rows != trials and columns != trials:
        raise DataError(
            f"responses is {rows} x {columns}, and {trials} images were shown; give a row for each of these "
            "trials and a column for each unit."
        )
    if rows != trials:
        values = values.T
        said.append(f"responses came as units x trials ({rows} x {columns}) and were turned")
    elif rows == columns:
        said.append(f"responses is {rows} x {columns}: rows are taken as trials, columns as units")
    if values.dtype.kind == "i" and (values < 0).any():
        raise DataError(
            f"responses holds {(values < 0).sum()} whole numbers below 0, such as {values.min()}, and counts "
            "have none; give NaN where nothing was measured."
        )
    if (wrapped := find_wrapped(values)).any():
        raise DataError(
            f"responses holds {wrapped.sum()} whole numbers such as {values[wrapped][0]:,.0f}, far beyond "
            "all others, as counts below 0 are in unsigned numbers; give NaN where nothing was measured."
        )
    values = mask_artifacts(values.astype(float), "responses", said)
    if not np.isfinite(values).any():
        raise DataError(f"responses holds no finite value in {rows} x {columns}; give what was measured.")
    return _lift(np.ascontiguousarray(values), said)


def _lift(responses: Float[np.ndarray, "T N"], said: list[str]) -> Float[np.ndarray, "T N"]:
    """Responses of which none is below 0."""
    lowest = np.where(np.isfinite(responses), responses, 0).min(axis=0)
    if below := int((lowest < 0).sum()):
        said.append(
            f"responses of {below} of {len(lowest)} units go below 0, as dF/F does, where the Poisson loss "
            "has no meaning: they are told less their lowest one, which changes no correlation"
        )
    return responses - np.minimum(lowest, 0)


def _read_behaviour(trials: int, *channels: Any) -> Float[np.ndarray, "T 5"]:
    """Size, change, running, x and y, NaN throughout where a channel was not recorded."""
    names = ("running", "pupil_size", "pupil_change")
    running, size, change = (
        np.full(trials, np.nan)
        if values is None
        else numbers(name, values, "trials", sizes={"trials": trials})
        for name, values in zip(names, channels, strict=False)
    )
    center = np.full((trials, 2), np.nan)
    if channels[3] is not None:
        center = numbers(
            "pupil_center", channels[3], "trials directions", sizes={"trials": trials, "directions": 2}
        )
    return np.column_stack([size, change, running, center]).astype(float)


def _read_coordinates(coordinates: Any, units: int, said: list[str]) -> Float[np.ndarray, "N 3"]:
    """NaN where they are not known."""
    found = np.full((units, 3), np.nan)
    if coordinates is None:
        return found
    values = numbers("coordinates", coordinates, "units axes", sizes={"units": units})
    if values.shape[1] not in (2, 3):
        raise DataError(
            f"coordinates is {units} x {values.shape[1]}; give x and y, or x, y and z, of each unit."
        )
    found[:, : values.shape[1]] = values
    return found


def _read_order(
    order: Any, trials: int, said: list[str]
) -> tuple[Int[np.ndarray, "T"], Int[np.ndarray, "T"]]:
    """The place of each trial in time, and its own number."""
    if order is None:
        said.append("trials are taken to be in the order in which they were shown")
        return np.arange(trials), np.arange(trials)
    values = numbers("order", order, "trials", sizes={"trials": trials})
    if bad := int((~np.isfinite(values)).sum()):
        raise DataError(
            f"order holds {bad} of {trials} values that are not finite; give a place or time to each."
        )
    if doubled := trials - len(np.unique(values)):
        raise DataError(
            f"order holds {doubled} values twice among {trials}; give each trial a place of its own."
        )
    rank = np.empty(trials, dtype=np.int64)
    rank[np.argsort(values, kind="stable")] = np.arange(trials)
    return rank, values.astype(np.int64) if values.dtype.kind in "iu" else rank.copy()


def _deal(tiers: Any, image_ids: Int[np.ndarray, "T"], seed: int, said: list[str]) -> Shaped[np.ndarray, "T"]:
    if tiers is None:
        dealt, how = splits.deal(image_ids, seed)
    else:
        words = splits.check_tiers(labels("tiers", tiers, "trials", len(image_ids)))
        dealt, how = splits.add_validation(words, image_ids, seed)
    said += [how] if how else []
    return dealt


def _say_drift(contents: dict[str, np.ndarray]) -> list[str]:
    usable = contents["left_out/trials"] == 0
    units = contents["left_out/units"] == 0
    responses = contents["responses"][usable][:, units]
    drift = splits.slow_drift(responses, contents["rank"][usable])
    if drift < splits.DRIFTS:
        return []
    return [
        f"responses drift: those of trials nearby in time predict one with a correlation of {drift:.2f}, "
        "whatever was shown; parts that lie among each other in time flatter a model that reads past "
        "responses or time (history, state, gain)"
    ]
