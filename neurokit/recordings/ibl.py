"""Sessions of the International Brain Laboratory, in the names that ONE gives their files today.

    subject/2020-01-08/001/alf/_ibl_trials.table.pqt            (or _ibl_trials.COLUMN.npy)
                              _ibl_wheel.position.npy, _ibl_wheel.timestamps.npy
                              _ibl_leftCamera.times.npy, leftCamera.ROIMotionEnergy.npy
                              _ibl_leftCamera.features.pqt        (pupilDiameter_raw, pupilDiameter_smooth)
                              licks.times.npy
                              probe00/pykilosort/spikes.times.npy, spikes.clusters.npy, clusters.channels.npy,
                                                 channels.brainLocationIds_ccf_2017.npy, channels.mlapdv.npy

All clusters are units, those of a second probe numbered from 1,000,000 on. Pupil size is the raw diameter,
with its gaps. Tables (.pqt) are read by pyarrow, which the extra `ibl` installs. This reader was proved on
files written here in these names, not on a session that was fetched.

Letters: N units, K trials.
"""

import re
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float, Int, Shaped

from neurokit.arguments import explain_failure
from neurokit.errors import DataError, read_from
from neurokit.recordings.alf_files import MOST_CLUSTERS, TIMES, AlfFiles, check_clusters
from neurokit.recordings.clocks import fits_clock
from neurokit.recordings.copies import drop_second_spikes
from neurokit.recordings.ibl_behaviour import read_behaviour
from neurokit.recordings.recording import Recording, Spikes

FORMAT = "IBL"
PROVED = "This reader of IBL sessions was proved on files written here, not on a session that was fetched."
SORTERS = ("iblsorter", "pykilosort", "")  # the first of a probe's folders is read
PROBE_UNITS = MOST_CLUSTERS  # added to the clusters of each further probe
GOOD = 1  # label of a cluster that passes all of IBL's criteria
AREAS = ("brainLocationAcronyms_ccf_2017", "acronym", "brainAcronyms")
IDS = "brainLocationIds_ccf_2017"
FACTS = {  # choice is 1 for the left stimulus, -1 for the right one, 0 for none
    "contrastLeft": "contrast_left",
    "contrastRight": "contrast_right",
    "choice": "response",
    "feedbackType": "feedback_type",
}
ONSETS = "stimOn_times"
COLUMNS = (*FACTS, *TIMES, ONSETS, "stimOff_times", "firstMovement_times", "probabilityLeft",
           "rewardVolume", "intervals", "included", "repNum", "quiescencePeriod")  # fmt: skip


def recognises(path: Path) -> bool:
    """Whether a folder is a session with a folder alf, or that folder."""
    try:
        alf = path / "alf" if (path / "alf").is_dir() else path
        names = [each.name for each in alf.iterdir()] if alf.is_dir() else []
    except OSError:
        return False
    inside = alf != path and "spikes.times.npy" in names
    return inside or any(re.match(r"_ibl_|probe\d\d|task_\d\d$|#.*#$", name) for name in names)


@explain_failure
def read(path: Path) -> Recording:
    """The recording of an IBL session.

    What cannot be used (a camera whose times are not those of its frames, a probe whose files do not fit) is
    left out, with a note. Raises DataError where no spikes are left, and for trials that cannot be read.
    """
    path = Path(path)
    files = AlfFiles(path / "alf" if (path / "alf").is_dir() else path)
    files.notes.append(PROVED)
    probes = _find_probes(files)
    if not probes:
        raise DataError(
            f"{files.folder} has no spikes.times.npy beside a spikes.clusters.npy; fetch spikes of a probe."
        )
    found, troubles = [], []
    for index, (probe, collection) in enumerate(probes.items()):
        try:
            found.append(_read_probe(files, probe, collection, index * PROBE_UNITS))
        except DataError as error:
            troubles.append(str(error))
            files.notes.append(f"{probe or 'the probe'} is left out: {error}")
    if not found:
        raise DataError(troubles[0])
    if len(probes) > 1:
        files.notes.append(f"Units of {', '.join(list(probes)[1:])} are numbered from {PROBE_UNITS} on.")
    ids, areas, places, times, units = (list(parts) for parts in zip(*found, strict=True))
    order = np.argsort(np.concatenate(times), kind="stable")
    with read_from(files.folder):
        spikes = Spikes(
            *drop_second_spikes(
                np.concatenate(times)[order], np.concatenate(units)[order], "spikes.times", files.notes
            )
        )
    events, notes = _read_trials(files), files.notes
    behaviour = {
        name: each
        for name, each in read_behaviour(files).items()
        if fits_clock(spikes.times, each, name, notes)
    }
    return Recording(
        name=_name_session(path),
        format=FORMAT,
        unit_ids=np.concatenate(ids),
        spikes=spikes,
        area=np.concatenate(areas) if any((each != "").any() for each in areas) else None,
        coordinates=np.concatenate(places) if any(np.isfinite(each).any() for each in places) else None,
        behaviour=behaviour,
        events=events,
        notes=tuple(notes),
    )


