"""The public scans' HDF5: what is written comes back, and no damaged or foreign file is taken for one."""

import errno
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from neurokit.digital_twin.microns import (
    PERIOD,
    MicronsScan,
    MicronsTrial,
    MicronsVideo,
    list_scans,
    load_scan,
    load_video,
)
from neurokit.digital_twin.preparation import resample_trace
from neurokit.errors import DataError, DiskError
from neurokit.training.omissions import Omission
from tests.digital_twin.microns_file import write_scans

HASHES = ("0JcYLY6eaQxNgD0AqyHf", "iYx/PwdSenUzRva+I3", "Z%2F")  # "/", "+" and "%" are in real or odd hashes
SHOWN = (0, 1, 0, 2)
AREAS = ("V1", "LM", "V1", "RL", "V1")


def video(index: int) -> MicronsVideo:
    rng = np.random.default_rng([1, index])
    kind, shape = (("Clip", (6, 8, 12)), ("Monet2", (9, 7, 10)), ("Trippy", (9, 5, 9)))[index]
    frames = rng.integers(0, 256, shape, dtype=np.uint8)
    return MicronsVideo(HASHES[index], kind, frames, np.arange(shape[0]) * PERIOD, {"movie_name": "Ä film"})


def trial(number: int, seed: int) -> MicronsTrial:
    rng = np.random.default_rng([2, seed, number])
    length = len(video(SHOWN[number]).frames)
    pupil = rng.normal(size=(length, 4)).astype(np.float32)
    treadmill = rng.normal(size=length).astype(np.float32)
    pupil[2:4], treadmill[1] = np.nan, np.nan
    return MicronsTrial(
        number,
        HASHES[SHOWN[number]],
        (20 * number + PERIOD * np.arange(length)).astype(np.float32).astype(float),
        rng.normal(size=(length, len(AREAS))).astype(np.float32),
        pupil[:, :2],
        pupil[:, 2:],
        treadmill,
    )


def scan(session: int, scan_idx: int) -> MicronsScan:
    return MicronsScan(
        session,
        scan_idx,
        unit_ids=np.array([1, 3, 4, 8, 10]),
        areas=np.array(AREAS),
        coordinates=np.random.default_rng(session).uniform(0, 1000, (5, 3)),
        trials=tuple(trial(number, session) for number in range(4)),
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_scans(tmp_path / "microns.h5", [scan(10, 2), scan(4, 7)], map(video, range(3)))


def test_a_scan_comes_back_as_it_was_written(path: Path) -> None:
    found, wanted = load_scan(path, 4, 7), scan(4, 7)
    assert (found.session, found.scan_idx, len(found.trials)) == (4, 7, 4)
    for name in ("unit_ids", "areas", "coordinates"):
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name))
    for ours, theirs in zip(found.trials, wanted.trials, strict=True):
        assert (ours.number, ours.video) == (theirs.number, theirs.video)
        for name in ("time", "responses", "pupil_center", "pupil_radius", "treadmill"):
            np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))
    assert not np.array_equal(found.trials[0].responses, found.trials[2].responses)


@pytest.mark.parametrize("index", range(3))
def test_a_video_comes_back_by_the_hash_of_its_trials(path: Path, index: int) -> None:
    found, wanted = load_video(path, HASHES[index]), video(index)
    np.testing.assert_array_equal(found.frames, wanted.frames)
    np.testing.assert_allclose(found.time, wanted.time, atol=1e-6)
    assert (found.name, found.kind) == (wanted.name, wanted.kind)
    assert found.facts == {"movie_name": "Ä film", "original_hash": wanted.name}


def test_scans_are_listed_by_number_not_by_text(path: Path) -> None:
    assert list_scans(path) == [(4, 7), (10, 2)]


def test_areas_and_trials_are_chosen(path: Path) -> None:
    whole, found = load_scan(path, 4, 7), load_scan(path, 4, 7, areas=["RL", "V1"], without=[1])
    assert list(found.unit_ids) == [1, 4, 8, 10]
    assert [each.number for each in found.trials] == [0, 2, 3]
    np.testing.assert_array_equal(found.trials[1].responses, whole.trials[2].responses[:, [0, 2, 3, 4]])
    assert list(load_scan(path, 4, 7, areas="LM").unit_ids) == [3]


