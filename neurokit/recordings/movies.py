"""What every model of movies asks of a recording: movies with frames and times, and activity on one clock.

Letters: S samples, N units, P spikes.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int

from neurokit.errors import DataError
from neurokit.recordings.measured import overlaps
from neurokit.recordings.recording import Recording, Spikes, Stimulus, Trace

SPIKE_BIN = 1 / 30  # s; spikes are counted in bins as long as a frame of most movies


def choose_movies(recording: Recording, names: Sequence[str] | None = None) -> list[Stimulus]:
    """The movies of those names (default all), each with its frames and their times.

    Raises DataError for an unknown name, a recording without movies, and one that lacks frames or times.
    """
    there = {each.name: each for each in recording.stimuli if each.kind == "movie"}
    wanted = list(there) if names is None else [names] if isinstance(names, str) else list(names)
    if missing := [name for name in wanted if name not in there]:
        known = ", ".join(there) or "no movie"
        raise DataError(f"{recording.name} has no movie {missing[0]}, only {known}: choose with --movies.")
    if not wanted:
        others = ", ".join(each.name for each in recording.stimuli) or "no stimulus"
        raise DataError(
            f"{recording.name} has no movie ({others}), and this model is fitted to responses to movies: "
            "use another recording, or sensorium for images."
        )
    for name in wanted:
        lacking = "frames" if there[name].frames is None else "times" if there[name].time is None else ""
        if lacking:
            raise DataError(f"{recording.name} does not hold the {lacking} of {name}: add them beside it.")
    return [there[name] for name in wanted]


def activity_trace(recording: Recording) -> Trace:
    """Activity of all units on one clock, S x N; spikes are counted in bins of SPIKE_BIN.

    Raises DataError for a recording of trials.
    """
    if recording.traces is not None:
        return recording.traces
    if recording.spikes is not None:
        return count_spikes(recording.spikes, recording.unit_ids)
    raise DataError(
        f"{recording.name} has responses trial by trial, and movies need traces or spikes on one clock: use "
        "a system that takes trials."
    )


def count_spikes(spikes: Spikes, unit_ids: Int[np.ndarray, "N"], width: float = SPIKE_BIN) -> Trace:
    """Spikes of each unit in bins of `width` s from the first spike to the last, S x N; times are centres.

    NaN in bins that lie in a gap.
    """
    first, last = float(spikes.times[0]), float(spikes.times[-1])
    bins = max(2, int(np.ceil((last - first) / width)))
    order = np.argsort(unit_ids)
    column = order[np.searchsorted(unit_ids, spikes.unit_ids, sorter=order)]
    row = np.minimum(((spikes.times - first) / width).astype(int), bins - 1)
    counts = np.bincount(row * len(unit_ids) + column, minlength=bins * len(unit_ids))
    centres = first + width * (np.arange(bins) + 0.5)
    rows = counts.reshape(bins, -1)
    if (gone := overlaps(centres - width / 2, centres + width / 2, spikes.gaps)).any():
        rows = np.where(gone[:, None], np.nan, rows)
    return Trace(rows, centres, "spikes per bin")


def choose_units(
    recording: Recording, *, without: Sequence[int] = (), areas: Sequence[str] | None = None
) -> Int[np.ndarray, "_"]:
    """The rows of the units in those areas, but for the ids in `without`; DataError where none is left."""
    if unknown := [each for each in without if each not in recording.unit_ids]:
        raise DataError(
            f"{recording.name} has no unit {unknown[0]}: choose of its {recording.units} units, such as "
            f"{recording.unit_ids[:3].tolist()}."
        )
    kept = ~np.isin(recording.unit_ids, list(without))
    if areas is not None:
        there = np.full(recording.units, "") if recording.area is None else recording.area
        if missing := [area for area in areas if area not in there]:
            known = ", ".join(sorted(set(map(str, there)) - {""})) or "none that is known"
            raise DataError(f"{recording.name} has no units in {missing[0]}; its areas are {known}.")
        kept &= np.isin(there, list(areas))
    if not kept.any():
        raise DataError(f"{recording.name} has no unit left: leave out fewer.")
    return np.flatnonzero(kept)
