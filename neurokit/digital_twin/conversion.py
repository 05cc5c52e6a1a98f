"""Recordings of movies, images and the public MICrONS scans, converted to folders that a twin trains on.

    scan = load_scan("microns.h5", 4, 7, areas=["V1"])
    convert_microns(scan, "microns.h5", "scan-4-7")

An Allen session shows movies: they are cut into trials. A SENSORIUM scan shows images: each becomes a trial
of 15 equal frames. A MICrONS scan shows videos and comes with every fourth sample of what was recorded at
30 Hz: traces go in straight lines between samples (so three values of four are made up, and nothing is faster
than 3.75 Hz), and a frame stays until the next sample. Its delay of 66 ms or more to the responses is left as
it is. All are resampled, standardised and written by `neurokit.digital_twin.preparation`.

Baselines that are subtracted from dF/F come only from the training trials.

Letters: S samples of a session, F samples of a MICrONS trial (7.5 Hz), R repeats, T frames of a trial
(30 Hz; 4 F - 3 in MICrONS), K trials or traces, N units, H x W monitor pixels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Float32, Int, UInt8
from scipy.interpolate import make_interp_spline

from neurokit.digital_twin.microns import PERIOD, MicronsScan, MicronsTrial, encode_hash, load_video
from neurokit.digital_twin.preparation import (
    FRAME_PERIOD,
    TrainingStatistics,
    resample_trace,
    resize_video,
    write_recording,
)
from neurokit.digital_twin.recording import Trial, Video
from neurokit.errors import DataError
from neurokit.training.omissions import Omission, leave_out

MONITOR = (144, 256)  # pixels of the released digital twins
TRIAL_FRAMES = 300  # of a movie in each trial, 10 s
GAP = 30  # frames, 1 s; the network's convolutions look back 13
BASELINE = 10.0  # percentile of dF/F that stands for no activity
IMAGE_FRAMES = 15  # a SENSORIUM image was shown for 0.5 s
STEP = round(PERIOD / FRAME_PERIOD)  # frames from one MICrONS sample to the next
VALIDATION = 0.1  # of the MICrONS videos shown once


@runtime_checkable
class MovieRecording(Protocol):
    """Traces of cells that watched movies: what `neurokit.v1_transformer` reads from an Allen session.

    dF/F N S, its time (s) S, running (cm/s, NaN where not measured) S or None, pupil azimuth, altitude and
    size S 3 or None; of each movie the frames, and the sample at which each frame of each repeat came on.
    """

    cell_ids: np.ndarray
    time: np.ndarray
    dff: np.ndarray
    running: np.ndarray | None
    pupil: np.ndarray | None
    movies: Mapping[str, Any]


@dataclass(frozen=True)
class MovieSplit:
    """Which frames of a movie train, validate and evaluate; a gap lies between two parts."""

    train: tuple[range, ...]
    validation: range
    evaluation: range


def split_movie(frames: int, *, trial_frames: int = TRIAL_FRAMES, gap: int = GAP) -> MovieSplit:
    """The last `trial_frames` frames evaluate, those before them validate, the others train.

    Training frames are cut into trials of at most `trial_frames` frames and about equal length; `gap` frames
    between two parts are in none. Raises DataError where no frame is left to train on.
    """
    validated = frames - 2 * trial_frames - gap
    left = validated - gap
    if min(left, trial_frames) < 1 or gap < 0:
        finding = (
            f"{frames} frames leave {max(left, 0)} to train beside two trials of {trial_frames} and gaps"
        )
        raise DataError(f"{finding} of {gap}: choose shorter trials or a longer movie.")
    edges = np.linspace(0, left, -(-left // trial_frames) + 1).round().astype(int).tolist()
    train = tuple(map(range, edges[:-1], edges[1:]))
    return MovieSplit(train, range(validated, validated + trial_frames), range(frames - trial_frames, frames))


def convert_session(
    session: MovieRecording,
    folder: str | Path,
    *,
    size: tuple[int, int] = MONITOR,
    trial_frames: int = TRIAL_FRAMES,
    gap: int = GAP,
    baseline: float = BASELINE,
) -> TrainingStatistics:
    """Writes an Allen session as a trial folder, all repeats of its movies cut alike by `split_movie`.

    A trial's frames are taken at the samples at which they came on. Units are dF/F above the `baseline`
    percentile of each cell, never below 0; pupil azimuth and altitude are the perspective, pupil size and
    running the modulation, NaN where the session has none of them. Raises DataError as `split_movie` does,
    DiskError where the folder cannot be written.
    """
    behaviour = _session_behaviour(session)
    trials, videos = [], []
    for movie in session.movies.values():
        frames = resize_video(movie.frames, size)
        split = split_movie(len(frames), trial_frames=trial_frames, gap=gap)
        parts = [(part, True) for part in split.train] + [(split.validation, False)]
        for number, (part, training) in enumerate(parts):
            shown = frames[part.start : part.stop], movie.starts[:, part.start : part.stop]
            trials += _repeats(session, behaviour, *shown, f"{movie.name}-{number}-", training)
        last = slice(split.evaluation.start, split.evaluation.stop)
        repeats = _repeats(session, behaviour, frames[last], movie.starts[:, last])
        videos.append(Video(movie.name, tuple(repeats)))
    lowest = _percentile([trial.units for trial in trials if trial.training], baseline)
    videos = [replace(each, repeats=tuple(subtract_lowest(lowest, each.repeats))) for each in videos]
    return write_recording(
        folder, subtract_lowest(lowest, trials), videos, session.cell_ids, _left_out(session)
    )


def _left_out(recording: object) -> tuple[Omission, ...]:
    """What the recording's own reader left out."""
    return getattr(recording, "omissions", ())


