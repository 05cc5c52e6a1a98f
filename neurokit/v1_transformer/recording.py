"""Sessions of the Allen Brain Observatory (de Vries et al., Nature Neuroscience 23, 138-151, 2020).

Mice looked at natural movies, ten times each, while a two-photon microscope watched cells of their visual
cortex. `load_session` reads one session's NWB through AllenSDK (2.16.2): dF/F, running and pupil on one
clock. Movies and the times of their frames are read beside it: frames in chunks, and shrunk on the way, since
AllenSDK holds what it reads for good; times also where a repeat lacks some.

A real session has about 115,000 samples and up to a few hundred cells. With 200 cells and movies one and
three it takes 140 MiB: 88 of dF/F and, at 76 x 152 pixels, 50 of movies; 235 MiB at the peak of reading
(measured on a made-up file of that size). The movies at full size (665 MB for movie three) are never in
memory, unless asked for with `size=None`.

Letters: F frames, H x W pixels, R repeats, S samples of the microscope (about 30 Hz), N cells.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from jaxtyping import Float, Float32, Int, Real, Shaped, UInt8

from neurokit.errors import DataError
from neurokit.files.hdf5 import Hdf5Reader, open_hdf5
from neurokit.simulation.movies import MOVIES
from neurokit.training.omissions import Omission
from neurokit.v1_transformer.allensdk_cache import REMEDY, explain_failure, open_session
from neurokit.v1_transformer.behaviour import read_pupil, read_running
from neurokit.v1_transformer.movie_times import find_repeats
from neurokit.v1_transformer.traces import read_traces

CHUNK_SIZE = 64  # frames in memory at full size, 12 MB of a real movie (48 MB while they are shrunk)
PRESENTATION = "stimulus/presentation"
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
            sample mostly, and two now and then; none where the microscope is slower than the movie.
        numbers: of these repeats among all that were shown, from 0; None: they are all.
        rate: Hz, of its frames; None for Allen's, which have 30.
        parts: train, validation or test for each frame, or another word for none of them, where one's own
            recording says so; None: the movie is cut by its own time.
    """

    name: str
    frames: UInt8[np.ndarray, "F H W"]
    starts: Int[np.ndarray, "R F"]
    numbers: Int[np.ndarray, "R"] | None = None
    rate: float | None = None
    parts: Shaped[np.ndarray, "F"] | None = None

    @property
    def repeat_names(self) -> list[str]:
        """Of each repeat: the movie's, and the number of the repeat."""
        numbers = range(len(self.starts)) if self.numbers is None else self.numbers.tolist()
        return [f"{self.name}/{number}" for number in numbers]


