"""Scores of unevenly repeated videos: their formulae, known signal and noise, the bias, what is refused."""

import numpy as np
import pytest

from neurokit.errors import DataError
from neurokit.metrics import cc_max, repeat_scores
from neurokit.metrics.repeats import equal_repeats, uneven_cc_max, uneven_repeat_scores

FRAMES, UNITS = 30, 4000


def made(
    repeats: tuple[int, ...], signal: float, seed: int = 0, frames: int = FRAMES, units: int = UNITS
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Signals, T U, and their repeats, R T U, a video each, with noise of variance 1."""
    random = np.random.default_rng(seed)
    signals = [signal * random.normal(size=(frames, units)) for _ in repeats]
    return signals, [s + random.normal(size=(r, *s.shape)) for r, s in zip(repeats, signals, strict=True)]


def padded(videos: list[np.ndarray]) -> np.ndarray:
    """R F U, with NaN where a video has no such repeat."""
    most = max(len(video) for video in videos)
    missing = [np.full((most - len(video), *video.shape[1:]), np.nan) for video in videos]
    both = zip(videos, missing, strict=True)
    return np.concatenate([np.concatenate(pair) for pair in both], axis=1)


# --- formulae


@pytest.mark.parametrize("repeats", [(7, 4, 6), (2, 5), (3, 1, 4)])
def test_scores_are_their_formulae_on_the_padded_matrix(repeats: tuple[int, ...]) -> None:
    responses, predictions = made(repeats, 1.0, units=5)[1], made(repeats, 1.0, seed=1, units=5)[1]
    found = uneven_repeat_scores(responses, predictions, burn_in=4)
    y, p = (padded([video[:, 4:] for video in videos]) for videos in (responses, predictions))
    t = (~np.isnan(y[..., 0])).sum(axis=0)
    n = np.sqrt((t - 1).sum() / ((t - 1) / t**2).sum())
    mean = np.nanmean(y, axis=0)
    power = (n * mean.var(axis=0, ddof=1) - np.nanvar(y, axis=1, ddof=1).mean(axis=0)) / (n - 1)
    ceiling = np.sqrt(np.where(power > 0, power, np.nan) / mean.var(axis=0))
    cc = [np.corrcoef(mean[:, u], np.nanmean(p, axis=0)[:, u])[0, 1] for u in range(5)]
    np.testing.assert_allclose(found.cc_max, ceiling, atol=1e-9)
    np.testing.assert_allclose(found.cc_abs, cc, atol=1e-6)
    np.testing.assert_allclose(found.cc_norm, cc / ceiling, atol=1e-6)
    assert found.median == pytest.approx(np.nanmedian(cc / ceiling), abs=1e-6)
    np.testing.assert_array_equal(uneven_cc_max(responses, burn_in=4), found.cc_max)


def test_equal_repeats_differ_from_the_other_score_by_the_unbiased_variance_alone() -> None:
    """All of SP is F / (F - 1) times as large, the variance below it is the same."""
    responses, predictions = made((5, 5), 1.0, units=50)[1], made((5, 5), 1.0, seed=1, units=50)[1]
    ours = uneven_repeat_scores(responses, predictions, burn_in=0)
    joined = [np.concatenate(videos, axis=1) for videos in (responses, predictions)]
    theirs, frames = repeat_scores(*joined), 2 * FRAMES
    assert theirs.cc_max.min() > 0 and theirs.cc_max.max() < 1  # where neither is cut off
    factor = np.sqrt(frames / (frames - 1))
    np.testing.assert_allclose(ours.cc_max, theirs.cc_max * factor, rtol=1e-9)
    np.testing.assert_allclose(ours.cc_abs, theirs.cc_abs, rtol=1e-9)
    np.testing.assert_allclose(ours.cc_norm, theirs.cc_norm / factor, rtol=1e-9)


def test_no_signal_is_nan_here_and_zero_there() -> None:
    (video,) = made((6,), 0.0, units=400)[1]
    ours, theirs = uneven_cc_max([video], burn_in=0), cc_max(video)
    np.testing.assert_array_equal(np.isnan(ours), theirs == 0)
    assert 0.3 < np.isnan(ours).mean() < 0.7


def test_the_order_of_videos_and_repeats_does_not_matter_where_repeats_are_equal() -> None:
    responses = made((4, 4, 4), 1.0, units=20)[1]
    expected = uneven_cc_max(responses)
    np.testing.assert_allclose(uneven_cc_max(responses[::-1]), expected, rtol=1e-9)


def test_the_burn_in_is_not_looked_at() -> None:
    responses, predictions = made((4, 3), 1.0, units=20)[1], made((4, 3), 1.0, seed=1, units=20)[1]
    expected = uneven_repeat_scores(responses, predictions, burn_in=7).cc_norm
    for video in responses:
        video[:, :7] += 100
    found = uneven_repeat_scores(responses, predictions, burn_in=7).cc_norm
    np.testing.assert_array_equal(found, expected)
    assert np.abs(uneven_repeat_scores(responses, predictions, burn_in=6).cc_norm - expected).max() > 0.01


# --- known signal and noise


@pytest.mark.parametrize(("signal", "repeats"), [(1.0, 10), (0.5, 6)])
def test_the_ceiling_is_that_of_known_signal_and_noise(signal: float, repeats: int) -> None:
    signals, responses = made((repeats,) * 3, signal, frames=1000, units=60)
    perfect = [np.broadcast_to(s, r.shape) for s, r in zip(signals, responses, strict=True)]
    found = uneven_repeat_scores(responses, perfect)
    expected = signal / np.sqrt(signal**2 + 1 / repeats)
    assert np.median(found.cc_max) == pytest.approx(expected, abs=0.005)
    assert found.median == pytest.approx(1, abs=0.01)


def test_videos_of_different_lengths_may_stand_together() -> None:
    short, long = (made((5,), 1.0, seed=s, frames=f, units=60)[1][0] for s, f in ((0, 20), (1, 2000)))
    alone = uneven_cc_max([long])
    np.testing.assert_allclose(uneven_cc_max([short, long]), alone, atol=0.01)


def test_a_silent_unit_has_no_ceiling_and_correlates_with_nothing() -> None:
    responses, predictions = made((4, 3), 1.0, units=3)[1], made((4, 3), 1.0, seed=1, units=3)[1]
    for video in responses:
        video[..., 1] = 0.3
    found = uneven_repeat_scores(responses, predictions)
    assert found.cc_abs[1] == 0 and np.isnan(found.cc_max[1]) and np.isnan(found.cc_norm[1])
    assert not np.isnan(found.cc_max[[0, 2]]).any()


# --- the bias of uneven repeats

EVEN, UNEVEN = (6, 6, 6), (10, 2, 10)


@pytest.mark.parametrize("repeats", [(7, 4, 6), UNEVEN])
def test_uneven_repeats_find_a_ceiling_in_noise(repeats: tuple[int, ...]) -> None:
    """Fewer NaN and a higher median than with even repeats, as high as the docstring derives."""
    even, found = (uneven_cc_max(made(r, 0.0)[1], burn_in=0) for r in (EVEN, repeats))
    assert np.isnan(even).mean() == pytest.approx(0.5, abs=0.05)
    assert np.isnan(found).mean() < np.isnan(even).mean() - 0.05
    assert np.nanmedian(found) > np.nanmedian(even) + 0.02


def test_the_size_of_the_bias_is_the_one_that_the_module_states() -> None:
    found = uneven_cc_max(made(UNEVEN, 0.0, frames=1000, units=200)[1], burn_in=0)
    t = np.array(UNEVEN)
    n, m = np.sqrt((t - 1).sum() / ((t - 1) / t**2).sum()), (1 / t).mean()
    assert np.median(found**2) == pytest.approx((n - 1 / m) / (n - 1), abs=0.01)
    assert (n - 1 / m) / (n - 1) == pytest.approx(0.42, abs=0.005)


def test_a_model_looks_worse_than_it_is_until_repeats_are_made_equal() -> None:
    signals, responses = made(UNEVEN, 0.5)
    perfect = [np.broadcast_to(s, r.shape) for s, r in zip(signals, responses, strict=True)]
    uneven = uneven_repeat_scores(responses, perfect, burn_in=0)
    even = uneven_repeat_scores(equal_repeats(responses), equal_repeats(perfect), burn_in=0)
    true = 0.5 / np.sqrt(0.25 + np.mean([1 / r for r in UNEVEN]))
    assert np.nanmedian(uneven.cc_max) > true + 0.1
    assert uneven.median < 0.9
    assert np.nanmedian(even.cc_max) == pytest.approx(0.5 / np.sqrt(0.25 + 1 / 2), abs=0.03)
    assert even.median == pytest.approx(1, abs=0.05)


def test_equal_repeats_keeps_the_first_of_each_video() -> None:
    videos = made((7, 4, 6), 1.0, units=3)[1]
    cut = equal_repeats(videos)
    assert [len(video) for video in cut] == [4, 4, 4]
    for short, full in zip(cut, videos, strict=True):
        np.testing.assert_array_equal(short, full[:4])


# --- bad input


def videos(*shapes: tuple[int, ...]) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [random.normal(size=shape) for shape in shapes]


def with_nan(*shapes: tuple[int, ...]) -> list[np.ndarray]:
    found = videos(*shapes)
    found[-1][0, -1, 0] = np.nan
    return found


TWO = ((3, 20, 4), (2, 20, 4))


@pytest.mark.parametrize(
    ("responses", "predictions", "says"),
    [
        (
            videos(*TWO),
            videos(TWO[0], (3, 20, 4)),
            r"responses are .*\(2, 20, 4\).*predictions .*\(3, 20, 4\)",
        ),
        (videos(*TWO), videos(TWO[0]), "responses are .* give the same repeats"),
        ([], [], r"responses are \[\]; give one array"),
        (videos((20, 4)), videos((20, 4)), r"responses are \[\(20, 4\)\]; give one array of repeats"),
        (videos((0, 20, 4)), videos((0, 20, 4)), "responses are .*; give one array of repeats"),
        (videos((2, 20, 4), (2, 20, 3)), videos((2, 20, 4), (2, 20, 3)), r"have \[4, 3\] units"),
        (with_nan(*TWO), videos(*TWO), "responses to video 1 .from 0. hold NaN"),
        (videos(*TWO), with_nan(*TWO), "predictions to video 1 .from 0. hold NaN"),
        (
            videos((1, 20, 4), (1, 30, 4)),
            videos((1, 20, 4), (1, 30, 4)),
            "shown once",
        ),
        (videos((3, 20, 4), (2, 10, 4)), videos((3, 20, 4), (2, 10, 4)), "shortest video has 10 frames"),
        (videos((3, 11, 4), (2, 20, 4)), videos((3, 11, 4), (2, 20, 4)), "Repeat 3 has 1 frame after"),
    ],
)
def test_what_cannot_be_scored_is_refused(
    responses: list[np.ndarray], predictions: list[np.ndarray], says: str
) -> None:
    with pytest.raises(DataError, match=rf"^[^\n]*{says}[^\n]*\.$"):
        unchecked(uneven_repeat_scores)(responses, predictions)


def test_a_negative_burn_in_is_refused() -> None:
    with pytest.raises(DataError, match="burn_in is -1"):
        uneven_cc_max(videos(*TWO), burn_in=-1)


def test_no_video_has_no_equal_repeats() -> None:
    with pytest.raises(DataError, match="There is no video"):
        equal_repeats([])


def unchecked(function: object) -> object:
    """The plain function: the tests' shape checker would refuse some of these first."""
    return getattr(function, "__wrapped__", function)
