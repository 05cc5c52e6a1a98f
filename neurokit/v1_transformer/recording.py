"""Sessions of the Allen Brain Observatory (de Vries et al., Nature Neuroscience 23, 138-151, 2020).

Mice looked at natural movies, ten times each, while a two-photon microscope watched cells of their visual
cortex. `load_session` reads one session's NWB through AllenSDK (2.16.2): dF/F, running and pupil on one
clock, and the movies with the times of their frames, which are AllenSDK's answer. Frames are read from the
file in chunks and shrunk on the way, since AllenSDK holds what it reads for good.

A real session has about 115,000 samples and up to a few hundred cells. With 200 cells and movies one and
three it takes 140 MiB: 88 of dF/F and, at 76 x 152 pixels, 50 of movies; 235 MiB at the peak of reading
(measured on a made-up file of that size). The movies at full size (665 MB for movie three) are never in
memory, unless asked for with `size=None`.

Letters: F frames, H x W pixels, R repeats, S samples of the microscope (about 30 Hz), N cells.
"""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from jaxtyping import Float, Float32, Int, UInt8

from neurokit.errors import DataError
from neurokit.simulation.movies import MOVIES
from neurokit.v1_transformer.allensdk_cache import explain_failure, open_session

CHUNK_SIZE = 64  # frames in memory at full size, 12 MB of a real movie (48 MB while they are shrunk)
LONGEST_PAUSE = 15  # samples from a frame to the next; AllenSDK takes a longer one for another block
METADATA = {  # field of MovieSession: name in the file's metadata
    "session_id": "ophys_experiment_id",
    "session_type": "session_type",
    "structure": "targeted_structure",
    "depth": "imaging_depth_um",
    "cre_line": "cre_line",
    "pipeline": "pipeline_version",
}


@dataclass(frozen=True, eq=False)
class Movie:
    """One movie and its repeats.

    Attributes:
        name: such as natural_movie_one.
        frames: grey values, 0 to 255.
        starts: the sample at which each frame of each repeat came on. From a frame to the next it is one
            sample mostly, and two now and then.
    """

    name: str
    frames: UInt8[np.ndarray, "F H W"]
    starts: Int[np.ndarray, "R F"]


