"""Clips of trials: where they may lie, how they are drawn, and what is done about gaps."""

from collections import Counter
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch

from neurokit.digital_twin.clips import (
    ClipBatch,
    Cohort,
    MouseClips,
    cut,
    draw_once,
    epoch_seed,
    trials_fingerprint,
)
from neurokit.digital_twin.config import TwinConfig
from neurokit.digital_twin.recording import Trial
from neurokit.errors import DataError
from tests.digital_twin.toys import CONFIG, toy_recording, toy_trial, toy_trials

LENGTH = CONFIG.window


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def numbered(name: str, frames: int, first: int) -> Trial:
    """A trial whose units hold the number of each frame, counted on through all trials."""
    trial = toy_trial(name, frames, units=1)
    return replace(trial, units=np.arange(first, first + frames, dtype=np.float32)[:, None])


def with_gaps(trial: Trial, *frames: int, part: str = "perspective") -> Trial:
    values = getattr(trial, part).copy()
    values[list(frames), 1] = np.nan
    return replace(trial, **{part: values})


def first_frames(mouse: MouseClips, number: int, seed: int = 0) -> np.ndarray:
    """The number of the first frame of many clips."""
    return mouse.draw(number, generator(seed)).responses[0, :, 0].numpy().astype(int)


def same(one: ClipBatch, other: ClipBatch) -> bool:
    parts = ("video", "pupil", "behaviour", "responses")
    alike = all(torch.equal(getattr(one, part), getattr(other, part)) for part in parts)
    return alike and (one.mouse, one.stream) == (other.mouse, other.stream)


# --- where they lie


def test_a_clip_is_one_stretch_of_one_trial() -> None:
    trials = [numbered("a", 30, 0), numbered("b", 20, 100)]
    clips = MouseClips("m", trials, CONFIG).draw(50, generator())
    assert clips.video.shape == (LENGTH, 50, 12, 16) and clips.video.dtype == torch.uint8
    counted = clips.responses[:, :, 0]
    assert (counted.diff(dim=0) == 1).all()
    for column, start in enumerate(counted[0].int().tolist()):
        trial, first = (trials[0], start) if start < 100 else (trials[1], start - 100)
        frames = slice(first, first + LENGTH)
        assert np.array_equal(clips.video[:, column], trial.stimulus[frames])
        assert np.array_equal(clips.pupil[:, column], trial.perspective[frames])
        assert np.array_equal(clips.behaviour[:, column], trial.modulation[frames])


def test_trials_are_equally_likely_and_so_are_all_starts_of_each() -> None:
    """Trials of 9 and 3 possible starts, half of the clips each; counts within 5 standard deviations."""
    trials, number = [numbered("a", LENGTH + 8, 0), numbered("b", LENGTH + 2, 100)], 6000
    found = Counter(first_frames(MouseClips("m", trials, CONFIG), number).tolist())
    assert set(found) == {*range(9), 100, 101, 102}
    for start, times in found.items():
        chance = 1 / 18 if start < 100 else 1 / 6
        assert abs(times - number * chance) < 5 * (number * chance * (1 - chance)) ** 0.5


def test_the_last_clip_of_a_trial_is_drawn_and_none_beyond() -> None:
    mouse = MouseClips("m", [numbered("a", LENGTH + 1, 0)], CONFIG)
    assert set(first_frames(mouse, 60)) == {0, 1}
    assert set(first_frames(MouseClips("m", [numbered("a", LENGTH, 0)], CONFIG), 5)) == {0}


def test_no_copy_of_a_video_is_kept(tmp_path: Path) -> None:
    recording = toy_recording(tmp_path / "mouse")
    mouse = MouseClips("m", recording.trials, CONFIG)
    assert all(a.stimulus is b.stimulus for a, b in zip(mouse.trials, recording.trials, strict=True))
    video, *_ = cut(mouse.trials[0], slice(3, 9))
    assert np.shares_memory(video, mouse.trials[0].stimulus)