@dataclass(frozen=True, eq=False)
class MovieSession:
    """One session: what a mouse saw, what its cells, its legs and its eye did.

    Attributes:
        session_id: AllenSDK's number of the session (its "ophys experiment"), or the name of one's own.
        session_type: three_session_A, _B, _C or _C2, or the format of one's own.
        structure: visual area, such as VISp (primary visual cortex); empty where not known.
        depth: micrometres below the surface; None where not known.
        cre_line: the line of mice, which determines the kind of cells, such as Cux2-CreERT2; may be empty.
        pipeline: version of the Allen Institute's processing, such as 3.0; empty for one's own.
        cell_ids: in the order of the file; equal for the same cell in other sessions of its container.
        time: s, of each sample.
        dff: dF/F as a fraction, or whatever the traces of one's own session are.
        running: cm/s, NaN where not measured, as at both ends of a session, or not read; None where not
            recorded.
        pupil: azimuth (deg), altitude (deg), size (pixels), NaN where not seen, and in units of its own in
            one's own session; None where not recorded.
        movies: by name.
        truth: file with what was planted in a simulated session, where that lies beside it.
        omissions: cells, repeats and channels that could not be used, and are not here.
        notes: what the reader of the file wants said.
        shrinks: whether a task shrinks the movies to the frame of its model, and counts stride, lag and
            window at the rates of the session and its movies, as for one's own; Allen's are shrunk when they
            are read, and have 30 Hz.
    """

    session_id: int | str
    session_type: str
    structure: str
    depth: int | None
    cre_line: str
    pipeline: str
    cell_ids: Int[np.ndarray, "N"]
    time: Float[np.ndarray, "S"]
    dff: Float32[np.ndarray, "N S"]
    running: Float32[np.ndarray, "S"] | None
    pupil: Float32[np.ndarray, "S 3"] | None
    movies: dict[str, Movie]
    truth: Path | None = None
    omissions: tuple[Omission, ...] = ()
    notes: tuple[str, ...] = ()
    shrinks: bool = False


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
    `size`, rows and columns; smaller ones and `size=None` are left as they are. Cells and repeats that cannot
    be used are left out, and `omissions` says which.

    Raises DataError where AllenSDK is missing, and where the file is missing, damaged, of another project or
    a pipeline newer than AllenSDK knows, or lacks what was asked for; the message says what to do.
    """
    path = Path(path)
    with open_hdf5(path, REMEDY) as stored:
        dataset = open_session(stored)
        with explain_failure(path, "metadata of a session"):
            facts = _read_metadata(dataset.get_metadata(), path)
        with explain_failure(path, "list of stimuli"):
            shown = dataset.list_stimuli()
        chosen = _choose_movies(movies, shown, path)
        time, cell_ids, dff, omissions = read_traces(stored, dataset, cells, without)
        found = [read_movie(stored, name, size, time) for name in chosen]
        speed, without_running = (
            read_running(stored, dataset, time) if running else (np.full(len(time), np.nan, np.float32), ())
        )
        pupil, without_pupil = read_pupil(stored, dataset, time)
    return MovieSession(
        **facts,
        cell_ids=cell_ids,
        time=time,
        dff=dff,
        running=speed,
        pupil=pupil,
        movies={movie.name: movie for movie, _ in found},
        omissions=(
            *omissions,
            *(each for _, repeats in found for each in repeats),
            *without_running,
            *without_pupil,
        ),
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


def read_movie(
    stored: Hdf5Reader, name: str, size: tuple[int, int] | None, time: Float[np.ndarray, "S"]
) -> tuple[Movie, tuple[Omission, ...]]:
    """The movie of that name, its sound repeats, and those that were left out; `time` is of the samples, s.

    Frames are shrunk to `size` (see `read_frames`). Starts are those of AllenSDK's stimulus table, which is
    not asked, since it fails where a repeat lacks a frame. Raises DataError where frames or times are missing
    or do not fit together, and where no repeat can be used.
    """
    path = Path(stored.file.filename)
    template = f"stimulus/templates/{name}_image_stack/data"
    if stored.find(template) is None:
        raise DataError(f"{path} has no frames of {name} ({template}); leave it out with movies= (--movies).")
    frames = stored.array(template, "uif")
    pixels = read_frames(frames, size, f"{name} in {path}")
    presentation = next(
        (
            place
            for place in (f"{PRESENTATION}/{name}_stimulus", f"{PRESENTATION}/{name}")
            if stored.find(place)
        ),
        f"{PRESENTATION}/{name}",
    )
    shown = stored.read(f"{presentation}/data", "iuf", (None,))
    durations = stored.read(f"{presentation}/frame_duration", "iuf", (len(shown), None))
    found = find_repeats(shown, durations[:, 0], len(pixels), time, name, path)
    return Movie(name, pixels, found.starts, found.numbers), found.omissions


def read_frames(
    stored: h5py.Dataset | Real[np.ndarray, "F rows columns"],
    size: tuple[int, int] | None,
    name: str = "The movie",
) -> UInt8[np.ndarray, "F H W"]:
    """Frames whose pixels are means over the area that they cover, rounded; None keeps the full size.

    A movie whose frames have no more rows and columns than `size` stays as it is. Grey values of another type
    than uint8 are taken where they are whole numbers from 0 to 255. Raises DataError, which begins with
    `name`, for a size without pixels, and for an array that is not a movie of grey values.
    """
    if len(stored.shape) != 3 or stored.dtype.kind not in "uif" or 0 in stored.shape:
        finding = f"{name} is {stored.dtype} of shape {stored.shape}"
        raise DataError(f"{finding}; give grey values from 0 to 255, frames x rows x columns.")
    if size is not None and min(size) < 1:
        raise DataError(f"size is {size}; give rows and columns of 1 or more, or None for the full size.")
    full = stored.shape[1:]
    rows, columns = (
        _cover_areas(before, min(before, after)) for before, after in zip(full, size or full, strict=True)
    )
    found = np.empty((stored.shape[0], len(rows), len(columns)), dtype=np.uint8)
    for first in range(0, len(found), CHUNK_SIZE):
        block = _to_grey(stored[first : first + CHUNK_SIZE], name)
        if block.shape[1:] != found.shape[1:]:
            block = np.rint(rows @ block.astype(np.float32) @ columns.T)
        found[first : first + CHUNK_SIZE] = block
    return found


def _to_grey(block: Real[np.ndarray, "f rows columns"], name: str) -> UInt8[np.ndarray, "f rows columns"]:
    """The same values as uint8; DataError where they are no grey values."""
    if block.dtype == np.uint8:
        return block
    wrong = ~((block >= 0) & (block <= 255) & (block % 1 == 0))  # true for NaN
    if wrong.any():
        finding = f"{name} has {wrong.mean():.0%} of pixels such as {block[wrong][0]:g} in {block.dtype}"
        raise DataError(
            f"{finding}; grey values are whole numbers from 0 to 255: rescale the movie, or leave it out."
        )
    return block.astype(np.uint8)


def _cover_areas(before: int, after: int) -> Float[np.ndarray, "after before"]:
    """How much of each new pixel each old one covers; rows sum to 1."""
    edges = np.linspace(0, before, after + 1)
    left, right = edges[:-1, None], edges[1:, None]
    old = np.arange(before)
    covered = np.clip(np.minimum(right, old + 1) - np.maximum(left, old), 0, None)
    return (covered / covered.sum(axis=1, keepdims=True)).astype(np.float32)
