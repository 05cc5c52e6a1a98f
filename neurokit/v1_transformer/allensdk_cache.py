"""AllenSDK 2.16.2 beside numpy 2: its import, the catalogue of sessions, their download and opening.

AllenSDK is imported when it is first needed. Its own pins ask for numpy 1, so it is installed on top:

    pip install --no-deps allensdk==2.16.2

and needs only three names that numpy 2 has dropped (for import, catalogue and reading).

A cache is a folder: the catalogue in JSON files, and `ophys_experiment_data/<id>.nwb` for each session
that was fetched. What is there is not downloaded again. When AllenSDK asks the Allen Institute's server,
every wait has an end and every error is a sentence.
"""

import importlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import h5py
import numpy as np
import pandas as pd
import requests

from neurokit.errors import DataError, DiskError, FetchError, NeurokitError
from neurokit.files.atomic import atomic_write
from neurokit.files.hdf5 import Hdf5Reader, open_hdf5
from neurokit.progress import progress
from neurokit.simulation.movies import MOVIES
from neurokit.v1_transformer.simulated_files import PIPELINE

CHUNK_SIZE = 1 << 18  # bytes
MOST_METADATA = 10**6  # bytes of one entry
REMEDY = "remove it and fetch it again, or choose another session"
TIMEOUT = (10.0, 60.0)  # s to connect to the server, and between two pieces of its answer

Answer = TypeVar("Answer")
INSTALL = 'pip install -e ".[allen]" and then pip install --no-deps allensdk==2.16.2'
_COLUMNS = {
    "id": "session_id",
    "experiment_container_id": "container_id",
    "session_type": "session_type",
    "targeted_structure": "structure",
    "imaging_depth": "depth",
    "cre_line": "cre_line",
}


def import_allensdk() -> tuple[Any, Any]:
    """The classes BrainObservatoryNwbDataSet and BrainObservatoryCache; numpy is left as it was.

    Raises DataError, with the command that installs it, where AllenSDK is missing or cannot be imported.
    """
    try:
        reader, cache = _import_modules()
        _bridge_numpy(reader)
    except ModuleNotFoundError as error:
        if error.name == "allensdk":
            raise DataError(f"This needs AllenSDK, which is not installed: {INSTALL}.") from error
        raise _explain_import(error) from error
    except Exception as error:  # an import can fail in any way
        raise _explain_import(error) from error
    return reader.BrainObservatoryNwbDataSet, cache.BrainObservatoryCache


def _import_modules() -> tuple[ModuleType, ModuleType]:
    dropped = not hasattr(np, "VisibleDeprecationWarning")
    if dropped:
        vars(np)["VisibleDeprecationWarning"] = np.exceptions.VisibleDeprecationWarning
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of packages that AllenSDK imports, about one another
            names = ("brain_observatory_nwb_data_set", "brain_observatory_cache")
            reader, cache = (importlib.import_module(f"allensdk.core.{name}") for name in names)
    finally:
        if dropped:
            del vars(np)["VisibleDeprecationWarning"]
    return reader, cache


class _NumpyOfOne(ModuleType):
    """numpy with two names that numpy 2 has dropped, for the one module that asks for them."""

    string_, NaN = np.bytes_, np.nan

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


def _bridge_numpy(reader: ModuleType) -> None:
    if not hasattr(np, "string_") and not isinstance(reader.np, _NumpyOfOne):
        vars(reader)["np"] = _NumpyOfOne("numpy")


def _explain_import(error: Exception) -> DataError:
    finding = f"AllenSDK is installed but cannot be imported ({type(error).__name__}: {error})"
    if isinstance(error, OSError) and error.filename:  # its libraries make folders in the user's home
        return DataError(f"{finding}: let HOME name a folder that can be written to.")
    return DataError(f"{finding}: install it again with {INSTALL}.")


def open_cache(folder: str | Path) -> Any:
    """The BrainObservatoryCache in `folder`, made where there is none; asks nothing of the network.

    Raises DataError where the folder's manifest is damaged or AllenSDK is missing, DiskError where
    the folder cannot be written.
    """
    _, cache_class = import_allensdk()
    manifest = Path(folder) / "manifest.json"
    try:
        return cache_class(manifest_file=str(manifest), api=server_api())
    except OSError as error:
        raise DiskError(f"{manifest} could not be written ({error}): choose another folder.") from error
    except Exception as error:  # AllenSDK looks into the file without checks
        finding = f"{manifest} is not a manifest of AllenSDK ({type(error).__name__}: {error})"
        raise DataError(f"{finding}: remove it; a new one is made.") from error


