"""Answers to exercises: one sentence each, right ones and wrong ones told apart, nothing raised."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from neurokit.exercises import Exercise, check, exercises, judge
from neurokit.exercises.checking import LESSONS, unordered

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
        (lambda x: x.sum(), "return 2 things"),
        (lambda x: (x.sum(), x[:2]), r"should have the shape (3,), and this has (2,)"),
        (lambda x: (x.sum(), "abc"), "should hold numbers; this is of type str"),
        (lambda x: (x.sum(), x * 3), "the shape is right, but the values are not"),
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
    assert (
        judge("00.two", lambda x: (x.sum(), torch.tensor(2.0 * x, requires_grad=True) * 1)) == "Right. Good."
    )


def without_return(x: np.ndarray) -> None:
    x.sum()


def at_times(x: np.ndarray) -> Any:
    return (x.sum(), x * 2) if x.sum() > 3 else None


def half_done(x: np.ndarray) -> Any:
    total: Any = ...
    return total, x * 2


def stopped_by_dots(x: np.ndarray) -> Any:
    number: Any = ...
    return x.sum(), x[:number] * 2


def indexed_by_dots(x: np.ndarray) -> Any:
    return x[..., 0], x[..., 5]


SAID = [
    (without_return, "Your function returns nothing: end it with `return` and the result."),
    (lambda x: None, "00.two is still open: put your answer in the place of `...`."),
    (at_times, "Your function returns nothing for some inputs: every way through it needs a `return`."),
    (half_done, "`...` still stands in your function: put your code in its place."),
    (stopped_by_dots, "`...` still stands in your function: put your code in its place."),
    (
        indexed_by_dots,
        "Your function stopped with IndexError: index 5 is out of bounds for axis 0 with size 3.",
    ),
    (failing, "Your function stopped with ZeroDivisionError: division by zero."),
]


@pytest.mark.parametrize(("answer", "says"), SAID)
def test_a_function_that_returns_nothing_or_stops_is_told_so(
    answer: Callable[..., Any], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    twice = replace(TWO, inputs=((np.arange(3),), (np.arange(4),)))
    monkeypatch.setattr("neurokit.exercises.checking.exercises", lambda lesson: {"00.two": twice})
    assert judge("00.two", answer) == says


def test_an_error_of_several_lines_is_one_sentence() -> None:
    def several(*_: Any) -> None:
        raise ValueError("first\n  second.")

    assert judge("04.next_point", several) == "Your function stopped with ValueError: first second."


def test_a_function_that_fills_the_same_array_each_time_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    once = Exercise(right=lambda x: x + 1, wrong=(), praise="Good.", inputs=((np.zeros(2),), (np.ones(2),)))
    monkeypatch.setattr("neurokit.exercises.checking.exercises", lambda lesson: {"00.one": once})
    filled = np.empty(2)

    def reuse(x: np.ndarray) -> np.ndarray:
        filled[:] = x + 1
        return filled

    assert judge("00.one", reuse) == "Right. Good."
    assert filled.tolist() == [2, 2]


def test_an_answer_in_single_precision_is_right() -> None:
    right = ALL["05.integrate"].right
    assert judge("05.integrate", lambda *given: np.float32(right(*given))).startswith("Right")


def test_a_value_is_left_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    free = Exercise(right=(np.arange(3),), wrong=(), praise="Good.", compared=unordered)
    monkeypatch.setattr("neurokit.exercises.checking.exercises", lambda lesson: {"00.free": free})
    mine = (np.array([2, 0, 1]),)
    assert judge("00.free", mine) == "Right. Good."
    assert mine[0].tolist() == [2, 0, 1]


@pytest.mark.parametrize("name", ["04.good_and_rest", "10.split_by_image"])
def test_the_order_inside_a_part_is_free(name: str) -> None:
    right = ALL[name].right
    assert judge(name, lambda *given: tuple(part[::-1] for part in right(*given))).startswith("Right")
    assert judge(name, lambda *given: right(*given)[::-1]).startswith("Not yet")


SEVERAL = [name for name, exercise in ALL.items() if exercise.inputs and name[:2] in {"03", "04", "05", "10"}]


@pytest.mark.parametrize("name", SEVERAL)
def test_a_value_written_down_is_not_taken_for_a_function(name: str) -> None:
    exercise = ALL[name]
    values = exercise.of(exercise.right)
    assert len(values) >= 2
    for value in values:
        assert judge(name, lambda *_, value=value: value).startswith("Not yet")


def with_corrcoef(measured: np.ndarray, answers: np.ndarray) -> Any:
    cells = measured.shape[1]
    similar = np.corrcoef(measured.T, answers.T)[:cells, cells:]
    return similar.argmax(axis=1) == np.arange(cells)


def with_scores(measured: np.ndarray, answers: np.ndarray) -> Any:
    one, two = ((each - each.mean(axis=0)) / each.std(axis=0) for each in (measured, answers))
    return (one.T @ two).argmax(axis=1) == np.arange(measured.shape[1])


def with_loops(measured: np.ndarray, answers: np.ndarray) -> Any:
    best = []
    for own in measured.T:
        best.append(np.argmax([np.corrcoef(own, answer)[0, 1] for answer in answers.T]))
    return [number == place for place, number in enumerate(best)]


@pytest.mark.parametrize("answer", [with_corrcoef, with_scores, with_loops])
def test_every_way_to_correlate_is_right(answer: Callable[..., Any]) -> None:
    assert judge("09.believe", answer).startswith("Right")
