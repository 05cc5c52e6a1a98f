"""A recording written as a session of experanto, which `neurokit.recordings.experanto` reads back.

Besides what experanto asks for, `meta.yml` has `session`, `notes`, `signal_names` and `signal_units`, a
presentation has `stimulus` and `frame`, and `events.csv` is the table of trials: experanto passes over them.

Letters: S samples, N signals, F frames, H x W pixels.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from neurokit.arguments import explain_failure
from neurokit.errors import DataError
from neurokit.files.atomic import write_output
from neurokit.recordings.beside import WRITER, check_file_names
from neurokit.recordings.clocks import LONGEST_GAP, resample
from neurokit.recordings.experanto import COORDINATES
from neurokit.recordings.recording import Recording, Spikes, Stimulus, Trace

PUPIL = ("pupil_x", "pupil_y", "pupil_size")
DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
CHUNK = 4096  # samples written at a time


@explain_failure
def write_experanto(recording: Recording, folder: str | Path) -> Path:
    """Writes a recording as an experanto session, complete or not at all.

    A trace whose clock is not even is resampled to one that is, since experanto knows no other; licks by
    their times are written as spikes are. Raises
    DataError for what experanto cannot hold: trials without a clock of the session, frames or times of
    stimuli that are not known; and where the folder holds other files.
    """
    if recording.traces is None and recording.spikes is None:
        raise DataError(f"{recording.name} is recorded by trials; experanto needs one clock of the session.")
    folders = _behaviour_folders(recording.behaviour)
    check_file_names([*folders, *(stimulus.name for stimulus in recording.stimuli)])
    if taken := {"responses", "screen"} & set(folders):
        raise DataError(f"behaviour {taken.pop()} has the name of a folder of experanto; call it otherwise.")
    with write_output(folder, WRITER) as new:
        more: dict[str, Any] = {"session": recording.name}
        if recording.notes:
            more["notes"] = list(recording.notes)
        if recording.traces is not None:
            _write_sequence(new / "responses", recording.traces, more)
        elif recording.spikes is not None:
            _write_spikes(new / "responses", recording.spikes, recording.unit_ids, more)
        _write_units(new / "responses" / "meta", recording)
        for name, (trace, meta) in folders.items():
            if name == "licks" and _are_events(trace):
                times = np.repeat(trace.time, trace.values.astype(int))
                _write_spikes(new / name, Spikes(times, np.zeros(len(times), int)), np.zeros(1, int), meta)
            else:
                _write_sequence(new / name, trace, meta)
        if recording.stimuli:
            _write_screen(new / "screen", recording.stimuli)
        if recording.events is not None:
            recording.events.to_csv(new / "events.csv", index=False)
    return Path(folder)


def _behaviour_folders(behaviour: Mapping[str, Trace]) -> dict[str, tuple[Trace, dict[str, Any]]]:
    """A trace and what its meta.yml says more, for each folder: pupil in one, where it has one clock."""
    left, found = dict(behaviour), {}
    pupil = [left[name] for name in PUPIL if name in left]
    if pupil and all(each.values.ndim == 1 and np.array_equal(each.time, pupil[0].time) for each in pupil):
        names = [name for name in PUPIL if name in left]
        meta = {"signal_names": names, "signal_units": [left.pop(name).unit for name in names]}
        values = np.stack([each.values for each in pupil], axis=1)
        found["eye_tracker"] = (Trace(values, pupil[0].time), meta)
    for name, trace in left.items():
        if name == "wheel":  # its encoder may write only while it turns
            trace = _evenly(trace, np.inf)
        single = trace.values.ndim == 1 or trace.values.shape[1:] == (1,)
        meta = {"signal_names": [name], "signal_units": [trace.unit]} if single else {}
        found["treadmill" if name == "running" else name] = (trace, meta)
    return found


def _write_sequence(folder: Path, trace: Trace, more: Mapping[str, Any]) -> None:
    trace = _evenly(trace)
    values = trace.values.reshape(len(trace.values), -1)
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    samples, signals = values.shape
    length = float(trace.time[-1] - trace.time[0])
    (folder / "meta").mkdir(parents=True)
    with (folder / "data.mem").open("wb") as file:
        for start in range(0, samples, CHUNK):
            np.ascontiguousarray(values[start : start + CHUNK]).tofile(file)
    np.save(folder / "timestamps.npy", trace.time)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a signal that was never measured
        np.save(folder / "meta" / "means.npy", np.nanmean(values, axis=0, dtype=float))
        np.save(folder / "meta" / "stds.npy", np.nanstd(values, axis=0, dtype=float))
    meta = {
        "modality": "sequence",
        "start_time": float(trace.time[0]),
        "end_time": float(trace.time[-1]),
        "sampling_rate": (samples - 1) / length if length else 1.0,
        "n_signals": signals,
        "n_timestamps": samples,
        "dtype": str(values.dtype),
        "is_mem_mapped": True,
        "phase_shift_per_signal": False,
    }
    _write_yaml(folder / "meta.yml", meta | ({"signal_unit": trace.unit} if trace.unit else {}) | dict(more))


def _are_events(trace: Trace) -> bool:
    """Whether each sample is a lick, or several at once: whole numbers, none of them 0."""
    values = trace.values
    return values.ndim == 1 and values.dtype.kind in "iu" and bool((values > 0).all())


def _evenly(trace: Trace, gap: float = LONGEST_GAP) -> Trace:
    """The trace itself, if each sample is within half an interval of an even clock; else resampled to one."""
    even = np.linspace(trace.time[0], trace.time[-1], len(trace.time))
    step = float(np.median(np.diff(trace.time))) if len(trace.time) > 1 else 1.0
    if np.abs(trace.time - even).max() <= step / 2:
        return trace
    even = np.arange(trace.time[0], trace.time[-1] + step / 2, step)
    right = np.clip(np.searchsorted(trace.time, even), 1, len(trace.time) - 1)
    for own in (trace.time[right - 1], trace.time[right]):  # a sample stays at its time to the last digit
        even = np.where(np.abs(even - own) < 1e-6 * step, own, even)
    return Trace(resample(trace, even, gap), even, trace.unit)


def _write_spikes(folder: Path, spikes: Spikes, unit_ids: np.ndarray, more: Mapping[str, Any]) -> None:
    sorted_ids = np.argsort(unit_ids)
    unit = sorted_ids[np.searchsorted(unit_ids, spikes.unit_ids, sorter=sorted_ids)]
    order = np.argsort(unit, kind="stable")
    cuts = np.concatenate([[0], np.cumsum(np.bincount(unit, minlength=len(unit_ids)))])
    (folder / "meta").mkdir(parents=True)
    np.asarray(spikes.times[order], np.float64).tofile(folder / "spikes.npy")
    meta = {
        "modality": "spikes",
        "start_time": float(spikes.times[0]),
        "end_time": float(spikes.times[-1]),
        "sampling_rate": 1000.0,  # experanto asks for one, and counts at any
        "n_signals": len(unit_ids),
        "spike_indices": cuts.tolist(),
        **({"gaps": spikes.gaps.tolist()} if len(spikes.gaps) else {}),
    }
    _write_yaml(folder / "meta.yml", meta | dict(more))


def _write_units(folder: Path, recording: Recording) -> None:
    np.save(folder / "unit_ids.npy", recording.unit_ids)
    if recording.area is not None:
        np.save(folder / "area.npy", recording.area.astype(str))
    if recording.coordinates is not None:
        np.save(folder / f"{COORDINATES}.npy", recording.coordinates)


def _write_screen(folder: Path, stimuli: Sequence[Stimulus]) -> None:
    (folder / "data").mkdir(parents=True)
    (folder / "meta").mkdir()
    times: list[np.ndarray] = []
    first = 0
    for number, (stimulus, run) in enumerate(_runs(stimuli)):
        assert stimulus.frames is not None and stimulus.time is not None
        blank = stimulus.shown[run.start] < 0
        frame = int(stimulus.shown[run.start])
        meta = {
            "modality": "blank" if blank else "image" if stimulus.kind == "images" else "video",
            "first_frame_idx": first,
            "num_frames": run.stop - run.start,
            "image_size": list(map(int, stimulus.frames.shape[1:])),
            "stimulus": stimulus.name,
        }
        if stimulus.part is not None:
            meta["tier"] = str(stimulus.part[run.start])
        if blank:
            meta["interleave_value"] = float(np.mean(stimulus.frames[0]))  # its grey is not recorded
        else:
            meta |= {"frame": frame, "encoded": False, "file_format": ".npy"}
            frames = np.asarray(stimulus.frames[frame : frame + run.stop - run.start])
            shape = frames[0] if stimulus.kind == "images" else frames
            np.save(folder / "data" / f"{number:05d}.npy", shape, allow_pickle=False)
        _write_yaml(folder / "meta" / f"{number:05d}.yml", meta)
        times.append(stimulus.time[run])
        first += run.stop - run.start
    time = np.concatenate(times)
    np.save(folder / "timestamps.npy", time)
    step = float(np.median(np.diff(time))) if len(time) > 1 else 1.0
    _write_yaml(folder / "meta.yml", {"modality": "screen", "frame_rate": 1 / step})


def _runs(stimuli: Sequence[Stimulus]) -> Iterator[tuple[Stimulus, slice]]:
    """Stretches of one stimulus, in order of time, whose frames follow each other; an image alone is one."""
    for stimulus in stimuli:
        if stimulus.frames is None or stimulus.time is None:
            lacks = "frames" if stimulus.frames is None else "times"
            raise DataError(f"{stimulus.name} has no {lacks}; experanto holds stimuli with both alone.")
    whose = np.repeat(np.arange(len(stimuli)), [len(each.shown) for each in stimuli])
    place = np.concatenate([np.arange(len(each.shown)) for each in stimuli])
    shown = np.concatenate([each.shown for each in stimuli])
    single = np.concatenate([(each.shown < 0) | (each.kind == "images") for each in stimuli])
    time = np.concatenate([each.time for each in stimuli if each.time is not None])
    parts = [np.full(len(each.shown), "") if each.part is None else each.part.astype(str) for each in stimuli]
    part = np.concatenate(parts)
    order = np.argsort(time, kind="stable")
    same = (np.diff(whose[order]) == 0) & (np.diff(place[order]) == 1) & (np.diff(shown[order]) == 1)
    same &= ~single[order][1:] & ~single[order][:-1] & (part[order][1:] == part[order][:-1])
    starts = np.flatnonzero(np.concatenate([[True], ~same]))
    for start, stop in zip(starts, [*starts[1:], len(order)], strict=True):
        first = order[start]
        yield stimuli[whose[first]], slice(int(place[first]), int(place[first] + stop - start))


def _write_yaml(path: Path, meta: Mapping[str, Any]) -> None:
    path.write_text(yaml.dump(dict(meta), Dumper=DUMPER, sort_keys=False), "utf-8")
