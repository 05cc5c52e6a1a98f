"""When a simulated Allen session shows what: its parameters, and the samples at which frames came on.

Letters: S samples of the microscope (30.1 Hz), F frames of a movie, R repeats.
"""

from typing import Annotated, Literal

import numpy as np
from jaxtyping import Int
from pydantic import Field, model_validator

from neurokit.config import Config, Fraction, NonNegative, Number, Seed, Several
from neurokit.errors import SettingsError
from neurokit.simulate.movies import FRAME_RATE, MOVIES

ONE, TWO, THREE = MOVIES
SAMPLE_RATE = 30.1  # Hz; a little faster than the movies, so now and then a frame stays for two samples
GAP = 8.0  # s of grey before each block and at the end
SessionType = Literal["three_session_A", "three_session_B", "three_session_C", "three_session_C2"]
SESSIONS: dict[
    SessionType, tuple[tuple[str, float], ...]
] = {  # blocks in order of time: what is shown, and the share of its repeats
    "three_session_A": ((THREE, 0.5), (ONE, 1.0), ("spontaneous", 1.0), (THREE, 0.5)),
    "three_session_B": ((ONE, 1.0), ("spontaneous", 1.0)),
    "three_session_C": ((TWO, 1.0), ("spontaneous", 1.0), (ONE, 1.0)),
    "three_session_C2": ((ONE, 1.0), ("spontaneous", 1.0), (TWO, 1.0)),
}


class SessionParameters(Config):
    """One session; the same parameters give the same files."""

    cells: Several = 60
    """How many."""
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
        """A number for AllenSDK, another for each seed and session type."""
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
            block = now + _block(parameters, name, share)
            starts.setdefault(name, []).append(block)
            length = int(block[-1, -1]) + 1 - now
        now += length + round(GAP * SAMPLE_RATE)
    return {name: np.concatenate(blocks) for name, blocks in starts.items()}, spontaneous, now


def _block(parameters: SessionParameters, name: str, share: float) -> Int[np.ndarray, "R F"]:
    """Repeats that follow one another without a pause, from sample 0."""
    frames = parameters.frames * (4 if name == THREE else 1)
    repeats = round(share * parameters.repeats)
    sample = np.floor(np.arange(repeats * frames) * SAMPLE_RATE / FRAME_RATE).astype(int)
    return sample.reshape(repeats, frames)
