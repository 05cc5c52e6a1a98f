"""Recordings as plain arrays, in one npz or in a folder of npy files, which are mapped.

Activity is one of the first four rows; all else may be absent. Units may be the first or the last axis: the
axis that fits the times is taken, and notes say so where both would. Any dtype of numbers, order of memory or
byte order is taken; NaN is what was not measured. Times are s on one clock.

| array | axes | what |
|---|---|---|
| `traces`, `trace_times` | S x N, S | activity on a clock; `rate` (Hz) and `start` (s) instead of times |
| `spike_times`, `spike_units` | P, P | when a unit fired, and its id |
| `spike_gaps` | G x 2 | stretches in which no spike could be measured, from and to, s |
| `responses` | K x N or K x B x N | activity in each trial; with bins, `bin_times` (B, s from its onset) |
| `counts`, `bin_times` | N x K x B, B | spikes counted in the bins of each trial |
| `unit_ids` | N | whole numbers, each once; from 0 where absent |
| `area` | N | brain area of each unit, a word |
| `coordinates` | N x 3 | x, y, z of each unit, micrometres; N x 2 where depth is not known |
| `running`, `running_times` | S', S' | cm/s; without times where it has as many samples as the traces |
| `NAME`, `NAME_times` | S', S' or S' x C | any other behaviour; those that systems know are in BEHAVIOUR |
| `pupil_times` | S' | of `pupil_size`, `pupil_x` and `pupil_y`, where they share a clock |
| `NAME` beside trials | K or K x B' | behaviour of each trial, or its bins: `behaviour_bin_times` (B') |
| `frames`, `frame_times` | F x H x W, R x F | a movie, and the s at which each frame of a repeat began |
| `frame_times`, `shown` | K, K | the same one after another, and which frame; -1 is a blank screen |
| `images`, `shown` | F x H x W, K | images, and which of them each presentation was, from 0 |
| `images`, `image_ids` | K x H x W, K | an image and an id (number, word) for each presentation |
| `image_times` | K | s at which each presentation began |
| `tiers` | K or R | train, validation or test of each presentation or repeat |
| `events_COLUMN` | K | a column of the table of trials, such as `events_stimulus_time` |
| `name`, `NAME_unit` | one word | of the session; of a trace, such as `traces_unit` dF/F |
| `notes` | words | sentences that are to be said of the recording wherever it is read |

Several stimuli have `_NAME` behind the names of their arrays: `frames_clouds`, `frame_times_clouds`.

Letters: N units, S samples, C channels, P spikes, G gaps, K trials or presentations, B bins, F frames,
R repeats, H x W pixels.
"""

import zipfile
from collections.abc import Mapping
from itertools import permutations
from pathlib import Path

import numpy as np
from jaxtyping import Int

from neurokit.arguments import explain_failure
from neurokit.errors import read_from
from neurokit.recordings.beside import (
    ACTIVITY,
    UNIT,
    Arrays,
    as_numbers,
    channels,
    make_trace,
    open_arrays,
    read_behaviour,
    read_events,
)
from neurokit.recordings.clocks import check_clocks, check_rate
from neurokit.recordings.copies import drop_second_spikes
from neurokit.recordings.counts import mask_counts
from neurokit.recordings.measured import merge_gaps
from neurokit.recordings.recording import Recording, Spikes, Trace, Trials
from neurokit.recordings.shown import read_stimuli

FORMAT = "arrays"


def recognises(path: Path) -> bool:
    """Whether a path is an npz, or a folder of npy files, with an array of activity."""
    try:
        if path.is_dir():
            return any((path / f"{name}.npy").is_file() for name in ACTIVITY)
        if path.suffix != ".npz" or not path.is_file():
            return False
        with zipfile.ZipFile(path) as archive:
            return not {f"{name}.npy" for name in ACTIVITY}.isdisjoint(archive.namelist())
    except zipfile.BadZipFile:
        return True  # reading it says what is wrong
    except (OSError, ValueError, NotImplementedError):
        return False


@explain_failure
def read(path: Path) -> Recording:
    """The recording of arrays in an npz or a folder of npy files.

    Raises DataError, naming the path and the array, for one that cannot be read, and for arrays that do not
    fit each other.
    """
    path = Path(path)
    return read_arrays(open_arrays(path), path.stem if path.is_file() else path.resolve().name)


