"""A simulated session of the Allen Brain Observatory: movies, running, pupil and dF/F of V1 cells.

`simulate_session` draws one mouse in one session; `neurokit.v1_transformer.simulated_files` writes it as
AllenSDK reads it. All sessions of a seed have the same cells, as the three sessions of a real container do,
and all mice see the same movies. Session A shows movies one and three, B one, C and C2 one and two; movie
three is four times as long and shown in two blocks. What else the real sessions show (gratings, scenes,
sparse noise) is left out. `schedule` says at which samples each frame came on.

The eye is recorded but does not move the receptive fields.

Letters: S samples of the microscope (30.1 Hz), N cells, F frames of a movie, R repeats, H x W pixels.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from jaxtyping import Float, Float32, Int, UInt8
from pydantic import Field, model_validator

from neurokit.config import Config, Fraction, NonNegative, Number, Seed, Several
from neurokit.errors import SettingsError
from neurokit.simulation.brain_state import autoregression
from neurokit.simulation.movie_cells import (
    MovieCells,
    calcium,
    draw_movie_cells,
    drive,
    event_rates,
    movie_output,
    respond,
    running_gain,
)
from neurokit.simulation.movies import FRAME_RATE, MOVIES, movie

ONE, TWO, THREE = MOVIES
SAMPLE_RATE = 30.1  # Hz; a little faster than the movies, so now and then a frame stays for two samples
GAP = 8.0  # s of grey before each block and at the end
SessionType = Literal["three_session_A", "three_session_B", "three_session_C", "three_session_C2"]
# Blocks in order of time: what is shown, and the share of its repeats.
SESSIONS: dict[SessionType, tuple[tuple[str, float], ...]] = {
    "three_session_A": ((THREE, 0.5), (ONE, 1.0), ("spontaneous", 1.0), (THREE, 0.5)),
    "three_session_B": ((ONE, 1.0), ("spontaneous", 1.0)),
    "three_session_C": ((TWO, 1.0), ("spontaneous", 1.0), (ONE, 1.0)),
    "three_session_C2": ((ONE, 1.0), ("spontaneous", 1.0), (TWO, 1.0)),
}
UNTRACKED = (40, 25)  # samples at the start and at the end without running speed


class SessionParameters(Config):
    """One session; the same parameters give the same files."""

    cells: Several = 60
    """Number of cells."""
    session_type: SessionType = "three_session_A"
    """What is shown, and in which order (`SESSIONS`)."""
    frames: Several = 2250
    """Of movies one and two. The real ones have 900; here they get the time of all the stimuli that are left
    out, so that a session is as long as a real one (115,000 samples). Set before any model was fitted."""
    height: Several = 38
    """Rows of a frame, pixels."""
    width: Several = 76
    """Columns of a frame, pixels."""
    repeats: Several = 10
    """Times that each movie is shown; an even number."""
    spontaneous: NonNegative = 60.0
    """Grey that is recorded between movies, s."""
    running: Number = 1.0
    """Planted strength of the gain by running; 0 takes it out."""
    complex_fraction: Fraction = 0.85
    """Share of the cells that are complex."""
    pupil: bool = True
    """Whether the eye is recorded."""
    seed: Annotated[Seed, Field(le=2**32 - 1)] = 0
    """Of all that is random; AllenSDK's number of the session has it."""

    @model_validator(mode="after")
    def _halves_are_equal(self) -> "SessionParameters":
        if self.repeats % 2:
            raise SettingsError(f"repeats is {self.repeats}; use an even number.")
        return self

    @property
    def session_id(self) -> int:
        """A number for AllenSDK, different for each seed and session type."""
        return 900_000_000 + 10 * self.seed + list(SESSIONS).index(self.session_type)

    @property
    def container_id(self) -> int:
        """The number that the sessions of a seed share."""
        return 910_000_000 + self.seed


def on_screen(starts: Int[np.ndarray, "R F"], samples: int) -> Int[np.ndarray, "S"]:
    """The frame on the screen at each sample, -1 for grey; the last frame of a repeat stays one sample."""
    frame = np.full(samples, -1)
    ends = frame_ends(starts)
    for stays in range(int((ends - starts).max())):
        there = starts + stays < ends
        frame[(starts + stays)[there]] = np.nonzero(there)[1]
    return frame


def frame_ends(starts: Int[np.ndarray, "R F"]) -> Int[np.ndarray, "R F"]:
    """The first sample after each frame."""
    return np.concatenate([starts[:, 1:], starts[:, -1:] + 1], axis=1)


def schedule(
    parameters: SessionParameters,
) -> tuple[dict[str, Int[np.ndarray, "R _"]], tuple[int, int], int]:
    """Samples at which frames came on, the spontaneous part, and the number of samples."""
    starts: dict[str, list[np.ndarray]] = {}
    spontaneous, now = (0, 0), round(GAP * SAMPLE_RATE)
    for name, share in SESSIONS[parameters.session_type]:
        if name == "spontaneous":
            length = round(parameters.spontaneous * SAMPLE_RATE)
            spontaneous = (now, now + length)
        else:
            block = now + _schedule_block(parameters, name, share)
            starts.setdefault(name, []).append(block)
            length = int(block[-1, -1]) + 1 - now
        now += length + round(GAP * SAMPLE_RATE)
    return {name: np.concatenate(blocks) for name, blocks in starts.items()}, spontaneous, now


def _schedule_block(parameters: SessionParameters, name: str, share: float) -> Int[np.ndarray, "R F"]:
    """Repeats that follow one another without a pause, from sample 0."""
    frames = parameters.frames * (4 if name == THREE else 1)
    repeats = round(share * parameters.repeats)
    sample = np.floor(np.arange(repeats * frames) * SAMPLE_RATE / FRAME_RATE).astype(int)
    return sample.reshape(repeats, frames)


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
        expected: the best prediction from the cells, the movie and the running: without the chance of events
            and the microscope's noise.
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
    speed = simulate_speed(samples, random)
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
        pupil=_simulate_pupil(speed, random) if parameters.pupil else None,
        dff=_sort_by_cell(respond(cells, rates, SAMPLE_RATE, random)),
        expected=_sort_by_cell(known),
        expected_from_movie=_sort_by_cell(unknown),
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


def simulate_speed(samples: int, random: np.random.Generator) -> Float[np.ndarray, "S"]:
    """Running in cm/s: bouts of about ten seconds, with a speed that varies within them, and rest between."""
    bout = autoregression(samples, 10 * SAMPLE_RATE, random)
    pace = autoregression(samples, 1.5 * SAMPLE_RATE, random)
    return 15 * np.clip(bout - 0.2, 0, 1.2) * np.exp(0.3 * pace)


def _simulate_pupil(speed: Float[np.ndarray, "S"], random: np.random.Generator) -> Float[np.ndarray, "S 3"]:
    """The eye wanders, the pupil is wide when the mouse runs, and blinks leave NaN."""
    samples = len(speed)
    azimuth, altitude, slow = (autoregression(samples, 3 * SAMPLE_RATE, random) for _ in range(3))
    area = 1500 * np.exp(0.4 * np.tanh(speed / 10) + 0.2 * slow)
    pupil = np.stack([6 * azimuth, 2 + 3 * altitude, area], axis=1)
    pupil[autoregression(samples, 5.0, random) > 2.5] = np.nan
    return pupil


def _sort_by_cell(values: Float[np.ndarray, "S N"]) -> Float32[np.ndarray, "N S"]:
    return np.ascontiguousarray(values.T, dtype=np.float32)
