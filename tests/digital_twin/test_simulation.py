"""A simulated mouse that watches video: eye, tuning, behaviour, chance, statistics, ceilings, files."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from neurokit.digital_twin.recording import load_trials, load_videos
from neurokit.digital_twin.simulated_files import (
    TRUTH,
    MouseTruth,
    load_simulated_mouse,
    load_truth,
    scales,
    videos_folder,
    write_simulated_mouse,
)
from neurokit.digital_twin.simulated_mouse import PUPIL, VideoMouse, activity, draw_behaviour, look
from neurokit.digital_twin.simulation import KINDS, MouseParameters, SimulatedMouse, simulate_mouse
from neurokit.errors import DataError, SettingsError
from neurokit.metrics import repeat_scores
from neurokit.simulation.movies import FRAME_RATE, GREY
from neurokit.simulation.video_stimuli import MOVE, PAUSE, SCENE, draw_clip, drifting_grating

SMALL = MouseParameters(seed=3, minutes=1.0, cells=12, clip_frames=90, test_clips=3, repeats=6, new_clips=1)
TINY = SMALL.replace(minutes=0.4, cells=5, height=18, width=32, clip_frames=180, test_clips=1, repeats=2)


@pytest.fixture(scope="module")
def recording() -> SimulatedMouse:
    return simulate_mouse(SMALL)


@pytest.fixture(scope="module")
def mouse(recording: SimulatedMouse) -> VideoMouse:
    return recording.mouse


@pytest.fixture(scope="module")
def written(recording: SimulatedMouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_simulated_mouse(recording, tmp_path_factory.mktemp("mouse"))


def at_rest(mouse: VideoMouse, stimulus: np.ndarray, pixels: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    """Rates of a still mouse that looks `pixels` (right, down) off its rest."""
    frames, sight = len(stimulus), mouse.sight
    away = np.array(pixels) / sight.pixels_per_degree if sight.pixels_per_degree else np.array(pixels)
    perspective = np.tile(sight.rest + away, (frames, 1))
    return mouse.rates(stimulus, perspective, np.full(frames, mouse.adaptation.radius[0]), np.zeros(frames))


def framed_clip() -> np.ndarray:
    """A natural clip in a dark frame, so that moving it lets nothing in or out."""
    clip = draw_clip("natural", 60, 36, 64, np.random.default_rng(5))
    clip[:, [0, 1, 2, 3, -1, -2, -3, -4]] = 0
    clip[:, :, [0, 1, 2, 3, -1, -2, -3, -4]] = 0
    return clip


@pytest.mark.parametrize("pixels", [(3, 0), (0, -3), (-2, 1)])
def test_moving_the_eye_is_moving_the_picture(mouse: VideoMouse, pixels: tuple[int, int]) -> None:
    clip, (right, down) = framed_clip(), pixels
    late = slice(16, None)  # before, the cells remember the grey screen, which the picture does not carry
    eye = at_rest(mouse, clip, pixels)[late]
    picture = at_rest(mouse, np.roll(clip, (-down, -right), axis=(1, 2)))[late]
    np.testing.assert_allclose(eye, picture, rtol=1e-3, atol=1e-4)
    unmoved, wrong = (
        at_rest(mouse, clip)[late],
        at_rest(mouse, np.roll(clip, (down, right), axis=(1, 2)))[late],
    )
    assert np.abs(eye - unmoved).max() > 0.1 and np.abs(eye - wrong).max() > 0.1


def test_a_look_between_pixels_is_linear_and_dark_outside() -> None:
    pictures = np.random.default_rng(0).random((2, 6, 9)).astype(np.float32)
    seen = look(pictures, np.array([[2.0, 0.0], [0.5, -1.0]]))
    np.testing.assert_allclose(seen[0, :, :7], pictures[0, :, 2:], atol=1e-5)
    np.testing.assert_allclose(seen[0, :, 7:], 0, atol=1e-6)
    np.testing.assert_allclose(seen[1, 0], 0, atol=1e-6)
    np.testing.assert_allclose(seen[1, 1:, :8], (pictures[1, :5, :8] + pictures[1, :5, 1:]) / 2, atol=1e-5)


def measured_directions(mouse: VideoMouse) -> np.ndarray:
    """Mean direction of rates to gratings of each cell's wavelength and speed, from 12 directions.

    Each is shown for three seconds; the last two hold a whole cycle of the slowest cells.
    """
    cells, found = mouse.sight.cells, []
    direction = np.arange(12) * np.pi / 6 + 0.1
    for cell in range(len(cells.sigma)):
        wavelength, frequency = (np.full(36, abs(v[cell])) for v in (cells.wavelength, cells.frequency))
        clip = drifting_grating(36 * MOVE, (36, 64), np.repeat(direction, 3), wavelength, frequency)
        rates = at_rest(mouse, clip)[:, cell].reshape(12, 3 * MOVE)[:, MOVE:].mean(axis=1)
        found.append(np.angle((rates * np.exp(1j * direction)).sum()))
    return np.array(found)


def test_cells_prefer_the_planted_direction(mouse: VideoMouse) -> None:
    cells = mouse.sight.cells
    planted = cells.orientation + np.pi * (cells.frequency < 0)
    away = np.abs(np.angle(np.exp(1j * (measured_directions(mouse) - planted))))
    for kind in (cells.complex, ~cells.complex):
        assert kind.sum() >= 3 and away[kind].max() < np.radians(20)
    turned = np.abs(np.angle(np.exp(1j * (measured_directions(mouse) - np.roll(planted, 1)))))
    assert np.median(turned) > np.radians(30)


def test_a_grey_screen_has_been_there_before(mouse: VideoMouse) -> None:
    clip = framed_clip()
    grey = np.full((20, 36, 64), GREY, dtype=np.uint8)
    after = at_rest(mouse, np.concatenate([grey, clip]), (2.0, 1.0))
    np.testing.assert_allclose(after[20:], at_rest(mouse, clip, (2.0, 1.0)), rtol=1e-4, atol=1e-5)
    other = at_rest(mouse, np.concatenate([clip[:20], clip]), (2.0, 1.0))
    assert np.abs(other[20:30] - after[20:30]).max() > 0.05
    np.testing.assert_allclose(np.ptp(at_rest(mouse, grey), axis=0), 0, atol=1e-6)


def test_future_frames_do_not_change_the_past(mouse: VideoMouse) -> None:
    clip = framed_clip()
    other = clip.copy()
    other[30:] = 255 - other[30:]
    first, second = at_rest(mouse, clip), at_rest(mouse, other)
    np.testing.assert_array_equal(first[:30], second[:30])
    assert np.abs(first[31:] - second[31:]).max() > 0.1


@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_each_mechanism_acts_and_can_be_taken_out(strength: float) -> None:
    tiny = simulate_mouse(TINY.replace(eye=strength, running=strength, arousal=strength))
    mouse, shown = tiny.mouse, tiny.once[0]
    behaviour = shown.behaviour
    told = [behaviour.perspective, behaviour.radius, behaviour.speed]
    rates = mouse.rates(shown.stimulus, *told)
    for changed, step in enumerate((3.0, 5.0, 10.0)):
        other = [each + step * (i == changed) for i, each in enumerate(told)]
        moved = np.abs(mouse.rates(shown.stimulus, *other) - rates).max()
        assert moved > 0.01 if strength else moved < 1e-6
    first, second = (each.expected for each in tiny.repeated["natural"][0])
    assert (np.abs(first - second).max() > 1e-3) == bool(strength)


def test_running_and_a_wide_pupil_raise_the_rate(mouse: VideoMouse) -> None:
    radius, speed = np.array([20.0, 20.0, 26.0]), np.array([0.0, 20.0, 0.0])
    still, running, aroused = np.log(mouse.gain(radius, speed))
    np.testing.assert_allclose(running - still, np.tanh(2.0) * mouse.sight.cells.running)
    assert (aroused >= still).all() and (aroused > still + 0.05).any()


def test_the_gain_is_moderate_and_centred_on_the_trials_to_fit(recording: SimulatedMouse) -> None:
    shown = [each.behaviour for each, fit in zip(recording.once, recording.fit, strict=True) if fit]
    gain = np.log(np.concatenate([recording.mouse.gain(each.radius, each.speed) for each in shown]))
    np.testing.assert_allclose(gain.mean(axis=0), 0, atol=1e-9)
    assert 0.1 < np.median(gain.std(axis=0)) < 0.5


def test_behaviour_has_the_planted_spread() -> None:
    rest = np.array([4.0, -2.0])
    draws = [draw_behaviour(300, rest, np.random.default_rng(seed)) for seed in range(200)]
    looks = np.concatenate([each.perspective for each in draws])
    np.testing.assert_allclose(looks.mean(axis=0), rest, atol=0.3)
    np.testing.assert_allclose(looks.std(axis=0), PUPIL, rtol=0.08)
    speed, radius = (np.concatenate([getattr(each, name) for each in draws]) for name in ("speed", "radius"))
    assert 0.3 < (speed > 0).mean() < 0.6 and speed.min() == 0
    assert np.corrcoef(speed, radius)[0, 1] > 0.3


def test_activity_is_causal_and_keeps_every_event() -> None:
    events = np.zeros((60, 2))
    events[25, 0] = 2
    seen = activity(events)
    assert seen.shape == (50, 2) and not seen[:15].any() and seen[15, 0] > 0
    assert seen.sum() == pytest.approx(2) and not seen[26:].any()


def test_repeats_share_the_clip_and_nothing_else(recording: SimulatedMouse) -> None:
    clip = recording.repeated["natural"][0]
    first, second = clip[:2]
    assert first.stimulus is second.stimulus
    assert not np.array_equal(first.behaviour.perspective, second.behaviour.perspective)
    assert not np.array_equal(first.activity, second.activity)
    expected = np.stack(
        [
            np.concatenate([each.expected for each in clip])
            for clip in zip(*recording.repeated["natural"], strict=True)
        ]
    )
    correlations = [np.corrcoef(expected[0, :, i], expected[1, :, i])[0, 1] for i in range(SMALL.cells)]
    late = [np.corrcoef(expected[0, :, i], np.roll(expected[1, :, i], 90))[0, 1] for i in range(SMALL.cells)]
    assert np.median(correlations) > 0.45 > 0.2 > np.median(late)


def test_no_clip_is_shown_in_two_places(recording: SimulatedMouse) -> None:
    shown = [each.stimulus for each in recording.once]
    shown += [clip[0].stimulus for kind in KINDS for clip in recording.repeated[kind]]
    assert len({each.tobytes() for each in shown}) == len(shown)
    frames = {frame.tobytes() for each in recording.once for frame in each.stimulus}
    assert not any(f.tobytes() in frames for clip in recording.repeated["natural"] for f in clip[0].stimulus)


def changed(recording: SimulatedMouse, trial: int) -> SimulatedMouse:
    """The same with another presentation in place of a trial."""
    once = list(recording.once)
    once[trial] = recording.repeated["gratings"][0][0]
    return replace(recording, once=tuple(once))


def test_statistics_are_those_of_the_trials_to_fit(recording: SimulatedMouse) -> None:
    fit, validation = recording.fit.argmax(), recording.fit.argmin()
    assert (recording.fit.sum(), (~recording.fit).sum()) == (18, 2)
    found = vars(scales(recording))
    for name, values in vars(scales(changed(recording, int(validation)))).items():
        np.testing.assert_array_equal(values, found[name])
    for name, values in vars(scales(changed(recording, int(fit)))).items():
        assert np.abs(values - found[name]).max() > 1e-3


def test_what_is_shown_afterwards_changes_nothing_before() -> None:
    one, other = (simulate_mouse(TINY.replace(test_clips=clips, new_clips=0)) for clips in (1, 2))
    for each in fields(one.mouse.adaptation):
        np.testing.assert_array_equal(
            getattr(one.mouse.adaptation, each.name), getattr(other.mouse.adaptation, each.name)
        )
    np.testing.assert_array_equal(one.once[-1].activity, other.once[-1].activity)
    assert {kind: len(clips) for kind, clips in other.repeated.items()} == {"natural": 2}


def drawn(recording: SimulatedMouse, kind: str, seed: int, strength: float = 1.0) -> np.ndarray:
    """Scores of the truth with events drawn anew, as if all clips had been shown forty times in a row."""
    random = np.random.default_rng(seed)
    repeats = list(zip(*recording.repeated[kind], strict=True))
    expected = np.stack([np.concatenate([each.expected for each in clips]) for clips in repeats])
    seen = [
        [
            activity(random.poisson(strength * each.rates / FRAME_RATE).astype(float))
            for _ in range(40)
            for each in clips
        ]
        for clips in repeats
    ]
    found = repeat_scores(np.stack([np.concatenate(clips) for clips in seen]), np.tile(expected, (1, 40, 1)))
    return np.stack([found.single_trial, found.cc_abs, found.cc_max])


@pytest.mark.parametrize("kind", ["natural", "gratings"])
def test_ceilings_are_what_new_chance_allows(recording: SimulatedMouse, kind: str) -> None:
    ceilings = recording.ceilings(kind)
    told = np.stack([ceilings.single_trial, ceilings.repeat_mean, ceilings.cc_max])
    away = drawn(recording, kind, 1) - told
    assert np.abs(np.median(away, axis=1)).max() < 0.01 and np.abs(away).mean() < 0.03
    stronger = drawn(recording, kind, 1, strength=1.5) - told  # it would see half as many events more
    assert (np.median(stronger, axis=1) > 0.03).all()


def test_ceilings_know_behaviour_and_cc_max_does_not(recording: SimulatedMouse) -> None:
    found = recording.ceilings("natural")
    assert (found.repeat_mean > found.single_trial).all()
    assert (found.repeat_mean > found.cc_max).mean() > 0.9
    alone = simulate_mouse(TINY.replace(eye=0.0, running=0.0, arousal=0.0)).ceilings("natural")
    np.testing.assert_allclose(alone.repeat_mean, alone.cc_max)


def test_the_files_hold_the_recording(recording: SimulatedMouse, written: Path) -> None:
    trials = load_trials(written / "training_data")
    assert (trials.units, trials.frame, len(trials.trials)) == (12, (36, 64), 20)
    assert [each.training for each in trials.trials] == recording.fit.tolist()
    np.testing.assert_array_equal(trials.trials[11].stimulus, recording.once[11].stimulus)
    fitted = trials.part(True)
    for name, mean in (("units", 1), ("perspective", 0), ("modulation", 0)):
        values = np.concatenate([getattr(each, name) for each in fitted])
        np.testing.assert_allclose(values.mean(axis=0, dtype=float), mean, atol=1e-5)
    for kind in KINDS:
        videos = load_videos(videos_folder(written, kind))
        assert [len(each.repeats) for each in videos] == [6] * SMALL.videos[kind]
        shown = recording.repeated[kind][-1][4].stimulus
        np.testing.assert_array_equal(videos[-1].repeats[4].stimulus, shown)


def test_the_truth_predicts_what_is_in_the_files(written: Path) -> None:
    truth: MouseTruth = load_truth(written)
    for kind, expected in truth.expected.items():
        video = load_videos(videos_folder(written, kind))[0]
        for repeat, known in zip(video.repeats[:2], expected[0], strict=False):
            behaviour = (repeat.perspective.astype(float), repeat.modulation.astype(float))
            found = truth.predict(np.array(repeat.stimulus), *behaviour)
            np.testing.assert_allclose(found, known, rtol=1e-3, atol=1e-3)
            assert np.abs(truth.predict(np.array(repeat.stimulus)) - known).max() > 0.1


def test_the_truth_is_kept_whole(recording: SimulatedMouse, written: Path) -> None:
    truth = load_truth(written)
    assert truth.parameters == recording.parameters
    pairs = [(truth.mouse.sight.cells, recording.mouse.sight.cells), (truth.scales, scales(recording))]
    pairs += [(truth.mouse.adaptation, recording.mouse.adaptation)]
    pairs += [(truth.ceilings[kind], recording.ceilings(kind)) for kind in KINDS]
    for found, planted in pairs:
        for name, values in vars(planted).items():
            np.testing.assert_array_equal(getattr(found, name), values)
    assert truth.mouse.sight.pixels_per_degree == recording.mouse.sight.pixels_per_degree


def test_a_recording_may_do_without_repeated_clips(tmp_path: Path) -> None:
    folder = write_simulated_mouse(
        simulate_mouse(TINY.replace(test_clips=0, new_clips=0)), tmp_path / "mouse"
    )
    assert sorted(path.name for path in folder.iterdir()) == ["training_data", TRUTH]
    assert load_truth(folder).expected == {} and load_trials(folder / "training_data").units == 5


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_parameters_give_the_same_files(tmp_path: Path) -> None:
    seeds = {"first": 0, "again": 0, "other": 1}
    found = {
        name: contents(write_simulated_mouse(simulate_mouse(TINY.replace(seed=seed)), tmp_path / name))
        for name, seed in seeds.items()
    }
    assert found["first"] == found["again"]
    assert found["first"].keys() == found["other"].keys()
    same = {name for name, values in found["first"].items() if found["other"][name] == values}
    assert all(name.split("/")[1] in ("training", "samples") for name in same)


def test_a_folder_is_simulated_once_and_mended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEUROKIT_DATA", str(tmp_path))
    folder = load_simulated_mouse(TINY)
    before = (folder / TRUTH).stat().st_mtime_ns
    assert load_simulated_mouse(TINY) == folder and (folder / TRUTH).stat().st_mtime_ns == before
    (folder / TRUTH).write_bytes((folder / TRUTH).read_bytes()[:500])
    with pytest.raises(DataError, match=r"truth\.npz is not the truth .* simulate the mouse again"):
        load_truth(folder)
    assert load_truth(load_simulated_mouse(TINY)).parameters == TINY


@pytest.mark.parametrize("kind", KINDS)
def test_clips_depend_on_their_seed_alone(kind: str) -> None:
    first, again, other = (draw_clip(kind, 50, 36, 64, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.shape == (50, 36, 64) and first.dtype == np.uint8
    np.testing.assert_array_equal(first, again)
    assert (first != other).mean() > 0.2
    assert 40 < first.mean() < 200 and first[20].std() > 20


def test_stills_stand_and_grey_lies_between() -> None:
    clip = draw_clip("scenes", 2 * (PAUSE + SCENE), 36, 64, np.random.default_rng(0))
    for start in (0, PAUSE + SCENE):
        assert (clip[start : start + PAUSE] == GREY).all()
        assert (np.diff(clip[start + PAUSE : start + PAUSE + SCENE].astype(int), axis=0) == 0).all()
    assert (clip[PAUSE] != clip[-1]).mean() > 0.5


def best_shift(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Rows and columns by which `second` is `first` moved, from the peak of their cross-correlation."""
    spectra = (np.fft.fft2(each - float(GREY)) for each in (first, second))
    one, two = spectra
    peak = np.unravel_index(np.fft.ifft2(two * one.conj()).real.argmax(), first.shape)
    return (np.array(peak) + np.array(first.shape) // 2) % first.shape - np.array(first.shape) // 2


def test_dots_move_together_for_a_second() -> None:
    clip = draw_clip("dots", 60, 72, 128, np.random.default_rng(4))
    shifts = np.stack([best_shift(clip[start], clip[start + 8]) for start in (1, 11, 21, 31, 41, 51)])
    assert np.abs(np.diff(shifts[:3], axis=0)).max() <= 1 and np.abs(np.diff(shifts[3:], axis=0)).max() <= 1
    assert np.abs(shifts[0]).max() > 2 and np.abs(shifts[0] - shifts[-1]).max() > 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"cells": 1},
        {"minutes": 0.1},
        {"repeats": 1},
        {"clip_frames": 0},
        {"seed": -1},
        {"complex_fraction": 1.5},
        {"test_clips": -1},
    ],
)
def test_impossible_parameters_are_refused(wrong: dict[str, object]) -> None:
    ((name, value),) = wrong.items()
    with pytest.raises(SettingsError, match=f"{name} is {value}[,;] .*use "):
        MouseParameters(**wrong)


def test_a_cell_without_events_is_refused(tmp_path: Path) -> None:
    short = simulate_mouse(TINY.replace(minutes=0.07, clip_frames=60, cells=20))
    with pytest.raises(SettingsError, match=r"0\.07 minutes are too short: .* simulate more minutes"):
        write_simulated_mouse(short, tmp_path / "mouse")
    assert not (tmp_path / "mouse").exists()
