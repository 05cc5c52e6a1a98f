"""What is planted in a recording is found by its diagnosis, and what is not planted is not.

Tolerances follow from theory: a correlation over F contents has a standard error of about (1 - r²) / sqrt(F),
and a mean over N independent units one that is sqrt(N) times smaller; five of these are allowed.
"""

import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from neurokit.recordings import Recording, Spikes, Stimulus, Trace, Trials, describe, diagnose
from tests.recordings.planted import images, movie, spikes, trials


def over_repeats(share: float, repeats: int) -> float:
    """The share of the variance of a mean over repeats that is signal."""
    return repeats * share / (1 + (repeats - 1) * share)


# --- reliability and ceiling


@pytest.mark.parametrize("share", [0.05, 0.3, 0.8])
@pytest.mark.parametrize("repeats", [2, 5, 8])
def test_the_planted_share_of_a_movie_comes_back(share: float, repeats: int) -> None:
    units, bins = 80, 100
    found = diagnose(movie(units=units, repeats=repeats, share=share)).reliability
    assert found is not None and (found.repeats, found.contents) == (repeats, bins)
    assert found.what == "100 bins of 0.1 s of natural_movie"
    spread = 5 / np.sqrt(bins * units)
    whole = over_repeats(share, repeats)
    half = share if repeats < 4 else over_repeats(share, repeats // 2)
    # the correction to all repeats is steeper than the correlation of halves
    slope = whole / half * 2
    assert np.mean(found.split_half) == pytest.approx(whole, abs=spread * slope + 0.02)
    assert np.mean(found.explainable) == pytest.approx(share, abs=2 * spread)
    others = np.sqrt(share * over_repeats(share, repeats - 1))
    assert np.mean(found.oracle) == pytest.approx(others, abs=spread + 1 / bins)
    if share > 0.1:  # a weak signal's is cut off at 0
        assert np.median(found.cc_max) == pytest.approx(np.sqrt(whole), abs=0.05)
        assert np.median(found.single_trial) == pytest.approx(np.sqrt(share), abs=0.06)


def test_noise_alone_has_no_reliability() -> None:
    found = diagnose(movie(share=0.0)).reliability
    assert found is not None
    assert abs(np.mean(found.split_half)) < 5 * 2 / np.sqrt(100 * 60)
    assert abs(np.mean(found.explainable)) < 5 * 2 / np.sqrt(100 * 60)


def test_repeated_images_are_measured_and_those_shown_once_are_not() -> None:
    found = diagnose(images(share=0.4)).reliability
    assert found is not None
    assert (found.repeats, found.contents, found.what) == (6, 40, "40 images of scenes")
    assert np.mean(found.explainable) == pytest.approx(0.4, abs=5 * 2 / np.sqrt(40 * 60))
    assert np.mean(found.split_half) == pytest.approx(over_repeats(0.4, 6), abs=0.05)


def test_spikes_after_events_have_the_ceiling_of_poisson_counts() -> None:
    recording, share = spikes()
    found = diagnose(recording).reliability
    assert found is not None and (found.repeats, found.contents) == (10, 60)
    assert np.mean(found.explainable - share) == pytest.approx(0, abs=5 * 0.1 / np.sqrt(40))
    assert np.corrcoef(found.explainable, share)[0, 1] > 0.5


def test_trials_of_a_stimulus_and_bins_of_a_trial_are_repeats_too() -> None:
    random = np.random.default_rng(0)
    shown = np.arange(200) % 20
    signal = random.standard_normal((20, 5, 30))
    values = signal[shown] + random.standard_normal((200, 5, 30))
    stimulus = Stimulus("scenes", "images", None, shown)
    by_image = Recording(
        "m", "by hand", np.arange(30), trials=Trials(values, np.arange(5) / 10), stimuli=[stimulus]
    )
    found = diagnose(by_image).reliability
    assert found is not None and (found.repeats, found.contents) == (10, 100)
    assert np.mean(found.explainable) == pytest.approx(0.5, abs=5 * 2 / np.sqrt(100 * 30))
    psth = diagnose(replace(by_image, stimuli=())).reliability
    assert psth is not None and psth.contents == 5 and psth.what == "the 5 bins of a trial"


def test_without_repeats_no_ceiling_is_told() -> None:
    for recording in (movie(repeats=1), images(repeated=0), trials()):
        found = diagnose(recording)
        assert found.reliability is None
        assert "no noise ceiling can be known" in describe(found)


def test_a_frame_that_stays_on_the_screen_is_no_repeat() -> None:
    recording = movie(repeats=1)
    (shown,) = recording.stimuli
    held = replace(shown, shown=np.repeat(shown.shown[: len(shown.shown) // 2], 2))
    assert diagnose(replace(recording, stimuli=[held])).reliability is None


def test_two_halves_of_an_area_share_what_was_planted() -> None:
    found = diagnose(trials(share=0.1, units=40, number=400)).shared
    assert found is not None
    (row,) = found.itertuples()
    assert (row.area, row.units) == ("LGd", 40)
    assert row.shared == pytest.approx(over_repeats(0.1, 40), abs=5 / np.sqrt(400) * 0.5)
    nothing = diagnose(trials(share=0.0, units=40, number=400)).shared
    assert nothing is not None and abs(nothing["shared"][0]) < 0.35


# --- drift


@pytest.mark.parametrize("make", [movie, trials])
def test_planted_drift_is_predicted_under_a_random_split_and_less_under_a_blocked_one(make) -> None:
    drift = 0.8
    recording = make(share=0.0, drift=drift)
    found = diagnose(recording)
    assert found.drift is not None
    noise = 1 / 10 if make is movie else 1.0  # the variance of a bin of 1 s, of ten independent ones
    planted = drift**2 / (drift**2 + noise)
    rows = len(found.rows.time)
    assert np.median(found.drift.random) == pytest.approx(planted, abs=3 * 12 / rows * (1 - planted) + 0.05)
    assert found.drift.flattered > 0.2
    assert np.median(found.drift.blocked) < np.median(found.drift.random) - 0.2
    assert "a random split flatters" in describe(found)
    assert np.nanstd(found.drift.slow) == pytest.approx(drift, rel=0.15)


@pytest.mark.parametrize("make", [movie, images, trials])
def test_without_drift_both_splits_predict_nothing(make) -> None:
    found = diagnose(make(share=0.0) if make is not images else images())
    assert found.drift is not None
    assert abs(np.median(found.drift.random)) < 0.03
    assert abs(np.median(found.drift.blocked)) < 0.03
    assert found.drift.flattered < 0.02
    assert "flatters" not in describe(found)


def test_running_that_the_units_follow_correlates_and_other_running_does_not() -> None:
    recording = trials(share=0.5, number=400)
    assert recording.trials is not None
    mean = recording.trials.responses.mean(axis=(1, 2))
    random = np.random.default_rng(1)
    behaviour = {
        "running": np.repeat(mean[:, None], 5, axis=1),
        "pupil_size": random.standard_normal((400, 5)),
        "wheel": np.zeros((400, 5)),
    }
    found = diagnose(replace(recording, trials=replace(recording.trials, behaviour=behaviour))).modulation
    assert found["running"] == pytest.approx(1, abs=1e-4)
    assert abs(found["pupil_size"]) < 4 / np.sqrt(400)
    assert "wheel" not in found
    clock = np.arange(0, 100, 0.02)
    slow = movie(share=0.0, drift=0.8)
    assert slow.traces is not None
    follows = Trace(np.interp(clock, slow.traces.time, slow.traces.values.mean(axis=1)), clock)
    alone = replace(
        slow, behaviour={"running": follows, "pupil_size": Trace(follows.values[::-1], clock + 900)}
    )
    assert diagnose(alone).modulation["running"] > 0.9 and len(diagnose(alone).modulation) == 1


# --- what is missing, and what is there twice


def test_gaps_missing_values_and_overlap_are_those_that_were_planted() -> None:
    recording = movie(repeats=4)
    assert recording.traces is not None
    late = recording.traces.time + np.where(recording.traces.time > 20, 12.0, 0)
    random = np.random.default_rng(0)
    clock = np.arange(0, 30, 1 / 60)
    pupil = random.standard_normal((len(clock), 2))
    pupil[: len(clock) // 4, 1] = np.nan
    found = diagnose(
        replace(
            recording,
            traces=replace(recording.traces, time=late),
            behaviour={"pupil": Trace(pupil, clock), "running": Trace(clock * 0, clock + 900.0)},
        )
    ).clocks.set_index("what")
    assert found.loc["activity", "gaps"] == 1
    assert found.loc["activity", "longest"] == pytest.approx(12 + 1 / 30)
    assert found.loc["pupil[0]", "missing"] == 0
    assert found.loc["pupil[1]", "missing"] == pytest.approx(0.25)
    assert found.loc["pupil[0]", "overlap"] == pytest.approx(clock[-1] - 5)
    assert found.loc["pupil[0]", "rate"] == pytest.approx(60)
    assert found.loc["running", "share"] == 0
    assert found["gaps"].drop("activity").sum() == 0


def test_a_clock_of_events_has_no_gaps() -> None:
    licks = np.cumsum(np.random.default_rng(0).exponential(1.0, 80))
    recording = replace(movie(), behaviour={"licks": Trace(np.ones(80), licks)})
    assert diagnose(recording).clocks.set_index("what").loc["licks", "gaps"] == 0


def test_a_silence_of_all_units_is_a_gap_and_slow_firing_is_none() -> None:
    random = np.random.default_rng(0)
    times = np.sort(random.random(5000) * 500)
    ids = random.integers(0, 4, 5000)
    whole = Recording("m", "by hand", np.arange(4), spikes=Spikes(times, ids))
    assert diagnose(whole).clocks["gaps"][0] == 0
    kept = (times < 200) | (times > 240)
    broken = diagnose(replace(whole, spikes=Spikes(times[kept], ids[kept]))).clocks
    assert broken["gaps"][0] == 1 and broken["longest"][0] == pytest.approx(40, abs=1)


def test_units_that_say_nothing_are_named_by_their_ids() -> None:
    recording = movie(units=20)
    assert recording.traces is not None
    values = recording.traces.values.copy()
    values[:, 3], values[:, 5], values[:, 8], values[7, 11] = 0, 2.5, values[:, 2], np.nan
    values[:, 13] = np.nan
    found = diagnose(replace(recording, traces=replace(recording.traces, values=values)))
    unusable = found.unusable
    assert unusable.silent.tolist() == [103] and unusable.constant.tolist() == [105]
    assert unusable.doubled.tolist() == [108] and unusable.missing.tolist() == [113]
    assert unusable.partly.tolist() == [111]
    assert unusable.share == pytest.approx((len(values) + 1) / values.size)
    assert found.reliability is not None and len(found.reliability.columns) == 16
    assert diagnose(recording).unusable.counts() == {}


def test_silent_and_doubled_units_are_found_among_spikes() -> None:
    random = np.random.default_rng(0)
    times = np.sort(random.random(400) * 100)
    ids = random.integers(0, 5, 400)
    own = ids == 2
    both = np.append(times, times[own]), np.append(ids, np.full(own.sum(), 9))
    order = np.argsort(both[0], kind="stable")
    known = np.array([0, 1, 2, 3, 4, 9, 77])
    found = diagnose(Recording("m", "by hand", known, spikes=Spikes(both[0][order], both[1][order]))).unusable
    assert found.silent.tolist() == [77] and found.doubled.tolist() == [9]


def test_doubled_images_are_found_by_content_and_in_two_parts() -> None:
    recording = images()
    (scenes,) = recording.stimuli
    assert diagnose(recording).doubled.pairs == () and diagnose(recording).doubled.in_two_parts == ()
    frames = np.array(scenes.frames)
    frames[17], frames[120] = frames[3], frames[50]
    found = diagnose(replace(recording, stimuli=[replace(scenes, frames=frames)])).doubled
    assert set(found.pairs) == {(("scenes", 17), ("scenes", 3)), (("scenes", 120), ("scenes", 50))}
    assert found.in_two_parts == (("scenes", 50),)
    movies = movie().stimuli
    still = replace(movies[0], frames=np.zeros_like(movies[0].frames))
    assert diagnose(replace(movie(), stimuli=[still])).doubled.pairs == ()


# --- which systems


def test_each_kind_of_recording_names_the_systems_that_can_take_it() -> None:
    clock = np.arange(0, 100, 0.05)
    eyes = {name: Trace(np.cos(clock), clock) for name in ("pupil_size", "pupil_x", "pupil_y", "running")}
    with_eyes = replace(movie(), behaviour=eyes)
    possible = {
        "movie": (diagnose(movie()), {"v1-transformer", "digital-twin"}),
        "eyes": (diagnose(with_eyes), {"v1-transformer", "digital-twin"}),
        "images": (diagnose(images()), {"sensorium"}),
        "spikes": (diagnose(replace(spikes()[0], behaviour=eyes)), {"pupil-encoder"}),
        "spikes alone": (diagnose(spikes()[0]), set()),
        "one count a trial": (diagnose(trials()), set()),
        "trials": (diagnose(trials(bins=4)), {"pupil-encoder"}),
    }
    for kind, (found, wanted) in possible.items():
        assert {each.system for each in found.systems if each.possible} == wanted, kind
    lacks = {each.system: each.lacks for each in possible["eyes"][0].systems}
    assert lacks["digital-twin"] == () and lacks["v1-transformer"] == ()
    by_name = {each.system: each for each in possible["movie"][0].systems}
    assert by_name["digital-twin"].lacks == ("pupil size", "pupil position", "running")
    assert by_name["sensorium"].sentence == "no, needs images shown one a trial"
    assert (
        "behaviour"
        in {each.system: each for each in possible["spikes alone"][0].systems}["pupil-encoder"].sentence
    )


def test_a_channel_without_a_value_is_lacking_and_a_movie_without_frames_cannot_be_modelled() -> None:
    clock = np.arange(0, 100, 0.05)
    recording = replace(movie(), behaviour={"running": Trace(clock * np.nan, clock)})
    systems = {each.system: each for each in diagnose(recording).systems}
    assert systems["v1-transformer"].lacks == ("running",)
    (shown,) = recording.stimuli
    blind = {
        each.system: each
        for each in diagnose(replace(recording, stimuli=[replace(shown, frames=None)])).systems
    }
    assert blind["digital-twin"].missing == ("the frames of natural_movie",)


# --- arrays as they come, and odd ones


def test_arrays_of_any_kind_give_the_same_numbers() -> None:
    plain = movie(dtype="float64")
    assert plain.traces is not None
    locked = np.asfortranarray(plain.traces.values)
    locked.flags.writeable = False
    other = replace(plain, traces=replace(plain.traces, values=locked))
    first, second = diagnose(plain), diagnose(other)
    assert first.reliability is not None and second.reliability is not None
    np.testing.assert_allclose(first.reliability.split_half, second.reliability.split_half, atol=1e-5)
    again = diagnose(plain).reliability
    assert again is not None
    np.testing.assert_array_equal(first.reliability.split_half, again.split_half)


CLOCK = np.arange(100) / 10
ODD = {
    "one unit": {"traces": Trace(np.random.default_rng(0).random((100, 1)), CLOCK)},
    "one sample": {"traces": Trace(np.ones((1, 3)), CLOCK[:1])},
    "nothing measured": {"traces": Trace(np.full((100, 3), np.nan), CLOCK)},
    "infinite": {"traces": Trace(np.where(np.arange(300).reshape(100, 3) % 7, 1.0, np.inf), CLOCK)},
    "counts": {"traces": Trace(np.arange(300).reshape(100, 3) % 7, CLOCK)},
    "one spike": {"spikes": Spikes(np.array([1.0]), np.array([0]))},
    "events without times": {
        "spikes": Spikes(np.array([1.0, 2.0]), np.array([0, 0])),
        "events": pd.DataFrame({"stimulus_time": [np.nan]}),
    },
    "one trial": {"trials": Trials(np.ones((1, 1, 3)))},
    "trials not measured": {"trials": Trials(np.full((60, 4, 3), np.nan), np.arange(4) / 10)},
    "blank": {
        "traces": Trace(np.random.default_rng(0).random((100, 2)), CLOCK),
        "stimuli": [Stimulus("grey", "movie", None, np.full(10, -1), np.arange(10.0))],
    },
    "shown elsewhere": {
        "traces": Trace(np.random.default_rng(0).random((100, 2)), CLOCK),
        "stimuli": [
            Stimulus("m", "images", np.ones((1, 4, 6)), np.zeros(9, dtype=int), 500 + np.arange(9.0))
        ],
    },
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", ODD)
def test_odd_recordings_are_described_without_a_warning(kind: str) -> None:
    given = ODD[kind]
    values = given.get("traces") or given.get("trials")
    units = (
        1 if values is None else np.shape(getattr(values, "values", getattr(values, "responses", None)))[-1]
    )
    text = describe(diagnose(Recording("odd", "by hand", np.arange(units), **given)))
    assert len(text.splitlines()) <= 45
    assert "nan" not in text
    if kind == "shown elsewhere":
        assert "no time in common with activity: m" in text


def test_a_large_recording_is_measured_in_part_and_says_so() -> None:
    found = diagnose(movie(units=700, repeats=2))
    assert "drift, areas and the picture are of 300 of 700 usable units, drawn at random" in found.notes
    assert found.rows.values.shape[1] == 300


def test_a_recording_with_much_in_it_still_fits_on_a_page() -> None:
    recording = movie()
    (shown,) = recording.stimuli
    channels = {f"channel_{number}": Trace(np.ones((300, 2)), np.arange(300) / 10) for number in range(9)}
    text = describe(
        diagnose(
            replace(
                recording,
                stimuli=[replace(shown, name=f"movie_{number}") for number in range(12)],
                behaviour=channels,
                notes=tuple(f"what the reader says, number {number}" for number in range(9)),
            )
        )
    )
    assert len(text.splitlines()) <= 45
    for words in ("6 more stimuli", "21 more clocks", "4 more notes", "doubled stimuli: 3300 have"):
        assert words in text


@pytest.mark.slow
def test_two_hundred_megabytes_take_two_seconds() -> None:
    """Ten seconds of the processor for each GB, so that a busy machine does not count."""
    random = np.random.default_rng(0)
    diagnose(movie())  # imports
    samples, units, frames, repeats = 50_000, 1000, 900, 10
    clock = np.arange(samples) / 30
    values = random.standard_normal((samples, units), dtype=np.float32)
    shown = np.tile(np.arange(frames), repeats)
    content = random.integers(0, 256, (frames, 72, 128), dtype=np.uint8)
    stimulus = Stimulus("movie", "movie", content, shown, clock[1000 : 1000 + frames * repeats])
    recording = Recording(
        "large", "by hand", np.arange(units), traces=Trace(values, clock), stimuli=[stimulus]
    )
    size = (values.nbytes + content.nbytes) / 1e9
    start = time.process_time()
    diagnose(recording)
    assert time.process_time() - start < 10 * size
    times = np.sort(random.random(12_000_000) * 3600)
    fired = Spikes(times, random.integers(0, 600, len(times)))
    size = (fired.times.nbytes + fired.unit_ids.nbytes) / 1e9
    recording = Recording("large", "by hand", np.arange(600), spikes=fired)
    start = time.process_time()
    diagnose(recording)
    assert time.process_time() - start < 10 * size
