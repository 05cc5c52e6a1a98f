"""Exercises of the lessons, which check themselves.

    check("04.good_and_rest", good_and_rest)    # a function that the reader wrote
    check("04.expected_best", 0.43)             # a value or a word: a prediction

Every answer gets one sentence. Nothing is raised, so that a notebook with open exercises runs to its end.
"""

from neurokit.exercises.checking import Exercise, check, exercises, judge

__all__ = ["Exercise", "check", "exercises", "judge"]
