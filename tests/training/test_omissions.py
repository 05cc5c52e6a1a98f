"""What is left out of a recording: by which rule, how many, and said in a line."""

import numpy as np
import pytest

from neurokit.errors import DataError
from neurokit.training.omissions import Omission, describe_omissions, leave_out


def test_omission_says_how_many_which_and_why() -> None:
    bad = np.array([False, True, False, True])
    (found,) = leave_out(bad, np.array([11, 12, 13, 14]), "constant", "units", "mouse")
    assert (found.names, found.number) == (("12", "14"), 4)
    assert str(found) == "mouse: 2 of 4 units left out (values never change): 12, 14"


def test_sound_pieces_leave_nothing_out() -> None:
    assert leave_out(np.zeros(3, bool), ["a", "b", "c"], "not_finite", "trials") == ()
    assert describe_omissions(()) == ""


def test_recording_of_which_nothing_is_left_is_refused() -> None:
    with pytest.raises(DataError, match="all 2 test trials"):
        leave_out(np.ones(2, bool), ["a", "b"], "not_finite", "trials", part="test")


def test_long_lists_are_cut_in_the_line_and_whole_in_json() -> None:
    bad = np.arange(100) < 40
    (found,) = leave_out(bad, range(100), "not_finite", "trials")
    assert str(found).endswith("11 and 28 more")
    assert found.to_dict()["names"] == [str(number) for number in range(40)]


def test_rule_is_one_with_a_reason() -> None:
    with pytest.raises(DataError, match="no rule"):
        Omission("because", "units", ("1",), 2)
