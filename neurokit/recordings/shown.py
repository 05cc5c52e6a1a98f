"""What was shown, from plain arrays: images one a trial, or the frames of movies and when each began.

Letters: K presentations, F frames, R repeats, H x W pixels.
"""

from typing import Literal

import numpy as np
from jaxtyping import Int, Real, Shaped

from neurokit.errors import DataError, read_from
from neurokit.recordings.beside import EITHER, IMAGES, MOVIE, Arrays, as_numbers
from neurokit.recordings.recording import Stimulus
from neurokit.recordings.triggers import check_frame_rate, check_triggers


def read_stimuli(given: Arrays) -> list[Stimulus]:
    """Every stimulus of the arrays; `_NAME` behind the names of its arrays tells several apart.

    Raises DataError where arrays of a stimulus do not fit each other.
    """
    movies, images, either = (_endings(given, each) for each in (MOVIE, IMAGES, EITHER))
    if doubtful := movies & images & either:
        end = min(doubtful)
        raise given.error(
            f"shown{end} or tiers{end} may be of frames{end} or images{end}; let their names end differently"
        )
    images |= {end for end in either - movies if f"shown{end}" in given}
    return [_movie(given, end) for end in sorted(movies)] + [_images(given, end) for end in sorted(images)]


def _endings(given: Arrays, stems: tuple[str, ...]) -> set[str]:
    return {
        name.removeprefix(stem)
        for name in given.arrays
        for stem in stems
        if name == stem or name.startswith(f"{stem}_")
    }


def _movie(given: Arrays, end: str) -> Stimulus:
    shown = given.whole(f"shown{end}")
    times = given.numbers(f"frame_times{end}", (1, 2) if shown is None else (1,))
    frames = _grey(given, f"frames{end}", None if shown is not None else times)
    if shown is not None and times is not None:
        with read_from(given.where):
            check_frame_rate(np.sort(times[None].astype(float)), f"frame_times{end}")
    if shown is None:
        if times is None:
            raise given.error(f"frames{end} has no frame_times{end}; give the s at which each frame began")
        times, shown = _in_order(given, end, times, None if frames is None else len(frames))
    return _stimulus(given, end, "movie", frames, shown, times)


