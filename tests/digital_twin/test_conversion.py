"""Other recordings as trial folders: what trains never evaluates, and every trace stays where it was."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from neurokit.digital_twin.conversion import (
    IMAGE_FRAMES,
    convert_microns,
    convert_scan,
    convert_session,
    split_movie,
    split_trials,
)
from neurokit.digital_twin.microns import PERIOD, MicronsScan, MicronsTrial, MicronsVideo, load_scan
from neurokit.digital_twin.preparation import (
    TrainingStatistics,
    read_omissions,
    read_statistics,
    resize_video,
)
from neurokit.digital_twin.recording import Trial, load_trials, load_videos
from neurokit.digital_twin.usable import CHANNELS
from neurokit.errors import DataError
from neurokit.sensorium.recording import Scan
from neurokit.training.omissions import Omission
from neurokit.v1_transformer.recording import Movie, MovieSession
from tests.digital_twin.microns_file import write_scans
from tests.digital_twin.toys import values_of
from tests.sensorium.toys import toy_scan
from tests.v1_transformer.toys import toy_frames, toy_responses

# Allen sessions

REPEATS, MOVIE, TRIAL, GAP = 3, 80, 20, 4


def toy_session(change: Callable[[np.ndarray], np.ndarray] = lambda dff: dff) -> MovieSession:
    """One movie of 80 frames, three times, now and then a frame that stays for two samples; 4 cells."""
    random = np.random.default_rng(8)
    starts = np.cumsum(1 + (random.random((REPEATS, MOVIE)) < 0.1), axis=1)
    starts += 10 + 120 * np.arange(REPEATS)[:, None]
    samples = int(starts.max()) + 10
    dff = random.normal(0, 0.1, (4, samples)).astype(np.float32)
    for repeat, responses in zip(starts, toy_responses(), strict=True):
        dff[:, repeat] = responses.T / 10
    dff[:, starts] = change(dff[:, starts])
    running = random.gamma(1, 8, samples).astype(np.float32)
    running[:5] = np.nan
    return MovieSession(
        session_id=1,
        session_type="three_session_B",
        structure="VISp",
        depth=175,
        cre_line="Cux2-CreERT2",
        pipeline="3.0",
        cell_ids=np.array([51, 52, 54, 58]),
        time=100 + np.arange(samples) / 30.1,
        dff=dff,
        running=running,
        pupil=random.normal([3, -1, 40], 2, (samples, 3)).astype(np.float32),
        movies={"natural_movie_one": Movie("natural_movie_one", toy_frames(), starts)},
    )


def convert_toy(session: MovieSession | SimpleNamespace, folder: Path) -> TrainingStatistics:
    return convert_session(session, folder, size=(8, 16), trial_frames=TRIAL, gap=GAP)


def test_a_split_covers_the_movie_but_for_two_gaps() -> None:
    for frames in (900, 3600, 700):
        split = split_movie(frames)
        parts = [*split.train, split.validation, split.evaluation]
        held = [frame for part in parts for frame in part]
        assert held == sorted(set(held)) and held[-1] == frames - 1 and len(held) == frames - 60
        assert len(split.validation) == len(split.evaluation) == 300
        assert all(1 <= len(part) <= 300 for part in parts)
        assert split.validation[0] - split.train[-1][-1] == split.evaluation[0] - split.validation[-1] == 31
    assert min(map(len, split_movie(3600).train)) > 270
    with pytest.raises(DataError, match="660 frames leave 0"):
        split_movie(660)


def test_a_gap_may_be_of_0_frames_and_a_part_of_one() -> None:
    split = split_movie(10, trial_frames=3, gap=0)
    parts = [*split.train, split.validation, split.evaluation]
    assert [frame for part in parts for frame in part] == list(range(10))
    assert split.validation == range(4, 7) and split.evaluation == range(7, 10)
    assert split_movie(3, trial_frames=1, gap=0).train == (range(1),)
    for frames, trial_frames, gap in [(6, 3, 0), (10, 0, 0), (100, 3, -1)]:
        with pytest.raises(DataError, match="choose shorter trials or a longer movie"):
            split_movie(frames, trial_frames=trial_frames, gap=gap)


def test_no_frame_of_the_evaluation_is_in_training(tmp_path: Path) -> None:
    convert_toy(toy_session(), tmp_path / "mouse")
    trials = load_trials(tmp_path / "mouse" / "training_data")
    (video,) = load_videos(tmp_path / "mouse" / "evaluation_data")
    assert (len(trials.part(True)), len(trials.part(False)), len(video.repeats)) == (6, REPEATS, REPEATS)
    place = {frame.tobytes(): number for number, frame in enumerate(toy_frames())}
    assert len(place) == MOVIE  # noise: all frames differ
    shown = [
        {place[frame.tobytes()] for each in part for frame in each.stimulus}
        for part in (trials.part(True), trials.part(False), video.repeats)
    ]
    assert shown == [set(range(32)), set(range(36, 56)), set(range(60, 80))]


def test_responses_and_behaviour_are_those_of_the_samples_at_which_frames_came_on(tmp_path: Path) -> None:
    session = toy_session()
    statistics = convert_toy(session, tmp_path / "mouse")
    movie = session.movies["natural_movie_one"]
    (video,) = load_videos(tmp_path / "mouse" / "evaluation_data")
    train = session.dff[:, movie.starts[:, :32]].reshape(4, -1)
    lowest = np.percentile(train, 10, axis=1)
    samples = movie.starts[1, 60:]
    raw = np.maximum(session.dff[:, samples].T - lowest, 0)
    mean = np.maximum(train.T - lowest, 0).mean(axis=0)
    np.testing.assert_allclose(video.repeats[1].units, raw / mean, rtol=1e-4, atol=1e-5)
    centred = session.running[samples] - session.running[movie.starts[:, :32]].mean()
    expected = centred / session.running[movie.starts[:, :32]].std()
    np.testing.assert_allclose(video.repeats[1].modulation[:, 1], expected, rtol=1e-4, atol=1e-5)
    pupil = (session.pupil[samples, :2] - statistics.perspective_mean) / statistics.perspective_std
    np.testing.assert_allclose(video.repeats[1].perspective, pupil, rtol=1e-4, atol=1e-5)


def test_what_happens_outside_of_training_frames_changes_no_training_trial(tmp_path: Path) -> None:
    def loud(frames: slice) -> Callable[[np.ndarray], np.ndarray]:
        def change(dff: np.ndarray) -> np.ndarray:
            dff = dff.copy()
            dff[:, :, frames] = dff[:, :, frames] * 3 - 1  # lower lows and higher highs
            return dff

        return change

    found = {}
    for name, change in {
        "as it is": lambda v: v,
        "later": loud(slice(32, 80)),
        "leak": loud(slice(31, 80)),
    }.items():
        statistics = convert_toy(toy_session(change), tmp_path / name)
        trials = load_trials(tmp_path / name / "training_data").part(True)
        units = np.concatenate([each.units for each in trials])
        found[name] = np.concatenate([units.ravel(), values_of(statistics)])
    np.testing.assert_array_equal(found["later"], found["as it is"])
    assert not np.array_equal(found["leak"], found["as it is"])


def test_what_a_session_and_its_conversion_left_out_is_in_the_folder(tmp_path: Path) -> None:
    session, earlier = toy_session(), Omission("constant", "units", ("53",), 5)
    session.dff[2, session.movies["natural_movie_one"].starts[1, 3]] = np.nan
    with pytest.warns(UserWarning, match=r"1 of 4 units left out .*: 54$"):
        convert_toy(SimpleNamespace(**vars(session) | {"omissions": (earlier,)}), tmp_path / "mouse")
    assert read_omissions(tmp_path / "mouse") == (earlier, Omission("not_finite", "units", ("54",), 4))
    statistics = read_statistics(tmp_path / "mouse" / "statistics.npz")
    assert statistics.unit_ids.tolist() == [51, 52, 58]


@pytest.mark.parametrize("running", [None, np.full(toy_session().time.shape, np.nan, dtype=np.float32)])
def test_sessions_without_pupil_or_running(tmp_path: Path, running: np.ndarray | None) -> None:
    statistics = convert_toy(replace(toy_session(), pupil=None, running=running), tmp_path / "mouse")
    assert np.isnan(values_of(statistics)[:8]).all()
    trials = load_trials(tmp_path / "mouse" / "training_data")
    for each in trials.trials:
        assert not each.perspective.any() and not each.modulation.any()
        stored = np.load(tmp_path / "mouse" / "training_data" / "perspectives" / f"{each.name}.npy")
        assert np.isnan(stored).all()
    assert trials.omissions == (Omission("not_recorded", "channels", CHANNELS, 5),)


def test_long_gaps_of_the_pupil_stay_gaps(tmp_path: Path) -> None:
    session = toy_session()
    starts = session.movies["natural_movie_one"].starts
    session.pupil[starts[0, 2] : starts[0, 25]] = np.nan
    session.pupil[starts[1, 5] : starts[1, 8]] = np.nan
    convert_toy(session, tmp_path / "mouse")
    trials = {each.name: each for each in load_trials(tmp_path / "mouse" / "training_data").trials}
    gaps = np.isnan(np.concatenate([trials[f"natural_movie_one-{part}-0"].perspective for part in (0, 1)]))
    np.testing.assert_array_equal(gaps[:, 0], (np.arange(32) >= 2) & (np.arange(32) < 25))
    assert not np.isnan(trials["natural_movie_one-0-1"].perspective).any()


# SENSORIUM scans


def grey_scan(**options: bool) -> Scan:
    scan = toy_scan(**options)
    return replace(
        scan, statistics=scan.statistics | {"images": {"mean": np.array(110.0), "std": np.array(40.0)}}
    )


def test_a_scan_shows_each_image_for_half_a_second(tmp_path: Path) -> None:
    scan = grey_scan()
    convert_scan(scan, tmp_path / "mouse", size=(36, 64))
    folder = load_trials(tmp_path / "mouse" / "training_data")
    for tier, training in (("train", True), ("validation", False)):
        assert [int(each.name) for each in folder.part(training)] == scan.trials(tier).tolist()
    first = folder.part(True)[0]
    assert first.stimulus.shape == (IMAGE_FRAMES, 36, 64)
    for values in (first.stimulus, first.perspective, first.modulation, first.units):
        assert (values == values[0]).all()
    train, index = scan.trials("train"), int(first.name)
    np.testing.assert_allclose(first.stimulus[0], np.clip(scan.images[index] * 40 + 110, 0, 255), atol=0.51)
    np.testing.assert_allclose(
        first.units[0], scan.responses[index] / scan.responses[train].mean(axis=0), rtol=1e-4
    )
    behaviour = scan.behaviour[:, [0, 2]]
    expected = (behaviour[index] - behaviour[train].mean(axis=0)) / behaviour[train].std(axis=0)
    np.testing.assert_allclose(first.modulation[0], expected, rtol=1e-3, atol=1e-5)


def test_repeats_of_a_test_image_are_a_video(tmp_path: Path) -> None:
    scan = grey_scan()
    convert_scan(scan, tmp_path / "mouse", size=(9, 16))
    videos = load_videos(tmp_path / "mouse" / "evaluation_data")
    assert [len(video.repeats) for video in videos] == [3, 3, 3, 3]
    for video in videos:
        indices = [int(repeat.name) for repeat in video.repeats]
        assert (scan.image_ids[indices] == int(video.name)).all() and (scan.tiers[indices] == "test").all()


def test_withheld_responses_are_no_video_and_absent_behaviour_is_said(tmp_path: Path) -> None:
    scan = grey_scan(behaviour=False)
    scan.responses[scan.trials("test")] = 0
    convert_scan(scan, tmp_path / "mouse", size=(9, 16))
    assert not (tmp_path / "mouse" / "evaluation_data").exists()
    found = load_trials(tmp_path / "mouse" / "training_data")
    assert not any(each.perspective.any() or each.modulation.any() for each in found.trials)
    assert found.omissions == (Omission("not_recorded", "channels", CHANNELS, 5),)


def test_a_trial_to_fit_that_shows_a_test_image_is_left_out(tmp_path: Path) -> None:
    scan, folder = grey_scan(), tmp_path / "mouse"
    image_ids, shared = scan.image_ids.copy(), int(scan.trials("validation")[0])
    image_ids[shared] = image_ids[scan.trials("test")[0]]
    convert_scan(replace(scan, image_ids=image_ids), folder, size=(9, 16))
    number = len(scan.trials("train")) + len(scan.trials("validation"))
    assert read_omissions(folder) == (Omission("shown_in_two_parts", "trials", (str(shared),), number),)
    names = {trial.name for trial in load_trials(folder / "training_data").trials}
    assert str(shared) not in names and len(names) == number - 1


# MICrONS scans

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


def convert_written(folder: Path, recording: MicronsScan, **options: object) -> MicronsScan:
    """The scan as read from its file, and beside it the trial folder `out`."""
    path = write_scans(folder / "microns.h5", [recording], map(video, range(len(NAMES))))
    found = load_scan(path, 4, 7)
    convert_microns(found, path, folder / "out", size=SIZE, **options)
    return found


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> tuple[MicronsScan, Path]:
    folder = tmp_path_factory.mktemp("scan")
    return convert_written(folder, scan()), folder / "out"


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
    convert_written(tmp_path, scan(trials=louder))
    found, wanted = every(tmp_path / "out"), every(recording[1])
    for number in fitted:
        np.testing.assert_array_equal(found[number].units, wanted[number].units)
    assert not found[1].units.any() and wanted[1].units.any()


def test_short_gaps_in_behaviour_are_bridged_long_ones_stay(tmp_path: Path) -> None:
    trials = list(scan().trials)
    pupil, treadmill = trials[0].pupil_center.copy(), trials[0].treadmill.copy()
    pupil[3:6], treadmill[2:4] = np.nan, np.nan  # 0.53 and 0.40 s from one measured sample to the next
    trials[0] = replace(trials[0], pupil_center=pupil, treadmill=treadmill)
    convert_written(tmp_path, scan(trials=tuple(trials)))
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
def test_trials_that_do_not_fit_their_video_are_left_out(tmp_path: Path, number: int) -> None:
    whole = trial(number)
    parts = ("time", "responses", "pupil_center", "pupil_radius", "treadmill")
    short = replace(whole, **{name: getattr(whole, name)[:-1] for name in parts})
    slow = replace(whole, time=whole.time[0] + 0.2 * np.arange(SAMPLES))
    late = replace(whole, time=whole.time + np.where(np.arange(SAMPLES) > 5, 0.3, 0))
    for changed in (short, slow, late):
        trials = [changed if each.number == number else each for each in scan().trials]
        found = convert_written(tmp_path, scan(trials=tuple(trials)))
        expected = (Omission("misfit", "trials", (str(number),), len(SHOWN)),)
        assert found.omissions == read_omissions(tmp_path / "out") == expected
        assert every(tmp_path / "out").keys() == set(range(len(SHOWN))) - {number}
