"""Sessions in the layout of experanto: a folder with one folder for each thing that was recorded or shown.

Each has a `meta.yml` whose `modality` says what it is:

- sequence (responses, treadmill, eye_tracker): `data.npy`, or raw numbers in `data.mem` (n_timestamps x
  n_signals), from start_time on at sampling_rate; signal n is late by `meta/phase_shifts.npy`[n] s
- spikes (also licks): `spikes.npy`, float64 without a header, unit after unit, cut at `spike_indices`
- screen: `timestamps.npy` of all frames, and for each image, video or blank a `meta/00000.yml` (or all in
  `combined_meta.json`) beside `data/00000.npy`
- time_interval: a file of rows (start, end) for each label

Where a signal's own name matters, `signal_names` in `meta.yml` gives it: experanto itself has no names. This
reader was proved on files written here, after experanto's own test files; not on a published session.

Letters: S samples, N signals, P spikes.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from neurokit.arguments import explain_failure
from neurokit.errors import DataError, read_from
from neurokit.files.archives import map_npy, read_npy
from neurokit.files.reading import check_is_file
from neurokit.recordings.beside import as_numbers
from neurokit.recordings.clocks import check_rate, fits_clock, resample
from neurokit.recordings.copies import drop_second_spikes
from neurokit.recordings.experanto_screen import read_intervals, read_screen
from neurokit.recordings.measured import merge_gaps
from neurokit.recordings.recording import BEHAVIOUR, Recording, Spikes, Trace
from neurokit.recordings.yaml_files import number, read_yaml

FORMAT = "experanto"
PROVED = "This reader of experanto was proved on files written here, not on a published session."
USUAL_NAMES = {("treadmill", 1): ("running",)}  # of the signals of a folder that names none
LOOK = 2**16  # bytes of a meta.yml that tell the format
COORDINATES = "cell_motor_coordinates"


def recognises(path: Path) -> bool:
    """Whether a folder has folders whose meta.yml speaks of a modality."""
    try:
        return path.is_dir() and any(_says_modality(each / "meta.yml") for each in path.iterdir())
    except OSError:
        return False


def _says_modality(file: Path) -> bool:
    if not file.is_file():
        return False
    with file.open("rb") as stream:
        return b"modality" in stream.read(LOOK)


@explain_failure
def read(path: Path) -> Recording:
    """The recording of an experanto session.

    A folder of behaviour that cannot be used is left out, with a note. Raises DataError where there are no
    responses, or these or the screen cannot be read.
    """
    path = Path(path)
    metas = {each.parent.name: read_yaml(each) for each in sorted(path.glob("*/meta.yml"))}
    kinds = {name: str(meta.get("modality", "")).lower() for name, meta in metas.items()}
    activity = _find_activity(path, kinds)
    meta = metas[activity]
    said = meta.get("notes")
    notes = [*(map(str, said) if isinstance(said, list) else ()), PROVED]
    traces = _read_sequence(path / activity, meta) if kinds[activity] == "sequence" else None
    units = _count_units(path / activity, meta) if traces is None else traces.values.shape[1]
    unit_ids = _of_units(path / activity, meta, "unit_ids")
    unit_ids = np.arange(units) if unit_ids is None else _as_ids(path / activity, unit_ids)
    spikes = _read_spikes(path / activity, meta, unit_ids, notes) if traces is None else None
    behaviour: dict[str, Trace] = {}
    intervals: dict[str, np.ndarray] = {}
    for name, kind in kinds.items():
        if kind == "sequence" and name != activity:
            behaviour |= _read_behaviour(path / name, metas[name], notes)
        elif kind == "spikes" and name != activity:
            behaviour |= _read_event_times(path / name, metas[name], notes)
        elif kind == "time_interval":
            intervals |= read_intervals(path / name, metas[name])
        elif kind not in ("sequence", "spikes", "screen"):
            notes.append(f"{name} is of modality {kind or 'none'}, which is not read: left out.")
    screens = [path / name for name, kind in kinds.items() if kind == "screen"]
    stimuli = [each for screen in screens for each in read_screen(screen, intervals, notes)]
    clock = traces if spikes is None else spikes.times
    assert clock is not None  # one of them is the activity
    stimuli = [each for each in stimuli if fits_clock(clock, each.time, each.name, notes)]
    behaviour = {name: each for name, each in behaviour.items() if fits_clock(clock, each, name, notes)}
    area, coordinates = (_of_units(path / activity, meta, name) for name in ("area", COORDINATES))
    events = _read_events(path / "events.csv")
    with read_from(path):
        return Recording(
            name=str(meta.get("session", path.resolve().name)),
            format=FORMAT,
            unit_ids=unit_ids,
            traces=traces,
            spikes=spikes,
            area=area,
            coordinates=None if coordinates is None else _in_space(coordinates),
            behaviour=behaviour,
            stimuli=stimuli,
            events=events,
            notes=tuple(dict.fromkeys(notes)),
        )


def _find_activity(path: Path, kinds: dict[str, str]) -> str:
    """The folder that holds the units' activity; DataError where there is none."""
    activity = next(
        (name for name in ("responses", "spikes") if kinds.get(name) in ("sequence", "spikes")), None
    )
    others = [name for name, kind in kinds.items() if kind == "spikes" and name not in BEHAVIOUR]
    activity = activity or next(iter(others), None)
    if activity is None:
        found = ", ".join(f"{name} ({kind or 'no modality'})" for name, kind in kinds.items()) or "nothing"
        raise DataError(f"{path} has no responses: it holds {found}; add a folder responses with a sequence.")
    return activity