def _name_session(path: Path) -> str:
    path = path.resolve()
    session = path.parent if path.name == "alf" else path
    if re.fullmatch(r"\d{4}-\d\d-\d\d", session.parent.name) and session.name.isdigit():
        return f"{session.parent.parent.name}_{session.parent.name}_{session.name}"
    return session.name


def _find_probes(files: AlfFiles) -> dict[str, str]:
    """The folder of each probe whose spikes are read: of several sortings the newest."""
    folders = files.collections("spikes.times.npy")
    found: dict[str, list[str]] = {}
    for folder in folders:
        if files.find("spikes.clusters.npy", folder) is not None:
            found.setdefault(folder.split("/")[0], []).append(folder)

    def rank(folder: str) -> int:
        sorter = folder.partition("/")[2]
        return SORTERS.index(sorter) if sorter in SORTERS else len(SORTERS)

    chosen = {probe: min(places, key=rank) for probe, places in found.items()}
    for probe, places in found.items():
        if len(places) > 1:
            files.notes.append(f"{probe} was sorted {len(places)} times: {chosen[probe]} is read.")
    return dict(sorted(chosen.items()))


def _read_probe(
    files: AlfFiles, probe: str, folder: str, first: int
) -> tuple[
    Int[np.ndarray, "N"],
    Shaped[np.ndarray, "N"],
    Float[np.ndarray, "N 3"],
    Float[np.ndarray, "P"],
    Int[np.ndarray, "P"],
]:
    """Units, their areas and places, and the times and units of the spikes of a probe."""
    times, clusters = files.numbers("spikes.times", folder), files.numbers("spikes.clusters", folder)
    assert times is not None and clusters is not None  # which chose the folder
    if len(times) != len(clusters):
        raise DataError(
            f"{files.folder / folder}: {len(times)} spikes.times have {len(clusters)} spikes.clusters; fetch "
            "both of one revision."
        )
    check_clusters(files.folder / folder, clusters)
    known = np.isfinite(times)
    if not known.all():
        files.notes.append(f"{probe}: {int((~known).sum())} of {len(times)} spikes have no time: left out.")
    times, clusters = times[known].astype(float), clusters[known].astype(np.int64)
    if not len(times):
        raise DataError(f"{files.folder / folder}: no spike has a time; fetch spikes.times again.")
    channels = files.numbers("clusters.channels", folder)
    units = int(clusters.max()) + 1 if channels is None else len(channels)
    if clusters.max() >= units:
        raise DataError(
            f"{files.folder / folder}: spikes are of cluster {clusters.max()}, and clusters.channels has "
            f"{units}; fetch both of one revision."
        )
    _note_quality(files, probe, folder, units)
    area, places = _read_places(files, probe, folder, channels, units)
    return first + np.arange(units), area, places, times, first + clusters


def _note_quality(files: AlfFiles, probe: str, folder: str, units: int) -> None:
    try:
        metrics = files.table("clusters.metrics", folder)
    except DataError as error:
        files.notes.append(f"Quality of units is not known: {error}")
        return
    if metrics is not None and "label" in metrics and len(metrics) <= units:
        good = int((metrics["label"] == GOOD).sum())
        files.notes.append(f"{probe}: {good} of {units} units pass all of IBL's criteria; all are read.")


