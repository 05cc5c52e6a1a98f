"""Allen sessions, whatever the source: simulated or the real download; and a simulated session's truth.

`load_movie_session()` gives the same dataclass for both, so nothing after it knows who made the files.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from neurokit import settings
from neurokit.errors import DataError, SettingsError
from neurokit.files.cache import Read, read_or_write, simulated_folder
from neurokit.v1_transformer.allensdk_cache import fetch_session, open_cache
from neurokit.v1_transformer.recording import MovieSession, check_hdf5, check_movies, load_session
from neurokit.v1_transformer.simulated_files import (
    SessionTruth,
    read_session_truth,
    truth_path,
    write_session,
)
from neurokit.v1_transformer.simulation import SessionParameters, simulate_session

SESSION = 501559087  # a session B in primary visual cortex, which others have published on
MAKERS = (simulate_session, write_session)


def load_movie_session(
    session_id: int | None = None, *, source: settings.Source | None = None, seed: int = 0, **options: Any
) -> MovieSession:
    """The session of a source (default: that of NEUROKIT_SOURCE); `options` are those of `load_session`.

    demo simulates session `seed` once and keeps its files; full downloads `session_id` (hundreds of MB)
    into the cache under NEUROKIT_DATA. Raises SettingsError for an unknown source and for cutout, which has
    no movies, DataError for a session or movie that the source does not have, and what fetching and reading
    raise.
    """
    source, movies = settings.check_source(source), options.get("movies")
    check_movies(movies)
    if source == "cutout":
        raise SettingsError(
            "The source 'cutout' has no session with movies: set NEUROKIT_SOURCE to demo or full."
        )
    if source == "demo":
        parameters = SessionParameters(seed=seed)
        if session_id not in (None, parameters.session_id):
            finding = f"Session {session_id} is not on the demo source"
            raise DataError(f"{finding}; with seed {seed} it has {parameters.session_id} alone.")
        return load_simulated_session(parameters, **options)
    cache = open_cache(settings.data_folder() / "allen")
    session_id = SESSION if session_id is None else session_id
    return load_session(fetch_session(cache, session_id, movies), **options)


def load_simulated_session(parameters: SessionParameters, **options: Any) -> MovieSession:
    """A simulated session, read as any other; simulated on the first call (twenty seconds)."""
    return load_session(_simulated(parameters, check_hdf5), **options)


def session_truth(parameters: SessionParameters) -> SessionTruth:
    """What was planted in a simulated session, for tests and for what stands beside a model's score."""
    return _simulated(parameters, lambda path: read_session_truth(truth_path(path)))


def simulated_file(parameters: SessionParameters) -> Path:
    """The NWB of a simulated session, whether it is there yet or not."""
    folder = simulated_folder("allen", parameters.to_dict(), MAKERS)
    return folder / "ophys_experiment_data" / f"{parameters.session_id}.nwb"


def _simulated(parameters: SessionParameters, read: Callable[[Path], Read]) -> Read:
    path = simulated_file(parameters)
    folder = path.parent.parent
    return read_or_write(
        folder,
        str(truth_path(path).relative_to(folder)),
        lambda folder: write_session(simulate_session(parameters), folder),
        lambda _: read(path),
    )
