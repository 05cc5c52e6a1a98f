"""Damaged and hostile forms of a sound file, each drawn from a seeded generator.

A mutation has a `place` (the array, key, column or byte that it changes) and a class. Those of BYTES are
known nothing about: only a checksum finds them. Those of STRUCTURE and VALUES leave a file that can be told
from a sound one by what it holds.
"""

import csv
import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch

from neurokit.files.sealed import open_json, seal_json

Random = np.random.Generator
DEEP = "[" * 100_000
BYTES = ("flipped bit", "zeroed block", "swapped blocks", "random block")
SIZES = ("truncated", "grown", "empty", "other content")
INSTEAD = ("pipe", "folder", "link to itself")
VALUES = ("NaN", "infinity", "negative", "beyond float32")
STRUCTURE = ("text", "complex", "row dropped", "no rows", "axis added", "transposed", "objects", "huge claim")
KEYS = ("missing", "renamed", "extra")
ODD = ("1e999", "-1", "9" * 400, "null", '"x"', "[]", "{}", "true", "0.5", "NaN")


class Call:
    """A pickle of a foreign callable; unpickled by trust it would make a file."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("executed",)


def change_bytes(content: bytes, kind: str, random: Random) -> bytes:
    """The content with one class of damage that no format defines."""
    size = len(content)
    if kind == "flipped bit":
        place, bit = int(random.integers(size)), int(random.integers(8))
        return content[:place] + bytes([content[place] ^ (1 << bit)]) + content[place + 1 :]
    if kind == "truncated":
        return content[: int(random.integers(1, size))]
    if kind == "grown":
        return content + random.bytes(int(random.integers(1, 2000)))
    if kind == "empty":
        return b""
    if kind == "other content":
        return bytes(random.bytes(size)) if random.random() < 0.5 else b"text\n" * 100
    length = max(1, min(size // 4, int(2 ** random.integers(4, 12))))
    one, two = (int(place) for place in random.integers(0, max(1, size - length), 2))
    if kind == "swapped blocks":
        one, two = min(one, size // 2 - length), max(two, size // 2)
        one = max(one, 0)
        return (
            content[:one]
            + content[two : two + length]
            + content[one + length : two]
            + (content[one : one + length] + content[two + length :])
        )
    block = bytes(length) if kind == "zeroed block" else random.bytes(length)
    return content[:one] + block + content[one + length :]


def replace_file(path: Path, kind: str) -> None:
    """Something else under the name of the file."""
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(path.name)


def change_values(values: np.ndarray, kind: str, random: Random) -> np.ndarray | None:
    """The array with one kind of wrong content; None where its type cannot hold that."""
    values = np.array(values)
    if kind in VALUES:
        wrong = {"NaN": np.nan, "infinity": np.inf, "negative": -7.0, "beyond float32": 1e300}[kind]
        if values.dtype.kind == "f" and kind == "beyond float32":
            values = values.astype(np.float64)
        if values.dtype.kind not in ("fi" if kind == "negative" else "f") or not values.size:
            return None
        values.reshape(-1)[int(random.integers(values.size))] = wrong
        return values
    if kind == "text":
        return np.full(values.shape, "x")
    if kind == "complex":
        return np.ones(values.shape, dtype=complex) * 1j
    if kind == "objects":
        return np.full(values.shape, None, dtype=object)
    if kind == "axis added":
        return values[None]
    if not values.ndim:
        return None
    if kind == "transposed":
        return None if values.ndim < 2 or len(set(values.shape)) < 2 else values.T.copy()
    return values[:-1] if kind == "row dropped" else values[:0]


def npy(values: np.ndarray) -> bytes:
    """The bytes of an npy file; objects become a pickle of a foreign callable."""
    stream = io.BytesIO()
    if values.dtype.hasobject:
        values = np.full(values.shape, Call(), dtype=object)
    np.lib.format.write_array(stream, values)
    return stream.getvalue()


def npy_claiming(values: np.ndarray, random: Random) -> bytes:
    """An npy file whose header says far more than there is."""
    shape = (10 ** int(random.integers(9, 18)), *values.shape[1:])
    described = {"descr": values.dtype.str, "fortran_order": False, "shape": shape}
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, described)
    return stream.getvalue() + values.tobytes()


def change_npy(content: bytes, kind: str, random: Random) -> bytes | None:
    """A changed npy file."""
    values = np.load(io.BytesIO(content), allow_pickle=False)
    if kind == "huge claim":
        return npy_claiming(values, random)
    changed = change_values(values, kind, random)
    return None if changed is None else npy(changed)


def change_npz(content: bytes, kind: str, random: Random, place: str) -> bytes | None:
    """A changed npz; `place` is the array, or the array and a key of its dictionary."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name, _, key = place.partition("/")
    member = f"{name}.npy"
    if kind == "bomb":
        return _zip(members, bomb=member)
    if kind == "doubled member":
        return _zip(members, doubled=member)
    if kind == "member outside":
        return _zip(members | {"../outside.npy": members[member]})
    if kind == "foreign callable":
        return _zip(members | {member: npy(np.array([Call()], dtype=object))})
    if kind in KEYS:
        return _change_dictionary(members, kind, member, key)
    if key:
        return _zip_object(members, member, key, lambda values: change_values(values, kind, random))
    changed = change_npy(members[member], kind, random)
    return None if changed is None else _zip(members | {member: changed})


