"""Running and pupil on the microscope's clock: drawn over a pause, named where they were not measured."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from neurokit.recordings import Trace, recording_of_movies
from neurokit.v1_transformer import from_recording
from neurokit.v1_transformer.experiment import describe
from neurokit.v1_transformer.recording import MovieSession, load_session
from neurokit.v1_transformer.simulated_files import PIPELINE, write_session
from neurokit.v1_transformer.simulation import SessionParameters, SimulatedSession, simulate_session

SMALL = {"cells": 6, "frames": 30, "height": 19, "width": 38, "repeats": 4, "spontaneous": 5.0}
RUNNING = f"{PIPELINE}/BehavioralTimeSeries/running_speed"
MICROSCOPE = [
    f"{PIPELINE}/{name}/timestamps" for name in ("DfOverF/imaging_plane_1", "Fluorescence/imaging_plane_1")
]
EYES = [f"{PIPELINE}/{name}" for name in ("EyeTracking/pupil_location_spherical", "PupilTracking/pupil_size")]
PAUSE = 3.0


@pytest.fixture(scope="module")
def session() -> SimulatedSession:
    return simulate_session(SessionParameters(**SMALL))


@pytest.fixture(scope="module")
def path(session: SimulatedSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_session(session, tmp_path_factory.mktemp("allen"))


def changed(path: Path, folder: Path, change: Callable[[h5py.File], None]) -> MovieSession:
    copy = Path(shutil.copy(path, folder / path.name))
    with h5py.File(copy, "r+") as file:
        change(file)
    return load_session(copy)


def test_a_microscope_that_paused_is_read_with_running_from_its_own_clock(
    session: SimulatedSession, path: Path, tmp_path: Path
) -> None:
    sound, middle = load_session(path), float(session.time[len(session.time) // 2])

    def pause(file: h5py.File) -> None:
        for place in MICROSCOPE:
            time = file[place][()]
            file[place][...] = np.where(time >= middle, time + PAUSE, time)

    found = changed(path, tmp_path, pause)
    assert np.diff(found.time).max() > PAUSE and found.running is not None and sound.running is not None
    before = found.time < middle
    np.testing.assert_array_equal(found.running[before], sound.running[before])
    known = np.isfinite(sound.running)
    later = np.interp(found.time[~before], sound.time[known], sound.running[known], right=np.nan)
    np.testing.assert_allclose(found.running[~before], later, rtol=1e-4, atol=1e-3)
    np.testing.assert_array_equal(found.dff, sound.dff)
    assert sound.omissions == ()


def test_running_that_is_a_little_off_the_clock_is_drawn(path: Path, tmp_path: Path) -> None:
    def shift(file: h5py.File) -> None:
        file[f"{RUNNING}/timestamps"][...] += 0.004

    found, sound = changed(path, tmp_path, shift), load_session(path)
    assert found.running is not None and sound.running is not None
    both = np.isfinite(found.running) & np.isfinite(sound.running)
    assert both.sum() > 0.99 * np.isfinite(sound.running).sum()
    np.testing.assert_allclose(found.running[both], sound.running[both], atol=2.0)


def test_seconds_without_pupil_or_running_are_named_where_a_clock_is_short(
    path: Path, tmp_path: Path
) -> None:
    def cut(file: h5py.File) -> None:
        for place in (RUNNING, *EYES):
            keep = file[f"{place}/timestamps"].shape[0] - 600  # 20 s
            for name in ("timestamps", "data"):
                values = file[f"{place}/{name}"][:keep]
                del file[f"{place}/{name}"]
                file[f"{place}/{name}"] = values

    found = changed(path, tmp_path, cut)
    lost = {each.pieces: each for each in found.omissions}
    assert set(lost) == {"seconds of running", "seconds of pupil"}
    assert {each.rule for each in found.omissions} == {"outside_clock"}
    assert [len(each.names) for each in lost.values()] == pytest.approx([21, 20], abs=2)
    assert f"{lost['seconds of pupil']}" in describe(found)
    assert found.pupil is not None and np.isnan(found.pupil[-590:]).all()


def test_seconds_without_behaviour_of_an_own_session_are_named() -> None:
    random, clock = np.random.default_rng(0), np.arange(3000) / 30
    movie = random.integers(0, 255, (60, 8, 10)).astype(np.uint8)
    onsets = 1 + np.arange(3)[:, None] * 12 + np.arange(60) / 10
    recording = recording_of_movies(
        movie, random.random((3000, 4)), clock, frame_times=onsets, running=random.random(3000)
    )
    sound = from_recording(recording)
    late = {"running": Trace(recording.behaviour["running"].values, clock + 40, "cm/s")}
    found = from_recording(replace(recording, behaviour=late))
    assert sound.omissions == ()
    (omission,) = found.omissions
    assert (omission.rule, omission.pieces, omission.number) == ("outside_clock", "seconds of running", 100)
    assert omission.names == tuple(f"{second} s" for second in range(40))
    assert found.running is not None and np.isnan(found.running[:1200]).all()
