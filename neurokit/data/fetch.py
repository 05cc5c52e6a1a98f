"""Downloads a file of the registry: resumed, verified, from whichever mirror answers, whole or not at all.

What has arrived lies in `<name>.part` until its size and SHA-256 are right; only then does it take its name.
A small note beside it says which address and version it came from, so that a later call goes on only with
the same content (HTTP semantics of Range, If-Range and Retry-After: RFC 9110, sections 10.2.3, 13 and 14).
"""

import hashlib
import json
import shutil
import sys
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import requests
from filelock import FileLock
from tqdm.auto import tqdm

from neurokit import __version__, settings
from neurokit.data.registry import CHECKSUMS, REGISTRY, Entry, find, pin, with_pins
from neurokit.errors import DiskError, FetchError, NeurokitError
from neurokit.files import written
from neurokit.progress import progress

CHUNK = 1 << 16  # bytes; a break loses the piece it falls into
_BUSY = (408, 425, 429, 500, 502, 503, 504)
_HOPELESS = (
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidURL,
    requests.exceptions.SSLError,
    requests.exceptions.TooManyRedirects,
)


@dataclass(frozen=True)
class Patience:
    """How long a download tries.

    tries         requests to one mirror before the next
    first_wait    s before the second try, doubled for each further one
    longest_wait  s that a server may ask to wait before the next mirror is tried instead
    timeout       s without an answer, or between two pieces of it
    """

    tries: int = 5
    first_wait: float = 1.0
    longest_wait: float = 120.0
    timeout: float = 30.0


PATIENCE = Patience()


def announce(sentence: str) -> None:
    """Prints a sentence above the progress bars, on stderr; silent where these are."""
    if not settings.quiet():
        tqdm.write(sentence, file=sys.stderr)


def fetch(
    file: str | Entry,
    folder: str | Path,
    *,
    registry: str | Path = REGISTRY,
    patience: Patience = PATIENCE,
    most_bytes: int = 100 * 10**9,
    sleep: Callable[[float], None] = time.sleep,
    tell: Callable[[str], None] = announce,
) -> Path:
    """The path of a registered file in `folder`, downloaded there unless it is there and verified already.

    file        its name in `registry`, or an entry
    most_bytes  what a file of unknown size may have
    sleep       called with the seconds to wait before another try
    tell        called with a sentence about size, source and free space before bytes are transferred

    Raises FetchError where no mirror delivers the registered content or the disk is too small, DiskError
    where the folder cannot be written, DataError for an unknown name or an unreadable registry.
    """
    entry = file if isinstance(file, Entry) else find(file, registry)
    folder = Path(folder)
    target = folder / entry.name
    if (expected := with_pins(entry, folder)).sha256 and target.is_file() and flaw(target, expected) is None:
        return target
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f".{entry.name}.lock"):  # two notebooks may want the same file
            return _Download(with_pins(entry, folder), folder, patience, most_bytes, sleep, tell).run()
    except NeurokitError:
        raise
    except OSError as error:
        raise DiskError(f"{target} could not be written ({error}): free space or choose another.") from error


def flaw(path: Path, entry: Entry) -> str | None:
    """What is wrong with the content of `path`, in a few words; None where all that is known of it holds."""
    size = path.stat().st_size
    if size == 0:
        return "is empty"
    if entry.bytes is not None and size != entry.bytes:
        return f"has {size} bytes instead of {entry.bytes}"
    if entry.sha256 is not None:
        return None if sha256(path) == entry.sha256 else f"has another SHA-256 than {entry.sha256}"
    if entry.name.endswith((".npz", ".zip")) and not zipfile.is_zipfile(path):
        return "is no whole zip archive"
    return None


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class _AgainError(Exception):
    """This mirror may still deliver; `wait` is how long (s) it asks to be left alone."""

    def __init__(self, finding: str, wait: float | None = None) -> None:
        super().__init__(finding)
        self.wait = wait


class _NextMirrorError(Exception):
    """This mirror will not deliver."""


@dataclass(frozen=True)
class _Part:
    """An unfinished file, and the note of the address and version that it is part of."""

    path: Path

    @property
    def note(self) -> Path:
        return self.path.with_name(self.path.name + ".json")

    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def version(self, url: str) -> str | None:
        """The version (a validator for If-Range) that `url` gave of this part, None where there is none."""
        try:
            note = json.loads(self.note.read_text())
            return note["version"] if note["url"] == url else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def begin(self, url: str, version: str | None) -> None:
        with written(self.note) as temporary:
            temporary.write_text(json.dumps({"url": url, "version": version}))
        self.path.write_bytes(b"")

    def forget(self) -> None:
        self.path.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)