def read_arrays(given: Arrays, name: str = "") -> Recording:
    """The recording of arrays that are there already; raises as `read`."""
    said = given.sentences("notes")
    stimuli, events = read_stimuli(given), read_events(given)
    presentations = {len(stimulus.shown) for stimulus in stimuli if stimulus.kind == "images"}
    trials = len(events) if events is not None else max(presentations) if len(presentations) == 1 else None
    unit_ids = given.whole("unit_ids")
    area = given.text("area")
    coordinates = _coordinates(given)
    known = [len(each) for each in (unit_ids, area, coordinates) if each is not None]
    sizes = {"N": known[0] if known else None, "K": trials}
    traces, cut = _traces(given, sizes), _trials(given, sizes)
    spikes = _spikes(given, unit_ids)
    behaviour = read_behaviour(given, None if traces is None else traces.time)
    if cut is not None:
        cut = _with_behaviour(given, cut, behaviour)
    if unit_ids is None:
        unit_ids = _number_units(given, known, traces, cut, spikes)
    session = given.scalar("name")
    if left := [each for each in given.left() if each not in ("rate", "start")]:
        given.notes.append(
            f"Not read, since nothing says what they are or when they were: {', '.join(left)}."
        )
    with read_from(given.where):
        recording = Recording(
            name=str(session or name),
            format=FORMAT,
            unit_ids=unit_ids,
            traces=traces,
            spikes=spikes,
            trials=cut,
            area=area,
            coordinates=coordinates,
            behaviour=behaviour,
            stimuli=stimuli,
            events=events,
            notes=tuple(dict.fromkeys((*said, *given.notes))),
        )
        check_clocks(recording)
    return recording


def _coordinates(given: Arrays) -> np.ndarray | None:
    found = given.numbers("coordinates", (2,))
    if found is None:
        return None
    if found.shape[1] not in (2, 3) and found.shape[0] in (2, 3):
        found = found.T
    if found.shape[1] not in (2, 3):
        raise given.error(f"coordinates have shape {found.shape}; give x, y, z of each unit, units x 3")
    return np.pad(found.astype(float), ((0, 0), (0, 3 - found.shape[1])), constant_values=np.nan)


def _number_units(
    given: Arrays, known: list[int], traces: Trace | None, trials: Trials | None, spikes: Spikes | None
) -> Int[np.ndarray, "N"]:
    """Ids of the units; DataError where areas or places may be those of other units than the spikes say."""
    if traces is not None:
        return np.arange(traces.values.shape[1])
    if trials is not None:
        return np.arange(trials.responses.shape[2])
    if spikes is not None:
        fired = np.unique(spikes.unit_ids)
        if not known or (len(fired) == known[0] and fired[-1] >= known[0]):
            return fired  # ids of a sorter: areas and coordinates are in their order
        if len(fired) < known[0] and (fired[0] > 0 or fired[-1] >= known[0]):
            raise given.error(
                f"spikes are of {len(fired)} units, {fired[0]} to {fired[-1]}, and {known[0]} have an area "
                "or a place, so nothing says which unit has which (is the first one called 0 or 1?); give "
                f"unit_ids, the id of each of the {known[0]} in this order, such as arange({known[0]}) or "
                f"arange(1, {known[0] + 1})"
            )
        return np.arange(known[0])
    return np.arange(0)


def _traces(given: Arrays, sizes: Mapping[str, int | None]) -> Trace | None:
    values = given.numbers("traces", (1, 2))
    if values is None:
        return None
    values = values[:, None] if values.ndim == 1 else values
    time, rate, start = given.times("trace_times"), given.rate(), given.scalar("start")
    if time is None and rate is None:
        raise given.error("traces have no trace_times; give the s of each sample, or rate in Hz")
    if time is not None:
        with read_from(given.where):
            check_rate(time, rate, ("trace_times", "rate"))
    samples = None if time is None else len(time)
    if samples is None and sizes["N"] is None:
        samples = max(values.shape)
    values = _in_axes(given, "traces", values, "SN", {**sizes, "S": samples})
    if time is None:
        assert rate is not None
        time = float(start or 0) + np.arange(len(values)) / rate
    return make_trace(given, "traces", values, time, str(given.scalar("traces" + UNIT) or ""))


