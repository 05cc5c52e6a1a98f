"""A scan in one safetensors file, written once, block by block, and then only mapped into memory.

`<key>-<fingerprint>.safetensors` belongs to one state of the scan's source: it is opened again as
long as the source has that fingerprint, and rewritten when the source has changed, when the file is
damaged, or when VERSION has changed. Texts lie in the header's metadata as JSON. Any program that
reads safetensors reads it.

The last array, DIGESTS, has a digest of each block of 1 MB before it: of the sums, modulo 2^64, of the lines
and of the columns of its 64-bit words. A flipped bit anywhere changes it, and so do two words or stretches
that change places. It is compared when a process opens the pack, at the speed of memory: SHA-256 would take
as long as an epoch. Only changes that cancel in every line and every column at once are not noticed.
"""

import errno
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from neurokit.errors import DiskError
from neurokit.files.atomic import atomic_write
from neurokit.files.locks import hold_lock
from neurokit.progress import announce

VERSION = "6"  # raise it when what a pack holds changes; packs of other versions are rewritten
_DTYPES: dict[str, np.dtype] = {"F64": np.dtype("<f8"), "I64": np.dtype("<i8"), "F32": np.dtype("<f4")}
_CODES = {dtype: code for code, dtype in _DTYPES.items()}
DIGESTS, BLOCK = "block_digests", 1 << 20  # bytes
LINE = 512  # words; a block has 256 lines
READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)  # what such a folder answers
_UNUSABLE = (OSError, ValueError, TypeError, KeyError, AttributeError)


@dataclass(frozen=True)
class Rows:
    """A float32 array of `shape` too large to hold, as its rows one after another."""

    shape: tuple[int, ...]
    rows: Iterable[np.ndarray]
    dtype: np.dtype = _DTYPES["F32"]


Contents = Mapping[str, np.ndarray | Rows]


def read_or_pack(
    folder: Path, key: str, fingerprint: str, contents: Callable[[], Contents]
) -> dict[str, np.ndarray]:
    """The arrays of a scan, read-only and mapped from its pack in `folder`, packed first if need be.

    `contents` is called only where there is no usable pack; processes that start together pack
    once. Arrays are float64, int64, float32 or text. Raises what `contents` raises and DiskError;
    an interrupted packing leaves an earlier pack as it was and nothing else behind. Where the folder must
    not be written, the pack is not kept, which is said.
    """
    path = folder / f"{key}-{fingerprint}.safetensors"
    facts = {"version": VERSION, "key": key, "fingerprint": fingerprint}
    arrays = read_pack(path, facts)
    if arrays is not None:
        return arrays
    try:
        with hold_lock(folder / key):  # of all packs of the scan
            arrays = read_pack(path, facts)  # another process may have packed it meanwhile
            return _pack_anew(path, facts, contents()) if arrays is None else arrays
    except DiskError as error:
        if getattr(error.__cause__, "errno", None) not in READ_ONLY:
            raise
    announce(f"neurokit: {folder} is read-only, so that {key} is packed anew each time; no pack is kept")
    with TemporaryDirectory(ignore_cleanup_errors=True) as passing:  # what is mapped outlives its name
        return _pack_anew(Path(passing) / path.name, facts, contents())


def read_pack(path: Path, facts: dict[str, str]) -> dict[str, np.ndarray] | None:
    """The arrays of a pack; None where it is missing, damaged, or its metadata differ from `facts`.

    Names, types, shapes, lengths and texts are compared by their digest, numbers by those of blocks.
    """
    if not path.is_file():  # a pipe would never end
        return None
    try:
        header, start = _read_header(path)
        metadata = header.pop("__metadata__")
        if metadata.pop("digest") != _digest(header, metadata):
            return None
        if any(metadata[name] != fact for name, fact in facts.items()):
            return None
        if path.stat().st_size != start + max(each["data_offsets"][1] for each in header.values()):
            return None
        data = np.memmap(path, np.uint8, "r", offset=start)
        described = header.pop(DIGESTS)
        begin, _ = described["data_offsets"]
        if not np.array_equal(_digest_blocks(data[:begin]), _view_tensor(data, **described)):
            return None
        texts = {name: np.array(text, dtype=str) for name, text in json.loads(metadata["texts"]).items()}
        return texts | {name: _view_tensor(data, **each) for name, each in header.items()}
    except _UNUSABLE:
        return None


