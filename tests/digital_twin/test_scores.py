"""Scores of twins on held-out videos, and the baselines they have to beat."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neurokit.digital_twin.baselines import lagged_pixels, motion_energy
from neurokit.digital_twin.recording import Trial, TrialFolder, Video
from neurokit.digital_twin.scores import BURN_IN, TwinScores, predict_videos, score_twin, score_videos
from neurokit.digital_twin.twin import DigitalTwin
from neurokit.errors import DataError
from neurokit.metrics.repeats import uneven_repeat_scores
from tests.digital_twin.toys import MONITOR, toy_network, toy_trial, toy_video

UNITS = 4


@pytest.fixture(scope="module")
def twin() -> DigitalTwin:
    return DigitalTwin(toy_network(UNITS), device="cpu")


def answered(twin: DigitalTwin, video: Video, seed: int, noise: float = 0.1) -> Video:
    """The video with responses that are the twin's own to each repeat, and noise."""
    random = np.random.default_rng(seed)

    def response(repeat: Trial) -> np.ndarray:
        found = twin.predict(repeat.stimulus, repeat.perspective, repeat.modulation)
        return (found + noise * found.std(axis=0) * random.normal(size=found.shape)).astype(np.float32)

    return Video(video.name, tuple(replace(each, units=response(each)) for each in video.repeats))


@pytest.fixture(scope="module")
def videos(twin: DigitalTwin) -> tuple[Video, ...]:
    """Two videos of other lengths with other numbers of repeats."""
    shown = (toy_video("one", 5, frames=60, units=UNITS), toy_video("two", 3, frames=40, units=UNITS))
    return tuple(answered(twin, video, seed) for seed, video in enumerate(shown))


def responses(videos: tuple[Video, ...]) -> list[np.ndarray]:
    return [np.stack([repeat.units for repeat in video.repeats]) for video in videos]


def dealt_again(video: Video) -> Video:
    """Each repeat with the behaviour of the one before."""
    repeats = video.repeats
    behind = [
        replace(each, perspective=repeats[i - 1].perspective, modulation=repeats[i - 1].modulation)
        for i, each in enumerate(repeats)
    ]
    return Video(video.name, tuple(behind))


def test_each_repeat_is_predicted_with_its_own_behaviour(
    twin: DigitalTwin, videos: tuple[Video, ...]
) -> None:
    found = predict_videos(twin, videos)
    assert [part.shape for part in found] == [(5, 60, UNITS), (3, 40, UNITS)]
    for video, part in zip(videos, found, strict=True):
        for repeat, row in zip(video.repeats, part, strict=True):
            alone = twin.predict(repeat.stimulus, repeat.perspective, repeat.modulation)
            np.testing.assert_allclose(row, alone, rtol=1e-5, atol=1e-6)
        assert part.std(axis=0).max() > 1e-3


def test_behaviour_of_another_repeat_predicts_worse(twin: DigitalTwin, videos: tuple[Video, ...]) -> None:
    own = score_twin(twin, videos)
    others = score_twin(twin, tuple(dealt_again(video) for video in videos))
    assert own.single_trial.min() > 0.95  # responses are the twin's own and a tenth of noise
    assert (others.single_trial < own.single_trial - 0.04).all()


def test_scores_are_those_of_uneven_repeats_and_of_all_frames(
    twin: DigitalTwin, videos: tuple[Video, ...]
) -> None:
    predictions, measured = predict_videos(twin, videos), responses(videos)
    scores = score_videos(videos, predictions)
    expected = uneven_repeat_scores(measured, predictions, burn_in=BURN_IN)
    for name in ("cc_abs", "cc_max", "cc_norm"):
        assert np.array_equal(getattr(scores.repeats, name), getattr(expected, name), equal_nan=True)
    for unit in range(UNITS):
        pairs = [
            np.concatenate([rows[:, BURN_IN:, unit].ravel() for rows in parts])
            for parts in (measured, predictions)
        ]
        assert scores.single_trial[unit] == pytest.approx(np.corrcoef(*pairs)[0, 1], abs=1e-5)
    assert not np.allclose(score_videos(videos, predictions, burn_in=0).single_trial, scores.single_trial)


def test_a_twin_is_scored_by_what_it_predicts(twin: DigitalTwin, videos: tuple[Video, ...]) -> None:
    one, two = score_twin(twin, videos), score_videos(videos, predict_videos(twin, videos))
    assert np.array_equal(one.single_trial, two.single_trial)
    assert one.medians() == two.medians()


def test_frames_of_the_burn_in_do_not_count(twin: DigitalTwin, videos: tuple[Video, ...]) -> None:
    predictions = predict_videos(twin, videos)
    before, scored = ([part.copy() for part in predictions] for _ in range(2))
    for part in before:
        part[:, :BURN_IN] = 99
    for part in scored:
        part[:, BURN_IN] = 99
    base = score_videos(videos, predictions).medians()
    assert score_videos(videos, before).medians() == base != score_videos(videos, scored).medians()


def test_medians_leave_out_units_without_a_score(videos: tuple[Video, ...]) -> None:
    found = uneven_repeat_scores(responses(videos), responses(videos))
    cc_norm = np.array([np.nan, 0.2, 0.6, 0.4])
    scores = TwinScores(replace(found, cc_norm=cc_norm), np.array([0.1, 0.2, 0.3, 0.9]))
    assert scores.medians()["cc_norm"] == pytest.approx(0.4)
    assert scores.medians()["single_trial"] == pytest.approx(0.25)


