"""A lab's own spikes cut into trials, or its counts joined with behaviour on one grid of bins.

Letters: M spikes, N units, K trials, S bins of a trial that hold spikes, T bins of its behaviour.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float, Real, Shaped

from neurokit.errors import DataError
from neurokit.pupil_encoder.binning import TrialBins, count_spikes
from neurokit.pupil_encoder.doubled import find_second
from neurokit.pupil_encoder.own_behaviour import CHANNELS, fill_bins, fill_trials
from neurokit.pupil_encoder.recording import TrialRecording, check_bins, record_usable
from neurokit.recordings.clocks import check_overlap, compare_counted
from neurokit.recordings.measured import find_gaps, overlaps
from neurokit.recordings.recording import Spikes, Trace, check_clock
from neurokit.training.omissions import Omission, leave_out


def cut_spikes(
    spikes: Spikes,
    ids: Shaped[np.ndarray, "N"],
    area: Shaped[np.ndarray, "N"],
    table: pd.DataFrame,
    behaviour: Mapping[str, Trace],
    *,
    name: str,
    window: tuple[float, float],
    bin_size: float,
    notes: tuple[str, ...] = (),
) -> TrialRecording:
    """Counts and behaviour in the window around each stimulus of the table; `spikes` go by place of unit."""
    number = check_bins(window, bin_size)
    compare_counted({"spikes": spikes.times} | {name: trace.time for name, trace in behaviour.items()})
    said: list[str] = []
    spikes = find_gaps(spikes, len(ids), said)
    table, omissions = _order_trials(table, spikes, window)
    second, again = find_second(spikes.times, spikes.unit_ids, ids, "spike_times")
    if again:
        spikes = Spikes(spikes.times[~second], spikes.unit_ids[~second], spikes.gaps)
    bins = TrialBins(table["stimulus_time"].to_numpy() + window[0], number, bin_size)
    return record_usable(
        count_spikes(spikes.times, spikes.unit_ids, len(ids), bins),
        area,
        fill_bins(behaviour, bins),
        table,
        units=ids,
        omissions=omissions + again,
        what="spikes",
        name=name,
        notes=(*notes, *said),
        time=window[0] + (np.arange(number) + 0.5) * bin_size,
        first_spike_bin=0,
        bin_size=bin_size,
    )


def _order_trials(
    table: pd.DataFrame, spikes: Spikes, window: tuple[float, float]
) -> tuple[pd.DataFrame, tuple[Omission, ...]]:
    """The trials in order of time during which spikes were recorded; the others are left out."""
    onsets = table["stimulus_time"].to_numpy()
    known = np.isfinite(onsets)
    omissions = leave_out(~known, table.index.to_numpy(), "time_unknown", "trials")
    table = table[known].sort_values("stimulus_time", kind="stable")
    onsets = table["stimulus_time"].to_numpy()
    check_clock(onsets, ties=True, what="stimulus_times")
    start, end = onsets + window[0], onsets + window[1]
    times = spikes.times
    check_overlap(np.array([start[0], end[-1]]), times, ("trials", "spikes"), activity=1)
    outside = (end <= times[0]) | (start > times[-1]) | overlaps(start, end, spikes.gaps)
    omissions += leave_out(outside, table.index.to_numpy(), "outside_clock", "trials")
    return table[~outside], omissions


def join_counts(
    counts: Real[np.ndarray, "N K S"],
    time: Float[np.ndarray, "S"],
    ids: Shaped[np.ndarray, "N"],
    area: Shaped[np.ndarray, "N"],
    table: pd.DataFrame,
    by_trial: Mapping[str, tuple[np.ndarray, np.ndarray]],
    traces: Mapping[str, Trace],
    *,
    name: str,
    notes: tuple[str, ...] = (),
) -> TrialRecording:
    """Counts with behaviour on one grid of bins, that of the counts, as long as the longest of both."""
    if len(time) < 2:
        raise DataError(
            f"time has {len(time)} bins; give two or more, since their distance is the bin's length."
        )
    bin_size = float(f"{np.median(np.diff(time)):.6g}")
    grid, first = _extend(time, bin_size, [own for _, own in by_trial.values()])
    behaviour = {
        CHANNELS[channel]: fill_trials(values, own, grid, CHANNELS[channel])
        for channel, (values, own) in sorted(by_trial.items())
    }
    if traces:
        starts = table["stimulus_time"].to_numpy() + grid[0] - bin_size / 2
        behaviour |= fill_bins(traces, TrialBins(starts, len(grid), bin_size))
    return record_usable(
        counts,
        area,
        behaviour,
        table,
        units=ids,
        what="counts",
        name=name,
        notes=notes,
        time=grid,
        first_spike_bin=first,
        bin_size=bin_size,
    )


def _extend(
    time: Float[np.ndarray, "S"], size: float, others: Sequence[Float[np.ndarray, "_"]]
) -> tuple[Float[np.ndarray, "T"], int]:
    """The grid of `time`, s, as far as the `others` go, and where `time` begins in it."""
    before = max([0, *(int((time[0] - other[0]) / size + 0.1) for other in others)])
    after = max([0, *(int((other[-1] - time[-1]) / size + 0.1) for other in others)])
    steps = size * np.arange(1, max(before, after) + 1)
    return np.concatenate([time[0] - steps[:before][::-1], time, time[-1] + steps[:after]]), before
