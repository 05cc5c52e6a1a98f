"""The units of an NWB 2 file by their fluorescence: traces of plane segmentations.

Of several kinds of traces the first of KINDS that the file holds is read: dF/F before what was deconvolved
from it, since that is what was measured, and fluorescence where neither is there.

Letters: N units, S samples.
"""

import re
from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Float, Int, Real

from neurokit.recordings.nwb_series import (
    NUMBERS,
    Nwb,
    convert,
    count_times,
    last_part,
    make_trace,
    read_table,
    read_time,
)
from neurokit.recordings.nwb_units import UNKNOWN_AREA, Activity, known_places
from neurokit.recordings.recording import BETWEEN_PLANES, Trace

KINDS = ("dF/F", "deconvolved events", "fluorescence")
EVENTS = re.compile(r"event|deconv|spike|spks", re.IGNORECASE)
DFF = re.compile(r"d_?f_?(over)?_?f|df/f", re.IGNORECASE)
NEUROPIL = re.compile(r"neuropil|background", re.IGNORECASE)
CLEANER = ("corrected", "demixed")  # fluorescence, before any other
ACCEPTED = ("accepted", "valid_roi", "iscell", "is_cell")  # columns that say which regions are cells


def read_traces(nwb: Nwb) -> Activity | None:
    """The units of all planes; None where the file has no traces that can be read as activity."""
    planes = _best_series(nwb)
    if not planes:
        return None
    read = [_read_plane(nwb, place) for place in planes]
    return read[0] if len(read) == 1 else _join_planes(nwb, planes, read)


def _best_series(nwb: Nwb) -> list[str]:
    """The series of the best kind, one a plane, with a note of what else there is."""
    found: dict[str, dict[str, str]] = {kind: {} for kind in KINDS}
    for place in _series(nwb):
        kind = _kind_of(nwb, place)
        if kind is not None:
            table = _regions(nwb, place)[0]
            before = found[kind].setdefault(table, place)
            found[kind][table] = min(before, place, key=_roughness)
    kind = next((kind for kind in KINDS if found[kind]), None)
    if kind is None:
        return []
    others = [other for other in KINDS if found[other] and other != kind]
    beside = f"; the file has {' and '.join(others)} too" if others else ""
    nwb.note(f"Traces are {kind} ({', '.join(found[kind].values())}){beside}.")
    return list(found[kind].values())


def _series(nwb: Nwb) -> Iterator[str]:
    for place in nwb.groups("processing"):
        if nwb.has(f"{place}/rois") and nwb.has(f"{place}/data"):
            yield place


def _kind_of(nwb: Nwb, place: str) -> str | None:
    name, parent = last_part(place), place.rsplit("/", 1)[0]
    if NEUROPIL.search(name):
        return None
    if EVENTS.search(name):
        return KINDS[1]
    inside = nwb.kind(parent) == "DfOverF" or DFF.search(last_part(parent)) is not None
    if DFF.search(name) or inside:
        return KINDS[0]
    return KINDS[1] if EVENTS.search(last_part(parent)) else KINDS[2]


def _roughness(place: str) -> tuple[int, str]:
    name = last_part(place).lower()
    return next((rank for rank, word in enumerate(CLEANER) if word in name), len(CLEANER)), place


def _regions(nwb: Nwb, place: str) -> tuple[str, Int[np.ndarray, "N"]]:
    """The table of regions that a series is of, and its rows in it."""
    stored = nwb.stored
    rows = stored.array(f"{place}/rois", "iu", (None,))
    table = nwb.reference(f"{place}/rois", rows.attrs.get("table"))
    return table, rows[()].astype(np.int64)


def _read_plane(nwb: Nwb, place: str) -> Activity:
    table, rows = _regions(nwb, place)
    ids = nwb.stored.read(f"{table}/id", "iu", (None,)).astype(np.int64)
    if not len(ids) or not len(rows):
        raise nwb.stored.error(table, f"has {len(ids)} regions, and {len(rows)} have traces")
    if rows.min() < 0 or rows.max() >= len(ids):
        raise nwb.stored.error(
            f"{place}/rois", f"names rows {rows.min()} to {rows.max()} of {len(ids)} regions"
        )
    values = _samples_first(nwb, place, len(rows))
    trace = make_trace(nwb, place, values, read_time(nwb, place, len(values)))
    chosen = _accepted(nwb, table, rows)
    if not chosen.all():
        trace = Trace(trace.values[:, chosen], trace.time, trace.unit)
    rows = rows[chosen]
    area = nwb.text(f"{table}/imaging_plane/location")
    known = area.lower() not in UNKNOWN_AREA
    return Activity(
        unit_ids=ids[rows],
        traces=trace,
        area=np.full(len(rows), area) if known else None,
        coordinates=_coordinates(nwb, table, rows),
    )


