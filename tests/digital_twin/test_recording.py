"""Trial folders: what is written is read, in the order of its numbers, and what is refused."""

import os
import resource
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neurokit.digital_twin.recording import (
    TRIAL_FOLDERS,
    Trial,
    Video,
    load_recording,
    load_trials,
    load_videos,
)
from neurokit.digital_twin.writing import write_trials, write_videos
from neurokit.errors import DataError
from neurokit.training.omissions import Omission

FRAMES, HEIGHT, WIDTH, UNITS = 20, 6, 8, 3
ARRAYS = ("stimulus", "perspective", "modulation", "units")


def trial(name: str, *, training: bool = True, frames: int = FRAMES, units: int = UNITS) -> Trial:
    random = np.random.default_rng([len(name), *name.encode()])
    return Trial(
        name=name,
        training=training,
        stimulus=random.integers(0, 256, (frames, HEIGHT, WIDTH), dtype=np.uint8),
        perspective=random.normal(size=(frames, 2)).astype(np.float32),
        modulation=random.normal(size=(frames, 2)).astype(np.float32),
        units=random.gamma(1, 1, (frames, units)).astype(np.float32),
    )


def video(name: str, repeats: int, frames: int = FRAMES) -> Video:
    shown = trial(name, frames=frames).stimulus
    made = (trial(str(i), training=False, frames=frames) for i in range(repeats))
    return Video(name, tuple(replace(each, stimulus=shown) for each in made))


def same(one: Trial, other: Trial) -> bool:
    arrays = all(
        np.array_equal(getattr(one, a), getattr(other, a), equal_nan=a != "stimulus") for a in ARRAYS
    )
    return arrays and (one.name, one.training) == (other.name, other.training)


def folder_of(parent: Path, number: int = 3) -> Path:
    return write_trials(parent / "training_data", [trial(str(i), training=i > 0) for i in range(number)])


def test_trials_are_read_as_they_were_written_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    made = [trial(name, training=name != "9") for name in ("10", "9", "a2", "a10")]
    made[0].perspective[3:5] = np.nan
    made[1].modulation[:, 1] = np.nan
    read = load_trials(write_trials(tmp_path / "mouse" / "training_data", made))
    assert [each.name for each in read.trials] == ["9", "10", "a2", "a10"]
    by_name = {each.name: each for each in read.trials}
    assert all(same(each, by_name[each.name]) for each in made)
    assert not same(made[0], replace(by_name["10"], units=made[1].units))
    assert (read.units, read.frame) == (UNITS, (HEIGHT, WIDTH))
    assert [each.name for each in read.part(False)] == ["9"]
    assert {each.name for each in read.part(True)} == {"10", "a2", "a10"}


