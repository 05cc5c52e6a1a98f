"""What is wrong with the arguments of a public function, said where it fails.

Nothing is checked while all goes well, so that a decorated function costs and answers what it did before. If
one raises an error of Python, numpy or torch, its arguments are compared with their annotations, and the
first that is of another kind is named:

    @explain_failure
    def task(recording: Scan, config: SensoriumConfig) -> MouseTrials: ...

    task(None, config)      # SettingsError: recording is None; use a Scan.
"""

import inspect
import typing
from collections.abc import Callable, Mapping
from functools import cache, wraps
from types import UnionType
from typing import Any, TypeVar, cast

import numpy as np
import pandas as pd
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from neurokit.config import MODE, describe_kind, plain, show_value
from neurokit.errors import DataError, NeurokitError, SettingsError

Function = TypeVar("Function", bound=Callable[..., Any])
Kind = TypeVar("Kind", bound=type)
OTHERS = (TypeError, ValueError, AttributeError, LookupError, ArithmeticError, RuntimeError, AssertionError)
SCALARS = (bool, int, float, str)
NUMBERS = "biuf"  # kinds of dtypes that are real numbers
UNKNOWN = (PydanticUserError, NameError, TypeError, AttributeError)  # kinds that cannot be compared


def explain_failure(function: Function) -> Function:
    """Says which argument is of the wrong kind where a call fails; other failures stay as they are.

    Raises SettingsError, or DataError for what should be an array.
    """
    return _explained(function, values=False)


def explain_values(function: Function) -> Function:
    """As `explain_failure`, for a function of arrays that calls no other of this kind.

    Where all arguments are of the right kind, DataError says how numpy or torch fails with them.
    """
    return _explained(function, values=True)


def explain_fields(kind: Kind) -> Kind:
    """As `explain_values`, for a dataclass whose fields are arrays: where an object of it cannot be made."""
    kind.__init__ = explain_values(kind.__init__)  # type: ignore[misc]
    return kind


def _explained(function: Function, *, values: bool) -> Function:
    @wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        try:
            return function(*arguments, **options)
        except NeurokitError:
            raise
        except OTHERS as error:
            given = _bound(function, arguments, options)
            explanation = _find_misfit(function, given) if given is not None else None
            if explanation is None and values and given is not None:
                explanation = DataError(_values_sentence(function, given, error))
            if explanation is None:
                raise
            raise explanation from error

    call.__wrapped__ = inspect.unwrap(function)  # past what else decorates it
    return cast(Function, call)


def describe_value(value: Any) -> str:
    """A value in a few words: arrays and tables by their type and size."""
    import torch  # here, since it takes seconds that a call without failure need not wait

    if isinstance(value, np.ndarray | torch.Tensor):
        kind = "array" if isinstance(value, np.ndarray) else "tensor"
        size = " x ".join(map(str, value.shape)) or "a single value"
        return f"{kind} of {str(value.dtype).removeprefix('torch.')}, {size}"
    if isinstance(value, pd.DataFrame | torch.nn.Module):
        return f"a {type(value).__name__}"
    return show_value(value)


def _bound(
    function: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any]
) -> dict[str, Any] | None:
    """Arguments by name; None where the call itself does not fit, which Python has said."""
    try:
        found = inspect.signature(function).bind(*arguments, **options).arguments
    except TypeError:
        return None
    return {name: value for name, value in found.items() if name not in ("self", "cls")}


def _find_misfit(function: Callable[..., Any], given: Mapping[str, Any]) -> NeurokitError | None:
    for name, value in given.items():
        kind = _kinds(function).get(name, Any)
        if _is_array_kind(kind):
            if not _fits_array(value, kind):
                return DataError(f"{name} is {describe_value(value)}; use {_describe_array(kind)}.")
        elif not _fits(value, kind):
            return SettingsError(f"{name} is {describe_value(value)}; use {describe_kind(kind)}.")
    return None


@cache
def _kinds(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(function, include_extras=True)
    except UNKNOWN:  # names that only a type checker imports
        return {}


def _is_array_kind(kind: Any) -> bool:
    return hasattr(kind, "dim_str") and hasattr(kind, "array_type")


def _fits_array(value: Any, kind: Any) -> bool:
    import torch

    if not isinstance(value, kind.array_type):
        return False
    axes = kind.dim_str.split()
    if not any(axis.startswith(("*", "...")) for axis in axes) and value.ndim != len(axes):
        return False
    if isinstance(value, torch.Tensor):
        return not value.is_complex()
    return value.dtype.kind in NUMBERS


def _describe_array(kind: Any) -> str:
    import torch

    noun = "tensor" if kind.array_type is torch.Tensor else "numpy array"
    axes = [axis.lstrip("_*#") or "any" for axis in kind.dim_str.split()]
    return f"a {noun} of numbers" + (f" with the axes {' '.join(axes)}" if axes else "")


def _fits(value: Any, kind: Any) -> bool:
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if isinstance(kind, TypeVar):
        return kind.__bound__ is None or _fits(value, kind.__bound__)
    if _is_array_kind(kind):
        return _fits_array(value, kind)
    if origin in (typing.Union, UnionType):
        return any(_fits(value, each) for each in inner)
    if origin in (Mapping, dict):
        return isinstance(value, Mapping) and all(_fits(each, inner[1]) for each in value.values())
    if isinstance(kind, type) and origin is None and kind not in SCALARS:
        return _is_instance(value, kind)
    adapter = _adapter(kind)
    if adapter is None:
        return True
    value = value.tolist() if isinstance(value, np.ndarray) and value.dtype.kind in NUMBERS else value
    try:
        adapter.validate_python(plain(value))
    except ValidationError:
        return False
    except UNKNOWN:
        return True
    return True


def _is_instance(value: Any, kind: type) -> bool:
    try:
        return isinstance(value, kind)
    except TypeError:  # a protocol that nothing can be compared with
        return True


@cache
def _adapter(kind: Any) -> TypeAdapter | None:
    try:
        return TypeAdapter(kind, config=MODE | ConfigDict(arbitrary_types_allowed=True))
    except UNKNOWN:
        return None


def _values_sentence(function: Callable[..., Any], given: Mapping[str, Any], error: BaseException) -> str:
    reason = (str(error).splitlines() or [""])[0].rstrip(".")
    values = ", ".join(f"{name} {describe_value(value)}" for name, value in given.items())
    name = function.__qualname__.removesuffix(".__init__").split(".")[-1]
    return f"{name} cannot work with these values ({type(error).__name__}: {reason}): {values}; use others."
