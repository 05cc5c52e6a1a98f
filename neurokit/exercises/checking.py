"""How an answer is judged: beside the right one, and beside wrong ones that are often given."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

LESSONS = {  # number of a lesson, and the module with its exercises
    "00": "start_here",
    "01": "data_download",
    "02": "feature_engineering",
    "03": "training",
    "04": "tpe_tuning",
    "05": "integrated_gradients",
    "06": "natural_images",
    "07": "ensemble_submission",
    "08": "v1_transformer",
    "09": "digital_twin",
    "10": "own_recording",
}
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Exercise:
    """What is asked for, and what is said of each kind of answer.

    An exercise with `inputs` asks for a function, which is called with each of them; `right` and the answers
    in `wrong` are functions of the same inputs. One without asks for a value, and these are values. Each
    wrong answer has a sentence that names the misconception.
    """

    right: Any
    wrong: tuple[tuple[Any, str], ...]
    praise: str
    inputs: tuple[tuple[Any, ...], ...] = ()
    choices: tuple[Any, ...] = ()  # of a prediction

    def of(self, answer: Any) -> list[Any]:
        """What an answer says: itself, or what the function returns for each of the inputs."""
        if not self.inputs:
            return [answer]
        return [answer(*deepcopy(arguments)) for arguments in self.inputs]


def check(name: str, answer: Any) -> None:
    """Prints one sentence on the answer to the exercise `name` ('04.good_and_rest'). Never raises."""
    print(judge(name, answer))


def judge(name: str, answer: Any) -> str:
    """The sentence that `check` prints."""
    found = exercises(str(name)[:2])
    if str(name) not in found:
        return f"There is no exercise {name!r} here: {', '.join(found) or 'this lesson has none'}."
    exercise = found[str(name)]
    open_still = f"{name} is still open: put your answer in the place of `...`."
    if answer is ...:
        return open_still
    if exercise.inputs and not callable(answer):
        return (
            f"{name} asks for the function itself, without brackets; this is of type {type(answer).__name__}."
        )
    try:
        given = exercise.of(answer)
    except Exception as error:  # whatever a reader's code may raise
        return f"The function stopped with {type(error).__name__}: {error}."
    if all(value is ... or value is None for value in given):
        return open_still
    return _sentence(exercise, given)


def exercises(lesson: str) -> dict[str, Exercise]:
    """The exercises of a lesson ('04'), by name; none for a lesson without."""
    if lesson not in LESSONS:
        return {}
    found: dict[str, Exercise] = import_module(f"neurokit.exercises.{LESSONS[lesson]}").EXERCISES
    return found


def _sentence(exercise: Exercise, given: list[Any]) -> str:
    wanted = exercise.of(exercise.right)
    if exercise.choices and all(isinstance(choice, str) for choice in exercise.choices):
        given = [f"{each:g}" if isinstance(each, int | float) else each for each in given]  # 1 stands for "1"
    if _same(given, wanted):
        return f"Right. {exercise.praise}"
    for wrong, said in exercise.wrong:
        if _same(given, exercise.of(wrong)):
            return f"Not yet: {said}"
    if exercise.choices:
        return f"Choose one of {', '.join(map(repr, exercise.choices))}."
    return f"Not yet: {_difference(given, wanted)}"


def _same(given: Any, wanted: Any) -> bool:
    """Whether two answers agree to rounding, in shape and values; lists and tuples part by part."""
    if isinstance(wanted, list | tuple):
        if not isinstance(given, list | tuple | np.ndarray) or len(given) != len(wanted):
            return False
        return all(_same(*pair) for pair in zip(given, wanted, strict=True))
    if isinstance(wanted, str | bool):
        return isinstance(given, type(wanted)) and given == wanted
    mine, asked = _array(given), _array(wanted)
    if mine is None or asked is None or mine.shape != asked.shape:
        return False
    return bool(np.allclose(mine, asked, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True))


def _difference(given: list[Any], wanted: list[Any]) -> str:
    """In what a wrong answer of unknown kind differs, first in its parts, then in shape, then in values."""
    for mine, asked in zip(given, wanted, strict=True):
        if isinstance(asked, tuple) and not (isinstance(mine, tuple | list) and len(mine) == len(asked)):
            return f"{len(asked)} things are to be returned, with a comma between them."
        pairs = zip(mine, asked, strict=True) if isinstance(asked, tuple) else [(mine, asked)]
        for one, other in pairs:
            shape = _shape_difference(one, other)
            if shape:
                return shape
    return "the shape is right, the values are not."


def _shape_difference(given: Any, wanted: Any) -> str:
    mine, asked = _array(given), _array(wanted)
    if asked is None:
        return ""
    if mine is None:
        return f"numbers are asked for, and this is of type {type(given).__name__}."
    if mine.shape != asked.shape:
        return f"an answer of shape {asked.shape} is asked for, and this has {mine.shape}."
    return ""


def _array(value: Any) -> np.ndarray | None:
    """The value as numbers, of a tensor too; None where it holds none."""
    try:
        detached: Callable[[], Any] | None = getattr(value, "detach", None)
        array = np.asarray(detached() if callable(detached) else value)
        return array.astype(float) if array.dtype.kind in "biuf" else None
    except (TypeError, ValueError, RuntimeError):
        return None
