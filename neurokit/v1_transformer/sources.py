"""Sessions with movies, whatever the source: simulated, your own, or the real download.

`load()` gives the same dataclass for all, so nothing after it knows where the files come from. A folder is
laid out as AllenSDK's cache, which is also how sessions are simulated, or holds recordings in any format that
`neurokit.recordings` reads.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from neurokit import settings
from neurokit.arguments import explain_failure
from neurokit.errors import DataError, SettingsError
from neurokit.files.atomic import restore_folder
from neurokit.files.cache import read_or_write, simulated_folder
from neurokit.recordings.formats import choose_recording
from neurokit.recordings.formats import read as read_recording
from neurokit.recordings.listing import list_contents
from neurokit.simulation.movies import MOVIES
from neurokit.v1_transformer.allensdk_cache import (
    check_hdf5,
    fetch_session,
    find_sessions,
    import_allensdk,
    is_session,
    open_cache,
)
from neurokit.v1_transformer.config import TransformerConfig
from neurokit.v1_transformer.own import from_recording
from neurokit.v1_transformer.recording import MovieSession, load_session
from neurokit.v1_transformer.simulated_files import read_truth, truth_path, write_session
from neurokit.v1_transformer.simulation import SESSIONS, SessionParameters, SessionType, simulate_session

SESSION = 501704220  # in primary visual cortex; 150 s of movies, where the session B of these cells has 30
SESSION_TYPE: SessionType = "three_session_A"
MAKERS = (simulate_session, write_session)
DATA = "ophys_experiment_data"  # the folder of AllenSDK's cache that holds the sessions
CATALOGUE = "ophys_experiments.json"


@explain_failure
def load(
    *,
    source: settings.Source | None = None,
    folder: str | Path | None = None,
    session: Sequence[str] | str = (),
    seed: int = 0,
    config: TransformerConfig | None = None,
) -> MovieSession:
    """The session of a source (default: that of NEUROKIT_SOURCE), or of a `folder` of your own.

    A folder is one that `simulate` writes, an NWB of the Brain Observatory or a folder of them, or a
    recording, or several of which `session` names one, in a format that `neurokit.recordings` reads.
    demo simulates session `seed` once and keeps its files; full downloads the session of that number
    (default: SESSION; hundreds of MB) into the cache under NEUROKIT_DATA. `config` says which movies and
    cells are read, whether running is, and the size that frames are shrunk to; None reads all, as
    `load_session` does. Raises SettingsError for an unknown source, for cutout, which has no movies, and for
    anything but the number of one session; DataError for a session that is not there, for missing or damaged
    files, and without AllenSDK; FetchError where a download fails. Arguments are checked before anything is
    simulated or downloaded.
    """
    source = settings.check_source(source)
    if folder is not None:
        return _load_folder(restore_folder(folder), session, config)
    number = _session_number(session)
    _check_movies(config)
    if source == "cutout":
        raise SettingsError(
            "The source 'cutout' has no session with movies: set NEUROKIT_SOURCE to demo or full."
        )
    if source == "demo":
        return load_simulated(_demo_parameters(seed, number), config)
    cache = open_cache(settings.data_folder() / "allen")
    movies = None if config is None else config.movies
    return _read_session(fetch_session(cache, SESSION if number is None else number, movies), config)


@explain_failure
def sessions(source: settings.Source, seed: int = 0, *, folder: str | Path | None = None) -> pd.DataFrame:
    """A row a session: session, session_type, and the movies that it shows; of a `folder`, what it holds.

    On the full source they are all of primary visual cortex, with depth (um) and cre_line, once the catalogue
    has been downloaded, and before that SESSION alone.
    """
    if folder is not None:
        held = _find_files(restore_folder(folder))
        return pd.DataFrame({"session": list(held)}) if held else list_contents(folder)
    if source == "cutout":
        return _list_sessions(pd.DataFrame({"session_id": [], "session_type": []}))
    if source == "demo":
        parameters = SessionParameters(seed=seed)
        one = {"session_id": [parameters.session_id], "session_type": [parameters.session_type]}
        return _list_sessions(pd.DataFrame(one))
    folder = settings.data_folder() / "allen"
    if not (folder / CATALOGUE).is_file():
        return _list_sessions(pd.DataFrame({"session_id": [SESSION], "session_type": [SESSION_TYPE]}))
    return _list_sessions(find_sessions(open_cache(folder)))


def load_simulated(parameters: SessionParameters, config: TransformerConfig | None = None) -> MovieSession:
    """A simulated session, read as any other; simulated on the first call (twenty seconds).

    Raises DataError without AllenSDK, before anything is simulated, and DiskError.
    """
    import_allensdk()
    folder = simulated_folder("allen", parameters.to_dict(), MAKERS)
    path = Path(DATA) / f"{parameters.session_id}.nwb"

    def write(folder: Path) -> None:
        write_session(simulate_session(parameters), folder)

    def check(folder: Path) -> Path:
        read_truth(truth_path(folder / path))
        return check_hdf5(folder / path)

    return _read_session(read_or_write(folder, str(truth_path(path)), write, check), config)


def _load_folder(
    folder: Path, session: Sequence[str] | str, config: TransformerConfig | None
) -> MovieSession:
    """The session in an NWB of the Brain Observatory, in a folder of them, or in another format."""
    if not (files := _find_files(folder)):
        found = choose_recording(folder, session, f"{DATA}/<number>.nwb")
        options = {} if config is None else _options(config) | {"areas": config.areas}
        return from_recording(read_recording(found), **options)
    number = _session_number(session)
    path = folder if folder.is_file() else _find_session(folder, files, number)
    found_session = _read_session(path, config)
    if number not in (None, found_session.session_id):
        holds = f"{path} holds session {found_session.session_id}"
        raise DataError(f"{holds}: name that, or give the file its name.")
    return found_session


def _options(config: TransformerConfig) -> dict[str, Any]:
    """What of a session is read."""
    return {"movies": config.movies, "without": config.without, "size": config.model.frame}


def _check_movies(config: TransformerConfig | None) -> None:
    """Raises SettingsError for movies that no Allen session shows."""
    named = (config and config.movies) or ()
    if unknown := [name for name in named if name not in MOVIES]:
        asked = ", ".join(map(repr, unknown))
        raise SettingsError(f"No movie is named {asked}; movies are {', '.join(MOVIES)}.")


def _read_session(path: Path, config: TransformerConfig | None) -> MovieSession:
    """The session in an NWB, with the truth that lies beside a simulated one."""
    options: dict[str, Any] = {}
    if config is not None:
        options = _options(config) | {"running": config.running != "none"}
    truth = truth_path(path)
    return replace(load_session(path, **options), truth=truth if truth.is_file() else None)


def _find_files(folder: Path) -> dict[str, Path]:
    """The NWBs of the Brain Observatory by name: a file, those of AllenSDK's cache, or those of a folder."""
    if is_session(folder):
        return {folder.stem: folder}
    cached = sorted((folder / DATA).glob("*.nwb"))
    found = cached or [path for path in sorted(folder.glob("*.nwb")) if is_session(path)]
    return {path.stem: path for path in found}