def test_the_files_are_those_of_the_format(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    assert {inner.name for inner in folder.iterdir()} == set(TRIAL_FOLDERS)
    stored = {kind: np.load(folder / kind / "0.npy", allow_pickle=False) for kind in TRIAL_FOLDERS}
    assert (stored["stimuli"].dtype, stored["stimuli"].shape) == (np.uint8, (FRAMES, HEIGHT, WIDTH, 1))
    assert (stored["training"].dtype, stored["training"].shape, stored["training"].item()) == (
        bool,
        (),
        False,
    )
    assert stored["samples"].shape == () and stored["samples"] == FRAMES
    for kind, width in (("perspectives", 2), ("modulations", 2), ("units", UNITS)):
        assert (stored[kind].dtype, stored[kind].shape) == (np.float32, (FRAMES, width))


def test_double_precision_and_other_orders_of_bytes_are_read(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    file = folder / "units" / "1.npy"
    units = np.load(file)
    for stored in (units.astype(np.float64), units.astype(">f4"), np.asfortranarray(units)):
        np.save(file, stored)
        np.testing.assert_array_equal(load_trials(folder).trials[1].units, units)


def test_videos_with_uneven_repeats(tmp_path: Path) -> None:
    made = [video("1", 11), video("2", 1), video("10", 2, frames=7)]
    read = load_videos(write_videos(tmp_path / "evaluation_data", made))
    assert [each.name for each in read] == ["1", "2", "10"]
    for before, after in zip(made, read, strict=True):
        assert [each.name for each in after.repeats] == [str(i) for i in range(len(before.repeats))]
        assert all(map(same, before.repeats, after.repeats))


@contextmanager
def few_open_files(more: int) -> Iterator[None]:
    """Inside, this process may open no more than `more` files beside those it has open."""
    before, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with open(os.devnull) as newest:
        resource.setrlimit(resource.RLIMIT_NOFILE, (newest.fileno() + more, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before, most))


def test_more_trials_than_files_may_be_open(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, 40)
    with few_open_files(20):
        assert len(load_trials(folder).trials) == 40
        with pytest.raises(OSError, match="open files"):  # what numpy's own maps would come to
            [np.load(file, mmap_mode="r") for file in (folder / "stimuli").iterdir()]


def test_writing_into_a_trial_changes_no_file(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    stored = (folder / "units" / "0.npy").read_bytes()
    load_trials(folder).trials[0].units[:] = 0
    assert (folder / "units" / "0.npy").read_bytes() == stored


def test_writing_replaces_a_folder_whole_or_leaves_it(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    with pytest.raises(DataError, match=r"units/b\.npy has 4 units, and a\.npy has 3"):
        write_trials(folder, [trial("a"), trial("b", units=4)])
    assert [each.name for each in load_trials(folder).trials] == ["0", "1", "2"]
    write_trials(folder, [trial("7")])
    assert [each.name for each in load_trials(folder).trials] == ["7"]
    assert [inner.name for inner in tmp_path.iterdir()] == ["training_data"]


@pytest.mark.parametrize("stray", ["thesis/chapter.txt", "notes.npy", "units/notes.txt", "units/old/1.csv"])
def test_a_folder_with_other_files_is_not_replaced(tmp_path: Path, stray: str) -> None:
    trials, videos = folder_of(tmp_path), write_videos(tmp_path / "evaluation_data", [video("1", 2)])
    for folder, write in (
        (trials, lambda path: write_trials(path, [trial("7")])),
        (videos, lambda path: write_videos(path, [video("2", 1)])),
    ):
        (folder / stray).parent.mkdir(exist_ok=True)
        (folder / stray).write_text("mine")
        before = sorted(folder.rglob("*"))
        with pytest.raises(DataError, match=r"holds [^\n]*, which writing there would remove: choose"):
            write(folder)
        assert sorted(folder.rglob("*")) == before and (folder / stray).read_text() == "mine"
        (folder / stray).unlink()
        for inner in {(folder / stray).parent} - {folder, folder / "units"}:
            inner.rmdir()
        write(folder)


def changed(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], None]:
    def change_file(folder: Path) -> None:
        np.save(folder / name, change(np.load(folder / name)))

    return change_file


def with_value(value: float) -> Callable[[np.ndarray], np.ndarray]:
    def put(values: np.ndarray) -> np.ndarray:
        values[4, 1] = value
        return values

    return put


def objects(folder: Path) -> None:
    np.save(folder / "units/1.npy", np.array([{}, None], dtype=object), allow_pickle=True)


def cut_short(folder: Path) -> None:
    file = folder / "stimuli/1.npy"
    file.write_bytes(file.read_bytes()[:-1])


BAD_TRIALS = {
    "smaller frames": (
        changed("stimuli/1.npy", lambda v: v[:, 1:]),
        r"stimuli/1\.npy has frames of \(5, 8\)",
    ),
    "floats": (
        changed("stimuli/1.npy", lambda v: v / np.float32(255)),
        r"stimuli/1\.npy holds float32: .*0 to 255",
    ),
    "wide integers": (changed("stimuli/1.npy", np.int64), r"stimuli/1\.npy holds int64: .*uint8"),
    "no channel": (changed("stimuli/1.npy", lambda v: v[..., 0]), r"stimuli/1\.npy has shape .* x 1"),
    "no frames": (changed("stimuli/1.npy", lambda v: v[:0]), r"stimuli/1\.npy has shape \(0, .*at least one"),
    "short eye": (
        changed("perspectives/1.npy", lambda v: v[1:]),
        r"perspectives/1\.npy has 19 rows for the 20",
    ),
    "long legs": (
        changed("modulations/1.npy", lambda v: np.concatenate([v, v])),
        r"modulations/1\.npy has 40 rows",
    ),
    "three columns": (
        changed("modulations/1.npy", lambda v: v[:, [0, 1, 1]]),
        r"modulations/1\.npy has shape",
    ),
    "texts": (changed("perspectives/1.npy", np.str_), r"perspectives/1\.npy holds <U.*float32"),
    "samples": (changed("samples/1.npy", lambda v: v + 1), r"samples/1\.npy says 21, and .* 20 frames"),
    "samples, float": (changed("samples/1.npy", np.float32), r"samples/1\.npy holds float32 .*integer"),
    "units": (changed("units/1.npy", lambda v: v[:, 1:]), r"units/1\.npy has 2 units"),
    "no units": (changed("units/1.npy", lambda v: v[:, :0]), r"units/1\.npy has shape \(20, 0\)"),
    "flag": (changed("training/1.npy", np.int64), r"training/1\.npy holds int64 .*bool"),
    "flags": (
        changed("training/1.npy", lambda v: np.array([v, v])),
        r"training/1\.npy holds bool of shape \(2,\)",
    ),
    "objects": (objects, r"units/1\.npy .*pickled"),
    "cut short": (cut_short, r"stimuli/1\.npy .*claims"),
    "text": (lambda f: (f / "units/1.npy").write_text("1, 2"), r"units/1\.npy is not a plain npy"),
    "empty file": (lambda f: (f / "units/1.npy").write_bytes(b""), r"units/1\.npy is not a plain npy"),
    "missing file": (lambda f: (f / "samples/1.npy").unlink(), r"samples lacks 1 \(1 missing of 3"),
    "a folder": (
        lambda f: [(f / "units/1.npy").unlink(), (f / "units/1.npy").mkdir()],
        r"units/1\.npy is a folder",
    ),
    "missing folder": (
        lambda f: (f / "samples").rename(f / "sample"),
        "has no folder samples: give the folder",
    ),
    "empty": (
        lambda f: [file.unlink() for kind in TRIAL_FOLDERS for file in (f / kind).iterdir()],
        "training holds no npy file",
    ),
}


UNREADABLE = {"objects", "cut short", "text", "empty file", "a folder"}
WHOLE = {"missing folder", "empty"}  # nothing is left to read
VALUES = {
    "negative": (-0.1, "out_of_range"),
    "NaN": (np.nan, "not_finite"),
    "infinite": (np.inf, "not_finite"),
    "beyond single precision": (1e300, "not_finite"),
    "far beyond any mean": (1e30, "out_of_range"),
    "beyond nine hours of frames": (1.1e6, "out_of_range"),
}


@pytest.mark.parametrize("case", [case for case in BAD_TRIALS if case not in WHOLE])
def test_a_bad_trial_is_left_out_by_name(tmp_path: Path, case: str) -> None:
    folder = folder_of(tmp_path)
    sound = load_trials(folder)
    BAD_TRIALS[case][0](folder)
    read = load_trials(folder)
    rule = "missing" if case == "missing file" else "unreadable" if case in UNREADABLE else "misfit"
    assert read.omissions == (Omission(rule, "trials", ("1",), 3),)
    assert all(same(*pair) for pair in zip(read.trials, (sound.trials[0], sound.trials[2]), strict=True))
    assert read.columns is None


@pytest.mark.parametrize("case", BAD_TRIALS)
def test_a_folder_without_any_good_trial_is_refused_by_a_file(tmp_path: Path, case: str) -> None:
    """The other trials are removed; of one trial alone nothing says what it should fit."""
    damage, says = BAD_TRIALS[case]
    folder = folder_of(tmp_path)
    if case not in ("smaller frames", "units", *WHOLE):
        for kind in TRIAL_FOLDERS:
            for name in ("0", "2"):
                (folder / kind / f"{name}.npy").unlink()
    damage(folder)
    if case in ("smaller frames", "units"):
        assert len(load_trials(folder).trials) == 2
        return
    with pytest.raises(DataError, match=says.replace("of 3", "of 1")) as caught:
        load_trials(folder)
    message = str(caught.value)
    assert message.startswith(str(folder)) and message.endswith(".") and "\n" not in message


@pytest.mark.parametrize("case", VALUES)
def test_units_with_values_that_cannot_be_are_left_out_by_column(tmp_path: Path, case: str) -> None:
    value, rule = VALUES[case]
    folder = folder_of(tmp_path)
    changed("units/1.npy", lambda values: with_value(value)(values.astype(np.float64)))(folder)
    read = load_trials(folder)
    assert read.omissions == (Omission(rule, "units", ("1",), 3),)
    assert read.columns is not None and read.columns.tolist() == [0, 2] and read.units == 2
    for found in read.trials:
        np.testing.assert_array_equal(found.units, trial(found.name).units[:, [0, 2]])


def test_units_may_be_a_hundred_thousand_times_their_mean(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    changed("units/1.npy", with_value(1e5))(folder)
    assert load_trials(folder).omissions == ()


def test_units_that_were_never_divided_by_their_mean_are_refused(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    for name in range(3):
        changed(f"units/{name}.npy", lambda values: values * np.float32(1e9))(folder)
    with pytest.raises(DataError, match=r"^None of the 3 .* beyond 1,000,000 in 3 of 3 units: divide each"):
        load_trials(folder)


def test_a_trial_of_bad_units_costs_no_unit(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    changed("units/1.npy", lambda values: np.where(np.arange(3) < 2, np.nan, values).astype(np.float32))(
        folder
    )
    read = load_trials(folder)
    assert read.omissions == (Omission("not_finite", "trials", ("1",), 3),) and read.units == 3


def test_trials_go_where_units_would_cost_more(tmp_path: Path) -> None:
    """Two of three units have a gap, each in its own trial of six."""
    folder = folder_of(tmp_path, 6)
    for unit in (0, 2):
        values = np.load(folder / f"units/{unit}.npy")
        values[3, unit] = np.nan
        np.save(folder / f"units/{unit}.npy", values)
    read = load_trials(folder)
    assert read.omissions == (Omission("not_finite", "trials", ("0", "2"), 6),) and read.units == 3


def test_activity_that_is_negative_throughout_is_no_activity(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    for name in range(3):
        changed(f"units/{name}.npy", lambda values: values - 9)(folder)
    with pytest.raises(
        DataError, match=r"^None of the 3 trials in .* negative values in 3 of 3 .*: clip the"
    ):
        load_trials(folder)


def test_units_that_never_change_in_trials_to_fit_are_left_out(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    for name in (1, 2):  # trial 0 validates
        changed(f"units/{name}.npy", lambda v: np.where(np.arange(3) == 1, 0.5, v).astype(np.float32))(folder)
    read = load_trials(folder)
    assert read.omissions == (Omission("constant", "units", ("1",), 3),) and read.units == 2


def test_infinite_behaviour_is_a_gap(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    changed("perspectives/1.npy", with_value(np.inf))(folder)
    read = load_trials(folder)
    assert read.omissions == () and np.argwhere(np.isnan(read.trials[1].perspective)).tolist() == [[4, 1]]


@pytest.mark.parametrize("kind", ["perspectives", "modulations"])
def test_a_trial_with_behaviour_in_other_units_is_left_out(tmp_path: Path, kind: str) -> None:
    folder = folder_of(tmp_path)
    changed(f"{kind}/1.npy", lambda values: values * 30 + 320)(folder)
    changed(f"{kind}/2.npy", with_value(-49.9))(folder)
    read = load_trials(folder)
    assert read.omissions == (Omission("out_of_range", "trials", ("1",), 3),)
    assert [each.name for each in read.trials] == ["0", "2"]


def test_behaviour_that_is_never_standardised_is_refused(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    for name in range(3):
        changed(f"perspectives/{name}.npy", lambda values: values * 30 + 320)(folder)
    with pytest.raises(
        DataError, match=r"^None of the 3 .*perspectives/0\.npy lies more than 50 .*: subtract the mean"
    ):
        load_trials(folder)


@pytest.mark.parametrize(("value", "rule"), [(np.nan, "not_recorded"), (0.3, "constant")])
def test_a_channel_that_was_never_seen_is_the_mean(tmp_path: Path, value: float, rule: str) -> None:
    folder = folder_of(tmp_path)
    for name in range(3):
        changed(f"modulations/{name}.npy", lambda v: np.where([False, True], value, v).astype(np.float32))(
            folder
        )
    read = load_trials(folder)
    assert read.omissions == (Omission(rule, "channels", ("treadmill",), 5),)
    assert not any(trial.modulation[:, 1].any() for trial in read.trials)
    assert all(trial.modulation[:, 0].all() for trial in read.trials)


def test_a_recording_without_behaviour_is_read(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    for kind in ("perspectives", "modulations"):
        for name in range(3):
            changed(f"{kind}/{name}.npy", lambda values: values * np.float32(np.nan))(folder)
    (omission,) = load_trials(folder).omissions
    assert omission.names == ("pupil_x", "pupil_y", "pupil_radius", "treadmill") and omission.number == 5


def copy(folder: Path, name: str, over: str) -> None:
    """All arrays of a trial or repeat over those of another."""
    for kind in folder.iterdir():
        shutil.copy(kind / f"{name}.npy", kind / f"{over}.npy")


BAD_VIDEOS = {
    "other frames": (changed("stimuli/1/1.npy", lambda v: 255 - v), "misfit", ("1/1",)),
    "the first shows other frames": (changed("stimuli/1/0.npy", lambda v: 255 - v), "misfit", ("1/0",)),
    "units": (changed("units/2/0.npy", lambda v: v[:, 1:]), "misfit", ("2/0",)),
    "missing": (lambda f: (f / "units/1/1.npy").unlink(), "missing", ("1/1",)),
    "missing video": (lambda f: shutil.rmtree(f / "units/1"), "missing", ("1/0", "1/1", "1/2")),
    "NaN": (changed("units/2/0.npy", lambda v: v * np.nan), "not_finite", ("2/0",)),
    "cut short": (lambda f: (f / "perspectives/1/2.npy").write_bytes(b"x"), "unreadable", ("1/2",)),
    "a copy": (lambda f: copy(f, "1/0", "1/2"), "doubled", ("1/2",)),
    "copies": (lambda f: [copy(f, "1/0", name) for name in ("1/1", "1/2")], "doubled", ("1/1", "1/2")),
}


@pytest.mark.parametrize("case", BAD_VIDEOS)
def test_bad_repeats_are_left_out_by_name(tmp_path: Path, case: str) -> None:
    trials = folder_of(tmp_path)
    folder = write_videos(tmp_path / "evaluation_data", [video("1", 3), video("2", 1), video("3", 2)])
    damage, rule, names = BAD_VIDEOS[case]
    damage(folder)
    read, found = load_recording(trials, {"natural": folder})
    assert read.omissions == (Omission(rule, "repeats", names, 6, part="natural"),)
    left = [f"{each.name}/{repeat.name}" for each in found["natural"] for repeat in each.repeats]
    assert left == [name for name in ("1/0", "1/1", "1/2", "2/0", "3/0", "3/1") if name not in names]
    assert [each.name for each in load_videos(folder)] == [each.name for each in found["natural"]]


def test_a_trial_that_is_there_twice_is_left_out(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, 4)  # 0 validates
    copy(folder, "1", "0")
    copy(folder, "1", "2")
    copy(folder, "1", "3")
    np.save(folder / "training" / "0.npy", np.array(False))  # another part
    changed("stimuli/2.npy", lambda frames: 255 - frames)(folder)
    read = load_trials(folder)
    assert read.omissions == (Omission("doubled", "trials", ("3",), 4),)
    assert [each.name for each in read.trials] == ["0", "1", "2"]


def with_units(number: int, active: int) -> list[Trial]:
    """Repeats of a video with the same activity in some of their units, and behaviour of their own."""
    shown = video("1", 3).repeats
    units = np.where(np.arange(number) < active, trial("0", units=number).units, np.float32(0))
    return [replace(repeat, units=units) for repeat in shown]


@pytest.mark.parametrize(("active", "left_out"), [(0, ()), (9, ()), (10, ("1/1", "1/2"))])
def test_few_active_units_may_be_equal_by_chance(
    tmp_path: Path, active: int, left_out: tuple[str, ...]
) -> None:
    trials = write_trials(tmp_path / "training_data", [trial(str(i), units=12) for i in range(2)])
    folder = write_videos(tmp_path / "evaluation_data", [Video("1", tuple(with_units(12, active)))])
    omissions = load_recording(trials, {"natural": folder})[0].omissions
    assert omissions == ((Omission("doubled", "repeats", left_out, 3, part="natural"),) if left_out else ())


def test_the_same_silence_is_no_copy(tmp_path: Path) -> None:
    """Nor are the same units for another video, or without behaviour."""
    trials, folder = folder_of(tmp_path), tmp_path / "evaluation_data"
    write_videos(folder, [video("1", 3), video("2", 1), video("3", 2)])
    copy(folder, "1/0", "1/2")
    for name in ("1/0", "1/2"):
        changed(f"units/{name}.npy", np.zeros_like)(folder)
    copy(folder, "1/1", "2/0")
    copy(folder, "3/0", "3/1")
    for name in ("3/0", "3/1"):
        for kind in ("perspectives", "modulations"):
            changed(f"{kind}/{name}.npy", np.zeros_like)(folder)
    assert load_recording(trials, {"natural": folder})[0].omissions == ()


def test_a_unit_that_is_bad_in_a_video_is_left_out_everywhere(tmp_path: Path) -> None:
    trials = folder_of(tmp_path)
    folder = write_videos(tmp_path / "evaluation_data", [video("1", 2)])
    changed("units/1/1.npy", with_value(np.nan))(folder)
    read, found = load_recording(trials, {"natural": folder}, np.array([70, 80, 90]))
    assert read.omissions == (Omission("not_finite", "units", ("80",), 3),)
    assert {each.units.shape[1] for each in (*read.trials, *found["natural"][0].repeats)} == {2}
    for ids, says in ((np.arange(4), "statistics beside it name 4"), (np.arange(2), "name 2")):
        with pytest.raises(DataError, match=says):
            load_recording(trials, {}, ids)


def test_a_channel_that_was_lost_in_the_videos_alone_is_named(tmp_path: Path) -> None:
    """Not one that stays as it is there, nor one that training lacked, too."""
    trials = folder_of(tmp_path)
    folder = write_videos(tmp_path / "evaluation_data", [video("1", 2), video("2", 1)])
    for name in ("1/0", "1/1", "2/0"):
        changed(f"perspectives/{name}.npy", lambda v: np.where([True, False], np.float32("nan"), v))(folder)
        changed(f"modulations/{name}.npy", lambda v: np.where([True, False], v, np.float32(0.3)))(folder)
    read, found = load_recording(trials, {"natural": folder})
    assert read.omissions == (Omission("not_recorded", "channels", ("pupil_x",), 5, part="natural"),)
    assert all((repeat.modulation[:, 1] == np.float32(0.3)).all() for repeat in found["natural"][0].repeats)
    for name in range(3):
        changed(f"perspectives/{name}.npy", lambda v: np.where([True, False], np.float32("nan"), v))(trials)
    again, _ = load_recording(trials, {"natural": folder})
    assert again.omissions == (Omission("not_recorded", "channels", ("pupil_x",), 5),)


def test_videos_of_other_units_are_refused(tmp_path: Path) -> None:
    shown = video("1", 1)
    fewer = Video("1", (replace(shown.repeats[0], units=shown.repeats[0].units[:, :2]),))
    folder = write_videos(tmp_path / "evaluation_data", [fewer])
    with pytest.raises(DataError, match=r"evaluation_data has 2 units, and .*training_data has 3"):
        load_recording(folder_of(tmp_path), {"natural": folder})


def test_a_sound_recording_leaves_nothing_out(tmp_path: Path) -> None:
    trials, folder = folder_of(tmp_path), write_videos(tmp_path / "evaluation_data", [video("1", 2)])
    read, found = load_recording(trials, {"natural": folder})
    assert read.omissions == () and read.columns is None
    assert all(same(*pair) for pair in zip(found["natural"][0].repeats, video("1", 2).repeats, strict=True))


def test_a_shorter_repeat_shows_other_frames(tmp_path: Path) -> None:
    one, other = video("1", 2).repeats
    shorter = replace(
        other,
        stimulus=other.stimulus[:9],
        perspective=other.perspective[:9],
        modulation=other.modulation[:9],
        units=other.units[:9],
    )
    with pytest.raises(DataError, match="shows other frames"):
        write_videos(tmp_path / "evaluation_data", [Video("1", (one, shorter))])
    assert not list(tmp_path.iterdir())


def test_folders_of_another_level_or_kind_are_named(tmp_path: Path) -> None:
    training = folder_of(tmp_path)
    evaluation = write_videos(tmp_path / "evaluation_data", [video("1", 2)])
    for load, folder, says in (
        (load_trials, tmp_path, f"give {training} inside it"),
        (load_videos, tmp_path, f"give {evaluation} inside it"),
        (load_trials, training / "units", "give the folder that holds"),
        (load_videos, training, "load_trials"),
        (load_trials, evaluation, "has no folder training, samples"),
        (load_trials, tmp_path / "absent", "absent is not a folder"),
    ):
        with pytest.raises(DataError, match=says):
            load(folder)


def test_what_could_not_be_read_is_not_written(tmp_path: Path) -> None:
    negative = replace(trial("1"), units=np.full((FRAMES, UNITS), -1, dtype=np.float32))
    for trials, says in (
        ([], "would be empty"),
        ([trial("1"), trial("1")], "would hold 1 twice"),
        ([replace(trial("1"), name="../1")], "is not a name for a file"),
        ([negative], "units of trial 1 holds negative"),
    ):
        with pytest.raises(DataError, match=says):
            write_trials(tmp_path / "training_data", trials)
    for videos, says in (([], "would be empty"), ([Video("1", ())], "would be empty")):
        with pytest.raises(DataError, match=says):
            write_videos(tmp_path / "evaluation_data", videos)
    assert not list(tmp_path.iterdir())


def test_files_that_are_no_trials_are_passed_over(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    (folder / "stimuli" / "._1.npy").write_bytes(b"left by another system")
    (folder / "units" / "notes.txt").write_text("unit 3 is dim")
    assert len(load_trials(folder).trials) == 3
