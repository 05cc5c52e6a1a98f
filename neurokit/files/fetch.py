"""Downloads a file of the registry from the first mirror that delivers it, and verifies it.

The download is stored as `<name>.part` and renamed only after its size and SHA-256 have been verified.
"""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from neurokit.arguments import explain_failure
from neurokit.errors import DiskError, FetchError, NeurokitError
from neurokit.files.locks import hold_lock
from neurokit.files.registry import CHECKSUMS, REGISTRY, Entry, add_pins, find, find_flaw, save_pin, sha256
from neurokit.files.transfer import MirrorError, Part, Patience, Transfer
from neurokit.progress import announce

PATIENCE = Patience()


@explain_failure
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
    """The path of a registered file in `folder`; downloads it unless a verified copy is there.

    file        its name in `registry`, or an entry
    most_bytes  limit for a file of unknown size
    sleep       called with the seconds to wait before another try
    tell        called with a sentence on size, source and free space before the transfer

    Raises FetchError where no mirror delivers the registered content or the disk is too small,
    DiskError where the folder cannot be written, DataError for an unknown name or an unreadable
    registry.
    """
    entry = file if isinstance(file, Entry) else find(file, registry)
    folder = Path(folder)
    target = folder / entry.name
    expected = add_pins(entry, folder)
    if expected.sha256 and target.is_file() and find_flaw(target, expected) is None:
        _part(target).forget_note()
        return target
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with hold_lock(target):  # two notebooks may want the same file
            expected = add_pins(entry, folder)  # another process may have pinned it
            return _Download(expected, folder, patience, most_bytes, sleep, tell).run()
    except NeurokitError:
        raise
    except OSError as error:
        finding = f"{target} could not be written ({error})"
        raise DiskError(f"{finding}: free some space or choose another folder.") from error


@dataclass(frozen=True)
class _Download:
    """The download of one file from its mirrors to its folder."""

    entry: Entry
    folder: Path
    patience: Patience
    most_bytes: int
    sleep: Callable[[float], None]
    tell: Callable[[str], None]

    @property
    def part(self) -> Part:
        return _part(self.folder / self.entry.name)

    def run(self) -> Path:
        target = self.folder / self.entry.name
        found = find_flaw(target, self.entry) if target.is_file() else "is not there"
        if found is not None:
            self._replace(target, found)
        self.part.forget_note()
        if self.entry.sha256 is None:
            save_pin(self.folder, target.name, sha256(target), target.stat().st_size)
        return target

    def _replace(self, target: Path, found: str) -> None:
        """Downloads the file; an earlier one of that name stays until the new one is verified."""
        if target.exists():
            self.tell(f"{target} {found}: downloading it again.")
        self._require_space(self.entry.bytes, self.part.size())
        self._from_mirrors()
        self.part.path.replace(target)

    def _from_mirrors(self) -> None:
        findings = []
        for url in self.entry.urls:
            try:
                return self._transfer(url).run()
            except MirrorError as finding:
                findings.append(f"{url} {finding}")
        raise FetchError(self._failure(findings))

    def _transfer(self, url: str) -> Transfer:
        return Transfer(
            entry=self.entry,
            url=url,
            part=self.part,
            patience=self.patience,
            most_bytes=self.most_bytes,
            sleep=self.sleep,
            plan=partial(self._plan, url),
        )

    def _plan(self, url: str, start: int, total: int | None) -> None:
        self._require_space(total, start)
        size = "unknown size" if total is None else _readable(total)
        already = f", {_readable(start)} of it already here" if start else ""
        free = _readable(shutil.disk_usage(self.folder).free)
        where = f"from {url} into {self.folder} ({free} free)"
        self.tell(f"{self.entry.name}: {size}{already}, {where}.")

    def _require_space(self, total: int | None, start: int) -> None:
        free = shutil.disk_usage(self.folder).free
        if total is not None and total - start > free:
            raise FetchError(
                f"{self.entry.name} needs {_readable(total - start)}, {self.folder} has "
                f"{_readable(free)} free: free some space, or set NEUROKIT_DATA to a folder on a "
                "larger disk."
            )

    def _failure(self, findings: list[str]) -> str:
        by_hand = (
            f"download it by hand from {self.entry.page}, put it into {self.folder.absolute()} under this "
            "name, and call again"
        )
        if not findings:
            return f"{self.entry.name} has no direct address: {by_hand}."
        remedy = "check the connection and call again, which resumes the download"
        if any("has another" in finding or "instead of" in finding for finding in findings):
            remedy = (
                "call again later; if the publisher has changed the file, update its entry "
                f"in the registry, or in {self.folder / CHECKSUMS}"
            )
        if any("answered" in finding for finding in findings):  # 404, or a page that asks for a login
            remedy = f"call again later, or {by_hand}"
        return f"{self.entry.name} could not be fetched: {'; '.join(findings)}: {remedy}."


def _part(target: Path) -> Part:
    return Part(target.with_name(f"{target.name}.part"))


def _readable(size: int) -> str:
    """Bytes as '310.2 MB'."""
    power = min((len(str(size)) - 1) // 3, 4)
    return f"{size / 1000**power:.1f} {('B', 'kB', 'MB', 'GB', 'TB')[power]}"
