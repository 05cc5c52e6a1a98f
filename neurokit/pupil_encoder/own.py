"""A lab's own recording: plain arrays, or what a reader of `neurokit.recordings` returns, cut into trials.

    recording = from_arrays(
        spike_times, spike_units, stimulus_times, regions=regions, behaviour={"pupil_size": (area, times)}
    )

Nothing is changed in place. What cannot be used is among the recording's omissions: units by their ids,
trials by their place in `stimulus_times`, from 0.

Letters: M spikes, N units, K trials, S bins of a trial that hold spikes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Int, Real, Shaped

from neurokit.arguments import explain_failure
from neurokit.errors import DataError
from neurokit.pupil_encoder.own_behaviour import CHANNELS, read_traces
from neurokit.pupil_encoder.own_trials import cut_spikes, join_counts
from neurokit.pupil_encoder.recording import TRIAL_COLUMNS, TrialRecording, trial_table
from neurokit.recordings.intervals import TRIAL
from neurokit.recordings.plain import check_ids, labels, numbers
from neurokit.recordings.recording import Recording, Spikes, Trace, Trials, check_clock

WINDOW = TRIAL
BIN_SIZE = 0.01  # s
UNKNOWN = "unknown"  # the region of all units, where none is known

Regions = str | Sequence[Any] | Mapping[Any, Any] | Shaped[np.ndarray, "N"] | None


@explain_failure
def from_arrays(
    spike_times: Any,
    spike_units: Any,
    stimulus_times: Any,
    *,
    regions: Regions = None,
    behaviour: Mapping[str, Any] | None = None,
    trials: pd.DataFrame | Mapping[str, Any] | None = None,
    unit_ids: Any = None,
    window: tuple[float, float] = WINDOW,
    bin_size: float = BIN_SIZE,
    name: str = "own",
) -> TrialRecording:
    """A recording from spike times, cut around each stimulus; all times in s on one clock.

    Arrays may be lists or tensors, of any number type and order; spikes and trials need not be sorted.

    Args:
        spike_times: of all spikes, M.
        spike_units: the unit of each, whole numbers or texts, M.
        stimulus_times: onsets of the trials' stimuli, K; NaN where not known.
        regions: brain area of each unit: one a unit in order of `unit_ids`, by unit, or one for all;
            empty or absent where it is not known. Without any, all units are one region, "unknown".
        behaviour: (values, times) by name (`own_behaviour.CHANNELS`): pupil_size, pupil_x, pupil_y,
            face_motion, wheel (its position) or running (speed), licks (their times alone will do), blink
            and wheel_moving (0 or 1). Each has a clock of its own; beyond it the channel is NaN.
        trials: facts of each trial, columns of K: contrast_left, contrast_right, response, response_time,
            go_cue, feedback_type, feedback_time (times from the stimulus).
        unit_ids: all units, N, silent ones too; by default those that spiked, in order.
        window: start and end of a trial around its stimulus, s.
        bin_size: s.
        name: of the session.

    Raises DataError, naming the array, for what does not fit.
    """
    times = numbers("spike_times", spike_times, "spikes")
    of_unit = check_ids("spike_units", labels("spike_units", spike_units, "spikes", len(times)))
    ids = np.unique(of_unit) if unit_ids is None else _unit_ids(unit_ids)
    onsets = numbers("stimulus_times", stimulus_times, "trials").astype(float)
    order = np.argsort(times, kind="stable")
    spikes = Spikes(times[order].astype(float), _index_of(of_unit, ids)[order])
    return cut_spikes(
        spikes,
        ids,
        _areas(regions, ids),
        _table(trials, onsets),
        read_traces(behaviour or {}),
        name=name,
        window=window,
        bin_size=bin_size,
    )


@explain_failure
def from_counts(
    counts: Any,
    time: Any,
    *,
    stimulus_times: Any = None,
    regions: Regions = None,
    behaviour: Mapping[str, Any] | None = None,
    trials: pd.DataFrame | Mapping[str, Any] | None = None,
    unit_ids: Any = None,
    name: str = "own",
) -> TrialRecording:
    """A recording from spikes that are counted already.

    `counts` are spikes in bins, N x K x S, or units last, K x S x N; `time` is the middle of each bin, s from
    the stimulus, S, evenly spaced. `behaviour` has (values, times) by name: values K x B with times from the
    stimulus, or traces with times on the session's clock, which need `stimulus_times`, K. Recorded trial by
    trial, wheel is movement per bin and licks are counts per bin. All else is as in `from_arrays`.
    """
    axis = numbers("time", time, "bins").astype(float)
    onsets = None if stimulus_times is None else numbers("stimulus_times", stimulus_times, "trials")
    number = None if onsets is None else len(onsets)
    if number is None and trials is not None:
        number = max((len(values) for _, values in trials.items()), default=None)
    ids = None if unit_ids is None else _unit_ids(unit_ids)
    units = len(ids) if ids is not None else _number_of(regions)
    found = _orient(
        numbers("counts", counts, "units trials bins"), {"units": units, "trials": number, "bins": len(axis)}
    )
    ids = np.arange(len(found)) if ids is None else ids
    by_trial, traces = _sort_behaviour(behaviour or {}, found.shape[1], onsets)
    return join_counts(
        found,
        axis,
        ids,
        _areas(regions, ids),
        _table(trials, np.full(found.shape[1], np.nan) if onsets is None else onsets.astype(float)),
        by_trial,
        traces,
        name=name,
    )


@explain_failure
def from_recording(
    recording: Recording,
    *,
    stimulus: str | None = None,
    window: tuple[float, float] = WINDOW,
    bin_size: float = BIN_SIZE,
) -> TrialRecording:
    """What a reader of `neurokit.recordings` returns, cut into trials.

    Trials begin at the recording's events, or at the presentations of the `stimulus` of that name. A
    recording that has counts trial by trial keeps its own bins, and `window` and `bin_size` are not used.
    Behaviour that no encoder knows is not read. Raises DataError for a recording without spikes, or without
    the times of trials.
    """
    ids, area = recording.unit_ids, _areas(recording.area, recording.unit_ids)
    if recording.spikes is not None:
        train = recording.spikes
        spikes = Spikes(train.times, _index_of(train.unit_ids, ids), train.gaps)
        table = _events_of(recording, stimulus)
        return cut_spikes(
            spikes,
            ids,
            area,
            table,
            recording.behaviour,
            name=recording.name,
            window=window,
            bin_size=bin_size,
            notes=recording.notes,
        )
    if recording.trials is None or not recording.trials.counts:
        raise DataError(
            f"{recording.name} ({recording.format}) holds no spikes, whose rates a PupilEncoder predicts; "
            "sensorium and v1-transformer take traces such as dF/F."
        )
    return _join_trials(recording, recording.trials, ids, area)


def _events_of(recording: Recording, stimulus: str | None) -> pd.DataFrame:
    """A row a trial: of the events, or the presentations of a stimulus."""
    events = recording.events
    if stimulus is None and events is not None and "stimulus_time" in events:
        return _table(events[[name for name in TRIAL_COLUMNS if name in events]], None)
    timed = {  # frames of a movie begin no trial, nor does a blank screen
        each.name: each.time[each.shown >= 0]
        for each in recording.stimuli
        if each.time is not None and each.kind == "images"
    }
    if stimulus is None and len(timed) != 1:
        choice = f"name one of the stimuli {', '.join(timed)}" if timed else "give events with stimulus_time"
        raise DataError(f"{recording.name} does not say when trials began; {choice}.")
    if stimulus not in (None, *timed):
        raise DataError(
            f"{recording.name} has no times of {stimulus!r}; it has {', '.join(timed) or 'none'}."
        )
    onsets = timed[stimulus] if stimulus is not None else next(iter(timed.values()))
    return _table(None, onsets)


def _join_trials(
    recording: Recording, trials: Trials, ids: Int[np.ndarray, "N"], area: Shaped[np.ndarray, "N"]
) -> TrialRecording:
    if trials.time is None or len(trials.time) < 2:
        raise DataError(
            f"{recording.name} has one count a trial, and a PupilEncoder predicts how rates go in time; give "
            "counts in two or more bins of each trial."
        )
    onsets = None if recording.events is None else recording.events.get("stimulus_time")
    unknown = np.full(len(trials.responses), np.nan)
    facts = recording.events
    if facts is not None:
        facts = facts[[name for name in TRIAL_COLUMNS if name in facts]]
    own = trials.time if trials.behaviour_time is None else trials.behaviour_time
    return join_counts(
        np.moveaxis(trials.responses, 2, 0),
        trials.time,
        ids,
        area,
        _table(facts, unknown if onsets is None else onsets.to_numpy(dtype=float)),
        {name: (values, own) for name, values in trials.behaviour.items() if name in CHANNELS},
        recording.behaviour if onsets is not None else {},
        name=recording.name,
        notes=recording.notes,
    )


def _sort_behaviour(
    given: Mapping[str, Any], trials: int, onsets: np.ndarray | None
) -> tuple[dict[str, tuple[np.ndarray, np.ndarray]], dict[str, Trace]]:
    """What was recorded trial by trial, and traces on the session's clock."""
    by_trial, traces = {}, {}
    for channel, pair in given.items():
        values = pair[0] if isinstance(pair, tuple | list) and len(pair) == 2 else pair
        if np.ndim(values) == 2 and not isinstance(pair, Trace):
            times = numbers(f"times of {channel}", pair[1], "bins").astype(float)
            sizes = {"trials": trials, "bins": len(times)}
            by_trial[channel] = numbers(f"values of {channel}", values, "trials bins", sizes=sizes), times
            check_clock(times, what=f"times of {channel}")
        elif onsets is None:
            raise DataError(
                f"{channel} is one trace of the session; give stimulus_times too, or its values as trials x "
                "bins."
            )
        else:
            traces[channel] = pair
    read_traces({channel: Trace(np.zeros(1), np.zeros(1)) for channel in by_trial})  # their names
    return by_trial, read_traces(traces)


