"""Running, pupil and other behaviour in an NWB 2 file, found by the names that labs give them.

Letters: S samples, C channels.
"""

import re
from collections.abc import Callable
from functools import partial

import numpy as np

from neurokit.errors import DataError
from neurokit.recordings.nwb_series import (
    NUMBERS,
    Nwb,
    last_part,
    make_trace,
    numbers,
    read_series,
    read_table,
    read_time,
)
from neurokit.recordings.recording import Trace

WHERE = ("processing", "acquisition")
NAMES = {  # channel -> names of series, the best first
    "running": (r"running_?speed", r"speed", r"running(_?velocity)?", r"velocity", r"treadmill(_\w+)?"),
    "pupil_size": (r"pupil_size", r"pupil_area", r"pupil_diameter(_smooth)?", r"pupil_radius", r"pupil"),
    "pupil_change": (r"pupil_change",),
    "wheel": (r"wheel(_?velocity|_?position|_?speed)?",),
    "face_motion": (r"face_motion(_energy)?", r"(face|whisker|body)_?(pad)?_?motion_?energy"),
    "licks": (r"licks",),
}
GAZE = (  # two columns, x and y; degrees before others
    r"pupil_location_spherical",
    r"screen_coordinates_spherical",
    r"pupil_location",
    r"screen_coordinates",
    r"pupil_?(position|center|centre|tracking)",
    r"(eye|gaze)_?(position|center|centre|tracking)|gaze|right_eye|left_eye",  # tracking may be of the lids
)
TO_CM = {"cm": 1.0, "m": 100.0, "mm": 0.1, "centimeters": 1.0, "meters": 100.0, "metres": 100.0}
PER_SECOND = re.compile(r"\s*(/s|/sec|/second|\*?s\^?-1|persecond|persec)$")
BLINKS = "likely_blink"


def read_behaviour(nwb: Nwb) -> dict[str, Trace]:
    """Channels by the names of BEHAVIOUR; one whose clock or data do not fit is left out with a note."""
    series = [
        place
        for part in WHERE
        for place in nwb.groups(part)
        if nwb.has(f"{place}/data") and not nwb.has(f"{place}/rois")
    ]
    found: dict[str, Trace] = {}
    for channel, names in NAMES.items():
        _try(nwb, found, _best(series, names), partial(_read, channel))
    _try(nwb, found, _best(series, GAZE), _gaze)
    ellipse = next((place for place in series if nwb.has(f"{place}/area") and "pupil" in place), None)
    _try(nwb, found, ellipse, _ellipse)
    for place in _pupil_tables(nwb):
        _try(nwb, found, place, _from_table)
    if "running" in found:
        found["running"] = _in_cm(nwb, found["running"])
    return {name: _without_blinks(nwb, name, trace, series) for name, trace in found.items()}


def _best(series: list[str], names: tuple[str, ...]) -> str | None:
    """The series with the best name; what is called raw comes last."""
    for name in names:
        fitting = [
            place for place in series if re.fullmatch(name, last_part(place), re.IGNORECASE) is not None
        ]
        if fitting:
            return min(fitting, key=lambda place: ("raw" in place.lower(), place))
    return None


def _try(
    nwb: Nwb, found: dict[str, Trace], place: str | None, read: Callable[[Nwb, str], dict[str, Trace]]
) -> None:
    """Adds the channels that `read` finds, where none is there yet."""
    if place is None:
        return
    try:
        for name, trace in read(nwb, place).items():
            if name not in found and np.isfinite(trace.values).any():
                found[name] = trace
    except DataError as error:
        nwb.note(f"Left out: {error}")


def _read(channel: str, nwb: Nwb, place: str) -> dict[str, Trace]:
    trace = read_series(nwb, place)
    if trace.values.ndim == 2 and trace.values.shape[1] > 1:
        nwb.note(f"{place}: the first of {trace.values.shape[1]} columns is read.")
    one = trace if trace.values.ndim == 1 else Trace(trace.values[:, 0], trace.time, trace.unit)
    return {channel: one}


def _gaze(nwb: Nwb, place: str) -> dict[str, Trace]:
    trace = read_series(nwb, place)
    if trace.values.ndim != 2 or trace.values.shape[1] < 2:
        raise nwb.stored.error(place, f"has data of shape {trace.values.shape}, not samples x (x, y)")
    return {
        name: Trace(trace.values[:, column], trace.time, trace.unit)
        for column, name in enumerate(("pupil_x", "pupil_y"))
    }


def _ellipse(nwb: Nwb, place: str) -> dict[str, Trace]:
    """The area of an ellipse that was fitted to the pupil in each frame."""
    area = nwb.stored.read(f"{place}/area", NUMBERS, (None,))
    return {"pupil_size": make_trace(nwb, place, area, read_time(nwb, place, len(area)))}


def _pupil_tables(nwb: Nwb) -> list[str]:
    places = [place for place in nwb.groups("processing") if nwb.has(f"{place}/timestamps")]
    tables = [place for place in places if nwb.has(f"{place}/id")]
    return [place for place in tables if re.search("pupil|gaze|eye_tracking", place, re.IGNORECASE)]


def _from_table(nwb: Nwb, place: str) -> dict[str, Trace]:
    """A table of ellipses or of gaze, with a row for each frame of the camera."""
    table = read_table(nwb, place)
    if "timestamps" not in table:
        raise nwb.stored.error(place, "has no times")
    time = numbers(nwb, place, table, "timestamps")
    columns: dict[str, np.ndarray] = {}
    if {"width", "height"} <= {*table} and "pupil" in last_part(place):
        axes = [numbers(nwb, place, table, name) for name in ("width", "height")]  # half of each
        columns["pupil_size"] = np.pi * np.maximum(*axes) ** 2
    for channel, names in {
        "pupil_size": ("pupil_area", "pupil_size", "pupil_diameter"),
        "pupil_x": ("center_x", "pupil_x", "x", "pupil_center_x"),
        "pupil_y": ("center_y", "pupil_y", "y", "pupil_center_y"),
    }.items():
        name = next((each for each in names if each in table), None)
        if name is not None and channel not in columns:
            columns[channel] = numbers(nwb, place, table, name)
    return {name: make_trace(nwb, place, values, time) for name, values in columns.items()}


def _in_cm(nwb: Nwb, trace: Trace) -> Trace:
    unit = trace.unit.lower().replace(" ", "")
    length = PER_SECOND.sub("", unit)
    if length == unit or length not in TO_CM:
        nwb.note(f"Running is in {trace.unit or 'an unknown unit'}, which is not turned into cm/s.")
        return trace
    if TO_CM[length] == 1:
        return Trace(trace.values, trace.time, "cm/s")
    return Trace(trace.values * TO_CM[length], trace.time, "cm/s")


def _without_blinks(nwb: Nwb, name: str, trace: Trace, series: list[str]) -> Trace:
    """NaN where the file says that the eye was shut."""
    place = next((each for each in series if last_part(each) == BLINKS), None)
    if place is None or not name.startswith("pupil"):
        return trace
    stored = nwb.stored.array(f"{place}/data", "biuf", (None,))
    if stored.shape != trace.time.shape:
        nwb.note(f"{place} has {len(stored)} samples, {name} {len(trace.time)}: blinks are not left out.")
        return trace
    blinks = stored[()] > 0
    nwb.note(f"{name}: {int(blinks.sum())} of {len(blinks)} samples are blinks and not measured.")
    return Trace(np.where(blinks, np.nan, trace.values), trace.time, trace.unit)
