"""Zip archives and npz files, opened with a limit on what they may unpack to.

A zip of a few kilobytes can claim, or unpack to, more than any disk holds, and can name files outside its
folder. So every member is checked before the first byte is unpacked, and its bytes are counted meanwhile.
"""

import os
import stat
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import cast

import numpy as np

from neurokit.arguments import explain_failure
from neurokit.errors import DataError, DiskError
from neurokit.files.atomic import atomic_write_folder, restore_folder
from neurokit.files.reading import check_is_file

Source = str | Path | BufferedIOBase
MOST_MEMBERS = 10_000
ANY_FILE, MOST_RATIO = 2**28, 100  # bytes that any file may unpack to, and beyond them for each of its own
CHUNK_SIZE = LEAST_MAPPED = 1 << 20

# Only these limit what one read unpacks: bz2 and lzma return complete blocks, however large.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, struct.error, NotImplementedError)
_BAD_HEADER = (SyntaxError, tokenize.TokenError, TypeError, MemoryError, RecursionError)


@contextmanager
def open_archive(source: Source, limit: int, members: int = MOST_MEMBERS) -> Iterator[zipfile.ZipFile]:
    """A zip archive whose directory has been checked, for a `with` block.

    Raises DataError, there and for zipfile's own errors inside the block, where the file is missing,
    truncated or not a zip, holds more than `members` members or more than `limit` bytes uncompressed,
    or has an encrypted member, a link, a duplicate name or a name outside its folder.
    """
    name = name_of(source)
    if isinstance(source, str | Path):
        check_is_file(source)
    try:
        with _damage():
            archive = zipfile.ZipFile(source)
        with archive:
            _check_directory(archive, name, limit, members)
            yield archive
    except (DataError, DiskError):
        raise
    except _DAMAGE as error:
        finding = f"{name} is truncated, damaged or not a zip ({error})"
        raise DataError(f"{finding}: copy or download it again.") from error
    except OSError as error:
        if error.filename not in (None, name):  # of another file that the block works on
            raise
        raise DataError(
            f"{name} could not be read ({error.strerror}); check path and permissions."
        ) from error


@explain_failure
def extract(
    source: str | Path,
    folder: str | Path,
    limit: int,
    members: int = MOST_MEMBERS,
) -> Path:
    """Unpacks a zip archive into the new folder `folder`, which appears complete or not at all.

    Raises DataError as `open_archive` does, or where `folder` already exists; DiskError where it cannot
    be written.
    """
    folder = restore_folder(folder)
    if folder.exists():
        finding = f"{folder} already exists"
        raise DataError(f"{finding}: remove it, or unpack {source} into another folder.")
    with open_archive(source, limit, members) as archive, atomic_write_folder(folder) as temporary, _damage():
        left = limit
        for member in archive.infolist():
            left -= _unpack(archive, member, temporary, left)
    return folder


@explain_failure
def read_npz(source: Source, limit: int, keys: list[str] | None = None) -> dict[str, np.ndarray]:
    """The arrays of an npz file by name; all of them, or only `keys`.

    Pickled objects are never opened here: `neurokit.files.pickles.load_object_array` does that.
    Raises DataError as `open_archive` does, for an absent key, an object array, and an array whose header
    claims a size other than that of its data.
    """
    with open_archive(source, limit) as archive, _damage():
        wanted = keys if keys is not None else [Path(name).stem for name in archive.namelist()]
        return {key: _read_array(archive, key, name_of(source)) for key in wanted}


def limit_of(path: str | Path, most: int) -> int:
    """Bytes that an npz may unpack to, at most `most`: what zeros alone fill is never read into memory.

    Raises DataError for what is no regular file.
    """
    check_is_file(path)
    return min(most, ANY_FILE + MOST_RATIO * Path(path).stat().st_size)


def read_npy(path: str | Path) -> np.ndarray:
    """The array of an npy file; its memory is bounded by what the file holds.

    Raises DataError where the file is missing, no regular file, cut short, no npy file or holds pickled
    objects.
    """
    check_is_file(path)
    try:
        with open(path, "rb") as stream:
            shape, _, dtype = read_header(stream)
            if dtype.hasobject:
                raise ValueError("it holds pickled objects")
            _check_claim(os.fstat(stream.fileno()).st_size - stream.tell(), shape, dtype, "its header")
            stream.seek(0)
            return np.lib.format.read_array(stream, allow_pickle=False)
    except (OSError, ValueError) as error:  # a DataError is a ValueError
        raise _unreadable(path, error) from error


def map_npy(path: str | Path) -> np.ndarray:
    """The array of an npy file, mapped rather than read, and read-only; raises as `read_npy`."""
    if check_is_file(path).stat().st_size < LEAST_MAPPED:
        array = read_npy(path)
        array.flags.writeable = False
        return array
    try:
        with open(path, "rb") as stream:
            shape, columns, dtype = read_header(stream)
            if dtype.hasobject:
                raise ValueError("it holds pickled objects")
            start = stream.tell()
            _check_claim(os.fstat(stream.fileno()).st_size - start, shape, dtype, "its header")
        return np.memmap(path, dtype, "r", start, shape, "F" if columns else "C")
    except (OSError, ValueError) as error:  # a DataError is a ValueError
        raise _unreadable(path, error) from error


