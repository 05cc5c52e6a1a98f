"""suite2p folders: a recording goes out and comes back equal, and bad ones are named in a sentence."""

import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neurokit import recordings
from neurokit.errors import DataError
from neurokit.recordings import Stimulus, Trace, suite2p
from neurokit.recordings.fluorescence import to_dff
from tests.recordings import sessions
from tests.recordings.same import assert_same
from tests.recordings.write_suite2p import NEUCOEFF, REJECTED, write_suite2p


def session(rate: float = 30.0):
    """With the unit that spks have in this format."""
    found = sessions.two_photon(rate)
    return replace(found, traces=Trace(found.traces.values, found.traces.time, "spks"))


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_suite2p(session(), tmp_path_factory.mktemp("suite2p") / "mouse")


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "mouse"))


def plane(folder: Path, name: str) -> Path:
    return folder / "suite2p" / "plane0" / f"{name}.npy"


@pytest.mark.parametrize("rate", [30.0, 10.0])
def test_what_goes_out_comes_back_equal(rate, tmp_path):
    wanted = session(rate)
    found = recordings.read(write_suite2p(wanted, tmp_path / "mouse"))
    assert found.format == "suite2p"
    assert found.traces.values.dtype == np.float32
    assert_same(found, wanted)


@pytest.mark.parametrize("inside", ["", "suite2p", "suite2p/plane0"])
def test_any_folder_of_the_session_may_be_named(original, inside):
    assert recordings.recognise(original / inside) == "suite2p"
    found = recordings.read(original / inside)
    assert found.name == "mouse"
    assert_same(found, session())


def test_without_iscell_all_regions_are_taken_and_no_note_claims_otherwise(folder):
    plane(folder, "iscell").unlink()
    for name in ("unit_ids", "area", "coordinates"):  # those beside are of the cells alone
        (folder / f"{name}.npy").unlink(missing_ok=True)
    found = recordings.read(folder)
    assert found.units == 5 + REJECTED
    assert not any("by iscell.npy" in note for note in found.notes)
    assert any("without iscell.npy none is known not to be a cell" in note for note in found.notes)


def test_notes_say_what_was_read_and_what_the_reader_was_proved_on(original):
    notes = recordings.read(original).notes
    assert any("proved on folders written for its tests alone" in note for note in notes)
    assert f"5 of {5 + REJECTED} regions are cells by iscell.npy." in notes
    assert any("deconvolved (spks), for a decay of 0.7 s" in note for note in notes)


def test_dff_is_made_of_f_less_neuropil_over_a_running_baseline(original):
    found = suite2p.read(original, activity="dF/F")
    accepted = np.load(plane(original, "iscell"))[:, 0] > 0
    light, neuropil = (np.load(plane(original, name))[accepted].T.astype(float) for name in ("F", "Fneu"))
    corrected = light - NEUCOEFF * neuropil
    assert np.allclose(found.traces.values, to_dff(corrected, found.traces.rate), equal_nan=True)
    level = np.nanpercentile(corrected, 8, axis=0)  # the session is shorter than the window
    assert np.allclose(found.traces.values, corrected / level - 1, atol=0.02, equal_nan=True)
    assert found.traces.unit == "dF/F"
    assert np.isnan(found.traces.values[7]).all()  # was not measured
    assert any(f"F - {NEUCOEFF:g} x Fneu" in note for note in found.notes)


def test_a_baseline_follows_a_drift_and_leaves_what_is_fast():
    time = np.arange(6000) / 10
    drift = 100 + time / 6  # doubles in ten minutes
    flash = (np.arange(6000) % 200 < 5) * 0.5
    found = to_dff((drift * (1 + flash))[:, None], 10.0)[:, 0]
    assert np.abs(found[600:-600] - flash[600:-600]).max() < 0.08
    assert np.isnan(to_dff(np.full((50, 1), -1.0), 10.0)).all()


def test_without_times_samples_run_at_fs_and_it_is_said(tmp_path):
    found = recordings.read(write_suite2p(session(), tmp_path / "mouse", times=False))
    assert found.traces.time[0] == 0 and found.traces.rate == pytest.approx(30, rel=1e-3)
    assert any("suite2p knows no times: samples run at 30" in note for note in found.notes)
    np.save(tmp_path / "mouse" / "rate.npy", 15.0)
    np.save(tmp_path / "mouse" / "start.npy", 2.5)
    found = recordings.read(tmp_path / "mouse")
    assert np.allclose(found.traces.time, 2.5 + np.arange(600) / 15)