def _change_dictionary(members: dict[str, bytes], kind: str, member: str, key: str) -> bytes | None:
    if key:
        table = dict(_objects(members[member])[0])
        if kind in ("missing", "renamed"):
            value = table.pop(key)
            table |= {f"{key}_x": value} if kind == "renamed" else {}
        else:
            table["unknown"] = np.ones(3)
        return _zip(members | {member: _object_array(table)})
    changed = dict(members)
    if kind in ("missing", "renamed"):
        found = changed.pop(member)
        changed |= {f"x_{member}": found} if kind == "renamed" else {}
    else:
        changed["unknown.npy"] = npy(np.ones(3))
    return _zip(changed)


def _zip_object(
    members: dict[str, bytes], member: str, key: str, change: Callable[[np.ndarray], np.ndarray | None]
) -> bytes | None:
    table = dict(_objects(members[member])[0])
    changed = change(np.asarray(table[key]))
    return None if changed is None else _zip(members | {member: _object_array(table | {key: changed})})


def _objects(content: bytes) -> np.ndarray:
    return np.load(io.BytesIO(content), allow_pickle=True)


def _object_array(table: dict[str, Any]) -> bytes:
    values = np.empty(1, dtype=object)
    values[0] = table
    stream = io.BytesIO()
    np.lib.format.write_array(stream, values, allow_pickle=True)
    return stream.getvalue()


def _zip(members: dict[str, bytes], bomb: str = "", doubled: str = "") -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            if name != bomb:
                archive.writestr(name, content)
    if bomb:
        return _with_bomb(stream.getvalue(), bomb)
    if doubled:
        with zipfile.ZipFile(stream, "a") as archive:
            archive.writestr(doubled, members[doubled])
    return stream.getvalue()


def _with_bomb(content: bytes, name: str) -> bytes:
    stream = io.BytesIO(content)
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, _zeros(), compresslevel=1)
    return stream.getvalue()


@cache
def _zeros() -> bytes:
    """An npy file of zeros that deflates to a thousandth."""
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.zeros(2**27))  # 1 GiB
    return stream.getvalue()


def npz_places(content: bytes) -> list[str]:
    """Its arrays, and the keys of pickled dictionaries."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        found = []
        for name in (member for member in archive.namelist() if member.endswith(".npy")):
            stem, inside = name.removesuffix(".npy"), archive.read(name)
            values = _objects(inside)
            keys = list(values[0]) if values.dtype == object and values.size else []
            found += [f"{stem}/{key}" for key in keys] or [stem]
        return found


def change_zip(content: bytes, kind: str, random: Random, place: str) -> bytes | None:
    """A zip of npy files with one of them changed."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    if kind in ("bomb", "doubled member"):
        return _zip(members, **{"bomb" if kind == "bomb" else "doubled": place})
    if kind == "member outside":
        return _zip(members | {"../../outside.npy": members[place]})
    if kind in KEYS:
        moved = {name: content for name, content in members.items() if name != place or kind == "extra"}
        added = {"missing": {}, "renamed": {f"{place}x": members[place]}, "extra": {f"{place}x": b"x"}}
        return _zip(moved | added[kind])
    changed = change_npy(members[place], kind, random)
    return None if changed is None else _zip(members | {place: changed})


def hdf5_places(path: Path) -> list[str]:
    """The names of its datasets."""
    found: list[str] = []
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None)
    return found


def change_hdf5(path: Path, kind: str, random: Random, place: str) -> bool:
    """Changes a dataset in place; False where its type cannot hold that."""
    with h5py.File(path, "r+") as file:
        attributes = dict(file[place].attrs)
        values = file[place][()]
        if kind in ("missing", "renamed", "link", "outer link", "huge claim"):
            return _move(file, kind, place, values)
        if kind == "extra":
            file[f"{place}_x"] = values
            return True
        changed = change_values(values, kind, random) if isinstance(values, np.ndarray | np.number) else None
        if changed is None or changed.dtype.hasobject:
            return False
        del file[place]
        file[place] = changed.astype("S") if changed.dtype.kind == "U" else changed
        file[place].attrs.update(attributes)
    return True


