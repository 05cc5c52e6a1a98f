"""Raw traces and video as a recording that a twin can train on: resampled, standardised, written.

Traces are filtered and filled as in the pipeline behind the foundation model (cajal/foundation): a Hamming
low-pass where they are sampled faster than the frames, gaps filled by straight lines, linear interpolation.
Frames shrink by bilinear interpolation over the pixels they cover, the rule of PIL's resize.

Pupil and treadmill are centred and divided by their standard deviation, units only divided by their mean, so
that no activity stays 0 (cajal/fnn, demo 4). Means and spreads are those of the trials to fit, and of no
others.

A prepared recording is one folder: `training_data`, `evaluation_data` (see
`neurokit.digital_twin.recording`), `statistics.npz`, with which it was standardised, and `left_out.json`
where trials, repeats or units were left out.

Letters: S samples of a trace, T frames (30 Hz), N units of a recording, U of them that were ever active in
training, H x W pixels before, h x w after.
"""

import json
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int, UInt8
from scipy.ndimage import correlate1d
from torch.nn.functional import interpolate

from neurokit.arguments import explain_values
from neurokit.digital_twin.recording import TRIAL_FOLDERS, Trial, Video
from neurokit.digital_twin.trial_files import ARRAYS, check_replaceable
from neurokit.digital_twin.usable import (
    ACTIVITY,
    Usable,
    bad_pieces,
    bad_units,
    extremes,
    join_rules,
    leave_out_units,
)
from neurokit.digital_twin.writing import write_trials, write_videos
from neurokit.errors import DataError
from neurokit.files.archives import read_npz
from neurokit.files.atomic import atomic_write, atomic_write_folder
from neurokit.training.omissions import Omission, Pieces, leave_out

FRAME_PERIOD = 1 / 30  # s
LONGEST_GAP = 0.5  # s; longer than a blink
ROUNDING = 1e-6  # of an interval; a time that differs from a sample's by less is that sample's
CHUNK_SIZE = 64  # frames that are resized together: 9 MB in single precision at 144 x 256 pixels
MOST_BYTES = 1 << 24  # of a file of statistics; the largest recordings have 10,000 units
LEFT_OUT = "left_out.json"
PARTS = ("training_data", "evaluation_data", "new_stimuli", "statistics.npz", "truth.npz", LEFT_OUT)


@explain_values
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

    Values that are sampled faster (every `source_period` s, evenly) are averaged first, with a Hamming window
    of 2 round(period / source_period) + 1 samples. A straight line bridges NaN values and times without
    samples for up to `longest_gap` s; longer gaps and times outside of all values stay NaN. Raises DataError
    for infinite values, and for times that differ in number or do not ascend.
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
    sampled = _to_samples(new_times, times[known], ROUNDING * source_period)
    found = np.where(np.isnan(found), np.interp(sampled, times[inside], filled, np.nan, np.nan), found)
    return np.where(_in_gap(sampled, times[known], longest_gap), np.nan, found)


def low_pass(values: Float[np.ndarray, "S"], half: int) -> Float[np.ndarray, "S"]:
    """Means weighted by a Hamming window of 2 half + 1 samples; the ends continue with their last value."""
    window = np.hamming(2 * half + 1)
    return correlate1d(values, window / window.sum(), mode="nearest")


@explain_values
def resize_video(frames: UInt8[np.ndarray, "T H W"], size: tuple[int, int]) -> UInt8[np.ndarray, "T h w"]:
    """Frames of `size` rows and columns, a few at a time; the same memory where they have it already.

    Raises DataError for a size without pixels.
    """
    if min(size) < 1:
        raise DataError(f"size is {size}: give rows and columns of 1 or more, such as (144, 256).")
    if frames.shape[1:] == size:
        return frames
    found = np.empty((len(frames), *size), dtype=np.uint8)
    for first in range(0, len(frames), CHUNK_SIZE):
        block = torch.from_numpy(frames[first : first + CHUNK_SIZE].astype(np.float32))[:, None]
        block = interpolate(block, size=size, mode="bilinear", antialias=True)[:, 0]
        found[first : first + CHUNK_SIZE] = block.round().clamp(0, 255).numpy()
    return found


@dataclass(frozen=True, eq=False)
class TrainingStatistics:
    """Statistics of a recording's training trials, in the units of the raw traces.

    Attributes:
        unit_ids: the recording's own numbers of all its units.
        perspective_mean, perspective_std: of pupil x and y; NaN where they were not recorded.
        modulation_mean, modulation_std: of pupil radius and treadmill, likewise.
        units_mean: of all units; 0 for those that were never active.
    """

    unit_ids: Int[np.ndarray, "N"]
    perspective_mean: Float[np.ndarray, "2"]
    perspective_std: Float[np.ndarray, "2"]
    modulation_mean: Float[np.ndarray, "2"]
    modulation_std: Float[np.ndarray, "2"]
    units_mean: Float[np.ndarray, "N"]

    @property
    def active(self) -> Bool[np.ndarray, "N"]:
        """Which units have activity to divide by; these are in the trial folder, in this order."""
        return self.units_mean > 0

    def standardise(self, trial: Trial) -> Trial:
        """The raw trial as a trial folder holds it, with U units."""
        return replace(
            trial,
            perspective=_scale(trial.perspective, self.perspective_mean, self.perspective_std),
            modulation=_scale(trial.modulation, self.modulation_mean, self.modulation_std),
            units=_scale(trial.units[:, self.active], 0.0, self.units_mean[self.active]),
        )

    def write(self, path: str | Path) -> None:
        """Writes an npz file; raises DiskError."""
        with atomic_write(path) as temporary, temporary.open("wb") as stream:
            np.savez(stream, **asdict(self))


