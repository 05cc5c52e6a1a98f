"""Sessions of Steinmetz et al. 2019 in their original release: one folder of ALF files, continuous in time.

Clocks are rows of (sample, seconds), between which time runs evenly. Units are clusters annotated 2 or more;
their area is that of the peak channel, counted from 1. Face and pupil are those of the release, the wheel is
its position.

Folder layout: Steinmetz et al., Nature 576, 266-273 (2019), figshare 9598406.

Letters: S samples, C rows of a clock, N units, K trials.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float

from neurokit.arguments import explain_failure
from neurokit.errors import DataError, read_from
from neurokit.recordings.alf_files import TIMES, AlfFiles, check_clusters, lick_trace, make_trace, state_trace
from neurokit.recordings.clocks import fits_clock
from neurokit.recordings.copies import drop_second_spikes
from neurokit.recordings.recording import Recording, Spikes, Trace, check_clock

FORMAT = "ALF of Steinmetz 2019"
GOOD = 2  # 0 noise, 1 multi-unit, 2 good, 3 unsorted
LOCATIONS = "channels.brainLocation.tsv"
CHANNELS = {  # values, column of them, clock, unit
    "pupil_size": ("eye.area", None, "eye.timestamps", "arbitrary"),
    "pupil_x": ("eye.xyPos", 0, "eye.timestamps", "px"),
    "pupil_y": ("eye.xyPos", 1, "eye.timestamps", "px"),
    "blink": ("eye.blink", None, "eye.timestamps", ""),
    "face_motion": ("face.motionEnergy", None, "face.timestamps", "arbitrary"),
    "wheel": ("wheel.position", None, "wheel.timestamps", "ticks"),
}
ONSETS = "visualStim_times"
FACTS = {
    "visualStim_contrastLeft": "contrast_left",
    "visualStim_contrastRight": "contrast_right",
    "response_choice": "response",
    "feedbackType": "feedback_type",
    "included": "included",
}


def recognises(path: Path) -> bool:
    """Whether a folder has the stimulus times of a session of 2019."""
    try:
        return (path / f"trials.{ONSETS}.npy").is_file()
    except OSError:
        return False


@explain_failure
def read(path: Path) -> Recording:
    """The recording of a session.

    Behaviour that cannot be used is left out, with a note. Raises DataError where spikes, clusters or trials
    are missing or do not fit each other.
    """
    path = Path(path)
    files = AlfFiles(path)
    spikes, units, area = _read_spikes(files)
    behaviour = {name: trace for name in CHANNELS if (trace := _read_channel(files, name)) is not None}
    behaviour |= _read_events(files)
    behaviour = {
        name: each for name, each in behaviour.items() if fits_clock(spikes.times, each, name, files.notes)
    }
    return Recording(
        name=path.resolve().name,
        format=FORMAT,
        unit_ids=units,
        spikes=spikes,
        area=area,
        behaviour=behaviour,
        events=_read_trials(files),
        notes=tuple(files.notes),
    )


def _read_spikes(files: AlfFiles) -> tuple[Spikes, np.ndarray, np.ndarray | None]:
    """The spikes of good clusters, the numbers of these, and their areas."""
    times, clusters = files.numbers("spikes.times"), files.numbers("spikes.clusters")
    if times is None or clusters is None:
        lacking = [
            f"spikes.{name}.npy"
            for name, found in (("times", times), ("clusters", clusters))
            if found is None
        ]
        raise DataError(f"{files.folder} lacks {' and '.join(lacking)}; the original release has both.")
    if len(times) != len(clusters):
        raise DataError(
            f"{files.folder}: {len(times)} spikes.times have {len(clusters)} spikes.clusters; take both from "
            "one session."
        )
    check_clusters(files.folder, clusters)
    annotation = files.numbers("clusters._phy_annotation")
    if annotation is None:
        files.notes.append("clusters._phy_annotation.npy is missing: every cluster that spiked is a unit.")
        units = np.unique(clusters).astype(np.int64)
        good = np.ones(int(clusters.max()) + 1, bool)
    else:
        good = annotation >= GOOD
        units = np.flatnonzero(good)
        if clusters.max() >= len(good):
            raise DataError(
                f"{files.folder}: spikes are of cluster {clusters.max():g}, and clusters have {len(good)} "
                "annotations; take both from one session."
            )
    rows = good[clusters.astype(int)] & np.isfinite(times)
    if lost := int((~np.isfinite(times)).sum()):
        files.notes.append(f"{lost} of {len(times)} spikes have no time: left out.")
    if not rows.any():
        raise DataError(f"{files.folder}: no spike is of a good cluster with a time; take another session.")
    order = np.argsort(times[rows], kind="stable")
    times, clusters = times[rows][order].astype(float), clusters[rows][order].astype(np.int64)
    with read_from(files.folder):
        spikes = Spikes(*drop_second_spikes(times, clusters, "spikes.times", files.notes))
    return spikes, units, _read_areas(files, units)


def _read_areas(files: AlfFiles, units: np.ndarray) -> np.ndarray | None:
    file, peak = files.find(LOCATIONS), files.numbers("clusters.peakChannel")
    if file is None or peak is None or units.max() >= len(peak):
        files.notes.append(
            f"The area of units is not known: {LOCATIONS} or clusters.peakChannel.npy is missing."
        )
        return None
    try:
        table = pd.read_csv(file, sep="\t", keep_default_na=False)
    except (ValueError, OSError):  # pandas' own errors for a torn table are ValueErrors
        table = pd.DataFrame()
    if "allen_ontology" not in table:
        files.notes.append(f"The area of units is not known: {LOCATIONS} has no column allen_ontology.")
        return None
    names = table["allen_ontology"].to_numpy(dtype=str)
    channel = peak[units] - 1
    inside = (channel >= 0) & (channel < len(names))
    return np.where(inside, names[np.where(inside, channel, 0).astype(int)], "")


def _read_channel(files: AlfFiles, name: str) -> Trace | None:
    """A channel on the session's clock; None, and a note, where it or its clock is missing or bad."""
    array, column, clock, unit = CHANNELS[name]
    try:
        values = files.numbers(array, axes=1 if column is None else 2)
        if values is None:
            return None
        if column is not None:
            values = values[:, column]
        rows, estimated = files.numbers(clock, axes=2), False
        if rows is None:
            rows, estimated = files.numbers(f"{clock}.ESTIMATED", axes=2), True
        if rows is None:
            files.notes.append(f"{name} is left out: {clock}.npy is missing.")
            return None
        time = _draw_clock(rows, len(values))
    except (DataError, IndexError) as error:
        files.notes.append(f"{name} is left out: {error}")
        return None
    if estimated:
        files.notes.append(
            f"{name} is on an estimated clock, {clock}.ESTIMATED.npy: no fine lag can be read."
        )
    return make_trace(name, values, time, unit, files.notes)


