"""Lesson 02: trials that only touch may stay, and numbers written by hand are no answer."""

import numpy as np

from neurokit.exercises import judge
from neurokit.exercises.feature_engineering import AREA, LEVEL, STARTS, TEST, TRAIN


def test_trials_that_only_touch_may_stay() -> None:
    def may_stay(
        train: np.ndarray, test: np.ndarray, starts: np.ndarray, length: float, strict: bool
    ) -> list[int]:
        apart = [min(abs(starts[one] - starts[other]) for other in test) for one in train]
        far = [gap > length if strict else gap >= length for gap in apart]
        return [int(one) for one, keep in zip(train, far, strict=True) if keep]

    assert judge("02.may_stay", lambda *given: may_stay(*given, strict=False)).startswith("Right. ")
    assert "use `>=`" in judge("02.may_stay", lambda *given: may_stay(*given, strict=True))


def test_a_result_that_is_written_by_hand_is_not() -> None:
    lag = 2
    known = np.abs(AREA[lag:] - AREA[:-lag]) > LEVEL[lag:] / 2
    assert judge("02.jumps", lambda area, level, lag: known).startswith("Not yet")
    far = np.abs(STARTS[TRAIN][:, None] - STARTS[TEST]).min(axis=1) >= 2.5
    assert judge("02.may_stay", lambda *given: TRAIN[far]).startswith("Not yet")


def test_a_number_in_quotation_marks_is_told_so() -> None:
    assert "without quotation marks" in judge("02.blind", "0.9")
    assert judge("02.blind", 0.9).startswith("Right. ")