def test_planes_that_are_scanned_in_turn_are_read_together(tmp_path):
    wanted = session(10.0)
    path = write_suite2p(wanted, tmp_path / "mouse", planes=2)
    found = recordings.read(path)
    assert np.array_equal(found.traces.values, wanted.traces.values, equal_nan=True)
    assert (found.unit_ids[:3] < 100_000).all() and (found.unit_ids[3:] >= 100_000).all()
    assert any("2 planes, scanned in turn" in note for note in found.notes)
    both = np.stack([wanted.traces.time, wanted.traces.time + 0.05], axis=1).reshape(-1)
    np.save(path / "trace_times.npy", both)
    assert np.array_equal(recordings.read(path).traces.time, wanted.traces.time)
    for name in ("F", "spks", "Fneu"):
        np.save(path / f"suite2p/plane1/{name}.npy", np.load(path / f"suite2p/plane1/{name}.npy")[:, :-1])
    np.save(path / "trace_times.npy", both[:-1])
    assert len(recordings.read(path).traces.time) == len(wanted.traces.time) - 1


def test_planes_in_one_combined_folder_are_read_where_there_are_no_others(folder):
    (folder / "suite2p/plane0").rename(folder / "suite2p/combined")
    assert_same(recordings.read(folder), session())


def test_positions_are_micrometres_only_where_the_size_of_a_pixel_is_known(folder):
    (folder / "coordinates.npy").unlink()
    assert recordings.read(folder).coordinates is None
    np.save(folder / "um_per_pixel.npy", 1.5)
    found = recordings.read(folder).coordinates
    assert np.array_equal(found[:, :2], np.full((5, 2), 4.5)) and np.isnan(found[:, 2]).all()


def test_areas_and_ids_may_be_of_all_regions(folder):
    accepted = np.load(plane(folder, "iscell"))[:, 0] > 0
    words = np.full(len(accepted), "rejected", dtype="U10")
    words[accepted] = ["VISp", "VISl", "VISp", "VISal", "VISp"]
    np.save(folder / "area.npy", words)
    (folder / "unit_ids.npy").unlink()
    found = recordings.read(folder)
    assert list(found.area) == ["VISp", "VISl", "VISp", "VISal", "VISp"]
    assert np.array_equal(found.unit_ids, np.flatnonzero(accepted))


def test_a_cell_without_activity_is_left_out_and_said(folder):
    spikes = np.load(plane(folder, "spks"))
    row = np.flatnonzero(np.load(plane(folder, "iscell"))[:, 0])[2]
    spikes[row] = np.nan
    np.save(plane(folder, "spks"), spikes)
    found = recordings.read(folder)
    assert list(found.unit_ids) == [517, 23, 88, 9] and found.traces.values.shape[1] == 4
    assert any("1 of 5 cells have no activity" in note for note in found.notes)


def test_samples_without_a_time_are_left_out_and_said(folder):
    times = np.load(folder / "trace_times.npy")
    times[[3, 4]] = np.nan
    np.save(folder / "trace_times.npy", times)
    found = recordings.read(folder)
    assert np.array_equal(found.traces.time, np.delete(times, [3, 4]))
    assert any("2 of 600 samples have no time" in note for note in found.notes)


def test_nothing_of_the_traces_is_copied_but_the_cells(tmp_path):
    wanted = session()
    rows = np.zeros((2000, 600), np.float32)
    path = write_suite2p(wanted, tmp_path / "mouse")
    for name in ("F", "spks", "Fneu"):
        np.save(plane(path, name), rows)
    np.save(plane(path, "iscell"), np.arange(2000) < 5)
    assert recordings.read(path).traces.values.nbytes == 5 * 600 * 4


class Harmful:
    def __reduce__(self):
        return (exec, ("raise SystemExit('the code ran')",))


def write_code(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:0])
    with open(path, "wb") as stream:
        np.lib.format.write_array_header_1_0(stream, {"descr": "|O", "fortran_order": False, "shape": ()})
        pickle.dump(Harmful(), stream)


