"""The units of an NWB 2 file by their spike times, with what the table of electrodes knows of them.

Letters: N units, P spikes, S samples.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int, Shaped

from neurokit.errors import read_from
from neurokit.recordings.copies import drop_second_spikes
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

    @property
    def clock(self) -> Trace | np.ndarray:
        """When there was any, s."""
        if self.traces is not None:
            return self.traces
        return np.zeros(0) if self.spikes is None else self.spikes.times


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
    chosen = _sound_units(nwb, table)
    known = np.isfinite(times)
    if lost := int((~known).sum()):
        nwb.note(f"{lost} of {len(times)} spikes have no time and are left out.")
    sound = known & chosen[owner]
    if not sound.any():
        raise stored.error("units", f"has no spike that can be used, of {len(times)}")
    times, owner = times[sound], owner[sound]
    order = np.argsort(times, kind="stable")
    with read_from(f"{stored.file.filename}/units"):
        spikes = Spikes(*drop_second_spikes(times[order], ids[owner[order]], "spike_times", nwb.notes))
    electrodes = _electrodes(nwb, table)
    if electrodes is None:
        return Activity(ids[chosen], spikes=spikes)
    table, there = electrodes[0][chosen], electrodes[1][chosen]
    if lost := int((~there).sum()):
        nwb.note(
            f"{lost} of {len(there)} units have no electrode in the table: their area and place are unknown."
        )
    return Activity(
        ids[chosen], spikes=spikes, area=_area(table, there), coordinates=_coordinates(nwb, table, there)
    )


def _sound_units(nwb: Nwb, table: pd.DataFrame) -> Bool[np.ndarray, "N"]:
    if "quality" not in table:
        return np.ones(len(table), bool)
    quality = table["quality"].astype(str)
    counts = ", ".join(f"{count} {name}" for name, count in quality.value_counts().items())
    chosen = ~quality.isin(NO_UNIT).to_numpy()
    if not chosen.any():
        raise nwb.stored.error("units", f"has units of noise alone ({counts})")
    nwb.note(f"Quality of units: {counts}; those of noise are left out.")
    return chosen


def _electrodes(nwb: Nwb, units: pd.DataFrame) -> tuple[pd.DataFrame, Bool[np.ndarray, "N"]] | None:
    """The row of the table of electrodes that belongs to each unit, and who has one; None where none has.

    It is that of `peak_channel_id`, or of the first of the unit's electrodes.
    """
    if not nwb.has(f"{ELECTRODES}/id"):
        return None
    table = read_table(nwb, ELECTRODES, ("id", "location", "x", "y", "z"))
    if "peak_channel_id" in units and "id" in table:
        order = pd.Index(table["id"])
        rows = order.get_indexer(units["peak_channel_id"]) if order.is_unique else np.array([-1])
    else:
        rows = _first_electrodes(nwb, len(units))
    there = (rows >= 0) & (rows < len(table))
    if len(rows) != len(units) or not there.any():
        return None
    return table.iloc[np.where(there, rows, 0)], there


def _first_electrodes(nwb: Nwb, units: int) -> Int[np.ndarray, "_"]:
    if not nwb.has("units/electrodes"):
        return np.zeros(0, np.int64)
    rows = nwb.stored.read("units/electrodes", "iu", (None,)).astype(np.int64)
    if not nwb.has("units/electrodes_index"):
        return rows
    ends = nwb.stored.read("units/electrodes_index", "iu", (units,)).astype(np.int64)
    starts = np.r_[0, ends[:-1]]
    there = (starts < ends) & (starts >= 0) & (starts < len(rows))
    return np.where(there, rows[np.where(there, starts, 0)], -1) if len(rows) else np.zeros(0, np.int64)


def _area(electrodes: pd.DataFrame, there: Bool[np.ndarray, "N"]) -> Shaped[np.ndarray, "N"] | None:
    if "location" not in electrodes:
        return None
    area = electrodes["location"].to_numpy(dtype=str)
    area = np.where(np.isin(np.char.lower(area), UNKNOWN_AREA) | ~there, "", area)
    return area if (area != "").any() else None


def _coordinates(
    nwb: Nwb, electrodes: pd.DataFrame, there: Bool[np.ndarray, "N"]
) -> Float[np.ndarray, "N 3"] | None:
    numbers = electrodes.select_dtypes("number")
    if not {"x", "y", "z"} <= {*numbers}:
        return None
    found = np.where(there[:, None], numbers[["x", "y", "z"]].to_numpy(dtype=float), np.nan)
    return known_places(nwb, found)


def known_places(nwb: Nwb, places: Float[np.ndarray, "N 3"]) -> Float[np.ndarray, "N 3"] | None:
    """The places with NaN for those that lack an axis, and a note of how many; None where all do."""
    known = np.isfinite(places).all(axis=1)
    if not known.any():
        return None
    if not known.all():
        nwb.note(f"{int((~known).sum())} of {len(known)} units have no x, y and z: their place is unknown.")
        places = np.where(known[:, None], places, np.nan)
    return places
