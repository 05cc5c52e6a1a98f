"""Resumable downloads of one file from one address.

What the server sends is appended to the part that has arrived so far. A small note beside the part records
its address and version, so that a later call resumes only the same content.

HTTP semantics of Range, If-Range and Retry-After: RFC 9110, sections 10.2.3, 13 and 14.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import requests

from neurokit import __version__
from neurokit.config import Config, Count, NonNegative, Positive
from neurokit.files.atomic import atomic_write
from neurokit.files.registry import Entry, find_flaw
from neurokit.progress import progress

CHUNK_SIZE = 1 << 16  # bytes; an interruption loses at most one chunk
_BUSY = (408, 425, 429, 500, 502, 503, 504)
_HOPELESS = (
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidURL,
    requests.exceptions.SSLError,
    requests.exceptions.TooManyRedirects,
)


@dataclass(frozen=True)
class Part:
    """An unfinished file, with a note of the address and version that it belongs to."""

    path: Path

    @property
    def note(self) -> Path:
        """The path of the note, a JSON file."""
        return self.path.with_name(self.path.name + ".json")

    def size(self) -> int:
        """Bytes that have arrived."""
        return self.path.stat().st_size if self.path.exists() else 0

    def version(self, url: str) -> str | None:
        """The version of this part according to `url` (for If-Range); None where unknown."""
        try:
            note = json.loads(self.note.read_text())
            return note["version"] if note["url"] == url else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def begin(self, url: str, version: str | None) -> None:
        """Starts an empty part of what `url` sends now.

        What is there goes first: a killed process must not leave it under another version's note.
        """
        self.path.unlink(missing_ok=True)
        with atomic_write(self.note) as temporary:
            temporary.write_text(json.dumps({"url": url, "version": version}))
        self.path.write_bytes(b"")

    def forget_note(self) -> None:
        """Removes a note whose part has become the file, where the process was killed before it could."""
        if self.note.exists() and not self.path.exists():
            with suppress(OSError):  # a folder that cannot be written
                self.note.unlink(missing_ok=True)

    def forget(self) -> None:
        """Removes the part and its note."""
        self.path.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)


class Patience(Config):
    """How long a download is retried."""

    tries: Count = 5
    """Requests to one mirror before the next one is tried."""
    first_wait: NonNegative = 1.0
    """Wait before the second request, doubled for each further one, s."""
    longest_wait: NonNegative = 120.0
    """Longest wait that a server may ask for before the next mirror is tried instead, s."""
    timeout: Positive = 30.0
    """Longest wait for an answer, or between two pieces of it, s."""


class AgainError(Exception):
    """This mirror may still deliver; `wait` is how long (s) it asks to wait."""

    def __init__(self, finding: str, wait: float | None = None) -> None:
        super().__init__(finding)
        self.wait = wait


class MirrorError(Exception):
    """This mirror will not deliver."""


@dataclass(frozen=True)
class Transfer:
    """The transfer of a file from the address `url` to its part.

    `plan` is called before the transfer, with the bytes that are there and the total (None where unknown);
    for the rest see `neurokit.files.fetch.fetch`.
    """

    entry: Entry
    url: str
    part: Part
    patience: Patience
    most_bytes: int
    sleep: Callable[[float], None]
    plan: Callable[[int, int | None], None]

    def run(self) -> None:
        """Completes and verifies the part; MirrorError where this address does not deliver it."""
        for attempt in range(self.patience.tries):
            try:
                return self._once()
            except AgainError as again:
                finding = again
            wait = self.patience.first_wait * 2**attempt if finding.wait is None else finding.wait
            if wait > self.patience.longest_wait:
                raise MirrorError(f"{finding} and asks to wait {wait:.0f} s")
            if attempt + 1 < self.patience.tries:
                self.sleep(wait)
        raise MirrorError(f"{finding} ({self.patience.tries} tries)")

    def _once(self) -> None:
        start = self.part.size()
        headers = self._headers()
        try:
            with requests.get(
                self.url, headers=headers, stream=True, timeout=self.patience.timeout
            ) as response:
                start, total = self._accept(response, "Range" in headers)
                if start != total:
                    self.plan(start, total or self.entry.bytes)
                    self._write(response, start, total)
        except _HOPELESS as error:
            raise MirrorError(f"cannot be used ({type(error).__name__})") from error
        except requests.RequestException as error:
            raise AgainError(f"broke off ({type(error).__name__})") from error
        self._verify(total, resumed=start > 0)

    def _headers(self) -> dict[str, str]:
        headers = {"Accept-Encoding": "identity", "User-Agent": f"neurokit/{__version__}"}
        version = self.part.version(self.url)
        # Without a version or a checksum, the two pieces might not belong together.
        if self.part.size() and (version or self.entry.sha256):
            headers["Range"] = f"bytes={self.part.size()}-"
            headers |= {"If-Range": version} if version else {}
        return headers

    def _accept(self, response: requests.Response, asked: bool) -> tuple[int, int | None]:
        """The offset at which the body begins, and the total size or None where unknown (bytes)."""
        status = response.status_code
        if status in _BUSY:
            raise AgainError(f"answered {status}", _retry_after(response))
        if asked and status == 416:
            self._drop_incomplete(response)
            return self.part.size(), self.part.size()
        if status not in (200, 206) or (status == 206 and not asked):
            raise MirrorError(f"answered {status}")
        _require_file(response)
        return self._accept_rest(response) if status == 206 else self._accept_all(response)

    def _accept_all(self, response: requests.Response) -> tuple[int, int | None]:
        total = _number(response.headers.get("Content-Length", ""))
        self._require_total(total)
        self.part.begin(self.url, _version(response))
        return 0, total

    def _accept_rest(self, response: requests.Response) -> tuple[int, int | None]:
        start, total = _content_range(response)
        known = self.part.version(self.url)
        if start != self.part.size() or (known and _version(response) not in (None, known)):
            self.part.forget()
            raise AgainError("changed its content between two requests", wait=0.0)
        self._require_total(total)
        return start, total

    def _drop_incomplete(self, response: requests.Response) -> None:
        """After 416 (nothing beyond the part): drops the part unless it has the total size."""
        total = response.headers.get("Content-Range", "").removeprefix("bytes */")
        if self.entry.sha256 is None or total != str(self.part.size()):
            self.part.forget()
            raise AgainError("has less than had arrived", wait=0.0)

    def _require_total(self, total: int | None) -> None:
        if total is not None and self.entry.bytes is not None and total != self.entry.bytes:
            raise MirrorError(f"offers {total} bytes instead of {self.entry.bytes}")
        if (total or 0) > self.most_bytes and self.entry.bytes is None:
            raise MirrorError(f"offers {total} bytes, more than most_bytes={self.most_bytes}")

    def _write(self, response: requests.Response, start: int, total: int | None) -> None:
        bar = progress(total=total, initial=start, unit="B", unit_scale=True, desc=self.entry.name)
        with self.part.path.open("ab") as out, bar:
            for chunk in response.iter_content(CHUNK_SIZE):
                bar.update(out.write(chunk))
                if out.tell() > self._bound(total):
                    break  # a server may send without end; the length is checked below

    def _bound(self, total: int | None) -> int:
        return total or self.entry.bytes or self.most_bytes

    def _verify(self, total: int | None, resumed: bool) -> None:
        size, promised = self.part.size(), total or self.entry.bytes or 0
        if size < promised:
            raise AgainError(f"broke off after {size} of {promised} bytes")
        bound = self._bound(total)
        too_long = f"has more than {bound} bytes" if size > bound else None
        finding = too_long or find_flaw(self.part.path, self.entry)
        if finding is None:
            return
        self.part.forget()
        if resumed:  # the fault may lie in the earlier part
            raise AgainError(f"sent a file that {finding}", wait=0.0)
        raise MirrorError(f"sent a file that {finding}")


def _require_file(response: requests.Response) -> None:
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise MirrorError(f"sends the file encoded ({encoding}), so its size is unknown")
    if response.headers.get("Content-Type", "").startswith("text/html"):
        raise MirrorError("answered with a web page instead of the file")


def _version(response: requests.Response) -> str | None:
    """A version for If-Range: a strong ETag, else the date of the last change."""
    tag = response.headers.get("ETag", "")
    return tag if tag.startswith('"') else response.headers.get("Last-Modified")


def _content_range(response: requests.Response) -> tuple[int | None, int | None]:
    """First byte and total of 'bytes 500-999/1000'; None for what the header lacks."""
    span, _, total = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
    return _number(span.partition("-")[0]), _number(total)


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 20 else None


def _retry_after(response: requests.Response) -> float | None:
    """Seconds that the server asks to wait, given as a number or a date; None where absent."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
