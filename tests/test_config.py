"""Settings: what is taken, what is refused and how that is said, and the way to JSON and back."""

import ast
import contextlib
import copy
import importlib
import json
import math
import pickle
import subprocess
import sys
from collections import namedtuple
from inspect import signature
from pathlib import Path
from types import NoneType, SimpleNamespace, UnionType
from typing import Annotated, Literal, Union, get_args, get_origin

import numpy as np
import pandas as pd
import pytest
import torch
from pydantic import Field, model_validator
from torch import nn

import neurokit
from neurokit.config import (
    AnyPath,
    BelowOne,
    Config,
    Count,
    Fraction,
    Names,
    NonNegative,
    Number,
    Positive,
    Seed,
    Size,
    WholeNumber,
    check_value,
    plain,
)
from neurokit.digital_twin.network.config import SMALL as SMALL_FOUNDATION
from neurokit.digital_twin.network.network import build_network as build_foundation
from neurokit.errors import SettingsError
from neurokit.pupil_encoder.config import PupilConfig
from neurokit.pupil_encoder.experiment import build as build_pupil
from neurokit.sensorium.config import CNN, MouseShape
from neurokit.sensorium.model import make_model
from neurokit.v1_transformer.config import SMALL_MODEL as SMALL_TRANSFORMER
from neurokit.v1_transformer.model import build as build_transformer


class Part(Config):
    """A part of the toy."""

    rows: Count = 4
    """Rows, pixels."""
    least: Number = -1.5
    """Degrees."""


class Toy(Config):
    """One field of each kind.

    A second paragraph.
    """

    epochs: WholeNumber = 20
    """Passes over the data,
    at most."""
    layers: Annotated[Count, Field(le=36)] = 2
    """How many."""
    rate: Positive = 0.1
    """Of learning."""
    decay: NonNegative = 0.0
    """Of weights."""
    share: Fraction = 0.5
    """Of trials."""
    dropout: BelowOne = 0.0
    """Share of channels."""
    angle: Annotated[float, Field(gt=0, le=90)] = 30.0
    """Degrees."""
    clip: Positive | None = None
    """Longest gradient."""
    size: Size = (3, 5)
    """Rows and columns."""
    blocks: tuple[Count, ...] = (1, 2, 3)
    """Layers of each."""
    movies: Names = ("natural_movie_one",)
    """Which."""
    folder: AnyPath | None = None
    """Where."""
    word: Literal["film", "additive"] | None = "film"
    """How."""
    causal: bool = False
    """Whether."""
    seed: Seed = 0
    """Of all that is random."""
    part: Part = Part()
    """What is inside."""

    @model_validator(mode="after")
    def _fits(self) -> "Toy":
        if self.part.rows > self.size[0] + 10:
            raise SettingsError(f"part.rows is {self.part.rows}; use {self.size[0] + 10} at most.")
        return self


class Needy(Config):
    """A field without a default."""

    units: Count
    """Neurons."""


TAKEN = [
    ("epochs", np.int64(3), 3),
    ("epochs", np.uint8(3), 3),
    ("epochs", 3.0, 3),
    ("epochs", np.float64(3.0), 3),
    ("epochs", np.array(3), 3),
    ("epochs", pd.Series([3, 4]).iloc[0], 3),
    ("rate", np.float32(0.25), 0.25),
    ("rate", np.longdouble(0.25), 0.25),
    ("rate", np.int16(2), 2.0),
    ("rate", 2, 2.0),
    ("rate", pd.DataFrame({"rate": [0.25]}).loc[0, "rate"], 0.25),
    ("clip", np.float64(0.5), 0.5),
    ("share", 1, 1.0),
    ("angle", 90, 90.0),
    ("size", [4, 6], (4, 6)),
    ("size", np.array([4, 6]), (4, 6)),
    ("size", (np.int64(4), 6.0), (4, 6)),
    ("blocks", np.arange(1, 4), (1, 2, 3)),
    ("blocks", [], ()),
    ("movies", "natural_movie_two", ("natural_movie_two",)),
    ("movies", ["one", np.str_("two")], ("one", "two")),
    ("folder", "a/b", Path("a/b")),
    ("folder", Path("a"), Path("a")),
    ("word", np.str_("additive"), "additive"),
    ("causal", np.bool_(True), True),
    ("causal", np.array([1.0]).any(), True),
    ("seed", np.int64(2**62), 2**62),
    ("seed", np.uint64(2**63 - 1), 2**63 - 1),
    ("part", {"rows": np.int64(7)}, Part(rows=7)),
]


