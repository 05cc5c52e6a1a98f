"""The simulated session: repeatable, hard but solvable, its planted channels and lags there."""

import json
import os
import resource
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurokit.errors import DataError, DiskError
from neurokit.pupil_encoder.features import causal_boxcar
from neurokit.pupil_encoder.simulated_files import (
    best_r2,
    read_truth,
    write_alf,
    write_neuromatch,
    write_truth,
)
from neurokit.pupil_encoder.simulation import (
    BIN_SIZE,
    REGIONS,
    RegionTruth,
    SessionParameters,
    SimulatedSession,
    channel_values,
    draw_events,
    filter_channel,
    simulate_behaviour,
    simulate_session,
    standardise,
)
from neurokit.simulation.brain_state import autoregression

CHANNELS = ("pupil_area", "pupil_x", "pupil_y", "face_motion", "wheel", "licks")
LAGS = np.arange(-50, 51, 2)  # bins


@pytest.fixture(scope="module")
def session() -> SimulatedSession:
    """The demo source's own session."""
    return simulate_session()


def region_rate(session: SimulatedSession, index: int) -> np.ndarray:
    return session.spikes[session.region == index].mean(axis=0) / BIN_SIZE


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def written_session(folder: Path, seed: int) -> dict[str, bytes]:
    made = simulate_session(SessionParameters(trials=6, seed=seed))
    write_neuromatch([made], folder)
    write_alf(made, folder)
    write_truth(made, folder / "truth.npz")
    return contents(folder)


# --- repeatable