def _samples_first(nwb: Nwb, place: str, units: int) -> Real[np.ndarray, "S N"]:
    """The data, samples x units; turned where only that fits the clock and the regions."""
    stored = nwb.stored.array(f"{place}/data", NUMBERS)
    shape, times = stored.shape, count_times(nwb, place)
    if len(shape) == 1 and units == 1:
        return convert(nwb, f"{place}/data", stored[()], activity=True)[:, None]
    straight = len(shape) == 2 and shape[1] == units and times in (None, shape[0])
    turned = len(shape) == 2 and shape[0] == units and times in (None, shape[1])
    if not (straight or turned) or not all(shape):
        clock = "no timestamps" if times is None else f"{times} timestamps"
        raise nwb.stored.error(place, f"has data of shape {shape}, {clock} and {units} regions")
    if turned and not straight:
        nwb.note(f"{place}: data lie units x samples and are turned.")
    values = convert(nwb, f"{place}/data", stored[()], activity=True)
    return values if straight else values.T


def _accepted(nwb: Nwb, table: str, rows: Int[np.ndarray, "N"]) -> Bool[np.ndarray, "N"]:
    """Which regions are cells, by a column that says so; all where there is none."""
    column = next((each for each in nwb.names(table) if each.lower() in ACCEPTED), None)
    if column is None:
        return np.ones(len(rows), bool)
    values = nwb.stored.read(f"{table}/{column}", "biuf")
    if len(values) <= rows.max():
        raise nwb.stored.error(f"{table}/{column}", f"has {len(values)} values for {rows.max() + 1} regions")
    chosen = values.reshape(len(values), -1)[rows, 0] > 0
    if not chosen.any():
        raise nwb.stored.error(f"{table}/{column}", f"accepts none of {len(rows)} regions as a cell")
    if not chosen.all():
        nwb.note(
            f"{(~chosen).sum()} of {len(rows)} regions are no cells by the column {column} and are left out."
        )
    return chosen


def _coordinates(nwb: Nwb, table: str, rows: Int[np.ndarray, "N"]) -> Float[np.ndarray, "N 3"] | None:
    """Columns x, y and z whose descriptions name micrometres; pixels alone are no coordinates."""
    if not all("micromet" in nwb.attribute(f"{table}/{name}", "description") for name in "xyz"):
        return None
    columns = read_table(nwb, table, ("id", "x", "y", "z")).select_dtypes("number")
    if not {"x", "y", "z"} <= {*columns}:
        return None
    found = columns[["x", "y", "z"]].to_numpy(dtype=float)[rows]
    return known_places(nwb, found)


def _join_planes(nwb: Nwb, places: list[str], planes: list[Activity]) -> Activity:
    """All planes on the clock of the first, if theirs differ by less than its interval."""
    traces = [plane.traces for plane in planes if plane.traces is not None]
    first = traces[0]
    for place, other in zip(places[1:], traces[1:], strict=True):
        if len(other.time) != len(first.time):
            raise nwb.stored.error(
                place, f"has {len(other.time)} samples, and the first plane {len(first.time)}"
            )
        if (apart := float(np.abs(other.time - first.time).max())) > 1 / first.rate:
            raise nwb.stored.error(
                place, f"is {apart:g} s off the first plane, whose samples are {1 / first.rate:g} s apart"
            )
    apart = max(float(np.abs(each.time - first.time).max()) for each in traces)
    nwb.note(f"{len(planes)} planes are read on the clock of the first, up to {apart * 1000:.0f} ms off.")
    ids = np.concatenate([plane.unit_ids for plane in planes])
    if len(np.unique(ids)) < len(ids):
        ids = np.concatenate([plane.unit_ids + BETWEEN_PLANES * i for i, plane in enumerate(planes)])
        nwb.note(f"Planes number their units alike: {BETWEEN_PLANES} is added for each further plane.")
    areas = [plane.area if plane.area is not None else np.full(len(plane.unit_ids), "") for plane in planes]
    area = np.concatenate(areas)
    places_of_units = [plane.coordinates for plane in planes if plane.coordinates is not None]
    return Activity(
        unit_ids=ids,
        traces=Trace(np.concatenate([each.values for each in traces], axis=1), first.time, first.unit),
        area=area if (area != "").any() else None,
        coordinates=np.concatenate(places_of_units) if len(places_of_units) == len(planes) else None,
    )
