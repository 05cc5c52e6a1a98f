"""A recording written as plain arrays, by the names that `neurokit.recordings.arrays` reads."""

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from neurokit.arguments import explain_failure
from neurokit.errors import DataError
from neurokit.files.atomic import atomic_write, write_output
from neurokit.recordings.beside import EVENT, TIMES, UNIT, WRITER, check_file_names
from neurokit.recordings.recording import Recording, Stimulus, Trace, Trials


@explain_failure
def write_arrays(recording: Recording, path: str | Path) -> Path:
    """Writes a recording into the npz `path`, or the folder `path` of npy files, complete or not at all.

    Raises DataError where the folder holds other files, or the npz is one that this did not write, and for
    names that no file can have; DiskError.
    """
    path = Path(path)
    arrays = to_arrays(recording)
    if path.suffix == ".npz":
        if path.exists() and not _is_own(path):
            raise DataError(f"{path} is there, and this command did not write it: choose another name.")
        with atomic_write(path) as temporary:
            _write_npz(temporary, arrays)
        return path
    with write_output(path, WRITER) as new:
        for name, values in arrays.items():
            np.save(new / f"{name}.npy", values, allow_pickle=False)
    return path


def _is_own(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.comment == WRITER.encode()
    except (OSError, zipfile.BadZipFile):
        return False


def _write_npz(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """As numpy.savez, of which no array could be called file."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.comment = WRITER.encode()  # by which the next call knows its own
        for name, values in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, values, allow_pickle=False)


def to_arrays(recording: Recording) -> dict[str, np.ndarray]:
    """The arrays of a recording, by the names of this module's table; raises DataError for odd names."""
    found: dict[str, np.ndarray | None] = {"name": np.array(recording.name), "unit_ids": recording.unit_ids}
    if recording.notes:
        found["notes"] = np.array(recording.notes, dtype=str)
    found |= {"area": _words(recording.area), "coordinates": recording.coordinates}
    if recording.traces is not None:
        found |= _of_trace("traces", recording.traces, "trace_times")
    if recording.spikes is not None:
        found |= {"spike_times": recording.spikes.times, "spike_units": recording.spikes.unit_ids}
        found["spike_gaps"] = recording.spikes.gaps if len(recording.spikes.gaps) else None
    if recording.trials is not None:
        found |= _of_trials(recording.trials)
    for name, trace in recording.behaviour.items():
        found |= _of_trace(name, trace, name + TIMES)
    for stimulus in recording.stimuli:
        found |= _of_stimulus(stimulus)
    if recording.events is not None:
        found |= {f"{EVENT}{name}": _column(values) for name, values in recording.events.items()}
    check_file_names(found)
    return {name: values for name, values in found.items() if values is not None}


def _of_trace(name: str, trace: Trace, times: str) -> dict[str, np.ndarray]:
    unit = {name + UNIT: np.array(trace.unit)} if trace.unit else {}
    return {name: trace.values, times: trace.time, **unit}


def _of_trials(trials: Trials) -> dict[str, np.ndarray | None]:
    responses = trials.responses if trials.time is not None else trials.responses[:, 0]
    if trials.counts:
        order = (2, 0, 1) if responses.ndim == 3 else (1, 0)
        responses = responses.transpose(order)
    own = trials.behaviour_time
    same = own is not None and trials.time is not None and np.array_equal(own, trials.time)
    return {
        "counts" if trials.counts else "responses": responses,
        "bin_times": trials.time,
        "behaviour_bin_times": None if same else own,
        **trials.behaviour,
    }


def _of_stimulus(stimulus: Stimulus) -> dict[str, np.ndarray | None]:
    frames, times = ("frames", "frame_times") if stimulus.kind == "movie" else ("images", "image_times")
    end = f"_{stimulus.name}"
    if stimulus.kind == "movie" and stimulus.frames is None and stimulus.time is None:
        raise DataError(f"{stimulus.name}: a movie without frames and times cannot be written as arrays.")
    return {
        frames + end: stimulus.frames,
        times + end: stimulus.time,
        "shown" + end: stimulus.shown,
        "tiers" + end: _words(stimulus.part),
    }


def _words(values: np.ndarray | None) -> np.ndarray | None:
    return None if values is None else np.asarray(values).astype(str)


def _column(values: pd.Series) -> np.ndarray:
    column = values.to_numpy()
    return column if column.dtype.kind in "biufU" else column.astype(str)
