"""Opens the pickled object arrays that Neuromatch distributes, without running their code.

A pickle is a small program that can name any function and call it. Here it can name only the few that numpy
arrays of plain values need, and even those are replaced by stand-ins that check their arguments. An array is
built only from bytes that the file holds, so a tiny file cannot claim a huge array.

Sources: the pickle protocol as in Python's `pickletools`; the states that numpy's
`ndarray.__reduce__` and `dtype.__reduce__` write (module names of numpy 1 and 2, protocols 0 to 5).
"""

import pickle
import struct
from collections.abc import Callable, Collection
from io import BufferedIOBase
from math import prod
from typing import Any, ClassVar, Literal

import numpy as np

from neurokit.arguments import explain_failure
from neurokit.errors import DataError
from neurokit.files.archives import Source, name_of, open_archive, open_array

PLAIN = (type(None), bool, int, float, complex, str, bytes, np.generic)
_KINDS = "biufcSU"


@explain_failure
def load_object_array(source: Source, key: str, limit: int) -> np.ndarray:
    """The object array `key` of an npz: dictionaries and lists of plain arrays, text, numbers.

    source  path of the npz, or a binary stream of one
    limit   limit in bytes for the uncompressed npz, and for the arrays built from it

    Raises DataError where the file is missing, damaged or over the limit, where the array holds no objects,
    and where its pickle names anything but the parts of numpy arrays; the message gives that name.
    """
    file = name_of(source)
    name = f"{file} ({key})"
    with (
        open_archive(source, limit) as archive,
        open_array(archive, key, file) as (stream, shape, dtype),
    ):
        if dtype != np.dtype(object):
            raise DataError(f"{name} holds {dtype}, not pickled objects: open it with read_npz.")
        array = unpickle(stream, limit, name)
        if stream.read(1):  # zipfile compares the checksum at the end
            raise DataError(f"{name} has data after its pickle: download it again.")
    if not isinstance(array, np.ndarray) or array.dtype != dtype or array.shape != shape:
        finding = f"{name} does not hold the object array its header claims"
        raise DataError(f"{finding}: download it again.")
    return array


def unpickle(stream: BufferedIOBase, limit: int, name: str, ignored: Collection[tuple[str, str]] = ()) -> Any:
    """The value of one pickle of plain arrays and containers.

    `limit` is in bytes of all arrays together. What the functions in `ignored` (module and name) would make
    is None. Raises DataError (naming the file `name`) for damaged or oversized content, and for every other
    name that is not allowed.
    """
    try:
        return _Builder(limit).plain(_Unpickler(stream, ignored).load())
    except DataError as error:
        raise DataError(f"{name} {error}") from error
    except Exception as error:  # Python's unpickler raises nearly anything for a damaged pickle
        reason = f"{type(error).__name__}: {error}"
        finding = f"{name} is damaged or not a plain pickle ({reason})"
        raise DataError(f"{finding}: download it again.") from error


class _Shielded:
    """Refuses the pickle opcode that sets attributes of the object on top of the stack."""

    __slots__ = ()

    def __setstate__(self, state: Any) -> None:
        raise DataError("tries to change a function: do not use this file.")


class _Name(_Shielded):
    """An allowed name that may not be called (numpy.ndarray)."""

    __slots__ = ()


class _Call(_Shielded):
    """An allowed function, replaced by our own."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, *arguments: Any) -> Any:
        return self._function(*arguments)


class _Dtype(_Shielded):
    """A simple dtype. numpy's own accepts any flags of a pickle and may then read bytes as addresses."""

    __slots__ = ("dtype",)

    def __init__(self, code: Any, align: Any = False, copy: Any = True) -> None:
        if not isinstance(code, str) or len(code) > 16:
            raise DataError(f"has the dtype {code!r}: only simple ones are read.")
        self.dtype = np.dtype(code)
        if self.dtype.kind not in _KINDS and self.dtype != np.dtype(object):
            raise DataError(f"has the dtype {code!r}: only numbers, text and objects are read.")

    def __setstate__(self, state: Any) -> None:
        order, *structure = state[1:5]
        if order not in ("<", ">", "=", "|") or any(part is not None for part in structure):
            raise DataError("has a structured dtype: only simple ones are read.")
        self.dtype = self.dtype.newbyteorder(order)


class _Array(_Shielded):
    """An array's shape, dtype and content as the pickle claims them, still unchecked."""

    __slots__ = ("content", "dtype", "order", "shape")

    def __init__(self) -> None:
        self.__setstate__((1, (0,), _Dtype("f8"), False, b""))

    def __setstate__(self, state: Any) -> None:
        _, self.shape, dtype, fortran, self.content = state
        self.order: Literal["C", "F"] = "F" if fortran else "C"
        self.dtype = dtype.dtype


_NDARRAY = _Name()
_NOTHING = _Call(lambda *_: None)


def _reconstruct(subtype: Any, shape: Any, code: Any) -> _Array:
    if subtype is not _NDARRAY or shape != (0,):
        raise DataError("builds something other than a plain array: do not use this file.")
    return _Array()


def _frombuffer(buffer: Any, dtype: Any, shape: Any, order: Any) -> _Array:
    array = _Array()
    array.__setstate__((1, shape, dtype, order == "F", bytes(memoryview(buffer))))
    return array


