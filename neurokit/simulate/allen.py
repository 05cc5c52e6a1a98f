"""A simulated session of the Allen Brain Observatory: movies, running, pupil and dF/F of V1 cells.

`simulate_session` draws one mouse in one session; `allen_files` writes it as AllenSDK reads it. All sessions
of a seed have the same cells, as the three sessions of a real container do, and all mice see the same
movies. Session A shows movies one and three, B one, C and C2 one and two; movie three is four times as long
and shown in two blocks. What else the real sessions show (gratings, scenes, sparse noise) is left out.

The eye is recorded but does not move the receptive fields.

Letters: S samples of the microscope (30.1 Hz), N cells, F frames of a movie, R repeats, H x W pixels.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int, UInt8

from neurokit.simulate.allen_schedule import SAMPLE_RATE, SessionParameters, on_screen, schedule
from neurokit.simulate.brain_state import autoregression
from neurokit.simulate.movie_cells import (
    MovieCells,
    calcium,
    draw_movie_cells,
    drive,
    event_rates,
    movie_output,
    respond,
    running_gain,
)
from neurokit.simulate.movies import movie

UNTRACKED = (40, 25)  # samples at the start and at the end without running speed


@dataclass(frozen=True, eq=False)
class SimulatedSession:
    """One session as the simulation knows it.

    Attributes:
        cell_ids: N, in the order of the file, which is not that of the numbers.
        time: s.
        movies: frames by name.
        starts: sample at which each frame of each repeat came on, R x F by name.
        spontaneous: first sample of the spontaneous part, and the first after it.
        speed: running, cm/s, without noise.
        running: the same as recorded, with noise, without the samples in UNTRACKED.
        pupil: azimuth and altitude (deg), and area (pixels), S x 3; None where not recorded.
        dff: dF/F as a fraction, as recorded.
        expected: the best prediction of somebody who knows the cells, the movie and the running: without
            the chance of events and the microscope's noise.
        expected_from_movie: the same without the running.
    """

    parameters: SessionParameters
    cells: MovieCells
    cell_ids: Int[np.ndarray, "N"]
    time: Float[np.ndarray, "S"]
    movies: dict[str, UInt8[np.ndarray, "_ H W"]]
    starts: dict[str, Int[np.ndarray, "R _"]]
    spontaneous: tuple[int, int]
    speed: Float[np.ndarray, "S"]
    running: Float[np.ndarray, "s"]
    pupil: Float[np.ndarray, "S 3"] | None
    dff: Float32[np.ndarray, "N S"]
    expected: Float32[np.ndarray, "N S"]
    expected_from_movie: Float32[np.ndarray, "N S"]


def simulate_session(parameters: SessionParameters) -> SimulatedSession:
    """Draws movies, cells, behaviour and calcium; about fifteen seconds for the default, most for movies."""
    starts, spontaneous, samples = schedule(parameters)
    movies = {
        name: movie(name, s.shape[1], parameters.height, parameters.width) for name, s in starts.items()
    }
    cells, cell_ids = _draw_cells(parameters)
    random = np.random.default_rng([parameters.seed, parameters.session_id, 2])
    speed = _speed(samples, random)
    shown = {name: on_screen(s, samples) for name, s in starts.items()}
    showing = np.any([frame >= 0 for frame in shown.values()], axis=0)
    driven = drive(movie_output(cells, movies, shown, SAMPLE_RATE), showing)
    gain = running_gain(cells, speed)
    rates = event_rates(cells, driven, gain)
    known, unknown = (
        calcium(each / SAMPLE_RATE, SAMPLE_RATE)
        for each in (rates, event_rates(cells, driven, np.broadcast_to(gain.mean(axis=0), gain.shape)))
    )
    first, last = UNTRACKED
    return SimulatedSession(
        parameters=parameters,
        cells=cells,
        cell_ids=cell_ids,
        time=6.0 + np.arange(samples) / SAMPLE_RATE,
        movies=movies,
        starts=starts,
        spontaneous=spontaneous,
        speed=speed,
        running=(speed + 0.3 * random.standard_normal(samples))[first : samples - last],
        pupil=_pupil(speed, random) if parameters.pupil else None,
        dff=_by_cell(respond(cells, rates, SAMPLE_RATE, random)),
        expected=_by_cell(known),
        expected_from_movie=_by_cell(unknown),
    )


def _draw_cells(parameters: SessionParameters) -> tuple[MovieCells, Int[np.ndarray, "N"]]:
    random = np.random.default_rng([parameters.seed, 1])
    cells = draw_movie_cells(
        parameters.cells,
        parameters.height,
        parameters.width,
        random,
        complex_fraction=parameters.complex_fraction,
        running=parameters.running,
    )
    return cells, 920_000_000 + 1000 * parameters.seed + random.permutation(parameters.cells)


def _speed(samples: int, random: np.random.Generator) -> Float[np.ndarray, "S"]:
    """cm/s: bouts of about ten seconds, with a speed that varies within them, and rest between."""
    bout = autoregression(samples, 10 * SAMPLE_RATE, random)
    pace = autoregression(samples, 1.5 * SAMPLE_RATE, random)
    return 15 * np.clip(bout - 0.2, 0, 1.2) * np.exp(0.3 * pace)


def _pupil(speed: Float[np.ndarray, "S"], random: np.random.Generator) -> Float[np.ndarray, "S 3"]:
    """The eye wanders, the pupil is wide when the mouse runs, and blinks leave NaN."""
    samples = len(speed)
    azimuth, altitude, slow = (autoregression(samples, 3 * SAMPLE_RATE, random) for _ in range(3))
    area = 1500 * np.exp(0.4 * np.tanh(speed / 10) + 0.2 * slow)
    pupil = np.stack([6 * azimuth, 2 + 3 * altitude, area], axis=1)
    pupil[autoregression(samples, 5.0, random) > 2.5] = np.nan
    return pupil


def _by_cell(values: Float[np.ndarray, "S N"]) -> Float32[np.ndarray, "N S"]:
    return np.ascontiguousarray(values.T, dtype=np.float32)
