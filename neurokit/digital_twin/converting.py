"""What `neurokit digital-twin convert` does: files of other formats, and of MICrONS, written as trials."""

import re
from collections.abc import Sequence
from pathlib import Path

from neurokit.digital_twin.conversion import convert_microns
from neurokit.digital_twin.microns import list_scans, load_scan
from neurokit.digital_twin.own import convert_recording
from neurokit.digital_twin.properties import scan_key
from neurokit.digital_twin.sources import describe, open_trials
from neurokit.errors import DataError, SettingsError
from neurokit.recordings.conversion import WRITERS, convert, tell
from neurokit.recordings.formats import choose_recording, read, recognise
from neurokit.recordings.movies import activity_trace, choose_movies
from neurokit.recordings.recording import Recording

HDF5 = (".h5", ".hdf5")


def convert_path(
    path: str | Path,
    folder: str | Path,
    *,
    session: Sequence[str] | str,
    to: str,
    movies: Sequence[str] | None,
    areas: Sequence[str] | None,
    size: tuple[int, int],
) -> list[str]:
    """Writes the recording in a path into `folder`, and returns lines on what it is and what it lacks.

    `to` is trials, arrays or experanto; `session` names one of several. Raises SettingsError for another
    format, and DataError as reading and writing do.
    """
    path, folder = Path(path), Path(folder)
    if to not in ("trials", *WRITERS):
        raise SettingsError(f"format is {to!r}; use one of trials, {', '.join(WRITERS)}.")
    microns = path.suffix in HDF5 and recognise(path) is None
    if to != "trials" and not microns:
        return convert(path, folder, session=session, to=to, make=_check_movies, describe=str)
    if to != "trials":
        raise SettingsError(f"{path} is no recording of one clock; leave out the format, for trials.")
    names = [session] if isinstance(session, str) else list(session)
    lines = (
        _convert_scan(path, folder, names, areas, size)
        if microns
        else _convert_one(path, folder, names, movies, areas, size)
    )
    return [*lines, describe(open_trials(folder)), f"wrote {folder} (trials)"]


def _check_movies(recording: Recording) -> str:
    """What a twin will see of a recording that is written in another format; DataError for nothing."""
    movies = choose_movies(recording)
    activity_trace(recording)
    return f"  movies {', '.join(movie.name for movie in movies)}"


def _convert_one(
    path: Path,
    folder: Path,
    session: Sequence[str],
    movies: Sequence[str] | None,
    areas: Sequence[str] | None,
    size: tuple[int, int],
) -> list[str]:
    chosen = choose_recording(path, session)
    recording = read(chosen)
    convert_recording(recording, folder, movies=movies, areas=areas, size=size)
    return tell(recording, chosen)


def _convert_scan(
    path: Path, folder: Path, session: Sequence[str], areas: Sequence[str] | None, size: tuple[int, int]
) -> list[str]:
    """One scan of MICrONS, named as 4-7."""
    there = {scan_key(*scan): scan for scan in list_scans(path)}
    names = [re.sub("_", "-", name) for name in session]
    if len(names) != 1 or names[0] not in there:
        asked = f"no scan {', '.join(names)}" if names else f"{len(there)} scans"
        raise DataError(f"{path} has {asked}: name one of {', '.join(there)} with session (--session).")
    scan = load_scan(path, *there[names[0]], areas=areas)
    convert_microns(scan, path, folder, size=size)
    return [f"{path} is the file of MICrONS; scan {names[0]}, sampled at 7.5 Hz and drawn between samples"]
