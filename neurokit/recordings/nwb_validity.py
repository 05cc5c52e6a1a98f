"""When an NWB 2 file itself says that nothing was measured: invalid times, and what units were not observed.

Letters: N units, K intervals, G stretches.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float

from neurokit.recordings.measured import Stretches, merge_gaps, overlaps
from neurokit.recordings.nwb_series import NUMBERS, Nwb
from neurokit.recordings.nwb_units import Activity

INVALID = "intervals/invalid_times"
OBSERVED = "units/obs_intervals"
LEAST = 0.99  # of the time in which most units were observed; a unit that was seen for less is left out
MOST_INSIDE = 0.01  # of the spikes may lie where their units were not observed, by rounding


def leave_out_invalid(nwb: Nwb, activity: Activity) -> Activity:
    """The activity without what the file marks: NaN in traces, gaps of spikes, fewer units."""
    invalid = _invalid_times(nwb)
    if activity.traces is not None:
        traces = activity.traces
        gone = overlaps(traces.time, traces.time, invalid)
        if not gone.any():
            return activity
        nwb.note(f"{INVALID}: {int(gone.sum())} of {len(gone)} samples lie in them: not measured.")
        return replace(
            activity, traces=replace(traces, values=np.where(gone[:, None], np.nan, traces.values))
        )
    if activity.spikes is None:
        return activity
    unseen, chosen = _unobserved(nwb, activity)
    gaps = merge_gaps(np.concatenate([invalid, unseen]))
    if len(gaps):
        lost = float(np.diff(gaps).sum())
        nwb.note(f"The file marks {len(gaps)} stretches, {lost:g} s in all, in which nothing was measured.")
    spikes = replace(activity.spikes, gaps=gaps)
    if chosen.all():
        return replace(activity, spikes=spikes)
    ids = activity.unit_ids[chosen]
    own = np.isin(spikes.unit_ids, ids)
    return Activity(
        ids,
        spikes=replace(spikes, times=spikes.times[own], unit_ids=spikes.unit_ids[own]),
        area=None if activity.area is None else activity.area[chosen],
        coordinates=None if activity.coordinates is None else activity.coordinates[chosen],
    )


def _invalid_times(nwb: Nwb) -> Stretches:
    if not nwb.has(INVALID):
        return np.zeros((0, 2))
    ends = [nwb.stored.read(f"{INVALID}/{name}", NUMBERS, (None,)) for name in ("start_time", "stop_time")]
    if len(ends[0]) != len(ends[1]):
        raise nwb.stored.error(INVALID, f"has {len(ends[0])} starts and {len(ends[1])} ends")
    return merge_gaps(np.stack(ends, axis=1).astype(float))


def _unobserved(nwb: Nwb, activity: Activity) -> tuple[Stretches, Bool[np.ndarray, "N"]]:
    """When most units were not observed, between the first and last time of any; and who was as most."""
    every = np.ones(len(activity.unit_ids), dtype=bool)
    if not nwb.has(f"{OBSERVED}_index") or not nwb.has(OBSERVED):
        return np.zeros((0, 2)), every
    stored = nwb.stored
    intervals = stored.read(OBSERVED, NUMBERS, (None, 2)).astype(float)
    until = stored.read(f"{OBSERVED}_index", "iu", (None,)).astype(np.int64)
    ids = stored.read("units/id", "iu", (None,)).astype(np.int64)
    counts = np.diff(np.r_[0, until])
    if len(until) != len(ids) or (counts < 0).any() or until[-1] != len(intervals):
        raise stored.error(
            OBSERVED, f"counts {until[-1]} intervals of {len(until)} units and has {len(intervals)}"
        )
    owner = np.repeat(np.arange(len(ids)), counts)
    sound = np.isfinite(intervals).all(axis=1) & (intervals[:, 0] < intervals[:, 1])
    sound &= np.isin(ids[owner], activity.unit_ids)
    if not sound.any():
        return np.zeros((0, 2)), every
    intervals, owner = intervals[sound], owner[sound]
    gaps = _gaps(intervals, len(np.unique(owner)))
    assert activity.spikes is not None
    times = activity.spikes.times
    if overlaps(times, times, gaps).mean() > MOST_INSIDE:
        nwb.note(f"{OBSERVED} do not fit the spikes, of which many lie outside of them, and are not used.")
        return np.zeros((0, 2)), every
    seen = np.bincount(owner, np.diff(intervals)[:, 0], minlength=len(ids))
    most = np.median(seen[np.unique(owner)])
    less = ids[(seen > 0) & (seen < LEAST * most)]
    chosen = ~np.isin(activity.unit_ids, less)
    if not chosen.all():
        named = ", ".join(map(str, activity.unit_ids[~chosen][:5]))
        nwb.note(
            f"{int((~chosen).sum())} of {len(chosen)} units were observed for less time than most "
            f"({OBSERVED}) and are left out: {named}{' and others' if (~chosen).sum() > 5 else ''}."
        )
    return gaps, chosen


def _gaps(intervals: Float[np.ndarray, "K 2"], units: int) -> Stretches:
    """Stretches, from the first start to the last end, in which fewer than half of the units were seen."""
    edges = np.unique(intervals)
    change = np.zeros(len(edges), dtype=np.int64)
    np.add.at(change, np.searchsorted(edges, intervals[:, 0]), 1)
    np.add.at(change, np.searchsorted(edges, intervals[:, 1]), -1)
    few = 2 * np.cumsum(change)[:-1] < units
    return merge_gaps(np.stack([edges[:-1][few], edges[1:][few]], axis=1))