def _in_order(
    given: Arrays, end: str, times: np.ndarray, frames: int | None
) -> tuple[np.ndarray, Int[np.ndarray, "K"]]:
    """The times of all presentations, R x F or one after the other, and the frame of each."""
    if times.ndim == 2:
        if times.shape[1] != frames and (times.shape[0] == frames or _ascends(times.T, times)):
            times = times.T
        frames = times.shape[1] if frames is None else frames
        fits = times.shape[1] == frames
    else:
        frames = len(times) if frames is None else frames
        fits = len(times) % frames == 0
    if not fits:
        raise given.error(
            f"frame_times{end} has shape {times.shape} and frames{end} {frames} frames; give times of "
            f"repeats x frames, or the frame of each in shown{end}"
        )
    remedy = f"say in shown{end} which frame each time is of"
    clock = given.arrays.get("trace_times")
    with read_from(given.where):
        check_triggers(times.reshape(-1, frames).astype(float), f"frame_times{end}", remedy, clock)
    return times.reshape(-1), np.tile(np.arange(frames), times.size // frames)


def _ascends(times: np.ndarray, rather_than: np.ndarray) -> bool:
    """Whether these times ascend row after row, and those others do not."""
    first, second = (each[np.isfinite(each)] for each in (times, rather_than))
    return bool((np.diff(first) > 0).all() and (np.diff(second) <= 0).any())


def _images(given: Arrays, end: str) -> Stimulus:
    frames, shown = _grey(given, f"images{end}"), given.whole(f"shown{end}")
    times, ids = given.times(f"image_times{end}"), _ids(given, f"image_ids{end}")
    if shown is None and ids is not None:
        frames, shown = _by_id(given, end, frames, ids)
    elif shown is None:
        if frames is None or (times is not None and len(times) != len(frames)):
            known = "no images" if frames is None else f"{len(frames)} images"
            raise given.error(
                f"{0 if times is None else len(times)} image_times{end} have {known}; say in shown{end} "
                "which image each presentation was, from 0"
            )
        given.notes.append(f"images{end}: taken as shown once each, in order, since nothing says otherwise.")
        shown = np.arange(len(frames))
    return _stimulus(given, end, "images", frames, shown, times)


def _ids(given: Arrays, name: str) -> np.ndarray | None:
    if name not in given:
        return None
    return given.text(name) if given.arrays[name].dtype.kind in "US" else given.whole(name)


def _by_id(
    given: Arrays, end: str, frames: np.ndarray | None, ids: np.ndarray
) -> tuple[np.ndarray | None, Int[np.ndarray, "K"]]:
    """Images and which of them each presentation was, from an id for each presentation."""
    if frames is not None and len(frames) != len(ids):
        if ids.dtype.kind == "U":
            raise given.error(
                f"image_ids{end} names {len(ids)} images and images{end} has {len(frames)}; say in "
                f"shown{end} which image each presentation was, from 0"
            )
        return frames, ids
    _, first, code = np.unique(ids, return_index=True, return_inverse=True)
    if frames is None or len(first) == len(ids):
        return frames, code.reshape(-1) if frames is None else np.arange(len(ids))
    for place in np.flatnonzero(first[code] != np.arange(len(ids))):
        if not np.array_equal(frames[place], frames[first[code[place]]]):
            raise given.error(
                f"presentations {first[code[place]]} and {place} have the id {ids[place]} and different "
                f"images; give one id to each image of images{end}"
            )
    return frames[first], code.reshape(-1)


def _grey(given: Arrays, name: str, times: np.ndarray | None = None) -> Real[np.ndarray, "F H W"] | None:
    """Frames of one channel, F x H x W; H x W x F where only that fits the times of all frames in order."""
    frames = given.numbers(name, (3, 4))
    if frames is None:
        return None
    frames = as_numbers(frames)
    if frames.ndim == 4:
        single = [axis for axis in (1, 3) if frames.shape[axis] == 1]
        if not single:
            raise given.error(f"{name} has shape {frames.shape}; give grey values, frames x height x width")
        frames = frames.squeeze(single[0])
    if times is not None and _fits(times, frames.shape[2]) and not _fits(times, frames.shape[0]):
        given.notes.append(f"{name}: taken as height x width x frames, which fits its times.")
        frames = np.moveaxis(frames, 2, 0)
    return frames


def _fits(times: np.ndarray, frames: int) -> bool:
    return frames in times.shape if times.ndim == 2 else len(times) % frames == 0


def _stimulus(
    given: Arrays,
    end: str,
    kind: Literal["images", "movie"],
    frames: np.ndarray | None,
    shown: Int[np.ndarray, "K"],
    times: np.ndarray | None,
) -> Stimulus:
    name = end.removeprefix("_") or ("movie" if kind == "movie" else "images")
    parts = _parts(given, f"tiers{end}", len(shown))
    if times is not None:
        times = np.asarray(times, dtype=float)
    if times is not None and len(times) == len(shown) and not (known := np.isfinite(times)).all():
        missing = f"{name}: {int((~known).sum())} of {len(times)} presentations have no time"
        if "responses" in given or "counts" in given:
            raise given.error(f"{missing}; leave these trials out of all arrays, or give no times at all")
        given.notes.append(f"{missing}: left out.")
        times, shown = times[known], shown[known]
        parts = None if parts is None else parts[known]
    try:
        return Stimulus(name, kind, frames, shown, times, parts)
    except DataError as error:
        raise DataError(f"{given.where}: {error}") from error


def _parts(given: Arrays, name: str, presentations: int) -> Shaped[np.ndarray, "K"] | None:
    """The part of each presentation; one word for each repeat holds for all its frames."""
    found = given.text(name)
    if found is not None and len(found) < presentations and presentations % len(found) == 0:
        return np.repeat(found, presentations // len(found))
    return found