def test_trials_that_are_too_short_are_never_drawn() -> None:
    trials = [numbered("short", LENGTH - 1, 100), numbered("long", LENGTH + 4, 0)]
    assert set(first_frames(MouseClips("m", trials, CONFIG), 100)) == set(range(5))
    says = rf"mouse-7 has 1 trials of {LENGTH - 1} frames at most, and a clip has {LENGTH}: set a smaller"
    with pytest.raises(DataError, match=says):
        MouseClips("mouse-7", trials[:1], CONFIG)


# --- gaps


@pytest.mark.parametrize("part", ["perspective", "modulation"])
def test_clips_with_gaps_are_dropped(part: str) -> None:
    """Frames 14 and 15 of 40 miss: clips of 12 frames start at 0 to 2, or from 16 on."""
    trial = with_gaps(numbered("a", 40, 0), 14, 15, part=part)
    mouse = MouseClips("m", [trial], CONFIG)
    assert set(first_frames(mouse, 400)) == {0, 1, 2, *range(16, 29)}
    assert mouse.draw(50, generator()).pupil.isfinite().all()


@pytest.mark.parametrize("part", ["perspective", "modulation"])
def test_gaps_are_filled_with_the_mean(part: str) -> None:
    trial = with_gaps(numbered("a", 40, 0), 14, 15, part=part)
    clips = MouseClips("m", [trial], CONFIG.replace(gaps="mean")).draw(300, generator())
    assert set(clips.responses[0, :, 0].int().tolist()) == set(range(29))
    found = clips.pupil if part == "perspective" else clips.behaviour
    missing = (clips.responses[..., 0] == 14) | (clips.responses[..., 0] == 15)
    assert (found[missing][:, 1] == 0).all() and (found[~missing] != 0).all()
    assert np.isnan(getattr(trial, part)[14, 1])  # the trial itself is left as it was


def test_a_trial_with_a_gap_in_every_clip_is_refused_or_filled() -> None:
    trial = with_gaps(toy_trial("a"), *range(5, 24, 11))
    with pytest.raises(DataError, match=r"Every clip of 12 frames of m has a gap .* set gaps='mean'"):
        MouseClips("m", [trial], CONFIG)
    both = [trial, numbered("b", LENGTH, 7)]
    assert set(first_frames(MouseClips("m", both, CONFIG), 20)) == {7}
    MouseClips("m", [trial], CONFIG.replace(gaps="mean"))


# --- draws


def cohort(*mice: str, rank: int = 0, world: int | None = None, config: TwinConfig = CONFIG) -> Cohort:
    """Mice whose numbers are those of their letters."""
    made = [MouseClips(mouse, toy_trials(seed=ord(mouse)), config) for mouse in mice]
    return Cohort(made, config, rank=rank, world=world)


def epoch(clips: Cohort, number: int = 0, seed: int = 3) -> list[list[ClipBatch]]:
    return list(clips.steps(2, generator(seed), number))


def test_draws_do_not_depend_on_how_mice_are_dealt_to_processes() -> None:
    together = epoch(cohort("a", "b", "c"))
    assert len(together) == CONFIG.batches and [len(step) for step in together] == [3] * CONFIG.batches
    for rank, mouse in enumerate("abc"):
        alone = epoch(cohort(mouse, rank=rank, world=3))
        assert all(same(step[rank], mine[0]) for step, mine in zip(together, alone, strict=True))
    wrong = epoch(cohort("b", rank=0, world=3))
    assert not any(same(step[1], mine[0]) for step, mine in zip(together, wrong, strict=True))


def test_noise_drawn_between_steps_does_not_depend_on_it_either() -> None:
    def noise(clips: Cohort, place: int) -> list[torch.Tensor]:
        found = []
        for step in clips.steps(2, generator(3), 1):
            found += [torch.randn(3, generator=mouse.generator) for mouse in step][place : place + 1]
        return found

    together, alone = noise(cohort("a", "b"), 1), noise(cohort("b", rank=1, world=2), 0)
    assert all(torch.equal(a, b) for a, b in zip(together, alone, strict=True))


def test_mice_draw_streams_of_their_own() -> None:
    steps = [step for number in range(20) for step in epoch(cohort("a", "b"), number)]
    pairs = Counter(tuple(clips.stream for clips in step) for step in steps)
    assert set(pairs) == {(0, 0), (0, 1), (1, 0), (1, 1)} and min(pairs.values()) > 5


