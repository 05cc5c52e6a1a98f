"""A folder that suite2p wrote, with what was shown and what the animal did as plain arrays beside it.

    mouse/                        recordings.read("mouse")
        suite2p/plane0/           F.npy, Fneu.npy, spks.npy, iscell.npy, ops.npy; further planes likewise
        trace_times.npy           s of each sample; without it they run at `fs` of ops from 0 s
        images.npy, shown.npy, image_times.npy, running.npy, running_times.npy ...

`neurokit.recordings.arrays` lists the names of all arrays beside. Regions that `iscell.npy` rejects are left
out. The activity is what suite2p deconvolved (spks): like the responses that the models here were published
with, it is never negative and does not carry one image's response into the next image's trial, as the slow
decay of calcium does. `read(folder, activity="dF/F")` gives dF/F instead: F - neucoeff x Fneu, over its
running percentile.

suite2p knows no times, no pixel size and no areas: `trace_times.npy` (or `rate.npy` and `start.npy`),
`coordinates.npy` (micrometres; or `um_per_pixel.npy`, by which the positions in stat.npy are multiplied) and
`area.npy` beside the folder say them. ops.npy and stat.npy hold pickled objects, and are read without running
their code.

This reader was proved on folders written for its tests alone, and recordings say so in their notes.

Letters: R regions, N units (regions that are cells), S samples.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Real

from neurokit.arguments import explain_failure
from neurokit.errors import DataError, read_from
from neurokit.recordings.beside import Arrays, make_trace, open_arrays, read_behaviour, read_events
from neurokit.recordings.clocks import check_clocks, check_rate
from neurokit.recordings.recording import BETWEEN_PLANES, Recording
from neurokit.recordings.shown import read_stimuli
from neurokit.recordings.suite2p_planes import (
    OWN,
    Activity,
    Plane,
    holds_objects,
    is_plane,
    open_plane,
    positions,
    shorten,
)

FORMAT = "suite2p"
PROVED = "The reader of suite2p folders was proved on folders written for its tests alone."
NAMELESS = ("suite2p", "combined")  # folders that say nothing of the session
SCALARS = ("rate", "start", "um_per_pixel", "name")


def recognises(path: Path) -> bool:
    """Whether a folder holds suite2p's arrays: in itself, in its planes, or in its folder `suite2p`."""
    try:
        return path.is_dir() and bool(_planes(path))
    except OSError:
        return False


@explain_failure
def read(path: str | Path, activity: Activity = "deconvolved") -> Recording:
    """The recording of one session.

    path      the session's folder, its folder `suite2p`, or that of one plane
    activity  deconvolved (spks), or dF/F made of F and Fneu

    Raises DataError, naming the file, for one that is missing or damaged, for arrays of unequal length, where
    nothing says the rate or no region is a cell, and for clocks that do not fit each other.
    """
    path = Path(path)
    folders = _planes(path)
    if not folders:
        raise DataError(f"{path} holds no folder of suite2p; name one with F.npy, or with plane0 in it.")
    given = _arrays_beside(path, folders[0])
    planes = [open_plane(folder, activity) for folder in folders]
    regions = np.concatenate([plane.regions + BETWEEN_PLANES * i for i, plane in enumerate(planes)])
    if not len(regions):
        raise DataError(
            f"{path}: iscell.npy accepts none of {sum(plane.total for plane in planes)} regions as a cell; "
            "sort them in suite2p first."
        )
    time = _times(given, planes)
    values = _values(planes, time)
    chosen = _with_activity(given, values)
    trace = make_trace(given, "F.npy", values[:, chosen], time, "dF/F" if activity == "dF/F" else "spks")
    behaviour, stimuli = read_behaviour(given, trace.time), read_stimuli(given)
    events, about, said = read_events(given), _about_units(given, planes), given.sentences("notes")
    _note(given, planes, activity)
    with read_from(path):
        recording = Recording(
            name=str(given.scalar("name") or _name(path)),
            format=FORMAT,
            unit_ids=about.get("unit_ids", regions)[chosen],
            traces=trace,
            area=about["area"][chosen] if "area" in about else None,
            coordinates=about["coordinates"][chosen] if "coordinates" in about else None,
            behaviour=behaviour,
            stimuli=stimuli,
            events=events,
            notes=(PROVED, *said, *given.notes),
        )
        check_clocks(recording)
        if "trace_times" in given:
            _check_rates(given, planes[0], trace.time)
    return recording


