"""NWB 2 files, such as those of DANDI's visual coding sets: traces or spikes, stimuli, behaviour and trials.

    recording = recordings.read("session.nwb")
    recording = recordings.read("https://api.dandiarchive.org/api/assets/ID/download/")  # extra `nwb`

What is read: dF/F, deconvolved or raw fluorescence of plane segmentations, or else `units` with spike times;
stimuli by index series, tables of presentations or image series, with their templates; running in cm/s, size
and position of the pupil; the table of trials. The file is read as HDF5 by the names of the standard, so that
extensions and all versions of 2 read alike, and nothing in it leads elsewhere.

This reader was proved on files that pynwb and functions of AllenSDK wrote in the layout of DANDI 000728 and
000021 (Visual Coding of the Allen Institute), and on none of these sets' own files: recordings say so in
their notes.
"""

from pathlib import Path

import h5py

from neurokit.errors import DataError, read_from
from neurokit.files.hdf5 import Hdf5Reader, open_hdf5
from neurokit.recordings.clocks import fits_clock
from neurokit.recordings.nwb_behaviour import read_behaviour
from neurokit.recordings.nwb_remote import SIGNATURE, name_of_address, open_address
from neurokit.recordings.nwb_series import Nwb
from neurokit.recordings.nwb_stimuli import read_events, read_stimuli
from neurokit.recordings.nwb_traces import read_traces
from neurokit.recordings.nwb_units import Activity, read_units
from neurokit.recordings.nwb_validity import leave_out_invalid
from neurokit.recordings.recording import Recording

FORMAT = "NWB"
REMEDY = "write this part of the file again, or copy the file again"
NWB_1 = ("nwb_version", "processing/brain_observatory_pipeline")  # an array, and what Allen's sessions hold
PROVED = "The reader of NWB 2 was proved on files written for its tests alone."


def recognises(path: Path) -> bool:
    """Whether a file is called .nwb, or is an HDF5 file that names a version of NWB."""
    try:
        if not path.is_file():
            return False
        if path.suffix == ".nwb":
            return True
        with open(path, "rb") as file:
            if file.read(len(SIGNATURE)) != SIGNATURE:
                return False
        with h5py.File(path, "r") as stored:
            return "nwb_version" in stored.attrs
    except (OSError, RuntimeError, ValueError, KeyError):
        return False


def read(path: Path) -> Recording:
    """The recording of one session.

    Movies that are large stay in the file, or in a temporary one, and are mapped. Raises DataError, naming
    file and place in it, for a damaged file, one of NWB 1, one without activity, and for clocks that do not
    fit their data.
    """
    with open_hdf5(path, REMEDY) as stored:
        return _read(stored, path.stem, path)


def read_address(address: str) -> Recording:
    """The recording in a file at an http address, of which only what is needed is fetched.

    Needs the extra `nwb`. Raises as `read`; SettingsError without the extra, FetchError where the server
    does not answer or sends no parts of files.
    """
    with open_address(address, REMEDY) as stored:
        return _read(stored, name_of_address(address), None)


def _read(stored: Hdf5Reader, name: str, path: Path | None) -> Recording:
    _check_version(stored)
    nwb = Nwb(stored)
    activity = leave_out_invalid(nwb, _activity(nwb))
    clock = activity.clock
    stimuli = [each for each in read_stimuli(nwb, path) if fits_clock(clock, each.time, each.name, nwb.notes)]
    behaviour = {
        channel: trace
        for channel, trace in read_behaviour(nwb).items()
        if fits_clock(clock, trace, channel, nwb.notes)
    }
    with read_from(stored.file.filename):
        return Recording(
            name=name,
            format="NWB 2",
            unit_ids=activity.unit_ids,
            traces=activity.traces,
            spikes=activity.spikes,
            area=activity.area,
            coordinates=activity.coordinates,
            behaviour=behaviour,
            stimuli=stimuli,
            events=read_events(nwb),
            notes=(PROVED, *nwb.notes),
        )


def _activity(nwb: Nwb) -> Activity:
    traces = read_traces(nwb)
    if traces is not None:
        if nwb.has("units/spike_times"):
            nwb.note("The file has spike times beside its traces; the traces are read.")
        return traces
    units = read_units(nwb)
    if units is None:
        raise nwb.stored.error(
            "/", "has no traces of a plane segmentation (RoiResponseSeries) and no units with spike times"
        )
    return units


def _check_version(stored: Hdf5Reader) -> None:
    """Raises DataError for HDF5 files of other kinds, and for NWB 1."""
    path = stored.file.filename
    if "nwb_version" in stored.file.attrs:
        version = stored.attribute("/", "nwb_version")
    elif any(stored.find(place) is not None for place in NWB_1):
        raise DataError(
            f"{path} is an NWB 1 file, and NWB 2 is read here: `neurokit v1-transformer` reads the sessions "
            "of the Allen Brain Observatory, which are NWB 1."
        )
    else:
        raise DataError(f"{path} is an HDF5 file that names no version of NWB; give an NWB 2 file.")
    if not version.startswith("2"):
        raise DataError(f"{path} is of NWB {version}, and NWB 2 is read here; convert it to NWB 2.")