def test_epochs_and_seeds_differ_and_repeat() -> None:
    base = epoch(cohort("a"))
    assert all(same(one[0], two[0]) for one, two in zip(base, epoch(cohort("a")), strict=True))
    for other in (epoch(cohort("a"), 1), epoch(cohort("a"), 0, seed=4)):
        assert not any(same(one[0], two[0]) for one, two in zip(base, other, strict=True))


def test_only_the_seed_of_the_generator_counts() -> None:
    used = generator(3)
    torch.randn(5, generator=used)
    found = list(cohort("a").steps(2, used, 0))
    assert all(same(one[0], two[0]) for one, two in zip(found, epoch(cohort("a")), strict=True))


def test_validation_clips_are_always_the_same_whatever_other_mice_there_are() -> None:
    mice = {mouse: MouseClips(mouse, toy_trials(seed=ord(mouse)), CONFIG) for mouse in "ab"}
    both, again = (draw_once(mice, CONFIG, 3) for _ in range(2))
    assert len(both) == 2 * CONFIG.validation_batches and {clips.stream for clips in both} == {None}
    assert all(same(one, two) for one, two in zip(both, again, strict=True))
    alone = draw_once({"b": mice["b"]}, CONFIG, 3)
    assert all(same(one, two) for one, two in zip(both[CONFIG.validation_batches :], alone, strict=True))
    assert not same(*alone)


# --- fingerprints


def test_the_fingerprint_tells_data_recipes_and_places_apart() -> None:
    trials = toy_trials()
    other_units = [replace(trials[0], units=trials[0].units + 1), *trials[1:]]
    other_running = [replace(trials[0], modulation=trials[0].modulation + 1), *trials[1:]]
    renamed = [replace(trials[0], name="x"), *trials[1:]]
    other_pupil = [replace(trials[0], perspective=trials[0].perspective + 1), *trials[1:]]
    inverted = [replace(trials[0], stimulus=255 - trials[0].stimulus), *trials[1:]]
    tail = trials[0].stimulus.copy()
    tail[-1] = 255 - tail[-1]
    shuffled = [replace(trials[0], units=trials[0].units[::-1].copy()), *trials[1:]]
    changed = (other_units, other_running, other_pupil, inverted, shuffled, renamed, trials[1:])
    changed += ([replace(trials[0], stimulus=tail), *trials[1:]],)
    given = [(each, CONFIG, {}) for each in (trials, *changed)]
    given += [(trials, CONFIG.replace(burn_in=3), {}), (trials, CONFIG, {"rank": 1, "world": 2})]
    given += [(trials, CONFIG, {"frozen": "another core"})]
    found = [
        Cohort([MouseClips("m", each, config)], config, **place).fingerprint()
        for each, config, place in given
    ]
    assert len(set(found)) == len(found)
    assert Cohort([MouseClips("m", toy_trials(), CONFIG)], CONFIG).fingerprint() == found[0]


def test_the_fingerprint_tells_units_apart_whose_means_are_alike() -> None:
    """One unit more here and less there, so that neither a frame's mean nor a unit's is another."""
    trials = toy_trials()
    units = 2 + np.zeros_like(trials[0].units)
    moved = units.copy()
    moved[:2, :2] += np.float32([[1, -1], [-1, 1]])
    for axis in (0, 1):
        np.testing.assert_array_equal(moved.mean(axis=axis), units.mean(axis=axis))
    one, other = (
        trials_fingerprint([replace(trials[0], units=values), *trials[1:]]) for values in (units, moved)
    )
    assert one != other


def test_no_mouse_is_refused() -> None:
    with pytest.raises(DataError, match="There is no mouse to train on"):
        Cohort([], CONFIG)


def test_no_two_seeds_of_a_run_are_the_same() -> None:
    world, period, cycles = 3, 7, 2
    places = list(product(range(world), range(period), range(cycles)))
    seeds = [epoch_seed(rank, world, epoch + cycle * period, 100) for rank, epoch, cycle in places]
    assert sorted(seeds) == list(range(100, 100 + len(places)))
