"""A recording's own checks: repeats are counted however frames are numbered, and arrays must fit."""

import numpy as np
import pytest

from neurokit.errors import DataError
from neurokit.recordings import Recording, Stimulus, Trials


def test_repeats_are_counted_however_far_apart_frames_are_numbered() -> None:
    shown = np.array([-1, 0, 10**15, 10**15, -1, -1])
    assert Stimulus("a", "movie", None, shown).repeats == 2
    assert Stimulus("a", "movie", None, np.array([-1, -1])).repeats == 0


def test_trials_in_bins_need_the_times_of_these() -> None:
    with pytest.raises(DataError, match="Trials have 4 bins and no times"):
        Trials(np.ones((3, 4, 2)))
    assert Trials(np.ones((3, 1, 2))).time is None


def test_negative_ids_are_refused() -> None:
    trials = Trials(np.ones((3, 1, 2)))
    with pytest.raises(DataError, match="a unit has the id -7; give whole numbers from 0"):
        Recording("own", "arrays", np.array([4, -7]), trials=trials)
