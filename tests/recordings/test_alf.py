"""Sessions of 2019: what the encoder's own reader finds in them is found here, on the session's clock."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from neurokit.errors import DataError
from neurokit.pupil_encoder.alf import read_alf
from neurokit.pupil_encoder.simulated_files import write_alf
from neurokit.pupil_encoder.simulation import RegionTruth, SessionParameters, simulate_session
from neurokit.recordings import read, recognise, resample

REGIONS = (
    RegionTruth(name="SCs", channel="pupil_area", lag=0.1, gain=0.3, time_constant=0.05, neurons=4),
    RegionTruth(name="CA1", channel="licks", lag=0.0, gain=0.1, time_constant=0.1, neurons=3),
)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    session = simulate_session(SessionParameters(trials=8, seed=2, regions=REGIONS))
    return write_alf(session, tmp_path_factory.mktemp("alf"))


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / original.name))


def test_spikes_events_and_behaviour_are_those_of_the_trials(original: Path) -> None:
    assert recognise(original) == "ALF of Steinmetz 2019"
    found, cut = read(original), read_alf(original)
    assert found.notes == () and found.name == original.name
    trials = cut.trials.reset_index(drop=True)
    np.testing.assert_allclose(found.events[trials.columns], trials, rtol=0, atol=1e-9)
    edges = trials["stimulus_time"].to_numpy()[:, None] - 0.5 + np.array([0, 2.5])
    inside = (found.spikes.times[:, None] >= edges[:, 0]) & (found.spikes.times[:, None] < edges[:, 1])
    counts = [inside[found.spikes.unit_ids == unit].sum() for unit in found.unit_ids]
    assert [count for count in counts if count] == cut.spikes.sum(axis=(1, 2)).tolist()
    assert found.area[np.array(counts) > 0].tolist() == cut.brain_area.tolist()
    centres = (trials["stimulus_time"].to_numpy()[:, None] + cut.time).ravel()
    for name, channel in (
        ("pupil_size", "pupil_area"),
        ("pupil_x", "pupil_x"),
        ("face_motion", "face_motion"),
    ):
        frames = found.behaviour[name]
        nearest = frames.values[np.clip(np.searchsorted(frames.time, centres + 1e-6) - 1, 0, None)]
        np.testing.assert_allclose(nearest, cut.behaviour[channel].ravel(), rtol=1e-6)
    wheel = resample(found.behaviour["wheel"], np.append(centres[:250] - 0.005, centres[249] + 0.005))
    np.testing.assert_allclose(np.diff(wheel), cut.behaviour["wheel"][0], atol=1e-4)
    licks = found.behaviour["licks"]
    assert (
        licks.values[(licks.time >= edges[0, 0]) & (licks.time < edges[0, 1])].sum()
        == cut.behaviour["licks"][0].sum()
    )


def test_the_real_session_lacks_its_spikes_and_says_so(real_data: Path) -> None:
    with pytest.raises(DataError, match=r"Cori_2016-12-17 lacks spikes.times.npy and spikes.clusters.npy"):
        read(real_data / "steinmetz2019" / "alf" / "Cori_2016-12-17")


def test_the_real_behaviour_is_read_beside_other_spikes(real_data: Path, tmp_path: Path) -> None:
    real = real_data / "steinmetz2019" / "alf" / "Cori_2016-12-17"
    folder = Path(shutil.copytree(real, tmp_path / "Cori", copy_function=shutil.copyfile))
    np.save(folder / "spikes.times.npy", np.array([[90.0], [95.0], [99.0]]))
    np.save(folder / "spikes.clusters.npy", np.array([[0], [1145], [3]], np.uint32))
    found = read(folder)
    assert found.units == 1070 and len(found.events) == 251
    assert {"pupil_size", "face_motion", "licks", "wheel_moving"} <= set(found.behaviour)
    assert found.behaviour["pupil_size"].rate == pytest.approx(99.985, abs=0.01)
    assert any("pupil_size is on an estimated clock" in note for note in found.notes)
    assert {"VISp", "CA1"} & set(found.area)


def without(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def replaced(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], None]:
    return lambda folder: np.save(folder / name, change(np.load(folder / name)))


LEFT_OUT: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "no clock": (
        without("eye.timestamps.npy"),
        "pupil_size",
        "pupil_size is left out: eye.timestamps.npy is missing",
    ),
    "a clock that goes back": (
        replaced("face.timestamps.npy", lambda rows: rows[::-1]),
        "face_motion",
        "of its clock do not ascend",
    ),
    "a clock of one column": (
        replaced("face.timestamps.npy", lambda rows: rows[:, :1]),
        "face_motion",
        r"its clock has shape \(2, 1\)",
    ),
    "a torn array": (
        lambda folder: (folder / "eye.area.npy").write_bytes(b"\x93NUMPY") and None,
        "pupil_size",
        "cannot be read",
    ),
    "no position": (replaced("eye.xyPos.npy", lambda v: v[:, :0]), "pupil_x", r"of shape \(\d+, 0\)"),
    "words": (
        replaced("wheel.position.npy", lambda v: v.astype(str)),
        "wheel",
        "numbers of one axis are expected",
    ),
    "licks of no time": (replaced("licks.times.npy", lambda v: v * np.nan), "licks", "none has a time"),
}


@pytest.mark.parametrize("case", LEFT_OUT)
def test_bad_behaviour_is_left_out_and_said(case: str, folder: Path) -> None:
    damage, gone, says = LEFT_OUT[case]
    assert gone in read(folder).behaviour
    damage(folder)
    found = read(folder)
    assert gone not in found.behaviour and len(found.behaviour) >= 3
    assert any(re.search(says, note) for note in found.notes)


def test_areas_that_are_not_known_are_absent(folder: Path) -> None:
    (folder / "channels.brainLocation.tsv").unlink()
    assert read(folder).area is None


BAD: dict[str, tuple[Callable[[Path], None], str]] = {
    "no spikes": (without("spikes.times.npy"), "lacks spikes.times.npy; the original"),
    "no clusters": (without("spikes.clusters.npy"), "lacks spikes.clusters.npy"),
    "another length": (
        replaced("spikes.times.npy", lambda v: v[:-1]),
        r"\d+ spikes.times have \d+ spikes.clusters",
    ),
    "clusters of fractions": (
        replaced("spikes.clusters.npy", lambda v: v + 0.5),
        "in whole numbers from 0",
    ),
    "clusters of another session": (replaced("spikes.clusters.npy", lambda v: v + 99), "and clusters have 7"),
    "no good cluster": (
        replaced("clusters._phy_annotation.npy", lambda v: v * 0),
        "no spike is of a good cluster",
    ),
    "milliseconds": (replaced("spikes.times.npy", lambda v: 1e5 * v), "not milliseconds"),
    "no time": (
        replaced("spikes.times.npy", lambda v: v * np.nan),
        "no spike is of a good cluster with a time",
    ),
    "contrasts of other trials": (
        replaced("trials.visualStim_contrastLeft.npy", lambda v: v[1:]),
        "has 7 entries and .* 8",
    ),
    "words for onsets": (replaced("trials.visualStim_times.npy", lambda v: v.astype(str)), "holds <U"),
    "no onset": (replaced("trials.visualStim_times.npy", lambda v: v[:0]), r"of shape \(0,\)"),
    "a torn file": (
        lambda folder: (folder / "spikes.times.npy").write_bytes(b"\x93NUMPY") and None,
        "cannot be read",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_sessions_are_refused_in_one_sentence(case: str, folder: Path) -> None:
    damage, says = BAD[case]
    damage(folder)
    with pytest.raises(DataError, match=says) as caught:
        read(folder)
    assert str(caught.value).count(". ") == 0