def write_pack(path: Path, facts: dict[str, str], contents: Contents) -> None:
    """Writes a pack in one pass, holding one row of a `Rows` at a time; DiskError where it cannot."""
    texts = {
        name: each.tolist()
        for name, each in contents.items()
        if isinstance(each, np.ndarray) and each.dtype.kind == "U"
    }
    numbers = {name: each for name, each in contents.items() if name not in texts}
    # Wide numbers first keeps every array aligned.
    numbers = dict(sorted(numbers.items(), key=lambda item: -item[1].dtype.itemsize))
    blocks = -(-sum(map(_count_bytes, numbers.values())) // BLOCK)
    described = {**numbers, DIGESTS: Rows((blocks,), (), _DTYPES["I64"])}
    header = _make_header(described, {**facts, "texts": json.dumps(texts)})
    with atomic_write(path) as temporary, temporary.open("wb") as stream:
        stream.write(len(header).to_bytes(8, "little") + header)
        digests, pending = [np.zeros(0, _DTYPES["I64"])], bytearray()
        for each in numbers.values():
            for rows in each.rows if isinstance(each, Rows) else (each,):
                content = rows.tobytes()
                stream.write(content)
                pending += content
                if len(pending) >= BLOCK:
                    full = len(pending) // BLOCK * BLOCK
                    digests.append(_digest_blocks(np.frombuffer(pending, np.uint8, full)))
                    del pending[:full]
        digests.append(_digest_blocks(np.frombuffer(pending, np.uint8)))
        stream.write(np.concatenate(digests).tobytes())


def _digest_blocks(data: np.ndarray) -> np.ndarray:
    """A digest of each BLOCK of bytes as an int64; zeros fill the last one up."""
    full = len(data) // BLOCK * BLOCK
    rest = np.zeros(-(-(len(data) - full) // BLOCK) * BLOCK, np.uint8)
    rest[: len(data) - full] = data[full:]
    blocks = (block for part in (data[:full], rest) for block in part.view("<u8").reshape(-1, BLOCK // 8))
    return np.frombuffer(b"".join(map(_digest_block, blocks)), _DTYPES["I64"])


def _digest_block(words: np.ndarray) -> bytes:
    lines = words.reshape(-1, LINE)
    sums = [np.add.reduce(lines, axis=axis) for axis in (1, 0)]
    return hashlib.blake2b(np.concatenate(sums).data, digest_size=8).digest()


def _count_bytes(each: np.ndarray | Rows) -> int:
    return int(np.prod(each.shape, dtype=np.int64)) * each.dtype.itemsize


def _pack_anew(path: Path, facts: dict[str, str], contents: Contents) -> dict[str, np.ndarray]:
    for leftover in _find_packs(path.parent, facts["key"], temporary=True):
        leftover.unlink(missing_ok=True)
    write_pack(path, facts, contents)
    for stale in _find_packs(path.parent, facts["key"], temporary=False):
        if stale != path:
            stale.unlink(missing_ok=True)
    arrays = read_pack(path, facts)
    if arrays is None:
        raise DiskError(f"{path} could not be read back: check the disk, or choose another folder.")
    return arrays


def _find_packs(folder: Path, key: str, temporary: bool) -> list[Path]:
    """The packs of a key, or what killed processes left of some."""
    pattern = r"\.{}-[0-9a-f]{{16}}~\w+" if temporary else "{}-[0-9a-f]{{16}}"
    named = re.compile(pattern.format(re.escape(key)) + r"\.safetensors")
    held = folder.iterdir() if folder.is_dir() else ()
    return [file for file in held if named.fullmatch(file.name)]


def _make_header(numbers: Contents, metadata: dict[str, str]) -> bytes:
    """The header of safetensors, padded with blanks to a multiple of 8 bytes."""
    sizes = list(map(_count_bytes, numbers.values()))
    ends = list(accumulate(sizes))
    described = {
        name: {
            "dtype": _CODES[each.dtype],
            "shape": list(each.shape),
            "data_offsets": [end - size, end],
        }
        for (name, each), size, end in zip(numbers.items(), sizes, ends, strict=True)
    }
    metadata = metadata | {"digest": _digest(described, metadata)}
    text = json.dumps({"__metadata__": metadata} | described).encode()
    return text + b" " * (-len(text) % 8)


def _digest(described: dict, metadata: dict[str, str]) -> str:
    return hashlib.sha256(json.dumps([described, metadata], sort_keys=True).encode()).hexdigest()


def _read_header(path: Path) -> tuple[dict, int]:
    """The parsed header of a safetensors file and where its data start."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if length > size - 8:  # before it claims memory; 0 bytes are no JSON
            raise ValueError("no header")
        return json.loads(stream.read(length)), 8 + length


def _view_tensor(data: np.ndarray, dtype: str, shape: list[int], data_offsets: list[int]) -> np.ndarray:
    begin, end = data_offsets
    return data[begin:end].view(_DTYPES[dtype]).reshape(shape)
