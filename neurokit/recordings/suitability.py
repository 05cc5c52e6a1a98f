"""Which of the four systems can take a recording, what it will lack there, and what cannot be modelled.

Systems are only named here: what they read is listed in `book/own_recordings.md`. Stimuli count while units
were recorded, and behaviour that was measured then and changes.

Letters: K presentations or trials, n units.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from neurokit.recordings.intervals import RESPONSE, TRIAL, event_times
from neurokit.recordings.recording import Recording, Stimulus, Trace
from neurokit.settings import SYSTEMS

PUPIL = ("pupil_size", "pupil_x", "pupil_y")  # what an encoder reads if not told otherwise
ENCODED = (*PUPIL, "running", "wheel", "licks", "face_motion")  # of which encoders need one
AT_ONCE = (0.0, 0.0)  # s; a frame of a movie counts at the time at which it came on
MOVIE_SYSTEMS = ("v1-transformer", "digital-twin")
FEWEST_IMAGES = 10
FEWEST_TRIALS = 5
FEWEST_RUNS = 20  # of trials that overlap; of fewer, tenths of the session are dealt
BIN = 0.01  # s, in which an encoder counts
FEWEST_TRAINING = 2  # trials with responses, for these to differ
FEWEST_UNITS = 20  # of an area
FEWEST_FRAMES = {"v1-transformer": 181, "digital-twin": 104}  # of movies, cut in time with gaps between parts


@dataclass(frozen=True)
class Suitability:
    """One system and this recording.

    Attributes:
        system: its name on the command line.
        missing: what it needs and the recording does not have, in words; none where it can be made of it.
        lacks: what it can do without and the recording does not have.
        reads: what it can do without and the recording has.
        options: with which it is trained, where it is not with its own choice.
    """

    system: str
    missing: tuple[str, ...]
    lacks: tuple[str, ...]
    reads: tuple[str, ...] = ()
    options: str = ""

    @property
    def possible(self) -> bool:
        """Whether the system can take it."""
        return not self.missing

    @property
    def sentence(self) -> str:
        """In words."""
        if self.missing:
            return f"no, needs {_join(self.missing)}"
        said = f"yes, without {_join(self.lacks)}" if self.lacks else "yes, with all it reads"
        return f"{said}; train it with {self.options}" if self.options else said


def suit_systems(recording: Recording, usable: Int[np.ndarray, "n"] | None = None) -> tuple[Suitability, ...]:
    """Each of the four systems in turn; `usable` are columns of units that vary, by default all."""
    columns = np.arange(recording.units) if usable is None else usable
    if not len(columns):
        missing = ("units whose activity changes",)
        return tuple(Suitability(system, missing, ()) for system in SYSTEMS)
    return (
        _pupil_encoder(recording, columns),
        _sensorium(recording),
        _v1_transformer(recording),
        _digital_twin(recording),
    )


def order_by_fit(systems: tuple[Suitability, ...]) -> list[Suitability]:
    """Those that can take it, the best first: of the two that model movies, the one that reads more of it."""
    movies = [each for each in systems if each.possible and each.system in MOVIE_SYSTEMS]
    movies.sort(key=lambda each: -len(each.reads))
    return [*(each for each in systems if each.possible and each.system not in MOVIE_SYSTEMS), *movies]


def _pupil_encoder(recording: Recording, columns: Int[np.ndarray, "n"]) -> Suitability:
    trials, onsets = recording.trials, _trial_onsets(recording)
    counted = recording.spikes is not None or (trials is not None and trials.counts)
    within = _window_of(recording, onsets)
    behaviour = {name for name in _behaviour(recording, within) if name in ENCODED}
    apart = tuple(name for name, trace in recording.behaviour.items() if not _overlaps(trace, within))
    began = np.empty(0) if onsets is None else onsets
    number = len(trials.responses) if trials is not None else int(_inside(recording, began, TRIAL).sum())
    fewest, why = (FEWEST_TRIALS, "") if trials is not None else _fewest_trials(began)
    areas = np.zeros(len(columns)) if recording.area is None else recording.area[columns]
    needs = {
        "spikes or counts": counted,
        "trials (events with stimulus_time)": not counted or trials is not None or onsets is not None,
        f"{fewest} trials while units were recorded{why}": (trials is None and onsets is None)
        or number >= fewest,
        "counts in two or more bins of each trial": trials is None or trials.responses.shape[1] > 1,
        f"{FEWEST_UNITS} units in one area (or --set regions)": not counted
        or np.unique(areas, return_counts=True)[1].max() >= FEWEST_UNITS,
        f"behaviour that was measured in trials and changes ({', '.join(ENCODED)})": bool(behaviour),
        f"{_join(apart)} on the clock of the trials": not apart,
    }
    has = {
        "areas (all units count as one)": recording.area is not None,
        "pupil": bool(behaviour & set(PUPIL)),
        "behaviour besides the pupil": bool(behaviour - set(PUPIL)),
    }
    options = "" if behaviour & set(PUPIL) or not behaviour else "--set inputs=behaviour"
    return _suit("pupil-encoder", needs, has, options)


def _sensorium(recording: Recording) -> Suitability:
    images = [each for each in recording.stimuli if each.kind == "images"]
    taken = max(
        (each for each in images if each.frames is not None), key=lambda e: len(e.shown), default=None
    )
    shown = None if taken is None else _shown_inside(recording, taken)
    needs = {
        "images shown one a trial": bool(images),
        "the images' frames": not images or taken is not None,
        "activity at the time of the images": shown is None or bool(shown.any()),
        f"{FEWEST_IMAGES} different images while units were recorded": taken is None
        or shown is None
        or not shown.any()
        or _can_be_split(taken, shown),
    }
    return _suit("sensorium", needs, _of_eyes(recording) | {"coordinates": recording.coordinates is not None})


def _v1_transformer(recording: Recording) -> Suitability:
    movies = [each for each in recording.stimuli if each.kind == "movie"]
    once, fewest = [each.name for each in movies if each.repeats < 2], FEWEST_FRAMES["v1-transformer"]
    short = [each.name for each in movies if each.frames is not None and len(each.frames) < fewest]
    needs = _of_movies(recording) | {
        f"two repeats of {_join(once)}{_or_less(movies)}": not once,
        f"{fewest} frames of {_join(short)}{_or_less(movies)}": not short,
    }
    return _suit("v1-transformer", needs, {"running": "running" in _behaviour(recording)})


def _digital_twin(recording: Recording) -> Suitability:
    movies, fewest = (
        [each for each in recording.stimuli if each.kind == "movie"],
        FEWEST_FRAMES["digital-twin"],
    )
    frames = [len(each.frames) for each in movies if each.frames is not None]
    needs = _of_movies(recording) | {f"{fewest} frames of movies": not frames or sum(frames) >= fewest}
    return _suit("digital-twin", needs, _of_eyes(recording))


def _of_movies(recording: Recording) -> dict[str, bool]:
    movies = [each for each in recording.stimuli if each.kind == "movie"]
    unseen, untimed, outside = (
        [each.name for each in movies if lacks(each)]
        for lacks in (
            lambda each: each.frames is None,
            lambda each: each.time is None,
            lambda each: each.time is not None and not _inside(recording, each.time, AT_ONCE).any(),
        )
    )
    others = _or_less(movies)
    return {
        "a movie": bool(movies),
        f"the frames of {_join(unseen)}{others}": not unseen,
        f"the times of {_join(untimed)}{others}": not untimed,
        f"activity at the time of {_join(outside)}{others}": not outside,
        "traces or spikes on a clock": recording.trials is None,
    }


def _or_less(movies: Sequence[Stimulus]) -> str:
    """What may be done about one of several movies."""
    return " (or leave it out with --movies)" if len(movies) > 1 else ""


def _of_eyes(recording: Recording) -> dict[str, bool]:
    known = set(_behaviour(recording))
    return {
        "pupil size": "pupil_size" in known,
        "pupil position": {"pupil_x", "pupil_y"} <= known,
        "running": "running" in known,
    }


def _trial_onsets(recording: Recording) -> Float[np.ndarray, "K"] | None:
    """When trials began, as an encoder finds it: events, or the one set of images that has times."""
    onsets = event_times(recording)
    timed = [each for each in recording.stimuli if each.time is not None and each.kind == "images"]
    if onsets is None and len(timed) == 1:
        assert timed[0].time is not None
        onsets = timed[0].time[timed[0].shown >= 0]
    return None if onsets is None else onsets[np.isfinite(onsets)]


def _fewest_trials(onsets: Float[np.ndarray, "K"]) -> tuple[int, str]:
    """How many trials can be split, and why it is more than usual.

    Where trials hang together in fewer than FEWEST_RUNS runs, tenths of the session make the parts. A tenth
    must hold more trials than a trial overlaps of those after it, or its neighbours leave none of them.
    """
    start = np.sort(onsets)
    end = start + TRIAL[1] - TRIAL[0] - 0.5 * BIN
    reach = int((np.searchsorted(start, end) - np.arange(len(start)) - 1).max(initial=0))
    if not reach or 1 + (start[1:] >= end[:-1]).sum() >= FEWEST_RUNS:
        return FEWEST_TRIALS, ""
    return 10 * reach + 1, ", since they overlap in time"


def _can_be_split(images: Stimulus, shown: Bool[np.ndarray, "K"]) -> bool:
    """Whether there are images enough to train and to test on, or the recording says which do what."""
    if images.part is None:
        return len(np.unique(images.shown[shown])) >= FEWEST_IMAGES
    part, seen = images.part[shown].astype(str), images.shown[shown]
    trained = seen[part == "train"]
    fewest = 1 if (part == "validation").any() else FEWEST_IMAGES
    return len(trained) >= FEWEST_TRAINING and len(np.unique(trained)) >= fewest


def _shown_inside(recording: Recording, images: Stimulus) -> Bool[np.ndarray, "K"]:
    """Which presentations are no blank, and belong to activity that was recorded."""
    if recording.trials is not None:
        fits = len(images.shown) == len(recording.trials.responses)
        return (images.shown >= 0) & fits
    if images.time is None:
        return np.zeros(len(images.shown), dtype=bool)
    return (images.shown >= 0) & _inside(recording, images.time, RESPONSE)


def _inside(
    recording: Recording, onsets: Float[np.ndarray, "K"], window: tuple[float, float]
) -> Bool[np.ndarray, "K"]:
    """Around which onsets units were recorded, in part of that window; all, of trials without a clock."""
    if recording.trials is not None:
        return np.ones(len(onsets), dtype=bool)
    first, last = recording.span or (np.inf, -np.inf)
    return (onsets + window[1] >= first) & (onsets + window[0] <= last)


def _window_of(recording: Recording, onsets: Float[np.ndarray, "K"] | None) -> tuple[float, float]:
    """s from the first trial to the last, with what lies around them; all time where they are not known."""
    if onsets is None or not len(onsets):
        return recording.span or (-np.inf, np.inf)
    return float(onsets.min()) + TRIAL[0], float(onsets.max()) + TRIAL[1]


def _overlaps(trace: Trace, within: tuple[float, float]) -> bool:
    return bool(trace.time[0] <= within[1] and trace.time[-1] >= within[0])


def _behaviour(recording: Recording, within: tuple[float, float] | None = None) -> tuple[str, ...]:
    """Channels that were measured and change, in that time; by default that of the activity."""
    within = recording.span or (-np.inf, np.inf) if within is None else within
    found = {} if recording.trials is None else dict(recording.trials.behaviour)
    for name, trace in recording.behaviour.items():
        if _overlaps(trace, within):
            found[name] = trace.values[(trace.time >= within[0]) & (trace.time <= within[1])]
    return tuple(name for name, values in found.items() if _varies(name, values))


def _varies(name: str, values: np.ndarray) -> bool:
    """Whether two different values may be this channel's; a pupil has a size, and a lick a time."""
    known = values[np.isfinite(values)]
    known = known[known > 0] if name == "pupil_size" else known
    return len(known) > 0 and bool(name == "licks" or known.min() < known.max())


def _suit(system: str, needs: dict[str, bool], has: dict[str, bool], options: str = "") -> Suitability:
    missing = tuple(text for text, there in needs.items() if not there)
    lacks, reads = (tuple(text for text, there in has.items() if there == known) for known in (False, True))
    return Suitability(system, missing, lacks, reads, options)


def _join(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
