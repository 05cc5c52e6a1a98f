"""What is known of each downloadable file: size, checksum, addresses, licence, citation.

`registry.json` beside this module holds the published facts. Where a publisher gives no checksum, that of the
first download is saved in `checksums.json` in the download folder, and later copies must match it.
"""

import hashlib
import json
import re
import zipfile
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from neurokit.errors import DataError
from neurokit.files.atomic import atomic_write
from neurokit.files.locks import hold_lock
from neurokit.files.reading import check_no_pipe

REGISTRY = Path(__file__).with_name("registry.json")
CHECKSUMS = "checksums.json"

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MD5 = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Entry:
    """One downloadable file.

    bytes   its size, None where it is not known
    sha256  64 lower-case hexadecimal digits, None where it is not known
    md5     32 of them, where the publisher gives no SHA-256 but this; None where it is not known
    urls    direct http(s) addresses, tried in this order; empty where only the `page` is known
    page    web page from which the file can be downloaded by hand

    Raises DataError for a name that is not a plain file name, and for an impossible size, checksum or
    address.
    """

    name: str
    recording: str
    bytes: int | None
    sha256: str | None
    urls: tuple[str, ...]
    licence: str
    citation: str
    page: str = ""
    note: str = ""
    md5: str | None = None

    def __post_init__(self) -> None:
        """Checks every field; see the class."""
        _require(_matches(_PLAIN_NAME, self.name), self, "name")
        _require(self.bytes is None or (type(self.bytes) is int and self.bytes > 0), self, "bytes")
        _require(self.sha256 is None or _matches(_SHA256, self.sha256), self, "sha256")
        _require(self.md5 is None or _matches(_MD5, self.md5), self, "md5")
        _require(isinstance(self.urls, tuple) and all(map(_is_http, self.urls)), self, "urls")
        texts = (self.recording, self.licence, self.citation, self.page, self.note)
        _require(all(isinstance(text, str) for text in texts), self, "text")


def read_registry(path: str | Path = REGISTRY) -> dict[str, Entry]:
    """The entries of a registry file by name; DataError for a damaged file or a duplicate name."""
    found = _read_json(Path(path))
    if not isinstance(found, dict) or not isinstance(found.get("files"), list):
        raise DataError(f"{path} has no list 'files': restore the registry of this release.")
    entries = [_entry(path, item) for item in found["files"]]
    by_name = {entry.name: entry for entry in entries}
    if len(by_name) < len(entries):
        raise DataError(f"{path} names a file twice: keep one entry for each name.")
    return by_name


def find(name: str, path: str | Path = REGISTRY) -> Entry:
    """The entry called `name`; raises DataError, with the known names, where there is none."""
    entries = read_registry(path)
    if name not in entries:
        raise DataError(f"{name!r} is not in {path}: choose one of {', '.join(sorted(entries))}.")
    return entries[name]


def add_pins(entry: Entry, folder: Path) -> Entry:
    """The entry; an unknown size and checksum are read from the `checksums.json` of `folder`."""
    path = folder / CHECKSUMS
    if entry.sha256 is not None or not path.exists():
        return entry
    pins = _read_pins(path)
    if entry.name not in pins:
        return entry
    pin = pins[entry.name]
    return replace(entry, sha256=pin["sha256"], bytes=entry.bytes or pin["bytes"])


def save_pin(folder: Path, name: str, sha256: str, size: int) -> None:
    """Saves the checksum and size (bytes) of a first download in `checksums.json` of `folder`."""
    path = folder / CHECKSUMS
    with hold_lock(path):
        pins = _read_pins(path) if path.exists() else {}
        pins[name] = {"sha256": sha256, "bytes": size}
        with atomic_write(path) as temporary:
            temporary.write_text(json.dumps(pins, indent=1, sort_keys=True) + "\n")


def find_flaw(path: Path, entry: Entry) -> str | None:
    """What is wrong with the content of `path`, in a few words; None if it is right."""
    size = path.stat().st_size
    if size == 0:
        return "is empty"
    if entry.bytes is not None and size != entry.bytes:
        return f"has {size} bytes instead of {entry.bytes}"
    if entry.sha256 is not None:
        found = sha256(path)
        return None if found == entry.sha256 else f"has another SHA-256, {found}, than {entry.sha256}"
    if entry.md5 is not None:
        found = _digest(path, "md5")
        return None if found == entry.md5 else f"has another MD5, {found}, than {entry.md5}"
    if entry.name.endswith((".npz", ".zip")) and not zipfile.is_zipfile(path):
        return "is not a complete zip archive"
    return None


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    return _digest(path, "sha256")


def _digest(path: Path, kind: str) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, kind).hexdigest()


def _read_pins(path: Path) -> dict[str, dict[str, Any]]:
    pins = _read_json(path)
    if not isinstance(pins, dict) or not all(map(_is_pin, pins.values())):
        finding = f"{path} does not hold checksums and sizes"
        raise DataError(f"{finding}: remove it, and they are computed again.")
    return pins


def _is_pin(pin: Any) -> bool:
    if not isinstance(pin, dict) or type(pin.get("bytes")) is not int:
        return False
    return _matches(_SHA256, pin.get("sha256"))


def _entry(path: str | Path, item: Any) -> Entry:
    names = {field.name for field in fields(Entry)}
    if not isinstance(item, dict) or set(item) != names or not isinstance(item["urls"], list):
        raise DataError(f"{path} has an entry whose fields are not {sorted(names)}: correct {item!r}.")
    return Entry(**{**item, "urls": tuple(item["urls"])})


def _read_json(path: Path) -> Any:
    check_no_pipe(path)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        finding = f"{path} could not be read as JSON ({error})"
        raise DataError(f"{finding}: remove or replace it.") from error


def _require(holds: bool, entry: Entry, field: str) -> None:
    if not holds:
        finding = f"The registry entry {entry.name!r} has an unusable {field}"
        raise DataError(f"{finding}: correct {entry!r}.")


def _matches(pattern: re.Pattern[str], text: Any) -> bool:
    return isinstance(text, str) and pattern.fullmatch(text) is not None


def _is_http(url: Any) -> bool:
    if not isinstance(url, str):
        return False
    parts = urlsplit(url)
    return parts.scheme in ("http", "https") and bool(parts.hostname)
