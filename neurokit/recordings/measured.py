"""What stands in the arrays of a recording and was not measured: artifacts, frozen traces, lost spikes.

An artifact is a value far beyond all others of its unit; what is usual is told by most values, which a few
artifacts do not change. Where all units of ten or more keep one and the same value for long, the acquisition
stood still, and where none of them fires for long, it was lost: nothing was measured then. How long is far
too long follows from how often they change or fire in the rest of the session.

Letters: S samples or trials, N units, P spikes, G stretches.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float, Int, Real

from neurokit.errors import DataError
from neurokit.recordings.recording import Recording, Spikes, Trace

FAR = 1000.0  # times what is usual for a unit; the brightest calcium transients are ten times it
USUAL = 0.99  # of a unit's values other than 0 stay at or below what is usual
SPARED = 3  # the largest values of a unit never count as usual
SOME = 2000  # samples, evenly spaced, that tell which units are looked at in full
CHUNK = 2**22  # values that are looked at at once
FEWEST_UNITS = 10  # that stand still together; fewer may do so by chance
FEW = 16  # units that tell where all may stand still
FROZEN = 20.0  # changes that are expected in a stretch without one
SILENT = 100.0  # likewise where all is 0, and of spikes
SHORTEST_SILENCE = 10.0  # s
MARGIN = 20.0  # spikes: so much of a silence at each of its ends may be chance
Stretches = Float[np.ndarray, "G 2"]


def mask_unmeasured(recording: Recording) -> Recording:
    """The recording with NaN for what was not measured, and stretches without spikes, and a note of each.

    A sound recording comes back as it is. Counts and other whole numbers of trials are left to
    `neurokit.recordings.counts`.
    """
    notes: list[str] = []
    traces, trials, spikes = recording.traces, recording.trials, recording.spikes
    if traces is not None:
        traces = mask_traces(traces, notes)
    if trials is not None and trials.responses.dtype.kind == "f" and not trials.counts:
        values = mask_artifacts(trials.responses.reshape(-1, recording.units), "responses", notes)
        if notes:
            trials = replace(trials, responses=values.reshape(trials.responses.shape))
    if spikes is not None:
        spikes = find_gaps(spikes, recording.units, notes)
    if not notes:
        return recording
    return replace(recording, traces=traces, trials=trials, spikes=spikes, notes=(*recording.notes, *notes))


def mask_traces(traces: Trace, notes: list[str]) -> Trace:
    """The traces with NaN for artifacts and samples in which they stood still; sound ones as they are."""
    number = len(notes)
    values = mask_artifacts(traces.values, "traces", notes)
    frozen = find_frozen(values, traces.time)
    if frozen.any():
        values = np.where(frozen[:, None], np.nan, values)
        first, last = traces.time[frozen][[0, -1]]
        notes.append(
            f"traces: all {values.shape[1]} units keep one value in {int(frozen.sum())} of {len(values)} "
            f"samples from {first:g} to {last:g} s: taken as not measured."
        )
    return traces if len(notes) == number else replace(traces, values=values)


def mask_artifacts(values: Real[np.ndarray, "S N"], what: str, notes: list[str]) -> Real[np.ndarray, "S N"]:
    """The values, and NaN for those that cannot be, with a note of how many; sound ones are not copied."""
    if values.dtype.kind not in "fiu" or not values.size:
        return values
    suspects, limits = _suspects(values)
    if not len(suspects):
        return values
    some = values[:, suspects]
    bad = np.isfinite(some) & (np.abs(some.astype(float)) > limits)
    if not bad.any():
        return values
    found = np.array(values, dtype=values.dtype if values.dtype.kind == "f" else float)
    found[:, suspects] = np.where(bad, np.nan, some)
    row, column = np.argwhere(bad)[0]
    units = int(bad.any(axis=0).sum())
    notes.append(
        f"{what}: {int(bad.sum())} of {values.size} values, of {units} of {values.shape[1]} units, are more "
        f"than {FAR:,.0f} times what is usual, such as {some[row, column]:g}: taken as not measured."
    )
    return found


def _suspects(values: Real[np.ndarray, "S N"]) -> tuple[Int[np.ndarray, "n"], Float[np.ndarray, "n"]]:
    """Units with a value that may be an artifact, and the largest magnitude that each can have."""
    rough = usual_values(values[:: max(1, len(values) // SOME)])
    active = rough[rough > 0]
    least = float(np.median(active)) if len(active) else np.inf  # of a unit that is hardly ever active
    suspects = np.flatnonzero(_peaks(values) > FAR / 10 * np.maximum(rough, least))
    if not len(suspects):
        return suspects, np.zeros(0)
    few = values[:: -(-len(values) // (5 * SOME)), suspects]
    return suspects, FAR * np.maximum(usual_values(few), least)


def usual_values(values: Real[np.ndarray, "S N"]) -> Float[np.ndarray, "N"]:
    """The magnitude that most values of a unit other than 0 stay at or below; 0 where hardly any is."""
    sizes = np.abs(np.ascontiguousarray(values.T, dtype=float))
    sizes[~np.isfinite(sizes) | (sizes == 0)] = np.inf
    sizes.sort(axis=1)
    number = np.isfinite(sizes).sum(axis=1)
    place = np.minimum(USUAL * (number - 1), number - 1 - SPARED).astype(int)
    found = np.take_along_axis(sizes, place.clip(0)[:, None], axis=1)[:, 0]
    return np.where(place < 0, 0.0, found)


def _peaks(values: Real[np.ndarray, "S N"]) -> Float[np.ndarray, "N"]:
    """The largest finite magnitude of each unit."""
    peaks = np.zeros(values.shape[1])
    step = max(1, CHUNK // values.shape[1])
    for start in range(0, len(values), step):
        sizes = np.abs(np.asarray(values[start : start + step], dtype=float))
        if not np.isfinite(sizes.sum()):
            sizes = np.where(np.isfinite(sizes), sizes, 0)
        peaks = np.maximum(peaks, sizes.max(axis=0))
    return peaks


def find_frozen(values: Real[np.ndarray, "S N"], time: Float[np.ndarray, "S"]) -> Bool[np.ndarray, "S"]:
    """Samples in which all of ten units or more keep the value of the sample before, far too long.

    The first sample of a stretch was measured, unless all is 0. None where there are fewer units.
    """
    samples, units = values.shape
    frozen = np.zeros(samples, dtype=bool)
    if units < FEWEST_UNITS or samples < FROZEN:
        return frozen
    columns = np.unique(np.linspace(0, units - 1, FEW).round().astype(int))
    same = _is_same(np.asarray(values[:, columns]))
    if not same.any():
        return frozen
    for first, last in _runs(same):  # of the units that are compared first
        if last - first >= FROZEN:
            same[first:last] = _is_same(np.asarray(values[first - 1 : last]))[1:]
    changes = samples - int(same.sum())
    for first, last in _runs(same):
        expected = (last - first) * changes / (samples - (last - first))
        if expected < FROZEN:
            continue
        silent = not np.asarray(values[first]).any()
        if silent and (expected < SILENT or time[last - 1] - time[first] < SHORTEST_SILENCE):
            continue
        frozen[first - int(silent) : last] = True
    return frozen


def _is_same(values: Real[np.ndarray, "S n"]) -> Bool[np.ndarray, "S"]:
    """Whether each row is that before it; a row that misses everything is not."""
    same = np.zeros(len(values), dtype=bool)
    equal = (values[1:] == values[:-1]) | (np.isnan(values[1:]) & np.isnan(values[:-1]))
    same[1:] = equal.all(axis=1) & np.isfinite(values[1:]).any(axis=1)
    return same


def _runs(chosen: Bool[np.ndarray, "S"]) -> list[tuple[int, int]]:
    """First place, and that after the last, of each run."""
    edges = np.diff(np.concatenate([[0], chosen.astype(np.int8), [0]]))
    return list(zip(np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist(), strict=True))


def find_gaps(spikes: Spikes, units: int, notes: list[str]) -> Spikes:
    """The spikes with the stretches in which none of ten units or more fires, far too long; s.

    Such a stretch begins and ends where a silence can be no chance any more. Gaps that are known stay.
    """
    time = spikes.times
    if units < FEWEST_UNITS or len(time) < 2:
        return spikes
    steps = np.diff(time)
    rest = time[-1] - time[0] - steps
    rate = len(time) / np.where(rest > 0, rest, np.inf)
    first = np.flatnonzero((steps >= SHORTEST_SILENCE) & (steps * rate >= SILENT))
    margin = MARGIN / np.maximum(rate[first], 1e-9)
    found = np.stack([time[first] + margin, time[first + 1] - margin], axis=1)
    inside = [each for each in found if not _is_known(each, spikes.gaps)]
    if not inside:
        return spikes
    listed = ", ".join(f"{start:g} to {end:g} s" for start, end in inside[:3])
    notes.append(
        f"spikes: none of {units} units fires from {listed}{' and so on' if len(inside) > 3 else ''}, which "
        "their rates do not allow: taken as not measured."
    )
    return replace(spikes, gaps=merge_gaps(np.concatenate([spikes.gaps, np.array(inside)])))


def _is_known(stretch: Float[np.ndarray, "2"], gaps: Stretches) -> bool:
    return bool(((gaps[:, 0] <= stretch[0]) & (stretch[1] <= gaps[:, 1])).any())


def merge_gaps(stretches: Float[np.ndarray, "..."]) -> Stretches:
    """The same time as stretches in order that do not touch each other; those without length are gone.

    Raises DataError for another shape than stretches x 2.
    """
    if stretches.ndim != 2 or stretches.shape[1] != 2:
        raise DataError(f"stretches without spikes are {stretches.shape}; give from and to of each, G x 2.")
    known = stretches[np.isfinite(stretches).all(axis=1) & (stretches[:, 0] < stretches[:, 1])]
    known = known[np.argsort(known[:, 0], kind="stable")]
    if not len(known):
        return np.zeros((0, 2))
    until = np.maximum.accumulate(known[:, 1])
    first = np.r_[True, known[1:, 0] > until[:-1]]
    last = np.r_[first[1:], True]
    return np.stack([known[first, 0], until[last]], axis=1)


def overlaps(
    starts: Float[np.ndarray, "K"], ends: Float[np.ndarray, "K"], gaps: Stretches
) -> Bool[np.ndarray, "K"]:
    """Which intervals (s), or moments, lie within a gap in any part; gaps as `merge_gaps` makes them."""
    if not len(gaps):
        return np.zeros(len(starts), dtype=bool)
    place = np.minimum(np.searchsorted(gaps[:, 1], starts, side="right"), len(gaps) - 1)
    return np.asarray((starts < gaps[place, 1]) & (ends > gaps[place, 0]))
