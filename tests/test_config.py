"""Settings: what is taken, what is refused and how that is said, and the way to JSON and back."""

import copy
import json
import math
import pickle
import subprocess
import sys
from collections import namedtuple
from inspect import signature
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pandas as pd
import pytest
from pydantic import Field, model_validator

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
    checked,
    plain,
)
from neurokit.errors import SettingsError


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
    ("part", None, "part is None; use Part."),
    ("part", Needy(units=1), "part is Needy(units=1); use Part."),
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
    seed = checked("seed", np.int64(4), Seed)
    assert seed == 4 and type(seed) is int
    assert checked("sizes", np.arange(3) + 1, tuple[Count, ...]) == (1, 2, 3)
    with pytest.raises(SettingsError, match=r"^seed is -1; use a whole number from 0 to 2\^63 - 1\.$"):
        checked("seed", np.int64(-1), Seed)
    with pytest.raises(SettingsError, match="cell is 'gur'"):
        checked("cell", "gur", Literal["rnn", "gru"])


def test_settings_need_no_torch() -> None:
    code = "import sys, neurokit.config; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
