"""Writes a recording as NWB 2 with pynwb, in the layouts of DANDI's visual coding sets.

Two-photon as in 000728: dF/F on linked timestamps, events and neuropil beside it, templates and index series.
Neuropixels as in 000021: units with their peak channel, tables of presentations, running in a module of its
own. Templates stand in the file in both, so that what was shown comes back.
"""

import datetime
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pynwb
from pynwb.base import Images, TimeSeries
from pynwb.behavior import BehavioralTimeSeries, CompassDirection, PupilTracking, SpatialSeries
from pynwb.epoch import TimeIntervals
from pynwb.image import GrayscaleImage, ImageSeries, IndexSeries
from pynwb.ophys import DfOverF, Fluorescence, ImageSegmentation, OpticalChannel, RoiResponseSeries

from neurokit.recordings import Recording, Stimulus

DAY = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)


def write_nwb(recording: Recording, path: Path) -> Path:
    """The recording on its clock; trials, and stimuli whose times are not known, have no place here."""
    assert recording.trials is None and all(each.time is not None for each in recording.stimuli)
    with opened(recording, path) as file:
        if recording.traces is not None:
            add_traces(file, recording)
        if recording.spikes is not None:
            add_units(file, recording)
        for stimulus in recording.stimuli:
            add_stimulus(file, stimulus, as_table=recording.spikes is not None)
        if recording.events is not None:
            add_trials(file, recording)
        add_behaviour(file, recording)
    return path


