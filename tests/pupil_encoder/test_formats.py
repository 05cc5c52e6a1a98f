"""One simulated mouse in every format that holds spikes: the recording and the score of its native files."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from neurokit.experiment import Experiment
from neurokit.pupil_encoder import from_recording
from neurokit.pupil_encoder.alf import read_alf
from neurokit.pupil_encoder.recording import TrialRecording
from neurokit.pupil_encoder.simulated_files import write_alf
from neurokit.pupil_encoder.simulation import RegionTruth, SessionParameters, simulate_session
from neurokit.recordings import Recording, read, write_arrays, write_experanto
from tests.recordings.write_ibl import write_ibl

REGIONS = (
    RegionTruth(name="SCs", channel="pupil_area", lag=-0.1, gain=0.4, time_constant=0.05, neurons=24),
    RegionTruth(name="LGd", channel="face_motion", lag=0.1, gain=0.4, time_constant=0.05, neurons=24),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    mouse = SessionParameters(mouse="Own", date="2026-02-01", trials=70, seed=6, regions=REGIONS)
    return write_alf(simulate_session(mouse), tmp_path_factory.mktemp("native"))


def ibl(recording: Recording, path: Path) -> Path:
    return write_ibl(replace(recording, name=f"{recording.name}_001"), path)


FORMATS: dict[str, Callable[[Recording, Path], Path]] = {
    "folder": write_arrays,
    "npz": lambda recording, path: write_arrays(recording, path.with_suffix(".npz")),
    "experanto": write_experanto,
    "ibl": ibl,
}


def assert_same(own: TrialRecording, native: TrialRecording, kind: str) -> None:
    assert own.omissions == native.omissions and own.bin_size == native.bin_size
    np.testing.assert_array_equal(own.spikes, native.spikes)
    np.testing.assert_array_equal(own.brain_area, native.brain_area)
    np.testing.assert_allclose(own.time, native.time, atol=1e-12)
    pd.testing.assert_frame_equal(own.trials, native.trials, atol=1e-9, check_index_type=False)
    lacking = {"pupil_x", "pupil_y", "blink"} if kind == "ibl" else set()  # IBL has none of these
    assert set(own.behaviour) == set(native.behaviour) - lacking
    for channel, values in own.behaviour.items():
        np.testing.assert_allclose(values, native.behaviour[channel], atol=1e-6, err_msg=channel)


def test_the_original_folder_makes_the_recording_of_the_encoder_s_own_reader(folder: Path) -> None:
    assert_same(from_recording(read(folder)), read_alf(folder).recording(), "alf")


@pytest.mark.parametrize("kind", FORMATS)
def test_each_format_makes_the_same_recording(kind: str, folder: Path, tmp_path: Path) -> None:
    path = FORMATS[kind](read(folder), tmp_path / "mouse")
    assert_same(from_recording(read(path)), read_alf(folder).recording(), kind)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["npz", "experanto"])
def test_scores_are_those_of_the_original(
    kind: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path / "data"))
    path = FORMATS[kind](read(folder), tmp_path / "mouse")
    made = [from_recording(read(place)) for place in (path, folder)]
    one, other = (
        Experiment("pupil-encoder", recording=each, epochs=1, values={"hidden": 4}).train().evaluate()
        for each in made
    )
    assert np.isfinite(one["r2_mean"]).all()
    pd.testing.assert_frame_equal(one, other)