def _read_places(
    files: AlfFiles, probe: str, folder: str, channels: np.ndarray | None, units: int
) -> tuple[Shaped[np.ndarray, "N"], Float[np.ndarray, "N 3"]]:
    """Area and coordinates (x, y, z: ml, ap, dv, micrometres) of each unit; empty and NaN where not known."""
    area, places = np.full(units, ""), np.full((units, 3), np.nan)
    try:
        own = [files.words(f"clusters.{name}", folder) for name in AREAS]
        area = next(
            (each for each in own if each is not None and len(each) == units),
            _at_channels(_channel_areas(files, folder), channels, units, ""),
        )
        found = _at_channels(files.numbers("channels.mlapdv", folder, axes=2), channels, units, np.nan)
        places = found if found.shape == places.shape else places
    except DataError as error:
        files.notes.append(f"{probe}: where its units are is not known: {error}")
    if (area == "").all():
        files.notes.append(f"{probe}: the area of its units is not known.")
    return area, places.astype(float)


def _channel_areas(files: AlfFiles, folder: str) -> np.ndarray | None:
    """Acronym of each channel; where only numbers of the Allen atlas are known, these as words."""
    for name in AREAS:
        words = files.words(f"channels.{name}", folder)
        if words is not None:
            return words
    ids = files.numbers(f"channels.{IDS}", folder)
    if ids is None:
        return None
    try:
        return np.asarray(import_module("iblatlas.regions").BrainRegions().id2acronym(ids), dtype=str)
    except (ImportError, AttributeError, ValueError, IndexError, OSError):
        files.notes.append("Areas are numbers of the Allen atlas; with iblatlas installed they are acronyms.")
        return np.abs(ids).astype(np.int64).astype(str)  # below 0 in the left hemisphere


def _at_channels(
    of_channel: np.ndarray | None, channels: np.ndarray | None, units: int, absent: str | float
) -> np.ndarray:
    """What belongs to the channel of each unit."""
    if of_channel is None or channels is None or not len(of_channel):
        return np.full(units, absent)
    inside = (channels >= 0) & (channels < len(of_channel))
    found = of_channel[np.where(inside, channels, 0).astype(int)]
    return np.where(inside.reshape(-1, *[1] * (found.ndim - 1)), found, absent)


def _read_trials(files: AlfFiles) -> pd.DataFrame | None:
    """A row a trial; times are s from the stimulus, but for the stimulus's own and those not renamed."""
    columns = _columns(files)
    table = files.table("trials.table")
    if table is None:
        table = columns
    elif len(columns) == len(table):  # columns that lie beside the table
        table = table.join(columns[[name for name in columns if name not in table]])
    if not len(table.columns):
        files.notes.append("No trials: neither _ibl_trials.table.pqt nor _ibl_trials.COLUMN.npy is there.")
        return None
    if ONSETS not in table:
        files.notes.append(f"Trials have no {ONSETS}: when stimuli came on is not known.")
    onsets = _seconds(files, table, ONSETS)
    found = {"stimulus_time": onsets}
    for name in map(str, table):
        if name in TIMES:
            found[TIMES[name]] = _seconds(files, table, name) - onsets
        elif name != ONSETS:
            found[FACTS.get(name, name)] = table[name].to_numpy()
    events = pd.DataFrame(found)
    sides = ["contrast_left", "contrast_right"]
    if set(sides) <= set(events):  # IBL writes NaN for the side without a stimulus
        shown = events[sides].notna().any(axis=1)
        events.loc[shown, sides] = events.loc[shown, sides].fillna(0.0)
    return events


def _seconds(files: AlfFiles, table: pd.DataFrame, name: str) -> Float[np.ndarray, "K"]:
    if name not in table:
        return np.full(len(table), np.nan)
    if table[name].dtype.kind not in "fiu":
        raise DataError(f"{files.folder}: {name} of trials hold {table[name].dtype}; fetch the table again.")
    return table[name].to_numpy(dtype=float)


def _columns(files: AlfFiles) -> pd.DataFrame:
    """Columns of trials that are files of their own."""
    found: dict[str, np.ndarray] = {}
    for name in COLUMNS:
        values = files.numbers(f"trials.{name}", axes=2 if name == "intervals" else 1)
        if values is not None and values.ndim == 2:
            found |= {f"{name}_{column}": values[:, column] for column in range(values.shape[1])}
        elif values is not None:
            found[name] = values
    lengths = {name: len(values) for name, values in found.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise DataError(
            f"{files.folder}: trials are of unequal length ({listed}); fetch all of one revision."
        )
    return pd.DataFrame(found)
