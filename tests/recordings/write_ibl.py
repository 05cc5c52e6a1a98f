"""A recording in the names that ONE gives the files of an IBL session, a revision and an id among them."""

from pathlib import Path

import numpy as np
import pandas as pd

from neurokit.recordings import Recording

REVISION = "#2024-05-06#"
ID = "b07e52eb-ac25-4131-84ab-bf2f58735b62"
TIMES = {"response_time": "response_times", "go_cue": "goCue_times", "feedback_time": "feedback_times"}
FACTS = {"contrast_left": "contrastLeft", "contrast_right": "contrastRight", "response": "choice",
         "feedback_type": "feedbackType"}  # fmt: skip


def write_ibl(recording: Recording, parent: Path, table: bool = True) -> Path:
    """Writes subject/date/number/alf with one probe; units are its clusters. Returns the session's folder."""
    subject, date, number = recording.name.split("_")
    session = parent / subject / date / number
    alf, probe = session / "alf", session / "alf" / "probe00" / "pykilosort"
    for folder in (alf, probe / REVISION):
        folder.mkdir(parents=True)
    assert recording.spikes is not None and recording.area is not None and recording.events is not None
    units = recording.unit_ids.max() + 1
    channels = np.arange(units)[::-1] + 3
    at_channel = np.full(units + 3, "root", dtype="U10")
    at_channel[channels] = recording.area
    np.save(probe / REVISION / "spikes.times.npy", recording.spikes.times)
    np.save(probe / REVISION / f"spikes.clusters.{ID}.npy", recording.spikes.unit_ids.astype(np.uint32))
    np.save(probe / "spikes.times.npy", recording.spikes.times[::-1])  # of an earlier revision
    np.save(probe / "clusters.channels.npy", channels)
    np.save(probe / "channels.brainLocationAcronyms_ccf_2017.npy", at_channel)
    if recording.coordinates is not None:
        places = np.zeros((units + 3, 3))
        places[channels] = recording.coordinates
        np.save(probe / "channels.mlapdv.npy", places)
    labels = pd.DataFrame({"label": np.arange(units) % 2 * 1.0})
    labels.to_parquet(probe / "clusters.metrics.pqt")
    write_trials(recording.events, alf, table)
    write_behaviour(recording, alf)
    return session


def write_trials(events: pd.DataFrame, alf: Path, table: bool) -> None:
    onsets = events["stimulus_time"]
    columns = {"stimOn_times": onsets}
    for name, values in events.items():
        if name in TIMES:
            columns[TIMES[name]] = values + onsets
        elif name != "stimulus_time":
            columns[FACTS.get(name, name)] = values
    left, right = columns["contrastLeft"].copy(), columns["contrastRight"].copy()
    columns["contrastLeft"] = left.where((left != 0) | (right == 0))  # NaN on the side without a stimulus
    columns["contrastRight"] = right.where((right != 0) | (left == 0))
    if table:
        pd.DataFrame(columns).to_parquet(alf / "_ibl_trials.table.pqt")
        return
    for name, values in columns.items():
        np.save(alf / f"_ibl_trials.{name}.npy", values.to_numpy())


def write_behaviour(recording: Recording, alf: Path) -> None:
    traces = recording.behaviour
    np.save(alf / "_ibl_wheel.position.npy", traces["wheel"].values)
    np.save(alf / "_ibl_wheel.timestamps.npy", traces["wheel"].time)
    np.save(alf / "licks.times.npy", np.repeat(traces["licks"].time, traces["licks"].values))
    np.save(alf / "_ibl_leftCamera.times.npy", traces["face_motion"].time)
    np.save(alf / "leftCamera.ROIMotionEnergy.npy", traces["face_motion"].values)
    columns = {"pupilDiameter_raw": "pupil_size", "pupilDiameter_smooth": "pupil_size_smooth"}
    known = {column: name for column, name in columns.items() if name in traces}
    pupil = pd.DataFrame({column: traces[name].values for column, name in known.items()})
    pupil.to_parquet(alf / "_ibl_leftCamera.features.pqt")