def _session_behaviour(session: MovieRecording) -> Float32[np.ndarray, "S 4"]:
    """Pupil azimuth, altitude, size, and running, short gaps filled; NaN where there is no such trace."""
    unseen = np.full((len(session.time), 3), np.nan)
    pupil = unseen if session.pupil is None else session.pupil
    running = unseen[:, 0] if session.running is None else session.running
    period = float(np.median(np.diff(session.time)))
    filled = [
        resample_trace(session.time, trace, session.time, source_period=period, period=period)
        for trace in (*pupil.T, running)
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
    """The raw trials of one part of a movie, a trial per repeat; units are dF/F as it is."""
    trials = []
    for repeat, samples in enumerate(starts):
        seen = behaviour[samples]
        units = np.ascontiguousarray(session.dff[:, samples].T)
        trials.append(Trial(f"{name}{repeat}", training, frames, seen[:, :2], seen[:, 2:], units))
    return trials


def _percentile(responses: Sequence[Float32[np.ndarray, "_ N"]], baseline: float) -> Float32[np.ndarray, "N"]:
    """The percentile of dF/F over all these frames that stands for no activity."""
    return np.percentile(np.concatenate(responses), baseline, axis=0).astype(np.float32)


def subtract_lowest(lowest: Float32[np.ndarray, "N"], trials: Sequence[Trial]) -> list[Trial]:
    """The trials with each unit's activity above its lowest, never below 0."""
    return [replace(trial, units=np.maximum(trial.units - lowest, 0)) for trial in trials]


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


def convert_scan(
    scan: ImageRecording, folder: str | Path, *, size: tuple[int, int] = MONITOR
) -> TrainingStatistics:
    """Writes a SENSORIUM scan as a trial folder: each trial shows its image for 15 frames.

    An approximation: a scan has one number per unit and trial, so units (and behaviour) are the same in all
    frames of a trial, and it is unknown when in these 0.5 s they responded. Clips of more than 15 frames
    cannot be drawn from such a folder. Training and validation tiers become trials; repeats of a test image
    become a video, where their responses are not withheld. Behaviour that is all 0 was not published, and is
    NaN.

    A trial to fit or to validate with that shows a test image is left out, which the folder lists. Raises
    DataError as `write_recording` does, and DiskError.
    """
    test = [scan.trials(tier) for tier in ("test", "final_test") if not scan.withheld(tier)]
    training = [scan.trials(tier) for tier in ("train", "validation")]
    scored, used = (np.concatenate([np.arange(0), *indices]) for indices in (test, training))
    shared = np.isin(scan.image_ids[used], scan.image_ids[scored])
    omissions = (*_left_out(scan), *leave_out(shared, used, "shown_in_two_parts", "trials"))
    videos = []
    for image in np.unique(scan.image_ids[scored]):
        repeats = scored[scan.image_ids[scored] == image].tolist()
        videos.append(Video(str(image), tuple(_still(scan, index, size) for index in repeats)))
    trials = [_still(scan, index, size) for index in used[~shared].tolist()]
    return write_recording(folder, trials, videos, scan.unit_ids, omissions)


def _still(scan: ImageRecording, index: int, size: tuple[int, int]) -> Trial:
    """A raw trial that shows one image; all its frames are the same memory."""
    mean, std = (np.asarray(scan.statistics["images"][word]) for word in ("mean", "std"))
    grey = np.rint(scan.images[index] * std + mean).clip(0, 255).astype(np.uint8)
    image = resize_video(grey[None], size)[0]
    pupil_size, _, running = scan.behaviour[index] if scan.behaviour.any() else (np.nan,) * 3
    center = scan.pupil_center[index] if scan.pupil_center.any() else (np.nan,) * 2
    traces = (center, [pupil_size, running], scan.responses[index])
    constant = (image, *(np.asarray(values, dtype=np.float32) for values in traces))
    shown = (np.broadcast_to(values, (IMAGE_FRAMES, *values.shape)) for values in constant)
    return Trial(str(index), bool(scan.tiers[index] == "train"), *shown)


@dataclass(frozen=True, eq=False)
class ShownVideos:
    """The trials of a MICrONS scan by what they are for, in the order of presentation.

    Attributes:
        train: of videos shown once.
        validation: of others shown once, at least one.
        repeated: by the condition hash of the video, two or more each; these evaluate.
    """

    train: tuple[MicronsTrial, ...]
    validation: tuple[MicronsTrial, ...]
    repeated: dict[str, tuple[MicronsTrial, ...]]


def split_trials(
    trials: Sequence[MicronsTrial], *, validation: float = VALIDATION, seed: int = 0
) -> ShownVideos:
    """Which trials train, validate (a share drawn from `seed`) and evaluate.

    Raises DataError for a share outside of 0 to 1, and where no trial is left to train on.
    """
    if not 0 < validation < 1:
        raise DataError(f"validation is {validation}: give a share of the trials between 0 and 1.")
    shown: dict[str, list[MicronsTrial]] = {}
    for trial in trials:
        shown.setdefault(trial.video, []).append(trial)
    once = [repeats[0] for repeats in shown.values() if len(repeats) == 1]
    held_out = max(1, round(validation * len(once)))
    if held_out >= len(once):
        finding = (
            f"{len(once)} of {len(shown)} videos were shown once, and {held_out} of them should validate"
        )
        raise DataError(f"{finding}: take more trials, or a smaller validation share.")
    drawn = set(np.random.default_rng(seed).choice(len(once), held_out, replace=False).tolist())
    train, validating = (tuple(t for i, t in enumerate(once) if (i in drawn) == part) for part in (0, 1))
    return ShownVideos(train, validating, {n: tuple(r) for n, r in shown.items() if len(r) > 1})


def convert_microns(
    scan: MicronsScan,
    path: str | Path,
    folder: str | Path,
    *,
    size: tuple[int, int] = MONITOR,
    validation: float = VALIDATION,
    seed: int = 0,
    baseline: float = BASELINE,
) -> TrainingStatistics:
    """Writes a scan, whose videos are in the file `path`, as a trial folder, split by `split_trials`.

    Units are dF/F above the `baseline` percentile of each neuron in the trials to fit, never below 0. Pupil
    x and y are the perspective. Pupil radius is the longer half axis, since a round pupil seen from the side
    looks narrower and not longer; it and the treadmill are the modulation. Behaviour that was not seen for
    more than half a second stays NaN. All of it passes through memory: about 5 GB each for the videos of a
    full scan at 144 x 256 pixels and for 10,000 neurons, so name areas, or a smaller size.

    What `load_scan` left out is listed in the folder, too. Raises DataError as `split_trials`, `load_video`
    and `write_recording` do; DiskError where the folder cannot be written.
    """
    split = split_trials(scan.trials, validation=validation, seed=seed)
    lowest = _percentile([trial.responses for trial in split.train], baseline)
    trials = [
        _microns_trial(trial, _microns_frames(path, trial.video, size), lowest, training)
        for part, training in ((split.train, True), (split.validation, False))
        for trial in part
    ]
    videos = []
    for name, trials_of_video in split.repeated.items():
        stimulus = _microns_frames(path, name, size)  # one memory for all repeats
        repeats = tuple(_microns_trial(each, stimulus, lowest) for each in trials_of_video)
        videos.append(Video(encode_hash(name), repeats))
    return write_recording(folder, trials, videos, scan.unit_ids, scan.omissions)


def _microns_frames(path: str | Path, video: str, size: tuple[int, int]) -> UInt8[np.ndarray, "T H W"]:
    """A video at 30 Hz, up to its last sample."""
    frames = resize_video(load_video(path, video).frames, size)
    return np.repeat(frames, STEP, axis=0)[: STEP * (len(frames) - 1) + 1]


def _microns_trial(
    trial: MicronsTrial,
    stimulus: UInt8[np.ndarray, "T H W"],
    lowest: Float32[np.ndarray, "N"],
    training: bool = False,
) -> Trial:
    """A raw trial at 30 Hz: behaviour as the cameras saw it, units above their lowest activity."""
    times = FRAME_PERIOD * np.arange(len(stimulus))
    active = np.maximum(trial.responses - lowest, 0)
    return Trial(
        name=str(trial.number),
        training=training,
        stimulus=stimulus,
        perspective=_interpolate(times, *trial.pupil_center.T),
        modulation=_interpolate(times, trial.pupil_radius.max(axis=1), trial.treadmill),
        units=make_interp_spline(times[::STEP], active, k=1)(times).astype(np.float32),
    )


def _interpolate(
    times: Float[np.ndarray, "T"], *traces: Float32[np.ndarray, "F"]
) -> Float32[np.ndarray, "T K"]:
    """Traces between their samples, the first of which lies at the first time."""
    found = [
        resample_trace(times[::STEP], trace.astype(float), times, source_period=PERIOD) for trace in traces
    ]
    return np.stack(found, axis=1).astype(np.float32)
