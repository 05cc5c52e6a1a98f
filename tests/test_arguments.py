"""What is said of arguments of the wrong kind: the name, what was given, and what to use."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from neurokit.arguments import describe_value, explain_failure, explain_fields, explain_values
from neurokit.errors import DataError, FitError, NeurokitError, SettingsError


def fail(*_: Any) -> None:
    raise AttributeError("'NoneType' object has no attribute 'shape'")


@explain_failure
def fit(
    model: nn.Module,
    rates: Float[np.ndarray, "B N"],
    names: Sequence[str] = (),
    table: Mapping[str, int] | None = None,
    part: Literal["train", "test"] = "test",
    place: str | Path = "x",
    loss: Callable[..., float] | None = None,
    *,
    images: Float[Tensor, "B H W"] | None = None,
) -> None:
    fail(model, rates, names, table, part, place, loss, images)


@explain_values
def add(one: Float[np.ndarray, "B"], other: Float[np.ndarray, "B"]) -> Float[np.ndarray, "B"]:
    return one + other


MODEL, RATES = nn.Linear(1, 1), np.ones((2, 3))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"model": None}, "model is None; use a Module."),
        ({"names": 3}, "names is 3; use a list."),
        ({"table": [1]}, "table is [1]; use a dictionary, or None."),
        ({"part": "all"}, "part is 'all'; use one of train, test."),
        ({"place": 1.5}, "place is 1.5; use a string, or a path."),
        ({"loss": "mse"}, "loss is 'mse'; use a function, or None."),
        ({"names": pd.DataFrame({"x": [1]})}, "names is a DataFrame; use a list."),
    ],
)
def test_an_argument_of_another_kind_is_named(given: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        fit(**{"model": MODEL, "rates": RATES} | given)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("rates", "found"),
    [
        (None, "None"),
        ([[1.0]], "[[1.0]]"),
        (np.ones(3), "array of float64, 3"),
        (np.ones((2, 3), complex), "array of complex128, 2 x 3"),
        (np.array([["a"]]), "array of <U1, 1 x 1"),
        (torch.ones(2, 3), "tensor of float32, 2 x 3"),
    ],
)
def test_an_array_of_another_kind_is_a_data_error(rates: Any, found: str) -> None:
    with pytest.raises(DataError) as caught:
        fit(MODEL, rates)
    assert str(caught.value) == f"rates is {found}; use a numpy array of numbers with the axes B N."


@pytest.mark.parametrize("rates", [RATES.astype(int), RATES.astype(np.float32), RATES[:, ::-1], RATES > 0])
def test_all_real_numbers_are_numbers(rates: np.ndarray) -> None:
    """Then nothing is known of the failure, which stays as it is."""
    with pytest.raises(AttributeError, match="NoneType"):
        fit(
            MODEL,
            rates,
            ["a"],
            {"x": np.int64(1)},
            "train",
            Path("x"),
            lambda: 0.0,
            images=torch.ones(1, 2, 3),
        )


def test_a_call_that_does_not_fit_stays_pythons() -> None:
    with pytest.raises(TypeError, match="unexpected keyword"):
        fit(MODEL, RATES, colour="red")  # type: ignore[call-arg]


def test_errors_of_neurokit_stay_as_they_are() -> None:
    @explain_values
    def refuse(number: int) -> None:
        raise FitError(f"{number} is too small.")

    with pytest.raises(FitError, match="None is too small"):
        refuse(None)  # type: ignore[arg-type]


def test_values_that_numpy_cannot_work_with_are_described() -> None:
    np.testing.assert_array_equal(add(np.ones(2), np.ones(2)), [2, 2])
    with pytest.raises(DataError) as caught:
        add(np.ones(2), np.ones(3))
    assert str(caught.value) == (
        "add cannot work with these values (ValueError: operands could not be broadcast together with shapes "
        "(2,) (3,) ): one array of float64, 2, other array of float64, 3; use others."
    )


def test_the_cause_is_not_lost() -> None:
    with pytest.raises(SettingsError) as caught:
        fit(None, RATES)  # type: ignore[arg-type]
    assert isinstance(caught.value.__cause__, AttributeError)


def test_a_decorated_function_says_what_it_is() -> None:
    assert (add.__name__, fit.__module__) == ("add", __name__)


@pytest.mark.parametrize(
    "value",
    [10**5000, "x" * 500, [np.ones((9, 9))], np.ones((2, 2)), {"a": np.ones((3, 3))}],
    ids=["digits", "letters", "list", "array", "dictionary"],
)
def test_a_value_is_described_in_one_short_line(value: Any) -> None:
    text = describe_value(value)
    assert "\n" not in text and len(text) < 120


def test_a_message_that_quotes_an_array_is_one_line() -> None:
    for kind in (SettingsError, DataError, NeurokitError):
        assert str(kind(f"x is {np.eye(2)!r};\n  use y  z.")) == "x is array([[1., 0.], [0., 1.]]); use y  z."


def test_axes_that_may_be_any_number_are_not_counted() -> None:
    @explain_failure
    def score(values: Bool[np.ndarray, "*rest"]) -> None:
        fail(values)

    with pytest.raises(AttributeError):
        score(np.ones((1, 2, 3), dtype=bool))


def test_fields_that_do_not_fit_are_named() -> None:
    @explain_fields
    @dataclass(frozen=True)
    class Pair:
        times: Float[np.ndarray, "S"]
        name: str

        def __post_init__(self) -> None:
            if len(self.times) != len(self.name) + (self.times.sum() > 1e9):
                raise DataError("they differ.")

    assert Pair(np.ones(2), "ab").name == "ab"
    with pytest.raises(DataError, match=r"they differ\."):
        Pair(np.ones(2), "a")
    with pytest.raises(DataError, match="times is None; use a numpy array of numbers with the axes S"):
        Pair(None, "a")