@dataclass(frozen=True)
class _Download:
    """One file on its way from its mirrors to its folder."""

    entry: Entry
    folder: Path
    patience: Patience
    most_bytes: int
    sleep: Callable[[float], None]
    tell: Callable[[str], None]

    @property
    def part(self) -> _Part:
        return _Part(self.folder / f"{self.entry.name}.part")

    def run(self) -> Path:
        target = self.folder / self.entry.name
        found = flaw(target, self.entry) if target.is_file() else "is not there"
        if found is not None:
            self._replace(target, found)
        if self.entry.sha256 is None:
            pin(self.folder, target.name, sha256(target), target.stat().st_size)
        return target

    def _replace(self, target: Path, found: str) -> None:
        """Downloads; whatever stood under the name stands until its successor is verified."""
        if target.exists():
            self.tell(f"{target} {found}: it is downloaded anew.")
        self._require_space(self.entry.bytes, self.part.size())
        self._from_mirrors()
        self.part.path.replace(target)
        self.part.forget()

    def _from_mirrors(self) -> None:
        findings = []
        for url in self.entry.urls:
            try:
                return self._from_mirror(url)
            except _NextMirrorError as finding:
                findings.append(f"{url} {finding}")
        raise FetchError(self._failure(findings))

    def _from_mirror(self, url: str) -> None:
        for attempt in range(self.patience.tries):
            try:
                return self._transfer(url)
            except _AgainError as again:
                finding = again
            wait = self.patience.first_wait * 2**attempt if finding.wait is None else finding.wait
            if wait > self.patience.longest_wait:
                raise _NextMirrorError(f"{finding} and asks to wait {wait:.0f} s")
            if attempt + 1 < self.patience.tries:
                self.sleep(wait)
        raise _NextMirrorError(f"{finding} ({self.patience.tries} tries)")

    def _transfer(self, url: str) -> None:
        start = self.part.size()
        headers = self._headers(url)
        try:
            with requests.get(url, headers=headers, stream=True, timeout=self.patience.timeout) as response:
                start, total = self._accept(response, url, "Range" in headers)
                if start != total:
                    self._plan(url, start, total or self.entry.bytes)
                    self._write(response, start, total)
        except _HOPELESS as error:
            raise _NextMirrorError(f"cannot be used ({type(error).__name__})") from error
        except requests.RequestException as error:
            raise _AgainError(f"broke off ({type(error).__name__})") from error
        self._verify(total, resumed=start > 0)

    def _headers(self, url: str) -> dict[str, str]:
        headers = {"Accept-Encoding": "identity", "User-Agent": f"neurokit/{__version__}"}
        version = self.part.version(url)
        # Without a version or a checksum nobody could tell that the halves belong together.
        if self.part.size() and (version or self.entry.sha256):
            headers["Range"] = f"bytes={self.part.size()}-"
            headers |= {"If-Range": version} if version else {}
        return headers

    def _accept(self, response: requests.Response, url: str, asked: bool) -> tuple[int, int | None]:
        """Where in the file the body begins, and how long the whole is, where that is told (bytes)."""
        status = response.status_code
        if status in _BUSY:
            raise _AgainError(f"answered {status}", _retry_after(response))
        if asked and status == 416:
            self._drop_or_keep(response)
            return self.part.size(), self.part.size()
        if status not in (200, 206) or (status == 206 and not asked):
            raise _NextMirrorError(f"answered {status}")
        _require_file(response)
        return self._accept_rest(response, url) if status == 206 else self._accept_whole(response, url)

    def _accept_whole(self, response: requests.Response, url: str) -> tuple[int, int | None]:
        total = _number(response.headers.get("Content-Length", ""))
        self._require_total(total)
        self.part.begin(url, _version(response))
        return 0, total

    def _accept_rest(self, response: requests.Response, url: str) -> tuple[int, int | None]:
        start, total = _content_range(response)
        known = self.part.version(url)
        if start != self.part.size() or (known and _version(response) not in (None, known)):
            self.part.forget()
            raise _AgainError("changed its content between two requests", wait=0.0)
        self._require_total(total)
        return start, total

    def _drop_or_keep(self, response: requests.Response) -> None:
        """After 416 (nothing beyond the part): keeps the part if it is as long as the whole."""
        whole = response.headers.get("Content-Range", "").removeprefix("bytes */")
        if self.entry.sha256 is None or whole != str(self.part.size()):
            self.part.forget()
            raise _AgainError("has less than had arrived", wait=0.0)

    def _require_total(self, total: int | None) -> None:
        if total is not None and self.entry.bytes is not None and total != self.entry.bytes:
            raise _NextMirrorError(f"offers {total} bytes instead of {self.entry.bytes}")
        if (total or 0) > self.most_bytes and self.entry.bytes is None:
            raise _NextMirrorError(f"offers {total} bytes, more than most_bytes={self.most_bytes}")

    def _plan(self, url: str, start: int, total: int | None) -> None:
        self._require_space(total, start)
        size = "unknown size" if total is None else _readable(total)
        already = f", {_readable(start)} of it here already" if start else ""
        free = _readable(shutil.disk_usage(self.folder).free)
        self.tell(f"{self.entry.name}: {size}{already}, from {url} into {self.folder} ({free} free).")

    def _require_space(self, total: int | None, start: int) -> None:
        free = shutil.disk_usage(self.folder).free
        if total is not None and total - start > free:
            raise FetchError(
                f"{self.entry.name} needs {_readable(total - start)}, {self.folder} has {_readable(free)} "
                "free: free some space, or set NEUROKIT_DATA to a folder on a larger disk."
            )

    def _write(self, response: requests.Response, start: int, total: int | None) -> None:
        bar = progress(total=total, initial=start, unit="B", unit_scale=True, desc=self.entry.name)
        with self.part.path.open("ab") as out, bar:
            for chunk in response.iter_content(CHUNK):
                bar.update(out.write(chunk))
                if out.tell() > self._bound(total):
                    break  # a server may send without end; what it sent is judged by its length

    def _bound(self, total: int | None) -> int:
        return total or self.entry.bytes or self.most_bytes

    def _verify(self, total: int | None, resumed: bool) -> None:
        size, promised = self.part.size(), total or self.entry.bytes or 0
        if size < promised:
            raise _AgainError(f"broke off after {size} of {promised} bytes")
        bound = self._bound(total)
        finding = f"has more than {bound} bytes" if size > bound else flaw(self.part.path, self.entry)
        if finding is None:
            return
        self.part.forget()
        if resumed:  # its beginning may be what is wrong
            raise _AgainError(f"sent a file that {finding}", wait=0.0)
        raise _NextMirrorError(f"sent a file that {finding}")

    def _failure(self, findings: list[str]) -> str:
        if not findings:
            return (
                f"{self.entry.name} has no direct address: download it by hand from {self.entry.page}, "
                f"put it into {self.folder.absolute()} under this name, and call again."
            )
        remedy = "check the connection and call again (what has arrived is kept and resumed)"
        if any("SHA-256" in finding or "instead of" in finding for finding in findings):
            remedy = (
                "call again later; if the publisher has changed the file, its entry "
                f"in the registry, or in {self.folder / CHECKSUMS}, must change too"
            )
        return f"{self.entry.name} could not be fetched: {'; '.join(findings)}: {remedy}."


def _require_file(response: requests.Response) -> None:
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise _NextMirrorError(f"sends the file encoded ({encoding}), so that its size cannot be told")
    if response.headers.get("Content-Type", "").startswith("text/html"):
        raise _NextMirrorError("answered with a web page instead of the file")


def _version(response: requests.Response) -> str | None:
    """What If-Range may name: a strong ETag, else the date of the last change."""
    tag = response.headers.get("ETag", "")
    return tag if tag.startswith('"') else response.headers.get("Last-Modified")


def _content_range(response: requests.Response) -> tuple[int | None, int | None]:
    """First byte and total of 'bytes 500-999/1000'; None where the header does not tell."""
    span, _, total = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
    return _number(span.partition("-")[0]), _number(total)


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 20 else None


def _retry_after(response: requests.Response) -> float | None:
    """Seconds that the server asks to wait, given as a number or a date; None where it does not."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def _readable(size: int) -> str:
    """Bytes as '310.2 MB'."""
    power = min((len(str(size)) - 1) // 3, 4)
    return f"{size / 1000**power:.1f} {('B', 'kB', 'MB', 'GB', 'TB')[power]}"
