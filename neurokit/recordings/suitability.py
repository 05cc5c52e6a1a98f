"""Which of the four systems can take a recording, what it will lack there, and what cannot be modelled.

Systems are only named here: what they read is listed in `book/own_recordings.md`.
"""

from dataclasses import dataclass

import numpy as np

from neurokit.recordings.intervals import event_times
from neurokit.recordings.recording import Recording, Stimulus

ENCODED = ("pupil_size", "running", "wheel", "licks", "face_motion")  # some of which encoders need
FEWEST_IMAGES = 10


@dataclass(frozen=True)
class Suitability:
    """One system and this recording.

    Attributes:
        system: its name on the command line.
        missing: what it needs and the recording does not have, in words; none where it can be made of it.
        lacks: what it can do without and the recording does not have.
    """

    system: str
    missing: tuple[str, ...]
    lacks: tuple[str, ...]

    @property
    def possible(self) -> bool:
        """Whether the system can take it."""
        return not self.missing

    @property
    def sentence(self) -> str:
        """In words."""
        if self.missing:
            return f"no, needs {_join(self.missing)}"
        return f"yes, without {_join(self.lacks)}" if self.lacks else "yes, with all it reads"


def suit_systems(recording: Recording) -> tuple[Suitability, ...]:
    """Each of the four systems in turn."""
    return (
        _pupil_encoder(recording),
        _sensorium(recording),
        _v1_transformer(recording),
        _digital_twin(recording),
    )


def _pupil_encoder(recording: Recording) -> Suitability:
    trials, behaviour = recording.trials, set(_behaviour(recording))
    counted = recording.spikes is not None or (trials is not None and trials.counts)
    timed = [each for each in recording.stimuli if each.time is not None]
    by_trial = trials is not None or event_times(recording) is not None or len(timed) == 1
    needs = {
        "spikes or counts": counted,
        "trials (events with stimulus_time)": by_trial,
        "counts in two or more bins of each trial": trials is None or trials.responses.shape[1] > 1,
        f"behaviour ({', '.join(ENCODED)})": bool(behaviour & set(ENCODED)),
    }
    has = {
        "areas (all units count as one)": recording.area is not None,
        "pupil": "pupil_size" in behaviour,
        "behaviour besides the pupil": bool(behaviour & set(ENCODED[1:])),
    }
    return _suit("pupil-encoder", needs, has)


def _sensorium(recording: Recording) -> Suitability:
    images = [each for each in recording.stimuli if each.kind == "images"]
    aligned = [each for each in images if _aligned(recording, each)]
    needs = {
        "images shown one a trial": bool(images),
        "the images' frames": not images or any(each.frames is not None for each in images),
        "activity at the time of the images": not images or bool(aligned),
        f"{FEWEST_IMAGES} different images": not images or any(map(_can_be_split, images)),
    }
    return _suit("sensorium", needs, _of_eyes(recording) | {"coordinates": recording.coordinates is not None})


def _v1_transformer(recording: Recording) -> Suitability:
    return _suit("v1-transformer", _of_movies(recording), {"running": "running" in _behaviour(recording)})


def _digital_twin(recording: Recording) -> Suitability:
    return _suit("digital-twin", _of_movies(recording), _of_eyes(recording))


def _of_movies(recording: Recording) -> dict[str, bool]:
    movies = [each for each in recording.stimuli if each.kind == "movie"]
    with_frames = [each for each in movies if each.frames is not None]
    timed = [each for each in with_frames if _aligned(recording, each)]
    return {
        "a movie": bool(movies),
        "the movie's frames": not movies or bool(with_frames),
        "activity at the time of the movie": not with_frames or bool(timed),
        "traces or spikes on a clock": recording.trials is None,
    }


def _of_eyes(recording: Recording) -> dict[str, bool]:
    known = set(_behaviour(recording))
    return {
        "pupil size": "pupil_size" in known,
        "pupil position": {"pupil_x", "pupil_y"} <= known,
        "running": "running" in known,
    }


def _can_be_split(images: Stimulus) -> bool:
    """Whether there are images enough to train and to test on, or the recording says which do what."""
    return images.part is not None or len(np.unique(images.shown[images.shown >= 0])) >= FEWEST_IMAGES


def _aligned(recording: Recording, stimulus: Stimulus) -> bool:
    """Whether it is known which activity belongs to which presentation."""
    if recording.trials is not None:
        return len(stimulus.shown) == len(recording.trials.responses)
    if stimulus.time is None or recording.span is None:
        return False
    first, last = recording.span
    return bool(((stimulus.time >= first) & (stimulus.time <= last)).any())


def _behaviour(recording: Recording) -> tuple[str, ...]:
    """Channels with a measured value, on clocks that share time with the activity's."""
    by_trial = {} if recording.trials is None else recording.trials.behaviour
    first, last = recording.span or (-np.inf, np.inf)
    timely = {name: trace for name, trace in recording.behaviour.items()
              if trace.time[0] <= last and trace.time[-1] >= first}  # fmt: skip
    found = {name: trace.values for name, trace in timely.items()} | dict(by_trial)
    return tuple(name for name, values in found.items() if np.isfinite(values).any())


def _suit(system: str, needs: dict[str, bool], has: dict[str, bool]) -> Suitability:
    missing = tuple(text for text, there in needs.items() if not there)
    return Suitability(system, missing, tuple(text for text, there in has.items() if not there))


def _join(words: tuple[str, ...]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