def test_code_in_ops_never_runs_and_the_rate_is_asked_for(folder):
    write_code(plane(folder, "ops"))
    found = recordings.read(folder)  # its times lie beside
    assert_same(found, session())
    assert any("ops.npy asks for builtins.exec" in note for note in found.notes)
    (folder / "trace_times.npy").unlink()
    with pytest.raises(DataError, match=r"asks for builtins.exec.*write the samples per s.*rate.npy"):
        recordings.read(folder)
    np.save(folder / "rate.npy", 30.0)
    assert recordings.read(folder).traces.rate == pytest.approx(30)


def resave(name: str, change):
    return lambda folder: np.save(plane(folder, name), change(np.load(plane(folder, name))))


def beside(name: str, change):
    return lambda folder: np.save(folder / f"{name}.npy", change(np.load(folder / f"{name}.npy")))


def cut(name: str):
    return lambda folder: plane(folder, name).write_bytes(plane(folder, name).read_bytes()[:-500])


BAD = {
    "no F": (lambda folder: plane(folder, "F").unlink(), r"F.npy is missing"),
    "no spks": (lambda folder: plane(folder, "spks").unlink(), r"spks.npy is missing"),
    "F cut short": (cut("F"), r"F.npy cannot be read .*claims 19200 bytes|F.npy cannot be read"),
    "no npy": (lambda folder: plane(folder, "F").write_text("F"), "F.npy cannot be read"),
    "F of words": (resave("F", lambda values: values.astype("U5")), r"F.npy holds <U5 of shape \(8, 600\)"),
    "F of one axis": (resave("F", lambda values: values[0]), r"of shape \(600,\), not regions x samples"),
    "spks of other samples": (
        resave("spks", lambda values: values[:, :-9]),
        "spks.npy has 8 regions x 591 samples, and F.npy 8 x 600",
    ),
    "iscell of other regions": (
        resave("iscell", lambda values: values[:-1]),
        r"iscell.npy has shape \(7, 2\), and F.npy 8 regions",
    ),
    "no cell": (resave("iscell", lambda values: values * 0), "iscell.npy accepts none of 8 regions"),
    "fewer times": (
        beside("trace_times", lambda times: times[:-5]),
        "trace_times has 595 times, and F.npy 600 samples",
    ),
    "milliseconds": (beside("trace_times", lambda times: times * 1000), "sampled every 33 s"),
    "a rate beside the times": (
        lambda folder: np.save(folder / "rate.npy", 15.0),
        "trace_times.npy run at 30.0021 samples a second, and rate.npy says 15; correct one",
    ),
    "another fs": (
        lambda folder: np.save(plane(folder, "ops"), np.array({"fs": 10.0}, dtype=object), allow_pickle=True),
        "trace_times.npy run at 30.0021 samples a second, and fs of ops.npy says 10; .* as rate.npy",
    ),
    "times back": (beside("trace_times", lambda times: times[::-1]), "do not ascend"),
    "no time": (beside("trace_times", lambda times: times * np.nan), "600 of 600 times are not finite"),
    "running of another length": (
        beside("running_times", lambda times: times[:-2]),
        "running has 1200 samples and 1198 times",
    ),
    "another clock": (
        beside("image_times_natural_scenes", lambda times: times + 5000),
        r"traces or spikes run from 1.*natural_scenes from 50\d\d.* s: they share no time",
    ),
    "a stimulus in milliseconds": (
        beside("frame_times_natural_movie_one", lambda times: times * 1000),
        "frame_times_natural_movie_one are 33.3333 s apart, 0.03 frames a second; give times in seconds",
    ),
    "frames from 1": (
        beside("shown_natural_scenes", lambda frames: frames + 2),
        "name frames 1 to 13, and there are frames 0 to 11",
    ),
    "areas of other units": (
        beside("area", lambda words: words[:-1]),
        "area is of 4 units, and there are 5 cells among 8 regions",
    ),
    "doubled ids": (beside("unit_ids", lambda ids: ids * 0 + 4), "unit 4 is there 5 times"),
    "no activity": (resave("spks", lambda values: values * np.nan), "none of 5 cells has activity"),
    "events of unequal length": (
        lambda folder: [
            np.save(folder / f"events_{name}.npy", np.arange(size)) for name, size in (("a", 3), ("b", 4))
        ],
        r"unequal length \(a 3, b 4\)",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_folders_are_named_in_a_sentence(name, folder):
    damage, words = BAD[name]
    damage(folder)
    with pytest.raises(DataError, match=words) as caught:
        recordings.read(folder)
    assert str(folder) in str(caught.value) and "\n" not in str(caught.value)


def test_a_rate_that_is_given_overrides_a_wrong_fs(folder):
    np.save(plane(folder, "ops"), np.array({"fs": 10.0}, dtype=object), allow_pickle=True)
    np.save(folder / "rate.npy", 30.1)  # within 1 %
    assert_same(recordings.read(folder), session())


@pytest.mark.parametrize("fs", [0.0, -3.0, float("nan"), "30", None, [30, 20]])
def test_a_rate_that_is_none_is_asked_for(fs, folder):
    (folder / "trace_times.npy").unlink()
    np.save(plane(folder, "ops"), np.array({"fs": fs}, dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match=r"rate\.npy"):
        recordings.read(folder)


def test_planes_of_unequal_length_are_named(tmp_path):
    path = write_suite2p(session(10.0), tmp_path / "mouse", planes=2)
    for name in ("F", "spks", "Fneu"):
        np.save(path / f"suite2p/plane1/{name}.npy", np.load(path / f"suite2p/plane1/{name}.npy")[:, :-7])
    with pytest.raises(DataError, match="plane1 has 193 samples, and plane0 200"):
        recordings.read(path)


def test_a_stimulus_without_times_is_read_as_such(folder):
    (folder / "image_times_natural_scenes.npy").unlink()
    scenes = next(each for each in recordings.read(folder).stimuli if each.name == "natural_scenes")
    assert isinstance(scenes, Stimulus) and scenes.time is None


def test_arrays_that_hold_objects_or_mean_nothing_are_not_read_and_said(folder):
    np.save(folder / "notes.npy", np.array([{"mouse": 3}], dtype=object), allow_pickle=True)
    np.save(folder / "lap.npy", np.array(["a", "b"]))
    notes = recordings.read(folder).notes
    assert any("hold pickled objects: notes" in note for note in notes)
    assert any("nothing says what they are: lap" in note for note in notes)


@pytest.mark.slow
def test_whatever_stands_anywhere_gives_a_recording_or_a_sentence(original, tmp_path):
    """Each file in turn: empty, cut short, one value, words, other lengths, an empty array, objects."""
    others = [np.zeros(0), 3.5, np.array(["a", "b"]), np.arange(-4, 9), np.full((2, 3, 4), np.nan)]
    others += [np.array([{"a": 1}, None], dtype=object), np.full((8, 600), np.inf), np.zeros((600, 8))]
    refused = 0
    for file in sorted(original.rglob("*.npy")):
        for other in [b"", file.read_bytes()[:100], *others]:
            folder = Path(shutil.copytree(original, tmp_path / "odd", dirs_exist_ok=True))
            changed = folder / file.relative_to(original)
            if isinstance(other, bytes):
                changed.write_bytes(other)
            else:
                np.save(changed, other, allow_pickle=True)
            try:
                suite2p.read(folder)
            except DataError as error:
                refused += 1
                assert "\n" not in str(error) and str(folder) in str(error), (file, other)
    assert refused > 50


@pytest.mark.parametrize("activity", ["deconvolved", "dF/F"])
def test_bad_frames_of_ops_are_not_measured(activity: suite2p.Activity, folder: Path) -> None:
    wanted = suite2p.read(folder, activity)
    assert not any("badframes" in note for note in wanted.notes)
    path = plane(folder, "ops")
    ops, bad = np.load(path, allow_pickle=True).item(), np.zeros(600, dtype=bool)
    bad[100:150] = True
    np.save(path, np.array(ops | {"badframes": np.zeros(600, dtype=bool)}, dtype=object), allow_pickle=True)
    assert_same(suite2p.read(folder, activity), wanted)
    np.save(path, np.array(ops | {"badframes": bad}, dtype=object), allow_pickle=True)
    for name in ("F", "spks"):
        values = np.load(plane(folder, name))
        values[:, bad] = 1e5 if name == "spks" else -1e5
        np.save(plane(folder, name), values)
    found = suite2p.read(folder, activity)
    assert np.isnan(found.traces.values[bad]).all() and np.isfinite(found.traces.values[~bad][10:]).all()
    assert any("plane0: 50 of 600 samples are badframes" in note for note in found.notes)
    if activity == "deconvolved":
        assert np.array_equal(found.traces.values[~bad], wanted.traces.values[~bad], equal_nan=True)
    np.save(path, np.array(ops | {"badframes": bad[:120]}, dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match=r"badframes of shape \(120,\)"):
        suite2p.read(folder, activity)