def _read_sequence(folder: Path, meta: Mapping[str, Any]) -> Trace:
    """The samples of all signals on one clock, S x N; each signal moved by its own phase shift."""
    values = as_numbers(_values(folder, meta))
    time = _clock(folder, meta, len(values))
    unit = str(meta.get("signal_unit", ""))
    if not meta.get("phase_shift_per_signal"):
        with read_from(folder):
            return Trace(values, time, unit)
    shifts = read_npy(folder / "meta" / "phase_shifts.npy").reshape(-1)
    if len(shifts) != values.shape[1] or not np.isfinite(shifts).all():
        raise DataError(
            f"{folder}: {values.shape[1]} signals have {len(shifts)} phase shifts, "
            f"{int(np.isfinite(shifts).sum())} of them finite; give the s of each signal."
        )
    if len(kinds := np.unique(shifts)) == 1:
        return Trace(values, time + kinds[0], unit)
    moved = np.empty(values.shape, np.result_type(values.dtype, np.float32))
    for shift in kinds:
        which = shifts == shift
        moved[:, which] = resample(Trace(values[:, which], time + shift), time)
    return Trace(moved, time, unit)


def _values(folder: Path, meta: Mapping[str, Any]) -> np.ndarray:
    npy, raw = folder / "data.npy", folder / "data.mem"
    if npy.is_file() and not (meta.get("is_mem_mapped") and raw.is_file()):
        values = map_npy(npy)
        values = values[:, None] if values.ndim == 1 else values
        if values.ndim != 2 or not values.size or values.dtype.kind not in "biuf":
            raise DataError(
                f"{npy} holds {values.dtype} of shape {values.shape}; write numbers, samples x signals."
            )
        signals = meta.get("n_signals", values.shape[1])
        if values.shape[1] != signals:
            raise DataError(f"{npy} has {values.shape[1]} signals and meta.yml says {signals}; correct one.")
        return values
    samples, signals = (int(number(folder, meta, name, least=1)) for name in ("n_timestamps", "n_signals"))
    try:
        dtype = np.dtype(str(meta.get("dtype")))
    except TypeError:
        dtype = np.dtype("V")
    if dtype.kind not in "biuf":
        raise DataError(
            f"{folder}: dtype {meta.get('dtype')} in meta.yml is none of numbers; say which it is."
        )
    held, claimed = check_is_file(raw).stat().st_size, samples * signals * dtype.itemsize
    if held != claimed:
        raise DataError(
            f"{raw} holds {held} bytes, and {samples} samples of {signals} signals of {dtype} are {claimed}; "
            "correct meta.yml, or copy the file again."
        )
    return np.memmap(raw, dtype, "r", shape=(samples, signals))


def _clock(folder: Path, meta: Mapping[str, Any], samples: int) -> Float[np.ndarray, "S"]:
    """Times in `timestamps.npy`, where each sample has one; else evenly from the start, as meta.yml says."""
    for file in (folder / "timestamps.npy", folder / "meta" / "timestamps.npy"):
        if (
            file.is_file()
            and len(found := read_npy(file).reshape(-1)) == samples
            and found.dtype.kind in "iuf"
        ):
            said = meta.get("sampling_rate")
            rate = float(said) if isinstance(said, int | float) and not isinstance(said, bool) else None
            with read_from(folder):
                check_rate(found.astype(float), rate, (file.name, "sampling_rate in meta.yml"))
            return found.astype(float)
    start, end = (number(folder, meta, name) for name in ("start_time", "end_time"))
    rate = number(folder, meta, "sampling_rate", least=1e-6)
    if abs(samples / rate - (end - start)) > max(2 / rate, 0.01 * abs(end - start)):
        raise DataError(
            f"{folder}: {samples} samples at {rate:g} Hz last {samples / rate:g} s, and meta.yml says "
            f"{start:g} to {end:g} s; correct meta.yml, or add the time of each sample as timestamps.npy."
        )
    return start + np.arange(samples) / rate


def _read_behaviour(folder: Path, meta: Mapping[str, Any], notes: list[str]) -> dict[str, Trace]:
    """The signals of a folder by name, or all of them by that of the folder; none, and why, if it is bad."""
    try:
        trace = _read_sequence(folder, meta)
    except DataError as error:
        notes.append(f"{folder.name} is left out: {error}")
        return {}
    signals = trace.values.shape[1]
    names = meta.get("signal_names", USUAL_NAMES.get((folder.name, signals)))
    units = meta.get("signal_units") or [""] * signals
    if not isinstance(names, list | tuple) or len(names) != signals or len(units) != signals:
        notes.append(f"{folder.name} has {signals} signals without names: give signal_names in its meta.yml.")
        return {
            folder.name: Trace(trace.values[:, 0] if signals == 1 else trace.values, trace.time, trace.unit)
        }
    return {
        str(name): Trace(trace.values[:, place], trace.time, str(unit))
        for place, (name, unit) in enumerate(zip(names, units, strict=True))
    }


