"""Sessions of the Allen Brain Observatory (de Vries et al., Nature Neuroscience 23, 138-151, 2020).

Mice looked at natural movies, ten times each, while a two-photon microscope watched cells of their visual
cortex. `load_session` reads one session's NWB through AllenSDK (2.16.2): dF/F, running, pupil, and the
movies with the times of their frames.

A real session has about 115,000 samples and up to a few hundred cells. With 200 cells and movies one and
three it takes 140 MiB: 88 of dF/F and, at 76 x 152 pixels, 50 of movies; 235 MiB at the peak of reading
(measured on a made-up file of that size). The movies at full size (665 MB for movie three) are never in
memory, unless asked for with `size=None`.

Letters: S samples of the microscope (about 30 Hz), N cells.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from jaxtyping import Float, Float32, Int

from neurokit.errors import DataError
from neurokit.simulation.movies import MOVIES
from neurokit.v1_transformer.allen_files import (
    Movie,
    read_movie,
    read_pupil,
    read_running,
    read_traces,
    reading,
)
from neurokit.v1_transformer.allensdk_cache import import_allensdk


@dataclass(frozen=True, eq=False)
class MovieSession:
    """One session: what a mouse saw, what its cells, its legs and its eye did.

    Attributes:
        session_id: AllenSDK's number of the session (its "ophys experiment").
        session_type: three_session_A, _B, _C or _C2.
        structure: visual area, such as VISp (primary visual cortex).
        depth: micrometres below the surface.
        cre_line: the line of mice, which tells the kind of cells, such as Cux2-CreERT2.
        pipeline: version of the Allen Institute's processing, such as 3.0.
        cell_ids: in the order of the file; equal for the same cell in other sessions of its container.
        time: s, of each sample.
        dff: dF/F as a fraction.
        running: cm/s, NaN where not measured, which is so at both ends of a session.
        pupil: azimuth (deg), altitude (deg), size (pixels), NaN where not seen; None where not recorded.
        movies: by name.
        truth: file with what was planted in a simulated session, where that lies beside it.
    """

    session_id: int
    session_type: str
    structure: str
    depth: int
    cre_line: str
    pipeline: str
    cell_ids: Int[np.ndarray, "N"]
    time: Float[np.ndarray, "S"]
    dff: Float32[np.ndarray, "N S"]
    running: Float32[np.ndarray, "S"]
    pupil: Float32[np.ndarray, "S 3"] | None
    movies: dict[str, Movie]
    truth: Path | None = None


def load_session(
    path: str | Path,
    *,
    movies: Sequence[str] | None = None,
    cells: Sequence[int] | None = None,
    without: Sequence[int] = (),
    running: bool = True,
    size: tuple[int, int] | None = (76, 152),
) -> MovieSession:
    """The session in an NWB, with all its natural movies or those named.

    `cells` and `without` are ids to keep and to leave out, in any order; the cells come in the order of the
    file. `running=False` reads a session that has no running speed; it is NaN then. Frames are shrunk to
    `size`, rows and columns; smaller ones and `size=None` are left as they are.

    Raises DataError where AllenSDK is missing, and where the file is missing, damaged, of a pipeline
    newer than AllenSDK knows, or lacks what was asked for; the message names what to leave out.
    """
    path = Path(path)
    dataset = _dataset(path)
    with reading(path, "metadata of a session"):
        facts = _facts(dataset.get_metadata(), path)
    with reading(path, "list of stimuli"):
        shown = dataset.list_stimuli()
    chosen = _chosen_movies(movies, shown, path)
    time, cell_ids, dff = read_traces(path, dataset, cells, without)
    found = {name: read_movie(path, dataset, name, size) for name in chosen}
    _check_times(found, len(time), path)
    return MovieSession(
        **facts,
        cell_ids=cell_ids,
        time=time,
        dff=dff,
        running=read_running(path, dataset, time)
        if running
        else np.full(len(time), np.nan, dtype=np.float32),
        pupil=read_pupil(path, dataset, time),
        movies=found,
    )


def check_hdf5(path: Path) -> Path:
    """The path itself; raises DataError where there is no file, or one that is cut short or no HDF5."""
    if not path.is_file():
        raise DataError(f"{path} is no file: fetch the session first, or look at the path.")
    try:
        h5py.File(path).close()
    except OSError as error:
        finding = f"{path} is cut short or no HDF5 file ({error})"
        raise DataError(f"{finding}: remove it and fetch the session again.") from error
    return path


_FACTS = {
    "session_id": "ophys_experiment_id",
    "session_type": "session_type",
    "structure": "targeted_structure",
    "depth": "imaging_depth_um",
    "cre_line": "cre_line",
    "pipeline": "pipeline_version",
}


def _dataset(path: Path) -> Any:
    reader, _ = import_allensdk()
    check_hdf5(path)
    with reading(path, "metadata of a session"):
        dataset = reader(str(path))
        version = dataset.pipeline_version
        newest = type(version)(reader.SUPPORTED_PIPELINE_VERSION)
    if version > newest:
        raise DataError(
            f"{path} is of pipeline {version}, and this AllenSDK reads up to {newest}: install a newer "
            "AllenSDK or choose another session."
        )
    return dataset


def _facts(metadata: dict, path: Path) -> dict[str, Any]:
    """Fields of MovieSession by name; AllenSDK leaves out what the file does not tell, or says None."""
    facts: dict[str, Any] = {field: metadata.get(theirs) for field, theirs in _FACTS.items()}
    missing = [field for field, value in facts.items() if value is None]
    if missing:
        raise DataError(f"{path} does not tell its {', '.join(missing)}: fetch the session again.")
    cre_line = facts["cre_line"].split("/")[0]  # the catalogue's word, without the other allele
    return facts | {"cre_line": cre_line}


def _chosen_movies(movies: Sequence[str] | None, shown: list[str], path: Path) -> list[str]:
    there = [name for name in MOVIES if name in shown]
    wanted = there if movies is None else [movies] if isinstance(movies, str) else list(movies)
    missing = [name for name in wanted if name not in there]
    if missing or not wanted:
        asked = f"no {', '.join(missing)}" if missing else "no natural movie"
        raise DataError(
            f"{path} has {asked}, only {', '.join(shown) or 'no stimulus'}: choose another session or movie."
        )
    return wanted


def _check_times(movies: dict[str, Movie], samples: int, path: Path) -> None:
    for movie in movies.values():
        if movie.starts.min() < 0 or movie.starts.max() >= samples:
            raise DataError(
                f"{movie.name} in {path} ran from sample {movie.starts.min()} to {movie.starts.max()}, and "
                f"there are {samples}: fetch the file again or leave this movie out with movies=."
            )
