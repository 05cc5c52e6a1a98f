"""IBL sessions in the names of today: written and read back equal; what does not fit is said in numbers."""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from neurokit.errors import DataError
from neurokit.recordings import Recording, Spikes, Trace, read, recognise
from tests.recordings.same import assert_same
from tests.recordings.write_ibl import REVISION, write_ibl

UNITS, TRIALS, FRAMES = 5, 12, 6000


def recording() -> Recording:
    random = np.random.default_rng(0)
    camera = 3.0 + np.arange(FRAMES) / 60
    pupil = random.normal(size=FRAMES)
    pupil[50:80] = np.nan
    left = np.where(np.arange(TRIALS) % 2, 0.25, 0.0)
    times = np.sort(random.uniform(0, 110, 3000))
    moments, counts = np.unique(np.round(random.uniform(5, 100, 80), 1), return_counts=True)
    return Recording(
        "KS014_2019-12-03_001",
        "IBL",
        np.arange(UNITS),
        spikes=Spikes(times, random.integers(0, UNITS, len(times))),
        area=np.array(["VISp4", "VISp5", "CA1", "LGd", "LGd"]),
        coordinates=random.normal(size=(UNITS, 3)) * 1000,
        behaviour={
            "wheel": Trace(np.cumsum(random.normal(size=900)), np.sort(random.uniform(0, 110, 900)), "rad"),
            "licks": Trace(counts, moments, "licks"),
            "face_motion": Trace(random.random(FRAMES), camera, "arbitrary"),
            "pupil_size": Trace(pupil, camera, "px"),
            "pupil_size_smooth": Trace(random.normal(size=FRAMES), camera, "px"),
        },
        events=pd.DataFrame(
            {
                "stimulus_time": 5 + 8.0 * np.arange(TRIALS),
                "contrast_left": left,
                "contrast_right": np.where(left > 0, 0.0, 1.0),
                "response": np.where(left > 0, 1, -1),
                "response_time": random.uniform(0.2, 1, TRIALS),
                "go_cue": random.uniform(0.0, 0.01, TRIALS),
                "feedback_type": np.ones(TRIALS),
                "feedback_time": random.uniform(0.3, 1.1, TRIALS),
                "probabilityLeft": np.full(TRIALS, 0.5),
            }
        ),
    )


@pytest.mark.parametrize("table", [True, False])
def test_what_is_written_comes_back_equal(table: bool, tmp_path: Path) -> None:
    session = write_ibl(recording(), tmp_path, table)
    for path in (session, session / "alf"):
        assert recognise(path) == "IBL"
        assert_same(read(path), recording(), atol=1e-12)
    said = " ".join(read(session).notes)
    assert "proved on files written here" in said and "2 of 5 units pass all" in said


def test_units_of_a_second_probe_have_numbers_of_their_own(tmp_path: Path) -> None:
    session = write_ibl(recording(), tmp_path)
    second = session / "alf" / "probe01"
    second.mkdir()
    np.save(second / "spikes.times.npy", np.array([1.5, 2.5]))
    np.save(second / "spikes.clusters.npy", np.array([0, 2]))
    found = read(session)
    assert found.unit_ids.tolist() == [0, 1, 2, 3, 4, 1_000_000, 1_000_001, 1_000_002]
    assert found.area.tolist()[5:] == ["", "", ""] and np.isnan(found.coordinates[5:]).all()
    assert len(found.spikes.times) == 3002 and (np.diff(found.spikes.times) >= 0).all()
    np.save(second / "spikes.clusters.npy", np.array([0, 2, 1]))
    found = read(session)
    assert found.units == 5
    assert any("probe01 is left out" in note and "2 spikes.times have 3" in note for note in found.notes)


def test_the_newest_sorting_is_read(tmp_path: Path) -> None:
    session = write_ibl(recording(), tmp_path)
    np.save(session / "alf" / "probe00" / "spikes.times.npy", np.array([1.5]))
    np.save(session / "alf" / "probe00" / "spikes.clusters.npy", np.array([0]))
    found = read(session)
    assert_same(found, recording(), atol=1e-12)
    assert any("sorted 2 times: probe00/pykilosort is read" in note for note in found.notes)


def camera(count: int) -> Callable[[Path], None]:
    def change(alf: Path) -> None:
        times = 3.0 + np.arange(-(count - FRAMES), FRAMES) / 60 if count > FRAMES else np.arange(count) / 60
        np.save(alf / "_ibl_leftCamera.times.npy", times)

    return change