@pytest.mark.parametrize(("name", "given", "wanted"), TAKEN)
def test_numbers_of_libraries_become_pythons(name: str, given: object, wanted: object) -> None:
    found = getattr(Toy(**{name: given}), name)
    assert found == wanted and type(found) is type(wanted)
    if isinstance(found, tuple):
        assert [type(each) for each in found] == [type(each) for each in wanted]


WHOLE, POSITIVE = "a whole number of 0 or more", "a positive finite number"
REFUSED = [
    ("epochs", True, f"epochs is True; use {WHOLE}."),
    ("epochs", np.bool_(False), f"epochs is False; use {WHOLE}."),
    ("epochs", 2.5, f"epochs is 2.5; use {WHOLE}."),
    ("epochs", math.nan, f"epochs is nan; use {WHOLE}."),
    ("epochs", math.inf, f"epochs is inf; use {WHOLE}."),
    ("epochs", "3", f"epochs is '3'; use {WHOLE}."),
    ("epochs", np.int64(-1), f"epochs is -1; use {WHOLE}."),
    ("epochs", None, f"epochs is None; use {WHOLE}."),
    ("layers", 37, "layers is 37; use a whole number from 1 to 36."),
    ("layers", 0, "layers is 0; use a whole number from 1 to 36."),
    ("rate", True, f"rate is True; use {POSITIVE}."),
    ("rate", 0, f"rate is 0; use {POSITIVE}."),
    ("rate", math.nan, f"rate is nan; use {POSITIVE}."),
    ("rate", np.float32("inf"), f"rate is inf; use {POSITIVE}."),
    ("rate", "1e-3", f"rate is '1e-3'; use {POSITIVE}."),
    ("rate", 10**400, "use a positive finite number."),
    ("rate", 1j, f"rate is 1j; use {POSITIVE}."),
    ("decay", -0.1, "decay is -0.1; use a finite number of 0 or more."),
    ("share", 1.01, "share is 1.01; use a number from 0 to 1."),
    ("dropout", 1, "dropout is 1; use a number from 0 to below 1."),
    ("angle", 0.0, "angle is 0.0; use a number above 0, at most 90."),
    ("clip", 0, f"clip is 0; use {POSITIVE}, or None."),
    ("clip", False, f"clip is False; use {POSITIVE}, or None."),
    ("size", (3,), "size is (3,); use 2 whole numbers of 1 or more."),
    ("size", 3, "size is 3; use 2 whole numbers of 1 or more."),
    ("size", (3, 0), "size is (3, 0); use 2 whole numbers of 1 or more."),
    ("size", (3, True), "size is (3, True); use 2 whole numbers of 1 or more."),
    ("size", {3, 5}, "size is {3, 5}; use 2 whole numbers of 1 or more."),
    ("size", "35", "size is '35'; use 2 whole numbers of 1 or more."),
    ("blocks", (1, 2.5), "blocks is (1, 2.5); use a tuple of whole numbers of 1 or more."),
    ("movies", ("one", 2), "movies is ('one', 2); use a tuple of strings."),
    ("folder", 3, "folder is 3; use a path, or None."),
    ("word", "flim", "word is 'flim'; use one of film, additive, or None."),
    ("causal", "no", "causal is 'no'; use True or False."),
    ("causal", 1, "causal is 1; use True or False."),
    ("causal", None, "causal is None; use True or False."),
    ("seed", -1, "seed is -1; use a whole number from 0 to 2^63 - 1."),
    ("seed", 2**63, "seed is 9223372036854775808; use a whole number from 0 to 2^63 - 1."),
    ("seed", 1.5, "seed is 1.5; use a whole number from 0 to 2^63 - 1."),
    ("part", None, "part is None; use a Part, or set its fields by name, such as rows."),
    ("part", Needy(units=1), "part is Needy(units=1); use a Part, or set its fields by name, such as rows."),
    ("part", {"rows": 0}, "rows is 0; use a whole number of 1 or more."),
    ("part", {"row": 3}, "Part has no row; the nearest that it has is rows."),
    ("part", Part(rows=14), "part.rows is 14; use 13 at most."),
    ("epoch", 3, "Toy has no epoch; the nearest that it has is epochs."),
    ("zzz", 3, "Toy has no zzz; the nearest that it has is "),
]


