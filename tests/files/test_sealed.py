"""A flipped bit anywhere in sealed content is noticed."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurokit.files.sealed import MARK, open_bytes, open_json, seal_bytes, seal_json

VALUES = {
    "loss": 0.1,
    "name": "rnn",
    "curve": [[1, 2.5], [2, 1e-300]],
    "none": None,
    "digest of data": "0" * 64,
}


@pytest.mark.parametrize("content", [b"", b"weights", MARK])
def test_bytes_come_back_and_every_flipped_bit_is_refused(content: bytes) -> None:
    sealed = seal_bytes(content)
    assert open_bytes(sealed) == content
    for bit in range(8 * len(sealed)):
        damaged = bytearray(sealed)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ValueError, match=r"it does not begin|not the one that was written"):
            open_bytes(bytes(damaged))
    for end in range(len(sealed)):
        with pytest.raises(ValueError, match=r"it does not begin|not the one that was written"):
            open_bytes(sealed[:end])


@pytest.mark.parametrize("indent", [None, 2])
def test_json_comes_back_and_every_flipped_bit_is_refused(indent: int | None) -> None:
    text = seal_json(VALUES, indent=indent)
    assert open_json(text) == VALUES and json.loads(text)["digest"] != "0" * 64
    sealed = text.rstrip().encode()  # white space after the end changes nothing
    for bit in range(8 * len(sealed)):
        damaged = bytearray(sealed)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ValueError):
            open_json(damaged.decode())


def test_json_that_was_changed_by_hand_is_refused() -> None:
    values = json.loads(seal_json(VALUES))
    assert open_json(json.dumps(values) + "\n") == VALUES  # the same text
    for text in (
        json.dumps(values, indent=1),
        json.dumps(values | {"loss": 0.2}),
        json.dumps(VALUES),
        "",
        "[]",
    ):
        with pytest.raises(ValueError, match=r"digest|not the one"):
            open_json(text)


@given(
    st.dictionaries(st.text().filter(lambda name: name != "digest"), st.text() | st.floats(allow_nan=False))
)
def test_any_object_comes_back(values: dict[str, str | float]) -> None:
    assert open_json(seal_json(values)) == values
