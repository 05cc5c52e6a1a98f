"""Diagnoses of two real recordings beside what their curators have found in them by other means."""

from pathlib import Path

import numpy as np
import pytest

from neurokit.cutouts import path_of
from neurokit.recordings import Recording, Trials, diagnose


@pytest.mark.parametrize(("area", "published"), [("VISp", 0.91), ("LGd", 0.89), ("CA1", 0.11)])
def test_reliability_of_natural_movie_one(real_data: Path, area: str, published: float) -> None:
    """The median split-half correlation, uncorrected, that stands beside the file."""
    path = real_data / "allen_neuropixels_natural_movie_one" / "session_791319847_natural_movie_one_1s.npz"
    with np.load(path) as held:
        chosen = held["unit_area"].astype(str) == area
        counts = held["spike_counts"][chosen].transpose(1, 2, 0)
    trials = Trials(counts, np.arange(30) + 0.5, counts=True)
    found = diagnose(Recording("791319847", "npz", np.arange(chosen.sum()), trials=trials)).reliability
    assert found is not None and (found.repeats, found.contents) == (20, 30)
    halves = found.split_half / (2 - found.split_half)  # before the correction to all repeats
    assert np.median(halves) == pytest.approx(published, abs=0.05)


def test_a_random_split_flatters_the_ibl_session() -> None:
    """With ridge and eight folds, 0.40 was found for LGd in random folds and 0.17 in blocked ones."""
    with np.load(path_of("ibl")) as held:
        counts = held["counts_LGd"][:422, None]
    recording = Recording("NYU-11", "npz", np.arange(counts.shape[2]), trials=Trials(counts, counts=True))
    found = diagnose(recording).drift
    assert found is not None
    assert found.mean_random == pytest.approx(0.40, abs=0.05)
    assert found.mean_blocked < 0.2