@pytest.mark.parametrize(("name", "given", "sentence"), REFUSED)
def test_what_no_run_can_use_is_refused_in_a_sentence(name: str, given: object, sentence: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Toy(**{name: given})
    said = str(caught.value)
    assert sentence in said and said.endswith(".") and "\n" not in said and "pydantic" not in said
    assert caught.value.__cause__ is None and caught.value.__suppress_context__
    with pytest.raises(SettingsError) as replaced:
        Toy().replace(**{name: given})
    assert str(replaced.value) == said


def test_a_long_value_is_not_shown_in_full() -> None:
    with pytest.raises(SettingsError, match=r"size is \(\(0\.0, .*\.\.\.; use 2 whole") as caught:
        Toy(size=np.zeros((30, 30)))
    assert len(str(caught.value)) < 200


def test_a_field_without_default_is_asked_for() -> None:
    with pytest.raises(SettingsError, match="units is missing"):
        Needy()


def test_defaults_are_checked_too() -> None:
    class Wrong(Config):
        """Its default is none."""

        rows: Count = 0
        """Rows."""

    with pytest.raises(SettingsError, match="rows"):
        Wrong()


CHANGED = Toy(rate=0.1 + 0.2, size=(8, 9), folder="x", word=None, seed=2**63 - 1, part=Part(least=1e-300))


@pytest.mark.parametrize("settings", [Toy(), CHANGED])
def test_json_and_back_loses_nothing(settings: Toy) -> None:
    text = settings.to_json()
    assert json.loads(text) == settings.to_dict()
    for back in (Toy.from_json(text), Toy.from_dict(settings.to_dict()), Toy.from_dict(json.loads(text))):
        assert back == settings and hash(back) == hash(settings) and back.digest() == settings.digest()
        assert repr(back) == repr(settings)


def test_json_holds_lists_and_words() -> None:
    found = CHANGED.to_dict()
    assert found["size"] == [8, 9] and found["folder"] == "x" and found["word"] is None
    assert found["part"] == {"rows": 4, "least": 1e-300}


@pytest.mark.parametrize("text", ["", "[1", "[]", "3", "null", "[" * 100_000])
def test_other_json_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="Toy is "):
        Toy.from_json(text)


def test_names_that_are_no_strings_are_refused() -> None:
    with pytest.raises(SettingsError, match="Toy has no 1"):
        Toy.from_dict({1: 2})


def test_settings_never_change() -> None:
    settings = Toy()
    with pytest.raises(SettingsError, match=r"Toy never changes; use replace\(epochs=3\)"):
        settings.epochs = 3
    other = settings.replace(epochs=3, part=settings.part.replace(rows=5))
    assert (other.epochs, other.part.rows, other.size) == (3, 5, (3, 5))
    assert (settings.epochs, settings.part.rows) == (20, 4)


def test_equal_settings_are_one_key() -> None:
    found = {Toy(): 1, Toy(epochs=20.0, size=[3, 5]): 2, Toy(epochs=21): 3}
    assert list(found.values()) == [2, 3]


def test_digest_is_that_of_sorted_json() -> None:
    # sha256 of {"least": -1.5, "rows": 4}, by coreutils
    assert Part().digest() == "af8971a0cf4d"
    assert len({Part().digest(), Part(rows=5).digest(), Part(least=-1.25).digest()}) == 3


def test_copies_and_processes_keep_them() -> None:
    for other in (pickle.loads(pickle.dumps(CHANGED)), copy.deepcopy(CHANGED), copy.copy(CHANGED)):
        assert other == CHANGED and other.part.least == 1e-300


def test_help_shows_each_field_and_its_default() -> None:
    assert "A second paragraph." in Toy.__doc__
    assert "\n    epochs: Passes over the data, at most.\n    layers: How many.\n" in Toy.__doc__
    assert str(signature(Part)) == "(*, rows=4, least=-1.5)"
    assert str(signature(Needy)) == "(*, units)"


Pair = namedtuple("Pair", "a b")


def test_plain_goes_to_any_depth() -> None:
    found = plain(
        {np.int64(1): [np.float32(0.5), (np.bool_(True), {"a": np.array(2)})], "b": Pair(np.int8(1), 2)}
    )
    assert found == {1: [0.5, (True, {"a": 2})], "b": Pair(1, 2)}
    assert type(found["b"]) is Pair and type(found["b"].a) is int
    assert json.loads(json.dumps(found)) == {"1": [0.5, [True, {"a": 2}]], "b": [1, 2]}
    array = np.arange(3)
    assert plain([array])[0] is array


