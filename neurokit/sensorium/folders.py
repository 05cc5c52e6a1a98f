"""The recordings in a folder of one's own: scans in the competition's layout, or any format that is read.

A scan in the competition's layout may have any name. Where there is none, the folder, or a file in its
place, holds recordings of `neurokit.recordings`: each is read once, and packed as a scan is.
"""

import hashlib
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from neurokit import recordings, settings
from neurokit.errors import DataError, SettingsError
from neurokit.files.atomic import restore_folder
from neurokit.files.cache import code_digest
from neurokit.files.reading import check_is_file, state_of
from neurokit.recordings.formats import READERS
from neurokit.recordings.listing import list_stimuli
from neurokit.sensorium.files import plain_name, scan_key
from neurokit.sensorium.pack import read_or_pack
from neurokit.sensorium.recorded import read_recording
from neurokit.sensorium.recording import Scan, make_scan


def find_own(
    folder: Path, read_scan: Callable[[Path], Scan], seed: int = 0, reading: Mapping[str, Any] = {}
) -> Mapping[str, Callable[[], Scan]]:
    """What reads each recording of a folder, by its key; `read_scan` those in the competition's layout.

    `seed` is that of parts that a recording does not have, `reading` what is chosen of it (`window`,
    `stimulus`). Raises DataError where nothing is there that can be read, and where two have one name;
    SettingsError for a choice where responses are those of the competition's files.
    """
    scans, others = _find(folder)
    if scans and reading:
        raise SettingsError(
            f"{' and '.join(reading)} cannot be chosen in {folder}: its files hold one response a trial."
        )
    return {key: partial(read_scan, path) for key, path in scans.items()} | {
        key: partial(_read_recording, path, key, seed, reading) for key, path in others.items()
    }


def has_behaviour(folder: Path, session: Sequence[str] = (), seed: int = 0) -> bool:
    """Whether any recording of a folder, or any of these sessions, has behaviour or eye.

    Scans in the competition's layout are not read, but looked at: files of zeros are behaviour here.
    """
    keys = {plain_name(name) for name in session}
    scans, others = ({k: v for k, v in each.items() if not keys or k in keys} for each in _find(folder))
    return any(map(_has_behaviour, scans.values())) or any(
        _read_recording(path, key, seed).has_behaviour for key, path in others.items()
    )


def list_own(folder: Path) -> pd.DataFrame:
    """A row a recording of a folder: session, file, format, and the sets of images that can be chosen.

    A recording that cannot be read has the reason in its row. Raises as `find_own` does.
    """
    scans, others = _find(folder)
    rows = [(key, path.name, "SENSORIUM", "") for key, path in scans.items()]
    rows += [(key, path.name, *_contents(path)) for key, path in others.items()]
    return pd.DataFrame(rows, columns=["session", "file", "format", "images"])


def _contents(path: Path) -> tuple[str, str]:
    """The format of a recording and its sets of images, or why it cannot be read."""
    try:
        return recordings.recognise(path) or "", list_stimuli(recordings.read(path), "images")
    except DataError as error:
        return str(error), ""


def _find(folder: Path) -> tuple[dict[str, Path], dict[str, Path]]:
    """Scans in the competition's layout by key, and recordings in another format where there are none."""
    folder = restore_folder(folder)
    scans = _by_key(folder, _find_scans(folder))
    others = {} if scans else _by_key(folder, _find_recordings(folder))
    if not scans and not others:
        raise DataError(
            f"{folder} holds no scan; name the folder of static<key>-GrayImageNet-<hash>.zip, of scans in "
            "that layout under any name, or of a recording that `neurokit check` knows."
        )
    return scans, others


def _by_key(folder: Path, paths: Iterable[Path]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in paths:
        key = scan_key(path.name) or plain_name(path.stem if path.is_file() else path.absolute().name)
        if key in found:
            raise DataError(f"{folder} holds scan {key} twice ({found[key].name}, {path.name}): leave one.")
        found[key] = path
    return found


def _find_scans(folder: Path) -> list[Path]:
    """The zips and folders in the competition's layout: the folder itself, or those in it."""
    if folder.is_file() or _is_layout(folder):
        return [folder] if _is_scan(folder) else []
    inside = sorted(folder.iterdir()) if folder.is_dir() else []
    return [path for path in inside if _is_scan(path)]


def _is_scan(path: Path) -> bool:
    """By its name, or by what it holds."""
    if path.is_dir():
        return scan_key(path.name) is not None or _is_layout(path)
    if path.suffix != ".zip" or path.is_dir():
        return False
    check_is_file(path)  # what cannot be read is said, and not passed over
    return scan_key(path.name) is not None or any("data/images/" in name for name in _list_zip(path))


def _is_layout(folder: Path) -> bool:
    return (folder / "data" / "images").is_dir() and (folder / "meta").is_dir()


def _list_zip(path: Path) -> list[str]:
    """The names in a zip; none where it cannot be read, since it may be anything."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return []


def _has_behaviour(path: Path) -> bool:
    fields = ("data/behavior/", "data/pupil_center/")
    if path.is_file():
        return any(field in name for name in _list_zip(path) for field in fields)
    return any(any(path.glob(f"{above}{field}*.npy")) for above in ("", "*/") for field in fields)


def _find_recordings(folder: Path) -> list[Path]:
    return list(recordings.list_recordings(folder).values()) if folder.exists() else []


def _read_recording(path: Path, key: str, seed: int, reading: Mapping[str, Any] = {}) -> Scan:
    """A recording in any format, from its pack if that is of the same files and choices."""
    fingerprint = _fingerprint(path, seed, reading)
    chosen = "".join(f" {name}={value}" for name, value in reading.items())
    place = hashlib.sha256(f"{path.absolute()} {seed}{chosen}".encode()).hexdigest()[:8]
    folder = settings.data_folder() / "packed"
    contents = partial(_standardise, path, key, seed, reading)
    return make_scan(key, fingerprint, read_or_pack(folder, f"{key}-{place}", fingerprint, contents))


def _standardise(path: Path, key: str, seed: int, reading: Mapping[str, Any]) -> dict:
    return read_recording(recordings.read(path), key, seed=seed, **reading)


def _fingerprint(path: Path, seed: int, reading: Mapping[str, Any]) -> str:
    """Others where a file was changed, added or removed, and where a reader reads it in another way."""
    code = code_digest((read_recording.__module__, *READERS))
    files = [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())
    facts = [(each.relative_to(path).as_posix(), *state_of(each.stat())) for each in files]
    return hashlib.sha256(repr((seed, code, facts, *reading.items())).encode()).hexdigest()[:16]
