"""Trial folders made of recordings of movies and of images, brought to 30 Hz and the monitor's pixels.

Traces are filtered and filled as in the pipeline behind the foundation model (cajal/foundation): a Hamming
low-pass where they are sampled faster than the frames, gaps filled by straight lines, linear interpolation.
Frames shrink by bilinear interpolation over the pixels they cover, the rule of PIL's resize.

A converted recording is one folder: `training_data`, `evaluation_data` (see
`neurokit.digital_twin.recording`) and `statistics.npz`, with which it was standardised. Statistics, and the
baselines that are taken off dF/F, are those of the trials to fit alone.

Letters: S samples of a trace or of the microscope, F frames of a movie, R repeats, T frames of a clip
(30 Hz), K trials, N units, H x W pixels before, h x w after.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int, UInt8
from scipy.ndimage import correlate1d
from torch.nn.functional import interpolate

from neurokit.digital_twin.recording import TRIAL_FOLDERS, Trial, Video, write_trials, write_videos
from neurokit.digital_twin.statistics import TrainingStatistics, training_statistics
from neurokit.digital_twin.trial_files import ARRAYS, check_replaceable
from neurokit.errors import DataError
from neurokit.files.atomic import atomic_write_folder

FRAME_PERIOD = 1 / 30  # s
LONGEST_GAP = 0.5  # s; longer than a blink
AT_ONCE = 64  # frames in single precision, 9 MB at 144 x 256 pixels
MONITOR = (144, 256)  # pixels of the released digital twins
CLIP = 300  # frames, 10 s
GAP = 30  # frames, 1 s; the network's convolutions look back 13
BASELINE = 10.0  # percentile of dF/F that stands for no activity
PARTS = ("training_data", "evaluation_data", "new_stimuli", "statistics.npz", "truth.npz")
SHOWN = 15  # frames: a SENSORIUM image was shown for 0.5 s


def resample_trace(
    times: Float[np.ndarray, "S"],
    values: Float[np.ndarray, "_"],
    new_times: Float[np.ndarray, "T"],
    *,
    source_period: float,
    period: float = FRAME_PERIOD,
    longest_gap: float = LONGEST_GAP,
) -> Float[np.ndarray, "T"]:
    """The trace at `new_times`, which are `period` s apart; all times in s.

    Values more often sampled than that (`source_period` s, evenly) are averaged first, with a Hamming window
    of 2 round(period / source_period) + 1 samples. NaN values, and times without samples, are bridged by a
    straight line up to `longest_gap` s; longer gaps and what lies outside of all values stay NaN. Raises
    DataError for infinite values, and times that differ in number or do not ascend.
    """
    _check_trace(times, values)
    known = np.flatnonzero(~np.isnan(values))
    if not len(known):
        return np.full(len(new_times), np.nan)
    inside = slice(known[0], known[-1] + 1)
    filled = np.interp(times[inside], times[known], values[known])
    if period > source_period:
        filled = low_pass(filled, round(period / source_period))
    found = np.interp(new_times, times[inside], filled, left=np.nan, right=np.nan)
    return np.where(_in_gap(new_times, times[known], longest_gap), np.nan, found)


def low_pass(values: Float[np.ndarray, "S"], half: int) -> Float[np.ndarray, "S"]:
    """Means weighted by a Hamming window of 2 half + 1 samples; the ends go on with their last value."""
    window = np.hamming(2 * half + 1)
    return correlate1d(values, window / window.sum(), mode="nearest")


def resize_video(frames: UInt8[np.ndarray, "T H W"], size: tuple[int, int]) -> UInt8[np.ndarray, "T h w"]:
    """Frames of `size` rows and columns, a few at a time; the same memory where they have it already.

    Raises DataError for a size without pixels.
    """
    if min(size) < 1:
        raise DataError(f"size is {size}: give rows and columns of 1 or more, such as (144, 256).")
    if frames.shape[1:] == size:
        return frames
    found = np.empty((len(frames), *size), dtype=np.uint8)
    for first in range(0, len(frames), AT_ONCE):
        block = torch.from_numpy(frames[first : first + AT_ONCE].astype(np.float32))[:, None]
        block = interpolate(block, size=size, mode="bilinear", antialias=True)[:, 0]
        found[first : first + AT_ONCE] = block.round().clamp(0, 255).numpy()
    return found


def _in_gap(
    new_times: Float[np.ndarray, "T"], known: Float[np.ndarray, "K"], longest: float
) -> Bool[np.ndarray, "T"]:
    """Which times lie between two known ones that are more than `longest` s apart."""
    steps = np.append(np.diff(known, prepend=known[0]), 0.0)  # from each known time's predecessor to it
    places = np.searchsorted(known, new_times)
    return (steps[places] > longest) & ~np.isin(new_times, known)


def _check_trace(times: np.ndarray, values: np.ndarray) -> None:
    if len(times) != len(values) or not (np.diff(times) > 0).all():  # false for NaN, too
        finding = f"The trace has {len(values)} values at {len(times)} times, or times that do not ascend"
        raise DataError(f"{finding}: give one time per value, in order.")
    if np.isinf(values).any():
        raise DataError("The trace holds infinite values: mark what was not measured by NaN.")


@runtime_checkable
class MovieRecording(Protocol):
    """Traces of cells that watched movies: what `neurokit.v1_transformer` reads from an Allen session.

    dF/F N S, its time (s) S, running (cm/s, NaN where not measured) S, pupil azimuth, altitude and size S 3
    or None; of each movie the frames F H W, and the sample at which each frame of each repeat came on R F.
    """

    cell_ids: np.ndarray
    time: np.ndarray
    dff: np.ndarray
    running: np.ndarray
    pupil: np.ndarray | None
    movies: Mapping[str, Any]


@runtime_checkable
class ImageRecording(Protocol):
    """Responses to images, as `neurokit.sensorium` reads a scan; see there for units."""

    key: str
    images: np.ndarray
    responses: np.ndarray
    behaviour: np.ndarray
    pupil_center: np.ndarray
    tiers: np.ndarray
    image_ids: np.ndarray
    unit_ids: np.ndarray
    statistics: Mapping[str, Mapping[str, np.ndarray]]

    def trials(self, tier: str) -> np.ndarray:
        """Indices of the trials of a tier."""

    def withheld(self, tier: str) -> bool:
        """Whether the responses of a tier are not published."""


@dataclass(frozen=True)
class ClipSplit:
    """Which frames of a movie train, validate and evaluate; each part apart from the next by a gap."""

    train: tuple[range, ...]
    validation: range
    evaluation: range


def split_clips(frames: int, *, clip: int = CLIP, gap: int = GAP) -> ClipSplit:
    """The last `clip` frames evaluate, the `clip` before them validate, the others train.

    Training frames are cut into clips of at most `clip` frames and about equal length; `gap` frames between
    two parts are in none. Raises DataError where no frame is left to train on.
    """
    validated = frames - 2 * clip - gap
    left = validated - gap
    if min(left, clip) < 1 or gap < 0:
        finding = (
            f"{frames} frames leave {max(left, 0)} to train beside two clips of {clip} and gaps of {gap}"
        )
        raise DataError(f"{finding}: choose shorter clips or a longer movie.")
    edges = np.linspace(0, left, -(-left // clip) + 1).round().astype(int).tolist()
    train = tuple(map(range, edges[:-1], edges[1:]))
    return ClipSplit(train, range(validated, validated + clip), range(frames - clip, frames))


def convert_session(
    session: MovieRecording,
    folder: str | Path,
    *,
    size: tuple[int, int] = MONITOR,
    clip: int = CLIP,
    gap: int = GAP,
    baseline: float = BASELINE,
) -> TrainingStatistics:
    """Writes an Allen session as a trial folder, all repeats of its movies cut alike by `split_clips`.

    A clip's frames are taken at the samples at which they came on. Units are dF/F above the `baseline`
    percentile of each cell, never below 0; pupil azimuth and altitude are the perspective, pupil size and
    running the modulation, 0 where the session has none of them. Raises DataError as `split_clips` does,
    DiskError where the folder cannot be written.
    """
    behaviour = _session_behaviour(session)
    trials, videos = [], []
    for movie in session.movies.values():
        frames = resize_video(movie.frames, size)
        split = split_clips(len(frames), clip=clip, gap=gap)
        parts = [(part, True) for part in split.train] + [(split.validation, False)]
        for number, (part, training) in enumerate(parts):
            shown = frames[part.start : part.stop], movie.starts[:, part.start : part.stop]
            trials += _repeats(session, behaviour, *shown, f"{movie.name}-{number}-", training)
        last = slice(split.evaluation.start, split.evaluation.stop)
        repeats = _repeats(session, behaviour, frames[last], movie.starts[:, last])
        videos.append(Video(movie.name, tuple(repeats)))
    fitted = np.concatenate([trial.units for trial in trials if trial.training])
    lowest = np.percentile(fitted, baseline, axis=0).astype(np.float32)
    videos = [replace(each, repeats=tuple(_above(lowest, each.repeats))) for each in videos]
    return write_recording(folder, _above(lowest, trials), videos, session.cell_ids)


def convert_scan(
    scan: ImageRecording, folder: str | Path, *, size: tuple[int, int] = MONITOR
) -> TrainingStatistics:
    """Writes a SENSORIUM scan as a trial folder: each trial shows its image for 15 frames.

    An approximation: a scan keeps one number per unit and trial, so units (and behaviour) are the same in
    all frames of a trial, and nothing tells when in these 0.5 s they responded. Windows longer than 15
    frames cannot be drawn from such a folder. Training and validation tiers become trials; repeats of a
    test image become a video, where their responses are not withheld. Without behaviour it is 0.

    Raises DataError for a test image that is shown in training, too, and DiskError.
    """
    test = [scan.trials(tier) for tier in ("test", "final_test") if not scan.withheld(tier)]
    training = [scan.trials(tier) for tier in ("train", "validation")]
    scored, used = (np.concatenate([np.arange(0), *indices]) for indices in (test, training))
    if shared := np.intersect1d(scan.image_ids[scored], scan.image_ids[used]).tolist():
        raise DataError(
            f"Images {shared[:5]} of scan {scan.key} are in a test and a training tier: drop one."
        )
    videos = []
    for image in np.unique(scan.image_ids[scored]):
        repeats = scored[scan.image_ids[scored] == image]
        videos.append(Video(str(image), tuple(_stills(scan, repeats, size))))
    return write_recording(folder, _stills(scan, used, size), videos, scan.unit_ids)


def write_recording(
    folder: str | Path, trials: Sequence[Trial], videos: Sequence[Video], unit_ids: Int[np.ndarray, "N"]
) -> TrainingStatistics:
    """Standardises raw trials and videos and writes them, with their statistics, as one folder or not at all.

    Their traces are in the recording's own units, activity 0 or more. Units that were never active in the
    trials to fit are named in a warning and left out: they cannot be divided by their mean. Without videos
    there is no evaluation_data. An earlier recording in that folder is replaced.

    Raises DataError for a folder that holds anything but a recording, and as `training_statistics` and
    `write_trials` do; DiskError where the folder cannot be written.
    """
    check_replaceable(folder, PARTS)
    check_replaceable(Path(folder) / "training_data", TRIAL_FOLDERS)
    check_replaceable(Path(folder) / "evaluation_data", ARRAYS)
    statistics = training_statistics(trials, unit_ids)
    if len(silent := unit_ids[~statistics.active]):
        finding = f"{len(silent)} units are never active in the trials to fit and are left out"
        warnings.warn(f"{finding}: {', '.join(map(str, silent))}.", stacklevel=2)
    with atomic_write_folder(folder) as temporary:
        write_trials(temporary / "training_data", map(statistics.standardise, trials))
        if videos:
            write_videos(temporary / "evaluation_data", _standardise(videos, statistics))
        statistics.write(temporary / "statistics.npz")
    return statistics


def _standardise(videos: Sequence[Video], statistics: TrainingStatistics) -> Iterator[Video]:
    for video in videos:
        yield Video(video.name, tuple(map(statistics.standardise, video.repeats)))


def _session_behaviour(session: MovieRecording) -> Float32[np.ndarray, "S 4"]:
    """Pupil azimuth, altitude, size, and running, short gaps filled; 0 where there is no such trace."""
    pupil = np.zeros((len(session.time), 3)) if session.pupil is None else session.pupil
    period = float(np.median(np.diff(session.time)))
    traces = [*pupil.T, session.running]
    filled = [
        resample_trace(session.time, trace, session.time, source_period=period, period=period)
        if not np.isnan(trace).all()
        else np.zeros(len(trace))
        for trace in traces
    ]
    return np.stack(filled, axis=1).astype(np.float32)


def _repeats(
    session: MovieRecording,
    behaviour: Float32[np.ndarray, "S 4"],
    frames: UInt8[np.ndarray, "T H W"],
    starts: Int[np.ndarray, "R T"],
    name: str = "",
    training: bool = False,
) -> list[Trial]:
    """The raw trials of one clip of a movie, a trial per repeat; units are dF/F as it is."""
    trials = []
    for repeat, samples in enumerate(starts):
        seen = behaviour[samples]
        units = np.ascontiguousarray(session.dff[:, samples].T)
        trials.append(Trial(f"{name}{repeat}", training, frames, seen[:, :2], seen[:, 2:], units))
    return trials


def _above(lowest: Float32[np.ndarray, "N"], trials: Sequence[Trial]) -> list[Trial]:
    return [replace(trial, units=np.maximum(trial.units - lowest, 0)) for trial in trials]


def _stills(scan: ImageRecording, indices: Int[np.ndarray, "K"], size: tuple[int, int]) -> list[Trial]:
    """Raw trials of a scan's trials; all frames of one are the same memory."""
    return [_still(scan, index, size) for index in indices.tolist()]


def _still(scan: ImageRecording, index: int, size: tuple[int, int]) -> Trial:
    mean, std = (np.asarray(scan.statistics["images"][word]) for word in ("mean", "std"))
    grey = np.rint(scan.images[index] * std + mean).clip(0, 255).astype(np.uint8)
    image = resize_video(grey[None], size)[0]
    pupil_size, _, running = scan.behaviour[index]
    traces = (scan.pupil_center[index], [pupil_size, running], scan.responses[index])
    held = (image, *(np.asarray(values, dtype=np.float32) for values in traces))
    shown = (np.broadcast_to(values, (SHOWN, *values.shape)) for values in held)
    return Trial(str(index), bool(scan.tiers[index] == "train"), *shown)
