"""A session read through AllenSDK: every field as simulated, and bad files named in one sentence."""

import shutil
import tracemalloc
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import h5py
import numpy as np
import pytest

from neurokit.errors import DataError
from neurokit.training.omissions import Omission
from neurokit.v1_transformer import recording as allen_movies
from neurokit.v1_transformer.recording import load_session, read_frames
from neurokit.v1_transformer.simulated_files import PIPELINE, read_truth, truth_path, write_session
from neurokit.v1_transformer.simulation import (
    UNTRACKED,
    SessionParameters,
    SimulatedSession,
    simulate_session,
)

ONE, THREE = "natural_movie_one", "natural_movie_three"
SMALL = {"cells": 6, "frames": 30, "height": 19, "width": 38, "repeats": 4, "spontaneous": 5.0}


@pytest.fixture(scope="module")
def session() -> SimulatedSession:
    return simulate_session(SessionParameters(**SMALL))


@pytest.fixture(scope="module")
def path(session: SimulatedSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_session(session, tmp_path_factory.mktemp("allen"))


def test_every_field_is_as_simulated(session: SimulatedSession, path: Path) -> None:
    found = load_session(path)
    assert found.session_id == session.parameters.session_id
    assert (found.session_type, found.structure, found.depth) == ("three_session_A", "VISp", 175)
    assert (found.cre_line, found.pipeline) == ("Cux2-CreERT2", "3.0")
    for name in ("cell_ids", "time", "dff"):
        np.testing.assert_array_equal(getattr(found, name), getattr(session, name))
    np.testing.assert_array_equal(found.pupil, session.pupil.astype(np.float32))
    assert list(found.movies) == [ONE, THREE]
    for name, movie in found.movies.items():
        np.testing.assert_array_equal(movie.frames, session.movies[name])
        np.testing.assert_array_equal(movie.starts, session.starts[name])


def test_running_is_nan_where_it_was_not_measured(session: SimulatedSession, path: Path) -> None:
    running = load_session(path).running
    first, last = UNTRACKED
    assert np.isnan(running[:first]).all() and np.isnan(running[-last:]).all()
    np.testing.assert_allclose(running[first:-last], session.running, rtol=1e-6)


@pytest.mark.parametrize("session_type", ["three_session_B", "three_session_C", "three_session_C2"])
def test_other_sessions_and_no_pupil(tmp_path: Path, session_type: str) -> None:
    session = simulate_session(SessionParameters(**SMALL, session_type=session_type, pupil=False))
    found = load_session(write_session(session, tmp_path))
    assert found.pupil is None and found.session_type == session_type
    assert set(found.movies) == set(session.movies)
    for name, movie in found.movies.items():
        np.testing.assert_array_equal(movie.starts, session.starts[name])


def test_cells_come_in_the_order_of_the_file(session: SimulatedSession, path: Path) -> None:
    ids = session.cell_ids
    wanted = sorted(int(number) for number in ids[[4, 1, 3]])
    found = load_session(path, cells=wanted, movies=[ONE])
    np.testing.assert_array_equal(found.cell_ids, ids[[1, 3, 4]])
    np.testing.assert_array_equal(found.dff, session.dff[[1, 3, 4]])
    without = load_session(path, without=[int(ids[0])], movies=[ONE])
    np.testing.assert_array_equal(without.dff, session.dff[1:])
    assert list(found.movies) == [ONE]


def test_frames_shrink_by_area(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    frames = random.integers(0, 256, (9, 12, 20), dtype=np.uint8)
    monkeypatch.setattr(allen_movies, "CHUNK_SIZE", 4)
    blocks = frames.reshape(9, 4, 3, 5, 4).mean(axis=(2, 4))
    assert np.abs(read_frames(frames, (4, 5)) - blocks).max() <= 0.501
    np.testing.assert_array_equal(read_frames(frames, None), frames)
    np.testing.assert_array_equal(read_frames(frames, (24, 40)), frames)  # never enlarged
    uneven = read_frames(frames, (5, 7))  # pixels that straddle: by hand for the first
    rows, columns = np.array([1, 1, 0.4]), np.array([1, 1, 6 / 7])
    first = np.einsum("fhw,h,w->f", frames[:, :3, :3].astype(float), rows, columns)
    assert np.abs(uneven[:, 0, 0] - first / (rows.sum() * columns.sum())).max() <= 0.501


def peak_of_reading(stored: h5py.Dataset) -> int:
    """Most bytes held at once."""
    tracemalloc.start()
    read_frames(stored, (8, 8))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_a_movie_at_full_size_is_never_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames, size = 2000, 64 * 64
    with h5py.File(tmp_path / "movie.h5", "w") as file:
        stored = file.create_dataset("data", (frames, 64, 64), np.uint8, chunks=(10, 64, 64))
        in_blocks = peak_of_reading(stored)
        monkeypatch.setattr(allen_movies, "CHUNK_SIZE", frames)
        at_once = peak_of_reading(stored)
    assert in_blocks < frames * size / 2 < frames * size < at_once


Edit = Callable[[h5py.File], None]
TABLE = f"stimulus/presentation/{ONE}_stimulus"
DFF = f"{PIPELINE}/DfOverF/imaging_plane_1/data"
CLOCK = f"{PIPELINE}/DfOverF/imaging_plane_1/timestamps"
FRAMES = f"stimulus/templates/{ONE}_image_stack/data"
RUNNING = f"{PIPELINE}/BehavioralTimeSeries/running_speed"


def replace(file: h5py.Group, name: str, values: np.ndarray) -> None:
    del file[name]
    file[name] = values


def late(file: h5py.File) -> None:
    replace(file, f"{TABLE}/frame_duration", file[f"{TABLE}/frame_duration"][()] + 10_000)


def clock(file: h5py.File, where: object, values: object) -> None:
    file[CLOCK][where] = values


def ids(file: h5py.File, values: object) -> None:
    replace(file, f"{PIPELINE}/ImageSegmentation/cell_specimen_ids", np.asarray(values))


def grey(file: h5py.File, change: Callable[[np.ndarray], np.ndarray]) -> None:
    replace(file, FRAMES, change(file[FRAMES][()]))


def nan_running(file: h5py.File) -> None:
    file[f"{RUNNING}/data"][:] = np.nan


def short_running(file: h5py.File) -> None:
    replace(file, f"{RUNNING}/data", file[f"{RUNNING}/data"][:100])


def backwards(file: h5py.File) -> None:
    for name in ("DfOverF", "Fluorescence"):
        where = f"{PIPELINE}/{name}/imaging_plane_1/timestamps"
        if where in file:
            replace(file, where, file[where][()][::-1].copy())


BAD: dict[str, tuple[Edit, str]] = {
    "no running": (lambda file: file.__delitem__(RUNNING), "no running speed.*running=False"),
    "NaN running": (nan_running, "NaN throughout.*running=False"),
    "running in ms": (
        lambda file: replace(file, f"{RUNNING}/timestamps", 1000 * file[f"{RUNNING}/timestamps"][()]),
        "times of running .* go from .*: give both in seconds",
    ),
    "running beyond any mouse": (
        lambda file: file[f"{RUNNING}/data"].__setitem__(..., 1e4),
        "beyond 500 cm/s throughout.*running=False",
    ),
    "running cut short": (short_running, "running speed.*100 values and 1890 times.*running=False"),
    "times backwards": (backwards, "DfOverF.*do not ascend .* at sample 1, and .*: choose another session"),
    "times with NaN": (lambda file: clock(file, slice(5, 7), np.nan), "do not ascend .* and 3 times in all"),
    "two times equal": (lambda file: clock(file, 5, file[CLOCK][4]), "do not ascend .* at sample 5, and 1 "),
    "times in ms": (lambda file: clock(file, ..., 1000 * file[CLOCK][()]), "must be in seconds: choose"),
    "an id twice": (lambda file: ids(file, [1, 2, 3, 2, 5, 6]), "cell_specimen_ids .* hold 2 for two cells"),
    "an id below 0": (lambda file: ids(file, [1, 2, -3, 4, 5, 6]), "hold -3, which cannot be"),
    "an id beyond int64": (
        lambda file: ids(file, np.array([1, 2, 3, 4, 5, 2**63 + 1], np.uint64)),
        "hold 9223372036854775809, which cannot be",
    ),
    "ids that are no numbers": (lambda file: ids(file, np.arange(6.0)), "float64, which cannot be"),
    "no cell is sound": (
        lambda file: replace(file, DFF, np.zeros_like(file[DFF])),
        "constant in 6 of 6 cells",
    ),
    "cells that fit no trace": (lambda file: ids(file, [1, 2]), "has dF/F of shape"),
    "no movie": (
        lambda file: [file.__delitem__(f"stimulus/presentation/{name}_stimulus") for name in (ONE, THREE)],
        "no natural movie, only spontaneous",
    ),
    "no frames": (
        lambda file: file.__delitem__(f"stimulus/templates/{ONE}_image_stack"),
        f"no frames of {ONE}",
    ),
    "after the end": (late, f"{ONE}.*no repeat.* 4 were shown, 4 at times outside .*--movies"),
    "a frame too many": (
        lambda file: replace(file, f"{TABLE}/data", file[f"{TABLE}/data"][()] + 1),
        "has 30 frames and a stimulus table of 4 of 120 rows with other numbers than 0 to 29.*--movies",
    ),
    "grey values from 0 to 1": (lambda file: grey(file, lambda v: v / 255), "rescale the movie"),
    "grey values beyond 255": (
        lambda file: grey(file, lambda v: v.astype("u2") + 99),
        "whole numbers from 0",
    ),
    "NaN in frames": (lambda file: grey(file, lambda v: np.where(v == v[0, 0, 0], np.nan, v)), "such as nan"),
    "frames in colour": (lambda file: grey(file, lambda v: np.stack([v] * 3, -1)), "frames x rows x columns"),
    "another project's": (
        lambda file: file.attrs.__setitem__("nwb_version", "2.6.0"),
        "is an NWB 2.6.0 file: a session of the Brain Observatory is an NWB 1 file",
    ),
    "something else": (
        lambda file: file.__delitem__("processing"),
        "is an HDF5 file without processing/brain",
    ),
    "an array elsewhere": (
        lambda file: [file.__delitem__(DFF), file.__setitem__(DFF, h5py.ExternalLink("b.h5", "x"))],
        "leads to another file",
    ),
    "a link to a link elsewhere": (
        lambda file: [
            file.__delitem__(RUNNING),
            file.__setitem__("away", h5py.ExternalLink("b.h5", "x")),
            file.__setitem__(RUNNING, h5py.SoftLink("/away")),
        ],
        "leads to another file",
    ),
    "gigabytes of nothing": (
        lambda file: [file.__delitem__(DFF), file.create_dataset(DFF, (6, 10**8), "f4", chunks=(1, 10**5))],
        "claims 2400000000 bytes, and the file has 0 at most",
    ),
    "newer pipeline": (
        lambda file: replace(file, "general/generated_by", np.array([b"version", b"9.0"])),
        "pipeline 9.0.*up to 3.0",
    ),
    "odd pipeline": (
        lambda file: replace(file, "general/generated_by", np.array([b"version", b"latest"])),
        "no metadata",
    ),
    "no dF/F": (lambda file: file.__delitem__(f"{PIPELINE}/DfOverF"), "DfOverF.* is missing"),
    "no depth": (
        lambda file: file.__delitem__("general/optophysiology/imaging_plane_1/imaging depth"),
        "does not state its depth",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_told_in_one_sentence(path: Path, tmp_path: Path, name: str) -> None:
    edit, sentence = BAD[name]
    bad = tmp_path / "bad.nwb"
    shutil.copy(path, bad)
    with h5py.File(bad, "a") as file:
        edit(file)
    before = bad.read_bytes()
    with pytest.raises(DataError, match=sentence) as caught:
        load_session(bad)
    assert str(bad) in str(caught.value) and "\n" not in str(caught.value)
    assert bad.read_bytes() == before


def test_a_cell_that_cannot_be_so_bright_costs_that_cell(
    session: SimulatedSession, path: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.nwb"
    shutil.copy(path, bad)
    with h5py.File(bad, "a") as file:
        file[DFF][3, ::40] = 1000
    found = load_session(bad)
    name = str(session.cell_ids[3])
    assert found.omissions == (Omission("out_of_range", "units", (name,), len(session.cell_ids)),)
    np.testing.assert_array_equal(found.dff, np.delete(session.dff, 3, axis=0))


@pytest.mark.parametrize("speed", [1e4, -1e4, 1e20])
def test_running_beyond_any_mouse_is_not_measured(path: Path, tmp_path: Path, speed: float) -> None:
    bad, sound = tmp_path / "bad.nwb", load_session(path)
    shutil.copy(path, bad)
    with h5py.File(bad, "a") as file:
        file[f"{RUNNING}/data"][::40] = speed
    found = load_session(bad)
    lost = np.isnan(found.running) & ~np.isnan(sound.running)
    (omission,) = found.omissions
    assert (omission.rule, omission.pieces) == ("out_of_range", "samples of running")
    assert lost.any() and len(omission.names) == lost.sum() and omission.number == len(sound.time)
    np.testing.assert_array_equal(found.running[~lost], sound.running[~lost])


def test_running_that_never_changes_is_named(path: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.nwb"
    shutil.copy(path, bad)
    with h5py.File(bad, "a") as file:
        file[f"{RUNNING}/data"][:] = 0
    assert load_session(bad).omissions == (Omission("constant", "channels", ("running",), 2),)
    assert load_session(path).omissions == ()


EYE = f"{PIPELINE}/EyeTracking/pupil_location_spherical"
PUPIL = f"{PIPELINE}/PupilTracking/pupil_size"


def put_pupil(file: h5py.File, place: str, where: object, value: object) -> None:
    """Some values of an array, whatever its layout."""
    values = file[place][()]
    values[where] = value(values[where]) if callable(value) else value
    replace(file, place, values)


@pytest.mark.parametrize(
    ("place", "value", "column"),
    [
        (f"{EYE}/data", 1e3, 0),
        (f"{EYE}/data", -181.0, 1),
        (f"{PUPIL}/data", -5.0, 2),
        (f"{PUPIL}/data", 1e9, 2),
    ],
)
def test_a_pupil_that_cannot_be_is_not_measured(
    path: Path, tmp_path: Path, place: str, value: float, column: int
) -> None:
    bad, sound = tmp_path / "bad.nwb", load_session(path)
    shutil.copy(path, bad)
    with h5py.File(bad, "a") as file:
        where = slice(None, None, 40)
        put_pupil(file, place, where if column == 2 else (where, column), value)
    found = load_session(bad)
    assert found.pupil is not None and sound.pupil is not None
    lost = np.isnan(found.pupil) & ~np.isnan(sound.pupil)
    (omission,) = found.omissions
    assert (omission.rule, omission.pieces) == ("out_of_range", "samples of pupil")
    assert lost[:, column].any() and lost.sum() == lost[:, column].sum() == len(omission.names)
    np.testing.assert_array_equal(found.pupil[~lost], sound.pupil[~lost])
    assert np.nanmax(np.abs(found.pupil[:, :2])) <= 180


@pytest.mark.parametrize(
    ("change", "names", "rule"),
    [
        ({f"{EYE}/timestamps": lambda t: 1000 * t}, ["pupil"], "off_the_clock"),
        ({f"{PUPIL}/timestamps": lambda t: t + 1e5}, ["pupil"], "off_the_clock"),
        ({f"{EYE}/data": 3.0, f"{PUPIL}/data": 200.0}, ["pupil"], "constant"),
        ({f"{EYE}/data": np.nan, f"{PUPIL}/data": np.nan}, ["pupil"], "not_finite"),
        ({f"{EYE}/data": 1e5, f"{PUPIL}/data": -1.0}, ["pupil"], "out_of_range"),
        ({f"{PUPIL}/data": 200.0}, ["pupil size"], "constant"),
        ({f"{PUPIL}/data": 1e8}, ["pupil size"], "out_of_range"),
        ({f"{PUPIL}/data": np.nan}, ["pupil size"], "not_finite"),
        ({f"{EYE}/data": 0.0}, ["pupil azimuth", "pupil altitude"], "constant"),
    ],
)
def test_a_pupil_that_says_nothing_is_left_out_by_name(
    path: Path, tmp_path: Path, change: dict[str, object], names: list[str], rule: str
) -> None:
    bad, sound = tmp_path / "bad.nwb", load_session(path)
    shutil.copy(path, bad)
    with h5py.File(bad, "a") as file:
        for place, value in change.items():
            put_pupil(file, place, slice(None), value)
    found = load_session(bad)
    assert found.omissions == (Omission(rule, "channels", tuple(names), 2 if names == ["pupil"] else 4),)
    assert (found.pupil is None) == (names == ["pupil"])
    if found.pupil is not None and sound.pupil is not None:
        gone = np.isnan(found.pupil).all(axis=0)
        assert gone.sum() == len(names)
        np.testing.assert_array_equal(found.pupil[:, ~gone], sound.pupil[:, ~gone])


def test_what_the_sentence_says_helps(session: SimulatedSession, path: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.nwb"
    shutil.copy(path, bad)
    with h5py.File(bad, "a") as file:
        nan_running(file)
        late(file)
    ids = session.cell_ids
    found = load_session(bad, without=[int(ids[1]), int(ids[4])], running=False, movies=[THREE])
    np.testing.assert_array_equal(found.dff, session.dff[[0, 2, 3, 5]])
    assert np.isnan(found.running).all()


def test_other_projects_are_named_without_warnings(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with h5py.File(tmp_path / "two.nwb", "w") as file:
        file.attrs["nwb_version"] = "2.6.0"
        file["processing/ophys/dff/traces/data"] = np.zeros((100, 3))
    with pytest.raises(DataError, match=r"two\.nwb is an NWB 2\.6\.0 file"):
        load_session(tmp_path / "two.nwb")
    assert not caplog.records


def every_second_sample(file: h5py.File) -> None:
    """A microscope of 15 Hz, which takes one sample of two frames."""
    pipeline, stimuli = file[PIPELINE], file["stimulus/presentation"]
    places = ["DfOverF/imaging_plane_1", "Fluorescence/imaging_plane_1", "BehavioralTimeSeries/running_speed"]
    places += ["EyeTracking/pupil_location_spherical", "PupilTracking/pupil_size"]
    for group in map(pipeline.__getitem__, places):
        samples = int(np.argmax(group["data"].shape))
        replace(group, "data", np.take(group["data"], range(0, group["data"].shape[samples], 2), samples))
        replace(group, "timestamps", group["timestamps"][::2])
    for name in (ONE, THREE):
        place = f"{name}_stimulus/frame_duration"
        replace(stimuli, place, stimuli[place][()] // 2)


def test_a_microscope_may_be_slower_than_the_movie(path: Path, tmp_path: Path) -> None:
    slow = tmp_path / "slow.nwb"
    shutil.copy(path, slow)
    with h5py.File(slow, "a") as file:
        every_second_sample(file)
    found, before = load_session(slow), load_session(path)
    assert not found.omissions
    np.testing.assert_array_equal(found.dff, before.dff[:, ::2])
    np.testing.assert_array_equal(found.running, before.running[::2])
    for name, movie in found.movies.items():
        np.testing.assert_array_equal(movie.starts, before.movies[name].starts // 2)


@pytest.mark.parametrize("kind", [np.uint16, np.int64, np.float32])
def test_grey_values_of_another_type_are_the_same_movie(path: Path, tmp_path: Path, kind: type) -> None:
    other = tmp_path / "other.nwb"
    shutil.copy(path, other)
    with h5py.File(other, "a") as file:
        grey(file, lambda values: values.astype(kind))
    frames = [load_session(each, movies=[ONE], size=(8, 8)).movies[ONE].frames for each in (path, other)]
    np.testing.assert_array_equal(*frames)


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_older_pipelines_are_read(path: Path, tmp_path: Path, version: str) -> None:
    old = tmp_path / "old.nwb"
    shutil.copy(path, old)
    with h5py.File(old, "a") as file:
        replace(file, "general/generated_by", np.array([b"version", version.encode()]))
        speed = file[f"{RUNNING}/data"][()]
        replace(file, f"{RUNNING}/data", speed[:, None])  # a column, as the oldest files have it
    found = load_session(old, movies=[ONE])
    assert found.pipeline == version
    np.testing.assert_array_equal(found.running, load_session(path, movies=[ONE]).running)


def test_truncated_missing_and_other_files(path: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.nwb"
    cut.write_bytes(path.read_bytes()[:-2000])
    page = tmp_path / "page.nwb"
    page.write_text("<html>")
    with pytest.raises(DataError, match=r"cut\.nwb is cut short, damaged or not an HDF5 file.*remove it"):
        load_session(cut)
    with pytest.raises(DataError, match=r"page\.nwb is cut short, damaged or not an HDF5 file"):
        load_session(page)
    with pytest.raises(DataError, match=r"none\.nwb is missing"):
        load_session(tmp_path / "none.nwb")


def test_bad_arguments(session: SimulatedSession, path: Path) -> None:
    with pytest.raises(DataError, match=r"no cells \[5\]"):
        load_session(path, cells=[int(session.cell_ids[0]), 5])
    with pytest.raises(DataError, match="no cell left"):
        load_session(path, without=[int(number) for number in session.cell_ids])
    with pytest.raises(DataError, match="no natural_movie_two, only natural_movie_one"):
        load_session(path, movies=["natural_movie_two"])
    with pytest.raises(DataError, match=r"size is \(0, 4\)"):
        load_session(path, size=(0, 4))


def test_the_truth_is_read_as_written(session: SimulatedSession, path: Path) -> None:
    truth = read_truth(truth_path(path))
    assert truth.parameters == session.parameters.to_dict()
    for name in ("cell_ids", "speed", "expected", "expected_from_movie"):
        np.testing.assert_array_equal(getattr(truth, name), getattr(session, name))
    for each in fields(session.cells):
        planted = getattr(session.cells, each.name)
        np.testing.assert_array_equal(getattr(truth.cells, each.name), planted)


def test_a_damaged_truth_is_told(path: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "truth.npz"
    damaged.write_bytes(truth_path(path).read_bytes()[:1000])
    with pytest.raises(DataError, match=r"truth\.npz is not the truth"):
        read_truth(damaged)
