"""Any array-like becomes the same array, and what cannot is named in one sentence."""

import re

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.sparse import csr_matrix

from neurokit.errors import DataError
from neurokit.recordings.plain import labels, numbers

VALUES = np.arange(6.0).reshape(3, 2)


def read_only(values):
    values = values.copy()
    values.flags.writeable = False
    return values


@pytest.mark.parametrize(
    "given",
    [
        VALUES,
        VALUES.tolist(),
        tuple(map(tuple, VALUES.tolist())),
        np.asfortranarray(VALUES),
        read_only(VALUES),
        VALUES[::-1][::-1],
        VALUES.astype(">f8"),
        VALUES.astype(np.float16),
        VALUES.astype(np.longdouble),
        VALUES.astype(">i2"),
        VALUES.astype(np.uint8),
        VALUES.astype(object),
        torch.from_numpy(VALUES),
        torch.from_numpy(VALUES).to(torch.bfloat16).requires_grad_(),
        list(torch.from_numpy(VALUES)),
        pd.DataFrame(VALUES),
        csr_matrix(VALUES),
        np.ma.masked_array(VALUES),
    ],
    ids=lambda given: f"{type(given).__module__}.{type(given).__name__}",
)
def test_the_same_numbers_come_out_of_whatever_holds_them(given):
    found = numbers("responses", given, "trials units", sizes={"trials": 3})
    assert isinstance(found, np.ndarray) and found.dtype.isnative and found.dtype.kind in "iuf"
    np.testing.assert_array_equal(found, VALUES)


def test_an_array_that_fits_is_not_copied():
    assert np.shares_memory(numbers("responses", VALUES, "trials units"), VALUES)


def test_what_is_masked_or_missing_is_nan():
    masked = numbers("pupil", np.ma.masked_array([1, 2, 3], [False, True, False]), "trials")
    objects = numbers("pupil", [1, None, 3.0], "trials")
    for found in (masked, objects):
        np.testing.assert_array_equal(found, [1, np.nan, 3])


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (None, "responses is None; give an array."),
        ("mouse", "responses holds texts; give numbers."),
        ([["1", "2"]], "responses holds texts; give numbers."),
        (VALUES > 2, "responses holds true and false; give numbers, such as 0 and 1."),
        (VALUES + 1j, "responses holds complex numbers; give their magnitude or their real part."),
        (VALUES.astype("datetime64[s]"), "responses holds dates; give s from the start of the session."),
        ([[1, 2], [3]], "responses is no array"),
        ([[1, "a"], [3, {}]], "responses holds objects (dict, str) among its values; give numbers."),
        (VALUES[0], "responses is 2; give trials x units."),
        (3.0, "responses is a single value; give trials x units."),
        (VALUES[:0], "responses is empty (0 x 2); give trials x units."),
        (VALUES[:2], "responses is 2 x 2, trials x units: 2 trials, and there are 3; give as many."),
    ],
)
def test_anything_else_is_named(given, sentence):
    with pytest.raises(DataError, match=re.escape(sentence)):
        numbers("responses", given, "trials units", sizes={"trials": 3})


def test_labels_are_whole_numbers_or_texts():
    for given in ([3, 1, 2], [3.0, 1.0, 2.0], np.array([3, 1, 2], ">u2"), torch.tensor([3, 1, 2])):
        np.testing.assert_array_equal(labels("unit_ids", given, "units", 3), [3, 1, 2])
        assert labels("unit_ids", given, "units").dtype == np.int64
    for given in (["a", "b"], np.array([b"a", b"b"]), pd.Series(["a", "b"])):
        assert labels("unit_ids", given, "units").tolist() == ["a", "b"]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ([1, 2], "unit_ids is 2, units: 2 units, and there are 3; give as many."),
        ([1.5, 2, 3], "1 of 3 unit_ids are no whole numbers; give whole numbers or texts."),
        ([1, 2, np.nan], "1 of 3 unit_ids are no whole numbers"),
        ([1, 2, None], "1 of 3 unit_ids are no whole numbers"),
        ([True, False, True], "unit_ids is of bool; give whole numbers or texts."),
        ([4, 7, 4], "unit_ids holds 4 2 times; give each of the units one of its own."),
        ([[1, 2, 3]], "unit_ids is 1 x 3; give units."),
        (np.array([1, 2**63 + 5, 2], dtype=np.uint64), "unit_ids hold 9.22337e+18, which no 64 bits hold"),
        ([1e300, 2e300, 1.0], "unit_ids hold 1e+300, which no 64 bits hold"),
    ],
)
def test_other_labels_are_named(given, sentence):
    with pytest.raises(DataError, match=re.escape(sentence)):
        labels("unit_ids", given, "units", 3, unique=True)