def test_a_few_first_times_of_a_camera_are_left_out_as_ibl_does(tmp_path: Path) -> None:
    session = write_ibl(recording(), tmp_path)
    camera(FRAMES + 3)(session / "alf")
    found = read(session)
    np.testing.assert_allclose(found.behaviour["face_motion"].time, 3.0 + np.arange(FRAMES) / 60)
    assert any(
        "6003 times of 6000 frames; the first 3 are left out, as IBL does" in note for note in found.notes
    )


LEFT_OUT: dict[str, tuple[Callable[[Path], None], tuple[str, ...], str]] = {
    "fewer times than frames": (
        camera(5998),
        ("face_motion", "pupil_size"),
        "6000 frames, and .* 5998 times",
    ),
    "many more times": (camera(7000), ("face_motion", "pupil_size"), "6000 frames, and .* 7000 times"),
    "no times": (
        lambda alf: (alf / "_ibl_leftCamera.times.npy").unlink(),
        ("face_motion",),
        "leftCamera.times is missing",
    ),
    "times that do not ascend": (
        lambda alf: np.save(alf / "_ibl_leftCamera.times.npy", np.tile(np.arange(FRAMES // 10) / 6, 10)),
        ("face_motion", "pupil_size"),
        "5400 of its 6000 times do not ascend",
    ),
    "milliseconds": (
        lambda alf: np.save(alf / "_ibl_leftCamera.times.npy", 1e3 * np.arange(FRAMES)),
        ("face_motion",),
        "not milliseconds",
    ),
    "a wheel of two lengths": (
        lambda alf: np.save(alf / "_ibl_wheel.position.npy", np.zeros(899)),
        ("wheel",),
        "899 positions have 900 times",
    ),
    "an array cut short": (
        lambda alf: (alf / "licks.times.npy").write_bytes(b"\x93NUMPY") and None,
        ("licks",),
        "licks.times.npy cannot be read",
    ),
    "a torn table": (
        lambda alf: (alf / "_ibl_leftCamera.features.pqt").write_bytes(b"PAR1") and None,
        ("pupil_size",),
        "features.pqt is no parquet table",
    ),
    "pupil never seen": (
        lambda alf: pd.DataFrame({"pupilDiameter_raw": np.full(FRAMES, np.nan)}).to_parquet(
            alf / "_ibl_leftCamera.features.pqt"
        ),
        ("pupil_size", "pupil_size_smooth"),
        "pupilDiameter_raw is left out: it was never measured",
    ),
    "no lick has a time": (
        lambda alf: np.save(alf / "licks.times.npy", np.full(3, np.nan)),
        ("licks",),
        "licks are left out: none has a time",
    ),
}


@pytest.mark.parametrize("case", LEFT_OUT)
def test_bad_behaviour_is_left_out_and_said(case: str, tmp_path: Path) -> None:
    damage, gone, says = LEFT_OUT[case]
    session = write_ibl(recording(), tmp_path)
    damage(session / "alf")
    found = read(session)
    assert not set(gone) & set(found.behaviour) and "wheel" in {*found.behaviour, *gone}
    assert any(re.search(says, note) for note in found.notes)
    assert len(found.spikes.times) == 3000


def test_samples_without_a_time_of_their_own_are_left_out(tmp_path: Path) -> None:
    session = write_ibl(recording(), tmp_path)
    times = 3.0 + np.arange(FRAMES) / 60
    times[[5, 9]] = np.nan
    times[20] = times[19]
    np.save(session / "alf" / "_ibl_leftCamera.times.npy", times)
    found = read(session)
    assert len(found.behaviour["face_motion"].values) == FRAMES - 3
    assert any("3 of 6000 samples have no time of their own" in note for note in found.notes)


def test_areas_are_numbers_of_the_atlas_where_nothing_translates_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = write_ibl(recording(), tmp_path)
    probe = session / "alf" / "probe00" / "pykilosort"
    (probe / "channels.brainLocationAcronyms_ccf_2017.npy").unlink()
    np.save(probe / "channels.brainLocationIds_ccf_2017.npy", np.full(UNITS + 3, -385))
    monkeypatch.setitem(sys.modules, "iblatlas.regions", None)
    found = read(session)
    assert found.area.tolist() == ["385"] * UNITS
    assert any("with iblatlas installed" in note for note in found.notes)
    atlas = ModuleType("iblatlas.regions")
    atlas.BrainRegions = type(
        "B", (), {"id2acronym": lambda self, ids: np.where(ids == -385, "VISp", "root")}
    )
    monkeypatch.setitem(sys.modules, "iblatlas.regions", atlas)
    assert read(session).area.tolist() == ["VISp"] * UNITS


def test_a_session_without_trials_or_areas_is_read_and_said(tmp_path: Path) -> None:
    probe = tmp_path / "session" / "alf" / "probe00"
    probe.mkdir(parents=True)
    np.save(probe / "spikes.times.npy", np.array([0.5, 1.5]))
    np.save(probe / "spikes.clusters.npy", np.array([3, 0]))
    found = read(tmp_path / "session")
    assert found.units == 4 and found.area is None and found.events is None and not found.behaviour
    assert any(note.startswith("No trials") for note in found.notes)


PROBE = f"probe00/pykilosort/{REVISION}"
BAD: dict[str, tuple[Callable[[Path], None], str]] = {
    "no spikes": (
        lambda alf: [file.unlink() for file in alf.rglob("spikes.times.npy")] and None,
        "has no spikes.times.npy",
    ),
    "clusters of another revision": (
        lambda alf: np.save(alf / PROBE / "spikes.times.npy", np.arange(7.0)),
        "7 spikes.times have 3000 spikes.clusters",
    ),
    "clusters that are none": (
        lambda alf: (
            [file.unlink() for file in alf.rglob("spikes.clusters*")]
            and np.save(alf / PROBE / "spikes.clusters.npy", np.full(3000, 0.5))
        ),
        "in whole numbers from 0",
    ),
    "clusters without a channel": (
        lambda alf: np.save(alf / "probe00/pykilosort/clusters.channels.npy", np.arange(2)),
        "spikes are of cluster 4, and clusters.channels has 2",
    ),
    "no spike has a time": (
        lambda alf: np.save(alf / PROBE / "spikes.times.npy", np.full(3000, np.nan)),
        "no spike has a time",
    ),
    "milliseconds": (
        lambda alf: np.save(alf / PROBE / "spikes.times.npy", 1e4 * np.arange(3000.0)),
        "not milliseconds",
    ),
    "pickled objects": (
        lambda alf: np.save(alf / PROBE / "spikes.times.npy", np.array([None] * 3000), allow_pickle=True),
        "it holds pickled objects",
    ),
    "words": (
        lambda alf: np.save(alf / PROBE / "spikes.times.npy", np.full(3000, "a")),
        "holds <U1 of shape",
    ),
    "cut short": (
        lambda alf: (alf / PROBE / "spikes.times.npy").write_bytes(b"\x93NUMPY\x01") and None,
        "spikes.times.npy cannot be read",
    ),
    "a torn table of trials": (
        lambda alf: (alf / "_ibl_trials.table.pqt").write_bytes(b"no table") and None,
        "trials.table.pqt is no parquet table",
    ),
    "words for times": (
        lambda alf: pd.DataFrame({"stimOn_times": ["a", "b"]}).to_parquet(alf / "_ibl_trials.table.pqt"),
        "stimOn_times of trials hold",
    ),
    "trials of unequal length": (
        lambda alf: (
            [
                np.save(alf / f"_ibl_trials.{name}.npy", np.zeros(n))
                for name, n in (("choice", 3), ("stimOn_times", 4))
            ]
            and None
        ),
        "trials are of unequal length .choice 3, stimOn_times 4",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_sessions_are_refused_in_one_sentence(case: str, tmp_path: Path) -> None:
    damage, says = BAD[case]
    session = write_ibl(recording(), tmp_path)
    damage(session / "alf")
    with pytest.raises(DataError, match=says) as caught:
        read(session)
    assert "KS014" in str(caught.value) or case == "milliseconds"
    assert str(caught.value).count(". ") == 0


def test_a_missing_pyarrow_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = write_ibl(recording(), tmp_path)
    monkeypatch.setattr(pd, "read_parquet", lambda *args, **options: (_ for _ in ()).throw(ImportError("no")))
    with pytest.raises(DataError, match="which pyarrow reads: install neurokit's extra `ibl`"):
        read(session)
