"""Splits of the ensemble's members, and which trials may score them."""

from itertools import combinations

import numpy as np
import pytest

from neurokit.errors import DataError
from neurokit.sensorium.history import known_trials
from neurokit.sensorium.splits import check_held_out, ensemble_tiers, held_out


@pytest.fixture
def tiers() -> np.ndarray:
    sizes = {"train": 90, "validation": 20, "test": 25, "final_test": 15}
    return np.random.default_rng(1).permutation(np.repeat(list(sizes), list(sizes.values())))


def test_sizes_stay_and_test_tiers_untouched(tiers: np.ndarray) -> None:
    test = ~known_trials(tiers)
    for member in ensemble_tiers(tiers):
        assert sorted(member) == sorted(tiers)
        assert (member[test] == tiers[test]).all()


def test_every_member_has_a_split_of_its_own(tiers: np.ndarray) -> None:
    members = ensemble_tiers(tiers, members=7)
    for one, other in combinations([tiers, *members], 2):
        shared = ((one == "validation") & (other == "validation")).sum()
        assert shared < 12  # 20 of 110 drawn twice share 3.6 on average


def test_the_seed_decides(tiers: np.ndarray) -> None:
    before = tiers.copy()
    first = ensemble_tiers(tiers, seed=3)
    assert (ensemble_tiers(tiers, seed=3) == first).all()
    assert (ensemble_tiers(tiers, seed=4) != first).any()
    assert (ensemble_tiers(tiers, members=2, seed=3) == first[:2]).all()
    assert (tiers == before).all()


def test_every_known_trial_can_be_a_validation_trial(tiers: np.ndarray) -> None:
    """None of 60 deals reaches it with a chance of (90/110)^60, 6e-6."""
    ever = (ensemble_tiers(tiers, members=60) == "validation").any(0)
    assert (ever == known_trials(tiers)).all()


def test_only_test_trials_score_the_ensemble(tiers: np.ndarray) -> None:
    members = ensemble_tiers(tiers)
    trials = held_out(members)
    assert set(tiers[trials]) == {"test", "final_test"} and len(trials) == 40
    check_held_out(members, trials)
    check_held_out(members, np.flatnonzero(tiers == "test"))


@pytest.mark.parametrize("tier", ["train", "validation"])
def test_other_trials_are_refused(tiers: np.ndarray, tier: str) -> None:
    members = ensemble_tiers(tiers)
    used = np.flatnonzero(tiers == tier)
    with pytest.raises(DataError, match=f"{len(used)} of {len(used)} trials to score"):
        check_held_out(members, used)
    with pytest.raises(DataError, match=rf"1 of 41 trials to score \(file index {used[0]} first\)"):
        check_held_out(members, np.append(held_out(members), used[0]))


def test_a_validation_trial_of_the_first_member_trained_others(tiers: np.ndarray) -> None:
    """Why the validation score of the whole ensemble says little."""
    members = ensemble_tiers(tiers)
    validation = members[0] == "validation"
    assert (members[1:, validation] == "train").any(0).mean() > 0.9


def test_bad_input(tiers: np.ndarray) -> None:
    with pytest.raises(DataError, match="members is 0"):
        ensemble_tiers(tiers, members=0)
    with pytest.raises(DataError, match="has no validation trials"):
        ensemble_tiers(tiers[tiers != "validation"])
