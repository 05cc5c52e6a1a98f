"""Small real recordings that come with the package: where each lies, and where it is from.

`cutouts.json` beside this module lists the files; README.md has the licences and what each is good for. Every
value is that of the source. `neurokit.recordings.example` opens them.
"""

import json
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from neurokit.errors import DataError

FOLDER = Path(__file__).parent
MOST_BYTES = 2**26  # that one unpacks to


@dataclass(frozen=True)
class Cutout:
    """One file, and what is said wherever it is used.

    Attributes:
        name: by which `path_of` and `neurokit.recordings.example` know it.
        file: its name.
        session: as the source names it.
        layout: how its arrays are laid out, which says who can read it.
        bytes, sha256: of the file.
        licence, citation, origin: of the recording.
        about: what it is good for.
        content: what it holds, and what it lacks.
    """

    name: str
    file: str
    session: str
    layout: str
    bytes: int
    sha256: str
    licence: str
    citation: str
    origin: str
    about: str
    content: str


@cache
def cutouts() -> dict[str, Cutout]:
    """All of them by name, in the order of the list."""
    listed = json.loads((FOLDER / "cutouts.json").read_text())["files"]
    return {each["name"]: Cutout(**each) for each in listed}


def path_of(name: str) -> Path:
    """Where the file lies, after its checksum was compared.

    Raises DataError for a name that is not listed, and for a file that is missing or not the one listed.
    """
    if name not in cutouts():
        raise DataError(f"There is no cut-out {name!r}; use one of {', '.join(cutouts())}.")
    listed = cutouts()[name]
    path = FOLDER / listed.file
    held = path.read_bytes() if path.is_file() else b""
    if sha256(held).hexdigest() != listed.sha256:
        finding = f"is damaged ({len(held)} of {listed.bytes} bytes, or other ones)" if held else "is missing"
        raise DataError(f"{path} {finding}; install neurokit again.")
    return path