def test_the_same_seed_writes_the_same_files(tmp_path: Path) -> None:
    state = np.random.get_state()[1].copy()
    first, again, other = (
        written_session(tmp_path / name, seed) for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert first == again
    assert first["steinmetz_part0.npz"] != other["steinmetz_part0.npz"]
    np.testing.assert_array_equal(np.random.get_state()[1], state)


def test_an_alf_folder_is_replaced_whole(tmp_path: Path) -> None:
    long, short = (simulate_session(SessionParameters(trials=trials)) for trials in (9, 5))
    folder = write_alf(long, tmp_path)
    (folder / "left_over.npy").touch()
    assert write_alf(short, tmp_path) == folder
    assert len(np.load(folder / "trials.visualStim_times.npy")) == 5
    assert not (folder / "left_over.npy").exists()
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


def test_a_full_disk_leaves_the_old_alf_folder_and_no_rest(tmp_path: Path) -> None:
    old, new = (simulate_session(SessionParameters(trials=trials)) for trials in (5, 9))
    folder = write_alf(old, tmp_path / "made")
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        for parent in (tmp_path / "made", tmp_path / "other"):
            with pytest.raises(DiskError, match=r"Simulated_2026-01-01 could not be written"):
                write_alf(new, parent)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before
    assert os.listdir(tmp_path / "made") == [folder.name] and os.listdir(tmp_path / "other") == []


def test_the_truth_holds_what_was_planted(tmp_path: Path) -> None:
    made = simulate_session(SessionParameters(trials=6))
    with np.load(write_truth(made, tmp_path / "truth.npz"), allow_pickle=False) as file:
        planted = json.loads(str(file["parameters"]))["regions"]
        assert [RegionTruth(**region) for region in planted] == list(REGIONS)
        assert file["expected_rates"].shape == (6, 250, len(REGIONS))
        np.testing.assert_allclose(file["best_r2"], best_r2(made))
    truth, closed = read_truth(tmp_path / "truth.npz"), made.behaviour.blink[made.events.trial_bins]
    np.testing.assert_array_equal(truth.blink, closed)
    assert closed.any() and truth.blink.dtype == bool


# --- what was planted can be found


def correlations(
    session: SimulatedSession,
    index: int,
    order: np.ndarray | None = None,
) -> np.ndarray:
    """Channels x lags: the rate in the trials against each true channel so many bins before."""
    trials, region = session.events.trial_bins, session.parameters.regions[index]
    rate = region_rate(session, index)[trials if order is None else trials[order]]
    found = np.zeros((len(CHANNELS), len(LAGS)))
    for row, channel in enumerate(CHANNELS):
        values = standardise(channel_values(session.behaviour, channel))
        drive = filter_channel(values, region.replace(lag=0.0))
        for column, lag in enumerate(LAGS):
            found[row, column] = np.corrcoef(drive[trials - lag].ravel(), rate.ravel())[0, 1]
    return found


@pytest.mark.parametrize("index", range(len(REGIONS)))
def test_each_region_follows_its_planted_channel_at_its_planted_lag(
    session: SimulatedSession, index: int
) -> None:
    found = correlations(session, index)
    channel, lag = np.unravel_index(found.argmax(), found.shape)
    assert CHANNELS[channel] == REGIONS[index].channel
    assert LAGS[lag] * BIN_SIZE == pytest.approx(REGIONS[index].lag, abs=0.06)
    shuffled = correlations(session, index, np.random.default_rng(0).permutation(250))
    assert found.max() > 2 * np.abs(shuffled).max()


def test_a_region_without_gain_follows_nothing() -> None:
    idle = REGIONS[0].replace(gain=0.0, evoked=0.0)
    nothing, something = (
        correlations(simulate_session(SessionParameters(regions=(region,))), 0)
        for region in (idle, REGIONS[0])
    )
    assert something.max() > 3 * np.abs(nothing).max()


@pytest.mark.parametrize(("lag", "moved"), [(0.1, 10), (-0.2, -20), (0.0, 0)])
def test_a_lag_moves_the_drive_by_whole_bins(lag: float, moved: int) -> None:
    impulse = np.zeros(200)
    impulse[100] = 1
    drive = filter_channel(
        impulse, RegionTruth(name="A", channel="licks", lag=lag, gain=0.3, time_constant=0.05)
    )
    assert drive.argmax() == 100 + moved
    later = drive[100 + moved + 5]  # by 50 ms, one time constant
    assert later / drive.max() == pytest.approx(np.exp(-1))


def test_an_unknown_channel_is_refused(session: SimulatedSession) -> None:
    with pytest.raises(DataError, match=r"No channel 'whisking' is simulated.*pupil_area"):
        channel_values(session.behaviour, "whisking")


# --- how hard it is


def explained(rate: np.ndarray, predicted: np.ndarray) -> float:
    """R² of predicted rates, both through the causal 100-ms boxcar, its ramp left out."""
    rate, predicted = (causal_boxcar(values, 10)[:, 9:] for values in (rate, predicted))
    return 1 - ((rate - predicted) ** 2).sum() / ((rate - rate.mean()) ** 2).sum()


def test_the_expected_rates_explain_more_than_the_psth_and_not_all(
    session: SimulatedSession,
) -> None:
    best = best_r2(session)
    for index in range(len(REGIONS)):
        rate = region_rate(session, index)[session.events.trial_bins]
        psth = np.broadcast_to(rate.mean(axis=0), rate.shape)
        score = explained(rate, session.expected_rates[..., index])
        assert score == pytest.approx(best[index], abs=1e-9)
        assert best[index] > explained(rate, psth) + 0.1
        shuffled = session.expected_rates[np.random.default_rng(0).permutation(250), :, index]
        assert explained(rate, shuffled) < 0.05
    assert ((best > 0.15) & (best < 0.5)).all()


def test_expected_rates_are_right_on_average(session: SimulatedSession) -> None:
    for index in range(len(REGIONS)):
        rate = region_rate(session, index)[session.events.trial_bins]
        assert session.expected_rates[..., index].mean() == pytest.approx(rate.mean(), rel=0.05)


def test_expected_rates_use_a_trials_own_window_only() -> None:
    region = REGIONS[1].replace(evoked=0.0)  # the rate is a line through the drive's factor
    made = simulate_session(SessionParameters(trials=6, regions=(region,)))
    bins = made.events.trial_bins[3]
    channel = standardise(channel_values(made.behaviour, region.channel))
    inside = np.exp(region.gain * np.tanh(filter_channel(channel[bins], region)))
    outside = np.exp(region.gain * np.tanh(filter_channel(channel, region)))[bins]
    expected = made.expected_rates[3, :, 0]
    assert np.corrcoef(expected, inside)[0, 1] == pytest.approx(1, abs=1e-9)
    # the first bins would need what came before the trial
    assert np.corrcoef(expected, outside)[0, 1] < 1 - 1e-5


# --- the animal


def test_trials_do_not_overlap_and_events_come_in_order() -> None:
    events = draw_events(300, np.random.default_rng(0))
    assert np.diff(events.stimulus).min() > 2.5
    assert (events.stimulus < events.go_cue).all() and (events.go_cue < events.response_time).all()
    assert (events.feedback < events.stimulus + 4).all()
    right = events.response == np.sign(events.contrast_left - events.contrast_right)
    np.testing.assert_array_equal(events.feedback_type == 1, right)
    assert 0.7 < right.mean() < 0.95


def test_the_camera_adds_blinks_and_wild_fits_to_a_pupil_that_has_none(
    session: SimulatedSession,
) -> None:
    behaviour = session.behaviour
    true, seen = behaviour.pupil[0], behaviour.measured_pupil[0]
    assert (true > 0).all() and (seen <= 0).any()
    assert 0.01 < behaviour.blink.mean() < 0.06
    wild = ~behaviour.blink & (np.abs(seen - true) > 0.02)
    assert 0.0005 < wild.mean() < 0.004
    fine = ~behaviour.blink & ~wild
    assert np.corrcoef(true[fine], seen[fine])[0, 1] > 0.99
    assert np.corrcoef(true, seen)[0, 1] < 0.5  # so cleaning is needed


def test_the_pupil_widens_after_movement(session: SimulatedSession) -> None:
    area, wheel = session.behaviour.pupil[0], np.abs(session.behaviour.wheel)
    lags, last = range(0, 300, 10), len(area) - 500
    later = [np.corrcoef(wheel[:-500], area[lag : last + lag])[0, 1] for lag in lags]
    assert 20 <= 10 * int(np.argmax(later)) <= 150 and max(later) > 0.1


def test_licks_follow_rewards(session: SimulatedSession) -> None:
    feedback = np.floor(session.events.feedback / BIN_SIZE).astype(int)
    rewarded = session.events.feedback_type == 1
    after = session.behaviour.licks[feedback[:, None] + np.arange(100)].sum(axis=1)
    assert after[rewarded].mean() > 5 * after[~rewarded].mean()


@settings(max_examples=8, deadline=None)
@given(st.floats(0.05, 1.0), st.integers(0, 1000))
def test_the_noise_forgets_with_its_time_constant(time_constant: float, seed: int) -> None:
    noise = autoregression(100_000, time_constant / BIN_SIZE, np.random.default_rng(seed))
    lag = round(time_constant / BIN_SIZE)
    assert noise.std() == pytest.approx(1, abs=0.15)
    assert np.corrcoef(noise[:-lag], noise[lag:])[0, 1] == pytest.approx(
        np.exp(-lag * BIN_SIZE / time_constant), abs=0.12
    )


@pytest.mark.parametrize("trials", [1, 2])
def test_a_very_short_session_still_simulates(trials: int) -> None:
    random = np.random.default_rng(0)
    behaviour = simulate_behaviour(draw_events(trials, random), random)
    assert np.isfinite(behaviour.measured_pupil).all()
