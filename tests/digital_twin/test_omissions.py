"""What of a recording is left out of training and scores, and that the rest goes all the way."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from neurokit import Experiment
from neurokit.digital_twin import describe, load
from neurokit.digital_twin.experiment import respond, task
from neurokit.digital_twin.preparation import read_omissions, write_recording
from neurokit.digital_twin.recording import Trial, Video, load_videos
from neurokit.digital_twin.scores import score_table, score_videos
from neurokit.digital_twin.shared_frames import find_shared, frame_digests
from neurokit.digital_twin.simulated_files import load_truth, write_simulated_mouse
from neurokit.digital_twin.simulation import KINDS, MouseParameters, simulate_mouse
from neurokit.errors import DataError
from neurokit.training import checkpoint
from neurokit.training.omissions import Omission
from tests.digital_twin.toys import CONFIG, MONITOR, toy_trial, toy_trials, toy_video

TINY = MouseParameters(
    minutes=0.5, cells=5, height=12, width=16, clip_frames=40, test_clips=3, new_clips=1, repeats=3
)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_simulated_mouse(simulate_mouse(TINY), tmp_path_factory.mktemp("mice") / "mouse")


@pytest.fixture(autouse=True)
def data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("NEUROKIT_QUIET", "1")


def changed(path: Path, change: Callable[[np.ndarray], np.ndarray]) -> None:
    np.save(path, change(np.load(path)))


def lose_unit(values: np.ndarray) -> np.ndarray:
    values[5:, 2] = np.nan
    return values


def damage(folder: Path) -> None:
    """One piece of each kind."""
    training, evaluation = folder / "training_data", folder / "evaluation_data"
    changed(training / "units" / "3.npy", lose_unit)
    (training / "stimuli" / "4.npy").write_bytes((training / "stimuli" / "4.npy").read_bytes()[:-9])
    shown = np.load(evaluation / "stimuli" / "1" / "0.npy")
    changed(training / "stimuli" / "5.npy", lambda frames: np.concatenate([shown[10:30], frames[20:]]))
    for path in (training / "modulations").iterdir():
        changed(path, lambda values: np.where([False, True], np.nan, values).astype(np.float32))
    for path in (*evaluation.glob("*/2/2.npy"), evaluation / "perspectives" / "2" / "1.npy"):
        path.unlink()
    (evaluation / "units" / "0" / "1.npy").write_bytes(b"")


LEFT_OUT = (
    Omission("unreadable", "trials", ("4",), TINY.trials),
    Omission("missing", "repeats", ("2/1",), 8, part="natural"),
    Omission("unreadable", "repeats", ("0/1",), 8, part="natural"),
    Omission("not_finite", "units", ("2",), 5),
    Omission("not_recorded", "channels", ("treadmill",), 5),
)


def never_active(folder: Path, lost: tuple[str, ...] = ()) -> list[Omission]:
    """Units without activity in scored frames, kind by kind of video; `lost` ones are no units any more."""
    places = {"natural": folder / "evaluation_data"}
    places |= {kind: folder / "new_stimuli" / kind for kind in KINDS[1:]}
    found = []
    for kind in KINDS:
        files = [path for path in (places[kind] / "units").glob("*/*.npy") if path.stat().st_size]
        silent = (np.concatenate([np.load(path)[10:] for path in files]) == 0).all(axis=0)
        names = tuple(str(unit) for unit in np.flatnonzero(silent) if str(unit) not in lost)
        found += [Omission("constant", "units", names, 5 - len(lost), part=kind)] if names else []
    return found


def test_a_damaged_recording_goes_all_the_way(
    sound: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shutil.copytree(sound, tmp_path / "mouse")
    damage(folder)
    made = Experiment("digital-twin", folder=folder, config=CONFIG, device="cpu", epochs=1).train()
    fitted = sum(trial.training for trial in made.recording.training_data.trials)
    expected = (
        *LEFT_OUT,
        Omission("shown_in_two_parts", "trials", ("5",), fitted, part="training"),
        Omission("shown_once", "videos", ("2",), 3, part="natural"),
        *(silent := never_active(folder, lost=("2",))),
    )
    assert made.omissions == expected
    said = capsys.readouterr().out
    assert all(str(omission) in said for omission in expected)
    assert all(str(omission) in describe(made.recording) for omission in LEFT_OUT)
    table = made.evaluate().set_index(["stimulus", "model"])
    scored = {kind: 4 for kind in KINDS} | {each.part: 4 - len(each.names) for each in silent}
    assert silent and table["units"].to_dict() == {place: scored[place[0]] for place in table.index}
    assert np.isfinite(table[["cc_abs", "single_trial"]].to_numpy()).all()
    assert [len(video) for video in made.predict()[:3]] == [2, 3, 1]
    again = Experiment("digital-twin", folder=folder, config=CONFIG, device="cpu", epochs=1)
    assert again.is_trained and again.evaluate().equals(made.evaluate())
    facts = json.loads(made.path.with_suffix(".json").read_text())
    assert [each["names"] for each in facts["left_out"]] == [list(each.names) for each in expected]
    assert facts["units"]["unit_id"] == [0, 1, 3, 4]


def test_a_channel_that_training_lacked_changes_no_answer(sound: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(sound, tmp_path / "mouse")
    damage(folder)
    made = Experiment("digital-twin", folder=folder, config=CONFIG, device="cpu", epochs=1).train()
    opened = checkpoint.load(made.path)
    shown = {"stimulus": toy_trial("a").stimulus, "rate": np.array(30.0)}
    body = np.random.default_rng(0).normal(size=(24, 2))
    radius, both = np.stack([body[:, 0], np.zeros(24)], axis=1), body
    first, second, third = (
        respond(opened, shown | {"modulation": values})["rates"] for values in (radius, both, 2 * body)
    )
    np.testing.assert_array_equal(first, second)
    assert first.shape == (24, 4) and np.isfinite(third).all()


def test_a_channel_that_only_the_videos_lacked_is_read_elsewhere(sound: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(sound, tmp_path / "mouse")
    for path in (folder / "evaluation_data" / "modulations").rglob("*.npy"):
        changed(path, lambda values: np.where([False, True], np.nan, values).astype(np.float32))
    made = Experiment("digital-twin", folder=folder, config=CONFIG, device="cpu", epochs=1).train()
    unseen = Omission("not_recorded", "channels", ("treadmill",), 5, part="natural")
    assert made.omissions == (unseen, *never_active(folder))
    opened = checkpoint.load(made.path)
    torch.nn.init.normal_(next(opened.model.modulation.parameters()))
    shown = {"stimulus": toy_trial("a").stimulus, "rate": np.array(30.0)}
    body = np.random.default_rng(0).normal(size=(24, 2))
    one, other = (
        respond(opened, shown | {"modulation": values})["rates"] for values in (body, body * [1, 2])
    )
    assert (one != other).any()


def test_a_sound_recording_leaves_nothing_out(sound: Path, tmp_path: Path) -> None:
    for folder, silent in (
        (sound, tuple(never_active(sound))),
        (converted(tmp_path / "mouse", toy_trials(), toy_video("v", 2)), ()),
    ):
        recording = load(folder=folder)
        made = task(recording, CONFIG)
        assert made.omissions == silent and recording.omissions == ()
        assert made.trials is recording.training_data and made.videos == recording.videos


# What cannot be scored or drawn


def test_units_that_no_scored_video_drives_are_in_no_score(tmp_path: Path) -> None:
    """In one kind of score or in all; activity within the frames that are not scored is none."""
    videos = [toy_video("a", 3), toy_video("b", 1)]
    for repeat in videos[0].repeats:
        repeat.units[:, 1] = 0
        repeat.units[10:, 2] = 0.5
    videos[1].repeats[0].units[10:, 2] = 0.5
    random = np.random.default_rng(0)
    predicted = [random.random((len(video.repeats), 24, 3)) for video in videos]
    found = score_videos(videos, predicted)
    assert np.isnan(found.single_trial).tolist() == [False, False, True]
    for name in ("cc_abs", "cc_max", "cc_norm"):
        assert np.isnan(getattr(found.repeats, name)[1:]).all()
    assert found.medians()["single_trial"] == pytest.approx(found.single_trial[:2].mean())
    assert found.medians()["cc_abs"] == found.repeats.cc_abs[0] != 0
    flat = [np.zeros_like(values) for values in predicted]  # the control: a model that says nothing scores 0
    assert score_videos(videos, flat).single_trial[:2].tolist() == [0, 0]
    (row,) = score_table({"natural": videos}, {"twin": predicted}).to_dict("records")
    assert row["units"] == 2 and row["cc_abs"] == found.repeats.cc_abs[0]


def test_a_silent_unit_is_named_beside_the_scores_of_all_models_and_the_ceiling(
    sound: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(sound, tmp_path / "mouse")
    for path in (folder / "evaluation_data" / "units").rglob("*.npy"):
        changed(path, lambda values: values * np.float32([1, 1, 1, 0, 1]))
    made = Experiment("digital-twin", folder=folder, config=CONFIG, device="cpu", epochs=1).train()
    assert made.omissions == tuple(never_active(folder))
    assert Omission("constant", "units", ("3",), 5, part="natural") in made.omissions
    table = made.evaluate().set_index(["stimulus", "model"]).loc["natural"]
    assert (table["units"] == 4).all() and {"ceiling", "digital twin"} < set(table.index)
    truth, videos = load_truth(folder), load_videos(folder / "evaluation_data")
    best = score_videos(videos, truth.expectations("natural", videos)).single_trial[[0, 1, 2, 4]]
    assert table.loc["ceiling", "single_trial"] == np.median(best)


def test_what_is_too_short_is_counted(tmp_path: Path) -> None:
    trials = toy_trials()
    trials[1] = toy_trial("1", frames=11)
    trials[5] = toy_trial("5", frames=11, training=False)
    gaps = trials[2].perspective.copy()
    gaps[::8] = np.nan
    trials[2] = replace(trials[2], perspective=gaps)
    videos = (toy_video("u", 2, frames=10), toy_video("v", 2), toy_video("w", 3, frames=9))
    folder = converted(tmp_path / "mouse", trials, *videos)
    expected = (
        Omission("too_short", "trials", ("1",), 4, part="training"),
        Omission("too_short", "trials", ("5",), 2, part="validation"),
        Omission("not_recorded", "trials", ("2",), 4, part="training"),
        Omission("too_short", "videos", ("u", "w"), 3, part="natural"),
    )
    made = Experiment("digital-twin", folder=folder, config=CONFIG, device="cpu", epochs=1).train()
    assert made.omissions == expected
    table = made.evaluate()
    assert np.isfinite(table["single_trial"]).all() and len(made.predict()) == 1
    alone = shutil.copytree(folder, tmp_path / "alone")  # the rest, in the same numbers
    for path in (*alone.glob("training_data/*/[125].npy"), *alone.glob("evaluation_data/*/[uw]/*.npy")):
        path.unlink()
    for path in alone.glob("evaluation_data/*/[uw]"):
        path.rmdir()
    without = Experiment("digital-twin", folder=alone, config=CONFIG, device="cpu", epochs=1).train()
    assert without.omissions == () and without.evaluate().equals(table)
    filled = made.with_values({"gaps": "mean", "window": 11})  # the control: all trials have such a clip
    assert filled.omissions == expected[3:]


def test_nothing_is_long_enough(tmp_path: Path) -> None:
    folder = converted(tmp_path / "videos", toy_trials(), toy_video("v", 2, frames=10))
    with pytest.raises(
        DataError, match=r"^All 1 videos in \S+/evaluation_data end within their first 10 frames"
    ):
        task(load(folder=folder), CONFIG)
    short = [toy_trial(str(number), frames=11, training=number < 4) for number in range(6)]
    made = Experiment(
        "digital-twin", folder=converted(tmp_path / "trials", short, toy_video("v", 2)), config=CONFIG
    )
    with pytest.raises(
        DataError, match="4 trials of 11 frames at most, and a clip has 12: set a smaller window"
    ):
        made.train()
    still = toy_video("v", 2)
    for repeat in still.repeats:
        repeat.units[:] = 1
    with pytest.raises(DataError, match=r"^No unit in \S+/evaluation_data/units changes after the first 10"):
        task(load(folder=converted(tmp_path / "still", toy_trials(), still)), CONFIG)


def test_one_grey_throughout_is_refused_and_grey_among_others_is_a_control(tmp_path: Path) -> None:
    blank = [replace(trial, stimulus=np.zeros_like(trial.stimulus)) for trial in toy_trials()]
    with pytest.raises(
        DataError, match=r"^Every video of the 4 trials to fit in \S+ is one grey from beginning"
    ):
        task(load(folder=converted(tmp_path / "blank", blank, toy_video("v", 2))), CONFIG)
    for number, one in enumerate((toy_trials()[0], replace(blank[0], stimulus=blank[0].stimulus.copy()))):
        one.stimulus[-1] = 99  # uniform frames that change are something to see
        folder = converted(tmp_path / f"some{number}", [one, *blank[1:]], toy_video("v", 2))
        assert task(load(folder=folder), CONFIG).omissions == ()


# Videos in two parts


def test_frames_are_compared_by_content_and_uniform_ones_never() -> None:
    random = np.random.default_rng(0)
    film = random.integers(0, 256, (100, *MONITOR), dtype=np.uint8)
    other = random.integers(0, 256, (100, *MONITOR), dtype=np.uint8)
    grey = np.full((100, *MONITOR), 128, dtype=np.uint8)
    shown = {
        "the film": film,
        "in columns": np.asfortranarray(film),
        "a stretch": film[40:60],
        "within grey": np.concatenate([grey, film[:30], grey]),
        "a tenth": np.concatenate([film[:10], other[10:]]),
        "more than a tenth": np.concatenate([film[:11], other[11:]]),
        "another": other,
        "grey": grey,
        "inverted": 255 - film,
    }
    found = find_shared(
        [frame_digests(frames) for frames in shown.values()],
        [frame_digests(np.concatenate([grey, film])), frame_digests(grey)],
    )
    assert [name for name, bad in zip(shown, found, strict=True) if bad] == [
        "the film", "in columns", "a stretch", "within grey", "more than a tenth"
    ]  # fmt: skip


def test_a_short_video_within_a_long_trial_is_shared() -> None:
    random = np.random.default_rng(1)
    film = random.integers(0, 256, (300, *MONITOR), dtype=np.uint8)
    (found,) = find_shared([frame_digests(film)], [frame_digests(film[100:115])])
    assert found


def converted(folder: Path, trials: list[Trial], *videos: Video) -> Path:
    write_recording(folder, trials, videos, np.arange(10, 40, 10))
    return folder


def test_training_gives_way_to_validation_and_both_to_the_videos_scored_on(tmp_path: Path) -> None:
    video, trials = toy_video("v", 2), toy_trials()
    trials[1] = replace(trials[1], stimulus=trials[4].stimulus)
    trials[2] = replace(trials[2], stimulus=video.repeats[0].stimulus)
    trials[5] = replace(trials[5], stimulus=video.repeats[0].stimulus)
    made = task(load(folder=converted(tmp_path / "mouse", trials, video)))
    assert made.omissions == (
        Omission("shown_in_two_parts", "trials", ("1", "2"), 4, part="training"),
        Omission("shown_in_two_parts", "trials", ("5",), 2, part="validation"),
    )
    assert [trial.name for trial in made.trials.trials] == ["0", "3", "4"]


def test_nothing_is_left_to_train_on(tmp_path: Path) -> None:
    video = toy_video("v", 2)
    trials = [
        replace(trial, stimulus=video.repeats[0].stimulus) if trial.training else trial
        for trial in toy_trials()
    ]
    with pytest.raises(DataError, match=r"^All 4 training trials in .* show videos of another part: show"):
        task(load(folder=converted(tmp_path / "mouse", trials, video)))


# Recordings that are written


def test_units_that_cannot_be_used_are_left_out_by_their_ids(tmp_path: Path) -> None:
    trials, video = toy_trials(), toy_video("v", 2)
    trials[3].units[2, 1] = np.inf
    wide = [replace(trial, units=np.asfortranarray(trial.units.astype(np.float64))) for trial in trials]
    for trial in wide:
        trial.units.flags.writeable = trial.perspective.flags.writeable = False
    with pytest.warns(UserWarning, match=r"1 of 3 units left out \(values are missing.*\): 20$"):
        folder = converted(tmp_path / "mouse", wide, video)
    recording = load(folder=folder)
    expected = (Omission("not_finite", "units", ("20",), 3),)
    assert recording.omissions == read_omissions(folder) == expected
    assert task(recording).unit_table["unit_id"].tolist() == [10, 30]
    trained = Experiment("digital-twin", folder=folder, config=CONFIG, device="cpu", epochs=1).train()
    assert trained.omissions == expected and trained.result.model.units == 2


def test_units_of_a_converted_recording_keep_their_ids(tmp_path: Path) -> None:
    folder = converted(tmp_path / "mouse", toy_trials(), toy_video("v", 2))
    changed(folder / "training_data" / "units" / "1.npy", lambda v: v * np.float32([1, -1, 1]))
    recording = load(folder=folder)
    assert recording.omissions == (Omission("out_of_range", "units", ("20",), 3),)
    assert task(recording).unit_table["unit_id"].tolist() == [10, 30]


def test_trials_of_others_are_refused_in_a_sentence(tmp_path: Path) -> None:
    for units, ids in ((np.zeros((24, 5), np.float32), np.arange(3)), (toy_trial("9").units, np.arange(4))):
        trials = [*toy_trials(), replace(toy_trial("9"), units=units)]
        with pytest.raises(DataError, match=r"^units of trial \d have the shape .*: give frames x unit_ids"):
            write_recording(tmp_path / "mouse", trials, [], ids)
    for trials, says in (
        ([*toy_trials(), toy_trial("0")], "would hold 0 twice"),
        (
            [replace(trial, units=trial.units - 5) for trial in toy_trials()],
            "negative values in 3 of 3 .* clip",
        ),
    ):
        with pytest.raises(DataError, match=says):
            write_recording(tmp_path / "mouse", trials, [], np.arange(3))
    assert not list(tmp_path.iterdir())


def test_a_damaged_list_of_what_was_left_out_is_one_sentence(tmp_path: Path) -> None:
    for text in ("", "{}x", "[1]", '[{"rule": "constant"}]', "[" * 9999):
        (tmp_path / "left_out.json").write_text(text)
        with pytest.raises(DataError, match=r"left_out\.json does not list what was left out: convert"):
            read_omissions(tmp_path)


# Videos shown once


def test_videos_shown_once_count_in_single_trials_alone() -> None:
    videos = [toy_video("a", 3), toy_video("b", 1), toy_video("c", 2)]
    random = np.random.default_rng(0)
    predicted = [random.random((len(video.repeats), 24, 3)) for video in videos]
    found, repeated = score_videos(videos, predicted), score_videos(videos[::2], predicted[::2])
    for name in ("cc_abs", "cc_max", "cc_norm"):
        np.testing.assert_array_equal(getattr(found.repeats, name), getattr(repeated.repeats, name))
    assert (found.single_trial != repeated.single_trial).all()
    once = score_videos(videos[1:2], predicted[1:2])
    assert np.isnan(once.repeats.cc_abs).all() and np.isfinite(once.single_trial).all()


def test_repeats_of_one_video_are_read_alone(sound: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(sound, tmp_path / "mouse")
    damage(folder)
    assert [len(video.repeats) for video in load_videos(folder / "evaluation_data")] == [2, 3, 1]
