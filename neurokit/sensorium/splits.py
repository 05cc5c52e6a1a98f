"""Which trials each member of an ensemble trains on, and which may score the ensemble.

The splits are those of the SENSORIUM 2022 entry "Model 4": per scan, the labels train and validation are
dealt anew over the trials that hold them, once for each member; test and final_test stay. Nearly every
validation trial of one member thus trained another, so only the test tiers can score an ensemble.

Letters: M members, T trials of a scan in file order; tiers are words.
"""

import numpy as np
from jaxtyping import Int

from neurokit.errors import DataError
from neurokit.sensorium.history import KNOWN_TIERS, known_trials

MEMBERS = 5
SEED = 35382  # that entry's


def ensemble_tiers(tiers: np.ndarray, members: int = MEMBERS, seed: int = SEED) -> np.ndarray:
    """Tiers M T: row m is member m's. Each scan starts from the same seed.

    The sizes of train and validation stay. Numpy's legacy generator is used because its
    permutations are those of the published splits. Raises DataError for fewer than one member and
    for a scan without train or without validation trials.
    """
    _check(tiers, members)
    random = np.random.RandomState(seed)
    dealt = np.tile(tiers, (members, 1))
    known = known_trials(tiers)
    for row in dealt:
        row[known] = random.permutation(tiers[known])
    return dealt


def held_out(member_tiers: np.ndarray) -> Int[np.ndarray, "K"]:
    """File indices, ascending, of the trials that no member of M T trained on or chose its epoch by."""
    return np.flatnonzero(~known_trials(member_tiers).any(0))


def check_held_out(member_tiers: np.ndarray, trials: Int[np.ndarray, "B"]) -> None:
    """Raises DataError where one of the trials (file indices) to score was used by any member."""
    used = np.asarray(trials)[~np.isin(trials, held_out(member_tiers))]
    if used.size:
        finding = (
            f"{used.size} of {len(trials)} trials to score (file index {used[0]} first) trained a member"
        )
        raise DataError(f"{finding} or chose its epoch; score the ensemble on the test tiers only.")


def _check(tiers: np.ndarray, members: int) -> None:
    if members < 1:
        raise DataError(f"members is {members}; an ensemble has at least one.")
    missing = [tier for tier in KNOWN_TIERS if tier not in tiers]
    if missing:
        finding = f"The scan has no {' and no '.join(missing)} trials"
        raise DataError(f"{finding}; there is nothing to deal over the members, so give it both tiers.")
