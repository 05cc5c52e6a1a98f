"""NWB 2: a recording goes out through pynwb, in the layouts of DANDI's sets, and comes back equal."""

import shutil
import tracemalloc
import warnings
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from neurokit import recordings
from neurokit.errors import DataError
from neurokit.recordings import Stimulus, formats, nwb_frames
from neurokit.recordings.intervals import activity_in
from tests.recordings import sessions
from tests.recordings.same import assert_same

pynwb = pytest.importorskip("pynwb")
from tests.recordings import write_nwb  # noqa: E402


@pytest.fixture(scope="module")
def two_photon(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_nwb.write_nwb(sessions.two_photon(), tmp_path_factory.mktemp("nwb") / "mouse.nwb")


@pytest.fixture(scope="module")
def neuropixels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_nwb.write_nwb(sessions.neuropixels(), tmp_path_factory.mktemp("nwb") / "probe.nwb")


@pytest.fixture
def changed(two_photon: Path, tmp_path: Path):
    """A function that copies the file and returns its path and the copy, open to be changed."""

    def copy(source: Path = two_photon) -> h5py.File:
        return h5py.File(shutil.copy(source, tmp_path / "changed.nwb"), "r+")

    return copy


def read_changed(file: h5py.File) -> recordings.Recording:
    path = file.filename
    file.close()
    return recordings.read(path)


def move(file: h5py.File, place: str, values: np.ndarray) -> None:
    """Other values at a place, with the attributes of those before."""
    attributes = dict(file[place].attrs)
    del file[place]
    file[place] = values
    file[place].attrs.update(attributes)


DFF = "processing/ophys/DfOverF/DfOverF"
CLOCK = "processing/ophys/Fluorescence/Corrected/timestamps"
REGIONS = "processing/ophys/ImageSegmentation/PlaneSegmentation"
RUNNING = "processing/behavior/running_series/running_speed"


# --- what goes out comes back


def test_a_two_photon_session_comes_back_equal_and_silently(two_photon, capfd):
    wanted = sessions.two_photon()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = recordings.read(two_photon)
    assert capfd.readouterr() == ("", "")
    assert found.format == "NWB 2" and found.traces.values.dtype == np.float32
    assert_same(found, wanted)


def test_a_neuropixels_session_comes_back_equal(neuropixels):
    found = recordings.read(neuropixels)
    assert_same(found, sessions.neuropixels())


@pytest.mark.parametrize("rate", [10.0, 6.4])
def test_a_microscope_of_any_rate_comes_back(rate, tmp_path):
    wanted = sessions.two_photon(rate)
    found = recordings.read(write_nwb.write_nwb(wanted, tmp_path / "mouse.nwb"))
    assert_same(found, wanted)
    assert found.traces.rate == pytest.approx(rate, rel=1e-3)


def test_notes_say_which_traces_were_read_and_what_the_reader_was_proved_on(two_photon, neuropixels):
    notes = recordings.read(two_photon).notes
    assert any("proved on files written for its tests alone" in note for note in notes)
    assert any(note.startswith("Traces are dF/F (processing/ophys/DfOverF/DfOverF)") for note in notes)
    assert any("6 good" in note for note in recordings.read(neuropixels).notes)


def test_the_format_is_known_by_name_and_by_content(two_photon, tmp_path):
    assert recordings.recognise(two_photon) == "NWB"
    assert recordings.recognise(shutil.copy(two_photon, tmp_path / "session.h5")) == "NWB"
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["data"] = np.arange(3)
    assert recordings.recognise(tmp_path / "other.h5") != "NWB"
    assert "NWB" in formats.names()


# --- traces


def test_events_are_read_without_dff_and_corrected_fluorescence_without_both(changed):
    wanted = sessions.two_photon().traces
    file = changed()
    del file[DFF]
    found = read_changed(file)
    assert any(note.startswith("Traces are deconvolved events") for note in found.notes)
    assert np.array_equal(found.traces.values, np.maximum(wanted.values, 0), equal_nan=True)
    file = changed()
    del file["processing/ophys/DfOverF"]
    found = read_changed(file)
    assert any(
        note.startswith("Traces are fluorescence (processing/ophys/Fluorescence/Corrected)")
        for note in found.notes
    )
    assert np.array_equal(found.traces.values, wanted.values * 100 + 500, equal_nan=True)


def test_neuropil_alone_is_no_activity(changed):
    file = changed()
    del file["processing/ophys/DfOverF"]
    file["processing/ophys/Fluorescence/Neuropil2"] = file["processing/ophys/Fluorescence/Neuropil"]
    file.move("processing/ophys/Fluorescence/Corrected/timestamps", "clock")
    del file["processing/ophys/Fluorescence/Corrected"]
    with pytest.raises(DataError, match="no traces of a plane segmentation"):
        read_changed(file)


def test_units_by_samples_are_turned_and_a_rate_makes_the_clock(changed):
    wanted = sessions.two_photon().traces
    file = changed()
    move(file, f"{DFF}/data", wanted.values.T)
    found = read_changed(file)
    assert np.array_equal(found.traces.values, wanted.values, equal_nan=True)
    assert any("units x samples and are turned" in note for note in found.notes)
    file = changed()
    del file[f"{DFF}/timestamps"]
    file[f"{DFF}/starting_time"] = 2.5
    file[f"{DFF}/starting_time"].attrs["rate"] = np.float32(29.97)
    found = read_changed(file)
    assert np.allclose(found.traces.time, 2.5 + np.arange(len(wanted.time)) / 29.97, rtol=0, atol=1e-6)


def test_conversion_and_offset_give_values_in_their_unit(changed):
    file = changed()
    move(file, f"{DFF}/data", np.full((600, 5), 7, np.int16))
    file[f"{DFF}/data"].attrs.update(conversion=np.float32(0.01), offset=np.float32(-2))
    assert np.allclose(read_changed(file).traces.values, 7 * 0.01 - 2, rtol=0, atol=1e-12)


def test_samples_without_a_time_and_with_that_of_another_are_left_out_and_said(changed):
    file = changed()
    time = file[CLOCK][()]
    time[[4, 5]] = np.nan
    time[20] = time[19]
    move(file, CLOCK, time)
    found, wanted = read_changed(file), sessions.two_photon().traces
    assert np.array_equal(found.traces.values, np.delete(wanted.values, [4, 5, 20], axis=0), equal_nan=True)
    assert any("2 of 600 samples have no time" in note for note in found.notes)
    assert any("1 of 598 samples have the time of the one before" in note for note in found.notes)


def test_regions_that_are_no_cells_are_left_out(changed):
    file = changed()
    file[f"{REGIONS}/Accepted"] = np.array([1, 0, 1, 1, 0])
    found = read_changed(file)
    assert list(found.unit_ids) == [517, 4_000_001, 88]
    assert found.traces.values.shape == (600, 3)
    assert found.coordinates.shape == (3, 3)
    assert any("2 of 5 regions are no cells by the column Accepted" in note for note in found.notes)


def test_planes_that_are_scanned_in_turn_are_read_together(tmp_path):
    first, second = sessions.two_photon(seed=1), sessions.two_photon(seed=2)
    with write_nwb.opened(first, tmp_path / "planes.nwb") as file:
        for number, one in enumerate((first, second)):
            ophys, region = write_nwb.add_plane(file, one, f"plane{number}")
            series = pynwb.ophys.RoiResponseSeries(
                name="DfOverF",
                data=one.traces.values,
                timestamps=first.traces.time + number * 0.01,
                unit="a.u.",
                rois=region,
            )
            ophys.add(pynwb.ophys.DfOverF(name=f"DfOverF{number}", roi_response_series=[series]))
    found = recordings.read(tmp_path / "planes.nwb")
    assert np.array_equal(found.traces.time, first.traces.time)
    both = np.concatenate([first.traces.values, second.traces.values], axis=1)
    assert np.array_equal(found.traces.values, both, equal_nan=True)
    assert list(found.unit_ids) == [*first.unit_ids, *(second.unit_ids + 100_000)]
    assert any("2 planes are read on the clock of the first, up to 10 ms off" in note for note in found.notes)


# --- spikes


def test_noise_and_spikes_without_a_time_are_left_out_and_said(changed, neuropixels):
    file = changed(neuropixels)
    move(file, "units/quality", np.array(["good", "noise", "good", "mua", "good", "good"], dtype=object))
    times = file["units/spike_times"][()]
    times[:3] = np.nan
    move(file, "units/spike_times", times)
    found, wanted = read_changed(file), sessions.neuropixels()
    assert 12 not in found.unit_ids and found.units == 5
    assert len(found.spikes.times) == 3000 - 3 - (wanted.spikes.unit_ids == 12).sum()
    assert (np.diff(found.spikes.times) >= 0).all()
    assert any("3 of 3000 spikes have no time" in note for note in found.notes)
    assert any("1 noise" in note for note in found.notes)


def test_electrodes_of_units_give_their_area(changed, neuropixels):
    file = changed(neuropixels)
    del file["units/peak_channel_id"]
    assert read_changed(file).area is None
    file = changed(neuropixels)
    del file["units/peak_channel_id"]
    file["units/electrodes"] = np.array([5, 0, 4, 3, 2, 1, 0])
    file["units/electrodes_index"] = np.array([2, 3, 4, 5, 6, 7])
    area = sessions.neuropixels().area
    assert list(read_changed(file).area) == list(area[[5, 4, 3, 2, 1, 0]])


# --- behaviour


@pytest.mark.parametrize(("unit", "factor"), [("m/s", 100), ("mm/s", 0.1), ("cm / s", 1), ("cm/sec", 1)])
def test_running_is_turned_into_cm_per_s(changed, unit, factor):
    file = changed()
    file[f"{RUNNING}/data"].attrs["unit"] = unit
    found, wanted = read_changed(file).behaviour["running"], sessions.two_photon().behaviour["running"]
    assert found.unit == "cm/s"
    assert np.allclose(found.values, wanted.values * factor, rtol=1e-12)


def test_running_of_an_unknown_unit_stays_and_is_said(changed):
    file = changed()
    file[f"{RUNNING}/data"].attrs["unit"] = "volts"
    found = read_changed(file)
    assert found.behaviour["running"].unit == "volts"
    assert any("Running is in volts, which is not turned into cm/s" in note for note in found.notes)


@pytest.mark.parametrize(
    ("place", "change", "words"),
    [
        (f"{RUNNING}/timestamps", lambda time: time[:-3], "has 1200 samples and 1197 timestamps"),
        (f"{RUNNING}/timestamps", lambda time: time[::-1], "do not ascend"),
        (f"{RUNNING}/timestamps", lambda time: time * 1e6, "not milliseconds"),
        (
            f"{RUNNING}/timestamps",
            lambda time: time + 900,
            "running from 900.003 to 919.986 s: they share no",
        ),
        (f"{RUNNING}/timestamps", lambda time: time * np.nan, "1200 of 1200 times are not finite"),
    ],
)
def test_a_channel_whose_clock_cannot_fit_is_left_out_and_named_with_its_numbers(
    changed, place, change, words
):
    file = changed()
    move(file, place, change(file[place][()]))
    found = read_changed(file)
    assert sorted(found.behaviour) == ["pupil_size", "pupil_x", "pupil_y"]
    assert any(
        note.startswith(("Left out: ", "running is left out: ")) and words in note for note in found.notes
    )


def test_ellipses_of_the_eye_give_size_and_position_and_blinks_are_not_measured(changed):
    file = changed()
    del file["processing/behavior"]
    eye = file.create_group("acquisition/EyeTracking")
    time = np.arange(100) / 30
    pupil = eye.create_group("pupil_tracking")
    pupil["data"], pupil["area"], pupil["timestamps"] = np.arange(200.0).reshape(100, 2), time * 10, time
    lids = eye.create_group("eye_tracking")
    lids["data"], lids["area"], lids["timestamps"] = np.zeros((100, 2)), time * 0, time
    blink = eye.create_group("likely_blink")
    blink["data"], blink["timestamps"] = np.arange(100) // 10 == 3, time
    found = read_changed(file)
    assert sorted(found.behaviour) == ["pupil_size", "pupil_x", "pupil_y"]
    shut = np.arange(100) // 10 == 3
    assert np.array_equal(np.isnan(found.behaviour["pupil_size"].values), shut)
    assert np.array_equal(found.behaviour["pupil_y"].values[~shut], (np.arange(100) * 2.0 + 1)[~shut])
    assert any("pupil_x: 10 of 100 samples are blinks" in note for note in found.notes)


def test_a_table_of_fitted_ellipses_gives_the_pupil(changed):
    file = changed()
    del file["processing/behavior"]
    table = file.create_group("processing/eye_tracking/pupil_ellipse_fits")
    rows = np.arange(50.0)
    for name, values in {"center_x": rows, "center_y": -rows, "width": rows + 1, "height": rows * 0}.items():
        table[name] = values
    table["timestamps"], table["id"] = rows / 30, np.arange(50)
    found = read_changed(file).behaviour
    assert np.allclose(found["pupil_size"].values, np.pi * (rows + 1) ** 2)
    assert np.array_equal(found["pupil_x"].values, rows) and np.array_equal(found["pupil_y"].values, -rows)


# --- stimuli


def test_large_movies_are_mapped_and_never_held(two_photon, tmp_path, monkeypatch):
    plain = recordings.read(two_photon).stimuli[0].frames
    assert isinstance(plain, np.memmap)
    frames = np.random.default_rng(0).integers(0, 256, (300, 60, 100), dtype=np.uint8)
    session = replace(
        sessions.two_photon(),
        stimuli=(Stimulus("natural_movie_one", "movie", frames, np.arange(300), 2 + np.arange(300) / 30),),
    )
    path = write_nwb.write_nwb(session, tmp_path / "large.nwb")
    with h5py.File(path, "r+") as file:
        del file["stimulus/templates/natural_movie_one/data"]
        file["stimulus/templates/natural_movie_one"].create_dataset(
            "data", data=frames, chunks=(10, 60, 100), compression="gzip"
        )
    recordings.read(path)  # so that what is imported is not counted
    monkeypatch.setattr(nwb_frames, "SMALL", 10**5)
    monkeypatch.setattr(nwb_frames, "PIECE", 10**5)
    tracemalloc.start()
    found = recordings.read(path).stimuli[0].frames
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(found, np.memmap)
    assert most < frames.nbytes / 2
    assert np.array_equal(found, frames)


def test_colours_are_averaged_and_images_of_unequal_size_left_out(changed):
    file = changed()
    place = "stimulus/templates/natural_movie_one/data"
    pixels = np.random.default_rng(0).integers(0, 256, (24, 12, 20, 3), dtype=np.uint8)
    move(file, place, pixels)
    move(file, "stimulus/templates/natural_scenes_template/image3", np.zeros((5, 6), np.uint8))
    found = read_changed(file)
    movie = next(each for each in found.stimuli if each.name == "natural_movie_one")
    scenes = next(each for each in found.stimuli if each.name == "natural_scenes")
    assert np.allclose(movie.frames, pixels.mean(axis=3), atol=1e-4)
    assert scenes.frames is None
    assert any("colours are averaged" in note for note in found.notes)
    assert any("images of unequal size (5 x 6, 12 x 20)" in note for note in found.notes)


def test_movies_without_a_template_are_shown_without_frames(changed, neuropixels):
    file = changed(neuropixels)
    del file["stimulus/templates/natural_movie_three"]
    movie = read_changed(file).stimuli[0]
    wanted = sessions.neuropixels().stimuli[0]
    assert movie.frames is None and movie.repeats == sessions.REPEATS
    assert np.array_equal(movie.shown, wanted.shown)


def test_gratings_are_shown_by_their_parameters(changed, neuropixels):
    file = changed(neuropixels)
    table = file.create_group("intervals/drifting_gratings_presentations")
    onsets = 1 + np.arange(6) * 3.0
    table["start_time"], table["stop_time"] = onsets, onsets + 2
    table["orientation"] = np.array([0.0, 90, np.nan, 0, 90, 0])
    table["temporal_frequency"] = np.array([1.0, 1, np.nan, 1, 2, 1])
    table["contrast"] = np.full(6, 0.8)
    gratings = next(each for each in read_changed(file).stimuli if each.name == "drifting_gratings")
    assert gratings.kind == "images" and gratings.frames is None and gratings.repeats == 3
    assert list(gratings.shown) == [0, 1, -1, 0, 2, 0]
    assert np.array_equal(gratings.time, onsets)


def test_named_images_are_found_in_their_template(changed, neuropixels):
    file = changed(neuropixels)
    place = "intervals/natural_scenes_presentations/frame"
    shown = sessions.neuropixels().stimuli[1].shown
    words = np.array(["omitted" if frame < 0 else f"image{frame}" for frame in shown], dtype=object)
    del file[place]
    file["intervals/natural_scenes_presentations/image_name"] = words
    scenes = next(each for each in read_changed(file).stimuli if each.name == "natural_scenes")
    assert np.array_equal(scenes.shown, shown)
    assert np.array_equal(scenes.frames, sessions.neuropixels().stimuli[1].frames)


def test_images_that_were_omitted_are_blank(changed, neuropixels):
    """As in Visual Behavior, where an omission has an index after the last image."""
    file = changed(neuropixels)
    place = "intervals/natural_scenes_presentations"
    shown = sessions.neuropixels().stimuli[1].shown
    words = np.array([f"image{frame}" for frame in np.where(shown < 0, 3, shown)], dtype=object)
    file[f"{place}/omitted"], file[f"{place}/image_name"] = shown < 0, words
    move(file, f"{place}/frame", np.where(shown < 0, 12.0, shown))
    scenes = next(each for each in read_changed(file).stimuli if each.name == "natural_scenes")
    assert np.array_equal(scenes.shown, shown)
    file = changed(neuropixels)
    move(file, f"{place}/frame", shown + 0.5)
    assert any(
        "frame -0.5 was shown, which is no" in note or "frame 6.5 was" in note
        for note in read_changed(file).notes
    )


def test_images_follow_the_order_that_their_group_gives(changed):
    file = changed()
    group = file["stimulus/templates/natural_scenes_template"]
    order = [f"image{number}" for number in range(12)][::-1]
    group["order_of_images"] = np.array([group[name].ref for name in order], dtype=h5py.ref_dtype)
    scenes = next(each for each in read_changed(file).stimuli if each.name == "natural_scenes")
    assert np.array_equal(scenes.frames, sessions.two_photon().stimuli[2].frames[::-1])


def test_frames_may_share_a_time_and_come_out_of_order(changed, neuropixels):
    file = changed(neuropixels)
    place = "intervals/natural_movie_three_presentations"
    time = file[f"{place}/start_time"][()]
    time[5] = time[4]
    for name, values in (("start_time", time[::-1]), ("frame", file[f"{place}/frame"][()][::-1])):
        move(file, f"{place}/{name}", values)
    movie = read_changed(file).stimuli[0]
    assert (np.diff(movie.time) >= 0).all() and movie.time[4] == movie.time[5]
    assert sorted(movie.shown[4:6]) == [4, 5]


def test_a_movie_that_was_shown_once_lies_among_the_presentations(changed):
    file = changed()
    group = file.create_group("stimulus/presentation/clip")
    frames = np.random.default_rng(0).random((30, 4, 6)).astype(np.float32)
    group["data"], group["starting_time"] = frames, 12.0
    group["starting_time"].attrs["rate"] = 15.0
    clip = next(each for each in read_changed(file).stimuli if each.name == "clip")
    assert clip.kind == "movie" and np.array_equal(clip.frames, frames)
    assert np.allclose(clip.time, 12 + np.arange(30) / 15)


def test_a_stimulus_that_cannot_be_read_is_left_out_and_named(changed):
    file = changed()
    place = "stimulus/presentation/natural_movie_one_stimulus/data"
    move(file, place, file[place][()] + np.uint32(1))
    found = read_changed(file)
    assert [each.name for each in found.stimuli] == ["natural_movie_two", "natural_scenes"]
    assert any("has 24 frames, and natural_movie_one_stimulus names frame 24" in note for note in found.notes)


def test_trials_without_an_onset_say_so(changed, neuropixels):
    file = changed(neuropixels)
    del file["intervals/trials/stimulus_time"]
    found = read_changed(file)
    assert np.array_equal(found.events["stimulus_time"], found.events["start_time"])
    assert "Onsets of stimuli in trials (stimulus_time) are start_time." in found.notes


# --- files by others' writers


def test_what_allensdk_writes_is_read(tmp_path, monkeypatch):
    """Its functions write the running, the eye and the tables of presentations of the Visual Coding sets."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        allen = pytest.importorskip("allensdk.brain_observatory.nwb", exc_type=ImportError)
    add = pynwb.ProcessingModule.add  # under the name that it had before pynwb 3
    monkeypatch.setattr(pynwb.ProcessingModule, "add_data_interface", add, raising=False)
    session = replace(sessions.two_photon(), behaviour={}, stimuli=())
    time, generator = np.arange(300) / 30, np.random.default_rng(0)
    running = pd.DataFrame({"speed": generator.normal(size=300), "timestamps": time})
    ellipse = pd.DataFrame(
        generator.random((300, 5)), columns=["center_x", "center_y", "height", "width", "phi"]
    )
    areas, angles = (
        pd.Series(generator.random(300)),
        pd.DataFrame(generator.random((300, 2)), columns=["x", "y"]),
    )
    gaze = {f"{kind}_{what}": areas for kind in ("raw", "new") for what in ("pupil_areas", "eye_areas")}
    gaze |= {f"{kind}_screen_coordinates": angles * 9 for kind in ("raw", "new")}
    gaze |= {"raw_screen_coordinates_spherical": angles * 7, "new_screen_coordinates_spherical": angles}
    with write_nwb.opened(session, tmp_path / "allen.nwb") as file:
        write_nwb.add_traces(file, session)
        allen.add_running_speed_to_nwbfile(file, running, name="running_speed", from_dataframe=True)
        fits = {f"{name}_params": ellipse for name in ("pupil", "cr", "eye")}
        allen.add_eye_tracking_ellipse_fit_data_to_nwbfile(file, fits, pd.Series(time))
        gaze["synced_frame_timestamps"] = pd.Series(time)
        allen.add_eye_gaze_mapping_data_to_nwbfile(file, gaze)
        columns = ["stimulus_name", "stimulus_block", "frame"]
        table = allen.create_stimulus_presentation_time_interval("natural_scenes_presentations", "x", columns)
        for row in range(40):
            shown = {
                "stimulus_name": "natural_scenes",
                "stimulus_block": 2.0,
                "frame": float(row * 7 % 20 - 1),
            }
            table.add_row(start_time=row * 0.25, stop_time=row * 0.25 + 0.25, tags="x", **shown)
        file.add_time_intervals(table)
    found = recordings.read(tmp_path / "allen.nwb")
    assert np.array_equal(found.behaviour["running"].values, running["speed"])
    assert np.array_equal(found.behaviour["pupil_size"].values, areas)
    assert np.array_equal(found.behaviour["pupil_x"].values, angles["x"])
    assert found.behaviour["pupil_y"].unit == "Degrees"
    assert np.array_equal(found.stimuli[0].shown, np.arange(40) * 7 % 20 - 1)
    assert (found.stimuli[0].name, found.stimuli[0].kind) == ("natural_scenes", "images")


@pytest.mark.parametrize("make", [sessions.two_photon, sessions.neuropixels])
def test_a_recording_of_activity_alone_comes_back_as_such(make, tmp_path):
    bare = {"area": None, "coordinates": None, "behaviour": {}, "stimuli": (), "events": None}
    wanted = replace(make(), **bare)
    found = recordings.read(write_nwb.write_nwb(wanted, tmp_path / f"{wanted.name}.nwb"))
    assert_same(found, wanted)


# --- what the file says was not measured


def test_units_without_an_electrode_or_a_place_lose_these_alone(changed, neuropixels):
    wanted = read_changed(changed(neuropixels))
    file = changed(neuropixels)
    channels = file["units/peak_channel_id"][()]
    channels[3] = -1
    move(file, "units/peak_channel_id", channels)
    found = read_changed(file)
    assert found.area[3] == "" and np.isnan(found.coordinates[3]).all()
    others = np.arange(6) != 3
    assert list(found.area[others]) == list(wanted.area[others])
    assert np.array_equal(found.coordinates[others], wanted.coordinates[others])
    assert any("1 of 6 units have no electrode in the table" in note for note in found.notes)
    file = changed(neuropixels)
    x = file["general/extracellular_ephys/electrodes/x"][()]
    x[2] = np.nan
    move(file, "general/extracellular_ephys/electrodes/x", x)
    found = read_changed(file)
    assert np.isnan(found.coordinates).all(axis=1).tolist() == [False, False, True, False, False, False]
    assert list(found.area) == list(wanted.area)
    assert any("1 of 6 units have no x, y and z" in note for note in found.notes)
    assert not any("electrode" in note or "x, y and z" in note for note in wanted.notes)


def test_a_region_without_a_place_loses_its_place_alone(changed):
    file = changed()
    place = "processing/ophys/ImageSegmentation/PlaneSegmentation/y"
    y = file[place][()]
    y[1] = np.nan
    move(file, place, y)
    found = read_changed(file)
    assert np.isnan(found.coordinates).all(axis=1).tolist() == [False, True, False, False, False]


def mark_invalid(file: h5py.File, start: float, end: float) -> None:
    file["intervals/invalid_times/start_time"] = np.array([start])
    file["intervals/invalid_times/stop_time"] = np.array([end])


def observe(file: h5py.File, of_units: list[list[tuple[float, float]]]) -> None:
    file["units/obs_intervals"] = np.array([each for unit in of_units for each in unit])
    file["units/obs_intervals_index"] = np.cumsum([len(unit) for unit in of_units])


def test_samples_in_invalid_times_are_not_measured(changed):
    file = changed()
    mark_invalid(file, 4.01, 6.01)
    found, wanted = read_changed(file).traces, read_changed(changed()).traces
    inside = (found.time > 4.01) & (found.time < 6.01)
    assert inside.sum() == 60 and np.isnan(found.values[inside]).all()
    assert np.array_equal(found.values[~inside], wanted.values[~inside], equal_nan=True)


def test_spikes_have_gaps_where_units_were_not_observed(changed, neuropixels):
    assert not len(read_changed(changed(neuropixels)).spikes.gaps)
    file = changed(neuropixels)
    mark_invalid(file, 4.0, 6.0)
    found = read_changed(file)
    assert found.spikes.gaps.tolist() == [[4.0, 6.0]]
    assert any("1 stretches, 2 s in all" in note for note in found.notes)
    rates = activity_in(found, np.arange(1.0, 9), np.arange(2.0, 10), np.arange(6))
    assert np.isnan(rates).all(axis=1).tolist() == [False] * 3 + [True] * 2 + [False] * 3
    file = changed(neuropixels)
    times, until = file["units/spike_times"][()], file["units/spike_times_index"][()]
    kept = (times < 5) | (times > 9)
    move(file, "units/spike_times", times[kept])
    move(file, "units/spike_times_index", np.cumsum(kept)[until.astype(int) - 1])
    observe(file, [[(0.0, 5.0), (9.0, 30.0)]] * 5 + [[(0.0, 5.0)]])
    found = read_changed(file)
    assert found.spikes.gaps.tolist() == [[5.0, 9.0]] and found.units == 5
    assert any("1 of 6 units were observed for less time" in note for note in found.notes)


def test_intervals_that_spikes_do_not_know_are_not_used(changed, neuropixels):
    file = changed(neuropixels)
    observe(file, [[(0.0, 0.005), (0.03, 0.05)]] * 3 + [[(0.0, 0.005), (29.0, 30.0)]] * 3)
    found = read_changed(file)
    assert not len(found.spikes.gaps) and found.units == 6
    assert any("do not fit the spikes" in note for note in found.notes)