def _unreadable(path: str | Path, error: Exception) -> DataError:
    reason = getattr(error, "strerror", None) or str(error).removesuffix(": copy or download it again.")
    reason = reason.split(". ")[0]  # numpy says more, about settings that are not the user's
    return DataError(f"{path} cannot be read ({reason}); copy or download it again.")


@contextmanager
def open_array(
    archive: zipfile.ZipFile, key: str, name: str
) -> Iterator[tuple[BufferedIOBase, tuple[int, ...], np.dtype]]:
    """Opens the member `key`.npy of an npz at its first data byte; yields the stream, shape and dtype.

    Raises DataError (naming the file `name`) for an absent key, or a header not of npy version 1
    or 2.
    """
    if f"{key}.npy" not in archive.namelist():
        held = ", ".join(sorted(Path(member).stem for member in archive.namelist()))
        finding = f"{name} has no array {key!r}: it holds {held or 'nothing'}"
        raise DataError(f"{finding}; choose one of these.")
    with _damage(), archive.open(f"{key}.npy") as opened_member:
        stream = cast(BufferedIOBase, opened_member)  # a ZipExtFile, which typeshed calls IO[bytes]
        shape, _, dtype = read_header(stream)
        yield stream, shape, dtype


def read_header(stream: BufferedIOBase) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether columns come first, and dtype of an npy stream.

    Raises ValueError for version 3 and for a damaged or missing header.
    """
    version = np.lib.format.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"npy version {version}")
    form = np.lib.format
    read = form.read_array_header_1_0 if version == (1, 0) else form.read_array_header_2_0
    try:
        return read(stream)
    except _BAD_HEADER as error:
        raise ValueError(f"no npy header, {type(error).__name__}: {error}") from error


@contextmanager
def _damage() -> Iterator[None]:
    """Turns a ValueError of zipfile or numpy into a BadZipFile, which `open_archive` explains."""
    try:
        yield
    except DataError:  # already explained
        raise
    except ValueError as error:
        raise zipfile.BadZipFile(str(error)) from error


def _read_array(archive: zipfile.ZipFile, key: str, name: str) -> np.ndarray:
    with open_array(archive, key, name) as (stream, shape, dtype):
        if dtype.hasobject:
            finding = f"{name} holds pickled objects in {key!r}"
            raise DataError(f"{finding}; save them as plain arrays.")
        held = archive.getinfo(f"{key}.npy").file_size - stream.tell()
        _check_claim(held, shape, dtype, f"{name} ({key})")
    with archive.open(f"{key}.npy") as stream:
        array = np.lib.format.read_array(stream, allow_pickle=False)
        stream.read(1)  # zipfile compares the checksum at the end of the data
    return array


def _check_claim(held: int, shape: tuple[int, ...], dtype: np.dtype, name: str) -> None:
    claimed = dtype.itemsize
    for length in shape:  # Python integers: numpy's would overflow
        claimed *= int(length)
    if any(length < 0 for length in shape) or claimed != held or dtype.itemsize == 0:
        finding = f"{name} claims {claimed} bytes of {dtype} and holds {held}"
        raise DataError(f"{finding}: copy or download it again.")


def _check_directory(archive: zipfile.ZipFile, name: str, limit: int, members: int) -> None:
    found = archive.infolist()
    if len(found) > members:
        finding = f"{name} has {len(found)} members, more than {members}"
        raise DataError(f"{finding}: raise the limit if you trust it.")
    size = sum(member.file_size for member in found)
    if size > limit:
        finding = f"{name} unpacks to {size} bytes, more than {limit}"
        raise DataError(f"{finding}: raise the limit if you trust it.")
    if len({member.filename.rstrip("/").lower() for member in found}) < len(found):
        raise DataError(f"{name} names a member twice: download it again from its publisher.")
    for member in found:
        _check_member(member, name)


def _check_member(member: zipfile.ZipInfo, name: str) -> None:
    path = PurePosixPath(member.filename)
    inner = PureWindowsPath(member.orig_filename)
    if "\\" in member.orig_filename and not (inner.drive or inner.root or ".." in inner.parts):
        finding = f"{name} has backslashes in the names of its members, such as {member.orig_filename!r}"
        raise DataError(f"{finding}: unpack it with the tool that made it, and give the folder.")
    separators = "\\:\0"  # of other systems than POSIX
    odd = any(sign in member.orig_filename for sign in separators)
    if odd or path.is_absolute() or ".." in path.parts or not path.parts:
        finding = f"{name} has the member {member.filename!r} outside its folder"
        raise DataError(f"{finding}: do not use it.")
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise DataError(f"{name} has a link or device, {member.filename!r}: do not use this file.")
    if member.flag_bits & 1 or member.compress_type not in _METHODS:
        finding = f"{name} has {member.filename!r} encrypted or compressed by another method"
        raise DataError(f"{finding}: repack it with deflate.")


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path, limit: int) -> int:
    target = folder / member.filename
    if member.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return 0
    target.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    with archive.open(member) as stream, target.open("wb") as out:
        while chunk := stream.read(CHUNK_SIZE):
            count += len(chunk)
            if count > limit:
                finding = f"{archive.filename} unpacks to more bytes than it declares"
                raise DataError(f"{finding}: do not use this file.")
            out.write(chunk)
    return count


def name_of(source: Source) -> str:
    """The name of an archive in messages: its path, or the name of its stream."""
    if isinstance(source, str | Path):
        return str(source)
    return str(getattr(source, "name", "the archive"))