def server_api() -> Any:
    """AllenSDK's access to the server, without a needless query, and with an end to every wait.

    AllenSDK must have been imported by `import_allensdk` before.
    """
    base: Any = importlib.import_module("allensdk.api.queries.brain_observatory_api").BrainObservatoryApi

    class PatientApi(base):
        def template_query(self, template_name: str, entry_name: str, **values: Any) -> Any:
            if entry_name == "all_eye_mapping_files":  # asked for even where the catalogue is there
                return []
            return super().template_query(template_name, entry_name, **values)

        def retrieve_parsed_json_over_http(self, url: str, post: bool = False) -> Any:
            answer = requests.get(requests.utils.quote(url, ";/?:@&=+$,"), timeout=TIMEOUT)
            answer.raise_for_status()
            found = answer.json()
            if not found.get("success", True):  # else AllenSDK keeps the server's complaint as the catalogue
                raise requests.RequestException(f"it says {found.get('msg')!r}")
            return found

        def retrieve_file_over_http(self, url: str, file_path: str, zipped: bool = False) -> None:
            with requests.get(url, stream=True, timeout=TIMEOUT) as answer, open(file_path, "wb") as file:
                answer.raise_for_status()
                total = int(answer.headers.get("Content-Length", 0)) or None
                with progress(total=total, desc=Path(url).name[:20], unit="B", unit_scale=True) as bar:
                    for piece in answer.iter_content(CHUNK_SIZE):
                        bar.update(file.write(piece))

    return PatientApi()


def find_sessions(
    cache: Any,
    *,
    structure: str = "VISp",
    movie: str = "natural_movie_one",
    depth: int | None = None,
    cre_line: str | None = None,
) -> pd.DataFrame:
    """Sessions in that area that showed the movie, one a row, in the order of their numbers.

    Columns: session_id, container_id, session_type, structure, depth (um), cre_line. The catalogue comes
    from the cache's JSON, which is fetched where it is not there. Raises DataError where no session
    fits or a file of the catalogue is damaged, FetchError where the server does not answer.
    """
    wanted: dict[str, list[Any]] = {"targeted_structures": [structure], "stimuli": [movie]}
    wanted |= {"imaging_depths": [depth]} if depth is not None else {}
    wanted |= {"cre_lines": [cre_line]} if cre_line is not None else {}
    found = _catalogue(cache, **wanted)
    if not found:
        choice = f"structure {structure!r}, movie {movie!r}, depth {depth}, cre_line {cre_line!r}"
        raise DataError(f"No session has {choice}: leave one of these out; depth is in micrometres.")
    table = pd.DataFrame(found).rename(columns=_COLUMNS)[list(_COLUMNS.values())]
    return table.sort_values("session_id", ignore_index=True)


def fetch_session(cache: Any, session_id: int, movies: str | Sequence[str] | None = None) -> Path:
    """The path of a session's NWB, downloaded where it is not there (hundreds of MB).

    The catalogue is read first. Raises DataError where it lacks the session, or the session did not show the
    `movies`, FetchError where the server does not answer or sends no complete file, DiskError where
    the file cannot be written; no part of a file is left then.
    """
    path = Path(cache.get_cache_path(None, cache.EXPERIMENT_DATA_KEY, session_id))
    if path.is_file():
        return path
    _check_listed(cache, session_id, [movies] if isinstance(movies, str) else movies or ())
    with atomic_write(path) as temporary:
        ask(lambda: cache.api.save_ophys_experiment_data(session_id, str(temporary)), f"session {session_id}")
        check_whole(temporary, session_id)
    return path


def _check_listed(cache: Any, session_id: int, movies: Sequence[str]) -> None:
    """Raises DataError for a session that the catalogue lacks, or a movie that the session lacks."""
    known = [session["id"] for session in _catalogue(cache, include_failed=True)]
    if session_id not in known:
        near = get_close_matches(str(session_id), map(str, known), cutoff=0)
        raise DataError(
            f"Session {session_id} is none of the {len(known)} in the catalogue; numbers like it are "
            f"{', '.join(near)}: find_sessions lists them."
        )
    one = {"ids": [session_id], "include_failed": True}
    shown = [movie for movie in MOVIES if _catalogue(cache, stimuli=[movie], **one)]
    if missing := [movie for movie in movies if movie not in shown]:
        raise DataError(
            f"Session {session_id} did not show {', '.join(missing)}, only {', '.join(shown)}: "
            "choose another session or movie."
        )


