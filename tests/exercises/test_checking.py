"""Answers to exercises: one sentence each, right ones and wrong ones told apart, nothing raised."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from neurokit.exercises import Exercise, check, exercises, judge
from neurokit.exercises.checking import LESSONS

ALL = {name: exercise for lesson in LESSONS for name, exercise in exercises(lesson).items()}


def unanswered(*_: Any) -> None:
    """What an exercise holds before it is done."""
    ...


def failing(*_: Any) -> None:
    raise ZeroDivisionError("division by zero")


@pytest.mark.parametrize("name", ALL)
def test_an_open_exercise_is_no_answer(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    blank = unanswered if ALL[name].inputs else ...
    check(name, blank)
    printed = capsys.readouterr().out
    assert printed == f"{name} is still open: put your answer in the place of `...`.\n"


@pytest.mark.parametrize("name", ALL)
def test_the_right_answer_is_told_from_every_wrong_one(name: str) -> None:
    exercise = ALL[name]
    assert judge(name, exercise.right) == f"Right. {exercise.praise}"
    said = [judge(name, wrong) for wrong, _ in exercise.wrong]
    assert said == [f"Not yet: {sentence}" for _, sentence in exercise.wrong]
    assert len(said) >= 3


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    "answer", [failing, "word", None, 7, np.zeros((2, 3)), lambda: 1, [1, "a"], object()]
)
def test_whatever_is_given_gets_one_sentence(name: str, answer: Any) -> None:
    said = judge(name, answer)
    assert not said.startswith("Right") and "\n" not in said and said.endswith(".")


@pytest.mark.parametrize("name", ["04.nothing", "99.x", ""])
def test_an_exercise_that_does_not_exist_is_said(name: str) -> None:
    assert judge(name, 1).startswith("There is no exercise")


def test_a_number_stands_for_the_word_that_names_it() -> None:
    assert judge("09.poisson", 1).startswith("Right") and judge("09.poisson", 1.0).startswith("Right")
    assert judge("09.poisson", 0).startswith("Not yet: this loss is no distance")
    assert judge("09.memory", 1).startswith("09.memory asks for the function itself")


TWO = Exercise(
    right=lambda x: (x.sum(), x * 2),
    wrong=((lambda x: (0, x), "wrong."),),
    praise="Good.",
    inputs=((np.arange(3),),),
)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda x: x.sum(), "2 things are to be returned"),
        (lambda x: (x.sum(), x[:2]), r"shape (3,) is asked for, and this has (2,)"),
        (lambda x: (x.sum(), "abc"), "numbers are asked for, and this is of type str"),
        (lambda x: (x.sum(), x * 3), "the shape is right, the values are not"),
    ],
)
def test_an_unknown_wrong_answer_is_described(
    answer: Callable[..., Any], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neurokit.exercises.checking.exercises", lambda lesson: {"00.two": TWO})
    assert says in judge("00.two", answer)


def test_tensors_lists_and_a_function_that_changes_its_input_are_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("neurokit.exercises.checking.exercises", lambda lesson: {"00.two": TWO})

    def in_place(x: np.ndarray) -> tuple[Any, ...]:
        total = x.sum()
        x *= 2
        return total, torch.as_tensor(x)

    assert judge("00.two", in_place) == "Right. Good."
    assert judge("00.two", lambda x: [float(x.sum()), (x * 2).tolist()]) == "Right. Good."
    assert TWO.inputs[0][0].tolist() == [0, 1, 2]