def test_trials_come_in_the_order_of_presentation(tmp_path: Path) -> None:
    """HDF5 sorts "10" before "2"."""
    trials = tuple(replace(trial(0, 4), number=number) for number in range(12))
    path = write_scans(tmp_path / "m.h5", [replace(scan(4, 7), trials=trials)], map(video, range(3)))
    assert [each.number for each in load_scan(path, 4, 7).trials] == list(range(12))


def test_the_layout_is_the_described_one(path: Path) -> None:
    with h5py.File(path) as file:
        assert set(file) == {"brain_areas", "sessions", "types", "videos"}
        found = file["sessions/4_7/trials/1"]
        assert {name: found[name].shape for name in found} == {
            "responses": (5, 9),
            "treadmill": (9, 1),
            "pupil": (4, 9),
            "stim_times": (9,),
        }
        assert found.attrs["condition_hash"] == HASHES[1]
        assert set(file["videos"]) == {"0JcYLY6eaQxNgD0AqyHf", "iYx%2FPwdSenUzRva+I3", "Z%252F"}
        assert file["types/Monet2"]["iYx%2FPwdSenUzRva+I3/clip"].shape == (9, 7, 10)
        assert file["brain_areas/RL/10_2"] == file["sessions/10_2"]
        assert set(file["videos"][HASHES[0]]["instances"]) == {"4_7_tr0", "4_7_tr2", "10_2_tr0", "10_2_tr2"}
        assert file["videos"][HASHES[0]]["instances/4_7_tr2"] == file["sessions/4_7/trials/2"]
        np.testing.assert_array_equal(file["sessions/4_7/meta/area_indices/V1"], [0, 2, 4])
        assert file["sessions/4_7/meta/condition_hashes"][1] == HASHES[1].encode()


def test_a_flat_treadmill_is_read_too(path: Path) -> None:
    wanted = load_scan(path, 4, 7).trials[1].treadmill
    replaced("sessions/4_7/trials/1/treadmill", lambda values: values[:, 0])(path)
    np.testing.assert_array_equal(load_scan(path, 4, 7).trials[1].treadmill, wanted)


def test_times_and_values_are_what_resampling_takes(tmp_path: Path) -> None:
    """A straight line stays one at 30 Hz, across its gap of one sample."""
    line = replace(trial(1, 4), number=0)
    line = replace(
        line, treadmill=np.where(np.isnan(line.treadmill), np.nan, 3 * line.time).astype(np.float32)
    )
    path = write_scans(tmp_path / "m.h5", [replace(scan(4, 7), trials=(line,))], map(video, range(3)))
    found = load_scan(path, 4, 7).trials[0]
    at = np.arange(found.time[0], found.time[-1], 1 / 30)
    resampled = resample_trace(found.time, found.treadmill.astype(float), at, source_period=PERIOD)
    np.testing.assert_allclose(resampled, 3 * at, atol=1e-4)


# --- files that cannot be read


def replaced(name: str, change: Callable[[np.ndarray], object]) -> Callable[[Path], None]:
    def edit(path: Path) -> None:
        with h5py.File(path, "r+") as file:
            values = file[name][()]
            del file[name]
            file[name] = change(values)

    return edit


def edited(change: Callable[[h5py.File], object]) -> Callable[[Path], None]:
    def edit(path: Path) -> None:
        with h5py.File(path, "r+") as file:
            change(file)

    return edit


def removed(name: str) -> Callable[[Path], None]:
    def remove(file: h5py.File) -> None:
        del file[name]

    return edited(remove)


def with_value(value: float) -> Callable[[np.ndarray], np.ndarray]:
    def change(values: np.ndarray) -> np.ndarray:
        values = values.copy()
        values.flat[3] = value
        return values

    return change


def cut(share: float) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])


