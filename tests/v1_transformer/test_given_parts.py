"""Parts that a lab's own recording says itself: they are taken, and no clip that tests trains."""

from pathlib import Path

import numpy as np
import pytest

from neurokit.errors import DataError
from neurokit.recordings import Recording, Stimulus, Trace, formats, write_arrays
from neurokit.v1_transformer import MODELS, ClipShape, from_recording
from neurokit.v1_transformer import task as make_task
from neurokit.v1_transformer.clips import PARTS
from neurokit.v1_transformer.experiment import identity
from neurokit.v1_transformer.features import MovieTask

CONFIG = MODELS["transformer"].small.replace(shape=ClipShape(length=4, stride=2, before=1))
FRAMES, REPEATS, CELLS = 240, 3, 4
THIRDS = np.repeat(["test", "train", "validation"], FRAMES // 3)


def movie(name: str, seed: int, start: float, part: np.ndarray | None) -> Stimulus:
    frames = np.random.default_rng(seed).integers(0, 256, (FRAMES, 20, 40), dtype=np.uint8)
    once = np.arange(FRAMES) / 30
    time = np.concatenate([start + repeat * (FRAMES / 30 + 2) + once for repeat in range(REPEATS)])
    return Stimulus(name, "movie", frames, np.tile(np.arange(FRAMES), REPEATS), time, part)


def recording(*movies: Stimulus) -> Recording:
    time = np.arange(0, movies[-1].time[-1] + 2, 1 / 30)  # type: ignore[index]
    traces = np.random.default_rng(5).normal(size=(len(time), CELLS))
    return Recording("mouse", "arrays", np.arange(CELLS), Trace(traces, time), stimuli=list(movies))


def each_repeat(parts: np.ndarray) -> np.ndarray:
    return np.tile(parts, REPEATS)


def shown(task: MovieTask, part: str) -> set[int]:
    """Every frame that a clip of a part shows, or during which its response is read."""
    ends, shape = getattr(task.split, part), task.shape
    return {int(frame) for end in ends for frame in range(end - shape.span + 1, end + shape.reach + 1)}


def check_disjoint(task: MovieTask) -> None:
    seen = [shown(task, part) for part in PARTS]
    assert all(seen) and sum(map(len, seen)) == len(set.union(*seen))


def test_parts_of_frames_are_taken_in_place_of_a_cut_by_time() -> None:
    session = from_recording(recording(movie("park", 1, 1.0, each_repeat(THIRDS))))
    task = make_task(session, CONFIG)
    for part in PARTS:
        assert shown(task, part) == set(np.flatnonzero(part == THIRDS).tolist())
    check_disjoint(task)
    by_time = make_task(from_recording(recording(movie("park", 1, 1.0, None))), CONFIG)
    assert by_time.split.test.min() > by_time.split.train.max()  # the control: time would have it otherwise
    assert "tiers of park are taken: of 240 frames 80 train, 80 validate and 80 test" in session.notes


def test_a_movie_may_be_one_part_as_a_whole() -> None:
    movies = [
        movie(name, seed, 1 + 40.0 * seed, np.full(FRAMES * REPEATS, part))
        for seed, (name, part) in enumerate({"a": "train", "b": "validation", "c": "test"}.items())
    ]
    task = make_task(from_recording(recording(*movies)), CONFIG)
    assert [set(getattr(task.split, part) // FRAMES) for part in PARTS] == [{0}, {1}, {2}]
    check_disjoint(task)


def test_a_movie_without_parts_beside_one_with_some_is_cut_by_its_time() -> None:
    parts = each_repeat(THIRDS)
    task = make_task(from_recording(recording(movie("a", 1, 1.0, parts), movie("b", 2, 60.0, None))), CONFIG)
    check_disjoint(task)
    assert (task.split.train >= FRAMES).any() and (task.split.test >= FRAMES).any()


def test_without_a_validation_part_the_end_of_what_trains_validates() -> None:
    parts = np.repeat(["train", "test"], FRAMES // 2)
    task = make_task(from_recording(recording(movie("park", 1, 1.0, each_repeat(parts)))), CONFIG)
    check_disjoint(task)
    assert shown(task, "test") == set(range(FRAMES // 2, FRAMES))
    assert max(shown(task, "validation")) == FRAMES // 2 - 1 > max(shown(task, "train"))


def test_frames_of_other_words_are_in_no_part() -> None:
    parts = THIRDS.astype("<U12")
    parts[100:120] = "holdout"
    session = from_recording(recording(movie("park", 1, 1.0, each_repeat(parts))))
    task = make_task(session, CONFIG)
    assert not set.union(*(shown(task, part) for part in PARTS)) & set(range(100, 120))
    assert "20 are in no part" in session.notes[-1]


def test_the_same_frames_under_another_name_do_not_train() -> None:
    parts = each_repeat(THIRDS)
    one = movie("a", 1, 1.0, parts)
    copy = Stimulus("b", "movie", one.frames, one.shown, 60 + one.time, np.full(len(parts), "train"))
    task = make_task(from_recording(recording(one, copy)), CONFIG)
    test = {task.frames[frame].tobytes() for frame in _frames_of_clips(task, "test")}
    assert not test & {task.frames[frame].tobytes() for frame in _frames_of_clips(task, "train")}
    assert any(each.rule == "shown_in_two_parts" for each in task.omissions)


def _frames_of_clips(task: MovieTask, part: str) -> set[int]:
    back = task.shape.stride * np.arange(task.shape.length + task.shape.before)
    return {int(frame) for frame in (getattr(task.split, part)[:, None] - back).ravel()}


def test_parts_that_tell_repeats_apart_are_not_taken_and_it_is_said() -> None:
    parts = np.repeat(["train", "validation", "test"], FRAMES)
    session = from_recording(recording(movie("park", 1, 1.0, parts)))
    check_disjoint(make_task(session, CONFIG))
    assert "tell repeats of the same frames apart" in session.notes[-1]
    assert not from_recording(recording(movie("park", 1, 1.0, None))).notes


def test_parts_without_a_stretch_as_long_as_a_clip_are_refused_in_a_sentence() -> None:
    parts = each_repeat(np.tile(np.repeat(["train", "test"], 5), FRAMES // 10))
    session = from_recording(recording(movie("park", 1, 1.0, parts)))
    with pytest.raises(DataError, match="tiers leave no clip to the train part: all 9 frames"):
        make_task(session, CONFIG)


def test_parts_come_through_files_and_make_another_recording(tmp_path: Path) -> None:
    given = recording(movie("park", 1, 1.0, each_repeat(THIRDS)))
    session = from_recording(formats.read(write_arrays(given, tmp_path / "mouse")))
    check_disjoint(make_task(session, CONFIG))
    np.testing.assert_array_equal(session.movies["park"].parts, THIRDS)
    assert (
        identity(session)["values"]
        != identity(from_recording(recording(movie("park", 1, 1.0, None))))["values"]
    )
