"""Public MICrONS scans as trial folders: brought from 7.5 to 30 Hz, split into what trains and evaluates.

    scan = load_scan("microns.h5", 4, 7, areas=["V1"])
    convert_microns(scan, "microns.h5", "scan-4-7")

The public file keeps every fourth sample of what was recorded at 30 Hz. Between samples traces go in straight
lines (three values of four are made up so, and nothing faster than 3.75 Hz is in them), and a frame stays
until the next sample. Its delay of 66 ms or more to the responses is left as it is. A video that was shown
several times evaluates, all others train, but for a share that validates.

Letters: F samples of a trial (7.5 Hz), T = 4 F - 3 frames of it (30 Hz), N neurons, H x W monitor pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32, UInt8
from scipy.interpolate import make_interp_spline

from neurokit.digital_twin.conversion import (
    BASELINE,
    FRAME_PERIOD,
    MONITOR,
    resample_trace,
    resize_video,
    write_recording,
)
from neurokit.digital_twin.microns import PERIOD, MicronsScan, MicronsTrial, encoded
from neurokit.digital_twin.microns_scans import load_video
from neurokit.digital_twin.recording import Trial, Video
from neurokit.digital_twin.statistics import TrainingStatistics
from neurokit.errors import DataError

STEP = round(PERIOD / FRAME_PERIOD)  # frames from one sample to the next
VALIDATION = 0.1  # of the videos shown once


@dataclass(frozen=True, eq=False)
class ShownVideos:
    """The trials of a scan by what they are for, in the order of presentation.

    Attributes:
        train: of videos shown once.
        validation: of others shown once, at least one.
        repeated: by the condition hash of the video, two or more each.
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
    held = max(1, round(validation * len(once)))
    if held >= len(once):
        finding = f"{len(once)} of {len(shown)} videos were shown once, and {held} of them are to validate"
        raise DataError(f"{finding}: take more trials, or a smaller validation share.")
    drawn = set(np.random.default_rng(seed).choice(len(once), held, replace=False).tolist())
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

    Raises DataError as `split_trials`, `load_video` and `write_recording` do, and for a trial that is not
    sampled at 7.5 Hz as its video is; DiskError where the folder cannot be written.
    """
    split = split_trials(scan.trials, validation=validation, seed=seed)
    fitted = np.concatenate([trial.responses for trial in split.train])
    lowest = np.percentile(fitted, baseline, axis=0).astype(np.float32)
    trials = [
        _trial(path, trial, _frames(path, trial.video, size), lowest, training)
        for part, training in ((split.train, True), (split.validation, False))
        for trial in part
    ]
    videos = []
    for name, repeats in split.repeated.items():
        stimulus = _frames(path, name, size)  # one memory for all repeats
        videos.append(Video(encoded(name), tuple(_trial(path, each, stimulus, lowest) for each in repeats)))
    return write_recording(folder, trials, videos, scan.unit_ids)


def _frames(path: str | Path, video: str, size: tuple[int, int]) -> UInt8[np.ndarray, "T H W"]:
    """A video at 30 Hz, up to its last sample."""
    frames = resize_video(load_video(path, video).frames, size)
    return np.repeat(frames, STEP, axis=0)[: STEP * (len(frames) - 1) + 1]


def _trial(
    path: str | Path,
    trial: MicronsTrial,
    stimulus: UInt8[np.ndarray, "T H W"],
    lowest: Float32[np.ndarray, "N"],
    training: bool = False,
) -> Trial:
    """A raw trial at 30 Hz: behaviour as the cameras saw it, units above their lowest activity."""
    _check(path, trial, stimulus)
    times = FRAME_PERIOD * np.arange(len(stimulus))
    active = np.maximum(trial.responses - lowest, 0)
    return Trial(
        name=str(trial.number),
        training=training,
        stimulus=stimulus,
        perspective=_at(times, *trial.pupil_center.T),
        modulation=_at(times, trial.pupil_radius.max(axis=1), trial.treadmill),
        units=make_interp_spline(times[::STEP], active, k=1)(times).astype(np.float32),
    )


def _at(times: Float[np.ndarray, "T"], *traces: Float32[np.ndarray, "F"]) -> Float32[np.ndarray, "T K"]:
    """Traces between their samples, of which the first lies at the first time."""
    found = [
        resample_trace(times[::STEP], trace.astype(float), times, source_period=PERIOD) for trace in traces
    ]
    return np.stack(found, axis=1).astype(np.float32)


def _check(path: str | Path, trial: MicronsTrial, stimulus: UInt8[np.ndarray, "T H W"]) -> None:
    remedy = f"leave this trial out with without=[{trial.number}] of load_scan"
    samples, frames = len(trial.time), (len(stimulus) - 1) // STEP + 1
    if samples != frames or samples < 2:
        finding = f"Trial {trial.number} in {path} has {samples} samples, and its video {frames} frames"
        raise DataError(f"{finding}: {remedy}.")
    expected = trial.time[0] + PERIOD * np.arange(samples)
    if not np.allclose(trial.time, expected, rtol=0, atol=PERIOD / 2):
        period = (trial.time[-1] - trial.time[0]) / (samples - 1)
        finding = f"Trial {trial.number} in {path} has a sample every {period:.3f} s, or not evenly"
        raise DataError(f"{finding}, and {PERIOD:.3f} s are needed: {remedy}.")