def elsewhere(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        del file["sessions/4_7/meta/unit_ids"]
        file["sessions/4_7/meta/unit_ids"] = h5py.ExternalLink("other.h5", "/x")
    with h5py.File(path.with_name("other.h5"), "w") as other:
        other["x"] = np.array([1, 3, 4, 8, 10])


def raw_elsewhere(file: h5py.File) -> None:
    del file["sessions/4_7/trials/1/stim_times"]
    Path(file.filename).with_name("secret").write_bytes(np.arange(9, dtype=np.float32).tobytes())
    parts = [(str(Path(file.filename).with_name("secret")), 0, 36)]
    file["sessions/4_7/trials/1"].create_dataset("stim_times", (9,), np.float32, external=parts)


def huge(file: h5py.File) -> None:
    del file["sessions/4_7/meta/unit_ids"]
    file["sessions/4_7/meta"].create_dataset("unit_ids", (10**12,), np.int64, chunks=(1000,))


def linked_elsewhere(file: h5py.File) -> None:
    with h5py.File(Path(file.filename).with_name("other.h5"), "w") as other:
        other["x"] = np.array([1, 3, 4, 8, 10])
    del file["sessions/4_7/meta/unit_ids"]
    file["away"] = h5py.ExternalLink("other.h5", "/x")
    file["sessions/4_7/meta/unit_ids"] = h5py.SoftLink("/away")


def linked_to_itself(file: h5py.File) -> None:
    del file["sessions/4_7/meta/unit_ids"]
    file["sessions/4_7/meta/unit_ids"] = h5py.SoftLink("/sessions/4_7/meta/unit_ids")


def hollow(file: h5py.File) -> None:
    """Tiny in the file, large in memory."""
    del file["sessions/4_7/meta/unit_ids"]
    file["sessions/4_7/meta"].create_dataset("unit_ids", (20_000_000,), np.int64)


def array_for_group(file: h5py.File) -> None:
    del file["sessions/4_7/meta"]
    file["sessions/4_7/meta"] = np.zeros(3)


def group_for_array(file: h5py.File) -> None:
    del file["sessions/4_7/meta/coordinates"]
    file.create_group("sessions/4_7/meta/coordinates")


TRIAL = "sessions/4_7/trials/1"
BAD = {
    "missing": (lambda path: path.unlink(), r"microns\.h5 is missing: fetch microns\.h5"),
    "cut": (cut(0.7), "is cut short, damaged or not an HDF5 file"),
    "empty": (cut(0), "is cut short, damaged or not an HDF5 file"),
    "text": (lambda path: path.write_text("text"), "is cut short, damaged or not an HDF5 file"),
    "another layout": (removed("videos"), "has no groups 'sessions' and 'videos', only brain_areas"),
    "odd scan": (edited(lambda file: file.create_group("sessions/x")), "has a scan called 'x'"),
    "no meta": (removed("sessions/4_7/meta"), "/sessions/4_7/meta/unit_ids is missing: fetch"),
    "no unit ids": (removed("sessions/4_7/meta/unit_ids"), "/sessions/4_7/meta/unit_ids is missing: fetch"),
    "no trials": (removed("sessions/4_7/trials"), "/sessions/4_7/trials is missing: fetch"),
    "an array for a group": (edited(array_for_group), "/sessions/4_7/meta/unit_ids is missing"),
    "a group for an array": (edited(group_for_array), "meta/coordinates is not an array of this file"),
    "a trial more": (
        edited(lambda file: file.create_group("sessions/4_7/trials/4")),
        "/sessions/4_7/trials has the trial '4', and meta names 4, from 0 on",
    ),
    "doubled unit": (
        replaced("sessions/4_7/meta/unit_ids", lambda ids: [1, *ids[:-1]]),
        "names a neuron twice or none",
    ),
    "other areas": (
        replaced("sessions/4_7/meta/brain_areas", lambda areas: areas[:-1]),
        r"brain_areas has the shape \(4,\) instead of \(5\)",
    ),
    "units as text": (
        replaced("sessions/4_7/meta/unit_ids", lambda ids: ids.astype("S")),
        r"unit_ids holds \(5,\) of \|S\d+, which cannot be",
    ),
    "another file": (elsewhere, "unit_ids leads to another file"),
    "a link to a link to another file": (edited(linked_elsewhere), "away leads to another file"),
    "a link to itself": (edited(linked_to_itself), "unit_ids is a link that leads back to itself"),
    "a claim that the file cannot hold": (
        edited(hollow),
        "unit_ids claims 160000000 bytes, and the file has 0",
    ),
    "negative unit": (
        replaced("sessions/4_7/meta/unit_ids", lambda ids: [-1, *ids[1:]]),
        "unit_ids holds -1 to 10, which cannot be",
    ),
    "unit beyond any number": (
        replaced("sessions/4_7/meta/unit_ids", lambda ids: np.array([1, 3, 4, 8, 2**63], dtype=np.uint64)),
        "unit_ids holds 1 to 9223372036854775808, which cannot be",
    ),
    "doubled after wrapping": (
        replaced(
            "sessions/4_7/meta/unit_ids", lambda ids: np.array([1, 3, 4, 8, 2**64 - 1], dtype=np.uint64)
        ),
        "unit_ids holds 1 to 18446744073709551615, which cannot be",
    ),
    "a huge claim": (edited(huge), "unit_ids claims 8000000000000 bytes, more than"),
}


@pytest.mark.parametrize(("damage", "message"), BAD.values(), ids=BAD)
def test_a_file_that_cannot_be_read_is_one_sentence(
    damage: Callable[[Path], object], message: str, path: Path
) -> None:
    load_scan(path, 4, 7)
    damage(path)
    with pytest.raises(DataError, match=message) as raised:
        load_scan(path, 4, 7)
    assert "\n" not in str(raised.value) and str(raised.value).endswith(".")


BAD_TRIALS = {
    "a trial less": (removed(TRIAL), "missing"),
    "no video": (removed("videos/iYx%2FPwdSenUzRva+I3"), "missing"),
    "other neurons": (replaced(TRIAL + "/responses", lambda values: values[:4]), "misfit"),
    "other samples": (replaced(TRIAL + "/pupil", lambda values: values[:, :8]), "misfit"),
    "short treadmill": (replaced(TRIAL + "/treadmill", lambda values: values[:8]), "misfit"),
    "no treadmill": (removed(TRIAL + "/treadmill"), "misfit"),
    "another video": (edited(lambda file: file[TRIAL].attrs.update(condition_hash="other")), "misfit"),
    "no hash": (edited(lambda file: file[TRIAL].attrs.__delitem__("condition_hash")), "misfit"),
    "raw values of another file": (edited(raw_elsewhere), "misfit"),
    "a longer video": (replaced("videos/iYx%2FPwdSenUzRva+I3/clip", lambda c: c[[0, *range(9)]]), "misfit"),
    "a video of other numbers": (replaced("videos/iYx%2FPwdSenUzRva+I3/clip", lambda c: c / 255), "misfit"),
    "slow": (replaced(TRIAL + "/stim_times", lambda time: time[0] + 1.5 * (time - time[0])), "misfit"),
    "times that stop": (
        replaced(TRIAL + "/stim_times", lambda time: time[[0, 1, 2, 3, 3, 5, 6, 7, 8]]),
        "time_unknown",
    ),
    "times unknown": (replaced(TRIAL + "/stim_times", with_value(np.nan)), "time_unknown"),
    "most neurons": (
        replaced(TRIAL + "/responses", lambda v: np.where(np.arange(5)[:, None] < 3, np.nan, v)),
        "not_finite",
    ),
}


@pytest.mark.parametrize(("damage", "rule"), BAD_TRIALS.values(), ids=BAD_TRIALS)
def test_a_bad_trial_is_left_out_by_its_number(
    damage: Callable[[Path], object], rule: str, path: Path
) -> None:
    damage(path)
    found = load_scan(path, 4, 7)
    assert found.omissions == (Omission(rule, "trials", ("1",), 4),)
    assert [each.number for each in found.trials] == [0, 2, 3]
    np.testing.assert_array_equal(found.trials[1].responses, scan(4, 7).trials[2].responses)
    assert load_scan(path, 4, 7, without=[1]).omissions == ()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_a_neuron_without_responses_is_left_out_by_its_id(path: Path, value: float) -> None:
    replaced(TRIAL + "/responses", lambda values: with_value(value)(values.astype(float)))(path)
    found = load_scan(path, 4, 7)
    assert found.omissions == (Omission("not_finite", "units", ("1",), 5),)
    assert found.unit_ids.tolist() == [3, 4, 8, 10] and found.areas.tolist() == ["LM", "V1", "RL", "V1"]
    assert len(found.coordinates) == 4 and len(found.trials) == 4
    np.testing.assert_array_equal(found.trials[1].responses, scan(4, 7).trials[1].responses[:, 1:])
    assert load_scan(path, 4, 7, areas=["LM", "RL"]).omissions == ()


def test_a_neuron_that_never_changes_is_left_out(path: Path) -> None:
    for number in range(4):
        name = f"sessions/4_7/trials/{number}/responses"
        replaced(name, lambda v: np.where(np.arange(5)[:, None] == 3, -0.5, v).astype(np.float32))(path)
    found = load_scan(path, 4, 7)
    assert found.omissions == (Omission("constant", "units", ("8",), 5),)


@pytest.mark.parametrize(("name", "value"), [("pupil", np.inf), ("treadmill", -np.inf), ("pupil", 1e300)])
def test_infinite_behaviour_is_a_gap(path: Path, name: str, value: float) -> None:
    replaced(f"{TRIAL}/{name}", lambda values: with_value(value)(values.astype(float)))(path)
    found = load_scan(path, 4, 7).trials[1]
    values = found.treadmill if name == "treadmill" else found.pupil_center[:, 0]
    assert np.isnan(values[3]) and np.isfinite(values[4:]).all()


def test_a_scan_without_any_good_trial_is_refused(path: Path) -> None:
    for number in range(4):
        replaced(f"sessions/4_7/trials/{number}/responses", lambda values: values * np.nan)(path)
    with pytest.raises(
        DataError, match=r"^None of the 4 trials in .*/4_7/trials can be used: .* not finite in 5"
    ):
        load_scan(path, 4, 7)


def test_a_sound_scan_leaves_nothing_out(path: Path) -> None:
    assert load_scan(path, 4, 7).omissions == load_scan(path, 10, 2).omissions == ()


def test_the_other_scan_does_not_suffer(path: Path) -> None:
    replaced(TRIAL + "/responses", with_value(np.nan))(path)
    assert len(load_scan(path, 10, 2).trials) == 4


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda path: load_scan(path, 4, 8), "has no scan 4-8: choose one of 4-7, 10-2"),
        (lambda path: load_scan(path, 4, 7, areas=["PM"]), "has no neurons in PM: choose of LM, RL, V1"),
        (lambda path: load_scan(path, 4, 7, areas=[]), "has no neurons in no area"),
        (
            lambda path: load_scan(path, 4, 7, without=[4]),
            "has no trial 4 to leave out: name trials of 0 to 3",
        ),
        (lambda path: load_video(path, "x"), "has no video 'x'"),
    ],
)
def test_what_is_not_there_names_what_is(call: Callable[[Path], object], message: str, path: Path) -> None:
    with pytest.raises(DataError, match=message):
        call(path)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (replaced(f"videos/{HASHES[0]}/clip", lambda clip: clip / 255), "clip holds .* of float64"),
        (replaced(f"videos/{HASHES[0]}/clip", lambda clip: clip.astype(np.uint16)), "frames of uint16"),
        (replaced(f"videos/{HASHES[0]}/clip", lambda clip: clip[0]), r"clip has the shape \(8, 12\)"),
        (replaced(f"videos/{HASHES[0]}/times", lambda time: time[1:]), r"times has the shape \(5,\)"),
    ],
)
def test_a_damaged_video_is_one_sentence(damage: Callable[[Path], None], message: str, path: Path) -> None:
    damage(path)
    with pytest.raises(DataError, match=message):
        load_video(path, HASHES[0])


def test_a_full_disk_is_survived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is made in memory, since HDF5's own clean-up after a failed write ends Python."""

    def fail(path: Path, content: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(DiskError):
        write_scans(tmp_path / "m.h5", [scan(4, 7)], map(video, range(3)))
    assert not list(tmp_path.iterdir())


def test_a_failed_writing_leaves_what_stood_there(path: Path) -> None:
    """A trial of a video that is not written."""
    before = path.read_bytes()
    with pytest.raises(KeyError):
        write_scans(path, [scan(4, 7)], [video(0)])
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == ["microns.h5"]
