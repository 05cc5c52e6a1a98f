"""Measures of simulated and real recordings are right where the answer was planted, or known by hand."""

from pathlib import Path

import numpy as np
import pytest

import simulation_beside_reality as study
from neurokit import pupil_encoder
from neurokit.pupil_encoder import TrialRecording

DECAY = 0.6  # s, of an exponential


def cell(spikes: list[float], rate: float = 50.0, seconds: float = 60.0) -> study.Cell:
    """dF/F that jumps at each spike and decays."""
    time = np.arange(0, seconds, 1 / rate)
    since = time[:, None] - np.array(spikes)
    dff = np.where(since >= 0, np.exp(-np.clip(since, 0, None) / DECAY), 0).sum(axis=1)
    return np.array(spikes), time, dff


def test_the_half_decay_is_that_of_the_planted_calcium() -> None:
    alone = [5.0, 15.0, 25.0, 40.0]
    assert study.half_decay([cell(alone)]) == pytest.approx(DECAY * np.log(2), abs=0.04)


def test_spikes_with_another_within_a_second_do_not_count() -> None:
    def stays(spikes: list[float]) -> study.Cell:  # for two seconds after each first spike
        given, time, dff = cell(spikes)
        return given, time, np.where((time > spikes[0]) & (time < spikes[0] + 2), 3.0, dff)

    clean = study.half_decay([cell([5.0, 20.0, 40.0])])
    assert study.half_decay([cell([5.0, 20.0, 40.0]), stays([10.0, 10.4])]) == clean
    assert abs(study.half_decay([cell([5.0, 20.0, 40.0]), stays([10.0])]) - clean) > 0.1  # the control


def test_the_half_decay_of_the_simulation_is_that_of_its_calcium() -> None:
    found = [study.simulated_half_decay(seed, cells=5, seconds=120.0) for seed in range(2)]
    assert max(found) - min(found) < 0.1 and 0.05 < min(found) < 1


def test_real_calcium_is_read_from_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEUROKIT_REAL_DATA", str(tmp_path))
    (tmp_path / study.CALCIUM).mkdir()
    for number, name in enumerate(study.SENSORS):
        spikes, time, dff = cell([5.0 + number, 20.0, 40.0])
        arrays = {"a__spikes": spikes, "a__t": time, "a__dff": dff}
        np.savez(tmp_path / study.CALCIUM / f"{name}.npz", **arrays)
    found = study.real_half_decays()
    assert list(found) == list(study.SENSORS)
    assert list(found.values()) == pytest.approx([DECAY * np.log(2)] * 3, abs=0.04)


@pytest.mark.parametrize(("repeats_alike", "low", "high"), [(True, 0.95, 1.0), (False, 0.0, 0.35)])
def test_the_ceiling_is_high_where_repeats_are_alike_and_low_where_they_are_not(
    repeats_alike: bool, low: float, high: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random, rate = np.random.default_rng(0), 30.17
    starts = 10 + 40 * np.arange(10.0)
    spikes = random.uniform(0.2, study.REPEAT - 0.5, (10 if not repeats_alike else 1, 12, 60))
    at = [
        (starts[repeat] + spikes[repeat % len(spikes), cell], np.full(60, cell))
        for repeat in range(10)
        for cell in range(12)
    ]
    times, cells = (np.concatenate(each) for each in zip(*at, strict=True))
    monkeypatch.setenv("NEUROKIT_REAL_DATA", str(tmp_path))
    (tmp_path / study.MOVIES).mkdir()
    np.savez(
        tmp_path / study.MOVIES / "session_501574836_events.npz",
        spike_sample=times * rate,
        spike_cell=cells,
        movie_one_start_ESTIMATED=random.permutation(starts) * rate,
    )
    assert low <= study.real_ceiling() <= high


def test_the_largest_hundredth_of_a_heavy_tail_has_most_of_the_variance() -> None:
    random = np.random.default_rng(0)
    assert study.largest_share(np.r_[np.zeros(990), 50 * np.ones(10)]) == pytest.approx(0.99)
    assert study.largest_share(np.r_[-np.ones(500), np.ones(500)]) == pytest.approx(0.01)  # the control
    assert 0.05 < study.largest_share(random.normal(size=20000)) < 0.12


def session(units: int, shared: float, *, drift: float = 0.0) -> TrialRecording:
    random = np.random.default_rng(1)
    trials, bins = 120, 50
    common = shared * random.normal(size=(trials, bins)) + drift * np.sin(np.arange(trials) / 10)[:, None]
    counts = random.poisson(0.3 * np.exp(common), (units, trials, bins))
    time = (np.arange(bins) - 5) * 0.01
    pupil = (random.normal(size=(trials, bins)), time)
    return pupil_encoder.from_counts(
        counts, time, regions=np.full(units, "V1"), behaviour={"pupil_size": pupil}, name=f"{units}"
    )


def test_regions_of_any_size_are_compared_at_one_number_of_neurons() -> None:
    drawn = [study.draw_neurons(session(units, 0.3), "V1", seed=0) for units in (40, 60, 200)]
    assert [len(each) for each in drawn] == [40, 60, 60]
    whole = session(200, 0.3)
    rows = {each.tobytes() for each in whole.spikes}
    assert (
        all(each.tobytes() in rows for each in drawn[2]) and len({each.tobytes() for each in drawn[2]}) == 60
    )


def test_rates_tell_what_units_share_and_what_drifts(monkeypatch: pytest.MonkeyPatch) -> None:
    original = study.Experiment

    def measure(recording: TrialRecording) -> dict[str, float]:
        monkeypatch.setattr(study, "Experiment", lambda system, **_: original(system, recording=recording))
        return study.rates_of("demo", 0)

    noise, shared, drifting = (
        measure(session(60, s, drift=d)) for s, d in ((0.0, 0.0), (0.4, 0.0), (0.0, 0.5))
    )
    name = "reliability of the rate of 60 neurons of a region"
    assert abs(noise[name]) < 0.15 and shared[name] > 0.5
    random, blocked = (f"R² of PSTH + drift, {split} split" for split in ("random", "blocked"))
    assert drifting[random] > 0.3 > abs(noise[random]) + 0.2 and drifting[random] > drifting[blocked]
