"""What is there twice: units and spikes, found, left out and counted; sound ones stay as they are."""

from pathlib import Path

import numpy as np
import pytest

from neurokit import pupil_encoder, v1_transformer
from neurokit.errors import DataError
from neurokit.recordings import Spikes, read
from neurokit.recordings.arrays_writing import write_arrays
from neurokit.recordings.copies import find_copies, find_second_spikes
from neurokit.recordings.experanto_writing import write_experanto
from neurokit.recordings.recording import Recording
from tests.recordings import sessions

RANDOM = np.random.default_rng(0)


def test_units_with_the_values_of_another_are_found_however_sparse() -> None:
    traces = RANDOM.normal(size=(6, 3000)).astype(np.float32)
    traces[4] = traces[1]
    traces[5] = traces[0]
    traces[5, 2999] += 1e-3  # not to the bit
    assert np.flatnonzero(find_copies(traces)).tolist() == [4]
    assert np.flatnonzero(find_copies(np.asfortranarray(traces))).tolist() == [4]
    counts = RANDOM.poisson(0.002, (300, 50, 200)).astype(np.uint8)  # most samples of most are 0
    assert not find_copies(counts.reshape(300, -1)).any()
    counts[200] = counts[3]
    assert np.flatnonzero(find_copies(counts, counts.sum(axis=2))).tolist() == [200]
    assert np.flatnonzero(find_copies(counts.reshape(300, -1))).tolist() == [200]


def test_silent_constant_and_hardly_active_units_are_no_copies() -> None:
    values = np.zeros((8, 500))
    values[2:4] = 3.0
    values[4:6, 17] = 1
    values[6:, 20:30] = np.arange(10) + 1.0
    assert np.flatnonzero(find_copies(values)).tolist() == [7]


def test_nan_at_the_same_places_is_the_same() -> None:
    values = RANDOM.normal(size=(3, 400))
    values[:, 30:40] = np.nan
    values[2] = values[0]
    assert np.flatnonzero(find_copies(values)).tolist() == [2]


def test_the_second_of_two_spikes_at_one_time_is_found() -> None:
    times = np.sort(RANDOM.uniform(0, 100, 1000))
    units = RANDOM.integers(0, 5, 1000)
    assert not find_second_spikes(times, units, "spikes").any()
    times[501], units[501] = times[500], units[500]
    times[701], units[700], units[701] = times[700], 1, 2  # of two units
    assert np.flatnonzero(find_second_spikes(times, units, "spikes")).tolist() == [501]
    rounded = np.round(times, 3)
    assert (np.diff(rounded) == 0).any() and not find_second_spikes(rounded, units, "spikes").any()


@pytest.mark.parametrize("decimals", [9, 3])
def test_a_file_that_was_joined_with_itself_is_refused(decimals: int) -> None:
    times, units = np.round(np.sort(RANDOM.uniform(0, 100, 1000)), decimals), RANDOM.integers(0, 5, 1000)
    says = r"spike_times: 1,00. of 2,000 spikes are there twice, such as that of unit \d at .* s; give each"
    with pytest.raises(DataError, match=says):
        find_second_spikes(np.repeat(times, 2), np.repeat(units, 2), "spike_times")


def with_second(spikes: Spikes, number: int) -> Spikes:
    """The same with its first spikes there twice."""
    first = np.arange(len(spikes.times)) < number
    return Spikes(np.repeat(spikes.times, 1 + first), np.repeat(spikes.unit_ids, 1 + first))


@pytest.mark.parametrize("write", [write_arrays, write_experanto])
def test_readers_leave_the_second_spike_out_and_say_how_many(write, tmp_path: Path) -> None:
    sound = sessions.neuropixels()
    assert sound.spikes is not None
    doubled = Recording(
        sound.name, "a test", sound.unit_ids, spikes=with_second(sound.spikes, 20), stimuli=sound.stimuli
    )
    found, untouched = read(write(doubled, tmp_path / "doubled")), read(write(sound, tmp_path / "sound"))
    assert sum("20 of 3020 spikes" in note and "left out" in note for note in found.notes) == 1
    assert not any("the time of another spike" in note for note in untouched.notes)
    for each in (found, untouched):
        assert each.spikes is not None
        np.testing.assert_array_equal(each.spikes.times, sound.spikes.times)
        np.testing.assert_array_equal(each.spikes.unit_ids, sound.spikes.unit_ids)


def test_spikes_that_are_given_twice_are_left_out_of_trials_by_name() -> None:
    times, units = np.sort(RANDOM.uniform(0, 120, 3000)), RANDOM.integers(0, 6, 3000)
    onsets = np.arange(3.0, 110, 4)
    sound = pupil_encoder.from_arrays(times, units, onsets)
    found = pupil_encoder.from_arrays(np.r_[times, times[:7]], np.r_[units, units[:7]], onsets)
    assert sound.omissions == ()
    np.testing.assert_array_equal(found.spikes, sound.spikes)
    (omission,) = found.omissions
    assert (omission.rule, omission.pieces, omission.number) == ("doubled", "spikes", 3007)
    assert len(omission.names) == 7 and omission.names[0] == f"unit {units[0]} at {times[0]:.6g} s"


def test_a_cell_that_is_there_twice_is_left_out_of_a_session_of_movies() -> None:
    time = np.arange(1200) / 30
    traces = RANDOM.random((1200, 5)).astype(np.float32)
    movie = RANDOM.integers(0, 255, (60, 8, 10)).astype(np.uint8)
    onsets = 1 + np.arange(3)[:, None] * 12 + np.arange(60) / 10
    sound = v1_transformer.from_arrays(movie, traces, time, frame_times=onsets)
    found = v1_transformer.from_arrays(movie, np.c_[traces, traces[:, 2]], time, frame_times=onsets)
    assert [(each.rule, each.pieces, each.names) for each in found.omissions] == [
        ("doubled", "units", ("5",))
    ]
    assert sound.omissions == () and found.cell_ids.tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(found.dff, sound.dff)