def test_an_argument_is_checked_like_a_field() -> None:
    seed = check_value("seed", np.int64(4), Seed)
    assert seed == 4 and type(seed) is int
    assert check_value("sizes", np.arange(3) + 1, tuple[Count, ...]) == (1, 2, 3)
    with pytest.raises(SettingsError, match=r"^seed is -1; use a whole number from 0 to 2\^63 - 1\.$"):
        check_value("seed", np.int64(-1), Seed)
    with pytest.raises(SettingsError, match="cell is 'gur'"):
        check_value("cell", "gur", Literal["rnn", "gru"])


def test_settings_need_no_torch() -> None:
    code = "import sys, neurokit.config; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


# --- every class of settings in the package

NEEDED = {  # values of fields without a default
    "MouseShape": {"neurons": 7},
    "RegionTruth": {"name": "SCs", "channel": "pupil_area", "lag": 0.1, "gain": 0.3, "time_constant": 0.05},
}


BASES = {"Config", "SystemConfig"}


def every_class() -> list[type[Config]]:
    """Found in the source, so that only these modules are imported."""
    package, found = Path(neurokit.__file__).parent, []
    for path in sorted(package.rglob("*.py")):
        nodes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ClassDef)]
        names = [node.name for node in nodes if BASES & {getattr(base, "id", "") for base in node.bases}]
        module = ".".join(["neurokit", *path.relative_to(package).with_suffix("").parts])
        found += [getattr(importlib.import_module(module), name) for name in names]
    return found


CLASSES = every_class()
EACH_CLASS = pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")


def example(kind: type[Config]) -> Config:
    return kind(**NEEDED.get(kind.__name__, {}))


def types_of(annotation: object) -> set[object]:
    """What a field may be: int, float, bool, str, tuple, NoneType, a class of settings or words."""
    inner = get_args(annotation)
    if get_origin(annotation) is Annotated:
        return types_of(inner[0])
    if get_origin(annotation) in (Union, UnionType):
        return set().union(*(types_of(each) for each in inner))
    if get_origin(annotation) is Literal:
        return {Literal}
    return {get_origin(annotation) or annotation}


def test_the_package_has_these_classes() -> None:
    names = [kind.__name__ for kind in CLASSES]
    assert len(names) == len(CLASSES) >= 20
    assert {"FitSettings", "ModelSettings", "StateSettings", "InputSettings", "ClipShape"} <= {*names}
    assert {"TransformerConfig", "TwinConfig", "PupilConfig"} <= {*names}
    assert {"TransformerSettings", "FoundationSettings", "CycleSettings"} <= {*names}
    assert {"SgdClipSettings", "MedianStopping", "Patience", "MouseShape", "ScanParameters"} <= {*names}
    assert names.count("MouseParameters") == names.count("SessionParameters") == 2


