"""One bad piece of a session costs one piece: it is left out by name, and all else is fitted and scored."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from neurokit.errors import DataError
from neurokit.experiment import Experiment
from neurokit.simulation.movies import MOVIES
from neurokit.training.omissions import Omission
from neurokit.v1_transformer import (
    MODELS,
    ClipShape,
    MovieSession,
    TransformerSettings,
    describe,
    load_session,
    simulate,
    task,
)
from neurokit.v1_transformer.clips import clip_frames
from neurokit.v1_transformer.simulated_files import PIPELINE

ONE, TWO, _ = MOVIES
SHAPE = ClipShape(length=4, stride=2, before=1)
MODEL = TransformerSettings(
    frame=(10, 20), patch=5, step=5, width=8, heads=2, spatial_layers=1, temporal_layers=1
)
CONFIG = MODELS["transformer"].small.replace(shape=SHAPE, model=MODEL).with_epochs(1)
FRAMES, REPEATS, CELLS = 150, 4, 6
DFF = f"{PIPELINE}/DfOverF/imaging_plane_1"
RUNNING = f"{PIPELINE}/BehavioralTimeSeries/running_speed"
TABLE = f"stimulus/presentation/{ONE}_stimulus"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two movies of 150 frames, each seen four times by six cells."""
    folder = tmp_path_factory.mktemp("sessions") / "mouse"
    made = simulate(folder, session_type="three_session_C", cells=CELLS, frames=FRAMES, repeats=REPEATS)
    return made.files[0]


@pytest.fixture(scope="module")
def sound(path: Path) -> MovieSession:
    return load_session(path, size=MODEL.frame)


Edit = Callable[[h5py.File, MovieSession], None]


def damage(path: Path, folder: Path, sound: MovieSession, change: Edit) -> Path:
    """The session changed, in a folder of its own that is laid out as the sound one."""
    shutil.copytree(path.parents[1], folder)
    copy = folder / path.parent.name / path.name
    with h5py.File(copy, "a") as file:
        change(file, sound)
    return copy


def put(file: h5py.File, place: str, where: object, values: object) -> None:
    """Sets some values of an array, whose type and size may change."""
    found = file[place][()].astype(np.float64)
    found[where] = values
    del file[place]
    file[place] = found


def starts(session: MovieSession, repeat: int, frame: int) -> int:
    return int(session.movies[ONE].starts[repeat, frame])


def constant_in_test(file: h5py.File, sound: MovieSession) -> None:
    for movie in sound.movies.values():
        for repeat in movie.starts:
            put(file, f"{DFF}/data", (2, slice(repeat[118], repeat[-1] + 8)), 0.25)


# What is changed, and what is left out: rule, pieces, names by position or repeat, number, part.
PIECES: dict[str, tuple[Edit, list[tuple[str, str, list, int, str]]]] = {
    "NaN in one cell": (
        lambda file, _: put(file, f"{DFF}/data", (3, slice(100, 105)), np.nan),
        [("not_finite", "units", [3], CELLS, "")],
    ),
    "a cell lost from the middle on": (
        lambda file, _: put(file, f"{DFF}/data", (2, slice(900, None)), np.nan),
        [("not_finite", "units", [2], CELLS, "")],
    ),
    "a cell of NaN, one infinite, one dead": (
        lambda file, _: [
            put(file, f"{DFF}/data", 0, np.nan),
            put(file, f"{DFF}/data", (4, 7), np.inf),
            put(file, f"{DFF}/data", 1, 0.0),
        ],
        [("not_finite", "units", [0, 4], CELLS, ""), ("constant", "units", [1], CELLS, "")],
    ),
    "more than float32 holds": (
        lambda file, _: put(file, f"{DFF}/data", (5, 9), 1e39),
        [("not_finite", "units", [5], CELLS, "")],
    ),
    "constant but at the start": (
        constant_in_test,
        [("constant", "units", [2], CELLS, "test")],
    ),
    "samples that the microscope lost": (
        lambda file, sound: put(
            file, f"{DFF}/data", (slice(1, None), slice(starts(sound, 1, 60), starts(sound, 1, 62))), np.nan
        ),
        [("not_finite", "repeats", [1], REPEATS, ""), ("unpaired", "repeats", [f"{TWO}/3"], REPEATS, "")],
    ),
    "a frame less": (
        lambda file, _: put(file, f"{TABLE}/data", FRAMES + 40, 39),
        [("interrupted", "repeats", [1], REPEATS, ""), ("unpaired", "repeats", [f"{TWO}/3"], REPEATS, "")],
    ),
    "a time that is not known": (
        lambda file, _: put(file, f"{TABLE}/frame_duration", (2 * FRAMES + 7, 0), np.nan),
        [("time_unknown", "repeats", [2], REPEATS, ""), ("unpaired", "repeats", [f"{TWO}/3"], REPEATS, "")],
    ),
    "a pupil off its clock": (
        lambda file, _: put(file, f"{PIPELINE}/PupilTracking/pupil_size/timestamps", 9, np.nan),
        [("off_the_clock", "channels", ["pupil"], 2, "")],
    ),
    "running with gaps": (
        lambda file, _: put(file, f"{RUNNING}/data", slice(5, 900, 3), np.inf),
        [],
    ),
    "two frames in one sample": (
        lambda file, sound: put(
            file, f"{TABLE}/frame_duration", (2 * FRAMES + 20, 0), starts(sound, 2, 19)
        ),
        [],
    ),
}  # fmt: skip


