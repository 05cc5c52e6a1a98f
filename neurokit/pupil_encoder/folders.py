"""The sessions in a folder or file of one's own, each by its name, and what reads it.

Neuromatch npz and small npz like them come first; where there are none, ALF folders of Steinmetz et al.
(2019), and where there is none of these, every format of `neurokit.recordings` is tried.
"""

import zipfile
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from neurokit.errors import DataError
from neurokit.files.archives import limit_of, read_npz
from neurokit.files.atomic import restore_folder
from neurokit.files.reading import check_is_file
from neurokit.pupil_encoder.alf import read_alf
from neurokit.pupil_encoder.alf_folder import ONSETS
from neurokit.pupil_encoder.neuromatch import MAXIMUM_BYTES, open_sessions, read_counts, read_cutout
from neurokit.pupil_encoder.own import from_recording
from neurokit.pupil_encoder.recording import TrialRecording
from neurokit.pupil_encoder.simulated_files import TRUTH
from neurokit.recordings.formats import choose_recording, list_recordings, read

NATIVE = "Neuromatch npz, ALF folders of Steinmetz et al."
Held = list[tuple[str, Callable[[], TrialRecording]]]


def open_folder(path: Path) -> Held:
    """All sessions in a folder or file, in order of their names; raises DataError where there are none."""
    held = _open_native(restore_folder(path))
    if held:
        return held
    choose_recording(path, list(list_recordings(path))[:1], native=NATIVE)  # refuses a path without any
    return [(name, partial(_read_other, file)) for name, file in list_recordings(path).items()]


def read_folder(path: Path, name: str | None = None) -> TrialRecording:
    """The session of that name; without one the first of native files, and of others the only one.

    Raises DataError for an unknown name, and where several have it.
    """
    held = _open_native(restore_folder(path))
    if not held:
        return _read_other(choose_recording(path, name or (), native=NATIVE))
    if (number := sum(each == name for each, _ in held)) > 1:
        raise DataError(f"{path} holds {number} sessions of the name {name!r}; leave one of these there.")
    return pick(held, name)


def pick(sessions: Iterable[tuple[str, Callable[[], TrialRecording]]], name: str | None) -> TrialRecording:
    """Reads the session of that name, or the first; raises DataError where there is none."""
    names = []
    for found, read_it in sessions:
        if name in (None, found):
            return read_it()
        names.append(found)
    raise unknown_session(name, names)


def unknown_session(name: str | None, names: Sequence[str]) -> DataError:
    """The error for a name that is not among those of a source."""
    return DataError(f"No session is named {name!r}; this source has {', '.join(names) or 'none'}.")


def _open_native(path: Path) -> Held:
    """The sessions in files of Steinmetz et al. (2019); none where there are no such files."""
    files = [path] if path.is_file() else sorted(path.glob("*.npz"))
    held = [session for file in files if file.name != TRUTH for session in _open_npz(file)]
    return held or [(folder.name, partial(_read_alf, folder)) for folder in _alf_folders(path)]


def _open_npz(path: Path) -> Held:
    """The sessions of a native npz; none for one of another kind."""
    arrays = _names(path)
    if arrays is None or "dat" in arrays:
        return open_sessions(path)
    for key, reader in (("behav_time_from_stim", read_cutout), ("bin_times", read_counts)):
        if {"spks", key} <= arrays:
            words: list[str] = [word for word in ("mouse_name", "date_exp") if word in arrays]
            named = read_npz(path, limit_of(path, MAXIMUM_BYTES), words)
            return [("_".join(str(named[word]) for word in words) or path.stem, partial(reader, path))]
    return []


def _names(path: Path) -> set[str] | None:
    """The arrays of an npz; None for a file that is no zip, which its reader refuses."""
    check_is_file(path)
    try:
        with zipfile.ZipFile(path) as archive:
            return {name.removesuffix(".npy") for name in archive.namelist()}
    except (OSError, zipfile.BadZipFile):
        return None if path.suffix == ".npz" else set()


def _alf_folders(path: Path) -> list[Path]:
    """The path itself, or the folders in it, where stimulus times lie."""
    if not path.is_dir():
        return []
    inside = sorted(each for each in path.iterdir() if each.is_dir())
    return [each for each in (path, *inside) if (each / f"{ONSETS}.npy").is_file()]


def _read_alf(folder: Path) -> TrialRecording:
    return read_alf(folder).recording()


def _read_other(path: Path) -> TrialRecording:
    return from_recording(read(path))
