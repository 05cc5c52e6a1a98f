"""How an answer is judged: against the right one, and against wrong ones that are often given."""

import dis
import warnings
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from importlib import import_module
from itertools import pairwise
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
TOLERANCE, SINGLE = 1e-6, 1e-4  # relative; of answers in single precision
DOTS = "`...` still stands in your function: put your code in its place."
EMPTY = {"RESUME", "NOP", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE"}  # operations of a body without code


@dataclass(frozen=True)
class Exercise:
    """The right answer, wrong ones that are often given, and the sentence for each.

    An exercise with `inputs` asks for a function, which is called with a copy of each of them; `right` and
    the answers in `wrong` are functions of the same inputs. One without asks for a value, and these are
    values. Each wrong answer has a sentence that names the misconception. Where the form of an answer is
    free, `compared` says what of it counts.
    """

    right: Any
    wrong: tuple[tuple[Any, str], ...]
    praise: str
    inputs: tuple[tuple[Any, ...], ...] = ()
    choices: tuple[Any, ...] = ()  # of a prediction
    compared: Callable[[Any], Any] | None = None

    def of(self, answer: Any) -> list[Any]:
        """What an answer says: itself, or what the function returns for each of the inputs."""
        if not self.inputs:
            return [answer]
        return [_copied(answer(*deepcopy(arguments))) for arguments in self.inputs]


def unordered(answer: Any) -> Any:
    """For `compared`: the parts of an answer, each sorted, so that the order inside a part is free."""
    return tuple(np.sort(part) for part in answer)


def check(name: str, answer: Any) -> None:
    """Prints one sentence on the answer to the exercise `name` ('04.good_and_rest'). Never raises."""
    print(judge(name, answer))


def judge(name: str, answer: Any) -> str:
    """The sentence that `check` prints."""
    found = exercises(str(name)[:2])
    if str(name) not in found:
        return f"There is no exercise {name!r} here: {', '.join(found) or 'this lesson has none'}."
    exercise = found[str(name)]
    if answer is ...:
        return _open(name)
    if not exercise.inputs:
        return _sentence(exercise, [answer])
    if not callable(answer):
        return (
            f"{name} asks for the function itself, without brackets; this is of type {type(answer).__name__}."
        )
    try:
        given = exercise.of(answer)
    except Exception as error:  # whatever a reader's code may raise
        return DOTS if _keeps_dots(answer) else _stopped(error)
    return _missing(name, answer, given) or _sentence(exercise, given)


def exercises(lesson: str) -> dict[str, Exercise]:
    """The exercises of a lesson ('04'), by name; none for a lesson without."""
    if lesson not in LESSONS:
        return {}
    found: dict[str, Exercise] = import_module(f"neurokit.exercises.{LESSONS[lesson]}").EXERCISES
    return found


def _open(name: str) -> str:
    return f"{name} is still open: put your answer in the place of `...`."


def _stopped(error: Exception) -> str:
    said = " ".join(str(error).split()).rstrip(".")
    return f"Your function stopped with {type(error).__name__}{': ' if said else ''}{said}."


def _missing(name: str, answer: Any, given: list[Any]) -> str:
    """What is to be said of a function that returns nothing, or `...`; empty for all others."""
    if all(value is ... or value is None for value in given) and _operations(answer) <= EMPTY:
        return _open(name)
    if any(
        value is ... or (isinstance(value, tuple) and any(part is ... for part in value)) for value in given
    ):
        return DOTS
    if all(value is None for value in given):
        return "Your function returns nothing: end it with `return` and the result."
    if any(value is None for value in given):
        return "Your function returns nothing for some inputs: every way through it needs a `return`."
    return ""


def _steps(answer: Any) -> list[dis.Instruction]:
    code = getattr(answer, "__code__", None)
    return list(dis.get_instructions(code)) if code else []


def _operations(answer: Any) -> set[str]:
    """Names of the operations of a function; one that is not written in Python has an unknown one."""
    return {step.opname for step in _steps(answer)} or {"unknown"}


def _keeps_dots(answer: Any) -> bool:
    """Whether `...` stands for a value in the function: not where it is an index of an array."""
    kept = ("STORE_FAST", "STORE_DEREF", "RETURN_VALUE")
    return any(one.argval is ... and two.opname in kept for one, two in pairwise(_steps(answer)))


def _copied(value: Any) -> Any:
    """A copy that later calls cannot change; the value itself where it cannot be copied."""
    try:
        return deepcopy(value)
    except Exception:  # such as a tensor inside a graph
        return value


def _sentence(exercise: Exercise, given: list[Any]) -> str:
    with warnings.catch_warnings(), np.errstate(all="ignore"):  # wrong answers may divide by zero
        warnings.simplefilter("ignore")
        return _said(exercise, given)


def _said(exercise: Exercise, given: list[Any]) -> str:
    wanted = exercise.of(exercise.right)
    if exercise.choices and all(isinstance(choice, str) for choice in exercise.choices):
        given = [f"{each:g}" if isinstance(each, int | float) else each for each in given]  # 1 stands for "1"
    counted = _counted(exercise, given)
    if _same(counted, _counted(exercise, wanted)):
        return f"Right. {exercise.praise}"
    for wrong, said in exercise.wrong:
        if _same(counted, _counted(exercise, exercise.of(wrong))):
            return f"Not yet: {said}"
    if exercise.choices:
        return f"Choose one of {', '.join(map(repr, exercise.choices))}."
    return f"Not yet: {_difference(given, wanted)}"


def _counted(exercise: Exercise, given: list[Any]) -> list[Any]:
    """What counts of each answer; the answer itself where it has not the form that is asked for."""
    if exercise.compared is None:
        return given
    try:
        return [exercise.compared(value) for value in given]
    except Exception:  # whatever a reader's answer may be
        return given


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
    near = SINGLE if str(getattr(given, "dtype", "")).endswith(("float16", "float32")) else TOLERANCE
    return bool(np.allclose(mine, asked, rtol=near, atol=near, equal_nan=True))


def _difference(given: list[Any], wanted: list[Any]) -> str:
    """In what a wrong answer of unknown kind differs, first in its parts, then in shape, then in values."""
    for mine, asked in zip(given, wanted, strict=True):
        if isinstance(asked, tuple) and not (isinstance(mine, tuple | list) and len(mine) == len(asked)):
            return f"return {len(asked)} things, with a comma between them."
        pairs = zip(mine, asked, strict=True) if isinstance(asked, tuple) else [(mine, asked)]
        for one, other in pairs:
            shape = _shape_difference(one, other)
            if shape:
                return shape
    return "the shape is right, but the values are not."


def _shape_difference(given: Any, wanted: Any) -> str:
    mine, asked = _array(given), _array(wanted)
    if asked is None:
        return ""
    if mine is None and isinstance(given, list):
        return (
            f"the answer should be one array of shape {asked.shape}; this is a list: join its parts into one."
        )
    if mine is None:
        return f"the answer should hold numbers; this is of type {type(given).__name__}."
    if mine.shape != asked.shape:
        return f"the answer should have the shape {asked.shape}, and this has {mine.shape}."
    return ""


def _array(value: Any) -> np.ndarray | None:
    """The value as numbers, of a tensor too; None where it holds none."""
    try:
        detached: Callable[[], Any] | None = getattr(value, "detach", None)
        array = np.asarray(detached() if callable(detached) else value)
        return array.astype(float) if array.dtype.kind in "biuf" else None
    except (TypeError, ValueError, RuntimeError):
        return None
