"""The record of all numbers: digests notice a single bit and no name, a check names what differs."""

import copy
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import equal_numbers
import record
from digests import columns, differences, digest, digests, file_digest, machine, scores, weights

VALUES = np.array([[0.1, -2.0, 3.0], [0.0, 5.5, 1e-20]], dtype=np.float32)


def flipped(values: np.ndarray, bit: int = 0) -> np.ndarray:
    """A copy in which one bit of the last number is another."""
    raw = bytearray(values.tobytes())
    raw[-values.itemsize + bit // 8] ^= 1 << bit % 8
    return np.frombuffer(bytes(raw), values.dtype).reshape(values.shape)


class Named(nn.Module):
    """Tensors under given names, in the order in which they are given."""

    def __init__(self, *, buffers: tuple[str, ...] = (), **tensors: torch.Tensor) -> None:
        super().__init__()
        for name, tensor in tensors.items():
            if name in buffers:
                self.register_buffer(name, tensor)
            else:
                self.register_parameter(name, nn.Parameter(tensor))


# Arrays


def test_a_digest_is_the_sha256_of_type_shape_and_little_endian_values() -> None:
    one = np.array([1.0], dtype=np.float32)
    assert digest(one) == hashlib.sha256(b"<f4(1,)\x00\x00\x80\x3f").hexdigest()
    assert digest(one, one) == hashlib.sha256(2 * b"<f4(1,)\x00\x00\x80\x3f").hexdigest()


@pytest.mark.parametrize("bit", range(32))
def test_each_bit_of_an_array_counts(bit: int) -> None:
    assert digest(flipped(VALUES, bit)) != digest(VALUES)


@pytest.mark.parametrize(
    "other",
    [
        VALUES.astype(np.float64),
        VALUES.reshape(3, 2),
        VALUES.view(np.int32),
        np.where(VALUES == 0, np.float32(-0.0), VALUES),
        VALUES[::-1],
    ],
    ids=["type", "shape", "kind", "sign of zero", "order"],
)
def test_so_does_what_is_no_value(other: np.ndarray) -> None:
    assert digest(other) != digest(VALUES)


@pytest.mark.parametrize(
    "other",
    [
        VALUES.astype(">f4"),
        np.asfortranarray(VALUES),
        np.repeat(VALUES, 2, axis=1)[:, ::2],
        torch.tensor(VALUES),
    ],
    ids=["byte order", "columns first", "strides", "tensor"],
)
def test_how_an_array_lies_in_memory_does_not(other: Any) -> None:
    assert digest(other) == digest(VALUES)


def test_texts_have_a_digest_of_their_letters_alone() -> None:
    assert digest(np.array(["a", "bc"])) == digest(np.array(["a", "bc"], dtype="<U9")) == digest(["a", "bc"])
    assert len({digest(np.array(words)) for words in (["a", "bc"], ["ab", "c"], ["bc", "a"])}) == 3


def test_a_list_of_arrays_is_one_entry() -> None:
    found = digests(one=VALUES, both=[VALUES, VALUES[0]])
    assert found == {"one": digest(VALUES), "both": digest(VALUES, VALUES[0])}


def test_a_file_has_the_digest_of_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")  # the standard's own example, FIPS 180-2, B.1
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert file_digest(tmp_path / "file") == expected


# Weights


def tensors() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Two of one shape, and a third."""
    return torch.tensor(VALUES), torch.tensor(VALUES[::-1].copy()), torch.arange(4.0)


def test_names_and_order_of_weights_do_not_count() -> None:
    a, b, c = tensors()
    expected = weights(Named(a=a, b=b, c=c))
    assert weights(Named(z=c, y=b, x=a)) == expected
    assert weights(nn.ModuleList([Named(one=b), Named(two=c, three=a)])) == expected
    assert weights(Named(a=a, b=b, c=c, buffers=("c",))) == expected


def test_weights_of_one_shape_are_sorted_by_value() -> None:
    a, b, c = tensors()
    assert weights(Named(a=b, b=a, c=c)) == weights(Named(a=a, b=b, c=c))
    assert weights(Named(a=a, b=a, c=c)) != weights(Named(a=a, b=b, c=c))


@pytest.mark.parametrize("changed", range(3))
@pytest.mark.parametrize("buffers", [(), ("c",)], ids=["parameters", "a buffer"])
def test_one_bit_of_one_weight_counts(changed: int, buffers: tuple[str, ...]) -> None:
    found = dict(zip("abc", tensors(), strict=True))
    expected = weights(Named(**found, buffers=buffers))
    name = "abc"[changed]
    found[name] = torch.from_numpy(flipped(found[name].numpy()).copy())
    assert weights(Named(**found, buffers=buffers)) != expected


def test_shape_and_type_of_weights_count() -> None:
    values = torch.tensor(VALUES)
    found = (values, values.reshape(3, 2), values.double())
    assert len({weights(Named(a=each)) for each in found}) == 3


def test_a_weight_of_two_names_counts_once() -> None:
    layer, other = nn.Linear(3, 3), nn.Linear(3, 3)
    other.load_state_dict(layer.state_dict())
    assert weights(nn.ModuleList([layer, layer])) == weights(layer)
    assert weights(nn.ModuleList([layer, other])) != weights(layer)


# Tables and differences


def test_a_table_keeps_every_digit_and_its_file_too() -> None:
    table = pd.DataFrame({"loss": [0.1 + 0.2, np.nan], "epoch": [1, 2]})
    found = json.loads(json.dumps(columns(table)))
    assert found == {"loss": [0.30000000000000004, "nan"], "epoch": [1, 2]}
    assert list(differences(columns(table), found)) == []


def test_the_order_of_scores_does_not_count() -> None:
    table = pd.DataFrame({"model": ["a", "a", "b"], "region": ["x", "y", "x"], "r2": [0.1, 0.2, 0.5]})
    expected = {"a / x": {"r2": 0.1}, "a / y": {"r2": 0.2}, "b / x": {"r2": 0.5}}
    assert scores(table, "model", "region") == scores(table[::-1], "model", "region") == expected
    with pytest.raises(ValueError, match="same model"):
        scores(table, "model")


def test_differences_are_named_in_order() -> None:
    recorded = {"a": {"loss": [0.1, 0.2], "gone": 1}, "b": "x", "c": 0.0, "d": [1]}
    found = {"b": "y", "a": {"loss": [0.1, float(np.nextafter(0.2, 1))], "new": 2}, "c": -0.0, "d": [1, 2]}
    assert list(differences(recorded, found)) == [
        "a: loss[1]: recorded 0.2, found 0.20000000000000004",
        'a: gone: recorded 1, found "nothing"',
        'a: new: recorded "nothing", found 2',
        'b: recorded "x", found "y"',
        "c: recorded 0.0, found -0.0",
        "d: recorded [1], found [1, 2]",
    ]
    assert list(differences(recorded, copy.deepcopy(recorded))) == []


# The check


@pytest.fixture
def recorded() -> dict[str, Any]:
    """The committed file."""
    return record.load(equal_numbers.NAME)


def test_a_check_names_what_differs(
    recorded: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The numbers are taken from the file, one of them changed in its last digit."""
    found = copy.deepcopy(recorded["rows"])
    monkeypatch.setattr(equal_numbers, "numbers", lambda: found)
    assert equal_numbers.check(recorded) == 0
    assert "0 entries differ" in capsys.readouterr().out
    losses = found[0]["models"]["gru"]["history"]["train_loss"]
    losses[1] = float(np.nextafter(losses[1], np.inf))
    assert equal_numbers.check(recorded) == 1
    said = capsys.readouterr().out
    assert "pupil_encoder: models: gru: history: train_loss[1]: recorded" in said and "1 entries" in said


def test_a_check_on_another_processor_says_so(
    recorded: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(equal_numbers, "numbers", lambda: recorded["rows"])
    monkeypatch.setattr(equal_numbers, "machine", lambda: recorded["made_on"] | {"processor": "another one"})
    assert equal_numbers.check(recorded) == 0
    assert 'found "another one"' in capsys.readouterr().out


@pytest.mark.slow
def test_all_numbers_are_those_recorded(root: Path, recorded: dict[str, Any]) -> None:
    """In a process of its own, so that neither thread numbers nor checks of shapes are those of the tests."""
    if elsewhere := list(differences(recorded["made_on"], machine())):
        pytest.skip(f"the record was made on another machine: {'; '.join(elsewhere)}")
    command = [sys.executable, "benchmarks/equal_numbers.py", "--check"]
    variables = os.environ | {"PYTHONPATH": str(root)}
    run = subprocess.run(command, cwd=root, env=variables, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