def _read_event_times(folder: Path, meta: Mapping[str, Any], notes: list[str]) -> dict[str, Trace]:
    """How many events of a folder of spikes, such as licks, came at each time at which one came."""
    try:
        units = np.arange(_count_units(folder, meta))
        found = _read_spikes(folder, meta, units, notes, once=False)
        times, counts = np.unique(found.times, return_counts=True)
    except DataError as error:
        notes.append(f"{folder.name} is left out: {error}")
        return {}
    said = meta.get("signal_units")
    unit = str(said[0]) if isinstance(said, list) and said else ""
    return {folder.name: Trace(counts, times, unit)}


def _count_units(folder: Path, meta: Mapping[str, Any]) -> int:
    return len(_cuts(folder, meta)) - 1


def _cuts(folder: Path, meta: Mapping[str, Any]) -> np.ndarray:
    cuts = meta.get("spike_indices")
    found = np.array(cuts) if isinstance(cuts, list) and all(isinstance(each, int) for each in cuts) else None
    if found is None or len(found) < 2 or found[0] != 0 or (np.diff(found) < 0).any():
        raise DataError(
            f"{folder}: spike_indices in meta.yml are no numbers that ascend from 0; say where each unit's "
            "spikes begin, and where the last one's end."
        )
    return found


def _read_spikes(
    folder: Path, meta: Mapping[str, Any], unit_ids: np.ndarray, notes: list[str], *, once: bool = True
) -> Spikes:
    """The spikes in order of time, each `once`; events such as licks may come several at a time."""
    cuts, file = _cuts(folder, meta), check_is_file(folder / "spikes.npy")
    with file.open("rb") as stream:
        plain = stream.read(6) == b"\x93NUMPY"
    times = read_npy(file).reshape(-1) if plain else np.fromfile(file, np.float64)
    if times.dtype.kind not in "iuf":
        raise DataError(f"{file} holds {times.dtype}; write the s of each spike.")
    if len(times) != cuts[-1] or len(cuts) != len(unit_ids) + 1:
        raise DataError(
            f"{file} holds {len(times)} spikes, and meta.yml cuts {cuts[-1]} into {len(cuts) - 1} units of "
            f"{len(unit_ids)}; correct spike_indices."
        )
    order = np.argsort(times, kind="stable")
    with read_from(file):
        times, units = times[order].astype(float), np.repeat(unit_ids, np.diff(cuts))[order]
        gaps = merge_gaps(np.asarray(meta.get("gaps") or np.zeros((0, 2)), dtype=float))
        return Spikes(*(drop_second_spikes(times, units, file.name, notes) if once else (times, units)), gaps)


def _of_units(folder: Path, meta: Mapping[str, Any], name: str) -> np.ndarray | None:
    """An array of properties of units, where meta.yml or its own name says where it lies."""
    places = meta.get("neuron_properties")
    place = str(places.get(name, "")) if isinstance(places, dict) else ""
    inside = place and not Path(place).is_absolute() and ".." not in Path(place).parts
    file = folder / place if inside else folder / "meta" / f"{name}.npy"
    return read_npy(file) if file.is_file() else None


def _as_ids(folder: Path, ids: np.ndarray) -> np.ndarray:
    if ids.ndim != 1 or ids.dtype.kind not in "iuf" or (ids != np.round(ids)).any():
        raise DataError(f"{folder}: unit_ids are {ids.dtype} of shape {ids.shape}; give whole numbers.")
    return ids.astype(np.int64)


def _in_space(coordinates: np.ndarray) -> np.ndarray | None:
    if coordinates.ndim != 2 or coordinates.dtype.kind not in "iuf" or coordinates.shape[1] not in (2, 3):
        raise DataError(f"{COORDINATES} have shape {coordinates.shape}; give x, y, z of each unit.")
    return np.pad(coordinates.astype(float), ((0, 0), (0, 3 - coordinates.shape[1])), constant_values=np.nan)


def _read_events(file: Path) -> pd.DataFrame | None:
    if not file.is_file():
        return None
    try:
        words = pd.read_csv(file, dtype=str, keep_default_na=False)
    except (ValueError, OSError) as error:  # also those of pandas and of letters
        reason = str(error).splitlines()[0]
        raise DataError(
            f"{file} cannot be read ({reason}); write a table of commas, or take it away."
        ) from error
    return pd.DataFrame({name: _column(values.to_numpy(dtype=str)) for name, values in words.items()})


def _column(words: np.ndarray) -> np.ndarray:
    """Whole numbers, truth values, numbers or words, whichever all of them are."""
    if set(words) <= {"True", "False"}:
        return words == "True"
    for kind in (np.int64, np.float64):
        try:
            return np.where(words == "", "nan", words).astype(kind)
        except ValueError:
            continue
    return words
