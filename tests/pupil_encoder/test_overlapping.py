"""Trials that overlap in time stay in one part, and no bin of a part is a bin of another."""

import numpy as np
import pytest

from neurokit.errors import DataError
from neurokit.pupil_encoder import PupilConfig, from_arrays
from neurokit.pupil_encoder.experiment import omissions, task
from neurokit.pupil_encoder.features import Split, split_trials
from neurokit.pupil_encoder.overlapping import split_recording
from neurokit.pupil_encoder.recording import TrialRecording
from tests import labs

PARTS = ("train", "validation", "test")


def record(onsets: np.ndarray, window: tuple[float, float] = (-0.5, 2.0)) -> TrialRecording:
    lab = labs.probe()
    behaviour = {"pupil_size": (lab["pupil_size"], lab["pupil_times"])}
    spikes = lab["spike_times"], lab["spike_units"]
    return from_arrays(*spikes, onsets, regions=lab["area"], behaviour=behaviour, window=window)


def bins(recording: TrialRecording, trials: np.ndarray) -> set[int]:
    """Those of the session that lie in these trials."""
    onsets = recording.trials["stimulus_time"].to_numpy()[trials]
    return set(np.round((onsets[:, None] + recording.time) / recording.bin_size).astype(int).ravel().tolist())


def shared(recording: TrialRecording, split: Split) -> int:
    of_parts = [bins(recording, getattr(split, part)) for part in PARTS]
    return sum(len(each) for each in of_parts) - len(set.union(*of_parts))


@pytest.mark.parametrize("kind", ["random", "blocked"])
@pytest.mark.parametrize("seed", range(3))
def test_trials_a_second_apart_share_no_bin_between_parts(kind, seed: int) -> None:
    recording = record(3 + np.arange(200.0))
    plain = split_trials(200, seed=seed, kind="random")
    assert shared(recording, plain) > 0.5 * len(bins(recording, plain.test))  # what would leak
    split, left_out = split_recording(recording, seed=seed, kind=kind)
    assert shared(recording, split) == 0
    dropped = sum(len(each.names) for each in left_out)
    assert sum(len(getattr(split, part)) for part in PARTS) == 200 - dropped
    assert 0 < dropped <= 4 * 9 and {each.rule for each in left_out} == {"overlapping"}


def test_pairs_that_overlap_stay_together_and_none_is_left_out() -> None:
    onsets = np.sort(np.concatenate([5 + 6 * np.arange(40.0), 6 + 6 * np.arange(40.0)]))[::-1]
    recording = record(onsets)
    split, left_out = split_recording(recording, seed=0)
    assert left_out == () and shared(recording, split) == 0
    assert [len(getattr(split, part)) for part in PARTS] == [48, 16, 16]


@pytest.mark.parametrize("kind", ["random", "blocked"])
def test_trials_that_do_not_overlap_are_split_as_before(kind) -> None:
    for onsets in (3 + 4 * np.arange(60.0), 3 + 2.5 * np.arange(90.0)):
        recording = record(onsets)
        split, left_out = split_recording(recording, seed=1, kind=kind)
        wanted = split_trials(len(onsets), seed=1, kind=kind)
        assert left_out == ()
        assert all(np.array_equal(getattr(split, part), getattr(wanted, part)) for part in PARTS)


def test_a_task_says_who_overlaps_and_a_window_that_all_share_is_refused() -> None:
    made = task(record(3 + np.arange(200.0)), PupilConfig())
    (train, *_) = [each for each in omissions(made) if each.rule == "overlapping"]
    assert "train trials left out (they share time with trials of another part)" in str(train)
    assert set(map(int, train.names)).isdisjoint(made.split.train.tolist())
    with pytest.raises(DataError, match="every train trial overlaps one of another part"):
        split_recording(record(100 + 0.05 * np.arange(60.0), (0.0, 20.0)), seed=0)