def _move(file: h5py.File, kind: str, place: str, values: Any) -> bool:
    del file[place]
    if kind == "renamed":
        file[f"{place}_x"] = values
    elif kind == "link":
        file[place] = h5py.SoftLink(f"/{place}")  # to itself
    elif kind == "outer link":
        file["outside"] = h5py.ExternalLink("/dev/null", "/x")
        file[place] = h5py.SoftLink("/outside")
    elif kind == "huge claim":
        if not isinstance(values, np.ndarray) or values.dtype.kind not in "fiu":
            return False
        shape = (10**9, *values.shape[1:])
        file.create_dataset(place, shape, values.dtype, chunks=(1000, *values.shape[1:]))
    return True


def change_json(content: bytes, kind: str, random: Random, place: str) -> bytes:
    """A JSON object with one entry changed; `place` is its key. A sealed one gets the digest of its text."""
    text = content.decode()
    try:
        table, sealed = open_json(text), True
    except ValueError:
        table, sealed = json.loads(text), False
    if kind == "deep":
        return (DEEP if place == next(iter(table)) else json.dumps({place: 0})[:-2] + DEEP).encode()
    if kind in ("missing", "renamed"):
        value = table.pop(place)
        table |= {f"{place}_x": value} if kind == "renamed" else {}
    elif kind == "extra":
        table["unknown"] = 1
    else:
        table[place] = "HERE"
    made = seal_json(table) if sealed else json.dumps(table)
    if not kind.startswith("odd"):
        return made.encode()
    made = made.replace('"HERE"', ODD[int(kind.split()[1])])
    return _sealed_anew(made).encode() if sealed else made.encode()


def _sealed_anew(text: str) -> str:
    import hashlib  # as `neurokit.files.sealed` does it

    head, _, tail = text.rpartition('"digest": "')
    unsealed = f'{head}"digest": "{"0" * 64}{tail[64:]}'
    return f'{head}"digest": "{hashlib.sha256(unsealed.encode()).hexdigest()}{tail[64:]}'


def change_table(content: bytes, kind: str, random: Random, place: str) -> bytes:
    """A CSV with a cell, a row or a column changed; `place` is the column."""
    rows = list(csv.reader(io.StringIO(content.decode())))
    column, row = rows[0].index(place), int(random.integers(1, len(rows)))
    if kind == "missing":
        rows = [cells[:column] + cells[column + 1 :] for cells in rows]
    elif kind == "renamed":
        rows[0][column] += "x"
    elif kind == "extra":
        rows = [[*cells, "1"] for cells in rows]
    elif kind == "row dropped":
        del rows[row]
    elif kind == "row doubled":
        rows.append(rows[row])
    elif kind == "mark":
        rows[0][0] = "\ufeff" + rows[0][0]
    else:
        rows[row][column] = {"deep": DEEP, "list": "[1, 2"}.get(kind) or ODD[int(kind.split()[1])]
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue().encode()


def change_tensors(content: bytes, kind: str, random: Random, place: str) -> bytes | None:
    """A file of `torch.save` with one tensor changed."""
    table = torch.load(io.BytesIO(content), weights_only=True)
    value = table[place]
    if kind == "foreign callable":
        return pickle.dumps({place: Call()}) if random.random() < 0.3 else _saved(table | {place: Call()})
    if kind in ("missing", "renamed"):
        del table[place]
        table |= {f"{place}_x": value} if kind == "renamed" else {}
    elif kind == "extra":
        table["unknown"] = torch.ones(3)
    elif kind == "huge claim":
        table[place] = torch.zeros(1).expand(10**9)
    else:
        changed = change_values(value.numpy(), kind, random) if isinstance(value, torch.Tensor) else None
        if changed is None:
            return None
        table[place] = changed.tolist() if changed.dtype.kind in "UO" else torch.from_numpy(np.array(changed))
    return _saved(table)


def _saved(table: dict[Any, Any]) -> bytes:
    stream = io.BytesIO()
    torch.save(table, stream)
    return stream.getvalue()


def zip_places(content: bytes) -> list[str]:
    """The npy files of a zip, those of its metadata four times as often as their number says."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = [name for name in archive.namelist() if name.endswith(".npy")]
    return names + 20 * [name for name in names if "/meta/" in name]


def json_places(content: bytes) -> list[str]:
    """The keys of a JSON object, without the digest."""
    return [key for key in json.loads(content) if key != "digest"]


def tensor_places(content: bytes) -> list[str]:
    """The names of tensors in a file of `torch.save`."""
    return list(torch.load(io.BytesIO(content), weights_only=True))