# Units and facts


def _unit_ids(ids: Any) -> Shaped[np.ndarray, "N"]:
    """Texts, or whole numbers from 0, each once."""
    return check_ids("unit_ids", labels("unit_ids", ids, "units", unique=True))


def _index_of(units: Shaped[np.ndarray, "M"], ids: Shaped[np.ndarray, "N"]) -> Int[np.ndarray, "M"]:
    """The place of each unit among the ids; DataError where one is not there."""
    if units.dtype.kind != ids.dtype.kind and "U" in (units.dtype.kind, ids.dtype.kind):
        units, ids = units.astype(str), ids.astype(str)
    place = pd.Index(ids).get_indexer(units)
    if len(unknown := np.unique(units[place < 0])):
        raise DataError(
            f"spike_units name {len(unknown)} units that are not in unit_ids, such as {unknown[0]}; give the "
            "ids of all."
        )
    return place


def _areas(regions: Regions, ids: Shaped[np.ndarray, "N"]) -> Shaped[np.ndarray, "N"]:
    """The area of each unit, empty where it is not known; one name for all where none is."""
    if regions is None or isinstance(regions, str):
        return np.full(len(ids), regions or UNKNOWN)
    if isinstance(regions, np.ndarray) and regions.ndim != 1:
        shape = " x ".join(map(str, regions.shape)) or "a single value"
        raise DataError(f"regions is {shape}; give one name for each of the {len(ids)} units.")
    if isinstance(regions, Mapping):
        named = {str(unit): area for unit, area in regions.items()}
        regions = [named.get(str(unit), "") for unit in ids.tolist()]
    regions = ["" if each is None or each != each else each for each in regions]  # NaN differs from itself
    found = labels("regions", regions, "units", len(ids)).astype(str)
    known = ~np.isin(np.char.lower(found), ("", "nan", "none"))
    return found if known.any() else np.full(len(ids), UNKNOWN)