@contextmanager
def opened(recording: Recording, path: Path) -> Iterator[pynwb.NWBFile]:
    """An empty file that is written after the block, without pynwb's warnings."""
    file = pynwb.NWBFile("a session", recording.name, DAY, session_id=recording.name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield file
        with pynwb.NWBHDF5IO(path, "w") as io:
            io.write(file)


def add_plane(file: pynwb.NWBFile, recording: Recording, name: str = "PlaneSegmentation"):
    device = file.devices.get("Microscope") or file.create_device(name="Microscope")
    channel = OpticalChannel(name=f"channel_{name}", description="green", emission_lambda=520.0)
    area = "unknown" if recording.area is None else str(recording.area[0])
    plane = file.create_imaging_plane(
        name=f"plane_{name}",
        optical_channel=channel,
        description="a plane",
        device=device,
        excitation_lambda=910.0,
        indicator="GCaMP6f",
        location=area,
    )
    ophys = file.processing.get("ophys") or file.create_processing_module("ophys", "optical physiology")
    if "ImageSegmentation" not in ophys.data_interfaces:
        ophys.add(ImageSegmentation())
    table = ophys["ImageSegmentation"].create_plane_segmentation(
        name=name, description="regions", imaging_plane=plane
    )
    for unit in recording.unit_ids:
        table.add_roi(id=int(unit), pixel_mask=[(1, 2, 1.0)])
    if recording.coordinates is not None:
        for axis, values in zip("xyz", recording.coordinates.T, strict=True):
            table.add_column(name=axis, description=f"{axis} in micrometres", data=values)
    region = table.create_roi_table_region(
        region=list(range(recording.units)), description="all regions of the plane"
    )
    return ophys, region


def add_traces(file: pynwb.NWBFile, recording: Recording) -> None:
    """dF/F on the timestamps of the fluorescence, to which it links, as in 000728."""
    ophys, region = add_plane(file, recording)
    trace = recording.traces
    other = {"unit": "n.a.", "rois": region}
    corrected = RoiResponseSeries(
        name="Corrected", data=trace.values * 100 + 500, timestamps=trace.time, **other
    )
    neuropil = RoiResponseSeries(name="Neuropil", data=trace.values * 0, timestamps=corrected, **other)
    dff = RoiResponseSeries(
        name="DfOverF", data=trace.values, timestamps=corrected, unit=trace.unit, rois=region
    )
    events = RoiResponseSeries(
        name="DfOverFEvents", data=np.maximum(trace.values, 0), timestamps=corrected, **other
    )
    ophys.add(Fluorescence(name="Fluorescence", roi_response_series=[neuropil, corrected]))
    ophys.add(DfOverF(name="DfOverF", roi_response_series=[dff, events]))


def add_units(file: pynwb.NWBFile, recording: Recording) -> None:
    """Units in the order of their ids in the recording, each at an electrode of its own."""
    device = file.create_device(name="probeA")
    group = file.create_electrode_group(name="probeA", description="a probe", location="brain", device=device)
    for number in range(recording.units):
        area = "unknown" if recording.area is None else str(recording.area[number])
        place = (
            {}
            if recording.coordinates is None
            else dict(zip("xyz", recording.coordinates[number], strict=True))
        )
        file.add_electrode(id=800 + number, group=group, location=area, **place)
    file.add_unit_column("peak_channel_id", "id of the electrode with the largest spike")
    file.add_unit_column("quality", "good or noise")
    for number, unit in enumerate(recording.unit_ids):
        times = recording.spikes.times[recording.spikes.unit_ids == unit]
        file.add_unit(id=int(unit), spike_times=times, peak_channel_id=800 + number, quality="good")


def add_stimulus(file: pynwb.NWBFile, stimulus: Stimulus, *, as_table: bool) -> None:
    template = add_template(file, stimulus) if stimulus.frames is not None else None
    if as_table or template is None or stimulus.part is not None:
        add_presentations(file, stimulus)
        return
    link = {"indexed_images" if isinstance(template, Images) else "indexed_timeseries": template}
    series = IndexSeries.__new__(IndexSeries, in_construct_mode=True)  # as in files written before pynwb 3
    series.__init__(
        name=f"{stimulus.name}_stimulus",
        data=stimulus.shown.astype(np.int64).astype(np.uint32),  # a blank becomes 4294967295, as on DANDI
        unit="N/A",
        timestamps=stimulus.time,
        **link,
    )
    file.add_stimulus(series)


def add_template(file: pynwb.NWBFile, stimulus: Stimulus) -> ImageSeries | Images:
    if stimulus.kind == "movie":
        template = ImageSeries(
            name=stimulus.name, data=stimulus.frames, unit="n.a.", starting_time=np.nan, rate=np.nan
        )
    else:
        pictures = [
            GrayscaleImage(name=f"image{number}", data=frame) for number, frame in enumerate(stimulus.frames)
        ]
        template = Images(name=f"{stimulus.name}_template", images=pictures, description="images")
    file.add_stimulus_template(template)
    return template


def add_presentations(file: pynwb.NWBFile, stimulus: Stimulus) -> None:
    table = TimeIntervals(name=f"{stimulus.name}_presentations", description="presentations")
    parts = {} if stimulus.part is None else {"part": stimulus.part}
    for name in ("stimulus_name", "stimulus_block", "frame", *parts):
        table.add_column(name=name, description=name)
    step = np.median(np.diff(stimulus.time)) if len(stimulus.time) > 1 else 1.0
    for row, (time, frame) in enumerate(zip(stimulus.time, stimulus.shown, strict=True)):
        table.add_row(
            start_time=time,
            stop_time=time + step,
            stimulus_name=stimulus.name,
            stimulus_block=1.0,
            frame=float(frame),
            tags=["stimulus_time_interval"],
            **{name: str(values[row]) for name, values in parts.items()},
        )
    file.add_time_intervals(table)


def add_trials(file: pynwb.NWBFile, recording: Recording) -> None:
    known = ("start_time", "stop_time")
    for name in recording.events:
        if name not in known:
            file.add_trial_column(name, f"{name} of the trial")
    for row in recording.events.to_dict("records"):
        file.add_trial(**row)


def add_behaviour(file: pynwb.NWBFile, recording: Recording) -> None:
    """Running and size of the pupil by their names; x and y of the pupil as one series of two columns."""
    if not recording.behaviour:
        return
    module = file.create_processing_module("behavior", "behaviour")
    given = dict(recording.behaviour)
    if "pupil_x" in given:
        x, y = given.pop("pupil_x"), given.pop("pupil_y")
        place = SpatialSeries(
            name="pupil_location_spherical",
            data=np.stack([x.values, y.values], axis=1),
            timestamps=x.time,
            unit=x.unit,
            reference_frame="the centre of the monitor",
        )
        module.add(CompassDirection(spatial_series=[place]))
    names = {"running": "running_speed"}
    for name, trace in given.items():
        series = TimeSeries(
            name=names.get(name, name), data=trace.values, timestamps=trace.time, unit=trace.unit
        )
        if name == "pupil_size":
            module.add(PupilTracking(time_series=[series]))
        else:
            module.add(BehavioralTimeSeries(name=f"{name}_series", time_series=[series]))