def _values(planes: Sequence[Plane], time: Float[np.ndarray, "S"]) -> Float[np.ndarray, "S N"]:
    """The activity of the cells of all planes."""
    step = np.diff(time)
    rate = float(1 / np.median(step[step > 0])) if (step > 0).any() else 1.0
    return np.concatenate([plane.read(rate)[: len(time)] for plane in planes], axis=1)


def _with_activity(given: Arrays, values: Float[np.ndarray, "S N"]) -> Bool[np.ndarray, "N"]:
    """Which units have any; raises DataError where none has."""
    chosen = np.isfinite(values).any(axis=0)
    if not chosen.any():
        raise given.error(f"none of {len(chosen)} cells has activity; look at the traces in suite2p")
    if not chosen.all():
        given.notes.append(
            f"{int((~chosen).sum())} of {len(chosen)} cells have no activity, or no baseline above zero for "
            "dF/F, and are left out."
        )
    return chosen


def _about_units(given: Arrays, planes: Sequence[Plane]) -> dict[str, np.ndarray]:
    """Ids, areas and coordinates of the cells that arrays beside give, for the cells or for all regions."""
    cells, total = sum(len(plane.regions) for plane in planes), sum(plane.total for plane in planes)
    starts = np.cumsum([0, *(plane.total for plane in planes)])
    rows = np.concatenate([plane.regions + start for plane, start in zip(planes, starts, strict=False)])
    found: dict[str, np.ndarray | None] = {"unit_ids": given.whole("unit_ids"), "area": given.text("area")}
    found["coordinates"] = given.numbers("coordinates", (2,))
    pixel = given.scalar("um_per_pixel")
    if found["coordinates"] is None and pixel is not None:
        found["coordinates"] = np.concatenate([positions(plane) for plane in planes]) * float(pixel)
    about = {}
    for name, values in found.items():
        if values is None:
            continue
        if len(values) not in (cells, total):
            raise given.error(
                f"{name} is of {len(values)} units, and there are {cells} cells among {total} regions; give "
                "it for these or for those"
            )
        about[name] = values if len(values) == cells else values[rows]
    if "coordinates" in about:
        about["coordinates"] = _three(given, about["coordinates"])
    return about


def _three(given: Arrays, coordinates: Real[np.ndarray, "N _"]) -> Float[np.ndarray, "N 3"]:
    if coordinates.shape[1] not in (2, 3):
        raise given.error(f"coordinates have shape {coordinates.shape}; give x, y, z of each unit")
    missing = ((0, 0), (0, 3 - coordinates.shape[1]))
    return np.pad(coordinates.astype(float), missing, constant_values=np.nan)


def _note(given: Arrays, planes: Sequence[Plane], activity: Activity) -> None:
    cells, total = sum(len(plane.regions) for plane in planes), sum(plane.total for plane in planes)
    if all((plane.folder / "iscell.npy").is_file() for plane in planes):
        given.notes.append(f"{cells} of {total} regions are cells by iscell.npy.")
    else:
        given.notes.append(
            f"{cells} of {total} regions are taken; without iscell.npy none is known not to be a cell."
        )
    if activity == "dF/F":
        listed = ", ".join(sorted({f"{plane.neuropil_share:g}" for plane in planes}))
        suffix = "" if all("neucoeff" in plane.ops for plane in planes) else " (suite2p's default)"
        given.notes.append(f"Activity is dF/F of F - {listed}{suffix} x Fneu.")
    else:
        decay = planes[0].setting("tau")
        suffix = "" if decay is None else f", for a decay of {decay:g} s"
        given.notes.append(f"Activity is what suite2p deconvolved (spks){suffix}, in a unit of its own.")
    given.notes.extend(
        f"{plane.folder.name}: {bad} of {plane.samples} samples are badframes by ops.npy: not measured."
        for plane in planes
        if (bad := int(plane.bad_frames.sum()))
    )
    given.notes.extend(f"{plane.unread}." for plane in planes if plane.unread)
    if unread := [name for name in given.left() if name not in SCALARS]:
        given.notes.append(f"Not read, since nothing says what they are: {', '.join(unread)}.")