def _number_of(regions: Regions) -> int | None:
    return None if regions is None or isinstance(regions, str | Mapping) else len(regions)


def _orient(counts: Real[np.ndarray, "..."], sizes: Mapping[str, int | None]) -> Real[np.ndarray, "N K S"]:
    """Units first, whichever of the two orders fits the sizes that are known."""
    for order, units in ((("units", "trials", "bins"), 0), (("trials", "bins", "units"), 2)):
        if all(sizes[axis] in (None, size) for axis, size in zip(order, counts.shape, strict=True)):
            return np.moveaxis(counts, units, 0)
    known = ", ".join(f"{size} {axis}" for axis, size in sizes.items() if size is not None)
    shape = " x ".join(map(str, counts.shape))
    raise DataError(f"counts are {shape}, and there are {known}; give units x trials x bins.")


def _table(facts: pd.DataFrame | Mapping[str, Any] | None, onsets: np.ndarray | None) -> pd.DataFrame:
    """The trial table of the facts, with the onsets in place of its own."""
    columns: dict[str, Any] = {} if facts is None else dict(facts.items())
    if unknown := [str(name) for name in columns if name not in TRIAL_COLUMNS]:
        raise DataError(
            f"trials have the columns {', '.join(unknown)}, which are not known; the names are "
            f"{', '.join(TRIAL_COLUMNS)}."
        )
    if onsets is not None:
        columns["stimulus_time"] = onsets
    found = {name: numbers(f"{name} of trials", values, "trials") for name, values in columns.items()}
    return trial_table(len(columns["stimulus_time"]), **found)