def _scalar(dtype: Any, content: Any) -> Any:
    if dtype.dtype.hasobject or len(_as_bytes(content)) != dtype.dtype.itemsize:
        raise DataError("has a number whose bytes do not fit its type: download it again.")
    return dtype.dtype.type() if not content else np.frombuffer(_as_bytes(content), dtype.dtype)[0]


def _encode(text: Any, encoding: Any = "") -> bytes:
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        finding = f"calls _codecs.encode for {encoding!r}"
        raise DataError(f"{finding}: only latin1, numpy's own, is allowed.")
    return text.encode("latin1")


def _empty_bytes() -> bytes:
    return b""


def _allowed() -> dict[tuple[str, str], _Shielded]:
    allowed = {
        ("numpy", "ndarray"): _NDARRAY,
        ("numpy", "dtype"): _Call(_Dtype),
        ("_codecs", "encode"): _Call(_encode),
        ("builtins", "bytes"): _Call(_empty_bytes),
        ("__builtin__", "bytes"): _Call(_empty_bytes),  # as protocols 0 to 2 spell it
    }
    for core in ("numpy.core", "numpy._core"):  # numpy 1 and numpy 2
        allowed[f"{core}.multiarray", "_reconstruct"] = _Call(_reconstruct)
        allowed[f"{core}.multiarray", "scalar"] = _Call(_scalar)
        allowed[f"{core}.numeric", "_frombuffer"] = _Call(_frombuffer)
    return allowed


# Python's own unpickler, not the one in C: a tiny pickle can make that one reserve gigabytes (memo, lengths).
class _Unpickler(pickle._Unpickler):
    """Python's unpickler with an allow-list of names."""

    allowed = _allowed()

    def __init__(self, stream: BufferedIOBase, ignored: Collection[tuple[str, str]] = ()) -> None:
        super().__init__(stream)
        self.ignored = ignored

    def _load_bytearray8(self: Any) -> None:
        """Reads the bytes before it makes room for them; Python's own takes the length on trust."""
        (length,) = struct.unpack("<Q", self.read(8))
        self.append(bytearray(self.read(length)))

    dispatch: ClassVar[Any] = {**pickle._Unpickler.dispatch, pickle.BYTEARRAY8[0]: _load_bytearray8}

    def find_class(self, module: str, name: str) -> Any:
        """The stand-in for an allowed name; raises DataError for every other."""
        if (module, name) in self.ignored:
            return _NOTHING
        if (module, name) not in self.allowed:
            finding = f"asks for {module}.{name}, which no plain array needs"
            raise DataError(f"{finding}: do not use this file.")
        return self.allowed[module, name]


class _Builder:
    """Builds the arrays that the pickle claims, each value once, within a limit in bytes."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.left = limit
        self.built: dict[int, Any] = {}

    def plain(self, value: Any) -> Any:
        """The value with real arrays; DataError for any value that is not data."""
        if isinstance(value, PLAIN):
            return value
        if id(value) not in self.built:
            self._build(value)
        return self.built[id(value)]

    def _build(self, value: Any) -> None:
        if type(value) is _Array:
            self._build_array(value)
        elif type(value) is dict:
            table: dict[str, Any] = {}
            self.built[id(value)] = table
            table.update({_text(key): self.plain(item) for key, item in value.items()})
        elif type(value) is list:
            row: list[Any] = []
            self.built[id(value)] = row
            row.extend(self.plain(item) for item in value)
        elif type(value) is tuple:
            self.built[id(value)] = tuple(self.plain(item) for item in value)
        else:
            finding = f"holds a {type(value).__name__}, which is not data"
            raise DataError(f"{finding}: do not use this file.")

    def _build_array(self, claim: _Array) -> None:
        if claim.dtype.hasobject:
            self._build_objects(claim)
            return
        content = _as_bytes(claim.content)
        if _count(claim.shape) * claim.dtype.itemsize != len(content):
            found = f"but holds {len(content)} bytes"
            raise DataError(f"claims an array {claim.shape} of {claim.dtype} {found}.")
        self._spend(len(content))
        flat = np.frombuffer(content, claim.dtype).copy() if content else np.zeros(0, claim.dtype)
        self.built[id(claim)] = flat.reshape(claim.shape, order=claim.order)
        claim.content = b""  # frees its bytes

    def _build_objects(self, claim: _Array) -> None:
        if type(claim.content) is not list or _count(claim.shape) != len(claim.content):
            raise DataError(f"claims an array {claim.shape} of objects but does not hold as many.")
        self._spend(8 * len(claim.content))
        flat = np.empty(len(claim.content), object)
        self.built[id(claim)] = flat.reshape(claim.shape)  # shares the memory that is filled below
        for index, item in enumerate(claim.content):
            flat[index] = self.plain(item)

    def _spend(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            finding = f"builds arrays of more than {self.limit} bytes"
            raise DataError(f"{finding}: raise the limit if you trust it.")


def _count(shape: Any) -> int:
    if type(shape) is not tuple or any(type(length) is not int or length < 0 for length in shape):
        raise DataError(f"has an array of the shape {shape!r}: download it again.")
    return prod(shape)


def _as_bytes(content: Any) -> bytes:
    if isinstance(content, str):  # a pickle of Python 2
        return content.encode("latin1")
    if not isinstance(content, bytes):
        raise DataError(f"has an array made of {type(content).__name__}: do not use this file.")
    return content


def _text(key: Any) -> str:
    if not isinstance(key, str):
        finding = f"has a dictionary whose key is a {type(key).__name__}"
        raise DataError(f"{finding}: do not use this file.")
    return key