def training_statistics(trials: Iterable[Trial], unit_ids: Int[np.ndarray, "N"]) -> TrainingStatistics:
    """Statistics of those of the raw `trials` that train; the others do not count.

    NaN is left out. A behaviour that never varies is only centred, one that was never seen has no statistics,
    NaN, and is missing in all trials.
    Raises DataError where no trial trains and where no unit was active.
    """
    fitted = [trial for trial in trials if trial.training]
    if not fitted:
        raise DataError("No trial is for training: give training=True to some.")
    units_mean = sum(trial.units.sum(axis=0, dtype=np.float64) for trial in fitted)
    if not units_mean.any():
        raise DataError("No unit is active in the trials to fit: give trials with responses.")
    perspective, modulation = (
        _mean_and_std(np.concatenate([getattr(trial, kind) for trial in fitted]))
        for kind in ("perspective", "modulation")
    )
    frames = sum(len(trial.units) for trial in fitted)
    return TrainingStatistics(unit_ids, *perspective, *modulation, units_mean / frames)


def read_statistics(path: str | Path) -> TrainingStatistics:
    """What `TrainingStatistics.write` saved; raises DataError where it is missing or damaged."""
    names = [field.name for field in fields(TrainingStatistics)]
    found = read_npz(path, MOST_BYTES, names)
    units = found["unit_ids"].shape
    if any(found[name].shape != (units if "unit" in name else (2,)) for name in names) or len(units) != 1:
        raise DataError(f"{path} does not hold the statistics of one recording: convert it again.")
    return TrainingStatistics(**found)


def read_omissions(folder: str | Path) -> tuple[Omission, ...]:
    """What `write_recording` left out of a recording in that folder; raises DataError for a damaged file."""
    path = Path(folder) / LEFT_OUT
    if not path.is_file():
        return ()
    try:
        with path.open("rb") as stream:
            found = json.loads(stream.read(MOST_BYTES))
        return tuple(Omission(**each | {"names": tuple(map(str, each["names"]))}) for each in found)
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise DataError(f"{path} does not list what was left out: convert the recording again.") from error


def write_recording(
    folder: str | Path,
    trials: Sequence[Trial],
    videos: Sequence[Video],
    unit_ids: Int[np.ndarray, "N"],
    omissions: Sequence[Omission] = (),
) -> TrainingStatistics:
    """Standardises raw trials and videos and writes them, with their statistics, as one folder or not at all.

    Their traces are in the recording's own units, activity 0 or more, of any precision. Left out are trials,
    repeats and units with values that cannot be (`neurokit.digital_twin.usable`), and units that were never
    active in the training trials, since they cannot be divided by their mean. Warnings name them, and the
    folder lists them after the `omissions` of whatever was converted. Without videos there is no
    evaluation_data. An earlier recording in that folder is replaced.

    Raises DataError for a folder that holds anything but a recording, for trials that do not fit together or
    `unit_ids`, and as `training_statistics` and `write_trials` do; DiskError where the folder cannot be
    written.
    """
    check_replaceable(folder, PARTS)
    check_replaceable(Path(folder) / "training_data", TRIAL_FOLDERS)
    check_replaceable(Path(folder) / "evaluation_data", ARRAYS)
    trials, videos, unit_ids, bad = _leave_out_bad(Path(folder), trials, videos, np.asarray(unit_ids))
    statistics = training_statistics(trials, unit_ids)
    bad += leave_out(~statistics.active, unit_ids, "silent", "units")
    for omission in bad:
        warnings.warn(str(omission), stacklevel=2)
    with atomic_write_folder(folder) as temporary:
        write_trials(temporary / "training_data", map(statistics.standardise, trials))
        if videos:
            standardised = (
                replace(video, repeats=tuple(map(statistics.standardise, video.repeats))) for video in videos
            )
            write_videos(temporary / "evaluation_data", standardised)
        statistics.write(temporary / "statistics.npz")
        if everything := [each.to_dict() for each in (*omissions, *bad)]:
            (temporary / LEFT_OUT).write_text(json.dumps(everything, indent=1) + "\n", encoding="utf-8")
    return statistics