def test_predictions_of_other_videos_are_refused(twin: DigitalTwin, videos: tuple[Video, ...]) -> None:
    with pytest.raises(DataError, match="give the same repeats, frames"):
        score_videos(videos, predict_videos(twin, videos)[::-1])


# --- baselines, on units whose cause is known

TIMES = np.arange(60)


def grating_trial(name: str, *, training: bool) -> Trial:
    """A drifting grating of any phase now and then; one unit follows the left half, one the grating."""
    random = np.random.default_rng([7, *name.encode()])
    on = random.integers(0, 2, 6).repeat(10)
    phase = random.uniform(0, 2 * np.pi, 6).repeat(10)
    wave = np.sin(2 * np.pi * (np.arange(MONITOR[1]) / 5 - 0.12 * TIMES[:, None]) + phase[:, None])
    video = np.broadcast_to((127 + 100 * on[:, None] * wave)[:, None], (60, *MONITOR)).astype(np.uint8)
    left = random.integers(0, 120, 15).repeat(4)
    video = video // 2 + (left[:, None, None] * (np.arange(MONITOR[1]) < 8)).astype(np.uint8)
    late = np.maximum(TIMES - 5, 0)
    units = np.stack([left[np.maximum(TIMES - 2, 0)] / 60, 2.0 * on[late]], axis=1).astype(np.float32)
    return replace(toy_trial(name, 60, units=2, training=training), stimulus=video, units=units)


RECORDING = TrialFolder(
    Path("gratings"), tuple(grating_trial(str(number), training=number < 16) for number in range(20))
)
VIDEOS = tuple(
    Video(name, (grating_trial(name, training=False),) * 2) for name in ("first", "second", "third", "fourth")
)


def variance_explained(predictions: list[np.ndarray], videos: tuple[Video, ...] = VIDEOS) -> np.ndarray:
    """Of each unit; 0 for its mean."""
    measured, predicted = (
        np.concatenate([part[:, BURN_IN:].reshape(-1, 2) for part in parts])
        for parts in (responses(videos), predictions)
    )
    return 1 - ((measured - predicted) ** 2).mean(axis=0) / measured.var(axis=0)


def test_pixels_tell_brightness_and_energies_tell_motion() -> None:
    pixels, energies = (
        variance_explained(find(RECORDING, VIDEOS)) for find in (lagged_pixels, motion_energy)
    )
    assert pixels[0] > 0.9 and energies[1] > 0.5
    assert pixels[1] < energies[1] - 0.3  # the mean over phases of a grating is grey


@pytest.mark.parametrize("find", [lagged_pixels, motion_energy])
def test_one_unit_has_baselines_too(find: Callable[..., list[np.ndarray]]) -> None:
    def alone(trial: Trial) -> Trial:
        return replace(trial, units=trial.units[:, :1])

    recording = TrialFolder(RECORDING.path, tuple(map(alone, RECORDING.trials)))
    videos = [Video(video.name, tuple(map(alone, video.repeats))) for video in VIDEOS]
    found = find(recording, videos)
    assert [each.shape for each in found] == [each.shape for each in responses(tuple(videos))]
    assert np.isfinite(uneven_repeat_scores(responses(tuple(videos)), found).cc_abs).all()


def test_a_baseline_without_the_video_has_the_mean_alone() -> None:
    blind = TrialFolder(Path("blind"), tuple(without_video(trial) for trial in RECORDING.trials))
    unseen = tuple(Video(v.name, tuple(without_video(each) for each in v.repeats)) for v in VIDEOS)
    assert (variance_explained(lagged_pixels(blind, unseen)) < 0.05).all()


def without_video(trial: Trial) -> Trial:
    return replace(trial, stimulus=np.zeros_like(trial.stimulus))


def test_baselines_fit_training_trials_alone() -> None:
    """Responses to held-out videos change nothing, responses in training do."""
    base = lagged_pixels(RECORDING, VIDEOS)
    changed = tuple(Video(v.name, tuple(replace(r, units=1 + r.units) for r in v.repeats)) for v in VIDEOS)
    assert all(np.array_equal(a, b) for a, b in zip(base, lagged_pixels(RECORDING, changed), strict=True))
    silent = [replace(t, units=0 * t.units) if t.training else t for t in RECORDING.trials]
    assert not lagged_pixels(TrialFolder(RECORDING.path, tuple(silent)), VIDEOS)[0].any()


@pytest.mark.parametrize("find", [lagged_pixels, motion_energy])
def test_behaviour_that_is_missing_is_the_mean_to_baselines(find: Callable) -> None:
    """In trials to fit, to validate with and to predict; another number there gives another answer."""

    def gapped(trial: Trial, value: float) -> Trial:
        perspective, modulation = trial.perspective.copy(), trial.modulation.copy()
        perspective[40:50], modulation[45:60, 1] = value, value
        return replace(trial, perspective=perspective, modulation=modulation)

    def found(value: float) -> np.ndarray:
        trials = tuple(gapped(trial, value) for trial in RECORDING.trials)
        shown = [Video(v.name, tuple(gapped(trial, value) for trial in v.repeats)) for v in VIDEOS]
        return np.concatenate([part.ravel() for part in find(TrialFolder(RECORDING.path, trials), shown)])

    gaps = found(np.nan)
    assert np.isfinite(gaps).all() and np.array_equal(gaps, found(0.0))
    assert not np.allclose(gaps, found(3.0), rtol=1e-3)