def _planes(path: Path) -> list[Path]:
    """The folders of the planes in order, else `combined`: this one, those in it, or those in `suite2p`."""
    if is_plane(path):
        return [path]
    for folder in (path, path / "suite2p"):
        found = [each for each in folder.glob("plane*") if each.name[5:].isdigit() and is_plane(each)]
        if found:
            return sorted(found, key=lambda each: int(each.name[5:]))
        if is_plane(folder / "combined"):
            return [folder / "combined"]
    return []


def _name(path: Path) -> str:
    """Of the session: the first folder upwards whose name is not one that suite2p gives."""
    path = path.resolve()
    while path.name in NAMELESS or path.name.startswith("plane"):
        path = path.parent
    return path.name


def _arrays_beside(path: Path, plane: Path) -> Arrays:
    """Arrays in the folder that was named and in those above the plane, up to that of the session."""
    folders = [path]
    for parent in plane.resolve().parents[:2]:
        if parent.name == "suite2p" or (parent / "suite2p").is_dir() or parent == path.resolve():
            folders.append(parent)
    arrays: dict[str, np.ndarray] = {}
    pickled: list[str] = []
    for folder in folders:
        names: list[str] = []
        for file in sorted(folder.glob("*.npy")):
            if file.stem not in OWN and file.stem not in arrays:
                (pickled if holds_objects(file) else names).append(file.stem)
        arrays |= open_arrays(folder, names).arrays
    given = Arrays(path, arrays)
    if pickled:
        given.notes.append(f"Not read, since they hold pickled objects: {', '.join(pickled)}.")
    return given


def _rate(given: Arrays, plane: Plane) -> float:
    rate = given.rate()
    if rate is None and (rate := plane.setting("fs")) is None:
        why = plane.unread or f"{plane.folder / 'ops.npy'} does not tell fs"
        raise DataError(
            f"{why}; write the samples per s of a plane (fs) as rate.npy, or the s of each sample as "
            f"trace_times.npy, into {given.where}."
        )
    if not 0 < rate < np.inf:
        raise DataError(f"{plane.folder / 'ops.npy'} says {rate:g} samples per s (fs); write rate.npy.")
    return rate


def _check_rates(given: Arrays, plane: Plane, times: Float[np.ndarray, "S"]) -> None:
    """Raises DataError where rate.npy, or else `fs` of ops, is not that of the times that are given, too."""
    if (rate := given.rate()) is not None:
        check_rate(times, rate, ("trace_times.npy", "rate.npy"))
        return
    remedy = "correct the times, or write the true rate as rate.npy"
    check_rate(times, plane.setting("fs"), ("trace_times.npy", "fs of ops.npy"), remedy)


def _times(given: Arrays, planes: Sequence[Plane]) -> Float[np.ndarray, "S"]:
    """The clock of the first plane, s; later planes are scanned up to an interval later."""
    samples, count = shorten(planes), len(planes)
    times = given.times("trace_times")
    if count > 1:
        given.notes.append(f"{count} planes, scanned in turn, are read on the clock of the first.")
    if times is None:
        rate, start = _rate(given, planes[0]), float(given.scalar("start") or 0)
        source = "rate.npy" if "rate" in given else "fs of ops.npy"
        given.notes.append(f"suite2p knows no times: samples run at {rate:g} Hz ({source}) from {start:g} s.")
        return start + np.arange(samples) / rate
    if samples <= len(times) <= max(plane.samples for plane in planes):
        return times[:samples]
    if count > 1 and count * samples <= len(times) < count * (samples + 1):
        given.notes.append(f"trace_times is taken as that of {count} planes in turn.")
        return times[::count][:samples]
    each = f" of {count} planes" if count > 1 else ""
    raise given.error(
        f"trace_times has {len(times)} times, and F.npy {samples} samples{each}; give a time for each sample"
    )
