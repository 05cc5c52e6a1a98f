"""The units of an NWB 2 file by their spike times, with what the table of electrodes knows of them.

Letters: N units, P spikes, S samples.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int, Shaped

from neurokit.recordings.nwb_series import NUMBERS, Nwb, read_table
from neurokit.recordings.recording import Spikes, Trace

ELECTRODES = "general/extracellular_ephys/electrodes"
NO_UNIT = ("noise",)  # of the column `quality`
UNKNOWN_AREA = ("", "unknown", "nan", "n/a", "none", "null")


@dataclass(frozen=True, eq=False)
class Activity:
    """The units and what they did: traces S x N, or spikes."""

    unit_ids: Int[np.ndarray, "N"]
    traces: Trace | None = None
    spikes: Spikes | None = None
    area: Shaped[np.ndarray, "N"] | None = None
    coordinates: Float[np.ndarray, "N 3"] | None = None


def read_units(nwb: Nwb) -> Activity | None:
    """Spikes in order of time; those without a time, and units whose quality is noise, are left out.

    None where the file has no spike times; raises DataError for a table that does not fit itself.
    """
    stored = nwb.stored
    if not nwb.has("units/spike_times"):
        return None
    ends = stored.read("units/spike_times_index", "iu", (None,)).astype(np.int64)
    times = stored.read("units/spike_times", NUMBERS, (None,)).astype(float)
    ids = stored.read("units/id", "iu", (None,)).astype(np.int64)
    counts = np.diff(np.r_[0, ends])
    if len(ends) != len(ids) or not len(ids):
        raise stored.error("units", f"has {len(ids)} ids and spikes of {len(ends)} units")
    if (counts < 0).any() or ends[-1] != len(times):
        raise stored.error("units", f"counts {ends[-1]} spikes and has {len(times)} spike times")
    owner = np.repeat(np.arange(len(ids)), counts)
    table = read_table(nwb, "units", ("id", "quality", "peak_channel_id"))
    chosen = _sound_units(nwb, table, len(ids))
    known = np.isfinite(times)
    if lost := int((~known).sum()):
        nwb.note(f"{lost} of {len(times)} spikes have no time and are left out.")
    kept = known & chosen[owner]
    if not kept.any():
        raise stored.error("units", f"has no spike that can be used, of {len(times)}")
    times, owner = times[kept], owner[kept]
    order = np.argsort(times, kind="stable")
    rows = _electrodes(nwb, table, len(ids))
    return Activity(
        unit_ids=ids[chosen],
        spikes=Spikes(times[order], ids[owner[order]]),
        area=_area(nwb, rows, chosen),
        coordinates=_electrode_coordinates(nwb, rows, chosen),
    )


def _sound_units(nwb: Nwb, table: pd.DataFrame, units: int) -> Bool[np.ndarray, "N"]:
    if "quality" not in table:
        return np.ones(units, bool)
    quality = table["quality"].astype(str)
    counts = ", ".join(f"{count} {name}" for name, count in quality.value_counts().items())
    chosen = ~quality.isin(NO_UNIT).to_numpy()
    if not chosen.any():
        raise nwb.stored.error("units", f"has units of noise alone ({counts})")
    nwb.note(f"Quality of units: {counts}; those of noise are left out.")
    return chosen


def _electrodes(nwb: Nwb, table: pd.DataFrame, units: int) -> Int[np.ndarray, "N"] | None:
    """The row of each unit's electrode: the first of its electrodes, or the one of `peak_channel_id`."""
    if not nwb.has(f"{ELECTRODES}/id"):
        return None
    ids = nwb.stored.read(f"{ELECTRODES}/id", "iu", (None,)).astype(np.int64)
    if "peak_channel_id" in table:
        order = np.argsort(ids)
        wanted = table["peak_channel_id"].to_numpy()
        rows = order[np.clip(np.searchsorted(ids[order], wanted), 0, len(ids) - 1)]
        return rows if (ids[rows] == wanted).all() else None
    if not nwb.has("units/electrodes"):
        return None
    rows = nwb.stored.read("units/electrodes", "iu", (None,)).astype(np.int64)
    if nwb.has("units/electrodes_index"):
        ends = nwb.stored.read("units/electrodes_index", "iu", (units,)).astype(np.int64)
        starts = np.r_[0, ends[:-1]]
        if (starts >= len(rows)).any() or (starts >= ends).any():
            return None  # a unit without an electrode
        rows = rows[starts]
    fits = len(rows) == units and (rows >= 0).all() and (rows < len(ids)).all()
    return rows if fits else None


def _area(
    nwb: Nwb, rows: Int[np.ndarray, "N"] | None, chosen: Bool[np.ndarray, "N"]
) -> Shaped[np.ndarray, "N"] | None:
    if rows is None or not nwb.has(f"{ELECTRODES}/location"):
        return None
    area = np.array(nwb.stored.texts(f"{ELECTRODES}/location"))[rows[chosen]]
    area = np.where(np.isin(np.char.lower(area), UNKNOWN_AREA), "", area)
    return area if (area != "").any() else None


def _electrode_coordinates(
    nwb: Nwb, rows: Int[np.ndarray, "N"] | None, chosen: Bool[np.ndarray, "N"]
) -> Float[np.ndarray, "N 3"] | None:
    if rows is None or not all(nwb.has(f"{ELECTRODES}/{name}") for name in "xyz"):
        return None
    columns = [nwb.stored.read(f"{ELECTRODES}/{name}", NUMBERS, (None,)).astype(float) for name in "xyz"]
    found = np.stack(columns, axis=1)[rows[chosen]]
    return found if np.isfinite(found).all() else None
