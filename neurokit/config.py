"""The base of all settings: fields that are checked, never change, and go to JSON and back.

A class of settings lists its fields, each with a type, a default and a line of documentation:

    class FitSettings(Config):
        '''How to train.'''

        epochs: WholeNumber = 200
        '''Most passes over the training rows.'''

    FitSettings(epochs=np.int64(5)).replace(batch_size=16).to_json()

Numbers of numpy and pandas become Python numbers; lists and arrays become tuples. Unusable values are refused
and never guessed: True is not a number, 2.5 is not an integer (3.0 is one, since searches draw such numbers),
and "no" is neither True nor False.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import cache, reduce
from inspect import Parameter, Signature, getdoc
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from neurokit.errors import SettingsError

Own = TypeVar("Own", bound="Config")
MODE = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False, validate_default=True)
HOLDERS = {
    Mapping: "a dictionary",
    dict: "a dictionary",
    Callable: "a function",
    Sequence: "a list",
    Iterable: "a list",
    list: "a list",
}
SHOWN = 100  # characters of a refused value that a message shows


def plain(value: Any) -> Any:
    """`value` with numpy scalars at any depth converted to Python's own types."""
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0):
        number = value.item()
        return float(number) if isinstance(number, np.floating) else number  # a long double has no other type
    if isinstance(value, dict):
        return {plain(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        entries = [plain(entry) for entry in value]
        return type(value)(*entries) if hasattr(value, "_fields") else type(value)(entries)
    return value


def _hashable(value: Any) -> Any:
    """The plain value with tuples in place of lists and arrays."""
    value = plain(value.tolist() if isinstance(value, np.ndarray) else value)
    return tuple(_hashable(entry) for entry in value) if isinstance(value, list | tuple) else value


def _integer(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _path(value: Any) -> Any:
    return Path(value) if isinstance(value, str) else value


def _names(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value  # one name, not its letters


_Integer = Annotated[int, BeforeValidator(_integer)]
WholeNumber = Annotated[_Integer, Field(ge=0)]
Count = Annotated[_Integer, Field(ge=1)]
Several = Annotated[_Integer, Field(ge=2)]
Seed = Annotated[_Integer, Field(ge=0, le=2**63 - 1)]
Draws = Annotated[_Integer, Field(ge=1, le=1_000_000)]  # repetitions that end within a day
Size = tuple[Count, Count]  # rows and columns
Number = float  # NaN and infinity are refused in all of these
NonNegative = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]
BelowOne = Annotated[float, Field(ge=0, lt=1)]
Names = Annotated[tuple[str, ...], BeforeValidator(_names)]
AnyPath = Annotated[Path, BeforeValidator(_path)]


class Config(BaseModel):
    """Base of all settings, which never change, can be hashed, and are equal if all fields are.

    Raises SettingsError for the first unusable value, and for a name that is not a field.
    """

    model_config = MODE | ConfigDict(use_attribute_docstrings=True)

    if not TYPE_CHECKING:  # type checkers take the signature from the fields

        def __init__(self, /, **values: Any) -> None:
            values = {name: _hashable(value) for name, value in values.items()}
            try:
                super().__init__(**values)
            except ValidationError as error:
                raise SettingsError(_sentence(type(self), values, error)) from None

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Adds each field's line to the documentation, and its default to the signature."""
        fields = cls.model_fields.items()
        lines = [f"{name}: {' '.join((field.description or '').split())}" for name, field in fields]
        cls.__doc__ = "\n    ".join([f"{getdoc(cls)}\n\nAttributes:", *lines])
        cls.__signature__ = Signature(
            [
                Parameter(name, Parameter.KEYWORD_ONLY, default=_default(field))
                for name, field in cls.model_fields.items()
            ]
        )

    def __setattr__(self, name: str, value: Any) -> None:
        """Raises SettingsError: settings never change."""
        raise SettingsError(f"{type(self).__name__} never changes; use replace({name}={show_value(value)}).")

    def replace(self: Own, **changes: Any) -> Own:
        """A copy with other values in some fields, checked as usual."""
        return type(self)(**dict(self) | changes)

    def with_values(self: Own, values: Mapping[str, Any]) -> Own:
        """A copy with other values, by name: `{"fit.learning_rate": 1e-3, "hidden": 20}`.

        The prefix of a name may be left out if only one field, or one at the top, has that name. A dictionary
        holds several fields of one config. Raises SettingsError for a name that fits no field or several.
        """
        changes: dict[str, Any] = {}
        for name, value in values.items():
            first, _, rest = self._find(name).partition(".")
            if rest or (isinstance(value, Mapping) and isinstance(getattr(self, first), Config)):
                changes.setdefault(first, {}).update({rest: value} if rest else value)
            else:
                changes[first] = value
        for name, change in changes.items():
            inner = getattr(self, name)
            if isinstance(inner, Config) and isinstance(change, Mapping):
                changes[name] = inner.with_values(change)
        return self.replace(**changes)

    def value(self, name: str) -> Any:
        """The value of a field, by its name with dots."""
        return reduce(getattr, name.split("."), self)

    def names(self) -> tuple[str, ...]:
        """The names of all fields; those of inner settings have dots."""
        inner = [(name, value) for name, value in self if isinstance(value, Config)]
        deeper = [f"{name}.{each}" for name, value in inner for each in value.names()]
        return (*type(self).model_fields, *deeper)

    def _find(self, name: str) -> str:
        known = self.names()
        ends = [each for each in known if each.endswith(f".{name}")]
        if name in known or len(ends) == 1:
            return name if name in known else ends[0]
        if ends:
            raise SettingsError(f"{name} may be any of {', '.join(ends)}; use one of these names.")
        [nearest] = get_close_matches(name, known, n=1, cutoff=0)
        raise SettingsError(f"{type(self).__name__} has no {name}; the nearest that it has is {nearest}.")

    def to_dict(self) -> dict[str, Any]:
        """A dictionary for JSON: tuples are lists, inner settings are dictionaries."""
        return self.model_dump(mode="json")

    @classmethod
    def from_dict(cls: type[Own], values: object) -> Own:
        """The settings from `to_dict`; fields that are absent take their defaults."""
        if not isinstance(values, Mapping):
            raise SettingsError(f"{cls.__name__} is {show_value(values)}; use a dictionary of its fields.")
        return cls(**{str(name): value for name, value in values.items()})

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(self.to_dict(), allow_nan=False)

    @classmethod
    def from_json(cls: type[Own], text: str) -> Own:
        """The settings from `to_json`."""
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise SettingsError(f"{cls.__name__} is {show_value(text)}; use JSON ({error}).") from None
        return cls.from_dict(values)

    def digest(self) -> str:
        """Twelve hexadecimal digits, equal for equal settings on every machine."""
        text = json.dumps(self.to_dict(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def check_value(name: str, value: Any, kind: Any) -> Any:
    """Checks a function argument as a field of type `kind`: `check_value("seed", seed, Seed)`.

    Returns the converted value; raises SettingsError where it cannot be used.
    """
    value = _hashable(value)
    try:
        return _adapter(kind).validate_python(value)
    except ValidationError:
        raise SettingsError(f"{name} is {show_value(value)}; use {describe_kind(kind)}.") from None


def check_integer(name: str, value: Any, kind: Any) -> int:
    """`check_value` for a `kind` of integer, such as Count; returns a Python integer."""
    return int(check_value(name, value, kind))


@cache
def _adapter(kind: Any) -> TypeAdapter:
    return TypeAdapter(kind, config=MODE)


def _default(field: Any) -> Any:
    return Parameter.empty if field.is_required() else field.default


def _sentence(kind: type[Config], values: dict[str, Any], error: ValidationError) -> str:
    """A sentence on the first problem: which field, what was found, what to use."""
    first = error.errors(include_url=False)[0]
    if first["type"] == "value_error":  # from a check of several fields, or from inner settings
        return str(first["ctx"]["error"])
    name, fields = str(first["loc"][0]), kind.model_fields
    if name not in fields:
        [nearest] = get_close_matches(name, fields, n=1, cutoff=0)
        return f"{kind.__name__} has no {name}; the nearest that it has is {nearest}."
    wanted = describe_kind(fields[name].annotation, fields[name].metadata)
    found = f"is {show_value(values[name])}" if name in values else "is missing"
    return f"{name} {found}; use {wanted}."


def show_value(value: Any) -> str:
    """A value for a message: one line, cut where it is long."""
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # an integer of more than 4,300 digits
        text = "a number with thousands of digits"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def describe_kind(kind: Any, constraints: Sequence[Any] = ()) -> str:
    """A type in words, such as 'a whole number of 1 or more, or None'."""
    outer, inner = get_origin(kind), get_args(kind)
    if isinstance(kind, TypeVar):
        return describe_kind(kind.__bound__) if kind.__bound__ is not None else "another value"
    if outer in HOLDERS:
        return HOLDERS[outer]
    if outer is Annotated:
        return describe_kind(inner[0], (*inner[1:], *constraints))
    if outer in (Union, UnionType):
        return ", or ".join(describe_kind(each) for each in inner)
    if outer is Literal:
        return f"one of {', '.join(str(word) for word in inner)}"
    if outer is tuple:
        several = re.sub("(number|string)", r"\1s", describe_kind(inner[0]).removeprefix("a "))
        return f"a tuple of {several}" if inner[-1] is Ellipsis else f"{len(inner)} {several}"
    if kind in (int, float):
        return _number(kind, constraints)
    words = {bool: "True or False", str: "a string", NoneType: "None", Path: "a path"}
    if isinstance(kind, type) and issubclass(kind, Config):
        first = next(iter(kind.model_fields))
        return f"{_with_article(kind.__name__)}, or set its fields by name, such as {first}"
    return words.get(kind) or _with_article(getattr(kind, "__name__", str(kind)))


def _with_article(name: str) -> str:
    return f"{'an' if name[:1] in 'AEIOU' else 'a'} {name}"


def _number(kind: type, constraints: Sequence[Any]) -> str:
    noun = "whole number" if kind is int else "number"
    match _bounds(constraints):
        case {"ge": least, "le": most}:
            return f"a {noun} from {least} to {most}"
        case {"ge": least, "lt": end}:
            return f"a {noun} from {least} to below {end}"
        case {"gt": start, "le": most}:
            return f"a {noun} above {start}, at most {most}"
        case {"gt": "0"}:
            return f"a positive {noun}" if kind is int else "a positive finite number"
        case {"ge": least}:
            return f"a {noun} of {least} or more" if kind is int else f"a finite number of {least} or more"
    return f"a {noun}" if kind is int else "a finite number"


def _bounds(constraints: Sequence[Any]) -> dict[str, str]:
    """The narrowest bounds, by the names that pydantic has for them."""
    found: dict[str, int | float] = {}
    parts = [part for each in constraints for part in getattr(each, "metadata", [each])]
    for name, narrower in {"ge": max, "gt": max, "le": min, "lt": min}.items():
        if bounds := [getattr(part, name) for part in parts if hasattr(part, name)]:
            found[name] = narrower(bounds)
    return {name: _figure(bound) for name, bound in found.items()}


def _figure(bound: int | float) -> str:
    power = int(bound).bit_length()
    return f"2^{power} - 1" if power > 20 and bound == 2**power - 1 else f"{bound:g}"