def _leave_out_bad(
    folder: Path, trials: Sequence[Trial], videos: Sequence[Video], unit_ids: Int[np.ndarray, "N"]
) -> tuple[list[Trial], list[Video], Int[np.ndarray, "_"], tuple[Omission, ...]]:
    """What is left of raw trials, videos and units, and what is left out of them."""
    shown = [(f"{video.name}/{repeat.name}", repeat) for video in videos for repeat in video.repeats]
    once: list[tuple[str, Trial]] = [(trial.name, trial) for trial in trials]
    _check_numbers([trial for _, trial in (*once, *shown)], unit_ids)
    parts = [_usable(folder, "trials", once), _usable(folder, "repeats", shown)]
    values = [_drop_bad(part) for part in parts]
    bad = join_rules(*(bad_units(found, limits=ACTIVITY) for found in values if found is not None))
    columns, left_out = leave_out_units(bad, unit_ids, folder)
    kept = [
        {name: replace(trial, units=trial.units[:, columns]) for name, trial in part.found.items()}
        for part in parts
    ]
    omissions = (*parts[0].omissions(), *parts[1].omissions(), *left_out)
    repeats = [
        replace(video, repeats=tuple(t for name, t in kept[1].items() if name.startswith(f"{video.name}/")))
        for video in videos
    ]
    return list(kept[0].values()), [each for each in repeats if each.repeats], unit_ids[columns], omissions


def _usable(folder: Path, pieces: Pieces, trials: Sequence[tuple[str, Trial]]) -> Usable[Trial]:
    """All of them, infinite behaviour as gaps; DataError where two have one name."""
    found = {
        name: replace(trial, perspective=_gaps(trial.perspective), modulation=_gaps(trial.modulation))
        for name, trial in trials
    }
    if len(found) < len(trials):
        name = Counter(name for name, _ in trials).most_common(1)[0][0]
        raise DataError(f"{folder} would hold {name} twice: give each trial or video its own name.")
    return Usable(folder, pieces, dict.fromkeys(found), found)


def _drop_bad(part: Usable[Trial]) -> Float[np.ndarray, "_K 2 N"] | None:
    """The lowest and highest values of units in what is left; None where there is nothing."""
    if not part.found:
        return None
    names = list(part.found)
    values = np.stack([extremes(trial.units) for trial in part.found.values()])
    places = [f"units of {name}" for name in names]
    part.drop(bad_pieces(values, places, names, limits=ACTIVITY))
    return values[[name in part.found for name in names]]


def _gaps(values: Float[np.ndarray, "T 2"]) -> Float[np.ndarray, "T 2"]:
    return np.where(np.isinf(values), np.nan, values) if np.isinf(values).any() else values


def _check_numbers(trials: Sequence[Trial], unit_ids: Int[np.ndarray, "N"]) -> None:
    for trial in trials:
        if trial.units.ndim != 2 or trial.units.shape[1] != len(unit_ids):
            finding = f"units of trial {trial.name} have the shape {trial.units.shape}"
            raise DataError(f"{finding}, and there are {len(unit_ids)} unit_ids: give frames x unit_ids.")


def _in_gap(
    new_times: Float[np.ndarray, "T"], known: Float[np.ndarray, "K"], longest: float
) -> Bool[np.ndarray, "T"]:
    """Which times lie between two known ones that are more than `longest` s apart."""
    steps = np.append(np.diff(known, prepend=known[0]), 0.0)  # from each known time's predecessor to it
    places = np.searchsorted(known, new_times)
    return (steps[places] > longest) & ~np.isin(new_times, known)


def _to_samples(
    new_times: Float[np.ndarray, "T"], known: Float[np.ndarray, "K"], slack: float
) -> Float[np.ndarray, "T"]:
    """The times, those that differ from a known one by less than `slack` (s) as that one."""
    right = np.clip(np.searchsorted(known, new_times), 0, len(known) - 1)
    left = np.maximum(right - 1, 0)
    nearest = np.where(new_times - known[left] < known[right] - new_times, known[left], known[right])
    return np.where(np.abs(nearest - new_times) < slack, nearest, new_times)


def _check_trace(times: np.ndarray, values: np.ndarray) -> None:
    if len(times) != len(values) or not (np.diff(times) > 0).all():  # false for NaN, too
        finding = f"The trace has {len(values)} values at {len(times)} times, or times that do not ascend"
        raise DataError(f"{finding}: give one time per value, in order.")
    if np.isinf(values).any():
        raise DataError("The trace holds infinite values: mark what was not measured by NaN.")


def _scale(
    values: Float[np.ndarray, "T K"], mean: Float[np.ndarray, "K"] | float, std: Float[np.ndarray, "K"]
) -> Float32[np.ndarray, "T K"]:
    return ((values - mean) / std).astype(np.float32)


def _mean_and_std(
    values: Float[np.ndarray, "F 2"],
) -> tuple[Float[np.ndarray, "2"], Float[np.ndarray, "2"]]:
    """Mean and deviation of each column without NaN; a deviation of 1 if it never varies, NaN if unseen."""
    seen = [column[~np.isnan(column)].astype(np.float64) for column in values.T]
    mean = np.array([column.mean() if len(column) else np.nan for column in seen])
    std = [np.nan if not len(column) else column.std() if np.ptp(column) > 0 else 1.0 for column in seen]
    return mean, np.array(std)
