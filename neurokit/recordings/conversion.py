"""Recordings of any format written in another, once a system has seen that it can take them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from neurokit.arguments import explain_failure
from neurokit.errors import DataError, SettingsError
from neurokit.recordings.arrays_writing import write_arrays
from neurokit.recordings.experanto_writing import write_experanto
from neurokit.recordings.formats import choose_recording, list_recordings, names, read
from neurokit.recordings.recording import Recording

WRITERS: dict[str, Callable[[Recording, Path], Path]] = {
    "arrays": write_arrays,
    "experanto": write_experanto,
}


@explain_failure
def convert(
    path: str | Path,
    folder: str | Path,
    *,
    session: Sequence[str] | str = (),
    to: str = "arrays",
    make: Callable[[Recording], Any],
    describe: Callable[[Any], str],
) -> list[str]:
    """Writes the recordings in a path into `folder`; returns lines on what they are and what they lack.

    `session` names some of several, each of which has a folder of its own in `folder`; `to` is one of
    WRITERS. `make` makes a system's recording of one, before it is written, and `describe` says what
    that holds. Raises SettingsError for another format, DataError where a path holds no such recording and as
    reading, `make` and writing do; DiskError.
    """
    if to not in WRITERS:
        raise SettingsError(f"format is {to!r}; use one of {', '.join(WRITERS)}.")
    wanted = [session] if isinstance(session, str) else list(session)
    found = list_recordings(path)
    several = wanted or list(found)
    if not several:
        raise DataError(f"{path} holds no recording in a format that is read ({', '.join(names())}).")
    if unknown := [name for name in several if name not in found]:
        choose_recording(path, unknown[0])  # says which there are, before anything is written
    lines = []
    for name in several:
        chosen = found[name]
        place = Path(folder) / name if len(several) > 1 else Path(folder)
        if place.resolve() == Path(chosen).resolve():
            raise SettingsError(f"{place} is what is converted; name another place to write to.")
        recording = read(chosen)
        made = make(recording)
        lines += [*tell(recording, chosen), describe(made)]
        WRITERS[to](recording, place)
        lines.append(f"wrote {place} ({to})")
    return lines


def tell(recording: Recording, path: Path) -> list[str]:
    """Which format a path is in, and what its reader wants said."""
    return [f"{path} is in the format {recording.format}", *recording.notes]
