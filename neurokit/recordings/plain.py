"""Arrays as a lab has them: any array-like made a numpy array, or one sentence on what is wrong.

Lists, tensors of torch, tables of pandas, data sets of h5py and sparse matrices are taken, in any order in
memory and of any number type. Nothing is changed in place, and nothing is copied that need not be.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Real, Shaped

from neurokit.errors import DataError

NUMBERS = "iuf"  # kinds of dtypes
LARGEST = 2.0**63  # from which on no int64 holds a number
REMEDIES = {
    "b": "holds true and false; give numbers, such as 0 and 1",
    "c": "holds complex numbers; give their magnitude or their real part",
    "U": "holds texts; give numbers",
    "S": "holds texts; give numbers",
    "M": "holds dates; give s from the start of the session",
    "m": "holds durations; give s",
    "V": "holds records of several fields; give one field",
    "O": "holds objects that are no numbers; give numbers",
}


def numbers(
    name: str, values: Any, *shapes: str, sizes: Mapping[str, int] | None = None
) -> Real[np.ndarray, "..."]:
    """The values as an array of whole numbers, float32 or float64, perhaps read-only; NaN may be in it.

    `shapes` are those allowed, each axis by a word, such as "trials units"; `sizes` are those of axes that
    other arrays have fixed, by the same words. Raises DataError, naming the array, for anything else.
    """
    array = to_array(name, values)
    if array.dtype == object:
        array = _from_objects(name, array)
    if array.dtype.kind not in NUMBERS:
        raise DataError(f"{name} {REMEDIES.get(array.dtype.kind, f'is of {array.dtype}; give numbers')}.")
    check_shape(name, array, *shapes, sizes=sizes)
    return array.astype(_plain_type(array.dtype), copy=False)


def labels(
    name: str, values: Any, axis: str, size: int | None = None, *, unique: bool = False
) -> Shaped[np.ndarray, "_"]:
    """One whole number (int64) or text for each piece along an axis, such as ids of "units".

    `size` is how many there are, where that is known. Raises DataError, naming the array, for a missing
    label, for fractions, and where `unique` ones are there twice.
    """
    array = to_array(name, values)
    if array.dtype == object:
        array = np.array([each if isinstance(each, str) else _number(each) for each in array.ravel()])
        array = array.reshape(np.shape(values))
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8", "replace")
    check_shape(name, array, axis, sizes=None if size is None else {axis: size})
    if array.dtype.kind == "f":
        if bad := int((~np.isfinite(array) | (array != np.floor(array))).sum()):
            finding = f"{bad} of {array.size} {name} are no whole numbers"
            raise DataError(f"{finding}; give whole numbers or texts.")
    elif array.dtype.kind not in "iuU":
        raise DataError(f"{name} is of {array.dtype}; give whole numbers or texts.")
    if array.dtype.kind in "fu" and (beyond := ~(np.abs(array) < LARGEST)).any():
        raise DataError(
            f"{name} hold {array[beyond].flat[0]:.6g}, which no 64 bits hold; give smaller numbers."
        )
    array = array if array.dtype.kind == "U" else array.astype(np.int64)
    known, times = np.unique(array, return_counts=True)
    if unique and (times > 1).any():
        twice = str(known[times > 1][0])
        raise DataError(f"{name} holds {twice} {times.max()} times; give each of the {axis} one of its own.")
    return array


def check_ids(name: str, ids: Shaped[np.ndarray, "_"]) -> Shaped[np.ndarray, "_"]:
    """Raises DataError for numbers below 0, with which sorters mark what is of no unit."""
    if ids.dtype.kind == "i" and (below := ids < 0).any():
        raise DataError(
            f"{name} hold {ids[below][0]} in {int(below.sum())} of {len(ids)} entries; give each unit a "
            "whole number from 0, and leave out spikes of no unit."
        )
    return ids


def check_shape(
    name: str, array: Shaped[np.ndarray, "..."], *shapes: str, sizes: Mapping[str, int] | None = None
) -> None:
    """Raises DataError for an array that is empty, of other axes than all `shapes`, or of another size."""
    shape = " x ".join(map(str, array.shape)) or "a single value"
    wanted = " or ".join(" x ".join(each.split()) for each in shapes)
    axes = next((each.split() for each in shapes if len(each.split()) == array.ndim), None)
    if shapes and axes is None:
        raise DataError(f"{name} is {shape}; give {wanted}.")
    if not array.size:
        raise DataError(f"{name} is empty ({shape}); give {wanted or 'values'}.")
    for axis, found in zip(axes or (), array.shape, strict=True):
        if (known := (sizes or {}).get(axis, found)) != found:
            raise DataError(
                f"{name} is {shape}, {wanted}: {found} {axis}, and there are {known}; give as many."
            )


def to_array(name: str, values: Any) -> Shaped[np.ndarray, "..."]:
    """The values as an array of whatever type they are; masked ones are NaN. DataError for ragged lists."""
    if values is None:
        raise DataError(f"{name} is None; give an array.")
    for way in ("detach", "cpu", "toarray"):  # tensors, on another device, and sparse matrices
        if not isinstance(values, np.ndarray) and callable(step := getattr(values, way, None)):
            values = step()
    if isinstance(values, np.ma.MaskedArray):
        values = np.ma.filled(values.astype(float), np.nan) if values.mask.any() else values.data
    if str(getattr(values, "dtype", "")) == "torch.bfloat16":  # which numpy does not know
        values = values.float()
    if isinstance(values, list | tuple):
        values = [_item(each) for each in values]
    try:
        return np.asarray(values)
    except (ValueError, TypeError, RuntimeError) as error:
        reason = (str(error).splitlines() or [""])[0].rstrip(".")
        raise DataError(f"{name} is no array ({reason}); give rows of equal length.") from error


def _item(each: Any) -> Any:
    return each.detach().cpu().numpy() if hasattr(each, "detach") else each


def _from_objects(name: str, array: np.ndarray) -> np.ndarray:
    """Numbers out of objects, as tables hold them; None is NaN."""
    flat = array.ravel().tolist()
    kinds = {type(each).__name__ for each in flat if not isinstance(each, int | float | np.number | None)}
    if kinds:
        raise DataError(
            f"{name} holds objects ({', '.join(sorted(kinds)[:3])}) among its values; give numbers."
        )
    return np.array([_number(each) for each in flat]).reshape(array.shape)


def _number(each: Any) -> float | int:
    try:
        return np.nan if each is None else each if isinstance(each, int) else float(each)
    except (TypeError, ValueError):
        return np.nan


def _plain_type(dtype: np.dtype) -> np.dtype:
    """This type in the machine's byte order, as single or double precision where it is a float."""
    if dtype.kind != "f":
        return dtype.newbyteorder("=")
    return np.dtype(np.float32 if dtype.itemsize <= 4 else np.float64)