def expected(rows: list[tuple[str, str, list, int, str]], sound: MovieSession) -> tuple[Omission, ...]:
    found = []
    for rule, pieces, which, number, part in rows:
        repeat = pieces == "repeats"
        names = [
            each if isinstance(each, str) else f"{ONE}/{each}" if repeat else str(sound.cell_ids[each])
            for each in which
        ]
        found.append(Omission(rule, pieces, tuple(names), number, part=part))
    return tuple(found)


@pytest.mark.parametrize("name", PIECES)
def test_a_bad_piece_costs_one_piece(
    path: Path, sound: MovieSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """From the file to scores and back: counted, named, saved with the model, and scored without."""
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path / "data"))
    change, rows = PIECES[name]
    damage(path, tmp_path / "mouse", sound, change)
    wanted = expected(rows, sound)

    def make() -> Experiment:
        return Experiment("v1-transformer", config=CONFIG, folder=tmp_path / "mouse", device="cpu")

    first = make().train()
    assert first.omissions == wanted
    lost = {each for omission in wanted if omission.pieces == "units" for each in omission.names}
    kept = [cell for cell in sound.cell_ids.tolist() if str(cell) not in lost]
    repeats = REPEATS - any(each.pieces == "repeats" for each in wanted)
    assert first.task.cell_ids.tolist() == kept
    assert first.predict().shape[::2] == (repeats, len(kept)) and np.isfinite(first.predict()).all()
    table = first.evaluate()
    assert np.isfinite(table.drop(columns="model").to_numpy()).all() and "ceiling" in table.model.tolist()
    saved = json.loads(first.path.with_name(f"{first.path.name}.json").read_text())
    assert saved["left_out"] == [each.to_dict() for each in wanted] and saved["cell_ids"] == kept
    assert all(str(each) in describe(first.recording) for each in first.recording.omissions)
    np.testing.assert_array_equal(make().predict(), first.predict())


def test_a_sound_session_leaves_nothing_out(sound: MovieSession) -> None:
    assert not sound.omissions and not task(sound, CONFIG).omissions


def test_what_is_named_may_be_left_out_by_hand(path: Path, sound: MovieSession, tmp_path: Path) -> None:
    copy = damage(path, tmp_path / "mouse", sound, PIECES["NaN in one cell"][0])
    [omission] = load_session(copy).omissions
    assert not load_session(copy, without=[int(each) for each in omission.names]).omissions


def test_only_what_concerns_the_movies_is_said(path: Path, sound: MovieSession, tmp_path: Path) -> None:
    session = load_session(
        damage(path, tmp_path / "mouse", sound, PIECES["a frame less"][0]), size=MODEL.frame
    )
    assert [each.names for each in session.omissions] == [(f"{ONE}/1",)]
    assert not task(session, CONFIG.replace(movies=TWO)).omissions
    only = task(session, CONFIG.replace(movies=ONE))
    assert only.omissions == session.omissions and only.responses.shape[0] == 3
    np.testing.assert_array_equal(only.starts, sound.movies[ONE].starts[[0, 2, 3]])


def test_repeats_and_cells_without_responses_in_a_session_of_ones_own(sound: MovieSession) -> None:
    """Where no reader has looked at the traces, the task does."""
    dff = sound.dff.copy()
    dff[4, starts(sound, 0, 30)] = np.nan
    dff[:, starts(sound, 2, 50)] = np.nan
    made = task(replace(sound, dff=dff), CONFIG)
    assert [(each.rule, each.pieces, each.names) for each in made.omissions] == [
        ("not_finite", "units", (str(sound.cell_ids[4]),)),
        ("not_finite", "repeats", (f"{ONE}/2",)),
        ("unpaired", "repeats", (f"{TWO}/3",)),
    ]
    assert made.clips().responses.shape[0] == 3