def others(value: object, types: set[object], annotation: object) -> list[object]:
    """Values that the field may take instead, some of which other fields may forbid."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, value + 2, 2 * value, value - 1]
    if isinstance(value, float):
        return [value / 3 + 0.1, value / 3]
    if Literal in types:
        return [word for word in words_of(annotation) if word != value]
    if value is None:
        if tuple in types:
            return [("é", "ü"), (0.3, 0.6)]
        return ["é/ü" if {Path, str} & types else 3 if int in types else 0.3]
    if isinstance(value, str):
        return [f'{value}é"\\\n']
    return []


def words_of(annotation: object) -> list[str]:
    inner = get_args(annotation)
    return list(inner) if get_origin(annotation) is Literal else [w for each in inner for w in words_of(each)]


def changed(kind: type[Config], name: str) -> Config | None:
    """The example with another value in that field; None for tuples and settings within settings."""
    settings, annotation = example(kind), kind.model_fields[name].annotation
    for value in others(getattr(settings, name), types_of(annotation), annotation):
        with contextlib.suppress(SettingsError):
            return settings.replace(**{name: value})
    return None


@EACH_CLASS
def test_each_field_survives_json(kind: type[Config]) -> None:
    for name in kind.model_fields:
        other = changed(kind, name)
        # A tuple may have no other example; a family of models asks for other values elsewhere too.
        alone = isinstance(getattr(example(kind), name), tuple | Config) or name in ("family", "movies")
        assert other or alone, f"no other value for {name}"
        settings = other or example(kind)
        back = kind.from_json(text := settings.to_json())
        assert back == settings and repr(back) == repr(settings) and hash(back) == hash(settings)
        assert json.loads(text, parse_constant=pytest.fail) == settings.to_dict()
        assert back.digest() == settings.digest()
        assert other is None or (other != example(kind) and other.digest() != example(kind).digest())


@EACH_CLASS
def test_no_field_can_be_set(kind: type[Config]) -> None:
    settings = example(kind)
    for name in kind.model_fields:
        with pytest.raises(SettingsError, match=rf"{kind.__name__} never changes; use replace\({name}="):
            setattr(settings, name, getattr(settings, name))


def as_libraries_have_it(value: object) -> list[object]:
    if isinstance(value, bool):
        return [np.bool_(value)]
    if isinstance(value, int):
        return [np.int64(value), np.uint32(value), np.float64(value), np.array(value), pd.Series([value])[0]]
    if isinstance(value, float):
        return [np.float64(value), np.array(value), pd.Series([value])[0]]
    if isinstance(value, tuple):
        return [list(value)] if any(isinstance(each, Config) for each in value) else [np.array(value)]
    return []


@EACH_CLASS
def test_each_number_may_be_numpys(kind: type[Config]) -> None:
    settings = example(kind)
    for name in kind.model_fields:
        for each in as_libraries_have_it(getattr(settings, name)):
            found = settings.replace(**{name: each})
            assert (
                found == settings and repr(found) == repr(settings) and found.to_json() == settings.to_json()
            )


def no_values_of(types: set[object]) -> list[object]:
    """What a field of these types must refuse."""
    wrong: list[object] = [] if NoneType in types else [None]
    if types & {int, float}:
        wrong += [True, np.bool_(False), "1", math.nan, math.inf, -math.inf, np.float32("nan"), 1j, [1]]
    if int in types and float not in types:
        wrong += [2.5, np.float64(0.5)]
    if bool in types:
        wrong += ["no", "yes", 0, 1, 1.0]
    if Literal in types:
        wrong += ["no such word", 1, True]
    return wrong


@EACH_CLASS
def test_each_field_refuses_what_is_no_number_or_no_switch(kind: type[Config]) -> None:
    for name, field in kind.model_fields.items():
        for each in no_values_of(types_of(field.annotation)):
            with pytest.raises(SettingsError, match=rf"^{name} is .*; use [^\n]*\.$"):
                example(kind).replace(**{name: each})


@pytest.mark.parametrize("kind", [kind for kind in CLASSES if "seed" in kind.model_fields])
@pytest.mark.parametrize("seed", [-1, np.int64(-1), 2**63, 1.5, True])
def test_no_seed_is_negative_or_broken(kind: type[Config], seed: object) -> None:
    with pytest.raises(SettingsError, match=rf"^seed is {seed}; use a whole number from 0 to "):
        example(kind).replace(seed=seed)


@EACH_CLASS
def test_an_unknown_name_is_answered_with_the_nearest(kind: type[Config]) -> None:
    for name in kind.model_fields:
        with pytest.raises(SettingsError, match=f"^{kind.__name__} has no {name}_; the nearest .* is {name}"):
            example(kind).replace(**{f"{name}_": 1})


@EACH_CLASS
def test_each_field_is_documented(kind: type[Config]) -> None:
    for name, field in kind.model_fields.items():
        assert field.description and field.description[0] != " " and field.description[-1] == "."
        assert f"\n    {name}: {field.description.split()[0]}" in kind.__doc__


# --- seeds of functions

SMALL_TASK = SimpleNamespace(
    channels=("pupil_x",), regions=("SCs",), rates=np.ones((2, 3, 1), dtype=np.float32), bin_size=0.01
)
SMALL_TASK.bins = lambda part: np.ones((2, 3), dtype=bool)
BUILDERS = {
    "pupil": lambda seed: build_pupil.__wrapped__(SMALL_TASK, PupilConfig(seed=seed)),
    "sensorium": lambda seed: make_model(
        {"a": MouseShape(neurons=3)}, CNN.replace(channels=2, layers=1, positions="free"), seed=seed
    ),
    "transformer": lambda seed: build_transformer(2, SMALL_TRANSFORMER, seed=seed),
    "foundation": lambda seed: build_foundation(np.int64(2), SMALL_FOUNDATION, seed=seed),
}


@pytest.mark.parametrize("system", BUILDERS)
def test_weights_are_drawn_from_numpys_seeds_too(system: str) -> None:
    ours, numpys, other = (
        nn.utils.parameters_to_vector(BUILDERS[system](seed).parameters()) for seed in (1, np.int64(1), 2)
    )
    assert torch.equal(ours, numpys) and not torch.equal(ours, other)


@pytest.mark.parametrize("system", BUILDERS)
@pytest.mark.parametrize("seed", [-1, 2**63])
def test_no_weights_are_drawn_from_other_seeds(system: str, seed: int) -> None:
    with pytest.raises(SettingsError, match=f"^seed is {seed}; use a whole number from 0 to"):
        BUILDERS[system](seed)
