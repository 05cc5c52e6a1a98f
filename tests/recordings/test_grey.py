"""Frames of any type as grey values."""

import numpy as np
import pytest

from neurokit.errors import DataError
from neurokit.recordings import to_grey

GREY = np.random.default_rng(0).integers(0, 256, (70, 3, 4), dtype=np.uint8)


@pytest.mark.parametrize(
    "frames",
    [
        GREY.astype(np.int64),
        np.minimum(GREY.astype(np.float32) + 0.3, 255),
        (GREY / 255).astype(np.float16),
        GREY / 255,
        np.asfortranarray(GREY.astype(">f8")),
        GREY[..., None],
    ],
)
def test_numbers_of_any_type_are_the_same_grey_values(frames: np.ndarray) -> None:
    found = to_grey(frames)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, GREY)


def test_grey_values_are_kept_and_true_is_white() -> None:
    assert to_grey(GREY) is GREY
    assert to_grey(np.array([[[False, True]]])).tolist() == [[[0, 255]]]
    assert to_grey(np.array([[[0, 1]]])).tolist() == [[[0, 1]]]  # whole numbers are no shares
    assert to_grey(np.array([[[0.0, 1.0]]])).tolist() == [[[0, 255]]]


@pytest.mark.parametrize(
    ("frames", "says"),
    [
        (GREY.astype(float) - 128, "A hold -128 to 127; give grey values"),
        (GREY.astype(np.uint16) * 16, "A hold 0 to 4080; give grey values"),
        (np.where(GREY > 9, GREY, np.nan), "A have .* of 840 pixels that are NaN or infinite"),
        (np.full((2, 3, 4), np.inf), "A have 24 of 24 pixels"),
        (np.zeros((2, 3, 4, 3)), "A have 3 colours"),
        (np.zeros((3, 4)), "A are 3 x 4; give frames x rows x columns"),
        (np.zeros((0, 3, 4)), "A are 0 x 3 x 4"),
        (np.array([[["a"]]]), "A hold <U1"),
        (np.zeros((2, 3, 4), complex), "A hold complex128"),
    ],
)
def test_what_is_no_grey_value_is_said(frames: np.ndarray, says: str) -> None:
    with pytest.raises(DataError, match=says):
        to_grey(frames, "A")
