"""Videos that are shown in two parts of a task, found by the content of their frames.

What a twin saw in training says nothing about new videos, whatever its name and wherever in another video
it stands. A frame counts by its pixels, once in each video. Uniform frames, such as grey before a film,
count in none.

Letters: K trials, T frames, H x W monitor pixels.
"""

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Bool, UInt8

from neurokit.digital_twin.recording import Trial, Video

SHARED = 0.1  # of the frames of either video; less may be a title or a first frame that stays
Frames = frozenset[bytes]


def frame_digests(frames: UInt8[np.ndarray, "T H W"]) -> Frames:
    """A digest of each frame that is not uniform."""
    rows = np.ascontiguousarray(frames).reshape(len(frames), -1)
    varied = (rows != rows[:, :1]).any(axis=1)
    return frozenset(
        hashlib.blake2b(rows[index], digest_size=16).digest() for index in np.flatnonzero(varied)
    )


def find_shared(shown: Sequence[Frames], others: Iterable[Frames]) -> Bool[np.ndarray, "_"]:
    """Which of these videos share more than `SHARED` of their frames, or of those of one of the `others`."""
    others = [frames for frames in others if frames]
    every = frozenset().union(*others)
    return np.array([_shares(frames, every, others) for frames in shown], dtype=bool)


def find_shared_trials(trials: Sequence[Trial], scored: Iterable[Video]) -> Bool[np.ndarray, "K"]:
    """Which trials show a video that is scored on or, of those to fit, one that others validate with."""
    shown = [frame_digests(trial.stimulus) for trial in trials]
    shared = find_shared(shown, [frame_digests(video.repeats[0].stimulus) for video in scored])
    fitted = np.array([trial.training for trial in trials])
    validating = [shown[index] for index in np.flatnonzero(~fitted & ~shared)]
    return shared | (fitted & find_shared(shown, validating))


def _shares(frames: Frames, every: Frames, others: Sequence[Frames]) -> bool:
    common = frames & every
    if len(common) > SHARED * len(frames):
        return True
    return bool(common) and any(len(frames & other) > SHARED * len(other) for other in others)
