"""Artifacts, frozen traces and lost spikes: masked and counted in every system, none in sound recordings."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neurokit import digital_twin, pupil_encoder, recordings, sensorium, v1_transformer
from neurokit.recordings import Recording, Spikes, Trace
from neurokit.recordings.arrays import read_arrays
from neurokit.recordings.beside import Arrays
from neurokit.recordings.measured import (
    FAR,
    SILENT,
    find_frozen,
    find_gaps,
    mask_artifacts,
    mask_traces,
    mask_unmeasured,
)
from tests import labs
from tests.recordings.mice import MICE


def read(arrays: labs.Arrays) -> Recording:
    return mask_unmeasured(read_arrays(Arrays(Path("lab"), dict(arrays))))


def unmeasured(recording: Recording) -> list[str]:
    return [note for note in recording.notes if "taken as not measured" in note]


@pytest.mark.parametrize("value", [1e9, -1e7, 1e20])
@pytest.mark.parametrize("units", [slice(0, 1), slice(None)], ids=["of one unit", "of all"])
def test_an_artifact_is_not_measured(value: float, units: slice) -> None:
    traces = labs.movie()["traces"]
    spoilt = traces.copy()
    spoilt[300, units] = value
    notes: list[str] = []
    found = mask_artifacts(spoilt, "traces", notes)
    number = len(range(12)[units])
    assert np.isnan(found).sum() == number and np.isnan(found[300, units]).all()
    assert f"{number} of 7800 values, of {number} of 12 units" in notes[0] and f"{value:g}" in notes[0]
    np.testing.assert_array_equal(found[~np.isnan(found)], traces[~np.isnan(found)])


@pytest.mark.parametrize("share", [0.001, 0.01, 0.5, 1.0], ids="{:g} of the samples active".format)
def test_heavy_tails_and_few_events_are_no_artifacts(share: float) -> None:
    """Deconvolved activity of log-normal events, units that differ a hundredfold, one of one event."""
    random = np.random.default_rng(0)
    values = random.lognormal(0, 1.2, (20_000, 15)) * (random.random((20_000, 15)) < share)
    values *= np.logspace(0, 2, 15)
    values[:, 3] = 0
    values[77, 3] = 30
    notes: list[str] = []
    assert mask_artifacts(values, "traces", notes) is values and not notes


@pytest.mark.parametrize("kind", ["1e9 in a training trial", "-1e7 in one", "-1e9 in all of a trial"])
def test_sensorium_leaves_a_trial_of_artifacts_out(kind: str) -> None:
    lab = labs.photos()
    sound = next(
        iter(sensorium.from_arrays(lab["images"], lab["responses"], image_ids=lab["shown"]).values())
    )
    trial = int(np.flatnonzero(sound.tiers == "train")[0])
    responses = lab["responses"].copy()
    responses[trial, slice(None) if "all" in kind else 0] = float(kind.split()[0])
    scan = next(iter(sensorium.from_arrays(lab["images"], responses, image_ids=lab["shown"]).values()))
    (found,) = [each for each in scan.omissions if each.pieces == "trials"]
    assert (found.rule, found.names) == ("not_finite", (str(trial),))
    assert any("taken as not measured" in note for note in scan.notes)
    others = np.arange(70) != trial
    assert all(
        np.corrcoef(scan.responses[others].T, sound.responses[others].T)[k, 12 + k] > 0.9999
        for k in range(12)
    )
    assert not any("taken as not measured" in note for note in sound.notes)


def test_movies_lose_the_repeats_of_a_spoilt_sample_and_of_frozen_traces(tmp_path: Path) -> None:
    lab = labs.movie()
    for change, lost in ((_spoil, 1), (_freeze, 4), (_blank, 2)):
        recording = read({**lab, "traces": change(lab["traces"])})
        assert len(unmeasured(recording)) == 1
        session = v1_transformer.from_recording(recording)
        assert len(session.cell_ids) == 11 and np.isnan(session.dff).any()
        made = digital_twin.from_recording(recording, tmp_path / change.__name__, size=(9, 16))
        (found,) = [each for each in made.omissions if each.pieces == "repeats"]
        assert (found.rule, len(found.names)) == ("not_finite", lost)
    assert not unmeasured(read(lab))


def _spoil(traces: np.ndarray) -> np.ndarray:
    found = traces.copy()
    found[215] = 1e9  # in the last stretch of the second repeat
    return found


def _freeze(traces: np.ndarray) -> np.ndarray:
    found = traces.copy()
    found[300:] = found[300]
    return found


def _blank(traces: np.ndarray) -> np.ndarray:
    found = traces.copy()
    found[300:450] = 0
    return found


def test_spikes_that_were_lost_for_a_minute_cost_the_trials_of_that_minute() -> None:
    lab = labs.probe()
    kept = (lab["spike_times"] < 80) | (lab["spike_times"] > 140)
    spikes = {name: lab[name][kept] for name in ("spike_times", "spike_units")}
    recording = read({**lab, **spikes})
    assert recording.spikes is not None and recording.spikes.gaps.shape == (1, 2)
    assert recording.spikes.gaps[0] == pytest.approx([80, 140], abs=0.2)
    onsets = lab["events_stimulus_time"]
    lost = np.flatnonzero((onsets + 2 > 80.2) & (onsets - 0.5 < 139.8))
    arrays = pupil_encoder.from_arrays(*spikes.values(), onsets)
    for found in (pupil_encoder.from_recording(recording), arrays):
        (trials,) = [each for each in found.omissions if each.pieces == "trials"]
        assert trials.rule == "outside_clock" and trials.names == tuple(map(str, lost))
    assert pupil_encoder.from_recording(read(lab)).omissions == ()


def test_a_few_units_or_seconds_may_be_still() -> None:
    values = np.random.default_rng(0).random((1000, 12))
    time = np.arange(1000) / 10
    few, short, held = values[:, :9].copy(), values.copy(), np.repeat(values[:50], 20, axis=0)
    few[100:400] = few[100]
    short[100:110] = short[100]
    for each in (values, few, short, held):
        assert not find_frozen(each, time).any()
    assert find_frozen(np.where(np.arange(1000)[:, None] // 300 == 1, values[300], values), time).sum() == 299


@pytest.mark.parametrize("rate", [0.02, 0.1, 20.0])
def test_silences_that_rates_allow_are_no_gaps(rate: float) -> None:
    random = np.random.default_rng(1)
    times = np.sort(random.random(int(1000 * rate * 12)) * 1000)
    spikes = Spikes(times, random.integers(0, 12, len(times)))
    notes: list[str] = []
    assert find_gaps(spikes, 12, notes) is spikes and not notes
    kept = np.abs(times - 500) > 30
    cut = find_gaps(Spikes(times[kept], spikes.unit_ids[kept]), 12, notes)
    assert len(cut.gaps) == len(notes) == (60 * rate * 12 >= SILENT)


@pytest.mark.parametrize("name", MICE)
def test_simulated_mice_lose_nothing(name: str, tmp_path: Path) -> None:
    recording = MICE[name](tmp_path).recording
    assert mask_unmeasured(recording) is recording


ARRAYS = {
    "park2024_v1_gratings/230803_mrcuts25_fov6_grat.npz": "dff",
    "park2024_v1_gratings/230809_mrcuts28_fov4_grat.npz": "dff",
    "park2024_v1_gratings/230803_mrcuts24_fov1_natural_movies.npz": "dff",
}


@pytest.mark.parametrize("file", ARRAYS)
def test_real_traces_lose_nothing(file: str, real_data: Path) -> None:
    with np.load(real_data / file) as held:
        values = np.moveaxis(held[ARRAYS[file]], 0, -1)
    values = np.ascontiguousarray(values.reshape(-1, values.shape[-1]))
    trace, notes = Trace(values, np.arange(len(values)) / 16), list[str]()
    assert mask_traces(trace, notes) is trace and not notes
    spoilt = values.copy()
    spoilt[7, 1] = 2 * FAR * np.abs(values).max()
    assert np.isnan(mask_traces(replace(trace, values=spoilt), notes).values).sum() == 1


def test_the_same_stretches_are_found_once() -> None:
    lab = labs.movie()
    once = read({**lab, "traces": _freeze(_spoil(lab["traces"]))})
    assert mask_unmeasured(once) is once and len(unmeasured(once)) == 2
    assert recordings.Recording is Recording


@pytest.mark.parametrize("write", [recordings.write_arrays, recordings.write_experanto])
def test_gaps_of_spikes_come_back_from_what_was_written(write, tmp_path: Path) -> None:
    """A gap that the file alone knows of: units fired in it, or are too few to tell."""
    recording = read(labs.probe())
    assert recording.spikes is not None
    gaps = np.array([[20.0, 30.5], [100.0, 101.0]])
    recording = replace(recording, spikes=replace(recording.spikes, gaps=gaps))
    write(recording, tmp_path / "mouse")
    found = recordings.read(tmp_path / "mouse")
    assert found.spikes is not None and found.spikes.gaps.tolist() == gaps.tolist()
    trials = pupil_encoder.from_recording(found).omissions[0]
    assert (trials.rule, trials.pieces) == ("outside_clock", "trials") and "4" in trials.names