def test_too_few_repeats_are_refused(sound: MovieSession) -> None:
    dff = sound.dff.copy()
    for repeat in (0, 1, 3):
        dff[:, starts(sound, repeat, 50)] = np.nan
    with pytest.raises(DataError, match=r"Session \d+ has 1 repeats .* choose others with movies="):
        task(replace(sound, dff=dff), CONFIG)
    assert task(replace(sound, dff=dff), CONFIG.replace(movies=TWO)).responses.shape[0] == REPEATS


def with_frames(sound: MovieSession, **changes: Any) -> MovieSession:
    movies = {name: replace(sound.movies[name], frames=frames) for name, frames in changes.items()}
    return replace(sound, movies=sound.movies | movies)


def test_a_clip_whose_frames_are_tested_does_not_train(sound: MovieSession) -> None:
    """The content counts: frame 20 of one movie is shown again in the test part of the other."""
    whole = task(sound, CONFIG)
    frames = sound.movies[TWO].frames.copy()
    frames[140] = sound.movies[ONE].frames[20]
    made = task(with_frames(sound, **{TWO: frames}), CONFIG)
    seen = [end for end in whole.split.train.tolist() if 20 in clip_frames(np.array([end]), 5, 2)]
    [omission] = made.omissions
    assert omission == Omission(
        "shown_in_two_parts",
        "clips",
        tuple(f"{ONE}/{end}" for end in seen),
        len(whole.split.train),
        part="train",
    )
    np.testing.assert_array_equal(made.split.train, np.setdiff1d(whole.split.train, seen))
    np.testing.assert_array_equal(made.split.test, whole.split.test)


def test_grey_screens_and_frames_of_one_part_may_come_twice(sound: MovieSession) -> None:
    frames = sound.movies[ONE].frames.copy()
    frames[[30, 90, 140]] = 128
    frames[41] = frames[40]
    assert not task(with_frames(sound, **{ONE: frames}), CONFIG).omissions


def test_a_movie_of_which_nothing_is_left_is_refused(sound: MovieSession) -> None:
    same = np.repeat(sound.movies[ONE].frames[:1], FRAMES, axis=0)
    with pytest.raises(DataError, match="the same stimulus is in another part"):
        task(with_frames(sound, **{ONE: same}), CONFIG.replace(movies=ONE))


@pytest.mark.parametrize("grey", [0, 128])
def test_a_movie_of_one_grey_value_is_left_out(sound: MovieSession, grey: int) -> None:
    blank = np.full_like(sound.movies[ONE].frames, grey)
    session = with_frames(sound, **{ONE: blank})
    made, alone = task(session, CONFIG), task(sound, CONFIG.replace(movies=TWO))
    assert made.omissions == (Omission("constant", "movies", (ONE,), 2),)
    np.testing.assert_array_equal(made.frames, alone.frames)
    np.testing.assert_array_equal(made.responses, alone.responses)
    assert f"left out of training: all frames have the grey value {grey}" in describe(session)
    assert "left out" not in describe(sound)
    both = with_frames(sound, **{ONE: blank, TWO: blank})
    for chosen, config in ((both, CONFIG), (session, CONFIG.replace(movies=ONE))):
        with pytest.raises(DataError, match=rf"Session \d+ shows one grey value .* of {ONE} \({grey}\)"):
            task(chosen, config)


def test_a_movie_that_flickers_without_a_picture_stays(sound: MovieSession) -> None:
    """Each frame is plain, but they differ."""
    grey = np.random.default_rng(0).integers(0, 255, FRAMES)
    flicker = np.broadcast_to(grey[:, None, None].astype(np.uint8), sound.movies[ONE].frames.shape).copy()
    assert not task(with_frames(sound, **{ONE: flicker}), CONFIG).omissions


@pytest.mark.parametrize("slower", [2, 4])
def test_parts_stay_apart_for_a_microscope_that_is_slower_than_the_movie(
    sound: MovieSession, slower: int
) -> None:
    """The response to the last training clip is over before the first frame of another part is shown."""
    movies = {name: replace(each, starts=each.starts // slower) for name, each in sound.movies.items()}
    slow = replace(
        sound,
        movies=movies,
        time=sound.time[::slower],
        dff=sound.dff[:, ::slower],
        running=sound.running[::slower],
        pupil=None,
    )
    made = task(slow, CONFIG)
    assert not made.omissions and made.frame_rate == pytest.approx(30, rel=0.02)
    until = made.starts + SHAPE.reach  # the last sample of the response to each frame
    for before, after in (("train", "validation"), ("validation", "test")):
        for movie in range(2):
            ends, later = (
                part[(part >= movie * FRAMES) & (part < (movie + 1) * FRAMES)]
                for part in (getattr(made.split, before), getattr(made.split, after))
            )
            assert (until[:, ends[-1]] < made.starts[:, later[0] - SHAPE.span + 1]).all()
        assert (until[:, made.split.test[-1]] <= made.starts[:, -1]).all()
