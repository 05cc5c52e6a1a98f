"""When a simulated Allen session shows what: its parameters, and the samples at which frames came on.

Letters: S samples of the microscope (30.1 Hz), F frames of a movie, R repeats.
"""

from dataclasses import asdict, dataclass

import numpy as np
from jaxtyping import Int

from neurokit.errors import SettingsError
from neurokit.simulate.movies import FRAME_RATE, MOVIES

ONE, TWO, THREE = MOVIES
SAMPLE_RATE = 30.1  # Hz; a little faster than the movies, so now and then a frame stays for two samples
GAP = 8.0  # s of grey before each block and at the end
SESSIONS = {  # blocks in order of time: what is shown, and the share of its repeats
    "three_session_A": ((THREE, 0.5), (ONE, 1.0), ("spontaneous", 1.0), (THREE, 0.5)),
    "three_session_B": ((ONE, 1.0), ("spontaneous", 1.0)),
    "three_session_C": ((TWO, 1.0), ("spontaneous", 1.0), (ONE, 1.0)),
    "three_session_C2": ((ONE, 1.0), ("spontaneous", 1.0), (TWO, 1.0)),
}


@dataclass(frozen=True)
class SessionParameters:
    """One session; the same parameters give the same files.

    `frames` is the length of movies one and two. The real ones have 900; here they get the time of all the
    stimuli that are left out, so that a session is as long as a real one (115,000 samples). Set before any
    model was fitted. `spontaneous` s of grey are recorded. `running` is the planted strength of the gain by
    running: 0 takes it out.
    """

    cells: int = 60
    session_type: str = "three_session_A"
    frames: int = 2250
    height: int = 38
    width: int = 76
    repeats: int = 10
    spontaneous: float = 60.0
    running: float = 1.0
    complex_fraction: float = 0.85
    pupil: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        """Raises SettingsError for a session type or a number that no session can have."""
        if self.session_type not in SESSIONS:
            raise SettingsError(
                f"session_type is {self.session_type!r}; choose one of {', '.join(SESSIONS)}."
            )
        numbers = (self.cells, self.frames, self.height, self.width, self.repeats)
        if min(numbers) < 2 or self.repeats % 2:
            raise SettingsError(
                f"cells, frames, height, width and repeats are {numbers}; use 2 or more, and an even number "
                "of repeats."
            )

    @property
    def session_id(self) -> int:
        """A number for AllenSDK, another for each seed and session type."""
        return 900_000_000 + 10 * self.seed + list(SESSIONS).index(self.session_type)

    @property
    def container_id(self) -> int:
        """The number that the sessions of a seed share."""
        return 910_000_000 + self.seed

    def as_dict(self) -> dict[str, object]:
        """Plain data, for the file that keeps the truth."""
        return asdict(self)


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
