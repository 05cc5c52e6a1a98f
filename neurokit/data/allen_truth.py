"""What a simulated Allen session was made of, and how well anybody could predict it.

No reader of sessions opens this file: it is for tests, for pictures beside a model's, and for the
ceiling beside a score.

Letters: N cells in the order of the session's file, S samples of the microscope, R repeats, F frames.
"""

import json
import zipfile
import zlib
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32, Int

from neurokit.errors import DataError
from neurokit.metrics import correlation
from neurokit.simulate.movie_cells import MovieCells

_DAMAGED = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True, eq=False)
class SessionTruth:
    """One simulated session as its maker knows it.

    Attributes:
        parameters: of the simulation, plain data.
        cells: what each cell looks for and where.
        cell_ids: N, those of the session.
        speed: running without the sensor's noise, cm/s.
        expected: mean dF/F given the movie and the running, without the chance of events and noise.
        expected_from_movie: mean dF/F given the movie, with the running's mean effect.
    """

    parameters: dict
    cells: MovieCells
    cell_ids: Int[np.ndarray, "N"]
    speed: Float[np.ndarray, "S"]
    expected: Float32[np.ndarray, "N S"]
    expected_from_movie: Float32[np.ndarray, "N S"]


@dataclass(frozen=True, eq=False)
class Ceiling:
    """Correlations of each cell's responses with the best prediction, over all frames and repeats, N each.

    single_trial   with the responses as they are
    repeat_mean    with responses and predictions averaged over repeats
    """

    single_trial: Float[np.ndarray, "N"]
    repeat_mean: Float[np.ndarray, "N"]


def ceiling(responses: Float[np.ndarray, "R F N"], expected: Float[np.ndarray, "R F N"]) -> Ceiling:
    """How well somebody would score who knows `expected`, cut from the truth as responses from dF/F.

    With `expected_from_movie` it bounds models that are not given the running, with `expected` those
    that are. Raises DataError for arrays of other shapes or with values that are not finite.
    """
    cells = responses.shape[-1]
    return Ceiling(
        single_trial=correlation(responses.reshape(-1, cells), expected.reshape(-1, cells)),
        repeat_mean=correlation(responses.mean(axis=0), expected.mean(axis=0)),
    )


def truth_path(session: str | Path) -> Path:
    """Where the truth of the session in an NWB is kept."""
    return Path(session).with_name(f"{Path(session).stem}_truth.npz")


def read_session_truth(path: str | Path) -> SessionTruth:
    """The truth in an npz; raises DataError where that is missing or damaged."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        arrays["parameters"] = json.loads(str(arrays["parameters"]))
        cells = MovieCells(**{each.name: arrays[f"cell_{each.name}"] for each in fields(MovieCells)})
        plain = (each.name for each in fields(SessionTruth) if each.name != "cells")
        return SessionTruth(cells=cells, **{name: arrays[name] for name in plain})
    except _DAMAGED as error:
        finding = f"{path} is not the truth of a simulated session ({error})"
        raise DataError(f"{finding}: remove it and simulate the session again.") from error
