"""Allen sessions, whatever the tier: simulated or the real download; and a simulated session's truth.

`load_movie_session()` gives the same dataclass for both, so nothing after it knows who made the files.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from neurokit import settings
from neurokit.data.allen import MovieSession, check_hdf5, load_session
from neurokit.data.allen_sdk import fetch_session, open_cache
from neurokit.data.allen_truth import SessionTruth, read_session_truth, truth_path
from neurokit.data.simulated import Read, kept, simulated_folder
from neurokit.errors import SettingsError
from neurokit.simulate import allen, allen_files, allen_schedule, movie_cells, movies
from neurokit.simulate.allen import simulate_session
from neurokit.simulate.allen_files import write_session
from neurokit.simulate.allen_schedule import SessionParameters

SESSION = 501559087  # a session B in primary visual cortex, which others have published on
MODULES = (allen, allen_files, allen_schedule, movie_cells, movies)


def load_movie_session(
    session_id: int | None = None, *, tier: settings.Tier | None = None, seed: int = 0, **options: Any
) -> MovieSession:
    """The session of a tier (default: that of NEUROKIT_TIER); `options` are those of `load_session`.

    demo simulates session `seed` once and keeps its files; full downloads `session_id` (hundreds of MB)
    into the cache under NEUROKIT_DATA. Raises SettingsError for cutout, which has no movies, and what
    fetching and reading raise.
    """
    tier = tier or settings.tier()
    if tier == "cutout":
        raise SettingsError(
            "The tier 'cutout' has no session with movies: set NEUROKIT_TIER to demo or full."
        )
    if tier == "demo":
        return load_simulated_session(SessionParameters(seed=seed), **options)
    cache = open_cache(settings.data_folder() / "allen")
    return load_session(fetch_session(cache, session_id or SESSION), **options)


def load_simulated_session(parameters: SessionParameters, **options: Any) -> MovieSession:
    """A simulated session, read as any other; simulated on the first call (twenty seconds)."""
    return load_session(_simulated(parameters, check_hdf5), **options)


def session_truth(parameters: SessionParameters) -> SessionTruth:
    """What was planted in a simulated session, for tests and for what stands beside a model's score."""
    return _simulated(parameters, lambda path: read_session_truth(truth_path(path)))


def _simulated(parameters: SessionParameters, read: Callable[[Path], Read]) -> Read:
    path = Path("ophys_experiment_data") / f"{parameters.session_id}.nwb"
    folder = simulated_folder("allen", parameters.to_dict(), MODULES)
    return kept(
        folder,
        str(truth_path(path)),
        lambda folder: write_session(simulate_session(parameters), folder),
        lambda folder: read(folder / path),
    )
