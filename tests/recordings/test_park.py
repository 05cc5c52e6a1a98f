"""Recordings of gratings: small files of the real layout are read, damaged ones refused in one sentence."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurokit.errors import DataError, SettingsError
from neurokit.recordings.park import DRIFTING, read_drifting, read_running, read_static

CELLS, TRIALS, SAMPLES = 3, 5, 4


def drifting_arrays() -> dict[str, Any]:
    random = np.random.default_rng(0)
    return {
        "cell_id": np.array([11, 7, 9]),
        "selected_how": np.array(["reliability", "random", "random"]),
        "dff": random.normal(size=(CELLS, TRIALS, SAMPLES)).astype(np.float16),
        "time_s": np.array([-0.1, 0, 0.1, 0.2], dtype=np.float32),
        "orientation_deg": np.array([0, 45, np.nan, 0, 45], dtype=np.float32),
        "temporal_frequency_hz": np.array([1, 1, np.nan, 2, 2], dtype=np.float32),
    }


def static_arrays() -> dict[str, Any]:
    random = np.random.default_rng(1)
    labels = np.array([0, 30, np.nan, 60, 90], dtype=np.float32)
    return {
        "cell_id": np.arange(CELLS),
        "mean_dff_0_0p5s": random.normal(size=(CELLS, TRIALS)).astype(np.float16),
        "orientation_deg": labels,
        "spatial_frequency_cpd": labels / 1000,
        "phase": labels / 120,
    }


def running_arrays() -> dict[str, Any]:
    random = np.random.default_rng(2)
    return {
        "dff": random.normal(size=(CELLS, TRIALS, SAMPLES)).astype(np.float32),
        "t": np.array([-0.1, 0, 0.1, 0.2], dtype=np.float32),
        "direction_deg": np.array([0, 45, 90, 0, 45], dtype=np.int16),
        "speed": random.random((TRIALS, SAMPLES)).astype(np.float32),
        "pupil_z": random.random((TRIALS, SAMPLES)).astype(np.float32),
    }


READERS = {
    "drifting": (read_drifting, drifting_arrays),
    "static": (read_static, static_arrays),
    "running": (read_running, running_arrays),
}


def saved(folder: Path, arrays: dict[str, Any]) -> Path:
    path = folder / "gratings.npz"
    np.savez(path, **arrays)
    return path


def test_a_drifting_recording_comes_back_as_it_was_written(tmp_path: Path) -> None:
    arrays = drifting_arrays()
    read = read_drifting(saved(tmp_path, arrays))
    np.testing.assert_array_equal(read.dff, arrays["dff"].astype(np.float32))
    assert read.dff.dtype == np.float32
    assert read.cell_ids.tolist() == [11, 7, 9]
    assert read.at_random.tolist() == [False, True, True]
    np.testing.assert_array_equal(read.direction, arrays["orientation_deg"])
    np.testing.assert_array_equal(read.temporal_frequency, arrays["temporal_frequency_hz"])


def test_static_and_running_recordings_come_back_as_they_were_written(tmp_path: Path) -> None:
    arrays = static_arrays()
    static = read_static(saved(tmp_path, arrays))
    np.testing.assert_array_equal(static.dff, arrays["mean_dff_0_0p5s"].astype(np.float32))
    np.testing.assert_array_equal(static.phase, arrays["phase"])
    np.testing.assert_array_equal(static.spatial_frequency, arrays["spatial_frequency_cpd"])
    arrays = running_arrays()
    running = read_running(saved(tmp_path, arrays))
    np.testing.assert_array_equal(running.running, arrays["speed"])
    np.testing.assert_array_equal(running.pupil, arrays["pupil_z"])
    assert running.direction.tolist() == [0, 45, 90, 0, 45]


def without(key: str) -> Callable[[dict[str, Any]], None]:
    return lambda arrays: arrays.pop(key)


def with_value(key: str, place: Any, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(arrays: dict[str, Any]) -> None:
        arrays[key][place] = value

    return change


def with_array(key: str, change: Callable[[np.ndarray], Any]) -> Callable[[dict[str, Any]], None]:
    return lambda arrays: arrays.update({key: change(arrays[key])})


DAMAGE = {
    "a key is missing": ("drifting", without("time_s"), "has no array 'time_s'"),
    "responses of other trials": (
        "drifting",
        with_array("dff", lambda values: values[:, 1:]),
        r"orientation_deg has shape \(5,\), expected \(4\)",
    ),
    "two dimensions": ("drifting", with_array("dff", lambda v: v[0]), r"dff has shape \(5, 4\), expected"),
    "no trial": ("static", with_array("mean_dff_0_0p5s", lambda v: v[:, :0]), r"has shape \(3, 0\)"),
    "other cells": ("static", with_array("cell_id", lambda v: v[1:]), "mean_dff_0_0p5s has shape"),
    "a value is missing": ("drifting", with_value("dff", (0, 0, 0), np.nan), "1 of 60 values of dff are no"),
    "all are missing": ("static", with_value("mean_dff_0_0p5s", ..., np.nan), "15 of 15 values"),
    "an infinite speed": ("running", with_value("speed", (2, 1), np.inf), "1 of 20 values of speed"),
    "no direction": ("running", with_array("direction_deg", lambda v: v * np.nan), "5 of 5 values of dir"),
    "half a label": ("drifting", with_value("orientation_deg", 0, np.nan), "1 trials have some of"),
    "blanks alone": ("static", with_array("phase", lambda v: v * np.nan), "4 trials have some of"),
    "text": ("running", with_array("speed", lambda v: v.astype(str)), "speed holds <U.*, expected numbers"),
    "cells of fractions": ("drifting", with_array("cell_id", lambda v: v / 2), "expected whole numbers"),
    "time goes back": ("running", with_value("t", 2, -1), "t does not increase"),
    "pickled objects": ("static", with_array("phase", lambda v: v.astype(object)), "phase"),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_a_damaged_file_is_refused_in_one_sentence(case: str, tmp_path: Path) -> None:
    kind, damage, says = DAMAGE[case]
    read, intact = READERS[kind]
    arrays = intact()
    read(saved(tmp_path, arrays))  # control: the intact file is read
    damage(arrays)
    with pytest.raises(DataError, match=says) as caught:
        read(saved(tmp_path, arrays))
    assert "gratings.npz" in str(caught.value)
    assert str(caught.value).count(". ") == 0


def test_labels_that_are_all_blank_are_refused(tmp_path: Path) -> None:
    arrays = static_arrays()
    for key in ("orientation_deg", "spatial_frequency_cpd", "phase"):
        arrays[key][:] = np.nan
    with pytest.raises(DataError, match="spatial_frequency_cpd, phase contain no grating"):
        read_static(saved(tmp_path, arrays))


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, drifting_arrays())
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DataError, match="truncated"):
        read_drifting(path)


def test_a_missing_recording_names_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEUROKIT_REAL_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"is missing: NEUROKIT_REAL_DATA must be .*40cells\.npz"):
        read_drifting()
    (tmp_path / DRIFTING).parent.mkdir()
    saved(tmp_path, drifting_arrays()).rename(tmp_path / DRIFTING)
    assert read_drifting().dff.shape == (CELLS, TRIALS, SAMPLES)
    monkeypatch.delenv("NEUROKIT_REAL_DATA")
    with pytest.raises(SettingsError, match="set NEUROKIT_REAL_DATA"):
        read_drifting()