def _in_axes(
    given: Arrays, name: str, values: np.ndarray, usual: str, sizes: Mapping[str, int | None]
) -> np.ndarray:
    """The values with axes in the order `usual`, by their known sizes; unchanged where several orders fit."""
    orders = ["".join(order) for order in permutations(usual)]
    fits = [
        order
        for order in orders
        if all(sizes.get(axis) in (None, length) for axis, length in zip(order, values.shape, strict=True))
    ]
    words = {"S": "samples", "N": "units", "K": "trials", "B": "bins"}
    if not fits:
        known = ", ".join(f"{sizes[axis]} {words[axis]}" for axis in usual if sizes.get(axis) is not None)
        axes = " x ".join(words[axis] for axis in usual)
        raise given.error(f"{name} has shape {values.shape} and the other arrays {known}; write {axes}")
    if len(fits) > 1:
        axes = " x ".join(words[axis] for axis in fits[0])
        given.notes.append(
            f"{name}, of shape {values.shape}, is taken as {axes}; other orders would fit too."
        )
    return np.transpose(values, [fits[0].index(axis) for axis in usual])


def _spikes(given: Arrays, unit_ids: np.ndarray | None) -> Spikes | None:
    times, units = given.times("spike_times"), given.whole("spike_units")
    if times is None:
        return None
    if units is None or len(units) != len(times):
        found = "no" if units is None else str(len(units))
        raise given.error(f"{len(times)} spike_times have {found} spike_units; give the unit of each spike")
    if not (known := np.isfinite(times)).all():
        given.notes.append(f"{int((~known).sum())} of {len(times)} spikes have no time: left out.")
        times, units = times[known], units[known]
    if (np.diff(times) < 0).any():
        order = np.argsort(times, kind="stable")
        times, units = times[order], units[order]
    with read_from(given.where):
        gaps = given.numbers("spike_gaps", (2,))
        gaps = np.zeros((0, 2)) if gaps is None else gaps.astype(float)
        return Spikes(*drop_second_spikes(times, units, "spike_times", given.notes), merge_gaps(gaps))


def _trials(given: Arrays, sizes: Mapping[str, int | None]) -> Trials | None:
    responses, counts = given.numbers("responses", (2, 3)), given.numbers("counts", (2, 3))
    time = given.times("bin_times")
    values = responses if counts is None else counts
    if values is None:
        return None
    if responses is not None and counts is not None:
        raise given.error(
            f"it holds responses of shape {responses.shape} and counts of shape {counts.shape}, and a trial "
            "has one activity; leave one of them out"
        )
    name, usual = ("responses", "KBN") if counts is None else ("counts", "NKB")
    if values.ndim == 2:
        values = _in_axes(given, name, values, usual.replace("B", ""), sizes)
        values = np.moveaxis(values, usual.replace("B", "").index("K"), 0)[:, None]
        time = None
    else:
        if time is None:
            raise given.error(f"{name} have bins and no bin_times; give the s of each bin from the onset")
        values = _in_axes(given, name, values, usual, {**sizes, "B": len(time)})
        values = np.transpose(values, [usual.index(axis) for axis in "KBN"])
    values = as_numbers(values)
    if counts is not None:
        values = mask_counts(values, time, name, given.notes)
    with read_from(given.where):
        return Trials(values, time, counts=counts is not None)


def _with_behaviour(given: Arrays, trials: Trials, read_already: Mapping[str, Trace]) -> Trials:
    """The trials with what the animal did in each: arrays of as many rows as there are trials."""
    time = given.times("behaviour_bin_times")
    time = trials.time if time is None else time
    count = len(trials.responses)
    names = [each for each in channels(given) if each not in read_already]
    rows = {name: given.arrays[name] for name in names if given.arrays[name].shape[0] == count}
    bins = 1 if time is None else len(time)
    fits = {name: each.reshape(count, -1) for name, each in rows.items() if each.size == count * bins}
    if not fits and bins > 1:  # single values beside responses in bins
        bins, time = 1, None
        fits = {name: each.reshape(count, 1) for name, each in rows.items() if each.size == count}
    for name in fits:
        given.numbers(name, (1, 2))
    values = {name: each.astype(float) for name, each in fits.items()}
    return Trials(trials.responses, trials.time, values, time if values and bins > 1 else None, trials.counts)