def _find_session(folder: Path, found: dict[str, Path], number: int | None) -> Path:
    """The NWB of a session among those of a folder."""
    if number is None and len(found) > 1:
        raise DataError(f"{folder} holds the sessions {', '.join(found)}: name one of them.")
    if number is not None and str(number) not in found:
        raise DataError(f"{folder} holds no session {number}, only {', '.join(found)}.")
    return next(iter(found.values())) if number is None else found[str(number)]


def _demo_parameters(seed: int, number: int | None) -> SessionParameters:
    parameters = SessionParameters(seed=seed)
    if number not in (None, parameters.session_id):
        raise DataError(
            f"Session {number} is not on the demo source; with seed {seed} that has {parameters.session_id}."
        )
    return parameters


def _session_number(session: Sequence[str] | str) -> int | None:
    names = [session] if isinstance(session, str) else list(session)
    if len(names) > 1:
        raise SettingsError(f"A V1 Transformer reads one session, and {len(names)} are named; name one.")
    if names and not names[0].strip().isdecimal():
        raise SettingsError(
            f"Session {names[0]!r} is no number; give Allen's number of a session, as `data --list` shows."
        )
    return int(names[0]) if names else None


def _list_sessions(table: pd.DataFrame) -> pd.DataFrame:
    shown = [_shown_movies(kind) for kind in table["session_type"]]
    table = table.rename(columns={"session_id": "session"}).assign(movies=shown)
    first = ["session", "session_type", "movies"]
    return table[first + [name for name in ("depth", "cre_line") if name in table]].astype({"session": str})


def _shown_movies(session_type: str) -> str:
    names = {name for kind, blocks in SESSIONS.items() if kind == session_type for name, _ in blocks}
    return ", ".join(sorted(names - {"spontaneous"}))
