"""Public MICrONS scans as trial folders: what trains never evaluates, and every trace stays where it was."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neurokit.digital_twin.conversion import resize_video
from neurokit.digital_twin.microns import PERIOD, MicronsScan, MicronsTrial, MicronsVideo
from neurokit.digital_twin.microns_conversion import convert_microns, split_trials
from neurokit.digital_twin.microns_scans import load_scan
from neurokit.digital_twin.recording import Trial, load_trials, load_videos
from neurokit.digital_twin.simulated_files import write_scans
from neurokit.digital_twin.statistics import read_statistics
from neurokit.errors import DataError

SAMPLES, NEURONS, SIZE = 9, 3, (8, 12)
FRAMES = 4 * (SAMPLES - 1) + 1
NAMES = [f"clip{i}" for i in range(10)] + ["a/b+c%"]  # the last one has signs that no file name may have
SHOWN = [0, 10, 1, 2, 3, 10, 4, 5, 6, 9, 7, 8, 10, 9]  # videos 9 and 10 several times, nine once


def video(index: int) -> MicronsVideo:
    random = np.random.default_rng([1, index])
    shape = (SAMPLES, *((9, 13) if index % 2 else SIZE))
    frames = random.integers(0, 256, shape, dtype=np.uint8)
    return MicronsVideo(NAMES[index], "Clip", frames, PERIOD * np.arange(SAMPLES), {})


def trial(number: int) -> MicronsTrial:
    random = np.random.default_rng([2, number])
    pupil = random.normal(10, 1, (SAMPLES, 4)).astype(np.float32)
    return MicronsTrial(
        number,
        NAMES[SHOWN[number]],
        3000.7 + 12 * number + PERIOD * np.arange(SAMPLES),
        random.normal(0.1, 1, (SAMPLES, NEURONS)).astype(np.float32),
        pupil_center=pupil[:, :2],
        pupil_radius=pupil[:, 2:],
        treadmill=random.gamma(1, 3, SAMPLES).astype(np.float32),
    )


def scan(**changes: object) -> MicronsScan:
    trials = tuple(trial(number) for number in range(len(SHOWN)))
    given = {"unit_ids": np.array([2, 5, 6]), "areas": np.array(["V1", "LM", "V1"]), "trials": trials}
    return MicronsScan(4, 7, coordinates=np.zeros((NEURONS, 3)), **given | changes)


def converted(folder: Path, recording: MicronsScan, **options: object) -> MicronsScan:
    """The scan as read from its file, and beside it the trial folder `out`."""
    path = write_scans(folder / "microns.h5", [recording], map(video, range(len(NAMES))))
    found = load_scan(path, 4, 7)
    convert_microns(found, path, folder / "out", size=SIZE, **options)
    return found


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> tuple[MicronsScan, Path]:
    folder = tmp_path_factory.mktemp("scan")
    return converted(folder, scan()), folder / "out"


def raw(found: Trial, folder: Path) -> Trial:
    """A trial of a folder in the numbers of the scan: standardisation undone."""
    of = read_statistics(folder / "statistics.npz")
    traces = {
        "perspective": found.perspective * of.perspective_std + of.perspective_mean,
        "modulation": found.modulation * of.modulation_std + of.modulation_mean,
        "units": found.units * of.units_mean,
    }
    return replace(found, **{name: values.astype(np.float32) for name, values in traces.items()})


def between(values: np.ndarray) -> np.ndarray:
    """Straight lines between samples, by hand: F ... to T ..."""
    steps = [values[:-1] + part * np.diff(values, axis=0) for part in (0, 0.25, 0.5, 0.75)]
    return np.concatenate([np.stack(steps, axis=1).reshape(-1, *values.shape[1:]), values[-1:]])


# Which trials are what


def test_every_trial_is_used_once_and_no_video_trains_and_evaluates() -> None:
    trials = scan().trials
    split = split_trials(trials)
    repeats = [each for part in split.repeated.values() for each in part]
    used = [each.number for each in (*split.train, *split.validation, *repeats)]
    assert sorted(used) == list(range(len(SHOWN)))
    assert {name: [each.number for each in part] for name, part in split.repeated.items()} == {
        NAMES[10]: [1, 5, 12], NAMES[9]: [9, 13],
    }  # fmt: skip
    assert not {each.video for each in split.train} & {each.video for each in (*split.validation, *repeats)}
    assert len(split.validation) == 1


def test_the_validation_share_is_drawn_from_its_seed() -> None:
    trials = scan().trials

    def held(seed: int) -> tuple[int, ...]:
        return tuple(each.number for each in split_trials(trials, validation=0.4, seed=seed).validation)

    assert all(len(held(seed)) == 4 for seed in range(5))
    assert held(0) == held(0) and len({held(seed) for seed in range(8)}) > 3
    drawn = Counter(number for seed in range(200) for number in held(seed))
    once = {number for number, shown in enumerate(SHOWN) if shown not in (9, 10)}
    assert drawn.keys() == once and min(drawn.values()) > 60  # 800 draws of 9, so 89 each without a bias


def test_too_few_videos_shown_once() -> None:
    trials = scan().trials
    for chosen, share, says in (
        (trials[:1], 0.1, "1 of 1 videos were shown once, and 1"),
        ([trials[1], trials[5]], 0.1, "0 of 1 videos"),
        (trials, 0.99, "9 of 11 videos were shown once, and 9"),
        (trials, 0.0, "validation is 0.0"),
        (trials, 1.0, "validation is 1.0"),
    ):
        with pytest.raises(DataError, match=says):
            split_trials(chosen, validation=share)


# What is in the folder


def test_the_folder_holds_the_parts_of_the_split(recording: tuple[MicronsScan, Path]) -> None:
    found, folder = recording
    split = split_trials(found.trials)
    trials, videos = load_trials(folder / "training_data"), load_videos(folder / "evaluation_data")
    for part, wanted in ((True, split.train), (False, split.validation)):
        assert {each.name for each in trials.part(part)} == {str(each.number) for each in wanted}
    assert {each.name: [repeat.name for repeat in each.repeats] for each in videos} == {
        "clip9": ["9", "13"], "a%2Fb+c%25": ["1", "5", "12"],
    }  # fmt: skip
    assert (trials.frame, trials.units) == (SIZE, NEURONS)
    assert read_statistics(folder / "statistics.npz").unit_ids.tolist() == [2, 5, 6]


def every(folder: Path) -> dict[int, Trial]:
    """All trials and repeats of a folder by their numbers."""
    trials = load_trials(folder / "training_data").trials
    repeats = [each for video in load_videos(folder / "evaluation_data") for each in video.repeats]
    return {int(each.name): each for each in (*trials, *repeats)}


def test_each_frame_stays_until_the_next_sample(recording: tuple[MicronsScan, Path]) -> None:
    for number, found in every(recording[1]).items():
        frames = resize_video(video(SHOWN[number]).frames, SIZE)
        np.testing.assert_array_equal(found.stimulus, np.repeat(frames, 4, axis=0)[:FRAMES])


def test_traces_go_straight_from_sample_to_sample(recording: tuple[MicronsScan, Path]) -> None:
    scanned, folder = recording
    fitted = np.concatenate([each.responses for each in split_trials(scanned.trials).train])
    lowest = np.percentile(fitted, 10, axis=0)
    for number, found in every(folder).items():
        measured, back = scanned.trials[number], raw(found, folder)
        radius = np.maximum(*measured.pupil_radius.T)
        np.testing.assert_allclose(back.perspective, between(measured.pupil_center), atol=1e-4)
        modulation = np.stack([radius, measured.treadmill], axis=1)
        np.testing.assert_allclose(back.modulation, between(modulation), atol=1e-4)
        active = np.maximum(measured.responses - lowest, 0)
        np.testing.assert_allclose(back.units, between(active), atol=1e-5)


def test_training_trials_alone_are_standardised(recording: tuple[MicronsScan, Path]) -> None:
    trials = load_trials(recording[1] / "training_data").part(True)
    for kind in ("perspective", "modulation"):
        values = np.concatenate([getattr(each, kind) for each in trials])
        np.testing.assert_allclose(values.mean(axis=0), 0, atol=1e-5)
        np.testing.assert_allclose(values.std(axis=0), 1, atol=1e-5)
    np.testing.assert_allclose(np.concatenate([each.units for each in trials]).mean(axis=0), 1, atol=1e-5)


def test_held_out_trials_change_no_statistic(tmp_path: Path, recording: tuple[MicronsScan, Path]) -> None:
    """Nor the baseline that is taken off dF/F: a training trial is the same to the last bit."""
    fitted = {each.number for each in split_trials(scan().trials).train}
    louder = tuple(
        each if each.number in fitted else replace(each, responses=each.responses - 9)
        for each in scan().trials
    )
    converted(tmp_path, scan(trials=louder))
    found, wanted = every(tmp_path / "out"), every(recording[1])
    for number in fitted:
        np.testing.assert_array_equal(found[number].units, wanted[number].units)
    assert not found[1].units.any() and wanted[1].units.any()


def test_short_gaps_in_behaviour_are_bridged_long_ones_stay(tmp_path: Path) -> None:
    trials = list(scan().trials)
    pupil, treadmill = trials[0].pupil_center.copy(), trials[0].treadmill.copy()
    pupil[3:6], treadmill[2:4] = np.nan, np.nan  # 0.53 and 0.40 s from one measured sample to the next
    trials[0] = replace(trials[0], pupil_center=pupil, treadmill=treadmill)
    converted(tmp_path, scan(trials=tuple(trials)))
    found = every(tmp_path / "out")[0]
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(found.perspective[:, 0])), np.arange(9, 24))
    assert not np.isnan(found.modulation).any()


def test_sizes_validation_and_baseline_are_options(tmp_path: Path) -> None:
    path = write_scans(tmp_path / "microns.h5", [scan()], map(video, range(len(NAMES))))
    found = load_scan(path, 4, 7, areas=["V1"])
    convert_microns(found, path, tmp_path / "out", size=(4, 6), validation=0.4, seed=3, baseline=50.0)
    trials = load_trials(tmp_path / "out" / "training_data")
    assert (trials.frame, trials.units, len(trials.part(False))) == ((4, 6), 2, 4)
    active = np.concatenate([each.units[::4] for each in trials.part(True)]) > 0
    assert active.mean() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("number", [0, 5])  # one that trains and a repeat
def test_trials_that_do_not_fit_their_video(tmp_path: Path, number: int) -> None:
    whole = trial(number)
    parts = ("time", "responses", "pupil_center", "pupil_radius", "treadmill")
    short = replace(whole, **{name: getattr(whole, name)[:-1] for name in parts})
    slow = replace(whole, time=whole.time[0] + 0.2 * np.arange(SAMPLES))
    late = replace(whole, time=whole.time + np.where(np.arange(SAMPLES) > 5, 0.3, 0))
    for changed, says in (
        (short, f"Trial {number} in .* has 8 samples, and its video 9 frames: leave .* without=.{number}."),
        (slow, f"Trial {number} in .* has a sample every 0.200 s"),
        (late, "or not evenly, and 0.133 s are needed"),
    ):
        trials = [changed if each.number == number else each for each in scan().trials]
        with pytest.raises(DataError, match=says):
            converted(tmp_path, scan(trials=tuple(trials)))
        assert not (tmp_path / "out").exists()
