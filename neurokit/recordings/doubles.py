"""Stimuli that are there twice: one content under two ids, or in two parts of the data.

Letters: F frames, K presentations.
"""

from collections import defaultdict
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from neurokit.recordings.recording import Recording, Stimulus


@dataclass(frozen=True, eq=False)
class DoubledStimuli:
    """What a split by ids would not keep apart.

    Attributes:
        pairs: (stimulus, frame) and the (stimulus, frame) before it that has the same content.
        in_two_parts: contents that are shown in more than one of train, validation and test, as (stimulus,
            frame).
        compared: whether frames were there to be compared.
    """

    pairs: tuple[tuple[tuple[str, int], tuple[str, int]], ...]
    in_two_parts: tuple[tuple[str, int], ...]
    compared: bool


def find_doubles(recording: Recording) -> DoubledStimuli:
    """Compares the content of all images, and of the frames of movies with those of other stimuli.

    Frames of one movie may be alike: it then stands still.
    """
    first: dict[object, tuple[str, int]] = {}
    pairs = []
    parts: dict[object, set[str]] = defaultdict(set)
    for number, stimulus in enumerate(recording.stimuli):
        shown = np.unique(stimulus.shown[stimulus.shown >= 0])
        keys = _contents(stimulus, shown, number)
        for frame, key in keys.items():
            name, frame_before = first.setdefault(key, (stimulus.name, frame))
            alone = stimulus.kind == "movie" and name == stimulus.name
            if (name, frame_before) != (stimulus.name, frame) and not alone:
                pairs.append(((stimulus.name, frame), (name, frame_before)))
        for frame, part in sorted(_shown_in(stimulus)):  # the same page each time
            parts[keys[frame]].add(part)
    twice = tuple(first[key] for key, held in parts.items() if len(held) > 1)
    compared = any(stimulus.frames is not None for stimulus in recording.stimuli)
    return DoubledStimuli(tuple(pairs), twice, compared)


def _contents(stimulus: Stimulus, shown: np.ndarray, number: int) -> dict[int, object]:
    """What tells the content of each frame that was shown; its own number where frames are not there."""
    if stimulus.frames is None:
        return {int(frame): (number, int(frame)) for frame in shown}
    size = f"{stimulus.frames.shape[1:]} {stimulus.frames.dtype}".encode()
    return {int(frame): _digest(stimulus.frames[frame], size) for frame in shown}


def _digest(frame: np.ndarray, start: bytes) -> bytes:
    return blake2b(np.ascontiguousarray(frame).data, digest_size=16, key=start[:64]).digest()


def _shown_in(stimulus: Stimulus) -> set[tuple[int, str]]:
    """Each frame with each part that it was shown in."""
    if stimulus.part is None:
        return set()
    part = stimulus.part.astype(str)
    known = stimulus.shown >= 0
    return set(zip(stimulus.shown[known].tolist(), part[known].tolist(), strict=True))