def check_whole(path: Path, session_id: int) -> None:
    """Raises FetchError where the session's file is cut short or something else."""
    try:
        h5py.File(path, locking=False).close()  # `atomic_write` holds a lock of its own
    except OSError as error:
        raise FetchError(
            f"What the Allen Institute's server sent for session {session_id} is not a complete HDF5 file "
            f"({error}): try again later; no part of it was saved."
        ) from error


def _catalogue(cache: Any, **wanted: Any) -> list[dict[str, Any]]:
    """Entries of the catalogue, fetched where it is not there; DataError where it is damaged."""
    try:
        return ask(lambda: cache.get_ophys_experiments(**wanted), "the catalogue of sessions")
    except ValueError as error:
        path = cache.get_cache_path(None, cache.EXPERIMENTS_KEY)
        raise DataError(f"{path} is damaged ({error}): remove it, it is fetched again.") from error


def ask(question: Callable[[], Answer], what: str) -> Answer:
    """The answer; raises FetchError where the server sends none, and lets OSError and ValueError pass."""
    try:
        return question()
    except requests.RequestException as error:
        remedy = "look at the network and try again; no part of it was saved"
        raise FetchError(f"The Allen Institute's server did not send {what} ({error}): {remedy}.") from error
    except (NeurokitError, OSError, ValueError):  # the caller says what was wrong
        raise
    except Exception as error:  # AllenSDK raises plain exceptions for what a server lacks
        raise FetchError(f"AllenSDK could not get {what} ({type(error).__name__}: {error}).") from error


def open_session(stored: Hdf5Reader) -> Any:
    """AllenSDK's reader of the session in an NWB.

    Raises DataError where AllenSDK is missing, and for a file that is not of the Brain Observatory, holds
    metadata that AllenSDK cannot read, or is of a pipeline newer than AllenSDK knows.
    """
    reader, _ = import_allensdk()
    path = Path(stored.file.filename)
    _check_kind(stored, path)
    for place in reader.FILE_METADATA_MAPPING.values():
        if stored.find(place) is not None:  # AllenSDK does without some
            stored.array(place, "Siuf", most=MOST_METADATA)
    with explain_failure(path, "metadata of a session"):
        dataset = reader(str(path))
        version = dataset.pipeline_version
        newest = type(version)(reader.SUPPORTED_PIPELINE_VERSION)
    if version > newest:
        raise DataError(
            f"{path} is of pipeline {version}, and this AllenSDK reads up to {newest}: install a newer "
            "AllenSDK or choose another session."
        )
    return dataset


def is_session(path: Path) -> bool:
    """Whether a file is of the Brain Observatory, as `open_session` reads it; looks without reading."""
    if not path.is_file():
        return False
    try:
        with open_hdf5(path, REMEDY) as stored:
            _check_kind(stored, path)
    except DataError:
        return False
    return True


def _check_kind(stored: Hdf5Reader, path: Path) -> None:
    """Raises DataError for files of other projects, before AllenSDK warns of all that they lack."""
    wanted = "a session of the Brain Observatory is an NWB 1 file, which fetch_session downloads"
    if "nwb_version" in stored.file.attrs:
        raise DataError(f"{path} is an NWB {stored.attribute('/', 'nwb_version')} file: {wanted}.")
    for place in (PIPELINE, "stimulus/presentation"):
        if not isinstance(stored.find(place), h5py.Group):
            raise DataError(f"{path} is an HDF5 file without {place}: {wanted}.")


def check_hdf5(path: Path) -> Path:
    """The path itself; raises DataError where the file is missing, cut short or not HDF5."""
    with open_hdf5(path, REMEDY):
        return path


@contextmanager
def explain_failure(path: Path, what: str) -> Iterator[None]:
    """Turns whatever goes wrong while AllenSDK reads `what` into a DataError of one sentence."""
    try:
        yield
    except (NeurokitError, MemoryError):
        raise
    except Exception as error:  # AllenSDK lets pass whatever its libraries raise
        finding = f"{path} has no {what} ({type(error).__name__}: {error})"
        raise DataError(f"{finding}: fetch it again or choose another session.") from error