@dataclass(frozen=True, eq=False)
class MovieSession:
    """One session: what a mouse saw, what its cells, its legs and its eye did.

    Attributes:
        session_id: AllenSDK's number of the session (its "ophys experiment").
        session_type: three_session_A, _B, _C or _C2.
        structure: visual area, such as VISp (primary visual cortex).
        depth: micrometres below the surface.
        cre_line: the line of mice, which determines the kind of cells, such as Cux2-CreERT2.
        pipeline: version of the Allen Institute's processing, such as 3.0.
        cell_ids: in the order of the file; equal for the same cell in other sessions of its container.
        time: s, of each sample.
        dff: dF/F as a fraction.
        running: cm/s, NaN where not measured, as at both ends of a session.
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
    dataset = open_session(path)
    with explain_failure(path, "metadata of a session"):
        facts = _read_metadata(dataset.get_metadata(), path)
    with explain_failure(path, "list of stimuli"):
        shown = dataset.list_stimuli()
    chosen = _choose_movies(movies, shown, path)
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


def _read_metadata(metadata: dict, path: Path) -> dict[str, Any]:
    """Fields of MovieSession by name; AllenSDK leaves out what the file does not state, or says None."""
    facts: dict[str, Any] = {field: metadata.get(theirs) for field, theirs in METADATA.items()}
    missing = [field for field, value in facts.items() if value is None]
    if missing:
        raise DataError(f"{path} does not state its {', '.join(missing)}: fetch the session again.")
    cre_line = facts["cre_line"].split("/")[0]  # the catalogue's word, without the other allele
    return facts | {"cre_line": cre_line}


def _choose_movies(movies: Sequence[str] | None, shown: list[str], path: Path) -> list[str]:
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


def read_movie(path: Path, dataset: Any, name: str, size: tuple[int, int] | None) -> Movie:
    """The movie of that name in the file at `path`, of which `dataset` is AllenSDK's reader.

    Frames are shrunk to `size` (see `read_frames`). Raises DataError where frames or times are missing
    or do not fit together.
    """
    with explain_failure(path, f"frames of {name}"), h5py.File(path) as file:
        frames = read_frames(file[f"stimulus/templates/{name}_image_stack/data"], size)
    with explain_failure(path, f"stimulus table of {name} in which all frames come equally often"):
        table = dataset.get_stimulus_table(name)
    shown, start = (table[column].to_numpy() for column in ("frame", "start"))
    if (
        not len(shown)
        or len(shown) % len(frames)
        or (shown.reshape(-1, len(frames)) != range(len(frames))).any()
    ):
        raise DataError(
            f"The stimulus table of {name} in {path} has a gap: its {len(shown)} rows are not full repeats "
            f"of {len(frames)} frames; leave this movie out with movies=."
        )
    return Movie(name, frames, _check_pauses(start.reshape(-1, len(frames)), name, path))


def read_frames(
    stored: h5py.Dataset | UInt8[np.ndarray, "F rows columns"], size: tuple[int, int] | None
) -> UInt8[np.ndarray, "F H W"]:
    """Frames whose pixels are means over the area that they cover, rounded; None keeps the full size.

    A movie whose frames have no more rows and columns than `size` stays as it is. Raises DataError for a
    size without pixels and for an array that is not a movie of 8-bit frames.
    """
    if len(stored.shape) != 3 or stored.dtype != np.uint8 or 0 in stored.shape:
        raise DataError(
            f"Frames are {stored.dtype} of shape {stored.shape}; a movie is uint8, frames x H x W."
        )
    if size is not None and min(size) < 1:
        raise DataError(f"size is {size}; give rows and columns of 1 or more, or None for the full size.")
    full = stored.shape[1:]
    rows, columns = (
        _cover_areas(before, min(before, after)) for before, after in zip(full, size or full, strict=True)
    )
    found = np.empty((stored.shape[0], len(rows), len(columns)), dtype=np.uint8)
    for first in range(0, len(found), CHUNK_SIZE):
        block = stored[first : first + CHUNK_SIZE]
        if block.shape[1:] != found.shape[1:]:
            block = np.rint(rows @ block.astype(np.float32) @ columns.T)
        found[first : first + CHUNK_SIZE] = block
    return found


def _cover_areas(before: int, after: int) -> Float[np.ndarray, "after before"]:
    """How much of each new pixel each old one covers; rows sum to 1."""
    edges = np.linspace(0, before, after + 1)
    left, right = edges[:-1, None], edges[1:, None]
    old = np.arange(before)
    covered = np.clip(np.minimum(right, old + 1) - np.maximum(left, old), 0, None)
    return (covered / covered.sum(axis=1, keepdims=True)).astype(np.float32)


def _check_pauses(starts: Int[np.ndarray, "R F"], name: str, path: Path) -> Int[np.ndarray, "R F"]:
    steps = np.diff(starts, axis=1)
    if steps.size and not 0 < steps.min() <= steps.max() <= LONGEST_PAUSE:
        repeat, frame = np.argwhere((steps < 1) | (steps > LONGEST_PAUSE))[0]
        raise DataError(
            f"{name} in {path} has a gap: frame {frame + 1} of repeat {repeat} came {steps[repeat, frame]} "
            f"samples after the one before, not 1 to {LONGEST_PAUSE}; leave this movie out with movies=."
        )
    return starts


def read_traces(
    path: Path, dataset: Any, cells: Sequence[int] | None, without: Sequence[int]
) -> tuple[Float[np.ndarray, "S"], Int[np.ndarray, "N"], Float32[np.ndarray, "N S"]]:
    """Time (s), and the ids and dF/F (fraction) of the chosen cells, in the order of the file.

    Raises DataError for an unknown id, and for cells without a dF/F that varies.
    """
    with explain_failure(path, "numbers of cells"):
        every = np.asarray(dataset.get_cell_specimen_ids(), dtype=int)
    chosen = _choose_cells(every, cells, without, path)
    with explain_failure(path, "dF/F traces"):
        time, dff = dataset.get_dff_traces(None if len(chosen) == len(every) else chosen)
    if dff.shape != (len(chosen), len(time)):
        raise DataError(
            f"{path} has dF/F of shape {dff.shape} for {len(chosen)} cells and {len(time)} times: fetch it "
            "again."
        )
    if not (np.diff(time) > 0).all():  # false for NaN, too
        raise DataError(f"The times of {path} are missing (NaN) or go backwards: fetch it again.")
    spread = dff.max(axis=1) - dff.min(axis=1)
    dead = chosen[~(np.isfinite(spread) & (spread > 0))]
    if len(dead):
        raise DataError(
            f"The dF/F of {len(dead)} cells in {path} is constant or not finite: leave them out with "
            f"without={[*map(int, [*without, *dead])]} (--without)."
        )
    return time, chosen, dff.astype(np.float32, copy=False)


def _choose_cells(
    every: Int[np.ndarray, "_"], cells: Sequence[int] | None, without: Sequence[int], path: Path
) -> Int[np.ndarray, "N"]:
    """Ids in the order of the file, which AllenSDK insists on."""
    wanted = every if cells is None else cells
    for ids in (wanted, without):
        if np.ndim(ids) != 1 or not all(isinstance(number, Integral) for number in ids):
            raise DataError(
                f"cells and without are lists of whole numbers, the ids of cells; {ids!r} is not."
            )
    unknown = [int(number) for number in (*wanted, *without) if number not in every]
    chosen = every[np.isin(every, wanted) & ~np.isin(every, without)]
    if unknown or not len(chosen):
        asked = f"no cells {unknown}" if unknown else "no cell left"
        raise DataError(
            f"{path} has {asked}: choose of its {len(every)} cells, such as {every[:3].tolist()}."
        )
    return chosen


def read_running(path: Path, dataset: Any, time: Float[np.ndarray, "S"]) -> Float32[np.ndarray, "S"]:
    """cm/s, NaN where not measured; raises DataError where it is so everywhere, or there is none."""
    with explain_failure(path, "running speed on the microscope's clock (running=False reads it without)"):
        speed, times = dataset.get_running_speed()
    if not np.array_equal(times, time) or speed.shape != time.shape:
        finding = (
            f"The running speed in {path} has {len(times)} times and {' x '.join(map(str, speed.shape))} "
            f"values, not those of the microscope's {len(time)} samples"
        )
        raise DataError(f"{finding}: read it with running=False (--running none) or choose another session.")
    if np.isnan(speed).all():
        raise DataError(
            f"The running speed in {path} is NaN throughout: read it with running=False (--running none)."
        )
    return speed.astype(np.float32)


def read_pupil(path: Path, dataset: Any, time: Float[np.ndarray, "S"]) -> Float32[np.ndarray, "S 3"] | None:
    """Azimuth and altitude (deg) and size (pixels) on the microscope's clock; None where not recorded.

    NaN before the first time and after the last, and beside a NaN of the file.
    """
    missing = importlib.import_module("allensdk.brain_observatory.brain_observatory_exceptions")
    with explain_failure(path, "pupil that can be read"):
        try:
            times, angles = dataset.get_pupil_location()
            size_times, size = dataset.get_pupil_size()
        except missing.NoEyeTrackingException:
            return None
        sources = [(times, angles[:, 0]), (times, angles[:, 1]), (size_times, size.reshape(-1))]
        found = [np.interp(time, *source, left=np.nan, right=np.nan) for source in sources]
    return np.stack(found, axis=1).astype(np.float32)