def _read_events(files: AlfFiles) -> dict[str, Trace]:
    """Licks, and whether the wheel moved; notes say where their files are bad."""
    found: dict[str, Trace] = {}
    try:
        licks = files.numbers("licks.times")
        if licks is not None and (trace := lick_trace(licks, files.notes)) is not None:
            found["licks"] = trace
        moves, clock = (
            files.numbers("wheelMoves.intervals", axes=2),
            files.numbers("wheel.timestamps", axes=2),
        )
        if moves is not None and clock is not None:
            time = _rows_of_clock(clock)[:, 1]
            check_clock(time)
            found["wheel_moving"] = state_trace(moves, (float(time[0]), float(time[-1])))
    except (DataError, IndexError) as error:
        files.notes.append(f"Licks or movements of the wheel are left out: {error}")
    return found


def _draw_clock(rows: Float[np.ndarray, "C _"], samples: int) -> Float[np.ndarray, "S"]:
    """The time of each sample, s, on lines between the rows (sample, seconds); NaN beyond them."""
    rows = _rows_of_clock(rows)
    return np.interp(np.arange(samples), rows[:, 0], rows[:, 1], left=np.nan, right=np.nan)


def _rows_of_clock(rows: Float[np.ndarray, "C _"]) -> Float[np.ndarray, "C 2"]:
    if rows.shape[1] != 2:
        raise DataError(f"its clock has shape {rows.shape}; rows of (sample, seconds) are expected.")
    rows = rows[np.isfinite(rows).all(axis=1)]
    if not len(rows) or (np.diff(rows[:, 0]) <= 0).any() or (np.diff(rows[:, 1]) <= 0).any():
        raise DataError("samples or seconds of its clock do not ascend; take the original file.")
    return rows


def _read_trials(files: AlfFiles) -> pd.DataFrame:
    """A row a trial, in order of the stimulus; times but its own are s from it, NaN where not known."""
    onsets = files.numbers(f"trials.{ONSETS}")
    assert onsets is not None  # it says that this is such a folder
    columns = {"stimulus_time": onsets.astype(float)}
    for file, name in (TIMES | FACTS).items():
        values = files.numbers(f"trials.{file}")
        if values is None:
            continue
        if len(values) != len(onsets):
            raise DataError(
                f"{files.folder}: trials.{file} has {len(values)} entries and trials.{ONSETS} {len(onsets)}; "
                "take both from one session."
            )
        columns[name] = values - columns["stimulus_time"] if file in TIMES else values
    return pd.DataFrame(columns).sort_values("stimulus_time", kind="stable").reset_index(drop=True)
