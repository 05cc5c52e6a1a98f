"""The part of a file that has arrived so far, kept so that a later call can go on with it.

A small note beside it says which address and version it came from: a later call goes on only with
the same content.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from neurokit.files import written


@dataclass(frozen=True)
class Part:
    """An unfinished file, and the note of the address and version that it is part of."""

    path: Path

    @property
    def note(self) -> Path:
        """The file of the note, JSON."""
        return self.path.with_name(self.path.name + ".json")

    def size(self) -> int:
        """Bytes that have arrived."""
        return self.path.stat().st_size if self.path.exists() else 0

    def version(self, url: str) -> str | None:
        """What `url` called the version of this part (for If-Range); None where it did not."""
        try:
            note = json.loads(self.note.read_text())
            return note["version"] if note["url"] == url else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def begin(self, url: str, version: str | None) -> None:
        """An empty part of what `url` now sends."""
        with written(self.note) as temporary:
            temporary.write_text(json.dumps({"url": url, "version": version}))
        self.path.write_bytes(b"")

    def forget(self) -> None:
        """Removes part and note."""
        self.path.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)
